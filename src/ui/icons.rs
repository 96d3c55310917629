//! Buttons with a painted sign instead of a word. The fonts of the window have no such signs; a screen reader gets a
//! name, and everybody a tooltip.

use eframe::egui::{
    Color32, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

/// Width and height of a button.
pub(super) const ICON_BUTTON_SIZE: Vec2 = Vec2::splat(32.0);
/// Width and height of a sign.
const SIGN_SIZE: f32 = 14.0;
/// Of the lines of which signs are made.
const LINE_WIDTH: f32 = 2.0;

/// A sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Icon {
    /// A triangle to the right.
    Play,
    /// Two bars.
    Pause,
    /// An arrow to the left.
    Back,
    /// An arrow to the right.
    Forward,
    /// A plus.
    Plus,
    /// A minus.
    Minus,
    /// A cross.
    Close,
    /// An angle that points up.
    Up,
    /// An angle that points down.
    Down,
}

/// Shows a button with a sign; `name` is what a screen reader says, and the beginning of the tooltip.
pub(super) fn icon_button_ui(ui: &mut Ui, icon: Icon, name: &str, hint: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(ICON_BUTTON_SIZE, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    if ui.is_rect_visible(rect) {
        let visuals = ui.style().interact(&response);
        ui.painter().rect(rect, visuals.corner_radius, visuals.weak_bg_fill, visuals.bg_stroke, StrokeKind::Inside);
        let color = visuals.fg_stroke.color;
        let color = if ui.is_enabled() { color } else { color.gamma_multiply(0.5) };
        paint(ui.painter(), Rect::from_center_size(rect.center(), Vec2::splat(SIGN_SIZE)), icon, color);
    }
    let text = if hint.is_empty() { name.to_owned() } else { format!("{name} ({hint})") };
    response.on_hover_text(text)
}

fn paint(painter: &Painter, rect: Rect, icon: Icon, color: Color32) {
    let stroke = Stroke::new(LINE_WIDTH, color);
    let at = |x: f32, y: f32| pos2(rect.left() + x * rect.width(), rect.top() + y * rect.height());
    let line = |points: &[Pos2]| {
        painter.add(Shape::line(points.to_vec(), stroke));
    };
    match icon {
        Icon::Play => {
            let triangle = vec![at(0.15, 0.0), at(0.95, 0.5), at(0.15, 1.0)];
            painter.add(Shape::convex_polygon(triangle, color, Stroke::NONE));
        }
        Icon::Pause => {
            let bar = vec2(rect.width() * 0.28, rect.height());
            for x in [0.12, 0.6] {
                painter.rect_filled(Rect::from_min_size(at(x, 0.0), bar), 1.0, color);
            }
        }
        Icon::Back => {
            line(&[at(1.0, 0.5), at(0.05, 0.5)]);
            line(&[at(0.4, 0.1), at(0.0, 0.5), at(0.4, 0.9)]);
        }
        Icon::Forward => {
            line(&[at(0.0, 0.5), at(0.95, 0.5)]);
            line(&[at(0.6, 0.1), at(1.0, 0.5), at(0.6, 0.9)]);
        }
        Icon::Plus => {
            line(&[at(0.0, 0.5), at(1.0, 0.5)]);
            line(&[at(0.5, 0.0), at(0.5, 1.0)]);
        }
        Icon::Minus => line(&[at(0.0, 0.5), at(1.0, 0.5)]),
        Icon::Close => {
            line(&[at(0.1, 0.1), at(0.9, 0.9)]);
            line(&[at(0.9, 0.1), at(0.1, 0.9)]);
        }
        Icon::Up => line(&[at(0.05, 0.7), at(0.5, 0.25), at(0.95, 0.7)]),
        Icon::Down => line(&[at(0.05, 0.3), at(0.5, 0.75), at(0.95, 0.3)]),
    }
}
