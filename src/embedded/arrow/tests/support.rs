//! Tables that are sent, and records as polls and scans give them.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::builder::{BinaryBuilder, ListBuilder, StringBuilder, StructBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BinaryArray, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field};

use crate::archive::arrow::Binary;
use crate::embedded::{
    Consumer, ConsumerOptions, Database, MEMORY, Producer, ProducerOptions, Start,
};
use crate::engine::NewTopic;

pub const WAIT: Duration = Duration::from_secs(20);
pub const LONG: Duration = Duration::from_secs(60);

/// The columns of a table, by name.
pub type Columns = Vec<(&'static str, ArrayRef)>;

/// Name and value of a header that is sent.
pub type Header<'a> = (&'a str, Option<&'a str>);

/// Name and value of each header that came.
pub type Pairs = Vec<(String, Option<Vec<u8>>)>;

/// A record as it came out of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub partition: i32,
    pub offset: i64,
    pub timestamp_ms: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Pairs,
}

pub fn database(topics: &[(&str, i32)]) -> Database {
    let db = Database::open(MEMORY).unwrap();
    for (name, partitions) in topics {
        let topic = NewTopic::new(*name, *partitions);
        db.engine().create_topic(&topic).unwrap();
    }
    db
}

pub fn producer(db: &Database) -> Producer {
    db.producer(ProducerOptions::default()).unwrap()
}

pub fn table(columns: Columns) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

/// A source of these alone.
pub fn source(batches: Vec<RecordBatch>) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> {
    batches.into_iter().map(Ok)
}

pub fn bytes(cells: &[Option<&str>]) -> ArrayRef {
    let cells = cells.iter().map(|c| c.map(str::as_bytes));
    Arc::new(BinaryArray::from_iter(cells))
}

/// A list of key and value a row; `None` is a null.
pub fn headers(rows: &[Option<&[Header<'_>]>]) -> ArrayRef {
    let fields = vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("value", DataType::Binary, true),
    ];
    let mut lists = ListBuilder::new(StructBuilder::from_fields(fields, 0));
    for row in rows {
        for (key, value) in row.unwrap_or_default() {
            let pairs = lists.values();
            let keys = pairs.field_builder::<StringBuilder>(0).unwrap();
            keys.append_value(key);
            let values = pairs.field_builder::<BinaryBuilder>(1).unwrap();
            values.append_option(value.map(str::as_bytes));
            pairs.append(true);
        }
        lists.append(row.is_some());
    }
    Arc::new(lists.finish())
}

pub fn pairs(of: &[Header<'_>]) -> Pairs {
    of.iter()
        .map(|(k, v)| ((*k).to_owned(), v.map(|v| v.as_bytes().to_vec())))
        .collect()
}

pub fn reader(db: &Database, topics: &[&str]) -> Consumer {
    let consumer = db.consumer(ConsumerOptions {
        start: Start::Earliest,
        ..ConsumerOptions::default()
    });
    let consumer = consumer.unwrap();
    consumer.subscribe(topics).unwrap();
    consumer
}

/// What polls give until `count` rows came.
pub fn poll(consumer: &Consumer, count: usize, binary: Binary) -> Vec<RecordBatch> {
    let mut all = Vec::new();
    let mut there = 0;
    while there < count {
        let (schema, batches) = consumer.poll_arrow(None, WAIT, binary).unwrap();
        assert!(!batches.is_empty(), "only {there} of {count} came");
        for batch in batches {
            assert_eq!(batch.schema(), schema);
            there += batch.num_rows();
            all.push(batch);
        }
    }
    assert_eq!(there, count);
    all
}

/// The records of a topic, by partition and offset.
pub fn records(db: &Database, topic: &str, count: usize) -> Vec<Row> {
    let consumer = reader(db, &[topic]);
    let mut rows = rows(&poll(&consumer, count, Binary::View));
    rows.sort_by_key(|r| (r.partition, r.offset));
    rows
}

pub fn values(db: &Database, topic: &str, count: usize) -> Vec<Option<Vec<u8>>> {
    let rows = records(db, topic, count).into_iter();
    rows.map(|r| r.value).collect()
}

/// The rows of what a poll or a scan gave.
pub fn rows(batches: &[RecordBatch]) -> Vec<Row> {
    batches.iter().flat_map(rows_of).collect()
}

fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let cells = |column: &ArrayRef, row: usize| {
        let wide = cast(column, &DataType::LargeBinary).unwrap();
        let wide = wide.as_binary::<i64>();
        wide.is_valid(row).then(|| wide.value(row).to_vec())
    };
    let partitions = column("partition").as_primitive::<Int32Type>();
    let offsets = column("offset").as_primitive::<Int64Type>();
    let times = column("timestamp").as_primitive::<TimestampMicrosecondType>();
    let lists = column("headers").as_list::<i32>();
    let headers = |row: usize| {
        let list = lists.value(row);
        let pairs = list.as_struct();
        let keys = cast(pairs.column(0), &DataType::Utf8View).unwrap();
        let keys = keys.as_string_view();
        let each = 0..pairs.len();
        each.map(|at| (keys.value(at).to_owned(), cells(pairs.column(1), at)))
            .collect()
    };
    let each = 0..batch.num_rows();
    each.map(|row| Row {
        partition: partitions.value(row),
        offset: offsets.value(row),
        timestamp_ms: times.value(row) / 1000,
        key: cells(column("key"), row),
        value: cells(column("value"), row),
        headers: headers(row),
    })
    .collect()
}
