//! What the user may choose about the layout of a file. The default of every choice gives what was written before there
//! was one, byte for byte.

/// How a transcript is laid out in a file. Formats leave aside what does not concern them: JSON, tables and RTTM are
/// for programs, and nothing here changes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// Subtitles: characters on a line, not counting the blanks between words. Longer words stay whole.
    pub max_line_width: Option<usize>,
    /// Subtitles: lines in a cue. Once both limits are set, a cue may go on from one segment into the next.
    pub max_line_count: Option<usize>,
    /// Subtitles: whether the word that is being said stands out.
    pub highlight_words: Highlight,
    /// Text, documents and subtitles: whether they say who speaks.
    pub speaker_names: SpeakerNames,
    /// Text and documents: whether they say when.
    pub times: Times,
    /// Markdown and DOCX: what comes after what.
    pub order: Order,
}

/// Whether subtitles show which word is being said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Highlight {
    /// They do not.
    #[default]
    Off,
    /// Each word is underlined while it is said: a cue for each word, and one for each pause between two.
    SpokenWord,
}

/// Whether speakers are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpeakerNames {
    /// By their names, or else by their labels.
    #[default]
    Shown,
    /// Only what was said.
    Hidden,
}

/// Whether it is said when something was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Times {
    /// As it is usual for the format: documents have times, plain text has none.
    #[default]
    Usual,
    /// In plain text, too.
    Shown,
    /// As [`Times::Shown`], and each is a link to that moment of the recording in Markdown.
    Linked,
    /// Nowhere.
    Hidden,
}

/// What comes after what in a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// What was said first.
    #[default]
    Time,
    /// Speaker by speaker, in the order in which they first speak: a chapter for each with how long they talk, then all
    /// they say. As [`Order::Time`] where speakers are not to be named.
    Speaker,
}
