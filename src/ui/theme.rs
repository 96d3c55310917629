//! The look of the window: two palettes with one accent colour and one for each speaker, an 8-point rhythm, and egui
//! styles made from them. Panels take colours and sizes from here and define none of their own.

use std::collections::BTreeMap;

use eframe::egui::{
    self, Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, Style, TextStyle, Theme, ThemePreference, Visuals,
    epaint::Shadow, style::WidgetVisuals, vec2,
};

use crate::settings::{self, LookSettings};

/// Text of the transcript, in points, unless the user wants it larger or smaller.
pub(super) const READING_SIZE: f32 = 16.0;
/// Name of the style for the text of transcripts.
const READING_STYLE: &str = "reading";
/// From one line of the transcript to the next, as a multiple of its size.
const READING_LINE_FACTOR: f32 = 1.5;
/// Most text, in points, unless the user wants it larger or smaller.
const USUAL_POINTS: f32 = 15.0;
/// The unit of all distances.
pub(super) const UNIT: f32 = 8.0;

/// Colours of speakers in each theme; where more people speak, they are used again. Names say who it is, colours only
/// help to see it.
const N_SPEAKER_COLORS: usize = 10;

/// The colours of one theme.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    /// Behind the transcript.
    pub(super) page: Color32,
    /// Behind lists and bars.
    pub(super) panel: Color32,
    /// Behind text fields and unfilled progress.
    pub(super) sunken: Color32,
    /// Text, and the ring around what has the keyboard focus.
    pub(super) text: Color32,
    /// Text that stands back: times, facts, hints.
    pub(super) weak: Color32,
    /// Lines between panels.
    pub(super) line: Color32,
    /// The one accent: the main button, progress.
    pub(super) accent: Color32,
    /// Text on the accent.
    pub(super) on_accent: Color32,
    /// A button at rest.
    pub(super) button: Color32,
    /// A button under the pointer.
    pub(super) hovered: Color32,
    /// A button pressed or focused.
    pub(super) pressed: Color32,
    /// Selected text and the selected recording.
    pub(super) selection: Color32,
    /// Text of errors.
    pub(super) error: Color32,
    /// Text of warnings.
    pub(super) warning: Color32,
    /// Names of speakers and what belongs to them.
    speakers: [Color32; N_SPEAKER_COLORS],
}

impl Palette {
    /// The colour of a speaker.
    pub(super) fn speaker(&self, color_idx: usize) -> Color32 {
        self.speakers[color_idx % N_SPEAKER_COLORS]
    }
}

/// The colours of bars while something is being recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alarm {
    /// The bar.
    pub(super) fill: Color32,
    /// Text and shapes on it.
    pub(super) on_fill: Color32,
    /// The dot on the button that begins it, and what is too loud.
    pub(super) dot: Color32,
}

const LIGHT_ALARM: Alarm = Alarm {
    fill: Color32::from_rgb(0xB3, 0x26, 0x1E),
    on_fill: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    dot: Color32::from_rgb(0xC6, 0x2A, 0x20),
};

const DARK_ALARM: Alarm = Alarm {
    fill: Color32::from_rgb(0x8C, 0x1D, 0x18),
    on_fill: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    dot: Color32::from_rgb(0xFF, 0x6B, 0x61),
};

