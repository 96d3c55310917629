//! Reading transcripts of other programs and our own exports: what is written comes back, slightly wrong files are read
//! as they were meant, errors name the line, and no content makes it panic.

use std::fs;
use std::path::{Path, PathBuf};

use hansard::export::{self, ExportOptions, Format, Info};
use hansard::import;
use hansard::transcript::{Recognition, Segment, Speaker, Transcript, Turn, Verdict, Word};
use hansard::units::{Seconds, TimeSpan};
use proptest::prelude::*;

// --- What is written comes back. ---

#[test]
fn files_of_whisperx_come_back_byte_for_byte() {
    let json = read("whisperx.json", &reference("whisperx.json"));
    // What it could not align, it leaves out of subtitles.
    let mut aligned = json.clone();
    aligned.segments.retain(|segment| !segment.words.is_empty());
    for (format, name, transcript) in [
        (Format::Txt, "txt", &json),
        (Format::Srt, "srt", &aligned),
        (Format::Vtt, "vtt", &aligned),
        (Format::Tsv, "tsv", &json),
    ] {
        let name = format!("whisperx.{name}");
        assert_eq!(written(format, transcript), String::from_utf8_lossy(&reference(&name)), "{name}");
    }
    for (format, name) in [(Format::Srt, "whisperx.srt"), (Format::Vtt, "whisperx.vtt")] {
        let expected = reference(name);
        assert_eq!(written(format, &read(name, &expected)), String::from_utf8_lossy(&expected), "{name}");
    }
}

#[test]
fn our_json_comes_back_whole() {
    let transcript = meeting();
    let back = read("a.json", written(Format::Json, &transcript).as_bytes());
    assert_eq!(back.segments, transcript.segments);
    assert_eq!((&back.speakers, &back.language), (&transcript.speakers, &transcript.language));
    assert_eq!(back.duration, Seconds(7.5));
    let turns: Vec<String> = back.turns.iter().map(shown_turn).collect();
    assert_eq!(turns, ["S0 0-1", "S1 0.5-1", "S1 4-5", "S0 7-7.5"]);
    assert_eq!(written(Format::Txt, &back), written(Format::Txt, &transcript));
}

#[test]
fn our_subtitles_come_back_with_texts_times_and_speakers() {
    for format in [Format::Srt, Format::Vtt] {
        for options in [ExportOptions::default(), ExportOptions { max_line_width: Some(7), ..ExportOptions::default() }]
        {
            let bytes = export::render_with(format, &meeting(), &Info::default(), &options);
            let back = read("a", &bytes);
            let segments: Vec<String> = back.segments.iter().map(shown).collect();
            let expected = ["0-1 Ana: Good morning.", "4-5 S1: Q&A &lt; 1 < 2, <unk>?", "7-7.5 Ana: 42"];
            assert_eq!(segments, expected, "{format:?} {options:?}");
            let labels: Vec<&str> = back.speakers.iter().map(|speaker| speaker.label.as_str()).collect();
            assert_eq!(labels, ["Ana", "S1"]);
        }
    }
}

#[test]
fn transcripts_of_silence_come_back_empty() {
    for (format, name) in [(Format::Srt, "a.srt"), (Format::Vtt, "a.vtt"), (Format::Json, "a.JSON")] {
        let back = read(name, written(format, &Transcript::default()).as_bytes());
        assert_eq!(back, Transcript::default(), "{name}");
    }
}

// --- Files as they are found. ---

#[test]
fn slightly_wrong_subtitles_are_read_as_they_were_meant() {
    let two = ["1-2.5 Hello there.", "2-3 Yes."];
    for (text, expected) in [
        ("1\n00:00:01,000 --> 00:00:02,500\nHello\nthere.\n\n2\n00:00:02,000 --> 00:00:03,000\nYes.\n", &two[..]),
        ("\n\n1\r\n00:00:01,000 --> 00:00:02,500\r\nHello\r\nthere.\r\n\r\n2\r\n0:00:02.0-->0:00:03\r\nYes.", &two),
        (
            "1\r\r\n00:01.000 --> 00:02.5\r\r\nHello\r\r\nthere.\r\r\n\r\r\n2\r\r\n00:02,0 --> 00:03,0\r\r\nYes.\r\r\n",
            &two,
        ),
        ("00:01,000 --> 00:02,500\nHello\nthere.\n00:02,000 --> 00:03,000\nYes.\n", &two),
        ("1\n00:01,0 --> 00:02,5\nHello\n\nthere.\n2\n00:02,0 --> 00:03,0 X1:1 Y1:2\n<i>Yes.</i>\n\n3\n", &two),
        ("2\n00:02,0 --> 00:03,0\nYes.\n\n1\n00:01,0 --> 00:02,5\nHello there.\n", &two),
        ("1\n00:01,0 --> 00:02,5\n\n2\n00:02,0 --> 00:03,0\nYes.\n", &two[1..]),
        ("1\n00:02,0 --> 00:03,0\nfrom a --> b\n", &["2-3 from a --> b"]),
        ("1\n00:02,0 --> 00:03,0\n42\n\n2\n00:04,0 --> 00:05,0\n7\n", &["2-3 42", "4-5 7"]),
        ("1\n99:59:59,999 --> 100:00:00,001\n-\n", &["359999.999-360000.001 -"]),
        ("WEBVTT\n\n00:01.000 --> 00:02.500 align:start\nHello\nthere.\n\n00:02.000 --> 00:03.000\nYes.\n", &two),
        (
            "\u{feff}WEBVTT - x\nKind: captions\n\nintro\n00:01.000 --> 00:02.500\nHello\nthere.\n\n\
             STYLE of speech\n2\n",
            &["1-2.5 Hello there. STYLE of speech 2"],
        ),
        (
            "WEBVTT\n00:01.000 --> 00:02.500\nHello\nthere.\n\nNOTE a --> b\nnot shown\n\n\
             id\n00:02.000 --> 00:03.000\nYes.",
            &two,
        ),
        ("WEBVTT\n\nSTYLE\n::cue { color: red }\n\n00:02.000 --> 00:03.000\n<v Bo>Yes.\n", &["2-3 Bo: Yes."]),
    ] {
        let back = read("a", text.as_bytes());
        assert_eq!(back.segments.iter().map(shown).collect::<Vec<_>>(), expected, "{text:?}");
    }
    let with_language = read("a", b"WEBVTT\nKind: captions\nLanguage: de\n\n00:01.000 --> 00:02.000\nJa.\n");
    assert_eq!(with_language.language, "de");
}

