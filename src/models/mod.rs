//! Models: which there are, where their files are, and those that are in memory.
//!
//! A model is loaded when a job first needs it and stays for the jobs after it ([`MemoryCache`]).
//!
//! The parts of the two-level cache that shall take its place are here, and proven, but not yet tied together: models in
//! memory under a budget ([`memory`], [`pressure`]), models on disk ([`store`], [`hub_cache`]), and downloads
//! ([`download`], [`token`]).

pub mod aligners;
pub mod catalog;
pub mod convert;
pub mod device;
pub mod download;
pub mod hub_cache;
pub mod key;
mod loaded;
pub mod memory;
pub mod pressure;
pub mod random;
mod safetensors_file;
pub mod store;
pub mod token;

pub use loaded::{LoadError, MemoryCache};
