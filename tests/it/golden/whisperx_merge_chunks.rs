//! `whisperx_merge_chunks`: hysteresis, cutting of long regions, and merging to chunks; words and segments to speakers.

use hansard::pipeline::assemble::{OutsideTurns, assign_word_speakers};
use hansard::pipeline::chunk::merge_regions;
use hansard::pipeline::speech::{SpeechScores, SpeechThresholds, speech_regions};
use hansard::transcript::Turn;
use hansard::units::{Seconds, TimeSpan};
use serde_json::Value;

use super::Golden;
use super::pipeline_e2e_words::{assert_speakers, segments};

/// Times are sums of the same numbers in the same order.
const TOLERANCE_SECS: f64 = 1e-9;

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn spans(value: &Value) -> Vec<TimeSpan> {
    let span = |pair: &Value| TimeSpan::from_secs(number(&pair[0]), number(&pair[1]));
    value.as_array().expect("a list").iter().map(span).collect()
}

fn assert_spans(what: &str, found: &[TimeSpan], expected: &[TimeSpan]) {
    assert_eq!(found.len(), expected.len(), "{what}: {found:?}, expected {expected:?}");
    for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (found.start.0 - expected.start.0).abs().max((found.end.0 - expected.end.0).abs());
        assert!(off <= TOLERANCE_SECS, "{what} {n}: {found:?}, expected {expected:?}");
    }
}

fn assert_chunks(what: &str, regions: &[TimeSpan], max_chunk: f64, expected: &Value) {
    let chunks = merge_regions(regions, Seconds(max_chunk));
    let expected = expected.as_array().expect("a list");
    assert_eq!(chunks.len(), expected.len(), "{what}: number of chunks");
    for (n, (chunk, expected)) in chunks.iter().zip(expected).enumerate() {
        let span = TimeSpan::from_secs(number(&expected["start"]), number(&expected["end"]));
        assert_spans(&format!("{what}: chunk {n}"), &[chunk.span], &[span]);
        assert_spans(&format!("{what}: regions of chunk {n}"), &chunk.regions, &spans(&expected["segments"]));
    }
}

#[test]
fn golden_whisperx_merge_chunks() {
    let golden = Golden::of("whisperx_merge_chunks");
    let window = &golden.json["window"];
    let cases = golden.json["cases"].as_array().expect("the cases");
    assert!(!cases.is_empty());
    for case in cases {
        let name = case["scores"].as_str().expect("a name");
        let onset = number(&case["onset"]) as f32;
        let max_chunk = number(&case["chunk_size"]);
        let scores = SpeechScores {
            values: golden.tensor(&format!("scores_{name}")).0,
            frame_step: Seconds(number(&window["step"])),
            frame_duration: Seconds(number(&window["duration"])),
        };
        let thresholds = SpeechThresholds {
            onset,
            offset: case["offset"].as_f64().map_or(onset, |offset| offset as f32),
            max_region: Some(Seconds(max_chunk)),
        };
        let what = format!("{name}, onset {onset}, chunks of {max_chunk} s");
        let regions = speech_regions(&scores, &thresholds);
        assert_spans(&what, &regions, &spans(&case["binarized"]));
        assert_chunks(&what, &regions, max_chunk, &case["merged"]);
    }
}

#[test]
fn golden_whisperx_merge_chunks_of_lists() {
    let golden = Golden::of("whisperx_merge_chunks");
    for (n, case) in golden.json["list_cases"].as_array().expect("the cases").iter().enumerate() {
        assert_chunks(&format!("list {n}"), &spans(&case["segments"]), number(&case["chunk_size"]), &case["merged"]);
    }
}

#[test]
fn golden_whisperx_assign_word_speakers() {
    let golden = Golden::of("whisperx_merge_chunks");
    let assign = &golden.json["assign"];
    let turn = |turn: &Value| Turn {
        span: TimeSpan::from_secs(number(&turn[0]), number(&turn[1])),
        speaker: turn[2].as_str().expect("a label").to_owned(),
    };
    let turns: Vec<Turn> = assign["turns"].as_array().expect("the turns").iter().map(turn).collect();
    for (outside, expected) in
        [(OutsideTurns::Unassigned, "result"), (OutsideTurns::NearestTurn, "result_fill_nearest")]
    {
        let mut found = segments(&assign["transcript_in"]);
        assign_word_speakers(&turns, &mut found, outside);
        assert_speakers(expected, &found, &segments(&assign[expected]));
    }

    let untouched = segments(&assign["transcript_in"]);
    let mut found = untouched.clone();
    assign_word_speakers(&[], &mut found, OutsideTurns::NearestTurn);
    assert_eq!(found, untouched);
    // The golden values have the first few only.
    let expected = segments(&assign["empty_diarization"]);
    assert_eq!(found[..expected.len()], expected);
}
