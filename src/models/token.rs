//! The token by which the hub knows its user: where it is kept, and that nobody sees it.
//!
//! ```text
//! HF_TOKEN ▶ the keyring of the operating system ▶ the token file of Hugging Face's own tools ▶ Hansard's file
//! ```
//! The first of these that has one counts. Saving goes to the keyring, or where there is none to Hansard's file, which
//! only its user may read; the file of others is never written. The keyring of Linux is asked over D-Bus, so while the
//! network is forbidden no token shall be looked for: nobody needs one then.

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;

use crate::files::{self, FileError};
use crate::paths::AppPaths;

use super::download::Environment;

/// A token of the hub. Neither `Debug` nor any message shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// There is no token, or it cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// This cannot be a token.
    #[error("{origin} holds no token of the hub: a token is one word of letters, digits and underscores, like hf_…")]
    Invalid {
        /// Where it comes from.
        origin: String,
    },
    /// Its file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The keyring keeps it and does not give it up.
    #[error("the keyring does not remove the token: {reason}; unlock it, or remove the entry hansard there")]
    Keyring {
        /// What it said.
        reason: String,
    },
}

/// Where a token was found or put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// The variable `HF_TOKEN`.
    Environment,
    /// The keyring of the operating system.
    Keyring,
    /// The file of Hugging Face's own tools.
    HuggingFace(PathBuf),
    /// Hansard's own file.
    File(PathBuf),
}

impl fmt::Display for TokenSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => out.write_str("HF_TOKEN"),
            Self::Keyring => out.write_str("the keyring"),
            Self::HuggingFace(path) | Self::File(path) => write!(out, "{}", path.display()),
        }
    }
}

/// Whether the keyring is asked. Tests leave that of whoever runs them alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyring {
    /// It is.
    Used,
    /// It is not.
    Ignored,
}

/// The name of the entry in the keyring.
const SERVICE: &str = "hansard";
const ACCOUNT: &str = "hugging-face-token";
const MAX_LEN: usize = 500;

impl Token {
    /// A token as it was typed or stored: blanks around it do not count.
    pub fn new(text: &str, origin: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        let is_right = !text.is_empty() && text.len() <= MAX_LEN && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_right { Ok(Self(text.to_owned())) } else { Err(TokenError::Invalid { origin: origin.to_owned() }) }
    }

    /// For the header of a request, and for its file.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(****)")
    }
}

/// Finds, keeps and forgets the token. It may wait for the user to unlock the keyring, so not in the window's thread.
pub struct TokenStore {
    environment: Environment,
    keyring: Keyring,
    file: PathBuf,
}

impl TokenStore {
    /// That of whoever runs this process.
    pub fn of_this_user(paths: &AppPaths) -> Self {
        Self::new(paths, Environment::of_this_process(), Keyring::Used)
    }

    /// One that looks nowhere else.
    pub fn new(paths: &AppPaths, environment: Environment, keyring: Keyring) -> Self {
        Self { environment, keyring, file: paths.config_dir.join("hub-token") }
    }

    /// The token, and where it comes from.
    pub fn find(&self) -> Result<Option<(Token, TokenSource)>, TokenError> {
        if let Some(text) = self.environment.get("HF_TOKEN") {
            return Ok(Some((Token::new(text, "HF_TOKEN")?, TokenSource::Environment)));
        }
        if let Some(text) = self.in_keyring() {
            return Ok(Some((Token::new(&text, "the keyring")?, TokenSource::Keyring)));
        }
        let theirs = self.hugging_face_file().map(TokenSource::HuggingFace);
        for source in theirs.into_iter().chain([TokenSource::File(self.file.clone())]) {
            if let Some(text) = read(&source)? {
                return Ok(Some((Token::new(&text, &source.to_string())?, source)));
            }
        }
        Ok(None)
    }

    /// Keeps a token from now on, and tells where. What is left elsewhere of earlier ones is removed.
    pub fn save(&self, token: &Token) -> Result<TokenSource, TokenError> {
        let kept =
            self.keyring == Keyring::Used && entry().and_then(|entry| entry.set_password(token.reveal())).is_ok();
        if kept {
            remove(&self.file)?;
            return Ok(TokenSource::Keyring);
        }
        files::write_private(&self.file, format!("{}\n", token.reveal()).as_bytes())?;
        Ok(TokenSource::File(self.file.clone()))
    }

