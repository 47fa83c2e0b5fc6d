//! Names: directories and what they hold, as a tree of ids.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Component, Path};
use std::sync::Arc;

use super::names::DurableNames;
use super::node::Node;
use super::random::Random;
use crate::disk::Entry;

pub(super) type DirId = u64;
pub(super) const ROOT: DirId = 0;

#[derive(Clone, Debug)]
pub(super) enum Child {
    File(Arc<Node>),
    Dir(DirId),
}

pub(super) type Names = BTreeMap<String, Child>;

/// All names of a disk. Relative paths stand at the root.
#[derive(Debug)]
pub(super) struct Tree {
    dirs: HashMap<DirId, Names>,
    next: DirId,
    /// Of a disk with faults: which names a power loss would leave.
    durable: Option<DurableNames>,
}

impl Tree {
    /// An empty tree; with `durable`, one that knows which names are.
    pub(super) fn new(durable: bool) -> Self {
        Tree {
            dirs: HashMap::from([(ROOT, Names::new())]),
            next: ROOT + 1,
            durable: durable.then(DurableNames::default),
        }
    }

    /// The tree as a power loss could leave it, with only the durable names without `random`.
    /// `rebuild` makes the file that is left of one, in the order of the names.
    pub(super) fn after_power_loss(
        &self,
        random: Option<&mut Random>,
        mut rebuild: impl FnMut(&Node) -> Arc<Node>,
    ) -> Tree {
        let found = match (&self.durable, random) {
            (Some(durable), Some(random)) => durable.survivors(random),
            (Some(durable), None) => durable.synced(),
            (None, _) => BTreeMap::new(),
        };
        // Only what can be reached from the root is there.
        let mut reached = BTreeMap::new();
        let mut todo = vec![ROOT];
        while let Some(dir) = todo.pop() {
            let mut names = found.get(&dir).cloned().unwrap_or_default();
            for child in names.values_mut() {
                match child {
                    Child::File(node) => *child = Child::File(rebuild(node)),
                    Child::Dir(id) => todo.push(*id),
                }
            }
            reached.insert(dir, names);
        }
        Tree {
            dirs: reached.clone().into_iter().collect(),
            next: self.next,
            durable: Some(DurableNames::all_synced(reached)),
        }
    }

    /// Makes the names in `path` durable.
    pub(super) fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        let dir = self.dir(path)?;
        if let Some(durable) = &mut self.durable {
            durable.sync(dir);
        }
        Ok(())
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<Child> {
        let mut at = Child::Dir(ROOT);
        for name in parts(path)? {
            let Child::Dir(dir) = at else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            at = self
                .names(dir)?
                .get(name)
                .cloned()
                .ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(at)
    }

    pub(super) fn file(&self, path: &Path) -> io::Result<Arc<Node>> {
        match self.find(path)? {
            Child::File(node) => Ok(node),
            Child::Dir(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn dir(&self, path: &Path) -> io::Result<DirId> {
        match self.find(path)? {
            Child::Dir(id) => Ok(id),
            Child::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let names = self.names(self.dir(path)?)?;
        let entry = |(name, child): (&String, &Child)| Entry {
            name: name.clone(),
            is_dir: matches!(child, Child::Dir(_)),
            size_bytes: match child {
                Child::File(node) => node.len(),
                Child::Dir(_) => 0,
            },
        };
        Ok(names.iter().map(entry).collect())
    }

    pub(super) fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        let mut at = ROOT;
        for name in parts(path)? {
            at = match self.names(at)?.get(name) {
                Some(Child::Dir(id)) => *id,
                Some(Child::File(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
                None => {
                    let id = self.next;
                    self.next += 1;
                    self.dirs.insert(id, Names::new());
                    self.insert(at, name, Child::Dir(id));
                    id
                }
            };
        }
        Ok(())
    }

    /// Puts a new, empty file where no name is yet.
    pub(super) fn create_file(&mut self, path: &Path, node: Arc<Node>) -> io::Result<()> {
        let (dir, name) = self.parent(path)?;
        self.insert(dir, &name, Child::File(node));
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let child = self.find(from)?;
        let (from_dir, from_name) = self.parent(from)?;
        let (to_dir, to_name) = self.parent(to)?;
        if from_dir == to_dir && from_name == to_name {
            return Ok(());
        }
        match (&child, self.names(to_dir)?.get(&to_name)) {
            (Child::File(_), Some(Child::Dir(_))) => return Err(io::ErrorKind::IsADirectory.into()),
            (Child::Dir(_), Some(Child::File(_))) => {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            (Child::Dir(_), Some(Child::Dir(id))) if !self.names(*id)?.is_empty() => {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            _ => {}
        }
        if let Child::Dir(moved) = child
            && self.holds(moved, to_dir)
        {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if let Some(names) = self.dirs.get_mut(&from_dir) {
            names.remove(&from_name);
        }
        if let Some(names) = self.dirs.get_mut(&to_dir)
            && let Some(Child::File(replaced)) = names.insert(to_name.clone(), child.clone())
        {
            replaced.unlinked();
        }
        if let Some(durable) = &mut self.durable {
            durable.rename((from_dir, from_name), (to_dir, to_name), child);
        }
        Ok(())
    }

    pub(super) fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        self.file(path)?;
        let (dir, name) = self.parent(path)?;
        self.remove(dir, &name);
        Ok(())
    }

    pub(super) fn remove_dir(&mut self, path: &Path) -> io::Result<()> {
        let id = self.dir(path)?;
        let (dir, name) = self.parent(path)?;
        self.empty(id);
        self.remove(dir, &name);
        Ok(())
    }

    /// Whether `dir` is `above` or lies below it.
    fn holds(&self, above: DirId, dir: DirId) -> bool {
        let below = |child: &Child| match child {
            Child::Dir(id) => self.holds(*id, dir),
            Child::File(_) => false,
        };
        above == dir
            || self
                .dirs
                .get(&above)
                .is_some_and(|names| names.values().any(below))
    }

    fn empty(&mut self, dir: DirId) {
        for (name, child) in self.dirs.get(&dir).cloned().unwrap_or_default() {
            if let Child::Dir(id) = child {
                self.empty(id);
            }
            self.remove(dir, &name);
        }
        self.dirs.remove(&dir);
    }

    fn insert(&mut self, dir: DirId, name: &str, child: Child) {
        if let Some(durable) = &mut self.durable {
            durable.put(dir, name, child.clone());
        }
        if let Some(names) = self.dirs.get_mut(&dir) {
            names.insert(name.to_owned(), child);
        }
    }

    fn remove(&mut self, dir: DirId, name: &str) {
        if let Some(durable) = &mut self.durable {
            durable.remove(dir, name);
        }
        if let Some(names) = self.dirs.get_mut(&dir)
            && let Some(Child::File(removed)) = names.remove(name)
        {
            removed.unlinked();
        }
    }

    fn names(&self, dir: DirId) -> io::Result<&Names> {
        self.dirs
            .get(&dir)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The directory that a path lies in, which must exist, and its last name.
    fn parent(&self, path: &Path) -> io::Result<(DirId, String)> {
        let parts = parts(path)?;
        let (name, above) = parts.split_last().ok_or(io::ErrorKind::InvalidInput)?;
        let above: std::path::PathBuf = above.iter().collect();
        Ok((self.dir(&above)?, (*name).to_owned()))
    }
}

fn parts(path: &Path) -> io::Result<Vec<&str>> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => {
                parts.push(name.to_str().ok_or(io::ErrorKind::InvalidInput)?);
            }
            Component::ParentDir => {
                parts.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok(parts)
}
