//! A log made of random operations, what should be left of it, and what is.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use crate::codec::compression::Compression;
use crate::config::TopicConfig;
use crate::disk::{Disk, Open};
use crate::error::{Error, Result};
use crate::log::compact::{Cleaner, Job, Situation, Source, plan, swap_in};
use crate::log::{Aborted, Compacted, OffsetIndex, ProducerStates, TimeIndex, TxnIndex};
use crate::record::{BatchBuilder, BatchView, Batches, BuildOptions, control_batch, set_offsets};
use crate::types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};

pub const RETENTION_MS: i64 = 1000;

pub fn dir() -> &'static Path {
    Path::new("/data/t-0")
}

#[derive(Clone, Debug)]
pub enum Op {
    Batch {
        /// 0 has no id, 1 and 2 are idempotent, 3 and 4 transactional.
        who: u8,
        /// Key and value; key 20 is null.
        records: Vec<(u8, Option<u8>)>,
        packed: bool,
    },
    End {
        who: u8,
        commit: bool,
    },
    Roll,
}

pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    let record = (0..=20_u8, prop::option::weighted(0.8, any::<u8>()));
    let batch = (0..5_u8, prop::collection::vec(record, 1..4), any::<bool>());
    let op = prop_oneof![
        8 => batch.prop_map(|(who, records, packed)| Op::Batch { who, records, packed }),
        2 => (3..5_u8, any::<bool>()).prop_map(|(who, commit)| Op::End { who, commit }),
        2 => Just(Op::Roll),
    ];
    prop::collection::vec(op, 1..60)
}

/// A data record as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub offset: i64,
    pub batch_base: i64,
    pub key: Option<u8>,
    pub value: Option<u8>,
    pub time: i64,
    pub aborted: bool,
}

/// The log as it was written.
#[derive(Debug, Default)]
pub struct World {
    pub records: Vec<Written>,
    pub states: ProducerStates,
    pub end: i64,
    sequences: HashMap<u8, i32>,
    /// Records of the open transaction.
    open: HashMap<u8, Vec<usize>>,
    segment: Vec<u8>,
    base: i64,
    aborted: Vec<Aborted>,
}

impl World {
    /// Writes the log to the disk, synced; the last segment is the active one.
    pub fn write(disk: &Arc<dyn Disk>, ops: &[Op]) -> World {
        disk.create_dir(dir()).unwrap();
        for above in dir().ancestors().skip(1) {
            disk.sync_dir(above).unwrap();
        }
        let mut world = World::default();
        world.more(disk, ops);
        world
    }

    /// Adds to the log and starts another active segment.
    pub fn more(&mut self, disk: &Arc<dyn Disk>, ops: &[Op]) {
        for op in ops {
            match op {
                Op::Batch {
                    who,
                    records,
                    packed,
                } => self.batch(*who, records, *packed),
                Op::End { who, commit } => self.marker(*who, *commit),
                Op::Roll => self.roll(disk),
            }
        }
        self.roll(disk);
        put(disk, ".log", self.end, &[]);
        disk.sync_dir(dir()).unwrap();
        self.states.on_visible(Offset(self.end));
    }

    fn batch(&mut self, who: u8, records: &[(u8, Option<u8>)], packed: bool) {
        let (base, count) = (self.end, records.len() as i32);
        let sequence = self.sequences.entry(who).or_default();
        let options = BuildOptions {
            base_offset: Offset(base),
            leader_epoch: LeaderEpoch(0),
            compression: if packed {
                Compression::Zstd
            } else {
                Compression::None
            },
            producer_id: if who == 0 {
                ProducerId::NONE
            } else {
                ProducerId(who.into())
            },
            producer_epoch: ProducerEpoch(if who == 0 { -1 } else { 0 }),
            base_sequence: if who == 0 { -1 } else { *sequence },
            transactional: who > 2,
            ..BuildOptions::default()
        };
        *sequence += count;
        let mut builder = BatchBuilder::default();
        for (n, (key, value)) in records.iter().enumerate() {
            let (offset, key) = (base + n as i64, Some(*key).filter(|k| *k < 20));
            let time = offset * 10;
            let value_bytes = value.map(|v| [v; 3]);
            builder.push(
                Timestamp(time),
                key.as_ref().map(std::slice::from_ref),
                value_bytes.as_ref().map(|v| &v[..]),
                &[(b"h", Some(b"x"))],
            );
            if who > 2 {
                self.open.entry(who).or_default().push(self.records.len());
            }
            self.records.push(Written {
                offset,
                batch_base: base,
                key,
                value: *value,
                time,
                aborted: false,
            });
        }
        let bytes = builder.finish(&options).unwrap().to_vec();
        self.add(&bytes);
    }

