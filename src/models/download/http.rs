//! Requests to the hub: redirects, the token, proxies, and what an answer or the lack of one means.
//!
//! This is plain HTTP by ureq instead of the crate hf-hub 1.0. Most weights lie in the hub's chunk store, where its
//! `download_file_stream` leaves HTTP for a protocol of its own (hf-xet) that knows neither `ETag` nor If-Range, and
//! its blocking face waits in a runtime of its own that cannot be interrupted. Resuming what is unchanged and stopping
//! within a second cannot be built on that, and it would bring tokio, reqwest, hyper and hf-xet.
//!
//! Redirects are followed here and not by ureq, because each hop decides anew about the token and the proxy.

use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};
use ureq::http::HeaderMap;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector, TcpConnector, Transport,
};
use ureq::{Agent, Body, Proxy};
use url::Url;

use super::HubSettings;
use super::control::Interrupt;
use super::error::{DownloadError, Failure};

/// How often a wait looks whether it shall end: well within the second that cancelling may take.
const POLL: Duration = Duration::from_millis(100);
const RESOLVE_LIMIT: Duration = Duration::from_secs(10);
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
const MAX_REDIRECTS: usize = 8;
/// Lists of files are far shorter.
const MAX_TEXT_BYTES: u64 = 16 * 1024 * 1024;

/// Speaks to one hub about one repository, until interrupted.
pub(super) struct Client {
    agent: Agent,
    settings: HubSettings,
    endpoint: Url,
    repository: String,
    interrupt: Interrupt,
}

/// The last answer of a chain of redirects.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    /// Who gave it.
    pub(super) url: Url,
}

/// How a request is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    Head,
}

