//! Whose voice it is: a voiceprint of each speaker of a recording, and how it compares with the voices that are known.
//!
//! # Voiceprints
//! A voiceprint is the mean of the ECAPA-TDNN embeddings of pieces of speech, each brought to unit length before, and the
//! mean too. Where several speak at once, nobody's voiceprint is taken.
//! Here they are taken of recordings of one person, whose pieces are of a length and count the same; in meetings, in
//! [`super::window_voices`].
//!
//! # Scores
//! The score of a speaker `t` and a voice `v` is the cosine `s = t · v`. Some voices are near to everybody, and some
//! speakers (a bad line, an echo) are far from everybody, so that one threshold does not fit all. Where there are
//! others to compare with (the cohort `C`: the other voices and, if given, a built-in one), adaptive symmetric
//! normalisation asks instead how unusual `s` is, for the voice and for the speaker:
//! ```text
//! N(x) = the MAX_COHORT largest of { x · c : c in C }
//! s' = ½ (s - mean N(v)) / deviation N(v) + ½ (s - mean N(t)) / deviation N(t)
//! ```
//! (Matějka et al., "Analysis of Score Normalization in Multilingual Speaker Recognition", Interspeech 2017, AS-norm1.)
//! A deviation estimated from `n` values is off by about `1 / sqrt(2 (n - 1))`: by a quarter for 9 values, by a sixth
//! for 20. From [`MIN_COHORT`] = 20 on that is accepted; below, cosines are compared.
//!
//! # Names
//! A speaker gets the name of the nearest voice, if it is near enough and nearer than the second by a margin, and if no
//! other speaker who may have it is nearer. That is also the assignment of greatest total score: nobody may get any
//! other voice than the nearest, so each voice is given to one of those who are nearest to it, independently of the
//! others. Whoever comes second at a voice stays Unknown and does not get another name; they are often the same person,
//! whom the diarization took for two.
//!
//! Voices are not looked up here, and transcripts are not changed.

use std::cmp::Reverse;
use std::ops::Range;

use rayon::prelude::*;

use crate::audio::Mono16k;
use crate::nn::ecapa::Ecapa;
use crate::nn::vectors::dot;
use crate::task::Progress;
use crate::transcript::{Recognition, Verdict};
use crate::units::{SAMPLE_RATE_HZ, SampleIdx, Seconds};

use super::StageError;

/// Others to compare with, from which on scores are normalised.
pub const MIN_COHORT: usize = 20;
/// Those of them that count, the nearest: the far ones say nothing about whom one could be taken for.
pub const MAX_COHORT: usize = 20;
/// Least deviation that is divided by, for cohorts in which all are the same.
const MIN_DEVIATION: f64 = 0.02;

pub(super) const SAMPLES_PER_SEC: usize = SAMPLE_RATE_HZ as usize;
/// More speech makes no better voiceprint.
pub(super) const MAX_SPEECH_SAMPLES: usize = 60 * SAMPLES_PER_SEC;
/// Less speech makes none: of half a second, the demo model recognises one voice in two.
pub(super) const MIN_SPEECH_SAMPLES: usize = SAMPLES_PER_SEC / 2;
/// Shorter stretches are the edges of turns more than speech.
pub(super) const MIN_STRETCH_SAMPLES: usize = SAMPLES_PER_SEC / 4;
/// Pieces of an enrolled recording. Each must have one voice, if two take turns, so that [`agreement`] sees them.
const SOLE_VOICE_PIECES: Pieces =
    Pieces { min_samples: SAMPLES_PER_SEC, max_samples: 2 * SAMPLES_PER_SEC, enough_samples: MAX_SPEECH_SAMPLES };
