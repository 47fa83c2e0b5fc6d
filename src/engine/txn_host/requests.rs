//! The coordinator's face: what is asked of it, and what is told about it.

use std::sync::Arc;
use std::time::Duration;

use super::adding::{Adding, What};
use super::host::{Transactions, Waiting, answer, now, state_topic};
use super::marker::{self, Marker};
use crate::config::CONSUMER_OFFSETS;
use crate::engine::durable::{Durable, Reply};
use crate::engine::engine::{Engine, Shared};
use crate::engine::groups::offsets_partition;
use crate::engine::txn::{
    AddRequest, Decided, EndRequest, InitRequest, ProducerIdentity, TransactionDescription,
    TransactionFilter, TransactionListing,
};
use crate::error::{Code, Error, Result};
use crate::types::{Offset, ProducerEpoch, ProducerId, TopicPartition};

impl Transactions {
    /// InitProducerId without a transactional id: a new producer id with epoch 0.
    pub fn new_producer_id(&self, reply: Reply<ProducerIdentity>) {
        let identity = |id: ProducerId| ProducerIdentity {
            id,
            epoch: ProducerEpoch(0),
        };
        let engine = match self.engine() {
            Ok(engine) => engine,
            Err(error) => return reply(Err(error)),
        };
        match engine.producer_id_at_hand() {
            Some(id) => reply(Ok(identity(id))),
            // A block of ids costs a sync of the metadata.
            None => self.hand_over(move |shared| {
                let engine = shared.transactions.engine();
                reply(engine.and_then(|e| e.allocate_producer_id()).map(identity));
            }),
        }
    }

    /// InitProducerId of a transactional producer.
    ///
    /// Errors: Invalid, InvalidTransactionTimeout, ProducerFenced; ConcurrentTransactions (retriable)
    /// while the last transaction is aborted or completed.
    pub fn init_producer_id(&self, request: InitRequest, reply: Reply<ProducerIdentity>) {
        // Rare, and it may make the topic or take a block of producer ids.
        self.hand_over(move |shared| {
            let transactions = &shared.transactions;
            let decided = transactions.init_now(&request);
            answer(
                decided,
                Box::new(move |outcome| reply(outcome.and_then(|a| a))),
            );
        });
    }

    fn init_now(
        &self,
        request: &InitRequest,
    ) -> Result<(Result<ProducerIdentity>, Option<Durable>)> {
        let engine = self.engine()?;
        engine.transaction_topic()?;
        self.decide_with_id(&engine, |coordinator, fresh, now| {
            coordinator.init(request, fresh, now)
        })
    }

    /// AddPartitionsToTxn. All or none: where one partition does not exist, the others are not attempted.
    /// While the last transaction is being completed the answer waits for it.
    ///
    /// Errors, for all: InvalidProducerIdMapping, ProducerFenced, ConcurrentTransactions.
    pub fn add_partitions(&self, request: AddRequest, reply: Reply<Vec<Result<()>>>) {
        match self.existing(&request.partitions) {
            Err(error) => reply(Err(error)),
            Ok(Some(outcomes)) => reply(Ok(outcomes)),
            Ok(None) => {
                let count = request.partitions.len();
                let all = move |_| (0..count).map(|_| Ok(())).collect();
                let reply = Box::new(move |outcome: Result<_>| reply(outcome.map(all)));
                self.start_adding(Adding::new(request, What::Add, reply));
            }
        }
    }

    /// AddPartitionsToTxn with `verifyOnly`: whether each partition is in the transaction.
    ///
    /// Errors, for all: as [`Transactions::add_partitions`]; for one: InvalidTxnState.
    pub fn verify_partitions(&self, request: AddRequest, reply: Reply<Vec<Result<()>>>) {
        self.when_ready(move |transactions| {
            let decided = transactions.decide(|coordinator, _| coordinator.verify(&request));
            answer(decided, reply);
        });
    }

