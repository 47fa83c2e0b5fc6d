//! Which partition a record goes to: Kafka's murmur2 of the key, so that every client puts a key
//! where every other would; for keyless records one partition for `batch.size` bytes, then another
//! (KIP-480, KIP-794).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Kafka's 32-bit murmur2 (seed 0x9747b28c).
/// Source: `org.apache.kafka.common.utils.Utils.murmur2`.
pub fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut h: u32 = 0x9747_b28c ^ (data.len() as u32);
    let (words, tail) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        for (at, byte) in tail.iter().enumerate() {
            h ^= u32::from(*byte) << (8 * at);
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

/// Kafka's default partition of a key among `partitions` (at least one).
pub fn partition_for_key(key: &[u8], partitions: usize) -> usize {
    (murmur2(key) & 0x7fff_ffff) as usize % partitions.max(1)
}

/// Where keyless records of one topic go.
#[derive(Debug)]
pub(crate) struct Sticky {
    partition: AtomicUsize,
    random: AtomicU64,
}

impl Sticky {
    pub(crate) fn new(seed: u64) -> Self {
        Sticky {
            partition: AtomicUsize::new(seed as usize),
            random: AtomicU64::new(seed | 1),
        }
    }

    pub(crate) fn partition(&self, partitions: usize) -> usize {
        self.partition.load(Ordering::Relaxed) % partitions.max(1)
    }

    /// The same choices from here on.
    pub(crate) fn carry_on(&self) -> Self {
        Sticky {
            partition: AtomicUsize::new(self.partition.load(Ordering::Relaxed)),
            random: AtomicU64::new(self.random.load(Ordering::Relaxed)),
        }
    }

    /// `from` had its share: the next keyless records go elsewhere, unless they do already.
    pub(crate) fn turn(&self, from: usize, partitions: usize) {
        let now = self.partition.load(Ordering::Relaxed);
        if partitions < 2 || now % partitions != from {
            return;
        }
        // A step of 1..partitions always lands on another partition.
        let random = self
            .random
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (random ^ (random >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33;
        let step = 1 + mixed as usize % (partitions - 1);
        let next = (from + step) % partitions;
        // Who loses this race was turned by another.
        let _ = self
            .partition
            .compare_exchange(now, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_is_kafkas() {
        // From Kafka's own UtilsTest.
        let cases: [(&[u8], i32); 7] = [
            (b"21", -973932308),
            (b"foobar", -790332482),
            (b"a-little-bit-long-string", -985981536),
            (b"a-little-bit-longer-string", -1486304829),
            (
                b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58897971,
            ),
            (b"abc", 479470107),
            (b"", 275646681),
        ];
        for (key, expected) in cases {
            assert_eq!(murmur2(key) as i32, expected, "{key:?}");
        }
    }

    #[test]
    fn a_turn_always_leaves_the_partition() {
        let sticky = Sticky::new(7);
        for _ in 0..100 {
            let at = sticky.partition(3);
            sticky.turn(at, 3);
            assert_ne!(sticky.partition(3), at);
            sticky.turn(at, 3);
            assert_ne!(sticky.partition(3), at, "one turn too many");
        }
    }
}
