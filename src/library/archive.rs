//! The library as one file: lines of JSON, compressed by zstd. The first line names the format and its version, the
//! last one says how many there are, so that a file that was cut is noticed. An import adds to what is there and
//! takes nothing away: of two transcripts of one recording, that of the file is put among the earlier ones. A file
//! that cannot be read to its end changes nothing. What recordings sound like is not in it: the next jobs tell it again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::{MAIN_SEPARATOR, Path};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};
use crate::hash::ContentHash;

use super::checked::{self, LeftOut, is_from_root};
use super::entry::{JobRecord, RecordingId, Status};
use super::error::{LibraryError, failed};
use super::place::Place;
use super::recordings::{self, json};
use super::schema::writing;
use super::transcripts::{self, KeptTranscript};
use super::{Library, jobs};

/// What the first line calls the format.
const FORMAT: &str = "hansard-library";
/// The version that is written; older ones are read for ever.
const VERSION: u32 = 1;
/// zstd's level.
const COMPRESSION: i32 = 6;
/// No recording takes more than this: an 8-hour one with all its words takes some 20 MB.
const MAX_LINE_BYTES: u64 = 256 << 20;

/// What was exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// Recordings.
    pub n_recordings: usize,
    /// Those of them with a transcript.
    pub n_transcripts: usize,
    /// Size of the file.
    pub n_bytes: u64,
    /// What the user should know: transcripts that cannot be read are left out.
    pub warnings: Vec<String>,
}

/// What was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Recordings that were not there before.
    pub n_new: usize,
    /// Recordings that were there already.
    pub n_known: usize,
    /// Transcripts that were not there before, those put among the earlier ones included.
    pub n_transcripts: usize,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
enum Record {
    Recording(Box<RecordingRecord>),
    Job(JobRecord),
    Watched { folder: Bytes, new_files: i64 },
    Removed { folder: Bytes, name: Bytes },
    End { n_records: u64 },
}

/// A recording, as the file has it.
#[derive(Serialize, Deserialize)]
pub(super) struct RecordingRecord {
    /// What the jobs of the file call it.
    number: i64,
    folder: Bytes,
    name: Bytes,
    pub(super) label: String,
    pub(super) n_bytes: i64,
    modified_ns: i64,
    pub(super) duration_secs: Option<f64>,
    content: Option<ContentHash>,
    pub(super) status: i64,
    status_text: String,
    pub(super) tags: Vec<String>,
    pub(super) note: String,
    metadata: Vec<(String, String)>,
    transcript: Option<KeptTranscript>,
    earlier: Vec<KeptTranscript>,
}

/// Bytes of a path: as text, unless they are none.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Raw(Vec<u8>),
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Raw(error.into_bytes()), Self::Text)
    }
}

impl Bytes {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Raw(bytes) => bytes,
        }
    }
}

