//! One source as a part of the recording: whatever its device does, so much sound comes out of a track as time goes by.
//! What is missing is silence; another rate is converted; a device that is gone is waited for, or another one taken.

use std::path::PathBuf;

use crossbeam_channel::{Receiver, TryRecvError};

use crate::audio::microphone::{DeviceChoice, Notice};

use super::SoundFormat;
use super::clock::Lag;
use super::converter::Converter;
use super::feed::Piece;
use super::recording::Happening;
use super::source::{Input, Pace, Source};

/// A device that is silent for longer than this is filled in for.
const QUIET_SECS: f64 = 0.6;
/// So much is left open then, for sound that is on its way.
const MARGIN_SECS: f64 = 0.25;
/// A device that falls behind by this much misses something, even if some sound comes.
const BEHIND_SECS: f64 = 1.0;
/// Less than this is not worth a silence: it is within what comes early or late.
const MIN_SILENCE_SECS: f64 = 0.02;
/// Sound that silence stands for may come for so long after the silence.
const MAX_LATE_SECS: f64 = 10.0;
/// A microphone that gives nothing for so long is taken for lost.
const DEAD_SECS: f64 = 3.0;
/// How often a lost device is looked for.
const RETRY_SECS: f64 = 1.0;
/// After so many vain attempts the default device is tried, too.
const N_TRIES_FOR_IT: u32 = 2;

/// A source and its sound on the way to the file.
pub(super) struct Track {
    input: Input,
    spool_dir: PathBuf,
    name: String,
    /// What comes out: rate and number of channels.
    format: SoundFormat,
    /// `None` while its device is lost.
    source: Option<Source>,
    converter: Option<Converter>,
    drifts: Drifts,
    time: Time,
    /// Where a device is waited for: there is none, or none that has given anything yet.
    lost: Option<Lost>,
    /// Sound that is ready, interleaved.
    ready: Vec<f32>,
    n_overrun_frames: u64,
}

/// Whether a track is kept together with another clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drifts {
    /// Its clock is that of the file.
    No,
    /// It is resampled to that clock.
    Yes,
}

/// What is known of a source's time.
struct Time {
    lag: Lag,
    last_sound_secs: f64,
    state: Flow,
    /// Silence whose sound may still come, and when the last of it was put in.
    filled_secs: f64,
    last_fill_secs: f64,
}

impl Time {
    fn new(now_secs: f64) -> Self {
        let (lag, state) = (Lag::default(), Flow::Before);
        Self { lag, last_sound_secs: now_secs, state, filled_secs: 0.0, last_fill_secs: now_secs }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Nothing has come yet.
    Before,
    /// Sound comes.
    Steady,
    /// Sound is missing; how much, is told by the next that comes.
    Interrupted,
}

/// A device that is waited for.
struct Lost {
    n_tries: u32,
    next_try_secs: f64,
    /// What is being opened. Nothing here waits for it: where a server hangs that takes seconds, and the user may want
    /// to end the recording meanwhile.
    attempt: Option<Receiver<Source>>,
}

impl Track {
    /// A track of a source that has just been opened.
    pub(super) fn new(
        source: Source,
        input: Input,
        spool_dir: PathBuf,
        format: SoundFormat,
        drifts: Drifts,
        now_secs: f64,
    ) -> Self {
        let name = source.name.clone();
        let mut track = Self {
            input,
            spool_dir,
            name,
            format,
            source: Some(source),
            converter: None,
            drifts,
            time: Time::new(now_secs),
            lost: None,
            ready: Vec::new(),
            n_overrun_frames: 0,
        };
        track.fit_converter();
        track
    }

    /// What the user knows it by.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Frames that are ready.
    pub(super) fn n_ready(&self) -> usize {
        self.ready.len() / self.format.channels()
    }

    /// The samples that are ready.
    pub(super) fn ready(&self) -> &[f32] {
        &self.ready
    }

    /// Takes away frames that were used.
    pub(super) fn remove(&mut self, n_frames: usize) {
        self.ready.drain(..n_frames * self.format.channels());
    }

    /// Whether its source is a file that has ended.
    pub(super) fn is_ended(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.pace == Pace::Sound && source.intake.is_ended())
    }

