//! From Kafka's error codes to errors: where it happened, what the broker said, what to do.

use std::fmt::Display;

use crate::error::{Code, Error, Result};

/// An error if `number` is one. `message` is what the broker said, where the version carries it.
pub(super) fn check(number: i16, message: Option<&str>, place: impl Display) -> Result<()> {
    match number {
        0 => Ok(()),
        number => Err(refused(number, message, place)),
    }
}

/// The error of a code that a broker answered.
#[cold]
pub(super) fn refused(number: i16, message: Option<&str>, place: impl Display) -> Error {
    let said = message.filter(|m| !m.is_empty());
    let Some(code) = Code::from_number(number) else {
        let said = said.map(|s| format!(": {s}")).unwrap_or_default();
        return Error::coded(
            Code::UnknownServerError,
            format!("{place}: the broker answered with Kafka's error {number}{said}"),
        );
    };
    let said = said.map_or_else(|| words(code), str::to_owned);
    let said = said.trim_end_matches('.');
    let hint = hint(code);
    Error::coded(code, format!("{place}: {said}{hint}"))
}

/// `NotLeaderOrFollower` as `not leader or follower`.
fn words(code: Code) -> String {
    let mut words = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// What to do, where that is not in the code's name already.
fn hint(code: Code) -> &'static str {
    match code {
        Code::UnknownTopicOrPartition | Code::UnknownTopicId => {
            ": look with `topic list`, or make it with `topic create`"
        }
        Code::OffsetOutOfRange => ": name an offset that is there",
        Code::GroupIdNotFound => ": look with `group list`",
        Code::NonEmptyGroup | Code::UnknownMemberId | Code::IllegalGeneration => {
            ": stop the group's members first"
        }
        Code::MessageTooLarge => ": raise max.message.bytes of the topic, or send smaller records",
        Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend => {
            ": start the missing brokers, or lower min.insync.replicas"
        }
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed => ": this client has no rights for it",
        Code::UnsupportedVersion => ": the broker is too old for it",
        _ => "",
    }
}

/// Nobody answers there: nothing was sent.
#[cold]
pub(super) fn unreachable(place: impl Display, error: &std::io::Error) -> Error {
    Error::coded(
        Code::BrokerNotAvailable,
        format!("broker {place} cannot be reached: {error}: check the address and that it runs"),
    )
}

/// The connection broke: what was sent may have been done.
#[cold]
pub(super) fn lost(place: impl Display, what: impl Display, error: impl Display) -> Error {
    Error::coded(
        Code::NetworkException,
        format!("broker {place}: the connection was lost during {what}: {error}"),
    )
}

/// Whether the connection is of no more use after this.
pub(super) fn is_of_connection(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::NetworkException | Code::BrokerNotAvailable | Code::RequestTimedOut
    )
}

/// Whether the same may go well a little later, with fresh metadata.
pub(super) fn passes(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::LeaderNotAvailable
            | Code::NotLeaderOrFollower
            | Code::RequestTimedOut
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::NetworkException
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::NotController
            | Code::NotEnoughReplicas
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::UnstableOffsetCommit
            | Code::ThrottlingQuotaExceeded
            | Code::PreferredLeaderNotAvailable
            | Code::UnknownTopicId
            | Code::InconsistentTopicId
            | Code::NewLeaderElected
    )
}
