//! `hansard demo`: the bundled meeting goes through the whole program, so that a new user sees at once that it works.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;

use crate::engine::{Engine, JobReport, JobRequest};
use crate::paths::AppPaths;
use crate::transcript::Transcript;

use super::args::DemoArguments;
use super::batch::{self, DeliveryError, Outcome};
use super::progress::{Display, Verbosity};
use super::{Next, has_display};

const FOR_REAL_MEETINGS: &str = "The built-in demo model is for trying out; for real meetings, give `hansard transcribe \
                                 --model` the folder of a Whisper model.";

/// Prints the transcript of the demo meeting; then asks for the window, where there is a display and it is wanted.
pub(super) fn run(arguments: &DemoArguments, paths: &AppPaths) -> anyhow::Result<Next> {
    let request = demo_request(paths)?;
    let meeting = request.path.clone();
    let n_threads = arguments.threads.map(usize::from);
    let mut engine = Engine::start(paths.clone(), n_threads, Arc::new(|| {})).context("cannot start the engine")?;
    let mut display = Display::new(Verbosity::Normal);
    let mut shown = None;
    let outcome = batch::run(&mut engine, vec![request], &mut display, |finished, display| {
        display.result(timed_text(finished.transcript).as_bytes()).map_err(DeliveryError::Stdout)?;
        display.tell(&summary(finished.transcript, finished.report));
        display.tell(FOR_REAL_MEETINGS);
        shown = Some(Arc::clone(finished.transcript));
        Ok(())
    })?;
    match outcome {
        Outcome::Done if arguments.no_window => Ok(Next::Exit(ExitCode::SUCCESS)),
        Outcome::Done if has_display() => Ok(Next::Window { recording: Some(meeting), transcript: shown }),
        Outcome::Done => {
            display.tell("There is no display here; on a desktop, the window opens now.");
            Ok(Next::Exit(ExitCode::SUCCESS))
        }
        Outcome::Failed | Outcome::Cancelled | Outcome::ReaderGone => {
            Ok(Next::Exit(ExitCode::from(outcome.exit_code())))
        }
    }
}

fn demo_request(paths: &AppPaths) -> anyhow::Result<JobRequest> {
    JobRequest::demo(paths).with_context(|| {
        let roots: Vec<String> = paths.asset_roots().iter().map(|root| root.display().to_string()).collect();
        format!("the demo meeting was found in none of these folders: {}; install Hansard again", roots.join(", "))
    })
}

/// One line for each segment, with the time at which it was said and who said it.
fn timed_text(transcript: &Transcript) -> String {
    let mut text = String::new();
    for segment in &transcript.segments {
        let speaker = segment.speaker.as_deref().map(|label| format!("{}: ", transcript.name_of(label)));
        let (span, said) = (segment.span, segment.text.trim());
        writeln!(text, "[{} - {}] {}{said}", span.start, span.end, speaker.unwrap_or_default())
            .expect("a string takes all that is written");
    }
    text
}

fn summary(transcript: &Transcript, report: &JobReport) -> String {
    let total_secs = report.total.0;
    let stages: Vec<String> =
        report.stages.iter().map(|(stage, took)| format!("{} {:.1} s", stage.label().to_lowercase(), took.0)).collect();
    format!(
        "{} of audio in {total_secs:.1} s, {:.0} times faster than real time ({}).",
        transcript.duration,
        transcript.duration.0 / total_secs.max(1e-3),
        stages.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{Segment, Speaker};
    use crate::units::TimeSpan;

    #[test]
    fn every_segment_is_a_line_with_its_times() {
        let segment = |start, end, text: &str| Segment {
            span: TimeSpan::from_secs(start, end),
            text: text.to_owned(),
            ..Segment::default()
        };
        let yes = Segment { speaker: Some("SPEAKER_00".to_owned()), ..segment(61.0, 62.0, " Yes.") };
        let segments = vec![segment(0.5, 9.9, " Welcome back."), yes];
        let nora = Speaker { label: "SPEAKER_00".to_owned(), name: Some("Nora".to_owned()), ..Speaker::default() };
        let transcript = Transcript { segments, speakers: vec![nora], ..Transcript::default() };
        assert_eq!(timed_text(&transcript), "[0:00 - 0:09] Welcome back.\n[1:01 - 1:02] Nora: Yes.\n");
    }
}
