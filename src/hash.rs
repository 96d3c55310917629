//! Names made of contents: two things with the same BLAKE3 hash are the same thing. The key of a stored result is the
//! hash of all that the result depends on. Nothing here knows what is hashed, or where it is kept.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of a hash.
const N_BYTES: usize = 32;
/// Bytes of a file that are read at once.
const READ_BYTES: usize = 1 << 18;

/// The BLAKE3 hash of some content; as text 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; N_BYTES]);

/// A text is no hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no hash: a hash has 64 of the digits 0-9 and a-f")]
pub struct InvalidHash(pub String);

/// Hashes content that comes piece by piece.
#[derive(Clone, Debug, Default)]
pub struct ContentHasher(blake3::Hasher);

/// What a stored result is found by: the hash of all that it depends on. See [`KeyBuilder`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResultKey(ContentHash);

/// Puts together the key of a result: the name and version of its stage, and then, each with a name of its own, what
/// the result depends on. Names and lengths are hashed as well, so that no two lists of parts are alike.
#[derive(Clone, Debug)]
pub struct KeyBuilder(ContentHasher);

/// A number that a result depends on: any of Rust's, or a truth value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Without a fraction.
    Whole(i128),
    /// With one. Numbers with other bits are other numbers.
    Real(f64),
}

impl ContentHash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The hash of what is in a file.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let (mut file, mut hasher, mut buffer) = (File::open(path)?, ContentHasher::new(), vec![0; READ_BYTES]);
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(n_bytes) => hasher.update(&buffer[..n_bytes]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// A hash that was taken before.
    pub const fn from_bytes(bytes: [u8; N_BYTES]) -> Self {
        Self(bytes)
    }

    /// The hash itself.
    pub const fn as_bytes(&self) -> &[u8; N_BYTES] {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        // Lower case alone, so that a hash has one form as text.
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let invalid = || InvalidHash(text.chars().take(80).collect());
        if text.len() != 2 * N_BYTES {
            return Err(invalid());
        }
        let mut hash = [0; N_BYTES];
        for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let (high, low) = digit(digits[0]).zip(digit(digits[1])).ok_or_else(invalid)?;
            *byte = (high << 4) | low;
        }
        Ok(Self(hash))
    }
}

impl Serialize for ContentHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl ContentHasher {
    /// Nothing hashed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on with these bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes so far.
    pub fn finish(self) -> ContentHash {
        ContentHash(*self.0.finalize().as_bytes())
    }
}

impl ResultKey {
    /// A key that was built before.
    pub const fn from_bytes(bytes: [u8; N_BYTES]) -> Self {
        Self(ContentHash::from_bytes(bytes))
    }

    /// The key itself.
    pub const fn as_bytes(&self) -> &[u8; N_BYTES] {
        self.0.as_bytes()
    }
}

impl fmt::Display for ResultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ResultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for ResultKey {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        text.parse::<ContentHash>().map(Self)
    }
}

impl KeyBuilder {
    /// For a result of this stage. Whoever changes what a stage computes raises its version.
    pub fn new(layer_name: &str, stage_version: u32) -> Self {
        Self(ContentHasher::new()).text("layer", layer_name).number("version", stage_version)
    }

    /// A text.
    pub fn text(self, name: &str, text: &str) -> Self {
        self.part(b't', name, text.as_bytes())
    }

    /// A number.
    pub fn number(self, name: &str, number: impl Into<Number>) -> Self {
        match number.into() {
            Number::Whole(whole) => self.part(b'i', name, &whole.to_le_bytes()),
            Number::Real(real) => self.part(b'f', name, &real.to_bits().to_le_bytes()),
        }
    }

    /// Bytes.
    pub fn bytes(self, name: &str, bytes: &[u8]) -> Self {
        self.part(b'b', name, bytes)
    }

    /// Content, by its hash.
    pub fn hash(self, name: &str, hash: &ContentHash) -> Self {
        self.part(b'h', name, hash.as_bytes())
    }

    /// Another result, by its key.
    pub fn key(self, name: &str, key: &ResultKey) -> Self {
        self.part(b'k', name, key.as_bytes())
    }

    /// The key of a result that depends on all that was named.
    pub fn finish(self) -> ResultKey {
        ResultKey(self.0.finish())
    }

    fn part(mut self, kind: u8, name: &str, bytes: &[u8]) -> Self {
        let [name_len, len] = [name.len(), bytes.len()].map(|n_bytes| (n_bytes as u64).to_le_bytes());
        for piece in [&[kind][..], &name_len, name.as_bytes(), &len, bytes] {
            self.0.update(piece);
        }
        self
    }
}

/// `From` for the types of numbers that this one holds without a loss.
macro_rules! number_from {
    ($($type:ty),*) => {
        $(impl From<$type> for Number {
            fn from(number: $type) -> Self {
                Self::Whole(number as i128)
            }
        })*
    };
}

number_from!(bool, u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);

impl From<f32> for Number {
    fn from(number: f32) -> Self {
        Self::Real(f64::from(number))
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What BLAKE3's authors publish for no bytes at all.
    const EMPTY: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

    #[test]
    fn a_hash_is_blake3_and_survives_as_text() {
        assert_eq!(ContentHash::of(b"").to_string(), EMPTY);
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(3 * READ_BYTES / 2).collect();
        let hash = ContentHash::of(&bytes);
        let mut hasher = ContentHasher::new();
        for piece in bytes.chunks(1000) {
            hasher.update(piece);
        }
        assert_eq!(hasher.finish(), hash);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("content");
        std::fs::write(&path, &bytes).expect("a writable folder");
        assert_eq!(ContentHash::of_file(&path).expect("a readable file"), hash);
        assert_eq!(hash.to_string().parse::<ContentHash>(), Ok(hash));
        assert_eq!(ContentHash::from_bytes(*hash.as_bytes()), hash);
        let json = serde_json::to_string(&hash).expect("it has a form as JSON");
        assert_eq!(json, format!("\"{hash}\""));
        assert_eq!(serde_json::from_str::<ContentHash>(&json).expect("just written"), hash);
        for text in ["", &EMPTY[1..], &EMPTY.to_uppercase(), &EMPTY.replace('a', "g"), &EMPTY.replace("af", "ä")] {
            assert_eq!(text.parse::<ContentHash>(), Err(InvalidHash(text.to_owned())));
        }
    }

    #[test]
    fn keys_differ_where_anything_differs() {
        let new = || KeyBuilder::new("asr", 1);
        let hash = ContentHash::of(b"");
        let keys = [
            new(),
            KeyBuilder::new("asr", 2),
            KeyBuilder::new("align", 1),
            new().text("a", "b"),
            new().text("ab", ""),
            new().text("", "ab"),
            new().bytes("a", b"b"),
            new().text("a", "b").text("c", "d"),
            new().text("c", "d").text("a", "b"),
            new().number("a", 1_u32),
            new().number("a", 1.0),
            new().number("a", -1),
            new().number("a", 0.0),
            new().number("a", -0.0),
            new().hash("a", &hash),
            new().key("a", &ResultKey(hash)),
            new().bytes("a", hash.as_bytes()),
        ]
        .map(KeyBuilder::finish);
        assert_eq!(BTreeSet::from(keys).len(), keys.len());
        // Numbers are the same whatever type holds them, and keys the same for ever: results on disk are found by them.
        assert_eq!(new().number("a", 7_u8).finish(), new().number("a", 7_usize).finish());
        assert_eq!(new().number("a", 0.5_f32).finish(), new().number("a", 0.5).finish());
        assert_eq!(keys[0].to_string().parse::<ResultKey>(), Ok(keys[0]));
    }
}
