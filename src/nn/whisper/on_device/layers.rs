//! What encoder and decoder are made of, and how their weights come from a checkpoint to a device.

use std::cell::Cell;

use candle_core::{DType, Tensor};
use candle_nn::ops::{layer_norm, softmax_last_dim};

use crate::nn::checkpoint::{CheckpointError, Scope};

use super::super::WhisperError;
use super::accelerator::{Accelerator, DeviceError};

const CONV_KERNEL: usize = 3;
/// Epsilon of PyTorch's default, which all of Whisper's normalisations use.
const EPSILON: f32 = 1e-5;

/// Scaled dot-product attention; the queries are scaled already.
///
/// # Shapes
/// `queries` `[.., m, head_width]`, `keys` and `values` `[.., n, head_width]`; `mask` fits `[.., m, n]`.
pub(super) fn attend(
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    mask: Option<&Tensor>,
) -> candle_core::Result<Tensor> {
    softmax(&queries.matmul(&keys.t()?)?, mask)?.matmul(values)
}

/// Softmax over the last axis, in 32 bits, of scores with a mask added to them.
pub(super) fn softmax(scores: &Tensor, mask: Option<&Tensor>) -> candle_core::Result<Tensor> {
    let mut exact = scores.to_dtype(DType::F32)?;
    if let Some(mask) = mask {
        exact = exact.broadcast_add(mask)?;
    }
    softmax_last_dim(&exact)?.to_dtype(scores.dtype())
}

/// The values of a tensor, in row-major order.
pub(super) fn to_host(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
}

/// `y = x Wᵀ + b`
pub(super) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// # Shapes
    /// `x` `[rows, n_in]`; returns `[rows, n_out]`.
    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        x.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)
    }
}

/// Along time, with as many frames out as in, divided by the stride.
pub(super) struct Convolution {
    weight: Tensor,
    /// `[1, channels, 1]`
    bias: Tensor,
    stride: usize,
}

impl Convolution {
    /// # Shapes
    /// `x` `[1, n_in, frames]`; returns `[1, n_out, frames / stride]`.
    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        x.conv1d(&self.weight, CONV_KERNEL / 2, self.stride, 1, 1)?.broadcast_add(&self.bias)
    }
}

/// Over each row.
pub(super) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
}

impl LayerNorm {
    /// # Shapes
    /// `x` `[rows, width]`; returns the same.
    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        layer_norm(x, &self.weight, &self.bias, EPSILON)
    }
}

/// LayerNorm, widen, GELU, narrow; the same in encoder and decoder.
pub(super) struct FeedForward {
    norm: LayerNorm,
    widen: Linear,
    narrow: Linear,
}

impl FeedForward {
    /// `x` `[rows, width]` with the block's output added.
    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let wide = self.widen.forward(&self.norm.forward(x)?)?.gelu_erf()?;
        x.add(&self.narrow.forward(&wide)?)
    }
}

/// Puts weights on a device and counts their bytes there.
pub(super) struct Loader<'a> {
    pub(super) accelerator: &'a Accelerator,
    pub(super) n_bytes: Cell<usize>,
}

