//! What MP4 and MOV files say about their tracks and Symphonia 0.6 leaves aside: the edit list, which tells how much
//! of the beginning is the encoder's run-up and not sound, and what an unreadable track is, so that a message can name
//! it. Reads a few bytes of each box and skips the rest; decodes nothing.
//!
//! The layout is that of ISO/IEC 14496-12: boxes of a 32-bit size, a four-letter name and a body, nested.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;

/// More boxes side by side than any real file has; a damaged one shall not keep us busy.
const MAX_BOXES: usize = 1_000_000;
/// As much of one box as is read: an edit list of this size would have five thousand entries.
const MAX_BODY_BYTES: u64 = 64 * 1024;

/// No file lacks more than this; a length beyond it is damage itself, and some systems cannot even seek there.
const MAX_MISSING_BYTES: u64 = 1 << 40;

/// One track of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Mp4Track {
    /// Its number in the file, which is Symphonia's track number too.
    pub(super) id: u32,
    /// `soun`, `vide` and so on.
    pub(super) kind: [u8; 4],
    /// What it is encoded as: `mp4a`, `alac`, `enca` if encrypted and so on.
    pub(super) codec: [u8; 4],
    /// Which part of it is to be heard; `None` for all.
    pub(super) edit: Option<Edit>,
    /// Whether the file comes in fragments, so that nothing at its beginning tells how long it is.
    pub(super) is_fragmented: bool,
}

/// The part of a track that is to be heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edit {
    /// Silence before it.
    pub(super) lead_secs: f64,
    /// Where in the track it begins.
    pub(super) start_secs: f64,
    /// How long it is; `None` if the file does not say or has several parts.
    pub(super) duration_secs: Option<f64>,
    /// How coarsely the file states durations.
    pub(super) tick_secs: f64,
}

impl Mp4Track {
    /// Whether it holds sound.
    pub(super) fn is_sound(&self) -> bool {
        self.kind == *b"soun"
    }

    /// Whether it is sound that only its publisher's players may decode: common encryption, Apple's, Audible's.
    pub(super) fn is_encrypted(&self) -> bool {
        [*b"enca", *b"drms", *b"aavd"].contains(&self.codec)
    }
}

/// What an MP4 file says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Mp4 {
    /// None if it has lost its index.
    pub(super) tracks: Vec<Mp4Track>,
    /// How long it should be; more than it is if it was cut off.
    pub(super) n_claimed_bytes: u64,
}

impl Mp4 {
    /// Reads an MP4 file.
    pub(super) fn read(file: impl Read + Seek) -> io::Result<Self> {
        let mut reader = BufReader::new(file);
        let n_bytes = reader.seek(SeekFrom::End(0))?;
        let mut found = Self { tracks: Vec::new(), n_claimed_bytes: n_bytes };
        let mut at = 0;
        for _ in 0..MAX_BOXES {
            let Some(next) = next_box(&mut reader, at..n_bytes)? else { break };
            found.n_claimed_bytes = next.claimed_end.min(n_bytes + MAX_MISSING_BYTES);
            at = next.body.end;
            if next.name == *b"moov" && found.tracks.is_empty() {
                found.tracks = read_movie(&mut reader, next.body)?;
            }
        }
        Ok(found)
    }
}

/// A box: its name, and where its body lies in the file.
struct FoundBox {
    name: [u8; 4],
    body: Range<u64>,
    /// Where it should end: beyond the file if that was cut off.
    claimed_end: u64,
}

fn read_movie(reader: &mut (impl Read + Seek), movie: Range<u64>) -> io::Result<Vec<Mp4Track>> {
    let (mut ticks_per_sec, mut is_fragmented, mut tracks) = (0, false, Vec::new());
    for inner in boxes_in(reader, movie)? {
        match &inner.name {
            b"mvhd" => ticks_per_sec = read_timescale(&read_body(reader, &inner.body)?),
            b"mvex" => is_fragmented = true,
            b"trak" => tracks.push(inner.body),
            _ => {}
        }
    }
    let with_fragments = |track| Mp4Track { is_fragmented, ..track };
    tracks.into_iter().map(|track| read_track(reader, track, ticks_per_sec).map(with_fragments)).collect()
}

