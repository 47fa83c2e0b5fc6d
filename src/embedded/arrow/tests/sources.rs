//! Long sources, and sources that fail.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use super::support::*;
use crate::embedded::arrow::{Rows, source_error};
use crate::embedded::{Bulk, Database, Producer, ProducerOptions, ScanOptions};
use crate::error::{Error, Kind};

/// A producer whose batches are appended when the buffer is full, and not sooner.
fn with_small_buffer(db: &Database) -> Producer {
    let options = ProducerOptions {
        batch_bytes: 1 << 20,
        buffer_bytes: 50_000,
        linger: LONG,
        ..ProducerOptions::default()
    };
    db.producer(options).unwrap()
}

fn numbers(from: usize, to: usize) -> (RecordBatch, Vec<Option<Vec<u8>>>) {
    let texts: Vec<String> = (from..to).map(|n| format!("{n:0100}")).collect();
    let cells: Vec<Option<&str>> = texts.iter().map(|t| Some(t.as_str())).collect();
    let expected = texts.iter().map(|t| Some(t.as_bytes().to_vec())).collect();
    (table(vec![("value", bytes(&cells))]), expected)
}

#[test]
fn a_long_source_waits_for_room_in_a_small_buffer() {
    let db = database(&[("t", 1)]);
    let producer = with_small_buffer(&db);
    let (batches, expected): (Vec<_>, Vec<_>) =
        (0..10).map(|n| numbers(n * 1000, (n + 1) * 1000)).unzip();
    let bulk = producer.send_arrow("t", source(batches), false).unwrap();
    producer.close(WAIT).unwrap();
    assert_eq!(bulk.len(), 10_000);
    assert!(values(&db, "t", 10_000) == expected.concat());
}

#[test]
fn rows_say_where_they_stopped_for_want_of_room() {
    let db = database(&[("t", 1)]);
    let producer = with_small_buffer(&db);
    let (batch, expected) = numbers(0, 2000);
    let rows = Rows::open(&batch, false).unwrap();
    let (mut bulk, mut next, mut stops) = (Bulk::default(), 0, 0);
    while next < rows.count() {
        // As far as there are rows, whatever is asked for.
        let reached = rows.send(&producer, "t", next..5000, &mut bulk).unwrap();
        assert_eq!(bulk.len(), reached.next);
        assert_eq!(reached.full.is_none(), reached.next == 2000);
        next = reached.next;
        if let Some(lane) = reached.full {
            stops += 1;
            let writer = producer.topic("t").unwrap();
            producer.make_room(&writer, lane).unwrap();
        }
    }
    producer.close(WAIT).unwrap();
    assert!(stops > 0);
    assert!(values(&db, "t", 2000) == expected);
}

#[test]
fn rows_before_a_source_failed_are_sent() {
    let db = database(&[("t", 1)]);
    let producer = producer(&db);
    let (batch, expected) = numbers(0, 3);
    let cut = ArrowError::ParseError("cut short".to_owned());
    let failed = producer
        .send_arrow("t", [Ok(batch), Err(cut)], false)
        .unwrap_err();
    assert_eq!(failed.kind(), Kind::Invalid);
    assert!(failed.message().contains("cut short"), "{failed}");
    producer.flush(WAIT).unwrap();
    assert_eq!(values(&db, "t", 3), expected);
}

#[test]
fn an_unknown_topic_is_said_before_the_source_is_read() {
    let db = database(&[]);
    let mut read = 0;
    let batches = std::iter::from_fn(|| {
        read += 1;
        None
    });
    let outcome = producer(&db).send_arrow("t", batches, false);
    assert_eq!(outcome.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(read, 0);
}

#[test]
fn an_error_of_our_own_stays_what_it_is() {
    let own = ArrowError::ExternalError(Box::new(Error::corrupt("a damaged batch")));
    let error = source_error(own);
    assert_eq!(error.kind(), Kind::Corrupt);
    assert_eq!(error.message(), "a damaged batch");
    let foreign = ArrowError::ExternalError("a broken pipe".into());
    let error = source_error(foreign);
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.message().contains("a broken pipe"), "{error}");
}

#[test]
fn a_scan_that_fails_says_why_through_the_reader() {
    let db = database(&[("t", 1)]);
    let sender = producer(&db);
    sender
        .send_arrow("t", source(vec![numbers(0, 3).0]), false)
        .unwrap();
    sender.close(WAIT).unwrap();
    let reader = db.scan("t", ScanOptions::default()).unwrap().into_reader();
    db.close().unwrap();
    let other = database(&[("t", 1)]);
    let outcome = producer(&other).send_arrow("t", reader, false);
    assert_eq!(outcome.unwrap_err().kind(), Kind::Closed);
}
