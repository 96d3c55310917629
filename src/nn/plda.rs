//! Probabilistic linear discriminant analysis: voices become features in which speakers differ along the axes, by known
//! variances, and one speaker's voices scatter by 1 along each.
//!
//! After pyannote.audio 4.0.7 (`PLDA`), files and results; see Ioffe, "Probabilistic linear discriminant analysis",
//! 2006.

use std::path::Path;

use rayon::prelude::*;

use super::npz::{Npz, NpzError};
use super::vectors::dot;

/// Features that pyannote uses, of those that there are.
const MAX_FEATURES: usize = 128;

/// What voices of many speakers taught about how voices differ.
#[derive(Clone, Debug)]
pub struct Plda {
    /// Mean of all voices, `[dimension]`.
    mean: Vec<f64>,
    /// Linear discriminant analysis, `[reduced, dimension]`.
    discriminants: Vec<f64>,
    /// Mean of what it makes of unit vectors, `[reduced]`.
    reduced_mean: Vec<f64>,
    /// Mean of that with its length set, `[reduced]`.
    centre: Vec<f64>,
    /// The axis of each feature, `[features, reduced]`.
    axes: Vec<f64>,
    /// How far speakers differ along each, `[features]`, highest first.
    variances: Vec<f64>,
}

impl Plda {
    /// Reads `xvec_transform.npz` and `plda.npz` of a folder, as pyannote/speaker-diarization-community-1 has them in
    /// its folder `plda`.
    ///
    /// A voice within a speaker varies by `W = (TᵀT)⁻¹`, speakers by `B = (Tᵀ diag(1/ψ) T)⁻¹`, where the rows of `T`
    /// are the stored axes. pyannote solves `B v = λ W v`, `vᵀ W v = 1` for axes that fit both. For `T` that can be
    /// inverted, `W = T⁻¹T⁻ᵀ` and `B = T⁻¹ diag(ψ) T⁻ᵀ`, so with `v` the row `i` of `T` (`T⁻ᵀ v` is the unit vector
    /// `e_i`) `B v = ψ_i T⁻¹ e_i = ψ_i W v`: the axes are the rows of `T` themselves, but for signs, which nothing
    /// depends on.
    pub fn load(folder: &Path) -> Result<Self, NpzError> {
        let mut transform = Npz::open(&folder.join("xvec_transform.npz"))?;
        let (mean, reduced_mean) = (transform.vector("mean1")?, transform.vector("mean2")?);
        let (dimension, n_reduced) = (mean.len(), reduced_mean.len());
        let by_input = transform.matrix("lda", [dimension, n_reduced])?;
        let mut plda = Npz::open(&folder.join("plda.npz"))?;
        let (centre, variances) = (plda.vector("mu")?, plda.vector("psi")?);
        if dimension == 0 || n_reduced == 0 {
            return Err(transform.wrong("mean1", "any numbers".to_owned()));
        }
        for (name, vector) in [("mu", &centre), ("psi", &variances)] {
            if vector.len() != n_reduced {
                return Err(plda.wrong(name, format!("{n_reduced} floating-point numbers")));
            }
        }
        if !variances.iter().all(|variance| variance.is_finite() && *variance > 0.0) {
            return Err(plda.wrong("psi", "numbers above zero".to_owned()));
        }
        let unsorted = plda.matrix("tr", [n_reduced, n_reduced])?;
        let mut order: Vec<usize> = (0..n_reduced).collect();
        order.sort_by(|a, b| variances[*b].total_cmp(&variances[*a]));
        let all = Self {
            discriminants: (0..n_reduced)
                .flat_map(|column| by_input.iter().skip(column).step_by(n_reduced).copied())
                .collect(),
            axes: order.iter().flat_map(|row| unsorted[row * n_reduced..][..n_reduced].iter().copied()).collect(),
            variances: order.iter().map(|row| variances[*row]).collect(),
            mean,
            reduced_mean,
            centre,
        };
        Ok(all.truncated(MAX_FEATURES))
    }

    /// Only the features in which speakers differ most.
    pub fn truncated(mut self, n_features: usize) -> Self {
        self.variances.truncate(n_features);
        self.axes.truncate(n_features * self.centre.len());
        self
    }

    /// Width of the embeddings that it was made for.
    pub fn dimension(&self) -> usize {
        self.mean.len()
    }

    /// The variance between speakers of each feature, highest first.
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// The features of voices.
    ///
    /// # Shapes
    /// `embeddings` `[voices, dimension]`; returns `[voices, features]`.
    pub fn features(&self, embeddings: &[f32]) -> Vec<f64> {
        let n_features = self.variances.len();
        let mut features = vec![0.0; embeddings.len() / self.dimension() * n_features];
        let rows = features.par_chunks_exact_mut(n_features).zip(embeddings.par_chunks_exact(self.dimension()));
        rows.for_each(|(features, embedding)| {
            let centred = embedding.iter().zip(&self.mean).map(|(value, mean)| f64::from(*value) - mean);
            let voice = with_length_of_noise(centred.collect());
            let rows = self.discriminants.chunks_exact(self.dimension()).zip(&self.reduced_mean);
            let reduced = with_length_of_noise(rows.map(|(row, mean)| dot(row, &voice) - mean).collect());
            let centred: Vec<f64> = reduced.iter().zip(&self.centre).map(|(value, mean)| value - mean).collect();
            for (feature, axis) in features.iter_mut().zip(self.axes.chunks_exact(self.centre.len())) {
                *feature = dot(axis, &centred);
            }
        });
        features
    }
}

/// The vector made as long as one of normally distributed numbers is: the square root of its dimension.
fn with_length_of_noise(mut vector: Vec<f64>) -> Vec<f64> {
    let scale = (vector.len() as f64).sqrt() / dot(&vector, &vector).sqrt();
    for value in &mut vector {
        *value *= scale;
    }
    vector
}
