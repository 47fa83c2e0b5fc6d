//! A small world for tests: a log of records, a clock, and a second coordinator that only replays.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::groups::{Now, RecordBytes};
use crate::engine::txn::*;
use crate::error::{Code, Result};
use crate::types::{ProducerEpoch, ProducerId, Timestamp, TopicPartition};

pub const TIMEOUT_MS: i32 = 60_000;

pub struct World {
    pub txns: Coordinator,
    pub log: Vec<RecordBytes>,
    pub now: Now,
    next_id: i64,
}

pub fn identity(id: i64, epoch: i16) -> ProducerIdentity {
    ProducerIdentity {
        id: ProducerId(id),
        epoch: ProducerEpoch(epoch),
    }
}

pub fn parts(names: &[&str]) -> Vec<TopicPartition> {
    let part = |n: &&str| {
        let (topic, number) = n.rsplit_once('-').unwrap();
        TopicPartition::new(topic, number.parse().unwrap())
    };
    names.iter().map(part).collect()
}

pub fn code<T>(result: Result<T>) -> Option<Code> {
    result.err().map(|e| e.code())
}

impl World {
    pub fn new() -> World {
        World {
            txns: Coordinator::new(TxnSettings::default()),
            log: Vec::new(),
            now: Now {
                wall: Timestamp(1_000_000),
                monotonic: Duration::ZERO,
            },
            next_id: 1000,
        }
    }

    pub fn pass(&mut self, ms: i64) {
        self.now.wall.0 += ms;
        self.now.monotonic += Duration::from_millis(ms.unsigned_abs());
    }

    pub fn run<T>(&mut self, plan: Plan<T>) -> T {
        self.log.extend(plan.record());
        self.txns.apply(plan)
    }

    fn fresh(&mut self) -> ProducerId {
        self.next_id += 1;
        ProducerId(self.next_id - 1)
    }

    pub fn init(&mut self, current: Option<ProducerIdentity>) -> Result<ProducerIdentity> {
        self.init_for(current, TIMEOUT_MS)
    }

    pub fn init_for(
        &mut self,
        current: Option<ProducerIdentity>,
        timeout_ms: i32,
    ) -> Result<ProducerIdentity> {
        let request = InitRequest {
            transactional_id: "tx".into(),
            timeout_ms,
            current,
        };
        let plan = match self.txns.init(&request, None, self.now)? {
            Decided::Plan(plan) => plan,
            Decided::NeedsProducerId => {
                let fresh = self.fresh();
                match self.txns.init(&request, Some(fresh), self.now)? {
                    Decided::Plan(plan) => plan,
                    Decided::NeedsProducerId => panic!("it has one"),
                }
            }
        };
        self.run(plan)
    }

    pub fn add(&mut self, by: ProducerIdentity, names: &[&str], v: ClientVersion) -> Result<()> {
        let plan = self.txns.add(&self.adding(by, names, v), self.now)?;
        self.run(plan);
        Ok(())
    }

    pub fn verify(&mut self, by: ProducerIdentity, names: &[&str]) -> Result<Vec<Result<()>>> {
        let plan = self
            .txns
            .verify(&self.adding(by, names, ClientVersion::V1))?;
        assert!(plan.is_empty());
        Ok(self.run(plan))
    }

    fn adding(&self, producer: ProducerIdentity, names: &[&str], v: ClientVersion) -> AddRequest {
        AddRequest {
            transactional_id: "tx".into(),
            producer,
            partitions: parts(names),
            client: v,
        }
    }

    /// EndTxn, without what follows.
    pub fn decide(
        &mut self,
        producer: ProducerIdentity,
        commit: bool,
        client: ClientVersion,
    ) -> Result<ProducerIdentity> {
        let request = EndRequest {
            transactional_id: "tx".into(),
            producer,
            commit,
            client,
        };
        let plan = match self.txns.end(&request, None, self.now)? {
            Decided::Plan(plan) => plan,
            Decided::NeedsProducerId => {
                let fresh = self.fresh();
                match self.txns.end(&request, Some(fresh), self.now)? {
                    Decided::Plan(plan) => plan,
                    Decided::NeedsProducerId => panic!("it has one"),
                }
            }
        };
        Ok(self.run(plan))
    }

    /// All markers are written.
    pub fn complete(&mut self) -> bool {
        match self.txns.complete("tx", self.now) {
            Some(plan) => {
                self.run(plan);
                true
            }
            None => false,
        }
    }

    pub fn end(
        &mut self,
        producer: ProducerIdentity,
        commit: bool,
        client: ClientVersion,
    ) -> Result<ProducerIdentity> {
        let answer = self.decide(producer, commit, client)?;
        self.complete();
        Ok(answer)
    }

    pub fn time_out(&mut self) -> usize {
        let plans = self.txns.timed_out(self.now);
        plans.into_iter().map(|plan| self.run(plan)).count()
    }

    pub fn expire(&mut self) -> usize {
        let plans = self.txns.expired(self.now);
        plans.into_iter().map(|plan| self.run(plan)).count()
    }

    pub fn state(&self) -> TxnState {
        self.get().state
    }

    pub fn get(&self) -> &Transaction {
        self.txns.get("tx").unwrap()
    }

    pub fn listed(&self, filter: &TransactionFilter) -> Vec<Arc<str>> {
        let found = self.txns.list(filter, self.now).unwrap();
        found.into_iter().map(|l| l.transactional_id).collect()
    }

    /// A coordinator made of the log alone.
    pub fn replayed(&self) -> Coordinator {
        let mut other = Coordinator::new(TxnSettings::default());
        for record in &self.log {
            other.replay(&record.key, record.value.as_deref()).unwrap();
        }
        other
    }

    pub fn check(&self) {
        assert!(
            self.txns.same_state(&self.replayed()),
            "live and replayed differ"
        );
    }
}
