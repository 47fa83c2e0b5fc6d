//! `consume`: reads `count` messages from the beginning and throws them away.

use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::Result;
use crate::arguments::Arguments;

const SILENCE_MAX: Duration = Duration::from_secs(30);

pub fn run(arguments: &Arguments) -> Result {
    let topic = arguments.text("topic")?;
    let count: u64 = arguments.get("count", 100_000)?;
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", arguments.text("servers")?)
        .set("group.id", "load")
        .set("enable.auto.commit", "false")
        // So that fetching does not pause while messages are handed out.
        .set("queued.min.messages", "1000000")
        .set("queued.max.messages.kbytes", "262144")
        .create()?;
    consumer.fetch_metadata(Some(topic), Duration::from_secs(30))?;
    let mut partitions = TopicPartitionList::new();
    for partition in 0..arguments.get("partitions", 1)? {
        partitions.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    let started = Instant::now();
    consumer.assign(&partitions)?;
    let (mut messages, mut bytes) = (0, 0);
    while messages < count {
        match consumer.poll(SILENCE_MAX) {
            None => return Err(format!("{messages} of {count} messages came").into()),
            Some(message) => {
                messages += 1;
                bytes += message?.payload_len();
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(r#"{{"seconds": {seconds}, "messages": {messages}, "bytes": {bytes}}}"#);
    Ok(())
}
