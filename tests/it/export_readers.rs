//! Exports as programs read them that are not ours: ffprobe for subtitles, an XML parser for each part of a DOCX.

use std::fs;
use std::io::{Cursor, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use hansard::export::{self, ExportOptions, Format, Info, Order, SpeakerNames, Times};
use hansard::transcript::{Segment, Speaker, Transcript, Word};
use hansard::units::{Seconds, TimeSpan};
use roxmltree::Document;
use serde_json::Value;
use zip::ZipArchive;

use crate::sound::utf8;

/// What was said, one after the other; nothing in it is written in another way in subtitles.
const SAYINGS: [&str; 6] = [
    "Good morning.",
    "one\ntwo",
    "Grüße aus Zürich, 会議 👧",
    "{\\an8} x {y}",
    "42",
    "a > b; \"c\" 'd' \u{202e}e\u{202c}",
];

#[test]
fn ffprobe_reads_the_same_cues() {
    let transcript = spoken(&SAYINGS);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let expected: Vec<(u64, u64, usize)> = (0..)
        .zip(SAYINGS)
        .map(|(n, said)| (n * 3_500_000_000, 3_500_250_000, format!("[Ana]: {said}").len()))
        .collect();
    for (format, name) in [(Format::Srt, "talk.srt"), (Format::Vtt, "talk.vtt")] {
        let path = folder.path().join(name);
        fs::write(&path, bytes(format, &transcript, &ExportOptions::default())).expect("a writable folder");
        assert_eq!(packets(&path), expected, "{name}");
    }
}

#[test]
fn every_part_of_a_docx_is_well_formed_and_has_what_was_said() {
    let hostile = ["</w:t></w:r> & <b>", "]]>", "\u{0}\u{7}\u{fffe} bell", "\"a\" 'b'", "one\n\ntwo", "שלום"];
    let said: Vec<&str> = SAYINGS.into_iter().chain(hostile).collect();
    for language in ["en", "he", "", "\"<x>&"] {
        let transcript = Transcript { language: language.to_owned(), ..spoken(&said) };
        for order in [Order::Time, Order::Speaker] {
            for speaker_names in [SpeakerNames::Shown, SpeakerNames::Hidden] {
                for times in [Times::Usual, Times::Hidden] {
                    let options = ExportOptions { order, speaker_names, times, ..ExportOptions::default() };
                    check_docx(&bytes(Format::Docx, &transcript, &options), &said);
                }
            }
        }
    }
    check_docx(&bytes(Format::Docx, &Transcript::default(), &ExportOptions::default()), &[]);
}

/// Segments of one word, each 3500.25 s long and 3500 s after the one before.
fn spoken(said: &[&str]) -> Transcript {
    let segment = |(n, text): (u32, &&str)| {
        let span = TimeSpan::from_secs(f64::from(n) * 3500.0, f64::from(n) * 3500.0 + 3500.25);
        let speaker = Some("Ana".to_owned());
        let words = vec![Word { text: (*text).to_owned(), span: Some(span), ..Word::default() }];
        Segment { span, text: format!(" {text}"), speaker, words, ..Segment::default() }
    };
    Transcript {
        duration: Seconds(50_000.0),
        segments: (0..).zip(said).map(segment).collect(),
        speakers: vec![Speaker { label: "Ana".to_owned(), ..Speaker::default() }],
        ..Transcript::default()
    }
}

fn bytes(format: Format, transcript: &Transcript, options: &ExportOptions) -> Vec<u8> {
    let info = Info { title: "Board <1> & \"co\"\u{1}", ..Info::default() };
    export::render_with(format, transcript, &info, options)
}

/// Start, duration (both in microseconds) and bytes of text of each cue.
fn packets(path: &Path) -> Vec<(u64, u64, usize)> {
    let arguments = ["-v", "error", "-show_packets", "-of", "json", utf8(path)];
    let output = Command::new("ffprobe")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("ffprobe comes with ffmpeg, which `sh packaging/test.sh` installs");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{}: {complaints}", path.display());
    let read: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let micros = |secs: &Value| -> u64 {
        let digits = secs.as_str().expect("a text").replace('.', "");
        digits.parse().expect("six decimals")
    };
    let packet = |packet: &Value| {
        let size = packet["size"].as_str().expect("a text").parse().expect("a number");
        (micros(&packet["pts_time"]), micros(&packet["duration_time"]), size)
    };
    read["packets"].as_array().expect("a list").iter().map(packet).collect()
}

fn check_docx(docx: &[u8], said: &[&str]) {
    let mut archive = ZipArchive::new(Cursor::new(docx)).expect("an archive");
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    let mut types = String::new();
    for name in &names {
        let mut xml = String::new();
        archive.by_name(name).expect("a part").read_to_string(&mut xml).expect("UTF-8");
        let document = Document::parse(&xml).unwrap_or_else(|error| panic!("{name}: {error}\n{xml}"));
        if name == "word/document.xml" {
            let texts: Vec<&str> = document
                .descendants()
                .filter(|node| node.tag_name().name() == "t")
                .map(|node| node.text().unwrap_or_default())
                .collect();
            for said in said {
                let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
                let line = line.replace(['\u{0}', '\u{7}', '\u{fffe}'], "\u{fffd}");
                assert!(texts.iter().any(|text| text.contains(&line)), "{said:?} is not in {texts:?}");
            }
        } else if name == "[Content_Types].xml" {
            types = xml;
        }
    }
    for part in ["word/document.xml", "word/styles.xml", "docProps/core.xml"] {
        assert!(names.iter().any(|name| name == part) && types.contains(&format!("\"/{part}\"")), "{part}: {names:?}");
    }
}
