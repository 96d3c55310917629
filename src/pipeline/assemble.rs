//! Speaker turns and aligned words become words and segments that know their speaker.
//!
//! [`assign_word_speakers`] does what the function of this name does in whisperX 3.8.6 (`diarize.py`): whoever talks
//! longest during a word or a segment has said it. [`assign_speakers`] goes on from there: every word gets a speaker,
//! words keep who else talks at the same time, and segments are split so that each is what one person said. Neither
//! looks at the sound or changes a word.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::transcript::split::{span_of_words, split_at_speakers};
use crate::transcript::{Segment, Turn, Word};
use crate::units::{Seconds, TimeSpan};

/// A change of speaker within a sentence that is shorter than this, and of no more words, is doubted.
const MAX_FLICKER: Seconds = Seconds(0.3);
const MAX_FLICKER_WORDS: usize = 2;

/// So many words at the edge of a sentence go with the rest of it if that is longer and its speaker still talks where the
/// two meet: for a quarter of this long around it.
const MAX_EDGE_WORDS: usize = 2;
const MEETING: Seconds = Seconds(0.1);

/// Who has said what no turn touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutsideTurns {
    /// Nobody.
    Unassigned,
    /// The speaker of the turn whose middle is nearest (`fill_nearest` of whisperX).
    NearestTurn,
}

/// Gives each segment, and each word that has a time, to the speaker whose turns overlap it longest; of equals, to the
/// one whose turn begins first. What has no speaker then stays as it was.
pub fn assign_word_speakers(turns: &[Turn], segments: &mut [Segment], outside: OutsideTurns) {
    let index = TurnIndex::of(turns);
    let speaker_of = |span: TimeSpan| {
        let nearest = || match outside {
            OutsideTurns::Unassigned => None,
            OutsideTurns::NearestTurn => index.nearest(middle(span)),
        };
        index.most_heard(span).or_else(nearest).map(str::to_owned)
    };
    for segment in segments {
        segment.speaker = speaker_of(segment.span).or(segment.speaker.take());
        for word in &mut segment.words {
            word.speaker = word.span.and_then(speaker_of).or(word.speaker.take());
        }
    }
}

/// The segments with their speakers, by start. Segments without words go to whoever talks longest during them; others
/// are split where the speaker of their words changes. What lies wholly outside of all turns has no speaker.
///
/// Words go to whoever talks longest during them, but for three cases:
/// - Words that no turn touches, or without a time, go with the words beside them in their segment.
/// - A word or two within what another says, over in less than 0.3 s, are taken for an error at the edge of a turn if
///   the other talks for at least half of the time, too, or if their own speaker talks for less than half of it.
/// - The first or last word or two of a segment, which is a sentence once words are aligned, go with three or more that
///   another says in it, if that speaker still talks where the two meet: people fall into each other's words.
///
/// Each word keeps who else talks for more than half of its time.
pub fn assign_speakers(segments: Vec<Segment>, turns: &[Turn]) -> Vec<Segment> {
    let index = TurnIndex::of(turns);
    let assigned = segments.into_iter().map(|segment| with_speakers(segment, &index));
    let mut parts: Vec<Segment> = assigned.flat_map(split_at_speakers).collect();
    parts.sort_by(|a, b| a.span.start.0.total_cmp(&b.span.start.0));
    parts
}

fn with_speakers(mut segment: Segment, index: &TurnIndex<'_>) -> Segment {
    let of_segment = index.most_heard(segment.span);
    let mut speakers: Vec<_> = segment.words.iter().map(|word| index.most_heard(word.span?)).collect();
    fill_from_neighbours(&segment.words, &mut speakers);
    settle_flicker(&segment.words, &mut speakers, index);
    settle_edges(&segment.words, &mut speakers, index);
    for (word, speaker) in segment.words.iter_mut().zip(speakers) {
        let speaker = speaker.or(of_segment);
        let overlapped_by = speaker.zip(word.span).map(|(speaker, span)| index.others_heard(speaker, span));
        word.overlapped_by = overlapped_by.unwrap_or_default();
        word.speaker = speaker.map(str::to_owned);
    }
    segment.speaker = of_segment.map(str::to_owned);
    segment
}