    /// AddOffsetsToTxn: takes the partition of `__consumer_offsets` that holds `group` into the
    /// transaction. `request.partitions` is not looked at.
    pub fn add_offsets(&self, request: AddRequest, group: Arc<str>, reply: Reply<()>) {
        self.with_offsets_partition(group, move |transactions, partition| {
            let partition = match partition {
                Ok(partition) => partition,
                Err(error) => return reply(Err(error)),
            };
            let request = AddRequest {
                partitions: vec![partition],
                ..request
            };
            let reply = Box::new(move |outcome: Result<Vec<Offset>>| reply(outcome.map(drop)));
            transactions.start_adding(Adding::new(request, What::Add, reply));
        });
    }

    /// Makes sure that every partition is in the transaction before batches are appended to it: with
    /// `implicit` it is taken in (clients of the second version, KIP-890), without it must have been
    /// added. The answer is, for each partition, what
    /// [`append_in_transaction`](crate::engine::PartitionHandle::append_in_transaction) needs.
    ///
    /// All or none: leave out partitions that do not exist.
    ///
    /// Errors: InvalidTxnState (not added), InvalidProducerIdMapping, InvalidProducerEpoch (fenced),
    /// ConcurrentTransactions, UnknownTopicOrPartition.
    pub fn ensure_added(&self, request: AddRequest, implicit: bool, reply: Reply<Vec<Offset>>) {
        let what = match implicit {
            true => What::Ensure,
            false => What::Check,
        };
        self.start_adding(Adding::new(request, what, reply));
    }

    /// EndTxn. Answered when the decision is durable; markers are written after that.
    ///
    /// Errors: InvalidProducerIdMapping, ProducerFenced, InvalidTxnState, ConcurrentTransactions.
    pub fn end(&self, request: EndRequest, reply: Reply<ProducerIdentity>) {
        self.when_ready(move |transactions| {
            let mut needs_id = false;
            let decided = transactions.decide_or(|coordinator, now| {
                let decided = coordinator.end(&request, None, now)?;
                needs_id = matches!(decided, Decided::NeedsProducerId);
                Ok(decided)
            });
            if !needs_id {
                let decided = decided.and_then(|d| d.ok_or_else(no_plan));
                return answer(decided, reply);
            }
            transactions.hand_over(move |shared| {
                let transactions = &shared.transactions;
                let decided = transactions.engine().and_then(|engine| {
                    transactions.decide_with_id(&engine, |coordinator, fresh, now| {
                        coordinator.end(&request, fresh, now)
                    })
                });
                answer(decided, reply);
            });
        });
    }

    /// Answers when the id has no transaction that is being ended: its markers are durable, and what it
    /// wrote can be read.
    ///
    /// Errors: ConcurrentTransactions, when it did not end within `timeout`.
    pub fn until_complete(&self, id: &str, timeout: Duration, reply: Reply<()>) {
        let id: Arc<str> = Arc::from(id);
        self.when_ready(move |transactions| {
            let (engine, mut state) = match transactions.enter() {
                Ok(entered) => entered,
                Err(error) => return reply(Err(error)),
            };
            let ending = state.coordinator.get(&id).map(|t| t.state.ending());
            if ending.flatten().is_none() {
                drop(state);
                return reply(Ok(()));
            }
            let until = engine.parts.clock.monotonic().saturating_add(timeout);
            let waiting = state.waiting.entry(id.clone()).or_default();
            waiting.push(Waiting { until, reply });
            drop(state);
            transactions.step_later(id);
        });
    }

    /// WriteTxnMarkers: ends a transaction of one partition by hand, whatever the coordinator knows.
    /// Answered when the marker is visible.
    pub fn write_marker(
        &self,
        partition: TopicPartition,
        producer: ProducerIdentity,
        commit: bool,
        coordinator_epoch: i32,
        reply: Reply<()>,
    ) {
        self.when_ready(move |transactions| {
            let marker = Marker {
                producer,
                commit,
                coordinator_epoch,
            };
            let written = transactions.engine().and_then(|engine| {
                marker::write(&engine.shared, &partition, &marker)?
                    .ok_or_else(|| unknown(&partition))
            });
            answer(written.map(|durable| ((), Some(durable))), reply);
        });
    }

    /// Errors: Invalid (empty id), TransactionalIdNotFound.
    pub fn describe(&self, id: &str) -> Result<TransactionDescription> {
        self.enter()?.1.coordinator.describe(id)
    }

