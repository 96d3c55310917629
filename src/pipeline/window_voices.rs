//! The voices in a meeting: what each speaker of a window says alone becomes a vector, whoever that turns out to be, so
//! that nobody listens again when the turns change. A speaker's voiceprint is made of the voices that lie in their turns,
//! and each counts by its length.
//!
//! Windows follow one another without overlap here. How speakers of different windows belong together is decided in
//! [`super::diarize`], and whose voices they are in [`super::recognise`].

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::audio::Mono16k;
use crate::nn::ecapa::Ecapa;
use crate::task::Progress;
use crate::transcript::Turn;
use crate::units::{SampleIdx, Seconds};

use super::StageError;
use super::recognise::{
    MAX_SPEECH_SAMPLES, MIN_SPEECH_SAMPLES, MIN_STRETCH_SAMPLES, MeasuredVoice, SAMPLES_PER_SEC, agreement_of_enough,
    merged, n_samples_of, unit, without,
};
use super::resume::{Blocks, Resume};
use super::segmentation::{Activity, Windows};

/// In a meeting, where diarization has told the voices apart, long pieces are better. Shorter ones count only where there
/// is not
const LONG_VOICE_SAMPLES: usize = 3 * SAMPLES_PER_SEC;
/// so much of all.
const ENOUGH_SPEECH_SAMPLES: usize = 10 * SAMPLES_PER_SEC;
/// Of a voice of a window, so much may lie outside of the turns of its speaker.
const MAX_OUTSIDE_PERCENT: usize = 20;
/// Windows whose voices are known or not: a minute and a half.
const WINDOWS_PER_BLOCK: usize = 9;
/// Windows that are listened to at once, however many threads there are.
const MAX_WINDOWS_AT_ONCE: usize = 32;

/// What somebody says alone in a window, and their voice there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowVoice {
    /// Where they speak, in samples; in order and without overlaps.
    pub stretches: Vec<Range<usize>>,
    /// The voice: a vector of length 1.
    pub embedding: Vec<f32>,
}

/// The voice of a speaker.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeakerVoice {
    /// Label of the speaker.
    pub speaker: String,
    /// Their voice.
    pub voice: MeasuredVoice,
}

/// The voices of all windows that follow one another without overlap, each taken where nobody else of its window talks; of
/// less than half a second, none is. Pieces are those of blocks, see [`n_blocks`].
pub fn window_voices(
    samples: &Mono16k,
    activity: &Activity,
    ecapa: &Ecapa,
    resume: Resume<'_, Vec<WindowVoice>>,
    progress: &Progress<'_>,
) -> Result<Vec<WindowVoice>, StageError> {
    let places = places(&activity.windows);
    let windows_at_once = (2 * rayon::current_num_threads()).min(MAX_WINDOWS_AT_ONCE);
    let voices_of = |range: Range<usize>| -> Result<Vec<WindowVoice>, StageError> {
        let mut voices = Vec::new();
        for stretches in places[range].iter().flat_map(|place| place.stretches(activity)) {
            let mut sound = Vec::new();
            for stretch in &stretches {
                samples.read_into(stretch.clone(), &mut sound)?;
            }
            let embedding: Vec<f64> = ecapa.embedding(&sound).into_iter().map(f64::from).collect();
            voices.extend(unit(&embedding).map(|embedding| WindowVoice { stretches, embedding }));
        }
        Ok(voices)
    };
    blocks(&activity.windows).compute(windows_at_once, resume, progress, voices_of)
}

/// Blocks of windows whose voices become known together.
pub fn n_blocks(windows: &Windows) -> usize {
    blocks(windows).n_blocks()
}

