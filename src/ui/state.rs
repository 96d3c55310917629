//! What the window knows: recordings, their jobs and transcripts, messages, models. Engine events and user actions
//! change it, panels read it. No egui and no I/O in here, so that every sequence of events can be tested.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::{Event, JobId, JobProgress, LoadedModel, Stage};
use crate::transcript::Transcript;
use crate::units::Seconds;

/// All that the window shows.
#[derive(Debug, Default)]
pub(super) struct State {
    recordings: Vec<Recording>,
    selected_idx: Option<usize>,
    messages: Vec<Message>,
    n_messages: u64,
    notice: String,
    models: Vec<LoadedModel>,
}

/// A recording and what became of it.
#[derive(Debug)]
pub(super) struct Recording {
    /// The job that transcribes it; `None` for a transcript that was given to the window.
    pub(super) job: Option<JobId>,
    /// The file.
    pub(super) path: PathBuf,
    /// How far it is.
    pub(super) phase: Phase,
    /// Its length, once known.
    pub(super) duration: Option<Seconds>,
    /// What is known of its text; grows while the job runs.
    pub(super) transcript: Arc<Transcript>,
}

/// How far a recording is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    /// Its job is in the queue.
    Waiting,
    /// Its job runs; `None` until the first report.
    Running(Option<JobProgress>),
    /// The user asked to stop; the engine has not answered yet.
    Stopping,
    /// The transcript is whole.
    Done,
    /// The job ended with this line.
    Failed(String),
    /// The job was stopped.
    Cancelled,
}

/// Something the user should know; stays until dismissed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Unique within this window.
    pub(super) id: u64,
    /// How bad it is.
    pub(super) severity: Severity,
    /// What happened, where, and what to do.
    pub(super) text: String,
}

/// How bad a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// The work went on, with a flaw.
    Warning,
    /// Something asked for was not done.
    Error,
}

impl State {
    /// The recordings, in the order in which they were opened.
    pub(super) fn recordings(&self) -> &[Recording] {
        &self.recordings
    }

    /// The recording that is shown, and its place in the list.
    pub(super) fn selected(&self) -> Option<(usize, &Recording)> {
        self.selected_idx.and_then(|idx| Some((idx, self.recordings.get(idx)?)))
    }

