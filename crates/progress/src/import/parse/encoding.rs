//! The bytes of a file as text: UTF-8, or UTF-16 as spreadsheets write it.

/// The text of a file. UTF-16 is told by its byte order mark, or by every other byte being zero.
///
/// # Errors
///
/// A sentence that says what to do, where it is neither.
pub fn decode(bytes: &[u8]) -> Result<String, &'static str> {
    const WHAT: &str = "is neither UTF-8 nor UTF-16; save it as UTF-8";
    let (big, body) = match bytes {
        [0xfe, 0xff, rest @ ..] => (true, rest),
        [0xff, 0xfe, rest @ ..] => (false, rest),
        [0, second, ..] if *second != 0 => (true, bytes),
        [first, 0, ..] if *first != 0 => (false, bytes),
        _ => {
            let body = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
            return std::str::from_utf8(body).map(str::to_owned).map_err(|_| WHAT);
        }
    };
    if !body.len().is_multiple_of(2) {
        return Err("is UTF-16 that ends in the middle of a character; save it anew, as UTF-8");
    }
    let units = body.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    });
    char::decode_utf16(units).collect::<Result<String, _>>().map_err(|_| WHAT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_of_a_spreadsheet_says_the_same() {
        let text = "user_id;xp\n7;1\u{e4}";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            text.as_bytes().to_vec(),
            [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat(),
            [&[0xff, 0xfe], little.as_slice()].concat(),
            [&[0xfe, 0xff], big.as_slice()].concat(),
            little.clone(),
            big,
        ] {
            assert_eq!(decode(&bytes).unwrap(), text);
        }
        assert_eq!(decode(b"").unwrap(), "");
        for bad in [&b"caf\xe9"[..], &little[..little.len() - 1]] {
            assert!(decode(bad).unwrap_err().contains("UTF-8"));
        }
    }
}
