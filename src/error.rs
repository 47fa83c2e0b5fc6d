//! The one error of Levada: a kind chosen by what the caller must do, the Kafka error code that a
//! client on the wire would see, and a message that says what, where and what to do.
//!
//! One table ([`Code`] and [`Kind`]) gives the Python exception, the C status, the Kafka error code
//! and the exit status of the command line.

use std::error::Error as StdError;
use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller should do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The call is wrong: fix it.
    Invalid,
    /// What was named is not there: create it, or name another.
    NotFound,
    /// What should be made is there already.
    Exists,
    /// The offset lies outside the log: seek.
    OutOfRange,
    /// Somebody else was faster: refresh, rejoin or abort.
    Conflict,
    /// A newer producer or member took this one's place: stop.
    Fenced,
    /// Rights are missing.
    Denied,
    /// Not now: retry.
    Unavailable,
    /// It did not happen within the time given: retry, or allow more time.
    Timeout,
    /// Stored or received bytes are damaged: restore or repair.
    Corrupt,
    /// The handle is closed: reopen.
    Closed,
    /// A defect of Levada's own: report it.
    Internal,
}

impl Kind {
    /// Every kind, in the order of the table in `docs/architecture.md`.
    pub const ALL: [Kind; 12] = [
        Kind::Invalid,
        Kind::NotFound,
        Kind::Exists,
        Kind::OutOfRange,
        Kind::Conflict,
        Kind::Fenced,
        Kind::Denied,
        Kind::Unavailable,
        Kind::Timeout,
        Kind::Corrupt,
        Kind::Closed,
        Kind::Internal,
    ];

    /// The exit status of the command line.
    pub const fn exit_status(self) -> u8 {
        match self {
            Kind::Invalid => 2,
            Kind::NotFound | Kind::Exists | Kind::OutOfRange => 3,
            Kind::Conflict | Kind::Fenced => 4,
            Kind::Denied => 5,
            Kind::Unavailable | Kind::Timeout => 6,
            Kind::Corrupt => 7,
            Kind::Closed | Kind::Internal => 8,
        }
    }

    /// The name of the Python exception class in the package `levada`.
    pub const fn python_name(self) -> &'static str {
        match self {
            Kind::Invalid => "InvalidError",
            Kind::NotFound => "NotFoundError",
            Kind::Exists => "ExistsError",
            Kind::OutOfRange => "OffsetOutOfRangeError",
            Kind::Conflict => "ConflictError",
            Kind::Fenced => "FencedError",
            Kind::Denied => "DeniedError",
            Kind::Unavailable => "UnavailableError",
            Kind::Timeout => "TimeoutError",
            Kind::Corrupt => "CorruptError",
            Kind::Closed => "ClosedError",
            Kind::Internal => "InternalError",
        }
    }

    /// The code used when an error of this kind names no more exact one.
    pub const fn default_code(self) -> Code {
        match self {
            Kind::Invalid => Code::InvalidRequest,
            Kind::NotFound => Code::UnknownTopicOrPartition,
            Kind::Exists => Code::TopicAlreadyExists,
            Kind::OutOfRange => Code::OffsetOutOfRange,
            Kind::Conflict => Code::RebalanceInProgress,
            Kind::Fenced => Code::InvalidProducerEpoch,
            Kind::Denied => Code::ClusterAuthorizationFailed,
            Kind::Unavailable => Code::LeaderNotAvailable,
            Kind::Timeout => Code::RequestTimedOut,
            Kind::Corrupt => Code::KafkaStorageError,
            Kind::Closed => Code::NotLeaderOrFollower,
            Kind::Internal => Code::UnknownServerError,
        }
    }
}

macro_rules! codes {
    ($($name:ident = $number:literal),+ $(,)?) => {
        /// Kafka's error codes, as far as the engine answers them.
        /// Source: `org.apache.kafka.common.protocol.Errors`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i16)]
        pub enum Code { $($name = $number),+ }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name),+];
        }
    };
}