    /// What stays until dismissed, newest first.
    pub(super) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().rev()
    }

    /// The outcome of the last small action; empty if there is none.
    pub(super) fn notice(&self) -> &str {
        &self.notice
    }

    /// The models in memory.
    pub(super) fn models(&self) -> &[LoadedModel] {
        &self.models
    }

    /// Adds a recording whose job was just queued, and returns its place in the list.
    pub(super) fn add_job(&mut self, job: JobId, path: PathBuf) -> usize {
        self.add(Recording { job: Some(job), path, phase: Phase::Waiting, duration: None, transcript: Arc::default() })
    }

    /// Adds a recording whose transcript exists already, and returns its place in the list.
    pub(super) fn add_transcript(&mut self, path: PathBuf, transcript: Arc<Transcript>) -> usize {
        let duration = Some(transcript.duration);
        self.add(Recording { job: None, path, phase: Phase::Done, duration, transcript })
    }

    /// Shows another recording.
    pub(super) fn select(&mut self, recording_idx: usize) {
        if recording_idx < self.recordings.len() {
            self.selected_idx = Some(recording_idx);
        }
    }

    /// Notes that the user asked for a job to stop.
    pub(super) fn stop(&mut self, job: JobId) {
        if let Some(recording) = self.recording_of(job)
            && recording.is_unfinished()
        {
            recording.phase = Phase::Stopping;
        }
    }

    /// Adds a message that stays until dismissed.
    pub(super) fn add_message(&mut self, severity: Severity, text: String) {
        self.n_messages += 1;
        self.messages.push(Message { id: self.n_messages, severity, text });
    }

    /// The engine has ended by itself: no job goes on, and the user learns why nothing moves any more.
    pub(super) fn engine_lost(&mut self) {
        for recording in &mut self.recordings {
            if recording.is_unfinished() || recording.phase == Phase::Stopping {
                recording.phase = Phase::Failed("Hansard's engine has stopped".to_owned());
            }
        }
        let text = "Hansard's engine has stopped by mistake. Restart Hansard, and please report it.".to_owned();
        self.add_message(Severity::Error, text);
    }

    /// Removes a message.
    pub(super) fn dismiss(&mut self, id: u64) {
        self.messages.retain(|message| message.id != id);
    }

    /// Replaces the notice.
    pub(super) fn set_notice(&mut self, notice: String) {
        self.notice = notice;
    }

    /// Takes in what happened in the engine.
    pub(super) fn apply(&mut self, event: Event) {
        match event {
            Event::JobStarted(job) => self.change(job, |recording| {
                if recording.phase == Phase::Waiting {
                    recording.phase = Phase::Running(None);
                }
            }),
            Event::Progress(job, progress) => self.change(job, |recording| match recording.phase {
                Phase::Waiting | Phase::Running(_) => recording.phase = Phase::Running(Some(progress)),
                // What was reported before the engine saw the wish to stop must not look like a job that goes on.
                Phase::Stopping | Phase::Done | Phase::Failed(_) | Phase::Cancelled => {}
            }),
            Event::AudioReady(job, duration) => self.change(job, |recording| recording.duration = Some(duration)),
            Event::Segments(job, segments) => self.change(job, |recording| {
                Arc::make_mut(&mut recording.transcript).segments.extend(segments);
            }),
            Event::Warning(job, text) => {
                let text = match self.recording_of(job) {
                    Some(recording) if !text.contains(&recording.name()) => format!("{}: {text}", recording.name()),
                    Some(_) | None => text,
                };
                self.add_message(Severity::Warning, text);
            }
            Event::JobDone(job, transcript, _report) => self.change(job, |recording| {
                recording.phase = Phase::Done;
                recording.duration = Some(transcript.duration);
                recording.transcript = transcript;
            }),
            Event::JobFailed(job, line) => {
                self.add_message(Severity::Error, line.clone());
                self.change(job, |recording| recording.phase = Phase::Failed(line));
            }
            Event::JobCancelled(job) => self.change(job, |recording| recording.phase = Phase::Cancelled),
            Event::Models(models) => self.models = models,
            Event::FileWritten(path) => self.notice = format!("Saved as {}", path.display()),
            Event::FileNotWritten(path, reason) => {
                let text = format!("Not exported: {reason}. Export again and choose another folder or name.");
                self.add_message(Severity::Error, naming(&path, text));
            }
            Event::SettingsNotSaved(reason) => {
                let text = format!("The settings apply to this window only, because they could not be saved: {reason}");
                self.add_message(Severity::Warning, text);
            }
        }
    }

    fn add(&mut self, recording: Recording) -> usize {
        self.recordings.push(recording);
        self.recordings.len() - 1
    }

    fn recording_of(&mut self, job: JobId) -> Option<&mut Recording> {
        self.recordings.iter_mut().find(|recording| recording.job == Some(job))
    }

    fn change(&mut self, job: JobId, change: impl FnOnce(&mut Recording)) {
        if let Some(recording) = self.recording_of(job) {
            change(recording);
        } else {
            tracing::warn!(?job, "an event of a job that this window did not start");
        }
    }
}

/// The text, preceded by the path unless it names it already.
fn naming(path: &Path, text: String) -> String {
    let path = path.display().to_string();
    if text.contains(&path) { text } else { format!("{path}: {text}") }
}

