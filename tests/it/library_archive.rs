//! The library as one file: what is exported comes back, nothing that is there is lost, and hostile files are refused.

use std::fs;

use hansard::hash::ContentHash;
use hansard::library::{
    ImportReport, JobRecord, KeptTranscript, Library, LibraryError, NewFiles, RecordingEntry, RecordingId,
};
use hansard::transcript::manifest::Manifest;
use hansard::units::Seconds;

use super::library::{Desk, add, all, edited, entry, transcript};

/// All recordings but for their numbers, with their transcripts and the earlier ones.
fn everything(library: &Library) -> Vec<(RecordingEntry, Option<KeptTranscript>, Vec<KeptTranscript>)> {
    let entries = all(library).into_iter().map(|entry| {
        let transcript = library.transcript(entry.id).expect("a readable library");
        let earlier = library.earlier_transcripts(entry.id).expect("a readable library");
        (RecordingEntry { id: RecordingId(0), ..entry }, transcript, earlier)
    });
    entries.collect()
}

#[test]
fn an_exported_library_comes_back_and_takes_nothing_away() {
    let (one, two) = (Desk::new(), Desk::new());
    let (a, b) = (one.file("a.wav", "a"), one.file("b.wav", "b"));
    let (original, current, changes) = edited(&[("S0", "one two"), ("S1", "three")]);
    let mut library = one.open();
    let ids = [&a, &b].map(|path| add(&mut library, path));
    for id in ids {
        library.keep_transcript(id, &original, "m").expect("a writable library");
    }
    library.save(ids[0], &current, &changes).expect("a writable library");
    library.describe(ids[0], &["x".to_owned()], "first").expect("a writable library");
    library.watch(one.folder.path(), NewFiles::Transcribe).expect("a writable library");
    let job = JobRecord {
        recording: ids[1],
        started_secs: 7,
        model: "m".to_owned(),
        settings: "beam 5".to_owned(),
        audio: Seconds(60.0),
        stages: vec![("Transcribing".to_owned(), Seconds(0.1 + 0.2))],
        total: Seconds(30.0),
        reused_fraction: 0.0,
        mean_confidence: Some(1.0 / 3.0),
        outcome: "done".to_owned(),
        manifest: Some(Box::new(Manifest { app_version: "0.1.0".to_owned(), ..Manifest::default() })),
        estimate: Some(Seconds(0.1 + 0.7)),
    };
    library.add_job(&job).expect("a writable library");
    // The recording of this one was removed.
    library.add_job(&JobRecord { recording: RecordingId(99), started_secs: 8, ..job.clone() }).expect("a library");
    let file = one.folder.path().join("out/all.hansard-library");
    let report = library.export(&file).expect("a writable folder");
    assert_eq!((report.n_recordings, report.n_transcripts, report.warnings.len()), (2, 2, 0));
    let data = one.path();
    for own in ["library.db", "library.db-wal", "library.lock", "../data/library.db", "library-backups/new"] {
        library.back_up_if_due().expect("a writable folder");
        let refused = library.export(&data.with_file_name(own));
        assert!(matches!(refused, Err(LibraryError::File(_))), "{own}: {refused:?}");
    }

    // Into an empty library, and twice.
    let mut copy = two.open();
    let imported = copy.import(&file).expect("what was just exported");
    assert_eq!(imported, ImportReport { n_new: 2, n_known: 0, n_transcripts: 2 });
    let warnings = copy.take_warnings();
    assert!(
        matches!(&warnings[..], [warning] if warning.contains("jobs are left out") && warning.contains("(1)")),
        "{warnings:?}"
    );
    assert_eq!(everything(&copy), everything(&library));
    assert_eq!(copy.import(&file).expect("the same again"), ImportReport { n_new: 0, n_known: 2, n_transcripts: 0 });
    assert_eq!(everything(&copy), everything(&library));
    let [copied]: [JobRecord; 1] = copy.jobs(10).expect("readable jobs").try_into().expect("one job");
    assert_eq!(JobRecord { recording: job.recording, ..copied.clone() }, job);
    assert_eq!(copied.recording, copy.find(&b).expect("a readable library").expect("it was imported"));
    let watched = copy.folders().expect("readable folders");
    let watched: Vec<_> = watched.iter().map(|watched| (watched.path.as_path(), watched.new_files)).collect();
    assert_eq!(watched, [(one.folder.path(), NewFiles::List)], "it is listed only");
    assert_eq!(copy.estimate("m", "", Seconds(120.0)).expect("a readable library"), Some(Seconds(60.0)));
    assert_eq!(copy.estimate("other", "", Seconds(120.0)).expect("a readable library"), None);

    // What was changed meanwhile stays; what the file has is put beside it.
    let [here, there] = [&a, &b].map(|path| copy.find(path).expect("a readable library").expect("it was imported"));
    let other = transcript(&[("S0", "something else")]);
    copy.keep_transcript(here, &other, "m2").expect("a writable library");
    copy.describe(here, &["y".to_owned()], "second").expect("a writable library");
    let mine = edited(&[("S0", "one two"), ("S1", "three")]);
    copy.save(there, &mine.1, &mine.2).expect("a writable library");
    copy.import(&file).expect("the same again");
    let latest = |id| copy.latest_transcript(id).expect("a readable library").expect("a transcript").transcript;
    assert_eq!((latest(here), latest(there)), (other, mine.1));
    let merged = entry(&copy, here);
    assert_eq!((merged.tags.join(" "), merged.note.as_str()), ("y x".to_owned(), "second\nfirst"));
    let earlier = copy.earlier_transcripts(here).expect("a readable library");
    assert_eq!((earlier.len(), earlier[0].current.as_ref()), (1, Some(&current)));
}

