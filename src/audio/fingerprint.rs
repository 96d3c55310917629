//! The fingerprint of a recording, by which another copy of it is recognised: one in another encoding, a louder or noisier
//! one, or a part of it. After Chromaprint: for every eighth of a second 32 bits of how the twelve notes of the scale sound
//! there, and a moment before and after. What was said is not in it, and nobody can be heard from it.
//!
//! Two fingerprints are laid side by side where most of their items are the same, and compared bit by bit. Copies agree in
//! 85 to 100 % of the bits, other recordings in some 55 %, as chance has it. A copy out of whose middle something was cut
//! is recognised only if most of it lies on one side of the cut, and one by another device only if their clocks agree.

use std::cmp::Reverse;
use std::io;

use rusty_chromaprint::{Configuration, Fingerprinter};
use serde::{Deserialize, Serialize};

use super::Mono16k;
use crate::task::CancelToken;
use crate::units::SAMPLE_RATE_HZ;

/// Samples that are read at once: 4 seconds.
const SAMPLES_AT_ONCE: usize = 1 << 16;
/// Full scale of the samples that Chromaprint takes.
const FULL_SCALE: f32 = 32_768.0;
/// The bits by which items are looked up are all but so many of the last: a copy often differs in some bit.
const N_BITS_LEFT_OUT: u32 = 8;
/// An item that comes up more often in a recording is that of a hum or of silence, and says nothing of where one is.
const MAX_OCCURRENCES: usize = 4;
/// Places side by side that are tried, those with most items in common first.
const MAX_ALIGNMENTS: usize = 8;
/// Fewer items side by side, five seconds, say nothing.
const MIN_ITEMS: usize = 40;
/// So many items must be the same in the same places,
const MIN_VOTES: usize = 8;
/// and one of so many. Noises agree in 83 % of their bits, but in hardly one item of two hundred; bad copies in one of
/// forty.
const MAX_ITEMS_PER_VOTE: usize = 64;
/// Landmarks of a short recording,
const MIN_LANDMARKS: usize = 256;
/// and of a long one: one for so many items, which are eight seconds.
const ITEMS_PER_LANDMARK: usize = 64;

/// The fingerprint of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(Vec<u32>);

/// How alike two recordings are that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// One is the other in another form: more than 0.95.
    Same,
    /// One may be a bad copy of the other or of a part of it: more than 0.8.
    Similar,
}

impl Likeness {
    /// What a similarity says; `None`: the recordings have nothing to do with each other.
    pub fn of(similarity: f64) -> Option<Self> {
        if similarity > 0.95 {
            Some(Self::Same)
        } else if similarity > 0.8 {
            Some(Self::Similar)
        } else {
            None
        }
    }
}

impl Fingerprint {
    /// The fingerprint of a recording; one of less than three seconds has none. It takes eight Fourier transforms of 4,096
    /// points a second of sound.
    ///
    /// # Errors
    /// When a long recording cannot be read back, and when somebody asks to stop.
    pub fn of(samples: &Mono16k, cancel: &CancelToken) -> io::Result<Self> {
        // Chromaprint's own choice; it brings the sound to 11,025 Hz first, for no note is higher than 3,520 Hz.
        let mut printer = Fingerprinter::new(&Configuration::preset_test2());
        printer.start(SAMPLE_RATE_HZ, 1).expect("there is a channel, and the rate is higher than the least");
        let (mut block, mut pulses) = (Vec::new(), Vec::with_capacity(SAMPLES_AT_ONCE));
        for start in (0..samples.len()).step_by(SAMPLES_AT_ONCE) {
            cancel.check().map_err(io::Error::other)?;
            block.clear();
            samples.read_into(start..start + SAMPLES_AT_ONCE, &mut block)?;
            pulses.clear();
            // What is too high is cut off, and what is not a number becomes nothing.
            pulses.extend(block.iter().map(|sample| (sample * FULL_SCALE).round() as i16));
            printer.consume(&pulses);
        }
        printer.finish();
        Ok(Self(printer.fingerprint().to_vec()))
    }

    /// A fingerprint that was taken before.
    pub fn from_items(items: Vec<u32>) -> Self {
        Self(items)
    }

    /// Its items, one for every eighth of a second.
    pub fn items(&self) -> &[u32] {
        &self.0
    }

    /// How alike two recordings are, 0 to 1: the share of bits that agree where one lies beside the other best, over at
    /// least half of the shorter one; 0 where they have no place in common. See [`Likeness`] for what that says.
    pub fn similarity(&self, other: &Self) -> f64 {
        let offsets = self.offsets(other);
        let votes = offsets.chunk_by(|one, next| one == next).map(|same| (same.len(), same[0]));
        let mut votes: Vec<(usize, i64)> = votes.filter(|(n_votes, _)| *n_votes >= MIN_VOTES).collect();
        votes.sort_unstable_by_key(|(n_votes, offset)| (Reverse(*n_votes), *offset));
        let tried = votes.into_iter().take(MAX_ALIGNMENTS);
        tried.filter_map(|(n_votes, offset)| self.agreement(other, offset, n_votes)).fold(0.0, f64::max)
    }

