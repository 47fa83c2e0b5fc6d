//! Which columns are sent, whatever their encoding, and which are refused.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, MapBuilder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, NullArray, RunArray,
    StringArray, StructArray, TimestampMillisecondArray, UInt64Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, TimeUnit};

use super::support::*;
use crate::embedded::arrow::Cells;
use crate::error::{Error, Kind};

/// The records that these columns are, beside a value a row.
fn sent(name: &'static str, column: ArrayRef) -> Vec<Row> {
    let db = database(&[("t", 1)]);
    let count = column.len();
    let values = bytes(&vec![Some("v"); count]);
    let columns = vec![("value", values), (name, column)];
    let producer = producer(&db);
    producer
        .send_arrow("t", source(vec![table(columns)]), false)
        .unwrap();
    producer.flush(WAIT).unwrap();
    records(&db, "t", count)
}

fn refusal(columns: Columns, keep_partitions: bool) -> Error {
    let db = database(&[("t", 2)]);
    let producer = producer(&db);
    let outcome = producer.send_arrow("t", source(vec![table(columns)]), keep_partitions);
    outcome.unwrap_err()
}

#[test]
fn cells_of_every_type_of_bytes_are_read() {
    use DataType::*;
    let plain = bytes(&[Some("ab"), None, Some("cd")]);
    let fixed: ArrayRef = cast(&plain, &FixedSizeBinary(2)).unwrap();
    let runs: RunArray<Int32Type> = vec![Some("ab"), None, Some("cd")].into_iter().collect();
    let mut columns: Vec<ArrayRef> = vec![fixed, Arc::new(runs)];
    let dictionary = |value: DataType| Dictionary(Box::new(Int32), Box::new(value));
    for kind in [Binary, LargeBinary, BinaryView, Utf8, LargeUtf8, Utf8View] {
        columns.push(cast(&plain, &kind).unwrap());
    }
    for kind in [Utf8, Binary] {
        let words = cast(&plain, &kind).unwrap();
        columns.push(cast(&words, &dictionary(kind)).unwrap());
    }
    for column in columns {
        let cells = Cells::open(&column).unwrap();
        let read: Vec<_> = (0..4).map(|row| cells.get(row)).collect();
        let wanted = [Some(&b"ab"[..]), None, Some(b"cd"), None];
        assert_eq!(read, wanted, "{}", column.data_type());
        assert_eq!(cells.len(), 3);
        let keys: Vec<_> = sent("key", column).into_iter().map(|r| r.key).collect();
        assert_eq!(keys, [Some(b"ab".to_vec()), None, Some(b"cd".to_vec())]);
    }
    let nulls: ArrayRef = Arc::new(NullArray::new(2));
    assert!(sent("key", nulls).iter().all(|r| r.key.is_none()));
}

#[test]
fn headers_come_in_every_kind_of_list() {
    let lists = headers(&[
        Some(&[("h0", Some("0")), ("i", None)]),
        Some(&[("h1", Some("1")), ("i", None)]),
        Some(&[("h2", Some("2")), ("i", None)]),
    ]);
    let DataType::List(item) = lists.data_type().clone() else {
        panic!("a list");
    };
    for kind in [
        DataType::List(item.clone()),
        DataType::LargeList(item.clone()),
        DataType::ListView(item.clone()),
        DataType::LargeListView(item.clone()),
        DataType::FixedSizeList(item, 2),
    ] {
        let column = cast(&lists, &kind).unwrap().slice(1, 2);
        let got: Vec<_> = sent("headers", column)
            .into_iter()
            .map(|r| r.headers)
            .collect();
        let wanted = ["1", "2"].map(|n| pairs(&[(&format!("h{n}"), Some(n)), ("i", None)]));
        assert_eq!(got, wanted, "{kind}");
    }
}

#[test]
fn headers_of_a_map_are_told_by_position_and_those_of_a_list_by_name() {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), BinaryBuilder::new());
    maps.keys().append_value("x");
    maps.values().append_value(b"y");
    maps.append(true).unwrap();
    maps.append(false).unwrap();
    let got = sent("headers", Arc::new(maps.finish()));
    assert_eq!(got[0].headers, pairs(&[("x", Some("y"))]));
    assert_eq!(got[1].headers, pairs(&[]));
    let swapped = list_of(vec![
        ("value", Arc::new(StringArray::from(vec!["y"]))),
        ("key", Arc::new(StringArray::from(vec!["x"]))),
    ]);
    assert_eq!(
        sent("headers", swapped)[0].headers,
        pairs(&[("x", Some("y"))])
    );
}

/// One row, a list of structs of these columns.
fn list_of(columns: Columns) -> ArrayRef {
    let structs = StructArray::from(table(columns));
    one_list(structs)
}