#[test]
fn two_copies_of_a_recording_stay_two() {
    let (one, two) = (Desk::new(), Desk::new());
    let mut library = one.open();
    for name in ["a.wav", "b.wav"] {
        let id = add(&mut library, &one.file(name, "the same"));
        library.set_content(id, &ContentHash::of(b"the same")).expect("a writable library");
        library.describe(id, &[name.to_owned()], "").expect("a writable library");
    }
    let file = one.folder.path().join("all.hansard-library");
    library.export(&file).expect("a writable folder");
    let mut copy = two.open();
    for (n_new, n_known) in [(2, 0), (0, 2)] {
        let imported = copy.import(&file).expect("what was just exported");
        assert_eq!(imported, ImportReport { n_new, n_known, n_transcripts: 0 });
        assert_eq!(everything(&copy), everything(&library));
    }
}

#[test]
fn what_cannot_be_right_is_left_out_and_the_rest_is_taken() {
    let desk = Desk::new();
    let mut library = desk.open();
    let id = add(&mut library, &desk.file("a.wav", "a"));
    library.describe(id, &["board".to_owned()], "note").expect("a writable library");
    library.watch(desk.folder.path(), NewFiles::Transcribe).expect("a writable library");
    let file = desk.folder.path().join("all.hansard-library");
    library.export(&file).expect("a writable folder");
    let lines = zstd::stream::decode_all(fs::read(&file).expect("just written").as_slice()).expect("just written");
    let lines = String::from_utf8(lines).expect("JSON is text");
    let root = desk.folder.path().to_str().expect("UTF-8");
    let long_tag = format!("\"board\",\"{}\"", "x".repeat(101));
    // What is there then: recordings, tags, folders, warnings.
    for (from, to, expected) in [
        ("", "", (1, 1, 1, 0)),
        ("\"n_bytes\":1,", "\"n_bytes\":-7,", (1, 1, 1, 1)),
        ("\"status\":0,", "\"status\":99,", (1, 1, 1, 1)),
        ("\"board\"", long_tag.as_str(), (1, 1, 1, 1)),
        (root, "relative", (0, 0, 0, 2)),
    ] {
        fs::write(
            &file,
            zstd::stream::encode_all(lines.replace(from, to).as_bytes(), 1).expect("it can be compressed"),
        )
        .expect("a writable folder");
        let other = Desk::new();
        let mut copy = other.open();
        copy.import(&file).unwrap_or_else(|error| panic!("{to}: {error}"));
        let (entries, folders) = (all(&copy), copy.folders().expect("readable folders"));
        let n_tags = entries.iter().map(|entry| entry.tags.len()).sum::<usize>();
        assert_eq!((entries.len(), n_tags, folders.len(), copy.take_warnings().len()), expected, "{to}");
    }
}

#[test]
fn a_hostile_file_changes_nothing() {
    let desk = Desk::new();
    let mut copy = desk.open();
    let id = add(&mut copy, &desk.file("a.wav", "a"));
    copy.keep_transcript(id, &transcript(&[("S0", "one two")]), "m").expect("a writable library");
    let file = desk.folder.path().join("all.hansard-library");
    copy.export(&file).expect("a writable folder");
    let whole = fs::read(&file).expect("just written");
    let lines = zstd::stream::decode_all(whole.as_slice()).expect("just written");
    let packed = |lines: &[u8]| zstd::stream::encode_all(lines, 1).expect("it can be compressed");
    let mut hostile: Vec<Vec<u8>> = (0..whole.len()).step_by(97).map(|n_bytes| whole[..n_bytes].to_vec()).collect();
    hostile.extend([
        b"no library".to_vec(),
        packed(b""),
        packed(&vec![b'{'; 100_000]),
        packed(&[&lines[..], b"{}\n"].concat()),
    ]);
    hostile.push(packed(&lines[..lines.len() - 20]));
    for (from, to) in [
        ("\"version\":1", "\"version\":2"),
        ("hansard-library", "x"),
        ("\"n_records\":", "\"n_records\":1"),
        ("a.wav", "../a.wav"),
        ("10.0", "1e999"),
    ] {
        let spoiled = String::from_utf8(lines.clone()).expect("JSON is text").replace(from, to).into_bytes();
        hostile.push(packed(&spoiled));
    }
    let before = (everything(&copy), copy.jobs(10).expect("readable jobs"));
    for bytes in hostile {
        fs::write(&file, &bytes).expect("a writable folder");
        let refused = copy.import(&file);
        assert!(matches!(refused, Err(LibraryError::Refused { .. })), "{refused:?}");
    }
    assert_eq!((everything(&copy), copy.jobs(10).expect("readable jobs")), before);
    assert!(matches!(copy.import(&desk.folder.path().join("gone")), Err(LibraryError::File(_))));
}
