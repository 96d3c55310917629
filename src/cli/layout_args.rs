//! What was typed about the form of results: their formats and their layout. The flags are called as those of
//! `whisperX`.

use std::num::NonZeroUsize;

use clap::Args;

use crate::export::{ExportOptions, Format, Highlight, SpeakerNames};

// What results are written as and how. (A doc comment here would replace what the help says of `transcribe`.)
#[derive(Debug, Args)]
pub(super) struct LayoutArguments {
    /// What to write: one or more of txt, md, srt, vtt, json, tsv, csv, rttm, docx, html, separated by commas
    #[arg(long, value_name = "LIST", default_value = "txt", value_delimiter = ',')]
    pub(super) format: Vec<Format>,

    /// In subtitles, at most so many characters on a line
    #[arg(long, value_name = "N")]
    pub(super) max_line_width: Option<NonZeroUsize>,

    /// In subtitles, at most so many lines at once
    #[arg(long, value_name = "N", requires = "max_line_width")]
    pub(super) max_line_count: Option<NonZeroUsize>,

    /// In subtitles, underline each word while it is said
    #[arg(long)]
    pub(super) highlight_words: bool,

    /// In text, documents and subtitles, do not say who speaks
    #[arg(long)]
    pub(super) no_speaker_names: bool,
}

impl LayoutArguments {
    /// How results are laid out.
    pub(super) fn options(&self) -> ExportOptions {
        ExportOptions {
            max_line_width: self.max_line_width.map(NonZeroUsize::get),
            max_line_count: self.max_line_count.map(NonZeroUsize::get),
            highlight_words: if self.highlight_words { Highlight::SpokenWord } else { Highlight::Off },
            speaker_names: if self.no_speaker_names { SpeakerNames::Hidden } else { SpeakerNames::Shown },
            ..ExportOptions::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        layout: LayoutArguments,
    }

    #[test]
    fn layouts_are_as_they_were_typed() {
        let usual = ExportOptions::default();
        for (typed, expected) in [
            ("", Some(usual)),
            (
                "--max-line-width 42 --max-line-count 2",
                Some(ExportOptions { max_line_width: Some(42), max_line_count: Some(2), ..usual }),
            ),
            ("--highlight-words", Some(ExportOptions { highlight_words: Highlight::SpokenWord, ..usual })),
            ("--no-speaker-names", Some(ExportOptions { speaker_names: SpeakerNames::Hidden, ..usual })),
            ("--max-line-count 2", None),
            ("--max-line-width 0", None),
        ] {
            let words = std::iter::once("hansard").chain(typed.split_whitespace());
            let parsed = Line::try_parse_from(words).ok().map(|line| line.layout.options());
            assert_eq!(parsed, expected, "{typed}");
        }
    }
}
