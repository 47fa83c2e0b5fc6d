//! Telling the program which partitions come and go.

use std::ffi::{CStr, c_void};
use std::sync::Arc;

use levada::embedded::{OnRebalance, Rebalance};
use levada::types::TopicPartition;
use levada::{Error, Result};

use crate::arg::Made;
use crate::consumer::levada_consumer;
use crate::enter::call;
use crate::error::levada_error;
use crate::handle::{Handle, Lent};
use crate::log::UserData;
use crate::positions::{LEVADA_OFFSET_NONE, levada_positions};
use crate::status::{kind_of, levada_status, levada_status_name};

/// What happened to the partitions that a rebalance callback is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum levada_rebalance {
    /// They are this member's from now on; their positions may still be sought.
    LEVADA_ASSIGNED = 1,
    /// They are about to go to others: the last moment to commit for them. With `enable.auto.commit` that was
    /// done already.
    LEVADA_REVOKED = 2,
    /// The group put this member out: others may have them already.
    LEVADA_LOST = 3,
}

/// Called on the thread that polls, subscribes or closes, within that call. It may use the consumer: seek,
/// commit, pause; not poll it, not subscribe to something else, not free it. `partitions` ends with the call.
/// Gives LEVADA_OK, or a status that the call it was made from then gives; the change is not undone.
pub type levada_rebalance_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        what: levada_rebalance,
        partitions: *const levada_positions,
    ) -> i32,
>;

type Call = unsafe extern "C" fn(*mut c_void, levada_rebalance, *const levada_positions) -> i32;

fn tell(
    callback: Call,
    user_data: UserData,
    what: Rebalance,
    partitions: &[TopicPartition],
) -> Result<()> {
    let what = match what {
        Rebalance::Assigned => levada_rebalance::LEVADA_ASSIGNED,
        Rebalance::Revoked => levada_rebalance::LEVADA_REVOKED,
        Rebalance::Lost => levada_rebalance::LEVADA_LOST,
    };
    let rows = partitions
        .iter()
        .map(|name| (name.clone(), LEVADA_OFFSET_NONE));
    let list = Lent::new(levada_positions::new(rows));
    // SAFETY: the program gave the function for this and keeps it until the consumer is closed or it sets
    // another; the list outlives the call.
    let status = unsafe { callback(user_data.0, what, list.pointer()) };
    match (status, kind_of(status)) {
        (0, _) => Ok(()),
        (_, Some(kind)) => {
            // SAFETY: a text that lives for ever.
            let name = unsafe { CStr::from_ptr(levada_status_name(status)) };
            let message = format!("the rebalance callback gave {}", name.to_string_lossy());
            Err(Error::new(kind, message))
        }
        (_, None) => Err(Error::invalid(format!(
            "the rebalance callback gave {status}, which is no levada_status"
        ))),
    }
}

/// Has `callback` told, with `user_data`, which partitions come and go; NULL ends that. Replaces the one
/// before.
///
/// LEVADA_INVALID: a consumer without a group. LEVADA_CONFLICT: another thread is in a call. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_consumer_on_rebalance(
    consumer: Handle<levada_consumer>,
    callback: levada_rebalance_callback,
    user_data: *mut c_void,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let consumer = consumer.get()?;
        let user_data = UserData(user_data);
        let listener = callback.map(|callback| -> OnRebalance {
            Arc::new(move |what, partitions| tell(callback, user_data, what, partitions))
        });
        consumer.inner().on_rebalance(listener)
    })
}