    /// What a recording is looked up by among many: items that are rare in it, chosen by their bits, so that of two
    /// recordings with a part in common the same ones are chosen in that part. Each is there once.
    pub fn landmarks(&self) -> Vec<u32> {
        let places = self.places();
        let rare = places.chunk_by(|one, next| one.0 == next.0).filter(|same| same.len() <= MAX_OCCURRENCES);
        let mut landmarks: Vec<u32> = rare.map(|same| same[0].0).collect();
        // An odd factor gives every number another place, and neighbours far from each other.
        landmarks.sort_unstable_by_key(|landmark| landmark.wrapping_mul(0x9e37_79b1));
        landmarks.truncate(MIN_LANDMARKS.max(self.0.len() / ITEMS_PER_LANDMARK));
        landmarks
    }

    /// Where items of another recording lie in this one, later by how many items, in order: as often as there is an
    /// item that says so.
    fn offsets(&self, other: &Self) -> Vec<i64> {
        let (ours, theirs) = (self.places(), other.places());
        let mut theirs = theirs.chunk_by(|one, next| one.0 == next.0).peekable();
        let mut offsets = Vec::new();
        for ours in ours.chunk_by(|one, next| one.0 == next.0) {
            while theirs.next_if(|theirs| theirs[0].0 < ours[0].0).is_some() {}
            let Some(theirs) = theirs.next_if(|theirs| theirs[0].0 == ours[0].0) else { continue };
            if ours.len() <= MAX_OCCURRENCES && theirs.len() <= MAX_OCCURRENCES {
                let pairs = ours.iter().flat_map(|(_, our)| theirs.iter().map(move |(_, their)| (our, their)));
                offsets.extend(pairs.map(|(our, their)| i64::from(*our) - i64::from(*their)));
            }
        }
        offsets.sort_unstable();
        offsets
    }

    /// The items, as far as they count for looking them up, with their places, in order.
    fn places(&self) -> Vec<(u32, u32)> {
        let mut places: Vec<(u32, u32)> = self.0.iter().map(|item| item >> N_BITS_LEFT_OUT).zip(0..).collect();
        places.sort_unstable();
        places
    }

    /// The share of bits that agree if the other recording begins so many items later than this one; `None` where too
    /// little of them lies side by side, or too few items there are the same.
    fn agreement(&self, other: &Self, offset: i64, n_votes: usize) -> Option<f64> {
        let from = |offset: i64| usize::try_from(offset).unwrap_or(0);
        let (ours, theirs) = (self.0.get(from(offset)..)?, other.0.get(from(-offset)..)?);
        let n_items = ours.len().min(theirs.len());
        let n_least = MIN_ITEMS.max(self.0.len().min(other.0.len()) / 2);
        if n_items < n_least || n_votes * MAX_ITEMS_PER_VOTE < n_items {
            return None;
        }
        let n_different: u64 = ours.iter().zip(theirs).map(|(our, their)| u64::from((our ^ their).count_ones())).sum();
        Some(1.0 - n_different as f64 / (n_items * u32::BITS as usize) as f64)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::audio::decode::decode;
    use crate::task::Progress;

    fn asset(name: &str) -> Vec<f32> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo").join(name);
        let (spool, cancel) = (tempfile::tempdir().expect("a temporary folder"), CancelToken::default());
        let samples = decode(&path, spool.path(), &Progress::unwatched(&cancel)).expect("a demo recording").samples;
        samples.read(0..samples.len()).expect("samples in memory")
    }

    fn print_of(samples: &[f32]) -> Fingerprint {
        let samples = Mono16k::from_samples(samples.to_vec());
        Fingerprint::of(&samples, &CancelToken::default()).expect("samples in memory")
    }

