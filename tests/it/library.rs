//! The library from outside: its versions, transcripts with the user's changes, files that are moved or gone, the search,
//! and pages of the list. Damage and backups are in `library_backups.rs`, the library as one file in `library_archive.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use hansard::hash::ContentHash;
use hansard::library::{
    Hit, JobRecord, Kept, Library, LibraryError, ListOrder, ListRequest, NewFiles, RecordingEntry, RecordingId,
    SearchRequest, Status, WatchedFolder, look, scan,
};
use hansard::transcript::edit::{Change, History};
use hansard::transcript::{Segment, Speaker, Transcript, Word};
use hansard::units::{Seconds, TimeSpan};
use tempfile::TempDir;

pub(super) const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/library");

/// A library in a folder of its own.
pub(super) struct Desk {
    pub(super) folder: TempDir,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("data/library.db")
    }

    /// The library, of which nothing needs to be said.
    pub(super) fn open(&self) -> Library {
        let (library, warnings) = Library::open(&self.path()).expect("a writable folder");
        assert!(warnings.is_empty(), "{warnings:?}");
        library
    }

    /// Writes a file of this content, and returns its path.
    pub(super) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join("files").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        fs::write(&path, content).expect("a writable folder");
        path
    }
}

/// What is said one after another, each for ten seconds and with a word each half second.
pub(super) fn transcript(lines: &[(&str, &str)]) -> Transcript {
    let mut transcript =
        Transcript { language: "en".to_owned(), duration: Seconds(10.0 * lines.len() as f64), ..Transcript::default() };
    for (idx, (speaker, text)) in lines.iter().enumerate() {
        let start = 10.0 * idx as f64;
        let span = |from: f64, until: f64| TimeSpan { start: Seconds(from), end: Seconds(until) };
        let words = text.split_whitespace().enumerate().map(|(n, word)| Word {
            text: word.to_owned(),
            span: Some(span(start + 0.5 * n as f64, start + 0.5 * n as f64 + 0.4)),
            score: Some(1.0 / 3.0),
            ..Word::default()
        });
        transcript.segments.push(Segment {
            span: span(start, start + 10.0),
            text: format!(" {text}"),
            speaker: Some((*speaker).to_owned()),
            words: words.collect(),
            ..Segment::default()
        });
        if !transcript.speakers.iter().any(|known| known.label == *speaker) {
            transcript.speakers.push(Speaker { label: (*speaker).to_owned(), ..Speaker::default() });
        }
    }
    transcript
}

fn content_of(path: &Path) -> Option<ContentHash> {
    ContentHash::of_file(path).ok()
}

pub(super) fn add(library: &mut Library, path: &Path) -> RecordingId {
    let file = look(path).expect("a readable file");
    let added = library.add(&[file], &mut content_of).expect("a writable library");
    added.new.into_iter().chain(added.found_again).next().expect("one that was not there")
}

pub(super) fn entry(library: &Library, id: RecordingId) -> RecordingEntry {
    library.entry(id).expect("a readable library").expect("a recording")
}

pub(super) fn all(library: &Library) -> Vec<RecordingEntry> {
    let request = ListRequest { limit: usize::MAX, order: ListOrder::Folder, ..ListRequest::default() };
    library.list(&request).expect("a readable library").0
}

fn rename(label: &str, name: &str) -> Change {
    Change::RenameSpeaker { label: label.to_owned(), name: name.to_owned() }
}

/// A transcript and the same with one of its speakers named.
pub(super) fn edited(lines: &[(&str, &str)]) -> (Transcript, Transcript, Vec<Change>) {
    let original = transcript(lines);
    let (mut current, change) = (original.clone(), rename(lines[0].0, "Zoë"));
    History::default().apply(&mut current, change.clone()).expect("a change that can be made");
    (original, current, vec![change])
}

pub(super) fn overwrite(path: &Path, change: fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("a readable file");
    change(&mut bytes);
    fs::write(path, bytes).expect("a writable folder");
}

pub(super) fn search(library: &mut Library, words: &str) -> Vec<Hit> {
    let request = SearchRequest { words: words.to_owned(), limit: 100, ..SearchRequest::default() };
    library.search(&request).expect("whatever is typed can be looked for")
}

