//! The records of `__consumer_offsets`, in Kafka's format: one key type and version a kind, the
//! value behind its own version. A value of nothing (a tombstone) takes the thing away.

mod change;
mod decode;
mod encode;
#[cfg(test)]
mod tests;
mod wire;

pub use change::{Change, CurrentAssignment, GroupMetadata, MemberMetadata};
pub use change::{ClassicMemberMetadata, ClassicMemberValue, ClassicValue};
pub use change::{ResolvedRegex, TargetMetadata, What, kind};
pub use decode::decode;
pub use encode::encode;
