//! Where the cluster is, and how long to try.

use std::fmt;
use std::time::Duration;

use crate::error::{Error, Result};

/// Where a broker listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

impl Address {
    /// `host:port`, or `[address]:port` for IPv6.
    ///
    /// Errors: Invalid, with what is missing.
    pub fn parse(text: &str) -> Result<Address> {
        let wrong =
            |why: &str| Error::invalid(format!("\"{text}\" is no address of a broker: {why}"));
        let text = text.trim();
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| wrong("write HOST:PORT, Kafka's usual port is 9092"))?;
        let port = port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| wrong("the port must be a number from 1 to 65535"))?;
        if host.is_empty() || host.contains(['/', ' ']) {
            return Err(wrong("write HOST:PORT, without a scheme"));
        }
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        if inner.is_none() && host.contains(':') {
            return Err(wrong("write an IPv6 address as [ADDRESS]:PORT"));
        }
        let host = inner.unwrap_or(host);
        Ok(Address {
            host: host.to_owned(),
            port,
        })
    }

    /// Addresses between commas.
    pub fn parse_list(text: &str) -> Result<Vec<Address>> {
        let parts = text.split(',').filter(|part| !part.trim().is_empty());
        let addresses: Vec<Address> = parts.map(Address::parse).collect::<Result<_>>()?;
        match addresses.is_empty() {
            true => Err(Error::invalid(
                "no broker was named: write HOST:PORT[,HOST:PORT…]",
            )),
            false => Ok(addresses),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// How a cluster is reached.
#[derive(Clone, Debug)]
pub struct Options {
    /// Brokers to ask first; the others are found through them.
    pub bootstrap: Vec<Address>,
    pub client_id: String,
    /// How long one connection attempt may take, and the broker's first answer on it.
    pub connect_timeout: Duration,
    /// How long one answer may take, beyond what the request itself asks the broker to wait.
    pub request_timeout: Duration,
    /// How long an operation is tried again as a whole.
    pub retry_timeout: Duration,
    /// The same while no broker was reached yet: a wrong address should show soon.
    pub unreachable_timeout: Duration,
}

impl Options {
    pub fn new(bootstrap: Vec<Address>) -> Options {
        Options {
            bootstrap,
            client_id: "levada".to_owned(),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            retry_timeout: Duration::from_secs(60),
            unreachable_timeout: Duration::from_secs(5),
        }
    }
}
