//! A server: listeners, a runtime, and their end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::admin;
use super::context::Context;
use super::control::Order;
use super::faults::Faults;
use super::listener::{Connections, accept};
use crate::config::{ListenAddress, Overrides, ServerConfig};
use crate::embedded::Database;
use crate::error::{Error, Result};
use crate::thread;

/// Threads that may wait for a disk, at most.
const BLOCKING_THREADS_MAX: usize = 64;
/// How long connections that are told to close at once may take.
const CLOSE_TIME: Duration = Duration::from_millis(500);
/// How often connections are told that the server is killed.
const KILL_AGAIN: Duration = Duration::from_millis(5);

/// A listener that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    pub name: String,
    /// Where the socket is bound; the port is the real one.
    pub address: SocketAddr,
    /// What clients are told.
    pub host: String,
    pub port: u16,
}

/// A running broker on an open database. Several may run on one database. Dropping it stops it and
/// leaves the database open.
#[derive(Debug)]
pub struct Server {
    context: Arc<Context>,
    connections: Arc<Connections>,
    listening: Vec<Arc<Listening>>,
    admin_address: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    /// `None` once stopped.
    runtime: Option<Runtime>,
}

impl Server {
    /// How long a stop waits for requests that were begun, where nothing else is said.
    pub const STOP_TIME: Duration = Duration::from_secs(5);

    /// Serves `database` with its broker settings and, before those, `settings`. When this returns the
    /// ports are open.
    ///
    /// Errors: Invalid (a bad setting); Unavailable or Denied (an address that cannot be listened on).
    pub fn start(database: &Database, settings: &Overrides) -> Result<Server> {
        let mut all = database.engine().broker_settings();
        all.extend(settings.iter().map(|(k, v)| (k.clone(), v.clone())));
        let config = ServerConfig::from_overrides(&all)?;
        // Members of other processes are put out when their time is over, also right after a restart.
        database.engine().groups().start()?;
        let runtime = runtime(&config)?;
        let (stop, stopping) = watch::channel(false);
        let context = Context::new(database.clone(), config, settings.clone(), stopping);
        let connections = Arc::new(Connections::default());
        let mut listening = Vec::new();
        for address in &context.config.listeners {
            let listener = runtime.block_on(bind(address))?;
            let bound = local_address(&listener)?;
            let told = advertised(&context.config, address, bound);
            let one = Arc::new(told);
            tracing::info!(listener = %one.name, address = %bound, "listening");
            listening.push(one.clone());
            runtime.spawn(accept(listener, one, context.clone(), connections.clone()));
        }
        let admin_address = match &context.config.admin_listener {
            Some(address) => {
                let listener = runtime.block_on(bind(address))?;
                let bound = local_address(&listener)?;
                tracing::info!(address = %bound, "health and metrics");
                let watched = admin::Watched::new(context.clone(), connections.clone());
                runtime.spawn(admin::serve(listener, watched));
                Some(bound)
            }
            None => None,
        };
        Ok(Server {
            context,
            connections,
            listening,
            admin_address,
            stop,
            runtime: Some(runtime),
        })
    }

    /// The listeners, in the order of the setting.
    pub fn listening(&self) -> impl Iterator<Item = &Listening> {
        self.listening.iter().map(|l| &**l)
    }

    /// `host:port` of the first listener, as clients take it.
    pub fn bootstrap(&self) -> String {
        let first = self.listening.first();
        first.map_or_else(String::new, |l| join(&l.host, l.port))
    }

    /// Where `/healthz`, `/readyz` and `/metrics` are served, if `levada.admin.listener` is set.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// How many connections are open.
    pub fn connection_count(&self) -> usize {
        self.connections.count()
    }

    /// Errors, delays and pauses that tests ask for.
    pub fn faults(&self) -> &Arc<Faults> {
        &self.context.faults
    }

    /// Ends as a process that is killed: nothing that was begun is answered, clients see their
    /// connections reset and the port closed. What was acknowledged is in the database, which stays
    /// open. After a stop it does nothing.
    pub fn kill(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        self.connections.tell_all(Order::Reset);
        let _ = self.stop.send(true);
        let connections = &self.connections;
        runtime.block_on(async {
            // One that was accepted meanwhile has not heard of it.
            let mut tick = tokio::time::interval(KILL_AGAIN);
            let all = async {
                loop {
                    tokio::select! {
                        () = connections.gone() => return,
                        _ = tick.tick() => connections.tell_all(Order::Reset),
                    }
                }
            };
            let _ = tokio::time::timeout(CLOSE_TIME, all).await;
        });
        runtime.shutdown_timeout(CLOSE_TIME);
    }

    /// Takes no more connections and requests, answers what was begun for at most `time`, closes.
    /// Stopping twice does nothing.
    pub fn stop(&mut self, time: Duration) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        // Nobody listens any more when every connection is gone: not an error.
        let _ = self.stop.send(true);
        self.connections.tell_all(Order::Finish);
        let connections = &self.connections;
        runtime.block_on(async {
            if tokio::time::timeout(time, connections.gone()).await.is_ok() {
                return;
            }
            tracing::warn!(count = connections.count(), "connections are cut off");
            connections.tell_all(Order::Close);
            let _ = tokio::time::timeout(CLOSE_TIME, connections.gone()).await;
        });
        runtime.shutdown_timeout(CLOSE_TIME);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop(Self::STOP_TIME);
    }
}

fn runtime(config: &ServerConfig) -> Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(2, |n| n.get());
    let built = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.threads.unwrap_or(cores.max(2)))
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("levada-net")
        .on_thread_start(thread::deafen)
        .enable_all()
        .build();
    built.map_err(|e| Error::io("start the threads of the server", e))
}

async fn bind(address: &ListenAddress) -> Result<TcpListener> {
    let host = match address.host.as_str() {
        "" => "::",
        host => host,
    };
    let shown = join(&address.host, address.port);
    let first = TcpListener::bind((host, address.port)).await;
    let bound = match first {
        // A machine without IPv6.
        Err(_) if address.host.is_empty() => TcpListener::bind(("0.0.0.0", address.port)).await,
        other => other,
    };
    bound.map_err(|e| {
        let error = Error::io(format_args!("listen on {shown}"), e);
        error.with_code(crate::error::Code::BrokerNotAvailable)
    })
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr> {
    let address = listener.local_addr();
    address.map_err(|e| Error::io("ask for the address of a listener", e))
}

/// `host:port`, with brackets around an IPv6 address.
fn join(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

fn advertised(config: &ServerConfig, listener: &ListenAddress, bound: SocketAddr) -> Listening {
    let named = config.advertised.iter().find(|a| a.name == listener.name);
    let (host, port) = match named {
        Some(named) => (named.host.clone(), named.port),
        None if listener.is_wildcard() => (hostname(), 0),
        None => (listener.host.clone(), 0),
    };
    Listening {
        name: listener.name.clone(),
        address: bound,
        host,
        port: if port == 0 { bound.port() } else { port },
    }
}

/// The machine's own name.
fn hostname() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy().into_owned();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name
    }
}
