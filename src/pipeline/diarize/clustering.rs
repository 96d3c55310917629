//! Voices become speakers of the recording: which of a window's speakers is who.
//!
//! After pyannote.audio 4.0.7 (`BaseClustering`, `AgglomerativeClustering`, `VBxClustering`). Clusters are made of
//! those voices that were heard alone for long enough; then every voice goes to the cluster with the most similar mean.
//!
//! # Long recordings
//! The tree of all merges takes time and memory by the square of the number of voices. Beyond 4,500 (some 55 minutes of
//! a meeting) only that many, evenly spaced, make the clusters, and sizes are scaled likewise: windows overlap by nine
//! tenths, so that up to eight hours every moment is still heard. The other voices are assigned like the short ones.

use crate::assignment::maximise;
use crate::nn::plda::Plda;
use crate::nn::vectors::{add_scaled, cosines, dot, means, unit_rows};
use crate::pipeline::segmentation::Activity;

use super::DiarizeError;
use super::dendrogram::Dendrogram;
use super::embed::Embeddings;
use super::kmeans::kmeans;
use super::options::{Bounds, Clustering, SpeakerCount};
use super::vbx::vbx;

/// The matrix of distances then has 40 MB, and takes a quarter of a second.
const MAX_CLUSTERED: usize = 4500;
/// Share of a window in which somebody must speak alone for their voice to make clusters.
const MIN_ALONE: f64 = 0.2;
/// Clusters need not be larger than this share of the voices.
const MAX_MIN_SHARE: f64 = 0.1;
/// A speaker of [`vbx`] with a smaller share is nobody.
const MIN_VBX_SHARE: f64 = 1e-7;

/// Whose voice is whose.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// How many there are, at least one.
    pub n_clusters: usize,
    /// The mean voice of each, `[clusters, dimension]`; not numbers where none was clear enough.
    pub centroids: Vec<f32>,
    /// How similar each voice is to each mean, 0 to 2, `[windows, speakers, clusters]`.
    pub likeness: Vec<f64>,
    /// The cluster of each voice, `[windows, speakers]`; of those who do not speak as well, where it means nothing.
    pub speakers: Vec<Option<usize>>,
}

/// Finds out which of the windows' speakers are the same person. `tree` is that of the clear voices, as an earlier call
/// for the same voices left it; where it is not known it is made when it is needed, which takes most of the time.
pub fn cluster(
    activity: &Activity,
    embeddings: &Embeddings,
    clustering: Clustering,
    count: SpeakerCount,
    plda: Option<&Plda>,
    tree: &mut Option<Dendrogram>,
) -> Result<Clusters, DiarizeError> {
    let bounds = count.bounds()?;
    let clear = clear_voices(activity, embeddings);
    let training = Training::new(embeddings, &clear);
    match clustering {
        Clustering::Agglomerative { threshold, min_cluster_size } => {
            let min_cluster_size = (min_cluster_size as f64 * training.share).round() as usize;
            Ok(agglomerative(embeddings, &training, threshold, min_cluster_size, bounds, tree))
        }
        Clustering::Vbx { threshold, fa, fb } => {
            let plda = plda.ok_or(DiarizeError::NoPlda)?;
            if plda.dimension() != embeddings.dimension {
                let (expected, found) = (plda.dimension(), embeddings.dimension);
                return Err(DiarizeError::PldaDimension { expected, found });
            }
            let mixed = Mixed { threshold, fa, fb, plda };
            Ok(mixed.cluster(activity, embeddings, &training, bounds, tree))
        }
    }
}

/// The voices that make clusters, as places in `[windows, speakers]`: those that were taken, of speakers who speak
/// alone for long enough.
pub fn clear_voices(activity: &Activity, embeddings: &Embeddings) -> Vec<usize> {
    let n_speakers = activity.n_speakers;
    let min_frames = MIN_ALONE * activity.windows.n_frames as f64;
    let mut clear = Vec::new();
    for window in 0..activity.windows.n_windows {
        let mut n_alone = [0_usize; u8::BITS as usize];
        for mask in activity.window(window) {
            if mask.is_power_of_two() {
                n_alone[mask.trailing_zeros() as usize] += 1;
            }
        }
        for (speaker, n_alone) in n_alone.into_iter().enumerate().take(n_speakers) {
            let place = window * n_speakers + speaker;
            let voice = &embeddings.values[place * embeddings.dimension..][..embeddings.dimension];
            let length = dot(voice, voice).sqrt() as f32;
            if n_alone as f64 >= min_frames && length.is_finite() && length > 0.0 {
                clear.push(place);
            }
        }
    }
    clear
}