impl Client {
    pub(super) fn new(settings: &HubSettings, repository: &str, interrupt: Interrupt) -> Result<Self, DownloadError> {
        let invalid = |reason: String| DownloadError::InvalidEndpoint {
            place: settings.endpoint_source,
            endpoint: settings.endpoint.clone(),
            reason,
        };
        let endpoint = Url::parse(&settings.endpoint).map_err(|error| invalid(error.to_string()))?;
        if !matches!(endpoint.scheme(), "http" | "https") || endpoint.host_str().is_none() {
            return Err(invalid("it does not begin with https://".to_owned()));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .https_only(endpoint.scheme() == "https")
            .proxy(None)
            .user_agent(concat!("hansard/", env!("CARGO_PKG_VERSION")))
            // Compressed answers have no byte to resume from.
            .accept_encoding("identity")
            .timeout_resolve(Some(RESOLVE_LIMIT))
            .timeout_connect(Some(CONNECT_LIMIT))
            .timeout_recv_response(Some(settings.stall))
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .build();
        let interruptible = InterruptibleConnector { interrupt: interrupt.clone(), stall: settings.stall };
        let connector =
            ().chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(interruptible)
                .chain(RustlsConnector::default());
        let agent = Agent::with_parts(config, connector, DefaultResolver::default());
        Ok(Self { agent, settings: settings.clone(), endpoint, repository: repository.to_owned(), interrupt })
    }

    pub(super) fn repository(&self) -> &str {
        &self.repository
    }

    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The page of the repository for people.
    pub(super) fn page(&self) -> String {
        self.address(&[&self.repository]).to_string()
    }

    /// An address of the hub. The parts may hold slashes, which stay; all else that needs it is escaped.
    pub(super) fn address(&self, parts: &[&str]) -> Url {
        let mut address = self.endpoint.clone();
        address
            .path_segments_mut()
            .expect("an address with a host has a path")
            .pop_if_empty()
            .extend(parts.iter().flat_map(|part| part.split('/')));
        address
    }

    /// Asks for what is at `address`, with these headers, wherever redirects lead.
    pub(super) fn get(&self, address: &Url, headers: &[(&str, String)]) -> Result<Answer, Failure> {
        let mut url = address.clone();
        for _ in 0..MAX_REDIRECTS {
            let answer = self.ask(Method::Get, &url, headers)?;
            match redirection(&answer) {
                None => return Ok(answer),
                Some(Ok(target)) => url = target,
                Some(Err(reason)) => return Err(Failure::Lasting(self.not_understood(&url, reason))),
            }
        }
        Err(Failure::Lasting(self.not_understood(&url, "it redirects without end".to_owned())))
    }

    /// What the hub itself says about `address`, without its content and without following redirects.
    pub(super) fn head(&self, address: &Url) -> Result<Answer, Failure> {
        self.ask(Method::Head, address, &[])
    }

    /// An answer's whole content, for answers that are no files.
    pub(super) fn text(&self, mut answer: Answer) -> Result<String, Failure> {
        let text = answer.body.with_config().limit(MAX_TEXT_BYTES).lossy_utf8(true).read_to_string();
        text.map_err(|error| self.failure_of(error, &answer.url, None))
    }

    /// `host` did not send what it should have.
    pub(super) fn not_understood(&self, url: &Url, reason: String) -> DownloadError {
        DownloadError::Answer { repository: self.repository.clone(), host: host_of(url), reason }
    }

    /// Whether `url` is the hub's and not that of a store to which it redirects.
    fn is_hub(&self, url: &Url) -> bool {
        url.origin() == self.endpoint.origin()
    }

    fn ask(&self, method: Method, url: &Url, headers: &[(&str, String)]) -> Result<Answer, Failure> {
        let proxy_address = self.settings.proxies.for_url(url);
        let proxy = proxy_address.map(|address| self.proxy(address, url)).transpose()?;
        let mut request = match method {
            Method::Get => self.agent.get(url.as_str()),
            Method::Head => self.agent.head(url.as_str()),
        };
        for (name, value) in headers {
            request = request.header(*name, value.as_str());
        }
        // Stores authorise by what is in the address. The token is the hub's alone.
        if let Some(token) = self.settings.token.as_ref().filter(|_| self.is_hub(url)) {
            request = request.header("Authorization", format!("Bearer {}", token.reveal()));
        }
        let request = request.config().proxy(proxy).build();
        let response = self.interruptibly(move || request.call())?;
        let response = response.map_err(|error| self.failure_of(error, url, proxy_address))?;
        let (parts, body) = response.into_parts();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body, url: url.clone() })
    }

    fn proxy(&self, address: &str, url: &Url) -> Result<Proxy, Failure> {
        let refused = |reason: &str| Failure::Lasting(self.proxy_error(address, url, reason.to_owned()));
        if address.split_once("://").is_some_and(|(scheme, _)| !matches!(scheme, "http" | "https")) {
            return Err(refused("Hansard knows HTTP proxies only"));
        }
        // The reason could show the address with its password.
        let Ok(proxy) = Proxy::new(address) else { return Err(refused("its address makes no sense")) };
        Ok(proxy)
    }

    fn proxy_error(&self, address: &str, url: &Url, reason: String) -> DownloadError {
        let proxy = address.rsplit_once('@').map_or(address, |(_, place)| place).to_owned();
        DownloadError::Proxy { repository: self.repository.clone(), proxy, host: host_of(url), reason }
    }

    /// Does `work` in a thread of its own. Name resolution and connecting cannot be stopped; when the download is, that
    /// thread is left to end by the limits of both.
    fn interruptibly<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        let (sender, receiver) = bounded(1);
        let thread = thread::Builder::new().name("hansard-request".to_owned());
        let spawned = thread.spawn(move || {
            // Nobody waits for it any more after an interruption.
            drop(sender.send(work()));
        });
        if let Err(error) = spawned {
            let reason = format!("no thread could be started: {error}");
            return Err(Failure::passing(self.not_understood(&self.endpoint, reason)));
        }
        loop {
            match receiver.recv_timeout(POLL) {
                Ok(value) => return Ok(value),
                Err(RecvTimeoutError::Timeout) if !self.interrupt.is_set() => {}
                Err(RecvTimeoutError::Timeout) => return Err(Failure::Interrupted),
                Err(RecvTimeoutError::Disconnected) => {
                    let reason = "the request ended without an answer".to_owned();
                    return Err(Failure::passing(self.not_understood(&self.endpoint, reason)));
                }
            }
        }
    }

    /// What an error of the connection means for the user.
    fn failure_of(&self, error: ureq::Error, url: &Url, proxy: Option<&str>) -> Failure {
        if self.interrupt.is_set() {
            return Failure::Interrupted;
        }
        let (repository, host, reason) = (self.repository.clone(), host_of(url), error.to_string());
        let unreachable = |reason: &str| {
            let (repository, host) = (self.repository.clone(), host_of(url));
            Failure::passing(DownloadError::Unreachable { repository, host, reason: reason.to_owned() })
        };
        match (error, proxy) {
            (ureq::Error::Rustls(_) | ureq::Error::Tls(_), _) => {
                Failure::Lasting(DownloadError::Tls { repository, host, reason })
            }
            // What rustls finds wrong in the middle of reading.
            (ureq::Error::Io(error), _)
                if url.scheme() == "https" && error.kind() == std::io::ErrorKind::InvalidData =>
            {
                Failure::Lasting(DownloadError::Tls { repository, host, reason: error.to_string() })
            }
            (ureq::Error::ConnectProxyFailed(reason), Some(proxy)) => {
                Failure::Lasting(self.proxy_error(proxy, url, reason))
            }
            (ureq::Error::Io(error), Some(proxy)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                Failure::Lasting(self.proxy_error(proxy, url, "it does not answer".to_owned()))
            }
            (ureq::Error::HostNotFound, Some(proxy)) => {
                Failure::Lasting(self.proxy_error(proxy, url, "its name is unknown".to_owned()))
            }
            // Of a proxied connection, only the proxy's name is looked up.
            (ureq::Error::Io(error), Some(proxy)) if is_about_a_name(&error) => {
                Failure::Lasting(self.proxy_error(proxy, url, "its name is unknown".to_owned()))
            }
            (ureq::Error::HostNotFound, None) => unreachable("its name is unknown"),
            (ureq::Error::Timeout(_), _) => unreachable("it takes too long to answer"),
            (ureq::Error::RequireHttpsOnly(_), _) => {
                Failure::Lasting(self.not_understood(url, "it redirects to an address without encryption".to_owned()))
            }
            (ureq::Error::Io(error), _) => unreachable(&error.to_string()),
            _ => Failure::passing(self.not_understood(url, reason)),
        }
    }

    /// Turns every status that brings neither a file nor a part of one into what it means.
    pub(super) fn check(&self, answer: &Answer, revision: &str, name: Option<&str>) -> Result<(), Failure> {
        let Answer { status, headers, url, .. } = answer;
        let repository = self.repository.clone();
        let page = self.page();
        let token_page = self.address(&["settings", "tokens"]).to_string();
        let code = header(headers, "x-error-code").unwrap_or_default();
        let message = header(headers, "x-error-message").unwrap_or_default();
        let revision = revision.to_owned();
        let lasting = match (*status, code) {
            (200 | 206, _) => return Ok(()),
            // Of a file, the part that was asked for is not there: who asked for it begins anew.
            (416, _) if name.is_some() => return Ok(()),
            // An address of the store that has expired: the hub makes a new one.
            (401 | 403 | 404, _) if !self.is_hub(url) => {
                return Err(Failure::passing(DownloadError::Server {
                    repository,
                    host: host_of(url),
                    status: *status,
                }));
            }
            (401, "GatedRepo") => DownloadError::Gated { repository, page, token_page },
            (403, "GatedRepo") => DownloadError::GatedForAccount { repository, page },
            (_, "RepoNotFound") => DownloadError::RepositoryNotFound { repository, page },
            (_, "RevisionNotFound") => DownloadError::RevisionNotFound { repository, revision, page },
            (404, _) => match name {
                Some(name) => DownloadError::FileNotFound { repository, name: name.to_owned(), revision, page },
                None => DownloadError::RepositoryNotFound { repository, page },
            },
            (401, _) if self.settings.token.is_some() => DownloadError::WrongToken { repository, token_page },
            // To strangers the hub does not say whether a repository is private or not there.
            (401, _) => DownloadError::RepositoryNotFound { repository, page },
            (403, _) => {
                let message = if message.is_empty() { "forbidden" } else { message }.to_owned();
                DownloadError::Forbidden { repository, message, page, token_page }
            }
            (511, _) => DownloadError::Portal { repository, host: host_of(url) },
            (429, _) => {
                let wait_secs = header(headers, "retry-after").and_then(|text| text.trim().parse().ok());
                let error = DownloadError::RateLimited { repository, wait_secs };
                return Err(Failure::Passing { error, wait: wait_secs.map(Duration::from_secs) });
            }
            (408 | 500..=599, _) => {
                return Err(Failure::passing(DownloadError::Server {
                    repository,
                    host: host_of(url),
                    status: *status,
                }));
            }
            (400..=499, _) => {
                let reason = match *status {
                    410 => "it is gone",
                    451 => "it may not be given for legal reasons",
                    418 => "it takes Hansard for somebody else",
                    _ => "it does not accept what Hansard asks",
                };
                DownloadError::Refused { repository, host: host_of(url), reason, status: *status, page }
            }
            _ => DownloadError::Server { repository, host: host_of(url), status: *status },
        };
        Err(Failure::Lasting(lasting))
    }

    /// Fails if a page for people came instead of what programs ask for.
    pub(super) fn check_no_page(&self, answer: &Answer) -> Result<(), Failure> {
        let kind = header(&answer.headers, "content-type").unwrap_or_default().to_ascii_lowercase();
        if answer.status == 200 && kind.starts_with("text/html") {
            let repository = self.repository.clone();
            return Err(Failure::Lasting(DownloadError::Portal { repository, host: host_of(&answer.url) }));
        }
        Ok(())
    }
}

