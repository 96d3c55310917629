//! The bar above the transcript for finding words in it and putting others in their place.

use std::mem;

use eframe::egui::{
    Align2, Button, Id, Key, KeyboardShortcut, Modifiers, Response, RichText, Role, Sense, TextEdit, TextStyle, Ui,
    WidgetInfo, accesskit::Live, vec2,
};

use crate::transcript::search::{Case, WholeWords};

use super::action::Action;
use super::finder::{FindBar, Finder, Focus};
use super::icons::{Icon, icon_button_ui};
use super::recording::Recording;
use super::review_state::Direction;
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

/// Shows the field for what is looked for.
pub(super) const FIND_KEYS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::F);
/// Shows the field for what takes its place, too.
pub(super) const REPLACE_KEYS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::H);
/// Goes to the next place, or to the one before.
pub(super) const NEXT_KEYS: [KeyboardShortcut; 2] =
    [KeyboardShortcut::new(Modifiers::SHIFT, Key::F3), KeyboardShortcut::new(Modifiers::NONE, Key::F3)];

const FIELD_HEIGHT: f32 = 4.0 * UNIT;
const MIN_FIELD_WIDTH: f32 = 15.0 * UNIT;
const MAX_FIELD_WIDTH: f32 = 32.0 * UNIT;
/// Room for `1234 of 5678`, so that nothing moves while one types.
const COUNT_WIDTH: f32 = 12.0 * UNIT;

/// What the bar asks of the transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// To show the place at which one is.
    ShowCurrent,
    /// To go to another place.
    Step(Direction),
    /// To replace the one at which one is.
    ReplaceOne,
}

/// Takes the keys that open the bar or go from place to place. Those that open it work while somebody types, too.
pub(super) fn take_find_keys(ui: &Ui, finder: &mut Finder) -> Option<Wish> {
    for (keys, bar) in [(&FIND_KEYS, FindBar::Find), (&REPLACE_KEYS, FindBar::Replace)] {
        if ui.input_mut(|input| input.consume_shortcut(keys)) {
            open_find_bar(ui, finder, bar);
        }
    }
    // The keys for going back are those for going on and one more, so they are looked for first.
    let directions = [Direction::Back, Direction::Forward];
    let mut steps = NEXT_KEYS.iter().zip(directions);
    let step = steps.find(|(keys, _)| ui.input_mut(|input| input.consume_shortcut(keys)));
    step.map(|(_, direction)| Wish::Step(direction))
}

/// Opens the bar, so that one can type at once. The one for finding does not hide what is to be replaced.
pub(super) fn open_find_bar(ui: &Ui, finder: &mut Finder, bar: FindBar) {
    finder.bar = finder.bar.max(bar);
    finder.focus = Focus::Wanted;
    ui.memory_mut(|memory| memory.request_focus(find_id()));
}

