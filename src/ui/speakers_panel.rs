//! The list of speakers of the selected recording: names to be typed, talk time, what the comparison with known voices
//! said, merging, learning a voice. What is typed stays in here until it is taken as a name.

use eframe::egui::{
    Align, Align2, Button, Color32, Frame, Key, Label, Layout, Margin, Popup, Rect, Response, RichText, Role,
    ScrollArea, Sense, Stroke, TextEdit, Ui, UiBuilder, vec2,
};

use super::action::{Action, SpeakerId};
use super::learning::{Learning, Obstacle};
use super::recording::Recording;
use super::shortcuts::{REDO, UNDO};
use super::speakers::SpeakerEntry;
use super::state::State;
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

const SWATCH_SIZE: f32 = 1.5 * UNIT;
const NAME_HEIGHT: f32 = 4.0 * UNIT;
const BAR_HEIGHT: f32 = 4.0;
const BUTTON_PADDING: f32 = UNIT;

/// What the list keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct SpeakersPanel {
    draft: Option<Draft>,
}

/// A name that is being typed.
#[derive(Debug)]
struct Draft {
    speaker: SpeakerId,
    text: String,
}

/// What one entry is drawn from.
struct Card<'a> {
    recording_idx: usize,
    recording: &'a Recording,
    entry: &'a SpeakerEntry,
    learning: Learning,
}

/// Takes the keys for undoing and redoing, unless somebody types: a text field undoes what was typed.
pub(super) fn take_edit_keys(ui: &Ui, actions: &mut Vec<Action>) {
    if ui.ctx().text_edit_focused() {
        return;
    }
    // The keys for redoing are those for undoing and one more, so they are looked for first.
    for (keys, action) in [(&REDO, Action::Redo), (&UNDO, Action::Undo)] {
        if ui.input_mut(|input| input.consume_shortcut(keys)) {
            actions.push(action);
        }
    }
}

