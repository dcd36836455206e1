//! What an admin does to a campaign's life.

use access::openapi::{IdempotencyKey, InGuildPath};
use access::scope::CampaignsWrite;
use access::{App, InGuild, Json, Path, Problems};
use axum::extract::State;
use chrono::{DateTime, Utc};
use kernel::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use super::CampaignPath;
use super::campaigns::asker;
use crate::model::Campaign;
use crate::ops;

/// How to publish.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Publication {
    /// When it starts, if that is not set yet or is to be another time.
    #[serde(default)]
    #[serde(deserialize_with = "kernel::time::instant_if_any")]
    start_time: Option<DateTime<Utc>>,
}

/// Publish a campaign
///
/// Opens registration and schedules its start, close and expiry. Publishing it again with another time moves them.
#[utoipa::path(post, path = "/guilds/{guild_id}/campaigns/{campaign_id}/publish", tag = "campaigns",
    operation_id = "campaign_publish", params(InGuildPath, CampaignPath, IdempotencyKey),
    request_body = Option<Publication>,
    responses((status = 200, body = Campaign), Problems),
    security(("api_key" = ["campaigns:write"])))]
pub(super) async fn publish(
    State(app): State<App>,
    guild: InGuild<CampaignsWrite>,
    Path(path): Path<CampaignPath>,
    publication: Option<Json<Publication>>,
) -> Result<Json<Campaign>, Problem> {
    let start_time = publication.and_then(|Json(p)| p.start_time);
    let campaign = ops::campaign_publish(
        app.pool(),
        app.wake(),
        guild.guild_id,
        asker(&guild),
        path.campaign_id,
        start_time,
    )
    .await?;
    Ok(Json(campaign))
}

macro_rules! transition {
    ($(#[$doc:meta])* $name:ident, $op:ident, $path:literal, $id:literal) => {
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "campaigns", operation_id = $id,
            params(InGuildPath, CampaignPath, IdempotencyKey),
            responses((status = 200, body = Campaign), Problems),
            security(("api_key" = ["campaigns:write"])))]
        pub(super) async fn $name(
            State(app): State<App>,
                    guild: InGuild<CampaignsWrite>,
            Path(path): Path<CampaignPath>,
        ) -> Result<Json<Campaign>, Problem> {
            Ok(Json(ops::$op(app.pool(), app.wake(), guild.guild_id, asker(&guild), path.campaign_id).await?))
        }
    };
}

transition!(
    /// Start a campaign now
    ///
    /// Publishes it with this instant as its start time; its first challenge is released at once.
    start,
    campaign_start,
    "/guilds/{guild_id}/campaigns/{campaign_id}/start",
    "campaign_start"
);
transition!(
    /// Close a running campaign
    ///
    /// Before its time, or because it does not close by itself. Standings are final from then on.
    close,
    campaign_close,
    "/guilds/{guild_id}/campaigns/{campaign_id}/close",
    "campaign_close"
);
transition!(
    /// Open the claims of a closed campaign
    ///
    /// At once, rather than some minutes after the close.
    open_rewards,
    campaign_open_rewards,
    "/guilds/{guild_id}/campaigns/{campaign_id}/open-rewards",
    "campaign_open_rewards"
);
transition!(
    /// Cancel a campaign
    ///
    /// Before or while it runs. What is scheduled is cancelled; entry fees go back if it never started.
    cancel,
    campaign_cancel,
    "/guilds/{guild_id}/campaigns/{campaign_id}/cancel",
    "campaign_cancel"
);
