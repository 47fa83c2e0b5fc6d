//! `levada serve`: the data directory as a Kafka broker.

mod command;
mod environment;
mod file;
mod logging;
mod notify;
mod properties;
mod server_properties;
mod settings;
mod signals;

pub use command::Serve;
