//! The list of recordings: how far each is, which one is shown, and a way to stop those that are not done. Every entry
//! has the same height in every phase, so nothing moves while jobs come and go. Above the list, the model for the
//! recordings that are opened next, and how many people speak in them.

use eframe::egui::{
    Align, Button, Color32, Label, Layout, ProgressBar, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2,
};

use super::action::Action;
use super::model_choice::model_choice_ui;
use super::recording::{Phase, Recording};
use super::speaker_count::speaker_count_ui;
use super::state::State;
use super::theme::{self, Palette, UNIT};

const ENTRY_HEIGHT: f32 = 9.0 * UNIT;
const NAME_HEIGHT: f32 = 4.0 * UNIT;
const CANCEL_WIDTH: f32 = 9.0 * UNIT;
const BAR_HEIGHT: f32 = 4.0;

/// Shows all recordings, in the order in which they were opened.
pub(super) fn jobs_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    ui.add_space(UNIT);
    model_choice_ui(ui, &state.cache, actions);
    speaker_count_ui(ui, state.n_speakers(), actions);
    ui.label(RichText::new("Recordings").small().color(theme::palette(ui).weak));
    ScrollArea::vertical().id_salt("recordings").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        let selected_idx = state.selected().map(|(idx, _)| idx);
        for (recording_idx, recording) in state.recordings().iter().enumerate() {
            let entry = Entry { recording, recording_idx, is_selected: selected_idx == Some(recording_idx) };
            ui.push_id(recording_idx, |ui| entry.ui(ui, actions));
        }
    });
}

/// One recording in the list.
struct Entry<'a> {
    recording: &'a Recording,
    recording_idx: usize,
    is_selected: bool,
}

impl Entry<'_> {
    fn ui(&self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        // The whole entry can be clicked, but only the name takes the keyboard focus.
        let (rect, entry) = ui.allocate_exact_size(vec2(ui.available_width(), ENTRY_HEIGHT), Sense::CLICK);
        let fill = match (self.is_selected, entry.hovered()) {
            (true, _) => palette.selection,
            (false, true) => palette.hovered,
            (false, false) => Color32::TRANSPARENT,
        };
        ui.painter().rect_filled(rect, 6.0, fill);
        let inside = rect.shrink2(vec2(4.0, 4.0));
        let cancel_width = if self.recording.is_unfinished() { CANCEL_WIDTH + 4.0 } else { 0.0 };
        let name = Rect::from_min_size(inside.min, vec2(inside.width() - cancel_width, NAME_HEIGHT));
        let is_clicked = self.name_ui(ui, name);
        if is_clicked || entry.clicked() {
            actions.push(Action::Select(self.recording_idx));
        }
        let cancel = Rect::from_min_max(pos2(name.right() + 4.0, inside.top()), pos2(inside.right(), name.bottom()));
        self.cancel_ui(ui, cancel, actions);
        let text_x = inside.x_range().shrink(UNIT);
        self.status_ui(ui, Rect::from_x_y_ranges(text_x, name.bottom()..=inside.bottom() - 2.0 * BAR_HEIGHT), palette);
        self.bar_ui(ui, Rect::from_x_y_ranges(text_x, inside.bottom() - BAR_HEIGHT..=inside.bottom()), palette);
    }

    fn name_ui(&self, ui: &mut Ui, rect: Rect) -> bool {
        let button = Button::selectable(self.is_selected, self.recording.name()).truncate().min_size(rect.size());
        // A selected button would paint over the entry's own background.
        let button = button.frame_when_inactive(false);
        let mut place = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min)));
        place.add(button).on_hover_text(self.recording.path.display().to_string()).clicked()
    }

    fn cancel_ui(&self, ui: &mut Ui, rect: Rect, actions: &mut Vec<Action>) {
        let Some(job) = self.recording.job.filter(|_| self.recording.is_unfinished()) else { return };
        let mut place = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::right_to_left(Align::Center)));
        let button = place.add(Button::new(RichText::new("Cancel").small()));
        if button.accessible_name(format!("Cancel {}", self.recording.name())).clicked() {
            actions.push(Action::Cancel(job));
        }
    }

    fn status_ui(&self, ui: &mut Ui, rect: Rect, palette: &Palette) {
        let color = match self.recording.phase {
            Phase::Failed(_) => palette.error,
            Phase::Waiting | Phase::Running(_) | Phase::Stopping | Phase::Done | Phase::Cancelled => palette.weak,
        };
        // On the selection, which is tinted, red would be hard to read.
        let color = if self.is_selected && color == palette.error { palette.text } else { color };
        let text = RichText::new(self.recording.status()).small().color(color);
        let mut place = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
        place.add(Label::new(text).truncate().selectable(false));
    }

    fn bar_ui(&self, ui: &mut Ui, rect: Rect, palette: &Palette) {
        if let Some(fraction) = self.recording.job_fraction() {
            let bar = ProgressBar::new(fraction).desired_width(rect.width()).desired_height(BAR_HEIGHT);
            ui.place(rect, bar.fill(palette.accent)).accessible_name(format!("Progress of {}", self.recording.name()));
        }
    }
}
