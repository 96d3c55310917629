//! One stored result as bytes: what it is, its payload compressed, and the hash of all that. The same on disk, in the
//! index and in an export, so that each can be checked and the index made again.
//!
//! | part | bytes |
//! |---|---|
//! | head, as a frame that zstd skips | `HEAD_MAGIC`, length of the following as `u32` |
//! | what it is | `SIGNATURE`; length of the layer's name as `u8`, the name; key, hash of the sound: 32 each |
//! | | what computing it took in ms, length of the payload: `u64` each |
//! | payload | a frame of zstd |
//! | tail, as a frame that zstd skips | `TAIL_MAGIC`, 32 as `u32`, the BLAKE3 hash of all before the tail |
//!
//! Numbers are little-endian. So `zstd -d` on such a file gives the payload.

use std::io::{self, Read};
use std::time::Duration;

use crate::hash::{ContentHash, ResultKey};

use super::Layer;
use super::error::ResultError;

/// The longest payload. What a stage hands over at once is far below; a file that claims more is an attack.
pub const MAX_PAYLOAD_BYTES: u64 = 1 << 30;
/// The longest frame: zstd makes what it cannot compress a little longer.
pub(super) const MAX_FRAME_BYTES: u64 = MAX_PAYLOAD_BYTES + (MAX_PAYLOAD_BYTES >> 7) + (1 << 10);
/// No frame is shorter.
pub(super) const MIN_FRAME_BYTES: u64 = 140;

/// Two of the numbers by which zstd knows what to skip.
const HEAD_MAGIC: [u8; 4] = 0x184D_2A51_u32.to_le_bytes();
const TAIL_MAGIC: [u8; 4] = 0x184D_2A52_u32.to_le_bytes();
/// What it is, and the version of the format.
const SIGNATURE: [u8; 8] = *b"HANSRES1";
/// Bytes of the tail.
const N_TAIL_BYTES: usize = 4 + 4 + N_HASH_BYTES;
const N_HASH_BYTES: usize = 32;
/// zstd's level: its own choice.
const COMPRESSION: i32 = 3;
/// What is reserved before it is known to be needed.
const N_FIRST_BYTES: u64 = 1 << 20;

/// What is wrong with a stored result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The file of it is gone, or the row.
    #[error("its payload is missing")]
    Missing,
    /// Its file cannot be read.
    #[error("its file cannot be read ({0})")]
    Unreadable(String),
    /// It ends in the middle.
    #[error("it is cut short")]
    Cut,
    /// It does not begin as results do.
    #[error("it does not have the form of a result")]
    Foreign,
    /// Its hash says so.
    #[error("its bytes have changed since they were written")]
    Changed,
    /// This Hansard computes nothing of the kind.
    #[error("it is of the unknown kind {0:?}")]
    UnknownLayer(String),
    /// It is not what it was stored as.
    #[error("it is another result than it should be")]
    Misplaced,
    /// It says that it is larger than any result.
    #[error("it claims to have {0} bytes")]
    TooLarge(u64),
    /// zstd does not know what it is, or it has another length.
    #[error("its payload cannot be unpacked ({0})")]
    Packing(String),
}

/// What a frame says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) layer: Layer,
    pub(super) key: ResultKey,
    pub(super) audio: ContentHash,
    pub(super) cost: Duration,
    n_payload_bytes: u64,
}

/// A stored result whose bytes are as they were written.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    bytes: Vec<u8>,
    head: Head,
    hash: ContentHash,
    /// Where the payload begins.
    payload_at: usize,
}

