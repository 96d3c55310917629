//! The question before the window closes while something is being done that would be lost or broken off.

use std::mem;

use eframe::egui::{self, Label, Ui, ViewportCommand};

use super::action::{Action, OverlayAction};
use super::ask::dialog_ui;
use super::record_state::Leaving;
use super::state::State;
use super::texts::{text, text_with};
use super::theme::UNIT;

/// Whether the window may close.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Quit {
    /// Nobody wants it to.
    #[default]
    Unasked,
    /// The user wants to close it and is to be asked,
    Asked,
    /// and has the question before them.
    Shown,
    /// It closes, whatever is being done.
    Agreed,
}

impl Quit {
    /// Whether the user is asked, or will be in a moment.
    pub(super) fn is_asking(self) -> bool {
        matches!(self, Self::Asked | Self::Shown)
    }

    /// Looks whether the window is about to be closed, and keeps it open where the user is to be asked first. While a
    /// recording goes on, that is asked about before.
    pub(super) fn watch(&mut self, ctx: &egui::Context, state: &State) {
        let is_closing = ctx.input(|input| input.viewport().close_requested());
        let is_settled = *self == Self::Agreed || state.record.leaving() == Leaving::Asked;
        if !is_closing || is_settled || work_in_flight(state).is_none() {
            return;
        }
        ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        if *self == Self::Unasked {
            *self = Self::Asked;
        }
        // Nobody answers a question that they cannot see.
        ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
        ctx.send_viewport_cmd(ViewportCommand::Focus);
        ctx.request_repaint();
    }

    /// Shows the question, if there is one.
    pub(super) fn ui(&mut self, ui: &Ui, state: &State, actions: &mut Vec<Action>) {
        if !self.is_asking() || state.record.leaving() == Leaving::Asked {
            return;
        }
        let Some(work) = work_in_flight(state) else {
            // It has ended while they were thinking.
            actions.push(Action::Overlay(OverlayAction::Quit));
            return;
        };
        let is_new = mem::replace(self, Self::Shown) == Self::Asked;
        let mut action = None;
        let is_left = dialog_ui(ui, "quit", |ui| {
            ui.heading(text("quit-question"));
            ui.add(Label::new(work).wrap());
            ui.add_space(UNIT);
            ui.horizontal(|ui| {
                if ui.button(text("quit-quit")).clicked() {
                    action = Some(OverlayAction::Quit);
                }
                let keep = ui.button(text("quit-keep"));
                if is_new {
                    // Enter at once must not break anything off.
                    keep.request_focus();
                }
                if keep.clicked() {
                    action = Some(OverlayAction::KeepRunning);
                }
            });
        });
        let action = action.or_else(|| is_left.then_some(OverlayAction::KeepRunning));
        actions.extend(action.map(Action::Overlay));
    }
}

/// What would be broken off or lost, and what becomes of it; `None`: nothing.
fn work_in_flight(state: &State) -> Option<String> {
    let n_jobs = state.recordings().iter().filter(|recording| recording.is_unfinished()).count();
    let n_unkept = state.recordings().iter().filter(|recording| recording.has_unkept_changes()).count();
    let n_downloads = state.cache.n_running_downloads();
    let mut work = Vec::new();
    if n_jobs > 0 {
        work.push(text_with("quit-recordings", &[("n", n_jobs.into())]));
    }
    if n_unkept > 0 {
        work.push(text_with("quit-changes", &[("n", n_unkept.into())]));
    }
    if n_downloads > 0 {
        work.push(text_with("quit-downloads", &[("n", n_downloads.into())]));
    }
    if let Some(working) = state.cache.working() {
        let what = working.what.trim_end_matches(['.', '…']);
        work.push(text_with("quit-unfinished", &[("what", what.into())]));
    }
    (!work.is_empty()).then(|| work.join(" "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::models::{DownloadState, ModelsEvent};
    use crate::engine::{Event, JobId, JobReport};
    use crate::transcript::{Segment, Speaker, Transcript};

    #[test]
    fn only_work_in_flight_is_asked_about() {
        let mut state = State::default();
        assert_eq!(work_in_flight(&state), None);
        state.add_job(JobId(1), "a.wav".into());
        assert!(work_in_flight(&state).is_some_and(|work| work.starts_with("1 recording is not")));
        state.apply(Event::JobDone(JobId(1), Arc::new(Transcript::default()), JobReport::default()));
        assert_eq!(work_in_flight(&state), None);
        for (download, is_work) in [
            (DownloadState::Waiting, true),
            (DownloadState::Preparing, true),
            (DownloadState::Failed("no route".to_owned()), false),
        ] {
            let model = "small".to_owned();
            state.apply(Event::ModelCache(ModelsEvent::Download { model, state: download }));
            assert_eq!(work_in_flight(&state).is_some(), is_work);
        }
    }

    #[test]
    fn changes_that_the_library_does_not_keep_are_asked_about() {
        let (mut state, label) = (State::default(), "SPEAKER_00".to_owned());
        let segment = Segment { text: "One.".to_owned(), speaker: Some(label.clone()), ..Segment::default() };
        let speaker = Speaker { label: label.clone(), ..Speaker::default() };
        let transcript = Transcript { segments: vec![segment], speakers: vec![speaker], ..Transcript::default() };
        let recording_idx = state.add_transcript("talk.srt".into(), Arc::new(transcript));
        assert_eq!(work_in_flight(&state), None);
        state.select(recording_idx);
        state.rename_speaker(recording_idx, label, "Ana");
        assert!(work_in_flight(&state).is_some_and(|work| work.starts_with("1 transcript was changed")));
        state.undo();
        assert_eq!(work_in_flight(&state), None);
    }
}
