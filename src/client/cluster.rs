//! The brokers of a cluster: who is where, one connection each, tries.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::connection::{Answer, Connection};
use super::errors;
use super::metadata::Topic;
use super::options::{Address, Options};
use super::retry::Retry;
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::protocol::messages::find_coordinator::{
    FindCoordinatorRequest, FindCoordinatorResponse,
};
use crate::protocol::{ApiKey, Message};

/// Kafka's number for the coordinator of a group.
const GROUP_KEY: i8 = 0;

/// A cluster, reached through its bootstrap brokers. Everything blocks, and ends in bounded time.
#[derive(Debug)]
pub struct Cluster {
    pub(super) options: Options,
    pub(super) clock: Arc<dyn Clock>,
    /// Where a node listens, as the metadata says.
    pub(super) brokers: BTreeMap<i32, Address>,
    pub(super) controller: Option<i32>,
    /// What is known of topics; asked again when a leader has moved.
    pub(super) topics: HashMap<String, Topic>,
    /// The node that has a group.
    coordinators: HashMap<String, i32>,
    connections: HashMap<i32, Connection>,
    /// A connection to a bootstrap broker, whose node is not known.
    first: Option<Connection>,
    /// Whether it was reached once: then a broker that is gone may come back, and is waited for longer.
    reached: bool,
}

/// Whom to ask.
#[derive(Clone, Copy, Debug)]
pub(super) enum To<'a> {
    Any,
    Controller,
    Node(i32),
    Coordinator(&'a str),
}

/// Whether a request may be sent again when the connection was lost and nobody knows what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    Always,
    /// Only when it was not carried out for certain.
    Unsent,
}

impl Cluster {
    /// Connects to one of the bootstrap brokers and learns of the others.
    ///
    /// Errors: Unavailable when none of them can be reached.
    pub fn connect(options: Options, clock: Arc<dyn Clock>) -> Result<Cluster> {
        let mut cluster = Cluster {
            options,
            clock,
            brokers: BTreeMap::new(),
            controller: None,
            topics: HashMap::new(),
            coordinators: HashMap::new(),
            connections: HashMap::new(),
            first: None,
            reached: false,
        };
        cluster.refresh(&[])?;
        cluster.reached = true;
        Ok(cluster)
    }

