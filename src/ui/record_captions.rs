//! Captions of the recording that goes on, as they become sure: what was said, by whom, and whether the machine keeps
//! up. No egui in here.

use crate::engine::recording::CaptionUpdate;
use crate::units::Seconds;

/// The captions of one recording.
#[derive(Debug, Default)]
pub(super) struct Captions {
    rows: Vec<CaptionRow>,
    speakers: Vec<CaptionSpeaker>,
    behind: Option<Seconds>,
    /// Whether captions of this recording are still to come.
    is_open: bool,
    /// Recordings before this one of which captions may still come; nobody wants to see them any more.
    n_earlier: usize,
}

/// An utterance.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CaptionRow {
    /// Its number, in order of time.
    utterance: u64,
    /// Where it begins.
    pub(super) start: Seconds,
    /// Label of its speaker, once known.
    pub(super) speaker: Option<String>,
    /// What is sure of its text,
    pub(super) committed: String,
    /// and what seems to follow.
    pub(super) provisional: String,
}

/// Somebody who speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CaptionSpeaker {
    label: String,
    name: Option<String>,
}

impl Captions {
    /// What was said, oldest first.
    pub(super) fn rows(&self) -> &[CaptionRow] {
        &self.rows
    }

    /// The name of the speaker with this label, or the label where no name is known.
    pub(super) fn name_of<'a>(&'a self, label: &'a str) -> &'a str {
        let speaker = self.speakers.iter().find(|speaker| speaker.label == label);
        speaker.and_then(|speaker| speaker.name.as_deref()).unwrap_or(label)
    }

    /// Which of the palette's colours a speaker has.
    pub(super) fn color_idx(&self, label: &str) -> usize {
        self.speakers.iter().position(|speaker| speaker.label == label).unwrap_or(0)
    }

    /// The speaker to be named above a row: where it is another one than before.
    pub(super) fn speaker_shown(&self, row_idx: usize) -> Option<&str> {
        let speaker = self.rows.get(row_idx)?.speaker.as_deref()?;
        let before = row_idx.checked_sub(1).and_then(|before_idx| self.rows[before_idx].speaker.as_deref());
        (before != Some(speaker)).then_some(speaker)
    }

    /// How late captions are, if they thin out for it.
    pub(super) fn behind(&self) -> Option<Seconds> {
        self.behind
    }

    /// A recording was asked for, with captions or without.
    pub(super) fn begin(&mut self, choice: CaptionChoice) {
        let n_earlier = self.n_earlier + usize::from(self.is_open);
        *self = Self { is_open: choice == CaptionChoice::On, n_earlier, ..Self::default() };
    }

    /// There will be no recording, so nobody listens to it.
    pub(super) fn begin_nothing(&mut self) {
        self.is_open = false;
    }

    /// An utterance is further. Returns whether it belongs to this recording.
    pub(super) fn take(&mut self, update: CaptionUpdate) -> bool {
        if !self.is_of_this() {
            return false;
        }
        if let Some(label) = &update.speaker {
            self.note_speaker(label, update.name);
        }
        let found = self.rows.binary_search_by_key(&update.utterance, |row| row.utterance);
        let is_nothing = update.is_final && update.committed.is_empty() && update.provisional.is_empty();
        let row = CaptionRow {
            utterance: update.utterance,
            start: update.span.start,
            speaker: update.speaker,
            committed: update.committed,
            provisional: update.provisional,
        };
        match found {
            Ok(row_idx) if is_nothing => {
                self.rows.remove(row_idx);
            }
            Ok(row_idx) => self.rows[row_idx] = row,
            Err(_) if is_nothing => {}
            Err(row_idx) => self.rows.insert(row_idx, row),
        }
        true
    }

    /// Captions are so late; 0 when they are not any more.
    pub(super) fn set_behind(&mut self, late: Seconds) {
        if self.is_of_this() {
            self.behind = (late.0 > 0.0).then_some(late);
        }
    }

    /// No more captions come of the recording that they came of. Returns whether it is this one.
    pub(super) fn end(&mut self) -> bool {
        if self.n_earlier > 0 {
            self.n_earlier -= 1;
            return false;
        }
        (self.is_open, self.behind) = (false, None);
        true
    }