/// Loudness is measured in frames of 50 ms.
const FRAME_SAMPLES: usize = SAMPLES_PER_SEC / 20;
const FRAMES_PER_READ: usize = 1200;
/// Speech is at most 35 dB below the loudest frame,
const MIN_SHARE_OF_LOUDEST: f32 = 0.0178;
/// and above -60 dB of full scale.
const SILENCE: f32 = 1e-3;
/// Shorter pauses belong to the speech.
const MAX_PAUSE_SAMPLES: usize = 3 * SAMPLES_PER_SEC / 10;
/// So many pieces of 2 s a recording needs before two voices are suspected in it.
const MIN_PIECES_TO_AGREE: usize = 4;
/// Two groups settle in fewer rounds.
const MAX_GROUPING_ROUNDS: usize = 10;

/// A voice, measured.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredVoice {
    /// The voiceprint: a vector of length 1.
    pub embedding: Vec<f32>,
    /// How much speech went into it.
    pub speech: Seconds,
    /// How well its pieces agree on being one voice; see [`agreement`].
    pub agreement: f32,
}

/// What there is in a recording of one person.
#[derive(Clone, Debug, PartialEq)]
pub enum SoleVoice {
    /// A voice.
    Found(MeasuredVoice),
    /// No sound at all, or too faint.
    Silent,
    /// So little sound that it says nothing about a voice.
    TooShort(Seconds),
}

/// A voice that speakers are compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownVoice {
    /// Whose it is.
    pub name: String,
    /// The mean of its voiceprints, of length 1; see [`unit_mean`].
    pub embedding: Vec<f32>,
}

/// What a score must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Least score of the nearest voice.
    pub min_score: f64,
    /// Least distance to the second.
    pub min_margin: f64,
}

/// What it takes to be recognised. The numbers belong to the model that makes the voiceprints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecogniseOptions {
    /// Limits where cosines are compared.
    pub cosine: Limits,
    /// Limits where scores are normalised, and
    pub normalised: Limits,
    /// the cosine that is needed there too: among few, the nearest is unusual without being near.
    pub min_cosine: f64,
    /// Below this [`agreement`], a recording of one person seems to have two.
    pub min_agreement: f32,
}

impl RecogniseOptions {
    /// For the built-in demo model, measured on the nine voices and three meetings of the demo, each speaker against
    /// the voices made of the enrolled files:
    ///
    /// | what a speaker said | right voice, at least | best wrong voice, at most | right before wrong, at least |
    /// |---|---|---|---|
    /// | all (9 speakers) | 0.91 | 0.46 | 0.50 |
    /// | one piece of 3 to 10 s (84) | 0.79 | 0.47 | 0.46 |
    /// | one piece of 0.5 to 3 s (76) | 0.63 | 0.48 | 0.24 |
    ///
    /// So 0.55 is 0.07 above the wrong ones and 0.08 below the right ones, at worst. (On many voices, cosines of this
    /// model have their equal error rate at 0.45 to 0.50; a wrong name is worse than none.) The margin of 0.10 is 0.14
    /// below the least of the right ones; a stranger is nearer to one voice than to the second by 0.07 in the median.
    ///
    /// Normalised, with cohorts of 20 to 100 voices that were drawn 30 times each from those that the model was trained
    /// on: 99 of 100 right scores are above 3.8 to 4.4, by the size of the cohort, 95 of 100 best wrong ones below 3.1
    /// to 3.6, and 99 of 100 right ones ahead of the wrong ones by 2.2 or more. The wrong ones above have cosines below
    /// 0.48.
    ///
    /// Agreement: at least 0.63 within each enrolled file; at most 0.30 in two of them end to end, and at most 0.49
    /// where two voices take turns of 3 s without a pause.
    pub fn demo() -> Self {
        Self {
            cosine: Limits { min_score: 0.55, min_margin: 0.10 },
            normalised: Limits { min_score: 3.5, min_margin: 1.0 },
            min_cosine: 0.48,
            min_agreement: 0.55,
        }
    }
}

