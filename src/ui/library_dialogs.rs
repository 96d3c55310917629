//! What the library asks before it removes or replaces something, and the form for tags and a note. What is typed stays
//! in here until it is kept.

use std::mem;
use std::path::PathBuf;

use eframe::egui::{Align2, TextEdit, Ui, vec2};

use crate::engine::library::{RecordingEntry, RecordingId};

use super::action::{Action, LibraryAction};
use super::ask::{Asking, Question, Reply, dialog_ui};
use super::texts::{text, text_with};
use super::theme::UNIT;

const FIELD_HEIGHT: f32 = 4.0 * UNIT;
const N_NOTE_ROWS: usize = 4;

/// The dialog that is open, if one is.
#[derive(Debug, Default)]
pub(super) struct LibraryDialogs {
    dialog: Option<Dialog>,
    asking: Asking,
}

/// Something to ask about one recording.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Dialog {
    /// Whether a new transcript may take the place of one that was changed by hand.
    TranscribeAgain {
        /// What it is called.
        label: String,
        /// Its file.
        path: PathBuf,
    },
    /// Whether it may go.
    Remove {
        /// What it is called.
        label: String,
        /// Its number.
        id: RecordingId,
    },
    /// Its tags and note.
    Describe(Description),
}

/// Tags and a note as they are typed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Description {
    label: String,
    id: RecordingId,
    tags: String,
    note: String,
}

impl Dialog {
    /// Before a recording is transcribed whose transcript was changed.
    pub(super) fn transcribe_again(entry: &RecordingEntry) -> Self {
        Self::TranscribeAgain { label: entry.label.clone(), path: entry.path.clone() }
    }

    /// Before a recording is removed.
    pub(super) fn remove(entry: &RecordingEntry) -> Self {
        Self::Remove { label: entry.label.clone(), id: entry.id }
    }

    /// The form for a recording.
    pub(super) fn describe(entry: &RecordingEntry) -> Self {
        let RecordingEntry { id, label, tags, note, .. } = entry;
        Self::Describe(Description { label: label.clone(), id: *id, tags: tags.join(", "), note: note.clone() })
    }
}

impl LibraryDialogs {
    /// Opens a dialog.
    pub(super) fn open(&mut self, dialog: Dialog) {
        (self.dialog, self.asking) = (Some(dialog), Asking::Hidden);
    }

    /// Closes the dialog as if it had never been there.
    pub(super) fn close(&mut self) {
        (self.dialog, self.asking) = (None, Asking::Hidden);
    }

    /// Shows the dialog that is open.
    pub(super) fn ui(&mut self, ui: &Ui, actions: &mut Vec<Action>) {
        let Self { dialog, asking } = self;
        let outcome = match dialog {
            None => return,
            Some(Dialog::TranscribeAgain { label, path }) => {
                let question = Question {
                    id: "transcribe again",
                    text: &text_with("library-transcribe-question", &[("label", label.as_str().into())]),
                    consequence: &text("library-transcribe-consequence"),
                    verb: &text("library-transcribe"),
                };
                asking.ui(ui, question).map(|reply| (reply, LibraryAction::Transcribe(path.clone())))
            }
            Some(Dialog::Remove { label, id }) => {
                let question = Question {
                    id: "remove recording",
                    text: &text_with("library-remove-question", &[("label", label.as_str().into())]),
                    consequence: &text("library-remove-consequence"),
                    verb: &text("library-remove-verb"),
                };
                asking.ui(ui, question).map(|reply| (reply, LibraryAction::Remove(*id)))
            }
            Some(Dialog::Describe(description)) => {
                description.ui(ui, asking).map(|reply| (reply, description.as_action()))
            }
        };
        match outcome {
            Some((Reply::Do, action)) => {
                actions.push(Action::Library(action));
                self.close();
            }
            Some((Reply::Keep, _)) => self.close(),
            None => {}
        }
    }
}

impl Description {
    fn ui(&mut self, ui: &Ui, asking: &mut Asking) -> Option<Reply> {
        let is_new = mem::replace(asking, Asking::Shown) == Asking::Hidden;
        let mut reply = None;
        let is_left = dialog_ui(ui, "describe recording", |ui| {
            ui.heading(self.label.as_str());
            let label = ui.label(text("library-tags-field"));
            let tags = TextEdit::singleline(&mut self.tags)
                .desired_width(f32::INFINITY)
                .min_size(vec2(0.0, FIELD_HEIGHT))
                .align(Align2::LEFT_CENTER);
            let tags = ui.add(tags).labelled_by(label.id);
            if is_new {
                tags.request_focus();
            }
            let label = ui.label(text("library-note-field"));
            let note = TextEdit::multiline(&mut self.note).desired_width(f32::INFINITY).desired_rows(N_NOTE_ROWS);
            ui.add(note).labelled_by(label.id);
            ui.add_space(UNIT);
            ui.horizontal(|ui| {
                if ui.button(text("library-save")).clicked() {
                    reply = Some(Reply::Do);
                }
                if ui.button(text("library-cancel")).clicked() {
                    reply = Some(Reply::Keep);
                }
            });
        });
        reply.or_else(|| is_left.then_some(Reply::Keep))
    }

    fn as_action(&self) -> LibraryAction {
        let mut tags: Vec<String> = Vec::new();
        for tag in self.tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            if !tags.iter().any(|known| known == tag) {
                tags.push(tag.to_owned());
            }
        }
        LibraryAction::Describe { id: self.id, tags, note: self.note.trim().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::library_samples::entry;

    #[test]
    fn tags_are_taken_once_each() {
        let Dialog::Describe(mut description) = Dialog::describe(&entry(1)) else { panic!("it is the form") };
        for (typed, expected) in [("", vec![]), (" board , ,budget,board ", vec!["board", "budget"])] {
            description.tags = typed.to_owned();
            let LibraryAction::Describe { tags, .. } = description.as_action() else { panic!("it is about tags") };
            assert_eq!(tags, expected, "{typed}");
        }
    }
}
