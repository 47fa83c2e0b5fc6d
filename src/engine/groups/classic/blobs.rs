//! What consumers say to their leader and hear from it: ConsumerProtocolSubscription and
//! ConsumerProtocolAssignment, versions 0 to 3. To the group they are bytes; read only where it
//! matters which topics are meant.
//!
//! Lenient as Kafka is: a newer version is read as the newest known, what follows is passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::protocol::{Reader, Writer};

/// Partitions by topic name.
pub type Named = BTreeMap<Arc<str>, BTreeSet<i32>>;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subscription {
    pub topics: BTreeSet<Arc<str>>,
    /// What the member holds, from version 1.
    pub owned: Named,
    /// In which generation it got that, from version 2; else -1.
    pub generation: i32,
    /// From version 3.
    pub rack_id: Option<Arc<str>>,
}

impl Subscription {
    /// Errors: Corrupt.
    pub fn read(bytes: &[u8]) -> Result<Subscription> {
        let mut reader = Reader::new(bytes);
        let version = version(&mut reader)?;
        let mut topics = BTreeSet::new();
        for _ in 0..reader.array_len(2)? {
            topics.insert(Arc::from(reader.string()?));
        }
        reader.nullable_bytes()?; // what the assignor keeps for itself
        let mut subscription = Subscription {
            topics,
            generation: -1,
            ..Subscription::default()
        };
        if version >= 1 {
            subscription.owned = named(&mut reader)?;
        }
        if version >= 2 {
            subscription.generation = reader.i32()?;
        }
        if version >= 3 {
            subscription.rack_id = reader.nullable_string()?.map(Arc::from);
        }
        Ok(subscription)
    }
}

/// The partitions of an assignment; no bytes are none.
///
/// Errors: Corrupt.
pub fn read_assignment(bytes: &[u8]) -> Result<Named> {
    if bytes.is_empty() {
        return Ok(Named::new());
    }
    let mut reader = Reader::new(bytes);
    version(&mut reader)?;
    named(&mut reader)
}

/// An assignment in the version that the member's subscription has.
pub fn write_assignment(partitions: &Named, version: i16) -> Arc<[u8]> {
    let mut writer = Writer::new();
    writer.i16(version);
    writer.array_len(partitions.len());
    for (topic, partitions) in partitions {
        writer.string(topic);
        writer.array_len(partitions.len());
        for partition in partitions {
            writer.i32(*partition);
        }
    }
    writer.nullable_bytes(None);
    Arc::from(writer.bytes)
}

/// Which version the bytes are in, at most the newest known.
pub fn version_of(bytes: &[u8]) -> i16 {
    version(&mut Reader::new(bytes)).map_or(0, |v| v.min(3))
}

fn version(reader: &mut Reader<'_>) -> Result<i16> {
    match reader.i16()? {
        version @ 0.. => Ok(version),
        negative => Err(Error::corrupt(format!(
            "version {negative} of a consumer's subscription or assignment"
        ))),
    }
}

fn named(reader: &mut Reader<'_>) -> Result<Named> {
    let mut all = Named::new();
    for _ in 0..reader.array_len(6)? {
        let topic = Arc::from(reader.string()?);
        let partitions: &mut BTreeSet<i32> = all.entry(topic).or_default();
        for _ in 0..reader.array_len(4)? {
            partitions.insert(reader.i32()?);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_assignment_comes_back() {
        let partitions = Named::from([(Arc::from("t"), BTreeSet::from([0, 3]))]);
        let bytes = write_assignment(&partitions, 1);
        assert_eq!(read_assignment(&bytes).unwrap(), partitions);
        assert_eq!(version_of(&bytes), 1);
        assert!(read_assignment(&[]).unwrap().is_empty());
    }

    #[test]
    fn what_a_consumer_said_is_read() {
        // As Kafka's consumer wrote it: version 3, topic "bills", nothing owned, no rack.
        let bytes = b"\0\x03\0\0\0\x01\0\x05bills\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff";
        let subscription = Subscription::read(bytes).unwrap();
        assert_eq!(
            subscription.topics,
            BTreeSet::from([Arc::<str>::from("bills")])
        );
        assert_eq!((subscription.generation, subscription.rack_id), (-1, None));
        assert!(Subscription::read(&bytes[..20]).is_err());
        assert!(Subscription::read(b"\xff\xff").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Subscription::read(&bytes);
            let _ = read_assignment(&bytes);
        }
    }
}
