//! Sums over plain rows of numbers, in `f64`. Results do not depend on the instructions of the machine: what is summed
//! in which order is fixed.

use rayon::prelude::*;

/// Partial sums that the compiler keeps in vector registers.
const LANES: usize = 8;

/// The sum of the products.
pub fn dot<A, B>(a: &[A], b: &[B]) -> f64
where
    A: Copy + Into<f64>,
    B: Copy + Into<f64>,
{
    let product = |a: &A, b: &B| -> f64 {
        let (a, b): (f64, f64) = ((*a).into(), (*b).into());
        a * b
    };
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += product(a, b);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| product(a, b)).sum();
    sums.iter().sum::<f64>() + rest
}

/// `sums += scale * row`
pub fn add_scaled<T: Copy + Into<f64>>(sums: &mut [f64], scale: f64, row: &[T]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        let value: f64 = (*value).into();
        *sum += scale * value;
    }
}

/// The square of the distance between two points.
pub fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Each row divided by its length.
///
/// # Shapes
/// `rows` and the result: `[rows, dimension]`.
pub fn unit_rows(rows: &[f32], dimension: usize) -> Vec<f32> {
    let mut units = rows.to_vec();
    for row in units.chunks_exact_mut(dimension) {
        let length = dot(row, row).sqrt() as f32;
        for value in row {
            *value /= length;
        }
    }
    units
}

/// The mean of the rows of each cluster.
///
/// # Shapes
/// `rows` `[rows, dimension]`, `clusters` `[rows]`; returns `[clusters, dimension]`, not numbers where a cluster is
/// empty.
pub fn means(rows: &[f32], dimension: usize, clusters: &[usize], n_clusters: usize) -> Vec<f64> {
    let mut sums = vec![0.0; n_clusters * dimension];
    let mut sizes = vec![0_usize; n_clusters];
    for (row, cluster) in rows.chunks_exact(dimension).zip(clusters) {
        add_scaled(&mut sums[cluster * dimension..][..dimension], 1.0, row);
        sizes[*cluster] += 1;
    }
    for (sum, size) in sums.chunks_exact_mut(dimension).zip(sizes) {
        for value in sum {
            *value /= size as f64;
        }
    }
    sums
}

/// The cosine of each row with each centroid; not a number where one of them is not, or has no length.
///
/// # Shapes
/// `rows` `[rows, dimension]`, `centroids` `[clusters, dimension]`; returns `[rows, clusters]`.
pub fn cosines<C>(rows: &[f32], centroids: &[C], dimension: usize) -> Vec<f64>
where
    C: Copy + Into<f64> + Sync,
{
    let n_clusters = centroids.len() / dimension;
    let lengths: Vec<f64> = centroids.chunks_exact(dimension).map(|centroid| dot(centroid, centroid).sqrt()).collect();
    let mut cosines = vec![0.0; rows.len() / dimension * n_clusters];
    cosines.par_chunks_exact_mut(n_clusters.max(1)).zip(rows.par_chunks_exact(dimension)).for_each(|(cosines, row)| {
        let length = dot(row, row).sqrt();
        let others = centroids.chunks_exact(dimension).zip(&lengths);
        for (cosine, (centroid, other_length)) in cosines.iter_mut().zip(others) {
            *cosine = dot(row, centroid) / (length * other_length);
        }
    });
    cosines
}
