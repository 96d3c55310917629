//! Listening to recordings: any file that can be decoded, of any length, at any speed that can be followed.
//!
//! ```text
//! the thread that calls Player::tick                                                       device's thread
//! source ──frames──▶ stretch ──▶ resample ──▶ ring (half a second, lock-free) ──▶ outlet ──▶ callback
//! decode   route:     speed,      device's     frames are numbered; how many       swells and fades,
//! & seek   loops,     pitch       rate         were heard tells the place           volume
//!          silence    kept                     of the recording (run)
//! ```
//! Nothing here makes threads or knows a sound card: who holds a [`Player`] calls [`Player::tick`] some fifty times a
//! second, and sound goes out through [`Outputs`]: the system's in `audio/playback.rs`, or one that a test pulls at.

mod output;
mod ring;
mod route;
mod run;
mod source;
mod stretch;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use crate::units::{Seconds, TimeSpan};

use super::decode::DecodeError;

use route::{Route, to_frame};
use run::{Going, Run};

pub use output::{Output, OutputDevice, OutputError, Outputs};
pub use ring::{Frame, Inlet, Outlet, ring};
pub use source::{Given, Source};

/// Speeds at which speech can be followed.
pub const SPEEDS: RangeInclusive<f64> = 0.5..=3.0;

/// A device that takes no sound for so long is gone, whatever it says.
const DEVICE_PATIENCE: Duration = Duration::from_secs(3);

/// Something that whoever listens should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The end was reached.
    Ended,
    /// The device is gone, and playing pauses: one line that says what to do.
    DeviceLost(String),
}

/// How a tick went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The next one may wait some hundredths of a second.
    Calm,
    /// A place is being looked for in a recording that cannot seek: the next one should come at once.
    Hurried,
}

/// Plays one recording.
pub struct Player {
    outputs: Box<dyn Outputs>,
    /// The device that is wanted; `None`: the default one.
    device: Option<String>,
    output: Option<Box<dyn Output>>,
    is_resting: bool,
    /// Since when the open device plays.
    playing_since: Option<Instant>,
    source: Option<Source>,
    /// How long the recording is, in its frames, once that is known.
    n_frames: Option<u64>,
    route: Route,
    speech: Option<Vec<TimeSpan>>,
    looped: Option<TimeSpan>,
    speed: f64,
    volume: f32,
    run: Option<Run>,
    /// Where it stands while there is no run. In frames of the recording.
    place: u64,
}

impl Player {
    /// A player without a recording.
    pub fn new(outputs: Box<dyn Outputs>) -> Self {
        Self {
            outputs,
            device: None,
            output: None,
            is_resting: false,
            playing_since: None,
            source: None,
            n_frames: None,
            route: Route::default(),
            speech: None,
            looped: None,
            speed: 1.0,
            volume: 1.0,
            run: None,
            place: 0,
        }
    }

    /// The devices there are.
    pub fn devices(&self) -> Result<Vec<OutputDevice>, OutputError> {
        self.outputs.devices()
    }

    /// Takes another recording, at its beginning. Nothing of it is left out or looped.
    pub fn load(&mut self, source: Source) {
        self.unload();
        self.take(source);
    }

    /// Has no recording any more.
    pub fn unload(&mut self) {
        self.pause();
        (self.source, self.n_frames) = (None, None);
        (self.speech, self.looped, self.route) = (None, None, Route::default());
        self.stand_at(0);
    }

    /// Goes on with another copy of the same recording, such as one that can seek.
    pub fn exchange(&mut self, source: Source) {
        let at = self.position();
        self.take(source);
        self.seek(at);
    }

    /// How long the recording is, once that is known: by its container, or by whoever has read all of it.
    pub fn set_duration(&mut self, duration: Seconds) {
        self.n_frames = Some(to_frame(duration.0, self.rate()));
    }

    /// How long the recording is, where that is known.
    pub fn duration(&self) -> Option<Seconds> {
        self.n_frames.map(|n_frames| self.to_secs(n_frames))
    }

