//! Badges, credentials, and what the public is told of them.

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use learning::ids::PathId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{BadgeId, CredentialId, IssuerKeyId};

/// How documents are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256: what verifiers of Open Badges 3.0 take.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519: shorter, and known to fewer verifiers.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// As JOSE calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The one that JOSE calls so.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Es256, Self::EdDsa].into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// What credentials are issued for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Badge {
    /// The badge.
    pub id: BadgeId,
    /// The guild.
    pub guild_id: GuildId,
    /// The learning path it is earned by completing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_id: Option<PathId>,
    /// The achievement it goes with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub achievement_id: Option<i32>,
    /// Name on the credential.
    pub name: String,
    /// What its holder can do.
    pub description: String,
    /// What had to be done, Markdown.
    pub criteria: String,
    /// Whether it has a picture.
    pub has_image: bool,
    /// Days for which a credential is valid; absent for without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_days: Option<i32>,
    /// Whether it is still issued.
    pub is_active: bool,
    /// Valid credentials that members hold.
    pub held_by: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A badge to be made: for a path or for an achievement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBadge {
    /// The learning path it is earned by completing.
    #[serde(default)]
    pub path_id: Option<PathId>,
    /// The achievement it goes with.
    #[serde(default)]
    pub achievement_id: Option<i32>,
    /// Name on the credential, unique in the guild.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// What its holder can do.
    #[schema(min_length = 1, max_length = 10000)]
    pub description: String,
    /// What had to be done, Markdown.
    #[schema(min_length = 1, max_length = 10000)]
    pub criteria: String,
    /// Days for which a credential is valid; null for without end.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 36500)]
    pub valid_days: Option<i32>,
}

/// A change of a badge. What is absent stays. What was issued stays as it was signed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BadgeEdit {
    /// Name on the credential.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// What its holder can do.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10000)]
    pub description: Option<String>,
    /// What had to be done, Markdown.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10000)]
    pub criteria: Option<String>,
    /// Days for which a credential is valid; null for without end.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 36500)]
    pub valid_days: Option<Option<i32>>,
    /// Whether it is still issued.
    #[serde(default)]
    pub is_active: Option<bool>,
}

/// Tells a null, which clears, from an absent field, which changes nothing.
#[expect(clippy::option_option, reason = "absent, null and a value are three things in a PATCH")]
fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A badge's picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// A PNG of at most 131,072 bytes, in Base64; null for none.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true, max_length = 174_764)]
    pub png: Option<String>,
}

/// How a credential stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CredentialStanding)]
pub enum Standing {
    /// It is valid.
    Valid,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// Nothing is known of it.
    Unknown,
}

/// A credential that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Credential {
    /// The credential.
    pub id: CredentialId,
    /// What it is for.
    pub badge_id: BadgeId,
    /// The badge's name.
    pub badge: String,
    /// Who holds it.
    pub user_id: UserId,
    /// What the holder is called on it.
    pub holder_name: String,
    /// When it was earned.
    pub earned_at: DateTime<Utc>,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// When it ceases to be valid; absent for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<DateTime<Utc>>,
    /// How it stands.
    pub standing: Standing,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<DateTime<Utc>>,
    /// Why it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_reason: Option<String>,
    /// Whether its picture can be had.
    pub has_image: bool,
}

/// A credential to be issued by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    /// The badge.
    pub badge_id: BadgeId,
    /// The member, who must have earned it.
    pub user_id: UserId,
}

/// A revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Why: the holder is told.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// What anybody is told of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// How it stands. Of what this installation does not know, nothing else is told.
    pub standing: Standing,
    /// Who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// What it is for; absent once the holder is forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub badge: Option<String>,
    /// What the holder is called on it; absent once it is revoked, or the holder is forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder_name: Option<String>,
    /// When it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<DateTime<Utc>>,
    /// When it ceases to be valid; absent for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<DateTime<Utc>>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A key of the guild's, as its administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuerKey {
    /// The key.
    pub id: IssuerKeyId,
    /// How it signs.
    pub algorithm: Algorithm,
    /// When another took its place; absent for the one that signs now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A key to be made in place of the one that signs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// How it signs.
    #[serde(default = "usual")]
    pub algorithm: Algorithm,
}

const fn usual() -> Algorithm {
    Algorithm::Es256
}

/// A public key (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwk {
    /// Kind of key: EC or OKP.
    pub kty: String,
    /// The curve: P-256 or Ed25519.
    pub crv: String,
    /// The x coordinate, or the key, in Base64url.
    pub x: String,
    /// The y coordinate, in Base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// How it signs.
    pub alg: Algorithm,
    /// What it is for: sig.
    #[serde(rename = "use")]
    pub usage: String,
    /// Its address, as the documents that it signed name it.
    pub kid: String,
}

/// All public keys of a guild, the one that signs now and those before it (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwks {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// Who issues, as documents name it (an Open Badges Profile).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IssuerProfile)]
pub struct Profile {
    /// What the words mean.
    #[serde(rename = "@context")]
    pub context: Vec<String>,
    /// Its address.
    pub id: String,
    /// What it is: a Profile.
    #[serde(rename = "type")]
    pub kind: Vec<String>,
    /// The guild's name.
    pub name: String,
    /// Where its public keys are.
    #[serde(rename = "jwksUri")]
    pub jwks_uri: String,
}
