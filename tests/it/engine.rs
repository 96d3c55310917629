//! The engine from outside: queue, cancelling, panics, files, and the real job on the bundled models.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hansard::engine::voices::{VoiceCommand, VoicesAnswer};
use hansard::engine::{Command, Engine, Event, JobContext, JobError, JobId, JobRequest, Rank, Runner, Stage};
use hansard::paths::AppPaths;
use hansard::settings::{Settings, Theme};
use hansard::task::CancelToken;
use hansard::transcript::Transcript;
use tempfile::TempDir;

/// Longest wait for an event that must come: a debug build on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_mins(5);

/// Does what the name of the recording says.
struct Scripted;

impl Runner for Scripted {
    fn voices(&mut self, _: &VoiceCommand, _: &CancelToken) -> Result<VoicesAnswer, String> {
        Err("nobody enrols voices here".to_owned())
    }

    fn run(&mut self, request: &JobRequest, context: &JobContext<'_>) -> Result<Transcript, JobError> {
        match request.path.to_str().expect("a test's name") {
            "panics" => panic!("scripted"),
            "fails" => Err(JobError::Failed("fails: because".into())),
            "hangs" => context.stage(Stage::Speech, |progress| {
                while progress.cancel().check().is_ok() {
                    std::thread::yield_now();
                }
                Err(JobError::Cancelled)
            }),
            _ => Ok(Transcript { language: request.model.clone(), ..Transcript::default() }),
        }
    }
}

fn request(path: impl Into<PathBuf>) -> JobRequest {
    JobRequest::new(path.into(), "demo")
}

struct Bench {
    engine: Engine,
    folder: TempDir,
    n_wakes: Arc<AtomicUsize>,
}

impl Bench {
    fn scripted() -> Self {
        Self::start(|paths, wake| Engine::start_with(paths, Box::new(Scripted), wake))
    }

    fn real() -> Self {
        Self::start(|paths, wake| Engine::start(paths, None, wake))
    }

    fn start(start: impl FnOnce(AppPaths, hansard::engine::Wake) -> io::Result<Engine>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let n_wakes = Arc::new(AtomicUsize::new(0));
        let counter = n_wakes.clone();
        let wake = Arc::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let engine = start(AppPaths::below(folder.path()), wake).expect("threads");
        Self { engine, folder, n_wakes }
    }

    fn next(&self) -> Event {
        self.engine.recv_timeout(PATIENCE).expect("an event in time")
    }

    /// Reads events up to the one that `is_last` accepts, and returns them all.
    fn until(&self, is_last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = vec![self.next()];
        while !is_last(&events[events.len() - 1]) {
            events.push(self.next());
        }
        events
    }

    fn until_end_of(&self, job: JobId) -> Vec<Event> {
        self.until(|event| ended(event) == Some(job))
    }
}

fn ended(event: &Event) -> Option<JobId> {
    match event {
        Event::JobDone(job, ..) | Event::JobFailed(job, _) | Event::JobCancelled(job) => Some(*job),
        _ => None,
    }
}

/// One word per event that matters to the queue.
fn outline(events: &[Event]) -> String {
    let words: Vec<String> = events
        .iter()
        .filter_map(|event| match event {
            Event::JobStarted(job) => Some(format!("started{}", job.0)),
            Event::JobDone(job, ..) => Some(format!("done{}", job.0)),
            Event::JobFailed(job, _) => Some(format!("failed{}", job.0)),
            Event::JobCancelled(job) => Some(format!("cancelled{}", job.0)),
            _ => None,
        })
        .collect();
    words.join(" ")
}

