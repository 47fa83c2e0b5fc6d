//! Changing settings of topics and of the broker while the engine runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::engine::Engine;
use super::metadata::{
    ConfigOp, ConfigResource, LocalNode, MetadataImage, MetadataRecord, NewTopic,
};
use crate::config::{BrokerConfig, Effect, Overrides, Scope, find};
use crate::error::{Code, Error, Result};

/// What is to become of the settings of a topic or a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alteration {
    /// Some are changed, the others stay.
    Each(Vec<(String, ConfigOp)>),
    /// These in place of all that are set now.
    Whole(Vec<(String, String)>),
}

/// What is set on the broker, by where it was set. The later ones count before the earlier ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerLayers {
    /// What the engine was opened with.
    pub fixed: Overrides,
    /// Set while it ran, for all brokers.
    pub all: Overrides,
    /// Set while it ran, for this one.
    pub own: Overrides,
}

impl Alteration {
    fn records(
        &self,
        image: &MetadataImage,
        resource: &ConfigResource,
        node: &LocalNode,
    ) -> Result<Vec<MetadataRecord>> {
        match self {
            Alteration::Each(changes) => image.alter_config(resource, changes, node),
            Alteration::Whole(wanted) => image.replace_config(resource, wanted, node),
        }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        match self {
            Alteration::Each(changes) => changes.is_empty(),
            Alteration::Whole(wanted) => wanted.is_empty(),
        }
    }

    /// Names that get a value.
    fn given(&self) -> Vec<&String> {
        match self {
            Alteration::Each(changes) => changes
                .iter()
                .filter(|(_, op)| *op != ConfigOp::Delete)
                .map(|(name, _)| name)
                .collect(),
            Alteration::Whole(wanted) => wanted.iter().map(|(name, _)| name).collect(),
        }
    }

    /// A broker setting that is read at opening only is not changed while the engine runs: it would be
    /// shown as set and not count.
    fn check_dynamic(&self) -> Result<()> {
        let fixed = |name: &&String| {
            find(Scope::Broker, name).is_some_and(|key| key.effect == Effect::Restart)
        };
        let given = self.given();
        let fixed: Vec<&str> = given.into_iter().filter(fixed).map(|n| &**n).collect();
        if fixed.is_empty() {
            return Ok(());
        }
        Err(Error::coded(
            Code::InvalidRequest,
            format!(
                "cannot update these configs dynamically: [{}]: they are read when the broker starts",
                fixed.join(", ")
            ),
        ))
    }
}

impl Engine {
    /// Changes settings: all or none. They are lasting and in force when this returns. With
    /// `validate_only` nothing is changed, and the outcome is what it would be.
    ///
    /// Errors: NotFound (topic); Invalid (setting, value, another broker, a broker setting that takes a
    /// restart).
    pub fn alter_config(
        &self,
        resource: &ConfigResource,
        how: &Alteration,
        validate_only: bool,
    ) -> Result<()> {
        self.check_open()?;
        let (shared, node) = (&self.shared, &self.shared.node);
        if let ConfigResource::Broker(_) = resource {
            how.check_dynamic()?;
        }
        if validate_only {
            return how
                .records(&shared.metadata.image(), resource, node)
                .map(drop);
        }
        let _one = shared.publishing.lock();
        shared
            .metadata
            .commit(|image| how.records(image, resource, node))?;
        match resource {
            ConfigResource::Topic(name) => self.publish_named(name).map(drop),
            ConfigResource::Broker(_) => self.refresh_settings(),
        }
    }

    /// Changes settings of the broker, or with `None` those of all brokers; see
    /// [`alter_config`](Self::alter_config).
    pub fn alter_broker(&self, broker: Option<i32>, changes: &[(String, ConfigOp)]) -> Result<()> {
        let how = Alteration::Each(changes.to_vec());
        self.alter_config(&ConfigResource::Broker(broker), &how, false)
    }

    /// Has everything follow the broker settings of the metadata. `publishing` is held.
    fn refresh_settings(&self) -> Result<()> {
        let shared = &self.shared;
        let image = shared.metadata.image();
        let effective = image.effective_broker_config(&shared.node);
        let config = Arc::new(BrokerConfig::from_overrides(&effective)?);
        *shared.broker_config.write() = config.clone();
        shared.upkeep.follow(&config, self.clock().monotonic());
        for topic in image.topics() {
            self.publish(topic, &HashMap::new())?;
        }
        shared.version.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// What is set on this broker, and where.
    pub fn broker_layers(&self) -> BrokerLayers {
        let image = self.shared.metadata.image();
        let set = |broker| image.broker_config(broker).cloned().unwrap_or_default();
        BrokerLayers {
            fixed: self.shared.node.config.clone(),
            all: set(None),
            own: set(Some(self.shared.node.id)),
        }
    }

    /// What [`create_topic`](Self::create_topic) would say, without making the topic; gives the number
    /// of partitions that it would have.
    pub fn check_topic(&self, new: &NewTopic) -> Result<usize> {
        self.check_open()?;
        let image = self.shared.metadata.image();
        let records = image.create_topic(new, &self.shared.node)?;
        let partition = |record: &&MetadataRecord| matches!(record, MetadataRecord::Partition(_));
        Ok(records.iter().filter(partition).count())
    }

    /// What [`add_partitions`](Self::add_partitions) would say, without adding any.
    pub fn check_partitions(&self, name: &str, count: i32) -> Result<()> {
        self.check_open()?;
        let image = self.shared.metadata.image();
        let records = image.add_partitions(name, count, &self.shared.node);
        records.map(drop)
    }
}
