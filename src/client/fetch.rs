//! Fetch: records of assigned partitions, read ahead a chunk at a time.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::thread;
use std::time::Duration;

use bytes::Bytes;

use super::cluster::{Cluster, To};
use super::connection::{Answer, Ticket};
use super::errors;
use super::retry::Retry;
use crate::error::{Error, Result};
use crate::protocol::ApiKey;
use crate::protocol::messages::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData,
};
use crate::record::{Batches, ControlRecord, ControlType, PlainRecords, RecordSpan, RecordView};
use crate::types::{IsolationLevel, Offset, TopicId, TopicPartition};

/// What one broker may answer at once, and of one partition: a first batch may be larger.
const ANSWER_BYTES: i32 = 32 << 20;
const PARTITION_BYTES: i32 = 4 << 20;
/// No batch may decompress to more than this.
const PLAIN_BYTES_MAX: usize = 1 << 30;
const IDLE_PAUSE: Duration = Duration::from_millis(50);
/// From here on topics go by their ids.
const IDS_VERSION: i16 = 13;

/// Reads partitions from given offsets on. Positions move with what [`Fetcher::poll`] gives.
#[derive(Debug)]
pub struct Fetcher {
    isolation: IsolationLevel,
    places: BTreeMap<TopicPartition, Place>,
    /// Fetched and not given yet; at most one of a partition.
    ready: VecDeque<Chunk>,
    /// Since the first error without a success after it.
    retry: Option<Retry>,
}

#[derive(Debug)]
struct Place {
    /// The offset of the next record to give.
    position: Offset,
    paused: bool,
}

/// What one answer had of one partition.
#[derive(Debug)]
struct Chunk {
    place: TopicPartition,
    /// Whole batches, perhaps a part of one behind them.
    rest: Bytes,
    /// Ascending by first offset: what is not open yet.
    aborted: VecDeque<(i64, i64)>,
    /// Producers whose records are of an aborted transaction here.
    open: HashSet<i64>,
    batch: Option<Batch>,
}

/// A batch that is being given.
#[derive(Debug)]
struct Batch {
    plain: PlainRecords,
    spans: Vec<RecordSpan>,
    given: usize,
    next: Offset,
}

/// Records of one batch.
#[derive(Debug)]
pub struct Polled {
    place: TopicPartition,
    payload: Bytes,
    spans: Vec<RecordSpan>,
}

impl Polled {
    pub fn topic_partition(&self) -> &TopicPartition {
        &self.place
    }

    pub fn len(&self) -> usize {
        self.spans.len()
    }

    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = RecordView<'_>> {
        self.spans.iter().map(|span| span.view(&self.payload))
    }
}

impl Fetcher {
    pub fn new(isolation: IsolationLevel) -> Fetcher {
        Fetcher {
            isolation,
            places: BTreeMap::new(),
            ready: VecDeque::new(),
            retry: None,
        }
    }

