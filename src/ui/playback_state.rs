//! What is heard of the recording that is shown, and what the player is to be asked. What the user wants is shown at
//! once; what the player tells corrects it. No egui in here.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::playback::{
    OutputDevice, PLAYBACK_SPEEDS, Peaks, PlayCommand, PlayEvent, PlayState, SilenceSkipping, SoundFile,
};
use crate::units::{Seconds, TimeSpan};

use super::action::{PlayAction, Silence};
use super::cache_state::Told;
use super::texts::text;

/// The speeds that are offered.
pub(super) const SPEEDS: [f64; 8] = [0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0];

/// The player as the window knows it.
#[derive(Debug)]
pub(super) struct PlaybackState {
    /// The recording that is to be heard.
    path: Option<PathBuf>,
    readiness: Readiness,
    is_playing: bool,
    position: Seconds,
    duration: Option<Seconds>,
    file: Option<SoundFile>,
    peaks: Option<Arc<Peaks>>,
    speed: f64,
    volume: f32,
    silence: Silence,
    looped: Option<TimeSpan>,
    devices: Devices,
    device: Option<String>,
    outbox: VecDeque<PlayCommand>,
}

/// Whether the recording can be heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Readiness {
    /// There is none, or it has no file.
    #[default]
    Nothing,
    /// It is being opened.
    Opening,
    /// It can.
    Ready,
    /// It cannot, and this line says why.
    Failed(String),
}

/// The devices that sound can be heard from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Devices {
    /// Nobody has asked.
    #[default]
    Unknown,
    /// They were asked for.
    Asked,
    /// These.
    Known(Vec<OutputDevice>),
    /// They are not known, and this line says why.
    Failed(String),
}

impl Default for PlaybackState {
    fn default() -> Self {
        Self {
            path: None,
            readiness: Readiness::Nothing,
            is_playing: false,
            position: Seconds(0.0),
            duration: None,
            file: None,
            peaks: None,
            speed: 1.0,
            volume: 1.0,
            silence: Silence::Played,
            looped: None,
            devices: Devices::Unknown,
            device: None,
            outbox: VecDeque::new(),
        }
    }
}

impl PlaybackState {
    /// Has this recording in the player, or none.
    pub(super) fn show(&mut self, path: Option<&Path>) {
        if self.path.as_deref() == path {
            return;
        }
        self.path = path.map(Path::to_path_buf);
        self.forget();
        // What was asked of the one before does not concern this one.
        self.outbox.retain(is_about_all);
        let (readiness, command) = match &self.path {
            Some(path) => (Readiness::Opening, PlayCommand::Load(path.clone())),
            None => (Readiness::Nothing, PlayCommand::Unload),
        };
        self.readiness = readiness;
        self.outbox.push_back(command);
    }

    /// What the player is to be asked next.
    pub(super) fn due(&mut self) -> Option<PlayCommand> {
        self.outbox.pop_front()
    }

    /// Takes in what the player tells, and returns what the user should read.
    pub(super) fn apply(&mut self, event: PlayEvent) -> Option<Told> {
        match event {
            PlayEvent::Loaded { path, duration, file } => {
                if self.is_it(&path) {
                    self.readiness = Readiness::Ready;
                    self.file = file;
                    self.duration = duration.or(self.duration);
                }
            }
            PlayEvent::Peaks { path, peaks } => {
                if self.is_it(&path) {
                    self.duration = Some(peaks.duration());
                    self.peaks = Some(peaks);
                }
            }
            // What is told of the recording before comes before this one is there.
            PlayEvent::State(PlayState { is_playing, position, speed }) => {
                if self.readiness == Readiness::Ready {
                    (self.is_playing, self.position, self.speed) = (is_playing, position, speed);
                }
            }
            PlayEvent::Position(position) => {
                if self.is_playing {
                    self.position = position;
                }
            }
            PlayEvent::Devices(Ok(devices)) => self.devices = Devices::Known(devices),
            PlayEvent::Devices(Err(line)) => self.devices = Devices::Failed(line),
            PlayEvent::Failed(line) => {
                self.is_playing = false;
                if self.readiness == Readiness::Opening {
                    self.readiness = Readiness::Failed(line);
                } else {
                    return Some(Told::Error(line));
                }
            }
            PlayEvent::Warning(line) => return Some(Told::Warning(line)),
        }
        None
    }

    /// Does what the user wants. `speech` are the parts of the recording in which somebody speaks, as far as they are
    /// known.
    pub(super) fn perform(&mut self, action: PlayAction, speech: impl FnOnce() -> Vec<TimeSpan>) {
        match action {
            PlayAction::ListDevices => return self.list_devices(),
            PlayAction::SetVolume(volume) => {
                self.volume = volume.clamp(0.0, 1.0);
                return self.tell(PlayCommand::SetVolume(self.volume));
            }
            PlayAction::ChooseDevice(device) => {
                self.device.clone_from(&device);
                return self.tell(PlayCommand::SetDevice(device));
            }
            PlayAction::SetSpeed(speed) => {
                self.speed = speed.clamp(*PLAYBACK_SPEEDS.start(), *PLAYBACK_SPEEDS.end());
                return self.tell(PlayCommand::SetSpeed(self.speed));
            }
            PlayAction::Toggle
            | PlayAction::Seek(_)
            | PlayAction::PlayFrom(_)
            | PlayAction::Jump(_)
            | PlayAction::SetSilence(_)
            | PlayAction::Loop(_) => {}
        }
        // The others are about a recording.
        if self.readiness == Readiness::Ready {
            self.perform_on_recording(&action, speech);
        }
    }

