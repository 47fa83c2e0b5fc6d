//! Requests of classic members that are answered later, and who is to be called then.

use std::collections::HashMap;
use std::fmt::Debug;

use crate::engine::groups::{Delivery, JoinAnswer, SyncAnswer, Waited, WaiterToken};
use crate::error::{Error, Result};

/// Called once with the answer, on whatever thread made it due: be quick.
pub type GroupReply<T> = Box<dyn FnOnce(T) + Send>;

pub(super) enum Waiter {
    Join(GroupReply<JoinAnswer>),
    Sync(GroupReply<Result<SyncAnswer>>),
}

impl Waiter {
    fn refuse(self, error: Error) {
        match self {
            Waiter::Join(reply) => reply(JoinAnswer::refusing(error, "".into())),
            Waiter::Sync(reply) => reply(Err(error)),
        }
    }
}

/// Part of the groups' state; answers are given when its lock is free again.
#[derive(Default)]
pub(super) struct Waiting {
    made: u64,
    waiters: HashMap<WaiterToken, Waiter>,
    ready: Vec<Ready>,
}

/// Answers that are due; call [`Ready::answer`] without a lock.
pub(super) struct Ready {
    waiter: Waiter,
    answer: Waited,
}

impl Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting")
            .field("waiters", &self.waiters.len())
            .finish_non_exhaustive()
    }
}

impl Waiting {
    pub fn add(&mut self, waiter: Waiter) -> WaiterToken {
        self.made += 1;
        let token = WaiterToken(self.made);
        self.waiters.insert(token, waiter);
        token
    }

    pub fn deliver(&mut self, delivery: Delivery) {
        if let Some(waiter) = self.waiters.remove(&delivery.token) {
            self.ready.push(Ready {
                waiter,
                answer: delivery.answer,
            });
        }
    }

    pub fn take_ready(&mut self) -> Vec<Ready> {
        std::mem::take(&mut self.ready)
    }

    /// The request failed before the coordinator took it in.
    pub fn take(&mut self, token: WaiterToken) -> Option<Waiter> {
        self.waiters.remove(&token)
    }

    /// Nobody will be answered any more.
    pub fn take_all(&mut self) -> Vec<Waiter> {
        self.waiters.drain().map(|(_, waiter)| waiter).collect()
    }
}

impl Ready {
    pub fn answer(self) {
        match (self.waiter, self.answer) {
            (Waiter::Join(reply), Waited::Join(answer)) => reply(answer),
            (Waiter::Sync(reply), Waited::Sync(answer)) => reply(answer),
            // A token names one request, and that has one kind of answer.
            (waiter, _) => waiter.refuse(Error::internal("an answer of another kind")),
        }
    }
}

pub(super) fn refuse_all(waiters: impl IntoIterator<Item = Waiter>, error: &Error) {
    for waiter in waiters {
        waiter.refuse(error.clone());
    }
}
