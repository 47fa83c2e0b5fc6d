//! Listening and the count of connections.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::Shutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::connection::Connection;
use super::context::Context;
use super::control::{Control, Order};
use super::server::Listening;
use crate::sync::Mutex;

/// After an accept that failed, for lack of file descriptors usually.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who is at the other end, and through which listener.
#[derive(Debug)]
pub(super) struct Peer {
    pub listener: Arc<Listening>,
    pub address: SocketAddr,
    /// As groups show it: `/127.0.0.1`.
    pub host: Arc<str>,
}

/// The open connections of a server.
#[derive(Debug, Default)]
pub(super) struct Connections {
    state: Mutex<State>,
    /// Told when the last one went.
    none: Notify,
}

#[derive(Debug, Default)]
struct State {
    next_id: u64,
    open: HashMap<u64, Arc<Control>>,
    by_ip: HashMap<IpAddr, usize>,
    /// What all were told. Who was accepted at that very moment hears it too.
    order: Option<Order>,
}

/// One connection's place in the count; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    id: u64,
    ip: IpAddr,
    pub control: Arc<Control>,
    connections: Arc<Connections>,
}

impl Connections {
    /// `None` when there are too many.
    fn enter(self: &Arc<Self>, ip: IpAddr, total_max: usize, ip_max: usize) -> Option<Place> {
        let mut state = self.state.lock();
        let of_ip = state.by_ip.get(&ip).copied().unwrap_or(0);
        if state.open.len() >= total_max || of_ip >= ip_max {
            return None;
        }
        state.next_id += 1;
        let id = state.next_id;
        let control = Arc::new(Control::default());
        if let Some(order) = state.order {
            control.give(order);
        }
        state.open.insert(id, control.clone());
        state.by_ip.insert(ip, of_ip + 1);
        Some(Place {
            id,
            ip,
            control,
            connections: self.clone(),
        })
    }

    pub fn count(&self) -> usize {
        self.state.lock().open.len()
    }

    pub fn tell_all(&self, order: Order) {
        let mut state = self.state.lock();
        state.order = state.order.max(Some(order));
        for control in state.open.values() {
            control.give(order);
        }
    }

    /// Ends when there are none.
    pub async fn gone(&self) {
        loop {
            let none = self.none.notified();
            if self.count() == 0 {
                return;
            }
            none.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.connections.state.lock();
        state.open.remove(&self.id);
        if let Some(count) = state.by_ip.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                state.by_ip.remove(&self.ip);
            }
        }
        let none = state.open.is_empty();
        drop(state);
        if none {
            self.connections.none.notify_waiters();
        }
    }
}

/// A socket that listens until this is dropped, also where a child of this process has a copy of it.
struct Open(TcpListener);

impl Drop for Open {
    fn drop(&mut self) {
        // Where the system does not know this for a socket that listens, the child's copy lives on.
        _ = rustix::net::shutdown(&self.0, Shutdown::Both);
    }
}

/// Takes connections until the server stops.
pub(super) async fn accept(
    listener: TcpListener,
    listening: Arc<Listening>,
    context: Arc<Context>,
    connections: Arc<Connections>,
) {
    let listener = Open(listener);
    loop {
        let accepted = tokio::select! {
            accepted = listener.0.accept() => accepted,
            () = context.stopped() => return,
        };
        match accepted {
            Ok((stream, address)) => {
                let config = &context.config;
                let (total, per_ip) = (config.connections_max, config.connections_per_ip_max);
                match connections.enter(address.ip(), total, per_ip) {
                    Some(place) => start(stream, address, &listening, &context, place),
                    None => {
                        context.metrics.connection_refused();
                        tracing::debug!(peer = %address, "too many connections");
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, listener = %listening.name, "no connection could be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn start(
    stream: TcpStream,
    address: SocketAddr,
    listening: &Arc<Listening>,
    context: &Arc<Context>,
    place: Place,
) {
    // Without it small answers wait for the client's next acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let peer = Arc::new(Peer {
        listener: listening.clone(),
        address,
        host: format!("/{}", address.ip()).into(),
    });
    let connection = Connection::new(stream, context.clone(), peer, place.control.clone());
    context.metrics.connection_opened();
    tokio::spawn(async move {
        connection.run().await;
        drop(place);
    });
}
