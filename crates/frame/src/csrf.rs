//! The token that a page's forms bring back, masked anew each time.
//!
//! Pages are compressed, and hold what somebody else may have written: a token that were the same in every answer could be
//! guessed byte by byte from the answers' lengths (BREACH).

use access::keys::{Hash, hex, unhex};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of a session's token, which is written in hexadecimal digits.
const BYTES: usize = 32;

/// The token as a form holds it; nothing where there is no session, and so nothing to protect.
pub fn masked(token: &str) -> String {
    let Some(token) = unhex(token) else { return String::new() };
    let mask: [u8; BYTES] = rand::random();
    let mut both = [0; 2 * BYTES];
    both[..BYTES].copy_from_slice(&mask);
    for (place, (byte, with)) in both[BYTES..].iter_mut().zip(token.iter().zip(mask)) {
        *place = byte ^ with;
    }
    URL_SAFE_NO_PAD.encode(both)
}

/// The token that a form brings back.
pub fn unmasked(text: &str) -> Option<String> {
    let both = URL_SAFE_NO_PAD.decode(text).ok()?;
    if both.len() != 2 * BYTES {
        return None;
    }
    let (mask, masked) = both.split_at(BYTES);
    let mut token = Hash::default();
    for (place, (byte, with)) in token.iter_mut().zip(masked.iter().zip(mask)) {
        *place = byte ^ with;
    }
    Some(hex(&token))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn a_token_looks_different_each_time_and_is_the_same_one() {
        let (one, other) = (masked(TOKEN), masked(TOKEN));
        assert_ne!(one, other);
        assert_eq!(unmasked(&one).as_deref(), Some(TOKEN));
        assert_eq!(unmasked(&other).as_deref(), Some(TOKEN));
    }

    #[test]
    fn what_is_no_masked_token_is_none() {
        for bad in ["", "abc", "!!!", TOKEN, &masked(TOKEN)[1..], &format!("{}AA", masked(TOKEN))] {
            assert_eq!(unmasked(bad), None, "{bad}");
        }
        for bad in ["", "zz", &TOKEN[1..], &format!("{}ä", &TOKEN[2..])] {
            assert_eq!(masked(bad), "", "{bad}");
        }
    }
}
