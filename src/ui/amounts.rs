//! Sizes, rates, shares and ages as people read them. No egui in here.

use std::time::SystemTime;

use super::texts::{text, text_with};

/// A number of bytes in the unit that people use for it, in powers of ten as disks and downloads state them.
pub(super) fn size_text(n_bytes: u64) -> String {
    let n_bytes = n_bytes as f64;
    if n_bytes < 999.5e3 {
        text_with("cache-size-kilobytes", &[("n", whole_text(n_bytes / 1e3).into())])
    } else if n_bytes < 999.5e6 {
        text_with("cache-size-megabytes", &[("n", whole_text(n_bytes / 1e6).into())])
    } else {
        text_with("cache-size-gigabytes", &[("n", decimal_text(n_bytes / 1e9, 1).into())])
    }
}

/// A number with so many decimals, as it is written in the language of the window: `1.5`.
pub(super) fn decimal_text(number: f64, n_decimals: usize) -> String {
    in_language(&format!("{number:.n_decimals$}"))
}

/// A number with as many decimals as it has: `1.25`, `2`.
pub(super) fn number_text(number: f64) -> String {
    in_language(&number.to_string())
}

/// How long ago something was, in one unit: `just now`, `5 min ago`, `3 days ago`.
pub(super) fn age_text(time: Option<SystemTime>, now: SystemTime) -> String {
    let Some(time) = time else { return text("cache-age-never") };
    // A clock that was set back makes it the future.
    let secs = now.duration_since(time).map_or(0, |age| age.as_secs());
    match secs {
        0..60 => text("cache-age-now"),
        60..3600 => text_with("cache-age-minutes", &[("n", (secs / 60).into())]),
        3600..86_400 => text_with("cache-age-hours", &[("n", (secs / 3600).into())]),
        86_400..172_800 => text("cache-age-yesterday"),
        _ => text_with("cache-age-days", &[("n", (secs / 86_400).into())]),
    }
}

/// The day of a moment given in seconds since 1970, in UTC: `2025-03-12`, or as it is usual in the user's language.
pub(super) fn date_text(secs: i64) -> String {
    day_text(secs.div_euclid(86_400))
}

/// A day counted from 1970-01-01: `2025-03-12`, or as it is usual in the user's language.
pub(super) fn day_text(day: i64) -> String {
    // Days are counted from 0000-03-01, so that a leap day is the last one of its year; 400 years have 146,097 days.
    let days = day.saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March on have 31, 30, 31, 30, 31 days and again: 153 days in five months.
    let month_from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let [year, month, of_month] = [format!("{year:04}"), format!("{month:02}"), format!("{of_month:02}")];
    text_with("library-date", &[("year", year.into()), ("month", month.into()), ("day", of_month.into())])
}

/// A part of a whole, 0 to 1; all of it where the whole is nothing.
pub(super) fn share(part: u64, whole: u64) -> f32 {
    if part >= whole { 1.0 } else { part as f32 / whole as f32 }
}

/// A length of time to plan by: `40 s`, `12 min`, `1.5 h`.
pub(super) fn duration_text(secs: f64) -> String {
    if secs < 99.5 {
        text_with("cache-lasts-seconds", &[("n", whole_text(secs.max(1.0)).into())])
    } else if secs < 99.5 * 60.0 {
        text_with("cache-lasts-minutes", &[("n", whole_text(secs / 60.0).into())])
    } else {
        text_with("cache-lasts-hours", &[("n", decimal_text(secs / 3600.0, 1).into())])
    }
}

fn in_language(number: &str) -> String {
    number.replace('.', &text("cache-decimal-point"))
}

fn whole_text(number: f64) -> String {
    format!("{number:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::texts;
    use std::time::Duration;

    #[test]
    fn ages_are_told_in_one_unit() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365);
        for (secs, expected) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 min ago"),
            (3599, "59 min ago"),
            (7200, "2 h ago"),
            (90_000, "yesterday"),
            (300_000, "3 days ago"),
        ] {
            assert_eq!(age_text(Some(now - Duration::from_secs(secs)), now), expected);
        }
        assert_eq!(age_text(Some(now + Duration::from_secs(9)), now), "just now");
        assert_eq!(age_text(None, now), "never");
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (secs, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (1_741_780_800, "2025-03-12"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_735_689_599, "2024-12-31"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(date_text(secs), expected, "{secs}");
        }
        assert!(!date_text(i64::MIN).is_empty(), "no clock is so wrong that the list fails");
        texts::choose(Some("de"));
        assert_eq!(date_text(1_741_780_800), "12.03.2025");
        texts::choose(None);
    }

    #[test]
    fn lengths_of_time_are_told_as_exactly_as_they_are_known() {
        for (secs, expected) in
            [(0.2, "1 s"), (42.4, "42 s"), (99.4, "99 s"), (119.0, "2 min"), (5400.0, "90 min"), (7200.0, "2.0 h")]
        {
            assert_eq!(duration_text(secs), expected);
        }
    }

    #[test]
    fn shares_stay_between_nothing_and_all() {
        for (part, whole, expected) in [(0, 4, 0.0), (1, 4, 0.25), (4, 4, 1.0), (5, 4, 1.0), (0, 0, 1.0)] {
            assert_eq!(share(part, whole).to_bits(), f32::to_bits(expected), "{part} of {whole}");
        }
    }
}
