//! Turns WAVE files with plain samples into packets for Symphonia's PCM decoder: RIFF, and RF64 and BW64, the forms for
//! more than 4 GB, which Symphonia 0.6 does not know.
//!
//! The headers of real files are often wrong, because a recorder writes the lengths last: this reader takes what is in
//! the file and tells apart a length that was never filled in from samples that are missing. Compressed WAVE files are
//! left to Symphonia's own reader.
//!
//! The layout: `RIFF`, a 32-bit length, `WAVE`, then chunks of a four-letter name, a 32-bit length and a body, padded
//! to an even length. In RF64 (EBU Tech 3306) a length of `0xFFFF_FFFF` stands for the 64-bit one in the chunk `ds64`.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::audio::Channels;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_PCM_ALAW, CODEC_ID_PCM_F32LE, CODEC_ID_PCM_F64LE, CODEC_ID_PCM_MULAW, CODEC_ID_PCM_S16LE,
    CODEC_ID_PCM_S24LE, CODEC_ID_PCM_S32LE, CODEC_ID_PCM_U8,
};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters};
use symphonia::core::errors::Result as SymphoniaResult;
use symphonia::core::formats::Track;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

/// As much of a packet as is read at once, but always one frame at least.
const MAX_PACKET_BYTES: u64 = 16 * 1024;
/// Lengths that mean "until the end": what ffmpeg and sox write into a pipe, where they cannot go back to fill it in.
const UNKNOWN_LENGTHS: [u32; 2] = [u32::MAX, 0x7FFF_F000];

/// A file that begins like a WAVE file but cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum WaveError {
    /// The operating system could not read it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Its header makes no sense, for this reason.
    #[error("{0}")]
    Header(&'static str),
}

/// What the header says, checked against the size of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WaveHeader {
    codec: AudioCodecId,
    n_channels: u16,
    rate_hz: u32,
    n_frame_bytes: u64,
    /// Where the samples begin in the file.
    data_start: u64,
    /// How many bytes of them there are.
    n_data_bytes: u64,
    /// How many there should be; `None` where the header leaves that open.
    n_claimed_bytes: Option<u64>,
    /// Whether the program that wrote the file was stopped before it filled in the lengths.
    pub(super) is_unfinished: bool,
}

/// A file that is read at any place.
trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// The samples of a WAVE file, packet by packet.
pub(super) struct WaveReader {
    file: Box<dyn ReadSeek>,
    /// Where the samples begin.
    data_start: u64,
    track: Track,
    n_frame_bytes: u64,
    n_frames: u64,
    n_frames_read: u64,
}

impl WaveHeader {
    /// Reads the header of a file of `n_bytes`. `None` if it is no WAVE file, or a compressed one.
    pub(super) fn read(mut file: impl Read + Seek, n_bytes: u64) -> Result<Option<Self>, WaveError> {
        if n_bytes < 12 {
            return Ok(None);
        }
        let head: [u8; 12] = read_at(&mut file, 0)?;
        if !(head.starts_with(b"RIFF") || head.starts_with(b"RF64") || head.starts_with(b"BW64"))
            || !head.ends_with(b"WAVE")
        {
            return Ok(None);
        }
        let n_riff_bytes = u32_at(&head, 4);
        let (mut n_data_bytes_64, mut format) = (None, None);
        let mut at = 12;
        while at + 8 <= n_bytes {
            let chunk: [u8; 8] = read_at(&mut file, at)?;
            let (n_chunk_bytes, body) = (u32_at(&chunk, 4), at + 8);
            let is_whole = u64::from(n_chunk_bytes) <= n_bytes - body;
            match &chunk[..4] {
                b"ds64" if is_whole && n_chunk_bytes >= 16 => {
                    let lengths: [u8; 16] = read_at(&mut file, body)?;
                    n_data_bytes_64 = Some(u64::from_le_bytes(std::array::from_fn(|n| lengths[8 + n])));
                }
                b"fmt " if is_whole && n_chunk_bytes >= 16 => {
                    let mut bytes = [0; 40];
                    file.seek(SeekFrom::Start(body))?;
                    file.read_exact(&mut bytes[..(n_chunk_bytes as usize).min(40)])?;
                    format = Some(SampleFormat::parse(&bytes)?);
                }
                b"data" => {
                    let Some(format) = format else {
                        return Err(WaveError::Header("its header does not say what kind of samples follow"));
                    };
                    let n_claimed_bytes = match n_data_bytes_64 {
                        Some(n_bytes) if n_chunk_bytes == u32::MAX => Some(n_bytes),
                        _ => (!UNKNOWN_LENGTHS.contains(&n_chunk_bytes)).then_some(u64::from(n_chunk_bytes)),
                    };
                    return Ok(Self::with_data(&format, n_riff_bytes, body, n_bytes - body, n_claimed_bytes));
                }
                _ => {}
            }
            at = body + u64::from(n_chunk_bytes).next_multiple_of(2);
        }
        Err(WaveError::Header("it ends before the first sample"))
    }

