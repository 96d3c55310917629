//! Weights of a linear layer in 8 bits: a signed byte each, and one scale for each output channel.
//!
//! Two kernels multiply with them. Where `rten-gemm`'s adds products of bytes without overflowing (x86 with VNNI, Arm),
//! rows of the input become bytes too, each row with its own range, and the weights are packed for it when they are
//! loaded. On other x86 processors rows become 16-bit levels, and the weights are used as they are stored, see
//! [`super::pairs`]. Either way rows are independent: what else is in a batch changes nothing.

use std::cell::Cell;

use rayon::prelude::*;
use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_simd::{Isa, SimdOp};
use rten_tensor::NdTensorView;

use super::linear::{Write, gelu};
use super::pairs::{Columns, Level, PANEL_COLUMNS, Pairs, Rows, column_of, max_row_level, to_panels};
use super::stored::Stored;

thread_local! {
    static GEMM: GemmExecutor<u8, i8, i32> = GemmExecutor::default();
    /// Levels of the last product on this thread, and its sums: fresh memory costs more than the product of a few rows.
    static ROWS: Cell<Rows> = Cell::default();
    static BYTES: Cell<(Vec<u8>, Vec<i32>)> = const { Cell::new((Vec::new(), Vec::new())) };
}

/// Rows that one thread turns to levels, multiplies and scales back at a time, so that they stay in its cache.
pub(super) const ROWS_PER_TASK: usize = 24;
/// Up to so many rows, as there are in a decoding step, threads share the columns instead.
const FEW_ROWS: usize = 16;
/// Products of a task that are worth handing to another thread.
const MIN_PRODUCTS_PER_TASK: usize = 1 << 18;

/// Quantised weights.
pub(super) struct EightBit {
    /// The levels as panels of columns, `[panels, n_in / 2, 16, 2]`, and the scale of each column.
    levels: Stored,
    scales: Vec<f32>,
    n_in: usize,
    kernel: Kernel,
}

enum Kernel {
    Pairs(Pairs),
    Bytes(Bytes),
}

/// What `rten-gemm` needs.
struct Bytes {
    packed: PackedBMatrix<i8>,
    /// The sum of each column's levels, by which the zero points of the input are taken off again.
    column_sums: Vec<i32>,
}

impl EightBit {
    /// Quantises `[n_out, n_in]`: the largest weight of each output channel becomes the highest level.
    pub(super) fn quantise(weight: &[f32], n_in: usize) -> Self {
        let n_out = weight.len() / n_in;
        let scales: Vec<f32> = weight
            .par_chunks_exact(n_in)
            .map(|row| {
                let largest = row.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
                if largest > 0.0 { largest / <i8 as Level>::MAX } else { 1.0 }
            })
            .collect();
        let levels = to_panels(n_out, n_in, |channel, levels: &mut [i8]| {
            for (level, weight) in levels.iter_mut().zip(&weight[channel * n_in..]) {
                *level = i8::nearest(weight / scales[channel]);
            }
        });
        Self::new(Stored::from(levels), scales, n_in)
    }

    /// Weights that were quantised before.
    pub(super) fn new(levels: Stored, scales: Vec<f32>, n_in: usize) -> Self {
        let kernel = if GEMM.with(GemmExecutor::may_saturate) {
            Kernel::Pairs(Pairs::detect())
        } else {
            Kernel::Bytes(Bytes::new(&levels, scales.len(), n_in))
        };
        Self { levels, scales, n_in, kernel }
    }

    /// Panels and scales, for those who store them.
    pub(super) fn parts(&self) -> (&Stored, &[f32]) {
        (&self.levels, &self.scales)
    }

    /// Adds the weights of an output channel to `out` `[n_in]`: a row of the matrix, as an embedding.
    pub(super) fn add_channel(&self, channel: usize, out: &mut [f32]) {
        let scale = self.scales[channel];
        for (sum, level) in out.iter_mut().zip(column_of(self.levels.as_slice(), self.n_in, channel)) {
            *sum += scale * f32::from(level);
        }
    }

