//! Transcripts and changes as bytes in the database and back: a byte with the version of the form, then JSON compressed
//! by zstd with a checksum. JSON because it is read for ever, and takes fields that are added later.

use std::io::{self, Write as _};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// JSON, compressed.
const VERSION: u8 = 1;
/// zstd's level: what comes after it is slower, and hardly smaller.
const COMPRESSION: i32 = 3;

/// The value as bytes.
pub(super) fn pack<T: Serialize + ?Sized>(value: &T) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::stream::write::Encoder::new(vec![VERSION], COMPRESSION)?;
    encoder.include_checksum(true)?;
    encoder.write_all(&serde_json::to_vec(value)?)?;
    encoder.finish()
}

/// The value that these bytes are, or why they are none.
pub(super) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bytes {
        [VERSION, compressed @ ..] => {
            let json = zstd::stream::decode_all(compressed).map_err(|error| error.to_string())?;
            serde_json::from_slice(&json).map_err(|error| error.to_string())
        }
        [version, ..] => Err(format!("it has form {version}, which this Hansard does not know")),
        [] => Err("it is empty".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_to_the_last_bit_and_damage_is_noticed() {
        let value = (
            vec![0.1_f64 + 0.2, f64::MIN_POSITIVE, 1e300, -1.0 / 3.0],
            vec![0.1_f32, 1.0 / 3.0],
            "ä\u{0}\"".to_owned(),
        );
        let bytes = pack(&value).expect("it can be packed");
        assert_eq!(unpack(&bytes), Ok(value));
        for n_bytes in 0..bytes.len() {
            assert!(unpack::<(Vec<f64>, Vec<f32>, String)>(&bytes[..n_bytes]).is_err(), "{n_bytes} bytes");
        }
        for at in 0..bytes.len() {
            let mut spoiled = bytes.clone();
            spoiled[at] ^= 0x55;
            // A byte of the header may say the same in another way, but nothing else ever comes out.
            if let Ok(other) = unpack::<(Vec<f64>, Vec<f32>, String)>(&spoiled) {
                assert_eq!(Ok(other), unpack(&bytes), "byte {at}");
            }
        }
    }
}
