//! The built program in a display of its own, used as somebody uses it who has only a keyboard: a recording is opened by
//! argument, transcribed, looked at and exported, and the window closed. Linux only: Xvfb is the display, xdotool the
//! hands, ffmpeg the eyes.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hansard::settings::{Settings, WindowState};
use tempfile::TempDir;

use crate::sound::{ffmpeg, utf8};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hansard");
const MEETING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/meetings/demo_1min_2spk.flac");
/// Said in the part of the meeting that is transcribed.
const SAID: &str = "Good morning, everyone";
const SECS: &str = "8";
const WIDTH: usize = 1280;
const HEIGHT: usize = 800;
/// The recording takes seconds in a release build; a debug build on a busy machine is allowed this.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between one key and the next: nothing tells when one has been taken.
const KEY_INTERVAL: Duration = Duration::from_millis(500);
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

#[test]
fn a_recording_is_opened_by_argument_and_exported_by_keyboard() {
    let display = Display::start();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [recording, exported] = ["talk.flac", "talk.srt"].map(|name| folder.path().join(name));
    ffmpeg(&["-t", SECS, "-i", MEETING, utf8(&recording)]);
    let settings = Settings { export_format: Some("srt".to_owned()), ..Settings::default() };
    settings.save(&folder.path().join("config/hansard/settings.ron")).expect("a writable folder");
    let empty = display.shades();
    assert_eq!(empty.n_shades, 1, "nothing is in the display yet");

    let mut program = Program::open(&display, folder, &recording);
    let window = program.wait_for("the window", || display.window_called("talk.flac"));
    display.xdotool(&["windowfocus", "--sync", &window]);
    let export = || {
        // The first key counts from when the transcript is done; the other takes the path that is suggested.
        for key in ["ctrl+e", "Return"] {
            display.xdotool(&["key", key]);
            thread::sleep(KEY_INTERVAL);
        }
        fs::read_to_string(&exported).ok()
    };
    let text = program.wait_for("the export", export);
    assert!(text.starts_with("1\n00:00:0") && text.contains(SAID), "{text}");
    let shown = display.shades();
    assert!(shown.n_shades > 32 && shown.share_of_most < 0.99, "the window is blank: {shown:?}");

    display.xdotool(&["key", "ctrl+q"]);
    let status = program.end();
    assert!(status.success(), "{status}: {}", program.complaints());
    assert!(!program.complaints().contains("panicked"), "{}", program.complaints());
    let left = WindowState::load(&program.folder.path().join("config/hansard/window.ron"));
    assert_eq!(left.size, Some((WIDTH as f32, HEIGHT as f32)), "how it was left is kept");
}

/// A display that nobody sees. It ends with this.
struct Display {
    server: Child,
    name: String,
}

/// How much light is in a display.
#[derive(Debug)]
struct Shades {
    n_shades: usize,
    /// How much of the display has the same shade.
    share_of_most: f64,
}

impl Display {
    fn start() -> Self {
        let screen = format!("{WIDTH}x{HEIGHT}x24");
        // Else it begins anew whenever its last client leaves, such as a program that looked for the window.
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-noreset", "-screen", "0", &screen, "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("Xvfb: {error}; `sh packaging/test.sh` installs what the tests need"));
        // It writes its number when it is ready.
        let mut number = String::new();
        let output = server.stdout.take().expect("it was piped");
        BufReader::new(output).read_line(&mut number).expect("a line");
        let name = format!(":{}", number.trim());
        assert!(name.len() > 1, "Xvfb found no display that is free");
        Self { server, name }
    }

    /// The window that has these words in its title.
    fn window_called(&self, words: &str) -> Option<String> {
        let mut search = self.client("xdotool");
        let found = search.args(["search", "--onlyvisible", "--name", words]).output().expect("xdotool is installed");
        String::from_utf8_lossy(&found.stdout).lines().next().map(str::to_owned)
    }

    fn xdotool(&self, arguments: &[&str]) {
        let output = self.client("xdotool").args(arguments).output().expect("xdotool is installed");
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "xdotool {}: {message}", arguments.join(" "));
    }

    fn shades(&self) -> Shades {
        let pixels = self.grab(&["-f", "rawvideo", "-pix_fmt", "gray", "-"]);
        assert_eq!(pixels.len(), WIDTH * HEIGHT);
        let mut counts = [0_usize; 256];
        for shade in pixels {
            counts[usize::from(shade)] += 1;
        }
        let most = counts.iter().max().expect("there are shades");
        Shades {
            n_shades: counts.iter().filter(|count| **count > 0).count(),
            share_of_most: *most as f64 / (WIDTH * HEIGHT) as f64,
        }
    }

    /// Keeps what is shown as a picture, and returns where.
    fn keep_picture(&self) -> PathBuf {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("window.png");
        self.grab(&["-y", utf8(&path)]);
        path
    }

    /// What ffmpeg makes of the display.
    fn grab(&self, target: &[&str]) -> Vec<u8> {
        let size = format!("{WIDTH}x{HEIGHT}");
        let source =
            ["-nostdin", "-v", "error", "-f", "x11grab", "-draw_mouse", "0", "-video_size", &size, "-i", &self.name];
        let output = Command::new("ffmpeg")
            .args(source)
            .args(["-frames:v", "1"])
            .args(target)
            .output()
            .expect("ffmpeg is installed");
        assert!(output.status.success(), "ffmpeg: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", &self.name).stdin(Stdio::null());
        command
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// Hansard with nothing of the user's: folders of its own, no desktop to ask for a path. It ends with this.
struct Program<'a> {
    display: &'a Display,
    process: Child,
    folder: TempDir,
}

impl<'a> Program<'a> {
    fn open(display: &'a Display, folder: TempDir, recording: &Path) -> Self {
        let root = folder.path();
        fs::create_dir(root.join("run")).expect("a writable folder");
        let stderr = File::create(root.join("stderr")).expect("a writable folder");
        let mut command = display.client(PROGRAM);
        command.env_clear().env("DISPLAY", &display.name).env("LANG", "C.UTF-8").arg("open").arg(recording);
        // Without programs and without a session bus there are no file dialogs.
        command.env("PATH", root.join("programs")).env("HOME", root).env("XDG_RUNTIME_DIR", root.join("run"));
        for (variable, name) in [("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache")]
        {
            command.env(variable, root.join(name));
        }
        let process = command.stdout(Stdio::null()).stderr(stderr).spawn().expect("the program was built");
        Self { display, process, folder }
    }

    /// Looks until there is what is waited for.
    fn wait_for<T>(&mut self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            let ended = self.process.try_wait().expect("it can be asked");
            assert!(ended.is_none(), "{what} did not come, the program has ended: {}", self.complaints());
            if Instant::now() > deadline {
                let picture = self.display.keep_picture();
                panic!("{what} did not come within {PATIENCE:?}, see {}: {}", picture.display(), self.complaints());
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Waits for the end.
    fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().expect("it can be asked") {
                return status;
            }
            if Instant::now() > deadline {
                let picture = self.display.keep_picture();
                panic!("the program does not end, see {}: {}", picture.display(), self.complaints());
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// What it wrote to stderr.
    fn complaints(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).expect("text")
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
