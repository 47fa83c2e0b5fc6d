//! The bytes of one file in memory.

use bytes::Bytes;

/// Growing a file allocates in steps of this, so that no growth copies what is there.
const CHUNK_BYTES: usize = 256 * 1024;

/// Bytes in chunks, or in one piece once they were mapped. What a chunk lacks at its end is zeros, so
/// that a file extended by `set_len` costs nothing until it is written.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Chunks {
        chunks: Vec<Vec<u8>>,
        len: usize,
    },
    /// Shared with those who mapped it. A write copies it back into chunks: the mapping stays as it was.
    Whole(Bytes),
}

impl Default for Content {
    fn default() -> Self {
        Content::Chunks {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

impl Content {
    pub(super) fn len(&self) -> usize {
        match self {
            Content::Chunks { len, .. } => *len,
            Content::Whole(bytes) => bytes.len(),
        }
    }

    /// The bytes that take memory: holes do not.
    pub(super) fn allocated_bytes(&self) -> usize {
        match self {
            Content::Chunks { chunks, .. } => chunks.iter().map(Vec::len).sum(),
            Content::Whole(bytes) => bytes.len(),
        }
    }

    /// Copies from `position` on; gives how many bytes there were.
    pub(super) fn read(&self, into: &mut [u8], position: usize) -> usize {
        let count = into.len().min(self.len().saturating_sub(position));
        let into = into.get_mut(..count).unwrap_or_default();
        match self {
            Content::Whole(bytes) => {
                into.copy_from_slice(&bytes[position.min(bytes.len())..][..count])
            }
            Content::Chunks { chunks, .. } => {
                let mut done = 0;
                while done < count {
                    let (at, inside) = split(position + done);
                    let step = (CHUNK_BYTES - inside).min(count - done);
                    let target = &mut into[done..done + step];
                    let chunk = chunks.get(at).and_then(|c| c.get(inside..)).unwrap_or(&[]);
                    let have = chunk.len().min(step);
                    target[..have].copy_from_slice(&chunk[..have]);
                    target[have..].fill(0);
                    done += step;
                }
            }
        }
        count
    }

    /// Writes at `position`; a gap before it becomes zeros.
    pub(super) fn write(&mut self, bytes: &[u8], position: usize) {
        let (chunks, len) = self.chunks();
        let mut done = 0;
        while done < bytes.len() {
            let (at, inside) = split(position + done);
            let step = (CHUNK_BYTES - inside).min(bytes.len() - done);
            if chunks.len() <= at {
                chunks.resize_with(at + 1, Vec::new);
            }
            write_chunk(&mut chunks[at], at, inside, &bytes[done..done + step]);
            done += step;
        }
        if !bytes.is_empty() {
            *len = (*len).max(position + bytes.len());
        }
    }

    /// How many of `count` bytes can be written at `position` when `free_bytes` more may be taken.
    pub(super) fn fits(&self, position: usize, count: usize, free_bytes: u64) -> usize {
        if self.growth(position, count) <= free_bytes {
            return count;
        }
        // More bytes never need less room, so the border can be searched.
        let (mut fit, mut over) = (0, count);
        while over - fit > 1 {
            let middle = fit + (over - fit) / 2;
            if self.growth(position, middle) <= free_bytes {
                fit = middle;
            } else {
                over = middle;
            }
        }
        fit
    }

    /// The memory that a write would add.
    fn growth(&self, position: usize, count: usize) -> u64 {
        let have = |at: usize| match self {
            Content::Chunks { chunks, .. } => chunks.get(at).map_or(0, Vec::len),
            Content::Whole(bytes) => bytes
                .len()
                .saturating_sub(at * CHUNK_BYTES)
                .min(CHUNK_BYTES),
        };
        let mut done = 0;
        let mut growth = 0;
        while done < count {
            let (at, inside) = split(position + done);
            let step = (CHUNK_BYTES - inside).min(count - done);
            growth += (inside + step).saturating_sub(have(at)) as u64;
            done += step;
        }
        growth
    }

    pub(super) fn set_len(&mut self, to: usize) {
        if to == self.len() {
            return;
        }
        let (chunks, len) = self.chunks();
        if to < *len {
            let (at, inside) = split(to);
            chunks.truncate(at + 1);
            if let Some(chunk) = chunks.get_mut(at) {
                chunk.truncate(inside);
            }
        }
        *len = to;
    }

    /// All of it as shared bytes. Copies once, when it lies in chunks; free from then on.
    pub(super) fn map(&mut self) -> Bytes {
        if let Content::Chunks { chunks, len } = self {
            let mut whole = Vec::with_capacity(*len);
            for chunk in std::mem::take(chunks) {
                let end = (whole.len() + CHUNK_BYTES).min(*len);
                whole.extend_from_slice(&chunk);
                // Each chunk is let go as it is copied: one file's size of memory, not two.
                drop(chunk);
                whole.resize(end, 0);
            }
            whole.resize(*len, 0);
            *self = Content::Whole(Bytes::from(whole));
        }
        match self {
            Content::Whole(bytes) => bytes.clone(),
            Content::Chunks { .. } => Bytes::new(),
        }
    }

    fn chunks(&mut self) -> (&mut Vec<Vec<u8>>, &mut usize) {
        if let Content::Whole(bytes) = self {
            let chunks = bytes.chunks(CHUNK_BYTES).map(<[u8]>::to_vec).collect();
            let len = bytes.len();
            *self = Content::Chunks { chunks, len };
        }
        match self {
            Content::Chunks { chunks, len } => (chunks, len),
            Content::Whole(_) => unreachable!("made chunks above"),
        }
    }
}

fn split(position: usize) -> (usize, usize) {
    (position / CHUNK_BYTES, position % CHUNK_BYTES)
}

fn write_chunk(chunk: &mut Vec<u8>, at: usize, inside: usize, bytes: &[u8]) {
    // A small file's only chunk grows by doubling; those of a large one are made whole.
    if at > 0 && chunk.capacity() == 0 {
        chunk.reserve_exact(CHUNK_BYTES);
    }
    if chunk.len() < inside {
        chunk.resize(inside, 0);
    }
    let over = (chunk.len() - inside).min(bytes.len());
    chunk[inside..inside + over].copy_from_slice(&bytes[..over]);
    chunk.extend_from_slice(&bytes[over..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Op {
        Write(usize, Vec<u8>),
        SetLen(usize),
        Map,
    }

    fn ops() -> impl Strategy<Value = Op> {
        // Positions around the borders of chunks.
        let position = (0usize..3, -40isize..40)
            .prop_map(|(chunk, by)| (chunk * CHUNK_BYTES).saturating_add_signed(by));
        prop_oneof![
            4 => (position.clone(), prop::collection::vec(any::<u8>(), 0..80))
                .prop_map(|(at, bytes)| Op::Write(at, bytes)),
            1 => (position.clone(), Just(CHUNK_BYTES + 7))
                .prop_map(|(at, len)| Op::Write(at, vec![9; len])),
            2 => position.prop_map(Op::SetLen),
            1 => Just(Op::Map),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn behaves_as_one_vector(ops in prop::collection::vec(ops(), 1..12)) {
            let mut content = Content::default();
            let mut model: Vec<u8> = Vec::new();
            let mut mapped: Vec<(Bytes, Vec<u8>)> = Vec::new();
            for op in ops {
                match op {
                    Op::Write(at, bytes) => {
                        content.write(&bytes, at);
                        if !bytes.is_empty() {
                            model.resize(model.len().max(at + bytes.len()), 0);
                            model[at..at + bytes.len()].copy_from_slice(&bytes);
                        }
                    }
                    Op::SetLen(len) => {
                        content.set_len(len);
                        model.resize(len, 0);
                    }
                    Op::Map => mapped.push((content.map(), model.clone())),
                }
                prop_assert_eq!(content.len(), model.len());
                let mut out = vec![1; model.len() + 10];
                prop_assert_eq!(content.read(&mut out, 0), model.len());
                prop_assert!(out[..model.len()] == model[..]);
            }
            for (bytes, then) in mapped {
                prop_assert!(bytes == then, "a mapping never changes");
            }
        }
    }

    #[test]
    fn a_hole_takes_no_memory() {
        let mut content = Content::default();
        content.set_len(10 << 20);
        assert_eq!(content.allocated_bytes(), 0);
        content.write(b"x", 5 << 20);
        assert!(content.allocated_bytes() < CHUNK_BYTES);
        assert_eq!(content.len(), 10 << 20);
    }
}