/// The most similar cluster for each voice by itself; the first one for those that are not numbers.
///
/// # Shapes
/// `likeness` `[voices, clusters]`.
pub fn most_similar(likeness: &[f64], n_clusters: usize) -> Vec<Option<usize>> {
    let first_highest = |row: &[f64]| {
        let mut best = 0;
        for (cluster, value) in row.iter().enumerate() {
            if *value > row[best] {
                best = cluster;
            }
        }
        Some(best)
    };
    likeness.chunks_exact(n_clusters).map(first_highest).collect()
}

/// The most similar clusters for the voices of each window together, no two of them in the same; `None` for those for
/// whom there are not enough.
///
/// # Shapes
/// `likeness` `[windows, speakers, clusters]`.
pub fn most_similar_apart(likeness: &[f64], n_speakers: usize, n_clusters: usize) -> Vec<Option<usize>> {
    let lowest = lowest_number(likeness);
    let numbers: Vec<f64> = likeness.iter().map(|value| if value.is_nan() { lowest } else { *value }).collect();
    numbers.chunks_exact(n_speakers * n_clusters).flat_map(|window| maximise(window, n_clusters)).collect()
}

/// The voices that make clusters.
struct Training {
    /// `[voices, dimension]`
    rows: Vec<f32>,
    dimension: usize,
    /// The share that they are of all clear voices.
    share: f64,
}

impl Training {
    fn new(embeddings: &Embeddings, clear: &[usize]) -> Self {
        let dimension = embeddings.dimension;
        let n_rows = clear.len().min(MAX_CLUSTERED);
        let rows = (0..n_rows).flat_map(|n| {
            let place = clear[n * clear.len() / n_rows];
            embeddings.values[place * dimension..][..dimension].iter().copied()
        });
        Self { rows: rows.collect(), dimension, share: n_rows as f64 / clear.len().max(1) as f64 }
    }

    fn n_rows(&self) -> usize {
        self.rows.len() / self.dimension
    }

    /// These voices with a length of 1.
    fn units(&self) -> Vec<f32> {
        unit_rows(&self.rows, self.dimension)
    }

    /// The tree of these voices, given them with a length of 1.
    fn tree<'a>(&self, units: &[f32], known: &'a mut Option<Dendrogram>) -> &'a Dendrogram {
        *known = known.take().filter(|tree| tree.n_rows == self.n_rows());
        known.get_or_insert_with(|| Dendrogram::by_centroids(units, self.dimension))
    }

    /// The means of clusters of these voices.
    fn centroids(&self, clusters: &[usize], n_clusters: usize) -> Vec<f32> {
        means(&self.rows, self.dimension, clusters, n_clusters).into_iter().map(|value| value as f32).collect()
    }

    /// Everybody is the same person.
    fn as_one(&self, embeddings: &Embeddings) -> Clusters {
        let n_voices = embeddings.values.len() / self.dimension;
        Clusters {
            n_clusters: 1,
            centroids: self.centroids(&vec![0; self.n_rows()], 1),
            likeness: vec![1.0; n_voices],
            speakers: vec![Some(0); n_voices],
        }
    }
}

/// How similar all voices are to some means: 1 and the cosine.
fn likeness(embeddings: &Embeddings, centroids: &[f32]) -> Vec<f64> {
    let mut likeness = cosines(&embeddings.values, centroids, embeddings.dimension);
    for value in &mut likeness {
        *value += 1.0;
    }
    likeness
}

