//! Sounds with a known formula, and files of them made by ffmpeg and sox.

use std::f64::consts::{FRAC_PI_2, TAU};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Four steady tones and one that sweeps, all below 3.4 kHz, so that every rate from 8 kHz on can hold them. They swell
/// at the start and fade at the end. The second channel is higher, softer and sweeps the other way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sound {
    pub(crate) rate_hz: u32,
    pub(crate) n_channels: usize,
    pub(crate) secs: f64,
}

impl Sound {
    /// The height of the wave.
    pub(crate) fn at(&self, channel: usize, secs: f64) -> f64 {
        const FADE_SECS: f64 = 0.1;
        const TONES: [(f64, f64, f64); 4] =
            [(0.15, 220.0, 0.0), (0.1, 740.0, 1.0), (0.08, 1510.0, 2.0), (0.06, 2630.0, 3.0)];
        let (stretch, loudness) = (1.0 + 0.13 * channel as f64, 1.0 / (1.0 + channel as f64));
        let steady: f64 =
            TONES.iter().map(|(height, hz, phase)| height * (TAU * hz * stretch * secs + phase).sin()).sum();
        let (first_hz, last_hz) = if channel.is_multiple_of(2) { (200.0, 2800.0) } else { (3000.0, 400.0) };
        let sweep = 0.2 * (TAU * (first_hz * secs + (last_hz - first_hz) * secs * secs / (2.0 * self.secs))).sin();
        let fade = (secs.min(self.secs - secs) / FADE_SECS).clamp(0.0, 1.0);
        (FRAC_PI_2 * fade).sin().powi(2) * (steady + sweep) * loudness
    }

    /// What decoding should give: the mean of all channels at 16 kHz.
    pub(crate) fn mono_16k(&self) -> Vec<f32> {
        let n_samples = (self.secs * 16_000.0).ceil() as usize;
        let mean = |n: usize| {
            let sum: f64 = (0..self.n_channels).map(|channel| self.at(channel, n as f64 / 16_000.0)).sum();
            (sum / self.n_channels as f64) as f32
        };
        (0..n_samples).map(mean).collect()
    }

    /// Writes it to `folder/name` with ffmpeg; `options` choose codec and container where the name does not.
    #[track_caller]
    pub(crate) fn encode(&self, folder: &Path, name: &str, options: &[&str]) -> PathBuf {
        self.encode_beside(&[], folder, name, options)
    }

    /// The same with another input before it, such as a video; `input` are ffmpeg's options for that.
    #[track_caller]
    pub(crate) fn encode_beside(&self, input: &[&str], folder: &Path, name: &str, options: &[&str]) -> PathBuf {
        let raw = folder.join(format!("{name}.raw"));
        let path = folder.join(name);
        fs::write(&raw, self.raw()).expect("a writable folder");
        let (rate, n_channels) = (self.rate_hz.to_string(), self.n_channels.to_string());
        let format = ["-f", "f64le", "-ar", &rate, "-ac", &n_channels, "-i", utf8(&raw)];
        ffmpeg(&[input, &format, options, &[utf8(&path)]].concat());
        path
    }

    /// Interleaved little-endian f64.
    fn raw(&self) -> Vec<u8> {
        let n_frames = (self.secs * f64::from(self.rate_hz)).round() as usize;
        let times = (0..n_frames).map(|n| n as f64 / f64::from(self.rate_hz));
        times
            .flat_map(|secs| (0..self.n_channels).flat_map(move |channel| self.at(channel, secs).to_le_bytes()))
            .collect()
    }
}

/// Runs ffmpeg; files are overwritten.
#[track_caller]
pub(crate) fn ffmpeg(arguments: &[&str]) {
    let quietly = ["-nostdin", "-hide_banner", "-loglevel", "error", "-y"];
    run("ffmpeg", &[&quietly[..], arguments].concat());
}

/// Runs sox.
#[track_caller]
pub(crate) fn sox(arguments: &[&str]) {
    run("sox", arguments);
}

/// Runs a program to its end and insists that it succeeds.
#[track_caller]
pub(crate) fn run(program: &str, arguments: &[&str]) {
    let output = match Command::new(program).args(arguments).stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            panic!("{program} is not installed, and the tests need it: `sh packaging/test.sh` installs what they need")
        }
        Err(error) => panic!("{program}: {error}"),
    };
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {message}", arguments.join(" "));
}

/// A path as an argument.
pub(crate) fn utf8(path: &Path) -> &str {
    path.to_str().expect("temporary folders have names in UTF-8")
}
