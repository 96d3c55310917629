//! When each word is said: segments of text become sentences of words with times and scores, as whisperX 3.8.6
//! (`alignment.py`) makes them.
//!
//! ```text
//! samples ──wav2vec2──▶ scores of letters (emissions) ─┐
//! text ──▶ letters or wildcards (text) ────────────────┴──best way through both (trellis)──▶ frames of characters
//!      └──▶ sentences (sentences) ─────────────────────────────────▶ words with times (words) ◀──┘
//! ```
//! Where a language has no aligner, or the text is a translation, [`cross_attention`] takes the times from Whisper
//! itself.
//!
//! Other than in whisperX, segments are aligned in parallel, long ones in parts (see [`Emissions::of`]), more languages
//! are known to be written without blanks ([`Writing::of`]), and sentences end at the full stops of more scripts.

pub mod cross_attention;
pub mod emissions;
mod languages;
pub mod sentences;
pub mod text;
pub mod trellis;
pub mod words;

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::audio::Mono16k;
use crate::nn::wav2vec2::Wav2Vec2;
use crate::task::{CancelToken, Progress};
use crate::transcript::Segment;
use crate::transcript::writing::Writing;
use crate::units::{SampleIdx, Seconds, TimeSpan};

use super::StageError;
use super::resume::Resume;
use emissions::{Emissions, n_frames_of};
use sentences::Punkt;
use text::Dictionary;
use trellis::{best_path, merge_repeats};
use words::{Character, Interpolation, Sentence, Timed, rounded};

pub use words::from_word_times;

/// Audio that is aligned at once for each thread, however many more threads there are.
const SECS_PER_THREAD: f64 = 30.0;
const MAX_THREADS: usize = 8;
/// Scores of a segment, 64 MB: almost three hours of letters, a minute and a half of Chinese characters.
const MAX_SCORES: usize = 1 << 24;
/// Cells of a trellis, 64 MB: five minutes with as much text as is said in them.
const MAX_CELLS: usize = 1 << 26;

/// What became of segments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Aligned {
    /// One or more sentences for each segment. What could not be aligned is as it was.
    pub segments: Vec<Segment>,
    /// What the user must know.
    pub warnings: Vec<String>,
}

/// What became of one segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AlignedSegment {
    /// Its sentences.
    Sentences(Vec<Segment>),
    /// It could not be aligned.
    Unaligned,
}

/// How to align.
#[derive(Clone, Debug, PartialEq)]
pub struct AlignOptions {
    /// What divides words.
    pub writing: Writing,
    /// Where sentences end.
    pub punkt: Punkt,
    /// How words get a time that have none of their own: those of which no character has a label, where the language is
    /// written without blanks.
    pub interpolation: Interpolation,
}

impl AlignOptions {
    /// The usual ones for a language.
    pub fn of_language(language: &str) -> Self {
        let (writing, punkt) = (Writing::of(language), Punkt::of_language(language));
        Self { writing, punkt, interpolation: Interpolation::default() }
    }
}

impl Aligned {
    /// Segments in order of time, with what became of each.
    pub fn of(segments: Vec<Segment>, results: Vec<AlignedSegment>) -> Self {
        let n_segments = segments.len();
        let mut unaligned = Unaligned::default();
        let mut aligned = Vec::with_capacity(n_segments);
        for (segment, result) in segments.into_iter().zip(results) {
            match result {
                AlignedSegment::Sentences(sentences) => aligned.extend(sentences),
                AlignedSegment::Unaligned => {
                    unaligned.add(&segment);
                    aligned.push(segment);
                }
            }
        }
        Self { segments: aligned, warnings: unaligned.warning(n_segments).into_iter().collect() }
    }
}

/// Aligns segments, which are in order of time, with a model of their language. Pieces are the segments.
pub fn align(
    samples: &Mono16k,
    segments: Vec<Segment>,
    language: &str,
    aligner: &Wav2Vec2,
    resume: Resume<'_, AlignedSegment>,
    progress: &Progress<'_>,
) -> Result<Aligned, StageError> {
    align_with(samples, segments, aligner, &AlignOptions::of_language(language), resume, progress)
}

/// Aligns segments as `options` say.
pub fn align_with(
    samples: &Mono16k,
    segments: Vec<Segment>,
    aligner: &Wav2Vec2,
    options: &AlignOptions,
    mut resume: Resume<'_, AlignedSegment>,
    progress: &Progress<'_>,
) -> Result<Aligned, StageError> {
    let aligner = SegmentAligner::new(samples, aligner, options);
    let max_secs = SECS_PER_THREAD * rayon::current_num_threads().min(MAX_THREADS) as f64;
    let mut results = resume.take_all(segments.len());
    let missing: Vec<usize> = (0..segments.len()).filter(|n| results[*n].is_none()).collect();
    for range in groups(missing.iter().map(|n| segments[*n].span), max_secs) {
        let group = &missing[range];
        progress.at(group[0], segments.len())?;
        let found: Vec<AlignedSegment> = group
            .par_iter()
            .map(|n| {
                let segment = &segments[*n];
                let Some(sentences) = aligner.align(segment, progress.cancel())? else {
                    return Ok(AlignedSegment::Unaligned);
                };
                let sentences = sentences.into_iter().map(|sentence| sentence.into_segment(segment));
                Ok(AlignedSegment::Sentences(sentences.collect()))
            })
            .collect::<Result<_, StageError>>()?;
        for (n, found) in group.iter().zip(found) {
            resume.finished(*n, &found);
            results[*n] = Some(found);
        }
    }
    progress.at(segments.len(), segments.len())?;
    Ok(Aligned::of(segments, results.into_iter().flatten().collect()))
}

