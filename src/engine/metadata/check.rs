//! The one place where the metadata asks the table of settings.

use crate::config::{self, Key, Overrides, Scope, TopicConfig, Type};
use crate::error::{Code, Error, Result};
use crate::protocol::STRING_BYTES_MAX;

/// Every setting of a topic, in an engine on which `broker` is set.
pub(super) fn topic_config(own: &Overrides, broker: &Overrides) -> Result<()> {
    lengths(own)?;
    TopicConfig::from_overrides(own, broker).map(|_| ())
}

/// Every setting of a broker; `effective` is what then counts on it, the defaults of topics included.
pub(super) fn broker_config(own: &Overrides, effective: &Overrides) -> Result<()> {
    lengths(own)?;
    for (name, value) in own {
        config::check(Scope::Broker, name, value)?;
    }
    TopicConfig::from_overrides(&Overrides::new(), effective).map(|_| ())
}

/// Invalid for a setting that is not in the table.
pub(super) fn known(scope: Scope, name: &str) -> Result<&'static Key> {
    config::find(scope, name).ok_or_else(|| {
        let hint = config::suggest(scope, name);
        let hint = hint.map_or(String::new(), |near| format!(": the nearest is {near}"));
        Error::coded(
            Code::InvalidConfig,
            format!("unknown {} setting {name}{hint}", scope.name()),
        )
    })
}

/// What counts for a setting that is a list and was not set; Invalid when it is none.
pub(super) fn list_default(scope: Scope, name: &str, broker: &Overrides) -> Result<String> {
    let key = known(scope, name)?;
    if key.kind != Type::List {
        return Err(Error::coded(
            Code::InvalidConfig,
            format!("setting {name} is no list: set it instead of adding to it or taking from it"),
        ));
    }
    let on_broker = key.synonyms.iter().find_map(|s| broker.get(s.name));
    let value = on_broker.map(String::as_str).or(key.default);
    Ok(value.unwrap_or_default().to_owned())
}

/// `num.partitions`.
pub(super) fn default_partitions(broker: &Overrides) -> Result<i32> {
    let name = "num.partitions";
    let default = config::find(Scope::Broker, name).and_then(|k| k.default);
    let text = broker.get(name).map(String::as_str).or(default);
    let value = config::check(Scope::Broker, name, text.unwrap_or("1"))?;
    let value = value.as_long().and_then(|v| i32::try_from(v).ok());
    value.ok_or_else(|| Error::internal("num.partitions is no number"))
}

/// A record cannot carry more.
fn lengths(config: &Overrides) -> Result<()> {
    let long = |text: &str| text.len() > STRING_BYTES_MAX;
    match config
        .iter()
        .find(|(name, value)| long(name) || long(value))
    {
        None => Ok(()),
        Some((name, _)) => Err(Error::coded(
            Code::InvalidConfig,
            format!(
                "setting {} has a name or value longer than {STRING_BYTES_MAX} bytes",
                name.get(..80).unwrap_or(name)
            ),
        )),
    }
}
