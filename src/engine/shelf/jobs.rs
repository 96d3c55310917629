//! What the library keeps of a job: the recording when it begins; its transcript, what it cost, how it ended and what the
//! recording sounds like when it ends. Nothing of it may hinder the job.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::engine::command::{
    Alignment, ComputeDevice, Diarize, JobRequest, Mode, Numerals, PreviousText, SpeakerCount,
};
use crate::engine::event::JobReport;
use crate::library::{self, FoundFile, JobRecord, Kept, Library, LibraryError, RecordingEntry, RecordingId, Status};
use crate::nn::ComputeType;
use crate::nn::whisper::Task;
use crate::transcript::Transcript;
use crate::transcript::manifest::Manifest;
use crate::units::Seconds;

use super::related;
use super::scans;
use super::stored::Stored;

/// A file up to this size is read for its hash at once, the rest only while nobody waits.
const SMALL_BYTES: u64 = 64 << 20;

/// What the engine tells of a job, in this order; one of the last three is the end, at any time.
pub(in crate::engine) enum JobNote {
    /// It waits for its turn.
    Queued(Box<JobRequest>),
    /// It runs.
    Started(Box<JobRequest>),
    /// Its recording is this long.
    Length(Seconds),
    /// It gave a transcript.
    Done(Arc<Transcript>, JobReport),
    /// It failed, for this reason.
    Failed(String),
    /// It was stopped.
    Cancelled,
}

/// How a job ended.
pub(super) enum End {
    Done(Arc<Transcript>, JobReport),
    Failed(String),
    Cancelled,
}

/// A job that runs.
pub(super) struct RunningJob {
    request: Box<JobRequest>,
    /// `None` where the file is not there, so that the job will fail.
    recording: Option<RecordingId>,
    /// The file as it was when the job began.
    file: Option<FoundFile>,
    started_secs: i64,
    since: Instant,
    audio: Seconds,
    /// How long it was to take, as it was told.
    estimate: Option<Seconds>,
}

/// What came of keeping a job.
#[derive(Debug, Default)]
pub(super) struct JobKept {
    /// What the user should know.
    pub(super) warnings: Vec<String>,
    /// A recording that was too large to be hashed in passing.
    pub(super) to_hash: Option<RecordingId>,
    /// The recording, if it turned out to sound like others.
    pub(super) related: Option<Box<RecordingEntry>>,
}

impl RunningJob {
    /// A job that begins now; its recording comes into the library.
    pub(super) fn begin(
        library: &mut Library,
        stored: &Stored,
        request: Box<JobRequest>,
        estimate: Option<Seconds>,
    ) -> (Self, Result<(), LibraryError>) {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started_secs = i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX);
        let (since, audio) = (Instant::now(), Seconds::default());
        let mut job = Self { request, recording: None, file: None, started_secs, since, audio, estimate };
        let listed = job.list(library, stored);
        (job, listed)
    }

    /// Where its recording is, if that is another path than the one that was given.
    pub(super) fn listed_elsewhere(&self) -> Option<&Path> {
        let listed = self.file.as_ref()?.path.as_path();
        (listed != self.request.path).then_some(listed)
    }

    /// Its recording is this long.
    pub(super) fn set_length(&mut self, length: Seconds) {
        self.audio = length;
    }

    /// Keeps what came of it.
    pub(super) fn end(self, library: &mut Library, stored: &Stored, end: End) -> Result<JobKept, LibraryError> {
        let mut kept = JobKept::default();
        let Some(id) = self.recording else { return Ok(kept) };
        let path = self.request.path.display();
        let (report, mean_confidence, outcome) = match end {
            End::Done(transcript, report) => {
                match library.keep_transcript(id, &transcript, &self.request.model)? {
                    Kept::New | Kept::Same | Kept::Replaced => {}
                    Kept::ReplacedEdited => kept.warnings.push(format!(
                        "{path}: the new transcript is another one than that which was edited. The edited one is kept \
                         among the earlier ones."
                    )),
                }
                kept.to_hash = self.hash_if_small(library, stored, id)?;
                (report, transcript.mean_confidence(), "done".to_owned())
            }
            End::Failed(reason) => {
                if !has_transcript(library, id)? {
                    library.set_status(id, &Status::Failed(reason.clone()))?;
                }
                (self.report_of_unfinished(), None, reason)
            }
            // What was computed is stored, and the next job goes on there.
            End::Cancelled => (self.report_of_unfinished(), None, "cancelled".to_owned()),
        };
        library.add_job(&JobRecord {
            recording: id,
            started_secs: self.started_secs,
            model: self.request.model.clone(),
            settings: settings_in_words(&self.request),
            audio: self.audio,
            stages: report.stages.iter().map(|(stage, taken)| (stage.label().to_owned(), *taken)).collect(),
            total: report.total,
            reused_fraction: report.reused_fraction(),
            mean_confidence,
            outcome,
            manifest: report.manifest.as_deref().map(without_marks),
            estimate: self.estimate,
        })?;
        // Last, for the rest is worth more.
        if let Some(acoustics) = &report.acoustics {
            kept.related = related::keep(library, id, acoustics)?;
        }
        Ok(kept)
    }

    fn list(&mut self, library: &mut Library, stored: &Stored) -> Result<(), LibraryError> {
        // What is wrong with the file, the job itself will say.
        let Ok(file) = library::look(&scans::listed(library, &self.request.path)?) else { return Ok(()) };
        library.add(std::slice::from_ref(&file), &mut |path| stored.content(path).ok())?;
        self.recording = library.find(&file.path)?;
        self.file = Some(file);
        if let Some(id) = self.recording
            && !has_transcript(library, id)?
        {
            library.set_status(id, &Status::PartlyDone)?;
        }
        Ok(())
    }

    /// Keeps the hash of the file, by which it is found again when it is moved; or returns that this has to wait.
    fn hash_if_small(
        &self,
        library: &mut Library,
        stored: &Stored,
        id: RecordingId,
    ) -> Result<Option<RecordingId>, LibraryError> {
        // The hash of a file that changed meanwhile is not that of what was transcribed.
        let Some(file) = self.file.as_ref().filter(|file| is_unchanged(file)) else { return Ok(None) };
        match stored.known_content(&file.path) {
            None if file.n_bytes > SMALL_BYTES => return Ok(Some(id)),
            Some(content) => {
                library.set_content_of(id, file, &content)?;
            }
            None => {
                // A file that is gone meanwhile has none.
                if let Ok(content) = stored.content(&file.path)
                    && is_unchanged(file)
                {
                    library.set_content_of(id, file, &content)?;
                }
            }
        }
        Ok(None)
    }

    fn report_of_unfinished(&self) -> JobReport {
        JobReport { total: Seconds(self.since.elapsed().as_secs_f64()), ..JobReport::default() }
    }
}

