//! The recording as a picture above its transcript: how loud it is, who talks when, where one is, and what was found or
//! is doubted. A click goes to a time, dragging chooses a part to be played again and again.

use eframe::egui::{
    Align2, CursorIcon, EventFilter, Id, Key, Painter, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind,
    TextStyle, Ui, WidgetInfo,
    accesskit::{Action as AccessAction, ActionData},
    pos2, vec2,
};

use crate::engine::playback::Peaks;
use crate::units::{Seconds, TimeSpan};

use super::action::{Action, PlayAction};
use super::finder::Finder;
use super::icons::{ICON_BUTTON_SIZE, Icon, icon_button_ui};
use super::playback_state::{PlaybackState, Readiness};
use super::recording::Recording;
use super::review_state::{Review, Version};
use super::texts::{text, text_with};
use super::theme::{self, Palette, UNIT};
use super::timeline_picture::{Picture, Subject, Ticks, Window};

/// The line with times,
const RULER_HEIGHT: f32 = 2.0 * UNIT;
/// the waveform,
const WAVE_HEIGHT: f32 = 5.0 * UNIT;
/// and all lanes of speakers together.
const LANES_HEIGHT: f32 = 3.0 * UNIT;
const LANE_GAP: f32 = 2.0;
/// Of a mark of something that was found or is doubted.
const TICK_HEIGHT: f32 = 6.0;
/// So much more or less is shown at once.
const ZOOM_STEP: f64 = 1.5;
/// How far an arrow key goes.
const STEP: Seconds = Seconds(5.0);
/// Who drags less far only clicked.
const MIN_LOOP: Seconds = Seconds(0.2);

/// What the timeline keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    window: Option<(usize, Window)>,
    picture: Picture,
    /// Where dragging began.
    dragged_from: Option<Seconds>,
    position_before: Seconds,
}

/// What is drawn.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    /// The recording,
    pub(super) recording: &'a Recording,
    /// its place in the list,
    pub(super) recording_idx: usize,
    /// what is heard of it,
    pub(super) playback: &'a PlaybackState,
    /// what was found in it,
    pub(super) finder: &'a Finder,
    /// and what there is to review.
    pub(super) review: &'a Review,
}

/// Height of the whole timeline.
pub(super) const TIMELINE_HEIGHT: f32 = RULER_HEIGHT + WAVE_HEIGHT + LANES_HEIGHT;

/// What has the keyboard focus when the timeline has it.
pub(super) fn timeline_id() -> Id {
    Id::unique("timeline")
}