    fn with_data(
        format: &SampleFormat,
        n_riff_bytes: u32,
        data_start: u64,
        n_left_bytes: u64,
        n_claimed_bytes: Option<u64>,
    ) -> Option<Self> {
        // No samples are claimed and nothing of the kind is in the length of the whole, yet something follows.
        let was_never_filled_in = u64::from(n_riff_bytes) + 8 <= data_start || n_riff_bytes == u32::MAX;
        let is_unfinished = n_claimed_bytes == Some(0) && n_left_bytes > 0 && was_never_filled_in;
        let n_claimed_bytes = n_claimed_bytes.filter(|_| !is_unfinished);
        Some(Self {
            codec: format.codec()?,
            n_channels: format.n_channels,
            rate_hz: format.rate_hz,
            n_frame_bytes: u64::from(format.n_channels) * u64::from(format.n_sample_bytes),
            data_start,
            n_data_bytes: n_claimed_bytes.map_or(n_left_bytes, |n_bytes| n_bytes.min(n_left_bytes)),
            n_claimed_bytes,
            is_unfinished,
        })
    }
}

impl WaveReader {
    /// Goes to a frame; one beyond the end is the end.
    pub(super) fn seek(&mut self, frame: u64) -> io::Result<()> {
        let frame = frame.min(self.n_frames);
        self.file.seek(SeekFrom::Start(self.data_start + frame * self.n_frame_bytes))?;
        self.n_frames_read = frame;
        Ok(())
    }

    /// A reader of the samples in `file`, which `header` was read from.
    pub(super) fn new(mut file: impl Read + Seek + 'static, header: &WaveHeader) -> io::Result<Self> {
        file.seek(SeekFrom::Start(header.data_start))?;
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(header.codec)
            .with_sample_rate(header.rate_hz)
            .with_channels(Channels::Discrete(header.n_channels))
            .with_max_frames_per_packet(frames_per_packet(header.n_frame_bytes));
        let mut track = Track::new(0);
        track.with_codec_params(CodecParameters::Audio(parameters));
        if let Some(n_bytes) = header.n_claimed_bytes {
            track.with_num_frames(n_bytes / header.n_frame_bytes);
        }
        Ok(Self {
            file: Box::new(file),
            data_start: header.data_start,
            track,
            n_frame_bytes: header.n_frame_bytes,
            n_frames: header.n_data_bytes / header.n_frame_bytes,
            n_frames_read: 0,
        })
    }

    /// The one track that it has.
    pub(super) fn tracks(&self) -> &[Track] {
        std::slice::from_ref(&self.track)
    }

    /// The next packet, `None` after the last.
    pub(super) fn next_packet(&mut self) -> SymphoniaResult<Option<Packet>> {
        let n_frames = frames_per_packet(self.n_frame_bytes).min(self.n_frames - self.n_frames_read);
        if n_frames == 0 {
            return Ok(None);
        }
        let mut bytes = vec![0; (n_frames * self.n_frame_bytes) as usize];
        self.file.read_exact(&mut bytes)?;
        let at = Timestamp::new(self.n_frames_read.cast_signed());
        self.n_frames_read += n_frames;
        Ok(Some(Packet::new(self.track.id, at, Duration::new(n_frames), bytes)))
    }
}