    /// Plays from where it stands; from the beginning if that is the end. The device is opened if it is not.
    pub fn play(&mut self) -> Result<(), OutputError> {
        if self.source.is_none() || self.is_playing() {
            return Ok(());
        }
        self.wake();
        let output = match &mut self.output {
            Some(output) => output,
            closed => closed.insert(self.outputs.open(self.device.as_deref())?),
        };
        let inlet = output.inlet();
        inlet.set_volume(self.volume);
        inlet.start();
        self.playing_since = Some(Instant::now());
        if self.n_frames.is_some_and(|n_frames| self.place >= n_frames) && self.run.is_none() {
            self.place = 0;
        }
        Ok(())
    }

    /// Whether it needs no ticks: nothing is heard and the device rests.
    pub fn is_idle(&self) -> bool {
        !self.is_playing() && (self.output.is_none() || self.is_resting)
    }

    /// Stands still, at once.
    pub fn pause(&mut self) {
        self.playing_since = None;
        if let Some(output) = &mut self.output {
            output.inlet().stop();
        }
    }

    /// Whether it plays.
    pub fn is_playing(&self) -> bool {
        self.playing_since.is_some()
    }

    /// Goes to a time; before the beginning is the beginning, after the end the end.
    pub fn seek(&mut self, to: Seconds) {
        let frame = to_frame(to.0, self.rate());
        self.stand_at(self.n_frames.map_or(frame, |n_frames| frame.min(n_frames)));
    }

    /// Goes a while forward, or backward if it is negative.
    pub fn jump(&mut self, by: Seconds) {
        let at = self.position();
        self.seek(Seconds(at.0 + by.0));
    }

    /// Plays so many times as fast, within [`SPEEDS`], and not higher or lower.
    pub fn set_speed(&mut self, speed: f64) {
        let speed = if speed.is_finite() { speed.clamp(*SPEEDS.start(), *SPEEDS.end()) } else { 1.0 };
        if (speed - self.speed).abs() > 1e-9 {
            self.speed = speed;
            self.stand_here();
        }
    }

    /// How many times as fast it plays.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// How loud it plays, 0 to 1.
    pub fn set_volume(&mut self, volume: f32) {
        self.volume = if volume.is_finite() { volume.clamp(0.0, 1.0) } else { 1.0 };
        if let Some(output) = &mut self.output {
            output.inlet().set_volume(self.volume);
        }
    }

    /// Plays only around these parts; `None`: everything.
    pub fn play_only(&mut self, speech: Option<Vec<TimeSpan>>) {
        self.speech = speech;
        self.lay_route();
        self.stand_here();
    }

    /// Plays this part again and again; `None`: everything once.
    pub fn set_loop(&mut self, part: Option<TimeSpan>) {
        self.looped = part;
        self.lay_route();
        self.stand_here();
    }

    /// Plays through another device from now on; `None`: the default one. If that one cannot be opened, the one before
    /// is kept.
    pub fn set_device(&mut self, device: Option<String>) -> Result<(), OutputError> {
        if device == self.device {
            return Ok(());
        }
        if self.output.is_some() {
            let opened = self.outputs.open(device.as_deref())?;
            let was_playing = self.is_playing();
            self.close_output();
            self.output = Some(opened);
            self.device = device;
            return if was_playing { self.play() } else { Ok(()) };
        }
        self.device = device;
        Ok(())
    }

    /// The time that is heard now.
    pub fn position(&mut self) -> Seconds {
        let place = match (&mut self.output, &mut self.run) {
            (Some(output), Some(run)) => run.place_of(output.inlet().heard(Instant::now())),
            _ => self.place,
        };
        self.to_secs(self.n_frames.map_or(place, |n_frames| place.min(n_frames)))
    }

