//! `send_arrow`: the rows of an Arrow stream as records, without the interpreter lock.

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch};
use levada::embedded::arrow::Rows;
use levada::embedded::{Bulk, Producer};
use levada::{Error, Result};
use pyo3::prelude::*;

use super::import::{Incoming, arrow_error};
use crate::enter::enter;
use crate::errors::OrRaise;
use crate::sending::Step;

/// After this many rows Ctrl-C is looked for.
const ROWS_IN_A_STEP: usize = 1 << 16;

/// The rows of Arrow data, and how far they are sent.
pub struct ArrowRows {
    incoming: Incoming,
    /// The column `partition` says where a record goes.
    keep_partitions: bool,
    /// The batch that is being sent, and its first row that is not.
    current: Option<(Rows, usize)>,
}

impl ArrowRows {
    pub fn open(data: &Bound<'_, PyAny>, keep_partitions: bool) -> PyResult<ArrowRows> {
        Ok(ArrowRows {
            incoming: Incoming::open(data)?,
            keep_partitions,
            current: None,
        })
    }

    /// Takes the next batch when there is none, and sends some of its rows.
    pub fn step(
        &mut self,
        py: Python<'_>,
        producer: &Producer,
        topic: &str,
        bulk: &mut Bulk,
    ) -> PyResult<Step> {
        if self.current.is_none() {
            let Some(batch) = self.next_batch(py)? else {
                return Ok(Step::Done);
            };
            let rows = enter(py, || Rows::open(&batch, self.keep_partitions))?;
            self.current = Some((rows, 0));
        }
        let Some((rows, next)) = &mut self.current else {
            return Ok(Step::More);
        };
        let until = rows.count().min(*next + ROWS_IN_A_STEP);
        let reached = enter(py, || rows.send(producer, topic, *next..until, bulk))?;
        *next = reached.next;
        if *next == rows.count() {
            self.current = None;
        }
        Ok(reached.full.map_or(Step::More, Step::Full))
    }

    fn next_batch(&mut self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        match std::mem::replace(&mut self.incoming, Incoming::End) {
            Incoming::One(array) => as_batch(&array).map(Some).or_raise(),
            // A stream made in Python takes the interpreter lock itself while it gives a batch.
            Incoming::Stream(mut stream) => {
                let batch = py.detach(|| stream.next());
                self.incoming = Incoming::Stream(stream);
                batch.transpose().map_err(arrow_error)
            }
            Incoming::End => Ok(None),
        }
    }
}

fn as_batch(array: &ArrayRef) -> Result<RecordBatch> {
    match array.as_struct_opt() {
        Some(columns) => Ok(RecordBatch::from(columns.clone())),
        None => Err(Error::invalid(
            "an Arrow array without columns: give a table or a record batch, or use send_many",
        )),
    }
}
