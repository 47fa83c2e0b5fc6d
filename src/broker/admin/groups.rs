//! Groups by state, and how far each lies behind.

use std::collections::BTreeMap;
use std::fmt;

use super::page::Page;
use crate::engine::Engine;

pub(super) fn add(engine: &Engine, page: &mut Page<'_>) -> fmt::Result {
    let groups = engine.groups().list().unwrap_or_default();
    let mut by_state: BTreeMap<&str, u64> = BTreeMap::new();
    for group in &groups {
        *by_state.entry(group.state.name()).or_default() += 1;
    }
    page.gauges("levada_groups", "Groups by state.", |rows| {
        let mut all = by_state.iter();
        all.try_for_each(|(state, count)| rows.gauge(&[("state", state)], *count))
    })?;
    page.gauges(
        "levada_group_lag",
        "Records from what a group committed to the end of the partition, where the end is known.",
        |rows| {
            for group in &groups {
                // A group may be deleted meanwhile.
                let committed = engine.groups().fetch(&group.id, None).unwrap_or_default();
                for outcome in committed {
                    let Ok(Some(at)) = outcome.result else {
                        continue;
                    };
                    let (topic, partition) = (&*outcome.topic, outcome.partition);
                    let handle = engine.partition(topic, partition).ok();
                    let Some(ends) = handle.and_then(|handle| handle.known_ends()) else {
                        continue;
                    };
                    let number = partition.to_string();
                    let labels = [
                        ("group", &*group.id),
                        ("topic", topic),
                        ("partition", number.as_str()),
                    ];
                    let lag = ends.end.since(at.offset).max(0).unsigned_abs();
                    rows.gauge(&labels, lag)?;
                }
            }
            Ok(())
        },
    )
}