    fn marker(&mut self, who: u8, commit: bool) {
        let (id, epoch) = (ProducerId(who.into()), ProducerEpoch(0));
        let mut bytes = control_batch(commit, 0, Timestamp(self.end * 10), id, epoch);
        set_offsets(&mut bytes, Offset(self.end), LeaderEpoch(0));
        for at in self.open.remove(&who).unwrap_or_default() {
            self.records[at].aborted = !commit;
        }
        self.add(&bytes);
    }

    fn add(&mut self, bytes: &[u8]) {
        let view = BatchView::parse(bytes).unwrap();
        self.end = view.header().next_offset().get();
        if let Some(done) = self.states.replay(&view).unwrap().filter(|d| d.aborted) {
            self.aborted.push(Aborted {
                producer_id: done.producer_id,
                first_offset: done.first_offset,
                last_offset: done.last_offset,
                last_stable: done.last_stable,
            });
        }
        self.segment.extend_from_slice(bytes);
    }

    fn roll(&mut self, disk: &Arc<dyn Disk>) {
        if self.segment.is_empty() {
            return;
        }
        put(disk, ".log", self.base, &self.segment);
        let path = file(self.base, ".txnindex");
        let txn = TxnIndex::create(disk.clone(), &path, Offset(self.base));
        for aborted in self.aborted.drain(..) {
            txn.append(&aborted).unwrap();
        }
        txn.sync().unwrap();
        self.segment.clear();
        self.base = self.end;
    }
}

fn file(base: i64, end: &str) -> PathBuf {
    dir().join(format!("{base:020}{end}"))
}

fn put(disk: &Arc<dyn Disk>, end: &str, base: i64, bytes: &[u8]) {
    let file = disk.open(&file(base, end), Open::Truncate).unwrap();
    file.write_at(&[IoSlice::new(bytes)], 0).unwrap();
    file.sync().unwrap();
}

/// Bases of the segments in the directory, and sizes of all files.
fn listing(disk: &dyn Disk) -> io::Result<(Vec<i64>, HashMap<String, u64>)> {
    let entries = disk.list(dir())?;
    let sizes: HashMap<String, u64> = entries
        .into_iter()
        .map(|e| (e.name, e.size_bytes))
        .collect();
    let base = |n: &String| n.strip_suffix(".log").map(|b| b.parse().unwrap());
    let mut bases: Vec<i64> = sizes.keys().filter_map(base).collect();
    bases.sort_unstable();
    Ok((bases, sizes))
}

/// What a partition does: plan, clean, swap. `None` when nothing was to be done.
pub fn compact(
    disk: &Arc<dyn Disk>,
    states: &ProducerStates,
    first_dirty: i64,
    now: i64,
    map_bytes_max: usize,
    config: &TopicConfig,
) -> Result<Option<Compacted>> {
    let failed = |e| Error::io("list", e);
    let (bases, sizes) = listing(&**disk).map_err(failed)?;
    let sources: Vec<Source> = bases
        .windows(2)
        .map(|pair| Source {
            base: Offset(pair[0]),
            next: Offset(pair[1]),
            size_bytes: sizes[&format!("{:020}.log", pair[0])],
            max_timestamp: Timestamp(0),
        })
        .collect();
    let situation = Situation {
        sources: &sources,
        first_dirty: Offset(first_dirty),
        last_stable: states.last_stable(Offset(*bases.last().unwrap())),
        now: Timestamp(now),
        config,
    };
    let Some(plan) = plan(&situation, |s| Ok(s.max_timestamp))? else {
        return Ok(None);
    };
    let stop = crate::log::Stop::new();
    let mut cleaner = Cleaner::prepare(Job {
        disk: disk.clone(),
        dir: dir(),
        plan,
        config,
        aborted: aborted(disk)?,
        producers: states.last_records(),
        now: Timestamp(now),
        map_bytes_max,
        stop: &stop,
    })?;
    while let Some(group) = cleaner.next_group()? {
        swap_in(&**disk, dir(), &group)?;
    }
    Ok(Some(cleaner.done()))
}

