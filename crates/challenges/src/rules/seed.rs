//! Where the chance in a participant's input comes from.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The seed of one participant's input of one challenge: 64 hexadecimal digits of
/// `HMAC-SHA256(campaign secret, "questhall/input/v1" 00 challenge slug 00 participant id)`.
///
/// * The slug and not the challenge's id: an export that is imported again keeps its slugs and gets new ids. (Its new
///   campaign has a secret of its own, so inputs differ between campaigns even then.)
/// * The script's version is not part of it: after an edit that leaves the drawing of numbers alone, a participant's
///   numbers stay.
/// * Neither slugs (`[a-z0-9-]`) nor participant ids (digits, or a UUID) can contain the separator, a zero byte, so no two
///   pairs give the same message.
/// * Who does not know the 256-bit secret cannot tell the seed from a random one, hence cannot compute anybody's input.
pub fn seed(campaign_secret: &[u8], challenge_slug: &str, participant_id: &str) -> String {
    // HMAC takes keys of any length: this cannot fail, and an empty seed would be noticed by every test.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(campaign_secret) else { return String::new() };
    mac.update(b"questhall/input/v1\0");
    mac.update(challenge_slug.as_bytes());
    mac.update(b"\0");
    mac.update(participant_id.as_bytes());
    mac.finalize().into_bytes().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_same_on_every_machine_and_in_every_version() {
        // Computed with Python: hmac.new(bytes(range(32)), b"questhall/input/v1\0sums\0" b"42", "sha256").hexdigest()
        let secret: Vec<u8> = (0..32).collect();
        assert_eq!(seed(&secret, "sums", "42"), EXPECTED);
    }

    const EXPECTED: &str = "98ccb6e0cef35d00df0738bc848fdf050ecf9dfb25c89aace86ec0b0da56581b";

    #[test]
    fn differs_by_campaign_challenge_and_participant() {
        let base = seed(&[1; 32], "sums", "42");
        assert_ne!(base, seed(&[2; 32], "sums", "42"));
        assert_ne!(base, seed(&[1; 32], "sum", "42"));
        assert_ne!(base, seed(&[1; 32], "sums", "43"));
        assert_eq!(base.len(), 64);
    }
}
