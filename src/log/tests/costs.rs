//! What is not done: asking segments that cannot answer, trying again what cannot change.

use super::support::*;
use crate::disk::{Disk, Faults, FaultyDisk, Open};
use crate::log::Partition;
use crate::log::names::{self, Part};

fn bench() -> Bench {
    Bench::new().with(|c| {
        c.segment_bytes = 1000;
        c.index_interval_bytes = 150;
    })
}

fn fill(partition: &Partition, records: i64) {
    for i in 0..records {
        put(partition, format!("value {i:03}").as_bytes());
    }
}

#[test]
fn an_index_made_anew_goes_on_behind_damage() {
    let bench = bench();
    let partition = bench.open();
    fill(&partition, 40);
    let base = partition.sealed()[1].base_offset;
    partition.close().unwrap();
    let log = names::path(&bench.dir, base, Part::Log);
    let file = bench.disk.open(&log, Open::Write).unwrap();
    // The header of the second batch; nothing of it tells where it ends.
    let mut size = [0; 4];
    file.read_at(&mut size, 8).unwrap();
    let second = 12 + u64::from(u32::from_be_bytes(size));
    file.write_at(&[std::io::IoSlice::new(&[0xff; 40])], second)
        .unwrap();
    for part in [Part::OffsetIndex, Part::TimeIndex] {
        let path = names::path(&bench.dir, base, part);
        bench.disk.remove_file(&path).unwrap();
    }
    let partition = bench.open();
    let behind = base.plus(2);
    let found = values_from(&partition, behind, 100).unwrap();
    assert_eq!(found.len() as i64, 40 - behind.get());
}
