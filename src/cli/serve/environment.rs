//! Settings in environment variables: `LEVADA_NUM_PARTITIONS` is `num.partitions`.

use crate::config::{Overrides, Scope, check, keys, suggest};
use crate::error::Result;

const PREFIX: &str = "LEVADA_";

/// Variables that are no broker settings: the data directory, and what [`super::settings`] reads.
const OTHERS: &[&str] = &[
    "LEVADA_DIR",
    "LEVADA_CONFIG",
    "LEVADA_LOG",
    "LEVADA_LOG_FORMAT",
];

/// The broker settings among the variables, and the names that look like settings and are none.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub broker: Overrides,
    pub unknown: Vec<String>,
}

/// Errors: Invalid (a value that is not allowed), naming the variable. An unknown variable is no error:
/// Kubernetes makes `LEVADA_PORT` and others for a service called levada.
pub(super) fn read(variables: impl IntoIterator<Item = (String, String)>) -> Result<Found> {
    let mut found = Found::default();
    for (variable, text) in variables {
        if !variable.starts_with(PREFIX) || OTHERS.contains(&variable.as_str()) {
            continue;
        }
        let mut all = keys(Scope::Broker).iter();
        match all.find(|key| variable_of(key.name) == variable) {
            Some(key) => {
                check(Scope::Broker, key.name, &text)
                    .map_err(|e| e.at(format_args!("the environment variable {variable}")))?;
                found.broker.insert(key.name.to_owned(), text);
            }
            None => {
                let name = variable.trim_start_matches(PREFIX);
                let name = name.to_ascii_lowercase().replace('_', ".");
                if let Some(near) = suggest(Scope::Broker, &name) {
                    let near = variable_of(near);
                    found
                        .unknown
                        .push(format!("{variable} is no setting: did you mean {near}?"));
                }
            }
        }
    }
    Ok(found)
}

/// Our own settings lose their `levada.`, which would stand there twice.
fn variable_of(name: &str) -> String {
    let name = name.strip_prefix("levada.").unwrap_or(name);
    let upper = name.to_ascii_uppercase().replace(['.', '-'], "_");
    format!("{PREFIX}{upper}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Found> {
        read(pairs.iter().map(|(n, v)| ((*n).into(), (*v).into())))
    }

    #[test]
    fn variables_are_settings_in_capitals() {
        let found = of(&[
            ("LEVADA_NUM_PARTITIONS", "4"),
            ("LEVADA_ADMIN_LISTENER", "127.0.0.1:9099"),
            ("LEVADA_DIR", "/data"),
            ("LEVADA_PORT", "tcp://10.0.0.1:9092"),
            ("LEVADA_NUM_PARTITION", "5"),
            ("HOME", "/root"),
        ])
        .unwrap();
        assert_eq!(found.broker["num.partitions"], "4");
        assert_eq!(found.broker["levada.admin.listener"], "127.0.0.1:9099");
        assert_eq!(found.broker.len(), 2);
        assert_eq!(
            found.unknown,
            ["LEVADA_NUM_PARTITION is no setting: did you mean LEVADA_NUM_PARTITIONS?"]
        );
        let error = of(&[("LEVADA_NUM_PARTITIONS", "none")]).unwrap_err();
        assert!(error.message().contains("LEVADA_NUM_PARTITIONS"), "{error}");
    }

    #[test]
    fn no_two_settings_share_a_variable() {
        let all = keys(Scope::Broker).iter().map(|key| variable_of(key.name));
        let all: Vec<_> = all.collect();
        let distinct: BTreeSet<_> = all
            .iter()
            .map(String::as_str)
            .chain(OTHERS.iter().copied())
            .collect();
        assert_eq!(distinct.len(), all.len() + OTHERS.len());
    }
}
