//! Where the window is and what it shows, so that the next one opens like it: size and place, panels, and the meeting
//! that was read. The engine writes it down.

use eframe::egui::{self, ViewportBuilder, vec2};

use crate::engine::library::RecordingId;
use crate::settings::{OpenMeeting, WindowState};
use crate::units::Seconds;

use super::MIN_WINDOW_SIZE;
use super::state::{PanelChoice, State};

/// Size of the first window.
const USUAL_SIZE: [f32; 2] = [1280.0, 800.0];
/// Larger than any screen.
const MAX_SIDE: f32 = 20_000.0;

/// How the window is, and what was kept of that.
#[derive(Debug, Default)]
pub(super) struct WindowPlace {
    now: WindowState,
    kept: WindowState,
    /// What is to be shown as soon as the library has told it.
    resumed: Option<OpenMeeting>,
}

/// Gives a new window the place and size of the one before.
pub(super) fn placed(viewport: ViewportBuilder, left: &WindowState) -> ViewportBuilder {
    let is_usable = |&(width, height): &(f32, f32)| {
        (MIN_WINDOW_SIZE[0]..=MAX_SIDE).contains(&width) && (MIN_WINDOW_SIZE[1]..=MAX_SIDE).contains(&height)
    };
    let size = left.size.filter(is_usable).map_or(USUAL_SIZE, |(width, height)| [width, height]);
    let viewport =
        viewport.with_inner_size(size).with_min_inner_size(MIN_WINDOW_SIZE).with_maximized(left.is_maximized);
    let is_on_screen = |&(x, y): &(f32, f32)| (0.0..=MAX_SIDE).contains(&x) && (0.0..=MAX_SIDE).contains(&y);
    match left.position.filter(is_on_screen) {
        Some((x, y)) => viewport.with_position([x, y]),
        None => viewport,
    }
}

impl WindowPlace {
    /// The place of a window that opens as another one was left.
    pub(super) fn new(left: WindowState) -> Self {
        Self { now: left.clone(), resumed: left.meeting, kept: left }
    }

    /// Shows the panels that were shown, and the meeting that was read if `meeting` says so.
    pub(super) fn restore(&mut self, state: &mut State, meeting: Meeting) {
        state.choose_library_panel(choice_of(self.kept.shows_library));
        state.choose_side_panel(choice_of(self.kept.shows_speakers));
        state.side.choose_tab(self.kept.side_tab);
        match (meeting, self.resumed) {
            (Meeting::AsBefore, Some(meeting)) => state.library.open(RecordingId(meeting.recording), None),
            (Meeting::Another, _) | (Meeting::AsBefore, None) => self.resumed = None,
        }
    }

    /// The recording that was read before, with what to show of it, once it is there. Nothing, if the user looks at
    /// something else by now.
    pub(super) fn take_resumed(&mut self, state: &State) -> Option<(usize, Seconds)> {
        let (recording_idx, recording) = state.selected()?;
        let meeting = self.resumed.take()?;
        let is_it = recording.library == Some(RecordingId(meeting.recording));
        is_it.then_some((recording_idx, Seconds(meeting.at_secs)))
    }

    /// Looks where the window is.
    pub(super) fn look(&mut self, ctx: &egui::Context) {
        // Sizes are told in the points of the content, which zooming makes larger than those of the desktop.
        let zoom = ctx.zoom_factor();
        let content = ctx.content_rect().size();
        ctx.input(|input| {
            let viewport = input.viewport();
            if viewport.minimized == Some(true) {
                return;
            }
            self.now.is_maximized = viewport.maximized == Some(true);
            if self.now.is_maximized || viewport.fullscreen == Some(true) {
                return;
            }
            let size = viewport.inner_rect.map_or(content, |inner| inner.size()) * zoom;
            self.now.size = Some((size.x.round(), size.y.round()));
            let screen = viewport.monitor_size.unwrap_or(vec2(0.0, 0.0));
            let corner = viewport.outer_rect.map(|outer| outer.min);
            let on_first = corner.filter(|at| (0.0..screen.x).contains(&at.x) && (0.0..screen.y).contains(&at.y));
            self.now.position = on_first.map(|at| ((at.x * zoom).round(), (at.y * zoom).round()));
        });
    }