fn agglomerative(
    embeddings: &Embeddings,
    training: &Training,
    threshold: f64,
    min_cluster_size: usize,
    bounds: Bounds,
    tree: &mut Option<Dendrogram>,
) -> Clusters {
    let n_rows = training.n_rows();
    let bounds = Bounds { min: bounds.min.min(n_rows).max(1), max: bounds.max.min(n_rows).max(1) };
    if bounds.max < 2 {
        return training.as_one(embeddings);
    }
    let highest_min_size = (MAX_MIN_SHARE * n_rows as f64).round_ties_even().max(1.0) as usize;
    let units = training.units();
    let cut = Cut {
        dendrogram: training.tree(&units, tree),
        units: &units,
        dimension: training.dimension,
        min_cluster_size: min_cluster_size.min(highest_min_size),
    };
    let clusters = cut.clusters(threshold, bounds);
    let n_clusters = clusters.iter().max().map_or(0, |highest| highest + 1);
    let centroids = training.centroids(&clusters, n_clusters);
    let likeness = likeness(embeddings, &centroids);
    let speakers = most_similar(&likeness, n_clusters);
    Clusters { n_clusters, centroids, likeness, speakers }
}

/// A tree of merges, and what it is cut for.
struct Cut<'a> {
    dendrogram: &'a Dendrogram,
    /// Voices as vectors of length 1, whose Euclidean distances order them like their cosines.
    units: &'a [f32],
    dimension: usize,
    /// Smaller clusters are joined to the nearest that is not.
    min_cluster_size: usize,
}

impl Cut<'_> {
    /// The cluster of each voice, numbered without gaps.
    fn clusters(&self, threshold: f64, bounds: Bounds) -> Vec<usize> {
        let dendrogram = self.dendrogram;
        let clusters = dendrogram.within(threshold);
        let n_large = self.large(&clusters).len();
        let wanted = n_large.clamp(bounds.min, bounds.max);
        if n_large == wanted {
            return self.without_small(clusters);
        }
        self.without_small(dendrogram.after(self.cut_for(wanted, threshold)))
    }

    /// The clusters that are large enough, ascending.
    fn large(&self, clusters: &[usize]) -> Vec<usize> {
        let mut sizes = vec![0_usize; clusters.iter().max().map_or(0, |highest| highest + 1)];
        for cluster in clusters {
            sizes[*cluster] += 1;
        }
        (0..sizes.len()).filter(|cluster| sizes[*cluster] >= self.min_cluster_size).collect()
    }

    /// After how many merges there are `wanted` large clusters, or as near to that as can be. Of several such points,
    /// the one whose merge is nearest to the threshold.
    fn cut_for(&self, wanted: usize, threshold: f64) -> usize {
        let dendrogram = self.dendrogram;
        let is_large = |n_rows: usize| usize::from(n_rows >= self.min_cluster_size);
        let n_rows_in = |cluster: usize| match cluster.checked_sub(dendrogram.n_rows) {
            Some(merge) => dendrogram.merges[merge].n_rows,
            None => 1,
        };
        let mut n_large = dendrogram.n_rows * is_large(1);
        let n_large_after: Vec<usize> = dendrogram
            .merges
            .iter()
            .map(|merge| {
                let [one, two] = merge.clusters.map(|cluster| is_large(n_rows_in(cluster)));
                n_large = n_large + is_large(merge.n_rows) - one - two;
                n_large
            })
            .collect();
        let mut order: Vec<usize> = (0..dendrogram.merges.len()).collect();
        let distance = |merge: usize| (dendrogram.merges[merge].height - threshold).abs();
        order.sort_by(|a, b| distance(*a).total_cmp(&distance(*b)));
        // Everything in one, unless something else is nearer.
        let (mut n_merges, mut n_found) = (dendrogram.merges.len(), 1_usize);
        for merge in order {
            // A merge that makes no large cluster cannot have changed their number.
            if is_large(dendrogram.merges[merge].n_rows) == 0 {
                continue;
            }
            if n_large_after[merge] == wanted {
                return merge + 1;
            }
            if n_large_after[merge].abs_diff(wanted) < n_found.abs_diff(wanted) {
                (n_merges, n_found) = (merge + 1, n_large_after[merge]);
            }
        }
        n_merges
    }

    /// Joins small clusters to the nearest large one.
    fn without_small(&self, clusters: Vec<usize>) -> Vec<usize> {
        let large = self.large(&clusters);
        if large.is_empty() {
            return vec![0; clusters.len()];
        }
        let n_clusters = clusters.iter().max().map_or(0, |highest| highest + 1);
        let all = means(self.units, self.dimension, &clusters, n_clusters);
        let large_means: Vec<f64> = large
            .iter()
            .flat_map(|cluster| all[cluster * self.dimension..][..self.dimension].iter().copied())
            .collect();
        let lengths: Vec<f64> = large_means.chunks_exact(self.dimension).map(|mean| dot(mean, mean).sqrt()).collect();
        let joined: Vec<usize> = all
            .chunks_exact(self.dimension)
            .enumerate()
            .map(|(cluster, mean)| {
                large.binary_search(&cluster).unwrap_or_else(|_| {
                    let others = large_means.chunks_exact(self.dimension).zip(&lengths);
                    let mut nearest = (f64::NEG_INFINITY, 0);
                    for (n, (other, length)) in others.enumerate() {
                        let closeness = dot(mean, other) / length;
                        if closeness > nearest.0 {
                            nearest = (closeness, n);
                        }
                    }
                    nearest.1
                })
            })
            .collect();
        clusters.into_iter().map(|cluster| joined[cluster]).collect()
    }
}

