//! The page of settings: every choice with a line that explains it. Each is kept as soon as it is made.

use eframe::egui::{Align, Layout, RichText, ScrollArea, Ui};

use crate::settings::{DeviceChoice, Settings, TaskChoice, Theme};

use super::action::{Action, OverlayAction};
use super::cache_state::CacheState;
use super::model_choice::model_choice_ui;
use super::setting_fields::{Field, SettingChange, Since, Switch};
use super::setting_rows::{Drafts, changed, choice_row_ui, setting_row_ui, switch_row_ui};
use super::theme::{self, UNIT};

/// Choices for the size of everything.
const SCALES_PERCENT: [(u16, &str); 5] =
    [(100, "100 %"), (125, "125 %"), (150, "150 %"), (175, "175 %"), (200, "200 %")];

/// What the page keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct SettingsPage {
    drafts: Drafts,
}

impl SettingsPage {
    /// Shows the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, settings: &Settings, cache: &CacheState, actions: &mut Vec<Action>) {
        page_head_ui(ui, "Settings", "Close the settings", actions);
        ScrollArea::vertical().id_salt("settings").auto_shrink([false, false]).show(ui, |ui| {
            section_ui(ui, "Transcription");
            self.transcription_ui(ui, settings, cache, actions);
            section_ui(ui, "Look");
            self.look_ui(ui, settings, actions);
            section_ui(ui, "Models and results");
            self.models_ui(ui, settings, actions);
            ui.add_space(2.0 * UNIT);
        });
    }

    /// Takes what was being typed when the page went away.
    pub(super) fn hide(&mut self, settings: &Settings, actions: &mut Vec<Action>) {
        self.drafts.leave(settings, actions);
    }

    fn transcription_ui(&mut self, ui: &mut Ui, settings: &Settings, cache: &CacheState, actions: &mut Vec<Action>) {
        let explained = ("Turns speech into text: bigger ones are better and slower.", Since::NextRecording);
        setting_row_ui(ui, "Model", explained, |ui| model_choice_ui(ui, cache, actions));
        let devices: &[(DeviceChoice, &str)] = if cfg!(target_os = "macos") {
            &[
                (DeviceChoice::Automatic, "Automatic"),
                (DeviceChoice::Processor, "Processor"),
                (DeviceChoice::Metal, "Graphics (Metal)"),
            ]
        } else {
            &[
                (DeviceChoice::Automatic, "Automatic"),
                (DeviceChoice::Processor, "Processor"),
                (DeviceChoice::Cuda, "Graphics card (CUDA)"),
            ]
        };
        let explained =
            ("What computes. Where the graphics card is missing, the processor does its work.", Since::NextRecording);
        choice_row_ui(ui, "Device", explained, (settings.jobs.device, devices), |device| {
            actions.push(changed(SettingChange::Device(device)));
        });
        self.drafts.row_ui(ui, settings, Field::Language, actions);
        let tasks = [(TaskChoice::Transcribe, "What is said"), (TaskChoice::Translate, "English translation")];
        let explained = ("What is written down. Not every model can translate.", Since::NextRecording);
        choice_row_ui(ui, "Text", explained, (settings.jobs.task, &tasks[..]), |task| {
            actions.push(changed(SettingChange::Task(task)));
        });
        self.drafts.row_ui(ui, settings, Field::BeamSize, actions);
    }

    fn look_ui(&mut self, ui: &mut Ui, settings: &Settings, actions: &mut Vec<Action>) {
        let themes = [(Theme::System, "As the desktop"), (Theme::Light, "Light"), (Theme::Dark, "Dark")];
        let explained = ("Colours of the window.", Since::Now);
        choice_row_ui(ui, "Colours", explained, (settings.theme, &themes[..]), |theme| {
            actions.push(changed(SettingChange::Theme(theme)));
        });
        let explained = ("Makes everything in the window larger.", Since::Now);
        let scale = (settings.look.text_scale_percent, &SCALES_PERCENT[..]);
        choice_row_ui(ui, "Size of everything", explained, scale, |percent| {
            actions.push(changed(SettingChange::TextScale(percent)));
        });
        self.drafts.row_ui(ui, settings, Field::FontSize, actions);
    }

    fn models_ui(&mut self, ui: &mut Ui, settings: &Settings, actions: &mut Vec<Action>) {
        switch_row_ui(ui, settings, Switch::Offline, actions);
        switch_row_ui(ui, settings, Switch::KeepOnDisk, actions);
        switch_row_ui(ui, settings, Switch::KeepOriginals, actions);
        self.drafts.row_with_ui(ui, settings, Field::CacheFolder, actions, |ui, actions| {
            if ui.button("Choose…").accessible_name("Choose the folder of models and results").clicked() {
                actions.push(Action::Overlay(OverlayAction::AskForCacheFolder));
            }
        });
        for field in [
            Field::Preload,
            Field::MemoryBudget,
            Field::CardBudget,
            Field::IdleMinutes,
            Field::DiskBudget,
            Field::ResultsBudget,
            Field::ResultsDays,
        ] {
            self.drafts.row_ui(ui, settings, field, actions);
        }
    }
}

/// The name of a page and the button that leaves it.
pub(super) fn page_head_ui(ui: &mut Ui, title: &str, close_name: &str, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.heading(title);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let close = ui.button("Close").on_hover_text("Back to the recordings (Esc)");
            if close.accessible_name(close_name).clicked() {
                actions.push(Action::Overlay(OverlayAction::Close));
            }
        });
    });
    ui.add_space(UNIT);
}

fn section_ui(ui: &mut Ui, name: &str) {
    ui.add_space(UNIT);
    ui.label(RichText::new(name).strong().color(theme::palette(ui).accent));
    ui.add_space(UNIT / 2.0);
}
