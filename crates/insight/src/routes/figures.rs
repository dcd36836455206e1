//! Figures of days, quests and questions.

use access::openapi::InGuildPath;
use access::scope::LearningGrade;
use access::{App, InGuild, Json, Path, Problems, Query};
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{Days, NaiveDate};
use kernel::{Page, PageQuery, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::QuestPath;
use crate::csv;
use crate::error::Error;
use crate::model::{ItemFigures, QuestDayFigures, QuestFigures};
use crate::ops;

/// Days that are told unless others are asked for.
const RECENT: u64 = 90;

/// A day in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct DayPath {
    /// The UTC day, as in 2026-12-01.
    day: NaiveDate,
}

/// Which days to tell.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DaysQuery {
    /// The first day; 90 days before the last unless told.
    from: Option<NaiveDate>,
    /// The last day; today, UTC, unless told.
    until: Option<NaiveDate>,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    cursor: Option<String>,
}

/// Which days to export.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportQuery {
    /// The first day; 90 days before the last unless told.
    from: Option<NaiveDate>,
    /// The last day; today, UTC, unless told.
    until: Option<NaiveDate>,
    /// Only this quest's.
    quest_id: Option<learning::ids::QuestId>,
}

/// What was made.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub(super) struct DayMade {
    /// The day.
    day: NaiveDate,
    /// Of how many quests there are figures.
    quests: u64,
}

/// The days asked for.
async fn within(
    app: &App,
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
) -> Result<(NaiveDate, NaiveDate), Problem> {
    let until = if let Some(until) = until {
        until
    } else {
        let mut conn = db::acquire(app.pool()).await.map_err(Error::from)?;
        db::now(&mut conn).await.map_err(Error::from)?.date_naive()
    };
    if !kernel::time::is_within(&until) {
        return Err(Problem::field("until", "must be in the years 1 to 9999"));
    }
    let from = from.or_else(|| until.checked_sub_days(Days::new(RECENT))).unwrap_or(until);
    if !kernel::time::is_within(&from) {
        return Err(Problem::field("from", "must be in the years 1 to 9999"));
    }
    if from > until {
        return Err(Problem::field("from", "must not be later than `until`"));
    }
    Ok((from, until))
}

/// List figures by day
///
/// Of all quests that something happened in, the latest days first. Made every ten minutes; a day is made again when events of it
/// come late.
#[utoipa::path(get, path = "/guilds/{guild_id}/insight/days", tag = "insight", operation_id = "insight_day_list",
    params(InGuildPath, DaysQuery),
    responses((status = 200, body = Page<QuestDayFigures>), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn days(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Query(query): Query<DaysQuery>,
) -> Result<Json<Page<QuestDayFigures>>, Problem> {
    let within = within(&app, query.from, query.until).await?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(ops::day_list(app.pool(), guild.guild_id, None, within, &page).await?))
}

/// List a quest's figures by day
///
/// The latest days first.
#[utoipa::path(get, path = "/guilds/{guild_id}/insight/quests/{quest_id}/days", tag = "insight",
    operation_id = "insight_quest_day_list", params(InGuildPath, QuestPath, DaysQuery),
    responses((status = 200, body = Page<QuestDayFigures>), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn quest_days(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<QuestPath>,
    Query(query): Query<DaysQuery>,
) -> Result<Json<Page<QuestDayFigures>>, Problem> {
    let within = within(&app, query.from, query.until).await?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    Ok(Json(ops::day_list(app.pool(), guild.guild_id, Some(path.quest_id), within, &page).await?))
}

/// Export figures by day
///
/// As CSV, the latest days first, with a header line. Texts that a spreadsheet would take for formulas begin with an apostrophe.
#[utoipa::path(get, path = "/guilds/{guild_id}/insight/days.csv", tag = "insight", operation_id = "insight_day_export",
    params(InGuildPath, ExportQuery),
    responses((status = 200, body = String, content_type = "text/csv"), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn days_csv(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let within = within(&app, query.from, query.until).await?;
    let rows = csv::days(app.pool().clone(), guild.guild_id, query.quest_id, within);
    let name = format!("attachment; filename=\"learning-days-{}.csv\"", guild.guild_id);
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(rows)).into_response())
}

