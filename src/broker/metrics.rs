//! What the server counts. Counting costs a few relaxed additions a request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::protocol::ApiKey;

/// Of the times that requests take, in microseconds: a request counts in the first that is not less.
pub(super) const TIME_BOUNDS_US: [u64; 14] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 1_000_000,
    10_000_000,
];

#[derive(Debug, Default)]
pub(super) struct ApiMetrics {
    pub requests: AtomicU64,
    pub micros: AtomicU64,
    pub request_bytes: AtomicU64,
    pub response_bytes: AtomicU64,
    /// The last one counts what took longer than all bounds.
    pub times: [AtomicU64; TIME_BOUNDS_US.len() + 1],
}

#[derive(Debug)]
pub(super) struct Metrics {
    /// In the order of `ApiKey::ALL`.
    apis: Vec<ApiMetrics>,
    /// By key: where in `apis`.
    places: Vec<usize>,
    pub connections_opened: AtomicU64,
    pub connections_refused: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let most = ApiKey::ALL
            .iter()
            .map(|api| api.number())
            .max()
            .unwrap_or(0);
        let mut places = vec![0; usize::try_from(most).unwrap_or(0) + 1];
        for (place, api) in ApiKey::ALL.iter().enumerate() {
            if let Some(at) = usize::try_from(api.number())
                .ok()
                .and_then(|n| places.get_mut(n))
            {
                *at = place;
            }
        }
        Metrics {
            apis: ApiKey::ALL.iter().map(|_| ApiMetrics::default()).collect(),
            places,
            connections_opened: AtomicU64::new(0),
            connections_refused: AtomicU64::new(0),
        }
    }
}

impl Metrics {
    pub fn of(&self, api: ApiKey) -> Option<&ApiMetrics> {
        let place = *self.places.get(usize::try_from(api.number()).ok()?)?;
        self.apis.get(place)
    }

    pub fn answered(&self, api: ApiKey, took: Duration, request_bytes: usize, bytes: usize) {
        let Some(of) = self.of(api) else { return };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = TIME_BOUNDS_US.partition_point(|bound| *bound < micros);
        of.requests.fetch_add(1, Ordering::Relaxed);
        of.micros.fetch_add(micros, Ordering::Relaxed);
        of.request_bytes
            .fetch_add(request_bytes as u64, Ordering::Relaxed);
        of.response_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if let Some(count) = of.times.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn connection_opened(&self) {
        self.connections_opened.fetch_add(1, Ordering::Relaxed);
    }

    pub fn connection_refused(&self) {
        self.connections_refused.fetch_add(1, Ordering::Relaxed);
    }
}
