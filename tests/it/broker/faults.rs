//! Faults that a test asks for, as a client meets them.

use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use levada::error::Code;
use levada::protocol::ApiKey;
use levada::protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
};
use levada::protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse,
};
use levada::protocol::messages::produce::ProduceRequest;

use super::wire::{Broker, Wire};

fn metadata<'a>() -> MetadataRequest<'a> {
    MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some("t".into()),
            ..MetadataRequestTopic::default()
        }]),
        ..MetadataRequest::default()
    }
}

fn code_of_metadata(wire: &mut Wire) -> i16 {
    let answer = wire.call(12, &metadata());
    let response: MetadataResponse<'_> = answer.read();
    response.topics[0].error_code
}

#[test]
fn a_failure_is_answered_as_often_as_asked_for() {
    let broker = Broker::start();
    let faults = broker.server.faults();
    let code = Code::LeaderNotAvailable;
    faults.fail_next(ApiKey::Metadata, code, Some(2)).unwrap();
    let (mut one, mut other) = (broker.connect(), broker.connect());
    assert_eq!(code_of_metadata(&mut one), 5);
    assert_eq!(code_of_metadata(&mut other), 5);
    assert_eq!(code_of_metadata(&mut one), 0, "it is over");
}

#[test]
fn other_apis_do_not_fail() {
    let broker = Broker::start();
    let faults = broker.server.faults();
    let code = Code::NotLeaderOrFollower;
    faults.fail_next(ApiKey::ListOffsets, code, None).unwrap();
    let mut wire = broker.connect();
    assert_eq!(code_of_metadata(&mut wire), 0);
    let request = ListOffsetsRequest {
        topics: vec![ListOffsetsTopic {
            name: "t".into(),
            partitions: vec![ListOffsetsPartition::default()],
        }],
        ..ListOffsetsRequest::default()
    };
    for expected in [6, 6, 0] {
        if expected == 0 {
            faults.clear();
        }
        let answer = wire.call(7, &request);
        let response: ListOffsetsResponse<'_> = answer.read();
        assert_eq!(response.topics[0].partitions[0].error_code, expected);
    }
}

#[test]
fn who_wants_no_answer_loses_the_connection() {
    let broker = Broker::start();
    let faults = broker.server.faults();
    let code = Code::NotLeaderOrFollower;
    faults.fail_next(ApiKey::Produce, code, Some(1)).unwrap();
    let mut wire = broker.connect();
    wire.send(9, &ProduceRequest::default());
    assert!(wire.is_closed());
}

#[test]
fn a_paused_broker_accepts_and_answers_later_in_order() {
    let broker = Broker::start();
    let mut old = broker.connect();
    assert_eq!(code_of_metadata(&mut old), 0);
    broker.server.faults().pause();
    let mut new = broker.connect();
    let sent = [old.send(12, &metadata()), old.send(12, &metadata())];
    let first = new.send(12, &metadata());
    for wire in [&mut old, &mut new] {
        let limit = wire.stream.read_timeout().unwrap();
        let short = Duration::from_millis(100);
        wire.stream.set_read_timeout(Some(short)).unwrap();
        let kind = wire.stream.read(&mut [0]).expect_err("nothing").kind();
        assert!(
            kind == ErrorKind::WouldBlock || kind == ErrorKind::TimedOut,
            "{kind}"
        );
        wire.stream.set_read_timeout(limit).unwrap();
    }
    broker.server.faults().resume();
    for id in sent {
        let answer = old.receive(ApiKey::Metadata, 12, id);
        assert_eq!(answer.read::<MetadataResponse<'_>>().topics.len(), 1);
    }
    let answer = new.receive(ApiKey::Metadata, 12, first);
    assert_eq!(answer.read::<MetadataResponse<'_>>().topics.len(), 1);
}

#[test]
fn a_paused_broker_can_be_stopped() {
    let mut broker = Broker::start();
    let mut wire = broker.connect();
    assert_eq!(code_of_metadata(&mut wire), 0);
    broker.server.faults().pause();
    let before = Instant::now();
    broker.server.stop(Duration::from_secs(30));
    assert!(
        before.elapsed() < Duration::from_secs(20),
        "nothing to wait for"
    );
    assert!(wire.is_closed());
}

#[test]
fn a_delayed_answer_comes_after_its_delay() {
    let broker = Broker::start();
    let delay = Duration::from_millis(200);
    broker.server.faults().delay(ApiKey::Metadata, delay);
    let mut wire = broker.connect();
    let before = Instant::now();
    assert_eq!(code_of_metadata(&mut wire), 0);
    assert!(before.elapsed() >= delay);
    broker
        .server
        .faults()
        .delay(ApiKey::Metadata, Duration::ZERO);
    assert_eq!(code_of_metadata(&mut wire), 0);
}

#[test]
fn a_delayed_answer_does_not_hold_up_a_stop() {
    let mut broker = Broker::start();
    let hour = Duration::from_secs(3600);
    broker.server.faults().delay(ApiKey::Metadata, hour);
    let mut wire = broker.connect();
    wire.send(12, &metadata());
    let before = Instant::now();
    broker.server.stop(Duration::from_secs(60));
    assert!(before.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_killed_server_resets_connections_and_closes_its_port() {
    let mut broker = Broker::start();
    let address = broker.server.bootstrap();
    let hour = Duration::from_secs(3600);
    let mut wires = [broker.connect(), broker.connect()];
    for wire in &mut wires {
        assert_eq!(code_of_metadata(wire), 0);
    }
    // One waits for an answer meanwhile.
    broker.server.faults().delay(ApiKey::Metadata, hour);
    wires[0].send(12, &metadata());
    broker.server.kill();
    for wire in &mut wires {
        let error = wire.stream.read(&mut [0]).expect_err("no clean end");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    let refused = TcpStream::connect(&address).expect_err("nobody listens");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let again = Broker::on(broker.database.clone(), &[("listeners", &address)]);
    assert_eq!(code_of_metadata(&mut again.connect()), 0);
}
