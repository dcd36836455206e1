//! Cases: finding them, one with what followed, making one, lifting and voiding.

use access::{App, Author, Path, Query, Scope};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::html::{Html, escape};
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::{Visit, encode};
use frame::{format, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{Problem, UserId};
use moderation::model::{Action, Case, Moderator, NewCase, NewEvidence, Standing};
use moderation::ops;
use moderation::ops::cases::{CaseQuery, moderator_of};
use moderation::scopes::{ModerationRead, ModerationWrite};
use serde::Deserialize;
use uuid::Uuid;

use super::sheet::{
    Sheet, actions, again, aside, button, choices, facts, field, folded, form, join, link, name, table, text,
    way, when,
};
use super::told::{led, told};

/// The most cases of a table that is taken along.
const EXPORTED: usize = 10_000;

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct EvidencePath {
    case_number: i32,
    evidence_id: Uuid,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct CasePath {
    case_number: i32,
}

/// Who is named as the one who did it.
pub(super) async fn moderator<S: Scope>(app: &App, visit: &Visit<S>) -> Result<Moderator, Problem> {
    let mut conn = db::acquire(app.pool()).await?;
    let author = Author::new(visit.guild.by(), &visit.guild.origin);
    Ok(moderator_of(&mut conn, visit.guild_id(), author).await?)
}

fn at(shell: &Shell, number: i32, rest: &str) -> String {
    shell.at(&format!("/staff/cases/{number}{rest}"))
}

fn state(case: &Case, now: &chrono::DateTime<chrono::Utc>) -> Html {
    if case.voided_at.is_some() {
        return ui::seal("", "Void");
    }
    if case.effect_error.is_some() {
        return ui::seal("bad", "Failed on Discord");
    }
    match (case.resolved, case.expires_at) {
        (true, _) => ui::seal(
            "done",
            &case.resolution.map_or_else(|| "Over".to_owned(), |how| format::word(how.as_str())),
        ),
        (false, Some(at)) if at > *now => ui::seal("warn", "In force"),
        (false, _) => ui::seal("on", "In force"),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    user_id: Option<String>,
    action: Option<String>,
    text: Option<String>,
    cursor: Option<String>,
}

/// What is filled in.
fn words(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).cloned()
}

impl Filter {
    fn query(&self) -> Result<CaseQuery, Problem> {
        let action = words(self.action.as_ref()).map(|word| {
            word.parse::<Action>().map_err(|unknown| Problem::field("action", unknown.to_string()))
        });
        let user = words(self.user_id.as_ref()).map(|id| {
            id.trim().parse::<UserId>().map_err(|error| Problem::field("user_id", error.to_string()))
        });
        Ok(CaseQuery {
            user_id: user.transpose()?,
            moderator_id: None,
            action: action.transpose()?,
            source: None,
            in_force: false,
            text: words(self.text.as_ref()),
            since: None,
            until: None,
            limit: None,
            cursor: self.cursor.clone(),
        })
    }
}

/// The cases of a list as a table for other programs, the latest first: as many as fit.
pub(super) async fn export(
    State(app): State<App>,
    visit: Visit<ModerationRead>,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let mut query = CaseQuery { limit: Some(200), ..filter.query()? };
    let mut cases = Vec::new();
    loop {
        let page = ops::case_list(app.pool(), visit.guild_id(), &query).await?;
        cases.extend(page.items);
        query.cursor = page.next;
        if query.cursor.is_none() || cases.len() >= EXPORTED {
            break;
        }
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"cases.csv\""),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    Ok((headers, ops::cases::csv(&cases)).into_response())
}

fn action_choices(first: &str) -> Vec<(String, String)> {
    let mut all = choices(&[("", first)]);
    all.extend(Action::ALL.iter().map(|action| (action.as_str().to_owned(), format::word(action.as_str()))));
    all
}

fn search(shell: &Shell, values: &Form) -> Html {
    let actions = action_choices("Any");
    let fields = [
        field(&values.line("user_id", "About whom").exact().help("A Discord id.")),
        field(&values.choice("action", "What", &actions)),
        field(&values.line("text", "Words in it").max_length(100)),
    ];
    let action = escape(&shell.at("/staff/cases"));
    Html::trusted(format!(
        "<form method=\"get\" action=\"{action}\">{}<button>Look</button></form>",
        join(fields)
    ))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<ModerationRead>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    let query = filter.query()?;
    let page = ops::case_list(app.pool(), visit.guild_id(), &query).await?;
    let shell = visit.shell;
    let rows = page.items.iter().map(|case| {
        vec![
            link(at(&shell, case.case_number, ""), format!("#{}", case.case_number)),
            text(format::word(case.action.as_str())),
            name(&case.user_tag),
            text(&case.reason),
            name(&case.moderator_tag),
            state(case, &shell.now),
            format::time(&case.created_at),
        ]
    });
    let heads = ["Case", "What", "About", "Why", "By", "State", "When"];
    let mut address = Vec::new();
    for (name, value) in [
        ("user_id", words(filter.user_id.as_ref())),
        ("action", words(filter.action.as_ref())),
        ("text", words(filter.text.as_ref())),
    ] {
        address.extend(value.map(|value| format!("{name}={}", encode(&value))));
    }
    let values = Form::of(&serde_json::json!({
        "user_id": filter.user_id, "action": filter.action, "text": filter.text,
    }));
    let body = join([
        actions([
            way(shell.at("/staff/cases/new"), "New case", "primary"),
            link(shell.at(&format!("/staff/cases.csv?{}", address.join("&"))), "Take them as a table"),
        ]),
        folded("Look for something", &search(&shell, &values)),
        table("Cases", &heads, rows.collect(), "There is none."),
        ui::more(shell.at("/staff/cases"), address.join("&"), page.next.as_ref()),
    ]);
    Ok(Page(Sheet::new(shell, "Cases").part("Newest first", body)))
}

fn new_page(shell: Shell, values: Form) -> Sheet {
    let actions = action_choices("Choose");
    let body = form(
        &shell,
        &shell.at("/staff/cases/new"),
        [
            field(&values.choice("action", "What", &actions).required()),
            field(&values.line("user_id", "About whom").exact().help("A Discord id.")),
            field(&values.line("reason", "Why").required().max_length(500).help("They are told it.")),
            field(
                &values
                    .number("duration_seconds:int", "For how long, in seconds")
                    .help("For warnings, timeouts and bans; for good unless told."),
            ),
            field(
                &values
                    .number("delete_message_seconds:int", "With a ban: their messages of so many seconds go")
                    .between(0, 604_800),
            ),
            field(&values.line("channel_id", "Channel, for a purge").exact().help("A Discord id.")),
            field(&values.number("limit:int", "How many messages, for a purge").between(1, 1_000)),
            field(&values.check("quiet:bool", "They are not told")),
            field(&values.line("evidence[0].url", "Evidence").exact().help("An address.")),
        ],
        [button("make", "Make the case", "primary")],
    );
    Sheet::new(shell, "New case").below("/staff/cases", "Cases").of(values).part("Case", body)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct About {
    user_id: Option<UserId>,
}

pub(super) async fn new(visit: Visit<ModerationWrite>, Query(about): Query<About>) -> Page<Sheet> {
    let values = Form::of(&serde_json::json!({ "user_id": about.user_id }));
    Page(new_page(visit.shell, values))
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<ModerationWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: NewCase = typed.read()?;
        let by = moderator(&app, &visit).await?;
        let author = Author::new(visit.guild.by(), &visit.guild.origin);
        // How people rank on Discord is known to the bot alone; here their roles with us decide.
        let standing = Standing::default();
        let made = ops::case_make(app.pool(), visit.guild_id(), new, &by, &standing, author).await?;
        app.wake().outbox();
        Ok::<_, Problem>(made)
    };
    match create.await {
        Ok(made) => {
            let said = format!("Case #{} is made.", made.case_number);
            Ok(done(&app, &at(&visit.shell, made.case_number, ""), &said))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(new_page(visit.shell, form).refused(&problem))
        }
    }
}

async fn sheet(app: &App, shell: Shell, number: i32, values: Form) -> Result<Sheet, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let (case, edits, evidence) = try_join!(
        ops::case_get(pool, guild, number).err_into::<Problem>(),
        ops::case_edits(pool, guild, number).err_into::<Problem>(),
        ops::evidence_list(pool, guild, number).err_into::<Problem>()
    )?;
    let known = facts([
        ("What", text(format::word(case.action.as_str()))),
        ("About", ui::member(&shell, &case.user_id, &case.user_tag)),
        ("By", text(&case.moderator_tag)),
        ("From", text(format::word(case.source.as_str()))),
        ("When", format::time(&case.created_at)),
        ("Until", when(case.expires_at.as_ref())),
        (
            "On Discord",
            text(case.effect_error.clone().unwrap_or_else(|| format::word(case.effect_state.as_str()))),
        ),
        ("They were told", text(case.member_notified.map_or("–", |told| if told { "Yes" } else { "No" }))),
    ]);
    let rows = edits.iter().map(|edit| {
        vec![
            text(format::word(&edit.field)),
            text(edit.old_value.as_deref().unwrap_or("–")),
            text(edit.new_value.as_deref().unwrap_or("–")),
            text(edit.edited_by_tag.as_deref().unwrap_or("–")),
            format::time(&edit.created_at),
        ]
    });
    let history =
        table("Changes", &["What", "From", "To", "By", "When"], rows.collect(), "It was not changed.");
    let may = shell.may(<ModerationWrite as Scope>::NAME) && case.voided_at.is_none();
    let rows = evidence.iter().map(|one| {
        let back = at(&shell, number, &format!("/evidence/{}/remove", one.id));
        vec![
            super::sheet::code(&one.url),
            text(one.note.as_deref().unwrap_or_default()),
            text(&one.added_by_tag),
            format::time(&one.created_at),
            match one.removed_at {
                Some(at) => join([ui::seal("", "Taken back"), format::time(&at)]),
                None if may => shell.button(&back, "Take it back", "quiet"),
                None => Html::default(),
            },
        ]
    });
    let heads = ["Address", "Note", "By", "When", ""];
    let mut evidence = vec![table("Evidence", &heads, rows.collect(), "There is none.")];
    if may {
        evidence.push(form(
            &shell,
            &at(&shell, number, "/evidence"),
            [
                field(&values.line("url", "Address").exact().required().max_length(2_000)),
                field(&values.line("note", "Note").max_length(500)),
            ],
            [button("add", "Add evidence", "")],
        ));
    }
    let change = join([
        form(
            &shell,
            &at(&shell, number, ""),
            [field(&values.line("reason", "Why").required().max_length(500))],
            [
                button("reason", "Change the reason to this", ""),
                button("lift", "Lift it", "primary"),
                button("void", "Void it", "grave"),
            ],
        ),
        aside("Lifting ends what is in force. What is void counts for nothing, as if it had never been."),
    ]);
    Ok(Sheet::new(shell, format!("Case #{number}"))
        .below("/staff/cases", "Cases")
        .lead(super::sheet::says(&case.reason))
        .of(values)
        .part("What is known", known)
        .part_if(may, "Change it", |_| change)
        .part("Evidence", join(evidence))
        .part("History", history))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<ModerationRead>,
    Path(path): Path<CasePath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(sheet(&app, visit.shell, path.case_number, Form::new()).await?))
}

