//! Captions: the demo meeting, heard as if people spoke now, by a clock of the test's own, so that nobody waits; and
//! with a recording, which they must not touch.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hansard::audio::decode::decode;
use hansard::engine::recording::{
    CaptionRequest, CaptionUpdate, RecordCommand, RecordEvent, RecordRequest, RecordSource,
};
use hansard::engine::voices::{VoiceModel, known_voices};
use hansard::engine::{
    Alignment, Command, ComputeDevice, ComputeType, Diarize, Engine, Event, JobRequest, SpeakerRequest,
};
use hansard::models::ModelCache;
use hansard::nn::sincnet_lstm::PyanNet;
use hansard::nn::whisper::Whisper;
use hansard::paths::AppPaths;
use hansard::pipeline::live::{LiveCaptioner, LiveEvent, LiveModels, LiveOptions, Recogniser};
use hansard::pipeline::options::PreviousText;
use hansard::pipeline::recognise::KnownVoice;
use hansard::task::{CancelToken, Progress};
use hansard::units::Seconds;
use tempfile::TempDir;

use crate::wer::word_error_rate;

const SAMPLES_PER_SEC: usize = 16_000;
/// Sound that comes at once.
const PIECE_SAMPLES: usize = 320;
/// Longest wait for an event that must come.
const PATIENCE: Duration = Duration::from_mins(5);

fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo").join(name)
}

fn meeting() -> PathBuf {
    asset("meetings/demo_1min_2spk.flac")
}

/// The demo models, in memory.
struct Models {
    whisper: Arc<Whisper>,
    segmenter: Arc<PyanNet>,
    recogniser: VoiceModel,
    voices: Vec<KnownVoice>,
    folder: TempDir,
}

impl Models {
    fn load() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let paths = AppPaths::below(folder.path());
        let models = ModelCache::new(paths.clone());
        let (whisper, _) = models.whisper("demo", ComputeDevice::Cpu, ComputeType::Int8).expect("the demo model");
        let recogniser = VoiceModel::load(&models, &paths).expect("the demo model");
        let cancel = CancelToken::default();
        let progress = Progress::unwatched(&cancel);
        let speakers = asset("speakers");
        let (voices, _) = known_voices(Some(&speakers), &recogniser, &paths, &progress).expect("the demo voices");
        let segmenter = models.segmentation().expect("the demo model");
        Self { whisper, segmenter, recogniser, voices, folder }
    }

    fn live(&self) -> LiveModels<'_> {
        let Self { whisper, segmenter, recogniser: VoiceModel { ecapa, options, .. }, voices, .. } = self;
        LiveModels { whisper, segmenter, recogniser: Some(Recogniser { ecapa, options, voices }) }
    }

    fn samples(&self) -> Vec<f32> {
        let cancel = CancelToken::default();
        let decoded = decode(&meeting(), self.folder.path(), &Progress::unwatched(&cancel)).expect("a recording");
        decoded.samples.read(0..decoded.samples.len()).expect("it is in memory")
    }

    /// What comes of sound on a machine that looks at its clock `step_secs` apart; 0 for one that needs no time.
    fn captions(&self, samples: &[f32], step_secs: f64) -> Vec<LiveEvent> {
        let options = LiveOptions {
            language: Some("en".to_owned()),
            previous_text: PreviousText::Withheld,
            ..LiveOptions::default()
        };
        let mut captioner = LiveCaptioner::new(options, self.whisper.config().window_samples());
        let (models, cancel) = (self.live(), CancelToken::default());
        let time = Cell::new(0.0);
        let clock = || {
            time.set(time.get() + step_secs);
            Seconds(time.get())
        };
        let (mut n_heard, mut events) = (0, Vec::new());
        while n_heard < samples.len() {
            time.set(time.get() + PIECE_SAMPLES as f64 / SAMPLES_PER_SEC as f64);
            while n_heard < samples.len()
                && (n_heard + PIECE_SAMPLES) as f64 <= time.get() * SAMPLES_PER_SEC as f64 + 0.5
            {
                let end = (n_heard + PIECE_SAMPLES).min(samples.len());
                captioner.push(&samples[n_heard..end], Seconds(end as f64 / SAMPLES_PER_SEC as f64));
                n_heard = end;
            }
            if !captioner.is_idle() {
                events.extend(captioner.step(&models, &cancel, &clock).expect("nobody cancelled"));
            }
            let n_kept = captioner.n_samples_kept();
            assert!(n_kept <= if step_secs > 0.0 { 130 } else { 30 } * SAMPLES_PER_SEC, "{n_kept} samples are kept");
        }
        events.extend(captioner.finish(&models, &cancel, &clock).expect("nobody cancelled"));
        events
    }
}

