//! The decoder: tokens in, logits of the next token out.
//!
//! On a graphics card a step takes as long as it takes to start its kernels, whatever they compute. So all sequences with
//! as many new tokens as each other take a step together, and the keys and values that they have seen lie in one tensor,
//! aligned at the end; what is before the shorter ones is masked:
//! ```text
//! sequence 0   a b c d e │ f
//! sequence 1   . . x y z │ u
//! ```
//! The new column is written in place, but only where nobody else looks at that tensor: every row of it belongs to one of
//! the sequences that take the step, and none of them was copied. Otherwise the rows are copied before they are written to.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;

use crate::nn::checkpoint::Scope;

use super::super::WhisperError;
use super::super::config::WhisperConfig;
use super::super::tokenizer::TokenId;
use super::accelerator::DeviceError;
use super::layers::{FeedForward, LayerNorm, Linear, Loader, attend, softmax, to_host};

/// Columns that the memory of sequences grows by.
const COLUMNS_PER_BLOCK: usize = 64;

pub(super) struct Decoder {
    /// `[vocabulary, width]`, both to look tokens up and to compute logits.
    embeddings: Tensor,
    positions: Tensor,
    layers: Vec<Layer>,
    norm: LayerNorm,
    n_heads: usize,
    head_width: usize,
}

struct Layer {
    self_norm: LayerNorm,
    self_qkv: Linear,
    self_out: Linear,
    cross_norm: LayerNorm,
    cross_query: Linear,
    cross_key_value: Linear,
    cross_out: Linear,
    feed_forward: FeedForward,
}

/// Keys and values for cross-attention to one encoded window. Cheap to clone and share.
#[derive(Clone)]
pub(in super::super) struct Encoded {
    /// For each layer `[2, heads, frames, head_width]`: the keys, then the values.
    layers: Arc<[Tensor]>,
    n_frames: usize,
}

/// What one sequence has seen so far. Copies share their memory until one of them sees more.
#[derive(Clone)]
pub(in super::super) struct State {
    encoded: Encoded,
    /// Its memory and the row of it there; `None` before the first token.
    past: Option<(Arc<Past>, usize)>,
    n_tokens: usize,
}

/// Keys and values of sequences that took their last step together.
struct Past {
    /// `[2 * layers, sequences, heads, capacity, head_width]`: the keys of the first layer, its values, and so on.
    rows: Tensor,
    /// Columns in use. A sequence of `n` tokens has the last `n` of them.
    n_columns: usize,
}

/// Whom the queries of cross-attention are shown to: the index of the layer, and `[new tokens, width]`.
pub(in super::super) type Watch<'a> = &'a mut dyn FnMut(usize, &[f32]);

/// A sequence of a batch, and what it sees next.
struct Input<'a> {
    state: &'a mut State,
    tokens: &'a [TokenId],
    /// Its place in the batch.
    sequence: usize,
}

/// Neighbouring rows that look at the same window.
struct Lookers {
    encoded: Encoded,
    rows: Range<usize>,
}

impl Encoded {
    /// Frames of the window, 20 ms each.
    pub(in super::super) fn n_frames(&self) -> usize {
        self.n_frames
    }

    /// The keys of one head in a layer's cross-attention.
    ///
    /// # Shapes
    /// Returns `[n_frames, head_width]`.
    pub(in super::super) fn keys(&self, layer: usize, head: usize) -> Result<Vec<f32>, DeviceError> {
        Ok(to_host(&self.layers[layer].get(0)?.get(head)?)?)
    }
}

impl State {
    /// A sequence that has seen no token, about `encoded`.
    pub(in super::super) fn new(encoded: Encoded) -> Self {
        Self { encoded, past: None, n_tokens: 0 }
    }
}

