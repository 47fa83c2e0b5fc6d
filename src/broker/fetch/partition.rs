//! One partition of a fetch.

use std::sync::Arc;

use crate::broker::handlers::epochs;
use crate::engine::{Engine, PartitionHandle};
use crate::error::{Error, Result};
use crate::protocol::messages::fetch::{FetchPartition, PartitionData};
use crate::types::{LeaderEpoch, Offset, TopicId};

/// What a request calls a partition: the topic by its name (to version 12) or its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::broker) struct Place {
    /// Empty when the topic has an id.
    pub topic: Arc<str>,
    pub topic_id: TopicId,
    pub partition: i32,
}

impl Place {
    fn find(&self, engine: &Engine) -> Result<Arc<PartitionHandle>> {
        match self.topic_id {
            TopicId::NONE => engine.partition(&self.topic, self.partition),
            id => engine.partition_by_id(id, self.partition),
        }
    }
}

/// A partition that a client wants to read, and what it was told last.
#[derive(Clone, Debug)]
pub(in crate::broker) struct Wanted {
    pub place: Place,
    pub from: Offset,
    pub max_bytes: usize,
    /// The epoch that the client takes for the current one; -1 when it does not say.
    current_epoch: i32,
    /// The epoch of the last record that it has (KIP-595); -1 when it does not say.
    last_epoch: i32,
    /// As of `version` of the metadata.
    handle: Option<Arc<PartitionHandle>>,
    version: u64,
    /// The ends in the last answer of a session; an answer that says nothing new is left out.
    told: Option<(i64, i64, i64)>,
}

impl Wanted {
    pub fn new(place: Place, asked: &FetchPartition) -> Wanted {
        Wanted {
            place,
            from: Offset(asked.fetch_offset),
            max_bytes: usize::try_from(asked.partition_max_bytes).unwrap_or(0),
            current_epoch: asked.current_leader_epoch,
            last_epoch: asked.last_fetched_epoch,
            handle: None,
            version: 0,
            told: None,
        }
    }

    /// Takes over what a later request of the session says.
    pub fn update(&mut self, asked: &FetchPartition) {
        self.from = Offset(asked.fetch_offset);
        self.max_bytes = usize::try_from(asked.partition_max_bytes).unwrap_or(0);
        self.current_epoch = asked.current_leader_epoch;
        self.last_epoch = asked.last_fetched_epoch;
    }

    /// The partition, looked up again when topics have changed.
    pub fn handle(&mut self, engine: &Engine) -> Result<Arc<PartitionHandle>> {
        let version = engine.metadata_version();
        let handle = match self.handle.take().filter(|_| self.version == version) {
            Some(handle) => handle,
            None => self.place.find(engine)?,
        };
        (self.handle, self.version) = (Some(handle.clone()), version);
        epochs::check_current(&handle, self.current_epoch)?;
        Ok(handle)
    }

    /// The handle of the last look-up.
    pub fn known(&self) -> Option<&Arc<PartitionHandle>> {
        self.handle.as_ref()
    }

    /// Where the client's log and this one part, if they do: it is to truncate there.
    pub fn diverges(&self, handle: &PartitionHandle) -> Result<Option<(LeaderEpoch, Offset)>> {
        if self.last_epoch < 0 {
            return Ok(None);
        }
        let last = LeaderEpoch(self.last_epoch);
        let end = handle.log()?.epoch_end(last);
        Ok(end.filter(|(epoch, end)| *epoch < last || *end < self.from))
    }

    /// Whether a session's answer has to have this partition; remembers what it says.
    pub fn is_news(&mut self, data: &PartitionData<'_>) -> bool {
        let ends = (
            data.high_watermark,
            data.last_stable_offset,
            data.log_start_offset,
        );
        let records = data.records.as_ref().is_some_and(|r| !r.is_empty());
        let changed = self.told != Some(ends);
        self.told = Some(ends);
        if data.error_code != 0 {
            // Said again and again until it is over.
            self.told = None;
            return true;
        }
        records || changed || data.diverging_epoch.epoch >= 0
    }
}

/// The answer for a partition that cannot be read.
pub(super) fn refused<'a>(partition_index: i32, error: &Error) -> PartitionData<'a> {
    PartitionData {
        partition_index,
        error_code: error.code().number(),
        high_watermark: -1,
        aborted_transactions: None,
        records: Some(bytes::Bytes::new().into()),
        ..PartitionData::default()
    }
}
