//! Random lives of a partition against a list of values: appends, rolls, syncs, deletions, clean and
//! unclean reopenings, power losses, failing calls and a full disk.

use std::sync::Arc;

use proptest::prelude::*;

use super::support::*;
use crate::disk::{Disk, Fault, Faults, FaultyDisk};
use crate::error::{Kind, Result};
use crate::log::{Partition, PartitionOptions};
use crate::types::Offset;

#[derive(Clone, Debug)]
enum Op {
    Append {
        records: usize,
        bytes: usize,
    },
    Sync,
    Roll,
    Read {
        from: usize,
        max_bytes: usize,
    },
    Delete {
        at: usize,
    },
    Snapshot,
    Rest,
    Close,
    /// The process dies, the disk does not.
    Kill,
    PowerLoss {
        seed: u64,
    },
    FailCall {
        nth: u64,
    },
    FailSync,
    DiskFull {
        room: u64,
    },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        12 => (1..4_usize, 1..200_usize).prop_map(|(records, bytes)| Op::Append { records, bytes }),
        5 => Just(Op::Sync),
        2 => Just(Op::Roll),
        4 => (0..100_usize, 1..2000_usize)
            .prop_map(|(from, max_bytes)| Op::Read { from, max_bytes }),
        1 => (0..100_usize).prop_map(|at| Op::Delete { at }),
        1 => Just(Op::Snapshot),
        1 => Just(Op::Rest),
        1 => Just(Op::Close),
        1 => Just(Op::Kill),
        1 => any::<u64>().prop_map(|seed| Op::PowerLoss { seed }),
        1 => (1..30_u64).prop_map(|nth| Op::FailCall { nth }),
        1 => Just(Op::FailSync),
        1 => (0..600_u64).prop_map(|room| Op::DiskFull { room }),
    ];
    prop::collection::vec(op, 1..60)
}

/// What must be true, kept beside the partition.
struct Life {
    bench: Bench,
    disk: Arc<FaultyDisk>,
    partition: Partition,
    /// The value at each offset that was appended with success and may still be there.
    values: Vec<Vec<u8>>,
    /// From here on a power loss may take values.
    durable: usize,
    /// Below it values were deleted.
    start: usize,
    /// The checkpoints, as an engine would keep them.
    recovery_point: Offset,
    counter: u32,
}

