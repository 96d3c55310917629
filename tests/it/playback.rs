//! Listening from outside: whatever the format, a place that is sought is the place that is heard, to the frame.

use std::path::Path;

use hansard::audio::decode::decode;
use hansard::audio::peaks::Peaks;
use hansard::audio::player::{Frame, Given, Source};
use hansard::task::{CancelToken, Progress};
use hansard::units::TimeSpan;

use crate::sound::Sound;

/// Frames that are compared after each seek.
const N_COMPARED: usize = 6000;

/// How well a seek hits the place.
#[derive(Clone, Copy)]
struct Aim {
    /// The format: a name for ffmpeg, and options.
    name: &'static str,
    options: &'static [&'static str],
    /// How much a sample may differ from what it is without a seek.
    tolerance: f32,
    /// By how many frames the container may state times wrong.
    n_frames_off: usize,
}

const fn exact(name: &'static str, options: &'static [&'static str]) -> Aim {
    Aim { name, options, tolerance: 0.0, n_frames_off: 0 }
}

const fn lossy(name: &'static str, options: &'static [&'static str], tolerance: f32) -> Aim {
    Aim { name, options, tolerance, n_frames_off: 0 }
}

const AIMS: [Aim; 11] = [
    exact("sound.wav", &["-c:a", "pcm_s16le"]),
    exact("sound.aiff", &["-c:a", "pcm_s16be"]),
    exact("sound.caf", &["-c:a", "pcm_s16le"]),
    exact("sound.flac", &[]),
    exact("lossless.m4a", &["-c:a", "alac"]),
    lossy("sound.mp3", &["-b:a", "128k"], 1e-3),
    lossy("sound.m4a", &["-c:a", "aac", "-b:a", "128k"], 1e-3),
    lossy("sound.aac", &["-c:a", "aac", "-b:a", "128k"], 1e-3),
    lossy("sound.ogg", &["-c:a", "libvorbis"], 1e-3),
    // Its decoder remembers what came before for longer than any run-up.
    lossy("sound.opus", &["-c:a", "libopus", "-b:a", "64k"], 0.03),
    // Matroska states milliseconds.
    Aim { name: "sound.mka", options: &["-c:a", "flac"], tolerance: 0.0, n_frames_off: 48 },
];

fn read(source: &mut Source, n_most: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    while frames.len() < n_most {
        if source.read(n_most - frames.len(), &mut frames).expect("it can be read") == Given::End {
            break;
        }
    }
    frames
}

fn largest_difference(a: &[Frame], b: &[Frame]) -> f32 {
    let differences = a.iter().zip(b).map(|(a, b)| (a[0] - b[0]).abs().max((a[1] - b[1]).abs()));
    differences.fold(0.0, f32::max)
}

/// How far it is from the part of the whole that begins at a frame, or a few frames off.
fn miss(whole: &[Frame], at: usize, found: &[Frame], n_frames_off: usize) -> f32 {
    let starts = at.saturating_sub(n_frames_off)..=at + n_frames_off;
    let misses = starts.filter_map(|start| Some(largest_difference(whole.get(start..start + found.len())?, found)));
    misses.fold(f32::MAX, f32::min)
}

fn check(folder: &Path, aim: Aim) {
    let sound = Sound { rate_hz: 48_000, n_channels: 2, secs: 12.0 };
    let path = sound.encode(folder, aim.name, aim.options);
    let mut source = Source::open(&path).expect("a recording");
    let rate = source.rate_hz().get() as usize;
    assert!(source.is_seekable(), "{}", aim.name);
    let whole = read(&mut source, usize::MAX);
    let decoded = decode(&path, folder, &Progress::unwatched(&CancelToken::default())).expect("a recording").samples;
    let difference_secs = whole.len() as f64 / rate as f64 - decoded.len() as f64 / 16_000.0;
    assert!(difference_secs.abs() < 1e-3, "{}: {difference_secs} s longer than decoded as a whole", aim.name);
    // Backward, forward, near each other, twice the same, the very beginning, close to the end.
    for at in [240_000, 1, 100_003, 100_103, 500_000, 500_000, 0, 47, whole.len() - N_COMPARED - 50] {
        source.seek(at as u64).expect("it can be sought");
        assert_eq!(source.at(), at as u64);
        let found = read(&mut source, N_COMPARED);
        assert_eq!(found.len(), N_COMPARED, "{}, frame {at}", aim.name);
        let miss = miss(&whole, at, &found, aim.n_frames_off);
        assert!(miss <= aim.tolerance, "{}, frame {at}: samples differ by {miss}", aim.name);
    }
    source.seek(whole.len() as u64 + 100_000).expect("the end");
    assert!(read(&mut source, 1).is_empty(), "{}: there is nothing beyond the end", aim.name);
}

#[test]
fn a_seek_is_exact_in_every_format() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for aim in AIMS {
        check(folder.path(), aim);
    }
}

#[test]
fn the_outline_tells_how_long_a_recording_is_and_where_it_is_loud() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sound = Sound { rate_hz: 44_100, n_channels: 1, secs: 7.0 };
    let path = sound.encode(folder.path(), "sound.ogg", &["-c:a", "libvorbis"]);
    let cancel = CancelToken::default();
    let surveyed = Peaks::survey(&path, folder.path(), &Progress::unwatched(&cancel)).expect("a recording");
    assert!((surveyed.peaks.duration().0 - 7.0).abs() < 0.002, "{:?}", surveyed.peaks.duration());
    assert!(surveyed.kept.is_none(), "Ogg files can seek");
    let columns = surveyed.peaks.columns(TimeSpan::from_secs(0.0, 7.0), 70);
    assert!(columns[5..65].iter().all(|column| column.max > 20 && column.min < -20), "{columns:?}");
    cancel.cancel();
    assert!(
        Peaks::survey(&path, folder.path(), &Progress::unwatched(&cancel)).is_err(),
        "it stops when it is asked to"
    );
}
