//! Long work in the background ends soon when it is asked to, and what it did not finish is not seen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use levada::embedded::{Database, Message, ProducerOptions};
use levada::engine::{EngineBuilder, Job, NewTopic};
use levada::log::Stop;
use levada::types::{Offset, Timestamp};

use super::hooked::Hooked;

const WAIT: Duration = Duration::from_secs(20);

fn database(disk: &Arc<Hooked>, policy: &str) -> Database {
    let builder = EngineBuilder::new("/data")
        .disk(disk.clone())
        .background(false);
    let db = Database::from_builder(builder, true).unwrap();
    let mut new = NewTopic::new("t", 1);
    new.config = [
        ("cleanup.policy", policy),
        ("internal.segment.bytes", "4096"),
        ("min.cleanable.dirty.ratio", "0"),
        ("levada.archive.after.ms", "0"),
        ("levada.archive.file.bytes", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    db.engine().create_topic(&new).unwrap();
    let producer = db.producer(ProducerOptions::default()).unwrap();
    for n in 0..400 {
        let key = (n % 10).to_string();
        let message = Message {
            key: Some(key.as_bytes()),
            value: Some(&[b'v'; 200]),
            timestamp: Some(Timestamp(1_700_000_000_000)),
            ..Message::default()
        };
        producer.send("t", message).unwrap();
        if n % 10 == 9 {
            producer.flush(WAIT).unwrap();
        }
    }
    producer.close(WAIT).unwrap();
    db
}

#[test]
fn archiving_ends_after_the_file_at_hand_and_its_segments_are_gone_by_then() {
    let disk = Hooked::new();
    let db = database(&disk, "delete");
    let log = db.engine().partition("t", 0).unwrap().log().unwrap();
    let name = log.name().clone();
    let id = db.engine().topic("t").unwrap().id();
    let sealed = log.sealed();
    assert!(sealed.len() > 10);
    let stop = Arc::new(Stop::new());
    let setter = stop.clone();
    disk.once("rename", ".catalog", move || setter.set());
    let cold = db.engine().parts().cold.clone();
    // The first catalog is empty and comes before the first file: nothing is moved.
    assert_eq!(cold.move_out(&name, id, &log, true, &stop).unwrap(), 0);
    assert_eq!(log.sealed().len(), sealed.len());
    let stop = Arc::new(Stop::new());
    let (setter, mut catalogs) = (stop.clone(), 0);
    disk.each(move |done, name| {
        catalogs += usize::from(done == "rename" && name.ends_with(".catalog"));
        if catalogs == 2 {
            setter.set();
        }
    });
    let moved = cold.move_out(&name, id, &log, true, &stop).unwrap();
    assert_eq!(moved, sealed[0].size_bytes);
    assert_eq!(log.ends().local_start, sealed[1].base_offset);
    assert_eq!(log.ends().log_start, Offset(0));
}

#[test]
fn a_compaction_ends_before_the_next_group_and_leaves_nothing_behind() {
    let disk = Hooked::new();
    let db = database(&disk, "compact");
    let log = db.engine().partition("t", 0).unwrap().log().unwrap();
    let before = log.size_bytes();
    let stop = Arc::new(Stop::new());
    let setter = stop.clone();
    disk.once("open", ".log.cleaned", move || setter.set());
    assert_eq!(log.compact_until(1 << 20, &stop).unwrap(), None);
    assert!(stop.is_set());
    // The group at hand was complete.
    assert!(log.size_bytes() > before * 3 / 4);
    assert_eq!(log.cleaned(), Offset(0));
    assert_eq!(log.compact_until(1 << 20, &stop).unwrap(), None);
    let left = levada::disk::Disk::list(&*disk, log.dir()).unwrap();
    assert!(
        left.iter().all(|e| !e.name.ends_with(".cleaned")),
        "{left:?}"
    );
    assert!(log.compact(1 << 20).unwrap().is_some());
    assert!(log.size_bytes() < before / 4);
}

#[test]
fn close_does_not_wait_for_all_that_is_to_be_archived() {
    let disk = Hooked::new();
    let db = database(&disk, "delete");
    let log = db.engine().partition("t", 0).unwrap().log().unwrap();
    let sealed = log.sealed().len();
    let closing = db.clone();
    let (give, got) = std::sync::mpsc::channel();
    disk.once("rename", ".parquet", move || {
        let other = closing.clone();
        give.send(std::thread::spawn(move || other.close()))
            .unwrap();
        let started = Instant::now();
        while closing.engine().topics().is_ok() && started.elapsed() < WAIT {
            std::thread::yield_now();
        }
    });
    db.engine().run_job(Job::Archive).unwrap();
    got.recv().unwrap().join().unwrap().unwrap();
    let listed = levada::disk::Disk::list(&*disk, "/data/archive/t/0".as_ref()).unwrap();
    assert!(listed.len() < sealed / 2, "{} of {sealed}", listed.len());
}
