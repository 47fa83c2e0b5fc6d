//! A small world for tests: topics, members that behave as KIP-848 clients do, a log of records, and
//! a second coordinator that only replays that log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::error::{Code, Result};
use crate::types::{Offset, ProducerId, Timestamp, TopicId};

#[derive(Debug, Default)]
pub struct Topics {
    pub topics: BTreeMap<Arc<str>, TopicInfo>,
    pub version: u64,
    made: u8,
}

impl Topics {
    /// Makes a topic, or gives it another number of partitions.
    pub fn set(&mut self, name: &str, partitions: i32) -> TopicId {
        self.version += 1;
        self.made += 1;
        let mut id = TopicId::NONE;
        id.0[0] = self.made;
        let topic = self
            .topics
            .entry(Arc::from(name))
            .or_insert(TopicInfo { id, partitions });
        topic.partitions = partitions;
        topic.id
    }

    pub fn delete(&mut self, name: &str) {
        self.version += 1;
        self.topics.remove(name);
    }
}

impl TopicsView for Topics {
    fn version(&self) -> u64 {
        self.version
    }

    fn topic(&self, name: &str) -> Option<TopicInfo> {
        self.topics.get(name).copied()
    }

    fn name_of(&self, id: TopicId) -> Option<Arc<str>> {
        let mut topics = self.topics.iter();
        topics
            .find(|(_, t)| t.id == id)
            .map(|(name, _)| name.clone())
    }

    fn each_name(&self, see: &mut dyn FnMut(&Arc<str>)) {
        self.topics.keys().for_each(see);
    }
}

/// What a client remembers of itself.
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub id: Arc<str>,
    pub epoch: i32,
    pub holds: Assignment,
    /// Keeps what it was asked to give up.
    pub stalls: bool,
    pub instance: Option<Arc<str>>,
}

pub struct World {
    pub topics: Topics,
    pub groups: Coordinator,
    pub log: Vec<(RecordBytes, Option<ProducerId>)>,
    pub now: Now,
    pub clients: BTreeMap<&'static str, Client>,
    /// What requests that waited were answered.
    pub answers: BTreeMap<WaiterToken, Waited>,
    /// Counts the tokens given out.
    pub tokens: std::cell::Cell<u64>,
}

pub const GROUP: &str = "g";
pub const REBALANCE: Duration = Duration::from_secs(30);

impl World {
    pub fn new(topics: &[(&str, i32)]) -> World {
        let mut world = World {
            topics: Topics::default(),
            groups: Coordinator::new(GroupSettings::default()),
            log: Vec::new(),
            now: Now {
                wall: Timestamp(1_000_000),
                monotonic: Duration::ZERO,
            },
            clients: BTreeMap::new(),
            answers: BTreeMap::new(),
            tokens: std::cell::Cell::new(0),
        };
        for (name, partitions) in topics {
            world.topics.set(name, *partitions);
        }
        world
    }

    pub fn pass(&mut self, time: Duration) {
        self.now.monotonic += time;
        self.now.wall.0 += i64::try_from(time.as_millis()).unwrap();
    }

    /// Appends, applies, answers: what the engine does with a plan.
    pub fn run<T>(&mut self, mut plan: Plan<T>) -> T {
        for delivery in plan.take_deliveries() {
            let earlier = self.answers.insert(delivery.token, delivery.answer);
            assert!(earlier.is_none(), "{:?} is answered twice", delivery.token);
        }
        let producer = plan.producer().map(|(id, _)| id);
        self.log.extend(plan.records().map(|r| (r, producer)));
        self.groups.apply(plan, self.now)
    }

    pub fn send(&mut self, request: &Heartbeat) -> Result<HeartbeatAnswer> {
        let plan = self.groups.heartbeat(request, &self.topics, self.now)?;
        Ok(self.run(plan))
    }

    pub fn join(&mut self, name: &'static str, topics: &[&str]) -> HeartbeatAnswer {
        self.join_with(name, topics, |_| {}).unwrap()
    }

    pub fn join_with(
        &mut self,
        name: &'static str,
        topics: &[&str],
        change: impl FnOnce(&mut Heartbeat),
    ) -> Result<HeartbeatAnswer> {
        let mut request = Heartbeat::join(GROUP, name, topics, REBALANCE);
        change(&mut request);
        let answer = self.send(&request)?;
        let client = Client {
            id: request.member,
            instance: request.instance_id,
            ..Client::default()
        };
        self.clients.insert(name, client);
        self.take_in(name, &answer);
        Ok(answer)
    }

