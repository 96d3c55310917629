//! A recording as frames that can be read from any place on: what [`crate::audio::decode`] does with whole recordings,
//! done piece by piece, in two channels and at the recording's own rate.
//!
//! A seek lets the container go to a packet before the place, decodes from there, and drops what lies before the frame
//! that is wanted: so it is exact to the frame as far as the container states times exactly (Matroska and `WebM` state
//! milliseconds). Where a container cannot seek, the recording is read again from its beginning, a few packets at a
//! time, until a decoded copy takes its place.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use symphonia::core::errors::{Error as SymphoniaError, Result as SymphoniaResult};
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;

use crate::audio::container::{Container, SoundTrack};
use crate::audio::decode::{self, DecodeError};
use crate::audio::timeline::{Begin, Frames, Place, Timeline, TrackTimes};
use crate::audio::{Mono16k, SoundFile};
use crate::units::{SAMPLE_RATE_HZ, Seconds};

use super::ring::Frame;

/// Decoding begins this much before the place that is sought: codecs need some packets until they are right.
const RUN_UP_SECS: f64 = 0.25;
/// Packets that are decoded in one go before whoever reads gets a say.
const MAX_PACKETS_AT_ONCE: usize = 256;
/// Frames of silence that are made at once.
const SILENT_FRAMES_AT_ONCE: usize = 4096;

/// A recording that is open for listening.
pub struct Source {
    sound: Sound,
}

enum Sound {
    File(Box<FileSound>),
    Kept(KeptSound),
}

/// What came of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Frames.
    Frames,
    /// Nothing yet: the place that was sought is still far.
    Nothing,
    /// Nothing any more.
    End,
}

impl Source {
    /// Opens a recording at its beginning.
    pub fn open(path: &Path) -> Result<Self, DecodeError> {
        Ok(Self { sound: Sound::File(Box::new(FileSound::open(path)?)) })
    }

    /// A recording that was decoded, at its beginning.
    pub fn kept(samples: Arc<Mono16k>) -> Self {
        Self { sound: Sound::Kept(KeptSound { samples, at: 0, mono: Vec::new() }) }
    }

    /// Frames a second.
    pub fn rate_hz(&self) -> NonZero<u32> {
        match &self.sound {
            Sound::File(file) => file.rate_hz,
            Sound::Kept(_) => NonZero::new(SAMPLE_RATE_HZ).expect("not zero"),
        }
    }

    /// How long it is, where that is known.
    pub fn duration(&self) -> Option<Seconds> {
        match &self.sound {
            Sound::File(file) => file.track.promised_secs.map(Seconds),
            Sound::Kept(kept) => Some(Seconds(kept.samples.len() as f64 / f64::from(SAMPLE_RATE_HZ))),
        }
    }

    /// What it is as a file, unless it was decoded.
    pub fn file(&self) -> Option<SoundFile> {
        match &self.sound {
            Sound::File(file) => Some(file.container.describe(&file.track, file.rate_hz.get())),
            Sound::Kept(_) => None,
        }
    }

    /// The number of the frame that is read next.
    pub fn at(&self) -> u64 {
        match &self.sound {
            Sound::File(file) => file.at,
            Sound::Kept(kept) => kept.at,
        }
    }

    /// Whether it goes to any place at once.
    pub fn is_seekable(&self) -> bool {
        match &self.sound {
            Sound::File(file) => file.can_seek,
            Sound::Kept(_) => true,
        }
    }

    /// Goes to a frame; one beyond the end is the end.
    pub fn seek(&mut self, frame: u64) -> Result<(), DecodeError> {
        match &mut self.sound {
            Sound::File(file) => file.seek(frame),
            Sound::Kept(kept) => {
                kept.at = frame.min(kept.samples.len() as u64);
                Ok(())
            }
        }
    }

    /// Appends the next frames, `n_most` of them or fewer.
    pub fn read(&mut self, n_most: usize, frames: &mut Vec<Frame>) -> Result<Given, DecodeError> {
        match &mut self.sound {
            Sound::File(file) => file.read(n_most, frames),
            Sound::Kept(kept) => kept.read(n_most, frames),
        }
    }
}

/// A recording in memory, or in a nameless file.
struct KeptSound {
    samples: Arc<Mono16k>,
    at: u64,
    mono: Vec<f32>,
}

