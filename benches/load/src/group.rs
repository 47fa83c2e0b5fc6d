//! `group`: `members` are stable in one group, one more joins; the time until all are stable again.
//!
//! A member is a thread with a blocking socket that does what a consumer of the classic protocol does. Its
//! heartbeats, one each `heartbeat` ms, are spread evenly over the members, so the last of them hears of
//! the rebalance a whole interval after the join; `tail_ms` is the time from the last member's JoinGroup to
//! the last answer to SyncGroup, which is the broker's alone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use std::sync::{Condvar, Mutex};

use crate::Result;
use crate::arguments::Arguments;
use crate::wire::{Body, FIND_COORDINATOR, HEARTBEAT, JOIN_GROUP, SYNC_GROUP, Wire};

const STABLE_TIMEOUT: Duration = Duration::from_secs(100);
const STACK_BYTES: usize = 128 << 10;
const SESSION_TIMEOUT_MS: i32 = 30_000;
const REBALANCE_TIMEOUT_MS: i32 = 60_000;

const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
const COORDINATOR_NOT_AVAILABLE: i16 = 15;
const NOT_COORDINATOR: i16 = 16;
const ILLEGAL_GENERATION: i16 = 22;
const UNKNOWN_MEMBER_ID: i16 = 25;
const REBALANCE_IN_PROGRESS: i16 = 27;
const MEMBER_ID_REQUIRED: i16 = 79;

/// What the members saw of one generation.
#[derive(Default)]
struct Generation {
    /// As the leader was told.
    size: usize,
    stable: usize,
    /// When the last of its members sent JoinGroup.
    asked: Option<Instant>,
    /// When the last of its members had its assignment.
    stable_at: Option<Instant>,
}

#[derive(Default)]
struct Seen {
    generations: Mutex<HashMap<i32, Generation>>,
    changed: Condvar,
}

impl Seen {
    fn note(&self, generation: i32, change: impl FnOnce(&mut Generation)) {
        if let Ok(mut all) = self.generations.lock() {
            change(all.entry(generation).or_default());
        }
        self.changed.notify_all();
    }

    /// Until `size` members are stable together; when they were, and when the last of them asked.
    fn wait(&self, size: usize) -> Result<(Instant, Instant)> {
        let limit = Instant::now() + STABLE_TIMEOUT;
        let mut all = self.generations.lock().map_err(|_| "a member panicked")?;
        loop {
            let whole = all.values().find(|g| g.size == size && g.stable == size);
            if let Some((at, asked)) = whole.and_then(|g| g.stable_at.zip(g.asked)) {
                return Ok((at, asked));
            }
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let most = all.values().map(|g| g.stable).max();
                return Err(format!("{most:?} of {size} members became stable").into());
            }
            let waited = self.changed.wait_timeout(all, left);
            all = waited.map_err(|_| "a member panicked")?.0;
        }
    }
}

struct Member {
    wire: Wire,
    group: String,
    topic: String,
    id: String,
    seen: Arc<Seen>,
    heartbeat: Duration,
    /// From the moment it is stable to its first heartbeat.
    phase: Duration,
}

/// The answer to a JoinGroup.
struct Joined {
    generation: i32,
    /// All members, where this one leads.
    members: Vec<String>,
}

pub fn run(arguments: &Arguments) -> Result {
    let count: usize = arguments.get("members", 2000)?;
    let heartbeat = Duration::from_millis(arguments.get("heartbeat", 1000)?);
    let seen = Arc::new(Seen::default());
    find_coordinator(arguments)?;
    let make = |at: usize| -> Result<Member> {
        Ok(Member {
            wire: Wire::connect(arguments.text("servers")?)?,
            group: arguments.text("group")?.to_owned(),
            topic: arguments.text("topic")?.to_owned(),
            id: String::new(),
            seen: seen.clone(),
            heartbeat,
            phase: heartbeat.mul_f64((at + 1) as f64 / count as f64),
        })
    };
    let began = Instant::now();
    for at in 0..count {
        start(make(at)?)?;
    }
    let setup = seen.wait(count)?.0.duration_since(began);
    // Every member is in the rhythm of its heartbeats.
    let joiner = make(count / 2)?;
    std::thread::sleep(heartbeat * 2);
    let joins = Instant::now();
    start(joiner)?;
    let (at, asked) = seen.wait(count + 1)?;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        r#"{{"stable_ms": {}, "tail_ms": {}, "setup_ms": {}}}"#,
        ms(at.duration_since(joins)),
        ms(at.duration_since(asked)),
        ms(setup)
    );
    // The members' threads end with the process.
    Ok(())
}

