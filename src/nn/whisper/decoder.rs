//! Whisper's decoder: tokens in, logits of the next token out. Sequences of a batch step together, so that each weight
//! is read once for all of them; what a sequence remembers is its own [`DecoderState`].

use std::sync::Arc;

use rayon::prelude::*;

use super::super::attention::{ByteRows, PastF32, PastInt8, attend};
use super::super::checkpoint::{CheckpointError, Scope};
use super::super::linear::{ComputeType, Linear, Write};
use super::super::norm::LayerNorm;
use super::config::WhisperConfig;
use super::encoder::{FeedForward, qkv};
use super::tokenizer::TokenId;

pub(super) struct Decoder {
    /// `[vocabulary, width]`, to look tokens up.
    embeddings: Embeddings,
    /// The same matrix, packed, to compute logits.
    logits: Linear,
    positions: Vec<f32>,
    layers: Vec<Layer>,
    norm: LayerNorm,
    width: usize,
    n_heads: usize,
    compute_type: ComputeType,
}

enum Embeddings {
    F32(Vec<f32>),
    Int8(ByteRows),
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

/// Keys and values for cross-attention to one encoded window, for each layer. Cheap to clone and share.
#[derive(Clone)]
pub struct Encoded {
    layers: Arc<[CrossKeyValues]>,
    n_frames: usize,
}

/// # Shapes
/// `[heads, frames, head_width]`, so that one head's keys lie together.
enum CrossKeyValues {
    F32 { keys: Vec<f32>, values: Vec<f32> },
    Int8 { keys: ByteRows, values: ByteRows },
}

/// What one sequence has seen so far.
#[derive(Clone)]
pub struct DecoderState {
    encoded: Encoded,
    layers: Vec<SelfKeyValues>,
    n_tokens: usize,
}

/// # Shapes
/// `[tokens, width]`
#[derive(Clone, Default)]
struct SelfKeyValues {
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl DecoderState {
    /// A sequence that has seen no token, about `encoded`.
    pub fn new(encoded: Encoded) -> Self {
        let layers = encoded.layers.iter().map(|_| SelfKeyValues::default()).collect();
        Self { encoded, layers, n_tokens: 0 }
    }
}

impl Decoder {
    pub(super) fn load(config: &WhisperConfig, scope: &Scope<'_>) -> Result<Self, CheckpointError> {
        let width = config.d_model;
        let embeddings = scope.at("embed_tokens").weight("weight", &[config.vocab_size, width])?;
        let layer = |index| {
            let scope = scope.nth("layers", index);
            let cross = scope.at("encoder_attn");
            let key = (cross.at("k_proj").weight("weight", &[width, width])?, Vec::new());
            let value =
                (cross.at("v_proj").weight("weight", &[width, width])?, cross.at("v_proj").tensor("bias", &[width])?);
            Ok(Layer {
                self_norm: scope.at("self_attn_layer_norm").layer_norm(width)?,
                self_qkv: qkv(&scope.at("self_attn"), width)?,
                self_out: scope.at("self_attn.out_proj").linear(width, width)?,
                cross_norm: scope.at("encoder_attn_layer_norm").layer_norm(width)?,
                cross_query: cross.at("q_proj").linear(width, width)?,
                cross_key_value: Linear::fused(&[key, value], width, scope.compute_type()),
                cross_out: cross.at("out_proj").linear(width, width)?,
                feed_forward: FeedForward::load(&scope, width, config.decoder_ffn_dim)?,
            })
        };
        Ok(Self {
            logits: Linear::new(&embeddings, Vec::new(), width, scope.compute_type()),
            embeddings: match scope.compute_type() {
                ComputeType::F32 => Embeddings::F32(embeddings),
                ComputeType::Int8 => Embeddings::Int8(ByteRows::new(&embeddings, width)),
            },
            positions: scope.at("embed_positions").tensor("weight", &[config.max_target_positions, width])?,
            layers: (0..config.decoder_layers).map(layer).collect::<Result<_, _>>()?,
            norm: scope.at("layer_norm").layer_norm(width)?,
            width,
            n_heads: config.decoder_attention_heads,
            compute_type: scope.compute_type(),
        })
    }

    pub(super) fn prepare(&self, encoded: &[f32]) -> Encoded {
        let width = self.width;
        let n_frames = encoded.len() / width;
        let layers = self.layers.par_iter().map(|layer| {
            let mut rows = vec![0.0; 2 * encoded.len()];
            layer.cross_key_value.forward(encoded, &mut rows, Write::Replace);
            let by_head = |first_column: usize| {
                let head_width = width / self.n_heads;
                let mut out = Vec::with_capacity(encoded.len());
                for head in 0..self.n_heads {
                    for frame in 0..n_frames {
                        out.extend_from_slice(
                            &rows[frame * 2 * width + first_column + head * head_width..][..head_width],
                        );
                    }
                }
                out
            };
            let (keys, values) = (by_head(0), by_head(width));
            match self.compute_type {
                ComputeType::F32 => CrossKeyValues::F32 { keys, values },
                ComputeType::Int8 => CrossKeyValues::Int8 {
                    keys: ByteRows::new(&keys, width / self.n_heads),
                    values: ByteRows::new(&values, width / self.n_heads),
                },
            }
        });
        Encoded { layers: layers.collect::<Vec<_>>().into(), n_frames }
    }

