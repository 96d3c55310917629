//! What is stored of earlier jobs, layer by layer, and what that was good for: a part of the page of models. Asks before
//! it removes anything. The only thing kept in here is whether the question is on the screen.

use eframe::egui::{
    Align, Button, Color32, Label, Layout, ProgressBar, Rect, RichText, Role, Sense, TextStyle, TextWrapMode, Ui,
    UiBuilder, WidgetText, pos2, vec2,
};

use crate::engine::results::{DaySurvey, LayerSurvey, ResultsSurvey};

use super::action::{Action, ResultsAction};
use super::amounts::{count_text, day_text, duration_text, share, size_text};
use super::ask::{Asking, Question, Reply};
use super::results_plot::{Bar, plot_ui};
use super::results_state::{Clearing, ResultsState};
use super::theme::{self, UNIT};

const ROW_HEIGHT: f32 = 4.0 * UNIT;
const BAR_HEIGHT: f32 = UNIT;
const MIN_NAME_WIDTH: f32 = 13.0 * UNIT;
/// Columns with their heads and widths; the name of the layer has what is left.
const COLUMNS: [(&str, f32); 6] = [
    ("Results of", 0.0),
    ("Entries", 9.0 * UNIT),
    ("Size", 9.0 * UNIT),
    ("Hits", 8.0 * UNIT),
    ("Misses", 8.0 * UNIT),
    ("Time saved", 11.0 * UNIT),
];

/// Shows what is stored.
pub(super) fn results_ui(ui: &mut Ui, state: &ResultsState, actions: &mut Vec<Action>) {
    if let Some(reason) = state.failure() {
        ui.add(Label::new(RichText::new(reason).color(theme::palette(ui).error)).wrap());
    }
    let Some(survey) = state.survey() else {
        if state.failure().is_none() {
            ui.label("Looking for results…");
        }
        return;
    };
    total_ui(ui, survey);
    ui.horizontal_wrapped(|ui| tools_ui(ui, state, actions));
    table_ui(ui, state, survey, actions);
    ui.add_space(2.0 * UNIT);
    ui.label(RichText::new("The last 30 days").strong());
    let n_hits = |day: &DaySurvey| day.n_hits as f64;
    let most = survey.days.iter().map(|day| day.n_hits).max().unwrap_or(0);
    plot_ui(ui, "Hits", &bars_of(survey, n_hits, |day| hits_text(day.n_hits)), &most.to_string());
    ui.add_space(UNIT);
    let saved = |day: &DaySurvey| day.saved.0;
    let most = survey.days.iter().map(saved).fold(0.0, f64::max);
    plot_ui(ui, "Time saved", &bars_of(survey, saved, |day| saved_text(day.saved.0)), &saved_text(most));
    ui.add_space(2.0 * UNIT);
    let text = "What was computed once is not computed again: the same recording with other settings, or after an \
                interruption, goes on with what is stored here. Transcripts and your changes are kept elsewhere and stay.";
    ui.add(Label::new(RichText::new(text).small().color(theme::palette(ui).weak)).wrap());
}

/// Asks before something is removed.
pub(super) fn clearing_ui(ui: &Ui, state: &ResultsState, asking: &mut Asking, actions: &mut Vec<Action>) {
    let Some(clearing) = state.asked_to_clear() else {
        *asking = Asking::Hidden;
        return;
    };
    let (text, consequence, verb) = clearing_texts(clearing, state.survey());
    let question = Question { id: "clear results", text: &text, consequence: &consequence, verb };
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
    let n_results = count_text(n_entries as usize, "result", "results");
    let size = match survey.budget_bytes {
        Some(budget_bytes) => format!("{} of {}", size_text(n_bytes), size_text(budget_bytes)),
        None => size_text(n_bytes),
    };
    let facts = format!("{n_results}, {size}; {} saved in the last 30 days", saved_text(saved_secs));
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new("Stored results").strong());
        ui.label(RichText::new(&facts).color(theme::palette(ui).weak));
    });
    if let Some(budget_bytes) = survey.budget_bytes {
        let accent = theme::palette(ui).accent;
        let bar = ProgressBar::new(share(n_bytes, budget_bytes)).desired_width(ui.available_width());
        ui.add(bar.desired_height(BAR_HEIGHT).fill(accent)).accessible_name(format!("Stored results: {size}"));
    }
}

