//! Kafka's record batch format (magic 2): views, a builder, validation. Works on bytes alone.

mod builder;
mod control;
mod header;
mod iter;
mod legacy;
mod partitioner;
mod plain;
mod rewrite;
mod span;
mod validate;
mod view;
mod wire;

#[cfg(test)]
mod tests;

pub use builder::{BatchBuilder, BuildOptions};
pub use control::{ControlRecord, ControlType, control_batch, control_record};
pub use header::{Attributes, BatchHeader, HEADER_BYTES, set_offsets};
pub use iter::{Header, Headers, RecordView, Records};
pub use legacy::is_legacy;
pub(crate) use partitioner::Sticky;
pub use partitioner::{murmur2, partition_for_key};
pub use plain::PlainRecords;
pub use span::{RecordSpan, Span, Spans};
pub use validate::{Checked, Rules, blamed, validate};
pub use view::{BatchView, Batches};