impl KeptSound {
    fn read(&mut self, n_most: usize, frames: &mut Vec<Frame>) -> Result<Given, DecodeError> {
        let start = self.at as usize;
        self.mono.clear();
        let read = self.samples.read_into(start..start.saturating_add(n_most), &mut self.mono);
        read.map_err(|source| DecodeError::unreadable(Path::new("the decoded copy of a recording"), source))?;
        frames.extend(self.mono.iter().map(|sample| [*sample; 2]));
        self.at += self.mono.len() as u64;
        Ok(if self.mono.is_empty() { Given::End } else { Given::Frames })
    }
}

/// A recording that is decoded as it is read.
struct FileSound {
    path: PathBuf,
    container: Container,
    track: SoundTrack,
    timeline: Timeline,
    /// The rate of what was decoded first. All is brought to it.
    rate_hz: NonZero<u32>,
    /// When the first packet is, and the first frame that is heard, on the clock of the track.
    first_tick: i64,
    zero_secs: f64,
    can_seek: bool,
    /// The frame that is read next.
    at: u64,
    pending: Pending,
    last_n_frames: usize,
    n_failures: usize,
    interleaved: Vec<f32>,
    has_ended: bool,
}

/// What was decoded and is not read yet.
#[derive(Default)]
struct Pending {
    /// So much of it lies before the place that was sought, and is dropped.
    n_to_drop: u64,
    /// First comes silence,
    n_silent: u64,
    /// then a packet's frames, from this one on.
    frames: Vec<Frame>,
    frames_at: usize,
}

impl Pending {
    fn n_frames(&self) -> usize {
        self.frames.len() - self.frames_at
    }

    /// Frames before the place that is sought are not heard. The place itself is that of the seek all the while.
    fn drop_some(&mut self) {
        let n_silent = self.n_silent.min(self.n_to_drop);
        self.n_silent -= n_silent;
        let n_frames = self.n_frames().min((self.n_to_drop - n_silent) as usize);
        self.frames_at += n_frames;
        self.n_to_drop -= n_silent + n_frames as u64;
    }

    fn clear_frames(&mut self) {
        self.frames.clear();
        self.frames_at = 0;
    }
}

impl FileSound {
    fn open(path: &Path) -> Result<Self, DecodeError> {
        let (file, n_bytes) = decode::open(path)?;
        let container = Container::open(path, file, n_bytes)?;
        let track = container.choose_track(path)?;
        let can_seek = container.can_seek() && (track.time_base.is_some() || container.has_plain_samples());
        let mut sound = Self {
            path: path.to_path_buf(),
            timeline: Timeline::new(track.times.clone()),
            container,
            track,
            // Told by the first packet that can be decoded, before anybody asks.
            rate_hz: NonZero::<u32>::MIN,
            first_tick: i64::MAX,
            zero_secs: 0.0,
            can_seek,
            at: 0,
            pending: Pending::default(),
            last_n_frames: 0,
            n_failures: 0,
            interleaved: Vec::new(),
            has_ended: false,
        };
        while sound.pending.n_frames() == 0 {
            if sound.has_ended {
                return Err(DecodeError::NoSound { path: path.to_path_buf() });
            }
            sound.next_packet()?;
        }
        Ok(sound)
    }

    fn read(&mut self, n_most: usize, frames: &mut Vec<Frame>) -> Result<Given, DecodeError> {
        for _ in 0..MAX_PACKETS_AT_ONCE {
            let n_silent = self.pending.n_silent.min(SILENT_FRAMES_AT_ONCE.min(n_most) as u64);
            let n_ready = self.pending.n_frames().min(n_most);
            if self.pending.n_to_drop > 0 && (self.pending.n_silent > 0 || self.pending.n_frames() > 0) {
                self.pending.drop_some();
            } else if n_silent > 0 {
                frames.resize(frames.len() + n_silent as usize, [0.0; 2]);
                self.pending.n_silent -= n_silent;
                self.at += n_silent;
                return Ok(Given::Frames);
            } else if n_ready > 0 {
                frames.extend_from_slice(&self.pending.frames[self.pending.frames_at..][..n_ready]);
                self.pending.frames_at += n_ready;
                self.at += n_ready as u64;
                return Ok(Given::Frames);
            } else if self.has_ended {
                // A place beyond the end was sought.
                self.at -= std::mem::take(&mut self.pending.n_to_drop).min(self.at);
                return Ok(Given::End);
            } else if n_most == 0 {
                return Ok(Given::Nothing);
            } else {
                self.next_packet()?;
            }
        }
        Ok(Given::Nothing)
    }