impl Decoder {
    pub(super) fn load(config: &WhisperConfig, scope: &Scope<'_>, loader: &Loader<'_>) -> Result<Self, WhisperError> {
        let (width, n_heads) = (config.d_model, config.decoder_attention_heads);
        let layer = |index| -> Result<Layer, WhisperError> {
            let scope = scope.nth("layers", index);
            let cross = scope.at("encoder_attn");
            Ok(Layer {
                self_norm: loader.layer_norm(&scope.at("self_attn_layer_norm"), width)?,
                self_qkv: loader.qkv(&scope.at("self_attn"), width, n_heads)?,
                self_out: loader.linear(&scope.at("self_attn.out_proj"), width, width)?,
                cross_norm: loader.layer_norm(&scope.at("encoder_attn_layer_norm"), width)?,
                cross_query: loader.query(&cross, width, n_heads)?,
                cross_key_value: loader.key_value(&cross, width)?,
                cross_out: loader.linear(&cross.at("out_proj"), width, width)?,
                feed_forward: loader.feed_forward(&scope, width, config.decoder_ffn_dim)?,
            })
        };
        Ok(Self {
            embeddings: loader.tensor(&scope.at("embed_tokens"), "weight", &[config.vocab_size, width])?,
            positions: loader.tensor(&scope.at("embed_positions"), "weight", &[config.max_target_positions, width])?,
            layers: (0..config.decoder_layers).map(layer).collect::<Result<_, _>>()?,
            norm: loader.layer_norm(&scope.at("layer_norm"), width)?,
            n_heads,
            head_width: width / n_heads,
        })
    }

    /// Width of the hidden states.
    pub(super) fn width(&self) -> usize {
        self.n_heads * self.head_width
    }

