//! What is said: chunks of speech become segments of text, many chunks at a time. Results come in the order of time,
//! whatever order the chunks finish in.
//!
//! A decoding that cannot be believed is tried again. A chunk with more text than the model may say at once is split
//! and both halves are done again. Silence gives no text, and a loop is cut and marked.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use rayon::prelude::*;

use crate::audio::Mono16k;
use crate::nn::whisper::generate::{Batch, Decoded, Ending};
use crate::nn::whisper::{DecodeOptions, Encoded, Timestamps, Whisper};
use crate::task::{Cancelled, Progress};
use crate::transcript::Segment;
use crate::units::{Seconds, TimeSpan};

use super::StageError;
use super::attempts::{self, Attempt, Attempts, Fallback};
use super::chunk::Chunk;
use super::guards;
use super::options::{TranscribeOptions, check_model, choose_language, decode_options};

/// Chunks that vote on the language.
const CHUNKS_TO_DETECT_LANGUAGE: usize = 4;
/// Pieces that are encoded while others are decoded: decoding leaves processors idle, and what takes the place of a
/// finished piece shall be there.
const ENCODED_AHEAD: usize = 2;
/// A chunk shorter than this is not split any more.
const MIN_SPLIT_SECS: f64 = 2.0;

/// What became of a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcribed {
    /// The language, given or detected.
    pub language: String,
    /// What was said, in order of time. What has no text gives none.
    pub segments: Vec<Segment>,
    /// Passages that may not be what was said.
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
    check_model(whisper, options)?;
    progress.at(0, chunks.len())?;
    let batch_size = options.batch_size.max(1);
    let mut pieces: Vec<Piece> = chunks.iter().enumerate().map(|(n, chunk)| Piece::of(n, chunk)).collect();
    let n_voters = if options.language.is_none() { CHUNKS_TO_DETECT_LANGUAGE } else { 0 };
    let n_first = batch_size.max(n_voters).min(pieces.len());
    let waiting: Vec<usize> = (n_first..pieces.len()).rev().collect();
    pieces[..n_first].par_iter_mut().try_for_each(|piece| {
        piece.encoded = Some(encode(samples, piece.span, whisper, &|| progress.cancel().is_cancelled())?);
        Ok::<_, StageError>(())
    })?;
    let heard = pieces.iter().filter_map(|piece| piece.encoded.as_ref()).take(CHUNKS_TO_DETECT_LANGUAGE);
    let language = choose_language(whisper, options.language.as_deref(), heard)?;
    let opening = decode_options(whisper, options, &language, Timestamps::Without)?;

    let mut work = Work {
        batch: Batch::new(whisper),
        order: Order::new(chunks.len()),
        waiting,
        pieces,
        opening,
        options,
        result: Transcribed { language, ..Transcribed::default() },
    };
    for id in 0..work.pieces.len() {
        work.admit(id);
    }
    let (sender, encoded) = mpsc::channel();
    let has_ended = AtomicBool::new(false);
    let should_stop = || has_ended.load(Ordering::Relaxed) || progress.cancel().is_cancelled();
    // Whoever waits for the scope to end waits for the pieces that are being encoded; told to, they stop soon.
    rayon::in_place_scope(|scope| {
        let _ended = SetOnDrop(&has_ended);
        let mut n_ahead = 0;
        loop {
            progress.cancel().check()?;
            while n_ahead < batch_size.saturating_sub(work.batch.len()) + ENCODED_AHEAD
                && let Some(id) = work.waiting.pop()
            {
                let (span, sender) = (work.pieces[id].span, sender.clone());
                n_ahead += 1;
                let should_stop = &should_stop;
                scope.spawn(move |_| {
                    // A panic is sent too, or whoever waits for the piece would wait for ever.
                    let encoded = catch_unwind(AssertUnwindSafe(|| encode(samples, span, whisper, should_stop)));
                    // The receiver lives as long as the scope.
                    sender.send((id, encoded)).ok();
                });
            }
            while work.batch.len() < batch_size && n_ahead > 0 {
                // A full batch is worth waiting for; meanwhile this thread helps to encode.
                let Ok((id, encoded)) = encoded.try_recv() else {
                    progress.cancel().check()?;
                    if rayon::yield_now() != Some(rayon::Yield::Executed) {
                        thread::yield_now();
                    }
                    continue;
                };
                n_ahead -= 1;
                work.pieces[id].encoded = Some(encoded.unwrap_or_else(|panic| resume_unwind(panic))?);
                work.admit(id);
            }
            if work.batch.is_empty() {
                return Ok(work.result);
            }
            work.step()?;
            work.hand_out(on_segments);
            progress.at(work.order.n_chunks_done, chunks.len())?;
        }
    })
}

