//! Days as people write them, 2024-05-03, and the seconds since 1970 at which they begin. A day is one of universal
//! time, as the times of files are counted; what the clock of the user shows is not known here.

use std::fmt;
use std::str::FromStr;

const SECS_PER_DAY: i64 = 24 * 60 * 60;
/// From 0000-03-01, with which this calculation begins, to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_468;
const DAYS_PER_ERA: i64 = 146_097;
const YEARS_PER_ERA: i64 = 400;

/// A day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(pub(super) i64);

impl Day {
    /// The day on which this moment falls, in seconds since 1970.
    pub(super) fn of_secs(secs: i64) -> Self {
        Self(secs.div_euclid(SECS_PER_DAY))
    }

    /// The moment with which it begins, in seconds since 1970.
    pub(super) fn starts_secs(self) -> i64 {
        self.0 * SECS_PER_DAY
    }

    /// The day after it.
    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    // Years begin in March here, so that the day that some have more is their last. In an era of 400 years, the days are
    // the same again.
    fn from_date(year: i64, month: i64, day: i64) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let (era, year_of_era) = (year.div_euclid(YEARS_PER_ERA), year.rem_euclid(YEARS_PER_ERA));
        let month_from_march = (month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self(era * DAYS_PER_ERA + day_of_era - DAYS_BEFORE_1970)
    }

    fn date(self) -> (i64, i64, i64) {
        let days = self.0 + DAYS_BEFORE_1970;
        let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * YEARS_PER_ERA + year_of_era;
        (if month <= 2 { year + 1 } else { year }, month, day)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_date = |text: &str| {
            let has_digits = |part: &str, n: usize| part.len() == n && part.bytes().all(|byte| byte.is_ascii_digit());
            let parts: Vec<&str> = text.split('-').collect();
            matches!(parts[..], [year, month, day]
                if has_digits(year, 4) && has_digits(month, 2) && has_digits(day, 2))
        };
        let numbers: Vec<i64> = text.split('-').filter_map(|part| part.parse().ok()).collect();
        match numbers[..] {
            // A day that is not in the calendar comes back as another one.
            [year, month, day] if is_date(text) && Self::from_date(year, month, day).date() == (year, month, day) => {
                Ok(Self::from_date(year, month, day))
            }
            _ => Err("a day is written like 2024-05-03".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (text, day) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2000-02-29", 11_016),
            ("2000-03-01", 11_017),
            ("2024-05-03", 19_846),
            ("2100-03-01", 47_541),
        ] {
            assert_eq!(text.parse(), Ok(Day(day)), "{text}");
            assert_eq!(Day(day).to_string(), text);
            assert_eq!(Day::of_secs(Day(day).next().starts_secs() - 1), Day(day), "{text}");
        }
        for text in
            ["", "2024", "2024-5-3", "2023-02-29", "2024-13-01", "2024-00-01", "2024-01-32", "1e9-01-01", "-1-01-01"]
        {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
