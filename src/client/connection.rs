//! One connection to one broker: frames with a bound, answers matched to requests, versions agreed.

use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::errors;
use super::options::{Address, Options};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::protocol::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use crate::protocol::{
    ApiKey, Message, MessageWriter, Reader, RequestHeader, read_response_header, write_request,
};

/// No answer is larger: above what any fetch here asks for, with room for a batch that is larger.
const FRAME_BYTES_MAX: usize = 256 << 20;
/// Memory is given to a frame as its bytes arrive, this much ahead.
const FRAME_STEP_BYTES: usize = 1 << 20;

/// A connection on which the broker's versions are known.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    /// For errors.
    peer: Address,
    client_id: String,
    clock: Arc<dyn Clock>,
    /// The highest version of each API that both sides know, by key.
    versions: Vec<(ApiKey, i16)>,
    correlation_id: i32,
    writer: MessageWriter,
}

/// A request that was sent, to be waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    api: ApiKey,
    version: i16,
    correlation_id: i32,
}

/// The frame of an answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub frame: Bytes,
    pub api: ApiKey,
    pub version: i16,
    peer: Address,
}

impl Answer {
    /// The answer's body.
    ///
    /// Errors: Corrupt when the bytes are no such answer.
    pub(super) fn read<'a, M: Message<'a>>(&'a self) -> Result<M> {
        let mut r = Reader::new(&self.frame);
        let body = read_response_header(&mut r, self.api, self.version)
            .and_then(|_| M::decode(&mut r, self.version));
        body.map_err(|e| {
            e.at(format_args!(
                "answer of broker {} to {}",
                self.peer, self.api
            ))
        })
    }

    /// Who answered.
    pub(super) fn peer(&self) -> &Address {
        &self.peer
    }
}

impl Connection {
    /// Connects and asks for the broker's versions.
    ///
    /// Errors: Unavailable when nobody answers there.
    pub(super) fn open(
        address: &Address,
        options: &Options,
        clock: &Arc<dyn Clock>,
    ) -> Result<Connection> {
        let stream = connect(address, options.connect_timeout)?;
        let mut connection = Connection {
            stream,
            peer: address.clone(),
            client_id: options.client_id.clone(),
            clock: clock.clone(),
            versions: Vec::new(),
            correlation_id: 0,
            writer: MessageWriter::new(),
        };
        let agreed = connection.agree(options.connect_timeout);
        // Nothing that changes anything was sent yet.
        agreed.map_err(|e| match errors::is_of_connection(&e) {
            true => e.with_code(Code::BrokerNotAvailable),
            false => e,
        })?;
        Ok(connection)
    }

    /// The highest version of `api` that both sides know.
    ///
    /// Errors: UnsupportedVersion.
    pub(super) fn version(&self, api: ApiKey) -> Result<i16> {
        let found = self.versions.iter().find(|(key, _)| *key == api);
        found.map(|(_, version)| *version).ok_or_else(|| {
            let peer = &self.peer;
            Error::coded(
                Code::UnsupportedVersion,
                format!("broker {peer} does not know {api} in a version that this client knows"),
            )
        })
    }

    pub(super) fn knows(&self, api: ApiKey) -> bool {
        self.versions.iter().any(|(key, _)| *key == api)
    }

    /// Sends a request and waits for its answer.
    pub(super) fn call<'q, Q: Message<'q>>(
        &mut self,
        version: i16,
        request: &Q,
        wait: Duration,
    ) -> Result<Answer> {
        let ticket = self.send(version, request, wait)?;
        self.receive(ticket, wait)
    }

    /// Sends a request; its answer is taken later, in order.
    pub(super) fn send<'q, Q: Message<'q>>(
        &mut self,
        version: i16,
        request: &Q,
        wait: Duration,
    ) -> Result<Ticket> {
        let api = Q::KEY.ok_or_else(|| Error::internal("this message is no request"))?;
        self.correlation_id = self.correlation_id.wrapping_add(1) & i32::MAX;
        let header = RequestHeader {
            api,
            version,
            correlation_id: self.correlation_id,
            client_id: Some(&self.client_id),
        };
        self.writer.clear();
        write_request(&mut self.writer, &header, request)?;
        let written = self
            .stream
            .set_write_timeout(Some(wait))
            .and_then(|()| write_all(&mut self.stream, &self.writer));
        written.map_err(|e| self.broken(api, &e))?;
        Ok(Ticket {
            api,
            version,
            correlation_id: header.correlation_id,
        })
    }

