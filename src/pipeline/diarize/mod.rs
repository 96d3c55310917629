//! Who speaks when: what a segmentation network says of single windows, and the voices that were taken of their
//! speakers, become turns in the recording.
//!
//! After pyannote.audio 4.0.7 (`SpeakerDiarization`), with the clustering of speaker-diarization-3.1 and that of
//! speaker-diarization-community-1. Voices are taken in [`embed`]; all that comes after is fast, so that another number
//! of speakers or another threshold takes the same voices and [`cluster_and_reconstruct`] once more. Names are found
//! elsewhere.
//!
//! ```text
//! Activity ──embed──▶ Embeddings ──clustering──▶ Clusters ──reconstruct──▶ turns
//!     └────────────────────────────────────────────────────────────┘
//! ```

pub mod clustering;
pub mod dendrogram;
pub mod embed;
mod kmeans;
mod linkage;
pub mod options;
pub mod reconstruct;
pub mod vbx;

use serde::{Deserialize, Serialize};

use crate::nn::plda::Plda;
use crate::transcript::Turn;

use super::segmentation::Activity;
use clustering::{Clusters, cluster, who_speaks};
use dendrogram::Dendrogram;
use embed::Embeddings;
use reconstruct::{Region, Regions, for_each_frame, speaker_counts};

pub use options::{Clustering, DiarizeOptions, DiarizeOptionsError, Overlap, SpeakerCount};

/// Who speaks when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diarization {
    /// The turns of all speakers, by start; they overlap where two speak at once.
    pub turns: Vec<Turn>,
    /// The same where only the main speaker of each moment counts. They overlap only where a silence was filled, see
    /// [`DiarizeOptions::min_duration_off`].
    pub exclusive: Vec<Turn>,
    /// Who has turns, in the order of their labels.
    pub speakers: Vec<DiarizedSpeaker>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// One of those who speak.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiarizedSpeaker {
    /// `SPEAKER_00`, `SPEAKER_01`, …
    pub label: String,
    /// Their mean voice; empty where none was clear enough.
    pub embedding: Vec<f32>,
}

/// Speakers cannot be told apart as asked.
#[derive(Debug, thiserror::Error)]
pub enum DiarizeError {
    /// No number is both.
    #[error("at least {min} and at most {max} speakers were asked for; give a minimum that is not above the maximum")]
    SpeakerCount {
        /// The least,
        min: usize,
        /// and the most.
        max: usize,
    },
    /// The clustering of community-1 needs a part that is not there.
    #[error("this diarization pipeline needs plda/plda.npz and plda/xvec_transform.npz; install the model again")]
    NoPlda,
    /// Parts of different pipelines.
    #[error(
        "the PLDA of this diarization pipeline is for voices of {expected} numbers; its embedding model gives {found}"
    )]
    PldaDimension {
        /// What the PLDA was made for.
        expected: usize,
        /// What the embedding model gives.
        found: usize,
    },
}

/// Finds out who of the windows' speakers is the same person, and when each of them speaks. `plda` is only needed for
/// [`Clustering::Vbx`]; `tree` is what [`clustering::cluster`] knows from before and leaves for the next time.
pub fn cluster_and_reconstruct(
    activity: &Activity,
    embeddings: &Embeddings,
    options: &DiarizeOptions,
    count: &SpeakerCount,
    plda: Option<&Plda>,
    tree: &mut Option<Dendrogram>,
) -> Result<Diarization, DiarizeError> {
    let bounds = count.bounds()?;
    let counts = speaker_counts(activity);
    if counts.iter().all(|count| *count == 0) {
        return Ok(Diarization::default());
    }
    let Clusters { n_clusters, centroids, mut speakers, .. } =
        cluster(activity, embeddings, options.clustering, *count, plda, tree)?;
    for (cluster, speaks) in speakers.iter_mut().zip(who_speaks(activity)) {
        *cluster = cluster.filter(|_| speaks);
    }
    let (mut all, mut exclusive) = (Regions::default(), Regions::default());
    for_each_frame(activity, &speakers, &counts, bounds.max, |_, active| {
        all.push(active);
        exclusive.push(&active[..active.len().min(1)]);
    });
    let all = all.finish(&activity.windows, options.min_duration_off);
    let exclusive = exclusive.finish(&activity.windows, options.min_duration_off);

    let labels = Labels::of(&all);
    let n_found = labels.clusters.len();
    let mut warnings = Vec::new();
    if n_found < bounds.min || n_found > bounds.max {
        let asked = match (bounds.min, bounds.max) {
            (min, max) if min == max => min.to_string(),
            (min, usize::MAX) => format!("at least {min}"),
            (min, max) => format!("{min} to {max}"),
        };
        warnings.push(format!("{asked} speakers were asked for, but {n_found} were heard"));
    }
    let voice = |cluster: &usize| {
        let centroid = centroids.chunks_exact(embeddings.dimension).take(n_clusters).nth(*cluster).unwrap_or_default();
        if centroid.iter().all(|value| value.is_finite()) { centroid.to_vec() } else { Vec::new() }
    };
    let speaker = |(number, cluster)| DiarizedSpeaker { label: label(number), embedding: voice(cluster) };
    Ok(Diarization {
        turns: labels.turns(&all),
        exclusive: labels.turns(&exclusive),
        speakers: labels.clusters.iter().enumerate().map(speaker).collect(),
        warnings,
    })
}

