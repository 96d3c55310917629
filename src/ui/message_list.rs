//! Warnings and errors that stay until the user has dismissed them, and can be shown again as long as the window is
//! open. No egui in here.

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

/// More than these are forgotten, the oldest first, once they were dismissed.
const MAX_DISMISSED: usize = 1000;

/// All messages of this window.
#[derive(Debug, Default)]
pub(super) struct MessageList {
    messages: Vec<Message>,
    dismissed: Vec<Message>,
    n_messages: u64,
    scope: MessageScope,
}

/// Which messages are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum MessageScope {
    /// Those that nobody has dismissed.
    #[default]
    Open,
    /// All of this window.
    All,
}

impl MessageList {
    /// The messages, newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().rev()
    }

    /// Which messages are shown.
    pub(super) fn scope(&self) -> MessageScope {
        self.scope
    }

    /// Shows all messages, or only those that nobody has dismissed.
    pub(super) fn toggle_scope(&mut self) {
        self.scope = match self.scope {
            MessageScope::Open => MessageScope::All,
            MessageScope::All => MessageScope::Open,
        };
    }

    /// Those that were dismissed, the last one first, where all are shown.
    pub(super) fn dismissed_shown(&self) -> impl Iterator<Item = &Message> {
        let shown: &[Message] = match self.scope {
            MessageScope::Open => &[],
            MessageScope::All => &self.dismissed,
        };
        shown.iter().rev()
    }

    /// How many there were in this window.
    pub(super) fn n_in_all(&self) -> usize {
        self.messages.len() + self.dismissed.len()
    }

    /// Adds a message.
    pub(super) fn add(&mut self, severity: Severity, text: String) {
        self.n_messages += 1;
        self.messages.push(Message { id: self.n_messages, severity, text });
    }

    /// Puts a message aside.
    pub(super) fn dismiss(&mut self, id: u64) {
        if let Some(idx) = self.messages.iter().position(|message| message.id == id) {
            self.dismissed.push(self.messages.remove(idx));
            let n_surplus = self.dismissed.len().saturating_sub(MAX_DISMISSED);
            self.dismissed.drain(..n_surplus);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dismissed_messages_can_be_shown_again() {
        let mut list = MessageList::default();
        for text in ["one", "two", "three"] {
            list.add(Severity::Error, text.to_owned());
        }
        list.dismiss(2);
        list.dismiss(7);
        let texts = |list: &MessageList| -> Vec<String> {
            list.newest_first().chain(list.dismissed_shown()).map(|message| message.text.clone()).collect()
        };
        assert_eq!((texts(&list), list.n_in_all()), (vec!["three".to_owned(), "one".to_owned()], 3));
        list.toggle_scope();
        assert_eq!(texts(&list), ["three", "one", "two"]);
    }
}
