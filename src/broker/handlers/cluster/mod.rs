//! What the broker and its cluster are.

pub(super) mod api_versions;
pub(super) mod metadata;

pub(in crate::broker) use api_versions::version_min_advertised;
