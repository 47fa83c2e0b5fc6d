//! A classic group becomes a consumer group.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::groups::classic::blobs::{Subscription, read_assignment};
use crate::engine::groups::classic::{ClassicGroup, Delivery, JoinAnswer, Waited, rebalancing};
use crate::engine::groups::coordinator::Coordinator;
use crate::engine::groups::member::MemberState;
use crate::engine::groups::partitions::{Assignment, Held};
use crate::engine::groups::plan::{Draft, Now};
use crate::engine::groups::records::{
    ClassicMemberMetadata, CurrentAssignment, GroupMetadata, MemberMetadata, TargetMetadata, What,
};
use crate::engine::groups::topics::TopicsView;
use crate::error::{Code, Error, Result};

/// A member of the classic group as it is to be in the consumer group.
struct Converted {
    metadata: MemberMetadata,
    assigned: Assignment,
}

impl Coordinator {
    /// The group as consumer group, in the generation in which it is: everybody keeps what it has.
    /// Who waits is sent to join again.
    ///
    /// Errors: `GroupIdNotFound` when the settings or the group's members do not allow it.
    pub(in crate::engine::groups) fn upgrade<'a>(
        &self,
        id: &Arc<str>,
        classic: &ClassicGroup,
        topics: &dyn TopicsView,
        now: Now,
    ) -> Result<(Draft<'a>, Vec<Delivery>)> {
        let refused = |why: &str| {
            let what = format!("group {id} is not a consumer group but a classic one, and {why}");
            Error::coded(Code::GroupIdNotFound, what)
        };
        if !self.settings.migration.upgrades() {
            return Err(refused(
                "may not become one (group.consumer.migration.policy)",
            ));
        }
        if !classic.is_of_consumers() {
            return Err(refused("its members are no consumers"));
        }
        if classic.members().len() > self.settings.group_size_max {
            return Err(refused("has too many members (group.consumer.max.size)"));
        }
        let members = convert(classic, topics)
            .map_err(|e| refused("what a member said cannot be read").with_source(e))?;
        let epoch = classic.generation;
        let mut draft = Draft::new(id.clone(), None);
        draft.record_only(What::Classic(None));
        draft.push(What::Group(Some(GroupMetadata { epoch, hash: 0 })));
        let mut holders: BTreeMap<_, ()> = BTreeMap::new();
        for (member, converted) in members {
            write_member(&mut draft, &member, converted, epoch, &mut holders);
        }
        draft.push(What::Target(Some(TargetMetadata {
            epoch,
            computed_at: now.wall,
        })));
        Ok((draft, send_to_join(id, classic)))
    }
}

/// The assignments come from a leader that nobody checked: what two members hold belongs to the
/// first.
fn write_member(
    draft: &mut Draft<'_>,
    id: &Arc<str>,
    converted: Converted,
    epoch: i32,
    holders: &mut BTreeMap<(crate::types::TopicId, i32), ()>,
) {
    let mut assigned = Held::new();
    let mut target = Assignment::new();
    for (topic, partitions) in converted.assigned {
        for partition in partitions {
            if holders.insert((topic, partition), ()).is_none() {
                assigned.entry(topic).or_default().insert(partition, epoch);
                target.entry(topic).or_default().insert(partition);
            }
        }
    }
    draft.push(What::Member {
        member: id.clone(),
        value: Some(converted.metadata),
    });
    draft.push(What::TargetMember {
        member: id.clone(),
        value: Some(target),
    });
    draft.push(What::Current {
        member: id.clone(),
        value: Some(CurrentAssignment {
            epoch,
            previous_epoch: epoch,
            state: MemberState::Stable,
            assigned,
            pending_revocation: Held::new(),
        }),
    });
}

fn convert(
    classic: &ClassicGroup,
    topics: &dyn TopicsView,
) -> Result<BTreeMap<Arc<str>, Converted>> {
    let mut all = BTreeMap::new();
    for (id, member) in classic.members() {
        let ms = |time: std::time::Duration| i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
        let protocols = member.protocols.to_vec();
        let said = match &classic.protocol {
            Some(chosen) => member.subscription(chosen),
            None => protocols
                .first()
                .map(|(_, said)| said.clone())
                .unwrap_or_default(),
        };
        let subscription = Subscription::read(&said)?;
        let mut assigned = Assignment::new();
        for (topic, partitions) in read_assignment(&member.assignment)? {
            if let Some(info) = topics.topic(&topic) {
                let there = partitions
                    .into_iter()
                    .filter(|p| (0..info.partitions).contains(p));
                assigned.entry(info.id).or_default().extend(there);
            }
        }
        assigned.retain(|_, partitions| !partitions.is_empty());
        let metadata = MemberMetadata {
            instance_id: member.instance_id.clone(),
            rack_id: subscription.rack_id,
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            topics: subscription.topics,
            regex: None,
            rebalance_timeout_ms: ms(member.rebalance_timeout),
            assignor: None,
            classic: Some(ClassicMemberMetadata {
                session_timeout_ms: ms(member.session_timeout),
                protocols,
            }),
        };
        all.insert(id.clone(), Converted { metadata, assigned });
    }
    Ok(all)
}

fn send_to_join(id: &Arc<str>, classic: &ClassicGroup) -> Vec<Delivery> {
    let error = rebalancing(id);
    let mut deliveries = Vec::new();
    for (member, known) in classic.members() {
        let join = known.joining.map(|token| Delivery {
            token,
            answer: Waited::Join(JoinAnswer::refusing(error.clone(), member.clone())),
        });
        let sync = known.syncing.map(|token| Delivery {
            token,
            answer: Waited::Sync(Err(error.clone())),
        });
        deliveries.extend(join.into_iter().chain(sync));
    }
    deliveries
}
