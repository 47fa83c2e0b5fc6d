//! Stories of groups between the two protocols, and random ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use crate::engine::groups::classic::blobs::{Named, read_assignment, write_assignment};
use crate::engine::groups::classic::testing::{request, world};
use crate::engine::groups::classic::{
    JoinAnswer, JoinRequest, JoinedMember, SyncRequest, Waited, WaiterToken,
};
use crate::engine::groups::testing::{GROUP, World, code_of};
use crate::engine::groups::{GroupState, GroupType, MigrationPolicy};
use crate::error::Code;
use crate::protocol::Writer;

/// A consumer of the classic protocol as an application has it.
#[derive(Clone, Debug, Default)]
struct Guest {
    id: Arc<str>,
    fresh: String,
    generation: i32,
    holds: Named,
    instance: Option<Arc<str>>,
    /// Keeps its partitions while it joins, and says which (KIP-429).
    cooperative: bool,
    join: Option<WaiterToken>,
    sync: Option<WaiterToken>,
    in_group: bool,
}

fn subscription(owned: &Named) -> Arc<[u8]> {
    let mut writer = Writer::new();
    writer.i16(1);
    writer.array_len(1);
    writer.string("orders");
    writer.nullable_bytes(None);
    writer.array_len(owned.len());
    for (topic, partitions) in owned {
        writer.string(topic);
        writer.array_len(partitions.len());
        partitions.iter().for_each(|p| writer.i32(*p));
    }
    writer.bytes.into()
}

/// What a leader does: turn by turn, over the four partitions of "orders".
fn share_out(members: &[JoinedMember]) -> BTreeMap<Arc<str>, Arc<[u8]>> {
    let mut shares: BTreeMap<Arc<str>, Named> = BTreeMap::new();
    for member in members {
        shares.entry(member.id.clone()).or_default();
    }
    for (partition, member) in (0..4).zip(members.iter().cycle()) {
        let share = shares.entry(member.id.clone()).or_default();
        share
            .entry(Arc::from("orders"))
            .or_default()
            .insert(partition);
    }
    let bytes = shares
        .into_iter()
        .map(|(id, share)| (id, write_assignment(&share, 1)));
    bytes.collect()
}

impl Guest {
    fn new(fresh: &str) -> Guest {
        Guest {
            fresh: fresh.to_owned(),
            ..Guest::default()
        }
    }

    /// One thing that the client would do now.
    fn act(&mut self, w: &mut World) {
        self.hear(w);
        if self.join.is_some() || self.sync.is_some() {
            return;
        }
        if self.in_group {
            match w.live_as(&self.id, self.instance.as_deref(), self.generation) {
                None => return,
                Some(Code::RebalanceInProgress) => {}
                Some(Code::IllegalGeneration) => self.holds.clear(),
                Some(Code::UnknownMemberId | Code::FencedInstanceId) => self.lost(),
                Some(other) => panic!("a heartbeat is answered with {other:?}"),
            }
        }
        self.ask(w);
        self.hear(w);
    }

    fn lost(&mut self) {
        self.holds.clear();
        self.id = Arc::from("");
    }

    fn ask(&mut self, w: &mut World) {
        self.in_group = false;
        if !self.cooperative {
            self.holds.clear();
        }
        let mut ask = request(&self.id, &self.fresh);
        ask.protocols[0].1 = subscription(&self.holds);
        ask.instance_id = self.instance.clone();
        self.join = Some(w.ask(&JoinRequest {
            rebalance_timeout: Duration::from_secs(20),
            ..ask
        }));
    }

    fn hear(&mut self, w: &mut World) {
        if let Some(answer) = self.join.and_then(|token| w.joined(token)) {
            self.join = None;
            self.joined(w, &answer);
        }
        let synced = self.sync.and_then(|token| w.answers.get(&token).cloned());
        if let Some(Waited::Sync(answer)) = synced {
            self.sync = None;
            match answer {
                Ok(answer) => {
                    self.in_group = true;
                    let given = read_assignment(&answer.assignment).unwrap();
                    let gives_up = self.holds.iter().any(|(topic, partitions)| {
                        let kept = given.get(topic);
                        partitions
                            .iter()
                            .any(|p| !kept.is_some_and(|k| k.contains(p)))
                    });
                    self.holds = given;
                    if gives_up {
                        self.ask(w);
                    }
                }
                Err(error) => self.refused(error.code()),
            }
        }
    }

    fn refused(&mut self, code: Code) {
        match code {
            Code::RebalanceInProgress => {}
            Code::IllegalGeneration => self.holds.clear(),
            Code::UnknownMemberId | Code::FencedInstanceId => self.lost(),
            other => panic!("refused with {other:?}"),
        }
    }

