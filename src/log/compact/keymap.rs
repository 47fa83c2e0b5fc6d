//! Key to last offset in bounded memory: 24 bytes a slot, open addressing in one allocation.
//!
//! Keys are not kept, only 128 bits of hash under random seeds. Two keys that collided would be
//! taken for one and the older value lost; with 2^31 keys in a run the chance is below 2^-66, and
//! nobody can look for collisions without the seeds.

use std::hash::{BuildHasher, RandomState};

use crate::types::Offset;

/// Hash, hash, offset + 1; zeros are an empty slot, so that fresh memory needs no writing.
type Slot = [u64; 3];

pub const SLOT_BYTES: usize = size_of::<Slot>();

#[derive(Debug)]
pub struct KeyMap {
    seeds: (RandomState, RandomState),
    slots: Vec<Slot>,
    used: usize,
    /// Probing gets long above it.
    used_max: usize,
}

impl KeyMap {
    /// Room for `keys_max` keys, or for as many as fit `bytes_max` when that is less (a few at least).
    pub fn new(bytes_max: usize, keys_max: u64) -> KeyMap {
        let wanted = usize::try_from(keys_max).unwrap_or(usize::MAX / 2);
        let wanted = wanted.saturating_add(wanted / 3).saturating_add(8);
        let slots = wanted.min((bytes_max / SLOT_BYTES).max(8));
        KeyMap {
            seeds: (RandomState::new(), RandomState::new()),
            slots: vec![[0; 3]; slots],
            used: 0,
            used_max: slots / 4 * 3,
        }
    }

    /// Sets the last offset of `key`; `false` when the key is new and the map is full.
    pub fn put(&mut self, key: &[u8], offset: Offset) -> bool {
        let (hash, at) = self.find(key);
        let full = self.used >= self.used_max;
        let Some(slot) = self.slots.get_mut(at) else {
            return false;
        };
        if slot[2] == 0 {
            if full {
                return false;
            }
            self.used += 1;
        }
        *slot = [hash.0, hash.1, offset.get().cast_unsigned() + 1];
        true
    }

    /// The last offset of `key` in the dirty part.
    pub fn get(&self, key: &[u8]) -> Option<Offset> {
        let (_, at) = self.find(key);
        let slot = self.slots.get(at).filter(|s| s[2] != 0)?;
        Some(Offset((slot[2] - 1).cast_signed()))
    }

    /// The slot of `key`, or the empty one where it would go; there is always an empty one.
    fn find(&self, key: &[u8]) -> ((u64, u64), usize) {
        let hash = (self.seeds.0.hash_one(key), self.seeds.1.hash_one(key));
        let len = self.slots.len();
        let mut at = ((u128::from(hash.0) * len as u128) >> 64) as usize;
        loop {
            match self.slots.get(at) {
                Some([_, _, 0]) => break,
                Some([a, b, _]) if (*a, *b) == hash => break,
                _ => at = if at + 1 < len { at + 1 } else { 0 },
            }
        }
        (hash, at)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn map_agrees_with_a_hash_map_until_it_is_full(
            keys in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3), 1..300),
            room in 1..100_usize,
        ) {
            let mut map = KeyMap::new(room * SLOT_BYTES, 1000);
            let mut model: HashMap<Vec<u8>, i64> = HashMap::new();
            for (offset, key) in keys.iter().enumerate() {
                let fits = map.put(key, Offset(offset as i64));
                let expected = model.contains_key(key) || model.len() < room.max(8) / 4 * 3;
                prop_assert_eq!(fits, expected);
                if fits {
                    model.insert(key.clone(), offset as i64);
                }
            }
            prop_assert_eq!(map.used, model.len());
            for key in &keys {
                prop_assert_eq!(map.get(key), model.get(key).map(|o| Offset(*o)));
            }
        }
    }

    #[test]
    fn memory_stays_within_the_bound_and_small_jobs_take_little() {
        assert_eq!(KeyMap::new(24 << 20, u64::MAX).slots.len(), 1 << 20);
        assert!(KeyMap::new(24 << 20, 100).slots.len() < 200);
    }
}
