//! What credentials and lists say, by Open Badges 3.0 and the Verifiable Credentials Data Model 2.0, and the registered claims that
//! VC-JWT adds to it.

use chrono::{DateTime, SecondsFormat, Utc};
use kernel::GuildId;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::ids::{BadgeId, CredentialId, IssuerKeyId};
use crate::model::Profile;
use crate::rules::status_list;

/// What the words of a credential mean.
const CREDENTIAL_WORDS: &str = "https://www.w3.org/ns/credentials/v2";
const BADGE_WORDS: &str = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";

/// How a guild's credentials are reached from outside: every address that documents name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses(String);

impl Addresses {
    /// Of a guild, where the installation is reached at `public_url`.
    pub fn new(public_url: &str, guild: GuildId) -> Self {
        Self(format!("{}/api/v1/guilds/{guild}/credentials", public_url.trim_end_matches('/')))
    }

    /// Who issues.
    pub fn issuer(&self) -> String {
        format!("{}/issuer", self.0)
    }

    /// All public keys.
    pub fn keys(&self) -> String {
        format!("{}/issuer/keys", self.0)
    }

    /// A public key.
    pub fn key(&self, key: IssuerKeyId) -> String {
        format!("{}/issuer/keys/{key}", self.0)
    }

    /// A badge, as anybody may see it.
    pub fn achievement(&self, badge: BadgeId) -> String {
        format!("{}/achievements/{badge}", self.0)
    }

    /// A badge's picture.
    pub fn image(&self, badge: BadgeId) -> String {
        format!("{}/achievements/{badge}/image", self.0)
    }

    /// How a credential stands.
    pub fn credential(&self, credential: CredentialId) -> String {
        format!("{}/verification/{credential}", self.0)
    }

    /// A revocation list.
    pub fn list(&self, list: i32) -> String {
        format!("{}/status/{list}", self.0)
    }
}

/// What a credential is for.
#[derive(Debug, Clone)]
pub struct Achieved<'a> {
    /// The badge.
    pub badge: BadgeId,
    /// Its name.
    pub name: &'a str,
    /// What its holder can do.
    pub description: &'a str,
    /// What had to be done.
    pub criteria: &'a str,
    /// Whether it has a picture.
    pub has_image: bool,
}

/// What is certified of whom.
#[derive(Debug, Clone)]
pub struct Certified<'a> {
    /// The credential.
    pub id: CredentialId,
    /// Its bit.
    pub status_index: i32,
    /// The guild's name.
    pub issuer_name: &'a str,
    /// The holder, by a name that says nothing: [`subject`].
    pub subject: &'a str,
    /// What the holder is called.
    pub holder_name: &'a str,
    /// What it is for.
    pub achieved: Achieved<'a>,
    /// When it was earned.
    pub earned_at: DateTime<Utc>,
    /// From when on it is valid.
    pub issued_at: DateTime<Utc>,
    /// When it ceases to be valid.
    pub valid_until: Option<DateTime<Utc>>,
}

