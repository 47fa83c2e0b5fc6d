//! The thread that looks after the members of this process between their polls, and puts out those of
//! any process whose time is over. Started with the first member.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use super::host::Groups;
use super::pulse::Pulse;
use crate::engine::engine::Shared;
use crate::engine::groups::{Heartbeat, LeaveRequest};
use crate::error::{Error, Result};
use crate::thread;

/// The keeper looks at least this often.
const ROUND_MAX: Duration = Duration::from_millis(1000);

/// A member that is near its poll limit is looked at in steps of this.
const ROUND_MIN: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
pub(super) struct Keeper {
    pulses: Vec<Arc<Pulse>>,
    thread: Option<JoinHandle<()>>,
    stopped: bool,
    /// Something is due earlier than the keeper may know.
    news: bool,
}

impl Groups {
    pub(super) fn keep(&self, engine: &Arc<Shared>, pulse: &Arc<Pulse>) -> Result<()> {
        pulse.polled(engine.parts.clock.monotonic());
        let mut keeper = self.keeper.lock();
        keeper.pulses.push(pulse.clone());
        self.wake(engine, &mut keeper)
    }

    /// Has the keeper look when something of the coordinator is due; at once when that is `sooner`
    /// than before.
    pub(super) fn look_after_deadlines(&self, engine: &Arc<Shared>, sooner: bool) -> Result<()> {
        if !sooner && self.keeping.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.wake(engine, &mut self.keeper.lock())
    }

    /// Wakes the keeper's thread, which is started where there is none.
    fn wake(&self, engine: &Arc<Shared>, keeper: &mut Keeper) -> Result<()> {
        if keeper.thread.is_none() && !keeper.stopped {
            let engine = Arc::downgrade(engine);
            let thread = thread::start("levada-groups", move || run(engine));
            keeper.thread =
                Some(thread.map_err(|e| Error::io("start the group keeper's thread", e))?);
            self.keeping.store(true, Ordering::Relaxed);
        }
        keeper.news = true;
        self.keeper_due.notify_one();
        Ok(())
    }

    pub(super) fn forget(&self, pulse: &Arc<Pulse>) {
        self.keeper.lock().pulses.retain(|p| !Arc::ptr_eq(p, pulse));
    }

    /// Ends the keeper's thread.
    pub(in crate::engine) fn stop(&self) {
        let thread = {
            let mut keeper = self.keeper.lock();
            keeper.stopped = true;
            self.keeper_due.notify_all();
            keeper.thread.take()
        };
        self.refuse_waiting();
        if let Some(thread) = thread.filter(|t| t.thread().id() != std::thread::current().id()) {
            // A panic there was reported by the panic hook; nothing is left to undo here.
            let _ = thread.join();
        }
    }

    /// One round; gives how long to sleep, `None` to end.
    fn round(&self, engine: &Shared) -> Option<Duration> {
        let pulses = {
            let mut keeper = self.keeper.lock();
            if keeper.stopped {
                return None;
            }
            keeper.news = false;
            keeper.pulses.clone()
        };
        let now = engine.parts.clock.monotonic();
        let mut sleep = ROUND_MAX;
        for pulse in &pulses {
            let left = self.look_after(pulse, now);
            sleep = sleep.min(left.max(ROUND_MIN));
        }
        match self.tick() {
            Ok(Some(due)) => sleep = sleep.min(due.saturating_sub(now).max(ROUND_MIN)),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "members of groups could not be put out"),
        }
        Some(sleep)
    }

    /// Sends the member's heartbeat, or takes it out when it does not poll. Gives how long until it
    /// must be looked at again.
    fn look_after(&self, pulse: &Arc<Pulse>, now: Duration) -> Duration {
        let mut beats = pulse.beats();
        if pulse.epoch() <= 0 || pulse.is_put_out() {
            return ROUND_MAX;
        }
        let deadline = pulse.deadline();
        if now >= deadline {
            pulse.put_out();
            drop(beats);
            tracing::warn!(group = %pulse.group(), member = %pulse.member(), "member does not poll and is taken out of its group");
            let request = LeaveRequest {
                group: pulse.group().clone(),
                member: pulse.member().clone(),
                instance_id: pulse.instance_id().cloned(),
                for_a_while: false,
            };
            if let Err(error) = self.leave(&request) {
                tracing::debug!(%error, "it was out already");
            }
            return ROUND_MAX;
        }
        if now >= beats.beaten_at + ROUND_MAX {
            let request =
                Heartbeat::of(pulse.group().clone(), pulse.member().clone(), pulse.epoch());
            match self.heartbeat(&Heartbeat {
                instance_id: pulse.instance_id().cloned(),
                ..request
            }) {
                Ok(answer) => {
                    beats.beaten_at = now;
                    let news = answer.assignment.is_some() || answer.epoch != pulse.epoch();
                    pulse.set_epoch(answer.epoch);
                    if news {
                        pulse.tell();
                    }
                }
                // The member finds out itself at its next full heartbeat.
                Err(_) => pulse.tell(),
            }
        }
        deadline - now
    }
}

fn run(engine: Weak<Shared>) {
    loop {
        let Some(shared) = engine.upgrade() else {
            return;
        };
        let Some(sleep) = shared.groups.round(&shared) else {
            return;
        };
        // Closing the engine sets `stopped` and ends this sleep; until then it stays in memory.
        let mut keeper = shared.groups.keeper.lock();
        if keeper.stopped {
            return;
        }
        if !keeper.news {
            shared.groups.keeper_due.wait_for(&mut keeper, sleep);
        }
    }
}
