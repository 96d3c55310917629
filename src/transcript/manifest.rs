//! Where a transcript comes from, so that a file of it can be checked: hashes of the recording and of the models, the
//! parameters, and a mark for each word as the job gave it. The marks tell which words are others now; a seal over the
//! whole file, whether it is as it was written.
//!
//! It hashes neither recordings nor models; that is the engine's part. And it is no signature: it shows what was
//! changed, by whomever, but whoever writes a whole file anew can seal that one, too.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hash::ContentHasher;
use crate::units::{Seconds, TimeSpan};

use super::{Segment, Transcript, Word};

/// Version of the layout that [`Origin`] has in a file.
pub const LAYOUT: u32 = 1;
/// The key under which a JSON file has its [`Origin`].
pub const KEY: &str = "hansard";

const SEAL_KEY: &str = "seal";
/// Hexadecimal digits of a mark. It is there to find a word, not to prove it: that, the seal does.
const MARK_DIGITS: usize = 6;
/// How many words may be put in or left out at one place before the words after it count as others, too.
const MAX_SHIFT: usize = 24;
/// So many words in a row must agree for the two sides to be at the same place again.
const AGREEING_WORDS: usize = 3;

/// What a transcript was made of, and how. All hashes are in hexadecimal digits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this layout, [`LAYOUT`].
    pub layout: u32,
    /// Version of Hansard.
    pub app_version: String,
    /// The recording.
    pub audio: AudioHashes,
    /// The models, in the order of their use.
    pub models: Vec<ModelHash>,
    /// All that the job was asked and that matters to its result, by name.
    pub parameters: BTreeMap<String, String>,
    /// How many changes by hand are in the transcript.
    pub n_edits: usize,
    /// Marks of all words as the job gave them, one after the other: [`marks_of`].
    pub words: String,
}

/// A recording, by its content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioHashes {
    /// Name of the file, without its folder.
    pub name: String,
    /// The file, byte by byte.
    pub file: String,
    /// Its sound, which is the same in another container: the samples at 16 kHz.
    pub samples: String,
}

/// A model, by its content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelHash {
    /// What it does: `transcription`, `alignment`, `segmentation`, `embeddings`, `recognition`.
    pub part: String,
    /// What it is called: as the user or the catalog names it.
    pub name: String,
    /// Where it was: a folder, beginning with `assets:` or `cache:` where it is below one of those of the installation.
    pub place: String,
    /// Its weights.
    pub hash: String,
}

/// What a JSON file says of where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// What it was made of.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// The words that are not as the job gave them.
    pub edited_words: Vec<EditedWord>,
    /// How many words the job gave that are gone.
    pub n_removed_words: usize,
    /// Hash of everything else in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

/// A word that is not as the job gave it: its text, its time or its speaker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EditedWord {
    /// Index of its segment.
    pub segment: usize,
    /// Its index there; `None` where the whole segment is meant, which has no words of its own.
    pub word: Option<usize>,
    /// When it is said.
    pub start: Option<Seconds>,
    /// Label of who says it.
    pub speaker: Option<String>,
    /// The word as it is now.
    pub text: String,
}

/// Whether a file is as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// Nothing was changed since.
    Whole,
    /// Something was.
    Broken,
}

/// What a look at a file showed.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedFile {
    /// What it says of itself.
    pub origin: Origin,
    /// Whether that and all else is as it was written.
    pub seal: Seal,
    /// The words that are not as the job gave them,
    pub edited_words: Vec<EditedWord>,
    /// and how many are gone.
    pub n_removed_words: usize,
}

/// Why a file cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It says nothing of where it comes from.
    #[error(
        "it has no `{KEY}` entry, so there is nothing to check it against; transcribe the recording again to get one"
    )]
    Absent,
    /// It was written by a later version.
    #[error(
        "its `{KEY}` entry is of layout {0}, and this version of Hansard knows {LAYOUT}; check it with a newer one"
    )]
    Newer(u64),
    /// It is no transcript that Hansard wrote.
    #[error("it is no transcript of Hansard's, or a damaged one: {0}")]
    Malformed(#[source] serde_json::Error),
}

/// The marks of all words of a transcript, for [`Manifest::words`].
pub fn marks_of(transcript: &Transcript) -> String {
    pieces_of(&transcript.segments).fold(String::new(), |mut marks, piece| {
        write!(marks, "{:0width$x}", piece.mark(), width = MARK_DIGITS).expect("a string takes all that is written");
        marks
    })
}

impl Origin {
    /// What a file of `transcript` says of itself, not yet sealed.
    pub fn of(manifest: &Manifest, transcript: &Transcript) -> Self {
        let (edited_words, n_removed_words) = edits_since(&manifest.words, &transcript.segments);
        Self { manifest: manifest.clone(), edited_words, n_removed_words, seal: None }
    }
}

