//! Rows of the library: a recording with what is known of it, or a passage that was found. Each kind has one height,
//! whatever is in it, so that of 100,000 rows only those in view are drawn.

use eframe::egui::{
    Align, Button, Color32, FontId, Id, Label, Layout, Popup, Rect, Response, RichText, Sense, TextFormat, TextStyle,
    Ui, UiBuilder, pos2,
    text::{LayoutJob, TextWrapping},
    vec2,
};

use crate::engine::library::{Hit, RecordingEntry, Status};

use super::action::{Action, LibraryAction};
use super::library_dialogs::Dialog;
use super::library_words::{details, excerpt, facts_line};
use super::texts::{text, text_with};
use super::theme::{self, Palette, UNIT};

/// Height of a recording,
pub(super) const ENTRY_HEIGHT: f32 = 7.0 * UNIT;
/// and of a passage.
pub(super) const HIT_HEIGHT: f32 = 10.0 * UNIT;

const NAME_HEIGHT: f32 = 4.0 * UNIT;
const MENU_WIDTH: f32 = 4.0 * UNIT;
/// Distance of what is in a row from its edges.
const MARGIN: f32 = 4.0;

/// A recording of the library.
pub(super) struct EntryRow<'a> {
    /// The recording.
    pub(super) entry: &'a RecordingEntry,
    /// Whether it is the one that is shown.
    pub(super) is_selected: bool,
    /// How far its job is, where there is one.
    pub(super) job_status: Option<String>,
}

impl EntryRow<'_> {
    /// Shows it, and returns what the user has to be asked.
    pub(super) fn ui(&self, ui: &mut Ui, rect: Rect, actions: &mut Vec<Action>) -> Option<Dialog> {
        let palette = theme::palette(ui);
        let id = Id::unique(("library entry", self.entry.id.0));
        let mut row = row_ui(ui, id, rect);
        // The whole row can be clicked, but only the name takes the keyboard focus.
        let background = background_ui(&mut row, rect, self.is_selected, palette);
        let inside = rect.shrink(MARGIN);
        let name = Rect::from_min_size(inside.min, vec2(inside.width() - MENU_WIDTH - MARGIN, NAME_HEIGHT));
        if self.name_ui(&mut row, name) || background.clicked() {
            let (id, path) = (self.entry.id, self.entry.path.clone());
            actions.push(Action::Library(LibraryAction::Open { id, path }));
        }
        // Below the name, which has the distance that buttons have.
        let facts_left = inside.left() + row.spacing().button_padding.x;
        let facts = Rect::from_min_max(pos2(facts_left, name.bottom()), inside.max);
        self.facts_ui(&mut row, facts, palette);
        let menu = Rect::from_min_max(pos2(name.right() + MARGIN, inside.top()), pos2(inside.right(), name.bottom()));
        self.menu_ui(&mut row, menu, actions)
    }

    fn name_ui(&self, row: &mut Ui, rect: Rect) -> bool {
        let entry = self.entry;
        let button = Button::selectable(self.is_selected, entry.label.as_str()).truncate().min_size(rect.size());
        // A selected button would paint over the row's own background.
        let button = child_ui(row, rect).add(button.frame_when_inactive(false));
        let button = button.accessible_name(format!("{}, {}", entry.label, self.facts()));
        follow_focus(&button);
        button.on_hover_text(format!("{}\n{}", entry.label, details(entry))).clicked()
    }

    fn facts_ui(&self, row: &mut Ui, rect: Rect, palette: &Palette) {
        // On the selection, which is tinted, red would be hard to read.
        let color = match &self.entry.status {
            Status::Failed(_) | Status::Missing if self.is_selected => palette.text,
            Status::Failed(_) | Status::Missing => palette.error,
            Status::New | Status::PartlyDone | Status::Done(_) => palette.weak,
        };
        let text = RichText::new(self.facts()).small().color(color);
        let mut place = row.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
        place.add(Label::new(text).truncate().selectable(false));
    }

    fn facts(&self) -> String {
        self.job_status.clone().unwrap_or_else(|| facts_line(self.entry))
    }

    fn menu_ui(&self, row: &mut Ui, rect: Rect, actions: &mut Vec<Action>) -> Option<Dialog> {
        let button = Button::new("…").min_size(rect.size()).frame_when_inactive(false);
        let name = text_with("library-menu-name", &[("label", self.entry.label.as_str().into())]);
        let button = child_ui(row, rect).add(button).accessible_name(name);
        let menu = Popup::menu(&button).style(theme::menu_style).gap(4.0).show(|ui| self.choices_ui(ui, actions));
        menu.and_then(|menu| menu.inner)
    }

    fn choices_ui(&self, ui: &mut Ui, actions: &mut Vec<Action>) -> Option<Dialog> {
        let entry = self.entry;
        let mut dialog = None;
        let obstacle = match (&self.job_status, &entry.status) {
            (Some(_), _) => Some(text("library-obstacle-job")),
            (None, Status::Missing) => Some(text("library-obstacle-missing")),
            (None, Status::New | Status::PartlyDone | Status::Done(_) | Status::Failed(_)) => None,
        };
        let is_done = matches!(entry.status, Status::Done(_));
        let verb = text(if is_done { "library-transcribe-again" } else { "library-transcribe" });
        let button = ui.add_enabled(obstacle.is_none(), Button::new(verb).frame_when_inactive(false));
        if button.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
            if entry.is_edited {
                dialog = Some(Dialog::transcribe_again(entry));
            } else {
                actions.push(Action::Library(LibraryAction::Transcribe(entry.path.clone())));
            }
            ui.close();
        }
        if choice_ui(ui, &text("library-describe")) {
            dialog = Some(Dialog::describe(entry));
        }
        if choice_ui(ui, &text("library-copy-path")) {
            actions.push(Action::Library(LibraryAction::CopyPath(entry.path.clone())));
        }
        if choice_ui(ui, &text("library-remove")) {
            dialog = Some(Dialog::remove(entry));
        }
        dialog
    }
}

