//! Bytes become text. Subtitles come in UTF-8, in UTF-16, and in the code page of Western Windows (CP1252), and hardly
//! any say in which. Nothing is refused: what no encoding explains becomes replacement characters.

/// The text of a file, without a byte order mark.
pub(super) fn decoded(bytes: &[u8]) -> String {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // All formats begin with ASCII, so UTF-16 shows by its zeros.
        [1..=0xFF, 0, 1..=0xFF, 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, 1..=0xFF, 0, 1..=0xFF, ..] => utf16(bytes, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8_or_cp1252(rest),
        _ => utf8_or_cp1252(bytes),
    }
}

fn utf16(bytes: &[u8], number: fn([u8; 2]) -> u16) -> String {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let read = char::decode_utf16(pairs.iter().map(|pair| number(*pair)));
    let mut text: String = read.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}

fn utf8_or_cp1252(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // Text with some right characters beyond ASCII is damaged UTF-8: in CP1252 they hardly ever come out right.
        Err(error) if !bytes[..error.valid_up_to()].is_ascii() => String::from_utf8_lossy(bytes).into_owned(),
        Err(_) => bytes.iter().map(|byte| cp1252(*byte)).collect(),
    }
}

/// As browsers read it: the five bytes that mean nothing stay control characters.
fn cp1252(byte: u8) -> char {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => FROM_80[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_in_many_encodings() {
        let utf16 = |text: &str, bytes_of: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes_of).collect();
        let le = |text: &str| -> Vec<u8> { utf16(text, u16::to_le_bytes) };
        let be = |text: &str| -> Vec<u8> { utf16(text, u16::to_be_bytes) };
        for (bytes, expected) in [
            ("1 Grüße 会".as_bytes().to_vec(), "1 Grüße 会"),
            ("\u{feff}1 Grüße".as_bytes().to_vec(), "1 Grüße"),
            (le("\u{feff}会 1"), "会 1"),
            (be("\u{feff}会 1"), "会 1"),
            (le("1\n👧"), "1\n👧"),
            (be("1\n👧"), "1\n👧"),
            (b"1 Gr\xfc\xdfe \x80 \x93x\x94 \x81".to_vec(), "1 Grüße € “x” \u{81}"),
            (b"\xc3\xbc \xff".to_vec(), "ü \u{fffd}"),
            (vec![0xFF, 0xFE, 0x31], "\u{fffd}"),
            (vec![0xFF, 0xFE, 0x00, 0xD8, 0x31, 0], "\u{fffd}1"),
            (vec![], ""),
        ] {
            assert_eq!(decoded(&bytes), expected);
        }
    }
}
