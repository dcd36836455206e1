//! Pure decisions: what an answer is worth, who stands before whom, who must wait, which seed makes whose input.
//! No SQL, no clock: whatever time matters is a parameter, and always the database's.

pub mod answer;
pub mod score;
pub mod seed;
pub mod windows;

pub use answer::{MAX_ANSWER_BYTES, answers_equal, canonical};
pub use score::{RankKey, Score, Scoring, UNSOLVED_BUCKET, points_for};
pub use seed::seed;
pub use windows::{FIVE_MINUTES, FIVE_SECONDS, Limits, Recent, lockout};
