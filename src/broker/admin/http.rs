//! `/healthz`, `/readyz`, `/metrics`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;

use super::collect::Watched;
use super::gate::Gate;

/// As OpenMetrics has it, which Prometheus reads.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Why requests of clients are not served, if they are not.
fn unready(watched: &Watched) -> Option<&'static str> {
    if *watched.context.stopping.borrow() {
        return Some("stopping");
    }
    watched.context.engine().is_closed().then_some("closed")
}

/// Answers until the runtime ends, also while the server stops: then it says so.
pub(in crate::broker) async fn serve(listener: TcpListener, watched: Watched) {
    let routes = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(watched);
    if let Err(error) = axum::serve(Gate::new(listener), routes).await {
        tracing::error!(%error, "health and metrics are not served any more");
    }
}

async fn healthz() -> Response {
    Json(json!({"healthy": true})).into_response()
}

async fn readyz(State(watched): State<Watched>) -> Response {
    match unready(&watched) {
        None => Json(json!({"ready": true})).into_response(),
        Some(reason) => {
            let body = Json(json!({"ready": false, "reason": reason}));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}

/// On a thread that may wait: it goes over every partition and takes locks that an append holds.
async fn metrics(State(watched): State<Watched>) -> Response {
    let text = tokio::task::spawn_blocking(move || watched.text()).await;
    match text {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        _ => {
            tracing::error!("the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
