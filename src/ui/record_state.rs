//! What the window knows of recording: what will be listened to, how the recording goes on, its captions, and what is
//! to be done when it has ended. Engine events and wishes of the user change it; panels read it. No egui in here.

use std::collections::VecDeque;
use std::mem;
use std::path::PathBuf;

use crate::engine::recording::{
    CaptionRequest, Level, RecordCommand, RecordEvent, RecordProgress, RecordRequest, RecordSource, RecordedFile,
};
use crate::units::Seconds;

use super::action::RecordAction;
use super::amounts::{decimal_text, duration_text};
use super::cache_state::Told;
use super::record_captions::{CaptionChoice, Captions};
use super::record_sources::Sources;
use super::texts::{text, text_with};

/// Below this, the room on the disk is worth a warning.
const LITTLE_SPACE: Seconds = Seconds(900.0);
/// The level in words changes with every so many events, of which there are ten a second: nobody reads or hears faster.
const EVENTS_PER_TEXT: u32 = 5;
/// For so many events a sound that was too loud is shown.
const EVENTS_OF_CLIPPING: u32 = 20;
/// The softest level that is shown.
pub(super) const FLOOR_DB: f32 = -60.0;

/// All that the window shows of recording.
#[derive(Debug, Default)]
pub(super) struct RecordState {
    /// What is listened to.
    pub(super) sources: Sources,
    /// What was said.
    pub(super) captions: Captions,
    phase: RecordPhase,
    session: Option<Session>,
    caption_choice: CaptionChoice,
    caption_models: CaptionModels,
    /// What the models in memory were asked for.
    prepared: Option<CaptionRequest>,
    shape: Shape,
    leaving: Leaving,
    /// To be sent, in order.
    wishes: VecDeque<RecordCommand>,
    /// Files for the library,
    unlisted: Vec<PathBuf>,
    /// and those of them to be transcribed.
    recorded: Vec<PathBuf>,
}

/// How far the recording is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RecordPhase {
    /// There is none.
    #[default]
    Idle,
    /// Devices are being opened.
    Starting,
    /// Sound is written.
    Recording,
    /// Sound is left out.
    Paused,
    /// The file is being ended.
    Stopping,
}

/// A recording that goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    /// Its file.
    pub(super) path: PathBuf,
    /// What is listened to, in words.
    pub(super) sources: String,
    /// How long it is.
    pub(super) duration: Seconds,
    /// How much longer it can become, where that is known.
    pub(super) space_left: Option<Seconds>,
    /// How loud each channel is.
    pub(super) levels: Vec<Level>,
    /// The same in words, which change slowly.
    pub(super) level_text: String,
    /// The loudest of them in decibels, likewise.
    pub(super) level_db: f32,
    /// Places that were marked.
    pub(super) markers: Vec<Seconds>,
    /// The device that is gone, as long as it is.
    pub(super) lost: Option<String>,
    /// What went wrong last.
    pub(super) warning: Option<String>,
    n_events: u32,
    n_events_of_clipping: u32,
    has_warned_of_space: bool,
}

/// Models for captions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum CaptionModels {
    /// Nobody has asked for them.
    #[default]
    Unasked,
    /// They come into memory.
    Loading,
    /// They are there.
    Ready,
    /// There are no captions, and this is why.
    Failed(String),
}

/// How large the window is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    /// As the user made it.
    #[default]
    Full,
    /// Small, and in front of all others.
    Compact,
}

/// Whether the window goes away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Leaving {
    /// It stays.
    #[default]
    No,
    /// It would end a recording, so the user is asked.
    Asked,
    /// As soon as the recording has ended.
    Ending,
}

/// What is shown.
impl RecordState {
    /// How far the recording is.
    pub(super) fn phase(&self) -> RecordPhase {
        self.phase
    }

    /// Whether there is a recording, or there will be one in a moment.
    pub(super) fn is_active(&self) -> bool {
        self.phase != RecordPhase::Idle
    }

    /// The recording that goes on.
    pub(super) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// How far it is, in a word and its length.
    pub(super) fn status(&self) -> String {
        let duration = self.session.as_ref().map(|session| session.duration).unwrap_or_default();
        let with_duration = |id: &str| text_with(id, &[("duration", duration.to_string().into())]);
        match self.phase {
            RecordPhase::Idle => text("record-status-idle"),
            RecordPhase::Starting => text("record-status-starting"),
            RecordPhase::Recording => with_duration("record-status-recording"),
            RecordPhase::Paused => with_duration("record-status-paused"),
            RecordPhase::Stopping => text("record-status-stopping"),
        }
    }

