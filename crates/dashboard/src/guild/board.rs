//! The guild's board of quests.

use access::scope::{CommunityPlay, CommunityRead};
use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use community::board::model::{BoardQuery, BoardQuest, BoardStatus};
use community::ids::BoardQuestId;
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::{Page, refused, shown_in_form};
use frame::shell::Shell;
use frame::typed::none;
use frame::visit::{Member, Visit};
use frame::{format, markdown, ui};
use kernel::Problem;
use serde::Deserialize;

/// A quest in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct QuestPath {
    board_quest_id: BoardQuestId,
}

/// Which quests.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    status: Option<BoardStatus>,
    cursor: Option<String>,
}

fn state(quest: &BoardQuest) -> Html {
    match quest.status {
        BoardStatus::Open => ui::seal("on", "Open"),
        BoardStatus::Claimed => ui::seal("soon", "Taken"),
        BoardStatus::Complete => ui::seal("done", "Done"),
    }
}

#[derive(Template)]
#[template(path = "guild/board.html")]
pub(super) struct BoardPage {
    shell: Shell,
    status: Option<BoardStatus>,
    quests: Vec<BoardQuest>,
    next: Option<String>,
}

impl BoardPage {
    fn is_chosen(&self, word: &str) -> bool {
        self.status.map_or("", BoardStatus::as_str) == word
    }

    fn query(&self) -> String {
        self.status.map(|status| format!("status={}", status.as_str())).unwrap_or_default()
    }

    fn about(quest: &BoardQuest) -> String {
        markdown::excerpt(&quest.description, 140)
    }
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Query(filter): Query<Filter>,
) -> Result<Page<BoardPage>, Problem> {
    let query = BoardQuery { status: filter.status, cursor: filter.cursor, ..BoardQuery::default() };
    let found = community::board::ops::quest_list(app.pool(), visit.guild_id(), query).await?;
    Ok(Page(BoardPage { shell: visit.shell, status: filter.status, quests: found.items, next: found.next }))
}

#[derive(Template)]
#[template(path = "guild/board_quest.html")]
pub(super) struct QuestPage {
    shell: Shell,
    quest: BoardQuest,
    form: Form,
}

impl QuestPage {
    fn at(&self, rest: &str) -> String {
        self.shell.at(&format!("/board/{}{rest}", self.quest.id))
    }

    fn text(&self) -> Html {
        markdown::render(&self.quest.description)
    }

    fn is_mine(&self) -> bool {
        self.quest.claimed_by.is_some() && self.quest.claimed_by == self.shell.member
    }

    fn is_open(&self) -> bool {
        self.quest.status == BoardStatus::Open
    }

    /// The address, where it may be followed.
    fn issue(&self) -> Option<&str> {
        self.quest.github_issue_url.as_deref().filter(|url| markdown::leads_somewhere(url))
    }
}

async fn page_of(app: &App, shell: Shell, path: QuestPath, form: Form) -> Result<QuestPage, Problem> {
    let quest = community::board::ops::quest_get(app.pool(), shell.guild_id, path.board_quest_id).await?;
    Ok(QuestPage { shell, quest, form })
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Path(path): Path<QuestPath>,
) -> Result<Page<QuestPage>, Problem> {
    Ok(Page(page_of(&app, visit.shell, path, Form::new()).await?))
}

async fn answered(
    app: &App,
    shell: Shell,
    path: QuestPath,
    outcome: Result<BoardQuest, community::Error>,
    text: &str,
) -> Result<Response, Problem> {
    match outcome.map_err(Problem::from) {
        Ok(quest) => {
            app.wake().outbox();
            Ok(done(app, &shell.at(&format!("/board/{}", quest.id)), text))
        }
        Err(problem) if shown_in_form(&problem) => {
            let page = page_of(app, shell, path, Form::refused(none(), problem.clone())).await?;
            Ok(refused(&page, &problem))
        }
        Err(problem) => Err(problem),
    }
}

pub(super) async fn claim(
    State(app): State<App>,
    member: Member<CommunityPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let outcome = community::board::ops::quest_claim(app.pool(), guild, path.board_quest_id, user).await;
    answered(&app, member.shell, path, outcome, "It is yours. Tell staff when it is done.").await
}

pub(super) async fn unclaim(
    State(app): State<App>,
    member: Member<CommunityPlay>,
    Path(path): Path<QuestPath>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let outcome = community::board::ops::quest_unclaim(app.pool(), guild, path.board_quest_id, user).await;
    answered(&app, member.shell, path, outcome, "It is open for others again.").await
}
