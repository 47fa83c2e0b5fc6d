//! The producer's thread: one batch a partition at a time, so that order holds through every retry.

use std::collections::BTreeMap;

use super::cluster::{Again, Cluster, To};
use super::connection::{Answer, Ticket};
use super::errors;
use super::producer::{ProducerOptions, Shared};
use crate::error::{Code, Error, Result};
use crate::protocol::ApiKey;
use crate::protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use crate::protocol::messages::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};
use crate::record::{BatchBuilder, BuildOptions, RecordView};
use crate::types::{ProducerEpoch, ProducerId, TopicId, TopicPartition};

/// Uncompressed bytes that one round may send; one batch a partition.
const ROUND_BYTES: usize = 16 << 20;
/// From here on topics go by their ids.
const IDS_VERSION: i16 = 13;

/// Until the producer closes; an error is noted for its caller.
pub(super) fn run(cluster: Cluster, topic: &str, options: &ProducerOptions, shared: &Shared) {
    /// A panic must not leave the caller waiting.
    struct Ended<'a>(&'a Shared);
    impl Drop for Ended<'_> {
        fn drop(&mut self) {
            let mut state = self.0.state.lock();
            if !state.closing {
                let ended = || Error::internal("the sender's thread ended before its producer");
                state.failed.get_or_insert_with(ended);
            }
            self.0.done.notify_all();
        }
    }
    let ended = Ended(shared);
    let mut sender = Sender {
        cluster,
        topic,
        options,
        producer: None,
        sequences: BTreeMap::new(),
    };
    while let Some((round, bytes)) = next(shared, options, &sender) {
        let count = round.len();
        let outcome = sender.round(round);
        let mut state = shared.state.lock();
        state.sending -= count;
        state.bytes = state.bytes.saturating_sub(bytes);
        let failed = outcome.err();
        let stop = failed.is_some();
        if let Some(error) = failed {
            state.failed.get_or_insert(error);
        }
        shared.done.notify_all();
        if stop {
            break;
        }
    }
    drop(ended);
}

type Round = Vec<(i32, BatchBuilder)>;

/// Waits for batches that are full or have lingered: one of each partition. `None` at the end.
fn next(shared: &Shared, options: &ProducerOptions, sender: &Sender<'_>) -> Option<(Round, usize)> {
    let clock = &sender.cluster.clock;
    let mut state = shared.state.lock();
    loop {
        if state.closing {
            return None;
        }
        let waited = state
            .oldest
            .map(|since| clock.monotonic().saturating_sub(since));
        if waited.is_some_and(|waited| waited >= options.linger) {
            state.seal_all();
        }
        if state.has_sealed() {
            break;
        }
        match waited {
            Some(waited) => {
                let left = options.linger.saturating_sub(waited);
                shared.work.wait_for(&mut state, left);
            }
            None => shared.work.wait(&mut state),
        }
    }
    let (mut round, mut bytes) = (Round::new(), 0);
    for (partition, lane) in (0..).zip(&mut state.lanes) {
        if bytes >= ROUND_BYTES {
            break;
        }
        if let Some(batch) = lane.sealed.pop_front() {
            bytes += batch.size_bytes();
            round.push((partition, batch));
        }
    }
    state.sending += round.len();
    Some((round, bytes))
}

struct Sender<'a> {
    cluster: Cluster,
    topic: &'a str,
    options: &'a ProducerOptions,
    /// Asked for once; the inner is `None` where the cluster has none to give.
    producer: Option<Option<(ProducerId, ProducerEpoch)>>,
    /// The next sequence number of each partition.
    sequences: BTreeMap<i32, i32>,
}

/// A batch on its way.
struct Part {
    partition: i32,
    records: BatchBuilder,
    bytes: Vec<u8>,
}

/// What one broker was sent.
struct Sent {
    node: i32,
    partitions: Vec<i32>,
    ticket: Ticket,
}

