//! Exports: byte for byte what the reference implementation writes, and hostile transcripts that must come back whole.
//! SRT and `WebVTT` are read back by a small parser of our own, CSV and JSON by their crates.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::{env, fs};

use hansard::export::{self, ExportOptions, Format, Highlight, Info};
use hansard::transcript::{Recognition, Segment, Speaker, Transcript, Turn, Verdict, Word};
use hansard::units::{Seconds, TimeSpan};
use serde_json::Value;

// --- What whisperX wrote of the same result. ---

#[test]
fn golden_pipeline_e2e_txt() {
    check_golden("whisperx.txt", &text(Format::Txt, &golden_transcript()));
}

#[test]
fn golden_pipeline_e2e_srt() {
    check_golden("whisperx.srt", &text(Format::Srt, &golden_words()));
}

#[test]
fn golden_pipeline_e2e_vtt() {
    check_golden("whisperx.vtt", &text(Format::Vtt, &golden_words()));
}

#[test]
fn golden_pipeline_e2e_tsv() {
    check_golden("whisperx.tsv", &text(Format::Tsv, &golden_transcript()));
}

#[test]
fn golden_pipeline_e2e_json() {
    // whisperX leaves a null in segments that it could not align. It says nothing, and we do not write it.
    let expected = reference_text("whisperx.json").replace("\"chars\": null, ", "");
    let (expected, expected_logprobs) = without_logprobs(&expected);
    let (written, logprobs) = without_logprobs(&text(Format::Json, &golden_transcript()));
    assert_eq!(written, expected);
    assert_eq!(logprobs.len(), expected_logprobs.len());
    for (logprob, expected) in logprobs.into_iter().zip(expected_logprobs) {
        assert!((logprob - expected).abs() < 1e-12, "{logprob} instead of {expected}");
    }
}

#[test]
fn golden_pipeline_e2e_line_limits() {
    let limits = ExportOptions { max_line_width: Some(42), max_line_count: Some(2), ..ExportOptions::default() };
    check_golden("whisperx_42x2.srt", &text_with(Format::Srt, &golden_words(), &limits));
    check_golden("whisperx_42x2.vtt", &text_with(Format::Vtt, &golden_words(), &limits));
}

#[test]
fn golden_pipeline_e2e_highlight() {
    let highlight = ExportOptions { highlight_words: Highlight::SpokenWord, ..ExportOptions::default() };
    check_golden("whisperx_highlight.srt", &text_with(Format::Srt, &golden_words(), &highlight));
    check_golden("whisperx_highlight.vtt", &text_with(Format::Vtt, &golden_words(), &highlight));
}

// --- Formats and their names. ---

#[test]
fn formats_are_found_by_their_names() {
    for format in Format::ALL {
        assert_eq!(Format::from_str(format.name()), Ok(format));
        assert_eq!(Format::from_str(&format.name().to_uppercase()), Ok(format));
        assert!(format.label().ends_with(&format!("(.{})", format.name())), "{}", format.label());
    }
    for unknown in ["pdf", "", " txt", ".srt"] {
        let error = Format::from_str(unknown).expect_err("there is no such format").to_string();
        assert_eq!(
            error,
            format!("`{unknown}` is no export format; choose from txt, md, srt, vtt, json, tsv, csv, rttm, docx, html")
        );
    }
}

// --- Transcripts without something. ---

