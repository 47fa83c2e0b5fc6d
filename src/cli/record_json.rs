//! A record as JSON: what `consume --format json` writes and `produce --format json` reads. Bytes that
//! are UTF-8 stand as a string, others as Base64 under a name that says so (`value_base64`), so that
//! every record comes back as it was.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::base64;
use crate::record::{Header, RecordView};
use crate::types::{Timestamp, TopicPartition};

/// A record to be written.
pub struct Written<'a> {
    pub place: &'a TopicPartition,
    pub record: &'a RecordView<'a>,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("topic", &*self.place.topic)?;
        map.serialize_entry("partition", &self.place.partition)?;
        map.serialize_entry("offset", &self.record.offset.get())?;
        map.serialize_entry("timestamp", &self.record.timestamp.get())?;
        bytes_entry(&mut map, "key", "key_base64", self.record.key)?;
        bytes_entry(&mut map, "value", "value_base64", self.record.value)?;
        if !self.record.headers.is_empty() {
            let headers: Vec<_> = self.record.headers.iter().map(WrittenHeader).collect();
            map.serialize_entry("headers", &headers)?;
        }
        map.end()
    }
}

struct WrittenHeader<'a>(Header<'a>);

impl Serialize for WrittenHeader<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(2))?;
        bytes_entry(&mut map, "key", "key_base64", Some(self.0.key))?;
        bytes_entry(&mut map, "value", "value_base64", self.0.value)?;
        map.end()
    }
}

fn bytes_entry<M: SerializeMap>(
    map: &mut M,
    text: &'static str,
    encoded: &'static str,
    bytes: Option<&[u8]>,
) -> Result<(), M::Error> {
    match bytes.map(|b| (std::str::from_utf8(b), b)) {
        None => map.serialize_entry(text, &()),
        Some((Ok(utf8), _)) => map.serialize_entry(text, utf8),
        Some((Err(_), bytes)) => map.serialize_entry(encoded, &base64::encode(bytes)),
    }
}

/// A header's key and value.
pub type OwnedHeader = (Vec<u8>, Option<Vec<u8>>);

/// A record that was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    pub partition: Option<i32>,
    pub timestamp: Option<Timestamp>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<OwnedHeader>,
}

/// Reads one object. `topic` and `offset` are left alone, so that what was consumed can be produced
/// again; other names that it does not know are refused, so that none is lost by a slip. A key or value
/// that is neither text nor null is taken as its JSON text.
pub fn parse(line: &[u8]) -> Result<Parsed, String> {
    let value: Value = serde_json::from_slice(line).map_err(|e| format!("not JSON: {e}"))?;
    let Value::Object(map) = value else {
        return Err("not a JSON object".to_owned());
    };
    let mut parsed = Parsed::default();
    for (name, value) in &map {
        match name.as_str() {
            "topic" | "offset" | "key" | "key_base64" | "value" | "value_base64" => {}
            "partition" => parsed.partition = number(name, value)?,
            "timestamp" => parsed.timestamp = number(name, value)?.map(Timestamp),
            "headers" => parsed.headers = headers(value)?,
            other => return Err(format!("\"{other}\" is no part of a record")),
        }
    }
    parsed.key = bytes(&map, "key", "key_base64")?;
    parsed.value = bytes(&map, "value", "value_base64")?;
    Ok(parsed)
}

fn number<T: TryFrom<i64>>(name: &str, value: &Value) -> Result<Option<T>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let number = value.as_i64().and_then(|n| T::try_from(n).ok());
    number
        .map(Some)
        .ok_or_else(|| format!("\"{name}\" must be a whole number"))
}

fn bytes(map: &Map<String, Value>, text: &str, encoded: &str) -> Result<Option<Vec<u8>>, String> {
    match (map.get(text), map.get(encoded)) {
        (Some(_), Some(_)) => Err(format!("\"{text}\" and \"{encoded}\" exclude each other")),
        (None, None) => Ok(None),
        (Some(value), None) => Ok(plain(value)),
        (None, Some(Value::String(digits))) => match base64::decode(digits) {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(format!("\"{encoded}\" is no Base64")),
        },
        (None, Some(_)) => Err(format!("\"{encoded}\" must be a string of Base64")),
    }
}

fn plain(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.as_bytes().to_vec()),
        other => Some(other.to_string().into_bytes()),
    }
}

/// `{"name": "value"}`, or `[{"key": …, "value": …}]`, which also holds repeated names.
fn headers(value: &Value) -> Result<Vec<OwnedHeader>, String> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Object(map) => {
            let pairs = map
                .iter()
                .map(|(name, v)| (name.clone().into_bytes(), plain(v)));
            Ok(pairs.collect())
        }
        Value::Array(list) => list.iter().map(header).collect(),
        _ => Err("\"headers\" must be an object or a list".to_owned()),
    }
}

fn header(value: &Value) -> Result<OwnedHeader, String> {
    let map = value.as_object().ok_or("a header must be an object")?;
    let key = bytes(map, "key", "key_base64")?.ok_or("a header needs a key")?;
    Ok((key, bytes(map, "value", "value_base64")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_record_is_refused_with_a_reason() {
        let bad = [
            ("", "not JSON"),
            ("[]", "not a JSON object"),
            (r#"{"vlaue":"x"}"#, "\"vlaue\""),
            (r#"{"value":"x","value_base64":"eA=="}"#, "exclude"),
            (r#"{"value_base64":"!"}"#, "no Base64"),
            (r#"{"value_base64":7}"#, "string of Base64"),
            (r#"{"partition":1.5}"#, "whole number"),
            (r#"{"partition":99999999999}"#, "whole number"),
            (r#"{"headers":3}"#, "headers"),
            (r#"{"headers":[{"value":"x"}]}"#, "needs a key"),
        ];
        for (line, part) in bad {
            let why = parse(line.as_bytes()).expect_err(line);
            assert!(why.contains(part), "{line}: {why}");
        }
    }

    #[test]
    fn values_are_text_null_base64_or_json() {
        let value = |line: &str| parse(line.as_bytes()).expect(line).value;
        assert_eq!(value(r#"{"value":"ä"}"#), Some("ä".as_bytes().to_vec()));
        assert_eq!(value(r#"{"value":null}"#), None);
        assert_eq!(value("{}"), None);
        assert_eq!(value(r#"{"value_base64":"/w=="}"#), Some(vec![0xff]));
        assert_eq!(value(r#"{"value":{"b":1}}"#), Some(br#"{"b":1}"#.to_vec()));
    }

    #[test]
    fn headers_are_an_object_or_a_list_with_repeats() {
        let headers = |line: &str| parse(line.as_bytes()).expect(line).headers;
        let one = vec![(b"a".to_vec(), Some(b"1".to_vec()))];
        assert_eq!(headers(r#"{"headers":{"a":"1"}}"#), one);
        let list = r#"{"headers":[{"key":"a","value":"1"},{"key":"a","value":null}]}"#;
        let twice = vec![one[0].clone(), (b"a".to_vec(), None)];
        assert_eq!(headers(list), twice);
    }
}
