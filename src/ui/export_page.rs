//! The tab for exporting: the format, how the file is laid out, and how it begins. All choices are kept for the next
//! time, and count for exports without this tab, too.

use eframe::egui::{Button, Label, RichText, ScrollArea, TextStyle, Ui, vec2};

use crate::export::{self, ExportOptions, Format, Info};
use crate::settings::{Settings, TimesChoice};
use crate::transcript::Transcript;

use super::action::{Action, OverlayAction};
use super::recording::{Phase, Recording};
use super::setting_fields::{Field, SettingChange, Since, Switch, layout_of};
use super::setting_rows::{Drafts, changed, choice_row_ui, switch_row_ui};
use super::state::State;
use super::texts::text;
use super::theme::{self, UNIT};

/// So much of a transcript is laid out for the preview,
const N_PREVIEWED_SEGMENTS: usize = 40;
/// and so much of that is shown.
const N_PREVIEWED_LINES: usize = 60;
/// Longer lines are cut in the preview: JSON has only one.
const MAX_LINE_CHARS: usize = 200;
const BUTTON_HEIGHT: f32 = 5.0 * UNIT;

/// What the tab keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct ExportPage {
    drafts: Drafts,
    preview: Option<Preview>,
}

/// The beginning of a file, and what it was made from.
#[derive(Debug)]
struct Preview {
    source: Source,
    text: String,
}

/// What a preview depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Source {
    recording_idx: usize,
    revision: u64,
    format: Format,
    layout: ExportOptions,
}

impl ExportPage {
    /// Shows the tab.
    pub(super) fn ui(&mut self, ui: &mut Ui, state: &State, settings: &Settings, actions: &mut Vec<Action>) {
        let format = format_of(settings);
        let whole = state.selected().filter(|(_, recording)| recording.phase == Phase::Done);
        // The button stays in sight below what is scrolled.
        let height = (ui.available_height() - BUTTON_HEIGHT - 2.0 * UNIT).max(0.0);
        ScrollArea::vertical().id_salt("export").max_height(height).auto_shrink([false, false]).show(ui, |ui| {
            let names = Format::ALL.map(|format| (format, format_text(format)));
            let formats = names.each_ref().map(|(format, name)| (*format, name.as_str()));
            let explanation = text("export-format-explained");
            let explained = (explanation.as_str(), Since::Now);
            choice_row_ui(ui, &text("export-format"), explained, (format, &formats[..]), |format| {
                actions.push(changed(SettingChange::Format(format)));
            });
            self.layout_ui(ui, settings, format, actions);
            if let Some((recording_idx, recording)) = whole {
                self.preview_ui(ui, recording_idx, recording, format, settings);
            }
            ui.add_space(2.0 * UNIT);
        });
        export_button_ui(ui, whole.is_some(), actions);
    }

    /// Takes what was being typed when the tab went away.
    pub(super) fn hide(&mut self, settings: &Settings, actions: &mut Vec<Action>) {
        self.drafts.leave(settings, actions);
        self.preview = None;
    }

    /// The choices that make a difference in files of this format.
    fn layout_ui(&mut self, ui: &mut Ui, settings: &Settings, format: Format, actions: &mut Vec<Action>) {
        let (is_subtitles, is_document, is_text) = match format {
            Format::Srt | Format::Vtt => (true, false, false),
            Format::Markdown | Format::Docx => (false, true, false),
            Format::Txt | Format::Html => (false, false, true),
            Format::Json | Format::Tsv | Format::Csv | Format::Rttm => {
                ui.label(text("export-always-the-same"));
                ui.add_space(UNIT);
                return;
            }
        };
        switch_row_ui(ui, settings, Switch::SpeakerNames, actions);
        if is_subtitles {
            self.drafts.row_ui(ui, settings, Field::LineWidth, actions);
            self.drafts.row_ui(ui, settings, Field::LineCount, actions);
            switch_row_ui(ui, settings, Switch::HighlightWords, actions);
        }
        if is_document {
            switch_row_ui(ui, settings, Switch::BySpeaker, actions);
        }
        if is_document || is_text {
            let names = [
                (TimesChoice::Usual, text("export-times-usual")),
                (TimesChoice::Shown, text("export-times-shown")),
                (TimesChoice::Linked, text("export-times-linked")),
                (TimesChoice::Hidden, text("export-times-hidden")),
            ];
            let times = names.each_ref().map(|(times, name)| (*times, name.as_str()));
            let explanation = text("export-times-explained");
            let explained = (explanation.as_str(), Since::Now);
            choice_row_ui(ui, &text("export-times"), explained, (settings.export.times, &times[..]), |times| {
                actions.push(changed(SettingChange::Times(times)));
            });
        }
    }

