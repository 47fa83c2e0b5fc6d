//! Fetch, key 1, versions 4 to 18 (KIP-74, KIP-98, KIP-227, KIP-320, KIP-392, KIP-516, KIP-595).
//!
//! Answers are slices of mapped files where segments are sealed. A fetch that finds too little waits at
//! the partitions; an append wakes it. There are no followers to prefer. What followers say (their own
//! log start, their directory, their high watermark) is not looked at.

use std::sync::Arc;
use std::time::Duration;

use crate::broker::answer::{Answer, Reply};
use crate::broker::call::Call;
use crate::broker::context::Context;
use crate::broker::fetch::{Limits, Place, Reading, Session, Wanted};
use crate::error::{Code, Error, Result};
use crate::protocol::MessageWriter;
use crate::protocol::messages::fetch::{FetchRequest, FetchResponse, FetchableTopicResponse};
use crate::sync::Mutex;
use crate::types::{IsolationLevel, TopicId};

/// The epoch of a request without a session, or one that ends its session.
const FINAL: i32 = -1;
/// The epoch of a request that opens one.
const INITIAL: i32 = 0;
/// The first version that names topics by their id.
const IDS_FROM: i16 = 13;

/// Whose partitions are read.
enum Source {
    /// All of them are in the request and in the answer.
    Whole(Vec<Wanted>),
    /// The answer names the session, and has all of them or what is new.
    Session {
        session: Arc<Mutex<Session>>,
        all: bool,
    },
}

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: FetchRequest<'_> = call.request()?;
    let context = call.context;
    let limits = limits(context, &request);
    let source = match source(call, &request) {
        Ok(source) => source,
        Err(error) => {
            return call.ready(&FetchResponse {
                error_code: error.code().number(),
                ..FetchResponse::default()
            });
        }
    };
    let (wanted, session, all) = match source {
        Source::Whole(wanted) => (wanted, None, true),
        Source::Session { session, all } => {
            let wanted = session.lock().take();
            (wanted, Some(session), all)
        }
    };
    let mut reading = Reading::new(wanted, limits);
    let reply = call.reply();
    let cold = reading.is_cold(context.engine());
    if !cold {
        reading.read(context.engine());
        if reading.is_enough() || limits.max_wait.is_zero() {
            return finish(reply, reading, session, all).map(Answer::Ready);
        }
    }
    let context = context.clone();
    Ok(Answer::Later(Box::pin(async move {
        if cold {
            reading = read_cold(&context, reading).await?;
        }
        reading.wait(&context).await;
        finish(reply, reading, session, all)
    })))
}

/// Reads where waiting for a disk is allowed.
async fn read_cold(context: &Arc<Context>, mut reading: Reading) -> Result<Reading> {
    let context = context.clone();
    let read = tokio::task::spawn_blocking(move || {
        reading.read(context.engine());
        reading
    });
    read.await
        .map_err(|e| Error::internal("a read of the archive failed").with_source(e))
}

fn limits(context: &Context, request: &FetchRequest<'_>) -> Limits {
    // The first batch is given whatever the limit.
    let most = match context.unread.is_too_much() {
        true => 1,
        false => context.engine().broker_config().fetch_bytes_max as usize,
    };
    let positive = |n: i32| usize::try_from(n).unwrap_or(0);
    Limits {
        max_bytes: positive(request.max_bytes).min(most),
        min_bytes: positive(request.min_bytes),
        max_wait: Duration::from_millis(positive(request.max_wait_ms) as u64),
        isolation: match request.isolation_level {
            1 => IsolationLevel::ReadCommitted,
            _ => IsolationLevel::ReadUncommitted,
        },
    }
}

/// Errors: `FetchSessionIdNotFound`, `InvalidFetchSessionEpoch`, `FetchSessionTopicIdError`.
fn source(call: &Call<'_>, request: &FetchRequest<'_>) -> Result<Source> {
    let sessions = &call.context.fetch_sessions;
    let now = call.engine().clock().monotonic();
    let by_id = call.version() >= IDS_FROM;
    match request.session_epoch {
        FINAL | INITIAL => {
            if request.session_id != 0 {
                sessions.close(request.session_id);
            }
            let wanted = wanted(request);
            if request.session_epoch == FINAL {
                return Ok(Source::Whole(wanted));
            }
            let opened = sessions.open(wanted, by_id, now);
            Ok(match opened {
                Ok(session) => Source::Session { session, all: true },
                Err(wanted) => Source::Whole(wanted),
            })
        }
        epoch => {
            let found = sessions.find(request.session_id, now)?;
            let mut session = found.lock();
            if session.epoch != epoch {
                let message = format!("a fetch of epoch {epoch}, {} was due", session.epoch);
                return Err(Error::coded(Code::InvalidFetchSessionEpoch, message));
            }
            if session.by_id != by_id {
                let message = "the session names topics in another way";
                return Err(Error::coded(Code::FetchSessionTopicIdError, message));
            }
            session.epoch = Session::next_epoch(epoch);
            change(&mut session, request);
            sessions.resized(session.id, session.len());
            drop(session);
            Ok(Source::Session {
                session: found,
                all: false,
            })
        }
    }
}

fn wanted(request: &FetchRequest<'_>) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for topic in &request.topics {
        let name: Arc<str> = topic.topic.as_ref().into();
        for asked in &topic.partitions {
            let place = place(&name, topic.topic_id, asked.partition);
            wanted.push(Wanted::new(place, asked));
        }
    }
    wanted
}

/// Brings the session up to what the request says.
fn change(session: &mut Session, request: &FetchRequest<'_>) {
    let mut forgotten = Vec::new();
    for topic in &request.forgotten_topics_data {
        let name: Arc<str> = topic.topic.as_ref().into();
        let places = topic.partitions.iter();
        forgotten.extend(places.map(|partition| place(&name, topic.topic_id, *partition)));
    }
    session.forget(&forgotten);
    for topic in &request.topics {
        let name: Arc<str> = topic.topic.as_ref().into();
        for asked in &topic.partitions {
            session.set(place(&name, topic.topic_id, asked.partition), asked);
        }
    }
}

fn place(topic: &Arc<str>, topic_id: TopicId, partition: i32) -> Place {
    Place {
        topic: topic.clone(),
        topic_id,
        partition,
    }
}

/// Makes the answer and gives the session its partitions back.
fn finish(
    reply: Reply,
    reading: Reading,
    session: Option<Arc<Mutex<Session>>>,
    all: bool,
) -> Result<MessageWriter> {
    let Reading {
        mut wanted,
        data,
        next,
        ..
    } = reading;
    let mut responses: Vec<FetchableTopicResponse<'static>> = Vec::new();
    for (wanted, data) in wanted.iter_mut().zip(data) {
        let news = session.is_none() || wanted.is_news(&data);
        if !all && !news {
            continue;
        }
        let (topic, id) = (&wanted.place.topic, wanted.place.topic_id);
        match responses.last_mut() {
            Some(last) if last.topic_id == id && *last.topic == **topic => {
                last.partitions.push(data);
            }
            _ => responses.push(FetchableTopicResponse {
                topic: topic.to_string().into(),
                topic_id: id,
                partitions: vec![data],
            }),
        }
    }
    let session_id = session.map_or(0, |session| {
        let mut session = session.lock();
        session.put_back(wanted, next);
        session.id
    });
    reply.write(&FetchResponse {
        session_id,
        responses,
        ..FetchResponse::default()
    })
}