/// Says that something has ended, however it did.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The transcription of a recording while it goes on.
struct Work<'a> {
    batch: Batch<'a>,
    pieces: Vec<Piece>,
    /// Pieces that are not encoded yet, the next one at the end.
    waiting: Vec<usize>,
    order: Order,
    /// How the first piece of the recording is decoded.
    opening: DecodeOptions,
    options: &'a TranscribeOptions,
    result: Transcribed,
}

impl Work<'_> {
    /// Puts a piece into the batch, once it is encoded, for its next attempt.
    fn admit(&mut self, id: usize) {
        self.pieces[id].admit(id, &mut self.batch, &self.opening, self.options);
    }

    /// Samples one token for every piece of the batch, and sees what becomes of those that are finished.
    fn step(&mut self) -> Result<(), StageError> {
        for (id, decoded) in self.batch.step()? {
            let text = self.batch.whisper().tokenizer().decode(&decoded.tokens);
            match self.pieces[id].take(decoded, text, &self.options.fallback) {
                Next::Retry => self.admit(id),
                Next::Split(parts) => {
                    let n_pieces = self.pieces.len();
                    self.order.replace(id, self.pieces[id].chunk_idx, [n_pieces, n_pieces + 1]);
                    // What comes first in time is taken first from the end of the list.
                    self.waiting.extend([n_pieces + 1, n_pieces]);
                    self.pieces.extend(*parts);
                }
                Next::Done => self.order.finish(id, self.pieces[id].chunk_idx),
            }
        }
        Ok(())
    }

    /// Hands out what is next in time, if it is known.
    fn hand_out(&mut self, on_segments: &mut dyn FnMut(&[Segment])) {
        let n_segments_before = self.result.segments.len();
        for id in self.order.take_ready() {
            let piece = &mut self.pieces[id];
            self.result.segments.extend(piece.segment());
            self.result.warnings.extend(piece.warning());
            piece.forget();
        }
        if self.result.segments.len() > n_segments_before {
            on_segments(&self.result.segments[n_segments_before..]);
        }
    }
}

/// A stretch of a recording that is decoded at once: a chunk, or a part of one that had to be split.
struct Piece {
    chunk_idx: usize,
    place: Place,
    span: TimeSpan,
    /// The speech in it.
    regions: Vec<TimeSpan>,
    /// Kept until the text is settled.
    encoded: Option<Encoded>,
    attempts: Attempts,
}

/// Whether a piece begins with what is said first in the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Opening,
    Later,
}

/// What happens to a piece after an attempt.
enum Next {
    Retry,
    Split(Box<[Piece; 2]>),
    Done,
}

impl Piece {
    fn of(chunk_idx: usize, chunk: &Chunk) -> Self {
        let place = if chunk_idx == 0 { Place::Opening } else { Place::Later };
        Self::new(chunk_idx, place, chunk.span, chunk.regions.clone())
    }

    fn new(chunk_idx: usize, place: Place, span: TimeSpan, regions: Vec<TimeSpan>) -> Self {
        Self { chunk_idx, place, span, regions, encoded: None, attempts: Attempts::default() }
    }

    /// Puts the piece into the batch, once it is encoded, for its next attempt. `opening` is how the first one of the
    /// recording is decoded.
    fn admit(&self, id: usize, batch: &mut Batch<'_>, opening: &DecodeOptions, options: &TranscribeOptions) {
        let Some(encoded) = self.encoded.clone() else { return };
        let strategy = self.attempts.next_strategy(options, self.span.start);
        let prefix = match self.place {
            Place::Opening => opening.prefix.clone(),
            Place::Later => Vec::new(),
        };
        batch.admit(id, encoded, &DecodeOptions { prefix, strategy, ..opening.clone() });
    }

