//! The recordings that were opened since the window opened: how far each is, which one is shown, a way to stop those that
//! are not done, to have those next that wait, and to try again those that failed. Every entry has the same height in every
//! phase, so nothing moves while jobs come and go.

use eframe::egui::{
    Align, Button, Color32, Label, Layout, ProgressBar, Rect, RichText, Sense, Ui, UiBuilder, pos2, vec2,
};

use crate::engine::library::{Bound, Estimate, RoughTime};

use super::action::Action;
use super::icons::{ICON_BUTTON_SIZE, Icon, icon_button_ui};
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
    let next_job = state.next_job();
    let of_session = state.recordings().iter().enumerate().filter(|(_, recording)| recording.is_of_session());
    for (recording_idx, recording) in of_session {
        let is_selected = selected_idx == Some(recording_idx);
        let is_next = next_job.is_some() && recording.job == next_job;
        let entry = Entry { recording, recording_idx, is_selected, is_next };
        ui.push_id(recording_idx, |ui| entry.ui(ui, actions));
    }
}

/// Tells how long all will take that waits, as far as that is known.
pub(super) fn outlook_ui(ui: &mut Ui, state: &State) {
    let Some(outlook) = state.outlook() else { return };
    let values = [("n", outlook.n_waiting.into()), ("estimate", estimate_text(outlook.estimate).into())];
    let text = match outlook.n_unknown {
        0 => text_with("jobs-queue", &values),
        _ => text_with("jobs-queue-in-part", &values),
    };
    ui.add(Label::new(RichText::new(text).small().color(theme::palette(ui).weak)).wrap().selectable(false));
}

/// `about 3 min`, `at most 1 h 20 min`.
fn estimate_text(estimate: Estimate) -> String {
    let time = match RoughTime::of(estimate.time) {
        RoughTime::Seconds(secs) => text_with("cache-lasts-seconds", &[("n", secs.into())]),
        RoughTime::Minutes(minutes) => text_with("cache-lasts-minutes", &[("n", minutes.into())]),
        RoughTime::Hours(hours, minutes) => {
            text_with("jobs-time-hours", &[("hours", hours.into()), ("minutes", minutes.into())])
        }
    };
    match estimate.bound {
        Bound::About => text_with("jobs-about", &[("time", time.into())]),
        Bound::AtMost => text_with("jobs-at-most", &[("time", time.into())]),
    }
}

/// One recording in the list.
struct Entry<'a> {
    recording: &'a Recording,
    recording_idx: usize,
    is_selected: bool,
    is_next: bool,
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
        let button_width = if self.can_be_next() { button_width + ICON_BUTTON_SIZE.x + 4.0 } else { button_width };
        let name = Rect::from_min_size(inside.min, vec2(inside.width() - button_width, NAME_HEIGHT));
        let is_clicked = self.name_ui(ui, name);
        if is_clicked || entry.clicked() {
            actions.push(Action::Select(self.recording_idx));
        }
        let button = Rect::from_min_max(pos2(name.right() + 4.0, inside.top()), pos2(inside.right(), name.bottom()));
        self.button_ui(ui, button, actions);
        // Below the name, which has the distance that buttons have.
        let text_x = inside.x_range().shrink(ui.spacing().button_padding.x);
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

    /// Stops the job, or tries again where it ended without a transcript. One that waits can be had next.
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
        if let Some(job) = self.recording.job.filter(|_| self.can_be_next()) {
            let name = text_with("jobs-do-next-named", &[("name", self.recording.name().into())]);
            if icon_button_ui(&mut place, Icon::Up, &name, "").clicked() {
                actions.push(Action::DoNext(job));
            }
        }
    }

    /// Whether its job waits behind another one.
    fn can_be_next(&self) -> bool {
        self.recording.phase == Phase::Waiting && !self.is_next
    }

    /// How far it is; while it waits, how long it will take.
    fn status(&self) -> String {
        let estimate = self.recording.waiting.estimate.map(estimate_text);
        match (&self.recording.phase, estimate) {
            (Phase::Waiting, None) if self.is_next => text("jobs-next"),
            (Phase::Waiting, Some(estimate)) if self.is_next => {
                text_with("jobs-next-with-time", &[("estimate", estimate.into())])
            }
            (Phase::Waiting, Some(estimate)) => text_with("jobs-waiting", &[("estimate", estimate.into())]),
            (
                Phase::Waiting
                | Phase::Running(_)
                | Phase::Stopping
                | Phase::Done
                | Phase::Failed(_)
                | Phase::Cancelled
                | Phase::Listed(_),
                _,
            ) => self.recording.status(),
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
        let text = RichText::new(self.status()).small().color(color);
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
