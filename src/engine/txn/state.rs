//! Where a transaction is.

/// The states of a transactional id. Numbers and names are Kafka's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TxnState {
    /// The producer has begun nothing since it got its id and epoch.
    #[default]
    Empty,
    /// Partitions are in the transaction.
    Ongoing,
    /// Decided; markers are being written.
    PrepareCommit,
    PrepareAbort,
    /// All markers are written.
    CompleteCommit,
    CompleteAbort,
    /// The id expired. Never stored: its record is removed.
    Dead,
    /// Kafka's way to fence a producer while its transaction is aborted. Never stored here: the abort
    /// and the new epoch are one record.
    PrepareEpochFence,
}

impl TxnState {
    pub const ALL: [TxnState; 8] = [
        TxnState::Empty,
        TxnState::Ongoing,
        TxnState::PrepareCommit,
        TxnState::PrepareAbort,
        TxnState::CompleteCommit,
        TxnState::CompleteAbort,
        TxnState::Dead,
        TxnState::PrepareEpochFence,
    ];

    pub const fn number(self) -> i8 {
        self as i8
    }

    pub fn from_number(number: i8) -> Option<TxnState> {
        Self::ALL.into_iter().find(|s| s.number() == number)
    }

    /// As DescribeTransactions and ListTransactions say it.
    pub const fn name(self) -> &'static str {
        match self {
            TxnState::Empty => "Empty",
            TxnState::Ongoing => "Ongoing",
            TxnState::PrepareCommit => "PrepareCommit",
            TxnState::PrepareAbort => "PrepareAbort",
            TxnState::CompleteCommit => "CompleteCommit",
            TxnState::CompleteAbort => "CompleteAbort",
            TxnState::Dead => "Dead",
            TxnState::PrepareEpochFence => "PrepareEpochFence",
        }
    }

    pub fn parse(name: &str) -> Option<TxnState> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// Decided, and not all markers are written: `Some(true)` for a commit.
    pub const fn ending(self) -> Option<bool> {
        match self {
            TxnState::PrepareCommit => Some(true),
            TxnState::PrepareAbort | TxnState::PrepareEpochFence => Some(false),
            _ => None,
        }
    }

    /// Nothing is open: a transaction may begin, the id may expire.
    pub const fn is_idle(self) -> bool {
        matches!(
            self,
            TxnState::Empty | TxnState::CompleteCommit | TxnState::CompleteAbort
        )
    }
}