/// The seal of a JSON document, as its [`Origin`] is to have it. The one that is in it already does not count, nor do the
/// order of keys and the blanks between them.
pub fn seal_of(document: &Value) -> String {
    // Hashing many small pieces one by one takes several times as long.
    let mut bytes = Vec::new();
    feed(document, Place::Top, &mut bytes);
    let mut hasher = ContentHasher::new();
    hasher.update(&bytes);
    hasher.finish().to_string()
}

/// Looks at a JSON document that was read from a file.
pub fn check(document: &Value) -> Result<CheckedFile, ManifestError> {
    let entry = document.get(KEY).ok_or(ManifestError::Absent)?;
    if let Some(layout) = entry.get("layout").and_then(Value::as_u64).filter(|layout| *layout > u64::from(LAYOUT)) {
        return Err(ManifestError::Newer(layout));
    }
    let origin = Origin::deserialize(entry).map_err(ManifestError::Malformed)?;
    let written = Written::deserialize(document).map_err(ManifestError::Malformed)?;
    let segments: Vec<Segment> = written.segments.into_iter().map(WrittenSegment::into_segment).collect();
    let (edited_words, n_removed_words) = edits_since(&origin.manifest.words, &segments);
    let is_whole = origin.seal.as_ref().is_some_and(|seal| *seal == seal_of(document));
    let seal = if is_whole { Seal::Whole } else { Seal::Broken };
    Ok(CheckedFile { origin, seal, edited_words, n_removed_words })
}

/// A word, or a segment that has none.
struct Piece<'a> {
    segment_idx: usize,
    word_idx: Option<usize>,
    text: &'a str,
    span: Option<(Seconds, Seconds)>,
    speaker: Option<&'a str>,
}

impl Piece<'_> {
    /// Some bits of the hash of all that the user may change. Times count in milliseconds, as they are shown.
    fn mark(&self) -> u32 {
        let mut hasher = ContentHasher::new();
        hasher.update(self.text.as_bytes());
        hasher.update(&[0]);
        if let Some((start, end)) = self.span {
            hasher.update(&start.to_millis().to_le_bytes());
            hasher.update(&end.to_millis().to_le_bytes());
        }
        hasher.update(&[0]);
        hasher.update(self.speaker.unwrap_or_default().as_bytes());
        let hash = hasher.finish();
        let [first, second, third, ..] = *hash.as_bytes();
        u32::from_be_bytes([0, first, second, third])
    }

    fn edited(&self) -> EditedWord {
        EditedWord {
            segment: self.segment_idx,
            word: self.word_idx,
            start: self.span.map(|(start, _)| start),
            speaker: self.speaker.map(str::to_owned),
            text: self.text.to_owned(),
        }
    }
}

fn pieces_of(segments: &[Segment]) -> impl Iterator<Item = Piece<'_>> {
    segments.iter().enumerate().flat_map(|(segment_idx, segment)| {
        let whole = segment.words.is_empty().then(|| Piece {
            segment_idx,
            word_idx: None,
            text: &segment.text,
            span: Some((segment.span.start, segment.span.end)),
            speaker: segment.speaker.as_deref(),
        });
        let words = segment.words.iter().enumerate().map(move |(word_idx, word)| Piece {
            segment_idx,
            word_idx: Some(word_idx),
            text: &word.text,
            span: word.span.map(|span| (span.start, span.end)),
            speaker: word.speaker.as_deref(),
        });
        whole.into_iter().chain(words)
    })
}

/// The words that are not as they were when the marks were made, and how many are gone.
fn edits_since(marks: &str, segments: &[Segment]) -> (Vec<EditedWord>, usize) {
    let pieces: Vec<Piece<'_>> = pieces_of(segments).collect();
    let now: Vec<u32> = pieces.iter().map(Piece::mark).collect();
    let (changed, n_removed) = differences(&read_marks(marks), &now);
    (changed.into_iter().map(|idx| pieces[idx].edited()).collect(), n_removed)
}

/// Marks that somebody has tampered with are no word's mark.
fn read_marks(marks: &str) -> Vec<u32> {
    let mark = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.len() == MARK_DIGITS);
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(u32::MAX)
    };
    marks.as_bytes().chunks(MARK_DIGITS).map(mark).collect()
}

/// Which of `now` are not among `before`, in order, and how many of `before` have nothing in their place.
fn differences(before: &[u32], now: &[u32]) -> (Vec<usize>, usize) {
    let (mut at_before, mut at_now) = (0, 0);
    let (mut changed, mut n_removed) = (Vec::new(), 0);
    while at_before < before.len() && at_now < now.len() {
        if before[at_before] == now[at_now] {
            at_before += 1;
            at_now += 1;
            continue;
        }
        let (n_before, n_now) = up_to_agreement(&before[at_before..], &now[at_now..]);
        changed.extend(at_now..at_now + n_now);
        n_removed += n_before.saturating_sub(n_now);
        at_before += n_before;
        at_now += n_now;
    }
    changed.extend(at_now..now.len());
    (changed, n_removed + before.len() - at_before)
}

