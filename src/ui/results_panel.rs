//! What is stored of earlier jobs, layer by layer, and what that was good for: a part of the page of models. Asks before
//! it removes anything. The only thing kept in here is whether the question is on the screen.

use eframe::egui::{
    Align, Button, Color32, Label, Layout, ProgressBar, Rect, RichText, Role, Sense, TextStyle, TextWrapMode, Ui,
    UiBuilder, WidgetText, pos2, vec2,
};

use crate::engine::results::{DaySurvey, Layer, LayerSurvey, ResultsSurvey};

use super::action::{Action, ResultsAction};
use super::amounts::{day_text, duration_text, share, size_text};
use super::ask::{Asking, Question, Reply};
use super::results_plot::{Bar, plot_ui};
use super::results_state::{Clearing, ResultsState};
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

const ROW_HEIGHT: f32 = 4.0 * UNIT;
const BAR_HEIGHT: f32 = UNIT;
const MIN_NAME_WIDTH: f32 = 13.0 * UNIT;
/// Columns with the ids of their heads and their widths; the name of the layer has what is left.
const COLUMNS: [(&str, f32); 6] = [
    ("results-column-layer", 0.0),
    ("results-column-entries", 9.0 * UNIT),
    ("results-column-size", 9.0 * UNIT),
    ("results-column-hits", 8.0 * UNIT),
    ("results-column-misses", 8.0 * UNIT),
    ("results-column-saved", 11.0 * UNIT),
];

/// Shows what is stored.
pub(super) fn results_ui(ui: &mut Ui, state: &ResultsState, actions: &mut Vec<Action>) {
    if let Some(reason) = state.failure() {
        ui.add(Label::new(RichText::new(reason).color(theme::palette(ui).error)).wrap());
    }
    let Some(survey) = state.survey() else {
        if state.failure().is_none() {
            ui.label(text("results-looking"));
        } else {
            // What cannot be opened can be removed all the same.
            ui.horizontal_wrapped(|ui| tools_ui(ui, state, actions));
        }
        return;
    };
    total_ui(ui, survey);
    ui.horizontal_wrapped(|ui| tools_ui(ui, state, actions));
    table_ui(ui, state, survey, actions);
    ui.add_space(2.0 * UNIT);
    ui.label(RichText::new(text("results-days")).strong());
    let n_hits = |day: &DaySurvey| day.n_hits as f64;
    let most = survey.days.iter().map(|day| day.n_hits).max().unwrap_or(0);
    plot_ui(ui, &text("results-column-hits"), &bars_of(survey, n_hits, |day| hits_text(day.n_hits)), &most.to_string());
    ui.add_space(UNIT);
    let saved = |day: &DaySurvey| day.saved.0;
    let most = survey.days.iter().map(saved).fold(0.0, f64::max);
    let bars = bars_of(survey, saved, |day| saved_text(day.saved.0));
    plot_ui(ui, &text("results-column-saved"), &bars, &saved_text(most));
    ui.add_space(2.0 * UNIT);
    ui.add(Label::new(RichText::new(text("results-about")).small().color(theme::palette(ui).weak)).wrap());
}

/// Asks before something is removed.
pub(super) fn clearing_ui(ui: &Ui, state: &ResultsState, asking: &mut Asking, actions: &mut Vec<Action>) {
    let Some(clearing) = state.asked_to_clear() else {
        *asking = Asking::Hidden;
        return;
    };
    let (question, consequence, verb) = clearing_texts(clearing, state.survey());
    let question = Question { id: "clear results", text: &question, consequence: &consequence, verb: &verb };
    match asking.ui(ui, question) {
        Some(Reply::Do) => actions.push(Action::Results(ResultsAction::Clear)),
        Some(Reply::Keep) => actions.push(Action::Results(ResultsAction::KeepAll)),
        None => {}
    }
}

fn total_ui(ui: &mut Ui, survey: &ResultsSurvey) {
    let n_bytes: u64 = survey.layers.iter().map(|row| row.n_bytes).sum();
    let n_entries: u64 = survey.layers.iter().map(|row| row.n_entries).sum();
    let saved_secs: f64 = survey.layers.iter().map(|row| row.saved.0).sum();
    let size = match survey.budget_bytes {
        Some(budget_bytes) => text_with(
            "results-of-budget",
            &[("size", size_text(n_bytes).into()), ("budget", size_text(budget_bytes).into())],
        ),
        None => size_text(n_bytes),
    };
    let facts = text_with(
        "results-total",
        &[
            ("results", results_text(n_entries).into()),
            ("size", size.as_str().into()),
            ("saved", saved_text(saved_secs).into()),
        ],
    );
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(text("results-heading")).strong());
        ui.label(RichText::new(facts).color(theme::palette(ui).weak));
    });
    if let Some(budget_bytes) = survey.budget_bytes {
        let accent = theme::palette(ui).accent;
        let bar = ProgressBar::new(share(n_bytes, budget_bytes)).desired_width(ui.available_width());
        let name = text_with("results-bar-name", &[("size", size.into())]);
        ui.add(bar.desired_height(BAR_HEIGHT).fill(accent)).accessible_name(name);
    }
}

