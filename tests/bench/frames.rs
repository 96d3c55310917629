//! How long a frame of the window takes with a meeting of 20,000 turns open, and how long the first one:
//! `cargo bench --bench frames`. The goals are 16 ms and 300 ms.
//!
//! A frame is all that the processor does for it: what came in, the layout, and the triangles that a graphics card gets.
//! There is no display. The recording is silent, and where a machine has no sound it cannot be played; the word that is
//! heard then moves as it does while it plays, by seeking.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Write as _};
use std::mem;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use eframe::egui::accesskit::{self, ActionData, ActionRequest, TreeId};
use eframe::egui::{
    Context, Event, FullOutput, Id, Key, Modifiers, MouseWheelSource, MouseWheelUnit, RawInput, Rect, Role, TouchPhase,
    pos2, vec2,
};
use hansard::engine::{Engine, Wake};
use hansard::nn::random::SplitMix64;
use hansard::paths::AppPaths;
use hansard::settings::{Settings, Theme, WindowState};
use hansard::transcript::{Segment, Speaker, Transcript, Turn, Word};
use hansard::ui::{Answer, App, Dialogs, Open, Question, Setup, install_theme};
use hansard::units::{Seconds, TimeSpan};
use tempfile::TempDir;

const N_TURNS: usize = 20_000;
const TURN_SECS: f64 = 1.5;
/// About the height of a turn with one line of text, in points.
const TURN_HEIGHT: f32 = 60.0;
const N_FRAMES: usize = 600;
const FRAME_SECS: f64 = 1.0 / 60.0;
const WIDTH: f32 = 1280.0;
const HEIGHT: f32 = 800.0;
const GOAL: Duration = Duration::from_millis(16);
/// Windows that are opened to see how long the first frame takes.
const N_OPENED: usize = 7;
/// When nobody has said anything for so long, the outline of the recording is made and all is quiet.
const QUIET: Duration = Duration::from_secs(5);
/// Of the silent recording, which has one byte for a sample.
const RATE_HZ: u32 = 8000;
/// What is typed and deleted again; the turns have some of these words.
const TYPED: &str = "budget meeting";
const WORDS: [&str; 12] = [
    "budget",
    "meeting",
    "we",
    "should",
    "the",
    "interface",
    "tomorrow",
    "because",
    "measured",
    "nobody",
    "a",
    "agreed",
];

fn main() {
    // `cargo bench` and `cargo test` pass arguments, none of which means anything here.
    let recording_folder = tempfile::tempdir().expect("a temporary folder");
    let recording = recording_folder.path().join("meeting.wav");
    write_silence(&recording).expect("a writable folder");
    let transcript = Arc::new(transcript(&mut SplitMix64::new(0)));
    let open = || Window::open(&recording, &transcript);
    let mut firsts: Vec<Duration> = (1..N_OPENED).map(|_| open().1).collect();
    let (mut window, first) = open();
    firsts.push(first);
    window.wait_for_player();

    print_line(&format!("{N_TURNS} turns, {WIDTH} × {HEIGHT} points"));
    print_line(&row("", ["median", "95 %", "worst"].map(str::to_owned)));
    let mut slowest = Duration::ZERO;
    let mut report = |name: &str, times: Vec<Duration>| slowest = slowest.max(print_times(name, times));
    report("standing still", window.stand_still());
    report("scrolling by 3 rows a frame", window.scroll());
    report("jumping to random places", window.jump(&mut SplitMix64::new(1)));
    report("typing in the find bar", window.find());
    report("playing, with the word that is heard", window.play());
    // From here on, every frame is told to a screen reader, too.
    window.ctx.enable_accesskit();
    report("scrolling with a screen reader", window.scroll());
    let outcome = if slowest < GOAL { "kept by every frame" } else { "missed by some frames" };
    print_line(&format!("The goal of {} is {outcome}.", millis(GOAL)));
    print_times("opening: from App::new to the first frame", firsts);
}

/// The window without a display, and the clock of its frames.
struct Window {
    ctx: Context,
    app: App,
    now_secs: f64,
    woken: Receiver<()>,
    /// Everything that the engine keeps.
    _folder: TempDir,
}