    /// Connections of one's own to the same cluster, for another thread.
    pub fn another(&self) -> Result<Cluster> {
        Cluster::connect(self.options.clone(), self.clock.clone())
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(super) fn retry(&self) -> Retry {
        Retry::new(&*self.clock, &self.options, self.reached)
    }

    /// Whether `to` knows the API at all.
    pub(super) fn knows(&mut self, to: To<'_>, api: ApiKey) -> Result<bool> {
        self.tried(Again::Always, to, |connection| Ok(connection.knows(api)))
    }

    /// One request with its tries. `build` makes it for the version agreed on; `read` makes of the
    /// answer what the caller wants, or the error that a code in it means.
    pub(super) fn call<'q, Q: Message<'q>, T>(
        &mut self,
        to: To<'_>,
        again: Again,
        build: impl Fn(i16) -> Q,
        read: impl Fn(&Answer) -> Result<T>,
    ) -> Result<T> {
        self.call_up_to(i16::MAX, to, again, build, read)
    }

    /// The same in no version above `most`.
    pub(super) fn call_up_to<'q, Q: Message<'q>, T>(
        &mut self,
        most: i16,
        to: To<'_>,
        again: Again,
        build: impl Fn(i16) -> Q,
        read: impl Fn(&Answer) -> Result<T>,
    ) -> Result<T> {
        let wait = self.options.request_timeout;
        self.tried(again, to, |connection| {
            let api = Q::KEY.ok_or_else(|| Error::internal("this message is no request"))?;
            let version = connection.version(api)?.min(most);
            let answer = connection.call(version, &build(version), wait)?;
            read(&answer)
        })
    }

    fn tried<T>(
        &mut self,
        again: Again,
        to: To<'_>,
        work: impl Fn(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let mut retry = self.retry();
        loop {
            let outcome = match self.connection(to) {
                Ok(connection) => work(connection).map_err(|error| (error, true)),
                Err(error) => Err((error, false)),
            };
            let (error, sent) = match outcome {
                Ok(value) => return Ok(value),
                Err(failed) => failed,
            };
            let in_doubt = sent && again == Again::Unsent && errors::is_of_connection(&error);
            self.forget(to, &error);
            if in_doubt {
                return Err(error.at("it is not known whether this was done"));
            }
            retry.after(&*self.clock.clone(), error)?;
        }
    }

    /// After an error: what it says about connections and roles is not believed any longer.
    pub(super) fn forget(&mut self, to: To<'_>, error: &Error) {
        if errors::is_of_connection(error) {
            match to {
                To::Any => self.first = None,
                To::Node(node) => drop(self.connections.remove(&node)),
                To::Controller => {
                    if let Some(node) = self.controller {
                        self.connections.remove(&node);
                    }
                }
                To::Coordinator(group) => {
                    if let Some(node) = self.coordinators.get(group) {
                        self.connections.remove(node);
                    }
                }
            }
        }
        if errors::passes(error) {
            match to {
                To::Controller => self.controller = None,
                To::Coordinator(group) => drop(self.coordinators.remove(group)),
                To::Any | To::Node(_) => {}
            }
        }
    }

    /// A connection to where the request belongs, made if there is none.
    pub(super) fn connection(&mut self, to: To<'_>) -> Result<&mut Connection> {
        let node = match to {
            To::Any => return self.any(),
            To::Node(node) => node,
            To::Controller => match self.controller {
                Some(node) => node,
                None => {
                    self.refresh(&[])?;
                    // A cluster that names no controller: whoever is asked may know it.
                    match self.controller {
                        Some(node) => node,
                        None => return self.any(),
                    }
                }
            },
            To::Coordinator(group) => match self.coordinators.get(group) {
                Some(node) => *node,
                None => self.find_coordinator(group)?,
            },
        };
        if !self.connections.contains_key(&node) {
            let address = self.brokers.get(&node).ok_or_else(|| {
                Error::coded(
                    Code::LeaderNotAvailable,
                    format!("broker {node} is not in the cluster at the moment"),
                )
            })?;
            let connection = Connection::open(address, &self.options, &self.clock)?;
            self.connections.insert(node, connection);
        }
        self.connections
            .get_mut(&node)
            .ok_or_else(|| Error::internal("a connection that was made is gone"))
    }

    /// To any broker: one that is connected, else the first that can be reached.
    fn any(&mut self) -> Result<&mut Connection> {
        if self.first.is_none() {
            self.first = Some(self.reach()?);
        }
        self.first
            .as_mut()
            .ok_or_else(|| Error::internal("a connection that was made is gone"))
    }

    /// Tries the bootstrap brokers, then those that the metadata named.
    fn reach(&self) -> Result<Connection> {
        let known = self.brokers.values();
        let mut last = None;
        for address in self.options.bootstrap.iter().chain(known) {
            match Connection::open(address, &self.options, &self.clock) {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::invalid("no bootstrap broker was named")))
    }

    fn find_coordinator(&mut self, group: &str) -> Result<i32> {
        let build = |version| {
            let mut request = FindCoordinatorRequest {
                key_type: GROUP_KEY,
                ..FindCoordinatorRequest::default()
            };
            match version {
                4.. => request.coordinator_keys = vec![group.into()],
                _ => request.key = group.into(),
            }
            request
        };
        let place = format!("coordinator of group {group}");
        let (node, address) = self.call(To::Any, Again::Always, build, |answer| {
            let response: FindCoordinatorResponse<'_> = answer.read()?;
            let old = (response.node_id, &response.host, response.port);
            let (code, message, found) = match response.coordinators.first() {
                Some(c) => (c.error_code, &c.error_message, (c.node_id, &c.host, c.port)),
                None => (response.error_code, &response.error_message, old),
            };
            errors::check(code, message.as_deref(), &place)?;
            let (node, host, port) = found;
            Ok((node, address(host, port)?))
        })?;
        self.brokers.insert(node, address);
        self.coordinators.insert(group.to_owned(), node);
        Ok(node)
    }

    /// How long an answer may take when the broker itself may wait `extra`.
    pub(super) fn wait(&self, extra: Duration) -> Duration {
        self.options.request_timeout + extra
    }
}

/// What a broker says about where another is.
pub(super) fn address(host: &str, port: i32) -> Result<Address> {
    let port = u16::try_from(port)
        .map_err(|_| Error::corrupt(format!("broker {host} is said to listen on port {port}")))?;
    Ok(Address {
        host: host.to_owned(),
        port,
    })
}
