//! What one declaration promises: defaults, ranges, nulls, tags, refusals.

use bytes::Bytes;

use crate::error::{Code, Kind};
use crate::protocol::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use crate::protocol::messages::consumer_group_heartbeat::{
    Assignment, ConsumerGroupHeartbeatResponse,
};
use crate::protocol::messages::consumer_protocol::ConsumerProtocolSubscription;
use crate::protocol::messages::fetch::{
    FetchRequest, FetchResponse, FetchableTopicResponse, PartitionData,
};
use crate::protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use crate::protocol::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use crate::protocol::{
    ApiKey, Message, MessageWriter, Reader, Records, RequestHeader, read_blob,
    read_response_header, write_blob, write_request, write_response,
};

fn encoded<'a>(message: &impl Message<'a>, version: i16) -> crate::Result<Vec<u8>> {
    let mut w = MessageWriter::new();
    message.encode(&mut w, version)?;
    Ok(w.into_chunks().concat())
}

#[test]
fn defaults_are_kafkas() {
    let request = FetchRequest::default();
    assert_eq!((request.replica_id, request.max_bytes), (-1, i32::MAX));
    assert_eq!((request.session_id, request.session_epoch), (0, -1));
    assert!(request.cluster_id.is_none() && request.rack_id.is_empty());
    assert!(MetadataRequest::default().allow_auto_topic_creation);
}

#[test]
fn a_field_that_a_version_lacks_has_its_default() {
    let request = MetadataRequest {
        allow_auto_topic_creation: true,
        topics: Some(vec![]),
        ..MetadataRequest::default()
    };
    let bytes = encoded(&request, 3).unwrap();
    assert_eq!(bytes, [0, 0, 0, 0]);
    let read = MetadataRequest::decode(&mut Reader::new(&bytes), 3).unwrap();
    assert_eq!(read, request);
}

#[test]
fn a_value_that_must_not_be_dropped_is_refused() {
    let request = MetadataRequest {
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    assert!(encoded(&request, 4).is_ok());
    let refused = encoded(&request, 3).unwrap_err();
    assert_eq!(refused.code(), Code::UnsupportedVersion);
    assert!(refused.message().contains("allow_auto_topic_creation"));
    // What may be dropped is.
    let response = ApiVersionsResponse {
        throttle_time_ms: 7,
        ..ApiVersionsResponse::default()
    };
    assert_eq!(encoded(&response, 0).unwrap(), [0; 6]);
}

#[test]
fn null_is_refused_where_the_version_does_not_know_it() {
    let all = MetadataRequest::default();
    assert_eq!(encoded(&all, 1).unwrap(), [0xff; 4]);
    assert_eq!(
        encoded(&all, 0).unwrap_err().code(),
        Code::UnsupportedVersion
    );

    let read = |version| MetadataRequest::decode(&mut Reader::new(&[0xff; 4]), version);
    assert_eq!(read(1).unwrap().topics, None);
    let refused = read(0).unwrap_err();
    assert!(refused.message().contains("topics is null"), "{refused}");

    let unnamed = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic::default()]),
        ..MetadataRequest::default()
    };
    assert!(encoded(&unnamed, 12).is_ok());
    assert!(encoded(&unnamed, 9).is_err());
}

#[test]
fn a_version_that_does_not_exist_is_refused() {
    for version in [-1, 2, 14, i16::MAX, i16::MIN] {
        let refused = ProduceRequest::decode(&mut Reader::new(&[0; 64]), version).unwrap_err();
        assert_eq!(refused.code(), Code::UnsupportedVersion);
        assert!(encoded(&ProduceRequest::default(), version).is_err());
    }
}

#[test]
fn unknown_tagged_fields_are_passed_over() {
    let mut w = MessageWriter::new();
    w.text(true, Some("client"));
    w.text(true, Some("1"));
    w.out.uvarint(2);
    w.tagged_field(7, &mut |w| w.out.raw(b"unknown"));
    w.tagged_field(70_000, &mut |w| w.out.raw(&[0; 300]));
    let mut r = Reader::new(&w.out.bytes);
    let read = ApiVersionsRequest::decode(&mut r, 3).unwrap();
    assert_eq!((&*read.client_software_name, r.remaining()), ("client", 0));
}