impl Recording {
    /// The file's name without its folder.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// The file's name without folder and extension: what an export is called.
    pub(super) fn stem(&self) -> String {
        self.path.file_stem().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// Whether its job waits or runs and can be told to stop.
    pub(super) fn is_unfinished(&self) -> bool {
        match self.phase {
            Phase::Waiting | Phase::Running(_) => true,
            Phase::Stopping | Phase::Done | Phase::Failed(_) | Phase::Cancelled => false,
        }
    }

    /// Share of the whole job that is done, while it runs.
    pub(super) fn job_fraction(&self) -> Option<f32> {
        match &self.phase {
            Phase::Running(progress) => Some(progress.map_or(0.0, |progress| progress.job_fraction)),
            Phase::Waiting | Phase::Stopping | Phase::Done | Phase::Failed(_) | Phase::Cancelled => None,
        }
    }

    /// How far it is, in one short line for the list.
    pub(super) fn status(&self) -> String {
        match &self.phase {
            Phase::Waiting => "Waiting".to_owned(),
            Phase::Running(None) => "Starting".to_owned(),
            Phase::Running(Some(progress)) => {
                let percent = (progress.job_fraction.clamp(0.0, 1.0) * 100.0).floor();
                let left = progress.remaining.map(|remaining| format!(", about {remaining} left")).unwrap_or_default();
                format!("{} {percent:.0} %{left}", progress.stage.label())
            }
            Phase::Stopping => "Stopping".to_owned(),
            Phase::Done => "Done".to_owned(),
            Phase::Failed(_) => "Failed".to_owned(),
            Phase::Cancelled => "Cancelled".to_owned(),
        }
    }

    /// What stands in the place of the text while there is none.
    pub(super) fn placeholder(&self) -> String {
        match &self.phase {
            Phase::Waiting => "Its turn comes when the recordings before it are done.".to_owned(),
            Phase::Running(None) => "Starting…".to_owned(),
            Phase::Running(Some(progress)) => match progress.stage {
                Stage::LoadModels | Stage::Decode | Stage::Speech => format!("{}…", progress.stage.label()),
                Stage::Transcribe => "The first sentences appear in a moment.".to_owned(),
            },
            Phase::Stopping => "Stopping…".to_owned(),
            Phase::Done => "No speech was found in this recording.".to_owned(),
            Phase::Failed(line) => line.clone(),
            Phase::Cancelled => "Stopped before there was any text. Open the recording again to start over.".to_owned(),
        }
    }

    /// What is known about it, in one line above the text.
    pub(super) fn facts(&self) -> String {
        let mut facts = Vec::new();
        if !self.transcript.is_empty() {
            match &self.phase {
                Phase::Failed(_) => facts.push("Failed: the text ends early".to_owned()),
                Phase::Cancelled => facts.push("Stopped: the text ends early".to_owned()),
                Phase::Waiting | Phase::Running(_) | Phase::Stopping | Phase::Done => {}
            }
        }
        facts.extend(self.duration.map(|duration| format!("Length {duration}")));
        if !self.transcript.language.is_empty() {
            facts.push(format!("Language {}", self.transcript.language));
        }
        if self.job.is_some() {
            facts.push("Built-in demo model, for trying out".to_owned());
        }
        facts.join(" · ")
    }
}

/// `no model in memory`, `1 model, 400 kB`, `2 models, 18 MB`.
pub(super) fn models_summary(models: &[LoadedModel]) -> String {
    let size = size_text(models.iter().map(|model| model.n_bytes).sum());
    match models.len() {
        0 => "no model in memory".to_owned(),
        1 => format!("1 model, {size}"),
        n => format!("{n} models, {size}"),
    }
}

/// A number of bytes in the unit that people use for it, in powers of ten as disks and downloads state them.
pub(super) fn size_text(n_bytes: usize) -> String {
    let n_bytes = n_bytes as f64;
    if n_bytes < 999.5e3 {
        format!("{:.0} kB", n_bytes / 1e3)
    } else if n_bytes < 999.5e6 {
        format!("{:.0} MB", n_bytes / 1e6)
    } else {
        format!("{:.1} GB", n_bytes / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::JobReport;
    use crate::transcript::Segment;
    use crate::units::TimeSpan;

    const JOB: JobId = JobId(1);

    #[test]
    fn a_recording_follows_the_events_of_its_job() {
        let whole = || Event::JobDone(JOB, Arc::new(spoken(&["one", "two"])), JobReport::default());
        for (events, status, n_segments) in [
            (vec![], "Waiting", 0),
            (vec![], "Waiting", 0),
            (vec![Event::JobStarted(JOB)], "Starting", 0),
            (vec![Event::JobStarted(JOB), reported(Stage::Decode, 0.129, None)], "Reading audio 12 %", 0),
            (vec![reported(Stage::Transcribe, 0.5, Some(40.4))], "Transcribing 50 %, about 0:40 left", 0),
            (vec![said(&["one"])], "Waiting", 1),
            (vec![Event::JobStarted(JOB), said(&["one"]), said(&["two", "three"])], "Starting", 3),
            (vec![Event::JobStarted(JOB), said(&["one"]), whole()], "Done", 2),
            (vec![Event::JobCancelled(JOB)], "Cancelled", 0),
            (vec![said(&["one"]), Event::JobCancelled(JOB)], "Cancelled", 1),
            (vec![Event::JobFailed(JOB, "a.wav: is empty".to_owned())], "Failed", 0),
            (vec![Event::JobCancelled(JobId(7))], "Waiting", 0),
        ] {
            let described = format!("{events:?}");
            let state = after(events);
            assert_eq!(state.recordings()[0].status(), status, "{described}");
            assert_eq!(state.recordings()[0].transcript.segments.len(), n_segments, "{described}");
        }
    }

    #[test]
    fn a_job_told_to_stop_shows_no_more_progress() {
        for (event, status) in [
            (Event::JobStarted(JOB), "Stopping"),
            (reported(Stage::Speech, 0.3, None), "Stopping"),
            (Event::JobCancelled(JOB), "Cancelled"),
            // It may have ended before it saw the wish.
            (Event::JobDone(JOB, Arc::default(), JobReport::default()), "Done"),
        ] {
            let mut state = after(vec![]);
            state.stop(JOB);
            state.apply(event);
            assert_eq!(state.recordings()[0].status(), status);
        }
    }

    #[test]
    fn a_finished_job_cannot_be_stopped() {
        let mut state = after(vec![Event::JobDone(JOB, Arc::default(), JobReport::default())]);
        state.stop(JOB);
        assert_eq!(state.recordings()[0].phase, Phase::Done);
    }

    #[test]
    fn an_empty_transcript_is_explained_in_its_place() {
        for (events, expected) in [
            (vec![], "Its turn comes when the recordings before it are done."),
            (vec![reported(Stage::Speech, 0.1, None)], "Finding speech…"),
            (vec![reported(Stage::Transcribe, 0.1, None)], "The first sentences appear in a moment."),
            (vec![Event::JobDone(JOB, Arc::default(), JobReport::default())], "No speech was found in this recording."),
            (vec![Event::JobFailed(JOB, "a.wav: is empty".to_owned())], "a.wav: is empty"),
        ] {
            assert_eq!(after(events).recordings()[0].placeholder(), expected);
        }
    }

    #[test]
    fn messages_name_the_file_once_and_stay_until_dismissed() {
        let target = PathBuf::from("/out/a.srt");
        for (event, severity, expected) in [
            (Event::Warning(JOB, "2 damaged frames".to_owned()), Severity::Warning, "a.wav: 2 damaged frames"),
            (Event::Warning(JOB, "/in/a.wav: cut short".to_owned()), Severity::Warning, "/in/a.wav: cut short"),
            (Event::JobFailed(JOB, "/in/a.wav: is empty".to_owned()), Severity::Error, "/in/a.wav: is empty"),
            (
                Event::FileNotWritten(target.clone(), "cannot write /out/a.srt: disk full".to_owned()),
                Severity::Error,
                "Not exported: cannot write /out/a.srt: disk full. Export again and choose another folder or name.",
            ),
            (
                Event::FileNotWritten(target, "disk full".to_owned()),
                Severity::Error,
                "/out/a.srt: Not exported: disk full. Export again and choose another folder or name.",
            ),
        ] {
            let mut state = after(vec![event]);
            let message = state.messages().next().expect("one message").clone();
            assert_eq!((message.severity, message.text.as_str()), (severity, expected));
            state.apply(Event::JobStarted(JOB));
            assert_eq!(state.messages().count(), 1);
            state.dismiss(message.id);
            assert_eq!(state.messages().count(), 0);
        }
    }

    #[test]
    fn dismissing_one_message_keeps_the_others_newest_first() {
        let warned = |text: &str| Event::Warning(JOB, text.to_owned());
        let mut state = after(vec![warned("first"), warned("second"), warned("third")]);
        let second = state.messages().nth(1).expect("three messages").id;
        state.dismiss(second);
        let texts: Vec<&str> = state.messages().map(|message| message.text.as_str()).collect();
        assert_eq!(texts, ["a.wav: third", "a.wav: first"]);
    }

    #[test]
    fn a_given_transcript_is_done_and_needs_no_job() {
        let mut state = State::default();
        let idx = state.add_transcript("/in/b.wav".into(), Arc::new(spoken(&["one"])));
        state.select(idx);
        let (_, recording) = state.selected().expect("it was selected");
        assert_eq!((recording.status().as_str(), recording.facts().as_str()), ("Done", "Length 1:02 · Language en"));
    }

    #[test]
    fn only_existing_recordings_can_be_selected() {
        let mut state = after(vec![]);
        for (idx, expected) in [(5, None), (0, Some(0)), (5, Some(0))] {
            state.select(idx);
            assert_eq!(state.selected().map(|(idx, _)| idx), expected);
        }
    }

    #[test]
    fn models_are_counted_and_sized() {
        for (sizes, expected) in [
            (vec![], "no model in memory"),
            (vec![399_600], "1 model, 400 kB"),
            (vec![12_000_000, 6_200_000], "2 models, 18 MB"),
            (vec![999_600_000, 600_000_000], "2 models, 1.6 GB"),
        ] {
            let models: Vec<LoadedModel> =
                sizes.into_iter().map(|n_bytes| LoadedModel { key: "whisperx_demo_cpu".to_owned(), n_bytes }).collect();
            assert_eq!(models_summary(&models), expected);
            assert_eq!(after(vec![Event::Models(models.clone())]).models(), models);
        }
    }

    fn after(events: Vec<Event>) -> State {
        let mut state = State::default();
        state.add_job(JOB, "/in/a.wav".into());
        for event in events {
            state.apply(event);
        }
        state
    }

    fn reported(stage: Stage, job_fraction: f32, remaining_secs: Option<f64>) -> Event {
        let remaining = remaining_secs.map(Seconds);
        Event::Progress(JOB, JobProgress { stage, stage_fraction: 0.0, job_fraction, remaining })
    }

    fn said(texts: &[&str]) -> Event {
        Event::Segments(JOB, spoken(texts).segments)
    }

    fn spoken(texts: &[&str]) -> Transcript {
        let segments = texts.iter().map(|text| Segment {
            span: TimeSpan::from_secs(0.0, 1.0),
            text: format!(" {text}"),
            ..Segment::default()
        });
        Transcript { language: "en".to_owned(), duration: Seconds(62.0), segments: segments.collect() }
    }
}
