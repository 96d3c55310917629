//! What was typed after `hansard library`, `hansard search` and `hansard verify`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::engine::library::{ListOrder, ListRequest, SearchRequest};

use super::calendar::Day;

const LIBRARY_EXAMPLES: &str = "\
Examples:
  hansard library add ~/meetings                        list all recordings below a folder
  hansard library list --order duration --limit 10      the ten longest
  hansard library list Ana                              those with Ana in their name, tags or speakers
  hansard library tag 12 board budget                   two tags for recording 12
  hansard library versions 12 --restore 1               the transcript of recording 12 as it was before
  hansard library watch ~/meetings --transcribe         what comes there is transcribed while the window is open
  hansard library export all.hansard-library            everything that is yours, in one file

Transcripts are kept with what you changed in them. No command of `hansard cache` touches the library.";

const SEARCH_EXAMPLES: &str = "\
Examples:
  hansard search budget                                 all passages with this word, best first
  hansard search '\"kick off\"' --speaker Ana             these words in this order, said by Ana
  hansard search bud cut --from 2024-05-01 --limit 5    the last word may be the beginning of one";

const VERIFY_EXAMPLES: &str = "\
Examples:
  hansard verify minutes/board.json                     the recording is looked for beside it and in the library
  hansard verify board.json --audio ~/meetings/board.mp4

Every JSON file that Hansard writes says what it was made of. This compares: the file with its own seal, the recording and
the models with their hashes. It tells which words are not as they were transcribed. A seal shows changes; it does not
prove who wrote the file.";

