//! The window as a person with a screen reader meets it: everything is found and used by its accessible name. The
//! engine and the demo models are real; only the desktop's file dialogs answer by script.

mod details;
mod editor;
mod library;
mod record;
mod settings;
mod snapshots;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use eframe::egui::{self, DroppedFile, HoveredFile, Key, Modifiers, Role, accesskit::Toggled};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use hansard::engine::{Engine, JobRequest, Wake};
use hansard::export::Format;
use hansard::paths::AppPaths;
use hansard::settings::{Settings, Theme, WindowState};
use hansard::transcript::{Recognition, Segment, Speaker, Transcript, Turn, Verdict, Word};
use hansard::ui::{Answer, App, Dialogs, Open, Question, Setup};
use hansard::units::{Seconds, TimeSpan};
use tempfile::TempDir;

const DEMO_NAME: &str = "demo_1min_2spk.flac";
/// Said in the first seconds of the demo meeting.
const SAID: &str = "Good morning, everyone";
/// The demo takes seconds in a release build; a debug build on a busy machine is allowed this.
const PATIENCE: Duration = Duration::from_mins(2);
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

#[test]
fn the_demo_is_transcribed_and_exported() {
    let mut window = Window::open(Open::default(), vec![]);
    let target = window.folder.path().join("minutes.srt");
    window.script(Answer::Save(target.clone()));

    window.click("Try the demo meeting");
    window.wait_for("the transcript", |harness| shows(harness, SAID));
    window.wait_for("the end of the job", |harness| harness.query_by_label("Done").is_some());
    assert!(shows(&window.harness, " models, "), "the status bar names the models in memory");
    assert_eq!(window.harness.query_all_by_label_contains("Name of ").count(), 2, "a name for each of two speakers");

    window.click("Export…");
    window.click(Format::Srt.label());
    window.wait_for("the export", |harness| shows(harness, "Saved as "));
    let asked = window.asked.lock().expect("no thread panicked while it asked").clone();
    let file_name = "demo_1min_2spk.srt".to_owned();
    assert_eq!(asked, [Question::Save { file_name, folder: None, format: Format::Srt }]);
    let text = fs::read_to_string(&target).expect("the file that was just reported");
    assert!(text.starts_with("1\n00:00:") && text.contains(SAID), "{text}");
}

#[test]
fn a_second_export_goes_to_the_same_format_by_keyboard() {
    let mut window = Window::open(opened(transcript(3)), vec![]);
    let folder = window.folder.path().to_path_buf();
    window.script(Answer::Save(folder.join("first.txt")));
    window.script(Answer::Save(folder.join("second.txt")));
    window.click("Export…");
    window.click(Format::Txt.label());
    window.wait_for("the first export", |harness| shows(harness, "first.txt"));
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::E);
    window.wait_for("the second export", |harness| shows(harness, "second.txt"));
    let second = fs::read(folder.join("second.txt")).expect("the file that was just reported");
    assert_eq!(second, fs::read(folder.join("first.txt")).expect("the file that was reported before"));
}

#[test]
fn a_waiting_job_is_cancelled_by_its_button() {
    let mut window = Window::open(Open::default(), vec![]);
    let second = window.folder.path().join("second.flac");
    fs::copy(demo(), &second).expect("a writable folder");
    window.script(Answer::Open(vec![second]));
    window.click("Try the demo meeting");
    window.click("Open recording…");
    window.click("Cancel second.flac");
    window.wait_for("the answer", |harness| harness.query_by_label("Cancelled").is_some());
    assert!(window.harness.query_by_label("Cancel second.flac").is_none(), "a cancelled job has nothing to cancel");
    // The other one goes on, and stops by its own button.
    window.click(&format!("Cancel {DEMO_NAME}"));
    window.wait_for("the end of both", |harness| harness.query_all_by_label("Cancelled").count() == 2);
    window.click("Retry second.flac");
    assert!(window.harness.query_by_label("Cancel second.flac").is_some(), "it is tried again");
    assert_eq!(window.harness.query_all_by_label("Cancelled").count(), 1, "in the place of the first try");
}

