//! The fetch sessions of a server.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::partition::Wanted;
use super::session::Session;
use crate::error::{Code, Error, Result};
use crate::sync::Mutex;

/// A session unused for that long may be forgotten for a new one.
const EVICT_AFTER: Duration = Duration::from_secs(120);
/// The most partitions that all sessions remember.
const PARTITIONS_MAX: usize = 1_000_000;

#[derive(Debug)]
pub(in crate::broker) struct FetchSessions {
    slots: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_id: i32,
    sessions: HashMap<i32, Kept>,
    partitions: usize,
}

#[derive(Debug)]
struct Kept {
    /// Locked by the one request of its client; never while waiting.
    session: Arc<Mutex<Session>>,
    used: Duration,
    partitions: usize,
}

impl FetchSessions {
    pub fn new(slots: usize) -> FetchSessions {
        FetchSessions {
            slots,
            state: Mutex::default(),
        }
    }

    /// Makes a session; `None` when there is no room.
    pub fn open(&self, wanted: Vec<Wanted>, by_id: bool, now: Duration) -> Opened {
        let mut state = self.state.lock();
        let full = |state: &State| {
            state.sessions.len() >= self.slots || state.partitions + wanted.len() > PARTITIONS_MAX
        };
        if full(&state) {
            state.evict(now);
        }
        if full(&state) {
            return Err(wanted);
        }
        let id = state.new_id();
        let partitions = wanted.len();
        let session = Arc::new(Mutex::new(Session::new(id, by_id, wanted)));
        state.partitions += partitions;
        let kept = Kept {
            session: session.clone(),
            used: now,
            partitions,
        };
        state.sessions.insert(id, kept);
        Ok(session)
    }

    /// The session `id`. Errors: `FetchSessionIdNotFound`.
    pub fn find(&self, id: i32, now: Duration) -> Result<Arc<Mutex<Session>>> {
        let mut state = self.state.lock();
        let kept = state.sessions.get_mut(&id).ok_or_else(|| {
            let message = format!("there is no fetch session {id} any more");
            Error::coded(Code::FetchSessionIdNotFound, message)
        })?;
        kept.used = now;
        Ok(kept.session.clone())
    }

    pub fn close(&self, id: i32) {
        self.state.lock().remove(id);
    }

    /// The session has that many partitions now.
    pub fn resized(&self, id: i32, partitions: usize) {
        let mut state = self.state.lock();
        if let Some(kept) = state.sessions.get_mut(&id) {
            let before = std::mem::replace(&mut kept.partitions, partitions);
            state.partitions = state.partitions - before + partitions;
        }
    }

    pub fn count(&self) -> usize {
        self.state.lock().sessions.len()
    }
}

/// The partitions come back when there is no room for a session.
pub(in crate::broker) type Opened = std::result::Result<Arc<Mutex<Session>>, Vec<Wanted>>;

impl State {
    fn new_id(&mut self) -> i32 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.sessions.contains_key(&self.last_id) {
                return self.last_id;
            }
        }
    }

    fn remove(&mut self, id: i32) {
        if let Some(kept) = self.sessions.remove(&id) {
            self.partitions -= kept.partitions;
        }
    }

    /// Forgets the one unused for longest, if that is long.
    fn evict(&mut self, now: Duration) {
        let oldest = self.sessions.iter().min_by_key(|(_, kept)| kept.used);
        let oldest = oldest.map(|(id, kept)| (*id, now.saturating_sub(kept.used)));
        if let Some((id, _)) = oldest.filter(|(_, unused)| *unused >= EVICT_AFTER) {
            self.remove(id);
        }
    }
}
