//! What is seen of a recording wherever one is in the window: red bars, and a strip with time, level and the end of it.

use eframe::egui::{Frame, Label, Panel, RichText, Sense, Ui, Vec2};

use super::action::{Action, RecordAction};
use super::level_meter::level_meter_ui;
use super::record_button::{Sign, Size, paint_sign, session_buttons_ui};
use super::record_state::{RecordPhase, RecordState, Session};
use super::state::is_narrow;
use super::texts::text;
use super::theme::{self, UNIT};

/// Of the level.
const METER_WIDTH: f32 = 10.0 * UNIT;

/// A bar, in red while something is being recorded.
pub(super) fn tinted(ui: &Ui, bar: Frame, record: &RecordState) -> Frame {
    if record.is_active() { bar.fill(theme::alarm(ui).fill) } else { bar }
}

/// Shows the strip below the toolbar, where the page for recording does not say it all.
pub(super) fn strip_panel_ui(ui: &mut Ui, record: &RecordState, bar: Frame, actions: &mut Vec<Action>) {
    if !record.is_active() {
        return;
    }
    let bar = tinted(ui, bar, record);
    Panel::top("recording").frame(bar).show(ui, |ui| {
        ui.horizontal(|ui| {
            status_ui(ui, record, METER_WIDTH);
            session_buttons_ui(ui, record, Size::Usual, actions);
            if !is_narrow(theme::window_width(ui))
                && ui.button(text("record-strip-captions")).on_hover_text(text("record-strip-captions-hint")).clicked()
            {
                actions.push(Action::Record(RecordAction::Open));
            }
        });
        if let Some(alert) = record.session().and_then(Session::alert) {
            ui.add(Label::new(RichText::new(alert).color(theme::alarm(ui).on_fill)).truncate());
        }
    });
}

/// A dot, how far the recording is, and its level, on a red bar.
pub(super) fn status_ui(ui: &mut Ui, record: &RecordState, meter_width: f32) {
    let color = theme::alarm(ui).on_fill;
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(1.5 * UNIT), Sense::hover());
    let sign = if record.phase() == RecordPhase::Paused { Sign::Bars } else { Sign::Dot };
    paint_sign(ui.painter(), rect, sign, color);
    ui.add(Label::new(RichText::new(record.status()).strong().color(color)).extend().selectable(false));
    if let Some(session) = record.session() {
        level_meter_ui(ui, session, meter_width);
        if session.is_clipping() {
            ui.add(Label::new(RichText::new(text("record-too-loud")).color(color)).extend().selectable(false));
        }
    }
}