    /// The end has come of whoever plays.
    pub(super) fn give_up(&mut self) {
        self.forget();
        self.outbox.clear();
        if self.path.is_some() {
            self.readiness = Readiness::Failed(text("app-engine-stopped"));
        }
    }

    /// Whether the recording can be heard.
    pub(super) fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Whether it plays.
    pub(super) fn is_playing(&self) -> bool {
        self.is_playing
    }

    /// The time that is heard now.
    pub(super) fn position(&self) -> Seconds {
        self.position
    }

    /// How long the recording is, once known.
    pub(super) fn duration(&self) -> Option<Seconds> {
        self.duration
    }

    /// What it is as a file, once known.
    pub(super) fn file(&self) -> Option<&SoundFile> {
        self.file.as_ref()
    }

    /// Its outline, once known.
    pub(super) fn peaks(&self) -> Option<&Peaks> {
        self.peaks.as_deref()
    }

    /// How many times as fast it plays.
    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    /// How loud, 0 to 1.
    pub(super) fn volume(&self) -> f32 {
        self.volume
    }

    /// What becomes of silence.
    pub(super) fn silence(&self) -> Silence {
        self.silence
    }

    /// The part that is played again and again.
    pub(super) fn looped(&self) -> Option<TimeSpan> {
        self.looped
    }

    /// The devices there are.
    pub(super) fn devices(&self) -> &Devices {
        &self.devices
    }

    /// The device that was chosen; `None`: the default one.
    pub(super) fn device(&self) -> Option<&str> {
        self.device.as_deref()
    }

    fn perform_on_recording(&mut self, action: &PlayAction, speech: impl FnOnce() -> Vec<TimeSpan>) {
        match *action {
            PlayAction::Toggle => {
                self.is_playing = !self.is_playing;
                self.tell(if self.is_playing { PlayCommand::Play } else { PlayCommand::Pause });
            }
            PlayAction::Seek(to) => self.seek(to),
            PlayAction::PlayFrom(from) => {
                self.seek(from);
                self.is_playing = true;
                self.tell(PlayCommand::Play);
            }
            PlayAction::Jump(by) => {
                self.position = self.inside(Seconds(self.position.0 + by.0));
                self.tell(PlayCommand::Jump(by));
            }
            PlayAction::SetSilence(silence) => {
                self.silence = silence;
                let skipping = match silence {
                    Silence::Played => SilenceSkipping::Off,
                    Silence::LeftOut => skipping_around(speech()),
                };
                self.tell(PlayCommand::SkipSilence(skipping));
            }
            PlayAction::Loop(part) => {
                self.looped = part;
                self.tell(PlayCommand::Loop(part));
            }
            // These are done without a recording, too.
            PlayAction::ListDevices
            | PlayAction::SetVolume(_)
            | PlayAction::ChooseDevice(_)
            | PlayAction::SetSpeed(_) => {}
        }
    }

    fn seek(&mut self, to: Seconds) {
        let to = self.inside(to);
        self.position = to;
        // Somebody who goes elsewhere does not want to be brought back.
        if self.looped.is_some_and(|part| to < part.start || part.end < to) {
            self.looped = None;
            self.tell(PlayCommand::Loop(None));
        }
        self.tell(PlayCommand::Seek(to));
    }

    fn list_devices(&mut self) {
        if self.devices != Devices::Asked {
            self.devices = Devices::Asked;
            self.tell(PlayCommand::ListDevices);
        }
    }

    fn tell(&mut self, command: PlayCommand) {
        self.outbox.push_back(command);
    }

    fn inside(&self, at: Seconds) -> Seconds {
        let end = self.duration.map_or(f64::INFINITY, |duration| duration.0.max(0.0));
        Seconds(at.0.max(0.0).min(end))
    }

    fn is_it(&self, path: &Path) -> bool {
        self.path.as_deref() == Some(path)
    }

    /// Forgets all that concerns one recording.
    fn forget(&mut self) {
        (self.is_playing, self.position, self.silence, self.looped) = (false, Seconds(0.0), Silence::Played, None);
        (self.duration, self.file, self.peaks) = (None, None, None);
    }
}

/// Whether a command is about the player, whatever it plays.
fn is_about_all(command: &PlayCommand) -> bool {
    match command {
        PlayCommand::SetSpeed(_) | PlayCommand::SetVolume(_) | PlayCommand::SetDevice(_) | PlayCommand::ListDevices => {
            true
        }
        PlayCommand::Load(_)
        | PlayCommand::Unload
        | PlayCommand::Play
        | PlayCommand::Pause
        | PlayCommand::Seek(_)
        | PlayCommand::Jump(_)
        | PlayCommand::SkipSilence(_)
        | PlayCommand::Loop(_) => false,
    }
}

