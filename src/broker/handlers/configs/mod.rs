//! Settings of topics and of the broker.

mod alter;
pub(super) mod alter_configs;
pub(super) mod describe_configs;
pub(super) mod incremental_alter_configs;
pub(super) mod list_config_resources;
mod resource;
pub(super) mod shown;