    /// Waits for the answer to the oldest request that was sent.
    pub(super) fn receive(&mut self, ticket: Ticket, wait: Duration) -> Result<Answer> {
        let until = self.clock.monotonic() + wait;
        let mut head = [0; 4];
        self.fill(&mut head, until, ticket.api)?;
        let size = usize::try_from(i32::from_be_bytes(head)).unwrap_or(usize::MAX);
        if !(4..=FRAME_BYTES_MAX).contains(&size) {
            let what = format!(
                "the size of its answer cannot be {}",
                i32::from_be_bytes(head)
            );
            return Err(errors::lost(&self.peer, ticket.api, what));
        }
        let mut frame = Vec::new();
        while frame.len() < size {
            let at = frame.len();
            frame.resize(size.min(at + FRAME_STEP_BYTES.max(at)), 0);
            if let Some(part) = frame.get_mut(at..) {
                self.fill(part, until, ticket.api)?;
            }
        }
        let id = frame.first_chunk().map_or(-1, |id| i32::from_be_bytes(*id));
        if id != ticket.correlation_id {
            let what = format!("it answered request {id}, not {}", ticket.correlation_id);
            return Err(errors::lost(&self.peer, ticket.api, what));
        }
        Ok(Answer {
            frame: Bytes::from(frame),
            api: ticket.api,
            version: ticket.version,
            peer: self.peer.clone(),
        })
    }

    /// Reads until `into` is full.
    fn fill(&mut self, mut into: &mut [u8], until: Duration, api: ApiKey) -> Result<()> {
        while !into.is_empty() {
            let left = until.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                return Err(self.broken(api, &io::ErrorKind::TimedOut.into()));
            }
            let read = self
                .stream
                .set_read_timeout(Some(left))
                .and_then(|()| self.stream.read(into));
            match read {
                Ok(0) => return Err(self.broken(api, &io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => into = into.get_mut(read..).unwrap_or_default(),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.broken(api, &e)),
            }
        }
        Ok(())
    }

    /// What `error` of the socket means; the connection is not to be used after it.
    fn broken(&self, api: ApiKey, error: &io::Error) -> Error {
        let peer = &self.peer;
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Error::coded(
                Code::RequestTimedOut,
                format!("broker {peer} did not answer {api} in time: is it overloaded?"),
            ),
            io::ErrorKind::UnexpectedEof => errors::lost(
                peer,
                api,
                "the broker closed it; does it speak Kafka's protocol, without TLS?",
            ),
            _ => errors::lost(peer, api, error),
        }
    }

    /// ApiVersions. A broker that does not know our version answers with its own in version 0.
    fn agree(&mut self, wait: Duration) -> Result<()> {
        let request = ApiVersionsRequest {
            client_software_name: "levada".into(),
            client_software_version: env!("CARGO_PKG_VERSION").into(),
            ..ApiVersionsRequest::default()
        };
        let mut answer = self.call(3, &request, wait)?;
        if answer.frame.get(4..6) == Some(&Code::UnsupportedVersion.number().to_be_bytes()) {
            answer = self.call(0, &ApiVersionsRequest::default(), wait)?;
        }
        let response: ApiVersionsResponse<'_> = answer.read()?;
        errors::check(
            response.error_code,
            None,
            format_args!("broker {}", self.peer),
        )?;
        let both = response.api_keys.iter().filter_map(|range| {
            let api = ApiKey::from_number(range.api_key)?;
            let version = range.max_version.min(api.version_max());
            let least = range.min_version.max(api.version_min());
            (version >= least).then_some((api, version))
        });
        self.versions = both.collect();
        Ok(())
    }
}

/// Each address of the host, until one takes the connection.
fn connect(address: &Address, timeout: Duration) -> Result<TcpStream> {
    let found = (address.host.as_str(), address.port).to_socket_addrs();
    let found = found.map_err(|e| errors::unreachable(address, &e))?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for socket in found {
        match TcpStream::connect_timeout(&socket, timeout) {
            Ok(stream) => {
                stream
                    .set_nodelay(true)
                    .map_err(|e| errors::unreachable(address, &e))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(errors::unreachable(address, &last))
}

fn write_all(stream: &mut TcpStream, writer: &MessageWriter) -> io::Result<()> {
    let mut parts: Vec<IoSlice<'_>> = writer.parts().map(IoSlice::new).collect();
    let mut parts = &mut parts[..];
    while !parts.is_empty() {
        match stream.write_vectored(parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut parts, written),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
