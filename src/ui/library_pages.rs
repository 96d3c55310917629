//! The list of the library as far as it was looked at: pages that the engine told, one asked for at a time. A page of an
//! older list is shown until the new one is there, so that nothing flickers or moves. No egui in here.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::engine::library::{ListOrder, ListRequest, RecordingEntry};

/// Recordings of a page.
const PAGE_LEN: usize = 100;
/// More pages than this are not kept: the one farthest from those in view goes.
const MAX_PAGES: usize = 24;

/// The list as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Pages {
    order: ListOrder,
    folder: Option<PathBuf>,
    n_rows: Option<usize>,
    pages: BTreeMap<usize, Page>,
    /// Rises whenever the list may be another one.
    edition: u64,
    in_view: Range<usize>,
    asked: Option<Asked>,
    answering: Answering,
}

/// A page as it was told.
#[derive(Debug)]
struct Page {
    entries: Vec<RecordingEntry>,
    /// Which list it was a part of.
    edition: u64,
}

/// The page that the engine was asked for.
#[derive(Debug)]
struct Asked {
    request: ListRequest,
    edition: u64,
}

/// Whether the library answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Answering {
    /// As far as is known.
    #[default]
    Yes,
    /// It failed the last time, and is asked again when there is a reason.
    No,
}

impl Pages {
    /// Number of recordings; `None` before it was told.
    pub(super) fn n_rows(&self) -> Option<usize> {
        self.n_rows
    }

    /// The recording in a row; `None` where its page is not there yet.
    pub(super) fn entry(&self, row_idx: usize) -> Option<&RecordingEntry> {
        self.pages.get(&(row_idx / PAGE_LEN))?.entries.get(row_idx % PAGE_LEN)
    }

    /// In what order they are.
    pub(super) fn order(&self) -> ListOrder {
        self.order
    }

    /// The folder that the list is limited to.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Whether the library answers.
    pub(super) fn answering(&self) -> Answering {
        self.answering
    }

    /// Whether these rows are known to be in view.
    pub(super) fn is_in_view(&self, rows: &Range<usize>) -> bool {
        self.in_view == pages_of(rows)
    }

    /// Notes which rows are in view.
    pub(super) fn look_at(&mut self, rows: &Range<usize>) {
        self.in_view = pages_of(rows);
    }

    /// Changes the order.
    pub(super) fn arrange(&mut self, order: ListOrder) {
        self.order = order;
        self.pages.clear();
        self.refresh();
    }

    /// Limits the list to a folder.
    pub(super) fn limit_to(&mut self, folder: Option<PathBuf>) {
        self.folder = folder;
        self.pages.clear();
        self.refresh();
    }

    /// Notes that the list may be another one.
    pub(super) fn refresh(&mut self) {
        self.edition += 1;
        self.answering = Answering::Yes;
    }

    /// The page to ask for now.
    pub(super) fn due(&mut self) -> Option<ListRequest> {
        if self.asked.is_some() || self.answering == Answering::No {
            return None;
        }
        // The first page tells how many there are.
        let first = self.in_view.start;
        let mut in_view = first..self.in_view.end.max(first + 1);
        let is_current = |page_idx: &usize| self.pages.get(page_idx).is_some_and(|page| page.edition == self.edition);
        let page_idx = in_view.find(|page_idx| !is_current(page_idx))?;
        let request = ListRequest {
            offset: page_idx * PAGE_LEN,
            limit: PAGE_LEN,
            order: self.order,
            text: String::new(),
            folder: self.folder.clone(),
        };
        self.asked = Some(Asked { request: request.clone(), edition: self.edition });
        Some(request)
    }

    /// Takes in the page that was asked for; one of an order that nobody wants any more is dropped.
    pub(super) fn take(&mut self, entries: Vec<RecordingEntry>, n_in_all: usize) {
        let Some(Asked { request, edition }) = self.asked.take() else { return };
        if request.order != self.order || request.folder != self.folder {
            return;
        }
        self.n_rows = Some(n_in_all);
        let n_pages = n_in_all.div_ceil(PAGE_LEN);
        self.pages.retain(|page_idx, _| *page_idx < n_pages);
        self.in_view.end = self.in_view.end.min(n_pages);
        self.in_view.start = self.in_view.start.min(self.in_view.end.saturating_sub(1));
        self.pages.insert(request.offset / PAGE_LEN, Page { entries, edition });
        self.forget_far_pages();
    }

