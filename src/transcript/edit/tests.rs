//! Changes of the text by hand and by chance: what they do, that times and blanks stay right, and that all of them can
//! be taken back to the last bit.

use std::ops::Range;

use proptest::prelude::*;

use super::{Change, EditError, History};
use crate::transcript::search::{Case, WholeWords, find};
use crate::transcript::{Segment, Speaker, Transcript, Turn, Word};
use crate::units::{Seconds, TimeSpan};

/// Words as `text start-end`, or `text` alone where they have no time, divided by bars.
fn words(described: &str) -> Vec<Word> {
    let word = |described: &str| {
        let (text, times) = described.split_once(' ').unwrap_or((described, ""));
        let secs = |text: &str| text.parse::<f64>().expect("seconds");
        let span = times.split_once('-').map(|(start, end)| TimeSpan::from_secs(secs(start), secs(end)));
        Word { text: text.to_owned(), span, score: Some(0.5), speaker: Some("A".to_owned()), ..Word::default() }
    };
    described.split('|').filter(|described| !described.is_empty()).map(word).collect()
}

fn segment(text: &str, start_secs: f64, end_secs: f64, described: &str) -> Segment {
    Segment {
        span: TimeSpan::from_secs(start_secs, end_secs),
        text: text.to_owned(),
        avg_logprob: Some(-0.5),
        speaker: Some("A".to_owned()),
        words: words(described),
    }
}

fn transcript(language: &str, segments: Vec<Segment>) -> Transcript {
    Transcript { language: language.to_owned(), duration: Seconds(100.0), segments, ..Transcript::default() }
}

/// Segments as `start-end text [words]`.
fn shown(transcript: &Transcript) -> Vec<String> {
    let word = |word: &Word| match word.span {
        Some(span) => format!("{} {}-{}", word.text, span.start.0, span.end.0),
        None => word.text.clone(),
    };
    let segment = |segment: &Segment| {
        let words: Vec<String> = segment.words.iter().map(word).collect();
        format!("{}-{}{} [{}]", segment.span.start.0, segment.span.end.0, segment.text, words.join("|"))
    };
    transcript.segments.iter().map(segment).collect()
}

/// Makes a change, checks that it can be taken back and made again, and returns the transcript after it.
fn changed(before: &Transcript, change: &Change) -> (Transcript, usize) {
    let (mut after, mut history) = (before.clone(), History::default());
    let n_places = history.apply(&mut after, change.clone()).expect("a change that is possible");
    let mut other = after.clone();
    assert_eq!((history.undo(&mut other), &other), (n_places > 0, before), "{change:?} taken back");
    assert_eq!((history.redo(&mut other), &other), (n_places > 0, &after), "{change:?} made again");
    (after, n_places)
}

fn replace(words: Range<usize>, text: &str) -> Change {
    Change::ReplaceText { segment_idx: 0, words, text: text.to_owned() }
}

