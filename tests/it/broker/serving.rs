//! Starting, stopping, and what every connection sees first.

use std::time::{Duration, Instant};

use levada::embedded::Database;
use levada::protocol::ApiKey;
use levada::protocol::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use levada::protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse,
};

use levada::engine::NewTopic;
use levada::protocol::messages::fetch::FetchResponse;
use levada::protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse,
};

use super::records::{batch, fetch_request, produce};
use super::wire::{Broker, Wire};

fn software<'a>() -> ApiVersionsRequest<'a> {
    ApiVersionsRequest {
        client_software_name: "wire".into(),
        client_software_version: "1.0".into(),
        ..ApiVersionsRequest::default()
    }
}

#[test]
fn an_unknown_version_of_api_versions_is_answered_in_version_0() {
    let broker = Broker::start();
    let mut wire = broker.connect();
    // Key 18, version 99, correlation id 7, no client id.
    wire.raw(&[0, 0, 0, 11, 0, 18, 0, 99, 0, 0, 0, 7, 255, 255, 0]);
    let answer = wire.receive(ApiKey::ApiVersions, 0, 7);
    let response: ApiVersionsResponse<'_> = answer.read();
    assert_eq!(response.error_code, 35);
    assert_eq!(response.api_keys.len(), 1);
    assert_eq!(
        (
            response.api_keys[0].api_key,
            response.api_keys[0].max_version
        ),
        (18, 5)
    );
}

#[test]
fn metadata_makes_a_topic_that_the_client_wants_made() {
    let broker = Broker::with(&[]);
    let mut wire = broker.connect();
    let wanted = |name: &'static str, allow| MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(name.into()),
            ..MetadataRequestTopic::default()
        }]),
        allow_auto_topic_creation: allow,
        ..MetadataRequest::default()
    };
    for (name, allow, code, partitions) in [
        ("no", false, 3, 0),
        ("bad name", true, 17, 0),
        ("yes", true, 0, 1),
    ] {
        let answer = wire.call(12, &wanted(name, allow));
        let response: MetadataResponse<'_> = answer.read();
        let topic = &response.topics[0];
        assert_eq!(
            (topic.error_code, topic.partitions.len()),
            (code, partitions),
            "{name}"
        );
    }
}

#[test]
fn a_stopped_server_can_be_started_again_on_its_port() {
    let mut broker = Broker::start();
    let address = broker.server.bootstrap();
    let mut wire = broker.connect();
    let _ = wire.call(3, &software());
    let before = Instant::now();
    broker.server.stop(Duration::from_secs(10));
    assert!(wire.is_closed());
    assert!(
        before.elapsed() < Duration::from_secs(9),
        "it waited for nobody"
    );
    let again = Broker::on(broker.database.clone(), &[("listeners", &address)]);
    let _ = Wire::to(&again.server.bootstrap()).call(3, &software());
}

#[test]
fn the_limit_of_connections_closes_one_more() {
    let database = Database::open(":memory:").unwrap();
    let broker = Broker::on(database, &[("max.connections", "2")]);
    let mut both = [broker.connect(), broker.connect()];
    for wire in &mut both {
        let _ = wire.call(3, &software());
    }
    assert!(broker.connect().is_closed());
    for wire in &mut both {
        let _ = wire.call(3, &software());
    }
}

/// A request that waits in the buffer is begun when the one before it is answered: no byte will come to
/// wake the connection.
#[test]
fn requests_sent_together_are_answered_without_waiting_for_more_bytes() {
    let broker = Broker::start();
    let mut wire = broker.connect();
    let groups: Vec<i32> = (0..6)
        .map(|_| {
            wire.send(
                2,
                &OffsetCommitRequest {
                    group_id: "g".into(),
                    generation_id_or_member_epoch: -1,
                    topics: vec![OffsetCommitRequestTopic {
                        name: "none".into(),
                        partitions: vec![OffsetCommitRequestPartition::default()],
                        ..OffsetCommitRequestTopic::default()
                    }],
                    ..OffsetCommitRequest::default()
                },
            )
        })
        .collect();
    let before = Instant::now();
    for id in groups {
        let answer = wire.receive(ApiKey::OffsetCommit, 2, id);
        let response: OffsetCommitResponse<'_> = answer.read();
        assert_eq!(response.topics.len(), 1);
    }
    // A tick that rescues a stalled connection comes after five seconds.
    assert!(before.elapsed() < Duration::from_secs(4), "it stalled");
}

#[test]
fn a_request_behind_a_large_answer_is_begun_when_that_is_written() {
    let broker = Broker::start();
    let engine = broker.database.engine();
    engine.create_topic(&NewTopic::new("t", 1)).unwrap();
    let mut wire = broker.connect();
    for _ in 0..40 {
        let (code, _) = produce(&mut wire, "t", -1, &batch(500));
        assert_eq!(code, 0);
    }
    let before = Instant::now();
    let fetch = wire.send(4, &fetch_request("t", 0, 0));
    let versions = wire.send(3, &software());
    let answer = wire.receive(ApiKey::Fetch, 4, fetch);
    let response: FetchResponse<'_> = answer.read();
    let records = response.responses[0].partitions[0]
        .records
        .as_ref()
        .unwrap();
    assert!(
        records.len() > 300_000,
        "larger than what may wait: {}",
        records.len()
    );
    let answer = wire.receive(ApiKey::ApiVersions, 3, versions);
    let _: ApiVersionsResponse<'_> = answer.read();
    assert!(before.elapsed() < Duration::from_secs(4), "it stalled");
}
