//! A setting's text, read and checked against its entry.

use std::fmt;

use super::duration::parse_iso_duration_ms;
use super::keys::{Key, Type, Valid};
use crate::error::{Code, Error, Result};

/// A value of a setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Boolean(bool),
    Text(String),
    Int(i32),
    Long(i64),
    Double(f64),
    List(Vec<String>),
}

impl Value {
    /// The number of an `int` or a `long`.
    pub fn as_long(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(i64::from(*n)),
            Value::Long(n) => Some(*n),
            _ => None,
        }
    }
}

/// The text that gives this value again.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Boolean(yes) => yes.fmt(f),
            Value::Text(text) => f.write_str(text),
            Value::Int(n) => n.fmt(f),
            Value::Long(n) => n.fmt(f),
            // Java's form of a whole number, `1.0`.
            Value::Double(n) => write!(f, "{n:?}"),
            Value::List(items) => f.write_str(&items.join(",")),
        }
    }
}

/// Reads `text` as a value of `key`. Spaces around it and around list items do not count, an empty
/// list is one without items.
///
/// Errors: Invalid, code InvalidConfig, naming the key, the value and what is allowed.
pub fn parse(key: &Key, text: &str) -> Result<Value> {
    let trimmed = text.trim();
    let value = match key.kind {
        Type::Boolean => Value::Boolean(boolean(key, text)?),
        Type::Text => Value::Text(trimmed.to_owned()),
        Type::Int => Value::Int(number(key, text, "a whole number of 32 bits")?),
        Type::Long => Value::Long(number(key, text, "a whole number of 64 bits")?),
        Type::Double => Value::Double(number(key, text, "a number")?),
        Type::List => Value::List(items(key, text)?),
    };
    check(key, text, &value)?;
    Ok(value)
}

fn boolean(key: &Key, text: &str) -> Result<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(key, text, "expected true or false")),
    }
}

fn number<T: std::str::FromStr>(key: &Key, text: &str, what: &str) -> Result<T> {
    let read = text.trim().parse();
    read.map_err(|_| invalid(key, text, format_args!("not {what}")))
}

fn items(key: &Key, text: &str) -> Result<Vec<String>> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(Vec::new());
    }
    let mut items: Vec<String> = Vec::new();
    for item in trimmed.split(',').map(str::trim) {
        if item.is_empty() {
            return Err(invalid(key, text, "a list must not have empty items"));
        }
        if !items.iter().any(|had| had == item) {
            items.push(item.to_owned());
        }
    }
    Ok(items)
}

