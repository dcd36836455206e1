//! Whether an interaction that came by HTTP is Discord's, and fresh: Ed25519 (RFC 8032) over the time and the body.

use chrono::{DateTime, Utc};
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::settings::hex;

/// How many seconds an interaction may be old, or ahead where clocks differ.
pub const FRESH: i64 = 120;

/// Why an interaction is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not signed, or not by Discord.
    #[error("the signature is not Discord's")]
    Forged,
    /// It was signed long ago, or is yet to be.
    #[error("the signature is too old, or of a time to come: compare this machine's clock")]
    Stale,
}

/// Checks a signature, in hexadecimal digits, of `timestamp`, seconds since 1970 in decimal digits, and the body.
pub fn verify(
    public_key: &[u8; 32],
    signature: &str,
    timestamp: &str,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let signature = hex(signature).filter(|bytes| bytes.len() == 64).ok_or(Refusal::Forged)?;
    let mut signed = timestamp.as_bytes().to_vec();
    signed.extend_from_slice(body);
    UnparsedPublicKey::new(&ED25519, public_key).verify(&signed, &signature).map_err(|_| Refusal::Forged)?;
    let at: i64 = timestamp.parse().map_err(|_| Refusal::Forged)?;
    if at.abs_diff(now.timestamp()) > FRESH.unsigned_abs() {
        return Err(Refusal::Stale);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1: public key, message, signature.
    const VECTORS: [(&str, &str, &str); 4] = [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
        (
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ),
    ];

    #[test]
    fn the_rfcs_signatures_hold_and_nothing_else() {
        for (key, message, signature) in VECTORS {
            let (key, message, signature) =
                (hex(key).unwrap(), hex(message).unwrap(), hex(signature).unwrap());
            let holds = |message: &[u8], signature: &[u8]| {
                UnparsedPublicKey::new(&ED25519, &key).verify(message, signature).is_ok()
            };
            assert!(holds(&message, &signature));
            let mut other = signature.clone();
            other[5] ^= 1;
            assert!(!holds(&message, &other));
            assert!(!holds(&[message.clone(), vec![0]].concat(), &signature));
        }
    }

    #[test]
    fn the_time_is_signed_too_and_has_to_be_near() {
        use ring::signature::{Ed25519KeyPair, KeyPair as _};
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let key: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
        let signed = |time: &str| -> String {
            let signature = pair.sign(format!("{time}{{}}").as_bytes());
            signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
        };
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let check = |signature: &str, time: &str| verify(&key, signature, time, b"{}", now);
        for time in ["1800000000", "1799999880", "1800000120"] {
            assert_eq!(check(&signed(time), time), Ok(()), "{time}");
        }
        for time in ["1799999879", "1800000121", "0", "-1"] {
            assert_eq!(check(&signed(time), time), Err(Refusal::Stale), "{time}");
        }
        assert_eq!(
            check(&signed("1799999999"), "1800000000"),
            Err(Refusal::Forged),
            "another time than was signed"
        );
        assert_eq!(check(&signed("soon"), "soon"), Err(Refusal::Forged));
        for nonsense in ["", "zz", "00", &"0".repeat(128), &"é".repeat(64)] {
            assert_eq!(check(nonsense, "1800000000"), Err(Refusal::Forged), "{nonsense}");
        }
    }
}
