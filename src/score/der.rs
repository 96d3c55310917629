//! Diarization error rate and Jaccard error rate of one recording: the turns of a reference and of a hypothesis become
//! seconds that are right, missed, false alarms, or given to the wrong speaker.
//!
//! As `DiarizationErrorRate`, `GreedyDiarizationErrorRate` and `JaccardErrorRate` of `pyannote.metrics` 4.2.0: where
//! turns of one speaker overlap, each of them counts; turns of no more than a microsecond do not count.

use serde::Serialize;

use crate::assignment;
use crate::transcript::Turn;
use crate::units::{Seconds, TimeSpan};

/// What is left out of the evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DerOptions {
    /// The width of the stretch around each boundary of the reference that is left out: half of it before the boundary,
    /// half behind. What NIST and dscore call a collar of 0.25 s is 0.5 s here.
    pub collar: Seconds,
    /// Whether speech counts where the reference has more than one turn at once.
    pub overlap: Overlap,
}

/// What becomes of overlapping turns of the reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// They count like all others.
    #[default]
    Scored,
    /// The time where they overlap does not count.
    Skipped,
}

/// Seconds of speech by what became of them. Where two speak at once, a second is two seconds of speech.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SpeechErrors {
    /// Speech of the reference.
    pub total_secs: f64,
    /// Given to the right speaker.
    pub correct_secs: f64,
    /// Not in the hypothesis.
    pub missed_secs: f64,
    /// Only in the hypothesis.
    pub false_alarm_secs: f64,
    /// Given to another speaker.
    pub confusion_secs: f64,
}

impl SpeechErrors {
    /// Errors for each second of speech; 0 where there is neither, 1 where there are only errors.
    pub fn rate(&self) -> f64 {
        let errors_secs = self.confusion_secs + self.false_alarm_secs + self.missed_secs;
        if self.total_secs > 0.0 {
            errors_secs / self.total_secs
        } else if errors_secs > 0.0 {
            1.0
        } else {
            0.0
        }
    }

    /// Adds those of another recording.
    pub fn add(&mut self, other: &Self) {
        self.total_secs += other.total_secs;
        self.correct_secs += other.correct_secs;
        self.missed_secs += other.missed_secs;
        self.false_alarm_secs += other.false_alarm_secs;
        self.confusion_secs += other.confusion_secs;
    }
}

/// How one speaker of the reference was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpeakerScore {
    /// What the reference calls them.
    pub label: String,
    /// What the hypothesis calls them, where one of its speakers was taken for them.
    pub matched: Option<String>,
    /// How long they speak.
    pub speech_secs: f64,
    /// Of the time in which either the speaker or the one taken for them speaks, the share in which only one does.
    pub jaccard_error: f64,
}

/// How a hypothesis compares with its reference.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DerScore {
    /// With the speakers of the hypothesis taken for those of the reference as it is best for the rate.
    pub errors: SpeechErrors,
    /// With the two taken for one another that share most time, then the two of the rest, and so on.
    pub greedy: SpeechErrors,
    /// The speakers of the reference who speak where it counts, by label.
    pub speakers: Vec<SpeakerScore>,
}

/// The mean of the speakers' errors; 1 where there are no speakers.
pub fn jaccard_error_rate<'a>(speakers: impl IntoIterator<Item = &'a SpeakerScore>) -> f64 {
    let (mut sum, mut n_speakers) = (0.0, 0_u32);
    for speaker in speakers {
        sum += speaker.jaccard_error;
        n_speakers += 1;
    }
    if n_speakers > 0 { sum / f64::from(n_speakers) } else { 1.0 }
}

/// Compares turns within `regions`, or wherever there are any.
pub fn score(reference: &[Turn], hypothesis: &[Turn], regions: Option<&[TimeSpan]>, options: &DerOptions) -> DerScore {
    let (reference_labels, hypothesis_labels) = (labels(reference), labels(hypothesis));
    let sides = [(reference, reference_labels.as_slice()), (hypothesis, hypothesis_labels.as_slice())];
    let slices = slices(sides, regions, options);
    let shared = SharedTime::of(&slices, reference_labels.len(), hypothesis_labels.len());
    let optimal = shared.optimal_mapping();
    DerScore {
        errors: errors(&slices, &optimal),
        greedy: errors(&slices, &shared.greedy_mapping()),
        speakers: speakers(&slices, &optimal, &reference_labels, &hypothesis_labels),
    }
}

/// Nothing shorter than this is a turn, a collar or a region.
const MIN_SPAN_SECS: f64 = 1e-6;