/// From the transaction indexes in the directory.
pub fn aborted(disk: &Arc<dyn Disk>) -> Result<Vec<Aborted>> {
    let (bases, sizes) = listing(&**disk).map_err(|e| Error::io("list", e))?;
    let mut all = Vec::new();
    for base in bases {
        if let Some(size) = sizes.get(&format!("{base:020}.txnindex")) {
            let path = file(base, ".txnindex");
            let index = TxnIndex::open(disk.clone(), &path, Offset(base), *size, true);
            all.extend(index.entries()?);
        }
    }
    Ok(all)
}

/// What stands in the directory.
#[derive(Debug, Default)]
pub struct Seen {
    /// Data records: offset, key, value, time.
    pub records: Vec<(i64, Option<u8>, Option<u8>, i64)>,
    /// Of a reader who leaves out aborted transactions by the transaction indexes.
    pub committed: Vec<i64>,
    pub states: ProducerStates,
    pub next: i64,
}

/// Reads the whole directory and checks that it is sound: checksums, ascending offsets, indexes that
/// point to batches.
pub fn see(disk: &Arc<dyn Disk>) -> Seen {
    let (bases, sizes) = listing(&**disk).unwrap();
    let strange = |n: &&String| !n.ends_with(".log") && !n.ends_with("index");
    assert_eq!(sizes.keys().find(strange), None, "a temporary file is left");
    let mut coming = aborted(disk).unwrap();
    coming.sort_by_key(|a| std::cmp::Reverse(a.first_offset));
    let (mut seen, mut left_out) = (Seen::default(), HashMap::new());
    let mut scratch = Vec::new();
    for base in bases {
        assert!(base >= seen.next, "segment {base} overlaps the one before");
        let bytes = disk.map(&file(base, ".log")).unwrap();
        let (mut position, mut positions) = (0, HashMap::new());
        for batch in Batches::new(&bytes) {
            let batch = batch.unwrap();
            batch.check_crc().unwrap();
            let header = *batch.header();
            assert!(
                header.base_offset.get() >= seen.next.max(base),
                "offsets ascend"
            );
            seen.next = header.next_offset().get();
            positions.insert(position, header);
            position += header.size_bytes as u32;
            while let Some(next) = coming.pop_if(|a| a.first_offset <= header.last_offset()) {
                left_out.insert(next.producer_id, next.last_offset);
            }
            seen.states.replay(&batch).unwrap();
            if header.attributes.is_control() {
                left_out.remove(&header.producer_id);
                continue;
            }
            let out =
                header.attributes.is_transactional() && left_out.contains_key(&header.producer_id);
            for record in batch.records(&mut scratch, 1 << 20).unwrap() {
                let record = record.unwrap();
                let offset = record.offset.get();
                let first = |b: &[u8]| b[0];
                let (key, value) = (record.key.map(first), record.value.map(first));
                assert_eq!(record.headers.len(), 1);
                seen.records
                    .push((offset, key, value, record.timestamp.get()));
                if !out {
                    seen.committed.push(offset);
                }
            }
        }
        let size = |end: &str| sizes.get(&format!("{base:020}{end}")).copied();
        if let Some(size) = size(".index") {
            let path = file(base, ".index");
            let index = OffsetIndex::open(disk.clone(), &path, Offset(base), 1 << 20, size, true);
            for (offset, position) in index.entries().unwrap() {
                assert_eq!(positions[&position].last_offset(), offset);
            }
        }
        if let Some(size) = size(".timeindex") {
            let path = file(base, ".timeindex");
            let index = TimeIndex::open(disk.clone(), &path, Offset(base), 1 << 20, size, true);
            let latest = positions.values().map(|h| h.max_timestamp).max();
            let last = index.last().unwrap().map(|(t, _)| t);
            assert_eq!(
                last.unwrap_or(Timestamp::NONE),
                latest.unwrap_or(Timestamp::NONE)
            );
        }
    }
    seen.states.on_visible(Offset(seen.next));
    seen
}
