//! SQL, a file per family. Callers own the connection and the transaction.

mod assessments;
mod extensions;
mod peers;
mod regrades;
mod submissions;

pub(crate) use assessments::{AssessmentLock, Stand, assessment_ensure, assessment_lock, stands_of};
pub(crate) use extensions::{extension_get, extension_list, extension_put};
pub(crate) use peers::{
    Assignment, Open, assignment_end, assignment_get, assignments_cancel, assignments_expire,
    assignments_given, assignments_insert, assignments_live, candidates, comments_of, debt_add, debt_get,
    debt_pay, debts_forgive, debts_get, owing, review_hide, review_insert, reviews_of, reviews_owed,
};
pub(crate) use regrades::{
    Batch, regrade_advance, regrade_insert, regrade_list, regrade_lock, regrades_record,
};
pub(crate) use submissions::{
    Filter, Grade, NewSubmission, SubmissionRow, claim, claim_next, claim_release, escalate, grade_write,
    handed_in, history, late_put, submission_get, submission_insert, submission_list, submissions_count,
    submissions_of_learner, waits,
};
