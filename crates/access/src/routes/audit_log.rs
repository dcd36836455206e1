//! The audit log over the API.

use axum::extract::State;
use chrono::{DateTime, Utc};
use kernel::{GuildId, Page, PageQuery, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::audit::{self, Entry, Filter};
use crate::openapi::{InGuildPath, Problems};
use crate::scope::{CampaignsWrite, OperationsRead, Scope as _};
use crate::web::{App, Global, InGuild, Json, Query};

/// Which entries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct LogQuery {
    /// Only what this actor did: `user:<id>`, `key:<id>`, `admin:<id>`, `cli` or `system`.
    actor: Option<String>,
    /// Only this deed: `CREATE`, `UPDATE`, `DELETE` and the like.
    action: Option<String>,
    /// Only changes of this table: `campaigns.campaigns`.
    target_table: Option<String>,
    /// Only changes of this row, by its key; takes a `target_table`.
    target_id: Option<String>,
    /// Only from this time on.
    #[serde(default, deserialize_with = "kernel::time::instant_if_any")]
    since: Option<DateTime<Utc>>,
    /// Only before this time.
    #[serde(default, deserialize_with = "kernel::time::instant_if_any")]
    until: Option<DateTime<Utc>>,
    /// How many to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// Lists what administrators changed in a guild, newest first, with before and after. Scripts, hints and descriptions of
/// challenges are shown to those who may write them (`campaigns:write`); others learn that they were changed.
#[utoipa::path(get, path = "/guilds/{guild_id}/audit-log", tag = "audit", operation_id = "guild_audit_log",
    params(InGuildPath, LogQuery), responses((status = 200, body = Page<Entry>), Problems),
    security(("api_key" = ["operations:read"])))]
pub(super) async fn of_guild(
    State(app): State<App>,
    guild: InGuild<OperationsRead>,
    Query(query): Query<LogQuery>,
) -> Result<Json<Page<Entry>>, Problem> {
    let mut page = list(&app, Some(guild.guild_id), query).await?;
    if !guild.actor.has(CampaignsWrite::NAME) {
        page.items = page.items.into_iter().map(Entry::without_authors_secrets).collect();
    }
    Ok(Json(page))
}

/// Lists what was changed that concerns the whole installation, newest first, with before and after.
#[utoipa::path(get, path = "/audit-log", tag = "audit", operation_id = "audit_log", params(LogQuery),
    responses((status = 200, body = Page<Entry>), Problems), security(("api_key" = ["operations:read"])))]
pub(super) async fn of_installation(
    State(app): State<App>,
    _global: Global<OperationsRead>,
    Query(query): Query<LogQuery>,
) -> Result<Json<Page<Entry>>, Problem> {
    Ok(Json(list(&app, None, query).await?))
}

async fn list(app: &App, guild: Option<GuildId>, query: LogQuery) -> Result<Page<Entry>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let (limit, after) = (page.limit()?, page.after()?);
    if query.target_id.is_some() && query.target_table.is_none() {
        return Err(Problem::field("target_table", "is missing: a target_id is a row of some table"));
    }
    let filter = Filter {
        actor: query.actor.as_deref().map(str::parse).transpose()?,
        action: query.action,
        target_table: query.target_table,
        target_id: query.target_id,
        since: query.since,
        until: query.until,
    };
    let mut conn = db::acquire(app.pool()).await?;
    Ok(audit::list(&mut conn, guild, &filter, after, limit).await?)
}