    /// Whether captions are made.
    pub(super) fn caption_choice(&self) -> CaptionChoice {
        self.caption_choice
    }

    /// Whether their models are there.
    pub(super) fn caption_models(&self) -> &CaptionModels {
        &self.caption_models
    }

    /// How large the window is.
    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether the window goes away.
    pub(super) fn leaving(&self) -> Leaving {
        self.leaving
    }

    /// Whether the window can go away now, as the user wants.
    pub(super) fn is_to_close(&self) -> bool {
        self.leaving == Leaving::Ending && !self.is_active()
    }
}

impl Session {
    /// Whether the sound was too loud a moment ago.
    pub(super) fn is_clipping(&self) -> bool {
        self.n_events_of_clipping > 0
    }

    /// Whether the disk will soon be full.
    pub(super) fn is_space_little(&self) -> bool {
        self.space_left.is_some_and(|left| left < LITTLE_SPACE)
    }

    /// How much longer the recording can become: `Room for 12 h`.
    pub(super) fn space_text(&self) -> Option<String> {
        self.space_left.map(|left| text_with("record-space", &[("left", duration_text(left.0).into())]))
    }

    /// What should be seen first, if anything is wrong.
    pub(super) fn alert(&self) -> Option<&str> {
        self.lost.as_deref().or(self.warning.as_deref())
    }

    /// Takes in how it goes on, and returns a warning that was not given yet.
    fn take_progress(&mut self, progress: RecordProgress) -> Option<Told> {
        let RecordProgress { duration, space_left, levels } = progress;
        (self.duration, self.space_left) = (duration, space_left);
        if levels.iter().any(|level| level.n_clipped > 0) {
            self.n_events_of_clipping = EVENTS_OF_CLIPPING;
        } else {
            self.n_events_of_clipping = self.n_events_of_clipping.saturating_sub(1);
        }
        self.levels = levels;
        if self.n_events.is_multiple_of(EVENTS_PER_TEXT) {
            self.level_text = level_text(&self.levels, self.is_clipping());
            self.level_db = self.levels.iter().map(|level| decibels(level.peak)).fold(FLOOR_DB, f32::max);
        }
        self.n_events = self.n_events.wrapping_add(1);
        if !self.is_space_little() || mem::replace(&mut self.has_warned_of_space, true) {
            return None;
        }
        let left = duration_text(space_left.unwrap_or_default().0);
        Some(Told::Warning(text_with("record-space-little", &[("left", left.into())])))
    }
}

/// What happens.
impl RecordState {
    /// The engine runs: what a crash left unfinished is made whole.
    pub(super) fn start(&mut self, stand_in: Option<RecordSource>) {
        self.sources.set_stand_in(stand_in);
        self.wishes.push_back(RecordCommand::Repair);
    }

    /// Does what the user wants. Captions are made with `model`.
    pub(super) fn perform(&mut self, action: RecordAction, model: &str) {
        match action {
            // Somebody may record soon.
            RecordAction::Open => self.prepared = None,
            RecordAction::Close => {}
            RecordAction::Start => self.begin(model),
            RecordAction::Stop => self.stop(),
            RecordAction::Pause => self.wish_if(RecordPhase::Recording, RecordCommand::Pause),
            RecordAction::Resume => self.wish_if(RecordPhase::Paused, RecordCommand::Resume),
            RecordAction::Mark => {
                if matches!(self.phase, RecordPhase::Recording | RecordPhase::Paused) {
                    self.wishes.push_back(RecordCommand::Mark { label: String::new() });
                }
            }
            RecordAction::LookForDevices => {
                // The recorder's thread looks for them, which would keep it from its work.
                if self.phase == RecordPhase::Idle && self.sources.ask() {
                    self.wishes.push_back(RecordCommand::ListDevices);
                }
            }
            RecordAction::Hear(hearing) => self.sources.hear(hearing),
            RecordAction::ChooseDevice(kind, device) => self.sources.choose(kind, device),
            RecordAction::ChooseCaptions(choice) => self.caption_choice = choice,
            RecordAction::SetShape(shape) => self.shape = shape,
            RecordAction::Quit => {
                self.leaving = Leaving::Ending;
                self.stop();
            }
            RecordAction::Stay => self.leaving = Leaving::No,
        }
    }

