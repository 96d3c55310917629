//! Which voices the engine was asked to learn from which speakers, and which it has learnt. The engine answers in the
//! order in which it was asked. No egui in here.

use std::collections::VecDeque;

use crate::engine::voices::VoicesOutcome;

use super::speakers::{SpeakerEntry, Voice};
use super::texts::{text, text_with};

/// All that was asked for since the window opened.
#[derive(Debug, Default)]
pub(super) struct Lessons {
    /// Without an answer yet, in order.
    asked: VecDeque<Wish>,
    /// Learnt and not taken back; one for a speaker.
    learnt: Vec<Lesson>,
}

/// A voice that is to be learnt from a speaker of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lesson {
    /// Place of the recording in the list.
    pub(super) recording_idx: usize,
    /// Label of the speaker.
    pub(super) label: String,
    /// Name of the voice.
    pub(super) name: String,
}

/// What can be done about the voice of a speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learning {
    /// Nothing, and this is why.
    Impossible(Obstacle),
    /// It can be learnt.
    Possible,
    /// The engine has not answered yet.
    Asked,
    /// It is learnt, and can be taken back.
    Learnt,
    /// It is learnt under another name than the speaker has now: it can be taken back, or be learnt under this one.
    LearntOtherwise,
}

/// Why the voice of a speaker cannot be learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// The speaker has no name.
    NoName,
    /// Too little was said alone.
    TooLittleSaid,
}

/// What the engine was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wish {
    Learn(Lesson),
    TakeBack(Lesson),
}

impl Lessons {
    /// What can be done about the voice of this speaker.
    pub(super) fn of(&self, recording_idx: usize, entry: &SpeakerEntry) -> Learning {
        if self.is_asked(recording_idx, &entry.label) {
            return Learning::Asked;
        }
        match (self.learnt(recording_idx, &entry.label), obstacle(entry)) {
            (None, Some(why)) => Learning::Impossible(why),
            (None, None) => Learning::Possible,
            (Some(lesson), None) if lesson.name != entry.name => Learning::LearntOtherwise,
            (Some(_), _) => Learning::Learnt,
        }
    }

    /// Notes that the engine is asked to learn a voice.
    pub(super) fn ask(&mut self, lesson: Lesson) {
        self.asked.push_back(Wish::Learn(lesson));
    }

    /// Notes that the engine is asked to take back what it learnt from a speaker; says whether there is something to
    /// take back and nothing to wait for.
    pub(super) fn ask_back(&mut self, recording_idx: usize, label: &str) -> bool {
        let lesson = self.learnt(recording_idx, label).filter(|_| !self.is_asked(recording_idx, label)).cloned();
        let is_possible = lesson.is_some();
        self.asked.extend(lesson.map(Wish::TakeBack));
        is_possible
    }

    /// Notes that the engine has done what it was asked first, and says so in one line.
    pub(super) fn done(&mut self, outcome: &VoicesOutcome) -> Option<String> {
        match self.asked.pop_front()? {
            Wish::Learn(lesson) => {
                let notice = text_with("speakers-voice-learnt", &[("name", lesson.name.as_str().into())]);
                // Learnt under another name before, it has moved.
                self.forget(&lesson);
                self.learnt.push(lesson);
                Some(notice)
            }
            Wish::TakeBack(lesson) => {
                self.forget(&lesson);
                // The voice may have got another name since.
                let VoicesOutcome::Unlearned { name } = outcome else { return None };
                Some(text_with("speakers-voice-taken-back", &[("name", name.into())]))
            }
        }
    }

    /// Notes that the engine could not do what it was asked first. What could not be taken back is not there any more,
    /// as a rule, and can be learnt again.
    pub(super) fn failed(&mut self) {
        if let Some(Wish::TakeBack(lesson)) = self.asked.pop_front() {
            self.forget(&lesson);
        }
    }

    /// Notes that no answer will come any more.
    pub(super) fn give_up(&mut self) {
        self.asked.clear();
    }

    fn is_asked(&self, recording_idx: usize, label: &str) -> bool {
        self.asked.iter().any(|wish| match wish {
            Wish::Learn(lesson) | Wish::TakeBack(lesson) => lesson.is_of(recording_idx, label),
        })
    }

    fn learnt(&self, recording_idx: usize, label: &str) -> Option<&Lesson> {
        self.learnt.iter().find(|lesson| lesson.is_of(recording_idx, label))
    }

    fn forget(&mut self, lesson: &Lesson) {
        self.learnt.retain(|known| !known.is_of(lesson.recording_idx, &lesson.label));
    }
}

impl Lesson {
    /// Whether it is of this speaker, by whatever name: that may have been corrected since.
    fn is_of(&self, recording_idx: usize, label: &str) -> bool {
        self.recording_idx == recording_idx && self.label == label
    }
}

