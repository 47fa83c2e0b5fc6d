//! The open data directory.

use std::path::PathBuf;

use levada::embedded::Job;
use levada::embedded::{Database, OpenOptions};
use pyo3::prelude::*;

use crate::convert::settings;
use crate::enter::{Held, aside, enter};
use crate::groups::Groups;
use crate::topics::Topics;

type Pairs = Vec<(String, String)>;

#[pyclass(frozen, module = "levada._levada")]
#[derive(Debug)]
pub struct Core {
    inner: Held<Database>,
}

impl Core {
    pub fn database(&self) -> PyResult<&Database> {
        self.inner.get()
    }
}

#[pymethods]
impl Core {
    #[new]
    #[pyo3(signature = (path, config, archive_dir=None))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        config: Pairs,
        archive_dir: Option<PathBuf>,
    ) -> PyResult<Core> {
        let options = OpenOptions {
            settings: settings(config),
            archive_dir,
        };
        let database = enter(py, || Database::open_with(&path, options))?;
        Ok(Core {
            inner: Held::new(database),
        })
    }

    fn topics(&self) -> PyResult<Topics> {
        Ok(Topics::new(self.inner.get()?.clone()))
    }

    fn groups(&self) -> PyResult<Groups> {
        Ok(Groups::new(self.inner.get()?.clone()))
    }

    /// Runs a job of upkeep now; gives the bytes it dealt with.
    fn run_job(&self, py: Python<'_>, name: &str) -> PyResult<u64> {
        let database = self.inner.get()?.clone();
        let name = name.to_owned();
        aside(py, move |_| database.engine().run_job(Job::parse(&name)?))
    }

    /// Name, runs, failures, bytes and last error of each job.
    #[allow(clippy::type_complexity)] // a row for Python
    fn job_reports(
        &self,
        py: Python<'_>,
    ) -> PyResult<Vec<(String, u64, u64, u64, Option<String>)>> {
        let database = self.inner.get()?;
        enter(py, || {
            let reports = database.engine().upkeep().reports();
            let row = |(job, report): (&Job, &levada::embedded::JobReport)| {
                let error = report.last_error.as_ref().map(ToString::to_string);
                (job.key(), report.runs, report.failures, report.bytes, error)
            };
            Ok(reports.iter().map(row).collect())
        })
    }

    /// Whether the last close was clean, and per partition what recovery did: partition, bytes
    /// scanned, bytes cut and why, files made anew.
    #[allow(clippy::type_complexity)] // a row for Python
    fn recovery(&self) -> PyResult<(bool, Vec<(String, u64, u64, Option<String>, usize)>)> {
        let recovery = self.inner.get()?.engine().recovery();
        let rows = recovery.partitions.iter().map(|(name, done)| {
            let cut = done
                .cut
                .as_ref()
                .map(|(path, position, why)| format!("{} at {position}: {why}", path.display()));
            (
                name.to_string(),
                done.scanned_bytes,
                done.cut_bytes,
                cut,
                done.rebuilt.len(),
            )
        });
        Ok((recovery.clean, rows.collect()))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let database = self.inner.get()?;
        enter(py, || database.close())
    }

    #[getter]
    fn closed(&self) -> PyResult<bool> {
        Ok(self.inner.get()?.engine().is_closed())
    }
}
