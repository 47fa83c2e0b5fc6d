//! THE table: what is served, and by whom. ApiVersions and `docs/apis.md` are made from it.

use super::{cluster, records, transactions};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::error::Result;
use crate::protocol::ApiKey;

/// Answers a request. An error closes the connection: the request cannot be understood.
pub(in crate::broker) type Serve = fn(&Call<'_>) -> Result<Answer>;

/// Where a handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) enum Run {
    /// On the connection's task: it works in memory and the page cache. It may still ask to be called
    /// again where waiting is allowed.
    Inline,
    /// On a thread that may wait for the disk.
    Blocking,
}

#[derive(Clone, Copy)]
pub(in crate::broker) struct Row {
    pub api: ApiKey,
    pub run: Run,
    pub serve: Serve,
}

const fn inline(api: ApiKey, serve: Serve) -> Row {
    let run = Run::Inline;
    Row { api, run, serve }
}

const fn blocking(api: ApiKey, serve: Serve) -> Row {
    let run = Run::Blocking;
    Row { api, run, serve }
}

/// By key.
pub(in crate::broker) const TABLE: &[Row] = &[
    inline(ApiKey::Produce, records::produce::serve),
    inline(ApiKey::Fetch, records::fetch::serve),
    inline(ApiKey::ListOffsets, records::list_offsets::serve),
    inline(ApiKey::Metadata, cluster::metadata::serve),
    inline(ApiKey::ApiVersions, cluster::api_versions::serve),
    inline(
        ApiKey::InitProducerId,
        transactions::init_producer_id::serve,
    ),
    inline(
        ApiKey::AddPartitionsToTxn,
        transactions::add_partitions::serve,
    ),
    inline(ApiKey::AddOffsetsToTxn, transactions::add_offsets::serve),
    inline(ApiKey::EndTxn, transactions::end_txn::serve),
    inline(
        ApiKey::WriteTxnMarkers,
        transactions::write_txn_markers::serve,
    ),
    inline(
        ApiKey::TxnOffsetCommit,
        transactions::txn_offset_commit::serve,
    ),
    inline(
        ApiKey::DescribeProducers,
        transactions::describe_producers::serve,
    ),
    blocking(
        ApiKey::DescribeTransactions,
        transactions::describe_transactions::serve,
    ),
    blocking(
        ApiKey::ListTransactions,
        transactions::list_transactions::serve,
    ),
];

pub(super) fn row(api: ApiKey) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.api == api)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_ascend_by_key() {
        assert!(TABLE.is_sorted_by(|a, b| a.api < b.api));
    }
}
