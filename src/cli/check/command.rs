//! The subcommand.

use std::sync::Arc;

use clap::Parser;

use super::data_dir::check;
use super::repair::repair;
use crate::cli::commands::Subcommand;
use crate::cli::context::Context;
use crate::cli::stop::Result;
use crate::disk::{Disk, RealDisk};
use crate::error::Error;

/// Verify every checksum, index and archive file of the data directory
#[derive(Debug, Parser)]
#[command(
    name = "check",
    after_help = "\
Examples:
  levada --dir data check
  levada --dir data check --deep --json
  levada --dir data check --repair

It changes nothing without --repair. What an unclean stop left (\"to be recovered\") is no damage: the
next open mends it. Damage ends with exit status 7. --repair makes damaged indexes, snapshots and
checkpoints anew from the log, as recovery does; damaged records can only come back from a copy, the
others stay readable."
)]
pub struct Check {
    /// Also unpack every batch and read every record
    #[arg(long)]
    deep: bool,
    /// Do what recovery would, then check again
    #[arg(long)]
    repair: bool,
}

impl Subcommand for Check {
    fn run(self, context: &Context) -> Result {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
        let mut report = check(&disk, context.dir()?, self.deep)?;
        if self.repair && !report.findings.is_empty() {
            repair(&*disk, &report, context.json())?;
            report = check(&disk, context.dir()?, self.deep)?;
        }
        context.output().show(&report, |r| r.text())?;
        if report.is_damaged() {
            let dir = report.dir.display();
            let what =
                format!("{dir} is damaged, see the findings: restore what is named from a copy");
            let hint = match self.repair || !report.findings.iter().any(|f| f.derived) {
                true => "",
                false => ", or run check --repair for what is made from the log",
            };
            return Err(Error::corrupt(what + hint).into());
        }
        Ok(())
    }
}
