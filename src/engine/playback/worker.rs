//! The player's thread: does one [`PlayCommand`] after the other, and keeps the sound going some fifty times a second
//! while something plays. It never waits for whoever reads its events.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use crate::audio::peaks::Peaks;
use crate::audio::player::{Happening, Outputs, Pace, Player, Source};
use crate::engine::outbox::Outbox;
use crate::paths::AppPaths;
use crate::settings::ModelSettings;

use super::survey::{Found, Outcome, Places, Seeking, Survey};
use super::{PlayCommand, PlayEvent, PlayState, SilenceSkipping};

/// How often the sound is looked after.
const TICK: Duration = Duration::from_millis(20);
/// Shortest time between two events about the position.
const POSITION_INTERVAL: Duration = Duration::from_millis(33);
/// Commands that wait: a slider that is drawn gives many.
const COMMAND_CAPACITY: usize = 256;
/// Events that nobody has taken yet. More of them wait in the thread, but for positions, which are dropped.
const EVENT_CAPACITY: usize = 64;

/// The thread. Dropping this ends the sound, and waits for it.
pub(in crate::engine) struct PlayerThread {
    commands: Option<Sender<PlayCommand>>,
    events: Receiver<PlayEvent>,
    thread: Option<JoinHandle<()>>,
}

impl PlayerThread {
    /// Starts it, with these devices.
    pub(in crate::engine) fn start(
        paths: &AppPaths,
        settings: &ModelSettings,
        outputs: Box<dyn Outputs>,
    ) -> io::Result<Self> {
        let (commands, command_queue) = bounded(COMMAND_CAPACITY);
        let (event_sink, events) = bounded(EVENT_CAPACITY);
        let places = Places::new(paths, settings);
        let run = move || {
            let outbox = Outbox::new(event_sink);
            let player = Player::new(outputs);
            let skipping = SilenceSkipping::Off;
            let next_position = Instant::now();
            let mut worker =
                Worker { places, outbox, player, path: None, skipping, peaks: None, survey: None, next_position };
            worker.run(&command_queue);
        };
        let thread = thread::Builder::new().name("hansard-player".into()).spawn(run)?;
        Ok(Self { commands: Some(commands), events, thread: Some(thread) })
    }

    /// What it tells.
    pub(in crate::engine) fn events(&self) -> &Receiver<PlayEvent> {
        &self.events
    }

    /// Asks it; the answer is the event to tell at once where it cannot be asked.
    pub(in crate::engine) fn send(&self, command: PlayCommand) -> Option<PlayEvent> {
        let message = match self.commands.as_ref()?.try_send(command) {
            Ok(()) => return None,
            Err(TrySendError::Full(_)) => "the player is busy; try again in a moment",
            Err(TrySendError::Disconnected(_)) => "the player has ended; restart Hansard",
        };
        Some(PlayEvent::Failed(message.to_owned()))
    }
}

impl Drop for PlayerThread {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the player's thread panicked");
        }
    }
}

struct Worker {
    places: Places,
    outbox: Outbox<PlayEvent>,
    player: Player,
    /// The recording that is loaded,
    path: Option<PathBuf>,
    skipping: SilenceSkipping,
    /// its outline,
    peaks: Option<Arc<Peaks>>,
    /// and what looks for that.
    survey: Option<Survey>,
    next_position: Instant,
}

impl Worker {
    fn run(&mut self, commands: &Receiver<PlayCommand>) {
        let mut pace = Pace::Calm;
        loop {
            let is_idle = self.player.is_idle() && self.survey.is_none() && self.outbox.is_empty();
            let patience = match pace {
                Pace::Calm => TICK,
                Pace::Hurried => Duration::ZERO,
            };
            let command = if is_idle {
                commands.recv().map_err(|_closed| RecvTimeoutError::Disconnected)
            } else {
                commands.recv_timeout(patience)
            };
            match command {
                Ok(command) => self.guarded(|worker| worker.perform(command)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            pace = Pace::Calm;
            self.guarded(|worker| pace = worker.tick());
            self.outbox.flush();
        }
    }

    /// A mistake of ours ends the listening, but nothing else.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            let file = self.path.take().map(|path| format!(" ({})", path.display())).unwrap_or_default();
            (self.survey, self.peaks) = (None, None);
            self.player.unload();
            let message = format!("Hansard made a mistake while playing{file}. Please report it");
            self.outbox.tell(PlayEvent::Failed(message));
        }
    }

