//! Answers that were made and that clients have not read yet. While they are too many, fetches give as
//! little as they can, and clients that read nothing are closed.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Above this it is too much.
const BYTES_MAX: usize = 512 << 20;

#[derive(Debug, Default)]
pub(super) struct Unread {
    bytes: AtomicUsize,
}

impl Unread {
    /// One connection's part was `before` bytes and is `now`.
    pub fn change(&self, before: usize, now: usize) {
        if now >= before {
            self.bytes.fetch_add(now - before, Ordering::Relaxed);
        } else {
            self.bytes.fetch_sub(before - now, Ordering::Relaxed);
        }
    }

    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub fn is_too_much(&self) -> bool {
        self.bytes() > BYTES_MAX
    }
}