    /// Reads these from now on and no others; those that were read already go on where they are.
    pub fn assign(&mut self, places: &[(TopicPartition, Offset)]) {
        let mut old = std::mem::take(&mut self.places);
        for (place, position) in places {
            let fresh = Place {
                position: *position,
                paused: false,
            };
            let kept = old.remove(place).unwrap_or(fresh);
            self.places.insert(place.clone(), kept);
        }
        let places = &self.places;
        self.ready.retain(|chunk| places.contains_key(&chunk.place));
    }

    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.places.keys().cloned().collect()
    }

    /// The offset of the next record that a poll gives.
    pub fn position(&self, place: &TopicPartition) -> Option<Offset> {
        self.places.get(place).map(|p| p.position)
    }

    /// Asks for no more of this partition, and drops what was read ahead.
    pub fn pause(&mut self, place: &TopicPartition) {
        if let Some(found) = self.places.get_mut(place) {
            found.paused = true;
        }
        self.ready.retain(|chunk| chunk.place != *place);
    }

    /// Up to `most` records. Waits up to `wait` when there are none yet; brokers are asked together,
    /// and the slowest of them is waited for.
    ///
    /// Errors: OutOfRange for a position that is not there any more; NotFound.
    pub fn poll(
        &mut self,
        cluster: &mut Cluster,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<Polled>> {
        if self.ready.is_empty() {
            self.fetch(cluster, wait)?;
        }
        let mut left = most;
        let mut polled = Vec::new();
        while left > 0 {
            let Some(chunk) = self.ready.front_mut() else {
                break;
            };
            let position = match self.places.get_mut(&chunk.place) {
                Some(place) => &mut place.position,
                None => {
                    self.ready.pop_front();
                    continue;
                }
            };
            match chunk.take(position, left, self.isolation)? {
                Some(some) => {
                    left -= some.len();
                    polled.push(some);
                }
                None => drop(self.ready.pop_front()),
            }
        }
        Ok(polled)
    }

    /// Takes what there is without looking at the records: how many the batches say they have.
    pub fn skim(&mut self, cluster: &mut Cluster, wait: Duration) -> Result<u64> {
        if self.ready.is_empty() {
            self.fetch(cluster, wait)?;
        }
        let mut records = 0;
        while let Some(chunk) = self.ready.pop_front() {
            for batch in Batches::new(&chunk.rest) {
                let header = *batch?.header();
                records += u64::from(header.count.unsigned_abs());
                if let Some(place) = self.places.get_mut(&chunk.place) {
                    place.position = header.next_offset();
                }
            }
        }
        Ok(records)
    }

    fn fetch(&mut self, cluster: &mut Cluster, wait: Duration) -> Result<()> {
        let mut trouble = None;
        let mut by_leader: BTreeMap<i32, Vec<TopicPartition>> = BTreeMap::new();
        for (place, _) in self.places.iter().filter(|(_, p)| !p.paused) {
            match cluster.leader(place) {
                Ok(node) => by_leader.entry(node).or_default().push(place.clone()),
                Err(error) => trouble = Some(error),
            }
        }
        let mut sent = Vec::new();
        for (node, places) in by_leader {
            match self.send(cluster, node, &places, wait) {
                Ok(ticket) => sent.push((node, ticket)),
                Err(error) => {
                    cluster.forget(To::Node(node), &error);
                    trouble = Some(error);
                }
            }
        }
        if sent.is_empty() && trouble.is_none() {
            // Nothing is assigned yet: whoever polls in a loop must not spin.
            thread::park_timeout(wait.min(IDLE_PAUSE));
        }
        for (node, ticket) in sent {
            let limit = cluster.wait(wait);
            let connection = cluster.connection(To::Node(node))?;
            let answer = connection.receive(ticket, limit);
            if let Err(error) = answer.and_then(|answer| self.keep(cluster, &answer)) {
                cluster.forget(To::Node(node), &error);
                trouble = Some(error);
            }
        }
        match trouble {
            None => self.retry = None,
            Some(error) => {
                let clock = cluster.clock.clone();
                let retry = self.retry.get_or_insert_with(|| cluster.retry());
                retry.after(&*clock, error)?;
                let names: HashSet<&str> = self.places.keys().map(|p| &*p.topic).collect();
                let names: Vec<&str> = names.into_iter().collect();
                cluster.refresh(&names)?;
            }
        }
        Ok(())
    }

    fn send(
        &self,
        cluster: &mut Cluster,
        node: i32,
        places: &[TopicPartition],
        wait: Duration,
    ) -> Result<Ticket> {
        let mut topics: Vec<FetchTopic<'_>> = Vec::new();
        let mut has_ids = true;
        for place in places {
            let partition = FetchPartition {
                partition: place.partition,
                fetch_offset: self.position(place).unwrap_or(Offset::ZERO).get(),
                partition_max_bytes: PARTITION_BYTES,
                ..FetchPartition::default()
            };
            let id = cluster.topic_id(&place.topic);
            has_ids &= id != TopicId::NONE;
            match topics.iter_mut().find(|t| t.topic == *place.topic) {
                Some(topic) => topic.partitions.push(partition),
                None => topics.push(FetchTopic {
                    topic: (*place.topic).into(),
                    topic_id: id,
                    partitions: vec![partition],
                }),
            }
        }
        let limit = cluster.wait(Duration::ZERO);
        let connection = cluster.connection(To::Node(node))?;
        let known = connection.version(ApiKey::Fetch)?;
        let version = match has_ids {
            true => known,
            false => known.min(IDS_VERSION - 1),
        };
        let request = FetchRequest {
            max_wait_ms: i32::try_from(wait.as_millis()).unwrap_or(i32::MAX),
            min_bytes: 1,
            max_bytes: ANSWER_BYTES,
            isolation_level: matches!(self.isolation, IsolationLevel::ReadCommitted).into(),
            topics,
            ..FetchRequest::default()
        };
        connection.send(version, &request, limit)
    }

    /// Takes what an answer has for partitions that are still wanted; the first error in it comes back
    /// when the others are kept.
    fn keep(&mut self, cluster: &Cluster, answer: &Answer) -> Result<()> {
        let response: FetchResponse<'_> = answer.read()?;
        errors::check(
            response.error_code,
            None,
            format_args!("fetch from broker {}", answer.peer()),
        )?;
        let mut outcome = Ok(());
        for topic in &response.responses {
            for part in &topic.partitions {
                let place = self.places.keys().find(|place| {
                    let same = match answer.version {
                        IDS_VERSION.. => cluster.topic_id(&place.topic) == topic.topic_id,
                        _ => *place.topic == *topic.topic,
                    };
                    same && place.partition == part.partition_index
                });
                let Some(place) = place.cloned() else {
                    continue;
                };
                let label = format_args!("{place} on broker {}", answer.peer());
                match errors::check(part.error_code, None, label) {
                    Ok(()) => self.ready.extend(chunk(place, part, answer)),
                    Err(error) => outcome = Err(error),
                }
            }
        }
        outcome
    }
}