#[test]
fn a_missing_file_is_reported_until_dismissed() {
    let mut window = Window::open(Open::default(), vec![]);
    let missing = window.folder.path().join("missing.wav");
    window.drop_file(&missing);
    window.wait_for("the failure", |harness| harness.query_by_label("Failed").is_some());
    window.harness.run_steps(20);
    assert_eq!(window.harness.query_all_by_label_contains("Dismiss: ").count(), 1);
    assert!(shows(&window.harness, "missing.wav"));
    window.harness.get_by_label_contains("Dismiss: ").click();
    window.harness.run_ok();
    assert_eq!(window.harness.query_all_by_label_contains("Dismiss: ").count(), 0);
    assert!(window.harness.query_by_label("Failed").is_some(), "the recording itself stays in the list");
    window.click("1 message");
    assert_eq!(window.harness.query_all_by_label_contains("Copy: ").count(), 1, "it can be read again");
}

#[test]
fn a_path_can_be_typed_where_there_is_no_dialog() {
    let mut window = Window::open(Open::default(), vec![Answer::Unavailable]);
    window.click("Open recording…");
    let missing = window.folder.path().join("typed.wav");
    let field = window.harness.get_by_role_and_label(Role::TextInput, "Path of the recording");
    assert!(field.is_focused(), "typing can begin at once");
    field.type_text(&missing.display().to_string());
    window.harness.run_ok();
    window.harness.key_press(Key::Enter);
    window.wait_for("the job", |harness| shows(harness, "typed.wav"));
    assert!(window.harness.query_by_label("Path of the recording").is_none(), "the field has done its work");
}

#[test]
fn dragged_files_are_announced() {
    let mut window = Window::open(Open::default(), vec![]);
    let hovered = HoveredFile { path: Some(demo()), ..HoveredFile::default() };
    window.harness.input_mut().hovered_files.push(hovered);
    window.harness.run_ok();
    assert!(shows(&window.harness, "Drop the files"));
    window.harness.input_mut().hovered_files.clear();
    window.harness.run_ok();
    assert!(!shows(&window.harness, "Drop the files"));
}

#[test]
fn the_theme_follows_the_choice() {
    let mut window = Window::open(Open::default(), vec![]);
    for (name, expected) in [("Light", egui::Theme::Light), ("Dark", egui::Theme::Dark)] {
        window.click("Theme");
        window.click(name);
        assert_eq!(window.harness.ctx.theme(), expected);
        window.click("Theme");
        let toggled = window.harness.get_by_label(name).accesskit_node().toggled();
        assert_eq!(toggled, Some(Toggled::True));
        window.harness.key_press(Key::Escape);
        window.harness.run_ok();
    }
}

#[test]
fn of_twenty_thousand_segments_only_a_screenful_is_drawn() {
    let n_segments = 20_000;
    let mut window = Window::open(opened(transcript(n_segments)), vec![]);
    let last = format!("Sentence number {n_segments} ");
    for (key, is_start_shown, is_end_shown) in [
        (None, true, false),
        (Some(Key::End), false, true),
        (Some(Key::PageUp), false, false),
        (Some(Key::PageDown), false, true),
        (Some(Key::Home), true, false),
    ] {
        if let Some(key) = key {
            window.harness.key_press(key);
            window.harness.run_ok();
        }
        let shown = (shows(&window.harness, "Sentence number 1 "), shows(&window.harness, &last));
        assert_eq!(shown, (is_start_shown, is_end_shown), "after {key:?}");
        let n_labels = window.harness.query_all_by_role(Role::Label).count();
        assert!((10..200).contains(&n_labels), "{n_labels} labels after {key:?}");
    }
}

#[test]
fn an_empty_transcript_says_so() {
    let window = Window::open(opened(transcript(0)), vec![]);
    assert!(shows(&window.harness, "No speech was found in this recording."));
}

