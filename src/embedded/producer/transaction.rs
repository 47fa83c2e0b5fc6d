//! The transactional side of a producer: which transaction is open, what it holds, how it ends.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::failures::Failures;
use super::options::ProducerOptions;
use crate::embedded::consumer::GroupMetadata;
use crate::engine::groups::{CommitRequest, OffsetCommit, TransactionalCommit};
use crate::engine::txn::{AddRequest, ClientVersion, EndRequest, InitRequest, ProducerIdentity};
use crate::engine::{Engine, OffsetsRequest};
use crate::error::{Code, Error, Kind, Result};
use crate::sync::{Mutex, MutexGuard, RwLock};
use crate::types::TopicPartition;

#[derive(Clone, Debug)]
enum Phase {
    /// No transaction.
    Idle,
    /// Records may be sent.
    Open,
    /// What was sent goes out; nothing may be sent.
    Flushing,
    /// Nothing goes out; the end is asked for, perhaps not for the first time.
    Sealed,
    /// Another producer took this one's place, or the transaction was open for too long.
    Fenced(Error),
}

#[derive(Debug)]
struct State {
    producer: ProducerIdentity,
    phase: Phase,
    /// What the coordinator knows to be in the transaction.
    added: HashSet<TopicPartition>,
    /// The coordinator was asked to take something in; its answer may be lost.
    touched: bool,
}

/// See the module. `control` is held by one of begin, commit, abort and send_offsets while it waits;
/// `asking` is taken after it and after a lane's lock, `state` last and for a few lines.
#[derive(Debug)]
pub(super) struct Transactional {
    engine: Engine,
    id: Arc<str>,
    /// How long an answer of the coordinator may take.
    timeout: Duration,
    failures: Arc<Failures>,
    control: Mutex<()>,
    /// Held for reading by whoever asks the coordinator to take partitions in, until it has answered; the
    /// end waits for them: a question that comes after it would be another producer's.
    asking: RwLock<()>,
    state: Mutex<State>,
    /// The phase is `Open`: one look a record.
    open: AtomicBool,
}

impl Transactional {
    /// Takes the transactional id over: every older producer of it is fenced, and what it had open is
    /// aborted.
    pub(super) fn new(
        engine: &Engine,
        id: &str,
        options: &ProducerOptions,
        failures: Arc<Failures>,
    ) -> Result<Transactional> {
        let id: Arc<str> = Arc::from(id);
        let timeout_ms = options.transaction_timeout.as_millis();
        let request = InitRequest {
            transactional_id: id.clone(),
            timeout_ms: i32::try_from(timeout_ms).unwrap_or(i32::MAX),
            current: None,
        };
        let transactions = engine.transactions();
        let producer = transactions.init_and_wait(&request, options.block_max)?;
        Ok(Transactional {
            engine: engine.clone(),
            id,
            timeout: options.block_max,
            failures,
            control: Mutex::new(()),
            asking: RwLock::new(()),
            state: Mutex::new(State {
                producer,
                phase: Phase::Idle,
                added: HashSet::new(),
                touched: false,
            }),
            open: AtomicBool::new(false),
        })
    }

    /// What the next batch to `partition` carries. Takes the partition into the transaction first, when
    /// it is not in it.
    pub(super) fn enter(&self, partition: &TopicPartition) -> Result<ProducerIdentity> {
        self.add(std::slice::from_ref(partition))?;
        Ok(self.state.lock().producer)
    }