    /// Keeps the sound going. An error means that the recording cannot be read any further; it is not played any more.
    pub fn tick(&mut self) -> Result<(Pace, Option<Happening>), DecodeError> {
        if let Some(reason) = self.output.as_mut().and_then(|output| output.loss()) {
            return Ok((Pace::Calm, self.lose_device(&reason)));
        }
        if !self.is_playing() {
            self.rest();
            return Ok((Pace::Calm, None));
        }
        if self.is_device_dead() {
            return Ok((Pace::Calm, self.lose_device("it takes no sound any more")));
        }
        let filled = self.fill();
        let going = filled.inspect_err(|_| self.unload())?;
        if going == Going::Ended && self.is_all_heard() {
            self.stop_at_end();
            return Ok((Pace::Calm, Some(Happening::Ended)));
        }
        Ok((if going == Going::Searching { Pace::Hurried } else { Pace::Calm }, None))
    }

    fn take(&mut self, source: Source) {
        self.n_frames = source.duration().map(|duration| to_frame(duration.0, f64::from(source.rate_hz().get())));
        self.source = Some(source);
        self.run = None;
        self.lay_route();
    }

    fn fill(&mut self) -> Result<Going, DecodeError> {
        let (Some(output), Some(source)) = (&mut self.output, &mut self.source) else { return Ok(Going::Well) };
        let inlet = output.inlet();
        let run = match &mut self.run {
            Some(run) => run,
            none => none.insert(Run::begin(source, &self.route, self.place, self.speed, inlet)?),
        };
        run.fill(source, &self.route, inlet)
    }

    fn is_all_heard(&mut self) -> bool {
        self.output.as_mut().is_none_or(|output| {
            let inlet = output.inlet();
            inlet.heard(Instant::now()) >= inlet.n_pushed()
        })
    }

    fn stop_at_end(&mut self) {
        let end = self.source.as_ref().map_or(0, Source::at);
        self.pause();
        // What was left out at the end is behind us, too.
        let end = *self.n_frames.get_or_insert(end);
        self.stand_at(end);
    }

    /// Ends the rest of the device. One that vanished meanwhile gives way to the default one.
    fn wake(&mut self) {
        if !self.is_resting {
            return;
        }
        let is_awake = self.output.as_mut().is_some_and(|output| output.loss().is_none() && output.wake().is_ok());
        if !is_awake {
            self.close_output();
            self.device = None;
        }
        self.is_resting = false;
    }

    fn rest(&mut self) {
        if let Some(output) = &mut self.output
            && !self.is_resting
            && output.inlet().is_silent()
        {
            output.rest();
            self.is_resting = true;
        }
    }

    fn is_device_dead(&mut self) -> bool {
        let (Some(output), Some(since)) = (&mut self.output, self.playing_since) else { return false };
        let last_sign = output.inlet().last_sign().map_or(since, |sign| sign.max(since));
        last_sign.elapsed() > DEVICE_PATIENCE
    }

    fn lose_device(&mut self, reason: &str) -> Option<Happening> {
        let was_playing = self.is_playing();
        let name = self.output.as_ref().map(|output| output.name().to_owned()).unwrap_or_default();
        self.close_output();
        // It may come back, but somebody who took their headphones off does not want the loudspeakers to go on.
        self.device = None;
        was_playing.then(|| {
            let advice = "playing is paused; it goes on at the system's default device when you press Play";
            Happening::DeviceLost(format!("{name} is gone: {reason}; {advice}"))
        })
    }

    /// Stands still where it is, without a device.
    fn close_output(&mut self) {
        self.stand_here();
        self.playing_since = None;
        self.output = None;
        self.is_resting = false;
    }

    /// Goes on from here in another way.
    fn stand_here(&mut self) {
        let at = self.position();
        self.stand_at(to_frame(at.0, self.rate()));
    }

    fn stand_at(&mut self, place: u64) {
        self.place = place;
        self.run = None;
        if let Some(output) = &mut self.output {
            output.inlet().flush();
        }
    }

    fn lay_route(&mut self) {
        let rate = self.rate();
        self.route.set_speech(self.speech.as_deref(), rate);
        self.route.set_loop(self.looped, rate);
    }

    fn rate(&self) -> f64 {
        self.source.as_ref().map_or(1.0, |source| f64::from(source.rate_hz().get()))
    }

    fn to_secs(&self, frame: u64) -> Seconds {
        Seconds(frame as f64 / self.rate())
    }
}
