mod golden;
mod hostile;
mod peer;
mod schema;

use proptest::prelude::*;

use super::{Reader, STRING_BYTES_MAX, Writer};
use crate::error::Kind;

/// Every primitive, so that one generator covers them all in any order.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    U16(u16),
    F64(u64),
    Bool(bool),
    Uuid([u8; 16]),
    Uvarint(u32),
    Varint(i32),
    Varlong(i64),
    Text(Option<String>),
    CompactText(Option<String>),
    Bytes(Option<Vec<u8>>),
    CompactBytes(Option<Vec<u8>>),
    Array(Option<Vec<i32>>),
    CompactArray(Option<Vec<i32>>),
    Tagged(Vec<(u32, Vec<u8>)>),
}

fn value() -> impl Strategy<Value = Value> {
    let bytes = || proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40));
    let array = || proptest::option::of(proptest::collection::vec(any::<i32>(), 0..20));
    let text = || proptest::option::of(".{0,20}");
    prop_oneof![
        any::<i8>().prop_map(Value::I8),
        any::<i16>().prop_map(Value::I16),
        any::<i32>().prop_map(Value::I32),
        any::<i64>().prop_map(Value::I64),
        any::<u16>().prop_map(Value::U16),
        any::<u64>().prop_map(Value::F64),
        any::<bool>().prop_map(Value::Bool),
        any::<[u8; 16]>().prop_map(Value::Uuid),
        any::<u32>().prop_map(Value::Uvarint),
        any::<i32>().prop_map(Value::Varint),
        any::<i64>().prop_map(Value::Varlong),
        text().prop_map(Value::Text),
        text().prop_map(Value::CompactText),
        bytes().prop_map(Value::Bytes),
        bytes().prop_map(Value::CompactBytes),
        array().prop_map(Value::Array),
        array().prop_map(Value::CompactArray),
        proptest::collection::btree_map(
            any::<u32>(),
            proptest::collection::vec(any::<u8>(), 0..9),
            0..4
        )
        .prop_map(|m| Value::Tagged(m.into_iter().collect())),
    ]
}

fn write(w: &mut Writer, value: &Value) {
    match value {
        Value::I8(v) => w.i8(*v),
        Value::I16(v) => w.i16(*v),
        Value::I32(v) => w.i32(*v),
        Value::I64(v) => w.i64(*v),
        Value::U16(v) => w.u16(*v),
        Value::F64(v) => w.f64(f64::from_bits(*v)),
        Value::Bool(v) => w.bool(*v),
        Value::Uuid(v) => w.uuid(v),
        Value::Uvarint(v) => w.uvarint(*v),
        Value::Varint(v) => w.varint(*v),
        Value::Varlong(v) => w.varlong(*v),
        Value::Text(v) => w.nullable_string(v.as_deref()),
        Value::CompactText(v) => w.compact_nullable_string(v.as_deref()),
        Value::Bytes(v) => w.nullable_bytes(v.as_deref()),
        Value::CompactBytes(v) => w.compact_nullable_bytes(v.as_deref()),
        Value::Array(v) => {
            w.nullable_array_len(v.as_ref().map(Vec::len));
            v.iter().flatten().for_each(|e| w.i32(*e));
        }
        Value::CompactArray(v) => {
            w.compact_nullable_array_len(v.as_ref().map(Vec::len));
            v.iter().flatten().for_each(|e| w.i32(*e));
        }
        Value::Tagged(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(tag, bytes)| {
                    let bytes = bytes.clone();
                    (*tag, Writer { bytes })
                })
                .collect();
            w.tagged(&fields);
        }
    }
}

