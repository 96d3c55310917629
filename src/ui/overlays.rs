//! What can lie over the recordings: the page of settings, the sheet of shortcuts, and the question before quitting. Each
//! of them is left by Escape.

use eframe::egui::{self, Key, Modifiers, Popup, Ui};

use crate::settings::Settings;

use super::action::{Action, CacheAction, LibraryAction, OverlayAction, RecordAction};
use super::quit::Quit;
use super::record_state::Leaving;
use super::settings_page::SettingsPage;
use super::shortcuts::shortcuts_ui;
use super::state::State;
use super::versions_dialog::versions_dialog_ui;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Overlays {
    page: Option<OverlayPage>,
    settings_page: SettingsPage,
    shortcuts: Shown,
    /// Whether the window may close.
    pub(super) quit: Quit,
}

/// A page in the place of the recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OverlayPage {
    /// The settings.
    Settings,
}

/// Whether something is on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shown {
    #[default]
    No,
    Yes,
}

impl Overlays {
    /// The page that is shown.
    pub(super) fn page(&self) -> Option<OverlayPage> {
        self.page
    }

    /// Shows a page, or none.
    pub(super) fn show(&mut self, page: Option<OverlayPage>) {
        self.page = page;
    }

    /// Shows the settings, or leaves them.
    pub(super) fn toggle_settings(&mut self) {
        let is_shown = self.page == Some(OverlayPage::Settings);
        self.page = (!is_shown).then_some(OverlayPage::Settings);
    }

    /// Shows the sheet of shortcuts, or puts it away.
    pub(super) fn toggle_shortcuts(&mut self) {
        self.shortcuts = match self.shortcuts {
            Shown::No => Shown::Yes,
            Shown::Yes => Shown::No,
        };
    }

    /// Puts the sheet of shortcuts away.
    pub(super) fn close_shortcuts(&mut self) {
        self.shortcuts = Shown::No;
    }

    /// Leaves the page where the user wants to see something that it covers.
    pub(super) fn make_way(&mut self, action: &Action) {
        let is_covered = matches!(
            action,
            Action::TryDemo
                | Action::Open(_)
                | Action::Select(_)
                | Action::Retry(_)
                | Action::Models(CacheAction::Open(_) | CacheAction::Close)
                | Action::Record(RecordAction::Open | RecordAction::Close | RecordAction::Start)
                | Action::Library(
                    LibraryAction::Open { .. } | LibraryAction::ShowHit(_) | LibraryAction::Transcribe(_)
                )
        );
        if is_covered {
            self.page = None;
        }
    }

    /// Shows the page; to be called only if there is one.
    pub(super) fn page_ui(&mut self, ui: &mut Ui, state: &State, settings: &Settings, actions: &mut Vec<Action>) {
        let is_asked = self.quit.is_asking() || state.record.leaving() == Leaving::Asked;
        let can_leave = !is_asked && self.shortcuts == Shown::No && !Popup::is_any_open(ui.ctx());
        match self.page {
            Some(OverlayPage::Settings) => self.settings_page.ui(ui, settings, &state.cache, actions),
            None => return,
        }
        // What is nearer, such as a field, has taken it by now.
        if can_leave && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            actions.push(Action::Overlay(OverlayAction::Close));
        }
    }

    /// Shows what is in front of everything, and takes what was typed on pages that are gone.
    pub(super) fn front_ui(&mut self, ui: &Ui, state: &State, settings: &Settings, actions: &mut Vec<Action>) {
        if self.page != Some(OverlayPage::Settings) {
            self.leave_page(settings, actions);
        }
        if self.shortcuts == Shown::Yes {
            shortcuts_ui(ui, actions);
        }
        versions_dialog_ui(ui, state, actions);
        self.quit.ui(ui, state, actions);
    }

    /// Takes what was being typed on a page when it went away.
    pub(super) fn leave_page(&mut self, settings: &Settings, actions: &mut Vec<Action>) {
        self.settings_page.hide(settings, actions);
    }

    /// Looks whether the window is about to be closed.
    pub(super) fn watch(&mut self, ctx: &egui::Context, state: &State) {
        self.quit.watch(ctx, state);
    }
}
