//! The process as Linux sees it. Elsewhere the families stay empty.

use std::fmt;
use std::path::Path;

use super::page::Page;
use crate::disk::{Disk, Open, RealDisk};

/// Longer than any of the files read here.
const FILE_BYTES_MAX: usize = 16 << 10;
/// Of `/proc/<pid>/stat`: Linux counts in hundredths of a second, whatever the kernel's own clock.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn add(page: &mut Page<'_>) -> fmt::Result {
    let status = read("/proc/self/status").unwrap_or_default();
    let stat = read("/proc/self/stat").unwrap_or_default();
    let kib = |name: &str| number_after(&status, name).map(|kib| kib * 1024);
    let files = RealDisk::default().list(Path::new("/proc/self/fd")).ok();
    let gauges = [
        (
            "process_resident_memory_bytes",
            "Memory in RAM, mapped files included.",
            kib("VmRSS:"),
        ),
        (
            "process_private_memory_bytes",
            "Memory in RAM without files.",
            kib("RssAnon:"),
        ),
        (
            "process_threads",
            "Threads.",
            number_after(&status, "Threads:"),
        ),
        (
            "process_open_fds",
            "Open files and sockets.",
            files.map(|files| files.len() as u64),
        ),
    ];
    for (name, help, value) in gauges {
        page.gauges(name, help, |rows| match value {
            Some(value) => rows.gauge(&[], value),
            None => Ok(()),
        })?;
    }
    page.counters(
        "process_cpu_seconds",
        "Time on a processor, in user and system mode.",
        |rows| match cpu_seconds(&stat) {
            Some(seconds) => rows.fractional_counter(&[], seconds),
            None => Ok(()),
        },
    )
}

fn read(path: &str) -> Option<String> {
    let file = RealDisk::default().open(Path::new(path), Open::Read).ok()?;
    let mut bytes = vec![0; FILE_BYTES_MAX];
    let length = file.read_at(&mut bytes, 0).ok()?;
    bytes.truncate(length);
    String::from_utf8(bytes).ok()
}

/// The number in the line that starts with `name`.
fn number_after(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The fields 14 and 15. The second is the name in parentheses, which may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linuxs_numbers_are_read() {
        let status = "Name:\tlevada\nVmRSS:\t   10412 kB\nThreads:\t9\n";
        assert_eq!(number_after(status, "VmRSS:"), Some(10_412));
        assert_eq!(number_after(status, "Threads:"), Some(9));
        assert_eq!(number_after(status, "VmSwap:"), None);
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 2 0 0 0 150 25 0 0 20 0 9 0 1 2 3";
        assert_eq!(cpu_seconds(stat), Some(1.75));
        assert_eq!(cpu_seconds("7"), None);
    }
}
