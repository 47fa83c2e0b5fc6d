//! `latency`: sends `rate` messages a second for `seconds` and reads them; the time from `send` to `poll`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::Result;
use crate::arguments::Arguments;

const TIMEOUT: Duration = Duration::from_secs(30);

pub fn run(arguments: &Arguments) -> Result {
    let servers = arguments.text("servers")?;
    let topic = arguments.text("topic")?;
    let rate: u64 = arguments.get("rate", 1000)?;
    let count = rate * arguments.get("seconds", 3)?;
    let size: usize = arguments.get("size", 100)?;
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("acks", arguments.get("acks", "all".to_owned())?)
        .set("linger.ms", "0")
        .create()?;
    let consumer = consumer(servers, topic)?;
    producer.client().fetch_metadata(Some(topic), TIMEOUT)?;
    // The first goes through before anything counts: connections are open, the fetch waits.
    let began = Instant::now();
    send(&producer, topic, began, size)?;
    receive(&consumer, began)?;
    let done = AtomicBool::new(false);
    let mut times = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                producer.poll(Duration::from_millis(50));
            }
        });
        scope.spawn(|| {
            let since = Instant::now();
            for at in 0..count {
                let due = since + Duration::from_nanos(at * 1_000_000_000 / rate);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if let Err(error) = send(&producer, topic, began, size) {
                    eprintln!("{error}");
                    return;
                }
            }
        });
        let times: Result<Vec<u64>> = (0..count).map(|_| receive(&consumer, began)).collect();
        done.store(true, Ordering::Relaxed);
        times
    })?;
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] as f64 / 1e6;
    let (p50, p99) = (at(0.5), at(0.99));
    println!(r#"{{"p50_ms": {p50}, "p99_ms": {p99}, "messages": {count}}}"#);
    Ok(())
}

/// At the end of the topic's only partition.
fn consumer(servers: &str, topic: &str) -> Result<BaseConsumer> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("group.id", "load")
        .set("enable.auto.commit", "false")
        .create()?;
    let (_, end) = consumer.fetch_watermarks(topic, 0, TIMEOUT)?;
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(topic, 0, Offset::Offset(end))?;
    consumer.assign(&partitions)?;
    Ok(consumer)
}

/// The value begins with the time since `began`.
fn send(producer: &BaseProducer, topic: &str, began: Instant, size: usize) -> Result {
    let mut value = (began.elapsed().as_nanos() as u64).to_be_bytes().to_vec();
    value.resize(size.max(8), 0);
    let record = BaseRecord::<(), [u8]>::to(topic);
    let sent = producer.send(record.partition(0).payload(&value));
    sent.map_err(|(error, _)| error.into())
}

/// How old the next message is, in nanoseconds.
fn receive(consumer: &BaseConsumer, began: Instant) -> Result<u64> {
    let message = consumer.poll(TIMEOUT).ok_or("no message came")??;
    let now = began.elapsed().as_nanos() as u64;
    let stamp = message.payload().and_then(|p| p.first_chunk::<8>());
    let stamp = stamp.ok_or("a message without a time")?;
    Ok(now.saturating_sub(u64::from_be_bytes(*stamp)))
}
