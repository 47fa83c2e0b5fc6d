//! `levada topic`: make, show, change and remove topics.

use clap::{Args, Parser, Subcommand as Choice};
use serde_json::json;

use super::backend::{Backend, ListedTopic, PartitionShown, SettingShown};
use super::commands::Subcommand;
use super::context::Context;
use super::human;
use super::output::table;
use super::stop::Result;
use crate::engine::{ConfigOp, NewTopic};
use crate::error::{Error, Kind};

/// Make, list, describe, alter and delete topics
#[derive(Debug, Parser)]
#[command(
    name = "topic",
    after_help = "\
Examples:
  levada --dir data topic create orders --partitions 4 --config retention.ms=604800000
  levada --dir data topic list
  levada --dir data topic describe orders
  levada --dir data topic alter orders --config cleanup.policy=compact --delete-config retention.ms
  levada --dir data topic delete orders
  levada --bootstrap localhost:9092 topic list

Settings and their defaults are in docs/config.md."
)]
pub struct Topic {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Choice)]
enum Action {
    /// Make a topic, and the data directory where there is none
    Create(Create),
    /// List topics
    List {
        /// Also those that the engine keeps for itself
        #[arg(long)]
        internal: bool,
    },
    /// Show a topic's partitions and settings
    Describe {
        name: String,
        /// Also the settings that have their default value
        #[arg(long)]
        all: bool,
    },
    /// Change settings, or add partitions
    Alter(Alter),
    /// Delete a topic with its records, archive and committed offsets
    Delete {
        name: String,
        /// Succeed when there is no such topic
        #[arg(long)]
        if_exists: bool,
    },
}

#[derive(Debug, Args)]
struct Create {
    name: String,
    /// How many partitions; without it the engine's num.partitions
    #[arg(long, value_name = "N")]
    partitions: Option<i32>,
    /// A setting of the topic; may be given more than once
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    config: Vec<(String, String)>,
    /// Succeed when the topic is there already
    #[arg(long)]
    if_not_exists: bool,
}

#[derive(Debug, Args)]
struct Alter {
    name: String,
    /// A setting to change; may be given more than once
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    config: Vec<(String, String)>,
    /// A setting to put back to its default; may be given more than once
    #[arg(long, value_name = "NAME")]
    delete_config: Vec<String>,
    /// The new number of partitions; keys may go to other partitions from then on
    #[arg(long, value_name = "N")]
    partitions: Option<i32>,
}

impl Subcommand for Topic {
    fn run(self, context: &Context) -> Result {
        match self.action {
            Action::Create(create) => run_create(context, create),
            Action::List { internal } => context.with_backend(|on| list(context, on, internal)),
            Action::Describe { name, all } => {
                context.with_backend(|on| describe(context, on, &name, all))
            }
            Action::Alter(alter) => context.with_backend(|on| run_alter(context, on, &alter)),
            Action::Delete { name, if_exists } => {
                context.with_backend(|on| delete(context, on, &name, if_exists))
            }
        }
    }
}

/// `name=value`, for clap.
pub(super) fn setting(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

fn run_create(context: &Context, create: Create) -> Result {
    let new = NewTopic {
        partitions: create.partitions,
        config: create.config,
        ..NewTopic::new(create.name, 1)
    };
    // A name that cannot be must not leave a directory behind.
    crate::config::check_topic_name(&new.name)?;
    context.with_new_backend(|on| {
        let (topic, made) = match on.create_topic(&new) {
            Err(e) if e.kind() == Kind::Exists && create.if_not_exists => {
                (on.topic(&new.name)?, false)
            }
            other => (other?, true),
        };
        let document = json!({
            "name": topic.name, "id": topic.id,
            "partitions": topic.partitions, "created": made,
        });
        let (name, count) = (topic.name, topic.partitions);
        context.output().show(&document, |_| match made {
            true => format!("created {name} with {}", partitions(count)),
            false => format!("{name} is there already, with {}", partitions(count)),
        })
    })
}

fn partitions(count: usize) -> String {
    match count {
        1 => "1 partition".to_owned(),
        n => format!("{n} partitions"),
    }
}

fn list(context: &Context, on: &mut dyn Backend, internal: bool) -> Result {
    let mut listed = on.topics()?;
    listed.retain(|topic| internal || !topic.internal);
    context.output().show(&listed, |all| {
        if all.is_empty() {
            return "no topics".to_owned();
        }
        let row = |t: &ListedTopic| {
            let config = t
                .config
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let config = config.collect::<Vec<_>>().join(" ");
            vec![t.name.clone(), t.partitions.to_string(), config]
        };
        table(&["TOPIC", "PARTITIONS", "SETTINGS"], all.iter().map(row))
    })
}

fn describe(context: &Context, on: &mut dyn Backend, name: &str, all: bool) -> Result {
    let described = on.describe_topic(name, all)?;
    context.output().show(&described, |d| {
        let mut text = format!("{}  id {}", d.name, d.id);
        if let Some(created) = &d.created {
            text.push_str(&format!("  created {created}"));
        }
        text.push_str("\n\n");
        let row = |p: &PartitionShown| {
            let numbers = [i64::from(p.partition), p.log_start, p.local_start, p.end];
            let mut row: Vec<String> = numbers.iter().map(i64::to_string).collect();
            row.push(p.local_bytes.map_or_else(|| "-".to_owned(), human::bytes));
            row
        };
        let headers = ["PARTITION", "LOG START", "LOCAL START", "END", "LOCAL SIZE"];
        text.push_str(&table(&headers, d.partitions.iter().map(row)));
        if !d.config.is_empty() {
            let row = |s: &SettingShown| {
                let value = s.value.clone().unwrap_or_default();
                vec![s.name.clone(), value, s.source.to_owned()]
            };
            text.push_str("\n\n");
            text.push_str(&table(
                &["SETTING", "VALUE", "FROM"],
                d.config.iter().map(row),
            ));
        }
        text
    })
}

fn run_alter(context: &Context, on: &mut dyn Backend, alter: &Alter) -> Result {
    let set = alter.config.iter().cloned();
    let set = set.map(|(name, value)| (name, ConfigOp::Set(value)));
    let delete = alter.delete_config.iter().cloned();
    let changes: Vec<_> = set
        .chain(delete.map(|name| (name, ConfigOp::Delete)))
        .collect();
    if changes.is_empty() && alter.partitions.is_none() {
        return Err(Error::invalid(
            "nothing to change: give --config, --delete-config or --partitions",
        )
        .into());
    }
    on.topic(&alter.name)?;
    if !changes.is_empty() {
        on.alter_topic(&alter.name, &changes)?;
    }
    if let Some(count) = alter.partitions {
        on.add_partitions(&alter.name, count)?;
    }
    let listed = on.topic(&alter.name)?;
    context.output().show(&listed, |l| {
        let config = l
            .config
            .iter()
            .map(|(name, value)| format!("\n  {name}={value}"));
        let config: String = config.collect();
        format!("altered {}: {}{config}", l.name, partitions(l.partitions))
    })
}

fn delete(context: &Context, on: &mut dyn Backend, name: &str, if_exists: bool) -> Result {
    let deleted = match on.delete_topic(name) {
        Err(e) if e.kind() == Kind::NotFound && if_exists => false,
        other => other.map(|()| true)?,
    };
    let document = json!({"name": name, "deleted": deleted});
    context.output().show(&document, |_| match deleted {
        true => format!("deleted {name}"),
        false => format!("there is no topic {name}"),
    })
}
