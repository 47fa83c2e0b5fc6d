//! ListOffsets, as clients of all ages ask.

use levada::engine::NewTopic;
use levada::protocol::ApiKey;
use levada::protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
};

use super::records::{batch, produce};
use super::wire::Broker;

#[test]
fn the_ends_are_told_in_every_version() {
    let broker = Broker::start();
    let topic = NewTopic::new("t", 1);
    broker.database.engine().create_topic(&topic).unwrap();
    let mut wire = broker.connect();
    assert_eq!(produce(&mut wire, "t", 1, &batch(3)), (0, 0));
    let api = ApiKey::ListOffsets;
    for version in api.version_min()..=api.version_max() {
        for (timestamp, offset) in [(-2, 0), (-1, 3), (1001, 1)] {
            let request = ListOffsetsRequest {
                topics: vec![ListOffsetsTopic {
                    name: "t".into(),
                    partitions: vec![ListOffsetsPartition {
                        timestamp,
                        ..ListOffsetsPartition::default()
                    }],
                }],
                ..ListOffsetsRequest::default()
            };
            let answer = wire.call(version, &request);
            let response: ListOffsetsResponse<'_> = answer.read();
            let found = &response.topics[0].partitions[0];
            let epoch = if version < 4 { -1 } else { 0 };
            let told = (found.error_code, found.offset, found.leader_epoch);
            assert_eq!(told, (0, offset, epoch), "{version} {timestamp}");
        }
    }
}
