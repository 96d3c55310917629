//! Who speaks in a recording, in the words of the window: names, talk time, what the comparison with known voices said.
//! It is worked out once for every change of the transcript; only the words are found when they are drawn, because the
//! window may speak another language by then. No egui in here.

use std::collections::BTreeSet;

use crate::transcript::talk::{TalkTime, talk_times};
use crate::transcript::{Recognition, Segment, Speaker, Transcript, Verdict};
use crate::units::Seconds;

use super::amounts::decimal_text;
use super::texts::text_with;

/// The speakers of one recording.
#[derive(Debug, Default)]
pub(super) struct Speakers {
    entries: Vec<SpeakerEntry>,
    /// All labels that were ever there, in the order in which they get colours: taking a speaker away changes the
    /// colour of nobody else, and bringing them back gives them the one they had.
    labels: Vec<String>,
}

/// What the window shows of one speaker.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SpeakerEntry {
    /// What the transcript calls them.
    pub(super) label: String,
    /// Their name; empty where they have none.
    pub(super) name: String,
    /// How long they speak,
    pub(super) talk: Seconds,
    /// and how much of all talk that is, 0 to 1.
    pub(super) share: f32,
    /// How often they take the word.
    pub(super) n_turns: usize,
    /// How they compare with the enrolled voices, where that was looked at.
    pub(super) recognition: Option<Recognition>,
    /// Whether their voice can be learnt.
    pub(super) voice: Voice,
}

/// Whether there is a voiceprint of a speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// There is one.
    Taken,
    /// Too little was said alone.
    Missing,
}

impl Speakers {
    /// The speakers, in the order of the transcript.
    pub(super) fn entries(&self) -> &[SpeakerEntry] {
        &self.entries
    }

    /// The speaker with this label.
    pub(super) fn entry(&self, label: &str) -> Option<&SpeakerEntry> {
        self.entries.iter().find(|entry| entry.label == label)
    }

    /// Which of the palette's colours a speaker has.
    pub(super) fn color_idx(&self, label: &str) -> usize {
        self.labels.iter().position(|known| known == label).unwrap_or(0)
    }

    /// Takes in a transcript that was replaced or edited.
    pub(super) fn refresh(&mut self, transcript: &Transcript) {
        self.note(transcript.speakers.iter().map(|speaker| speaker.label.as_str()));
        self.note_segments(&transcript.segments);
        let talk_times = talk_times(transcript);
        self.entries =
            transcript.speakers.iter().zip(&talk_times).map(|(speaker, talk)| entry(speaker, talk)).collect();
    }

    /// Gives colours to the speakers of segments that were added.
    pub(super) fn note_segments(&mut self, segments: &[Segment]) {
        self.note(segments.iter().filter_map(|segment| segment.speaker.as_deref()));
    }

    fn note<'a>(&mut self, labels: impl Iterator<Item = &'a str>) {
        let new: BTreeSet<&str> = labels.filter(|label| !self.labels.iter().any(|known| known == label)).collect();
        self.labels.extend(new.into_iter().map(str::to_owned));
    }
}

impl SpeakerEntry {
    /// What they are called: by their name, or by the label where they have none.
    pub(super) fn shown_name(&self) -> &str {
        if self.name.is_empty() { &self.label } else { &self.name }
    }

    /// How long they speak: `4:12 · 38 %`.
    pub(super) fn talk_text(&self) -> String {
        let [time, percent] = self.talk_figures();
        text_with("details-talk-figures", &[("time", time.into()), ("percent", percent.into())])
    }

    /// The same as it is read out: `Anna: 4:12, 38 %`.
    pub(super) fn talk_in_words(&self) -> String {
        let [time, percent] = self.talk_figures();
        let name = self.shown_name();
        text_with("details-talk", &[("name", name.into()), ("time", time.into()), ("percent", percent.into())])
    }

    fn talk_figures(&self) -> [String; 2] {
        [self.talk.to_string(), format!("{:.0}", self.share * 100.0)]
    }

    /// How often they take the word: `12 turns`.
    pub(super) fn turns_text(&self) -> String {
        text_with("speakers-turns", &[("n", self.n_turns.into())])
    }

    /// What the comparison with the enrolled voices said, where it was made.
    pub(super) fn recognition_text(&self) -> Option<String> {
        self.recognition.as_ref().map(recognition_line)
    }
}

