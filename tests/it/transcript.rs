//! Transcripts: who talks how much and what, and changes of who speaks, which can all be taken back.

use std::ops::Range;

use hansard::transcript::edit::{Change, History};
use hansard::transcript::talk::{TalkTime, lanes, talk_times};
use hansard::transcript::{Recognition, Segment, Speaker, Transcript, Turn, Verdict, Word};
use hansard::units::{Seconds, TimeSpan};

/// What becomes of [`meeting`], with the changes that lead there: speakers, turns, segments.
#[test]
fn changes_do_what_they_say_and_can_be_taken_back() {
    const SPEAKERS: &str = "A=Ana B C";
    const TURNS: &str = "A 0-4, B 3-6, A 6-10";
    const SEGMENTS: &str = "A: one two/B, B: three four, A: five 6 seven, C: eight";
    for (changes, speakers, turns, segments) in [
        (vec![rename("B", " Bo  Li\n")], "A=Ana B=Bo Li C", TURNS, SEGMENTS),
        (vec![rename("A", "Anna")], "A=Anna B C", TURNS, SEGMENTS),
        (vec![rename("A", " ")], "A B C", TURNS, SEGMENTS),
        (vec![rename("A", "A")], "A B C", TURNS, SEGMENTS),
        (vec![merge("B", "A")], "A=Ana C", "A 0-10", "A: one two, A: three four, A: five 6 seven, C: eight"),
        (vec![merge("A", "B")], "B=Ana C", "B 0-10", "B: one two, B: three four, B: five 6 seven, C: eight"),
        (vec![merge("C", "B")], "A=Ana B", TURNS, "A: one two/B, B: three four, A: five 6 seven, B: eight"),
        (
            vec![give_segment(1, "C")],
            SPEAKERS,
            "A 0-4, B 3-4, C 4-6, A 6-10",
            "A: one two/B, C: three four, A: five 6 seven, C: eight",
        ),
        (
            vec![give_segment(3, "B")],
            SPEAKERS,
            "A 0-4, B 3-6, A 6-10",
            "A: one two/B, B: three four, A: five 6 seven, B: eight",
        ),
        (vec![give_turn(0, "B")], SPEAKERS, "B 0-6, A 6-10", "B: one two, B: three four, A: five 6 seven, C: eight"),
        (
            vec![give_turn(1, "C")],
            SPEAKERS,
            "A 0-4, C 3-6, A 6-10",
            "A: one two/C, C: three four, A: five 6 seven, C: eight",
        ),
        (
            vec![give_words(2, 1..3, "B")],
            SPEAKERS,
            "A 0-4, B 3-6, A 6-7, B 7-8, A 8-10",
            "A: one two/B, B: three four, A: five, B: 6 seven, C: eight",
        ),
        (
            vec![give_words(2, 0..1, "B"), rename("C", "Cleo"), merge("C", "A")],
            "A=Ana B",
            "A 0-4, B 3-7, A 7-10",
            "A: one two/B, B: three four, B: five, A: 6 seven, A: eight",
        ),
    ] {
        let mut transcript = meeting();
        let mut history = History::default();
        let mut states = Vec::new();
        for change in &changes {
            states.push(transcript.clone());
            history.apply(&mut transcript, change.clone()).expect("a change that is possible");
        }
        let expected = [speakers, turns, segments].map(str::to_owned);
        assert_eq!(shown(&transcript), expected, "{changes:?}");
        assert_eq!(transcript.plain_text(), meeting().plain_text(), "{changes:?}");

        for before in states.iter().rev() {
            assert!(history.can_undo() && history.undo(&mut transcript));
            assert_eq!(transcript, *before, "{changes:?} taken back");
        }
        assert!(!history.can_undo() && !history.undo(&mut transcript));
        while history.redo(&mut transcript) {}
        assert_eq!(shown(&transcript), expected, "{changes:?} made again");
    }
}