codes! {
    UnknownServerError = -1,
    OffsetOutOfRange = 1,
    CorruptMessage = 2,
    UnknownTopicOrPartition = 3,
    LeaderNotAvailable = 5,
    NotLeaderOrFollower = 6,
    RequestTimedOut = 7,
    MessageTooLarge = 10,
    OffsetMetadataTooLarge = 12,
    CoordinatorNotAvailable = 15,
    InvalidTopic = 17,
    RecordListTooLarge = 18,
    InvalidRequiredAcks = 21,
    IllegalGeneration = 22,
    InconsistentGroupProtocol = 23,
    InvalidGroupId = 24,
    UnknownMemberId = 25,
    InvalidSessionTimeout = 26,
    RebalanceInProgress = 27,
    TopicAuthorizationFailed = 29,
    GroupAuthorizationFailed = 30,
    ClusterAuthorizationFailed = 31,
    InvalidTimestamp = 32,
    UnsupportedVersion = 35,
    TopicAlreadyExists = 36,
    InvalidPartitions = 37,
    InvalidReplicationFactor = 38,
    InvalidConfig = 40,
    InvalidRequest = 42,
    UnsupportedForMessageFormat = 43,
    PolicyViolation = 44,
    OutOfOrderSequenceNumber = 45,
    DuplicateSequenceNumber = 46,
    InvalidProducerEpoch = 47,
    InvalidTxnState = 48,
    InvalidProducerIdMapping = 49,
    InvalidTransactionTimeout = 50,
    ConcurrentTransactions = 51,
    TransactionCoordinatorFenced = 52,
    TransactionalIdAuthorizationFailed = 53,
    OperationNotAttempted = 55,
    KafkaStorageError = 56,
    NonEmptyGroup = 68,
    GroupIdNotFound = 69,
    FencedLeaderEpoch = 74,
    UnknownLeaderEpoch = 75,
    UnsupportedCompressionType = 76,
    GroupMaxSizeReached = 81,
    FencedInstanceId = 82,
    GroupSubscribedToTopic = 86,
    InvalidRecord = 87,
    UnstableOffsetCommit = 88,
    ThrottlingQuotaExceeded = 89,
    ProducerFenced = 90,
    UnknownTopicId = 100,
    TransactionalIdNotFound = 105,
    FencedMemberEpoch = 110,
    UnreleasedInstanceId = 111,
    UnsupportedAssignor = 112,
    StaleMemberEpoch = 113,
    TransactionAbortable = 120,
    InvalidRegularExpression = 128,
}

impl Code {
    /// Kafka's number.
    pub const fn number(self) -> i16 {
        self as i16
    }

    /// The kind that an error with this code has.
    pub const fn kind(self) -> Kind {
        use Code::*;
        match self {
            UnknownServerError => Kind::Internal,
            OffsetOutOfRange => Kind::OutOfRange,
            CorruptMessage | KafkaStorageError => Kind::Corrupt,
            UnknownTopicOrPartition
            | UnknownTopicId
            | GroupIdNotFound
            | TransactionalIdNotFound => Kind::NotFound,
            TopicAlreadyExists => Kind::Exists,
            RequestTimedOut => Kind::Timeout,
            LeaderNotAvailable
            | NotLeaderOrFollower
            | CoordinatorNotAvailable
            | ConcurrentTransactions
            | ThrottlingQuotaExceeded
            | GroupMaxSizeReached
            | UnstableOffsetCommit
            | UnknownLeaderEpoch => Kind::Unavailable,
            TopicAuthorizationFailed
            | GroupAuthorizationFailed
            | ClusterAuthorizationFailed
            | TransactionalIdAuthorizationFailed => Kind::Denied,
            IllegalGeneration
            | UnknownMemberId
            | RebalanceInProgress
            | NonEmptyGroup
            | GroupSubscribedToTopic
            | OutOfOrderSequenceNumber
            | DuplicateSequenceNumber
            | InvalidTxnState
            | InvalidProducerIdMapping
            | TransactionAbortable
            | StaleMemberEpoch
            | UnreleasedInstanceId
            | OperationNotAttempted => Kind::Conflict,
            InvalidProducerEpoch
            | ProducerFenced
            | FencedInstanceId
            | FencedMemberEpoch
            | FencedLeaderEpoch
            | TransactionCoordinatorFenced => Kind::Fenced,
            MessageTooLarge
            | OffsetMetadataTooLarge
            | InvalidTopic
            | RecordListTooLarge
            | InvalidRequiredAcks
            | InconsistentGroupProtocol
            | InvalidGroupId
            | InvalidSessionTimeout
            | InvalidTransactionTimeout
            | InvalidTimestamp
            | UnsupportedVersion
            | InvalidPartitions
            | InvalidReplicationFactor
            | InvalidConfig
            | InvalidRequest
            | UnsupportedForMessageFormat
            | PolicyViolation
            | UnsupportedCompressionType
            | InvalidRecord
            | UnsupportedAssignor
            | InvalidRegularExpression => Kind::Invalid,
        }
    }
}

