//! "Did you mean": the setting that a misspelt name is nearest to.

use super::Key;
use super::keys::{Scope, find, keys};
use crate::error::{Code, Error, Result};

/// The setting called `name`.
///
/// Errors: Invalid, code InvalidConfig, with the nearest name that there is.
pub fn key(scope: Scope, name: &str) -> Result<&'static Key> {
    find(scope, name).ok_or_else(|| {
        let head: String = name.chars().take(100).collect();
        let hint = match suggest(scope, name) {
            Some(near) => format!("did you mean {near}?"),
            None => "the configuration reference lists what there is".to_owned(),
        };
        let what = scope.name();
        Error::coded(
            Code::InvalidConfig,
            format!("unknown {what} configuration {head}: {hint}"),
        )
    })
}

/// The nearest name: the topic's name for what was given as a broker's and the other way round, or
/// the one with the fewest letters to change, when these are few.
pub fn suggest(scope: Scope, name: &str) -> Option<&'static str> {
    const LETTERS_MAX: usize = 100;
    if name.chars().count() > LETTERS_MAX {
        return None;
    }
    let lower = name.to_ascii_lowercase().replace(['_', '-'], ".");
    translated(scope, &lower).or_else(|| {
        let scored = keys(scope).iter().filter(|key| !key.internal);
        let scored = scored.map(|key| (distance(&lower, key.name), key.name));
        let (best, near) = scored.min_by_key(|(changes, _)| *changes)?;
        let few = best <= 1 + near.len() / 6;
        few.then_some(near)
    })
}

/// What the other of topic and broker calls `name` here.
fn translated(scope: Scope, name: &str) -> Option<&'static str> {
    let topic = keys(Scope::Topic);
    match scope {
        Scope::Topic => topic
            .iter()
            .find(|key| key.synonyms.iter().any(|s| s.name == name))
            .map(|key| key.name),
        Scope::Broker => topic
            .iter()
            .find(|key| key.name == name)
            .and_then(|key| key.synonyms.first())
            .map(|synonym| synonym.name),
        _ => None,
    }
}

/// Letters to insert, remove or change to make one of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, from) in one.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(&other) {
            let changed = diagonal + usize::from(from != *to);
            diagonal = *cell;
            left = changed.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_setting_gets_the_nearest_name() {
        let near = [
            (Scope::Topic, "retention_ms", Some("retention.ms")),
            (Scope::Topic, "retenton.ms", Some("retention.ms")),
            (Scope::Topic, "cleanup.polcy", Some("cleanup.policy")),
            (Scope::Topic, "log.retention.hours", Some("retention.ms")),
            (Scope::Broker, "segment.bytes", Some("log.segment.bytes")),
            (Scope::Producer, "linger_ms", Some("linger.ms")),
            (Scope::Consumer, "nothing.like.it.at.all", None),
        ];
        for (scope, name, expected) in near {
            assert_eq!(suggest(scope, name), expected, "{name}");
        }
        let error = key(Scope::Topic, "retention_ms").expect_err("unknown");
        assert_eq!(error.code(), Code::InvalidConfig);
        assert!(error.message().contains("did you mean retention.ms?"));
        assert_eq!(suggest(Scope::Topic, &"x".repeat(1_000_000)), None);
    }

    #[test]
    fn distance_counts_changes() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
