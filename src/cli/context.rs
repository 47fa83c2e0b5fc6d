//! What every subcommand is given: the data directory and how to answer.

use std::path::{Path, PathBuf};

use super::output::Output;
use super::stop::{Result, Stop};
use crate::disk::{Disk, RealDisk};
use crate::embedded::{Database, MEMORY};
use crate::error::Error;

/// The global arguments.
#[derive(Debug)]
pub struct Context {
    dir: Option<PathBuf>,
    json: bool,
}

impl Context {
    pub(super) fn new(dir: Option<PathBuf>, json: bool) -> Context {
        Context { dir, json }
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
        self.dir.as_deref().or(file).ok_or_else(|| {
            Stop::Failed(Error::invalid(
                "no data directory: name one with --dir, or in LEVADA_DIR",
            ))
        })
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
