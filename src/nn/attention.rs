//! Scaled dot-product attention, in the two forms that transformers need: all queries of a window at once, in blocks
//! (encoder), and one query against a cache of keys and values (decoder).

use std::cell::Cell;

use rayon::prelude::*;
use rten_simd::{Isa, SimdOp};
use rten_tensor::NdTensorView;
use rten_vecmath::Softmax;

use super::linear::{ComputeType, Write, multiply_packed, pack, pack_transposed};
use super::pairs::{Columns, Level, Pairs, Rows, column_of, max_row_level, to_panels};

/// Queries per block: with 1,500 keys their scores are 384 kB, which stay in the second-level cache, so that the
/// matrix of all scores (9 MB a head) is never written to memory.
const QUERY_BLOCK: usize = 64;
/// The same for integers, where all heads of a block are one task; two tiles of rows.
const INTEGER_QUERY_BLOCK: usize = 12;
/// Blocks of one task: keys and values of a head are read once for all of them.
const BLOCKS_PER_TASK: usize = 4;
/// Partial sums that the compiler keeps in vector registers.
const LANES: usize = 8;

thread_local! {
    static SCRATCH: Cell<Scratch> = Cell::default();
}

/// Attention of every frame of a window to every other, without a mask.
///
/// # Shapes
/// `qkv` `[frames, 3 * width]`: queries, keys and values side by side; `out` `[frames, width]`. Heads are `width /
/// n_heads` neighbouring columns. Scores are scaled by `1 / sqrt(width / n_heads)`.
pub(super) fn self_attention(qkv: &[f32], width: usize, n_heads: usize, compute_type: ComputeType, out: &mut [f32]) {
    let pairs = Pairs::detect();
    match compute_type {
        ComputeType::Int8 if pairs.is_fast() => self_attention_integer(pairs, qkv, width, n_heads, out),
        ComputeType::Int8 | ComputeType::F32 => self_attention_f32(qkv, width, n_heads, out),
    }
}

fn self_attention_f32(qkv: &[f32], width: usize, n_heads: usize, out: &mut [f32]) {
    let n_frames = out.len() / width;
    let head_width = width / n_heads;
    let scale = (head_width as f32).powf(-0.5);
    let mut by_head = vec![0.0; out.len()];
    by_head.par_chunks_mut(n_frames * head_width).enumerate().for_each(|(head, head_out)| {
        let columns = |part: usize, frame: usize| {
            let first = frame * 3 * width + part * width + head * head_width;
            NdTensorView::from_slice_with_strides([n_frames - frame, head_width], &qkv[first..], [3 * width, 1])
                .expect("every head lies inside the row")
        };
        let keys = pack_transposed(columns(1, 0));
        let values = pack(columns(2, 0));
        let mut scores = vec![0.0; QUERY_BLOCK.min(n_frames) * n_frames];
        for (block, block_out) in head_out.chunks_mut(QUERY_BLOCK * head_width).enumerate() {
            let n_queries = block_out.len() / head_width;
            let scores = &mut scores[..n_queries * n_frames];
            let queries = columns(0, block * QUERY_BLOCK);
            multiply_packed(queries.slice(..n_queries), &keys, scale, scores);
            for row in scores.chunks_exact_mut(n_frames) {
                Softmax::new_mut(row).dispatch();
            }
            let weights = NdTensorView::from_data([n_queries, n_frames], &*scores);
            multiply_packed(weights, &values, 1.0, block_out);
        }
    });
    out.par_chunks_mut(width).enumerate().for_each(|(frame, row)| {
        for (head, columns) in row.chunks_exact_mut(head_width).enumerate() {
            let first = (head * n_frames + frame) * head_width;
            columns.copy_from_slice(&by_head[first..first + head_width]);
        }
    });
}