    /// Nothing will come any more.
    pub(super) fn give_up(&mut self) {
        (self.is_open, self.n_earlier, self.behind) = (false, 0, None);
    }

    /// Recordings get their captions one after the other.
    fn is_of_this(&self) -> bool {
        self.is_open && self.n_earlier == 0
    }

    fn note_speaker(&mut self, label: &str, name: Option<String>) {
        match self.speakers.iter_mut().find(|speaker| speaker.label == label) {
            Some(speaker) if name.is_some() => speaker.name = name,
            Some(_) => {}
            None => self.speakers.push(CaptionSpeaker { label: label.to_owned(), name }),
        }
    }
}

/// Whether captions are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CaptionChoice {
    /// They are.
    #[default]
    On,
    /// They are not.
    Off,
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;
    use crate::units::TimeSpan;

    /// What is known of an utterance by now.
    pub(in crate::ui) fn caption(utterance: u64, committed: &str, provisional: &str) -> CaptionUpdate {
        CaptionUpdate {
            utterance,
            committed: committed.to_owned(),
            provisional: provisional.to_owned(),
            span: TimeSpan::from_secs(utterance as f64, utterance as f64 + 1.0),
            speaker: None,
            name: None,
            is_final: provisional.is_empty(),
            latency: Seconds(0.5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::caption;
    use super::*;

    #[test]
    fn utterances_grow_in_their_order_and_nothing_goes() {
        for (updates, expected) in [
            (vec![], vec![]),
            (vec![caption(0, "Good", "moaning")], vec![("Good", "moaning")]),
            (vec![caption(0, "Good", "moaning"), caption(0, "Good morning.", "")], vec![("Good morning.", "")]),
            (vec![caption(1, "Yes.", ""), caption(0, "Well?", "")], vec![("Well?", ""), ("Yes.", "")]),
            (vec![caption(0, "", "Hm"), caption(1, "Yes.", ""), caption(0, "", "")], vec![("Yes.", "")]),
            (vec![caption(3, "", "")], vec![]),
        ] {
            let mut captions = begun();
            for update in updates {
                assert!(captions.take(update));
            }
            let rows = captions.rows().iter().map(|row| (row.committed.as_str(), row.provisional.as_str()));
            assert_eq!(rows.collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn speakers_keep_their_colours_and_get_their_names() {
        let by = |utterance: u64, label: &str, name: Option<&str>| CaptionUpdate {
            speaker: Some(label.to_owned()),
            name: name.map(str::to_owned),
            ..caption(utterance, "Yes.", "")
        };
        let mut captions = begun();
        for update in [by(0, "SPEAKER_01", None), by(1, "SPEAKER_00", None), by(2, "SPEAKER_00", Some("Nora"))] {
            captions.take(update);
        }
        let colors = ["SPEAKER_01", "SPEAKER_00"].map(|label| captions.color_idx(label));
        assert_eq!(colors, [0, 1], "in the order in which they spoke");
        assert_eq!((captions.name_of("SPEAKER_00"), captions.name_of("SPEAKER_01")), ("Nora", "SPEAKER_01"));
        let shown = [0, 1, 2, 3].map(|row_idx| captions.speaker_shown(row_idx));
        assert_eq!(shown, [Some("SPEAKER_01"), Some("SPEAKER_00"), None, None]);
    }

    #[test]
    fn captions_of_an_earlier_recording_are_not_those_of_this_one() {
        let mut captions = begun();
        captions.take(caption(0, "Old.", ""));
        captions.begin(CaptionChoice::On);
        assert!(captions.rows().is_empty());
        assert!(!captions.take(caption(1, "Late.", "")));
        captions.set_behind(Seconds(4.0));
        assert_eq!(captions.behind(), None);
        assert!(!captions.end(), "that was the earlier one");
        assert!(captions.take(caption(0, "New.", "")));
        captions.set_behind(Seconds(4.0));
        assert_eq!(captions.behind(), Some(Seconds(4.0)));
        captions.set_behind(Seconds(0.0));
        assert_eq!(captions.behind(), None);
        assert!(captions.end());
        assert_eq!(captions.rows().len(), 1, "they stay to be read");
    }

    fn begun() -> Captions {
        let mut captions = Captions::default();
        captions.begin(CaptionChoice::On);
        captions
    }
}
