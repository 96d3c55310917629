//! Variational Bayes clustering of features: a mixture of Gaussians, one for each speaker, whose means are drawn by the
//! variances between speakers, and of which those that explain nothing die out.
//!
//! After Landini et al., "Bayesian HMM clustering of x-vector sequences (`VBx`) in speaker diarization", 2022, whose
//! equations are numbered here, without the transitions between speakers; and pyannote.audio 4.0.7 (`VBx`).

use std::f64::consts::TAU;

use rayon::prelude::*;

use crate::nn::vectors::{add_scaled, dot};

const MAX_ITERATIONS: usize = 20;
/// An iteration that gains less is the last.
const MIN_GAIN: f64 = 1e-4;
/// How much more the speaker that a voice begins with weighs, as a logarithm.
const FIRST_WEIGHT: f64 = 7.0;
/// Keeps the logarithm of a speaker's share finite.
const MIN_SHARE: f64 = 1e-8;
/// Voices that one task works on. Sums are made of the tasks' sums in their order, however many threads there are.
const VOICES_PER_TASK: usize = 128;

/// Who speaks with which voice.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// Speakers that it began with.
    pub n_speakers: usize,
    /// How likely each speaker is to be that of each voice, `[voices, speakers]`, each row adding up to 1.
    pub responsibilities: Vec<f64>,
    /// The share of the voices that each speaker has, `[speakers]`.
    pub shares: Vec<f64>,
}

/// Finds the speakers, beginning with some clusters, which should be too many rather than too few.
///
/// # Shapes
/// `features` `[voices, features]`, `variances` `[features]` between speakers, `clusters` `[voices]`.
pub fn vbx(features: &[f64], variances: &[f64], clusters: &[usize], fa: f64, fb: f64) -> Mixture {
    let n_speakers = clusters.iter().max().map_or(0, |highest| highest + 1);
    if n_speakers == 0 {
        return Mixture { n_speakers, responsibilities: Vec::new(), shares: Vec::new() };
    }
    let width = variances.len();
    let deviations: Vec<f64> = variances.iter().map(|variance| variance.sqrt()).collect();
    // (18), and the part of (23) that speakers share.
    let mut rho = features.to_vec();
    for row in rho.chunks_exact_mut(width) {
        for (value, deviation) in row.iter_mut().zip(&deviations) {
            *value *= deviation;
        }
    }
    let shared: Vec<f64> =
        features.chunks_exact(width).map(|row| -0.5 * (dot(row, row) + width as f64 * TAU.ln())).collect();

    let mut responsibilities = first_responsibilities(clusters, n_speakers);
    let mut shares = vec![1.0 / n_speakers as f64; n_speakers];
    let mut last_bound = f64::NEG_INFINITY;
    for _ in 0..MAX_ITERATIONS {
        let speakers = Speakers::estimate(&responsibilities, &rho, variances, fa / fb);
        let log_shares: Vec<f64> = shares.iter().map(|share| (share + MIN_SHARE).ln()).collect();
        let offsets: Vec<f64> = speakers.penalties.iter().map(|penalty| -0.5 * penalty).collect();
        let rows = responsibilities.par_chunks_mut(VOICES_PER_TASK * n_speakers);
        let voices = rho.par_chunks(VOICES_PER_TASK * width).zip(shared.par_chunks(VOICES_PER_TASK));
        let log_likelihoods: Vec<f64> = rows
            .zip(voices)
            .map(|(rows, (voices, shared))| {
                let voices = voices.chunks_exact(width).zip(shared);
                let of_each = rows.chunks_exact_mut(n_speakers).zip(voices).map(|(row, (voice, shared))| {
                    // (23) plus the logarithm of the share.
                    for (n, value) in row.iter_mut().enumerate() {
                        let mean = &speakers.means[n * width..][..width];
                        *value = fa * (dot(voice, mean) + offsets[n] + shared) + log_shares[n];
                    }
                    softmax(row)
                });
                of_each.sum::<f64>()
            })
            .collect();
        shares = column_sums(&responsibilities, n_speakers);
        let total: f64 = shares.iter().sum();
        for share in &mut shares {
            *share /= total;
        }
        // (25)
        let bound = log_likelihoods.iter().sum::<f64>() + fb * 0.5 * speakers.divergence;
        if bound - last_bound < MIN_GAIN {
            break;
        }
        last_bound = bound;
    }
    Mixture { n_speakers, responsibilities, shares }
}

