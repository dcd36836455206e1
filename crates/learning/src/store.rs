//! SQL, a file per family. Callers own the connection and the transaction.

mod assessments;
mod attempts;
mod authoring;
mod banks;
mod elsewhere;
mod files;
mod graph;
mod learners;
mod progress;
mod publish;
mod regrade;
mod rewards;
mod seen;
mod sources;
mod tries;

pub use assessments::{AssessmentState, assessments_of};
pub use attempts::{
    Attempt, AttemptEvent, AttemptStatus, StepState, StepStatus, attempt_get, attempts_at, current_version,
    event_insert, states_of, step_states,
};
pub use authoring::{PathRow, PathSummary, QuestRow, QuestSummary, Version};
pub use learners::{
    Learner, MemberFacts, MemberState, facts, learner_find, learner_lock, learners_find, member_state,
};
pub use seen::{Begun, QuestSeen, quest_seen};

pub(crate) use assessments::{assessments_in, assessments_put};
pub(crate) use attempts::{
    Done, attempt_insert, attempt_move, attempt_notes, attempt_restart, attempt_upgrade, attempts_done,
    attempts_of, current_versions, events_insert, quest_published, step_put, steps_put, steps_reset,
    tries_expire,
};
pub(crate) use authoring::{
    path_draft_put, path_get, path_insert, path_list, path_retire, quest_draft_put, quest_get, quest_insert,
    quest_list, quest_retire, quests_by_slug, version_list,
};
pub(crate) use banks::{bank_insert, bank_list, bank_retire, bank_uses, bank_write, banks_get, banks_load};
pub(crate) use elsewhere::{
    CameTrue, came_true, learners_after, learners_changed, learners_lately, rules_checked, squad_users,
};
pub(crate) use files::{file_get, files_lacking, files_put, files_sweep};
pub(crate) use graph::{graph_load, revision_get};
pub(crate) use learners::{facts_of, members_lock};
pub(crate) use progress::{
    ChapterRow, Enrolled, PathProgressRow, chapter_progress_put, chapters_of, enrolment_insert,
    enrolments_of, learners_behind, path_progress_put, paths_described,
};
pub use publish::Snapshot;
pub(crate) use publish::{
    CatalogueLock, PublishedQuest, catalogue_lock, catalogue_touch, path_publish, quests_publish,
    quests_unknown, skills_told, skills_unknown, snapshot_get, snapshots_get, zone_exists,
};
pub use regrade::{
    GradedResponse, GradedTry, graded_responses, graded_tries, learners_lock, programs_of, programs_told,
    tries_regrade,
};
pub(crate) use rewards::{
    Grant, Granted, Unlock, attempted, earned_of_attempts, grants_insert, unlocks_insert,
};
pub(crate) use seen::quest_head;
pub(crate) use sources::{
    slugs_taken, source_path, source_path_put, source_unchanged, sources_known, sources_put,
};
pub(crate) use tries::{
    Response, Try, responses_insert, shuffle_secret, tries_of, try_expire, try_grade, try_insert, try_store,
};