    /// When its sound began, by the clock; `None` before it did.
    pub(super) fn begin_secs(&self, now_secs: f64) -> Option<f64> {
        (self.time.state != Flow::Before).then(|| self.time.lag.begin(now_secs))
    }

    /// Frames that were lost because nobody took them out of the ring in time.
    pub(super) fn n_overrun_frames(&self) -> u64 {
        self.n_overrun_frames
    }

    /// Whether sound comes, and no silence stands in for it.
    pub(super) fn is_steady(&self) -> bool {
        self.time.state == Flow::Steady
    }

    /// Makes so much more sound than the device's rate says, where it is kept together with another clock.
    pub(super) fn correct(&mut self, share: f64) {
        if let (Drifts::Yes, Some(converter)) = (self.drifts, &mut self.converter) {
            converter.correct(share);
        }
    }

    /// Drops all sound that was not used and goes on from the next that comes, as after a pause.
    pub(super) fn discard(&mut self, now_secs: f64) {
        if let Some(source) = &mut self.source {
            source.intake.drain(|_| {});
        }
        self.ready.clear();
        self.forget_time(now_secs);
    }

    /// Forgets what is known of time: the next sound that comes follows the last.
    pub(super) fn forget_time(&mut self, now_secs: f64) {
        self.time = Time::new(now_secs);
    }

    /// Begins with silence where its device gave nothing from the first.
    pub(super) fn begin_if_lost(&mut self) {
        if self.lost.is_some() && self.time.state == Flow::Before {
            self.begin_in_silence(self.time.last_sound_secs);
        }
    }

    fn begin_in_silence(&mut self, begin_secs: f64) {
        self.time.lag = Lag::since(begin_secs);
        self.time.state = Flow::Interrupted;
    }

    /// Takes in what came since the last time. `begin_secs` is when the recording began, where another track says so:
    /// sound before it is dropped, and silence stands for what comes later.
    pub(super) fn take_in(&mut self, now_secs: f64, begin_secs: Option<f64>, happenings: &mut Vec<Happening>) {
        self.hear_notices(now_secs, happenings);
        self.look_for_device(now_secs, happenings);
        let is_dead = self.time.state == Flow::Before && now_secs - self.time.last_sound_secs > DEAD_SECS;
        if let Some(begin_secs) = begin_secs.filter(|_| is_dead) {
            // The others shall not wait for it any longer.
            self.begin_in_silence(begin_secs);
        }
        let Some(source) = &mut self.source else {
            self.fill(now_secs, MARGIN_SECS);
            return;
        };
        let (pace, rate_hz) = (source.pace, source.intake.format().rate_hz.get());
        let (n_in, n_out) = (source.intake.format().channels(), self.format.channels());
        let (mut sound, mut n_lost) = (Vec::new(), 0);
        source.intake.drain(|piece| match piece {
            Piece::Sound(samples) => fold(samples, n_in, n_out, &mut sound),
            Piece::Lost(n_frames) => {
                n_lost += n_frames;
                sound.resize(sound.len() + n_frames as usize * n_out, 0.0);
            }
        });
        if n_lost > 0 {
            self.n_overrun_frames += n_lost;
            let secs = n_lost as f64 / f64::from(rate_hz);
            let why = "this machine was too busy";
            happenings.push(Happening::Warning(format!("{secs:.1} s of {} were lost: {why}", self.name)));
        }
        if pace == Pace::Sound {
            self.time.state = Flow::Steady;
            self.pass_on(&sound);
            return;
        }
        if sound.is_empty() {
            self.wait(pace, now_secs, happenings);
            return;
        }
        self.time.lag.count((sound.len() / n_out) as f64 / f64::from(rate_hz));
        self.time.last_sound_secs = now_secs;
        self.tell_recovered(happenings);
        self.leave_out_late(now_secs, rate_hz, &mut sound);
        match self.time.state {
            Flow::Before => self.align(now_secs, begin_secs, rate_hz, &mut sound),
            Flow::Interrupted => self.fill(now_secs, 0.0),
            Flow::Steady => {}
        }
        self.time.state = Flow::Steady;
        if self.time.lag.missing_secs(now_secs) > BEHIND_SECS {
            self.fill(now_secs, MARGIN_SECS);
        } else {
            self.time.lag.observe(now_secs);
        }
        self.pass_on(&sound);
    }

