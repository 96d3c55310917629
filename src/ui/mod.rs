//! The window: shows what the engine tells and passes on what the user wants. It never blocks: files are read and
//! written by the engine, file dialogs run in a thread of their own, and a frame paints only what is visible.
//!
//! ```text
//! Event ──▶ state (no egui inside) ──▶ panels ──Action──▶ app ──Command──▶ engine
//! ```
//! Panels get the state to read and a list to put [`action::Action`]s into; they cannot name the app.

mod action;
mod amounts;
mod app;
mod ask;
mod cache_order;
mod cache_panel;
#[cfg(test)]
mod cache_panel_tests;
#[cfg(test)]
mod cache_samples;
mod cache_state;
mod cache_table;
mod details;
mod details_panel;
mod dialogs;
mod download;
mod drops;
mod editor;
mod export_menu;
mod export_page;
mod find_bar;
mod finder;
mod icons;
mod imports;
mod jobs;
mod learning;
mod level_meter;
mod library_dialogs;
mod library_pages;
mod library_panel;
mod library_row;
#[cfg(test)]
mod library_samples;
mod library_search;
mod library_state;
mod library_words;
mod message_list;
mod messages;
mod model_cards;
mod model_choice;
mod model_speed;
mod notifier;
mod overlays;
mod path_bar;
mod playback_state;
mod player_bar;
mod quit;
mod record_button;
mod record_captions;
mod record_captions_view;
mod record_panel;
mod record_sources;
mod record_state;
#[cfg(test)]
mod record_state_tests;
mod record_strip;
mod recording;
mod related;
mod results_panel;
mod results_plot;
mod results_state;
mod review_state;
mod row_field;
mod row_heights;
mod row_menu;
mod setting_fields;
mod setting_rows;
mod settings_page;
mod shortcuts;
mod side_panel;
mod side_state;
mod speaker_count;
mod speakers;
mod speakers_panel;
mod state;
mod status_bar;
mod talk_time;
mod texts;
mod theme;
mod timeline;
mod timeline_picture;
mod toolbar;
mod transcript;
mod transcript_row;
mod versions_dialog;
mod versions_state;
mod welcome;
mod window_place;

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui;

use crate::engine::one_window::{self, Claim, ClaimError};
use crate::engine::recording::RecordSource;
use crate::engine::{Engine, JobRequest};
use crate::paths::AppPaths;
use crate::settings::{ModelOverrides, Settings, WindowState};
use crate::transcript::Transcript;

pub use app::{App, Setup, StartEngine};
pub use dialogs::{Answer, Dialogs, Question};
pub use theme::install_theme;

/// The application's name, as the window and the desktop show it.
const APP_NAME: &str = "Hansard";

/// Everything fits into a window of this size, in points.
const MIN_WINDOW_SIZE: [f32; 2] = [640.0, 480.0];

/// What the window shows when it opens.
#[derive(Clone, Debug, Default)]
pub struct Open {
    /// A recording: queued for transcription at once, unless its transcript is given too.
    pub recording: Option<PathBuf>,
    /// The transcript of that recording, to be shown as it is.
    pub transcript: Option<Arc<Transcript>>,
    /// What was said about models for this start; never kept.
    pub overrides: ModelOverrides,
    /// What is recorded in the place of a device, for tests and for trying out.
    pub record_source: Option<RecordSource>,
}

/// Opens the window and returns when the user has closed it.
///
/// Where one is open for this library already, that one gets the recording, and this returns at once.
///
/// # Errors
/// When the system gives no window, for example because there is no display, or the open one does not answer.
pub fn run(paths: AppPaths, open: Open) -> anyhow::Result<()> {
    let one_window = match one_window::claim(&paths, open.recording.as_deref()) {
        Ok(Claim::Ours(one_window)) => Some(one_window),
        Ok(Claim::HandedOver) => return Ok(()),
        Err(error @ ClaimError::NoAnswer) => return Err(error.into()),
        // Two windows are better than none.
        Err(error @ (ClaimError::File(_) | ClaimError::Port(_))) => {
            tracing::warn!("other windows of this library are not looked for: {error}");
            None
        }
    };
    for problem in texts::start(&paths.languages_dir()) {
        tracing::warn!("{problem}");
    }
    let (settings, settings_warning) = Settings::load(&paths.settings_file());
    let models = settings.models.with(&open.overrides);
    let window = WindowState::load(&paths.window_file());
    let viewport = window_place::placed(egui::ViewportBuilder::default(), &window);
    let setup = Setup {
        demo: JobRequest::demo(&paths),
        start_engine: Box::new(move |wake| Engine::start_with_settings(paths, &models, None, wake)),
        settings,
        settings_warning,
        window,
        one_window,
        dialogs: Box::new(dialogs::DesktopDialogs::new()),
        open,
    };
    let viewport = viewport.with_title(APP_NAME).with_app_id("hansard").with_icon(icon()).with_drag_and_drop(true);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let create: eframe::AppCreator<'_> = Box::new(move |creation| {
        theme::install_theme(&creation.egui_ctx);
        Ok(Box::new(App::new(setup)))
    });
    eframe::run_native(APP_NAME, options, create).map_err(|error| {
        // Its text names source files of the windowing library, which help nobody but us.
        tracing::debug!("{error}");
        anyhow::anyhow!(
            "the window cannot be opened: the display does not answer. Use `hansard transcribe FILE` without one"
        )
    })
}

fn icon() -> egui::IconData {
    eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon.png"))
        .expect("the icon is compiled in and is a PNG")
}
