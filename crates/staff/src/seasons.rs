//! Seasons: those that were, the one that runs, those to come.

use access::scope::CommunityWrite;
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
use kernel::Problem;
use progress::ids::SeasonId;
use progress::seasons::model::{NewSeason, RepeatBy, RollSeason, Season, SeasonEdit, SeasonState};
use progress::seasons::ops;
use serde::Deserialize;

use super::sheet::{Sheet, actions, button, field, form, join, link, question, says, table, way};
use super::told::{led, told};
use super::{Cursor, timed_edit};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct SeasonPath {
    season_id: SeasonId,
}

fn at(shell: &Shell, id: SeasonId, rest: &str) -> String {
    shell.at(&format!("/staff/seasons/{id}{rest}"))
}

fn state(season: &Season) -> Html {
    match season.state {
        SeasonState::Planned => ui::seal("soon", "Planned"),
        SeasonState::Active => ui::seal("on", "Runs"),
        SeasonState::Ended => ui::seal("done", "Over"),
    }
}

/// The controls of a season; one that has begun keeps its start.
fn controls(values: &Form, has_begun: bool) -> Vec<Html> {
    let lengths = RepeatBy::ALL.map(|by| {
        let called = match by {
            RepeatBy::Length => "as long as this one".to_owned(),
            other => format!("by the {}", other.as_str()),
        };
        (by.as_str().to_owned(), called)
    });
    let mut fields = vec![field(&values.line("name", "Name").required().max_length(100))];
    if !has_begun {
        fields.push(field(&values.time("starts_at:time", "Starts").help("In UTC; now unless told.")));
    }
    fields.extend([
        field(&values.time("ends_at:time", "Ends").required().help("In UTC.")),
        field(&values.check("repeats:bool", "Another one follows")),
        field(&values.choice("repeat_by", "The next one goes", &lengths)),
        field(
            &values
                .line("name_pattern:null", "What the next ones are called")
                .max_length(100)
                .help("With {year}, {quarter}, {month}, {week} or {number} for what changes."),
        ),
    ]);
    fields
}

async fn list_page(app: &App, shell: Shell, cursor: Cursor, values: Form) -> Result<Sheet, Problem> {
    let page = ops::season_list(app.pool(), shell.guild_id, &cursor.page()).await?;
    let rows = page.items.iter().map(|season| {
        vec![
            link(at(&shell, season.id, ""), &season.name),
            state(season),
            format::time(&season.starts_at),
            format::time(&season.ends_at),
            match season.state {
                SeasonState::Active => link(at(&shell, season.id, "/end"), "End it now"),
                _ => Html::default(),
            },
        ]
    });
    let list = join([
        table("Seasons", &["Season", "State", "From", "To", ""], rows.collect(), "There was none."),
        ui::more(shell.at("/staff/seasons"), "", page.next.as_ref()),
    ]);
    let action = shell.at("/staff/seasons");
    let new = form(&shell, &action, controls(&values, false), [button("make", "Make it", "primary")]);
    Ok(Sheet::new(shell, "Seasons").of(values).part("Seasons", list).part("New season", new))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(list_page(&app, visit.shell, cursor, Form::new()).await?))
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: NewSeason = typed.read()?;
        let made = ops::season_create(app.pool(), visit.guild_id(), new, visit.guild.author()).await?;
        Ok(led(visit.shell.at("/staff/seasons"), format!("{} is there.", made.name)))
    };
    let outcome = create.await;
    told(&app, typed, outcome, |form| list_page(&app, visit.shell, Cursor::default(), form)).await
}

