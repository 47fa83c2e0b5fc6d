//! Counting what happens, for who wants to watch: a few relaxed additions each time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Of times, in microseconds: one counts in the first that is not less.
pub const TIME_BOUNDS_US: [u64; 14] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 1_000_000,
    10_000_000,
];

const BUCKETS: usize = TIME_BOUNDS_US.len() + 1;

/// How long something took, each time it was done.
#[derive(Debug, Default)]
pub struct Times {
    micros: AtomicU64,
    /// The last one counts what took longer than all bounds.
    buckets: [AtomicU64; BUCKETS],
}

/// [`Times`] as they were at one moment, roughly: they are not stopped to be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimesRead {
    pub seconds: f64,
    pub count: u64,
    /// The upper bound in seconds, and how many count in this bucket alone.
    pub buckets: [(f64, u64); BUCKETS],
}

impl Times {
    pub fn add(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let at = TIME_BOUNDS_US.partition_point(|bound| *bound < micros);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn read(&self) -> TimesRead {
        let mut buckets = [(f64::INFINITY, 0); BUCKETS];
        let bounds = TIME_BOUNDS_US.iter().map(|us| *us as f64 / 1e6);
        for (bucket, bound) in buckets.iter_mut().zip(bounds) {
            bucket.0 = bound;
        }
        for (bucket, count) in buckets.iter_mut().zip(&self.buckets) {
            bucket.1 = count.load(Ordering::Relaxed);
        }
        TimesRead {
            seconds: self.micros.load(Ordering::Relaxed) as f64 / 1e6,
            count: buckets.iter().map(|(_, count)| count).sum(),
            buckets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_in_the_first_bucket_that_holds_it() {
        let times = Times::default();
        for micros in [0, 50, 51, 10_000_000, 10_000_001] {
            times.add(Duration::from_micros(micros));
        }
        let read = times.read();
        let counts: Vec<u64> = read.buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(read.count, 5);
        assert!((read.seconds - 20.000_102).abs() < 1e-9, "{}", read.seconds);
        assert_eq!(read.buckets[0].0, 0.000_05);
        assert_eq!(read.buckets[14].0, f64::INFINITY);
    }
}
