//! SQL, a file per family. Callers own the connection and the transaction.

mod attempts;
mod authoring;
mod graph;
mod learners;
mod progress;
mod publish;
mod rewards;
mod sources;
mod submissions;
mod tries;

pub use attempts::{Attempt, AttemptStatus, StepState, StepStatus, attempt_get, step_states};
pub use authoring::{PathRow, PathSummary, QuestRow, QuestSummary, Version};
pub use learners::{Learner, MemberFacts, facts, learner_find, learner_lock};

pub(crate) use attempts::{
    AttemptEvent, attempt_completed_write, attempt_insert, attempt_move, attempt_notes, attempt_restart,
    attempt_upgrade, attempts_of, current_version, event_insert, quest_published, step_put, steps_reset,
    tries_expire,
};
pub(crate) use authoring::{
    path_draft_put, path_get, path_insert, path_list, path_retire, quest_draft_put, quest_get, quest_insert,
    quest_list, quest_retire, quests_by_slug, version_list,
};
pub(crate) use graph::{graph_load, revision_get};
pub(crate) use progress::{
    ChapterRow, Enrolled, PathProgressRow, chapter_progress_put, chapters_of, enrolment_insert,
    enrolments_of, learners_behind, path_progress_put, paths_described,
};
pub(crate) use publish::{
    CatalogueLock, PublishedQuest, Snapshot, catalogue_lock, catalogue_touch, path_publish, quests_publish,
    quests_unknown, skills_unknown, snapshot_get, zone_exists,
};
pub(crate) use rewards::{Grant, attempted, earned_of_attempts, grants_insert, unlocked_of, unlocks_insert};
pub(crate) use sources::{
    slugs_taken, source_path, source_path_put, source_unchanged, sources_known, sources_put,
};
pub(crate) use submissions::{
    SubmissionRow, submission_grade, submission_insert, submission_list, submissions_count,
};
pub(crate) use tries::{
    Response, Try, responses_insert, shuffle_secret, tries_of, try_expire, try_grade, try_insert, try_store,
};
