//! What every slice shares, and nothing else: ids, amounts, clock and chance, pages, and the one error that leaves the
//! house. No SQL and no I/O lives here. An edit to this crate rebuilds all others, so it is kept tiny and still.
//!
//! | module | holds |
//! |---|---|
//! | [`csv`] | a text as a field, safe in spreadsheets |
//! | [`fields`] | checks that many bodies share |
//! | [`id`] | newtypes over snowflakes and UUIDs, so that a guild is never taken for a member |
//! | [`amount`] | bytes, points, XP and gold: integers with a name, never floats |
//! | [`clock`] | where the time comes from when it is not the database |
//! | [`language`] | languages as tags, and which of several a reader gets |
//! | [`number`] | ids that are whole numbers |
//! | [`objects`] | JSON in which an object is an object, and no list by the order of its fields |
//! | [`page`] | keyset pages: opaque cursors, bounded limits |
//! | [`problem`] | RFC 9457 problem details, the only error a client ever sees |
//! | [`text`] | what is a name |
//! | [`time`] | which times and days requests may give |
//! | [`words`] | enums that are words |
//! | [`macro@boxed`] | an `async fn` that many await, compiled once |

pub mod amount;
pub mod clock;
pub mod csv;
pub mod fields;
pub mod files;
pub mod id;
pub mod language;
pub mod number;
pub mod objects;
pub mod page;
pub mod problem;
pub mod text;
pub mod time;
pub mod words;

pub use ::boxed::boxed;
pub use amount::{Bytes, Gold, Points, Xp};
pub use clock::Clock;
pub use id::{
    ApiKeyId, CampaignId, ChallengeId, ChannelId, GuildId, HintId, MessageId, RoleId, SquadId, SubmissionId,
    TimerId, UserId, WebhookId,
};
pub use page::{Cursor, Limit, Page, PageQuery};
pub use problem::{FieldError, Kind, Problem};
