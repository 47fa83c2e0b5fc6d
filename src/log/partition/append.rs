//! Appending.
//!
//! Cost a batch: its validation (outside of the lock), one hash look-up for its producer, an index
//! entry every 4 KiB in memory. One positioned write for all batches of a call, straight from the
//! caller's bytes: only the headers are copied. Nothing a record, nothing that grows with the log.

use std::io::IoSlice;

use smallvec::SmallVec;

use super::Partition;
use super::open::Writer;
use super::options::{Append, Appended};
use super::state::Ended;
use crate::config::{TimestampType, TopicConfig};
use crate::error::{Code, Error, Result};
use crate::log::Aborted;
use crate::log::producers::{Completed, Marker, Verdict};
use crate::record::{BatchHeader, BatchView, HEADER_BYTES, Rules, set_offsets, validate};
use crate::types::{LeaderEpoch, Offset, Timestamp};

/// A batch that has its place.
struct Placed {
    header: BatchHeader,
    marker: Option<Marker>,
}

type Batches = SmallVec<[Placed; 1]>;

impl Partition {
    /// Validates, sequences, assigns offsets, writes; one positioned write. What it gives back is
    /// appended, not durable and not visible.
    ///
    /// Errors: what validation and producer state refuse (with Kafka's codes); Unavailable when the
    /// disk is full (retry when there is room) and, for good, after a failure that left the file in
    /// doubt.
    pub fn append(&self, append: Append<'_>) -> Result<Appended> {
        self.append_verified(append, None)
    }

    /// As [`append`](Self::append), for batches of a transaction that the coordinator has looked at when
    /// the appended end was `verified_at`. A marker of the same producer behind that offset has ended
    /// the transaction meanwhile: InvalidTxnState (KIP-890). Without this, a batch that comes late would
    /// open a transaction that nobody ends.
    pub fn append_in_transaction(
        &self,
        append: Append<'_>,
        verified_at: Offset,
    ) -> Result<Appended> {
        self.append_verified(append, Some(verified_at))
    }

    fn append_verified(&self, append: Append<'_>, verified_at: Option<Offset>) -> Result<Appended> {
        let config = self.config();
        let rules = Rules {
            config: &config,
            now: self.options.clock.now(),
            internal: append.internal,
            trusted: append.trusted,
        };
        let checked = validate(append.batches, &rules).map_err(|e| e.at(&self.options.name))?;
        let bytes = checked.rewritten.as_deref().unwrap_or(append.batches);
        if checked.batches.is_empty() {
            return Err(
                Error::coded(Code::InvalidRecord, "there is no batch to append")
                    .at(&self.options.name),
            );
        }
        let append_time = match config.message_timestamp_type {
            TimestampType::LogAppendTime => rules.now,
            TimestampType::CreateTime => Timestamp::NONE,
        };

        let mut writer = self.writer.lock();
        let log_start = {
            let state = self.state.read();
            state
                .check_writable()
                .map_err(|e| e.at(&self.options.name))?;
            writer.producers.on_visible(state.visible);
            state.log_start
        };
        let verdict = writer.producers.check(&checked.batches, !append.internal);
        if let Verdict::Duplicate { base, last } = verdict.map_err(|e| e.at(&self.options.name))? {
            return Ok(Appended {
                base_offset: base,
                last_offset: last,
                append_time,
                log_start,
                duplicate: true,
                flush_due: false,
            });
        }
        if let Some(verified_at) = verified_at {
            let open = writer
                .producers
                .check_verified(&checked.batches, verified_at);
            open.map_err(|e| e.at(&self.options.name))?;
        }
        let base_offset = writer.growth.tail.next;
        let placed = place(
            &checked.batches,
            bytes,
            base_offset,
            append.leader_epoch,
            &writer,
        )
        .map_err(|e| e.at(&self.options.name))?;
        self.roll_if_full(&mut writer, &placed, bytes.len() as u64, &config)?;
        self.write(&writer, bytes, &placed)?;
        let ended = self.enter(&mut writer, &placed, config.index_interval_bytes);
        let ended = ended.inspect_err(|e| self.poison(e))?;
        let flush_due = self.publish(&writer, base_offset, append.leader_epoch, ended, &config);
        Ok(Appended {
            base_offset,
            last_offset: writer.growth.tail.next.plus(-1),
            append_time,
            log_start,
            duplicate: false,
            flush_due,
        })
    }

    /// Seals the active segment when this append does not belong into it any more.
    fn roll_if_full(
        &self,
        writer: &mut Writer,
        placed: &[Placed],
        bytes: u64,
        config: &TopicConfig,
    ) -> Result<()> {
        let last = placed
            .last()
            .map_or(writer.growth.tail.next, |p| p.header.last_offset());
        let latest = placed.iter().map(|p| p.header.max_timestamp).max();
        if self.is_full(writer, bytes, last, latest, config)? {
            self.roll_locked(writer)?;
        }
        // Positions in the index are 31 bits, offsets too.
        if writer.growth.tail.size + bytes > i32::MAX as u64 {
            return Err(Error::coded(
                Code::RecordListTooLarge,
                format!("{bytes} bytes do not fit into one segment: append less at once"),
            ));
        }
        Ok(())
    }