#[test]
fn text_is_replaced_and_the_words_around_it_keep_their_times() {
    const THREE: &str = "one 1-2|two 2-4|three 5-6";
    for (text, described, range, typed, expected) in [
        (" one two three", THREE, 1..2, " too\n", &[" one too three [one 1-2|too 2-4|three 5-6]"][..]),
        // Unchanged words keep their times, at both ends; the others share by their characters.
        (" one two three", THREE, 0..3, "one a bcd three", &[" one a bcd three [one 1-2|a 2-2.5|bcd 2.5-4|three 5-6]"]),
        (" one two three", THREE, 1..3, "four", &[" one four [one 1-2|four 2-6]"]),
        // Put in: between two words, before the first, after the last.
        (" one two three", THREE, 2..2, "x y", &[" one two x y three [one 1-2|two 2-4|x 4-4.5|y 4.5-5|three 5-6]"]),
        (" one two three", THREE, 1..2, "two and", &[" one two and three [one 1-2|two 2-4|and 4-5|three 5-6]"]),
        (" one two three", THREE, 0..0, "so", &[" so one two three [so 0-1|one 1-2|two 2-4|three 5-6]"]),
        (" one two three", THREE, 3..3, "end", &[" one two three end [one 1-2|two 2-4|three 5-6|end 6-9]"]),
        (" one two three", THREE, 1..1, "x", &[" one x two three [one 1-2|x 2-2|two 2-4|three 5-6]"]),
        // Taken away.
        (" one two three", THREE, 0..1, "", &[" two three [two 2-4|three 5-6]"]),
        (" one two three", THREE, 1..2, " ", &[" one three [one 1-2|three 5-6]"]),
        (" one two three", THREE, 2..3, "", &[" one two [one 1-2|two 2-4]"]),
        (" one two three", THREE, 0..3, "", &[]),
        // No change.
        (" one two three", THREE, 0..2, "one  two", &[" one two three [one 1-2|two 2-4|three 5-6]"]),
        (" one two three", THREE, 1..1, "", &[" one two three [one 1-2|two 2-4|three 5-6]"]),
        // Words without times; a text without words; signs that are no words; a text that is not that of its words.
        ("in 7 days", "in 1-2|7|days 3-4", 1..2, "seven or 8", &["in seven or 8 days [in 1-2|seven|or|8|days 3-4]"]),
        (" not timed at all", "", 1..3, "yet", &[" not yet all []"]),
        (" gone", "", 0..1, "", &[]),
        ("“one” — two!", "one 1-2|two 3-4", 0..1, "1", &["“1” — two! [1 1-2|two 3-4]"]),
        ("“one” — two!", "one 1-2|two 3-4", 2..2, "or so", &["“one” — two! or so [one 1-2|two 3-4|or 4-6.5|so 6.5-9]"]),
        (" other", "one 1-2|two 3-4", 1..2, "2", &[" one 2 [one 1-2|2 3-4]"]),
    ] {
        let before = transcript("en", vec![segment(text, 0.0, 9.0, described)]);
        let (after, n_places) = changed(&before, &replace(range, typed));
        let expected: Vec<String> = expected.iter().map(|rest| format!("0-9{rest}")).collect();
        assert_eq!(shown(&after), expected, "{typed:?}");
        assert_eq!(n_places, usize::from(after != before));
    }
    let before = transcript("ja", vec![segment("東京へ行く。", 0.0, 9.0, "東 1-2|京 2-3|へ 3-4|行 4-6|く 6-7|。 7-7")]);
    for (range, typed, expected) in [
        (0..2, "大阪", "0-9大阪へ行く。 [大 1-2|阪 2-3|へ 3-4|行 4-6|く 6-7|。 7-7]"),
        (3..5, "行った", "0-9東京へ行った。 [東 1-2|京 2-3|へ 3-4|行 4-6|っ 6-6.5|た 6.5-7|。 7-7]"),
        (2..3, "", "0-9東京行く。 [東 1-2|京 2-3|行 4-6|く 6-7|。 7-7]"),
        (6..6, "A B", "0-9東京へ行く。A B [東 1-2|京 2-3|へ 3-4|行 4-6|く 6-7|。 7-7|A 7-8|B 8-9]"),
    ] {
        assert_eq!(shown(&changed(&before, &replace(range, typed)).0), [expected]);
    }
}

#[test]
fn segments_are_split_merged_and_taken_away() {
    let parts = [
        segment(" one two, three", 0.0, 9.0, "one 1-2|two, 2-4|three 5-6"),
        Segment { speaker: Some("B".to_owned()), ..segment(" Yes!", 4.5, 5.0, "") },
        segment("no time at all", 9.0, 12.0, ""),
    ];
    let before = transcript("en", parts.to_vec());
    let [first, answer, last] =
        ["0-9 one two, three [one 1-2|two, 2-4|three 5-6]", "4.5-5 Yes! []", "9-12no time at all []"];
    let split = |segment_idx, at_word| Change::SplitSegment { segment_idx, at_word };
    let merge = |segment_idx| Change::MergeSegments { segment_idx };
    for (changes, expected) in [
        (vec![split(0, 1)], vec!["0-2 one [one 1-2]", "2-9 two, three [two, 2-4|three 5-6]", answer, last]),
        // The second part begins after the answer.
        (vec![split(0, 2)], vec!["0-4 one two, [one 1-2|two, 2-4]", answer, "5-9 three [three 5-6]", last]),
        (vec![split(2, 2)], vec![first, answer, "9-10.5no time []", "10.5-12 at all []"]),
        (vec![split(0, 1), merge(0)], vec![first, answer, last]),
        (vec![split(2, 2), merge(2)], vec![first, answer, last]),
        (vec![merge(1)], vec![first, "4.5-12 Yes! no time at all []"]),
        (vec![merge(0)], vec!["0-9 one two, three Yes! [one 1-2|two, 2-4|three 5-6|Yes!]", last]),
        (vec![Change::DeleteSegment { segment_idx: 1 }], vec![first, last]),
    ] {
        let after = changes.iter().fold(before.clone(), |before, change| changed(&before, change).0);
        assert_eq!(shown(&after), expected, "{changes:?}");
    }
    let merged = changed(&before, &merge(0)).0.segments.remove(0);
    assert!(merged.words.iter().all(|word| word.speaker.as_deref() == Some("A")), "{merged:?}");
}

