//! The one error of Levada: a kind chosen by what the caller must do, the Kafka error code that a
//! client on the wire would see, and a message that says what, where and what to do.
//!
//! One table ([`Code`] and [`Kind`]) gives the Python exception, the C status, the Kafka error code
//! and the exit status of the command line.

use std::any::Any;
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
    ($($name:ident = $number:literal: $kind:ident),+ $(,)?) => {
        /// Kafka's error codes, as far as the engine or the broker answers them.
        /// Source: `org.apache.kafka.common.protocol.Errors`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i16)]
        pub enum Code { $($name = $number),+ }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name),+];

            /// The kind that an error with this code has.
            pub const fn kind(self) -> Kind {
                match self {
                    $(Code::$name => Kind::$kind),+
                }
            }

            /// `None` for 0, which is no error, and for numbers that are not in the table.
            pub const fn from_number(number: i16) -> Option<Code> {
                match number {
                    $($number => Some(Code::$name),)+
                    _ => None,
                }
            }
        }
    };
}

codes! {
    UnknownServerError = -1: Internal,
    OffsetOutOfRange = 1: OutOfRange,
    CorruptMessage = 2: Corrupt,
    UnknownTopicOrPartition = 3: NotFound,
    InvalidFetchSize = 4: Invalid,
    LeaderNotAvailable = 5: Unavailable,
    NotLeaderOrFollower = 6: Unavailable,
    RequestTimedOut = 7: Timeout,
    BrokerNotAvailable = 8: Unavailable,
    ReplicaNotAvailable = 9: Unavailable,
    MessageTooLarge = 10: Invalid,
    OffsetMetadataTooLarge = 12: Invalid,
    NetworkException = 13: Unavailable,
    CoordinatorLoadInProgress = 14: Unavailable,
    CoordinatorNotAvailable = 15: Unavailable,
    NotCoordinator = 16: Unavailable,
    InvalidTopic = 17: Invalid,
    RecordListTooLarge = 18: Invalid,
    NotEnoughReplicas = 19: Unavailable,
    NotEnoughReplicasAfterAppend = 20: Unavailable,
    InvalidRequiredAcks = 21: Invalid,
    IllegalGeneration = 22: Conflict,
    InconsistentGroupProtocol = 23: Invalid,
    InvalidGroupId = 24: Invalid,
    UnknownMemberId = 25: Conflict,
    InvalidSessionTimeout = 26: Invalid,
    RebalanceInProgress = 27: Conflict,
    InvalidCommitOffsetSize = 28: Invalid,
    TopicAuthorizationFailed = 29: Denied,
    GroupAuthorizationFailed = 30: Denied,
    ClusterAuthorizationFailed = 31: Denied,
    InvalidTimestamp = 32: Invalid,
    UnsupportedVersion = 35: Invalid,
    TopicAlreadyExists = 36: Exists,
    InvalidPartitions = 37: Invalid,
    InvalidReplicationFactor = 38: Invalid,
    InvalidReplicaAssignment = 39: Invalid,
    InvalidConfig = 40: Invalid,
    NotController = 41: Unavailable,
    InvalidRequest = 42: Invalid,
    UnsupportedForMessageFormat = 43: Invalid,
    PolicyViolation = 44: Invalid,
    OutOfOrderSequenceNumber = 45: Conflict,
    DuplicateSequenceNumber = 46: Conflict,
    InvalidProducerEpoch = 47: Fenced,
    InvalidTxnState = 48: Conflict,
    InvalidProducerIdMapping = 49: Conflict,
    InvalidTransactionTimeout = 50: Invalid,
    ConcurrentTransactions = 51: Unavailable,
    TransactionCoordinatorFenced = 52: Fenced,
    TransactionalIdAuthorizationFailed = 53: Denied,
    SecurityDisabled = 54: Invalid,
    OperationNotAttempted = 55: Conflict,
    KafkaStorageError = 56: Corrupt,
    LogDirNotFound = 57: NotFound,
    UnknownProducerId = 59: Conflict,
    ReassignmentInProgress = 60: Conflict,
    NonEmptyGroup = 68: Conflict,
    GroupIdNotFound = 69: NotFound,
    FetchSessionIdNotFound = 70: Conflict,
    InvalidFetchSessionEpoch = 71: Conflict,
    TopicDeletionDisabled = 73: Invalid,
    FencedLeaderEpoch = 74: Fenced,
    UnknownLeaderEpoch = 75: Unavailable,
    UnsupportedCompressionType = 76: Invalid,
    OffsetNotAvailable = 78: Unavailable,
    MemberIdRequired = 79: Conflict,
    PreferredLeaderNotAvailable = 80: Unavailable,
    GroupMaxSizeReached = 81: Unavailable,
    FencedInstanceId = 82: Fenced,
    EligibleLeadersNotAvailable = 83: Unavailable,
    ElectionNotNeeded = 84: Conflict,
    NoReassignmentInProgress = 85: NotFound,
    GroupSubscribedToTopic = 86: Conflict,
    InvalidRecord = 87: Invalid,
    UnstableOffsetCommit = 88: Unavailable,
    ThrottlingQuotaExceeded = 89: Unavailable,
    ProducerFenced = 90: Fenced,
    ResourceNotFound = 91: NotFound,
    DuplicateResource = 92: Invalid,
    InvalidUpdateVersion = 95: Invalid,
    FeatureUpdateFailed = 96: Conflict,
    PositionOutOfRange = 99: OutOfRange,
    UnknownTopicId = 100: NotFound,
    InconsistentTopicId = 103: Conflict,
    TransactionalIdNotFound = 105: NotFound,
    FetchSessionTopicIdError = 106: Conflict,
    NewLeaderElected = 108: Unavailable,
    OffsetMovedToTieredStorage = 109: Unavailable,
    FencedMemberEpoch = 110: Fenced,
    UnreleasedInstanceId = 111: Conflict,
    UnsupportedAssignor = 112: Invalid,
    StaleMemberEpoch = 113: Conflict,
    MismatchedEndpointType = 114: Invalid,
    UnsupportedEndpointType = 115: Invalid,
    UnknownSubscriptionId = 117: Conflict,
    TelemetryTooLarge = 118: Invalid,
    TransactionAbortable = 120: Conflict,
    InvalidRegularExpression = 128: Invalid,
    RebootstrapRequired = 129: Unavailable,
}

impl Code {
    /// Kafka's number.
    pub const fn number(self) -> i16 {
        self as i16
    }
}

/// What a panic that was caught says.
#[cold]
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message")
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

    /// Of a panic that was caught; its text is what [`panic_text`] gives.
    #[cold]
    pub fn defect(text: &str) -> Self {
        Self::internal(format!("a defect, please report it: {text}"))
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

    /// The same for a file that is in doubt since: Corrupt, because trying again cannot help.
    #[must_use]
    pub fn in_doubt(mut self) -> Self {
        (self.inner.kind, self.inner.code) = (Kind::Corrupt, Code::KafkaStorageError);
        let hint = ": what the disk has is in doubt; close the database and open it again, which recovers it";
        self.inner.message.push_str(hint);
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
