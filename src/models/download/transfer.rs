//! One file from the hub onto the disk: resumed where an earlier attempt stopped, verified, renamed when it is whole.
//!
//! ```text
//! FOLDER/model.safetensors.part         what has arrived
//! FOLDER/model.safetensors.part.json    of which file: checksum, size, and the `ETag` for If-Range
//! FOLDER/model.safetensors              only ever a whole, verified file
//! ```
//! What has arrived is not trusted: its checksum is made again from the disk before more is added, and a file whose
//! checksum is wrong in the end is fetched once more from its first byte.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::files::{self, FileError};

use super::FetchedFile;
use super::control::{Sleep, with_retries};
use super::error::{DownloadError, Failure};
use super::http::{Answer, Client, header};
use super::listing::{Checksum, RemoteFile, address_of_file};
use super::progress::Activity;

/// What a transfer tells while it goes on.
#[derive(Debug)]
pub(super) enum Step {
    /// So many bytes were there already.
    Found(u64),
    /// So many bytes arrived.
    Arrived(u64),
    /// So many bytes of those told before are worth nothing.
    Dropped(u64),
    /// It waits for something.
    Activity(Activity),
}

const N_BUFFER_BYTES: usize = 128 * 1024;
/// A file that came damaged so often is not tried again.
const MAX_DAMAGED: u32 = 2;

/// Where a part ends up.
const PART: &str = ".part";
const NOTE: &str = ".part.json";

/// What is known about a part.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    checksum: Option<String>,
    n_bytes: u64,
    etag: Option<String>,
}

/// Brings one file into `folder`.
pub(super) fn fetch_file(
    client: &Client,
    commit: &str,
    file: &RemoteFile,
    folder: &Path,
    sleep: &Sleep,
    report: &dyn Fn(Step),
) -> Result<FetchedFile, DownloadError> {
    let target = folder.join(&file.name);
    let parent = target.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(FileError::of("create folder", parent))?;
    let mut transfer = Transfer {
        client,
        commit,
        file,
        part: with_suffix(&target, PART),
        note_path: with_suffix(&target, NOTE),
        target,
        report,
        note: Note::default(),
        n_have: 0,
        n_most: 0,
        n_damaged: 0,
        hashes: Hashes::of(file),
    };
    let told = |activity| report(Step::Activity(activity));
    let mut is_prepared = false;
    with_retries(client.interrupt(), sleep, &told, |n_failures| {
        if !is_prepared {
            if let Some(whole) = transfer.whole_already()? {
                return Ok(whole);
            }
            transfer.take_up()?;
            is_prepared = true;
        }
        transfer.attempt(n_failures)
    })
}

/// How much of a file is on the disk, as far as its size tells.
pub(super) fn n_bytes_there(folder: &Path, file: &RemoteFile) -> u64 {
    let target = folder.join(&file.name);
    let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    size(&target).max(size(&with_suffix(&target, PART))).min(file.n_bytes)
}

struct Transfer<'a> {
    client: &'a Client,
    commit: &'a str,
    file: &'a RemoteFile,
    target: PathBuf,
    part: PathBuf,
    note_path: PathBuf,
    report: &'a dyn Fn(Step),
    note: Note,
    /// So many bytes are in the part, and in the hashes.
    n_have: u64,
    /// So many there were at best: only more than that is progress.
    n_most: u64,
    n_damaged: u32,
    hashes: Hashes,
}

