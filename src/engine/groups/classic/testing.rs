//! Members of the classic protocol for tests: each request gets a token; what it is answered lies in
//! the world until it is asked for.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::engine::groups::settings::ClassicSettings;
use crate::engine::groups::testing::{GROUP, World};
use crate::engine::groups::{CommitRequest, GroupState, OffsetCommit};
use crate::error::{Code, Result};
use crate::types::Offset;

pub const SESSION: Duration = Duration::from_secs(10);
pub const REBALANCE: Duration = Duration::from_secs(60);

/// A world whose first rebalances do not wait.
pub fn world() -> World {
    world_with(|_| {})
}

pub fn world_with(change: impl FnOnce(&mut ClassicSettings)) -> World {
    let mut world = World::new(&[("orders", 4), ("bills", 2)]);
    let classic = &mut world.groups.settings.classic;
    classic.initial_rebalance_delay = Duration::ZERO;
    change(classic);
    world
}

/// A consumer's subscription, version 1.
pub fn subscription(topics: &[&str]) -> Arc<[u8]> {
    let mut writer = crate::protocol::Writer::new();
    writer.i16(1);
    writer.array_len(topics.len());
    topics.iter().for_each(|topic| writer.string(topic));
    writer.nullable_bytes(None);
    writer.array_len(0);
    writer.bytes.into()
}

pub fn request(member: &str, fresh: &str) -> JoinRequest {
    JoinRequest {
        group: Arc::from(GROUP),
        member: Arc::from(member),
        fresh: Arc::from(fresh),
        client_id: Arc::from("c"),
        client_host: Arc::from("/127.0.0.1"),
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
        protocol_type: Arc::from("consumer"),
        protocols: vec![(Arc::from("range"), subscription(&["orders"]))],
        ..JoinRequest::default()
    }
}

pub fn fixed(member: &str, fresh: &str, instance: &str) -> JoinRequest {
    JoinRequest {
        instance_id: Some(Arc::from(instance)),
        ..request(member, fresh)
    }
}

impl World {
    fn token(&self) -> WaiterToken {
        WaiterToken(self.tokens.replace(self.tokens.get() + 1))
    }

    pub fn ask(&mut self, request: &JoinRequest) -> WaiterToken {
        let token = self.token();
        let plan = self.groups.join(request, token, &self.topics, self.now);
        self.run(plan);
        token
    }

    /// The answer to a JoinGroup, if there is one by now.
    pub fn joined(&self, token: WaiterToken) -> Option<JoinAnswer> {
        match self.answers.get(&token)? {
            Waited::Join(answer) => Some(answer.clone()),
            Waited::Sync(_) => panic!("{token:?} was a join"),
        }
    }

    /// A JoinGroup that is answered at once.
    pub fn ask_now(&mut self, request: &JoinRequest) -> JoinAnswer {
        let token = self.ask(request);
        self.joined(token).expect("an answer at once")
    }

    pub fn refused(&mut self, request: &JoinRequest) -> Option<Code> {
        self.ask_now(request).error.map(|e| e.code())
    }

    /// SyncGroup; the leader gives each of `assignments` its name as bytes.
    pub fn bring(&mut self, member: &str, generation: i32, assignments: &[&str]) -> WaiterToken {
        let bytes = |name: &&str| (Arc::from(*name), Arc::from(name.as_bytes()));
        self.sync_as(&SyncRequest {
            group: Arc::from(GROUP),
            member: Arc::from(member),
            generation,
            assignments: assignments.iter().map(bytes).collect(),
            ..SyncRequest::default()
        })
    }

    pub fn sync_as(&mut self, request: &SyncRequest) -> WaiterToken {
        let token = self.token();
        let plan = self.groups.sync(request, token, &self.topics, self.now);
        self.run(plan);
        token
    }

    pub fn synced(&self, token: WaiterToken) -> Option<Result<String, Code>> {
        match self.answers.get(&token)? {
            Waited::Sync(Ok(answer)) => {
                Some(Ok(String::from_utf8_lossy(&answer.assignment).into_owned()))
            }
            Waited::Sync(Err(error)) => Some(Err(error.code())),
            Waited::Join(_) => panic!("{token:?} was a sync"),
        }
    }

    pub fn live(&mut self, member: &str, generation: i32) -> Option<Code> {
        self.live_as(member, None, generation)
    }

    pub fn live_as(&mut self, member: &str, instance: Option<&str>, epoch: i32) -> Option<Code> {
        let request = ClassicHeartbeat {
            group: Arc::from(GROUP),
            member: Arc::from(member),
            instance_id: instance.map(Arc::from),
            generation: epoch,
        };
        match self.groups.heartbeat_classic(&request, self.now) {
            Ok(plan) => self.run(plan).err().map(|e| e.code()),
            Err(error) => Some(error.code()),
        }
    }

    /// LeaveGroup of members, each with or without an instance id; the codes of each.
    pub fn go(&mut self, leavers: &[(&str, Option<&str>)]) -> Result<Vec<Option<Code>>> {
        let leaver = |(member, instance): &(&str, Option<&str>)| Leaver {
            member: Arc::from(*member),
            instance_id: instance.map(Arc::from),
        };
        let request = ClassicLeave {
            group: Arc::from(GROUP),
            members: leavers.iter().map(leaver).collect(),
        };
        let plan = self
            .groups
            .leave_classic(&request, &self.topics, self.now)?;
        let outcomes = self.run(plan).into_iter();
        Ok(outcomes.map(|o| o.result.err().map(|e| e.code())).collect())
    }

    /// Members "c-a", "c-b", … in a stable group; gives the generation.
    pub fn stable(&mut self, names: &[&str]) -> i32 {
        let ids: Vec<String> = names.iter().map(|name| format!("c-{name}")).collect();
        // The first is alone in its first generation; then all others come, and it joins again.
        let mut tokens: Vec<WaiterToken> = names
            .iter()
            .map(|name| self.ask(&request("", name)))
            .collect();
        if names.len() > 1 {
            tokens[0] = self.ask(&request(&ids[0], ""));
        }
        let answers: Vec<_> = tokens.iter().map(|t| self.joined(*t).unwrap()).collect();
        let generation = answers[0].generation;
        let leader = answers[0].leader.to_string();
        let all: Vec<&str> = ids.iter().map(String::as_str).collect();
        self.bring(&leader, generation, &all);
        for id in &all {
            self.bring(id, generation, &[]);
        }
        assert_eq!(self.state(), GroupState::Stable);
        generation
    }

    pub fn commit_as(&mut self, member: &str, epoch: i32) -> Option<Code> {
        let request = CommitRequest {
            group: Arc::from(GROUP),
            member: Arc::from(member),
            instance_id: None,
            epoch,
            offsets: vec![OffsetCommit::new("orders", 0, Offset(7))],
        };
        let planned = self.groups.commit_offsets(&request, &self.topics, self.now);
        planned.map(|plan| self.run(plan)).err().map(|e| e.code())
    }
}
