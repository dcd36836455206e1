//! Raid mode, and what could not be done on Discord.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::{App, Author, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{Page, PageQuery, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::cases::moderator;
use crate::effects::{self, Effect};
use crate::model::{EffectId, NewRaid, Raid, RaidId};
use crate::ops;
use crate::scopes::{ModerationRead, ModerationWrite};

/// A raid in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct RaidPath {
    /// The raid.
    raid_id: RaidId,
}

/// An effect in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct EffectPath {
    /// The effect.
    effect_id: EffectId,
}

/// How many were let go.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = RaidReleased)]
pub(super) struct Released {
    /// Cases that were lifted.
    released: usize,
}

/// List raids
///
/// The latest first.
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/raids", tag = "moderation", operation_id = "raid_list",
    params(InGuildPath, PageQuery), responses((status = 200, body = Page<Raid>), Problems),
    security(("api_key" = ["moderation:read"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Raid>>, Problem> {
    Ok(Json(ops::raid_list(app.pool(), guild.guild_id, &page).await?))
}

/// Switch raid mode on
///
/// Invites are stopped, and who joins is dealt with, until its time is over. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/raids", tag = "moderation", operation_id = "raid_start",
    params(InGuildPath, IdempotencyKey), request_body = NewRaid,
    responses((status = 201, body = Raid), Problems), security(("api_key" = ["moderation:write"])))]
pub(super) async fn start(
    State(app): State<App>,
    guild: InGuild<ModerationWrite>,
    Json(new): Json<NewRaid>,
) -> Result<(StatusCode, Json<Raid>), Problem> {
    let by = moderator(&app, &guild).await?;
    let author = Author::new(guild.by(), &guild.origin);
    let raid = ops::raid_start(app.pool(), guild.guild_id, &new, None, &by, author).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(raid)))
}

/// Switch raid mode off
///
/// Before its time. Whom it hit stays hit until they are released. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/raids/end", tag = "moderation", operation_id = "raid_end",
    params(InGuildPath, IdempotencyKey), responses((status = 200, body = Raid), Problems),
    security(("api_key" = ["moderation:write"])))]
pub(super) async fn end(
    State(app): State<App>,
    guild: InGuild<ModerationWrite>,
) -> Result<Json<Raid>, Problem> {
    let by = moderator(&app, &guild).await?;
    let author = Author::new(guild.by(), &guild.origin);
    let raid = ops::raid_end(app.pool(), guild.guild_id, &by, author).await?;
    app.wake().outbox();
    Ok(Json(raid))
}

/// Let everybody go whom a raid's measures hit
///
/// Who is still banned or timed out. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/raids/{raid_id}/release", tag = "moderation",
    operation_id = "raid_release", params(InGuildPath, RaidPath, IdempotencyKey),
    responses((status = 200, body = Released), Problems), security(("api_key" = ["moderation:write"])))]
pub(super) async fn release(
    State(app): State<App>,
    guild: InGuild<ModerationWrite>,
    Path(path): Path<RaidPath>,
) -> Result<Json<Released>, Problem> {
    let by = moderator(&app, &guild).await?;
    let author = Author::new(guild.by(), &guild.origin);
    let released = ops::raid_release(app.pool(), guild.guild_id, path.raid_id, &by, author).await?;
    app.wake().outbox();
    Ok(Json(Released { released }))
}

/// List what could not be done on Discord
///
/// The latest first, each with why.
#[utoipa::path(get, path = "/guilds/{guild_id}/moderation/effects", tag = "moderation", operation_id = "effect_dead_list",
    params(InGuildPath, PageQuery), responses((status = 200, body = Page<Effect>), Problems),
    security(("api_key" = ["moderation:read"])))]
pub(super) async fn failed(
    State(app): State<App>,
    guild: InGuild<ModerationRead>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Effect>>, Problem> {
    Ok(Json(effects::dead_list(app.pool(), guild.guild_id, &page).await?))
}

/// Try again what could not be done on Discord
///
/// Its case is in force again, unless its time is over or another took its place. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/moderation/effects/{effect_id}/send-again", tag = "moderation",
    operation_id = "effect_send_again", params(InGuildPath, EffectPath, IdempotencyKey),
    responses((status = 204), Problems), security(("api_key" = ["moderation:write"])))]
pub(super) async fn send_again(
    State(app): State<App>,
    guild: InGuild<ModerationWrite>,
    Path(path): Path<EffectPath>,
) -> Result<StatusCode, Problem> {
    let author = Author::new(guild.by(), &guild.origin);
    effects::send_again(app.pool(), guild.guild_id, path.effect_id, author).await?;
    Ok(StatusCode::NO_CONTENT)
}