/// The chunk `fmt `.
struct SampleFormat {
    /// 1 integer, 3 float, 6 A-law, 7 mu-law; others are compressed.
    tag: u16,
    n_channels: u16,
    rate_hz: u32,
    /// Bytes that a sample takes. Samples of 20 bits take three and lie in their upper bits, so that what is below does
    /// not matter.
    n_sample_bytes: u16,
}

impl SampleFormat {
    fn parse(bytes: &[u8; 40]) -> Result<Self, WaveError> {
        const EXTENSIBLE: u16 = 0xFFFE;
        // WAVE_FORMAT_EXTENSIBLE moves the tag into the first bytes of a longer identifier.
        let tag = match u16_at(bytes, 0) {
            EXTENSIBLE => u16_at(bytes, 24),
            tag => tag,
        };
        let (n_channels, n_frame_bytes, n_bits) = (u16_at(bytes, 2), u16_at(bytes, 12), u16_at(bytes, 14));
        if n_channels == 0 {
            return Err(WaveError::Header("its header says that it has 0 channels"));
        }
        let n_sample_bytes = if n_frame_bytes > 0 && n_frame_bytes.is_multiple_of(n_channels) {
            n_frame_bytes / n_channels
        } else {
            n_bits.div_ceil(8)
        };
        Ok(Self { tag, n_channels, rate_hz: u32_at(bytes, 4), n_sample_bytes })
    }

    /// `None` for what is not plain samples.
    fn codec(&self) -> Option<AudioCodecId> {
        match (self.tag, self.n_sample_bytes) {
            (1, 1) => Some(CODEC_ID_PCM_U8),
            (1, 2) => Some(CODEC_ID_PCM_S16LE),
            (1, 3) => Some(CODEC_ID_PCM_S24LE),
            (1, 4) => Some(CODEC_ID_PCM_S32LE),
            (3, 4) => Some(CODEC_ID_PCM_F32LE),
            (3, 8) => Some(CODEC_ID_PCM_F64LE),
            (6, 1) => Some(CODEC_ID_PCM_ALAW),
            (7, 1) => Some(CODEC_ID_PCM_MULAW),
            _ => None,
        }
    }
}

fn frames_per_packet(n_frame_bytes: u64) -> u64 {
    (MAX_PACKET_BYTES / n_frame_bytes).max(1)
}

