//! A producer as a broker sees it, request by request, and what readers see.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use levada::embedded::{ConsumerOptions, Database, Start};
use levada::engine::txn::{
    AddRequest, ClientVersion, EndRequest, InitRequest, ProducerIdentity, TxnState,
};
use levada::engine::{NewTopic, Reply, Transactions};
use levada::error::{Code, Result};
use levada::log::Append;
use levada::record::{BatchBuilder, BuildOptions};
use levada::types::{IsolationLevel, Offset, Timestamp, TopicPartition};

pub const WAIT: Duration = Duration::from_secs(20);

pub fn topic(db: &Database, name: &str, partitions: i32) {
    db.engine()
        .create_topic(&NewTopic::new(name, partitions))
        .unwrap();
}

pub fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().map(|e| e.code())
}

pub fn at(name: &str) -> TopicPartition {
    let (topic, partition) = name.rsplit_once('-').unwrap();
    TopicPartition::new(topic, partition.parse().unwrap())
}

/// Makes a call and waits for its answer.
pub fn ask<T: Send + 'static>(start: impl FnOnce(Reply<T>)) -> Result<T> {
    let (sender, answer) = mpsc::channel();
    start(Box::new(move |outcome| sender.send(outcome).unwrap()));
    answer.recv_timeout(WAIT).expect("an answer in time")
}

/// Waits until `done`.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < WAIT, "{what} did not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// One transactional producer.
pub struct Client {
    pub db: Database,
    pub id: &'static str,
    pub has: ProducerIdentity,
    pub version: ClientVersion,
    sequences: BTreeMap<TopicPartition, i32>,
}

impl Client {
    pub fn new(db: &Database, id: &'static str, version: ClientVersion) -> Client {
        Client::with_timeout(db, id, version, 60_000)
    }

    pub fn with_timeout(
        db: &Database,
        id: &'static str,
        version: ClientVersion,
        timeout_ms: i32,
    ) -> Client {
        let request = InitRequest {
            transactional_id: id.into(),
            timeout_ms,
            current: None,
        };
        let has = db
            .engine()
            .transactions()
            .init_and_wait(&request, WAIT)
            .unwrap();
        Client {
            db: db.clone(),
            id,
            has,
            version,
            sequences: BTreeMap::new(),
        }
    }

    pub fn txns(&self) -> &Transactions {
        self.db.engine().transactions()
    }

    pub fn state(&self) -> TxnState {
        self.txns().describe(self.id).unwrap().state
    }

    pub fn adding(&self, names: &[&str]) -> AddRequest {
        AddRequest {
            transactional_id: self.id.into(),
            producer: self.has,
            partitions: names.iter().map(|n| at(n)).collect(),
            client: self.version,
        }
    }

    pub fn add(&self, names: &[&str]) -> Result<Vec<Option<Code>>> {
        let outcomes = ask(|reply| self.txns().add_partitions(self.adding(names), reply))?;
        Ok(outcomes.into_iter().map(code).collect())
    }

    /// What the produce handler asks before it appends.
    pub fn ensure(&self, name: &str) -> Result<Offset> {
        let implicit = self.version == ClientVersion::V2;
        let request = self.adding(&[name]);
        let ends = ask(|reply| self.txns().ensure_added(request, implicit, reply))?;
        Ok(ends[0])
    }

    pub fn append(&mut self, name: &str, value: &str, verified_at: Offset) -> Result<i64> {
        let place = at(name);
        let sequence = self.sequences.entry(place.clone()).or_default();
        let mut builder = BatchBuilder::default();
        builder.push(
            Timestamp(1_700_000_000_000),
            None,
            Some(value.as_bytes()),
            &[],
        );
        let batch = builder.finish(&BuildOptions {
            producer_id: self.has.id,
            producer_epoch: self.has.epoch,
            base_sequence: *sequence,
            transactional: true,
            ..BuildOptions::default()
        })?;
        let handle = self.db.engine().partition(&place.topic, place.partition)?;
        let append = Append {
            batches: batch,
            leader_epoch: handle.leader_epoch(),
            internal: false,
            trusted: true,
        };
        let appended = handle.append_in_transaction(append, verified_at)?;
        *sequence += 1;
        Ok(appended.base_offset.get())
    }

    pub fn write(&mut self, name: &str, value: &str) -> Result<i64> {
        let verified_at = self.ensure(name)?;
        self.append(name, value, verified_at)
    }

    pub fn end(&mut self, commit: bool) -> Result<()> {
        let next = self.txns().end_and_wait(self.ending(commit), WAIT)?;
        if next != self.has {
            self.sequences.clear();
        }
        self.has = next;
        Ok(())
    }

    pub fn ending(&self, commit: bool) -> EndRequest {
        EndRequest {
            transactional_id: self.id.into(),
            producer: self.has,
            commit,
            client: self.version,
        }
    }

    /// Ends, and waits until readers see it.
    pub fn finish(&mut self, commit: bool) {
        self.end(commit).unwrap();
        self.txns().wait_complete(self.id, WAIT).unwrap();
    }
}

/// What a read-committed consumer gets of a partition, up to its last stable offset.
pub fn committed(db: &Database, name: &str) -> Vec<String> {
    let place = at(name);
    let options = ConsumerOptions {
        start: Start::Earliest,
        isolation: IsolationLevel::ReadCommitted,
        ..ConsumerOptions::default()
    };
    let consumer = db.consumer(options).unwrap();
    consumer.assign(std::slice::from_ref(&place)).unwrap();
    let handle = db.engine().partition(&place.topic, place.partition);
    let end = handle.unwrap().ends().unwrap().last_stable;
    let mut all = Vec::new();
    while consumer.position(&place).unwrap() < end {
        for batch in consumer.poll(None, Duration::ZERO).unwrap() {
            let text = |v: Option<&[u8]>| String::from_utf8(v.unwrap().to_vec()).unwrap();
            all.extend(batch.iter().map(|r| text(r.value)));
        }
    }
    all
}

/// Whether nothing in the partition is undecided.
pub fn is_stable(db: &Database, name: &str) -> bool {
    let place = at(name);
    let handle = db.engine().partition(&place.topic, place.partition);
    let ends = handle.unwrap().ends().unwrap();
    ends.last_stable == ends.visible && ends.visible == ends.appended
}
