//! Anything may happen, in any order, and a crash at each append: what must hold, holds.
//!
//! The model keeps the partitions themselves: batches under an epoch, and the markers that are written
//! one by one while the coordinator may go away in between.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::world::{World, code};
use crate::engine::txn::{ClientVersion, ProducerIdentity, TxnState};
use crate::error::Code;
use crate::types::{ProducerEpoch, ProducerId};

const PARTS: [&str; 3] = ["a-0", "a-1", "b-0"];

#[derive(Clone, Debug)]
enum Event {
    /// One of two producers (re)starts, as a new one or going on with what it has.
    Init {
        who: usize,
        goes_on: bool,
    },
    /// A producer writes to a partition, taking it into its transaction.
    Write {
        who: usize,
        part: usize,
    },
    /// A producer ends its transaction; `heard`: it gets the answer.
    End {
        who: usize,
        commit: bool,
        heard: bool,
    },
    /// The last EndTxn that a producer sent arrives once more.
    Again {
        who: usize,
    },
    /// So many markers are written.
    Markers(usize),
    Pass(i64),
    /// The coordinator is made anew of its log, or of all but the last record of it: that one was not
    /// durable, and nothing was done about it yet.
    Restart {
        torn: bool,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let who = 0usize..2;
    prop_oneof![
        2 => (who.clone(), any::<bool>()).prop_map(|(who, goes_on)| Event::Init { who, goes_on }),
        6 => (who.clone(), 0usize..3).prop_map(|(who, part)| Event::Write { who, part }),
        4 => (who.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(who, commit, heard)| Event::End { who, commit, heard }),
        1 => who.prop_map(|who| Event::Again { who }),
        5 => (1usize..4).prop_map(Event::Markers),
        1 => (1i64..50_000).prop_map(Event::Pass),
        1 => any::<bool>().prop_map(|torn| Event::Restart { torn }),
    ]
}

/// A transaction as its producer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tag {
    who: usize,
    number: usize,
}

/// A partition's log, as far as it matters: which transactions wrote, and how each ended.
#[derive(Debug, Default)]
struct Part {
    /// Of each producer id, the newest epoch.
    epochs: BTreeMap<ProducerId, ProducerEpoch>,
    open: BTreeMap<ProducerId, BTreeSet<Tag>>,
    ended: Vec<(Tag, bool)>,
}

impl Part {
    fn append(&mut self, producer: ProducerIdentity, tag: Tag) -> bool {
        let newest = self.epochs.entry(producer.id).or_insert(producer.epoch);
        if producer.epoch < *newest {
            return false;
        }
        *newest = producer.epoch;
        self.open.entry(producer.id).or_default().insert(tag);
        true
    }

    fn mark(&mut self, producer: ProducerIdentity, commit: bool) {
        let newest = self.epochs.entry(producer.id).or_insert(producer.epoch);
        assert!(*newest <= producer.epoch, "a marker is older than its log");
        *newest = producer.epoch;
        let tags = self.open.remove(&producer.id).unwrap_or_default();
        self.ended.extend(tags.into_iter().map(|tag| (tag, commit)));
    }
}

#[derive(Debug, Default)]
struct Client {
    has: Option<ProducerIdentity>,
    number: usize,
    wrote: bool,
    /// Its end was not answered: until it is, it asks again and does nothing else.
    waits: bool,
    sent: Option<(ProducerIdentity, bool)>,
    /// It was told that another took its place.
    fenced: bool,
}

struct Run {
    w: World,
    parts: BTreeMap<&'static str, Part>,
    clients: [Client; 2],
    /// What was answered as ended, and how.
    told: BTreeMap<Tag, bool>,
    /// Markers of the present end that are still to be written; made anew after a restart.
    to_mark: Option<Vec<String>>,
    /// Everything the coordinator has acted upon lies below.
    acted: usize,
}

impl Run {
    fn new() -> Run {
        Run {
            w: World::new(),
            parts: PARTS.map(|p| (p, Part::default())).into(),
            clients: Default::default(),
            told: BTreeMap::new(),
            to_mark: None,
            acted: 0,
        }
    }

    fn step(&mut self, event: &Event) {
        match *event {
            Event::Init { who, goes_on } => self.init(who, goes_on),
            Event::Write { who, part } => self.write(who, PARTS[part]),
            Event::End { who, commit, heard } => self.end(who, commit, heard),
            Event::Again { who } => self.again(who),
            Event::Markers(count) => (0..count).for_each(|_| self.mark()),
            Event::Pass(ms) => {
                self.w.pass(ms);
                self.w.time_out();
            }
            Event::Restart { torn } => self.restart(torn),
        }
    }

    fn tag(&self, who: usize) -> Tag {
        let number = self.clients[who].number;
        Tag { who, number }
    }

    fn init(&mut self, who: usize, goes_on: bool) {
        let current = self.clients[who].has.filter(|_| goes_on);
        match self.w.init(current) {
            Ok(identity) => {
                let number = self.clients[who].number + 1;
                self.clients[who] = Client {
                    has: Some(identity),
                    number,
                    ..Client::default()
                };
                self.acted = self.w.log.len();
            }
            Err(e) => {
                self.refused(who, e.code());
                assert!(goes_on || e.code() == Code::ConcurrentTransactions, "{e}");
            }
        }
    }

