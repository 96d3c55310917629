//! The bytes around the samples of a recording: a header of always the same length, which states how much sound there
//! is, and the list of markers behind the samples. Nothing here touches a file.
//!
//! ```text
//! 0   RIFF  length          or RF64  0xFFFF_FFFF
//!     WAVE
//! 12  JUNK  28  zeros       or ds64  28  the true lengths, 64 bits each
//! 48  fmt   16  PCM, 16 bits
//! 72  data  length          or       0xFFFF_FFFF
//! 80  samples, then `cue ` and `LIST` where there are markers
//! ```
//! RF64 is EBU Tech 3306; its section on recording says to keep the place of `ds64` free like this.

use super::{Marker, SoundFormat};

/// Length of the header, and the place of the first sample.
pub(super) const HEADER_BYTES: usize = 80;
/// The longest file that 32-bit lengths can tell.
pub(super) const MAX_RIFF_BYTES: u64 = u32::MAX as u64;

/// No disk holds more, so a header that states more is damaged.
const MAX_DATA_BYTES: u64 = 1 << 60;
const SAMPLE_BYTES: u16 = 2;
const DS64_BYTES: u32 = 28;
const FORMAT_BYTES: u32 = 16;
const PCM: u16 = 1;

/// Bytes of one sample of each channel.
pub(super) fn frame_bytes(format: SoundFormat) -> u64 {
    u64::from(format.n_channels.get()) * u64::from(SAMPLE_BYTES)
}