/// The voice in a recording of one person: up to a minute of what is loud enough to be speech.
pub fn sole_voice(samples: &Mono16k, ecapa: &Ecapa, progress: &Progress<'_>) -> Result<SoleVoice, StageError> {
    let stretches = loud_stretches(samples, progress)?;
    if stretches.is_empty() {
        return Ok(SoleVoice::Silent);
    }
    let n_loud = n_samples_of(&stretches);
    let pieces = SOLE_VOICE_PIECES.cut(stretches);
    let voice = measure(samples, &pieces, ecapa, progress)?;
    Ok(voice.map_or_else(|| SoleVoice::TooShort(SampleIdx(n_loud).to_seconds()), SoleVoice::Found))
}

/// How well voiceprints of pieces of one recording agree on being one voice: they are parted into the two groups that
/// differ most, and the result is the cosine between the means of the two. 1 where there are fewer than two pieces.
///
/// # Shapes
/// `embeddings` `[pieces][dimension]`, each of length 1. Two means by Lloyd's algorithm, from the two pieces that are
/// farthest apart.
pub fn agreement(embeddings: &[Vec<f32>]) -> f32 {
    let pairs = (0..embeddings.len()).flat_map(|a| (0..a).map(move |b| (b, a)));
    let farthest = pairs
        .map(|(a, b)| (dot(&embeddings[a], &embeddings[b]), a, b))
        .reduce(|farthest, pair| if pair.0 < farthest.0 { pair } else { farthest });
    let Some((mut cosine, a, b)) = farthest else { return 1.0 };
    let (mut first, mut second) = (embeddings[a].clone(), embeddings[b].clone());
    for _ in 0..MAX_GROUPING_ROUNDS {
        let is_first = |piece: &&[f32]| dot(piece, &first) >= dot(piece, &second);
        let (ones, others): (Vec<&[f32]>, Vec<&[f32]>) = embeddings.iter().map(Vec::as_slice).partition(is_first);
        let (Some(one), Some(other)) = (unit_mean(ones), unit_mean(others)) else { return 1.0 };
        (first, second) = (one, other);
        cosine = dot(&first, &second);
    }
    cosine as f32
}

/// The mean of vectors of length 1, brought to length 1. `None` for no vector, and where they cancel each other.
pub fn unit_mean<'a>(embeddings: impl IntoIterator<Item = &'a [f32]>) -> Option<Vec<f32>> {
    let mut sum: Vec<f64> = Vec::new();
    for embedding in embeddings {
        sum.resize(embedding.len(), 0.0);
        for (sum, value) in sum.iter_mut().zip(embedding) {
            *sum += f64::from(*value);
        }
    }
    unit(&sum)
}

/// Compares speakers with voices: for each speaker the nearest voice, and whether they get its name. `None` for
/// speakers without a voiceprint, and for all where no voice is known.
///
/// # Shapes
/// `speakers` `[speakers][dimension]`, `voices` `[voices]` of `[dimension]`, `cohort` `[members][dimension]`, all of
/// length 1 and of the same model. `cohort` are voices of strangers and may be empty.
pub fn recognise(
    speakers: &[&[f32]],
    voices: &[KnownVoice],
    cohort: &[Vec<f32>],
    options: &RecogniseOptions,
) -> Vec<Option<Recognition>> {
    let comparison = Comparison::new(voices, cohort);
    let nearest: Vec<Option<Nearest>> = speakers.iter().map(|speaker| comparison.nearest(speaker, options)).collect();
    // Who of those that may have a voice is nearest to it; the first of equals.
    let mut owners: Vec<Option<(usize, f64)>> = vec![None; voices.len()];
    for (speaker, nearest) in nearest.iter().enumerate() {
        let Some(nearest) = nearest.as_ref().filter(|nearest| nearest.is_near_enough) else { continue };
        let owner = &mut owners[nearest.voice_idx];
        if owner.is_none_or(|(_, score)| nearest.score > score) {
            *owner = Some((speaker, nearest.score));
        }
    }
    let recognitions = nearest.into_iter().enumerate().map(|(speaker, nearest)| {
        let nearest = nearest?;
        let is_owner = owners[nearest.voice_idx].is_some_and(|(owner, _)| owner == speaker);
        Some(Recognition {
            nearest: voices[nearest.voice_idx].name.clone(),
            score: nearest.score,
            margin: nearest.margin,
            verdict: if is_owner { Verdict::Recognised } else { Verdict::Unknown },
        })
    });
    recognitions.collect()
}

