//! How stored results are used: when each was used last, and day by day how many were there, how many were not, and how
//! much time that saved. Counting writes nothing to the disk by itself, for looking something up shall cost nothing.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, params};

use crate::hash::ResultKey;
use crate::units::Seconds;

use super::error::Failure;
use super::{Layer, unix_ms};

/// Uses that are remembered before they are written even though nothing is stored.
const MAX_UNWRITTEN: usize = 10_000;
/// Days of the past that are told.
const N_DAYS: i64 = 30;
/// Days of the past that are kept.
const N_KEPT_DAYS: i64 = 400;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultsSurvey {
    /// Layer by layer, in the order of a job.
    pub layers: Vec<LayerSurvey>,
    /// What all of it may take; `None`: as much as it wants.
    pub budget_bytes: Option<u64>,
    /// The last 30 days, oldest first.
    pub days: Vec<DaySurvey>,
}

/// What is stored of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSurvey {
    /// The layer.
    pub layer: Layer,
    /// How many results,
    pub n_entries: u64,
    /// and what they take on disk.
    pub n_bytes: u64,
    /// How often one was asked for and there in the last 30 days,
    pub n_hits: u64,
    /// and how often not.
    pub n_misses: u64,
    /// What computing those again would have taken.
    pub saved: Seconds,
}

/// What came of the store on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DaySurvey {
    /// The day, counted from 1970-01-01 (UTC).
    pub day: i64,
    /// Results that were there,
    pub n_hits: u64,
    /// and those that were not.
    pub n_misses: u64,
    /// The time that was saved.
    pub saved: Seconds,
}

/// Uses that are not written down yet.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    touched: BTreeMap<(Layer, ResultKey), Touch>,
    days: BTreeMap<(i64, Layer), Tally>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Touch {
    n_uses: i64,
    last_used_ms: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    n_hits: i64,
    n_misses: i64,
    saved_ms: i64,
}

impl Unwritten {
    /// A result was there.
    pub(super) fn hit(&mut self, layer: Layer, key: &ResultKey, cost: Duration, now: SystemTime) {
        let touch = self.touched.entry((layer, *key)).or_default();
        touch.n_uses += 1;
        touch.last_used_ms = unix_ms(now);
        let tally = self.days.entry((day_of(now), layer)).or_default();
        tally.n_hits += 1;
        tally.saved_ms = tally.saved_ms.saturating_add(i64::try_from(cost.as_millis()).unwrap_or(i64::MAX));
    }

    /// A result was not there.
    pub(super) fn miss(&mut self, layer: Layer, now: SystemTime) {
        self.days.entry((day_of(now), layer)).or_default().n_misses += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.touched.is_empty() && self.days.is_empty()
    }

    /// Whether so much is remembered that it is time to write it down.
    pub(super) fn is_full(&self) -> bool {
        self.touched.len() >= MAX_UNWRITTEN
    }

    /// Writes it down. It is still remembered, for the transaction may fail.
    pub(super) fn write(&self, transaction: &Connection) -> rusqlite::Result<()> {
        // A clock that went backwards makes nothing look older than it is.
        let mut touch_row = transaction.prepare_cached(
            "UPDATE entries SET n_uses = n_uses + ?3, last_used_ms = max(last_used_ms, ?4)
             WHERE layer = ?1 AND key = ?2",
        )?;
        for ((layer, key), touch) in &self.touched {
            touch_row.execute(params![layer.name(), key.as_bytes(), touch.n_uses, touch.last_used_ms])?;
        }
        let mut count = transaction.prepare_cached(
            "INSERT INTO tallies (day, layer, n_hits, n_misses, saved_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (day, layer) DO UPDATE SET n_hits = n_hits + excluded.n_hits,
                 n_misses = n_misses + excluded.n_misses, saved_ms = saved_ms + excluded.saved_ms",
        )?;
        for ((day, layer), tally) in &self.days {
            count.execute(params![day, layer.name(), tally.n_hits, tally.n_misses, tally.saved_ms])?;
        }
        Ok(())
    }
}

/// Forgets what came of the store long ago.
pub(super) fn forget_old_days(transaction: &Connection, now: SystemTime) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM tallies WHERE day < ?1", [day_of(now) - N_KEPT_DAYS])?;
    Ok(())
}

/// Notes that this day has had its clean-up. Returns whether it had none before. It is a row among the counts that is of
/// no layer, so that the tables stay as they are.
pub(super) fn begin_clean_up_of_day(connection: &Connection, now: SystemTime) -> rusqlite::Result<bool> {
    let noted = connection.execute(
        "INSERT OR IGNORE INTO tallies (day, layer, n_hits, n_misses, saved_ms) VALUES (?1, 'clean-up', 0, 0, 0)",
        [day_of(now)],
    );
    noted.map(|n_noted| n_noted > 0)
}

/// What is stored, layer by layer, and the last days.
pub(super) fn survey(connection: &Connection, now: SystemTime) -> Result<(Vec<LayerSurvey>, Vec<DaySurvey>), Failure> {
    let new = |layer| LayerSurvey { layer, n_entries: 0, n_bytes: 0, n_hits: 0, n_misses: 0, saved: Seconds(0.0) };
    let mut layers: BTreeMap<Layer, LayerSurvey> = Layer::ALL.map(|layer| (layer, new(layer))).into();
    let mut statement = connection.prepare("SELECT layer, count(*), sum(n_bytes) FROM entries GROUP BY layer")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(survey) = layer_named(row)?.and_then(|layer| layers.get_mut(&layer)) {
            survey.n_entries = count_at(row, 1)?;
            survey.n_bytes = count_at(row, 2)?;
        }
    }
    let today = day_of(now);
    let new = |day| (day, DaySurvey { day, ..DaySurvey::default() });
    let mut days: BTreeMap<i64, DaySurvey> = (today - N_DAYS + 1..=today).map(new).collect();
    let mut statement = connection.prepare(
        "SELECT layer, n_hits, n_misses, saved_ms, day FROM tallies WHERE day BETWEEN ?1 AND ?2 ORDER BY day, layer",
    )?;
    let mut rows = statement.query([today - N_DAYS + 1, today])?;
    while let Some(row) = rows.next()? {
        let (n_hits, n_misses, saved) = (count_at(row, 1)?, count_at(row, 2)?, count_at(row, 3)? as f64 / 1000.0);
        if let Some(survey) = layer_named(row)?.and_then(|layer| layers.get_mut(&layer)) {
            survey.n_hits += n_hits;
            survey.n_misses += n_misses;
            survey.saved.0 += saved;
        }
        if let Some(survey) = days.get_mut(&row.get::<_, i64>(4)?) {
            survey.n_hits += n_hits;
            survey.n_misses += n_misses;
            survey.saved.0 += saved;
        }
    }
    Ok((layers.into_values().collect(), days.into_values().collect()))
}

/// The layer in the first column; `None` if another version of Hansard has it.
fn layer_named(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Layer>> {
    Ok(row.get::<_, String>(0)?.parse().ok())
}

fn count_at(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.max(0) as u64)
}

/// Days since 1970-01-01.
fn day_of(time: SystemTime) -> i64 {
    unix_ms(time).div_euclid(DAY_MS)
}