fn read_at<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|n| bytes[at + n]))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn chunk(name: &[u8], length: u32, body: &[u8]) -> Vec<u8> {
        [name, &length.to_le_bytes(), body].concat()
    }

    fn format(tag: u16, n_channels: u16, n_bits: u16) -> Vec<u8> {
        let n_frame_bytes = n_channels * n_bits.div_ceil(8);
        let mut body = [tag.to_le_bytes(), n_channels.to_le_bytes()].concat();
        body.extend(16_000_u32.to_le_bytes());
        body.extend((16_000 * u32::from(n_frame_bytes)).to_le_bytes());
        body.extend([n_frame_bytes.to_le_bytes(), n_bits.to_le_bytes()].concat());
        chunk(b"fmt ", 16, &body)
    }

    fn file(name: &[u8], length: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
        [chunk(name, length, b"WAVE"), chunks.concat()].concat()
    }

    fn read(bytes: &[u8]) -> Result<Option<WaveHeader>, WaveError> {
        WaveHeader::read(Cursor::new(bytes), bytes.len() as u64)
    }

    #[test]
    fn lengths_are_checked_against_the_file() {
        let samples = [0; 100];
        let ds64 = |n_bytes: u64| {
            let lengths = [200_u64.to_le_bytes(), n_bytes.to_le_bytes(), 0_u64.to_le_bytes(), [0; 8]].concat();
            chunk(b"ds64", 28, &lengths[..28])
        };
        let mono = || format(1, 1, 16);
        // Name and length of the whole, what comes before the samples, their stated length; then the bytes found, the
        // bytes claimed, and whether the writer was stopped.
        let cases = [
            (b"RIFF", 136, vec![mono()], 100, 100, Some(100), false),
            (b"RIFF", 136, vec![mono()], 60, 60, Some(60), false),
            (b"RIFF", 9_000, vec![mono()], 8_000, 100, Some(8_000), false),
            (b"RIFF", u32::MAX, vec![mono()], 0xFFFF_FF00, 100, Some(0xFFFF_FF00), false),
            (b"RIFF", u32::MAX, vec![mono()], u32::MAX, 100, None, false),
            (b"RIFF", 0x7FFF_F024, vec![mono()], 0x7FFF_F000, 100, None, false),
            (b"RIFF", 0, vec![mono()], 0, 100, None, true),
            (b"RIFF", 36, vec![mono()], 0, 100, None, true),
            (b"RIFF", 136, vec![mono()], 0, 0, Some(0), false),
            (b"RIFF", 136, vec![chunk(b"LIST", 3, b"odd\0"), mono()], 100, 100, Some(100), false),
            (b"RF64", u32::MAX, vec![ds64(100), mono()], u32::MAX, 100, Some(100), false),
            (b"BW64", u32::MAX, vec![ds64(1 << 33), mono()], u32::MAX, 100, Some(1 << 33), false),
            (b"RF64", u32::MAX, vec![ds64(0), mono()], u32::MAX, 100, None, true),
        ];
        for (name, length, mut chunks, n_bytes, n_found, n_claimed, is_unfinished) in cases {
            chunks.push(chunk(b"data", n_bytes, &samples));
            let bytes = file(name, length, &chunks);
            let header = read(&bytes).expect("a header").expect("plain samples");
            let facts = (header.n_data_bytes, header.n_claimed_bytes, header.is_unfinished);
            assert_eq!(facts, (n_found, n_claimed, is_unfinished), "{} {length} {n_bytes}", name.escape_ascii());
        }
    }

    #[test]
    fn samples_are_told_apart() {
        for (tag, n_bits, expected) in [
            (1, 8, Some(CODEC_ID_PCM_U8)),
            (1, 16, Some(CODEC_ID_PCM_S16LE)),
            (1, 20, Some(CODEC_ID_PCM_S24LE)),
            (1, 32, Some(CODEC_ID_PCM_S32LE)),
            (3, 32, Some(CODEC_ID_PCM_F32LE)),
            (3, 64, Some(CODEC_ID_PCM_F64LE)),
            (6, 8, Some(CODEC_ID_PCM_ALAW)),
            (7, 8, Some(CODEC_ID_PCM_MULAW)),
            (2, 4, None),
            (0x55, 0, None),
        ] {
            let bytes = file(b"RIFF", 136, &[format(tag, 2, n_bits), chunk(b"data", 100, &[0; 100])]);
            let header = read(&bytes).expect("a header");
            assert_eq!(header.map(|header| header.codec), expected, "tag {tag}, {n_bits} bits");
        }
    }

    #[test]
    fn senseless_headers_are_refused_with_a_reason() {
        for (chunks, expected) in [
            (vec![format(1, 0, 16), chunk(b"data", 4, &[0; 4])], "0 channels"),
            (vec![chunk(b"data", 4, &[0; 4])], "what kind of samples"),
            (vec![format(1, 1, 16)], "before the first sample"),
            (vec![], "before the first sample"),
        ] {
            let error = read(&file(b"RIFF", 100, &chunks)).expect_err("a senseless header");
            assert!(error.to_string().contains(expected), "{error}");
        }
        for other in [&b"RIFF....AVI LIST"[..], b"RIFF", b"fLaC........................"] {
            assert_eq!(read(other).expect("not our business"), None);
        }
    }
}
