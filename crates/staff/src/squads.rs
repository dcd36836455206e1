//! Squads, and who is in them.

use access::scope::SquadsWrite;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use frame::decode::Typed;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem, SquadId};
use serde::Deserialize;
use serde_json::json;
use squads::{model, ops};

use super::Cursor;
use super::names::Names;
use super::sheet::{Sheet, button, field, form, join, link, says, table, text};
use super::told::{Done, led, told};

/// How many members of a squad are shown.
const SHOWN: i64 = 200;

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct SquadPath {
    squad_id: SquadId,
}

fn at(shell: &Shell, id: SquadId, rest: &str) -> String {
    shell.at(&format!("/staff/squads/{id}{rest}"))
}

fn controls(values: &Form) -> Vec<Html> {
    vec![
        field(&values.line("name", "Name").required().max_length(100)),
        field(&values.line("description:null", "What it is about").max_length(500)),
        field(&values.line("role_id:null", "Role on Discord").exact().help("A Discord id.")),
        field(&values.number("switch_cost:int", "Moving to it costs, in bytes").between(0, 1_000_000)),
        field(&values.number("max_members:int-null", "At most so many members")),
    ]
}

async fn list_page(app: &App, shell: Shell, cursor: Cursor, form_told: Form) -> Result<Sheet, Problem> {
    let values = form_told.over(&json!({ "switch_cost": 50 }));
    let page = ops::squad_list(app.pool(), shell.guild_id, true, &cursor.page()).await?;
    let rows = page.items.iter().map(|squad| {
        vec![
            link(at(&shell, squad.id, ""), &squad.name),
            text(format::number(squad.member_count)),
            text(format::number(squad.switch_cost)),
            if squad.is_active { ui::seal("on", "Open") } else { ui::seal("bad", "Retired") },
        ]
    });
    let rows = rows.collect();
    let list = join([
        table("Squads", &["Squad", "#Members", "#Moving costs", "State"], rows, "There is none yet."),
        ui::more(shell.at("/staff/squads"), "", page.next.as_ref()),
    ]);
    let action = shell.at("/staff/squads");
    let new = form(&shell, &action, controls(&values), [button("make", "Make it", "primary")]);
    Ok(Sheet::new(shell, "Squads").of(values).part("Squads", list).part("New squad", new))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(list_page(&app, visit.shell, cursor, Form::new()).await?))
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: model::NewSquad = typed.read()?;
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        let made = ops::squad_create(app.pool(), visit.guild_id(), new, by, origin).await?;
        Ok(led(at(&visit.shell, made.id, ""), format!("{} is there.", made.name)))
    };
    let outcome = create.await;
    told(&app, typed, outcome, |form| list_page(&app, visit.shell, Cursor::default(), form)).await
}

async fn squad_page(app: &App, shell: Shell, id: SquadId, form_told: Form) -> Result<Sheet, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let all = PageQuery { limit: Some(SHOWN), cursor: None };
    let (squad, members) = try_join!(
        ops::squad_get(pool, guild, id).err_into::<Problem>(),
        ops::member_list(pool, guild, id, &all).err_into::<Problem>()
    )?;
    let names = Names::of(app, guild, members.items.iter().map(|member| member.user_id)).await?;
    let values = form_told.over(&squad);
    let change = form(&shell, &at(&shell, id, ""), controls(&values), [button("keep", "Keep", "primary")]);
    let rows = members.items.iter().map(|member| {
        let out = at(&shell, id, &format!("/remove?user_id={}", member.user_id));
        vec![names.member(&shell, &member.user_id), shell.button(&out, "Take out", "quiet")]
    });
    let members = join([
        table("Members", &["Who", ""], rows.collect(), "Nobody yet."),
        form(
            &shell,
            &at(&shell, id, "/assign"),
            [
                field(&values.line("user_id", "Discord id").exact().required()),
                field(&values.check("force:bool", "Even if they are in another squad, or it is full")),
            ],
            [button("add", "Put them in", "")],
        ),
    ]);
    let is_active = squad.is_active;
    let retire = join([
        says("Nobody can join it any more, and its members are in no squad. What it has won stays with it."),
        shell.button(&at(&shell, id, "/retire"), "Retire it", "grave"),
    ]);
    Ok(Sheet::new(shell, squad.name)
        .below("/staff/squads", "Squads")
        .of(values)
        .part("Settings", change)
        .part("Members", members)
        .part_if(is_active, "Retire it", |_| retire))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    Path(path): Path<SquadPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(squad_page(&app, visit.shell, path.squad_id, Form::new()).await?))
}

/// The squad's page, with what was done on it or why not.
async fn squad_told(
    app: &App,
    (shell, id): (Shell, SquadId),
    typed: Typed,
    said: Result<&'static str, Problem>,
) -> Result<Response, Problem> {
    let outcome = said.map(|said| -> Done { led(at(&shell, id, ""), said) });
    told(app, typed, outcome, |form| squad_page(app, shell, id, form)).await
}

pub(super) async fn update(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    Path(path): Path<SquadPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.squad_id;
    let update = async {
        let edit: model::SquadEdit = typed.read()?;
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        ops::squad_update(app.pool(), visit.guild_id(), id, edit, by, origin).await?;
        Ok::<_, Problem>("It is kept.")
    };
    let said = update.await;
    squad_told(&app, (visit.shell, id), typed, said).await
}

pub(super) async fn assign(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    Path(path): Path<SquadPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.squad_id;
    let assign = async {
        let assignment: model::Assignment = typed.read()?;
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        ops::member_assign(app.pool(), visit.guild_id(), id, &assignment, by, origin).await?;
        Ok::<_, Problem>("They are in.")
    };
    let said = assign.await;
    squad_told(&app, (visit.shell, id), typed, said).await
}

pub(super) async fn remove(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    Path(path): Path<SquadPath>,
    Query(who): Query<super::Who>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.squad_id;
    let (by, origin) = (visit.guild.by(), &visit.guild.origin);
    let removed = ops::member_remove(app.pool(), visit.guild_id(), id, who.user_id, by, origin).await;
    let said = removed.map(|_| "They are out.").map_err(Problem::from);
    squad_told(&app, (visit.shell, id), typed, said).await
}

pub(super) async fn retire(
    State(app): State<App>,
    visit: Visit<SquadsWrite>,
    Path(path): Path<SquadPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.squad_id;
    let (by, origin) = (visit.guild.by(), &visit.guild.origin);
    let retired = ops::squad_deactivate(app.pool(), visit.guild_id(), id, by, origin).await;
    let said = retired.map(|_| "It is retired.").map_err(Problem::from);
    squad_told(&app, (visit.shell, id), typed, said).await
}
