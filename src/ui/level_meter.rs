//! The level of what is recorded, as a bar for each channel: as long as the sound is loud, with a line where it was
//! loudest, and red where it was too loud. Whoever cannot see it gets it as a meter with a text that changes slowly.

use eframe::egui::{Rect, Role, Sense, Ui, WidgetInfo, vec2};

use crate::engine::recording::Level;

use super::record_state::{FLOOR_DB, Session, decibels};
use super::texts::text;
use super::theme::{self, UNIT};

/// Of each bar.
const BAR_HEIGHT: f32 = UNIT;
/// Between one bar and the next.
const GAP: f32 = 2.0;
/// From here on, the sound is nearly too loud.
const LOUD_DB: f32 = -6.0;

/// Shows the level, so wide.
pub(super) fn level_meter_ui(ui: &mut Ui, session: &Session, width: f32) {
    let n_bars = session.levels.len().max(1);
    let height = n_bars as f32 * (BAR_HEIGHT + GAP) - GAP;
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(session.level_text.clone()),
        value: Some(f64::from(session.level_db)),
        ..WidgetInfo::labeled(Role::Meter, true, text("record-level"))
    });
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_min_numeric_value(f64::from(FLOOR_DB));
        node.set_max_numeric_value(0.0);
    });
    for bar_idx in 0..n_bars {
        let below = vec2(0.0, bar_idx as f32 * (BAR_HEIGHT + GAP));
        let bar = Rect::from_min_size(rect.min + below, vec2(width, BAR_HEIGHT));
        let level = session.levels.get(bar_idx).copied().unwrap_or_default();
        bar_ui(ui, bar, level, session.is_clipping());
    }
    response.on_hover_text(text("record-level-hint"));
}

fn bar_ui(ui: &Ui, bar: Rect, level: Level, is_clipping: bool) {
    let (palette, alarm) = (theme::palette(ui), theme::alarm(ui));
    let painter = ui.painter();
    painter.rect_filled(bar, 2.0, palette.sunken);
    let (mean, peak) = (fraction(level.rms), fraction(level.peak));
    let color = if is_clipping {
        alarm.dot
    } else if decibels(level.peak) >= LOUD_DB {
        palette.warning
    } else {
        palette.accent
    };
    painter.rect_filled(bar.with_max_x(bar.left() + bar.width() * mean), 2.0, color);
    if peak > 0.0 {
        let at = bar.left() + (bar.width() - 2.0) * peak;
        painter.rect_filled(bar.with_min_x(at).with_max_x(at + 2.0), 0.0, color);
    }
    if is_clipping {
        painter.rect_filled(bar.with_min_x(bar.right() - BAR_HEIGHT), 2.0, alarm.dot);
    }
}

/// How long a bar is, 0 to 1.
fn fraction(height: f32) -> f32 {
    1.0 - decibels(height) / FLOOR_DB
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_with_the_level() {
        for (height, expected) in
            [(0.0, 0.0), (0.001, 0.0), (0.031_622_78, 0.5), (0.1, 0.666_7), (1.0, 1.0), (4.0, 1.0)]
        {
            assert!((fraction(height) - expected).abs() < 1e-3, "{height}: {}", fraction(height));
        }
    }
}
