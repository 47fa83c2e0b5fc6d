//! Offsets that are part of a transaction: committed into it, and counted or forgotten when it ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::host::{Groups, now};
use super::ticket::CommitTicket;
use super::view::View;
use crate::engine::engine::Engine;
use crate::engine::groups::{
    Committed, FetchAs, OffsetOutcome, RecordBytes, TransactionalCommit, offsets_partition,
};
use crate::engine::partition::PartitionHandle;
use crate::error::{Error, Result};
use crate::log::Append;
use crate::record::{BatchBuilder, BuildOptions};
use crate::types::{Offset, ProducerId, Timestamp, TopicPartition};

/// The log's answer to whether a partition belongs to a transaction: see
/// [`PartitionHandle::append_in_transaction`].
type VerifiedAt = Offset;

impl Groups {
    /// Appends offsets as part of a producer's transaction, which holds the group's partition of
    /// `__consumer_offsets` since `verified_at`. What is refused is so one by one; the ticket tells when
    /// the rest is durable, `None` when there is no rest.
    pub(in crate::engine) fn commit_transactional(
        &self,
        request: &TransactionalCommit,
        verified_at: VerifiedAt,
    ) -> Result<(Vec<OffsetOutcome>, Option<CommitTicket>)> {
        let (engine, mut state) = self.enter()?;
        let now = now(&engine);
        let plan = {
            let table = engine.table.read();
            let version = engine.version.load(Ordering::Acquire);
            let view = View {
                table: &table,
                version,
            };
            state
                .coordinator
                .commit_transactional(request, &view, now)?
        };
        if plan.is_empty() {
            return Ok((state.coordinator.apply(plan, now), None));
        }
        let topic = Engine::internal(&engine).topic(crate::config::CONSUMER_OFFSETS)?;
        let count = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
        let index = offsets_partition(plan.group(), count);
        let found = usize::try_from(index).ok();
        let handle = found.and_then(|at| topic.partitions().get(at));
        let handle = handle
            .ok_or_else(|| Error::internal(format!("{} has no partition {index}", topic.name())))?;
        let batch = batch(plan.records(), request, now.wall)?;
        let append = Append {
            batches: &batch,
            leader_epoch: handle.leader_epoch(),
            internal: true,
            trusted: true,
        };
        let appended = handle.append_in_transaction(append, verified_at)?;
        let ticket = CommitTicket::new(handle.clone(), appended.last_offset);
        Ok((state.coordinator.apply(plan, now), Some(ticket)))
    }

    /// Writes a marker to a partition of `__consumer_offsets`: the producer's offsets there count, or
    /// are forgotten. Under one lock, so that no commit comes between the two.
    pub(in crate::engine) fn end_transaction(
        &self,
        handle: &Arc<PartitionHandle>,
        marker: Append<'_>,
        producer: ProducerId,
        commit: bool,
    ) -> Result<Offset> {
        let (engine, mut state) = self.enter()?;
        let topic = engine.table.read().get(&handle.name().topic).cloned();
        let count = topic.map_or(1, |t| t.partitions().len());
        let place = (
            handle.name().partition,
            i32::try_from(count).unwrap_or(i32::MAX),
        );
        let appended = handle.append(marker)?;
        let ended = state
            .coordinator
            .complete_transaction_in(producer, commit, place);
        drop(state);
        if ended > 0 {
            // Some member may wait for it to know where to begin.
            self.tell_all();
        }
        Ok(appended.last_offset)
    }

    /// What `group` has committed for a partition, once no open transaction may change it (KIP-447).
    ///
    /// Errors: UnstableOffsetCommit (retriable) while one may.
    pub fn committed_when_stable(
        &self,
        group: &str,
        partition: &TopicPartition,
    ) -> Result<Option<Committed>> {
        let (_, state) = self.enter()?;
        let wanted = [(partition.topic.clone(), partition.partition)];
        let coordinator = &state.coordinator;
        let mut outcomes =
            coordinator.fetch_offsets(&group.into(), &FetchAs::Anyone, Some(&wanted), true)?;
        outcomes.pop().map_or(Ok(None), |outcome| outcome.result)
    }
}

fn batch(
    records: impl Iterator<Item = RecordBytes>,
    request: &TransactionalCommit,
    now: Timestamp,
) -> Result<Vec<u8>> {
    let mut builder = BatchBuilder::default();
    for record in records {
        builder.push(now, Some(&record.key), record.value.as_deref(), &[]);
    }
    // A coordinator's batches are not told apart by sequence; Kafka's say 0 too.
    let options = BuildOptions {
        producer_id: request.producer,
        producer_epoch: request.producer_epoch,
        base_sequence: 0,
        transactional: true,
        ..BuildOptions::default()
    };
    Ok(builder.finish(&options)?.to_vec())
}