#[test]
fn a_library_of_each_version_opens_with_all_that_is_in_it() {
    for (fixture, is_damaged) in [("v1.sql", false), ("v1.sql", true), ("v2.sql", false), ("v2.sql", true)] {
        let desk = Desk::new();
        fs::create_dir_all(desk.path().parent().expect("a folder")).expect("a writable folder");
        let sql = fs::read_to_string(Path::new(FIXTURES).join(fixture)).expect("a readable fixture");
        let database = rusqlite::Connection::open(desk.path()).expect("a writable folder");
        database.execute_batch(&sql).expect("what a library was once made by");
        drop(database);
        if is_damaged {
            // Another program's, by its mark: all of it can still be read, and is put into a new library.
            overwrite(&desk.path(), |bytes| bytes[68..72].fill(1));
            let (_, warnings) = Library::open(&desk.path()).expect("it opens whatever happened");
            assert_eq!(warnings.len(), 1, "{fixture}: {warnings:?}");
        }

        let mut library = desk.open();
        let [gone, monday]: [RecordingEntry; 2] = all(&library).try_into().expect("two recordings");
        assert_eq!((gone.label.as_str(), &gone.status), ("gone", &Status::Missing), "{fixture}");
        assert_eq!((monday.path.as_path(), monday.id), (Path::new("/meetings/2025/monday.wav"), RecordingId(1)));
        assert_eq!(monday.status, Status::Done("whisperx_demo_cpu".to_owned()));
        assert_eq!(
            (monday.speakers, monday.tags, monday.is_edited),
            (vec!["Ana".into()], vec!["team".into(), "weekly".into()], true)
        );
        assert_eq!((monday.metadata, monday.note.as_str()), (vec![("room".into(), "12".into())], "ask Zoë"));
        // Version 1 knew nothing of what recordings sound like, and from a damaged library it is not taken.
        let sounds = (fixture == "v2.sql" && !is_damaged).then_some((Some(0.75), Some(0.875)));
        let share = monday.features.map(|features| features.speech_share);
        let similarity = monday.related.first().map(|related| related.similarity);
        assert_eq!((share, similarity), sounds.unwrap_or_default(), "{fixture}");
        let kept = library.transcript(monday.id).expect("a readable transcript").expect("a transcript");
        let current = kept.current.expect("it was changed");
        assert_eq!((&kept.changes, current.name_of("SPEAKER_00")), (&vec![rename("SPEAKER_00", "Ana")], "Ana"));
        assert_eq!(kept.original.name_of("SPEAKER_00"), "SPEAKER_00");
        let earlier = library.earlier_transcripts(monday.id).expect("readable transcripts");
        assert_eq!(earlier.iter().map(|kept| kept.model.as_str()).collect::<Vec<_>>(), ["whisperx_tiny_cpu"]);
        let [job]: [JobRecord; 1] = library.jobs(10).expect("readable jobs").try_into().expect("one job");
        assert_eq!((job.total, job.stages), (Seconds(20.0), vec![("Transcribing".to_owned(), Seconds(12.5))]));
        let expected = if fixture == "v1.sql" { (None, None) } else { (Some(Seconds(21.5)), Some(1_700_000_200)) };
        assert_eq!((job.estimate, kept.saved_secs), expected, "{fixture}");
        let [folder]: [WatchedFolder; 1] = library.folders().expect("readable folders").try_into().expect("one folder");
        assert_eq!((folder.new_files, folder.n_recordings), (NewFiles::Transcribe, 2));
        assert_eq!(search(&mut library, "zoe").len(), 1);
        // A number is never given twice, also not that of one that was removed.
        let id = add(&mut library, &desk.file("new.wav", "x"));
        assert!(id > RecordingId(3), "{id:?}");
    }
}

#[test]
fn a_newer_library_is_left_alone() {
    let desk = Desk::new();
    drop(desk.open());
    let database = rusqlite::Connection::open(desk.path()).expect("a writable folder");
    database.pragma_update(None, "user_version", 99).expect("a writable library");
    drop(database);
    let error = Library::open(&desk.path()).expect_err("it would lose what it does not know");
    assert!(matches!(error, LibraryError::Newer { version: 99, .. }), "{error}");
    assert!(!desk.path().with_file_name("library-damaged-1.db").exists());
}

