//! The names of a segment's files, which are Kafka's: base offset in 20 digits, and what it is.

use std::path::{Path, PathBuf};

use crate::types::Offset;

/// The path of a file of a segment.
pub fn path(dir: &Path, base: Offset, suffix: &str) -> PathBuf {
    dir.join(format!("{:020}.{suffix}", base.get()))
}

/// The base offset in the name of a segment's file, and its suffix.
pub fn parse(name: &str) -> Option<(Offset, &str)> {
    let (stem, suffix) = name.split_once('.')?;
    let digits = stem.len() == 20 && stem.bytes().all(|b| b.is_ascii_digit());
    let base = digits.then(|| stem.parse().ok()).flatten()?;
    Some((Offset(base), suffix))
}
