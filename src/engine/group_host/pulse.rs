//! A group member of this process between its polls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use crate::engine::wait::Signal;
use crate::sync::{Mutex, MutexGuard};

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
    /// When the member last polled or took a record, in nanoseconds: read and set without a lock.
    polled_at: AtomicU64,
    /// The member did not poll in time and was taken out. Set by the keeper.
    put_out: AtomicBool,
    /// Held around each heartbeat, so that those of the consumer and of the keeper do not cross.
    beating: Mutex<Beats>,
    /// Wakes a poll that waits.
    signal: Arc<Signal>,
}

#[derive(Debug, Default)]
pub(super) struct Beats {
    pub beaten_at: Duration,
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
            polled_at: AtomicU64::new(0),
            put_out: AtomicBool::new(false),
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

    /// The member polls.
    pub fn polled(&self, now: Duration) {
        let _beat = self.beating.lock();
        self.sign(now);
    }

    /// The member takes a record that an earlier poll read; too late, that saves it no more.
    #[inline]
    pub fn touch(&self, now: Duration) {
        if !self.is_late(now) {
            self.sign(now);
        }
    }

    fn sign(&self, now: Duration) {
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.polled_at.store(nanos, Ordering::SeqCst);
    }

    /// Whether the member did not poll for longer than it may.
    pub fn is_late(&self, now: Duration) -> bool {
        now >= self.deadline()
    }

    /// By when the member must poll.
    pub(super) fn deadline(&self) -> Duration {
        let polled_at = Duration::from_nanos(self.polled_at.load(Ordering::SeqCst));
        polled_at.saturating_add(self.poll_interval_max)
    }

    /// Whether the group has news, or has put the member out.
    #[inline]
    pub fn has_news(&self) -> bool {
        self.changed.load(Ordering::SeqCst) || self.is_put_out()
    }

    /// Whether a heartbeat is under way, which a poll would wait for.
    pub fn is_beating(&self) -> bool {
        self.beating.try_lock().is_none()
    }

    /// Whether the member did not poll in time and was taken out.
    #[inline]
    pub fn is_put_out(&self) -> bool {
        self.put_out.load(Ordering::SeqCst)
    }

    /// Whether the group had news since the last call.
    pub fn take_changed(&self) -> bool {
        self.changed.swap(false, Ordering::SeqCst)
    }

    /// What the group had to say did not get through: it is looked at again.
    pub fn put_back_changed(&self) {
        self.changed.store(true, Ordering::SeqCst);
    }

    /// The member is known no more: the next heartbeat joins.
    pub fn reset(&self) {
        let _beat = self.beating.lock();
        self.put_out.store(false, Ordering::SeqCst);
        self.epoch.store(0, Ordering::SeqCst);
    }

    pub(super) fn put_out(&self) {
        self.put_out.store(true, Ordering::SeqCst);
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
