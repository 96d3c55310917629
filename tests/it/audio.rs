//! Decoding: sounds with a known formula, encoded by ffmpeg and sox in every format, must come out as that formula
//! says; and files that are damaged, cut short or no recordings must give what is left, or one line that says what is
//! wrong.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::Mutex;

use hansard::audio::decode::{DecodeError, Decoded, decode};
use hansard::task::{CancelToken, Progress};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::sound::{Sound, ffmpeg, sox, utf8};

const STEREO: Sound = Sound { rate_hz: 44_100, n_channels: 2, secs: 2.0 };
const VIDEO: [&str; 4] = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=2"];

/// How close decoded sound must come to the formula.
#[derive(Clone, Copy, Debug)]
enum Fidelity {
    /// No sample may be further off than this, and the length is right.
    Exact(f32),
    /// The noise lies this far below the sound, where it fits best: shifted by at most `max_lag` samples. At the end
    /// may be up to `max_surplus` samples too many, in formats that do not say where the encoder's padding begins.
    Near { min_db: f64, max_lag: usize, max_surplus: usize },
}

fn near(min_db: f64) -> Fidelity {
    Fidelity::Near { min_db, max_lag: 0, max_surplus: 1 }
}

/// For containers that do not know the encoder's delay: AAC takes 1024 frames, MP3 1105.
fn late(min_db: f64, max_lag: usize) -> Fidelity {
    Fidelity::Near { min_db, max_lag, max_surplus: 1500 }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn try_decode(path: &Path) -> Result<Decoded, DecodeError> {
    decode(path, path.parent().expect("a file in a folder"), &Progress::unwatched(&CancelToken::default()))
}

fn samples_of(decoded: &Decoded) -> Vec<f32> {
    decoded.samples.read(0..decoded.samples.len()).expect("readable samples")
}

/// Decodes a file that has nothing wrong with it.
#[track_caller]
fn decode_whole(path: &Path) -> Vec<f32> {
    let decoded = try_decode(path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(decoded.warnings, [""; 0], "{}", path.display());
    samples_of(&decoded)
}

/// How far the noise lies below the sound if `decoded` comes `lag` samples later than `expected`.
fn signal_to_noise_db(decoded: &[f32], expected: &[f32], lag: usize) -> f64 {
    let (mut signal, mut noise) = (1e-20, 1e-20);
    for (n, expected) in expected.iter().enumerate() {
        let decoded = decoded.get(n + lag).copied().unwrap_or(0.0);
        signal += f64::from(*expected).powi(2);
        noise += f64::from(expected - decoded).powi(2);
    }
    10.0 * f64::log10(signal / noise)
}

#[track_caller]
fn assert_faithful(name: &str, decoded: &[f32], expected: &[f32], fidelity: Fidelity) {
    match fidelity {
        Fidelity::Exact(tolerance) => {
            assert!(decoded.len().abs_diff(expected.len()) <= 1, "{name}: {} samples", decoded.len());
            let errors = decoded.iter().zip(expected).map(|(decoded, expected)| (decoded - expected).abs());
            let worst = errors.fold(0.0, f32::max);
            assert!(worst <= tolerance, "{name}: off by {worst}");
        }
        Fidelity::Near { min_db, max_lag, max_surplus } => {
            let lengths = expected.len() - 1..=expected.len() + max_surplus;
            assert!(lengths.contains(&decoded.len()), "{name}: {} samples", decoded.len());
            let at_lag = |lag| (signal_to_noise_db(decoded, expected, lag), lag);
            let (best_db, best_lag) =
                (0..=max_lag).map(at_lag).max_by(|a, b| a.0.total_cmp(&b.0)).expect("one lag at least");
            assert!(best_db >= min_db, "{name}: {best_db:.1} dB at best, {best_lag} samples late");
        }
    }
}

fn check_all(cases: &[(&str, u32, usize, &[&str], Fidelity)]) {
    let folder = folder();
    for (name, rate_hz, n_channels, options, fidelity) in cases {
        let sound = Sound { rate_hz: *rate_hz, n_channels: *n_channels, secs: 2.0 };
        let path = sound.encode(folder.path(), name, options);
        assert_faithful(name, &decode_whole(&path), &sound.mono_16k(), *fidelity);
    }
}

/// One step of the samples, which may be rounded either way.
const STEP_8_BITS: f32 = 1.01 / 128.0;
const STEP_16_BITS: f32 = 1.01 / 32_768.0;
/// What the resampler may add.
const RESAMPLED: f32 = 1e-4;

#[test]
fn plain_samples_come_out_as_they_went_in() {
    check_all(&[
        ("u8.wav", 16_000, 1, &["-c:a", "pcm_u8"], Fidelity::Exact(STEP_8_BITS)),
        ("s16.wav", 16_000, 1, &["-c:a", "pcm_s16le"], Fidelity::Exact(STEP_16_BITS)),
        ("s24.wav", 16_000, 2, &["-c:a", "pcm_s24le"], Fidelity::Exact(1e-6)),
        ("s32.wav", 16_000, 1, &["-c:a", "pcm_s32le"], Fidelity::Exact(1e-6)),
        ("f32.wav", 16_000, 2, &["-c:a", "pcm_f32le"], Fidelity::Exact(1e-6)),
        ("f64.wav", 16_000, 1, &["-c:a", "pcm_f64le"], Fidelity::Exact(1e-6)),
        ("alaw.wav", 16_000, 1, &["-c:a", "pcm_alaw"], near(33.0)),
        ("mulaw.wav", 8_000, 2, &["-c:a", "pcm_mulaw"], near(33.0)),
        ("rf64.wav", 16_000, 1, &["-c:a", "pcm_s16le", "-rf64", "always"], Fidelity::Exact(STEP_16_BITS)),
        ("six_channels.wav", 16_000, 6, &["-c:a", "pcm_s24le"], Fidelity::Exact(1e-6)),
        ("s16.aiff", 16_000, 2, &["-c:a", "pcm_s16be"], Fidelity::Exact(STEP_16_BITS)),
        ("s24.aiff", 44_100, 1, &["-c:a", "pcm_s24be"], Fidelity::Exact(RESAMPLED)),
        ("sowt.aifc", 16_000, 1, &["-c:a", "pcm_s16le", "-f", "aiff"], Fidelity::Exact(STEP_16_BITS)),
        ("s16.caf", 16_000, 2, &["-c:a", "pcm_s16le"], Fidelity::Exact(STEP_16_BITS)),
        ("f32.caf", 48_000, 1, &["-c:a", "pcm_f32le"], Fidelity::Exact(RESAMPLED)),
    ]);
}

#[test]
fn every_rate_keeps_the_time() {
    for rate_hz in [8_000, 11_025, 12_345, 22_050, 32_000, 44_100, 48_000, 96_000] {
        check_all(&[
            ("mono.wav", rate_hz, 1, &["-c:a", "pcm_f32le"], Fidelity::Exact(RESAMPLED)),
            ("stereo.wav", rate_hz, 2, &["-c:a", "pcm_s16le"], Fidelity::Exact(RESAMPLED + STEP_16_BITS)),
        ]);
    }
}

#[test]
fn lossless_codecs_come_out_as_they_went_in() {
    check_all(&[
        ("mono.flac", 16_000, 1, &["-sample_fmt", "s16"], Fidelity::Exact(STEP_16_BITS)),
        ("stereo.flac", 44_100, 2, &["-sample_fmt", "s32"], Fidelity::Exact(RESAMPLED)),
        ("flac.mkv", 48_000, 2, &["-c:a", "flac"], Fidelity::Exact(RESAMPLED + STEP_16_BITS)),
        ("flac.mp4", 48_000, 2, &["-c:a", "flac", "-strict", "-2"], Fidelity::Exact(RESAMPLED + STEP_16_BITS)),
        ("alac.m4a", 44_100, 2, &["-c:a", "alac"], Fidelity::Exact(RESAMPLED + STEP_16_BITS)),
        ("alac.caf", 44_100, 1, &["-c:a", "alac"], Fidelity::Exact(RESAMPLED + STEP_16_BITS)),
    ]);
}

#[test]
fn lossy_codecs_come_out_alike_and_in_time() {
    check_all(&[
        ("cbr.mp3", 44_100, 2, &["-c:a", "libmp3lame", "-b:a", "128k"], near(20.0)),
        ("cbr_16k.mp3", 16_000, 1, &["-c:a", "libmp3lame", "-b:a", "64k"], near(20.0)),
        ("cbr_8k.mp3", 8_000, 1, &["-c:a", "libmp3lame", "-b:a", "32k"], near(20.0)),
        ("vbr.mp3", 22_050, 1, &["-c:a", "libmp3lame", "-q:a", "4"], near(20.0)),
        ("mp3.mkv", 48_000, 1, &["-c:a", "libmp3lame", "-b:a", "96k"], late(10.0, 372)),
        ("aac.m4a", 44_100, 2, &["-c:a", "aac", "-b:a", "128k"], near(14.0)),
        ("aac_16k.mp4", 16_000, 1, &["-c:a", "aac", "-b:a", "64k"], near(20.0)),
        ("faststart.m4a", 48_000, 2, &["-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart"], near(14.0)),
        ("fragments.mp4", 48_000, 2, &["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"], late(8.0, 345)),
        ("adts.aac", 48_000, 2, &["-c:a", "aac", "-b:a", "128k"], late(10.0, 345)),
        ("aac.mkv", 48_000, 2, &["-c:a", "aac", "-b:a", "128k"], late(10.0, 345)),
        ("vorbis.ogg", 44_100, 2, &["-c:a", "libvorbis", "-q:a", "5"], near(25.0)),
        ("vorbis.webm", 48_000, 2, &["-c:a", "libvorbis", "-q:a", "5"], late(25.0, 1)),
        ("vorbis.mkv", 44_100, 1, &["-c:a", "libvorbis", "-q:a", "5"], late(25.0, 1)),
        ("opus.ogg", 48_000, 2, &["-c:a", "libopus", "-b:a", "128k"], near(25.0)),
        ("mono.opus", 48_000, 1, &["-c:a", "libopus", "-b:a", "96k"], near(25.0)),
        ("opus.webm", 48_000, 2, &["-c:a", "libopus", "-b:a", "128k"], late(25.0, 1)),
        ("opus.mkv", 48_000, 1, &["-c:a", "libopus", "-b:a", "96k"], late(25.0, 1)),
        ("opus.mp4", 48_000, 1, &["-c:a", "libopus", "-b:a", "96k"], near(25.0)),
    ]);
}

#[test]
fn what_sox_writes_is_read_too() {
    let folder = folder();
    let source = STEREO.encode(folder.path(), "source.wav", &["-c:a", "pcm_s32le"]);
    let cases: [(&str, &[&str], Fidelity); 8] = [
        ("24.wav", &["-b", "24"], Fidelity::Exact(RESAMPLED)),
        ("float.wav", &["-e", "floating-point", "-b", "32"], Fidelity::Exact(RESAMPLED)),
        ("u8.wav", &["-b", "8", "-e", "unsigned-integer"], Fidelity::Exact(RESAMPLED + STEP_8_BITS)),
        ("alaw.wav", &["-e", "a-law"], near(30.0)),
        ("16.aiff", &["-b", "16"], Fidelity::Exact(RESAMPLED + STEP_16_BITS)),
        ("16.aifc", &["-b", "16"], Fidelity::Exact(RESAMPLED + STEP_16_BITS)),
        ("24.flac", &["-b", "24"], Fidelity::Exact(RESAMPLED)),
        ("vorbis.ogg", &["-C", "6"], near(25.0)),
    ];
    for (name, options, fidelity) in cases {
        let path = folder.path().join(name);
        sox(&[&["-D", "-V1", utf8(&source)][..], options, &[utf8(&path)]].concat());
        assert_faithful(name, &decode_whole(&path), &STEREO.mono_16k(), fidelity);
    }
}

#[test]
fn samples_at_16_khz_are_not_touched() {
    let samples: Vec<i16> = (0..=u16::MAX).map(u16::cast_signed).collect();
    let folder = folder();
    let path = folder.path().join("all.wav");
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    fs::write(&path, wav(1, 16_000, 16, bytes.len() as u32, &bytes)).expect("a writable folder");
    let expected: Vec<f32> = samples.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
    assert_eq!(decode_whole(&path), expected);
}

#[test]
fn videos_give_their_sound() {
    let folder = folder();
    let cases: [(&str, &[&str], Fidelity); 3] = [
        ("mpeg4.mp4", &["-c:v", "mpeg4", "-c:a", "aac", "-b:a", "128k"], near(14.0)),
        ("x264.mkv", &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac"], Fidelity::Exact(2e-4)),
        ("x264.mov", &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-b:a", "128k"], near(14.0)),
    ];
    for (name, options, fidelity) in cases {
        let path = STEREO.encode_beside(&VIDEO, folder.path(), name, options);
        assert_faithful(name, &decode_whole(&path), &STEREO.mono_16k(), fidelity);
    }
}

/// Words must stand where the picture shows them, so sound that sets in late is preceded by silence.
#[test]
fn late_sound_of_a_video_keeps_its_time() {
    let folder = folder();
    let input = [&VIDEO[..], &["-itsoffset", "0.5"]].concat();
    let expected = [vec![0.0; 8000], STEREO.mono_16k()].concat();
    for (name, options) in
        [("late.mkv", ["-c:v", "mpeg4", "-c:a", "flac"]), ("late.mp4", ["-c:v", "mpeg4", "-c:a", "alac"])]
    {
        let path = STEREO.encode_beside(&input, folder.path(), name, &options);
        assert_faithful(name, &decode_whole(&path), &expected, Fidelity::Exact(2e-4));
    }
}

#[test]
fn one_of_several_tracks_is_taken_and_the_user_told() {
    let folder = folder();
    let other = ["-f", "lavfi", "-i", "sine=frequency=300:duration=2"];
    let options = ["-map", "1", "-map", "0", "-c:a", "flac"];
    let path = STEREO.encode_beside(&other, folder.path(), "two.mkv", &options);
    let decoded = try_decode(&path).expect("a recording");
    assert_faithful("two.mkv", &samples_of(&decoded), &STEREO.mono_16k(), Fidelity::Exact(2e-4));
    assert!(decoded.warnings.len() == 1 && decoded.warnings[0].contains("2 sound tracks"), "{:?}", decoded.warnings);
}

#[test]
fn the_content_decides_and_not_the_name() {
    let folder = folder();
    for (name, wrong_name, options) in [
        ("a.mp3", "a.wav", ["-c:a", "libmp3lame"]),
        ("b.wav", "b.mp3", ["-c:a", "pcm_s16le"]),
        ("c.mp4", "c", ["-c:a", "aac"]),
        ("d.ogg", "d.txt", ["-c:a", "libopus"]),
    ] {
        let sound = Sound { rate_hz: 48_000, ..STEREO };
        let path = sound.encode(folder.path(), name, &options);
        let renamed = folder.path().join(wrong_name);
        fs::rename(&path, &renamed).expect("a writable folder");
        assert_faithful(wrong_name, &decode_whole(&renamed), &sound.mono_16k(), near(12.0));
    }
}

#[test]
fn ogg_files_joined_end_to_end_are_read_to_the_end() {
    let folder = folder();
    let parts = ["1", "2"].map(|serial| {
        let options = ["-c:a", "libvorbis", "-q:a", "5", "-serial_offset", serial];
        fs::read(STEREO.encode(folder.path(), "part.ogg", &options)).expect("the part")
    });
    let path = folder.path().join("joined.ogg");
    fs::write(&path, parts.concat()).expect("a writable folder");
    let expected = [STEREO.mono_16k(), STEREO.mono_16k()].concat();
    assert_faithful("joined.ogg", &decode_whole(&path), &expected, near(20.0));
}

/// A WAV file whose header says what it is told to; `n_data_bytes` need not be true.
fn wav(n_channels: u16, rate_hz: u32, n_bits: u16, n_data_bytes: u32, data: &[u8]) -> Vec<u8> {
    const FLOAT: u16 = 3;
    let tag = if n_bits == 32 { FLOAT } else { 1 };
    let n_frame_bytes = n_channels.wrapping_mul(n_bits / 8);
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(n_data_bytes.saturating_add(36).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0");
    bytes.extend([tag.to_le_bytes(), n_channels.to_le_bytes()].concat());
    bytes.extend(rate_hz.to_le_bytes());
    bytes.extend(rate_hz.wrapping_mul(u32::from(n_frame_bytes)).to_le_bytes());
    bytes.extend([n_frame_bytes.to_le_bytes(), n_bits.to_le_bytes()].concat());
    bytes.extend(b"data");
    bytes.extend(n_data_bytes.to_le_bytes());
    bytes.extend(data);
    bytes
}

/// Bytes that look random and are the same every time (Marsaglia's xorshift).
fn noise(n_bytes: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..n_bytes).map(|_| next()).collect()
}

#[test]
fn recordings_cut_short_give_what_is_there_and_a_warning() {
    let folder = folder();
    let cases: [(&str, &[&str]); 8] = [
        ("cut.wav", &["-c:a", "pcm_s16le"]),
        ("cut.aiff", &["-c:a", "pcm_s16be"]),
        ("cut.flac", &[]),
        ("cut.mp3", &["-c:a", "libmp3lame", "-b:a", "128k"]),
        ("cut.m4a", &["-c:a", "aac", "-movflags", "+faststart"]),
        ("cut.ogg", &["-c:a", "libvorbis"]),
        ("cut.opus", &["-c:a", "libopus"]),
        ("cut.mkv", &["-c:a", "aac"]),
    ];
    for (name, options) in cases {
        let sound = Sound { rate_hz: 48_000, n_channels: 1, secs: 4.0 };
        let path = sound.encode(folder.path(), name, options);
        let whole = fs::read(&path).expect("the recording");
        fs::write(&path, &whole[..whole.len() * 6 / 10 + 7]).expect("a writable folder");
        let decoded = try_decode(&path).unwrap_or_else(|error| panic!("{error}"));
        let secs = decoded.samples.len() as f64 / 16_000.0;
        assert!((0.8..3.4).contains(&secs), "{name}: {secs} s");
        assert!(!decoded.warnings.is_empty(), "{name}");
    }
}

/// FLAC numbers its frames, so what follows the damage stays where it was. MP3 does not; what is lost there is gone.
#[test]
fn damage_in_the_middle_leaves_the_rest() {
    let folder = folder();
    let sound = Sound { rate_hz: 44_100, n_channels: 1, secs: 4.0 };
    let expected = sound.mono_16k();
    let cases: [(&str, &[&str]); 2] = [("damaged.flac", &[]), ("damaged.mp3", &["-c:a", "libmp3lame", "-b:a", "128k"])];
    for (name, options) in cases {
        let path = sound.encode(folder.path(), name, options);
        let mut bytes = fs::read(&path).expect("the recording");
        let middle = bytes.len() / 2;
        bytes[middle..middle + 3000].copy_from_slice(&noise(3000));
        fs::write(&path, bytes).expect("a writable folder");
        let decoded = try_decode(&path).unwrap_or_else(|error| panic!("{error}"));
        let samples = samples_of(&decoded);
        assert!(!decoded.warnings.is_empty(), "{name}");
        assert!(samples.len().abs_diff(expected.len()) < 16_000, "{name}: {} samples", samples.len());
        assert!(signal_to_noise_db(&samples[..24_000], &expected[..24_000], 0) > 15.0, "{name}: the beginning");
        if name.ends_with("flac") {
            assert!(signal_to_noise_db(&samples[44_000..], &expected[44_000..], 0) > 15.0, "{name}: the end");
        }
    }
}

#[test]
fn wrong_lengths_in_headers_do_no_harm() {
    let folder = folder();
    let sound = [0_u8, 40].repeat(8000);
    // The stated length of the samples, and whether that is worth a warning: a pipe cannot say how much will come.
    for (n_data_bytes, has_warning) in
        [(16_000, false), (u32::MAX, false), (0x7FFF_F000, false), (u32::MAX - 255, true), (32_000, true), (0, true)]
    {
        let mut bytes = wav(1, 16_000, 16, n_data_bytes, &sound);
        if n_data_bytes == 0 {
            bytes[4..8].fill(0);
        }
        let path = folder.path().join("header.wav");
        fs::write(&path, bytes).expect("a writable folder");
        let decoded = try_decode(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(decoded.samples.len(), 8000, "{n_data_bytes}");
        assert_eq!(!decoded.warnings.is_empty(), has_warning, "{n_data_bytes}: {:?}", decoded.warnings);
    }
}

#[test]
fn samples_that_are_no_numbers_become_silence() {
    let folder = folder();
    let path = folder.path().join("nan.wav");
    let samples = [0.5, f32::NAN, 0.25, f32::INFINITY, f32::NEG_INFINITY, -0.5];
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    fs::write(&path, wav(1, 16_000, 32, 24, &bytes)).expect("a writable folder");
    let decoded = try_decode(&path).expect("a recording");
    let expected: Vec<f32> = vec![0.5, 0.0, 0.25, 0.0, 0.0, -0.5];
    assert_eq!(samples_of(&decoded), expected);
    assert!(decoded.warnings.len() == 1 && decoded.warnings[0].starts_with("3 samples"), "{:?}", decoded.warnings);
}

/// What the error must be, and a word of what it must say.
#[track_caller]
fn assert_refused(path: &Path, expected: &str, is_expected: impl Fn(&DecodeError) -> bool) {
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    let error = try_decode(path).expect_err(&name);
    let message = error.to_string();
    assert!(is_expected(&error), "{error:?}");
    assert!(message.contains(expected) && message.contains(&name), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
}

#[test]
fn what_is_no_recording_is_refused_in_one_line() {
    let folder = folder();
    let make = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a writable folder");
        path
    };
    let text = "Minutes of the meeting of May 3rd.\n".repeat(500);
    assert_refused(&folder.path().join("missing.wav"), "no such file", |e| matches!(e, DecodeError::Missing { .. }));
    assert_refused(folder.path(), "folder", |e| matches!(e, DecodeError::Folder { .. }));
    assert_refused(&make("empty.wav", b""), "empty", |e| matches!(e, DecodeError::Empty { .. }));
    let noise = noise(60_000);
    let others: [(&str, &[u8]); 4] = [
        ("text.wav", text.as_bytes()),
        ("one_byte.mp3", b"x"),
        ("noise.mp4", &noise),
        ("other.avi", b"RIFF\0\0\0\0AVI "),
    ];
    for (name, bytes) in others {
        assert_refused(&make(name, bytes), "no audio or video", |e| matches!(e, DecodeError::NotAudio { .. }));
    }
    let samples = vec![1; 32_000];
    for (name, bytes, expected) in [
        ("no_channels.wav", wav(0, 16_000, 16, 32_000, &samples), "0 channels"),
        ("no_data.wav", wav(1, 16_000, 16, 32_000, &samples)[..36].to_vec(), "before the first sample"),
    ] {
        assert_refused(&make(name, &bytes), expected, |e| matches!(e, DecodeError::Damaged { .. }));
    }
    for rate_hz in [0, 999, 768_001, u32::MAX] {
        let path = make("rate.wav", &wav(1, rate_hz, 16, 32_000, &samples));
        assert_refused(&path, &rate_hz.to_string(), |e| matches!(e, DecodeError::Rate { .. }));
    }
    let path = make("no_samples.wav", &wav(1, 16_000, 16, 0, &[]));
    assert_refused(&path, "no sound", |e| matches!(e, DecodeError::NoSound { .. }));
}

#[test]
fn recordings_that_cannot_be_decoded_are_refused_with_the_reason() {
    let folder = folder();
    let video = folder.path().join("silent.mp4");
    ffmpeg(&[&VIDEO[..], &["-c:v", "mpeg4", utf8(&video)]].concat());
    assert_refused(&video, "no audio track", |e| matches!(e, DecodeError::NoAudioTrack { .. }));

    let dolby = STEREO.encode(folder.path(), "dolby.mp4", &["-c:a", "ac3"]);
    assert_refused(&dolby, "Dolby Digital", |e| matches!(e, DecodeError::UnsupportedCodec { .. }));

    let aac = STEREO.encode(folder.path(), "open.m4a", &["-c:a", "aac"]);
    let mut bytes = fs::read(&aac).expect("the recording");
    let table = bytes.windows(4).position(|name| name == b"stsd").expect("a description of the sound");
    let entry = table + bytes[table..].windows(4).position(|name| name == b"mp4a").expect("AAC");
    bytes[entry..entry + 4].copy_from_slice(b"enca");
    let locked = folder.path().join("locked.m4a");
    fs::write(&locked, &bytes).expect("a writable folder");
    assert_refused(&locked, "encrypted", |e| matches!(e, DecodeError::Encrypted { .. }));

    // The index is at the end of the file and was lost.
    let unfinished = folder.path().join("unfinished.m4a");
    fs::write(&unfinished, &bytes[..bytes.len() / 2]).expect("a writable folder");
    assert_refused(&unfinished, "index is missing", |e| matches!(e, DecodeError::Damaged { .. }));
}

/// To open a pipe that nobody writes to would wait for ever. As the administrator may read everything, what cannot be
/// read is a path that leads through a file.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let folder = folder();
    let pipe = folder.path().join("pipe.wav");
    crate::sound::run("mkfifo", &[utf8(&pipe)]);
    assert_refused(&pipe, "pipe", |e| matches!(e, DecodeError::NotAFile { .. }));

    let socket = folder.path().join("socket.wav");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    assert_refused(&socket, "socket", |e| matches!(e, DecodeError::NotAFile { .. }));

    fs::write(folder.path().join("file"), "text").expect("a writable folder");
    let below = folder.path().join("file/below.wav");
    assert_refused(&below, "cannot be read", |e| matches!(e, DecodeError::Unreadable { .. }));
}

#[test]
fn a_full_or_unusable_spool_folder_is_named() {
    let folder = folder();
    let path = folder.path().join("long.wav");
    // Just more than is kept in memory: 20 minutes.
    let n_bytes = 2 * 16_000 * (20 * 60 + 1);
    fs::write(&path, wav(1, 16_000, 16, n_bytes as u32, &vec![0; n_bytes])).expect("a writable folder");
    let spool_dir = path.join("spool");
    let error = decode(&path, &spool_dir, &Progress::unwatched(&CancelToken::default())).expect_err("no folder");
    assert!(matches!(error, DecodeError::Spool { .. }), "{error:?}");
    assert!(error.to_string().contains(utf8(&spool_dir)), "{error}");
}

#[test]
fn progress_is_reported_and_cancelling_stops() {
    let folder = folder();
    let path = Sound { secs: 20.0, ..STEREO }.encode(folder.path(), "long.flac", &[]);
    let (cancel, reports) = (CancelToken::default(), Mutex::new(Vec::new()));
    decode(&path, folder.path(), &Progress::new(&cancel, &|done| reports.lock().expect("one thread").push(done)))
        .expect("a recording");
    let reports = reports.into_inner().expect("one thread");
    assert!(reports.len() > 5 && reports.len() <= 110, "{} reports", reports.len());
    assert!(reports.is_sorted() && reports.last() == Some(&1.0), "{reports:?}");

    let stop_at_half = |done: f32| {
        if done > 0.5 {
            cancel.cancel();
        }
    };
    let error = decode(&path, folder.path(), &Progress::new(&cancel, &stop_at_half)).expect_err("cancelled");
    assert!(matches!(error, DecodeError::Cancelled(_)), "{error:?}");
}

/// Short recordings in every container, to be damaged.
static SHORT_RECORDINGS: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(|| {
    let folder = folder();
    let sound = Sound { rate_hz: 48_000, n_channels: 2, secs: 0.4 };
    let recording = |(name, options): (&'static str, &[&str])| {
        (name, fs::read(sound.encode(folder.path(), name, options)).expect("the recording"))
    };
    let formats: [(&str, &[&str]); 11] = [
        ("s16.wav", &["-c:a", "pcm_s16le"]),
        ("rf64.wav", &["-c:a", "pcm_s24le", "-rf64", "always"]),
        ("adpcm.wav", &["-c:a", "adpcm_ms"]),
        ("s16.aiff", &["-c:a", "pcm_s16be"]),
        ("alac.caf", &["-c:a", "alac"]),
        ("stereo.flac", &[]),
        ("cbr.mp3", &["-c:a", "libmp3lame"]),
        ("vorbis.ogg", &["-c:a", "libvorbis"]),
        ("mono.opus", &["-c:a", "libopus"]),
        ("aac.m4a", &["-c:a", "aac", "-movflags", "+faststart"]),
        ("opus.webm", &["-c:a", "libopus"]),
    ];
    formats.into_iter().map(recording).collect()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to a file, decoding ends, gives a sensible amount of sound or one line, and does not panic.
    #[test]
    fn damaged_files_never_do_harm(
        which in any::<prop::sample::Index>(),
        // Headers are small, so half of all damage goes to the first bytes.
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), any::<u8>()), 0..12),
        kept in prop_oneof![Just(1.0), 0.0..1.0_f64],
    ) {
        let (name, bytes) = which.get(SHORT_RECORDINGS.as_slice());
        let mut bytes = bytes.clone();
        for (at, is_in_header, byte) in damage {
            let n_reachable = if is_in_header { bytes.len().min(400) } else { bytes.len() };
            bytes[at.index(n_reachable)] = byte;
        }
        bytes.truncate((bytes.len() as f64 * kept) as usize);
        let folder = folder();
        let path = folder.path().join(name);
        fs::write(&path, &bytes).expect("a writable folder");
        match try_decode(&path) {
            // An hour of silence at most stands in for what is missing; plain samples may be played 16 times slower.
            Ok(decoded) => prop_assert!(decoded.samples.len() < 16_000 * 3700, "{name}: {}", decoded.samples.len()),
            Err(error) => {
                let message = error.to_string();
                prop_assert_eq!(message.lines().count(), 1, "{}", message);
            }
        }
    }
}

/// Adaptive PCM in a Core Audio file that states packets of four billion frames: the decoder would make room for one.
#[test]
fn packets_of_impossible_length_are_refused_before_memory_is_asked_for() {
    let folder = folder();
    let path = STEREO.encode(folder.path(), "ima.caf", &["-c:a", "adpcm_ima_qt"]);
    let mut bytes = fs::read(&path).expect("the recording");
    let at = bytes.windows(4).position(|four| four == b"ima4").expect("the codec's name");
    // After the name: flags, bytes in a packet, then frames in a packet.
    bytes[at + 12..at + 16].fill(0xFF);
    fs::write(&path, bytes).expect("a writable folder");
    let error = try_decode(&path).expect_err("no such packet");
    assert!(error.to_string().contains("impossible length"), "{error}");
}

#[test]
fn programs_are_not_taken_for_music() {
    let error = try_decode(&std::env::current_exe().expect("this test")).expect_err("no recording");
    assert!(matches!(error, DecodeError::NotAudio { .. } | DecodeError::Damaged { .. }), "{error:?}");
}
