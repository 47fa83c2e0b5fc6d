//! What the handlers of groups have in common.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::broker::call::Call;
use crate::broker::context::Context;
use crate::broker::waiting;
use crate::config::CONSUMER_OFFSETS;
use crate::engine::{COMMIT_TIMEOUT, CommitTicket, Engine, GroupReply};
use crate::error::{Code, Error, Result};
use crate::protocol::Str;

/// Whether the call would have to make `__consumer_offsets`, and is not where that may be waited for.
pub(super) fn must_wait(call: &Call<'_>) -> bool {
    !call.may_block && !is_prepared(call.engine())
}

pub(super) fn is_prepared(engine: &Engine) -> bool {
    engine.topic(CONSUMER_OFFSETS).is_ok()
}

/// The number with which a whole request is refused. What members cannot do anything about has them
/// look for the coordinator again and repeat: they take every other code for the end.
pub(super) fn code(error: &Error) -> i16 {
    let code = match error.code() {
        Code::NotLeaderOrFollower | Code::KafkaStorageError => Code::NotCoordinator,
        Code::LeaderNotAvailable
        | Code::BrokerNotAvailable
        | Code::ReplicaNotAvailable
        | Code::NotEnoughReplicas
        | Code::NotEnoughReplicasAfterAppend
        | Code::RequestTimedOut => Code::CoordinatorNotAvailable,
        code => code,
    };
    code.number()
}

/// As [`code`], 0 where all is well.
pub(super) fn code_of<T>(outcome: &Result<T>) -> i16 {
    outcome.as_ref().map_or_else(code, |_| 0)
}

/// The time that a request names in milliseconds; a negative one is none at all.
pub(super) fn millis(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// A text of a request, to be kept.
pub(super) fn kept(text: &str) -> Arc<str> {
    Arc::from(text)
}

pub(super) fn kept_or_null(text: Option<&Str<'_>>) -> Option<Arc<str>> {
    text.map(|text| kept(text))
}

/// A text of the engine's, to be sent.
pub(super) fn sent(text: &str) -> Str<'static> {
    text.to_owned().into()
}

pub(super) fn sent_or_null(text: Option<&Arc<str>>) -> Option<Str<'static>> {
    text.map(|text| sent(text))
}

/// Waits for an answer of the group's. `None`: the server stops, and the member is to come again.
pub(super) async fn answer<T>(context: &Context, answer: oneshot::Receiver<T>) -> Option<T> {
    tokio::select! {
        biased;
        answer = answer => answer.ok(),
        () = context.stopped() => None,
    }
}

/// Calls back into a channel. Who asked may be gone by then.
pub(super) fn channel<T: Send + 'static>() -> (GroupReply<T>, oneshot::Receiver<T>) {
    let (sender, receiver) = oneshot::channel();
    let reply = move |answer| drop(sender.send(answer));
    (Box::new(reply), receiver)
}

/// Waits until what was written is durable. Gives the number to answer.
pub(super) async fn durable(ticket: Option<CommitTicket>) -> i16 {
    match ticket {
        Some(ticket) => code_of(&waiting::committed(ticket, COMMIT_TIMEOUT).await),
        None => 0,
    }
}

/// What a member is answered when the server stops.
pub(super) const STOPPED: i16 = Code::NotCoordinator.number();
