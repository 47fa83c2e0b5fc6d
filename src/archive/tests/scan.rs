//! `scan` against the log that it scans.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};

use super::super::arrow::{Binary, Columns, Window};
use super::super::scan::{Scan, ScanOptions, ScanPart};
use super::super::{PartitionArchive, Segment};
use super::support::Home;
use crate::clock::ManualClock;
use crate::config::TopicConfig;
use crate::disk::RealDisk;
use crate::log::{Append, ColdStore, Partition, PartitionOptions, SealedSegment};
use crate::record::{BatchBuilder, BuildOptions, control_batch};
use crate::types::{
    IsolationLevel, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp, TopicId,
    TopicPartition,
};

const ID: TopicId = TopicId::METADATA;

struct Rig {
    _home: Home,
    archive: Arc<PartitionArchive>,
    log: Arc<Partition>,
}

fn rig() -> Rig {
    let home = Home::new();
    let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
    let archive = Arc::new(home.open().unwrap());
    let config = TopicConfig {
        segment_bytes: 20_000,
        retention_ms: None,
        ..TopicConfig::default()
    };
    let opened = Partition::open(PartitionOptions {
        disk: Arc::new(RealDisk::default()),
        clock,
        cold: archive.clone(),
        dir: home.dir.path().join("t-0"),
        name: TopicPartition::new("t", 0),
        topic_id: ID,
        config: Arc::new(config),
        clean: true,
        recovery_point: Offset::ZERO,
        log_start: None,
    });
    Rig {
        log: Arc::new(opened.unwrap().partition),
        _home: home,
        archive,
    }
}

impl Rig {
    fn append(&self, from: i64, count: i64, options: &BuildOptions) {
        let mut builder = BatchBuilder::default();
        for at in from..from + count {
            let value = format!("value of {at}, long enough to be outside");
            let key = (at % 3 != 0).then(|| format!("k{}", at % 7).into_bytes());
            let trace: &[(&[u8], Option<&[u8]>)] = &[(b"trace", None), (b"trace", Some(b"1"))];
            let headers = if at % 5 == 0 { trace } else { &[] };
            let time = Timestamp(1_600_000_000_000 + at);
            builder.push(time, key.as_deref(), Some(value.as_bytes()), headers);
        }
        self.put(builder.finish(options).unwrap());
    }

    fn put(&self, batches: &[u8]) {
        let appended = self.log.append(Append {
            batches,
            leader_epoch: LeaderEpoch::FIRST,
            internal: true,
            trusted: true,
        });
        self.log.set_visible(appended.unwrap().last_offset.next());
    }

    fn archive(&self) -> u64 {
        self.log.sync().unwrap();
        let sealed = self.log.sealed();
        let (Some(first), Some(last)) = (sealed.first(), sealed.last()) else {
            return 0;
        };
        let aborted = self.log.aborted(first.base_offset, last.next_offset);
        let segments: Vec<Segment> = sealed.iter().map(|s| self.segment(s)).collect();
        self.archive
            .archive(&segments, &aborted.unwrap(), 2)
            .unwrap();
        let (_, end) = self.archive.range().unwrap();
        self.log.drop_archived(end).unwrap()
    }

    fn segment(&self, sealed: &SealedSegment) -> Segment {
        Segment {
            base_offset: sealed.base_offset,
            next_offset: sealed.next_offset,
            bytes: self.log.sealed_bytes(sealed.base_offset).unwrap(),
            place: sealed.path.display().to_string(),
        }
    }

    fn scan(&self, window: Window, options: ScanOptions) -> Vec<RecordBatch> {
        let part = ScanPart {
            partition: 0,
            source: self.log.clone(),
            archive: Some(self.archive.clone()),
            window,
        };
        let mut scan = Scan::new(vec![part], options).unwrap();
        let mut all = Vec::new();
        while let Some(batch) = scan.next_batch().unwrap() {
            all.push(batch);
        }
        all
    }
}

fn offsets(batches: &[RecordBatch]) -> Vec<i64> {
    let column = |b: &RecordBatch| b.column_by_name("offset").unwrap().clone();
    let all = batches.iter().map(column);
    all.flat_map(|c| c.as_primitive::<Int64Type>().values().to_vec())
        .collect()
}

fn filled() -> Rig {
    let rig = rig();
    for batch in 0..100 {
        let codec = crate::codec::compression::Compression::from_id(batch % 5).unwrap();
        let options = BuildOptions {
            compression: codec,
            ..BuildOptions::default()
        };
        rig.append(i64::from(batch) * 20, 20, &options);
        if batch == 60 {
            assert!(rig.archive() > 0);
        }
    }
    rig
}

