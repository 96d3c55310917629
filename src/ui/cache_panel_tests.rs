//! The page of models as a person with a screen reader or without a mouse meets it. What the engine tells is given by
//! hand, and what it would be asked for is looked at.

use eframe::egui::{self, Key, Modifiers, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::engine::models::{
    DownloadState, Fetched, Level, ModelCommand, ModelListing, ModelsEvent, Rate, TokenPlace, TypedToken,
};
use crate::units::Seconds;

use super::action::{Action, CacheAction};
use super::cache_panel::CachePanel;
use super::cache_samples::{key, listing};
use super::cache_state::{CacheState, Page, Tab, Wish};
use super::results_state::ResultsState;
use super::theme::install_theme;

const BASE_ON_DISK: &str = "whisperx_base_cpu, 150 MB, used 3 days ago, 9 uses, idle";
const MEDIUM_ON_DISK: &str = "whisperx_medium_cpu, 1.5 GB, used 3 days ago, 1 use, pinned";
const ECAPA_ON_DISK: &str = "ecapa_tdnn_cpu, 25 MB, never used, 4 uses, idle";

#[test]
fn the_tables_show_what_the_engine_told_and_are_sorted_by_their_heads() {
    let mut page = Shown::new(Tab::Cache, listing());
    for text in ["2 models, 100 MB of 400 MB", "3 models, 1.7 GB"] {
        assert!(page.harness.query_by_label(text).is_some(), "{text}");
    }
    assert!(page.shows("hit rate 75 % (3 hits, 1 miss)"));
    assert!(page.shows("1 load from disk in 2 s"));
    let in_memory =
        ["ecapa_tdnn_cpu, 20 MB, used 3 days ago, 1 use, idle", "whisperx_base_cpu, 80 MB, used 3 days ago"];
    for (head, on_disk) in [
        (None, [BASE_ON_DISK, MEDIUM_ON_DISK, ECAPA_ON_DISK]),
        (Some("Size"), [MEDIUM_ON_DISK, BASE_ON_DISK, ECAPA_ON_DISK]),
        (Some("Size"), [ECAPA_ON_DISK, BASE_ON_DISK, MEDIUM_ON_DISK]),
        (Some("Model"), [ECAPA_ON_DISK, BASE_ON_DISK, MEDIUM_ON_DISK]),
        (Some("Uses"), [BASE_ON_DISK, ECAPA_ON_DISK, MEDIUM_ON_DISK]),
    ] {
        if let Some(head) = head {
            let last = page.harness.query_all_by_role_and_label(Role::ColumnHeader, head).next_back();
            last.expect("the table of the disk").click();
            page.harness.run_ok();
        }
        let rows = page.labels(Role::Row);
        assert_eq!(rows[2..], on_disk, "after {head:?}");
        assert!(rows.iter().zip(in_memory).all(|(row, start)| row.starts_with(start)), "{rows:?}");
    }
    assert_eq!(page.labels(Role::Table), ["Models in memory", "Models on disk"]);
}

#[test]
fn the_chosen_row_is_what_the_buttons_are_for() {
    let (base, medium) = (key("whisperx_base_cpu"), key("whisperx_medium_cpu"));
    let mut page = Shown::new(Tab::Cache, listing());
    page.click(MEDIUM_ON_DISK);
    for (name, command) in [
        ("Load whisperx_medium_cpu", ModelCommand::Load(medium.clone())),
        ("Unpin whisperx_medium_cpu", ModelCommand::Unpin(Level::Disk, medium.clone())),
        ("Verify whisperx_medium_cpu", ModelCommand::Verify(medium.clone())),
    ] {
        page.click(name);
        assert_eq!(page.wishes(), [Wish::Tell(command)]);
    }
    page.click("Export… whisperx_medium_cpu");
    assert_eq!(page.wishes(), [Wish::AskWhereTo(vec![medium])]);
    page.click(BASE_ON_DISK);
    for name in ["Load whisperx_base_cpu", "Delete… whisperx_base_cpu"] {
        assert!(page.harness.get_by_label(name).accesskit_node().is_disabled(), "{name}: a job uses it");
    }
    page.click("Pin whisperx_base_cpu");
    assert_eq!(page.wishes(), [Wish::Tell(ModelCommand::Pin(Level::Disk, base))]);
}

#[test]
fn deleting_asks_first_and_enter_deletes_nothing() {
    let medium = key("whisperx_medium_cpu");
    let mut page = Shown::new(Tab::Cache, listing());
    page.click(MEDIUM_ON_DISK);
    for leave in [Key::Enter, Key::Escape] {
        page.click("Delete… whisperx_medium_cpu");
        assert!(page.shows("This frees 1.5 GB on disk."));
        page.press(leave);
        assert!(!page.shows("This frees"), "{leave:?} leaves the question");
        assert_eq!((page.wishes(), page.harness.state().cache.page()), (vec![], Page::Models));
    }
    page.click("Delete… whisperx_medium_cpu");
    page.click("Delete");
    assert_eq!(page.wishes(), [Wish::Tell(ModelCommand::Delete(medium))]);
    page.click("Clear all models");
    assert!(
        page.shows("This frees 25 MB on disk and 20 MB in memory (1 model). Pinned or in use, 2 models will stay.")
    );
    page.click("Clear");
    assert_eq!(page.wishes(), [Wish::Tell(ModelCommand::Clear)]);
}

#[test]
fn a_download_is_watched_paused_resumed_and_cancelled() {
    let fetched = Fetched { n_bytes: 45_000_000, total_bytes: 145_000_000 };
    let rate = Rate { bytes_per_sec: Some(12e6), remaining: Some(Seconds(8.3)) };
    let small = || "small".to_owned();
    let mut page = Shown::new(Tab::Available, listing());
    page.click("Download model small");
    assert_eq!(page.wishes(), [Wish::Tell(ModelCommand::Download(small()))]);
    assert!(page.harness.query_by_label("small: waiting").is_some(), "the window need not wait for the engine");
    assert!(page.harness.query_by_label("Download model small").is_none());
    page.tell(ModelsEvent::Download { model: small(), state: DownloadState::Running(fetched, rate) });
    assert!(page.harness.query_by_label("small: 45 MB of 145 MB · 12 MB/s · about 0:08 left").is_some());
    let bar = page.harness.get_by_label("Progress of the download of small");
    assert_eq!(bar.accesskit_node().numeric_value(), Some(31.0));
    page.click("Pause the download of small");
    assert_eq!(page.wishes(), [Wish::Tell(ModelCommand::PauseDownload(small()))]);
    page.tell(ModelsEvent::Download { model: small(), state: DownloadState::Paused(fetched) });
    page.click("Resume the download of small");
    assert_eq!(page.wishes(), [Wish::Tell(ModelCommand::Download(small()))]);
    page.click("Cancel the download of small");
    assert_eq!(page.wishes(), [Wish::Tell(ModelCommand::CancelDownload(small()))]);
    page.tell(ModelsEvent::Download { model: small(), state: DownloadState::Cancelled });
    assert!(page.harness.query_by_label("Download model small").is_some());
}

#[test]
fn a_card_tells_what_a_model_needs_and_lets_it_be_chosen() {
    let mut page = Shown::new(Tab::Available, listing());
    assert!(page.harness.query_by_label("Model small").is_some());
    assert!(page.shows("145 MB to download · 80 MB in memory · 99 languages · MIT"));
    assert!(page.shows("on this machine (estimated)"));
    page.click("Use for new recordings: base");
    assert_eq!((page.wishes(), page.harness.state().cache.chosen()), (vec![Wish::RememberChoice], "base"));
    let gated = page.harness.get_by_label("Download model segmentation");
    assert!(gated.accesskit_node().is_disabled(), "it takes a token");
}

#[test]
fn nothing_stays_of_a_token_that_is_sent() {
    let mut page = Shown::new(Tab::Available, listing());
    page.harness.get_by_label("Access token").focus();
    page.harness.run_ok();
    page.harness.get_by_label("Access token").type_text(" hf_secret ");
    page.harness.run_ok();
    page.press(Key::Enter);
    assert_eq!(page.wishes(), [Wish::Tell(ModelCommand::KeepToken(TypedToken::new("hf_secret")))]);
    page.harness.get_by_label("Access token").focus();
    page.harness.run_ok();
    page.harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    page.harness.run_ok();
    let shown = page.harness.get_by_label("Access token").value().unwrap_or_default();
    assert_eq!(shown, "", "undoing does not bring it back");
    page.tell(ModelsEvent::Listed(Box::new(ModelListing { token: TokenPlace::Kept, ..listing() })));
    page.harness.get_by_label("Forget the token").click_accesskit();
    page.harness.run_ok();
    assert_eq!(page.wishes(), [Wish::Tell(ModelCommand::ForgetToken)]);
}

#[test]
fn the_keyboard_goes_through_the_page_from_top_to_bottom() {
    let mut page = Shown::new(Tab::Cache, listing());
    let mut reached = Vec::new();
    for _ in 0..16 {
        page.press(Key::Tab);
        let mut nodes = page.harness.root().children_recursive();
        let focused = nodes.find(|node| node.accesskit_node().is_focused());
        let label = focused.and_then(|node| node.accesskit_node().label()).unwrap_or_default();
        reached.push(label.split(',').next().unwrap_or_default().to_owned());
    }
    let heads = ["Model", "Size", "Last used", "Uses", "State"];
    let expected = [
        &["All models", "In memory and on disk", "Results", "Import…", "Close the models"][..],
        &heads,
        &["ecapa_tdnn_cpu", "whisperx_base_cpu"],
        &["Export all models", "Clear all models"],
        &heads[..2],
    ];
    assert_eq!(reached, expected.concat());
    page.press(Key::Escape);
    // The first one may be needed to leave what has the keyboard.
    page.press(Key::Escape);
    assert_eq!(page.harness.state().cache.page(), Page::Recordings);
}

/// What the window keeps for the page, and what was to be done outside of it.
struct Kept {
    panel: CachePanel,
    cache: CacheState,
    wishes: Vec<Wish>,
}

/// The page on a screen.
struct Shown {
    harness: Harness<'static, Kept>,
}

impl Shown {
    fn new(tab: Tab, listing: ModelListing) -> Self {
        let mut cache = CacheState::default();
        cache.perform(CacheAction::Open(tab));
        cache.apply(ModelsEvent::Listed(Box::new(listing)));
        let frame = |ui: &mut egui::Ui, kept: &mut Kept| {
            let mut actions = Vec::new();
            kept.panel.ui(ui, &kept.cache, &ResultsState::default(), &mut actions);
            if !actions.is_empty() {
                ui.ctx().request_repaint();
            }
            for action in actions {
                let Action::Models(action) = action else { panic!("{action:?} is not about models") };
                kept.wishes.extend(kept.cache.perform(action));
            }
        };
        let harness = Harness::builder()
            .with_size(egui::vec2(1000.0, 900.0))
            .with_context_setup(install_theme)
            .with_max_steps(16)
            .build_ui_state(frame, Kept { panel: CachePanel::default(), cache, wishes: Vec::new() });
        Self { harness }
    }

    fn tell(&mut self, event: ModelsEvent) {
        self.harness.state_mut().cache.apply(event);
        self.harness.run_ok();
    }

    fn click(&mut self, name: &str) {
        self.harness.get_by_label(name).click();
        self.harness.run_ok();
    }

    fn press(&mut self, key: Key) {
        self.harness.key_press(key);
        self.harness.run_ok();
    }

    /// What was wished for since the last call.
    fn wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.harness.state_mut().wishes)
    }

    fn shows(&self, words: &str) -> bool {
        self.harness.query_all_by_label_contains(words).next().is_some()
    }

    fn labels(&self, role: Role) -> Vec<String> {
        self.harness.query_all_by_role(role).filter_map(|node| node.accesskit_node().label()).collect()
    }
}