impl Obstacle {
    /// What the user reads of it.
    pub(super) fn text(self) -> String {
        match self {
            Self::NoName => text("speakers-no-name"),
            Self::TooLittleSaid => text("speakers-too-little-said"),
        }
    }
}

fn obstacle(entry: &SpeakerEntry) -> Option<Obstacle> {
    if entry.name.is_empty() {
        Some(Obstacle::NoName)
    } else if entry.voice == Voice::Missing {
        Some(Obstacle::TooLittleSaid)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seconds;

    #[test]
    fn every_lesson_can_be_taken_back_whatever_the_speaker_is_called_by_then() {
        let mut lessons = Lessons::default();
        let [nora, brian] = [("SPEAKER_00", "Nora"), ("SPEAKER_01", "Brian")].map(|(label, name)| entry(label, name));
        let both = |lessons: &Lessons| (lessons.of(0, &nora), lessons.of(0, &brian));
        assert_eq!(both(&lessons), (Learning::Possible, Learning::Possible));
        lessons.ask(lesson(&nora));
        lessons.ask(lesson(&brian));
        assert_eq!(both(&lessons), (Learning::Asked, Learning::Asked));
        assert_eq!(lessons.done(&VoicesOutcome::Learned).as_deref(), Some("Learnt the voice of Nora"));
        assert_eq!(both(&lessons), (Learning::Learnt, Learning::Asked));
        assert!(!lessons.ask_back(0, "SPEAKER_01"), "it is not learnt yet");
        assert!(lessons.done(&VoicesOutcome::Learned).is_some());
        assert_eq!(both(&lessons), (Learning::Learnt, Learning::Learnt));
        assert_eq!(lessons.of(1, &nora), Learning::Possible, "in another recording it is another voiceprint");

        for (name, expected) in [("Ana", Learning::LearntOtherwise), ("", Learning::Learnt)] {
            assert_eq!(lessons.of(0, &entry("SPEAKER_00", name)), expected, "{name:?}");
        }
        lessons.ask(lesson(&entry("SPEAKER_00", "Ana")));
        assert!(lessons.done(&VoicesOutcome::Learned).is_some());
        assert_eq!(both(&lessons), (Learning::LearntOtherwise, Learning::Learnt), "it is Ana's voice now");

        assert!(lessons.ask_back(0, "SPEAKER_00"));
        assert!(!lessons.ask_back(0, "SPEAKER_00"), "it is asked for already");
        assert_eq!(both(&lessons), (Learning::Asked, Learning::Learnt));
        let undone = VoicesOutcome::Unlearned { name: "Anna".to_owned() };
        assert_eq!(lessons.done(&undone).as_deref(), Some("Took back what was learnt of Anna"));
        assert_eq!(both(&lessons), (Learning::Possible, Learning::Learnt));
    }

    #[test]
    fn what_fails_can_be_asked_again() {
        let mut lessons = Lessons::default();
        let nora = entry("SPEAKER_00", "Nora");
        for forget in [Lessons::failed, Lessons::give_up] {
            lessons.ask(lesson(&nora));
            forget(&mut lessons);
            assert_eq!(lessons.of(0, &nora), Learning::Possible);
        }
        assert!(!lessons.ask_back(0, "SPEAKER_00"), "nothing was learnt");
        assert_eq!(lessons.done(&VoicesOutcome::Learned), None, "an answer that nobody waits for");
        lessons.ask(lesson(&nora));
        assert!(lessons.done(&VoicesOutcome::Learned).is_some() && lessons.ask_back(0, "SPEAKER_00"));
        lessons.failed();
        assert_eq!(lessons.of(0, &nora), Learning::Possible, "somebody else has taken it back");
    }

    #[test]
    fn a_voice_needs_a_name_and_a_voiceprint() {
        let silent = SpeakerEntry { voice: Voice::Missing, ..entry("SPEAKER_00", "Nora") };
        for (entry, expected) in [(entry("SPEAKER_00", ""), "Give the speaker a name"), (silent, "said too little")] {
            let learning = Lessons::default().of(0, &entry);
            assert!(matches!(learning, Learning::Impossible(why) if why.text().contains(expected)), "{learning:?}");
        }
    }

    fn lesson(entry: &SpeakerEntry) -> Lesson {
        Lesson { recording_idx: 0, label: entry.label.clone(), name: entry.name.clone() }
    }

    fn entry(label: &str, name: &str) -> SpeakerEntry {
        SpeakerEntry {
            label: label.to_owned(),
            name: name.to_owned(),
            talk: Seconds(10.0),
            share: 0.5,
            n_turns: 1,
            recognition: None,
            voice: Voice::Taken,
        }
    }
}
