//! One request as its handler sees it.

use std::sync::Arc;

use super::answer::{Answer, Reply};
use super::context::Context;
use super::listener::Peer;
use crate::engine::Engine;
use crate::error::Result;
use crate::protocol::{Message, Reader, RequestHeader};

/// A request: who sent it, its head, and its body, which borrows from the frame.
pub(super) struct Call<'a> {
    pub context: &'a Arc<Context>,
    pub peer: &'a Arc<Peer>,
    pub header: RequestHeader<'a>,
    pub body: Reader<'a>,
    /// On a thread that may wait for the disk.
    pub may_block: bool,
}

impl<'a> Call<'a> {
    pub fn engine(&self) -> &'a Engine {
        self.context.engine()
    }

    pub fn version(&self) -> i16 {
        self.header.version
    }

    /// Reads the body. Bytes behind it are ignored, as Kafka does. An error closes the connection.
    pub fn request<M: Message<'a>>(&self) -> Result<M> {
        M::decode(&mut self.body.clone(), self.header.version)
    }

    pub fn reply(&self) -> Reply {
        Reply {
            api: self.header.api,
            version: self.header.version,
            correlation_id: self.header.correlation_id,
        }
    }

    pub fn ready<'m, M: Message<'m>>(&self, response: &M) -> Result<Answer> {
        self.reply().ready(response)
    }

    pub fn client_id(&self) -> &'a str {
        self.header.client_id.unwrap_or_default()
    }
}
