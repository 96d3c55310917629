//! `der_wer`: diarization error rates as pyannote.metrics has them, word and character error rates as jiwer has them,
//! with Whisper's normalisation of text, and RTTM as pyannote writes it.

use std::collections::BTreeMap;
use std::fs;

use hansard::score::der::{self, DerOptions, Overlap, SpeechErrors, jaccard_error_rate};
use hansard::score::normalise::{Normalisation, normalise};
use hansard::score::wer::{self, Unit, WerScore};
use hansard::transcript::{Turn, rttm};
use hansard::units::{Seconds, TimeSpan};
use serde_json::Value;

use super::{Golden, folder};

const TOLERANCE: f64 = 1e-9;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number, not {value}"))
}

fn list(value: &Value) -> &[Value] {
    let list = value.as_array().expect("a list");
    list.as_slice()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn span(value: &Value) -> TimeSpan {
    TimeSpan::from_secs(number(&value[0]), number(&value[1]))
}

fn turns(value: &Value) -> Vec<Turn> {
    list(value).iter().map(|turn| Turn { span: span(turn), speaker: text(&turn[2]).to_owned() }).collect()
}

#[track_caller]
fn assert_near(what: &str, found: f64, expected: &Value) {
    let expected = number(expected);
    assert!((found - expected).abs() <= TOLERANCE, "{what}: {found}, expected {expected}");
}

fn assert_errors(what: &str, found: &SpeechErrors, expected: &Value, names: [&str; 5]) {
    let [total, correct, missed, false_alarm, confusion] = names.map(|name| &expected[name]);
    assert_near(&format!("{what}: total"), found.total_secs, total);
    assert_near(&format!("{what}: correct"), found.correct_secs, correct);
    assert_near(&format!("{what}: missed"), found.missed_secs, missed);
    assert_near(&format!("{what}: false alarm"), found.false_alarm_secs, false_alarm);
    assert_near(&format!("{what}: confusion"), found.confusion_secs, confusion);
    assert_near(&format!("{what}: rate"), found.rate(), &expected["der"]);
}

#[test]
fn golden_der_wer_of_turns() {
    let golden = Golden::of("der_wer");
    let cases = list(&golden.json["der"]);
    assert!(!cases.is_empty());
    for case in cases {
        let (reference, hypothesis) = (turns(&case["reference"]), turns(&case["hypothesis"]));
        let uem: Vec<TimeSpan> = list(&case["uem"]).iter().map(span).collect();
        let name = text(&case["name"]);
        for expected in list(&case["results"]) {
            let regions = expected["uem"].as_bool().expect("a choice").then_some(uem.as_slice());
            let is_skipped = expected["skip_overlap"].as_bool().expect("a choice");
            let overlap = if is_skipped { Overlap::Skipped } else { Overlap::Scored };
            let options = DerOptions { collar: Seconds(number(&expected["collar"])), overlap };
            let score = der::score(&reference, &hypothesis, regions, &options);
            let what = format!("{name}, {options:?}, {regions:?}");
            let names = ["total", "correct", "missed", "false_alarm", "confusion"];
            assert_errors(&what, &score.errors, expected, names);
            assert_near(&format!("{what}: greedy"), score.greedy.rate(), &expected["greedy_der"]);
            if let Some(mapping) = expected["mapping"].as_object() {
                let mapping: BTreeMap<&str, &str> = mapping.iter().map(|(key, of)| (key.as_str(), text(of))).collect();
                let matched = |speaker: &'_ der::SpeakerScore| Some((speaker.matched.clone()?, speaker.label.clone()));
                let found: BTreeMap<String, String> = score.speakers.iter().filter_map(matched).collect();
                let found: BTreeMap<&str, &str> = found.iter().map(|(key, of)| (key.as_str(), of.as_str())).collect();
                assert_eq!(found, mapping, "{what}");
            }
        }
        let score = der::score(&reference, &hypothesis, Some(uem.as_slice()), &DerOptions::default());
        assert_near(&format!("{name}: Jaccard"), jaccard_error_rate(&score.speakers), &case["jer"]);
    }
    for (collar, expected) in golden.json["der_accumulated"].as_object().expect("the sums") {
        let collar_secs: f64 = collar.parse().expect("a number of seconds");
        let options = DerOptions { collar: Seconds(collar_secs), overlap: Overlap::Scored };
        let mut sum = SpeechErrors::default();
        for case in cases {
            let uem: Vec<TimeSpan> = list(&case["uem"]).iter().map(span).collect();
            sum.add(
                &der::score(&turns(&case["reference"]), &turns(&case["hypothesis"]), Some(uem.as_slice()), &options)
                    .errors,
            );
        }
        let mut components = expected["components"].clone();
        components["der"] = expected["der"].clone();
        let names = ["total", "correct", "missed detection", "false alarm", "confusion"];
        assert_errors(&format!("all, collar {collar}"), &sum, &components, names);
    }
}

#[test]
fn golden_der_wer_of_rttm() {
    let golden = Golden::of("der_wer");
    for case in list(&golden.json["der"]) {
        let name = text(&case["name"]);
        for (side, ending) in [("reference", "ref"), ("hypothesis", "hyp")] {
            let path = folder("der_wer").join(format!("{name}.{ending}.rttm"));
            let file = fs::read_to_string(path).expect("an RTTM file");
            let expected = turns(&case[side]);
            assert_eq!(rttm::write(name, &expected), file, "{name}, {side}");
            let read = rttm::parse(&file).expect("right lines");
            assert_eq!(read.len(), usize::from(!expected.is_empty()), "{name}, {side}");
            let written: String = read.iter().map(|entry| rttm::write(&entry.recording, &entry.turns)).collect();
            assert_eq!(written, file, "{name}, {side}, once more");
        }
    }
}

fn assert_counts(what: &str, found: &WerScore, expected: &Value, prefix: &str) {
    for (name, found) in [
        ("hits", found.hits),
        ("substitutions", found.substitutions),
        ("deletions", found.deletions),
        ("insertions", found.insertions),
    ] {
        let name = format!("{prefix}{name}");
        assert_eq!(Some(found as u64), expected[&name].as_u64(), "{what}: {name}");
    }
}

#[test]
fn golden_der_wer_of_text() {
    let golden = Golden::of("der_wer");
    let cases = list(&golden.json["wer"]);
    assert!(!cases.is_empty());
    let mut sum = WerScore::default();
    for case in cases {
        let (reference, hypothesis) = (text(&case["reference"]), text(&case["hypothesis"]));
        let what = format!("{reference} / {hypothesis}");
        let words = wer::score(reference, hypothesis, Unit::Words);
        assert_counts(&what, &words, case, "");
        assert_near(&what, words.rate(), &case["wer"]);
        assert_near(&what, words.match_error_rate(), &case["mer"]);
        assert_near(&what, words.information_lost(), &case["wil"]);
        assert_near(&what, words.information_preserved(), &case["wip"]);
        sum.add(&words);
        let characters = wer::score(reference, hypothesis, Unit::Characters);
        assert_counts(&what, &characters, case, "char_");
        assert_near(&what, characters.rate(), &case["cer"]);
        for (ending, normalisation) in [("en", Normalisation::English), ("basic", Normalisation::Basic)] {
            let [reference, hypothesis] = [reference, hypothesis].map(|text| normalise(text, normalisation));
            assert_eq!(reference, text(&case[format!("reference_{ending}")]));
            assert_eq!(hypothesis, text(&case[format!("hypothesis_{ending}")]));
            let rate = &case[format!("wer_{ending}")];
            if !rate.is_null() {
                assert_near(&what, wer::score(&reference, &hypothesis, Unit::Words).rate(), rate);
            }
        }
    }
    let expected = &golden.json["wer_corpus"];
    assert_counts("all", &sum, expected, "");
    assert_near("all", sum.rate(), &expected["wer"]);
}
