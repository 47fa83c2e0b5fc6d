//! `produce`: sends `count` messages of `size` bytes from `threads` producers and waits for them all;
//! or as many as go in `seconds`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};

use crate::Result;
use crate::arguments::Arguments;

const POLL: Duration = Duration::from_millis(20);
const FLUSH_TIMEOUT: Duration = Duration::from_secs(120);

/// Counts what was delivered and what was not.
#[derive(Default)]
struct Outcomes {
    delivered: AtomicU64,
    failed: AtomicU64,
    /// Who wants to know.
    sender: OnceLock<Thread>,
}

impl Outcomes {
    fn settled(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed) + self.failed.load(Ordering::Relaxed)
    }
}

impl ClientContext for Outcomes {}

impl ProducerContext for Outcomes {
    type DeliveryOpaque = ();

    fn delivery(&self, outcome: &DeliveryResult<'_>, (): ()) {
        let counter = match outcome {
            Ok(_) => &self.delivered,
            Err(_) => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Some(sender) = self.sender.get() {
            sender.unpark();
        }
    }
}

struct Plan<'a> {
    topic: &'a str,
    /// Of one producer.
    count: u64,
    partitions: i32,
    /// Messages that may wait for their answer; 0 is librdkafka's own limit.
    outstanding: u64,
    seconds: f64,
}

pub fn run(arguments: &Arguments) -> Result {
    let threads: u64 = arguments.get("threads", 1)?;
    let size: usize = arguments.get("size", 1024)?;
    let plan = Plan {
        topic: arguments.text("topic")?,
        count: arguments.get("count", 100_000)? / threads,
        partitions: arguments.get("partitions", 1)?,
        outstanding: arguments.get("outstanding", 0)?,
        seconds: arguments.get("seconds", f64::INFINITY)?,
    };
    let value = noise(size);
    let producers = (0..threads).map(|_| producer(arguments));
    let producers = producers.collect::<Result<Vec<_>>>()?;
    let started = Instant::now();
    let (messages, end) = std::thread::scope(|scope| {
        let running: Vec<_> = producers
            .iter()
            .map(|producer| scope.spawn(|| serve(producer, &plan, &value)))
            .collect();
        let (mut messages, mut end) = (0, started);
        for thread in running {
            let (delivered, at) = thread.join().map_err(|_| "a producer panicked")??;
            messages += delivered;
            end = end.max(at);
        }
        Result::Ok((messages, end))
    })?;
    let seconds = end.duration_since(started).as_secs_f64();
    let bytes = messages * size as u64;
    println!(r#"{{"seconds": {seconds}, "messages": {messages}, "bytes": {bytes}}}"#);
    Ok(())
}

/// A producer that has found the topic's leader.
fn producer(arguments: &Arguments) -> Result<BaseProducer<Outcomes>> {
    let producer: BaseProducer<Outcomes> = ClientConfig::new()
        .set("bootstrap.servers", arguments.text("servers")?)
        .set("acks", arguments.get("acks", "all".to_owned())?)
        .set("linger.ms", arguments.get("linger", "5".to_owned())?)
        .set("compression.type", "none")
        .set(
            "enable.idempotence",
            arguments.get("idempotence", "false".to_owned())?,
        )
        .set("queue.buffering.max.messages", "500000")
        .set("queue.buffering.max.kbytes", "262144")
        .create_with_context(Outcomes::default())?;
    let topic = arguments.text("topic")?;
    producer
        .client()
        .fetch_metadata(Some(topic), Duration::from_secs(30))?;
    Ok(producer)
}

/// Sends, while a second thread takes what the broker answers: `poll` returns at its timeout only.
fn serve(
    producer: &BaseProducer<Outcomes>,
    plan: &Plan<'_>,
    value: &[u8],
) -> Result<(u64, Instant)> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                producer.poll(POLL);
            }
        });
        let sent = send(producer, plan, value);
        done.store(true, Ordering::Relaxed);
        sent
    })
}

/// How many were delivered, all that were sent, and when the last of them was.
fn send(
    producer: &BaseProducer<Outcomes>,
    plan: &Plan<'_>,
    value: &[u8],
) -> Result<(u64, Instant)> {
    let outcomes = producer.context();
    outcomes.sender.get_or_init(std::thread::current);
    let started = Instant::now();
    let mut sent = 0;
    while sent < plan.count {
        let partition = (sent % plan.partitions as u64) as i32;
        loop {
            let record = BaseRecord::<(), [u8]>::to(plan.topic);
            match producer.send(record.partition(partition).payload(value)) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    std::thread::park_timeout(POLL);
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
        sent += 1;
        while plan.outstanding > 0 && sent - outcomes.settled() >= plan.outstanding {
            std::thread::park_timeout(POLL);
        }
        if plan.seconds.is_finite() && started.elapsed().as_secs_f64() >= plan.seconds {
            break;
        }
    }
    let limit = Instant::now() + FLUSH_TIMEOUT;
    while outcomes.settled() < sent && Instant::now() < limit {
        std::thread::park_timeout(POLL);
    }
    match outcomes.delivered.load(Ordering::Relaxed) {
        n if n == sent => Ok((n, Instant::now())),
        n => Err(format!("{n} of {sent} messages were delivered").into()),
    }
}

/// Bytes that no codec makes smaller, the same in every run.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..size).map(|_| next()).collect()
}
