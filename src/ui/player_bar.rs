//! The bar below the transcript with which one listens: play and pause, back and forward, how fast and how loud, and
//! through which device. Where a recording cannot be heard, it says why.

use eframe::egui::{
    Button, Key, KeyboardShortcut, Label, Memory, Modifiers, Popup, PopupCloseBehavior, RichText, Slider, Ui, vec2,
};

use crate::units::Seconds;

use super::action::{Action, PlayAction, Silence};
use super::amounts::number_text;
use super::icons::{Icon, icon_button_ui};
use super::playback_state::{Devices, PlaybackState, Readiness, SPEEDS};
use super::texts::{text, text_with};
use super::theme::{self, UNIT};
use super::timeline::timeline_id;

/// Goes back,
pub(super) const BACK_KEYS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::ArrowLeft);
/// and forward.
pub(super) const FORWARD_KEYS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::ArrowRight);
/// The letters for both.
pub(super) const JUMP_LETTERS: [Key; 2] = [Key::J, Key::L];
/// Plays or pauses, as the space bar does where no button has the focus.
pub(super) const TOGGLE_LETTER: Key = Key::K;
/// How far one goes.
const JUMP: Seconds = Seconds(5.0);
/// With less room, the volume and the silence are in the menu alone.
const MIN_WIDTH_FOR_ALL: f32 = 80.0 * UNIT;
const VOLUME_WIDTH: f32 = 12.0 * UNIT;

/// Takes the keys for listening, unless somebody types or a menu is open.
pub(super) fn take_play_keys(ui: &Ui, playback: &PlaybackState, actions: &mut Vec<Action>) {
    if *playback.readiness() != Readiness::Ready || ui.ctx().text_edit_focused() || Popup::is_any_open(ui.ctx()) {
        return;
    }
    for (keys, by) in [(&BACK_KEYS, -JUMP.0), (&FORWARD_KEYS, JUMP.0)] {
        if ui.input_mut(|input| input.consume_shortcut(keys)) {
            actions.push(Action::Play(PlayAction::Jump(Seconds(by))));
        }
    }
    // A button that has the focus is pressed by the space bar instead.
    let focused = ui.memory(Memory::focused);
    let is_space_free = focused.is_none_or(|id| id == timeline_id());
    let is_pressed = |key: Key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if (is_space_free && is_pressed(Key::Space)) || is_pressed(TOGGLE_LETTER) {
        actions.push(Action::Play(PlayAction::Toggle));
    }
    for (key, by) in JUMP_LETTERS.into_iter().zip([-JUMP.0, JUMP.0]) {
        if is_pressed(key) {
            actions.push(Action::Play(PlayAction::Jump(Seconds(by))));
        }
    }
}

/// Shows the bar, or why there is none.
pub(super) fn player_bar_ui(ui: &mut Ui, playback: &PlaybackState, actions: &mut Vec<Action>) {
    match playback.readiness() {
        Readiness::Nothing => {}
        Readiness::Failed(line) => {
            let reason = text_with("player-impossible", &[("reason", line.into())]);
            let reason = RichText::new(reason).small();
            ui.add(Label::new(reason.color(theme::palette(ui).weak)).wrap());
        }
        Readiness::Opening => {
            ui.add_enabled_ui(false, |ui| controls_ui(ui, playback, actions));
        }
        Readiness::Ready => controls_ui(ui, playback, actions),
    }
}

fn controls_ui(ui: &mut Ui, playback: &PlaybackState, actions: &mut Vec<Action>) {
    let has_room = ui.available_width() >= MIN_WIDTH_FOR_ALL;
    ui.spacing_mut().button_padding.x = UNIT;
    ui.horizontal_wrapped(|ui| {
        let mut play = |action: PlayAction| actions.push(Action::Play(action));
        let (icon, name) =
            if playback.is_playing() { (Icon::Pause, text("player-pause")) } else { (Icon::Play, text("player-play")) };
        if icon_button_ui(ui, icon, &name, &text("player-space-bar")).clicked() {
            play(PlayAction::Toggle);
        }
        let [back, forward] = JUMP_LETTERS;
        let keys = keys_text(ui, BACK_KEYS, back);
        if icon_button_ui(ui, Icon::Back, &text("player-back"), &keys).clicked() {
            play(PlayAction::Jump(Seconds(-JUMP.0)));
        }
        let keys = keys_text(ui, FORWARD_KEYS, forward);
        if icon_button_ui(ui, Icon::Forward, &text("player-forward"), &keys).clicked() {
            play(PlayAction::Jump(JUMP));
        }
        ui.add(Label::new(RichText::new(time_text(playback)).monospace()).selectable(false).extend());
        speed_menu_ui(ui, playback.speed(), &mut play);
        if has_room {
            silence_ui(ui, playback.silence(), &mut play);
            volume_ui(ui, playback.volume(), &mut play);
        }
        sound_menu_ui(ui, playback, has_room, &mut play);
        if let Some(part) = playback.looped() {
            let stop = ui.add(Button::new(RichText::new(text("player-stop-repeating")).small()));
            let (from, to) = (part.start.to_string(), part.end.to_string());
            let hint = text_with("player-stop-repeating-hint", &[("from", from.into()), ("to", to.into())]);
            if stop.on_hover_text(hint).clicked() {
                play(PlayAction::Loop(None));
            }
        }
    });
}