    /// `out = x Wᵀ + bias`, written as `write` says.
    ///
    /// # Shapes
    /// `x` `[rows, n_in]`, `bias` `[n_out]`, `out` `[rows, n_out]`.
    pub(super) fn forward(&self, x: &[f32], bias: &[f32], out: &mut [f32], write: Write) {
        let (n_in, n_out) = (self.n_in, self.scales.len());
        if let Kernel::Pairs(pairs) = self.kernel
            && x.len() <= FEW_ROWS * n_in
        {
            return self.multiply_few(pairs, x, bias, out, write);
        }
        let tasks = x.par_chunks(ROWS_PER_TASK * n_in).zip(out.par_chunks_mut(ROWS_PER_TASK * n_out));
        tasks.for_each(|(x, out)| self.forward_block(x, bias, out, write));
    }

    /// [`EightBit::forward`] on this thread alone, for some rows of many.
    pub(super) fn forward_block(&self, x: &[f32], bias: &[f32], out: &mut [f32], write: Write) {
        match &self.kernel {
            Kernel::Pairs(pairs) => {
                let rows = self.rows_of(*pairs, x);
                let columns = Columns { panels: self.levels.as_slice(), scales: &self.scales, bias };
                pairs.multiply(&rows, columns, out, self.scales.len(), write);
                ROWS.set(rows);
            }
            Kernel::Bytes(bytes) => self.multiply_bytes(x, bytes, bias, out, write),
        }
        if write == Write::Gelu {
            gelu(out);
        }
    }

    fn rows_of(&self, pairs: Pairs, x: &[f32]) -> Rows {
        // Taken, not borrowed: a thread that waits for a product may begin another one.
        let mut rows = ROWS.take();
        rows.resize(x.len() / self.n_in, self.n_in);
        let max_level = max_row_level::<i8>(self.n_in);
        for (index, x) in x.chunks_exact(self.n_in).enumerate() {
            pairs.set_row(&mut rows, index, x, max_level);
        }
        rows
    }

    /// [`EightBit::forward`] for a few rows: each thread takes a share of the columns.
    fn multiply_few(&self, pairs: Pairs, x: &[f32], bias: &[f32], out: &mut [f32], write: Write) {
        let n_out = self.scales.len();
        let rows = self.rows_of(pairs, x);
        let panel_levels = self.n_in.div_ceil(2) * 2 * PANEL_COLUMNS;
        let panels = self.levels.as_slice();
        let n_panels = panels.len() / panel_levels;
        let n_products = x.len() * n_out;
        let n_tasks = (n_products / MIN_PRODUCTS_PER_TASK).clamp(1, rayon::current_num_threads());
        let panels_per_task = n_panels.div_ceil(n_tasks);
        let columns_of = |task: usize| {
            let first = task * panels_per_task;
            let first_column = first * PANEL_COLUMNS;
            let end_column = n_out.min(first_column + panels_per_task * PANEL_COLUMNS);
            let panels = &panels[first * panel_levels..panels.len().min((first + panels_per_task) * panel_levels)];
            let (scales, bias) = (&self.scales[first_column..end_column], &bias[first_column..end_column]);
            (first_column, Columns { panels, scales, bias })
        };
        if n_tasks == 1 {
            pairs.multiply(&rows, columns_of(0).1, out, n_out, write);
        } else {
            // Each task writes rows of its own, which are put side by side afterwards. It begins with what is there, so
            // that sums are rounded as one thread rounds them.
            let (n_rows, before) = (x.len() / self.n_in, &*out);
            let parts: Vec<(usize, Vec<f32>)> = (0..n_panels.div_ceil(panels_per_task))
                .into_par_iter()
                .map(|task| {
                    let (first_column, columns) = columns_of(task);
                    let n_columns = columns.scales.len();
                    let rows_before =
                        before.chunks_exact(n_out).map(|row| &row[first_column..first_column + n_columns]);
                    let mut part = rows_before.collect::<Vec<_>>().concat();
                    pairs.multiply(&rows, columns, &mut part, n_columns, write);
                    (first_column, part)
                })
                .collect();
            for (first_column, part) in parts {
                for (out, part) in out.chunks_exact_mut(n_out).zip(part.chunks_exact(part.len() / n_rows)) {
                    out[first_column..first_column + part.len()].copy_from_slice(part);
                }
            }
        }
        ROWS.set(rows);
        if write == Write::Gelu {
            gelu(out);
        }
    }

