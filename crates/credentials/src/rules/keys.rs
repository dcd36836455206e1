//! Keys that sign, and what they sign: compact JWS (RFC 7515).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::error::Error;
use crate::model::{Algorithm, Jwk};

/// A pair of keys that was just made.
pub struct Made {
    /// The private half, PKCS #8: to be sealed, and never shown.
    pub private: Vec<u8>,
    /// The public half, as it is stored.
    pub public: Vec<u8>,
}

/// Makes a pair of keys.
pub fn make(algorithm: Algorithm) -> Result<Made, Error> {
    let random = SystemRandom::new();
    let private = match algorithm {
        Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
        Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random),
    };
    let private = private.map_err(|_| Error::Key)?.as_ref().to_vec();
    let public = Signer::open(algorithm, &private, String::new())?.public();
    Ok(Made { private, public })
}

/// A key that signs.
pub struct Signer {
    pair: Pair,
    kid: String,
}

enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl Signer {
    /// With this private half (PKCS #8), which documents name by `kid`, the address of its public half.
    pub fn open(algorithm: Algorithm, private: &[u8], kid: String) -> Result<Self, Error> {
        let pair = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private, &SystemRandom::new())
                    .map(Pair::Es256)
            }
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(private).map(Pair::EdDsa),
        };
        Ok(Self { pair: pair.map_err(|_| Error::Key)?, kid })
    }

    /// The public half.
    pub fn public(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Es256(pair) => pair.public_key().as_ref().to_vec(),
            Pair::EdDsa(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    const fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Es256(_) => Algorithm::Es256,
            Pair::EdDsa(_) => Algorithm::EdDsa,
        }
    }

    /// These claims as a signed token.
    pub fn sign(&self, claims: &Value) -> Result<String, Error> {
        let header = json!({ "alg": self.algorithm().as_str(), "typ": "JWT", "kid": self.kid });
        let said = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = match &self.pair {
            Pair::Es256(pair) => {
                pair.sign(&SystemRandom::new(), said.as_bytes()).map_err(|_| Error::Key)?.as_ref().to_vec()
            }
            Pair::EdDsa(pair) => pair.sign(said.as_bytes()).as_ref().to_vec(),
        };
        Ok(format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A stored public half, as anybody may have it.
pub fn jwk(algorithm: Algorithm, public: &[u8], kid: String) -> Jwk {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (kty, crv, x, y) = match algorithm {
        // An uncompressed point: a byte that says so, x, y.
        Algorithm::Es256 => {
            let (x, y) = public.get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
            ("EC", "P-256", encode(x), Some(encode(y)))
        }
        Algorithm::EdDsa => ("OKP", "Ed25519", encode(public), None),
    };
    Jwk { kty: kty.to_owned(), crv: crv.to_owned(), x, y, alg: algorithm, usage: "sig".to_owned(), kid }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn what_is_signed_verifies_by_the_public_half_and_not_when_altered() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let made = make(algorithm).unwrap();
            let signer =
                Signer::open(algorithm, &made.private, "https://example.org/key".to_owned()).unwrap();
            let token = signer.sign(&json!({ "sub": "someone" })).unwrap();
            let (said, signature) = token.rsplit_once('.').unwrap();
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            assert_eq!(signature.len(), 64);
            let verify = |said: &str| match algorithm {
                Algorithm::Es256 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &made.public)
                    .verify(said.as_bytes(), &signature),
                Algorithm::EdDsa => {
                    UnparsedPublicKey::new(&ED25519, &made.public).verify(said.as_bytes(), &signature)
                }
            };
            verify(said).unwrap();
            verify(&said.replace('.', "..")).unwrap_err();
            let (header, claims) = said.split_once('.').unwrap();
            let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
            assert_eq!(
                header,
                json!({ "alg": algorithm.as_str(), "typ": "JWT", "kid": "https://example.org/key" })
            );
            assert_eq!(URL_SAFE_NO_PAD.decode(claims).unwrap(), br#"{"sub":"someone"}"#);
        }
    }

    #[test]
    fn a_key_of_one_kind_is_none_of_the_other() {
        let made = make(Algorithm::Es256).unwrap();
        assert!(Signer::open(Algorithm::EdDsa, &made.private, String::new()).is_err());
        assert!(Signer::open(Algorithm::Es256, &made.private[..40], String::new()).is_err());
    }

    #[test]
    fn public_halves_are_told_as_keys_of_their_curve() {
        let made = make(Algorithm::Es256).unwrap();
        let key = jwk(Algorithm::Es256, &made.public, "k".to_owned());
        let halves = [key.x, key.y.unwrap()].map(|half| URL_SAFE_NO_PAD.decode(half).unwrap());
        assert_eq!([&[4], &halves[0][..], &halves[1]].concat(), made.public);
        let made = make(Algorithm::EdDsa).unwrap();
        let key = jwk(Algorithm::EdDsa, &made.public, "k".to_owned());
        assert_eq!((URL_SAFE_NO_PAD.decode(key.x).unwrap(), key.y), (made.public, None));
    }
}