    fn take(&mut self, decoded: Decoded, text: String, fallback: &Fallback) -> Next {
        let is_cut = decoded.ending == Ending::TokenLimit;
        match self.attempts.take(Attempt { decoded, text }, fallback) {
            attempts::Next::Retry => Next::Retry,
            attempts::Next::Settled => {
                let is_silence = self.attempts.settled().is_none();
                if is_cut && !is_silence && self.span.duration().0 >= MIN_SPLIT_SECS {
                    return Next::Split(Box::new(self.split()));
                }
                self.encoded = None;
                Next::Done
            }
        }
    }

    /// Splits in the pause nearest to the middle, or in the middle of speech that has none.
    fn split(&mut self) -> [Self; 2] {
        let middle = f64::midpoint(self.span.start.0, self.span.end.0);
        let pauses = self.regions.windows(2).map(|pair| (pair[0].end.0, pair[1].start.0));
        let distance = |pause: &(f64, f64)| (f64::midpoint(pause.0, pause.1) - middle).abs();
        let (end, start) = pauses.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or((middle, middle));
        let part = |place: Place, from: f64, to: f64| {
            let regions = self.regions.iter().filter(|region| region.start.0 < to && region.end.0 > from);
            let regions = regions.map(|region| TimeSpan::from_secs(region.start.0.max(from), region.end.0.min(to)));
            Self::new(self.chunk_idx, place, TimeSpan::from_secs(from, to), regions.collect())
        };
        let parts = [part(self.place, self.span.start.0, end), part(Place::Later, start, self.span.end.0)];
        self.forget();
        parts
    }

    /// What the piece says; nothing if there is no text.
    fn segment(&self) -> Option<Segment> {
        let Attempt { decoded, text } = self.attempts.settled()?;
        let text = guards::cut_loops(&[text.as_str()]).0.concat();
        if text.trim().is_empty() {
            return None;
        }
        let rounded = |seconds: Seconds| seconds.rounded_to_millis();
        let span = TimeSpan { start: rounded(self.span.start), end: rounded(self.span.end) };
        Some(Segment { span, text, avg_logprob: Some(decoded.avg_logprob), speaker: None, words: Vec::new() })
    }

    fn warning(&self) -> Option<String> {
        let Attempt { decoded, text } = self.attempts.settled()?;
        let (_, loops) = guards::cut_loops(&[text.as_str()]);
        guards::warning(self.span.start, loops, decoded.ending)
    }

    fn forget(&mut self) {
        self.encoded = None;
        self.attempts = Attempts::default();
    }
}

/// Which pieces are to be handed out next.
struct Order {
    /// For each chunk its pieces in order of time, and whether each is finished.
    pieces: Vec<Vec<(usize, PieceState)>>,
    n_handed_out: usize,
    n_chunks_done: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PieceState {
    Open,
    Finished,
}

impl Order {
    /// Every chunk is one piece of the same number.
    fn new(n_chunks: usize) -> Self {
        Self { pieces: (0..n_chunks).map(|n| vec![(n, PieceState::Open)]).collect(), n_handed_out: 0, n_chunks_done: 0 }
    }

    /// Puts two pieces in the place of one.
    fn replace(&mut self, id: usize, chunk_idx: usize, parts: [usize; 2]) {
        let pieces = &mut self.pieces[chunk_idx];
        let place = pieces.iter().position(|(piece, _)| *piece == id).expect("a piece stays with its chunk");
        pieces.splice(place..=place, parts.map(|part| (part, PieceState::Open)));
    }

    fn finish(&mut self, id: usize, chunk_idx: usize) {
        let pieces = &mut self.pieces[chunk_idx];
        for (piece, state) in pieces.iter_mut() {
            if *piece == id {
                *state = PieceState::Finished;
            }
        }
        if pieces.iter().all(|(_, state)| *state == PieceState::Finished) {
            self.n_chunks_done += 1;
        }
    }