#[test]
fn json_of_other_programs_is_read_as_far_as_it_goes() {
    let json = r#"{"text": " Hi you.", "language": null, "other": [1], "segments": [
        {"id": 0, "start": 1, "end": 2.5, "text": " Hi you.", "temperature": 0.0, "chars": null, "words": [
            {"word": " Hi", "start": 1.0, "end": 1.5, "probability": 0.75},
            {"word": " you.", "start": 9.0, "end": 3.0}]},
        {"start": 0.5, "end": 1.0, "text": "First.", "words": null}]}"#;
    let back = read("a.json", json.as_bytes());
    let hi =
        Word { text: "Hi".to_owned(), span: Some(TimeSpan::from_secs(1.0, 1.5)), score: Some(0.75), ..Word::default() };
    let you = Word { text: "you.".to_owned(), ..Word::default() };
    assert_eq!(back.segments.iter().map(shown).collect::<Vec<_>>(), ["0.5-1 First.", "1-2.5 Hi you."]);
    assert_eq!(back.segments[1].words, [hi, you]);
    assert_eq!((back.duration, back.speakers.len(), back.turns.len()), (Seconds(2.5), 0, 0));
}

#[test]
fn errors_say_where_and_what_to_do() {
    for (name, text, expected) in [
        ("a.txt", "Good morning.", "a.txt: neither SRT nor WebVTT subtitles, nor JSON"),
        ("a", "", "a: neither SRT nor WebVTT subtitles, nor JSON"),
        ("a.srt", "\nGood morning.", "a.srt: line 2: `Good morning.` stands before the first line of times"),
        ("a.vtt", "00:01.000\n", "a.vtt: line 1: `00:01.000` stands before the first line of times"),
        ("a.srt", "x\n1\n00:01,0 --> 00:02,0\nHi\n", "a.srt: line 1: `x` stands before"),
        ("a.srt", "1\n00:01,0 --> soon\nHi\n", "a.srt: line 2: `00:01,0 --> soon` is no line of times such as"),
        ("a.srt", "1\n00:01,0 --> \nHi\n", "a.srt: line 2: `00:01,0 -->` is no line of times such as"),
        ("a.srt", "1\n00:01,0 --> 1000000:00:00\nHi\n", "a.srt: line 2: `00:01,0 --> 1000000:00:00` is no line"),
        ("a.srt", "1\n00:01,0 --> 00:02,0\nHi\n\n-->\n", "a.srt: line 5: `-->` is no line of times such as"),
        ("a.srt", "1\n00:02,0 --> 00:01,0\nHi\n", "a.srt: line 2: `00:02,0 --> 00:01,0` ends before it begins"),
        ("a.json", "[1, 2]", "a.json: no transcript in JSON, with `start`, `end` and `text`"),
        ("a", "{\"segments\": [\n{\"start\": 1}]}", "a: no transcript in JSON, with `start`, `end` and `text`"),
        (
            "a",
            "{\"segments\": [{\"start\": 2, \"end\": 1, \"text\": \"\"}]}",
            "a: segment 1 lasts from 2 to 1 s; correct it",
        ),
        (
            "a",
            "{\"segments\": [{\"start\": 0, \"end\": 1e300, \"text\": \"\"}]}",
            "a: segment 1 lasts from 0 to 1000000000000",
        ),
    ] {
        let error = import::read(text.as_bytes(), name).expect_err(text).to_string();
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
    let long = format!("1\n00:01,0 --> {}\n", "é".repeat(10_000));
    let error = import::read(long.as_bytes(), "a.srt").expect_err("no time").to_string();
    assert!(error.len() < 300 && error.contains('…'), "{error}");
}

// --- Whatever comes. ---

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Pieces of all formats in any order: it ends with a transcript whose times are in order, or with one line.
    #[test]
    fn no_content_does_harm(
        begins in prop::sample::select(vec![&b""[..], b"WEBVTT\n", b"{", b"\xFF\xFE", b"\xEF\xBB\xBF", b"1\n"]),
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40),
        noise in prop::collection::vec(any::<u8>(), 0..6),
        name in prop::sample::select(vec!["a.srt", "a.vtt", "a.json", "a"]),
    ) {
        let mut bytes = begins.to_vec();
        bytes.extend(pieces.concat().into_bytes());
        bytes.extend(noise);
        match import::read(&bytes, name) {
            Ok(transcript) => {
                let starts: Vec<f64> = transcript.segments.iter().map(|segment| segment.span.start.0).collect();
                prop_assert!(starts.is_sorted(), "{starts:?}");
                let spans = transcript.segments.iter().map(|segment| segment.span);
                for span in spans.chain(transcript.turns.iter().map(|turn| turn.span)) {
                    prop_assert!(0.0 <= span.start.0 && span.start.0 <= span.end.0, "{span:?}");
                    prop_assert!(span.end.0 <= transcript.duration.0, "{span:?}");
                }
            }
            Err(error) => prop_assert!(error.to_string().lines().count() == 1, "{error}"),
        }
    }
}

