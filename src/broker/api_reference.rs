//! `docs/apis.md`, made from the table of handlers.

use std::fmt::Write as _;

use super::handlers::TABLE;

const HEAD: &str = "\
# Kafka APIs

What a Levada broker serves, made from the table of its handlers, which also answers ApiVersions. The
versions are those that Apache Kafka 4.4 serves. An API that is not in the table is not advertised; a
request for it, or for a version that is not named here, closes the connection, as Kafka's broker does.
Produce is advertised from version 0, as Kafka does for older clients, and served from version 3.

GetTelemetrySubscriptions and PushTelemetry (KIP-714) subscribe to no metrics and drop what comes. They are
served and not advertised, as by a Kafka without a plugin for the metrics of clients.

| key | API | versions | flexible from |
|---:|---|---|---|
";

/// The page, in Markdown.
pub fn api_reference() -> String {
    let mut page = HEAD.to_owned();
    for row in TABLE {
        let api = row.api;
        let flexible = api
            .flexible_from()
            .map_or_else(|| "–".to_owned(), |version| version.to_string());
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| {} | {} | {} to {} | {flexible} |",
            api.number(),
            api.name(),
            api.version_min(),
            api.version_max(),
        );
    }
    page
}
