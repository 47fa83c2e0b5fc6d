//! Memory for large requests that have not arrived as a whole. It is taken as the bytes come, not
//! when a length is announced, and the sum over all connections is bounded: when it is used up, who
//! wants more waits, and the connection that holds most and has sent nothing lately is closed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::control::{Control, Order};
use crate::sync::Mutex;

/// How long one who wants memory waits before somebody silent is closed for it.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long it waits in all.
const WAIT_MAX: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Budget {
    total: u64,
    state: Mutex<State>,
    /// Told when somebody gives memory back.
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    used: u64,
    next_id: u64,
    holders: HashMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    bytes: u64,
    /// A request is under way, and its bytes came since the last look of one who waits.
    moved: bool,
    partial: bool,
    control: Arc<Control>,
}

/// One connection's part; given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    id: u64,
    control: Arc<Control>,
}

impl Budget {
    pub fn new(total: u64) -> Budget {
        Budget {
            total,
            state: Mutex::default(),
            freed: Notify::new(),
        }
    }

    /// The part of the connection that is told through `control`.
    pub fn share(&self, control: Arc<Control>) -> Share {
        let mut state = self.state.lock();
        state.next_id += 1;
        Share {
            id: state.next_id,
            control,
        }
    }

    /// Has `share` hold `bytes` in all. False when there was no room for too long.
    pub async fn hold(&self, share: &Share, bytes: u64) -> bool {
        let mut waited = Duration::ZERO;
        loop {
            let freed = self.freed.notified();
            if self.try_hold(share, bytes) {
                return true;
            }
            if waited >= WAIT_MAX {
                return false;
            }
            if tokio::time::timeout(PATIENCE, freed).await.is_err() {
                waited += PATIENCE;
                self.evict_idle(share.id);
            }
        }
    }

    fn try_hold(&self, share: &Share, bytes: u64) -> bool {
        let mut state = self.state.lock();
        let held = state.holders.get(&share.id).map_or(0, |h| h.bytes);
        let used = state.used - held + bytes;
        if bytes > held && used > self.total {
            return false;
        }
        state.used = used;
        if bytes == 0 {
            state.holders.remove(&share.id);
        } else {
            let held = state.holders.entry(share.id).or_insert_with(|| Held {
                bytes,
                moved: true,
                partial: true,
                control: share.control.clone(),
            });
            (held.bytes, held.moved, held.partial) = (bytes, true, true);
        }
        drop(state);
        if bytes < held {
            self.freed.notify_waiters();
        }
        true
    }

    /// Gives back down to `bytes`.
    pub fn release(&self, share: &Share, bytes: u64) {
        self.try_hold(share, bytes);
    }

    /// The request is there as a whole; the memory is kept for the next one.
    pub fn settled(&self, share: &Share) {
        if let Some(held) = self.state.lock().holders.get_mut(&share.id) {
            held.partial = false;
        }
    }

    /// Whether holders should give back what they can.
    pub fn is_tight(&self) -> bool {
        self.state.lock().used > self.total / 2
    }

    /// Bytes of a holder arrived.
    pub fn moved(&self, share: &Share) {
        if let Some(held) = self.state.lock().holders.get_mut(&share.id) {
            held.moved = true;
        }
    }

    /// Closes the largest holder that has sent nothing since the last time.
    fn evict_idle(&self, but: u64) {
        let mut state = self.state.lock();
        let others = state.holders.iter().filter(|(id, _)| **id != but);
        let silent = others.filter(|(_, held)| held.partial && !held.moved);
        if let Some((_, held)) = silent.max_by_key(|(_, held)| held.bytes) {
            held.control.give(Order::Close);
        }
        for held in state.holders.values_mut() {
            held.moved = false;
        }
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    /// What is held now.
    pub fn used(&self) -> u64 {
        self.state.lock().used
    }
}
