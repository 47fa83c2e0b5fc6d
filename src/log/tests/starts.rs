//! Where a log goes on when its files, its checkpoint and its archive do not say the same.

use std::sync::Arc;

use bytes::Bytes;

use super::support::*;
use crate::error::{Kind, Result};
use crate::log::{Aborted, ColdStore, Partition, PartitionOptions};
use crate::types::{LeaderEpoch, Offset, Timestamp};

/// An archive that has everything up to an offset, and gives none of it.
#[derive(Debug)]
struct UpTo(Offset);

impl ColdStore for UpTo {
    fn range(&self) -> Option<(Offset, Offset)> {
        Some((Offset::ZERO, self.0))
    }
    fn read(&self, _: Offset, _: usize) -> Result<Bytes> {
        Ok(Bytes::new())
    }
    fn offset_for_time(&self, _: Timestamp) -> Result<Option<(Offset, Timestamp)>> {
        Ok(None)
    }
    fn max_timestamp(&self) -> Result<Option<(Offset, Timestamp)>> {
        Ok(None)
    }
    fn epochs(&self) -> Result<Vec<(LeaderEpoch, Offset)>> {
        Ok(Vec::new())
    }
    fn aborted(&self, _: Offset, _: Offset) -> Result<Vec<Aborted>> {
        Ok(Vec::new())
    }
}

fn filled(records: usize) -> Bench {
    let bench = Bench::new().with(|c| c.segment_bytes = 1000);
    let partition = bench.open();
    for n in 0..records {
        put(&partition, format!("value {n}").as_bytes());
    }
    partition.close().unwrap();
    bench
}

#[test]
fn a_log_start_beyond_the_end_is_refused_and_takes_nothing_away() {
    let bench = filled(40);
    for clean in [true, false] {
        let refused = Partition::open(PartitionOptions {
            clean,
            log_start: Some(Offset(1_000_000)),
            ..bench.options()
        });
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), Kind::Corrupt);
        assert!(
            error.message().contains("log-start-offset-checkpoint"),
            "{error}"
        );
        let partition = bench.opened(clean, Offset::ZERO).unwrap().partition;
        assert_eq!(values(&partition).len(), 40, "clean: {clean}");
        partition.close().unwrap();
    }
}

#[test]
fn a_log_whose_records_are_all_gone_goes_on_at_its_start() {
    for records in [0, 15] {
        let bench = filled(records);
        for entry in bench.disk.list(&bench.dir).unwrap() {
            if records > 0 {
                bench.disk.remove_file(&bench.dir.join(entry.name)).unwrap();
            }
        }
        let opened = Partition::open(PartitionOptions {
            log_start: Some(Offset(100)),
            ..bench.options()
        });
        let partition = opened.unwrap().partition;
        assert_eq!(put(&partition, b"x"), Offset(100));
        assert_eq!(values(&partition), [(100, b"x".to_vec())]);
    }
}

#[test]
fn an_offset_that_the_archive_has_is_never_given_out_again() {
    for clean in [true, false] {
        let bench = filled(40);
        let opened = Partition::open(PartitionOptions {
            clean,
            cold: Arc::new(UpTo(Offset(60))),
            ..bench.options()
        });
        let partition = opened.unwrap().partition;
        assert_eq!(partition.ends().log_start, Offset::ZERO);
        assert_eq!(partition.ends().local_start, Offset(60));
        assert_eq!(put(&partition, b"x"), Offset(60), "clean: {clean}");
        partition.close().unwrap();
        let bench_again = Partition::open(PartitionOptions {
            cold: Arc::new(UpTo(Offset(60))),
            ..bench.options()
        });
        assert_eq!(bench_again.unwrap().partition.ends().appended, Offset(61));
    }
}

#[test]
fn damage_in_deleted_records_cuts_nothing_behind_them() {
    let bench = filled(40);
    let first = crate::log::names::path(&bench.dir, Offset::ZERO, crate::log::names::Part::Log);
    let file = bench.disk.open(&first, crate::disk::Open::Write).unwrap();
    file.write_at(&[std::io::IoSlice::new(&[0xff; 30])], 100)
        .unwrap();
    let opened = Partition::open(PartitionOptions {
        clean: false,
        log_start: Some(Offset(30)),
        ..bench.options()
    });
    let opened = opened.unwrap();
    assert_eq!(opened.recovered.cut, None);
    assert_eq!(values(&opened.partition).len(), 10);
}
