//! What the server counts. Counting costs a few relaxed additions a request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::metrics::Times;
use crate::protocol::ApiKey;
use crate::sync::Mutex;

#[derive(Debug, Default)]
pub(super) struct ApiMetrics {
    pub times: Times,
    pub request_bytes: AtomicU64,
    pub response_bytes: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Metrics {
    /// In the order of `ApiKey::ALL`.
    apis: Vec<ApiMetrics>,
    /// By key: where in `apis`.
    places: Vec<usize>,
    pub connections_opened: AtomicU64,
    pub connections_refused: AtomicU64,
    /// Closed by us because of what the client sent, or how the connection failed.
    pub connections_failed: AtomicU64,
    /// By API and error code; locked only when there is one.
    errors: Mutex<BTreeMap<(ApiKey, i16), u64>>,
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
            connections_failed: AtomicU64::new(0),
            errors: Mutex::default(),
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
        of.times.add(took);
        of.request_bytes
            .fetch_add(request_bytes as u64, Ordering::Relaxed);
        of.response_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The error codes in an answer.
    pub fn answered_errors(&self, api: ApiKey, errors: &[(i16, u32)]) {
        if errors.is_empty() {
            return;
        }
        let mut all = self.errors.lock();
        for (code, count) in errors {
            *all.entry((api, *code)).or_default() += u64::from(*count);
        }
    }

    pub fn errors(&self) -> BTreeMap<(ApiKey, i16), u64> {
        self.errors.lock().clone()
    }

    pub fn connection_failed(&self) {
        self.connections_failed.fetch_add(1, Ordering::Relaxed);
    }

    pub fn connection_opened(&self) {
        self.connections_opened.fetch_add(1, Ordering::Relaxed);
    }

    pub fn connection_refused(&self) {
        self.connections_refused.fetch_add(1, Ordering::Relaxed);
    }
}
