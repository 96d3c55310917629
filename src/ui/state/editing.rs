//! What changes of transcripts and listening do to the recordings of the window, and what the user reads of it.

use crate::engine::playback::{PlayCommand, PlayEvent};
use crate::transcript::Transcript;
use crate::transcript::edit::Change;
use crate::ui::action::PlayAction;
use crate::ui::message_list::Severity;
use crate::ui::texts::{text, text_with};
use crate::units::TimeSpan;

use super::State;

impl State {
    /// Changes a transcript, and says so.
    pub(in crate::ui) fn change_transcript(&mut self, recording_idx: usize, change: Change) {
        let Some(recording) = self.recordings.get_mut(recording_idx) else { return };
        let notice = notice_of(&recording.transcript, &change);
        match recording.edit(change) {
            Ok(0) => self.set_notice(text("edit-nothing")),
            Ok(1) => self.set_notice(notice),
            Ok(n_places) => {
                self.set_notice(text_with("edit-in-places", &[("notice", notice.into()), ("n", n_places.into())]));
            }
            Err(error) => self.add_message(Severity::Error, error.to_string()),
        }
    }

    /// Does what the user wants to hear.
    pub(in crate::ui) fn perform_play(&mut self, action: PlayAction) {
        let selected = self.selected_idx.and_then(|idx| self.recordings.get(idx));
        let transcript = selected.map(|recording| recording.transcript.clone());
        self.playback.perform(action, || transcript.map_or_else(Vec::new, |transcript| speech(&transcript)));
    }

    /// What the player is to be asked next.
    pub(in crate::ui) fn play_due(&mut self) -> Option<PlayCommand> {
        let selected = self.selected_idx.and_then(|idx| self.recordings.get(idx));
        let path = selected.filter(|recording| recording.has_file()).map(|recording| recording.path.as_path());
        self.playback.show(path);
        self.playback.due()
    }

    /// Takes in what the player tells.
    pub(super) fn take_play_event(&mut self, event: PlayEvent) {
        if let Some(told) = self.playback.apply(event) {
            self.tell(told);
        }
    }
}

/// Where somebody speaks, by start.
fn speech(transcript: &Transcript) -> Vec<TimeSpan> {
    let mut spans: Vec<TimeSpan> = transcript.turns.iter().map(|turn| turn.span).collect();
    spans.extend(transcript.segments.iter().map(|segment| segment.span));
    spans.sort_by(|a, b| a.start.0.total_cmp(&b.start.0));
    spans
}

/// What the user reads after a change.
fn notice_of(transcript: &Transcript, change: &Change) -> String {
    match change {
        Change::RenameSpeaker { name, .. } => text_with("edit-renamed", &[("name", name.into())]),
        Change::MergeSpeakers { into, .. } => {
            text_with("edit-merged-speakers", &[("name", transcript.name_of(into).into())])
        }
        Change::GiveSegment { to, .. } | Change::GiveTurn { to, .. } | Change::GiveWords { to, .. } => {
            text_with("edit-given", &[("name", transcript.name_of(to).into())])
        }
        Change::ReplaceText { text: typed, .. } if typed.trim().is_empty() => text("edit-text-taken-away"),
        Change::ReplaceText { .. } => text("edit-text-changed"),
        Change::SplitSegment { .. } => text("edit-split"),
        Change::MergeSegments { .. } => text("edit-merged"),
        Change::ReplaceAll { .. } => text("edit-replaced"),
        Change::DeleteSegment { .. } => text("edit-deleted"),
    }
}
