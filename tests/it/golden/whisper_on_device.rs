//! Whisper on candle tensors, as it computes on graphics cards. Here it does so on the processor and in 32 bits, where the
//! goldens of `whisper_random` hold for it as they do for our own kernels.

use std::sync::Arc;
use std::time::Duration;

use hansard::engine::{ComputeDevice, Engine, Event, JobRequest};
use hansard::nn::ComputeType;
use hansard::nn::whisper::{
    Accelerator, Backend, DecodeOptions, DecoderState, Encoded, Precision, Task, TokenId, Whisper,
};
use hansard::paths::AppPaths;

use crate::sound::Sound;

use super::whisper_random::{Fixture, check_encoder_and_logits, decode, tokens};
use super::{assert_close, audio, folder};

/// Rounding apart, logits are those of our own kernels.
const TOLERANCE: f32 = 2e-3;

fn on_device() -> Whisper {
    let accelerator = Accelerator::open(Backend::Processor, Precision::F32).expect("candle computes on any processor");
    Whisper::load_on(&folder("whisper_random"), &accelerator).expect("the reference model")
}

fn on_processor() -> Whisper {
    Whisper::load(&folder("whisper_random"), ComputeType::F32).expect("the reference model")
}

fn encoded(whisper: &Whisper, samples: &[f32]) -> Encoded {
    let hidden = whisper.encode(&whisper.log_mel(samples), &|| false).expect("it computes").expect("nobody stops it");
    whisper.prepare(&hidden).expect("it computes")
}

/// A new sequence about some samples.
fn state(whisper: &Whisper, samples: &[f32]) -> DecoderState {
    DecoderState::new(encoded(whisper, samples))
}

/// The logits after the last of some tokens.
fn feed(whisper: &Whisper, state: &mut DecoderState, tokens: &[TokenId]) -> Vec<f32> {
    whisper.decode(&mut [(state, tokens)], &[(0, tokens.len() - 1)]).expect("it computes")
}

#[test]
fn golden_whisper_on_device_encoder_and_logits() {
    check_encoder_and_logits(&Fixture::of(on_device()));
}

#[test]
fn golden_whisper_on_device_greedy_and_beam() {
    let fixture = Fixture::of(on_device());
    let runs = fixture.golden.json["openai"].as_object().expect("the runs");
    let options: Vec<DecodeOptions> = runs.values().map(|run| fixture.options(&run["options"])).collect();
    for batch_size in [1, 3, options.len()] {
        for ((name, run), decoded) in runs.iter().zip(decode(&fixture, &options, batch_size)) {
            assert_eq!(decoded.tokens, tokens(&run["tokens"]), "{name}, in batches of {batch_size}");
        }
    }
}

/// Sequences come, stay away and go, look at different windows, and see different numbers of tokens at a time.
#[test]
fn sequences_do_not_notice_their_neighbours() {
    // For each sequence its window, and what it sees in each round.
    let plan: [(usize, [&[TokenId]; 4]); 4] = [
        (0, [&[1, 2, 3], &[4], &[5], &[6]]),
        (1, [&[7], &[8], &[], &[9]]),
        (1, [&[], &[10, 11], &[12], &[13]]),
        (0, [&[14, 15, 16], &[17], &[18, 19], &[]]),
    ];
    let (whisper, reference) = (on_device(), on_processor());
    let audio = audio();
    let windows = [&audio[..], &audio[audio.len() / 2..]];
    let mut states = plan.map(|(window, _)| state(&whisper, windows[window]));
    let alone = windows.map(|samples| state(&reference, samples));
    for round in 0..4 {
        let mut batch = Vec::new();
        let mut expected = Vec::new();
        for (state, (window, pieces)) in states.iter_mut().zip(plan) {
            if !pieces[round].is_empty() {
                batch.push((state, pieces[round]));
                expected.extend(feed(&reference, &mut alone[window].clone(), &pieces[..=round].concat()));
            }
        }
        let positions: Vec<_> = batch.iter().enumerate().map(|(n, (_, piece))| (n, piece.len() - 1)).collect();
        let found = whisper.decode(&mut batch, &positions).expect("it computes");
        assert_close(&format!("logits in round {round}"), &found, &expected, TOLERANCE);
    }
}

/// Beam search copies a sequence and goes on with both.
#[test]
fn copies_of_a_sequence_go_their_own_ways() {
    let (whisper, reference) = (on_device(), on_processor());
    let audio = audio();
    let mut original = state(&whisper, &audio);
    feed(&whisper, &mut original, &[1, 2]);
    let mut copy = original.clone();
    feed(&whisper, &mut original, &[3]);
    feed(&whisper, &mut copy, &[4]);
    let alone = state(&reference, &audio);
    for (what, state, seen) in [("original", &mut original, [1, 2, 3, 5]), ("copy", &mut copy, [1, 2, 4, 5])] {
        let expected = feed(&reference, &mut alone.clone(), &seen);
        assert_close(what, &feed(&whisper, state, &[5]), &expected, TOLERANCE);
    }
}

/// What the times of words are read from.
#[test]
fn text_looks_at_the_same_audio() {
    let [found, expected] = [on_device(), on_processor()].map(|whisper| {
        let encoded = encoded(&whisper, &audio());
        let attention = whisper.text_attention(&encoded, None, Task::Transcribe, &[1, 2, 3, 4], 2000);
        attention.expect("a short text").cost
    });
    // Rounding of small weights counts more once they are divided by their deviation.
    assert_close("cost", &found, &expected, 1e-2);
}

#[test]
fn a_missing_graphics_card_is_replaced_with_one_warning() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recording = Sound { rate_hz: 16_000, n_channels: 1, secs: 1.0 }.encode(folder.path(), "tone.wav", &[]);
    let mut engine = Engine::start(AppPaths::below(folder.path()), None, Arc::new(|| {})).expect("threads");
    let is_missing = Accelerator::open(Backend::Cuda, Precision::F32).is_err();
    for n_warnings in [usize::from(is_missing), 0] {
        engine.transcribe(JobRequest { device: ComputeDevice::Cuda, ..JobRequest::new(recording.clone(), "demo") });
        let mut warnings = Vec::new();
        loop {
            match engine.recv_timeout(Duration::from_mins(5)).expect("an event in time") {
                Event::Warning(_, warning) => warnings.push(warning),
                Event::JobDone(..) => break,
                Event::JobFailed(_, message) => panic!("{message}"),
                _ => {}
            }
        }
        warnings.retain(|warning| warning.contains("CUDA"));
        assert_eq!(warnings.len(), n_warnings, "{warnings:?}");
    }
}
