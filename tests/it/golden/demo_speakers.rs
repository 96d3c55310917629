//! Who speaks when in the demo meetings, against the truth and against what pyannote.audio and whisperX make of them with
//! the same models; and the times of words, against those the speech synthesisers told.
//!
//! The 1-minute meeting is bundled; `HANSARD_DEMO_DIR` may name a folder with more, see [`super::demo`].

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use hansard::assignment::maximise;
use hansard::audio::{Mono16k, decode};
use hansard::engine::{JobRequest, SpeakerCount, SpeakerRequest};
use hansard::nn::ComputeType;
use hansard::nn::wav2vec2::Wav2Vec2;
use hansard::pipeline::align::align;
use hansard::pipeline::resume::Resume;
use hansard::score::der::{DerOptions, score};
use hansard::task::{CancelToken, Progress};
use hansard::transcript::{Segment, Transcript, Turn, rttm};
use hansard::units::{Seconds, TimeSpan};
use serde_json::Value;

use super::demo::{sources, transcribe_on};
use crate::wer::{edit_pairs, words};

/// Of the speech, what may be told differently than the reference pipeline does.
const MAX_DIFFERENCE: f64 = 0.01;
/// The error rate against the truth may be above the reference pipeline's by so much.
const MAX_WORSE: f64 = 0.005;
/// Of the words that were recognised right and that nobody else talks over, so many have the right speaker.
const MIN_RIGHT_ALONE: f64 = 0.97;

fn der(reference: &[Turn], hypothesis: &[Turn], duration: Seconds) -> f64 {
    let whole = TimeSpan { start: Seconds(0.0), end: duration };
    score(reference, hypothesis, Some(&[whole]), &DerOptions::default()).errors.rate()
}

