//! The jobs of the past in the database, and from them how long the next one may take.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::transcript::manifest::Manifest;
use crate::units::Seconds;

use super::Library;
use super::entry::{JobRecord, RecordingId};
use super::error::{LibraryError, failed};
use super::packed::{pack, unpack};
use super::recordings::{json, json_column};

/// The columns of a job, in the order in which they are read.
const COLUMNS: &str = "recording, started_secs, model, settings, audio_secs, stages, total_secs, reused_fraction, \
                       mean_confidence, outcome, manifest";

/// The outcome of a job that ended as it should.
const DONE: &str = "done";
/// The newest jobs of a model that an estimate looks at,
const N_LOOKED_AT: i64 = 200;
/// of which those count whose recordings are nearest in length: models are loaded once, however long a recording is.
const N_COUNTED: usize = 15;
/// With fewer jobs of the same settings, those of others count, too.
const N_ENOUGH: usize = 3;
/// Jobs that had more than this share of their results at hand say nothing of the time to make them.
const MAX_REUSED: f64 = 0.2;

impl Library {
    /// Keeps what is known of a job that ended.
    pub fn add_job(&mut self, job: &JobRecord) -> Result<(), LibraryError> {
        let added = insert(&self.connection, job);
        added.map_err(failed("keep the record of a job", &self.path))
    }

    /// The newest jobs, newest first.
    pub fn jobs(&self, limit: usize) -> Result<Vec<JobRecord>, LibraryError> {
        all(&self.connection, limit).map_err(failed("list the jobs", &self.path))
    }

    /// The newest job of a recording that gave a transcript.
    pub fn last_job(&self, recording: RecordingId) -> Result<Option<JobRecord>, LibraryError> {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE recording = ?1 AND outcome = ?2 ORDER BY id DESC LIMIT 1");
        let look = || self.connection.prepare_cached(&sql)?.query_row(params![recording.0, DONE], read).optional();
        look().map_err(failed("look for the last job of a recording", &self.path))
    }

    /// How long a job may take, by what jobs of the same model and settings took for recordings of such a length; where
    /// there are too few, by the jobs of the model. `None` if there are none.
    pub fn estimate(&self, model: &str, settings: &str, audio: Seconds) -> Result<Option<Seconds>, LibraryError> {
        let look = || -> rusqlite::Result<Vec<(String, f64, f64)>> {
            let mut statement = self.connection.prepare_cached(
                "SELECT settings, audio_secs, total_secs / (1 - reused_fraction) FROM jobs
                 WHERE model = ?1 AND outcome = ?2 AND reused_fraction <= ?3 AND audio_secs > 0 AND total_secs > 0
                 ORDER BY id DESC LIMIT ?4",
            )?;
            let rows = statement.query_map(params![model, DONE, MAX_REUSED, N_LOOKED_AT], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
            rows.collect()
        };
        let jobs = look().map_err(failed("look through the jobs", &self.path))?;
        let like_it: Vec<_> = jobs.iter().filter(|(its_settings, ..)| its_settings == settings).collect();
        let counted: Vec<_> = if like_it.len() < N_ENOUGH { jobs.iter().collect() } else { like_it };
        Ok(estimate(counted.into_iter().map(|(_, audio_secs, total_secs)| (*audio_secs, *total_secs)), audio))
    }
}

/// The median of time by length over the jobs nearest in length.
fn estimate(jobs: impl Iterator<Item = (f64, f64)>, audio: Seconds) -> Option<Seconds> {
    let mut jobs: Vec<(f64, f64)> =
        jobs.map(|(audio_secs, total_secs)| (audio_secs, total_secs / audio_secs)).collect();
    let distance = |audio_secs: f64| (audio_secs.ln() - audio.0.max(1e-3).ln()).abs();
    jobs.sort_by(|one, other| distance(one.0).total_cmp(&distance(other.0)));
    let mut factors: Vec<f64> = jobs.into_iter().take(N_COUNTED).map(|(_, factor)| factor).collect();
    factors.sort_by(f64::total_cmp);
    let middle = factors.len() / 2;
    let upper = *factors.get(middle)?;
    let median = if factors.len() % 2 == 1 { upper } else { f64::midpoint(factors[middle - 1], upper) };
    Some(Seconds(median * audio.0))
}

/// Adds a job.
pub(super) fn insert(connection: &Connection, job: &JobRecord) -> rusqlite::Result<()> {
    // What is not a number would be stored as nothing.
    let number = |value: f64| if value.is_finite() { value } else { 0.0 };
    let stages: Vec<(&str, f64)> = job.stages.iter().map(|(stage, time)| (stage.as_str(), number(time.0))).collect();
    let manifest = job.manifest.as_deref().map(pack).transpose();
    let manifest = manifest.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection
        .prepare_cached(&format!("INSERT INTO jobs ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"))?
        .execute(params![
            job.recording.0,
            job.started_secs,
            job.model,
            job.settings,
            number(job.audio.0),
            json(&stages)?,
            number(job.total.0),
            number(f64::from(job.reused_fraction)),
            job.mean_confidence,
            job.outcome,
            manifest,
        ])
        .map(drop)
}

/// The newest jobs, newest first.
pub(super) fn all(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<JobRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM jobs ORDER BY started_secs DESC, id DESC LIMIT ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let jobs = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], read)?;
    jobs.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<JobRecord> {
    Ok(JobRecord {
        recording: RecordingId(row.get(0)?),
        started_secs: row.get(1)?,
        model: row.get(2)?,
        settings: row.get(3)?,
        audio: Seconds(row.get(4)?),
        stages: json_column(row, 5)?,
        total: Seconds(row.get(6)?),
        reused_fraction: row.get(7)?,
        mean_confidence: row.get(8)?,
        outcome: row.get(9)?,
        manifest: row.get::<_, Option<Vec<u8>>>(10)?.and_then(|packed| manifest_in(&packed)),
    })
}

/// A manifest that cannot be read is none: the rest of the job is known all the same.
fn manifest_in(packed: &[u8]) -> Option<Box<Manifest>> {
    unpack(packed).inspect_err(|reason| tracing::debug!("the manifest of a job cannot be read: {reason}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_the_median_of_jobs_of_such_a_length() {
        let check = |jobs: &[(f64, f64)], audio_secs: f64, expected: Option<f64>| {
            let estimate = estimate(jobs.iter().copied(), Seconds(audio_secs)).map(|seconds| seconds.0);
            assert_eq!(estimate, expected, "{jobs:?}");
        };
        check(&[], 60.0, None);
        check(&[(60.0, 30.0)], 600.0, Some(300.0));
        check(&[(60.0, 30.0), (60.0, 60.0)], 60.0, Some(45.0));
        // One that took long because the machine was busy does not count.
        check(&[(60.0, 30.0), (70.0, 35.0), (50.0, 5000.0)], 60.0, Some(30.0));
        // Short ones take long for their length; they say nothing of long ones.
        let mut jobs = vec![(10.0, 20.0); 40];
        jobs.extend([(3600.0, 1800.0); N_COUNTED]);
        check(&jobs, 3000.0, Some(1500.0));
        check(&jobs, 12.0, Some(24.0));
        check(&jobs, 0.0, Some(0.0));
    }
}
