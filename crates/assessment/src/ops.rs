//! What the faces call: each operation is a transaction.

mod extensions;
mod grade;
mod hand_in;
mod peers;
mod programs;
mod queue;
mod regrade;
mod task;
mod views;

pub use extensions::{extension_list, extension_put};
pub use grade::{submission_judge, submission_override};
pub use hand_in::submission_create;
pub(crate) use peers::reviews_request;
pub use peers::{
    review_decline, review_due, review_hide, review_remind, review_request, review_submit, reviews_owed,
};
pub use queue::{claim_release, submission_claim, submission_details, submission_list, submission_next};
pub use regrade::{regrade_create, regrade_get, regrade_list, regrade_preview, regrade_run, regrade_step};
pub use views::{assessment_list, quest_assessments, waiting};
