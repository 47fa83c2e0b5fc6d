//! The reference page `docs/config.md`, made from the table. `tests/tidy` compares the two.

use std::fmt::Write;

use super::keys::{Effect, Key, Scope, Valid, keys};

const HEAD: &str = "\
# Settings

<!-- Made from src/config/keys by `make docs`: change it there. -->

Names, defaults and ranges are those of Apache Kafka 4.4 wherever Kafka has the setting; names that
start with `levada.` are ours. A value that is not allowed, and a name that is not here, is refused
with `InvalidError` (Kafka's code 40, `INVALID_CONFIG`).
";

/// The whole page.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    for scope in Scope::ALL {
        page.push_str(intro(scope));
        let all = keys(scope).iter().filter(|key| !key.internal);
        let (idle, read): (Vec<_>, Vec<_>) = all.partition(|key| key.effect == Effect::Never);
        table(&mut page, scope, &read);
        if !idle.is_empty() {
            page.push_str(
                "\nTaken and kept because Kafka's users set them, but nothing reads them:\n\n",
            );
            table(&mut page, scope, &idle);
        }
    }
    page
}

const fn intro(scope: Scope) -> &'static str {
    match scope {
        Scope::Topic => {
            "\n## Topics\n\nSet when a topic is made or altered; a change takes effect at once. Where a topic sets nothing,\nthe engine's setting in the column *default from* counts, when it is set, and else the default.\n\n"
        }
        Scope::Broker => {
            "\n## Engine\n\nSet when a data directory is opened, under the names of Kafka's broker settings.\n\n"
        }
        Scope::Producer => "\n## Producers\n\nSet when a producer is made.\n\n",
        Scope::Consumer => "\n## Consumers\n\nSet when a consumer is made.\n\n",
    }
}

fn table(page: &mut String, scope: Scope, rows: &[&Key]) {
    let (column, line) = match scope {
        Scope::Topic => ("| default from ", "|---"),
        Scope::Broker => ("| takes effect ", "|---"),
        _ => ("", ""),
    };
    page.push_str("| setting | type | default | allowed ");
    page.push_str(column);
    page.push_str("| meaning |\n|---|---|---|---");
    page.push_str(line);
    page.push_str("|---|\n");
    for key in rows {
        let extra = match scope {
            Scope::Topic => format!("| {} ", synonyms(key)),
            Scope::Broker => format!("| {} ", key.effect.name()),
            _ => String::new(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} {extra}| {} |",
            key.name,
            kind(key),
            default(key),
            allowed(key),
            key.doc
        );
    }
}

fn kind(key: &Key) -> String {
    match key.unit.name() {
        "" => key.kind.name().to_owned(),
        unit => format!("{}, {unit}", key.kind.name()),
    }
}

fn default(key: &Key) -> String {
    match key.default {
        None => "unset".to_owned(),
        Some("") => "empty".to_owned(),
        Some("9223372036854775807") => "no limit (2^63 - 1)".to_owned(),
        Some("2147483647") => "no limit (2^31 - 1)".to_owned(),
        Some("1.7976931348623157E308") => "no limit".to_owned(),
        Some(text) => format!("`{text}`"),
    }
}

fn allowed(key: &Key) -> String {
    match key.valid {
        Valid::Any => String::new(),
        Valid::AtLeast(least) => format!("≥ {least}"),
        Valid::Between(least, most) => format!("{least} to {most}"),
        Valid::BetweenOr(least, most, or) => format!("{least} to {most}, {or}"),
        Valid::Ratio => "0 to 1".to_owned(),
        Valid::OneOf(words) => {
            let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            quoted.join(", ")
        }
        Valid::NotEmpty => "not empty".to_owned(),
        Valid::ThrottledReplicas => "`*`, `partition:broker,…`".to_owned(),
        Valid::OffsetReset => "`earliest`, `latest`, `none`, `by_duration:PnDTnHnMnS`".to_owned(),
    }
}

fn synonyms(key: &Key) -> String {
    let quoted: Vec<_> = key
        .synonyms
        .iter()
        .map(|s| format!("`{}`", s.name))
        .collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_documented_once_and_in_order_of_use() {
        let page = reference();
        for scope in Scope::ALL {
            for key in keys(scope).iter().filter(|key| !key.internal) {
                assert!(page.contains(&format!("| `{}` |", key.name)), "{key}");
                assert!(key.doc.ends_with('.') && !key.doc.contains('|'), "{key}");
                let same = keys(scope).iter().filter(|other| other.name == key.name);
                assert_eq!(same.count(), 1, "{key} stands twice");
            }
        }
    }

    #[test]
    fn every_synonym_is_a_broker_setting_with_the_same_default() {
        for key in keys(Scope::Topic) {
            for synonym in key.synonyms {
                let broker = super::super::keys::find(Scope::Broker, synonym.name);
                let broker = broker.unwrap_or_else(|| panic!("{} of {key}", synonym.name));
                let same = broker.default == key.default;
                assert!(
                    same || broker.default.is_none() || synonym.factor > 1,
                    "{key}"
                );
            }
        }
    }
}