    /// Has the models for captions loaded, unless that was asked already.
    pub(super) fn prepare(&mut self, model: &str) {
        let request = caption_request(model);
        let is_wanted = self.caption_choice == CaptionChoice::On && self.phase == RecordPhase::Idle;
        if is_wanted && self.prepared.as_ref() != Some(&request) {
            self.want_models(request);
        }
    }

    /// What the engine is to be asked now.
    pub(super) fn due(&mut self) -> Option<RecordCommand> {
        self.wishes.pop_front()
    }

    /// Files that the library should list, once.
    pub(super) fn take_unlisted(&mut self) -> Vec<PathBuf> {
        mem::take(&mut self.unlisted)
    }

    /// Recordings that are to be transcribed, once.
    pub(super) fn take_recorded(&mut self) -> Vec<PathBuf> {
        mem::take(&mut self.recorded)
    }

    /// The user wants to close the window. Returns whether it has to wait: for an answer, or for the recording's end.
    /// Whoever closes it twice need not wait.
    pub(super) fn ask_to_leave(&mut self) -> bool {
        if !self.is_active() || self.leaving == Leaving::Ending {
            return false;
        }
        (self.leaving, self.shape) = (Leaving::Asked, Shape::Full);
        true
    }

    /// The engine has ended by itself. Returns what the user should know of the recording.
    pub(super) fn give_up(&mut self) -> Option<Told> {
        self.wishes.clear();
        self.sources.give_up();
        self.captions.give_up();
        self.caption_models = CaptionModels::Unasked;
        let session = self.session.take();
        self.end();
        let path = session?.path.display().to_string();
        Some(Told::Error(text_with("record-engine-stopped", &[("path", path.into())])))
    }

    /// Takes in what the engine tells, and returns what the user should read.
    pub(super) fn apply(&mut self, event: RecordEvent) -> Option<Told> {
        match event {
            RecordEvent::Devices(devices) => self.sources.take(devices),
            RecordEvent::Started { path, sources } => return Some(self.started(path, &sources)),
            RecordEvent::Level(progress) => return self.session.as_mut()?.take_progress(progress),
            RecordEvent::Paused => {
                self.turn(RecordPhase::Recording, RecordPhase::Paused);
                return Some(Told::Notice(text("record-told-paused")));
            }
            RecordEvent::Resumed => {
                self.turn(RecordPhase::Paused, RecordPhase::Recording);
                return Some(Told::Notice(text("record-told-resumed")));
            }
            RecordEvent::Marked(at) => {
                self.session.as_mut()?.markers.push(at);
                return Some(Told::Notice(text_with("record-told-marked", &[("at", at.to_string().into())])));
            }
            RecordEvent::Lost(line) => {
                self.session.as_mut()?.lost = Some(line.clone());
                return Some(Told::Warning(line));
            }
            RecordEvent::Recovered(line) => {
                self.session.as_mut()?.lost = None;
                return Some(Told::Notice(line));
            }
            RecordEvent::Warning(line) => {
                if let Some(session) = &mut self.session {
                    session.warning = Some(line.clone());
                }
                return Some(Told::Warning(line));
            }
            RecordEvent::Finished(file) => return Some(self.finished(file)),
            RecordEvent::Failed(reason) => {
                self.captions.begin_nothing();
                (self.session, self.leaving) = (None, Leaving::No);
                self.end();
                return Some(Told::Error(reason));
            }
            RecordEvent::Repaired { path, outcome } => return Some(self.repaired(path, outcome)),
            RecordEvent::RepairDone => {}
            RecordEvent::CaptionsReady => self.caption_models = CaptionModels::Ready,
            RecordEvent::Caption(update) => {
                if self.captions.take(update) {
                    self.caption_models = CaptionModels::Ready;
                }
            }
            RecordEvent::CaptionsBehind(late) => self.captions.set_behind(late),
            RecordEvent::CaptionsFailed(reason) => {
                self.captions.end();
                self.caption_models = CaptionModels::Failed(reason.clone());
                return Some(Told::Warning(reason));
            }
            RecordEvent::CaptionsDone => {
                self.captions.end();
            }
        }
        None
    }

    fn begin(&mut self, model: &str) {
        if self.is_active() {
            return;
        }
        let captions = (self.caption_choice == CaptionChoice::On).then(|| caption_request(model));
        if let Some(request) = captions.clone() {
            self.want_models(request);
        }
        self.captions.begin(self.caption_choice);
        let request = RecordRequest { source: self.sources.source(), output: None, limit: None, captions };
        self.wishes.push_back(RecordCommand::Start(request));
        self.phase = RecordPhase::Starting;
    }

