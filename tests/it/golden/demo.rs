//! The demo meetings against what whisperX and transformers make of them with the same models: chunk boundaries and the
//! text of each chunk, and the word error rate.
//!
//! The 1-minute meeting is bundled. `HANSARD_DEMO_DIR` may name a folder with more of them: `reference_results.json`
//! and `meetings/NAME.{flac,txt}`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hansard::engine::{Alignment, ComputeType, Diarize, Engine, Event, JobRequest, SpeakerRequest};
use hansard::paths::AppPaths;
use hansard::transcript::Transcript;
use serde_json::Value;

use crate::wer::word_error_rate;

/// Boundaries may differ by little more than one frame of the segmentation network.
const TOLERANCE_SECS: f64 = 0.020;

fn transcribe(recording: &Path, compute_type: ComputeType) -> Arc<Transcript> {
    // Chunks as they were transcribed, whoever speaks.
    let (alignment, speakers) = (Alignment::Off, SpeakerRequest { diarize: Diarize::Off, ..SpeakerRequest::default() });
    let request = JobRequest { compute_type, alignment, speakers, ..JobRequest::new(recording.into(), "demo") };
    transcribe_on(None, JobRequest { language: Some("en".into()), ..request })
}

pub(super) fn transcribe_on(n_threads: Option<usize>, request: JobRequest) -> Arc<Transcript> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut engine = Engine::start(AppPaths::below(folder.path()), n_threads, Arc::new(|| {})).expect("threads");
    engine.transcribe(request);
    loop {
        match engine.recv_timeout(Duration::from_mins(10)).expect("an event in time") {
            Event::JobDone(_, transcript, _) => return transcript,
            Event::JobFailed(_, message) => panic!("{message}"),
            _ => {}
        }
    }
}

/// Folder of the meetings, and their reference results.
pub(super) fn sources() -> (PathBuf, Value) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (meetings, results) = match env::var_os("HANSARD_DEMO_DIR").map(PathBuf::from) {
        Some(folder) => (folder.join("meetings"), folder.join("reference_results.json")),
        None => (root.join("assets/demo/meetings"), root.join("tests/fixtures/demo/reference_results.json")),
    };
    let results = fs::read_to_string(results).expect("the reference results");
    (meetings, serde_json::from_str(&results).expect("JSON"))
}

#[test]
fn golden_demo_meetings() {
    let (meetings, results) = sources();
    let mut differences = Vec::new();
    let mut n_chunks = 0;
    for (name, reference) in results.as_object().expect("a meeting for each name") {
        let transcript = transcribe(&meetings.join(format!("{name}.flac")), ComputeType::F32);
        let expected = reference["segments"].as_array().expect("a list");
        n_chunks += expected.len();
        let (mut found, mut wanted) = (transcript.segments.iter().peekable(), expected.iter().peekable());
        while let (Some(&segment), Some(&chunk)) = (found.peek(), wanted.peek()) {
            let (start, end) = (chunk["start"].as_f64().expect("a time"), chunk["end"].as_f64().expect("a time"));
            let same_place = (segment.span.start.0 - start).abs() <= TOLERANCE_SECS
                && (segment.span.end.0 - end).abs() <= TOLERANCE_SECS;
            let text = chunk["text"].as_str().expect("a text");
            if !same_place || segment.text != text {
                differences.push(format!("{name}: {segment:?}\n  expected {start}..{end} {text:?}"));
            }
            // After a difference in place, go on with whichever lies behind.
            if same_place || segment.span.start.0 <= start {
                found.next();
            }
            if same_place || segment.span.start.0 > start {
                wanted.next();
            }
        }
        differences.extend(found.map(|segment| format!("{name}: {segment:?}\n  not expected")));
        differences.extend(wanted.filter(|chunk| chunk["text"] != "").map(|chunk| format!("{name}: lacks {chunk}")));

        let truth = fs::read_to_string(meetings.join(format!("{name}.txt"))).expect("the true words");
        let error_rate = word_error_rate(&truth, &transcript.plain_text());
        let reference_rate = reference["wer"].as_f64().expect("a rate");
        assert!(error_rate <= reference_rate + 0.01, "{name}: WER {error_rate}, reference {reference_rate}");
    }
    assert!(
        differences.len() * 100 <= n_chunks * 2,
        "{} of {n_chunks} chunks differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// 8-bit arithmetic may word a few things differently; it must not be worse by more than a hair.
#[test]
fn golden_demo_meetings_in_8_bits() {
    let (meetings, results) = sources();
    let (mut n_words, mut n_errors, mut n_reference_errors) = (0.0, 0.0, 0.0);
    for (name, reference) in results.as_object().expect("a meeting for each name") {
        let transcript = transcribe(&meetings.join(format!("{name}.flac")), ComputeType::Int8);
        let truth = fs::read_to_string(meetings.join(format!("{name}.txt"))).expect("the true words");
        let n_words_here = reference["words"].as_f64().expect("a number");
        n_words += n_words_here;
        n_errors += word_error_rate(&truth, &transcript.plain_text()) * n_words_here;
        n_reference_errors += reference["wer"].as_f64().expect("a rate") * n_words_here;
    }
    let (found, reference) = (n_errors / n_words, n_reference_errors / n_words);
    // Half a point, and one sentence misheard: the bundled meeting alone has 131 words.
    assert!(found <= reference + 0.005 + 5.0 / n_words, "WER {found:.4}, reference {reference:.4}");
}

/// Which chunks are decoded together, and when each of them is encoded, depends on the threads; the text does not.
#[test]
fn threads_and_batches_change_nothing() {
    let (meetings, results) = sources();
    let name = results.as_object().and_then(|results| results.keys().next()).expect("a meeting");
    for compute_type in [ComputeType::F32, ComputeType::Int8] {
        let transcripts = [(1, 1), (2, 3), (3, 8)].map(|(n_threads, batch_size)| {
            let request = JobRequest::new(meetings.join(format!("{name}.flac")), "demo");
            transcribe_on(Some(n_threads), JobRequest { compute_type, batch_size, ..request })
        });
        assert!(!transcripts[0].segments.is_empty());
        for transcript in &transcripts[1..] {
            assert_eq!(transcript.segments, transcripts[0].segments, "{compute_type:?}");
        }
    }
}