#[test]
fn all_that_is_found_is_replaced_in_one_step() {
    let segments = vec![
        segment(" Um, I am um here", 0.0, 9.0, "Um, 1-2|I 2-3|am 3-4|um 4-5|here 5-6"),
        segment(" um", 9.0, 10.0, "um 9-10"),
        segment(" The umpire — um", 10.0, 20.0, "The 10-11|umpire 11-13|um 14-15"),
    ];
    let before = transcript("en", segments);
    let [whole, part] = [WholeWords::Only, WholeWords::AnyPlace];
    for (find, replace, case, words, n_places, expected) in [
        (
            "um",
            "",
            Case::Exact,
            whole,
            3,
            vec!["0-9 Um, I am here [Um, 1-2|I 2-3|am 3-4|here 5-6]", "10-20 The umpire — [The 10-11|umpire 11-13]"],
        ),
        (
            "UM",
            "er er",
            Case::Ignored,
            part,
            5,
            vec![
                "0-9 er er, I am er er here [er 1-1.4|er, 1.4-2|I 2-3|am 3-4|er 4-4.5|er 4.5-5|here 5-6]",
                "9-10 er er [er 9-9.5|er 9.5-10]",
                "10-20 The er erpire — er er [The 10-11|er 11-11.5|erpire 11.5-13|er 14-14.5|er 14.5-15]",
            ],
        ),
        (
            "am um",
            "was",
            Case::Exact,
            part,
            1,
            vec![
                "0-9 Um, I was here [Um, 1-2|I 2-3|was 3-5|here 5-6]",
                "9-10 um [um 9-10]",
                "10-20 The umpire — um [The 10-11|umpire 11-13|um 14-15]",
            ],
        ),
        (
            "—",
            "or",
            Case::Exact,
            whole,
            1,
            vec![
                "0-9 Um, I am um here [Um, 1-2|I 2-3|am 3-4|um 4-5|here 5-6]",
                "9-10 um [um 9-10]",
                "10-20 The umpire or um [The 10-11|umpire 11-13|or 13-14|um 14-15]",
            ],
        ),
    ] {
        let change = Change::ReplaceAll { find: find.to_owned(), replace: replace.to_owned(), case, words };
        let (after, n) = changed(&before, &change);
        assert_eq!((n, shown(&after)), (n_places, expected.into_iter().map(str::to_owned).collect()), "{find}");
    }
    // One of them alone.
    let found = find(&before, "um", Case::Exact);
    assert_eq!(found.len(), 4);
    let change = Change::replacing(&before, &found[2], "vam").expect("it is there");
    assert_eq!(shown(&changed(&before, &change).0)[2], "10-20 The vampire — um [The 10-11|vampire 11-13|um 14-15]");
    let idle = Change::ReplaceAll {
        find: "um".to_owned(),
        replace: " um ".to_owned(),
        case: Case::Exact,
        words: WholeWords::AnyPlace,
    };
    assert_eq!(changed(&before, &idle), (before, 0));
}

#[test]
fn what_cannot_be_changed_says_why() {
    let before = transcript(
        "en",
        vec![segment(" one two", 0.0, 9.0, "one 1-2|two 5-6"), segment(" Yes.", 3.0, 4.0, "Yes. 3-4")],
    );
    let nothing = Change::ReplaceAll {
        find: " ".to_owned(),
        replace: String::new(),
        case: Case::Exact,
        words: WholeWords::AnyPlace,
    };
    let no_words = |words: Range<usize>| EditError::NoSuchWords { segment_idx: 0, words, count: 2 };
    let no_split = |at_word| EditError::NothingToSplit { segment_idx: 0, at_word, count: 2 };
    for (change, expected) in [
        (replace(1..3, "x"), no_words(1..3)),
        (replace(3..3, "x"), no_words(3..3)),
        (replace(Range { start: 2, end: 1 }, "x"), no_words(Range { start: 2, end: 1 })),
        (Change::SplitSegment { segment_idx: 0, at_word: 0 }, no_split(0)),
        (Change::SplitSegment { segment_idx: 0, at_word: 2 }, no_split(2)),
        (Change::MergeSegments { segment_idx: 1 }, EditError::NoSuchSegment { idx: 2, count: 2 }),
        (Change::MergeSegments { segment_idx: 0 }, EditError::SaidAtOnce { segment_idx: 0 }),
        (Change::DeleteSegment { segment_idx: usize::MAX }, EditError::NoSuchSegment { idx: usize::MAX, count: 2 }),
        (nothing, EditError::NothingToFind),
    ] {
        let (mut after, mut history) = (before.clone(), History::default());
        assert_eq!(history.apply(&mut after, change), Err(expected));
        assert_eq!((after, history.can_undo()), (before.clone(), false));
    }
}

