//! k-means: rows become a given number of clusters around their means.
//!
//! As scikit-learn's `KMeans` with three starts, each by greedy k-means++ (Arthur & Vassilvitskii, 2007) and refined by
//! Lloyd's algorithm; the random numbers are our own, so that only the resulting partition can be compared.

use rayon::prelude::*;

use crate::nn::random::SplitMix64;

use crate::nn::vectors::{means, squared_distance};

/// Of this many attempts the tightest clusters are taken.
const N_STARTS: usize = 3;
const MAX_ITERATIONS: usize = 300;
const SEED: u64 = 42;

/// The cluster of each row. There are fewer than `n_clusters` only where fewer rows differ.
///
/// # Shapes
/// `rows` `[rows, dimension]`; returns `[rows]`, numbers from 0 without gaps.
pub(super) fn kmeans(rows: &[f32], dimension: usize, n_clusters: usize) -> Vec<usize> {
    let mut random = SplitMix64::new(SEED);
    let points = Points { values: rows.iter().copied().map(f64::from).collect(), dimension };
    let mut best: Option<(f64, Vec<usize>)> = None;
    for _ in 0..N_STARTS {
        let centres = points.spread(n_clusters, &mut random);
        let (spread, clusters) = points.refine(rows, centres);
        if best.as_ref().is_none_or(|(lowest, _)| spread < *lowest) {
            best = Some((spread, clusters));
        }
    }
    let mut clusters = best.map(|(_, clusters)| clusters).unwrap_or_default();
    let mut used = clusters.clone();
    used.sort_unstable();
    used.dedup();
    for cluster in &mut clusters {
        let number = *cluster;
        *cluster = used.partition_point(|other| *other < number);
    }
    clusters
}

struct Points {
    values: Vec<f64>,
    dimension: usize,
}

impl Points {
    fn get(&self, n: usize) -> &[f64] {
        &self.values[n * self.dimension..][..self.dimension]
    }

    fn len(&self) -> usize {
        self.values.len() / self.dimension
    }

    fn squared_distances_to(&self, centre: &[f64]) -> Vec<f64> {
        self.values.par_chunks_exact(self.dimension).map(|point| squared_distance(point, centre)).collect()
    }

    /// Centres far from each other, `[n_clusters, dimension]`: each is the best of a few points, drawn the likelier the
    /// farther they are from the centres so far.
    fn spread(&self, n_clusters: usize, random: &mut SplitMix64) -> Vec<f64> {
        let n_trials = 2 + (n_clusters as f64).ln() as usize;
        let first = (random.next_unit() * self.len() as f64) as usize;
        let mut centres = self.get(first).to_vec();
        let mut nearest = self.squared_distances_to(&centres);
        for _ in 1..n_clusters {
            let mut best: Option<(f64, usize, Vec<f64>)> = None;
            for _ in 0..n_trials {
                let drawn = draw(&nearest, random.next_unit());
                let mut distances = self.squared_distances_to(self.get(drawn));
                for (distance, nearest) in distances.iter_mut().zip(&nearest) {
                    *distance = nearest.min(*distance);
                }
                let total: f64 = distances.iter().sum();
                if best.as_ref().is_none_or(|(lowest, ..)| total < *lowest) {
                    best = Some((total, drawn, distances));
                }
            }
            if let Some((_, drawn, distances)) = best {
                centres.extend_from_slice(self.get(drawn));
                nearest = distances;
            }
        }
        centres
    }

    /// Moves each centre to the mean of the points that are nearest to it, until they stay the same points. Returns the
    /// sum of the squared distances, and the centre of each point.
    fn refine(&self, rows: &[f32], mut centres: Vec<f64>) -> (f64, Vec<usize>) {
        let n_clusters = centres.len() / self.dimension;
        let mut nearest = self.nearest(&centres);
        for _ in 0..MAX_ITERATIONS {
            let mut clusters: Vec<usize> = nearest.iter().map(|(_, cluster)| *cluster).collect();
            self.fill_empty(&nearest, &mut clusters, n_clusters);
            centres = means(rows, self.dimension, &clusters, n_clusters);
            let moved = self.nearest(&centres);
            let is_same = moved.iter().zip(&clusters).all(|((_, moved), cluster)| moved == cluster);
            nearest = moved;
            if is_same {
                break;
            }
        }
        (nearest.iter().map(|(distance, _)| distance).sum(), nearest.into_iter().map(|(_, cluster)| cluster).collect())
    }

    /// The nearest centre of each point and the square of its distance; centres that are not numbers are near to none.
    fn nearest(&self, centres: &[f64]) -> Vec<(f64, usize)> {
        let nearest = |point: &[f64]| {
            let mut best = (f64::INFINITY, 0);
            for (cluster, centre) in centres.chunks_exact(self.dimension).enumerate() {
                let distance = squared_distance(point, centre);
                if distance < best.0 {
                    best = (distance, cluster);
                }
            }
            best
        };
        self.values.par_chunks_exact(self.dimension).map(nearest).collect()
    }

    /// Gives clusters without points those that are farthest from their centres.
    fn fill_empty(&self, nearest: &[(f64, usize)], clusters: &mut [usize], n_clusters: usize) {
        let mut sizes = vec![0_usize; n_clusters];
        for cluster in &*clusters {
            sizes[*cluster] += 1;
        }
        if sizes.iter().all(|size| *size > 0) {
            return;
        }
        let mut farthest: Vec<usize> = (0..self.len()).collect();
        farthest.sort_by(|a, b| nearest[*b].0.total_cmp(&nearest[*a].0));
        let mut farthest = farthest.into_iter();
        for empty in 0..n_clusters {
            if sizes[empty] > 0 {
                continue;
            }
            // One that is not the last of its cluster.
            if let Some(point) = farthest.find(|point| sizes[clusters[*point]] > 1) {
                sizes[clusters[point]] -= 1;
                clusters[point] = empty;
                sizes[empty] = 1;
            }
        }
    }
}

/// A place drawn with a probability that is proportional to its weight, at `unit` of the sum of all.
fn draw(weights: &[f64], unit: f64) -> usize {
    let mut left = unit * weights.iter().sum::<f64>();
    for (place, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return place;
        }
    }
    // All of them are zero, or rounding left something over.
    weights.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_that_are_together_stay_together() {
        let near = |x: f32, y: f32| [[x, y], [x + 0.1, y], [x, y + 0.1]].concat();
        for (rows, n_clusters, expected) in [
            ([near(0.0, 0.0), near(5.0, 0.0), near(0.0, 7.0)].concat(), 3, vec![3, 3, 3]),
            ([near(0.0, 0.0), near(1.0, 0.0), near(0.0, 70.0)].concat(), 2, vec![3, 6]),
            (near(0.0, 0.0), 1, vec![3]),
            // Fewer different points than clusters.
            (vec![1.0; 8], 3, vec![4]),
        ] {
            let clusters = kmeans(&rows, 2, n_clusters);
            let mut sizes: Vec<usize> =
                (0..n_clusters).map(|n| clusters.iter().filter(|cluster| **cluster == n).count()).collect();
            sizes.retain(|size| *size > 0);
            sizes.sort_unstable();
            assert_eq!(sizes, expected, "{rows:?}: {clusters:?}");
        }
    }
}