    fn preview_ui(
        &mut self,
        ui: &mut Ui,
        recording_idx: usize,
        recording: &Recording,
        format: Format,
        settings: &Settings,
    ) {
        ui.add_space(UNIT);
        ui.label(RichText::new(text("export-preview")).strong());
        if matches!(format, Format::Docx | Format::Html) {
            let note = text("export-no-preview");
            ui.add(Label::new(RichText::new(note).color(theme::palette(ui).weak)).wrap());
            return;
        }
        let source =
            Source { recording_idx, revision: recording.revision, format, layout: layout_of(&settings.export) };
        if self.preview.as_ref().is_none_or(|preview| preview.source != source) {
            self.preview = Some(Preview { source, text: beginning(recording, &source) });
        }
        let text = self.preview.as_ref().map_or("", |preview| preview.text.as_str());
        let label = Label::new(RichText::new(text).text_style(TextStyle::Monospace)).wrap();
        ui.add(label);
    }
}

/// What transcripts are exported as unless the user says otherwise.
pub(super) fn format_of(settings: &Settings) -> Format {
    settings.export_format.as_deref().and_then(|name| name.parse().ok()).unwrap_or(Format::Txt)
}

/// What a menu calls a format.
pub(super) fn format_text(format: Format) -> String {
    match format {
        Format::Txt => text("export-as-txt"),
        Format::Markdown => text("export-as-markdown"),
        Format::Srt => text("export-as-srt"),
        Format::Vtt => text("export-as-vtt"),
        Format::Json => text("export-as-json"),
        Format::Tsv => text("export-as-tsv"),
        Format::Csv => text("export-as-csv"),
        Format::Rttm => text("export-as-rttm"),
        Format::Docx => text("export-as-docx"),
        Format::Html => text("export-as-html"),
    }
}

fn export_button_ui(ui: &mut Ui, is_possible: bool, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let button = Button::new(RichText::new(text("export-save")).color(palette.on_accent)).fill(palette.accent);
    let button = button.min_size(vec2(16.0 * UNIT, BUTTON_HEIGHT));
    // In a line, the text is in the middle of the button.
    let button = ui.horizontal(|ui| ui.add_enabled(is_possible, button)).inner;
    let button = button.accessible_name(text("export-save-name"));
    if button.on_disabled_hover_text(text("export-impossible")).clicked() {
        actions.push(Action::Overlay(OverlayAction::ExportAsChosen));
    }
}

/// How the file begins.
fn beginning(recording: &Recording, source: &Source) -> String {
    let transcript = first_segments(&recording.transcript);
    let info = Info { title: &recording.stem(), audio: Some(&recording.path), ..Info::default() };
    let bytes = export::render_with(source.format, &transcript, &info, &source.layout);
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<String> = text.lines().take(N_PREVIEWED_LINES).map(cut).collect();
    if lines.len() == N_PREVIEWED_LINES || transcript.segments.len() < recording.transcript.segments.len() {
        lines.push("…".to_owned());
    }
    lines.join("\n")
}

/// The beginning of a transcript: laying all of it out takes longer than a frame.
fn first_segments(whole: &Transcript) -> Transcript {
    let segments: Vec<_> = whole.segments.iter().take(N_PREVIEWED_SEGMENTS).cloned().collect();
    let end = segments.last().map(|segment| segment.span.end);
    let turns = whole.turns.iter().take_while(|turn| end.is_some_and(|end| turn.span.start <= end)).cloned().collect();
    let (language, duration, speakers) = (whole.language.clone(), whole.duration, whole.speakers.clone());
    Transcript { language, duration, segments, speakers, turns }
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE_CHARS) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::transcript::Segment;
    use crate::units::TimeSpan;

    #[test]
    fn formats_have_the_names_that_the_exports_give_them() {
        for format in Format::ALL {
            assert_eq!(format_text(format), format.label());
        }
    }

    #[test]
    fn a_preview_is_the_beginning_of_the_file() {
        for (n_segments, format, is_cut) in
            [(0, Format::Txt, false), (3, Format::Txt, false), (3, Format::Srt, false), (5000, Format::Srt, true)]
        {
            let segment = |n: usize| Segment {
                span: TimeSpan::from_secs(n as f64, n as f64 + 1.0),
                text: format!(" Sentence {n}."),
                ..Segment::default()
            };
            let transcript = Transcript { segments: (0..n_segments).map(segment).collect(), ..Transcript::default() };
            let whole = String::from_utf8(export::render(format, &transcript, &Info::default())).expect("it is text");
            let recording = Recording::transcribed("a.wav".into(), Arc::new(transcript));
            let source = Source { recording_idx: 0, revision: 0, format, layout: ExportOptions::default() };
            let text = beginning(&recording, &source);
            assert_eq!(text.ends_with('…'), is_cut, "{n_segments} {format:?}");
            assert!(whole.starts_with(text.trim_end_matches('…').trim_end()), "{text}");
        }
        assert_eq!(cut(&"ü".repeat(500)).chars().count(), MAX_LINE_CHARS + 1);
    }
}
