//! Topics, settings and producer ids: a pure state machine over Kafka's metadata records, the log that
//! keeps them, and the data directory that holds it all.

mod alter;
mod check;
mod commands;
mod data_dir;
pub mod directories;
#[cfg(test)]
mod golden;
mod identity;
mod image;
mod load;
pub mod records;
mod snapshot;
mod store;
#[cfg(test)]
mod store_tests;
mod tail;
#[cfg(test)]
mod tests;
mod wire;

pub use alter::{ConfigOp, ConfigResource};
pub use commands::{LocalNode, NewTopic, PARTITIONS_PER_COMMAND_MAX};
pub use data_dir::DataDir;
pub use identity::Identity;
pub use image::{MetadataImage, Topic};
pub use records::MetadataRecord;
pub use store::{MetadataStore, StoreOpened, StoreOptions};
