//! What the window does for each wish of the user: most of them change the state, the others ask the engine, a dialog or
//! the clipboard.

use eframe::egui;

use crate::engine::Command;
use crate::engine::models::ModelCommand;
use crate::ui::action::{Action, CacheAction, LibraryAction, Purpose, RecordAction, SpeakerId};
use crate::ui::cache_state::{Tab, Wish, export_name};
use crate::ui::dialogs::Question;
use crate::ui::path_bar::PathBar;
use crate::ui::quit::Quit;
use crate::ui::setting_fields::SettingChange;
use crate::ui::state::LibraryWish;
use crate::ui::texts::{text, text_with};

use super::App;

impl App {
    /// Does what the user wants.
    pub(super) fn perform(&mut self, action: Action, ctx: &egui::Context) {
        match action {
            Action::TryDemo => {
                let demo = self.demo.as_ref().map(|demo| demo.path.clone());
                self.open(demo.into_iter().collect());
            }
            Action::AskForRecordings => self.ask(Purpose::Open, Question::Open, ctx),
            Action::AskForPath => self.path_bar = Some(PathBar::new(Purpose::Open, String::new(), None)),
            Action::Open(paths) => self.open(paths),
            Action::AcceptPath(path) => match self.path_bar.take().map(PathBar::into_purpose) {
                Some(Purpose::Open) => self.open(vec![path]),
                Some(Purpose::Export { recording_idx, format }) => self.write(recording_idx, format, path),
                Some(Purpose::Watch(new_files)) => self.watch(vec![path], new_files),
                Some(Purpose::ImportModels) => self.import(vec![path]),
                Some(Purpose::ExportModels(keys)) => self.tell(ModelCommand::Export { keys, path }),
                Some(Purpose::CacheFolder) => self.take_cache_folder(vec![path]),
                None => {}
            },
            Action::ClosePathBar => self.path_bar = None,
            Action::Select(recording_idx) => self.state.select(recording_idx),
            Action::Cancel(job) => {
                if let Some(engine) = &self.engine {
                    engine.cancel(job);
                }
                self.state.stop(job);
            }
            Action::DoNext(job) => {
                if let Some(engine) = &self.engine {
                    engine.prefer(job);
                    self.state.prefer(job);
                }
            }
            Action::Retry(recording_idx) => self.retry(recording_idx),
            Action::Export(format) => self.export(format, ctx),
            Action::CopyTranscript => self.copy_transcript(ctx),
            Action::CopyMessage(message) => {
                ctx.copy_text(message);
                self.state.set_notice(text("app-message-copied"));
            }
            Action::Dismiss(id) => self.state.dismiss(id),
            Action::SetTheme(theme) => self.change(&SettingChange::Theme(theme), ctx),
            Action::ChooseLibraryPanel(choice) => self.state.choose_library_panel(choice),
            Action::ChooseSidePanel(choice) => self.state.choose_side_panel(choice),
            Action::ShowTab(tab) => self.state.show_tab(tab),
            Action::CopyDetails(details) => {
                ctx.copy_text(details);
                self.state.set_notice(text("details-copied"));
            }
            Action::SetSpeakerCount(n_speakers) => self.state.set_n_speakers(n_speakers),
            Action::RenameSpeaker { speaker: SpeakerId { recording_idx, label }, name } => {
                self.state.rename_speaker(recording_idx, label, &name);
            }
            Action::MergeSpeakers { from: SpeakerId { recording_idx, label }, into } => {
                self.state.merge_speakers(recording_idx, label, into);
            }
            Action::Undo => self.state.undo(),
            Action::Redo => self.state.redo(),
            Action::LearnVoice(SpeakerId { recording_idx, label }) => {
                if self.engine.is_some()
                    && let Some(command) = self.state.learn_voice(recording_idx, &label)
                {
                    self.send(Command::Voices(command));
                }
            }
            Action::TakeBackVoice(SpeakerId { recording_idx, label }) => {
                if self.engine.is_some()
                    && let Some(command) = self.state.take_back_voice(recording_idx, &label)
                {
                    self.send(Command::Voices(command));
                }
            }
            Action::ShowNextTurn(speaker) => self.show_next_turn(&speaker),
            Action::Edit { recording_idx, change } => self.state.change_transcript(recording_idx, change),
            Action::Tell(notice) => self.state.set_notice(notice),
            Action::Play(action) => self.state.perform_play(action),
            Action::Library(action) => self.perform_library(action, ctx),
            Action::Models(action) => self.perform_models(action, ctx),
            Action::Results(action) => self.state.results.perform(action),
            Action::Record(RecordAction::Start) if self.engine_or_error().is_none() => {}
            Action::Record(action) => {
                if action == RecordAction::Stay {
                    // What was said before about jobs that go on does not count any more.
                    self.desk.overlays.quit = Quit::Unasked;
                }
                self.state.perform_record(action);
            }
            Action::Overlay(action) => self.perform_overlay(action, ctx),
        }
    }

    fn perform_library(&mut self, action: LibraryAction, ctx: &egui::Context) {
        match self.state.perform_library(action) {
            Some(LibraryWish::Transcribe(path)) => self.open(vec![path]),
            Some(LibraryWish::Copy(path)) => {
                ctx.copy_text(path);
                self.state.set_notice(text("app-path-copied"));
            }
            Some(LibraryWish::AskForFolders(new_files)) => {
                self.ask(Purpose::Watch(new_files), Question::OpenFolders, ctx);
            }
            None => {}
        }
    }

    fn perform_models(&mut self, action: CacheAction, ctx: &egui::Context) {
        if action == CacheAction::Open(Tab::Results) {
            self.state.results.want_survey();
        } else {
            self.state.results.close();
        }
        match self.state.cache.perform(action) {
            Some(Wish::Tell(command)) => self.tell(command),
            Some(Wish::RememberChoice) => {
                self.settings.models.chosen = Some(self.state.cache.chosen().to_owned());
                self.send(Command::SaveSettings(Box::new(self.settings.clone())));
            }
            Some(Wish::AskWhereTo(keys)) => {
                let file_name = export_name(&keys);
                self.ask(Purpose::ExportModels(keys), Question::SaveModels { file_name }, ctx);
            }
            Some(Wish::AskForFiles) => self.ask(Purpose::ImportModels, Question::OpenModelFiles, ctx),
            Some(Wish::AskForFolders) => self.ask(Purpose::ImportModels, Question::OpenModelFolders, ctx),
            None => {}
        }
    }

    /// Transcribes a recording once more whose job ended without a transcript.
    fn retry(&mut self, recording_idx: usize) {
        let Some(recording) = self.state.recordings().get(recording_idx).filter(|recording| recording.can_retry())
        else {
            return;
        };
        let request = self.request(&recording.path);
        if let Some(engine) = self.engine_or_error() {
            let job = engine.transcribe(request);
            self.state.requeue(recording_idx, job);
            self.state.select(recording_idx);
        }
    }

    fn show_next_turn(&mut self, speaker: &SpeakerId) {
        let SpeakerId { recording_idx, label } = speaker;
        let Some(recording) = self.state.recordings().get(*recording_idx) else { return };
        if let Some(start) = self.editor.show_next_turn(*recording_idx, &recording.transcript, label) {
            let name = recording.transcript.name_of(label);
            let notice = text_with("app-turn", &[("name", name.into()), ("time", start.to_string().into())]);
            self.state.set_notice(notice);
        }
    }
}
