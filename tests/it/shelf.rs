//! The library from outside, through the engine: what jobs leave in it, the user's changes, searching, folders that are
//! looked after, and files that were moved. Nothing here waits for anything but events.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hansard::engine::library::{
    Bound, Estimate, JobRecord, LibraryCommand, LibraryEvent, ListRequest, NewFiles, RecordingEntry, RecordingId,
    SearchRequest, Status, WatchedFolder,
};
use hansard::engine::results::{ClearResults, ResultsCommand, ResultsEvent};
use hansard::engine::shelf::{self, Access};
use hansard::engine::voices::{VoiceCommand, VoicesAnswer};
use hansard::engine::{CancelToken, Command, Diarize, Engine, Event, JobContext, JobError, JobRequest, Runner};
use hansard::library::Library;
use hansard::paths::AppPaths;
use hansard::settings::ModelSettings;
use hansard::transcript::edit::Change;
use hansard::transcript::{Segment, Transcript};
use hansard::units::Seconds;

/// Longest wait for an event that must come: a debug build on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_mins(5);

/// Gives a transcript of one sentence, or fails, as the name of the recording says.
struct Scripted;

impl Runner for Scripted {
    fn voices(&mut self, _: &VoiceCommand, _: &CancelToken) -> Result<VoicesAnswer, String> {
        Err("nobody enrols voices here".to_owned())
    }

    fn run(&mut self, request: &JobRequest, _: &JobContext<'_>) -> Result<Transcript, JobError> {
        if request.path.ends_with("fails.wav") {
            return Err(JobError::Failed("fails.wav: because".to_owned()));
        }
        let segments = vec![Segment { text: "Nobody expects a budget.".to_owned(), ..Segment::default() }];
        Ok(Transcript { language: "en".to_owned(), segments, ..Transcript::default() })
    }
}

struct Bench {
    engine: Engine,
}

impl Bench {
    fn real(root: &Path) -> Self {
        Self { engine: Engine::start(AppPaths::below(root), None, Arc::new(|| {})).expect("threads") }
    }

    fn scripted(root: &Path) -> Self {
        let (paths, runner) = (AppPaths::below(root), Box::new(Scripted));
        Self { engine: Engine::start_with(paths, runner, Arc::new(|| {})).expect("threads") }
    }

    fn next(&self) -> Event {
        self.engine.recv_timeout(PATIENCE).expect("an event in time")
    }

    /// The next thing that is told of the library.
    fn next_told(&self) -> LibraryEvent {
        loop {
            if let Event::Library(event) = self.next() {
                return event;
            }
        }
    }

    /// Asks something of the library and waits for the answer, past all that comes unasked.
    fn ask(&self, command: LibraryCommand) -> LibraryEvent {
        self.engine.send(Command::Library(command));
        loop {
            match self.next_told() {
                LibraryEvent::Arrived(_)
                | LibraryEvent::Related(_)
                | LibraryEvent::Changed
                | LibraryEvent::Estimated(_)
                | LibraryEvent::JobListed { .. }
                | LibraryEvent::Warning(_) => {}
                answer => return answer,
            }
        }
    }

    /// Has something done, and returns the line that says what.
    fn done(&self, command: LibraryCommand) -> String {
        match self.ask(command) {
            LibraryEvent::Done(line) => line,
            other => panic!("{other:?}"),
        }
    }

    fn list(&self) -> Vec<RecordingEntry> {
        match self.ask(LibraryCommand::List(ListRequest { limit: 100, ..ListRequest::default() })) {
            LibraryEvent::Listed { entries, n_in_all, .. } => {
                assert_eq!(entries.len(), n_in_all);
                entries
            }
            other => panic!("{other:?}"),
        }
    }

    fn only_entry(&self) -> RecordingEntry {
        let mut entries = self.list();
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries.remove(0)
    }

    fn open(&self, entry: &RecordingEntry) -> (Option<Arc<Transcript>>, usize) {
        match self.ask(LibraryCommand::Open(entry.id)) {
            LibraryEvent::Opened { transcript, changes, .. } => (transcript, changes.len()),
            other => panic!("{other:?}"),
        }
    }

    /// Runs a job to its end, past all that is told of the library meanwhile.
    fn transcribe(&mut self, request: JobRequest) -> Arc<Transcript> {
        let job = self.engine.transcribe(request);
        loop {
            match self.next() {
                Event::JobDone(done, transcript, _) if done == job => return transcript,
                Event::JobFailed(_, why) => panic!("{why}"),
                _ => {}
            }
        }
    }

