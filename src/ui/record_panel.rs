//! The page for recording: what is listened to, the button that begins it, how it goes on, and captions. The same in
//! little room, in front of all other windows. It also keeps the window from being closed on a recording.

use std::time::Duration;

use eframe::egui::{
    Button, CentralPanel, Context, Frame, Label, Margin, Panel, Popup, RichText, ScrollArea, Ui, Vec2, ViewportCommand,
    WindowLevel, vec2,
};

use crate::engine::recording::{DeviceKind, Standing};
use crate::units::Seconds;

use super::MIN_WINDOW_SIZE;
use super::action::{Action, RecordAction};
use super::amounts::duration_text;
use super::ask::{Asking, Question, Reply};
use super::model_choice::model_choice_ui;
use super::quit::Quit;
use super::record_button::{RECORD_KEYS, Sign, Size, session_buttons_ui, sign_atom};
use super::record_captions::CaptionChoice;
use super::record_captions_view::{CaptionsView, compact_captions_ui};
use super::record_sources::Hearing;
use super::record_state::{CaptionModels, Leaving, RecordPhase, RecordState, Session, Shape};
use super::record_strip::status_ui;
use super::state::State;
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

/// How often it is looked whether a device came or went.
const DEVICE_INTERVAL: Duration = Duration::from_secs(5);
/// Size of the small window, which cannot be made smaller.
const COMPACT_SIZE: Vec2 = vec2(480.0, 200.0);
/// Wide enough for the names of devices.
const MENU_WIDTH: f32 = 36.0 * UNIT;
/// The rest of the menu is scrolled.
const MAX_MENU_HEIGHT: f32 = 30.0 * UNIT;
/// Of the level.
const METER_WIDTH: f32 = 24.0 * UNIT;
/// So many markers are told, the last ones.
const MAX_MARKERS: usize = 8;

/// What the page keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct RecordPanel {
    captions: CaptionsView,
    quitting: Asking,
    /// How large the window was made last.
    shape: Shape,
    /// How large it was before it became small.
    full_size: Option<Vec2>,
    /// When devices are looked for next, in seconds since the window opened.
    next_look_secs: f64,
}

impl RecordPanel {
    /// Makes the window as large as it shall be, and closes it or keeps it. To be called in every frame, before it is
    /// looked whether other work is to be asked about.
    pub(super) fn follow(&mut self, ctx: &Context, record: &mut RecordState, quit: Quit) {
        if ctx.input(|input| input.viewport().close_requested()) && record.ask_to_leave() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        }
        if record.is_to_close() && !quit.is_asking() {
            // In every frame until there is none any more, or the user is asked about jobs that go on.
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
        if self.shape != record.shape() {
            self.shape = record.shape();
            self.change_shape(ctx);
        }
    }

    /// Shows the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let record = &state.record;
        if let Some(session) = record.session() {
            session_ui(ui, record, session, actions);
        } else {
            beginning_ui(ui, record, actions);
        }
        if !record.is_active() {
            self.look_for_devices(ui, actions);
        }
        ui.add_space(UNIT);
        ui.separator();
        ui.horizontal_wrapped(|ui| {
            caption_choice_ui(ui, record, actions);
            if record.is_active() {
                let model = text_with("record-model", &[("model", state.cache.chosen().into())]);
                ui.label(RichText::new(model).color(theme::palette(ui).weak));
            } else {
                model_choice_ui(ui, &state.cache, actions);
            }
            self.captions.buttons_ui(ui);
        });
        caption_notice_ui(ui, record);
        self.captions.ui(ui, &record.captions, &placeholder(record));
    }

    /// Shows the small window.
    pub(super) fn compact_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let record = &state.record;
        let bar = Frame::new().fill(theme::alarm(ui).fill).inner_margin(Margin::symmetric(8, 6));
        Panel::top("compact").frame(bar).show(ui, |ui| {
            ui.spacing_mut().button_padding.x = UNIT;
            ui.horizontal(|ui| status_ui(ui, record, 10.0 * UNIT));
            ui.horizontal(|ui| {
                session_buttons_ui(ui, record, Size::Usual, actions);
                if ui.button(text("record-full-window")).clicked() {
                    actions.push(Action::Record(RecordAction::SetShape(Shape::Full)));
                }
            });
            if let Some(alert) = record.session().and_then(Session::alert) {
                ui.add(Label::new(RichText::new(alert).color(theme::alarm(ui).on_fill)).truncate());
            }
        });
        let page = Frame::new().fill(theme::palette(ui).page).inner_margin(Margin::same(8));
        CentralPanel::default().frame(page).show(ui, |ui| {
            compact_captions_ui(ui, &record.captions, &placeholder(record));
        });
    }

    /// Asks before a recording is ended by closing the window.
    pub(super) fn quit_ui(&mut self, ui: &Ui, record: &RecordState, actions: &mut Vec<Action>) {
        if record.leaving() != Leaving::Asked {
            self.quitting = Asking::Hidden;
            return;
        }
        let question = Question {
            id: "quit while recording",
            text: &text("record-quit"),
            consequence: &text("record-quit-consequence"),
            verb: &text("record-quit-verb"),
        };
        match self.quitting.ui(ui, question) {
            Some(Reply::Do) => actions.push(Action::Record(RecordAction::Quit)),
            Some(Reply::Keep) => actions.push(Action::Record(RecordAction::Stay)),
            None => {}
        }
    }

    fn change_shape(&mut self, ctx: &Context) {
        let (size, min_size, level) = match self.shape {
            Shape::Compact => {
                self.full_size = Some(ctx.content_rect().size());
                if ctx.input(|input| input.viewport().maximized == Some(true)) {
                    // It would keep its size otherwise.
                    ctx.send_viewport_cmd(ViewportCommand::Maximized(false));
                }
                (COMPACT_SIZE, COMPACT_SIZE, WindowLevel::AlwaysOnTop)
            }
            Shape::Full => {
                // In points of the desktop, which do not grow with the user's choice of a size.
                let min_size = Vec2::from(MIN_WINDOW_SIZE) / ctx.zoom_factor();
                (self.full_size.take().unwrap_or(min_size), min_size, WindowLevel::Normal)
            }
        };
        ctx.send_viewport_cmd(ViewportCommand::MinInnerSize(min_size));
        ctx.send_viewport_cmd(ViewportCommand::InnerSize(size));
        ctx.send_viewport_cmd(ViewportCommand::WindowLevel(level));
    }

    /// Devices come and go without a word, so they are looked for as long as somebody may choose one.
    fn look_for_devices(&mut self, ui: &Ui, actions: &mut Vec<Action>) {
        let now_secs = ui.input(|input| input.time);
        if now_secs >= self.next_look_secs {
            self.next_look_secs = now_secs + DEVICE_INTERVAL.as_secs_f64();
            actions.push(Action::Record(RecordAction::LookForDevices));
        }
        ui.ctx().request_repaint_after(DEVICE_INTERVAL);
    }
}

