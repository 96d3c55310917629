//! Models: which there are, where their files are, how they come onto this disk, and those that are in memory.
//!
//! ```text
//! catalog ──▶ download, hub_cache ──▶ convert ──▶ store (on disk) ──▶ memory ──▶ Arc<weights>
//!                              └──────────── cache ties them together ────────────┘
//! ```
//! A model is loaded when a job first needs it and stays for the jobs after it, as long as there is room.

pub mod aligners;
mod cache;
pub mod catalog;
pub mod convert;
pub mod device;
pub mod download;
pub mod hub_cache;
pub mod key;
pub mod memory;
pub mod pressure;
pub mod random;
mod safetensors_file;
pub mod store;
pub mod token;

pub use cache::{
    CacheOptions, Came, DEFAULT_CARD_BUDGET_BYTES, LoadError, ModelCache, ObtainError, ObtainStep, ObtainWatch,
    Obtained, Originals, Tally, interruptible, whisper_of_key,
};