#[test]
fn what_the_user_changed_survives_whatever_jobs_give() {
    let desk = Desk::new();
    let id = add(&mut desk.open(), &desk.file("a.wav", "a"));
    let (original, current, changes) = edited(&[("S0", "one two"), ("S1", "three")]);
    assert_eq!(desk.open().keep_transcript(id, &original, "m1").expect("a writable library"), Kept::New);
    assert_eq!(entry(&desk.open(), id).status, Status::Done("m1".to_owned()));
    desk.open().save(id, &current, &changes).expect("a writable library");
    let check = |expected: &Transcript, n_changes: usize, speakers: &[&str]| {
        let library = desk.open();
        let latest = library.latest_transcript(id).expect("a readable library").expect("a transcript");
        assert_eq!((&latest.transcript, latest.n_changes), (expected, n_changes));
        let entry = entry(&library, id);
        assert_eq!((entry.is_edited, entry.duration), (n_changes > 0, Some(Seconds(20.0))));
        assert_eq!(entry.speakers, speakers);
    };
    check(&current, 1, &["Zoë", "S1"]);
    // The same job again, then one that gives something else.
    assert_eq!(desk.open().keep_transcript(id, &original, "m2").expect("a writable library"), Kept::Same);
    check(&current, 1, &["Zoë", "S1"]);
    let other = transcript(&[("S0", "one two"), ("S0", "three")]);
    assert_eq!(desk.open().keep_transcript(id, &other, "m3").expect("a writable library"), Kept::ReplacedEdited);
    check(&other, 0, &["S0"]);
    let earlier = desk.open().earlier_transcripts(id).expect("a readable library");
    assert_eq!((earlier.len(), &earlier[0].original, earlier[0].current.as_ref()), (1, &original, Some(&current)));
    assert_eq!((&earlier[0].changes, earlier[0].model.as_str()), (&changes, "m2"));
    assert_eq!(desk.open().keep_transcript(id, &original, "m1").expect("a writable library"), Kept::Replaced);
    // Changed, and all of it taken back.
    desk.open().save(id, &current, &changes).expect("a writable library");
    desk.open().save(id, &original, &[]).expect("a writable library");
    check(&original, 0, &["S0", "S1"]);
    let nobody = desk.open().save(RecordingId(99), &original, &[]);
    assert!(matches!(nobody, Err(LibraryError::NoRecording(99))), "{nobody:?}");
}

