//! Replicas that a client chose by hand. There is one broker, so that there is one good choice.

use std::collections::HashSet;

use crate::error::{Code, Error, Result};

/// Errors: InvalidReplicaAssignment.
pub(in crate::broker::handlers) fn check(replicas: &[i32], node: i32) -> Result<()> {
    if replicas.is_empty() {
        return refused("includes an empty replica list");
    }
    let mut seen = HashSet::with_capacity(replicas.len());
    if let Some(twice) = replicas.iter().find(|id| !seen.insert(**id)) {
        return refused(&format!("includes the broker {twice} more than once"));
    }
    match replicas.iter().find(|id| **id != node) {
        None => Ok(()),
        Some(other) => refused(&format!(
            "includes broker {other}, but no such broker is registered"
        )),
    }
}

fn refused(what: &str) -> Result<()> {
    let message = format!("the manual partition assignment {what}");
    Err(Error::coded(Code::InvalidReplicaAssignment, message))
}