    fn results(&self, command: ResultsCommand) -> ResultsEvent {
        self.engine.send(Command::Results(command));
        loop {
            match self.next() {
                Event::Results(ResultsEvent::Warning(warning)) => panic!("{warning}"),
                Event::Results(answer) => return answer,
                _ => {}
            }
        }
    }
}

fn asset(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo").join(path)
}

#[test]
fn a_transcript_is_kept_found_changed_and_still_there_after_the_file_was_moved() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let recording = root.path().join("meetings/budget.flac");
    fs::create_dir(root.path().join("meetings")).expect("a writable folder");
    fs::copy(asset("meetings/demo_1min_2spk.flac"), &recording).expect("the demo meeting");
    let request = |path: &Path| {
        let mut request = JobRequest::new(path.to_path_buf(), "demo");
        request.speakers.voices = Some(asset("speakers"));
        request
    };

    let mut bench = Bench::real(root.path());
    let transcript = bench.transcribe(request(&recording));
    let entry = bench.only_entry();
    assert_eq!((entry.label.as_str(), &entry.path), ("budget", &recording));
    assert_eq!(entry.status, Status::Done("demo".to_owned()));
    assert_eq!(entry.duration, Some(transcript.duration));
    assert_eq!(entry.speakers.len(), transcript.speakers.len());
    assert_eq!(bench.open(&entry), (Some(transcript.clone()), 0));

    let words = transcript.segments.iter().flat_map(|segment| segment.text.split(|c: char| !c.is_alphabetic()));
    let word = words.max_by_key(|word| word.len()).expect("somebody speaks").to_lowercase();
    let search = |words: &str| SearchRequest { words: words.to_owned(), limit: 50, ..SearchRequest::default() };
    let LibraryEvent::Found { hits, .. } = bench.ask(LibraryCommand::Search(search(&word))) else {
        panic!("an answer to a search")
    };
    assert!(!hits.is_empty(), "{word}");
    for hit in &hits {
        assert_eq!(hit.recording, entry.id);
        let (start, end) = hit.found[0];
        assert_eq!(hit.text[start..end].to_lowercase(), word, "{hit:?}");
        assert!(transcript.segments[hit.segment_idx].text.to_lowercase().contains(&word), "{hit:?}");
    }

    let ResultsEvent::Surveyed(survey) = bench.results(ResultsCommand::Survey) else { panic!("a survey") };
    assert!(survey.layers.iter().map(|layer| layer.n_entries).sum::<u64>() > 0, "{survey:?}");

    let label = transcript.speakers[0].label.clone();
    let mut edited = (*transcript).clone();
    edited.speakers[0].name = Some("Zoë".to_owned());
    let edited = Arc::new(edited);
    let save = LibraryCommand::Save {
        recording: entry.id,
        transcript: edited.clone(),
        changes: vec![Change::RenameSpeaker { label, name: "Zoë".to_owned() }],
    };
    assert_eq!(bench.done(save), "");

    // The next start, and the file lies elsewhere.
    drop(bench);
    let moved = root.path().join("archive of 2026/renamed.flac");
    fs::create_dir(root.path().join("archive of 2026")).expect("a writable folder");
    fs::rename(&recording, &moved).expect("a writable folder");
    let mut bench = Bench::real(root.path());
    let line = bench.done(LibraryCommand::Add(vec![root.path().join("archive of 2026")]));
    assert!(line.contains("1 was found again"), "{line}");
    let found = bench.only_entry();
    assert_eq!((found.id, &found.path, found.is_edited), (entry.id, &moved, true));
    assert!(found.speakers.contains(&"Zoë".to_owned()), "{:?}", found.speakers);
    assert_eq!(bench.open(&found), (Some(edited.clone()), 1));

    // The same job leaves the changes alone. Another one does not throw them away, and says so.
    assert_eq!(bench.transcribe(request(&moved)), transcript);
    assert_eq!(bench.open(&found), (Some(edited), 1));
    let mut other = request(&moved);
    other.speakers.diarize = Diarize::Off;
    let other = bench.transcribe(other);
    loop {
        match bench.next_told() {
            LibraryEvent::Warning(text) if text.contains("the earlier ones") => break,
            _ => {}
        }
    }
    assert_eq!(bench.open(&found), (Some(other), 0));
    let LibraryEvent::Jobs(jobs) = bench.ask(LibraryCommand::Jobs { limit: 10 }) else { panic!("the jobs") };
    let outcomes: Vec<(&str, bool)> =
        jobs.iter().map(|job| (job.outcome.as_str(), job.reused_fraction > 0.0)).collect();
    assert_eq!(outcomes, [("done", true), ("done", true), ("done", false)]);

    let removed = bench.results(ResultsCommand::Clear(ClearResults::default()));
    assert!(matches!(&removed, ResultsEvent::Done(line) if line.starts_with("Removed")), "{removed:?}");
    drop(bench);
    let (paths, settings) = (AppPaths::below(root.path()), ModelSettings::default());
    let access = Access { paths: &paths, settings: &settings, warn: &|warning| panic!("{warning}") };
    let page = shelf::list(access, &ListRequest { limit: 1, ..ListRequest::default() }).expect("a library");
    assert_eq!((page.n_in_all, page.entries[0].id), (1, entry.id), "what the user made is no cache");
}

