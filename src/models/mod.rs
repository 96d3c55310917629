//! Models: which there are, where their files are, and those that are in memory.
//!
//! A model is loaded when a job first needs it and stays for the jobs after it.

pub mod aligners;
pub mod catalog;
pub mod convert;
pub mod device;
mod memory;
pub mod random;
mod safetensors_file;

pub use memory::{LoadError, MemoryCache};