#[test]
fn what_was_changed_long_ago_is_a_version_that_can_be_restored() {
    let desk = Desk::new();
    let mut library = desk.open();
    let id = add(&mut library, &desk.file("a.wav", "a"));
    let (original, first, changes) = edited(&[("S0", "one two"), ("S1", "three")]);
    let (mut second, mut more) = (first.clone(), changes.clone());
    more.push(rename("S1", "Bo"));
    History::default().apply(&mut second, more[1].clone()).expect("a change that can be made");
    library.keep_transcript(id, &original, "m").expect("a writable library");
    assert!(library.versions(id).expect("a readable library").is_empty());
    // Changes in one go make one version, that which was left long ago another.
    for transcript in [&second, &first] {
        library.save(id, transcript, &changes).expect("a writable library");
    }
    let numbers = |library: &Library| -> Vec<(usize, usize)> {
        let versions = library.versions(id).expect("a readable library");
        versions.iter().map(|version| (version.number, version.n_changes)).collect()
    };
    assert_eq!(numbers(&library), [(0, 0)]);
    let database = rusqlite::Connection::open(desk.path()).expect("a library");
    database.execute("UPDATE transcripts SET saved_secs = saved_secs - 100000", []).expect("a writable library");
    drop(database);
    library.save(id, &second, &more).expect("a writable library");
    assert_eq!(numbers(&library), [(0, 0), (1, 1)], "the oldest is last");
    let latest = |library: &Library| library.latest_transcript(id).expect("a readable library").expect("a transcript");
    for (version, replaced, expected, n_changes) in
        [(1, Some(2), &first, 1), (2, Some(1), &second, 2), (0, Some(2), &original, 0), (2, Some(0), &second, 2)]
    {
        assert_eq!(library.restore(id, version).expect("a writable library"), replaced, "{version}");
        assert_eq!((&latest(&library).transcript, latest(&library).n_changes), (expected, n_changes), "{version}");
        assert_eq!(entry(&library, id).is_edited, n_changes > 0);
    }
    assert_eq!(search(&mut library, "three")[0].speaker.as_deref(), Some("Bo"));
    for (id, version, expected) in [(id, 9, "no version 9"), (RecordingId(99), 1, "no recording 99")] {
        let refused = library.restore(id, version).expect_err("there is none").to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    // What was restored is no second version when a job takes its place.
    let other = transcript(&[("S0", "four")]);
    assert_eq!(library.keep_transcript(id, &other, "m").expect("a writable library"), Kept::ReplacedEdited);
    assert_eq!(numbers(&library), [(2, 2), (1, 1)]);
}

#[test]
fn moved_missing_changed_and_removed_files_are_told_apart() {
    let desk = Desk::new();
    let root = desk.folder.path().join("files");
    let (a, b, c) = (desk.file("a.wav", "aaa"), desk.file("sub/b.wav", "bbb"), desk.file("c.wav", "ccc"));
    desk.file("t_metadata.csv", "file,title,room,team\na,Plan,1,red\nc,,2,red\n");
    let mut library = desk.open();
    library.watch(&root, NewFiles::List).expect("a writable library");
    assert_eq!(library.folder_version(&root).expect("a readable library"), None);
    let take = |library: &mut Library| {
        let mut n_hashed = 0;
        let found = scan(&root).expect("a readable folder");
        let mut content = |path: &Path| {
            n_hashed += 1;
            content_of(path)
        };
        let added = library.take_scan(&found, &mut content).expect("a writable library");
        assert_eq!(library.folder_version(&root).expect("a readable library"), Some(found.version));
        let n = [&added.new, &added.changed, &added.found_again, &added.missing].map(Vec::len);
        (n, n_hashed)
    };
    assert_eq!(take(&mut library), ([3, 0, 0, 0], 0));
    assert_eq!(take(&mut library), ([0, 0, 0, 0], 0));
    let ids = [&a, &b, &c].map(|path| library.find(path).expect("a readable library").expect("it was found"));
    let plan = entry(&library, ids[0]);
    assert_eq!((plan.label.as_str(), plan.metadata), ("Plan", vec![("room".to_owned(), "1".to_owned())]));
    let shared = library.shared_metadata(&root).expect("a readable library");
    assert_eq!(shared, [("team".to_owned(), "red".to_owned())]);
    let (original, current, changes) = edited(&[("S0", "hello")]);
    for (id, path) in ids.into_iter().zip([&a, &b, &c]) {
        library.set_content(id, &content_of(path).expect("a readable file")).expect("a writable library");
        library.keep_transcript(id, &original, "m").expect("a writable library");
        library.save(id, &current, &changes).expect("a writable library");
    }

    // One is moved, one is gone, one is only touched, another one of the same size is new.
    fs::rename(&a, root.join("sub/moved.wav")).expect("a writable folder");
    fs::remove_file(&b).expect("a writable folder");
    desk.file("c.wav", "ccc");
    desk.file("other.wav", "ddd");
    fs::File::options().write(true).open(&c).and_then(|file| file.set_modified(std::time::UNIX_EPOCH)).expect("a file");
    assert_eq!(take(&mut library), ([1, 0, 1, 1], 3));
    let moved = entry(&library, ids[0]);
    assert_eq!((moved.path.file_name(), moved.is_edited), (Some("moved.wav".as_ref()), true));
    let gone = entry(&library, ids[1]);
    assert_eq!((gone.status, gone.is_edited), (Status::Missing, true));
    let touched = entry(&library, ids[2]);
    assert_eq!((touched.status, touched.modified_secs), (Status::Done("m".to_owned()), 0));
    // What is changed is new again, with what was made of it kept; what comes back is what it was.
    desk.file("c.wav", "something else");
    desk.file("sub/b.wav", "bbb");
    assert_eq!(take(&mut library).0, [0, 1, 1, 0]);
    assert_eq!([1, 2].map(|n| entry(&library, ids[n]).status), [Status::Done("m".to_owned()), Status::New]);
    assert!(library.latest_transcript(ids[2]).expect("a readable library").is_some());
    // What the user removed stays removed, until they add it.
    assert_eq!(library.remove(&[ids[2], RecordingId(99)]).expect("a writable library"), 1);
    assert_eq!(take(&mut library).0, [0, 0, 0, 0]);
    assert!(add(&mut library, &c) > ids[2]);
    fs::remove_dir_all(&root).expect("a writable folder");
    assert_eq!(library.look_for_missing(Some(&root)).expect("a writable library").len(), 4);
    assert_eq!(library.folders().expect("a readable library")[0].n_recordings, 4);
    assert!(library.unwatch(&root).expect("a writable library"));
    assert!(!library.unwatch(&root).expect("a writable library"));
}

#[test]
fn passages_are_found_by_their_words() {
    let desk = Desk::new();
    let mut library = desk.open();
    let old = add(&mut library, &desk.file("old/a.wav", "a"));
    let new = add(&mut library, &desk.file("new/b.wav", "b"));
    let first =
        transcript(&[("Ana", "The budget, for now"), ("Bo B.", "budget the"), ("Ana", "Ünïted naïve 会議室です")]);
    let second = transcript(&[("Bo", "the budgets are don't-care \"quoted\" NEAR(x)"), ("Ana", "nothing")]);
    library.keep_transcript(old, &first, "m").expect("a writable library");
    library.keep_transcript(new, &second, "m").expect("a writable library");
    let old_secs = 1_000_000;
    let file = fs::File::options().write(true).open(desk.folder.path().join("files/old/a.wav")).expect("a file");
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(old_secs as u64)).expect("a file");
    library.add(&[look(&desk.folder.path().join("files/old/a.wav")).expect("a file")], &mut |_| None).expect("known");
    let request = |words: &str| SearchRequest { words: words.to_owned(), limit: 100, ..SearchRequest::default() };
    let folder = |name: &str| Some(desk.folder.path().join("files").join(name));
    let (a0, a1, a2, b0) = ((old, 0), (old, 1), (old, 2), (new, 0));
    for (request, expected) in [
        (request("budget"), vec![b0, a0, a1]),
        (request("\"budget\""), vec![a0, a1]),
        (request("the budget"), vec![b0, a0, a1]),
        (request("\"the budget\""), vec![a0]),
        (request("BUDG"), vec![b0, a0, a1]),
        (request("united naive"), vec![a2]),
        (request("会議"), vec![a2]),
        (request("議会"), vec![]),
        (request("dont"), vec![]),
        (request("don't care"), vec![b0]),
        (request("near( x"), vec![b0]),
        (request("missing the"), vec![]),
        (request(""), vec![]),
        (SearchRequest { speaker: "ana".to_owned(), ..request("budget") }, vec![a0]),
        (SearchRequest { speaker: "Bo".to_owned(), ..request("budget") }, vec![b0]),
        (SearchRequest { speaker: "Nobody".to_owned(), ..request("budget") }, vec![]),
        (SearchRequest { folder: folder("old"), ..request("budget") }, vec![a0, a1]),
        (SearchRequest { folder: folder("ol"), ..request("budget") }, vec![]),
        (SearchRequest { until_secs: Some(old_secs), ..request("budget") }, vec![]),
        (SearchRequest { until_secs: Some(old_secs + 1), ..request("budget") }, vec![a0, a1]),
        (SearchRequest { from_secs: Some(old_secs + 1), ..request("budget") }, vec![b0]),
        (SearchRequest { limit: 1, ..request("budget") }, vec![b0]),
        (SearchRequest { limit: 0, ..request("budget") }, vec![]),
    ] {
        let hits = library.search(&request).expect("a readable library");
        let found: Vec<_> = hits.iter().map(|hit| (hit.recording, hit.segment_idx)).collect();
        assert_eq!(found, expected, "{request:?}");
        for hit in &hits {
            assert!(!hit.found.is_empty() && hit.found.iter().all(|(from, until)| !hit.text[*from..*until].is_empty()));
        }
    }
    let [hit]: [Hit; 1] = search(&mut library, "for n").try_into().expect("one hit");
    assert_eq!((hit.word_idx, hit.at, hit.speaker.as_deref()), (Some(2), Seconds(1.0), Some("Ana")));
    assert_eq!(
        (hit.text.as_str(), hit.found.as_slice(), hit.label.as_str()),
        ("The budget, for now", &[(12, 19)][..], "a")
    );
    // Whatever is typed is no error.
    for typed in ["\"", "*", "^a", "a*b", "a AND", "(", "text:a", "-", "\u{0}", "'; DROP TABLE passages", "a\"b", "NOT"]
    {
        search(&mut library, typed);
    }

    // The index follows what is saved and removed, by whichever process.
    let mut other = desk.open();
    let renamed = edited(&[("Ana", "budget")]).1;
    other.save(new, &renamed, &[]).expect("a writable library");
    other.remove(&[old]).expect("a writable library");
    let hits = search(&mut library, "budget");
    assert_eq!(
        hits.iter().map(|hit| (hit.recording, hit.speaker.as_deref())).collect::<Vec<_>>(),
        [(new, Some("Zoë"))]
    );
    drop((library, other));
    // A damaged index is made again.
    for index in ["library-search-1.db", "library-search-1.db-wal"] {
        fs::write(desk.path().with_file_name(index), "spoiled".repeat(1000)).expect("a writable folder");
    }
    let mut library = desk.open();
    assert_eq!((search(&mut library, "budget").len(), library.take_warnings().len()), (1, 1));
}

