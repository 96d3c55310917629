//! What is said: chunks of speech become segments of text, many chunks at a time. Results come in the order of time,
//! whatever order the chunks finish in.
//!
//! A decoding that cannot be believed is tried again. A chunk with more text than the model may say at once is split
//! and both halves are done again. Silence gives no text, and a loop is cut and marked. Chunks whose text is known are
//! neither encoded nor decoded.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

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
use super::resume::Resume;

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

/// What was said in a chunk or window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkText {
    /// What was said, in order of time.
    pub segments: Vec<Segment>,
    /// Passages that may not be what was said.
    pub warnings: Vec<String>,
}

impl Transcribed {
    /// The texts of a recording, in order of time.
    pub fn of(language: &str, texts: impl IntoIterator<Item = ChunkText>) -> Self {
        let mut transcribed = Self { language: language.to_owned(), ..Self::default() };
        for ChunkText { segments, warnings } in texts {
            transcribed.segments.extend(segments);
            transcribed.warnings.extend(warnings);
        }
        transcribed
    }
}

/// Chunks that are about to be transcribed.
pub struct Speech<'a> {
    samples: &'a Mono16k,
    whisper: &'a Whisper,
    options: &'a TranscribeOptions,
    language: String,
    /// How the first piece of the recording is decoded.
    opening: DecodeOptions,
    /// One for each chunk. Those that had to be listened to for the language are encoded.
    pieces: Vec<Piece>,
}

impl<'a> Speech<'a> {
    /// Makes ready to transcribe `chunks`, which are in order of time: the first ones vote on the language if it is not
    /// given.
    pub fn begin(
        samples: &'a Mono16k,
        chunks: &[Chunk],
        whisper: &'a Whisper,
        options: &'a TranscribeOptions,
        progress: &Progress<'_>,
    ) -> Result<Self, StageError> {
        check_model(whisper, options)?;
        progress.at(0, chunks.len())?;
        let mut pieces: Vec<Piece> = chunks.iter().enumerate().map(|(n, chunk)| Piece::of(n, chunk)).collect();
        let n_voters = if options.language.is_none() { CHUNKS_TO_DETECT_LANGUAGE.min(pieces.len()) } else { 0 };
        pieces[..n_voters].par_iter_mut().try_for_each(|piece| piece.encode(samples, whisper, progress))?;
        let heard = pieces.iter().filter_map(|piece| piece.encoded.as_ref());
        let language = choose_language(whisper, options.language.as_deref(), heard)?;
        let opening = decode_options(whisper, options, &language, Timestamps::Without)?;
        Ok(Self { samples, whisper, options, language, opening, pieces })
    }

    /// The language, given or detected.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// Transcribes what is not known. `on_segments` gets the segments as they become known, in order. Pieces are the
    /// texts of chunks, by the numbers of the chunks.
    pub fn transcribe(
        self,
        mut resume: Resume<'_, ChunkText>,
        progress: &Progress<'_>,
        on_segments: &mut dyn FnMut(&[Segment]),
    ) -> Result<Transcribed, StageError> {
        let Self { samples, whisper, options, language, opening, mut pieces } = self;
        let n_chunks = pieces.len();
        let batch_size = options.batch_size.max(1);
        let mut texts = Texts::new(language, resume.take_all(n_chunks));
        let missing: Vec<usize> = (0..n_chunks).filter(|n| texts.waiting[*n].is_none()).collect();
        texts.hand_out(on_segments);
        progress.at(texts.n_known, n_chunks)?;
        for piece in pieces.iter_mut().filter(|piece| missing.binary_search(&piece.chunk_idx).is_err()) {
            piece.forget();
        }
        let first = &missing[..batch_size.min(missing.len())];
        let is_first = |piece: &&mut Piece| piece.encoded.is_none() && first.binary_search(&piece.chunk_idx).is_ok();
        pieces.par_iter_mut().filter(is_first).try_for_each(|piece| piece.encode(samples, whisper, progress))?;
        let (ready, mut waiting): (Vec<usize>, Vec<usize>) =
            missing.into_iter().partition(|n| pieces[*n].encoded.is_some());
        waiting.reverse();
        let (batch, order) = (Batch::new(whisper), Order::new(n_chunks));
        let mut work = Work { batch, pieces, waiting, order, opening, options, texts, resume };
        for id in ready {
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
                    return Ok(work.texts.result);
                }
                work.step()?;
                work.texts.hand_out(on_segments);
                progress.at(work.texts.n_known, n_chunks)?;
            }
        })
    }
}

/// Says that something has ended, however it did.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The transcription of a recording while it goes on.
struct Work<'a, 'r> {
    batch: Batch<'a>,
    pieces: Vec<Piece>,
    /// Pieces that are not encoded yet, the next one at the end.
    waiting: Vec<usize>,
    order: Order,
    /// How the first piece of the recording is decoded.
    opening: DecodeOptions,
    options: &'a TranscribeOptions,
    texts: Texts,
    resume: Resume<'r, ChunkText>,
}

impl Work<'_, '_> {
    /// Puts a piece into the batch, once it is encoded, for its next attempt.
    fn admit(&mut self, id: usize) {
        self.pieces[id].admit(id, &mut self.batch, &self.opening, self.options);
    }

