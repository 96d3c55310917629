//! All tests of Hansard from outside: one binary, so that the program is linked once. Each file says what it checks.
//! Nothing here needs a network. The sounds are made by ffmpeg and sox, which `packaging/test.sh` installs.

mod audio;
mod cache_cli;
mod cli;
mod download;
mod engine;
mod export;
mod golden;
mod gui;
mod house_rules;
mod hub;
mod hub_cache;
mod model_archive;
mod model_memory;
mod model_store;
mod reuse;
mod score_cli;
mod sound;
mod transcript;
mod voices;
mod wer;
mod whisper_checkpoints;
