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
                       mean_confidence, outcome, manifest, estimate_secs";

/// The outcome of a job that ended as it should.
const DONE: &str = "done";
/// The newest jobs of a model that an estimate looks at,
const N_LOOKED_AT: i64 = 300;
/// of which those count whose recordings are nearest in length: models are loaded once, however long a recording is.
const N_COUNTED: usize = 15;
/// Jobs that had more than this share of their results at hand say nothing of the time to make them.
const MAX_REUSED: f64 = 0.2;

/// A job of the past, as far as it tells how long another one may take.
#[derive(Clone, Debug, PartialEq)]
pub struct PastJob {
    /// What it was asked, in words.
    pub settings: String,
    /// Length of its recording.
    pub audio: Seconds,
    /// What it took.
    pub total: Seconds,
    /// Share of the work that was known already, 0 to 1.
    pub reused_fraction: f64,
}

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

    /// The newest jobs of a model that ended as they should, newest first.
    pub fn past_jobs(&self, model: &str) -> Result<Vec<PastJob>, LibraryError> {
        let look = || -> rusqlite::Result<Vec<PastJob>> {
            let mut statement = self.connection.prepare_cached(
                "SELECT settings, audio_secs, total_secs, reused_fraction FROM jobs
                 WHERE model = ?1 AND outcome = ?2 ORDER BY id DESC LIMIT ?3",
            )?;
            let rows = statement.query_map(params![model, DONE, N_LOOKED_AT], |row| {
                Ok(PastJob {
                    settings: row.get(0)?,
                    audio: Seconds(row.get(1)?),
                    total: Seconds(row.get(2)?),
                    reused_fraction: row.get(3)?,
                })
            })?;
            rows.collect()
        };
        look().map_err(failed("look through the jobs", &self.path))
    }

    /// How long a job may take, by the newest jobs of its model; see [`estimate`].
    pub fn estimate(&self, model: &str, settings: &str, audio: Seconds) -> Result<Option<Seconds>, LibraryError> {
        Ok(estimate(&self.past_jobs(model)?, settings, audio))
    }
}

/// How long a job may take, by jobs of its model: by those of the same settings or, where there are none, by all. Jobs
/// that had much of their results at hand do not count. `None` where none does.
pub fn estimate(past: &[PastJob], settings: &str, audio: Seconds) -> Option<Seconds> {
    let is_whole = |job: &&PastJob| job.reused_fraction <= MAX_REUSED && job.audio.0 > 0.0 && job.total.0 > 0.0;
    let whole: Vec<&PastJob> = past.iter().filter(is_whole).collect();
    let like_it: Vec<&PastJob> = whole.iter().copied().filter(|job| job.settings == settings).collect();
    median_time(if like_it.is_empty() { whole } else { like_it }, audio)
}

/// The median of time by length over the jobs nearest in length.
fn median_time(mut jobs: Vec<&PastJob>, audio: Seconds) -> Option<Seconds> {
    let distance = |job: &PastJob| (job.audio.0.ln() - audio.0.max(1e-3).ln()).abs();
    // Of two that are as near, the newer one stays first.
    jobs.sort_by(|one, other| distance(one).total_cmp(&distance(other)));
    let factor = |job: &PastJob| job.total.0 / (1.0 - job.reused_fraction) / job.audio.0;
    let mut factors: Vec<f64> = jobs.into_iter().take(N_COUNTED).map(factor).collect();
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
        .prepare_cached(&format!(
            "INSERT INTO jobs ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        ))?
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
            job.estimate.map(|estimate| number(estimate.0)),
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
        estimate: row.get::<_, Option<f64>>(11)?.map(Seconds),
    })
}

/// A manifest that cannot be read is none: the rest of the job is known all the same.
fn manifest_in(packed: &[u8]) -> Option<Box<Manifest>> {
    unpack(packed).inspect_err(|reason| tracing::debug!("the manifest of a job cannot be read: {reason}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job of these settings: length, time and the share that was known.
    fn past(settings: &str, audio_secs: f64, total_secs: f64, reused_fraction: f64) -> PastJob {
        let (audio, total) = (Seconds(audio_secs), Seconds(total_secs));
        PastJob { settings: settings.to_owned(), audio, total, reused_fraction }
    }

    #[test]
    fn the_estimate_is_the_median_of_jobs_of_such_a_length() {
        let check = |jobs: &[(f64, f64)], audio_secs: f64, expected: Option<f64>| {
            let past: Vec<PastJob> = jobs.iter().map(|(audio, total)| past("en", *audio, *total, 0.0)).collect();
            let estimate = estimate(&past, "en", Seconds(audio_secs)).map(|seconds| seconds.0);
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
        // Machines get faster: the newest count, which come first.
        check(&[&[(60.0, 30.0); N_COUNTED][..], &[(60.0, 6000.0); 40]].concat(), 60.0, Some(30.0));
    }

    #[test]
    fn jobs_of_other_settings_count_only_where_there_are_none_of_the_same_and_known_results_do_not() {
        let (beam, greedy) = (past("beam 5", 60.0, 60.0, 0.0), past("beam 1", 60.0, 30.0, 0.0));
        let reused = past("beam 5", 60.0, 1.0, 0.9);
        let partly = past("beam 5", 60.0, 52.5, 0.125);
        for (jobs, settings, expected) in [
            (vec![&greedy, &beam, &greedy], "beam 5", Some(60.0)),
            (vec![&greedy, &beam, &greedy], "beam 1", Some(30.0)),
            (vec![&greedy, &beam, &greedy], "beam 2", Some(30.0)),
            (vec![&reused, &beam, &reused], "beam 5", Some(60.0)),
            (vec![&reused, &greedy], "beam 5", Some(30.0)),
            (vec![&reused], "beam 5", None),
            (vec![&partly], "beam 5", Some(60.0)),
            (vec![], "beam 5", None),
        ] {
            let jobs: Vec<PastJob> = jobs.into_iter().cloned().collect();
            let estimate = estimate(&jobs, settings, Seconds(60.0)).map(|seconds| seconds.0);
            assert_eq!(estimate, expected, "{settings}: {jobs:?}");
        }
    }
}
