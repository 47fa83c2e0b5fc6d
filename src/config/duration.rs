//! Times and sizes as people write them: `7d`, `1h30m`, `500ms`, `64MiB`.

use crate::error::{Error, Result};

/// Milliseconds of a text such as `7d`, `1h30m`, `500ms`, or a bare number of milliseconds. Units:
/// `w d h m s ms`, each with a whole number or a decimal fraction.
///
/// Errors: Invalid when it is none, is negative or is beyond 292 million years.
pub fn parse_duration_ms(text: &str) -> Result<i64> {
    const UNITS: &[(&str, i128)] = &[
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
        ("w", 604_800_000),
    ];
    sum(text, UNITS).ok_or_else(|| {
        Error::invalid(format!(
            "\"{text}\" is not a duration: write it like 7d, 1h30m, 45s or 500ms"
        ))
    })
}

/// Bytes of a text such as `64MiB`, `1.5GB`, `4k`, or a bare number of bytes. `k`, `M`, `G`, `T`
/// alone and with `iB` are powers of 1024, with `B` of 1000; case does not count.
///
/// Errors: Invalid when it is none, is negative or does not fit 63 bits.
pub fn parse_size_bytes(text: &str) -> Result<i64> {
    const UNITS: &[(&str, i128)] = &[
        ("b", 1),
        ("k", 1 << 10),
        ("kib", 1 << 10),
        ("kb", 1_000),
        ("m", 1 << 20),
        ("mib", 1 << 20),
        ("mb", 1_000_000),
        ("g", 1 << 30),
        ("gib", 1 << 30),
        ("gb", 1_000_000_000),
        ("t", 1 << 40),
        ("tib", 1 << 40),
        ("tb", 1_000_000_000_000),
    ];
    sum(&text.to_ascii_lowercase(), UNITS).ok_or_else(|| {
        Error::invalid(format!(
            "\"{text}\" is not a size: write it like 64MiB, 1.5GB or 4096"
        ))
    })
}

/// `P1DT2H3M4.5S` in milliseconds; `None` when it is no ISO 8601 duration of days and below, or is
/// negative.
pub fn parse_iso_duration_ms(text: &str) -> Option<i64> {
    let upper = text.trim().to_ascii_uppercase();
    let body = upper.strip_prefix('P')?;
    let (days, time) = match body.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (body, ""),
    };
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let days_ms = sum_or_zero(days, &[("D", 86_400_000)])?;
    let time_ms = sum_or_zero(time, &[("H", 3_600_000), ("M", 60_000), ("S", 1_000)])?;
    days_ms.checked_add(time_ms)
}

fn sum_or_zero(text: &str, units: &[(&str, i128)]) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    // A bare number has no meaning here.
    text.ends_with(|c: char| c.is_ascii_alphabetic())
        .then(|| sum(text, units))?
}

/// Adds up number-unit pairs; a bare number alone counts as one of the smallest unit.
fn sum(text: &str, units: &[(&str, i128)]) -> Option<i64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    if rest.bytes().all(|b| b.is_ascii_digit()) {
        return rest.parse().ok();
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(scaled(number, *factor)?)?;
        rest = next.trim_start();
    }
    i64::try_from(total).ok()
}

/// `number` (with at most 9 decimals that count) times `factor`, rounded down.
fn scaled(number: &str, factor: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut nanos: i128 = 0;
    for at in 0..9 {
        let digit = match fraction.as_bytes().get(at) {
            Some(b) if b.is_ascii_digit() => i128::from(b - b'0'),
            Some(_) => return None,
            None => 0,
        };
        nanos = nanos * 10 + digit;
    }
    let part = nanos.checked_mul(factor)? / 1_000_000_000;
    whole.checked_mul(factor)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        let good = [
            ("7d", 604_800_000),
            ("1w", 604_800_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("500ms", 500),
            ("1.5s", 1_500),
            (".5s", 500),
            ("0", 0),
            ("1234", 1_234),
            (" 2d ", 172_800_000),
        ];
        for (text, ms) in good {
            assert_eq!(parse_duration_ms(text).ok(), Some(ms), "{text}");
        }
        let bad = [
            "",
            " ",
            "d",
            "-1d",
            "7 years",
            "1.2.3s",
            "7d5",
            "9999999999999w",
            "1,5s",
            "٣d",
            ".s",
        ];
        for text in bad {
            assert!(parse_duration_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_as_people_write_them() {
        let good = [
            ("4096", 4096),
            ("4k", 4096),
            ("64MiB", 64 << 20),
            ("1.5GB", 1_500_000_000),
            ("2 gib", 2 << 30),
            ("10 B", 10),
        ];
        for (text, bytes) in good {
            assert_eq!(parse_size_bytes(text).ok(), Some(bytes), "{text}");
        }
        for text in ["", "x", "-1", "1ZB", "99999999TB"] {
            assert!(parse_size_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn iso_durations_as_kafka_reads_them() {
        let good = [
            ("PT1H", 3_600_000),
            ("P1D", 86_400_000),
            ("P2DT3H4M", 183_840_000),
            ("PT20.345S", 20_345),
            ("pt15m", 900_000),
        ];
        for (text, ms) in good {
            assert_eq!(parse_iso_duration_ms(text), Some(ms), "{text}");
        }
        for text in ["", "P", "PT", "1H", "PT1", "P1DT", "-PT1H", "P1Y", "PT1D"] {
            assert_eq!(parse_iso_duration_ms(text), None, "{text}");
        }
    }
}
