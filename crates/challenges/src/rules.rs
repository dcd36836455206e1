//! Pure decisions: what an answer is worth, who stands before whom, who must wait, which seed makes whose input.
//! No SQL, no clock: whatever time matters is a parameter, and always the database's.

pub mod answer;
mod decimal;
pub(crate) mod owners;
pub mod score;
pub mod seed;
pub mod windows;

pub use answer::{
    AnswerRule, Compare, MAX_ANSWER_BYTES, MAX_PARTS, alternatives, canonical, is_right, points_differ,
    points_of, rule_of, rules_check, rules_read, rules_stored,
};
pub use score::{RankKey, Score, Scoring, UNSOLVED_BUCKET, points_for, share_of};
pub use seed::seed;
pub use windows::{FIVE_MINUTES, FIVE_SECONDS, Limits, Recent, lockout};