fn speed_menu_ui(ui: &mut Ui, chosen: f64, play: &mut impl FnMut(PlayAction)) {
    let name = text_with("player-speed", &[("speed", speed_text(chosen).into())]);
    let button = ui.button(speed_text(chosen)).accessible_name(name).on_hover_text(text("player-speed-hint"));
    Popup::menu(&button).style(theme::menu_style).gap(4.0).show(|ui| {
        for speed in SPEEDS {
            let is_chosen = (speed - chosen).abs() < 1e-3;
            if ui.add(Button::selectable(is_chosen, speed_text(speed))).clicked() {
                play(PlayAction::SetSpeed(speed));
                ui.close();
            }
        }
    });
}

fn silence_ui(ui: &mut Ui, silence: Silence, play: &mut impl FnMut(PlayAction)) {
    let is_left_out = silence == Silence::LeftOut;
    let button = ui.add(Button::selectable(is_left_out, text("player-skip-silence")));
    if button.on_hover_text(text("player-skip-silence-hint")).clicked() {
        play(PlayAction::SetSilence(if is_left_out { Silence::Played } else { Silence::LeftOut }));
    }
}

fn volume_ui(ui: &mut Ui, volume: f32, play: &mut impl FnMut(PlayAction)) {
    let mut percent = volume * 100.0;
    ui.scope(|ui| {
        ui.spacing_mut().slider_width = VOLUME_WIDTH;
        let slider = ui.add(Slider::new(&mut percent, 0.0..=100.0).show_value(false).trailing_fill(true));
        let slider = slider.accessible_name(text("player-volume"));
        let hint = text_with("player-volume-hint", &[("percent", format!("{percent:.0}").into())]);
        if slider.on_hover_text(hint).changed() {
            play(PlayAction::SetVolume(percent / 100.0));
        }
    });
}

fn sound_menu_ui(ui: &mut Ui, playback: &PlaybackState, has_room: bool, play: &mut impl FnMut(PlayAction)) {
    let button = ui.button(text("player-sound")).on_hover_text(text("player-sound-hint"));
    if button.clicked() {
        // Devices come and go.
        play(PlayAction::ListDevices);
    }
    let menu = Popup::menu(&button).style(theme::menu_style).gap(4.0);
    menu.close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.set_min_size(vec2(30.0 * UNIT, 0.0));
        if !has_room {
            volume_ui(ui, playback.volume(), play);
            silence_ui(ui, playback.silence(), play);
            ui.separator();
        }
        devices_ui(ui, playback, play);
    });
}

fn devices_ui(ui: &mut Ui, playback: &PlaybackState, play: &mut impl FnMut(PlayAction)) {
    let weak = theme::palette(ui).weak;
    let mut line = |text: &str| {
        ui.add(Label::new(RichText::new(text).small().color(weak)).wrap());
    };
    let devices = match playback.devices() {
        Devices::Unknown | Devices::Asked => return line(&text("player-looking-for-devices")),
        Devices::Failed(reason) => return line(reason),
        Devices::Known(devices) => devices,
    };
    line(&text("player-play-through"));
    let default = ui.add(Button::selectable(playback.device().is_none(), text("player-default-device")));
    if default.clicked() {
        play(PlayAction::ChooseDevice(None));
    }
    for device in devices {
        let is_chosen = playback.device() == Some(device.id.as_str());
        if ui.add(Button::selectable(is_chosen, device.name.as_str())).clicked() {
            play(PlayAction::ChooseDevice(Some(device.id.clone())));
        }
    }
}

/// `Ctrl+ArrowLeft or J`.
fn keys_text(ui: &Ui, keys: KeyboardShortcut, letter: Key) -> String {
    let keys = ui.ctx().format_shortcut(&keys);
    text_with("player-keys", &[("keys", keys.into()), ("letter", letter.name().into())])
}

/// `0:12 / 1:02`.
fn time_text(playback: &PlaybackState) -> String {
    let total = playback.duration().map(|duration| format!(" / {duration}")).unwrap_or_default();
    format!("{}{total}", playback.position())
}

/// `1×`, `1.25×`.
fn speed_text(speed: f64) -> String {
    format!("{}×", number_text(speed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_told_without_spare_digits() {
        for (speed, expected) in [(0.5, "0.5×"), (1.0, "1×"), (1.25, "1.25×"), (3.0, "3×")] {
            assert_eq!(speed_text(speed), expected);
        }
    }
}
