//! Sound: files of any common format in, 16 kHz mono samples out.
//!
//! [`decode::decode`] is the way in. [`Mono16k`] is what everything after it reads: in memory for short recordings,
//! in an unlinked temporary file for long ones, so that eight hours need no more memory than one.

mod container;
pub mod decode;
pub mod features;
pub mod fingerprint;
pub mod microphone;
mod mp4;
pub mod peaks;
pub mod playback;
pub mod player;
#[cfg(target_os = "linux")]
mod pulse;
pub mod recorder;
pub mod resample;
mod samples;
mod sound_file;
mod timeline;
mod wave;

pub use samples::Mono16k;
pub use sound_file::SoundFile;