fn chunk(place: TopicPartition, part: &PartitionData<'_>, answer: &Answer) -> Option<Chunk> {
    let records = part.records.as_ref().filter(|r| !r.is_empty())?;
    let rest = match records {
        crate::protocol::Records::Slice(slice) => answer.frame.slice_ref(slice),
        other => Bytes::from(other.contiguous().into_owned()),
    };
    let aborted = part.aborted_transactions.iter().flatten();
    let mut aborted: Vec<(i64, i64)> = aborted.map(|a| (a.first_offset, a.producer_id)).collect();
    aborted.sort_unstable();
    Some(Chunk {
        place,
        rest,
        aborted: aborted.into(),
        open: HashSet::new(),
        batch: None,
    })
}

impl Chunk {
    /// The next records, at most `most`; moves `position`. `None` when all are given.
    fn take(
        &mut self,
        position: &mut Offset,
        most: usize,
        isolation: IsolationLevel,
    ) -> Result<Option<Polled>> {
        loop {
            let Some(batch) = &mut self.batch else {
                if !self.open_next(*position, isolation)? {
                    return Ok(None);
                }
                continue;
            };
            let end = batch.spans.len().min(batch.given.saturating_add(most));
            let spans = batch
                .spans
                .get(batch.given..end)
                .unwrap_or_default()
                .to_vec();
            batch.given = end;
            if end == batch.spans.len() {
                *position = batch.next.max(*position);
            } else if let Some(last) = spans.last() {
                *position = last.offset.next();
            }
            let payload = batch.plain.payload.clone();
            if end == batch.spans.len() {
                self.batch = None;
            }
            if !spans.is_empty() {
                let place = self.place.clone();
                return Ok(Some(Polled {
                    place,
                    payload,
                    spans,
                }));
            }
        }
    }

    /// Opens the next batch; `false` when no whole one is left.
    fn open_next(&mut self, position: Offset, isolation: IsolationLevel) -> Result<bool> {
        let Some(view) = Batches::new(&self.rest).next() else {
            return Ok(false);
        };
        let place = &self.place;
        let damaged = |e: Error| e.at(format_args!("{place}, as the broker sent it"));
        let view = view.map_err(damaged)?;
        view.check_crc().map_err(damaged)?;
        let header = *view.header();
        let bytes = self.rest.split_to(header.size_bytes);
        let plain = PlainRecords::open(&bytes, PLAIN_BYTES_MAX).map_err(damaged)?;
        let mut spans = Vec::new();
        // Also before a marker: its transaction may have begun before the first offset asked for.
        let last = header.last_offset().get();
        while self
            .aborted
            .front()
            .is_some_and(|(first, _)| *first <= last)
        {
            let opened = self.aborted.pop_front();
            self.open.extend(opened.map(|(_, producer)| producer));
        }
        if header.attributes.is_control() {
            for record in plain.records() {
                let record = ControlRecord::parse(record.map_err(damaged)?.key).map_err(damaged)?;
                if record.kind == ControlType::Abort {
                    self.open.remove(&header.producer_id.get());
                }
            }
        } else {
            let aborted = isolation == IsolationLevel::ReadCommitted
                && header.attributes.is_transactional()
                && self.open.contains(&header.producer_id.get());
            if !aborted {
                let mut walk = plain.spans();
                walk.skip_to(position);
                spans = walk.collect::<Result<_>>().map_err(damaged)?;
            }
        }
        self.batch = Some(Batch {
            plain,
            spans,
            given: 0,
            next: header.next_offset(),
        });
        Ok(true)
    }
}
