//! Subtitles of transcripts in which some segments have words with times and others have not.

use hansard::export::{ExportOptions, Highlight};
use hansard::transcript::Segment;

use super::export::{both_read_back, cue, english, golden_transcript, segment, word};

#[test]
fn a_segment_without_words_is_a_cue_of_its_own_beside_aligned_ones() {
    let aligned = Segment { words: vec![word("one", 3.0, 3.4), word("two", 3.5, 4.0)], ..segment(3.0, 4.0, "-") };
    let blank = Segment { words: vec![word(" ", 4.0, 4.1)], ..segment(4.0, 5.0, " nor it ") };
    let transcript = english(vec![segment(1.0, 3.0, " not aligned"), aligned, blank]);
    let limits = |width, count| ExportOptions {
        max_line_width: width,
        max_line_count: count,
        highlight_words: Highlight::SpokenWord,
        ..ExportOptions::default()
    };
    let plain = ExportOptions::default();
    let (wordless, last) = (cue(1000, 3000, "not aligned"), cue(4000, 5000, "nor it"));
    let spoken = [cue(3000, 3400, "<u>one</u> two"), cue(3400, 3500, "one two"), cue(3500, 4000, "one <u>two</u>")];
    let [first, pause, second] = spoken;
    for (options, expected) in [
        (plain, vec![cue(1000, 3000, "not aligned"), cue(3000, 4000, "one two"), cue(4000, 5000, "nor it")]),
        (limits(None, None), vec![wordless, first, pause, second, last]),
        (
            limits(Some(9), Some(1)),
            vec![
                // The two words have three and seven letters.
                cue(1000, 1600, "not"),
                cue(1600, 3000, "aligned"),
                cue(3000, 3400, "<u>one</u> two nor"),
                cue(3400, 3500, "one two nor"),
                cue(3500, 4000, "one <u>two</u> nor"),
                cue(4000, 4600, "one two nor"),
                cue(4600, 5000, "it"),
            ],
        ),
    ] {
        for cues in both_read_back(&transcript, &options) {
            assert_eq!(cues, expected, "{options:?}");
        }
    }
    // What whisperX left out of its files of the reference is there, too.
    for cues in both_read_back(&golden_transcript(), &plain) {
        assert_eq!(cues.len(), golden_transcript().segments.len());
        assert_eq!((cues[0].start_millis, cues[0].end_millis), (31, 3912));
    }
}