#[test]
fn impossible_changes_say_why_and_do_nothing() {
    for (change, expected) in [
        (rename("D", "Dora"), "nobody here goes by the label `D`; there are A, B, C"),
        (rename("B", " Ana "), "A is called Ana already; merge the two if they are one person, or choose another name"),
        (rename("A", "C"), "C is called C already; merge the two if they are one person, or choose another name"),
        (merge("A", "A"), "A cannot be merged with itself; choose another speaker"),
        (merge("A", "D"), "nobody here goes by the label `D`; there are A, B, C"),
        (give_segment(4, "A"), "there is no segment 4, counted from 0; the transcript has 4"),
        (give_segment(0, "Ana"), "nobody here goes by the label `Ana`; there are A, B, C"),
        (give_turn(3, "A"), "there is no turn 3, counted from 0; the transcript has 3"),
        (give_words(9, 0..1, "A"), "there is no segment 9, counted from 0; the transcript has 4"),
        (give_words(2, 1..4, "A"), "there are no words 1..4, counted from 0, in segment 2; it has 3"),
        (give_words(2, 1..1, "A"), "there are no words 1..1, counted from 0, in segment 2; it has 3"),
    ] {
        let (mut transcript, mut history) = (meeting(), History::default());
        let error = history.apply(&mut transcript, change).expect_err(expected);
        assert_eq!(error.to_string(), expected);
        assert_eq!(transcript, meeting());
        assert!(!history.can_undo());
    }
}

#[test]
fn a_change_without_effect_is_no_step_and_a_new_one_ends_what_was_taken_back() {
    let (mut transcript, mut history) = (meeting(), History::default());
    for idle in [rename("A", "Ana"), give_segment(1, "B"), give_turn(0, "A"), give_words(2, 0..3, "A")] {
        history.apply(&mut transcript, idle).expect("a change that is possible");
    }
    assert!(!history.can_undo());
    history.apply(&mut transcript, rename("A", "Anna")).expect("a change that is possible");
    assert!(history.undo(&mut transcript) && history.can_redo());
    history.apply(&mut transcript, rename("A", "Anne")).expect("a change that is possible");
    assert!(!history.can_redo() && !history.redo(&mut transcript));
    assert_eq!(transcript.name_of("A"), "Anne");
}

/// Voices are weighted by talk time: A talks for 8 s, B for 3 s, C not at all.
#[test]
fn merged_speakers_have_one_voice_one_name_and_one_recognition() {
    let length = 8.0_f32.hypot(3.0);
    for (from, into, voiceprint, recognition) in [
        ("B", "A", vec![8.0 / length, 3.0 / length], Some("Ana")),
        ("A", "B", vec![8.0 / length, 3.0 / length], Some("Ana")),
        ("C", "A", vec![1.0, 0.0], Some("Ana")),
        ("B", "C", vec![0.0, 1.0], None),
    ] {
        let (mut transcript, mut history) = (meeting(), History::default());
        history.apply(&mut transcript, merge(from, into)).expect("a change that is possible");
        let merged = transcript.speakers.iter().find(|speaker| speaker.label == into).expect("who stays");
        let distance = merged.voiceprint.iter().zip(&voiceprint).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(merged.voiceprint.len() == 2 && distance < 1e-6, "{from} into {into}: {:?}", merged.voiceprint);
        assert_eq!(merged.recognition.as_ref().map(|recognition| recognition.nearest.as_str()), recognition);
    }
}

#[test]
fn talk_is_counted_and_words_are_in_the_turns_of_their_speakers() {
    let transcript = meeting();
    let talk = |secs, share, n_turns| TalkTime { seconds: Seconds(secs), share, n_turns };
    assert_eq!(talk_times(&transcript), [talk(8.0, 8.0 / 11.0, 2), talk(3.0, 3.0 / 11.0, 1), talk(0.0, 0.0, 0)]);
    assert_eq!(talk_times(&Transcript { turns: Vec::new(), ..meeting() }), [talk(0.0, 0.0, 0); 3]);
    assert_eq!(["A", "B", "Z"].map(|label| transcript.name_of(label)), ["Ana", "B", "Z"]);

    let mut shown = Vec::new();
    for lane in lanes(&transcript) {
        for turn in lane.turns {
            let words: Vec<&str> = turn.words.iter().map(|word| word.text.as_str()).collect();
            shown.push(format!("{} {}: {}", lane.label, turn.span.start.0, words.join(" ")));
        }
    }
    assert_eq!(shown, ["A 0: one two", "A 6: five seven", "B 3: three four"]);
}

// --- A meeting, and changes to it. ---

