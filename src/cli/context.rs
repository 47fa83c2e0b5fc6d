//! What every subcommand is given: the data directory or the cluster, and how to answer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backend::{Backend, Local, Wire};
use super::output::Output;
use super::stop::{Result, Stop};
use crate::client::{Address, Cluster, Options};
use crate::clock::SystemClock;
use crate::disk::{Disk, RealDisk};
use crate::embedded::{Database, MEMORY};
use crate::error::Error;

/// What the command works on.
#[derive(Debug)]
pub enum Target {
    /// No directory and no cluster was named.
    Nothing,
    Dir(PathBuf),
    /// Addresses of brokers, as they were given.
    Cluster(String),
}

/// The global arguments.
#[derive(Debug)]
pub struct Context {
    target: Target,
    json: bool,
}

impl Context {
    pub(super) fn new(target: Target, json: bool) -> Context {
        Context { target, json }
    }

    /// Whether the command goes to a cluster.
    pub fn is_wire(&self) -> bool {
        matches!(self.target, Target::Cluster(_))
    }

    pub fn json(&self) -> bool {
        self.json
    }

    /// Standard output, in the form that was asked for.
    pub fn output(&self) -> Output {
        Output::new(self.json)
    }

    /// The data directory; Invalid when none was named.
    pub fn dir(&self) -> Result<&Path> {
        self.dir_or(None)
    }

    /// The same, or what a configuration file says.
    pub fn dir_or<'a>(&'a self, file: Option<&'a Path>) -> Result<&'a Path> {
        let why = match (&self.target, file) {
            (Target::Dir(dir), _) => return Ok(dir),
            (Target::Nothing, Some(dir)) => return Ok(dir),
            (Target::Nothing, None) => "no data directory: name one with --dir, or in LEVADA_DIR",
            (Target::Cluster(_), _) => {
                "this needs a data directory, not a cluster: name one with --dir"
            }
        };
        Err(Stop::Failed(Error::invalid(why)))
    }

    /// Works on the directory, which must be there, or on the cluster.
    pub fn with_backend<T>(&self, work: impl FnOnce(&mut dyn Backend) -> Result<T>) -> Result<T> {
        match &self.target {
            Target::Cluster(addresses) => work(&mut connect(addresses)?),
            Target::Nothing => Err(Stop::Failed(Error::invalid(
                "no data directory and no cluster: name one with --dir or --bootstrap, or in LEVADA_DIR or LEVADA_BOOTSTRAP",
            ))),
            Target::Dir(_) => self.with_database(|db| work(&mut Local::new(db))),
        }
    }

    /// The same, but makes a directory that is not there.
    pub fn with_new_backend<T>(
        &self,
        work: impl FnOnce(&mut dyn Backend) -> Result<T>,
    ) -> Result<T> {
        match &self.target {
            Target::Dir(_) => self.with_new_database(|db| work(&mut Local::new(db))),
            _ => self.with_backend(work),
        }
    }

    /// Opens the directory, which must be there, for as long as `work` takes, and closes it cleanly.
    pub fn with_database<T>(&self, work: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        let dir = self.dir()?;
        if dir != Path::new(MEMORY) && !RealDisk::default().exists(dir) {
            let dir = dir.display();
            return Err(Stop::Failed(Error::not_found(format!(
                "there is no data directory {dir}: name another, or make it by creating a topic in it"
            ))));
        }
        self.with_new_database(work)
    }

    /// The same, but makes a directory that is not there.
    pub fn with_new_database<T>(&self, work: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        let database = Database::open(self.dir()?)?;
        let outcome = work(&database);
        let closed = database.close();
        let value = outcome?;
        closed?;
        Ok(value)
    }
}

fn connect(addresses: &str) -> Result<Wire> {
    let options = Options {
        client_id: "levada-cli".to_owned(),
        ..Options::new(Address::parse_list(addresses)?)
    };
    let cluster = Cluster::connect(options, Arc::new(SystemClock::default()))?;
    Ok(Wire::new(cluster))
}