    fn multiply_bytes(&self, x: &[f32], weights: &Bytes, bias: &[f32], out: &mut [f32], write: Write) {
        let n_rows = x.len() / self.n_in;
        let (mut bytes, mut sums) = BYTES.take();
        bytes.resize(x.len(), 0);
        sums.resize(out.len(), 0);
        let rows = x.chunks_exact(self.n_in).zip(bytes.chunks_exact_mut(self.n_in));
        let scalings: Vec<RowScaling> = rows.map(|(x, bytes)| QuantiseRow { x, bytes }.dispatch()).collect();
        // rten-gemm 0.27 can take off the zero points itself, but mixes up those of different rows.
        let rows = NdTensorView::from_data([n_rows, self.n_in], bytes.as_slice());
        let packed = GemmInputB::Packed(&weights.packed);
        GEMM.with(|gemm| gemm.gemm(&mut sums, GemmInputA::Unpacked(rows), packed, GemmOptions::default()))
            .expect("the shapes were fixed when the layer was built");
        let n_out = self.scales.len();
        let rows = sums.chunks_exact(n_out).zip(out.chunks_exact_mut(n_out));
        for ((sums, out), scaling) in rows.zip(scalings) {
            ScaleBack { sums, scaling, weights: self, column_sums: &weights.column_sums, bias, out, write }.dispatch();
        }
        BYTES.set((bytes, sums));
    }
}

impl Bytes {
    fn new(levels: &Stored, n_out: usize, n_in: usize) -> Self {
        let rows: Vec<i8> =
            (0..n_out).into_par_iter().flat_map_iter(|channel| column_of(levels.as_slice(), n_in, channel)).collect();
        let column_sums =
            rows.chunks_exact(n_in).map(|levels| levels.iter().map(|level| i32::from(*level)).sum()).collect();
        let rows = NdTensorView::from_data([n_out, n_in], rows.as_slice());
        Self { packed: GEMM.with(|gemm| gemm.prepack_b(rows.transposed())), column_sums }
    }
}

/// What the bytes of a row stand for: `scale * (byte - zero_point)`.
#[derive(Clone, Copy)]
struct RowScaling {
    scale: f32,
    zero_point: i32,
}

/// Turns a row to unsigned bytes. Plain loops, compiled for each instruction set; `dispatch` picks one at run time.
struct QuantiseRow<'a> {
    x: &'a [f32],
    bytes: &'a mut [u8],
}

impl SimdOp for QuantiseRow<'_> {
    type Output = RowScaling;

    #[inline(always)]
    fn eval<I: Isa>(self, _isa: I) -> RowScaling {
        const LANES: usize = 16;
        const MAX_LEVEL: f32 = 255.0;
        // Zero is always in the range, so that it has an exact byte.
        let (mut lows, mut highs) = ([0.0_f32; LANES], [0.0_f32; LANES]);
        let (blocks, rest) = self.x.as_chunks::<LANES>();
        for block in blocks {
            for lane in 0..LANES {
                lows[lane] = if block[lane] < lows[lane] { block[lane] } else { lows[lane] };
                highs[lane] = if block[lane] > highs[lane] { block[lane] } else { highs[lane] };
            }
        }
        let low = lows.iter().chain(rest).fold(0.0_f32, |low, value| low.min(*value));
        let high = highs.iter().chain(rest).fold(0.0_f32, |high, value| high.max(*value));
        let range = high - low;
        // What is not a number is neither low nor high, but makes the sum one.
        if range <= 0.0 || !range.is_finite() || self.x.iter().sum::<f32>().is_nan() {
            self.bytes.fill(0);
            return RowScaling { scale: 0.0, zero_point: 0 };
        }
        let to_levels = MAX_LEVEL / range;
        let zero_point = (-low * to_levels).round();
        for (byte, value) in self.bytes.iter_mut().zip(self.x) {
            // Adding a half and cutting off rounds, as no level is below zero.
            *byte = (value * to_levels + zero_point + 0.5).clamp(0.0, MAX_LEVEL) as u8;
        }
        RowScaling { scale: range / MAX_LEVEL, zero_point: zero_point as i32 }
    }
}

