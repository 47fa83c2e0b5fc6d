//! The small files of a partition, one kind by the first byte: offset, time and transaction index,
//! producer snapshot, checkpoints, leader epochs, `partition.metadata`.
//!
//! Invariants:
//! - never panics, whatever the bytes; a file is refused (Corrupt) or read whole;
//! - memory is bounded by the size of the file;
//! - entries that were taken ascend, and a look-up gives what a walk over the entries gives;
//! - what is written of a file that was taken reads as the same again;
//! - after truncation nothing at or above the offset is left.

#![no_main]

use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use levada::disk::{Disk, FaultyDisk, Open};
use levada::log::{
    EPOCHS_FILE, Epochs, OffsetIndex, ProducerStates, TimeIndex, TxnIndex, checkpoint,
    metadata_file, snapshot_path,
};
use levada::types::{LeaderEpoch, Offset, Timestamp};
use libfuzzer_sys::fuzz_target;

const DIR: &str = "/data/t-0";
const INDEX_BYTES_MAX: u32 = 10 << 20;

fuzz_target!(|input: &[u8]| {
    let mut input = input;
    let kind = levada_fuzz::byte(&mut input);
    let disk: Arc<dyn Disk> = Arc::new(FaultyDisk::new());
    disk.create_dir(Path::new(DIR)).unwrap();
    match kind % 7 {
        0 => offsets(disk, input),
        1 => times(disk, input),
        2 => transactions(disk, input),
        3 => snapshot(&*disk, input),
        4 => epochs(&*disk, input),
        5 => offsets_of_partitions(&*disk, input),
        _ => metadata(&*disk, input),
    }
});

fn put(disk: &dyn Disk, path: &Path, content: &[u8]) {
    let file = disk.open(path, Open::Truncate).unwrap();
    file.write_at(&[IoSlice::new(content)], 0).unwrap();
}

/// Two numbers: the base offset of the segment and what to look for.
fn numbers(input: &mut &[u8]) -> (Offset, i64) {
    let mut number = || {
        let (number, rest) = input.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        *input = rest;
        i64::from_be_bytes(*number)
    };
    (Offset(number() & i64::MAX), number())
}

fn offsets(disk: Arc<dyn Disk>, mut input: &[u8]) {
    let (base, wanted) = numbers(&mut input);
    let path = Path::new("/data/t-0/0.index");
    put(&*disk, path, input);
    let size = input.len() as u64;
    let open = |sealed| OffsetIndex::open(disk.clone(), path, base, INDEX_BYTES_MAX, size, sealed);
    let sealed = open(true).entries();
    let index = open(false);
    let Ok(entries) = index.entries() else {
        assert!(sealed.is_err());
        return;
    };
    assert_eq!(sealed.unwrap(), entries);
    assert!(entries.is_sorted());
    assert!(entries.len() * 8 <= input.len());
    let wanted = Offset(wanted);
    let floor = entries.iter().rfind(|e| e.0 <= wanted);
    assert_eq!(index.lookup(wanted).unwrap(), *floor.unwrap_or(&(base, 0)));
    let position = wanted.get() as u32;
    let above = entries.iter().find(|e| e.1 >= position);
    assert_eq!(index.lookup_position(position).unwrap(), above.copied());
    let _ = index.sanity_check(u64::from(position));
    index.truncate_to(wanted).unwrap();
    let left = index.entries().unwrap();
    assert!(left.iter().all(|e| e.0 < wanted) && entries.starts_with(&left));
    index.sync().unwrap();
    let size = index.size_bytes().unwrap();
    let again = OffsetIndex::open(disk.clone(), path, base, INDEX_BYTES_MAX, size, false);
    assert_eq!(again.entries().unwrap(), left);
}

fn times(disk: Arc<dyn Disk>, mut input: &[u8]) {
    let (base, wanted) = numbers(&mut input);
    let path = Path::new("/data/t-0/0.timeindex");
    put(&*disk, path, input);
    let size = input.len() as u64;
    let index = TimeIndex::open(disk.clone(), path, base, INDEX_BYTES_MAX, size, false);
    let Ok(entries) = index.entries() else {
        return;
    };
    assert!(entries.is_sorted());
    assert!(entries.len() * 12 <= input.len());
    let floor = entries.iter().rfind(|e| e.0.get() < wanted);
    let none = (Timestamp::NONE, base);
    assert_eq!(
        index.lookup(Timestamp(wanted)).unwrap(),
        *floor.unwrap_or(&none)
    );
    let _ = index.sanity_check(Offset(wanted));
    let (_, last) = index.last().unwrap().unwrap_or(none);
    index.append(Timestamp(wanted), last).unwrap();
    index.truncate_to(Offset(wanted)).unwrap();
    let left = index.entries().unwrap();
    assert!(left.iter().all(|e| e.1 < Offset(wanted)));
    index.sync().unwrap();
    let size = index.size_bytes().unwrap();
    let again = TimeIndex::open(disk.clone(), path, base, INDEX_BYTES_MAX, size, true);
    assert_eq!(again.entries().unwrap(), left);
}

