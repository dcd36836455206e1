//! Server-sent events: what happens in a guild or a campaign or to a member, and the leaderboard as it changes.
//!
//! Promises:
//! * A stream begins with what came after `Last-Event-ID` and goes on with what happens, in one order, without a gap and
//!   without a repetition; a client that is slow is served from the table until it has caught up. Who comes back so late that
//!   events were cleared away is told so.
//! * Nobody sees an event that they could not have read otherwise: each family of events takes a scope ([`access::sight`]), events
//!   about a member go to that member and to admins, and what a frozen scoreboard hides is hidden here.
//! * An idle stream costs a few kilobytes, and no query; it is woken by events of its guild, campaign or member only, and
//!   an event is written out once for all who read it.
//!
//! Map: `shares` how many streams a key or guild may hold · `stream` from the outbox to the wire · `routes` the two event streams · `boards` the
//! leaderboard as it changes.

mod boards;
mod routes;
mod shares;
mod stream;

use access::App;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use stream::Streams;

/// The routes, to be nested under `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(utoipa_axum::routes!(routes::guild_events))
        .routes(utoipa_axum::routes!(routes::campaign_events))
        .routes(utoipa_axum::routes!(routes::member_events))
        .routes(utoipa_axum::routes!(boards::leaderboard_stream))
}
