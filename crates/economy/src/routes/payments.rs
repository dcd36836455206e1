//! Paying, and being awarded or fined.

use access::openapi::{ActingMember, IdempotencyKey, InGuildPath};
use access::scope::{EconomyPlay, EconomyWrite};
use access::web::Provided;
use access::{App, AsMember, InGuild, Json, Problems};
use axum::extract::State;
use axum::http::StatusCode;
use kernel::Problem;

use crate::model::{AwardRequest, Receipt, TransferRequest};
use crate::ops;
use crate::transfers::{Transfer, TransferWriter};

/// Pay another member
///
/// Whole bytes up to the guild's `max_transfer`, once per cooldown; not to yourself, nor to bots.
#[utoipa::path(post, path = "/guilds/{guild_id}/economy/transfers", tag = "economy",
    operation_id = "transfer_create", params(InGuildPath, ActingMember, IdempotencyKey),
    request_body = TransferRequest,
    responses((status = 201, body = Receipt), Problems),
    security(("api_key" = ["economy:play"])))]
pub(super) async fn transfer(
    member: AsMember<EconomyPlay>,
    Provided(writer): Provided<TransferWriter>,
    Json(request): Json<TransferRequest>,
) -> Result<(StatusCode, Json<Receipt>), Problem> {
    let receipt = writer.transfer(Transfer::new(member.guild_id, member.user_id, &request)?).await?;
    Ok((StatusCode::CREATED, Json(receipt)))
}

/// Give a member bytes, or take some
///
/// From or to the house. Written to the audit log.
#[utoipa::path(post, path = "/guilds/{guild_id}/economy/awards", tag = "economy",
    operation_id = "award_create", params(InGuildPath, IdempotencyKey), request_body = AwardRequest,
    responses((status = 201, body = Receipt), Problems),
    security(("api_key" = ["economy:write"])))]
pub(super) async fn award(
    State(app): State<App>,
    guild: InGuild<EconomyWrite>,
    Json(request): Json<AwardRequest>,
) -> Result<(StatusCode, Json<Receipt>), Problem> {
    let receipt = ops::award(app.pool(), guild.guild_id, &request, guild.by(), &guild.origin).await?;
    app.wake().outbox();
    Ok((StatusCode::CREATED, Json(receipt)))
}