/// Shows the bar, and returns what it asks for.
pub(super) fn find_bar_ui(
    ui: &mut Ui,
    finder: &mut Finder,
    recording: &Recording,
    recording_idx: usize,
    actions: &mut Vec<Action>,
) -> Option<Wish> {
    let mut wish = None;
    ui.spacing_mut().item_spacing.x = 4.0;
    ui.spacing_mut().button_padding.x = UNIT;
    let width = (ui.available_width() * 0.4).clamp(MIN_FIELD_WIDTH, MAX_FIELD_WIDTH);
    let mut is_left = false;
    ui.horizontal(|ui| {
        let field =
            field_ui(ui, &mut finder.typed, &text("find-field"), text("find-field-hint"), Some(find_id()), width);
        if mem::take(&mut finder.focus) == Focus::Wanted {
            // Once more: a click on the button that opens the bar takes the focus from a field that is not under it.
            field.request_focus();
        }
        if field.changed() {
            wish = Some(Wish::ShowCurrent);
        }
        if is_entered(ui, &field) {
            let is_back = ui.input(|input| input.modifiers.shift);
            wish = Some(Wish::Step(if is_back { Direction::Back } else { Direction::Forward }));
            field.request_focus();
        }
        is_left |= is_escaped(ui, &field);
        count_ui(ui, finder);
        if icon_button_ui(ui, Icon::Up, &text("find-previous"), &ui.ctx().format_shortcut(&NEXT_KEYS[0])).clicked() {
            wish = Some(Wish::Step(Direction::Back));
        }
        if icon_button_ui(ui, Icon::Down, &text("find-next"), &ui.ctx().format_shortcut(&NEXT_KEYS[1])).clicked() {
            wish = Some(Wish::Step(Direction::Forward));
        }
        is_left |= icon_button_ui(ui, Icon::Close, &text("find-close"), "Esc").clicked();
    });
    ui.horizontal(|ui| {
        options_ui(ui, finder);
        if finder.bar == FindBar::Find
            && ui
                .button(RichText::new(text("find-show-replace")).small())
                .on_hover_text(ui.ctx().format_shortcut(&REPLACE_KEYS))
                .clicked()
        {
            finder.bar = FindBar::Replace;
        }
    });
    if finder.bar == FindBar::Replace {
        let can_replace = recording.can_edit() && finder.current().is_some();
        ui.horizontal(|ui| {
            let name = text("find-replacement");
            let field = field_ui(ui, &mut finder.replacement, &name, name.clone(), None, width);
            is_left |= is_escaped(ui, &field);
            let is_one = is_entered(ui, &field);
            if is_one {
                field.request_focus();
            }
            let one = ui.add_enabled(can_replace, Button::new(RichText::new(text("find-replace")).small()));
            if one.clicked() || (is_one && can_replace) {
                wish = Some(Wish::ReplaceOne);
            }
            let all = ui.add_enabled(can_replace, Button::new(RichText::new(text("find-replace-all")).small()));
            if all.clicked() {
                actions.extend(finder.replace_all().map(|change| Action::Edit { recording_idx, change }));
            }
        });
    }
    if is_left {
        finder.bar = FindBar::Hidden;
    }
    wish
}

fn find_id() -> Id {
    Id::unique("find in this transcript")
}

fn field_ui(ui: &mut Ui, text: &mut String, name: &str, hint: String, id: Option<Id>, width: f32) -> Response {
    let mut field = TextEdit::singleline(text)
        .hint_text(hint)
        .desired_width(width)
        .min_size(vec2(0.0, FIELD_HEIGHT))
        .align(Align2::LEFT_CENTER);
    field = match id {
        Some(id) => field.id(id),
        None => field.id_salt(name),
    };
    ui.add(field).accessible_name(name)
}

/// How much was found. A screen reader speaks it when it changes.
fn count_ui(ui: &mut Ui, finder: &Finder) {
    let text = finder.summary();
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(COUNT_WIDTH, FIELD_HEIGHT), Sense::hover());
    let font = TextStyle::Small.resolve(ui.style());
    ui.painter().text(rect.left_center() + vec2(4.0, 0.0), Align2::LEFT_CENTER, &text, font, palette.weak);
    let spoken = text_with("find-count", &[("count", finder.summary_in_words().into())]);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_live(Live::Polite));
}

fn options_ui(ui: &mut Ui, finder: &mut Finder) {
    let is_exact = finder.case == Case::Exact;
    if ui.add(Button::selectable(is_exact, RichText::new(text("find-match-case")).small())).clicked() {
        finder.case = if is_exact { Case::Ignored } else { Case::Exact };
    }
    let is_whole = finder.words == WholeWords::Only;
    if ui.add(Button::selectable(is_whole, RichText::new(text("find-whole-words")).small())).clicked() {
        finder.words = if is_whole { WholeWords::AnyPlace } else { WholeWords::Only };
    }
}

fn is_entered(ui: &Ui, field: &Response) -> bool {
    field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}

fn is_escaped(ui: &Ui, field: &Response) -> bool {
    field.lost_focus() && ui.input(|input| input.key_pressed(Key::Escape))
}