fn transactions(disk: Arc<dyn Disk>, mut input: &[u8]) {
    let (base, wanted) = numbers(&mut input);
    let path = Path::new("/data/t-0/0.txnindex");
    put(&*disk, path, input);
    let index = TxnIndex::open(disk.clone(), path, base, input.len() as u64, false);
    let sane = index.sanity_check();
    let Ok(entries) = index.entries() else {
        assert!(sane.is_err());
        return;
    };
    assert!(entries.is_sorted_by_key(|e| e.last_offset));
    let (from, to) = (Offset(wanted), Offset(wanted).plus(1 << 20));
    let mut found = Vec::new();
    index.collect(from, to, &mut found).unwrap();
    assert!(found.iter().all(|e| entries.contains(e)));
    assert!(
        found
            .iter()
            .all(|e| e.first_offset < to && e.last_offset >= from)
    );
    index.truncate_to(from).unwrap();
    let left = index.entries().unwrap();
    assert!(left.iter().all(|e| e.last_offset < from));
    index.sync().unwrap();
}

fn snapshot(disk: &dyn Disk, input: &[u8]) {
    let (flag, content) = input.split_first().unwrap_or((&0, &[]));
    let mut content = content.to_vec();
    if flag & 1 != 0
        && let Some((head, body)) = content.split_at_mut_checked(6)
    {
        head[2..].copy_from_slice(&levada::codec::crc32c::crc32c(body).to_be_bytes());
    }
    let dir = Path::new(DIR);
    put(disk, &snapshot_path(dir, Offset(7)), &content);
    let Ok(mut states) = ProducerStates::load(disk, dir, Offset(7)) else {
        let (states, at, damaged) = ProducerStates::load_latest(disk, dir, Offset::MAX).unwrap();
        assert!(states.is_empty() && at.is_none() && damaged.len() == 1);
        return;
    };
    assert!(states.len() * 46 <= content.len());
    states.save(disk, dir, Offset(9)).unwrap();
    let again = ProducerStates::load(disk, dir, Offset(9)).unwrap();
    assert_eq!(again.encode(), states.encode());
    let stable = states.last_stable(Offset(1000));
    assert!(stable <= Offset(1000));
    states.expire(Timestamp(1_700_000_000_000), 86_400_000);
    states.on_log_start(Offset(50));
    states.on_visible(Offset(60));
}

fn epochs(disk: &dyn Disk, input: &[u8]) {
    let dir = Path::new(DIR);
    put(disk, &dir.join(EPOCHS_FILE), input);
    let Ok(mut epochs) = Epochs::load(disk, dir) else {
        return;
    };
    assert!(epochs.entries().len() <= input.len());
    assert!(epochs.entries().is_sorted());
    for (epoch, start) in epochs.entries() {
        assert!(epochs.epoch_of(*start) >= Some(*epoch));
        let _ = epochs.end_offset_for(*epoch, Offset::MAX);
    }
    let (latest, start) = epochs.latest().unwrap_or((LeaderEpoch(0), Offset::ZERO));
    epochs.assign(LeaderEpoch(latest.get().saturating_add(1)), start.plus(1));
    epochs.truncate_from_start(Offset(5));
    epochs.truncate_from_end(start);
    epochs.save(disk, dir).unwrap();
    assert_eq!(Epochs::load(disk, dir).unwrap().entries(), epochs.entries());
}

fn offsets_of_partitions(disk: &dyn Disk, input: &[u8]) {
    let path = Path::new("/data/recovery-point-offset-checkpoint");
    put(disk, path, input);
    let Ok(entries) = checkpoint::read(disk, path) else {
        return;
    };
    assert!(entries.len() <= input.len());
    checkpoint::write(disk, path, entries.iter().map(|(p, o)| (p, *o))).unwrap();
    assert_eq!(checkpoint::read(disk, path).unwrap(), entries);
}

fn metadata(disk: &dyn Disk, input: &[u8]) {
    let dir = Path::new(DIR);
    put(disk, &dir.join(metadata_file::FILE_NAME), input);
    if let Ok(found) = metadata_file::read(disk, dir) {
        let id = found.expect("the file is there");
        metadata_file::write(disk, dir, id).unwrap();
        assert_eq!(metadata_file::read(disk, dir).unwrap(), Some(id));
    }
}
