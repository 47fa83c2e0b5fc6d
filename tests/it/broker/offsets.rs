//! Committed offsets over the wire: every version, and what of them survives.

use levada::protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse,
};
use levada::protocol::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
};
use levada::protocol::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse,
};
use levada::types::TopicId;

use super::groups::{alone, broker, broker_in, join, joins, joins_anew, topic_id};
use super::wire::Wire;

/// How a request names a topic: both are set, and each version writes its own.
#[derive(Clone, Copy)]
struct Named<'a>(&'a str, TopicId);

fn commit_of<'a>(
    group: &'a str,
    version: i16,
    topics: &[(Named<'a>, &[(i32, i64)])],
) -> OffsetCommitRequest<'a> {
    let topics = topics.iter().map(|(Named(name, id), offsets)| {
        let partitions = offsets
            .iter()
            .map(|(p, offset)| OffsetCommitRequestPartition {
                partition_index: *p,
                committed_offset: *offset,
                committed_leader_epoch: if version >= 6 { 0 } else { -1 },
                committed_metadata: Some("note".into()),
            });
        OffsetCommitRequestTopic {
            name: (*name).into(),
            topic_id: *id,
            partitions: partitions.collect(),
        }
    });
    OffsetCommitRequest {
        group_id: group.into(),
        topics: topics.collect(),
        ..OffsetCommitRequest::default()
    }
}

fn commits(wire: &mut Wire, version: i16, request: &OffsetCommitRequest<'_>) -> Vec<i16> {
    let answer = wire.call(version, request);
    let response: OffsetCommitResponse<'_> = answer.read();
    let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|partition| partition.error_code).collect()
}

/// Group, then for each topic its name or id, then partition, offset, metadata, error.
type Fetched = Vec<(String, i16, Vec<(String, i32, i64, String, i16)>)>;

fn fetches(wire: &mut Wire, version: i16, request: &OffsetFetchRequest<'_>) -> Fetched {
    let answer = wire.call(version, request);
    let response: OffsetFetchResponse<'_> = answer.read();
    if version < 8 {
        let mut found = Vec::new();
        for topic in &response.topics {
            for p in &topic.partitions {
                let note = p.metadata.as_deref().unwrap_or("null");
                found.push((
                    topic.name.to_string(),
                    p.partition_index,
                    p.committed_offset,
                    note.into(),
                    p.error_code,
                ));
            }
        }
        return vec![(String::new(), response.error_code, found)];
    }
    let groups = response.groups.iter().map(|group| {
        let mut found = Vec::new();
        for topic in &group.topics {
            let name = match version {
                10.. => topic.topic_id.to_string(),
                _ => topic.name.to_string(),
            };
            for p in &topic.partitions {
                let note = p.metadata.as_deref().unwrap_or("null");
                found.push((
                    name.clone(),
                    p.partition_index,
                    p.committed_offset,
                    note.into(),
                    p.error_code,
                ));
            }
        }
        (group.group_id.to_string(), group.error_code, found)
    });
    groups.collect()
}

/// Asks for partitions of topics, or for all there is.
fn fetch_of<'a>(
    version: i16,
    group: &'a str,
    topics: Option<&[(Named<'a>, &[i32])]>,
) -> OffsetFetchRequest<'a> {
    if version < 8 {
        let topics = topics.map(|topics| {
            let topics = topics
                .iter()
                .map(|(Named(name, _), p)| OffsetFetchRequestTopic {
                    name: (*name).into(),
                    partition_indexes: p.to_vec(),
                });
            topics.collect()
        });
        return OffsetFetchRequest {
            group_id: group.into(),
            topics,
            ..OffsetFetchRequest::default()
        };
    }
    OffsetFetchRequest {
        groups: vec![group_of(group, topics)],
        ..OffsetFetchRequest::default()
    }
}

fn group_of<'a>(
    group: &'a str,
    topics: Option<&[(Named<'a>, &[i32])]>,
) -> OffsetFetchRequestGroup<'a> {
    let topics = topics.map(|topics| {
        let topics = topics
            .iter()
            .map(|(Named(name, id), p)| OffsetFetchRequestTopics {
                name: (*name).into(),
                topic_id: *id,
                partition_indexes: p.to_vec(),
            });
        topics.collect()
    });
    OffsetFetchRequestGroup {
        group_id: group.into(),
        topics,
        ..OffsetFetchRequestGroup::default()
    }
}

fn t(wire: &mut Wire) -> Named<'static> {
    Named("t", topic_id(wire))
}

