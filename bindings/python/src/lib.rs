//! `levada._levada`: the engine as Python classes. What users import is `python/levada`, which gives
//! these classes their arguments, documentation and types.

#![deny(unsafe_code)]

mod arrow;
mod bell;
mod callbacks;
mod cli;
mod consumer;
mod convert;
mod database;
mod delivery;
mod enter;
mod errors;
mod groups;
mod hears;
mod many;
mod producer;
mod records;
mod scan;
mod sending;
mod server;
mod topics;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _levada {
    #[pymodule_export]
    use crate::arrow::ArrowBatches;
    #[pymodule_export]
    use crate::bell::Bell;
    #[pymodule_export]
    use crate::cli::cli_main;
    #[pymodule_export]
    use crate::consumer::{Commit, ConsumerCore};
    #[pymodule_export]
    use crate::database::Core;
    #[pymodule_export]
    use crate::delivery::{Bulk, Delivery, RecordMetadata};
    #[pymodule_export]
    use crate::enter::{before_fork, forked_child, forked_parent};
    #[pymodule_export]
    use crate::groups::Groups;
    #[pymodule_export]
    use crate::producer::ProducerCore;
    #[pymodule_export]
    use crate::records::{Record, Records, RecordsIterator};
    #[pymodule_export]
    use crate::scan::Scan;
    #[pymodule_export]
    use crate::sending::Sending;
    #[pymodule_export]
    use crate::server::ServerCore;
    #[pymodule_export]
    use crate::topics::Topics;
}
