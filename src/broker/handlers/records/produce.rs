//! Produce, key 0, versions 3 to 13 (KIP-98, KIP-467, KIP-516, KIP-890, KIP-951).
//!
//! The bytes of a batch go from the socket's buffer to the file: nothing is copied, nothing is done a
//! record unless the topic asks for another compression. With `acks=all` the answer waits until the
//! records are visible, which for topics with `levada.durability=disk` means synced; it then waits
//! without holding up Produce requests behind it on the same connection. There is one replica, so that
//! `min.insync.replicas` above 1 has no effect. What transactions need more is in `in_transaction.rs`;
//! others pay a look at two bytes a batch for it.

use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use super::in_transaction::{self, Way};
use crate::broker::answer::{Answer, Reply};
use crate::broker::call::Call;
use crate::broker::waiting::Watch;
use crate::config::is_internal_topic;
use crate::engine::{Engine, PartitionHandle};
use crate::error::{Code, Error, Kind, Result};
use crate::log::Append;
use crate::protocol::messages::produce::{
    BatchIndexAndErrorMessage, PartitionProduceData, PartitionProduceResponse, ProduceRequest,
    ProduceResponse, TopicProduceData, TopicProduceResponse,
};
use crate::types::{Offset, TopicId};

/// Where the length of a batch stands, and what it does not count.
const LENGTH_AT: usize = 8;
const UNCOUNTED_BYTES: usize = 12;
/// The low byte of a batch's attributes, whose three lowest bits are the codec.
pub(super) const ATTRIBUTES_AT: usize = 22;
const ZSTD: u8 = 4;
/// The first version that may carry zstd (KIP-110).
const ZSTD_FROM: i16 = 7;
/// The first version whose answer names records (KIP-467).
const RECORD_ERRORS_FROM: i16 = 8;

/// A partition whose records are appended and not visible yet.
struct Awaited {
    handle: Arc<PartitionHandle>,
    last: Offset,
    /// Where in the answer.
    topic: usize,
    partition: usize,
}

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: ProduceRequest<'_> = call.request()?;
    let found = find_all(call.engine(), &request);
    // The first use of a log makes files and syncs them.
    let opens = |handle: &Arc<PartitionHandle>| !handle.is_open();
    if !call.may_block && found.iter().flatten().any(opens) {
        return Ok(Answer::Blocking);
    }
    if in_transaction::concerns(&request) {
        return in_transaction::serve(call, &request, found);
    }
    let produce = Produce {
        reply: call.reply(),
        request: &request,
        found: &found,
        ways: &[],
    };
    produce.run()
}

/// The partitions of a request, in its order.
pub(super) type Found = SmallVec<[Result<Arc<PartitionHandle>>; 4]>;

fn find_all(engine: &Engine, request: &ProduceRequest<'_>) -> Found {
    let topics = request.topic_data.iter();
    let places = topics.flat_map(|t| t.partition_data.iter().map(move |data| (t, data.index)));
    places
        .map(|(topic, index)| find(engine, topic, index))
        .collect()
}

/// A request whose records can be appended.
pub(super) struct Produce<'a> {
    pub reply: Reply,
    pub request: &'a ProduceRequest<'a>,
    pub found: &'a [Result<Arc<PartitionHandle>>],
    /// One for each partition, in the order of the request; empty when none is in a transaction.
    pub ways: &'a [Way],
}

impl Produce<'_> {
    /// Appends everything; gives the answer, or what waits for it.
    pub fn run(&self) -> Result<Answer> {
        let request = self.request;
        let mut response = ProduceResponse::default();
        let mut awaited = Vec::new();
        let mut places = self.places();
        for topic in &request.topic_data {
            let at = response.responses.len();
            let answer = self.append_topic(topic, at, &mut places, &mut awaited);
            response.responses.push(answer);
        }
        if request.acks == 0 {
            return without_answer(&response);
        }
        if awaited.is_empty() {
            return self.reply.ready(&response);
        }
        let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
        self.reply.later(async move {
            wait(&mut response, &awaited, timeout).await;
            response
        })
    }

    /// Each partition, and how its records are appended.
    fn places(&self) -> impl Iterator<Item = (&Result<Arc<PartitionHandle>>, &Way)> {
        let ways = self.ways.iter().chain(std::iter::repeat(&Way::Plain));
        self.found.iter().zip(ways)
    }

    fn append_topic<'p>(
        &self,
        topic: &TopicProduceData<'_>,
        at: usize,
        places: &mut impl Iterator<Item = (&'p Result<Arc<PartitionHandle>>, &'p Way)>,
        awaited: &mut Vec<Awaited>,
    ) -> TopicProduceResponse<'static> {
        let mut answer = TopicProduceResponse {
            name: topic.name.to_string().into(),
            topic_id: topic.topic_id,
            ..TopicProduceResponse::default()
        };
        for (data, (found, way)) in topic.partition_data.iter().zip(places) {
            let handle = match found {
                Ok(handle) => handle,
                Err(error) => {
                    answer.partition_responses.push(refused(data.index, error));
                    continue;
                }
            };
            let partition = match self.append(handle, data, way) {
                Ok(appended) => {
                    if self.request.acks == -1 && !is_visible(handle, appended.last) {
                        awaited.push(Awaited {
                            handle: handle.clone(),
                            last: appended.last,
                            topic: at,
                            partition: answer.partition_responses.len(),
                        });
                    }
                    appended.answer
                }
                Err(error) => PartitionProduceResponse {
                    record_errors: self.blamed(handle, data, &error),
                    ..refused(data.index, &error)
                },
            };
            answer.partition_responses.push(partition);
        }
        answer
    }

    /// The records for which a batch is refused, so that the client may send the others again (KIP-467).
    fn blamed(
        &self,
        handle: &PartitionHandle,
        data: &PartitionProduceData<'_>,
        error: &Error,
    ) -> Vec<BatchIndexAndErrorMessage<'static>> {
        let of_records = matches!(error.code(), Code::InvalidRecord | Code::InvalidTimestamp);
        if !of_records || self.reply.version < RECORD_ERRORS_FROM {
            return Vec::new();
        }
        let found = handle.blamed(data.records.unwrap_or_default());
        let named = found
            .into_iter()
            .map(|(index, error)| BatchIndexAndErrorMessage {
                batch_index: index,
                batch_index_error_message: Some(error.message().to_owned().into()),
            });
        named.collect()
    }

    fn append(
        &self,
        handle: &Arc<PartitionHandle>,
        data: &PartitionProduceData<'_>,
        way: &Way,
    ) -> Result<Done> {
        let acks = self.request.acks;
        if !(-1..=1).contains(&acks) {
            let message = format!("acks={acks}: 0, 1 and -1 (all) are allowed");
            return Err(Error::coded(Code::InvalidRequiredAcks, message));
        }
        let batches = data.records.unwrap_or_default();
        check_shape(batches, self.reply.version).map_err(|e| e.at(handle.name()))?;
        let append = Append {
            batches,
            leader_epoch: handle.leader_epoch(),
            internal: false,
            trusted: false,
        };
        let appended =
            match way {
                Way::Plain => handle.append(append)?,
                Way::InTransaction(verified_at) => handle
                    .append_in_transaction(append, *verified_at)
                    .map_err(|e| in_transaction::as_answered(e, self.reply.version))?,
                Way::Refused(error) => return Err(error.clone()),
            };
        Ok(Done {
            last: appended.last_offset,
            answer: PartitionProduceResponse {
                index: data.index,
                base_offset: appended.base_offset.get(),
                log_append_time_ms: appended.append_time.get(),
                log_start_offset: appended.log_start.get(),
                ..PartitionProduceResponse::default()
            },
        })
    }
}