/// The voiceprint of every speaker, in the order of their labels: of up to a minute of those `voices` that lie in their
/// turns in `exclusive`, where nobody else talks in `turns`, the longest first. Who has none of them has no voiceprint.
pub fn voiceprints(voices: &[WindowVoice], exclusive: &[Turn], turns: &[Turn]) -> Vec<SpeakerVoice> {
    let speakers: BTreeSet<&str> = exclusive.iter().map(|turn| turn.speaker.as_str()).collect();
    let stretches = |turns: &[Turn], is_wanted: &dyn Fn(&Turn) -> bool| {
        let wanted = turns.iter().filter(|turn| is_wanted(turn));
        merged(wanted.map(|turn| turn.span.to_samples(usize::MAX)).collect(), 0)
    };
    let voice_of = |speaker: &str| {
        let own = stretches(exclusive, &|turn| turn.speaker == speaker);
        let others = stretches(turns, &|turn| turn.speaker != speaker);
        let alone = without(&own, &others);
        let is_theirs = |voice: &&WindowVoice| {
            let n_outside = n_samples_of(&without(&voice.stretches, &alone));
            n_outside * 100 <= n_samples_of(&voice.stretches) * MAX_OUTSIDE_PERCENT
        };
        let voice = mean_voice(voices.iter().filter(is_theirs).collect())?;
        Some(SpeakerVoice { speaker: speaker.to_owned(), voice })
    };
    speakers.into_iter().filter_map(voice_of).collect()
}

/// A window of those that follow one another, and from where on it is not in the one before.
struct Place {
    window: usize,
    first_sample: usize,
}

/// Windows that follow one another through the recording. The last one may overlap the one before, if there is something
/// behind that.
fn places(windows: &Windows) -> Vec<Place> {
    let stride = (windows.window_samples / windows.step_samples).max(1);
    let last = windows.n_windows - 1;
    let mut first_sample = 0;
    let place = |window: usize| {
        let place = Place { window, first_sample };
        first_sample = (window * windows.step_samples + windows.window_samples).min(windows.n_samples);
        place
    };
    (0..last).step_by(stride).chain([last]).map(place).collect()
}

fn blocks(windows: &Windows) -> Blocks {
    let n_windows = places(windows).len();
    Blocks { n_windows, windows_per_group: 1, groups_per_block: WINDOWS_PER_BLOCK }
}

impl Place {
    /// Where each speaker of the window speaks alone, if that is enough for a voice.
    fn stretches(&self, activity: &Activity) -> Vec<Vec<Range<usize>>> {
        let windows = &activity.windows;
        let start = SampleIdx(self.window * windows.step_samples).to_seconds().0;
        // A frame is as long as the step to the next one, and its middle is in the middle of what it depends on.
        let first_edge = start + (windows.frame_duration.0 - windows.frame_step.0) / 2.0;
        let edge = |frame: usize| {
            let sample = Seconds(first_edge + frame as f64 * windows.frame_step.0).to_sample().0;
            sample.max(self.first_sample).min(windows.n_samples)
        };
        let masks = activity.window(self.window);
        let alone = |speaker: usize| {
            let mut stretches = Vec::new();
            let mut frame = 0;
            for same in masks.chunk_by(|a, b| a == b) {
                let stretch = edge(frame)..edge(frame + same.len());
                frame += same.len();
                if same[0] == 1_u8 << speaker && stretch.len() >= MIN_STRETCH_SAMPLES {
                    stretches.push(stretch);
                }
            }
            stretches
        };
        let is_enough = |stretches: &Vec<Range<usize>>| n_samples_of(stretches) >= MIN_SPEECH_SAMPLES;
        (0..activity.n_speakers).map(alone).filter(is_enough).collect()
    }
}

