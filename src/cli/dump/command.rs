//! The subcommand: which kind of file it is, by its name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;

use super::{derived, log};
use crate::cli::commands::Subcommand;
use crate::cli::context::Context;
use crate::cli::output::Output;
use crate::cli::stop::Result;
use crate::disk::{Disk, RealDisk};
use crate::error::Error;

/// Show what stands in a segment, index, snapshot or checkpoint
#[derive(Debug, Parser)]
#[command(
    name = "dump",
    after_help = "\
Examples:
  levada dump data/orders-0/00000000000000000000.log
  levada dump data/orders-0/00000000000000000000.log --deep --json
  levada dump data/orders-0/00000000000000000000.timeindex
  levada dump data/recovery-point-offset-checkpoint
  levada dump data/__cluster_metadata-0/00000000000000000064-0000000001.checkpoint --deep

It needs no data directory and takes no lock: files of Kafka's are shown as well. A damaged file is
shown up to the damage, and ends with exit status 7."
)]
pub struct Dump {
    /// .log, .index, .timeindex, .txnindex, .snapshot, .checkpoint, partition.metadata,
    /// meta.properties or a checkpoint
    file: PathBuf,
    /// Also show every record of a batch
    #[arg(long)]
    deep: bool,
}

/// A file to be shown.
pub(super) struct Shown<'a> {
    pub disk: Arc<dyn Disk>,
    pub path: &'a Path,
    pub size_bytes: u64,
    pub deep: bool,
    pub json: bool,
    pub output: Output,
}

impl Subcommand for Dump {
    fn run(self, context: &Context) -> Result {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
        let shown = Shown {
            size_bytes: size(&*disk, &self.file)?,
            disk,
            path: &self.file,
            deep: self.deep,
            json: context.json(),
            output: context.output(),
        };
        let name = self.file.file_name().and_then(|n| n.to_str());
        let name = name.unwrap_or_default();
        // Kafka's suffixes of files that go or come.
        let bare = [".deleted", ".cleaned", ".swap"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name);
        match bare.rsplit_once('.').map_or(bare, |(_, suffix)| suffix) {
            "log" | "checkpoint" => log::show(shown),
            "index" => derived::offset_index(shown, bare),
            "timeindex" => derived::time_index(shown, bare),
            "txnindex" => derived::txn_index(shown, bare),
            "snapshot" => derived::snapshot(shown, bare),
            "metadata" | "properties" => derived::text(shown),
            _ if bare == crate::log::EPOCHS_FILE => derived::epochs(shown),
            _ if bare.ends_with("-checkpoint") => derived::checkpoint(shown),
            _ => Err(Error::invalid(format!(
                "{}: its name says nothing of what it is: a .log, .index, .timeindex, .txnindex, .snapshot or checkpoint was expected",
                self.file.display()
            ))
            .into()),
        }
    }
}

fn size(disk: &dyn Disk, path: &Path) -> Result<u64> {
    let file = disk.open(path, crate::disk::Open::Read);
    let size = file.and_then(|file| file.len());
    Ok(size.map_err(|e| Error::io(format_args!("read {}", path.display()), e))?)
}