impl Timeline {
    /// Shows the timeline of a recording.
    pub(super) fn ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
        let Some(duration) = duration_of(scene) else { return };
        let mut window = match self.window {
            Some((recording_idx, window)) if recording_idx == scene.recording_idx => window.of_length(duration),
            Some(_) | None => Window::all(duration),
        };
        let width = (ui.available_width() - ICON_BUTTON_SIZE.x - UNIT).max(8.0 * UNIT).floor();
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = UNIT;
            let (_, rect) = ui.allocate_space(vec2(width, TIMELINE_HEIGHT));
            let position = scene.playback.position();
            if position != self.position_before {
                // Somebody who looks at another part is not brought back.
                if window.shows(self.position_before) {
                    window = window.with(position);
                }
                self.position_before = position;
            }
            let response = ui.interact(rect, timeline_id(), Sense::click_and_drag());
            window = zoomed_by_wheel(ui, &response, window);
            self.take_pointer(&response, window, actions);
            window = take_keys(ui, &response, window, position, actions);
            self.draw(ui, rect, window, scene);
            describe(ui, &response, position, duration);
            if let Some(at) = response.hover_pos() {
                let at = window.time_at(f64::from((at.x - rect.left()) / rect.width()));
                response.on_hover_cursor(CursorIcon::Text).on_hover_text_at_pointer(at.to_string());
            }
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = UNIT;
                let around = if window.is_all() { position } else { window.time_at(0.5) };
                let keys = text("timeline-keys");
                if icon_button_ui(ui, Icon::Plus, &text("timeline-less"), &keys).clicked() {
                    window = window.zoomed(1.0 / ZOOM_STEP, around);
                }
                ui.add_enabled_ui(!window.is_all(), |ui| {
                    if icon_button_ui(ui, Icon::Minus, &text("timeline-more"), &keys).clicked() {
                        window = window.zoomed(ZOOM_STEP, around);
                    }
                });
            });
        });
        self.window = Some((scene.recording_idx, window));
    }

    fn take_pointer(&mut self, response: &Response, window: Window, actions: &mut Vec<Action>) {
        let rect = response.rect;
        let pointer = response.interact_pointer_pos();
        let Some(at) = pointer.map(|at| window.time_at(f64::from((at.x - rect.left()) / rect.width()))) else {
            self.dragged_from = None;
            return;
        };
        if response.drag_started() {
            self.dragged_from = Some(at);
        }
        if response.clicked() {
            response.request_focus();
            actions.push(Action::Play(PlayAction::Seek(at)));
        }
        if response.drag_stopped()
            && let Some(from) = self.dragged_from.take()
        {
            let part = in_order(from, at);
            if part.duration() >= MIN_LOOP {
                actions.push(Action::Play(PlayAction::Loop(Some(part))));
                actions.push(Action::Play(PlayAction::Seek(part.start)));
            } else {
                actions.push(Action::Play(PlayAction::Seek(at)));
            }
        }
    }

    fn draw(&mut self, ui: &Ui, rect: Rect, window: Window, scene: &Scene<'_>) {
        let palette = theme::palette(ui);
        let Scene { recording, recording_idx, playback, finder, review } = *scene;
        let subject = Subject {
            version: Version::of(recording_idx, recording),
            window,
            n_columns: rect.width().max(1.0) as usize,
            peaks: playback.peaks().map(Peaks::duration),
            n_searches: finder.n_searches(),
            n_doubts: review.doubt_times().len(),
        };
        let ticks = Ticks { hits: finder.times(), doubts: review.doubt_times() };
        self.picture.refresh(subject, recording, playback.peaks(), ticks);
        let painter = ui.painter_at(rect.expand(1.0));
        painter.rect_filled(rect, 4.0, palette.panel);
        let x_of = |at: Seconds| rect.left() + (window.share_of(at) as f32) * rect.width();
        let loop_shown = self.dragged_from.zip(ui.input(|input| input.pointer.interact_pos()));
        let dragged =
            loop_shown.map(|(from, at)| in_order(from, window.time_at(f64::from((at.x - rect.left()) / rect.width()))));
        if let Some(part) = dragged.or(playback.looped()) {
            let part = Rect::from_x_y_ranges(x_of(part.start)..=x_of(part.end), rect.y_range());
            painter.rect_filled(part, 0.0, palette.selection);
        }
        let font = TextStyle::Small.resolve(ui.style());
        for mark in window.marks(rect.width()) {
            let x = x_of(mark);
            painter.vline(x, rect.y_range(), Stroke::new(1.0, palette.line));
            let text_at = pos2(x + 3.0, rect.top());
            painter.text(text_at, Align2::LEFT_TOP, mark.to_string(), font.clone(), palette.weak);
        }
        let wave = Rect::from_min_size(rect.min + vec2(0.0, RULER_HEIGHT), vec2(rect.width(), WAVE_HEIGHT));
        self.draw_wave(&painter, wave, palette);
        self.draw_lanes(&painter, rect.with_min_y(wave.bottom()), palette);
        let head = x_of(playback.position());
        painter.vline(head, rect.y_range(), Stroke::new(2.0, palette.accent));
        painter.circle_filled(pos2(head, rect.top() + 3.0), 4.0, palette.accent);
        if ui.memory(|memory| memory.has_focus(timeline_id())) {
            let stroke = ui.visuals().selection.stroke;
            painter.rect_stroke(rect, 4.0, stroke, StrokeKind::Inside);
        }
    }

    fn draw_wave(&self, painter: &Painter, wave: Rect, palette: &Palette) {
        let half = wave.height() / 2.0 / 127.0;
        for (column, peak) in self.picture.peaks.iter().enumerate() {
            let x = wave.left() + column as f32 + 0.5;
            let (top, bottom) = (f32::from(peak.max.max(0)) * half, f32::from(peak.min.min(0)) * half);
            let from = (wave.center().y - top).min(wave.center().y - 0.5);
            let to = (wave.center().y - bottom).max(wave.center().y + 0.5);
            painter.vline(x, from..=to, Stroke::new(1.0, palette.weak));
        }
        // What was found hangs from above, what is doubted stands below, so that both are told apart without colours.
        for column in &self.picture.hits {
            let x = wave.left() + *column as f32 + 0.5;
            painter.vline(x, wave.top()..=wave.top() + TICK_HEIGHT, Stroke::new(2.0, palette.accent));
        }
        for column in &self.picture.doubts {
            let x = wave.left() + *column as f32 + 0.5;
            painter.vline(x, wave.bottom() - TICK_HEIGHT..=wave.bottom(), Stroke::new(2.0, palette.warning));
        }
    }

    fn draw_lanes(&self, painter: &Painter, lanes: Rect, palette: &Palette) {
        let lane_height = (lanes.height() - LANE_GAP) / self.picture.n_lanes.max(1) as f32;
        for talk in &self.picture.talks {
            let top = lanes.top() + LANE_GAP + talk.lane_idx as f32 * lane_height;
            let from = pos2(lanes.left() + talk.from as f32, top);
            let to = pos2(lanes.left() + (talk.to + 1) as f32, top + (lane_height - LANE_GAP).max(1.0));
            painter.rect_filled(Rect::from_min_max(from, to), 1.0, palette.speaker(talk.color_idx));
        }
    }
}

