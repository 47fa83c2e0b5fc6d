//! From texts that somebody set to the values that count: own value, else the broker's default, else
//! the table's.

use std::collections::BTreeMap;

use super::keys::{Key, Scope, Synonym, Type, find, keys};
use super::suggest::key;
use super::value::{self, Value, allowed, invalid};
use crate::error::{Error, Result};

/// Settings as they were set: name and text.
pub type Overrides = BTreeMap<String, String>;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Set on the topic, producer or consumer itself.
    Own,
    /// Set on the broker: of a topic setting, as the default of topics.
    Broker,
    /// The table.
    Default,
}

impl Source {
    /// Kafka's number of the source in a DescribeConfigs answer.
    pub const fn number(self) -> i8 {
        match self {
            Source::Own => 1,
            Source::Broker => 4,
            Source::Default => 5,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Source::Own => "own",
            Source::Broker => "broker",
            Source::Default => "default",
        }
    }
}

/// A setting with the value that counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: &'static Key,
    /// As text; `None` when it is unset and has no default.
    pub value: Option<String>,
    pub source: Source,
}

/// Checks name and value of one setting; gives the value.
///
/// Errors: Invalid, code InvalidConfig.
pub fn check(scope: Scope, name: &str, text: &str) -> Result<Value> {
    value::parse(key(scope, name)?, text)
}

/// Every setting of `scope` that is not internal, or is set, with the value that counts. For topics
/// `broker` holds what is set on the broker; for the others it is not read. A stored value that is
/// not valid (any more) is shown as it stands.
pub fn effective(scope: Scope, own: &Overrides, broker: &Overrides) -> Vec<Entry> {
    let settings = Settings { scope, own, broker };
    let all = keys(scope).iter();
    let shown = all.filter(|key| !key.internal || own.contains_key(key.name));
    shown.map(|key| settings.entry(key)).collect()
}

/// Typed look-ups by name for the makers of typed settings. Names are of the table: a name that is
/// not is a defect, reported as Internal.
pub(super) struct Settings<'a> {
    scope: Scope,
    own: &'a Overrides,
    broker: &'a Overrides,
}

