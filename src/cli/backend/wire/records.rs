//! Producer and consumer of a cluster.

use std::time::Duration;

use super::topics::Wire;
use crate::cli::backend::seam::{Each, Sink, SinkOptions, Source, SourceOptions};
use crate::cli::stop;
use crate::client::{At, Cluster, Fetcher, Member, Outgoing, Producer, ProducerOptions};
use crate::embedded::{Message, Start};
use crate::error::{Code, Error, Result};
use crate::types::{IsolationLevel, Offset, TopicPartition};

pub(super) struct WireSink {
    producer: Producer,
}

pub(super) struct WireSource<'a> {
    cluster: &'a mut Cluster,
    fetcher: Fetcher,
    member: Option<Member>,
    options: SourceOptions,
}

impl Wire {
    pub(super) fn producer(&self, topic: &str, options: &SinkOptions) -> Result<WireSink> {
        let mut own = ProducerOptions {
            compression: options.compression,
            ..ProducerOptions::default()
        };
        own.linger = options.linger.unwrap_or(own.linger);
        let producer = Producer::start(self.cluster.another()?, topic, own)?;
        Ok(WireSink { producer })
    }

    pub(super) fn consumer(&mut self, options: SourceOptions) -> WireSource<'_> {
        WireSource {
            cluster: &mut self.cluster,
            fetcher: Fetcher::new(options.isolation),
            member: None,
            options,
        }
    }
}

impl Sink for WireSink {
    fn send(&mut self, message: Message<'_>) -> Result<()> {
        self.producer.send(Outgoing {
            partition: message.partition,
            key: message.key,
            value: message.value,
            headers: message.headers,
            timestamp: message.timestamp,
        })
    }

    fn flush(&mut self) -> Result<()> {
        self.producer.flush()
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.producer.close()
    }
}

impl WireSource<'_> {
    /// Heartbeats, and takes up the partitions that the group gives.
    fn keep_up(&mut self) -> Result<()> {
        let Some(member) = &mut self.member else {
            return Ok(());
        };
        let Some(owned) = member.keep_up(self.cluster)? else {
            return Ok(());
        };
        let known = self.fetcher.assignment();
        let added: Vec<_> = owned
            .iter()
            .filter(|p| !known.contains(p))
            .cloned()
            .collect();
        let mut places = self.starts(&added)?;
        for place in owned {
            if let Some(position) = self.fetcher.position(&place) {
                places.push((place, position));
            }
        }
        self.fetcher.assign(&places);
        Ok(())
    }

    /// Where the group goes on: at what it committed, or where it is to begin.
    fn starts(&mut self, places: &[TopicPartition]) -> Result<Vec<(TopicPartition, Offset)>> {
        let mut starts = Vec::new();
        let Some(group) = self.options.group.clone().filter(|_| !places.is_empty()) else {
            return Ok(starts);
        };
        let committed = self.cluster.committed(&group)?;
        let mut fresh = Vec::new();
        for place in places {
            match committed.iter().find(|c| c.place == *place) {
                Some(found) => starts.push((place.clone(), found.offset)),
                None => fresh.push(place.clone()),
            }
        }
        let latest = At::Latest(IsolationLevel::ReadUncommitted);
        let at = match self.options.start {
            Start::Earliest => At::Earliest,
            Start::Latest => latest,
            Start::Time(moment) => At::Time(moment),
            Start::Fail if fresh.is_empty() => return Ok(starts),
            Start::Fail => {
                let what = format!("group {group} has committed nothing for {}", fresh.len());
                return Err(Error::coded(Code::OffsetOutOfRange, what + " partitions"));
            }
        };
        let found = self.cluster.offsets(&fresh, at)?;
        let ends = match found.contains(&None) {
            true => self.cluster.offsets(&fresh, latest)?,
            false => Vec::new(),
        };
        for (at, (place, offset)) in fresh.into_iter().zip(found).enumerate() {
            let end = ends.get(at).copied().flatten();
            starts.push((place, offset.or(end).unwrap_or(Offset::ZERO)));
        }
        Ok(starts)
    }
}

impl Source for WireSource<'_> {
    fn assign(&mut self, places: &[(TopicPartition, Offset)]) -> Result<()> {
        self.fetcher.assign(places);
        Ok(())
    }

    fn subscribe(&mut self, topics: &[&str]) -> Result<()> {
        let group = self.options.group.as_deref();
        let group = group.ok_or_else(|| Error::internal("a subscription needs a group"))?;
        self.member = Some(Member::new(self.cluster, group, topics)?);
        self.keep_up()
    }

    fn assignment(&mut self) -> Result<Vec<TopicPartition>> {
        Ok(self.fetcher.assignment())
    }

    fn position(&mut self, place: &TopicPartition) -> Result<Offset> {
        let position = self.fetcher.position(place);
        position.ok_or_else(|| Error::internal(format!("{place} is not assigned")))
    }

    fn pause(&mut self, place: &TopicPartition) -> Result<()> {
        self.fetcher.pause(place);
        Ok(())
    }

    fn poll(&mut self, most: usize, wait: Duration, each: &mut Each<'_>) -> stop::Result<usize> {
        self.keep_up()?;
        let mut count = 0;
        for batch in self.fetcher.poll(self.cluster, most, wait)? {
            count += batch.len();
            for record in batch.iter() {
                each(batch.topic_partition(), &record)?;
            }
        }
        Ok(count)
    }

    fn skim(&mut self, wait: Duration) -> Result<u64> {
        self.fetcher.skim(self.cluster, wait)
    }

    fn commit(&mut self, offsets: &[(TopicPartition, Offset)]) -> Result<()> {
        let Some(member) = &mut self.member else {
            return Ok(());
        };
        match member.commit(self.cluster, offsets) {
            // The epoch moved on since the last heartbeat: the next one tells it.
            Err(error) if error.code() == Code::StaleMemberEpoch => member.hurry(),
            other => return other,
        }
        self.keep_up()?;
        let owned = self.fetcher.assignment();
        let still = offsets.iter().filter(|(place, _)| owned.contains(place));
        let still: Vec<_> = still.cloned().collect();
        match &mut self.member {
            Some(member) => member.commit(self.cluster, &still),
            None => Ok(()),
        }
    }

    fn committed_by_all(&mut self) -> Result<Vec<(TopicPartition, Offset)>> {
        let Some(group) = self.options.group.clone() else {
            return Ok(Vec::new());
        };
        let found = self.cluster.committed(&group)?.into_iter();
        Ok(found.map(|c| (c.place, c.offset)).collect())
    }

    fn close(self: Box<Self>) -> Result<()> {
        match self.member {
            Some(member) => member.leave(self.cluster),
            None => Ok(()),
        }
    }
}
