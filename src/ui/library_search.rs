//! Looking for words in all transcripts: what was typed, what is asked for it, and what was found. Whatever is typed
//! while the engine looks is asked when it has answered, so that it never looks for more than one thing at a time. The
//! hits of the words before stay until the new ones are there. No egui in here.

use std::path::Path;

use crate::engine::library::{Hit, ListOrder, ListRequest, RecordingEntry, SearchRequest};

use super::texts::text;

/// Passages shown at most.
const MAX_HITS: usize = 200;
/// Recordings shown at most whose name or tag was typed.
const MAX_NAMED: usize = 20;
const DAY_SECS: i64 = 86_400;

/// What is looked for, and what was found.
#[derive(Debug, Default)]
pub(super) struct Search {
    typed: String,
    speaker: String,
    period: Period,
    from_secs: Option<i64>,
    hits: Asking<SearchRequest, Vec<Hit>>,
    named: Asking<ListRequest, Vec<RecordingEntry>>,
}

/// How old recordings may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Period {
    /// As old as they are.
    #[default]
    Any,
    /// A week,
    Week,
    /// a month,
    Month,
    /// or a year.
    Year,
}

/// The question that was asked last, and the last answer.
#[derive(Debug)]
struct Asking<Q, A> {
    /// Not answered yet.
    asked: Option<Q>,
    /// Answered, or failed.
    settled: Option<Q>,
    answer: A,
}

impl Search {
    /// What was typed.
    pub(super) fn typed(&self) -> &str {
        &self.typed
    }

    /// Changes what was typed.
    pub(super) fn type_words(&mut self, typed: String) {
        self.typed = typed;
        if !self.is_on() {
            self.hits.forget();
            self.named.forget();
        }
    }

    /// Whether anything is looked for.
    pub(super) fn is_on(&self) -> bool {
        !self.typed.trim().is_empty()
    }

    /// Whose words are looked through; empty for everybody's.
    pub(super) fn speaker(&self) -> &str {
        &self.speaker
    }

    /// Limits the search to what somebody said.
    pub(super) fn limit_to_speaker(&mut self, speaker: String) {
        self.speaker = speaker;
    }

    /// How old recordings may be.
    pub(super) fn period(&self) -> Period {
        self.period
    }

    /// Limits the search to a period that ends now.
    pub(super) fn limit_to_period(&mut self, period: Period, now_secs: i64) {
        self.period = period;
        self.from_secs = period.n_days().map(|n_days| now_secs - n_days * DAY_SECS);
    }

    /// The passages found, best first.
    pub(super) fn hits(&self) -> &[Hit] {
        &self.hits.answer
    }

    /// The recordings whose name, tag or speaker was typed.
    pub(super) fn named(&self) -> &[RecordingEntry] {
        &self.named.answer
    }

    /// Whether what is shown is what was looked for.
    pub(super) fn is_settled(&self) -> bool {
        self.hits.settled.as_ref().is_some_and(|request| request.words == self.typed.trim())
            && self.hits.asked.is_none()
    }

    /// What is to be looked for now, in the recordings of a folder.
    pub(super) fn due(&mut self, folder: Option<&Path>) -> Option<SearchRequest> {
        let wanted = self.is_on().then(|| SearchRequest {
            words: self.typed.trim().to_owned(),
            speaker: self.speaker.trim().to_owned(),
            folder: folder.map(Path::to_path_buf),
            from_secs: self.from_secs,
            until_secs: None,
            limit: MAX_HITS,
        });
        self.hits.due(wanted)
    }

    /// Which recordings by that name are to be told now.
    pub(super) fn due_named(&mut self, folder: Option<&Path>) -> Option<ListRequest> {
        let wanted = self.is_on().then(|| ListRequest {
            offset: 0,
            limit: MAX_NAMED,
            order: ListOrder::Date,
            text: self.typed.trim().to_owned(),
            folder: folder.map(Path::to_path_buf),
        });
        self.named.due(wanted)
    }

    /// Takes in the passages found.
    pub(super) fn take_hits(&mut self, hits: Vec<Hit>) {
        self.hits.take(hits);
    }

    /// Takes in the recordings by that name.
    pub(super) fn take_named(&mut self, named: Vec<RecordingEntry>) {
        self.named.take(named);
    }

