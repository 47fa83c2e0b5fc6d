//! Health, readiness and metrics over HTTP.

use std::io::Read as _;
use std::time::{Duration, Instant};

use levada::embedded::Database;
use levada::engine::groups::OffsetCommit;
use levada::engine::{Job, NewTopic};
use levada::protocol::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use levada::protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use levada::record::{BatchBuilder, BuildOptions};
use levada::types::{Offset, Timestamp};

use super::records::{batch, produce};
use super::wire::{Broker, Wire};
use crate::http::{get, scrape};

const ADMIN: (&str, &str) = ("levada.admin.listener", "127.0.0.1:0");

fn admin(broker: &Broker) -> String {
    let address = broker.server.admin_address();
    address.expect("an HTTP port").to_string()
}

#[test]
fn without_the_setting_there_is_no_http_port() {
    assert_eq!(Broker::start().server.admin_address(), None);
}

#[test]
fn health_and_readiness_are_told() {
    let broker = Broker::with(&[ADMIN]);
    let address = admin(&broker);
    let healthy = get(&address, "/healthz");
    assert_eq!(
        (healthy.status, &*healthy.body),
        (200, r#"{"healthy":true}"#)
    );
    let ready = get(&address, "/readyz");
    assert_eq!((ready.status, &*ready.body), (200, r#"{"ready":true}"#));
    assert_eq!(get(&address, "/else").status, 404);

    broker.database.close().unwrap();
    let closed = get(&address, "/readyz");
    let told = r#"{"ready":false,"reason":"closed"}"#;
    assert_eq!((closed.status, &*closed.body), (503, told));
    assert_eq!(get(&address, "/healthz").status, 200);
    let values = scrape(&address);
    assert_eq!(values["levada_topics"], 0.0, "nothing is left to show");
}

/// Has `wire` ask for more than sockets hold, and nobody read it: a stop waits for such an answer.
pub fn with_an_unread_answer(mut wire: Wire, admin: &str) -> Wire {
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some("t".into()),
            ..MetadataRequestTopic::default()
        }]),
        allow_auto_topic_creation: true,
        ..MetadataRequest::default()
    };
    wire.call(12, &request);
    let mut large = BatchBuilder::default();
    large.push(Timestamp(1000), None, Some(&[7; 1_000_000]), &[]);
    let large = large.finish(&BuildOptions::default()).unwrap().to_vec();
    for _ in 0..48 {
        assert_eq!(produce(&mut wire, "t", -1, &large).0, 0);
    }
    let request = FetchRequest {
        max_bytes: 1 << 30,
        topics: vec![FetchTopic {
            topic: "t".into(),
            partitions: vec![FetchPartition {
                partition_max_bytes: 1 << 30,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    };
    wire.send(12, &request);
    let begun = "levada_request_seconds_count{api=\"Fetch\"}";
    let limit = Instant::now() + Duration::from_secs(20);
    while !scrape(admin).contains_key(begun) {
        assert!(Instant::now() < limit, "no request was begun");
    }
    wire
}

#[test]
fn a_server_that_stops_says_so_until_its_last_answer_is_read() {
    let mut broker = Broker::with(&[ADMIN]);
    let address = admin(&broker);
    let mut wire = with_an_unread_answer(broker.connect(), &address);
    std::thread::scope(|scope| {
        let server = &mut broker.server;
        let stopped = scope.spawn(move || server.stop(Duration::from_secs(60)));
        let limit = Instant::now() + Duration::from_secs(20);
        let told = loop {
            let got = get(&address, "/readyz");
            if got.status == 503 {
                break got.body;
            }
            assert!(Instant::now() < limit, "it stays ready: {}", got.body);
        };
        assert_eq!(told, r#"{"ready":false,"reason":"stopping"}"#);
        assert_eq!(get(&address, "/healthz").status, 200);
        assert!(!stopped.is_finished(), "an answer is not read yet");
        let mut rest = Vec::new();
        wire.stream.read_to_end(&mut rest).expect("the answers");
        stopped.join().expect("it stops");
    });
    assert!(
        std::net::TcpStream::connect(&address).is_err(),
        "it is gone"
    );
}

#[test]
fn what_happens_is_counted() {
    let broker = Broker::with(&[ADMIN]);
    let engine = broker.database.engine();
    engine.create_topic(&NewTopic::new("t", 2)).unwrap();
    let mut wire = broker.connect();
    assert_eq!(produce(&mut wire, "t", -1, &batch(3)).0, 0);
    assert_eq!(produce(&mut wire, "t", -1, &batch(2)).0, 0);
    assert_eq!(produce(&mut wire, "none", -1, &batch(2)).0, 3);
    let commit = OffsetCommit::new("t", 0, Offset(1));
    engine.groups().reset("g", vec![commit]).unwrap();
    engine.run_job(Job::Checkpoint).unwrap();
    let mut broken = broker.connect();
    broken.raw(b"GET / HTTP/1.1\r\n\r\n");
    assert!(broken.is_closed());

    let values = scrape(&admin(&broker));
    let is = |name: &str, expected: f64| {
        let found = values.get(name);
        assert_eq!(found, Some(&expected), "{name} in {values:#?}");
    };
    is("levada_connections_opened_total", 2.0);
    is("levada_connections_failed_total", 1.0);
    is("levada_request_seconds_count{api=\"Produce\"}", 3.0);
    is(
        "levada_request_seconds_bucket{le=\"+Inf\",api=\"Produce\"}",
        3.0,
    );
    is(
        "levada_request_errors_total{api=\"Produce\",code=\"UnknownTopicOrPartition\"}",
        1.0,
    );
    is("levada_log_start_offset{topic=\"t\",partition=\"0\"}", 0.0);
    is("levada_log_end_offset{topic=\"t\",partition=\"0\"}", 5.0);
    is("levada_groups{state=\"Empty\"}", 1.0);
    is(
        "levada_group_lag{group=\"g\",topic=\"t\",partition=\"0\"}",
        4.0,
    );
    is("levada_upkeep_runs_total{job=\"checkpoint\"}", 1.0);
    is("levada_partitions_failed", 0.0);
    let more = |name: &str, least: f64| {
        let found = values.get(name).copied().unwrap_or_default();
        assert!(found >= least, "{name}: {found}");
    };
    more("levada_request_bytes_total{api=\"Produce\"}", 300.0);
    more("levada_response_bytes_total{api=\"Produce\"}", 100.0);
    more("levada_log_size_bytes{topic=\"t\",partition=\"0\"}", 100.0);
    // Five records and the group's offset.
    more("levada_log_appended_records_total", 6.0);
    more("levada_log_append_seconds_count", 3.0);
    more("levada_log_sync_seconds_count", 1.0);
    more("levada_partitions_open", 2.0);
}

#[test]
fn a_scrape_opens_no_log_and_still_knows_the_lag_after_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let database = Database::open(root.path()).unwrap();
    let broker = Broker::on(database.clone(), &[]);
    let engine = database.engine();
    engine.create_topic(&NewTopic::new("t", 1)).unwrap();
    assert_eq!(produce(&mut broker.connect(), "t", -1, &batch(7)).0, 0);
    let commit = OffsetCommit::new("t", 0, Offset(5));
    engine.groups().reset("g", vec![commit]).unwrap();
    drop(broker);
    database.close().unwrap();

    let database = Database::open(root.path()).unwrap();
    let broker = Broker::on(database, &[ADMIN]);
    let values = scrape(&admin(&broker));
    let lag = "levada_group_lag{group=\"g\",topic=\"t\",partition=\"0\"}";
    assert_eq!(values.get(lag), Some(&2.0), "{values:#?}");
    let end = "levada_log_end_offset{topic=\"t\",partition=\"0\"}";
    assert_eq!(values[end], 7.0);
    let partition = broker.database.engine().partition("t", 0).unwrap();
    assert!(partition.log_if_open().is_none(), "it was opened");
    let size = "levada_log_size_bytes{topic=\"t\",partition=\"0\"}";
    assert!(!values.contains_key(size));
}

#[test]
fn the_page_names_every_metric_and_no_other() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, after) = page.split_once("<!-- metrics:").unwrap();
    let rows = after.lines().skip(3).take_while(|l| l.starts_with('|'));
    let documented: Vec<String> = rows
        .map(|row| row.split('`').nth(1).expect("a name").to_owned())
        .collect();
    let broker = Broker::with(&[ADMIN]);
    let text = get(&admin(&broker), "/metrics").body;
    let heads = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let exposed: Vec<String> = heads
        .map(|head| match head.split_once(' ').expect("name and type") {
            (name, "counter") => format!("{name}_total"),
            (name, "info") => format!("{name}_info"),
            (name, _) => name.to_owned(),
        })
        .collect();
    assert_eq!(documented, exposed);
}