/// How documents name a holder: the same one in all of a guild's, and nobody can tell who it is, nor whether it is the one of another
/// guild's. `person` is random (`people.users.auth_user_id`).
pub fn subject(guild: GuildId, person: Uuid) -> String {
    let mut hash = Sha256::new();
    hash.update(b"questhall.credentials.subject");
    hash.update(guild.get().to_be_bytes());
    hash.update(person.as_bytes());
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    format!("urn:uuid:{}", uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// An instant as documents write it: to the second, in UTC.
fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A badge as an Open Badges Achievement.
pub fn achievement(addresses: &Addresses, of: &Achieved<'_>) -> Value {
    let mut said = json!({
        "id": addresses.achievement(of.badge),
        "type": ["Achievement"],
        "name": of.name,
        "description": of.description,
        "criteria": { "narrative": of.criteria },
    });
    if of.has_image {
        said["image"] = json!({ "id": addresses.image(of.badge), "type": "Image" });
    }
    said
}

/// The claims of a credential.
pub fn credential(addresses: &Addresses, of: &Certified<'_>) -> Value {
    let (id, issuer) = (addresses.credential(of.id), addresses.issuer());
    let (list, place) = status_list::place(of.status_index);
    let list = addresses.list(list);
    let mut claims = json!({
        "@context": [CREDENTIAL_WORDS, BADGE_WORDS],
        "id": id,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": of.achieved.name,
        "issuer": { "id": issuer, "type": ["Profile"], "name": of.issuer_name },
        "validFrom": instant(of.issued_at),
        "awardedDate": instant(of.earned_at),
        "credentialSubject": {
            "id": of.subject,
            "type": ["AchievementSubject"],
            "identifier": [{ "type": "IdentityObject", "hashed": false, "identityHash": of.holder_name, "identityType": "name" }],
            "achievement": achievement(addresses, &of.achieved),
        },
        "credentialStatus": {
            "id": format!("{list}#{place}"),
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": place.to_string(),
            "statusListCredential": list,
        },
        "iss": issuer,
        "jti": id,
        "nbf": of.issued_at.timestamp(),
        "sub": of.subject,
    });
    if let Some(until) = of.valid_until {
        claims["validUntil"] = json!(instant(until));
        claims["exp"] = json!(until.timestamp());
    }
    claims
}

/// The claims of a revocation list in which these places are set.
pub fn list(addresses: &Addresses, list: i32, revoked: &[i32], now: DateTime<Utc>) -> Value {
    let (id, issuer) = (addresses.list(list), addresses.issuer());
    let subject = format!("{id}#list");
    json!({
        "@context": [CREDENTIAL_WORDS],
        "id": id,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": instant(now),
        "credentialSubject": {
            "id": subject,
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": status_list::encode(revoked),
        },
        "iss": issuer,
        "jti": id,
        "nbf": now.timestamp(),
        "sub": subject,
    })
}

/// Who issues.
pub fn profile(addresses: &Addresses, name: &str) -> Profile {
    Profile {
        context: vec![CREDENTIAL_WORDS.to_owned(), BADGE_WORDS.to_owned()],
        id: addresses.issuer(),
        kind: vec!["Profile".to_owned()],
        name: name.to_owned(),
        jwks_uri: addresses.keys(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn claims_say_twice_the_same(index in 0..i32::MAX, issued in 0_i64..4_000_000_000, days in prop::option::of(1_i64..36_500), name in ".{1,40}") {
            let addresses = Addresses::new("https://quests.example.org/", GuildId::new(7));
            let issued_at = DateTime::from_timestamp(issued, 0).unwrap();
            let said = credential(&addresses, &Certified {
                id: CredentialId::new(Uuid::from_u128(3)),
                status_index: index,
                issuer_name: "A guild",
                subject: "urn:uuid:1",
                holder_name: &name,
                achieved: Achieved { badge: BadgeId::new(Uuid::nil()), name: "Rust", description: "d", criteria: "c", has_image: true },
                earned_at: issued_at,
                issued_at,
                valid_until: days.map(|days| issued_at + chrono::TimeDelta::days(days)),
            });
            prop_assert_eq!(&said["iss"], &said["issuer"]["id"]);
            prop_assert_eq!(&said["jti"], &said["id"]);
            prop_assert_eq!(&said["sub"], &said["credentialSubject"]["id"]);
            prop_assert_eq!(said["nbf"].as_i64(), Some(issued));
            prop_assert_eq!(DateTime::parse_from_rfc3339(said["validFrom"].as_str().unwrap()).unwrap().timestamp(), issued);
            prop_assert_eq!(said.get("exp").is_some(), days.is_some());
            prop_assert_eq!(said.get("validUntil").is_some(), days.is_some());
            prop_assert_eq!(&said["credentialSubject"]["identifier"][0]["identityHash"], &json!(name));
            let place: i32 = said["credentialStatus"]["statusListIndex"].as_str().unwrap().parse().unwrap();
            prop_assert!((0..status_list::BITS).contains(&place));
        }
    }

    #[test]
    fn holders_are_named_by_guild_and_the_same_each_time() {
        let (one, other) = (GuildId::new(1), GuildId::new(2));
        let person = Uuid::from_u128(5);
        assert_eq!(subject(one, person), subject(one, person));
        assert_ne!(subject(one, person), subject(other, person));
        assert!(!subject(one, person).contains(&person.to_string()));
    }

    #[test]
    fn addresses_have_no_slash_too_many() {
        let addresses = Addresses::new("https://quests.example.org/", GuildId::new(7));
        assert_eq!(addresses.issuer(), "https://quests.example.org/api/v1/guilds/7/credentials/issuer");
    }
}