#[test]
fn speakers_are_shown_with_all_that_is_known_of_them() {
    let mut window = Window::open(opened(meeting()), vec![]);
    for text in [
        "1:30 · 75 %",
        "2 turns",
        "Recognised as Nora, score 0.71, margin 0.23",
        "0:30 · 25 %",
        "1 turn",
        "Unknown; nearest is Nora, score 0.31",
        "Underlined: at the same time as SPEAKER_01",
    ] {
        assert_eq!(window.harness.query_all_by_label(text).count(), 1, "{text}");
    }
    assert_eq!(speakers_said(&window.harness), ["Nora", "SPEAKER_01", "Nora"]);
    assert!(window.harness.get_by_label("Learn the voice of SPEAKER_01").accesskit_node().is_disabled());

    window.click("Next turn of SPEAKER_01");
    assert!(shows(&window.harness, "SPEAKER_01 at 1:00"));

    for is_shown in [false, true] {
        window.click_button("Speakers");
        assert_eq!(window.harness.query_by_label("Speaker Nora").is_some(), is_shown);
        let toggled = window.harness.get_by_role_and_label(Role::Button, "Speakers").accesskit_node().toggled();
        assert_eq!(toggled, Some(Toggled::from(is_shown)));
    }
    window.harness.set_size(egui::vec2(640.0, 480.0));
    window.harness.run_ok();
    assert!(window.harness.query_by_label("Speaker Nora").is_some(), "it was asked for");
}

#[test]
fn a_name_that_is_typed_is_in_the_transcript_and_in_exports() {
    let mut window = Window::open(opened(meeting()), vec![]);
    let target = window.folder.path().join("minutes.txt");
    window.script(Answer::Save(target.clone()));
    for (typed, key, expected) in [("Bri", Key::Escape, "SPEAKER_01"), ("Brian", Key::Enter, "Brian")] {
        window.harness.get_by_role_and_label(Role::TextInput, "Name of SPEAKER_01").focus();
        window.harness.run_ok();
        window.harness.get_by_role_and_label(Role::TextInput, "Name of SPEAKER_01").type_text(typed);
        window.harness.run_ok();
        window.harness.key_press(key);
        window.harness.run_ok();
        assert_eq!(speakers_said(&window.harness), ["Nora", expected, "Nora"], "after {key:?}");
    }
    assert!(shows(&window.harness, "SPEAKER_01 is Brian now"));
    window.click("Export…");
    window.click(Format::Txt.label());
    window.wait_for("the export", |harness| shows(harness, "Saved as "));
    let text = fs::read_to_string(&target).expect("the file that was just reported");
    assert_eq!(text, "[Nora]: Good morning.\n[Brian]: Hello.\n[Nora]: Shall we?\n");

    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.harness.run_ok();
    assert_eq!(speakers_said(&window.harness), ["Nora", "SPEAKER_01", "Nora"]);
    window.harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    window.harness.run_ok();
    assert_eq!(speakers_said(&window.harness), ["Nora", "Brian", "Nora"]);
    // As a screen reader sets it, and a name that somebody else has.
    window.harness.get_by_role_and_label(Role::TextInput, "Name of SPEAKER_01").set_text_value_accesskit("Nora");
    window.harness.run_ok();
    assert_eq!(speakers_said(&window.harness), ["Nora", "Brian", "Nora"]);
    assert_eq!(window.harness.query_all_by_label_contains("Dismiss: ").count(), 1);
}

#[test]
fn two_speakers_are_merged_and_parted_again() {
    let mut window = Window::open(opened(meeting()), vec![]);
    window.click("Merge SPEAKER_01 into…");
    window.click("Merge SPEAKER_01 into Nora");
    assert_eq!(speakers_said(&window.harness), ["Nora"]);
    assert!(window.harness.query_by_label("Speaker SPEAKER_01").is_none());
    assert!(shows(&window.harness, "2:00 · 100 %"));
    window.click("Undo");
    assert_eq!(speakers_said(&window.harness), ["Nora", "SPEAKER_01", "Nora"]);
}

