//! Nothing is computed twice: which stages work again after which change, and that whatever was stored, resumed or computed,
//! the transcript is the same to the byte. Every job here has an engine of its own, as in a process of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hansard::engine::{
    Alignment, Diarize, Engine, Event, Hints, JobReport, JobRequest, Mode, Numerals, Reuse, SpeakerCount,
    SpeakerRequest, Stage,
};
use hansard::paths::AppPaths;
use hansard::settings::ModelSettings;
use hansard::transcript::Transcript;
use tempfile::TempDir;

use crate::sound::{ffmpeg, utf8};

/// Longest wait for an event that must come.
const PATIENCE: Duration = Duration::from_mins(10);

fn asset(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo").join(path)
}

fn meeting() -> JobRequest {
    JobRequest::new(asset("meetings/demo_1min_2spk.flac"), "demo")
}

/// A machine on which nothing was transcribed yet.
fn new_home() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// What came of a job.
struct Done {
    transcript: Arc<Transcript>,
    report: JobReport,
    events: Vec<Event>,
}

impl Done {
    /// The transcript, to the byte.
    fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&*self.transcript).expect("plain values")
    }

    fn computed(&self) -> BTreeSet<Stage> {
        self.report.work.iter().filter(|work| work.n_computed > 0).map(|work| work.stage).collect()
    }

    /// Pieces of a stage: computed, and reused.
    fn work(&self, stage: Stage) -> (usize, usize) {
        let work = self.report.work.iter().find(|work| work.stage == stage);
        work.map_or((0, 0), |work| (work.n_computed, work.n_reused))
    }

    fn warnings(&self) -> Vec<&str> {
        self.events.iter().filter_map(warning_of).collect()
    }

    /// Where the text began that was not known before.
    fn continued_at(&self) -> Option<f64> {
        self.events.iter().find_map(|event| match event {
            Event::Continues(_, at) => Some(at.0),
            _ => None,
        })
    }
}

fn warning_of(event: &Event) -> Option<&str> {
    match event {
        Event::Warning(_, text) => Some(text),
        _ => None,
    }
}

/// Runs a job to its end.
fn done(home: &TempDir, request: &JobRequest) -> Done {
    done_with(home, &ModelSettings::default(), request)
}

fn done_with(home: &TempDir, settings: &ModelSettings, request: &JobRequest) -> Done {
    let mut engine = engine(home, settings);
    engine.transcribe(request.clone());
    let mut events = Vec::new();
    loop {
        match next(&engine) {
            Event::JobDone(_, transcript, report) => return Done { transcript, report, events },
            event @ (Event::JobFailed(..) | Event::JobCancelled(_)) => panic!("{request:?}: {event:?}"),
            event => events.push(event),
        }
    }
}

fn engine(home: &TempDir, settings: &ModelSettings) -> Engine {
    Engine::start_with_settings(AppPaths::below(home.path()), settings, Some(2), Arc::new(|| {})).expect("threads")
}

fn next(engine: &Engine) -> Event {
    engine.recv_timeout(PATIENCE).expect("an event in time")
}

/// Starts a job and cancels it as soon as something was transcribed.
fn cancelled_in_the_middle(home: &TempDir, request: &JobRequest) {
    let mut engine = engine(home, &ModelSettings::default());
    let job = engine.transcribe(request.clone());
    loop {
        match next(&engine) {
            Event::Segments(..) => engine.cancel(job),
            Event::JobCancelled(_) => return,
            event @ (Event::JobDone(..) | Event::JobFailed(..)) => panic!("it was not cancelled: {event:?}"),
            _ => {}
        }
    }
}

#[test]
fn after_a_change_only_what_depends_on_it_is_computed() {
    type Change = fn(&mut JobRequest);
    const TEXT: &[Stage] = &[Stage::Decode, Stage::Transcribe];
    let all = [Stage::Decode, Stage::Speech, Stage::Transcribe, Stage::Align, Stage::Diarize, Stage::Recognise];
    let home = new_home();
    let first = done(&home, &meeting());
    assert_eq!(first.computed(), BTreeSet::from(all));
    assert!(first.report.work.iter().all(|work| work.n_reused == 0), "{:?}", first.report.work);
    // What is computed at least; where texts come out the same, their words need not be aligned again.
    let rows: [(&str, Change, &[Stage]); 14] = [
        ("nothing", |_| {}, &[]),
        ("batch size", |request| request.batch_size = 1, &[]),
        ("number of speakers", |request| request.speakers = speakers(Some(3), None), &[]),
        ("number of speakers again", |request| request.speakers = speakers(Some(3), None), &[]),
        ("voices", |request| request.speakers = speakers(None, Some(asset("speakers"))), &[]),
        ("voices and number", |request| request.speakers = speakers(Some(2), Some(asset("speakers"))), &[]),
        ("no alignment", |request| request.alignment = Alignment::Off, &[]),
        ("no speakers", |request| request.speakers.diarize = Diarize::Off, &[]),
        ("the language that was detected", |request| request.language = Some("en".into()), &[]),
        ("beam size", |request| request.beam_size = 3, TEXT),
        ("beam size again", |request| request.beam_size = 3, &[]),
        (
            "beam size and speakers",
            |request| {
                request.beam_size = 3;
                request.speakers = speakers(Some(1), None);
            },
            &[],
        ),
        ("numerals", |request| request.numerals = Numerals::InWords, TEXT),
        (
            "hints",
            |request| {
                request.hints = Hints { prompt: "A meeting about the budget.".into(), ..Hints::default() };
            },
            TEXT,
        ),
    ];
    for (what, change, expected) in rows {
        let mut request = meeting();
        change(&mut request);
        let found = done(&home, &request);
        let computed: BTreeSet<Stage> = found.computed().into_iter().filter(|stage| *stage != Stage::Align).collect();
        assert_eq!(computed, expected.iter().copied().collect(), "{what}: {:?}", found.report.work);
        assert!(!expected.is_empty() || found.work(Stage::Align).0 == 0, "{what}: {:?}", found.report.work);
        assert_eq!(found.continued_at(), None, "{what}");
        if what == "nothing" {
            assert_eq!(found.bytes(), first.bytes());
            assert_eq!(found.warnings(), first.warnings());
        } else if ["number of speakers", "voices", "beam size and speakers"].contains(&what) {
            let fresh = done(&new_home(), &request);
            assert!(fresh.bytes() == found.bytes(), "{what}: what is put together of stored parts differs");
            assert!(fresh.bytes() != first.bytes(), "{what}: it makes a difference");
        }
    }

    // All of it again, in the place of what is stored; and that is found by the next job.
    let fresh = done(&home, &JobRequest { reuse: Reuse::Fresh, ..meeting() });
    assert_eq!(fresh.report.work, first.report.work);
    assert!(fresh.bytes() == first.bytes());
    let again = done(&home, &meeting());
    assert!(again.computed().is_empty() && again.bytes() == first.bytes(), "{:?}", again.report.work);
}