    /// Makes the first sound begin where the recording does.
    fn align(&mut self, now_secs: f64, begin_secs: Option<f64>, rate_hz: u32, sound: &mut Vec<f32>) {
        let late_secs = begin_secs.map_or(0.0, |begin_secs| self.time.lag.begin(now_secs) - begin_secs);
        let n_samples = (late_secs.abs() * f64::from(rate_hz)) as usize * self.format.channels();
        if late_secs > 0.0 {
            sound.splice(..0, std::iter::repeat_n(0.0, n_samples));
            self.time.lag.count(late_secs);
        } else {
            sound.drain(..n_samples.min(sound.len()));
        }
    }

    /// Drops sound that comes after all though silence stands for it, as where a server hung and had kept it meanwhile:
    /// with both, all that follows would be too late.
    fn leave_out_late(&mut self, now_secs: f64, rate_hz: u32, sound: &mut Vec<f32>) {
        if now_secs - self.time.last_fill_secs > MAX_LATE_SECS {
            self.time.filled_secs = 0.0;
        }
        let secs = self.time.lag.early_secs(now_secs).min(self.time.filled_secs);
        if secs > MIN_SILENCE_SECS {
            let n_channels = self.format.channels();
            let n_frames = ((secs * f64::from(rate_hz)).round() as usize).min(sound.len() / n_channels);
            sound.drain(..n_frames * n_channels);
            let secs = n_frames as f64 / f64::from(rate_hz);
            self.time.lag.count(-secs);
            self.time.filled_secs -= secs;
        }
    }

    /// Nothing came.
    fn wait(&mut self, pace: Pace, now_secs: f64, happenings: &mut Vec<Happening>) {
        let quiet_secs = now_secs - self.time.last_sound_secs;
        if quiet_secs > QUIET_SECS && self.time.state != Flow::Before {
            self.time.state = Flow::Interrupted;
            self.fill(now_secs, MARGIN_SECS);
        }
        if pace == Pace::Clock && quiet_secs > DEAD_SECS {
            self.lose("no sound comes from it any more", now_secs, happenings);
        }
    }

    /// Appends silence for what is missing but for `margin_secs`.
    fn fill(&mut self, now_secs: f64, margin_secs: f64) {
        let secs = self.time.lag.missing_secs(now_secs) - margin_secs;
        if secs > MIN_SILENCE_SECS {
            let n_frames = (secs * f64::from(self.format.rate_hz.get())).round();
            self.ready.resize(self.ready.len() + n_frames as usize * self.format.channels(), 0.0);
            let secs = self.format.secs(n_frames as u64);
            self.time.lag.count(secs);
            self.time.filled_secs += secs;
            self.time.last_fill_secs = now_secs;
        }
    }

    fn pass_on(&mut self, sound: &[f32]) {
        match &mut self.converter {
            Some(converter) => converter.push(sound, &mut self.ready),
            None => self.ready.extend_from_slice(sound),
        }
    }

    fn hear_notices(&mut self, now_secs: f64, happenings: &mut Vec<Happening>) {
        let Some(source) = &self.source else { return };
        let notices: Vec<Notice> = source.notices.try_iter().collect();
        for notice in notices {
            match notice {
                Notice::Skipped if self.time.state == Flow::Steady => self.time.state = Flow::Interrupted,
                Notice::Skipped => {}
                Notice::Rerouted => happenings.push(Happening::Warning(format!(
                    "the system moved the recording from {} to another device; it goes on",
                    self.name
                ))),
                Notice::Lost(reason) => self.lose(&reason, now_secs, happenings),
            }
        }
    }

    fn lose(&mut self, reason: &str, now_secs: f64, happenings: &mut Vec<Happening>) {
        if self.source.take().is_none() {
            return;
        }
        if self.time.state == Flow::Steady {
            self.time.state = Flow::Interrupted;
        }
        if let Some(lost) = &mut self.lost {
            // Another was opened, but gave nothing either: what was told is still true.
            lost.next_try_secs = now_secs + RETRY_SECS;
            return;
        }
        self.lost = Some(Lost { n_tries: 0, next_try_secs: now_secs, attempt: None });
        happenings.push(Happening::Lost(format!(
            "{} is lost ({reason}). The recording goes on with silence until it is there again or another device is found",
            self.name
        )));
    }