impl Frame {
    /// Packs a result.
    pub(super) fn new(
        layer: Layer,
        key: &ResultKey,
        audio: &ContentHash,
        payload: &[u8],
        cost: Duration,
    ) -> Result<Self, ResultError> {
        let n_payload_bytes = payload.len() as u64;
        if n_payload_bytes > MAX_PAYLOAD_BYTES {
            return Err(ResultError::TooLarge { n_bytes: n_payload_bytes });
        }
        let cost_ms = u64::try_from(cost.as_millis()).unwrap_or(u64::MAX).min(i64::MAX as u64);
        let name = layer.name();
        let mut said = SIGNATURE.to_vec();
        said.push(u8::try_from(name.len()).expect("names of layers are short"));
        for part in [name.as_bytes(), key.as_bytes(), audio.as_bytes()] {
            said.extend_from_slice(part);
        }
        said.extend_from_slice(&cost_ms.to_le_bytes());
        said.extend_from_slice(&n_payload_bytes.to_le_bytes());
        let mut bytes = skippable(HEAD_MAGIC, &said);
        let payload_at = bytes.len();
        let packed = zstd::bulk::compress(payload, COMPRESSION).expect("its buffer takes the worst case");
        bytes.extend_from_slice(&packed);
        let hash = ContentHash::of(&bytes);
        bytes.extend_from_slice(&skippable(TAIL_MAGIC, hash.as_bytes()));
        let head = Head { layer, key: *key, audio: *audio, cost: Duration::from_millis(cost_ms), n_payload_bytes };
        Ok(Self { bytes, head, hash, payload_at })
    }

    /// Takes bytes for a frame if they are one, and all that they were when they were written. The payload is not
    /// unpacked.
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, Flaw> {
        let n_hashed_bytes = bytes.len().checked_sub(N_TAIL_BYTES).ok_or(Flaw::Cut)?;
        let (hashed, tail) = bytes.split_at(n_hashed_bytes);
        let mut rest = Rest(hashed);
        if rest.array::<4>()? != HEAD_MAGIC {
            return Err(Flaw::Foreign);
        }
        let hash = ContentHash::of(hashed);
        if tail != skippable(TAIL_MAGIC, hash.as_bytes()) {
            return Err(Flaw::Changed);
        }
        let n_said_bytes = u32::from_le_bytes(rest.array()?) as usize;
        let mut said = Rest(rest.take(n_said_bytes)?);
        let payload_at = 4 + 4 + n_said_bytes;
        if said.array::<8>()? != SIGNATURE {
            return Err(Flaw::Foreign);
        }
        let [n_name_bytes] = said.array::<1>()?;
        let name = String::from_utf8_lossy(said.take(usize::from(n_name_bytes))?);
        let layer = name.parse::<Layer>().map_err(|super::UnknownLayer(name)| Flaw::UnknownLayer(name))?;
        let key = ResultKey::from_bytes(said.array()?);
        let audio = ContentHash::from_bytes(said.array()?);
        let cost_ms = u64::from_le_bytes(said.array()?).min(i64::MAX as u64);
        let n_payload_bytes = u64::from_le_bytes(said.array()?);
        if n_payload_bytes > MAX_PAYLOAD_BYTES {
            return Err(Flaw::TooLarge(n_payload_bytes));
        }
        if !said.0.is_empty() {
            return Err(Flaw::Foreign);
        }
        let head = Head { layer, key, audio, cost: Duration::from_millis(cost_ms), n_payload_bytes };
        Ok(Self { bytes, head, hash, payload_at })
    }

    /// What it says of itself.
    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// The hash at its end.
    pub(super) fn hash(&self) -> &ContentHash {
        &self.hash
    }

    /// All of it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The payload as it was handed over.
    pub(super) fn payload(&self) -> Result<Vec<u8>, Flaw> {
        let mut payload = Vec::with_capacity(self.head.n_payload_bytes.min(N_FIRST_BYTES) as usize);
        let n_bytes = self.unpacked()?.read_to_end(&mut payload);
        self.check_len(n_bytes.map(|n_bytes| n_bytes as u64))?;
        Ok(payload)
    }

    /// Whether the payload could be handed out. Takes no memory for it.
    pub(super) fn check_payload(&self) -> Result<(), Flaw> {
        let n_bytes = io::copy(&mut self.unpacked()?, &mut io::sink());
        self.check_len(n_bytes)
    }

    /// Never more than one byte beyond what the head says.
    fn unpacked(&self) -> Result<impl Read, Flaw> {
        let packed = &self.bytes[self.payload_at..self.bytes.len() - N_TAIL_BYTES];
        let decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(|error| packing(&error))?;
        Ok(decoder.take(self.head.n_payload_bytes + 1))
    }