/// The same with 13 bits of queries, 12 of keys and values, and up to 16 of the weights between them.
fn self_attention_integer(pairs: Pairs, qkv: &[f32], width: usize, n_heads: usize, out: &mut [f32]) {
    let n_frames = out.len() / width;
    let head_width = width / n_heads;
    let part = |part: usize, frame: usize, head: usize| {
        &qkv[frame * 3 * width + part * width + head * head_width..][..head_width]
    };
    let heads: Vec<KeysValues<i16>> = (0..n_heads)
        .into_par_iter()
        .map(|head| KeysValues::new(pairs, n_frames, |frame| part(1, frame, head), |frame| part(2, frame, head)))
        .collect();
    let task_frames = BLOCKS_PER_TASK * INTEGER_QUERY_BLOCK;
    out.par_chunks_mut(task_frames * width).enumerate().for_each(|(task, out)| {
        let mut scratch = SCRATCH.take();
        for (head, keys_values) in heads.iter().enumerate() {
            for (block, out) in out.chunks_mut(INTEGER_QUERY_BLOCK * width).enumerate() {
                let first = task * task_frames + block * INTEGER_QUERY_BLOCK;
                let queries = (0..out.len() / width).map(|n| part(0, first + n, head));
                keys_values.attend(pairs, queries, &mut out[head * head_width..], width, &mut scratch);
            }
        }
        SCRATCH.set(scratch);
    });
}

/// Keys and values of one head as levels.
pub(super) struct KeysValues<T> {
    /// A column is a key.
    keys: Vec<T>,
    key_scales: Vec<f32>,
    /// A column is one number of all values.
    values: Vec<T>,
    value_scales: Vec<f32>,
}

/// What attention needs while it runs, kept for the next time.
#[derive(Default)]
pub(super) struct Scratch {
    queries: Rows,
    weights: Rows,
    scores: Vec<f32>,
}

impl<T: Level> KeysValues<T> {
    /// From the key and the value of each frame.
    pub(super) fn new<'a>(
        pairs: Pairs,
        n_frames: usize,
        key: impl Fn(usize) -> &'a [f32] + Sync,
        value: impl Fn(usize) -> &'a [f32] + Sync,
    ) -> Self {
        let width = key(0).len();
        // What is not finite counts as zeros, as it does in rows.
        let scale_of = |largest: f32| if largest > 0.0 && largest.is_finite() { largest / T::MAX } else { 0.0 };
        let to_levels_of = |scale: f32| if scale > 0.0 { scale.recip() } else { 0.0 };
        let key_scales: Vec<f32> = (0..n_frames).map(|frame| scale_of(pairs.largest(key(frame)))).collect();
        let keys = to_panels(n_frames, width, |frame, levels: &mut [T]| {
            let to_levels = to_levels_of(key_scales[frame]);
            levels.iter_mut().zip(key(frame)).for_each(|(level, number)| *level = T::nearest(number * to_levels));
        });
        let mut largest = vec![0.0_f32; width];
        for frame in 0..n_frames {
            largest.iter_mut().zip(value(frame)).for_each(|(largest, number)| *largest = largest.max(number.abs()));
        }
        let value_scales: Vec<f32> = largest.into_iter().map(scale_of).collect();
        let values = to_panels(width, n_frames, |column, levels: &mut [T]| {
            let to_levels = to_levels_of(value_scales[column]);
            for (frame, level) in levels.iter_mut().enumerate() {
                *level = T::nearest(value(frame)[column] * to_levels);
            }
        });
        Self { keys, key_scales, values, value_scales }
    }

    /// Attention of some queries of this head to all frames.
    ///
    /// # Shapes
    /// `out` has a row of at least the head's width every `stride` numbers.
    pub(super) fn attend<'a>(
        &self,
        pairs: Pairs,
        queries: impl ExactSizeIterator<Item = &'a [f32]>,
        out: &mut [f32],
        stride: usize,
        scratch: &mut Scratch,
    ) {
        let (n_frames, width, n_queries) = (self.key_scales.len(), self.value_scales.len(), queries.len());
        // Scores are logarithms of weights; to the base 2 they are cheaper to raise.
        let to_log2 = (width as f32).powf(-0.5) * std::f32::consts::LOG2_E;
        let Scratch { queries: rows, weights, scores } = scratch;
        rows.resize(n_queries, width);
        for (index, query) in queries.enumerate() {
            pairs.set_row(rows, index, query, max_row_level::<T>(width).min(QUERY_MAX));
            rows.rescale(index, to_log2);
        }
        scores.resize(n_queries * n_frames, 0.0);
        let columns = Columns { panels: &self.keys, scales: &self.key_scales, bias: &[] };
        pairs.multiply(rows, columns, scores, n_frames, Write::Replace);
        weights.resize(n_queries, n_frames);
        for (index, scores) in scores.chunks_exact_mut(n_frames).enumerate() {
            let total = pairs.exp2(scores);
            // No weight is above 1, and all together are `total`: that bounds the sums of their products.
            let to_levels = (MAX_SUM / (total * T::MAX)).min(f32::from(i16::MAX));
            pairs.set_weights(weights, index, scores, to_levels);
        }
        let columns = Columns { panels: &self.values, scales: &self.value_scales, bias: &[] };
        pairs.multiply(weights, columns, out, stride, Write::Replace);
    }

    /// The key of a frame.
    pub(super) fn key(&self, frame: usize) -> impl Iterator<Item = f32> {
        let scale = self.key_scales[frame];
        column_of(&self.keys, self.value_scales.len(), frame).map(move |level| scale * f32::from(level.widen()))
    }
}