    fn look_for_device(&mut self, now_secs: f64, happenings: &mut Vec<Happening>) {
        let (None, Some(lost)) = (&self.source, &mut self.lost) else { return };
        let Some(attempt) = &lost.attempt else {
            if now_secs >= lost.next_try_secs {
                lost.n_tries += 1;
                let may_be_another =
                    lost.n_tries > N_TRIES_FOR_IT && self.input != Input::Device(DeviceChoice::SystemAudio);
                let default = may_be_another.then_some(Input::Device(DeviceChoice::Default));
                let inputs = [Some(self.input.clone()), default].into_iter().flatten().collect();
                lost.attempt = Some(Source::open_soon(inputs, self.spool_dir.clone()));
            }
            return;
        };
        match attempt.try_recv() {
            Ok(source) => {
                lost.attempt = None;
                self.take_up(source, now_secs, happenings);
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                lost.attempt = None;
                lost.next_try_secs = now_secs + RETRY_SECS;
            }
        }
    }

    /// Goes on with a source that was opened in the place of one that was lost.
    fn take_up(&mut self, source: Source, now_secs: f64, happenings: &mut Vec<Happening>) {
        let pace = source.pace;
        self.name.clone_from(&source.name);
        self.source = Some(source);
        self.time.last_sound_secs = now_secs;
        // What it will give is later than all silence so far.
        self.time.filled_secs = 0.0;
        self.fit_converter();
        // From others, sound is the sign.
        if pace == Pace::ClockWithPauses {
            self.tell_recovered(happenings);
        }
    }

    fn tell_recovered(&mut self, happenings: &mut Vec<Happening>) {
        if self.lost.take().is_some() {
            happenings.push(Happening::Recovered(format!("the recording goes on with {}", self.name)));
        }
    }

    /// Has a converter where one is needed for the source there is.
    fn fit_converter(&mut self) {
        let Some(source) = &self.source else { return };
        let rate_hz = source.intake.format().rate_hz;
        let is_needed = self.drifts == Drifts::Yes || rate_hz != self.format.rate_hz;
        self.converter = is_needed.then(|| Converter::new(rate_hz.get(), self.format));
    }

    /// Ends listening. What was on its way is in [`Track::ready`] then.
    pub(super) fn end(&mut self) {
        let Some(Source { mut intake, player, .. }) = self.source.take() else { return };
        drop(player);
        let (n_in, n_out) = (intake.format().channels(), self.format.channels());
        let mut sound = Vec::new();
        intake.drain(|piece| match piece {
            Piece::Sound(samples) => fold(samples, n_in, n_out, &mut sound),
            Piece::Lost(n_frames) => sound.resize(sound.len() + n_frames as usize * n_out, 0.0),
        });
        let n_lost = intake.n_lost_at_end();
        sound.resize(sound.len() + n_lost as usize * n_out, 0.0);
        self.n_overrun_frames += n_lost;
        self.pass_on(&sound);
    }
}

/// Frames of `n_in` channels as frames of one or two: of more than two, the first two count; two become one by their
/// mean, one becomes two by being both. What is no number is silence.
fn fold(samples: &[f32], n_in: usize, n_out: usize, out: &mut Vec<f32>) {
    let sane = |sample: f32| if sample.is_finite() { sample } else { 0.0 };
    for frame in samples.chunks_exact(n_in) {
        let first = sane(frame[0]);
        let second = frame.get(1).map_or(first, |sample| sane(*sample));
        if n_out == 1 {
            out.push(f32::midpoint(first, second));
        } else {
            out.extend([first, second]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_folded() {
        for (samples, n_in, n_out, expected) in [
            (&[0.25, 0.5][..], 1, 1, &[0.25, 0.5][..]),
            (&[0.25, 0.5], 1, 2, &[0.25, 0.25, 0.5, 0.5]),
            (&[0.25, 0.75], 2, 1, &[0.5]),
            (&[0.25, 0.75], 2, 2, &[0.25, 0.75]),
            (&[0.25, 0.75, 9.0, 9.0], 4, 1, &[0.5]),
            (&[0.25, f32::NAN, 9.0], 3, 2, &[0.25, 0.0]),
        ] {
            let mut out = Vec::new();
            fold(samples, n_in, n_out, &mut out);
            assert_eq!(out, expected, "{n_in} to {n_out}");
        }
    }
}