async fn season_page(app: &App, shell: Shell, id: SeasonId, told: Form) -> Result<Sheet, Problem> {
    let season = ops::season_get(app.pool(), shell.guild_id, id).await?;
    let values = told.over(&season);
    let has_begun = season.state != SeasonState::Planned;
    let fields = controls(&values, has_begun);
    let change = form(&shell, &at(&shell, id, ""), fields, [button("keep", "Keep", "primary")]);
    let ways = match season.state {
        SeasonState::Planned => way(at(&shell, id, "/delete"), "Remove it", "grave"),
        SeasonState::Active => way(at(&shell, id, "/end"), "End it now", "grave"),
        SeasonState::Ended => says("It is over: its archive does not change."),
    };
    let lead = join([state(&season), link(shell.at(&format!("/seasons/{id}")), "As members see it")]);
    Ok(Sheet::new(shell, season.name)
        .below("/staff/seasons", "Seasons")
        .lead(lead)
        .of(values)
        .part_if(season.state != SeasonState::Ended, "Change it", |_| change)
        .part("Its end", actions([ways])))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<SeasonPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(season_page(&app, visit.shell, path.season_id, Form::new()).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<SeasonPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild, id) = (app.pool(), visit.guild_id(), path.season_id);
    let update = async {
        let before = ops::season_get(pool, guild, id).await?;
        let stored = [("starts_at", Some(&before.starts_at)), ("ends_at", Some(&before.ends_at))];
        let edit: SeasonEdit = timed_edit(&typed, &stored)?;
        ops::season_update(pool, guild, id, edit, visit.guild.author()).await?;
        Ok(led(at(&visit.shell, id, ""), "It is kept."))
    };
    let outcome = update.await;
    told(&app, typed, outcome, |form| season_page(&app, visit.shell, id, form)).await
}

async fn deletion(app: &App, shell: Shell, id: SeasonId, told: Form) -> Result<Sheet, Problem> {
    let season = ops::season_get(app.pool(), shell.guild_id, id).await?;
    let (to, back) = (at(&shell, id, "/delete"), at(&shell, id, ""));
    let happens = "It never begins. Nothing was earned in it yet, so nobody loses anything.";
    let body = question(&shell, &to, happens, [], ("Remove it", &back, "Keep it"));
    Ok(Sheet::new(shell, format!("Remove {}?", season.name))
        .below("/staff/seasons", "Seasons")
        .of(told)
        .part("What will happen", body))
}

pub(super) async fn ask_delete(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<SeasonPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(deletion(&app, visit.shell, path.season_id, Form::new()).await?))
}

pub(super) async fn delete(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<SeasonPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id, author) = (visit.guild_id(), path.season_id, visit.guild.author());
    let gone = ops::season_delete(app.pool(), guild, id, author).await;
    let to = visit.shell.at("/staff/seasons");
    let outcome = gone.map(|()| led(to, "It is removed.")).map_err(Problem::from);
    told(&app, typed, outcome, |form| deletion(&app, visit.shell, id, form)).await
}

async fn ending(app: &App, shell: Shell, id: SeasonId, told: Form) -> Result<Sheet, Problem> {
    let season = ops::season_get(app.pool(), shell.guild_id, id).await?;
    let (to, back) = (at(&shell, id, "/end"), shell.at("/staff/seasons"));
    let happens =
        "Its standings are final, and everybody's stars and XP of the season begin anew with the next one.";
    let why = field(&told.line("reason", "Why").max_length(500));
    let body = question(&shell, &to, happens, [why], ("End it", &back, "Not now"));
    Ok(Sheet::new(shell, format!("End {}?", season.name))
        .below("/staff/seasons", "Seasons")
        .of(told)
        .part("What will happen", body))
}

pub(super) async fn ask_end(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<SeasonPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(ending(&app, visit.shell, path.season_id, Form::new()).await?))
}

pub(super) async fn end(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<SeasonPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id) = (visit.guild_id(), path.season_id);
    let end = async {
        let roll: RollSeason = typed.read()?;
        let rolled = ops::season_roll(app.pool(), guild, id, roll, visit.guild.author()).await?;
        let said = format!("{} is over: {} standings are final.", rolled.ended.name, rolled.standings);
        Ok(led(visit.shell.at("/staff/seasons"), said))
    };
    let outcome = end.await;
    told(&app, typed, outcome, |form| ending(&app, visit.shell, id, form)).await
}