/// The final captions, after it was made sure that what was told of each utterance holds together.
fn final_captions(events: &[LiveEvent]) -> Vec<CaptionUpdate> {
    let mut last: BTreeMap<u64, &CaptionUpdate> = BTreeMap::new();
    for event in events {
        let LiveEvent::Caption(caption) = event else { continue };
        if let Some(before) = last.get(&caption.utterance) {
            assert!(!before.is_final, "{before:?} was final, then came {caption:?}");
            assert!(caption.committed.starts_with(&before.committed), "{before:?} became {caption:?}");
            assert_eq!(caption.span.start, before.span.start);
        }
        last.insert(caption.utterance, caption);
    }
    let finals: Vec<CaptionUpdate> = last.into_values().cloned().collect();
    assert!(finals.iter().all(|caption| caption.is_final && caption.provisional.is_empty()), "{finals:?}");
    for pair in finals.windows(2) {
        assert!(pair[0].span.end.0 <= pair[1].span.start.0, "{pair:?} overlap");
    }
    finals
}

fn text_of(captions: &[CaptionUpdate]) -> String {
    captions.iter().map(|caption| caption.committed.as_str()).collect::<Vec<_>>().join(" ")
}

fn truth() -> String {
    fs::read_to_string(asset("meetings/demo_1min_2spk.txt")).expect("the true words")
}

/// What the pipeline for files makes of the meeting with the same model.
fn batch_text() -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut engine = Engine::start(AppPaths::below(folder.path()), None, Arc::new(|| {})).expect("threads");
    let speakers = SpeakerRequest { diarize: Diarize::Off, ..SpeakerRequest::default() };
    let request = JobRequest::new(meeting(), "demo");
    engine.transcribe(JobRequest {
        language: Some("en".to_owned()),
        alignment: Alignment::Off,
        device: ComputeDevice::Cpu,
        speakers,
        ..request
    });
    loop {
        match engine.recv_timeout(PATIENCE).expect("an event in time") {
            Event::JobDone(_, transcript, _) => return transcript.plain_text(),
            Event::JobFailed(_, message) => panic!("{message}"),
            _ => {}
        }
    }
}

#[test]
fn captions_are_nearly_as_good_as_transcripts_and_never_change() {
    let models = Models::load();
    let events = models.captions(&models.samples(), 0.0);
    let finals = final_captions(&events);
    let (found, of_files) = (text_of(&finals), batch_text());
    let [rate, rate_of_files] = [&found, &of_files].map(|text| word_error_rate(&truth(), text));
    assert!(rate <= rate_of_files + 0.03, "WER {rate:.3}, of files {rate_of_files:.3}:\n{finals:#?}");

    let names: BTreeSet<&str> = finals.iter().filter_map(|caption| caption.name.as_deref()).collect();
    assert_eq!(names, BTreeSet::from(["Brian", "Nora"]), "{finals:#?}");
    let mut latencies: Vec<f64> = finals.iter().map(|caption| caption.latency.0).collect();
    latencies.sort_unstable_by(f64::total_cmp);
    assert!(latencies[latencies.len() / 2] <= 0.7, "of what is waited for before an end is sure: {latencies:?}");
    assert!(!events.iter().any(|event| matches!(event, LiveEvent::Behind(_))), "nothing took any time");
    let n_before_end = events.len() - finals.len();
    assert!(n_before_end >= 20, "{n_before_end} captions while people spoke for 50 s");
}