/// Before a recording: what is listened to, and the button that begins it.
fn beginning_ui(ui: &mut Ui, record: &RecordState, actions: &mut Vec<Action>) {
    let (palette, alarm) = (theme::palette(ui), theme::alarm(ui));
    ui.heading(text("record-title"));
    ui.horizontal_wrapped(|ui| {
        ui.label(text("record-hear"));
        for (hearing, name) in [
            (Hearing::Microphone, text("record-hear-microphone")),
            (Hearing::System, text("record-hear-system")),
            (Hearing::Both, text("record-hear-both")),
        ] {
            let is_chosen = record.sources.hearing() == hearing;
            if ui.add_enabled(!record.is_active(), Button::selectable(is_chosen, name)).clicked() {
                actions.push(Action::Record(RecordAction::Hear(hearing)));
            }
        }
    });
    ui.horizontal_wrapped(|ui| {
        for kind in record.sources.choices() {
            device_ui(ui, record, *kind, actions);
        }
    });
    if let Some(hint) = record.sources.hint() {
        ui.add(Label::new(RichText::new(hint).color(palette.warning)).wrap());
    }
    ui.add_space(UNIT);
    ui.horizontal(|ui| {
        let keys = ui.ctx().format_shortcut(&RECORD_KEYS);
        if record.is_active() {
            ui.label(record.status());
            session_buttons_ui(ui, record, Size::Big, actions);
            return;
        }
        let dot = sign_atom(Sign::Dot, Some(alarm.on_fill));
        let name = RichText::new(text("record-start")).size(18.0).color(alarm.on_fill);
        let start = Button::new((dot, name)).fill(alarm.fill).min_size(vec2(24.0 * UNIT, 6.0 * UNIT));
        if ui.add(start).on_hover_text(keys).clicked() {
            actions.push(Action::Record(RecordAction::Start));
        }
    });
}

/// The choice of a device, and its menu when it is open.
fn device_ui(ui: &mut Ui, record: &RecordState, kind: DeviceKind, actions: &mut Vec<Action>) {
    let sources = &record.sources;
    let device = sources.chosen_text(kind);
    let name = match kind {
        DeviceKind::Microphone => text_with("record-device-microphone", &[("device", device.into())]),
        DeviceKind::SystemAudio => text_with("record-device-system", &[("device", device.into())]),
    };
    let button = ui.add_enabled(!record.is_active(), Button::new(name).truncate());
    let button = button.on_hover_text(text("record-device-hint"));
    let chosen = sources.chosen(kind);
    Popup::menu(&button).style(theme::menu_style).gap(4.0).show(|ui| {
        ui.set_min_width(MENU_WIDTH);
        ScrollArea::vertical().max_height(MAX_MENU_HEIGHT).show(ui, |ui| {
            if ui.add(Button::selectable(chosen.is_none(), sources.default_text(kind))).clicked() {
                actions.push(Action::Record(RecordAction::ChooseDevice(kind, None)));
                ui.close();
            }
            for device in sources.devices(kind) {
                let is_chosen = chosen.is_some_and(|chosen| chosen.id == device.id);
                let name = match device.standing {
                    Standing::Default => text_with("record-device-default", &[("device", device.name.as_str().into())]),
                    Standing::Other => device.name.clone(),
                };
                let entry = Button::selectable(is_chosen, name);
                let facts = [("rate", device.rate_hz.into()), ("channels", device.n_channels.into())];
                let facts = text_with("record-device-facts", &facts);
                if ui.add(entry).on_hover_text(facts).clicked() {
                    actions.push(Action::Record(RecordAction::ChooseDevice(kind, Some(device.clone()))));
                    ui.close();
                }
            }
        });
    });
}

