//! `levada group`: who reads what, how far, and moving them.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand as Choice};
use serde::Serialize;
use serde_json::json;

use super::commands::Subcommand;
use super::context::Context;
use super::output::table;
use super::position::{self, Position};
use super::stop::Result;
use super::time;
use crate::embedded::Database;
use crate::engine::groups::OffsetCommit;
use crate::error::{Error, Kind};

/// List, describe, reset and delete consumer groups
#[derive(Debug, Parser)]
#[command(
    name = "group",
    after_help = "\
Examples:
  levada --dir data group list
  levada --dir data group describe billing
  levada --dir data group reset billing --to earliest
  levada --dir data group reset billing --to 2026-11-01T00:00:00Z --topic orders
  levada --dir data group delete billing"
)]
pub struct Group {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Choice)]
enum Action {
    /// List groups and their states
    List,
    /// Show a group's members, committed offsets and lag
    Describe { group: String },
    /// Move the committed offsets of a group without members
    Reset(Reset),
    /// Delete a group without members, with its offsets
    Delete { group: String },
}

#[derive(Debug, Args)]
struct Reset {
    group: String,
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true, value_parser = Position::argument,
        help = format!("Where to: {}", position::FORMS))]
    to: Position,
    /// Only this topic, also one that the group has not read; may be given more than once
    #[arg(long, value_name = "TOPIC")]
    topic: Vec<String>,
    /// Only this partition; may be given more than once
    #[arg(long, value_name = "N")]
    partition: Vec<i32>,
    /// Show what would be, and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Described {
    group: String,
    kind: &'static str,
    state: &'static str,
    epoch: i32,
    members: Vec<MemberShown>,
    offsets: Vec<OffsetShown>,
}

#[derive(Debug, Serialize)]
struct MemberShown {
    id: String,
    instance_id: Option<String>,
    client_id: String,
    host: String,
    assigned: BTreeMap<String, Vec<i32>>,
}

#[derive(Debug, Serialize)]
struct OffsetShown {
    topic: String,
    partition: i32,
    offset: i64,
    /// `None` when the partition is gone.
    end: Option<i64>,
    lag: Option<i64>,
    committed: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    metadata: String,
}

#[derive(Debug, Serialize)]
struct Moved {
    topic: String,
    partition: i32,
    from: Option<i64>,
    to: i64,
}

impl Subcommand for Group {
    fn run(self, context: &Context) -> Result {
        context.with_database(|db| match &self.action {
            Action::List => list(context, db),
            Action::Describe { group } => describe(context, db, group),
            Action::Reset(reset) => run_reset(context, db, reset),
            Action::Delete { group } => {
                db.engine().groups().delete(group)?;
                let document = json!({"group": group, "deleted": true});
                context
                    .output()
                    .show(&document, |_| format!("deleted {group}"))
            }
        })
    }
}

fn list(context: &Context, db: &Database) -> Result {
    let groups = db.engine().groups().list()?;
    let shown = groups
        .iter()
        .map(|g| json!({"group": &*g.id, "kind": g.kind.name(), "state": g.state.name()}));
    context.output().show(&shown.collect::<Vec<_>>(), |_| {
        if groups.is_empty() {
            return "no groups".to_owned();
        }
        let rows = groups.iter().map(|g| {
            vec![
                g.id.to_string(),
                g.kind.name().to_owned(),
                g.state.name().to_owned(),
            ]
        });
        table(&["GROUP", "KIND", "STATE"], rows)
    })
}

fn describe(context: &Context, db: &Database, group: &str) -> Result {
    let described = description(db, group)?;
    context.output().show(&described, |d| {
        let mut text = format!("{}  {}  {}\n\n", d.group, d.kind, d.state);
        let dash = |n: Option<i64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let row = |o: &OffsetShown| {
            vec![
                o.topic.clone(),
                o.partition.to_string(),
                o.offset.to_string(),
                dash(o.end),
                dash(o.lag),
                o.committed.clone(),
            ]
        };
        let headers = ["TOPIC", "PARTITION", "OFFSET", "END", "LAG", "COMMITTED"];
        text.push_str(&table(&headers, d.offsets.iter().map(row)));
        if !d.members.is_empty() {
            let row = |m: &MemberShown| {
                let assigned = m.assigned.iter().map(|(topic, p)| format!("{topic}{p:?}"));
                let assigned = assigned.collect::<Vec<_>>().join(" ");
                vec![m.id.clone(), m.client_id.clone(), m.host.clone(), assigned]
            };
            text.push_str("\n\n");
            let headers = ["MEMBER", "CLIENT", "HOST", "ASSIGNED"];
            text.push_str(&table(&headers, d.members.iter().map(row)));
        }
        text
    })
}

