//! Anything may happen, in any order: what must hold, holds after each step, and when the noise ends
//! everything is read by somebody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::Heartbeat;
use super::member::{MemberState, STATIC_LEAVE_EPOCH};
use super::settings::AssignorKind;
use super::testing::{GROUP, World};
use crate::error::Code;

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const TOPICS: [&str; 4] = ["t0", "t1", "u0", "u1"];

#[derive(Clone, Debug)]
enum Event {
    Join {
        who: usize,
        wants: u8,
        regex: bool,
        fixed: bool,
        range: bool,
    },
    Beat(usize),
    /// The request arrives, the answer does not.
    BeatUnheard(usize),
    Leave {
        who: usize,
        for_a_while: bool,
    },
    Stall(usize),
    Pass(u64),
    Partitions {
        topic: usize,
        count: i32,
    },
    DeleteTopic(usize),
    Commit {
        who: usize,
        topic: usize,
    },
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    let who = 0usize..5;
    prop_oneof![
        4 => (who.clone(), 1u8..16, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(who, wants, regex, fixed, range)| Event::Join { who, wants, regex, fixed, range }),
        12 => who.clone().prop_map(Event::Beat),
        2 => who.clone().prop_map(Event::BeatUnheard),
        2 => (who.clone(), any::<bool>()).prop_map(|(who, for_a_while)| Event::Leave { who, for_a_while }),
        1 => who.clone().prop_map(Event::Stall),
        3 => (1u64..20).prop_map(Event::Pass),
        2 => (0usize..4, 1i32..7).prop_map(|(topic, count)| Event::Partitions { topic, count }),
        1 => (0usize..4).prop_map(Event::DeleteTopic),
        2 => (who, 0usize..4).prop_map(|(who, topic)| Event::Commit { who, topic }),
        1 => Just(Event::Restart),
    ]
}

struct Run {
    world: World,
    /// Each life of a name is another member.
    lives: Vec<&'static str>,
    epochs: BTreeMap<&'static str, i32>,
    group_epoch: i32,
}