fn speakers(exact: Option<usize>, voices: Option<PathBuf>) -> SpeakerRequest {
    let count = SpeakerCount { exact, ..SpeakerCount::default() };
    SpeakerRequest { diarize: Diarize::On, count, voices, ..SpeakerRequest::default() }
}

#[test]
fn a_job_that_was_stopped_goes_on_where_it_was() {
    for mode in [Mode::Batched, Mode::Sequential] {
        // One chunk after the other, so that there is a middle.
        let request = JobRequest { mode, batch_size: 1, ..meeting() };
        let whole = done(&new_home(), &request);
        assert_eq!(whole.continued_at(), None, "{mode:?}");
        let home = new_home();
        cancelled_in_the_middle(&home, &request);
        let resumed = done(&home, &request);
        let (n_computed, n_reused) = resumed.work(Stage::Transcribe);
        assert!(n_computed > 0 && n_reused > 0, "{mode:?}: {:?}", resumed.report.work);
        assert_eq!((n_computed + n_reused, 0), whole.work(Stage::Transcribe), "{mode:?}");
        let at = resumed.continued_at().expect("it says where it goes on");
        assert!(at > 0.0 && at < whole.transcript.duration.0, "{mode:?}: {at}");
        assert!(resumed.bytes() == whole.bytes(), "{mode:?}: a transcript in two parts differs from one in one");
        assert_eq!(resumed.warnings(), whole.warnings(), "{mode:?}");
        let told = |done: &Done| -> String {
            let segments = done.events.iter().filter_map(|event| match event {
                Event::Segments(_, segments) => Some(segments),
                _ => None,
            });
            segments.flatten().map(|segment| segment.text.as_str()).collect()
        };
        assert_eq!(told(&resumed), told(&whole), "{mode:?}: what is known is told, too");
        if mode == Mode::Batched {
            assert_eq!(resumed.work(Stage::Speech).0, 0, "speech was found before");
        }
        assert!(done(&home, &request).computed().is_empty(), "{mode:?}");
    }
}

#[test]
fn recordings_are_known_by_their_sound() {
    let home = new_home();
    let first = done(&home, &meeting());
    let copy = home.path().join("copy.wav");
    ffmpeg(&["-i", utf8(&meeting().path), utf8(&copy)]);
    let copied = JobRequest { path: copy.clone(), ..meeting() };
    let found = done(&home, &copied);
    assert_eq!(found.computed(), BTreeSet::from([Stage::Decode]), "another container has the same sound");
    assert!(found.bytes() == first.bytes());
    assert!(done(&home, &copied).computed().is_empty(), "it is not read again");

    // Under the same name there is something else.
    ffmpeg(&["-i", utf8(&asset("speakers/Nora.flac")), utf8(&copy)]);
    let changed = done(&home, &copied);
    assert!(changed.computed().contains(&Stage::Transcribe), "{:?}", changed.report.work);
    assert!(changed.transcript.duration.0 < first.transcript.duration.0);
}

#[test]
fn without_a_store_there_is_a_transcript_all_the_same() {
    let whole = done(&new_home(), &meeting());
    let home = new_home();
    fs::create_dir_all(home.path().join("cache")).expect("a writable folder");
    fs::write(home.path().join("cache/results-v1"), "in the way").expect("a writable folder");
    let found = done(&home, &meeting());
    let told: Vec<&str> = found.warnings().into_iter().filter(|text| text.contains("not kept")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("results-v1"), "{told:?}");
    assert!(found.bytes() == whole.bytes());

    let off = ModelSettings { use_model_cache: false, ..ModelSettings::default() };
    let home = new_home();
    let found = done_with(&home, &off, &meeting());
    assert!(found.bytes() == whole.bytes());
    assert!(!home.path().join("cache/results-v1").exists(), "who keeps nothing on disk keeps no results");
}