#[test]
fn a_tagged_field_is_written_when_it_says_something() {
    let mut response = ApiVersionsResponse::default();
    let plain = encoded(&response, 3).unwrap();
    assert_eq!(plain.last(), Some(&0));
    response.finalized_features_epoch = 5;
    let said = encoded(&response, 3).unwrap();
    let tagged = [1, 1, 8, 0, 0, 0, 0, 0, 0, 0, 5];
    assert_eq!(said, [&plain[..plain.len() - 1], &tagged].concat());
    let read = ApiVersionsResponse::decode(&mut Reader::new(&said), 3).unwrap();
    assert_eq!(read, response);
    // A known field that ends early or late is damage.
    let size = plain.len() + 1;
    for wrong in [7, 9] {
        let mut bytes = [&said[..], &[0; 8]].concat();
        bytes[size] = wrong;
        assert!(ApiVersionsResponse::decode(&mut Reader::new(&bytes), 3).is_err());
    }
}

#[test]
fn a_structure_may_be_null() {
    let mut response = ConsumerGroupHeartbeatResponse::default();
    let null = encoded(&response, 0).unwrap();
    assert_eq!(null[null.len() - 2..], [0xff, 0]);
    response.assignment = Some(Assignment::default());
    let there = encoded(&response, 0).unwrap();
    assert_eq!(there[there.len() - 4..], [1, 1, 0, 0]);
    let read = ConsumerGroupHeartbeatResponse::decode(&mut Reader::new(&there), 0).unwrap();
    assert_eq!(read, response);
}

