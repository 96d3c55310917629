//! A card for every model: what it needs, what it knows, how fast it is here, and what can be done about it; and the
//! field for the token that opens gated ones. The token leaves the field when it is sent, and nothing of it stays.

use std::fmt;
use std::mem;

use eframe::egui::{
    Align, Align2, Button, CollapsingHeader, Frame, Hyperlink, Key, Label, Layout, Margin, Response, RichText, Role,
    Stroke, TextEdit, Ui, UiBuilder, text_edit::TextEditState, vec2,
};

use crate::engine::DEFAULT_MODEL;
use crate::engine::models::{
    AvailableModel, DownloadState, Downloads, Gate, Level, ModelCommand, ModelListing, ModelPurpose, Presence,
    TokenPlace, TypedToken,
};

use super::action::{Action, CacheAction};
use super::amounts::{duration_text, size_text};
use super::cache_state::{CacheState, Removal, can_transcribe};
use super::model_speed::{Speed, SpeedSource};
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

const FIELD_HEIGHT: f32 = 4.0 * UNIT;
const FIELD_WIDTH: f32 = 40.0 * UNIT;
const TOKEN_PAGE: &str = "https://huggingface.co/settings/tokens";

/// What is being typed into the field for the token.
#[derive(Default)]
pub(super) struct TokenField(String);

/// Not even a log of everything shows it.
impl fmt::Debug for TokenField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenField(***)")
    }
}

/// Shows all models: those that transcribe, those that tell speakers apart, and those that align words, one for each
/// language.
pub(super) fn cards_ui(
    ui: &mut Ui,
    state: &CacheState,
    listing: &ModelListing,
    token: &mut TokenField,
    actions: &mut Vec<Action>,
) {
    if listing.downloads == Downloads::Offline {
        hint_ui(ui, text("cache-offline"));
    }
    let deck = Deck { state, listing };
    deck.section_ui(ui, "cache-cards-transcription", ModelPurpose::Transcription, actions);
    deck.section_ui(ui, "cache-cards-speakers", ModelPurpose::Speakers, actions);
    if listing.available.iter().any(|model| model.gate == Gate::Gated) {
        token_ui(ui, listing.token, token, actions);
    }
    let n_aligners = deck.of(ModelPurpose::Alignment).count();
    if n_aligners > 0 {
        let name = text_with("cache-cards-alignment", &[("n", n_aligners.into())]);
        CollapsingHeader::new(name).id_salt("aligners").show_unindented(ui, |ui| {
            deck.cards_ui(ui, ModelPurpose::Alignment, actions);
        });
    }
}

/// What the cards are drawn from.
#[derive(Clone, Copy)]
struct Deck<'a> {
    state: &'a CacheState,
    listing: &'a ModelListing,
}

