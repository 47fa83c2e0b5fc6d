//! Many rows on their way into a producer, sent in steps: whoever sends waits for room in his own way,
//! a thread by sleeping, an event loop by a bell.

use std::sync::Arc;

use levada::embedded::{Bulk, Producer, TopicWriter};
use levada::sync::Mutex;
use levada::{Error, Kind};
use pyo3::prelude::*;

use crate::arrow::ArrowRows;
use crate::bell::Bell;
use crate::delivery;
use crate::enter::{Held, quick};
use crate::errors::to_py;
use crate::many::ValueRows;
use crate::producer::make_room;

/// How a step ended.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// All rows are sent.
    Done,
    /// There is more; others may have a turn before.
    More,
    /// This lane has no room.
    Full(usize),
}

pub enum Rows {
    Values(Box<ValueRows>),
    Arrow(Box<ArrowRows>),
}

struct Work {
    rows: Rows,
    bulk: Bulk,
    full: Option<usize>,
}

#[pyclass(frozen, module = "levada._levada")]
pub struct Sending {
    producer: Held<Arc<Producer>>,
    topic: Arc<str>,
    /// Never waited for: values may be objects whose code comes back here.
    work: Mutex<Work>,
}

impl Sending {
    pub fn new(producer: &Arc<Producer>, writer: &TopicWriter, rows: Rows) -> Sending {
        let work = Work {
            rows,
            bulk: Bulk::default(),
            full: None,
        };
        Sending {
            producer: Held::new(producer.clone()),
            topic: writer.name().clone(),
            work: Mutex::new(work),
        }
    }

    /// Sends until all is sent, and waits for room meanwhile.
    pub fn send_all(&self, py: Python<'_>) -> PyResult<delivery::Bulk> {
        loop {
            match self.advance(py)? {
                Step::Done => return self.bulk(),
                Step::More => {
                    py.check_signals()?;
                    py.detach(|| {});
                }
                Step::Full(lane) => {
                    let producer = self.producer.get()?;
                    let writer = quick(|| producer.topic(&self.topic))?;
                    make_room(py, producer, &writer, lane)?;
                }
            }
        }
    }

    fn advance(&self, py: Python<'_>) -> PyResult<Step> {
        let producer = self.producer.get()?;
        let mut work = self.work.try_lock().ok_or_else(|| {
            let message = "these rows are being sent by another thread";
            to_py(Error::new(Kind::Conflict, message))
        })?;
        let Work { rows, bulk, full } = &mut *work;
        let step = match rows {
            Rows::Values(rows) => rows.step(py, producer, &self.topic, bulk)?,
            Rows::Arrow(rows) => rows.step(py, producer, &self.topic, bulk)?,
        };
        *full = match step {
            Step::Full(lane) => Some(lane),
            Step::Done | Step::More => None,
        };
        Ok(step)
    }
}

#[pymethods]
impl Sending {
    /// Sends some rows: `done`, `more` are left, or `full`: come back when `on_room` rings.
    fn step(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(match self.advance(py)? {
            Step::Done => "done",
            Step::More => "more",
            Step::Full(_) => "full",
        })
    }

    fn on_room(&self, bell: &Bell, number: u64) -> PyResult<()> {
        let producer = self.producer.get()?;
        let writer = quick(|| producer.topic(&self.topic))?;
        let full = self.work.lock().full;
        producer.on_room(full.map(|lane| (&*writer, lane)), bell.ringer(number));
        Ok(())
    }

    /// What was sent so far.
    fn bulk(&self) -> PyResult<delivery::Bulk> {
        self.producer.get()?;
        let sent = std::mem::take(&mut self.work.lock().bulk);
        Ok(delivery::Bulk::new(sent))
    }
}
