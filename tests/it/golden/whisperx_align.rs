//! `whisperx_align`: when words were said, by the model of the same set; and where sentences end.

use std::fs;

use hansard::audio::Mono16k;
use hansard::nn::ComputeType;
use hansard::nn::wav2vec2::{HOP_SAMPLES, Wav2Vec2};
use hansard::pipeline::align::emissions::{Emissions, n_frames_of};
use hansard::pipeline::align::sentences::Punkt;
use hansard::pipeline::align::text::Dictionary;
use hansard::pipeline::align::trellis::{PathStep, best_path, merge_repeats};
use hansard::pipeline::align::words::{Character, Interpolation, Sentence};
use hansard::pipeline::align::{AlignOptions, SegmentAligner, align, align_with};
use hansard::pipeline::resume::Resume;
use hansard::task::{CancelToken, Progress};
use hansard::transcript::writing::Writing;
use hansard::transcript::{Segment, Word};
use hansard::units::TimeSpan;
use serde_json::Value;

use super::{Golden, assert_close, audio, folder};

const NAME: &str = "whisperx_align";
/// What the README of the set allows.
const TRELLIS_TOLERANCE: f32 = 1e-3;
const SCORE_TOLERANCE: f64 = 2e-3;
/// Times are the same decimal fraction.
const TIME_TOLERANCE: f64 = 1e-9;

fn aligner() -> Wav2Vec2 {
    Wav2Vec2::load(&folder("wav2vec2_ctc_base"), ComputeType::F32).expect("the reference model")
}

/// The parameters that lie beside the golden values, which are the only ones that NLTK had.
fn punkt() -> Punkt {
    let tables = folder(NAME).join("nltk_data/tokenizers/punkt_tab/english");
    let read = |name: &str| fs::read_to_string(tables.join(name)).expect("a table");
    Punkt::from_tables(
        &read("abbrev_types.txt"),
        &read("collocations.tab"),
        &read("sent_starters.txt"),
        &read("ortho_context.tab"),
    )
}

fn options(language: &str, interpolation: Interpolation) -> AlignOptions {
    AlignOptions { writing: Writing::of(language), punkt: punkt(), interpolation }
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn index(value: &Value) -> usize {
    value.as_u64().expect("an index") as usize
}

fn segments(value: &Value) -> Vec<Segment> {
    let segment = |value: &Value| Segment {
        span: TimeSpan::from_secs(number(&value["start"]), number(&value["end"])),
        text: value["text"].as_str().expect("text").to_owned(),
        avg_logprob: value["avg_logprob"].as_f64(),
        ..Segment::default()
    };
    list(value).iter().map(segment).collect()
}

fn assert_same_value(what: &str, found: Option<f64>, expected: &Value, tolerance: f64) {
    let difference = found.zip(expected.as_f64()).map(|(found, expected)| (found - expected).abs());
    let is_same = difference.map_or(found.is_none() && expected.is_null(), |difference| difference <= tolerance);
    assert!(is_same, "{what}: {found:?}, expected {expected}");
}

/// Times and score of a word or a character; the golden ones lack those that are not known.
fn assert_same_times(what: &str, found: Option<(TimeSpan, Option<f64>)>, expected: &Value) {
    let span = found.map(|(span, _)| span);
    assert_same_value(&format!("{what}: start"), span.map(|span| span.start.0), &expected["start"], TIME_TOLERANCE);
    assert_same_value(&format!("{what}: end"), span.map(|span| span.end.0), &expected["end"], TIME_TOLERANCE);
    assert_same_value(
        &format!("{what}: score"),
        found.and_then(|(_, score)| score),
        &expected["score"],
        SCORE_TOLERANCE,
    );
}

fn assert_same_words(what: &str, found: &[Word], expected: &Value) {
    let texts: Vec<&str> = found.iter().map(|word| word.text.as_str()).collect();
    assert_eq!(texts, list(expected).iter().map(|word| word["word"].as_str().expect("text")).collect::<Vec<_>>());
    for (word, expected) in found.iter().zip(list(expected)) {
        assert_same_times(&format!("{what}, {}", word.text), word.span.map(|span| (span, word.score)), expected);
    }
}

fn assert_same_segments(found: &[Segment], expected: &Value) {
    let texts: Vec<&str> = found.iter().map(|segment| segment.text.as_str()).collect();
    assert_eq!(texts, list(expected).iter().map(|one| one["text"].as_str().expect("text")).collect::<Vec<_>>());
    for (segment, expected) in found.iter().zip(list(expected)) {
        assert_same_times(&segment.text, Some((segment.span, None)), expected);
        assert_same_value("avg_logprob", segment.avg_logprob, &expected["avg_logprob"], 0.0);
        assert_same_words(&segment.text, &segment.words, &expected["words"]);
    }
}

/// Sentences with their characters, against those of segments that could be aligned.
fn assert_same_sentences(found: &[Sentence], expected: &[&Value]) {
    assert_eq!(found.len(), expected.len());
    for (sentence, expected) in found.iter().zip(expected) {
        assert_eq!(sentence.text, expected["text"].as_str().expect("text"));
        assert_same_times(&sentence.text, Some((sentence.span, None)), expected);
        assert_same_words(&sentence.text, &sentence.words, &expected["words"]);
        let written: String = sentence.characters.iter().map(|character| character.character).collect();
        let expected = list(&expected["chars"]);
        assert_eq!(written, expected.iter().map(|one| one["char"].as_str().expect("text")).collect::<String>());
        for (Character { character, timed }, expected) in sentence.characters.iter().zip(expected) {
            let what = format!("{character:?} of {}", sentence.text);
            assert_same_times(&what, timed.map(|timed| (timed.span, Some(timed.score))), expected);
        }
    }
}

/// The trellis has infinities at the same places and the same values elsewhere.
fn assert_same_trellis(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}: cells");
    let infinite = |values: &[f32]| -> Vec<(usize, f32)> {
        values.iter().copied().enumerate().filter(|(_, value)| value.is_infinite()).collect()
    };
    assert_eq!(infinite(found), infinite(expected), "{what}: infinities");
    let finite = |values: &[f32]| -> Vec<f32> { values.iter().copied().filter(|value| value.is_finite()).collect() };
    assert_close(what, &finite(found), &finite(expected), TRELLIS_TOLERANCE);
}

