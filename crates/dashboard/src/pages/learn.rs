//! Learning: paths, quests with their steps, quizzes, programs.

mod paths;
mod program;
mod quest;
mod quiz;
mod reviews;

use access::App;
use axum::Router;
use axum::routing::{get, post};
use learning::ids::{PathId, QuestId, StepId};
use learning::model::learner::QuestState;
use serde::Deserialize;

use crate::html::Html;
use crate::shell::Shell;
use crate::ui;

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
    Router::new()
        .route(&at(""), get(paths::list))
        .route(&at("/reviews"), get(reviews::show).post(reviews::ask))
        .route(&at("/reviews/stop"), post(reviews::stop))
        .route(&at("/reviews/{step_id}"), post(reviews::answer))
        .route(&at("/paths/{path_id}"), get(paths::show))
        .route(&at("/paths/{path_id}/enrolment"), post(paths::enrol))
        .route(&quest(""), get(quest::show))
        .route(&quest("/attempt"), post(quest::begin))
        .route(&quest("/pause"), post(quest::pause))
        .route(&quest("/resume"), post(quest::resume))
        .route(&quest("/giving-up"), get(quest::giving_up).post(quest::give_up))
        .route(&quest("/notes"), post(quest::notes))
        .route(&quest("/upgrade"), get(quest::upgrade).post(quest::upgrade_now))
        .route(&step("/completion"), post(quest::complete))
        .route(&step("/skip"), post(quest::skip))
        .route(&step("/quiz"), post(quiz::begin))
        .route(&step("/answers"), post(quiz::answer))
        .route(&step("/program"), post(program::run))
        .route(&step("/work"), post(quest::hand_in))
}