    /// # Shapes
    /// `encoded` `[frames, width]`
    pub(super) fn prepare(&self, encoded: &Tensor) -> candle_core::Result<Encoded> {
        let (n_frames, _) = encoded.dims2()?;
        let by_head = |layer: &Layer| {
            let rows = layer.cross_key_value.forward(encoded)?;
            rows.reshape((n_frames, 2, self.n_heads, self.head_width))?.permute((1, 2, 0, 3))?.contiguous()
        };
        let layers = self.layers.iter().map(by_head).collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Encoded { layers: layers.into(), n_frames })
    }

    /// See [`super::OnDevice::decode`].
    pub(super) fn forward(
        &self,
        batch: &mut [(&mut State, &[TokenId])],
        positions: &[(usize, usize)],
        mut watch: Option<Watch<'_>>,
    ) -> candle_core::Result<Vec<f32>> {
        let mut first_rows = vec![0; batch.len()];
        let mut by_n_new: BTreeMap<usize, Vec<Input<'_>>> = BTreeMap::new();
        for (sequence, (state, tokens)) in batch.iter_mut().enumerate() {
            let n_new = tokens.len();
            by_n_new.entry(n_new).or_default().push(Input { state, tokens, sequence });
        }
        by_n_new.remove(&0);
        let mut hidden = Vec::with_capacity(by_n_new.len());
        let mut n_rows = 0;
        for (n_new, mut inputs) in by_n_new {
            for input in &inputs {
                first_rows[input.sequence] = n_rows;
                n_rows += n_new;
            }
            hidden.push(self.step(&mut inputs, n_new, &mut watch)?);
        }
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let chosen = positions.iter().map(|(sequence, n)| first_rows[*sequence] + n);
        let chosen = Tensor::cat(&hidden, 0)?.index_select(&self.indices(chosen)?, 0)?;
        to_host(&self.norm.forward(&chosen)?.matmul(&self.embeddings.t()?)?)
    }

    /// Takes a step with sequences that all see `n_new` tokens. Where it fails, the sequences are as they were.
    ///
    /// # Shapes
    /// Returns the hidden states before the last normalisation, `[sequences * n_new, width]`.
    fn step(
        &self,
        inputs: &mut [Input<'_>],
        n_new: usize,
        watch: &mut Option<Watch<'_>>,
    ) -> candle_core::Result<Tensor> {
        let (n_sequences, width) = (inputs.len(), self.width());
        let n_rows = n_sequences * n_new;
        let Past { rows: memory, n_columns: n_before } = self.gather(inputs, n_new)?;
        let n_columns = n_before + n_new;
        let mask = self.mask(inputs, n_before, n_new)?;
        let lookers = lookers(inputs, n_new);

        let tokens = inputs.iter().flat_map(|input| input.tokens).map(|token| *token as usize);
        let tokens = self.embeddings.index_select(&self.indices(tokens)?, 0)?;
        let places = inputs.iter().flat_map(|input| input.state.n_tokens..input.state.n_tokens + n_new);
        let mut x = tokens.add(&self.positions.index_select(&self.indices(places)?, 0)?)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let qkv = layer.self_qkv.forward(&layer.self_norm.forward(&x)?)?;
            let qkv = qkv.reshape((n_sequences, n_new, 3, self.n_heads, self.head_width))?;
            let qkv = qkv.permute((2, 0, 3, 1, 4))?.contiguous()?;
            let seen = memory.narrow(0, 2 * index, 2)?;
            seen.slice_set(&qkv.narrow(0, 1, 2)?, 3, n_before)?;
            let seen = seen.narrow(3, 0, n_columns)?;
            // `get` would copy them, for they do not lie together any more.
            let (keys, values) = (seen.get_on_dim(0, 0)?, seen.get_on_dim(0, 1)?);
            let attended = attend(&qkv.get(0)?, &keys, &values, mask.as_ref())?;
            let attended = attended.transpose(1, 2)?.reshape((n_rows, width))?;
            x = x.add(&layer.self_out.forward(&attended)?)?;

            let queries = layer.cross_query.forward(&layer.cross_norm.forward(&x)?)?;
            if let Some(watch) = watch {
                let unscaled = to_host(&queries.affine((self.head_width as f64).sqrt(), 0.0)?)?;
                watch(index, &unscaled);
            }
            x = x.add(&layer.cross_out.forward(&self.look(&queries, &lookers, index)?)?)?;
            x = layer.feed_forward.forward(&x)?;
        }
        let past = Arc::new(Past { rows: memory, n_columns });
        for (row, input) in inputs.iter_mut().enumerate() {
            input.state.past = Some((past.clone(), row));
            input.state.n_tokens += n_new;
        }
        Ok(x)
    }

    /// The memories of some sequences side by side, with room for `n_new` more columns, which may be written to.
    fn gather(&self, inputs: &[Input<'_>], n_new: usize) -> candle_core::Result<Past> {
        if let Some((past, rows)) = shared_past(inputs)
            && past.n_columns + n_new <= past.rows.dim(3)?
        {
            let is_whole = rows.len() == past.rows.dim(1)? && rows.iter().copied().eq(0..rows.len());
            // Each of these states counts once, and all of them are borrowed for writing: another look would be a copy's.
            let is_theirs_alone = Arc::strong_count(past) == rows.len();
            let rows = if is_whole && is_theirs_alone {
                past.rows.clone()
            } else {
                past.rows.index_select(&self.indices(rows.into_iter())?, 1)?
            };
            return Ok(Past { rows, n_columns: past.n_columns });
        }
        let n_columns = inputs.iter().map(|input| input.state.n_tokens).max().unwrap_or(0);
        let capacity = (n_columns + n_new).next_multiple_of(COLUMNS_PER_BLOCK);
        let row_of = |input: &Input<'_>| {
            let Some((past, row)) = &input.state.past else {
                let shape = (2 * self.layers.len(), 1, self.n_heads, capacity, self.head_width);
                return Tensor::zeros(shape, self.embeddings.dtype(), self.embeddings.device());
            };
            let n_tokens = input.state.n_tokens;
            let row = past.rows.narrow(1, *row, 1)?.narrow(3, past.n_columns - n_tokens, n_tokens)?.contiguous()?;
            // There is at least one new column, so that this copies even where nothing else did.
            row.pad_with_zeros(3, n_columns - n_tokens, capacity - n_columns)
        };
        let rows = inputs.iter().map(row_of).collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Past { rows: Tensor::cat(&rows, 1)?, n_columns })
    }

    /// What each new token may see: those before it in its sequence, and itself. `None` where that is every column.
    ///
    /// # Shapes
    /// `[sequences, 1, n_new, columns]`: 0, or minus infinity, to be added to the score.
    fn mask(&self, inputs: &[Input<'_>], n_before: usize, n_new: usize) -> candle_core::Result<Option<Tensor>> {
        if n_new == 1 && inputs.iter().all(|input| input.state.n_tokens == n_before) {
            return Ok(None);
        }
        let n_columns = n_before + n_new;
        let mut scores = Vec::with_capacity(inputs.len() * n_new * n_columns);
        for input in inputs {
            let first = n_before - input.state.n_tokens;
            for last in n_before..n_columns {
                let score = |column| if (first..=last).contains(&column) { 0.0_f32 } else { f32::NEG_INFINITY };
                scores.extend((0..n_columns).map(score));
            }
        }
        Tensor::from_vec(scores, (inputs.len(), 1, n_new, n_columns), self.embeddings.device()).map(Some)
    }

    /// Cross-attention. The products are made for each window, the softmax for all of them at once.
    ///
    /// # Shapes
    /// `queries` `[rows, width]`; returns the same.
    fn look(&self, queries: &Tensor, lookers: &[Lookers], layer: usize) -> candle_core::Result<Tensor> {
        let (n_rows, width) = queries.dims2()?;
        let queries = queries.reshape((n_rows, self.n_heads, self.head_width))?.transpose(0, 1)?.contiguous()?;
        let scores = lookers.iter().map(|Lookers { encoded, rows }| {
            queries.narrow(1, rows.start, rows.len())?.matmul(&encoded.layers[layer].get(0)?.t()?)
        });
        let scores = scores.collect::<candle_core::Result<Vec<_>>>()?;
        let weights = softmax(&Tensor::cat(&scores, 1)?, None)?;
        let attended = lookers.iter().map(|Lookers { encoded, rows }| {
            weights.narrow(1, rows.start, rows.len())?.matmul(&encoded.layers[layer].get(1)?)
        });
        let attended = attended.collect::<candle_core::Result<Vec<_>>>()?;
        Tensor::cat(&attended, 1)?.transpose(0, 1)?.reshape((n_rows, width))
    }

    fn indices(&self, indices: impl Iterator<Item = usize>) -> candle_core::Result<Tensor> {
        let indices: Vec<u32> = indices.map(|index| index as u32).collect();
        let n_indices = indices.len();
        Tensor::from_vec(indices, n_indices, self.embeddings.device())
    }
}

/// The memory that all of these sequences share, and the row of each in it.
fn shared_past<'a>(inputs: &'a [Input<'_>]) -> Option<(&'a Arc<Past>, Vec<usize>)> {
    let (first, _) = inputs.first()?.state.past.as_ref()?;
    let row_of = |input: &Input<'_>| {
        let (past, row) = input.state.past.as_ref()?;
        Arc::ptr_eq(past, first).then_some(*row)
    };
    Some((first, inputs.iter().map(row_of).collect::<Option<_>>()?))
}

/// The texts that a search follows are about the same window, and stand beside each other.
fn lookers(inputs: &[Input<'_>], n_new: usize) -> Vec<Lookers> {
    let mut lookers: Vec<Lookers> = Vec::new();
    for (n, input) in inputs.iter().enumerate() {
        let encoded = &input.state.encoded;
        match lookers.last_mut() {
            Some(last) if Arc::ptr_eq(&last.encoded.layers, &encoded.layers) => last.rows.end += n_new,
            _ => lookers.push(Lookers { encoded: encoded.clone(), rows: n * n_new..(n + 1) * n_new }),
        }
    }
    lookers
}