#[test]
fn strings_and_records_borrow_from_the_frame() {
    let request = ProduceRequest {
        topic_data: vec![TopicProduceData {
            name: "orders".into(),
            partition_data: vec![PartitionProduceData {
                index: 3,
                records: Some(b"batch"),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    };
    let frame = encoded(&request, 9).unwrap();
    let read = ProduceRequest::decode(&mut Reader::new(&frame), 9).unwrap();
    assert_eq!(read, request);
    let within = |bytes: &[u8]| frame.as_ptr_range().contains(&bytes.as_ptr());
    let topic = &read.topic_data[0];
    assert!(within(topic.name.as_bytes()));
    assert!(within(topic.partition_data[0].records.unwrap()));
}

#[test]
fn strings_that_are_too_long_are_refused() {
    let mut request = ApiVersionsRequest {
        client_software_name: "x".repeat(32_767).into(),
        ..ApiVersionsRequest::default()
    };
    assert!(encoded(&request, 3).is_ok());
    request.client_software_name.to_mut().push('x');
    assert_eq!(encoded(&request, 3).unwrap_err().kind(), Kind::Invalid);
}

fn fetched(records: Records<'_>) -> FetchResponse<'_> {
    let partitions = vec![PartitionData {
        records: Some(records),
        ..PartitionData::default()
    }];
    let responses = vec![FetchableTopicResponse {
        partitions,
        ..FetchableTopicResponse::default()
    }];
    FetchResponse {
        responses,
        ..FetchResponse::default()
    }
}

#[test]
fn record_bytes_reach_the_answer_without_a_copy() {
    let segment = Bytes::from(vec![7; 100_000]);
    let small = Bytes::from_static(b"few bytes are copied");
    let pieces = vec![segment.slice(10..60_000), small, segment.slice(70_000..)];
    for version in [4, 12, 18] {
        let mut w = MessageWriter::new();
        w.out.raw(b"an answer before");
        let body = fetched(Records::Pieces(pieces.clone()));
        write_response(&mut w, version, 77, &body).unwrap();
        let length = w.len();
        let flat: Vec<u8> = w.parts().flatten().copied().collect();
        assert_eq!(flat.len(), length);
        let chunks = w.into_chunks();
        assert_eq!(chunks.concat(), flat);
        assert_eq!(
            (chunks[1].as_ptr(), chunks[1].len()),
            (pieces[0].as_ptr(), 59_990)
        );
        assert_eq!(
            (chunks[3].as_ptr(), chunks[3].len()),
            (pieces[2].as_ptr(), 30_000)
        );

        let mut r = Reader::new(&flat[16..]);
        assert_eq!(r.i32().unwrap() as usize, flat.len() - 20);
        assert_eq!(
            read_response_header(&mut r, ApiKey::Fetch, version).unwrap(),
            77
        );
        assert_eq!(FetchResponse::decode(&mut r, version).unwrap(), body);
        assert_eq!(r.remaining(), 0);
    }
}

#[test]
fn a_frame_that_fails_leaves_nothing_behind() {
    let mut w = MessageWriter::new();
    w.out.raw(b"before");
    let header = RequestHeader {
        api: ApiKey::Metadata,
        version: 0,
        correlation_id: 1,
        client_id: Some("me"),
    };
    assert!(write_request(&mut w, &header, &MetadataRequest::default()).is_err());
    assert_eq!(w.out.bytes, b"before");
    let header = RequestHeader {
        version: 13,
        ..header
    };
    write_request(&mut w, &header, &MetadataRequest::default()).unwrap();
    let mut r = Reader::new(&w.out.bytes[10..]);
    assert_eq!(RequestHeader::read(&mut r).unwrap(), header);
    let read = MetadataRequest::decode(&mut r, header.version).unwrap();
    assert_eq!(read, MetadataRequest::default());
}

#[test]
fn a_tagged_field_with_shared_bytes_is_put_together_rightly() {
    let shared = Bytes::from(vec![1; 2000]);
    let mut w = MessageWriter::new();
    w.out.raw(&[9]);
    w.raw_shared(&shared);
    w.tagged_field(3, &mut |w| {
        w.out.raw(&[5]);
        w.raw_shared(&shared);
        w.out.raw(&[6]);
    });
    let all: Vec<u8> = w.parts().flatten().copied().collect();
    let field = [&[3, 0xd2, 0x0f, 5][..], &shared, &[6]].concat();
    assert_eq!(all, [&[9][..], &shared, &field].concat());
}

#[test]
fn an_unknown_key_is_refused_and_an_unknown_version_is_told() {
    let head = |key: i16, version: i16| {
        let mut w = MessageWriter::new();
        w.out.i16(key);
        w.out.i16(version);
        w.out.i32(5);
        w.out.nullable_string(Some("c"));
        w.out.no_tagged();
        w.out.bytes
    };
    let refused = RequestHeader::read(&mut Reader::new(&head(999, 0))).unwrap_err();
    assert_eq!(refused.code(), Code::UnsupportedVersion);
    let bytes = head(18, 99);
    let header = RequestHeader::read(&mut Reader::new(&bytes)).unwrap();
    assert!(!header.api.serves(header.version));
    assert_eq!((header.correlation_id, header.client_id), (5, Some("c")));
}

#[test]
fn versions_are_those_of_a_broker() {
    let of = |api: ApiKey| (api.version_min(), api.version_max(), api.flexible_from());
    assert_eq!(of(ApiKey::Produce), (3, 13, Some(9)));
    assert_eq!(ApiKey::Produce.version_min_advertised(), 0);
    assert_eq!(of(ApiKey::OffsetDelete), (0, 0, None));
    // Declared up to 6, of which the last is not served yet.
    assert_eq!(of(ApiKey::InitProducerId), (0, 5, Some(2)));
    assert_eq!(ApiKey::InitProducerId.version_declared_max(), 6);
    assert_eq!(ApiKey::ApiVersions.request_header_version(3), 2);
    assert_eq!(ApiKey::ApiVersions.response_header_version(3), 0);
    assert!(ApiKey::ALL.is_sorted());
}

#[test]
fn a_newer_blob_is_read_as_the_last_we_know() {
    let subscription = ConsumerProtocolSubscription {
        topics: vec!["orders".into()],
        generation_id: 4,
        rack_id: Some("r1".into()),
        ..ConsumerProtocolSubscription::default()
    };
    let mut blob = write_blob(&subscription, 3).unwrap();
    let read: ConsumerProtocolSubscription<'_> = read_blob(&blob).unwrap();
    assert_eq!(read, subscription);
    blob[1] = 9;
    blob.extend_from_slice(b"something new");
    let read: ConsumerProtocolSubscription<'_> = read_blob(&blob).unwrap();
    assert_eq!(read, subscription);
    blob[0] = 0xff;
    assert!(read_blob::<ConsumerProtocolSubscription<'_>>(&blob).is_err());
    let old = write_blob(&subscription, 0).unwrap();
    let read: ConsumerProtocolSubscription<'_> = read_blob(&old).unwrap();
    assert_eq!((read.generation_id, read.rack_id), (-1, None));
}
