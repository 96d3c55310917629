//! Hansard (placeholder, written at the end)
pub mod units;
pub mod task;
pub mod files;
pub mod paths;
pub mod settings;
pub mod transcript;
pub mod audio;
pub mod nn;
pub mod models;
pub mod pipeline;
