//! What the faces call: each operation is a transaction.

mod authoring;
mod banks;
mod complete;
mod elsewhere;
mod files;
mod foreign;
mod learn;
mod programs;
mod publish;
mod quizzes;
mod reachable;
mod states;
mod steps;
mod work;

pub use crate::store::current_version;
pub use access::Author;
pub use authoring::{
    PathSource, QuestSource, path_create, path_list, path_put, path_retire, path_source, person_of,
    quest_create, quest_list, quest_put, quest_retire, quest_source, quest_versions,
};
pub(crate) use authoring::{quest_document, read as document_read};
pub use banks::{bank_create, bank_list, bank_put, bank_retire, bank_source};
pub use complete::{Outcome, judged, judged_all, opened, recalculate};
pub use elsewhere::{Elsewhere, Round, learners_round, rules_come_true, steps_come_true};
pub use files::{file_content, file_find, file_source, files_view};
pub use foreign::{Brought, foreign_import};
pub use learn::{
    attempt_abandon, attempt_begin, attempt_notes_put, attempt_pause, attempt_resume, attempt_upgrade,
    path_enrol, upgrade_preview,
};
pub use programs::{program_judge, program_run};
pub use publish::{Published, bundle_import, path_publish, quest_publish};
pub use quizzes::{try_answer, try_begin};
pub(crate) use reachable::ensure_reachable as reachable;
pub use states::{path_view, paths_view, quest_head, quest_view};
pub(crate) use steps::{Confirmed, steps_complete};
pub use steps::{step_complete, step_open, step_skip};
pub use work::{Work, version_read, versions_read};
