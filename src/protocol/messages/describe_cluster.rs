//! DescribeCluster, key 60: request and response, versions 0 to 2.
//!
//! Made by scripts/protocol_messages.py from the definitions of Kafka 4.4.0.

use crate::protocol::schema::{field, message, schema, tags};
use crate::protocol::wire::Str;

message!(DescribeClusterRequest: DescribeCluster, 0..=2, flexible 0);

schema! {
    /// Versions 0 to 2, flexible from 0.
    pub struct DescribeClusterRequest {
        include_cluster_authorized_operations: bool,
        [1..; strict] endpoint_type: i8 = 1,
        [2..; strict] include_fenced_brokers: bool,
    }
}

message!(DescribeClusterResponse<'a>: DescribeCluster, 0..=2, flexible 0);

schema! {
    /// Versions 0 to 2, flexible from 0.
    pub struct DescribeClusterResponse<'a> {
        throttle_time_ms: i32,
        error_code: i16,
        error_message: Option<Str<'a>>,
        [1..; strict] endpoint_type: i8 = 1,
        cluster_id: Str<'a>,
        controller_id: i32 = -1,
        brokers: Vec<DescribeClusterBroker<'a>>,
        cluster_authorized_operations: i32 = i32::MIN,
    }

    pub struct DescribeClusterBroker<'a> {
        broker_id: i32,
        host: Str<'a>,
        port: i32,
        rack: Option<Str<'a>>,
        [2..; strict] is_fenced: bool,
    }
}
