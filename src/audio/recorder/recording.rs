//! A recording that goes on: takes sound from its tracks, joins them to channels, writes them, and says what happened.
//! Whoever holds it calls [`Recording::tick`] some fifty times a second; nothing here waits but for the disk and for
//! devices that are opened.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::files::{self, FileError};
use crate::units::Seconds;

use super::journal::Journal;
use super::level::{Level, LevelMeter};
use super::source::{Input, Source, SourceError};
use super::tap::Tap;
use super::track::{Drifts, Track};
use super::wave_file::WaveFile;
use super::wave_header::frame_bytes;
use super::{Marker, SoundFormat};

/// How often sound is forced onto the disk and the header made to state it.
const COMMIT_SECS: f64 = 0.4;
/// Where the disk has less room than this, a recording ends while it still can in good order.
const RESERVE_BYTES: u64 = 1 << 20;
/// Two clocks of this machine that differ by more, or a longer time without a tick, mean that it slept.
const SLEPT_SECS: f64 = 5.0;
const ASLEEP_SECS: f64 = 30.0;
/// Time in which the difference of two devices is averaged, and in which it is made good.
const DRIFT_MEMORY_SECS: f64 = 5.0;
const DRIFT_CORRECTION_SECS: f64 = 20.0;
/// Channels of a single device that are kept.
const MAX_CHANNELS: u16 = 2;

/// What is to be recorded, and where to.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is listened to. Its clock is that of the file.
    pub first: Input,
    /// What is listened to beside it. Then the file has two channels, one for each.
    pub second: Option<Input>,
    /// The file.
    pub output: Output,
    /// Folder for the note that the recording is not ended yet.
    pub journals: PathBuf,
    /// Folder for temporary files.
    pub spool_dir: PathBuf,
    /// How long to record; `None`: until it is ended.
    pub limit: Option<Seconds>,
}

/// Which file a recording becomes. None is ever replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// This one, which must not be there.
    File(PathBuf),
    /// One of this name in a folder, which is made where it is missing: `STEM.wav`, `STEM (2).wav`, and so on.
    Named {
        /// The folder.
        folder: PathBuf,
        /// The name without its ending.
        stem: String,
    },
}

/// Why a recording could not be begun, or came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Nothing can be listened to.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Its file is there.
    #[error("{} is there already and is kept; choose another name", path.display())]
    Occupied {
        /// The file.
        path: PathBuf,
    },
    /// Its file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// No sound came.
    #[error("{name} gave no sound, so nothing was recorded; check that it is switched on and not muted")]
    NothingHeard {
        /// The device.
        name: String,
    },
}

/// Something the user should know; the recording goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A device is gone: one line that says which and what is done.
    Lost(String),
    /// It is there again, or another one is.
    Recovered(String),
    /// Something else.
    Warning(String),
}

/// Why a recording ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is as long as it should be.
    LimitReached,
    /// The file that is played in the place of a device has ended.
    SourceEnded,
    /// It cannot be written any more: one line that says why and what to do.
    NotWritten(String),
}

/// A recording that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// The file.
    pub path: PathBuf,
    /// Its length.
    pub duration: Seconds,
    /// How much of it is silence because this machine was too busy to take the sound.
    pub overrun: Seconds,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// A recording that goes on. Dropped without [`Recording::finish`], it is found unfinished at the next start.
pub struct Recording {
    path: PathBuf,
    format: SoundFormat,
    file: WaveFile,
    /// `None` where there cannot be one, as a warning said.
    journal: Option<Journal>,
    markers: Vec<Marker>,
    tracks: Vec<Track>,
    mix: Mix,
    clock: Clock,
    drift: Drift,
    flow: Flow,
    n_max_frames: u64,
    next_commit_secs: f64,
    ended: Option<Ended>,
    warnings: Vec<String>,
}

/// What the tracks become together.
struct Mix {
    /// What is being written.
    samples: Vec<f32>,
    meters: Vec<LevelMeter>,
    /// Whoever listens to it.
    tap: Option<Tap>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Recording,
    Paused,
}

