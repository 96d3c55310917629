//! What can go wrong with a download, each with the repository, what happened, and what the user can do.

use std::path::PathBuf;
use std::time::Duration;

use crate::files::FileError;

/// A download failed. No message holds the token or the password of a proxy.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The network may not be used.
    #[error(
        "{repository} is not downloaded, for Hansard is offline (--offline, the setting, or HF_HUB_OFFLINE); allow the \
         network, or import the model from a file with `hansard cache import`"
    )]
    Offline {
        /// The repository.
        repository: String,
    },
    /// Its user stopped it.
    #[error("cancelled")]
    Cancelled,
    /// This is no name of a repository, or of a revision.
    #[error("{name:?} cannot be the {what} of a repository on the hub; a repository is named like openai/whisper-tiny")]
    InvalidName {
        /// `name` or `revision`.
        what: &'static str,
        /// What was given.
        name: String,
    },
    /// What is said to be the hub cannot be one.
    #[error("{endpoint:?} is no address of a hub: {reason}; correct or unset {place}")]
    InvalidEndpoint {
        /// What says so: a variable, or a setting.
        place: &'static str,
        /// What it is set to.
        endpoint: String,
        /// What is wrong.
        reason: String,
    },
    /// The owners of the repository want its conditions accepted first.
    #[error(
        "{repository} is gated: sign in at {page}, accept its conditions there, and give Hansard a token of that \
         account (from {token_page})"
    )]
    Gated {
        /// The repository.
        repository: String,
        /// Where its conditions are accepted.
        page: String,
        /// Where tokens are made.
        token_page: String,
    },
    /// The account of the token has not accepted the conditions of the repository, or not been let in yet.
    #[error(
        "{repository} is gated, and the account of your token may not read it yet: accept its conditions at {page}; \
         some owners then take time to agree"
    )]
    GatedForAccount {
        /// The repository.
        repository: String,
        /// Where its conditions are accepted.
        page: String,
    },
    /// The hub does not know the token.
    #[error("the hub refuses your token, so {repository} cannot be read: make a new one at {token_page}")]
    WrongToken {
        /// The repository.
        repository: String,
        /// Where tokens are made.
        token_page: String,
    },
    /// The hub knows the token, but it does not allow this.
    #[error(
        "the hub does not let you read {repository} ({message}): see {page}, and what your token allows at {token_page}"
    )]
    Forbidden {
        /// The repository.
        repository: String,
        /// What the hub said.
        message: String,
        /// The repository's page.
        page: String,
        /// Where tokens are made.
        token_page: String,
    },
    /// There is no such repository, or none that may be seen.
    #[error(
        "there is no repository {repository} on the hub, or it is private and your token does not open it: see {page}"
    )]
    RepositoryNotFound {
        /// The repository.
        repository: String,
        /// Where its page would be.
        page: String,
    },
    /// The repository has no such branch, tag or commit.
    #[error("{repository} has no revision {revision}: see {page}/commits/main")]
    RevisionNotFound {
        /// The repository.
        repository: String,
        /// What was asked for.
        revision: String,
        /// The repository's page.
        page: String,
    },
    /// The repository lacks a file.
    #[error("{repository} has no file {name} at revision {revision}: see {page}/tree/{revision}")]
    FileNotFound {
        /// The repository.
        repository: String,
        /// The file.
        name: String,
        /// The commit.
        revision: String,
        /// The repository's page.
        page: String,
    },
    /// The hub wants fewer requests.
    #[error("the hub limits how often {repository} may be read{}; try again later, or with a token", after(*wait_secs))]
    RateLimited {
        /// The repository.
        repository: String,
        /// How long the hub asks to wait, if it says.
        wait_secs: Option<u64>,
    },
    /// The hub has a problem of its own.
    #[error("{host} answers {status} for {repository}; try again later")]
    Server {
        /// The repository.
        repository: String,
        /// Who answered.
        host: String,
        /// The status of HTTP.
        status: u16,
    },
    /// It does not want to give that, and waiting will not change it.
    #[error(
        "{host} refuses {repository}: {reason} (status {status}); see {page}, or check HF_ENDPOINT and the proxies"
    )]
    Refused {
        /// The repository.
        repository: String,
        /// Who answered.
        host: String,
        /// What that means.
        reason: &'static str,
        /// The status of HTTP.
        status: u16,
        /// The repository's page.
        page: String,
    },
    /// A page came instead of what was asked for.
    #[error(
        "{host} answers with a web page instead of {repository}: a network that asks its guests to sign in does this; \
         open a browser, sign in, and try again"
    )]
    Portal {
        /// The repository.
        repository: String,
        /// Who answered.
        host: String,
    },
    /// The answer makes no sense.
    #[error("{host} answers for {repository} what Hansard does not understand: {reason}")]
    Answer {
        /// The repository.
        repository: String,
        /// Who answered.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// The connection could not be secured.
    #[error(
        "no secure connection to {host} for {repository}: {reason}; check the clock of this machine, and if your \
         network has certificates of its own, that the system trusts them (or SSL_CERT_FILE names them)"
    )]
    Tls {
        /// The repository.
        repository: String,
        /// Who was called.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// The proxy does not do its work.
    #[error(
        "the proxy {proxy} does not connect to {host} for {repository}: {reason}; check HTTPS_PROXY, HTTP_PROXY, \
         ALL_PROXY and NO_PROXY"
    )]
    Proxy {
        /// The repository.
        repository: String,
        /// The proxy, without its password.
        proxy: String,
        /// Who was called.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// Nobody answers.
    #[error("{host} cannot be reached for {repository}: {reason}; check the connection of this machine")]
    Unreachable {
        /// The repository.
        repository: String,
        /// Who was called.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// The connection was lost, again and again.
    #[error(
        "the connection was lost while {name} of {repository} came: {reason}; the next download goes on from there"
    )]
    Lost {
        /// The repository.
        repository: String,
        /// The file.
        name: String,
        /// What happened.
        reason: String,
    },
    /// What came is not what the hub announced, twice.
    #[error(
        "{name} of {repository} arrives damaged: expected {expected}, got {found}; try again later or on another \
         network"
    )]
    Damaged {
        /// The repository.
        repository: String,
        /// The file.
        name: String,
        /// The checksum or size that the hub announced.
        expected: String,
        /// That of what came.
        found: String,
    },
    /// The disk is too small.
    #[error(
        "{repository} needs {} MB more on the disk of {}, which has {} MB free; make room or choose another folder \
         with --cache-dir",
        megabytes(*n_needed),
        folder.display(),
        megabytes(*n_free)
    )]
    DiskFull {
        /// The repository.
        repository: String,
        /// Where it would go.
        folder: PathBuf,
        /// Bytes that are missing of it.
        n_needed: u64,
        /// Bytes that are free.
        n_free: u64,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// How an attempt failed, and whether another one makes sense.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was stopped; nothing is wrong.
    Interrupted,
    /// It may pass.
    Passing {
        error: DownloadError,
        /// How long the server asks to wait.
        wait: Option<Duration>,
    },
    /// Trying again would change nothing.
    Lasting(DownloadError),
}

impl Failure {
    pub(super) fn passing(error: DownloadError) -> Self {
        Self::Passing { error, wait: None }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::Lasting(error.into())
    }
}

fn after(wait_secs: Option<u64>) -> String {
    wait_secs.map_or_else(String::new, |secs| format!(", and asks for {secs} seconds of rest"))
}

fn megabytes(n_bytes: u64) -> u64 {
    n_bytes.div_ceil(1_000_000)
}
