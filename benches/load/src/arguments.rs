//! `COMMAND --name value ...`

use std::collections::HashMap;
use std::str::FromStr;

use crate::Result;

pub struct Arguments(HashMap<String, String>);

impl Arguments {
    pub fn from_command_line() -> Result<(String, Arguments)> {
        let mut words = std::env::args().skip(1);
        let command = words.next().ok_or("a command is missing")?;
        let mut given = HashMap::new();
        while let Some(name) = words.next() {
            let name = name.strip_prefix("--").ok_or("an option is --name value")?;
            let value = words.next().ok_or(format!("--{name} has no value"))?;
            given.insert(name.to_owned(), value);
        }
        Ok((command, Arguments(given)))
    }

    pub fn text(&self, name: &str) -> Result<&str> {
        let found = self.0.get(name).map(String::as_str);
        found.ok_or_else(|| format!("--{name} is missing").into())
    }

    /// `default` where it is not given.
    pub fn get<T: FromStr>(&self, name: &str, default: T) -> Result<T> {
        match self.0.get(name) {
            None => Ok(default),
            Some(text) => {
                let parsed = text.parse();
                parsed.map_err(|_| format!("--{name} {text} is not understood").into())
            }
        }
    }
}