/// How many to pass over on each side until they agree again; one on each where they do not for long.
fn up_to_agreement(before: &[u32], now: &[u32]) -> (usize, usize) {
    let ways = (1..=2 * MAX_SHIFT).flat_map(|n_in_all| {
        let fewest = n_in_all.saturating_sub(MAX_SHIFT);
        (fewest..=n_in_all - fewest).map(move |n_now| (n_in_all - n_now, n_now))
    });
    let mut possible = ways.filter(|(n_before, n_now)| *n_before <= before.len() && *n_now <= now.len());
    let found = possible.find(|(n_before, n_now)| {
        let (before, now) = (&before[*n_before..], &now[*n_now..]);
        let n_words = AGREEING_WORDS.min(before.len()).min(now.len());
        if n_words == 0 { before.is_empty() && now.is_empty() } else { before[..n_words] == now[..n_words] }
    });
    found.unwrap_or((1, 1))
}

/// Where in the document a value stands: as deep as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Origin,
    Elsewhere,
}

/// Hashes a value so that no two of different content run together.
fn feed(value: &Value, place: Place, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => bytes.push(b'n'),
        Value::Bool(true) => bytes.push(b't'),
        Value::Bool(false) => bytes.push(b'f'),
        Value::Number(number) => {
            // Some programs write 1.0 as 1.
            let bits = number.as_f64().unwrap_or(f64::NAN).to_bits();
            bytes.push(b'#');
            bytes.extend_from_slice(&bits.to_le_bytes());
        }
        Value::String(text) => feed_text(text, bytes),
        Value::Array(items) => {
            bytes.push(b'[');
            bytes.extend_from_slice(&(items.len() as u64).to_le_bytes());
            for item in items {
                feed(item, Place::Elsewhere, bytes);
            }
        }
        Value::Object(entries) => {
            let is_sealed = |key: &str| place != Place::Origin || key != SEAL_KEY;
            let entries: BTreeMap<&str, &Value> =
                entries.iter().map(|(key, value)| (key.as_str(), value)).filter(|(key, _)| is_sealed(key)).collect();
            bytes.push(b'{');
            bytes.extend_from_slice(&(entries.len() as u64).to_le_bytes());
            for (key, value) in entries {
                feed_text(key, bytes);
                let place = if place == Place::Top && key == KEY { Place::Origin } else { Place::Elsewhere };
                feed(value, place, bytes);
            }
        }
    }
}