/// Why a file could not be written.
enum Failure {
    Io(io::Error),
    Library(LibraryError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<LibraryError> for Failure {
    fn from(error: LibraryError) -> Self {
        Self::Library(error)
    }
}

impl Library {
    /// Writes all of the library to one file, in the place of what was there.
    pub fn export(&self, file: &Path) -> Result<ExportReport, LibraryError> {
        let own: Vec<&Path> = self.path.parent().into_iter().collect();
        files::check_target(file, &own)?;
        // All is read as it is now, whoever writes meanwhile.
        let snapshot = self.connection.unchecked_transaction().map_err(failed("export the library", &self.path))?;
        let (mut report, mut failure) = (ExportReport::default(), None);
        let written = files::write_atomic_with(file, |output| match write(&snapshot, &self.path, output) {
            Ok(written) => {
                report = written;
                Ok(())
            }
            Err(Failure::Io(error)) => Err(error),
            Err(Failure::Library(error)) => {
                failure = Some(error);
                Err(io::Error::other("the reason is told elsewhere"))
            }
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        written?;
        report.n_bytes = fs::metadata(file).map_err(FileError::of("read", file))?.len();
        Ok(report)
    }

    /// Adds what is in an exported file to the library.
    pub fn import(&mut self, file: &Path) -> Result<ImportReport, LibraryError> {
        let source = files::open_regular(file)?;
        let refused = |reason: String| LibraryError::Refused { path: file.to_path_buf(), reason };
        let decoder = zstd::stream::read::Decoder::new(source).map_err(|error| refused(error.to_string()))?;
        let mut lines = Lines { input: BufReader::new(decoder), n_read: 0 };
        let header: Header = lines.next().map_err(refused)?;
        if header.format != FORMAT {
            return Err(refused("it is something else".to_owned()));
        }
        if !(1..=VERSION).contains(&header.version) {
            return Err(refused(format!("it is in version {} of the format; update Hansard", header.version)));
        }
        let failed = || failed("import recordings", &self.path);
        let transaction = writing(&mut self.connection).map_err(failed())?;
        let mut merge = Merge {
            connection: &transaction,
            path: &self.path,
            ids: BTreeMap::new(),
            taken: BTreeSet::new(),
            report: ImportReport::default(),
            left_out: LeftOut::default(),
            n_lone_jobs: 0,
        };
        let mut n_records = 0;
        loop {
            let record: Record = lines.next().map_err(refused)?;
            match record {
                Record::Recording(mut record) => merge.take_recording(&mut record).map_err(|error| match error {
                    Unfit::Library(error) => error,
                    Unfit::Record(reason) => refused(reason),
                })?,
                Record::Job(job) => merge.take_job(job).map_err(failed())?,
                Record::Watched { folder, new_files: _ } => merge.take_watched(folder).map_err(failed())?,
                Record::Removed { folder, name } => merge.take_removed(folder, name).map_err(failed())?,
                Record::End { n_records: n_written } if n_written == n_records => break,
                Record::End { n_records: n_written } => {
                    return Err(refused(format!("it has {n_records} records instead of {n_written}")));
                }
            }
            n_records += 1;
        }
        lines.expect_end().map_err(refused)?;
        let (report, mut left_out) = (merge.report, merge.left_out);
        if merge.n_lone_jobs > 0 {
            left_out.add(format!("jobs are left out whose recordings are not in the file ({})", merge.n_lone_jobs));
        }
        transaction.commit().map_err(failed())?;
        self.warnings.extend(left_out.into_warnings());
        Ok(report)
    }
}

/// The lines of a file that is read.
struct Lines<R> {
    input: BufReader<R>,
    n_read: u64,
}

impl<R: io::Read> Lines<R> {
    fn next<T: DeserializeOwned>(&mut self) -> Result<T, String> {
        let mut line = Vec::new();
        self.n_read += 1;
        let read = self.input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line);
        read.map_err(|error| error.to_string())?;
        if line.last() != Some(&b'\n') {
            return Err(format!("line {} has no end", self.n_read));
        }
        serde_json::from_slice(&line).map_err(|error| format!("line {}: {error}", self.n_read))
    }

    fn expect_end(&mut self) -> Result<(), String> {
        let rest = self.input.fill_buf().map_err(|error| error.to_string())?;
        if rest.is_empty() { Ok(()) } else { Err("something follows its end".to_owned()) }
    }
}

fn write(snapshot: &Connection, path: &Path, output: &mut File) -> Result<ExportReport, Failure> {
    let mut encoder = zstd::stream::write::Encoder::new(BufWriter::new(output), COMPRESSION)?;
    encoder.include_checksum(true)?;
    let mut report = ExportReport::default();
    let mut n_records = 0;
    write_line(&mut encoder, &Header { format: FORMAT.to_owned(), version: VERSION })?;
    let failed = || failed("export the library", path);
    for number in column(snapshot, "SELECT id FROM recordings ORDER BY id").map_err(failed())? {
        let Some(mut record) = read_recording(snapshot, number).map_err(failed())? else { continue };
        match transcripts::read(snapshot, path, RecordingId(number)) {
            Ok(transcript) => record.transcript = transcript,
            Err(LibraryError::DamagedTranscript { reason, .. }) => report
                .warnings
                .push(format!("the transcript of {} is left out, for it cannot be read ({reason})", record.label)),
            Err(error) => return Err(error.into()),
        }
        for earlier in transcripts::earlier_each(snapshot, path, RecordingId(number))? {
            match earlier {
                Ok(earlier) => record.earlier.push(earlier),
                Err(LibraryError::DamagedTranscript { reason, .. }) => report.warnings.push(format!(
                    "an earlier transcript of {} is left out, for it cannot be read ({reason})",
                    record.label
                )),
                Err(error) => return Err(error.into()),
            }
        }
        report.n_recordings += 1;
        report.n_transcripts += usize::from(record.transcript.is_some());
        write_line(&mut encoder, &Record::Recording(Box::new(record)))?;
        n_records += 1;
    }
    let mut rest: Vec<Record> = Vec::new();
    // Oldest first, so that they come back in the same order.
    rest.extend(jobs::all(snapshot, usize::MAX).map_err(failed())?.into_iter().rev().map(Record::Job));
    rest.extend(folders(snapshot).map_err(failed())?);
    for record in rest {
        write_line(&mut encoder, &record)?;
        n_records += 1;
    }
    write_line(&mut encoder, &Record::End { n_records })?;
    encoder.finish()?.flush()?;
    Ok(report)
}

fn write_line<T: Serialize>(output: &mut impl Write, line: &T) -> io::Result<()> {
    let mut json = serde_json::to_vec(line)?;
    json.push(b'\n');
    output.write_all(&json)
}

fn column(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

fn read_recording(connection: &Connection, number: i64) -> rusqlite::Result<Option<RecordingRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT folder, name, label, n_bytes, modified_ns, duration_secs, content, status, status_text, tags, note,
             metadata FROM recordings WHERE id = ?1",
    )?;
    let record = statement.query_row([number], |row| {
        Ok(RecordingRecord {
            number,
            folder: row.get::<_, Vec<u8>>(0)?.into(),
            name: row.get::<_, Vec<u8>>(1)?.into(),
            label: row.get(2)?,
            n_bytes: row.get(3)?,
            modified_ns: row.get(4)?,
            duration_secs: row.get(5)?,
            content: row.get::<_, Option<[u8; 32]>>(6)?.map(ContentHash::from_bytes),
            status: row.get(7)?,
            status_text: row.get(8)?,
            tags: recordings::json_column(row, 9)?,
            note: row.get(10)?,
            metadata: recordings::json_column(row, 11)?,
            transcript: None,
            earlier: Vec::new(),
        })
    });
    record.optional()
}

fn folders(connection: &Connection) -> rusqlite::Result<Vec<Record>> {
    let mut watched = connection.prepare("SELECT path, new_files FROM folders ORDER BY path")?;
    let watched = watched.query_map([], |row| {
        Ok(Record::Watched { folder: row.get::<_, Vec<u8>>(0)?.into(), new_files: row.get(1)? })
    })?;
    let mut removed = connection.prepare("SELECT folder, name FROM removed_files ORDER BY folder, name")?;
    let removed = removed.query_map([], |row| {
        Ok(Record::Removed { folder: row.get::<_, Vec<u8>>(0)?.into(), name: row.get::<_, Vec<u8>>(1)?.into() })
    })?;
    watched.chain(removed).collect()
}

/// Why a record could not be taken in.
enum Unfit {
    Record(String),
    Library(LibraryError),
}

impl From<LibraryError> for Unfit {
    fn from(error: LibraryError) -> Self {
        Self::Library(error)
    }
}

/// Records on their way into a library.
struct Merge<'a> {
    connection: &'a Connection,
    path: &'a Path,
    /// Recordings of the library by the numbers that the file has for them.
    ids: BTreeMap<i64, RecordingId>,
    /// Those recordings of the library.
    taken: BTreeSet<RecordingId>,
    report: ImportReport,
    left_out: LeftOut,
    /// Jobs of recordings that are not in the file: they had been removed.
    n_lone_jobs: usize,
}

impl Merge<'_> {
    fn take_recording(&mut self, record: &mut RecordingRecord) -> Result<(), Unfit> {
        let place = place_of(record).ok_or_else(|| Unfit::Record(format!("{:?} is no recording", record.label)))?;
        if !is_from_root(&place.folder) {
            self.left_out.add(format!("{:?} is left out: the path of its file is none", record.label));
            return Ok(());
        }
        checked::set_right(record, &mut self.left_out);
        let (path, connection) = (self.path, self.connection);
        let failed = || failed("import a recording", path);
        let transcript = record.transcript.take();
        let earlier = std::mem::take(&mut record.earlier);
        let id = if let Some(id) = self.known(&place, record).map_err(failed())? {
            self.report.n_known += 1;
            self.complete(id, record).map_err(failed())?;
            id
        } else {
            self.report.n_new += 1;
            insert(connection, &place, record).map_err(failed())?
        };
        self.ids.insert(record.number, id);
        self.taken.insert(id);
        if let Some(transcript) = transcript {
            self.take_transcript(id, record, transcript)?;
        }
        for transcript in earlier {
            self.take_earlier(id, &transcript)?;
        }
        recordings::refresh(connection, id.0).map_err(failed())?;
        Ok(())
    }

