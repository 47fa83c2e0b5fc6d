//! What the coordinator was asked, as a future: it answers by calling back, from a thread of its own.

use tokio::sync::oneshot;

use crate::engine::Reply;
use crate::error::{Code, Error, Result};

pub(in crate::broker::handlers) struct Asked<T>(oneshot::Receiver<Result<T>>);

impl<T: Send + 'static> Asked<T> {
    pub fn new(start: impl FnOnce(Reply<T>)) -> Asked<T> {
        let (sender, answer) = oneshot::channel();
        start(Box::new(move |outcome| {
            // Nobody listens any more: the connection is gone.
            let _ = sender.send(outcome);
        }));
        Asked(answer)
    }

    /// The answer when it was given at once, before anybody waits; else the question again.
    pub fn at_once(mut self) -> std::result::Result<Result<T>, Asked<T>> {
        match self.0.try_recv() {
            Ok(outcome) => Ok(outcome),
            Err(oneshot::error::TryRecvError::Closed) => Ok(Err(unanswered())),
            Err(oneshot::error::TryRecvError::Empty) => Err(self),
        }
    }

    pub async fn answer(self) -> Result<T> {
        self.0.await.unwrap_or_else(|_| Err(unanswered()))
    }
}

/// The engine was closed with the question unanswered. Whoever asks again finds out.
fn unanswered() -> Error {
    let message = "the transaction coordinator gave no answer: it is being closed";
    Error::coded(Code::CoordinatorNotAvailable, message)
}
