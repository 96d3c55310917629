//! Turns a recording of any common format, sound or video, into 16 kHz mono samples.
//!
//! The file is read piece by piece and never as a whole. Damaged pieces become silence of the same length, so that
//! times stay true, and a warning; a recording that is cut short yields what is there, and a warning. What cannot be
//! read at all is one error that names the file and the reason. Which container and codec it is, [`super::container`]
//! knows; where its frames belong in time, [`super::timeline`].

use std::fs::{self, File};
use std::io;
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use symphonia::core::errors::{Error as SymphoniaError, Result as SymphoniaResult};
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;

use super::container::{Container, SoundTrack};
use super::resample::Resampler;
use super::samples::{Mono16k, Mono16kWriter};
use super::timeline::{Frames, Place, Timeline};
use crate::task::{Cancelled, Progress};
use crate::units::{SAMPLE_RATE_HZ, Seconds};

/// Rates that recordings of sound have. Others come from damaged headers.
pub(super) const RATES_HZ: RangeInclusive<u32> = 1000..=768_000;
/// After so many failures in a row to find the next packet, nothing more is to be found.
pub(super) const MAX_FAILURES_IN_A_ROW: usize = 100;
/// No packet is longer, whatever its header says.
pub(super) const MAX_PACKET_SECS: f64 = 10.0;
/// Less than this is missing from sound recordings: lengths are stated in rounded numbers.
const MIN_MISSING_SECS: f64 = 0.1;
/// Silence is written in pieces of this size.
static SILENCE: [f32; 4096] = [0.0; 4096];

/// A recording, decoded.
#[derive(Debug)]
pub struct Decoded {
    /// Its sound.
    pub samples: Mono16k,
    /// What was wrong with it, one line each, without the name of the file.
    pub warnings: Vec<String>,
}

/// Why a recording could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// There is no such file.
    #[error("{}: there is no such file; check its name and folder", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A folder was named.
    #[error("{}: this is a folder; name the recordings in it", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// A pipe, device or socket was named.
    #[error("{}: this is a pipe, a device or a socket; save the recording to a file first", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refuses it.
    #[error("{}: it cannot be read: {source}; check its permissions and that its drive is connected", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// It has no content.
    #[error("{}: the file is empty; copy it again from where it was recorded", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{}: this is no audio or video that Hansard can read; convert it to WAV, FLAC or MP3", path.display())]
    NotAudio {
        /// The file.
        path: PathBuf,
    },
    /// It has no sound.
    #[error("{}: it has no audio track; name the file that has the sound", path.display())]
    NoAudioTrack {
        /// The file.
        path: PathBuf,
    },
    /// Its sound is of a kind that there is no decoder for.
    #[error("{}: its sound is {codec}, which Hansard cannot decode; convert it to WAV or FLAC", path.display())]
    UnsupportedCodec {
        /// The file.
        path: PathBuf,
        /// What it is encoded as.
        codec: String,
    },
    /// It is copy-protected.
    #[error("{}: it is encrypted, so only its publisher's player can play it; get an open copy", path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// It makes no sense.
    #[error("{}: the file is damaged: {reason}; get another copy of it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// In what way.
        reason: String,
    },
    /// Its header states a rate that no recording has.
    #[error(
        "{}: the file is damaged: it states {rate_hz} samples per second, not {} to {}; get another copy of it",
        path.display(), RATES_HZ.start(), RATES_HZ.end()
    )]
    Rate {
        /// The file.
        path: PathBuf,
        /// The stated rate.
        rate_hz: u32,
    },
    /// It has a header and nothing after it.
    #[error("{}: the recording contains no sound; record or copy it again", path.display())]
    NoSound {
        /// The file.
        path: PathBuf,
    },
    /// Decoded samples of a long recording could not be put on disk.
    #[error("decoded sound cannot be written to the folder {}: {source}; free some space there", spool_dir.display())]
    Spool {
        /// Where temporary files go.
        spool_dir: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Somebody asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl DecodeError {
    pub(super) fn unreadable(path: &Path, source: io::Error) -> Self {
        Self::Unreadable { path: path.to_path_buf(), source }
    }

    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_path_buf(), reason: reason.into() }
    }
}

