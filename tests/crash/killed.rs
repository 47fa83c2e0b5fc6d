//! SIGKILL: the test runs its own binary as a writer, kills it, opens what it left.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use levada::embedded::{ConsumerOptions, Database, Start};

use crate::ledger::Ledger;
use crate::workload::{EVENTS, STATE, Writer, make_topics, upkeep};

const ROUNDS: u64 = 50;
const CHILD_DIR: &str = "LEVADA_CRASH_CHILD_DIR";
const CHILD_FIRST: &str = "LEVADA_CRASH_CHILD_FIRST";

fn rounds() -> u64 {
    std::env::var("LEVADA_CRASH_ROUNDS")
        .ok()
        .and_then(|r| r.parse().ok())
        .unwrap_or(ROUNDS)
}

#[test]
fn acked_records_survive_kill() {
    if let Ok(dir) = std::env::var(CHILD_DIR) {
        let first = std::env::var(CHILD_FIRST)
            .expect("a number")
            .parse()
            .expect("a number");
        return write_until_killed(Path::new(&dir), first);
    }
    let seed = std::process::id() as u64 ^ 0x9e37_79b9;
    println!("seed {seed}");
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("data");
    let mut ledger = Ledger::default();
    let mut first = 0;
    let mut random = seed;
    for round in 0..rounds() {
        random = random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let life = Duration::from_millis(30 + (random >> 33) % 400);
        first = run_and_kill(&dir, first, life, &mut ledger);
        let context = format!("seed {seed}, round {round}");
        // Every third crash is met by the next writer alone: what it recovers is crashed again.
        if round % 3 == 1 {
            continue;
        }
        let db = Database::open(&dir).unwrap_or_else(|e| panic!("{context}: {e}"));
        if db.engine().topic(STATE).is_ok() {
            ledger.check(&db, EVENTS, &context);
            ledger.check_keys(&db, STATE, &context);
        }
        for (partition, recovered) in &db.engine().recovery().partitions {
            println!("round {round}: {partition}: {recovered:?}");
        }
        db.close().unwrap_or_else(|e| panic!("{context}: {e}"));
    }
    assert!(
        ledger.len() > 1000,
        "only {} records were acknowledged",
        ledger.len()
    );
    println!("{} acknowledged records are all there", ledger.len());
}

/// Gives the first number of the next round.
fn run_and_kill(dir: &Path, first: u64, life: Duration, ledger: &mut Ledger) -> u64 {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args([
            "--exact",
            "killed::acked_records_survive_kill",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(CHILD_DIR, dir)
        .env(CHILD_FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the child starts");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let reader = std::thread::spawn(move || {
        let mut lines = Vec::new();
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|n| n > 0) {
            // A line that the kill cut short says nothing.
            if line.ends_with('\n') {
                lines.push(line.trim_end().to_owned());
            }
            line.clear();
        }
        lines
    });
    let started = Instant::now();
    while started.elapsed() < life {
        std::thread::sleep(Duration::from_millis(5));
        let ended = child.try_wait().expect("waited");
        assert!(
            ended.is_none(),
            "the child ended by itself ({ended:?}); its words are above"
        );
    }
    child.kill().expect("killed");
    child.wait().expect("reaped");
    let mut next = first;
    for line in reader.join().expect("read") {
        let parts: Vec<&str> = line.split('\t').collect();
        match parts.as_slice() {
            ["ack" | "read", partition, offset, value] => {
                ledger.note(EVENTS, number(partition), number(offset), value);
            }
            ["key", key, version] => ledger.note_key(key, number(version)),
            ["sent", upto] => next = number(upto),
            _ => {}
        }
    }
    // Numbers that were sent and not reported are not used again.
    next + 1_000_000
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse()
        .unwrap_or_else(|_| panic!("{text} is no number"))
}

fn write_until_killed(dir: &Path, first: u64) {
    let db = Database::open(dir).expect("opens");
    make_topics(&db).expect("topics");
    let reading = db.clone();
    std::thread::spawn(move || or_end(std::panic::AssertUnwindSafe(|| read_along(&reading))));
    let keeping = db.clone();
    std::thread::spawn(move || {
        or_end(std::panic::AssertUnwindSafe(|| {
            loop {
                upkeep(&keeping).expect("upkeep");
                std::thread::sleep(Duration::from_millis(3));
            }
        }))
    });
    let mut writer = Writer::new(&db, first).expect("a producer");
    loop {
        let sent = writer.send(40).expect("sent");
        say(&format!("sent\t{}\n", writer.next()));
        let mut report = String::new();
        for record in sent {
            let placed = record
                .delivery
                .wait(Duration::from_secs(30))
                .expect("delivered");
            let (partition, offset) = (placed.topic_partition.partition, placed.offset);
            report += &match record.topic {
                STATE => format!("key\t{}\t{}\n", record.key, record.value),
                _ => format!("ack\t{partition}\t{offset}\t{}\n", record.value),
            };
        }
        say(&report);
    }
}

/// A thread that fails ends the whole child, so that the test hears of it.
fn or_end(work: impl FnOnce() + std::panic::UnwindSafe) {
    if std::panic::catch_unwind(work).is_err() {
        std::process::abort();
    }
}

/// What a consumer was given may not be gone later.
fn read_along(db: &Database) {
    let options = ConsumerOptions {
        start: Start::Latest,
        ..ConsumerOptions::default()
    };
    let consumer = db.consumer(options).expect("a consumer");
    consumer.subscribe(&[EVENTS]).expect("subscribed");
    loop {
        let mut report = String::new();
        for batch in consumer.poll(None, Duration::from_secs(1)).expect("polled") {
            for record in batch.iter() {
                let value = String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned();
                report += &format!(
                    "read\t{}\t{}\t{value}\n",
                    batch.topic_partition().partition,
                    record.offset
                );
            }
        }
        say(&report);
    }
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .expect("the parent listens");
}
