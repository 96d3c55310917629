//! The networks, one file (or folder) per architecture, on plain `f32` slices. Weights are immutable once loaded and
//! shared behind `Arc`; whatever changes while a network runs is a value of the caller's.
//!
//! Matrix products in floating point are done by `rten-gemm`, those in integers by `pairs` or `rten-gemm`, vector
//! functions by `rten-vecmath`; all pick the widest instruction set of the machine at run time. Parallel loops use the
//! rayon pool they are called in. Whisper also computes on graphics cards, by candle (`whisper/on_device`).
//! Nothing here knows audio files, speakers or transcripts.

mod attention;
pub mod checkpoint;
pub mod ecapa;
mod eight_bit;
pub mod fbank;
mod linear;
pub mod mel;
mod norm;
pub mod npz;
mod pairs;
pub mod pickle;
pub mod plda;
pub mod random;
pub mod resnet;
pub mod sincnet_lstm;
mod stored;
pub mod vectors;
pub mod wav2vec2;
pub mod whisper;
pub mod yaml;

pub use linear::ComputeType;