impl SpeakersPanel {
    /// Shows the speakers of the selected recording.
    pub(super) fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let Some((recording_idx, recording)) = state.selected() else { return };
        self.leave(|speaker| speaker.recording_idx != recording_idx, actions);
        // Where the speaker is gone, so is the name: they may come back, and nobody types it any more.
        self.draft.take_if(|draft| recording.speakers.entry(&draft.speaker.label).is_none());
        ui.add_space(UNIT);
        head_ui(ui, recording, actions);
        ScrollArea::vertical().id_salt(("speakers", recording_idx)).auto_shrink([false, false]).show(ui, |ui| {
            for entry in recording.speakers.entries() {
                let learning = state.learning(recording_idx, entry);
                let card = Card { recording_idx, recording, entry, learning };
                let group = UiBuilder::new()
                    .id_salt((recording_idx, &entry.label))
                    .accessibility_role(Role::Group)
                    .accessibility_label(text_with("speakers-card", &[("name", entry.shown_name().into())]));
                ui.scope_builder(group, |ui| self.card_ui(ui, &card, actions));
            }
            ui.add_space(UNIT);
        });
    }

    /// Takes the name that was being typed when the list went away.
    pub(super) fn hide(&mut self, actions: &mut Vec<Action>) {
        self.leave(|_| true, actions);
    }

    /// Takes the name that was being typed, if it was typed somewhere else.
    fn leave(&mut self, is_elsewhere: impl Fn(&SpeakerId) -> bool, actions: &mut Vec<Action>) {
        if let Some(Draft { speaker, text }) = self.draft.take_if(|draft| is_elsewhere(&draft.speaker)) {
            actions.push(Action::RenameSpeaker { speaker, name: text });
        }
    }

    fn card_ui(&mut self, ui: &mut Ui, card: &Card<'_>, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        let frame = Frame::new().fill(palette.page).stroke(Stroke::new(1.0, palette.line)).corner_radius(6.0);
        frame.inner_margin(Margin::same(8)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.spacing_mut().button_padding.x = BUTTON_PADDING;
            let color = palette.speaker(card.recording.speakers.color_idx(&card.entry.label));
            ui.horizontal(|ui| {
                let (place, _) = ui.allocate_exact_size(vec2(SWATCH_SIZE, NAME_HEIGHT), Sense::hover());
                let swatch = Rect::from_center_size(place.center(), vec2(SWATCH_SIZE, SWATCH_SIZE));
                ui.painter().rect_filled(swatch, 3.0, color);
                self.name_ui(ui, card, actions);
            });
            talk_ui(ui, card.entry, color);
            if let Some(line) = card.entry.recognition_text() {
                ui.add(Label::new(RichText::new(line).small()).wrap());
            }
            ui.horizontal_wrapped(|ui| card.buttons_ui(ui, actions));
        });
    }

    fn name_ui(&mut self, ui: &mut Ui, card: &Card<'_>, actions: &mut Vec<Action>) {
        let speaker = card.speaker();
        let typed = self.draft.as_ref().filter(|draft| draft.speaker == speaker);
        let name = text_with("speakers-name", &[("label", card.entry.label.as_str().into())]);
        let hint = text("speakers-name-hint");
        let mut text = typed.map_or_else(|| card.entry.name.clone(), |draft| draft.text.clone());
        let field = TextEdit::singleline(&mut text)
            // Its own id, so that what is being typed is not lost where a message comes in.
            .id_salt("name")
            .hint_text(card.entry.label.clone())
            .desired_width(ui.available_width())
            .min_size(vec2(0.0, NAME_HEIGHT))
            .align(Align2::LEFT_CENTER);
        let field = ui.add(field).accessible_name(name).on_hover_text(hint);
        if field.has_focus() {
            self.leave(|other| *other != speaker, actions);
            self.draft = Some(Draft { speaker, text });
            return;
        }
        let is_left = self.draft.take_if(|draft| draft.speaker == speaker).is_some();
        if is_left && ui.input(|input| input.key_pressed(Key::Escape)) {
            // The next frame shows the old name.
            ui.ctx().request_repaint();
        } else if is_left || field.changed() {
            // A screen reader may set the text of a field that does not have the focus.
            actions.push(Action::RenameSpeaker { speaker, name: text });
        }
    }
}

impl Card<'_> {
    fn speaker(&self) -> SpeakerId {
        SpeakerId { recording_idx: self.recording_idx, label: self.entry.label.clone() }
    }

    /// A text with the speaker's name in it.
    fn named(&self, id: &str) -> String {
        text_with(id, &[("name", self.entry.shown_name().into())])
    }

    fn buttons_ui(&self, ui: &mut Ui, actions: &mut Vec<Action>) {
        self.learn_ui(ui, actions);
        self.merge_ui(ui, actions);
        let next = small_button(ui, text("speakers-next-turn"), self.named("speakers-next-turn-name"));
        if next.on_hover_text(text("speakers-next-turn-hint")).clicked() {
            actions.push(Action::ShowNextTurn(self.speaker()));
        }
    }

    fn learn_ui(&self, ui: &mut Ui, actions: &mut Vec<Action>) {
        match self.learning {
            Learning::Impossible(why) => self.learn_button_ui(ui, Some(why), actions),
            Learning::Possible => self.learn_button_ui(ui, None, actions),
            Learning::Asked => state_ui(ui, text("speakers-moment")),
            Learning::Learnt => self.take_back_ui(ui, text("speakers-learnt"), actions),
            Learning::LearntOtherwise => {
                self.take_back_ui(ui, text("speakers-learnt-otherwise"), actions);
                self.learn_button_ui(ui, None, actions);
            }
        }
    }

    fn learn_button_ui(&self, ui: &mut Ui, obstacle: Option<Obstacle>, actions: &mut Vec<Action>) {
        let learn = ui.add_enabled(obstacle.is_none(), Button::new(RichText::new(text("speakers-learn")).small()));
        let learn = learn.accessible_name(self.named("speakers-learn-name"));
        let learn = learn.on_hover_text(text("speakers-learn-hint"));
        let learn = learn.on_disabled_hover_text(obstacle.map_or_else(String::new, Obstacle::text));
        if learn.clicked() {
            actions.push(Action::LearnVoice(self.speaker()));
        }
    }

    fn take_back_ui(&self, ui: &mut Ui, state: String, actions: &mut Vec<Action>) {
        state_ui(ui, state);
        let undo = small_button(ui, text("speakers-unlearn"), self.named("speakers-unlearn-name"));
        if undo.on_hover_text(text("speakers-unlearn-hint")).clicked() {
            actions.push(Action::TakeBackVoice(self.speaker()));
        }
    }

    fn merge_ui(&self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let (name, entries) = (self.entry.shown_name(), self.recording.speakers.entries());
        let button = ui.add_enabled(entries.len() > 1, Button::new(RichText::new(text("speakers-merge")).small()));
        let button = button.accessible_name(self.named("speakers-merge-name"));
        let button = button.on_hover_text(text("speakers-merge-hint"));
        let button = button.on_disabled_hover_text(text("speakers-merge-impossible"));
        Popup::menu(&button).style(theme::menu_style).gap(4.0).show(|ui| {
            for other in entries.iter().filter(|other| other.label != self.entry.label) {
                let choice = ui.add(Button::new(other.shown_name()).frame_when_inactive(false));
                let both =
                    text_with("speakers-merge-choice", &[("name", name.into()), ("into", other.shown_name().into())]);
                if choice.accessible_name(both).clicked() {
                    actions.push(Action::MergeSpeakers { from: self.speaker(), into: other.label.clone() });
                    ui.close();
                }
            }
        });
    }
}

