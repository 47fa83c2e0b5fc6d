//! What the cluster says of itself, and what it refuses to change.

use levada::embedded::Database;
use levada::engine::NewTopic;
use levada::protocol::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartition,
    ReassignableTopic,
};
use levada::protocol::messages::alter_replica_log_dirs::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
};
use levada::protocol::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use levada::protocol::messages::describe_cluster::{
    DescribeClusterRequest, DescribeClusterResponse,
};
use levada::protocol::messages::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsRequest, DescribeLogDirsResponse,
};
use levada::protocol::messages::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, TopicPartitions,
};
use levada::protocol::messages::get_telemetry_subscriptions::{
    GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse,
};
use levada::protocol::messages::push_telemetry::{PushTelemetryRequest, PushTelemetryResponse};
use levada::protocol::messages::update_features::{
    FeatureUpdateKey, UpdateFeaturesRequest, UpdateFeaturesResponse,
};

use crate::broker::records::{batch, produce};
use crate::broker::wire::Broker;

fn start() -> Broker {
    let broker = Broker::start();
    broker
        .database
        .engine()
        .create_topic(&NewTopic::new("t", 2))
        .unwrap();
    broker
}

#[test]
fn the_cluster_is_one_broker_that_is_its_own_controller() {
    let broker = start();
    let wire = &mut broker.connect();
    let request = DescribeClusterRequest {
        include_cluster_authorized_operations: true,
        ..DescribeClusterRequest::default()
    };
    let answer = wire.call(2, &request);
    let response: DescribeClusterResponse<'_> = answer.read();
    let [only] = &response.brokers[..] else {
        panic!("{response:?}");
    };
    let bootstrap = broker.server.bootstrap();
    assert_eq!(format!("{}:{}", only.host, only.port), bootstrap);
    assert_eq!((only.broker_id, only.is_fenced), (1, false));
    assert_eq!(response.controller_id, 1);
    assert_eq!(response.cluster_authorized_operations, 8096);
    assert_eq!(response.cluster_id, broker.database.engine().cluster_id());
    for (kind, code) in [(2, 114), (9, 115)] {
        let request = DescribeClusterRequest {
            endpoint_type: kind,
            ..DescribeClusterRequest::default()
        };
        let answer = wire.call(1, &request);
        let response: DescribeClusterResponse<'_> = answer.read();
        assert_eq!(response.error_code, code);
        assert!(response.brokers.is_empty());
    }
}

#[test]
fn the_log_directory_says_its_size_and_that_of_its_partitions() {
    let dir = tempfile::tempdir().expect("a directory");
    let database = Database::open(dir.path()).expect("open");
    let broker = Broker::on(database, &[]);
    for name in ["t", "other"] {
        let new = NewTopic::new(name, 2);
        broker.database.engine().create_topic(&new).unwrap();
    }
    let wire = &mut broker.connect();
    let sent = batch(50);
    assert_eq!(produce(wire, "t", -1, &sent), (0, 0));
    let mut sizes = |topics: Option<Vec<DescribableLogDirTopic<'_>>>| {
        let answer = wire.call(5, &DescribeLogDirsRequest { topics });
        let response: DescribeLogDirsResponse<'_> = answer.read();
        let [only] = &response.results[..] else {
            panic!("{response:?}");
        };
        assert_eq!(only.log_dir, dir.path().to_str().unwrap());
        assert!(only.total_bytes > only.usable_bytes && only.usable_bytes > 0);
        let topics = only.topics.iter().flat_map(|topic| {
            let partitions = topic.partitions.iter();
            partitions.map(|p| (topic.name.to_string(), p.partition_index, p.partition_size))
        });
        topics.collect::<Vec<_>>()
    };
    let size = sent.len() as i64;
    let t = |number, size| ("t".to_owned(), number, size);
    let other = |number| ("other".to_owned(), number, 0);
    let all = [other(0), other(1), t(0, size), t(1, 0)];
    assert_eq!(sizes(None), all);
    assert_eq!(sizes(Some(vec![])), []);
    let some = |topic: &'static str, partitions: &[i32]| DescribableLogDirTopic {
        topic: topic.into(),
        partitions: partitions.to_vec(),
    };
    let asked = vec![some("t", &[0, 9]), some("nope", &[0])];
    assert_eq!(sizes(Some(asked)), [t(0, size)]);
}

#[test]
fn no_election_is_ever_needed() {
    let broker = start();
    let wire = &mut broker.connect();
    let mut elect = |version: i16, kind: i8| {
        let topic = |topic: &'static str, partitions: &[i32]| TopicPartitions {
            topic: topic.into(),
            partitions: partitions.to_vec(),
        };
        let request = ElectLeadersRequest {
            election_type: kind,
            topic_partitions: Some(vec![topic("t", &[0, 9]), topic("nope", &[0])]),
            ..ElectLeadersRequest::default()
        };
        let answer = wire.call(version, &request);
        let response: ElectLeadersResponse<'_> = answer.read();
        let results = response.replica_election_results.iter();
        let codes = results.flat_map(|r| r.partition_result.iter().map(|p| p.error_code));
        (response.error_code, codes.collect::<Vec<_>>())
    };
    assert_eq!(elect(0, 0), (0, vec![84, 3, 3]));
    assert_eq!(elect(2, 1), (0, vec![84, 3, 3]));
    assert_eq!(elect(2, 9), (42, vec![42, 42, 42]));
}

