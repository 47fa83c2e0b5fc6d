//! The coordinator's effects: its records in `__consumer_offsets`, its clock, its members in this
//! process.

mod host;
mod keeper;
mod pulse;
mod store;
mod ticket;
mod transactional;
mod view;

pub use host::Groups;
pub use pulse::Pulse;
pub use ticket::CommitTicket;
