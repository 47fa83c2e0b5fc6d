//! Looking entries up.

use super::{Key, Scope, broker, consumer, producer, topic};

/// The settings of a scope, in the order of the table.
pub const fn keys(scope: Scope) -> &'static [Key] {
    match scope {
        Scope::Topic => topic::KEYS,
        Scope::Broker => broker::KEYS,
        Scope::Producer => producer::KEYS,
        Scope::Consumer => consumer::KEYS,
    }
}

/// The setting called `name`, if there is one.
pub fn find(scope: Scope, name: &str) -> Option<&'static Key> {
    keys(scope).iter().find(|key| key.name == name)
}
