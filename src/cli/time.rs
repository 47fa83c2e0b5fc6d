//! Moments as RFC 3339 writes them, `2026-11-23T10:00:00.250Z`, to and from milliseconds since 1970.

use crate::error::{Error, Result};
use crate::types::Timestamp;

const DAY_MS: i64 = 86_400_000;

/// Reads a date and time with its zone (`Z` or `+01:00`), or a date alone, which begins in UTC.
///
/// Errors: Invalid.
pub fn parse(text: &str) -> Result<Timestamp> {
    read(text).map(Timestamp).ok_or_else(|| {
        Error::invalid(format!(
            "\"{text}\" is not a moment: write it like 2026-11-23T10:00:00Z, 2026-11-23T11:00:00+01:00 or 2026-11-23"
        ))
    })
}

/// In UTC, to the millisecond. Years beyond four digits are shown as milliseconds.
pub fn format(at: Timestamp) -> String {
    let days = at.get().div_euclid(DAY_MS);
    let ms = at.get().rem_euclid(DAY_MS);
    let (year, month, day) = date(days);
    if !(0..=9999).contains(&year) {
        return format!("{} ms", at.get());
    }
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let part = ms % 1000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{part:03}Z")
}

fn read(text: &str) -> Option<i64> {
    let mut rest = text;
    let year = number(&mut rest, 4)?;
    let month = number(after(&mut rest, "-")?, 2)?;
    let day = number(after(&mut rest, "-")?, 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let start = days(year, month, day) * DAY_MS;
    if rest.is_empty() {
        return Some(start);
    }
    rest = rest.strip_prefix(['T', 't', ' '])?;
    let hour = number(&mut rest, 2).filter(|h| *h < 24)?;
    let minute = number(after(&mut rest, ":")?, 2).filter(|m| *m < 60)?;
    // 60 is a leap second: the next minute's first.
    let second = number(after(&mut rest, ":")?, 2).filter(|s| *s <= 60)?;
    let part = fraction(&mut rest)?;
    let zone = zone_minutes(rest)?;
    Some(start + ((hour * 60 + minute - zone) * 60 + second) * 1000 + part)
}

/// The next `width` digits.
fn number(rest: &mut &str, width: usize) -> Option<i64> {
    let digits = rest.get(..width)?;
    let all = digits.bytes().all(|b| b.is_ascii_digit());
    *rest = rest.get(width..)?;
    all.then(|| digits.parse().ok())?
}

fn after<'a, 'b>(rest: &'a mut &'b str, mark: &str) -> Option<&'a mut &'b str> {
    *rest = rest.strip_prefix(mark)?;
    Some(rest)
}

/// Milliseconds of `.25`; what is finer is cut off.
fn fraction(rest: &mut &str) -> Option<i64> {
    let Some(digits) = rest.strip_prefix('.') else {
        return Some(0);
    };
    let width = digits.bytes().take_while(u8::is_ascii_digit).count();
    let (shown, left) = digits.split_at_checked(width)?;
    *rest = left;
    let ms: String = shown.chars().chain("000".chars()).take(3).collect();
    (width > 0).then(|| ms.parse().ok())?
}

fn zone_minutes(mut rest: &str) -> Option<i64> {
    if matches!(rest, "Z" | "z") {
        return Some(0);
    }
    let sign = match rest.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    rest = rest.get(1..)?;
    let hours = number(&mut rest, 2).filter(|h| *h < 24)?;
    let minutes = number(after(&mut rest, ":")?, 2).filter(|m| *m < 60)?;
    rest.is_empty().then_some(sign * (hours * 60 + minutes))
}

/// Days since 1970-01-01 of a date of the Gregorian calendar. Years begin in March here, so that the
/// leap day is the last of its year; 400 of them have 146,097 days.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day since 1970-01-01: [`days`] backwards.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_moments() {
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2000-02-29", 951_782_400_000),
            ("2026-11-23T10:00:00+01:00", 1_795_424_400_000),
            ("2026-11-23t09:00:00.0009z", 1_795_424_400_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ];
        for (text, ms) in cases {
            assert_eq!(parse(text).ok(), Some(Timestamp(ms)), "{text}");
        }
        assert_eq!(
            format(Timestamp(951_782_400_001)),
            "2000-02-29T00:00:00.001Z"
        );
        assert_eq!(format(Timestamp(i64::MIN)), format!("{} ms", i64::MIN));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        let bad = [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-11-23T10:00:00",
            "2026-11-23T24:00:00Z",
            "2026-11-23T10:00:00.Z",
            "2026-11-23T10:00:00+1:00",
            "+026-11-23",
            "2026-11-23T10:00Zx",
            "2026-11-2ä",
        ];
        for text in bad {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(ms in -62_167_219_200_000i64..=253_402_300_799_999) {
            prop_assert_eq!(parse(&format(Timestamp(ms))).ok(), Some(Timestamp(ms)));
        }
    }
}
