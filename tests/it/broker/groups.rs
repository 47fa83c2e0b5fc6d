//! Groups of the classic protocol, and what tools ask of any group.

use std::time::Duration;

use levada::protocol::messages::delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse};
use levada::protocol::messages::describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse};
use levada::protocol::messages::find_coordinator::{
    FindCoordinatorRequest, FindCoordinatorResponse,
};
use levada::protocol::messages::join_group::JoinGroupRequest;
use levada::protocol::messages::list_groups::{ListGroupsRequest, ListGroupsResponse};
use levada::protocol::messages::sync_group::SyncGroupRequest;

use super::wire::Wire;

use super::members::*;

#[test]
fn the_broker_coordinates_every_group_and_transaction() {
    let broker = broker();
    let mut wire = broker.connect();
    let port: i32 = broker.server.listening().next().unwrap().port.into();
    for version in 0..=3 {
        let request = FindCoordinatorRequest {
            key: "g".into(),
            key_type: i8::from(version == 2),
            ..FindCoordinatorRequest::default()
        };
        let answer = wire.call(version, &request);
        let response: FindCoordinatorResponse<'_> = answer.read();
        assert_eq!((response.error_code, response.port), (0, port), "{version}");
        assert_eq!(response.host, "127.0.0.1");
    }
    let found = |wire: &mut Wire, key_type| -> Vec<(String, i16, i32)> {
        let request = FindCoordinatorRequest {
            key_type,
            coordinator_keys: vec!["a".into(), "b".into()],
            ..FindCoordinatorRequest::default()
        };
        let answer = wire.call(6, &request);
        let response: FindCoordinatorResponse<'_> = answer.read();
        let all = response.coordinators.iter();
        all.map(|c| (c.key.to_string(), c.error_code, c.port))
            .collect()
    };
    for key_type in [0, 1] {
        let both = [("a".into(), 0, port), ("b".into(), 0, port)];
        assert_eq!(found(&mut wire, key_type), both);
    }
    let refused = [("a".into(), 42, -1), ("b".into(), 42, -1)];
    assert_eq!(found(&mut wire, 9), refused);
    let offsets = broker.database.engine().topic("__consumer_offsets");
    assert_eq!(offsets.unwrap().partitions().len(), 50);
}

#[test]
fn two_members_share_out_and_rebalance_when_one_leaves() {
    let broker = broker();
    let (mut first, mut second) = (broker.connect(), broker.connect());
    let one = alone(&mut first, "pair");
    assert!(one.leads);
    assert_eq!((one.generation, one.members), (1, 1));
    assert_eq!(beats(&mut first, "pair", &one.member, 1), 0);

    let told = joins(&mut second, 9, &join("pair", ""));
    let waits = second.send(9, &join("pair", &told.member));
    until("the leader hears of it", || {
        beats(&mut first, "pair", &one.member, 1) == 27
    });
    let again = joins(&mut first, 9, &join("pair", &one.member));
    let two = joined(&mut second, 9, waits);
    assert_eq!((again.generation, again.members, again.leads), (2, 2, true));
    assert_eq!(
        (two.code, two.generation, two.members, two.leads),
        (0, 2, 0, false)
    );

    let waits = second.send(5, &sync("pair", &two.member, 2, &[]));
    let leads = first.send(
        5,
        &sync("pair", &one.member, 2, &[&one.member, &two.member]),
    );
    assert_eq!(
        synced(&mut first, 5, leads),
        (0, one.member.clone().into_bytes())
    );
    assert_eq!(
        synced(&mut second, 5, waits),
        (0, two.member.clone().into_bytes())
    );

    assert_eq!(leaves(&mut second, 5, "pair", &two.member), (0, vec![0]));
    assert_eq!(beats(&mut first, "pair", &one.member, 2), 27);
    let again = joins(&mut first, 9, &join("pair", &one.member));
    assert_eq!((again.code, again.generation, again.members), (0, 3, 1));
}

