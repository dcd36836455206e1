//! What is done on Discord: what waits, what was given up, and trying that again.

use access::scope::CommunityWrite;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use discord::effects::ops;
use frame::decode::Typed;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::{Visit, encode};
use frame::{format, ui};
use kernel::{PageQuery, Problem};
use moderation::model::EffectId;
use moderation::scopes::{ModerationRead, ModerationWrite};
use serde::Deserialize;
use uuid::Uuid;

use super::Cursor;
use super::sheet::{Sheet, aside, code, join, link, table, tabs, text, when};
use super::told::{led, told};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct EffectPath {
    discord_effect_id: Uuid,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct DeedPath {
    effect_id: EffectId,
}

/// Which effects.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    status: Option<String>,
    cursor: Option<String>,
}

async fn page(app: &App, shell: Shell, filter: Filter, told: Form) -> Result<Sheet, Problem> {
    let status = filter.status.as_deref().filter(|status| !status.is_empty());
    let wanted = PageQuery { limit: None, cursor: filter.cursor };
    let page = ops::effect_list(app.pool(), shell.guild_id, status, &wanted).await?;
    let rows = page.items.iter().map(|effect| {
        let retry = shell.at(&format!("/staff/effects/{}/retry", effect.id));
        let (state, way) = match effect.status.as_str() {
            "dead" => (ui::seal("bad", "Given up"), shell.button(&retry, "Try it again", "")),
            "done" => (ui::seal("done", "Done"), Html::default()),
            _ => (ui::seal("soon", "Waits"), Html::default()),
        };
        vec![
            text(format::word(&effect.kind)),
            code(&effect.target),
            state,
            text(format::number(effect.attempts)),
            text(effect.last_error.as_deref().unwrap_or_default()),
            when(effect.settled_at.as_ref().or(Some(&effect.created_at))),
            way,
        ]
    });
    let rows = rows.collect();
    let path = shell.at("/staff/effects");
    let query = status.map(|status| format!("status={}", encode(status))).unwrap_or_default();
    let here = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
    let ways = [
        (path.clone(), "All"),
        (format!("{path}?status=dead"), "Given up"),
        (format!("{path}?status=pending"), "Waiting"),
        (format!("{path}?status=done"), "Done"),
    ];
    let heads = ["What", "On", "State", "#Tries", "Why", "When", ""];
    let body = join([
        tabs("Which", &here, &ways),
        table("Effects", &heads, rows, "There is none."),
        ui::more(&path, query, page.next.as_ref()),
        aside(
            "Announcements, and roles that rewards give and take. What moderation does stands with moderation.",
        ),
    ]);
    Ok(Sheet::new(shell, "On Discord").of(told).part("The latest first", body))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(page(&app, visit.shell, filter, Form::new()).await?))
}

pub(super) async fn retry(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<EffectPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id, author) = (visit.guild_id(), path.discord_effect_id, visit.guild.author());
    let retried = ops::effect_retry(app.pool(), guild, id, author).await;
    let to = visit.shell.at("/staff/effects");
    let outcome = retried.map(|_| led(to, "It is tried again."));
    told(&app, typed, outcome, |form| page(&app, visit.shell, Filter::default(), form)).await
}

async fn undone_page(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let page = moderation::effects::dead_list(app.pool(), shell.guild_id, &cursor.page()).await?;
    let may = shell.may(<ModerationWrite as access::Scope>::NAME);
    let rows = page.items.iter().map(|effect| {
        let again = shell.at(&format!("/staff/undone/{}/again", effect.id));
        let case = effect
            .case_number
            .map(|number| link(shell.at(&format!("/staff/cases/{number}")), format!("#{number}")));
        let code_told = effect.error_code.map(|code| format!(" (Discord's {code})")).unwrap_or_default();
        vec![
            text(format::word(effect.kind.as_str())),
            code(&effect.target),
            case.unwrap_or_default(),
            text(format!("{}{code_told}", effect.error.as_deref().unwrap_or_default())),
            text(format::number(effect.attempts)),
            when(effect.settled_at.as_ref()),
            if may { shell.button(&again, "Try it again", "") } else { Html::default() },
        ]
    });
    let heads = ["What", "On", "Case", "Why", "#Tries", "Given up", ""];
    let body = join([
        table("Not done", &heads, rows.collect(), "Everything that was to be done is done."),
        ui::more(shell.at("/staff/undone"), "", page.next.as_ref()),
        aside(
            "Its case is in force again when it is tried again, unless its time is over or another took its place.",
        ),
    ]);
    Ok(Sheet::new(shell, "Not done on Discord").of(told).part("The latest first", body))
}

pub(super) async fn undone(
    State(app): State<App>,
    visit: Visit<ModerationRead>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(undone_page(&app, visit.shell, cursor, Form::new()).await?))
}

pub(super) async fn send_again(
    State(app): State<App>,
    visit: Visit<ModerationWrite>,
    Path(path): Path<DeedPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id, author) = (visit.guild_id(), path.effect_id, visit.guild.author());
    let sent = moderation::effects::send_again(app.pool(), guild, id, author).await;
    let to = visit.shell.at("/staff/undone");
    let outcome = sent.map(|()| led(to, "It is tried again.")).map_err(Problem::from);
    told(&app, typed, outcome, |form| undone_page(&app, visit.shell, Cursor::default(), form)).await
}
