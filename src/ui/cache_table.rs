//! The table of the models on one level: a row for each, sorted by clicking a column's head, one row chosen. What is
//! done with the chosen one stands elsewhere.

use std::time::SystemTime;

use eframe::egui::{
    Align, Button, Color32, Label, Layout, Pos2, Rect, RichText, Role, Sense, Shape, Stroke, TextStyle, TextWrapMode,
    Ui, UiBuilder, WidgetText, accesskit::SortDirection, pos2, vec2,
};

use crate::engine::models::{CachedModel, CachedState, Level};

use super::action::{Action, CacheAction};
use super::amounts::{age_text, size_text};
use super::cache_order::{Column, Direction, Order, state_text};
use super::cache_state::CacheState;
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

const ROW_HEIGHT: f32 = 4.0 * UNIT;
const MIN_KEY_WIDTH: f32 = 15.0 * UNIT;
/// Columns with the ids of their heads, and their widths; the key has what is left.
const COLUMNS: [(Column, &str, f32); 5] = [
    (Column::Key, "cache-column-model", 0.0),
    (Column::Size, "cache-column-size", 9.0 * UNIT),
    (Column::LastUsed, "cache-column-last-used", 14.0 * UNIT),
    (Column::Uses, "cache-column-uses", 8.0 * UNIT),
    (Column::State, "cache-column-state", 14.0 * UNIT),
];

/// Shows the models of a level; `now` is what their ages are told from.
pub(super) fn table_ui(ui: &mut Ui, state: &CacheState, level: Level, now: SystemTime, actions: &mut Vec<Action>) {
    let (name, nothing) = match level {
        Level::Memory => (text("cache-memory-table"), text("cache-memory-empty")),
        Level::Disk => (text("cache-disk-table"), text("cache-disk-empty")),
    };
    let rows = state.rows(level);
    if rows.is_empty() {
        ui.add(Label::new(RichText::new(nothing).color(theme::palette(ui).weak)).wrap());
        return;
    }
    let selected = state.selected(level).map(|row| &row.key);
    let table = UiBuilder::new().id_salt(level).accessibility_role(Role::Table).accessibility_label(name);
    ui.scope_builder(table, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        heads_ui(ui, state.order(level), level, actions);
        for row in rows {
            if row_ui(ui, row, selected == Some(&row.key), now) {
                actions.push(Action::Models(CacheAction::Select(level, row.key.clone())));
            }
        }
    });
}

fn heads_ui(ui: &mut Ui, order: Order, level: Level, actions: &mut Vec<Action>) {
    let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::hover());
    for (column, name_id, cell) in cells(line) {
        let name = text(name_id);
        let direction = (order.column == column).then_some(order.direction);
        let color = theme::palette(ui).weak;
        let head = WidgetText::from(RichText::new(&name).small().color(color));
        let head = head.into_galley(ui, Some(TextWrapMode::Truncate), cell.width(), TextStyle::Small);
        if let Some(direction) = direction {
            let middle = pos2(cell.left() + head.size().x + 2.5 * UNIT, cell.center().y);
            ui.painter().add(triangle(middle, direction, color));
        }
        let button = Button::new(head).truncate().min_size(cell.size()).frame_when_inactive(false);
        let mut place = ui.new_child(UiBuilder::new().max_rect(cell).layout(Layout::top_down(Align::Min)));
        place.spacing_mut().button_padding.x = UNIT;
        let head = place.add(button).accessible_name(name);
        place.ctx().accesskit_node_builder(head.id, |node| {
            node.set_role(Role::ColumnHeader);
            match direction {
                Some(Direction::Ascending) => node.set_sort_direction(SortDirection::Ascending),
                Some(Direction::Descending) => node.set_sort_direction(SortDirection::Descending),
                None => {}
            }
        });
        if head.on_hover_text(text("cache-sort-hint")).clicked() {
            actions.push(Action::Models(CacheAction::Sort(level, column)));
        }
    }
}