/// Whether a file is as it was when it was looked at.
pub(super) fn is_unchanged(file: &FoundFile) -> bool {
    library::look(&file.path).is_ok_and(|now| (now.n_bytes, now.modified_ns) == (file.n_bytes, file.modified_ns))
}

/// What of a request decides how long it takes, in words; the same words for the same request.
pub(super) fn settings_in_words(request: &JobRequest) -> String {
    let JobRequest { language, task, mode, numerals, previous_text, .. } = request;
    let mut words = language.clone().unwrap_or_else(|| "any language".to_owned());
    words += match task {
        Task::Transcribe => "",
        Task::Translate => ", translated",
    };
    let mode = match (mode, previous_text) {
        (Mode::Batched, _) => format!("batches of {}", request.batch_size),
        (Mode::Sequential, PreviousText::Given) => "sequential".to_owned(),
        (Mode::Sequential, PreviousText::Withheld) => "sequential without the text before".to_owned(),
    };
    let numerals = match numerals {
        Numerals::AsModelWrites => "",
        Numerals::InWords => ", numerals in words",
    };
    let aligned = match &request.alignment {
        Alignment::Automatic => "aligned",
        Alignment::With(_) => "aligned by a model of the user's",
        Alignment::Off => "not aligned",
    };
    let device = match request.device {
        ComputeDevice::Auto => "any device",
        ComputeDevice::Cpu => "processor",
        ComputeDevice::Cuda => "CUDA",
        ComputeDevice::Metal => "Metal",
    };
    let precision = match request.compute_type {
        ComputeType::Int8 => "8 bits",
        ComputeType::F32 => "32 bits",
    };
    let speakers = match request.speakers.diarize {
        Diarize::On => format!("{} by {}", speakers_in_words(&request.speakers.count), request.speakers.model),
        Diarize::Off => "no speakers".to_owned(),
    };
    let beam_size = request.beam_size;
    write!(words, ", {mode}, beam {beam_size}{numerals}, {aligned}, {speakers}, {device}, {precision}")
        .expect("a string takes all that is written");
    words
}

fn speakers_in_words(count: &SpeakerCount) -> String {
    match (count.exact, count.min, count.max) {
        (Some(exact), ..) => format!("{exact} speakers"),
        (None, None, None) => "speakers".to_owned(),
        (None, Some(min), None) => format!("{min} speakers or more"),
        (None, None, Some(max)) => format!("{max} speakers or less"),
        (None, Some(min), Some(max)) => format!("{min} to {max} speakers"),
    }
}

fn has_transcript(library: &Library, id: RecordingId) -> Result<bool, LibraryError> {
    Ok(library.entry(id)?.is_some_and(|entry| matches!(entry.status, Status::Done(_))))
}

/// What a transcript was made of. The marks of its words are long, and can be made of the transcript at any time.
fn without_marks(manifest: &Manifest) -> Box<Manifest> {
    Box::new(Manifest { words: String::new(), ..manifest.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_told_in_words() {
        let usual = || JobRequest::new("a.wav".into(), "small");
        let mut other = JobRequest { language: Some("de".into()), task: Task::Translate, ..usual() };
        (other.mode, other.beam_size, other.device) = (Mode::Sequential, 5, ComputeDevice::Cuda);
        (other.alignment, other.compute_type) = (Alignment::Off, ComputeType::F32);
        other.speakers.count.min = Some(2);
        let mut silent = usual();
        silent.speakers.diarize = Diarize::Off;
        let model = &usual().speakers.model;
        for (request, expected) in [
            (usual(), format!("any language, batches of 8, beam 1, aligned, speakers by {model}, any device, 8 bits")),
            (
                other,
                format!(
                    "de, translated, sequential, beam 5, not aligned, 2 speakers or more by {model}, CUDA, 32 bits"
                ),
            ),
            (silent, "any language, batches of 8, beam 1, aligned, no speakers, any device, 8 bits".to_owned()),
        ] {
            assert_eq!(settings_in_words(&request), expected);
        }
    }
}
