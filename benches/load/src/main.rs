//! The load that benches/broker.py puts on a broker, the same on every one.
//!
//! Each command prints one line of JSON with what it saw. `produce`, `consume` and `latency` are
//! librdkafka's; the others speak the protocol themselves, because thousands of librdkafka's clients do
//! not fit into one process.

mod arguments;
mod consume;
mod group;
mod idle;
mod latency;
mod produce;
mod topics;
mod wire;

use arguments::Arguments;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result {
    let (command, arguments) = Arguments::from_command_line()?;
    match command.as_str() {
        "create" => topics::create(&arguments),
        "delete" => topics::delete(&arguments),
        "produce" => produce::run(&arguments),
        "consume" => consume::run(&arguments),
        "latency" => latency::run(&arguments),
        "idle" => idle::run(&arguments),
        "group" => group::run(&arguments),
        other => Err(format!("no command {other}").into()),
    }
}