    /// Errors: InvalidRegularExpression.
    pub fn list(&self, filter: &TransactionFilter) -> Result<Vec<TransactionListing>> {
        let (engine, state) = self.enter()?;
        state.coordinator.list(filter, now(&engine))
    }

    /// Runs `call` here when it will not have to load, else on the coordinator's thread.
    pub(super) fn when_ready(&self, call: impl FnOnce(&Transactions) + Send + 'static) {
        match self.is_ready() {
            true => call(self),
            false => self.hand_over(move |shared| call(&shared.transactions)),
        }
    }

    /// The partition of `__consumer_offsets` that holds `group`; makes the topic first.
    pub(super) fn with_offsets_partition(
        &self,
        group: Arc<str>,
        call: impl FnOnce(&Transactions, Result<TopicPartition>) + Send + 'static,
    ) {
        let count = |shared: &Shared| {
            let table = shared.table.read();
            table.get(CONSUMER_OFFSETS).map(|t| t.partitions().len())
        };
        let place = move |count: usize| {
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            TopicPartition::new(CONSUMER_OFFSETS, offsets_partition(&group, count))
        };
        match self.engine().map(|e| count(&e.shared)) {
            Err(error) => call(self, Err(error)),
            Ok(Some(partitions)) => call(self, Ok(place(partitions))),
            Ok(None) => self.hand_over(move |shared| {
                let transactions = &shared.transactions;
                let topic = transactions.engine().and_then(|e| e.offsets_topic());
                call(transactions, topic.map(|t| place(t.partitions().len())));
            }),
        }
    }

    /// Decides, with a new producer id when one is needed. Not under a lock while that is fetched.
    fn decide_with_id<T>(
        &self,
        engine: &Engine,
        decide: impl Fn(
            &crate::engine::txn::Coordinator,
            Option<ProducerId>,
            crate::engine::groups::Now,
        ) -> Result<Decided<T>>,
    ) -> Result<(T, Option<Durable>)> {
        let mut fresh = None;
        loop {
            let decided = self.decide_or(|coordinator, now| decide(coordinator, fresh, now))?;
            match (decided, fresh) {
                (Some(done), _) => return Ok(done),
                (None, None) => fresh = Some(engine.allocate_producer_id()?),
                (None, Some(_)) => return Err(no_plan()),
            }
        }
    }

    /// `None` when a producer id is missing.
    #[allow(clippy::type_complexity)] // a plan's outcome, or none
    fn decide_or<T>(
        &self,
        decide: impl FnOnce(
            &crate::engine::txn::Coordinator,
            crate::engine::groups::Now,
        ) -> Result<Decided<T>>,
    ) -> Result<Option<(T, Option<Durable>)>> {
        let (engine, mut state) = self.enter()?;
        match decide(&state.coordinator, now(&engine))? {
            Decided::NeedsProducerId => Ok(None),
            Decided::Plan(plan) => self.carry_out(&engine, &mut state, plan).map(Some),
        }
    }

    /// `None` when all partitions exist, else what to answer for each.
    #[allow(clippy::type_complexity)] // one outcome a partition
    fn existing(&self, partitions: &[TopicPartition]) -> Result<Option<Vec<Result<()>>>> {
        let engine = self.engine()?;
        let table = engine.shared.table.read();
        let exists = |p: &TopicPartition| {
            let at = usize::try_from(p.partition).ok();
            let topic = table.get(&p.topic);
            topic
                .zip(at)
                .is_some_and(|(t, at)| at < t.partitions().len())
        };
        if partitions.iter().all(exists) {
            return Ok(None);
        }
        let outcome = |p: &TopicPartition| match exists(p) {
            false => Err(unknown(p)),
            true => Err(Error::coded(
                Code::OperationNotAttempted,
                format!("{p} was not added, because another partition of the request is unknown"),
            )),
        };
        Ok(Some(partitions.iter().map(outcome).collect()))
    }

    /// Whether the topic is there, so that ids can be known at all.
    pub fn is_used(&self) -> bool {
        self.engine()
            .is_ok_and(|engine| state_topic(&engine.shared).is_some())
    }
}

fn unknown(partition: &TopicPartition) -> Error {
    crate::engine::partition::unknown(&partition.topic, partition.partition)
}

fn no_plan() -> Error {
    Error::internal("a transaction needs a producer id that it was given")
}