fn one_list(structs: StructArray) -> ArrayRef {
    let item = Arc::new(Field::new("item", structs.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([structs.len()]);
    Arc::new(ListArray::new(item, offsets, Arc::new(structs), None))
}

#[test]
fn headers_without_a_key_are_refused() {
    let key = |key: Option<&str>| Arc::new(StringArray::from(vec![key])) as ArrayRef;
    let pair = |k| vec![("key", key(k)), ("value", bytes(&[Some("1")]))];
    let (fields, columns, _) = StructArray::from(table(pair(Some("h")))).into_parts();
    let null = StructArray::new(fields, columns, Some(NullBuffer::from(vec![false])));
    let unnamed = vec![("name", key(Some("h"))), ("text", bytes(&[Some("1")]))];
    for (column, said) in [
        (one_list(null), "row 0: a header is null"),
        (list_of(pair(None)), "row 0: a header's key is null"),
        (list_of(unnamed), "key and value"),
        (Arc::new(Int64Array::from(vec![1])), "key and value"),
    ] {
        let error = refusal(vec![("value", bytes(&[None])), ("headers", column)], false);
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.message().contains(said), "{said}: {error}");
    }
}

#[test]
fn times_come_in_every_unit() {
    let day_ms = 86_400_000 * 365;
    let millis: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![day_ms]));
    let of = |unit, zone: Option<&str>| DataType::Timestamp(unit, zone.map(Into::into));
    for kind in [
        of(TimeUnit::Second, None),
        of(TimeUnit::Millisecond, Some("UTC")),
        of(TimeUnit::Microsecond, None),
        of(TimeUnit::Nanosecond, Some("+02:00")),
        DataType::Date32,
        DataType::Date64,
        DataType::Int64,
        DataType::UInt64,
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Int64)),
    ] {
        let whole = match &kind {
            DataType::UInt64 | DataType::Dictionary(..) => cast(&millis, &DataType::Int64).unwrap(),
            DataType::Timestamp(_, Some(zone)) => {
                let utc = TimestampMillisecondArray::from(vec![day_ms]);
                Arc::new(utc.with_timezone(zone.clone()))
            }
            _ => millis.clone(),
        };
        let column = cast(&whole, &kind).unwrap();
        assert_eq!(sent("timestamp", column)[0].timestamp_ms, day_ms, "{kind}");
    }
    // Without a time it is now.
    let none: ArrayRef = Arc::new(Int64Array::from(vec![None::<i64>]));
    assert!(sent("timestamp", none)[0].timestamp_ms > day_ms);
}

#[test]
fn wrong_columns_are_refused_by_name() {
    let value = || ("value", bytes(&[Some("v")]));
    let beside = |name, column: ArrayRef| vec![value(), (name, column)];
    let huge = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let cases: Vec<(Columns, bool, &str)> = vec![
        (beside("note", bytes(&[None])), false, "column \"note\""),
        (vec![("key", bytes(&[None]))], false, "no column \"value\""),
        (vec![value()], true, "no column \"partition\""),
        (
            vec![("value", Arc::new(Int64Array::from(vec![1])))],
            false,
            "column \"value\": an Arrow column of Int64 holds no bytes",
        ),
        (
            beside("key", Arc::new(BooleanArray::from(vec![true]))),
            false,
            "column \"key\"",
        ),
        (
            beside("timestamp", Arc::new(StringArray::from(vec!["now"]))),
            false,
            "column \"timestamp\" is Utf8",
        ),
        (beside("timestamp", huge), false, "column \"timestamp\""),
        (
            beside("partition", Arc::new(Float64Array::from(vec![0.5]))),
            true,
            "column \"partition\" is Float64",
        ),
        (
            beside("partition", Arc::new(Int64Array::from(vec![1_i64 << 40]))),
            true,
            "is no partition",
        ),
    ];
    for (columns, keep_partitions, said) in cases {
        let error = refusal(columns, keep_partitions);
        assert_eq!(error.kind(), Kind::Invalid, "{error}");
        assert!(error.message().contains(said), "{said}: {error}");
    }
    let unknown = beside("partition", Arc::new(Int64Array::from(vec![7])));
    assert_eq!(refusal(unknown, true).kind(), Kind::NotFound);
}

#[test]
fn where_a_record_lay_does_not_count() {
    let elsewhere: ArrayRef = Arc::new(Int64Array::from(vec![7]));
    assert_eq!(sent("partition", elsewhere.clone())[0].partition, 0);
    assert_eq!(sent("offset", elsewhere)[0].offset, 0);
    let topic: ArrayRef = Arc::new(StringArray::from(vec!["other"]));
    assert_eq!(sent("topic", topic).len(), 1);
}