/// `best_path` on golden emissions, with its trellis compared on the way.
fn path_of(golden: &Golden, name: &str, tokens: &[usize], blank: usize) -> Option<Vec<PathStep>> {
    let (values, shape) = golden.tensor(&format!("{name}_emission"));
    let mut trellis = Vec::new();
    let emissions = Emissions { values, n_columns: shape[1] };
    let path = best_path(&emissions, tokens, blank, |row| trellis.extend_from_slice(row));
    assert_same_trellis(name, &trellis, &golden.tensor(&format!("{name}_trellis")).0);
    path
}

#[test]
fn golden_whisperx_align_emissions_and_paths() {
    let golden = Golden::of(NAME);
    let (aligner, cancel) = (aligner(), CancelToken::default());
    let dictionary = Dictionary::new(aligner.labels());
    let samples = Mono16k::from_samples(audio());
    let duration_secs = samples.len() as f64 / 16_000.0;
    let mut calls = list(&golden.json["calls"]).iter();
    for segment in segments(&golden.json["transcript_in"]) {
        let text: Vec<char> = segment.text.chars().collect();
        let spelling = dictionary.spell(&text, Writing::Spaced);
        if spelling.tokens.is_empty() || segment.span.start.0 >= duration_secs {
            continue;
        }
        let call = calls.next().expect("as many calls as texts that can be aligned");
        let name = format!("seg{}", index(&call["call"]));
        let (blank, has_wildcard) = (index(&call["blank_id"]), call["wildcard"].as_bool().expect("a flag"));
        assert_eq!(aligner.blank_id(), blank);
        let tokens: Vec<usize> = golden.tensor(&format!("{name}_tokens")).0.iter().map(|id| *id as usize).collect();
        assert_eq!(spelling.tokens, tokens, "{name}");
        assert_eq!(tokens.contains(&dictionary.wildcard()), has_wildcard, "{name}");

        let range = segment.span.to_samples(samples.len());
        let mut emissions = Emissions::of(&samples, range, &aligner, &cancel).expect("samples in memory");
        if has_wildcard {
            emissions = emissions.with_wildcard(blank);
        }
        let (expected, shape) = golden.tensor(&format!("{name}_emission"));
        assert_eq!(shape, [emissions.n_frames(), emissions.n_columns], "{name}");
        assert_close(&name, &emissions.values, &expected, TRELLIS_TOLERANCE);

        let path = path_of(&golden, &name, &tokens, blank);
        assert_eq!(path.is_some(), call["path_found"].as_bool().expect("a flag"), "{name}");
        let Some(path) = path else { continue };
        let indices = |name: String| golden.tensor(&name).0.into_iter().map(|index| index as usize).collect::<Vec<_>>();
        assert_eq!(
            path.iter().map(|step| step.token).collect::<Vec<_>>(),
            indices(format!("{name}_path_token_index")),
            "{name}"
        );
        assert_eq!(
            path.iter().map(|step| step.frame).collect::<Vec<_>>(),
            indices(format!("{name}_path_time_index")),
            "{name}"
        );
        let scores: Vec<f32> = path.iter().map(|step| step.probability as f32).collect();
        assert_close(&name, &scores, &golden.tensor(&format!("{name}_path_score")).0, SCORE_TOLERANCE as f32);
    }
    assert!(calls.next().is_none(), "every call was compared");
}

