//! Timed multipliers, such as a double-XP weekend.

use ::lake::categories::{Category, Interaction};
use ::lake::ids::MultiplierEventId;
use ::lake::multipliers::model::{MultiplierEvent, MultiplierEventEdit, NewMultiplierEvent};
use ::lake::multipliers::ops;
use access::scope::CommunityWrite;
use access::web::Repeatable;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use frame::decode::Typed;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::try_join;
use kernel::{PageQuery, Problem};
use serde::Deserialize;
use serde_json::json;

use super::categories::called;
use super::sheet::{
    Sheet, button, factor, facts, field, form, group, join, link, question, says, table, text,
};
use super::told::{led, told};
use super::{Cursor, timed_edit};

/// How many categories can be chosen from.
const CATEGORIES: i64 = 200;

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct EventPath {
    event_id: MultiplierEventId,
}

/// Where a timed event is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Planned,
    Runs,
    Over,
    CalledOff,
}

impl Phase {
    fn of(event: &MultiplierEvent, now: DateTime<Utc>) -> Self {
        match () {
            () if !event.active => Self::CalledOff,
            () if event.ends_at <= now => Self::Over,
            () if event.starts_at <= now => Self::Runs,
            () => Self::Planned,
        }
    }

    fn seal(self) -> Html {
        match self {
            Self::Planned => ui::seal("soon", "To come"),
            Self::Runs => ui::seal("on", "Runs"),
            Self::Over => ui::seal("done", "Over"),
            Self::CalledOff => ui::seal("bad", "Called off"),
        }
    }
}

fn at(shell: &Shell, id: MultiplierEventId, rest: &str) -> String {
    shell.at(&format!("/staff/multipliers/{id}{rest}"))
}

/// What it is for, in words.
fn what_for(event: &MultiplierEvent) -> String {
    event.interaction_types.as_ref().map_or_else(
        || "Everything".to_owned(),
        |types| types.iter().map(|one| called(*one)).collect::<Vec<_>>().join(", "),
    )
}

fn choices_of(categories: &[Category]) -> Vec<(String, String)> {
    let all = (String::new(), "All channels".to_owned());
    std::iter::once(all)
        .chain(categories.iter().map(|category| (category.id.to_string(), category.name.clone())))
        .collect()
}

async fn list_page(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let values = told.over(&json!({ "xp_multiplier": 2, "star_multiplier": 1 }));
    let (pool, guild, page) = (app.pool(), shell.guild_id, cursor.page());
    let many = PageQuery { limit: Some(CATEGORIES), cursor: None };
    let (page, categories) = try_join!(
        ops::event_list(pool, guild, &page),
        ::lake::categories::ops::category_list(pool, guild, false, &many)
    )?;
    let rows = page.items.iter().map(|event| {
        vec![
            link(at(&shell, event.id, ""), &event.name),
            text(what_for(event)),
            factor(event.xp_multiplier),
            factor(event.star_multiplier),
            format::time(&event.starts_at),
            format::time(&event.ends_at),
            Phase::of(event, shell.now).seal(),
        ]
    });
    let heads = ["Name", "For", "#XP", "#Stars", "From", "Until", "State"];
    let list = join([
        table("Multipliers", &heads, rows.collect(), "There was none yet."),
        ui::more(shell.at("/staff/multipliers"), "", page.next.as_ref()),
    ]);
    let kinds = Interaction::ALL
        .iter()
        .map(|one| field(&values.pick("interaction_types[]", one.as_str(), called(*one))));
    let kinds = group("For what; everything unless told", kinds);
    let new = form(
        &shell,
        &shell.at("/staff/multipliers"),
        [
            field(&values.line("name", "Name").required().max_length(100).help("Members see it.")),
            field(&values.number("xp_multiplier:number", "Times XP").fractions().between(0, 100)),
            field(&values.number("star_multiplier:number", "Times stars").fractions().between(0, 100)),
            field(&values.time("starts_at:time", "From").help("In UTC; now unless told.")),
            field(&values.time("ends_at:time", "Until").required().help("In UTC.")),
            field(&values.choice("category_id:int", "Where", &choices_of(&categories.items))),
            kinds,
        ],
        [button("make", "Plan it", "primary")],
    );
    Ok(Sheet::new(shell, "Multipliers")
        .lead(says("For a while things earn more, or less. Those that overlap multiply each other."))
        .of(values)
        .part("Multipliers", list)
        .part("New multiplier", new))
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
        let new: NewMultiplierEvent = typed.read()?;
        let (author, once) = (visit.guild.author(), Repeatable::current());
        let made = ops::event_create(app.pool(), visit.guild_id(), new, author, &once).await?;
        Ok(led(at(&visit.shell, made.id, ""), format!("{} is planned.", made.name)))
    };
    let outcome = create.await;
    told(&app, typed, outcome, |form| list_page(&app, visit.shell, Cursor::default(), form)).await
}

