//! Which codec, and the two functions that dispatch to them. Contexts are reused per thread.

use std::fmt;
use std::ops::RangeInclusive;

use super::{gzip, lz4, snappy, zstd};
use crate::error::{Code, Error, Result};

/// Kafka's codec ids, the low three bits of a batch's attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Compression {
    #[default]
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}

/// A codec's own level; `None` is Kafka's default for the codec.
pub type Level = Option<i32>;

impl Compression {
    /// Every codec, in the order of its id.
    pub const ALL: [Compression; 5] = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];

    /// `None` for the three ids that Kafka has not given out, and for what is no id.
    pub const fn from_id(id: u8) -> Option<Compression> {
        match id {
            0 => Some(Compression::None),
            1 => Some(Compression::Gzip),
            2 => Some(Compression::Snappy),
            3 => Some(Compression::Lz4),
            4 => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// Kafka's number.
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// Kafka's name: `none`, `gzip`, `snappy`, `lz4`, `zstd`.
    pub const fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        }
    }

    pub fn from_name(name: &str) -> Option<Compression> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// The levels that Kafka's `compression.<codec>.level` takes; `None` for a codec without levels.
    /// gzip's -1 stands for its default, 6; 0 (stored) is refused, as Kafka does.
    pub const fn levels(self) -> Option<RangeInclusive<i32>> {
        match self {
            Compression::None | Compression::Snappy => None,
            Compression::Gzip => Some(-1..=9),
            Compression::Lz4 => Some(1..=17),
            Compression::Zstd => Some(-131_072..=22),
        }
    }

    /// The level that stands for `None`.
    pub const fn level_default(self) -> Level {
        match self {
            Compression::None | Compression::Snappy => None,
            Compression::Gzip => Some(-1),
            Compression::Lz4 => Some(9),
            Compression::Zstd => Some(3),
        }
    }

    /// Refuses a level outside [`Compression::levels`], with Kafka's INVALID_CONFIG.
    pub fn check_level(self, level: Level) -> Result<()> {
        let Some(level) = level else { return Ok(()) };
        let wrong = |allowed: &dyn fmt::Display| {
            let message = format!("level {level} for {self}: {allowed}");
            Err(Error::coded(Code::InvalidConfig, message))
        };
        match self.levels() {
            None => wrong(&"this codec has no levels, leave it out"),
            Some(_) if self == Compression::Gzip && level == 0 => {
                wrong(&"use 1 to 9, or -1 for the default")
            }
            Some(range) if range.contains(&level) => Ok(()),
            Some(range) => wrong(&format_args!("use {} to {}", range.start(), range.end())),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Appends the compressed form of `plain` to `into`. On an error `into` is as it was.
pub fn compress(codec: Compression, level: Level, plain: &[u8], into: &mut Vec<u8>) -> Result<()> {
    codec.check_level(level)?;
    match codec {
        Compression::None => {
            into.extend_from_slice(plain);
            Ok(())
        }
        Compression::Gzip => gzip::compress(level, plain, into),
        Compression::Snappy => snappy::compress(plain, into),
        Compression::Lz4 => lz4::compress(plain, into),
        Compression::Zstd => zstd::compress(level, plain, into),
    }
}

/// Appends the plain form of `packed` to `into`; an error when that would be over `limit_bytes`, and
/// never more memory than that is taken whatever the input claims. On an error `into` is as it was.
///
/// The errors: [`Code::CorruptMessage`] for bytes that are not what the codec writes,
/// [`Code::MessageTooLarge`] above the limit.
pub fn decompress(
    codec: Compression,
    packed: &[u8],
    limit_bytes: usize,
    into: &mut Vec<u8>,
) -> Result<()> {
    let start = into.len();
    let done = match codec {
        Compression::None if packed.len() > limit_bytes => Err(Failure::OverLimit),
        Compression::None => {
            into.extend_from_slice(packed);
            Ok(())
        }
        Compression::Gzip => gzip::decompress(packed, limit_bytes, into),
        Compression::Snappy => snappy::decompress(packed, limit_bytes, into),
        Compression::Lz4 => lz4::decompress(packed, limit_bytes, into),
        Compression::Zstd => zstd::decompress(packed, limit_bytes, into),
    };
    done.map_err(|failure| {
        into.truncate(start);
        failure.into_error(codec, packed.len(), limit_bytes)
    })
}

/// Why bytes could not be decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    OverLimit,
    /// What is wrong, and where in the packed bytes, as far as the codec knows.
    Damaged(&'static str, Option<usize>),
}

impl Failure {
    fn into_error(self, codec: Compression, packed_bytes: usize, limit_bytes: usize) -> Error {
        match self {
            Failure::OverLimit => Error::coded(
                Code::MessageTooLarge,
                format!(
                    "{packed_bytes} bytes of {codec} are more than {limit_bytes} bytes when \
                     decompressed: raise the limit or send smaller batches"
                ),
            ),
            Failure::Damaged(what, Some(position)) => Error::coded(
                Code::CorruptMessage,
                format!("damaged {codec} data at byte {position} of {packed_bytes}: {what}"),
            ),
            Failure::Damaged(what, None) => Error::coded(
                Code::CorruptMessage,
                format!("damaged {codec} data ({packed_bytes} bytes): {what}"),
            ),
        }
    }
}