#[test]
fn golden_whisperx_align_paths_through_numbers() {
    let golden = Golden::of(NAME);
    for case in list(&golden.json["isolated"]) {
        let name = case["name"].as_str().expect("a name");
        let tokens: Vec<usize> = list(&case["tokens"]).iter().map(index).collect();
        let path = path_of(&golden, &format!("iso_{name}"), &tokens, index(&case["blank_id"]));
        assert_eq!(path.is_none(), case["path"].is_null(), "{name}");
        let Some(path) = path else { continue };
        assert_eq!(path.len(), list(&case["path"]).len(), "{name}");
        for (step, expected) in path.iter().zip(list(&case["path"])) {
            assert_eq!((step.token, step.frame), (index(&expected[0]), index(&expected[1])), "{name}");
            assert_same_value(name, Some(step.probability), &expected[2], SCORE_TOLERANCE);
        }
        let merged = merge_repeats(&path);
        assert_eq!(merged.len(), list(&case["merge_repeats"]).len(), "{name}");
        for (found, expected) in merged.iter().zip(list(&case["merge_repeats"])) {
            assert_eq!(found.frames, index(&expected[1])..index(&expected[2]), "{name}");
            assert_same_value(name, Some(found.probability), &expected[3], SCORE_TOLERANCE);
        }
    }
}

#[test]
fn golden_whisperx_align_segments() {
    let golden = Golden::of(NAME);
    let (aligner, cancel) = (aligner(), CancelToken::default());
    let samples = Mono16k::from_samples(audio());
    let language = golden.json["language"].as_str().expect("a language");
    let given = segments(&golden.json["transcript_in"]);
    for (name, interpolation) in [("align", Interpolation::Nearest), ("align_linear", Interpolation::Linear)] {
        let options = options(language, interpolation);
        let progress = Progress::unwatched(&cancel);
        let found = align_with(&samples, given.clone(), &aligner, &options, Resume::none(), &progress);
        let found = found.expect("samples in memory");
        assert_same_segments(&found.segments, &golden.json[name]["segments"]);
        let n_words: usize = found.segments.iter().map(|segment| segment.words.len()).sum();
        assert_eq!(n_words, list(&golden.json[name]["word_segments"]).len(), "{name}");
        let unaligned = list(&golden.json[name]["segments"])
            .iter()
            .filter(|one| list(&one["words"]).is_empty() && !one["text"].as_str().expect("text").trim().is_empty());
        assert_eq!(found.warnings.len(), usize::from(unaligned.count() > 0), "{name}: {:?}", found.warnings);
    }
}

