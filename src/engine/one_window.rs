//! One window for each library: whoever comes second hands its recording to the window that is open, and ends.
//!
//! ```text
//! data/window.lock   held as long as the window is open
//! data/window.port   port on 127.0.0.1 and a secret, which only the user can read
//! second ──secret, path──▶ first ──"taken"──▶ second
//! ```
//! Nothing that comes over the port is believed without the secret, and nothing in it is more than a path to open.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf, absolute};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::files::{self, FileError};
use crate::paths::AppPaths;
use crate::task::CancelToken;

use super::Wake;

/// What the window that is open says to the one that is not needed.
const TAKEN: &[u8] = b"taken";
/// A window that has just been opened answers when it is there,
const PATIENCE: Duration = Duration::from_secs(5);
/// and is asked again until then.
const BETWEEN_TRIES: Duration = Duration::from_millis(100);
/// Longer than any path.
const MAX_MESSAGE_BYTES: u64 = 1 << 16;

/// Whether this program opens the window.
pub enum Claim {
    /// It does, and hears from others.
    Ours(OneWindow),
    /// Another one is open and has taken the recording.
    HandedOver,
}

/// What another start of Hansard wants of the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    /// The recording to open; `None`: only to see the window.
    pub recording: Option<PathBuf>,
}

/// Why it is not known whether there is another window.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The port.
    #[error("no port on 127.0.0.1: {0}")]
    Port(#[source] io::Error),
    /// The other window.
    #[error("Hansard is open already and does not answer; look at its window, or end it and try again")]
    NoAnswer,
}

/// What the open window has in its hands.
pub struct OneWindow {
    /// Released when it is closed.
    _lock: File,
    listener: Option<TcpListener>,
    address: SocketAddr,
    secret: String,
    sender: Sender<Handed>,
    handed: Receiver<Handed>,
    closing: CancelToken,
    thread: Option<JoinHandle<()>>,
}

/// Opens the window for this library, or hands the recording to the one that is open.
pub fn claim(paths: &AppPaths, recording: Option<&Path>) -> Result<Claim, ClaimError> {
    let (lock_file, port_file) = (paths.data_dir.join("window.lock"), paths.data_dir.join("window.port"));
    files::create_private_folder(&paths.data_dir)?;
    let lock = File::create(&lock_file).map_err(FileError::of("write", &lock_file))?;
    match lock.try_lock() {
        Ok(()) => OneWindow::open(lock, &port_file).map(Claim::Ours),
        Err(TryLockError::WouldBlock) => hand_over(&port_file, recording).map(|()| Claim::HandedOver),
        Err(TryLockError::Error(error)) => Err(FileError::of("lock", &lock_file)(error).into()),
    }
}

impl OneWindow {
    fn open(lock: File, port_file: &Path) -> Result<Self, ClaimError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(ClaimError::Port)?;
        let address = listener.local_addr().map_err(ClaimError::Port)?;
        let secret = format!("{:016x}{:016x}", chance(), chance());
        files::write_private(port_file, format!("{} {secret}", address.port()).as_bytes())?;
        let (sender, handed) = unbounded();
        let (listener, closing, thread) = (Some(listener), CancelToken::default(), None);
        Ok(Self { _lock: lock, listener, address, secret, sender, handed, closing, thread })
    }

    /// Begins to listen. `wake` is called when something was handed over.
    pub fn listen(&mut self, wake: Wake) {
        let Some(listener) = self.listener.take() else { return };
        let (secret, sender, closing) = (self.secret.clone(), self.sender.clone(), self.closing.clone());
        let listen = move || {
            for stream in listener.incoming() {
                if closing.is_cancelled() {
                    return;
                }
                match stream.and_then(|stream| taken(stream, &secret)) {
                    Ok(handed) => {
                        // Fails only once the window is gone.
                        if sender.send(handed).is_err() {
                            return;
                        }
                        wake();
                    }
                    Err(error) => tracing::debug!("what another program wanted of this window: {error}"),
                }
            }
        };
        match thread::Builder::new().name("hansard-handover".to_owned()).spawn(listen) {
            Ok(thread) => self.thread = Some(thread),
            Err(error) => tracing::warn!("other starts of Hansard are not heard, for there is no thread: {error}"),
        }
    }

    /// What was handed over next, once.
    pub fn take_handed(&self) -> Option<Handed> {
        self.handed.try_recv().ok()
    }
}

