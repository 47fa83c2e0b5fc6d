//! What was written to a file and not synced, and what a power loss leaves of it.
//!
//! The rules: synced bytes stay, unless an unsynced cut took them or an unsynced write lay over them.
//! Each unsynced write stays, goes, is torn at a byte, or comes back page by page as new, old or
//! zeros (zeros only where nothing was synced: a file system shows them in extents it had allocated
//! but not written). Writes are independent, so that a later one may stay while an earlier one goes.

use super::content::Content;
use super::random::Random;

/// What the system writes back at once.
const PAGE_BYTES: usize = 4096;

#[derive(Clone, Debug)]
enum Op {
    Write { position: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// The durable bytes of a file and all that came after, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    synced: Content,
    ops: Vec<Op>,
}

impl Pending {
    /// A file of which everything is durable.
    pub(super) fn all_synced(content: Content) -> Self {
        Pending {
            synced: content,
            ops: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, position: usize, bytes: &[u8]) {
        let bytes = bytes.to_vec();
        self.ops.push(Op::Write { position, bytes });
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.ops.push(Op::SetLen(len));
    }

    /// A sync that succeeded: all is durable.
    pub(super) fn sync(&mut self) {
        for op in self.ops.drain(..) {
            apply(&mut self.synced, &op);
        }
    }

    /// A sync that failed: some of it got there, the rest never will, for the system counts the
    /// pages as clean from now on.
    pub(super) fn sync_failed(&mut self, random: &mut Random) {
        self.synced = self.survivors(random);
        self.ops.clear();
    }

    /// The durable bytes alone.
    pub(super) fn synced(&self) -> &Content {
        &self.synced
    }

    /// What could be on the disk after a power loss.
    pub(super) fn survivors(&self, random: &mut Random) -> Content {
        let mut content = self.synced.clone();
        // All or nothing are the most usual ends, and a fair coin for each write would hardly ever
        // show them.
        let mood = random.below(4);
        for op in &self.ops {
            match (mood, op) {
                (0, _) => {}
                (1, op) => apply(&mut content, op),
                (_, Op::SetLen(_)) if random.one_in(3) => {}
                (_, Op::SetLen(len)) => content.set_len(*len),
                (_, Op::Write { position, bytes }) => {
                    let fresh = self.synced.len();
                    survive(&mut content, *position, bytes, fresh, random);
                }
            }
        }
        content
    }
}

fn apply(content: &mut Content, op: &Op) {
    match op {
        Op::Write { position, bytes } => content.write(bytes, *position),
        Op::SetLen(len) => content.set_len(*len),
    }
}

/// One unsynced write. From the position `fresh` on nothing was durable.
fn survive(
    content: &mut Content,
    position: usize,
    bytes: &[u8],
    fresh: usize,
    random: &mut Random,
) {
    match random.below(6) {
        0 | 1 => content.write(bytes, position),
        2 => {}
        3 => {
            let torn = random.below(bytes.len() + 1);
            content.write(bytes.get(..torn).unwrap_or(bytes), position);
        }
        4 => zeros(content, position, bytes.len(), fresh),
        _ => {
            let mut done = 0;
            while done < bytes.len() {
                // Pages are those of the file, not of the write.
                let at = position + done;
                let step = (PAGE_BYTES - at % PAGE_BYTES).min(bytes.len() - done);
                let page = bytes.get(done..done + step).unwrap_or_default();
                match random.below(3) {
                    0 => content.write(page, at),
                    1 => {}
                    _ => zeros(content, at, step, fresh),
                }
                done += step;
            }
        }
    }
}

/// The length is there, the bytes are not.
fn zeros(content: &mut Content, position: usize, count: usize, fresh: usize) {
    let end = position + count;
    let from = position.max(fresh);
    if from < end {
        content.write(&vec![0; end - from], from);
    }
}
