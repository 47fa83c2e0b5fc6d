//! The coordinator as the engine runs it.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use super::ending::Ending;
use super::queue::Queue;
use super::store;
use crate::config::{BrokerConfig, TRANSACTION_STATE};
use crate::engine::durable::{Durable, Reply};
use crate::engine::engine::{Engine, Shared};
use crate::engine::groups::Now;
use crate::engine::table::TopicHandle;
use crate::engine::txn::{Coordinator, Plan, TxnSettings};
use crate::error::{Error, Result};
use crate::sync::{Mutex, MutexGuard};
use crate::types::Offset;

/// The engine's transactions. Nothing is read or started before the first call, except where the last
/// life of the data directory left something to carry on.
///
/// Answers come through a [`Reply`], once what they say is durable; nothing here waits for a disk on the
/// caller's thread.
#[derive(Debug)]
pub struct Transactions {
    /// Weak: the engine owns this.
    engine: Mutex<Weak<Shared>>,
    pub(super) intervals: Intervals,
    /// The ends that are under way. Held while markers are appended (page cache). Taken before `state`
    /// and before the groups' state.
    pub(super) endings: Mutex<HashMap<Arc<str>, Ending>>,
    /// Held from deciding to applying, also across the append (page cache) and, once, across loading.
    state: Mutex<State>,
    /// The state is loaded: calls need not go over to the thread for it.
    loaded: AtomicBool,
    pub(super) queue: Arc<Queue>,
    pub(super) thread: Mutex<Option<JoinHandle<()>>>,
    /// When expired ids were last looked for.
    pub(super) swept_at: Mutex<Duration>,
}

/// How often the thread looks by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Intervals {
    pub timeouts: Duration,
    pub expiration: Duration,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub coordinator: Coordinator,
    loaded: bool,
    /// The last record in each partition of `__transaction_state` that this life wrote to, by number:
    /// answers wait until it is durable.
    written: HashMap<i32, Offset>,
    /// Who waits for the end of an id's transaction.
    pub waiting: HashMap<Arc<str>, Vec<Waiting>>,
}

/// One who waits until a transaction has ended.
pub(super) struct Waiting {
    /// Monotonic; told ConcurrentTransactions then.
    pub until: Duration,
    pub reply: Reply<()>,
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("until", &self.until)
            .finish()
    }
}

impl Transactions {
    pub(in crate::engine) fn new(config: &BrokerConfig) -> Transactions {
        let ms = |ms: i64| Duration::from_millis(ms.max(1).unsigned_abs());
        let settings = TxnSettings {
            timeout_ms_max: i32::try_from(config.transaction_timeout_ms_max).unwrap_or(i32::MAX),
            expiration_ms: config.transactional_id_expiration_ms,
        };
        Transactions {
            engine: Mutex::new(Weak::new()),
            intervals: Intervals {
                timeouts: ms(config.transaction_timeout_check_interval_ms),
                expiration: ms(config.transactional_id_expiration_check_interval_ms),
            },
            endings: Mutex::default(),
            state: Mutex::new(State {
                coordinator: Coordinator::new(settings),
                ..State::default()
            }),
            loaded: AtomicBool::new(false),
            queue: Arc::default(),
            thread: Mutex::new(None),
            swept_at: Mutex::default(),
        }
    }

    pub(in crate::engine) fn attach(&self, engine: &Arc<Shared>) {
        *self.engine.lock() = Arc::downgrade(engine);
    }

    /// Carries on what the last life of the directory left: decided transactions get their markers, open
    /// ones are aborted in time.
    pub(in crate::engine) fn resume(&self) -> Result<()> {
        let engine = self.engine()?;
        let Some(topic) = state_topic(&engine.shared) else {
            return Ok(());
        };
        let written = |p: &Arc<crate::engine::PartitionHandle>| p.has_files();
        if topic.partitions().iter().any(written) {
            self.hand_over(|shared| drop(shared.transactions.enter()));
        }
        Ok(())
    }

    pub(super) fn engine(&self) -> Result<Engine> {
        let shared = self.engine.lock().upgrade();
        let shared = shared.ok_or_else(|| Error::closed("the engine is closed: open it again"))?;
        let engine = Engine { shared };
        engine.check_open()?;
        Ok(engine)
    }

    pub(super) fn weak(&self) -> Weak<Shared> {
        self.engine.lock().clone()
    }