#[test]
fn offsets_are_committed_and_fetched_in_every_version() {
    let broker = broker();
    let mut wire = broker.connect();
    let t = t(&mut wire);
    for version in 2..=10 {
        let group = format!("reader{version}");
        let request = commit_of(&group, version, &[(t, &[(0, 5), (1, 7), (9, 1)])]);
        assert_eq!(
            commits(&mut wire, version, &request),
            [0, 0, 3],
            "{version}"
        );
    }
    for version in 1..=10 {
        let group = format!("reader{}", version.max(2));
        let name = if version < 10 {
            "t".to_owned()
        } else {
            t.1.to_string()
        };
        let named: &[(Named<'_>, &[i32])] = &[(t, &[1, 0, 9])];
        let found = fetches(&mut wire, version, &fetch_of(version, &group, Some(named)));
        let row = |p, offset, note: &str| (name.clone(), p, offset, note.to_owned(), 0);
        assert_eq!(
            found[0].2,
            [row(1, 7, "note"), row(0, 5, "note"), row(9, -1, "")],
            "{version}"
        );
        if version >= 2 {
            let all = fetches(&mut wire, version, &fetch_of(version, &group, None));
            assert_eq!(
                all[0].2,
                [row(0, 5, "note"), row(1, 7, "note")],
                "{version}"
            );
        }
    }
}

#[test]
fn unknown_groups_and_topics_are_answered_as_kafka_answers_them() {
    let broker = broker();
    let mut wire = broker.connect();
    let t = t(&mut wire);
    let none = Named("none", TopicId([7; 16]));
    // By name there is just no offset; an id must be known.
    let by_name = [(none, &[0][..]), (t, &[0])];
    let nothing = |name: &str, code| (name.to_owned(), 0, -1, String::new(), code);
    for version in 1..=9 {
        let found = fetches(
            &mut wire,
            version,
            &fetch_of(version, "nobody", Some(&by_name)),
        );
        assert_eq!(
            (found[0].1, &*found[0].2),
            (0, &[nothing("none", 0), nothing("t", 0)][..])
        );
    }
    let found = fetches(&mut wire, 10, &fetch_of(10, "nobody", Some(&by_name)));
    let rows = [
        nothing(&none.1.to_string(), 100),
        nothing(&t.1.to_string(), 0),
    ];
    assert_eq!((found[0].1, &*found[0].2), (0, &rows[..]));
    let all = fetches(&mut wire, 9, &fetch_of(9, "nobody", None));
    assert_eq!(all, [("nobody".to_owned(), 0, vec![])]);

    let both = [(none, &[(0, 1)][..]), (t, &[(0, 1)])];
    for (version, unknown) in [(2, 3), (9, 3), (10, 100)] {
        let request = commit_of("reader", version, &both);
        assert_eq!(
            commits(&mut wire, version, &request),
            [unknown, 0],
            "{version}"
        );
    }
    // An empty group id is a group like any other for offsets.
    assert_eq!(commits(&mut wire, 8, &commit_of("", 8, &both[1..])), [0]);
    let mut long = commit_of("reader", 8, &both[1..]);
    long.topics[0].partitions[0].committed_metadata = Some("x".repeat(5000).into());
    assert_eq!(commits(&mut wire, 8, &long), [12]);
    long.topics[0].partitions[0].committed_metadata = None;
    assert_eq!(commits(&mut wire, 8, &long), [0]);
}

#[test]
fn members_commit_in_their_generation_only() {
    let broker = broker();
    let mut wire = broker.connect();
    let t = t(&mut wire);
    let of = |group: &'static str, member: &str, generation, version| OffsetCommitRequest {
        generation_id_or_member_epoch: generation,
        member_id: member.to_owned().into(),
        ..commit_of(group, version, &[(t, &[(0, 3)])])
    };
    for (version, code) in [(2, 22), (8, 22), (9, 69), (10, 69)] {
        assert_eq!(
            commits(&mut wire, version, &of("none", "nobody", 1, version)),
            [code]
        );
    }
    // The generation is known, and nothing shared out yet.
    let young = joins_anew(&mut wire, "committing-young");
    assert_eq!(
        commits(&mut wire, 8, &of("committing-young", &young.member, 1, 8)),
        [27]
    );

    let member = alone(&mut wire, "committing").member;
    for version in 2..=10 {
        assert_eq!(
            commits(&mut wire, version, &of("committing", &member, 1, version)),
            [0]
        );
        assert_eq!(
            commits(&mut wire, version, &of("committing", &member, 7, version)),
            [22]
        );
        assert_eq!(
            commits(&mut wire, version, &of("committing", "nobody", 1, version)),
            [25]
        );
        assert_eq!(
            commits(&mut wire, version, &of("committing", "", -1, version)),
            [25]
        );
    }
    let again = joins(&mut wire, 9, &join("committing", &member));
    assert_eq!(again.generation, 2);
    assert_eq!(
        commits(&mut wire, 9, &of("committing", &member, 2, 9)),
        [27]
    );
}

#[test]
fn one_request_fetches_for_several_groups() {
    let broker = broker();
    let mut wire = broker.connect();
    let t = t(&mut wire);
    for (group, offset) in [("a", 4), ("b", 6)] {
        let request = commit_of(group, 9, &[(t, &[(0, offset)])]);
        assert_eq!(commits(&mut wire, 9, &request), [0]);
    }
    for version in [8, 9, 10] {
        let name = if version < 10 {
            "t".to_owned()
        } else {
            t.1.to_string()
        };
        let mut request = fetch_of(version, "a", Some(&[(t, &[0])]));
        request.groups.push(group_of("b", None));
        request.groups.push(group_of("none", None));
        request.require_stable = true;
        let row = |offset| vec![(name.clone(), 0, offset, "note".to_owned(), 0)];
        let expected = [("a", row(4)), ("b", row(6)), ("none", vec![])];
        let expected = expected.map(|(group, rows)| (group.to_owned(), 0, rows));
        assert_eq!(fetches(&mut wire, version, &request), expected, "{version}");
    }
}

fn deletes(wire: &mut Wire, group: &str, topics: &[(&'static str, i32)]) -> (i16, Vec<i16>) {
    let topics = topics.iter().map(|(name, p)| OffsetDeleteRequestTopic {
        name: (*name).into(),
        partitions: vec![OffsetDeleteRequestPartition {
            partition_index: *p,
        }],
    });
    let request = OffsetDeleteRequest {
        group_id: group.to_owned().into(),
        topics: topics.collect(),
    };
    let answer = wire.call(0, &request);
    let response: OffsetDeleteResponse<'_> = answer.read();
    let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
    let codes = partitions.map(|partition| partition.error_code).collect();
    (response.error_code, codes)
}

#[test]
fn offsets_that_nobody_uses_can_be_deleted() {
    let broker = broker();
    let mut wire = broker.connect();
    let t = t(&mut wire);
    assert_eq!(deletes(&mut wire, "none", &[("t", 0)]), (69, vec![]));
    assert_eq!(deletes(&mut wire, "", &[("t", 0)]), (24, vec![]));
    assert_eq!(
        commits(&mut wire, 9, &commit_of("r", 9, &[(t, &[(0, 4), (1, 5)])])),
        [0, 0]
    );
    assert_eq!(
        deletes(&mut wire, "r", &[("t", 0), ("none", 0), ("t", 9)]),
        (0, vec![0, 3, 3])
    );
    let left = fetches(&mut wire, 9, &fetch_of(9, "r", None));
    assert_eq!(left[0].2, [("t".to_owned(), 1, 5, "note".to_owned(), 0)]);
    let member = alone(&mut wire, "deleting");
    let request = OffsetCommitRequest {
        generation_id_or_member_epoch: member.generation,
        member_id: member.member.into(),
        ..commit_of("deleting", 9, &[(t, &[(0, 3)])])
    };
    assert_eq!(commits(&mut wire, 9, &request), [0]);
    assert_eq!(deletes(&mut wire, "deleting", &[("t", 0)]), (0, vec![86]));
}

#[test]
fn what_an_old_client_wants_kept_for_a_while_is_kept_that_long() {
    let broker = broker();
    let mut wire = broker.connect();
    let t = t(&mut wire);
    let engine = broker.database.engine();
    let place = levada::types::TopicPartition::new("t", 0);
    for version in [2, 4] {
        let request = OffsetCommitRequest {
            retention_time_ms: 60_000,
            ..commit_of("old", version, &[(t, &[(0, 4)])])
        };
        assert_eq!(commits(&mut wire, version, &request), [0]);
        let committed = engine.groups().committed("old", &place).unwrap().unwrap();
        let kept = committed.expires_at.unwrap().get() - committed.committed_at.get();
        assert!((55_000..=60_000).contains(&kept), "{kept}");
    }
    assert_eq!(
        commits(&mut wire, 5, &commit_of("old", 5, &[(t, &[(0, 4)])])),
        [0]
    );
    let committed = engine.groups().committed("old", &place).unwrap().unwrap();
    assert_eq!(committed.expires_at, None);
}

#[test]
fn committed_offsets_and_members_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let broker = broker_in(dir.path());
    let mut wire = broker.connect();
    let t = t(&mut wire);
    let member = alone(&mut wire, "g");
    let request = |offset| OffsetCommitRequest {
        generation_id_or_member_epoch: member.generation,
        member_id: member.member.clone().into(),
        ..commit_of("g", 9, &[(t, &[(0, offset)])])
    };
    assert_eq!(commits(&mut wire, 9, &request(3)), [0]);
    drop(wire);
    drop(broker);
    let broker = broker_in(dir.path());
    let mut wire = broker.connect();
    let all = fetches(&mut wire, 9, &fetch_of(9, "g", None));
    assert_eq!(all[0].2, [("t".to_owned(), 0, 3, "note".to_owned(), 0)]);
    assert_eq!(
        commits(&mut wire, 9, &request(4)),
        [0],
        "it is a member still"
    );
}