    fn seek(&mut self, frame: u64) -> Result<(), DecodeError> {
        if self.pending.n_to_drop == 0 && frame == self.at {
            return Ok(());
        }
        if self.can_seek {
            // Symphonia's reader of MP4 gives nothing more once it was at its end.
            if self.has_ended {
                self.open_again()?;
            }
            if self.seek_by_container(frame).is_ok() {
                return Ok(());
            }
        }
        let read_already = self.at - self.pending.n_to_drop.min(self.at);
        if self.can_seek || frame < read_already {
            // After a seek that failed the container may be anywhere.
            self.open_again()?;
            self.pending.n_to_drop = frame;
        } else {
            self.pending.n_to_drop = frame - read_already;
        }
        self.at = frame;
        Ok(())
    }

    /// Begins anew.
    fn open_again(&mut self) -> Result<(), DecodeError> {
        *self = Self { can_seek: self.can_seek, ..Self::open(&self.path)? };
        Ok(())
    }

    fn seek_by_container(&mut self, frame: u64) -> SymphoniaResult<()> {
        let rate = f64::from(self.rate_hz.get());
        let times = if let Some(tick_secs) = self.track.time_base.map(f64::from) {
            let wanted_secs = self.zero_secs + frame as f64 / rate;
            let tick = ((wanted_secs - RUN_UP_SECS) / tick_secs).floor() as i64;
            self.container.seek(self.track.id, tick.max(self.first_tick))?;
            TrackTimes { begin: Begin::At(wanted_secs), lead_secs: 0.0, ..self.track.times.clone() }
        } else {
            self.container.seek(self.track.id, frame.min(i64::MAX as u64).cast_signed())?;
            self.track.times.clone()
        };
        self.track.decoder.reset();
        self.timeline = Timeline::new(times);
        self.pending.clear_frames();
        (self.pending.n_to_drop, self.pending.n_silent) = (0, 0);
        (self.at, self.n_failures, self.has_ended) = (frame, 0, false);
        Ok(())
    }

