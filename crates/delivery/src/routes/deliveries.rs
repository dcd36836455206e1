//! What was delivered, what was not, and sending it again.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::{WebhooksRead, WebhooksWrite};
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::Extension;
use axum::extract::State;
use kernel::{Page, PageQuery, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use super::webhooks::WebhookPath;
use crate::model::{Delivery, DeliveryStatus, Replay, Replayed};
use crate::{Webhooks, ops};

/// Which deliveries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveryQuery {
    /// Only those that stand so: `PENDING`, `DELIVERED` or `DEAD`.
    status: Option<DeliveryStatus>,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// List a webhook's deliveries
///
/// Newest first. Dead letters are those with status `DEAD`. Delivered ones are kept three days, dead letters thirty.
#[utoipa::path(get, path = "/guilds/{guild_id}/webhooks/{webhook_id}/deliveries", tag = "webhooks",
    operation_id = "webhook_delivery_list", params(InGuildPath, WebhookPath, DeliveryQuery),
    responses((status = 200, body = Page<Delivery>), Problems), security(("api_key" = ["webhooks:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<WebhooksRead>,
    Path(path): Path<WebhookPath>,
    Query(query): Query<DeliveryQuery>,
) -> Result<Json<Page<Delivery>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (guild, id) = (guild.guild_id, path.webhook_id);
    Ok(Json(ops::delivery_list(app.pool(), guild, id, query.status, &page).await?))
}

/// Replay dead letters
///
/// Named ones, all of them, or those given up in a time range. They go back to their old places in the order, before what
/// happened since. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/webhooks/{webhook_id}/replay", tag = "webhooks",
    operation_id = "webhook_replay", params(InGuildPath, WebhookPath, IdempotencyKey), request_body = Replay,
    responses((status = 200, body = Replayed), Problems), security(("api_key" = ["webhooks:write"])))]
pub(super) async fn replay(
    State(app): State<App>,
    Extension(webhooks): Extension<Webhooks>,
    guild: InGuild<WebhooksWrite>,
    Path(path): Path<WebhookPath>,
    Json(replay): Json<Replay>,
) -> Result<Json<Replayed>, Problem> {
    let (id, by) = (path.webhook_id, guild.by());
    let replayed = ops::replay(app.pool(), &webhooks, guild.guild_id, id, &replay, by, &guild.origin).await?;
    Ok(Json(Replayed { replayed }))
}
