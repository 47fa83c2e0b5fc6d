//! Producer and consumer of a data directory.

use std::collections::BTreeMap;
use std::time::Duration;

use super::topics::Local;
use crate::cli::backend::seam::{Each, Sink, SinkOptions, Source, SourceOptions};
use crate::cli::stop;
use crate::embedded::{Consumer, ConsumerOptions, Database, Message, Producer, ProducerOptions};
use crate::error::Result;
use crate::record::Batches;
use crate::types::{Offset, TopicPartition};

pub(super) struct LocalSink {
    producer: Producer,
    topic: String,
}

pub(super) struct LocalSource {
    consumer: Consumer,
}

impl Local<'_> {
    pub(super) fn producer(&self, topic: &str, options: &SinkOptions) -> Result<LocalSink> {
        self.db.engine().topic(topic)?;
        let mut own = ProducerOptions {
            compression: options.compression,
            ..ProducerOptions::default()
        };
        own.linger = options.linger.unwrap_or(own.linger);
        if options.any_size {
            own.request_bytes_max = i32::MAX as usize;
        }
        Ok(LocalSink {
            producer: self.db.producer(own)?,
            topic: topic.to_owned(),
        })
    }

    pub(super) fn consumer(&self, options: SourceOptions) -> Result<LocalSource> {
        let consumer = self.db.consumer(ConsumerOptions {
            group: options.group,
            start: options.start,
            isolation: options.isolation,
            auto_commit: false,
            client_id: "levada-cli".to_owned(),
            ..ConsumerOptions::default()
        })?;
        Ok(LocalSource { consumer })
    }
}

impl Sink for LocalSink {
    fn send(&mut self, message: Message<'_>) -> Result<()> {
        self.producer.send(&self.topic, message).map(drop)
    }

    fn flush(&mut self) -> Result<()> {
        self.producer.flush(Database::FLUSH_TIMEOUT).map(drop)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.producer.close(Database::FLUSH_TIMEOUT).map(drop)
    }
}

impl Source for LocalSource {
    fn assign(&mut self, places: &[(TopicPartition, Offset)]) -> Result<()> {
        let names: Vec<TopicPartition> = places.iter().map(|(name, _)| name.clone()).collect();
        self.consumer.assign(&names)?;
        for (name, offset) in places {
            self.consumer.seek(name, *offset)?;
        }
        Ok(())
    }

    fn subscribe(&mut self, topics: &[&str]) -> Result<()> {
        self.consumer.subscribe(topics)
    }

    fn assignment(&mut self) -> Result<Vec<TopicPartition>> {
        self.consumer.assignment()
    }

    fn position(&mut self, place: &TopicPartition) -> Result<Offset> {
        self.consumer.position(place)
    }

    fn pause(&mut self, place: &TopicPartition) -> Result<()> {
        self.consumer.pause(std::slice::from_ref(place))
    }

    fn poll(&mut self, most: usize, wait: Duration, each: &mut Each<'_>) -> stop::Result<usize> {
        let batches = self.consumer.poll(Some(most), wait)?;
        let mut count = 0;
        for batch in &batches {
            count += batch.len();
            for record in batch.iter() {
                each(batch.topic_partition(), &record)?;
            }
        }
        Ok(count)
    }

    fn skim(&mut self, wait: Duration) -> Result<u64> {
        let mut records = 0;
        for raw in &self.consumer.poll_raw(None, wait)? {
            for batch in Batches::new(&raw.batches) {
                records += u64::from(batch?.header().count.unsigned_abs());
            }
        }
        Ok(records)
    }

    fn commit(&mut self, offsets: &[(TopicPartition, Offset)]) -> Result<()> {
        let offsets: BTreeMap<_, _> = offsets.iter().cloned().collect();
        self.consumer.commit(Some(&offsets))
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.consumer.close()
    }
}