fn tools_ui(ui: &mut Ui, state: &ResultsState, actions: &mut Vec<Action>) {
    let busy = state.working();
    let mut tool =
        |ui: &mut Ui, text: &str, name: String, hint: &str, obstacle: Option<&str>, action: ResultsAction| {
            let obstacle = busy.or(obstacle);
            let button = ui.add_enabled(obstacle.is_none(), Button::new(RichText::new(text).small()));
            let button = button.accessible_name(name).on_hover_text(hint);
            if button.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
                actions.push(Action::Results(action));
            }
        };
    if let Some(row) = state.selected() {
        let name = format!("Clear the results of {}", row.layer.label());
        let action = ResultsAction::AskToClear(Clearing::Layer(row.layer));
        tool(ui, "Clear…", name, "Removes the results of this layer; asks first", None, action);
    } else {
        let why = Some("Choose a layer in the table first.");
        let name = "Clear the results of a layer".to_owned();
        tool(ui, "Clear…", name, "Removes the results of a layer; asks first", why, ResultsAction::KeepAll);
    }
    let action = ResultsAction::AskToClear(Clearing::All);
    tool(ui, "Clear all…", "Clear all results".to_owned(), "Removes all results; asks first", None, action);
    let hint = "Removes what was not used for long, and what is too much; asks first";
    let action = ResultsAction::AskToClear(Clearing::TooMuch);
    tool(ui, "Clean up…", "Clean up the results".to_owned(), hint, None, action);
    let hint = "Reads all results and drops those that are damaged";
    tool(ui, "Verify", "Verify all results".to_owned(), hint, None, ResultsAction::Verify);
    if let Some(working) = busy {
        ui.label(RichText::new(working).small().color(theme::palette(ui).weak));
    }
}

fn table_ui(ui: &mut Ui, state: &ResultsState, survey: &ResultsSurvey, actions: &mut Vec<Action>) {
    let selected = state.selected().map(|row| &row.layer);
    let table = UiBuilder::new()
        .id_salt("results")
        .accessibility_role(Role::Table)
        .accessibility_label("Stored results by layer");
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
    for ((name, _), cell) in COLUMNS.iter().zip(cells(line)) {
        let mut place = ui.new_child(UiBuilder::new().max_rect(cell).layout(Layout::left_to_right(Align::Center)));
        let text = RichText::new(*name).small().color(theme::palette(ui).weak);
        let head = place.add(Label::new(text).truncate().selectable(false));
        place.ctx().accesskit_node_builder(head.id, |node| {
            node.set_role(Role::ColumnHeader);
            node.set_label(*name);
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
        row.layer.label().to_owned(),
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
    let n_results = count_text(row.n_entries as usize, "result", "results");
    let n_misses = count_text(row.n_misses as usize, "miss", "misses");
    let (size, hits, saved) = (size_text(row.n_bytes), hits_text(row.n_hits), saved_text(row.saved.0));
    format!("{}: {n_results}, {size}, {hits}, {n_misses}, {saved} saved", row.layer.label())
}

fn bars_of(survey: &ResultsSurvey, value: impl Fn(&DaySurvey) -> f64, text: impl Fn(&DaySurvey) -> String) -> Vec<Bar> {
    let bar = |day: &DaySurvey| Bar { value: value(day), text: format!("{}: {}", day_text(day.day), text(day)) };
    survey.days.iter().map(bar).collect()
}

fn hits_text(n_hits: u64) -> String {
    count_text(n_hits as usize, "hit", "hits")
}

/// A length of time that may be none at all.
fn saved_text(secs: f64) -> String {
    if secs < 0.5 { "0 s".to_owned() } else { duration_text(secs) }
}

/// What is asked before a removal, what it means, and the word on the button.
fn clearing_texts(clearing: &Clearing, survey: Option<&ResultsSurvey>) -> (String, String, &'static str) {
    const AFTER: &str = "It is computed again when it is needed. Transcripts and your changes stay.";
    let rows = survey.map_or::<&[LayerSurvey], _>(&[], |survey| &survey.layers);
    let size_of = |is_it: &dyn Fn(&LayerSurvey) -> bool| {
        size_text(rows.iter().filter(|row| is_it(row)).map(|row| row.n_bytes).sum())
    };
    match clearing {
        Clearing::Layer(layer) => {
            let freed = size_of(&|row| row.layer == *layer);
            (format!("Clear the results of {}?", layer.label()), format!("This frees {freed}. {AFTER}"), "Clear")
        }
        Clearing::All => {
            let freed = size_of(&|_| true);
            ("Clear all results?".to_owned(), format!("This frees {freed}. {AFTER}"), "Clear")
        }
        Clearing::TooMuch => {
            let what = "Removes what was not used for long, and the least used of what is more than the budget allows.";
            ("Clean up the results?".to_owned(), format!("{what} {AFTER}"), "Clean up")
        }
    }
}

#[cfg(test)]
mod tests {
    use eframe::egui::{self, Key};
    use egui_kittest::Harness;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::*;
    use crate::engine::results::{Layer, ResultsCommand, ResultsEvent};
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
        let label = Layer::Asr.label();
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
        let label = Layer::Asr.label();
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