/// Make the figures of a day
///
/// Anew, from the attempts' events, those of this moment included. It happens by itself, too; doing it twice gives the same.
#[utoipa::path(put, path = "/guilds/{guild_id}/insight/days/{day}", tag = "insight", operation_id = "insight_day_make",
    params(InGuildPath, DayPath),
    responses((status = 200, body = DayMade), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn make(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<DayPath>,
) -> Result<Json<DayMade>, Problem> {
    if !kernel::time::is_within(&path.day) {
        return Err(Problem::field("day", "must be in the years 1 to 9999"));
    }
    let quests = ops::day_make(app.pool(), guild.guild_id, path.day).await?;
    Ok(Json(DayMade { day: path.day, quests }))
}

/// See a quest's figures
///
/// Version by version: who completes it, who gives up and at which step, how long it takes; the latest version beside the one before.
#[utoipa::path(get, path = "/guilds/{guild_id}/insight/quests/{quest_id}", tag = "insight", operation_id = "insight_quest_get",
    params(InGuildPath, QuestPath),
    responses((status = 200, body = QuestFigures), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn quest(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<QuestPath>,
) -> Result<Json<QuestFigures>, Problem> {
    Ok(Json(ops::quest_figures(app.pool(), guild.guild_id, path.quest_id).await?))
}

/// List a quest's questions with what they tell
///
/// First tries only: how many are right, whether better learners are more often, which wrong answers draw whom, which keys may be wrong.
#[utoipa::path(get, path = "/guilds/{guild_id}/insight/quests/{quest_id}/items", tag = "insight",
    operation_id = "insight_item_list", params(InGuildPath, QuestPath),
    responses((status = 200, body = Vec<ItemFigures>), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn items(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<QuestPath>,
) -> Result<Json<Vec<ItemFigures>>, Problem> {
    Ok(Json(ops::item_list(app.pool(), guild.guild_id, path.quest_id).await?))
}

/// A bank in the path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct BankPath {
    /// The bank, by its short name.
    bank_slug: String,
}

/// List a bank's questions with what they tell
///
/// Each over all quizzes that draw it, by the first time that each learner was asked.
#[utoipa::path(get, path = "/guilds/{guild_id}/insight/banks/{bank_slug}/items", tag = "insight",
    operation_id = "insight_bank_item_list", params(InGuildPath, BankPath),
    responses((status = 200, body = Vec<ItemFigures>), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn bank_items(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<BankPath>,
) -> Result<Json<Vec<ItemFigures>>, Problem> {
    Ok(Json(ops::bank_item_list(app.pool(), guild.guild_id, &path.bank_slug).await?))
}

/// Export a quest's questions with what they tell
///
/// As CSV, with a header line. Texts that a spreadsheet would take for formulas begin with an apostrophe.
#[utoipa::path(get, path = "/guilds/{guild_id}/insight/quests/{quest_id}/items.csv", tag = "insight",
    operation_id = "insight_item_export", params(InGuildPath, QuestPath),
    responses((status = 200, body = String, content_type = "text/csv"), Problems),
    security(("api_key" = ["learning:grade"])))]
pub(super) async fn items_csv(
    State(app): State<App>,
    guild: InGuild<LearningGrade>,
    Path(path): Path<QuestPath>,
) -> Result<Response, Problem> {
    let rows = ops::item_list(app.pool(), guild.guild_id, path.quest_id).await?;
    let name = format!("attachment; filename=\"questions-{}.csv\"", path.quest_id);
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, csv::items(&rows)).into_response())
}