    /// A heartbeat as a client sends it: what it holds, always said.
    pub fn beat(&mut self, name: &str) -> Result<HeartbeatAnswer> {
        let client = self.clients.get(name).cloned().unwrap();
        let request = Heartbeat {
            owned: Some(client.holds.clone()),
            instance_id: client.instance.clone(),
            ..Heartbeat::of(GROUP, client.id.clone(), client.epoch)
        };
        let answer = self.send(&request);
        match &answer {
            Ok(answer) => self.take_in(name, answer),
            Err(_) => drop(self.clients.get_mut(name).map(|c| c.holds.clear())),
        }
        answer
    }

    fn take_in(&mut self, name: &str, answer: &HeartbeatAnswer) {
        let client = self.clients.get_mut(name).unwrap();
        client.epoch = answer.epoch;
        if let (Some(assignment), false) = (&answer.assignment, client.stalls) {
            client.holds = assignment.clone();
        }
    }

    /// Everybody heartbeats a few times: enough for any rebalance to settle.
    pub fn settle(&mut self) {
        for _ in 0..6 {
            for name in self.clients.keys().copied().collect::<Vec<_>>() {
                self.beat(name).unwrap();
            }
        }
    }

    pub fn holds(&self, name: &str) -> Vec<String> {
        let client = self.clients.get(name).unwrap();
        let mut holds = Vec::new();
        for (topic, partitions) in &client.holds {
            let name = self.topics.name_of(*topic);
            let name = name.as_deref().unwrap_or("?");
            holds.extend(partitions.iter().map(|p| format!("{name}-{p}")));
        }
        holds
    }

    pub fn leave(&mut self, name: &'static str, for_a_while: bool) {
        let client = self.clients.remove(name).unwrap();
        let epoch = if for_a_while { -2 } else { -1 };
        let request = Heartbeat {
            instance_id: client.instance,
            ..Heartbeat::of(GROUP, client.id, epoch)
        };
        assert_eq!(self.send(&request).unwrap().epoch, epoch);
    }

    /// Puts out whoever is due; gives their names.
    pub fn expire(&mut self) -> Vec<Evicted> {
        let plans = self.groups.expire(&self.topics, self.now);
        plans.into_iter().flat_map(|plan| self.run(plan)).collect()
    }

    pub fn commit(&mut self, name: &str, epoch: i32, at: (&str, i32), offset: i64) -> Result<()> {
        let request = CommitRequest {
            group: Arc::from(GROUP),
            member: Arc::from(name),
            instance_id: None,
            epoch,
            offsets: vec![OffsetCommit::new(at.0, at.1, Offset(offset))],
        };
        let plan = self
            .groups
            .commit_offsets(&request, &self.topics, self.now)?;
        let mut outcomes = self.run(plan);
        outcomes.remove(0).result
    }

    pub fn committed(&self, at: (&str, i32)) -> Option<i64> {
        let places = [(Arc::from(at.0), at.1)];
        let group = Arc::from(GROUP);
        let fetched = self
            .groups
            .fetch_offsets(&group, &FetchAs::Anyone, Some(&places), false);
        let first = fetched.unwrap().remove(0).result.unwrap();
        first.map(|c| c.offset.get())
    }

    pub fn state(&self) -> GroupState {
        self.groups
            .describe(GROUP, &self.topics)
            .map_or(GroupState::Dead, |g| g.state)
    }

    /// A coordinator made of the log alone.
    pub fn replayed(&self) -> Coordinator {
        let mut other = Coordinator::new(GroupSettings::default());
        for (record, producer) in &self.log {
            let value = record.value.as_deref();
            other.replay(&record.key, value, *producer).unwrap();
        }
        other
    }

    /// What must hold at every moment.
    pub fn check(&self) {
        let mut owners: BTreeMap<(TopicId, i32), &str> = BTreeMap::new();
        for (name, client) in &self.clients {
            for (topic, partitions) in &client.holds {
                for partition in partitions {
                    let other = owners.insert((*topic, *partition), name);
                    assert_eq!(
                        other, None,
                        "{topic}-{partition} is read twice, also by {name}"
                    );
                }
            }
        }
        assert!(
            self.groups.same_state(&self.replayed()),
            "live and replayed differ"
        );
    }
}

pub fn code_of<T>(result: Result<T>) -> Option<Code> {
    result.err().map(|e| e.code())
}

pub fn hex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
