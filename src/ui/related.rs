//! Recordings of the library that sound like one, in words. No egui in here.

use crate::engine::library::{Likeness, RecordingEntry, RelatedRecording};

use super::texts::text_with;

/// The most similar one, and how many there are: for a row of the list.
pub(super) fn related_line(entry: &RecordingEntry) -> Option<String> {
    let (first, others) = entry.related.split_first()?;
    let (n, n_others) = (entry.related.len(), others.len());
    Some(text_with(
        "related-line",
        &[("n", n.into()), ("name", first.label.as_str().into()), ("others", n_others.into())],
    ))
}

/// All of them in one line, with how alike they are.
pub(super) fn related_list(entry: &RecordingEntry) -> Option<String> {
    let name = |related: &RelatedRecording| {
        let id = match Likeness::of(related.similarity)? {
            Likeness::Same => "related-same",
            Likeness::Similar => "related-similar",
        };
        Some(text_with(id, &[("name", related.label.as_str().into()), ("percent", percent(related).into())]))
    };
    let names: Vec<String> = entry.related.iter().filter_map(name).collect();
    (!names.is_empty()).then(|| text_with("related-list", &[("names", names.join(", ").into())]))
}

/// What is told when a recording turned out to sound like others: which is the most similar one.
pub(super) fn related_notice(entry: &RecordingEntry) -> Option<String> {
    let first = entry.related.first()?;
    let id = match Likeness::of(first.similarity)? {
        Likeness::Same => "related-told-same",
        Likeness::Similar => "related-told-similar",
    };
    Some(text_with(
        id,
        &[
            ("name", entry.label.as_str().into()),
            ("other", first.label.as_str().into()),
            ("percent", percent(first).into()),
        ],
    ))
}

/// Rounded down: a hundred percent are all of it.
fn percent(related: &RelatedRecording) -> u32 {
    (100.0 * related.similarity) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::library_samples::entry;

    #[test]
    fn related_recordings_are_named() {
        let like = |id: i64, similarity: f64| {
            let RecordingEntry { id, label, path, .. } = entry(id);
            RelatedRecording { id, label, path, similarity }
        };
        let one = [like(2, 0.999)];
        let two = [like(2, 0.97), like(3, 0.85)];
        for (related, line, list, notice) in [
            (&[][..], None, None, None),
            (
                &one[..],
                Some("Related: meeting 2"),
                Some("Related: meeting 2 (the same, 99 % alike)"),
                Some(
                    "“meeting 1” sounds the same as “meeting 2” (99 % alike): perhaps the same meeting in another form.",
                ),
            ),
            (
                &two[..],
                Some("Related: meeting 2 and 1 more"),
                Some("Related: meeting 2 (the same, 97 % alike), meeting 3 (similar, 85 % alike)"),
                Some(
                    "“meeting 1” sounds the same as “meeting 2” (97 % alike): perhaps the same meeting in another form.",
                ),
            ),
        ] {
            let entry = RecordingEntry { related: related.to_vec(), ..entry(1) };
            assert_eq!(related_line(&entry).as_deref(), line);
            assert_eq!(related_list(&entry).as_deref(), list);
            assert_eq!(related_notice(&entry).as_deref(), notice);
        }
    }
}
