//! Comma-separated values (RFC 4180): a header, then a row of start, end (seconds), speaker and text for each segment.
//! Text that begins with `=` stays as it was said: a transcript is evidence, and what a spreadsheet makes of a cell is
//! chosen when the file is imported.

use crate::transcript::{Segment, Transcript};

const IN_MEMORY: &str = "writing to memory does not fail, and every row has four fields";

pub(super) fn render(transcript: &Transcript) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(["start", "end", "speaker", "text"]).expect(IN_MEMORY);
    for segment in &transcript.segments {
        writer.write_record(row(segment, transcript)).expect(IN_MEMORY);
    }
    writer.into_inner().expect(IN_MEMORY)
}

fn row(segment: &Segment, transcript: &Transcript) -> [String; 4] {
    let [start, end] = [segment.span.start, segment.span.end].map(|time| format!("{:.3}", time.0));
    let speaker = segment.speaker.as_deref().map_or("", |speaker| transcript.name_of(speaker));
    [start, end, speaker.to_owned(), segment.text.trim().to_owned()]
}
