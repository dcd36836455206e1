//! Squads: teams of a guild, who is in them, and what changing them costs.
//!
//! Promises:
//! * A member is in one squad of a guild at most; a squad never holds more than its `max_members`, whoever joins at once.
//! * Every change of membership writes its row in the append-only `squads.squad_membership_log`, its outbox event
//!   (`squad.joined`, `squad.left`, `squad.moved`) and its payment in one transaction, so that memberships can be
//!   re-derived ([`audit`]) and asked for as of any instant (`squads.squad_at`, `squads.members_at`).
//! * Nobody moves or leaves while a squad campaign runs in which their squad takes part, unless that campaign allows it.
//! * Who is in a squad is to have its Discord role, and nobody else: wishes are written in the transaction of the change
//!   and announced until Discord is known to have them.
//!
//! Map: [`model`] the types · [`rules`] what a change costs · [`store`] SQL · `membership` how one is changed ·
//! [`ops`] transactions the faces call · [`pages`] a squad's page, and the leaderboard · [`figures`] what squads have, added up · [`roles`] Discord's roles ·
//! [`jobs`](mod@jobs) what runs by the clock ·
//! [`audit`] re-derivation · [`error`] what can go wrong · [`routes`] the HTTP face.

pub mod audit;
pub mod error;
pub mod figures;
pub mod jobs;
pub mod model;
pub mod ops;
pub mod pages;
pub mod roles;
pub mod routes;
pub mod rules;
pub mod store;

mod events;
mod membership;
mod personal;
mod slice;

pub use error::Error;
pub use model::{Assignment, MembershipChange, NewSquad, Squad, SquadEdit, SquadMember};
pub use routes::{PROBLEMS, router};
pub use slice::SLICE;
pub use store::{squad_get, squad_members, squad_of};