/// The header of a file with so many bytes of samples, and so many behind them. Files of more than `max_riff_bytes` get
/// lengths of 64 bits.
pub(super) fn header(
    format: SoundFormat,
    n_data_bytes: u64,
    n_bytes_behind: u64,
    max_riff_bytes: u64,
) -> [u8; HEADER_BYTES] {
    let n_riff_bytes = HEADER_BYTES as u64 - 8 + n_data_bytes + n_bytes_behind;
    let is_long = n_riff_bytes + 8 > max_riff_bytes;
    let short = |n_bytes: u64| if is_long { u32::MAX } else { n_bytes as u32 };
    let long = |number: u64| if is_long { number } else { 0 };
    let n_frame_bytes = frame_bytes(format);
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend(if is_long { b"RF64" } else { b"RIFF" });
    bytes.extend(short(n_riff_bytes).to_le_bytes());
    bytes.extend(b"WAVE");
    bytes.extend(if is_long { b"ds64" } else { b"JUNK" });
    bytes.extend(DS64_BYTES.to_le_bytes());
    for number in [n_riff_bytes, n_data_bytes, n_data_bytes / n_frame_bytes] {
        bytes.extend(long(number).to_le_bytes());
    }
    // No other chunk has a length of 64 bits.
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend(b"fmt ");
    bytes.extend(FORMAT_BYTES.to_le_bytes());
    bytes.extend(PCM.to_le_bytes());
    bytes.extend(format.n_channels.get().to_le_bytes());
    bytes.extend(format.rate_hz.get().to_le_bytes());
    bytes.extend((format.rate_hz.get().saturating_mul(n_frame_bytes as u32)).to_le_bytes());
    bytes.extend((n_frame_bytes as u16).to_le_bytes());
    bytes.extend((8 * SAMPLE_BYTES).to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(short(n_data_bytes).to_le_bytes());
    bytes.try_into().expect("the parts above are 80 bytes")
}

/// What such a header says, for a file that nobody ended: the format, and the bytes of samples that it states. `None` if
/// it was not written here.
pub(super) fn parse(bytes: &[u8; HEADER_BYTES]) -> Option<(SoundFormat, u64)> {
    let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let format = SoundFormat::new(u32_at(60), u16::from_le_bytes([bytes[58], bytes[59]]))?;
    let n_data_bytes = match u32_at(76) {
        u32::MAX => u64::from(u32_at(28)) | (u64::from(u32_at(32)) << 32),
        n_bytes => u64::from(n_bytes),
    };
    if n_data_bytes > MAX_DATA_BYTES {
        return None;
    }
    // The same header again is the surest test. What is behind the samples does not matter.
    let again = [MAX_RIFF_BYTES, 0].map(|max| header(format, n_data_bytes, 0, max));
    let is_ours = again.iter().any(|header| {
        let same = |from: usize, to: usize| header[from..to] == bytes[from..to];
        same(0, 4) && same(8, 20) && same(28, HEADER_BYTES)
    });
    is_ours.then_some((format, n_data_bytes))
}

/// A sample as it is written: the nearest of 16 bits.
pub(super) fn sample_bytes(sample: f32) -> [u8; 2] {
    // Beyond the range it is cut off, and what is no number is silence: both are what `as` does.
    ((sample * 32_768.0).round() as i16).to_le_bytes()
}

/// The chunks `cue ` and `LIST` for these markers; nothing for none. Their places have 32 bits, a day at 48 kHz: later
/// ones are left out.
pub(super) fn marker_chunks(markers: &[Marker]) -> Vec<u8> {
    let markers: Vec<(u32, u32, &str)> = (1_u32..)
        .zip(markers)
        .filter_map(|(id, marker)| Some((id, u32::try_from(marker.at_frame).ok()?, marker.label.as_str())))
        .collect();
    if markers.is_empty() {
        return Vec::new();
    }
    let mut cues = (markers.len() as u32).to_le_bytes().to_vec();
    let mut labels = b"adtl".to_vec();
    for (id, at_frame, label) in markers {
        cues.extend(id.to_le_bytes());
        cues.extend(at_frame.to_le_bytes());
        cues.extend(b"data");
        cues.extend([0; 8]);
        cues.extend(at_frame.to_le_bytes());
        if !label.is_empty() {
            labels.extend(chunk(*b"labl", &[&id.to_le_bytes()[..], label.as_bytes(), b"\0"].concat()));
        }
    }
    let mut bytes = chunk(*b"cue ", &cues);
    if labels.len() > 4 {
        bytes.extend(chunk(*b"LIST", &labels));
    }
    bytes
}

/// A chunk with its length, padded to an even one.
fn chunk(name: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = [&name[..], &(body.len() as u32).to_le_bytes(), body].concat();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::wave::WaveHeader;

    #[test]
    fn headers_are_read_as_they_were_meant() {
        let format = SoundFormat::new(48_000, 2).expect("not zero");
        for (n_data_bytes, max_riff_bytes, name) in [
            (0, MAX_RIFF_BYTES, b"RIFF"),
            (40_000, MAX_RIFF_BYTES, b"RIFF"),
            (40_000, 40_080, b"RIFF"),
            (40_000, 40_079, b"RF64"),
            (1 << 33, MAX_RIFF_BYTES, b"RF64"),
        ] {
            let bytes = header(format, n_data_bytes, 0, max_riff_bytes);
            assert_eq!(&bytes[..4], name, "{n_data_bytes}");
            assert_eq!(parse(&bytes), Some((format, n_data_bytes)));
            // As the reader of all recordings sees it, in a file that holds only the beginning of the samples.
            let file = [&bytes[..], &[0; 40]].concat();
            let read = WaveHeader::read(std::io::Cursor::new(&file), file.len() as u64);
            let read = read.expect("a header").expect("plain samples");
            assert!(n_data_bytes == 0 || !read.is_unfinished, "{n_data_bytes}");
        }
        let right = header(format, 100, 0, MAX_RIFF_BYTES);
        for at in [0, 9, 13, 17, 50, 56, 70, 74] {
            let mut wrong = right;
            wrong[at] ^= 0x55;
            assert_eq!(parse(&wrong), None, "byte {at}");
        }
    }

    #[test]
    fn samples_are_rounded_and_cut_off() {
        for (sample, expected) in [
            (0.0, 0),
            (1.0 / 32_768.0, 1),
            (0.4 / 32_768.0, 0),
            (-1.0, -32_768),
            (1.0, 32_767),
            (7.0, 32_767),
            (-7.0, -32_768),
            (f32::NAN, 0),
        ] {
            assert_eq!(i16::from_le_bytes(sample_bytes(sample)), expected, "{sample}");
        }
    }

    #[test]
    fn markers_become_chunks_of_even_length() {
        let marker = |at_frame, label: &str| Marker { at_frame, label: label.to_owned() };
        assert_eq!(marker_chunks(&[]), b"");
        assert_eq!(marker_chunks(&[marker(1 << 40, "too late")]), b"");
        let bytes = marker_chunks(&[marker(7, ""), marker(9, "vote")]);
        assert_eq!(bytes.len(), 8 + 4 + 2 * 24 + 8 + 4 + 8 + 10);
        assert_eq!(&bytes[..12], b"cue \x34\0\0\0\x02\0\0\0");
        assert_eq!(&bytes[60..], b"LIST\x16\0\0\0adtllabl\x09\0\0\0\x02\0\0\0vote\0\0");
        assert_eq!(marker_chunks(&[marker(7, "")]).len(), 8 + 4 + 24);
    }
}
