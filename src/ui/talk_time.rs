//! Who talks how long, as a chart: a bar for each speaker, in their colour, as long as their share beside the largest.
//! It is worked out once for every version of the transcript; a frame only draws. To a screen reader each bar is a text.

use std::sync::Arc;

use eframe::egui::{
    Galley, Rect, RichText, Role, Sense, TextStyle, TextWrapMode, Ui, Vec2, WidgetInfo, WidgetText, pos2, vec2,
};

use crate::transcript::Transcript;
use crate::transcript::talk::talk_times;

use super::review_state::Version;
use super::speakers::Speakers;
use super::texts::text_with;
use super::theme::{self, UNIT};

const ROW_HEIGHT: f32 = 2.5 * UNIT;
const BAR_HEIGHT: f32 = 1.5 * UNIT;
/// Names take no more of the width than this.
const MAX_NAME_SHARE: f32 = 0.32;
/// Whoever says anything is to be seen.
const MIN_BAR_WIDTH: f32 = 2.0;

/// The chart of one recording.
#[derive(Debug, Default)]
pub(super) struct TalkChart {
    version: Option<Version>,
    bars: Vec<TalkBar>,
}

/// How long one speaker talks.
#[derive(Clone, Debug, PartialEq)]
struct TalkBar {
    /// What the transcript calls them,
    label: String,
    /// and what people do.
    name: String,
    /// How long: `12:30`.
    time: String,
    /// How much of all talk that is: `42`.
    percent: String,
    /// The same beside the largest, 0 to 1.
    length: f32,
}

impl TalkChart {
    /// Looks through a transcript, unless it has done so.
    pub(super) fn refresh(&mut self, version: Version, transcript: &Transcript) {
        if self.version != Some(version) {
            (self.version, self.bars) = (Some(version), bars_of(transcript));
        }
    }

    /// Shows the bars, in the order of the speakers.
    pub(super) fn ui(&self, ui: &mut Ui, speakers: &Speakers) {
        let palette = theme::palette(ui);
        let width = ui.available_width();
        let figures: Vec<Arc<Galley>> = self.bars.iter().map(|bar| small(ui, &bar.figures(), width)).collect();
        let names = self.bars.iter().map(|bar| small(ui, &bar.name, width * MAX_NAME_SHARE));
        let names: Vec<Arc<Galley>> = names.collect();
        let (name_width, figure_width) = (widest(&names), widest(&figures));
        ui.spacing_mut().item_spacing.y = 0.0;
        for (bar, (name, figures)) in self.bars.iter().zip(names.into_iter().zip(figures)) {
            let (row, response) = ui.allocate_exact_size(vec2(width, ROW_HEIGHT), Sense::hover());
            let in_words = bar.in_words();
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &in_words));
            let place = |galley: &Galley, left: f32| pos2(left, row.center().y - galley.size().y / 2.0);
            let (name_place, figure_place) =
                (place(&name, row.left()), place(&figures, row.right() - figures.size().x));
            ui.painter().galley(name_place, name, palette.text);
            ui.painter().galley(figure_place, figures, palette.weak);
            let left = row.left() + name_width + UNIT;
            let room = (row.right() - figure_width - UNIT - left).max(0.0);
            let corner = pos2(left, row.center().y - BAR_HEIGHT / 2.0);
            ui.painter().rect_filled(Rect::from_min_size(corner, vec2(room, BAR_HEIGHT)), 2.0, palette.sunken);
            if let Some(size) = bar_size(bar.length, room) {
                let color = palette.speaker(speakers.color_idx(&bar.label));
                ui.painter().rect_filled(Rect::from_min_size(corner, size), 2.0, color);
            }
            response.on_hover_text(in_words);
        }
    }
}

impl TalkBar {
    fn figures(&self) -> String {
        let values = [("time", self.time.as_str().into()), ("percent", self.percent.as_str().into())];
        text_with("details-talk-figures", &values)
    }

    /// `Anna: 12:30, 42 %`.
    fn in_words(&self) -> String {
        let (name, time, percent) = (self.name.as_str(), self.time.as_str(), self.percent.as_str());
        text_with("details-talk", &[("name", name.into()), ("time", time.into()), ("percent", percent.into())])
    }
}

fn bars_of(transcript: &Transcript) -> Vec<TalkBar> {
    let talk_times = talk_times(transcript);
    let largest = talk_times.iter().map(|talk| talk.share).fold(0.0, f64::max);
    let bars = transcript.speakers.iter().zip(&talk_times).map(|(speaker, talk)| TalkBar {
        label: speaker.label.clone(),
        name: transcript.name_of(&speaker.label).to_owned(),
        time: talk.seconds.to_string(),
        percent: format!("{:.0}", talk.share * 100.0),
        length: if largest > 0.0 { (talk.share / largest) as f32 } else { 0.0 },
    });
    bars.collect()
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
    use crate::transcript::{Speaker, Turn};
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
            let bars = bars_of(&meeting(a_secs, b_secs));
            let told: Vec<String> = bars.iter().map(TalkBar::in_words).collect();
            assert_eq!(told, expected.map(|(words, _)| words));
            let percents: Vec<i32> = bars.iter().map(|bar| (bar.length * 99.5) as i32).collect();
            assert_eq!(percents, expected.map(|(_, percent)| percent));
        }
        assert!(bars_of(&Transcript::default()).is_empty());
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
