//! Which voices the engine was asked to learn from which speakers, and which it has learnt. The engine answers in the
//! order in which it was asked, and takes back what it learnt last. No egui in here.

use std::collections::VecDeque;

use super::speakers::{SpeakerEntry, Voice};

/// All that was asked for since the window opened.
#[derive(Debug, Default)]
pub(super) struct Lessons {
    /// Without an answer yet, in order.
    asked: VecDeque<Wish>,
    /// Learnt and not taken back, in order.
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
    Impossible(&'static str),
    /// It can be learnt.
    Possible,
    /// The engine has not answered yet.
    Asked,
    /// It is learnt.
    Learnt,
    /// It is learnt, and nothing after it, so that it can be taken back.
    LearntLast,
}

/// What the engine was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wish {
    Learn(Lesson),
    TakeBack,
}

impl Lessons {
    /// What can be done about the voice of this speaker.
    pub(super) fn of(&self, recording_idx: usize, entry: &SpeakerEntry) -> Learning {
        // A voice that was learnt under another name has not been learnt under this one.
        let is_this = |lesson: &Lesson| {
            lesson.recording_idx == recording_idx && lesson.label == entry.label && lesson.name == entry.name
        };
        if self.asked.iter().any(|wish| matches!(wish, Wish::Learn(lesson) if is_this(lesson))) {
            Learning::Asked
        } else if self.learnt.last().is_some_and(is_this) {
            if self.asked.is_empty() { Learning::LearntLast } else { Learning::Learnt }
        } else if self.learnt.iter().any(is_this) {
            Learning::Learnt
        } else if entry.name.is_empty() {
            Learning::Impossible("Give the speaker a name first.")
        } else if entry.voice == Voice::Missing {
            Learning::Impossible("The speaker said too little alone for the voice to be learnt.")
        } else {
            Learning::Possible
        }
    }

    /// Notes that the engine is asked to learn a voice.
    pub(super) fn ask(&mut self, lesson: Lesson) {
        self.asked.push_back(Wish::Learn(lesson));
    }

    /// Notes that the engine is asked to take back what it learnt last; says whether there is something to take back
    /// and nothing else to wait for.
    pub(super) fn ask_back(&mut self) -> bool {
        let is_possible = self.asked.is_empty() && !self.learnt.is_empty();
        if is_possible {
            self.asked.push_back(Wish::TakeBack);
        }
        is_possible
    }

    /// Notes that the engine has done what it was asked first, and says so in one line.
    pub(super) fn done(&mut self) -> Option<String> {
        match self.asked.pop_front()? {
            Wish::Learn(lesson) => {
                let notice = format!("Learnt the voice of {}", lesson.name);
                self.learnt.push(lesson);
                Some(notice)
            }
            Wish::TakeBack => self.learnt.pop().map(|lesson| format!("Took back what was learnt of {}", lesson.name)),
        }
    }

    /// Notes that the engine could not do what it was asked first.
    pub(super) fn failed(&mut self) {
        self.asked.pop_front();
    }

    /// Notes that no answer will come any more.
    pub(super) fn give_up(&mut self) {
        self.asked.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lesson_can_be_taken_back() {
        let mut lessons = Lessons::default();
        let [nora, brian] = [("SPEAKER_00", "Nora"), ("SPEAKER_01", "Brian")].map(|(label, name)| entry(label, name));
        let both = |lessons: &Lessons| (lessons.of(0, &nora), lessons.of(0, &brian));
        assert_eq!(both(&lessons), (Learning::Possible, Learning::Possible));
        lessons.ask(lesson(&nora));
        lessons.ask(lesson(&brian));
        assert_eq!(both(&lessons), (Learning::Asked, Learning::Asked));
        assert_eq!(lessons.done().as_deref(), Some("Learnt the voice of Nora"));
        assert_eq!(both(&lessons), (Learning::Learnt, Learning::Asked));
        assert!(!lessons.ask_back(), "the other voice may be learnt in the meantime");
        assert!(lessons.done().is_some());
        assert_eq!(both(&lessons), (Learning::Learnt, Learning::LearntLast));
        assert!(lessons.ask_back());
        assert_eq!(both(&lessons), (Learning::Learnt, Learning::Learnt));
        assert_eq!(lessons.done().as_deref(), Some("Took back what was learnt of Brian"));
        assert_eq!(both(&lessons), (Learning::LearntLast, Learning::Possible));
        assert_eq!(lessons.of(1, &nora), Learning::Possible, "in another recording it is another voiceprint");
        assert_eq!(lessons.of(0, &entry("SPEAKER_00", "Ana")), Learning::Possible, "it was learnt under another name");
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
        assert!(!lessons.ask_back(), "nothing was learnt");
        assert_eq!(lessons.done(), None, "an answer that nobody waits for");
    }

    #[test]
    fn a_voice_needs_a_name_and_a_voiceprint() {
        let silent = SpeakerEntry { voice: Voice::Missing, ..entry("SPEAKER_00", "Nora") };
        for (entry, expected) in [(entry("SPEAKER_00", ""), "Give the speaker a name"), (silent, "said too little")] {
            let learning = Lessons::default().of(0, &entry);
            assert!(matches!(learning, Learning::Impossible(why) if why.contains(expected)), "{learning:?}");
        }
    }

    fn lesson(entry: &SpeakerEntry) -> Lesson {
        Lesson { recording_idx: 0, label: entry.label.clone(), name: entry.name.clone() }
    }

    fn entry(label: &str, name: &str) -> SpeakerEntry {
        SpeakerEntry {
            label: label.to_owned(),
            name: name.to_owned(),
            talk: "0:10 · 50 %".to_owned(),
            share: 0.5,
            turns: "1 turn".to_owned(),
            recognition: None,
            voice: Voice::Taken,
        }
    }
}
