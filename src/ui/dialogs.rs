//! Asking the desktop for a path without stopping the window: the answer comes later. Tests answer by script.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::engine::Wake;
use crate::export::Format;

use super::imports::TRANSCRIPT_EXTENSIONS;
use super::texts::text;

/// What a dialog asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Recordings to open.
    Open,
    /// A file to write.
    Save {
        /// The name that is suggested.
        file_name: String,
        /// The folder that is shown first; `None` leaves it to the desktop.
        folder: Option<PathBuf>,
        /// What will be in the file.
        format: Format,
    },
    /// Folders whose recordings are to be in the library.
    OpenFolders,
    /// The folder of models and results.
    OpenCacheFolder,
    /// Files that models were exported to.
    OpenModelFiles,
    /// Folders with models, in Hugging Face layout.
    OpenModelFolders,
    /// A file for models.
    SaveModels {
        /// The name that is suggested.
        file_name: String,
    },
}

/// What the user answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Open these.
    Open(Vec<PathBuf>),
    /// Write to this file.
    Save(PathBuf),
    /// The user changed their mind.
    Cancelled,
    /// The desktop has no dialog to show.
    Unavailable,
}

/// Something that can ask the user for a path.
pub trait Dialogs {
    /// Shows a dialog and returns at once; `wake` is called when there is an answer.
    fn ask(&mut self, question: Question, wake: Wake);

    /// The answer to the last question, once.
    fn answer(&mut self) -> Option<Answer>;
}

/// The dialogs of the desktop.
pub(super) struct DesktopDialogs {
    sender: Sender<Answer>,
    answers: Receiver<Answer>,
}

/// The dialogs' futures are made in the window's thread, as macOS demands, and awaited in another.
type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Nobody reads a dialog and closes it faster than this.
const FASTEST_USER: Duration = Duration::from_millis(400);

/// Shown first in the dialog. Files of any name can be dropped or typed: what counts is their content.
const RECORDING_EXTENSIONS: [&str; 21] = [
    "aac", "aif", "aiff", "caf", "flac", "m4a", "m4b", "m4v", "mka", "mkv", "mov", "mp2", "mp3", "mp4", "mpga", "oga",
    "ogg", "opus", "wav", "wave", "webm",
];

/// The ending of files of models.
const MODEL_EXTENSION: &str = "hansard-models";

impl DesktopDialogs {
    /// Dialogs that nobody has asked for yet.
    pub(super) fn new() -> Self {
        let (sender, answers) = unbounded();
        Self { sender, answers }
    }
}

impl Dialogs for DesktopDialogs {
    fn ask(&mut self, question: Question, wake: Wake) {
        let pending = match question {
            Question::Open => open_dialog(),
            Question::Save { file_name, folder, format } => {
                save_dialog(&text("dialog-export"), &file_name, folder, (format.label(), format.name()))
            }
            Question::OpenFolders => opened(rfd::AsyncFileDialog::new().set_title(text("dialog-watch")).pick_folders()),
            Question::OpenCacheFolder => {
                // As many as there are, so that every dialog answers alike; the first of them is meant.
                opened(rfd::AsyncFileDialog::new().set_title(text("dialog-cache")).pick_folders())
            }
            Question::OpenModelFiles => model_files_dialog(),
            Question::OpenModelFolders => {
                opened(rfd::AsyncFileDialog::new().set_title(text("dialog-import-folders")).pick_folders())
            }
            Question::SaveModels { file_name } => {
                let files = text("dialog-model-files");
                save_dialog(&text("dialog-export-models"), &file_name, None, (files.as_str(), MODEL_EXTENSION))
            }
        };
        let sender = self.sender.clone();
        let wait = move || {
            // The window may be gone by then, and with it everybody who wants to know.
            if sender.send(pollster::block_on(pending)).is_ok() {
                wake();
            }
        };
        // Never joined: closing the window must not wait for a dialog that is still open.
        if thread::Builder::new().name("hansard-dialog".to_owned()).spawn(wait).is_err() {
            self.sender.send(Answer::Unavailable).expect("this struct holds the receiver too");
        }
    }

    fn answer(&mut self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }
}

fn open_dialog() -> Pending {
    let mut dialog = rfd::AsyncFileDialog::new().set_title(text("dialog-open"));
    // macOS merges all filters into one and has no "all files".
    if cfg!(not(target_os = "macos")) {
        dialog = dialog
            .add_filter(text("dialog-recordings"), &RECORDING_EXTENSIONS)
            .add_filter(text("dialog-transcripts"), &TRANSCRIPT_EXTENSIONS)
            .add_filter(text("dialog-all-files"), &["*"]);
    }
    opened(dialog.pick_files())
}

fn model_files_dialog() -> Pending {
    let mut dialog = rfd::AsyncFileDialog::new().set_title(text("dialog-import-models"));
    if cfg!(not(target_os = "macos")) {
        dialog = dialog
            .add_filter(text("dialog-model-files"), &[MODEL_EXTENSION])
            .add_filter(text("dialog-all-files"), &["*"]);
    }
    opened(dialog.pick_files())
}

fn opened(picked: impl Future<Output = Option<Vec<rfd::FileHandle>>> + Send + 'static) -> Pending {
    Box::pin(async move {
        match picked.await {
            Some(files) if files.is_empty() => Answer::Cancelled,
            Some(files) => Answer::Open(files.iter().map(|file| file.path().to_path_buf()).collect()),
            // On Linux, rfd 0.17 says "no files" when the user cancels, and "nothing" when neither the portal nor
            // zenity could show a dialog. The other systems always have one.
            None if cfg!(any(target_os = "macos", target_os = "windows")) => Answer::Cancelled,
            None => Answer::Unavailable,
        }
    })
}

/// `filter` is what the files are called, and their ending.
fn save_dialog(title: &str, file_name: &str, folder: Option<PathBuf>, filter: (&str, &str)) -> Pending {
    let (name, extension) = filter;
    let mut dialog =
        rfd::AsyncFileDialog::new().set_title(title).set_file_name(file_name).add_filter(name, &[extension]);
    if let Some(folder) = folder {
        dialog = dialog.set_directory(folder);
    }
    let asked = Instant::now();
    let picked = dialog.save_file();
    Box::pin(async move {
        match picked.await {
            Some(file) => Answer::Save(file.path().to_path_buf()),
            // Here rfd gives the same answer for both, so only the time can tell.
            None if cfg!(any(target_os = "macos", target_os = "windows")) || asked.elapsed() > FASTEST_USER => {
                Answer::Cancelled
            }
            None => Answer::Unavailable,
        }
    })
}