/// The mean of a speaker's voices, the longest of them, each by its length.
fn mean_voice(mut voices: Vec<&WindowVoice>) -> Option<MeasuredVoice> {
    let length = |voice: &WindowVoice| n_samples_of(&voice.stretches);
    let start = |voice: &WindowVoice| voice.stretches.first().map(|stretch| stretch.start);
    voices.sort_by_key(|voice| (Reverse(length(voice)), start(voice)));
    let mut n_samples = 0;
    let is_wanted = |voice: &&WindowVoice| {
        let enough = if length(voice) < LONG_VOICE_SAMPLES { ENOUGH_SPEECH_SAMPLES } else { MAX_SPEECH_SAMPLES };
        let is_wanted = n_samples < enough;
        n_samples += if is_wanted { length(voice) } else { 0 };
        is_wanted
    };
    let wanted: Vec<&WindowVoice> = voices.into_iter().take_while(is_wanted).collect();
    let mut sum = vec![0.0; wanted.first()?.embedding.len()];
    for voice in &wanted {
        for (sum, value) in sum.iter_mut().zip(&voice.embedding) {
            *sum += length(voice) as f64 * f64::from(*value);
        }
    }
    let embeddings: Vec<Vec<f32>> = wanted.iter().map(|voice| voice.embedding.clone()).collect();
    Some(MeasuredVoice {
        embedding: unit(&sum)?,
        speech: SampleIdx(n_samples).to_seconds(),
        agreement: agreement_of_enough(&embeddings),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::TimeSpan;

    const FRAMES_PER_SEC: usize = 10;

    /// Windows of 10 s, a second apart, with frames of 100 ms; `speaks` says who speaks at a time.
    fn meeting(n_secs: usize, speaks: impl Fn(f64) -> u8) -> Activity {
        let frame = Seconds(1.0 / FRAMES_PER_SEC as f64);
        let windows = Windows {
            n_windows: n_secs.saturating_sub(10) + 1,
            window_samples: 10 * SAMPLES_PER_SEC,
            step_samples: SAMPLES_PER_SEC,
            n_frames: 10 * FRAMES_PER_SEC,
            frame_step: frame,
            frame_duration: frame,
            n_samples: n_secs * SAMPLES_PER_SEC,
        };
        let frames = 0..windows.n_windows * windows.n_frames;
        let time = |n: usize| (n / 100) as f64 + (n % 100) as f64 / FRAMES_PER_SEC as f64;
        Activity { n_speakers: 2, masks: frames.map(|n| speaks(time(n))).collect(), windows }
    }

    #[test]
    fn every_moment_is_listened_to_once() {
        for n_secs in [1, 10, 11, 20, 25, 63] {
            let activity = meeting(n_secs, |_| 1);
            let places = places(&activity.windows);
            let heard: Vec<Range<usize>> =
                places.iter().flat_map(|place| place.stretches(&activity)).flatten().collect();
            let end = heard.iter().try_fold(0, |end, stretch| (stretch.start == end).then_some(stretch.end));
            assert_eq!(end, Some(n_secs * SAMPLES_PER_SEC), "{heard:?}");
        }
    }

    #[test]
    fn voices_are_taken_of_those_who_speak_alone_for_long_enough() {
        let between = |time: f64, from: f64, to: f64| time >= from - 1e-9 && time < to - 1e-9;
        // The first until 4 s, the second from 3.5 to 6 s and again for too short a time.
        let activity = meeting(10, |time| {
            u8::from(between(time, 0.0, 4.0)) | u8::from(between(time, 3.5, 6.0) || between(time, 9.0, 9.2)) << 1
        });
        let found: Vec<Vec<(usize, usize)>> = places(&activity.windows)[0]
            .stretches(&activity)
            .iter()
            .map(|stretches| stretches.iter().map(|stretch| (stretch.start / 1600, stretch.end / 1600)).collect())
            .collect();
        assert_eq!(found, [[(0, 35)], [(40, 60)]]);
    }

    #[test]
    fn a_voiceprint_is_made_of_the_longest_voices_within_the_turns() {
        let secs = |start: f64, end: f64| TimeSpan::from_secs(start, end);
        let voice = |start: f64, end: f64, embedding: [f32; 2]| WindowVoice {
            stretches: vec![secs(start, end).to_samples(usize::MAX)],
            embedding: embedding.to_vec(),
        };
        let turn = |start: f64, end: f64, speaker: &str| Turn { span: secs(start, end), speaker: speaker.to_owned() };
        let voices = [
            voice(0.0, 8.0, [1.0, 0.0]),
            voice(10.0, 14.0, [0.0, 1.0]),
            // More than a fifth of it is not theirs, or somebody else's as well.
            voice(7.0, 10.0, [-1.0, 0.0]),
            voice(20.0, 24.0, [0.0, -1.0]),
            // There is enough without it.
            voice(14.0, 15.0, [0.0, -1.0]),
        ];
        let exclusive = [turn(0.0, 8.5, "A"), turn(10.0, 15.0, "A"), turn(20.0, 24.0, "B"), turn(30.0, 31.0, "C")];
        let turns = [&exclusive[..], &[turn(22.0, 24.0, "C")]].concat();
        let found = voiceprints(&voices, &exclusive, &turns);
        assert_eq!(found.len(), 1, "{found:?}");
        let MeasuredVoice { embedding, speech, agreement } = &found[0].voice;
        assert_eq!((found[0].speaker.as_str(), *speech, *agreement), ("A", Seconds(12.0), 1.0));
        let expected = [2.0 / 5.0_f32.sqrt(), 1.0 / 5.0_f32.sqrt()];
        assert!(embedding.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6), "{found:?}");
    }
}