    /// Looks what is shown. `read_at` is when that was said which stands at the upper edge.
    pub(super) fn note(&mut self, state: &State, read_at: Option<Seconds>) {
        let (library, side) = state.panel_choices();
        (self.now.shows_library, self.now.shows_speakers) = (as_kept(library), as_kept(side));
        self.now.side_tab = state.side.tab();
        let shown = state.selected().and_then(|(_, recording)| recording.library);
        let at_secs = read_at.map_or(0.0, |at| at.0);
        self.now.meeting = self.resumed.or(shown.map(|id| OpenMeeting { recording: id.0, at_secs }));
    }

    /// What is to be kept when another meeting or other panels are shown.
    pub(super) fn due(&mut self) -> Option<WindowState> {
        let shown = |window: &WindowState| {
            let meeting = window.meeting.map(|meeting| meeting.recording);
            (window.shows_library, window.shows_speakers, window.side_tab, meeting)
        };
        if shown(&self.now) == shown(&self.kept) { None } else { self.due_at_end() }
    }

    /// What is to be kept when the window closes.
    pub(super) fn due_at_end(&mut self) -> Option<WindowState> {
        if self.now == self.kept {
            return None;
        }
        self.kept.clone_from(&self.now);
        Some(self.kept.clone())
    }
}

/// Whether the meeting that was read before is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meeting {
    /// It is.
    AsBefore,
    /// The window was opened with another one.
    Another,
}

fn choice_of(is_shown: Option<bool>) -> PanelChoice {
    match is_shown {
        None => PanelChoice::Automatic,
        Some(true) => PanelChoice::Shown,
        Some(false) => PanelChoice::Hidden,
    }
}

fn as_kept(choice: PanelChoice) -> Option<bool> {
    match choice {
        PanelChoice::Automatic => None,
        PanelChoice::Shown => Some(true),
        PanelChoice::Hidden => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SideTab;

    #[test]
    fn a_window_gets_the_place_of_the_one_before_if_that_can_be() {
        for (size, position, expected_size, expected_position) in [
            (None, None, USUAL_SIZE, None),
            (Some((900.0, 700.0)), Some((40.0, 0.0)), [900.0, 700.0], Some([40.0, 0.0])),
            (Some((10.0, 700.0)), Some((-3000.0, 0.0)), USUAL_SIZE, None),
            (Some((f32::NAN, 700.0)), Some((f32::INFINITY, 0.0)), USUAL_SIZE, None),
        ] {
            let left = WindowState { size, position, ..WindowState::default() };
            let viewport = placed(ViewportBuilder::default(), &left);
            assert_eq!(viewport.inner_size, Some(expected_size.into()));
            assert_eq!(viewport.position, expected_position.map(Into::into));
        }
    }

    #[test]
    fn what_is_shown_is_kept_at_once_and_the_rest_at_the_end() {
        let mut place = WindowPlace::new(WindowState::default());
        let mut state = State::default();
        place.note(&state, None);
        place.now.size = Some((900.0, 700.0));
        assert_eq!(place.due(), None, "sizes change all the time");
        state.choose_library_panel(PanelChoice::Hidden);
        state.side.choose_tab(SideTab::Details);
        place.note(&state, None);
        assert_eq!(place.due().map(|window| window.shows_library), Some(Some(false)));
        assert_eq!((place.due(), place.due_at_end()), (None, None), "nothing has changed since");
        place.now.size = Some((800.0, 700.0));
        assert_eq!(place.due_at_end().and_then(|window| window.size), Some((800.0, 700.0)));

        let mut other = State::default();
        WindowPlace::new(place.kept).restore(&mut other, Meeting::AsBefore);
        assert_eq!(other.panel_choices(), (PanelChoice::Hidden, PanelChoice::Automatic));
        assert_eq!(other.side.tab(), SideTab::Details);
    }
}
