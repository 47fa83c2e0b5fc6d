//! `idle`: opens `count` connections, asks each for ApiVersions, and holds them until its input ends.

use std::io::Read;

use crate::Result;
use crate::arguments::Arguments;
use crate::wire::{API_VERSIONS, Body, Wire};

pub fn run(arguments: &Arguments) -> Result {
    let servers = arguments.text("servers")?;
    let count: usize = arguments.get("count", 10_000)?;
    let mut open = Vec::with_capacity(count);
    for _ in 0..count {
        let mut wire = Wire::connect(servers)?;
        wire.call(API_VERSIONS, 0, &Body::default())?;
        open.push(wire);
    }
    println!(r#"{{"open": {}}}"#, open.len());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
