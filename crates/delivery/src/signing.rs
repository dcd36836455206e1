//! Signatures by the [Standard Webhooks](https://www.standardwebhooks.com) specification, version 1: HMAC-SHA256 over
//! `{id}.{timestamp}.{body}` with the secret's bytes, in Base64, as `v1,…`; several, with spaces between them, while a
//! secret is being rotated.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::TryRng as _;
use sha2::Sha256;

/// Bytes of a new secret.
const SECRET_BYTES: usize = 32;

/// A webhook's secret. Shows itself to nobody but by [`Secret::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A new one, from the operating system's randomness.
    pub fn generate() -> Result<Self, rand::rngs::SysError> {
        let mut bytes = vec![0; SECRET_BYTES];
        rand::rngs::SysRng.try_fill_bytes(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// As stored.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// To be stored.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As its owner gets it, once: `whsec_` and Base64.
    pub fn reveal(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }

    /// What [`Secret::reveal`] gave.
    pub fn parse(text: &str) -> Option<Self> {
        STANDARD.decode(text.strip_prefix("whsec_")?).ok().map(Self)
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The value of `webhook-signature`: a signature by each secret. `timestamp` is in seconds since 1970.
pub fn signature<'a>(
    secrets: impl IntoIterator<Item = &'a Secret>,
    id: &str,
    timestamp: i64,
    body: &[u8],
) -> String {
    let signatures: Vec<String> =
        secrets.into_iter().map(|secret| secret.sign(id, timestamp, body)).collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_own_example() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature([&secret], id, 1_614_265_330, body), expected);
        let other = Secret::generate().unwrap();
        let both = signature([&other, &secret], id, 1_614_265_330, body);
        assert_eq!(both.split(' ').count(), 2);
        assert!(both.ends_with(expected));
    }

    #[test]
    fn a_secret_is_shown_by_name_only() {
        let secret = Secret::generate().unwrap();
        assert_eq!(Secret::parse(&secret.reveal()), Some(secret.clone()));
        assert_ne!(Secret::generate().unwrap(), secret);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.bytes().len(), 32);
    }
}
