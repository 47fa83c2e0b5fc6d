//! What a compaction run may touch, and whether it is worth it.

use crate::config::TopicConfig;
use crate::error::Result;
use crate::types::{Offset, Timestamp};

/// A sealed segment as compaction sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    pub base: Offset,
    /// The base of the segment after it.
    pub next: Offset,
    pub size_bytes: u64,
    pub max_timestamp: Timestamp,
}

/// The log at the moment of planning.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// All sealed local segments, oldest first.
    pub sources: &'a [Source],
    /// From the cleaner checkpoint; everything below was cleaned.
    pub first_dirty: Offset,
    /// Nothing at or above it is decided yet. Never above the visible end.
    pub last_stable: Offset,
    pub now: Timestamp,
    pub config: &'a TopicConfig,
}

/// A run worth doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The clean segments and the dirty ones, oldest first.
    pub sources: Vec<Source>,
    pub first_dirty: Offset,
    /// The end of the last source.
    pub end: Offset,
}

/// Chooses the segments. `oldest_dirty` reads the first timestamp of a segment; it is asked only
/// when `max.compaction.lag.ms` is set. `None` when nothing may, or needs to, be cleaned.
pub fn plan(
    situation: &Situation<'_>,
    oldest_dirty: impl FnOnce(&Source) -> Result<Timestamp>,
) -> Result<Option<Plan>> {
    let config = situation.config;
    let Some((first, last)) = situation.sources.first().zip(situation.sources.last()) else {
        return Ok(None);
    };
    // The checkpoint may be of a log that was truncated or made anew since.
    let first_dirty = match situation.first_dirty {
        dirty if dirty < first.base || dirty > last.next => first.base,
        dirty => dirty,
    };
    let now = situation.now.get();
    let too_young = |s: &Source| {
        let lag = config.min_compaction_lag_ms;
        s.next > first_dirty && lag > 0 && s.max_timestamp.get() > now.saturating_sub(lag)
    };
    let may = |s: &&Source| s.next <= situation.last_stable && !too_young(s);
    let sources: Vec<Source> = situation.sources.iter().take_while(may).copied().collect();
    let Some(end) = sources
        .last()
        .map(|s| s.next)
        .filter(|end| *end > first_dirty)
    else {
        return Ok(None);
    };
    let (mut clean_bytes, mut dirty_bytes, mut first_dirty_source) = (0_u64, 0_u64, None);
    for source in &sources {
        if source.next > first_dirty {
            first_dirty_source = first_dirty_source.or(Some(source));
            dirty_bytes += source.size_bytes;
        } else {
            clean_bytes += source.size_bytes;
        }
    }
    let worth = dirty_bytes > 0 && {
        let ratio = dirty_bytes as f64 / (clean_bytes + dirty_bytes) as f64;
        let lag_max = config.max_compaction_lag_ms;
        let overdue = match first_dirty_source {
            Some(source) if lag_max < i64::MAX => {
                now.saturating_sub(oldest_dirty(source)?.get()) > lag_max
            }
            _ => false,
        };
        overdue || ratio > config.min_cleanable_dirty_ratio
    };
    let plan = Plan {
        sources,
        first_dirty,
        end,
    };
    Ok(Some(plan).filter(|_| worth))
}

/// Runs of neighbours that fit one segment together: by bytes, by index, and by the 31 bits of a
/// relative offset.
pub(super) fn groups(sources: &[Source], config: &TopicConfig) -> Vec<Vec<Source>> {
    let interval = u64::from(config.index_interval_bytes.max(1));
    // Twelve bytes of time index for at most each interval, and one entry to seal it.
    let index_bytes = |size: u64| (size / interval + 2).saturating_mul(12);
    let mut groups: Vec<Vec<Source>> = Vec::new();
    let mut size_bytes = 0;
    for source in sources {
        let joined = size_bytes + source.size_bytes;
        let fits = groups.last().and_then(|g| g.first()).is_some_and(|first| {
            joined <= u64::from(config.segment_bytes)
                && index_bytes(joined) <= u64::from(config.segment_index_bytes)
                && source.next.since(first.base) <= i64::from(i32::MAX)
        });
        match groups.last_mut().filter(|_| fits) {
            Some(group) => {
                group.push(*source);
                size_bytes = joined;
            }
            None => {
                groups.push(vec![*source]);
                size_bytes = source.size_bytes;
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(count: i64) -> Vec<Source> {
        let source = |at| Source {
            base: Offset(at * 10),
            next: Offset(at * 10 + 10),
            size_bytes: 100,
            max_timestamp: Timestamp(at * 1000),
        };
        (0..count).map(source).collect()
    }

    fn ask(first_dirty: i64, last_stable: i64, now: i64, config: &TopicConfig) -> Option<Plan> {
        let sources = sources(10);
        let situation = Situation {
            sources: &sources,
            first_dirty: Offset(first_dirty),
            last_stable: Offset(last_stable),
            now: Timestamp(now),
            config,
        };
        plan(&situation, |s| Ok(s.max_timestamp)).unwrap()
    }

    #[test]
    fn only_what_is_decided_and_old_enough_is_cleaned() {
        let mut config = TopicConfig::default();
        assert_eq!(ask(0, 100, 0, &config).unwrap().end, Offset(100));
        assert_eq!(ask(0, 55, 0, &config).unwrap().end, Offset(50));
        assert_eq!(ask(0, 5, 0, &config), None);
        config.min_compaction_lag_ms = 2500;
        assert_eq!(ask(0, 100, 9000, &config).unwrap().end, Offset(70));
    }

    #[test]
    fn a_run_waits_for_the_dirty_ratio_or_the_longest_lag() {
        let mut config = TopicConfig::default();
        assert_eq!(ask(50, 100, 0, &config), None, "half is not above half");
        assert_eq!(ask(49, 100, 0, &config).unwrap().first_dirty, Offset(49));
        config.max_compaction_lag_ms = 4000;
        assert_eq!(ask(50, 100, 9000, &config), None);
        assert!(ask(50, 100, 9001, &config).is_some());
        assert_eq!(ask(100, 100, 99_001, &config), None, "nothing is dirty");
    }

    #[test]
    fn a_checkpoint_from_elsewhere_starts_over() {
        let config = TopicConfig::default();
        assert_eq!(ask(5000, 100, 0, &config).unwrap().first_dirty, Offset(0));
    }

    #[test]
    fn groups_respect_bytes_and_offset_range() {
        let mut config = TopicConfig {
            segment_bytes: 250,
            ..TopicConfig::default()
        };
        let sizes = |c: &TopicConfig, s: &[Source]| -> Vec<usize> {
            groups(s, c).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(&config, &sources(5)), [2, 2, 1]);
        config.segment_bytes = 10_000;
        let mut far = sources(3);
        far[2].next = Offset(1 << 40);
        assert_eq!(sizes(&config, &far), [2, 1]);
    }
}