/// A header that is text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether a name could not be looked up. The standard library tells it in words alone.
fn is_about_a_name(error: &std::io::Error) -> bool {
    /// `WSAHOST_NOT_FOUND` of Windows.
    const HOST_NOT_FOUND: i32 = 11001;
    error.to_string().contains("failed to lookup address") || error.raw_os_error() == Some(HOST_NOT_FOUND)
}

/// Host and port, for messages. Not the whole address: those of stores hold signatures.
pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Where an answer redirects to, or why nobody can tell.
fn redirection(answer: &Answer) -> Option<Result<Url, String>> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let Some(location) = header(&answer.headers, "location") else {
        return Some(Err("it redirects to nowhere".to_owned()));
    };
    let target = answer.url.join(location).map_err(|error| format!("it redirects to no address: {error}"));
    Some(target.and_then(|target| match target.scheme() {
        "http" | "https" => Ok(target),
        scheme => Err(format!("it redirects to {scheme}:")),
    }))
}

/// Puts the look at the interruption between the socket and its encryption.
#[derive(Debug)]
struct InterruptibleConnector {
    interrupt: Interrupt,
    stall: Duration,
}

impl<In: Transport> Connector<In> for InterruptibleConnector {
    type Out = Interruptible<In>;

    fn connect(&self, _details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        Ok(chained.map(|socket| Interruptible { socket, interrupt: self.interrupt.clone(), stall: self.stall }))
    }
}

/// A connection whose reader notices within a moment that nobody wants the bytes any more, and gives up one that brings
/// nothing for too long.
#[derive(Debug)]
struct Interruptible<In> {
    socket: In,
    interrupt: Interrupt,
    stall: Duration,
}

impl<In: Transport> Transport for Interruptible<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.socket.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.socket.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let started = Instant::now();
        let limit = timeout.not_zero().map_or(self.stall, |limit| self.stall.min(*limit));
        loop {
            if self.interrupt.is_set() {
                // Not `Interrupted`, on which readers try again.
                return Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted).into());
            }
            match self.socket.await_input(NextTimeout { after: POLL.into(), ..timeout }) {
                Err(ureq::Error::Timeout(_)) if started.elapsed() < limit => {}
                Err(ureq::Error::Timeout(_)) => return Err(ureq::Error::Timeout(timeout.reason)),
                result => return result,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.socket.is_open()
    }

    fn is_tls(&self) -> bool {
        self.socket.is_tls()
    }
}