pub(super) async fn change(
    State(app): State<App>,
    visit: Visit<ModerationWrite>,
    Path(path): Path<CasePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild, number) = (app.pool(), visit.guild_id(), path.case_number);
    let change = async {
        let by = moderator(&app, &visit).await?;
        let author = Author::new(visit.guild.by(), &visit.guild.origin);
        let reason = typed.value("reason").unwrap_or_default();
        let said = match typed.value("_do") {
            Some("lift") => {
                ops::case_lift(pool, guild, number, reason, &by, author).await?;
                "It is lifted."
            }
            Some("void") => {
                ops::case_void(pool, guild, number, reason, &by, author).await?;
                "It is void."
            }
            _ => {
                ops::case_edit(pool, guild, number, &typed.read()?, &by, author).await?;
                "Its reason is changed."
            }
        };
        app.wake().outbox();
        Ok::<_, Problem>(said)
    };
    match change.await {
        Ok(said) => Ok(done(&app, &at(&visit.shell, number, ""), said)),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(sheet(&app, visit.shell, number, form).await?.refused(&problem))
        }
    }
}

pub(super) async fn evidence_add(
    State(app): State<App>,
    visit: Visit<ModerationWrite>,
    Path(path): Path<CasePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let number = path.case_number;
    let add = async {
        let new: NewEvidence = typed.read()?;
        let by = moderator(&app, &visit).await?;
        let author = Author::new(visit.guild.by(), &visit.guild.origin);
        ops::evidence_add(app.pool(), visit.guild_id(), number, new, &by, author).await?;
        Ok(led(at(&visit.shell, number, ""), "It is with the case."))
    };
    let outcome = add.await;
    told(&app, typed, outcome, |form| sheet(&app, visit.shell, number, form)).await
}

pub(super) async fn evidence_remove(
    State(app): State<App>,
    visit: Visit<ModerationWrite>,
    Path(path): Path<EvidencePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let number = path.case_number;
    let remove = async {
        let by = moderator(&app, &visit).await?;
        let author = Author::new(visit.guild.by(), &visit.guild.origin);
        ops::evidence_remove(app.pool(), visit.guild_id(), number, path.evidence_id, &by, author).await?;
        Ok(led(at(&visit.shell, number, ""), "It is taken back; it stays in the case, marked so."))
    };
    let outcome = remove.await;
    told(&app, typed, outcome, |form| sheet(&app, visit.shell, number, form)).await
}
