//! What a poll gave, as Arrow: values stay where they lie.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, RecordBatch, StringArray, StringViewArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::take::take;

use crate::archive::arrow::{AbortedRanges, Binary, Columns, ConvertOptions, Converter, Window};
use crate::embedded::{Consumer, Raw};
use crate::error::{Error, Result};
use crate::types::{IsolationLevel, Offset};

impl Consumer {
    /// [`Consumer::poll_raw`] as Arrow: the schema, and one record batch a partition that gave records.
    /// The columns are partition, offset, timestamp, key, value, headers; before them `topic`, if the
    /// subscription may give [several](Consumer::reads_several_topics).
    ///
    /// Errors: those of [`Consumer::poll`].
    pub fn poll_arrow(
        &self,
        bytes_max: Option<usize>,
        timeout: Duration,
        binary: Binary,
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let polled = self.poll_raw(bytes_max, timeout)?;
        record_batches(polled, binary, self.reads_several_topics()?)
    }
}

/// One record batch for each of `polled` that holds records; with `several` a first column says of
/// which topic.
///
/// Errors: Corrupt for a batch that is damaged.
pub fn record_batches(
    polled: Vec<Raw>,
    binary: Binary,
    several: bool,
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let mut schema = Columns::default().schema(binary);
    if several {
        schema = with_topic(&schema, binary);
    }
    let mut batches = Vec::with_capacity(polled.len());
    for raw in polled {
        let mut options = ConvertOptions::new(raw.topic_partition.partition);
        options.binary = binary;
        options.show_aborted = raw.isolation == IsolationLevel::ReadUncommitted;
        let mut converter = Converter::new(options);
        let window = Window::offsets(raw.from, Offset::MAX);
        converter.push(&raw.batches, &AbortedRanges::new(&raw.aborted), &window)?;
        if converter.rows() == 0 {
            continue;
        }
        let batch = converter.finish()?;
        batches.push(match several {
            true => beside_topic(&raw.topic_partition.topic, &batch, &schema, binary)?,
            false => batch,
        });
    }
    Ok((schema, batches))
}

fn with_topic(schema: &SchemaRef, binary: Binary) -> SchemaRef {
    let kind = match binary {
        Binary::View => DataType::Utf8View,
        Binary::Large | Binary::Small => DataType::Utf8,
    };
    let topic = Arc::new(Field::new("topic", kind, false));
    let fields = std::iter::once(topic).chain(schema.fields().iter().cloned());
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn beside_topic(
    topic: &str,
    batch: &RecordBatch,
    schema: &SchemaRef,
    binary: Binary,
) -> Result<RecordBatch> {
    let one: ArrayRef = match binary {
        Binary::View => Arc::new(StringViewArray::from(vec![topic])),
        Binary::Large | Binary::Small => Arc::new(StringArray::from(vec![topic])),
    };
    let first = UInt32Array::from(vec![0; batch.num_rows()]);
    let names = take(&one, &first, None).map_err(|e| Error::internal(e.to_string()))?;
    let mut columns = vec![names];
    columns.extend(batch.columns().iter().cloned());
    RecordBatch::try_new(schema.clone(), columns).map_err(|e| Error::internal(e.to_string()))
}
