//! Events on their way out of a thread that never waits for whoever reads them.

use std::collections::VecDeque;

use crossbeam_channel::{Sender, TrySendError};

use super::RecordEvent;

/// Sends events in order, and keeps those for which there is no room yet.
pub(in crate::engine) struct Outbox {
    events: Sender<RecordEvent>,
    waiting: VecDeque<RecordEvent>,
}

impl Outbox {
    /// An outbox of which nothing waits.
    pub(in crate::engine) fn new(events: Sender<RecordEvent>) -> Self {
        Self { events, waiting: VecDeque::new() }
    }

    /// Tells it, after those that wait.
    pub(in crate::engine) fn tell(&mut self, event: RecordEvent) {
        self.waiting.push_back(event);
        self.flush();
    }

    /// Tells it unless older events wait: it will be out of date soon.
    pub(in crate::engine) fn tell_if_idle(&mut self, event: RecordEvent) {
        if self.waiting.is_empty() {
            self.events.try_send(event).ok();
        }
    }

    /// Whether nothing waits.
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Sends what waits, as far as there is room.
    pub(in crate::engine) fn flush(&mut self) {
        while let Some(event) = self.waiting.pop_front() {
            if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
                self.waiting.push_front(event);
                return;
            }
        }
    }
}
