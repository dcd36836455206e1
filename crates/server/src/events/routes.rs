//! The event streams of a guild and of a campaign.

use access::openapi::{ActingMember, InGuildPath};
use access::scope::{CampaignsRead, CampaignsWrite, Scope as _};
use access::sight::Sight;
use access::{App, InGuild, Path, Problems, Query};
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use kernel::{CampaignId, GuildId, Problem, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::stream::{Streams, Wanted};

/// The most types a filter may name.
const MAX_TYPES: usize = 50;

/// Which events to send.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct EventQuery {
    /// Only these types, with commas between them: `campaign.started,challenge.solved`. All when left out.
    #[param(example = "campaign.started,challenge.released")]
    types: Option<String>,
}

/// Where a stream goes on.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is used; the header is read from the request")]
pub(super) struct LastEventId {
    /// The `id` of the last event seen: the stream begins with what came after it. Left out, with what happens from now on.
    #[param(rename = "Last-Event-ID", required = false, example = "1234-5678")]
    id: Option<String>,
}

impl EventQuery {
    fn types(&self) -> Result<Vec<String>, Problem> {
        let names = self.types.as_deref().unwrap_or_default().split(',').map(str::trim);
        let types: Vec<String> = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if types.len() > MAX_TYPES {
            return Err(Problem::field("types", format!("must name at most {MAX_TYPES} types")));
        }
        let plain = |name: &String| {
            name.len() <= 64
                && name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b))
        };
        if types.iter().all(plain) {
            return Ok(types);
        }
        Err(Problem::field("types", "must hold types such as `campaign.started`, with commas between them"))
    }
}

/// Follow a guild's events
///
/// Server-sent events. Each `data` is a JSON object as `CloudEvents` are: `id`, `type`, `source`, `subject`, `time`,
/// `guild_id`, `data`. Each `id` is a position: sent back as `Last-Event-ID`, the stream goes on after it, without gap or
/// repetition. The first message is of type `hello` and only says where the stream stands; one of type `gap` follows it if events
/// after the given position may be missing, as they are kept for 30 days: read anew what you show. A comment every 15 seconds shows
/// that the stream lives. Events of squads, bytes and members take their own scopes; events about a member are sent to that member
/// and to those who administer; what a frozen scoreboard hides is not sent.
#[utoipa::path(get, path = "/guilds/{guild_id}/events", tag = "events", operation_id = "guild_events",
    params(InGuildPath, EventQuery, LastEventId, ActingMember),
    responses((status = 200, description = "A stream without end.", body = String, content_type = "text/event-stream"), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn guild_events(
    Extension(streams): Extension<Streams>,
    guild: InGuild<CampaignsRead>,
    Query(query): Query<EventQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = Wanted { types: query.types()?, ..Wanted::default() };
    let sight = Sight::of(&guild.actor, &headers)?;
    let slot = streams.slot("guild", &guild.actor, guild.guild_id)?;
    streams.events(guild.guild_id, wanted, sight, &headers, slot).await
}

/// Follow what concerns a member
///
/// As a guild's events, but only those that concern the member: that are for them, or name them in their data. What is private
/// to the member is sent to the member, as whom the key acts, and to those who administer.
#[utoipa::path(get, path = "/guilds/{guild_id}/members/{user_id}/events", tag = "events",
    operation_id = "member_events",
    params(("guild_id" = GuildId, Path, description = "The guild: its Discord id."),
        ("user_id" = UserId, Path, description = "The member: a Discord user's id."), EventQuery, LastEventId, ActingMember),
    responses((status = 200, description = "A stream without end.", body = String, content_type = "text/event-stream"), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn member_events(
    Extension(streams): Extension<Streams>,
    guild: InGuild<CampaignsRead>,
    Path((_, user_id)): Path<(GuildId, UserId)>,
    Query(query): Query<EventQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = Wanted { types: query.types()?, concerning: Some(user_id), ..Wanted::default() };
    let sight = Sight::of(&guild.actor, &headers)?;
    let slot = streams.slot("member", &guild.actor, guild.guild_id)?;
    streams.events(guild.guild_id, wanted, sight, &headers, slot).await
}

/// Follow a campaign's events
///
/// As a guild's events, but only what concerns the campaign and its challenges.
#[utoipa::path(get, path = "/guilds/{guild_id}/campaigns/{campaign_id}/events", tag = "events",
    operation_id = "campaign_events",
    params(("guild_id" = GuildId, Path, description = "The guild: its Discord id."),
        ("campaign_id" = CampaignId, Path, description = "The campaign."), EventQuery, LastEventId, ActingMember),
    responses((status = 200, description = "A stream without end.", body = String, content_type = "text/event-stream"), Problems),
    security(("api_key" = ["campaigns:read"])))]
pub(super) async fn campaign_events(
    State(app): State<App>,
    Extension(streams): Extension<Streams>,
    guild: InGuild<CampaignsRead>,
    Path((_, campaign_id)): Path<(GuildId, CampaignId)>,
    Query(query): Query<EventQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let sight = Sight::of(&guild.actor, &headers)?;
    campaigns::ops::campaign_get(
        app.pool(),
        guild.guild_id,
        campaign_id,
        sight.administers(CampaignsWrite::NAME),
    )
    .await?;
    let wanted = Wanted {
        types: query.types()?,
        subject: Some(format!("campaigns/{campaign_id}")),
        ..Wanted::default()
    };
    let slot = streams.slot("campaign", &guild.actor, guild.guild_id)?;
    streams.events(guild.guild_id, wanted, sight, &headers, slot).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(text: &str) -> Result<Vec<String>, u16> {
        EventQuery { types: Some(text.to_owned()) }.types().map_err(|problem| problem.status())
    }

    #[test]
    fn types_are_a_list_with_commas() {
        assert_eq!(
            types("campaign.started, challenge.solved,"),
            Ok(vec!["campaign.started".into(), "challenge.solved".into()])
        );
        assert_eq!(types(""), Ok(Vec::new()));
        for bad in ["Campaign", "a b", "a\0", "1a", "ä"] {
            assert_eq!(types(bad), Err(400), "{bad}");
        }
    }
}