/// Clustering by [`vbx`], and what it needs.
struct Mixed<'a> {
    threshold: f64,
    fa: f64,
    fb: f64,
    plda: &'a Plda,
}

impl Mixed<'_> {
    fn cluster(
        &self,
        activity: &Activity,
        embeddings: &Embeddings,
        training: &Training,
        bounds: Bounds,
        tree: &mut Option<Dendrogram>,
    ) -> Clusters {
        let (n_rows, dimension) = (training.n_rows(), training.dimension);
        if n_rows < 2 {
            return training.as_one(embeddings);
        }
        let units = training.units();
        let first = training.tree(&units, tree).within(self.threshold);
        let mixture = vbx(&self.plda.features(&training.rows), self.plda.variances(), &first, self.fa, self.fb);
        let kept: Vec<usize> =
            (0..mixture.n_speakers).filter(|speaker| mixture.shares[*speaker] > MIN_VBX_SHARE).collect();

        let wanted = kept.len().clamp(bounds.min, bounds.max);
        if wanted != kept.len() {
            let found = kmeans(&units, dimension, wanted.min(n_rows));
            let n_clusters = found.iter().max().map_or(0, |highest| highest + 1);
            let centroids = training.centroids(&found, n_clusters);
            let likeness = likeness(embeddings, &centroids);
            // To keep the speakers of a window apart could bring back clusters that the number forbids.
            let speakers = most_similar(&likeness, n_clusters);
            return Clusters { n_clusters, centroids, likeness, speakers };
        }
        let mut centroids = Vec::with_capacity(kept.len() * dimension);
        for speaker in &kept {
            let weights = mixture.responsibilities.iter().skip(*speaker).step_by(mixture.n_speakers);
            let (mut sum, mut total) = (vec![0.0; dimension], 0.0);
            for (weight, row) in weights.zip(training.rows.chunks_exact(dimension)) {
                add_scaled(&mut sum, *weight, row);
                total += weight;
            }
            centroids.extend(sum.into_iter().map(|value| (value / total) as f32));
        }
        let n_clusters = kept.len();
        let mut likeness = likeness(embeddings, &centroids);
        // Who does not speak leaves the clusters to those who do.
        let nobody = lowest_number(&likeness) - 1.0;
        for (row, speaks) in likeness.chunks_exact_mut(n_clusters).zip(who_speaks(activity)) {
            if !speaks {
                row.fill(nobody);
            }
        }
        let speakers = most_similar_apart(&likeness, activity.n_speakers, n_clusters);
        Clusters { n_clusters, centroids, likeness, speakers }
    }
}

/// Whether a window's speaker ever speaks in it, `[windows, speakers]`.
pub(super) fn who_speaks(activity: &Activity) -> Vec<bool> {
    (0..activity.windows.n_windows)
        .flat_map(|window| {
            let anybody = activity.window(window).iter().fold(0, |all, mask| all | mask);
            (0..activity.n_speakers).map(move |speaker| (anybody >> speaker) & 1 == 1)
        })
        .collect()
}

/// The lowest of the values that are numbers; 0 if there are none.
fn lowest_number(values: &[f64]) -> f64 {
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    if lowest.is_finite() { lowest } else { 0.0 }
}