    /// Takes partitions into the transaction, with one question for all.
    pub(super) fn add(&self, partitions: &[TopicPartition]) -> Result<()> {
        let _asking = self.asking.read();
        let request = {
            let mut state = self.state.lock();
            match &state.phase {
                Phase::Open | Phase::Flushing => {}
                Phase::Fenced(error) => return Err(error.clone()),
                Phase::Idle | Phase::Sealed => return Err(overtaken()),
            }
            let new = partitions.iter().filter(|p| !state.added.contains(*p));
            let new: Vec<TopicPartition> = new.cloned().collect();
            if new.is_empty() {
                return Ok(());
            }
            state.touched = true;
            AddRequest {
                transactional_id: self.id.clone(),
                producer: state.producer,
                partitions: new,
                client: ClientVersion::V2,
            }
        };
        let added = request.partitions.clone();
        let transactions = self.engine.transactions();
        let outcome = transactions.add_and_wait(request, self.timeout);
        outcome.map_err(|error| self.noted(error))?;
        self.state.lock().added.extend(added);
        Ok(())
    }

    /// Whether records may be sent now.
    #[inline]
    pub(super) fn check_may_send(&self) -> Result<()> {
        match self.open.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(self.refusal()),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state.lock().phase, Phase::Idle | Phase::Fenced(_))
    }

    fn refusal(&self) -> Error {
        match &self.state.lock().phase {
            Phase::Fenced(error) => error.clone(),
            _ => not_open(),
        }
    }

    /// One of begin, commit, abort and send_offsets at a time.
    pub(super) fn control(&self) -> MutexGuard<'_, ()> {
        self.control.lock()
    }

    pub(super) fn begin(&self) -> Result<()> {
        let mut state = self.state.lock();
        match &state.phase {
            Phase::Idle => {}
            Phase::Fenced(error) => return Err(error.clone()),
            _ => {
                let what = "a transaction is open already: commit or abort it first";
                return Err(Error::coded(Code::InvalidTxnState, what));
            }
        }
        self.failures.begin();
        state.added.clear();
        state.touched = false;
        self.set(&mut state, Phase::Open);
        Ok(())
    }

    /// From here on nothing is sent. Gives whether what was sent is to be flushed: not when the end was
    /// asked for before.
    pub(super) fn start_commit(&self) -> Result<bool> {
        let mut state = self.state.lock();
        match &state.phase {
            Phase::Open | Phase::Flushing => {
                self.set(&mut state, Phase::Flushing);
                Ok(true)
            }
            Phase::Sealed => Ok(false),
            Phase::Fenced(error) => Err(error.clone()),
            Phase::Idle => Err(not_open()),
        }
    }

    /// What was sent is delivered, or not: then the transaction stays open, to be aborted.
    pub(super) fn flushed(&self, outcome: Result<()>) -> Result<()> {
        let failed = self.failures.first();
        let mut state = self.state.lock();
        if let Phase::Fenced(error) = &state.phase {
            return Err(error.clone());
        }
        let outcome = match failed {
            Some(error) => {
                let what = "a record of the transaction was not delivered, abort it";
                // Timeout would say: commit again.
                Err(match error.kind() {
                    Kind::Timeout => {
                        Error::coded(Code::TransactionAbortable, format!("{what}: {error}"))
                    }
                    _ => error.at(what),
                })
            }
            None => outcome,
        };
        match outcome {
            Ok(()) => self.set(&mut state, Phase::Sealed),
            Err(_) => self.set(&mut state, Phase::Open),
        }
        outcome
    }

    /// From here on nothing goes out. Whoever is at it still is waited for by discarding its lane.
    pub(super) fn seal(&self) -> Result<()> {
        let mut state = self.state.lock();
        match &state.phase {
            Phase::Idle => Err(not_open()),
            Phase::Fenced(error) => Err(error.clone()),
            _ => {
                self.set(&mut state, Phase::Sealed);
                Ok(())
            }
        }
    }

    /// Ends the sealed transaction; the decision is durable when this returns.
    pub(super) fn end(&self, commit: bool, timeout: Duration) -> Result<()> {
        // Sealed: nobody begins to ask any more.
        drop(self.asking.write());
        let request = {
            let mut state = self.state.lock();
            if !state.touched {
                // Nothing that anybody could see.
                self.set(&mut state, Phase::Idle);
                return Ok(());
            }
            EndRequest {
                transactional_id: self.id.clone(),
                producer: state.producer,
                commit,
                client: ClientVersion::V2,
            }
        };
        let transactions = self.engine.transactions();
        loop {
            match transactions.end_and_wait(request.clone(), timeout) {
                Ok(next) => {
                    self.ended(next);
                    return Ok(());
                }
                // A commit that nobody heard of has come true.
                Err(error) if error.code() == Code::InvalidTxnState && !commit => {
                    let commit = EndRequest {
                        commit: true,
                        ..request
                    };
                    self.ended(transactions.end_and_wait(commit, timeout)?);
                    return Err(error.at("the transaction was committed before"));
                }
                // Asked for before, and not answered then.
                Err(error) if error.code() == Code::ConcurrentTransactions => {
                    transactions.wait_complete(&self.id, timeout)?;
                }
                Err(error) => return Err(self.noted(error)),
            }
        }
    }

    fn ended(&self, next: ProducerIdentity) {
        let mut state = self.state.lock();
        state.producer = next;
        self.set(&mut state, Phase::Idle);
    }

    /// Waits until readers see how the last transaction ended.
    pub(super) fn until_visible(&self, timeout: Duration) -> Result<()> {
        let transactions = self.engine.transactions();
        transactions.wait_complete(&self.id, timeout)
    }

    pub(super) fn send_offsets(
        &self,
        group: &GroupMetadata,
        offsets: Vec<OffsetCommit>,
    ) -> Result<()> {
        let _one = self.control();
        let producer = {
            let mut state = self.state.lock();
            match &state.phase {
                Phase::Open => {}
                Phase::Fenced(error) => return Err(error.clone()),
                _ => return Err(not_open()),
            }
            if offsets.is_empty() {
                return Ok(());
            }
            state.touched = true;
            state.producer
        };
        let commit = CommitRequest {
            group: group.group.clone(),
            member: group.member.clone(),
            instance_id: group.instance_id.clone(),
            epoch: group.epoch,
            offsets,
        };
        let request = OffsetsRequest {
            transactional_id: self.id.clone(),
            implicit: true,
            commit: TransactionalCommit {
                commit,
                producer: producer.id,
                producer_epoch: producer.epoch,
            },
        };
        let transactions = self.engine.transactions();
        let outcomes = transactions.commit_offsets_and_wait(request, self.timeout);
        for outcome in outcomes.map_err(|error| self.noted(error))? {
            let place = format!("{}-{}", outcome.topic, outcome.partition);
            outcome.result.map_err(|e| e.at(place))?;
        }
        Ok(())
    }

    /// An error, of which the producer may not recover.
    pub(super) fn noted(&self, error: Error) -> Error {
        let replaced = matches!(
            error.code(),
            Code::ProducerFenced | Code::InvalidProducerEpoch | Code::InvalidProducerIdMapping
        );
        if !replaced {
            return error;
        }
        let fenced = Error::coded(
            Code::ProducerFenced,
            format!(
                "the producer of transactional id {} was replaced by a newer one, or its transaction was \
                 open for longer than transaction.timeout.ms: make another ({error})",
                self.id
            ),
        );
        let mut state = self.state.lock();
        if !matches!(state.phase, Phase::Fenced(_)) {
            self.set(&mut state, Phase::Fenced(fenced.clone()));
        }
        fenced
    }

    fn set(&self, state: &mut State, phase: Phase) {
        let open = matches!(phase, Phase::Open);
        self.open.store(open, Ordering::Relaxed);
        state.phase = phase;
    }
}

fn not_open() -> Error {
    Error::coded(
        Code::InvalidTxnState,
        "no transaction is open: begin one before sending, committing or aborting",
    )
}

/// What becomes of records that an abort, or the end of the transaction, overtook.
pub(super) fn overtaken() -> Error {
    Error::new(
        Kind::Conflict,
        "the record was not written: its transaction ended before",
    )
    .with_code(Code::InvalidTxnState)
}