    /// The recording of the library that a record is of: with the same path, or else the same content.
    fn known(&self, place: &Place, record: &RecordingRecord) -> rusqlite::Result<Option<RecordingId>> {
        if let Some(id) = recordings::find(self.connection, place)? {
            return Ok(Some(id));
        }
        let Some(content) = &record.content else { return Ok(None) };
        let sql = "SELECT id FROM recordings WHERE content = ?1 ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        for id in statement.query_map([content.as_bytes()], |row| row.get(0).map(RecordingId))? {
            let id = id?;
            // Two copies of a recording are two in the file, each with what the user wrote on it, and stay two.
            if !self.taken.contains(&id) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Adds to a recording what it lacks.
    fn complete(&self, id: RecordingId, record: &RecordingRecord) -> rusqlite::Result<()> {
        let Some(mut known) = recordings::entry(self.connection, id.0)? else { return Ok(()) };
        for tag in &record.tags {
            if !known.tags.contains(tag) && known.tags.len() < recordings::MAX_TAGS {
                known.tags.push(tag.clone());
            }
        }
        if !known.note.contains(record.note.trim()) {
            let note = [known.note.trim_end(), record.note.trim()].join("\n");
            note.trim_start().clone_into(&mut known.note);
        }
        if known.metadata.is_empty() {
            known.metadata.clone_from(&record.metadata);
        }
        self.connection
            .execute(
                "UPDATE recordings SET tags = ?2, note = ?3, metadata = ?4, duration_secs = coalesce(duration_secs, ?5),
                     content = CASE WHEN n_bytes = ?6 AND modified_ns = ?7 THEN coalesce(content, ?8) ELSE content END
                 WHERE id = ?1",
                params![
                    id.0,
                    json(&known.tags)?,
                    known.note,
                    json(&known.metadata)?,
                    record.duration_secs,
                    record.n_bytes,
                    record.modified_ns,
                    record.content.as_ref().map(ContentHash::as_bytes),
                ],
            )
            .map(drop)
    }

    /// Takes the transcript of a recording, or puts it beside that which is there.
    fn take_transcript(
        &mut self,
        id: RecordingId,
        record: &RecordingRecord,
        transcript: KeptTranscript,
    ) -> Result<(), LibraryError> {
        let before = transcripts::read_if_intact(self.connection, self.path, id)?;
        let is_better = before.as_ref().is_none_or(|before| {
            before.original == transcript.original && before.current.is_none() && transcript.current.is_some()
        });
        if is_better {
            transcripts::put(self.connection, self.path, id, &transcript)?;
            self.report.n_transcripts += 1;
            let status = if record.status == 2 { record.status_text.clone() } else { transcript.model };
            let is_missing = recordings::entry(self.connection, id.0)
                .map_err(failed("import a recording", self.path))?
                .is_some_and(|entry| entry.status == Status::Missing);
            let mut keep = vec![Status::Done(status)];
            // What is done is kept apart from whether the file is there.
            if is_missing {
                keep.push(Status::Missing);
            }
            for status in keep {
                recordings::set_status(self.connection, id, &status)
                    .map_err(failed("import a recording", self.path))?;
            }
            return Ok(());
        }
        let says_more = transcript.current.is_some()
            || before.as_ref().is_some_and(|before| before.original != transcript.original);
        if says_more && !before.is_some_and(|before| before.says_the_same(&transcript)) {
            self.take_earlier(id, &transcript)?;
        }
        Ok(())
    }

    fn take_earlier(&mut self, id: RecordingId, transcript: &KeptTranscript) -> Result<(), LibraryError> {
        let known = transcripts::earlier_each(self.connection, self.path, id)?;
        if known.iter().flatten().any(|known| known.says_the_same(transcript)) {
            return Ok(());
        }
        self.report.n_transcripts += 1;
        transcripts::add_earlier(self.connection, self.path, id, transcript)
    }

    /// A folder is listed only: what is done with new files in it, the user of this library decides.
    fn take_watched(&mut self, folder: Bytes) -> rusqlite::Result<()> {
        let folder = folder.into_bytes();
        if !is_from_root(&folder) {
            self.left_out.add("a folder to look after is left out: its path is none".to_owned());
            return Ok(());
        }
        self.connection.execute("INSERT OR IGNORE INTO folders (path, new_files) VALUES (?1, 0)", [folder]).map(drop)
    }

    fn take_removed(&mut self, folder: Bytes, name: Bytes) -> rusqlite::Result<()> {
        let (folder, name) = (folder.into_bytes(), name.into_bytes());
        if !is_from_root(&folder) {
            return Ok(());
        }
        self.connection.execute("INSERT OR IGNORE INTO removed_files VALUES (?1, ?2)", params![folder, name]).map(drop)
    }

    fn take_job(&mut self, job: JobRecord) -> rusqlite::Result<()> {
        if !checked::is_possible(&job) {
            self.left_out.add("a job is left out: its numbers are impossible".to_owned());
            return Ok(());
        }
        let Some(recording) = self.ids.get(&job.recording.0).copied() else {
            self.n_lone_jobs += 1;
            return Ok(());
        };
        let job = JobRecord { recording, ..job };
        let is_known = self
            .connection
            .prepare_cached(
                "SELECT 1 FROM jobs WHERE started_secs = ?1 AND model = ?2 AND settings = ?3 AND audio_secs = ?4
                     AND total_secs = ?5",
            )?
            .exists(params![job.started_secs, job.model, job.settings, job.audio.0, job.total.0])?;
        if is_known { Ok(()) } else { jobs::insert(self.connection, &job) }
    }
}

/// Where the file of a record lies; `None` if it is no file.
fn place_of(record: &RecordingRecord) -> Option<Place> {
    let place = Place { folder: record.folder.clone().into_bytes(), name: record.name.clone().into_bytes() };
    let has_name = !place.name.is_empty() && !place.name.contains(&(MAIN_SEPARATOR as u8));
    // The file may be from another system, where other signs separate folders.
    let has_folder = place.folder.ends_with(b"/") || place.folder.ends_with(b"\\");
    let has_zero = place.folder.iter().chain(&place.name).any(|byte| *byte == 0);
    (has_name && has_folder && !has_zero).then_some(place)
}

fn insert(connection: &Connection, place: &Place, record: &RecordingRecord) -> rusqlite::Result<RecordingId> {
    let is_missing = !place.path().exists();
    connection.execute(
        "INSERT INTO recordings (folder, name, label, label_key, n_bytes, modified_ns, duration_secs, content, status,
             status_text, is_missing, tags, note, metadata)
         VALUES (?1, ?2, ?3, '', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            place.folder,
            place.name,
            record.label,
            record.n_bytes,
            record.modified_ns,
            record.duration_secs,
            record.content.as_ref().map(ContentHash::as_bytes),
            record.status,
            record.status_text,
            is_missing,
            json(&record.tags)?,
            record.note,
            json(&record.metadata)?,
        ],
    )?;
    Ok(RecordingId(connection.last_insert_rowid()))
}