impl Life {
    fn new(seed: u64) -> Life {
        let disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(seed)));
        let bench = Bench::on(disk.clone(), "/data/t-0".into()).with(|c| {
            c.segment_bytes = 1000;
            c.index_interval_bytes = 150;
        });
        // The data directory is the engine's.
        disk.create_dir("/data".as_ref()).unwrap();
        disk.sync_dir("/".as_ref()).unwrap();
        let partition = bench.open();
        Life {
            bench,
            disk,
            partition,
            values: Vec::new(),
            durable: 0,
            start: 0,
            recovery_point: Offset::ZERO,
            counter: 0,
        }
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Append { records, bytes } => self.append(*records, *bytes),
            Op::Sync => self.sync(),
            Op::Roll => self.tolerate(|p| p.roll(true).map(drop)),
            Op::Read { from, max_bytes } => self.read(*from, *max_bytes),
            Op::Delete { at } => self.delete(*at),
            Op::Snapshot => self.tolerate(|p| p.snapshot()),
            Op::Rest => self.partition.rest(),
            Op::Close => {
                let clean = self.partition.close().is_ok();
                self.reopen(clean, false);
            }
            Op::Kill => self.reopen(false, false),
            Op::PowerLoss { seed } => {
                self.disk = Arc::new(self.disk.crash(*seed));
                self.bench.disk = self.disk.clone();
                self.reopen(false, true);
            }
            // One failure at a time: of a failed sync that cannot be noted either, nobody learns.
            Op::FailCall { nth } => {
                self.disk.heal();
                self.disk.fail_at(*nth, Fault::Io);
            }
            Op::FailSync => {
                self.disk.heal();
                self.disk.fail_sync_at(1);
            }
            Op::DiskFull { room } => {
                let used = self.disk.used_bytes();
                self.disk.set_capacity(Some(used + room));
            }
        }
    }

    fn append(&mut self, records: usize, bytes: usize) {
        let made: Vec<Vec<u8>> = (0..records)
            .map(|_| {
                self.counter += 1;
                format!("{:0bytes$}", self.counter).into_bytes()
            })
            .collect();
        let slices: Vec<&[u8]> = made.iter().map(Vec::as_slice).collect();
        match append(&self.partition, &batch(NOW, &slices)) {
            Ok(appended) => {
                assert_eq!(appended.base_offset.get() as usize, self.values.len());
                self.values.extend(made);
            }
            Err(e) => self.expect_fault(&e),
        }
    }

    fn sync(&mut self) {
        match self.partition.sync() {
            Ok(durable) => {
                assert_eq!(durable.get() as usize, self.values.len());
                self.durable = self.values.len();
                self.partition.set_visible(durable);
                self.recovery_point = self.partition.recovery_point();
                self.partition.set_reported(self.recovery_point);
            }
            Err(e) => self.expect_fault(&e),
        }
    }

    fn tolerate(&mut self, what: impl FnOnce(&Partition) -> Result<()>) {
        if let Err(e) = what(&self.partition) {
            self.expect_fault(&e);
        }
    }

    /// Failures come from the disk alone. The log then either works on or asks to be reopened.
    fn expect_fault(&self, error: &crate::Error) {
        assert!(self.disk.failures() > 0, "{error}");
        let kinds = [Kind::Unavailable, Kind::Corrupt];
        assert!(kinds.contains(&error.kind()), "{error:?}");
    }

    fn read(&mut self, from: usize, max_bytes: usize) {
        let ends = self.partition.ends();
        let visible = ends.visible.get() as usize;
        let from = self.start + from % (visible - self.start + 1);
        let found = match values_from(&self.partition, Offset(from as i64), max_bytes) {
            Ok(found) => found,
            Err(e) => return self.expect_fault(&e),
        };
        let found: Vec<&[u8]> = found.iter().map(|(_, v)| v.as_slice()).collect();
        let wanted: Vec<&[u8]> = self.values[from..visible]
            .iter()
            .map(Vec::as_slice)
            .collect();
        assert_eq!(found, wanted);
    }

    fn delete(&mut self, at: usize) {
        let visible = self.partition.ends().visible.get() as usize;
        let to = self.start + at % (visible - self.start + 1);
        match self.partition.delete_records(Offset(to as i64)) {
            Ok(start) => assert_eq!(start.get() as usize, to),
            Err(e) => self.expect_fault(&e),
        }
        self.start = self.partition.ends().log_start.get() as usize;
    }

    fn reopen(&mut self, clean: bool, power_lost: bool) {
        self.disk.heal();
        self.disk.set_capacity(None);
        let opened = Partition::open(PartitionOptions {
            clean,
            recovery_point: self.recovery_point,
            log_start: Some(Offset(self.start as i64)),
            ..self.bench.options()
        });
        let opened = opened.unwrap();
        assert_eq!(opened.recovered.damaged, []);
        self.partition = opened.partition;
        let ends = self.partition.ends();
        let end = ends.appended.get() as usize;
        assert!(
            end >= self.durable,
            "{end} of {} durable are left",
            self.durable
        );
        assert_eq!(ends.durable, ends.appended);
        if clean {
            assert_eq!(end, self.values.len());
        }
        // Beyond what was acknowledged may be what a failed append left: it is a whole batch.
        let found = values_from(&self.partition, Offset(self.start as i64), 1 << 20).unwrap();
        for (offset, value) in &found {
            if let Some(wanted) = self.values.get(*offset as usize) {
                assert_eq!(value, wanted, "offset {offset}");
            }
        }
        assert_eq!(found.len(), end - self.start, "no offset is missing");
        if !power_lost && self.disk.failures() == 0 {
            assert_eq!(
                end,
                self.values.len(),
                "a kill takes nothing from the page cache"
            );
        }
        self.values.truncate(end);
        for (_, value) in found.into_iter().skip(self.values.len() - self.start) {
            self.values.push(value);
        }
        self.durable = end;
        self.recovery_point = self.partition.recovery_point();
        self.partition.set_reported(self.recovery_point);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(400),
        ..ProptestConfig::default()
    })]

    #[test]
    fn acknowledged_records_survive_every_life(seed in any::<u64>(), ops in ops()) {
        let mut life = Life::new(seed);
        for op in &ops {
            life.step(op);
        }
        life.step(&Op::PowerLoss { seed });
        life.append(1, 10);
        life.sync();
        life.step(&Op::Read { from: 0, max_bytes: 300 });
        life.step(&Op::Close);
    }
}

#[test]
fn a_full_disk_refuses_appends_and_takes_them_again_when_there_is_room() {
    let mut life = Life::new(1);
    life.append(1, 100);
    life.sync();
    life.disk.set_capacity(Some(life.disk.used_bytes() + 50));
    let refused = append(&life.partition, &batch(NOW, &[&[7; 200]])).unwrap_err();
    assert!(
        refused.is_disk_full() && refused.is_retriable(),
        "{refused:?}"
    );
    assert_eq!(values(&life.partition).len(), 1, "reads go on");
    life.disk.set_capacity(None);
    life.append(1, 100);
    life.sync();
    life.step(&Op::Close);
    assert_eq!(values(&life.partition).len(), 2);
}

#[test]
fn a_failed_sync_closes_the_log_to_writes_until_it_is_reopened() {
    let mut life = Life::new(1);
    life.append(1, 100);
    life.sync();
    life.append(1, 100);
    life.disk.fail_sync_at(1);
    let failed = life.partition.sync().unwrap_err();
    assert!(!failed.is_retriable(), "{failed:?}");
    for _ in 0..2 {
        let refused = append(&life.partition, &batch(NOW, &[b"x"])).unwrap_err();
        assert_eq!(refused.kind(), Kind::Corrupt);
        assert_eq!(life.partition.sync().unwrap_err().kind(), Kind::Corrupt);
    }
    assert_eq!(values(&life.partition).len(), 1, "reads go on");
    assert_eq!(life.partition.ends().durable, Offset(1));
    assert!(life.partition.close().is_err());
    life.reopen(false, false);
    life.append(1, 10);
    life.sync();
}