fn head_ui(ui: &mut Ui, recording: &Recording, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().button_padding.x = BUTTON_PADDING;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for (id, hint_id, keys, is_possible, action) in [
                ("speakers-redo", "speakers-redo-hint", &REDO, recording.can_redo(), Action::Redo),
                ("speakers-undo", "speakers-undo-hint", &UNDO, recording.can_undo(), Action::Undo),
            ] {
                let keys = ui.ctx().format_shortcut(keys);
                let button = ui.add_enabled(is_possible, Button::new(RichText::new(text(id)).small()));
                if button.on_hover_text(text_with(hint_id, &[("keys", keys.into())])).clicked() {
                    actions.push(action);
                }
            }
            // What is left is the title's, so that the buttons never lie on it.
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let title = RichText::new(text("speakers-title")).small().color(theme::palette(ui).weak);
                ui.add(Label::new(title).truncate());
            });
        });
    });
}

/// How long somebody speaks, in words and as a bar.
fn talk_ui(ui: &mut Ui, entry: &SpeakerEntry, color: Color32) {
    let palette = theme::palette(ui);
    let small = |text: &str| Label::new(RichText::new(text).small().color(palette.weak)).selectable(false);
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 2.5 * UNIT;
        ui.horizontal(|ui| {
            ui.add(small(&entry.talk_text())).on_hover_text(text("speakers-talk-hint"));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.add(small(&entry.turns_text())));
        });
    });
    // The text above says the same to those who cannot see it.
    let (bar, _) = ui.allocate_exact_size(vec2(ui.available_width(), BAR_HEIGHT), Sense::hover());
    let filled = Rect::from_min_size(bar.min, vec2(bar.width() * entry.share.clamp(0.0, 1.0), BAR_HEIGHT));
    ui.painter().rect_filled(bar, 2.0, palette.line);
    ui.painter().rect_filled(filled, 2.0, color);
}

/// What has become of a voice.
fn state_ui(ui: &mut Ui, state: String) {
    let weak = theme::palette(ui).weak;
    ui.label(RichText::new(state).small().color(weak));
}

/// A button with little text, whose name says more to a screen reader.
fn small_button(ui: &mut Ui, text: String, name: String) -> Response {
    ui.add(Button::new(RichText::new(text).small())).accessible_name(name)
}
