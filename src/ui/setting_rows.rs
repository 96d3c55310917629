//! Rows of a form for the user's choices: a name, what is chosen, and a line that explains it. What is typed stays in
//! here until it is taken, or as long as it is wrong; then the reason stands beside it.

use std::collections::BTreeMap;

use eframe::egui::{
    Align, Align2, Button, Checkbox, Key, Label, Layout, Modifiers, RichText, TextEdit, Ui, accesskit::Live, vec2,
};

use crate::settings::Settings;

use super::action::{Action, OverlayAction};
use super::setting_fields::{Field, SettingChange, Since, Switch};
use super::texts::text;
use super::theme::{self, UNIT};

const NAME_WIDTH: f32 = 30.0 * UNIT;
const FIELD_WIDTH: f32 = 16.0 * UNIT;
/// Of a field for a path or a list.
const WIDE_FIELD_WIDTH: f32 = 36.0 * UNIT;
const FIELD_HEIGHT: f32 = 4.0 * UNIT;
/// So many choices are in lines even where there is little room.
const MAX_WRAPPED: usize = 6;

/// What is being typed.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    typed: BTreeMap<Field, String>,
}

impl Drafts {
    /// Shows a field in a row of its own.
    pub(super) fn row_ui(&mut self, ui: &mut Ui, settings: &Settings, field: Field, actions: &mut Vec<Action>) {
        self.row_with_ui(ui, settings, field, actions, |_, _| {});
    }

    /// The same with more beside the field.
    pub(super) fn row_with_ui(
        &mut self,
        ui: &mut Ui,
        settings: &Settings,
        field: Field,
        actions: &mut Vec<Action>,
        beside: impl FnOnce(&mut Ui, &mut Vec<Action>),
    ) {
        let explanation = field.explanation();
        setting_row_ui(ui, &field.name(), (explanation.as_str(), field.since()), |ui| {
            self.field_ui(ui, settings, field, actions);
            beside(ui, actions);
        });
    }

    /// Takes what was being typed when the form went away. What is wrong is forgotten.
    pub(super) fn leave(&mut self, settings: &Settings, actions: &mut Vec<Action>) {
        for (field, typed) in std::mem::take(&mut self.typed) {
            if typed != field.text(settings) && problem(settings, field, &typed).is_none() {
                actions.push(changed(SettingChange::Typed(field, typed)));
            }
        }
    }

    fn field_ui(&mut self, ui: &mut Ui, settings: &Settings, field: Field, actions: &mut Vec<Action>) {
        let shown = field.text(settings);
        let mut text = self.typed.get(&field).cloned().unwrap_or_else(|| shown.clone());
        let edit = TextEdit::singleline(&mut text)
            .id_salt(("setting", field))
            .hint_text(field.hint())
            .desired_width(width(field).min(ui.available_width().max(FIELD_WIDTH)))
            .min_size(vec2(0.0, FIELD_HEIGHT))
            .align(Align2::LEFT_CENTER);
        let edit = ui.add(edit).accessible_name(field.name());
        let is_typed = text != shown;
        let is_left = edit.lost_focus();
        // Taken, so that it leaves nothing else.
        if is_left && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            self.typed.remove(&field);
            // The next frame shows what was there.
            ui.ctx().request_repaint();
            return;
        }
        let problem = if is_typed { problem(settings, field, &text) } else { None };
        // A screen reader may set the text of a field that does not have the focus.
        let is_finished = is_left || (edit.changed() && !edit.has_focus());
        if is_typed && (problem.is_some() || !is_finished) {
            self.typed.insert(field, text);
        } else {
            self.typed.remove(&field);
            if is_typed {
                actions.push(changed(SettingChange::Typed(field, text)));
            }
        }
        if let Some(problem) = problem {
            let problem = ui.add(Label::new(RichText::new(problem).color(theme::palette(ui).error)).wrap());
            ui.ctx().accesskit_node_builder(problem.id, |node| node.set_live(Live::Polite));
        }
    }
}

/// Shows a choice among a few.
pub(super) fn choice_row_ui<T: Copy + PartialEq, S: AsRef<str>>(
    ui: &mut Ui,
    name: &str,
    explained: (&str, Since),
    (chosen, choices): (T, &[(T, S)]),
    mut change: impl FnMut(T),
) {
    let mut choices_ui = |ui: &mut Ui| {
        for (choice, shown) in choices {
            let shown = shown.as_ref();
            let button = ui.add(Button::selectable(*choice == chosen, shown));
            if button.accessible_name(format!("{name}: {shown}")).clicked() {
                change(*choice);
            }
        }
    };
    // Where each would have a line to itself, they are a list: a line that is wrapped is never lower than the one above
    // it, so that a long name would leave gaps between all that follow.
    if choices.len() > MAX_WRAPPED && ui.available_width() < NAME_WIDTH + WIDE_FIELD_WIDTH {
        ui.label(name);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = UNIT / 2.0;
            choices_ui(ui);
        });
        explanation_ui(ui, explained);
    } else {
        setting_row_ui(ui, name, explained, choices_ui);
    }
}

/// Shows a choice between yes and no.
pub(super) fn switch_row_ui(ui: &mut Ui, settings: &Settings, switch: Switch, actions: &mut Vec<Action>) {
    let mut is_on = switch.is_on(settings);
    let (name, explanation) = (switch.name(), switch.explanation());
    setting_row_ui(ui, &name, (explanation.as_str(), switch.since()), |ui| {
        let shown = if is_on { text("settings-on") } else { text("settings-off") };
        let checkbox = ui.add(Checkbox::new(&mut is_on, shown)).accessible_name(name.as_str());
        if checkbox.clicked() {
            actions.push(changed(SettingChange::Switched(switch, is_on)));
        }
    });
}

/// Shows a name, what is chosen, and what it is good for.
pub(super) fn setting_row_ui(ui: &mut Ui, name: &str, explained: (&str, Since), content: impl FnOnce(&mut Ui)) {
    ui.horizontal_wrapped(|ui| {
        let width = NAME_WIDTH.min(ui.available_width());
        ui.allocate_ui_with_layout(vec2(width, FIELD_HEIGHT), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(width);
            ui.label(name);
        });
        content(ui);
    });
    explanation_ui(ui, explained);
}

/// Shows what a choice is good for.
fn explanation_ui(ui: &mut Ui, (explanation, since): (&str, Since)) {
    let line = since.note().map_or_else(|| explanation.to_owned(), |note| format!("{explanation} {note}"));
    ui.add(Label::new(RichText::new(line).small().color(theme::palette(ui).weak)).wrap());
    ui.add_space(UNIT);
}

/// The wish to change a choice.
pub(super) fn changed(change: SettingChange) -> Action {
    Action::Overlay(OverlayAction::Change(change))
}

fn problem(settings: &Settings, field: Field, typed: &str) -> Option<String> {
    field.take(&mut settings.clone(), typed).err()
}

fn width(field: Field) -> f32 {
    match field {
        Field::CacheFolder | Field::Preload => WIDE_FIELD_WIDTH,
        Field::Language
        | Field::BeamSize
        | Field::MemoryBudget
        | Field::CardBudget
        | Field::DiskBudget
        | Field::IdleMinutes
        | Field::ResultsBudget
        | Field::ResultsDays
        | Field::FontSize
        | Field::LineWidth
        | Field::LineCount => FIELD_WIDTH,
    }
}
