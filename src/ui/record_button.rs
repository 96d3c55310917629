//! Buttons for recording: each has a painted sign, which fonts lack, and a name that says what it does.

use eframe::egui::{
    Atom, Button, Color32, Key, KeyboardShortcut, Modifiers, Painter, Popup, Rect, Response, Shape, Stroke, Ui, Vec2,
    pos2, vec2,
};

use super::action::{Action, RecordAction};
use super::record_state::{RecordPhase, RecordState};
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

/// Begins and ends a recording.
pub(super) const RECORD_KEYS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::R);
/// Pauses it and goes on.
pub(super) const PAUSE_KEYS: KeyboardShortcut =
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::P);
/// Marks a place in it.
pub(super) const MARK_KEY: Key = Key::M;

/// Side of a sign.
const SIGN_SIZE: f32 = 1.5 * UNIT;

/// What is painted on a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// A dot: record.
    Dot,
    /// A square: stop.
    Square,
    /// Two bars: pause.
    Bars,
    /// A triangle: go on.
    Triangle,
    /// A flag: mark.
    Flag,
}

/// How much room a button takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// As all others.
    Usual,
    /// The first thing to be seen.
    Big,
}

/// A sign as a part of a button, in the colour of its text or in another one.
pub(super) fn sign_atom<'a>(sign: Sign, color: Option<Color32>) -> Atom<'a> {
    Atom::paint(Vec2::splat(SIGN_SIZE), move |ui, args| {
        paint_sign(ui.painter(), args.rect, sign, color.unwrap_or(args.fallback_text_color));
    })
}

/// The buttons for the recording that goes on: end it, leave something out, mark a place.
pub(super) fn session_buttons_ui(ui: &mut Ui, record: &RecordState, size: Size, actions: &mut Vec<Action>) {
    let height = match size {
        Size::Usual => 4.0 * UNIT,
        Size::Big => 5.0 * UNIT,
    };
    let is_live = matches!(record.phase(), RecordPhase::Recording | RecordPhase::Paused);
    let keys = ui.ctx().format_shortcut(&RECORD_KEYS);
    let stop = Button::new((sign_atom(Sign::Square, Some(theme::alarm(ui).dot)), text("record-stop")));
    let stop = ui.add_enabled(record.phase() != RecordPhase::Stopping, stop.min_size(vec2(0.0, height)));
    let stop = stop.accessible_name(text("record-stop-name"));
    if stop.on_hover_text(text_with("record-stop-hint", &[("keys", keys.into())])).clicked() {
        actions.push(Action::Record(RecordAction::Stop));
    }
    let (sign, word, name, action) = match record.phase() {
        RecordPhase::Paused => {
            (Sign::Triangle, text("record-resume"), text("record-resume-name"), RecordAction::Resume)
        }
        RecordPhase::Idle | RecordPhase::Starting | RecordPhase::Recording | RecordPhase::Stopping => {
            (Sign::Bars, text("record-pause"), text("record-pause-name"), RecordAction::Pause)
        }
    };
    let keys = ui.ctx().format_shortcut(&PAUSE_KEYS);
    let pause = ui.add_enabled(is_live, Button::new((sign_atom(sign, None), word)).min_size(vec2(0.0, height)));
    if pause.accessible_name(name).on_hover_text(keys).clicked() {
        actions.push(Action::Record(action));
    }
    let mark = Button::new((sign_atom(Sign::Flag, None), text("record-mark"))).min_size(vec2(0.0, height));
    let mark = ui.add_enabled(is_live, mark).accessible_name(text("record-mark-name"));
    let key = MARK_KEY.name();
    if mark.on_hover_text(text_with("record-mark-hint", &[("key", key.into())])).clicked() {
        actions.push(Action::Record(RecordAction::Mark));
    }
}

/// A big button with a dot, which leads to a recording.
pub(super) fn record_button_ui(ui: &mut Ui, name: &str) -> Response {
    let keys = ui.ctx().format_shortcut(&RECORD_KEYS);
    let dot = sign_atom(Sign::Dot, Some(theme::alarm(ui).dot));
    let button = ui.add(Button::new((dot, name)).min_size(vec2(0.0, 5.0 * UNIT)));
    button.on_hover_text(text_with("record-button-hint", &[("keys", keys.into())]))
}

/// Takes the keys for recording, which work wherever the focus is, but for a letter that is typed.
pub(super) fn take_record_keys(ui: &Ui, record: &RecordState, actions: &mut Vec<Action>) {
    let is_typing = ui.ctx().text_edit_focused() || Popup::is_any_open(ui.ctx());
    let (is_record, is_pause, is_mark) = ui.input_mut(|input| {
        let is_mark = !is_typing && record.is_active() && input.consume_key(Modifiers::NONE, MARK_KEY);
        (input.consume_shortcut(&RECORD_KEYS), input.consume_shortcut(&PAUSE_KEYS), is_mark)
    });
    if is_record {
        actions.push(Action::Record(if record.is_active() { RecordAction::Stop } else { RecordAction::Start }));
    }
    match record.phase() {
        RecordPhase::Recording if is_pause => actions.push(Action::Record(RecordAction::Pause)),
        RecordPhase::Paused if is_pause => actions.push(Action::Record(RecordAction::Resume)),
        RecordPhase::Idle
        | RecordPhase::Starting
        | RecordPhase::Recording
        | RecordPhase::Paused
        | RecordPhase::Stopping => {}
    }
    if is_mark {
        actions.push(Action::Record(RecordAction::Mark));
    }
}

/// Paints a sign into a square.
pub(super) fn paint_sign(painter: &Painter, rect: Rect, sign: Sign, color: Color32) {
    let filled = |points: Vec<_>| Shape::convex_polygon(points, color, Stroke::NONE);
    match sign {
        Sign::Dot => {
            painter.circle_filled(rect.center(), rect.width() / 2.0, color);
        }
        Sign::Square => {
            painter.rect_filled(rect.shrink(1.0), 1.0, color);
        }
        Sign::Bars => {
            let width = rect.width() / 3.0;
            painter.rect_filled(rect.with_max_x(rect.left() + width), 1.0, color);
            painter.rect_filled(rect.with_min_x(rect.right() - width), 1.0, color);
        }
        Sign::Triangle => {
            let tip = pos2(rect.right(), rect.center().y);
            painter.add(filled(vec![rect.left_top(), tip, rect.left_bottom()]));
        }
        Sign::Flag => {
            let tip = pos2(rect.right(), rect.top() + rect.height() / 4.0);
            painter.add(filled(vec![rect.left_top(), tip, rect.left_center()]));
            painter.vline(rect.left(), rect.y_range(), Stroke::new(1.5, color));
        }
    }
}
