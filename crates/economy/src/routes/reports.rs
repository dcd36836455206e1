//! The daily reports, and the ledger as CSV.

use access::openapi::InGuildPath;
use access::scope::EconomyWrite;
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{Page, PageQuery, Problem, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::export::{self, Filter};
use crate::model::Kind;
use crate::reports::{self, Report};

/// A day in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct DayPath {
    /// The UTC day, as in 2026-12-01.
    day: NaiveDate,
}

impl DayPath {
    /// The day, if it is one that there can be a report of. Here, since a path's errors do not say which part they are of.
    fn day(self) -> Result<NaiveDate, Problem> {
        if kernel::time::is_within(&self.day) {
            return Ok(self.day);
        }
        Err(Problem::field("day", "must be in the years 1 to 9999"))
    }
}

/// Which transactions to export.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportQuery {
    /// Only those that this member gave or received.
    user_id: Option<UserId>,
    /// Only those of this kind.
    #[param(inline)]
    kind: Option<Kind>,
    /// Only those from then on.
    #[serde(default, deserialize_with = "kernel::time::instant_if_any")]
    from: Option<DateTime<Utc>>,
    /// Only those before then.
    #[serde(default, deserialize_with = "kernel::time::instant_if_any")]
    until: Option<DateTime<Utc>>,
}

/// List the daily reports
///
/// Of the economy, the latest day first: what was minted and burnt, velocity, concentration.
#[utoipa::path(get, path = "/guilds/{guild_id}/economy/reports", tag = "economy",
    operation_id = "economy_report_list", params(InGuildPath, PageQuery),
    responses((status = 200, body = Page<Report>), Problems),
    security(("api_key" = ["economy:write"])))]
pub(super) async fn list(
    State(app): State<App>,
    guild: InGuild<EconomyWrite>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Report>>, Problem> {
    Ok(Json(reports::report_list(app.pool(), guild.guild_id, &page).await?))
}

/// See the report of a day
#[utoipa::path(get, path = "/guilds/{guild_id}/economy/reports/{day}", tag = "economy",
    operation_id = "economy_report_get", params(InGuildPath, DayPath),
    responses((status = 200, body = Report), Problems),
    security(("api_key" = ["economy:write"])))]
pub(super) async fn get(
    State(app): State<App>,
    guild: InGuild<EconomyWrite>,
    Path(path): Path<DayPath>,
) -> Result<Json<Report>, Problem> {
    Ok(Json(reports::report_get(app.pool(), guild.guild_id, path.day()?).await?))
}

/// Make the report of a day
///
/// Anew, from the ledger; today's is as of now. Those of past days are made by themselves, shortly after midnight UTC.
#[utoipa::path(put, path = "/guilds/{guild_id}/economy/reports/{day}", tag = "economy",
    operation_id = "economy_report_make", params(InGuildPath, DayPath),
    responses((status = 200, body = Report), Problems),
    security(("api_key" = ["economy:write"])))]
pub(super) async fn make(
    State(app): State<App>,
    guild: InGuild<EconomyWrite>,
    Path(path): Path<DayPath>,
) -> Result<Json<Report>, Problem> {
    Ok(Json(reports::report_make(app.pool(), guild.guild_id, path.day()?).await?))
}

/// Export transactions
///
/// As CSV, the oldest first, with a header line. Texts that a spreadsheet would take for formulas begin with an apostrophe.
/// An export that fails in the middle breaks the connection off.
#[utoipa::path(get, path = "/guilds/{guild_id}/economy/transactions.csv", tag = "economy",
    operation_id = "transaction_export", params(InGuildPath, ExportQuery),
    responses((status = 200, body = String, content_type = "text/csv"), Problems),
    security(("api_key" = ["economy:write"])))]
pub(super) async fn export(
    State(app): State<App>,
    guild: InGuild<EconomyWrite>,
    Query(query): Query<ExportQuery>,
) -> Response {
    let ExportQuery { user_id: user, kind, from, until } = query;
    let rows = export::csv(app.pool().clone(), guild.guild_id, Filter { user, kind, from, until });
    let name = format!("attachment; filename=\"transactions-{}.csv\"", guild.guild_id);
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    (headers, Body::from_stream(rows)).into_response()
}
