//! Which names are durable, and what a power loss leaves of the others.
//!
//! As journaling file systems do: the changes of one directory stay in order, so that a power loss
//! keeps a first part of them; a rename is there whole or not at all, between two directories too.
//! A new directory is reached only when its name in the directory above is durable: each level wants
//! its own [`sync_dir`](crate::disk::Disk::sync_dir). A synced file whose name is not durable is lost.

use std::collections::BTreeMap;

use super::random::Random;
use super::tree::{Child, DirId, Names, ROOT};

#[derive(Clone, Debug)]
enum NameOp {
    Put(DirId, String, Child),
    Remove(DirId, String),
    Move {
        from: (DirId, String),
        to: (DirId, String),
        child: Child,
    },
}

impl NameOp {
    /// One directory, or two.
    fn dirs(&self) -> [DirId; 2] {
        match self {
            NameOp::Put(dir, ..) | NameOp::Remove(dir, _) => [*dir, *dir],
            NameOp::Move { from, to, .. } => [from.0, to.0],
        }
    }

    fn apply(self, names: &mut BTreeMap<DirId, Names>) {
        match self {
            NameOp::Put(dir, name, child) => {
                names.entry(dir).or_default().insert(name, child);
            }
            NameOp::Remove(dir, name) => {
                names.entry(dir).or_default().remove(&name);
            }
            NameOp::Move { from, to, child } => {
                names.entry(from.0).or_default().remove(&from.1);
                names.entry(to.0).or_default().insert(to.1, child);
            }
        }
    }
}

/// The durable names of every directory and all changes since, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct DurableNames {
    names: BTreeMap<DirId, Names>,
    ops: Vec<NameOp>,
}

impl DurableNames {
    /// A tree of which everything is durable.
    pub(super) fn all_synced(names: BTreeMap<DirId, Names>) -> Self {
        DurableNames {
            names,
            ops: Vec::new(),
        }
    }

    pub(super) fn put(&mut self, dir: DirId, name: &str, child: Child) {
        self.ops.push(NameOp::Put(dir, name.to_owned(), child));
    }

    pub(super) fn remove(&mut self, dir: DirId, name: &str) {
        self.ops.push(NameOp::Remove(dir, name.to_owned()));
    }

    pub(super) fn rename(&mut self, from: (DirId, String), to: (DirId, String), child: Child) {
        self.ops.push(NameOp::Move { from, to, child });
    }

    /// Makes the changes of `dir` durable, and with a rename from or to another directory what came
    /// before it there.
    pub(super) fn sync(&mut self, dir: DirId) {
        let mut wanted = vec![dir];
        let mut taken = vec![false; self.ops.len()];
        for (op, taken) in self.ops.iter().zip(&mut taken).rev() {
            if op.dirs().iter().any(|d| wanted.contains(d)) {
                *taken = true;
                wanted.extend(op.dirs());
            }
        }
        let mut rest = Vec::new();
        for (op, taken) in self.ops.drain(..).zip(taken) {
            if taken {
                op.apply(&mut self.names);
            } else {
                rest.push(op);
            }
        }
        self.ops = rest;
    }

    /// The durable names alone.
    pub(super) fn synced(&self) -> BTreeMap<DirId, Names> {
        self.names.clone()
    }

    /// The names that could be there after a power loss.
    pub(super) fn survivors(&self, random: &mut Random) -> BTreeMap<DirId, Names> {
        let mut left: BTreeMap<DirId, usize> = BTreeMap::new();
        for dir in self.ops.iter().flat_map(NameOp::dirs) {
            *left.entry(dir).or_default() += 1;
        }
        for count in left.values_mut() {
            *count = match random.below(3) {
                0 => 0,
                1 => *count,
                _ => random.below(*count + 1),
            };
        }
        let mut names = self.names.clone();
        for op in &self.ops {
            let dirs = op.dirs();
            let stays = dirs.iter().all(|dir| left.get(dir).is_some_and(|n| *n > 0));
            for dir in dirs {
                let count = left.entry(dir).or_default();
                *count = if stays { count.saturating_sub(1) } else { 0 };
            }
            if stays {
                op.clone().apply(&mut names);
            }
        }
        names.entry(ROOT).or_default();
        names
    }
}
