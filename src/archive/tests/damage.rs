//! Damaged, missing and foreign files.

use super::super::ArchivedFile;
use super::support::*;
use crate::error::Kind;
use crate::log::ColdStore;
use crate::types::Offset;

fn small() -> (Home, ArchivedFile) {
    let home = Home::new();
    let mut batches = Vec::new();
    for number in 0..30 {
        let mut batch = made(
            (0..20)
                .map(|i| rec(format!("{number} {i}").as_bytes()))
                .collect(),
        );
        batch.records[0].headers.push((b"h".to_vec(), None));
        batches.push(batch);
    }
    let archive = home.open().unwrap();
    let entry = archive
        .archive(&[segment(0, &batches)], &[], 1)
        .unwrap()
        .unwrap();
    (home, entry)
}

#[test]
fn every_flipped_byte_and_every_cut_is_found() {
    let (home, entry) = small();
    let path = home.dir.path().join(&entry.name);
    let good = std::fs::read(&path).unwrap();
    let step = (good.len() / 400).max(1);
    for at in (0..good.len()).step_by(step) {
        let mut bad = good.clone();
        bad[at] ^= 0x41;
        std::fs::write(&path, &bad).unwrap();
        let archive = home.open().unwrap();
        let error = crate::archive::verify::check(&archive)
            .pop()
            .map(|f| f.error);
        assert_eq!(error.map(|e| e.kind()), Some(Kind::Corrupt), "byte {at}");
        match archive.read(Offset(0), usize::MAX >> 1) {
            Ok(_) => assert!(at < entry.tail_position as usize, "byte {at} of the tail"),
            Err(e) => assert!(
                e.kind() == Kind::Corrupt && e.message().contains("parquet"),
                "{e}"
            ),
        }
        std::fs::write(&path, &good[..at]).unwrap();
        let error = home.open().unwrap().read(Offset(0), 1).unwrap_err();
        assert_eq!(error.kind(), Kind::Corrupt, "cut at {at}");
    }
    std::fs::remove_file(&path).unwrap();
    let error = home.open().unwrap().read(Offset(0), 1).unwrap_err();
    assert!(
        error.kind() == Kind::Corrupt && error.message().contains("missing"),
        "{error}"
    );
}

#[test]
fn a_damaged_file_leaves_the_others_readable() {
    let (home, entry) = small();
    let archive = home.open().unwrap();
    let more = made(vec![rec(b"more")]);
    archive.archive(&[segment(600, &[more])], &[], 1).unwrap();
    std::fs::write(home.dir.path().join(&entry.name), b"PAR1").unwrap();
    let archive = home.open().unwrap();
    assert!(archive.read(Offset(0), 1).is_err());
    assert!(!archive.read(Offset(600), 1).unwrap().is_empty());
}

#[test]
fn a_missing_or_damaged_catalog_is_named_and_rebuilt() {
    let (home, entry) = small();
    let catalog = home.dir.path().join(".catalog~/t/0.catalog");
    let good = std::fs::read(&catalog).unwrap();
    for bad in [&b""[..], b"junk", &good[..good.len() - 1]] {
        std::fs::write(&catalog, bad).unwrap();
        let error = home.open().unwrap_err();
        assert!(
            error.kind() == Kind::Corrupt && error.message().contains("0.catalog"),
            "{error}"
        );
    }
    std::fs::remove_file(&catalog).unwrap();
    assert_eq!(home.open().unwrap_err().kind(), Kind::Corrupt);
    let name = crate::types::TopicPartition::new("t", 0);
    let id = crate::types::TopicId::METADATA;
    crate::archive::verify::rebuild_catalog(home.store.as_ref(), &name, id).unwrap();
    assert_eq!(home.open().unwrap().files(), [entry]);
}

#[test]
fn what_a_crash_left_is_removed_and_nothing_else() {
    let (home, entry) = small();
    let orphan = home
        .dir
        .path()
        .join("t/0/00000000000000000600-00000000000000000700.parquet");
    std::fs::write(&orphan, b"half").unwrap();
    let archive = home.open().unwrap();
    let removed = archive.remove_orphans().unwrap();
    assert_eq!(removed, [orphan.display().to_string()]);
    assert!(!orphan.exists() && home.dir.path().join(&entry.name).exists());
}

#[test]
fn damaged_segments_are_not_archived() {
    let home = Home::new();
    let archive = home.open().unwrap();
    let good = segment(
        0,
        &[made(vec![rec(b"some value")]), made(vec![rec(b"another")])],
    );
    for at in 0..good.bytes.len() {
        // What stands before the checksum is not covered by it; the log vouches for offsets.
        let second = u32::from_be_bytes(good.bytes[8..12].try_into().unwrap()) as usize + 12;
        if at < 21 || (second..second + 21).contains(&at) {
            continue;
        }
        let mut bad = good.clone();
        let mut bytes = bad.bytes.to_vec();
        bytes[at] ^= 0x10;
        bad.bytes = bytes.into();
        assert!(archive.archive(&[bad], &[], 1).is_err(), "byte {at}");
    }
    assert!(archive.files().is_empty());
    archive.archive(&[good], &[], 1).unwrap();
}

#[test]
fn another_topic_of_the_same_name_is_not_mixed_in() {
    let (home, _) = small();
    let name = crate::types::TopicPartition::new("t", 0);
    let other = crate::types::TopicId::random();
    let opened =
        crate::archive::PartitionArchive::open(home.store.clone(), home.cache.clone(), name, other);
    assert_eq!(opened.unwrap_err().kind(), Kind::Conflict);
    crate::archive::remove_topic(home.store.as_ref(), "t").unwrap();
    assert!(home.open().unwrap().files().is_empty());
}