/// How long the recording is: as whoever read it says, or as far as its transcript goes.
fn duration_of(scene: &Scene<'_>) -> Option<Seconds> {
    let known = scene.playback.duration().or(scene.recording.duration);
    let last = scene.recording.transcript.segments.last().map(|segment| segment.span.end);
    known.or(last).filter(|duration| duration.0 > 0.0)
}

fn in_order(a: Seconds, b: Seconds) -> TimeSpan {
    TimeSpan::from_secs(a.0.min(b.0), a.0.max(b.0))
}

/// With Ctrl, the wheel shows more or less; without, it goes through the recording.
fn zoomed_by_wheel(ui: &Ui, response: &Response, window: Window) -> Window {
    let Some(Pos2 { x, .. }) = response.hover_pos() else { return window };
    let (zoom, scrolled) = ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta()));
    let rect = response.rect;
    if (zoom - 1.0).abs() > f32::EPSILON {
        let around = window.time_at(f64::from((x - rect.left()) / rect.width()));
        return window.zoomed(1.0 / f64::from(zoom), around);
    }
    let by = if scrolled.x.abs() > scrolled.y.abs() { scrolled.x } else { scrolled.y };
    if by == 0.0 { window } else { window.moved(-f64::from(by / rect.width())) }
}

/// With the keyboard focus, arrows go through time and zoom; a screen reader sets the time.
fn take_keys(ui: &Ui, response: &Response, window: Window, position: Seconds, actions: &mut Vec<Action>) -> Window {
    let id = response.id;
    let mut steps = 0.0;
    let mut zoomed = window;
    if response.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        let pressed = |key: Key| ui.input(|input| input.num_presses(key) as f64);
        steps += pressed(Key::ArrowRight) - pressed(Key::ArrowLeft);
        let zoom_steps = pressed(Key::ArrowDown) - pressed(Key::ArrowUp);
        if zoom_steps != 0.0 {
            zoomed = window.zoomed(ZOOM_STEP.powf(zoom_steps), position);
        }
    }
    let set = ui.input(|input| {
        steps += input.num_accesskit_action_requests(id, AccessAction::Increment) as f64;
        steps -= input.num_accesskit_action_requests(id, AccessAction::Decrement) as f64;
        let values = input.accesskit_action_requests(id, AccessAction::SetValue);
        let numbers = values.filter_map(|request| match request.data {
            Some(ActionData::NumericValue(value)) => Some(value),
            Some(_) | None => None,
        });
        numbers.last()
    });
    if let Some(secs) = set {
        actions.push(Action::Play(PlayAction::Seek(Seconds(secs))));
    } else if steps != 0.0 {
        actions.push(Action::Play(PlayAction::Jump(Seconds(steps * STEP.0))));
    }
    zoomed
}

/// What a screen reader says.
fn describe(ui: &Ui, response: &Response, position: Seconds, duration: Seconds) {
    response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), position.0, text("timeline-position")));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_role(Role::Slider);
        let (at, of) = (position.to_string(), duration.to_string());
        node.set_value(text_with("timeline-value", &[("position", at.into()), ("duration", of.into())]));
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(duration.0);
        node.set_numeric_value_step(STEP.0);
        for action in [AccessAction::SetValue, AccessAction::Increment, AccessAction::Decrement] {
            node.add_action(action);
        }
    });
}

/// Whether there is anything to show of what is heard.
pub(super) fn is_shown(playback: &PlaybackState) -> bool {
    match playback.readiness() {
        Readiness::Opening | Readiness::Ready => true,
        Readiness::Nothing | Readiness::Failed(_) => false,
    }
}
