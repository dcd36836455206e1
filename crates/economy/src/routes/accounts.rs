//! What members have, and how they came by it.

use access::openapi::{InGuildPath, MemberPath};
use access::scope::EconomyRead;
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::extract::State;
use kernel::{Page, PageQuery, Problem, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::model::{Balance, Kind, LeaderboardRow, Transaction};
use crate::ops;

/// Which transactions to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    /// Only those that this member gave or received.
    user_id: Option<UserId>,
    /// Only those of this kind.
    #[param(inline)]
    kind: Option<Kind>,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// See what a member has
///
/// Whoever is asked about for the first time is given an account, with the guild's starting balance.
#[utoipa::path(get, path = "/guilds/{guild_id}/economy/balances/{user_id}", tag = "economy",
    operation_id = "balance_get", params(InGuildPath, MemberPath),
    responses((status = 200, body = Balance), Problems),
    security(("api_key" = ["economy:read"])))]
pub(super) async fn balance(
    State(app): State<App>,
    guild: InGuild<EconomyRead>,
    Path(path): Path<MemberPath>,
) -> Result<Json<Balance>, Problem> {
    Ok(Json(ops::balance_get(app.pool(), guild.guild_id, path.user_id).await?))
}

/// List members by what they have
///
/// The richest first; ties share a rank (1, 1, 3). Bots and those who left are not shown.
#[utoipa::path(get, path = "/guilds/{guild_id}/economy/leaderboard", tag = "economy",
    operation_id = "economy_leaderboard", params(InGuildPath, PageQuery),
    responses((status = 200, body = Page<LeaderboardRow>), Problems),
    security(("api_key" = ["economy:read"])))]
pub(super) async fn leaderboard(
    State(app): State<App>,
    guild: InGuild<EconomyRead>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LeaderboardRow>>, Problem> {
    Ok(Json(ops::leaderboard(app.pool(), guild.guild_id, &page).await?))
}

/// List transactions
///
/// Newest first: the guild's, or one member's.
#[utoipa::path(get, path = "/guilds/{guild_id}/economy/transactions", tag = "economy",
    operation_id = "transaction_list", params(InGuildPath, HistoryQuery),
    responses((status = 200, body = Page<Transaction>), Problems),
    security(("api_key" = ["economy:read"])))]
pub(super) async fn history(
    State(app): State<App>,
    guild: InGuild<EconomyRead>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<Page<Transaction>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(ops::history(app.pool(), guild.guild_id, query.user_id, query.kind, &page).await?))
}
