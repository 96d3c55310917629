//! All tests of Hansard from outside: one binary, so that the program is linked once. Each file says what it checks.
//! Nothing here needs a network. The sounds are made by ffmpeg and sox; these and what else is needed,
//! `packaging/test.sh` installs.

mod audio;
mod cache_cli;
mod cache_kills;
mod captions;
mod cli;
mod download;
mod engine;
mod export;
mod export_documents;
mod export_readers;
mod export_subtitles;
mod golden;
mod gui;
mod house_rules;
mod hub;
mod hub_cache;
mod import;
mod library;
mod library_archive;
mod library_backups;
mod library_cli;
mod model_archive;
mod model_memory;
mod model_store;
mod offline;
mod playback;
mod recorder;
#[cfg(target_os = "linux")]
mod recorder_pulse;
mod related;
mod result_store;
mod result_store_faults;
mod reuse;
mod score_cli;
mod shelf;
mod sound;
mod speakers_cli;
mod transcript;
mod voices;
mod wer;
mod whisper_checkpoints;
#[cfg(target_os = "linux")]
mod window;