/// Clearing all of them needs no index, and makes room where there is none for one.
#[cfg(unix)]
#[test]
fn results_that_cannot_be_opened_can_be_cleared() {
    use hansard::engine::results::Layer;

    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = ModelSettings::default().cache_root(&AppPaths::below(root.path())).join("results-v1");
    let blob = folder.join("blobs/3f/3f.zst");
    // A folder cannot be opened as a lock.
    for made in [folder.join("index.lock"), folder.join("blobs/3f")] {
        fs::create_dir_all(made).expect("a writable folder");
    }
    fs::write(&blob, "a result").expect("a writable folder");
    let bench = Bench::scripted(root.path());
    let clear = |layers: Vec<Layer>| ResultsCommand::Clear(ClearResults { layers, older_than_days: None });
    for command in [ResultsCommand::Survey, clear(vec![Layer::Asr])] {
        let answer = bench.results(command);
        assert!(matches!(answer, ResultsEvent::Failed(_)) && blob.exists(), "{answer:?}");
    }
    bench.engine.send(Command::Results(clear(Vec::new())));
    let mut told = Vec::new();
    while told.len() < 2 {
        if let Event::Results(event) = bench.next() {
            told.push(event);
        }
    }
    assert!(matches!(told[..], [ResultsEvent::Warning(_), ResultsEvent::Done(_)]) && !blob.exists(), "{told:?}");
}

#[test]
fn a_folder_that_is_looked_after_tells_of_new_recordings() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = root.path().join("inbox");
    fs::create_dir(&folder).expect("a writable folder");
    let old = folder.join("old.wav");
    fs::write(&old, "there before").expect("a writable folder");
    // A file that was just written may still grow, and is waited for.
    let last_week = SystemTime::now() - Duration::from_hours(168);
    fs::File::options().write(true).open(&old).and_then(|file| file.set_modified(last_week)).expect("a writable file");
    let bench = Bench::scripted(root.path());
    bench.done(LibraryCommand::Watch(folder.clone(), NewFiles::Transcribe));
    assert_eq!(bench.only_entry().status, Status::New);

    let new = folder.join("2026/new.wav");
    fs::create_dir(folder.join("2026")).expect("a writable folder");
    fs::write(&new, "copied here").expect("a writable folder");
    fs::write(folder.join("2026/notes.txt"), "no recording").expect("a writable folder");
    loop {
        if let LibraryEvent::Arrived(paths) = bench.next_told() {
            assert_eq!(paths, std::slice::from_ref(&new), "what was there before is not new");
            break;
        }
    }
    let mut paths: Vec<PathBuf> = bench.list().into_iter().map(|entry| entry.path).collect();
    paths.sort();
    assert_eq!(paths, [new.clone(), folder.join("old.wav")]);

    // What is gone is marked, and what comes back is not new.
    fs::rename(&new, root.path().join("elsewhere.wav")).expect("a writable folder");
    loop {
        if let LibraryEvent::Changed = bench.next_told()
            && bench.list().iter().any(|entry| entry.path == new && entry.status == Status::Missing)
        {
            break;
        }
    }
    let LibraryEvent::Folders(folders) = bench.ask(LibraryCommand::Folders) else { panic!("the folders") };
    assert!(matches!(&folders[..], [WatchedFolder { path, new_files: NewFiles::Transcribe, .. }] if *path == folder));
    bench.done(LibraryCommand::Unwatch(folder.clone()));
    let LibraryEvent::Folders(folders) = bench.ask(LibraryCommand::Folders) else { panic!("the folders") };
    assert!(folders.is_empty(), "{folders:?}");
    let again = bench.ask(LibraryCommand::Unwatch(folder));
    assert!(matches!(&again, LibraryEvent::Failed(line) if line.contains("inbox")), "{again:?}");
    let nowhere = bench.ask(LibraryCommand::Watch(root.path().join("nowhere"), NewFiles::List));
    assert!(matches!(&nowhere, LibraryEvent::Failed(line) if line.contains("nowhere")), "{nowhere:?}");
}

