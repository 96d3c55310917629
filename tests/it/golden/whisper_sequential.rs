//! `whisper_sequential`: the windows of a long recording as openai-whisper's `transcribe()` makes them, and the prompts
//! that faster-whisper builds. The expected values belong to the bundled model `whisper_random`, whatever
//! `HANSARD_REFERENCE_DIR` says.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use hansard::audio::Mono16k;
use hansard::nn::ComputeType;
use hansard::nn::whisper::{DecodeOptions, Task, Timestamps, TokenId, Tokenizer, Whisper};
use hansard::pipeline::attempts::Fallback;
use hansard::pipeline::guards::Thresholds;
use hansard::pipeline::options::{Numerals, PreviousText, TranscribeOptions};
use hansard::pipeline::resume::Resume;
use hansard::pipeline::sequential::{LongForm, transcribe};
use hansard::task::{CancelToken, Progress};
use serde_json::Value;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn golden() -> Value {
    let text = fs::read_to_string(fixtures().join("whisper_sequential/golden.json")).expect("the golden values");
    serde_json::from_str(&text).expect("JSON")
}

fn model() -> Whisper {
    Whisper::load(&fixtures().join("reference/whisper_random"), ComputeType::F32).expect("the bundled model")
}

/// The bundled voices, repeated and cut to the length of the case.
fn recording(case: &Value) -> Mono16k {
    let mut reader =
        hound::WavReader::open(fixtures().join("reference/audio/two_voices_20s.wav")).expect("the bundled voices");
    let voices: Vec<f32> =
        reader.samples::<i16>().map(|sample| f32::from(sample.expect("a sample")) / 32_768.0).collect();
    let n_samples = case["n_samples"].as_u64().expect("a number") as usize;
    Mono16k::from_samples(voices.iter().copied().cycle().take(n_samples).collect())
}

fn options(case: &Value) -> TranscribeOptions {
    let options = &case["options"];
    let text = |name: &str| options[name].as_str().unwrap_or_default().to_owned();
    let thresholds = Thresholds {
        max_compression_ratio: options["compression_ratio_threshold"].as_f64(),
        min_avg_logprob: options["logprob_threshold"].as_f64(),
        max_no_speech_prob: options["no_speech_threshold"].as_f64(),
    };
    TranscribeOptions {
        language: options["language"].as_str().map(str::to_owned),
        task: if options["task"] == "translate" { Task::Translate } else { Task::Transcribe },
        beam_size: options["beam_size"].as_u64().unwrap_or(1) as usize,
        prompt: text("initial_prompt"),
        prefix: text("prefix"),
        numerals: if options["digits"] == false { Numerals::InWords } else { Numerals::AsModelWrites },
        previous_text: if options["condition_on_previous_text"] == false {
            PreviousText::Withheld
        } else {
            PreviousText::Given
        },
        fallback: Fallback { temperatures: vec![0.0], thresholds, ..Fallback::default() },
        ..TranscribeOptions::default()
    }
}

fn tokens(value: &Value) -> Vec<TokenId> {
    value.as_array().expect("a list").iter().map(|id| id.as_u64().expect("a token") as TokenId).collect()
}

#[test]
fn golden_whisper_sequential_windows() {
    let (golden, whisper) = (golden(), model());
    for (name, case) in golden["cases"].as_object().expect("the cases") {
        let (samples, options, cancel) = (recording(case), options(case), CancelToken::default());
        let mut long_form = LongForm::begin(&samples, &whisper, &options, &cancel).expect("a whole model");
        assert_eq!(long_form.language(), case["language"], "{name}");
        let mut expected = case["segments"].as_array().expect("a list").iter();
        while let Some(window) = long_form.next_window(&cancel).expect("samples in memory") {
            for passage in &window.passages {
                let wanted = expected.next().unwrap_or_else(|| panic!("{name}: {passage:?} is too much"));
                let at = format!("{name}: frame {}", window.first_frame);
                assert_eq!(window.first_frame as u64, wanted["seek"], "{at}");
                assert_eq!(passage.tokens, tokens(&wanted["tokens"]), "{at}");
                let number = |what: &str| wanted[what].as_f64().expect("a number");
                for (what, found, tolerance) in [
                    ("start", passage.span.start.0, 1e-6),
                    ("end", passage.span.end.0, 1e-6),
                    ("avg_logprob", passage.avg_logprob, 1e-3),
                    ("no_speech_prob", passage.no_speech_prob, 0.02 * number("no_speech_prob")),
                ] {
                    let wanted = number(what);
                    assert!((found - wanted).abs() <= tolerance, "{at}: {what} is {found}, expected {wanted}");
                }
            }
        }
        assert_eq!(expected.next(), None, "{name}: something is missing");
    }
}

