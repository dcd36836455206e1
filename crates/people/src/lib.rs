//! Guilds, people, and who is a member where.
//!
//! Promises:
//! * A person is one row of `people.users` whatever guilds they are in; what they are in a guild is one row of `people.members`. Both are
//!   made on first sight, by whoever sees them first ([`member_ensure`]).
//! * What one guild says of a person, be it a name, a face or that it is a bot, is that guild's: no other sees or believes it. What
//!   people told of themselves by signing in is shown to guilds that they are in. `people.known_as` is the one place that says so.
//! * Discord roles that the rules give or take reach Discord, whoever is away meanwhile ([`roles`]).
//!
//! Map: [`model`] the types · [`store`] SQL · [`ops`] transactions the faces call · [`names`] who is called what · [`notices`] what
//! happened for whom · [`preferences`] what
//! is announced about whom · [`privacy`] copies of what is known of a member, and forgetting · [`public`] what the world may see of a guild · [`roles`] Discord roles that follow the rules · [`jobs`](mod@jobs) what runs by the clock · [`error`] what can
//! go wrong · [`routes`] the HTTP face · `testing` (feature) two guilds with members.

pub mod error;
pub mod heading;
pub mod jobs;
pub mod model;
pub mod names;
pub mod notices;
pub mod ops;
pub mod preferences;
pub mod privacy;
pub mod public;
pub mod roles;
pub mod routes;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;

mod events;
mod github;
mod personal;
mod slice;

pub use error::Error;
pub use github::{github_get, github_link};
pub use model::{Member, MemberEdit};
pub use routes::router;
pub use slice::SLICE;
pub use store::{
    guild_ensure, guilds_known, guilds_lock, member_ensure, member_get, member_known, members_ensure,
    members_return,
};
