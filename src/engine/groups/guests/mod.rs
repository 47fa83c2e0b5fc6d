//! Groups between the two protocols (KIP-848): while their clients are updated one by one, members of
//! the classic protocol are guests in a consumer group.
//!
//! A classic group becomes a consumer group when the first member of the newer protocol comes, and a
//! classic one again when the last of them goes, as `group.consumer.migration.policy` allows. A guest
//! keeps asking as before. Its generation is its member epoch; the coordinator shares out for it, so
//! it never leads; its subscription says what it holds, and a Heartbeat sends it to JoinGroup
//! whenever it should hold something else.
//!
//! Left out: a group whose last member of the newer protocol is *replaced* by a classic one under
//! the same instance id stays a consumer group of guests only.

mod downgrade;
mod join;
mod seats;
mod sync;
mod upgrade;

#[cfg(test)]
mod tests;
