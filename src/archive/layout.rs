//! What an archive file looks like: columns, field ids, how each is encoded, file metadata.
//!
//! `docs/archive-format.md` describes the same for people who read the files with other tools.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::arrow::UTC;

/// The version of this layout. A file of a newer one is refused by name.
pub(crate) const FORMAT: &str = "1";

/// Keys of the file's key-value metadata.
pub(crate) mod keys {
    pub const FORMAT: &str = "levada.archive.format";
    pub const TOPIC: &str = "levada.archive.topic";
    pub const TOPIC_ID: &str = "levada.archive.topic_id";
    pub const PARTITION: &str = "levada.archive.partition";
    pub const BASE_OFFSET: &str = "levada.archive.base_offset";
    pub const NEXT_OFFSET: &str = "levada.archive.next_offset";
    /// Headers of batches that compaction left without records, 61 bytes each, in hexadecimal.
    pub const EMPTY_BATCHES: &str = "levada.archive.empty_batches";
    /// Aborted transactions: `producer:first:last:stable`, separated by `;`.
    pub const ABORTED: &str = "levada.archive.aborted";
    /// The file's catalog entry in JSON, but for what is known only when the file is complete: its size
    /// and the checksum of its tail. A lost catalog is rebuilt from these.
    pub const ENTRY: &str = "levada.archive.entry";
    /// CRC32C of each block of the data pages, 8 hexadecimal digits each.
    pub const BLOCK_SUMS: &str = "levada.archive.block_sums";
}

/// Data pages are checksummed in blocks of this size.
pub(crate) const BLOCK_BYTES: usize = 32 << 10;
/// A row group is cut at the first batch border after this many plain bytes.
pub(crate) const ROW_GROUP_BYTES: usize = 32 << 20;
/// Rows of a page of the columns that people read; one record costs one such page.
pub(crate) const PAGE_ROWS: usize = 512;
/// Rows of a page of the batch facts, which take next to nothing.
const FACT_PAGE_ROWS: usize = 8 * PAGE_ROWS;

/// Keys are worth a dictionary while they are few: reading one record reads all of it.
const KEY_DICTIONARY_BYTES: usize = 64 << 10;

/// The columns in their order in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
#[allow(dead_code)] // some only keep the place of a column that is written and never asked for
pub(crate) enum C {
    Partition,
    Offset,
    Timestamp,
    Key,
    Value,
    Headers,
    TimestampType,
    LeaderEpoch,
    ProducerId,
    ProducerEpoch,
    BaseSequence,
    Transactional,
    Control,
    Aborted,
    Compression,
    BatchBaseOffset,
    BatchLastOffset,
    BatchBaseTimestamp,
    BatchMaxTimestamp,
    BatchAttributes,
    /// What the record itself says in milliseconds, where `timestamp` does not.
    RecordTimestamp,
    /// The headers in Kafka's wire form, where a key is not UTF-8.
    RawHeaders,
    /// The whole batch, on its first row, where the other columns would not give it back.
    RawBatch,
}

impl C {
    pub const COUNT: usize = C::RawBatch as usize + 1;

    /// The number of the column's (first) leaf: `headers` has two.
    pub const fn leaf(self) -> usize {
        let at = self as usize;
        if at > C::Headers as usize { at + 1 } else { at }
    }
}

fn with_id(field: Field, id: i32) -> Field {
    let id = (String::from("PARQUET:field_id"), id.to_string());
    field.with_metadata(HashMap::from([id]))
}

/// The element of `headers`, with its field ids.
pub(crate) fn header_element() -> FieldRef {
    static ELEMENT: LazyLock<FieldRef> = LazyLock::new(make_header_element);
    ELEMENT.clone()
}