impl Window {
    /// Opens the window with the transcript in it, and says how long that took.
    fn open(recording: &Path, transcript: &Arc<Transcript>) -> (Self, Duration) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let paths = AppPaths::below(folder.path());
        let (wakes, woken) = channel();
        let start_engine = move |wake: Wake| {
            let wake_both = move || {
                wake();
                // The window may have gone already.
                wakes.send(()).ok();
            };
            Engine::start(paths, None, Arc::new(wake_both))
        };
        let ctx = Context::default();
        install_theme(&ctx);
        let recording = Some(recording.to_path_buf());
        let open = Open { recording, transcript: Some(Arc::clone(transcript)), ..Open::default() };
        let started = Instant::now();
        let app = App::new(Setup {
            start_engine: Box::new(start_engine),
            settings: Settings { theme: Theme::Light, ..Settings::default() },
            settings_warning: None,
            window: WindowState::default(),
            one_window: None,
            dialogs: Box::new(NoDialogs),
            demo: None,
            open,
        });
        let mut window = Self { ctx, app, now_secs: 0.0, woken, _folder: folder };
        window.frame(Vec::new());
        (window, started.elapsed())
    }

    /// Shows frames until the recording can be heard and the engine has nothing more to tell.
    fn wait_for_player(&mut self) {
        loop {
            match self.woken.recv_timeout(QUIET) {
                Ok(()) => {
                    self.frame(Vec::new());
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => panic!("the engine has ended"),
            }
        }
        self.ctx.enable_accesskit();
        let mut output = self.pass(Vec::new());
        let update = output.platform_output.accesskit_update.take().expect("it was asked for");
        output.drop_without_applying_deltas();
        self.ctx.disable_accesskit();
        let is_play = |node: &accesskit::Node| node.role() == Role::Button && node.label() == Some("Play");
        let can_play = update.nodes.iter().any(|(_, node)| is_play(node) && !node.is_disabled());
        assert!(can_play, "the recording cannot be heard");
    }

    fn stand_still(&mut self) -> Vec<Duration> {
        (0..N_FRAMES).map(|_| self.frame(Vec::new())).collect()
    }

    fn scroll(&mut self) -> Vec<Duration> {
        self.begin_scrolling();
        let times = (0..N_FRAMES).map(|_| self.frame(vec![wheel(TouchPhase::Move, -3.0 * TURN_HEIGHT)])).collect();
        self.frame(vec![wheel(TouchPhase::End, 0.0)]);
        times
    }

    fn jump(&mut self, random: &mut SplitMix64) -> Vec<Duration> {
        self.begin_scrolling();
        let mut at = 0.0;
        let mut times = Vec::with_capacity(N_FRAMES);
        for _ in 0..N_FRAMES {
            let to = random.next_unit() as f32 * N_TURNS as f32 * TURN_HEIGHT;
            times.push(self.frame(vec![wheel(TouchPhase::Move, at - to)]));
            at = to;
        }
        self.frame(vec![wheel(TouchPhase::End, 0.0)]);
        times
    }

    /// Types a letter in each frame, and deletes them again.
    fn find(&mut self) -> Vec<Duration> {
        self.frame(vec![press(Modifiers::COMMAND, Key::F)]);
        self.frame(Vec::new());
        let typed = TYPED.chars().map(|letter| Event::Text(letter.to_string()));
        let deleted = TYPED.chars().map(|_| press(Modifiers::NONE, Key::Backspace));
        let events: Vec<Event> = typed.chain(deleted).collect();
        let times = events.iter().cycle().take(N_FRAMES).map(|event| self.frame(vec![event.clone()])).collect();
        self.frame(vec![press(Modifiers::NONE, Key::Escape)]);
        times
    }

    /// Hears the last turns, which are in view.
    fn play(&mut self) -> Vec<Duration> {
        self.frame(vec![press(Modifiers::NONE, Key::End)]);
        let from_secs = N_TURNS as f64 * TURN_SECS - N_FRAMES as f64 * FRAME_SECS;
        (0..N_FRAMES).map(|idx| self.frame(vec![seek(from_secs + idx as f64 * FRAME_SECS)])).collect()
    }

    /// Puts the pointer over the transcript and fingers on the trackpad, so that what is scrolled is scrolled at once.
    fn begin_scrolling(&mut self) {
        self.frame(vec![press(Modifiers::NONE, Key::Home)]);
        let pointer = Event::PointerMoved(pos2(0.5 * WIDTH, 0.6 * HEIGHT));
        self.frame(vec![pointer, wheel(TouchPhase::Start, 0.0)]);
    }

    fn frame(&mut self, events: Vec<Event>) -> Duration {
        let started = Instant::now();
        let mut output = self.pass(events);
        let shapes = mem::take(&mut output.shapes);
        let triangles = self.ctx.tessellate(shapes, output.pixels_per_point);
        let took = started.elapsed();
        black_box(triangles);
        output.drop_without_applying_deltas();
        took
    }

    fn pass(&mut self, events: Vec<Event>) -> FullOutput {
        self.now_secs += FRAME_SECS;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(WIDTH, HEIGHT))),
            time: Some(self.now_secs),
            predicted_dt: FRAME_SECS as f32,
            events,
            focused: true,
            ..RawInput::default()
        };
        let app = &mut self.app;
        self.ctx.run_ui(input, |ui| {
            let ctx = ui.ctx().clone();
            app.work(&ctx);
            app.show(ui);
        })
    }
}