#[test]
fn old_clients_join_without_an_id_and_without_a_rebalance_timeout() {
    let broker = broker();
    let mut wire = broker.connect();
    for version in 0..4 {
        let group = format!("g{version}");
        let member = joins(&mut wire, version, &join(&group, ""));
        assert_eq!((member.code, member.generation), (0, 1), "{version}");
        assert!(member.member.starts_with("wire-"));
        let give = [&*member.member];
        let id = wire.send(0, &sync(&group, &member.member, 1, &give));
        assert_eq!(
            synced(&mut wire, 0, id),
            (0, member.member.clone().into_bytes())
        );
        assert_eq!(leaves(&mut wire, 0, &group, &member.member), (0, vec![]));
        assert_eq!(leaves(&mut wire, 2, &group, &member.member), (25, vec![]));
    }
}

#[test]
fn joins_and_syncs_are_refused_as_kafka_refuses_them() {
    let broker = broker();
    let mut wire = broker.connect();
    let brief = JoinGroupRequest {
        session_timeout_ms: 1,
        ..join("refusing", "")
    };
    let nothing = JoinGroupRequest {
        protocols: Vec::new(),
        ..join("refusing", "")
    };
    for version in [0, 5, 6, 7, 9] {
        assert_eq!(joins(&mut wire, version, &join("", "")).code, 24);
        assert_eq!(
            joins(&mut wire, version, &join("refusing", "nobody")).code,
            25
        );
        assert_eq!(joins(&mut wire, version, &brief).code, 26);
        assert_eq!(joins(&mut wire, version, &nothing).code, 23);
    }
    for version in 0..=5 {
        let id = wire.send(version, &sync("none", "nobody", 1, &[]));
        assert_eq!(synced(&mut wire, version, id).0, 25);
    }
    let unnamed = SyncGroupRequest {
        protocol_name: None,
        ..sync("refusing", "nobody", 1, &[])
    };
    let id = wire.send(5, &unnamed);
    assert_eq!(synced(&mut wire, 5, id).0, 23);
    assert_eq!(beats(&mut wire, "none", "nobody", 1), 25);
    assert_eq!(beats(&mut wire, "", "nobody", 1), 24);
    assert_eq!(leaves(&mut wire, 2, "none", "nobody"), (25, vec![]));
    assert_eq!(leaves(&mut wire, 5, "none", "nobody"), (0, vec![25]));
    let member = alone(&mut wire, "refusing");
    assert_eq!(beats(&mut wire, "refusing", &member.member, 7), 22);
    let id = wire.send(5, &sync("refusing", &member.member, 7, &[]));
    assert_eq!(synced(&mut wire, 5, id).0, 22);
}

fn describes(wire: &mut Wire, version: i16, group: &str) -> (i16, String, String, usize, i32) {
    let request = DescribeGroupsRequest {
        groups: vec![group.into()],
        include_authorized_operations: version >= 3,
    };
    let answer = wire.call(version, &request);
    let response: DescribeGroupsResponse<'_> = answer.read();
    let group = &response.groups[0];
    assert_eq!(group.error_message.is_some(), group.error_code != 0);
    for member in &group.members {
        assert_eq!(member.client_host, "/127.0.0.1");
        assert_eq!(member.client_id, "wire");
        assert_eq!(*member.member_metadata, *SUBSCRIPTION);
        assert_eq!(*member.member_assignment, *member.member_id.as_bytes());
    }
    let (state, protocol) = (
        group.group_state.to_string(),
        group.protocol_data.to_string(),
    );
    (
        group.error_code,
        state,
        protocol,
        group.members.len(),
        group.authorized_operations,
    )
}