#[test]
fn a_voice_is_learnt_and_forgotten_again() {
    let mut window = Window::open(opened(meeting()), vec![]);
    window.click("Learn the voice of Nora");
    window.wait_for("the answer", |harness| shows(harness, "Learnt the voice of Nora"));
    assert!(window.harness.query_by_label("Learn the voice of Nora").is_none());
    window.click("Undo learning the voice of Nora");
    window.wait_for("the answer", |harness| shows(harness, "Took back what was learnt of Nora"));
    // Learnt under a name that turns out to be wrong.
    window.click("Learn the voice of Nora");
    window.wait_for("the answer", |harness| shows(harness, "Learnt the voice of Nora"));
    window.harness.get_by_role_and_label(Role::TextInput, "Name of SPEAKER_00").set_text_value_accesskit("Brian");
    window.harness.run_ok();
    assert!(window.harness.query_by_label("Undo learning the voice of Brian").is_some());
    window.click("Learn the voice of Brian");
    window.wait_for("the answer", |harness| shows(harness, "Learnt the voice of Brian"));
    window.click("Undo learning the voice of Brian");
    window.wait_for("the answer", |harness| shows(harness, "Took back what was learnt of Brian"));
    assert!(window.harness.query_by_label("Learn the voice of Brian").is_some());
}

#[test]
fn a_name_that_is_being_typed_goes_with_the_speaker_and_is_taken_with_the_list() {
    let mut window = Window::open(opened(meeting()), vec![]);
    let type_name = |window: &mut Window, name: &str| {
        window.harness.get_by_role_and_label(Role::TextInput, "Name of SPEAKER_01").focus();
        window.harness.run_ok();
        window.harness.get_by_role_and_label(Role::TextInput, "Name of SPEAKER_01").type_text(name);
        window.harness.run_ok();
    };
    window.click("Merge SPEAKER_01 into…");
    window.click("Merge SPEAKER_01 into Nora");
    window.click("Undo");
    type_name(&mut window, "Bri");
    // Unlike a click, this leaves the focus where it is.
    window.harness.get_by_label("Redo").click_accesskit();
    window.harness.run_ok();
    assert_eq!(speakers_said(&window.harness), ["Nora"]);
    window.click("Undo");
    assert_eq!(speakers_said(&window.harness), ["Nora", "SPEAKER_01", "Nora"]);

    type_name(&mut window, "Brian");
    for (width, height) in [(640.0, 480.0), (1280.0, 800.0)] {
        window.harness.set_size(egui::vec2(width, height));
        window.harness.run_ok();
    }
    assert_eq!(speakers_said(&window.harness), ["Nora", "Brian", "Nora"]);
}

#[test]
fn the_number_of_speakers_can_be_given_before_a_recording_is_opened() {
    let mut window = Window::open(Open::default(), vec![]);
    window.click("Speakers: automatic");
    window.click("2 speakers");
    assert!(window.harness.query_by_label("Speakers: 2").is_some());
    window.drop_file(&window.folder.path().join("missing.wav"));
    window.wait_for("the failure", |harness| harness.query_by_label("Failed").is_some());
    window.click("Speakers: 2");
    window.click("Automatic");
    assert!(window.harness.query_by_label("Speakers: automatic").is_some());
}

#[test]
fn everything_fits_into_the_smallest_window() {
    for open in [Open::default(), opened(transcript(30)), opened(meeting())] {
        let mut window = Window::open(open, vec![]);
        window.harness.set_size(egui::vec2(640.0, 480.0));
        window.harness.run_ok();
        for button in window.harness.query_all_by_role(Role::Button) {
            let rect = button.rect();
            let is_inside = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(640.0, 480.0)).contains_rect(rect);
            assert!(is_inside, "{:?} at {rect:?}", button.accesskit_node().label());
        }
    }
}

#[test]
fn the_models_are_shown_and_left_again() {
    let mut window = Window::open(Open::default(), vec![]);
    window.click_button("Models");
    window.wait_for("the list of models", has_demo_model);
    assert!(window.harness.query_by_label("Try the demo meeting").is_none(), "one thing fills the window");
    window.click("In memory and on disk");
    assert!(shows(&window.harness, "No model is in memory"));
    window.click("Close the models");
    window.click("Model: demo");
    window.click("More models…");
    assert!(has_demo_model(&window.harness));
    window.harness.key_press(Key::Escape);
    window.harness.run_ok();
    assert!(window.harness.query_by_label("Try the demo meeting").is_some());
}

