//! Turns a [`Transcript`] into the bytes of a file, one format per file of this folder. It writes nothing to disk.
//!
//! Text, subtitles, TSV and JSON are what the writers of `whisperX` 3.8.6 make of the same result, byte for byte, so
//! that scripts made for its files go on working. We depart only where its files would not be read back as what was
//! said:
//! - in subtitles, blank lines, backward times and segments without text, and in `WebVTT` `<` and `&`;
//! - in TSV, line breaks within a text;
//! - in JSON, `"chars": null` of segments that could not be aligned, which we never write.
//!
//! Speakers who have a name are called by it, except in JSON, which lists the names beside the labels.

mod csv;
mod document;
mod docx;
mod html;
mod json;
mod link;
mod markdown;
mod markup;
mod options;
mod rttm;
mod srt;
mod subtitles;
mod tsv;
mod txt;
mod vtt;

use std::path::Path;
use std::str::FromStr;

use crate::transcript::Transcript;
use crate::transcript::manifest::Manifest;

pub use link::path_from;
pub use options::{ExportOptions, Highlight, Order, SpeakerNames, Times};

/// A kind of file that a transcript can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One line for each segment.
    Txt,
    /// A document to read, with a heading and the times.
    Markdown,
    /// `SubRip` subtitles.
    Srt,
    /// `WebVTT` subtitles.
    Vtt,
    /// Everything that is known, in the schema of `whisperX`.
    Json,
    /// Times in milliseconds and text, separated by tabs.
    Tsv,
    /// Times in seconds, speaker and text, for spreadsheets.
    Csv,
    /// When each speaker talks, without the text.
    Rttm,
    /// A document for word processors.
    Docx,
    /// A page for browsers that plays the recording where a word is clicked.
    Html,
}

impl Format {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 10] = [
        Self::Txt,
        Self::Markdown,
        Self::Srt,
        Self::Vtt,
        Self::Json,
        Self::Tsv,
        Self::Csv,
        Self::Rttm,
        Self::Docx,
        Self::Html,
    ];

    /// The extension of its files, which is also its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Txt => "txt",
            Self::Markdown => "md",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Json => "json",
            Self::Tsv => "tsv",
            Self::Csv => "csv",
            Self::Rttm => "rttm",
            Self::Docx => "docx",
            Self::Html => "html",
        }
    }

    /// What a menu calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Txt => "Plain text (.txt)",
            Self::Markdown => "Markdown (.md)",
            Self::Srt => "SubRip subtitles (.srt)",
            Self::Vtt => "WebVTT subtitles (.vtt)",
            Self::Json => "JSON, as whisperX writes it (.json)",
            Self::Tsv => "Tab-separated values (.tsv)",
            Self::Csv => "Comma-separated values (.csv)",
            Self::Rttm => "Speaker turns, as NIST writes them (.rttm)",
            Self::Docx => "Word document (.docx)",
            Self::Html => "Web page to read and listen (.html)",
        }
    }
}

/// Reads what [`Format::name`] gives, in capital or small letters.
impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let known = Self::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| UnknownFormat { name: name.to_owned() })
    }
}

/// There is no format of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no export format; choose from {known}", known = known_names())]
pub struct UnknownFormat {
    /// What was asked for.
    pub name: String,
}

/// What a file says of the recording that the transcript itself does not know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Info<'a> {
    /// What the recording is called: the name of its file without the extension.
    pub title: &'a str,
    /// Where it lies, as seen from the folder of the file: [`path_from`]. `None`: the file does not refer to it.
    pub audio: Option<&'a Path>,
    /// What the transcript was made of, which JSON states.
    pub manifest: Option<&'a Manifest>,
}

/// The content of a file of this format, laid out as is usual.
pub fn render(format: Format, transcript: &Transcript, info: &Info<'_>) -> Vec<u8> {
    render_with(format, transcript, info, &ExportOptions::default())
}

/// The content of a file of this format, laid out as the options ask.
pub fn render_with(format: Format, transcript: &Transcript, info: &Info<'_>, options: &ExportOptions) -> Vec<u8> {
    match format {
        Format::Txt => txt::render(transcript, options).into_bytes(),
        Format::Markdown => markdown::render(transcript, info, options).into_bytes(),
        Format::Srt => srt::render(transcript, options).into_bytes(),
        Format::Vtt => vtt::render(transcript, options).into_bytes(),
        Format::Json => json::render(transcript, info),
        Format::Tsv => tsv::render(transcript).into_bytes(),
        Format::Csv => csv::render(transcript),
        Format::Rttm => rttm::render(transcript, info).into_bytes(),
        Format::Docx => docx::render(transcript, info, options),
        Format::Html => html::render(transcript, info, options).into_bytes(),
    }
}

fn known_names() -> String {
    Format::ALL.map(Format::name).join(", ")
}
