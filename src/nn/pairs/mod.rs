//! Matrix products in integers: rows of 16-bit levels times columns of 8- or 16-bit levels, exact in 32 bits.
//!
//! AVX2 multiplies sixteen pairs of 16-bit numbers at once and adds neighbours (`pmaddwd`), twice as many products as in
//! floating point. Its only product of bytes overflows at 16 bits and is not faster, so weights are widened from 8 bits as
//! they are read, and rows keep all the levels that the 32-bit sums leave room for: the only rounding that is felt is that
//! of the weights. Other processors run the same loops as the compiler turns them out.
//!
//! A value is `scale * level`, with one scale for a row and one for a column:
//! `out[r, c] = row_scale[r] * column_scale[c] * Σ row[r, k] column[c, k] + bias[c]`.
//!
//! # Layout of the columns
//! Sixteen columns make a panel; in it, two neighbouring levels of each column follow each other:
//! ```text
//! [panel][k / 2][column 0..16][k even, k odd]
//! ```
//! Missing columns of the last panel and the missing half of an odd last pair are zeros. A panel is read once from front
//! to back for every six rows.

mod elementwise;

use bytemuck::{Pod, cast, cast_slice};
use pulp::NullaryFnOnce;
#[cfg(target_arch = "x86_64")]
use pulp::x86::V3;
use rayon::prelude::*;

use super::linear::Write;
use elementwise::{Exp2, Largest, TO_INTEGER, ToLevels};

/// Columns of a panel: on AVX2, two vectors of sums.
pub(super) const PANEL_COLUMNS: usize = 16;
/// Levels of a panel at one place of its columns.
const PAIRS_LEVELS: usize = 2 * PANEL_COLUMNS;
/// Rows that share one pass over a panel; their sums fill the registers.
const TILE_ROWS: usize = 6;
/// Pairs of each row and column that are summed before the next ones: those of a tile and a panel fit the first-level cache.
const BLOCK_PAIRS: usize = 256;

/// The instructions that products are made with.
#[derive(Clone, Copy)]
pub(super) enum Pairs {
    /// Those of x86 processors since 2013; the value is the proof that this one has them.
    #[cfg(target_arch = "x86_64")]
    Avx2(V3),
    /// What the compiler makes of plain loops.
    Portable,
}

/// A number of levels.
pub(super) trait Level: Pod + Send + Sync {
    /// Highest level; the lowest is its negative.
    const MAX: f32;

    /// The level nearest to a number, which lies between the lowest and the highest.
    fn nearest(value: f32) -> Self;

    fn widen(self) -> i16;

    #[cfg(target_arch = "x86_64")]
    fn widen_sixteen(simd: V3, levels: [Self; 16]) -> std::arch::x86_64::__m256i;
}

impl Level for i8 {
    const MAX: f32 = 127.0;

    #[inline(always)]
    fn nearest(value: f32) -> Self {
        (value + TO_INTEGER).to_bits() as Self
    }

    #[inline(always)]
    fn widen(self) -> i16 {
        self.into()
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn widen_sixteen(simd: V3, levels: [Self; 16]) -> std::arch::x86_64::__m256i {
        simd.avx2._mm256_cvtepi8_epi16(cast(levels))
    }
}

impl Level for i16 {
    /// Rows and columns of 12 bits leave room for sums of 512 products, more than the width of a head.
    const MAX: f32 = 2047.0;

    #[inline(always)]
    fn nearest(value: f32) -> Self {
        (value + TO_INTEGER).to_bits() as Self
    }

    #[inline(always)]
    fn widen(self) -> i16 {
        self
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn widen_sixteen(_simd: V3, levels: [Self; 16]) -> std::arch::x86_64::__m256i {
        cast(levels)
    }
}

/// The highest level of a row so that no sum of its products with columns of `T`, of `k` numbers, leaves 32 bits.
pub(super) fn max_row_level<T: Level>(k: usize) -> f32 {
    let k = k.min(2 * BLOCK_PAIRS);
    ((i32::MAX as f32 / (k as f32 * T::MAX)).floor() - 1.0).min(f32::from(i16::MAX))
}

/// Rows as levels, in the order in which a product reads them: tiles of six rows (the last of what is left), in each of
/// which the pairs of all rows at one place follow each other.
#[derive(Default)]
pub(super) struct Rows {
    pairs: Vec<i32>,
    scales: Vec<f32>,
    n_pairs: usize,
    row: Vec<i16>,
}

impl Rows {
    /// Makes room for `n_rows` rows of `k` numbers. Each has to be set before a product reads it.
    pub(super) fn resize(&mut self, n_rows: usize, k: usize) {
        self.n_pairs = k.div_ceil(2);
        self.pairs.resize(n_rows * self.n_pairs, 0);
        self.scales.resize(n_rows, 0.0);
        self.row.resize(2 * self.n_pairs, 0);
        self.row.fill(0);
    }

