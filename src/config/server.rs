//! The settings of the server, typed and checked.

use super::keys::Scope;
use super::resolve::{Overrides, Settings};
use crate::error::{Code, Error, Result};

/// `NAME://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// What tells listeners apart, in capitals.
    pub name: String,
    /// Empty for every address.
    pub host: String,
    pub port: u16,
}

impl ListenAddress {
    /// Reads `NAME://host:port`, or `host:port` for the name PLAINTEXT. An IPv6 address stands in
    /// brackets.
    ///
    /// Errors: Invalid, code InvalidConfig.
    pub fn parse(text: &str) -> Result<ListenAddress> {
        let (name, place) = text.split_once("://").unwrap_or(("PLAINTEXT", text));
        let wrong = |why: &str| {
            let message = format!("listener {text:?} {why}: write NAME://host:port");
            Error::coded(Code::InvalidConfig, message)
        };
        let (host, port) = place.rsplit_once(':').ok_or_else(|| wrong("has no port"))?;
        let port = port
            .parse()
            .map_err(|_| wrong("has a port that is no number up to 65535"))?;
        let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        if bracketed.is_none() && host.contains([':', '[', ']', '/']) {
            return Err(wrong("has a host that cannot be"));
        }
        let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if name.is_empty() || !letters {
            return Err(wrong("has a name with other signs than letters and digits"));
        }
        Ok(ListenAddress {
            name: name.to_ascii_uppercase(),
            host: bracketed.unwrap_or(host).to_owned(),
            port,
        })
    }

    /// Whether clients cannot be told this host: it stands for every address.
    pub fn is_wildcard(&self) -> bool {
        matches!(self.host.as_str(), "" | "0.0.0.0" | "::")
    }
}

/// The typed settings of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    pub listeners: Vec<ListenAddress>,
    /// At most one for each listener, by name.
    pub advertised: Vec<ListenAddress>,
    pub admin_listener: Option<ListenAddress>,
    pub request_bytes_max: usize,
    /// Memory for large requests that are still arriving, in all.
    pub queued_request_bytes_max: u64,
    /// `None`: no limit.
    pub idle_max_ms: Option<u64>,
    pub connections_max: usize,
    pub connections_per_ip_max: usize,
    /// Produce requests of one connection that wait for the disk.
    pub inflight_max: usize,
    pub fetch_sessions_max: usize,
    /// `None`: one for each core.
    pub threads: Option<usize>,
}

impl ServerConfig {
    /// Errors: Invalid, code InvalidConfig.
    pub fn from_overrides(own: &Overrides) -> Result<ServerConfig> {
        let none = Overrides::new();
        let set = Settings::checked(Scope::Broker, own, &none)?;
        let addresses = |name: &str| -> Result<Vec<ListenAddress>> {
            let texts = set.list(name)?;
            let texts = texts.iter().filter(|text| !text.is_empty());
            texts.map(|text| ListenAddress::parse(text)).collect()
        };
        let admin = set.optional_text("levada.admin.listener")?;
        let size = |name: &str| set.count(name).map(|n| n as usize);
        let config = ServerConfig {
            listeners: addresses("listeners")?,
            advertised: addresses("advertised.listeners")?,
            admin_listener: admin.as_deref().map(ListenAddress::parse).transpose()?,
            request_bytes_max: size("socket.request.max.bytes")?,
            queued_request_bytes_max: set.long("queued.max.request.bytes")?.unsigned_abs(),
            idle_max_ms: set.limit("connections.max.idle.ms")?.map(i64::unsigned_abs),
            connections_max: size("max.connections")?,
            connections_per_ip_max: size("max.connections.per.ip")?,
            inflight_max: size("levada.connection.inflight.max")?,
            fetch_sessions_max: size("max.incremental.fetch.session.cache.slots")?,
            threads: match set.is_set("num.network.threads") {
                true => Some(size("num.network.threads")?),
                false => None,
            },
        };
        config.check_together()?;
        Ok(config)
    }

    fn check_together(&self) -> Result<()> {
        let wrong = |why: String| Err(Error::coded(Code::InvalidConfig, why));
        if self.listeners.is_empty() {
            return wrong("listeners is empty: name at least one address".to_owned());
        }
        for (at, listener) in self.listeners.iter().enumerate() {
            if self
                .listeners
                .iter()
                .skip(at + 1)
                .any(|l| l.name == listener.name)
            {
                let name = &listener.name;
                return wrong(format!(
                    "listeners names {name} twice: give each its own name"
                ));
            }
        }
        for advertised in &self.advertised {
            if !self.listeners.iter().any(|l| l.name == advertised.name) {
                let name = &advertised.name;
                return wrong(format!(
                    "advertised.listeners has {name}, which listeners does not: name one of those"
                ));
            }
            if advertised.is_wildcard() {
                return wrong(format!(
                    "advertised.listeners names every address for {}: clients need one",
                    advertised.name
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(own: &[(&str, &str)]) -> Result<ServerConfig> {
        let owned = own.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        ServerConfig::from_overrides(&owned.collect())
    }

    #[test]
    fn the_default_listens_on_kafkas_port_of_this_machine_only() {
        let config = server(&[]).unwrap();
        let address = &config.listeners[0];
        assert_eq!((address.host.as_str(), address.port), ("127.0.0.1", 9092));
        assert_eq!(address.name, "PLAINTEXT");
    }

    #[test]
    fn listeners_are_read_as_kafka_writes_them() {
        let config = server(&[
            ("listeners", "internal://[::1]:0,OUT://0.0.0.0:9093"),
            ("advertised.listeners", "OUT://broker.example:19093"),
        ])
        .unwrap();
        assert_eq!(config.listeners[0].name, "INTERNAL");
        assert_eq!(config.listeners[0].host, "::1");
        assert!(config.listeners[1].is_wildcard());
        assert_eq!(config.advertised[0].port, 19093);
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let bad = [
            ("listeners", "", "at least one"),
            ("listeners", "localhost", "no port"),
            ("listeners", "localhost:99999", "no number"),
            ("listeners", "A B://localhost:1", "letters and digits"),
            ("listeners", "A://x:1,a://y:2", "twice"),
            ("advertised.listeners", "OTHER://x:1", "does not"),
            (
                "advertised.listeners",
                "PLAINTEXT://0.0.0.0:1",
                "every address",
            ),
        ];
        for (name, text, part) in bad {
            let error = server(&[(name, text)]).expect_err(text);
            assert_eq!(error.code(), Code::InvalidConfig, "{text}");
            assert!(error.message().contains(part), "{error}");
        }
    }
}
