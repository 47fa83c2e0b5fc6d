//! `levada group`: who reads what, how far, and moving them.

use std::collections::BTreeMap;

use clap::{Args, Parser, Subcommand as Choice};
use serde::Serialize;
use serde_json::json;

use super::backend::{Backend, MemberShown, OffsetShown};
use super::commands::Subcommand;
use super::context::Context;
use super::output::table;
use super::position::{self, Position};
use super::stop::Result;
use crate::error::Error;
use crate::types::{Offset, TopicPartition};

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
  levada --dir data group delete billing
  levada --bootstrap localhost:9092 group list"
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
struct Moved {
    topic: String,
    partition: i32,
    from: Option<i64>,
    to: i64,
}

impl Subcommand for Group {
    fn run(self, context: &Context) -> Result {
        context.with_backend(|on| match &self.action {
            Action::List => list(context, on),
            Action::Describe { group } => describe(context, on, group),
            Action::Reset(reset) => run_reset(context, on, reset),
            Action::Delete { group } => {
                on.delete_group(group)?;
                let document = json!({"group": group, "deleted": true});
                context
                    .output()
                    .show(&document, |_| format!("deleted {group}"))
            }
        })
    }
}

fn list(context: &Context, on: &mut dyn Backend) -> Result {
    let groups = on.groups()?;
    context.output().show(&groups, |all| {
        if all.is_empty() {
            return "no groups".to_owned();
        }
        let rows = all
            .iter()
            .map(|g| vec![g.group.clone(), g.kind.clone(), g.state.clone()]);
        table(&["GROUP", "KIND", "STATE"], rows)
    })
}

fn describe(context: &Context, on: &mut dyn Backend, group: &str) -> Result {
    let described = on.describe_group(group)?;
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
                o.committed.clone().unwrap_or_else(|| "-".to_owned()),
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

fn run_reset(context: &Context, on: &mut dyn Backend, reset: &Reset) -> Result {
    let before: BTreeMap<_, _> = on.committed(&reset.group)?.into_iter().collect();
    let moves = targets(on, reset, &before)?;
    if moves.is_empty() {
        return Err(Error::not_found(format!(
            "group {} has no offsets to move: name a topic with --topic",
            reset.group
        ))
        .into());
    }
    if !reset.dry_run {
        on.reset_group(&reset.group, &moves)?;
    }
    let moved = moves.iter().map(|(place, to)| Moved {
        topic: place.topic.to_string(),
        partition: place.partition,
        from: before.get(place).map(|offset| offset.get()),
        to: to.get(),
    });
    context.output().show(&moved.collect::<Vec<_>>(), |all| {
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
    on: &mut dyn Backend,
    reset: &Reset,
    before: &BTreeMap<TopicPartition, Offset>,
) -> Result<Vec<(TopicPartition, Offset)>> {
    let mut places = Vec::new();
    for topic in &reset.topic {
        places.extend(on.places(topic)?);
    }
    if reset.topic.is_empty() {
        places.extend(before.keys().cloned());
    }
    places.retain(|p| reset.partition.is_empty() || reset.partition.contains(&p.partition));
    Ok(reset.to.resolve(on, &places)?)
}
