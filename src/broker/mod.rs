//! Kafka's protocol over TCP: listeners, connections, one handler a request, all on the engine of the
//! same process. A socket's request and a call in process end in the same functions.

mod admin;
mod answer;
mod api_reference;
mod budget;
mod call;
mod connection;
mod context;
mod control;
mod faults;
mod fetch;
mod frames;
mod handlers;
mod listener;
mod metrics;
mod outgoing;
mod refuse;
mod server;
mod unread;
mod waiting;

pub use api_reference::api_reference;
pub use faults::{Faults, api_of, code_of};
pub use server::{Listening, Server};