fn lists(
    wire: &mut Wire,
    version: i16,
    states: &[&'static str],
    types: &[&'static str],
) -> Vec<[String; 4]> {
    let request = ListGroupsRequest {
        states_filter: states.iter().map(|name| (*name).into()).collect(),
        types_filter: types.iter().map(|name| (*name).into()).collect(),
    };
    let answer = wire.call(version, &request);
    let response: ListGroupsResponse<'_> = answer.read();
    assert_eq!(response.error_code, 0);
    let row = |group: &levada::protocol::messages::list_groups::ListedGroup<'_>| {
        [
            &group.group_id,
            &group.protocol_type,
            &group.group_state,
            &group.group_type,
        ]
        .map(ToString::to_string)
    };
    response.groups.iter().map(row).collect()
}

fn deletes(wire: &mut Wire, groups: &[&'static str]) -> Vec<i16> {
    let request = DeleteGroupsRequest {
        groups_names: groups.iter().map(|name| (*name).into()).collect(),
    };
    let answer = wire.call(3, &request);
    let response: DeleteGroupsResponse<'_> = answer.read();
    let results = response.results.iter();
    results.map(|result| result.error_code).collect()
}

#[test]
fn groups_are_described_listed_and_deleted() {
    let broker = broker();
    let mut wire = broker.connect();
    let member = alone(&mut wire, "classic");
    let young = beat("young");
    let modern = consumer(&mut wire, 1, &young);
    assert_eq!(modern.code, 0);
    for version in 0..=6 {
        let operations = if version >= 3 {
            GROUP_OPERATIONS
        } else {
            UNASKED
        };
        let stable = (0, "Stable".into(), "range".into(), 1, operations);
        assert_eq!(
            describes(&mut wire, version, "classic"),
            stable,
            "{version}"
        );
        let (code, operations) = match version {
            6 => (69, UNASKED),
            3..6 => (0, GROUP_OPERATIONS),
            _ => (0, UNASKED),
        };
        for absent in ["none", "young"] {
            let dead = (code, "Dead".into(), String::new(), 0, operations);
            assert_eq!(describes(&mut wire, version, absent), dead, "{version}");
        }
    }
    let names = |rows: Vec<[String; 4]>| -> Vec<String> {
        rows.into_iter().map(|[name, ..]| name).collect()
    };
    assert_eq!(names(lists(&mut wire, 0, &[], &[])), ["classic", "young"]);
    let rows = lists(&mut wire, 5, &[], &[]);
    assert_eq!(
        rows,
        [
            ["classic", "consumer", "Stable", "classic"],
            ["young", "consumer", "Stable", "consumer"],
        ]
    );
    assert_eq!(
        names(lists(&mut wire, 5, &["stable"], &["Consumer"])),
        ["young"]
    );
    assert!(lists(&mut wire, 5, &["Empty"], &[]).is_empty());
    assert!(lists(&mut wire, 5, &[], &["nonsense"]).is_empty());

    assert_eq!(deletes(&mut wire, &["classic", "none"]), [68, 69]);
    assert_eq!(
        leaves(&mut wire, 5, "classic", &member.member),
        (0, vec![0])
    );
    assert_eq!(names(lists(&mut wire, 4, &["Empty"], &[])), ["classic"]);
    assert_eq!(deletes(&mut wire, &["classic", "classic"]), [0, 69]);
    assert_eq!(names(lists(&mut wire, 5, &[], &[])), ["young"]);
}

#[test]
fn who_waits_for_others_is_answered_when_the_server_stops() {
    let mut broker = broker();
    let (mut first, mut second) = (broker.connect(), broker.connect());
    alone(&mut first, "ending");
    let told = joins(&mut second, 9, &join("ending", ""));
    let waits = second.send(9, &join("ending", &told.member));
    let engine = broker.database.engine().clone();
    let preparing = || {
        let group = engine.groups().describe_classic("ending").unwrap();
        group.state.name() == "PreparingRebalance"
    };
    until("the rebalance began", preparing);
    broker.server.stop(Duration::from_secs(10));
    assert_eq!(joined(&mut second, 9, waits).code, 16);
}