#[test]
fn an_empty_transcript_makes_a_valid_file() {
    let empty = Transcript { duration: Seconds(75.0), ..english(Vec::new()) };
    for (format, expected) in [
        (Format::Txt, ""),
        (
            Format::Markdown,
            "# board\\_meeting\n\nDuration: 1:15 · Language: en\n\nNo speech was found in this recording.\n",
        ),
        (Format::Srt, ""),
        (Format::Vtt, "WEBVTT\n\n"),
        (Format::Json, r#"{"segments": [], "word_segments": [], "language": "en"}"#),
        (Format::Tsv, "start\tend\ttext\n"),
        (Format::Csv, "start,end,speaker,text\r\n"),
        (Format::Rttm, ""),
    ] {
        assert_eq!(text(format, &empty), expected, "{format:?}");
    }
}

#[test]
fn segments_without_words_become_cues_of_their_own() {
    let transcript = english(vec![segment(0.5, 2.0, " Good morning."), by("Anna", segment(2.25, 3.0, "Hello."))]);
    for (format, expected) in [
        (Format::Txt, "Good morning.\n[Anna]: Hello.\n"),
        (
            Format::Srt,
            "1\n00:00:00,500 --> 00:00:02,000\nGood morning.\n\n2\n00:00:02,250 --> 00:00:03,000\n[Anna]: Hello.\n\n",
        ),
        (
            Format::Vtt,
            "WEBVTT\n\n00:00.500 --> 00:02.000\nGood morning.\n\n00:02.250 --> 00:03.000\n[Anna]: Hello.\n\n",
        ),
        (Format::Tsv, "start\tend\ttext\n500\t2000\tGood morning.\n2250\t3000\tHello.\n"),
        (Format::Csv, "start,end,speaker,text\r\n0.500,2.000,,Good morning.\r\n2.250,3.000,Anna,Hello.\r\n"),
        (
            Format::Json,
            concat!(
                r#"{"segments": [{"start": 0.5, "end": 2.0, "text": " Good morning.", "words": []}, "#,
                r#"{"start": 2.25, "end": 3.0, "text": "Hello.", "words": [], "speaker": "Anna"}], "#,
                r#""word_segments": [], "language": "en"}"#
            ),
        ),
    ] {
        assert_eq!(text(format, &transcript), expected, "{format:?}");
    }
}

#[test]
fn segments_without_text_make_no_cue() {
    let transcript = english(vec![segment(0.0, 1.0, "  "), segment(1.0, 2.0, "Yes."), segment(2.0, 3.0, "")]);
    for cues in both_read_back(&transcript, &ExportOptions::default()) {
        assert_eq!(cues, [cue(1000, 2000, "Yes.")]);
    }
}

// --- Hostile and foreign text. ---

/// What was said, and what subtitles show of it.
const SAYINGS: &[(&str, &str)] = &[
    ("  blanks around ", "blanks around"),
    ("from a --> to b", "from a -> to b"),
    ("long ----> arrow", "long -> arrow"),
    ("<i>not italic</i> <unk> 1 < 2 > 0", "<i>not italic</i> <unk> 1 < 2 > 0"),
    ("Q&A &lt;b&gt; &amp;amp; &", "Q&A &lt;b&gt; &amp;amp; &"),
    ("one\ntwo", "one\ntwo"),
    ("one\r\n \r\n\ntwo", "one\ntwo"),
    ("one\n\n2\n00:00:00,000 --> 00:00:01,000\nforged", "one\n2\n00:00:00,000 -> 00:00:01,000\nforged"),
    ("a\ttab, a comma; a \"quote\"", "a\ttab, a comma; a \"quote\""),
    ("=SUM(A1:A9)", "=SUM(A1:A9)"),
    ("back\\slash \u{7} bell", "back\\slash \u{7} bell"),
    ("Grüße aus Zürich, e\u{301}té", "Grüße aus Zürich, e\u{301}té"),
    ("会議を始めます 👩\u{200d}👩\u{200d}👧", "会議を始めます 👩\u{200d}👩\u{200d}👧"),
    ("שלום עולם, مرحبا", "שלום עולם, مرحبا"),
    ("\u{202e}right to left\u{202c}", "\u{202e}right to left\u{202c}"),
];

#[test]
fn no_text_breaks_subtitles() {
    for &(said, shown) in SAYINGS {
        for make in [segment, segment_with_word] {
            let transcript = english(vec![make(1.0, 2.5, said), make(3.0, 4.0, "next")]);
            for cues in both_read_back(&transcript, &ExportOptions::default()) {
                assert_eq!(cues, [cue(1000, 2500, shown), cue(3000, 4000, "next")], "{said:?}");
            }
        }
    }
}

#[test]
fn no_speaker_breaks_subtitles() {
    for (speaker, shown) in [("<v Bob>", "<v Bob>"), ("A --> B", "A -> B"), ("A\n\nB", "A\nB")] {
        let transcript = english(vec![by(speaker, segment(1.0, 2.0, "Yes."))]);
        for cues in both_read_back(&transcript, &ExportOptions::default()) {
            assert_eq!(cues, [cue(1000, 2000, &format!("[{shown}]: Yes."))]);
        }
    }
}

#[test]
fn tables_and_json_give_back_what_was_said() {
    for &(said, _) in SAYINGS {
        let transcript = english(vec![by(said, segment(1.0, 2.5, said)), segment(3.0, 4.0, "next")]);

        let csv = text(Format::Csv, &transcript);
        let rows: Vec<Vec<String>> = csv::Reader::from_reader(csv.as_bytes())
            .into_deserialize()
            .collect::<Result<_, csv::Error>>()
            .expect("rows of equal length");
        assert_eq!(rows, [["1.000", "2.500", said, said.trim()], ["3.000", "4.000", "", "next"]]);

        let json = parse_json(&text(Format::Json, &transcript));
        assert_eq!(json["segments"][0]["text"], said);
        assert_eq!(json["segments"][0]["speaker"], said);

        let tsv = text(Format::Tsv, &transcript);
        let rows: Vec<Vec<&str>> = tsv.lines().map(|line| line.split('\t').collect()).collect();
        let on_one_line = said.trim().replace(['\t', '\r', '\n'], " ");
        assert_eq!(rows, [["start", "end", "text"], ["1000", "2500", &on_one_line], ["3000", "4000", "next"]]);
    }
}

#[test]
fn markdown_says_what_was_said_and_nothing_else() {
    for (said, expected) in [
        (" *bold* _slanted_ `code` ", r"\*bold\* \_slanted\_ \`code\`"),
        ("[link](http://x.y) ![image](z)", r"\[link\](http://x.y) !\[image\](z)"),
        ("<script>&lt; a|b ~~gone~~ $5 and $6", r"\<script\>\&lt; a\|b \~\~gone\~\~ \$5 and \$6"),
        ("one\n\n# two\r\n- three", r"one \# two - three"),
        (r"back\slash", r"back\\slash"),
        ("3.5 - 2 = 1.5!", "3.5 - 2 = 1.5!"),
        ("שלום", "שלום"),
    ] {
        let transcript = english(vec![segment(12.9, 20.0, said)]);
        let body = format!("[0:12] {expected}");
        assert_eq!(text(Format::Markdown, &transcript).lines().last(), Some(body.as_str()), "{said:?}");
    }
}

// --- Times and numbers. ---

#[test]
fn times_are_written_to_the_millisecond_also_after_a_hundred_hours() {
    for (secs, srt_time, vtt_time) in [
        (0.0, "00:00:00,000", "00:00.000"),
        (59.9994, "00:00:59,999", "00:59.999"),
        (59.9996, "00:01:00,000", "01:00.000"),
        (3599.999, "00:59:59,999", "59:59.999"),
        (3600.0, "01:00:00,000", "01:00:00.000"),
        (359_999.999, "99:59:59,999", "99:59:59.999"),
        (363_723.004, "101:02:03,004", "101:02:03.004"),
    ] {
        let transcript = english(vec![segment(secs, secs, "now")]);
        assert_eq!(text(Format::Srt, &transcript), format!("1\n{srt_time} --> {srt_time}\nnow\n\n"));
        assert_eq!(text(Format::Vtt, &transcript), format!("WEBVTT\n\n{vtt_time} --> {vtt_time}\nnow\n\n"));
    }
}

#[test]
fn json_numbers_are_those_of_python() {
    for (value, expected) in [
        (4.0, "4.0"),
        (-0.504_745_983_547_634_6, "-0.5047459835476346"),
        (0.1 + 0.2, "0.30000000000000004"),
        (-0.0001, "-0.0001"),
        (-5e-5, "-5e-05"),
        (1.5e-10, "1.5e-10"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (1.5e300, "1.5e+300"),
        (f64::NEG_INFINITY, "null"),
    ] {
        let transcript = english(vec![Segment { avg_logprob: Some(value), ..segment(0.0, 1.0, "x") }]);
        let json = text(Format::Json, &transcript);
        assert!(json.contains(&format!("\"avg_logprob\": {expected}}}")), "{json}");
    }
}

#[test]
fn json_leaves_out_what_is_not_known_of_a_word() {
    let untimed = Word { text: "2026".to_owned(), ..Word::default() };
    let timed = Word { score: Some(0.5), speaker: Some("Anna".to_owned()), ..word("in", 1.0, 1.25) };
    let transcript = english(vec![Segment { words: vec![timed, untimed], ..segment(1.0, 2.0, "in 2026") }]);
    let words = r#"[{"word": "in", "start": 1.0, "end": 1.25, "score": 0.5, "speaker": "Anna"}, {"word": "2026"}]"#;
    let rest = format!(r#""word_segments": {words}, "language": "en"}}"#);
    let expected =
        format!(r#"{{"segments": [{{"start": 1.0, "end": 2.0, "text": "in 2026", "words": {words}}}], {rest}"#);
    assert_eq!(text(Format::Json, &transcript), expected);
}

// --- Turns of speakers. ---

#[test]
fn markdown_makes_a_paragraph_of_each_turn() {
    let transcript = english(vec![
        by("Anna", segment(0.0, 10.0, " Good morning.")),
        by("Anna", segment(10.0, 20.0, " Shall we?")),
        by("SPEAKER_01", segment(20.0, 30.0, " Yes.")),
        segment(30.0, 40.0, " (applause)"),
        segment(40.0, 50.0, " Bravo!"),
        by("Anna", segment(3700.0, 3710.0, " Thanks.")),
        by("Anna", segment(3765.0, 3770.0, " Goodbye.")),
    ]);
    let info = Info { title: "Board #3\n*final*", ..Info::default() };
    let written = String::from_utf8(export::render(Format::Markdown, &transcript, &info)).expect("Markdown is UTF-8");
    let expected = [
        r"# Board \#3 \*final\*",
        "Duration: 2:00 · Language: en",
        "**Anna** [0:00] Good morning. Shall we?",
        r"**SPEAKER\_01** [0:20] Yes.",
        "[0:30] (applause)",
        "[0:40] Bravo!",
        "**Anna** [1:01:40] Thanks.",
        "**Anna** [1:02:45] Goodbye.\n",
    ];
    assert_eq!(written, expected.join("\n\n"));
}

#[test]
fn speakers_are_called_by_their_names() {
    let mut said = [by("S0", segment(0.0, 1.0, " Good morning.")), by("S1", segment(1.0, 2.5, " Yes."))];
    said[1].words =
        vec![Word { speaker: Some("S1".to_owned()), overlapped_by: vec!["S0".to_owned()], ..word("Yes.", 1.0, 2.5) }];
    let recognition =
        Recognition { nearest: "Ana <Li>".to_owned(), score: 0.75, margin: Some(0.25), verdict: Verdict::Recognised };
    let ana = Speaker { name: Some("Ana <Li>".to_owned()), recognition: Some(recognition), ..speaker("S0") };
    let other = Recognition { nearest: "Bo".to_owned(), score: 0.5, margin: None, verdict: Verdict::Unknown };
    let unknown = Speaker { recognition: Some(other), ..speaker("S1") };
    let turn = |label: &str, start, end| Turn { span: TimeSpan::from_secs(start, end), speaker: label.to_owned() };
    let turns = vec![turn("S0", 0.0, 1.2), turn("S1", 1.0, 2.5), turn("S0", 2.0, 2.1)];
    let transcript = Transcript { speakers: vec![ana, unknown, speaker("S2")], turns, ..english(said.to_vec()) };
    let words = r#"[{"word": "Yes.", "start": 1.0, "end": 2.5, "speaker": "S1", "overlapped_by": ["S0"]}]"#;
    let json = [
        r#"{"segments": [{"start": 0.0, "end": 1.0, "text": " Good morning.", "words": [], "speaker": "S0"}, "#,
        &format!(r#"{{"start": 1.0, "end": 2.5, "text": " Yes.", "words": {words}, "speaker": "S1"}}], "#),
        &format!(r#""word_segments": {words}, "language": "en", "#),
        r#""speakers": [{"label": "S0", "name": "Ana <Li>", "talk_time": 1.3, "recognition": "#,
        r#"{"nearest": "Ana <Li>", "score": 0.75, "margin": 0.25, "verdict": "recognised"}}, "#,
        r#"{"label": "S1", "talk_time": 1.5, "recognition": {"nearest": "Bo", "score": 0.5, "verdict": "unknown"}}, "#,
        r#"{"label": "S2", "talk_time": 0.0}]}"#,
    ];
    let heading = "# board\\_meeting\n\nDuration: 2:00 · Language: en\n\n";
    for (format, expected) in [
        (Format::Txt, "[Ana <Li>]: Good morning.\n[S1]: Yes.\n"),
        (Format::Markdown, &format!("{heading}**Ana \\<Li\\>** [0:00] Good morning.\n\n**S1** [0:01] Yes.\n")),
        (Format::Csv, "start,end,speaker,text\r\n0.000,1.000,Ana <Li>,Good morning.\r\n1.000,2.500,S1,Yes.\r\n"),
        (Format::Json, &json.concat()),
        (
            Format::Rttm,
            "SPEAKER board_meeting 1 0.000 1.200 <NA> <NA> Ana_<Li> <NA> <NA>\n\
             SPEAKER board_meeting 1 1.000 1.500 <NA> <NA> S1 <NA> <NA>\n\
             SPEAKER board_meeting 1 2.000 0.100 <NA> <NA> Ana_<Li> <NA> <NA>\n",
        ),
    ] {
        assert_eq!(text(format, &transcript), expected, "{format:?}");
    }
    for segments in [vec![said[0].clone()], vec![Segment { words: vec![word("Hi.", 0.0, 1.0)], ..said[0].clone() }]] {
        for cues in both_read_back(&Transcript { segments, ..transcript.clone() }, &ExportOptions::default()) {
            assert!(cues.len() == 1 && cues[0].text.starts_with("[Ana <Li>]: "), "{cues:?}");
        }
    }
}

// --- Cues made of words. ---

#[test]
fn words_are_laid_out_by_the_language_and_the_limits() {
    let spoken = |language: &str, words: &str| {
        let words = (0_u32..).map(f64::from).zip(words.split(' ')).map(|(start, text)| word(text, start, start + 0.5));
        let segment = Segment { words: words.collect(), ..segment(0.0, 9.0, "not read") };
        Transcript { language: language.to_owned(), ..english(vec![segment]) }
    };
    for (language, words, max_line_width, max_line_count, expected) in [
        ("en", "one two", None, None, vec![cue(0, 1500, "one two")]),
        ("ja", "会 議", None, None, vec![cue(0, 1500, "会議")]),
        ("zh", "会 議 会", Some(2), None, vec![cue(0, 2500, "会議\n会")]),
        ("en", "one two six", Some(6), None, vec![cue(0, 2500, "one two \nsix")]),
        ("en", "one two six", Some(3), Some(2), vec![cue(0, 1500, "one \ntwo"), cue(2000, 2500, "six")]),
        ("en", "endless word", Some(3), Some(1), vec![cue(0, 500, "endless"), cue(1000, 1500, "word")]),
        ("de", "größe über", Some(9), Some(1), vec![cue(0, 1500, "größe über")]),
    ] {
        let options = ExportOptions { max_line_width, max_line_count, ..ExportOptions::default() };
        for cues in both_read_back(&spoken(language, words), &options) {
            assert_eq!(cues, expected, "{words:?} {options:?}");
        }
    }
}

#[test]
fn a_long_pause_ends_a_cue_that_may_run_on() {
    let transcript = english(vec![
        segment_with_word(0.0, 0.5, "one"),
        segment_with_word(3.0, 3.5, "two"),
        by("Anna", segment_with_word(6.5, 7.0, "three")),
    ]);
    let limits = ExportOptions { max_line_width: Some(42), max_line_count: Some(2), ..ExportOptions::default() };
    for cues in both_read_back(&transcript, &limits) {
        assert_eq!(cues, [cue(0, 3500, "one two"), cue(6500, 7000, "[Anna]: three")]);
    }
}

#[test]
fn words_without_times_share_those_of_the_others() {
    let untimed = |text: &str| Word { text: text.to_owned(), ..Word::default() };
    let highlight = ExportOptions { highlight_words: Highlight::SpokenWord, ..ExportOptions::default() };
    let in_part =
        Segment { words: vec![untimed("in"), word("the", 1.0, 1.5), untimed("end")], ..segment(0.5, 2.0, "-") };
    let not_at_all = Segment { words: vec![untimed("4"), untimed("2")], ..segment(3.0, 4.0, "-") };
    let transcript = english(vec![in_part, not_at_all]);
    for (options, expected) in [
        (ExportOptions::default(), [cue(1000, 1500, "in the end"), cue(3000, 4000, "4 2")]),
        (highlight, [cue(1000, 1500, "in <u>the</u> end"), cue(3000, 4000, "4 2")]),
    ] {
        for cues in both_read_back(&transcript, &options) {
            assert_eq!(cues, expected);
        }
    }
}

#[test]
fn highlighted_words_that_overlap_do_not_run_backwards() {
    let words = vec![word("a<b", 0.0, 1.0), word("c", 0.8, 1.2), word("d", 1.5, 2.0)];
    let transcript = english(vec![Segment { words, ..segment(0.0, 2.0, "-") }]);
    let highlight = ExportOptions { highlight_words: Highlight::SpokenWord, ..ExportOptions::default() };
    for cues in both_read_back(&transcript, &highlight) {
        let expected = [
            cue(0, 1000, "<u>a<b</u> c d"),
            cue(800, 1200, "a<b <u>c</u> d"),
            cue(1200, 1500, "a<b c d"),
            cue(1500, 2000, "a<b c <u>d</u>"),
        ];
        assert_eq!(cues, expected);
    }
}

// --- Making transcripts. ---

pub(super) fn english(segments: Vec<Segment>) -> Transcript {
    Transcript { language: "en".to_owned(), duration: Seconds(120.0), segments, ..Transcript::default() }
}

pub(super) fn segment(start_secs: f64, end_secs: f64, text: &str) -> Segment {
    Segment { span: TimeSpan::from_secs(start_secs, end_secs), text: text.to_owned(), ..Segment::default() }
}

fn segment_with_word(start_secs: f64, end_secs: f64, text: &str) -> Segment {
    Segment { words: vec![word(text, start_secs, end_secs)], ..segment(start_secs, end_secs, text) }
}

fn by(speaker: &str, segment: Segment) -> Segment {
    Segment { speaker: Some(speaker.to_owned()), ..segment }
}

fn speaker(label: &str) -> Speaker {
    Speaker { label: label.to_owned(), ..Speaker::default() }
}

pub(super) fn word(text: &str, start_secs: f64, end_secs: f64) -> Word {
    let span = Some(TimeSpan::from_secs(start_secs, end_secs));
    Word { text: text.to_owned(), span, ..Word::default() }
}

fn text(format: Format, transcript: &Transcript) -> String {
    let info = Info { title: "board_meeting", ..Info::default() };
    String::from_utf8(export::render(format, transcript, &info)).expect("the format is UTF-8")
}

fn text_with(format: Format, transcript: &Transcript, options: &ExportOptions) -> String {
    let bytes = export::render_with(format, transcript, &Info::default(), options);
    String::from_utf8(bytes).expect("the format is UTF-8")
}

// --- Reading subtitles back. ---

#[derive(Debug, PartialEq)]
pub(super) struct ReadCue {
    pub(super) start_millis: u64,
    pub(super) end_millis: u64,
    text: String,
}

pub(super) fn cue(start_millis: u64, end_millis: u64, text: &str) -> ReadCue {
    ReadCue { start_millis, end_millis, text: text.to_owned() }
}

/// The cues of a transcript as SRT and as `WebVTT`.
pub(super) fn both_read_back(transcript: &Transcript, options: &ExportOptions) -> [Vec<ReadCue>; 2] {
    let [srt, vtt] = [Format::Srt, Format::Vtt].map(|format| text_with(format, transcript, options));
    [read_srt(&srt), read_vtt(&vtt)]
}

fn read_srt(file: &str) -> Vec<ReadCue> {
    let read = |(number, block): (usize, &str)| {
        let (head, rest) = block.split_once('\n').expect("a number, then the times");
        assert_eq!(head, number.to_string(), "cues are numbered from 1: {file:?}");
        read_cue(rest, ',')
    };
    (1..).zip(blocks(file)).map(read).collect()
}

fn read_vtt(file: &str) -> Vec<ReadCue> {
    let cues = file.strip_prefix("WEBVTT\n\n").expect("a header");
    let unescaped = |text: &str| {
        let without_our_tags = text.replace("<u>", "").replace("</u>", "");
        assert!(!without_our_tags.contains('<'), "a tag that nobody meant: {text:?}");
        text.replace("&lt;", "<").replace("&amp;", "&")
    };
    let cues = blocks(cues).into_iter().map(|block| read_cue(block, '.'));
    cues.map(|cue| ReadCue { text: unescaped(&cue.text), ..cue }).collect()
}

/// A blank line ends a cue, also where it should not.
fn blocks(file: &str) -> Vec<&str> {
    assert!(file.is_empty() || file.ends_with("\n\n"), "the last cue is ended: {file:?}");
    file.split_terminator("\n\n").collect()
}

fn read_cue(block: &str, decimal_mark: char) -> ReadCue {
    let (times, text) = block.split_once('\n').expect("times, then text");
    assert!(!text.contains("-->"), "times within the text: {block:?}");
    assert!(!text.contains('\r') && text.lines().all(|line| !line.trim().is_empty()), "a blank line: {block:?}");
    let (start, end) = times.split_once(" --> ").expect("an arrow between the times");
    let (start_millis, end_millis) = (read_time(start, decimal_mark), read_time(end, decimal_mark));
    assert!(start_millis <= end_millis, "time runs backwards: {block:?}");
    cue(start_millis, end_millis, text)
}

fn read_time(time: &str, decimal_mark: char) -> u64 {
    let number = |digits: &str| -> u64 { digits.parse().expect("digits") };
    let (clock, millis) = time.split_once(decimal_mark).expect("a decimal mark");
    clock.split(':').fold(0, |total, part| total * 60 + number(part)) * 1000 + number(millis)
}

// --- Reading the reference. ---

fn check_golden(name: &str, written: &str) {
    assert_eq!(written, reference_text(name), "{name}");
}

/// A JSON file without the mean log-probabilities, and these: `serde_json` reads floats of 17 digits inexactly, so they
/// cannot be compared as text. All other numbers have few digits.
fn without_logprobs(json: &str) -> (String, Vec<f64>) {
    let mut pieces = json.split("\"avg_logprob\": ");
    let mut rest = pieces.next().expect("splitting yields a piece").to_owned();
    let mut logprobs = Vec::new();
    for piece in pieces {
        let end = piece.find([',', '}']).expect("a number is followed by the next entry or the end");
        logprobs.push(piece[..end].parse().expect("a number"));
        rest.push_str(&piece[end..]);
    }
    (rest, logprobs)
}

pub(super) fn golden_transcript() -> Transcript {
    let golden = parse_json(&reference_text("golden.json"));
    let result = &golden["final"];
    let segments: Vec<Segment> = array(&result["segments"]).iter().map(golden_segment).collect();
    let duration = segments.last().map_or(Seconds(0.0), |segment| segment.span.end);
    Transcript { language: string(&result["language"]).expect("a language"), duration, ..english(segments) }
}

/// What of it `whisperX` writes into subtitles: the segments whose words it could align.
fn golden_words() -> Transcript {
    let mut transcript = golden_transcript();
    transcript.segments.retain(|segment| !segment.words.is_empty());
    transcript
}

fn golden_segment(segment: &Value) -> Segment {
    Segment {
        span: golden_span(segment).expect("every segment has its times"),
        text: string(&segment["text"]).expect("every segment has its text"),
        avg_logprob: segment["avg_logprob"].as_f64(),
        speaker: string(&segment["speaker"]),
        words: array(&segment["words"]).iter().map(golden_word).collect(),
    }
}

fn golden_word(word: &Value) -> Word {
    Word {
        text: string(&word["word"]).expect("every word has its text"),
        span: golden_span(word),
        score: word["score"].as_f64(),
        speaker: string(&word["speaker"]),
        overlapped_by: Vec::new(),
    }
}

fn golden_span(timed: &Value) -> Option<TimeSpan> {
    Some(TimeSpan::from_secs(timed["start"].as_f64()?, timed["end"].as_f64()?))
}

fn array(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn string(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn parse_json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn reference_text(name: &str) -> String {
    let default_root = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reference");
    let root = env::var_os("HANSARD_REFERENCE_DIR").map_or_else(default_root, PathBuf::from);
    let path = root.join("pipeline_e2e").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}
