//! Looking entries up.

use super::{Key, Scope, broker, consumer, producer, server, topic};

const BROKER: [Key; broker::KEYS.len() + server::KEYS.len()] = {
    let mut all = [broker::KEYS[0]; broker::KEYS.len() + server::KEYS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = match at < broker::KEYS.len() {
            true => broker::KEYS[at],
            false => server::KEYS[at - broker::KEYS.len()],
        };
        at += 1;
    }
    all
};

/// The settings of a scope, in the order of the table.
pub const fn keys(scope: Scope) -> &'static [Key] {
    match scope {
        Scope::Topic => topic::KEYS,
        Scope::Broker => &BROKER,
        Scope::Producer => producer::KEYS,
        Scope::Consumer => consumer::KEYS,
    }
}

/// The setting called `name`, if there is one.
pub fn find(scope: Scope, name: &str) -> Option<&'static Key> {
    keys(scope).iter().find(|key| key.name == name)
}
