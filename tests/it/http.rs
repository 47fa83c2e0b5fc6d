//! One HTTP request over a socket, as written.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Status, head and body of `GET path`.
pub struct Got {
    pub status: u16,
    pub head: String,
    pub body: String,
}

pub fn get(address: &str, path: &str) -> Got {
    let mut stream = TcpStream::connect(address).expect("connect");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let request = format!("GET {path} HTTP/1.1\r\nHost: levada\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("send");
    let mut text = String::new();
    stream
        .read_to_string(&mut text)
        .expect("an answer in UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    Got {
        status: status.expect("a status"),
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

/// The samples of a scrape: name with labels, and value.
pub fn scrape(address: &str) -> BTreeMap<String, f64> {
    let got = get(address, "/metrics");
    assert_eq!(got.status, 200, "{}", got.body);
    let kind = "content-type: application/openmetrics-text; version=1.0.0";
    assert!(got.head.contains(kind), "{}", got.head);
    assert!(got.body.ends_with("# EOF\n"), "it ends: {}", got.body);
    let lines = got.body.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.map(|line| line.rsplit_once(' ').expect("name and value"));
    pairs
        .map(|(name, value)| (name.to_owned(), value.parse().expect("a number")))
        .collect()
}
