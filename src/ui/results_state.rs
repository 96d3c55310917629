//! What the window knows of stored results: what there is, what is chosen, what was asked. The engine is asked for a
//! survey when the table opens and after every change. No egui in here.

use std::collections::VecDeque;

use crate::engine::results::{ClearResults, Layer, LayerSurvey, ResultsCommand, ResultsEvent, ResultsSurvey};

use super::action::ResultsAction;
use super::cache_state::Told;
use super::texts::text;

/// All that the window shows of stored results.
#[derive(Debug, Default)]
pub(super) struct ResultsState {
    survey: Option<Box<ResultsSurvey>>,
    /// Why there is none, if that is known.
    failure: Option<String>,
    selected: Option<Layer>,
    asked_to_clear: Option<Clearing>,
    /// To be sent, in order.
    wishes: VecDeque<ResultsCommand>,
    /// Sent and not answered yet, in order.
    asked: VecDeque<ResultsCommand>,
}

/// What is removed if the user says yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Clearing {
    /// The results of a layer.
    Layer(Layer),
    /// All of them.
    All,
    /// What is too old, and what is too much.
    TooMuch,
}

/// What is shown.
impl ResultsState {
    /// What is stored; `None` before the engine has told.
    pub(super) fn survey(&self) -> Option<&ResultsSurvey> {
        self.survey.as_deref()
    }

    /// Why nothing can be told.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// The chosen row of the table.
    pub(super) fn selected(&self) -> Option<&LayerSurvey> {
        let selected = self.selected.as_ref()?;
        self.survey()?.layers.iter().find(|row| row.layer == *selected)
    }

    /// What is to be removed if the user says yes.
    pub(super) fn asked_to_clear(&self) -> Option<&Clearing> {
        self.asked_to_clear.as_ref()
    }

    /// What the engine does with stored results, in words.
    pub(super) fn working(&self) -> Option<String> {
        self.asked.iter().find_map(|command| match command {
            ResultsCommand::Survey => None,
            ResultsCommand::Clear(_) => Some(text("results-clearing")),
            ResultsCommand::CleanUp => Some(text("results-cleaning-up")),
            ResultsCommand::Verify => Some(text("results-verifying")),
        })
    }
}

/// What happens.
impl ResultsState {
    /// Does what the user wants.
    pub(super) fn perform(&mut self, action: ResultsAction) {
        match action {
            ResultsAction::Select(layer) => self.selected = Some(layer),
            ResultsAction::AskToClear(clearing) => self.asked_to_clear = Some(clearing),
            ResultsAction::KeepAll => self.asked_to_clear = None,
            ResultsAction::Clear => {
                let command = self.asked_to_clear.take().map(|clearing| match clearing {
                    Clearing::Layer(layer) => {
                        ResultsCommand::Clear(ClearResults { layers: vec![layer], older_than_days: None })
                    }
                    Clearing::All => ResultsCommand::Clear(ClearResults::default()),
                    Clearing::TooMuch => ResultsCommand::CleanUp,
                });
                self.wishes.extend(command);
            }
            ResultsAction::Verify => self.wishes.push_back(ResultsCommand::Verify),
        }
    }

    /// Notes that a survey would tell something new.
    pub(super) fn want_survey(&mut self) {
        if !self.wishes.contains(&ResultsCommand::Survey) {
            self.wishes.push_back(ResultsCommand::Survey);
        }
    }

    /// Closes the question before something is removed.
    pub(super) fn close(&mut self) {
        self.asked_to_clear = None;
    }

    /// What the engine is to be asked now.
    pub(super) fn due(&mut self) -> Option<ResultsCommand> {
        let command = self.wishes.pop_front()?;
        self.asked.push_back(command.clone());
        Some(command)
    }

    /// No answer will come any more.
    pub(super) fn give_up(&mut self) {
        self.wishes.clear();
        self.asked.clear();
    }

    /// Takes in what the engine tells, and returns what the user should read.
    pub(super) fn apply(&mut self, event: ResultsEvent) -> Option<Told> {
        match event {
            ResultsEvent::Surveyed(survey) => {
                self.asked.pop_front();
                (self.survey, self.failure) = (Some(survey), None);
                None
            }
            ResultsEvent::Done(notice) => {
                self.asked.pop_front();
                self.want_survey();
                Some(Told::Notice(notice))
            }
            ResultsEvent::Failed(reason) => {
                match self.asked.pop_front() {
                    // It stands in the place of the table.
                    Some(ResultsCommand::Survey) => {
                        self.failure = Some(reason);
                        return None;
                    }
                    Some(ResultsCommand::Clear(_) | ResultsCommand::CleanUp | ResultsCommand::Verify) => {
                        self.want_survey();
                    }
                    None => {}
                }
                Some(Told::Error(reason))
            }
            ResultsEvent::Warning(text) => Some(Told::Warning(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_removed_before_it_was_asked() {
        let clear = |layers: Vec<Layer>| ResultsCommand::Clear(ClearResults { layers, older_than_days: None });
        for (clearing, expected) in [
            (Clearing::Layer(Layer::Asr), clear(vec![Layer::Asr])),
            (Clearing::All, clear(Vec::new())),
            (Clearing::TooMuch, ResultsCommand::CleanUp),
        ] {
            let mut results = ResultsState::default();
            results.perform(ResultsAction::AskToClear(clearing.clone()));
            results.perform(ResultsAction::KeepAll);
            results.perform(ResultsAction::Clear);
            assert_eq!(results.due(), None);
            results.perform(ResultsAction::AskToClear(clearing));
            results.perform(ResultsAction::Clear);
            assert_eq!((results.due(), results.asked_to_clear()), (Some(expected), None));
            assert!(results.working().is_some());
            let told = results.apply(ResultsEvent::Done("gone".to_owned()));
            assert_eq!((told, results.working()), (Some(Told::Notice("gone".to_owned())), None));
            assert_eq!(results.due(), Some(ResultsCommand::Survey), "the table is another one");
        }
    }

    #[test]
    fn a_survey_that_fails_is_told_in_the_place_of_the_table() {
        let mut results = ResultsState::default();
        results.want_survey();
        results.want_survey();
        assert_eq!((results.due(), results.due()), (Some(ResultsCommand::Survey), None));
        assert_eq!(results.apply(ResultsEvent::Failed("read-only".to_owned())), None);
        assert_eq!((results.failure(), results.survey()), (Some("read-only"), None));
        results.want_survey();
        results.due();
        assert_eq!(results.apply(ResultsEvent::Surveyed(Box::default())), None);
        assert_eq!((results.failure(), results.survey().is_some()), (None, true));
        results.perform(ResultsAction::Verify);
        results.due();
        assert_eq!(results.apply(ResultsEvent::Failed("gone".to_owned())), Some(Told::Error("gone".to_owned())));
    }
}
