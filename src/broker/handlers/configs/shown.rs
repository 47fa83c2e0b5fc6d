//! Settings as a client is shown them: the value that counts, where it comes from, and what would count
//! in its place.

use crate::broker::call::Call;
use crate::config::{Effect, Entry, Key, Overrides, Scope, effective, find, keys};
use crate::engine::BrokerLayers;

/// Kafka's numbers of where a value comes from.
const OF_TOPIC: i8 = 1;
const OF_BROKER: i8 = 2;
const OF_ALL_BROKERS: i8 = 3;
const FIXED: i8 = 4;
const DEFAULT: i8 = 5;

/// One setting.
pub(in crate::broker::handlers) struct Shown {
    pub key: &'static Key,
    /// `None` when it is unset, or not for everybody to see.
    pub value: Option<String>,
    pub source: i8,
    pub read_only: bool,
    pub sensitive: bool,
    /// What gives the value, the one that counts first.
    pub synonyms: Vec<Synonym>,
}

pub(in crate::broker::handlers) struct Synonym {
    pub name: &'static str,
    pub value: Option<String>,
    pub source: i8,
}

/// What is set on this broker: on its engine, and when its server was started.
pub(in crate::broker::handlers) fn layers(call: &Call<'_>) -> BrokerLayers {
    let mut layers = call.engine().broker_layers();
    let given = call.context.settings.iter();
    layers
        .fixed
        .extend(given.map(|(name, value)| (name.clone(), value.clone())));
    layers
}

/// The settings of a topic on which `own` is set.
pub(in crate::broker::handlers) fn of_topic(own: &Overrides, layers: &BrokerLayers) -> Vec<Shown> {
    let entries = effective(Scope::Topic, own, &merged(layers));
    let shown = entries.into_iter().map(|Entry { key, value, .. }| {
        let set = own.get(key.name).map(|value| Synonym {
            name: key.name,
            value: Some(value.clone()),
            source: OF_TOPIC,
        });
        let mut synonyms: Vec<Synonym> = set.into_iter().collect();
        for synonym in key.synonyms {
            push_broker(&mut synonyms, synonym.name, layers);
        }
        if key.synonyms.is_empty() {
            push_default(&mut synonyms, key);
        }
        one(key, value, false, synonyms)
    });
    shown.collect()
}

/// The settings of this broker.
pub(super) fn of_broker(layers: &BrokerLayers) -> Vec<Shown> {
    let entries = effective(Scope::Broker, &merged(layers), &Overrides::new());
    let shown = entries.into_iter().map(|Entry { key, value, .. }| {
        let mut synonyms = Vec::new();
        for name in family(key.name) {
            push_broker(&mut synonyms, name, layers);
        }
        // Of its kin only those count that were asked for; the value is its own.
        let source = match synonyms.first() {
            Some(first) if first.name == key.name => first.source,
            _ => DEFAULT,
        };
        let read_only = key.effect == Effect::Restart;
        Shown {
            source,
            ..one(key, value, read_only, synonyms)
        }
    });
    shown.collect()
}

/// What is set for all brokers.
pub(super) fn of_all_brokers(layers: &BrokerLayers) -> Vec<Shown> {
    let set = layers.all.iter().filter_map(|(name, value)| {
        let key = find(Scope::Broker, name)?;
        let synonym = Synonym {
            name: key.name,
            value: Some(value.clone()),
            source: OF_ALL_BROKERS,
        };
        let read_only = key.effect == Effect::Restart;
        Some(one(key, Some(value.clone()), read_only, vec![synonym]))
    });
    set.collect()
}

fn one(
    key: &'static Key,
    value: Option<String>,
    read_only: bool,
    mut synonyms: Vec<Synonym>,
) -> Shown {
    let sensitive = is_sensitive(key.name);
    if sensitive {
        synonyms.iter_mut().for_each(|synonym| synonym.value = None);
    }
    Shown {
        key,
        value: value.filter(|_| !sensitive),
        source: synonyms.first().map_or(DEFAULT, |first| first.source),
        read_only,
        sensitive,
        synonyms,
    }
}

