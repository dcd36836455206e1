//! What buttons, menus and forms are about, in the 100 characters that Discord lets them carry, and signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{GuildId, UserId};
use sha2::Sha256;
use uuid::Uuid;

/// Bytes of a signature that are kept: 2^96 tries, each an interaction.
const SIGNATURE: usize = 12;
/// Discord's limit.
const MAX: usize = 100;

/// Signs what components carry. Every node has the same key, made of the bot's token.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

/// What a component is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// What handles it.
    pub name: String,
    /// What it is about.
    pub args: Vec<String>,
}

impl Signer {
    /// With a key made of this secret.
    #[expect(clippy::missing_panics_doc, reason = "HMAC takes keys of any length")]
    pub fn new(token: &str) -> Self {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(token.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(b"questhall custom ids 1\n");
        Self(mac)
    }

    /// The id of a component for this member of this guild, or for anybody of it.
    pub fn sign(&self, guild: GuildId, owner: Option<UserId>, name: &str, args: &[&str]) -> String {
        let mut id = String::from(if owner.is_some() { "1" } else { "0" });
        for part in std::iter::once(&name).chain(args) {
            id.push('~');
            id.push_str(part);
        }
        let signature = self.signature(guild, owner, &id);
        id.push('~');
        id.push_str(&signature);
        debug_assert!(id.len() <= MAX, "{id} is too long for Discord");
        id
    }

    /// What an id is about, where we made it for them.
    pub fn open(&self, guild: GuildId, user: UserId, id: &str) -> Option<About> {
        let (rest, signature) = id.rsplit_once('~')?;
        let owner = rest.starts_with("1~").then_some(user);
        let given = URL_SAFE_NO_PAD.decode(signature).ok().filter(|given| given.len() == SIGNATURE)?;
        self.mac(guild, owner, rest).verify_truncated_left(&given).ok()?;
        let mut parts = rest.split('~').skip(1).map(str::to_owned);
        Some(About { name: parts.next()?, args: parts.collect() })
    }

    fn mac(&self, guild: GuildId, owner: Option<UserId>, rest: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(format!("{guild}\n{}\n{rest}", owner.map_or(0, UserId::get)).as_bytes());
        mac
    }

    fn signature(&self, guild: GuildId, owner: Option<UserId>, rest: &str) -> String {
        let whole = self.mac(guild, owner, rest).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode(&whole[..SIGNATURE])
    }
}

/// An id in 22 characters.
pub fn short(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

/// The id that [`short`] wrote.
pub fn long(text: &str) -> Option<Uuid> {
    Uuid::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_opens_for_whom_it_was_made_where_it_was_made() {
        let (signer, guild, ada, bob) =
            (Signer::new("token"), GuildId::new(1), UserId::new(7), UserId::new(8));
        let id = signer.sign(guild, Some(ada), "quiz", &["a", ""]);
        let about = About { name: "quiz".to_owned(), args: vec!["a".to_owned(), String::new()] };
        assert_eq!(signer.open(guild, ada, &id), Some(about));
        assert_eq!(signer.open(guild, bob, &id), None);
        assert_eq!(signer.open(GuildId::new(2), ada, &id), None);
        assert_eq!(Signer::new("other").open(guild, ada, &id), None);
        let free = signer.sign(guild, None, "page", &["2"]);
        assert!(signer.open(guild, bob, &free).is_some());
        // Nobody makes one for themselves of another's, or of another one.
        for forged in [
            id.replacen('1', "0", 1),
            free.replace("~2~", "~3~"),
            "~".to_owned(),
            String::new(),
            "1~a~".into(),
        ] {
            assert_eq!(signer.open(guild, ada, &forged), None, "{forged}");
        }
    }

    #[test]
    fn two_ids_and_a_signature_fit() {
        let id = short(Uuid::from_u128(u128::MAX));
        assert_eq!((id.len(), long(&id)), (22, Some(Uuid::from_u128(u128::MAX))));
        let whole =
            Signer::new("t").sign(GuildId::new(i64::MAX), None, "learn.answer", &[&id, &id, "25", "25"]);
        assert!(whole.len() <= MAX, "{}", whole.len());
        assert_eq!(long("no"), None);
    }
}
