//! What was issued, and the keys it is signed with, for who looks after it.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::{App, Author, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::CredentialPath;
use crate::ids::BadgeId;
use crate::model::{Credential, Issue, IssuerKey, NewKey, Revocation};
use crate::ops::{self, Issuing};
use crate::scope::CredentialsWrite;
use crate::store::Filter;

/// Which credentials to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialQuery {
    /// Of this member.
    user_id: Option<UserId>,
    /// For this badge.
    badge_id: Option<BadgeId>,
    /// Those that were revoked, or those that were not.
    revoked: Option<bool>,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// List credentials
///
/// The latest first.
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials", tag = "credentials", operation_id = "credential_list",
    params(InGuildPath, CredentialQuery),
    responses((status = 200, body = Page<Credential>), Problems),
    security(("api_key" = ["credentials:write"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<CredentialsWrite>,
    Query(query): Query<CredentialQuery>,
) -> Result<Json<Page<Credential>>, Problem> {
    let filter = Filter { user: query.user_id, badge: query.badge_id, revoked: query.revoked };
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(ops::credential_list(app.pool(), guild.guild_id, filter, &page).await?))
}

/// Issue a credential
///
/// By hand, to a member who earned it and holds none, such as after a revocation by mistake; otherwise they are issued by themselves.
/// Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/credentials", tag = "credentials", operation_id = "credential_issue",
    params(InGuildPath, IdempotencyKey), request_body = Issue,
    responses((status = 201, body = Credential), Problems),
    security(("api_key" = ["credentials:write"])))]
pub(super) async fn issue(
    State(app): State<App>,
    guild: InGuild<CredentialsWrite>,
    Json(issue): Json<Issue>,
) -> Result<(StatusCode, Json<Credential>), Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    let whom = (issue.badge_id, issue.user_id);
    let issued =
        ops::credential_issue(app.pool(), &Issuing::of(app.http()), guild.guild_id, whom, author).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(issued)))
}

/// Revoke a credential
///
/// For good; its holder is told why, and whoever verifies it that it is revoked. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/credentials/{credential_id}/revocation", tag = "credentials",
    operation_id = "credential_revoke", params(InGuildPath, CredentialPath, IdempotencyKey), request_body = Revocation,
    responses((status = 200, body = Credential), Problems),
    security(("api_key" = ["credentials:write"])))]
pub(super) async fn revoke(
    State(app): State<App>,
    guild: InGuild<CredentialsWrite>,
    Path(path): Path<CredentialPath>,
    Json(revocation): Json<Revocation>,
) -> Result<Json<Credential>, Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    let revoked =
        ops::credential_revoke(app.pool(), guild.guild_id, path.credential_id, &revocation.reason, author)
            .await?;
    app.wake().outbox();
    Ok(Json(revoked))
}

/// List signing keys
///
/// The newest first, which signs; never their private halves.
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/keys", tag = "credentials", operation_id = "credential_key_list",
    params(InGuildPath),
    responses((status = 200, body = Vec<IssuerKey>), Problems),
    security(("api_key" = ["credentials:write"])))]
pub(super) async fn keys(
    State(app): State<App>,
    guild: InGuild<CredentialsWrite>,
) -> Result<Json<Vec<IssuerKey>>, Problem> {
    Ok(Json(ops::key_list(app.pool(), guild.guild_id).await?))
}

/// Change the signing key
///
/// A new one signs from now on; the private half of the one before is destroyed, and what it signed stays valid. Written to the
/// audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/credentials/keys", tag = "credentials", operation_id = "credential_key_rotate",
    params(InGuildPath, IdempotencyKey), request_body = NewKey,
    responses((status = 201, body = IssuerKey), Problems),
    security(("api_key" = ["credentials:write"])))]
pub(super) async fn rotate(
    State(app): State<App>,
    guild: InGuild<CredentialsWrite>,
    Json(new): Json<NewKey>,
) -> Result<(StatusCode, Json<IssuerKey>), Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    let issuing = Issuing::of(app.http());
    let made = ops::key_rotate(app.pool(), &issuing, guild.guild_id, new.algorithm, author).await?;
    Ok((StatusCode::CREATED, Json(made)))
}
