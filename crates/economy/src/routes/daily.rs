//! The daily claim.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::EconomyPlay;
use access::{App, AsMember, Json, Problems};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::Problem;

use crate::model::{DailyReceipt, Occasion};
use crate::ops;

/// Claim today's bytes
///
/// Once per UTC date; claiming on consecutive dates makes a streak, which multiplies. A second claim of a date is answered
/// 409 `daily-already-claimed`, with the time of the next.
#[utoipa::path(post, path = "/guilds/{guild_id}/economy/daily", tag = "economy",
    operation_id = "daily_claim", params(InGuildPath, ActingMember, IdempotencyKey),
    responses((status = 201, body = DailyReceipt), Problems),
    security(("api_key" = ["economy:play"])))]
pub(super) async fn claim(
    State(app): State<App>,
    member: AsMember<EconomyPlay>,
) -> Result<(StatusCode, Json<DailyReceipt>), Problem> {
    let receipt = ops::daily_claim(app.pool(), member.guild_id, member.user_id, Occasion::Command).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(receipt)))
}
