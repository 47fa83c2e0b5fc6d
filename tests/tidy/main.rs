//! Tests about the source itself: layers, lengths, leftovers, generated documents. Each failure
//! names file and line and what to do.
#![allow(clippy::disallowed_methods)] // reads the source tree, which no seam is for

mod dependencies;
mod generated;
mod layers;
mod leftovers;
mod lengths;
mod modules;
mod ratchet;
mod source;

/// Fails with all findings at once.
fn report(findings: Vec<String>, what_to_do: &str) {
    let count = findings.len();
    assert!(
        findings.is_empty(),
        "{count} findings:\n  {}\n{what_to_do}",
        findings.join("\n  ")
    );
}
