//! `create --topic T --partitions N` and `delete --topic T`.

use std::time::{Duration, Instant};

use crate::Result;
use crate::arguments::Arguments;
use crate::wire::{Body, CREATE_TOPICS, DELETE_TOPICS, METADATA, Wire};

const TIMEOUT_MS: i32 = 30_000;
const READY_TIMEOUT: Duration = Duration::from_secs(30);

pub fn create(arguments: &Arguments) -> Result {
    let topic = arguments.text("topic")?;
    let partitions: i32 = arguments.get("partitions", 1)?;
    let mut wire = Wire::connect(arguments.text("servers")?)?;
    // A broker that makes no topics by request makes them when they are asked for, as it is set.
    if wire.knows(CREATE_TOPICS)? {
        let mut body = Body::default();
        body.i32(1).text(topic).i32(partitions).i16(1);
        body.i32(0).i32(0).i32(TIMEOUT_MS).i8(0);
        let mut answer = wire.call(CREATE_TOPICS, 2, &body)?;
        answer.i32()?;
        answer.i32()?;
        answer.text()?;
        let error = answer.i16()?;
        if error != 0 {
            return Err(format!("{topic} is not made: error {error} {}", answer.text()?).into());
        }
    }
    let since = Instant::now();
    loop {
        match partitions_led(&mut wire, topic)? {
            n if n == partitions => return Ok(()),
            n if since.elapsed() > READY_TIMEOUT => {
                return Err(format!("{topic} has {n} of {partitions} partitions").into());
            }
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// How many partitions of the topic have a leader; asking makes the topic where that is allowed.
fn partitions_led(wire: &mut Wire, topic: &str) -> Result<i32> {
    let mut body = Body::default();
    body.i32(1).text(topic).i8(1);
    let mut answer = wire.call(METADATA, 4, &body)?;
    answer.i32()?;
    for _ in 0..answer.i32()? {
        answer.i32()?;
        answer.text()?;
        answer.i32()?;
        answer.text()?;
    }
    answer.text()?;
    answer.i32()?;
    answer.i32()?;
    answer.i16()?;
    answer.text()?;
    answer.i8()?;
    let mut led = 0;
    for _ in 0..answer.i32()? {
        let (error, _partition, leader) = (answer.i16()?, answer.i32()?, answer.i32()?);
        led += i32::from(error == 0 && leader >= 0);
        for _ in 0..2 {
            for _ in 0..answer.i32()? {
                answer.i32()?;
            }
        }
    }
    Ok(led)
}

pub fn delete(arguments: &Arguments) -> Result {
    let mut wire = Wire::connect(arguments.text("servers")?)?;
    if wire.knows(DELETE_TOPICS)? {
        let mut body = Body::default();
        body.i32(1).text(arguments.text("topic")?).i32(TIMEOUT_MS);
        wire.call(DELETE_TOPICS, 1, &body)?;
    }
    Ok(())
}