/// While something is recorded: how it goes on, and what can be done about it.
fn session_ui(ui: &mut Ui, record: &RecordState, session: &Session, actions: &mut Vec<Action>) {
    let (palette, alarm) = (theme::palette(ui), theme::alarm(ui));
    let bar = Frame::new().fill(alarm.fill).corner_radius(6.0).inner_margin(Margin::symmetric(12, 8));
    bar.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| status_ui(ui, record, METER_WIDTH.min(ui.available_width() * 0.4)));
    });
    ui.horizontal_wrapped(|ui| {
        session_buttons_ui(ui, record, Size::Big, actions);
        let compact = ui.add(Button::new(text("record-compact-window")).min_size(vec2(0.0, 5.0 * UNIT)));
        if compact.on_hover_text(text("record-compact-window-hint")).clicked() {
            actions.push(Action::Record(RecordAction::SetShape(Shape::Compact)));
        }
    });
    let mut facts = vec![session.sources.clone()];
    facts.extend(session.space_text());
    facts.extend(markers_text(&session.markers));
    let color = if session.is_space_little() { palette.warning } else { palette.weak };
    ui.add(Label::new(RichText::new(facts.join(" · ")).color(color)).wrap())
        .on_hover_text(session.path.display().to_string());
    if let Some(alert) = session.alert() {
        ui.add(Label::new(RichText::new(alert).color(palette.warning)).wrap());
    }
}

/// `2 markers: 0:05, 1:12`; of many, the last ones.
fn markers_text(markers: &[Seconds]) -> Option<String> {
    if markers.is_empty() {
        return None;
    }
    let first_idx = markers.len().saturating_sub(MAX_MARKERS);
    let before = if first_idx > 0 { "…, " } else { "" };
    let places: Vec<String> = markers[first_idx..].iter().map(ToString::to_string).collect();
    let places = format!("{before}{}", places.join(", "));
    Some(text_with("record-markers", &[("n", markers.len().into()), ("places", places.into())]))
}

fn caption_choice_ui(ui: &mut Ui, record: &RecordState, actions: &mut Vec<Action>) {
    let mut is_on = record.caption_choice() == CaptionChoice::On;
    ui.add_enabled_ui(!record.is_active(), |ui| {
        let checkbox = ui.checkbox(&mut is_on, text("record-captions-choice"));
        let checkbox = checkbox.on_disabled_hover_text(text("record-captions-choice-late"));
        if checkbox.changed() {
            let choice = if is_on { CaptionChoice::On } else { CaptionChoice::Off };
            actions.push(Action::Record(RecordAction::ChooseCaptions(choice)));
        }
    });
}

/// Whether captions come, and whether they are late.
fn caption_notice_ui(ui: &mut Ui, record: &RecordState) {
    let palette = theme::palette(ui);
    let (notice, color) = match (record.captions.behind(), record.caption_models()) {
        _ if record.caption_choice() == CaptionChoice::Off => return,
        (_, CaptionModels::Failed(reason)) => (reason.clone(), palette.warning),
        (Some(late), _) => {
            (text_with("record-captions-behind", &[("late", duration_text(late.0).into())]), palette.warning)
        }
        (None, CaptionModels::Loading) => (text("record-captions-loading"), palette.weak),
        (None, CaptionModels::Unasked | CaptionModels::Ready) => return,
    };
    ui.add(Label::new(RichText::new(notice).color(color)).wrap());
}

/// What stands in the place of captions before there are any.
fn placeholder(record: &RecordState) -> String {
    match (record.caption_choice(), record.phase()) {
        (CaptionChoice::Off, _) => text("record-captions-off"),
        (CaptionChoice::On, RecordPhase::Idle | RecordPhase::Starting) => text("record-captions-to-come"),
        (CaptionChoice::On, RecordPhase::Recording | RecordPhase::Paused | RecordPhase::Stopping) => {
            text("record-captions-none-yet")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seconds;

    #[test]
    fn the_last_markers_are_told() {
        for (n_markers, expected) in [
            (0, None),
            (1, Some("1 marker: 0:01")),
            (10, Some("10 markers: …, 0:03, 0:04, 0:05, 0:06, 0:07, 0:08, 0:09, 0:10")),
        ] {
            let markers: Vec<Seconds> = (1..=n_markers).map(|number| Seconds(f64::from(number))).collect();
            assert_eq!(markers_text(&markers).as_deref(), expected);
        }
    }
}
