//! Administration: topics, settings, the cluster. Codes are those of a Kafka 4.4.

mod cluster;
mod configs;
mod topics;
mod versions;
