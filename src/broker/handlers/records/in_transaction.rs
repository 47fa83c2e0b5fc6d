//! Produce, as far as transactions are concerned (KIP-98, KIP-890, KIP-1050).
//!
//! Before a transactional batch is appended, the coordinator says that its partition is in the open
//! transaction: up to version 11 the client must have added it, from version 12 on producing adds it.
//! Mostly it knows at once, and the batch takes the same way as any other. When it has to write something
//! down first, or the transaction before is still being ended, the request waits with a copy of its body,
//! and nothing behind it on its connection is begun.

use super::produce::{ATTRIBUTES_AT, Found, Produce};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::transactions::Asked;
use crate::engine::Engine;
use crate::engine::txn::{AddRequest, ClientVersion, ProducerIdentity, TxnApi, answered_code};
use crate::error::{Code, Error, Result};
use crate::protocol::messages::produce::ProduceRequest;
use crate::protocol::{Message, Reader};
use crate::record::BatchHeader;
use crate::types::{Offset, TopicPartition};

const MAGIC_AT: usize = 16;
const MAGIC: u8 = 2;
/// In the low byte of a batch's attributes.
const TRANSACTIONAL: u8 = 1 << 4;
/// The first version in which producing adds (KIP-890).
const IMPLICIT_FROM: i16 = 12;

/// How a partition's records are appended.
pub(super) enum Way {
    Plain,
    /// The partition was in the transaction when its log ended here.
    InTransaction(Offset),
    /// Not at all.
    Refused(Error),
}

/// Whether a request is more than a plain one.
pub(super) fn concerns(request: &ProduceRequest<'_>) -> bool {
    request.transactional_id.is_some() || each(request).any(is_transactional)
}

/// Asks for every partition, and appends: at once, when all answers are there.
pub(super) fn serve(call: &Call<'_>, request: &ProduceRequest<'_>, found: Found) -> Result<Answer> {
    let (reply, version) = (call.reply(), call.version());
    let asking = match Asking::start(call.engine(), request, &found, version) {
        Ok(asking) => asking.at_once(version),
        Err(error) => Ok(each(request).map(|_| Way::Refused(error.clone())).collect()),
    };
    let asking = match asking {
        Ok(ways) => {
            let produce = Produce {
                reply,
                request,
                found: &found,
                ways: &ways,
            };
            return produce.run();
        }
        Err(asking) => asking,
    };
    let body = call.body.rest().to_vec();
    Ok(Answer::First(Box::pin(async move {
        let ways = asking.answers(version).await;
        let request = ProduceRequest::decode(&mut Reader::new(&body), version)?;
        let produce = Produce {
            reply,
            request: &request,
            found: &found,
            ways: &ways,
        };
        produce.run()
    })))
}

/// The records of each partition, in order.
fn each<'a>(request: &'a ProduceRequest<'_>) -> impl Iterator<Item = &'a [u8]> {
    let topics = request.topic_data.iter();
    let partitions = topics.flat_map(|topic| &topic.partition_data);
    partitions.map(|data| data.records.unwrap_or_default())
}

fn is_transactional(batch: &[u8]) -> bool {
    let low = batch.get(ATTRIBUTES_AT);
    batch.get(MAGIC_AT) == Some(&MAGIC) && low.is_some_and(|low| low & TRANSACTIONAL != 0)
}

/// What the coordinator is asked for one request.
struct Asking {
    /// Of partitions that were asked for, not final.
    ways: Vec<Way>,
    questions: Vec<Question>,
}

struct Question {
    /// Whose partitions are asked for, by their places in `ways`.
    places: Vec<usize>,
    asked: Asked<Vec<Offset>>,
}

