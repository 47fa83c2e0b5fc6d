//! The coordinator's effects: its records in `__consumer_offsets`, its clock, its members in this
//! process.

mod classic;
mod host;
mod keeper;
mod offsets;
mod pulse;
mod store;
mod ticket;
mod transactional;
mod view;
mod waiting;

pub use host::Groups;
pub use offsets::Written;
pub use pulse::Pulse;
pub use ticket::{COMMIT_TIMEOUT, CommitTicket};
pub use waiting::GroupReply;