fn labels(turns: &[Turn]) -> Vec<&str> {
    let mut labels: Vec<&str> = turns.iter().map(|turn| turn.speaker.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

/// A stretch of time that counts and in which nobody begins or ends.
struct Slice {
    secs: f64,
    /// The speakers of the reference, by number; those with several turns at once stand there several times.
    reference: Vec<usize>,
    /// Those of the hypothesis.
    hypothesis: Vec<usize>,
}

#[derive(Clone, Copy)]
enum Side {
    Reference,
    Hypothesis,
}

#[derive(Clone, Copy)]
enum Span {
    Turn(Side, usize),
    Collar,
    Region,
}

#[derive(Clone, Copy)]
enum Edge {
    Begin,
    End,
}

/// Goes through all begins and ends in order of time. Between two of them lies a slice.
fn slices(sides: [(&[Turn], &[&str]); 2], regions: Option<&[TimeSpan]>, options: &DerOptions) -> Vec<Slice> {
    let mut edges: Vec<(f64, Edge, Span)> = Vec::new();
    let mut add = |start_secs: f64, end_secs: f64, span: Span| {
        if end_secs - start_secs > MIN_SPAN_SECS {
            edges.push((start_secs, Edge::Begin, span));
            edges.push((end_secs, Edge::End, span));
        }
    };
    for ((turns, labels), side) in sides.into_iter().zip([Side::Reference, Side::Hypothesis]) {
        for turn in turns {
            let label = labels.binary_search(&turn.speaker.as_str()).expect("the labels are those of the turns");
            add(turn.span.start.0, turn.span.end.0, Span::Turn(side, label));
        }
    }
    let (reference, _) = sides[0];
    let half_collar_secs = options.collar.0 / 2.0;
    for span in reference.iter().map(|turn| turn.span).filter(|span| span.duration().0 > MIN_SPAN_SECS) {
        for boundary in [span.start.0, span.end.0] {
            add(boundary - half_collar_secs, boundary + half_collar_secs, Span::Collar);
        }
    }
    for region in regions.unwrap_or_default() {
        add(region.start.0, region.end.0, Span::Region);
    }
    edges.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));

    let mut now = Now { n_regions: usize::from(regions.is_none()), ..Now::default() };
    let mut slices = Vec::new();
    for (idx, (at, edge, span)) in edges.iter().enumerate() {
        now.pass(*edge, *span);
        let next_at = edges.get(idx + 1).map_or(*at, |(next_at, ..)| *next_at);
        if next_at > *at && now.counts(options.overlap) {
            let (reference, hypothesis) = (now.reference.clone(), now.hypothesis.clone());
            slices.push(Slice { secs: next_at - at, reference, hypothesis });
        }
    }
    slices
}

/// What holds at one point in time.
#[derive(Default)]
struct Now {
    reference: Vec<usize>,
    hypothesis: Vec<usize>,
    n_collars: usize,
    n_regions: usize,
}

impl Now {
    fn pass(&mut self, edge: Edge, span: Span) {
        let count = |n: usize| match edge {
            Edge::Begin => n + 1,
            Edge::End => n - 1,
        };
        match span {
            Span::Collar => self.n_collars = count(self.n_collars),
            Span::Region => self.n_regions = count(self.n_regions),
            Span::Turn(side, label) => {
                let active = match side {
                    Side::Reference => &mut self.reference,
                    Side::Hypothesis => &mut self.hypothesis,
                };
                match edge {
                    Edge::Begin => active.push(label),
                    Edge::End => assert!(take(active, label), "a turn ends after it began"),
                }
            }
        }
    }

    /// Whether somebody speaks here, and it counts.
    fn counts(&self, overlap: Overlap) -> bool {
        let is_left_out = match overlap {
            Overlap::Scored => false,
            Overlap::Skipped => self.reference.len() > 1,
        };
        let speaks = !self.reference.is_empty() || !self.hypothesis.is_empty();
        speaks && self.n_regions > 0 && self.n_collars == 0 && !is_left_out
    }
}

/// Takes one `label` out of the list; whether there was one.
fn take(labels: &mut Vec<usize>, label: usize) -> bool {
    let Some(at) = labels.iter().position(|active| *active == label) else { return false };
    labels.swap_remove(at);
    true
}

/// For each speaker of the hypothesis, the one of the reference they are taken for.
type Mapping = Vec<Option<usize>>;

/// How long each speaker of the hypothesis speaks at the same time as each of the reference.
struct SharedTime {
    n_reference: usize,
    n_hypothesis: usize,
    /// [hypothesis, reference]
    secs: Vec<f64>,
}

impl SharedTime {
    fn of(slices: &[Slice], n_reference: usize, n_hypothesis: usize) -> Self {
        let mut secs = vec![0.0; n_hypothesis * n_reference];
        for slice in slices {
            for hypothesis in &slice.hypothesis {
                for reference in &slice.reference {
                    secs[hypothesis * n_reference + reference] += slice.secs;
                }
            }
        }
        Self { n_reference, n_hypothesis, secs }
    }