/// What is believed of the speakers' means.
struct Speakers {
    /// `[speakers, features]`, (16).
    means: Vec<f64>,
    /// What the uncertainty of a mean and its size take off its likelihoods, `[speakers]`, of (23).
    penalties: Vec<f64>,
    /// How far the beliefs are from those before any voice was heard, of (25).
    divergence: f64,
}

impl Speakers {
    fn estimate(responsibilities: &[f64], rho: &[f64], variances: &[f64], ratio: f64) -> Self {
        let width = variances.len();
        let n_speakers = responsibilities.len() / (rho.len() / width);
        let parts: Vec<Vec<f64>> = responsibilities
            .par_chunks(VOICES_PER_TASK * n_speakers)
            .zip(rho.par_chunks(VOICES_PER_TASK * width))
            .map(|(responsibilities, voices)| {
                let mut sums = vec![0.0; n_speakers * width];
                for (row, voice) in responsibilities.chunks_exact(n_speakers).zip(voices.chunks_exact(width)) {
                    for (sum, responsibility) in sums.chunks_exact_mut(width).zip(row) {
                        add_scaled(sum, *responsibility, voice);
                    }
                }
                sums
            })
            .collect();
        let mut means = vec![0.0; n_speakers * width];
        for part in &parts {
            add_scaled(&mut means, 1.0, part);
        }
        let n_voices = column_sums(responsibilities, n_speakers);
        let mut penalties = vec![0.0; n_speakers];
        let mut divergence = 0.0;
        for ((mean, n_voices), penalty) in means.chunks_exact_mut(width).zip(n_voices).zip(&mut penalties) {
            for (value, variance) in mean.iter_mut().zip(variances) {
                // (17) and (16)
                let uncertainty = 1.0 / (1.0 + ratio * n_voices * variance);
                *value *= ratio * uncertainty;
                let square = *value * *value;
                *penalty += (uncertainty + square) * variance;
                divergence += uncertainty.ln() - uncertainty - square + 1.0;
            }
        }
        Self { means, penalties, divergence }
    }
}

/// Each voice belongs mostly to its cluster.
fn first_responsibilities(clusters: &[usize], n_speakers: usize) -> Vec<f64> {
    let mut responsibilities = vec![0.0; clusters.len() * n_speakers];
    for (row, cluster) in responsibilities.chunks_exact_mut(n_speakers).zip(clusters) {
        row[*cluster] = FIRST_WEIGHT;
        softmax(row);
    }
    responsibilities
}

/// Logarithms of weights become shares of their sum, whose logarithm is returned.
fn softmax(row: &mut [f64]) -> f64 {
    let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log_sum = highest + row.iter().map(|value| (value - highest).exp()).sum::<f64>().ln();
    for value in row {
        *value = (*value - log_sum).exp();
    }
    log_sum
}

fn column_sums(rows: &[f64], n_columns: usize) -> Vec<f64> {
    let mut sums = vec![0.0; n_columns];
    for row in rows.chunks_exact(n_columns) {
        add_scaled(&mut sums, 1.0, row);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speakers_that_explain_nothing_die_out() {
        // Two speakers, far apart along the first axis; the first clusters split one of them.
        let voices: Vec<f64> =
            (0..40).flat_map(|n| [if n < 20 { 5.0 } else { -5.0 }, 0.1 * f64::from(n % 3)]).collect();
        let clusters: Vec<usize> = (0..40).map(|n| usize::from(n >= 4) + usize::from(n >= 20)).collect();
        let mixture = vbx(&voices, &[25.0, 1.0], &clusters, 0.5, 5.0);
        let mut shares: Vec<f64> = mixture.shares.iter().map(|share| (share * 100.0).round()).collect();
        shares.sort_by(f64::total_cmp);
        assert_eq!(shares, [0.0, 50.0, 50.0], "{mixture:?}");
        assert_eq!(vbx(&[], &[25.0, 1.0], &[], 0.5, 5.0).n_speakers, 0);
    }
}