#[test]
fn jobs_run_in_order_and_one_that_fails_or_panics_does_not_stop_the_others() {
    let mut bench = Bench::scripted();
    let jobs: Vec<JobId> = ["a", "fails", "panics", "b"].map(|path| bench.engine.transcribe(request(path))).into();
    let events = bench.until_end_of(jobs[3]);
    assert_eq!(outline(&events), "started1 done1 started2 failed2 started3 failed3 started4 done4");
    for event in &events {
        match event {
            Event::JobFailed(JobId(2), message) => assert_eq!(message, "fails: because"),
            Event::JobFailed(_, message) => {
                assert!(message.contains("panics") && message.contains("scripted"), "{message}");
            }
            _ => {}
        }
    }
    assert!(bench.n_wakes.load(Ordering::SeqCst) >= events.len() - 1, "every event wakes the window");
}

#[test]
fn a_queued_job_is_cancelled_while_another_runs_and_a_running_one_stops() {
    let mut bench = Bench::scripted();
    let hanging = bench.engine.transcribe(request("hangs"));
    let waiting = bench.engine.transcribe(request("waits"));
    bench.until(|event| matches!(event, Event::Progress(job, _) if *job == hanging));
    bench.engine.cancel(waiting);
    assert_eq!(ended(bench.until_end_of(waiting).last().expect("events")), Some(waiting));
    bench.engine.cancel(hanging);
    assert!(matches!(bench.until_end_of(hanging).last(), Some(Event::JobCancelled(_))));
    let next = bench.engine.transcribe(request("next"));
    assert!(matches!(bench.until_end_of(next).last(), Some(Event::JobDone(..))));
    bench.engine.cancel(hanging);
    bench.engine.cancel(next);
    let last = bench.engine.transcribe(request("last"));
    assert_eq!(outline(&bench.until_end_of(last)), "started4 done4", "cancelling what has ended does nothing");
}

#[test]
fn what_is_wanted_next_comes_first_and_what_nobody_asked_for_comes_last() {
    let mut bench = Bench::scripted();
    let hanging = bench.engine.transcribe(request("hangs"));
    bench.until(|event| matches!(event, Event::JobStarted(job) if *job == hanging));
    let arrived = bench.engine.transcribe_ranked(request("arrived"), Rank::Spare);
    let [_, preferred, gone] = ["a", "b", "c"].map(|path| bench.engine.transcribe(request(path)));
    bench.engine.prefer(preferred);
    bench.engine.cancel(gone);
    // What runs or was never there is left alone.
    bench.engine.prefer(hanging);
    bench.engine.prefer(JobId(99));
    bench.engine.cancel(hanging);
    let events = bench.until_end_of(arrived);
    let order = "started4 done4 started3 done3 started2 done2";
    assert!(outline(&events).ends_with(order), "{}", outline(&events));
}

#[test]
fn dropping_the_engine_ends_what_runs() {
    let mut bench = Bench::scripted();
    let hanging = bench.engine.transcribe(request("hangs"));
    for _ in 0..10 {
        bench.engine.transcribe(request("never"));
    }
    bench.until(|event| matches!(event, Event::JobStarted(job) if *job == hanging));
    drop(bench);
}

#[test]
fn files_and_settings_are_written_while_a_job_runs() {
    let mut bench = Bench::scripted();
    bench.engine.transcribe(request("hangs"));
    let good = bench.folder.path().join("notes.txt");
    let bad = bench.folder.path().join("notes.txt/inside.txt");
    let settings = Settings { theme: Theme::Dark, ..Settings::default() };
    bench.engine.send(Command::SaveSettings(Box::new(settings.clone())));
    bench.engine.send(Command::WriteFile { path: good.clone(), bytes: b"words".to_vec(), keep: vec![] });
    let recording = bench.folder.path().join("speech.txt");
    fs::write(&recording, "sound").expect("a writable folder");
    let keep = vec![recording.clone()];
    bench.engine.send(Command::WriteFile { path: recording.clone(), bytes: b"words".to_vec(), keep });
    let refused = bench.until(|event| matches!(event, Event::FileNotWritten(..)));
    assert!(
        matches!(refused.last(), Some(Event::FileNotWritten(_, why)) if why.contains("is a recording")),
        "{refused:?}"
    );
    assert_eq!(fs::read(&recording).expect("still there"), b"sound");
    bench.engine.send(Command::WriteFile { path: bad.clone(), bytes: b"words".to_vec(), keep: vec![] });
    let events = bench.until(|event| matches!(event, Event::FileNotWritten(..)));
    assert!(refused.iter().any(|event| matches!(event, Event::FileWritten(path) if *path == good)));
    let Some(Event::FileNotWritten(path, why)) = events.last() else { panic!("waited for it") };
    assert!(*path == bad && why.contains("notes.txt"), "{why}");
    assert_eq!(fs::read(good).expect("just written"), b"words");
    let saved = Settings::load(&AppPaths::below(bench.folder.path()).settings_file());
    assert_eq!(saved, (settings, None));
}

