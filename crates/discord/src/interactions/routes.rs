//! Interactions over HTTP, where Discord posts them.

use access::web::Provided;
use access::{App, Json};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use kernel::Problem;
use kernel::problem::UNAUTHENTICATED;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

use super::face::{First, first};
use super::model::Interaction;
use super::verify::verify;
use crate::bot::Bot;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().route("/discord/interactions", post(interact))
}

/// Takes an interaction of Discord's. For Discord alone, signed by it and in its own words, so no part of our API's document.
pub(crate) async fn interact(
    State(app): State<App>,
    Provided(bot): Provided<Option<Bot>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let off = || Problem::not_found("bot");
    let bot = bot.ok_or_else(off)?;
    let key = bot.public_key().ok_or_else(off)?;
    let head = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let now = db::now(&mut *db::acquire(app.pool()).await?).await?;
    verify(&key, head("x-signature-ed25519"), head("x-signature-timestamp"), &body, now)
        .map_err(|refusal| Problem::new(UNAUTHENTICATED, format!("It is not taken: {refusal}.")))?;
    let interaction: Interaction = serde_json::from_slice(&body)
        .map_err(|error| Problem::invalid(format!("No interaction: {error}.")))?;
    match first(&bot, interaction).await? {
        First::Now(answer) | First::Promised(answer, _) => Ok(Json(answer)),
        First::Repeated => Err(Problem::conflict("This interaction was taken before.")),
    }
}
