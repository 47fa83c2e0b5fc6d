//! Transactions as a walk over the log meets them: which data was aborted, which markers nobody
//! needs any more.

use std::collections::{HashMap, HashSet};

use crate::error::Result;
use crate::log::{Aborted, Marker};
use crate::record::{BatchHeader, BatchView};
use crate::types::{Offset, ProducerId};

/// What the walk learned of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Data that counts, or a marker of a transaction whose data is still in the log.
    Keep,
    /// Data of an aborted transaction, or a marker whose transaction has no data left.
    Discard,
}

/// Feed it every batch of the range in order.
#[derive(Debug, Default)]
pub struct TxnWalk {
    /// By first offset, descending: the next one is popped off the end.
    coming: Vec<Aborted>,
    /// Aborted and begun, not yet ended; and whether data of it was met.
    aborted: HashMap<ProducerId, (Aborted, bool)>,
    /// Producers with data that was not aborted, since their last marker.
    committed: HashSet<ProducerId>,
}

impl TxnWalk {
    pub fn new(mut aborted: Vec<Aborted>) -> TxnWalk {
        aborted.sort_unstable_by_key(|a| std::cmp::Reverse(a.first_offset));
        TxnWalk {
            coming: aborted,
            ..TxnWalk::default()
        }
    }

    pub fn data(&mut self, header: &BatchHeader) -> Fate {
        self.advance(header.last_offset());
        if !header.attributes.is_transactional() {
            return Fate::Keep;
        }
        // A marker that is gone ends its transaction all the same: what follows is another's.
        let over = |(a, _): &(Aborted, bool)| a.last_offset < header.base_offset;
        match self.aborted.get_mut(&header.producer_id) {
            Some(open) if !over(open) => {
                open.1 = true;
                Fate::Discard
            }
            _ => {
                self.committed.insert(header.producer_id);
                Fate::Keep
            }
        }
    }

    /// A control batch; with the entry for the new transaction index when it is an abort marker
    /// that is still needed.
    pub fn control(&mut self, batch: &BatchView<'_>) -> Result<(Fate, Option<Aborted>)> {
        let header = batch.header();
        self.advance(header.last_offset());
        if header.count == 0 {
            return Ok((Fate::Discard, None));
        }
        let Some(marker) = Marker::of(batch)? else {
            return Ok((Fate::Keep, None));
        };
        if marker.commit {
            let had_data = self.committed.remove(&header.producer_id);
            let fate = if had_data { Fate::Keep } else { Fate::Discard };
            return Ok((fate, None));
        }
        match self.aborted.remove(&header.producer_id) {
            Some((aborted, true)) => Ok((Fate::Keep, Some(aborted))),
            _ => Ok((Fate::Discard, None)),
        }
    }

    fn advance(&mut self, to: Offset) {
        while let Some(next) = self.coming.pop_if(|a| a.first_offset <= to) {
            self.aborted.insert(next.producer_id, (next, false));
        }
    }
}