#[test]
fn the_models_fit_into_the_smallest_window() {
    let mut window = Window::open(opened(meeting()), vec![]);
    window.harness.set_size(egui::vec2(640.0, 480.0));
    window.harness.run_ok();
    window.click_button("Models");
    window.wait_for("the list of models", has_demo_model);
    for tab in ["All models", "In memory and on disk", "Results"] {
        window.click(tab);
        for role in [Role::Button, Role::Link, Role::ColumnHeader, Role::Row] {
            for node in window.harness.query_all_by_role(role) {
                let rect = node.rect();
                // What is further down is scrolled to.
                let is_inside = (0.0..=640.0).contains(&rect.left()) && (0.0..=640.0).contains(&rect.right());
                assert!(is_inside, "{tab}: {:?} at {rect:?}", node.accesskit_node().label());
            }
        }
    }
}

/// A window with a folder of its own, and what is needed to wait for its engine.
struct Window {
    harness: Harness<'static, App>,
    woken: Receiver<()>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Question>>>,
    folder: TempDir,
}

impl Window {
    fn open(open: Open, answers: Vec<Answer>) -> Self {
        Self::open_in(tempfile::tempdir().expect("a temporary folder"), open, answers)
    }

    /// Closes the window and opens another one with the same folders.
    fn restart(self) -> Self {
        let Self { harness, folder, .. } = self;
        // The engine ends with it, and keeps what it was told first.
        drop(harness);
        Self::open_in(folder, Open::default(), Vec::new())
    }

    fn open_in(folder: TempDir, open: Open, answers: Vec<Answer>) -> Self {
        let settings = Settings { theme: Theme::Light, ..Settings::default() };
        Self::open_as_left(folder, open, answers, (settings, WindowState::default()))
    }

    fn open_as_left(
        folder: TempDir,
        open: Open,
        answers: Vec<Answer>,
        (settings, window): (Settings, WindowState),
    ) -> Self {
        let paths = AppPaths::below(folder.path());
        let (wakes, woken) = channel();
        let start_engine = move |wake: Wake| {
            let wake_both = move || {
                wake();
                // The test may have stopped listening already.
                wakes.send(()).ok();
            };
            Engine::start(paths, None, Arc::new(wake_both))
        };
        let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let app = App::new(Setup {
            start_engine: Box::new(start_engine),
            settings,
            settings_warning: None,
            window,
            one_window: None,
            dialogs: Box::new(Script { answers: answers.clone(), asked: asked.clone(), is_asked: false }),
            demo: Some(JobRequest::new(demo(), "demo")),
            open,
        });
        let frame = |ui: &mut egui::Ui, app: &mut App| {
            let ctx = ui.ctx().clone();
            app.work(&ctx);
            app.show(ui);
        };
        let harness = Harness::builder()
            .with_size(egui::vec2(1280.0, 800.0))
            .with_context_setup(hansard::ui::install_theme)
            .with_max_steps(16)
            .build_ui_state(frame, app);
        Self { harness, woken, answers, asked, folder }
    }

    /// Adds an answer for the next question.
    fn script(&self, answer: Answer) {
        self.answers.lock().expect("no thread panicked while it answered").push_back(answer);
    }

    fn click(&mut self, name: &str) {
        self.harness.get_by_label(name).click();
        self.harness.run_ok();
    }

    /// For a name that a heading has, too.
    fn click_button(&mut self, name: &str) {
        self.harness.get_by_role_and_label(Role::Button, name).click();
        self.harness.run_ok();
    }

    fn drop_file(&mut self, path: &Path) {
        self.harness.input_mut().dropped_files.push(Arc::new(Dropped(path.to_path_buf())));
        self.harness.run_ok();
    }

    /// Shows frames, one after each event of the engine, until the condition holds.
    fn wait_for(&mut self, what: &str, condition: impl Fn(&Harness<'_, App>) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.harness.run_ok();
            if condition(&self.harness) {
                return;
            }
            // What the window itself reads wakes the window, but not those who wait here.
            self.woken.recv_timeout(LOOK_INTERVAL).ok();
            assert!(
                Instant::now() < deadline,
                "{what} did not come within {PATIENCE:?}; the window shows:\n{:#?}",
                self.harness.root()
            );
        }
    }
}

