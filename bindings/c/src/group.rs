//! Consumer groups: listing, describing, resetting, deleting.

use std::ffi::{CString, c_char};

use levada::Result;
use levada::embedded::Database;
use levada::types::TopicPartition;

use crate::arg::{Made, Text, c_string};
use crate::database::levada_database;
use crate::enter::call;
use crate::error::levada_error;
use crate::handle::{self, Handle, Lent, View, kinds};
use crate::positions::{LEVADA_OFFSET_NONE, levada_positions};
use crate::status::levada_status;
use crate::text::levada_names;

/// A group at one moment. Free it with levada_group_free().
pub struct levada_group {
    state: CString,
    epoch: i32,
    members: Vec<Member>,
}

struct Member {
    id: CString,
    client_id: CString,
    /// C may look at it, and it is freed with the group.
    partitions: Lent<levada_positions>,
}

kinds! { levada_group "group" 11; }

impl levada_group {
    fn read(database: &Database, group: &str) -> Result<levada_group> {
        let engine = database.engine();
        let found = engine.groups().describe(group)?;
        let mut members = Vec::with_capacity(found.members.len());
        for member in &found.members {
            let mut rows = Vec::new();
            for (id, partitions) in &member.assigned {
                // Deleted meanwhile.
                let Ok(topic) = engine.topic_by_id(*id) else {
                    continue;
                };
                let name = |p: &i32| TopicPartition::new(topic.name().clone(), *p);
                rows.extend(partitions.iter().map(|p| (name(p), LEVADA_OFFSET_NONE)));
            }
            members.push(Member {
                id: c_string(&member.id),
                client_id: c_string(&member.client_id),
                partitions: Lent::new(levada_positions::new(rows)),
            });
        }
        Ok(levada_group {
            state: c_string(found.state.name()),
            epoch: found.epoch,
            members,
        })
    }
}

/// Names the groups.
///
/// The names belong to the caller: free them with levada_names_free(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_group_list(
    database: Handle<levada_database>,
    out_names: Made<levada_names>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let out = out_names.get("out_names")?;
        let groups = database.inner().engine().groups().list()?;
        let names = groups.iter().map(|g| g.id.clone());
        out.set(handle::make(names.collect::<levada_names>()));
        Ok(())
    })
}

/// Describes a group as it is now.
///
/// The description belongs to the caller: free it with levada_group_free(). LEVADA_NOT_FOUND. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_group_describe(
    database: Handle<levada_database>,
    group: Text,
    out_group: Made<levada_group>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let out = out_group.get("out_group")?;
        let found = levada_group::read(database.inner(), group.get("group")?)?;
        out.set(handle::make(found));
        Ok(())
    })
}

/// The group's state, as Kafka names it: `"Stable"`, `"Empty"`, `"Reconciling"`.
///
/// Borrowed: valid until `group` is freed. NULL when `group` is NULL or freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_group_state(group: View<levada_group>) -> *const c_char {
    group.get().map_or(std::ptr::null(), |g| g.state.as_ptr())
}

/// How often the group has changed (KIP-848: the group epoch; of a classic group its generation); -1 when
/// `group` is NULL or freed.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_group_epoch(group: View<levada_group>) -> i32 {
    group.get().map_or(-1, |g| g.epoch)
}

/// How many members the group has.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_group_member_count(group: View<levada_group>) -> usize {
    group.get().map_or(0, |g| g.members.len())
}

fn member<T>(
    group: View<levada_group>,
    index: usize,
    read: impl FnOnce(&Member) -> T,
) -> Option<T> {
    group
        .get()
        .ok()
        .and_then(|g| g.members.get(index).map(read))
}

/// The id of a member, from 0 on; NULL beyond the end.
///
/// Borrowed: valid until `group` is freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_group_member_id(group: View<levada_group>, index: usize) -> *const c_char {
    member(group, index, |m| m.id.as_ptr()).unwrap_or(std::ptr::null())
}

/// What a member calls itself (`client.id`); NULL beyond the end.
///
/// Borrowed: valid until `group` is freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_group_member_client_id(
    group: View<levada_group>,
    index: usize,
) -> *const c_char {
    member(group, index, |m| m.client_id.as_ptr()).unwrap_or(std::ptr::null())
}

/// The partitions of a member, without offsets; NULL beyond the end.
///
/// Borrowed: valid until `group` is freed; do not free it. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_group_member_partitions(
    group: View<levada_group>,
    index: usize,
) -> *const levada_positions {
    let found = member(group, index, |m| m.partitions.pointer());
    found.unwrap_or(std::ptr::null())
}

/// Frees a description. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_group_free(group: Handle<levada_group>) {
    drop(group.free());
}

/// What a group has committed: the offset of the next record to read, by partition. A group that nobody knows
/// has committed nothing.
///
/// The list belongs to the caller: free it with levada_positions_free(). Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_group_offsets(
    database: Handle<levada_database>,
    group: Text,
    out_positions: Made<levada_positions>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let out = out_positions.get("out_positions")?;
        let group = group.get("group")?;
        let found = database
            .inner()
            .engine()
            .groups()
            .committed_offsets(group)?;
        let rows = found.into_iter().map(|(name, offset)| (name, offset.get()));
        out.set(handle::make(levada_positions::new(rows)));
        Ok(())
    })
}

/// Sets the committed offsets of a group that has no members, durable when this returns.
///
/// LEVADA_CONFLICT: it has members. LEVADA_NOT_FOUND: no such partition. LEVADA_INVALID: a partition
/// without an offset. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_group_reset(
    database: Handle<levada_database>,
    group: Text,
    offsets: View<levada_positions>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let offsets = offsets.get()?.commits()?;
        database
            .inner()
            .engine()
            .groups()
            .reset(group.get("group")?, offsets)
    })
}

/// Forgets a group that has no members, and what it has committed.
///
/// LEVADA_NOT_FOUND; LEVADA_CONFLICT: it has members. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_group_delete(
    database: Handle<levada_database>,
    group: Text,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        database
            .inner()
            .engine()
            .groups()
            .delete(group.get("group")?)
    })
}
