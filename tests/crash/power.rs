//! Power loss and failing calls, by seed, on the disk in memory that forgets and tears.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use levada::disk::{Fault, Faults, FaultyDisk};
use levada::embedded::Database;
use levada::engine::EngineBuilder;
use levada::error::Result;

use crate::ledger::Ledger;
use crate::workload::{EVENTS, STATE, Sent, Writer, make_topics, upkeep};

const SEEDS: u64 = 500;
/// Crashes in a row for one seed, so that what recovery made is crashed again.
const LIVES: u64 = 3;

fn seeds() -> u64 {
    std::env::var("LEVADA_CRASH_SEEDS")
        .ok()
        .and_then(|r| r.parse().ok())
        .unwrap_or(SEEDS)
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn acked_records_survive_power_loss_and_failing_calls() {
    let first = std::env::var("LEVADA_CRASH_FIRST_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(0);
    let mut noted = 0;
    for seed in first..first + seeds() {
        noted += one_seed(seed);
    }
    println!(
        "{} seeds, {noted} acknowledged records are all there",
        seeds()
    );
    assert!(noted > seeds() * 20, "too little was acknowledged: {noted}");
}

fn one_seed(seed: u64) -> u64 {
    let mut random = Random(seed ^ 0x5851_f42d_4c95_7f2d);
    let mut ledger = Ledger::default();
    let mut disk = Arc::new(FaultyDisk::with_faults(Faults::seeded(seed)));
    let mut next = 0;
    for life in 0..LIVES {
        let context = format!("seed {seed}, life {life}");
        next = live(&disk, &mut random, next, &mut ledger, &context);
        let crashed = disk.crash(random.below(u64::MAX >> 34));
        disk = Arc::new(crashed);
        let db = open(&disk).unwrap_or_else(|e| panic!("{context}: {e}"));
        if db.engine().topic(STATE).is_ok() {
            ledger.check(&db, EVENTS, &context);
            ledger.check_keys(&db, STATE, &context);
        }
        if random.below(2) == 0 {
            db.close().unwrap_or_else(|e| panic!("{context}: {e}"));
        }
    }
    ledger.len() as u64
}

fn open(disk: &Arc<FaultyDisk>) -> Result<Database> {
    let builder = EngineBuilder::new(Path::new("/data"))
        .disk(disk.clone())
        .background(false);
    Database::from_builder(builder, true)
}

/// Works until something fails or enough is done; the disk may fail at any call. Gives the first number
/// for the next life.
fn live(
    disk: &Arc<FaultyDisk>,
    random: &mut Random,
    first: u64,
    ledger: &mut Ledger,
    context: &str,
) -> u64 {
    let mut next = first + 1_000_000;
    plan_failure(disk, random);
    let mut work = || -> Result<()> {
        let db = open(disk)?;
        make_topics(&db)?;
        let mut writer = Writer::new(&db, next)?;
        for _ in 0..2 + random.below(12) {
            let sent = writer.send(1 + random.below(150));
            next = writer.next();
            note_acknowledged(sent?, ledger);
            if random.below(3) == 0 {
                upkeep(&db)?;
            }
        }
        Ok(())
    };
    // An error is what a failing disk gives; what counts is what was acknowledged before and after it.
    if let Err(error) = work() {
        assert!(
            disk.failures() > 0,
            "{context}: failed on a healthy disk: {error}"
        );
    }
    disk.heal();
    next
}

fn plan_failure(disk: &FaultyDisk, random: &mut Random) {
    let nth = 1 + random.below(600);
    match random.below(5) {
        0 => {}
        1 => disk.fail_at(nth, Fault::Io),
        2 => disk.fail_from(nth, Fault::Io),
        3 => disk.fail_at(nth, Fault::Full),
        _ => disk.fail_sync_at(1 + random.below(40)),
    }
}

fn note_acknowledged(sent: Vec<Sent>, ledger: &mut Ledger) {
    for record in sent {
        let Ok(placed) = record.delivery.wait(Duration::from_secs(30)) else {
            continue;
        };
        match record.topic {
            STATE => ledger.note_key(&record.key, record.value.parse().expect("a number")),
            _ => ledger.note(
                EVENTS,
                placed.topic_partition.partition,
                placed.offset.get(),
                &record.value,
            ),
        }
    }
}
