//! How far readers of the outbox are behind.

use access::scope::OperationsRead;
use access::weekly::{Audit, Figure};
use access::{App, Global, Json, Problems};
use axum::Extension;
use axum::extract::State;
use delivery::lag::OutboxLag;
use kernel::{GuildId, Problem};

use crate::health::Scrape;

/// Positions of readers that another cluster counted: what happens now would be skipped. Every guild's, so told whichever was asked for. A
/// start settles it, and so does a repair.
pub(super) const AUDIT: Audit = Audit {
    drift: |conn, _| {
        Box::pin(async move {
            let Some(estranged) = jobs::outbox::estranged(&mut *conn).await? else { return Ok(Vec::new()) };
            let here = jobs::outbox::horizon(conn).await?;
            Ok(vec![Figure {
                guild_id: GuildId::new(0),
                what: format!("positions of the outbox's readers: {estranged}"),
                stored: estranged.position().map_or("another cluster's".to_owned(), |at| at.to_string()),
                derived: format!("at most {here}"),
            }])
        })
    },
    weekly: None,
};

/// See how far the outbox's readers are behind
#[utoipa::path(get, path = "/operations/outbox", tag = "operations", operation_id = "operations_outbox_show",
    responses((status = 200, body = OutboxLag), Problems), security(("api_key" = ["operations:read"])))]
pub(super) async fn show(
    State(app): State<App>,
    Extension(Scrape(settings)): Extension<Scrape>,
    _guard: Global<OperationsRead>,
) -> Result<Json<OutboxLag>, Problem> {
    Ok(Json(delivery::lag::lag(app.pool(), settings.nats.url.is_some()).await?))
}
