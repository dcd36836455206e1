//! Announcements: what happens in a guild, told in its channels, at a pace that people can bear.
//!
//! Promises:
//! * What happened is announced once (by the event's id), in the channel that the guild chose for its kind, or that the thing
//!   names itself.
//! * At most [`release::PER_MINUTE`] announcements leave for a channel within any minute, over all nodes; the rest wait
//!   their turn, oldest first (by a lock per channel and the database's clock).
//! * Nobody is announced who does not wish to be: preferences are asked when an announcement's turn has come.
//! * What leaves is an event `announcement.due` in the outbox, of which the face that knows the channel makes a message.
//!
//! Map: [`model`] the types · [`producer`] from events to announcements · [`release`] whose turn it is · [`ops`]
//! transactions the faces call · `store` SQL · [`routes`] the HTTP face.

pub mod model;
pub mod ops;
pub mod producer;
pub mod release;
pub mod routes;

mod store;

pub use model::{Announcement, AnnouncementKind, AnnouncementStatus, ChannelChoice, NewNotice};
pub use producer::Producer;

::jobs::declare_events! {
    read "community:read", admin "community:write";

    "announcement.due" Admins "an announcement's turn has come" {
        announcement_id: Uuid = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "the announcement";
        channel_id: Snowflake = "175928847299117065", "the channel to post it in";
        kind: Text = "level_up", "level_up, achievement, award, season, quest, campaign or notice";
        user_id (optional): Snowflake = "175928847299117063", "whom it is about";
        what: Object = serde_json::json!({ "event": "member.levelled_up", "level": 7 }), "what happened: the event's type and data";
    }
}
