//! DescribeCluster, key 60, versions 0 to 2 (KIP-700, KIP-919, KIP-1073).
//!
//! One broker, which is its own controller and is never fenced.

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::rights;
use crate::error::{Code, Result};
use crate::protocol::messages::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: DescribeClusterRequest = call.request()?;
    let (code, message) = match request.endpoint_type {
        BROKERS => return described(call, request.include_cluster_authorized_operations),
        CONTROLLERS => (
            Code::MismatchedEndpointType,
            "the request was sent to an endpoint of brokers, but asks for one of controllers"
                .to_owned(),
        ),
        other => (
            Code::UnsupportedEndpointType,
            format!("unsupported endpoint type {other}"),
        ),
    };
    call.ready(&DescribeClusterResponse {
        error_code: code.number(),
        error_message: Some(message.into()),
        ..DescribeClusterResponse::default()
    })
}

fn described(call: &Call<'_>, with_rights: bool) -> Result<Answer> {
    let engine = call.engine();
    let listener = &call.peer.listener;
    call.ready(&DescribeClusterResponse {
        cluster_id: engine.cluster_id().into(),
        controller_id: engine.node_id(),
        brokers: vec![DescribeClusterBroker {
            broker_id: engine.node_id(),
            host: listener.host.as_str().into(),
            port: i32::from(listener.port),
            ..DescribeClusterBroker::default()
        }],
        cluster_authorized_operations: rights::when(with_rights, rights::CLUSTER),
        ..DescribeClusterResponse::default()
    })
}