#[derive(Debug, Args)]
#[command(after_help = LIBRARY_EXAMPLES)]
pub(super) struct LibraryArguments {
    #[command(subcommand)]
    pub(super) action: LibraryAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum LibraryAction {
    /// Show the recordings
    List(ListArguments),
    /// Put recordings into the library without transcribing them
    Add {
        /// Recordings, and folders with recordings at any depth
        #[arg(required = true, value_name = "FILE|FOLDER")]
        files: Vec<PathBuf>,
    },
    /// Take recordings out, with their transcripts, changes, tags and notes; the files stay
    Remove {
        /// Their numbers, as `list` shows them, or their files
        #[arg(required = true, value_name = "NUMBER|FILE")]
        which: Vec<String>,
    },
    /// Give a recording tags
    Tag {
        /// Its number or its file
        #[arg(value_name = "NUMBER|FILE")]
        which: String,

        /// The tags
        #[arg(required = true, value_name = "TAG")]
        tags: Vec<String>,

        /// Take these tags away instead
        #[arg(long)]
        remove: bool,
    },
    /// Write a note on a recording, in place of the one that it has
    Note {
        /// Its number or its file
        #[arg(value_name = "NUMBER|FILE")]
        which: String,

        /// The note; empty for none
        text: String,
    },
    /// Show the earlier versions of a transcript, or make one of them the newest
    Versions {
        /// The number of its recording, or the file
        #[arg(value_name = "NUMBER|FILE")]
        which: String,

        /// Make this version the newest one; what was the newest is a version from then on
        #[arg(long, value_name = "N")]
        restore: Option<usize>,

        /// Print one JSON object instead of a table
        #[arg(long, conflicts_with = "restore")]
        json: bool,
    },
    /// Look after a folder: recordings that come there are listed
    Watch {
        /// The folder
        folder: PathBuf,

        /// Also transcribe those that come while the window is open
        #[arg(long)]
        transcribe: bool,
    },
    /// Leave a folder alone; what was found in it stays listed
    Unwatch {
        /// The folder
        folder: PathBuf,
    },
    /// Show the folders that are looked after
    Folders {
        /// Print one JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Show the newest jobs: what they took, and how much was known already
    Jobs {
        /// How many
        #[arg(long, value_name = "N", default_value = "20")]
        limit: usize,

        /// Print one JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Write the library to one file
    Export {
        /// The file, usually NAME.hansard-library
        file: PathBuf,
    },
    /// Take in a library from a file of `export`; what is here already stays as it is
    Import {
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Only those whose name, file, tags or speakers contain this
    #[arg(default_value = "", hide_default_value = true)]
    text: String,

    /// Only those below a folder
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,

    /// By the time of the file, newest first; by folder; by name; or longest first
    #[arg(long, value_enum, default_value_t = OrderName::Date)]
    order: OrderName,

    /// How many to pass over
    #[arg(long, value_name = "N", default_value = "0")]
    offset: usize,

    /// How many to show
    #[arg(long, value_name = "N", default_value = "50")]
    limit: usize,

    /// Print one JSON object instead of a table
    #[arg(long)]
    pub(super) json: bool,
}

impl ListArguments {
    /// What is to be listed.
    pub(super) fn request(&self) -> ListRequest {
        let (order, text) = (self.order.into(), self.text.clone());
        ListRequest { offset: self.offset, limit: self.limit, order, text, folder: self.folder.clone() }
    }
}

#[derive(Debug, Args)]
#[command(after_help = SEARCH_EXAMPLES)]
pub(super) struct SearchArguments {
    /// Words that a passage must have, all of them
    #[arg(required = true, value_name = "WORD")]
    words: Vec<String>,

    /// Only what this speaker said
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    speaker: String,

    /// Only recordings below a folder
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,

    /// Only recordings of this day and later, such as 2024-05-03 (universal time)
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,

    /// Only recordings of this day and earlier
    #[arg(long, value_name = "DAY")]
    until: Option<Day>,

    /// How many passages to show
    #[arg(long, value_name = "N", default_value = "20")]
    limit: usize,

    /// Print one JSON object instead of lines
    #[arg(long)]
    pub(super) json: bool,
}

impl SearchArguments {
    /// What is looked for.
    pub(super) fn request(&self) -> SearchRequest {
        SearchRequest {
            words: self.words.join(" "),
            speaker: self.speaker.clone(),
            folder: self.folder.clone(),
            from_secs: self.from.map(Day::starts_secs),
            // The last day belongs to it, until midnight.
            until_secs: self.until.map(|day| day.next().starts_secs()),
            limit: self.limit,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(super) struct VerifyArguments {
    /// The transcript, as JSON
    #[arg(value_name = "FILE.json")]
    pub(super) file: PathBuf,

    /// The recording [default: the file of its name beside the transcript, here, or in the library]
    #[arg(long, value_name = "FILE")]
    pub(super) audio: Option<PathBuf>,

    /// Print one JSON object instead of lines
    #[arg(long)]
    pub(super) json: bool,
}

/// The order, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OrderName {
    Date,
    Folder,
    Name,
    Duration,
}

impl From<OrderName> for ListOrder {
    fn from(name: OrderName) -> Self {
        match name {
            OrderName::Date => Self::Date,
            OrderName::Folder => Self::Folder,
            OrderName::Name => Self::Name,
            OrderName::Duration => Self::Duration,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        search: SearchArguments,
    }

    #[test]
    fn a_search_takes_whole_days() {
        for (typed, expected) in [
            (&["budget"][..], Some(("budget", None, None))),
            (&["budget", "cut"], Some(("budget cut", None, None))),
            (&["\"kick off\"", "--from", "1970-01-02"], Some(("\"kick off\"", Some(86_400), None))),
            (&["a", "--from", "1970-01-02", "--until", "1970-01-02"], Some(("a", Some(86_400), Some(172_800)))),
            (&["a", "--until", "yesterday"], None),
            (&["a", "--until", "1970-02-30"], None),
            (&[], None),
        ] {
            let words = ["search"].iter().chain(typed);
            let request = Typed::try_parse_from(words).ok().map(|typed| typed.search.request());
            let found = request.as_ref().map(|request| (request.words.as_str(), request.from_secs, request.until_secs));
            assert_eq!(found, expected, "{typed:?}");
        }
    }
}
