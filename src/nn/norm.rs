//! Layer normalisation over rows.

use rayon::prelude::*;
use rten_simd::{Isa, SimdOp};

/// Epsilon of PyTorch's default, which all our networks use.
const EPSILON: f32 = 1e-5;
/// Partial sums that the compiler keeps in vector registers.
const LANES: usize = 16;
/// Rows per parallel task: enough work to pay for handing it over.
const ROWS_PER_TASK: usize = 64;

/// `y = (x - mean) / sqrt(var + 1e-5) * weight + bias` over each row, with the population variance.
pub(super) struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl LayerNorm {
    /// From `weight` and `bias`, each as wide as a row.
    pub(super) fn new(weight: Vec<f32>, bias: Vec<f32>) -> Self {
        Self { weight, bias }
    }

    /// Normalises each row of `x` into `out`.
    ///
    /// # Shapes
    /// `x` and `out` `[rows, width]`.
    pub(super) fn forward(&self, x: &[f32], out: &mut [f32]) {
        let rows = self.weight.len() * ROWS_PER_TASK;
        x.par_chunks(rows).zip(out.par_chunks_mut(rows)).for_each(|(x, out)| Rows { norm: self, x, out }.dispatch());
    }
}

/// The same plain loop compiled for each instruction set; `dispatch` picks one at run time.
struct Rows<'a> {
    norm: &'a LayerNorm,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl SimdOp for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _isa: I) {
        let LayerNorm { weight, bias } = self.norm;
        let width = weight.len();
        for (x, out) in self.x.chunks_exact(width).zip(self.out.chunks_exact_mut(width)) {
            let mean = sum_of(x, |value| value) / width as f32;
            let variance = sum_of(x, |value| (value - mean) * (value - mean)) / width as f32;
            let scale = 1.0 / (variance + EPSILON).sqrt();
            for (((y, x), weight), bias) in out.iter_mut().zip(x).zip(weight).zip(bias) {
                *y = (x - mean) * scale * weight + bias;
            }
        }
    }
}

#[inline(always)]
fn sum_of(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for block in blocks {
        for (sum, value) in sums.iter_mut().zip(block) {
            *sum += term(*value);
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|value| term(*value)).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_formula() {
        for width in [1, 5, 16, 64, 100] {
            let x: Vec<f32> = (0..3 * width).map(|n| (n as f32 * 0.7).sin() * 3.0 + 5.0).collect();
            let weight: Vec<f32> = (0..width).map(|n| 1.0 + n as f32 * 0.01).collect();
            let bias: Vec<f32> = (0..width).map(|n| n as f32 * -0.02).collect();
            let mut out = vec![0.0; x.len()];
            LayerNorm::new(weight.clone(), bias.clone()).forward(&x, &mut out);
            for (row, out) in x.chunks(width).zip(out.chunks(width)) {
                let mean = row.iter().map(|x| f64::from(*x)).sum::<f64>() / width as f64;
                let variance = row.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / width as f64;
                for n in 0..width {
                    let y = (f64::from(row[n]) - mean) / (variance + 1e-5).sqrt() * f64::from(weight[n])
                        + f64::from(bias[n]);
                    assert!((f64::from(out[n]) - y).abs() < 1e-4, "width {width}: {} is not {y}", out[n]);
                }
            }
        }
    }
}