    /// Takes the levels in `row` for those at `index`, each of which stands for `scale`.
    fn put(&mut self, index: usize, scale: f32) {
        let Self { pairs, scales, n_pairs, row } = self;
        scales[index] = scale;
        let first_row = index / TILE_ROWS * TILE_ROWS;
        let n_rows = (scales.len() - first_row).min(TILE_ROWS);
        let tile = &mut pairs[first_row * *n_pairs..][..n_rows * *n_pairs];
        for (pairs, pair) in tile.chunks_exact_mut(n_rows).zip(cast_slice::<i16, i32>(row)) {
            pairs[index - first_row] = *pair;
        }
    }

    /// Makes every level of a row stand for `factor` times as much.
    pub(super) fn rescale(&mut self, index: usize, factor: f32) {
        self.scales[index] *= factor;
    }

    fn tiles(&self) -> impl Iterator<Item = (&[i32], &[f32])> {
        self.pairs.chunks(TILE_ROWS * self.n_pairs).zip(self.scales.chunks(TILE_ROWS))
    }
}

/// Columns of a product, as panels.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a, T> {
    /// `[panels, k / 2, 16, 2]`
    pub(super) panels: &'a [T],
    /// One for each column that is not padding.
    pub(super) scales: &'a [f32],
    /// As many, or none for zeros.
    pub(super) bias: &'a [f32],
}

impl Pairs {
    /// The best of this machine.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = V3::try_new() {
            return Self::Avx2(simd);
        }
        Self::Portable
    }

    /// Whether products in integers are faster than in floating point.
    pub(super) fn is_fast(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => true,
            Self::Portable => false,
        }
    }

    fn run<T>(self, operation: impl NullaryFnOnce<Output = T>) -> T {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => simd.vectorize(operation),
            Self::Portable => operation.call(),
        }
    }

    /// Sets a row from numbers, spread over the levels up to `max_level`. A row that is not finite counts as zeros.
    pub(super) fn set_row(self, rows: &mut Rows, index: usize, values: &[f32], max_level: f32) {
        let largest = self.largest(values);
        if largest > 0.0 {
            self.to_levels(values, max_level / largest, &mut rows.row);
        } else {
            rows.row.fill(0);
        }
        rows.put(index, largest / max_level);
    }

    /// Sets a row to the levels `value * to_levels`, which have to fit 16 bits, of weights that are none below 0; all
    /// together stand for 1.
    pub(super) fn set_weights(self, rows: &mut Rows, index: usize, values: &[f32], to_levels: f32) {
        self.to_levels(values, to_levels, &mut rows.row);
        // The sum of what they were rounded to: where many are equal, all are rounded the same way.
        let total: i32 = rows.row.iter().map(|level| i32::from(*level)).sum();
        rows.put(index, (total as f32).recip());
    }

    /// Largest absolute value; 0 where not all are finite.
    pub(super) fn largest(self, values: &[f32]) -> f32 {
        let largest = self.run(Largest { values });
        if largest.is_finite() { largest } else { 0.0 }
    }

    /// `value * to_levels` rounded to integers, which have to fit 16 bits.
    fn to_levels(self, values: &[f32], to_levels: f32, levels: &mut [i16]) {
        self.run(ToLevels { values, to_levels, levels });
    }

    /// The weights of a softmax, before they are divided by their sum, which is returned: `2^(value - largest)`.
    pub(super) fn exp2(self, values: &mut [f32]) -> f32 {
        self.run(Exp2 { values })
    }

    /// Multiplies all rows with columns.
    ///
    /// # Shapes
    /// `out` has a row of at least as many numbers as there are columns every `stride` numbers.
    pub(super) fn multiply<T: Level>(
        self,
        rows: &Rows,
        columns: Columns<'_, T>,
        out: &mut [f32],
        stride: usize,
        write: Write,
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => simd.vectorize(Product { summation: simd, rows, columns, out, stride, write }),
            Self::Portable => Product { summation: Plain, rows, columns, out, stride, write }.call(),
        }
    }
}

