//! Warnings and errors that stay until the user has dismissed them. No egui in here.

/// Something the user should know; stays until dismissed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Unique within this window.
    pub(super) id: u64,
    /// How bad it is.
    pub(super) severity: Severity,
    /// What happened, where, and what to do.
    pub(super) text: String,
}

/// How bad a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// The work went on, with a flaw.
    Warning,
    /// Something asked for was not done.
    Error,
}

/// All messages that nobody has dismissed.
#[derive(Debug, Default)]
pub(super) struct MessageList {
    messages: Vec<Message>,
    n_messages: u64,
}

impl MessageList {
    /// The messages, newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().rev()
    }

    /// Adds a message.
    pub(super) fn add(&mut self, severity: Severity, text: String) {
        self.n_messages += 1;
        self.messages.push(Message { id: self.n_messages, severity, text });
    }

    /// Removes a message.
    pub(super) fn dismiss(&mut self, id: u64) {
        self.messages.retain(|message| message.id != id);
    }
}