fn find_coordinator(arguments: &Arguments) -> Result {
    let mut wire = Wire::connect(arguments.text("servers")?)?;
    let since = Instant::now();
    loop {
        let mut body = Body::default();
        body.text(arguments.text("group")?).i8(0);
        let mut answer = wire.call(FIND_COORDINATOR, 1, &body)?;
        answer.i32()?;
        match answer.i16()? {
            0 => return Ok(()),
            error if since.elapsed() > STABLE_TIMEOUT => {
                return Err(format!("no coordinator: error {error}").into());
            }
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn start(member: Member) -> Result {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(move || {
        if let Err(error) = member.run() {
            eprintln!("a member ended: {error}");
        }
    })?;
    Ok(())
}

impl Member {
    fn run(mut self) -> Result {
        loop {
            let joined = self.join()?;
            match self.sync(&joined)? {
                0 => {}
                REBALANCE_IN_PROGRESS | ILLEGAL_GENERATION => continue,
                error => return Err(format!("SyncGroup: error {error}").into()),
            }
            let now = Instant::now();
            self.seen.note(joined.generation, |g| {
                g.stable += 1;
                g.stable_at = g.stable_at.max(Some(now));
            });
            std::thread::sleep(self.phase);
            loop {
                match self.beat(joined.generation)? {
                    0 => std::thread::sleep(self.heartbeat),
                    REBALANCE_IN_PROGRESS | ILLEGAL_GENERATION => break,
                    error => return Err(format!("Heartbeat: error {error}").into()),
                }
            }
        }
    }

    fn join(&mut self) -> Result<Joined> {
        let mut subscription = Body::default();
        subscription.i16(0).i32(1).text(&self.topic).i32(-1);
        loop {
            let mut body = Body::default();
            body.text(&self.group);
            body.i32(SESSION_TIMEOUT_MS).i32(REBALANCE_TIMEOUT_MS);
            body.text(&self.id).none().text("consumer");
            body.i32(1).text("range").blob(subscription.bytes());
            let asked = Instant::now();
            let mut answer = self.wire.call(JOIN_GROUP, 5, &body)?;
            answer.i32()?;
            let (error, generation) = (answer.i16()?, answer.i32()?);
            (answer.text()?, answer.text()?);
            let id = answer.text()?;
            match error {
                0 => {}
                MEMBER_ID_REQUIRED => {
                    self.id = id;
                    continue;
                }
                UNKNOWN_MEMBER_ID => {
                    self.id.clear();
                    continue;
                }
                REBALANCE_IN_PROGRESS => continue,
                COORDINATOR_LOAD_IN_PROGRESS | COORDINATOR_NOT_AVAILABLE | NOT_COORDINATOR => {
                    std::thread::sleep(Duration::from_millis(50));
                    continue;
                }
                error => return Err(format!("JoinGroup: error {error}").into()),
            }
            self.id = id;
            let mut members = Vec::new();
            for _ in 0..answer.i32()? {
                members.push(answer.text()?);
                answer.text()?;
                answer.skip_blob()?;
            }
            self.seen.note(generation, |g| {
                g.size = g.size.max(members.len());
                g.asked = g.asked.max(Some(asked));
            });
            return Ok(Joined {
                generation,
                members,
            });
        }
    }

    fn sync(&mut self, joined: &Joined) -> Result<i16> {
        let mut body = Body::default();
        body.text(&self.group).i32(joined.generation);
        body.text(&self.id).none();
        body.i32(joined.members.len() as i32);
        for (partition, member) in joined.members.iter().enumerate() {
            let mut assignment = Body::default();
            assignment.i16(0).i32(1).text(&self.topic);
            assignment.i32(1).i32(partition as i32).i32(-1);
            body.text(member).blob(assignment.bytes());
        }
        let mut answer = self.wire.call(SYNC_GROUP, 3, &body)?;
        answer.i32()?;
        answer.i16()
    }

    fn beat(&mut self, generation: i32) -> Result<i16> {
        let mut body = Body::default();
        body.text(&self.group).i32(generation).text(&self.id).none();
        let mut answer = self.wire.call(HEARTBEAT, 3, &body)?;
        answer.i32()?;
        answer.i16()
    }
}