/// With `acks=0` a client learns of an error by losing the connection, as with Kafka.
fn without_answer(response: &ProduceResponse<'_>) -> Result<Answer> {
    let topics = response.responses.iter();
    let mut partitions = topics.flat_map(|topic| &topic.partition_responses);
    match partitions.find(|partition| partition.error_code != 0) {
        None => Ok(Answer::Nothing),
        Some(refused) => {
            let why = refused.error_message.as_deref().unwrap_or_default();
            let code = Code::from_number(refused.error_code).unwrap_or(Code::UnknownServerError);
            Err(Error::coded(code, format!("produce with acks=0: {why}")))
        }
    }
}

fn find(engine: &Engine, topic: &TopicProduceData<'_>, index: i32) -> Result<Arc<PartitionHandle>> {
    let handle = match topic.topic_id {
        TopicId::NONE => engine.partition(&topic.name, index)?,
        id => engine.partition_by_id(id, index)?,
    };
    let name = &handle.name().topic;
    if is_internal_topic(name) {
        let message = format!("{name} is the broker's own: nobody else writes there");
        return Err(Error::coded(Code::InvalidTopic, message));
    }
    Ok(handle)
}

struct Done {
    last: Offset,
    answer: PartitionProduceResponse<'static>,
}

/// What a client may send that the log would take from others.
fn check_shape(batches: &[u8], version: i16) -> Result<()> {
    let length = batches.get(LENGTH_AT..).and_then(|b| b.first_chunk::<4>());
    let length = length.map(|l| i32::from_be_bytes(*l));
    let size = length.and_then(|l| usize::try_from(l).ok());
    if size.is_some_and(|size| size.saturating_add(UNCOUNTED_BYTES) < batches.len()) {
        let message = "a produce request has exactly one batch for a partition";
        return Err(Error::coded(Code::InvalidRecord, message));
    }
    let codec = batches.get(ATTRIBUTES_AT).map(|attributes| attributes & 7);
    if version < ZSTD_FROM && codec == Some(ZSTD) {
        let message = format!("zstd needs version {ZSTD_FROM} of Produce: update the client");
        return Err(Error::coded(Code::UnsupportedCompressionType, message));
    }
    Ok(())
}

fn is_visible(handle: &PartitionHandle, last: Offset) -> bool {
    handle.state().is_ok_and(|visible| visible > last)
}

fn refused(index: i32, error: &Error) -> PartitionProduceResponse<'static> {
    PartitionProduceResponse {
        index,
        error_code: error.code().number(),
        base_offset: -1,
        error_message: Some(error.message().to_owned().into()),
        ..PartitionProduceResponse::default()
    }
}

/// Waits until all are visible, or writes into the answer why they are not.
async fn wait(response: &mut ProduceResponse<'static>, awaited: &[Awaited], timeout: Duration) {
    let mut watch = Watch::new();
    for one in awaited {
        watch.beyond(&one.handle, one.last);
    }
    let settled = |one: &Awaited| {
        one.handle
            .state()
            .map_or(true, |visible| visible > one.last)
    };
    let all = async {
        while !awaited.iter().all(settled) {
            watch.bell.rung().await;
        }
    };
    let in_time = tokio::time::timeout(timeout, all).await.is_ok();
    for one in awaited {
        let error = match one.handle.state() {
            Ok(visible) if visible > one.last => continue,
            Err(error) => error,
            Ok(_) if in_time => continue,
            Ok(_) => Error::new(
                Kind::Timeout,
                "the records were not durable in time: they may still become so",
            ),
        };
        let topic = response.responses.get_mut(one.topic);
        let place = topic.and_then(|t| t.partition_responses.get_mut(one.partition));
        if let Some(place) = place {
            *place = refused(place.index, &error);
        }
    }
}
