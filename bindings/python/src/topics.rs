//! Topics: making, describing, changing, removing. Rows of plain values; the classes are Python's.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use levada::config::{Scope, check_topic_name, effective, is_internal_topic};
use levada::embedded::Database;
use levada::embedded::{ConfigOp, MoveOut, NewTopic, TopicHandle};
use levada::types::{Offset, Timestamp};
use levada::{Error, Result};
use pyo3::prelude::*;

use crate::convert::Fit;
use crate::enter::{Held, aside, enter};

/// Id, number of partitions, when it was made in ms, whether it is internal.
type About = (String, usize, i64, bool);

#[pyclass(frozen, module = "levada._levada")]
#[derive(Debug)]
pub struct Topics {
    inner: Held<Database>,
}

impl Topics {
    pub fn new(database: Database) -> Topics {
        Topics {
            inner: Held::new(database),
        }
    }
}

fn about(topic: &Arc<TopicHandle>) -> About {
    (
        topic.id().to_string(),
        topic.partitions().len(),
        topic.created().get(),
        is_internal_topic(topic.name()),
    )
}

#[pymethods]
impl Topics {
    fn create(
        &self,
        py: Python<'_>,
        name: &str,
        partitions: Fit<i32>,
        config: Vec<(String, String)>,
    ) -> PyResult<About> {
        let database = self.inner.get()?;
        enter(py, || {
            let mut new = NewTopic::new(name, partitions.0);
            new.config = config;
            database.engine().create_topic(&new).map(|t| about(&t))
        })
    }

    fn get(&self, py: Python<'_>, name: &str) -> PyResult<About> {
        let database = self.inner.get()?;
        enter(py, || {
            check_topic_name(name)?;
            database.engine().topic(name).map(|t| about(&t))
        })
    }

    fn names(&self, py: Python<'_>, internal: bool) -> PyResult<Vec<String>> {
        let database = self.inner.get()?;
        enter(py, || {
            let topics = database.engine().topics()?;
            let names = topics.iter().map(|t| t.name().to_string());
            Ok(names
                .filter(|n| internal || !is_internal_topic(n))
                .collect())
        })
    }

    fn delete(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        let database = self.inner.get()?;
        enter(py, || database.engine().delete_topic(name))
    }

    fn set_partitions(&self, py: Python<'_>, name: &str, count: Fit<i32>) -> PyResult<About> {
        let database = self.inner.get()?;
        enter(py, || {
            let topic = database.engine().add_partitions(name, count.0)?;
            Ok(about(&topic))
        })
    }

    /// Name, value (`None`: unset) and source of every setting.
    fn config(
        &self,
        py: Python<'_>,
        name: &str,
    ) -> PyResult<Vec<(String, Option<String>, String)>> {
        let database = self.inner.get()?;
        enter(py, || {
            let topic = database.engine().topic(name)?;
            let broker = database.engine().broker_settings();
            let entries = effective(Scope::Topic, topic.overrides(), &broker);
            let row = |e: levada::config::Entry| {
                (e.key.name.to_owned(), e.value, e.source.name().to_owned())
            };
            Ok(entries.into_iter().map(row).collect())
        })
    }

    /// `None` as a value: back to the default.
    fn alter(
        &self,
        py: Python<'_>,
        name: &str,
        changes: Vec<(String, Option<String>)>,
    ) -> PyResult<()> {
        let database = self.inner.get()?;
        enter(py, || {
            let op = |value: Option<String>| value.map_or(ConfigOp::Delete, ConfigOp::Set);
            let changes: Vec<_> = changes.into_iter().map(|(k, v)| (k, op(v))).collect();
            database.engine().alter_topic(name, &changes).map(drop)
        })
    }

    /// Of each partition: log start, first local offset, visible end, durable end, appended end, bytes.
    #[allow(clippy::type_complexity)] // a row for Python
    fn ends(&self, py: Python<'_>, name: &str) -> PyResult<Vec<(i64, i64, i64, i64, i64, u64)>> {
        let database = self.inner.get()?;
        enter(py, || {
            let topic = database.engine().topic(name)?;
            let mut rows = Vec::new();
            for partition in topic.partitions() {
                let log = partition.log()?;
                let ends = log.ends();
                rows.push((
                    ends.log_start.get(),
                    ends.local_start.get(),
                    ends.visible.get(),
                    ends.durable.get(),
                    ends.appended.get(),
                    log.size_bytes(),
                ));
            }
            Ok(rows)
        })
    }

    /// The first offset at or after a moment; `None` when there is none.
    fn offset_for_time(
        &self,
        py: Python<'_>,
        name: &str,
        partition: Fit<i32>,
        ms: Fit<i64>,
    ) -> PyResult<Option<i64>> {
        let database = self.inner.get()?;
        enter(py, || {
            let log = database.engine().partition(name, partition.0)?.log()?;
            Ok(log.offset_for_time(Timestamp(ms.0))?.map(|(o, _)| o.get()))
        })
    }

    /// Removes everything before `offset` (-1: before the end); gives the new log start.
    fn delete_records(
        &self,
        py: Python<'_>,
        name: &str,
        partition: Fit<i32>,
        offset: Fit<i64>,
    ) -> PyResult<i64> {
        let database = self.inner.get()?;
        enter(py, || {
            let handle = database.engine().partition(name, partition.0)?;
            let before = match offset.0 {
                -1 => handle.ends()?.visible,
                negative if negative < 0 => {
                    return Err(Error::invalid(format!("offset {negative} is negative")));
                }
                offset => Offset(offset),
            };
            handle.delete_records(before).map(Offset::get)
        })
    }

    /// Archives what is sealed, with `active` the newest segments too; gives the local bytes that went.
    fn archive(
        &self,
        py: Python<'_>,
        name: &str,
        partition: Option<Fit<i32>>,
        active: bool,
    ) -> PyResult<u64> {
        let database = self.inner.get()?.clone();
        let name = name.to_owned();
        let which = if active {
            MoveOut::Everything
        } else {
            MoveOut::Sealed
        };
        aside(py, move |given_up| {
            let engine = database.engine();
            let handles = match partition {
                Some(one) => vec![engine.partition(&name, one.0)?],
                None => engine.topic(&name)?.partitions().to_vec(),
            };
            let sizes: Result<Vec<u64>> = handles
                .iter()
                .take_while(|_| !given_up.load(Ordering::Relaxed))
                .map(|handle| engine.archive_partition(handle, which))
                .collect();
            Ok(sizes?.iter().sum())
        })
    }
}
