//! Exports to read: golden files of Markdown minutes, DOCX and HTML (`tests/fixtures/exports/`), and what the options
//! change. What is written without options is checked by `export.rs`, what other programs read by `export_readers.rs`.

use std::fs;
use std::io::{Cursor, Read as _};
use std::path::Path;

use hansard::export::{self, ExportOptions, Format, Info, Order, SpeakerNames, Times};
use hansard::transcript::manifest::{self, Manifest, Seal};
use hansard::transcript::{Segment, Speaker, Transcript, Turn, Word};
use hansard::units::{Seconds, TimeSpan};
use zip::ZipArchive;

// --- Golden files. ---

#[test]
fn minutes_are_speaker_by_speaker_with_links() {
    let options = ExportOptions { order: Order::Speaker, times: Times::Linked, ..ExportOptions::default() };
    check_golden("minutes.md", &text(Format::Markdown, &board(), &options));
}

#[test]
fn a_page_has_words_to_click_and_nothing_that_was_said_is_markup() {
    let page = text(Format::Html, &board(), &ExportOptions::default());
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"), "{page}");
    assert!(page.contains("<title>Board &lt;1&gt;</title>"), "{page}");
    let body = page.find("<body>").expect("a body");
    let script = page.find("<script>").expect("a script");
    check_golden("body.html", &page[body..script]);
    assert_eq!(page.matches("</script>").count(), 1, "nothing ends the script but its end");
    assert!(page.ends_with("</script>\n</body>\n</html>\n"), "{page}");
    // All it needs is in it: the only thing it loads is the recording.
    assert_eq!(page.matches(" src=").count(), 1);
    assert!(!page.contains("://") && !page.contains("@import") && !page.contains("url("), "{page}");
}

#[test]
fn a_page_without_a_recording_has_nothing_to_click() {
    let page = export::render(Format::Html, &board(), &Info { title: "x", ..Info::default() });
    let page = String::from_utf8(page).expect("HTML is UTF-8");
    let main = &page[page.find("<main>").expect("a main part")..page.find("<script>").expect("a script")];
    assert!(!page.contains("<audio") && !main.contains("data-t") && !main.contains("<button"), "{page}");
    let said = "Good morning, <span class=\"both\" title=\"At the same time: SPEAKER_01\">R&amp;D</span>. Shall we?";
    assert!(main.contains(said), "{main}");
}

#[test]
fn a_docx_is_in_order_of_time_or_of_speakers() {
    let by_speaker = ExportOptions { order: Order::Speaker, times: Times::Hidden, ..ExportOptions::default() };
    for (golden, options) in [("document.xml", ExportOptions::default()), ("chapters.xml", by_speaker)] {
        let bytes = bytes(Format::Docx, &board(), &options);
        check_golden(golden, &part(&bytes, "word/document.xml"));
        assert!(part(&bytes, "docProps/core.xml").contains("<dc:title>Board &lt;1&gt;</dc:title>"));
    }
}

// --- Options. ---

#[test]
fn names_and_times_come_and_go() {
    let shown = ExportOptions { times: Times::Shown, ..ExportOptions::default() };
    let neither =
        ExportOptions { speaker_names: SpeakerNames::Hidden, times: Times::Hidden, ..ExportOptions::default() };
    let list =
        spoken(vec![segment("SPEAKER_00", 1.0, 2.0, " 1. buy - or rent"), segment("SPEAKER_00", 2.0, 3.0, "it")]);
    let heading = "# Board \\<1\\>\n\nDuration: 1:15 · Language: en\n\n";
    let dash = spoken(vec![segment("SPEAKER_00", 1.0, 2.0, "- no")]);
    for (format, transcript, options, expected) in [
        (Format::Txt, &list, &shown, "[0:01] [SPEAKER_00]: 1. buy - or rent\n[0:02] [SPEAKER_00]: it\n"),
        (Format::Txt, &list, &neither, "1. buy - or rent\nit\n"),
        (Format::Markdown, &list, &shown, "**SPEAKER\\_00** [0:01] 1. buy - or rent it\n"),
        (Format::Markdown, &list, &neither, "1\\. buy - or rent it\n"),
        (Format::Markdown, &dash, &neither, "\\- no\n"),
        (Format::Srt, &dash, &neither, "1\n00:00:01,000 --> 00:00:02,000\n- no\n\n"),
        (Format::Vtt, &dash, &neither, "WEBVTT\n\n00:01.000 --> 00:02.000\n- no\n\n"),
    ] {
        let written = text(format, transcript, options);
        assert_eq!(written.strip_prefix(heading).unwrap_or(&written), expected, "{format:?} {options:?}");
    }
    let page = text(Format::Html, &list, &neither);
    assert!(page.contains("<section class=\"turn\">\n<p dir=\"auto\">"), "{page}");
    let document = part(&bytes(Format::Docx, &list, &neither), "word/document.xml");
    assert!(!document.contains("SPEAKER_00") && !document.contains("0:01"), "{document}");
}

#[test]
fn programs_get_all_of_it_whatever_the_options_say() {
    let options = ExportOptions {
        max_line_width: Some(3),
        max_line_count: Some(1),
        speaker_names: SpeakerNames::Hidden,
        times: Times::Hidden,
        order: Order::Speaker,
        ..ExportOptions::default()
    };
    for format in [Format::Json, Format::Tsv, Format::Csv, Format::Rttm] {
        let usual = text(format, &board(), &ExportOptions::default());
        assert_eq!(text(format, &board(), &options), usual, "{format:?}");
    }
}