const LIGHT: Palette = Palette {
    page: Color32::from_rgb(0xFC, 0xFC, 0xFA),
    panel: Color32::from_rgb(0xF3, 0xF4, 0xF1),
    sunken: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    text: Color32::from_rgb(0x1F, 0x23, 0x28),
    weak: Color32::from_rgb(0x57, 0x5E, 0x67),
    line: Color32::from_rgb(0xD5, 0xD9, 0xD3),
    accent: Color32::from_rgb(0x1F, 0x6B, 0x4A),
    on_accent: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    button: Color32::from_rgb(0xE6, 0xE9, 0xE4),
    hovered: Color32::from_rgb(0xDA, 0xDF, 0xD8),
    pressed: Color32::from_rgb(0xCF, 0xE0, 0xD6),
    selection: Color32::from_rgb(0xC9, 0xE2, 0xD5),
    error: Color32::from_rgb(0xB3, 0x26, 0x1E),
    warning: Color32::from_rgb(0x85, 0x50, 0x00),
    speakers: [
        Color32::from_rgb(0x1F, 0x6B, 0x4A),
        Color32::from_rgb(0x24, 0x57, 0xC5),
        Color32::from_rgb(0xB3, 0x21, 0x6B),
        Color32::from_rgb(0xA3, 0x4A, 0x12),
        Color32::from_rgb(0x7A, 0x3F, 0xC4),
        Color32::from_rgb(0x00, 0x75, 0x9B),
        Color32::from_rgb(0x7A, 0x6A, 0x00),
        Color32::from_rgb(0x5C, 0x1A, 0x1A),
        Color32::from_rgb(0x1B, 0x2F, 0x66),
        Color32::from_rgb(0x7B, 0x4A, 0x6E),
    ],
};

const DARK: Palette = Palette {
    page: Color32::from_rgb(0x1B, 0x1E, 0x22),
    panel: Color32::from_rgb(0x23, 0x27, 0x2C),
    sunken: Color32::from_rgb(0x14, 0x17, 0x1A),
    text: Color32::from_rgb(0xE6, 0xE8, 0xEA),
    weak: Color32::from_rgb(0xA7, 0xAF, 0xB7),
    line: Color32::from_rgb(0x3A, 0x40, 0x47),
    accent: Color32::from_rgb(0x6C, 0xC2, 0x9A),
    on_accent: Color32::from_rgb(0x10, 0x23, 0x1A),
    button: Color32::from_rgb(0x32, 0x38, 0x40),
    hovered: Color32::from_rgb(0x3D, 0x44, 0x4D),
    pressed: Color32::from_rgb(0x35, 0x51, 0x45),
    selection: Color32::from_rgb(0x23, 0x48, 0x3A),
    error: Color32::from_rgb(0xFF, 0x90, 0x89),
    warning: Color32::from_rgb(0xF0, 0xB4, 0x5E),
    speakers: [
        Color32::from_rgb(0x6C, 0xC2, 0x9A),
        Color32::from_rgb(0x7F, 0xA8, 0xFF),
        Color32::from_rgb(0xFF, 0x9C, 0xCB),
        Color32::from_rgb(0xF2, 0xAC, 0x4C),
        Color32::from_rgb(0xC7, 0x9B, 0xFF),
        Color32::from_rgb(0x4F, 0xD3, 0xE6),
        Color32::from_rgb(0xDC, 0xD3, 0x5A),
        Color32::from_rgb(0xF4, 0x75, 0x6A),
        Color32::from_rgb(0xC9, 0xD6, 0xF5),
        Color32::from_rgb(0xB3, 0xA2, 0x96),
    ],
};

/// Gives the window its look. To be called before the first frame; which of the two themes is shown is chosen later.
pub fn install_theme(ctx: &egui::Context) {
    for (theme, palette) in [(Theme::Light, &LIGHT), (Theme::Dark, &DARK)] {
        ctx.style_mut_of(theme, |style| apply(style, theme, palette));
    }
}

/// Gives everything in the window the size that the user chose.
pub(super) fn set_look(ctx: &egui::Context, look: LookSettings) {
    // Zooming by keyboard is a setting like any other, within the same limits.
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
    ctx.set_zoom_factor(look.zoom_factor());
    ctx.all_styles_mut(|style| style.text_styles = text_styles(look.font_points()));
}

/// Size of the text of transcripts, and the distance from one line to the next, in points.
pub(super) fn reading(ui: &egui::Ui) -> (f32, f32) {
    let style = TextStyle::Name(READING_STYLE.into());
    let size = ui.style().text_styles.get(&style).map_or(READING_SIZE, |font| font.size);
    (size, (size * READING_LINE_FACTOR).round())
}

