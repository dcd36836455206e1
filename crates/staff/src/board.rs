//! Quests of the board.

use access::scope::CommunityWrite;
use access::web::Repeatable;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use community::board::model::{BoardQuery, BoardQuest, BoardQuestEdit, BoardStatus, NewBoardQuest};
use community::board::ops;
use community::ids::BoardQuestId;
use frame::decode::Typed;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use kernel::Problem;
use serde::Deserialize;

use super::names::Names;
use super::sheet::{Sheet, actions, button, field, form, join, link, table, text, when};
use super::told::{led, told};
use super::{Cursor, timed_edit};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct QuestPath {
    board_quest_id: BoardQuestId,
}

fn at(shell: &Shell, id: BoardQuestId, rest: &str) -> String {
    shell.at(&format!("/staff/board/{id}{rest}"))
}

fn controls(values: &Form) -> Vec<Html> {
    vec![
        field(&values.line("title", "Title").required().max_length(200)),
        field(&values.text("description:text", "What is to be done", 6).help("Markdown.").max_length(10_000)),
        field(&values.number("xp_reward:int", "Brings XP").between(0, 1_000_000)),
        field(&values.number("gold_reward:int", "Brings gold").between(0, 1_000_000)),
        field(&values.number("claim_hours:int-null", "Who takes it has so many hours").between(1, 8_760)),
        field(&values.time("expires_at:time-null", "Until").help("In UTC.")),
        field(&values.line("github_issue_url:null", "Issue on GitHub").exact()),
    ]
}

fn deeds(shell: &Shell, quest: &BoardQuest) -> Html {
    let own = |rest: &str| at(shell, quest.id, rest);
    if quest.status == BoardStatus::Claimed {
        actions([
            shell.button(&own("/complete"), "It is done", ""),
            shell.button(&own("/release"), "Free it", "quiet"),
        ])
    } else if quest.active && quest.status == BoardStatus::Open {
        shell.button(&own("/remove"), "Take it down", "quiet")
    } else {
        Html::default()
    }
}

async fn board_page(app: &App, shell: Shell, cursor: Cursor, values: Form) -> Result<Sheet, Problem> {
    let query = BoardQuery { cursor: cursor.cursor, ..BoardQuery::default() };
    let page = ops::quest_list(app.pool(), shell.guild_id, query).await?;
    let names =
        Names::of(app, shell.guild_id, page.items.iter().filter_map(|quest| quest.claimed_by)).await?;
    let rows = page.items.iter().map(|quest| {
        let brings =
            format!("{} XP, {} gold", format::number(quest.xp_reward), format::number(quest.gold_reward));
        let who = quest.claimed_by.as_ref().map(|user| names.member(&shell, user));
        vec![
            link(at(&shell, quest.id, ""), &quest.title),
            text(brings),
            text(format::word(quest.status.as_str())),
            who.unwrap_or_default(),
            when(quest.expires_at.as_ref()),
            deeds(&shell, quest),
        ]
    });
    let heads = ["Quest", "Brings", "State", "Who", "Until", ""];
    let list = join([
        table("Quests", &heads, rows.collect(), "The board is empty."),
        ui::more(shell.at("/staff/board"), "", page.next.as_ref()),
    ]);
    let action = shell.at("/staff/board");
    let new = form(&shell, &action, controls(&values), [button("make", "Put it up", "primary")]);
    Ok(Sheet::new(shell, "Board").of(values).part("Quests", list).part("New quest", new))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(board_page(&app, visit.shell, cursor, Form::new()).await?))
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: NewBoardQuest = typed.read()?;
        let (author, once) = (visit.guild.author(), Repeatable::current());
        let made = ops::quest_create(app.pool(), visit.guild_id(), new, author, &once).await?;
        Ok(led(visit.shell.at("/staff/board"), format!("{} is on the board.", made.title)))
    };
    let outcome = create.await;
    told(&app, typed, outcome, |form| board_page(&app, visit.shell, Cursor::default(), form)).await
}

async fn quest_page(app: &App, shell: Shell, id: BoardQuestId, told: Form) -> Result<Sheet, Problem> {
    let quest = ops::quest_get(app.pool(), shell.guild_id, id).await?;
    let values = told.over(&quest);
    let change = form(&shell, &at(&shell, id, ""), controls(&values), [button("keep", "Keep", "primary")]);
    let deeds = deeds(&shell, &quest);
    let may_do = !deeds.as_str().is_empty();
    let is_open = quest.active && quest.status != BoardStatus::Complete;
    let lead = join([
        ui::seal(if is_open { "on" } else { "" }, &format::word(quest.status.as_str())),
        link(shell.at(&format!("/board/{id}")), "As members see it"),
    ]);
    Ok(Sheet::new(shell, quest.title)
        .below("/staff/board", "Board")
        .lead(lead)
        .of(values)
        .part_if(may_do, "What can be done", |_| deeds)
        .part_if(is_open, "Change it", |_| change))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<QuestPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(quest_page(&app, visit.shell, path.board_quest_id, Form::new()).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<QuestPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild, id) = (app.pool(), visit.guild_id(), path.board_quest_id);
    let update = async {
        let before = ops::quest_get(pool, guild, id).await?;
        let edit: BoardQuestEdit = timed_edit(&typed, &[("expires_at", before.expires_at.as_ref())])?;
        ops::quest_update(pool, guild, id, edit, visit.guild.author()).await?;
        Ok(led(at(&visit.shell, id, ""), "It is kept."))
    };
    let outcome = update.await;
    told(&app, typed, outcome, |form| quest_page(&app, visit.shell, id, form)).await
}

macro_rules! deeds {
    ($($name:ident, $op:ident, $said:literal;)*) => {
        $(
            pub(super) async fn $name(
                State(app): State<App>,
                visit: Visit<CommunityWrite>,
                Path(path): Path<QuestPath>,
                typed: Typed,
            ) -> Result<Response, Problem> {
                let (guild, id, author) = (visit.guild_id(), path.board_quest_id, visit.guild.author());
                let quest = ops::$op(app.pool(), guild, id, author).await;
                let to = visit.shell.at("/staff/board");
                let outcome = quest.map(|_| led(to, $said)).map_err(Problem::from);
                told(&app, typed, outcome, |form| quest_page(&app, visit.shell, id, form)).await
            }
        )*
    };
}
deeds! {
    complete, quest_complete, "It is done, and its reward is paid.";
    release, quest_release, "Others can take it on now.";
    remove, quest_remove, "It is off the board.";
}
