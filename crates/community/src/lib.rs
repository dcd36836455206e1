//! People, members of guilds, and what they earned: XP, levels, gold and stars, each with its journal.
//!
//! Promises:
//! * A person is one row of `people.users` whatever guilds they are in; what they earned is one row of
//!   `people.members` per guild. Both are made on first sight, by whoever sees them first ([`member_ensure`]).
//! * XP, gold and stars change through [`grant`] alone, which journals every change in `progress.activity_log`, in the
//!   caller's transaction, exactly once per cause (guild, source system, source event). Members can therefore be
//!   re-derived from the journal, and [`audit`] does so.
//! * Reaching a level pays its gold once in a lifetime, however often XP is taken back and earned again.
//!
//! Map: [`model`] the types · [`rules`] the level curve · [`store`] SQL · [`ops`] transactions the faces call ·
//! [`ingest`] events in, [`rewards`] what they earn, [`lake`] what is known of them · [`people`] what members see of each other ·
//! [`roles`] Discord roles that follow the rules · [`jobs`](mod@jobs) what runs by the clock · [`audit`] re-derivation · [`error`] what can go wrong · [`routes`] the HTTP face.

pub mod audit;
pub mod error;
pub mod ingest;
pub mod jobs;
pub mod lake;
pub mod model;
pub mod ops;
pub mod people;
pub mod rewards;
pub mod roles;
pub mod routes;
pub mod rules;
pub mod store;

mod events;
mod grants;

// What a guild's life is made of.
pub mod achievements;
pub mod announcements;
pub mod author;
pub mod awards;
pub mod board;
pub mod categories;
pub mod ids;
pub mod import;
pub mod multipliers;
pub mod seasons;
pub mod shop;
pub mod skills;

mod fields;
mod fresh;

pub use author::Author;
pub use error::Error;
pub use grants::grant;
pub use model::{Event, Grant, Granted, LevelUp, Member, MemberEdit, Profile};
pub use routes::{PROBLEMS, router};
pub use rules::{Curve, level_for_xp};
pub use store::{guild_ensure, guilds_known, member_ensure, member_get, members_ensure};
