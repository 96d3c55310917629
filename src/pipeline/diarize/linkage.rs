//! Hierarchical clustering with distances between means ("centroid linkage"): rows become a list of merges.
//!
//! After Müllner, "Modern hierarchical, agglomerative clustering algorithms", 2011, section 3.1 (the generic algorithm;
//! the faster chain of nearest neighbours is wrong for centroids, whose distances can shrink). The square of the
//! distance of a cluster `k` from the union of `x` and `y` follows from those from its parts (Lance & Williams, 1967):
//! ```text
//! d²(k, xy) = (n_x d²(k, x) + n_y d²(k, y)) / (n_x + n_y) - n_x n_y d²(x, y) / (n_x + n_y)²
//! ```
//! These are kept in `f32` and only decide which two are next; how far apart they are is then computed from the means.
//!
//! Time is spent waiting for memory, so what is read together lies together: the lower triangle of the matrix is cut
//! into tiles of one cache line, and when a quarter of the clusters is gone, what is left moves together.

use rayon::prelude::*;
use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions};
use rten_tensor::NdTensorView;

use crate::nn::vectors::{add_scaled, dot};

use super::dendrogram::Merge;

/// Rows and columns of a tile.
const TILE: usize = 4;
/// Rows of tiles that are computed by one product of matrices.
const BANDS_PER_PRODUCT: usize = 32;
/// Values that are compared before their lowest is compared with that of the others.
const BLOCK: usize = 256;
/// Values that are compared at once.
const LANES: usize = 16;
/// The farthest of all: what is not there is never the nearest.
const NOWHERE: f32 = f32::INFINITY;

/// The merges of the clusters with the nearest means, until one is left.
///
/// # Shapes
/// `rows` `[rows, dimension]`, finite.
pub(super) fn centroid_linkage(rows: &[f32], dimension: usize) -> Vec<Merge> {
    let n_rows = rows.len() / dimension;
    let mut forest = Forest::of(rows, dimension);
    let mut merges = Vec::with_capacity(n_rows.saturating_sub(1));
    for n in 1..n_rows {
        let (near, far) = forest.nearest_two();
        merges.push(forest.merge(near, far, n_rows + n - 1));
        let n_left = n_rows - n;
        if n_left <= forest.clusters.len() / 4 * 3 && n_left > BLOCK {
            forest.move_together();
        }
    }
    merges
}

/// The clusters that are left, each in a slot.
struct Forest {
    clusters: Vec<Option<Cluster>>,
    distances: Distances,
    /// For each slot, how near the nearest of the slots before it is at least. It may be farther: that is found out
    /// when it matters.
    bounds: Vec<f32>,
    /// The slot before it that was nearest when the bound was exact.
    nearest: Vec<usize>,
    /// Distances of the two clusters of a merge from all others.
    scratch: [Vec<f32>; 2],
}

struct Cluster {
    number: usize,
    n_rows: usize,
    /// Of its rows, `[dimension]`.
    sum: Vec<f64>,
}

impl Forest {
    /// Each row by itself.
    fn of(rows: &[f32], dimension: usize) -> Self {
        let single = |(number, row): (usize, &[f32])| {
            Some(Cluster { number, n_rows: 1, sum: row.iter().copied().map(f64::from).collect() })
        };
        let clusters: Vec<_> = rows.chunks_exact(dimension).enumerate().map(single).collect();
        let distances = Distances::between(rows, dimension);
        let n_slots = distances.n_slots();
        let found: Vec<(usize, f32)> = (0..n_slots)
            .into_par_iter()
            .map_init(|| vec![NOWHERE; n_slots], |scratch, slot| distances.nearest_before(slot, scratch))
            .collect();
        let (nearest, bounds) = found.into_iter().unzip();
        Self { clusters, distances, bounds, nearest, scratch: [vec![NOWHERE; n_slots], vec![NOWHERE; n_slots]] }
    }

    /// The slots of the two clusters that are nearest to each other, the lower one first.
    fn nearest_two(&mut self) -> (usize, usize) {
        loop {
            let (slot, bound) = lowest(&self.bounds);
            let nearest = self.nearest[slot];
            if self.distances.get(slot, nearest) <= bound {
                return (nearest, slot);
            }
            (self.nearest[slot], self.bounds[slot]) = self.distances.nearest_before(slot, &mut self.scratch[0]);
        }
    }