fn turns_of(list: &Value) -> Vec<Turn> {
    let turn = |turn: &Value| Turn {
        span: TimeSpan::from_secs(number(&turn["start"]), number(&turn["end"])),
        speaker: turn["speaker"].as_str().expect("a label").to_owned(),
    };
    list.as_array().expect("a list").iter().map(turn).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn golden_demo_speakers() {
    let (meetings, results) = sources();
    let (mut n_words_alone, mut n_right_alone) = (0.0, 0.0);
    for (name, reference) in results.as_object().expect("a meeting for each name") {
        let truth = fs::read_to_string(meetings.join(format!("{name}.rttm"))).expect("the true turns");
        let truth = rttm::parse(&truth).expect("RTTM").remove(0).turns;
        let labels: BTreeSet<&str> = truth.iter().map(|turn| turn.speaker.as_str()).collect();
        let expected = turns_of(&reference["turns"]);
        for (exact, figures) in [(None, "diarization"), (Some(labels.len()), "diarization_known_number")] {
            let count = SpeakerCount { exact, ..SpeakerCount::default() };
            let speakers = SpeakerRequest { count, ..SpeakerRequest::default() };
            let recording = meetings.join(format!("{name}.flac"));
            let request = JobRequest { speakers, language: Some("en".into()), ..JobRequest::new(recording, "demo") };
            let transcript = transcribe_on(None, request);
            let against_truth = der(&truth, &transcript.turns, transcript.duration);
            let against_reference = der(&expected, &transcript.turns, transcript.duration);
            let right = right_speakers(&transcript, &meetings.join(format!("{name}.stm")), &truth);
            let reference_der = number(&reference[figures]["der"]);
            assert!(
                against_truth <= reference_der + MAX_WORSE,
                "{name}: DER {against_truth}, reference {reference_der}"
            );
            assert!(
                against_reference <= MAX_DIFFERENCE,
                "{name}: turns differ from the reference's: {against_reference}"
            );
            assert_eq!(transcript.speakers.len() as u64, reference[figures]["speakers"].as_u64().expect("a number"));
            let reference_right = number(&reference["right_speaker"]);
            assert!(right.all >= reference_right, "{name}: {} of words right, reference {reference_right}", right.all);
            n_words_alone += right.n_alone as f64;
            n_right_alone += right.alone * right.n_alone as f64;
        }
    }
    let share = n_right_alone / n_words_alone;
    assert!(share >= MIN_RIGHT_ALONE, "{share} of {n_words_alone} words outside overlap have the right speaker");
}

/// Shares of the words that were recognised right.
struct Right {
    all: f64,
    /// Where one person speaks alone,
    alone: f64,
    /// which is so many of them.
    n_alone: usize,
}

/// How many of the words that were recognised right have the right speaker, speakers being paired with true ones as fits
/// best; and how many of them are outside overlap.
fn right_speakers(transcript: &Transcript, stm: &Path, truth: &[Turn]) -> Right {
    let stm = fs::read_to_string(stm).expect("the true utterances");
    let mut utterances: Vec<Vec<&str>> = stm.lines().map(|line| line.splitn(7, ' ').collect()).collect();
    let start = |fields: &[&str]| fields[3].parse::<f64>().expect("a time");
    utterances.sort_by(|a, b| start(a).total_cmp(&start(b)));
    let said: Vec<(String, &str)> = utterances
        .iter()
        .flat_map(|fields| words(fields.get(6).copied().unwrap_or_default()).into_iter().map(|word| (word, fields[2])))
        .collect();
    let mut heard_words: Vec<_> = transcript.segments.iter().flat_map(|segment| &segment.words).collect();
    heard_words
        .sort_by(|a, b| a.span.map(|span| span.start.0).partial_cmp(&b.span.map(|span| span.start.0)).expect("times"));
    let heard: Vec<(String, &str, TimeSpan)> = heard_words
        .iter()
        .flat_map(|word| {
            let (speaker, span) = (word.speaker.as_deref().unwrap_or_default(), word.span.unwrap_or_default());
            words(&word.text).into_iter().map(move |text| (text, speaker, span))
        })
        .collect();
    let texts = |words: &mut dyn Iterator<Item = &String>| words.cloned().collect::<Vec<_>>();
    let pairs = edit_pairs(&texts(&mut said.iter().map(|word| &word.0)), &texts(&mut heard.iter().map(|word| &word.0)));
    let n_speaking = |span: &TimeSpan| {
        truth.iter().filter(|turn| turn.span.start.0 < span.end.0 && turn.span.end.0 > span.start.0).count()
    };
    let both: Vec<(&str, &str, bool)> = pairs
        .into_iter()
        .filter(|(said_idx, heard_idx)| said[*said_idx].0 == heard[*heard_idx].0)
        .map(|(said_idx, heard_idx)| (said[said_idx].1, heard[heard_idx].1, n_speaking(&heard[heard_idx].2) < 2))
        .collect();
    let true_names: BTreeSet<&str> = both.iter().map(|(name, ..)| *name).collect();
    let labels: Vec<&str> = both.iter().map(|(_, label, _)| *label).collect::<BTreeSet<_>>().into_iter().collect();
    let count = |name: &str, label: &str| both.iter().filter(|(n, l, _)| *n == name && *l == label).count() as f64;
    let counts: Vec<f64> = true_names.iter().flat_map(|name| labels.iter().map(|label| count(name, label))).collect();
    let label_of = maximise(&counts, labels.len());
    let is_right = |(name, label, _): &&(&str, &str, bool)| {
        let row = true_names.iter().position(|true_name| true_name == name).expect("it is one of them");
        label_of[row].is_some_and(|column| labels[column] == *label)
    };
    let alone: Vec<(&str, &str, bool)> = both.iter().filter(|(.., is_alone)| *is_alone).copied().collect();
    let share = |words: &[(&str, &str, bool)]| words.iter().filter(is_right).count() as f64 / words.len() as f64;
    Right { all: share(&both), alone: share(&alone), n_alone: alone.len() }
}

/// The true text of each utterance is aligned; half of all boundaries of words must be within 30 ms of the true ones.
#[test]
fn golden_demo_word_times() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (sound, truth) = match env::var_os("HANSARD_DEMO_DIR").map(PathBuf::from) {
        Some(folder) => (folder.join("words_4min.flac"), folder.join("words_4min.json")),
        None => (root.join("tests/fixtures/demo/words.flac"), root.join("tests/fixtures/demo/words.json")),
    };
    let truth: Value = serde_json::from_str(&fs::read_to_string(truth).expect("the true words")).expect("JSON");
    let utterances = truth["segments"].as_array().expect("a list");
    let cancel = CancelToken::default();
    let progress = Progress::unwatched(&cancel);
    let samples: Mono16k = decode::decode(&sound, &env::temp_dir(), &progress).expect("a recording").samples;
    let aligner =
        Wav2Vec2::load(&root.join("assets/demo/models/wav2vec2-align-demo"), ComputeType::F32).expect("a model");
    let segment = |utterance: &Value| Segment {
        span: TimeSpan::from_secs(number(&utterance["start"]), number(&utterance["end"])),
        text: utterance["text"].as_str().expect("a text").to_owned(),
        ..Segment::default()
    };
    let segments = utterances.iter().map(segment).collect();
    let aligned = align(&samples, segments, "en", &aligner, Resume::none(), &progress).expect("samples in memory");
    assert_eq!(aligned.warnings, Vec::<String>::new());
    let found: Vec<_> = aligned.segments.iter().flat_map(|segment| &segment.words).collect();
    let expected: Vec<&Value> = utterances.iter().flat_map(|u| u["words"].as_array().expect("a list")).collect();
    assert_eq!(found.len(), expected.len());
    let mut errors: Vec<f64> = Vec::new();
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.text, expected["word"].as_str().expect("a word"));
        let span = found.span.expect("every word has its times");
        errors.push((span.start.0 - number(&expected["start"])).abs());
        errors.push((span.end.0 - number(&expected["end"])).abs());
    }
    errors.sort_by(f64::total_cmp);
    let (median, ninth_decile) = (errors[errors.len() / 2], errors[errors.len() * 9 / 10]);
    assert!(median <= 0.030, "median {median}, 90 % below {ninth_decile}");
}
