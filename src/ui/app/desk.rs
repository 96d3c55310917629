//! What lies around the recordings in the window: pages over them, the choices made there, transcripts of other
//! programs that are being read, notifications, other starts of Hansard, and how the window is left.

use std::path::PathBuf;

use eframe::egui::{self, ViewportCommand};

use crate::engine::one_window::{Handed, OneWindow};
use crate::engine::{Command, Wake};
use crate::settings::{LookSettings, SideTab, WindowState};
use crate::ui::action::{Action, OverlayAction, Purpose, RecordAction, SpeakerId};
use crate::ui::dialogs::Question;
use crate::ui::export_page::format_of;
use crate::ui::imports::{Imported, Imports, sorted};
use crate::ui::message_list::Severity;
use crate::ui::notifier::{Attention, Notifier};
use crate::ui::overlays::Overlays;
use crate::ui::quit::Quit;
use crate::ui::setting_fields::{Field, SettingChange};
use crate::ui::texts::{self, text, text_with};
use crate::ui::theme;
use crate::ui::window_place::WindowPlace;

use super::App;

/// By so much the keyboard makes everything larger or smaller.
const SCALE_STEP_PERCENT: u16 = 10;

/// All of it.
pub(super) struct Desk {
    /// What lies over the recordings.
    pub(super) overlays: Overlays,
    /// Where the window is and what it shows.
    pub(super) place: WindowPlace,
    /// Transcripts of other programs.
    pub(super) imports: Imports,
    /// Jobs whose end is told by the desktop.
    pub(super) notifier: Notifier,
    /// What the title bar says.
    pub(super) title: String,
    /// What hears of other starts.
    one_window: Option<OneWindow>,
}

impl Desk {
    /// That of a window that opens as another one was left.
    pub(super) fn new(left: WindowState, one_window: Option<OneWindow>) -> Self {
        Self {
            overlays: Overlays::default(),
            place: WindowPlace::new(left),
            imports: Imports::new(),
            notifier: Notifier::default(),
            title: String::new(),
            one_window,
        }
    }

    /// Says whom to wake when there is something to take in.
    pub(super) fn start(&mut self, wake: &Wake) {
        self.imports.start(wake.clone());
        if let Some(one_window) = &mut self.one_window {
            one_window.listen(wake.clone());
        }
    }
}

