//! Learning: paths, quests with their steps, quizzes, programs.

mod assessments;
mod files;
mod next;
mod opinion;
mod paths;
mod peers;
mod program;
mod quest;
mod quiz;
mod reviews;
mod search;

use access::App;
use axum::Router;
use axum::routing::{get, post};
use frame::html::Html;
use frame::markdown::OwnFile;
use frame::shell::Shell;
use frame::{markdown, ui};
use kernel::files::encoded;
use learning::ids::{AssessmentId, PathId, QuestId, StepId};
use learning::model::learner::{FileView, QuestState};
use learning::rules::files::file_named;
use serde::Deserialize;

/// A path in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
struct PathPath {
    path_id: PathId,
}

/// A quest in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
struct QuestPath {
    quest_id: QuestId,
}

impl QuestPath {
    fn at(self, shell: &Shell) -> String {
        shell.at(&format!("/learn/quests/{}", self.quest_id))
    }
}

/// A step in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
struct StepPath {
    quest_id: QuestId,
    step_id: StepId,
}

impl StepPath {
    const fn quest(self) -> QuestPath {
        QuestPath { quest_id: self.quest_id }
    }

    /// Where the step stands on its quest's page.
    fn at(self, shell: &Shell) -> String {
        format!("{}#step-{}", self.quest().at(shell), self.step_id)
    }
}

/// An assessment in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
struct AssessmentPath {
    quest_id: QuestId,
    assessment_id: AssessmentId,
}

impl AssessmentPath {
    const fn quest(self) -> QuestPath {
        QuestPath { quest_id: self.quest_id }
    }

    /// A deed at it.
    fn at(self, shell: &Shell, rest: &str) -> String {
        format!("{}/assessments/{}{rest}", self.quest().at(shell), self.assessment_id)
    }

    /// Where it stands among the others.
    fn back(self, shell: &Shell) -> String {
        format!("{}/assessments#assessment-{}", self.quest().at(shell), self.assessment_id)
    }
}

/// What an author wrote, Markdown: what it names as `files/NAME` is one of these files of the quest whose page is at `quest`, of this
/// version.
fn written(text: &str, quest: &str, version: Option<i32>, files: &[FileView]) -> Html {
    markdown::render_with(text, &|named| {
        let address = file_at(named, quest, version)?;
        let name = file_named(named)?;
        let size = files.iter().find(|file| file.name == name).and_then(|file| file.picture);
        Some(OwnFile { address, size })
    })
}

/// The address of the quest's file that an address in its texts leads to. Unless told, it is of the version that one has begun.
fn file_at(address: &str, quest: &str, version: Option<i32>) -> Option<String> {
    let name = file_named(address)?;
    let version = version.map(|version| format!("?version={version}")).unwrap_or_default();
    Some(format!("{quest}/files/{}{version}", encoded(&name)))
}

fn state(state: QuestState) -> Html {
    match state {
        QuestState::Locked => ui::seal("", "Locked"),
        QuestState::Open => ui::seal("on", "Open"),
        QuestState::InProgress => ui::seal("soon", "In progress"),
        QuestState::Paused => ui::seal("warn", "Put aside"),
        QuestState::Abandoned => ui::seal("bad", "Given up"),
        QuestState::Completed => ui::seal("done", "Done"),
    }
}

pub(super) fn router() -> Router<App> {
    let at = |rest: &str| format!("/g/{{guild_id}}/learn{rest}");
    let quest = |rest: &str| at(&format!("/quests/{{quest_id}}{rest}"));
    let step = |rest: &str| quest(&format!("/steps/{{step_id}}{rest}"));
    let assessment = |rest: &str| quest(&format!("/assessments/{{assessment_id}}{rest}"));
    Router::new()
        .route(&at(""), get(paths::list))
        .route(&at("/reviews"), get(reviews::show).post(reviews::ask))
        .route(&at("/reviews/stop"), post(reviews::stop))
        .route(&at("/reviews/{step_id}"), post(reviews::answer))
        .route(&at("/search"), get(search::show))
        .route(&at("/next"), get(next::show))
        .route(&at("/next/{quest_id}/dismissal"), post(next::dismiss))
        .route(&at("/next/{quest_id}/dismissal/undo"), post(next::undismiss))
        .route(&at("/reviews-to-do"), get(peers::to_do))
        .route(&at("/paths/{path_id}"), get(paths::show))
        .route(&at("/paths/{path_id}/enrolment"), post(paths::enrol))
        .route(&quest(""), get(quest::show))
        .route(&quest("/files/{name}"), get(files::get))
        .route(&quest("/attempt"), post(quest::begin))
        .route(&quest("/pause"), post(quest::pause))
        .route(&quest("/resume"), post(quest::resume))
        .route(&quest("/giving-up"), get(quest::giving_up).post(quest::give_up))
        .route(&quest("/notes"), post(quest::notes))
        .route(&quest("/upgrade"), get(quest::upgrade).post(quest::upgrade_now))
        .route(&quest("/opinion"), get(opinion::show).post(opinion::put))
        .route(&quest("/assessments"), get(assessments::list))
        .route(&assessment("/quiz"), post(assessments::begin))
        .route(&assessment("/answers"), post(assessments::answer))
        .route(&assessment("/program"), post(assessments::run))
        .route(&assessment("/work"), post(assessments::hand_in))
        .route(&assessment("/reviews"), post(peers::request))
        .route(&assessment("/reviews/{review_id}"), post(peers::submit))
        .route(&assessment("/reviews/{review_id}/decline"), post(peers::decline))
        .route(&step("/completion"), post(quest::complete))
        .route(&step("/skip"), post(quest::skip))
        .route(&step("/quiz"), post(quiz::begin))
        .route(&step("/answers"), post(quiz::answer))
        .route(&step("/program"), post(program::run))
        .route(&step("/work"), post(quest::hand_in))
}