fn feed_text(text: &str, bytes: &mut Vec<u8>) {
    bytes.push(b'"');
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// The part of a JSON file that says what was said.
#[derive(Deserialize)]
struct Written {
    segments: Vec<WrittenSegment>,
}

#[derive(Deserialize)]
struct WrittenSegment {
    start: f64,
    end: f64,
    text: String,
    speaker: Option<String>,
    words: Vec<WrittenWord>,
}

#[derive(Deserialize)]
struct WrittenWord {
    word: String,
    start: Option<f64>,
    end: Option<f64>,
    speaker: Option<String>,
}

impl WrittenSegment {
    fn into_segment(self) -> Segment {
        Segment {
            span: TimeSpan::from_secs(self.start, self.end),
            text: self.text,
            speaker: self.speaker,
            words: self.words.into_iter().map(WrittenWord::into_word).collect(),
            ..Segment::default()
        }
    }
}

impl WrittenWord {
    fn into_word(self) -> Word {
        let span = self.start.zip(self.end).map(|(start, end)| TimeSpan::from_secs(start, end));
        Word { text: self.word, span, speaker: self.speaker, ..Word::default() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spoken(words: &[&str]) -> Transcript {
        let word = |(n, text): (usize, &&str)| Word {
            text: (*text).to_owned(),
            span: Some(TimeSpan::from_secs(n as f64, n as f64 + 0.5)),
            speaker: Some("SPEAKER_00".to_owned()),
            ..Word::default()
        };
        let words: Vec<Word> = words.iter().enumerate().map(word).collect();
        let silent = Segment { span: TimeSpan::from_secs(90.0, 91.0), text: "(…)".to_owned(), ..Segment::default() };
        let said = Segment { span: TimeSpan::from_secs(0.0, 9.0), words, ..Segment::default() };
        Transcript { segments: vec![said, silent], ..Transcript::default() }
    }

    /// The file as an export would write it.
    fn written(transcript: &Transcript, manifest: &Manifest) -> Value {
        let word = |word: &Word| {
            let (start, end) = word.span.map_or((0.0, 0.0), |span| (span.start.0, span.end.0));
            json!({"word": word.text, "start": start, "end": end, "score": 0.1 + 0.2, "speaker": word.speaker})
        };
        let segment = |segment: &Segment| {
            let words: Vec<Value> = segment.words.iter().map(word).collect();
            json!({"start": segment.span.start.0, "end": segment.span.end.0, "text": segment.text, "words": words})
        };
        let segments: Vec<Value> = transcript.segments.iter().map(segment).collect();
        let mut document = json!({"segments": segments, "language": "en", KEY: Origin::of(manifest, transcript)});
        document[KEY][SEAL_KEY] = seal_of(&document).into();
        document
    }

    #[test]
    fn a_file_is_whole_until_something_in_it_is_changed() {
        let transcript = spoken(&["one", "two", "three", "four", "five"]);
        let manifest = Manifest { layout: LAYOUT, words: marks_of(&transcript), ..Manifest::default() };
        let document = written(&transcript, &manifest);
        let read = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let again = read(&serde_json::to_string_pretty(&document).expect("no key is odd"));
        let found = check(&again).expect("a manifest");
        assert_eq!((found.seal, found.edited_words, found.n_removed_words), (Seal::Whole, Vec::new(), 0));

        for (pointer, value, edited) in [
            ("/segments/0/words/2/word", json!("tree"), vec!["tree"]),
            ("/segments/0/words/2/start", json!(2.25), vec!["three"]),
            ("/segments/0/words/4/speaker", json!("SPEAKER_01"), vec!["five"]),
            ("/segments/1/text", json!("(laughter)"), vec!["(laughter)"]),
            ("/language", json!("de"), vec![]),
            ("/hansard/app_version", json!("9"), vec![]),
            ("/hansard/n_edits", json!(1), vec![]),
            ("/hansard/seal", json!("00"), vec![]),
        ] {
            let mut changed = document.clone();
            *changed.pointer_mut(pointer).expect("it is there") = value;
            let found = check(&changed).expect("a manifest");
            let texts: Vec<&str> = found.edited_words.iter().map(|word| word.text.as_str()).collect();
            assert_eq!((found.seal, texts, found.n_removed_words), (Seal::Broken, edited, 0), "{pointer}");
        }
    }

    #[test]
    fn what_cannot_be_checked_says_why() {
        for (document, expected) in [
            (json!({"segments": []}), "nothing to check it against"),
            (json!([1, 2]), "nothing to check it against"),
            (json!({KEY: {"layout": 2}}), "newer"),
            (json!({KEY: {"layout": 1}}), "damaged"),
            (json!({KEY: Origin::default()}), "damaged"),
            (json!({KEY: Origin::default(), "segments": [{"text": 3}]}), "damaged"),
        ] {
            let error = check(&document).expect_err("it cannot be checked").to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn changes_by_hand_are_listed_and_the_file_is_whole() {
        let before = spoken(&["one", "two", "three", "four", "five"]);
        let manifest = Manifest { layout: LAYOUT, n_edits: 1, words: marks_of(&before), ..Manifest::default() };
        let mut after = before.clone();
        after.segments[0].words[1].speaker = Some("SPEAKER_01".to_owned());
        let found = check(&written(&after, &manifest)).expect("a manifest");
        assert_eq!(found.seal, Seal::Whole);
        assert_eq!(found.edited_words, found.origin.edited_words);
        let [word] = &found.edited_words[..] else { panic!("{:?}", found.edited_words) };
        assert_eq!((word.segment, word.word, word.start, word.text.as_str()), (0, Some(1), Some(Seconds(1.0)), "two"));
    }

    #[test]
    fn words_that_come_and_go_leave_their_neighbours_alone() {
        for (before, now, changed, n_removed) in [
            (&[1, 2, 3, 4, 5][..], &[1, 2, 3, 4, 5][..], &[][..], 0_usize),
            (&[1, 2, 3, 4, 5], &[1, 9, 3, 4, 5], &[1], 0),
            (&[1, 2, 3, 4, 5], &[1, 9, 2, 3, 4, 5], &[1], 0),
            (&[1, 2, 3, 4, 5], &[1, 3, 4, 5], &[], 1),
            (&[1, 2, 3, 4, 5], &[1, 2, 3, 4], &[], 1),
            (&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5, 6, 7], &[5, 6], 0),
            (&[], &[1], &[0], 0),
            (&[1, 2, 3], &[], &[], 3),
        ] {
            assert_eq!(differences(before, now), (changed.to_vec(), n_removed), "{before:?} {now:?}");
        }
        let many = |from: u32| (from..from + 500).collect::<Vec<u32>>();
        assert_eq!(differences(&many(0), &many(1000)), ((0..500).collect(), 0));
    }
}
