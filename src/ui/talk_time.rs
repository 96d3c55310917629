//! Who talks how long, as a chart: a bar for each speaker, in their colour, as long as their share beside the largest. To
//! a screen reader each bar is a text.

use std::sync::Arc;

use eframe::egui::{
    Galley, Rect, RichText, Role, Sense, TextStyle, TextWrapMode, Ui, Vec2, WidgetInfo, WidgetText, pos2, vec2,
};

use super::speakers::Speakers;
use super::theme::{self, UNIT};

const ROW_HEIGHT: f32 = 2.5 * UNIT;
const BAR_HEIGHT: f32 = 1.5 * UNIT;
/// Names take no more of the width than this.
const MAX_NAME_SHARE: f32 = 0.32;
/// Whoever says anything is to be seen.
const MIN_BAR_WIDTH: f32 = 2.0;

/// Shows the bars, in the order of the speakers.
pub(super) fn talk_chart_ui(ui: &mut Ui, speakers: &Speakers) {
    let palette = theme::palette(ui);
    let (width, entries) = (ui.available_width(), speakers.entries());
    let figures: Vec<Arc<Galley>> = entries.iter().map(|entry| small(ui, &entry.talk_text(), width)).collect();
    let names = entries.iter().map(|entry| small(ui, entry.shown_name(), width * MAX_NAME_SHARE));
    let names: Vec<Arc<Galley>> = names.collect();
    let (name_width, figure_width) = (widest(&names), widest(&figures));
    ui.spacing_mut().item_spacing.y = 0.0;
    for ((entry, length), (name, figures)) in entries.iter().zip(lengths(speakers)).zip(names.into_iter().zip(figures))
    {
        let (row, response) = ui.allocate_exact_size(vec2(width, ROW_HEIGHT), Sense::hover());
        let in_words = entry.talk_in_words();
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &in_words));
        let place = |galley: &Galley, left: f32| pos2(left, row.center().y - galley.size().y / 2.0);
        let (name_place, figure_place) = (place(&name, row.left()), place(&figures, row.right() - figures.size().x));
        ui.painter().galley(name_place, name, palette.text);
        ui.painter().galley(figure_place, figures, palette.weak);
        let left = row.left() + name_width + UNIT;
        let room = (row.right() - figure_width - UNIT - left).max(0.0);
        let corner = pos2(left, row.center().y - BAR_HEIGHT / 2.0);
        ui.painter().rect_filled(Rect::from_min_size(corner, vec2(room, BAR_HEIGHT)), 2.0, palette.sunken);
        if let Some(size) = bar_size(length, room) {
            let color = palette.speaker(speakers.color_idx(&entry.label));
            ui.painter().rect_filled(Rect::from_min_size(corner, size), 2.0, color);
        }
        response.on_hover_text(in_words);
    }
}

/// How long each bar is beside the longest one, 0 to 1.
fn lengths(speakers: &Speakers) -> Vec<f32> {
    let shares = || speakers.entries().iter().map(|entry| entry.share);
    let largest = shares().fold(0.0, f32::max);
    shares().map(|share| if largest > 0.0 { share / largest } else { 0.0 }).collect()
}

/// `None` for those who do not speak, and where there is no room.
fn bar_size(length: f32, room: f32) -> Option<Vec2> {
    (length > 0.0 && room > 0.0).then(|| vec2((room * length).max(MIN_BAR_WIDTH).min(room), BAR_HEIGHT))
}

/// Small text in one line, cut where it is longer.
fn small(ui: &Ui, text: &str, width: f32) -> Arc<Galley> {
    let text = WidgetText::from(RichText::new(text).small());
    text.into_galley(ui, Some(TextWrapMode::Truncate), width, TextStyle::Small)
}

fn widest(galleys: &[Arc<Galley>]) -> f32 {
    galleys.iter().map(|galley| galley.size().x).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{Speaker, Transcript, Turn};
    use crate::ui::speakers::SpeakerEntry;
    use crate::units::TimeSpan;

    /// So long speak A, who is called Anna, and B.
    fn meeting(a_secs: f64, b_secs: f64) -> Transcript {
        let speaker = |(label, name): (&str, Option<&str>)| Speaker {
            label: label.to_owned(),
            name: name.map(str::to_owned),
            ..Speaker::default()
        };
        let turn = |speaker: &str, start_secs: f64, secs: f64| Turn {
            span: TimeSpan::from_secs(start_secs, start_secs + secs),
            speaker: speaker.to_owned(),
        };
        Transcript {
            speakers: [("A", Some("Anna")), ("B", None)].map(speaker).to_vec(),
            turns: vec![turn("A", 0.0, a_secs), turn("B", a_secs, b_secs)],
            ..Transcript::default()
        }
    }

    #[test]
    fn bars_are_as_long_as_people_talk() {
        for (a_secs, b_secs, expected) in [
            (750.0, 250.0, [("Anna: 12:30, 75 %", 99), ("B: 4:10, 25 %", 33)]),
            (0.0, 60.0, [("Anna: 0:00, 0 %", 0), ("B: 1:00, 100 %", 99)]),
            (0.0, 0.0, [("Anna: 0:00, 0 %", 0), ("B: 0:00, 0 %", 0)]),
        ] {
            let mut speakers = Speakers::default();
            speakers.refresh(&meeting(a_secs, b_secs));
            let told: Vec<String> = speakers.entries().iter().map(SpeakerEntry::talk_in_words).collect();
            assert_eq!(told, expected.map(|(words, _)| words));
            let percents: Vec<i32> = lengths(&speakers).into_iter().map(|length| (length * 99.5) as i32).collect();
            assert_eq!(percents, expected.map(|(_, percent)| percent));
        }
        assert!(lengths(&Speakers::default()).is_empty());
    }

    #[test]
    fn bars_stay_in_their_room() {
        for (length, room, expected) in [
            (0.0, 100.0, None),
            (0.5, 100.0, Some(50.0)),
            (0.001, 100.0, Some(2.0)),
            (1.0, 1.0, Some(1.0)),
            (1.0, 0.0, None),
        ] {
            assert_eq!(bar_size(length, room).map(|size| size.x), expected, "{length} of {room}");
        }
    }
}