impl Run {
    fn client(&self, who: usize) -> Option<&'static str> {
        let alive = self.world.clients.keys();
        let mine = |name: &&&str| name.starts_with(NAMES[who]);
        alive.filter(mine).max().copied()
    }

    fn step(&mut self, event: &Event) {
        match *event {
            Event::Join {
                who,
                wants,
                regex,
                fixed,
                range,
            } => {
                self.join(who, wants, regex, fixed, range);
            }
            Event::Beat(who) => self.beat(who, true),
            Event::BeatUnheard(who) => self.beat(who, false),
            Event::Leave { who, for_a_while } => {
                let Some(name) = self.client(who) else { return };
                let fixed = self.world.clients[name].instance.is_some();
                if self.known(name) {
                    self.world.leave(name, for_a_while && fixed);
                }
            }
            Event::Stall(who) => {
                if let Some(name) = self.client(who) {
                    self.world.clients.get_mut(name).unwrap().stalls = true;
                }
            }
            Event::Pass(seconds) => self.pass(seconds),
            Event::Partitions { topic, count } => {
                let there = self.world.topics.topics.get(TOPICS[topic]);
                let count = there.map_or(count, |t| t.partitions.max(count));
                self.world.topics.set(TOPICS[topic], count);
            }
            Event::DeleteTopic(topic) => {
                self.world.topics.delete(TOPICS[topic]);
                let plans = self
                    .world
                    .groups
                    .topics_deleted(&[Arc::from(TOPICS[topic])]);
                for plan in plans {
                    self.world.run(plan);
                }
            }
            Event::Commit { who, topic } => {
                if let Some(name) = self.client(who) {
                    let client = self.world.clients[name].clone();
                    let _ = self
                        .world
                        .commit(&client.id, client.epoch, (TOPICS[topic], 0), 1);
                }
            }
            Event::Restart => {
                self.world.groups = self.world.replayed();
                self.world.groups.loaded(self.world.now);
            }
        }
    }

    fn known(&self, name: &str) -> bool {
        let group = self.world.groups.consumer_group(GROUP);
        group.is_ok_and(|g| g.member(&self.world.clients[name].id).is_some())
    }

    fn join(&mut self, who: usize, wants: u8, regex: bool, fixed: bool, range: bool) {
        if self.client(who).is_some() {
            return;
        }
        // Leaked once a life, in a test: names are static there.
        let name: &'static str = format!("{}-{:03}", NAMES[who], self.lives.len()).leak();
        let wanted: Vec<&str> = (0..4)
            .filter(|t| wants & (1 << t) != 0)
            .map(|t| TOPICS[t])
            .collect();
        let joined = self.world.join_with(name, &wanted, |h| {
            h.regex = regex.then(|| Arc::from("u[0-9]"));
            h.instance_id = fixed.then(|| Arc::from(NAMES[who]));
            h.assignor = range.then_some(AssignorKind::Range);
        });
        match joined {
            Ok(_) => self.lives.push(name),
            Err(e) => assert_eq!(e.code(), Code::UnreleasedInstanceId, "{e}"),
        }
    }

    fn beat(&mut self, who: usize, heard: bool) {
        let Some(name) = self.client(who) else { return };
        let before = self.world.clients[name].clone();
        match self.world.beat(name) {
            Ok(answer) => {
                let seen = self.epochs.insert(name, answer.epoch);
                assert!(
                    seen.is_none_or(|seen| seen <= answer.epoch),
                    "epochs of {name} went back"
                );
                if !heard {
                    self.world.clients.insert(name, before);
                }
            }
            Err(e) => {
                let expected = [
                    Code::UnknownMemberId,
                    Code::FencedMemberEpoch,
                    Code::FencedInstanceId,
                ];
                assert!(expected.contains(&e.code()), "{e}");
                self.world.clients.remove(name);
            }
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
        for evicted in self.world.expire() {
            // It stops reading at the same moment, as a client past its own session timeout does.
            self.world
                .clients
                .retain(|_, client| client.id != evicted.member);
        }
    }

    fn check(&mut self) {
        self.world.check();
        let Ok(group) = self.world.groups.consumer_group(GROUP) else {
            return;
        };
        assert!(
            group.epoch() >= self.group_epoch,
            "the group's epoch went back"
        );
        assert!(group.target_epoch() <= group.epoch());
        self.group_epoch = group.epoch();
        let mut held = std::collections::BTreeSet::new();
        for (id, member) in group.members() {
            assert!(member.epoch() <= group.target_epoch());
            for (topic, partitions) in member.assigned().iter().chain(member.pending_revocation()) {
                for partition in partitions.keys() {
                    assert!(
                        held.insert((*topic, *partition)),
                        "{topic}-{partition} has two members"
                    );
                    assert_eq!(group.owner(*topic, *partition), Some(id));
                }
            }
            let revoking = member.current.state == MemberState::UnrevokedPartitions;
            let away = member.epoch() == STATIC_LEAVE_EPOCH;
            assert!(away || revoking != member.pending_revocation().is_empty());
        }
    }

    /// The noise ends: whoever is alive heartbeats, whoever is not times out.
    fn quiet(&mut self) {
        for client in self.world.clients.values_mut() {
            client.stalls = false;
        }
        for _ in 0..30 {
            for who in 0..5 {
                self.beat(who, true);
                self.check();
            }
            self.pass(5);
        }
        let Ok(group) = self.world.groups.consumer_group(GROUP) else {
            return;
        };
        assert_eq!(group.members().len(), self.world.clients.len());
        for (name, topic) in &self.world.topics.topics {
            let read = group.reads_topic(name);
            for partition in 0..topic.partitions {
                let owner = group.owner(topic.id, partition);
                assert_eq!(
                    owner.is_some(),
                    read,
                    "{name}-{partition} belongs to {owner:?}"
                );
            }
        }
        // The clients hold what the coordinator believes.
        for client in self.world.clients.values() {
            let member = group.member(&client.id).unwrap();
            assert_eq!(
                super::partitions::without_epochs(member.assigned()),
                client.holds
            );
            assert!(member.is_reconciled_to(group.target_epoch()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_partition_has_two_readers_and_in_the_end_each_has_one(
        events in prop::collection::vec(event(), 1..60),
    ) {
        let mut run = Run {
            world: World::new(&[("t0", 3), ("t1", 4), ("u0", 3)]),
            lives: Vec::new(),
            epochs: BTreeMap::new(),
            group_epoch: 0,
        };
        for event in &events {
            run.step(event);
            run.check();
        }
        run.quiet();
    }
}

#[test]
fn a_plain_heartbeat_names_nothing() {
    let beat = Heartbeat::of("g", "m", 3);
    assert!(!beat.is_full() && beat.owned.is_none());
}