fn read_track(reader: &mut (impl Read + Seek), track: Range<u64>, movie_ticks_per_sec: u32) -> io::Result<Mp4Track> {
    let (mut found, mut ticks_per_sec, mut edits) = (Mp4Track::default(), 0, Vec::new());
    for inner in boxes_in(reader, track)? {
        match &inner.name {
            b"tkhd" => {
                let body = read_body(reader, &inner.body)?;
                found.id = u32_at(&body, if version(&body) == 0 { 12 } else { 20 });
            }
            b"edts" => {
                for list in boxes_in(reader, inner.body)?.iter().filter(|list| list.name == *b"elst") {
                    edits = parse_edits(&read_body(reader, &list.body)?);
                }
            }
            b"mdia" => ticks_per_sec = read_media(reader, inner.body, &mut found)?,
            _ => {}
        }
    }
    if movie_ticks_per_sec > 0 && ticks_per_sec > 0 {
        found.edit = heard_part(&edits, f64::from(movie_ticks_per_sec), f64::from(ticks_per_sec));
    }
    Ok(found)
}

/// Fills in what the media box knows and returns its ticks per second.
fn read_media(reader: &mut (impl Read + Seek), media: Range<u64>, track: &mut Mp4Track) -> io::Result<u32> {
    let mut ticks_per_sec = 0;
    for inner in boxes_in(reader, media)? {
        match &inner.name {
            b"mdhd" => ticks_per_sec = read_timescale(&read_body(reader, &inner.body)?),
            b"hdlr" => track.kind = u32_at(&read_body(reader, &inner.body)?, 8).to_be_bytes(),
            b"minf" => {
                for table in boxes_in(reader, inner.body)?.iter().filter(|table| table.name == *b"stbl") {
                    for entry in boxes_in(reader, table.body.clone())?.iter().filter(|entry| entry.name == *b"stsd") {
                        track.codec = u32_at(&read_body(reader, &entry.body)?, 12).to_be_bytes();
                    }
                }
            }
            _ => {}
        }
    }
    Ok(ticks_per_sec)
}

/// One line of an edit list: for `duration` ticks of the movie, the media from its tick `media_start` on; -1 for
/// silence.
#[derive(Clone, Copy)]
struct EditEntry {
    duration: u64,
    media_start: i64,
}

fn parse_edits(body: &[u8]) -> Vec<EditEntry> {
    let entries = body.get(8..).unwrap_or_default();
    if version(body) == 0 {
        let entry = |bytes: &[u8; 12]| EditEntry {
            duration: u64::from(u32_at(bytes, 0)),
            media_start: i64::from(u32_at(bytes, 4).cast_signed()),
        };
        entries.as_chunks().0.iter().map(entry).collect()
    } else {
        let entry =
            |bytes: &[u8; 20]| EditEntry { duration: u64_at(bytes, 0), media_start: u64_at(bytes, 8).cast_signed() };
        entries.as_chunks().0.iter().map(entry).collect()
    }
}

/// Silences at the start, then one part of the media, is what recorders and encoders write. Of lists with several parts
/// only the beginning is followed: nothing that was recorded gets lost then.
fn heard_part(edits: &[EditEntry], movie_ticks_per_sec: f64, ticks_per_sec: f64) -> Option<Edit> {
    let first = edits.iter().position(|edit| edit.media_start >= 0)?;
    let lead_ticks: f64 = edits[..first].iter().map(|edit| edit.duration as f64).sum();
    let part = edits[first];
    let states_duration = part.duration > 0 && edits.len() == first + 1;
    Some(Edit {
        lead_secs: lead_ticks / movie_ticks_per_sec,
        start_secs: part.media_start as f64 / ticks_per_sec,
        duration_secs: states_duration.then(|| part.duration as f64 / movie_ticks_per_sec),
        tick_secs: 1.0 / movie_ticks_per_sec,
    })
}

/// Ticks per second, from the body of `mvhd` or `mdhd`.
fn read_timescale(body: &[u8]) -> u32 {
    u32_at(body, if version(body) == 0 { 12 } else { 20 })
}

/// All boxes side by side in `range`, up to the first that is malformed.
fn boxes_in(reader: &mut (impl Read + Seek), range: Range<u64>) -> io::Result<Vec<FoundBox>> {
    let (mut found, mut at) = (Vec::new(), range.start);
    while let (true, Some(next)) = (found.len() < MAX_BOXES, next_box(reader, at..range.end)?) {
        at = next.body.end;
        found.push(next);
    }
    Ok(found)
}

