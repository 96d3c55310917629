//! How long jobs may take that have not begun: by their settings and the length of their recordings, from what jobs of
//! the past took. Nothing of it may hinder a job, so what cannot be found out is left open.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::audio::decode;
use crate::engine::command::{JobId, JobRequest, Reuse};
use crate::engine::library::{Bound, Estimate};
use crate::library::{self, Library, LibraryError, PastJob, Status};
use crate::units::Seconds;

use super::jobs::settings_in_words;
use super::scans;
use super::stored::Stored;

/// Jobs of the past by their model, looked up once.
#[derive(Default)]
pub(super) struct Histories(BTreeMap<String, Vec<PastJob>>);

impl Histories {
    /// The jobs of a model.
    pub(super) fn of(&mut self, library: &Library, model: &str) -> Result<&[PastJob], LibraryError> {
        let known = match self.0.entry(model.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(library.past_jobs(model)?),
        };
        Ok(known.as_slice())
    }
}

/// What decides how long a job will take.
pub(super) struct Outlook {
    model: String,
    settings: String,
    audio: Option<Seconds>,
    bound: Bound,
}

impl Outlook {
    /// That of a request. Where the library does not know how long the recording is, its header is read.
    pub(super) fn of(library: &Library, stored: &Stored, request: &JobRequest) -> Result<Self, LibraryError> {
        let entry = match library.find(&scans::listed(library, &request.path)?)? {
            Some(id) => library.entry(id)?,
            None => None,
        };
        // What is wrong with the file, the job will say.
        let stated = || decode::stated_length(&request.path).ok().flatten();
        let audio = entry.as_ref().and_then(|entry| entry.duration).or_else(stated);
        // How much of it is stored, only the job finds out.
        let is_begun = entry.is_some_and(|entry| entry.status != Status::New);
        let bound = match request.reuse {
            Reuse::Kept if is_begun && stored.is_used() => Bound::AtMost,
            Reuse::Kept | Reuse::Fresh => Bound::About,
        };
        Ok(Self { model: request.model.clone(), settings: settings_in_words(request), audio, bound })
    }

    /// How long the job will take, by the jobs of its model.
    pub(super) fn estimate(&self, past: &[PastJob]) -> Option<Estimate> {
        let time = library::estimate(past, &self.settings, self.audio?)?;
        Some(Estimate { time, bound: self.bound })
    }
}

/// Jobs that wait for their turn, each with what was last told of it.
#[derive(Default)]
pub(super) struct WaitingJobs(BTreeMap<JobId, WaitingJob>);

struct WaitingJob {
    outlook: Outlook,
    told: Option<Estimate>,
}

impl WaitingJobs {
    /// Adds a job, and returns how long it will take.
    pub(super) fn add(
        &mut self,
        library: &Library,
        stored: &Stored,
        job: JobId,
        request: &JobRequest,
    ) -> Result<Option<Estimate>, LibraryError> {
        let outlook = Outlook::of(library, stored, request)?;
        let told = outlook.estimate(Histories::default().of(library, &outlook.model)?);
        self.0.insert(job, WaitingJob { outlook, told });
        Ok(told)
    }

    /// Takes out a job that waits no more. Returns how long it was to take, as it was told.
    pub(super) fn take(&mut self, job: JobId) -> Option<Seconds> {
        self.0.remove(&job)?.told.map(|estimate| estimate.time)
    }

    /// The estimates that are others than those that were told, now that another job has ended.
    pub(super) fn news(&mut self, library: &Library) -> Result<Vec<(JobId, Estimate)>, LibraryError> {
        let mut histories = Histories::default();
        let mut news = Vec::new();
        for (job, waiting) in &mut self.0 {
            let estimate = waiting.outlook.estimate(histories.of(library, &waiting.outlook.model)?);
            if estimate != waiting.told {
                waiting.told = estimate;
                news.extend(estimate.map(|estimate| (*job, estimate)));
            }
        }
        Ok(news)
    }
}