/// The score of a speaker with each voice; see [`recognise`].
pub fn scores(speaker: &[f32], voices: &[KnownVoice], cohort: &[Vec<f32>]) -> Vec<f64> {
    Comparison::new(voices, cohort).scores(speaker).into_iter().map(|score| score.value).collect()
}

/// Voices, ready to be compared with.
struct Comparison<'a> {
    voices: &'a [KnownVoice],
    cohort: &'a [Vec<f32>],
    /// How near others are to each voice; `None` where there are too few of them.
    spreads: Option<Vec<Spread>>,
}

/// A speaker beside a voice.
struct Score {
    cosine: f64,
    /// The cosine, or the normalised score.
    value: f64,
}

struct Nearest {
    voice_idx: usize,
    score: f64,
    margin: Option<f64>,
    is_near_enough: bool,
}

/// Mean and deviation of the nearest of a cohort.
struct Spread {
    mean: f64,
    deviation: f64,
}

impl<'a> Comparison<'a> {
    fn new(voices: &'a [KnownVoice], cohort: &'a [Vec<f32>]) -> Self {
        let has_cohort = !voices.is_empty() && voices.len() - 1 + cohort.len() >= MIN_COHORT;
        let spreads = has_cohort.then(|| {
            let cosines_of = |voice_idx: usize| -> Vec<f64> {
                let embedding = &voices[voice_idx].embedding;
                let others = voices.iter().enumerate().filter(move |(other, _)| *other != voice_idx);
                let others = others.map(|(_, other)| other.embedding.as_slice());
                others.chain(cohort.iter().map(Vec::as_slice)).map(|other| dot(embedding, other)).collect()
            };
            (0..voices.len()).map(|voice_idx| Spread::of_nearest(cosines_of(voice_idx))).collect()
        });
        Self { voices, cohort, spreads }
    }

    fn scores(&self, speaker: &[f32]) -> Vec<Score> {
        let cosines: Vec<f64> = self.voices.iter().map(|voice| dot(&voice.embedding, speaker)).collect();
        let Some(spreads) = &self.spreads else {
            return cosines.into_iter().map(|cosine| Score { cosine, value: cosine }).collect();
        };
        let cohort: Vec<f64> = self.cohort.iter().map(|member| dot(member, speaker)).collect();
        let scores = cosines.iter().zip(spreads).enumerate().map(|(voice_idx, (cosine, of_voice))| {
            let others = cosines.iter().enumerate().filter(|(other, _)| *other != voice_idx).map(|(_, cosine)| *cosine);
            let of_speaker = Spread::of_nearest(others.chain(cohort.iter().copied()).collect());
            let value = f64::midpoint(of_voice.standardised(*cosine), of_speaker.standardised(*cosine));
            Score { cosine: *cosine, value }
        });
        scores.collect()
    }

    fn nearest(&self, speaker: &[f32], options: &RecogniseOptions) -> Option<Nearest> {
        let dimension = self.voices.first()?.embedding.len();
        if speaker.len() != dimension {
            return None;
        }
        let scores = self.scores(speaker);
        let nearer = |best: usize, idx: usize| if scores[idx].value > scores[best].value { idx } else { best };
        let voice_idx = (0..scores.len()).reduce(nearer)?;
        let Score { cosine, value: score } = scores[voice_idx];
        let others = scores.iter().enumerate().filter(|(idx, _)| *idx != voice_idx);
        let margin = others.map(|(_, other)| score - other.value).reduce(f64::min);
        let (limits, min_cosine) = match self.spreads {
            Some(_) => (options.normalised, options.min_cosine),
            None => (options.cosine, options.cosine.min_score),
        };
        let is_near = score >= limits.min_score && cosine >= min_cosine;
        let is_near_enough = is_near && margin.is_none_or(|margin| margin >= limits.min_margin);
        Some(Nearest { voice_idx, score, margin, is_near_enough })
    }
}