fn demo_meeting() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/meetings/demo_1min_2spk.flac")
}

#[test]
fn a_real_job_reports_its_way_and_keeps_its_models_for_the_next() {
    let mut bench = Bench::real();
    let model = bench.folder.path().join("my-model");
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/models/whisper-demo");
    fs::create_dir(&model).expect("a writable folder");
    for name in
        ["config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"]
    {
        fs::copy(built_in.join(name), model.join(name)).expect("the built-in model");
    }
    let request = JobRequest { model: model.to_str().expect("a path").into(), ..request(demo_meeting()) };
    let first = bench.engine.transcribe(request.clone());
    let events = bench.until_end_of(first);
    let Some(Event::JobDone(_, transcript, report)) = events.last() else { panic!("{:?}", events.last()) };
    assert!(!transcript.is_empty());
    assert_eq!(transcript.language, "en");
    let stages: Vec<Stage> = report.stages.iter().map(|(stage, _)| *stage).collect();
    let expected_stages = [
        Stage::Decode,
        Stage::LoadModels,
        Stage::Speech,
        Stage::Transcribe,
        Stage::Align,
        Stage::Diarize,
        Stage::Recognise,
    ];
    assert_eq!(stages, expected_stages);

    let mut partial = String::new();
    let mut keys = Vec::new();
    let mut fractions = Vec::new();
    for event in &events {
        match event {
            Event::Segments(_, segments) => partial.extend(segments.iter().map(|segment| segment.text.as_str())),
            Event::Progress(_, progress) => fractions.push(progress.job_fraction),
            Event::AudioReady(_, duration) => assert_eq!(*duration, transcript.duration),
            Event::Models(models) => {
                keys = models.iter().map(|model| model.key.clone()).collect();
                assert!(models.iter().all(|model| model.n_bytes > 100_000));
            }
            _ => {}
        }
    }
    let expected_keys =
        ["ecapa_tdnn_cpu", "pyannote_diarization_cpu", "whisperx_align_en_cpu", "whisperx_my-model_cpu"];
    assert_eq!(keys, expected_keys);
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&partial), words(&transcript.plain_text()), "the parts make the whole, in order");
    assert!(fractions.is_sorted() && fractions.len() >= 4, "{fractions:?}");

    // The files are gone, so the second job can only use what is in memory.
    fs::remove_dir_all(&model).expect("the copy");
    fs::create_dir(&model).expect("the folder is still named by the request");
    let second = bench.engine.transcribe(request);
    let events = bench.until_end_of(second);
    let Some(Event::JobDone(_, again, _)) = events.last() else { panic!("{:?}", events.last()) };
    assert_eq!(again, transcript);
}

#[test]
fn a_real_job_is_cancelled_in_each_stage() {
    let mut bench = Bench::real();
    for stage in [Stage::Decode, Stage::LoadModels, Stage::Speech, Stage::Transcribe] {
        let job = bench.engine.transcribe(request(demo_meeting()));
        bench.until(|event| matches!(event, Event::Progress(_, progress) if progress.stage == stage));
        bench.engine.cancel(job);
        let events = bench.until_end_of(job);
        assert!(matches!(events.last(), Some(Event::JobCancelled(_))), "{stage:?}: {:?}", events.last());
    }
}

