//! What the server counts: connections, requests, errors, the memory that requests hold.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::collect::Watched;
use super::page::Page;
use crate::broker::metrics::ApiMetrics;
use crate::error::Code;
use crate::protocol::ApiKey;

pub(super) fn add(scrape: &Watched, page: &mut Page<'_>) -> fmt::Result {
    page.info(
        "levada_build",
        "The version that runs; always 1.",
        &[("version", env!("CARGO_PKG_VERSION"))],
    )?;
    connections(scrape, page)?;
    requests(scrape, page)?;
    page.gauge(
        "levada_request_memory_bytes",
        "Memory held for large requests that are arriving.",
        scrape.context.budget.used(),
    )?;
    page.gauge(
        "levada_request_memory_limit_bytes",
        "The most that may be held: queued.max.request.bytes.",
        scrape.context.budget.total(),
    )?;
    page.gauge(
        "levada_fetch_sessions",
        "Incremental fetch sessions.",
        scrape.context.fetch_sessions.count() as u64,
    )
}

fn connections(scrape: &Watched, page: &mut Page<'_>) -> fmt::Result {
    let metrics = &scrape.context.metrics;
    page.gauge(
        "levada_connections",
        "Open connections of clients.",
        scrape.connections.count() as u64,
    )?;
    page.counter(
        "levada_connections_opened",
        "Connections that were accepted.",
        load(&metrics.connections_opened),
    )?;
    page.counter(
        "levada_connections_refused",
        "Connections closed at once, as there were too many.",
        load(&metrics.connections_refused),
    )?;
    page.counter(
        "levada_connections_failed",
        "Connections closed for what the client sent, or because reading failed.",
        load(&metrics.connections_failed),
    )
}

fn requests(scrape: &Watched, page: &mut Page<'_>) -> fmt::Result {
    let metrics = &scrape.context.metrics;
    let asked: Vec<(&str, &ApiMetrics)> = ApiKey::ALL
        .iter()
        .filter_map(|api| Some((api.name(), metrics.of(*api)?)))
        .filter(|(_, of)| of.times.read().count > 0)
        .collect();
    page.histograms(
        "levada_request_seconds",
        "From a request's arrival as a whole to its answer, waiting for the disk or for records included.",
        |rows| {
            let mut all = asked.iter();
            all.try_for_each(|(api, of)| rows.histogram(&[("api", api)], &of.times.read()))
        },
    )?;
    page.counters("levada_request_bytes", "Bytes of requests.", |rows| {
        let mut all = asked.iter();
        all.try_for_each(|(api, of)| rows.counter(&[("api", api)], load(&of.request_bytes)))
    })?;
    page.counters("levada_response_bytes", "Bytes of answers.", |rows| {
        let mut all = asked.iter();
        all.try_for_each(|(api, of)| rows.counter(&[("api", api)], load(&of.response_bytes)))
    })?;
    page.counters(
        "levada_request_errors",
        "Error codes in answers; one answer may hold several.",
        |rows| {
            let mut all = metrics.errors().into_iter();
            all.try_for_each(|((api, number), count)| {
                let code = Code::from_number(number);
                let code = code.map_or_else(|| number.to_string(), |c| format!("{c:?}"));
                rows.counter(&[("api", api.name()), ("code", &code)], count)
            })
        },
    )
}

fn load(of: &AtomicU64) -> u64 {
    of.load(Ordering::Relaxed)
}