    fn joined(&mut self, w: &mut World, answer: &JoinAnswer) {
        if let Some(error) = &answer.error {
            return self.refused(error.code());
        }
        self.id = answer.member.clone();
        self.generation = answer.generation;
        let leads = answer.leader == answer.member;
        self.sync = Some(w.sync_as(&SyncRequest {
            group: Arc::from(GROUP),
            member: self.id.clone(),
            instance_id: self.instance.clone(),
            generation: self.generation,
            protocol_type: answer.protocol_type.clone(),
            protocol: answer.protocol.clone(),
            assignments: match leads {
                true => share_out(&answer.members),
                false => BTreeMap::new(),
            },
        }));
    }
}

struct Mixed {
    w: World,
    guests: Vec<Guest>,
}

impl Mixed {
    fn new(guests: &[&str]) -> Mixed {
        let mut mixed = Mixed {
            w: world(),
            guests: guests.iter().map(|fresh| Guest::new(fresh)).collect(),
        };
        mixed.round(6);
        mixed
    }

    /// Everybody acts a few times.
    fn round(&mut self, times: usize) {
        for _ in 0..times {
            for at in 0..self.guests.len() {
                self.guests[at].act(&mut self.w);
                self.check();
            }
            for name in self.w.clients.keys().copied().collect::<Vec<_>>() {
                if self.w.beat(name).is_err() {
                    self.w.clients.remove(name);
                }
                self.check();
            }
        }
    }

    /// No partition is read twice, whatever protocol its readers speak.
    fn check(&self) {
        self.w.check();
        let mut read = BTreeSet::new();
        let topic = self.w.topics.topics.get("orders").map(|t| t.id);
        for client in self.w.clients.values() {
            let held = topic
                .and_then(|id| client.holds.get(&id))
                .into_iter()
                .flatten();
            held.for_each(|p| assert!(read.insert(*p)));
        }
        for guest in self.guests.iter().filter(|g| g.in_group) {
            for partition in guest.holds.values().flatten() {
                assert!(read.insert(*partition), "{partition} is read twice");
            }
        }
    }

    fn held(&self) -> Vec<usize> {
        let count = |g: &Guest| g.holds.values().map(BTreeSet::len).sum();
        self.guests.iter().map(count).collect()
    }

    fn kind(&self) -> GroupType {
        self.w.groups.list().remove(0).kind
    }
}

#[test]
fn a_group_changes_its_protocol_under_its_members_and_back() {
    let mut m = Mixed::new(&["a", "b"]);
    assert_eq!((m.kind(), m.held()), (GroupType::Classic, vec![2, 2]));
    let generation = m.guests[0].generation;

    // The first member of the newer protocol comes: everybody keeps what it has until it joined.
    let answer = m.w.join("ann", &["orders"]);
    assert_eq!(
        (m.kind(), answer.epoch),
        (GroupType::Consumer, generation + 1)
    );
    assert_eq!(m.w.holds("ann").len(), 0);
    assert_eq!(m.w.commit_as("c-a", generation), None);
    assert_eq!(m.w.live("c-a", generation), Some(Code::RebalanceInProgress));
    m.round(6);
    assert_eq!((m.held(), m.w.holds("ann").len()), (vec![2, 1], 1));
    assert_eq!(m.w.state(), GroupState::Stable);
    let epoch = m.guests[0].generation;
    assert_eq!(m.w.commit_as("c-a", epoch), None);
    assert_eq!(
        m.w.commit_as("c-a", epoch - 1),
        Some(Code::IllegalGeneration)
    );
    let described = m.w.groups.describe(GROUP, &m.w.topics).unwrap();
    let classic = described.members.iter().filter(|member| member.is_classic);
    assert_eq!(classic.count(), 2);
    assert_eq!(
        code_of(m.w.groups.describe_classic(GROUP)),
        Some(Code::GroupIdNotFound)
    );

    // A second one, and a guest that comes late.
    m.w.join("bob", &["orders"]);
    m.guests.push(Guest::new("c"));
    m.round(8);
    assert_eq!(
        (m.kind(), m.w.state()),
        (GroupType::Consumer, GroupState::Stable)
    );
    let held: usize = m.held().iter().sum();
    assert_eq!(held + m.w.holds("ann").len() + m.w.holds("bob").len(), 4);

    // When the last of them goes it is a classic group again, and rebalances.
    m.w.leave("ann", false);
    assert_eq!(m.kind(), GroupType::Consumer);
    m.w.leave("bob", false);
    assert_eq!(
        (m.kind(), m.w.state()),
        (GroupType::Classic, GroupState::PreparingRebalance)
    );
    m.round(6);
    assert_eq!(
        (m.w.state(), m.held().iter().sum::<usize>()),
        (GroupState::Stable, 4)
    );
    m.check();
}

