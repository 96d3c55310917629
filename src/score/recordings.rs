//! Diarization error rates of all recordings in two RTTM files: which belong together, what each is like, and all of
//! them as one.

use std::collections::BTreeMap;

use crate::transcript::Turn;
use crate::transcript::rttm::RecordingTurns;
use crate::units::TimeSpan;

use super::der::{self, DerOptions, DerScore, SpeakerScore, SpeechErrors};
use super::uem::EvaluationMap;

/// The score of one recording.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingScore {
    /// What the reference calls it, or the hypothesis where it is only there.
    pub recording: String,
    /// How the hypothesis compares with the reference.
    pub score: DerScore,
}

/// Scores every recording, those of the reference first. Where each side has one recording, these belong together
/// whatever they are called. A recording that only one side has is compared with silence; one that is missing from
/// `evaluated` is left out. The user should see the warnings.
pub fn score(
    reference: &[RecordingTurns],
    hypothesis: &[RecordingTurns],
    evaluated: Option<&EvaluationMap>,
    options: &DerOptions,
) -> (Vec<RecordingScore>, Vec<String>) {
    let mut warnings = Vec::new();
    let mut scores = Vec::new();
    for pair in pairs(reference, hypothesis, &mut warnings) {
        let regions = match evaluated.map(|map| regions(map, pair.recording, reference.len().max(hypothesis.len()))) {
            None => None,
            Some(Some(regions)) => Some(regions),
            Some(None) => {
                warnings.push(format!("{} is not in the UEM file and is left out", pair.recording));
                continue;
            }
        };
        let score = der::score(pair.reference, pair.hypothesis, regions, options);
        scores.push(RecordingScore { recording: pair.recording.to_owned(), score });
    }
    (scores, warnings)
}

/// All recordings as one: seconds are added up, and every speaker of every recording is one more speaker.
pub fn total(scores: &[RecordingScore]) -> DerScore {
    let (mut errors, mut greedy) = (SpeechErrors::default(), SpeechErrors::default());
    let mut speakers: Vec<SpeakerScore> = Vec::new();
    for RecordingScore { score, .. } in scores {
        errors.add(&score.errors);
        greedy.add(&score.greedy);
        speakers.extend_from_slice(&score.speakers);
    }
    DerScore { errors, greedy, speakers }
}

struct Pair<'a> {
    recording: &'a str,
    reference: &'a [Turn],
    hypothesis: &'a [Turn],
}

fn pairs<'a>(
    reference: &'a [RecordingTurns],
    hypothesis: &'a [RecordingTurns],
    warnings: &mut Vec<String>,
) -> Vec<Pair<'a>> {
    if let ([reference], [hypothesis]) = (reference, hypothesis) {
        if reference.recording != hypothesis.recording {
            let (name, other) = (&reference.recording, &hypothesis.recording);
            warnings
                .push(format!("the reference calls the recording {name}, the hypothesis {other}; taken for the same"));
        }
        let (recording, reference, hypothesis) = (&reference.recording, &reference.turns, &hypothesis.turns);
        return vec![Pair { recording, reference, hypothesis }];
    }
    let by_name = |list: &'a [RecordingTurns]| -> BTreeMap<&'a str, &'a [Turn]> {
        list.iter().map(|entry| (entry.recording.as_str(), entry.turns.as_slice())).collect()
    };
    let (in_reference, in_hypothesis) = (by_name(reference), by_name(hypothesis));
    let mut pairs = Vec::new();
    for entry in reference {
        let recording = entry.recording.as_str();
        let hypothesis = in_hypothesis.get(recording).copied().unwrap_or_default();
        if hypothesis.is_empty() {
            warnings.push(format!("{recording} is not in the hypothesis: all of its speech counts as missed"));
        }
        pairs.push(Pair { recording, reference: &entry.turns, hypothesis });
    }
    for entry in hypothesis.iter().filter(|entry| !in_reference.contains_key(entry.recording.as_str())) {
        let recording = entry.recording.as_str();
        warnings.push(format!("{recording} is not in the reference: all of its speech counts as false alarm"));
        pairs.push(Pair { recording, reference: &[], hypothesis: &entry.turns });
    }
    pairs
}

/// The regions of a recording, or those of the only recording there is; `None` where there are none for it.
fn regions<'a>(map: &'a EvaluationMap, recording: &str, n_recordings: usize) -> Option<&'a [TimeSpan]> {
    let only = map.values().next().filter(|_| map.len() == 1 && n_recordings == 1);
    map.get(recording).or(only).map(Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_are_paired_by_name_and_what_is_alone_is_told() {
        let turns = |recording: &str, secs: f64| RecordingTurns {
            recording: recording.to_owned(),
            turns: vec![Turn { span: TimeSpan::from_secs(0.0, secs), speaker: "A".to_owned() }],
        };
        let map = EvaluationMap::from([("a".to_owned(), vec![TimeSpan::from_secs(0.0, 1.0)])]);
        for (reference, hypothesis, evaluated, expected, n_warnings, total_secs, total_rate) in [
            (vec![], vec![], None, vec![], 0, 0.0, 0.0),
            (vec![turns("a", 2.0)], vec![turns("a", 2.0)], None, vec![("a", 0.0)], 0, 2.0, 0.0),
            (vec![turns("a", 2.0)], vec![turns("b", 1.0)], None, vec![("a", 0.5)], 1, 2.0, 0.5),
            (vec![turns("b", 2.0)], vec![turns("b", 4.0)], Some(&map), vec![("b", 0.0)], 0, 1.0, 0.0),
            (vec![turns("a", 2.0)], vec![], None, vec![("a", 1.0)], 1, 2.0, 1.0),
            (
                vec![turns("b", 1.0), turns("a", 2.0)],
                vec![turns("c", 1.0), turns("a", 3.0)],
                None,
                vec![("b", 1.0), ("a", 0.5), ("c", 1.0)],
                2,
                3.0,
                1.0,
            ),
            (
                vec![turns("b", 1.0), turns("a", 2.0)],
                vec![turns("b", 1.0), turns("a", 3.0)],
                Some(&map),
                vec![("a", 0.0)],
                1,
                1.0,
                0.0,
            ),
        ] {
            let (scores, warnings) = score(&reference, &hypothesis, evaluated, &DerOptions::default());
            let rates: Vec<_> =
                scores.iter().map(|entry| (entry.recording.as_str(), entry.score.errors.rate())).collect();
            assert_eq!(rates, expected, "{reference:?} {hypothesis:?}");
            assert_eq!(warnings.len(), n_warnings, "{warnings:?}");
            let found = total(&scores).errors;
            assert!((found.total_secs - total_secs).abs() < 1e-9 && (found.rate() - total_rate).abs() < 1e-9);
        }
    }
}
