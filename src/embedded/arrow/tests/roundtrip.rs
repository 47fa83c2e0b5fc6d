//! Sent, polled and scanned.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{Int8Array, RecordBatchReader, TimestampMillisecondArray};
use arrow_cast::cast;
use arrow_schema::DataType;

use super::support::*;
use crate::archive::arrow::Binary;
use crate::embedded::{ConsumerOptions, ProducerOptions, ScanOptions, Start};
use crate::error::Kind;
use crate::types::IsolationLevel;

const LAYOUTS: [Binary; 3] = [Binary::View, Binary::Small, Binary::Large];

const LONG_VALUE: &str = "a value that does not fit into a view";

fn columns() -> Columns {
    let times = [Some(1_500), Some(1_400), Some(0), Some(1_700_000_000_000)];
    vec![
        (
            "value",
            bytes(&[Some("a"), None, Some(""), Some(LONG_VALUE)]),
        ),
        ("key", bytes(&[Some("k"), Some("k"), None, Some("")])),
        (
            "timestamp",
            Arc::new(TimestampMillisecondArray::from(times.to_vec())),
        ),
        (
            "headers",
            headers(&[
                Some(&[("h", Some("1")), ("h", None)]),
                None,
                Some(&[]),
                Some(&[("", Some(LONG_VALUE))]),
            ]),
        ),
    ]
}

fn sent_rows(partitions: [i32; 4]) -> Vec<Row> {
    let value = |text: &str| Some(text.as_bytes().to_vec());
    let row = |at: usize, ms: i64, key, value, headers: &[Header<'_>]| Row {
        partition: partitions[at],
        offset: partitions[..at]
            .iter()
            .filter(|p| **p == partitions[at])
            .count() as i64,
        timestamp_ms: ms,
        key,
        value,
        headers: pairs(headers),
    };
    vec![
        row(
            0,
            1_500,
            value("k"),
            value("a"),
            &[("h", Some("1")), ("h", None)],
        ),
        row(1, 1_400, value("k"), None, &[]),
        row(2, 0, None, value(""), &[]),
        row(
            3,
            1_700_000_000_000,
            value(""),
            value(LONG_VALUE),
            &[("", Some(LONG_VALUE))],
        ),
    ]
}

#[test]
fn what_is_sent_is_polled_and_scanned() {
    let db = database(&[("t", 1)]);
    let producer = producer(&db);
    let bulk = producer
        .send_arrow("t", source(vec![table(columns())]), false)
        .unwrap();
    producer.flush(WAIT).unwrap();
    assert_eq!(bulk.len(), 4);
    assert_eq!(bulk.wait(WAIT).unwrap().last().unwrap().offset.get(), 3);
    let expected = sent_rows([0; 4]);
    for binary in LAYOUTS {
        let polled = poll(&reader(&db, &["t"]), 4, binary);
        assert_eq!(rows(&polled), expected, "{binary:?}");
        let options = ScanOptions {
            binary,
            ..ScanOptions::default()
        };
        let scan = db.scan("t", options).unwrap();
        assert_eq!(scan.schema(), polled[0].schema());
        let has_views = format!("{:?}", scan.schema()).contains("View");
        assert_eq!(has_views, binary == Binary::View, "headers too");
        let scanned: Vec<_> = scan.map(Result::unwrap).collect();
        assert_eq!(rows(&scanned), expected, "{binary:?}");
    }
}

#[test]
fn records_go_to_the_partitions_they_name_if_these_count() {
    let db = database(&[("t", 3)]);
    let mut columns = columns();
    let partitions = Int8Array::from(vec![2, 0, 2, 1]);
    columns.push(("partition", Arc::new(partitions)));
    // The middle of a table alone is sent.
    let slice = table(columns.clone()).slice(1, 2);
    let producer = producer(&db);
    producer
        .send_arrow("t", source(vec![table(columns), slice]), true)
        .unwrap();
    producer.flush(WAIT).unwrap();
    let mut expected = sent_rows([2, 0, 2, 1]);
    let mut again = expected[1..3].to_vec();
    (again[0].offset, again[1].offset) = (1, 2);
    expected.extend(again);
    expected.sort_by_key(|r| (r.partition, r.offset));
    assert_eq!(records(&db, "t", 6), expected);
}

#[test]
fn a_record_that_names_no_partition_goes_by_its_key() {
    let db = database(&[("t", 8)]);
    let named = Int8Array::from(vec![None, Some(5), None, None]);
    let producer = producer(&db);
    for with_names in [false, true] {
        let mut columns = columns();
        columns.push(("partition", Arc::new(named.clone())));
        producer
            .send_arrow("t", source(vec![table(columns)]), with_names)
            .unwrap();
    }
    producer.flush(WAIT).unwrap();
    let of_key = |rows: &[Row], value: Option<&str>| -> Vec<i32> {
        let value = value.map(|v| v.as_bytes().to_vec());
        let found = rows.iter().filter(|r| r.value == value);
        found.map(|r| r.partition).collect()
    };
    let rows = records(&db, "t", 8);
    let key_k = of_key(&rows, Some("a"));
    assert_eq!(key_k.len(), 2);
    assert_eq!(key_k[0], key_k[1]);
    let mut tombstones = of_key(&rows, None);
    tombstones.sort_unstable();
    let mut wanted = vec![key_k[0], 5];
    wanted.sort_unstable();
    assert_eq!(tombstones, wanted);
}