/// The random model repeats itself, and says times that lie behind the end.
#[test]
fn golden_whisper_sequential_transcript() {
    let (golden, whisper) = (golden(), model());
    let case = &golden["cases"]["conditioned"];
    let (samples, options, cancel) = (recording(case), options(case), CancelToken::default());
    // Times are rounded to milliseconds.
    let latest_secs = samples.len() as f64 / 16_000.0 + 0.0005;
    let fractions = Mutex::new(Vec::new());
    let report = |fraction: f32| fractions.lock().expect("nobody panicked").push(fraction);
    let mut handed_out = Vec::new();
    let mut hand_out = |segments: &[_]| handed_out.extend_from_slice(segments);
    let progress = Progress::new(&cancel, &report);
    let begin = || LongForm::begin(&samples, &whisper, &options, &cancel).expect("a whole model");
    let transcribed = transcribe(begin(), Resume::none(), &progress, &mut hand_out).expect("a transcript");
    assert_eq!(handed_out, transcribed.segments);
    assert!(transcribed.segments.iter().any(|segment| segment.text.contains("[…]")), "{transcribed:?}");
    assert!(transcribed.warnings.iter().any(|warning| warning.contains("repeated itself")), "{transcribed:?}");
    let times: Vec<f64> =
        transcribed.segments.iter().flat_map(|segment| [segment.span.start.0, segment.span.end.0]).collect();
    assert!(times.is_sorted() && times.iter().all(|time| *time <= latest_secs), "{times:?}");
    let fractions = fractions.into_inner().expect("nobody panicked");
    assert!(fractions.is_sorted() && fractions.last() == Some(&1.0), "{fractions:?}");

    let begun = begin();
    cancel.cancel();
    let progress = Progress::unwatched(&cancel);
    let cancelled = transcribe(begun, Resume::none(), &progress, &mut |_| panic!("nothing is done any more"));
    assert!(cancelled.is_err());
}

#[test]
fn golden_whisper_sequential_prompts() {
    let (golden, whisper) = (golden(), model());
    let (config, tokenizer) = (whisper.config(), whisper.tokenizer());
    for case in golden["prompts"].as_array().expect("a list") {
        let without = case["without_timestamps"].as_bool().expect("a flag");
        let options = DecodeOptions {
            language: tokenizer.language("en"),
            timestamps: if without { Timestamps::Without } else { Timestamps::With },
            previous_text: tokens(&case["previous_text"]),
            hotwords: spoken(&case["hotwords"], tokenizer),
            prefix: spoken(&case["prefix"], tokenizer),
            ..DecodeOptions::default()
        };
        let (prompt, start) = options.prompt(config, tokenizer);
        assert_eq!(prompt, tokens(&case["tokens"]), "{case}");
        assert_eq!(prompt[start], tokenizer.start_of_transcript, "{case}");
    }
    // However much is asked for, a quarter of what fits the decoder is left to the text, less the special tokens.
    let many = vec![1; config.max_target_positions];
    for (hotwords, prefix) in [(many.clone(), Vec::new()), (Vec::new(), many.clone())] {
        let options = DecodeOptions { previous_text: many.clone(), hotwords, prefix, ..DecodeOptions::default() };
        let n_tokens = options.prompt(config, tokenizer).0.len();
        assert!(n_tokens <= config.max_target_positions * 3 / 4 + 4, "{n_tokens} tokens");
    }
}

fn spoken(text: &Value, tokenizer: &Tokenizer) -> Vec<TokenId> {
    let text = text.as_str().expect("a text").trim();
    if text.is_empty() { Vec::new() } else { tokenizer.encode(&format!(" {text}")).expect("text") }
}