/// Aligns the segments of a recording, each by itself.
pub struct SegmentAligner<'a> {
    samples: &'a Mono16k,
    aligner: &'a Wav2Vec2,
    dictionary: Dictionary,
    options: &'a AlignOptions,
}

impl<'a> SegmentAligner<'a> {
    /// An aligner of the segments of `samples`.
    pub fn new(samples: &'a Mono16k, aligner: &'a Wav2Vec2, options: &'a AlignOptions) -> Self {
        Self { samples, aligner, dictionary: Dictionary::new(aligner.labels()), options }
    }

    /// The sentences of a segment; `None` if it cannot be aligned: it has no characters that could be heard, begins
    /// behind the end of the recording, has more characters than frames of 20 ms, or is longer than memory should bear.
    pub fn align(&self, segment: &Segment, cancel: &CancelToken) -> Result<Option<Vec<Sentence>>, StageError> {
        cancel.check()?;
        let AlignOptions { writing, punkt, interpolation } = self.options;
        let text: Vec<char> = segment.text.chars().collect();
        let spelling = self.dictionary.spell(&text, *writing);
        let span = segment.span;
        if spelling.tokens.is_empty() || span.start.0 >= SampleIdx(self.samples.len()).to_seconds().0 {
            return Ok(None);
        }
        let range = span.to_samples(self.samples.len());
        let n_frames = n_frames_of(range.len());
        let n_columns = self.aligner.n_labels() + 1;
        if n_frames.saturating_mul(n_columns) > MAX_SCORES
            || n_frames.saturating_mul(spelling.tokens.len()) > MAX_CELLS
            || spelling.tokens.len() > n_frames
        {
            return Ok(None);
        }
        let blank = self.aligner.blank_id();
        let mut emissions = Emissions::of(self.samples, range, self.aligner, cancel)?;
        if spelling.tokens.contains(&self.dictionary.wildcard()) {
            emissions = emissions.with_wildcard(blank);
        }
        let Some(path) = best_path(&emissions, &spelling.tokens, blank, |_| {}) else { return Ok(None) };

        let frame_secs = span.duration().0 / emissions.n_frames() as f64;
        let time = |frame: usize| rounded(frame as f64 * frame_secs + span.start.0);
        let mut characters: Vec<Character> =
            text.into_iter().map(|character| Character { character, timed: None }).collect();
        for (position, token) in spelling.positions.iter().zip(merge_repeats(&path)) {
            let span = TimeSpan::from_secs(time(token.frames.start), time(token.frames.end));
            characters[*position].timed = Some(Timed { span, score: rounded(token.probability) });
        }
        let written: Vec<char> = characters.iter().map(|character| character.character).collect();
        Ok(Some(words::sentences(&characters, &punkt.spans(&written), *writing, *interpolation)))
    }
}

/// Segments that have no word times.
#[derive(Default)]
struct Unaligned {
    n_segments: usize,
    first_start: Option<Seconds>,
}

impl Unaligned {
    /// Notes a segment, unless it has no words that could have times.
    fn add(&mut self, segment: &Segment) {
        if !segment.text.trim().is_empty() {
            self.n_segments += 1;
            self.first_start.get_or_insert(segment.span.start);
        }
    }

    /// What the user must know, if any of the `n_all` is missing.
    fn warning(&self, n_all: usize) -> Option<String> {
        let (n, start) = (self.n_segments, self.first_start?);
        Some(format!(
            "The words of {n} of {n_all} passages could not be found in the sound and have no times; the first is at \
             {start}."
        ))
    }
}

/// Segments that follow one another and are worked on together: not longer than `max_secs` in all, unless a single one is.
fn groups(spans: impl Iterator<Item = TimeSpan>, max_secs: f64) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut n_secs = 0.0;
    for (n, span) in spans.enumerate() {
        n_secs += span.duration().0;
        let end = n + 1;
        match groups.last_mut() {
            Some(group) if n_secs <= max_secs => group.end = end,
            _ => {
                groups.push(n..end);
                n_secs = span.duration().0;
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_so_much_audio_and_no_more() {
        for (secs, expected) in [
            (&[30.0, 29.0, 1.0, 31.0, 90.0, 5.0, 5.0][..], &[(0, 3), (3, 4), (4, 5), (5, 7)][..]),
            (&[], &[]),
            (&[100.0], &[(0, 1)]),
        ] {
            let spans = secs.iter().map(|secs| TimeSpan::from_secs(0.0, *secs));
            let found: Vec<(usize, usize)> =
                groups(spans, 60.0).into_iter().map(|group| (group.start, group.end)).collect();
            assert_eq!(found, expected, "{secs:?}");
        }
    }
}
