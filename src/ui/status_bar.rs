//! The bar at the bottom: what computes, which models are in memory, how many messages there were, and the outcome of the
//! last small action.

use std::thread;

use eframe::egui::{Button, Label, RichText, Separator, Ui, accesskit::Live};

use crate::engine::LoadedModel;

use super::action::{Action, OverlayAction};
use super::amounts::size_text;
use super::message_list::MessageScope;
use super::state::State;
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

/// Shows the bar; the transcription runs on so many threads.
pub(super) fn status_bar_ui(ui: &mut Ui, state: &State, n_threads: usize, actions: &mut Vec<Action>) {
    let weak = theme::palette(ui).weak;
    let small = |text: &str| Label::new(RichText::new(text).small().color(weak)).selectable(false).extend();
    ui.spacing_mut().interact_size.y = 2.5 * UNIT;
    ui.horizontal(|ui| {
        let device = text_with("status-device", &[("n", n_threads.into())]);
        ui.add(small(&device)).on_hover_text(text("status-device-hint"));
        ui.separator();
        ui.add(small(&models_summary(state.models()))).on_hover_text(models_listed(state.models()));
        let has_notice = !state.notice().is_empty();
        // There all the same where nothing follows, so that the notice keeps its identity for screen readers.
        ui.add_visible(has_notice || state.messages.n_in_all() > 0, Separator::default());
        messages_button_ui(ui, state, actions);
        let notice = Label::new(RichText::new(state.notice()).small()).truncate();
        let notice = ui.add(notice);
        // Screen readers speak it when it changes.
        ui.ctx().accesskit_node_builder(notice.id, |node| node.set_live(Live::Polite));
    });
}

/// How many threads the transcription runs on.
pub(super) fn n_threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// How many messages there were; shows those that were dismissed, too.
fn messages_button_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let n_messages = state.messages.n_in_all();
    if n_messages == 0 {
        return;
    }
    let is_all = state.messages.scope() == MessageScope::All;
    let shown = RichText::new(text_with("status-messages", &[("n", n_messages.into())])).small();
    ui.spacing_mut().button_padding.y = 0.0;
    let button = ui.add(Button::selectable(is_all, shown));
    if button.on_hover_text(text("status-messages-hint")).clicked() {
        actions.push(Action::Overlay(OverlayAction::ToggleMessages));
    }
    ui.add_visible(!state.notice().is_empty(), Separator::default());
}

fn models_listed(models: &[LoadedModel]) -> String {
    if models.is_empty() {
        return text("status-no-model-hint");
    }
    let lines: Vec<String> =
        models.iter().map(|model| format!("{}: {}", model.key, size_text(model.n_bytes as u64))).collect();
    lines.join("\n")
}

/// `no model in memory`, `1 model, 400 kB`, `2 models, 18 MB`.
fn models_summary(models: &[LoadedModel]) -> String {
    let size = size_text(models.iter().map(|model| model.n_bytes as u64).sum());
    match models.len() {
        0 => text("status-no-model"),
        n => text_with("status-models", &[("n", n.into()), ("size", size.into())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_counted_and_sized() {
        for (sizes, expected) in [
            (vec![], "no model in memory"),
            (vec![399_600], "1 model, 400 kB"),
            (vec![12_000_000, 6_200_000], "2 models, 18 MB"),
            (vec![999_600_000, 600_000_000], "2 models, 1.6 GB"),
        ] {
            let models: Vec<LoadedModel> =
                sizes.into_iter().map(|n_bytes| LoadedModel { key: "whisperx_demo_cpu".to_owned(), n_bytes }).collect();
            assert_eq!(models_summary(&models), expected);
        }
    }
}