fn check(key: &Key, text: &str, value: &Value) -> Result<()> {
    let fits = match (key.valid, value) {
        (Valid::Any, Value::Double(n)) => n.is_finite(),
        (Valid::Any, _) => true,
        (Valid::Ratio, Value::Double(n)) => (0.0..=1.0).contains(n),
        (Valid::OneOf(words), Value::Text(word)) => words.contains(&word.as_str()),
        (Valid::OneOf(words), Value::List(all)) => all.iter().all(|w| words.contains(&w.as_str())),
        (Valid::NotEmpty, Value::Text(text)) => !text.is_empty(),
        (Valid::ThrottledReplicas, Value::List(all)) => throttled_replicas(all),
        (Valid::OffsetReset, Value::Text(text)) => offset_reset(text),
        (Valid::AtLeast(least), n) => n.as_long().is_some_and(|n| n >= least),
        (Valid::Between(least, most), n) => {
            n.as_long().is_some_and(|n| (least..=most).contains(&n))
        }
        (Valid::BetweenOr(least, most, or), n) => n
            .as_long()
            .is_some_and(|n| (least..=most).contains(&n) || n == or),
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(invalid(key, text, allowed(key)))
}

fn throttled_replicas(items: &[String]) -> bool {
    let pair = |item: &String| {
        let numbers = item.split_once(':');
        numbers.is_some_and(|(p, b)| p.parse::<u32>().is_ok() && b.parse::<u32>().is_ok())
    };
    matches!(items, [only] if only == "*") || items.iter().all(pair)
}

fn offset_reset(text: &str) -> bool {
    let plain = matches!(text, "earliest" | "latest" | "none");
    let duration = text.strip_prefix("by_duration:");
    plain || duration.is_some_and(|d| parse_iso_duration_ms(d).is_some())
}

/// What a setting allows, as a sentence part: `value must be at least 1`.
pub fn allowed(key: &Key) -> String {
    match key.valid {
        Valid::Any => format!("value must be a {}", key.kind.name()),
        Valid::AtLeast(least) => format!("value must be at least {least}"),
        Valid::Between(least, most) => format!("value must be between {least} and {most}"),
        Valid::BetweenOr(least, most, or) => {
            format!("value must be between {least} and {most} or equal to {or}")
        }
        Valid::Ratio => "value must be between 0 and 1".to_owned(),
        Valid::OneOf(words) => format!("value must be one of: {}", words.join(", ")),
        Valid::NotEmpty => "value must not be empty".to_owned(),
        Valid::ThrottledReplicas => {
            "value must be * or partition:broker pairs with commas between them".to_owned()
        }
        Valid::OffsetReset => {
            "value must be earliest, latest, none or by_duration: with a duration such as PT1H"
                .to_owned()
        }
    }
}

/// The error for a value that a setting does not take, in the shape of Kafka's.
pub(super) fn invalid(key: &Key, text: &str, why: impl fmt::Display) -> Error {
    let text = shown(text);
    Error::coded(
        Code::InvalidConfig,
        format!("invalid value {text} for configuration {}: {why}", key.name),
    )
}

/// A value as a message shows it: outside data, so bounded.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 100;
    if text.is_empty() {
        return "\"\"".to_owned();
    }
    match text.char_indices().nth(CHARS_MAX) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::{Scope, find, keys};
    use super::*;

    fn topic(name: &str, text: &str) -> Result<Value> {
        parse(find(Scope::Topic, name).expect(name), text)
    }

    #[test]
    fn every_default_is_a_valid_value_and_comes_back_as_text() {
        for scope in Scope::ALL {
            for key in keys(scope) {
                let Some(default) = key.default else { continue };
                let value = parse(key, default).unwrap_or_else(|e| panic!("{e}"));
                assert_eq!(parse(key, &value.to_string()).ok(), Some(value), "{key}");
            }
        }
    }

    #[test]
    fn a_bad_value_names_setting_value_and_what_is_allowed() {
        // The same values as were given to a Kafka 4.4, which refused each with code 40.
        let bad = [
            ("segment.bytes", "100", "must be at least 1048576"),
            ("segment.bytes", "1e6", "not a whole number of 32 bits"),
            (
                "segment.bytes",
                "99999999999",
                "not a whole number of 32 bits",
            ),
            ("cleanup.policy", "x", "one of: compact, delete"),
            ("cleanup.policy", "none", "one of: compact, delete"),
            ("cleanup.policy", "delete,", "empty items"),
            ("retention.ms", "abc", "not a whole number of 64 bits"),
            ("retention.ms", "", "not a whole number of 64 bits"),
            ("retention.ms", "-2", "must be at least -1"),
            ("min.cleanable.dirty.ratio", "1.5", "between 0 and 1"),
            ("min.cleanable.dirty.ratio", "NaN", "between 0 and 1"),
            ("preallocate", "yes", "true or false"),
            ("preallocate", "1", "true or false"),
            (
                "compression.type",
                "GZIP",
                "one of: uncompressed, zstd, lz4, snappy, gzip, producer",
            ),
            (
                "compression.type",
                "none",
                "one of: uncompressed, zstd, lz4, snappy, gzip, producer",
            ),
            (
                "compression.gzip.level",
                "0",
                "between 1 and 9 or equal to -1",
            ),
            ("compression.lz4.level", "0", "between 1 and 17"),
            ("flush.messages", "0", "at least 1"),
            (
                "message.timestamp.type",
                "createtime",
                "one of: CreateTime, LogAppendTime",
            ),
            ("min.insync.replicas", "0", "at least 1"),
            ("segment.ms", "0", "at least 1"),
            ("index.interval.bytes", "-1", "at least 0"),
            ("segment.index.bytes", "3", "at least 4"),
            ("message.timestamp.before.max.ms", "-1", "at least 0"),
            ("leader.replication.throttled.replicas", "1:x", "pairs"),
        ];
        for (name, text, why) in bad {
            let error = topic(name, text).expect_err(name);
            assert_eq!(error.code(), Code::InvalidConfig, "{name}={text}");
            let message = error.message();
            assert!(
                message.contains(name) && message.contains(text),
                "{message}"
            );
            assert!(message.contains(why), "{message}");
        }
    }

    #[test]
    fn what_kafka_takes_is_taken() {
        let good = [
            ("cleanup.policy", "", Value::List(vec![])),
            (
                "cleanup.policy",
                " delete , compact ",
                Value::List(vec!["delete".into(), "compact".into()]),
            ),
            (
                "cleanup.policy",
                "compact,compact",
                Value::List(vec!["compact".into()]),
            ),
            ("retention.ms", " 12 ", Value::Long(12)),
            ("retention.bytes", "-5", Value::Long(-5)),
            ("preallocate", "TRUE", Value::Boolean(true)),
            ("compression.zstd.level", "-3", Value::Int(-3)),
            ("internal.segment.bytes", "100", Value::Int(100)),
            (
                "local.retention.ms",
                "10000000000",
                Value::Long(10_000_000_000),
            ),
            (
                "leader.replication.throttled.replicas",
                "*",
                Value::List(vec!["*".into()]),
            ),
        ];
        for (name, text, value) in good {
            assert_eq!(topic(name, text).expect(name), value, "{name}={text}");
        }
    }

    #[test]
    fn a_message_shows_only_the_head_of_a_huge_value() {
        let error = topic("retention.ms", &"ä".repeat(1_000_000)).expect_err("not a number");
        assert!(error.message().len() < 400, "{}", error.message().len());
    }
}
