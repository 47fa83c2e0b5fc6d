//! What a handler gives: an answer now, one that waits for something, or none.

use std::future::Future;
use std::pin::Pin;

use crate::error::Result;
use crate::protocol::{ApiKey, Message, MessageWriter, write_response};

/// A future that gives the bytes of an answer. An error closes the connection.
pub(super) type Later = Pin<Box<dyn Future<Output = Result<MessageWriter>> + Send>>;

/// A future that gives what a handler gives.
pub(super) type First = Pin<Box<dyn Future<Output = Result<Answer>> + Send>>;

pub(super) enum Answer {
    Ready(MessageWriter),
    Later(Later),
    /// The request has not taken effect yet: no later one of its connection may begin before this has
    /// given an answer.
    First(First),
    /// The client wants none (acks=0).
    Nothing,
    /// It would wait for a disk: call again where waiting is allowed.
    Blocking,
}

/// What is needed to write an answer when the request is gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub api: ApiKey,
    pub version: i16,
    pub correlation_id: i32,
}

impl Reply {
    pub fn write<'a, M: Message<'a>>(&self, response: &M) -> Result<MessageWriter> {
        let mut w = MessageWriter::with_capacity(256);
        write_response(&mut w, self.version, self.correlation_id, response)?;
        Ok(w)
    }

    pub fn ready<'a, M: Message<'a>>(&self, response: &M) -> Result<Answer> {
        self.write(response).map(Answer::Ready)
    }

    /// An answer that `future` makes. It owns what it needs: the request's bytes are gone by then.
    pub fn later<M, F>(self, future: F) -> Result<Answer>
    where
        M: Message<'static>,
        F: Future<Output = M> + Send + 'static,
    {
        Ok(Answer::Later(Box::pin(async move {
            let response = future.await;
            self.write(&response)
        })))
    }
}