impl Asking {
    /// Errors, for the whole request: a transactional batch without a transactional id
    /// (TransactionalIdAuthorizationFailed, as Kafka has it), or batches of several producers
    /// (InvalidProducerIdMapping).
    fn start(
        engine: &Engine,
        request: &ProduceRequest<'_>,
        found: &Found,
        version: i16,
    ) -> Result<Asking> {
        let (wanted, producer) = wanted(request, found)?;
        let mut asking = Asking {
            ways: each(request).map(|_| Way::Plain).collect(),
            questions: Vec::new(),
        };
        let (Some(id), Some(producer)) = (request.transactional_id.as_deref(), producer) else {
            return Ok(asking);
        };
        let implicit = version >= IMPLICIT_FROM;
        // What must have been added is refused partition by partition; adding is one step for all.
        let together = match implicit {
            true => wanted.len().max(1),
            false => 1,
        };
        for some in wanted.chunks(together) {
            let add = AddRequest {
                transactional_id: id.into(),
                producer,
                partitions: some.iter().map(|(_, p)| p.clone()).collect(),
                client: match implicit {
                    true => ClientVersion::V2,
                    false => ClientVersion::V1,
                },
            };
            let transactions = engine.transactions();
            asking.questions.push(Question {
                places: some.iter().map(|(place, _)| *place).collect(),
                asked: Asked::new(|reply| transactions.ensure_added(add, implicit, reply)),
            });
        }
        Ok(asking)
    }

    /// How to go on when every answer is there.
    fn at_once(mut self, version: i16) -> std::result::Result<Vec<Way>, Asking> {
        for Question { places, asked } in std::mem::take(&mut self.questions) {
            match asked.at_once() {
                Ok(answer) => self.enter(&places, &answer, version),
                Err(asked) => self.questions.push(Question { places, asked }),
            }
        }
        match self.questions.is_empty() {
            true => Ok(self.ways),
            false => Err(self),
        }
    }

    async fn answers(mut self, version: i16) -> Vec<Way> {
        for Question { places, asked } in std::mem::take(&mut self.questions) {
            let answer = asked.answer().await;
            self.enter(&places, &answer, version);
        }
        self.ways
    }

    fn enter(&mut self, places: &[usize], answer: &Result<Vec<Offset>>, version: i16) {
        for (nth, place) in places.iter().enumerate() {
            let verified_at = match answer {
                Ok(ends) => ends
                    .get(nth)
                    .copied()
                    .ok_or_else(|| Error::internal("the coordinator left out a partition")),
                Err(error) => Err(as_answered(error.clone(), version)),
            };
            if let Some(way) = self.ways.get_mut(*place) {
                *way = verified_at.map_or_else(Way::Refused, Way::InTransaction);
            }
        }
    }
}

/// The partitions with transactional batches that can be written, by their places in the request, and
/// whose batches they are. What is left out is refused when it is appended.
#[allow(clippy::type_complexity)] // the two that belong together
fn wanted(
    request: &ProduceRequest<'_>,
    found: &Found,
) -> Result<(Vec<(usize, TopicPartition)>, Option<ProducerIdentity>)> {
    let (mut wanted, mut producer) = (Vec::new(), None);
    for (place, (batch, handle)) in each(request).zip(found).enumerate() {
        if !is_transactional(batch) {
            continue;
        }
        if request.transactional_id.is_none() {
            let message = "a transactional batch in a request without a transactional id";
            let code = Code::TransactionalIdAuthorizationFailed;
            return Err(Error::coded(code, message));
        }
        let Ok(header) = BatchHeader::parse(batch) else {
            continue;
        };
        let of_batch = ProducerIdentity {
            id: header.producer_id,
            epoch: header.producer_epoch,
        };
        if *producer.get_or_insert(of_batch) != of_batch {
            let message = "the transactional batches of one request are of several producers";
            return Err(Error::coded(Code::InvalidProducerIdMapping, message));
        }
        if !(-1..=1).contains(&request.acks) {
            continue;
        }
        if let Ok(handle) = handle {
            wanted.push((place, handle.name().clone()));
        }
    }
    Ok((wanted, producer))
}

/// As Kafka says it to the clients of `version`. Those that do not know that a transaction may still be
/// ending are told what they retry without asking for new metadata.
pub(super) fn as_answered(error: Error, version: i16) -> Error {
    let code = match answered_code(&error, TxnApi::Produce, version) {
        Code::ConcurrentTransactions if version >= IMPLICIT_FROM => Code::ConcurrentTransactions,
        Code::ConcurrentTransactions
        | Code::CoordinatorNotAvailable
        | Code::CoordinatorLoadInProgress => Code::NotEnoughReplicas,
        code => code,
    };
    error.with_code(code)
}
