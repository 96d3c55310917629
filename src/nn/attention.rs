//! Scaled dot-product attention, in the two forms that transformers need: all queries of a window at once, in blocks
//! (encoder), and one query against a cache of keys and values (decoder).

use rayon::prelude::*;
use rten_simd::{Isa, SimdOp};
use rten_tensor::NdTensorView;
use rten_vecmath::Softmax;

use super::linear::{multiply_packed, pack, pack_transposed};

/// Queries per block: with 1,500 keys their scores are 384 kB, which stay in the second-level cache, so that the
/// matrix of all scores (9 MB a head) is never written to memory.
const QUERY_BLOCK: usize = 64;
/// Partial sums that the compiler keeps in vector registers.
const LANES: usize = 8;

/// Attention of every frame of a window to every other, without a mask.
///
/// # Shapes
/// `qkv` `[frames, 3 * width]`: queries, keys and values side by side; `out` `[frames, width]`. Heads are `width /
/// n_heads` neighbouring columns. Scores are scaled by `1 / sqrt(width / n_heads)`.
pub(super) fn self_attention(qkv: &[f32], width: usize, n_heads: usize, out: &mut [f32]) {
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

/// Keys and values that decoding steps look back on, however they are stored.
pub(super) trait Past: Copy {
    /// How many positions the query may see.
    fn n_positions(self) -> usize;

    /// Product of a head's query with its key at a position.
    fn score(self, query: &[f32], head: usize, position: usize) -> f32;

    /// Adds `weight` times a head's value at a position to `out`.
    fn add_value(self, weight: f32, head: usize, position: usize, out: &mut [f32]);
}

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

impl Past for PastF32<'_> {
    #[inline(always)]
    fn n_positions(self) -> usize {
        self.n_positions
    }

    #[inline(always)]
    fn score(self, query: &[f32], head: usize, position: usize) -> f32 {
        let at = position * self.position_stride + head * self.head_stride;
        dot(query, &self.keys[at..][..query.len()])
    }

    #[inline(always)]
    fn add_value(self, weight: f32, head: usize, position: usize, out: &mut [f32]) {
        let at = position * self.position_stride + head * self.head_stride;
        for (sum, value) in out.iter_mut().zip(&self.values[at..]) {
            *sum += weight * value;
        }
    }
}

/// Rows of numbers as signed bytes with one scale for each row: a quarter of the memory to go through for each token.
pub(super) struct ByteRows {
    bytes: Vec<i8>,
    scales: Vec<f32>,
    width: usize,
}

impl ByteRows {
    /// Quantises `[rows, width]`.
    pub(super) fn new(values: &[f32], width: usize) -> Self {
        const MAX_LEVEL: f32 = 127.0;
        let mut bytes = Vec::with_capacity(values.len());
        let mut scales = Vec::with_capacity(values.len() / width);
        for row in values.chunks_exact(width) {
            let largest = row.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            let scale = if largest > 0.0 { largest / MAX_LEVEL } else { 1.0 };
            scales.push(scale);
            bytes.extend(row.iter().map(|value| (value / scale).round() as i8));
        }
        Self { bytes, scales, width }
    }

    /// The bytes of a row, and what to multiply them by.
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> (&[i8], f32) {
        (&self.bytes[row * self.width..][..self.width], self.scales[row])
    }
}

/// Keys and values as bytes, `[heads, positions, head_width]`.
#[derive(Clone, Copy)]
pub(super) struct PastInt8<'a> {
    pub(super) keys: &'a ByteRows,
    pub(super) values: &'a ByteRows,
    pub(super) n_positions: usize,
}

impl Past for PastInt8<'_> {
    #[inline(always)]
    fn n_positions(self) -> usize {
        self.n_positions
    }

    #[inline(always)]
    fn score(self, query: &[f32], head: usize, position: usize) -> f32 {
        let (bytes, scale) = self.keys.row(head * self.n_positions + position);
        scale * dot_with_bytes(query, bytes)
    }

    #[inline(always)]
    fn add_value(self, weight: f32, head: usize, position: usize, out: &mut [f32]) {
        let (bytes, scale) = self.values.row(head * self.n_positions + position);
        let weight = weight * scale;
        for (sum, byte) in out.iter_mut().zip(bytes) {
            *sum += weight * f32::from(*byte);
        }
    }
}

/// Attention of one position to all that it may see.
///
/// # Shapes
/// `query` and `out` `[width]`, heads as neighbouring columns.
pub(super) fn attend(query: &[f32], past: impl Past, n_heads: usize, out: &mut [f32]) {
    OneQuery { query, past, n_heads, out }.dispatch();
}

/// Plain loops compiled for each instruction set; `dispatch` picks one at run time.
struct OneQuery<'a, P> {
    query: &'a [f32],
    past: P,
    n_heads: usize,
    out: &'a mut [f32],
}

impl<P: Past> SimdOp for OneQuery<'_, P> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let head_width = self.query.len() / self.n_heads;
        let scale = (head_width as f32).powf(-0.5);
        let mut scores = vec![0.0; self.past.n_positions()];
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
fn dot_with_bytes(a: &[f32], b: &[i8]) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * f32::from(b[lane]);
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * f32::from(*b)).sum::<f32>()
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
            self_attention(&qkv, width, n_heads, &mut out);
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
}