/// Turns a row of integer sums back to numbers and adds the bias.
struct ScaleBack<'a> {
    sums: &'a [i32],
    scaling: RowScaling,
    weights: &'a EightBit,
    column_sums: &'a [i32],
    bias: &'a [f32],
    out: &'a mut [f32],
    write: Write,
}

impl SimdOp for ScaleBack<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _isa: I) {
        let RowScaling { scale: row_scale, zero_point } = self.scaling;
        let EightBit { scales, .. } = self.weights;
        let value = |sum: i32, column_sum: i32, scale: f32, bias: f32| {
            (sum - zero_point * column_sum) as f32 * (row_scale * scale) + bias
        };
        let columns = self.out.iter_mut().zip(self.sums).zip(self.column_sums).zip(scales).zip(self.bias);
        match self.write {
            Write::Replace | Write::Gelu => {
                for ((((out, sum), column_sum), scale), bias) in columns {
                    *out = value(*sum, *column_sum, *scale, *bias);
                }
            }
            Write::Add => {
                for ((((out, sum), column_sum), scale), bias) in columns {
                    *out += value(*sum, *column_sum, *scale, *bias);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kernels_compute_the_product() {
        const SMALL: f32 = 0.3;
        for (n_rows, n_in, n_out) in [(1, 16, 16), (3, 65, 40), (70, 128, 33), (20, 1024, 300)] {
            let noise = |n: usize, seed: f32| (0..n).map(move |n| ((n as f32 + seed) * 12.9898).sin());
            let x: Vec<f32> = noise(n_rows * n_in, 0.0).collect();
            // A large weight in each channel, beside a zero, keeps the levels of the others below those at which a kernel
            // may overflow on the machine that runs this.
            let spread = |(n, weight): (usize, f32)| match n % n_in {
                0 => 1.0,
                1 => 0.0,
                _ => SMALL * weight,
            };
            let weight: Vec<f32> = noise(n_out * n_in, 0.3).enumerate().map(spread).collect();
            let bias: Vec<f32> = noise(n_out, 0.7).collect();
            let pairs = EightBit::quantise(&weight, n_in);
            let (levels, scales) = pairs.parts();
            let bytes = EightBit {
                kernel: Kernel::Bytes(Bytes::new(levels, n_out, n_in)),
                levels: levels.clone(),
                scales: scales.to_vec(),
                n_in,
            };
            for (name, layer, tolerance) in [("pairs", &pairs, 0.008), ("bytes", &bytes, 0.012)] {
                let mut out = vec![0.0; n_rows * n_out];
                layer.forward(&x, &bias, &mut out, Write::Replace);
                for (row, x) in x.chunks(n_in).enumerate() {
                    for (column, bias) in bias.iter().enumerate() {
                        let products = x.iter().zip(&weight[column * n_in..]).map(|(x, w)| f64::from(x * w));
                        let expected = products.sum::<f64>() + f64::from(*bias);
                        let error = (f64::from(out[row * n_out + column]) - expected).abs();
                        // The error of a sum of products grows with the square root of their number.
                        let allowed = tolerance * (n_in as f64).sqrt();
                        assert!(error <= allowed, "{name} {n_rows}x{n_in}x{n_out}: off by {error}, allowed {allowed}");
                    }
                }
            }
            let mut embedding = vec![1.0; n_in];
            pairs.add_channel(n_out - 1, &mut embedding);
            for (found, weight) in embedding.iter().zip(&weight[(n_out - 1) * n_in..]) {
                assert!((found - 1.0 - weight).abs() <= scales[n_out - 1], "{found} {weight}");
            }
        }
    }
}
