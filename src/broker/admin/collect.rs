//! One scrape: every part adds its families to the page.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::page::Page;
use super::{archive, groups, logs, process, requests, upkeep};
use crate::broker::context::Context;
use crate::broker::listener::Connections;

/// What the port looks at, and what a scrape reads. Numbers are read as they are; nothing is opened for it.
#[derive(Clone, Debug)]
pub(in crate::broker) struct Watched {
    pub(super) context: Arc<Context>,
    pub(super) connections: Arc<Connections>,
}

impl Watched {
    pub fn new(context: Arc<Context>, connections: Arc<Connections>) -> Watched {
        Watched {
            context,
            connections,
        }
    }

    /// In the text format of OpenMetrics.
    pub(super) fn text(self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut page = String::with_capacity(16 << 10);
        text::encode(&mut page, &registry)?;
        Ok(page)
    }
}

impl Collector for Watched {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        requests::add(self, &mut page)?;
        let engine = self.context.engine();
        logs::add(engine, &mut page)?;
        groups::add(engine, &mut page)?;
        archive::add(engine, &mut page)?;
        upkeep::add(engine, &mut page)?;
        process::add(&mut page)
    }
}
