//! Seasons: windows of competition, one after the other.
//!
//! Promises:
//! * The windows of a guild's seasons do not overlap, so that an event belongs to one season at most, and its time alone
//!   decides which: however late it arrives, and while the season is rolled over ([`Calendar::at`]).
//! * One season of a guild runs at a time. It is rolled over at its end by a durable timer, or before by an
//!   administrator: it ends, its standings are archived, the counters of the running season begin anew, and the next one
//!   starts, all in one transaction. Standings in the archive are never computed again.
//! * Who counts events holds [`calendars`]' lock until the commit; a rollover waits for it and it for a rollover. So no
//!   event is counted between the archive and the new counters.
//!
//! Map: [`model`] the types · [`calendar`] which season a time belongs to · `turn` starting, ending, rolling over ·
//! `repeat` and `naming` how long the next one is and what it is called · [`ops`] transactions the faces call · `store` SQL · [`routes`] the HTTP face.

pub mod calendar;
pub(crate) mod derive;
pub mod model;
pub mod ops;
pub mod routes;
pub mod turn;

mod naming;
mod repeat;
mod store;

pub use calendar::{Calendar, calendars, season_at};
pub use model::{NewSeason, NextSeason, RepeatBy, RollSeason, Season, SeasonEdit, SeasonState, Standing};
pub(crate) use store::season_exists;

::jobs::declare_events! {
    read "community:read", admin "community:write";

    "season.started" Everyone "a season began" {
        season_id: Integer = 3, "the season";
        name: Text = "Spring", "its name";
        starts_at: Time = "2026-03-01T00:00:00Z", "its start";
        ends_at: Time = "2026-06-01T00:00:00Z", "its end";
    }
    "season.ended" Everyone "a season was rolled over, and its standings archived" {
        season_id: Integer = 3, "the season";
        name: Text = "Spring", "its name";
        starts_at: Time = "2026-03-01T00:00:00Z", "its start";
        ends_at: Time = "2026-06-01T00:00:00Z", "its end";
        members: Integer = 120, "how many members are in its standings";
        first: List = serde_json::json!([{ "user_id": "175928847299117063", "rank": 1, "stars": 420 }]), "up to three of those who came first";
    }
}
