//! Anything may happen, in any order: what must hold, holds after each step, and whoever waits is
//! answered in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::testing::{request, subscription, world_with};
use super::*;
use crate::engine::groups::GroupState;
use crate::engine::groups::testing::{GROUP, World};
use crate::error::Code;

#[derive(Clone, Debug)]
enum Event {
    /// A new client; with an instance id, perhaps in place of one that is there.
    Come {
        instance: Option<u8>,
        id_first: bool,
        newer: bool,
    },
    /// Joins with what it knows of itself, wanting perhaps something else.
    Join {
        who: usize,
        wants: u8,
    },
    Sync {
        who: usize,
    },
    Beat {
        who: usize,
    },
    Leave {
        who: usize,
        by_instance: bool,
    },
    Commit {
        who: usize,
    },
    Pass(u64),
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    let who = 0usize..8;
    let come = (prop::option::of(0u8..3), any::<bool>(), any::<bool>());
    prop_oneof![
        4 => come.prop_map(|(instance, id_first, newer)| Event::Come { instance, id_first, newer }),
        10 => (who.clone(), 0u8..3).prop_map(|(who, wants)| Event::Join { who, wants }),
        10 => who.clone().prop_map(|who| Event::Sync { who }),
        6 => who.clone().prop_map(|who| Event::Beat { who }),
        2 => (who.clone(), any::<bool>())
            .prop_map(|(who, by_instance)| Event::Leave { who, by_instance }),
        2 => who.prop_map(|who| Event::Commit { who }),
        4 => (1u64..15).prop_map(Event::Pass),
        1 => Just(Event::Restart),
    ]
}

#[derive(Clone, Debug, Default)]
struct Client {
    id: Arc<str>,
    instance: Option<Arc<str>>,
    generation: i32,
    leads: Vec<Arc<str>>,
    join: Option<WaiterToken>,
    sync: Option<WaiterToken>,
}

struct Run {
    world: World,
    clients: Vec<Client>,
    made: usize,
    asked: BTreeSet<WaiterToken>,
    generation: i32,
    /// Who was given the roster of a generation, to share out.
    leaders: BTreeMap<i32, Arc<str>>,
}

impl Run {
    fn join(&mut self, at: usize, change: impl FnOnce(&mut JoinRequest)) {
        self.made += 1;
        let client = &self.clients[at];
        let mut request = JoinRequest {
            instance_id: client.instance.clone(),
            rebalance_timeout: Duration::from_secs(20),
            ..request(&client.id, &format!("{:03}", self.made))
        };
        change(&mut request);
        let token = self.world.ask(&request);
        self.asked.insert(token);
        self.clients[at].join = Some(token);
    }

    fn step(&mut self, event: &Event) {
        let count = self.clients.len();
        let known = |who: usize| (count > 0).then(|| who % count);
        match *event {
            Event::Come {
                instance,
                id_first,
                newer,
            } if count < 8 => {
                self.clients.push(Client {
                    instance: instance.map(|i| Arc::from(format!("i{i}"))),
                    ..Client::default()
                });
                self.join(count, |request| {
                    request.needs_id_first = id_first && instance.is_none();
                    request.may_skip_assignment = newer;
                });
            }
            Event::Come { .. } => {}
            Event::Join { who, wants } => {
                let Some(at) = known(who) else { return };
                let topics: &[&str] =
                    [&["orders"][..], &["bills"], &["orders", "bills"]][usize::from(wants)];
                self.join(at, |request| {
                    request.protocols = vec![
                        (Arc::from("range"), subscription(topics)),
                        (Arc::from("sticky"), subscription(topics)),
                    ];
                });
            }
            Event::Sync { who } => {
                let Some(at) = known(who) else { return };
                let client = &self.clients[at];
                let shares = client
                    .leads
                    .iter()
                    .map(|id| (id.clone(), id.as_bytes().into()));
                let request = SyncRequest {
                    group: Arc::from(GROUP),
                    member: client.id.clone(),
                    instance_id: client.instance.clone(),
                    generation: client.generation,
                    assignments: shares.collect(),
                    ..SyncRequest::default()
                };
                let token = self.world.sync_as(&request);
                self.asked.insert(token);
                self.clients[at].sync = Some(token);
            }
            Event::Beat { who } => {
                let Some(at) = known(who) else { return };
                let Client {
                    id,
                    instance,
                    generation,
                    ..
                } = self.clients[at].clone();
                self.world.live_as(&id, instance.as_deref(), generation);
            }
            Event::Leave { who, by_instance } => {
                let Some(at) = known(who) else { return };
                let client = self.clients.remove(at);
                let id = match by_instance && client.instance.is_some() {
                    true => Arc::from(""),
                    false => client.id.clone(),
                };
                let _ = self.world.go(&[(&id, client.instance.as_deref())]);
            }
            Event::Commit { who } => {
                let Some(at) = known(who) else { return };
                let Client { id, generation, .. } = self.clients[at].clone();
                self.world.commit_as(&id, generation);
            }
            Event::Pass(seconds) => {
                self.world.pass(Duration::from_secs(seconds));
                self.world.expire();
            }
            Event::Restart => self.restart(),
        }
    }