#[test]
fn limits_of_lines_hold_for_text_without_aligned_words() {
    let limits = |width, count| ExportOptions {
        max_line_width: Some(width),
        max_line_count: Some(count),
        ..ExportOptions::default()
    };
    let english = spoken(vec![Segment { speaker: None, ..segment("", 0.0, 7.5, " one two three four") }]);
    let japanese = Segment { speaker: None, ..segment("", 0.0, 4.0, "会議です") };
    let japanese = Transcript { language: "ja".to_owned(), ..spoken(vec![japanese]) };
    for (transcript, options, expected) in [
        (
            &english,
            limits(6, 1),
            "1\n00:00:00,000 --> 00:00:03,000\none two\n\n2\n00:00:03,000 --> 00:00:05,500\nthree\n\n\
             3\n00:00:05,500 --> 00:00:07,500\nfour\n\n",
        ),
        (&english, limits(9, 2), "1\n00:00:00,000 --> 00:00:07,500\none two \nthree four\n\n"),
        (&japanese, limits(2, 2), "1\n00:00:00,000 --> 00:00:04,000\n会議\nです\n\n"),
    ] {
        assert_eq!(text(Format::Srt, transcript, &options), expected, "{options:?}");
    }
}

// --- Where it comes from. ---

#[test]
fn json_states_what_it_was_made_of_after_all_else_and_can_be_checked() {
    let mut transcript = board();
    // Reading this number back loses its last digit; the seal must hold all the same.
    transcript.segments[0].avg_logprob = Some(-0.504_745_983_547_634_6);
    let manifest = Manifest { layout: manifest::LAYOUT, words: manifest::marks_of(&transcript), ..Manifest::default() };
    let info = Info { title: "x", audio: None, manifest: Some(&manifest) };
    let with = String::from_utf8(export::render(Format::Json, &transcript, &info)).expect("JSON is UTF-8");
    let without = text(Format::Json, &transcript, &ExportOptions::default());
    let rest = with.strip_prefix(without.trim_end_matches('}')).expect("what whisperX writes comes first, unchanged");
    assert!(rest.starts_with(&format!(", \"{}\": {{", manifest::KEY)), "{rest}");

    let read = serde_json::from_str(&with).expect("JSON");
    let checked = manifest::check(&read).expect("a manifest");
    assert_eq!((checked.seal, checked.edited_words, checked.n_removed_words), (Seal::Whole, Vec::new(), 0));
}

// --- A transcript. ---

/// Ana, whose last word SPEAKER_01 talks over, then SPEAKER_01, then applause.
fn board() -> Transcript {
    let word = |text: &str, start_secs, end_secs| Word {
        text: text.to_owned(),
        span: Some(TimeSpan::from_secs(start_secs, end_secs)),
        speaker: Some("SPEAKER_00".to_owned()),
        ..Word::default()
    };
    let overlapped = Word { overlapped_by: vec!["SPEAKER_01".to_owned()], ..word("R&D", 1.25, 2.5) };
    let morning = Segment {
        words: vec![word("Good", 0.0, 0.4), word("morning", 0.5, 1.0), overlapped],
        ..segment("SPEAKER_00", 0.0, 2.5, " Good morning, R&D.")
    };
    let yes = Segment {
        words: vec![Word { speaker: Some("SPEAKER_01".to_owned()), ..word("Yes.", 4.0, 5.0) }],
        ..segment("SPEAKER_01", 4.0, 5.0, " Yes.")
    };
    let applause = Segment { speaker: None, ..segment("", 65.0, 66.0, " (applause)") };
    let turn = |label: &str, start_secs, end_secs| Turn {
        span: TimeSpan::from_secs(start_secs, end_secs),
        speaker: label.to_owned(),
    };
    let speaker = |label: &str, name: Option<&str>| Speaker {
        label: label.to_owned(),
        name: name.map(str::to_owned),
        ..Speaker::default()
    };
    Transcript {
        speakers: vec![speaker("SPEAKER_00", Some("Ana <Li>")), speaker("SPEAKER_01", None)],
        turns: vec![turn("SPEAKER_00", 0.0, 4.0), turn("SPEAKER_01", 2.0, 2.5), turn("SPEAKER_01", 4.0, 5.0)],
        ..spoken(vec![morning, segment("SPEAKER_00", 2.5, 4.0, " Shall we?"), yes, applause])
    }
}

fn spoken(segments: Vec<Segment>) -> Transcript {
    Transcript { language: "en".to_owned(), duration: Seconds(75.0), segments, ..Transcript::default() }
}

fn segment(label: &str, start_secs: f64, end_secs: f64, text: &str) -> Segment {
    Segment {
        span: TimeSpan::from_secs(start_secs, end_secs),
        text: text.to_owned(),
        speaker: Some(label.to_owned()),
        ..Segment::default()
    }
}

fn bytes(format: Format, transcript: &Transcript, options: &ExportOptions) -> Vec<u8> {
    let info = Info { title: "Board <1>", audio: Some(Path::new("../talk 1.mp3")), manifest: None };
    export::render_with(format, transcript, &info, options)
}

fn text(format: Format, transcript: &Transcript, options: &ExportOptions) -> String {
    String::from_utf8(bytes(format, transcript, options)).expect("the format is UTF-8")
}

/// A part of a DOCX.
fn part(docx: &[u8], name: &str) -> String {
    let mut archive = ZipArchive::new(Cursor::new(docx)).expect("an archive");
    let mut text = String::new();
    archive.by_name(name).expect("the part is there").read_to_string(&mut text).expect("UTF-8");
    text
}

fn check_golden(name: &str, written: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/exports").join(name);
    let expected = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(written, expected, "{name}");
}