    fn perform(&mut self, command: PlayCommand) {
        match command {
            PlayCommand::ListDevices => {
                let devices = self.player.devices().map_err(|error| error.to_string());
                self.outbox.tell(PlayEvent::Devices(devices));
                return;
            }
            PlayCommand::Load(path) => self.load(path),
            PlayCommand::Unload => self.unload(),
            PlayCommand::Play if self.path.is_none() => {
                self.outbox.tell(PlayEvent::Failed("there is nothing to play; open a recording first".to_owned()));
            }
            PlayCommand::Play => {
                if let Err(error) = self.player.play() {
                    self.outbox.tell(PlayEvent::Failed(error.to_string()));
                }
            }
            PlayCommand::Pause => self.player.pause(),
            PlayCommand::Seek(to) => self.player.seek(to),
            PlayCommand::Jump(by) => self.player.jump(by),
            PlayCommand::SetSpeed(speed) => self.player.set_speed(speed),
            PlayCommand::SetVolume(volume) => self.player.set_volume(volume),
            PlayCommand::SkipSilence(skipping) => {
                self.skipping = skipping;
                self.skip_silence();
            }
            PlayCommand::Loop(part) => self.player.set_loop(part),
            PlayCommand::SetDevice(device) => {
                if let Err(error) = self.player.set_device(device) {
                    self.outbox.tell(PlayEvent::Failed(error.to_string()));
                }
            }
        }
        self.tell_state();
    }

    fn load(&mut self, path: PathBuf) {
        self.unload();
        let source = match Source::open(&path) {
            Ok(source) => source,
            Err(error) => {
                self.outbox.tell(PlayEvent::Failed(error.to_string()));
                return;
            }
        };
        let seeking = if source.is_seekable() { Seeking::Possible } else { Seeking::Impossible };
        let file = source.file();
        self.player.load(source);
        self.outbox.tell(PlayEvent::Loaded { path: path.clone(), duration: self.player.duration(), file });
        match Survey::start(path.clone(), self.places.clone(), seeking) {
            Ok(survey) => self.survey = Some(survey),
            Err(error) => {
                let message = format!("its waveform cannot be shown, for the system grants no thread: {error}");
                self.outbox.tell(PlayEvent::Warning(message));
            }
        }
        self.path = Some(path);
    }

    fn unload(&mut self) {
        self.player.unload();
        (self.survey, self.peaks, self.path) = (None, None, None);
        self.skipping = SilenceSkipping::Off;
    }

    fn tick(&mut self) -> Pace {
        if let Some(outcome) = self.survey.as_ref().and_then(Survey::outcome) {
            self.survey = None;
            match outcome {
                Outcome::Found(found) => self.take(found),
                Outcome::Failed(reason) => {
                    self.outbox.tell(PlayEvent::Warning(format!("its waveform cannot be shown: {reason}")));
                }
            }
        }
        let pace = match self.player.tick() {
            Ok((pace, None)) => pace,
            Ok((pace, Some(happening))) => {
                if let Happening::DeviceLost(message) = happening {
                    self.outbox.tell(PlayEvent::Warning(message));
                }
                self.tell_state();
                pace
            }
            Err(error) => {
                (self.survey, self.peaks, self.path) = (None, None, None);
                self.outbox.tell(PlayEvent::Failed(error.to_string()));
                self.tell_state();
                Pace::Calm
            }
        };
        if self.player.is_playing() && Instant::now() >= self.next_position {
            self.next_position = Instant::now() + POSITION_INTERVAL;
            let position = self.player.position();
            self.outbox.tell_if_idle(PlayEvent::Position(position));
        }
        pace
    }