/// Words without a speaker go with the word before or after them: the nearer in time, or the one before where they have
/// no time.
fn fill_from_neighbours(words: &[Word], speakers: &mut [Option<&str>]) {
    let mut at = 0;
    while at < speakers.len() {
        let n_unknown = speakers[at..].iter().take_while(|speaker| speaker.is_none()).count();
        let end = at + n_unknown;
        let before = at.checked_sub(1).and_then(|last| Some((speakers[last]?, words[last].span?)));
        let after = words.get(end).and_then(|next| Some((speakers[end]?, next.span?)));
        let n_with_before = match (before, after) {
            (Some((_, before)), Some((_, after))) => {
                let is_nearer_before = |word: &&Word| {
                    word.span.is_none_or(|span| span.start.0 - before.end.0 <= after.start.0 - span.end.0)
                };
                words[at..end].iter().take_while(is_nearer_before).count()
            }
            (Some(_), None) => n_unknown,
            (None, _) => 0,
        };
        speakers[at..at + n_with_before].fill(before.map(|(speaker, _)| speaker));
        speakers[at + n_with_before..end].fill(after.map(|(speaker, _)| speaker));
        at = end + 1;
    }
}

/// Gives doubtful changes of speaker, as [`assign_speakers`] states them, to the speaker around them.
fn settle_flicker(words: &[Word], speakers: &mut [Option<&str>], index: &TurnIndex<'_>) {
    let lengths: Vec<usize> = speakers.chunk_by(|a, b| a == b).map(<[_]>::len).collect();
    let mut end = 0;
    for n_words in lengths {
        let run = end..end + n_words;
        end = run.end;
        if let Some(speaker_around) = speaker_around(&run, speakers)
            && let Some(own) = speakers[run.start]
            && n_words <= MAX_FLICKER_WORDS
            && let Some(span) = span_of_words(&words[run.clone()])
            && span.duration().0 < MAX_FLICKER.0
        {
            let half = 0.5 * span.duration().0;
            if index.heard_secs(own, span) < half || index.heard_secs(speaker_around, span) >= half {
                speakers[run].fill(Some(speaker_around));
            }
        }
    }
}

/// Gives the edges of a sentence, as [`assign_speakers`] states them, to the speaker of the rest.
fn settle_edges(words: &[Word], speakers: &mut [Option<&str>], index: &TurnIndex<'_>) {
    let runs: Vec<usize> = speakers.chunk_by(|a, b| a == b).map(<[_]>::len).collect();
    let ([first, second, ..], [.., last_but_one, last]) = (runs.as_slice(), runs.as_slice()) else { return };
    let start_of_last = words.len() - last;
    let edges = [(0..*first, *second, *first), (start_of_last..words.len(), *last_but_one, start_of_last - 1)];
    for (edge, n_neighbours, neighbour) in edges {
        if edge.len() <= MAX_EDGE_WORDS
            && n_neighbours > MAX_EDGE_WORDS
            && let Some(speaker) = speakers[neighbour]
            && let Some(span) = span_of_words(&words[edge.clone()])
        {
            let meeting = if edge.start == 0 { span.end.0 } else { span.start.0 };
            let around = TimeSpan::from_secs(meeting - MEETING.0 / 2.0, meeting + MEETING.0 / 2.0);
            if index.heard_secs(speaker, around) >= MEETING.0 / 4.0 {
                speakers[edge].fill(Some(speaker));
            }
        }
    }
}

/// Who says both the word before and the word after a run of words.
fn speaker_around<'a>(run: &Range<usize>, speakers: &[Option<&'a str>]) -> Option<&'a str> {
    let before = speakers[run.start.checked_sub(1)?]?;
    let after = (*speakers.get(run.end)?)?;
    (before == after).then_some(before)
}

fn middle(span: TimeSpan) -> f64 {
    f64::midpoint(span.start.0, span.end.0)
}

/// All turns, so that those around a time are found by bisection: in O(speakers · log(turns)) and as many steps more as
/// there are turns to be found.
struct TurnIndex<'a> {
    /// The turns of each speaker, by label.
    lanes: Vec<Lane<'a>>,
    /// The middles of all turns, by time.
    middles: Vec<Middle<'a>>,
}

