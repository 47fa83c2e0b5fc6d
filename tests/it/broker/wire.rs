//! A client that sends exactly what a test says.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use levada::broker::Server;
use levada::config::Overrides;
use levada::embedded::Database;
use levada::protocol::{
    ApiKey, Message, MessageWriter, Reader, RequestHeader, read_response_header, write_request,
};

/// No answer of a healthy broker takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A broker on a database in memory, on a free port.
pub struct Broker {
    pub database: Database,
    pub server: Server,
}

impl Broker {
    pub fn start() -> Broker {
        Self::with(&[])
    }

    pub fn with(settings: &[(&str, &str)]) -> Broker {
        let database = Database::open(":memory:").expect("open in memory");
        Self::on(database, settings)
    }

    pub fn on(database: Database, settings: &[(&str, &str)]) -> Broker {
        let mut all: Overrides = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        all.entry("listeners".to_owned())
            .or_insert_with(|| "127.0.0.1:0".to_owned());
        let server = Server::start(&database, &all).expect("start the server");
        Broker { database, server }
    }

    pub fn connect(&self) -> Wire {
        Wire::to(&self.server.bootstrap())
    }
}

/// One connection.
pub struct Wire {
    pub stream: TcpStream,
    correlation_id: i32,
}

/// An answer's bytes; the message borrows from them.
pub struct Answer {
    bytes: Vec<u8>,
    api: ApiKey,
    version: i16,
    correlation_id: i32,
}

impl Wire {
    pub fn to(address: &str) -> Wire {
        let stream = TcpStream::connect(address).expect("connect");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a time limit");
        stream.set_nodelay(true).expect("no delay");
        Wire {
            stream,
            correlation_id: 0,
        }
    }

    /// Sends a request and waits for its answer.
    pub fn call<'a, M: Message<'a>>(&mut self, version: i16, request: &M) -> Answer {
        let correlation_id = self.send(version, request);
        let api = M::KEY.expect("a request");
        self.receive(api, version, correlation_id)
    }

    /// Sends a request; gives its correlation id.
    pub fn send<'a, M: Message<'a>>(&mut self, version: i16, request: &M) -> i32 {
        self.correlation_id += 1;
        let header = RequestHeader {
            api: M::KEY.expect("a request"),
            version,
            correlation_id: self.correlation_id,
            client_id: Some("wire"),
        };
        let mut w = MessageWriter::new();
        write_request(&mut w, &header, request).expect("a request that can be written");
        self.raw(&w.into_chunks().concat());
        self.correlation_id
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("send");
    }

    /// The next answer, to a request of `api`.
    pub fn receive(&mut self, api: ApiKey, version: i16, correlation_id: i32) -> Answer {
        let bytes = self.frame().expect("an answer");
        Answer {
            bytes,
            api,
            version,
            correlation_id,
        }
    }

    /// The next frame; `None` when the broker closed the connection.
    pub fn frame(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).ok()?;
        let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Whether the broker closes the connection without another byte.
    pub fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(0) => true,
            Ok(_) => false,
            Err(e) => e.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

impl Answer {
    pub fn read<'a, M: Message<'a>>(&'a self) -> M {
        let mut r = Reader::new(&self.bytes);
        let id = read_response_header(&mut r, self.api, self.version).expect("a header");
        assert_eq!(id, self.correlation_id, "answers come in order");
        let message = M::decode(&mut r, self.version).expect("an answer that can be read");
        r.end().expect("nothing behind the answer");
        message
    }
}