impl Sender<'_> {
    /// Delivers all, or says why not.
    fn round(&mut self, round: Round) -> Result<()> {
        let mut parts = Vec::with_capacity(round.len());
        for (partition, records) in round {
            parts.push(self.pack(partition, records)?);
        }
        let mut retry = self.cluster.retry();
        while !parts.is_empty() {
            let mut trouble: Option<Error> = None;
            let outcomes = self.attempt(&parts);
            let mut too_large = Vec::new();
            for (partition, outcome) in outcomes {
                let at = parts.iter().position(|p| p.partition == partition);
                let Some(at) = at else { continue };
                match outcome {
                    Ok(()) => drop(parts.swap_remove(at)),
                    Err(error) => {
                        let several = parts.get(at).is_some_and(|p| p.records.count() > 1);
                        if error.code() == Code::MessageTooLarge && several {
                            too_large.push(parts.swap_remove(at));
                        } else {
                            // The one that does not pass counts.
                            let keep = trouble.as_ref().is_some_and(|t| !self.passes(t));
                            trouble = if keep { trouble } else { Some(error) };
                        }
                    }
                }
            }
            for part in too_large {
                self.halves(&part)?;
            }
            if let Some(error) = trouble {
                let error = match error.code() {
                    // The metadata named it a moment ago: this broker has not heard of it yet.
                    Code::UnknownTopicOrPartition => error.with_code(Code::UnknownTopicId),
                    _ => error,
                };
                if !self.passes(&error) {
                    return Err(error);
                }
                retry.after(&*self.cluster.clock.clone(), error)?;
                self.cluster.topic(self.topic)?;
            }
        }
        Ok(())
    }

    /// Without sequence numbers a batch whose answer was lost might be stored twice.
    fn passes(&self, error: &Error) -> bool {
        let in_doubt = matches!(error.code(), Code::NetworkException | Code::RequestTimedOut);
        let idempotent = self.producer.flatten().is_some();
        errors::passes(error) && (idempotent || !in_doubt)
    }

    fn pack(&mut self, partition: i32, mut records: BatchBuilder) -> Result<Part> {
        let producer = self.producer()?;
        let next = self.sequences.entry(partition).or_insert(0);
        let mut options = BuildOptions {
            compression: self.options.compression,
            level: self.options.level,
            ..BuildOptions::default()
        };
        if let Some((id, epoch)) = producer {
            (options.producer_id, options.producer_epoch) = (id, epoch);
            options.base_sequence = *next;
            // Sequences wrap to 0 after i32::MAX.
            *next = next.wrapping_add(records.count()) & i32::MAX;
        }
        let bytes = records.finish(&options)?.to_vec();
        Ok(Part {
            partition,
            records,
            bytes,
        })
    }

    /// A batch that the topic finds too large, as two. Its sequence numbers were not used.
    fn halves(&mut self, part: &Part) -> Result<()> {
        let records: Vec<RecordView<'_>> = part.records.records().collect::<Result<_>>()?;
        let next = self.sequences.entry(part.partition).or_insert(0);
        *next = next.wrapping_sub(part.records.count()) & i32::MAX;
        let (first, second) = records.split_at(records.len() / 2);
        for half in [first, second] {
            let mut builder = BatchBuilder::default();
            for (delta, record) in (0..).zip(half) {
                builder.push_view(delta, record);
            }
            self.round(vec![(part.partition, builder)])?;
        }
        Ok(())
    }

    /// This producer's id, where the cluster gives one.
    fn producer(&mut self) -> Result<Option<(ProducerId, ProducerEpoch)>> {
        if let Some(producer) = self.producer {
            return Ok(producer);
        }
        let idempotent =
            self.options.acks == -1 && self.cluster.knows(To::Any, ApiKey::InitProducerId)?;
        let build = |_| InitProducerIdRequest {
            transaction_timeout_ms: i32::MAX,
            ..InitProducerIdRequest::default()
        };
        let made = match idempotent {
            false => None,
            true => Some(self.cluster.call(To::Any, Again::Always, build, |answer| {
                let response: InitProducerIdResponse = answer.read()?;
                errors::check(response.error_code, None, "a producer id")?;
                let id = ProducerId(response.producer_id);
                Ok((id, ProducerEpoch(response.producer_epoch)))
            })?),
        };
        self.producer = Some(made);
        Ok(made)
    }

    /// Sends each part to its leader, to all leaders at once, and collects what they say.
    fn attempt(&mut self, parts: &[Part]) -> Vec<(i32, Result<()>)> {
        let mut outcomes = Vec::new();
        let mut by_leader: BTreeMap<i32, Vec<&Part>> = BTreeMap::new();
        for part in parts {
            let place = TopicPartition::new(self.topic, part.partition);
            match self.cluster.leader(&place) {
                Ok(node) => by_leader.entry(node).or_default().push(part),
                Err(error) => outcomes.push((part.partition, Err(error))),
            }
        }
        let mut all_sent = Vec::new();
        for (node, parts) in by_leader {
            let partitions: Vec<i32> = parts.iter().map(|p| p.partition).collect();
            match self.send(node, &parts) {
                Ok(ticket) => all_sent.push(Sent {
                    node,
                    partitions,
                    ticket,
                }),
                Err(error) => {
                    self.cluster.forget(To::Node(node), &error);
                    outcomes.extend(partitions.into_iter().map(|p| (p, Err(error.clone()))));
                }
            }
        }
        for sent in all_sent {
            let answers = match self.options.acks {
                0 => Ok(Vec::new()),
                _ => self.receive(&sent),
            };
            let said = match answers {
                Ok(answers) => answers,
                Err(error) => {
                    self.cluster.forget(To::Node(sent.node), &error);
                    let all = sent.partitions.iter();
                    all.map(|p| (*p, Err(error.clone()))).collect()
                }
            };
            for partition in &sent.partitions {
                let silent = !said.iter().any(|(p, _)| p == partition);
                if silent {
                    let unsaid = Error::corrupt("the broker's answer lacks a partition");
                    let outcome = if self.options.acks == 0 {
                        Ok(())
                    } else {
                        Err(unsaid)
                    };
                    outcomes.push((*partition, outcome));
                }
            }
            outcomes.extend(said);
        }
        outcomes
    }

    fn send(&mut self, node: i32, parts: &[&Part]) -> Result<Ticket> {
        let topic_id = self.cluster.topic_id(self.topic);
        let wait = self.cluster.options.request_timeout;
        let connection = self.cluster.connection(To::Node(node))?;
        let known = connection.version(ApiKey::Produce)?;
        let version = match topic_id {
            TopicId::NONE => known.min(IDS_VERSION - 1),
            _ => known,
        };
        let data = parts.iter().map(|part| PartitionProduceData {
            index: part.partition,
            records: Some(&part.bytes),
        });
        let request = ProduceRequest {
            transactional_id: None,
            acks: self.options.acks,
            timeout_ms: i32::try_from(wait.as_millis()).unwrap_or(i32::MAX),
            topic_data: vec![TopicProduceData {
                name: self.topic.into(),
                topic_id,
                partition_data: data.collect(),
            }],
        };
        connection.send(version, &request, wait)
    }

    fn receive(&mut self, sent: &Sent) -> Result<Vec<(i32, Result<()>)>> {
        let wait = self.cluster.wait(self.cluster.options.request_timeout);
        let connection = self.cluster.connection(To::Node(sent.node))?;
        let answer: Answer = connection.receive(sent.ticket, wait)?;
        let response: ProduceResponse<'_> = answer.read()?;
        let parts = response
            .responses
            .iter()
            .flat_map(|t| &t.partition_responses);
        let said = parts.map(|part| {
            let place = format_args!("{}-{} on broker {}", self.topic, part.index, answer.peer());
            let outcome = match Code::from_number(part.error_code) {
                // An earlier try of this very batch was stored.
                Some(Code::DuplicateSequenceNumber) => Ok(()),
                _ => errors::check(part.error_code, part.error_message.as_deref(), place),
            };
            (part.index, outcome)
        });
        Ok(said.collect())
    }
}