const PIECES: [&str; 30] = [
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "1",
    "2\n",
    "00:01,000 --> 00:02,000\n",
    "00:02.000 --> 00:03.000",
    "-->",
    "00:",
    "Hello",
    "WEBVTT",
    "NOTE",
    "STYLE\n",
    "id\n",
    "<v Ana>",
    "</v>",
    "<i>",
    "<",
    ">",
    "&amp;",
    "&",
    ";",
    "[Ana]: ",
    "{\\an8}",
    "\"segments\": [",
    "{\"start\": 1, \"end\": 2, \"text\": \"x\"}",
    "]",
    "}",
    "Language: de\n",
];

// --- Making and showing. ---

fn meeting() -> Transcript {
    let word = |text: &str, start_secs, end_secs, label: &str| Word {
        text: text.to_owned(),
        span: Some(TimeSpan::from_secs(start_secs, end_secs)),
        score: Some(0.5),
        speaker: Some(label.to_owned()),
        ..Word::default()
    };
    let segment = |start_secs, end_secs, text: &str, label: &str, words| Segment {
        span: TimeSpan::from_secs(start_secs, end_secs),
        text: text.to_owned(),
        avg_logprob: Some(-0.25),
        speaker: Some(label.to_owned()),
        words,
    };
    let overlapped = Word { overlapped_by: vec!["S1".to_owned()], ..word("morning.", 0.5, 1.0, "S0") };
    let question = ["Q&A", "&lt;", "1", "<", "2,", "<unk>?"];
    let question = (0_u32..).zip(question).map(|(n, text)| {
        let start_secs = 4.0 + f64::from(n) * 0.125;
        word(text, start_secs, if n == 5 { 5.0 } else { start_secs + 0.125 }, "S1")
    });
    let recognition =
        Recognition { nearest: "Ana".to_owned(), score: 0.75, margin: Some(0.25), verdict: Verdict::Recognised };
    let ana = Speaker {
        label: "S0".to_owned(),
        name: Some("Ana".to_owned()),
        recognition: Some(recognition),
        ..Speaker::default()
    };
    Transcript {
        language: "en".to_owned(),
        duration: Seconds(10.0),
        segments: vec![
            segment(0.0, 1.0, " Good morning.", "S0", vec![word("Good", 0.0, 0.5, "S0"), overlapped]),
            segment(4.0, 5.0, " Q&A &lt; 1 < 2, <unk>?", "S1", question.collect()),
            segment(7.0, 7.5, " 42", "S0", vec![word("42", 7.0, 7.5, "S0")]),
        ],
        speakers: vec![ana, Speaker { label: "S1".to_owned(), ..Speaker::default() }],
        ..Transcript::default()
    }
}

#[track_caller]
fn read(name: &str, bytes: &[u8]) -> Transcript {
    import::read(bytes, name).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(bytes)))
}

fn written(format: Format, transcript: &Transcript) -> String {
    String::from_utf8(export::render(format, transcript, &Info::default())).expect("the format is UTF-8")
}

fn shown(segment: &Segment) -> String {
    let speaker = segment.speaker.as_ref().map_or_else(String::new, |speaker| format!("{speaker}: "));
    format!("{}-{} {speaker}{}", segment.span.start.0, segment.span.end.0, segment.text.trim())
}

fn shown_turn(turn: &Turn) -> String {
    format!("{} {}-{}", turn.speaker, turn.span.start.0, turn.span.end.0)
}

fn reference(name: &str) -> Vec<u8> {
    let default_root = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reference");
    let root = std::env::var_os("HANSARD_REFERENCE_DIR").map_or_else(default_root, PathBuf::from);
    let path = root.join("pipeline_e2e").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}