/// Whether a text with these words in it is shown.
fn shows(harness: &Harness<'_, App>, words: &str) -> bool {
    harness.query_all_by_label_contains(words).next().is_some()
}

/// Whether there is a card for a model that ships with Hansard.
fn has_demo_model(harness: &Harness<'_, App>) -> bool {
    harness.query_all_by_label("Model demo").next().is_some()
}

/// The names above what is said, from the top.
fn speakers_said(harness: &Harness<'_, App>) -> Vec<String> {
    let is_name = |text: &str| ["Nora", "Brian", "SPEAKER_01"].contains(&text);
    let labels = harness.query_all_by_role(Role::Label).filter_map(|node| node.value());
    labels.filter(|text| is_name(text)).collect()
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/meetings").join(DEMO_NAME)
}

fn transcript(n_segments: usize) -> Transcript {
    let segments = (1..=n_segments).map(|number| Segment {
        span: TimeSpan::from_secs(number as f64, number as f64 + 1.0),
        // Some wrap and some do not.
        text: format!(" Sentence number {number} {}", "goes on and on. ".repeat(number % 17)),
        speaker: Some(format!("SPEAKER_{:02}", number / 5 % 2)),
        ..Segment::default()
    });
    Transcript {
        language: "en".to_owned(),
        duration: Seconds(n_segments as f64 + 1.0),
        segments: segments.collect(),
        ..Transcript::default()
    }
}

/// Nora, whose voice is known, speaks before and after somebody whose voice is not, and for a moment with them.
fn meeting() -> Transcript {
    let [nora, other] = ["SPEAKER_00", "SPEAKER_01"].map(str::to_owned);
    let recognition = |score, margin, verdict| Some(Recognition { nearest: "Nora".to_owned(), score, margin, verdict });
    let mut voiceprint = vec![0.0; 192];
    voiceprint[0] = 1.0;
    let speakers = vec![
        Speaker {
            label: nora.clone(),
            name: Some("Nora".to_owned()),
            recognition: recognition(0.71, Some(0.23), Verdict::Recognised),
            voiceprint,
        },
        Speaker {
            label: other.clone(),
            name: None,
            recognition: recognition(0.31, None, Verdict::Unknown),
            voiceprint: Vec::new(),
        },
    ];
    let said = [(0.0, 60.0, &nora, "Good morning."), (60.0, 90.0, &other, "Hello."), (90.0, 120.0, &nora, "Shall we?")];
    let mut segments: Vec<Segment> = Vec::new();
    let mut turns = Vec::new();
    for (start_secs, end_secs, speaker, text) in said {
        let span = TimeSpan::from_secs(start_secs, end_secs);
        segments.push(Segment { span, text: format!(" {text}"), speaker: Some(speaker.clone()), ..Segment::default() });
        turns.push(Turn { span, speaker: speaker.clone() });
    }
    let (speaker, overlapped_by) = (Some(nora), vec![other]);
    segments[2].words = vec![Word { text: "Shall".to_owned(), speaker, overlapped_by, ..Word::default() }];
    Transcript { language: "en".to_owned(), duration: Seconds(120.0), segments, speakers, turns }
}

/// What is shown at first: this transcript.
fn opened(transcript: Transcript) -> Open {
    Open { recording: Some("meeting.wav".into()), transcript: Some(Arc::new(transcript)), ..Open::default() }
}

/// Dialogs that give prepared answers at once.
struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Question>>>,
    is_asked: bool,
}

impl Dialogs for Script {
    fn ask(&mut self, question: Question, wake: Wake) {
        self.asked.lock().expect("no thread panicked while it asked").push(question);
        self.is_asked = true;
        wake();
    }

    fn answer(&mut self) -> Option<Answer> {
        if !self.is_asked {
            return None;
        }
        self.is_asked = false;
        self.answers.lock().expect("no thread panicked while it answered").pop_front()
    }
}

/// A file dropped onto the window.
#[derive(Debug)]
struct Dropped(PathBuf);

impl DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        fs::read(&self.0).map_err(|error| error.to_string())
    }
}