impl Transfer<'_> {
    /// The file, if an earlier download that broke off elsewhere has finished it.
    fn whole_already(&mut self) -> Result<Option<FetchedFile>, Failure> {
        match fs::metadata(&self.target) {
            Ok(metadata) if metadata.len() == self.file.n_bytes && self.file.checksum.is_some() => {}
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::of("read", &self.target)(error).into()),
        }
        let mut hashes = Hashes::of(self.file);
        self.hash(&self.target, self.file.n_bytes, &mut hashes)?;
        let sums = hashes.finish();
        if !sums.fit(self.file.checksum.as_ref()) {
            return Ok(None);
        }
        (self.report)(Step::Found(self.file.n_bytes));
        Ok(Some(self.fetched(sums.sha256)))
    }

    /// Takes up what an earlier download left, if it is of the same file.
    fn take_up(&mut self) -> Result<(), Failure> {
        let wanted = self.file.checksum.as_ref().map(|checksum| checksum.digits().to_owned());
        self.note = Note { checksum: wanted, n_bytes: self.file.n_bytes, etag: None };
        let Ok(bytes) = fs::read(&self.note_path) else { return Ok(()) };
        let Ok(note) = serde_json::from_slice::<Note>(&bytes) else { return Ok(()) };
        if (&note.checksum, note.n_bytes) != (&self.note.checksum, self.note.n_bytes) {
            return Ok(());
        }
        // Neither a checksum nor an `ETag` could tell whether it has changed meanwhile.
        if note.checksum.is_none() && note.etag.is_none() {
            return Ok(());
        }
        let n_have = fs::metadata(&self.part).map_or(0, |metadata| metadata.len());
        if n_have == 0 || n_have > self.file.n_bytes {
            return Ok(());
        }
        let mut hashes = Hashes::of(self.file);
        self.hash(&self.part, n_have, &mut hashes)?;
        self.hashes = hashes;
        self.note.etag = note.etag;
        self.n_have = n_have;
        self.n_most = n_have;
        (self.report)(Step::Found(n_have));
        Ok(())
    }

    /// Asks for what is missing, writes what comes, and finishes the file if that is all of it.
    fn attempt(&mut self, n_failures: &mut u32) -> Result<FetchedFile, Failure> {
        if self.n_have < self.file.n_bytes || self.n_have == 0 {
            let answer = self.ask()?;
            let mut part = self.part_for(&answer)?;
            self.receive(answer, &mut part, n_failures)?;
            part.sync_all().map_err(FileError::of("write", &self.part))?;
        }
        let sums = std::mem::replace(&mut self.hashes, Hashes::of(self.file)).finish();
        if !sums.fit(self.file.checksum.as_ref()) {
            let found = sums.like(self.file.checksum.as_ref());
            return Err(self.damaged(found)?);
        }
        fs::rename(&self.part, &self.target).map_err(FileError::of("rename", &self.part))?;
        remove(&self.note_path)?;
        Ok(self.fetched(sums.sha256))
    }

    fn ask(&self) -> Result<Answer, Failure> {
        let mut headers = Vec::new();
        if self.n_have > 0 {
            headers.push(("Range", format!("bytes={}-", self.n_have)));
            // With this, a file that has changed meanwhile comes whole.
            headers.extend(self.note.etag.iter().map(|etag| ("If-Range", etag.clone())));
        }
        let answer = self.client.get(&address_of_file(self.client, self.commit, &self.file.name), &headers)?;
        self.client.check(&answer, self.commit, Some(&self.file.name))?;
        if !Path::new(&self.file.name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("html")) {
            self.client.check_no_page(&answer)?;
        }
        Ok(answer)
    }

    /// Opens the part at the byte where the answer goes on.
    fn part_for(&mut self, answer: &Answer) -> Result<File, Failure> {
        let goes_on = answer.status == 206 && content_range(answer) == Some((self.n_have, self.file.n_bytes));
        if answer.status != 200 && !goes_on {
            if self.n_have == 0 {
                let reason = format!("{} for the whole of {}", answer.status, self.file.name);
                return Err(Failure::Lasting(self.client.not_understood(&answer.url, reason)));
            }
            // Not the part that was asked for: the next attempt asks for all of it.
            self.start_over();
            return Err(Failure::passing(self.lost(format!("{} for a part of it", answer.status))));
        }
        if answer.status == 200 {
            self.start_over();
            self.note.etag = header(&answer.headers, "etag").filter(|etag| etag.starts_with('"')).map(str::to_owned);
        }
        let opened = || -> io::Result<File> {
            let mut part = File::options().create(true).truncate(false).write(true).open(&self.part)?;
            part.set_len(self.n_have)?;
            part.seek(SeekFrom::Start(self.n_have))?;
            Ok(part)
        };
        let part = opened().map_err(FileError::of("write", &self.part))?;
        if answer.status == 200 {
            // Behind the emptied part and before its bytes, so that it never speaks of others.
            let note = serde_json::to_vec(&self.note).expect("text and numbers have a JSON form");
            files::write_atomic(&self.note_path, &note)?;
        }
        Ok(part)
    }

    fn receive(&mut self, answer: Answer, part: &mut File, n_failures: &mut u32) -> Result<(), Failure> {
        let mut body = answer.body.into_reader();
        let mut buffer = vec![0; N_BUFFER_BYTES];
        loop {
            if self.client.interrupt().is_set() {
                return Err(Failure::Interrupted);
            }
            let n = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(_) if self.client.interrupt().is_set() => return Err(Failure::Interrupted),
                Err(error) => return Err(Failure::passing(self.lost(error.to_string()))),
            };
            if self.n_have + n as u64 > self.file.n_bytes {
                return Err(self.damaged(format!("more than {} bytes", self.file.n_bytes))?);
            }
            part.write_all(&buffer[..n]).map_err(|error| self.unwritten(error))?;
            self.hashes.update(&buffer[..n]);
            self.n_have += n as u64;
            if self.n_have > self.n_most {
                self.n_most = self.n_have;
                *n_failures = 0;
            }
            (self.report)(Step::Arrived(n as u64));
        }
        if self.n_have < self.file.n_bytes {
            let reason = format!("it ended after {} of {} bytes", self.n_have, self.file.n_bytes);
            return Err(Failure::passing(self.lost(reason)));
        }
        Ok(())
    }

    /// Puts a file that exists into the hashes.
    fn hash(&self, path: &Path, n_bytes: u64, hashes: &mut Hashes) -> Result<(), Failure> {
        let mut file = File::open(path).map_err(FileError::of("read", path))?.take(n_bytes);
        let mut buffer = vec![0; N_BUFFER_BYTES];
        loop {
            if self.client.interrupt().is_set() {
                return Err(Failure::Interrupted);
            }
            match file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => hashes.update(&buffer[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(FileError::of("read", path)(error).into()),
            }
        }
    }

    /// Forgets what has arrived.
    fn start_over(&mut self) {
        (self.report)(Step::Dropped(self.n_have));
        self.n_have = 0;
        self.hashes = Hashes::of(self.file);
    }

    /// Removes what has arrived, and tells whether another attempt makes sense.
    fn damaged(&mut self, found: String) -> Result<Failure, FileError> {
        self.start_over();
        remove(&self.part)?;
        remove(&self.note_path)?;
        self.n_damaged += 1;
        let expected = match &self.file.checksum {
            Some(checksum) => checksum.digits().to_owned(),
            None => format!("{} bytes", self.file.n_bytes),
        };
        let (repository, name) = (self.client.repository().to_owned(), self.file.name.clone());
        let error = DownloadError::Damaged { repository, name, expected, found };
        if self.n_damaged >= MAX_DAMAGED {
            return Ok(Failure::Lasting(error));
        }
        Ok(Failure::Passing { error, wait: Some(Duration::ZERO) })
    }

    fn lost(&self, reason: String) -> DownloadError {
        DownloadError::Lost { repository: self.client.repository().to_owned(), name: self.file.name.clone(), reason }
    }

    fn unwritten(&self, error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::StorageFull {
            return Failure::Lasting(DownloadError::DiskFull {
                repository: self.client.repository().to_owned(),
                folder: self.part.parent().unwrap_or(&self.part).to_path_buf(),
                n_needed: self.file.n_bytes - self.n_have,
                n_free: 0,
            });
        }
        FileError::of("write", &self.part)(error).into()
    }

    fn fetched(&self, sha256: String) -> FetchedFile {
        FetchedFile { name: self.file.name.clone(), n_bytes: self.file.n_bytes, sha256 }
    }
}