/// Nobody is asked for a path.
struct NoDialogs;

impl Dialogs for NoDialogs {
    fn ask(&mut self, _question: Question, _wake: Wake) {}

    fn answer(&mut self) -> Option<Answer> {
        None
    }
}

fn wheel(phase: TouchPhase, by: f32) -> Event {
    let (unit, source) = (MouseWheelUnit::Point, MouseWheelSource::Unknown);
    Event::MouseWheel { unit, delta: vec2(0.0, by), phase, source, modifiers: Modifiers::NONE }
}

fn press(modifiers: Modifiers, key: Key) -> Event {
    Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers }
}

/// What a screen reader sends to the timeline.
fn seek(secs: f64) -> Event {
    Event::AccessKitActionRequest(ActionRequest {
        action: accesskit::Action::SetValue,
        target_tree: TreeId::ROOT,
        target_node: Id::unique("timeline").accesskit_id(),
        data: Some(ActionData::NumericValue(secs)),
    })
}

/// Four people take turns, of four to sixteen words each; one word in fifty is doubted.
fn transcript(random: &mut SplitMix64) -> Transcript {
    let labels: Vec<String> = (0..4).map(|n| format!("SPEAKER_0{n}")).collect();
    let mut segments = Vec::with_capacity(N_TURNS);
    let mut turns = Vec::with_capacity(N_TURNS);
    for turn_idx in 0..N_TURNS {
        let (speaker, start_secs) = (labels[turn_idx % labels.len()].clone(), turn_idx as f64 * TURN_SECS);
        let span = TimeSpan::from_secs(start_secs, start_secs + TURN_SECS);
        let n_words = 4 + (random.next_unit() * 13.0) as usize;
        let word_secs = TURN_SECS / n_words as f64;
        let mut words = Vec::with_capacity(n_words);
        for word_idx in 0..n_words {
            let at_secs = start_secs + word_idx as f64 * word_secs;
            words.push(Word {
                text: WORDS[(random.next_unit() * WORDS.len() as f64) as usize].to_owned(),
                span: Some(TimeSpan::from_secs(at_secs, at_secs + word_secs)),
                score: Some(if random.next_unit() < 0.02 { 0.2 } else { 0.9 }),
                speaker: Some(speaker.clone()),
                ..Word::default()
            });
        }
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let text = format!(" {}", texts.join(" "));
        segments.push(Segment { span, text, speaker: Some(speaker.clone()), words, ..Segment::default() });
        turns.push(Turn { span, speaker });
    }
    Transcript {
        language: "en".to_owned(),
        duration: Seconds(N_TURNS as f64 * TURN_SECS),
        segments,
        speakers: labels.into_iter().map(|label| Speaker { label, ..Speaker::default() }).collect(),
        turns,
    }
}

/// A recording as long as the meeting, most of which is a hole in its file.
fn write_silence(path: &Path) -> io::Result<()> {
    let n_samples = (N_TURNS as f64 * TURN_SECS) as u32 * RATE_HZ;
    let mut header = Vec::new();
    header.extend(b"RIFF");
    header.extend((36 + n_samples).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    // PCM in one channel, then samples and bytes a second, bytes and bits a sample.
    for (number, n_bytes) in [(1, 2), (1, 2), (RATE_HZ, 4), (RATE_HZ, 4), (1, 2), (8, 2)] {
        header.extend(&number.to_le_bytes()[..n_bytes]);
    }
    header.extend(b"data");
    header.extend(n_samples.to_le_bytes());
    let mut file = File::create(path)?;
    file.write_all(&header)?;
    file.set_len(header.len() as u64 + u64::from(n_samples))
}

/// Prints a line of the table and returns the longest time.
fn print_times(name: &str, mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let rank = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    let worst = rank(1.0);
    print_line(&row(name, [rank(0.5), rank(0.95), worst].map(millis)));
    worst
}

fn row(name: &str, cells: [String; 3]) -> String {
    let [median, most, worst] = cells;
    format!("{name:<44}{median:>12}{most:>12}{worst:>12}")
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

fn print_line(line: &str) {
    writeln!(io::stdout(), "{line}").expect("somebody reads");
}