impl Drop for OneWindow {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.closing.cancel();
        // It waits for somebody to come.
        match TcpStream::connect(self.address) {
            Ok(_) => {
                if thread.join().is_err() {
                    tracing::error!("the thread that hears other starts of Hansard panicked");
                }
            }
            Err(error) => tracing::warn!("the thread that hears other starts of Hansard is left to itself: {error}"),
        }
    }
}

/// Takes what somebody wants, if it is the user.
fn taken(mut stream: TcpStream, secret: &str) -> io::Result<Handed> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut message = String::new();
    (&stream).take(MAX_MESSAGE_BYTES).read_to_string(&mut message)?;
    let Some((_, path)) = message.split_once('\n').filter(|(said, _)| *said == secret) else {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it does not know the secret"));
    };
    stream.write_all(TAKEN)?;
    Ok(Handed { recording: (!path.is_empty()).then(|| PathBuf::from(path)) })
}

fn hand_over(port_file: &Path, recording: Option<&Path>) -> Result<(), ClaimError> {
    let path = recording.map(|path| absolute(path).unwrap_or_else(|_| path.to_path_buf()));
    let path = match path.as_deref().map(Path::to_str) {
        None => "",
        Some(Some(path)) => path,
        // Its name cannot be said in UTF-8.
        Some(None) => return Err(ClaimError::NoAnswer),
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask(port_file, path) {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() < deadline => tracing::debug!("the open window: {error}"),
            Err(_) => return Err(ClaimError::NoAnswer),
        }
        thread::sleep(BETWEEN_TRIES);
    }
}

fn ask(port_file: &Path, path: &str) -> io::Result<()> {
    let known = fs::read_to_string(port_file)?;
    let port_and_secret = known.split_once(' ').and_then(|(port, secret)| Some((port.parse::<u16>().ok()?, secret)));
    let Some((port, secret)) = port_and_secret else { return Err(io::ErrorKind::InvalidData.into()) };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "{secret}\n{path}")?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.take(TAKEN.len() as u64).read_to_end(&mut answer)?;
    if answer == TAKEN { Ok(()) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
}

/// A number that nobody can guess: the key of a new hasher is drawn from what the system has of chance.
fn chance() -> u64 {
    RandomState::new().hash_one(0_u8)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_second_start_hands_its_recording_to_the_open_window() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let paths = AppPaths::below(root.path());
        let ours = |claim: Result<Claim, ClaimError>| match claim {
            Ok(Claim::Ours(window)) => window,
            Ok(Claim::HandedOver) => panic!("there is no other window"),
            Err(error) => panic!("{error}"),
        };
        let mut window = ours(claim(&paths, None));
        let (woken, wakes) = unbounded();
        window.listen(Arc::new(move || woken.send(()).expect("the test listens")));
        let recording = root.path().join("talk.mp3");
        for recording in [Some(recording), None] {
            let second = claim(&paths, recording.as_deref());
            assert!(matches!(second, Ok(Claim::HandedOver)));
            wakes.recv_timeout(PATIENCE).expect("the window is woken");
            assert_eq!(window.take_handed(), Some(Handed { recording }));
        }
        // Whoever does not know the secret gets nothing.
        let mut stranger = TcpStream::connect(window.address).expect("it listens");
        write!(stranger, "secret\n/etc/passwd").expect("it reads");
        stranger.shutdown(Shutdown::Write).expect("it reads");
        let mut answer = Vec::new();
        stranger.read_to_end(&mut answer).expect("it closes the connection");
        assert_eq!((answer.as_slice(), window.take_handed()), (&b""[..], None));
        drop(window);
        drop(ours(claim(&paths, None)));
    }
}
