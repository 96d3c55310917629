//! Models: which there are, where their files are, and those that are in memory.
//!
//! A model is loaded when a job first needs it and stays for the jobs after it.

pub mod catalog;
mod memory;
pub mod random;

pub use memory::{LoadError, MemoryCache};
