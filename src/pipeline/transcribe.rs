//! What is said: chunks of speech become segments of text, many chunks at a time. Results come in the order of time,
//! whatever order the chunks finish in.

use rayon::prelude::*;

use crate::audio::Mono16k;
use crate::nn::whisper::generate::{Batch, Decoded, Ending};
use crate::nn::whisper::{DecodeOptions, Encoded, Whisper};
use crate::task::Progress;
use crate::transcript::Segment;
use crate::units::{Seconds, TimeSpan};

use super::StageError;
use super::chunk::Chunk;

/// Chunks that vote on the language.
const CHUNKS_TO_DETECT_LANGUAGE: usize = 4;

/// How to transcribe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscribeOptions {
    /// Code of the spoken language; `None` to detect it.
    pub language: Option<String>,
    /// Chunks that are decoded together.
    pub batch_size: usize,
}

impl Default for TranscribeOptions {
    fn default() -> Self {
        Self { language: None, batch_size: 8 }
    }
}

/// What became of the chunks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcribed {
    /// The language, given or detected.
    pub language: String,
    /// What was said, in order of time. Chunks without text give none.
    pub segments: Vec<Segment>,
    /// Chunks whose text may be cut.
    pub warnings: Vec<String>,
}

/// Transcribes `chunks`, which are in order of time. `on_segments` gets the segments as they become known, in order.
pub fn transcribe(
    samples: &Mono16k,
    chunks: &[Chunk],
    whisper: &Whisper,
    options: &TranscribeOptions,
    progress: &Progress<'_>,
    on_segments: &mut dyn FnMut(&[Segment]),
) -> Result<Transcribed, StageError> {
    let n_total = chunks.len();
    progress.at(0, n_total)?;
    let batch_size = options.batch_size.max(1);
    let encode = |ids: &[usize]| encode(samples, chunks, ids, whisper, progress);

    let mut waiting = 0..n_total;
    let n_first = n_total.min(batch_size);
    let first = encode(&waiting.by_ref().take(n_first).collect::<Vec<_>>())?;
    let language = choose_language(whisper, options.language.as_deref(), &first)?;
    let decode_options =
        DecodeOptions { language: whisper.tokenizer().language(&language), ..DecodeOptions::default() };

    let mut batch = Batch::new(whisper);
    for (id, encoded) in first {
        batch.admit(id, encoded, &decode_options);
    }
    let mut decoded: Vec<Option<Decoded>> = vec![None; n_total];
    let mut n_decoded = 0;
    let mut n_released = 0;
    let mut result = Transcribed { language, ..Transcribed::default() };
    while !batch.is_empty() {
        progress.cancel().check()?;
        let finished = batch.step();
        if finished.is_empty() {
            continue;
        }
        n_decoded += finished.len();
        for (id, chunk) in finished {
            decoded[id] = Some(chunk);
        }
        let n_segments_before = result.segments.len();
        while let Some(chunk) = decoded.get_mut(n_released).and_then(Option::take) {
            let span = chunks[n_released].span;
            n_released += 1;
            if chunk.ending == Ending::TokenLimit {
                let start = span.start;
                result.warnings.push(format!(
                    "The text of the passage at {start} may be incomplete: the model did not come to an end."
                ));
            }
            result.segments.extend(to_segment(&chunk, span, whisper)?);
        }
        if result.segments.len() > n_segments_before {
            on_segments(&result.segments[n_segments_before..]);
        }
        progress.at(n_decoded, n_total)?;
        let refill: Vec<usize> = waiting.by_ref().take(batch_size - batch.len()).collect();
        for (id, encoded) in encode(&refill)? {
            batch.admit(id, encoded, &decode_options);
        }
    }
    Ok(result)
}

/// Encodes some of the chunks, in parallel.
fn encode(
    samples: &Mono16k,
    chunks: &[Chunk],
    ids: &[usize],
    whisper: &Whisper,
    progress: &Progress<'_>,
) -> Result<Vec<(usize, Encoded)>, StageError> {
    let cancel = progress.cancel();
    ids.par_iter()
        .map(|id| {
            cancel.check()?;
            let clip = samples.read(chunks[*id].span.to_samples(samples.len()))?;
            let mel = whisper.log_mel(&clip);
            cancel.check()?;
            Ok((*id, whisper.prepare(&whisper.encode(&mel))))
        })
        .collect()
}

/// The language asked for, if the model knows it, or the likeliest over the first chunks together.
fn choose_language(whisper: &Whisper, asked: Option<&str>, first: &[(usize, Encoded)]) -> Result<String, StageError> {
    /// What a model without language tokens speaks.
    const ENGLISH: &str = "en";
    let known = whisper.tokenizer().languages();
    if let Some(asked) = asked {
        if known.iter().any(|(code, _)| code == asked) || (known.is_empty() && asked == ENGLISH) {
            return Ok(asked.to_owned());
        }
        let codes: Vec<&str> = known.iter().map(|(code, _)| code.as_str()).collect();
        let known = if codes.is_empty() { "English (en) only".to_owned() } else { codes.join(", ") };
        return Err(StageError::UnknownLanguage { asked: asked.to_owned(), known });
    }
    let mut totals = vec![0.0; known.len()];
    for (_, encoded) in first.iter().take(CHUNKS_TO_DETECT_LANGUAGE) {
        for (total, (_, probability)) in totals.iter_mut().zip(whisper.language_probabilities(encoded.clone())) {
            *total += probability;
        }
    }
    let mut best = 0;
    for (n, total) in totals.iter().enumerate() {
        if *total > totals[best] {
            best = n;
        }
    }
    Ok(known.get(best).map_or(ENGLISH, |(code, _)| code).to_owned())
}

fn to_segment(decoded: &Decoded, span: TimeSpan, whisper: &Whisper) -> Result<Option<Segment>, StageError> {
    let text = whisper.tokenizer().decode(&decoded.tokens)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let rounded = |seconds: Seconds| seconds.rounded_to_millis();
    let span = TimeSpan { start: rounded(span.start), end: rounded(span.end) };
    Ok(Some(Segment { span, text, avg_logprob: Some(decoded.avg_logprob), speaker: None, words: Vec::new() }))
}
