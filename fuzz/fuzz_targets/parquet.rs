//! The archive of a partition: a Parquet file and a catalog that hold any bytes.
//!
//! Invariants:
//! - never panics beyond the guard around the Parquet library: opening, verifying, reading by offset and time, making the catalog anew;
//! - memory is bounded by the file and the reader's limits, whatever a footer claims;
//! - what is read is whole batches with right checksums, ascending, inside the archive's range;
//! - a file without a finding reads from its first to its last offset.
//!
//! Input: one byte for the kind. 0: the Parquet file. 1: edits of a good one (position u16 from the
//! end, new byte). 2: the catalog behind its first line. 3: edits of a good catalog.

#![no_main]

use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use levada::archive::store::{BlobStore, LocalStore};
use levada::archive::{PartitionArchive, ReadCache, Segment, verify};
use levada::codec::crc32c::crc32c;
use levada::disk::{Disk, FaultyDisk};
use levada::log::ColdStore;
use levada::record::{BatchBuilder, Batches, BuildOptions};
use levada::types::{Offset, Timestamp, TopicId, TopicPartition};
use libfuzzer_sys::fuzz_target;

const CATALOG: &str = ".catalog~/t/0.catalog";
const RECORDS: i64 = 40;

struct Good {
    name: String,
    file: Bytes,
    catalog: Bytes,
}

/// The library's panics on a damaged footer are caught and turned into errors; any other is a finding.
fn let_guarded_panics_pass() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let library = |place: &std::panic::Location<'_>| {
                let file = place.file();
                file.contains("/parquet-") || file.contains("/arrow-") || file.contains("/thrift-")
            };
            if !info.location().is_some_and(library) {
                report(info);
            }
        }));
    });
}

fuzz_target!(|input: &[u8]| {
    let_guarded_panics_pass();
    let mut input = input;
    let kind = levada_fuzz::byte(&mut input) % 4;
    let good = good();
    let store = store();
    let file = match kind {
        0 => input.to_vec(),
        1 => edited(&good.file, input),
        _ => good.file.to_vec(),
    };
    store.put(&good.name, &file).unwrap();
    if kind >= 2 {
        let text = good.catalog.iter().position(|b| *b == b'\n').unwrap() + 1;
        let json = match kind {
            2 => input.to_vec(),
            _ => edited(&good.catalog[text..], input),
        };
        let sum = crc32c(&json);
        let mut content = format!("levada-archive-catalog 1 {sum:08x}\n").into_bytes();
        content.extend_from_slice(&json);
        store.put(CATALOG, &content).unwrap();
    } else {
        // The catalog as it was: the file is not what it says. Then one made from the file.
        store.put(CATALOG, &good.catalog).unwrap();
        read(&store);
        verify::rebuild_catalog(store.as_ref(), &name(), TopicId::METADATA).unwrap();
    }
    read(&store);
});

fn name() -> TopicPartition {
    TopicPartition::new("t", 0)
}

fn store() -> Arc<dyn BlobStore> {
    let disk: Arc<dyn Disk> = Arc::new(FaultyDisk::new());
    disk.create_dir(Path::new("/archive")).unwrap();
    Arc::new(LocalStore::open(disk, "/archive").unwrap())
}

fn open(store: &Arc<dyn BlobStore>) -> levada::Result<PartitionArchive> {
    let cache = Arc::new(ReadCache::new(1 << 20, 4));
    PartitionArchive::open(store.clone(), cache, name(), TopicId::METADATA)
}

/// A file and its catalog, made once.
fn good() -> &'static Good {
    static GOOD: OnceLock<Good> = OnceLock::new();
    GOOD.get_or_init(|| {
        let mut bytes = Vec::new();
        for number in 0..RECORDS / 4 {
            let mut builder = BatchBuilder::default();
            for _ in 0..4 {
                let headers = [(&b"h"[..], None), (b"h", Some(&b"v"[..]))];
                let at = Timestamp(1_700_000_000_000 + number);
                builder.push(at, Some(b"key"), Some(b"a value of some length"), &headers);
            }
            let options = BuildOptions {
                base_offset: Offset(number * 4),
                ..BuildOptions::default()
            };
            bytes.extend_from_slice(builder.finish(&options).unwrap());
        }
        let store = store();
        let segment = Segment {
            base_offset: Offset::ZERO,
            next_offset: Offset(RECORDS),
            bytes: Bytes::from(bytes),
            place: "made up".to_owned(),
        };
        let archive = open(&store).unwrap();
        let entry = archive.archive(&[segment], &[], 1).unwrap().unwrap();
        assert!(verify::check(&archive).is_empty());
        Good {
            file: store.get(&entry.name, 1 << 20).unwrap(),
            catalog: store.get(CATALOG, 1 << 20).unwrap(),
            name: entry.name,
        }
    })
}

fn edited(good: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for edit in edits.as_chunks::<3>().0 {
        let back = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % good.len();
        bytes[good.len() - 1 - back] = edit[2];
    }
    bytes
}

fn read(store: &Arc<dyn BlobStore>) {
    let Ok(archive) = open(store) else {
        return;
    };
    let sound = verify::check(&archive).is_empty();
    let Some((start, end)) = archive.range() else {
        return;
    };
    assert!(start <= end);
    let mut from = start;
    for _ in 0..2 * RECORDS {
        let Ok(bytes) = archive.read(from, 256) else {
            assert!(!sound, "no finding, but {from} is not readable");
            break;
        };
        let mut next = from;
        for batch in Batches::new(&bytes) {
            let batch = batch.expect("whole batches");
            batch.check_crc().expect("a right checksum");
            assert!(batch.header().next_offset() > next);
            next = batch.header().next_offset();
            assert!(next <= end);
        }
        if next == from {
            break;
        }
        from = next;
    }
    for timestamp in [
        Timestamp(0),
        Timestamp(1_700_000_000_005),
        Timestamp(i64::MAX),
    ] {
        let _ = archive.offset_for_time(timestamp);
    }
    let _ = archive.max_timestamp();
    let _ = archive.epochs();
    let _ = archive.aborted(start, end);
    let _ = archive.remove_orphans();
}
