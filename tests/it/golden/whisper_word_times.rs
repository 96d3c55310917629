//! `whisper_random`: when words were said, from cross-attention; and how tokens are divided into words.

use hansard::nn::ComputeType;
use hansard::nn::whisper::word_times::{SegmentWords, WordTime, assign_words, shortest_path};
use hansard::nn::whisper::{Encoded, Task, TokenId, Whisper};
use serde_json::Value;

use super::{Golden, assert_close, folder};

/// One frame of the encoder.
const FRAME_SECS: f64 = 0.02;
/// Room for the arithmetic of times in binary fractions.
const ROUNDING_SECS: f64 = 1e-6;

struct Fixture {
    golden: Golden,
    whisper: Whisper,
    encoded: Encoded,
    text: Vec<TokenId>,
    n_mel_frames: usize,
}

impl Fixture {
    fn load(compute_type: ComputeType) -> Self {
        let golden = Golden::of("whisper_random");
        let whisper = Whisper::load(&folder("whisper_random"), compute_type).expect("the reference model");
        let encoded = whisper.prepare(&golden.tensor("encoder_output").0).expect("it computes");
        let text = golden.tensor("words_text_tokens").0.iter().map(|id| *id as TokenId).collect();
        let n_mel_frames = golden.json["word_timestamps"]["num_frames"].as_u64().expect("a number") as usize;
        Self { golden, whisper, encoded, text, n_mel_frames }
    }