    /// Whether calls find everything in memory: the state, and both topics.
    pub(super) fn is_ready(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// Has `call` run on the coordinator's thread; here and now when that runs no more.
    pub(super) fn hand_over(&self, call: impl FnOnce(&Shared) + Send + 'static) {
        let engine = self.weak();
        let run = Box::new(move || {
            if let Some(shared) = engine.upgrade() {
                call(&shared);
            }
        });
        if let Err(error) = self.start_thread() {
            tracing::error!(%error, "the transaction coordinator has no thread");
        }
        if let Some(run) = self.queue.call(run) {
            run();
        }
    }

    /// The engine and the loaded state.
    pub(super) fn enter(&self) -> Result<(Arc<Shared>, MutexGuard<'_, State>)> {
        let engine = self.engine()?.shared;
        let mut state = self.state.lock();
        if !state.loaded {
            self.load(&engine, &mut state)?;
        }
        Ok((engine, state))
    }

    /// The state as it is, also of an engine that is closed.
    pub(super) fn forgotten<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.state.lock())
    }

    fn load(&self, engine: &Arc<Shared>, state: &mut State) -> Result<()> {
        let topic = state_topic(engine);
        for handle in topic.iter().flat_map(|t| t.partitions()) {
            // A partition that was never written has no directory, and need not get one for this.
            if handle.has_files() {
                store::load(handle, &mut state.coordinator)?;
            }
        }
        state.loaded = true;
        self.loaded.store(true, Ordering::Release);
        for id in state.coordinator.ending() {
            self.step_later(id);
        }
        Ok(())
    }

    pub(super) fn step_later(&self, id: Arc<str>) {
        if let Err(error) = self.start_thread() {
            tracing::error!(%error, "the transaction coordinator has no thread");
        }
        self.queue.step(id);
    }

    /// Decides on a plan, appends its record, applies it. What it answers may be said when the second
    /// is durable; `None` when it is.
    pub(super) fn decide<T>(
        &self,
        decide: impl FnOnce(&Coordinator, Now) -> Result<Plan<T>>,
    ) -> Result<(T, Option<Durable>)> {
        let (engine, mut state) = self.enter()?;
        let plan = decide(&state.coordinator, now(&engine))?;
        self.carry_out(&engine, &mut state, plan)
    }

    pub(super) fn carry_out<T>(
        &self,
        engine: &Arc<Shared>,
        state: &mut State,
        plan: Plan<T>,
    ) -> Result<(T, Option<Durable>)> {
        let topic = state_topic(engine).ok_or_else(|| {
            Error::unavailable(format!("topic {TRANSACTION_STATE} was deleted: open again"))
        })?;
        let handle = store::partition_of(&topic, plan.transactional_id())?;
        let number = handle.name().partition;
        if let Some(record) = plan.record() {
            let offset = store::append(&handle, &record, engine.parts.clock.now())?;
            state.written.insert(number, offset);
        }
        let decided = plan.decides().then(|| plan.transactional_id().clone());
        let answer = state.coordinator.apply(plan);
        if let Some(id) = decided {
            self.step_later(id);
        }
        let last = state.written.get(&number).copied();
        let durable = last.map(|last_offset| Durable {
            handle,
            last_offset,
        });
        Ok((answer, durable))
    }

    /// Up to where the records of an id must be durable before anything is done about them.
    pub(super) fn decision(
        &self,
        engine: &Arc<Shared>,
        state: &State,
        id: &str,
    ) -> Result<Option<Durable>> {
        let Some(topic) = state_topic(engine) else {
            return Ok(None);
        };
        let handle = store::partition_of(&topic, id)?;
        let last = state.written.get(&handle.name().partition).copied();
        Ok(last.map(|last_offset| Durable {
            handle,
            last_offset,
        }))
    }
}

/// Answers once `durable` is.
pub(super) fn answer<T: Send + 'static>(outcome: Result<(T, Option<Durable>)>, reply: Reply<T>) {
    match outcome {
        Err(error) => reply(Err(error)),
        Ok((answer, None)) => reply(Ok(answer)),
        Ok((answer, Some(durable))) => {
            durable.then(Box::new(move |outcome| reply(outcome.map(|()| answer))));
        }
    }
}

pub(super) fn state_topic(engine: &Shared) -> Option<Arc<TopicHandle>> {
    engine.table.read().get(TRANSACTION_STATE).cloned()
}

pub(super) fn now(engine: &Shared) -> Now {
    Now {
        wall: engine.parts.clock.now(),
        monotonic: engine.parts.clock.monotonic(),
    }
}