fn tools_ui(ui: &mut Ui, state: &ResultsState, actions: &mut Vec<Action>) {
    let busy = state.working();
    let mut tool = |ui: &mut Ui,
                    (label_id, hint_id): (&str, &str),
                    name: String,
                    obstacle: Option<String>,
                    action: ResultsAction| {
        let obstacle = busy.clone().or(obstacle);
        let button = ui.add_enabled(obstacle.is_none(), Button::new(RichText::new(text(label_id)).small()));
        let button = button.accessible_name(name).on_hover_text(text(hint_id));
        if button.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
            actions.push(Action::Results(action));
        }
    };
    if let Some(row) = state.selected() {
        let name = text_with("results-clear-layer-name", &[("layer", layer_name(row.layer).into())]);
        let action = ResultsAction::AskToClear(Clearing::Layer(row.layer));
        tool(ui, ("results-clear", "results-clear-layer-hint"), name, None, action);
    } else {
        let why = Some(text("results-choose-layer"));
        let name = text("results-clear-any-name");
        tool(ui, ("results-clear", "results-clear-any-hint"), name, why, ResultsAction::KeepAll);
    }
    let action = ResultsAction::AskToClear(Clearing::All);
    let name = text("results-clear-all-name");
    tool(ui, ("results-clear-all", "results-clear-all-hint"), name, None, action);
    let action = ResultsAction::AskToClear(Clearing::TooMuch);
    let name = text("results-clean-up-name");
    tool(ui, ("results-clean-up", "results-clean-up-hint"), name, None, action);
    let name = text("results-verify-name");
    tool(ui, ("results-verify", "results-verify-hint"), name, None, ResultsAction::Verify);
    if let Some(working) = busy {
        ui.label(RichText::new(working).small().color(theme::palette(ui).weak));
    }
}

fn table_ui(ui: &mut Ui, state: &ResultsState, survey: &ResultsSurvey, actions: &mut Vec<Action>) {
    let selected = state.selected().map(|row| &row.layer);
    let table = UiBuilder::new()
        .id_salt("results")
        .accessibility_role(Role::Table)
        .accessibility_label(text("results-table-name"));
    ui.scope_builder(table, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        heads_ui(ui);
        for row in &survey.layers {
            if row_ui(ui, row, selected == Some(&row.layer)) {
                actions.push(Action::Results(ResultsAction::Select(row.layer)));
            }
        }
    });
}

fn heads_ui(ui: &mut Ui) {
    let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::hover());
    for ((id, _), cell) in COLUMNS.iter().zip(cells(line)) {
        let name = text(id);
        let mut place = ui.new_child(UiBuilder::new().max_rect(cell).layout(Layout::left_to_right(Align::Center)));
        let head = RichText::new(name.as_str()).small().color(theme::palette(ui).weak);
        let head = place.add(Label::new(head).truncate().selectable(false));
        place.ctx().accesskit_node_builder(head.id, |node| {
            node.set_role(Role::ColumnHeader);
            node.set_label(name.as_str());
        });
    }
}

/// Shows a row and says whether it was chosen. To a screen reader it is one thing with all that is in its cells.
fn row_ui(ui: &mut Ui, row: &LayerSurvey, is_selected: bool) -> bool {
    let palette = theme::palette(ui);
    let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::hover());
    let id = ui.scope_id().with(row.layer.name());
    let mut place = ui.new_child(UiBuilder::new().scope_id(id).max_rect(line).layout(Layout::top_down(Align::Min)));
    let button = Button::selectable(is_selected, "").min_size(line.size());
    let response = place.add(button).accessible_name(row_name(row));
    place.ctx().accesskit_node_builder(response.id, |node| {
        node.set_role(Role::Row);
        node.clear_toggled();
        node.set_selected(is_selected);
    });
    let texts = [
        layer_name(row.layer),
        row.n_entries.to_string(),
        size_text(row.n_bytes),
        row.n_hits.to_string(),
        row.n_misses.to_string(),
        saved_text(row.saved.0),
    ];
    for (column_idx, (text, cell)) in texts.into_iter().zip(cells(line)).enumerate() {
        let color = if is_selected || column_idx == 0 { palette.text } else { palette.weak };
        cell_ui(&place, cell, text, color);
    }
    response.clicked()
}

