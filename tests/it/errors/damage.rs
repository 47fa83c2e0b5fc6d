//! Damaged files: what opening and reading make of each kind, and that nothing else is lost.

use std::io::IoSlice;
use std::path::PathBuf;
use std::sync::Arc;

use levada::Kind;
use levada::disk::{Disk, FaultyDisk, Open};
use levada::embedded::Database;

use super::support::{open, producer, put, read, topic};

const RECORDS: i64 = 14;
/// A segment takes as many.
const SEGMENT_RECORDS: i64 = 5;
const VALUE_BYTES: usize = 300;

/// What a file is changed to.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Missing,
    Empty,
    Half,
    Zeros,
    /// Bytes in the middle changed.
    Scribbled,
    /// The content of the same file of `other-0`.
    Swapped,
    /// 4 KiB of zeros behind the end.
    ZeroTail,
}

use Harm::{Empty, Half, Missing, Scribbled, Swapped, ZeroTail, Zeros};

struct Place {
    disk: Arc<FaultyDisk>,
}

impl Place {
    fn names(&self, dir: &str) -> Vec<String> {
        let entries = self.disk.list(&PathBuf::from("/data").join(dir)).unwrap();
        let mut names: Vec<_> = entries.into_iter().map(|e| e.name).collect();
        names.sort();
        names
    }

    fn bytes(&self, path: &str) -> Vec<u8> {
        let file = self.disk.open(&PathBuf::from(path), Open::Read).unwrap();
        let mut bytes = vec![0; file.len().unwrap() as usize];
        file.read_at(&mut bytes, 0).unwrap();
        bytes
    }

    fn harm(&self, file: &str, harm: Harm) {
        let path = format!("/data/{file}");
        let before = self.bytes(&path);
        let after = match harm {
            Missing => {
                self.disk.remove_file(&PathBuf::from(&path)).unwrap();
                return;
            }
            Empty => Vec::new(),
            Half => before[..before.len() / 2].to_vec(),
            Zeros => vec![0; before.len()],
            Scribbled => {
                let mut bytes = before;
                let middle = bytes.len() / 2;
                bytes[middle..].iter_mut().take(9).for_each(|b| *b ^= 0x55);
                bytes
            }
            Swapped => self.bytes(&path.replace("/t-0/", "/other-0/")),
            ZeroTail => [before, vec![0; 4096]].concat(),
        };
        let path = PathBuf::from(path);
        let file = self.disk.open(&path, Open::Truncate).unwrap();
        file.write_at(&[IoSlice::new(&after)], 0).unwrap();
    }
}

/// Two topics of three segments each, closed cleanly; `unclean` takes the marker of that away.
fn filled(unclean: bool) -> Place {
    let place = Place {
        disk: Arc::new(FaultyDisk::new()),
    };
    let db = open(&place.disk).unwrap();
    for name in ["t", "other"] {
        topic(&db, name, 1, &[("index.interval.bytes", "100")]);
        let producer = producer(&db);
        for n in 0..RECORDS {
            if n > 0 && n % SEGMENT_RECORDS == 0 {
                let handle = db.engine().partition(name, 0).unwrap();
                handle.log().unwrap().roll(true).unwrap();
            }
            put(&producer, name, text(name, n).as_bytes()).unwrap();
        }
        producer.close(super::support::WAIT).unwrap();
    }
    db.close().unwrap();
    if unclean {
        place.harm(".kafka_cleanshutdown", Missing);
    }
    place
}

fn text(topic: &str, n: i64) -> String {
    let mut text = format!("{topic} {n} ");
    // `other` differs in length, so that its indexes point elsewhere.
    let more = if topic == "t" { 0 } else { 77 };
    text.extend(std::iter::repeat_n('x', VALUE_BYTES + more));
    text
}

/// Offsets of `topic` that are read, each with the value that was sent; and the error that ended it.
fn offsets(db: &Database, topic: &str) -> (Vec<i64>, Option<levada::Error>) {
    let (records, error) = read(db, topic);
    for (offset, value) in &records {
        assert_eq!(value, &text(topic, *offset), "offset {offset}");
    }
    (records.into_iter().map(|r| r.0).collect(), error)
}

