//! Events on their way out of a thread that never waits for whoever reads them.

use std::collections::VecDeque;

use crossbeam_channel::{Sender, TrySendError};

/// Sends events in order, and keeps those for which there is no room yet.
pub(super) struct Outbox<T> {
    events: Sender<T>,
    waiting: VecDeque<T>,
}

impl<T> Outbox<T> {
    /// An outbox of which nothing waits.
    pub(super) fn new(events: Sender<T>) -> Self {
        Self { events, waiting: VecDeque::new() }
    }

    /// Tells it, after those that wait.
    pub(super) fn tell(&mut self, event: T) {
        self.waiting.push_back(event);
        self.flush();
    }

    /// Tells it unless older events wait: it will be out of date soon.
    pub(super) fn tell_if_idle(&mut self, event: T) {
        if self.waiting.is_empty() {
            self.events.try_send(event).ok();
        }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Sends what waits, as far as there is room.
    pub(super) fn flush(&mut self) {
        while let Some(event) = self.waiting.pop_front() {
            if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
                self.waiting.push_front(event);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;

    #[test]
    fn events_wait_in_order_until_there_is_room_but_for_those_that_pass() {
        let (event_sink, events) = bounded(1);
        let mut outbox = Outbox::new(event_sink);
        for event in ["first", "second", "third"] {
            outbox.tell(event);
        }
        outbox.tell_if_idle("passing");
        assert!(!outbox.is_empty(), "there is room for one only");
        let mut read = Vec::new();
        while let Ok(event) = events.try_recv() {
            read.push(event);
            outbox.flush();
        }
        assert_eq!(read, ["first", "second", "third"]);
        assert!(outbox.is_empty());
        outbox.tell_if_idle("passing");
        outbox.tell_if_idle("too much");
        assert_eq!((events.try_recv().ok(), events.try_recv().ok()), (Some("passing"), None));
        drop(events);
        outbox.tell("unheard");
        assert!(outbox.is_empty(), "nobody will ever read it");
    }
}
