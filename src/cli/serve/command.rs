//! The command itself: settings, logs, serving, the end.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Parser;
use serde_json::json;

use super::logging::{self, Format};
use super::notify;
use super::settings::{Flags, Resolved};
use super::signals::Signals;
use crate::broker::Server;
use crate::cli::commands::Subcommand;
use crate::cli::context::Context;
use crate::cli::stop::Result;
use crate::cli::topic;
use crate::config::Overrides;
use crate::embedded::{Database, OpenOptions};

/// Serve the data directory to Kafka clients
#[derive(Debug, Parser)]
#[command(
    name = "serve",
    after_help = "\
Examples:
  levada --dir data serve
  levada serve --config levada.toml
  levada --dir data serve --listen 0.0.0.0:9092 --set advertised.listeners=PLAINTEXT://host:9092
  levada --dir data serve --listen 127.0.0.1:0 --admin 127.0.0.1:9099 --set num.partitions=4
  levada --dir :memory: serve

Flags count before the environment (LEVADA_NUM_PARTITIONS=4), that before the file. Prints a line when
it is ready. Ends cleanly on SIGINT and SIGTERM; a second one ends it at once. Settings are in
docs/config.md, running it in docs/operations.md."
)]
pub struct Serve {
    /// Read settings from this file: TOML, or Kafka's server.properties; else from the one in LEVADA_CONFIG
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen, HOST:PORT or NAME://HOST:PORT; port 0 takes a free one; may be given more than once
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// Where to serve /healthz, /readyz and /metrics over HTTP
    #[arg(long, value_name = "HOST:PORT")]
    admin: Option<String>,
    /// A broker setting under Kafka's name; may be given more than once
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = topic::setting)]
    settings: Vec<(String, String)>,
    /// What is logged: error, warn, info, debug, trace, off, or a filter by module; else as in LEVADA_LOG
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// How a line of the log looks; else as in LEVADA_LOG_FORMAT
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<Format>,
}

impl Serve {
    fn flags(self) -> Flags {
        let mut broker: Overrides = self.settings.into_iter().collect::<BTreeMap<_, _>>();
        if !self.listen.is_empty() {
            broker.insert("listeners".to_owned(), self.listen.join(","));
        }
        if let Some(admin) = self.admin {
            broker.insert("levada.admin.listener".to_owned(), admin);
        }
        Flags {
            config: self.config,
            log_level: self.log_level,
            log_format: self.log_format,
            broker,
        }
    }
}

impl Subcommand for Serve {
    fn run(self, context: &Context) -> Result {
        // A variable that is not UTF-8 is none of ours.
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let resolved = Resolved::new(self.flags(), &variables.collect::<Vec<_>>())?;
        logging::start(&resolved.log_level, resolved.log_format)?;
        for remark in &resolved.remarks {
            tracing::warn!("{remark}");
        }
        let dir = context.dir_or(resolved.dir.as_deref())?;
        let options = OpenOptions {
            settings: resolved.broker,
            ..OpenOptions::default()
        };
        let signals = Signals::new()?;
        let database = Database::open_with(dir, options)?;
        let mut server = Server::start(&database, &Overrides::new())?;
        ready(context, &server)?;
        notify::tell("READY=1");
        signals.wait()?;
        tracing::info!("stopping");
        notify::tell("STOPPING=1");
        server.stop(Server::STOP_TIME);
        database.close()?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Says where clients connect, for people and for programs that started this one.
fn ready(context: &Context, server: &Server) -> Result {
    let listeners: Vec<_> = server
        .listening()
        .map(|l| json!({"name": l.name, "address": l.address.to_string(), "host": l.host, "port": l.port}))
        .collect();
    let admin = server.admin_address().map(|address| address.to_string());
    let document = json!({
        "ready": true,
        "bootstrap": server.bootstrap(),
        "listeners": listeners,
        "admin": admin,
    });
    context.output().show(&document, |_| {
        let clients = format!("ready: bootstrap.servers={}", server.bootstrap());
        match &admin {
            Some(address) => format!("{clients} admin=http://{address}"),
            None => clients,
        }
    })?;
    std::io::stdout().flush()?;
    Ok(())
}
