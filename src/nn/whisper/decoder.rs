//! Whisper's decoder: tokens in, logits of the next token out. Sequences of a batch step together, so that each weight
//! is read once for all of them; what a sequence remembers is its own [`DecoderState`].

use std::borrow::Cow;
use std::sync::Arc;

use rayon::prelude::*;

use super::super::attention::{KeysValues, PastF32, Scratch, attend};
use super::super::checkpoint::{Bias, CheckpointError, Scope};
use super::super::linear::{ComputeType, Linear, Write};
use super::super::norm::LayerNorm;
use super::super::pairs::Pairs;
use super::config::WhisperConfig;
use super::encoder::{FeedForward, qkv};
use super::tokenizer::TokenId;

/// Heads of one query that are worth handing to another thread.
const MIN_HEADS_PER_TASK: usize = 3;

pub(super) struct Decoder {
    /// `[vocabulary, width]`, to look tokens up; empty in 8 bits, where the matrix that computes logits gives them too.
    embeddings: Vec<f32>,
    /// The same matrix, packed, to compute logits.
    logits: Linear,
    positions: Vec<f32>,
    layers: Vec<Layer>,
    norm: LayerNorm,
    width: usize,
    n_heads: usize,
    compute_type: ComputeType,
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
pub(super) struct Encoded {
    layers: Arc<[CrossKeyValues]>,
    n_frames: usize,
}

enum CrossKeyValues {
    /// # Shapes
    /// `[heads, frames, head_width]`, so that one head's keys lie together.
    F32 { keys: Vec<f32>, values: Vec<f32> },
    /// For each head.
    Int8(Vec<KeysValues<i8>>),
}

impl Encoded {
    /// Frames of the window, 20 ms each.
    pub(super) fn n_frames(&self) -> usize {
        self.n_frames
    }

    /// The keys of one head in a layer's cross-attention, in `f32` however they are stored.
    ///
    /// # Shapes
    /// Returns `[n_frames, head_width]`.
    pub(super) fn keys(&self, layer: usize, head: usize, head_width: usize) -> Cow<'_, [f32]> {
        let n_frames = self.n_frames;
        match &self.layers[layer] {
            CrossKeyValues::F32 { keys, .. } => {
                Cow::Borrowed(&keys[head * n_frames * head_width..][..n_frames * head_width])
            }
            CrossKeyValues::Int8(heads) => (0..n_frames).flat_map(|frame| heads[head].key(frame)).collect(),
        }
    }
}

/// What one sequence has seen so far.
#[derive(Clone)]
pub(super) struct DecoderState {
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
    pub(super) fn new(encoded: Encoded) -> Self {
        let layers = encoded.layers.iter().map(|_| SelfKeyValues::default()).collect();
        Self { encoded, layers, n_tokens: 0 }
    }
}

impl Decoder {
    pub(super) fn load(config: &WhisperConfig, scope: &Scope<'_>) -> Result<Self, CheckpointError> {
        let width = config.d_model;
        let embed_tokens = scope.at("embed_tokens");
        let embeddings = match scope.compute_type() {
            ComputeType::F32 => embed_tokens.tensor("weight", &[config.vocab_size, width])?,
            ComputeType::Int8 => Vec::new(),
        };
        let layer = |index| {
            let scope = scope.nth("layers", index);
            let cross = scope.at("encoder_attn");
            Ok(Layer {
                self_norm: scope.at("self_attn_layer_norm").layer_norm(width)?,
                self_qkv: qkv(&scope.at("self_attn"), width)?,
                self_out: scope.at("self_attn.out_proj").linear(width, width)?,
                cross_norm: scope.at("encoder_attn_layer_norm").layer_norm(width)?,
                cross_query: cross.at("q_proj").linear(width, width)?,
                cross_key_value: cross.joined(&[("k_proj", Bias::Zero), ("v_proj", Bias::Own)], width, width)?,
                cross_out: cross.at("out_proj").linear(width, width)?,
                feed_forward: FeedForward::load(&scope, width, config.decoder_ffn_dim)?,
            })
        };
        Ok(Self {
            embeddings,
            logits: embed_tokens.joined(&[("", Bias::Zero)], width, config.vocab_size)?,
            positions: scope.at("embed_positions").tensor("weight", &[config.max_target_positions, width])?,
            layers: (0..config.decoder_layers).map(layer).collect::<Result<_, _>>()?,
            norm: scope.at("layer_norm").layer_norm(width)?,
            width,
            n_heads: config.decoder_attention_heads,
            compute_type: scope.compute_type(),
        })
    }

