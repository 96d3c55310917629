//! `hansard bench`: times of each stage on this machine, as a table for people or one JSON object for programs.
//!
//! Random weights are written to a folder of the cache that is gone when the command ends, by Ctrl-C too.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Serialize;
use tempfile::TempDir;

use crate::engine::{self, BenchError, BenchModel, BenchReport, BenchRequest, CancelToken};
use crate::paths::AppPaths;

use super::args::{BenchArguments, WeightsName};
use super::batch::Outcome;
use super::progress::{Display, Verbosity};

/// How often Ctrl-C and the end are looked for.
const POLL: Duration = Duration::from_millis(20);
/// Time to stop by itself after Ctrl-C: loading a large model takes longer, and whoever pressed it wants the prompt
/// back.
const PATIENCE: Duration = Duration::from_millis(800);

/// Measures what the arguments ask for and prints it.
pub(super) fn run(arguments: &BenchArguments, paths: &AppPaths) -> anyhow::Result<ExitCode> {
    let display = Display::new(if arguments.quiet { Verbosity::Quiet } else { Verbosity::Normal });
    let mut scratch = Scratch(None);
    let model = match arguments.weights {
        WeightsName::Stored => BenchModel::Stored(arguments.model.clone()),
        WeightsName::Random => {
            BenchModel::Random { size: arguments.model.clone(), folder: scratch.make(&paths.cache_dir)? }
        }
    };
    let request = BenchRequest {
        model,
        compute_type: arguments.compute_type.into(),
        n_threads: arguments.threads.map(usize::from),
        batch_sizes: arguments.batch_size.clone(),
        n_repetitions: arguments.repetitions,
    };
    let Some(report) = measure(&request, paths, &display, &mut scratch)? else {
        display.tell("cancelled");
        return Ok(ExitCode::from(Outcome::Cancelled.exit_code()));
    };
    let listing = Listing::new(arguments, &report);
    let text = if arguments.json {
        serde_json::to_string(&listing).context("cannot write the measurements as JSON")? + "\n"
    } else {
        listing.table()
    };
    match display.result(text.as_bytes()) {
        // Whoever read stdout has seen enough, which is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.context("cannot write to standard output")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The folder for random weights, removed at the end.
struct Scratch(Option<TempDir>);

impl Scratch {
    fn make(&mut self, cache_dir: &Path) -> anyhow::Result<PathBuf> {
        let make = || {
            fs::create_dir_all(cache_dir)?;
            tempfile::Builder::new().prefix("bench-").tempdir_in(cache_dir)
        };
        let folder = make().with_context(|| format!("cannot make a folder in {}", cache_dir.display()))?;
        Ok(self.0.insert(folder).path().to_path_buf())
    }
}

/// Measures in a thread of its own, while this one waits for Ctrl-C. `None`: it was pressed.
fn measure(
    request: &BenchRequest,
    paths: &AppPaths,
    display: &Display,
    scratch: &mut Scratch,
) -> anyhow::Result<Option<BenchReport>> {
    let cancel = CancelToken::default();
    let pressed = cancel.clone();
    ctrlc::set_handler(move || pressed.cancel()).context("cannot listen for Ctrl-C")?;
    let report = |stage: &str| display.tell(&format!("bench: {stage}"));
    let measured = thread::scope(|scope| -> anyhow::Result<_> {
        let worker = thread::Builder::new()
            .name("hansard-bench".into())
            .spawn_scoped(scope, || engine::measure_stages(request, paths, &cancel, &report))
            .context("cannot start a thread")?;
        let mut deadline = None;
        while !worker.is_finished() {
            thread::sleep(POLL);
            if cancel.is_cancelled() && Instant::now() >= *deadline.get_or_insert_with(|| Instant::now() + PATIENCE) {
                drop(scratch.0.take());
                display.tell("cancelled");
                process::exit(Outcome::Cancelled.exit_code().into());
            }
        }
        let Ok(measured) = worker.join() else {
            anyhow::bail!("the measurement made a mistake; please report what stands above");
        };
        Ok(measured)
    })?;
    match measured {
        Ok(report) => Ok(Some(report)),
        Err(BenchError::Cancelled(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is printed. The names of numbers end with their units; times are the best of all repetitions.
#[derive(Serialize)]
struct Listing<'a> {
    engine: &'static str,
    version: &'static str,
    model: &'a str,
    weights: String,
    compute_type: String,
    threads: usize,
    repetitions: usize,
    chunk_secs: f64,
    load_ms: f64,
    first_token_ms: f64,
    log_mel_ms_per_chunk: f64,
    encode_ms_per_chunk: f64,
    prepare_ms_per_chunk: f64,
    decode: Vec<DecodeListing>,
    speech_ms_per_minute: f64,
    /// `null` where the system does not tell.
    rss_peak_mb: Option<f64>,
    rss_mb: Option<f64>,
}

#[derive(Serialize)]
struct DecodeListing {
    batch: usize,
    decode_ms_per_step: f64,
    decode_ms_per_token: f64,
}

impl<'a> Listing<'a> {
    fn new(arguments: &'a BenchArguments, report: &BenchReport) -> Self {
        let decode = report.decode.iter().map(|timing| DecodeListing {
            batch: timing.batch_size,
            decode_ms_per_step: rounded(timing.ms_per_step),
            decode_ms_per_token: rounded(timing.ms_per_token()),
        });
        Self {
            engine: "hansard",
            version: env!("CARGO_PKG_VERSION"),
            model: &arguments.model,
            weights: as_typed(&arguments.weights),
            compute_type: as_typed(&arguments.compute_type),
            threads: report.n_threads,
            repetitions: arguments.repetitions.get(),
            chunk_secs: report.window.0,
            load_ms: rounded(report.load_ms),
            first_token_ms: rounded(report.first_token_ms),
            log_mel_ms_per_chunk: rounded(report.log_mel_ms_per_chunk),
            encode_ms_per_chunk: rounded(report.encode_ms_per_chunk),
            prepare_ms_per_chunk: rounded(report.prepare_ms_per_chunk),
            decode: decode.collect(),
            speech_ms_per_minute: rounded(report.speech_ms_per_minute),
            rss_peak_mb: report.memory.map(|memory| rounded(memory.peak_mb)),
            rss_mb: report.memory.map(|memory| rounded(memory.now_mb)),
        }
    }

    fn table(&self) -> String {
        let per_chunk = format!("ms for a chunk of {} s", self.chunk_secs);
        let mut rows = vec![
            ("load the model".to_owned(), self.load_ms, "ms from the disk's cache".to_owned()),
            ("first token".to_owned(), self.first_token_ms, "ms, loading included".to_owned()),
            ("spectrogram".to_owned(), self.log_mel_ms_per_chunk, per_chunk.clone()),
            ("encode".to_owned(), self.encode_ms_per_chunk, per_chunk.clone()),
            ("prepare to decode".to_owned(), self.prepare_ms_per_chunk, per_chunk),
        ];
        rows.extend(self.decode.iter().map(|timing| {
            let per_token = format!("ms a step, {:.2} ms a token", timing.decode_ms_per_token);
            (format!("decode, batch {}", timing.batch), timing.decode_ms_per_step, per_token)
        }));
        rows.push(("find speech".to_owned(), self.speech_ms_per_minute, "ms for a minute of sound".to_owned()));
        let memory = [("memory, at most", self.rss_peak_mb), ("memory, decoding", self.rss_mb)];
        rows.extend(memory.into_iter().filter_map(|(what, mb)| Some((what.to_owned(), mb?, "MB".to_owned()))));

        let mut text = format!(
            "{} {}: model {}, {} weights, {}, {} threads, best of {}\n",
            self.engine, self.version, self.model, self.weights, self.compute_type, self.threads, self.repetitions
        );
        for (what, value, unit) in rows {
            writeln!(text, "{what:<20}{value:>12.2} {unit}").expect("a string takes all that is written");
        }
        if self.rss_peak_mb.is_none() {
            text.push_str("memory              not known: this system does not tell\n");
        }
        text
    }
}

/// What the user types for this choice.
fn as_typed(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// To thousandths: what is behind them is noise.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::cli::args::ComputeTypeName;
    use crate::engine::{DecodeTiming, MemoryUse};
    use crate::units::Seconds;

    fn arguments() -> BenchArguments {
        BenchArguments {
            model: "small".to_owned(),
            weights: WeightsName::Random,
            compute_type: ComputeTypeName::Int8,
            batch_size: vec![NonZeroUsize::MIN],
            threads: None,
            repetitions: NonZeroUsize::MIN,
            json: false,
            quiet: true,
        }
    }

    fn report(memory: Option<MemoryUse>) -> BenchReport {
        BenchReport {
            n_threads: 2,
            window: Seconds(30.0),
            load_ms: 100.0,
            first_token_ms: 112.5,
            log_mel_ms_per_chunk: 9.123_456,
            encode_ms_per_chunk: 800.0,
            prepare_ms_per_chunk: 40.0,
            decode: vec![DecodeTiming { batch_size: 8, ms_per_step: 20.0 }],
            speech_ms_per_minute: 600.0,
            memory,
        }
    }

    #[test]
    fn the_table_has_a_line_for_each_number() {
        let (arguments, known) = (arguments(), MemoryUse { peak_mb: 300.0, now_mb: 250.0 });
        let table = Listing::new(&arguments, &report(Some(known))).table();
        let expected = "\
load the model            100.00 ms from the disk's cache
first token               112.50 ms, loading included
spectrogram                 9.12 ms for a chunk of 30 s
encode                    800.00 ms for a chunk of 30 s
prepare to decode          40.00 ms for a chunk of 30 s
decode, batch 8            20.00 ms a step, 2.50 ms a token
find speech               600.00 ms for a minute of sound
memory, at most           300.00 MB
memory, decoding          250.00 MB
";
        let (title, rows) = table.split_once('\n').expect("a title");
        assert!(title.ends_with(": model small, random weights, int8, 2 threads, best of 1"), "{title}");
        assert_eq!(rows, expected);
        assert!(Listing::new(&arguments, &report(None)).table().ends_with("does not tell\n"));
    }

    #[test]
    fn the_json_names_numbers_with_their_units() {
        let arguments = arguments();
        let json = serde_json::to_string(&Listing::new(&arguments, &report(None))).expect("numbers and names");
        for part in [
            r#"{"engine":"hansard","#,
            r#""model":"small","weights":"random","compute_type":"int8","threads":2,"#,
            r#""log_mel_ms_per_chunk":9.123,"#,
            r#""decode":[{"batch":8,"decode_ms_per_step":20.0,"decode_ms_per_token":2.5}],"#,
            r#""rss_peak_mb":null"#,
        ] {
            assert!(json.contains(part), "no {part} in {json}");
        }
    }
}
