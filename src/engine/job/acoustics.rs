//! What the recording of a job sounds like: how loud and how noisy it is, and the fingerprint by which another copy of it
//! is recognised. It is known from the store, or measured while the samples are at hand: nobody decodes a recording or
//! runs a model for this. The transcript does not depend on it.

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::audio::features::Features;
use crate::audio::fingerprint::Fingerprint;
use crate::engine::event::Acoustics;
use crate::hash::ResultKey;
use crate::pipeline::speech::{SpeechThresholds, speech_regions, speech_scores};
use crate::results::Layer;
use crate::units::{Seconds, TimeSpan};

use super::Job;

impl Job<'_> {
    /// What the recording sounds like, as far as it is known or can be measured now.
    ///
    /// Both are measured over the whole recording, side by side in two threads. For a second of sound, that takes the
    /// filters of the loudness for 16,000 samples; and bringing them to another rate and eight Fourier transforms for the
    /// fingerprint. Its time is in that of the job, and in none of the stages.
    pub(super) fn acoustics(&self) -> Acoustics {
        let (features_key, fingerprint_key) = (self.keys.features(), self.keys.fingerprint());
        let features: Option<Features> = self.results.get(Layer::Audio, &features_key);
        let fingerprint: Option<Fingerprint> = self.results.get(Layer::Audio, &fingerprint_key);
        let Some(samples) = self.sound.decoded() else { return Acoustics { features, fingerprint } };
        let cancel = self.tools.context.cancel();
        let speech = if features.is_none() { self.speech() } else { None };
        let is_print_missing = fingerprint.is_none();
        let (measured, printed) = rayon::join(
            || speech.map(|speech| timed(|| Features::of(samples, &speech, cancel))),
            || is_print_missing.then(|| timed(|| Fingerprint::of(samples, cancel))),
        );
        Acoustics {
            features: features.or_else(|| self.kept(&features_key, measured?)),
            fingerprint: fingerprint.or_else(|| self.kept(&fingerprint_key, printed?)),
        }
    }

    /// Where somebody speaks, if that was looked at in this job: uncut, so that it does not depend on the speech model.
    fn speech(&self) -> Option<Vec<TimeSpan>> {
        let activity = self.activity.get()?;
        let uncut = SpeechThresholds { max_region: None, ..SpeechThresholds::for_chunks_of(Seconds::default()) };
        Some(speech_regions(&speech_scores(activity), &uncut))
    }

    /// Stores what was measured. Where it could not be, the job is none the worse.
    fn kept<T: Serialize>(&self, key: &ResultKey, (measured, cost): (io::Result<T>, Duration)) -> Option<T> {
        match measured {
            Ok(measured) => {
                self.results.put(Layer::Audio, key, &measured, cost);
                Some(measured)
            }
            Err(error) => {
                if !self.tools.context.cancel().is_cancelled() {
                    let reason = "the decoded audio cannot be read back from the temporary folder";
                    self.tools.context.warn(format!("What the recording sounds like is not known: {reason}: {error}."));
                }
                None
            }
        }
    }
}

fn timed<T>(measure: impl FnOnce() -> T) -> (T, Duration) {
    let since = Instant::now();
    (measure(), since.elapsed())
}
