//! A hub on this machine: a server that speaks the protocol of the Hugging Face hub, another one that keeps the large
//! files to which it redirects, and a proxy. They do as they are told, also what is wrong, and count what they send.
//!
//! ```text
//! GET /api/models/OWNER/NAME/revision/REVISION   commit and files, with sizes and checksums
//! GET /OWNER/NAME/resolve/COMMIT/FILE            a small file itself; for a large one the way to the store
//! GET /blob/SHA256                               (store) a large file, or the part of it that is asked for
//! ```
//! Every connection serves one request. Threads are joined when a server is dropped.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sha1::{Digest, Sha1};
use sha2::Sha256;

/// From this size on, files are in the store.
const LARGE: usize = 1000;
/// A client that sends nothing for so long is dropped, so that a test ends that has gone wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where something goes wrong. Files are those of the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Listing,
    /// Where the hub says where a file is, or sends it if it is small.
    Resolve(&'static str),
    /// Where the store sends a large file.
    Content(&'static str),
}

/// What goes wrong, once.
pub(crate) enum Fault {
    /// This status with these headers and nothing else.
    Answer(u16, &'static [(&'static str, &'static str)]),
    /// Status 200 with this instead of what was asked for.
    Instead { kind: &'static str, text: &'static str },
    /// The connection ends after so many bytes of the content.
    CutAfter(usize),
    /// Nothing more comes after so many bytes until the gate is sent something; if it is dropped, nothing comes at all.
    HoldAfter(usize, Receiver<()>),
    /// As many bytes as there should be, but others.
    WrongBytes,
    /// The whole file, whichever part is asked for.
    IgnoreRange,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// By their names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    /// Whether it came to the store.
    pub(crate) at_store: bool,
}

pub(crate) struct HubServer {
    shared: Arc<Shared>,
    hub: Server,
    store: Server,
}

struct Shared {
    repository: String,
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// Sizes that the list claims against the truth.
    claims: Mutex<BTreeMap<String, u64>>,
    faults: Mutex<BTreeMap<Stage, VecDeque<Fault>>>,
    requests: Mutex<Vec<Request>>,
    token: Mutex<Option<String>>,
    lists_sizes: AtomicBool,
    n_content_bytes: AtomicUsize,
    store: OnceLock<SocketAddr>,
}

impl HubServer {
    pub(crate) fn start(repository: &str, files: &[(&str, Vec<u8>)]) -> Self {
        let shared = Arc::new(Shared {
            repository: repository.to_owned(),
            files: Mutex::new(files.iter().map(|(name, content)| ((*name).to_owned(), content.clone())).collect()),
            claims: Mutex::default(),
            faults: Mutex::default(),
            requests: Mutex::default(),
            token: Mutex::default(),
            lists_sizes: AtomicBool::new(true),
            n_content_bytes: AtomicUsize::new(0),
            store: OnceLock::new(),
        });
        let serving = |at_store| {
            let shared = shared.clone();
            Server::start(move |stream| shared.serve(stream, at_store))
        };
        let (hub, store) = (serving(false), serving(true));
        shared.store.set(store.address).expect("set once");
        Self { shared, hub, store }
    }

    /// For `HF_ENDPOINT`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.hub.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.hub.address
    }

    pub(crate) fn store_address(&self) -> SocketAddr {
        self.store.address
    }

    /// The commit of what the repository holds now.
    pub(crate) fn commit(&self) -> String {
        self.shared.commit()
    }

    /// Puts a fault behind those that are to come at this stage.
    pub(crate) fn fault(&self, stage: Stage, fault: Fault) -> &Self {
        self.shared.faults.lock().expect("no panic").entry(stage).or_default().push_back(fault);
        self
    }

    /// Gives a file new content.
    pub(crate) fn change(&self, name: &str, content: Vec<u8>) {
        self.shared.files.lock().expect("no panic").insert(name.to_owned(), content);
    }

    /// Lets the list say that a file is so large.
    pub(crate) fn claim_size(&self, name: &str, n_bytes: u64) {
        self.shared.claims.lock().expect("no panic").insert(name.to_owned(), n_bytes);
    }

    /// Lets the list leave sizes and checksums out, as some mirrors do.
    pub(crate) fn hide_sizes(&self) {
        self.shared.lists_sizes.store(false, Ordering::Relaxed);
    }

    /// Makes the repository gated for all but the bearer of this token.
    pub(crate) fn require_token(&self, token: &str) {
        *self.shared.token.lock().expect("no panic") = Some(token.to_owned());
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().expect("no panic").clone()
    }

    /// How many bytes of files were sent, by hub and store.
    pub(crate) fn n_content_bytes(&self) -> usize {
        self.shared.n_content_bytes.load(Ordering::SeqCst)
    }

    /// How many connections were made, to hub and store.
    pub(crate) fn n_connections(&self) -> usize {
        self.hub.n_connections() + self.store.n_connections()
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream, at_store: bool) -> io::Result<()> {
        let Some(request) = read_request(stream, at_store)? else { return Ok(()) };
        self.requests.lock().expect("no panic").push(request.clone());
        let path = request.path.split('?').next().unwrap_or_default();
        if at_store {
            return self.serve_blob(stream, &request, path.strip_prefix("/blob/").unwrap_or_default());
        }
        if let Some(revision) = path.strip_prefix(&format!("/api/models/{}/revision/", self.repository)) {
            return self.serve_listing(stream, &request, revision);
        }
        let resolved = path.strip_prefix(&format!("/{}/resolve/", self.repository)).and_then(|at| at.split_once('/'));
        match resolved {
            Some((_, name)) => self.serve_file(stream, &request, name),
            // As the hub has it: to strangers it does not say whether there is a private one.
            None => respond(stream, 401, &[("X-Error-Code", "RepoNotFound")], b""),
        }
    }

    fn serve_listing(&self, stream: &TcpStream, request: &Request, revision: &str) -> io::Result<()> {
        let commit = self.commit();
        match self.next_fault(Stage::Listing) {
            Some(fault) => return misbehave(stream, &fault),
            None if self.refuses(stream, request)? => return Ok(()),
            None if revision != "main" && revision != commit => {
                return respond(stream, 404, &[("X-Error-Code", "RevisionNotFound")], b"");
            }
            None => {}
        }
        let claims = self.claims.lock().expect("no panic").clone();
        let siblings: Vec<_> = self
            .files
            .lock()
            .expect("no panic")
            .iter()
            .map(|(name, content)| {
                let size = claims.get(name).copied().unwrap_or(content.len() as u64);
                if !self.lists_sizes.load(Ordering::Relaxed) {
                    serde_json::json!({ "rfilename": name })
                } else if content.len() >= LARGE {
                    let lfs = serde_json::json!({ "sha256": sha256(content), "size": size, "pointerSize": 135 });
                    serde_json::json!({ "rfilename": name, "size": size, "blobId": "0".repeat(40), "lfs": lfs })
                } else {
                    serde_json::json!({ "rfilename": name, "size": size, "blobId": git_sha1(content) })
                }
            })
            .collect();
        let body = serde_json::json!({ "id": self.repository, "sha": commit, "siblings": siblings }).to_string();
        respond(stream, 200, &[("Content-Type", "application/json; charset=utf-8")], body.as_bytes())
    }

    fn serve_file(&self, stream: &TcpStream, request: &Request, name: &str) -> io::Result<()> {
        let fault = self.next_fault_of(name, Stage::Resolve);
        if self.refuses(stream, request)? {
            return Ok(());
        }
        let Some(content) = self.files.lock().expect("no panic").get(name).cloned() else {
            return respond(stream, 404, &[("X-Error-Code", "EntryNotFound")], b"");
        };
        let commit = self.commit();
        if content.len() < LARGE {
            let etag = format!("\"{}\"", git_sha1(&content));
            let headers = [("X-Repo-Commit", commit.as_str()), ("ETag", etag.as_str())];
            return self.send(stream, request, &headers, &content, fault.as_ref());
        }
        if let Some(fault) = fault {
            return misbehave(stream, &fault);
        }
        let sum = sha256(&content);
        let store = self.store.get().expect("set at the start");
        let location = format!("http://{store}/blob/{sum}?signature=secret");
        let (size, etag) = (content.len().to_string(), format!("\"{sum}\""));
        let headers = [
            ("Location", location.as_str()),
            ("X-Repo-Commit", commit.as_str()),
            ("X-Linked-Size", size.as_str()),
            ("X-Linked-ETag", etag.as_str()),
        ];
        respond(stream, 302, &headers, b"Found. Redirecting to the store")
    }

    fn serve_blob(&self, stream: &TcpStream, request: &Request, sum: &str) -> io::Result<()> {
        if request.headers.contains_key("authorization") {
            return respond(stream, 400, &[], b"a token came to the store");
        }
        let files = self.files.lock().expect("no panic").clone();
        let Some((name, content)) = files.into_iter().find(|(_, content)| sha256(content) == sum) else {
            return respond(stream, 404, &[], b"");
        };
        let fault = self.next_fault_of(&name, Stage::Content);
        let etag = format!("\"{sum}\"");
        self.send(stream, request, &[("ETag", etag.as_str())], &content, fault.as_ref())
    }

    /// Sends a file or the part of it that is asked for.
    fn send(
        &self,
        stream: &TcpStream,
        request: &Request,
        headers: &[(&str, &str)],
        content: &[u8],
        fault: Option<&Fault>,
    ) -> io::Result<()> {
        if let Some(fault @ (Fault::Answer(..) | Fault::Instead { .. })) = fault {
            return misbehave(stream, fault);
        }
        let etag = headers.iter().find(|(name, _)| *name == "ETag").map(|(_, etag)| *etag);
        let is_same = request.headers.get("if-range").is_none_or(|wanted| Some(wanted.as_str()) == etag);
        let first = request
            .headers
            .get("range")
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
        let first = first.filter(|_| is_same && !matches!(fault, Some(Fault::IgnoreRange)));
        let mut part = content[first.unwrap_or(0)..].to_vec();
        if matches!(fault, Some(Fault::WrongBytes)) {
            part[0] ^= 1;
        }
        let mut head = headers.iter().map(|&(name, value)| (name, value.to_owned())).collect::<Vec<_>>();
        head.push(("Content-Length", part.len().to_string()));
        head.push(("Accept-Ranges", "bytes".to_owned()));
        if let Some(first) = first {
            head.push(("Content-Range", format!("bytes {first}-{}/{}", content.len() - 1, content.len())));
        }
        let mut out = stream;
        out.write_all(head_of(if first.is_some() { 206 } else { 200 }, &head).as_bytes())?;
        if request.method == "HEAD" {
            return Ok(());
        }
        let (at_first, rest) = match fault {
            Some(Fault::CutAfter(n) | Fault::HoldAfter(n, _)) => part.split_at((*n).min(part.len())),
            _ => part.split_at(part.len()),
        };
        self.count(&mut out, at_first)?;
        match fault {
            Some(Fault::HoldAfter(_, gate)) if gate.recv().is_ok() => self.count(&mut out, rest),
            _ => Ok(()),
        }
    }

    fn count(&self, out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
        // Before they are sent: when the client has them all, they shall be counted.
        self.n_content_bytes.fetch_add(bytes.len(), Ordering::SeqCst);
        out.write_all(bytes)
    }

    /// Whether the token was missing or wrong, and that was answered.
    fn refuses(&self, stream: &TcpStream, request: &Request) -> io::Result<bool> {
        let Some(token) = self.token.lock().expect("no panic").clone() else { return Ok(false) };
        match request.headers.get("authorization") {
            None => respond(stream, 401, &[("X-Error-Code", "GatedRepo")], b"")?,
            Some(given) if *given == format!("Bearer {token}") => return Ok(false),
            Some(_) => {
                respond(stream, 401, &[("X-Error-Message", "Invalid credentials in Authorization header")], b"")?;
            }
        }
        Ok(true)
    }

    fn next_fault(&self, stage: Stage) -> Option<Fault> {
        self.faults.lock().expect("no panic").get_mut(&stage)?.pop_front()
    }

    fn next_fault_of(&self, name: &str, stage: fn(&'static str) -> Stage) -> Option<Fault> {
        let mut faults = self.faults.lock().expect("no panic");
        let is_it = |key: &Stage| match *key {
            Stage::Resolve(file) | Stage::Content(file) => file == name && *key == stage(file),
            Stage::Listing => false,
        };
        faults.iter_mut().find(|(key, _)| is_it(key))?.1.pop_front()
    }

    fn commit(&self) -> String {
        let files = self.files.lock().expect("no panic");
        git_sha1(
            files.iter().fold(Vec::new(), |all, (name, content)| [&all, name.as_bytes(), content].concat()).as_slice(),
        )
    }
}

/// A proxy that tunnels by CONNECT, or refuses to.
pub(crate) struct ProxyServer {
    server: Server,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ProxyServer {
    pub(crate) fn start() -> Self {
        Self::answering(200)
    }

    pub(crate) fn refusing() -> Self {
        Self::answering(407)
    }

    fn answering(status: u16) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let server = Server::start({
            let asked = asked.clone();
            move |client| {
                let Some(request) = read_request(client, false)? else { return Ok(()) };
                asked.lock().expect("no panic").push(request.path.clone());
                if request.method != "CONNECT" || status != 200 {
                    return respond(client, status, &[], b"");
                }
                let target = TcpStream::connect(&request.path)?;
                let mut out = client;
                out.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
                thread::scope(|scope| {
                    // Either end may go first.
                    scope.spawn(|| pass(client, &target));
                    pass(&target, client);
                });
                Ok(())
            }
        });
        Self { server, asked }
    }

    /// For `HTTPS_PROXY`.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// The hosts to which tunnels were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// Passes bytes on until one end is closed, then closes the other.
fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    // What breaks a tunnel is seen at its ends.
    drop(io::copy(&mut from, &mut to));
    drop(to.shutdown(Shutdown::Both));
}

/// A server of any kind: one thread that accepts, and one for each connection.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<ServerState>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct ServerState {
    is_stopped: AtomicBool,
    n_connections: AtomicUsize,
}

impl Server {
    /// Starts a server that gives each connection to `serve`; a connection that fails is the client's to notice.
    pub(crate) fn start(serve: impl Fn(&TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(ServerState::default());
        let thread = thread::spawn({
            let state = state.clone();
            move || {
                thread::scope(|scope| {
                    for stream in listener.incoming() {
                        if state.is_stopped.load(Ordering::SeqCst) {
                            break;
                        }
                        let Ok(stream) = stream else { continue };
                        state.n_connections.fetch_add(1, Ordering::SeqCst);
                        let serve = &serve;
                        scope.spawn(move || {
                            drop(stream.set_read_timeout(Some(PATIENCE)));
                            drop(serve(&stream));
                            drop(stream.shutdown(Shutdown::Both));
                        });
                    }
                });
            }
        });
        Self { address, state, thread: Some(thread) }
    }

    pub(crate) fn n_connections(&self) -> usize {
        self.state.n_connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.is_stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn misbehave(stream: &TcpStream, fault: &Fault) -> io::Result<()> {
    match fault {
        Fault::Answer(status, headers) => respond(stream, *status, headers, b""),
        Fault::Instead { kind, text } => respond(stream, 200, &[("Content-Type", kind)], text.as_bytes()),
        Fault::CutAfter(_) | Fault::HoldAfter(..) | Fault::WrongBytes | Fault::IgnoreRange => {
            panic!("only the content of a file can be cut, held or wrong")
        }
    }
}

fn respond(stream: &TcpStream, status: u16, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
    let mut head = headers.iter().map(|&(name, value)| (name, value.to_owned())).collect::<Vec<_>>();
    head.push(("Content-Length", body.len().to_string()));
    let mut out = stream;
    out.write_all(head_of(status, &head).as_bytes())?;
    out.write_all(body)
}

fn head_of(status: u16, headers: &[(&str, String)]) -> String {
    let mut head = format!("HTTP/1.1 {status} Told\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").expect("a string takes all that is written");
    }
    head + "Connection: close\r\n\r\n"
}

/// The head of a request; `None` if the client went away or does not speak HTTP. No request here has a body.
fn read_request(stream: &TcpStream, at_store: bool) -> io::Result<Option<Request>> {
    let mut lines = BufReader::new(stream.take(64 * 1024)).lines();
    let Some(first) = lines.next().transpose()? else { return Ok(None) };
    let mut words = first.split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    Ok(Some(Request { method: method.to_owned(), path: path.to_owned(), headers, at_store }))
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn git_sha1(bytes: &[u8]) -> String {
    hex(&Sha1::new_with_prefix(format!("blob {}\0", bytes.len())).chain_update(bytes).finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all that is written");
        text
    })
}