/// Decodes the sound of a file: all its channels mixed to one, at 16 kHz. Of several sound tracks it takes the default
/// one. What a long recording needs beyond memory goes to a nameless file in `spool_dir`.
///
/// Sample `n` is the sound at `n / 16000` seconds of the recording as a player shows it: the run-up and the padding
/// that encoders add are left out, where the container tells how long they are.
pub fn decode(path: &Path, spool_dir: &Path, progress: &Progress<'_>) -> Result<Decoded, DecodeError> {
    let (file, n_bytes) = open(path)?;
    let container = Container::open(path, file, n_bytes)?;
    let track = container.choose_track(path)?;
    let mut decoding = Decoding {
        path,
        timeline: Timeline::new(track.times.clone()),
        container,
        track,
        sound: Sound::new(spool_dir),
        rate_hz: None,
        last_n_frames: 0,
        interleaved: Vec::new(),
        mono: Vec::new(),
        findings: Findings::default(),
    };
    decoding.read_all(n_bytes, progress)?;
    let decoded = decoding.finish()?;
    progress.at(1, 1)?;
    Ok(decoded)
}

/// How long a recording is, where its container really says so. Nothing is decoded.
pub fn stated_length(path: &Path) -> Result<Option<Seconds>, DecodeError> {
    let (file, n_bytes) = open(path)?;
    Ok(Container::open(path, file, n_bytes)?.choose_track(path)?.promised_secs.map(Seconds))
}

/// Opens a regular file that is not empty. Anything else is refused before opening, which may wait for ever at a pipe.
pub(super) fn open(path: &Path) -> Result<(File, u64), DecodeError> {
    let refuse = |source: io::Error| {
        if source.kind() == io::ErrorKind::NotFound {
            DecodeError::Missing { path: path.to_path_buf() }
        } else {
            DecodeError::unreadable(path, source)
        }
    };
    let metadata = fs::metadata(path).map_err(refuse)?;
    if metadata.is_dir() {
        Err(DecodeError::Folder { path: path.to_path_buf() })
    } else if !metadata.is_file() {
        Err(DecodeError::NotAFile { path: path.to_path_buf() })
    } else if metadata.len() == 0 {
        Err(DecodeError::Empty { path: path.to_path_buf() })
    } else {
        Ok((File::open(path).map_err(refuse)?, metadata.len()))
    }
}

/// One recording while it is decoded.
struct Decoding<'a> {
    path: &'a Path,
    container: Container,
    track: SoundTrack,
    timeline: Timeline,
    sound: Sound,
    /// The rate of what was decoded last.
    rate_hz: Option<NonZero<u32>>,
    /// How many frames the last packet gave.
    last_n_frames: usize,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
    findings: Findings,
}

/// What goes into warnings, or into the error if nothing can be decoded.
#[derive(Debug, Default)]
struct Findings {
    n_decoded_packets: usize,
    n_damaged_packets: usize,
    /// When the first of them was, and what the decoder said.
    first_damage: Option<(Seconds, String)>,
    n_gaps: usize,
    n_not_numbers: usize,
    end: End,
}

/// How reading came to its end.
#[derive(Debug, Default)]
enum End {
    /// As the container says.
    #[default]
    Regular,
    /// With the end of the file, inside a packet.
    Cut,
    /// What follows cannot be read, for this reason.
    BrokenOff(String),
}

