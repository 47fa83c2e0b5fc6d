//! ListOffsets: where logs begin and end, and what was written when.

use std::collections::BTreeMap;

use super::cluster::{Again, Cluster, To};
use super::connection::Answer;
use super::errors;
use crate::error::{Error, Result};
use crate::protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
};
use crate::types::{IsolationLevel, Offset, Timestamp, TopicPartition};

/// The first version that answers -4.
const LOCAL_START_VERSION: i16 = 8;

/// Which offset of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The log's start.
    Earliest,
    /// Its end, or the last stable offset for readers of committed records.
    Latest(IsolationLevel),
    /// The first offset on the broker's own disk (KIP-405); the log's start where brokers know no other.
    LocalStart,
    /// The first record at or after the moment.
    Time(Timestamp),
}

/// The offset, or `None` where there is none (no record is that late).
pub type Found = Option<Offset>;

impl At {
    fn number(self, version: i16) -> i64 {
        match self {
            At::Latest(_) => -1,
            At::LocalStart if version >= LOCAL_START_VERSION => -4,
            At::Earliest | At::LocalStart => -2,
            At::Time(moment) => moment.get(),
        }
    }

    fn isolation(self) -> i8 {
        matches!(self, At::Latest(IsolationLevel::ReadCommitted)).into()
    }
}

impl Cluster {
    /// The offset at `at` of each place, in their order.
    ///
    /// Errors: NotFound; Unavailable while a partition has no leader.
    pub fn offsets(&mut self, places: &[TopicPartition], at: At) -> Result<Vec<Found>> {
        let mut found: BTreeMap<TopicPartition, Found> = BTreeMap::new();
        let mut retry = self.retry();
        loop {
            let left = places.iter().filter(|place| !found.contains_key(place));
            let mut by_leader: BTreeMap<i32, Vec<TopicPartition>> = BTreeMap::new();
            let mut trouble = None;
            for place in left {
                match self.leader(place) {
                    Ok(node) => by_leader.entry(node).or_default().push(place.clone()),
                    Err(error) => trouble = Some(error),
                }
            }
            for (node, asked) in by_leader {
                let build = |version| request(&asked, at, version);
                match self.call(To::Node(node), Again::Always, build, read) {
                    Ok(answers) => {
                        for (place, outcome) in answers {
                            match outcome {
                                Ok(offset) => drop(found.insert(place, offset)),
                                Err(error) => trouble = Some(error),
                            }
                        }
                    }
                    Err(error) => trouble = Some(error),
                }
            }
            let missing = places.iter().find(|place| !found.contains_key(place));
            let Some(place) = missing else { break };
            let error = trouble.unwrap_or_else(|| {
                Error::corrupt(format!("the broker's answer says nothing about {place}"))
            });
            retry.after(&*self.clock.clone(), error)?;
            let names: Vec<&str> = places.iter().map(|p| &*p.topic).collect();
            self.refresh(&names)?;
        }
        Ok(places
            .iter()
            .map(|p| found.get(p).copied().flatten())
            .collect())
    }
}

fn request<'q>(places: &'q [TopicPartition], at: At, version: i16) -> ListOffsetsRequest<'q> {
    let mut topics: Vec<ListOffsetsTopic<'q>> = Vec::new();
    for place in places {
        let partition = ListOffsetsPartition {
            partition_index: place.partition,
            timestamp: at.number(version),
            ..ListOffsetsPartition::default()
        };
        match topics.iter_mut().find(|t| t.name == *place.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(ListOffsetsTopic {
                name: (*place.topic).into(),
                partitions: vec![partition],
            }),
        }
    }
    ListOffsetsRequest {
        replica_id: -1,
        isolation_level: if version >= 2 { at.isolation() } else { 0 },
        topics,
        ..ListOffsetsRequest::default()
    }
}

type Answered = Vec<(TopicPartition, Result<Found>)>;

fn read(answer: &Answer) -> Result<Answered> {
    let response: ListOffsetsResponse<'_> = answer.read()?;
    let mut found = Vec::new();
    for topic in &response.topics {
        for part in &topic.partitions {
            let place = TopicPartition::new(&*topic.name, part.partition_index);
            let label = format_args!("{place} on broker {}", answer.peer());
            let outcome = errors::check(part.error_code, None, label)
                .map(|()| Some(Offset(part.offset)).filter(|o| o.get() >= 0));
            found.push((place, outcome));
        }
    }
    Ok(found)
}
