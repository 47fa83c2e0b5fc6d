//! The metadata log on the disk: `__cluster_metadata-0`, an ordinary partition whose records are
//! Kafka's metadata records, with snapshots beside it.
//!
//! One commit is one batch. It is synced before it is applied and before anybody hears of it, whatever
//! the durability of topics: a topic that was created is there after a power cut.

use std::path::PathBuf;
use std::sync::Arc;

use super::image::MetadataImage;
use super::load;
use super::records::MetadataRecord;
use super::snapshot::{self, EPOCH, SnapshotId};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::log::{Append, Partition};
use crate::record::{BatchBuilder, BuildOptions};
use crate::sync::{Mutex, RwLock};
use crate::types::{Offset, Timestamp, TopicId};

/// What opening the metadata needs.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<dyn Clock>,
    pub data_dir: PathBuf,
    /// The last close was clean.
    pub clean: bool,
    /// A snapshot is written when the log has grown by that much since the last one (and by as much as
    /// the last one was large).
    pub snapshot_after_bytes: u64,
}

impl StoreOptions {
    pub fn new(disk: Arc<dyn Disk>, clock: Arc<dyn Clock>, data_dir: impl Into<PathBuf>) -> Self {
        StoreOptions {
            disk,
            clock,
            data_dir: data_dir.into(),
            clean: false,
            snapshot_after_bytes: 4 << 20,
        }
    }
}

/// What opening found besides the image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreOpened {
    /// Events applied from the log after the snapshot.
    pub replayed_batches: u64,
    /// Snapshots that were damaged. An older one and the log gave the same image; they are gone.
    pub damaged_snapshots: Vec<PathBuf>,
    pub recovered: crate::log::Recovered,
}

/// The metadata of an open engine. Commands come one after the other; readers never wait for them.
#[derive(Debug)]
pub struct MetadataStore {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    log: Partition,
    snapshot_after_bytes: u64,
    /// What is committed and synced. Readers take the pointer; the committer swaps it.
    image: RwLock<Arc<MetadataImage>>,
    /// Held by one command from its decision until it is applied, syncs included: the next must decide
    /// on what this one made. Taken before `image`.
    writer: Mutex<Writer>,
}

#[derive(Debug)]
struct Writer {
    builder: BatchBuilder,
    /// Log bytes since the last snapshot.
    grown_bytes: u64,
    last_snapshot_bytes: u64,
    /// Why nothing can be committed any more until the store is opened again.
    failed: Option<Error>,
}

impl MetadataStore {
    /// Opens or creates the metadata of a data directory.
    ///
    /// Errors: Corrupt when committed events cannot be had any more, naming the file; Invalid when they
    /// are of a newer format.
    pub fn open(options: &StoreOptions) -> Result<(MetadataStore, StoreOpened)> {
        let loaded = load::load(options)?;
        let store = MetadataStore {
            disk: options.disk.clone(),
            clock: options.clock.clone(),
            log: loaded.log,
            snapshot_after_bytes: options.snapshot_after_bytes,
            image: RwLock::new(Arc::new(loaded.image)),
            writer: Mutex::new(Writer {
                builder: BatchBuilder::default(),
                grown_bytes: loaded.replayed_bytes,
                last_snapshot_bytes: 0,
                failed: None,
            }),
        };
        if store.end() == Offset::ZERO {
            store.commit(|_| Ok(MetadataImage::bootstrap()))?;
        }
        if !loaded.opened.damaged_snapshots.is_empty() {
            // What replaces them must be there before they go.
            store.snapshot()?;
            for path in &loaded.opened.damaged_snapshots {
                store.remove_unless_replaced(path)?;
            }
        }
        Ok((store, loaded.opened))
    }

    /// The metadata as committed last; a value that does not change any more.
    pub fn image(&self) -> Arc<MetadataImage> {
        self.image.read().clone()
    }

    /// After the last event.
    pub fn end(&self) -> Offset {
        self.log.ends().appended
    }

    /// Lets `decide` choose events on the current image and commits them together. When this returns
    /// they are on the disk and in the image; after an error they are not in the image, and on the disk
    /// only if the error was the disk's own and came late: opening tells.
    ///
    /// Errors: those of `decide`; Unavailable when the disk is full (commit again when there is room)
    /// or failed (open again).
    pub fn commit(
        &self,
        decide: impl FnOnce(&MetadataImage) -> Result<Vec<MetadataRecord>>,
    ) -> Result<()> {
        self.commit_with(|image| Ok(((), decide(image)?)))
    }

    /// As [`commit`](Self::commit), for a command that gives something besides its events.
    pub fn commit_with<T>(
        &self,
        decide: impl FnOnce(&MetadataImage) -> Result<(T, Vec<MetadataRecord>)>,
    ) -> Result<T> {
        let mut writer = self.writer.lock();
        if let Some(failed) = &writer.failed {
            return Err(failed.clone());
        }
        let image = self.image();
        let (outcome, records) = decide(&image)?;
        // Only this image's last holder may change it in place.
        drop(image);
        if !records.is_empty() {
            let now = self.clock.now();
            self.append(&mut writer, &records, now)?;
            self.apply(&mut writer, records, now)?;
            self.snapshot_if_due(&mut writer);
        }
        Ok(outcome)
    }