    /// Puts the union of two clusters into the lower one's slot and leaves the other empty.
    fn merge(&mut self, low: usize, high: usize, number: usize) -> Merge {
        let one = self.clusters[low].take().expect("the slots of the nearest two are not empty");
        let two = self.clusters[high].take().expect("the slots of the nearest two are not empty");
        let n_rows = one.n_rows + two.n_rows;
        let (one_size, two_size) = (one.n_rows as f64, two.n_rows as f64);
        let apart = one.sum.iter().zip(&two.sum).map(|(a, b)| a / one_size - b / two_size);
        let height = apart.map(|difference| difference * difference).sum::<f64>().sqrt();
        let clusters = [one.number.min(two.number), one.number.max(two.number)];

        let (one_share, two_share) = (one_size / n_rows as f64, two_size / n_rows as f64);
        let shrinks = (one_share * two_share) as f32 * self.distances.get(high, low);
        let (one_share, two_share) = (one_share as f32, two_share as f32);
        let [from_one, from_two] = &mut self.scratch;
        self.distances.read(low, from_one);
        self.distances.read(high, from_two);
        for (from_one, from_two) in from_one.iter_mut().zip(&*from_two) {
            *from_one = (one_share * *from_one + two_share * from_two - shrinks).max(0.0);
        }
        self.distances.write(low, from_one);
        from_two.fill(NOWHERE);
        self.distances.write(high, from_two);

        (self.nearest[low], self.bounds[low]) = lowest_before(low, from_one);
        self.bounds[high] = NOWHERE;
        let after = low + 1..;
        let others = self.bounds[after.clone()].iter_mut().zip(&mut self.nearest[after.clone()]);
        for ((bound, nearest), distance) in others.zip(&from_one[after]) {
            if *distance < *bound {
                (*bound, *nearest) = (*distance, low);
            }
        }
        let mut sum = one.sum;
        add_scaled(&mut sum, 1.0, &two.sum);
        self.clusters[low] = Some(Cluster { number, n_rows, sum });
        Merge { clusters, height, n_rows }
    }

    /// Renumbers the slots so that none is empty.
    fn move_together(&mut self) {
        let kept: Vec<usize> = (0..self.clusters.len()).filter(|slot| self.clusters[*slot].is_some()).collect();
        self.distances = self.distances.of(&kept);
        let n_slots = self.distances.n_slots();
        // What was nearest may be gone; then any other will do until it is looked for again.
        let mut new_slots = vec![0; self.nearest.len()];
        for (new, old) in kept.iter().enumerate() {
            new_slots[*old] = new;
        }
        self.nearest = kept.iter().map(|old| new_slots[self.nearest[*old]]).collect();
        self.bounds = kept.iter().map(|old| self.bounds[*old]).collect();
        self.nearest.resize(n_slots, 0);
        self.bounds.resize(n_slots, NOWHERE);
        self.clusters.retain(Option::is_some);
        for scratch in &mut self.scratch {
            scratch.truncate(n_slots);
        }
    }
}

/// Squares of the distances between slots, those from empty slots and from themselves being [`NOWHERE`].
struct Distances {
    /// Band `n` has the rows from `4 n` on, as the tiles of the columns up to and with its own.
    bands: Vec<Vec<Tile>>,
}

/// A cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Tile([[f32; TILE]; TILE]);

const EMPTY_TILE: Tile = Tile([[NOWHERE; TILE]; TILE]);

impl Distances {
    /// `|a - b|² = |a|² + |b|² - 2 a·b` for all rows.
    fn between(rows: &[f32], dimension: usize) -> Self {
        let n_rows = rows.len() / dimension;
        let squares: Vec<f32> = rows.chunks_exact(dimension).map(|row| dot(row, row) as f32).collect();
        let n_bands = n_rows.div_ceil(TILE);
        let products = (0..n_bands.div_ceil(BANDS_PER_PRODUCT)).into_par_iter().map(|product| {
            let first = product * BANDS_PER_PRODUCT * TILE;
            let end = n_rows.min(first + BANDS_PER_PRODUCT * TILE);
            let matrix = |from: usize| {
                NdTensorView::from_data([end - from, dimension], &rows[from * dimension..end * dimension])
            };
            let mut dots = vec![0.0; (end - first) * end];
            let (a, b) = (GemmInputA::Unpacked(matrix(first)), GemmInputB::Unpacked(matrix(0).transposed()));
            let gemm: GemmExecutor = GemmExecutor::default();
            gemm.gemm(&mut dots, a, b, GemmOptions::default()).expect("the output has the size of the product");
            let squared_distance = |row: usize, column: usize| {
                if row < end && column < row {
                    (squares[row] + squares[column] - 2.0 * dots[(row - first) * end + column]).max(0.0)
                } else {
                    NOWHERE
                }
            };
            let bands = first / TILE..end.div_ceil(TILE);
            bands.map(|band| Self::band(band, squared_distance)).collect::<Vec<_>>()
        });
        Self { bands: products.collect::<Vec<_>>().into_iter().flatten().collect() }
    }

