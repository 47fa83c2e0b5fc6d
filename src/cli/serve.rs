//! `levada serve`: the data directory as a Kafka broker.

use std::collections::BTreeMap;
use std::io::Write as _;

use clap::Parser;
use serde_json::json;

use super::commands::Subcommand;
use super::context::Context;
use super::stop::Result;
use crate::broker::Server;
use crate::config::Overrides;
use crate::embedded::{Database, OpenOptions};
use crate::error::Error;

/// Serve the data directory to Kafka clients
#[derive(Debug, Parser)]
#[command(
    name = "serve",
    after_help = "\
Examples:
  levada --dir data serve
  levada --dir data serve --listen 0.0.0.0:9092 --set advertised.listeners=PLAINTEXT://host:9092
  levada --dir data serve --listen 127.0.0.1:0 --set num.partitions=4 --set levada.durability=cache
  levada --dir :memory: serve

Prints a line when it is ready. Ends cleanly on SIGINT and SIGTERM. Settings are in docs/config.md."
)]
pub struct Serve {
    /// Where to listen, HOST:PORT or NAME://HOST:PORT; port 0 takes a free one; may be given more than once
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// A broker setting under Kafka's name; may be given more than once
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = super::topic::setting)]
    settings: Vec<(String, String)>,
}

impl Subcommand for Serve {
    fn run(self, context: &Context) -> Result {
        let mut settings: Overrides = self.settings.into_iter().collect::<BTreeMap<_, _>>();
        if !self.listen.is_empty() {
            settings.insert("listeners".to_owned(), self.listen.join(","));
        }
        let options = OpenOptions {
            settings,
            ..OpenOptions::default()
        };
        let signals = Signals::new()?;
        let database = Database::open_with(context.dir()?, options)?;
        let mut server = Server::start(&database, &Overrides::new())?;
        ready(context, &server)?;
        signals.wait();
        server.stop(Server::STOP_TIME);
        database.close()?;
        Ok(())
    }
}

/// Says where clients connect, for people and for programs that started this one.
fn ready(context: &Context, server: &Server) -> Result {
    let listeners: Vec<_> = server
        .listening()
        .map(|l| json!({"name": l.name, "address": l.address.to_string(), "host": l.host, "port": l.port}))
        .collect();
    let document = json!({"ready": true, "bootstrap": server.bootstrap(), "listeners": listeners});
    context.output().show(&document, |_| {
        format!("ready: bootstrap.servers={}", server.bootstrap())
    })?;
    std::io::stdout().flush()?;
    Ok(())
}

/// SIGINT and SIGTERM, caught from the moment this is made.
struct Signals {
    runtime: tokio::runtime::Runtime,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        let wrong = |e| Error::io("catch signals", e);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(wrong)?;
        let entered = runtime.enter();
        let interrupt = signal(SignalKind::interrupt()).map_err(wrong)?;
        let terminate = signal(SignalKind::terminate()).map_err(wrong)?;
        drop(entered);
        Ok(Signals {
            runtime,
            interrupt,
            terminate,
        })
    }

    /// Ends when one of them comes.
    fn wait(mut self) {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
        });
    }
}
