//! Downloads from a Hugging Face hub: which files of a repository, at which commit, into which folder.
//!
//! ```text
//! repository, revision ──listing──▶ commit, files, sizes, checksums ──transfer (two at a time)──▶ verified files
//!                                             http: token, proxies, redirects, interruption
//! ```
//! A download survives what happens to it: bytes that have arrived are taken up by the next attempt or the next start,
//! a file is only ever there whole and verified, and while the network is forbidden not even a name is looked up. Where
//! the files go in the end, and which ones a model needs, is none of its business. One process at a time may fill a
//! folder; the store's lock sees to that.

mod control;
mod environment;
mod error;
mod http;
mod listing;
mod progress;
mod space;
mod transfer;

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::files::FileError;

pub use control::{DownloadControl, DownloadState, Sleep};
pub use environment::Environment;
pub use error::DownloadError;
pub use listing::FilePattern;
pub use progress::{Activity, DownloadProgress};

use control::{Interrupt, with_retries};
use environment::Proxies;
use http::Client;
use listing::{Listing, RemoteFile};
use progress::Meter;
use transfer::Step;

use super::token::Token;

/// Whether the network may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// It may.
    Allowed,
    /// It may not: nothing is sent, and no name is looked up.
    Offline,
}

/// How the hub is reached.
#[derive(Clone)]
pub struct HubSettings {
    endpoint: String,
    token: Option<Token>,
    network: Network,
    proxies: Proxies,
    sleep: Sleep,
    stall: Duration,
    /// Bytes that have to be free beside those of the files.
    n_beside_bytes: u64,
    /// What says where the hub is.
    endpoint_source: &'static str,
}

/// A connection that brings nothing for so long is given up.
const STALL: Duration = Duration::from_secs(30);

impl HubSettings {
    /// What the environment says: `HF_ENDPOINT`, `HF_HUB_OFFLINE`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`. It can
    /// forbid the network, but not allow it.
    pub fn of(environment: &Environment, token: Option<Token>, network: Network) -> Self {
        Self {
            endpoint: environment.endpoint().to_owned(),
            token,
            network: if environment.is_offline() { Network::Offline } else { network },
            proxies: environment.proxies(),
            sleep: Arc::new(|control: &DownloadControl, duration| control.sleep(duration)),
            stall: STALL,
            n_beside_bytes: 0,
            endpoint_source: "HF_ENDPOINT",
        }
    }

    /// The same for the hub that the settings name, instead of the environment.
    pub fn with_endpoint(self, endpoint: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), endpoint_source: "hf_endpoint in the settings", ..self }
    }

    /// The same for files from which so many bytes are made, for which there has to be room, too.
    pub fn with_room_for(self, n_bytes: u64) -> Self {
        Self { n_beside_bytes: n_bytes, ..self }
    }

    /// The same, with another way to wait between attempts.
    pub fn with_sleep(self, sleep: Sleep) -> Self {
        Self { sleep, ..self }
    }

    /// The same, where a connection is given up that brings nothing for so long.
    pub fn with_stall(self, stall: Duration) -> Self {
        Self { stall, ..self }
    }
}

/// A hub to download from.
#[derive(Clone)]
pub struct Hub {
    settings: HubSettings,
}

/// What a download brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The commit that the revision was.
    pub commit: String,
    /// The files, by name.
    pub files: Vec<FetchedFile>,
}

/// A file that is there, whole and verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFile {
    /// Its path in the repository, and below the folder.
    pub name: String,
    /// Its size.
    pub n_bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// So many files come at the same time.
const N_PARALLEL: usize = 2;
/// Progress is told no more often than this.
const BETWEEN_REPORTS: Duration = Duration::from_millis(100);

impl Hub {
    /// The hub that the environment names.
    pub fn from_environment(token: Option<Token>, network: Network) -> Self {
        Self::new(HubSettings::of(&Environment::of_this_process(), token, network))
    }

    /// The hub of these settings.
    pub fn new(settings: HubSettings) -> Self {
        Self { settings }
    }

