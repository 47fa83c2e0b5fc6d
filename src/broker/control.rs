//! How a connection is told to go, from outside of its task.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

/// What a connection should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    Serve,
    /// Answer what was begun, take nothing new, then close.
    Finish,
    /// Close at once.
    Close,
    /// As a broker that is killed: what was to be written is not, the client sees a reset.
    Reset,
}

#[derive(Debug, Default)]
pub(super) struct Control {
    order: AtomicU8,
    changed: Notify,
}

impl Control {
    /// A later order never weakens an earlier one.
    pub fn give(&self, order: Order) {
        self.order.fetch_max(order as u8, Ordering::SeqCst);
        self.changed.notify_one();
    }

    pub fn order(&self) -> Order {
        match self.order.load(Ordering::SeqCst) {
            0 => Order::Serve,
            1 => Order::Finish,
            2 => Order::Close,
            _ => Order::Reset,
        }
    }

    /// Ends after an order was given. Only the connection's own task waits here.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}