    /// Notes that the page that was asked for does not come.
    pub(super) fn fail(&mut self) {
        self.asked = None;
        self.answering = Answering::No;
    }

    fn forget_far_pages(&mut self) {
        let middle = usize::midpoint(self.in_view.start, self.in_view.end);
        while self.pages.len() > MAX_PAGES {
            let farthest = self.pages.keys().copied().max_by_key(|page_idx| page_idx.abs_diff(middle));
            let Some(farthest) = farthest else { return };
            self.pages.remove(&farthest);
        }
    }
}

fn pages_of(rows: &Range<usize>) -> Range<usize> {
    rows.start / PAGE_LEN..rows.end.div_ceil(PAGE_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::library_samples::entry;

    #[test]
    fn pages_are_asked_for_as_they_come_into_view() {
        let mut pages = Pages::default();
        // (rows in view, the pages asked for one after the other)
        for (rows, expected) in [(0..0, vec![0]), (0..12, vec![]), (95..107, vec![100]), (950..1000, vec![900])] {
            pages.look_at(&rows);
            assert!(pages.is_in_view(&rows));
            assert_eq!(answered(&mut pages, 1000), expected, "{rows:?}");
        }
        assert_eq!((pages.n_rows(), pages.entry(106).map(|entry| entry.id.0)), (Some(1000), Some(106)));
        assert!(pages.entry(500).is_none(), "nobody has looked there");
    }

    #[test]
    fn another_list_replaces_the_one_that_is_shown_page_by_page() {
        let mut pages = Pages::default();
        pages.look_at(&(0..150));
        assert_eq!(answered(&mut pages, 1000), [0, 100]);
        pages.refresh();
        assert!(pages.entry(120).is_some(), "the old one is shown meanwhile");
        assert_eq!(answered(&mut pages, 101), [0, 100]);
        assert!(pages.entry(100).is_some() && pages.entry(101).is_none(), "it is shorter now");
        pages.arrange(ListOrder::Name);
        assert!(pages.entry(0).is_none(), "the old order would mislead");
        let asked = pages.due().expect("the first page");
        pages.arrange(ListOrder::Folder);
        pages.take(vec![entry(1)], 1);
        assert_eq!((asked.order, pages.n_rows()), (ListOrder::Name, Some(101)), "nobody wants it by name any more");
        assert_eq!(answered(&mut pages, 0), [0]);
        assert_eq!((pages.n_rows(), pages.due()), (Some(0), None));
    }

    #[test]
    fn a_library_that_fails_is_asked_again_only_with_a_reason() {
        let mut pages = Pages::default();
        assert!(pages.due().is_some() && pages.due().is_none(), "one at a time");
        pages.fail();
        assert_eq!((pages.due(), pages.answering()), (None, Answering::No));
        pages.refresh();
        assert!(pages.due().is_some());
    }

    #[test]
    fn what_was_looked_at_long_ago_is_forgotten() {
        let mut pages = Pages::default();
        for page_idx in 0..2 * MAX_PAGES {
            let first = page_idx * PAGE_LEN;
            pages.look_at(&(first..first + 12));
            answered(&mut pages, 100_000);
        }
        assert_eq!(pages.pages.len(), MAX_PAGES);
        assert!(pages.entry(0).is_none() && pages.entry((2 * MAX_PAGES - 1) * PAGE_LEN).is_some());
    }

    /// Answers whatever is asked for, and returns the offsets.
    fn answered(pages: &mut Pages, n_in_all: usize) -> Vec<usize> {
        let mut offsets = Vec::new();
        while let Some(request) = pages.due() {
            let end = (request.offset + request.limit).min(n_in_all);
            pages.take((request.offset..end).map(|idx| entry(idx as i64)).collect(), n_in_all);
            offsets.push(request.offset);
        }
        offsets
    }
}