    /// Whether it may be called at all. If not, there is no need to look for a token.
    pub fn network(&self) -> Network {
        self.settings.network
    }

    /// Brings the wanted files of a repository into `folder`, below their names in it. `revision` is a branch, a tag or
    /// a commit. Files and parts that an earlier download left in `folder` are used. `progress` is called in this
    /// thread.
    pub fn fetch(
        &self,
        repository: &str,
        revision: &str,
        wanted: &[FilePattern],
        folder: &Path,
        control: &DownloadControl,
        progress: &dyn Fn(DownloadProgress),
    ) -> Result<Fetched, DownloadError> {
        if self.settings.network == Network::Offline {
            return Err(DownloadError::Offline { repository: repository.to_owned() });
        }
        check_name("name", repository)?;
        check_name("revision", revision)?;
        let interrupt = Interrupt::new(control.clone());
        let client = Client::new(&self.settings, repository, interrupt.clone())?;
        let mut status = Status::new(repository, progress);
        status.tell();
        let tell = |activity| progress(DownloadProgress { activity, ..status.progress.clone() });
        let listing = with_retries(&interrupt, &self.settings.sleep, &tell, |_| {
            listing::wanted_files(&client, revision, wanted)
        })?;
        fs::create_dir_all(folder).map_err(FileError::of("create folder", folder))?;
        let missing = listing.files.iter().map(|file| file.n_bytes - transfer::n_bytes_there(folder, file));
        let n_needed = total(missing).saturating_add(self.settings.n_beside_bytes);
        space::check_room(folder, n_needed, repository)?;
        status.begin(&listing);
        let files = self.transfer_all(&client, &listing, folder, &mut status)?;
        Ok(Fetched { commit: listing.commit, files })
    }

    fn transfer_all(
        &self,
        client: &Client,
        listing: &Listing,
        folder: &Path,
        status: &mut Status<'_>,
    ) -> Result<Vec<FetchedFile>, DownloadError> {
        let queue: Queue<'_> = Mutex::new(listing.files.iter().enumerate().collect());
        let (sender, receiver) = bounded(256);
        let mut fetched: Vec<Option<FetchedFile>> = vec![None; listing.files.len()];
        let outcome = thread::scope(|scope| {
            for n in 0..N_PARALLEL.min(listing.files.len()) {
                let worker = Worker { client, listing, folder, sleep: &self.settings.sleep, sender: sender.clone() };
                let queue = &queue;
                let named = thread::Builder::new().name(format!("hansard-download-{n}"));
                match named.spawn_scoped(scope, move || worker.work(queue)) {
                    Ok(_) => {}
                    Err(source) if n == 0 => {
                        let (action, path) = ("start a thread to fill", folder.to_path_buf());
                        return Err(DownloadError::File(FileError { action, path, source }));
                    }
                    // Those that did start do the work of all.
                    Err(_) => break,
                }
            }
            drop(sender);
            // Dropped with this closure, also in a panic: else the workers would wait for ever to tell something.
            let messages = receiver;
            follow(&messages, status, &mut fetched)
        });
        outcome?;
        Ok(fetched.into_iter().map(|file| file.expect("every file was fetched or an error was told")).collect())
    }
}

/// The files that no worker has taken, with their places in the list.
type Queue<'a> = Mutex<VecDeque<(usize, &'a RemoteFile)>>;

/// What a worker tells the thread that follows the download.
enum Message {
    Step(Step),
    Done(usize, FetchedFile),
    Failed(DownloadError),
}

struct Worker<'a> {
    client: &'a Client,
    listing: &'a Listing,
    folder: &'a Path,
    sleep: &'a Sleep,
    sender: Sender<Message>,
}

impl Worker<'_> {
    /// Fetches files until none is left or one fails.
    fn work(&self, queue: &Queue<'_>) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some((place, file)) = next else { return };
            let report = |step| self.tell(Message::Step(step));
            match transfer::fetch_file(self.client, &self.listing.commit, file, self.folder, self.sleep, &report) {
                Ok(fetched) => self.tell(Message::Done(place, fetched)),
                Err(error) => {
                    // First the reason, then the end of the others, who tell only that they were stopped.
                    self.tell(Message::Failed(error));
                    self.client.interrupt().abandon();
                    return;
                }
            }
        }
    }

    fn tell(&self, message: Message) {
        if self.sender.send(message).is_err() {
            // Whoever followed the download has panicked.
            self.client.interrupt().abandon();
        }
    }
}

