//! Partitions on their way into a transaction, which may have to wait for the end of the one before.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::host::{Transactions, Waiting, answer, now};
use crate::engine::durable::Reply;
use crate::engine::engine::Engine;
use crate::engine::partition::PartitionHandle;
use crate::engine::txn::AddRequest;
use crate::error::{Code, Error, Result};
use crate::types::Offset;

/// How long a request waits for the end of the last transaction; then its sender is told to retry.
const WAIT_MAX: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// By request of the client.
    Add,
    /// By producing.
    Ensure,
    /// Before producing, of a client that must have added it.
    Check,
}

/// A request that is decided at once, or as soon as the last transaction has ended.
pub(super) struct Adding {
    request: AddRequest,
    what: What,
    reply: Reply<Vec<Offset>>,
    /// Monotonic, of the first attempt.
    until: Option<Duration>,
}

impl fmt::Debug for Adding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adding")
            .field("request", &self.request)
            .field("what", &self.what)
            .finish()
    }
}

impl Adding {
    pub fn new(request: AddRequest, what: What, reply: Reply<Vec<Offset>>) -> Adding {
        Adding {
            request,
            what,
            reply,
            until: None,
        }
    }
}

impl Transactions {
    pub(super) fn start_adding(&self, adding: Adding) {
        self.when_ready(move |transactions| transactions.add_now(adding));
    }

    fn add_now(&self, adding: Adding) {
        let logs = match self.engine().and_then(|engine| logs(&engine, &adding)) {
            Ok(logs) => logs,
            Err(error) => return (adding.reply)(Err(error)),
        };
        let (engine, mut state) = match self.enter() {
            Ok(entered) => entered,
            Err(error) => return (adding.reply)(Err(error)),
        };
        // Under the lock: the markers of the transaction before are in front of these ends, those of
        // this one behind.
        let ends: Vec<Offset> = logs.iter().map(|log| log.appended()).collect();
        let (request, now) = (&adding.request, now(&engine));
        let plan = match adding.what {
            What::Add | What::Ensure => state.coordinator.add(request, now),
            What::Check => {
                let verified = state.coordinator.verify(request);
                verified.and_then(|plan| plan.all_or_first())
            }
        };
        match plan {
            Ok(plan) => {
                let done = self.carry_out(&engine, &mut state, plan);
                drop(state);
                let done = done.map(|((), durable)| (ends, durable));
                answer(done, adding.reply);
            }
            Err(error) if error.code() == Code::ConcurrentTransactions => {
                let until = adding.until.unwrap_or(now.monotonic + WAIT_MAX);
                let id = request.transactional_id.clone();
                let waiting = state.waiting.entry(id.clone()).or_default();
                let reply = self.again(adding, until);
                waiting.push(Waiting { until, reply });
                drop(state);
                self.step_later(id);
            }
            Err(error) => {
                drop(state);
                (adding.reply)(Err(as_answered(error, adding.what)));
            }
        }
    }

    /// Tries once more when the last transaction has ended.
    fn again(&self, adding: Adding, until: Duration) -> Reply<()> {
        let engine = self.weak();
        let adding = Adding {
            until: Some(until),
            ..adding
        };
        Box::new(move |outcome| match (outcome, engine.upgrade()) {
            (Err(error), _) => (adding.reply)(Err(error)),
            (Ok(()), Some(shared)) => shared.transactions.add_now(adding),
            (Ok(()), None) => {
                let closed = Error::closed("the engine is closed: open it again");
                (adding.reply)(Err(closed));
            }
        })
    }
}

/// To those that write, a fenced producer is one with an old epoch, as the log would say.
fn as_answered(error: Error, what: What) -> Error {
    match (error.code(), what) {
        (Code::ProducerFenced, What::Ensure | What::Check) => {
            error.with_code(Code::InvalidProducerEpoch)
        }
        _ => error,
    }
}

/// The partitions that are about to be written, open. Those that are only added need not be.
fn logs(engine: &Engine, adding: &Adding) -> Result<Vec<Arc<PartitionHandle>>> {
    if adding.what == What::Add {
        return Ok(Vec::new());
    }
    let partitions = adding.request.partitions.iter();
    let open = |p: &crate::types::TopicPartition| {
        let handle = engine.partition(&p.topic, p.partition)?;
        handle.log()?;
        Ok(handle)
    };
    partitions.map(open).collect()
}
