//! Secrets: keys, which are shown once, and the tokens of sessions. Made from the system's chance, stored as hashes.

use std::fmt;

use rand::TryRng as _;
use rand::rngs::{SysError, SysRng};
use sha2::{Digest as _, Sha256};

/// What every key begins with, so that people and secret scanners know one when they see it.
pub(crate) const PREFIX: &str = "qh_";
/// What every session's token begins with.
pub(crate) const SESSION_PREFIX: &str = "qhs_";
/// 62^43 > 2^256.
const LENGTH: usize = 43;
/// Digits without punctuation, so that a double click takes the whole key.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// How much of a key is kept for people to recognise it by: 24 of its 256 bits.
const SHOWN: usize = PREFIX.len() + 4;

/// SHA-256 of a whole key.
pub type Hash = [u8; 32];

/// A key in the clear. Exists only where it was just made; `Debug` does not show it.
pub struct PlainKey(String);

impl PlainKey {
    /// A new key from the system's source of chance.
    pub(crate) fn generate() -> Result<Self, SysError> {
        random(PREFIX).map(Self)
    }

    /// The key, to be shown to its owner this once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> Hash {
        hash(&self.0)
    }

    /// The beginning, by which people recognise it.
    pub(crate) fn prefix(&self) -> &str {
        &self.0[..SHOWN]
    }
}

impl fmt::Debug for PlainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlainKey({}…)", self.prefix())
    }
}

/// Whether a text could be a key at all.
pub(crate) fn is_key(text: &str) -> bool {
    is_well_formed(PREFIX, text)
}

/// A secret of 256 bits from the system's source of chance, after a prefix.
pub(crate) fn random(prefix: &str) -> Result<String, SysError> {
    let mut text = String::with_capacity(prefix.len() + LENGTH);
    text.push_str(prefix);
    while text.len() < prefix.len() + LENGTH {
        let mut bytes = [0u8; 64];
        SysRng.try_fill_bytes(&mut bytes)?;
        // 248 = 4 × 62: what lies above would make the first digits likelier than the others.
        let digits = bytes.iter().filter(|byte| **byte < 248).map(|byte| ALPHABET[usize::from(byte % 62)]);
        text.extend(digits.take(prefix.len() + LENGTH - text.len()).map(char::from));
    }
    Ok(text)
}

/// Whether a text could be such a secret at all; what cannot is refused without asking the database.
pub(crate) fn is_well_formed(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == LENGTH && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

pub(crate) fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// As the database stores hashes: 64 lower-case hexadecimal digits.
pub fn hex(hash: &Hash) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    hash.iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|half| char::from(DIGITS[usize::from(half)]))
        .collect()
}

/// The hash that was stored as these digits.
pub fn unhex(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    if text.len() != hash.len() * 2 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_well_formed_and_differ() {
        let (one, other) = (PlainKey::generate().unwrap(), PlainKey::generate().unwrap());
        assert!(is_well_formed(PREFIX, one.reveal()), "{}", one.reveal());
        assert_ne!(one.reveal(), other.reveal());
        assert!(!format!("{one:?}").contains(one.reveal()));
    }

    #[test]
    fn what_cannot_be_a_key_is_known_without_asking() {
        for bad in
            ["", "qh_", "qh_short", &format!("xx_{}", "a".repeat(43)), &format!("qh_{}!", "a".repeat(42))]
        {
            assert!(!is_well_formed(PREFIX, bad), "{bad}");
        }
    }

    #[test]
    fn hashes_are_those_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(unhex(&hex(&hash("abc"))), Some(hash("abc")));
        assert_eq!(unhex("xy"), None);
        assert_eq!(hex(&hash("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
