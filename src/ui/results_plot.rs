//! A small plot of one number a day. Whoever cannot see it, or wants to know exactly, gets the numbers as text.

use eframe::egui::{Align2, Rect, Role, Sense, TextStyle, Ui, WidgetInfo, pos2, vec2};

use super::texts::text_with;
use super::theme::{self, UNIT};

const PLOT_HEIGHT: f32 = 8.0 * UNIT;
/// Room for the largest number above the bars.
const SCALE_HEIGHT: f32 = 2.5 * UNIT;
/// Between one bar and the next.
const GAP: f32 = 2.0;
/// A day on which there was little is to be seen all the same.
const MIN_BAR_HEIGHT: f32 = 2.0;

/// One day.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bar {
    /// Its number, from 0 on.
    pub(super) value: f64,
    /// The day and its number in words.
    pub(super) text: String,
}

/// Shows the bars, oldest first; `name` says what they count, and `largest` the largest number in words.
pub(super) fn plot_ui(ui: &mut Ui, name: &str, bars: &[Bar], largest: &str) {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), PLOT_HEIGHT), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, in_words(name, bars)));
    let font = TextStyle::Small.resolve(ui.style());
    let most = text_with("results-plot-most", &[("name", name.into()), ("largest", largest.into())]);
    ui.painter().text(rect.left_top(), Align2::LEFT_TOP, most, font, palette.weak);
    let plot = rect.with_min_y(rect.top() + SCALE_HEIGHT);
    ui.painter().hline(plot.x_range(), plot.bottom(), ui.visuals().widgets.noninteractive.bg_stroke);
    let hovered_idx = response.hover_pos().and_then(|at| bar_at(plot, at.x, bars.len()));
    for (bar_idx, fraction) in fractions(bars).into_iter().enumerate() {
        let column = column_of(plot, bar_idx, bars.len());
        if hovered_idx == Some(bar_idx) {
            ui.painter().rect_filled(column, 0.0, palette.hovered);
        }
        if fraction > 0.0 {
            let height = (plot.height() * fraction).max(MIN_BAR_HEIGHT);
            ui.painter().rect_filled(column.with_min_y(plot.bottom() - height), 1.0, palette.accent);
        }
    }
    if let Some(bar) = hovered_idx.and_then(|bar_idx| bars.get(bar_idx)) {
        response.on_hover_ui_at_pointer(|ui| {
            ui.label(bar.text.as_str());
        });
    }
}

/// What a screen reader says: the days on which there was anything.
fn in_words(name: &str, bars: &[Bar]) -> String {
    let days: Vec<&str> = bars.iter().filter(|bar| bar.value > 0.0).map(|bar| bar.text.as_str()).collect();
    if days.is_empty() {
        return text_with("results-plot-nothing", &[("name", name.into()), ("n", bars.len().into())]);
    }
    text_with("results-plot-days", &[("name", name.into()), ("n", bars.len().into()), ("days", days.join("; ").into())])
}

/// The height of each bar as a share of the highest.
fn fractions(bars: &[Bar]) -> Vec<f32> {
    let largest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    bars.iter().map(|bar| if largest > 0.0 { (bar.value.max(0.0) / largest) as f32 } else { 0.0 }).collect()
}

fn column_of(plot: Rect, bar_idx: usize, n_bars: usize) -> Rect {
    let step = plot.width() / n_bars.max(1) as f32;
    let left = plot.left() + bar_idx as f32 * step;
    Rect::from_min_max(pos2(left, plot.top()), pos2(left + (step - GAP).max(1.0), plot.bottom()))
}

fn bar_at(plot: Rect, x: f32, n_bars: usize) -> Option<usize> {
    let bar_idx = ((x - plot.left()) / plot.width().max(1.0) * n_bars as f32).floor();
    (bar_idx >= 0.0 && bar_idx < n_bars as f32).then_some(bar_idx as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_share_of_the_highest() {
        for (values, expected) in [
            (vec![], vec![]),
            (vec![0.0, 0.0], vec![0, 0]),
            (vec![1.0, 4.0, 0.0], vec![25, 100, 0]),
            (vec![-1.0, 2.0], vec![0, 100]),
        ] {
            let bars: Vec<Bar> = values.into_iter().map(|value| Bar { value, text: String::new() }).collect();
            let percents: Vec<i32> = fractions(&bars).into_iter().map(|fraction| (fraction * 100.0) as i32).collect();
            assert_eq!(percents, expected);
        }
    }

    #[test]
    fn the_pointer_finds_the_bar_that_is_drawn_there() {
        let plot = Rect::from_min_max(pos2(100.0, 0.0), pos2(400.0, 60.0));
        for bar_idx in [0, 7, 29] {
            assert_eq!(bar_at(plot, column_of(plot, bar_idx, 30).center().x, 30), Some(bar_idx));
        }
        for x in [99.0, 401.0] {
            assert_eq!(bar_at(plot, x, 30), None);
        }
        assert_eq!(bar_at(plot, 200.0, 0), None);
    }

    #[test]
    fn days_without_anything_are_not_read_out() {
        let bar = |value: f64, text: &str| Bar { value, text: text.to_owned() };
        let bars = [bar(0.0, "2025-03-11: 0 hits"), bar(3.0, "2025-03-12: 3 hits")];
        assert_eq!(in_words("Hits", &bars), "Hits in the last 2 days: 2025-03-12: 3 hits");
        assert_eq!(in_words("Hits", &bars[..1]), "Hits: nothing in 1 day");
    }
}