    /// Notes that the passages do not come.
    pub(super) fn fail(&mut self) {
        self.hits.take(Vec::new());
    }

    /// Notes that the recordings by that name do not come.
    pub(super) fn fail_named(&mut self) {
        self.named.take(Vec::new());
    }

    /// No answer will come any more.
    pub(super) fn give_up(&mut self) {
        (self.hits.asked, self.named.asked) = (None, None);
    }
}

impl Period {
    /// All periods, from the longest.
    pub(super) const ALL: [Self; 4] = [Self::Any, Self::Year, Self::Month, Self::Week];

    /// What it is called in a menu.
    pub(super) fn label(self) -> String {
        match self {
            Self::Any => text("library-period-any"),
            Self::Year => text("library-period-year"),
            Self::Month => text("library-period-month"),
            Self::Week => text("library-period-week"),
        }
    }

    fn n_days(self) -> Option<i64> {
        match self {
            Self::Any => None,
            Self::Year => Some(365),
            Self::Month => Some(30),
            Self::Week => Some(7),
        }
    }
}

impl<Q: Clone + PartialEq, A: Default> Asking<Q, A> {
    /// The question to ask now, if another one than before is wanted and none is open.
    fn due(&mut self, wanted: Option<Q>) -> Option<Q> {
        let wanted = wanted.filter(|wanted| self.asked.is_none() && self.settled.as_ref() != Some(wanted))?;
        self.asked = Some(wanted.clone());
        Some(wanted)
    }

    /// Forgets the answer, so that the same question is asked again.
    fn forget(&mut self) {
        (self.settled, self.answer) = (None, A::default());
    }

    fn take(&mut self, answer: A) {
        if let Some(asked) = self.asked.take() {
            self.settled = Some(asked);
            self.answer = answer;
        }
    }
}

impl<Q, A: Default> Default for Asking<Q, A> {
    fn default() -> Self {
        Self { asked: None, settled: None, answer: A::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::library_samples::{entry, hit};

    #[test]
    fn one_thing_is_looked_for_at_a_time() {
        let mut search = Search::default();
        assert_eq!(words_due(&mut search), None);
        // (what is typed, what the engine is asked)
        for (typed, expected) in [("b", Some("b")), ("bu", None), ("bud ", None)] {
            search.type_words(typed.to_owned());
            assert_eq!(words_due(&mut search).as_deref(), expected, "{typed}");
            assert!(!search.is_settled());
        }
        search.take_hits(vec![hit(1)]);
        assert_eq!((words_due(&mut search).as_deref(), search.hits().len()), (Some("bud"), 1), "the last one counts");
        search.take_hits(vec![hit(1), hit(2)]);
        assert_eq!((words_due(&mut search), search.hits().len(), search.is_settled()), (None, 2, true));
        search.type_words(" ".to_owned());
        assert_eq!((words_due(&mut search), search.is_on()), (None, false));
        search.type_words("bud".to_owned());
        assert_eq!(words_due(&mut search).as_deref(), Some("bud"), "the transcripts may be others by now");
        search.fail();
        assert_eq!((words_due(&mut search), search.hits().len()), (None, 0), "it would fail again");
    }

    #[test]
    fn filters_are_a_part_of_what_is_asked() {
        let mut search = Search::default();
        search.type_words("budget".to_owned());
        search.limit_to_speaker(" Nora ".to_owned());
        search.limit_to_period(Period::Week, 10 * DAY_SECS);
        let request = search.due(Some(Path::new("/meetings"))).expect("something was typed");
        assert_eq!((request.speaker.as_str(), request.from_secs), ("Nora", Some(3 * DAY_SECS)));
        assert_eq!(request.folder.as_deref(), Some(Path::new("/meetings")));
        let named = search.due_named(None).expect("something was typed");
        assert_eq!((named.text.as_str(), named.limit), ("budget", MAX_NAMED));
        search.take_named(vec![entry(3)]);
        assert_eq!((search.named().len(), search.due_named(None)), (1, None));
        search.take_hits(Vec::new());
        search.limit_to_period(Period::Any, 10 * DAY_SECS);
        assert_eq!(search.due(None).and_then(|request| request.from_secs), None);
    }

    fn words_due(search: &mut Search) -> Option<String> {
        search.due(None).map(|request| request.words)
    }
}
