//! An open data directory.

use std::path::PathBuf;

use levada::Error;
use levada::embedded::{Database, Job, OpenOptions};

use crate::arg::{Made, Out, Text, Texts};
use crate::enter::{call, silence_panics};
use crate::error::levada_error;
use crate::handle::{self, Handle, kinds};
use crate::status::levada_status;
use crate::text::levada_text;
use crate::{fork, stats};

/// An open data directory: topics, producers, consumers, scans, a broker.
///
/// Any number of threads may use it at once. Close it with levada_database_close() to learn whether that
/// went well, and free it with levada_database_free(); objects made from it may be freed before or after.
pub struct levada_database {
    database: Database,
}

kinds! { levada_database "database" 7; }

/// Where archive files go instead of `archive` below the data directory.
const ARCHIVE_DIR: &str = "levada.archive.dir";

impl levada_database {
    pub fn inner(&self) -> &Database {
        &self.database
    }
}

/// Opens the data directory at `path`, and makes it when it is not there; `":memory:"` is a database in
/// memory, which ends with it. One process at a time has a directory open; after a crash it is recovered
/// here.
///
/// `options` are keys and values in turns, closed by NULL, or NULL: broker settings under Kafka's names
/// (`"log.retention.ms"`), and `"levada.archive.dir"` (where archive files go; default: `archive` below
/// `path`).
///
/// The database belongs to the caller: free it with levada_database_free(). LEVADA_INVALID: not a data
/// directory, a newer format, a bad setting. LEVADA_CONFLICT: open elsewhere; the message names the
/// process. LEVADA_DENIED: not writable. LEVADA_CORRUPT. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_database_open(
    path: Text,
    options: Texts,
    out_database: Made<levada_database>,
    out_error: Made<levada_error>,
) -> levada_status {
    silence_panics();
    fork::watch();
    call(out_error, || {
        let out = out_database.get("out_database")?;
        let path = path.path("path")?;
        let mut settings = options.settings("options")?;
        let archive_dir = settings.remove(ARCHIVE_DIR).map(PathBuf::from);
        if archive_dir
            .as_ref()
            .is_some_and(|dir| dir.as_os_str().is_empty())
        {
            return Err(Error::invalid(format!(
                "{ARCHIVE_DIR} is empty: name a place, or leave it out"
            )));
        }
        let options = OpenOptions {
            settings,
            archive_dir,
        };
        let database = Database::open_with(path, options)?;
        out.set(handle::make(levada_database { database }));
        Ok(())
    })
}

/// Ends background work, makes everything durable and closes the directory, which another process may open
/// then. Close producers before: what they have not delivered fails. Everything made from the database gives
/// LEVADA_CLOSED from here on. A second close does nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_database_close(
    database: Handle<levada_database>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || database.get()?.database.close())
}

/// Frees the handle. The directory is closed when nothing made from the database is left, if it was not
/// closed before. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_database_free(database: Handle<levada_database>) {
    // A panic while closing is logged by the hook; C hears of it by close alone.
    let _ = crate::enter::guard(|| {
        drop(database.free());
        Ok(())
    });
}

/// What the database is doing, as JSON: an object with `version`, `cluster_id`, `topics` (each with its
/// partitions: `start`, `end`, `bytes` where they are known without opening an idle partition), `groups`,
/// `appends` and `syncs` (counts and seconds), `jobs` of background work, and `recovery` (what the open did).
/// Keys are added in time, none changes its meaning.
///
/// The text belongs to the caller: free it with levada_text_free(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_database_stats(
    database: Handle<levada_database>,
    out_json: Made<levada_text>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let out = out_json.get("out_json")?;
        let json = stats::json(&database.database)?;
        out.set(handle::make(levada_text::new(&json)));
        Ok(())
    })
}

/// Runs a job of background work now and waits for it: `"remove"`, `"roll"`, `"retain"`, `"compact"`,
/// `"archive"`, `"checkpoint"`, `"expire_offsets"` or `"expire_producers"`. They also run by themselves.
///
/// `out_bytes`, when not NULL, gets the bytes that the job dealt with. LEVADA_INVALID: no such job. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_database_run_job(
    database: Handle<levada_database>,
    job: Text,
    out_bytes: Out<u64>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let job = Job::parse(job.get("job")?)?;
        let bytes = database.database.engine().run_job(job)?;
        if let Some(out) = out_bytes.get_optional() {
            out.set(bytes);
        }
        Ok(())
    })
}