/// The box at the start of `range`. One that claims to reach beyond the range is cut to it.
fn next_box(reader: &mut (impl Read + Seek), range: Range<u64>) -> io::Result<Option<FoundBox>> {
    if range.end.saturating_sub(range.start) < 8 {
        return Ok(None);
    }
    let mut head = [0; 16];
    reader.seek(SeekFrom::Start(range.start))?;
    reader.read_exact(&mut head[..8])?;
    let n_available = range.end - range.start;
    let (n_head_bytes, n_bytes) = match u32_at(&head, 0) {
        0 => (8, n_available),
        1 if n_available >= 16 => {
            reader.read_exact(&mut head[8..])?;
            (16, u64_at(&head, 8))
        }
        n_bytes => (8, u64::from(n_bytes)),
    };
    if n_bytes < n_head_bytes {
        return Ok(None);
    }
    let name = u32_at(&head, 4).to_be_bytes();
    Ok(Some(FoundBox {
        name,
        body: range.start + n_head_bytes..range.start + n_bytes.min(n_available),
        claimed_end: range.start.saturating_add(n_bytes),
    }))
}

fn read_body(reader: &mut (impl Read + Seek), body: &Range<u64>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.seek(SeekFrom::Start(body.start))?;
    reader.take((body.end - body.start).min(MAX_BODY_BYTES)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn version(body: &[u8]) -> u8 {
    body.first().copied().unwrap_or(0)
}

/// The big-endian number at `at`; zero beyond the end, which every caller takes as "not stated".
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn boxed(name: &[u8], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], name, body].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// A movie of 1000 ticks per second with one sound track of 48000, number 7.
    fn movie(codec: &[u8], edit_list: &[u32]) -> Vec<u8> {
        let description = [words(&[0, 1, 16]), codec.to_vec(), words(&[0, 0])].concat();
        let table = boxed(b"minf", &boxed(b"stbl", &boxed(b"stsd", &description)));
        let handler = boxed(b"hdlr", &[words(&[0, 0]), b"soun".to_vec()].concat());
        let media = boxed(b"mdia", &[boxed(b"mdhd", &words(&[0, 0, 0, 48_000])), handler, table].concat());
        let edits = boxed(b"edts", &boxed(b"elst", &words(edit_list)));
        let track = boxed(b"trak", &[boxed(b"tkhd", &words(&[0, 0, 0, 7])), edits, media].concat());
        let header = boxed(b"mvhd", &words(&[0, 0, 0, 1000]));
        [boxed(b"ftyp", b"M4A "), boxed(b"mdat", &[0; 99]), boxed(b"moov", &[header, track].concat())].concat()
    }

    #[test]
    fn edit_lists_say_what_is_to_be_heard() {
        let edit = |lead_secs, start_secs, duration_secs| {
            Some(Edit { lead_secs, start_secs, duration_secs, tick_secs: 0.001 })
        };
        let none = u32::MAX;
        let cases: [(&[u32], Option<Edit>); 6] = [
            (&[0, 0], None),
            (&[0, 1, 1500, 480, 65_536], edit(0.0, 0.01, Some(1.5))),
            (&[0, 1, 0, 480, 65_536], edit(0.0, 0.01, None)),
            (&[0, 2, 250, none, 65_536, 1500, 480, 65_536], edit(0.25, 0.01, Some(1.5))),
            (&[0, 2, 1500, 480, 65_536, 1500, 960, 65_536], edit(0.0, 0.01, None)),
            (&[1 << 24, 1, 0, 1500, 0, 480, 65_536], edit(0.0, 0.01, Some(1.5))),
        ];
        for (list, expected) in cases {
            let tracks = Mp4::read(Cursor::new(movie(b"mp4a", list))).expect("readable").tracks;
            let track = Mp4Track { id: 7, kind: *b"soun", codec: *b"mp4a", edit: expected, is_fragmented: false };
            assert_eq!(tracks, [track], "{list:?}");
        }
    }

    #[test]
    fn encrypted_sound_is_recognised() {
        for (codec, expected) in [(b"mp4a", false), (b"enca", true), (b"drms", true), (b"alac", false)] {
            let tracks = Mp4::read(Cursor::new(movie(codec, &[0, 0]))).expect("readable").tracks;
            assert_eq!(tracks[0].is_encrypted(), expected, "{}", codec.escape_ascii());
        }
    }

    #[test]
    fn a_movie_cut_anywhere_does_no_harm() {
        let whole = movie(b"mp4a", &[0, 1, 1500, 480, 65_536]);
        for end in 0..whole.len() {
            let cut = Mp4::read(Cursor::new(&whole[..end])).expect("readable");
            assert!(cut.tracks.len() <= 1 && cut.n_claimed_bytes <= whole.len() as u64, "{end}: {cut:?}");
        }
    }
}