/// The library keeps changes in this form, for ever.
#[test]
fn changes_keep_their_form() {
    for form in [
        r#"{"RenameSpeaker":{"label":"A","name":"Ana"}}"#,
        r#"{"MergeSpeakers":{"from":"A","into":"B"}}"#,
        r#"{"GiveSegment":{"segment_idx":1,"to":"A"}}"#,
        r#"{"GiveTurn":{"turn_idx":1,"to":"A"}}"#,
        r#"{"GiveWords":{"segment_idx":1,"words":{"start":0,"end":2},"to":"A"}}"#,
        r#"{"ReplaceText":{"segment_idx":1,"words":{"start":0,"end":2},"text":"one"}}"#,
        r#"{"SplitSegment":{"segment_idx":1,"at_word":2}}"#,
        r#"{"MergeSegments":{"segment_idx":1}}"#,
        r#"{"ReplaceAll":{"find":"a","replace":"b","case":"Ignored","words":"Only"}}"#,
        r#"{"ReplaceAll":{"find":"a","replace":"b","case":"Exact","words":"AnyPlace"}}"#,
        r#"{"DeleteSegment":{"segment_idx":1}}"#,
    ] {
        let change: Change = serde_json::from_str(form).expect("a form that the library may have");
        assert_eq!(serde_json::to_string(&change).expect("a change can be written"), form);
    }
}

#[test]
fn changes_that_cannot_be_taken_back_any_more_are_still_told() {
    let before = transcript("en", vec![segment(" 0", 0.0, 1.0, "0 0-1")]);
    let (mut after, mut history) = (before.clone(), History::after(vec![replace(0..1, "earlier")]));
    let n_changes = super::MAX_STEPS + 5;
    for n in 1..=n_changes {
        history.apply(&mut after, replace(0..1, &n.to_string())).expect("a change that is possible");
    }
    assert_eq!(history.changes().count(), 1 + n_changes);
    while history.undo(&mut after) {}
    assert_eq!((after.segments[0].text.as_str(), history.changes().count()), (" 5", 6));
}

// --- Changes by chance. ---

/// Two people who speak in turn, and at once where a segment is longer than the step to the next.
fn meeting(language: &'static str) -> impl Strategy<Value = Transcript> {
    let word = prop::sample::select(vec!["um", "Um,", "one", "two.", "東", "京", "ß", "a\u{301}b"]);
    let segment = (prop::collection::vec((word, any::<bool>()), 0..6), 0..3_usize, any::<bool>());
    prop::collection::vec(segment, 1..7).prop_map(move |described| {
        let speaker = |label: &str| Speaker { label: label.to_owned(), ..Speaker::default() };
        let mut transcript = transcript(language, Vec::new());
        transcript.speakers = vec![speaker("A"), speaker("B"), speaker("C")];
        for (n, (said, who, has_words)) in described.into_iter().enumerate() {
            let (start, label) = (4.0 * n as f64, ["A", "B", "C"][who]);
            let texts: Vec<&str> = said.iter().map(|(text, _)| *text).collect();
            let word = |(n, (text, is_timed)): (usize, (&str, bool))| Word {
                text: text.to_owned(),
                span: is_timed.then(|| TimeSpan::from_secs(start + n as f64, start + n as f64 + 0.9)),
                score: Some(0.5),
                speaker: Some(label.to_owned()),
                overlapped_by: Vec::new(),
            };
            let words: Vec<Word> = said.iter().copied().enumerate().map(word).collect();
            let span = TimeSpan::from_secs(start, start + 6.0);
            transcript.turns.push(Turn { span, speaker: label.to_owned() });
            transcript.segments.push(Segment {
                span,
                text: format!(" {}", texts.join(if language == "ja" { "" } else { " " })),
                avg_logprob: None,
                speaker: Some(label.to_owned()),
                words: if has_words { words } else { Vec::new() },
            });
        }
        transcript
    })
}