/// The checksums of a file, made while it arrives.
struct Hashes {
    sha256: Sha256,
    git: Option<Sha1>,
}

/// Checksums in hexadecimal digits.
struct Sums {
    sha256: String,
    git: Option<String>,
}

impl Hashes {
    fn of(file: &RemoteFile) -> Self {
        let git = matches!(file.checksum, Some(Checksum::Git(_))).then(|| {
            // Git hashes the content behind its kind and size.
            Sha1::new_with_prefix(format!("blob {}\0", file.n_bytes))
        });
        Self { sha256: Sha256::new(), git }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(git) = &mut self.git {
            git.update(bytes);
        }
    }

    fn finish(self) -> Sums {
        Sums { sha256: hex(&self.sha256.finalize()), git: self.git.map(|git| hex(&git.finalize())) }
    }
}

impl Sums {
    fn fit(&self, checksum: Option<&Checksum>) -> bool {
        checksum.is_none_or(|checksum| self.like(Some(checksum)) == checksum.digits())
    }

    /// The one that is of the kind of `checksum`.
    fn like(&self, checksum: Option<&Checksum>) -> String {
        match checksum {
            Some(Checksum::Git(_)) => self.git.clone().unwrap_or_default(),
            Some(Checksum::Sha256(_)) | None => self.sha256.clone(),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all that is written");
        text
    })
}

/// First byte and size of the whole file, of an answer that is a part: `bytes 100-199/200`.
fn content_range(answer: &Answer) -> Option<(u64, u64)> {
    let (range, size) = header(&answer.headers, "content-range")?.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, size.trim().parse().ok()?))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::of("remove", path)(error)),
        _ => Ok(()),
    }
}
