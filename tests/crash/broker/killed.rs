//! The rounds, and what must hold after them.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use levada::embedded::Database;
use levada::engine::NewTopic;
use levada::types::TopicPartition;

use super::client::Client;
use super::server::{Place, Process};
use super::transactional::{Age, Outcomes};
use super::{plain, reader, transactional};

/// Plain records of producers without transactions.
const EVENTS: &str = "events";
pub const TRANSACTIONS: &str = "transactions";
/// What the transactions claim to have read.
pub const INPUT: &str = "input";

const ROUNDS: u64 = 20;

fn rounds() -> u64 {
    std::env::var("LEVADA_CRASH_BROKER_ROUNDS")
        .ok()
        .and_then(|r| r.parse().ok())
        .unwrap_or(ROUNDS)
}

pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock").as_millis() as i64
}

#[test]
fn a_broker_that_is_killed_keeps_what_it_acknowledged() {
    let seed = u64::from(std::process::id()) ^ 0x51ed_270b;
    println!("seed {seed}");
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("data");
    make_topics(&dir);
    let place = Arc::new(Place::default());
    let client = |nth: u64| Client::new(&place, seed.wrapping_mul(nth + 1));
    let plain = ["p0", "p1"].map(|name| {
        let (client, partition) = (client(u64::from(name == "p1")), i32::from(name == "p1"));
        spawn(&place, move || {
            plain::write(client, name, EVENTS, partition)
        })
    });
    let transactional = [("old", Age::Old, 2), ("new", Age::New, 3)].map(|(id, age, nth)| {
        let client = client(nth);
        (
            id,
            spawn(&place, move || transactional::write(client, id, age)),
        )
    });
    let readers = [
        (EVENTS, 0),
        (EVENTS, 1),
        (TRANSACTIONS, 0),
        (TRANSACTIONS, 1),
    ];
    let readers = readers.map(|(topic, partition)| {
        let client = client(4);
        spawn(&place, move || reader::read(client, topic, partition))
    });

    let mut random = client(9);
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds() {
        let process = Process::start(&dir, &place);
        slowest = slowest.max(process.ready_after);
        std::thread::sleep(Duration::from_millis(100 + random.below(1100)));
        place.check();
        process.kill(&place);
    }
    let process = Process::start(&dir, &place);
    place.end();
    let sent = plain.map(joined);
    let transactional = transactional.map(|(id, thread)| (id, joined(thread)));
    place.all_written();
    let [events_0, events_1, left, right] = readers.map(joined);
    process.kill(&place);

    for ((name, count), values) in ["p0", "p1"].iter().zip(sent).zip([events_0, events_1]) {
        let expected: Vec<String> = (0..count).map(|n| format!("{name} {n}")).collect();
        assert_same(&values, &expected, name);
        assert!(count > 100, "{name} wrote only {count} records");
    }
    let db = Database::open(&dir).expect("opens");
    for (id, outcomes) in &transactional {
        for values in [&left, &right] {
            check_transactions(id, outcomes, values);
        }
        let place = TopicPartition::new(INPUT, 0);
        let committed = db.engine().groups().committed_when_stable(id, &place);
        let committed = committed.expect("stable").map(|c| c.offset.get());
        let last = outcomes.committed.last().map(|n| *n as i64 + 1);
        assert_eq!(committed, last, "offset of {id}");
        println!(
            "{id}: {} transactions committed, {} aborted",
            outcomes.committed.len(),
            outcomes.aborted.len()
        );
        assert!(outcomes.committed.len() > 10 && !outcomes.aborted.is_empty());
    }
    println!("{sent:?} records; ready again within {slowest:?} at most");
}

fn make_topics(dir: &Path) {
    let db = Database::open(dir).expect("opens");
    for (name, partitions) in [(EVENTS, 2), (TRANSACTIONS, 2), (INPUT, 1)] {
        let made = db.engine().create_topic(&NewTopic::new(name, partitions));
        made.expect("a topic");
    }
    db.close().expect("closes");
}

/// Exactly what was committed, in order.
fn check_transactions(id: &str, outcomes: &Outcomes, values: &[String]) {
    let of_id: Vec<String> = values
        .iter()
        .filter(|v| v.split(' ').next() == Some(id))
        .cloned()
        .collect();
    let of_number = |n: &u64| [format!("{id} {n} 0"), format!("{id} {n} 1")];
    let expected: Vec<String> = outcomes.committed.iter().flat_map(of_number).collect();
    assert_same(&of_id, &expected, id);
}

fn assert_same(found: &[String], expected: &[String], what: &str) {
    let differs = found.iter().zip(expected).position(|(f, e)| f != e);
    if let Some(at) = differs {
        panic!("{what}: at {at} {} instead of {}", found[at], expected[at]);
    }
    assert_eq!(found.len(), expected.len(), "records of {what}");
}

fn spawn<T: Send + 'static>(
    place: &Arc<Place>,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let place = place.clone();
    std::thread::spawn(move || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|why| {
            place.fail();
            std::panic::resume_unwind(why)
        })
    })
}

fn joined<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("it ended well")
}
