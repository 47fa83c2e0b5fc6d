//! What callers ask, in the coordinator's own words; the broker's messages and the producer in process
//! are both turned into these.

use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::types::{ProducerEpoch, ProducerId, TopicPartition};

/// A producer id with the epoch of the one who holds it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProducerIdentity {
    pub id: ProducerId,
    pub epoch: ProducerEpoch,
}

/// Which rules the client keeps to (KIP-890). Stored with the transaction under Kafka's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientVersion {
    #[default]
    V0,
    /// As the first, with the flexible record format.
    V1,
    /// The epoch grows with each end; partitions are added by producing.
    V2,
}

impl ClientVersion {
    pub const fn number(self) -> i16 {
        self as i16
    }

    /// A later version keeps at least to the rules of the second.
    pub const fn from_number(number: i16) -> ClientVersion {
        match number {
            ..=0 => ClientVersion::V0,
            1 => ClientVersion::V1,
            _ => ClientVersion::V2,
        }
    }

    /// Of an EndTxn request.
    pub const fn of_end(api_version: i16) -> ClientVersion {
        match api_version {
            5.. => ClientVersion::V2,
            _ => ClientVersion::V1,
        }
    }

    /// Of an AddPartitionsToTxn request.
    pub const fn of_add(api_version: i16) -> ClientVersion {
        match api_version {
            4.. => ClientVersion::V2,
            _ => ClientVersion::V1,
        }
    }

    pub const fn bumps_epochs(self) -> bool {
        matches!(self, ClientVersion::V2)
    }
}

/// InitProducerId with a transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitRequest {
    pub transactional_id: Arc<str>,
    pub timeout_ms: i32,
    /// What the producer has now, when it goes on after an error (KIP-360).
    pub current: Option<ProducerIdentity>,
}

impl InitRequest {
    /// What the two fields of the request say together.
    ///
    /// Errors: Invalid when only one of them is given.
    pub fn current(id: ProducerId, epoch: ProducerEpoch) -> Result<Option<ProducerIdentity>> {
        match (id.is_some(), epoch.get() >= 0) {
            (true, true) => Ok(Some(ProducerIdentity { id, epoch })),
            (false, false) => Ok(None),
            _ => Err(Error::invalid(
                "producer id and epoch come together or not at all",
            )),
        }
    }
}

/// AddPartitionsToTxn, AddOffsetsToTxn, and what producing implies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddRequest {
    pub transactional_id: Arc<str>,
    pub producer: ProducerIdentity,
    pub partitions: Vec<TopicPartition>,
    pub client: ClientVersion,
}

/// EndTxn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndRequest {
    pub transactional_id: Arc<str>,
    pub producer: ProducerIdentity,
    pub commit: bool,
    pub client: ClientVersion,
}

/// A request whose older versions do not know every error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxnApi {
    Produce,
    InitProducerId,
    AddPartitionsToTxn,
    AddOffsetsToTxn,
    EndTxn,
    TxnOffsetCommit,
}

/// The code that `version` of `api` answers an error with: PRODUCER_FENCED is InvalidProducerEpoch to
/// those that came before it (KIP-588), and a partition that is not in the transaction can be mended by
/// aborting for those that know TRANSACTION_ABORTABLE (KIP-1050).
pub fn answered_code(error: &Error, api: TxnApi, version: i16) -> Code {
    let knows_fenced = match api {
        TxnApi::Produce => false,
        TxnApi::InitProducerId => version >= 4,
        TxnApi::AddPartitionsToTxn | TxnApi::AddOffsetsToTxn | TxnApi::EndTxn => version >= 2,
        TxnApi::TxnOffsetCommit => version >= 3,
    };
    let knows_abortable = match api {
        TxnApi::Produce => version >= 11,
        TxnApi::TxnOffsetCommit => version >= 4,
        _ => false,
    };
    match error.code() {
        Code::ProducerFenced if !knows_fenced => Code::InvalidProducerEpoch,
        Code::InvalidTxnState if knows_abortable => Code::TransactionAbortable,
        code => code,
    }
}
