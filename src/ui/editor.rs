//! The centre of the window: a recording's name and what is known of it, its timeline, its transcript, and the player;
//! and what one does with them. Each of them draws itself; here they meet.

use eframe::egui::{
    Align, Button, Frame, Key, KeyboardShortcut, Label, Layout, Margin, Modifiers, Panel, Popup, RichText, Ui,
};

use crate::transcript::Transcript;
use crate::transcript::playing::word_at;
use crate::units::Seconds;

use super::action::{Action, LibraryAction};
use super::find_bar::{self, FIND_KEYS, find_bar_ui, open_find_bar, take_find_keys};
use super::finder::{FindBar, Finder};
use super::library_words::Sought;
use super::playback_state::Readiness;
use super::player_bar::{player_bar_ui, take_play_keys};
use super::recording::Recording;
use super::review_state::{Direction, Marking, Review, Version};
use super::row_menu::{Chosen, take_choice_keys, take_row_keys, words_text};
use super::state::State;
use super::texts::{text, text_with};
use super::theme::{self, UNIT};
use super::timeline::{self, Scene, TIMELINE_HEIGHT, Timeline};
use super::transcript::{Reading, TranscriptView, transcript_ui};

/// Goes to the doubt before or to the next one.
pub(super) const DOUBT_KEYS: [(KeyboardShortcut, Direction); 2] = [
    (KeyboardShortcut::new(Modifiers::SHIFT, Key::F8), Direction::Back),
    (KeyboardShortcut::new(Modifiers::NONE, Key::F8), Direction::Forward),
];
/// Of the line above the entries of a menu.
const SUMMARY_MARGIN: i8 = 12;
/// A lower window has no room for a timeline.
const MIN_HEIGHT_FOR_TIMELINE: f32 = 45.0 * UNIT;

/// What the centre keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Editor {
    views: Vec<TranscriptView>,
    finder: Finder,
    review: Review,
    timeline: Timeline,
    /// The recording that was shown last.
    shown_idx: Option<usize>,
    /// What to do as soon as the transcript has changed.
    next_wish: Option<find_bar::Wish>,
}

