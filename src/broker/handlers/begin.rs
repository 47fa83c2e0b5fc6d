//! From the bytes of a request to its handler.

use std::sync::Arc;

use super::cluster::api_versions;
use super::table::{Row, Run, row};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::context::Context;
use crate::broker::listener::Peer;
use crate::broker::refuse::refuse;
use crate::error::{Code, Error, Result};
use crate::protocol::{ApiKey, Reader, RequestHeader};

/// A request whose handler was called.
pub(in crate::broker) struct Begun {
    pub api: ApiKey,
    pub answer: Answer,
}

/// The key of a request, before it is read.
pub(in crate::broker) fn peek(frame: &[u8]) -> Option<ApiKey> {
    let key = frame.first_chunk::<2>()?;
    ApiKey::from_number(i16::from_be_bytes(*key))
}

/// Calls the handler of a request.
///
/// Errors: what Kafka too answers by closing the connection (an unknown key or version, a body that
/// cannot be read).
pub(in crate::broker) fn begin(
    context: &Arc<Context>,
    peer: &Arc<Peer>,
    frame: &[u8],
) -> Result<Begun> {
    let mut body = Reader::new(frame);
    let header = RequestHeader::read(&mut body)?;
    let (api, version) = (header.api, header.version);
    let unsupported = |what: &str| {
        let message = format!("{api} version {version}: {what}");
        Error::coded(Code::UnsupportedVersion, message)
    };
    let row = row(api).ok_or_else(|| unsupported("this API is not served"))?;
    if !api.serves(version) {
        if api == ApiKey::ApiVersions {
            let answer = api_versions::unknown_version(header.correlation_id)?;
            return Ok(Begun { api, answer });
        }
        return Err(unsupported("this version is not served"));
    }
    let call = Call {
        context,
        peer,
        header,
        body,
        may_block: false,
    };
    let fault = context.faults.meet(api);
    let answer = match (fault.code, row.run) {
        (Some(code), _) => refuse(&call, code)?,
        (None, Run::Inline) => (row.serve)(&call)?,
        (None, Run::Blocking) => Answer::Blocking,
    };
    let answer = match answer {
        Answer::Blocking => elsewhere(row, context.clone(), peer.clone(), frame.to_vec()),
        answer => answer,
    };
    let answer = fault.late(context, api, answer);
    Ok(Begun { api, answer })
}

/// Calls the handler on a thread that may wait for the disk. Nothing behind the request is begun before
/// it has taken effect.
fn elsewhere(row: &'static Row, context: Arc<Context>, peer: Arc<Peer>, frame: Vec<u8>) -> Answer {
    Answer::First(Box::pin(async move {
        let called = tokio::task::spawn_blocking(move || {
            let mut body = Reader::new(&frame);
            let header = RequestHeader::read(&mut body)?;
            (row.serve)(&Call {
                context: &context,
                peer: &peer,
                header,
                body,
                may_block: true,
            })
        });
        let answer = called.await.map_err(|e| {
            Error::internal(format!("the handler of {} failed", row.api)).with_source(e)
        })?;
        match answer? {
            Answer::First(first) => first.await,
            Answer::Blocking => Err(Error::internal(format!(
                "the handler of {} asks for what it has",
                row.api
            ))),
            answer => Ok(answer),
        }
    }))
}
