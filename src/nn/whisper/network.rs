//! The network of a model, wherever it computes: on the processor by our own kernels, or on a device by candle. Whoever
//! decodes need not know which of them it is.

use std::borrow::Cow;

use super::super::checkpoint::Checkpoint;
use super::WhisperError;
use super::config::WhisperConfig;
use super::decoder::{self, Decoder};
use super::encoder::Encoder;
use super::on_device::{self, Accelerator, DeviceError, OnDevice, Watch};
use super::tokenizer::TokenId;

pub(super) enum Network {
    Processor(Box<OnProcessor>),
    Device(Box<OnDevice>),
}

pub(super) struct OnProcessor {
    encoder: Encoder,
    decoder: Decoder,
    n_bytes: usize,
}

/// Keys and values for cross-attention to one encoded window, for each layer. Cheap to clone and share. It belongs to the
/// model that prepared it.
#[derive(Clone)]
pub struct Encoded(KeysAndValues);

#[derive(Clone)]
enum KeysAndValues {
    Processor(decoder::Encoded),
    Device(on_device::Encoded),
}

/// What one sequence has seen so far. It belongs to the model that prepared its window.
#[derive(Clone)]
pub struct DecoderState(Memory);

#[derive(Clone)]
enum Memory {
    Processor(decoder::DecoderState),
    Device(on_device::State),
}

impl DecoderState {
    /// A sequence that has seen no token, about `encoded`.
    pub fn new(encoded: Encoded) -> Self {
        Self(match encoded.0 {
            KeysAndValues::Processor(encoded) => Memory::Processor(decoder::DecoderState::new(encoded)),
            KeysAndValues::Device(encoded) => Memory::Device(on_device::State::new(encoded)),
        })
    }

    fn on_processor(&mut self) -> &mut decoder::DecoderState {
        match &mut self.0 {
            Memory::Processor(state) => state,
            Memory::Device(_) => unreachable!("a sequence is decoded by the model that prepared its window"),
        }
    }

    fn on_device(&mut self) -> &mut on_device::State {
        match &mut self.0 {
            Memory::Device(state) => state,
            Memory::Processor(_) => unreachable!("a sequence is decoded by the model that prepared its window"),
        }
    }
}

impl Encoded {
    /// Frames of the window, 20 ms each.
    pub(super) fn n_frames(&self) -> usize {
        match &self.0 {
            KeysAndValues::Processor(encoded) => encoded.n_frames(),
            KeysAndValues::Device(encoded) => encoded.n_frames(),
        }
    }

    /// The keys of one head in a layer's cross-attention, in `f32` however they are stored.
    ///
    /// # Shapes
    /// Returns `[n_frames, head_width]`.
    pub(super) fn keys(&self, layer: usize, head: usize, head_width: usize) -> Result<Cow<'_, [f32]>, DeviceError> {
        match &self.0 {
            KeysAndValues::Processor(encoded) => Ok(encoded.keys(layer, head, head_width)),
            KeysAndValues::Device(encoded) => encoded.keys(layer, head).map(Cow::Owned),
        }
    }
}

impl Network {
    pub(super) fn on_processor(config: &WhisperConfig, checkpoint: &Checkpoint) -> Result<Self, WhisperError> {
        let encoder = Encoder::load(config, &checkpoint.at("model.encoder"))?;
        let decoder = Decoder::load(config, &checkpoint.at("model.decoder"))?;
        Ok(Self::Processor(Box::new(OnProcessor { encoder, decoder, n_bytes: checkpoint.n_bytes_kept() })))
    }

    pub(super) fn on_device(
        config: &WhisperConfig,
        checkpoint: &Checkpoint,
        accelerator: &Accelerator,
    ) -> Result<Self, WhisperError> {
        Ok(Self::Device(Box::new(OnDevice::load(config, &checkpoint.at("model"), accelerator)?)))
    }

    pub(super) fn n_bytes(&self) -> usize {
        match self {
            Self::Processor(network) => network.n_bytes,
            Self::Device(network) => network.n_bytes(),
        }
    }

    /// See [`super::Whisper::encode`].
    pub(super) fn encode(&self, mel: &[f32], should_stop: &dyn Fn() -> bool) -> Result<Option<Vec<f32>>, DeviceError> {
        match self {
            Self::Processor(network) => Ok(network.encoder.forward(mel, should_stop)),
            Self::Device(network) => network.encode(mel, should_stop),
        }
    }

    /// See [`super::Whisper::prepare`].
    pub(super) fn prepare(&self, encoded: &[f32]) -> Result<Encoded, DeviceError> {
        Ok(Encoded(match self {
            Self::Processor(network) => KeysAndValues::Processor(network.decoder.prepare(encoded)),
            Self::Device(network) => KeysAndValues::Device(network.prepare(encoded)?),
        }))
    }

    /// See [`super::Whisper::decode`]. The queries of one sequence can be watched.
    pub(super) fn decode(
        &self,
        batch: &mut [(&mut DecoderState, &[TokenId])],
        positions: &[(usize, usize)],
        watch: Option<Watch<'_>>,
    ) -> Result<Vec<f32>, DeviceError> {
        match self {
            Self::Processor(network) => {
                let inputs = batch.iter_mut().map(|(state, tokens)| (state.on_processor(), *tokens));
                let mut inputs: Vec<_> = inputs.collect();
                Ok(match watch {
                    None => network.decoder.forward(&mut inputs, positions),
                    Some(watch) => network.decoder.forward_watched(&mut inputs, positions, watch),
                })
            }
            Self::Device(network) => {
                let inputs = batch.iter_mut().map(|(state, tokens)| (state.on_device(), *tokens));
                network.decode(&mut inputs.collect::<Vec<_>>(), positions, watch)
            }
        }
    }
}