/// Highest level of a query: 13 bits are enough beside keys that have 12.
const QUERY_MAX: f32 = 4095.0;
/// Half of what 32 bits can hold: rounding adds half a level for each product.
const MAX_SUM: f32 = (1 << 30) as f32;

/// Keys and values in `f32`: those of a position and head are `head_width` neighbours, found at
/// `position * position_stride + head * head_stride`.
#[derive(Clone, Copy)]
pub(super) struct PastF32<'a> {
    pub(super) keys: &'a [f32],
    pub(super) values: &'a [f32],
    pub(super) n_positions: usize,
    pub(super) position_stride: usize,
    pub(super) head_stride: usize,
}

impl PastF32<'_> {
    /// Product of a head's query with its key at a position.
    #[inline(always)]
    fn score(self, query: &[f32], head: usize, position: usize) -> f32 {
        let at = position * self.position_stride + head * self.head_stride;
        dot(query, &self.keys[at..][..query.len()])
    }

    /// Adds `weight` times a head's value at a position to `out`.
    #[inline(always)]
    fn add_value(self, weight: f32, head: usize, position: usize, out: &mut [f32]) {
        let at = position * self.position_stride + head * self.head_stride;
        for (sum, value) in out.iter_mut().zip(&self.values[at..]) {
            *sum += weight * value;
        }
    }
}

/// Attention of one position to all that it may see.
///
/// # Shapes
/// `query` and `out` `[width]`, heads as neighbouring columns.
pub(super) fn attend(query: &[f32], past: PastF32<'_>, n_heads: usize, out: &mut [f32]) {
    OneQuery { query, past, n_heads, out }.dispatch();
}

/// Plain loops compiled for each instruction set; `dispatch` picks one at run time.
struct OneQuery<'a> {
    query: &'a [f32],
    past: PastF32<'a>,
    n_heads: usize,
    out: &'a mut [f32],
}

