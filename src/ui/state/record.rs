//! What recording does to the rest of the window: the page that is shown, the library, messages, and which models are
//! loaded for captions.

use crate::engine::library::LibraryCommand;
use crate::engine::recording::{RecordCommand, RecordEvent};
use crate::ui::action::RecordAction;
use crate::ui::cache_state::Page;
use crate::ui::record_state::Shape;

use super::State;

impl State {
    /// Does what the user wants of recording.
    pub(in crate::ui) fn perform_record(&mut self, action: RecordAction) {
        match action {
            RecordAction::Open => self.show_record(),
            RecordAction::Close => self.cache.close(),
            // Whoever begins by a key sees what is heard.
            RecordAction::Start if self.cache.page() != Page::Record => self.show_record(),
            RecordAction::Start
            | RecordAction::Stop
            | RecordAction::Pause
            | RecordAction::Resume
            | RecordAction::Mark
            | RecordAction::LookForDevices
            | RecordAction::Hear(_)
            | RecordAction::ChooseDevice(..)
            | RecordAction::ChooseCaptions(_)
            | RecordAction::SetShape(_)
            | RecordAction::Quit
            | RecordAction::Stay => {}
        }
        self.record.perform(action, self.cache.chosen());
    }

    /// What the engine is to be asked of recording now.
    pub(in crate::ui) fn record_due(&mut self) -> Option<RecordCommand> {
        if self.shows_record() {
            self.record.prepare(self.cache.chosen());
        }
        self.record.due()
    }

    /// Whether the page for recording fills the window.
    pub(in crate::ui) fn shows_record(&self) -> bool {
        self.cache.page() == Page::Record
    }

    /// Whether the window is small and shows only the recording.
    pub(in crate::ui) fn is_compact(&self) -> bool {
        self.record.shape() == Shape::Compact
    }

    /// Takes in what the engine tells of recording.
    pub(super) fn take_record_event(&mut self, event: RecordEvent) {
        if let Some(told) = self.record.apply(event) {
            self.tell(told);
        }
        let unlisted = self.record.take_unlisted();
        if !unlisted.is_empty() {
            self.library.tell(LibraryCommand::Add(unlisted));
        }
    }

    fn show_record(&mut self) {
        self.cache.show_record();
        self.results.close();
        self.library.stop_opening();
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::engine::Event;
    use crate::engine::recording::RecordedFile;
    use crate::units::Seconds;

    #[test]
    fn what_was_recorded_is_listed_and_waits_to_be_transcribed() {
        let mut state = State::default();
        state.perform_record(RecordAction::Start);
        assert!(state.shows_record(), "whoever begins by a key sees what is heard");
        let path = PathBuf::from("/in/meeting.wav");
        let (duration, overrun) = (Seconds(3.0), Seconds(0.0));
        let file = RecordedFile { path: path.clone(), duration, overrun, problem: None };
        state.apply(Event::Recording(RecordEvent::Finished(file)));
        let is_added =
            |command: &LibraryCommand| matches!(command, LibraryCommand::Add(paths) if *paths == [path.clone()]);
        let mut commands = std::iter::from_fn(|| state.library_due());
        assert!(commands.any(|command| is_added(&command)));
        assert_eq!(state.record.take_recorded(), [path]);
        assert_eq!(state.notice(), "Recorded 0:03");
    }

    #[test]
    fn models_are_asked_for_while_the_page_is_open() {
        let mut state = State::default();
        assert_eq!(state.record_due(), None);
        state.perform_record(RecordAction::Open);
        assert!(matches!(state.record_due(), Some(RecordCommand::Prepare(_))));
        assert_eq!(state.record_due(), None, "once");
        state.perform_record(RecordAction::Close);
        state.perform_record(RecordAction::Open);
        assert!(matches!(state.record_due(), Some(RecordCommand::Prepare(_))), "they may have been unloaded");
    }
}