fn change() -> impl Strategy<Value = Change> {
    let text = || prop::sample::select(vec!["", "um", " One  two. ", "京", "x", "um one two.", "a\u{a0}? b", "東京"]);
    let label = || prop::sample::select(vec!["A", "B", "C"]).prop_map(str::to_owned);
    let range = || (0..6_usize, 0..4_usize).prop_map(|(start, n)| start..start + n);
    let case = prop::sample::select(vec![Case::Exact, Case::Ignored]);
    let whole = prop::sample::select(vec![WholeWords::Only, WholeWords::AnyPlace]);
    prop_oneof![
        4 => (0..8_usize, range(), text()).prop_map(|(segment_idx, words, text)| {
            Change::ReplaceText { segment_idx, words, text: text.to_owned() }
        }),
        2 => (0..8_usize, 0..6_usize).prop_map(|(segment_idx, at_word)| Change::SplitSegment { segment_idx, at_word }),
        2 => (0..8_usize).prop_map(|segment_idx| Change::MergeSegments { segment_idx }),
        1 => (text(), text(), case, whole).prop_map(|(find, replace, case, words)| {
            Change::ReplaceAll { find: find.to_owned(), replace: replace.to_owned(), case, words }
        }),
        1 => (0..8_usize).prop_map(|segment_idx| Change::DeleteSegment { segment_idx }),
        1 => (0..8_usize, range(), label()).prop_map(|(segment_idx, words, to)| {
            Change::GiveWords { segment_idx, words, to }
        }),
        1 => (0..8_usize, label()).prop_map(|(segment_idx, to)| Change::GiveSegment { segment_idx, to }),
        1 => (0..8_usize, label()).prop_map(|(turn_idx, to)| Change::GiveTurn { turn_idx, to }),
        1 => (label(), label()).prop_map(|(from, into)| Change::MergeSpeakers { from, into }),
        1 => (label(), text()).prop_map(|(label, name)| Change::RenameSpeaker { label, name: name.to_owned() }),
    ]
}

/// What holds of every transcript, whatever was changed in it.
fn check(transcript: &Transcript) {
    let starts = |spans: &[TimeSpan]| spans.is_sorted_by(|a, b| a.start <= b.start);
    assert!(starts(&transcript.segments.iter().map(|segment| segment.span).collect::<Vec<_>>()), "{transcript:?}");
    assert!(starts(&transcript.turns.iter().map(|turn| turn.span).collect::<Vec<_>>()), "{transcript:?}");
    for segment in &transcript.segments {
        let spans: Vec<TimeSpan> = segment.words.iter().filter_map(|word| word.span).collect();
        let is_inside = |span: &TimeSpan| {
            segment.span.start <= span.start && span.start <= span.end && span.end <= segment.span.end
        };
        assert!(starts(&spans) && spans.iter().all(is_inside), "{segment:?}");
        if !segment.words.is_empty() {
            let written: String = segment.words.iter().map(|word| word.text.as_str()).collect();
            let without_blanks = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(without_blanks(&segment.text), without_blanks(&written), "{segment:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_changed_can_be_taken_back_and_made_again(
        original in prop_oneof![meeting("en"), meeting("ja")],
        changes in prop::collection::vec(change(), 1..24),
    ) {
        let (mut transcript, mut history) = (original.clone(), History::default());
        check(&transcript);
        let mut states = vec![original];
        for change in changes {
            let before = transcript.clone();
            match history.apply(&mut transcript, change) {
                Ok(0) | Err(_) => prop_assert_eq!(&transcript, &before),
                Ok(_) => states.push(transcript.clone()),
            }
            check(&transcript);
        }
        let made: Vec<Change> = history.changes().cloned().collect();
        prop_assert_eq!(made.len() + 1, states.len());
        for state in states.iter().rev().skip(1) {
            prop_assert!(history.undo(&mut transcript));
            prop_assert_eq!(&transcript, state);
        }
        prop_assert!(!history.undo(&mut transcript));
        for state in &states[1..] {
            prop_assert!(history.redo(&mut transcript));
            prop_assert_eq!(&transcript, state);
        }
        prop_assert!(!history.redo(&mut transcript));

        // The same changes lead to the same.
        let mut again = states[0].clone();
        for change in made {
            prop_assert!(History::default().apply(&mut again, change).is_ok());
        }
        prop_assert_eq!(&again, &transcript);
    }
}
