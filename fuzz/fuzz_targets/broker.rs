//! A whole broker on a database in memory, over a real socket: any bytes are answered, or end the
//! connection, never worse.
//!
//! Invariants:
//! - no thread of the server panics, whatever the bytes;
//! - after every input the broker ends the connection by itself once the client has closed its side;
//! - another client is answered all the while.
//!
//! Input: one byte for the kind. 0: bytes as they are. Else up to 8 requests: key, version and length
//! (one byte each; the length counts 16 bytes) before the body, the head being a sound one.

#![no_main]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use levada::broker::Server;
use levada::config::Overrides;
use levada::embedded::Database;
use levada::engine::NewTopic;
use levada::protocol::ApiKey;
use libfuzzer_sys::fuzz_target;

/// A broker gets old: what inputs made in it would fill the memory.
const INPUTS_PER_BROKER: usize = 3000;
const PATIENCE: Duration = Duration::from_secs(20);
/// An ApiVersions request of version 0, which has no body.
const PING: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255];

struct Broker {
    server: Server,
    other: TcpStream,
    inputs: usize,
}

static BROKER: Mutex<Option<Broker>> = Mutex::new(None);

impl Broker {
    fn start() -> Broker {
        let database = Database::open(":memory:").expect("open in memory");
        for name in ["t", "u"] {
            let made = database.engine().create_topic(&NewTopic::new(name, 2));
            made.expect("a topic");
        }
        let settings = [
            ("listeners", "127.0.0.1:0"),
            ("auto.create.topics.enable", "false"),
            ("num.network.threads", "1"),
        ];
        let settings: Overrides = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let server = Server::start(&database, &settings).expect("a server");
        let other = connect(&server);
        Broker {
            server,
            other,
            inputs: 0,
        }
    }
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.bootstrap()).expect("connect");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream.set_write_timeout(Some(PATIENCE)).expect("a limit");
    stream
}

fuzz_target!(|input: &[u8]| {
    let mut place = BROKER.lock().expect("one at a time");
    let old = place.as_ref().is_some_and(|b| b.inputs >= INPUTS_PER_BROKER);
    if old {
        *place = None;
    }
    let broker = place.get_or_insert_with(Broker::start);
    broker.inputs += 1;
    let mut stream = connect(&broker.server);
    // The broker may have closed before it read all.
    let _ = stream.write_all(&bytes(input));
    let _ = stream.shutdown(Shutdown::Write);
    let mut answers = Vec::new();
    if let Err(e) = stream.read_to_end(&mut answers) {
        assert!(e.kind() == std::io::ErrorKind::ConnectionReset, "the connection hangs: {e}");
    }
    if broker.inputs % 16 == 0 {
        broker.other.write_all(&PING).expect("the other client");
        let mut length = [0; 4];
        broker.other.read_exact(&mut length).expect("an answer");
        let mut rest = vec![0; u32::from_be_bytes(length) as usize];
        broker.other.read_exact(&mut rest).expect("a whole answer");
    }
});

fn bytes(mut input: &[u8]) -> Vec<u8> {
    let input = &mut input;
    if levada_fuzz::byte(input) == 0 {
        return input.to_vec();
    }
    let mut bytes = Vec::new();
    for _ in 0..8 {
        if input.is_empty() {
            break;
        }
        let api = ApiKey::ALL[usize::from(levada_fuzz::byte(input)) % ApiKey::ALL.len()];
        let versions = api.version_max() - api.version_min() + 1;
        let version = api.version_min() + i16::from(levada_fuzz::byte(input)) % versions;
        let size = usize::from(levada_fuzz::byte(input)) * 16;
        let (body, rest) = input.split_at(size.min(input.len()));
        *input = rest;
        let mut request = Vec::new();
        request.extend(api.number().to_be_bytes());
        request.extend(version.to_be_bytes());
        request.extend([0, 0, 0, 1, 0, 1, b'f']);
        if api.is_flexible(version) {
            request.push(0);
        }
        request.extend(body);
        bytes.extend((request.len() as u32).to_be_bytes());
        bytes.extend(request);
    }
    bytes
}
