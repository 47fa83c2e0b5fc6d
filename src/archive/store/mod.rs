//! Where archive files lie. [`BlobStore`] is the seam; [`LocalStore`] keeps them in a directory.

mod local;
mod seam;

#[cfg(test)]
mod conformance;

pub use local::LocalStore;
pub use seam::{Blob, BlobInfo, BlobStore, BlobWriter};
