//! The tab with all that is known of a recording, as lines that can be selected, and as plain text for the clipboard.
//! What the lines say is worked out in [`super::details`].

use eframe::egui::{Align, FontSelection, Label, RichText, Role, ScrollArea, Ui, UiBuilder, text::LayoutJob};

use super::action::Action;
use super::details::{Counts, Line, Section, Subject, plain_text, sections_of};
use super::recording::Recording;
use super::review_state::Version;
use super::state::State;
use super::texts::{text, text_with};
use super::theme::{self, UNIT};

/// What the tab keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct DetailsPanel {
    /// What was counted, and in which version of a transcript.
    counted: Option<(Version, Counts)>,
}

impl DetailsPanel {
    /// Shows the details of the selected recording.
    pub(super) fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let Some((recording_idx, recording)) = state.selected() else { return };
        let subject = Subject {
            recording,
            counts: self.counts(Version::of(recording_idx, recording), recording),
            file: state.playback.file(),
            known: state.side.job(recording.library),
        };
        let sections = sections_of(&subject);
        let copy = ui.button(text("details-copy"));
        if copy.on_hover_text(text("details-copy-hint")).clicked() {
            actions.push(Action::CopyDetails(plain_text(&recording.name(), &sections)));
        }
        ScrollArea::vertical().id_salt(("details", recording_idx)).auto_shrink([false, false]).show(ui, |ui| {
            for section in &sections {
                section_ui(ui, section);
            }
            if !subject.has_job() {
                ui.add_space(UNIT);
                let note = RichText::new(text("details-no-job")).color(theme::palette(ui).weak);
                ui.add(Label::new(note).wrap());
            }
            ui.add_space(2.0 * UNIT);
        });
    }

    /// Looks through a transcript, unless it has done so.
    fn counts(&mut self, version: Version, recording: &Recording) -> Counts {
        match self.counted {
            Some((counted, counts)) if counted == version => counts,
            Some(_) | None => {
                let counts = Counts::of(&recording.transcript);
                self.counted = Some((version, counts));
                counts
            }
        }
    }
}

fn section_ui(ui: &mut Ui, section: &Section) {
    let group = UiBuilder::new()
        .id_salt(&section.title)
        .accessibility_role(Role::Group)
        .accessibility_label(section.title.as_str());
    ui.scope_builder(group, |ui| {
        ui.add_space(UNIT);
        ui.label(RichText::new(&section.title).strong().color(theme::palette(ui).accent));
        ui.spacing_mut().item_spacing.y = UNIT / 2.0;
        for line in &section.lines {
            line_ui(ui, line);
        }
    });
}

/// What it is and what it says are one text, so that both are selected, copied and read out together.
fn line_ui(ui: &mut Ui, line: &Line) {
    let palette = theme::palette(ui);
    let mut job = LayoutJob::default();
    let label = text_with("details-label", &[("label", line.label.as_str().into())]);
    for (part, color) in [(label + " ", palette.weak), (line.value.clone(), palette.text)] {
        let part = RichText::new(part).small().color(color);
        part.append_to(&mut job, ui.style(), FontSelection::Default, Align::Center);
    }
    ui.add(Label::new(job).wrap().selectable(true));
}