impl Recording {
    /// Opens the devices and the file.
    pub fn start(plan: &Plan) -> Result<Self, RecordError> {
        let first = Source::open(&plan.first, &plan.spool_dir)?;
        let second = plan.second.as_ref().map(|input| Source::open(input, &plan.spool_dir)).transpose()?;
        let first_format = first.intake.format();
        let n_file_channels = if second.is_some() { 2 } else { first_format.n_channels.get().min(MAX_CHANNELS) };
        let format = SoundFormat::new(first_format.rate_hz.get(), n_file_channels).expect("neither is zero");
        let n_track_channels = if second.is_some() { 1 } else { n_file_channels };
        let track_format = SoundFormat::new(format.rate_hz.get(), n_track_channels).expect("neither is zero");
        let (file, path) = create(&plan.output, format)?;
        let mut warnings = Vec::new();
        let journal = Journal::open(&plan.journals, &path)
            .inspect_err(|error| {
                warnings.push(format!("{error}. The recording is safe, but would not be found after a crash"));
            })
            .ok();
        // Devices may take their time to open; what counts is when they could give sound.
        let clock = Clock::new();
        let track = |source, input: &Input, drifts| {
            Track::new(source, input.clone(), plan.spool_dir.clone(), track_format, drifts, 0.0)
        };
        let mut tracks = vec![track(first, &plan.first, Drifts::No)];
        tracks.extend(second.zip(plan.second.as_ref()).map(|(source, input)| track(source, input, Drifts::Yes)));
        let limit = plan.limit.map(|limit| (limit.0.max(0.0) * f64::from(format.rate_hz.get())).round() as u64);
        Ok(Self {
            path,
            format,
            file,
            journal,
            markers: Vec::new(),
            tracks,
            mix: Mix { samples: Vec::new(), meters: vec![LevelMeter::default(); format.channels()], tap: None },
            clock,
            drift: Drift::default(),
            flow: Flow::Recording,
            n_max_frames: limit.unwrap_or(u64::MAX),
            next_commit_secs: COMMIT_SECS,
            ended: None,
            warnings,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How its samples are counted.
    pub fn format(&self) -> SoundFormat {
        self.format
    }

    /// What is listened to.
    pub fn sources(&self) -> Vec<String> {
        self.tracks.iter().map(|track| track.name().to_owned()).collect()
    }

    /// How long it is by now.
    pub fn duration(&self) -> Seconds {
        Seconds(self.format.secs(self.file.n_frames()))
    }

    /// How much longer it can become before the disk is full, where that is known.
    pub fn space_left(&self) -> Option<Seconds> {
        let n_bytes = self.file.n_free_bytes()?.saturating_sub(RESERVE_BYTES);
        Some(Seconds(self.format.secs(n_bytes / frame_bytes(self.format))))
    }

    /// How loud each channel was since this was last asked.
    pub fn take_levels(&mut self) -> Vec<Level> {
        self.mix.meters.iter_mut().map(LevelMeter::take).collect()
    }

    /// Offers all that is written from now on to whoever has the other end of the tap.
    pub fn listen_in(&mut self, tap: Tap) {
        self.mix.tap = Some(tap);
    }

    /// Takes the sound that came and writes it. Once the recording has ended by itself, says why.
    pub fn tick(&mut self, happenings: &mut Vec<Happening>) -> Option<Ended> {
        if self.ended.is_some() {
            return self.ended.clone();
        }
        happenings.extend(self.warnings.drain(..).map(Happening::Warning));
        let (now_secs, slept) = self.clock.tick();
        if let Some(slept) = slept {
            let message = format!("this machine slept for {slept}, which is not in the recording; it goes on");
            happenings.push(Happening::Warning(message));
            for track in &mut self.tracks {
                track.forget_time(now_secs);
            }
        }
        match self.flow {
            Flow::Paused => self.discard(now_secs),
            Flow::Recording => self.take_in(now_secs, happenings),
        }
        let written = self.write().and_then(|()| self.commit(now_secs));
        self.ended = match written {
            Err(error) => Some(Ended::NotWritten(self.not_written(&error))),
            Ok(()) if self.file.n_frames() >= self.n_max_frames => Some(Ended::LimitReached),
            Ok(()) if self.tracks.iter().any(Track::is_ended) => Some(Ended::SourceEnded),
            Ok(()) => None,
        };
        self.ended.clone()
    }

    /// Leaves out what comes until [`Recording::resume`].
    pub fn pause(&mut self) {
        self.flow = Flow::Paused;
    }

    /// Goes on after a pause.
    pub fn resume(&mut self) {
        if self.flow == Flow::Paused {
            let (now_secs, _) = self.clock.tick();
            self.discard(now_secs);
            self.drift = Drift::default();
            self.flow = Flow::Recording;
        }
    }

    /// Marks the place where the recording is now, and says where that is.
    pub fn mark(&mut self, label: &str) -> Result<Seconds, FileError> {
        let marker = Marker { at_frame: self.file.n_frames(), label: label.to_owned() };
        self.markers.push(marker.clone());
        if let Some(journal) = &mut self.journal {
            journal.mark(marker)?;
        }
        Ok(self.duration())
    }

    /// Stops listening and ends the file.
    pub fn finish(mut self) -> Result<Finished, RecordError> {
        for track in &mut self.tracks {
            track.end();
        }
        if self.flow == Flow::Recording && self.ended.is_none() {
            // What fails here fails again below.
            self.write().unwrap_or_else(|error| tracing::warn!("the last moments were not written: {error}"));
        }
        if self.file.n_frames() == 0 {
            return Err(self.give_up());
        }
        let n_overrun = self.tracks.iter().map(Track::n_overrun_frames).max().unwrap_or(0);
        if let Err(error) = self.file.commit() {
            // The journal stays, so that the next start tries again.
            self.warnings.push(self.not_written(&error));
        } else {
            if let Err(error) = self.file.finish(&self.markers) {
                self.warnings.push(format!("{}: the markers were not written: {error}", self.path.display()));
            }
            if let Some(journal) = self.journal.take() {
                journal.close();
            }
        }
        let (duration, overrun) = (self.duration(), Seconds(self.format.secs(n_overrun)));
        Ok(Finished { path: self.path, duration, overrun, warnings: self.warnings })
    }

    fn discard(&mut self, now_secs: f64) {
        for track in &mut self.tracks {
            track.discard(now_secs);
        }
    }

    fn take_in(&mut self, now_secs: f64, happenings: &mut Vec<Happening>) {
        let mut begin_secs = None;
        // A recording of nothing but a device that is dead is none. One that has more to tell does not wait for it.
        let has_more = self.tracks.len() > 1 || self.file.n_frames() > 0;
        for (track_idx, track) in self.tracks.iter_mut().enumerate() {
            if track_idx > 0 && begin_secs.is_none() {
                // The recording begins with the first track. What the others hear before waits in their rings.
                return;
            }
            track.take_in(now_secs, begin_secs, happenings);
            if track_idx == 0 && has_more {
                track.begin_if_lost();
            }
            begin_secs = track.begin_secs(now_secs);
        }
        if let [first, second] = self.tracks.as_mut_slice() {
            // Silence is put in up to a moment ago only, which is no difference of clocks.
            if first.is_steady() && second.is_steady() {
                let n_ahead = first.n_ready() as f64 - second.n_ready() as f64;
                second.correct(self.drift.correction(n_ahead / f64::from(self.format.rate_hz.get()), now_secs));
            } else {
                self.drift = Drift::default();
                second.correct(0.0);
            }
        }
    }

    /// Writes what all tracks have ready.
    fn write(&mut self) -> io::Result<()> {
        let n_left = self.n_max_frames.saturating_sub(self.file.n_frames());
        let n_ready = self.tracks.iter().map(Track::n_ready).min().unwrap_or(0);
        let n_frames = n_ready.min(usize::try_from(n_left).unwrap_or(usize::MAX));
        if n_frames == 0 {
            return Ok(());
        }
        let Mix { samples, meters, tap } = &mut self.mix;
        samples.clear();
        match self.tracks.as_slice() {
            [first, second] => {
                let pairs = first.ready().iter().zip(second.ready()).take(n_frames);
                samples.extend(pairs.flat_map(|(first, second)| [*first, *second]));
            }
            tracks => {
                let n_samples = n_frames * self.format.channels();
                samples.extend(tracks.iter().flat_map(|track| &track.ready()[..n_samples]));
            }
        }
        for track in &mut self.tracks {
            track.remove(n_frames);
        }
        let n_channels = self.format.channels();
        for (channel_idx, meter) in meters.iter_mut().enumerate() {
            meter.measure(samples.iter().skip(channel_idx).step_by(n_channels).copied());
        }
        self.file.append(samples)?;
        if let Some(tap) = tap {
            tap.offer(samples, n_channels);
        }
        Ok(())
    }

    fn commit(&mut self, now_secs: f64) -> io::Result<()> {
        if now_secs < self.next_commit_secs {
            return Ok(());
        }
        self.next_commit_secs = now_secs + COMMIT_SECS;
        self.file.commit()?;
        match self.file.n_free_bytes() {
            Some(n_bytes) if n_bytes < RESERVE_BYTES => Err(io::ErrorKind::StorageFull.into()),
            Some(_) | None => Ok(()),
        }
    }

    fn not_written(&self, error: &io::Error) -> String {
        let (path, duration) = (self.path.display(), self.duration());
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => format!(
                "the disk is full, so the recording {path} was ended after {duration}; all of that is in it. \
                 Free some space and record on"
            ),
            _ => format!("{path} cannot be written any more ({error}); the recording was ended after {duration}"),
        }
    }

    /// Removes a file without sound.
    fn give_up(mut self) -> RecordError {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("cannot remove the empty recording {}: {error}", self.path.display());
        }
        if let Some(journal) = self.journal.take() {
            journal.close();
        }
        if let Some(Ended::NotWritten(_)) = self.ended {
            let source = io::ErrorKind::StorageFull.into();
            return RecordError::File(FileError { action: "write", path: self.path, source });
        }
        let name = self.tracks.first().map(|track| track.name().to_owned()).unwrap_or_default();
        RecordError::NothingHeard { name }
    }
}

/// Makes the file, which was not there.
fn create(output: &Output, format: SoundFormat) -> Result<(WaveFile, PathBuf), RecordError> {
    let attempt = |path: PathBuf| match WaveFile::create(&path, format) {
        Ok(file) => Ok((file, path)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(RecordError::Occupied { path }),
        Err(error) => Err(RecordError::File(FileError::of("write", &path)(error))),
    };
    let (folder, stem) = match output {
        Output::File(path) => return attempt(path.clone()),
        Output::Named { folder, stem } => (folder, stem),
    };
    files::create_private_folder(folder)?;
    let mut made = attempt(folder.join(format!("{stem}.wav")));
    let mut numbers = 2_u32..;
    while let (Err(RecordError::Occupied { .. }), Some(number)) = (&made, numbers.next()) {
        made = attempt(folder.join(format!("{stem} ({number}).wav")));
    }
    made
}

/// The time of this machine, by two clocks: one that stands still while it sleeps, on most systems, and that of the day.
struct Clock {
    started: Instant,
    last: Instant,
    last_of_day: SystemTime,
}

impl Clock {
    fn new() -> Self {
        let now = Instant::now();
        Self { started: now, last: now, last_of_day: SystemTime::now() }
    }

    /// Seconds since the start, and for how long the machine slept since the last tick, if it did.
    fn tick(&mut self) -> (f64, Option<Seconds>) {
        let (now, of_day) = (Instant::now(), SystemTime::now());
        let passed = now.duration_since(self.last).as_secs_f64();
        let passed_of_day = of_day.duration_since(self.last_of_day).unwrap_or(Duration::ZERO).as_secs_f64();
        (self.last, self.last_of_day) = (now, of_day);
        let slept = passed_of_day - passed > SLEPT_SECS || passed > ASLEEP_SECS;
        (now.duration_since(self.started).as_secs_f64(), slept.then(|| Seconds(passed.max(passed_of_day))))
    }
}

/// How far one device is ahead of another, averaged, for their sound comes in pieces.
#[derive(Default)]
struct Drift {
    ahead_secs: f64,
    last_secs: Option<f64>,
}

impl Drift {
    /// How much more sound the second has to make so that it follows the first, which is so far ahead at the moment.
    ///
    /// The average `m` follows the difference `d` as `m' = (d - m) / 5 s`, and the correction makes `d' = -m / 20 s`
    /// beside the drift itself. Together that is a critically damped system: it neither swings nor creeps. A drift of
    /// 0.01 % is held at 2 ms.
    fn correction(&mut self, ahead_secs: f64, now_secs: f64) -> f64 {
        let passed_secs = self.last_secs.map_or(0.0, |last_secs| now_secs - last_secs);
        self.last_secs = Some(now_secs);
        self.ahead_secs += (ahead_secs - self.ahead_secs) * -(-passed_secs / DRIFT_MEMORY_SECS).exp_m1();
        self.ahead_secs / DRIFT_CORRECTION_SECS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clocks_are_kept_together() {
        // The second device is slow by this share; its sound comes in pieces of 50 ms, that of the first in 100 ms.
        for share in [-0.001, -0.0001, 0.0, 0.0003, 0.002] {
            let mut drift = Drift::default();
            let (mut first, mut second, mut correction, mut worst) = (0.0_f64, 0.0_f64, 0.0, 0.0_f64);
            for n in 0..30_000_u32 {
                let now = f64::from(n) * 0.02;
                if n.is_multiple_of(5) {
                    first += 0.1;
                }
                if (n + 1).is_multiple_of(5) {
                    second += 0.1 * (1.0 - share) * (1.0 + correction);
                }
                correction = drift.correction(first - second, now);
                if n > 5_000 {
                    worst = worst.max((first - second).abs());
                }
            }
            assert!(worst < 0.16, "{share}: {worst} s apart");
        }
    }

    #[test]
    fn no_file_is_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let format = SoundFormat::new(8000, 1).expect("not zero");
        let named = Output::Named { folder: folder.path().join("new"), stem: "Meeting".to_owned() };
        for expected in ["Meeting.wav", "Meeting (2).wav", "Meeting (3).wav"] {
            let (_, path) = create(&named, format).expect("a writable folder");
            assert_eq!(path, folder.path().join("new").join(expected));
        }
        let path = folder.path().join("mine.wav");
        fs::write(&path, "precious").expect("a writable folder");
        assert!(matches!(create(&Output::File(path.clone()), format), Err(RecordError::Occupied { .. })));
        assert_eq!(fs::read(&path).expect("it is there"), b"precious");
        let nowhere = Output::File(folder.path().join("missing/mine.wav"));
        assert!(matches!(create(&nowhere, format), Err(RecordError::File(_))));
    }
}
