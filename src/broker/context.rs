//! What all connections of one server share.

use std::sync::Arc;

use tokio::sync::watch;

use super::budget::Budget;
use super::faults::Faults;
use super::fetch::FetchSessions;
use super::metrics::Metrics;
use super::unread::Unread;
use crate::config::{Overrides, ServerConfig};
use crate::embedded::Database;
use crate::engine::Engine;

#[derive(Debug)]
pub(super) struct Context {
    database: Database,
    pub config: ServerConfig,
    /// What the server was started with besides the settings of the engine, as text: to be shown.
    pub settings: Overrides,
    pub fetch_sessions: FetchSessions,
    /// Memory for requests that are still arriving.
    pub budget: Budget,
    /// Answers that clients have not read yet.
    pub unread: Unread,
    pub metrics: Metrics,
    /// Shared with the tests that ask for them.
    pub faults: Arc<Faults>,
    /// True from the moment the server stops: who waits answers what there is.
    pub stopping: watch::Receiver<bool>,
}

impl Context {
    pub fn new(
        database: Database,
        config: ServerConfig,
        settings: Overrides,
        stopping: watch::Receiver<bool>,
    ) -> Arc<Context> {
        Arc::new(Context {
            fetch_sessions: FetchSessions::new(config.fetch_sessions_max),
            budget: Budget::new(config.queued_request_bytes_max),
            unread: Unread::default(),
            metrics: Metrics::default(),
            faults: Arc::default(),
            database,
            config,
            settings,
            stopping,
        })
    }

    pub fn engine(&self) -> &Engine {
        self.database.engine()
    }

    /// Ends when the server stops.
    pub async fn stopped(&self) {
        let mut stopping = self.stopping.clone();
        // An error says that the server is gone altogether.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}