/// The turns of one speaker, by start.
struct Lane<'a> {
    speaker: &'a str,
    stretches: Vec<Stretch>,
}

/// One turn.
struct Stretch {
    span: TimeSpan,
    /// Its place among the turns of everybody, by start.
    place: usize,
    /// The latest end of it and of those before it in its lane, which makes ends ordered even if turns overlap.
    latest_end: f64,
}

struct Middle<'a> {
    secs: f64,
    place: usize,
    speaker: &'a str,
}

/// How much of a span somebody talks.
struct Heard {
    secs: f64,
    /// The place of the first turn that touches the span.
    first_place: usize,
}

impl<'a> TurnIndex<'a> {
    fn of(turns: &'a [Turn]) -> Self {
        let mut by_start: Vec<&'a Turn> = turns.iter().collect();
        by_start.sort_by(|a, b| a.span.start.0.total_cmp(&b.span.start.0));
        let mut lanes: BTreeMap<&'a str, Vec<Stretch>> = BTreeMap::new();
        let mut middles = Vec::with_capacity(turns.len());
        for (place, turn) in by_start.into_iter().enumerate() {
            let speaker = turn.speaker.as_str();
            let lane = lanes.entry(speaker).or_default();
            let end = turn.span.end.0;
            let latest_end = lane.last().map_or(end, |last| last.latest_end.max(end));
            lane.push(Stretch { span: turn.span, place, latest_end });
            middles.push(Middle { secs: middle(turn.span), place, speaker });
        }
        // Sorting is stable: equal middles stay in the order of their places.
        middles.sort_by(|a, b| a.secs.total_cmp(&b.secs));
        let lanes = lanes.into_iter().map(|(speaker, stretches)| Lane { speaker, stretches }).collect();
        Self { lanes, middles }
    }

    /// Who talks longest during the span; of equals, the one whose turn begins first.
    fn most_heard(&self, span: TimeSpan) -> Option<&'a str> {
        let heard = self.lanes.iter().filter_map(|lane| Some((lane.speaker, lane.heard(span)?)));
        let most =
            heard.max_by(|(_, a), (_, b)| a.secs.total_cmp(&b.secs).then_with(|| b.first_place.cmp(&a.first_place)));
        most.map(|(speaker, _)| speaker)
    }

    /// The speaker of the turn whose middle is nearest; of equals, of the one that begins first.
    fn nearest(&self, secs: f64) -> Option<&'a str> {
        let first_not_before = |secs: f64| self.middles.partition_point(|middle| middle.secs < secs);
        let after = first_not_before(secs);
        let before = after.checked_sub(1).map(|last| first_not_before(self.middles[last].secs));
        let candidates = [before, Some(after)].into_iter().flatten().filter_map(|at| self.middles.get(at));
        let distance = |middle: &Middle<'_>| (middle.secs - secs).abs();
        let nearest = candidates.min_by(|a, b| distance(a).total_cmp(&distance(b)).then_with(|| a.place.cmp(&b.place)));
        nearest.map(|middle| middle.speaker)
    }

    fn heard_secs(&self, speaker: &str, span: TimeSpan) -> f64 {
        let lane = self.lanes.iter().find(|lane| lane.speaker == speaker);
        lane.and_then(|lane| lane.heard(span)).map_or(0.0, |heard| heard.secs)
    }

    /// Who else talks for more than half of the span, by label.
    fn others_heard(&self, speaker: &str, span: TimeSpan) -> Vec<String> {
        let half = 0.5 * span.duration().0;
        let others = self.lanes.iter().filter(|lane| lane.speaker != speaker);
        let heard = others.filter(|lane| lane.heard(span).is_some_and(|heard| heard.secs > half));
        heard.map(|lane| lane.speaker.to_owned()).collect()
    }
}