    /// A band from the distances below the diagonal.
    fn band(band: usize, below_diagonal: impl Fn(usize, usize) -> f32) -> Vec<Tile> {
        let mut tiles = vec![EMPTY_TILE; band + 1];
        for row in 0..TILE {
            for (column, tile) in tiles.iter_mut().enumerate() {
                for (place, value) in tile.0[row].iter_mut().enumerate() {
                    *value = below_diagonal(band * TILE + row, column * TILE + place);
                }
            }
        }
        // The tile on the diagonal has both halves.
        let last = &mut tiles[band].0;
        for row in 1..TILE {
            let (above, below) = last.split_at_mut(row);
            for (above, value) in above.iter_mut().zip(below[0]) {
                above[row] = value;
            }
        }
        tiles
    }

    /// Those between some of the slots, which get the numbers of their places in `kept`.
    fn of(&self, kept: &[usize]) -> Self {
        let n_slots = self.n_slots();
        let bands = (0..kept.len().div_ceil(TILE)).into_par_iter().map_init(
            || [(); TILE].map(|()| vec![NOWHERE; n_slots]),
            |rows, band| {
                for (row, slot) in rows.iter_mut().zip(kept.iter().skip(band * TILE)) {
                    self.read_up_to(*slot, row);
                }
                Self::band(band, |row, column| {
                    if row < kept.len() && column < row { rows[row - band * TILE][kept[column]] } else { NOWHERE }
                })
            },
        );
        Self { bands: bands.collect() }
    }

    /// Slots, with those that fill up the last tiles.
    fn n_slots(&self) -> usize {
        self.bands.len() * TILE
    }

    fn get(&self, row: usize, column: usize) -> f32 {
        let (row, column) = (row.max(column), row.min(column));
        self.bands[row / TILE][column / TILE].0[row % TILE][column % TILE]
    }

    /// The nearest slot before a slot, and its distance.
    fn nearest_before(&self, slot: usize, scratch: &mut [f32]) -> (usize, f32) {
        self.read_up_to(slot, scratch);
        lowest_before(slot, scratch)
    }

    /// Distances of a slot from those up to the end of its own tile.
    fn read_up_to(&self, slot: usize, out: &mut [f32]) {
        let (out, _) = out.as_chunks_mut::<TILE>();
        for (out, tile) in out.iter_mut().zip(&self.bands[slot / TILE]) {
            *out = tile.0[slot % TILE];
        }
    }

    /// Distances of a slot from all, `[slots]`.
    fn read(&self, slot: usize, out: &mut [f32]) {
        self.read_up_to(slot, out);
        let (band, place) = (slot / TILE, slot % TILE);
        let (out, _) = out.as_chunks_mut::<TILE>();
        for (out, tiles) in out[band + 1..].iter_mut().zip(&self.bands[band + 1..]) {
            *out = tiles[band].0.map(|row| row[place]);
        }
    }

    /// Sets the distances of a slot from all, `[slots]`.
    fn write(&mut self, slot: usize, distances: &[f32]) {
        let (band, place) = (slot / TILE, slot % TILE);
        let (distances, _) = distances.as_chunks::<TILE>();
        for (tile, distances) in self.bands[band].iter_mut().zip(distances) {
            tile.0[place] = *distances;
        }
        for (tiles, distances) in self.bands[band..].iter_mut().zip(&distances[band..]) {
            for (row, distance) in tiles[band].0.iter_mut().zip(distances) {
                row[place] = *distance;
            }
        }
    }
}

/// The place and value of the lowest before a slot; the slot 0 and [`NOWHERE`] if there is none.
fn lowest_before(slot: usize, values: &[f32]) -> (usize, f32) {
    lowest(&values[..slot])
}

