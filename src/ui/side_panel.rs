//! The panel at the right: a row of tabs, and below it who speaks, how the transcript is exported, or what is known of
//! the recording and its job. Models and stored results are too wide for it and have a page of their own.

use eframe::egui::{Button, Label, Margin, Panel, RichText, Role, ScrollArea, Ui, UiBuilder};

use crate::settings::{Settings, SideTab};

use super::action::Action;
use super::details_panel::DetailsPanel;
use super::export_page::ExportPage;
use super::icons::{Icon, icon_button_ui};
use super::speakers_panel::SpeakersPanel;
use super::state::{PanelChoice, State};
use super::talk_time::talk_chart_ui;
use super::texts::text;
use super::theme::{self, UNIT};

const USUAL_WIDTH: f32 = 36.0 * UNIT;
const MIN_WIDTH: f32 = 30.0 * UNIT;
/// The chart takes no more of the height than this; what is below it is what one works with.
const MAX_CHART_SHARE: f32 = 0.35;

/// The tabs, in their order.
const TABS: [SideTab; 3] = [SideTab::Speakers, SideTab::Export, SideTab::Details];

/// What the panel keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct SidePanel {
    speakers: SpeakersPanel,
    export: ExportPage,
    details: DetailsPanel,
}

impl SidePanel {
    /// Shows the panel at the right of what is left of the window.
    pub(super) fn panel_ui(&mut self, ui: &mut Ui, state: &State, settings: &Settings, actions: &mut Vec<Action>) {
        let window_width = theme::window_width(ui);
        Panel::right("side")
            .frame(theme::panel_frame(ui, Margin::symmetric(8, 0)))
            .default_size(USUAL_WIDTH)
            .size_range(MIN_WIDTH..=(window_width * 0.5).max(MIN_WIDTH))
            .show(ui, |ui| {
                // Whatever in it is too wide by a fraction would widen it frame after frame.
                let room = ui.available_rect_before_wrap();
                let mut inside = ui.new_child(UiBuilder::new().max_rect(room));
                self.ui(&mut inside, state, settings, actions);
                ui.advance_cursor_after_rect(room);
            });
    }

    /// Takes what was being typed when the panel went away.
    pub(super) fn hide(&mut self, settings: &Settings, actions: &mut Vec<Action>) {
        self.speakers.hide(actions);
        self.export.hide(settings, actions);
    }

    fn ui(&mut self, ui: &mut Ui, state: &State, settings: &Settings, actions: &mut Vec<Action>) {
        tabs_ui(ui, state.side.tab(), actions);
        match state.side.tab() {
            SideTab::Speakers => {
                self.export.hide(settings, actions);
                self.speakers_ui(ui, state, actions);
            }
            SideTab::Export => {
                self.speakers.hide(actions);
                self.export.ui(ui, state, settings, actions);
            }
            SideTab::Details => {
                self.hide(settings, actions);
                self.details.ui(ui, state, actions);
            }
        }
    }

    fn speakers_ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let Some((_, recording)) = state.selected() else { return };
        if recording.speakers.entries().is_empty() {
            self.speakers.hide(actions);
            let note = RichText::new(text("details-no-speakers")).color(theme::palette(ui).weak);
            ui.add(Label::new(note).wrap());
            return;
        }
        let height = ui.available_height() * MAX_CHART_SHARE;
        ScrollArea::vertical().id_salt("talk time").max_height(height).auto_shrink([false, true]).show(ui, |ui| {
            talk_chart_ui(ui, &recording.speakers);
        });
        self.speakers.ui(ui, state, actions);
    }
}

fn tabs_ui(ui: &mut Ui, shown: SideTab, actions: &mut Vec<Action>) {
    ui.add_space(UNIT);
    let row = UiBuilder::new().accessibility_role(Role::TabList).accessibility_label(text("details-tabs"));
    ui.scope_builder(row, |ui| {
        ui.spacing_mut().button_padding.x = UNIT;
        ui.spacing_mut().item_spacing.x = UNIT / 2.0;
        ui.horizontal_wrapped(|ui| {
            for tab in TABS {
                let is_shown = tab == shown;
                let button = ui.add(Button::selectable(is_shown, tab_name(tab)));
                ui.ctx().accesskit_node_builder(button.id, |node| {
                    node.set_role(Role::Tab);
                    node.clear_toggled();
                    node.set_selected(is_shown);
                });
                if button.clicked() {
                    actions.push(Action::ShowTab(tab));
                }
            }
            if icon_button_ui(ui, Icon::Close, &text("details-hide"), "").clicked() {
                actions.push(Action::ChooseSidePanel(PanelChoice::Hidden));
            }
        });
    });
}

fn tab_name(tab: SideTab) -> String {
    match tab {
        SideTab::Speakers => text("details-tab-speakers"),
        SideTab::Export => text("details-tab-export"),
        SideTab::Details => text("details-tab-details"),
    }
}