#[test]
fn captions_of_a_slow_machine_thin_out_and_say_so() {
    let models = Models::load();
    let samples = models.samples();
    let count = |events: &[LiveEvent]| {
        let n_late = events.iter().filter(|event| matches!(event, LiveEvent::Behind(late) if late.0 > 2.0)).count();
        let is_draft = |event: &&LiveEvent| matches!(event, LiveEvent::Caption(caption) if !caption.is_final);
        (n_late, events.iter().filter(is_draft).count())
    };
    let part = &samples[..30 * SAMPLES_PER_SEC];
    let (fast, slow) = (models.captions(part, 0.0), models.captions(part, 1.2));
    let ((n_late, n_drafts), (_, n_drafts_in_time)) = (count(&slow), count(&fast));
    assert!(n_late > 0 && n_drafts < n_drafts_in_time, "late {n_late} times, {n_drafts} of {n_drafts_in_time}");
    let [slow, fast] = [slow, fast].map(|events| text_of(&final_captions(&events)));
    let difference = word_error_rate(&fast, &slow);
    assert!(difference < 0.3, "what is said late is still said: {difference:.2}\n{fast}\n{slow}");
}

#[test]
fn captions_come_with_a_recording_and_do_not_touch_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let engine = Engine::start(AppPaths::below(folder.path()), None, Arc::new(|| {})).expect("threads");
    let request = CaptionRequest { model: "demo".to_owned(), language: Some("en".to_owned()) };
    let send = |command| engine.send(Command::Record(command));
    let next = || loop {
        match engine.recv_timeout(PATIENCE).expect("an event in time") {
            Event::Recording(RecordEvent::Level(_)) => {}
            Event::Recording(event) => return event,
            _ => {}
        }
    };
    send(RecordCommand::Prepare(request.clone()));
    assert_eq!(next(), RecordEvent::CaptionsReady);
    let source = RecordSource::File { path: meeting(), speed: 10.0 };
    let captions = Some(request.clone());
    send(RecordCommand::Start(RecordRequest { source, output: None, limit: None, captions }));
    let (mut recorded, mut is_done, mut text) = (None, false, String::new());
    while recorded.is_none() || !is_done {
        match next() {
            RecordEvent::Finished(file) => recorded = Some(file),
            RecordEvent::Caption(caption) if caption.is_final => {
                text.push(' ');
                text.push_str(&caption.committed);
            }
            RecordEvent::CaptionsDone => is_done = true,
            RecordEvent::Failed(text) | RecordEvent::Warning(text) | RecordEvent::CaptionsFailed(text) => {
                panic!("{text}")
            }
            _ => {}
        }
    }
    let file = recorded.expect("it was waited for");
    assert!((file.duration.0 - 60.0).abs() < 0.5, "{file:?}");
    assert_eq!((file.overrun, file.problem), (Seconds(0.0), None));
    assert!(word_error_rate(&truth(), &text) < 0.5, "{text}");

    // What cannot be had is one line, and the recording goes on without it.
    let source = RecordSource::File { path: meeting(), speed: 1000.0 };
    let captions = Some(CaptionRequest { model: "missing".to_owned(), ..request });
    send(RecordCommand::Start(RecordRequest { source, output: None, limit: None, captions }));
    let (mut reason, mut is_recorded) = (None, false);
    while reason.is_none() || !is_recorded {
        match next() {
            RecordEvent::CaptionsFailed(text) => reason = Some(text),
            RecordEvent::Finished(_) => is_recorded = true,
            RecordEvent::Failed(text) => panic!("{text}"),
            _ => {}
        }
    }
    let reason = reason.expect("it was waited for");
    assert!(reason.contains("missing") && reason.lines().count() == 1, "{reason}");
}