/// What the clusters with turns are called.
struct Labels {
    /// By number of the label.
    clusters: Vec<usize>,
}

impl Labels {
    fn of(regions: &[Region]) -> Self {
        let mut clusters: Vec<usize> = regions.iter().map(|region| region.cluster).collect();
        clusters.sort_unstable();
        clusters.dedup();
        // pyannote sorts numbers as texts, 10 before 2; so that the same person has the same label there and here, this
        // does so as well.
        clusters.sort_by_cached_key(usize::to_string);
        Self { clusters }
    }

    fn turns(&self, regions: &[Region]) -> Vec<Turn> {
        let turn = |region: &Region| {
            let number = self.clusters.iter().position(|cluster| *cluster == region.cluster)?;
            Some(Turn { span: region.span, speaker: label(number) })
        };
        regions.iter().filter_map(turn).collect()
    }
}

fn label(number: usize) -> String {
    format!("SPEAKER_{number:02}")
}

#[cfg(test)]
mod tests {
    use super::super::segmentation::Windows;
    use super::*;
    use crate::units::Seconds;

    const N_FRAMES: usize = 20;
    const DIMENSION: usize = 32;

    /// Windows that follow each other. In each, two people speak, of whom the second is the first in the next one;
    /// `masks` says who is active in its first and its second half.
    fn meeting(n_windows: usize, n_people: usize, masks: [u8; 2]) -> (Activity, Embeddings) {
        let windows = Windows {
            n_windows,
            window_samples: 160_000,
            step_samples: 160_000,
            n_frames: N_FRAMES,
            frame_step: Seconds(0.5),
            frame_duration: Seconds(0.5),
            n_samples: n_windows * 160_000,
        };
        let masks = masks.map(|mask| [mask; N_FRAMES / 2]).concat().repeat(n_windows);
        let mut values = vec![0.0; n_windows * 2 * DIMENSION];
        for (n, voice) in values.chunks_exact_mut(DIMENSION).enumerate() {
            let person = (n / 2 + n % 2) % n_people;
            voice[person] = 1.0;
            voice[person + 1] = 0.01 * (n % 5) as f32;
        }
        (Activity { windows, n_speakers: 2, masks }, Embeddings { dimension: DIMENSION, values })
    }

    fn exactly(n_speakers: usize) -> SpeakerCount {
        SpeakerCount { exact: Some(n_speakers), ..SpeakerCount::default() }
    }

    #[test]
    fn every_meeting_has_its_speakers() {
        let anybody = SpeakerCount::default();
        // How many speakers there are, of how many a voice is known, and how many warnings.
        for (what, (activity, embeddings), count, expected) in [
            ("silence", meeting(5, 3, [0, 0]), anybody, (0, 0, 0)),
            ("silence of two", meeting(5, 3, [0, 0]), exactly(2), (0, 0, 0)),
            ("one person", meeting(5, 1, [1, 2]), anybody, (1, 1, 0)),
            ("one voice", meeting(1, 1, [1, 0]), anybody, (1, 1, 0)),
            ("three people", meeting(30, 3, [1, 2]), anybody, (3, 3, 0)),
            ("thirty people", meeting(300, 30, [1, 2]), anybody, (30, 30, 0)),
            ("nobody is ever alone", meeting(5, 2, [3, 3]), anybody, (2, 0, 0)),
            ("more than there are voices", meeting(1, 2, [1, 2]), exactly(5), (2, 2, 1)),
        ] {
            let found =
                cluster_and_reconstruct(&activity, &embeddings, &DiarizeOptions::default(), &count, None, &mut None);
            let found = found.expect("a possible number");
            let n_voices = found.speakers.iter().filter(|speaker| !speaker.embedding.is_empty()).count();
            assert_eq!((found.speakers.len(), n_voices, found.warnings.len()), expected, "{what}: {found:?}");
            assert_eq!(found.turns.is_empty(), expected.0 == 0, "{what}");
            for turns in found.exclusive.windows(2) {
                assert!(turns[0].span.end <= turns[1].span.start, "{what}: {turns:?}");
            }
        }
    }

    #[test]
    fn voices_that_could_not_be_taken_are_one_speaker() {
        let (activity, mut embeddings) = meeting(3, 2, [1, 2]);
        embeddings.values.fill(f32::NAN);
        let found =
            cluster_and_reconstruct(&activity, &embeddings, &DiarizeOptions::default(), &exactly(2), None, &mut None);
        let found = found.expect("a possible number");
        assert_eq!((found.speakers.len(), found.warnings.len()), (1, 1), "{found:?}");
        assert!(found.speakers[0].embedding.is_empty());
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let (activity, embeddings) = meeting(3, 2, [1, 2]);
        let with_vbx = DiarizeOptions {
            clustering: Clustering::Vbx { threshold: 0.6, fa: 0.07, fb: 0.8 },
            ..DiarizeOptions::default()
        };
        let error = cluster_and_reconstruct(&activity, &embeddings, &with_vbx, &exactly(2), None, &mut None);
        assert!(matches!(error, Err(DiarizeError::NoPlda)), "{error:?}");
        let count = SpeakerCount { min: Some(3), max: Some(2), ..SpeakerCount::default() };
        let error =
            cluster_and_reconstruct(&activity, &embeddings, &DiarizeOptions::default(), &count, None, &mut None);
        assert!(matches!(error, Err(DiarizeError::SpeakerCount { min: 3, max: 2 })), "{error:?}");
    }
}