impl App {
    /// Does what the user wants of pages and of the window.
    pub(super) fn perform_overlay(&mut self, action: OverlayAction, ctx: &egui::Context) {
        let overlays = &mut self.desk.overlays;
        let scale_percent = self.settings.look.text_scale_percent;
        match action {
            OverlayAction::OpenExport => {
                overlays.show(None);
                if self.state.selected().is_some() {
                    self.state.show_tab(SideTab::Export);
                } else {
                    self.state.set_notice(text("details-nothing-open"));
                }
            }
            OverlayAction::ToggleSettings => overlays.toggle_settings(),
            OverlayAction::Close => overlays.show(None),
            OverlayAction::ToggleShortcuts => overlays.toggle_shortcuts(),
            OverlayAction::CloseShortcuts => overlays.close_shortcuts(),
            OverlayAction::ToggleMessages => self.state.messages.toggle_scope(),
            OverlayAction::CloseWindow => ctx.send_viewport_cmd(ViewportCommand::Close),
            OverlayAction::KeepRunning => {
                overlays.quit = Quit::Unasked;
                // A recording that was ended to close the window need not have been.
                self.state.perform_record(RecordAction::Stay);
            }
            OverlayAction::Quit => {
                overlays.quit = Quit::Agreed;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            OverlayAction::Change(change) => self.change(&change, ctx),
            OverlayAction::Enlarge => self.scale(scale_percent.saturating_add(SCALE_STEP_PERCENT), ctx),
            OverlayAction::Reduce => self.scale(scale_percent.saturating_sub(SCALE_STEP_PERCENT), ctx),
            OverlayAction::ResetSize => self.scale(LookSettings::default().text_scale_percent, ctx),
            OverlayAction::AskForCacheFolder => self.ask(Purpose::CacheFolder, Question::OpenCacheFolder, ctx),
            OverlayAction::ExportAsChosen => self.export(format_of(&self.settings), ctx),
        }
    }

    /// Makes a change of the settings, shows it, and has it kept.
    pub(super) fn change(&mut self, change: &SettingChange, ctx: &egui::Context) {
        let before = self.settings.clone();
        self.keep_change(change);
        if self.settings.window_language != before.window_language {
            texts::choose(self.settings.window_language.as_deref());
        }
        if self.settings.theme != before.theme {
            ctx.set_theme(theme::preference(self.settings.theme));
        }
        if self.settings.look != before.look {
            theme::set_look(ctx, self.settings.look);
        }
    }

    /// Takes the folder that models and results shall lie in from the next start on.
    pub(super) fn take_cache_folder(&mut self, folders: Vec<PathBuf>) {
        let Some(folder) = folders.into_iter().next() else { return };
        let before = self.settings.clone();
        match Field::CacheFolder.take(&mut self.settings, &folder.display().to_string()) {
            Ok(()) if self.settings == before => {}
            Ok(()) => {
                self.send(Command::SaveSettings(Box::new(self.settings.clone())));
                let folder = folder.display().to_string();
                self.state.set_notice(text_with("app-cache-folder", &[("folder", folder.into())]));
            }
            Err(problem) => self.state.add_message(Severity::Error, problem),
        }
    }

    /// Has the transcripts among files read, and returns the recordings that have none among them.
    pub(super) fn import_transcripts(&mut self, files: Vec<PathBuf>) -> Vec<PathBuf> {
        let (transcripts, recordings) = sorted(files);
        for (file, recording) in transcripts {
            self.desk.imports.read(file, recording);
        }
        recordings
    }

    /// Shows the transcripts that were read since the last call.
    pub(super) fn take_imports(&mut self) {
        while let Some(Imported { file, recording, transcript }) = self.desk.imports.take_next() {
            match transcript {
                Ok(transcript) => {
                    let of_file = ("file", file.display().to_string().into());
                    let notice = match &recording {
                        Some(recording) => {
                            let recording = recording.display().to_string();
                            text_with("imports-read", &[of_file, ("recording", recording.into())])
                        }
                        None => text_with("imports-read-alone", &[of_file]),
                    };
                    let recording_idx = self.state.add_transcript(recording.unwrap_or(file), transcript);
                    self.state.select(recording_idx);
                    self.desk.overlays.show(None);
                    self.state.set_notice(notice);
                }
                Err(line) => self.state.add_message(Severity::Error, line),
            }
        }
    }

    /// Opens what another start of Hansard has handed over, and comes to the front.
    pub(super) fn take_handed(&mut self, ctx: &egui::Context) {
        while let Some(Handed { recording }) = self.desk.one_window.as_ref().and_then(OneWindow::take_handed) {
            self.open(recording.into_iter().collect());
            ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
            ctx.send_viewport_cmd(ViewportCommand::Focus);
        }
    }

    /// Looks whether the window is about to close and where it is, and shows again what was read before.
    pub(super) fn look_after_window(&mut self, ctx: &egui::Context) {
        let Self { state, desk, editor, .. } = self;
        desk.overlays.watch(ctx, state);
        let is_focused = ctx.input(|input| input.viewport().focused.unwrap_or(input.focused));
        desk.notifier.tell(if is_focused { Attention::Here } else { Attention::Elsewhere });
        if let Some((recording_idx, at)) = desk.place.take_resumed(state) {
            editor.begin_at(recording_idx, at);
        }
        if !state.is_compact() {
            desk.place.look(ctx);
        }
        self.note_place();
        if let Some(window) = self.desk.place.due() {
            self.send(Command::SaveWindow(window));
        }
    }

    /// Takes what is being typed into the transcript, as a name or as a setting, because the window is left: as if Enter
    /// had been pressed. To be called before the engine goes.
    pub(super) fn keep_typed(&mut self) {
        let mut actions = Vec::new();
        self.editor.leave(&self.state, &mut actions);
        self.side_panel.hide(&self.settings, &mut actions);
        self.desk.overlays.leave_page(&self.settings, &mut actions);
        for action in actions {
            if let Action::Edit { recording_idx, change } = action {
                self.state.change_transcript(recording_idx, change);
            } else if let Action::RenameSpeaker { speaker: SpeakerId { recording_idx, label }, name } = action {
                self.state.rename_speaker(recording_idx, label, &name);
            } else if let Action::Overlay(OverlayAction::Change(change)) = action {
                self.keep_change(&change);
            }
        }
        self.ask_engine();
    }

    /// Has it kept how the window is left.
    pub(super) fn keep_place(&mut self) {
        self.note_place();
        if let Some(window) = self.desk.place.due_at_end() {
            self.send(Command::SaveWindow(window));
        }
    }

    /// Makes a change of the settings, and has it kept.
    fn keep_change(&mut self, change: &SettingChange) {
        let before = self.settings.clone();
        if let Err(problem) = change.make(&mut self.settings) {
            self.state.add_message(Severity::Error, problem);
        }
        if self.settings != before {
            self.send(Command::SaveSettings(Box::new(self.settings.clone())));
        }
    }

    fn note_place(&mut self) {
        let selected = self.state.selected();
        let read_at = selected.and_then(|(recording_idx, _)| self.editor.read_at(recording_idx));
        self.desk.place.note(&self.state, read_at);
    }

    fn scale(&mut self, percent: u16, ctx: &egui::Context) {
        let scales = LookSettings::SCALES_PERCENT;
        let percent = percent.clamp(*scales.start(), *scales.end());
        self.change(&SettingChange::TextScale(percent), ctx);
        self.state.set_notice(text_with("app-scale", &[("percent", percent.into())]));
    }
}