    fn optimal_mapping(&self) -> Mapping {
        let mut mapping = assignment::maximise(&self.secs, self.n_reference);
        mapping.resize(self.n_hypothesis, None);
        for (hypothesis, reference) in mapping.iter_mut().enumerate() {
            *reference = reference.filter(|reference| self.secs[hypothesis * self.n_reference + reference] > 0.0);
        }
        mapping
    }

    fn greedy_mapping(&self) -> Mapping {
        let mut pairs: Vec<(usize, f64)> =
            self.secs.iter().copied().enumerate().filter(|(_, secs)| *secs > 0.0).collect();
        // The sort is stable: of equal pairs, the first comes first.
        pairs.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let mut mapping = vec![None; self.n_hypothesis];
        for (idx, _) in pairs {
            let (hypothesis, reference) = (idx / self.n_reference, idx % self.n_reference);
            if mapping[hypothesis].is_none() && !mapping.contains(&Some(reference)) {
                mapping[hypothesis] = Some(reference);
            }
        }
        mapping
    }
}

fn errors(slices: &[Slice], mapping: &[Option<usize>]) -> SpeechErrors {
    let mut errors = SpeechErrors::default();
    for slice in slices {
        let (n_reference, n_hypothesis) = (slice.reference.len(), slice.hypothesis.len());
        let mut unmatched = slice.reference.clone();
        let is_right = |hypothesis: &&usize| mapping[**hypothesis].is_some_and(|label| take(&mut unmatched, label));
        let n_correct = slice.hypothesis.iter().filter(is_right).count();
        errors.total_secs += slice.secs * n_reference as f64;
        errors.correct_secs += slice.secs * n_correct as f64;
        errors.missed_secs += slice.secs * n_reference.saturating_sub(n_hypothesis) as f64;
        errors.false_alarm_secs += slice.secs * n_hypothesis.saturating_sub(n_reference) as f64;
        errors.confusion_secs += slice.secs * (n_reference.min(n_hypothesis) - n_correct) as f64;
    }
    errors
}

fn speakers(
    slices: &[Slice],
    mapping: &[Option<usize>],
    reference_labels: &[&str],
    hypothesis_labels: &[&str],
) -> Vec<SpeakerScore> {
    let mut scores = Vec::new();
    for (reference, label) in reference_labels.iter().enumerate() {
        let matched = mapping.iter().position(|label| *label == Some(reference));
        let (mut speech_secs, mut both_secs, mut either_secs) = (0.0, 0.0, 0.0);
        for slice in slices {
            let speaks = slice.reference.contains(&reference);
            let is_heard = matched.is_some_and(|matched| slice.hypothesis.contains(&matched));
            speech_secs += if speaks { slice.secs } else { 0.0 };
            both_secs += if speaks && is_heard { slice.secs } else { 0.0 };
            either_secs += if speaks || is_heard { slice.secs } else { 0.0 };
        }
        if speech_secs > 0.0 {
            scores.push(SpeakerScore {
                label: (*label).to_owned(),
                matched: matched.map(|matched| hypothesis_labels[matched].to_owned()),
                speech_secs,
                jaccard_error: 1.0 - both_secs / either_secs,
            });
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(list: &[(f64, f64, &str)]) -> Vec<Turn> {
        let turn = |&(start_secs, end_secs, speaker): &(f64, f64, &str)| Turn {
            span: TimeSpan::from_secs(start_secs, end_secs),
            speaker: speaker.to_owned(),
        };
        list.iter().map(turn).collect()
    }

    /// What the golden values do not have: turns without length or outside of all regions, a collar as wide as a turn.
    #[test]
    fn what_does_not_count_is_left_out() {
        let reference = turns(&[(0.0, 4.0, "A"), (4.0, 4.0, "B"), (9.0, 10.0, "C")]);
        let hypothesis = turns(&[(0.0, 5.0, "x"), (7.0, 7.0, "y")]);
        let region = [TimeSpan::from_secs(1.0, 6.0)];
        for (regions, collar, total_secs, missed_secs, false_alarm_secs, n_speakers) in [
            (None, 0.0, 5.0, 1.0, 1.0, 2),
            (Some(&region[..]), 0.0, 3.0, 0.0, 1.0, 1),
            (None, 1.0, 3.0, 0.0, 0.5, 1),
            (Some(&region[..0]), 0.0, 0.0, 0.0, 0.0, 0),
        ] {
            let options = DerOptions { collar: Seconds(collar), overlap: Overlap::Scored };
            let score = score(&reference, &hypothesis, regions, &options);
            let expected = SpeechErrors {
                total_secs,
                correct_secs: total_secs - missed_secs,
                missed_secs,
                false_alarm_secs,
                confusion_secs: 0.0,
            };
            assert_eq!(score.errors, expected, "{regions:?}, collar {collar}");
            assert_eq!(score.greedy, expected);
            assert_eq!(score.speakers.len(), n_speakers);
        }
    }
}
