use std::collections::HashMap;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::Kind;
use crate::disk::{Disk, FaultyDisk};
use crate::error::Code;
use crate::record::{Attributes, BatchHeader, BatchView, control_batch};
use crate::types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp};

const TRANSACTIONAL: i16 = 16;

fn batch(id: i64, epoch: i16, sequence: i32, count: i32, at: i64) -> BatchHeader {
    BatchHeader {
        base_offset: Offset(at),
        size_bytes: 100,
        leader_epoch: LeaderEpoch::FIRST,
        crc: 0,
        attributes: Attributes::default(),
        last_offset_delta: count - 1,
        base_timestamp: Timestamp(at),
        max_timestamp: Timestamp(at),
        producer_id: ProducerId(id),
        producer_epoch: ProducerEpoch(epoch),
        base_sequence: sequence,
        count,
    }
}

fn txn(id: i64, sequence: i32, at: i64) -> BatchHeader {
    BatchHeader {
        attributes: Attributes(TRANSACTIONAL),
        ..batch(id, 0, sequence, 1, at)
    }
}

fn code(states: &ProducerStates, header: BatchHeader) -> Option<Code> {
    states.check(&[header], true).err().map(|e| e.code())
}

fn end(states: &mut ProducerStates, id: i64, at: i64, commit: bool) -> Option<Completed> {
    let marker = Marker {
        commit,
        coordinator_epoch: 0,
    };
    states.update_marker(&batch(id, 0, -1, 1, at), marker)
}

#[test]
fn duplicates_within_the_last_five_get_their_old_offsets() {
    let mut states = ProducerStates::default();
    for n in 0..7 {
        states.update(&batch(1, 0, n * 3, 3, i64::from(n) * 10));
    }
    for n in 2..7 {
        let base = Offset(i64::from(n) * 10);
        let verdict = states.check(&[batch(1, 0, n * 3, 3, 0)], true).unwrap();
        assert_eq!(
            verdict,
            Verdict::Duplicate {
                base,
                last: base.plus(2)
            }
        );
    }
    // What is older cannot be told from a gap, and Kafka says so too.
    assert_eq!(
        code(&states, batch(1, 0, 3, 3, 0)),
        Some(Code::OutOfOrderSequenceNumber)
    );
    assert_eq!(code(&states, batch(1, 0, 21, 3, 0)), None);
    assert_eq!(
        code(&states, batch(1, 0, 22, 3, 0)),
        Some(Code::OutOfOrderSequenceNumber)
    );
}

#[test]
fn sequences_wrap_at_the_largest() {
    let mut states = ProducerStates::default();
    states.update(&batch(1, 0, i32::MAX - 1, 4, 100));
    assert_eq!(code(&states, batch(1, 0, 2, 1, 0)), None);
    assert_eq!(
        code(&states, batch(1, 0, 3, 1, 0)),
        Some(Code::OutOfOrderSequenceNumber)
    );
    let again = states
        .check(&[batch(1, 0, i32::MAX - 1, 4, 0)], true)
        .unwrap();
    assert_eq!(
        again,
        Verdict::Duplicate {
            base: Offset(100),
            last: Offset(103)
        }
    );
}

#[test]
fn epochs_fence_and_start_over() {
    let mut states = ProducerStates::default();
    assert_eq!(
        code(&states, batch(1, 0, 7, 1, 0)),
        None,
        "nothing is known of it"
    );
    states.update(&batch(1, 3, 5, 1, 0));
    assert_eq!(
        code(&states, batch(1, 2, 6, 1, 0)),
        Some(Code::InvalidProducerEpoch)
    );
    assert_eq!(
        code(&states, batch(1, 4, 6, 1, 0)),
        Some(Code::OutOfOrderSequenceNumber)
    );
    assert_eq!(code(&states, batch(1, 4, 0, 1, 0)), None);
    // A coordinator's batches carry no sequence that counts, but their epoch does.
    assert!(states.check(&[batch(1, 3, -1, 1, 0)], false).is_ok());
    assert!(states.check(&[batch(1, 2, -1, 1, 0)], false).is_err());
}

#[test]
fn a_run_of_batches_is_checked_as_one() {
    let mut states = ProducerStates::default();
    states.update(&batch(1, 0, 0, 2, 10));
    let run = |a: i32, b: i32| {
        let run = [
            batch(1, 0, a, 2, 0),
            batch(2, 0, 0, 1, 0),
            batch(1, 0, b, 2, 0),
        ];
        states.check(&run, true)
    };
    assert_eq!(run(2, 4).unwrap(), Verdict::New);
    assert_eq!(
        run(2, 5).unwrap_err().code(),
        Code::OutOfOrderSequenceNumber
    );
    assert_eq!(
        run(0, 2).unwrap_err().code(),
        Code::OutOfOrderSequenceNumber
    );
}

