//! Equality with the official implementations. Each test is named after the folder whose inputs and outputs it reads:
//! those in `tests/fixtures/reference`, or another set of the same kind in `HANSARD_REFERENCE_DIR`. Every size is read
//! from the files.

mod demo;
mod demo_speakers;
mod der_wer;
mod diarization_clustering;
mod ecapa_tdnn;
mod log_mel;
mod pipeline_e2e;
mod pipeline_e2e_words;
mod pyannote_segmentation;
mod wav2vec2;
mod wespeaker_resnet34;
mod whisper_on_device;
mod whisper_random;
mod whisper_sequential;
mod whisper_word_times;
mod whisperx_align;
mod whisperx_merge_chunks;

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use serde_json::Value;

/// The folder `name` of the reference set.
pub(crate) fn folder(name: &str) -> PathBuf {
    let root = env::var_os("HANSARD_REFERENCE_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reference"), PathBuf::from);
    root.join(name)
}

/// `golden.safetensors` and, where there is one, `golden.json` of a folder.
pub(crate) struct Golden {
    tensors: HashMap<String, Tensor>,
    pub(crate) json: Value,
}

impl Golden {
    pub(crate) fn of(name: &str) -> Self {
        let folder = folder(name);
        let tensors = candle_core::safetensors::load(folder.join("golden.safetensors"), &Device::Cpu)
            .expect("the golden tensors");
        let json = fs::read_to_string(folder.join("golden.json"))
            .map_or(Value::Null, |text| serde_json::from_str(&text).expect("the golden values are JSON"));
        Self { tensors, json }
    }

    /// A tensor and its shape.
    pub(crate) fn tensor(&self, name: &str) -> (Vec<f32>, Vec<usize>) {
        let tensor = &self.tensors[name];
        let values = tensor.to_dtype(DType::F32).and_then(|tensor| tensor.flatten_all()?.to_vec1());
        (values.expect("numbers"), tensor.dims().to_vec())
    }

    /// Names of all tensors, sorted.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.tensors.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

/// The common input: the only `.wav` in `audio`, 16 bit, 16 kHz, mono, as `int16 / 32768`.
pub(crate) fn audio() -> Vec<f32> {
    let wavs: Vec<_> = fs::read_dir(folder("audio"))
        .expect("the audio folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wav"))
        .collect();
    let [wav] = wavs.as_slice() else { panic!("one .wav is expected: {wavs:?}") };
    let mut reader = hound::WavReader::open(wav).expect("a wav file");
    assert_eq!((reader.spec().sample_rate, reader.spec().channels, reader.spec().bits_per_sample), (16_000, 1, 16));
    reader.samples::<i16>().map(|sample| f32::from(sample.expect("a sample")) / 32_768.0).collect()
}

/// The largest difference, which must not be above `tolerance`; lengths must be equal.
pub(crate) fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let mut worst = (0.0, 0);
    for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs();
        assert!(difference.is_finite(), "{what}[{n}]: {found}, expected {expected}");
        if difference > worst.0 {
            worst = (difference, n);
        }
    }
    assert!(worst.0 <= tolerance, "{what}: differs by {} at {} (tolerance {tolerance})", worst.0, worst.1);
}

/// `[rows, columns]` to `[columns, rows]`.
pub(crate) fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).copied()).collect()
}