    fn noise(seed: u32, height: f32, n_samples: usize) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            height * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
        };
        (0..n_samples).map(|_| next()).collect()
    }

    /// The same by trying all places.
    fn slow_similarity(one: &Fingerprint, other: &Fingerprint) -> f64 {
        let n_items = one.0.len() as i64;
        let offsets = -(other.0.len() as i64)..=n_items;
        offsets.filter_map(|offset| one.agreement(other, offset, usize::MAX / MAX_ITEMS_PER_VOTE)).fold(0.0, f64::max)
    }

    #[test]
    fn copies_and_parts_are_told_from_other_recordings() {
        let meeting = asset("meetings/demo_1min_2spk.flac");
        let others = ["Carol", "David", "Elena", "Martin"].map(|name| asset(&format!("speakers/{name}.flac")));
        let hum = |n: usize| 0.1 * (n as f32 * 0.04).sin();
        let changed = |change: fn(f32, f32) -> f32| -> Vec<f32> {
            let noise = noise(7, 0.005, meeting.len());
            meeting.iter().zip(noise).map(|(sample, noise)| change(*sample, noise)).collect()
        };
        let part = |from_secs: f64, to_secs: f64| {
            meeting[(16_000.0 * from_secs) as usize..(16_000.0 * to_secs) as usize].to_vec()
        };
        let other: Vec<f32> = others.concat();
        let mut backwards = meeting.clone();
        backwards.reverse();
        let (same, similar) = (Some(Likeness::Same), Some(Likeness::Similar));
        let meeting_print = print_of(&meeting);
        let meeting_landmarks = meeting_print.landmarks();
        let least = |likeness: Option<Likeness>| match likeness {
            Some(Likeness::Same) => 0.95,
            Some(Likeness::Similar) => 0.8,
            None => 0.0,
        };
        for (what, samples, expected) in [
            ("itself", meeting.clone(), same),
            ("softer", changed(|sample, _| 0.25 * sample), same),
            ("too loud", changed(|sample, _| (2.0 * sample).clamp(-1.0, 1.0)), same),
            ("with noise", changed(|sample, noise| sample + noise), same),
            ("a part", part(10.0, 45.0), similar),
            // Shifted by half the distance of items, at worst.
            ("half an item later", part(0.062, 60.0), similar),
            ("the end, half an item later", part(20.0, 60.0), similar),
            ("with noise before it", [noise(3, 0.01, 100_000), meeting.clone()].concat(), similar),
            ("others", other.clone(), None),
            ("others, longer", [other.clone(), other].concat(), None),
            ("backwards", backwards, None),
            ("noise", noise(1, 0.02, meeting.len()), None),
            ("silence", vec![0.0; meeting.len()], None),
            ("too short", part(10.0, 13.0), None),
            ("nothing", vec![], None),
        ] {
            let print = print_of(&samples);
            let similarity = meeting_print.similarity(&print);
            let back = print.similarity(&meeting_print);
            assert!((similarity - back).abs() < 1e-12, "{what}: {similarity} one way and {back} the other");
            let found = Likeness::of(similarity);
            assert_eq!(found.is_some(), expected.is_some(), "{what}: {similarity}");
            assert!(similarity >= least(expected), "{what}: {similarity}");
            let landmarks = print.landmarks();
            let n_shared = meeting_landmarks.iter().filter(|mark| landmarks.contains(mark)).count();
            assert_eq!(n_shared >= 10, expected.is_some(), "{what}: {n_shared} landmarks");
            if expected.is_some() {
                let slow = slow_similarity(&meeting_print, &print);
                assert!((similarity - slow).abs() < 1e-9, "{what}: {similarity} instead of {slow}");
            }
        }
        // What is the same everywhere says nothing.
        let n_samples = 60 * 16_000;
        for (one, other) in [
            (noise(1, 0.02, n_samples), noise(2, 0.02, n_samples)),
            ((0..n_samples).map(hum).collect(), (0..n_samples / 2).map(hum).collect()),
            (vec![0.0; n_samples], vec![0.0; n_samples]),
        ] {
            let similarity = print_of(&one).similarity(&print_of(&other));
            assert_eq!(Likeness::of(similarity), None, "{similarity}");
        }
    }

    #[test]
    fn the_fingerprint_does_not_depend_on_how_it_was_read_and_can_be_stopped() {
        let samples = noise(5, 0.1, 3 * SAMPLES_AT_ONCE + 17);
        let print = print_of(&samples);
        // Eight a second, but for what a single one looks at.
        assert!((50..110).contains(&print.items().len()), "{}", print.items().len());
        assert_eq!(Fingerprint::from_items(print.items().to_vec()), print);
        assert_eq!(print_of(&samples), print);
        let cancel = CancelToken::default();
        cancel.cancel();
        assert!(Fingerprint::of(&Mono16k::from_samples(samples), &cancel).is_err());
    }

    #[test]
    fn a_part_of_a_long_recording_shares_landmarks_with_it() {
        let mut state = 11_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state
        };
        let long = Fingerprint((0..58_000).map(|_| next()).collect());
        let part = Fingerprint(long.0[20_000..25_000].to_vec());
        let (of_long, of_part) = (long.landmarks(), part.landmarks());
        assert_eq!((of_long.len(), of_part.len()), (58_000 / ITEMS_PER_LANDMARK, MIN_LANDMARKS));
        let n_shared = of_part.iter().filter(|mark| of_long.contains(mark)).count();
        assert!(n_shared >= 20, "{n_shared}");
        assert!((long.similarity(&part) - 1.0).abs() < 1e-12);
    }
}