struct Product<'a, T, S> {
    summation: S,
    rows: &'a Rows,
    columns: Columns<'a, T>,
    out: &'a mut [f32],
    stride: usize,
    write: Write,
}

impl<T: Level, S: Summation> NullaryFnOnce for Product<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { summation, rows, columns: Columns { panels, scales, bias }, out, stride, write } = self;
        let n_pairs = rows.n_pairs;
        for first_pair in (0..n_pairs).step_by(BLOCK_PAIRS) {
            let end_pair = n_pairs.min(first_pair + BLOCK_PAIRS);
            // Later parts of the sums are added to the first.
            let (bias, write) = if first_pair == 0 { (bias, write) } else { (&[][..], Write::Add) };
            let panels = panels.chunks_exact(n_pairs * PAIRS_LEVELS).zip(scales.chunks(PANEL_COLUMNS));
            for (index, (panel, scales)) in panels.enumerate() {
                let panel = &panel[first_pair * PAIRS_LEVELS..end_pair * PAIRS_LEVELS];
                let first = index * PANEL_COLUMNS;
                let bias = if bias.is_empty() { bias } else { &bias[first..first + scales.len()] };
                let (n_columns, scales, bias) = (scales.len(), padded(scales), padded(bias));
                let finish = Finish { summation, scales, bias, n_columns, stride, write };
                for ((tile, row_scales), out) in rows.tiles().zip(out.chunks_mut(TILE_ROWS * stride)) {
                    let tile = &tile[first_pair * row_scales.len()..end_pair * row_scales.len()];
                    let out = &mut out[first..];
                    match row_scales.len() {
                        1 => finish.tile::<T, 1>(tile, panel, row_scales, out),
                        2 => finish.tile::<T, 2>(tile, panel, row_scales, out),
                        3 => finish.tile::<T, 3>(tile, panel, row_scales, out),
                        4 => finish.tile::<T, 4>(tile, panel, row_scales, out),
                        5 => finish.tile::<T, 5>(tile, panel, row_scales, out),
                        _ => finish.tile::<T, TILE_ROWS>(tile, panel, row_scales, out),
                    }
                }
            }
        }
    }
}

/// How products of pairs are summed.
trait Summation: Copy {
    /// The sums of one row, where they are made.
    type Sums: Copy;

    /// The sums of a tile of `H` rows and a panel.
    fn sums<T: Level, const H: usize>(self, tile: &[i32], panel: &[T]) -> [Self::Sums; H];

    /// The sums of one row as numbers.
    fn numbers(self, sums: Self::Sums) -> [f32; PANEL_COLUMNS];
}

#[cfg(target_arch = "x86_64")]
impl Summation for V3 {
    type Sums = [std::arch::x86_64::__m256i; 2];

    #[inline(always)]
    fn sums<T: Level, const H: usize>(self, tile: &[i32], panel: &[T]) -> [Self::Sums; H] {
        let mut sums = [[self.avx._mm256_setzero_si256(); 2]; H];
        let (panel, _) = panel.as_chunks::<{ PAIRS_LEVELS / 2 }>();
        for (pairs, [left, right]) in tile.as_chunks::<H>().0.iter().zip(panel.as_chunks::<2>().0) {
            let (left, right) = (T::widen_sixteen(self, *left), T::widen_sixteen(self, *right));
            for ([sums_left, sums_right], pair) in sums.iter_mut().zip(pairs) {
                let pair = self.avx._mm256_set1_epi32(*pair);
                *sums_left = self.avx2._mm256_add_epi32(*sums_left, self.avx2._mm256_madd_epi16(pair, left));
                *sums_right = self.avx2._mm256_add_epi32(*sums_right, self.avx2._mm256_madd_epi16(pair, right));
            }
        }
        sums
    }

    #[inline(always)]
    fn numbers(self, [left, right]: Self::Sums) -> [f32; PANEL_COLUMNS] {
        cast([self.avx._mm256_cvtepi32_ps(left), self.avx._mm256_cvtepi32_ps(right)])
    }
}

#[derive(Clone, Copy)]
struct Plain;

impl Summation for Plain {
    type Sums = [i32; PANEL_COLUMNS];

    #[inline(always)]
    fn sums<T: Level, const H: usize>(self, tile: &[i32], panel: &[T]) -> [Self::Sums; H] {
        let mut sums = [[0; PANEL_COLUMNS]; H];
        for (pairs, levels) in tile.as_chunks::<H>().0.iter().zip(panel.as_chunks::<PAIRS_LEVELS>().0) {
            for (sums, pair) in sums.iter_mut().zip(pairs) {
                let [even, odd] = cast::<i32, [i16; 2]>(*pair).map(i32::from);
                for (sum, [at_even, at_odd]) in sums.iter_mut().zip(levels.as_chunks::<2>().0) {
                    *sum += even * i32::from(at_even.widen()) + odd * i32::from(at_odd.widen());
                }
            }
        }
        sums
    }