/// A recording whose page is not there yet.
pub(super) fn pending_ui(ui: &mut Ui, row_idx: usize, rect: Rect) {
    let mut row = row_ui(ui, Id::unique(("pending library entry", row_idx)), rect);
    let weak = theme::palette(&row).weak;
    let inside = rect.shrink(MARGIN + UNIT);
    child_ui(&mut row, inside).add(Label::new(RichText::new("…").color(weak)).selectable(false));
}

/// Shows a passage that was found, and says whether it is to be opened.
pub(super) fn hit_ui(ui: &mut Ui, hit: &Hit, hit_idx: usize, rect: Rect) -> bool {
    let palette = theme::palette(ui);
    let mut row = row_ui(ui, Id::unique(("library hit", hit_idx)), rect);
    let background = background_ui(&mut row, rect, false, palette);
    let inside = rect.shrink(MARGIN);
    let name = Rect::from_min_size(inside.min, vec2(inside.width(), NAME_HEIGHT));
    let at = match &hit.speaker {
        Some(speaker) => format!("{} · {speaker}", hit.at),
        None => hit.at.to_string(),
    };
    let button = Button::selectable(false, format!("{at} · {}", hit.label)).truncate().min_size(name.size());
    let button = child_ui(&mut row, name).add(button);
    let button = button.accessible_name(text_with(
        "library-hit-name",
        &[("label", hit.label.as_str().into()), ("at", at.into()), ("text", hit.text.trim().into())],
    ));
    follow_focus(&button);
    let button = button.on_hover_text(format!("{}\n{}", hit.label, hit.path.display()));
    let text_left = inside.left() + row.spacing().button_padding.x;
    let passage = Rect::from_min_max(pos2(text_left, name.bottom()), pos2(inside.right() - UNIT, inside.bottom()));
    let job = passage_job(&row, hit, passage.width(), palette);
    let galley = row.ctx().fonts_mut(|fonts| fonts.layout_job(job));
    let is_cut = galley.elided;
    let label = child_ui(&mut row, passage).add(Label::new(galley).selectable(false));
    if is_cut {
        label.on_hover_text(hit.text.trim());
    }
    button.clicked() || background.clicked()
}

/// The passage in two lines, with the words found on the colour of what is selected.
fn passage_job(ui: &Ui, hit: &Hit, max_width: f32, palette: &Palette) -> LayoutJob {
    let (text, found) = excerpt(hit);
    let font = TextStyle::Small.resolve(ui.style());
    let mut job =
        LayoutJob { wrap: TextWrapping { max_width, max_rows: 2, ..TextWrapping::default() }, ..LayoutJob::default() };
    let mut added = 0;
    for place in found {
        append(&mut job, &text[added..place.start], &font, palette.weak, Color32::TRANSPARENT);
        append(&mut job, &text[place.clone()], &font, palette.text, palette.selection);
        added = place.end;
    }
    append(&mut job, &text[added..], &font, palette.weak, Color32::TRANSPARENT);
    job
}

fn append(job: &mut LayoutJob, text: &str, font: &FontId, color: Color32, background: Color32) {
    if !text.is_empty() {
        job.append(text, 0.0, TextFormat { background, ..TextFormat::simple(font.clone(), color) });
    }
}

/// The id depends on what is in the row alone, so that it keeps the focus while rows above it come and go.
fn row_ui(ui: &mut Ui, id: Id, rect: Rect) -> Ui {
    ui.new_child(UiBuilder::new().scope_id(id).max_rect(rect).layout(Layout::top_down(Align::Min)))
}

fn child_ui(row: &mut Ui, rect: Rect) -> Ui {
    row.new_child(UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min)))
}

fn background_ui(row: &mut Ui, rect: Rect, is_selected: bool, palette: &Palette) -> Response {
    let response = row.allocate_rect(rect, Sense::CLICK);
    let fill = match (is_selected, response.hovered()) {
        (true, _) => palette.selection,
        (false, true) => palette.hovered,
        (false, false) => Color32::TRANSPARENT,
    };
    row.painter().rect_filled(rect, 6.0, fill);
    response
}

/// Whoever goes through the list by keyboard sees where they are.
fn follow_focus(response: &Response) {
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
}

fn choice_ui(ui: &mut Ui, text: &str) -> bool {
    let is_chosen = ui.add(Button::new(text).frame_when_inactive(false)).clicked();
    if is_chosen {
        ui.close();
    }
    is_chosen
}