fn cell_ui(ui: &Ui, cell: Rect, text: String, color: Color32) {
    let galley = WidgetText::from(text).into_galley(ui, Some(TextWrapMode::Truncate), cell.width(), TextStyle::Body);
    let top = cell.center().y - galley.size().y / 2.0;
    ui.painter().galley(pos2(cell.left(), top), galley, color);
}

/// Where the cells of a line are.
fn cells(line: Rect) -> [Rect; 6] {
    let fixed: f32 = COLUMNS.iter().map(|(_, width)| width).sum();
    let name_width = (line.width() - fixed).max(MIN_NAME_WIDTH);
    let mut left = line.left();
    COLUMNS.map(|(_, width)| {
        let width = if width > 0.0 { width } else { name_width };
        let cell = Rect::from_min_size(pos2(left, line.top()), vec2(width, line.height()));
        left += width;
        cell.shrink2(vec2(UNIT, 0.0))
    })
}

/// `Text: 240 results, 12 MB, 30 hits, 5 misses, 12 min saved`.
fn row_name(row: &LayerSurvey) -> String {
    text_with(
        "results-row-name",
        &[
            ("layer", layer_name(row.layer).into()),
            ("results", results_text(row.n_entries).into()),
            ("size", size_text(row.n_bytes).into()),
            ("hits", hits_text(row.n_hits).into()),
            ("misses", text_with("results-misses", &[("n", row.n_misses.into())]).into()),
            ("saved", saved_text(row.saved.0).into()),
        ],
    )
}

fn bars_of(
    survey: &ResultsSurvey,
    value: impl Fn(&DaySurvey) -> f64,
    words: impl Fn(&DaySurvey) -> String,
) -> Vec<Bar> {
    let bar = |day: &DaySurvey| Bar { value: value(day), text: format!("{}: {}", day_text(day.day), words(day)) };
    survey.days.iter().map(bar).collect()
}

/// `1 result`, `240 results`.
fn results_text(n_results: u64) -> String {
    text_with("results-count", &[("n", n_results.into())])
}

fn hits_text(n_hits: u64) -> String {
    text_with("results-hits", &[("n", n_hits.into())])
}

/// What the results of a layer are called.
fn layer_name(layer: Layer) -> String {
    match layer {
        Layer::Audio => text("results-layer-audio"),
        Layer::Speech => text("results-layer-speech"),
        Layer::Language => text("results-layer-language"),
        Layer::Segmentation => text("results-layer-segmentation"),
        Layer::Asr => text("results-layer-asr"),
        Layer::Align => text("results-layer-align"),
        Layer::Embeddings => text("results-layer-embeddings"),
        Layer::Diarization => text("results-layer-diarization"),
        Layer::Voices => text("results-layer-voices"),
        Layer::Speakers => text("results-layer-speakers"),
        Layer::Transcript => text("results-layer-transcript"),
    }
}

/// A length of time that may be none at all.
fn saved_text(secs: f64) -> String {
    if secs < 0.5 { "0 s".to_owned() } else { duration_text(secs) }
}

/// What is asked before a removal, what it means, and the word on the button.
fn clearing_texts(clearing: &Clearing, survey: Option<&ResultsSurvey>) -> (String, String, String) {
    let consequence = |is_it: &dyn Fn(&LayerSurvey) -> bool| {
        let Some(survey) = survey else { return text("results-clear-consequence-unknown") };
        let n_bytes = survey.layers.iter().filter(|row| is_it(row)).map(|row| row.n_bytes).sum();
        text_with("results-clear-consequence", &[("freed", size_text(n_bytes).into())])
    };
    match clearing {
        Clearing::Layer(layer) => {
            let question = text_with("results-clear-layer-question", &[("layer", layer_name(*layer).into())]);
            (question, consequence(&|row| row.layer == *layer), text("results-clear-verb"))
        }
        Clearing::All => (text("results-clear-all-question"), consequence(&|_| true), text("results-clear-verb")),
        Clearing::TooMuch => {
            let consequence = text("results-clean-up-consequence");
            (text("results-clean-up-question"), consequence, text("results-clean-up-verb"))
        }
    }
}