    #[inline(always)]
    fn numbers(self, sums: Self::Sums) -> [f32; PANEL_COLUMNS] {
        sums.map(|sum| sum as f32)
    }
}

/// Multiplies tiles with a panel and turns the sums back to numbers.
struct Finish<S> {
    summation: S,
    scales: [f32; PANEL_COLUMNS],
    bias: [f32; PANEL_COLUMNS],
    n_columns: usize,
    stride: usize,
    write: Write,
}

impl<S: Summation> Finish<S> {
    /// `out` begins with the panel's first column in the first row.
    #[inline(always)]
    fn tile<T: Level, const H: usize>(&self, tile: &[i32], panel: &[T], row_scales: &[f32], out: &mut [f32]) {
        let sums: [S::Sums; H] = self.summation.sums(tile, panel);
        // Plain loops: what is not inlined is not compiled for the processor either.
        for row in 0..H {
            let numbers = self.summation.numbers(sums[row]);
            let out = &mut out[row * self.stride..][..self.n_columns];
            if let Some(out) = out.as_mut_array() {
                self.row(numbers, row_scales[row], out);
            } else {
                let mut whole = padded(out);
                self.row(numbers, row_scales[row], &mut whole);
                out.copy_from_slice(&whole[..out.len()]);
            }
        }
    }

    #[inline(always)]
    fn row(&self, numbers: [f32; PANEL_COLUMNS], row_scale: f32, out: &mut [f32; PANEL_COLUMNS]) {
        for column in 0..PANEL_COLUMNS {
            let number = numbers[column] * (row_scale * self.scales[column]) + self.bias[column];
            out[column] = if self.write == Write::Add { out[column] + number } else { number };
        }
    }
}

#[inline(always)]
fn padded(values: &[f32]) -> [f32; PANEL_COLUMNS] {
    let mut out = [0.0; PANEL_COLUMNS];
    if let Some(values) = values.as_array() {
        out = *values;
    } else {
        out[..values.len()].copy_from_slice(values);
    }
    out
}

/// Arranges columns as panels: `column(n)` sets the levels of the `n`th one, of `k`.
pub(super) fn to_panels<T: Level>(n_columns: usize, k: usize, set_column: impl Fn(usize, &mut [T]) + Sync) -> Vec<T> {
    let n_pairs = k.div_ceil(2);
    let mut panels = vec![T::zeroed(); n_columns.div_ceil(PANEL_COLUMNS) * n_pairs * PAIRS_LEVELS];
    panels.par_chunks_mut(n_pairs * PAIRS_LEVELS).enumerate().for_each(|(panel, levels)| {
        let first = panel * PANEL_COLUMNS;
        let mut column = vec![T::zeroed(); 2 * n_pairs];
        for n in first..n_columns.min(first + PANEL_COLUMNS) {
            set_column(n, &mut column[..k]);
            let places = levels.chunks_exact_mut(PAIRS_LEVELS).map(|levels| &mut levels[2 * (n - first)..]);
            for (place, pair) in places.zip(column.chunks_exact(2)) {
                place[..2].copy_from_slice(pair);
            }
        }
    });
    panels
}

