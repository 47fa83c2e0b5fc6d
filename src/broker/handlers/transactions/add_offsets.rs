//! AddOffsetsToTxn, key 25, versions 0 to 4 (KIP-98, KIP-588, KIP-890).

use super::Asked;
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::txn::{AddRequest, ClientVersion, ProducerIdentity, TxnApi, answered_code};
use crate::error::Result;
use crate::protocol::messages::add_offsets_to_txn::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse,
};
use crate::types::{ProducerEpoch, ProducerId};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: AddOffsetsToTxnRequest<'_> = call.request()?;
    let version = call.version();
    let add = AddRequest {
        transactional_id: (*request.transactional_id).into(),
        producer: ProducerIdentity {
            id: ProducerId(request.producer_id),
            epoch: ProducerEpoch(request.producer_epoch),
        },
        partitions: Vec::new(),
        // Clients of the second version do not send this request.
        client: ClientVersion::V1,
    };
    let group = (*request.group_id).into();
    let transactions = call.engine().transactions();
    let asked = Asked::new(|reply| transactions.add_offsets(add, group, reply));
    call.reply().later(async move {
        let code = match asked.answer().await {
            Ok(()) => 0,
            Err(error) => answered_code(&error, TxnApi::AddOffsetsToTxn, version).number(),
        };
        AddOffsetsToTxnResponse {
            error_code: code,
            ..AddOffsetsToTxnResponse::default()
        }
    })
}
