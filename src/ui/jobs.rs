//! The recordings that were opened since the window opened: how far each is, which one is shown, a way to stop those that
//! are not done and to try again those that failed. Every entry has the same height in every phase, so nothing moves while
//! jobs come and go.

use eframe::egui::{
    Align, Button, Color32, Label, Layout, ProgressBar, Rect, RichText, Sense, Ui, UiBuilder, pos2, vec2,
};

use super::action::Action;
use super::recording::{Phase, Recording};
use super::state::State;
use super::texts::{text, text_with};
use super::theme::{self, Palette, UNIT};

const ENTRY_HEIGHT: f32 = 9.0 * UNIT;
const NAME_HEIGHT: f32 = 4.0 * UNIT;
const BUTTON_WIDTH: f32 = 9.0 * UNIT;
const BAR_HEIGHT: f32 = 4.0;

/// Shows them in the order in which they were opened.
pub(super) fn jobs_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.y = 4.0;
    let selected_idx = state.selected().map(|(idx, _)| idx);
    let of_session = state.recordings().iter().enumerate().filter(|(_, recording)| recording.is_of_session());
    for (recording_idx, recording) in of_session {
        let entry = Entry { recording, recording_idx, is_selected: selected_idx == Some(recording_idx) };
        ui.push_id(recording_idx, |ui| entry.ui(ui, actions));
    }
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
        let has_button = self.recording.is_unfinished() || self.recording.can_retry();
        let button_width = if has_button { BUTTON_WIDTH + 4.0 } else { 0.0 };
        let name = Rect::from_min_size(inside.min, vec2(inside.width() - button_width, NAME_HEIGHT));
        let is_clicked = self.name_ui(ui, name);
        if is_clicked || entry.clicked() {
            actions.push(Action::Select(self.recording_idx));
        }
        let button = Rect::from_min_max(pos2(name.right() + 4.0, inside.top()), pos2(inside.right(), name.bottom()));
        self.button_ui(ui, button, actions);
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

    /// Stops the job, or tries again where it ended without a transcript.
    fn button_ui(&self, ui: &mut Ui, rect: Rect, actions: &mut Vec<Action>) {
        let named = |id: &str| text_with(id, &[("name", self.recording.name().into())]);
        let (shown, name, action) = match self.recording.job {
            Some(job) if self.recording.is_unfinished() => {
                (text("jobs-cancel"), named("jobs-cancel-named"), Action::Cancel(job))
            }
            Some(_) if self.recording.can_retry() => {
                let action = Action::Retry(self.recording_idx);
                (text("jobs-retry"), named("jobs-retry-named"), action)
            }
            Some(_) | None => return,
        };
        let mut place = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::right_to_left(Align::Center)));
        if place.add(Button::new(RichText::new(shown).small())).accessible_name(name).clicked() {
            actions.push(action);
        }
    }

    fn status_ui(&self, ui: &mut Ui, rect: Rect, palette: &Palette) {
        let color = match self.recording.phase {
            Phase::Failed(_) => palette.error,
            Phase::Waiting
            | Phase::Running(_)
            | Phase::Stopping
            | Phase::Done
            | Phase::Cancelled
            | Phase::Listed(_) => palette.weak,
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
            let name = text_with("jobs-progress", &[("name", self.recording.name().into())]);
            ui.place(rect, bar.fill(palette.accent)).accessible_name(name);
        }
    }
}