impl<'a> Deck<'a> {
    fn of(self, purpose: ModelPurpose) -> impl Iterator<Item = &'a AvailableModel> {
        self.listing.available.iter().filter(move |model| model.purpose == purpose)
    }

    fn section_ui(self, ui: &mut Ui, name_id: &str, purpose: ModelPurpose, actions: &mut Vec<Action>) {
        if self.of(purpose).next().is_some() {
            ui.label(RichText::new(text(name_id)).strong());
            self.cards_ui(ui, purpose, actions);
            ui.add_space(UNIT);
        }
    }

    fn cards_ui(self, ui: &mut Ui, purpose: ModelPurpose, actions: &mut Vec<Action>) {
        for model in self.of(purpose) {
            let group = UiBuilder::new()
                .id_salt(("card", &model.name, model.key.as_str()))
                .accessibility_role(Role::Group)
                .accessibility_label(text_with("cache-card", &[("model", model.name.as_str().into())]));
            ui.scope_builder(group, |ui| self.card_ui(ui, model, actions));
        }
    }

    fn card_ui(self, ui: &mut Ui, model: &AvailableModel, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        let frame = Frame::new().fill(palette.page).stroke(Stroke::new(1.0, palette.line)).corner_radius(6.0);
        frame.inner_margin(Margin::same(8)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.horizontal(|ui| {
                ui.label(RichText::new(&model.name).strong());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.label(RichText::new(self.presence_text(model)).small().color(palette.weak));
                });
            });
            ui.add(Label::new(RichText::new(facts_text(model)).small()).wrap());
            if let Some(speed) = self.state.speed(model) {
                ui.add(Label::new(RichText::new(speed_text(speed)).small()).wrap());
            }
            ui.horizontal_wrapped(|ui| self.buttons_ui(ui, model, actions));
        });
    }

    fn presence_text(self, model: &AvailableModel) -> String {
        text(match (self.state.download(&model.name), model.presence) {
            (Some(DownloadState::Paused(_)), _) => "cache-presence-paused",
            (Some(DownloadState::Failed(_)), _) => "cache-presence-failed",
            (Some(_), _) => "cache-presence-downloading",
            (None, Presence::BuiltIn) => "cache-presence-built-in",
            (None, Presence::Installed) => "cache-presence-installed",
            (None, Presence::Partial(_)) => "cache-presence-partial",
            (None, Presence::Absent) => "cache-presence-absent",
        })
    }

    fn buttons_ui(self, ui: &mut Ui, model: &AvailableModel, actions: &mut Vec<Action>) {
        let name = &model.name;
        let of_model = |id: &str| text_with(id, &[("model", name.into())]);
        if can_transcribe(model) {
            let is_chosen = self.state.chosen() == name;
            let (word_id, name_id) =
                if is_chosen { ("cache-used", "cache-used-name") } else { ("cache-use", "cache-use-name") };
            let button = ui.add_enabled(!is_chosen, Button::new(RichText::new(text(word_id)).small()));
            if button.accessible_name(of_model(name_id)).clicked() {
                actions.push(Action::Models(CacheAction::Choose(name.clone())));
            }
        }
        self.download_ui(ui, model, actions);
        if self.state.rows(Level::Disk).iter().any(|row| row.key == model.key) {
            let is_in_use = self.state.is_in_use(&model.key);
            let delete = ui.add_enabled(!is_in_use, Button::new(RichText::new(text("cache-delete")).small()));
            let delete = delete.accessible_name(of_model("cache-card-delete-name"));
            let delete = delete.on_disabled_hover_text(text("cache-obstacle-used"));
            if delete.clicked() {
                let removal = Removal::Of(model.key.clone());
                actions.push(Action::Models(CacheAction::AskToRemove(removal)));
            }
        }
        if let Some(repository) = &model.repository {
            let link = Hyperlink::from_label_and_url(RichText::new(repository).small(), page_of(repository));
            ui.add(link).on_hover_text(text("cache-page-hint"));
        }
    }

    fn download_ui(self, ui: &mut Ui, model: &AvailableModel, actions: &mut Vec<Action>) {
        let is_wanted = match model.presence {
            Presence::Absent => self.state.download(&model.name).is_none(),
            // What is there in part has its own line on top.
            Presence::BuiltIn | Presence::Installed | Presence::Partial(_) => false,
        };
        if !is_wanted {
            return;
        }
        let obstacle_id = match (self.listing.downloads, model.gate, self.listing.token) {
            (Downloads::Offline, _, _) => Some("cache-obstacle-offline"),
            (Downloads::Allowed, Gate::Gated, TokenPlace::Nowhere) => Some("cache-obstacle-gated"),
            (Downloads::Allowed, Gate::Open | Gate::Gated, _) => None,
        };
        let size = size_text(model.download_bytes);
        let word = text_with("cache-card-download", &[("size", size.into())]);
        let button = ui.add_enabled(obstacle_id.is_none(), Button::new(RichText::new(word).small()));
        let name = text_with("cache-card-download-name", &[("model", model.name.as_str().into())]);
        let button = button.accessible_name(name);
        let button = if let Some(id) = obstacle_id { button.on_disabled_hover_text(text(id)) } else { button };
        if button.clicked() {
            actions.push(Action::Models(CacheAction::Tell(ModelCommand::Download(model.name.clone()))));
        }
    }
}