impl Loader<'_> {
    /// The tensor `name`.
    pub(super) fn tensor(&self, scope: &Scope<'_>, name: &str, shape: &[usize]) -> Result<Tensor, WhisperError> {
        Ok(self.put(scope.tensor(name, shape)?, shape)?)
    }

    pub(super) fn linear(&self, scope: &Scope<'_>, n_in: usize, n_out: usize) -> Result<Linear, WhisperError> {
        let weight = self.tensor(scope, "weight", &[n_out, n_in])?;
        Ok(Linear { weight, bias: self.tensor(scope, "bias", &[n_out])? })
    }

    pub(super) fn layer_norm(&self, scope: &Scope<'_>, width: usize) -> Result<LayerNorm, WhisperError> {
        let weight = self.tensor(scope, "weight", &[width])?;
        Ok(LayerNorm { weight, bias: self.tensor(scope, "bias", &[width])? })
    }

    pub(super) fn convolution(
        &self,
        scope: &Scope<'_>,
        n_in: usize,
        n_out: usize,
        stride: usize,
    ) -> Result<Convolution, WhisperError> {
        let weight = self.tensor(scope, "weight", &[n_out, n_in, CONV_KERNEL])?;
        let bias = self.put(scope.tensor("bias", &[n_out])?, &[1, n_out, 1])?;
        Ok(Convolution { weight, bias, stride })
    }

    pub(super) fn feed_forward(
        &self,
        scope: &Scope<'_>,
        width: usize,
        inner: usize,
    ) -> Result<FeedForward, WhisperError> {
        Ok(FeedForward {
            norm: self.layer_norm(&scope.at("final_layer_norm"), width)?,
            widen: self.linear(&scope.at("fc1"), width, inner)?,
            narrow: self.linear(&scope.at("fc2"), inner, width)?,
        })
    }

    /// The three projections of self-attention as one layer.
    pub(super) fn qkv(&self, scope: &Scope<'_>, width: usize, n_heads: usize) -> Result<Linear, WhisperError> {
        let parts = [queries(scope, width, n_heads)?, keys(scope, width)?, values(scope, width)?];
        Ok(self.fused(&parts, width)?)
    }

    /// The projection of cross-attention to queries.
    pub(super) fn query(&self, scope: &Scope<'_>, width: usize, n_heads: usize) -> Result<Linear, WhisperError> {
        Ok(self.fused(&[queries(scope, width, n_heads)?], width)?)
    }

    /// The projections of cross-attention to keys and values as one layer.
    pub(super) fn key_value(&self, scope: &Scope<'_>, width: usize) -> Result<Linear, WhisperError> {
        Ok(self.fused(&[keys(scope, width)?, values(scope, width)?], width)?)
    }

    /// Layers that read the same input as one, their outputs side by side.
    fn fused(&self, parts: &[WeightAndBias], n_in: usize) -> Result<Linear, DeviceError> {
        let weight: Vec<f32> = parts.iter().flat_map(|(weight, _)| weight).copied().collect();
        let bias: Vec<f32> = parts.iter().flat_map(|(_, bias)| bias).copied().collect();
        let n_out = bias.len();
        Ok(Linear { weight: self.put(weight, &[n_out, n_in])?, bias: self.put(bias, &[n_out])? })
    }

    fn put(&self, values: Vec<f32>, shape: &[usize]) -> Result<Tensor, DeviceError> {
        let tensor = self.accelerator.tensor(values, shape)?;
        self.n_bytes.set(self.n_bytes.get() + tensor.elem_count() * tensor.dtype().size_in_bytes());
        Ok(tensor)
    }
}

type WeightAndBias = (Vec<f32>, Vec<f32>);

/// The projection to queries, scaled by `1 / sqrt(head_width)`, so that scores need not be.
fn queries(scope: &Scope<'_>, width: usize, n_heads: usize) -> Result<WeightAndBias, CheckpointError> {
    let scope = scope.at("q_proj");
    let (mut weight, mut bias) = (scope.tensor("weight", &[width, width])?, scope.tensor("bias", &[width])?);
    let scale = ((width / n_heads) as f32).powf(-0.5);
    weight.iter_mut().chain(&mut bias).for_each(|value| *value *= scale);
    Ok((weight, bias))
}

/// Keys have no bias.
fn keys(scope: &Scope<'_>, width: usize) -> Result<WeightAndBias, CheckpointError> {
    Ok((scope.at("k_proj").tensor("weight", &[width, width])?, vec![0.0; width]))
}

fn values(scope: &Scope<'_>, width: usize) -> Result<WeightAndBias, CheckpointError> {
    let scope = scope.at("v_proj");
    Ok((scope.tensor("weight", &[width, width])?, scope.tensor("bias", &[width])?))
}
