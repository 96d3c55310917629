//! The page of settings: every choice with a line that explains it. Each is kept as soon as it is made.

use eframe::egui::{Align, Button, ComboBox, Layout, RichText, ScrollArea, Ui};

use crate::settings::{DeviceChoice, Settings, TaskChoice, Theme};

use super::action::{Action, OverlayAction};
use super::cache_state::CacheState;
use super::model_choice::model_choice_ui;
use super::setting_fields::{Field, SettingChange, Since, Switch};
use super::setting_rows::{Drafts, changed, choice_row_ui, setting_row_ui, switch_row_ui};
use super::texts::{self, Language, text};
use super::theme::{self, UNIT};

/// Choices for the size of everything.
const SCALES_PERCENT: [(u16, &str); 5] =
    [(100, "100 %"), (125, "125 %"), (150, "150 %"), (175, "175 %"), (200, "200 %")];

/// What the page keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct SettingsPage {
    drafts: Drafts,
    /// The languages of the window, once they were asked for.
    languages: Vec<Language>,
}

impl SettingsPage {
    /// Shows the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, settings: &Settings, cache: &CacheState, actions: &mut Vec<Action>) {
        page_head_ui(ui, &text("settings-title"), &text("settings-close"), actions);
        ScrollArea::vertical().id_salt("settings").auto_shrink([false, false]).show(ui, |ui| {
            section_ui(ui, text("settings-transcription"));
            self.transcription_ui(ui, settings, cache, actions);
            section_ui(ui, text("settings-look"));
            self.look_ui(ui, settings, actions);
            section_ui(ui, text("settings-models"));
            self.models_ui(ui, settings, actions);
            ui.add_space(2.0 * UNIT);
        });
    }

    /// Takes what was being typed when the page went away.
    pub(super) fn hide(&mut self, settings: &Settings, actions: &mut Vec<Action>) {
        self.drafts.leave(settings, actions);
    }

    fn transcription_ui(&mut self, ui: &mut Ui, settings: &Settings, cache: &CacheState, actions: &mut Vec<Action>) {
        let explanation = text("settings-model-why");
        let explained = (explanation.as_str(), Since::NextRecording);
        setting_row_ui(ui, &text("settings-model"), explained, |ui| model_choice_ui(ui, cache, actions));
        let devices = [
            (DeviceChoice::Automatic, text("settings-device-automatic")),
            (DeviceChoice::Processor, text("settings-device-processor")),
            if cfg!(target_os = "macos") {
                (DeviceChoice::Metal, text("settings-device-metal"))
            } else {
                (DeviceChoice::Cuda, text("settings-device-cuda"))
            },
        ];
        let explanation = text("settings-device-why");
        let explained = (explanation.as_str(), Since::NextRecording);
        let device = (settings.jobs.device, &devices[..]);
        choice_row_ui(ui, &text("settings-device"), explained, device, |device| {
            actions.push(changed(SettingChange::Device(device)));
        });
        self.drafts.row_ui(ui, settings, Field::Language, actions);
        let tasks = [
            (TaskChoice::Transcribe, text("settings-task-transcribe")),
            (TaskChoice::Translate, text("settings-task-translate")),
        ];
        let explanation = text("settings-task-why");
        let explained = (explanation.as_str(), Since::NextRecording);
        choice_row_ui(ui, &text("settings-task"), explained, (settings.jobs.task, &tasks[..]), |task| {
            actions.push(changed(SettingChange::Task(task)));
        });
        self.drafts.row_ui(ui, settings, Field::BeamSize, actions);
    }

    fn look_ui(&mut self, ui: &mut Ui, settings: &Settings, actions: &mut Vec<Action>) {
        self.language_ui(ui, settings, actions);
        let (explanation, themes) = (text("settings-theme-why"), theme_choices());
        let (explained, theme) = ((explanation.as_str(), Since::Now), (settings.theme, &themes[..]));
        choice_row_ui(ui, &text("settings-theme"), explained, theme, |theme| {
            actions.push(changed(SettingChange::Theme(theme)));
        });
        let explanation = text("settings-scale-why");
        let explained = (explanation.as_str(), Since::Now);
        let scale = (settings.look.text_scale_percent, &SCALES_PERCENT[..]);
        choice_row_ui(ui, &text("settings-scale"), explained, scale, |percent| {
            actions.push(changed(SettingChange::TextScale(percent)));
        });
        self.drafts.row_ui(ui, settings, Field::FontSize, actions);
    }

    fn language_ui(&mut self, ui: &mut Ui, settings: &Settings, actions: &mut Vec<Action>) {
        if self.languages.is_empty() {
            self.languages = texts::offered();
        }
        let chosen = settings.window_language.as_deref();
        let system = text("settings-window-language-system");
        // One that is not there any more is shown as what is spoken in its place.
        let shown = if chosen.is_some() { text("language-name") } else { system.clone() };
        let entries = self.languages.iter().map(|language| (Some(language.code.as_str()), language.name.as_str()));
        let entries = std::iter::once((None, system.as_str())).chain(entries);
        let (name, explanation) = (text("settings-window-language"), text("settings-window-language-why"));
        setting_row_ui(ui, &name, (explanation.as_str(), Since::Now), |ui| {
            let menu = ComboBox::from_id_salt("language of the window").popup_style(theme::menu_style.into());
            let menu = menu.selected_text(shown).show_ui(ui, |ui| {
                for (code, language) in entries {
                    if ui.add(Button::selectable(code == chosen, language)).clicked() {
                        actions.push(changed(SettingChange::WindowLanguage(code.map(str::to_owned))));
                        ui.close();
                    }
                }
            });
            menu.response.accessible_name(name.as_str());
        });
    }

    fn models_ui(&mut self, ui: &mut Ui, settings: &Settings, actions: &mut Vec<Action>) {
        switch_row_ui(ui, settings, Switch::Offline, actions);
        switch_row_ui(ui, settings, Switch::KeepOnDisk, actions);
        switch_row_ui(ui, settings, Switch::KeepOriginals, actions);
        self.drafts.row_with_ui(ui, settings, Field::CacheFolder, actions, |ui, actions| {
            let choose = ui.button(text("settings-cache-folder-choose"));
            if choose.accessible_name(text("settings-cache-folder-choose-named")).clicked() {
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

/// The choices for the colours of the window, and what they are called.
pub(super) fn theme_choices() -> [(Theme, String); 3] {
    [
        (Theme::System, text("settings-theme-system")),
        (Theme::Light, text("settings-theme-light")),
        (Theme::Dark, text("settings-theme-dark")),
    ]
}

/// The name of a page and the button that leaves it.
pub(super) fn page_head_ui(ui: &mut Ui, title: &str, close_name: &str, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.heading(title);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let close = ui.button(text("settings-page-close")).on_hover_text(text("settings-page-close-hint"));
            if close.accessible_name(close_name).clicked() {
                actions.push(Action::Overlay(OverlayAction::Close));
            }
        });
    });
    ui.add_space(UNIT);
}

fn section_ui(ui: &mut Ui, name: String) {
    ui.add_space(UNIT);
    ui.label(RichText::new(name).strong().color(theme::palette(ui).accent));
    ui.add_space(UNIT / 2.0);
}
