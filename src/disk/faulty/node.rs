//! One file: its bytes under their lock, shared by the tree and the open handles.

use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::Bytes;

use super::content::Content;
use super::faults::Injector;
use super::pending::Pending;
use super::random::Random;
use crate::sync::RwLock;

#[derive(Debug)]
pub(super) struct Node {
    /// Held for a copy only; nothing waits under it.
    state: RwLock<State>,
    /// Of a disk with faults: where this file's bytes are counted.
    injector: Option<Arc<Injector>>,
}

#[derive(Debug)]
struct State {
    content: Content,
    /// Of a disk with faults: what is not durable yet.
    pending: Option<Pending>,
    charged_bytes: u64,
    /// Has a name. Without one and without handles its bytes are free again, though a power loss may
    /// bring name and bytes back.
    linked: bool,
    handles: usize,
}

impl Node {
    pub(super) fn new(injector: Option<Arc<Injector>>) -> Self {
        Self::with_content(Content::default(), injector)
    }

    /// A file whose bytes are durable.
    pub(super) fn with_content(content: Content, injector: Option<Arc<Injector>>) -> Self {
        let pending = injector
            .is_some()
            .then(|| Pending::all_synced(content.clone()));
        let mut state = State {
            content,
            pending,
            charged_bytes: 0,
            linked: true,
            handles: 0,
        };
        state.charge(injector.as_deref());
        Node {
            state: RwLock::new(state),
            injector,
        }
    }

    /// A handle was given out. Each must be told back by [`Node::closed`].
    pub(super) fn opened(&self) {
        self.count(|state| state.handles += 1);
    }

    pub(super) fn closed(&self) {
        self.count(|state| state.handles = state.handles.saturating_sub(1));
    }

    /// Its name was removed, or given to another file.
    pub(super) fn unlinked(&self) {
        self.count(|state| state.linked = false);
    }

    /// Of use where bytes are counted only; elsewhere the lock is not taken.
    fn count(&self, change: impl FnOnce(&mut State)) {
        if let Some(injector) = &self.injector {
            let mut state = self.state.write();
            change(&mut state);
            state.charge(Some(injector));
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.state.read().content.len() as u64
    }

    pub(super) fn read(&self, into: &mut [u8], position: usize) -> usize {
        self.state.read().content.read(into, position)
    }

    pub(super) fn write(&self, parts: &[IoSlice<'_>], position: usize) -> io::Result<()> {
        match &self.injector {
            None => {
                let mut state = self.state.write();
                let mut at = position;
                for part in parts {
                    state.content.write(part, at);
                    at += part.len();
                }
                Ok(())
            }
            Some(injector) => self.write_with_faults(parts, position, injector),
        }
    }

    /// As the system does: a write that fails may have been done in part.
    fn write_with_faults(
        &self,
        parts: &[IoSlice<'_>],
        position: usize,
        injector: &Injector,
    ) -> io::Result<()> {
        let bytes = parts
            .iter()
            .map(|part| &**part)
            .collect::<Vec<_>>()
            .concat();
        let failure = injector.call().err();
        let mut state = self.state.write();
        let fits = state
            .content
            .fits(position, bytes.len(), injector.free_bytes());
        let done = match failure {
            Some(_) => injector.fork().below(fits + 1),
            None => fits,
        };
        let bytes_done = bytes.get(..done).unwrap_or(&bytes);
        if done > 0 {
            state.content.write(bytes_done, position);
            if let Some(pending) = &mut state.pending {
                pending.write(position, bytes_done);
            }
            state.charge(Some(injector));
        }
        match failure {
            Some(error) => Err(error),
            None if done < bytes.len() => Err(injector.full()),
            None => Ok(()),
        }
    }

    pub(super) fn set_len(&self, len: usize) {
        let mut state = self.state.write();
        if len == state.content.len() {
            return;
        }
        state.content.set_len(len);
        if let Some(pending) = &mut state.pending {
            pending.set_len(len);
        }
        state.charge(self.injector.as_deref());
    }

    pub(super) fn map(&self) -> Bytes {
        self.state.write().content.map()
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        let Some(injector) = &self.injector else {
            return Ok(());
        };
        let done = injector.sync();
        if let Some(pending) = &mut self.state.write().pending {
            match done {
                Ok(()) => pending.sync(),
                Err(_) => pending.sync_failed(&mut injector.fork()),
            }
        }
        done
    }

    /// The file as a power loss could leave it; its durable bytes alone without `random`.
    pub(super) fn after_power_loss(&self, random: Option<&mut Random>) -> Content {
        match (&self.state.read().pending, random) {
            (Some(pending), Some(random)) => pending.survivors(random),
            (Some(pending), None) => pending.synced().clone(),
            (None, _) => Content::default(),
        }
    }
}

impl State {
    fn charge(&mut self, injector: Option<&Injector>) {
        if let Some(injector) = injector {
            let in_use = self.linked || self.handles > 0;
            let now = if in_use {
                self.content.allocated_bytes() as u64
            } else {
                0
            };
            injector.charge(self.charged_bytes, now);
            self.charged_bytes = now;
        }
    }
}