    fn check_len(&self, n_bytes: io::Result<u64>) -> Result<(), Flaw> {
        let n_bytes = n_bytes.map_err(|error| packing(&error))?;
        if n_bytes == self.head.n_payload_bytes {
            Ok(())
        } else {
            Err(Flaw::Packing(format!("it has not {} bytes, as its head says", self.head.n_payload_bytes)))
        }
    }
}

fn packing(error: &io::Error) -> Flaw {
    Flaw::Packing(error.to_string())
}

/// A frame that zstd skips.
fn skippable(magic: [u8; 4], content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).expect("heads and tails are short").to_le_bytes();
    [&magic[..], &len, content].concat()
}

/// What is left to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, n_bytes: usize) -> Result<&'a [u8], Flaw> {
        let (taken, rest) = self.0.split_at_checked(n_bytes).ok_or(Flaw::Cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Flaw::Cut)?;
        self.0 = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload: &[u8]) -> Frame {
        let (key, audio) = (ResultKey::from_bytes([1; 32]), ContentHash::of(b"sound"));
        Frame::new(Layer::Asr, &key, &audio, payload, Duration::from_millis(1500)).expect("it is short")
    }

    /// The same with another head, and the hash of that.
    fn forged(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = frame(b"words").bytes().to_vec();
        bytes.truncate(bytes.len() - N_TAIL_BYTES);
        change(&mut bytes);
        let tail = skippable(TAIL_MAGIC, ContentHash::of(&bytes).as_bytes());
        bytes.extend(tail);
        bytes
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let noise: Vec<u8> = (0..100_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        for payload in [&b""[..], b"words", &vec![7; 300_000], &noise] {
            let packed = frame(payload);
            assert!((MIN_FRAME_BYTES..MAX_FRAME_BYTES).contains(&(packed.bytes().len() as u64)));
            let read = Frame::parse(packed.bytes().to_vec()).expect("just packed");
            assert_eq!((read.head(), read.hash()), (packed.head(), packed.hash()));
            assert_eq!(read.payload().as_deref(), Ok(payload));
            assert_eq!((read.check_payload(), read.head().cost), (Ok(()), Duration::from_millis(1500)));
            assert_eq!(zstd::stream::decode_all(packed.bytes()).expect("zstd reads it"), payload);
        }
    }

    #[test]
    fn whatever_is_wrong_is_told_and_nothing_panics() {
        let whole = frame(b"words").bytes().to_vec();
        for n_bytes in 0..whole.len() {
            assert!(Frame::parse(whole[..n_bytes].to_vec()).is_err(), "{n_bytes}");
            let mut flipped = whole.clone();
            flipped[n_bytes] ^= 0x10;
            assert!(Frame::parse(flipped).is_err(), "{n_bytes}");
        }
        // Positions in the head: its length, the signature, the name of the layer, and from the end the two numbers.
        let head_len = 4 + 4 + SIGNATURE.len() + 1 + "asr".len() + 32 + 32 + 8 + 8;
        let set = |at: usize, byte: u8| move |bytes: &mut Vec<u8>| bytes[at] = byte;
        for (bytes, expected) in [
            (forged(set(4, 255)), Flaw::Cut),
            (forged(set(7, 255)), Flaw::Cut),
            (forged(set(4, 3)), Flaw::Cut),
            (forged(set(8, b'X')), Flaw::Foreign),
            (forged(set(15, b'2')), Flaw::Foreign),
            (forged(set(16, 255)), Flaw::Cut),
            (forged(set(17, b'A')), Flaw::UnknownLayer("Asr".to_owned())),
            (forged(set(head_len - 1, 1)), Flaw::TooLarge((1 << 56) + 5)),
        ] {
            assert_eq!(Frame::parse(bytes).expect_err("it is forged"), expected);
        }
        // What only unpacking tells.
        for bytes in [
            forged(set(head_len - 8, 4)),
            forged(set(head_len - 8, 6)),
            forged(set(head_len, 0)),
            forged(|bytes| bytes.truncate(head_len)),
            forged(|bytes| bytes.truncate(head_len + 9)),
        ] {
            let frame = Frame::parse(bytes).expect("its hash is right");
            assert!(matches!(frame.check_payload(), Err(Flaw::Packing(_))));
            assert!(matches!(frame.payload(), Err(Flaw::Packing(_))));
        }
    }
}