    /// Reads a packet and has its frames ready.
    fn next_packet(&mut self) -> Result<(), DecodeError> {
        match self.container.next_packet() {
            Ok(Some(packet)) => {
                self.n_failures = 0;
                if packet.track_id == self.track.id {
                    self.decode_packet(packet);
                }
            }
            Err(SymphoniaError::DecodeError(_)) if self.n_failures < decode::MAX_FAILURES_IN_A_ROW => {
                self.n_failures += 1;
            }
            // Ogg files can be joined end to end; each part has a clock of its own, which knows nothing of the others.
            Err(SymphoniaError::ResetRequired) => match self.container.choose_track(&self.path) {
                Ok(track) => {
                    self.timeline = Timeline::new(track.times.clone());
                    (self.track, self.can_seek) = (track, false);
                }
                Err(_) => self.has_ended = true,
            },
            Err(SymphoniaError::IoError(source)) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
                return Err(DecodeError::unreadable(&self.path, source));
            }
            // Whatever is wrong, it was told when the recording was transcribed.
            Ok(None) | Err(_) => self.has_ended = true,
        }
        Ok(())
    }

    fn decode_packet(&mut self, mut packet: Packet) {
        let tick_secs = self.track.time_base.map(f64::from);
        let at_secs = tick_secs.map(|tick_secs| packet.pts.get() as f64 * tick_secs);
        let secs = tick_secs.map_or(0.0, |tick_secs| packet.block_dur().get() as f64 * tick_secs);
        let n_padding_ticks = Some(packet.trim_end.get()).filter(|n_ticks| *n_ticks <= self.track.n_max_padding);
        let tick = packet.pts.get();
        (packet.trim_start, packet.trim_end) = (Duration::ZERO, Duration::ZERO);
        self.pending.clear_frames();
        let decoded = self.run_decoder(&packet);
        self.first_tick = self.first_tick.min(tick);
        match decoded.map(NonZero::new) {
            Ok(Some(rate_hz)) if !self.pending.frames.is_empty() && decode::RATES_HZ.contains(&rate_hz.get()) => {
                let n_frames = self.pending.frames.len();
                let padding_secs = n_padding_ticks.unwrap_or(0) as f64 * tick_secs.unwrap_or(0.0);
                let n_padding = (padding_secs * f64::from(rate_hz.get())).round() as usize;
                let place = self.timeline.place(Frames { at_secs, n_frames, n_padding, rate_hz });
                self.last_n_frames = n_frames;
                self.pending.frames.truncate(place.n_skipped + place.n_kept);
                self.pending.frames.drain(..place.n_skipped.min(self.pending.frames.len()));
                self.settle(at_secs, place, rate_hz);
            }
            Ok(_) => self.pending.clear_frames(),
            Err(_) => {
                self.pending.clear_frames();
                self.put_silence_for(at_secs, secs);
            }
        }
    }

    /// Whether a frame that is heard was found.
    fn is_settled(&self) -> bool {
        self.rate_hz > NonZero::<u32>::MIN
    }

    /// Adds the silence before the frames. The first frames tell the rate, and what time the recording begins at.
    fn settle(&mut self, at_secs: Option<f64>, place: Place, rate_hz: NonZero<u32>) {
        let rate = f64::from(rate_hz.get());
        if !self.is_settled() && !self.pending.frames.is_empty() {
            self.rate_hz = rate_hz;
            let n_before = (self.pending.n_silent + place.n_silent as u64) as f64;
            self.zero_secs = at_secs.unwrap_or(0.0) + (place.n_skipped as f64 - n_before) / rate;
        }
        if self.is_settled() && rate_hz != self.rate_hz {
            let factor = f64::from(self.rate_hz.get()) / rate;
            self.pending.frames = at_other_rate(&self.pending.frames, factor);
            self.pending.n_silent += (place.n_silent as f64 * factor).round() as u64;
        } else {
            self.pending.n_silent += place.n_silent as u64;
        }
    }

    fn put_silence_for(&mut self, at_secs: Option<f64>, secs: f64) {
        let stated_rate_hz = self.track.decoder.codec_params().sample_rate.and_then(NonZero::new);
        let known_rate_hz = if self.is_settled() { Some(self.rate_hz) } else { stated_rate_hz };
        let Some(rate_hz) = known_rate_hz.filter(|rate_hz| decode::RATES_HZ.contains(&rate_hz.get())) else { return };
        let stated_n_frames = (secs.min(decode::MAX_PACKET_SECS) * f64::from(rate_hz.get())).round() as usize;
        let n_frames = if stated_n_frames > 0 { stated_n_frames } else { self.last_n_frames };
        let place = self.timeline.place_lost(Frames { at_secs, n_frames, n_padding: 0, rate_hz });
        self.pending.n_silent += (place.n_silent + place.n_kept) as u64;
    }

    /// Decodes a packet into `pending` and returns its rate.
    fn run_decoder(&mut self, packet: &Packet) -> SymphoniaResult<u32> {
        let (rate_hz, n_channels) = self.track.decode(packet, &mut self.interleaved)?;
        self.pending.clear_frames();
        to_frames(&self.interleaved, n_channels, &mut self.pending.frames);
        Ok(rate_hz)
    }
}

/// One channel is heard on both sides, two as they are; of more, the mean.
fn to_frames(interleaved: &[f32], n_channels: usize, frames: &mut Vec<Frame>) {
    let finite = |sample: f32| if sample.is_finite() { sample } else { 0.0 };
    match n_channels {
        0 => {}
        2 => frames.extend(interleaved.as_chunks::<2>().0.iter().map(|frame| frame.map(finite))),
        _ => frames.extend(
            interleaved
                .chunks_exact(n_channels)
                .map(|samples| [finite(samples.iter().sum::<f32>() / n_channels as f32); 2]),
        ),
    }
}

/// Straight lines between the frames: a part that has another rate than the rest is rare, and only listened to.
fn at_other_rate(frames: &[Frame], factor: f64) -> Vec<Frame> {
    let n_out = (frames.len() as f64 * factor).round() as usize;
    let at = |n: usize| {
        let place = n as f64 / factor;
        let (before, share) = (place as usize, place.fract() as f32);
        let frame = |n: usize| frames[n.min(frames.len() - 1)];
        let ([left, right], [next_left, next_right]) = (frame(before), frame(before + 1));
        [left + share * (next_left - left), right + share * (next_right - right)]
    };
    (0..n_out).map(at).collect()
}