impl SimdOp for OneQuery<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let head_width = self.query.len() / self.n_heads;
        let scale = (head_width as f32).powf(-0.5);
        let mut scores = vec![0.0; self.past.n_positions];
        let heads = self.query.chunks_exact(head_width).zip(self.out.chunks_exact_mut(head_width));
        for (head, (query, out)) in heads.enumerate() {
            for (position, score) in scores.iter_mut().enumerate() {
                *score = scale * self.past.score(query, head, position);
            }
            Softmax::new_mut(&mut scores).eval(isa);
            out.fill(0.0);
            for (position, weight) in scores.iter().enumerate() {
                self.past.add_value(*weight, head, position, out);
            }
        }
    }
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula in f64: softmax(q kᵀ / sqrt(d)) v, for one head.
    fn reference(query: &[f32], keys: &[Vec<f32>], values: &[Vec<f32>]) -> Vec<f64> {
        let scale = 1.0 / (query.len() as f64).sqrt();
        let exps: Vec<f64> = keys
            .iter()
            .map(|key| (scale * query.iter().zip(key).map(|(q, k)| f64::from(q * k)).sum::<f64>()).exp())
            .collect();
        let total: f64 = exps.iter().sum();
        (0..query.len()).map(|n| exps.iter().zip(values).map(|(e, v)| e / total * f64::from(v[n])).sum()).collect()
    }

    #[test]
    fn both_forms_equal_the_formula() {
        for (n_frames, n_heads, head_width) in [(1, 1, 4), (70, 2, 16), (130, 3, 20)] {
            let width = n_heads * head_width;
            let qkv: Vec<f32> = (0..n_frames * 3 * width).map(|n| (n as f32 * 12.9898).sin()).collect();
            let mut out = vec![0.0; n_frames * width];
            self_attention(&qkv, width, n_heads, ComputeType::F32, &mut out);
            let mut out_integer = vec![0.0; n_frames * width];
            self_attention_integer(Pairs::detect(), &qkv, width, n_heads, &mut out_integer);
            let mut out_single = vec![0.0; n_frames * width];
            for (frame, out) in out_single.chunks_exact_mut(width).enumerate() {
                let past = PastF32 {
                    keys: &qkv[width..],
                    values: &qkv[2 * width..],
                    n_positions: n_frames,
                    position_stride: 3 * width,
                    head_stride: head_width,
                };
                attend(&qkv[frame * 3 * width..][..width], past, n_heads, out);
            }
            let part = |frame: usize, part: usize, head: usize| {
                qkv[frame * 3 * width + part * width + head * head_width..][..head_width].to_vec()
            };
            for frame in 0..n_frames {
                for head in 0..n_heads {
                    let keys: Vec<_> = (0..n_frames).map(|frame| part(frame, 1, head)).collect();
                    let values: Vec<_> = (0..n_frames).map(|frame| part(frame, 2, head)).collect();
                    let expected = reference(&part(frame, 0, head), &keys, &values);
                    for (n, expected) in expected.iter().enumerate() {
                        let at = frame * width + head * head_width + n;
                        assert!((f64::from(out[at]) - expected).abs() < 1e-5, "blocked: {} {expected}", out[at]);
                        let integer = f64::from(out_integer[at]);
                        assert!((integer - expected).abs() < 2e-3, "integers: {integer} {expected}");
                        assert!(
                            (f64::from(out_single[at]) - expected).abs() < 1e-5,
                            "single: {} {expected}",
                            out_single[at]
                        );
                    }
                }
            }
        }
    }

    /// All weights equal, one weight alone, and numbers that are none.
    #[test]
    fn integers_stand_the_extremes() {
        const N_FRAMES: usize = 1500;
        const WIDTH: usize = 128;
        let mut qkv = vec![0.0; N_FRAMES * 3 * WIDTH];
        for (frame, row) in qkv.chunks_exact_mut(3 * WIDTH).enumerate() {
            // The first frame's query finds the key of frame 7 alone; all others find every frame.
            row[..WIDTH].fill(if frame == 0 { 100.0 } else { 0.0 });
            row[WIDTH..2 * WIDTH].fill(if frame == 7 { 100.0 } else { 0.0 });
            row[2 * WIDTH..].fill(frame as f32);
        }
        let mut out = vec![0.0; N_FRAMES * WIDTH];
        self_attention_integer(Pairs::detect(), &qkv, WIDTH, 1, &mut out);
        let mean = (N_FRAMES - 1) as f32 / 2.0;
        for (frame, row) in out.chunks_exact(WIDTH).enumerate() {
            let expected = if frame == 0 { 7.0 } else { mean };
            assert!(row.iter().all(|number| (number - expected).abs() < 0.5), "{frame}: {} {expected}", row[0]);
        }
        qkv[5 * 3 * WIDTH + WIDTH] = f32::INFINITY;
        qkv[9 * 3 * WIDTH + 2 * WIDTH] = f32::NAN;
        self_attention_integer(Pairs::detect(), &qkv, WIDTH, 1, &mut out);
        assert!(out.iter().all(|number| number.is_finite()));
    }
}
