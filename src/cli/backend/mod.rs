//! What the commands work on: a data directory, or a cluster over the wire. Commands ask for facts
//! through the traits and show them; the same command gives the same JSON on both.

mod facts;
mod local;
mod seam;
mod wire;

pub use facts::{ListedTopic, MemberShown, OffsetShown, PartitionShown, SettingShown};
pub use local::Local;
pub use seam::{Backend, Logs, Sink, SinkOptions, Source, SourceOptions};
pub use wire::Wire;