impl Spread {
    fn of_nearest(mut cosines: Vec<f64>) -> Self {
        cosines.sort_unstable_by(|a, b| b.total_cmp(a));
        cosines.truncate(MAX_COHORT);
        let n = cosines.len() as f64;
        let mean = cosines.iter().sum::<f64>() / n;
        let squares = cosines.iter().map(|cosine| (cosine - mean).powi(2)).sum::<f64>();
        Self { mean, deviation: (squares / (n - 1.0)).sqrt().max(MIN_DEVIATION) }
    }

    fn standardised(&self, cosine: f64) -> f64 {
        (cosine - self.mean) / self.deviation
    }
}

/// The agreement of pieces. Of few, one that is unlike the others says nothing yet.
pub(super) fn agreement_of_enough(embeddings: &[Vec<f32>]) -> f32 {
    if embeddings.len() < MIN_PIECES_TO_AGREE { 1.0 } else { agreement(embeddings) }
}

/// Ranges of samples that are put together and go through the network as one.
type Piece = Vec<Range<usize>>;

/// How stretches of speech are cut to pieces.
struct Pieces {
    /// Shorter stretches are joined to pieces of at least this length, but only where there is not
    min_samples: usize,
    max_samples: usize,
    /// so much of longer ones.
    enough_samples: usize,
}

impl Pieces {
    /// Cuts the longest stretches, up to [`MAX_SPEECH_SAMPLES`]; none if there is less than [`MIN_SPEECH_SAMPLES`].
    fn cut(&self, mut stretches: Vec<Range<usize>>) -> Vec<Piece> {
        stretches.sort_by_key(|stretch| (Reverse(stretch.len()), stretch.start));
        let (long, short) = stretches.split_at(stretches.partition_point(|stretch| stretch.len() >= self.min_samples));
        let mut pieces = Vec::new();
        let mut n_samples = 0;
        for stretch in long {
            let n_left = MAX_SPEECH_SAMPLES - n_samples;
            if n_left < self.min_samples {
                break;
            }
            let n_taken = stretch.len().min(n_left);
            n_samples += n_taken;
            let n_parts = n_taken.div_ceil(self.max_samples);
            let boundary = |part: usize| stretch.start + n_taken * part / n_parts;
            pieces.extend((0..n_parts).map(|part| {
                let range = boundary(part)..boundary(part + 1);
                vec![range]
            }));
        }
        if n_samples < self.enough_samples {
            let mut joined = self.joined(short, MAX_SPEECH_SAMPLES - n_samples);
            let n_joined: usize = joined.iter().flatten().map(ExactSizeIterator::len).sum();
            // A piece that is too short is better than none, but not as good as those beside it.
            if pieces.is_empty() || n_joined >= self.min_samples {
                pieces.append(&mut joined);
                n_samples += n_joined;
            }
        }
        if n_samples < MIN_SPEECH_SAMPLES { Vec::new() } else { pieces }
    }

    /// Joins short stretches, the longest first in the list, to pieces in order of time. What is left over at the end
    /// belongs to the last piece.
    fn joined(&self, stretches: &[Range<usize>], max_samples: usize) -> Vec<Piece> {
        let mut n_samples = 0;
        let taken = stretches.iter().take_while(|stretch| {
            let is_wanted = n_samples < max_samples && stretch.len() >= MIN_STRETCH_SAMPLES;
            n_samples += stretch.len();
            is_wanted
        });
        let mut taken: Vec<Range<usize>> = taken.cloned().collect();
        taken.sort_by_key(|stretch| stretch.start);
        let mut pieces: Vec<Piece> = Vec::new();
        let mut n_in_last = self.min_samples;
        let mut n_left: usize = taken.iter().map(ExactSizeIterator::len).sum();
        for stretch in taken {
            let n_stretch = stretch.len();
            match pieces.last_mut() {
                // What is left would not fill a piece of its own.
                Some(last) if n_in_last < self.min_samples || n_left < self.min_samples => {
                    last.push(stretch);
                    n_in_last += n_stretch;
                }
                Some(_) | None => {
                    pieces.push(vec![stretch]);
                    n_in_last = n_stretch;
                }
            }
            n_left -= n_stretch;
        }
        pieces
    }
}