/// An error: kind, Kafka code, message and, where there is one, the error below it.
///
/// Cheap to move (one pointer); match on [`Error::kind`] or [`Error::code`], never on the text.
#[derive(Clone)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: Kind,
    code: Code,
    message: String,
    source: Option<std::sync::Arc<dyn StdError + Send + Sync + 'static>>,
}

impl Error {
    /// An error of `kind` with that kind's usual code.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let inner = Inner {
            kind,
            code: kind.default_code(),
            message: message.into(),
            source: None,
        };
        Error {
            inner: Box::new(inner),
        }
    }

    /// An error with an exact Kafka code; the kind follows from it.
    pub fn coded(code: Code, message: impl Into<String>) -> Self {
        let inner = Inner {
            kind: code.kind(),
            code,
            message: message.into(),
            source: None,
        };
        Error {
            inner: Box::new(inner),
        }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(Kind::Corrupt, message)
    }

    pub fn closed(message: impl Into<String>) -> Self {
        Self::new(Kind::Closed, message)
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// An operating system error, with what was being done to what: `"append to orders-0/….log"`.
    pub fn io(what: impl fmt::Display, error: std::io::Error) -> Self {
        use std::io::ErrorKind as E;
        let kind = match error.kind() {
            E::NotFound => Kind::NotFound,
            E::PermissionDenied | E::ReadOnlyFilesystem => Kind::Denied,
            E::AlreadyExists => Kind::Exists,
            E::UnexpectedEof | E::InvalidData => Kind::Corrupt,
            _ => Kind::Unavailable,
        };
        let hint = if error.kind() == E::StorageFull {
            ": free space on the disk, then retry"
        } else {
            ""
        };
        let mut made = Self::new(kind, format!("{what}: {error}{hint}"));
        made.inner.code = Code::KafkaStorageError;
        made.with_source(error)
    }

    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.inner.source = Some(std::sync::Arc::new(source));
        self
    }

    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.inner.code = code;
        self
    }

    /// The same error with where it happened put before its message.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.inner.message = format!("{place}: {}", self.inner.message);
        self
    }

    pub fn kind(&self) -> Kind {
        self.inner.kind
    }

    pub fn code(&self) -> Code {
        self.inner.code
    }

    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Whether the same call may succeed later without a change.
    pub fn is_retriable(&self) -> bool {
        matches!(self.kind(), Kind::Unavailable | Kind::Timeout)
    }

    /// Whether the disk refused because it is full.
    pub fn is_disk_full(&self) -> bool {
        let io = self
            .inner
            .source
            .as_ref()
            .and_then(|s| s.downcast_ref::<std::io::Error>());
        io.is_some_and(|e| e.kind() == std::io::ErrorKind::StorageFull)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?}({:?}): {}",
            self.kind(),
            self.code(),
            self.message()
        )
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_ref()
            .map(|s| s.as_ref() as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_code_of_a_kind_that_kafka_has_maps_back_to_it() {
        for kind in Kind::ALL {
            let back = kind.default_code().kind();
            let no_code_of_its_own = matches!(kind, Kind::Closed);
            assert!(back == kind || no_code_of_its_own, "{kind:?} -> {back:?}");
        }
    }

    #[test]
    fn disk_full_is_told_apart_and_retriable() {
        let full = Error::io(
            "append to x.log",
            std::io::Error::from(std::io::ErrorKind::StorageFull),
        );
        assert!(full.is_disk_full() && full.is_retriable());
        assert!(full.message().contains("free space"));
    }
}