    /// One positioned write at the end of the active segment. When it fails, what it wrote is cut
    /// off again; when that fails as well, nobody knows what the file holds.
    fn write(&self, writer: &Writer, bytes: &[u8], placed: &[Placed]) -> Result<()> {
        let mut headers: SmallVec<[[u8; HEADER_BYTES]; 4]> = SmallVec::new();
        let mut bodies: SmallVec<[&[u8]; 4]> = SmallVec::new();
        let mut rest = bytes;
        for batch in placed {
            let cut = rest
                .split_at_checked(batch.header.size_bytes)
                .and_then(|(whole, after)| {
                    Some((whole.split_first_chunk::<HEADER_BYTES>()?, after))
                });
            let Some(((header, body), after)) = cut else {
                return Err(Error::internal(
                    "validated batches are longer than their bytes",
                ));
            };
            let mut header = *header;
            set_offsets(
                &mut header,
                batch.header.base_offset,
                batch.header.leader_epoch,
            );
            headers.push(header);
            bodies.push(body);
            rest = after;
        }
        let mut parts: SmallVec<[IoSlice<'_>; 8]> = SmallVec::new();
        for (header, body) in headers.iter().zip(&bodies) {
            parts.push(IoSlice::new(header));
            parts.push(IoSlice::new(body));
        }
        let segment = &writer.active;
        let position = writer.growth.tail.size;
        let wrong = |e| Error::io(format_args!("append to {}", segment.path().display()), e);
        let file = segment.file().map_err(wrong)?;
        if let Err(e) = file.write_at(&parts, position) {
            let error = wrong(e);
            let Err(e) = file.set_len(position) else {
                return Err(error);
            };
            let error = error.in_doubt();
            self.poison(&error);
            tracing::error!(%error, cut = %e, "a failed append could not be taken back");
            return Err(error);
        }
        Ok(())
    }

    /// The bytes are in the file: indexes and producer state learn of them. Gives the transactions
    /// that ended.
    fn enter(
        &self,
        writer: &mut Writer,
        placed: &[Placed],
        interval: u32,
    ) -> Result<SmallVec<[Ended; 1]>> {
        let indexes = writer.active.indexes();
        let mut ended = SmallVec::new();
        for batch in placed {
            if writer.growth.tail.size == 0 {
                writer.first_timestamp = Some(batch.header.max_timestamp);
                writer.since = self.options.clock.monotonic();
            }
            writer.growth.add(&batch.header, &indexes, interval)?;
            let Some(marker) = batch.marker else {
                writer.producers.update(&batch.header);
                continue;
            };
            if let Some(done) = writer.producers.update_marker(&batch.header, marker) {
                if done.aborted {
                    indexes.txn.append(&aborted(&done))?;
                }
                ended.push(Ended {
                    first: done.first_offset,
                    marker: done.last_offset,
                });
            }
        }
        writer.indexes_changed = true;
        writer.active.set_tail(writer.growth.tail);
        Ok(ended)
    }

    /// Readers see the new end. Gives whether a sync is due.
    fn publish(
        &self,
        writer: &Writer,
        base: Offset,
        epoch: LeaderEpoch,
        ended: SmallVec<[Ended; 1]>,
        config: &TopicConfig,
    ) -> bool {
        let mut state = self.state.write();
        state.appended = writer.growth.tail.next;
        state.first_unstable = writer.producers.first_open().map(|(offset, _)| offset);
        if !ended.is_empty() {
            state.segments.note_aborted(&writer.active);
        }
        state.ended.extend(ended);
        state.assign_epoch(epoch, base);
        state.mark_unsynced(&writer.active);
        self.flush_due(&mut state, config)
    }

    /// Neither closed nor failed.
    pub fn takes_writes(&self) -> bool {
        self.state.read().check_writable().is_ok()
    }

    /// No appends until the log is reopened.
    pub(crate) fn poison(&self, why: &Error) {
        self.state.write().failed.get_or_insert_with(|| why.clone());
    }
}

/// Gives the batches their offsets and checks the markers among them.
fn place(
    headers: &[BatchHeader],
    bytes: &[u8],
    base: Offset,
    epoch: LeaderEpoch,
    writer: &Writer,
) -> Result<Batches> {
    let mut placed = Batches::new();
    let (mut next, mut at) = (base, 0);
    for header in headers {
        let mut header = *header;
        header.base_offset = next;
        header.leader_epoch = epoch;
        next = header.next_offset();
        let mut marker = None;
        if header.attributes.is_control() {
            let batch = BatchView::parse(bytes.get(at..).unwrap_or_default())?;
            marker = Marker::of(&batch)?;
            if let Some(marker) = &marker {
                writer.producers.check_marker(&header, marker)?;
            }
        }
        at += header.size_bytes;
        placed.push(Placed { header, marker });
    }
    Ok(placed)
}

/// A transaction as its index records it.
pub(in crate::log) fn aborted(done: &Completed) -> Aborted {
    Aborted {
        producer_id: done.producer_id,
        first_offset: done.first_offset,
        last_offset: done.last_offset,
        last_stable: done.last_stable,
    }
}