#[test]
fn a_cooperative_guest_keeps_reading_what_it_keeps() {
    let mut m = Mixed::new(&[]);
    m.guests.push(Guest {
        cooperative: true,
        ..Guest::new("a")
    });
    m.round(3);
    assert_eq!(m.held(), [4]);
    m.w.join("ann", &["orders"]);
    m.guests[0].act(&mut m.w);
    // It joined saying that it holds four, and was told two; so it joins again with two.
    assert_eq!(m.held(), [2]);
    assert_eq!(m.w.holds("ann").len(), 0);
    m.round(4);
    assert_eq!((m.held(), m.w.holds("ann").len()), (vec![2], 2));
    assert_eq!(m.w.state(), GroupState::Stable);
}

#[test]
fn whoever_waits_when_the_group_changes_is_sent_to_join_again() {
    let mut m = Mixed::new(&["a", "b"]);
    let late = m.w.ask(&request("", "c"));
    m.w.join("ann", &["orders"]);
    let answer = m.w.joined(late).unwrap();
    assert_eq!(
        answer.error.map(|e| e.code()),
        Some(Code::RebalanceInProgress)
    );
    m.round(5);
    m.check();
    // The one that the first answer named is out when its session ends.
    for _ in 0..8 {
        m.w.pass(Duration::from_secs(2));
        m.round(1);
        m.w.expire();
    }
    let described = m.w.groups.describe(GROUP, &m.w.topics).unwrap();
    assert_eq!(described.members.len(), 3);
}

#[test]
fn a_group_changes_only_as_the_settings_allow() {
    let mut m = Mixed::new(&["a"]);
    m.w.groups.settings.migration = MigrationPolicy::Downgrade;
    let refused = m.w.join_with("ann", &["orders"], |_| {});
    assert_eq!(code_of(refused), Some(Code::GroupIdNotFound));
    m.w.groups.settings.migration = MigrationPolicy::Upgrade;
    m.w.join("ann", &["orders"]);
    m.round(4);
    m.w.leave("ann", false);
    assert_eq!(m.kind(), GroupType::Consumer);
    m.round(4);
    assert_eq!(m.held(), [4]);

    // Members that are no consumers stay as they are.
    let mut w = world();
    let mut worker = request("", "a");
    worker.protocol_type = Arc::from("connect");
    w.ask_now(&worker);
    let refused = w.join_with("ann", &["orders"], |_| {});
    assert_eq!(code_of(refused), Some(Code::GroupIdNotFound));
}

#[test]
fn wrong_guests_are_refused() {
    let mut m = Mixed::new(&["a"]);
    m.w.join("ann", &["orders"]);
    m.round(4);
    let mut other = request("", "b");
    other.protocol_type = Arc::from("connect");
    assert_eq!(m.w.refused(&other), Some(Code::InconsistentGroupProtocol));
    let mut other = request("", "b");
    other.protocols[0].0 = Arc::from("unheard-of");
    assert_eq!(m.w.refused(&other), Some(Code::InconsistentGroupProtocol));
    let mut first = request("", "b");
    first.needs_id_first = true;
    let told = m.w.ask_now(&first);
    assert_eq!(told.error.map(|e| e.code()), Some(Code::MemberIdRequired));
    assert_eq!(&*told.member, "c-b");
    // Requests of the classic protocol in the name of a member of the newer one.
    let epoch = m.w.clients["ann"].epoch;
    assert_eq!(m.w.live("ann", epoch), Some(Code::UnknownMemberId));
    let token = m.w.bring("ann", epoch, &[]);
    assert_eq!(m.w.synced(token), Some(Err(Code::UnknownMemberId)));
    m.w.join("bob", &["orders"]);
    m.w.clients.remove("bob");
    let gone = m.w.go(&[("eve", None), ("c-a", None), ("bob", None)]);
    assert_eq!(gone.unwrap(), [Some(Code::UnknownMemberId), None, None]);
    m.guests.clear();
    m.round(3);
    assert_eq!(m.w.holds("ann").len(), 4);
}

#[test]
fn a_guest_that_does_not_join_in_time_is_out() {
    let mut m = Mixed::new(&["a", "b"]);
    m.w.join("ann", &["orders"]);
    let stuck = m.guests.remove(0);
    for _ in 0..5 {
        m.round(1);
        let told = m.w.live(&stuck.id, stuck.generation);
        assert_eq!(told, Some(Code::RebalanceInProgress));
        m.w.pass(Duration::from_secs(4));
        m.w.expire();
    }
    let told = m.w.live(&stuck.id, stuck.generation);
    assert_eq!(told, Some(Code::UnknownMemberId));
    m.round(4);
    assert_eq!((m.held(), m.w.holds("ann").len()), (vec![2], 2));
}

