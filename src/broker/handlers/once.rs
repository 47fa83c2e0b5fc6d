//! What one request names twice: Kafka refuses it, and answers it once.

use std::collections::HashMap;
use std::hash::Hash;

use crate::error::{Code, Error, Result};

/// Each item at its first place, and whether its key comes again.
pub(super) fn once<'r, T, K: Hash + Eq>(
    items: &'r [T],
    key: impl Fn(&'r T) -> K,
) -> impl Iterator<Item = (&'r T, bool)> {
    let mut counts: HashMap<K, usize> = HashMap::with_capacity(items.len());
    for item in items {
        *counts.entry(key(item)).or_default() += 1;
    }
    items.iter().filter_map(move |item| {
        let count = counts.remove(&key(item))?;
        Some((item, count > 1))
    })
}

/// Errors: InvalidRequest when `repeated`.
pub(super) fn check(repeated: bool, message: &str) -> Result<()> {
    match repeated {
        false => Ok(()),
        true => Err(Error::coded(Code::InvalidRequest, message)),
    }
}