#[test]
fn an_open_transaction_holds_the_last_stable_offset_until_its_marker_is_visible() {
    let mut states = ProducerStates::default();
    states.update(&txn(1, 0, 10));
    states.update(&txn(2, 0, 20));
    assert_eq!(
        code(&states, batch(1, 0, 1, 1, 0)),
        Some(Code::InvalidTxnState)
    );
    assert_eq!(states.last_stable(Offset(5)), Offset(5));
    assert_eq!(states.last_stable(Offset(100)), Offset(10));
    let done = end(&mut states, 1, 30, false).unwrap();
    assert_eq!(
        (done.first_offset, done.last_offset),
        (Offset(10), Offset(30))
    );
    assert!(done.aborted);
    assert_eq!(done.last_stable, Offset(20), "the other one is open");
    assert_eq!(
        states.last_stable(Offset(30)),
        Offset(10),
        "the marker is not visible"
    );
    states.on_visible(Offset(31));
    assert_eq!(states.last_stable(Offset(31)), Offset(20));
    assert_eq!(
        end(&mut states, 2, 40, true).unwrap().last_stable,
        Offset(41)
    );
    states.on_visible(Offset(41));
    assert_eq!(states.first_unstable(), None);
    assert_eq!(
        end(&mut states, 2, 50, true),
        None,
        "a second marker ends nothing"
    );
}

#[test]
fn markers_of_old_epochs_and_old_coordinators_are_refused() {
    let mut states = ProducerStates::default();
    let marker = |coordinator_epoch| Marker {
        commit: true,
        coordinator_epoch,
    };
    states.update_marker(&batch(1, 5, -1, 1, 0), marker(7));
    let code = |epoch, coordinator| {
        let checked = states.check_marker(&batch(1, epoch, -1, 1, 0), &marker(coordinator));
        checked.err().map(|e| e.code())
    };
    assert_eq!(code(5, 7), None);
    assert_eq!(code(4, 7), Some(Code::InvalidProducerEpoch));
    assert_eq!(code(5, 6), Some(Code::TransactionCoordinatorFenced));
}

#[test]
fn markers_are_read_from_their_batches() {
    let (id, epoch) = (ProducerId(9), ProducerEpoch(1));
    let bytes = control_batch(false, 3, Timestamp(5), id, epoch);
    let view = BatchView::parse(&bytes).unwrap();
    let marker = Marker::of(&view).unwrap().unwrap();
    assert_eq!((marker.commit, marker.coordinator_epoch), (false, 3));
    let mut states = ProducerStates::default();
    states.update(&txn(9, 0, 0));
    let done = states.replay(&view).unwrap().unwrap();
    assert!(done.aborted);
    assert_eq!(states.get(id).unwrap().epoch, epoch);
}

#[test]
fn idle_producers_expire_but_open_transactions_do_not() {
    let mut states = ProducerStates::default();
    states.update(&batch(1, 0, 0, 1, 1000));
    states.update(&txn(2, 0, 1000));
    assert_eq!(states.expire(Timestamp(1999), 1000), 0);
    assert_eq!(states.expire(Timestamp(2000), 1000), 1);
    assert!(states.get(ProducerId(1)).is_none() && states.get(ProducerId(2)).is_some());
}

#[test]
fn a_damaged_snapshot_is_passed_over_for_an_older_one() {
    let (disk, dir) = (FaultyDisk::new(), Path::new("/d"));
    disk.create_dir(dir).unwrap();
    let mut states = ProducerStates::default();
    for at in [10, 20, 30] {
        states.update(&batch(1, 0, at as i32, 1, at));
        states.save(&disk, dir, Offset(at + 1)).unwrap();
    }
    let path = snapshot_path(dir, Offset(21));
    let mut bytes = disk.map(&path).unwrap().to_vec();
    bytes[30] ^= 1;
    crate::disk::write_atomically(&disk, &path, &bytes).unwrap();
    let (loaded, at, damaged) = ProducerStates::load_latest(&disk, dir, Offset(25)).unwrap();
    assert_eq!((at, damaged), (Some(Offset(11)), vec![path.clone()]));
    assert_eq!(
        loaded.get(ProducerId(1)).unwrap().last_timestamp,
        Timestamp(10)
    );
    assert!(!disk.exists(&path));
    assert_eq!(
        list_snapshots(&disk, dir).unwrap(),
        [Offset(11), Offset(31)]
    );
}