impl Lane<'_> {
    /// How much of the span this speaker talks, where they do.
    fn heard(&self, span: TimeSpan) -> Option<Heard> {
        let from = self.stretches.partition_point(|stretch| stretch.latest_end <= span.start.0);
        let to = self.stretches.partition_point(|stretch| stretch.span.start.0 < span.end.0);
        let mut heard = None;
        for stretch in self.stretches.get(from..to).unwrap_or_default() {
            let secs = stretch.span.end.0.min(span.end.0) - stretch.span.start.0.max(span.start.0);
            if secs > 0.0 {
                heard.get_or_insert(Heard { secs: 0.0, first_place: stretch.place }).secs += secs;
            }
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns as `speaker start end`.
    fn turns(described: &[&str]) -> Vec<Turn> {
        let turn = |turn: &&str| {
            let fields: Vec<&str> = turn.split(' ').collect();
            let [speaker, start, end] = fields[..] else { panic!("speaker, start, end: {turn}") };
            Turn { span: span(start, end), speaker: speaker.to_owned() }
        };
        described.iter().map(turn).collect()
    }

    /// Words as `text start end`, or only `text` where they have no time.
    fn segment(described: &[&str]) -> Segment {
        let word = |word: &&str| {
            let fields: Vec<&str> = word.split(' ').collect();
            let span = if let [_, start, end] = fields[..] { Some(span(start, end)) } else { None };
            Word { text: fields[0].to_owned(), span, ..Word::default() }
        };
        let words: Vec<Word> = described.iter().map(word).collect();
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let text = texts.join(" ");
        Segment { span: span_of_words(&words).unwrap_or_default(), text, words, ..Segment::default() }
    }

    fn span(start: &str, end: &str) -> TimeSpan {
        let secs = |text: &str| text.parse::<f64>().expect("seconds");
        TimeSpan::from_secs(secs(start), secs(end))
    }

    /// A segment as `speaker: text`, after words that others talk over the labels of these.
    fn shown(segment: &Segment) -> String {
        let words: Vec<String> =
            segment.words.iter().map(|word| format!("{}{:?}", word.text, word.overlapped_by)).collect();
        let text = if words.is_empty() { segment.text.trim().to_owned() } else { words.join(" ").replace("[]", "") };
        format!("{}: {text}", segment.speaker.as_deref().unwrap_or("nobody"))
    }

    #[test]
    fn words_get_speakers_and_segments_are_split_between_them() {
        let two = ["A 0 10", "B 10 20"];
        for (described, words, expected) in [
            // Nothing is known, or nobody talks.
            (&two[..], &["one 30 31", "two"][..], &["nobody: one two"][..]),
            (&[], &["one 1 2"], &["nobody: one"]),
            // One speaker; a change; the longer part of a word; neither.
            (&two, &["one 1 2", "two 3 4"], &["A: one two"]),
            (&two, &["one 9 9.5", "two 9.9 10.3", "three 11 12"], &["A: one", "B: two three"]),
            (&two, &["tie 9 11"], &["A: tie"]),
            // Words without a time, or outside of turns, go with those beside them.
            (&two, &["4", "one 1 2", "5", "two 11 12", "6"], &["A: 4 one 5", "B: two 6"]),
            (
                &["A 0 2", "B 6 8"],
                &["one 1 2", "near 2.5 3", "far 5 5.5", "7", "two 6 7"],
                &["A: one near", "B: far 7 two"],
            ),
            // Overlap: both are kept.
            (&["A 0 10", "B 4 6"], &["one 3 4.4", "two 4.4 5.6", "three 5.6 7"], &["A: one two[\"B\"] three"]),
            (&["A 0 5", "B 3 10"], &["one 2 3.1", "two 3.2 4.8", "three 4.5 6"], &["A: one two[\"B\"]", "B: three"]),
            // A flicker: the other talks on, or the own turn hardly touches the word.
            (&["A 0 4.15", "B 4 4.3", "A 4.2 9"], &["one 3 4", "uh 4.05 4.25", "two 5 6"], &["A: one uh[\"B\"] two"]),
            (&["A 0 4", "B 4.2 4.25", "A 4.5 9"], &["one 3 4", "uh 4.1 4.3", "two 5 6"], &["A: one uh two"]),
            // No flicker: a short answer in a pause; one that takes longer; three words; the end of a sentence.
            (&["A 0 4", "B 4 4.4", "A 4.5 9"], &["one 3 4", "yes 4.1 4.3", "two 5 6"], &["A: one", "B: yes", "A: two"]),
            (
                &["A 0 4.2", "B 4 4.6", "A 4.4 9"],
                &["one 3 4", "yes 4.05 4.55", "two 5 6"],
                &["A: one", "B: yes[\"A\"]", "A: two"],
            ),
            (
                &["A 0 4", "B 4.01 4.02", "B 4.11 4.12", "B 4.21 4.22", "A 4.5 9"],
                &["one 3 4", "a 4 4.09", "b 4.1 4.19", "c 4.2 4.28", "two 5 6"],
                &["A: one", "B: a b c", "A: two"],
            ),
            (&["A 0 4", "B 4 9"], &["one 3 4", "uh 4.1 4.3"], &["A: one", "B: uh"]),
            // The edge of a sentence: its speaker still talks; does not; the other's part is as long.
            (
                &["A 0 4.12", "B 4 9"],
                &["one 1 2", "two 2 3", "three 3 4", "last 4.1 4.5"],
                &["A: one two three last[\"B\"]"],
            ),
            (
                &["A 0 4", "B 4.05 9"],
                &["one 1 2", "two 2 3", "three 3 4", "no 4.1 4.5"],
                &["A: one two three", "B: no"],
            ),
            (
                &["A 0 3", "B 2 9"],
                &["one 1 2.8", "two 3 4", "three 4 5", "four 5 6"],
                &["B: one[\"A\"] two three four"],
            ),
            (&["A 0 3", "B 2 9"], &["one 1 2.8", "two 3 4", "three 4 5"], &["A: one", "B: two three"]),
        ] {
            let assigned = assign_speakers(vec![segment(words)], &turns(described));
            assert_eq!(assigned.iter().map(shown).collect::<Vec<_>>(), expected, "{words:?} in {described:?}");
        }
    }

    #[test]
    fn segments_without_words_go_to_the_longest_overlap() {
        let spoken = |start, end| Segment { span: span(start, end), text: " Yes.".to_owned(), ..Segment::default() };
        let segments = vec![spoken("9", "12"), spoken("1", "2"), spoken("30", "31")];
        let assigned = assign_speakers(segments, &turns(&["A 0 10", "B 10 20"]));
        assert_eq!(assigned.iter().map(shown).collect::<Vec<_>>(), ["A: Yes.", "B: Yes.", "nobody: Yes."]);
    }

    /// What the function of whisperX does, in its own words: a look at all turns for every span.
    #[test]
    fn the_index_finds_what_a_look_at_all_turns_finds() {
        let secs = |n: usize| (n * 7919 % 1009) as f64 / 10.0;
        let turns: Vec<Turn> = (0..200)
            .map(|n| Turn {
                span: TimeSpan::from_secs(secs(n), secs(n) + secs(n + 500) / 20.0),
                speaker: format!("SPEAKER_{:02}", n * n % 5),
            })
            .collect();
        let index = TurnIndex::of(&turns);
        let mut by_start: Vec<&Turn> = turns.iter().collect();
        by_start.sort_by(|a, b| a.span.start.0.total_cmp(&b.span.start.0));
        for n in 0..500 {
            let asked = TimeSpan::from_secs(secs(n + 3), secs(n + 3) + (n % 4) as f64 / 5.0);
            let mut heard: Vec<(&str, f64)> = Vec::new();
            for turn in &by_start {
                let secs = turn.span.end.0.min(asked.end.0) - turn.span.start.0.max(asked.start.0);
                if secs > 0.0 {
                    match heard.iter_mut().find(|(speaker, _)| *speaker == turn.speaker) {
                        Some((_, sum)) => *sum += secs,
                        None => heard.push((turn.speaker.as_str(), secs)),
                    }
                }
            }
            let mut most: Option<(&str, f64)> = None;
            for &(speaker, secs) in &heard {
                if most.is_none_or(|(_, best)| secs > best) {
                    most = Some((speaker, secs));
                }
            }
            assert_eq!(index.most_heard(asked), most.map(|(speaker, _)| speaker), "{asked:?}");

            let distance = |turn: &&&Turn| (middle(turn.span) - middle(asked)).abs();
            let nearest = by_start.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
            assert_eq!(index.nearest(middle(asked)), nearest.map(|turn| turn.speaker.as_str()), "{asked:?}");
        }
    }
}