/// The colours of what is being drawn.
pub(super) fn palette(ui: &egui::Ui) -> &'static Palette {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

/// The colours of recording in what is being drawn.
pub(super) fn alarm(ui: &egui::Ui) -> &'static Alarm {
    if ui.visuals().dark_mode { &DARK_ALARM } else { &LIGHT_ALARM }
}

/// Width of the whole window, in points.
pub(super) fn window_width(ui: &egui::Ui) -> f32 {
    ui.ctx().content_rect().width()
}

/// What egui calls the user's choice.
pub(super) fn preference(theme: settings::Theme) -> ThemePreference {
    match theme {
        settings::Theme::System => ThemePreference::System,
        settings::Theme::Light => ThemePreference::Light,
        settings::Theme::Dark => ThemePreference::Dark,
    }
}

/// Entries of a menu: no frame at rest, wide enough to hit.
pub(super) fn menu_style(style: &mut Style) {
    let ring = style.visuals.widgets.active.bg_stroke;
    egui::menu::menu_style(style);
    // The ring is the keyboard focus, which a menu shows like everything else.
    style.visuals.widgets.active.bg_stroke = ring;
    style.spacing.button_padding = vec2(12.0, 6.0);
    style.spacing.item_spacing.y = 0.0;
}

/// The background of a bar or list, with its inner distance.
pub(super) fn panel_frame(ui: &egui::Ui, margin: Margin) -> egui::Frame {
    egui::Frame::new().fill(palette(ui).panel).inner_margin(margin)
}

fn apply(style: &mut Style, theme: Theme, palette: &Palette) {
    style.text_styles = text_styles(USUAL_POINTS);
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(UNIT, UNIT);
    spacing.button_padding = vec2(12.0, 6.0);
    spacing.interact_size.y = 4.0 * UNIT;
    spacing.menu_margin = Margin::same(8);
    spacing.window_margin = Margin::same(16);
    spacing.tooltip_width = 400.0;
    // The bar stays visible, in room of its own, so that it shows where one is and covers no text.
    spacing.scroll.floating_allocated_width = 12.0;
    spacing.scroll.dormant_handle_opacity = 0.5;
    spacing.scroll.active_handle_opacity = 0.7;
    style.visuals = visuals(theme, palette);
}

/// The sizes of all text, where most of it has so many points.
fn text_styles(points: f32) -> BTreeMap<TextStyle, FontId> {
    let sized = |(text_style, usual_size, family): (TextStyle, f32, FontFamily)| {
        let size = (usual_size * points / USUAL_POINTS).round();
        (text_style, FontId::new(size, family))
    };
    let styles = [
        (TextStyle::Small, 13.0, FontFamily::Proportional),
        (TextStyle::Body, USUAL_POINTS, FontFamily::Proportional),
        (TextStyle::Button, USUAL_POINTS, FontFamily::Proportional),
        (TextStyle::Heading, 20.0, FontFamily::Proportional),
        (TextStyle::Monospace, 14.0, FontFamily::Monospace),
        (TextStyle::Name(READING_STYLE.into()), READING_SIZE, FontFamily::Proportional),
    ];
    styles.into_iter().map(sized).collect()
}