fn measure(
    samples: &Mono16k,
    pieces: &[Piece],
    ecapa: &Ecapa,
    progress: &Progress<'_>,
) -> Result<Option<MeasuredVoice>, StageError> {
    let embeddings: Vec<Option<Vec<f32>>> = pieces
        .par_iter()
        .map(|piece| {
            progress.cancel().check()?;
            let mut sound = Vec::new();
            for range in piece {
                samples.read_into(range.clone(), &mut sound)?;
            }
            let embedding: Vec<f64> = ecapa.embedding(&sound).into_iter().map(f64::from).collect();
            Ok(unit(&embedding))
        })
        .collect::<Result<_, StageError>>()?;
    let embeddings: Vec<Vec<f32>> = embeddings.into_iter().flatten().collect();
    let n_samples: usize = pieces.iter().flatten().map(ExactSizeIterator::len).sum();
    Ok(unit_mean(embeddings.iter().map(Vec::as_slice)).map(|embedding| MeasuredVoice {
        embedding,
        speech: SampleIdx(n_samples).to_seconds(),
        agreement: agreement_of_enough(&embeddings),
    }))
}

/// Where it is loud enough to be speech.
fn loud_stretches(samples: &Mono16k, progress: &Progress<'_>) -> Result<Vec<Range<usize>>, StageError> {
    let mut levels: Vec<f32> = Vec::new();
    for start in (0..samples.len()).step_by(FRAMES_PER_READ * FRAME_SAMPLES) {
        progress.cancel().check()?;
        let sound = samples.read(start..start + FRAMES_PER_READ * FRAME_SAMPLES)?;
        levels.extend(sound.chunks(FRAME_SAMPLES).map(|frame| {
            let squares: f32 = frame.iter().map(|sample| sample * sample).sum();
            (squares / frame.len() as f32).sqrt()
        }));
    }
    let loudest = levels.iter().copied().fold(0.0, f32::max);
    let floor = (loudest * MIN_SHARE_OF_LOUDEST).max(SILENCE);
    let frames = levels.iter().enumerate().filter(|(_, level)| **level > floor);
    let loud = frames.map(|(frame, _)| frame * FRAME_SAMPLES..((frame + 1) * FRAME_SAMPLES).min(samples.len()));
    Ok(merged(loud.collect(), MAX_PAUSE_SAMPLES))
}

/// Ranges in order, those joined between which there are at most `max_gap` samples.
pub(super) fn merged(mut ranges: Vec<Range<usize>>, max_gap: usize) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end + max_gap => last.end = last.end.max(range.end),
            Some(_) | None => merged.push(range),
        }
    }
    merged
}

pub(super) fn n_samples_of(ranges: &[Range<usize>]) -> usize {
    ranges.iter().map(ExactSizeIterator::len).sum()
}

/// What of `own` is in none of `others`; both are in order and without overlaps.
pub(super) fn without(own: &[Range<usize>], others: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut left = Vec::new();
    for stretch in own {
        let first = others.partition_point(|other| other.end <= stretch.start);
        let mut start = stretch.start;
        for other in others[first..].iter().take_while(|other| other.start < stretch.end) {
            if other.start > start {
                left.push(start..other.start);
            }
            start = other.end;
        }
        if start < stretch.end {
            left.push(start..stretch.end);
        }
    }
    left
}

/// A vector brought to length 1. `None` where it has no direction, or is not finite.
pub(super) fn unit(values: &[f64]) -> Option<Vec<f32>> {
    let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    (length.is_finite() && length > 0.0).then(|| values.iter().map(|value| (value / length) as f32).collect())
}