    /// Keys and values for cross-attention.
    ///
    /// # Shapes
    /// `encoded` `[frames, width]`.
    pub(super) fn prepare(&self, encoded: &[f32]) -> Encoded {
        let width = self.width;
        let (n_frames, head_width) = (encoded.len() / width, width / self.n_heads);
        let layers = self.layers.par_iter().map(|layer| {
            let mut rows = vec![0.0; 2 * encoded.len()];
            layer.cross_key_value.forward(encoded, &mut rows, Write::Replace);
            let part = |first_column: usize, frame: usize, head: usize| {
                &rows[frame * 2 * width + first_column + head * head_width..][..head_width]
            };
            let by_head = |first_column: usize| {
                let places = (0..self.n_heads).flat_map(|head| (0..n_frames).map(move |frame| (frame, head)));
                let numbers = places.flat_map(|(frame, head)| part(first_column, frame, head)).copied();
                let mut out = Vec::with_capacity(encoded.len());
                out.extend(numbers);
                out
            };
            match self.compute_type {
                ComputeType::F32 => CrossKeyValues::F32 { keys: by_head(0), values: by_head(width) },
                ComputeType::Int8 => {
                    let heads = (0..self.n_heads).into_par_iter().map(|head| {
                        let key = |frame: usize| part(0, frame, head);
                        KeysValues::new(Pairs::detect(), n_frames, key, |frame| part(width, frame, head))
                    });
                    CrossKeyValues::Int8(heads.collect())
                }
            }
        });
        Encoded { layers: layers.collect::<Vec<_>>().into(), n_frames }
    }

    /// See [`super::Whisper::decode`].
    ///
    /// # Shapes
    /// Returns `[positions, vocabulary]`.
    pub(super) fn forward(
        &self,
        batch: &mut [(&mut DecoderState, &[TokenId])],
        positions: &[(usize, usize)],
    ) -> Vec<f32> {
        self.forward_watched(batch, positions, &mut |_, _| {})
    }

    /// The same, while `watch` is shown the index of each layer and the queries of its cross-attention.
    ///
    /// # Shapes
    /// Queries are `[new tokens, width]`, heads as neighbouring columns.
    pub(super) fn forward_watched(
        &self,
        batch: &mut [(&mut DecoderState, &[TokenId])],
        positions: &[(usize, usize)],
        watch: &mut dyn FnMut(usize, &[f32]),
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
            self.add_embedding(row.token as usize, &mut x[first..]);
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
            watch(index, &wide);
            self.attend_rows(&rows, wide.par_chunks_exact(width), &mut attended, |row, query, out| {
                let Encoded { layers, n_frames } = &states[row.sequence].encoded;
                match &layers[index] {
                    CrossKeyValues::F32 { keys, values } => {
                        let (position_stride, head_stride) = (head_width, n_frames * head_width);
                        let past = PastF32 { keys, values, n_positions: *n_frames, position_stride, head_stride };
                        attend(query, past, self.n_heads, out);
                    }
                    CrossKeyValues::Int8(heads) => attend_heads(query, heads, out),
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

    /// Adds a token's embedding to `out` `[width]`.
    fn add_embedding(&self, token: usize, out: &mut [f32]) {
        if let Some(weights) = self.logits.eight_bit() {
            weights.add_channel(token, out);
        } else {
            let embedding = &self.embeddings[token * out.len()..];
            out.iter_mut().zip(embedding).for_each(|(sum, value)| *sum += value);
        }
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

/// Cross-attention of one query in integers.
fn attend_heads(query: &[f32], heads: &[KeysValues<i8>], out: &mut [f32]) {
    let head_width = query.len() / heads.len();
    let tasks = heads.par_iter().zip(query.par_chunks_exact(head_width)).zip(out.par_chunks_exact_mut(head_width));
    tasks.with_min_len(MIN_HEADS_PER_TASK).for_each_init(Scratch::default, |scratch, ((head, query), out)| {
        head.attend(Pairs::detect(), std::iter::once(query), out, head_width, scratch);
    });
}

/// One new token.
struct Row {
    sequence: usize,
    position: usize,
    token: TokenId,
}
