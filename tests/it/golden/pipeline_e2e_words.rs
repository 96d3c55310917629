//! `pipeline_e2e`: aligned words and speaker turns become words and segments that know their speaker.

use hansard::pipeline::assemble::{OutsideTurns, assign_word_speakers};
use hansard::transcript::{Segment, Turn, Word};
use hansard::units::TimeSpan;
use serde_json::Value;

use super::Golden;

/// The configuration whose turns the words of the reference were given to.
const TURNS_OF: &str = "ahc_min_off";

/// The segments of a result of whisperX. What has a start but no end lasts no time, and a segment without times is at 0,
/// as whisperX reads them.
pub(super) fn segments(result: &Value) -> Vec<Segment> {
    let segment = |segment: &Value| Segment {
        span: span(segment).unwrap_or_default(),
        text: text(&segment["text"]).expect("every segment has its text"),
        avg_logprob: segment["avg_logprob"].as_f64(),
        speaker: text(&segment["speaker"]),
        words: segment["words"].as_array().into_iter().flatten().map(word).collect(),
    };
    result.as_array().expect("a list of segments").iter().map(segment).collect()
}

/// Whether every segment and word has the speaker that is expected, and all else is as it was.
pub(super) fn assert_speakers(what: &str, found: &[Segment], expected: &[Segment]) {
    assert_eq!(found.len(), expected.len(), "{what}: number of segments");
    for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found, expected, "{what}: segment {n}");
    }
    let n_known = expected.iter().flat_map(|segment| &segment.words).filter(|word| word.speaker.is_some()).count();
    assert!(n_known > 0, "{what}: the reference has no word with a speaker");
}

#[test]
fn golden_pipeline_e2e_words_to_speakers() {
    let golden = Golden::of("pipeline_e2e");
    let turns: Vec<Turn> = golden.json["diarization"][TURNS_OF]["diarization"]
        .as_array()
        .expect("the turns")
        .iter()
        .map(|turn| Turn {
            span: span(turn).expect("every turn has its times"),
            speaker: text(&turn["speaker"]).expect("every turn has its speaker"),
        })
        .collect();
    let mut found = segments(&golden.json["align"]["segments"]);
    assign_word_speakers(&turns, &mut found, OutsideTurns::Unassigned);
    assert_speakers(TURNS_OF, &found, &segments(&golden.json["final"]["segments"]));
}

fn word(word: &Value) -> Word {
    Word {
        text: text(&word["word"]).expect("every word has its text"),
        span: span(word),
        score: word["score"].as_f64(),
        speaker: text(&word["speaker"]),
        overlapped_by: Vec::new(),
    }
}

fn span(timed: &Value) -> Option<TimeSpan> {
    let start = timed["start"].as_f64()?;
    Some(TimeSpan::from_secs(start, timed["end"].as_f64().unwrap_or(start)))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
