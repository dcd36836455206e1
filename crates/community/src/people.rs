//! Members as they see themselves and each other: leaderboards, seasons, feed, charts, names, preferences; and a member's right to a copy of what
//! is known of them, and to be forgotten.
//!
//! Map: `standing` leaderboards · `seasons` figures by season · `activity` feed and charts · `preferences` opt-outs · `privacy` export and erasure.

mod activity;
mod preferences;
mod privacy;
mod seasons;
mod standing;

pub use activity::{Activity, ActivityQuery, DayFigures, DayQuery, activity, days};
pub use preferences::{Preferences, preferences_get, preferences_put};
pub use privacy::{Erased, MemberExport, member_erase, member_export};
pub use seasons::{MemberSeason, member_seasons};
pub use standing::{LeaderboardQuery, MAX_NAMES, Named, Placed, leaderboard, names};