#[test]
fn a_static_guest_takes_its_place_again() {
    let mut m = Mixed::new(&[]);
    m.guests.push(Guest {
        instance: Some(Arc::from("seat")),
        ..Guest::new("1")
    });
    m.round(2);
    m.w.join("ann", &["orders"]);
    m.round(4);
    let old = m.guests[0].clone();
    m.guests[0] = Guest {
        instance: Some(Arc::from("seat")),
        ..Guest::new("2")
    };
    m.round(3);
    assert_eq!(&*m.guests[0].id, "seat-2");
    assert_eq!(m.guests[0].holds, old.holds);
    let told = m.w.live_as(&old.id, Some("seat"), old.generation);
    assert_eq!(told, Some(Code::FencedInstanceId));
}

#[test]
fn a_restart_finds_guests_in_their_group() {
    let mut m = Mixed::new(&["a", "b"]);
    m.w.join("ann", &["orders"]);
    m.round(6);
    let held = m.held();
    let again = m.w.replayed();
    m.w.groups = again;
    m.w.groups.loaded(m.w.now);
    m.round(3);
    assert_eq!((m.held(), m.w.state()), (held, GroupState::Stable));
    // A guest has the session timeout that it asked for.
    m.w.pass(Duration::from_secs(11));
    assert_eq!(m.w.expire().len(), 2);
}

#[derive(Clone, Debug)]
enum Event {
    Guest { cooperative: bool },
    Act(usize),
    GuestGoes(usize),
    Newer,
    Beat(usize),
    NewerGoes(usize),
    Pass(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => any::<bool>().prop_map(|cooperative| Event::Guest { cooperative }),
        12 => (0usize..4).prop_map(Event::Act),
        1 => (0usize..4).prop_map(Event::GuestGoes),
        2 => Just(Event::Newer),
        6 => (0usize..3).prop_map(Event::Beat),
        2 => (0usize..3).prop_map(Event::NewerGoes),
        3 => (1u64..6).prop_map(Event::Pass),
    ]
}

fn step(m: &mut Mixed, made: &mut usize, event: &Event) {
    let newer: Vec<&'static str> = m.w.clients.keys().copied().collect();
    *made += 1;
    match *event {
        Event::Guest { cooperative } if m.guests.len() < 4 => m.guests.push(Guest {
            // A classic group needs a leader that knows how to keep what is kept.
            cooperative: cooperative && !newer.is_empty(),
            ..Guest::new(&made.to_string())
        }),
        Event::Act(at) if at < m.guests.len() => m.guests[at].act(&mut m.w),
        Event::GuestGoes(at) if at < m.guests.len() => {
            let guest = m.guests.remove(at);
            let _ = m.w.go(&[(&guest.id, None)]);
        }
        Event::Newer if newer.len() < 3 => {
            // Leaked once a life, in a test: names are static there.
            let name: &'static str = format!("n{made:03}").leak();
            let joined = m.w.join_with(name, &["orders"], |_| {});
            assert!(joined.is_ok(), "{joined:?}");
        }
        Event::Beat(at) if at < newer.len() => {
            let known = m.w.beat(newer[at]).is_ok();
            m.w.clients.retain(|name, _| known || *name != newer[at]);
        }
        Event::NewerGoes(at) if at < newer.len() => m.w.leave(newer[at], false),
        Event::Pass(seconds) => {
            m.w.pass(Duration::from_secs(seconds));
            for evicted in m.w.expire() {
                // It stops reading at the same moment, as a client past its own limits does.
                m.w.clients.retain(|_, c| c.id != evicted.member);
                m.guests
                    .iter_mut()
                    .filter(|g| g.id == evicted.member)
                    .for_each(Guest::lost);
            }
        }
        _ => {}
    }
    if m.w.clients.is_empty() {
        m.guests
            .iter_mut()
            .for_each(|guest| guest.cooperative = false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_partition_has_two_readers_whatever_they_speak(
        events in prop::collection::vec(event(), 1..80),
    ) {
        let mut m = Mixed::new(&["x"]);
        let mut made = 0;
        for event in &events {
            step(&mut m, &mut made, event);
            m.check();
        }
        for _ in 0..20 {
            step(&mut m, &mut made, &Event::Pass(3));
            m.round(2);
        }
        let newer: usize = m.w.clients.values().map(|c| c.holds.values().map(BTreeSet::len).sum::<usize>()).sum();
        let all = newer + m.held().iter().sum::<usize>();
        prop_assert_eq!(all, if m.guests.is_empty() && m.w.clients.is_empty() { 0 } else { 4 });
    }
}