#[test]
fn archive_and_live_are_one_table() {
    let rig = filled();
    let ends = rig.log.ends();
    assert!(Offset::ZERO < ends.local_start && ends.local_start < ends.appended);
    let all = rig.scan(Window::default(), ScanOptions::default());
    assert_eq!(offsets(&all), (0..2000).collect::<Vec<_>>());
    for batch in &all {
        let offsets = batch.column(1).as_primitive::<Int64Type>().clone();
        for row in 0..batch.num_rows() {
            let at = offsets.value(row);
            assert_eq!(batch.column(0).as_primitive::<Int32Type>().value(row), 0);
            let micros = batch.column(2).as_primitive::<TimestampMicrosecondType>();
            assert_eq!(micros.value(row), (1_600_000_000_000 + at) * 1000);
            assert_eq!(batch.column(3).is_null(row), at % 3 == 0);
            let value = batch.column(4).as_binary_view().value(row);
            assert_eq!(
                value,
                format!("value of {at}, long enough to be outside").as_bytes()
            );
            let headers = batch.column(5).as_list::<i32>().value(row);
            assert_eq!(headers.len(), if at % 5 == 0 { 2 } else { 0 });
        }
    }
}

#[test]
fn bounds_and_columns_are_kept() {
    let rig = filled();
    let count = |window, columns: &[&str]| -> usize {
        let options = ScanOptions {
            columns: Columns::parse(columns.iter().copied()).unwrap(),
            binary: Binary::Small,
            ..ScanOptions::default()
        };
        let got = rig.scan(window, options);
        assert!(got.iter().all(|b| b.num_columns() == columns.len()));
        got.iter().map(RecordBatch::num_rows).sum()
    };
    let some = [
        (0, 2000),
        (3, 5),
        (1199, 1210),
        (777, 1999),
        (1500, 1501),
        (1000, 1000),
    ];
    for (from, until) in some {
        let window = Window::offsets(Offset(from), Offset(until));
        for columns in [
            &[][..],
            &["value"],
            &["headers", "key"],
            &["partition", "timestamp"],
        ] {
            assert_eq!(count(window, columns), (until - from) as usize);
        }
        let times = Window {
            time_from: Some(Timestamp(1_600_000_000_000 + from)),
            time_until: Some(Timestamp(1_600_000_000_000 + until)),
            ..Window::default()
        };
        assert_eq!(
            count(times, &["offset"]),
            (until - from) as usize,
            "{from} {until}"
        );
        assert_eq!(count(times, &[]), (until - from) as usize);
    }
    assert_eq!(count(Window::default(), &[]), 2000);
}

#[test]
fn what_was_taken_back_is_not_shown() {
    let rig = rig();
    let options = BuildOptions {
        producer_id: ProducerId(7),
        producer_epoch: ProducerEpoch(0),
        base_sequence: 0,
        transactional: true,
        ..BuildOptions::default()
    };
    let marker = |commit, epoch| {
        let now = Timestamp(1_600_000_000_000);
        control_batch(commit, epoch, now, ProducerId(7), ProducerEpoch(0))
    };
    let mut base = 0;
    for round in 0..60 {
        let sequence = round * 20;
        rig.append(
            base,
            20,
            &BuildOptions {
                base_sequence: sequence,
                ..options
            },
        );
        rig.put(&marker(round % 2 == 0, 0));
        base += 21;
    }
    let expected: Vec<i64> = (0..60i64)
        .filter(|round| round % 2 == 0)
        .flat_map(|round| round * 21..round * 21 + 20)
        .collect();
    let committed = ScanOptions {
        isolation: IsolationLevel::ReadCommitted,
        ..ScanOptions::default()
    };
    let shown = |rig: &Rig| offsets(&rig.scan(Window::default(), committed.clone()));
    assert_eq!(shown(&rig), expected);
    assert!(rig.archive() > 0);
    assert_eq!(shown(&rig), expected);
    let all = rig.scan(Window::default(), ScanOptions::default());
    assert_eq!(offsets(&all).len(), 60 * 20, "markers are never shown");
}

#[test]
fn no_offset_is_shown_twice_or_left_out_while_segments_move() {
    let rig = Arc::new(rig());
    rig.append(0, 100, &BuildOptions::default());
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (rig, stop) = (rig.clone(), stop.clone());
        std::thread::spawn(move || {
            let mut next = 100;
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..10 {
                    rig.append(next, 50, &BuildOptions::default());
                    next += 50;
                }
                rig.archive();
            }
        })
    };
    let mut seen_archived = false;
    for round in 0..4000 {
        if round >= 40 && seen_archived {
            break;
        }
        let before = rig.log.ends();
        let got = offsets(&rig.scan(Window::default(), ScanOptions::default()));
        let end = i64::try_from(got.len()).unwrap();
        assert!(end >= before.visible.get());
        assert!(got.iter().copied().eq(0..end));
        seen_archived |= before.local_start > Offset::ZERO;
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    assert!(seen_archived);
}

#[test]
fn a_consumer_reads_on_below_the_local_start() {
    let rig = filled();
    let mut next = Offset::ZERO;
    let mut records = 0;
    while next < rig.log.ends().visible {
        let chunk = rig.log.read(crate::log::Read {
            from: next,
            max_bytes: 3000,
            at_least_one: true,
            isolation: IsolationLevel::ReadUncommitted,
        });
        for batch in crate::record::Batches::new(&chunk.unwrap().batches) {
            let header = *batch.unwrap().header();
            assert_eq!(header.base_offset, next);
            records += header.count;
            next = header.next_offset();
        }
    }
    assert_eq!(records, 2000);
    let found = rig
        .log
        .offset_for_time(Timestamp(1_600_000_000_555))
        .unwrap();
    assert_eq!(found, Some((Offset(555), Timestamp(1_600_000_000_555))));
}