/// Passwords and what holds them are not shown.
fn is_sensitive(name: &str) -> bool {
    [".password", ".jaas.config", ".secret", "keystore.key"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// The broker setting `name` and those that stand in for it, as `log.retention.hours` does for
/// `log.retention.ms`.
fn family(name: &'static str) -> Vec<&'static str> {
    let mut topics = keys(Scope::Topic).iter();
    let found = topics.find_map(|key| {
        let at = key.synonyms.iter().position(|s| s.name == name)?;
        key.synonyms.get(at..)
    });
    match found {
        Some(synonyms) => synonyms.iter().map(|s| s.name).collect(),
        None => vec![name],
    }
}

/// Where the broker setting `name` is set, and its default.
fn push_broker(to: &mut Vec<Synonym>, name: &'static str, layers: &BrokerLayers) {
    let all = [
        (&layers.own, OF_BROKER),
        (&layers.all, OF_ALL_BROKERS),
        (&layers.fixed, FIXED),
    ];
    for (set, source) in all {
        if let Some(value) = set.get(name) {
            let value = Some(value.clone());
            to.push(Synonym {
                name,
                value,
                source,
            });
        }
    }
    if let Some(key) = find(Scope::Broker, name) {
        push_default(to, key);
    }
}

fn push_default(to: &mut Vec<Synonym>, key: &'static Key) {
    if let Some(default) = key.default {
        to.push(Synonym {
            name: key.name,
            value: Some(default.to_owned()),
            source: DEFAULT,
        });
    }
}

fn merged(layers: &BrokerLayers) -> Overrides {
    let mut all = layers.fixed.clone();
    for set in [&layers.all, &layers.own] {
        all.extend(
            set.iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> Overrides {
        let owned = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        owned.collect()
    }

    fn found<'s>(shown: &'s [Shown], name: &str) -> &'s Shown {
        let found = shown.iter().find(|one| one.key.name == name);
        found.expect(name)
    }

    fn synonyms(shown: &Shown) -> Vec<(&'static str, &str, i8)> {
        let all = shown.synonyms.iter();
        all.map(|s| (s.name, s.value.as_deref().unwrap_or("-"), s.source))
            .collect()
    }

    /// As a Kafka 4.4 shows the same settings.
    #[test]
    fn values_name_their_sources_the_one_that_counts_first() {
        let layers = BrokerLayers {
            fixed: set(&[("num.partitions", "4")]),
            all: set(&[("log.retention.ms", "2"), ("message.max.bytes", "20")]),
            own: set(&[("log.retention.ms", "1")]),
        };
        let topic = of_topic(&set(&[("cleanup.policy", "compact")]), &layers);
        let retention = found(&topic, "retention.ms");
        assert_eq!(retention.value.as_deref(), Some("1"));
        let inherited = [
            ("log.retention.ms", "1", 2),
            ("log.retention.ms", "2", 3),
            ("log.retention.hours", "168", 5),
        ];
        assert_eq!(synonyms(retention), inherited);
        let policy = found(&topic, "cleanup.policy");
        assert_eq!(policy.source, 1);
        let own = [
            ("cleanup.policy", "compact", 1),
            ("log.cleanup.policy", "delete", 5),
        ];
        assert_eq!(synonyms(policy), own);
        assert_eq!(found(&topic, "max.message.bytes").source, 3);

        let broker = of_broker(&layers);
        let partitions = found(&broker, "num.partitions");
        assert_eq!(
            synonyms(partitions),
            [("num.partitions", "4", 4), ("num.partitions", "1", 5)]
        );
        assert_eq!(synonyms(found(&broker, "log.retention.ms")), inherited);
        let hours = found(&broker, "log.retention.hours");
        assert_eq!((hours.value.as_deref(), hours.source), (Some("168"), 5));
        assert_eq!(of_all_brokers(&layers).len(), 2);
    }

    #[test]
    fn what_was_not_set_on_the_setting_itself_is_a_default() {
        let layers = BrokerLayers {
            all: set(&[("log.retention.hours", "1")]),
            ..BrokerLayers::default()
        };
        let broker = of_broker(&layers);
        let ms = found(&broker, "log.retention.ms");
        assert_eq!((ms.value.as_deref(), ms.source), (None, 5));
    }
}