    /// Samples one token for every piece of the batch, and sees what becomes of those that are finished.
    fn step(&mut self) -> Result<(), StageError> {
        for (id, decoded) in self.batch.step()? {
            let text = self.batch.whisper().tokenizer().decode(&decoded.tokens);
            let chunk_idx = self.pieces[id].chunk_idx;
            match self.pieces[id].take(decoded, text, &self.options.fallback) {
                Next::Retry => self.admit(id),
                Next::Split(parts) => {
                    let n_pieces = self.pieces.len();
                    self.order.replace(id, chunk_idx, [n_pieces, n_pieces + 1]);
                    // What comes first in time is taken first from the end of the list.
                    self.waiting.extend([n_pieces + 1, n_pieces]);
                    self.pieces.extend(*parts);
                }
                Next::Done => {
                    if let Some(of_chunk) = self.order.finish(id, chunk_idx) {
                        self.settle(chunk_idx, &of_chunk);
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts together what the pieces of a chunk say.
    fn settle(&mut self, chunk_idx: usize, of_chunk: &[usize]) {
        let mut text = ChunkText::default();
        for id in of_chunk {
            let piece = &mut self.pieces[*id];
            text.segments.extend(piece.segment());
            text.warnings.extend(piece.warning());
            piece.forget();
        }
        self.resume.finished(chunk_idx, &text);
        self.texts.put(chunk_idx, text);
    }
}

/// The texts of chunks, which become known in any order and are handed out in that of time.
struct Texts {
    /// Those that are known and not handed out, by chunk.
    waiting: Vec<Option<ChunkText>>,
    n_handed_out: usize,
    n_known: usize,
    /// What was handed out.
    result: Transcribed,
}

impl Texts {
    fn new(language: String, known: Vec<Option<ChunkText>>) -> Self {
        let result = Transcribed { language, ..Transcribed::default() };
        Self { n_handed_out: 0, n_known: known.iter().flatten().count(), waiting: known, result }
    }

    fn put(&mut self, chunk_idx: usize, text: ChunkText) {
        self.waiting[chunk_idx] = Some(text);
        self.n_known += 1;
    }

    /// Hands out what is next in time, if it is known.
    fn hand_out(&mut self, on_segments: &mut dyn FnMut(&[Segment])) {
        let n_segments_before = self.result.segments.len();
        while let Some(ChunkText { segments, warnings }) =
            self.waiting.get_mut(self.n_handed_out).and_then(Option::take)
        {
            self.n_handed_out += 1;
            self.result.segments.extend(segments);
            self.result.warnings.extend(warnings);
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

    /// Spectrogram and encoder.
    fn encode(&mut self, samples: &Mono16k, whisper: &Whisper, progress: &Progress<'_>) -> Result<(), StageError> {
        self.encoded = Some(encode(samples, self.span, whisper, &|| progress.cancel().is_cancelled())?);
        Ok(())
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

/// Which pieces the chunks consist of.
struct Order {
    /// For each chunk its pieces in order of time, and whether each is finished.
    pieces: Vec<Vec<(usize, PieceState)>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PieceState {
    Open,
    Finished,
}

impl Order {
    /// Every chunk is one piece of the same number.
    fn new(n_chunks: usize) -> Self {
        Self { pieces: (0..n_chunks).map(|n| vec![(n, PieceState::Open)]).collect() }
    }

    /// Puts two pieces in the place of one.
    fn replace(&mut self, id: usize, chunk_idx: usize, parts: [usize; 2]) {
        let pieces = &mut self.pieces[chunk_idx];
        let place = pieces.iter().position(|(piece, _)| *piece == id).expect("a piece stays with its chunk");
        pieces.splice(place..=place, parts.map(|part| (part, PieceState::Open)));
    }

    /// All pieces of the chunk, in order of time, if this was the last of them.
    fn finish(&mut self, id: usize, chunk_idx: usize) -> Option<Vec<usize>> {
        let pieces = &mut self.pieces[chunk_idx];
        for (piece, state) in pieces.iter_mut() {
            if *piece == id {
                *state = PieceState::Finished;
            }
        }
        let are_finished = pieces.iter().all(|(_, state)| *state == PieceState::Finished);
        are_finished.then(|| pieces.iter().map(|(piece, _)| *piece).collect())
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
    fn a_chunk_is_done_with_the_last_of_its_pieces() {
        let mut order = Order::new(3);
        assert_eq!(order.finish(1, 1), Some(vec![1]));
        order.replace(0, 0, [3, 4]);
        assert_eq!(order.finish(4, 0), None, "the first half is not done");
        order.replace(3, 0, [5, 6]);
        assert_eq!((order.finish(5, 0), order.finish(6, 0)), (None, Some(vec![5, 6, 4])));
    }

    #[test]
    fn texts_are_handed_out_in_the_order_of_time() {
        let text = |text: &str| {
            let segments = vec![Segment { text: text.to_owned(), ..Segment::default() }];
            ChunkText { segments, warnings: vec![format!("about {text}")] }
        };
        let mut texts = Texts::new("en".to_owned(), vec![Some(text("a")), None, Some(text("c")), None]);
        let mut heard = Vec::new();
        let mut hear = |segments: &[Segment]| {
            heard.push(segments.iter().map(|segment| segment.text.as_str()).collect::<String>());
        };
        texts.hand_out(&mut hear);
        texts.put(3, text("d"));
        texts.hand_out(&mut hear);
        texts.put(1, ChunkText::default());
        texts.hand_out(&mut hear);
        assert_eq!((heard, texts.n_known), (vec!["a".to_owned(), "cd".to_owned()], 4));
        assert_eq!(texts.result, Transcribed::of("en", [text("a"), text("c"), text("d")]));
    }
}