/// Reads a value of the same kind as `like`.
fn read(r: &mut Reader<'_>, like: &Value) -> crate::Result<Value> {
    let elements = |r: &mut Reader<'_>, count: Option<usize>| {
        let Some(count) = count else { return Ok(None) };
        (0..count)
            .map(|_| r.i32())
            .collect::<crate::Result<Vec<_>>>()
            .map(Some)
    };
    Ok(match like {
        Value::I8(_) => Value::I8(r.i8()?),
        Value::I16(_) => Value::I16(r.i16()?),
        Value::I32(_) => Value::I32(r.i32()?),
        Value::I64(_) => Value::I64(r.i64()?),
        Value::U16(_) => Value::U16(r.u16()?),
        Value::F64(_) => Value::F64(r.f64()?.to_bits()),
        Value::Bool(_) => Value::Bool(r.bool()?),
        Value::Uuid(_) => Value::Uuid(r.uuid()?),
        Value::Uvarint(_) => Value::Uvarint(r.uvarint()?),
        Value::Varint(_) => Value::Varint(r.varint()?),
        Value::Varlong(_) => Value::Varlong(r.varlong()?),
        Value::Text(_) => Value::Text(r.nullable_string()?.map(str::to_owned)),
        Value::CompactText(_) => {
            Value::CompactText(r.compact_nullable_string()?.map(str::to_owned))
        }
        Value::Bytes(_) => Value::Bytes(r.nullable_bytes()?.map(<[u8]>::to_vec)),
        Value::CompactBytes(_) => {
            Value::CompactBytes(r.compact_nullable_bytes()?.map(<[u8]>::to_vec))
        }
        Value::Array(_) => {
            let count = r.nullable_array_len(4)?;
            Value::Array(elements(r, count)?)
        }
        Value::CompactArray(_) => {
            let count = r.compact_nullable_array_len(4)?;
            Value::CompactArray(elements(r, count)?)
        }
        Value::Tagged(_) => {
            let mut fields = Vec::new();
            r.tagged(|tag, field| {
                let size = field.remaining();
                fields.push((tag, field.take(size)?.to_vec()));
                Ok(true)
            })?;
            Value::Tagged(fields)
        }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(values in proptest::collection::vec(value(), 0..12)) {
        let mut w = Writer::new();
        values.iter().for_each(|v| write(&mut w, v));
        let mut r = Reader::new(&w.bytes);
        for v in &values {
            prop_assert_eq!(&read(&mut r, v).unwrap(), v);
        }
        r.end().unwrap();
    }

    /// Never a panic, and never more elements than there are bytes for.
    #[test]
    fn hostile_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..64),
                                         kinds in proptest::collection::vec(value(), 1..12)) {
        let mut r = Reader::new(&bytes);
        for like in &kinds {
            match read(&mut r, like) {
                Ok(_) => prop_assert!(r.position() <= bytes.len()),
                Err(e) => { prop_assert_eq!(e.kind(), Kind::Corrupt); break }
            }
        }
    }

    #[test]
    fn a_message_cut_short_is_an_error(v in value(), cut in any::<prop::sample::Index>()) {
        let mut w = Writer::new();
        write(&mut w, &v);
        let cut = cut.index(w.bytes.len());
        prop_assert!(read(&mut Reader::new(&w.bytes[..cut]), &v).is_err());
    }
}

#[test]
fn bytes_are_kafkas() {
    let mut w = Writer::new();
    w.string("ab");
    w.compact_string("ab");
    w.nullable_string(None);
    w.compact_nullable_bytes(None);
    w.compact_array_len(0);
    w.uvarint(300);
    w.varint(-3);
    w.tagged(&[(1, Writer { bytes: vec![9] })]);
    let expected = [
        0, 2, b'a', b'b', 3, b'a', b'b', 0xff, 0xff, 0, 1, 0xac, 2, 5, 1, 1, 1, 9,
    ];
    assert_eq!(w.bytes, expected);
}

#[test]
fn a_claimed_count_beyond_the_bytes_left_is_refused_before_it_is_used() {
    let claim = |count: i32, rest: usize| {
        let mut w = Writer::new();
        w.i32(count);
        w.raw(&vec![0; rest]);
        Reader::new(&w.bytes)
            .array_len(4)
            .map_err(|e| e.to_string())
    };
    assert_eq!(claim(2, 8), Ok(2));
    assert_eq!(
        claim(3, 8).unwrap_err(),
        "byte 4: 3 elements do not fit the 8 bytes that are left"
    );
    assert!(claim(i32::MAX, 8).is_err() && claim(-2, 8).is_err());
    assert!(claim(-1, 8).unwrap_err().contains("null"));
    // Nearly four thousand million tagged fields.
    let mut r = Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]);
    assert!(r.skip_tagged().is_err());
}

#[test]
fn strings_must_be_utf8_and_within_kafkas_limit() {
    let mut w = Writer::new();
    w.compact_bytes(&[0xff, 0xfe]);
    let e = Reader::new(&w.bytes).compact_string().unwrap_err();
    assert!(e.message().contains("UTF-8"), "{e}");
    let mut w = Writer::new();
    w.compact_bytes(&vec![b'a'; STRING_BYTES_MAX + 1]);
    assert!(Reader::new(&w.bytes).compact_string().is_err());
}

#[test]
fn an_error_inside_a_tagged_field_names_the_outer_position() {
    let mut w = Writer::new();
    w.i64(0);
    w.tagged(&[(0, Writer { bytes: vec![0, 1] })]);
    let mut r = Reader::new(&w.bytes);
    r.i64().unwrap();
    let e = r.tagged(|_, f| f.i32().map(|_| true)).unwrap_err();
    assert!(e.message().starts_with("byte 11:"), "{e}");
    let mut r = Reader::new(&w.bytes);
    r.i64().unwrap();
    let e = r.tagged(|_, f| f.i8().map(|_| true)).unwrap_err();
    assert!(e.message().contains("left over"), "{e}");
}
