//! Rows of text become columns of equal width, and sizes and times become words. Nothing is printed here.

use std::time::SystemTime;

use super::progress::without_controls;

/// On which side of its column a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Stands for what is not known or does not apply.
pub(super) const NOTHING: &str = "-";

const BETWEEN_COLUMNS: &str = "  ";
/// Characters of a text that others stand behind.
const MAX_CELL_CHARS: usize = 60;
const BYTES_PER_MB: f64 = 1e6;
const SECS_PER_MINUTE: u64 = 60;
const SECS_PER_HOUR: u64 = 60 * SECS_PER_MINUTE;
const SECS_PER_DAY: u64 = 24 * SECS_PER_HOUR;

/// A line for each row, below one with the titles; nothing where there is no row.
pub(super) fn table<const N: usize>(titles: [(&str, Side); N], rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    // Names and repositories are written by others; they shall neither break lines nor speak to the terminal.
    let shown = |row: &[String; N]| -> [String; N] {
        std::array::from_fn(|column| {
            let cell = without_controls(&row[column]);
            // The first one names the thing, and nothing stands behind the last one.
            if column == 0 || column + 1 == N { cell } else { shortened(cell) }
        })
    };
    let rows: Vec<[String; N]> = rows.iter().map(shown).collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let title = titles[column].0.chars().count();
        rows.iter().map(|row| row[column].chars().count()).fold(title, usize::max)
    });
    let line = |cells: [&str; N]| {
        let cells: Vec<String> = cells
            .iter()
            .zip(&titles)
            .zip(widths)
            .map(|((cell, (_, side)), width)| {
                // By hand, for formats know no widths above 65 535.
                let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
                match side {
                    Side::Left => format!("{cell}{padding}"),
                    Side::Right => format!("{padding}{cell}"),
                }
            })
            .collect();
        cells.join(BETWEEN_COLUMNS).trim_end().to_owned() + "\n"
    };
    let titled = line(titles.map(|(title, _)| title));
    rows.iter().fold(titled, |text, row| text + &line(row.each_ref().map(String::as_str)))
}

/// A text that fits into a column.
fn shortened(cell: String) -> String {
    if cell.chars().count() <= MAX_CELL_CHARS {
        return cell;
    }
    cell.chars().take(MAX_CELL_CHARS - 1).chain(['…']).collect()
}

/// A size in MB of 10⁶ bytes, without the unit.
pub(super) fn megabytes(n_bytes: u64) -> String {
    format!("{:.1}", n_bytes as f64 / BYTES_PER_MB)
}

/// The same, or nothing.
pub(super) fn megabytes_of(n_bytes: Option<u64>) -> String {
    n_bytes.map_or_else(|| NOTHING.to_owned(), megabytes)
}

/// A share of 1 in whole percent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// How long ago something was.
pub(super) fn ago(then: Option<SystemTime>, now: SystemTime) -> String {
    let Some(then) = then else { return "never".to_owned() };
    // A clock that was set back makes a future of the past.
    match now.duration_since(then).map_or(0, |since| since.as_secs()) {
        ..SECS_PER_MINUTE => "just now".to_owned(),
        secs @ ..SECS_PER_HOUR => format!("{} min ago", secs / SECS_PER_MINUTE),
        secs @ ..SECS_PER_DAY => format!("{} h ago", secs / SECS_PER_HOUR),
        secs => format!("{} d ago", secs / SECS_PER_DAY),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_text() {
        let titles = [("key", Side::Left), ("MB", Side::Right), ("state", Side::Left)];
        let row = |key: &str, size: &str, state: &str| [key.to_owned(), size.to_owned(), state.to_owned()];
        let rows = [row("größer", "1617.8", "ready"), row("a\nb", "0.1", "")];
        let expected = "\
key         MB  state
größer  1617.8  ready
a\\nb       0.1
";
        assert_eq!(table(titles, &rows), expected);
        assert_eq!(table(titles, &[]), "");
        for (n_chars, expected) in [(60, 60), (61, 60), (100_000, 60)] {
            let long = "ß".repeat(n_chars);
            let text = table(titles, &[row(&long, &long, &long)]);
            let cells: Vec<usize> =
                text.lines().nth(1).expect("a row").split("  ").map(|cell| cell.chars().count()).collect();
            assert_eq!(cells, [n_chars, expected, n_chars]);
        }
    }

    #[test]
    fn times_are_told_from_now() {
        for (then, now, expected) in [
            (None, 100, "never"),
            (Some(100), 100, "just now"),
            (Some(200), 100, "just now"),
            (Some(0), 59, "just now"),
            (Some(0), 60, "1 min ago"),
            (Some(0), 7199, "1 h ago"),
            (Some(0), 86_399, "23 h ago"),
            (Some(0), 3 * 86_400, "3 d ago"),
        ] {
            let at = |secs| UNIX_EPOCH + Duration::from_secs(secs);
            assert_eq!(ago(then.map(at), at(now)), expected, "{then:?} {now}");
        }
    }

    #[test]
    fn sizes_have_one_decimal() {
        for (n_bytes, expected) in [(0, "0.0"), (49_999, "0.0"), (260_000, "0.3"), (1_617_824_864, "1617.8")] {
            assert_eq!(megabytes(n_bytes), expected);
        }
        assert_eq!((megabytes_of(None), percent(0.256)), ("-".to_owned(), "26 %".to_owned()));
    }
}