/// Points to where the larger values are: in the fonts there is no glyph for it.
fn triangle(middle: Pos2, direction: Direction, color: Color32) -> Shape {
    let half = UNIT / 2.0;
    let tip = match direction {
        Direction::Ascending => half,
        Direction::Descending => -half,
    };
    let corners = [vec2(-half, -tip), vec2(half, -tip), vec2(0.0, tip)];
    Shape::convex_polygon(corners.map(|corner| middle + corner).to_vec(), color, Stroke::NONE)
}

/// Shows a row and says whether it was chosen. To a screen reader it is one thing with all that is in its cells.
fn row_ui(ui: &mut Ui, row: &CachedModel, is_selected: bool, now: SystemTime) -> bool {
    let palette = theme::palette(ui);
    let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::hover());
    // An id of its own, so that the keyboard stays on the same model when the rows change places.
    let id = ui.scope_id().with(row.key.as_str());
    let mut place = ui.new_child(UiBuilder::new().scope_id(id).max_rect(line).layout(Layout::top_down(Align::Min)));
    let button = Button::selectable(is_selected, "").min_size(line.size());
    let response = place.add(button).accessible_name(row_name(row, now));
    place.ctx().accesskit_node_builder(response.id, |node| {
        node.set_role(Role::Row);
        node.clear_toggled();
        node.set_selected(is_selected);
    });
    for (column, _, cell) in cells(line) {
        // On the selection, which is tinted, red would be hard to read.
        let color = if is_selected || column == Column::Key {
            palette.text
        } else if column == Column::State && row.state == CachedState::Damaged {
            palette.error
        } else {
            palette.weak
        };
        cell_ui(&place, cell, cell_text(row, column, now), color);
    }
    let response = if row.detail.is_empty() { response } else { response.on_hover_text(row.detail.as_str()) };
    response.clicked()
}

fn cell_ui(ui: &Ui, cell: Rect, content: String, color: Color32) {
    let cell = cell.shrink2(vec2(UNIT, 0.0));
    let galley = WidgetText::from(content).into_galley(ui, Some(TextWrapMode::Truncate), cell.width(), TextStyle::Body);
    let top = cell.center().y - galley.size().y / 2.0;
    ui.painter().galley(pos2(cell.left(), top), galley, color);
}

fn cell_text(row: &CachedModel, column: Column, now: SystemTime) -> String {
    match column {
        Column::Key => row.key.to_string(),
        Column::Size => size_text(row.n_bytes),
        Column::LastUsed => age_text(row.last_used, now),
        Column::Uses => row.n_uses.to_string(),
        Column::State => state_text(row),
    }
}

/// `whisperx_base_cpu, 78 MB, used 5 min ago, 3 uses, pinned`.
fn row_name(row: &CachedModel, now: SystemTime) -> String {
    let used = match row.last_used {
        Some(_) => text_with("cache-row-used", &[("age", age_text(row.last_used, now).into())]),
        None => text("cache-row-never-used"),
    };
    let uses = text_with("cache-row-uses", &[("n", row.n_uses.into())]);
    format!("{}, {}, {used}, {uses}, {}", row.key, size_text(row.n_bytes), state_text(row).to_lowercase())
}

/// Where the cells of a line are, with the ids of their columns' heads.
fn cells(line: Rect) -> [(Column, &'static str, Rect); 5] {
    let fixed: f32 = COLUMNS.iter().map(|(_, _, width)| width).sum();
    let key_width = (line.width() - fixed).max(MIN_KEY_WIDTH);
    let mut left = line.left();
    COLUMNS.map(|(column, name_id, width)| {
        let width = if column == Column::Key { key_width } else { width };
        let cell = Rect::from_min_size(pos2(left, line.top()), vec2(width, line.height()));
        left += width;
        (column, name_id, cell)
    })
}
