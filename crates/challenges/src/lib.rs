//! Challenges: what is asked, the input of each participant, the answers, and who stands where.
//!
//! What this slice promises:
//! - The same participant always gets the same input, on every node; nobody can compute another's; answers leave the server
//!   for nobody but admins.
//! - Each part is solved once by each participant, however many requests race; positions are exact; a limit records exactly as
//!   many wrong answers as it allows; a right answer is never refused for being one of a burst.
//! - While a scoreboard is frozen, nothing here tells what happened since to anybody but admins.
//! - Judging an answer, a page of a leaderboard and one's own rank cost the same whatever went before.
//!
//! | room | holds |
//! |---|---|
//! | [`rules`] | pure: points, rank keys, windows, seeds, the comparison of answers |
//! | [`model`] | the campaign as this slice sees it, and who acts for whom in it |
//! | [`catalogue`] | challenges as participants and authors see them |
//! | [`inputs`] | made on demand or ahead, kept, stamped |
//! | [`submissions`] | judged in batches |
//! | [`checks`] | answers that an author's checker has to look at |
//! | [`borrowed`] | answers that belong to somebody else, for staff |
//! | [`rejudge`] | what a changed rule would make of answers given before |
//! | [`standings`] | stored for good at the freeze and the close; [`leaderboard`]: read from them or live |
//! | [`hints`] | unlocked once, paid once |
//! | [`ops`] | what the faces call; `routes`: the HTTP face |
//! | [`audit`] | re-derives every figure from the answers |

pub mod audit;
pub mod borrowed;
pub mod catalogue;
pub mod checks;
pub mod error;
mod events;
pub mod hints;
pub mod inputs;
mod jobs;
pub mod leaderboard;
pub mod model;
pub mod ops;
mod personal;
pub mod rejudge;
mod routes;
pub mod rules;
mod slice;
pub mod standings;
mod store;
pub mod submissions;

pub use error::{Error, PROBLEMS};
pub use model::CampaignKey;
pub use routes::router;
pub use slice::SLICE;
pub use standings::{Snapshot, standings_snapshot};
pub use store::campaign_find;
pub use submissions::{Submission, SubmissionWriter, Verdict};
