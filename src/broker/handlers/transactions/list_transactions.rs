//! ListTransactions, key 66, versions 0 to 2 (KIP-664, KIP-994, KIP-1152).
//!
//! Runs where waiting is allowed: the first to ask the coordinator has it load its state.

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::txn::{TransactionFilter, TransactionListing, TxnState};
use crate::error::Result;
use crate::protocol::messages::list_transactions::{
    ListTransactionsRequest, ListTransactionsResponse, TransactionState,
};
use crate::types::ProducerId;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: ListTransactionsRequest<'_> = call.request()?;
    let mut response = ListTransactionsResponse::default();
    let filter = filter(&request, &mut response);
    // Of states that nobody knows there are no transactions; an empty filter would let all through.
    let none = filter.states.is_empty() && !request.state_filters.is_empty();
    let listed = match none {
        true => Ok(Vec::new()),
        false => call.engine().transactions().list(&filter),
    };
    match listed {
        Ok(listed) => response.transaction_states = listed.iter().map(state).collect(),
        Err(error) => response.error_code = error.code().number(),
    }
    call.ready(&response)
}

fn filter<'a>(
    request: &ListTransactionsRequest<'a>,
    response: &mut ListTransactionsResponse<'a>,
) -> TransactionFilter {
    let mut filter = TransactionFilter {
        producer_ids: request
            .producer_id_filters
            .iter()
            .map(|id| ProducerId(*id))
            .collect(),
        longer_than_ms: Some(request.duration_filter).filter(|ms| *ms >= 0),
        pattern: request.transactional_id_pattern.as_deref().map(Into::into),
        ..TransactionFilter::default()
    };
    for name in &request.state_filters {
        match TxnState::parse(name) {
            Some(state) => drop(filter.states.insert(state)),
            None => response.unknown_state_filters.push(name.clone()),
        }
    }
    filter
}

fn state(listing: &TransactionListing) -> TransactionState<'static> {
    TransactionState {
        transactional_id: listing.transactional_id.to_string().into(),
        producer_id: listing.producer_id.get(),
        transaction_state: listing.state.name().into(),
    }
}