/// Tells progress until all workers have ended, and which file failed first.
fn follow(
    receiver: &Receiver<Message>,
    status: &mut Status<'_>,
    fetched: &mut [Option<FetchedFile>],
) -> Result<(), DownloadError> {
    let mut failure = None;
    loop {
        match receiver.recv_timeout(BETWEEN_REPORTS) {
            Ok(Message::Step(step)) => status.step(step),
            Ok(Message::Done(place, file)) => {
                fetched[place] = Some(file);
                status.file_done();
            }
            Ok(Message::Failed(error)) => failure = failure.or(Some(error)),
            Err(RecvTimeoutError::Timeout) => status.tell_news(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    failure.map_or(Ok(()), Err)
}

/// How far a download is, told to `progress` not too often.
struct Status<'a> {
    tell_to: &'a dyn Fn(DownloadProgress),
    progress: DownloadProgress,
    started: Instant,
    meter: Meter,
    /// When it was told, and whether there are news since.
    told: Option<Instant>,
    has_news: bool,
}

impl<'a> Status<'a> {
    fn new(repository: &str, tell_to: &'a dyn Fn(DownloadProgress)) -> Self {
        let progress = DownloadProgress {
            repository: repository.to_owned(),
            activity: Activity::Asking,
            n_files: 0,
            n_files_done: 0,
            n_bytes: 0,
            n_bytes_done: 0,
            bytes_per_sec: 0.0,
            secs_left: None,
        };
        Self { tell_to, progress, started: Instant::now(), meter: Meter::default(), told: None, has_news: false }
    }

    fn begin(&mut self, listing: &Listing) {
        self.progress.activity = Activity::Downloading;
        self.progress.n_files = listing.files.len();
        self.progress.n_bytes = total(listing.files.iter().map(|file| file.n_bytes));
        self.tell();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Found(n_bytes) => self.progress.n_bytes_done += n_bytes,
            Step::Arrived(n_bytes) => {
                self.progress.n_bytes_done += n_bytes;
                self.meter.add(self.started.elapsed(), n_bytes);
            }
            Step::Dropped(n_bytes) => self.progress.n_bytes_done -= n_bytes,
            Step::Activity(activity) => {
                self.meter.forget();
                self.progress.activity = activity;
                self.tell();
                return;
            }
        }
        self.progress.activity = Activity::Downloading;
        self.has_news = true;
        if self.told.is_none_or(|told| told.elapsed() >= BETWEEN_REPORTS) {
            self.tell();
        }
    }

    fn file_done(&mut self) {
        self.progress.n_files_done += 1;
        self.tell();
    }

    fn tell_news(&mut self) {
        if self.has_news {
            self.tell();
        }
    }

    fn tell(&mut self) {
        let rate = self.meter.bytes_per_sec(self.started.elapsed());
        let n_left = self.progress.n_bytes.saturating_sub(self.progress.n_bytes_done);
        self.progress.bytes_per_sec = rate;
        self.progress.secs_left = (rate > 0.0).then(|| n_left as f64 / rate);
        self.told = Some(Instant::now());
        self.has_news = false;
        (self.tell_to)(self.progress.clone());
    }
}

/// A sum that no wrong size can overflow.
fn total(mut sizes: impl Iterator<Item = u64>) -> u64 {
    sizes.try_fold(0_u64, u64::checked_add).unwrap_or(u64::MAX)
}

/// Only what the hub could have: these become parts of addresses.
fn check_name(what: &'static str, name: &str) -> Result<(), DownloadError> {
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let is_right = name.len() <= 200 && name.split('/').all(is_plain);
    if is_right { Ok(()) } else { Err(DownloadError::InvalidName { what, name: name.to_owned() }) }
}