impl Decoding<'_> {
    fn read_all(&mut self, n_bytes: u64, progress: &Progress<'_>) -> Result<(), DecodeError> {
        let (mut shown_percent, mut n_failures) = (0, 0);
        loop {
            progress.cancel().check()?;
            let percent = self.container.position().min(n_bytes) * 100 / n_bytes;
            if percent != shown_percent {
                shown_percent = percent;
                progress.at(percent as usize, 100)?;
            }
            let end = match self.container.next_packet() {
                Ok(Some(packet)) => {
                    n_failures = 0;
                    if packet.track_id == self.track.id {
                        self.decode_packet(packet)?;
                    }
                    continue;
                }
                Ok(None) => End::Regular,
                Err(SymphoniaError::ResetRequired) => match self.start_next_part() {
                    Ok(()) => continue,
                    Err(_) => End::BrokenOff("the next part of it has no sound that can be decoded".to_owned()),
                },
                Err(SymphoniaError::DecodeError(reason)) if n_failures < MAX_FAILURES_IN_A_ROW => {
                    n_failures += 1;
                    self.findings.note_damage(self.sound.duration(), reason.to_owned());
                    continue;
                }
                Err(SymphoniaError::IoError(source)) if source.kind() != io::ErrorKind::UnexpectedEof => {
                    return Err(DecodeError::unreadable(self.path, source));
                }
                Err(SymphoniaError::IoError(_)) => End::Cut,
                Err(error) => End::BrokenOff(error.to_string()),
            };
            self.findings.end = end;
            return Ok(());
        }
    }

    /// Ogg files can be joined end to end; each part brings tracks of its own.
    fn start_next_part(&mut self) -> Result<(), DecodeError> {
        self.track = self.container.choose_track(self.path)?;
        self.findings.n_gaps += self.timeline.n_gaps();
        self.timeline = Timeline::new(self.track.times.clone());
        Ok(())
    }

    fn decode_packet(&mut self, mut packet: Packet) -> Result<(), DecodeError> {
        let tick_secs = self.track.time_base.map(f64::from);
        let at_secs = tick_secs.map(|tick_secs| packet.pts.get() as f64 * tick_secs);
        let secs = tick_secs.map_or(0.0, |tick_secs| packet.block_dur().get() as f64 * tick_secs);
        let n_padding_ticks = Some(packet.trim_end.get()).filter(|n_ticks| *n_ticks <= self.track.n_max_padding);
        // The timeline trims, not the decoder: some decoders do and some do not, and some take the wrong amount.
        (packet.trim_start, packet.trim_end) = (Duration::ZERO, Duration::ZERO);
        match self.run_decoder(&packet) {
            Ok(rate_hz) => {
                self.findings.n_decoded_packets += 1;
                let n_frames = self.mono.len();
                if n_frames == 0 {
                    return Ok(());
                }
                let rate_hz = self.checked_rate(rate_hz)?;
                (self.rate_hz, self.last_n_frames) = (Some(rate_hz), n_frames);
                let padding_secs = n_padding_ticks.unwrap_or(0) as f64 * tick_secs.unwrap_or(0.0);
                let n_padding = (padding_secs * f64::from(rate_hz.get())).round() as usize;
                let place = self.timeline.place(Frames { at_secs, n_frames, n_padding, rate_hz });
                self.sound.push_silence(place.n_silent, rate_hz)?;
                self.sound.push(&self.mono[place.n_skipped..][..place.n_kept], rate_hz)
            }
            Err(error) => {
                self.findings.note_damage(self.sound.duration(), error.to_string());
                self.put_silence_for(at_secs, secs)
            }
        }
    }

    /// Decodes a packet into `mono` and returns its rate.
    fn run_decoder(&mut self, packet: &Packet) -> SymphoniaResult<u32> {
        let (rate_hz, n_channels) = self.track.decode(packet, &mut self.interleaved)?;
        self.mono.clear();
        if n_channels > 0 {
            self.findings.n_not_numbers += mix_down(&self.interleaved, n_channels, &mut self.mono);
        }
        Ok(rate_hz)
    }

    fn put_silence_for(&mut self, at_secs: Option<f64>, secs: f64) -> Result<(), DecodeError> {
        let rate_hz = match (self.rate_hz, self.track.decoder.codec_params().sample_rate) {
            (Some(rate_hz), _) => rate_hz,
            (None, Some(rate_hz)) => self.checked_rate(rate_hz)?,
            (None, None) => return Ok(()),
        };
        let stated_n_frames = (secs.min(MAX_PACKET_SECS) * f64::from(rate_hz.get())).round() as usize;
        let n_frames = if stated_n_frames > 0 { stated_n_frames } else { self.last_n_frames };
        let Place { n_silent, n_skipped: _, n_kept } =
            self.timeline.place_lost(Frames { at_secs, n_frames, n_padding: 0, rate_hz });
        self.sound.push_silence(n_silent + n_kept, rate_hz)
    }

    fn checked_rate(&self, rate_hz: u32) -> Result<NonZero<u32>, DecodeError> {
        let known = NonZero::new(rate_hz).filter(|rate_hz| RATES_HZ.contains(&rate_hz.get()));
        known.ok_or_else(|| DecodeError::Rate { path: self.path.to_path_buf(), rate_hz })
    }

    fn finish(mut self) -> Result<Decoded, DecodeError> {
        self.findings.n_gaps += self.timeline.n_gaps();
        if self.findings.n_decoded_packets == 0 {
            return Err(self.findings.why_nothing(self.path));
        }
        if self.container.is_bare_mpeg() && self.findings.n_damaged_packets > self.findings.n_decoded_packets {
            return Err(DecodeError::NotAudio { path: self.path.to_path_buf() });
        }
        let samples = self.sound.finish()?;
        if samples.is_empty() {
            return Err(DecodeError::NoSound { path: self.path.to_path_buf() });
        }
        let duration = Seconds(samples.len() as f64 / f64::from(SAMPLE_RATE_HZ));
        let mut warnings = Vec::new();
        if self.container.is_unfinished() {
            warnings
                .push("the program that recorded it was stopped before it finished the file; all was read".to_owned());
        }
        if self.track.n_to_choose_from > 1 {
            let n_tracks = self.track.n_to_choose_from;
            warnings.push(format!("it has {n_tracks} sound tracks; only the default one was read"));
        }
        warnings.extend(self.findings.warnings());
        let promised = self.track.promised_secs.map(Seconds);
        match (&self.findings.end, promised) {
            (End::BrokenOff(reason), _) => {
                warnings.push(format!("it cannot be read beyond {duration}: {reason}"));
            }
            (End::Regular | End::Cut, Some(promised)) if promised.0 - duration.0 > MIN_MISSING_SECS => {
                warnings.push(format!("only {duration} of {promised} are there; it was cut short or is damaged"));
            }
            (End::Cut, None) if !self.container.may_end_anywhere() => {
                warnings.push(format!("it ends in the middle of a packet after {duration}; it was probably cut off"));
            }
            (End::Regular | End::Cut, _) => {}
        }
        Ok(Decoded { samples, warnings })
    }
}