impl Editor {
    /// Shows the recording that is selected.
    pub(super) fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let Some((recording_idx, recording)) = state.selected() else { return };
        if self.shown_idx != Some(recording_idx) {
            self.leave(state, actions);
            self.shown_idx = Some(recording_idx);
        }
        let version = Version::of(recording_idx, recording);
        self.review.refresh(version, &recording.transcript);
        self.finder.refresh(version, &recording.transcript);
        let next_wish = self.next_wish.take();
        self.grant(next_wish, recording, recording_idx, version, actions);
        self.take_keys(ui, state, recording, recording_idx, actions);
        let playback = &state.playback;
        if *playback.readiness() != Readiness::Nothing {
            let frame = Frame::new().inner_margin(Margin { left: 0, right: 8, top: 8, bottom: 8 });
            Panel::bottom("player").frame(frame).show(ui, |ui| player_bar_ui(ui, playback, actions));
        }
        self.header_ui(ui, recording, recording_idx, actions);
        let scene = Scene { recording, recording_idx, playback, finder: &self.finder, review: &self.review };
        let has_room = ui.available_height() >= MIN_HEIGHT_FOR_TIMELINE + TIMELINE_HEIGHT;
        if has_room && timeline::is_shown(playback) {
            self.timeline.ui(ui, &scene, actions);
        }
        if self.finder.bar != FindBar::Hidden {
            let wish = ui.scope(|ui| find_bar_ui(ui, &mut self.finder, recording, recording_idx, actions)).inner;
            if wish.is_some() {
                ui.ctx().request_repaint();
            }
            self.grant(wish, recording, recording_idx, version, actions);
            // What was typed or closed is shown at once.
            self.finder.refresh(version, &recording.transcript);
        }
        let can_be_heard = *playback.readiness() == Readiness::Ready;
        let heard = can_be_heard.then(|| word_at(&recording.transcript, playback.position())).flatten();
        // At the very beginning nobody has listened yet.
        let heard = heard.filter(|_| playback.is_playing() || playback.position() > Seconds(0.0));
        let is_playing = playback.is_playing();
        let (finder, review) = (&self.finder, &self.review);
        let reading = Reading { recording, recording_idx, finder, review, heard, is_playing };
        transcript_ui(ui, &reading, view_of(&mut self.views, recording_idx), actions);
    }

    /// Takes what was being typed, because something else is shown.
    pub(super) fn leave(&mut self, state: &State, actions: &mut Vec<Action>) {
        let Some(shown_idx) = self.shown_idx.take() else { return };
        if let Some((recording, view)) = state.recordings().get(shown_idx).zip(self.views.get_mut(shown_idx)) {
            view.leave_field(recording, shown_idx, actions);
        }
    }

    /// Scrolls to a passage that was looked for in the library.
    pub(super) fn show_passage(&mut self, recording_idx: usize, transcript: &Transcript, sought: &Sought) {
        view_of(&mut self.views, recording_idx).show_passage(transcript, sought);
    }

    /// When that is said which stands at the upper edge of a recording's transcript.
    pub(super) fn read_at(&self, recording_idx: usize) -> Option<Seconds> {
        self.views.get(recording_idx).and_then(TranscriptView::read_at)
    }

    /// Shows first what is said then, before anything of the transcript has been shown.
    pub(super) fn begin_at(&mut self, recording_idx: usize, start: Seconds) {
        view_of(&mut self.views, recording_idx).begin_at(start);
    }

    /// Scrolls to where a speaker takes the word next, and returns when that is.
    pub(super) fn show_next_turn(
        &mut self,
        recording_idx: usize,
        transcript: &Transcript,
        label: &str,
    ) -> Option<Seconds> {
        self.views.get_mut(recording_idx)?.show_next_turn(transcript, label)
    }

    fn take_keys(
        &mut self,
        ui: &Ui,
        state: &State,
        recording: &Recording,
        recording_idx: usize,
        actions: &mut Vec<Action>,
    ) {
        let version = Version::of(recording_idx, recording);
        let was_hidden = self.finder.bar == FindBar::Hidden;
        let wish = take_find_keys(ui, &mut self.finder);
        if was_hidden && self.finder.bar != FindBar::Hidden {
            let (segment_idx, _) = view_of(&mut self.views, recording_idx).place(&recording.transcript);
            self.finder.begin_at(segment_idx);
            self.finder.refresh(version, &recording.transcript);
        }
        self.grant(wish, recording, recording_idx, version, actions);
        for (keys, direction) in DOUBT_KEYS {
            if ui.input_mut(|input| input.consume_shortcut(&keys)) {
                self.go_to_doubt(direction, recording, recording_idx, actions);
            }
        }
        take_play_keys(ui, &state.playback, actions);
        if ui.ctx().text_edit_focused() || Popup::is_any_open(ui.ctx()) {
            return;
        }
        let view = view_of(&mut self.views, recording_idx);
        let transcript = &recording.transcript;
        let at_edge = || {
            let (segment_idx, word_idx) = view.place(transcript);
            Chosen { segment_idx, words: word_idx..word_idx + 1 }
        };
        let from = view.chosen(transcript).cloned().unwrap_or_else(at_edge);
        if let Some(chosen) = take_choice_keys(ui, transcript, &from, actions) {
            view.choose(chosen);
        }
        if let Some(chosen) = view.chosen(transcript).cloned()
            && take_row_keys(ui, recording, recording_idx, &chosen, actions).is_some()
        {
            view.edit_chosen(recording);
        }
    }

    /// Does what the bar for finding asks for.
    fn grant(
        &mut self,
        wish: Option<find_bar::Wish>,
        recording: &Recording,
        recording_idx: usize,
        version: Version,
        actions: &mut Vec<Action>,
    ) {
        let Some(wish) = wish else { return };
        self.finder.refresh(version, &recording.transcript);
        match wish {
            find_bar::Wish::ShowCurrent => {}
            find_bar::Wish::Step(direction) => {
                self.finder.step(direction);
            }
            find_bar::Wish::ReplaceOne => {
                let change = self.finder.replace_one(&recording.transcript);
                actions.extend(change.map(|change| Action::Edit { recording_idx, change }));
                self.next_wish = Some(find_bar::Wish::ShowCurrent);
                return;
            }
        }
        if let Some(found) = self.finder.current() {
            // Between two words, there is none to choose.
            let words = found.words.start..found.words.end.max(found.words.start + 1);
            let chosen = Chosen { segment_idx: found.segment_idx, words };
            view_of(&mut self.views, recording_idx).choose(chosen);
        }
    }

    fn go_to_doubt(
        &mut self,
        direction: Direction,
        recording: &Recording,
        recording_idx: usize,
        actions: &mut Vec<Action>,
    ) {
        let view = view_of(&mut self.views, recording_idx);
        let transcript = &recording.transcript;
        let Some(doubt) = self.review.doubt_from(view.place(transcript), direction) else {
            return actions.push(Action::Tell(text("review-no-doubt")));
        };
        self.review.set_marking(Marking::Shown);
        let segment = &transcript.segments[doubt.segment_idx];
        let chosen = Chosen { segment_idx: doubt.segment_idx, words: doubt.word_idx..doubt.word_idx + 1 };
        let words = words_text(segment, &chosen, &transcript.language);
        let told = text_with(
            "review-doubt",
            &[
                ("words", words.into()),
                ("time", segment.span.start.to_string().into()),
                ("percent", format!("{:.0}", doubt.score * 100.0).into()),
            ],
        );
        actions.push(Action::Tell(told));
        view.choose(chosen);
    }

    fn header_ui(&mut self, ui: &mut Ui, recording: &Recording, recording_idx: usize, actions: &mut Vec<Action>) {
        let has_text = !recording.transcript.is_empty();
        ui.horizontal_top(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                // Room beside the scroll bar, as below.
                ui.add_space(UNIT);
                if has_text {
                    self.review_menu_ui(ui, recording, recording_idx, actions);
                    let keys = ui.ctx().format_shortcut(&FIND_KEYS);
                    let hint = text_with("find-button-hint", &[("keys", keys.into())]);
                    if ui.button(text("find-button")).on_hover_text(hint).clicked() {
                        let (segment_idx, _) = view_of(&mut self.views, recording_idx).place(&recording.transcript);
                        self.finder.begin_at(segment_idx);
                        open_find_bar(ui, &mut self.finder, FindBar::Find);
                    }
                }
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.y = 4.0;
                    let name = RichText::new(recording.name()).heading();
                    ui.add(Label::new(name).truncate().show_tooltip_when_elided(false))
                        .on_hover_text(recording.path.display().to_string());
                    let facts = RichText::new(recording.facts()).small().color(theme::palette(ui).weak);
                    ui.add(Label::new(facts).truncate());
                });
            });
        });
    }

    fn review_menu_ui(&mut self, ui: &mut Ui, recording: &Recording, recording_idx: usize, actions: &mut Vec<Action>) {
        let n_doubts = self.review.n_doubts();
        let button = ui.button(text("review-button")).on_hover_text(text("review-button-hint"));
        let mut direction = None;
        let is_marked = self.review.marking() == Marking::Shown;
        Popup::menu(&button).style(theme::menu_style).gap(4.0).show(|ui| {
            let n_gaps = self.review.gaps().len();
            let summary = text_with("review-summary", &[("doubts", n_doubts.into()), ("gaps", n_gaps.into())]);
            // As far from the edge as the words of the entries.
            let frame = Frame::new().inner_margin(Margin::symmetric(SUMMARY_MARGIN, 4));
            frame.show(ui, |ui| ui.label(RichText::new(summary).small()));
            let [(back, _), (next, _)] = DOUBT_KEYS;
            for (id, keys, way) in
                [("review-next-doubt", next, Direction::Forward), ("review-previous-doubt", back, Direction::Back)]
            {
                let name = text(id);
                let entry =
                    Button::new(&name).frame_when_inactive(false).shortcut_text(ui.ctx().format_shortcut(&keys));
                if ui.add_enabled(n_doubts > 0, entry).accessible_name(name).clicked() {
                    direction = Some(way);
                    ui.close();
                }
            }
            for (id, is_possible, action) in [
                ("review-undo", recording.can_undo(), Action::Undo),
                ("review-redo", recording.can_redo(), Action::Redo),
            ] {
                if ui.add_enabled(is_possible, Button::new(text(id)).frame_when_inactive(false)).clicked() {
                    actions.push(action);
                    ui.close();
                }
            }
            let versions = Button::new(text("versions-open")).frame_when_inactive(false);
            let versions = ui.add_enabled(recording.library.is_some(), versions);
            if let Some(id) = recording.library
                && versions.on_hover_text(text("versions-open-hint")).clicked()
            {
                actions.push(Action::Library(LibraryAction::ShowVersions(id)));
                ui.close();
            }
            if ui.add(Button::selectable(is_marked, text("review-mark"))).clicked() {
                self.review.set_marking(if is_marked { Marking::Hidden } else { Marking::Shown });
                ui.close();
            }
        });
        if let Some(direction) = direction {
            self.go_to_doubt(direction, recording, recording_idx, actions);
        }
    }
}

/// The view of a recording, made when it is first shown.
fn view_of(views: &mut Vec<TranscriptView>, recording_idx: usize) -> &mut TranscriptView {
    if views.len() <= recording_idx {
        views.resize_with(recording_idx + 1, TranscriptView::default);
    }
    &mut views[recording_idx]
}