    /// The directories of a removed topic are gone: it need not be remembered.
    pub fn deletion_done(&self, id: TopicId) {
        let _one_at_a_time = self.writer.lock();
        Arc::make_mut(&mut self.image.write()).deletion_done(id);
    }

    fn append(
        &self,
        writer: &mut Writer,
        records: &[MetadataRecord],
        now: Timestamp,
    ) -> Result<()> {
        writer.builder.clear();
        for record in records {
            writer.builder.push(now, None, Some(&record.encode()), &[]);
        }
        let batch = writer.builder.finish(&BuildOptions::default())?;
        let size_bytes = batch.len() as u64;
        self.log.append(Append {
            batches: batch,
            leader_epoch: EPOCH,
            internal: true,
            trusted: true,
        })?;
        let durable = match self.log.sync() {
            Ok(durable) => durable,
            Err(e) => {
                // The events may be on the disk or not: nothing may be decided on this image.
                let failed = Error::unavailable(format!(
                    "the metadata log cannot be written since its disk failed ({e}): close the \
                     engine and open it again"
                ));
                writer.failed = Some(failed.with_code(e.code()));
                return Err(e);
            }
        };
        self.log.set_visible(durable);
        writer.grown_bytes += size_bytes;
        Ok(())
    }

    fn apply(
        &self,
        writer: &mut Writer,
        records: Vec<MetadataRecord>,
        now: Timestamp,
    ) -> Result<()> {
        let mut image = self.image.write();
        let image = Arc::make_mut(&mut image);
        for record in records {
            if let Err(e) = image.apply(record, now) {
                let failed = Error::internal(format!("a committed event cannot be applied: {e}"));
                writer.failed = Some(failed.clone());
                return Err(failed);
            }
        }
        Ok(())
    }

    /// A snapshot that cannot be written costs time at the next open, nothing else: the commit stands.
    fn snapshot_if_due(&self, writer: &mut Writer) {
        let due = self.snapshot_after_bytes.max(writer.last_snapshot_bytes);
        if writer.grown_bytes < due {
            return;
        }
        if let Err(error) = self.snapshot_locked(writer) {
            tracing::warn!(%error, "metadata snapshot not written");
            // Not again at each commit, on a disk that is full.
            writer.grown_bytes = 0;
        }
    }

    /// Writes a snapshot now, and removes what two snapshots have made superfluous.
    pub fn snapshot(&self) -> Result<()> {
        let mut writer = self.writer.lock();
        match &writer.failed {
            Some(failed) => Err(failed.clone()),
            None => self.snapshot_locked(&mut writer),
        }
    }

    fn snapshot_locked(&self, writer: &mut Writer) -> Result<()> {
        let id = SnapshotId {
            end: self.end(),
            epoch: EPOCH,
        };
        let (disk, dir) = (self.disk.as_ref(), self.log.dir());
        // Segments go whole: one must end where a snapshot ends.
        self.log.roll(true)?;
        let image = self.image();
        let written = snapshot::write(disk, dir, id, &image, self.clock.now())?;
        writer.grown_bytes = 0;
        writer.last_snapshot_bytes = written as u64;
        // The one before stays with the log behind it: should the new one be damaged, nothing is lost.
        let known = snapshot::list(disk, dir)?;
        let Some((older, [kept, _])) = known.split_last_chunk::<2>() else {
            return Ok(());
        };
        self.log.delete_records(kept.end)?;
        for id in older {
            remove(disk, &id.path(dir))?;
        }
        Ok(())
    }

    fn remove_unless_replaced(&self, path: &std::path::Path) -> Result<()> {
        let now = SnapshotId {
            end: self.end(),
            epoch: EPOCH,
        };
        let gone = path == now.path(self.log.dir()) || !self.disk.exists(path);
        match gone {
            true => Ok(()),
            false => remove(self.disk.as_ref(), path),
        }
    }

    /// Writes a snapshot where there is something new, and closes the log; later commits answer Closed.
    pub fn close(&self) -> Result<()> {
        let mut writer = self.writer.lock();
        if writer.failed.is_none()
            && writer.grown_bytes > 0
            && let Err(error) = self.snapshot_locked(&mut writer)
        {
            tracing::warn!(%error, "metadata snapshot not written");
        }
        let closed = Error::closed("the engine is closed: open it again");
        let failed = writer.failed.replace(closed);
        let outcome = self.log.close();
        match failed {
            // Unclean: the next open finds out what the disk has.
            Some(failed) if failed.kind() != crate::Kind::Closed => Err(failed),
            _ => outcome,
        }
    }
}

fn remove(disk: &dyn Disk, path: &std::path::Path) -> Result<()> {
    disk.remove_file(path)
        .map_err(|e| Error::io(format_args!("remove {}", path.display()), e))
}