fn all() -> Vec<i64> {
    (0..RECORDS).collect()
}

fn segment_of(place: &Place, number: usize, suffix: &str) -> String {
    let names = place.names("t-0");
    let logs: Vec<_> = names.iter().filter(|n| n.ends_with(".log")).collect();
    assert_eq!(logs.len(), 3, "{names:?}");
    format!("t-0/{}", logs[number].replace(".log", suffix))
}

/// Opens, and checks that what was not damaged is untouched and that writing goes on.
fn mended(place: &Place, what: &str) -> Database {
    let db = open(&place.disk).unwrap_or_else(|e| panic!("{what}: {e:?}"));
    assert_eq!(offsets(&db, "other").0, all(), "{what}");
    db
}

#[test]
fn what_is_derived_is_made_anew_and_nothing_is_lost() {
    let mut cases = Vec::new();
    for unclean in [false, true] {
        for harm in [Missing, Empty, Half, Zeros, Scribbled, Swapped] {
            for (number, suffix) in [
                (0, ".index"),
                (0, ".timeindex"),
                (1, ".index"),
                (2, ".index"),
                (2, ".timeindex"),
            ] {
                cases.push((unclean, Some((number, suffix)), "", harm));
            }
            cases.push((unclean, None, "snapshot", harm));
            cases.push((unclean, None, "leader-epoch-checkpoint", harm));
        }
    }
    let mut wrong = Vec::new();
    for (unclean, derived, name, harm) in cases {
        let place = filled(unclean);
        let file = match derived {
            Some((number, suffix)) => segment_of(&place, number, suffix),
            None => {
                let names = place.names("t-0");
                let found = names.iter().rfind(|n| n.ends_with(name));
                let Some(found) = found else { continue };
                format!("t-0/{found}")
            }
        };
        if matches!(harm, Swapped) && name == "snapshot" {
            continue;
        }
        let what = format!("{file} {harm:?} unclean={unclean}");
        place.harm(&file, harm);
        let db = mended(&place, &what);
        let (found, error) = offsets(&db, "t");
        if found != all() || error.is_some() {
            wrong.push(format!("{what}: {found:?} {error:?}"));
            continue;
        }
        let producer = producer(&db);
        let offset = put(&producer, "t", text("t", RECORDS).as_bytes());
        if !matches!(offset, Ok(RECORDS)) {
            wrong.push(format!("{what}: append gives {offset:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_damaged_checkpoint_is_refused_or_worked_out_again() {
    let files = [
        "recovery-point-offset-checkpoint",
        "log-start-offset-checkpoint",
        "cleaner-offset-checkpoint",
        "replication-offset-checkpoint",
    ];
    let mut wrong = Vec::new();
    for unclean in [false, true] {
        for file in files {
            for harm in [Missing, Empty, Zeros, Scribbled] {
                let place = filled(unclean);
                place.harm(file, harm);
                let what = format!("{file} {harm:?} unclean={unclean}");
                match open(&place.disk) {
                    Ok(db) => {
                        let (found, error) = offsets(&db, "t");
                        if found != all() || error.is_some() {
                            wrong.push(format!("{what}: {found:?} {error:?}"));
                        }
                    }
                    // Said to be whole by the marker of a clean close: a person decides.
                    Err(e) if e.kind() == Kind::Corrupt && e.message().contains(file) => {}
                    Err(e) => wrong.push(format!("{what}: {e:?}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn damage_in_a_sealed_segment_is_told_with_its_place_and_the_rest_stays() {
    for unclean in [false, true] {
        for harm in [Scribbled, Half, Zeros, Empty] {
            let place = filled(unclean);
            let file = segment_of(&place, 1, ".log");
            let last = segment_of(&place, 2, ".log");
            place.harm(&file, harm);
            let what = format!("{file} {harm:?} unclean={unclean}");
            let db = mended(&place, &what);
            let (found, error) = offsets(&db, "t");
            // Up to the damage everything is there; behind it, whoever seeks there.
            assert_eq!(found[..5], [0, 1, 2, 3, 4], "{what}");
            if let Some(error) = &error {
                assert_eq!(error.kind(), Kind::Corrupt, "{what}: {error:?}");
                let name = file.strip_prefix("t-0/").unwrap();
                assert!(error.message().contains(name), "{what}: {error}");
            }
            let behind: i64 = last["t-0/".len()..last.len() - 4].parse().unwrap();
            let tail = behind_the_damage(&db, behind);
            assert_eq!(tail, (behind..RECORDS).collect::<Vec<_>>(), "{what}");
            let offset = put(&producer(&db), "t", b"more").unwrap();
            assert_eq!(offset, RECORDS, "{what}");
        }
    }
}

fn behind_the_damage(db: &Database, from: i64) -> Vec<i64> {
    let name = levada::types::TopicPartition::new("t", 0);
    let consumer = db.consumer(super::support::earliest()).unwrap();
    consumer.assign(std::slice::from_ref(&name)).unwrap();
    consumer.seek(&name, levada::types::Offset(from)).unwrap();
    let mut found = Vec::new();
    while consumer.position(&name).unwrap().get() < RECORDS {
        let polled = consumer.poll(None, std::time::Duration::ZERO).unwrap();
        assert!(!polled.is_empty(), "nothing behind {found:?}");
        for batch in polled {
            for record in batch.iter() {
                let value = String::from_utf8_lossy(record.value.unwrap());
                assert_eq!(value, text("t", record.offset.get()));
                found.push(record.offset.get());
            }
        }
    }
    found
}

#[test]
fn zeros_behind_the_end_are_cut_and_said() {
    let place = filled(true);
    let file = segment_of(&place, 2, ".log");
    place.harm(&file, ZeroTail);
    let db = mended(&place, "zeros");
    let recovered = &db.engine().recovery().partitions;
    let of_t = recovered.iter().find(|(name, _)| &*name.topic == "t");
    assert_eq!(of_t.unwrap().1.cut_bytes, 4096);
    assert_eq!(offsets(&db, "t").0, all());
}

#[test]
fn damage_in_the_active_segment_costs_what_was_damaged_only() {
    for harm in [Scribbled, Half] {
        let place = filled(true);
        place.harm(&segment_of(&place, 2, ".log"), harm);
        let db = mended(&place, "active");
        let base: i64 = segment_of(&place, 2, "")["t-0/".len()..].parse().unwrap();
        let (found, _) = offsets(&db, "t");
        let sealed: Vec<i64> = (0..base).collect();
        assert_eq!(found[..sealed.len()], sealed, "{harm:?}");
        let recovered = &db.engine().recovery().partitions;
        let said = recovered.iter().find(|(name, _)| &*name.topic == "t");
        assert!(!said.unwrap().1.damaged.is_empty(), "{harm:?}: said where");
        put(&producer(&db), "t", b"more").unwrap();
    }
}

#[test]
fn the_metadata_log_is_never_cut_silently() {
    for (harm, clean) in [
        (Scribbled, true),
        (Zeros, true),
        (Half, true),
        (Scribbled, false),
    ] {
        let place = filled(!clean);
        let names = place.names("__cluster_metadata-0");
        let log = names.iter().find(|n| n.ends_with(".log")).unwrap();
        // A snapshot would hold the same state.
        for name in names.iter().filter(|n| n.ends_with(".checkpoint")) {
            place.harm(&format!("__cluster_metadata-0/{name}"), Missing);
        }
        place.harm(&format!("__cluster_metadata-0/{log}"), harm);
        let error = open(&place.disk).unwrap_err();
        assert_eq!(error.kind(), Kind::Corrupt, "{harm:?}: {error:?}");
        assert!(error.message().contains("__cluster_metadata-0"), "{error}");
    }
}

#[test]
fn a_partition_of_another_topic_is_not_served() {
    let place = filled(false);
    place.harm("t-0/partition.metadata", Swapped);
    let db = open(&place.disk).unwrap();
    let error = db.engine().partition("t", 0).unwrap().ends().unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(error.message().contains("t-0"), "{error}");
    assert_eq!(offsets(&db, "other").0, all());
}