    /// Removes what [`TokenStore::save`] kept.
    pub fn forget(&self) -> Result<(), TokenError> {
        remove(&self.file)?;
        if self.in_keyring().is_some() {
            let removed = entry().and_then(|entry| entry.delete_credential());
            removed.map_err(|error| TokenError::Keyring { reason: error.to_string() })?;
        }
        Ok(())
    }

    /// A machine without a keyring, or with a locked one, is like one with an empty keyring.
    fn in_keyring(&self) -> Option<String> {
        match self.keyring {
            Keyring::Used => entry().and_then(|entry| entry.get_password()).ok(),
            Keyring::Ignored => None,
        }
    }

    fn hugging_face_file(&self) -> Option<PathBuf> {
        let folder = |name: &str| self.environment.get(name).map(PathBuf::from);
        let home = || folder("HOME").or_else(|| folder("USERPROFILE"));
        let caches = || folder("XDG_CACHE_HOME").or_else(|| Some(home()?.join(".cache")));
        let theirs = || folder("HF_HOME").or_else(|| Some(caches()?.join("huggingface")));
        folder("HF_TOKEN_PATH").or_else(|| Some(theirs()?.join("token")))
    }
}

fn entry() -> keyring::Result<keyring::Entry> {
    keyring::Entry::new(SERVICE, ACCOUNT)
}

/// The text of a token file, if there is one with more than blanks.
fn read(source: &TokenSource) -> Result<Option<String>, FileError> {
    let (TokenSource::HuggingFace(path) | TokenSource::File(path)) = source else { return Ok(None) };
    match fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes).trim().to_owned();
            Ok((!text.is_empty()).then_some(text))
        }
        // The tools of Hugging Face may keep it from others; then it is not ours to use.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => Ok(None),
        Err(error) => Err(FileError::of("read", path)(error)),
    }
}

fn remove(path: &std::path::Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::of("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_that_has_a_token_counts() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let paths = AppPaths::below(root.path());
        let home = root.path().to_str().expect("a folder named in Unicode");
        let store = |variables: &[(&str, &str)]| TokenStore::new(&paths, Environment::of(variables), Keyring::Ignored);
        let find = |variables: &[(&str, &str)]| {
            let found = store(variables).find().expect("readable files");
            found.map(|(token, source)| (token.reveal().to_owned(), source))
        };
        assert_eq!(find(&[("HOME", home)]), None);

        let saved = store(&[]).save(&Token::new(" hf_ours\n", "a test").expect("a token")).expect("a writable folder");
        assert_eq!(find(&[("HOME", home)]), Some(("hf_ours".to_owned(), saved.clone())));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let TokenSource::File(path) = &saved else { panic!("without a keyring it is in a file") };
            assert_eq!(fs::metadata(path).expect("just written").permissions().mode() & 0o777, 0o600);
        }

        let theirs = root.path().join(".cache/huggingface/token");
        files::write_atomic(&theirs, b"hf_theirs").expect("a writable folder");
        let expected = Some(("hf_theirs".to_owned(), TokenSource::HuggingFace(theirs)));
        assert_eq!(find(&[("HOME", home)]), expected);
        let elsewhere = root.path().join("elsewhere");
        files::write_atomic(&elsewhere.join("token"), b"hf_elsewhere").expect("a writable folder");
        let hf_home = elsewhere.to_str().expect("a folder named in Unicode");
        assert_eq!(
            find(&[("HOME", home), ("HF_HOME", hf_home)]).map(|(text, _)| text),
            Some("hf_elsewhere".to_owned())
        );
        let by_variable = find(&[("HOME", home), ("HF_TOKEN", "hf_variable")]);
        assert_eq!(by_variable, Some(("hf_variable".to_owned(), TokenSource::Environment)));

        store(&[]).forget().expect("a writable folder");
        assert_eq!(find(&[]), None);
    }

    #[test]
    fn no_message_shows_the_token() {
        let token = Token::new("hf_secret", "a test").expect("a token");
        assert_eq!(format!("{token:?}"), "Token(****)");
        for wrong in ["", "  ", "hf secret", "hf_secret\r\nX-Header: 1", "hf_sécret"] {
            let error = Token::new(wrong, "HF_TOKEN").expect_err("no token");
            assert!(!error.to_string().contains("secret") && error.to_string().contains("HF_TOKEN"), "{error}");
        }
    }
}