    /// Takes what is known now that all of the recording was looked through.
    fn take(&mut self, Found { peaks, kept }: Found) {
        let Some(path) = self.path.clone() else { return };
        if let Some(samples) = kept {
            self.player.exchange(Source::kept(samples));
        }
        self.player.set_duration(peaks.duration());
        self.peaks = Some(Arc::clone(&peaks));
        if self.skipping == SilenceSkipping::ByLevel {
            self.skip_silence();
        }
        self.outbox.tell(PlayEvent::Peaks { path, peaks });
    }

    fn skip_silence(&mut self) {
        let audible = match &self.skipping {
            SilenceSkipping::Off => None,
            SilenceSkipping::Between(speech) => Some(speech.to_vec()),
            SilenceSkipping::ByLevel => self.peaks.as_ref().map(|peaks| peaks.loud_parts()),
        };
        self.player.play_only(audible);
    }

    fn tell_state(&mut self) {
        let (is_playing, speed) = (self.player.is_playing(), self.player.speed());
        let position = self.player.position();
        self.outbox.tell(PlayEvent::State(PlayState { is_playing, position, speed }));
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;
    use std::path::Path;
    use std::sync::mpsc;

    use hound::{SampleFormat, WavSpec, WavWriter};

    use super::*;
    use crate::audio::microphone::Standing;
    use crate::audio::player::{Inlet, Outlet, Output, OutputDevice, OutputError, ring};
    use crate::units::{Seconds, TimeSpan};

    /// Longest wait for an event that must come.
    const PATIENCE: Duration = Duration::from_mins(1);
    const RATE_HZ: u32 = 16_000;

    /// A device whose other end goes to the test.
    struct Handed(mpsc::Sender<Outlet>);

    struct HandedOutput(Inlet);

    impl Outputs for Handed {
        fn devices(&self) -> Result<Vec<OutputDevice>, OutputError> {
            Ok(vec![OutputDevice { id: "hand".into(), name: "Hand".into(), standing: Standing::Default }])
        }

        fn open(&self, _: Option<&str>) -> Result<Box<dyn Output>, OutputError> {
            let (inlet, outlet) = ring(NonZero::new(RATE_HZ).expect("not zero"));
            self.0.send(outlet).map_err(|_gone| OutputError::NoDevice)?;
            Ok(Box::new(HandedOutput(inlet)))
        }
    }

    impl Output for HandedOutput {
        fn name(&self) -> &'static str {
            "Hand"
        }

        fn inlet(&mut self) -> &mut Inlet {
            &mut self.0
        }

        fn loss(&mut self) -> Option<String> {
            None
        }

        fn rest(&mut self) {}

        fn wake(&mut self) -> Result<(), OutputError> {
            Ok(())
        }
    }

    struct Bench {
        thread: PlayerThread,
        outlets: mpsc::Receiver<Outlet>,
        folder: tempfile::TempDir,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let (sink, outlets) = mpsc::channel();
            let paths = AppPaths::below(folder.path());
            let outputs = Box::new(Handed(sink));
            let thread = PlayerThread::start(&paths, &ModelSettings::default(), outputs).expect("a thread");
            Self { thread, outlets, folder }
        }

        fn ask(&self, command: PlayCommand) {
            assert!(self.thread.send(command).is_none(), "there is room");
        }

        /// The next event but for positions.
        fn next(&self) -> PlayEvent {
            loop {
                match self.thread.events().recv_timeout(PATIENCE).expect("an event in time") {
                    PlayEvent::Position(_) => {}
                    event => return event,
                }
            }
        }

        fn state(&self) -> PlayState {
            match self.next() {
                PlayEvent::State(state) => state,
                event => panic!("{event:?}"),
            }
        }