    /// The pieces of the chunks that are finished and have no unfinished chunk before them.
    fn take_ready(&mut self) -> Vec<usize> {
        let mut ready = Vec::new();
        while let Some(pieces) = self.pieces.get(self.n_handed_out)
            && pieces.iter().all(|(_, state)| *state == PieceState::Finished)
        {
            ready.extend(pieces.iter().map(|(piece, _)| *piece));
            self.n_handed_out += 1;
        }
        ready
    }
}

/// Spectrogram and encoder of one piece.
fn encode(
    samples: &Mono16k,
    span: TimeSpan,
    whisper: &Whisper,
    should_stop: &dyn Fn() -> bool,
) -> Result<Encoded, StageError> {
    let clip = samples.read(span.to_samples(samples.len()))?;
    let mel = whisper.log_mel(&clip);
    let encoded = whisper.encode(&mel, should_stop)?.ok_or(Cancelled)?;
    Ok(whisper.prepare(&encoded)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(regions: &[(f64, f64)]) -> Piece {
        let regions: Vec<TimeSpan> = regions.iter().map(|(start, end)| TimeSpan::from_secs(*start, *end)).collect();
        let span = TimeSpan { start: regions[0].start, end: regions[regions.len() - 1].end };
        Piece::new(7, Place::Opening, span, regions)
    }

    fn decoded(avg_logprob: f64, no_speech_prob: f64, ending: Ending) -> Decoded {
        Decoded { tokens: Vec::new(), avg_logprob, no_speech_prob, ending }
    }

    #[test]
    fn a_piece_is_split_in_the_pause_nearest_to_its_middle() {
        for (regions, early, late) in [
            (&[(0.0, 2.0), (2.5, 4.8), (5.4, 10.0)][..], &[(0.0, 2.0), (2.5, 4.8)][..], &[(5.4, 10.0)][..]),
            (&[(0.0, 1.0), (1.5, 10.0)], &[(0.0, 1.0)], &[(1.5, 10.0)]),
            (&[(2.0, 8.0)], &[(2.0, 5.0)], &[(5.0, 8.0)]),
        ] {
            for (part, expected) in piece(regions).split().iter().zip([early, late]) {
                let expected = piece(expected);
                assert_eq!(
                    (part.span, &part.regions, part.chunk_idx),
                    (expected.span, &expected.regions, 7),
                    "{regions:?}"
                );
            }
            let places = piece(regions).split().map(|part| part.place);
            assert_eq!(places, [Place::Opening, Place::Later], "{regions:?}");
        }
    }

    #[test]
    fn silence_has_no_text_and_is_not_split() {
        let mut silence = piece(&[(0.0, 9.0)]);
        let decoded = decoded(-1.5, 0.9, Ending::TokenLimit);
        assert!(matches!(silence.take(decoded, " Thank you.".into(), &Fallback::default()), Next::Done));
        assert_eq!((silence.segment(), silence.warning()), (None, None));
    }

    #[test]
    fn text_that_was_cut_is_done_again_in_halves_down_to_two_seconds() {
        let fallback = Fallback::default();
        let cut = || decoded(-0.3, 0.1, Ending::TokenLimit);
        assert!(matches!(piece(&[(0.0, 9.0)]).take(cut(), " long".into(), &fallback), Next::Split(_)));
        let mut short = piece(&[(0.0, 1.9)]);
        assert!(matches!(short.take(cut(), " short".into(), &fallback), Next::Done));
        assert_eq!(short.segment().expect("a text").text, " short");
        assert!(short.warning().is_some_and(|warning| warning.contains("incomplete")));
    }

    #[test]
    fn pieces_are_handed_out_in_the_order_of_time() {
        let mut order = Order::new(3);
        order.finish(1, 1);
        assert!(order.take_ready().is_empty(), "the first chunk is not done");
        order.replace(0, 0, [3, 4]);
        order.finish(4, 0);
        assert!(order.take_ready().is_empty(), "the first half is not done");
        order.finish(3, 0);
        assert_eq!(order.take_ready(), [3, 4, 1]);
        order.finish(2, 2);
        assert_eq!((order.take_ready(), order.n_chunks_done), (vec![2], 3));
    }
}
