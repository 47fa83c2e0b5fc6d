//! `check --repair`: what recovery would do, and nothing else.

use std::path::Path;

use super::data_dir::CLEAN_MARKER;
use super::report::{Report, Severity};
use crate::cli::output::note;
use crate::disk::Disk;
use crate::embedded::Database;
use crate::error::{Error, Result};

/// Takes away what is derived and damaged, and opens the directory as after an unclean stop: that makes
/// it anew. Records are never taken away that were synced once.
pub fn repair(disk: &dyn Disk, report: &Report, json: bool) -> Result<()> {
    let dir = &report.dir;
    let lock = disk.lock(dir)?;
    let damaged = report.findings.iter();
    for finding in damaged.filter(|f| f.derived && f.severity == Severity::Damage) {
        remove(disk, &finding.path)?;
    }
    remove(disk, &dir.join(CLEAN_MARKER))?;
    disk.sync_dir(dir)
        .map_err(|e| Error::io(format_args!("sync {}", dir.display()), e))?;
    drop(lock);
    let database = Database::open(dir)?;
    if !json {
        for (name, recovered) in &database.engine().recovery().partitions {
            tell(&name.to_string(), recovered);
        }
    }
    database.close()
}

fn tell(name: &str, recovered: &crate::log::Recovered) {
    for path in &recovered.rebuilt {
        note(&format!("{name}: made {} anew", path.display()));
    }
    if let Some((path, position, why)) = &recovered.cut {
        let bytes = recovered.cut_bytes;
        let path = path.display();
        note(&format!(
            "{name}: cut {bytes} bytes from {path} at byte {position}: {why}"
        ));
    }
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<()> {
    match disk.remove_file(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(|e| Error::io(format_args!("remove {}", path.display()), e)),
    }
}
