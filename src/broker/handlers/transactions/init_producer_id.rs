//! InitProducerId, key 22, versions 0 to 5 (KIP-98, KIP-360, KIP-588, KIP-890).
//!
//! Two-phase commit with an outside coordinator (KIP-939, version 6, which Kafka has not settled) is
//! refused with the codes that Kafka's broker has for it where it is turned off.

use super::Asked;
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::engine::txn::{InitRequest, ProducerIdentity, TxnApi, answered_code};
use crate::error::{Code, Error, Result};
use crate::protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use crate::types::{ProducerEpoch, ProducerId};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: InitProducerIdRequest<'_> = call.request()?;
    let version = call.version();
    let transactions = call.engine().transactions();
    let asked = match wanted(&request) {
        Err(error) => return call.ready(&answered(Err(error), version)),
        Ok(None) => Asked::new(|reply| transactions.new_producer_id(reply)),
        Ok(Some(init)) => Asked::new(|reply| transactions.init_producer_id(init, reply)),
    };
    call.reply()
        .later(async move { answered(asked.answer().await, version) })
}

/// `None` for a producer without a transactional id.
fn wanted(request: &InitProducerIdRequest<'_>) -> Result<Option<InitRequest>> {
    let (id, epoch) = (request.producer_id, request.producer_epoch);
    let current = InitRequest::current(ProducerId(id), ProducerEpoch(epoch))?;
    let Some(transactional_id) = request.transactional_id.as_deref() else {
        return Ok(None);
    };
    if request.enable2_pc {
        let message = "two-phase commit is not offered";
        let code = Code::TransactionalIdAuthorizationFailed;
        return Err(Error::coded(code, message));
    }
    if request.keep_prepared_txn {
        let message = "prepared transactions are not kept";
        return Err(Error::coded(Code::UnsupportedVersion, message));
    }
    Ok(Some(InitRequest {
        transactional_id: transactional_id.into(),
        timeout_ms: request.transaction_timeout_ms,
        current,
    }))
}

fn answered(outcome: Result<ProducerIdentity>, version: i16) -> InitProducerIdResponse {
    match outcome {
        Ok(producer) => InitProducerIdResponse {
            producer_id: producer.id.get(),
            producer_epoch: producer.epoch.get(),
            ..InitProducerIdResponse::default()
        },
        Err(error) => InitProducerIdResponse {
            error_code: answered_code(&error, TxnApi::InitProducerId, version).number(),
            producer_epoch: ProducerEpoch::NONE.get(),
            ..InitProducerIdResponse::default()
        },
    }
}