/// Where nobody is known to speak, the sound itself tells.
fn skipping_around(speech: Vec<TimeSpan>) -> SilenceSkipping {
    if speech.is_empty() { SilenceSkipping::ByLevel } else { SilenceSkipping::Between(speech.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/in/a.wav";

    fn ready() -> PlaybackState {
        let mut playback = PlaybackState::default();
        playback.show(Some(Path::new(PATH)));
        assert_eq!((playback.due(), playback.due()), (Some(PlayCommand::Load(PATH.into())), None));
        assert!(playback.apply(loaded(PATH)).is_none());
        playback
    }

    fn loaded(path: &str) -> PlayEvent {
        PlayEvent::Loaded { path: path.into(), duration: Some(Seconds(60.0)), file: None }
    }

    fn all_due(playback: &mut PlaybackState) -> Vec<PlayCommand> {
        std::iter::from_fn(|| playback.due()).collect()
    }

    #[test]
    fn wishes_become_commands() {
        let part = TimeSpan::from_secs(10.0, 20.0);
        let speech = || vec![TimeSpan::from_secs(1.0, 2.0)];
        let between = SilenceSkipping::Between(speech().into());
        for (actions, position_secs, expected) in [
            (vec![PlayAction::Toggle], 0.0, vec![PlayCommand::Play]),
            (vec![PlayAction::Toggle, PlayAction::Toggle], 0.0, vec![PlayCommand::Play, PlayCommand::Pause]),
            (vec![PlayAction::Seek(Seconds(99.0))], 60.0, vec![PlayCommand::Seek(Seconds(60.0))]),
            (vec![PlayAction::PlayFrom(Seconds(5.0))], 5.0, vec![PlayCommand::Seek(Seconds(5.0)), PlayCommand::Play]),
            (vec![PlayAction::Jump(Seconds(-5.0))], 0.0, vec![PlayCommand::Jump(Seconds(-5.0))]),
            (vec![PlayAction::SetSpeed(9.0)], 0.0, vec![PlayCommand::SetSpeed(3.0)]),
            (vec![PlayAction::SetVolume(2.0)], 0.0, vec![PlayCommand::SetVolume(1.0)]),
            (vec![PlayAction::SetSilence(Silence::LeftOut)], 0.0, vec![PlayCommand::SkipSilence(between)]),
            (
                vec![PlayAction::Loop(Some(part)), PlayAction::Seek(Seconds(15.0)), PlayAction::Seek(Seconds(30.0))],
                30.0,
                vec![
                    PlayCommand::Loop(Some(part)),
                    PlayCommand::Seek(Seconds(15.0)),
                    PlayCommand::Loop(None),
                    PlayCommand::Seek(Seconds(30.0)),
                ],
            ),
            (vec![PlayAction::ListDevices, PlayAction::ListDevices], 0.0, vec![PlayCommand::ListDevices]),
        ] {
            let mut playback = ready();
            for action in actions {
                playback.perform(action, speech);
            }
            assert_eq!(all_due(&mut playback), expected);
            assert_eq!(playback.position(), Seconds(position_secs));
        }
    }

    #[test]
    fn a_recording_that_cannot_be_heard_says_so_in_its_place() {
        let mut playback = PlaybackState::default();
        playback.show(Some(Path::new(PATH)));
        assert!(playback.apply(PlayEvent::Failed("it is no sound".to_owned())).is_none());
        assert_eq!(*playback.readiness(), Readiness::Failed("it is no sound".to_owned()));
        playback.due();
        playback.perform(PlayAction::Toggle, Vec::new);
        assert_eq!((playback.due(), playback.is_playing()), (None, false));
        // What goes wrong later is a message.
        let mut playback = ready();
        let told = playback.apply(PlayEvent::Failed("the device is gone".to_owned()));
        assert_eq!(told, Some(Told::Error("the device is gone".to_owned())));
        assert_eq!(*playback.readiness(), Readiness::Ready);
    }

    #[test]
    fn what_is_told_of_another_recording_does_not_count() {
        let mut playback = ready();
        playback.perform(PlayAction::Toggle, Vec::new);
        playback.apply(PlayEvent::Position(Seconds(3.0)));
        assert_eq!(playback.position(), Seconds(3.0));
        playback.show(Some(Path::new("/in/b.wav")));
        assert_eq!(all_due(&mut playback), [PlayCommand::Load("/in/b.wav".into())], "nothing of the one before");
        let state = PlayState { is_playing: true, position: Seconds(4.0), speed: 1.0 };
        for event in [PlayEvent::Position(Seconds(4.0)), PlayEvent::State(state), loaded(PATH)] {
            playback.apply(event);
            assert_eq!((playback.position(), playback.readiness()), (Seconds(0.0), &Readiness::Opening));
        }
        playback.show(None);
        assert_eq!((all_due(&mut playback), playback.readiness()), (vec![PlayCommand::Unload], &Readiness::Nothing));
    }
}