/// Words from second to second but for the pauses; B begins while A still talks. The last segment has no words.
fn meeting() -> Transcript {
    let recognition =
        Recognition { nearest: "Ana".to_owned(), score: 0.8, margin: Some(0.3), verdict: Verdict::Recognised };
    let ana = Speaker {
        name: Some("Ana".to_owned()),
        recognition: Some(recognition),
        voiceprint: vec![1.0, 0.0],
        ..speaker("A")
    };
    let bo = Speaker { voiceprint: vec![0.0, 1.0], ..speaker("B") };
    let turn = |label: &str, start, end| Turn { span: TimeSpan::from_secs(start, end), speaker: label.to_owned() };
    let mut segments = vec![
        segment("A", " one two", vec![word("one", 1.0, 2.0), word("two", 3.0, 4.0)]),
        segment("B", " three four", vec![word("three", 4.0, 5.0), word("four", 5.0, 6.0)]),
        segment("A", " five 6 seven", vec![word("five", 6.0, 7.0), word("6", 7.0, 7.0), word("seven", 7.0, 8.0)]),
        segment("C", " eight", Vec::new()),
    ];
    segments[0].words[1].overlapped_by = vec!["B".to_owned()];
    segments[2].words[1].span = None;
    segments[3].span = TimeSpan::from_secs(20.0, 21.0);
    Transcript {
        language: "en".to_owned(),
        duration: Seconds(30.0),
        segments,
        speakers: vec![ana, bo, speaker("C")],
        turns: vec![turn("A", 0.0, 4.0), turn("B", 3.0, 6.0), turn("A", 6.0, 10.0)],
    }
}

fn speaker(label: &str) -> Speaker {
    Speaker { label: label.to_owned(), ..Speaker::default() }
}

fn segment(label: &str, text: &str, mut words: Vec<Word>) -> Segment {
    for word in &mut words {
        word.speaker = Some(label.to_owned());
    }
    let span = words.first().zip(words.last()).and_then(|(first, last)| first.span.zip(last.span));
    let span = span.map(|(first, last)| TimeSpan { start: first.start, end: last.end });
    Segment {
        span: span.unwrap_or_default(),
        text: text.to_owned(),
        speaker: Some(label.to_owned()),
        words,
        ..Segment::default()
    }
}

fn word(text: &str, start_secs: f64, end_secs: f64) -> Word {
    Word { text: text.to_owned(), span: Some(TimeSpan::from_secs(start_secs, end_secs)), ..Word::default() }
}

/// Speakers with their names; turns; segments with their words, and who talks over a word after a `/`.
fn shown(transcript: &Transcript) -> [String; 3] {
    let name = |speaker: &Speaker| match &speaker.name {
        Some(name) => format!("{}={name}", speaker.label),
        None => speaker.label.clone(),
    };
    let turn = |turn: &Turn| format!("{} {}-{}", turn.speaker, turn.span.start.0, turn.span.end.0);
    let word = |word: &Word| [&[word.text.clone()][..], &word.overlapped_by].concat().join("/");
    let segment = |segment: &Segment| {
        let speaker = segment.speaker.as_deref().expect("every segment has a speaker");
        assert!(segment.words.iter().all(|word| word.speaker.as_deref() == Some(speaker)), "{segment:?}");
        let words: Vec<String> = segment.words.iter().map(word).collect();
        format!("{speaker}: {}", if words.is_empty() { segment.text.trim().to_owned() } else { words.join(" ") })
    };
    [
        transcript.speakers.iter().map(name).collect::<Vec<_>>().join(" "),
        transcript.turns.iter().map(turn).collect::<Vec<_>>().join(", "),
        transcript.segments.iter().map(segment).collect::<Vec<_>>().join(", "),
    ]
}

fn rename(label: &str, name: &str) -> Change {
    Change::RenameSpeaker { label: label.to_owned(), name: name.to_owned() }
}

fn merge(from: &str, into: &str) -> Change {
    Change::MergeSpeakers { from: from.to_owned(), into: into.to_owned() }
}

fn give_segment(segment_idx: usize, to: &str) -> Change {
    Change::GiveSegment { segment_idx, to: to.to_owned() }
}

fn give_turn(turn_idx: usize, to: &str) -> Change {
    Change::GiveTurn { turn_idx, to: to.to_owned() }
}

fn give_words(segment_idx: usize, words: Range<usize>, to: &str) -> Change {
    Change::GiveWords { segment_idx, words, to: to.to_owned() }
}