#[test]
fn a_scan_is_sent_on_as_it_is_through_the_c_stream_too() {
    let db = database(&[("t", 3), ("copy", 3), ("second", 3)]);
    let producer = producer(&db);
    producer
        .send_arrow("t", source(vec![table(columns())]), false)
        .unwrap();
    producer.flush(WAIT).unwrap();
    let scan = || db.scan("t", ScanOptions::default()).unwrap();
    producer
        .send_arrow("copy", scan().into_reader(), true)
        .unwrap();
    let stream = FFI_ArrowArrayStream::new(Box::new(scan().into_reader()));
    let reader = RecordBatchStreamReader::try_new(stream).unwrap();
    assert_eq!(reader.schema(), scan().schema());
    producer.send_arrow("second", reader, true).unwrap();
    producer.flush(WAIT).unwrap();
    let sent = records(&db, "t", 4);
    assert_eq!(records(&db, "copy", 4), sent);
    assert_eq!(records(&db, "second", 4), sent);
}

#[test]
fn the_topic_stands_beside_records_where_there_may_be_several() {
    let names = ["t", "a-name-of-more-than-twelve-bytes"];
    let db = database(&names.map(|n| (n, 1)));
    let producer = producer(&db);
    for name in names {
        let values = bytes(&[Some(name), Some(name)]);
        producer
            .send_arrow(name, source(vec![table(vec![("value", values)])]), false)
            .unwrap();
    }
    producer.flush(WAIT).unwrap();
    for binary in LAYOUTS {
        let mut topics = 0;
        for batch in poll(&reader(&db, &names), 4, binary) {
            assert_eq!(batch.schema().field(0).name(), "topic");
            let named = cast(batch.column(0), &DataType::Utf8).unwrap();
            let value = rows(std::slice::from_ref(&batch))[0].value.clone().unwrap();
            let topic = String::from_utf8(value).unwrap();
            let named: Vec<_> = named.as_string::<i32>().iter().flatten().collect();
            assert_eq!(named, [topic.as_str(); 2]);
            topics += 1;
        }
        assert_eq!(topics, 2);
        // One topic is known to whoever asked for it.
        for batch in poll(&reader(&db, &["t"]), 2, binary) {
            assert!(batch.column_by_name("topic").is_none());
        }
    }
}

#[test]
fn a_poll_that_finds_nothing_has_the_columns_all_the_same() {
    let db = database(&[("t", 1)]);
    let consumer = reader(&db, &["t"]);
    let nothing = consumer
        .poll_arrow(None, std::time::Duration::ZERO, Binary::View)
        .unwrap();
    assert_eq!(nothing.0.fields().len(), 6);
    assert!(nothing.1.is_empty());
    consumer.close().unwrap();
    let closed = consumer.poll_arrow(None, WAIT, Binary::View).unwrap_err();
    assert_eq!(closed.kind(), Kind::Closed);
}

#[test]
fn aborted_records_are_polled_by_those_who_read_uncommitted() {
    let db = database(&[("t", 1)]);
    let producer = db.producer(ProducerOptions {
        transactional_id: Some("sender".to_owned()),
        ..ProducerOptions::default()
    });
    let producer = producer.unwrap();
    for (text, is_kept) in [("aborted", false), ("committed", true)] {
        producer.begin().unwrap();
        let values = table(vec![("value", bytes(&[Some(text)]))]);
        producer
            .send_arrow("t", source(vec![values]), false)
            .unwrap();
        match is_kept {
            true => producer.commit(WAIT).unwrap(),
            false => producer
                .flush(WAIT)
                .and_then(|()| producer.abort(WAIT))
                .unwrap(),
        }
    }
    for (isolation, count) in [
        (IsolationLevel::ReadCommitted, 1),
        (IsolationLevel::ReadUncommitted, 2),
    ] {
        let consumer = db.consumer(ConsumerOptions {
            start: Start::Earliest,
            isolation,
            ..ConsumerOptions::default()
        });
        let consumer = consumer.unwrap();
        consumer.subscribe(&["t"]).unwrap();
        let rows = rows(&poll(&consumer, count, Binary::View));
        let last = rows.last().unwrap().value.as_deref();
        assert_eq!(last, Some(&b"committed"[..]), "{isolation:?}");
    }
}