    fn refused(&mut self, who: usize, code: Code) {
        let fatal = [Code::ProducerFenced, Code::InvalidProducerIdMapping];
        // A refusal does not wait until what it says is durable: a crash may take that back, and the
        // producer that gave up has lost nothing.
        if fatal.contains(&code) && self.acted == self.w.log.len() {
            self.clients[who].fenced = true;
        }
    }

    fn write(&mut self, who: usize, part: &'static str) {
        let (Some(has), false) = (self.clients[who].has, self.clients[who].waits) else {
            return;
        };
        match self.w.add(has, &[part], ClientVersion::V2) {
            Ok(()) => {
                assert!(!self.clients[who].fenced, "a fenced producer came back");
                self.acted = self.w.log.len();
                let tag = self.tag(who);
                let taken = self.parts.get_mut(part).unwrap().append(has, tag);
                assert!(taken, "the log fences whom the coordinator does not");
                self.clients[who].wrote = true;
            }
            Err(e) => self.refused(who, e.code()),
        }
    }

    fn end(&mut self, who: usize, commit: bool, heard: bool) {
        let client = &self.clients[who];
        // A client that began nothing does not ask.
        let (Some(has), true, false) = (client.has, client.wrote, client.waits) else {
            return;
        };
        self.clients[who].sent = Some((has, commit));
        match self.w.decide(has, commit, ClientVersion::V2) {
            Ok(next) => {
                assert!(
                    !self.clients[who].fenced,
                    "a fenced producer ended something"
                );
                let tag = self.tag(who);
                let before = self.told.insert(tag, commit);
                assert!(before.is_none_or(|b| b == commit), "told both ways");
                self.acted = self.w.log.len();
                match heard {
                    true => self.went_on(who, next),
                    false => self.clients[who].waits = true,
                }
            }
            Err(e) => self.refused(who, e.code()),
        }
    }

    fn went_on(&mut self, who: usize, next: ProducerIdentity) {
        let client = &mut self.clients[who];
        client.has = Some(next);
        client.number += 1;
        client.wrote = false;
        client.waits = false;
    }

    /// A repeated request is answered alike, or refused; it never ends a newer transaction.
    fn again(&mut self, who: usize) {
        let Some((had, commit)) = self.clients[who].sent else {
            return;
        };
        let before = self.w.txns.get("tx").cloned();
        let newer = self.clients[who].has != Some(had);
        let answer = self.w.decide(had, commit, ClientVersion::V2);
        if newer {
            assert_eq!(self.w.txns.get("tx").cloned(), before, "{answer:?}");
        } else if let Ok(next) = answer {
            let tag = self.tag(who);
            let told = self.told.insert(tag, commit);
            assert!(told.is_none_or(|t| t == commit), "told both ways");
            self.acted = self.w.log.len();
            self.went_on(who, next);
        }
    }

    fn mark(&mut self) {
        let Some(transaction) = self.w.txns.get("tx") else {
            return;
        };
        let (Some(commit), producer) = (transaction.state.ending(), transaction.producer) else {
            return;
        };
        // Durable before anything is done about it.
        self.acted = self.w.log.len();
        let all = || {
            transaction
                .each_partition()
                .map(|p| p.to_string())
                .collect()
        };
        let mut left: Vec<String> = self.to_mark.take().unwrap_or_else(all);
        match left.pop() {
            Some(name) => {
                self.parts
                    .get_mut(name.as_str())
                    .unwrap()
                    .mark(producer, commit);
                self.to_mark = Some(left);
            }
            None => assert!(self.w.complete()),
        }
    }

    fn restart(&mut self, torn: bool) {
        if torn && self.w.log.len() > self.acted {
            self.w.log.pop();
        }
        self.w.txns = self.w.replayed();
        self.to_mark = None;
    }

    fn check(&self) {
        self.w.check();
        let mut fate: BTreeMap<Tag, bool> = self.told.clone();
        for part in self.parts.values() {
            for (tag, commit) in &part.ended {
                let before = fate.insert(*tag, *commit);
                assert!(
                    before.is_none_or(|b| b == *commit),
                    "{tag:?} is half committed"
                );
            }
        }
    }

    /// The noise ends: what is decided is carried out, what is open is aborted.
    fn quiet(&mut self) {
        for _ in 0..2 {
            for _ in 0..PARTS.len() + 1 {
                self.mark();
            }
            self.w.pass(120_000);
            self.w.time_out();
        }
        for _ in 0..PARTS.len() + 1 {
            self.mark();
        }
        self.check();
        if let Some(transaction) = self.w.txns.get("tx") {
            assert!(transaction.state.is_idle(), "{:?}", transaction.state);
            assert_ne!(transaction.state, TxnState::Dead);
        }
        for (name, part) in &self.parts {
            assert!(part.open.is_empty(), "{name} holds a transaction open");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_transaction_is_wholly_committed_or_wholly_aborted(
        events in prop::collection::vec(event(), 1..120),
    ) {
        let mut run = Run::new();
        for event in &events {
            run.step(event);
            run.check();
        }
        run.quiet();
    }
}

#[test]
fn codes_of_refusals_are_few() {
    let mut w = World::new();
    let p = w.init(None).unwrap();
    w.init(None).unwrap();
    let refused = code(w.add(p, &["a-0"], ClientVersion::V2));
    assert_eq!(refused, Some(Code::ProducerFenced));
}