#[test]
fn pages_follow_one_another_in_every_order() {
    let desk = Desk::new();
    let mut library = desk.open();
    let mut files = Vec::new();
    for n in 0..50_i64 {
        let mut file = look(&desk.file("x.wav", "x")).expect("a file");
        file.path = desk.folder.path().join(format!("{}/{}.wav", n % 3, n * 7 % 50));
        file.modified_ns = n * 11 % 50 / 2 * 1_000_000_000;
        file.label = Some(format!("{} {n}", if n % 2 == 0 { "Team" } else { "board" }));
        files.push(file);
    }
    library.add(&files, &mut |_| None).expect("a writable library");
    for entry in all(&library).iter().filter(|entry| entry.id.0 % 4 > 0) {
        library.set_duration(entry.id, Seconds((entry.id.0 % 7) as f64)).expect("a writable library");
    }
    let tagged = all(&library)[20].id;
    library.describe(tagged, &[" Ünïque ".to_owned(), String::new(), "Ünïque".to_owned()], "note").expect("a library");
    assert_eq!(
        (entry(&library, tagged).tags, entry(&library, tagged).note),
        (vec!["Ünïque".to_owned()], "note".to_owned())
    );
    for order in [ListOrder::Date, ListOrder::Folder, ListOrder::Name, ListOrder::Duration] {
        for (text, folder, n_expected) in [
            ("", None, 50),
            ("TEAM", None, 25),
            ("ünïque", None, 1),
            ("", Some("1"), 17),
            ("board", Some("1"), 9),
            ("?", None, 0),
        ] {
            let folder = folder.map(|name| desk.folder.path().join(name));
            let request = ListRequest { offset: 0, limit: 100, order, text: text.to_owned(), folder };
            let (whole, n_in_all) = library.list(&request).expect("a readable library");
            assert_eq!((whole.len(), n_in_all), (n_expected, n_expected), "{request:?}");
            let mut pages = Vec::new();
            for offset in (0..n_expected + 7).step_by(7) {
                let page = ListRequest { offset, limit: 7, ..request.clone() };
                let (entries, n_in_all) = library.list(&page).expect("a readable library");
                assert_eq!(n_in_all, n_expected);
                pages.extend(entries);
            }
            assert_eq!(pages, whole, "{request:?}");
            let is_before = |a: &RecordingEntry, b: &RecordingEntry| match order {
                ListOrder::Date => a.modified_secs >= b.modified_secs,
                ListOrder::Folder => a.path < b.path,
                ListOrder::Name => a.label.to_lowercase() <= b.label.to_lowercase(),
                ListOrder::Duration => a.duration >= b.duration,
            };
            assert!(whole.is_sorted_by(is_before), "{request:?}");
        }
    }
}

#[test]
fn two_use_one_library_at_the_same_time() {
    let desk = Desk::new();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (path, file) = (desk.path(), desk.file(&format!("{writer}.wav"), "x"));
            std::thread::spawn(move || {
                let (mut library, _) = Library::open(&path).expect("a writable folder");
                let id = add(&mut library, &file);
                for n in 0..20 {
                    let said = format!("round {n} of writer{writer}");
                    library.keep_transcript(id, &transcript(&[("S0", &said)]), "m").expect("a writable library");
                    assert_eq!(search(&mut library, &format!("writer{writer}")).len(), 1);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().expect("no writer panics");
    }
    let mut library = desk.open();
    assert_eq!((all(&library).len(), search(&mut library, "round 19").len()), (4, 4));
}