fn make_header_element() -> FieldRef {
    let pair = Fields::from(vec![
        with_id(Field::new("key", DataType::Utf8View, false), 102),
        with_id(Field::new("value", DataType::BinaryView, true), 103),
    ]);
    Arc::new(with_id(
        Field::new("element", DataType::Struct(pair), false),
        101,
    ))
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()));
    let columns = [
        ("partition", DataType::Int32, false),
        ("offset", DataType::Int64, false),
        ("timestamp", micros, true),
        ("key", DataType::BinaryView, true),
        ("value", DataType::BinaryView, true),
        ("headers", DataType::List(header_element()), false),
        ("timestamp_type", DataType::Utf8View, false),
        ("leader_epoch", DataType::Int32, false),
        ("producer_id", DataType::Int64, false),
        ("producer_epoch", DataType::Int16, false),
        ("base_sequence", DataType::Int32, false),
        ("transactional", DataType::Boolean, false),
        ("control", DataType::Boolean, false),
        ("aborted", DataType::Boolean, false),
        ("compression", DataType::Utf8View, false),
        ("batch_base_offset", DataType::Int64, false),
        ("batch_last_offset", DataType::Int64, false),
        ("batch_base_timestamp", DataType::Int64, false),
        ("batch_max_timestamp", DataType::Int64, false),
        ("batch_attributes", DataType::Int16, false),
        ("record_timestamp", DataType::Int64, true),
        ("raw_headers", DataType::BinaryView, true),
        ("raw_batch", DataType::BinaryView, true),
    ];
    let mut fields = Vec::with_capacity(C::COUNT);
    for (at, (name, data_type, nullable)) in columns.into_iter().enumerate() {
        fields.push(with_id(
            Field::new(name, data_type, nullable),
            at as i32 + 1,
        ));
    }
    Arc::new(Schema::new(fields))
});

/// The columns of an archive file as Arrow sees them.
pub(crate) fn schema() -> SchemaRef {
    SCHEMA.clone()
}

fn path(parts: &[&str]) -> ColumnPath {
    ColumnPath::new(parts.iter().map(|p| String::from(*p)).collect())
}

/// How the columns are encoded. Measured: the level 1 of zstd is the fastest and here also the
/// smallest; a dictionary pays for header keys and batch texts only; batch facts are runs, which
/// delta encoding makes nearly free, and compressing these few bytes costs more than it gives.
pub(crate) fn writer_properties() -> WriterProperties {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default());
    let mut properties = WriterProperties::builder()
        .set_created_by(format!("levada {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_max_row_group_row_count(None)
        .set_write_batch_size(PAGE_ROWS)
        .set_data_page_row_count_limit(FACT_PAGE_ROWS);
    for field in schema().fields() {
        properties = encode(properties, field, zstd);
    }
    for (name, dictionary) in [("key", true), ("value", false)] {
        let column = path(&["headers", "list", "element", name]);
        properties = properties
            .set_column_compression(column.clone(), zstd)
            .set_column_data_page_row_count_limit(column.clone(), PAGE_ROWS)
            .set_column_dictionary_enabled(column, dictionary);
    }
    properties
        .set_column_bloom_filter_enabled(path(&["key"]), true)
        .set_column_bloom_filter_fpp(path(&["key"]), 0.01)
        .build()
}

fn encode(
    properties: WriterPropertiesBuilder,
    field: &Field,
    zstd: Compression,
) -> WriterPropertiesBuilder {
    let column = path(&[field.name()]);
    let small_pages = |p: WriterPropertiesBuilder, column: &ColumnPath| {
        p.set_column_data_page_row_count_limit(column.clone(), PAGE_ROWS)
    };
    match (field.name().as_str(), field.data_type()) {
        ("value", _) => small_pages(properties, &column).set_column_compression(column, zstd),
        ("key", _) => small_pages(properties, &column)
            .set_column_compression(column.clone(), zstd)
            .set_column_dictionary_enabled(column.clone(), true)
            .set_column_dictionary_page_size_limit(column.clone(), KEY_DICTIONARY_BYTES)
            .set_column_statistics_enabled(column, EnabledStatistics::Chunk),
        ("offset" | "timestamp" | "batch_last_offset", _) => small_pages(properties, &column)
            .set_column_encoding(column.clone(), Encoding::DELTA_BINARY_PACKED)
            .set_column_statistics_enabled(column, EnabledStatistics::Page),
        ("raw_headers" | "raw_batch", _) => properties.set_column_compression(column, zstd),
        (_, DataType::Utf8View) => properties.set_column_dictionary_enabled(column, true),
        (_, DataType::Int16 | DataType::Int32 | DataType::Int64) => {
            properties.set_column_encoding(column, Encoding::DELTA_BINARY_PACKED)
        }
        _ => properties,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_leaves_agree_with_the_schema() {
        let schema = schema();
        assert_eq!(schema.fields().len(), C::COUNT);
        assert_eq!(schema.field(C::RawBatch as usize).name(), "raw_batch");
        assert_eq!(schema.field(C::Headers as usize).name(), "headers");
        assert_eq!(
            schema.field(C::BatchBaseOffset as usize).name(),
            "batch_base_offset"
        );
        assert_eq!(C::Headers.leaf(), 5);
        assert_eq!(C::TimestampType.leaf(), 7);
    }
}
