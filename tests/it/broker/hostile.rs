//! Bytes that no client sends: the broker holds, answers or closes, takes no memory for it, and the
//! others notice nothing.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use levada::protocol::ApiKey;
use levada::protocol::messages::metadata::{MetadataRequest, MetadataResponse};

use super::child::Process;
use super::wire::{Broker, Wire};

/// Whoever is served well sees this.
fn is_served(wire: &mut Wire) -> bool {
    let answer = wire.call(12, &MetadataRequest::default());
    let response: MetadataResponse<'_> = answer.read();
    response.brokers.len() == 1
}

/// A frame: its length and the head of a request, then `body`.
fn request(api: ApiKey, version: i16, body: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    head.extend(api.number().to_be_bytes());
    head.extend(version.to_be_bytes());
    head.extend(7i32.to_be_bytes());
    head.extend((-1i16).to_be_bytes());
    if api.is_flexible(version) {
        head.push(0);
    }
    head.extend(body);
    let mut frame = u32::try_from(head.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(head);
    frame
}

#[test]
fn what_is_no_request_closes_the_connection() {
    let broker = Broker::start();
    let mut other = broker.connect();
    let tls_hello = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
    let cases: &[(&str, &[u8])] = &[
        ("the largest length", &[0x7f, 0xff, 0xff, 0xff, 0, 0]),
        ("a negative length", &[0xff, 0xff, 0xff, 0xff]),
        ("the least length", &[0x80, 0, 0, 0]),
        ("a length of zero", &[0, 0, 0, 0]),
        ("a length of one", &[0, 0, 0, 1, 0]),
        ("one byte above the limit", &[0x06, 0x40, 0, 1]),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("TLS", &tls_hello),
        (
            "an unknown API",
            &[0, 0, 0, 10, 0x27, 0x0f, 0, 0, 0, 0, 0, 1, 255, 255],
        ),
        (
            "a negative API",
            &[0, 0, 0, 10, 0xff, 0xff, 0, 0, 0, 0, 0, 1, 255, 255],
        ),
        (
            "an unknown version",
            &[0, 0, 0, 10, 0, 3, 0, 99, 0, 0, 0, 1, 255, 255],
        ),
        (
            "a negative version",
            &[0, 0, 0, 10, 0, 3, 0x80, 0, 0, 0, 0, 1, 255, 255],
        ),
        (
            "a client id beyond the frame",
            &[0, 0, 0, 10, 0, 3, 0, 1, 0, 0, 0, 1, 0x7f, 255],
        ),
        (
            "a client id that is no text",
            &[0, 0, 0, 11, 0, 3, 0, 1, 0, 0, 0, 1, 0, 1, 0xff],
        ),
    ];
    for (what, bytes) in cases {
        let mut wire = broker.connect();
        wire.raw(bytes);
        assert!(wire.is_closed(), "{what}");
        assert!(is_served(&mut other), "{what}");
    }
}

#[test]
fn bodies_that_lie_about_their_lengths_close_the_connection() {
    let broker = Broker::start();
    let mut other = broker.connect();
    let endless = [0xff; 400];
    let cases: &[(&str, ApiKey, i16, &[u8])] = &[
        (
            "an array beyond the frame",
            ApiKey::Metadata,
            1,
            &[0x7f, 0xff, 0xff, 0xff],
        ),
        (
            "a negative array",
            ApiKey::Metadata,
            1,
            &[0xff, 0xff, 0xff, 0xfe],
        ),
        (
            "a string beyond the frame",
            ApiKey::Metadata,
            1,
            &[0, 0, 0, 1, 0x7f, 0xff, b'a'],
        ),
        (
            "a compact array beyond the frame",
            ApiKey::Metadata,
            12,
            &[0xff, 0xff, 0xff, 0xff, 0x0f],
        ),
        ("an endless varint", ApiKey::Metadata, 12, &endless),
        ("an endless varint in fetch", ApiKey::Fetch, 17, &endless),
        (
            "an endless varint in produce",
            ApiKey::Produce,
            12,
            &endless,
        ),
        (
            "a huge tagged field",
            ApiKey::Metadata,
            12,
            &[0, 0, 0, 1, 0, 0xff, 0xff, 0xff, 0x7f],
        ),
        (
            "a million tagged fields",
            ApiKey::Metadata,
            12,
            &[0, 0, 0, 0xc0, 0x84, 0x3d],
        ),
    ];
    for (what, api, version, body) in cases {
        let mut wire = broker.connect();
        wire.raw(&request(*api, *version, body));
        assert!(wire.is_closed(), "{what}");
        assert!(is_served(&mut other), "{what}");
    }
}

#[test]
fn announced_requests_take_no_memory_before_they_arrive() {
    let broker = Process::start(&[]);
    let mut other = broker.connect();
    assert!(is_served(&mut other));
    let before = broker.resident_mib();
    // 100 MiB each, of which a little comes.
    let mut half: Vec<Wire> = (0..300).map(|_| broker.connect()).collect();
    for wire in &mut half {
        wire.raw(&[0x06, 0x40, 0, 0]);
        wire.raw(&[0; 100]);
    }
    assert!(is_served(&mut other));
    let grown = broker.resident_mib().saturating_sub(before);
    assert!(grown < 64, "{grown} MiB for 30 GB announced");
}

#[test]
fn large_requests_that_stop_half_way_give_way_to_those_that_come() {
    let broker = Process::start(&["queued.max.request.bytes=16777216"]);
    // Together above the limit of 16 MiB.
    let mut half: Vec<Wire> = (0..4).map(|_| broker.connect()).collect();
    let part = vec![0; 5 << 20];
    for wire in &mut half {
        wire.raw(&[0x01, 0, 0, 0]);
        // The last one may be held up: nothing is read from it any more.
        wire.stream
            .set_write_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        let _ = wire.stream.write_all(&part);
    }
    // A large and honest one: an array of eight million empty names, which is not what anybody may ask.
    let mut body = vec![0, 0, 0, 0];
    body.resize(2 << 20, 0);
    let mut honest = broker.connect();
    honest.raw(&request(ApiKey::Metadata, 1, &body));
    assert!(honest.frame().is_some(), "it found room");
    assert!(is_served(&mut broker.connect()));
}

#[test]
fn thousands_of_idle_and_half_open_connections_disturb_nobody() {
    let broker = Process::start(&[]);
    let mut other = broker.connect();
    assert!(is_served(&mut other));
    let before = broker.resident_mib();
    let mut all = Vec::new();
    for n in 0..900 {
        let mut stream = TcpStream::connect(&broker.bootstrap).unwrap();
        match n % 3 {
            0 => {}
            1 => stream.write_all(&[0, 0]).unwrap(),
            _ => stream.shutdown(Shutdown::Write).unwrap(),
        }
        all.push(stream);
    }
    assert!(is_served(&mut other));
    assert!(is_served(&mut broker.connect()));
    let grown = broker.resident_mib().saturating_sub(before);
    assert!(grown < 32, "{grown} MiB for 900 connections");
}

#[test]
fn requests_whose_answers_nobody_reads_are_not_begun_for_ever() {
    let broker = Process::start(&[]);
    let mut other = broker.connect();
    assert!(is_served(&mut other));
    let before = broker.resident_mib();
    let mut deaf = broker.connect();
    deaf.stream
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let ask = request(ApiKey::ApiVersions, 0, &[]).repeat(1000);
    let mut sent = 0;
    // Until the broker reads no more.
    while deaf.stream.write_all(&ask).is_ok() && sent < 200 << 20 {
        sent += ask.len();
    }
    assert!(sent < 200 << 20, "the socket pushes back");
    assert!(is_served(&mut other));
    let grown = broker.resident_mib().saturating_sub(before);
    assert!(grown < 32, "{grown} MiB for answers that nobody reads");
    // Whoever reads after all gets them in order.
    let mut length = [0; 4];
    deaf.stream.read_exact(&mut length).unwrap();
    assert!(u32::from_be_bytes(length) > 20);
}

#[test]
fn random_bytes_do_no_harm() {
    let broker = Broker::start();
    let mut other = broker.connect();
    // Any generator will do; the seed makes the run the same each time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..400 {
        let mut wire = broker.connect();
        let api = ApiKey::ALL[next() as usize % ApiKey::ALL.len()];
        let versions = i64::from(api.version_max()) + 1;
        let version = (next() as i64).rem_euclid(versions) as i16;
        let size = next() as usize % 200;
        let body: Vec<u8> = (0..size).map(|_| next() as u8 & 0x83).collect();
        wire.raw(&request(api, version, &body));
        wire.stream.shutdown(Shutdown::Write).unwrap();
        // An answer or none; then the end.
        let mut rest = Vec::new();
        let _ = wire.stream.read_to_end(&mut rest);
        assert!(rest.len() < 1 << 20, "round {round}");
        assert!(
            is_served(&mut other),
            "round {round}: {api} {version} {body:?}"
        );
    }
}