fn description(db: &Database, group: &str) -> Result<Described> {
    let groups = db.engine().groups();
    let described = groups.describe(group)?;
    let mut offsets = Vec::new();
    for outcome in groups.fetch(group, None)? {
        let Some(committed) = outcome.result? else {
            continue;
        };
        let end = match db.engine().partition(&outcome.topic, outcome.partition) {
            Ok(handle) => Some(handle.ends()?.visible),
            Err(error) if error.kind() == Kind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        offsets.push(OffsetShown {
            topic: outcome.topic.to_string(),
            partition: outcome.partition,
            offset: committed.offset.get(),
            end: end.map(|e| e.get()),
            lag: end.map(|e| e.since(committed.offset).max(0)),
            committed: time::format(committed.committed_at),
            metadata: committed.metadata.to_string(),
        });
    }
    let members = described.members.iter().map(|m| MemberShown {
        id: m.id.to_string(),
        instance_id: m.instance_id.as_ref().map(ToString::to_string),
        client_id: m.client_id.to_string(),
        host: m.client_host.to_string(),
        assigned: m
            .assigned
            .iter()
            .map(|(id, partitions)| {
                let topic = db.engine().topic_by_id(*id);
                let name = topic.map_or_else(|_| id.to_string(), |t| t.name().to_string());
                (name, partitions.iter().copied().collect())
            })
            .collect(),
    });
    Ok(Described {
        group: group.to_owned(),
        kind: described.kind.name(),
        state: described.state.name(),
        epoch: described.epoch,
        members: members.collect(),
        offsets,
    })
}

fn run_reset(context: &Context, db: &Database, reset: &Reset) -> Result {
    let groups = db.engine().groups();
    let mut before: BTreeMap<(Arc<str>, i32), i64> = BTreeMap::new();
    for outcome in groups.fetch(&reset.group, None)? {
        if let Some(committed) = outcome.result? {
            before.insert((outcome.topic, outcome.partition), committed.offset.get());
        }
    }
    let moved = targets(db, reset, &before)?;
    if moved.is_empty() {
        return Err(Error::not_found(format!(
            "group {} has no offsets to move: name a topic with --topic",
            reset.group
        ))
        .into());
    }
    if !reset.dry_run {
        let commits = moved
            .iter()
            .map(|m| OffsetCommit::new(m.topic.as_str(), m.partition, crate::types::Offset(m.to)));
        groups.reset(&reset.group, commits.collect())?;
    }
    context.output().show(&moved, |all| {
        let row = |m: &Moved| {
            let from = m.from.map_or_else(|| "-".to_owned(), |n| n.to_string());
            vec![
                m.topic.clone(),
                m.partition.to_string(),
                from,
                m.to.to_string(),
            ]
        };
        table(&["TOPIC", "PARTITION", "FROM", "TO"], all.iter().map(row))
    })
}

/// The partitions of the topics named, or those that the group has committed, and where they go.
fn targets(
    db: &Database,
    reset: &Reset,
    before: &BTreeMap<(Arc<str>, i32), i64>,
) -> Result<Vec<Moved>> {
    let mut handles = Vec::new();
    for topic in &reset.topic {
        handles.extend(db.engine().topic(topic)?.partitions().iter().cloned());
    }
    if reset.topic.is_empty() {
        for (topic, partition) in before.keys() {
            handles.push(db.engine().partition(topic, *partition)?);
        }
    }
    let mut moved = Vec::new();
    for handle in handles {
        let name = handle.name();
        if !reset.partition.is_empty() && !reset.partition.contains(&name.partition) {
            continue;
        }
        if let Some(to) = reset.to.of(&handle)? {
            moved.push(Moved {
                topic: name.topic.to_string(),
                partition: name.partition,
                from: before.get(&(name.topic.clone(), name.partition)).copied(),
                to: to.get(),
            });
        }
    }
    Ok(moved)
}
