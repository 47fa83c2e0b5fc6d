//! Kafka's `server.properties`: what of it counts here, what has no meaning, what is refused.

use super::file::FileSettings;
use super::properties;
use crate::config::{ListenAddress, Scope, check, find};
use crate::error::{Code, Error, Result};

/// Settings of Kafka that say how its processes share the work, or what their threads and buffers are.
/// One process does all of it here: they change nothing. A trailing `.` stands for all that begin so.
const WITHOUT_MEANING: &[&str] = &[
    "auto.leader.rebalance.enable",
    "background.threads",
    "broker.heartbeat.interval.ms",
    "broker.id",
    "broker.id.generation.enable",
    "broker.rack",
    "broker.session.timeout.ms",
    "controlled.shutdown.",
    "controller.",
    "initial.broker.registration.timeout.ms",
    "inter.broker.listener.name",
    "inter.broker.protocol.version",
    "leader.imbalance.",
    "metadata.log.dir",
    "metric.reporters",
    "metrics.",
    "min.insync.replicas",
    "node.id",
    "num.io.threads",
    "num.replica.",
    "process.roles",
    "queued.max.requests",
    "remote.log.",
    "replica.",
    "request.timeout.ms",
    "share.coordinator.",
    "socket.listen.backlog.size",
    "socket.receive.buffer.bytes",
    "socket.send.buffer.bytes",
    "unclean.leader.election.enable",
    "zookeeper.",
];

/// Settings that would make a broker safer than this one is: to drop them silently would be wrong.
const SECURITY: &[&str] = &[
    "allow.everyone.if.no.acl.found",
    "authorizer.",
    "delegation.token.",
    "listener.name.",
    "password.encoder.",
    "principal.builder.class",
    "sasl.",
    "security.",
    "ssl.",
    "super.users",
];

/// Reads the text of a `.properties` file.
///
/// Errors: Invalid, code InvalidConfig, with the nearest name there is for one that is unknown.
pub(super) fn read(text: &str) -> Result<FileSettings> {
    let mut read = FileSettings::default();
    let (mut controllers, mut protocols) = (String::new(), String::new());
    for (name, value) in properties::parse(text) {
        match name.as_str() {
            "log.dirs" | "log.dir" => read.dir = Some(one_directory(&value)?.into()),
            "controller.listener.names" => controllers = value,
            "listener.security.protocol.map" => protocols = value,
            "security.inter.broker.protocol" if is_plain(&value) => {}
            _ if find(Scope::Broker, &name).is_some() => {
                check(Scope::Broker, &name, &value)?;
                read.broker.insert(name, value);
            }
            _ if is_in(WITHOUT_MEANING, &name) => read.ignored.push(name),
            _ if is_in(SECURITY, &name) => return Err(insecure(&name)),
            _ => {
                check(Scope::Broker, &name, &value)?;
            }
        }
    }
    for setting in ["listeners", "advertised.listeners"] {
        if let Some(listeners) = read.broker.remove(setting) {
            let kept = of_clients(&listeners, &controllers, &protocols)?;
            read.broker.insert(setting.to_owned(), kept);
        }
    }
    Ok(read)
}

fn is_in(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| match known.strip_suffix('.') {
        Some(_) => name.starts_with(known),
        None => name == *known,
    })
}

fn is_plain(protocol: &str) -> bool {
    protocol.trim().eq_ignore_ascii_case("PLAINTEXT")
}

fn one_directory(dirs: &str) -> Result<&str> {
    match dirs.split(',').map(str::trim).collect::<Vec<_>>()[..] {
        [dir] if !dir.is_empty() => Ok(dir),
        _ => Err(wrong(format!(
            "log.dirs names {dirs:?}: name one directory, everything lies in it"
        ))),
    }
}

/// The listeners that are not the controller's, which this process does not need. Those that are not
/// plain are refused.
fn of_clients(listeners: &str, controllers: &str, protocols: &str) -> Result<String> {
    let named = |names: &str, name: &str| {
        let mut all = names.split(',');
        all.any(|n| n.trim().eq_ignore_ascii_case(name))
    };
    let mut kept = Vec::new();
    for text in listeners.split(',').map(str::trim) {
        let name = ListenAddress::parse(text)?.name;
        if named(controllers, &name) {
            continue;
        }
        let mapped = protocols.split(',').find_map(|pair| {
            let (listener, protocol) = pair.split_once(':')?;
            let same = listener.trim().eq_ignore_ascii_case(&name);
            same.then(|| protocol.trim())
        });
        let secure = |name: &str| matches!(name, "SSL" | "SASL_PLAINTEXT" | "SASL_SSL");
        match mapped {
            Some(protocol) if !is_plain(protocol) => {
                return Err(insecure(&format!("{name}:{protocol}")));
            }
            None if secure(&name) => return Err(insecure(&format!("the listener {name}"))),
            _ => kept.push(text),
        }
    }
    Ok(kept.join(","))
}

fn insecure(what: &str) -> Error {
    wrong(format!(
        "{what} asks for security, which is not served: listeners are plain. Take it out, and keep the \
         port where only those reach it who may"
    ))
}

fn wrong(message: String) -> Error {
    Error::coded(Code::InvalidConfig, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Kafka 4 ships, without its comments.
    const KAFKAS: &str = "\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
";

    #[test]
    fn kafkas_own_file_is_taken() {
        let read = read(KAFKAS).unwrap();
        assert_eq!(read.dir.unwrap().to_str(), Some("/tmp/kraft-combined-logs"));
        let broker = |name: &str| read.broker.get(name).map(String::as_str);
        assert_eq!(broker("listeners"), Some("PLAINTEXT://:9092"));
        let advertised = broker("advertised.listeners");
        assert_eq!(advertised, Some("PLAINTEXT://localhost:9092"));
        assert_eq!(broker("log.retention.hours"), Some("168"));
        assert!(read.ignored.contains(&"node.id".to_owned()));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let bad = [
            ("num.partition=3", "did you mean num.partitions?"),
            ("num.partitions=none", "num.partitions"),
            ("log.dirs=/a,/b", "one directory"),
            ("ssl.keystore.location=/key", "plain"),
            ("authorizer.class.name=x", "plain"),
            ("listeners=SASL_SSL://:9092", "plain"),
            (
                "listeners=IN://:9092\nlistener.security.protocol.map=IN:SSL",
                "IN:SSL",
            ),
        ];
        for (text, part) in bad {
            let error = read(text).expect_err(text);
            assert_eq!(error.code(), Code::InvalidConfig, "{text}");
            assert!(error.message().contains(part), "{error}");
        }
    }
}
