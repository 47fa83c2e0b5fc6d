//! WriteTxnMarkers, key 27: request and response, versions 1 to 2.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(WriteTxnMarkersRequest<'a>: WriteTxnMarkers, 1..=2, flexible 1);

schema! {
    /// Versions 1 to 2, flexible from 1.
    pub struct WriteTxnMarkersRequest<'a> {
        markers: Vec<WritableTxnMarker<'a>>,
    }

    pub struct WritableTxnMarker<'a> {
        producer_id: i64,
        producer_epoch: i16,
        transaction_result: bool,
        topics: Vec<WritableTxnMarkerTopic<'a>>,
        coordinator_epoch: i32,
        [2..] transaction_version: i8,
    }

    pub struct WritableTxnMarkerTopic<'a> {
        name: Str<'a>,
        partition_indexes: Vec<i32>,
    }
}

message!(WriteTxnMarkersResponse<'a>: WriteTxnMarkers, 1..=2, flexible 1);

schema! {
    /// Versions 1 to 2, flexible from 1.
    pub struct WriteTxnMarkersResponse<'a> {
        markers: Vec<WritableTxnMarkerResult<'a>>,
    }

    pub struct WritableTxnMarkerResult<'a> {
        producer_id: i64,
        topics: Vec<WritableTxnMarkerTopicResult<'a>>,
    }

    pub struct WritableTxnMarkerTopicResult<'a> {
        name: Str<'a>,
        partitions: Vec<WritableTxnMarkerPartitionResult>,
    }

    pub struct WritableTxnMarkerPartitionResult {
        partition_index: i32,
        error_code: i16,
    }
}