    fn language(&self, code: &str) -> Option<TokenId> {
        let language = self.whisper.tokenizer().language(code);
        assert!(language.is_some(), "the model knows no {code}");
        language
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

/// A word of `alignment`, or one of a segment, which has no tokens.
fn word_of(value: &Value) -> WordTime {
    let to_token = |id: &Value| id.as_u64().expect("a token") as TokenId;
    WordTime {
        text: value["word"].as_str().expect("text").to_owned(),
        tokens: value["tokens"].as_array().map_or(Vec::new(), |ids| ids.iter().map(to_token).collect()),
        start_secs: number(&value["start"]),
        end_secs: number(&value["end"]),
        probability: number(&value["probability"]),
    }
}

fn assert_same_time(what: &str, found_secs: f64, expected_secs: f64, tolerance_secs: f64) {
    let difference = (found_secs - expected_secs).abs();
    assert!(difference <= tolerance_secs, "{what}: {found_secs} s, expected {expected_secs} s");
}

fn assert_same_segment(what: &str, found: &SegmentWords, expected: &SegmentWords) {
    assert_same_time(what, found.start_secs, expected.start_secs, ROUNDING_SECS);
    assert_same_time(what, found.end_secs, expected.end_secs, ROUNDING_SECS);
    assert_eq!(found.words.len(), expected.words.len(), "{what}: words");
    for (word, expected) in found.words.iter().zip(&expected.words) {
        assert_eq!(word.text, expected.text, "{what}");
        assert_same_time(&word.text, word.start_secs, expected.start_secs, ROUNDING_SECS);
        assert_same_time(&word.text, word.end_secs, expected.end_secs, ROUNDING_SECS);
    }
}

#[test]
fn golden_whisper_random_word_times() {
    let fixture = Fixture::load(ComputeType::F32);
    let Fixture { golden, whisper, encoded, text, n_mel_frames } = &fixture;
    let english = fixture.language("en");
    let heads = whisper.config().alignment_heads();
    let heads: Vec<_> = heads.iter().map(|head| Value::from(vec![head.layer, head.head])).collect();
    assert_eq!(&heads, list(&golden.json["alignment_heads"]));

    let attention =
        whisper.text_attention(encoded, english, Task::Transcribe, text, *n_mel_frames).expect("a short text");
    let (cost, shape) = golden.tensor("words_dtw_cost");
    assert_eq!((text.len() + 1, attention.n_frames), (shape[0], shape[1]));
    assert_close("words_dtw_cost", &attention.cost, &cost, 1e-3);
    let expected = list(&golden.json["ctranslate2"]["align"]["text_token_probs"]);
    let expected: Vec<f32> = expected.iter().map(|probability| number(probability) as f32).collect();
    let probabilities: Vec<f32> = attention.probabilities.iter().map(|probability| *probability as f32).collect();
    assert_close("text_token_probs", &probabilities, &expected, 1e-4);

    let indices = |name: &str| golden.tensor(name).0.into_iter().map(|index| index as usize);
    let expected: Vec<_> = indices("words_dtw_text_indices").zip(indices("words_dtw_time_indices")).collect();
    assert_eq!(shortest_path(&cost, shape[1]), expected);

    // Timestamps and the end of text may stand among the tokens.
    let tokenizer = whisper.tokenizer();
    let decoded = [&[tokenizer.first_timestamp()][..], text, &[tokenizer.end_of_text]].concat();
    let words = whisper.word_times(encoded, english, Task::Transcribe, &decoded, *n_mel_frames).expect("a short text");
    let expected: Vec<_> = list(&golden.json["word_timestamps"]["alignment"]).iter().map(word_of).collect();
    assert_eq!(words.len(), expected.len());
    for (word, expected) in words.iter().zip(&expected) {
        assert_eq!((&word.text, &word.tokens), (&expected.text, &expected.tokens));
        assert_same_time(&word.text, word.start_secs, expected.start_secs, FRAME_SECS + ROUNDING_SECS);
        assert_same_time(&word.text, word.end_secs, expected.end_secs, FRAME_SECS + ROUNDING_SECS);
        let (found, expected) = (word.probability, expected.probability);
        assert!((found - expected).abs() <= 1e-4, "{}: probability {found}, expected {expected}", word.text);
    }
}

#[test]
fn golden_whisper_random_word_times_in_8_bits() {
    let fixture = Fixture::load(ComputeType::Int8);
    let Fixture { golden, whisper, encoded, text, n_mel_frames } = &fixture;
    let attention = whisper
        .text_attention(encoded, fixture.language("en"), Task::Transcribe, text, *n_mel_frames)
        .expect("a short text");
    let (cost, _) = golden.tensor("words_dtw_cost");
    assert_eq!(attention.cost.len(), cost.len());
    let difference: f32 = attention.cost.iter().zip(&cost).map(|(found, expected)| (found - expected).abs()).sum();
    let size: f32 = cost.iter().map(|cost| cost.abs()).sum();
    assert!(difference < 0.3 * size, "costs differ by {difference} of {size}");
}

#[test]
fn word_times_at_the_edges() {
    let fixture = Fixture::load(ComputeType::F32);
    let (whisper, encoded, english) = (&fixture.whisper, &fixture.encoded, fixture.language("en"));
    let n_window_frames = 2 * whisper.config().max_source_positions;
    for (n_tokens, n_mel_frames) in
        [(0, n_window_frames), (1, 0), (2, 5), (3, 20), (fixture.text.len(), 2 * n_window_frames)]
    {
        let text = &fixture.text[..n_tokens];
        let words = whisper.word_times(encoded, english, Task::Translate, text, n_mel_frames).expect("a short text");
        let expected = whisper.tokenizer().split_words(text, english);
        assert_eq!(words.len(), expected.len(), "{n_tokens} tokens");
        let window_secs = n_window_frames as f64 / 100.0;
        let times: Vec<f64> = words.iter().flat_map(|word| [word.start_secs, word.end_secs]).collect();
        assert!(times.is_sorted() && times.iter().all(|secs| (0.0..window_secs).contains(secs)), "{times:?}");
    }
    let too_long = vec![fixture.text[0]; whisper.config().max_target_positions];
    let error = whisper.word_times(encoded, english, Task::Transcribe, &too_long, 3000).expect_err("too many tokens");
    assert!(error.to_string().contains("max_target_positions"), "{error}");
}

#[test]
fn golden_whisper_random_words_of_segments() {
    let golden = Golden::of("whisper_random");
    let reference = &golden.json["word_timestamps"];
    let words: Vec<_> = list(&reference["alignment"]).iter().map(word_of).collect();
    let reference = &reference["add_word_timestamps"];
    let to_segment = |segment: &Value| SegmentWords {
        start_secs: number(&segment["start"]),
        end_secs: number(&segment["end"]),
        n_text_tokens: list(&segment["tokens"]).len(),
        words: segment["words"].as_array().map_or(Vec::new(), |words| words.iter().map(word_of).collect()),
    };
    let mut segments: Vec<_> = list(&reference["segments_in"]).iter().map(to_segment).collect();
    assign_words(words, &mut segments, 0.0, number(&reference["last_speech_timestamp"]));
    let expected: Vec<_> = list(&reference["segments_out"]).iter().map(to_segment).collect();
    assert_eq!(segments.len(), expected.len());
    for (segment, expected) in segments.iter().zip(&expected) {
        assert_same_segment("segment", segment, expected);
        let n_tokens: usize = segment.words.iter().map(|word| word.tokens.len()).sum();
        assert_eq!(n_tokens, segment.n_text_tokens);
    }
}

/// Cases that the golden set does not have; the expected times are those of openai-whisper's `add_word_timestamps`.
#[test]
fn long_words_are_shortened_at_pauses_and_edges() {
    let words_of = |words: &[(&str, f64, f64)]| -> Vec<WordTime> {
        let to_word = |(text, start_secs, end_secs): &(&str, f64, f64)| WordTime {
            text: (*text).to_owned(),
            tokens: vec![0],
            start_secs: *start_secs,
            end_secs: *end_secs,
            probability: 1.0,
        };
        words.iter().map(to_word).collect()
    };
    for (what, span, window_start_secs, last_speech_secs, words, expected_span, expected_words) in [
        (
            "two long words after a pause",
            (0.5, 8.6),
            0.0,
            0.0,
            &[(" So", 1.0, 5.0), (" we", 5.0, 8.0), (" go", 8.0, 8.2), (" on", 8.2, 8.4), (" now", 8.4, 8.6)][..],
            (7.2, 8.6),
            &[(" So", 7.2, 7.6), (" we", 7.6, 8.0), (" go", 8.0, 8.2), (" on", 8.2, 8.4), (" now", 8.4, 8.6)][..],
        ),
        (
            "two words that are long only together",
            (5.0, 6.6),
            0.0,
            0.0,
            &[(" So", 5.0, 5.35), (" we", 5.35, 6.0), (" go", 6.0, 6.2), (" on", 6.2, 6.4), (" now", 6.4, 6.6)],
            (5.2, 6.6),
            &[(" So", 5.2, 5.6), (" we", 5.6, 6.0), (" go", 6.0, 6.2), (" on", 6.2, 6.4), (" now", 6.4, 6.6)],
        ),
        (
            "long words around the end of a sentence",
            (0.0, 6.5),
            90.0,
            89.9,
            &[
                (" Yes", 0.0, 0.2),
                (".", 0.2, 3.0),
                (" No", 3.0, 6.0),
                (" it", 6.0, 6.2),
                (" is", 6.2, 6.4),
                ("!", 6.4, 6.5),
            ],
            (90.0, 96.4),
            &[(" Yes.", 90.0, 90.2), (" No", 95.6, 96.0), (" it", 96.0, 96.2), (" is!", 96.2, 96.4)],
        ),
        (
            "words that reach out of the segment",
            (2.1, 3.0),
            0.0,
            2.0,
            &[(" a", 0.0, 2.2), (" b", 2.2, 2.4), (" c", 2.4, 2.6), (" d", 2.6, 2.8), (" e", 2.8, 4.0)],
            (2.1, 3.0),
            &[(" a", 2.0, 2.2), (" b", 2.2, 2.4), (" c", 2.4, 2.6), (" d", 2.6, 2.8), (" e", 2.8, 3.0)],
        ),
        ("no words", (1.0, 2.0), 90.0, 0.0, &[], (1.0, 2.0), &[]),
    ] {
        let segment = |(start_secs, end_secs), words| SegmentWords { start_secs, end_secs, n_text_tokens: 6, words };
        let mut segments = [segment(span, Vec::new())];
        assign_words(words_of(words), &mut segments, window_start_secs, last_speech_secs);
        assert_same_segment(what, &segments[0], &segment(expected_span, words_of(expected_words)));
    }
}

/// Expected words are those of openai-whisper's `split_to_word_tokens`.
#[test]
fn golden_whisper_random_words_of_tokens() {
    let fixture = Fixture::load(ComputeType::F32);
    let tokenizer = fixture.whisper.tokenizer();
    let check = |language: &str, tokens: &[TokenId], expected: &[&str]| {
        let words = tokenizer.split_words(tokens, fixture.language(language));
        assert_eq!(words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), expected);
        assert_eq!(words.into_iter().flat_map(|word| word.tokens).collect::<Vec<_>>(), tokens, "{expected:?}");
    };
    for (language, text, expected) in [
        ("en", " Good morning, everybody.", &[" Good", " morning", ",", " everybody", "."][..]),
        ("de", " Größe: naïve 😀 ok", &[" Größe", ":", " naïve", " 😀", " ok"]),
        ("en", "你好。", &["你好。"]),
        ("zh", "你好。", &["你", "好", "。"]),
        ("ja", "ですか？はい", &["で", "す", "か", "？", "は", "い"]),
        ("th", "", &[]),
    ] {
        check(language, &tokenizer.encode(text).expect("text"), expected);
    }
    // The first two of three bytes are no character, but their tokens must not be lost.
    let character = tokenizer.encode("你").expect("text");
    assert_eq!(character.len(), 3, "one token for each byte");
    check("zh", &[&character[..2], &tokenizer.encode("A").expect("text")].concat(), &["\u{FFFD}", "A"]);
    check("zh", &character[..2], &["\u{FFFD}"]);
}
