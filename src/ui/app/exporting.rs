//! How the window turns a transcript into a file: asks where to, lays it out as the user chose, and has it written.

use std::path::{Path, PathBuf};

use eframe::egui;

use crate::engine::Command;
use crate::export::{self, ExportOptions, Format};
use crate::ui::action::Purpose;
use crate::ui::dialogs::Question;
use crate::ui::recording::{Phase, Recording};
use crate::ui::setting_fields::layout_of;
use crate::ui::texts::text;

use super::App;

impl App {
    /// Asks where the selected transcript shall be written to.
    pub(super) fn export(&mut self, format: Format, ctx: &egui::Context) {
        let Some((recording_idx, recording)) = self.state.selected() else { return };
        // A partial transcript would look like a whole one once it is a file.
        if recording.phase == Phase::Done {
            let file_name = format!("{}.{}", recording.stem(), format.name());
            let question = Question::Save { file_name, folder: self.settings.export_dir.clone(), format };
            self.ask(Purpose::Export { recording_idx, format }, question, ctx);
        }
    }

    /// Puts the text of the selected transcript on the clipboard.
    pub(super) fn copy_transcript(&mut self, ctx: &egui::Context) {
        if let Some((_, recording)) = self.state.selected() {
            let bytes = rendered(recording, Format::Txt, None, &ExportOptions::default());
            ctx.copy_text(String::from_utf8_lossy(&bytes).into_owned());
            self.state.set_notice(text("export-copied"));
        }
    }

    /// Has a transcript written, and remembers how and where.
    pub(super) fn write(&mut self, recording_idx: usize, format: Format, path: PathBuf) {
        let Some(recording) = self.state.recordings().get(recording_idx) else { return };
        let audio = path.parent().map(|folder| export::path_from(folder, &recording.path));
        let bytes = rendered(recording, format, audio.as_deref(), &layout_of(&self.settings.export));
        let before = self.settings.clone();
        self.settings.export_dir = path.parent().filter(|folder| folder.is_absolute()).map(Path::to_path_buf);
        self.settings.export_format = Some(format.name().to_owned());
        let keep = self.state.recordings().iter().map(|recording| recording.path.clone()).collect();
        self.send(Command::WriteFile { path, bytes, keep });
        if self.settings != before {
            self.send(Command::SaveSettings(Box::new(self.settings.clone())));
        }
    }

    /// What the field for the path of an export says at first: beside the last one, or beside the recording.
    pub(super) fn suggested_path(&self, recording_idx: usize, format: Format) -> String {
        let Some(recording) = self.state.recordings().get(recording_idx) else { return String::new() };
        let beside = recording.path.parent().map(Path::to_path_buf);
        let folder = self.settings.export_dir.clone().or(beside).unwrap_or_default();
        folder.join(format!("{}.{}", recording.stem(), format.name())).display().to_string()
    }
}

/// A transcript as a file; `audio` is where the recording lies as seen from there.
fn rendered(recording: &Recording, format: Format, audio: Option<&Path>, layout: &ExportOptions) -> Vec<u8> {
    let info = export::Info { title: &recording.stem(), audio, ..export::Info::default() };
    export::render_with(format, &recording.transcript, &info, layout)
}