impl<'a> Settings<'a> {
    /// Checks every name and value of `own`.
    pub(super) fn checked(
        scope: Scope,
        own: &'a Overrides,
        broker: &'a Overrides,
    ) -> Result<Settings<'a>> {
        for (name, text) in own {
            check(scope, name, text)?;
        }
        Ok(Settings { scope, own, broker })
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.own.contains_key(name)
    }

    pub(super) fn optional(&self, name: &str) -> Result<Option<Value>> {
        let key = find(self.scope, name)
            .ok_or_else(|| Error::internal(format!("the table has no setting {name}")))?;
        let (value, _) = self.value(key)?;
        Ok(value)
    }

    pub(super) fn long(&self, name: &str) -> Result<i64> {
        self.typed(name, |v| v.as_long())
    }

    /// A number that the table keeps at 0 or above and in 32 bits.
    pub(super) fn count(&self, name: &str) -> Result<u32> {
        self.typed(name, |v| u32::try_from(v.as_long()?).ok())
    }

    /// A level or another small number that may be negative.
    pub(super) fn int(&self, name: &str) -> Result<i32> {
        self.typed(name, |v| i32::try_from(v.as_long()?).ok())
    }

    /// `None` where a negative number says "no limit".
    pub(super) fn limit(&self, name: &str) -> Result<Option<i64>> {
        let number = self.long(name)?;
        Ok((number >= 0).then_some(number))
    }

    pub(super) fn double(&self, name: &str) -> Result<f64> {
        self.typed(name, |v| match v {
            Value::Double(n) => Some(*n),
            _ => None,
        })
    }

    pub(super) fn boolean(&self, name: &str) -> Result<bool> {
        self.typed(name, |v| match v {
            Value::Boolean(yes) => Some(*yes),
            _ => None,
        })
    }

    pub(super) fn text(&self, name: &str) -> Result<String> {
        self.typed(name, |v| match v {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// `None` when unset or empty.
    pub(super) fn optional_text(&self, name: &str) -> Result<Option<String>> {
        let value = self.optional(name)?.map(|v| v.to_string());
        Ok(value.filter(|text| !text.is_empty()))
    }

    pub(super) fn list(&self, name: &str) -> Result<Vec<String>> {
        self.typed(name, |v| match v {
            Value::List(items) => Some(items.clone()),
            _ => None,
        })
    }

    fn typed<T>(&self, name: &str, take: impl Fn(&Value) -> Option<T>) -> Result<T> {
        let value = self.optional(name)?;
        let taken = value.as_ref().and_then(take);
        taken.ok_or_else(|| Error::internal(format!("setting {name} is not of the type asked for")))
    }

    fn value(&self, key: &'static Key) -> Result<(Option<Value>, Source)> {
        if let Some(text) = self.own.get(key.name) {
            return Ok((Some(value::parse(key, text)?), Source::Own));
        }
        if self.scope == Scope::Topic {
            for synonym in key.synonyms {
                if let Some(text) = self.broker.get(synonym.name) {
                    return Ok((Some(through(key, *synonym, text)?), Source::Broker));
                }
            }
        }
        let default = key
            .default
            .map(|text| value::parse(key, text))
            .transpose()?;
        Ok((default, Source::Default))
    }

    fn entry(&self, key: &'static Key) -> Entry {
        match self.value(key) {
            Ok((value, source)) => Entry {
                key,
                value: value.map(|v| v.to_string()),
                source: match (source, self.scope) {
                    (Source::Own, Scope::Broker) => Source::Broker,
                    (source, _) => source,
                },
            },
            Err(_) => Entry {
                key,
                value: self.own.get(key.name).cloned(),
                source: Source::Own,
            },
        }
    }
}

/// The topic value that the broker setting `synonym`, set to `text`, gives.
fn through(key: &Key, synonym: Synonym, text: &str) -> Result<Value> {
    let Some(broker_key) = find(Scope::Broker, synonym.name) else {
        let name = synonym.name;
        return Err(Error::internal(format!("the table has no setting {name}")));
    };
    let parsed = value::parse(broker_key, text)?;
    let Some(number) = parsed.as_long() else {
        return Ok(parsed);
    };
    // Negative hours, minutes or milliseconds say "no limit", which a topic writes as -1.
    let scaled = match number {
        n if n < 0 && synonym.factor > 1 => Some(-1),
        n if n < 0 && key.name == "retention.ms" => Some(-1),
        n => n.checked_mul(synonym.factor),
    };
    let scaled = scaled.ok_or_else(|| invalid(broker_key, text, "value is too large"))?;
    let as_topic = match key.kind {
        Type::Int => i32::try_from(scaled).ok().map(Value::Int),
        _ => Some(Value::Long(scaled)),
    };
    let fits = as_topic.filter(|v| value::parse(key, &v.to_string()).is_ok());
    fits.ok_or_else(|| {
        let why = format_args!("{}, as {} demands", allowed(key), key.name).to_string();
        invalid(broker_key, text, why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(pairs: &[(&str, &str)]) -> Overrides {
        let owned = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        owned.collect()
    }

    fn shown(entries: &[Entry], name: &str) -> Option<(Option<String>, Source)> {
        let entry = entries.iter().find(|entry| entry.key.name == name)?;
        Some((entry.value.clone(), entry.source))
    }

    #[test]
    fn effective_says_where_each_value_comes_from() {
        let own = overrides(&[("retention.ms", " 5 "), ("cleanup.policy", "compact")]);
        let broker = overrides(&[
            ("log.retention.hours", "1"),
            ("log.segment.bytes", "2097152"),
        ]);
        let entries = effective(Scope::Topic, &own, &broker);
        let is = |name: &str, value: &str, source| {
            assert_eq!(shown(&entries, name), Some((Some(value.into()), source)));
        };
        is("retention.ms", "5", Source::Own);
        is("cleanup.policy", "compact", Source::Own);
        is("segment.bytes", "2097152", Source::Broker);
        is("segment.ms", "604800000", Source::Default);
        assert_eq!(shown(&entries, "internal.segment.bytes"), None);
    }

    #[test]
    fn a_brokers_own_settings_and_unset_ones_are_told_apart() {
        let own = overrides(&[("num.partitions", "4")]);
        let entries = effective(Scope::Broker, &own, &Overrides::new());
        assert_eq!(
            shown(&entries, "num.partitions"),
            Some((Some("4".into()), Source::Broker))
        );
        assert_eq!(
            shown(&entries, "log.retention.ms"),
            Some((None, Source::Default))
        );
    }

    #[test]
    fn a_stored_value_that_became_invalid_is_shown_as_it_stands() {
        let own = overrides(&[("retention.ms", "soon")]);
        let entries = effective(Scope::Topic, &own, &Overrides::new());
        let expected = Some((Some("soon".into()), Source::Own));
        assert_eq!(shown(&entries, "retention.ms"), expected);
    }
}
