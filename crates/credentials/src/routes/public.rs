//! What anybody may know: takes no key.

use access::openapi::InGuildPath;
use access::{App, Json, Path, Problems};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use kernel::{GuildId, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{BadgePath, CredentialPath, SIGNED};
use crate::ids::{BadgeId, CredentialId, IssuerKeyId};
use crate::model::{Jwk, Jwks, Profile, Verification};
use crate::ops::{self, Issuing};

/// How long others may keep what seldom changes, and what tells of revocations.
const KEEP: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=60");

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct OfGuild {
    guild_id: GuildId,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct OfBadge {
    guild_id: GuildId,
    badge_id: BadgeId,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct OfCredential {
    guild_id: GuildId,
    credential_id: CredentialId,
}

/// A key in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct KeyPath {
    /// The guild: its Discord id.
    guild_id: GuildId,
    /// The key.
    key_id: IssuerKeyId,
}

/// A revocation list in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ListPath {
    /// The guild: its Discord id.
    guild_id: GuildId,
    /// The list, from 0.
    #[param(minimum = 0)]
    list: i32,
}

/// See who issues
///
/// As an Open Badges Profile. Takes no key.
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/issuer", tag = "credentials", operation_id = "issuer_profile",
    params(InGuildPath), responses((status = 200, body = Profile), Problems), security(()))]
pub(super) async fn profile(
    State(app): State<App>,
    Path(path): Path<OfGuild>,
) -> Result<impl IntoResponse, Problem> {
    let profile = ops::profile(app.pool(), &Issuing::of(app.http()), path.guild_id).await?;
    Ok(([KEEP], Json(profile)))
}

/// See the public keys of an issuer
///
/// Those that were replaced too (RFC 7517). Takes no key.
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/issuer/keys", tag = "credentials", operation_id = "issuer_keys",
    params(InGuildPath), responses((status = 200, body = Jwks), Problems), security(()))]
pub(super) async fn keys(
    State(app): State<App>,
    Path(path): Path<OfGuild>,
) -> Result<impl IntoResponse, Problem> {
    let keys = ops::jwks(app.pool(), &Issuing::of(app.http()), path.guild_id).await?;
    Ok(([KEEP], Json(keys)))
}

/// See a public key of an issuer
///
/// The one that a signed document's `kid` names (RFC 7517). Takes no key.
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/issuer/keys/{key_id}", tag = "credentials",
    operation_id = "issuer_key", params(KeyPath), responses((status = 200, body = Jwk), Problems), security(()))]
pub(super) async fn key(
    State(app): State<App>,
    Path(path): Path<KeyPath>,
) -> Result<impl IntoResponse, Problem> {
    let key = ops::jwk(app.pool(), &Issuing::of(app.http()), path.guild_id, path.key_id).await?;
    Ok(([KEEP], Json(key)))
}

/// See a revocation list
///
/// A Bitstring Status List, signed: each bit stands for a credential, and tells nothing else of it. Takes no key.
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/status/{list}", tag = "credentials", operation_id = "issuer_status_list",
    params(ListPath), responses((status = 200, body = String, content_type = "application/vc+jwt"), Problems), security(()))]
pub(super) async fn status(
    State(app): State<App>,
    Path(path): Path<ListPath>,
) -> Result<impl IntoResponse, Problem> {
    let list = ops::status_list(app.pool(), &Issuing::of(app.http()), path.guild_id, path.list).await?;
    Ok(([KEEP, (header::CONTENT_TYPE, SIGNED)], list))
}

/// See what credentials are issued for
///
/// As an Open Badges Achievement. Takes no key.
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/achievements/{badge_id}", tag = "credentials",
    operation_id = "issuer_achievement", params(InGuildPath, BadgePath),
    responses((status = 200, body = serde_json::Value), Problems), security(()))]
pub(super) async fn achievement(
    State(app): State<App>,
    Path(path): Path<OfBadge>,
) -> Result<impl IntoResponse, Problem> {
    let said = ops::achievement(app.pool(), &Issuing::of(app.http()), path.guild_id, path.badge_id).await?;
    Ok(([KEEP], Json(said)))
}

/// See a badge's picture
///
/// A PNG. Takes no key.
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/achievements/{badge_id}/image", tag = "credentials",
    operation_id = "issuer_achievement_image", params(InGuildPath, BadgePath),
    responses((status = 200, body = String, content_type = "image/png"), Problems), security(()))]
pub(super) async fn achievement_image(
    State(app): State<App>,
    Path(path): Path<OfBadge>,
) -> Result<impl IntoResponse, Problem> {
    let png = ops::achievement_image(app.pool(), path.guild_id, path.badge_id).await?;
    Ok(([KEEP, (header::CONTENT_TYPE, "image/png")], png))
}

/// Verify a credential
///
/// Tells whether it is valid, expired, revoked or unknown, and for those that are known by whom and what for it was issued. Takes
/// no key.
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/verification/{credential_id}", tag = "credentials",
    operation_id = "credential_verify", params(InGuildPath, CredentialPath),
    responses((status = 200, body = Verification), Problems), security(()))]
pub(super) async fn verification(
    State(app): State<App>,
    Path(path): Path<OfCredential>,
) -> Result<Json<Verification>, Problem> {
    Ok(Json(ops::verification(app.pool(), path.guild_id, path.credential_id).await?))
}
