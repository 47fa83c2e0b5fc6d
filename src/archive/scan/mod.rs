//! One Arrow stream over archive and live log.

mod cold;
mod source;
mod stream;

pub use source::ScanSource;
pub use stream::{Scan, ScanOptions, ScanPart};