    fn stop(&mut self) {
        if !matches!(self.phase, RecordPhase::Idle | RecordPhase::Stopping) {
            self.wishes.push_back(RecordCommand::Stop);
            self.phase = RecordPhase::Stopping;
        }
    }

    fn wish_if(&mut self, phase: RecordPhase, command: RecordCommand) {
        if self.phase == phase {
            self.wishes.push_back(command);
        }
    }

    fn want_models(&mut self, request: CaptionRequest) {
        self.wishes.push_back(RecordCommand::Prepare(request.clone()));
        (self.prepared, self.caption_models) = (Some(request), CaptionModels::Loading);
    }

    fn started(&mut self, path: PathBuf, sources: &[String]) -> Told {
        let level_text = level_text(&[], false);
        let both = |first: String, second: String| {
            text_with("record-sources", &[("first", first.into()), ("second", second.into())])
        };
        let sources = sources.iter().cloned().reduce(both).unwrap_or_default();
        let told = Told::Notice(text_with("record-told-started", &[("sources", sources.as_str().into())]));
        self.session = Some(Session { path, sources, level_text, level_db: FLOOR_DB, ..Session::default() });
        self.turn(RecordPhase::Starting, RecordPhase::Recording);
        told
    }

    /// What was wished meanwhile stays so.
    fn turn(&mut self, from: RecordPhase, to: RecordPhase) {
        if self.phase == from {
            self.phase = to;
        }
    }

    fn finished(&mut self, file: RecordedFile) -> Told {
        let n_markers = self.session.take().map_or(0, |session| session.markers.len());
        let RecordedFile { path, duration, overrun, problem } = file;
        if problem.is_some() {
            // The window stays, so that it can be read.
            self.leaving = Leaving::No;
        }
        if duration.0 > 0.0 {
            self.unlisted.push(path.clone());
            if self.leaving != Leaving::Ending {
                self.recorded.push(path.clone());
            }
        }
        self.end();
        let silent =
            (overrun.0 > 0.0).then(|| text_with("record-told-silent", &[("secs", decimal_text(overrun.0, 1).into())]));
        match (problem, silent) {
            (Some(problem), Some(silent)) => Told::Error(format!("{problem}; {silent}")),
            (Some(problem), None) => Told::Error(problem),
            (None, Some(silent)) => Told::Warning(format!("{silent}: {}", path.display())),
            (None, None) if n_markers > 0 => {
                let values = [("duration", duration.to_string().into()), ("n", n_markers.into())];
                Told::Notice(text_with("record-told-recorded-marked", &values))
            }
            (None, None) => {
                Told::Notice(text_with("record-told-recorded", &[("duration", duration.to_string().into())]))
            }
        }
    }

    fn repaired(&mut self, path: PathBuf, outcome: Result<Seconds, String>) -> Told {
        let duration = match outcome {
            Ok(duration) => duration,
            Err(reason) => return Told::Warning(reason),
        };
        let values = [("duration", duration.to_string().into()), ("path", path.display().to_string().into())];
        let line = text_with("record-told-repaired", &values);
        self.unlisted.push(path);
        Told::Warning(line)
    }

    fn end(&mut self) {
        (self.phase, self.shape) = (RecordPhase::Idle, Shape::Full);
        if self.leaving == Leaving::Asked {
            self.leaving = Leaving::No;
        }
    }
}

/// A level in decibels, of which 0 is the loudest that can be recorded.
pub(super) fn decibels(height: f32) -> f32 {
    (20.0 * height.max(1e-9).log10()).clamp(FLOOR_DB, 0.0)
}

fn level_text(levels: &[Level], is_clipping: bool) -> String {
    let in_words = |level: &Level| match decibels(level.peak) {
        decibels if decibels <= FLOOR_DB => text("record-level-silent"),
        decibels => format!("{decibels:.0} dB"),
    };
    let mut texts: Vec<String> = levels.iter().map(in_words).collect();
    if texts.is_empty() {
        texts.push(text("record-level-silent"));
    }
    if is_clipping {
        texts.push(text("record-level-too-loud"));
    }
    texts.join(", ")
}

/// Captions are in whatever language is spoken.
fn caption_request(model: &str) -> CaptionRequest {
    CaptionRequest { model: model.to_owned(), language: None }
}