    pub(super) fn forward(
        &self,
        batch: &mut [(&mut DecoderState, &[TokenId])],
        positions: &[(usize, usize)],
    ) -> Vec<f32> {
        let width = self.width;
        // Each row of the hidden states is one new token of one sequence.
        let rows: Vec<Row> = batch
            .iter()
            .enumerate()
            .flat_map(|(sequence, (state, tokens))| {
                let n_before = state.n_tokens;
                tokens.iter().enumerate().map(move |(n, token)| Row { sequence, position: n_before + n, token: *token })
            })
            .collect();
        let mut x = Vec::with_capacity(rows.len() * width);
        for row in &rows {
            let position = &self.positions[row.position * width..][..width];
            let first = x.len();
            x.extend_from_slice(position);
            self.embeddings.add_row(row.token as usize, &mut x[first..]);
        }
        let head_width = width / self.n_heads;
        let mut normed = vec![0.0; x.len()];
        let mut attended = vec![0.0; x.len()];
        let mut wide = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            layer.self_norm.forward(&x, &mut normed);
            wide.resize(3 * x.len(), 0.0);
            layer.self_qkv.forward(&normed, &mut wide, Write::Replace);
            for (row, qkv) in rows.iter().zip(wide.chunks_exact(3 * width)) {
                let past = &mut batch[row.sequence].0.layers[index];
                past.keys.extend_from_slice(&qkv[width..2 * width]);
                past.values.extend_from_slice(&qkv[2 * width..]);
            }
            let states: Vec<&DecoderState> = batch.iter().map(|(state, _)| &**state).collect();
            let queries = wide.par_chunks_exact(3 * width).map(|qkv| &qkv[..width]);
            self.attend_rows(&rows, queries, &mut attended, |row, query, out| {
                let SelfKeyValues { keys, values } = &states[row.sequence].layers[index];
                let n_positions = row.position + 1;
                let past = PastF32 { keys, values, n_positions, position_stride: width, head_stride: head_width };
                attend(query, past, self.n_heads, out);
            });
            layer.self_out.forward(&attended, &mut x, Write::Add);

            layer.cross_norm.forward(&x, &mut normed);
            wide.resize(x.len(), 0.0);
            layer.cross_query.forward(&normed, &mut wide, Write::Replace);
            self.attend_rows(&rows, wide.par_chunks_exact(width), &mut attended, |row, query, out| {
                let Encoded { layers, n_frames } = &states[row.sequence].encoded;
                match &layers[index] {
                    CrossKeyValues::F32 { keys, values } => {
                        let (position_stride, head_stride) = (head_width, n_frames * head_width);
                        let past = PastF32 { keys, values, n_positions: *n_frames, position_stride, head_stride };
                        attend(query, past, self.n_heads, out);
                    }
                    CrossKeyValues::Int8 { keys, values } => {
                        attend(query, PastInt8 { keys, values, n_positions: *n_frames }, self.n_heads, out);
                    }
                }
            });
            layer.cross_out.forward(&attended, &mut x, Write::Add);
            layer.feed_forward.forward(&mut x, &mut normed, &mut wide);
        }
        let mut first_rows = Vec::with_capacity(batch.len());
        let mut n_rows = 0;
        for (state, tokens) in batch {
            first_rows.push(n_rows);
            n_rows += tokens.len();
            state.n_tokens += tokens.len();
        }
        let chosen: Vec<f32> = positions
            .iter()
            .flat_map(|(sequence, n)| &x[(first_rows[*sequence] + n) * width..][..width])
            .copied()
            .collect();
        let mut chosen_normed = vec![0.0; chosen.len()];
        self.norm.forward(&chosen, &mut chosen_normed);
        let mut logits = vec![0.0; positions.len() * self.logits.n_out()];
        self.logits.forward(&chosen_normed, &mut logits, Write::Replace);
        logits
    }

    fn attend_rows<'a>(
        &self,
        rows: &[Row],
        queries: impl IndexedParallelIterator<Item = &'a [f32]>,
        out: &mut [f32],
        attend: impl Fn(&Row, &[f32], &mut [f32]) + Sync,
    ) {
        let outs = out.par_chunks_exact_mut(self.width);
        outs.zip(queries).zip(rows).for_each(|((out, query), row)| attend(row, query, out));
    }
}

impl Embeddings {
    /// Adds a token's embedding to `out` `[width]`.
    fn add_row(&self, token: usize, out: &mut [f32]) {
        match self {
            Self::F32(rows) => {
                let first = token * out.len();
                for (sum, value) in out.iter_mut().zip(&rows[first..]) {
                    *sum += value;
                }
            }
            Self::Int8(rows) => {
                let (bytes, scale) = rows.row(token);
                for (sum, byte) in out.iter_mut().zip(bytes) {
                    *sum += scale * f32::from(*byte);
                }
            }
        }
    }
}

/// One new token.
struct Row {
    sequence: usize,
    position: usize,
    token: TokenId,
}