/// The levels of one column out of panels of columns of `k`: the reverse of [`to_panels`].
pub(super) fn column_of<T: Level>(panels: &[T], k: usize, column: usize) -> impl Iterator<Item = T> {
    let panel_levels = k.div_ceil(2) * PAIRS_LEVELS;
    let panel = &panels[column / PANEL_COLUMNS * panel_levels..][..panel_levels];
    let first = 2 * (column % PANEL_COLUMNS);
    panel.chunks_exact(PAIRS_LEVELS).flat_map(move |levels| levels[first..first + 2].iter().copied()).take(k)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Integers that look random, up to `max`.
    fn noise(n: usize, max: i32) -> i32 {
        let bits = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
        (bits % (2 * max as u64 + 1)) as i32 - max
    }

    fn check<T: Level>(instructions: Pairs, n_rows: usize, n_columns: usize, k: usize) {
        let max = max_row_level::<T>(k);
        let level = |column: usize, at: usize| noise(column * k + at, T::MAX as i32);
        let panels = to_panels(n_columns, k, |n, column: &mut [T]| {
            column.iter_mut().enumerate().for_each(|(at, out)| *out = T::nearest(level(n, at) as f32));
        });
        let mut rows = Rows::default();
        rows.resize(n_rows, k);
        // The largest level of each row is its maximum, so that numbers and levels are the same but for a power of two.
        let row =
            |row: usize| (0..k).map(move |at| if at == row % k { max as i32 } else { noise(row * 7 + at, max as i32) });
        for n in 0..n_rows {
            let values: Vec<f32> = row(n).map(|level| level as f32 / 4.0).collect();
            instructions.set_row(&mut rows, n, &values, max);
        }
        let scales: Vec<f32> = (0..n_columns).map(|n| 0.5_f32.powi(n as i32 % 3)).collect();
        let bias: Vec<f32> = (0..n_columns).map(|n| n as f32).collect();
        let stride = n_columns + 3;
        for (write, old) in [(Write::Replace, 0.0), (Write::Add, 100.0)] {
            let mut out = vec![100.0; n_rows * stride];
            let columns = Columns { panels: &panels, scales: &scales, bias: &bias };
            instructions.multiply(&rows, columns, &mut out, stride, write);
            for (n, out) in out.chunks_exact(stride).enumerate() {
                for column in 0..n_columns {
                    let product = |(at, x): (usize, i32)| i64::from(x) * i64::from(level(column, at));
                    let sum: i64 = row(n).enumerate().map(product).sum();
                    let magnitude: i64 = row(n).enumerate().map(|place| product(place).abs()).sum();
                    let expected = sum as f64 * 0.25 * f64::from(scales[column]) + f64::from(bias[column] + old);
                    let error = (f64::from(out[column]) - expected).abs();
                    // Blocks are exact; what they come to is added in floating point.
                    let allowed = 1e-7 * magnitude as f64 + 1e-3;
                    assert!(error <= allowed, "{n_rows} {n_columns} {k}: off by {error}, allowed {allowed}");
                }
                assert_eq!(out[n_columns..], [100.0; 3], "nothing is written beyond the columns");
            }
        }
        let last: Vec<i16> = column_of(&panels, k, n_columns - 1).map(T::widen).collect();
        assert_eq!(last, (0..k).map(|at| level(n_columns - 1, at) as i16).collect::<Vec<_>>());
    }

    #[test]
    fn products_are_exact_up_to_the_highest_levels() {
        for instructions in [Pairs::detect(), Pairs::Portable] {
            for (n_rows, n_columns, k) in
                [(1, 16, 2), (2, 1, 64), (6, 33, 65), (7, 40, 300), (13, 15, 5120), (17, 48, 1)]
            {
                check::<i8>(instructions, n_rows, n_columns, k);
                check::<i16>(instructions, n_rows, n_columns, k.min(512));
            }
        }
    }

    #[test]
    fn the_largest_sums_fit() {
        for instructions in [Pairs::detect(), Pairs::Portable] {
            for k in [1, 2, 511, 512, 513, 5120] {
                let panels = to_panels(1, k, |_, column: &mut [i8]| column.fill(i8::MAX));
                let mut rows = Rows::default();
                rows.resize(1, k);
                instructions.set_row(&mut rows, 0, &vec![1.0; k], max_row_level::<i8>(k));
                let mut out = [0.0];
                let columns = Columns { panels: &panels, scales: &[1.0], bias: &[] };
                instructions.multiply(&rows, columns, &mut out, 1, Write::Replace);
                let expected = f32::from(i8::MAX) * k as f32;
                assert!((out[0] / expected - 1.0).abs() < 1e-4, "{k}: {} is not {expected}", out[0]);
            }
        }
    }

    #[test]
    fn rows_that_are_not_numbers_count_as_zeros() {
        let panels = to_panels(1, 4, |_, column: &mut [i8]| column.fill(1));
        for value in [0.0, f32::INFINITY, f32::NAN] {
            let mut rows = Rows::default();
            rows.resize(1, 4);
            Pairs::detect().set_row(&mut rows, 0, &[1.0, value, 1.0, value], 100.0);
            let mut out = [0.0];
            let columns = Columns { panels: &panels, scales: &[1.0], bias: &[7.0] };
            Pairs::detect().multiply(&rows, columns, &mut out, 1, Write::Replace);
            let expected = if value == 0.0 { 9.0_f32 } else { 7.0 };
            assert_eq!(out.map(f32::to_bits), [expected.to_bits()], "{value}");
        }
    }
}
