//! What members earn: XP, levels, gold and stars, seasons, achievements and awards.
//!
//! Promises:
//! * XP, gold and stars change through the journal alone (`progress.activity_log`), in the caller's transaction, exactly once per cause
//!   (guild, source system, source event): by [`grant`], or by a batch of the lake's events. Members can therefore be re-derived from
//!   the journal, and [`audit`] does so.
//! * A level is what XP come to under the curve in force. Reaching one by XP pays its gold once in a lifetime, however often XP is taken
//!   back and earned again; a change of the curve pays nothing (`levels`).
//! * What reaches an achievement's threshold earns it in the same transaction, by whatever path it came.
//!
//! Map: [`model`] the types · [`rules`] the level curve · [`rewards`] what events earn · `journal` the only writer but for the lake's,
//! `grants` with a look at achievements · `levels` levels after a change of the curve · [`event_type`] and [`changes`] what the lake tells of · [`seasons`], [`achievements`],
//! [`awards`], [`import`] · [`profile`], [`leaderboard`], [`member_seasons`], [`activity`] what members see of it ·
//! [`jobs`](mod@jobs) what runs by the clock · [`audit`] re-derivation, [`figures`] what it looks at, [`drift`] what it finds · [`error`] what can go wrong · [`routes`]
//! the HTTP face.

pub mod achievements;
pub mod activity;
pub mod audit;
pub mod awards;
pub mod changes;
pub mod drift;
pub mod error;
pub mod event_type;
pub mod figures;
pub mod ids;
pub mod import;
pub mod jobs;
pub mod leaderboard;
pub mod member_seasons;
pub mod model;
pub mod profile;
pub mod rewards;
pub mod routes;
pub mod rules;
pub mod seasons;

mod events;
mod grants;
mod journal;
mod levels;
mod personal;
mod slice;

pub use error::Error;
pub use event_type::EventType;
pub use grants::grant;
pub use model::{Event, Grant, Granted, LevelUp};
pub use profile::Profile;
pub use routes::router;
pub use rules::{Curve, level_for_xp};
pub use slice::SLICE;
