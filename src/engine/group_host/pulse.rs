//! A group member of this process between its polls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::engine::wait::Signal;

/// Shared by the consumer, which polls, and the keeper, which sends heartbeats meanwhile and takes the
/// member out of the group when it stops polling (`max.poll.interval.ms`).
#[derive(Debug)]
pub struct Pulse {
    group: Arc<str>,
    member: Arc<str>,
    instance_id: Option<Arc<str>>,
    poll_interval_max: Duration,
    /// 0 before joining.
    epoch: AtomicI32,
    /// The group may have something new for the member: it sends a full heartbeat.
    changed: AtomicBool,
    /// Held around each heartbeat, so that those of the consumer and of the keeper do not cross.
    beating: Mutex<Beats>,
    /// Wakes a poll that waits.
    signal: Arc<Signal>,
}

#[derive(Debug, Default)]
pub(super) struct Beats {
    pub polled_at: Duration,
    pub beaten_at: Duration,
    /// The member did not poll in time and was taken out.
    pub put_out: bool,
}

impl Pulse {
    pub fn new(
        group: Arc<str>,
        member: impl Into<Arc<str>>,
        instance_id: Option<Arc<str>>,
        poll_interval_max: Duration,
        signal: Arc<Signal>,
    ) -> Arc<Pulse> {
        Arc::new(Pulse {
            group,
            member: member.into(),
            instance_id,
            poll_interval_max,
            epoch: AtomicI32::new(0),
            changed: AtomicBool::new(true),
            beating: Mutex::default(),
            signal,
        })
    }

    pub fn group(&self) -> &Arc<str> {
        &self.group
    }

    pub fn member(&self) -> &Arc<str> {
        &self.member
    }

    pub fn instance_id(&self) -> Option<&Arc<str>> {
        self.instance_id.as_ref()
    }

    pub fn epoch(&self) -> i32 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// The member polls; gives whether it was put out since it last did.
    pub fn polled(&self, now: Duration) -> bool {
        let mut beats = self.beating.lock();
        beats.polled_at = now;
        let put_out = std::mem::take(&mut beats.put_out);
        if put_out {
            self.epoch.store(0, Ordering::SeqCst);
        }
        put_out
    }

    /// Whether the group had news since the last call.
    pub fn take_changed(&self) -> bool {
        self.changed.swap(false, Ordering::SeqCst)
    }

    /// Whether the next poll has something to do for the group: there is news, the member was put
    /// out, or a heartbeat is under way, which the poll would wait for.
    pub fn has_news(&self) -> bool {
        let beats = self.beating.try_lock();
        self.changed.load(Ordering::SeqCst) || beats.is_none_or(|b| b.put_out)
    }

    /// The member is known no more: the next heartbeat joins.
    pub fn reset(&self) {
        self.epoch.store(0, Ordering::SeqCst);
    }

    pub(super) fn poll_interval_max(&self) -> Duration {
        self.poll_interval_max
    }

    pub(super) fn set_epoch(&self, epoch: i32) {
        self.epoch.store(epoch, Ordering::SeqCst);
    }

    pub(super) fn beats(&self) -> MutexGuard<'_, Beats> {
        self.beating.lock()
    }

    /// The group has news: a poll that waits looks at once.
    pub(super) fn tell(&self) {
        self.changed.store(true, Ordering::SeqCst);
        self.signal.set();
    }
}