#[test]
fn golden_whisperx_align_characters() {
    let golden = Golden::of(NAME);
    let (aligner, cancel) = (aligner(), CancelToken::default());
    let samples = Mono16k::from_samples(audio());
    let language = golden.json["language"].as_str().expect("a language");
    for (given, expected, language) in
        [("transcript_in", "align_with_chars", language), ("ja_transcript_in", "ja_align_with_chars", "ja")]
    {
        let options = options(language, Interpolation::Nearest);
        let by_segment = SegmentAligner::new(&samples, &aligner, &options);
        let mut sentences = Vec::new();
        for segment in segments(&golden.json[given]) {
            sentences.extend(by_segment.align(&segment, &cancel).expect("samples in memory").unwrap_or_default());
        }
        // What could not be aligned has no words.
        let expected = list(&golden.json[expected]["segments"]).iter();
        let expected: Vec<&Value> = expected.filter(|one| !list(&one["words"]).is_empty()).collect();
        assert_same_sentences(&sentences, &expected);
    }
}

#[test]
fn golden_whisperx_align_sentences() {
    let golden = Golden::of(NAME);
    let punkt = punkt();
    for case in list(&golden.json["punkt_cases"]) {
        let text: Vec<char> = case["text"].as_str().expect("text").chars().collect();
        let expected: Vec<_> = list(&case["spans"]).iter().map(|span| index(&span[0])..index(&span[1])).collect();
        assert_eq!(punkt.spans(&text), expected, "{}", case["text"]);
    }
}

#[test]
fn long_segments_are_computed_in_parts_that_join_up() {
    let (aligner, cancel) = (aligner(), CancelToken::default());
    let recording = audio();
    let n_samples = 75 * 16_000 + 123;
    let samples = Mono16k::from_samples(recording.iter().copied().cycle().take(n_samples).collect());
    for range in [7..n_samples, 0..33 * 16_000] {
        let found = Emissions::of(&samples, range.clone(), &aligner, &cancel).expect("samples in memory");
        assert_eq!(found.n_frames(), n_frames_of(range.len()), "{range:?}");
        // The first part is that of its samples alone.
        let n_alone = 1600;
        let alone_end = range.start + (n_alone - 1) * HOP_SAMPLES + 400;
        let alone = Emissions::of(&samples, range.start..alone_end, &aligner, &cancel).expect("samples in memory");
        let n_same = (n_alone - 100) * found.n_columns;
        assert_close("the first part", &found.values[..n_same], &alone.values[..n_same], 1e-6);
    }
}

/// Whatever the text, no segment is lost.
#[test]
fn segments_that_cannot_be_aligned_stay_as_they_are() {
    let aligner = aligner();
    let cancel = CancelToken::default();
    let samples = Mono16k::from_samples(audio());
    let end_secs = samples.len() as f64 / 16_000.0;
    let segment = |start: f64, end: f64, text: &str| Segment {
        span: TimeSpan::from_secs(start, end),
        text: text.to_owned(),
        ..Segment::default()
    };
    for (language, given, n_words, n_warnings) in [
        ("en", segment(1.0, 2.0, ""), 0, 0),
        ("en", segment(1.0, 2.0, "  "), 0, 0),
        ("en", segment(1.0, 1.1, " far too much text for that"), 0, 1),
        ("en", segment(end_secs, end_secs + 1.0, " late"), 0, 1),
        ("en", segment(1.0, 3.0, " 17 € ½!"), 3, 0),
        ("th", segment(1.0, 3.0, " ที่นี่ ดี"), 3, 0),
        ("ru", segment(1.0, 5.0, " Да. Нет!"), 2, 0),
    ] {
        let progress = Progress::unwatched(&cancel);
        let found = align(&samples, vec![given.clone()], language, &aligner, Resume::none(), &progress);
        let found = found.expect("samples in memory");
        let words: Vec<&Word> = found.segments.iter().flat_map(|segment| &segment.words).collect();
        assert_eq!((words.len(), found.warnings.len()), (n_words, n_warnings), "{given:?}: {found:?}");
        if n_words == 0 {
            assert_eq!(found.segments, [given]);
        } else {
            assert!(words.iter().all(|word| word.span.is_some() && word.score.is_some()), "{words:?}");
        }
    }
    cancel.cancel();
    let given = vec![segment(1.0, 2.0, " yes")];
    assert!(align(&samples, given, "en", &aligner, Resume::none(), &Progress::unwatched(&cancel)).is_err());
}
