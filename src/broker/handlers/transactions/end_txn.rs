//! EndTxn, key 26, versions 0 to 5 (KIP-98, KIP-588, KIP-890).
//!
//! Answered when the decision is durable; the markers follow. From version 5 the answer says with which
//! producer id and epoch the client goes on, so that nothing late reaches its next transaction.

use super::Asked;
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::txn::{ClientVersion, EndRequest, ProducerIdentity, TxnApi, answered_code};
use crate::error::Result;
use crate::protocol::messages::end_txn::{EndTxnRequest, EndTxnResponse};
use crate::types::{ProducerEpoch, ProducerId};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: EndTxnRequest<'_> = call.request()?;
    let version = call.version();
    let end = EndRequest {
        transactional_id: (*request.transactional_id).into(),
        producer: ProducerIdentity {
            id: ProducerId(request.producer_id),
            epoch: ProducerEpoch(request.producer_epoch),
        },
        commit: request.committed,
        client: ClientVersion::of_end(version),
    };
    let transactions = call.engine().transactions();
    let asked = Asked::new(|reply| transactions.end(end, reply));
    call.reply().later(async move {
        match asked.answer().await {
            Ok(next) => EndTxnResponse {
                producer_id: next.id.get(),
                producer_epoch: next.epoch.get(),
                ..EndTxnResponse::default()
            },
            Err(error) => EndTxnResponse {
                error_code: answered_code(&error, TxnApi::EndTxn, version).number(),
                ..EndTxnResponse::default()
            },
        }
    })
}
