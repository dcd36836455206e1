//! Credentials, for those who hold them.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::{App, AsMember, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use kernel::{Page, PageQuery, Problem};

use super::{CredentialPath, SIGNED};
use crate::model::Credential;
use crate::ops::{self, Issuing};
use crate::scope::CredentialsRead;
use crate::store::Filter;

/// List one's credentials
///
/// The latest first.
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/mine", tag = "credentials", operation_id = "credential_mine_list",
    params(InGuildPath, ActingMember, PageQuery),
    responses((status = 200, body = Page<Credential>), Problems),
    security(("api_key" = ["credentials:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    member: AsMember<CredentialsRead>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Credential>>, Problem> {
    let filter = Filter { user: Some(member.user_id), ..Filter::default() };
    Ok(Json(ops::credential_list(app.pool(), member.guild_id, filter, &page).await?))
}

/// See one of one's credentials
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/mine/{credential_id}", tag = "credentials",
    operation_id = "credential_mine_get", params(InGuildPath, CredentialPath, ActingMember),
    responses((status = 200, body = Credential), Problems),
    security(("api_key" = ["credentials:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    member: AsMember<CredentialsRead>,
    Path(path): Path<CredentialPath>,
) -> Result<Json<Credential>, Problem> {
    let found = ops::credential_mine(app.pool(), member.guild_id, member.user_id, path.credential_id);
    Ok(Json(found.await?))
}

/// Download a credential
///
/// As the signed document (VC-JWT) that any verifier of Open Badges 3.0 takes.
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/mine/{credential_id}/document", tag = "credentials",
    operation_id = "credential_document", params(InGuildPath, CredentialPath, ActingMember),
    responses((status = 200, body = String, content_type = "application/vc+jwt"), Problems),
    security(("api_key" = ["credentials:read"])))]
pub(super) async fn document(
    State(app): State<App>,
    member: AsMember<CredentialsRead>,
    Path(path): Path<CredentialPath>,
) -> Result<impl IntoResponse, Problem> {
    let jwt =
        ops::credential_document(app.pool(), member.guild_id, member.user_id, path.credential_id).await?;
    let name = format!("attachment; filename=\"credential-{}.jwt\"", path.credential_id);
    Ok(([(header::CONTENT_TYPE, SIGNED.to_owned()), (header::CONTENT_DISPOSITION, name)], jwt))
}

/// Download a credential as a picture
///
/// The badge's picture, a PNG, with the signed document baked in.
#[utoipa::path(get, path = "/guilds/{guild_id}/credentials/mine/{credential_id}/image", tag = "credentials",
    operation_id = "credential_image", params(InGuildPath, CredentialPath, ActingMember),
    responses((status = 200, body = String, content_type = "image/png"), Problems),
    security(("api_key" = ["credentials:read"])))]
pub(super) async fn image(
    State(app): State<App>,
    member: AsMember<CredentialsRead>,
    Path(path): Path<CredentialPath>,
) -> Result<impl IntoResponse, Problem> {
    let png = ops::credential_baked(app.pool(), member.guild_id, member.user_id, path.credential_id).await?;
    let name = format!("attachment; filename=\"credential-{}.png\"", path.credential_id);
    Ok(([(header::CONTENT_TYPE, "image/png".to_owned()), (header::CONTENT_DISPOSITION, name)], png))
}

/// Have a credential issued anew
///
/// Under the name that the member has now; the one before is revoked then. Where nothing would be different, it stays.
#[utoipa::path(post, path = "/guilds/{guild_id}/credentials/mine/{credential_id}/reissue", tag = "credentials",
    operation_id = "credential_reissue", params(InGuildPath, CredentialPath, ActingMember, IdempotencyKey),
    responses((status = 200, body = Credential), Problems),
    security(("api_key" = ["credentials:read"])))]
pub(super) async fn reissue(
    State(app): State<App>,
    member: AsMember<CredentialsRead>,
    Path(path): Path<CredentialPath>,
) -> Result<Json<Credential>, Problem> {
    let issuing = Issuing::of(app.http());
    let anew =
        ops::credential_reissue(app.pool(), &issuing, member.guild_id, member.user_id, path.credential_id)
            .await?;
    app.wake().outbox();
    Ok(Json(anew))
}