#[cfg(test)]
mod tests {
    use eframe::egui::{self, Key};
    use egui_kittest::Harness;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::*;
    use crate::engine::results::{ResultsCommand, ResultsEvent};
    use crate::ui::theme::install_theme;
    use crate::units::Seconds;

    /// What the harness keeps from frame to frame.
    struct Kept {
        results: ResultsState,
        asking: Asking,
    }

    #[test]
    fn the_table_and_the_plots_say_what_was_told() {
        let page = shown(surveyed());
        let label = layer_name(Layer::Asr);
        for name in [
            format!("{label}: 240 results, 12 MB, 30 hits, 5 misses, 12 min saved"),
            "Hits in the last 2 days: 2025-03-12: 30 hits".to_owned(),
            "Time saved in the last 2 days: 2025-03-12: 12 min".to_owned(),
            "Stored results: 12 MB of 48 MB".to_owned(),
        ] {
            assert!(page.query_by_label(&name).is_some(), "{name}");
        }
        let chosen = page.get_by_label("Clear the results of a layer");
        assert!(chosen.accesskit_node().is_disabled(), "no layer is chosen");
    }

    #[test]
    fn clearing_asks_first_and_enter_clears_nothing() {
        let mut page = shown(surveyed());
        let label = layer_name(Layer::Asr);
        click(&mut page, &format!("{label}: 240 results, 12 MB, 30 hits, 5 misses, 12 min saved"));
        for (button, verb) in [
            (format!("Clear the results of {label}"), "Clear"),
            ("Clear all results".to_owned(), "Clear"),
            ("Clean up the results".to_owned(), "Clean up"),
        ] {
            click(&mut page, &button);
            assert!(page.query_all_by_label_contains("It is computed again").next().is_some(), "{button}");
            page.key_press(Key::Enter);
            page.run_ok();
            assert_eq!(page.state_mut().results.due(), None, "{button}");
            click(&mut page, &button);
            click(&mut page, verb);
            assert!(page.state_mut().results.due().is_some(), "{button}");
            page.state_mut().results.apply(ResultsEvent::Done(String::new()));
            assert_eq!(page.state_mut().results.due(), Some(ResultsCommand::Survey));
            page.state_mut().results.apply(ResultsEvent::Surveyed(Box::new(survey())));
            page.run_ok();
        }
    }

    #[test]
    fn what_cannot_be_opened_can_be_cleared() {
        let mut results = ResultsState::default();
        results.want_survey();
        results.due();
        results.apply(ResultsEvent::Failed("the index is damaged".to_owned()));
        let mut page = shown(results);
        click(&mut page, "Clear all results");
        let is_said = |words: &str| page.query_all_by_label_contains(words).next().is_some();
        assert!(is_said("It is computed again") && !is_said("This frees"), "nobody knows how much that is");
        click(&mut page, "Clear");
        assert!(matches!(page.state_mut().results.due(), Some(ResultsCommand::Clear(_))));
    }

    fn survey() -> ResultsSurvey {
        let saved = Seconds(720.0);
        let layer =
            LayerSurvey { layer: Layer::Asr, n_entries: 240, n_bytes: 12_000_000, n_hits: 30, n_misses: 5, saved };
        let days = vec![
            DaySurvey { day: 20_158, ..DaySurvey::default() },
            DaySurvey { day: 20_159, n_hits: 30, n_misses: 5, saved },
        ];
        ResultsSurvey { layers: vec![layer], budget_bytes: Some(48_000_000), days }
    }

    fn surveyed() -> ResultsState {
        let mut results = ResultsState::default();
        results.apply(ResultsEvent::Surveyed(Box::new(survey())));
        results
    }

    fn shown(results: ResultsState) -> Harness<'static, Kept> {
        let frame = |ui: &mut egui::Ui, kept: &mut Kept| {
            let mut actions = Vec::new();
            results_ui(ui, &kept.results, &mut actions);
            clearing_ui(ui, &kept.results, &mut kept.asking, &mut actions);
            if !actions.is_empty() {
                ui.ctx().request_repaint();
            }
            for action in actions {
                let Action::Results(action) = action else { panic!("{action:?} is not about results") };
                kept.results.perform(action);
            }
        };
        Harness::builder()
            .with_size(egui::vec2(900.0, 700.0))
            .with_context_setup(install_theme)
            .with_max_steps(16)
            .build_ui_state(frame, Kept { results, asking: Asking::Hidden })
    }

    fn click(page: &mut Harness<'static, Kept>, name: &str) {
        page.get_by_label(name).click();
        page.run_ok();
    }
}
