//! Whether what a producer sends may enter the log: KIP-98 (idempotence) and KIP-360 (epochs).

use super::entry::sequence_plus;
use super::state::ProducerStates;
use super::{Marker, ProducerEntry};
use crate::error::{Code, Error, Result};
use crate::record::BatchHeader;
use crate::types::{Offset, ProducerEpoch};

/// What the check of an append found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    New,
    /// Everything was written before, at these offsets.
    Duplicate {
        base: Offset,
        last: Offset,
    },
}

impl ProducerStates {
    /// Checks a run of batches before it is written. From a client, epochs and sequences count; from
    /// a coordinator, epochs alone. Changes nothing.
    ///
    /// Errors: InvalidProducerEpoch for an old epoch, OutOfOrderSequenceNumber for a gap or for what
    /// is older than the last five batches, InvalidTxnState for a batch outside of the transaction
    /// that its producer has open.
    pub fn check(&self, headers: &[BatchHeader], from_client: bool) -> Result<Verdict> {
        let mut duplicate: Option<(Offset, Offset)> = None;
        let mut fresh = false;
        for (at, header) in headers.iter().enumerate() {
            if !header.producer_id.is_some() || header.attributes.is_control() {
                fresh = true;
                continue;
            }
            let before = headers.get(..at).unwrap_or_default();
            let before = before.iter().rfind(|b| b.producer_id == header.producer_id);
            let entry = self.get(header.producer_id);
            let known = entry.and_then(|e| e.duplicate_of(header));
            if from_client && let Some(old) = known {
                let first = duplicate.map_or(old.first_offset(), |(f, _)| f);
                duplicate = Some((first, old.last_offset));
                continue;
            }
            fresh = true;
            check_batch(header, entry, before, from_client)?;
        }
        match duplicate {
            Some((base, last)) if !fresh => Ok(Verdict::Duplicate { base, last }),
            Some((base, _)) => Err(Error::coded(
                Code::OutOfOrderSequenceNumber,
                format!(
                    "some of these batches were written before (at offset {base}) and some were not: \
                     send them apart"
                ),
            )),
            None => Ok(Verdict::New),
        }
    }

    /// Refuses batches of a transaction that was ended after the coordinator was asked for it, which was
    /// when the log ended at `verified_at`.
    pub fn check_verified(&self, headers: &[BatchHeader], verified_at: Offset) -> Result<()> {
        let ended = headers.iter().find(|header| {
            let marker = self.ended_at(header.producer_id);
            header.attributes.is_transactional() && marker.is_some_and(|at| at >= verified_at)
        });
        match ended {
            None => Ok(()),
            Some(header) => Err(Error::coded(
                Code::InvalidTxnState,
                format!(
                    "the transaction of producer {} ended before this batch came: begin another",
                    header.producer_id
                ),
            )),
        }
    }

    /// Checks a commit or abort marker before it is written.
    pub fn check_marker(&self, header: &BatchHeader, marker: &Marker) -> Result<()> {
        let Some(entry) = self.get(header.producer_id) else {
            return Ok(());
        };
        check_epoch(header, entry.epoch)?;
        if marker.coordinator_epoch < entry.coordinator_epoch {
            return Err(Error::coded(
                Code::TransactionCoordinatorFenced,
                format!(
                    "marker for producer {} by a coordinator of epoch {}, but epoch {} has written \
                     one already",
                    header.producer_id, marker.coordinator_epoch, entry.coordinator_epoch
                ),
            ));
        }
        Ok(())
    }
}

fn check_batch(
    header: &BatchHeader,
    entry: Option<&ProducerEntry>,
    before: Option<&BatchHeader>,
    from_client: bool,
) -> Result<()> {
    // The latest that is known: the same run's, else what the log has.
    let epoch = before
        .map(|b| b.producer_epoch)
        .or_else(|| entry.map(|e| e.epoch))
        .unwrap_or(ProducerEpoch::NONE);
    check_epoch(header, epoch)?;
    let open = entry.is_some_and(|e| e.txn_first_offset.is_some())
        || before.is_some_and(|b| b.attributes.is_transactional());
    if open && !header.attributes.is_transactional() {
        return Err(Error::coded(
            Code::InvalidTxnState,
            format!(
                "producer {} has an open transaction, but the batch is outside of it",
                header.producer_id
            ),
        ));
    }
    if !from_client {
        return Ok(());
    }
    let expected = match before {
        Some(b) if b.producer_epoch == header.producer_epoch => {
            Some(next_sequence(b.last_sequence()))
        }
        // A new epoch starts at 0; a producer that nothing is known of (its records may have been
        // deleted) starts where it likes.
        _ if header.producer_epoch != epoch => (epoch != ProducerEpoch::NONE).then_some(0),
        _ => entry.map(|e| e.last_batch().map_or(0, |b| next_sequence(b.last_sequence))),
    };
    match expected {
        Some(expected) if expected != header.base_sequence => Err(Error::coded(
            Code::OutOfOrderSequenceNumber,
            format!(
                "producer {} sent sequence {} in epoch {}, but {expected} comes next",
                header.producer_id, header.base_sequence, header.producer_epoch
            ),
        )),
        _ => Ok(()),
    }
}

fn check_epoch(header: &BatchHeader, current: ProducerEpoch) -> Result<()> {
    if header.producer_epoch >= current {
        return Ok(());
    }
    Err(Error::coded(
        Code::InvalidProducerEpoch,
        format!(
            "producer {} sent epoch {}, but epoch {current} has taken its place",
            header.producer_id, header.producer_epoch
        ),
    ))
}

fn next_sequence(last: i32) -> i32 {
    if last < 0 { 0 } else { sequence_plus(last, 1) }
}
