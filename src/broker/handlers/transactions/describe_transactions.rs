//! DescribeTransactions, key 65, version 0 (KIP-664).
//!
//! Runs where waiting is allowed: the first to ask the coordinator has it load its state.

use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::txn::TransactionDescription;
use crate::error::Result;
use crate::protocol::messages::describe_transactions::{
    DescribeTransactionsRequest, DescribeTransactionsResponse, TopicData, TransactionState,
};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: DescribeTransactionsRequest<'_> = call.request()?;
    let transactions = call.engine().transactions();
    let ids = request.transactional_ids.iter();
    let states = ids.map(|id| described(id, transactions.describe(id)));
    call.ready(&DescribeTransactionsResponse {
        transaction_states: states.collect(),
        ..DescribeTransactionsResponse::default()
    })
}

fn described(id: &str, found: Result<TransactionDescription>) -> TransactionState<'_> {
    let named = TransactionState {
        transactional_id: id.into(),
        ..TransactionState::default()
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            return TransactionState {
                error_code: error.code().number(),
                ..named
            };
        }
    };
    let topics = found
        .partitions
        .iter()
        .map(|(topic, partitions)| TopicData {
            topic: topic.to_string().into(),
            partitions: partitions.iter().copied().collect(),
        });
    TransactionState {
        transaction_state: found.state.name().into(),
        transaction_timeout_ms: found.timeout_ms,
        transaction_start_time_ms: found.started_at.get(),
        producer_id: found.producer.id.get(),
        producer_epoch: found.producer.epoch.get(),
        topics: topics.collect(),
        ..named
    }
}
