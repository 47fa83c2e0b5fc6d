//! An open data directory, as a program holds it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::consumer::{Consumer, ConsumerOptions};
use super::producer::{Producer, ProducerOptions};
use crate::config::Overrides;
use crate::disk::FaultyDisk;
use crate::engine::{Engine, EngineBuilder};
use crate::error::Result;

/// The path that stands for a database in memory, gone when it is closed.
pub const MEMORY: &str = ":memory:";

/// How a data directory is opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Broker settings under Kafka's names.
    pub settings: Overrides,
    /// `None`: `archive` below the data directory.
    pub archive_dir: Option<PathBuf>,
}

/// An open data directory: topics, producers, consumers, scans. Shared by threads; clones are the same
/// database. Close it, or let the last clone go.
#[derive(Clone, Debug)]
pub struct Database {
    owner: Arc<Owner>,
}

#[derive(Debug)]
struct Owner {
    engine: Engine,
    in_memory: bool,
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Err(error) = self.engine.close() {
            tracing::warn!(%error, "the database could not be closed cleanly");
        }
    }
}

impl Database {
    /// Opens (or makes) the directory at `path`, or with `":memory:"` one in memory.
    ///
    /// Errors: Invalid (not a data directory of Levada's, a newer format, a bad setting), Conflict
    /// (open elsewhere), Denied (read-only), Corrupt.
    pub fn open(path: impl AsRef<Path>) -> Result<Database> {
        Self::open_with(path, OpenOptions::default())
    }

    pub fn open_with(path: impl AsRef<Path>, options: OpenOptions) -> Result<Database> {
        let path = path.as_ref();
        let in_memory = path == Path::new(MEMORY);
        let mut builder = if in_memory {
            EngineBuilder::new("/levada").disk(Arc::new(FaultyDisk::new()))
        } else {
            EngineBuilder::new(path)
        };
        for (name, value) in options.settings {
            builder = builder.setting(name, value);
        }
        if let Some(dir) = options.archive_dir {
            builder = builder.archive_dir(dir);
        }
        Self::from_builder(builder, in_memory)
    }

    /// From parts of one's own: a test's clock, a disk that fails.
    pub fn from_builder(builder: EngineBuilder, in_memory: bool) -> Result<Database> {
        let engine = builder.open()?;
        Ok(Database {
            owner: Arc::new(Owner { engine, in_memory }),
        })
    }

    /// Topics, groups and jobs: everything that is not producing, consuming or scanning.
    pub fn engine(&self) -> &Engine {
        &self.owner.engine
    }

    pub fn is_in_memory(&self) -> bool {
        self.owner.in_memory
    }

    pub fn producer(&self, options: ProducerOptions) -> Result<Producer> {
        Producer::new(self.engine().clone(), options)
    }

    /// A consumer that reads nothing yet: subscribe or assign.
    pub fn consumer(&self, options: ConsumerOptions) -> Result<Consumer> {
        Consumer::new(self.engine().clone(), options)
    }

    /// Ends background work, makes everything durable and closes. Producers that are still open should
    /// be closed before: what they have not delivered fails.
    pub fn close(&self) -> Result<()> {
        self.engine().close()
    }

    /// How long a flush may take that names no time of its own.
    pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(120);
}