/// The token for gated models: where it is, and a field to give it.
fn token_ui(ui: &mut Ui, place: TokenPlace, token: &mut TokenField, actions: &mut Vec<Action>) {
    ui.label(RichText::new(text("cache-token")).strong());
    let explanation_id = match place {
        TokenPlace::Nowhere => "cache-token-nowhere",
        TokenPlace::Kept => "cache-token-kept",
        TokenPlace::Environment => "cache-token-environment",
    };
    hint_ui(ui, text(explanation_id));
    ui.horizontal_wrapped(|ui| {
        if place != TokenPlace::Environment {
            token_field_ui(ui, token, actions);
        }
        if place == TokenPlace::Kept && ui.button(text("cache-token-forget")).clicked() {
            actions.push(Action::Models(CacheAction::Tell(ModelCommand::ForgetToken)));
        }
        ui.add(Hyperlink::from_label_and_url(RichText::new(text("cache-token-page")).small(), TOKEN_PAGE));
    });
    ui.add_space(UNIT);
}

fn token_field_ui(ui: &mut Ui, token: &mut TokenField, actions: &mut Vec<Action>) {
    let field = TextEdit::singleline(&mut token.0)
        .id_salt("token")
        .password(true)
        .hint_text(text("cache-token-hint"))
        .desired_width(FIELD_WIDTH.min(ui.available_width()))
        .min_size(vec2(0.0, FIELD_HEIGHT))
        .align(Align2::LEFT_CENTER);
    let field = ui.add(field).accessible_name(text("cache-token-field"));
    let is_typed = !token.0.trim().is_empty();
    let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    let is_clicked = ui.add_enabled(is_typed, Button::new(text("cache-token-keep"))).clicked();
    if is_typed && (is_clicked || is_entered) {
        let typed = TypedToken::new(&mem::take(&mut token.0));
        forget_typing(ui, &field);
        actions.push(Action::Models(CacheAction::Tell(ModelCommand::KeepToken(typed))));
    }
}

/// What was typed could be brought back by undoing otherwise.
fn forget_typing(ui: &Ui, field: &Response) {
    ui.data_mut(|data| data.remove::<TextEditState>(field.id));
}

/// `145 MB to download · 210 MB in memory · 99 languages · MIT · gated`.
fn facts_text(model: &AvailableModel) -> String {
    let mut facts = Vec::new();
    if model.presence != Presence::BuiltIn {
        facts.push(text_with("cache-fact-download", &[("size", size_text(model.download_bytes).into())]));
    }
    facts.push(text_with("cache-fact-memory", &[("size", size_text(model.memory_bytes).into())]));
    let languages_and_licence = [languages_text(&model.languages), model.licence.clone()];
    facts.extend(languages_and_licence.into_iter().filter(|fact| !fact.is_empty()));
    if model.gate == Gate::Gated {
        facts.push(text("cache-fact-gated"));
    }
    if model.name == DEFAULT_MODEL && model.purpose == ModelPurpose::Transcription {
        facts.push(text("cache-fact-demo"));
    }
    facts.join(" · ")
}

/// The languages in the window's own; a code stays what it is.
fn languages_text(languages: &str) -> String {
    match languages {
        "English" => text("cache-fact-english"),
        "any" => text("cache-fact-any-language"),
        _ => {
            let n_languages = languages.strip_suffix(" languages").and_then(|n| n.parse::<usize>().ok());
            n_languages.map_or_else(|| languages.to_owned(), |n| text_with("cache-fact-languages", &[("n", n.into())]))
        }
    }
}

/// `An hour of speech takes about 6 min on this machine (estimated)`.
fn speed_text(speed: Speed) -> String {
    let id = match speed.source {
        SpeedSource::Measured => "cache-speed-measured",
        SpeedSource::Estimated => "cache-speed-estimated",
    };
    text_with(id, &[("duration", duration_text(3600.0 / speed.times).into())])
}

fn page_of(repository: &str) -> String {
    format!("https://huggingface.co/{repository}")
}

fn hint_ui(ui: &mut Ui, hint: String) {
    ui.add(Label::new(RichText::new(hint).color(theme::palette(ui).weak)).wrap());
}