/// The place and value of the first of the lowest values.
fn lowest(values: &[f32]) -> (usize, f32) {
    let (mut lowest, mut block_of_lowest) = (NOWHERE, 0);
    for (n, block) in values.chunks(BLOCK).enumerate() {
        let (vectors, rest) = block.as_chunks::<LANES>();
        let mut lows = [NOWHERE; LANES];
        for vector in vectors {
            for (low, value) in lows.iter_mut().zip(vector) {
                *low = if *value < *low { *value } else { *low };
            }
        }
        let low = lows.iter().chain(rest).copied().fold(NOWHERE, f32::min);
        if low < lowest {
            (lowest, block_of_lowest) = (low, n);
        }
    }
    let start = block_of_lowest * BLOCK;
    let place = values[start..].iter().position(|value| *value <= lowest);
    (place.map_or(0, |place| start + place), lowest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::random::SplitMix64;

    /// The same by the definition: all pairs of means, every time.
    fn slow_linkage(rows: &[f32], dimension: usize) -> Vec<Merge> {
        let n_rows = rows.len() / dimension;
        let mut clusters: Vec<(usize, Vec<&[f32]>)> =
            rows.chunks_exact(dimension).map(|row| vec![row]).enumerate().collect();
        let mean = |rows: &[&[f32]]| -> Vec<f64> {
            let sum = |n: usize| rows.iter().map(|row| f64::from(row[n])).sum::<f64>();
            (0..dimension).map(|n| sum(n) / rows.len() as f64).collect()
        };
        let mut merges = Vec::new();
        while clusters.len() > 1 {
            let means: Vec<_> = clusters.iter().map(|(_, rows)| mean(rows)).collect();
            let mut best = (f64::INFINITY, 0, 0);
            for (b, mean) in means.iter().enumerate() {
                for (a, other) in means[..b].iter().enumerate() {
                    let squares = mean.iter().zip(other).map(|(a, b)| (a - b) * (a - b));
                    let distance = squares.sum::<f64>().sqrt();
                    if distance < best.0 {
                        best = (distance, a, b);
                    }
                }
            }
            let (height, a, b) = best;
            let two = clusters.remove(b);
            let one = clusters.remove(a);
            let joined = [one.1, two.1].concat();
            merges.push(Merge { clusters: [one.0.min(two.0), one.0.max(two.0)], height, n_rows: joined.len() });
            clusters.push((n_rows + merges.len() - 1, joined));
        }
        merges
    }

    #[test]
    fn merges_are_those_of_the_definition() {
        let mut random = SplitMix64::new(1);
        for (n_rows, dimension) in [(1, 3), (2, 3), (5, 2), (33, 4), (130, 8)] {
            let rows: Vec<f32> = (0..n_rows * dimension).map(|_| random.next_unit() as f32).collect();
            let (found, expected) = (centroid_linkage(&rows, dimension), slow_linkage(&rows, dimension));
            assert_eq!(found.len(), expected.len());
            for (n, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_eq!(
                    (found.clusters, found.n_rows),
                    (expected.clusters, expected.n_rows),
                    "merge {n} of {n_rows}"
                );
                assert!((found.height - expected.height).abs() < 1e-6, "merge {n} of {n_rows}: {found:?}");
            }
        }
    }

    #[test]
    fn moving_together_changes_nothing() {
        let mut random = SplitMix64::new(2);
        let (n_rows, dimension) = (700, 6);
        let rows: Vec<f32> = (0..n_rows * dimension).map(|_| random.next_unit() as f32).collect();
        let mut forest = Forest::of(&rows, dimension);
        let one_by_one: Vec<Merge> = (1..n_rows)
            .map(|n| {
                let (near, far) = forest.nearest_two();
                forest.merge(near, far, n_rows + n - 1)
            })
            .collect();
        assert_eq!(centroid_linkage(&rows, dimension), one_by_one);
    }

    #[test]
    fn the_lowest_is_found_wherever_it_is() {
        for n in [1, 15, 16, 17, 255, 256, 257, 700] {
            for place in [0, n / 2, n - 1] {
                let mut values = vec![3.0; n];
                values[place] = 2.0;
                assert_eq!(lowest(&values), (place, 2.0), "{n}");
            }
        }
        assert_eq!(lowest(&[]), (0, NOWHERE));
        assert_eq!(lowest(&[NOWHERE; 20]), (0, NOWHERE));
    }
}