#[test]
fn partitions_stay_where_they_are() {
    let broker = start();
    let wire = &mut broker.connect();
    let mut move_to = |name: &str, partition: i32, replicas: Option<Vec<i32>>| {
        let request = AlterPartitionReassignmentsRequest {
            topics: vec![ReassignableTopic {
                name: name.into(),
                partitions: vec![ReassignablePartition {
                    partition_index: partition,
                    replicas,
                }],
            }],
            ..AlterPartitionReassignmentsRequest::default()
        };
        let answer = wire.call(1, &request);
        let response: AlterPartitionReassignmentsResponse<'_> = answer.read();
        response.responses[0].partitions[0].error_code
    };
    assert_eq!(move_to("t", 0, Some(vec![1])), 0);
    assert_eq!(move_to("t", 0, Some(vec![2])), 39);
    assert_eq!(move_to("t", 0, Some(vec![1, 2])), 39);
    assert_eq!(move_to("t", 0, Some(vec![])), 39);
    assert_eq!(move_to("t", 0, None), 85);
    assert_eq!(move_to("t", 9, Some(vec![1])), 3);
    assert_eq!(move_to("nope", 0, None), 3);
    let here = broker.database.engine().data_dir().display().to_string();
    for (path, partition, code) in [("/nope", 0, 57), (&*here, 0, 0), (&*here, 9, 3)] {
        let request = AlterReplicaLogDirsRequest {
            dirs: vec![AlterReplicaLogDir {
                path: path.into(),
                topics: vec![AlterReplicaLogDirTopic {
                    name: "t".into(),
                    partitions: vec![partition],
                }],
            }],
        };
        let answer = wire.call(2, &request);
        let response: AlterReplicaLogDirsResponse<'_> = answer.read();
        assert_eq!(response.results[0].partitions[0].error_code, code, "{path}");
    }
}

#[test]
fn features_stay_at_their_highest_levels() {
    let broker = start();
    let wire = &mut broker.connect();
    let mut update = |version: i16, feature: &str, level: i16, kind: i8| {
        let request = UpdateFeaturesRequest {
            feature_updates: vec![FeatureUpdateKey {
                feature: feature.into(),
                max_version_level: level,
                upgrade_type: kind,
                ..FeatureUpdateKey::default()
            }],
            ..UpdateFeaturesRequest::default()
        };
        let answer = wire.call(version, &request);
        let response: UpdateFeaturesResponse<'_> = answer.read();
        (response.error_code, response.results.len())
    };
    assert_eq!(update(1, "transaction.version", 2, 1), (0, 1));
    assert_eq!(update(2, "transaction.version", 2, 1), (0, 0));
    for (feature, level, kind) in [
        ("foo", 1, 1),
        ("transaction.version", 9, 1),
        ("transaction.version", 1, 1),
        ("transaction.version", 1, 3),
        ("group.version", -1, 1),
        ("group.version", 1, 0),
        ("group.version", 1, 9),
        ("", 1, 1),
    ] {
        assert_eq!(
            update(1, feature, level, kind),
            (95, 0),
            "{feature} {level}"
        );
    }
}

#[test]
fn clients_are_told_that_no_metrics_are_wanted() {
    let broker = Broker::start();
    let mut wire = broker.connect();
    let versions = wire.call(0, &ApiVersionsRequest::default());
    let versions: ApiVersionsResponse<'_> = versions.read();
    let told: Vec<i16> = versions.api_keys.iter().map(|api| api.api_key).collect();
    assert!(told.contains(&60) && !told.contains(&71) && !told.contains(&72));
    let answer = wire.call(0, &GetTelemetrySubscriptionsRequest::default());
    let told: GetTelemetrySubscriptionsResponse<'_> = answer.read();
    assert_eq!((told.error_code, told.requested_metrics.len()), (0, 0));
    assert_ne!(told.client_instance_id, [0; 16], "a new client gets an id");
    let again = wire.call(
        0,
        &GetTelemetrySubscriptionsRequest {
            client_instance_id: told.client_instance_id,
        },
    );
    let again: GetTelemetrySubscriptionsResponse<'_> = again.read();
    assert_eq!(again.subscription_id, told.subscription_id);

    let push = |subscription_id, compression_type, bytes| PushTelemetryRequest {
        client_instance_id: told.client_instance_id,
        subscription_id,
        compression_type,
        metrics: vec![0; bytes].into(),
        ..PushTelemetryRequest::default()
    };
    let good = told.subscription_id;
    let cases = [
        (push(good, 0, 10), 0),
        (push(good ^ 1, 0, 10), 117),
        (push(good, 9, 10), 76),
        (push(good, 4, (1 << 20) + 1), 118),
        (PushTelemetryRequest::default(), 42),
    ];
    for (request, code) in cases {
        let answer = wire.call(0, &request);
        assert_eq!(answer.read::<PushTelemetryResponse>().error_code, code);
    }
}
