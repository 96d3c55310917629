//! Tab-separated values: a header, then one row of start, end (whole milliseconds) and text for each segment.
//! No speakers.

use crate::transcript::{Segment, Transcript};

pub(super) fn render(transcript: &Transcript) -> String {
    let rows: String = transcript.segments.iter().map(row).collect();
    format!("start\tend\ttext\n{rows}")
}

fn row(segment: &Segment) -> String {
    let (start, end) = (segment.span.start.to_millis(), segment.span.end.to_millis());
    // This format has no quotes: a tab would begin a fourth column, a line break another row.
    let text = segment.text.trim().replace(['\t', '\n', '\r'], " ");
    format!("{start}\t{end}\t{text}\n")
}
