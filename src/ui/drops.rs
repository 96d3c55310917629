//! Files that are dragged over the window and dropped onto it.

use eframe::egui::{self, Align2, Area, Frame, Id, Margin, Order, RichText, Stroke, vec2};

use super::action::Action;
use super::texts::text;
use super::theme;

/// Takes the files that were dropped.
pub(super) fn take_drops(ui: &egui::Ui, actions: &mut Vec<Action>) {
    let files = ui.input(|input| input.raw.dropped_files.clone());
    if !files.is_empty() {
        actions.push(Action::Open(files.iter().map(|file| file.path().to_path_buf()).collect()));
    }
}

/// Says what dropping does while files hover over the window.
pub(super) fn drop_hint_ui(ctx: &egui::Context) {
    if ctx.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let area = Area::new(Id::unique("drop hint")).order(Order::Foreground).interactable(false);
    area.anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).show(ctx, |ui| {
        let palette = theme::palette(ui);
        let frame = Frame::new().fill(palette.page).stroke(Stroke::new(2.0, palette.accent));
        frame.corner_radius(8.0).inner_margin(Margin::same(32)).show(ui, |ui| {
            ui.label(RichText::new(text("drops-hint")).heading());
        });
    });
}
