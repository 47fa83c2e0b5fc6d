//! Work in the background.

use std::fmt;

use super::page::Page;
use crate::engine::{Engine, Job};

pub(super) fn add(engine: &Engine, page: &mut Page<'_>) -> fmt::Result {
    let reports = engine.upkeep().reports();
    let of = |job: Job| reports.get(&job).cloned().unwrap_or_default();
    page.counters(
        "levada_upkeep_runs",
        "Runs of the jobs in the background.",
        |rows| {
            let mut all = Job::ALL.iter();
            all.try_for_each(|job| rows.counter(&[("job", job.name())], of(*job).runs))
        },
    )?;
    page.counters("levada_upkeep_failures", "Runs that failed.", |rows| {
        let mut all = Job::ALL.iter();
        all.try_for_each(|job| rows.counter(&[("job", job.name())], of(*job).failures))
    })?;
    page.counters(
        "levada_upkeep_bytes",
        "Bytes that the jobs removed or moved to the archive.",
        |rows| {
            let mut all = Job::ALL.iter();
            all.try_for_each(|job| rows.counter(&[("job", job.name())], of(*job).bytes))
        },
    )
}
