//! How far long work has come, on standard error, when that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Bytes of a whole that is known, or counted up.
pub fn of_bytes(total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} eta {eta} {msg}",
        None => "{spinner} {bytes} {binary_bytes_per_sec} {elapsed} {msg}",
    };
    bar(total, template)
}

/// Items of a whole that is known, or counted up.
pub fn of_items(total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{bar:30} {human_pos}/{human_len} {per_sec} eta {eta} {msg}",
        None => "{spinner} {human_pos} {per_sec} {elapsed} {msg}",
    };
    bar(total, template)
}

/// Hidden where standard error is no terminal. Drawn at most ten times a second.
fn bar(total: Option<u64>, template: &str) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(10);
    let bar = ProgressBar::with_draw_target(total, target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// The bar goes; what is left of it is said by the summary.
pub fn finish(bar: &ProgressBar) -> Duration {
    bar.finish_and_clear();
    bar.elapsed()
}