fn entry(speaker: &Speaker, talk: &TalkTime) -> SpeakerEntry {
    SpeakerEntry {
        label: speaker.label.clone(),
        name: speaker.name.clone().unwrap_or_default(),
        talk: talk.seconds,
        share: talk.share as f32,
        n_turns: talk.n_turns,
        recognition: speaker.recognition.clone(),
        voice: if speaker.voiceprint.is_empty() { Voice::Missing } else { Voice::Taken },
    }
}

fn recognition_line(recognition: &Recognition) -> String {
    let Recognition { nearest, score, margin, verdict } = recognition;
    let outcome = match verdict {
        Verdict::Recognised => text_with("speakers-recognised", &[("name", nearest.into())]),
        Verdict::Unknown => text_with("speakers-unknown", &[("name", nearest.into())]),
    };
    let score = decimal_text(*score, 2);
    let Some(margin) = margin else {
        return text_with("speakers-score", &[("outcome", outcome.into()), ("score", score.into())]);
    };
    let margin = decimal_text(*margin, 2);
    text_with(
        "speakers-score-and-margin",
        &[("outcome", outcome.into()), ("score", score.into()), ("margin", margin.into())],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Turn;
    use crate::units::TimeSpan;

    #[test]
    fn comparisons_are_told_with_score_and_margin() {
        for (verdict, score, margin, expected) in [
            (Verdict::Recognised, 0.714, Some(0.231), "Recognised as Nora, score 0.71, margin 0.23"),
            (Verdict::Recognised, 0.9, None, "Recognised as Nora, score 0.90"),
            (Verdict::Unknown, 0.31, Some(0.02), "Unknown; nearest is Nora, score 0.31, margin 0.02"),
        ] {
            let recognition = Recognition { nearest: "Nora".to_owned(), score, margin, verdict };
            assert_eq!(recognition_line(&recognition), expected);
        }
    }

    #[test]
    fn a_speaker_is_put_into_words() {
        let mut speakers = Speakers::default();
        speakers.refresh(&meeting(&["SPEAKER_00", "SPEAKER_01"]));
        let [first, second] = speakers.entries() else { panic!("{:?}", speakers.entries()) };
        assert_eq!((first.shown_name(), first.talk_text().as_str()), ("Nora", "1:15 · 75 %"));
        assert_eq!((first.turns_text().as_str(), first.voice), ("2 turns", Voice::Taken));
        assert_eq!(first.recognition_text(), None);
        assert_eq!((second.shown_name(), second.talk_text().as_str()), ("SPEAKER_01", "0:25 · 25 %"));
        assert_eq!((second.turns_text().as_str(), second.voice), ("1 turn", Voice::Missing));
    }

    #[test]
    fn colours_follow_the_labels_and_stay() {
        let mut speakers = Speakers::default();
        let colors =
            |speakers: &Speakers| ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"].map(|label| speakers.color_idx(label));
        let said_by = |label: &str| Segment { speaker: Some(label.to_owned()), ..Segment::default() };
        // Those who come together are sorted, whoever speaks first.
        speakers.note_segments(&["SPEAKER_02", "SPEAKER_00", "SPEAKER_01"].map(said_by));
        assert_eq!(colors(&speakers), [0, 1, 2]);
        for labels in [vec!["SPEAKER_00", "SPEAKER_02"], vec!["SPEAKER_02"], vec!["SPEAKER_01", "SPEAKER_02"]] {
            speakers.refresh(&meeting(&labels));
            assert_eq!(colors(&speakers), [0, 1, 2], "after {labels:?}");
        }
    }

    /// The first speaker is called Nora. Three turns of 50, 25 and 25 s go round among the speakers.
    fn meeting(labels: &[&str]) -> Transcript {
        let speaker = |(idx, label): (usize, &&str)| Speaker {
            label: (*label).to_owned(),
            name: (idx == 0).then(|| "Nora".to_owned()),
            voiceprint: if idx == 0 { vec![1.0, 0.0] } else { Vec::new() },
            ..Speaker::default()
        };
        let turn = |(idx, (start_secs, end_secs)): (usize, (f64, f64))| Turn {
            span: TimeSpan::from_secs(start_secs, end_secs),
            speaker: labels[idx % labels.len()].to_owned(),
        };
        Transcript {
            duration: Seconds(120.0),
            speakers: labels.iter().enumerate().map(speaker).collect(),
            turns: [(0.0, 50.0), (50.0, 75.0), (80.0, 105.0)].into_iter().enumerate().map(turn).collect(),
            ..Transcript::default()
        }
    }
}