#[test]
fn a_job_that_fails_is_remembered_and_its_recording_is_described_and_removed() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let recording = root.path().join("fails.wav");
    fs::write(&recording, "no sound").expect("a writable folder");
    let mut bench = Bench::scripted(root.path());
    let job = bench.engine.transcribe(JobRequest::new(recording.clone(), "demo"));
    while !matches!(bench.next(), Event::JobFailed(failed, _) if failed == job) {}
    let entry = bench.only_entry();
    assert_eq!((&entry.path, &entry.status), (&recording, &Status::Failed("fails.wav: because".to_owned())));
    let LibraryEvent::Jobs(jobs) = bench.ask(LibraryCommand::Jobs { limit: 1 }) else { panic!("the jobs") };
    assert_eq!(jobs[0].outcome, "fails.wav: because");
    let (tags, note) = (vec!["budget".to_owned()], "call Ana".to_owned());
    bench.done(LibraryCommand::Describe { recording: entry.id, tags: tags.clone(), note: note.clone() });
    let entry = bench.only_entry();
    assert_eq!((&entry.tags, &entry.note), (&tags, &note));
    bench.done(LibraryCommand::Remove(vec![entry.id]));
    assert!(bench.list().is_empty());
    assert!(recording.is_file(), "the file stays");
    let gone = bench.ask(LibraryCommand::Open(entry.id));
    assert!(matches!(gone, LibraryEvent::Failed(_)), "{gone:?}");
}

#[test]
fn a_job_is_estimated_before_it_begins_and_its_record_has_the_estimate() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let recording = root.path().join("budget.flac");
    fs::copy(asset("meetings/demo_1min_2spk.flac"), &recording).expect("the demo meeting");
    let library_file = AppPaths::below(root.path()).data_dir.join("library.db");
    let past = |started_secs, settings: &str, total_secs| JobRecord {
        recording: RecordingId(1),
        started_secs,
        model: "demo".to_owned(),
        settings: settings.to_owned(),
        audio: Seconds(60.0),
        stages: Vec::new(),
        total: Seconds(total_secs),
        reused_fraction: 0.0,
        mean_confidence: None,
        outcome: "done".to_owned(),
        manifest: None,
        estimate: None,
    };
    let (mut library, _) = Library::open(&library_file).expect("a writable folder");
    library.add_job(&past(1, "other settings", 30.0)).expect("a writable library");
    drop(library);
    let mut bench = Bench::scripted(root.path());
    let mut estimates = Vec::new();
    for (model, bound) in [("demo", Bound::About), ("demo", Bound::AtMost)] {
        let job = bench.engine.transcribe(JobRequest::new(recording.clone(), model));
        let (mut estimate, mut is_done) = (None, false);
        while estimate.is_none() || !is_done {
            match bench.next() {
                Event::Library(LibraryEvent::Estimated(told)) => {
                    estimate = told.iter().find(|(estimated, _)| *estimated == job).map(|(_, estimate)| *estimate);
                }
                Event::JobDone(done, ..) if done == job => is_done = true,
                Event::JobFailed(_, why) => panic!("{why}"),
                _ => {}
            }
        }
        let Some(Estimate { time, bound: told }) = estimate else { unreachable!("it was waited for") };
        // A minute takes half a minute.
        assert!((25.0..40.0).contains(&time.0), "{time:?}");
        assert_eq!(told, bound, "it is known whether the recording is new");
        estimates.push(Some(time));
    }
    // Of another model nothing is known.
    bench.transcribe(JobRequest::new(recording, "another"));
    let LibraryEvent::Jobs(jobs) = bench.ask(LibraryCommand::Jobs { limit: 3 }) else { panic!("the jobs") };
    let kept: Vec<Option<Seconds>> = jobs.iter().map(|job| job.estimate).collect();
    assert_eq!(kept, [None, estimates[1], estimates[0]]);
}