fn visuals(theme: Theme, palette: &Palette) -> Visuals {
    let mut visuals = match theme {
        Theme::Light => Visuals::light(),
        Theme::Dark => Visuals::dark(),
    };
    let border = |color: Color32| Stroke::new(1.0, color);
    // Pressed and focused look the same to egui, so this ring is also the keyboard focus: as strong as the text.
    let ring = Stroke::new(2.0, palette.text);
    visuals.widgets.noninteractive = widget(palette.panel, border(palette.line), palette);
    // Without an edge, a field on the page could not be seen in the light theme, nor an empty checkbox.
    visuals.widgets.inactive = widget(palette.button, border(palette.line), palette);
    visuals.widgets.hovered = widget(palette.hovered, border(palette.weak), palette);
    visuals.widgets.active = widget(palette.pressed, ring, palette);
    visuals.widgets.open = widget(palette.hovered, border(palette.weak), palette);
    visuals.selection.bg_fill = palette.selection;
    visuals.selection.stroke = ring;
    visuals.weak_text_color = Some(palette.weak);
    visuals.hyperlink_color = palette.accent;
    visuals.faint_bg_color = palette.panel;
    visuals.extreme_bg_color = palette.sunken;
    visuals.warn_fg_color = palette.warning;
    visuals.error_fg_color = palette.error;
    visuals.panel_fill = palette.page;
    visuals.window_fill = palette.page;
    visuals.window_stroke = border(palette.line);
    visuals.window_corner_radius = CornerRadius::same(8);
    visuals.menu_corner_radius = CornerRadius::same(8);
    visuals.popup_shadow = Shadow { offset: [0, 4], blur: 16, spread: 0, color: Color32::from_black_alpha(48) };
    visuals.text_cursor.stroke.color = palette.text;
    visuals
}

fn widget(fill: Color32, border: Stroke, palette: &Palette) -> WidgetVisuals {
    WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: border,
        corner_radius: CornerRadius::same(6),
        fg_stroke: Stroke::new(1.0, palette.text),
        expansion: 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_text_reaches_the_contrast_of_wcag_level_aa() {
        for (name, p, alarm) in [("light", LIGHT, LIGHT_ALARM), ("dark", DARK, DARK_ALARM)] {
            for (what, text, background) in [
                ("text on a bar while recording", alarm.on_fill, alarm.fill),
                ("text on the page", p.text, p.page),
                ("text on a panel", p.text, p.panel),
                ("text in a field", p.text, p.sunken),
                ("text on a button", p.text, p.button),
                ("text on a hovered button", p.text, p.hovered),
                ("text on a pressed button", p.text, p.pressed),
                ("selected text", p.text, p.selection),
                ("weak text on the page", p.weak, p.page),
                ("weak text on a panel", p.weak, p.panel),
                ("weak text on the selected recording", p.weak, p.selection),
                ("hint in a field", p.weak, p.sunken),
                ("name on the welcome", p.accent, p.page),
                ("main button", p.on_accent, p.accent),
                ("error on the page", p.error, p.page),
                ("error on a panel", p.error, p.panel),
                ("warning on a panel", p.warning, p.panel),
            ] {
                let contrast = contrast(text, background);
                assert!(contrast >= 4.5, "{name}, {what}: {contrast:.2}");
            }
        }
    }

    #[test]
    fn speakers_can_be_read_and_told_apart() {
        for (name, p) in [("light", LIGHT), ("dark", DARK)] {
            for (idx, color) in p.speakers.into_iter().enumerate() {
                for background in [p.page, p.panel, p.sunken] {
                    let contrast = contrast(color, background);
                    assert!(contrast >= 4.5, "{name}, speaker {idx}: {contrast:.2}");
                }
                for (other_idx, other) in p.speakers.into_iter().enumerate().take(idx) {
                    let channels = color.to_array().into_iter().zip(other.to_array());
                    let distance: u32 = channels.map(|(a, b)| u32::from(a.abs_diff(b))).sum();
                    assert!(distance >= 70, "{name}, speakers {other_idx} and {idx}: {distance}");
                }
            }
            assert_eq!(p.speaker(N_SPEAKER_COLORS + 2), p.speakers[2], "colours are used again");
        }
    }

    /// Contrast ratio of WCAG 2.1, from 1 to 21.
    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Relative luminance of WCAG 2.1: linear light weighted by the eye's sensitivity.
    fn luminance(color: Color32) -> f32 {
        let linear = |channel: u8| {
            let value = f32::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
    }
}