    fn restart(&mut self) {
        let mut again = self.world.replayed();
        again.settings = self.world.groups.settings.clone();
        self.world.groups = again;
        self.world.groups.loaded(self.world.now);
        // Connections broke: nobody waits any more. A rebalance that ran is forgotten.
        self.asked
            .retain(|token| self.world.answers.contains_key(token));
        self.leaders.clear();
        self.generation = 0;
    }

    /// Clients hear what they were answered.
    fn hear(&mut self) {
        for at in 0..self.clients.len() {
            let join = self.clients[at].join;
            if let Some(answer) = join.and_then(|token| self.world.joined(token)) {
                self.clients[at].join = None;
                self.joined(at, &answer);
            }
            let sync = self.clients[at].sync;
            if sync.is_some_and(|token| self.world.synced(token).is_some()) {
                self.clients[at].sync = None;
            }
        }
    }

    fn joined(&mut self, at: usize, answer: &JoinAnswer) {
        let client = &mut self.clients[at];
        client.leads.clear();
        if let Some(error) = &answer.error {
            match error.code() {
                Code::MemberIdRequired => client.id = answer.member.clone(),
                Code::UnknownMemberId | Code::FencedInstanceId => client.id = Arc::from(""),
                Code::InconsistentGroupProtocol | Code::RebalanceInProgress => {}
                other => panic!("a join is answered with {other:?}"),
            }
            return;
        }
        client.id = answer.member.clone();
        client.generation = answer.generation;
        if answer.leader == answer.member && !answer.skip_assignment {
            assert!(answer.members.iter().any(|m| m.id == answer.member));
            client.leads = answer.members.iter().map(|m| m.id.clone()).collect();
            let leader = self.leaders.entry(answer.generation);
            let leader = leader.or_insert_with(|| answer.member.clone());
            assert_eq!(*leader, answer.member, "a generation has two leaders");
        }
    }

    fn check(&mut self) {
        self.world.check();
        let Some(group) = self.world.groups.groups.get(GROUP) else {
            self.generation = 0;
            self.leaders.clear();
            return;
        };
        let Some(classic) = &group.classic else {
            return;
        };
        classic.check();
        assert!(
            classic.generation >= self.generation,
            "generations went back"
        );
        self.generation = classic.generation;
        // Whoever was not answered is remembered, once.
        let members = classic.members().values();
        let waiting: Vec<WaiterToken> = members
            .flat_map(|m| [m.joining, m.syncing])
            .flatten()
            .collect();
        let open = self.asked.iter();
        let open: BTreeSet<_> = open
            .filter(|t| !self.world.answers.contains_key(t))
            .collect();
        assert_eq!(waiting.len(), open.len());
        assert!(waiting.iter().all(|token| open.contains(token)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn whoever_waits_is_answered_once_and_generations_never_go_back(
        events in prop::collection::vec(event(), 1..80),
        delay in prop_oneof![Just(0u64), Just(3)],
    ) {
        let mut run = Run {
            world: world_with(|s| s.initial_rebalance_delay = Duration::from_secs(delay)),
            clients: Vec::new(),
            made: 0,
            asked: BTreeSet::new(),
            generation: 0,
            leaders: BTreeMap::new(),
        };
        for event in &events {
            run.step(event);
            run.hear();
            run.check();
        }
        // Everybody falls silent.
        for _ in 0..100 {
            run.world.pass(Duration::from_secs(7));
            run.world.expire();
            run.check();
        }
        for token in &run.asked {
            prop_assert!(run.world.answers.contains_key(token), "{token:?} waits for ever");
        }
        prop_assert!(matches!(run.world.state(), GroupState::Empty | GroupState::Dead));
        prop_assert_eq!(run.world.groups.next_deadline(), None);
    }
}