/// What idempotence means, written down naively: the whole history of each producer.
#[derive(Default)]
struct Model {
    batches: HashMap<i64, Vec<BatchHeader>>,
}

impl Model {
    fn check(&self, header: &BatchHeader) -> Result<Verdict, Code> {
        let Some(history) = self.batches.get(&header.producer_id.get()) else {
            return Ok(Verdict::New);
        };
        let last = history.last().unwrap();
        let same_epoch = history
            .iter()
            .rev()
            .take_while(|b| b.producer_epoch == last.producer_epoch);
        let known = same_epoch.take(5).find(|b| {
            b.producer_epoch == header.producer_epoch
                && b.base_sequence == header.base_sequence
                && b.count == header.count
        });
        if let Some(known) = known {
            let (base, last) = (known.base_offset, known.last_offset());
            return Ok(Verdict::Duplicate { base, last });
        }
        let expected = match header.producer_epoch.cmp(&last.producer_epoch) {
            std::cmp::Ordering::Less => return Err(Code::InvalidProducerEpoch),
            std::cmp::Ordering::Greater => 0,
            std::cmp::Ordering::Equal => {
                let next = i64::from(last.base_sequence) + i64::from(last.count);
                (next % (1 << 31)) as i32
            }
        };
        match header.base_sequence == expected {
            true => Ok(Verdict::New),
            false => Err(Code::OutOfOrderSequenceNumber),
        }
    }
}

proptest! {
    #[test]
    fn idempotence_agrees_with_the_whole_history(
        start in prop_oneof![Just(0), Just(i32::MAX - 12)],
        sends in prop::collection::vec((0..3_i64, 0..2_i16, 0..12_i32, 1..4_i32), 1..120),
    ) {
        let (mut states, mut model, mut end) = (ProducerStates::default(), Model::default(), 0);
        for (id, bump, back, count) in sends {
            let history = model.batches.get(&id);
            let last = history.and_then(|h| h.last());
            // Mostly what comes next, or what came a few batches ago.
            let again = history.and_then(|h| h.iter().rev().nth(back as usize));
            let header = match (last, again) {
                (None, _) => batch(id, 1, start, count, end),
                (Some(_), Some(old)) if back > 3 => BatchHeader { base_offset: Offset(end), ..*old },
                (Some(l), _) if back == 0 => batch(id, l.producer_epoch.0 + bump - i16::from(count == 3), 0, count, end),
                (Some(l), _) => batch(id, l.producer_epoch.0, l.last_sequence().wrapping_add(back).max(0), count, end),
            };
            let got = states.check(&[header], true).map_err(|e| e.code());
            prop_assert_eq!(got, model.check(&header));
            if got == Ok(Verdict::New) {
                states.update(&header);
                model.batches.entry(id).or_default().push(header);
                end += i64::from(header.count);
            }
        }
    }

    #[test]
    fn a_snapshot_brings_back_all_batches(
        entries in prop::collection::vec((0..20_i64, any::<bool>(), 0..1000_i32, 1..9_i32), 0..30),
    ) {
        let mut states = ProducerStates::default();
        for (at, (id, open, sequence, count)) in entries.into_iter().enumerate() {
            let mut header = batch(id, 0, sequence, count, at as i64 * 10);
            header.attributes = Attributes(if open { TRANSACTIONAL } else { 0 });
            states.update(&header);
        }
        let bytes = states.encode();
        let back = ProducerStates::decode(&bytes).unwrap();
        prop_assert_eq!(back.encode(), bytes);
        prop_assert_eq!(back.first_unstable(), states.first_unstable());
        for (id, entry) in states.iter() {
            let got = back.get(id).unwrap();
            prop_assert_eq!(got.batches(), entry.batches());
            prop_assert_eq!(got.txn_first_offset, entry.txn_first_offset);
        }
    }

    #[test]
    fn damaged_snapshots_are_refused(
        at in 0..10_000_usize,
        bit in 0..8_u32,
        cut in 0..200_usize,
    ) {
        let mut states = ProducerStates::default();
        for id in 0..4 {
            states.update(&txn(id, 3, id * 7));
        }
        let mut bytes = states.encode();
        let at = at % bytes.len();
        bytes[at] ^= 1_u8 << bit;
        prop_assert_eq!(ProducerStates::decode(&bytes).unwrap_err().kind(), Kind::Corrupt);
        bytes[at] ^= 1_u8 << bit;
        bytes.truncate(cut.min(bytes.len() - 1));
        prop_assert_eq!(ProducerStates::decode(&bytes).unwrap_err().kind(), Kind::Corrupt);
    }
}
