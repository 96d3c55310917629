//! Hansard turns recordings of meetings into transcripts, on the user's own machine. This page is its architecture: the
//! rooms, in reading order, what passes between them, and the rules that keep it simple.
//!
//! # The way of the data
//! ```text
//! file ──audio──▶ 16 kHz mono ──segmentation──▶ activity ──speech──▶ regions ──chunk──▶ chunks ≤ window ──transcribe──▶ text
//!                                                  │                                                               │
//!                      names ◀──recognise── turns ◀─┘ diarize                                timed words ◀──align──┘
//!                        └──────────────────────▶ Transcript ◀──assemble───────────────────────┘──▶ window, exports
//!                                                    ▼
//!         search, versions, estimates, related ◀── library ◀── changes by hand, jobs, what recordings sound like
//!
//! each stage ──hash of all that it depends on──▶ results: what was computed before is taken from there
//! model name ──catalog──▶ folder ──load──▶ memory cache ──Arc<weights>──▶ stages        voices ──▶ recognise
//! ```
//! - [`audio`] decodes any file to [`audio::Mono16k`], chosen by content, damaged parts skipped with a warning. Long
//!   recordings live in an unlinked temporary file, so memory does not grow with their length. It also records
//!   ([`audio::recorder`]), plays ([`audio::player`]), and says what a recording sounds like ([`audio::features`],
//!   [`audio::fingerprint`]).
//! - [`pipeline`] has one file per stage. A stage is a function of samples, weights and parameters. In the sequential mode
//!   the model itself goes through the recording, without looking for speech first.
//! - [`nn`] has the networks: weights immutable and shared, decoding state a value of its own, each in `f32` equal to its
//!   reference implementation (`tests/it/golden`). Whisper usually computes with 8-bit weights and integers (`nn/pairs`),
//!   and on graphics cards by candle.
//! - [`models`] knows which models there are and has them at hand on two levels: those that were used stay in memory, under
//!   a budget, and those that were fetched or imported stay on disk, whole and verified, Whisper in a form that is ready to
//!   be mapped ([`nn::checkpoint`]).
//! - [`import`] reads subtitles and JSON of other programs back into a transcript.
//! - [`voices`] keeps the voices that the user enrolled or taught; they are the user's own and never thrown away.
//! - [`results`] keeps what stages computed, under keys that are hashes ([`hash`]) of all that it depends on, so that nothing
//!   is computed twice. It is a cache: what is damaged or old is dropped and computed again.
//! - [`library`] keeps the user's own data: recordings, transcripts with their changes and earlier versions, notes; and
//!   searches them. By the jobs that it keeps, later ones are estimated; by what recordings sound like, related ones are
//!   told, which are never taken for each other. No cleaning of caches touches it.
//! - [`score`] measures: who spoke when against the truth (DER), what was said (WER).
//! - [`engine`] runs jobs in threads of its own; only `engine/job/` knows stages, models, results and files together. It
//!   computes nothing twice: `engine/reuse/` finds and stores what stages give, under keys of all that they depend on.
//! - [`cli`] and [`ui`] send the engine commands and show its events. Neither computes. The window's words are in
//!   `assets/languages`, a folder for each language.
//!
//! # Who may import whom
//! ```text
//! units paths hash files task assignment -> nothing of ours
//! settings -> paths files            voices   -> files paths
//! transcript -> units hash           export, import -> transcript units
//! audio -> units files task          score    -> transcript units assignment
//! nn -> nothing of ours              pipeline -> units audio nn transcript task assignment
//! results -> units hash files         library  -> transcript units hash files
//! models -> nn hash paths files task engine   -> all above except export, import and score
//! cli -> engine export import score settings transcript units paths files
//! ui -> engine models::catalog transcript export import settings units paths
//! ```
//! `tests/it/house_rules.rs` reads the sources and fails on a breach. egui lives in `ui` alone.
//!
//! # Threads
//! ```text
//! window or command line ──Command──▶ hansard-engine ──one job at a time──▶ hansard-inference ──▶ hansard-compute-N
//!                        ◀───Event───                ◀───────Event───────
//!                                          ├──ModelCommand──▶ hansard-models, hansard-downloads     hansard-pressure
//!                                          ├──LibraryCommand, ResultsCommand──▶ hansard-library, hansard-folders, hansard-results
//!                                          ├──RecordCommand──▶ hansard-recorder ──try_send──▶ hansard-captions, hansard-captions-N
//!                                          └──PlayCommand──▶ hansard-player, hansard-peaks      hansard-devices
//! ```
//! The recorder never waits for the captions: what they cannot take in time they miss. The window never blocks: it sends
//! commands, and each frame takes the events that are there. The engine thread only coordinates and writes files. Jobs that
//! the user asked for come before those of watched folders, and one that is wanted next before all. Cancelling bypasses the
//! queues: [`task::CancelToken`] is polled at every encoder layer and every decoder step. A panic in a job becomes an event
//! with the job's name. All threads are named, and joined when the [`engine::Engine`] is dropped; only those that wait for
//! an open file dialog, for the desktop to show a notification or for a sound server are left to themselves.
//!
//! # Results do not depend on chance
//! Same input, same bytes: a chunk's text does not depend on its neighbours in the batch or on the number of threads, and
//! nothing iterates over a hash map into output. (A graphics card rounds differently for batches of different size, which
//! can turn the balance between two tokens that are equally likely.)

pub mod assignment;
pub mod audio;
pub mod cli;
pub mod engine;
pub mod export;
pub mod files;
pub mod hash;
pub mod import;
pub mod library;
pub mod models;
pub mod nn;
pub mod paths;
pub mod pipeline;
pub mod results;
pub mod score;
pub mod settings;
pub mod task;
pub mod transcript;
pub mod ui;
pub mod units;
pub mod voices;
