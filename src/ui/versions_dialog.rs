//! The dialog with the earlier versions of a transcript, each of which can be made the newest one again.

use eframe::egui::{Label, RichText, ScrollArea, Ui};

use crate::engine::library::{RecordingId, TranscriptVersion};

use super::action::{Action, LibraryAction};
use super::amounts::date_text;
use super::ask::dialog_ui;
use super::state::State;
use super::texts::{text, text_with};
use super::theme::{self, UNIT};
use super::versions_state::Versions;

const MAX_LIST_HEIGHT: f32 = 30.0 * UNIT;

/// Shows the dialog while the user looks for another version.
pub(super) fn versions_dialog_ui(ui: &Ui, state: &State, actions: &mut Vec<Action>) {
    let Some((id, versions)) = state.library.versions.shown() else { return };
    let mut is_closed = false;
    let is_left = dialog_ui(ui, "earlier versions", |ui| {
        ui.heading(text("versions-title"));
        match versions {
            Versions::Awaited => weak_ui(ui, text("versions-loading")),
            Versions::Restoring => weak_ui(ui, text("versions-restoring")),
            Versions::Known(list) if list.is_empty() => weak_ui(ui, text("versions-none")),
            Versions::Known(list) => {
                weak_ui(ui, text("versions-explanation"));
                ScrollArea::vertical().id_salt("versions").max_height(MAX_LIST_HEIGHT).show(ui, |ui| {
                    for version in list {
                        version_ui(ui, id, version, actions);
                    }
                });
            }
        }
        ui.add_space(UNIT);
        let close = ui.button(text("versions-close"));
        if ui.memory(|memory| memory.focused().is_none()) {
            // So that the keyboard is in the dialog, where Enter at once restores nothing.
            close.request_focus();
        }
        is_closed = close.clicked();
    });
    if is_left || is_closed {
        actions.push(Action::Library(LibraryAction::CloseVersions));
    }
}

fn version_ui(ui: &mut Ui, id: RecordingId, version: &TranscriptVersion, actions: &mut Vec<Action>) {
    let said = version_text(version);
    ui.horizontal(|ui| {
        let restore = ui.button(text("versions-restore"));
        let restore =
            restore.accessible_name(text_with("versions-restore-named", &[("version", said.as_str().into())]));
        if restore.clicked() {
            actions.push(Action::Library(LibraryAction::Restore { id, version: version.number }));
        }
        let label = ui.add(Label::new(said).truncate());
        if !version.model.is_empty() {
            label.on_hover_text(version.model.as_str());
        }
    });
}

/// What a version is told from others by.
fn version_text(version: &TranscriptVersion) -> String {
    let date = date_text(version.at_secs);
    let words = text_with("versions-words", &[("n", version.n_words.into())]);
    if version.number == 0 {
        return text_with("versions-as-transcribed", &[("date", date.into()), ("words", words.into())]);
    }
    let changes = text_with("versions-changes", &[("n", version.n_changes.into())]);
    text_with("versions-version", &[("date", date.into()), ("changes", changes.into()), ("words", words.into())])
}

fn weak_ui(ui: &mut Ui, text: String) {
    ui.add(Label::new(RichText::new(text).color(theme::palette(ui).weak)).wrap());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart() {
        let version = |number, n_changes, n_words| TranscriptVersion {
            number,
            model: "small".to_owned(),
            at_secs: 1_741_780_800,
            n_changes,
            n_words,
        };
        for (version, expected) in [
            (version(0, 0, 1), "2025-03-12: as transcribed, 1 word"),
            (version(1, 0, 0), "2025-03-12: unchanged, 0 words"),
            (version(2, 1, 2), "2025-03-12: 1 change, 2 words"),
            (version(3, 31, 900), "2025-03-12: 31 changes, 900 words"),
        ] {
            assert_eq!(version_text(&version), expected);
        }
    }
}