        /// A recording of so many seconds, half as loud as can be.
        fn recording(&self, secs: u32) -> PathBuf {
            let path = self.folder.path().join("sound.wav");
            let spec =
                WavSpec { channels: 1, sample_rate: RATE_HZ, bits_per_sample: 16, sample_format: SampleFormat::Int };
            let mut writer = WavWriter::create(&path, spec).expect("a writable folder");
            for _ in 0..secs * RATE_HZ {
                writer.write_sample(16_384_i16).expect("a writable folder");
            }
            writer.finalize().expect("a writable folder");
            path
        }

        /// Loads it; what is told of it may come in any order.
        fn load(&self, path: &Path) -> Arc<Peaks> {
            self.ask(PlayCommand::Load(path.to_path_buf()));
            let PlayEvent::Loaded { duration, file, .. } = self.next() else { panic!("it is not loaded") };
            let file = file.expect("it is not decoded");
            assert_eq!((file.container.as_str(), file.rate_hz, file.n_channels), ("WAVE", RATE_HZ, Some(1)));
            assert_eq!(duration, Some(Seconds(3.0)));
            let (mut found, mut n_states) = (None, 0);
            while found.is_none() || n_states == 0 {
                match self.next() {
                    PlayEvent::Peaks { peaks, .. } => found = Some(peaks),
                    PlayEvent::State(_) => n_states += 1,
                    event => panic!("{event:?}"),
                }
            }
            found.expect("it was found")
        }
    }

    #[test]
    fn a_recording_is_loaded_and_played_to_its_end() {
        let bench = Bench::new();
        let path = bench.recording(3);
        for _ in 0..2 {
            // The second time the peaks are those that were stored.
            let peaks = bench.load(&path);
            assert_eq!(peaks.duration(), Seconds(3.0));
            assert_eq!(peaks.columns(TimeSpan::from_secs(0.0, 3.0), 1)[0].max, 64);
        }
        bench.ask(PlayCommand::Seek(Seconds(2.0)));
        assert_eq!(bench.state(), PlayState { is_playing: false, position: Seconds(2.0), speed: 1.0 });
        bench.ask(PlayCommand::Play);
        assert!(bench.state().is_playing);
        let mut outlet = bench.outlets.recv_timeout(PATIENCE).expect("a device is opened");
        let (mut n_heard, mut loudest, begun) = (0, 0.0_f32, Instant::now());
        let end = loop {
            outlet.give(160, Duration::ZERO, |_, [left, _]| {
                n_heard += usize::from(left > 0.0);
                loudest = loudest.max(left);
            });
            match bench.thread.events().recv_timeout(Duration::from_millis(1)) {
                Ok(PlayEvent::State(state)) => break state,
                Ok(PlayEvent::Position(_)) | Err(_) => {}
                Ok(event) => panic!("{event:?}"),
            }
            assert!(begun.elapsed() < PATIENCE, "it comes to an end");
        };
        assert_eq!(end, PlayState { is_playing: false, position: Seconds(3.0), speed: 1.0 });
        assert!((loudest - 0.5).abs() < 1e-3, "{loudest}");
        assert_eq!(n_heard, 16_000, "each frame of the last second is heard once");
    }

    #[test]
    fn what_cannot_be_done_is_told_in_one_line() {
        let bench = Bench::new();
        bench.ask(PlayCommand::Play);
        assert!(matches!(bench.next(), PlayEvent::Failed(text) if text.contains("open a recording first")));
        assert!(!bench.state().is_playing);
        let missing = bench.folder.path().join("missing.wav");
        bench.ask(PlayCommand::Load(missing));
        assert!(matches!(bench.next(), PlayEvent::Failed(text) if text.contains("missing.wav: there is no such file")));
        assert!(!bench.state().is_playing);
        bench.ask(PlayCommand::ListDevices);
        assert!(matches!(bench.next(), PlayEvent::Devices(Ok(devices)) if devices[0].name == "Hand"));
    }
}
