//! The nouns that every layer shares: offsets, epochs, ids, timestamps. Each is a type of its own,
//! so that one cannot be passed for another, and Kafka's -1 has a name.

use std::fmt;
use std::sync::Arc;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// The position of a record in its partition, counted from 0.
    Offset(i64)
}

impl Offset {
    pub const ZERO: Offset = Offset(0);
    pub const MAX: Offset = Offset(i64::MAX);

    /// The offset `count` records further on; stays at the largest offset instead of wrapping.
    #[must_use]
    pub const fn plus(self, count: i64) -> Offset {
        Offset(self.0.saturating_add(count))
    }

    #[must_use]
    pub const fn next(self) -> Offset {
        self.plus(1)
    }

    /// How many offsets lie between `earlier` and this one; negative when `earlier` is later.
    pub const fn since(self, earlier: Offset) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

number! {
    /// Which leader wrote a batch. Grows by one at each change of leader.
    LeaderEpoch(i32)
}

impl LeaderEpoch {
    pub const NONE: LeaderEpoch = LeaderEpoch(-1);
    pub const FIRST: LeaderEpoch = LeaderEpoch(0);
}

number! {
    /// Who produced a batch, for idempotence and transactions.
    ProducerId(i64)
}

impl ProducerId {
    pub const NONE: ProducerId = ProducerId(-1);

    pub const fn is_some(self) -> bool {
        self.0 >= 0
    }
}

number! {
    /// Which incarnation of a producer id wrote a batch; older ones are fenced.
    ProducerEpoch(i16)
}

impl ProducerEpoch {
    pub const NONE: ProducerEpoch = ProducerEpoch(-1);
}

number! {
    /// Milliseconds since 1970-01-01 UTC.
    Timestamp(i64)
}

impl Timestamp {
    /// Kafka's "no timestamp".
    pub const NONE: Timestamp = Timestamp(-1);
}

/// The lasting identity of a topic: a topic made again under an old name has another id.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub [u8; 16]);

impl TopicId {
    pub const NONE: TopicId = TopicId([0; 16]);
    /// The id of `__cluster_metadata`, fixed by Kafka.
    pub const METADATA: TopicId = TopicId([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

    /// A new random id that Kafka's text form can carry: it never starts with `-`.
    pub fn random() -> TopicId {
        loop {
            let id = TopicId(*uuid::Uuid::new_v4().as_bytes());
            if !id.to_string().starts_with('-') {
                return id;
            }
        }
    }

    /// Reads Kafka's text form: 22 characters of base64 with `-` and `_`, no padding.
    pub fn parse(text: &str) -> Option<TopicId> {
        let mut bits: u128 = 0;
        if text.len() != 22 {
            return None;
        }
        for (at, c) in text.bytes().enumerate() {
            let digit = BASE64.iter().position(|b| *b == c)? as u128;
            // 22 digits hold 132 bits: the last digit's low four bits must be zero.
            if at == 21 {
                if digit & 0xf != 0 {
                    return None;
                }
                bits = (bits << 2) | (digit >> 4);
            } else {
                bits = (bits << 6) | digit;
            }
        }
        Some(TopicId(bits.to_be_bytes()))
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        for at in 0..22 {
            let digit = if at == 21 {
                (bits << 4) & 0x3f
            } else {
                (bits >> (122 - at * 6)) & 0x3f
            };
            write!(f, "{}", BASE64[digit as usize] as char)?;
        }
        Ok(())
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicId({self})")
    }
}

/// A topic's name and a partition's number. Shown as Kafka shows it, `orders-3`, which is also the
/// name of its directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    pub topic: Arc<str>,
    pub partition: i32,
}

impl TopicPartition {
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        TopicPartition {
            topic: topic.into(),
            partition,
        }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// Which records a reader may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IsolationLevel {
    /// Everything visible, records of open and aborted transactions included.
    #[default]
    ReadUncommitted,
    /// Only up to the last stable offset; aborted records are left out by the reader.
    ReadCommitted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_id_text_is_kafkas() {
        // What `org.apache.kafka.common.Uuid` prints for these values.
        assert_eq!(TopicId::METADATA.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(
            TopicId::parse("AAAAAAAAAAAAAAAAAAAAAQ"),
            Some(TopicId::METADATA)
        );
        for _ in 0..100 {
            let id = TopicId::random();
            assert_eq!(TopicId::parse(&id.to_string()), Some(id));
        }
        assert_eq!(TopicId::parse("AAAAAAAAAAAAAAAAAAAAAB"), None);
        assert_eq!(TopicId::parse("short"), None);
    }
}