#[test]
fn a_version_is_restored_and_what_was_there_stays() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let recording = root.path().join("a.wav");
    fs::write(&recording, "sound").expect("a writable folder");
    let mut bench = Bench::scripted(root.path());
    let given = bench.transcribe(JobRequest::new(recording, "demo"));
    let id = bench.only_entry().id;
    let versions = |bench: &Bench| match bench.ask(LibraryCommand::Versions(id)) {
        LibraryEvent::Versions { versions, .. } => {
            versions.iter().map(|version| (version.number, version.n_changes, version.n_words)).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert!(versions(&bench).is_empty());
    let mut edited = (*given).clone();
    edited.segments[0].text = "Everybody expects the budget now.".to_owned();
    let edited = Arc::new(edited);
    let changes = vec![Change::RenameSpeaker { label: "A".to_owned(), name: "Ana".to_owned() }];
    bench.done(LibraryCommand::Save { recording: id, transcript: edited.clone(), changes });
    assert_eq!(versions(&bench), [(0, 0, 4)]);
    for (version, expected, n_changes, replaced, left) in
        [(0, &given, 0, Some(1), (1, 1, 5)), (1, &edited, 1, Some(0), (0, 0, 4)), (1, &edited, 1, None, (0, 0, 4))]
    {
        let answer = bench.ask(LibraryCommand::Restore { recording: id, version });
        let LibraryEvent::Restored { transcript, changes, replaced: told, .. } = answer else { panic!("{answer:?}") };
        assert_eq!((&transcript, changes.len(), told), (expected, n_changes, replaced));
        assert_eq!(bench.open(&bench.only_entry()), (Some(expected.clone()), n_changes));
        assert!(versions(&bench).contains(&left), "{:?}", versions(&bench));
    }
    let nowhere = bench.ask(LibraryCommand::Restore { recording: id, version: 7 });
    assert!(matches!(&nowhere, LibraryEvent::Failed(line) if line.contains("version 7")), "{nowhere:?}");
}

#[cfg(unix)]
#[test]
fn a_recording_is_listed_where_it_is_whatever_link_leads_there() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let real = root.path().canonicalize().expect("a folder").join("talk.wav");
    let link = root.path().join("link.wav");
    fs::write(&real, "sound").expect("a writable folder");
    std::os::unix::fs::symlink(&real, &link).expect("a writable folder");
    let mut bench = Bench::scripted(root.path());
    let job = bench.engine.transcribe(JobRequest::new(link, "demo"));
    loop {
        if let LibraryEvent::JobListed { job: listed, path } = bench.next_told() {
            assert_eq!((listed, &path), (job, &real));
            break;
        }
    }
    bench.transcribe(JobRequest::new(real.clone(), "demo"));
    assert_eq!(bench.only_entry().path, real);
}

#[test]
fn a_library_that_cannot_be_opened_is_told_once_and_hinders_no_job() {
    let root = tempfile::tempdir().expect("a temporary folder");
    // A file where the folder of the user's data should be.
    fs::write(root.path().join("data"), "in the way").expect("a writable folder");
    let recording = root.path().join("a.wav");
    fs::write(&recording, "sound").expect("a writable folder");
    let mut bench = Bench::scripted(root.path());
    bench.transcribe(JobRequest::new(recording.clone(), "demo"));
    let mut n_warnings = 0;
    for _ in 0..2 {
        bench.engine.send(Command::Library(LibraryCommand::List(ListRequest::default())));
        loop {
            match bench.next_told() {
                LibraryEvent::Warning(_) => n_warnings += 1,
                LibraryEvent::Failed(line) => {
                    assert!(line.contains("data"), "{line}");
                    break;
                }
                LibraryEvent::Changed => {}
                other => panic!("{other:?}"),
            }
        }
    }
    // It may have come before the job ended, too.
    assert!(n_warnings <= 1, "{n_warnings}");
    // Once it can be, it is.
    fs::remove_file(root.path().join("data")).expect("a writable folder");
    assert!(bench.list().is_empty());
    bench.transcribe(JobRequest::new(recording, "demo"));
    assert_eq!(bench.only_entry().status, Status::Done("demo".to_owned()));
}