#[test]
fn a_broken_model_is_refused_with_one_clear_line() {
    let mut bench = Bench::real();
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/models/whisper-demo");
    let check = |bench: &mut Bench, what: &str, spoil: &dyn Fn(&Path), expected: &[&str]| {
        let model = bench.folder.path().join(what);
        fs::create_dir(&model).expect("a writable folder");
        for entry in fs::read_dir(&built_in).expect("the built-in model") {
            let entry = entry.expect("an entry");
            fs::copy(entry.path(), model.join(entry.file_name())).expect("a copy");
        }
        spoil(&model);
        let request = JobRequest { model: model.to_str().expect("a path").into(), ..request(demo_meeting()) };
        let job = bench.engine.transcribe(request);
        let events = bench.until_end_of(job);
        let Some(Event::JobFailed(_, message)) = events.last() else { panic!("{what}: {:?}", events.last()) };
        assert!(!message.contains('\n'), "{what}: {message}");
        for expected in expected {
            assert!(message.contains(expected), "{what}: {message} lacks {expected}");
        }
    };
    let edit = |file: &'static str, from: &'static str, to: &'static str| {
        move |model: &Path| {
            let text = fs::read_to_string(model.join(file)).expect("a text file");
            assert!(text.contains(from), "{file} has no {from}");
            fs::write(model.join(file), text.replacen(from, to, 1)).expect("a writable folder");
        }
    };
    let remove = |file: &'static str| move |model: &Path| fs::remove_file(model.join(file)).expect("a file");
    let cut = |model: &Path| {
        let weights = model.join("model.safetensors");
        let bytes = fs::read(&weights).expect("the weights");
        fs::write(&weights, &bytes[..bytes.len() / 2]).expect("a writable folder");
    };
    check(&mut bench, "no-config", &remove("config.json"), &["config.json"]);
    check(&mut bench, "no-weights", &remove("model.safetensors"), &["model.safetensors"]);
    check(&mut bench, "no-tokenizer", &remove("tokenizer.json"), &["tokenizer.json"]);
    check(&mut bench, "cut", &cut, &["model.safetensors", "damaged"]);
    check(&mut bench, "not-json", &edit("config.json", "{", "["), &["config.json"]);
    check(
        &mut bench,
        "deeper",
        &edit("config.json", "\"encoder_layers\": 4", "\"encoder_layers\": 5"),
        &["layers.4.", "no tensor"],
    );
    check(
        &mut bench,
        "wider",
        &edit("config.json", "\"encoder_ffn_dim\": 1024", "\"encoder_ffn_dim\": 1000"),
        &["fc1", "1024", "1000"],
    );
    check(
        &mut bench,
        "no-heads",
        &edit("config.json", "\"encoder_attention_heads\": 4", "\"encoder_attention_heads\": 0"),
        &["encoder_attention_heads"],
    );
    check(
        &mut bench,
        "other-mels",
        &edit("preprocessor_config.json", "\"feature_size\": 80", "\"feature_size\": 128"),
        &["feature_size", "128", "80"],
    );
    check(
        &mut bench,
        "no-whisper",
        &edit("tokenizer.json", "<|startoftranscript|>", "<|start|>"),
        &["<|startoftranscript|>"],
    );

    for (model, expected) in [("no-such-size", "no-such-size"), ("", "there is no model")] {
        let job = bench.engine.transcribe(JobRequest { model: model.into(), ..request(demo_meeting()) });
        let events = bench.until_end_of(job);
        assert!(
            matches!(events.last(), Some(Event::JobFailed(_, message)) if message.contains(expected)),
            "{events:?}"
        );
    }
    let klingon = JobRequest { language: Some("tlh".into()), ..request(demo_meeting()) };
    let job = bench.engine.transcribe(klingon);
    let events = bench.until_end_of(job);
    let Some(Event::JobFailed(_, message)) = events.last() else { panic!("{:?}", events.last()) };
    assert!(message.contains("tlh") && message.contains("en, de, fr, es"), "{message}");
}
