//! Groups: listing, describing, resetting, deleting.

use levada::embedded::Database;
use levada::embedded::OffsetCommit;
use levada::types::{Offset, TopicPartition};
use pyo3::prelude::*;

use crate::enter::{Held, enter};

/// Id, instance id, client id, member epoch, assigned partitions.
type Member = (String, Option<String>, String, i32, Vec<(String, i32)>);

#[pyclass(frozen, module = "levada._levada")]
#[derive(Debug)]
pub struct Groups {
    inner: Held<Database>,
}

impl Groups {
    pub fn new(database: Database) -> Groups {
        Groups {
            inner: Held::new(database),
        }
    }
}

#[pymethods]
impl Groups {
    fn names(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let database = self.inner.get()?;
        enter(py, || {
            let groups = database.engine().groups().list()?;
            Ok(groups.iter().map(|g| g.id.to_string()).collect())
        })
    }

    /// State, epoch and members.
    fn describe(&self, py: Python<'_>, group: &str) -> PyResult<(String, i32, Vec<Member>)> {
        let database = self.inner.get()?;
        enter(py, || {
            let engine = database.engine();
            let found = engine.groups().describe(group)?;
            let mut members = Vec::new();
            for member in &found.members {
                let mut assigned = Vec::new();
                for (id, partitions) in &member.assigned {
                    let Ok(topic) = engine.topic_by_id(*id) else {
                        continue;
                    };
                    assigned.extend(partitions.iter().map(|p| (topic.name().to_string(), *p)));
                }
                members.push((
                    member.id.to_string(),
                    member.instance_id.as_ref().map(ToString::to_string),
                    member.client_id.to_string(),
                    member.epoch,
                    assigned,
                ));
            }
            Ok((found.state.name().to_owned(), found.epoch, members))
        })
    }

    /// Topic, partition and committed offset.
    fn offsets(&self, py: Python<'_>, group: &str) -> PyResult<Vec<(String, i32, i64)>> {
        let database = self.inner.get()?;
        enter(py, || {
            let found = database.engine().groups().committed_offsets(group)?;
            let row = |(p, offset): (TopicPartition, Offset)| {
                (p.topic.to_string(), p.partition, offset.get())
            };
            Ok(found.into_iter().map(row).collect())
        })
    }

    fn reset(&self, py: Python<'_>, group: &str, offsets: Vec<(String, i32, i64)>) -> PyResult<()> {
        let database = self.inner.get()?;
        let offsets = offsets
            .into_iter()
            .map(|(t, p, o)| OffsetCommit::new(t, p, Offset(o)))
            .collect();
        enter(py, || database.engine().groups().reset(group, offsets))
    }

    fn delete(&self, py: Python<'_>, group: &str) -> PyResult<()> {
        let database = self.inner.get()?;
        enter(py, || database.engine().groups().delete(group))
    }
}
