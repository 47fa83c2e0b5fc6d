//! What a poll gave, as Arrow: values stay where they lie.

use levada::Result;
use levada::archive::arrow::{AbortedRanges, Binary, Columns, ConvertOptions, Converter, Window};
use levada::embedded::Raw;
use levada::types::{IsolationLevel, Offset};

use super::ArrowBatches;

/// One record batch a partition.
pub fn convert(polled: Vec<Raw>, binary: Binary) -> Result<ArrowBatches> {
    let schema = Columns::default().schema(binary);
    let mut batches = Vec::with_capacity(polled.len());
    for raw in polled {
        let mut options = ConvertOptions::new(raw.topic_partition.partition);
        options.binary = binary;
        options.show_aborted = raw.isolation == IsolationLevel::ReadUncommitted;
        let mut converter = Converter::new(options);
        let window = Window::offsets(raw.from, Offset::MAX);
        converter.push(&raw.batches, &AbortedRanges::new(&raw.aborted), &window)?;
        if converter.rows() > 0 {
            batches.push(converter.finish()?);
        }
    }
    Ok(ArrowBatches::new(schema, batches))
}
