//! Webhooks of a guild.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::{WebhooksRead, WebhooksWrite};
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use chrono::TimeDelta;
use kernel::{Page, PageQuery, Problem, WebhookId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::model::{NewWebhook, Ping, Webhook, WebhookEdit, WebhookWithSecret};
use crate::{Webhooks, ops};

/// A new secret is for its owner's eyes: nothing on the way may keep it, our own store of answers included.
const SHOWN_ONCE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// A webhook in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct WebhookPath {
    /// The webhook.
    pub(super) webhook_id: WebhookId,
}

/// List webhooks
///
/// Newest first, with how their deliveries stand.
#[utoipa::path(get, path = "/guilds/{guild_id}/webhooks", tag = "webhooks", operation_id = "webhook_list",
    params(InGuildPath, PageQuery), responses((status = 200, body = Page<Webhook>), Problems),
    security(("api_key" = ["webhooks:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<WebhooksRead>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Webhook>>, Problem> {
    Ok(Json(ops::webhook_list(app.pool(), guild.guild_id, &page).await?))
}

/// Make a webhook
///
/// The answer holds the secret that signs its requests, this once. It gets, from now on, the events that it names and that
/// the key which makes it may see. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/webhooks", tag = "webhooks", operation_id = "webhook_create",
    params(InGuildPath, IdempotencyKey), request_body = NewWebhook,
    responses((status = 201, body = WebhookWithSecret), Problems),
    security(("api_key" = ["webhooks:write"])))]
pub(super) async fn create(
    State(app): State<App>,
    Extension(webhooks): Extension<Webhooks>,
    guild: InGuild<WebhooksWrite>,
    Json(new): Json<NewWebhook>,
) -> Result<impl IntoResponse, Problem> {
    let made =
        ops::webhook_create(app.pool(), &webhooks, guild.guild_id, new, guild.by(), &guild.origin).await?;
    Ok((StatusCode::CREATED, SHOWN_ONCE, Json(made)))
}

/// See a webhook
#[utoipa::path(get, path = "/guilds/{guild_id}/webhooks/{webhook_id}", tag = "webhooks",
    operation_id = "webhook_get", params(InGuildPath, WebhookPath),
    responses((status = 200, body = Webhook), Problems), security(("api_key" = ["webhooks:read"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<WebhooksRead>,
    Path(path): Path<WebhookPath>,
) -> Result<Json<Webhook>, Problem> {
    Ok(Json(ops::webhook_get(app.pool(), guild.guild_id, path.webhook_id).await?))
}

/// Change a webhook
///
/// What is left out stays as it is. Changing the address or the types decides anew, by the scopes of the key that does so,
/// which events it may get; what was queued or given up for another address, or under other scopes, is forgotten. Disabling
/// gives up what is pending. Written to the audit log.
#[utoipa::path(patch, path = "/guilds/{guild_id}/webhooks/{webhook_id}", tag = "webhooks",
    operation_id = "webhook_update", params(InGuildPath, WebhookPath), request_body = WebhookEdit,
    responses((status = 200, body = Webhook), Problems), security(("api_key" = ["webhooks:write"])))]
pub(super) async fn update(
    State(app): State<App>,
    Extension(webhooks): Extension<Webhooks>,
    guild: InGuild<WebhooksWrite>,
    Path(path): Path<WebhookPath>,
    Json(edit): Json<WebhookEdit>,
) -> Result<Json<Webhook>, Problem> {
    let (id, by) = (path.webhook_id, guild.by());
    let webhook =
        ops::webhook_update(app.pool(), &webhooks, guild.guild_id, id, edit, by, &guild.origin).await?;
    Ok(Json(webhook))
}

/// Remove a webhook
///
/// With its deliveries. Written to the audit log.
#[utoipa::path(delete, path = "/guilds/{guild_id}/webhooks/{webhook_id}", tag = "webhooks",
    operation_id = "webhook_delete", params(InGuildPath, WebhookPath),
    responses((status = 204), Problems), security(("api_key" = ["webhooks:write"])))]
pub(super) async fn delete(
    State(app): State<App>,
    guild: InGuild<WebhooksWrite>,
    Path(path): Path<WebhookPath>,
) -> Result<StatusCode, Problem> {
    ops::webhook_delete(app.pool(), guild.guild_id, path.webhook_id, guild.by(), &guild.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How to rotate a secret.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateSecret {
    /// For how many hours the old secret signs too: 0 to 168, 24 unless told.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 168, default = 24)]
    overlap_hours: Option<u16>,
}

/// Rotate a webhook's secret
///
/// The answer holds the new one, this once. Requests carry a signature by each until the overlap is over. Written to the
/// audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/webhooks/{webhook_id}/rotate-secret", tag = "webhooks",
    operation_id = "webhook_rotate_secret", params(InGuildPath, WebhookPath, IdempotencyKey),
    request_body = RotateSecret, responses((status = 200, body = WebhookWithSecret), Problems),
    security(("api_key" = ["webhooks:write"])))]
pub(super) async fn rotate(
    State(app): State<App>,
    Extension(webhooks): Extension<Webhooks>,
    guild: InGuild<WebhooksWrite>,
    Path(path): Path<WebhookPath>,
    Json(body): Json<RotateSecret>,
) -> Result<impl IntoResponse, Problem> {
    let overlap = body.overlap_hours.map_or(ops::DEFAULT_OVERLAP, |hours| TimeDelta::hours(i64::from(hours)));
    let (id, by) = (path.webhook_id, guild.by());
    let made =
        ops::secret_rotate(app.pool(), &webhooks, guild.guild_id, id, overlap, by, &guild.origin).await?;
    Ok((SHOWN_ONCE, Json(made)))
}

/// Test a webhook
///
/// Posts an event of type `webhook.ping` at once, past the queue, and says what came of it. It is not repeated.
#[utoipa::path(post, path = "/guilds/{guild_id}/webhooks/{webhook_id}/ping", tag = "webhooks",
    operation_id = "webhook_ping", params(InGuildPath, WebhookPath, IdempotencyKey),
    responses((status = 200, body = Ping), Problems), security(("api_key" = ["webhooks:write"])))]
pub(super) async fn ping(
    State(app): State<App>,
    Extension(webhooks): Extension<Webhooks>,
    guild: InGuild<WebhooksWrite>,
    Path(path): Path<WebhookPath>,
) -> Result<Json<Ping>, Problem> {
    Ok(Json(ops::ping(app.pool(), &webhooks, guild.guild_id, path.webhook_id).await?))
}