impl Findings {
    fn note_damage(&mut self, at: Seconds, reason: String) {
        self.n_damaged_packets += 1;
        self.first_damage.get_or_insert((at, reason));
    }

    fn why_nothing(self, path: &Path) -> DecodeError {
        match (self.first_damage, self.end) {
            (Some((_, reason)), _) | (None, End::BrokenOff(reason)) => {
                DecodeError::damaged(path, format!("nothing of its sound can be decoded ({reason})"))
            }
            (None, End::Regular | End::Cut) => DecodeError::NoSound { path: path.to_path_buf() },
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some((at, reason)) = &self.first_damage {
            let n_packets = self.n_damaged_packets;
            let packets = if n_packets == 1 { "packet was" } else { "packets were" };
            warnings.push(format!("{n_packets} damaged {packets} replaced by silence, the first at {at} ({reason})"));
        }
        if self.n_gaps > 0 {
            let places = if self.n_gaps == 1 { "one place".to_owned() } else { format!("{} places", self.n_gaps) };
            warnings.push(format!("sound is missing at {places}; silence was put there"));
        }
        if self.n_not_numbers > 0 {
            let n_samples = self.n_not_numbers;
            warnings.push(format!("{n_samples} samples are not finite numbers and were replaced by silence"));
        }
        warnings
    }
}

/// The decoded sound: resampled, and kept in memory or on disk.
struct Sound {
    spool_dir: PathBuf,
    writer: Mono16kWriter,
    /// For the rate of what came last.
    resampler: Option<Resampler>,
    resampled: Vec<f32>,
    secs: f64,
}

impl Sound {
    fn new(spool_dir: &Path) -> Self {
        Self {
            spool_dir: spool_dir.to_path_buf(),
            writer: Mono16kWriter::new(spool_dir),
            resampler: None,
            resampled: Vec::new(),
            secs: 0.0,
        }
    }

    /// How much there is.
    fn duration(&self) -> Seconds {
        Seconds(self.secs)
    }

    /// Appends samples. If their rate is another than before, what came before is ended first.
    fn push(&mut self, samples: &[f32], rate_hz: NonZero<u32>) -> Result<(), DecodeError> {
        self.secs += samples.len() as f64 / f64::from(rate_hz.get());
        let mut resampler = match self.resampler.take() {
            Some(resampler) if resampler.rate_hz() == rate_hz => resampler,
            other => {
                self.resampler = other;
                self.end_resampling()?;
                Resampler::new(rate_hz)
            }
        };
        self.resampled.clear();
        resampler.push(samples, &mut self.resampled);
        self.resampler = Some(resampler);
        self.write_resampled()
    }

    fn push_silence(&mut self, n_samples: usize, rate_hz: NonZero<u32>) -> Result<(), DecodeError> {
        let mut n_left = n_samples;
        while n_left > 0 {
            let n_now = n_left.min(SILENCE.len());
            self.push(&SILENCE[..n_now], rate_hz)?;
            n_left -= n_now;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Mono16k, DecodeError> {
        self.end_resampling()?;
        let spool_dir = self.spool_dir;
        self.writer.finish().map_err(|source| DecodeError::Spool { spool_dir, source })
    }

    fn end_resampling(&mut self) -> Result<(), DecodeError> {
        self.resampled.clear();
        if let Some(resampler) = self.resampler.take() {
            resampler.finish(&mut self.resampled);
        }
        self.write_resampled()
    }

    fn write_resampled(&mut self) -> Result<(), DecodeError> {
        let written = self.writer.push(&self.resampled);
        written.map_err(|source| DecodeError::Spool { spool_dir: self.spool_dir.clone(), source })
    }
}

/// Writes the mean of all channels to `mono`, zero where that is not a finite number, and returns how often it is not.
fn mix_down(interleaved: &[f32], n_channels: usize, mono: &mut Vec<f32>) -> usize {
    let mean = |frame: &[f32]| frame.iter().sum::<f32>() / n_channels as f32;
    mono.extend(interleaved.chunks_exact(n_channels).map(mean));
    let mut n_not_numbers = 0;
    for sample in mono.iter_mut().filter(|sample| !sample.is_finite()) {
        *sample = 0.0;
        n_not_numbers += 1;
    }
    n_not_numbers
}