async fn page(app: &App, shell: Shell, id: MultiplierEventId, told: Form) -> Result<Sheet, Problem> {
    let event = ops::event_get(app.pool(), shell.guild_id, id).await?;
    let phase = Phase::of(&event, shell.now);
    let known = facts([
        ("For", text(what_for(&event))),
        ("XP", factor(event.xp_multiplier)),
        ("Stars", factor(event.star_multiplier)),
        ("From", format::time(&event.starts_at)),
        ("Until", format::time(&event.ends_at)),
    ]);
    let values = told.over(&event);
    let mut fields = vec![field(&values.line("name", "Name").required().max_length(100))];
    if phase == Phase::Planned {
        fields.push(field(&values.time("starts_at:time", "From").required().help("In UTC.")));
    }
    fields.push(field(&values.time("ends_at:time", "Until").required().help("In UTC.")));
    let change = form(&shell, &at(&shell, id, ""), fields, [button("keep", "Keep", "primary")]);
    let end = super::sheet::way(at(&shell, id, "/call-off"), "Call it off", "grave");
    let goes_on = matches!(phase, Phase::Planned | Phase::Runs);
    Ok(Sheet::new(shell, event.name)
        .below("/staff/multipliers", "Multipliers")
        .lead(phase.seal())
        .of(values)
        .part("What it does", known)
        .part_if(goes_on, "Change it", |_| change)
        .part_if(goes_on, "Call it off", |_| end))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<EventPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(page(&app, visit.shell, path.event_id, Form::new()).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<EventPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild, id) = (app.pool(), visit.guild_id(), path.event_id);
    let update = async {
        let before = ops::event_get(pool, guild, id).await?;
        let stored = [("starts_at", Some(&before.starts_at)), ("ends_at", Some(&before.ends_at))];
        let edit: MultiplierEventEdit = timed_edit(&typed, &stored)?;
        ops::event_update(pool, guild, id, edit, visit.guild.author()).await?;
        Ok(led(at(&visit.shell, id, ""), "It is kept."))
    };
    let outcome = update.await;
    told(&app, typed, outcome, |form| page(&app, visit.shell, id, form)).await
}

async fn calling_off(app: &App, shell: Shell, id: MultiplierEventId, told: Form) -> Result<Sheet, Problem> {
    let event = ops::event_get(app.pool(), shell.guild_id, id).await?;
    let says_what = match Phase::of(&event, shell.now) {
        Phase::Runs => "It ends now. What it multiplied until now stays as it is.",
        _ => "It never begins.",
    };
    let (to, back) = (at(&shell, id, "/call-off"), at(&shell, id, ""));
    let body = question(&shell, &to, says_what, [], ("Call it off", &back, "Leave it"));
    Ok(Sheet::new(shell, format!("Call {} off?", event.name))
        .below("/staff/multipliers", "Multipliers")
        .of(told)
        .part("What will happen", body))
}

pub(super) async fn ask_call_off(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<EventPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(calling_off(&app, visit.shell, path.event_id, Form::new()).await?))
}

pub(super) async fn call_off(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<EventPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id, author) = (visit.guild_id(), path.event_id, visit.guild.author());
    let off = ops::event_call_off(app.pool(), guild, id, author).await;
    let to = at(&visit.shell, id, "");
    let outcome = off.map(|_| led(to, "It is called off.")).map_err(Problem::from);
    told(&app, typed, outcome, |form| calling_off(&app, visit.shell, id, form)).await
}
