//! Appeals and raid mode.

use access::{App, Author, Path, Query, Scope as _};
use axum::extract::State;
use axum::response::Response;
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use kernel::{PageQuery, Problem};
use moderation::model::{AppealId, AppealStatus, Decision, NewRaid, RaidId};
use moderation::ops;
use moderation::scopes::{ModerationRead, ModerationWrite};
use serde::Deserialize;

use super::Cursor;
use super::cases::moderator;
use super::sheet::{
    Sheet, again, aside, button, choices, facts, field, form, join, link, says, table, tabs, text, when,
};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct AppealPath {
    appeal_id: AppealId,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct RaidPath {
    raid_id: RaidId,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    status: Option<AppealStatus>,
    cursor: Option<String>,
}

fn appeal_state(status: AppealStatus) -> Html {
    match status {
        AppealStatus::Open => ui::seal("warn", "Waits"),
        AppealStatus::Accepted => ui::seal("done", "Accepted"),
        AppealStatus::Denied => ui::seal("bad", "Denied"),
        AppealStatus::Withdrawn => ui::seal("", "Withdrawn"),
    }
}

pub(super) async fn appeals(
    State(app): State<App>,
    visit: Visit<ModerationRead>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    let page = PageQuery { limit: None, cursor: filter.cursor };
    let page = ops::appeal_list(app.pool(), visit.guild_id(), filter.status, &page).await?;
    let shell = visit.shell;
    let rows = page.items.iter().map(|appeal| {
        vec![
            link(shell.at(&format!("/staff/appeals/{}", appeal.id)), &appeal.user_tag),
            link(
                shell.at(&format!("/staff/cases/{}", appeal.case_number)),
                format!("#{}", appeal.case_number),
            ),
            text(format::word(appeal.action.as_str())),
            text(appeal.statement.chars().take(140).collect::<String>()),
            appeal_state(appeal.status),
            format::time(&appeal.created_at),
        ]
    });
    let path = shell.at("/staff/appeals");
    let open = format!("{path}?status=open");
    let query = filter.status.map(|status| format!("status={}", status.as_str())).unwrap_or_default();
    let here = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
    let heads = ["Who", "Case", "What", "Statement", "State", "When"];
    let body = join([
        tabs("Which", &here, &[(path.clone(), "All"), (open, "Waiting")]),
        table("Appeals", &heads, rows.collect(), "There is none."),
        ui::more(&path, query, page.next.as_ref()),
    ]);
    Ok(Page(Sheet::new(shell, "Appeals").part("Newest first", body)))
}

async fn appeal_page(app: &App, shell: Shell, id: AppealId, told: Form) -> Result<Sheet, Problem> {
    let thread = ops::appeal_get(app.pool(), shell.guild_id, id).await?;
    let appeal = &thread.appeal;
    let case = shell.at(&format!("/staff/cases/{}", appeal.case_number));
    let known = facts([
        ("Who", ui::member(&shell, &appeal.user_id, &appeal.user_tag)),
        ("Case", link(case, format!("#{}, {}", appeal.case_number, appeal.action.as_str()))),
        ("When", format::time(&appeal.created_at)),
        ("Decided", when(appeal.decided_at.as_ref())),
        ("By", text(appeal.decided_by_tag.as_deref().unwrap_or("–"))),
    ]);
    let notes = thread
        .notes
        .iter()
        .map(|note| vec![text(&note.author_tag), text(&note.body), format::time(&note.created_at)]);
    let action = shell.at(&format!("/staff/appeals/{id}"));
    let may = shell.may(ModerationWrite::NAME);
    let mut talk = vec![table("Notes", &["Who", "Note", "When"], notes.collect(), "There is none.")];
    if may {
        talk.push(form(
            &shell,
            &format!("{action}/notes"),
            [field(&told.text("body", "Note", 3).required().max_length(2_000).help("For staff alone."))],
            [button("note", "Add a note", "")],
        ));
    }
    let decide = join([
        form(
            &shell,
            &action,
            [field(&told.line("reason", "Why").required().max_length(500).help("They are told it."))],
            [button("accept", "Accept", "primary"), button("deny", "Deny", "grave")],
        ),
        aside("Accepting lifts what is in force. It cannot be decided twice."),
    ]);
    let (status, reason) = (appeal.status, appeal.decision_reason.clone());
    let statement = appeal.statement.clone();
    Ok(Sheet::new(shell, format!("Appeal of {}", appeal.user_tag))
        .below("/staff/appeals", "Appeals")
        .lead(appeal_state(status))
        .of(told)
        .part("What they say", join([says(statement), known, reason.map(says).unwrap_or_default()]))
        .part_if(may && status == AppealStatus::Open, "Decide it", |_| decide)
        .part("Notes", join(talk)))
}

pub(super) async fn appeal(
    State(app): State<App>,
    visit: Visit<ModerationRead>,
    Path(path): Path<AppealPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(appeal_page(&app, visit.shell, path.appeal_id, Form::new()).await?))
}

pub(super) async fn decide(
    State(app): State<App>,
    visit: Visit<ModerationWrite>,
    Path(path): Path<AppealPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.appeal_id;
    let decide = async {
        let accept = match typed.value("_do") {
            Some("accept") => true,
            Some("deny") => false,
            _ => return Err(Problem::field("accept", "must be chosen")),
        };
        let reason = typed.value("reason").unwrap_or_default().to_owned();
        let by = moderator(&app, &visit).await?;
        let author = Author::new(visit.guild.by(), &visit.guild.origin);
        let decision = Decision { accept, reason };
        ops::appeal_decide(app.pool(), visit.guild_id(), id, &decision, &by, author).await?;
        app.wake().outbox();
        Ok::<_, Problem>(if accept { "It is accepted." } else { "It is denied." })
    };
    match decide.await {
        Ok(said) => Ok(done(&app, &visit.shell.at(&format!("/staff/appeals/{id}")), said)),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(appeal_page(&app, visit.shell, id, form).await?.refused(&problem))
        }
    }
}

pub(super) async fn note(
    State(app): State<App>,
    visit: Visit<ModerationWrite>,
    Path(path): Path<AppealPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.appeal_id;
    let note = async {
        let by = moderator(&app, &visit).await?;
        let body = typed.value("body").unwrap_or_default();
        let author = Author::new(visit.guild.by(), &visit.guild.origin);
        Ok::<_, Problem>(ops::appeal_note(app.pool(), visit.guild_id(), id, body, &by, author).await?)
    };
    match note.await {
        Ok(_) => Ok(done(&app, &visit.shell.at(&format!("/staff/appeals/{id}")), "The note is there.")),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(appeal_page(&app, visit.shell, id, form).await?.refused(&problem))
        }
    }
}

async fn raids_page(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let page = ops::raid_list(app.pool(), shell.guild_id, &cursor.page()).await?;
    let may = shell.may(ModerationWrite::NAME);
    let running = page.items.iter().any(|raid| raid.ended_at.is_none() && raid.ends_at > shell.now);
    let rows = page.items.iter().map(|raid| {
        let release = shell.at(&format!("/staff/raids/{}/release", raid.id));
        vec![
            text(&raid.reason),
            text(format::word(raid.action.as_str())),
            text(&raid.started_by_tag),
            text(format::number(raid.cases)),
            format::time(&raid.started_at),
            when(raid.ended_at.as_ref().or(Some(&raid.ends_at))),
            if may && raid.released_at.is_none() && raid.cases > 0 {
                shell.button(&release, "Release everybody", "quiet")
            } else {
                Html::default()
            },
        ]
    });
    let heads = ["Why", "What happens to who joins", "By", "#Cases", "From", "To", ""];
    let list = join([
        table("Raids", &heads, rows.collect(), "There was none."),
        ui::more(shell.at("/staff/raids"), "", page.next.as_ref()),
    ]);
    let kinds = choices(&[
        ("none", "Nothing: only gather who joins"),
        ("timeout", "A timeout"),
        ("kick", "A kick"),
        ("ban", "A ban"),
    ]);
    let start = form(
        &shell,
        &shell.at("/staff/raids"),
        [
            field(&told.choice("action", "What happens to who joins", &kinds)),
            field(&told.line("reason", "Why").required().max_length(500)),
            field(&told.number("minutes:int", "For how many minutes").between(1, 1_440)),
        ],
        [button("start", "Switch raid mode on", "grave")],
    );
    let end = shell.button(&shell.at("/staff/raids/end"), "Switch raid mode off", "primary");
    let lead = if running { ui::seal("bad", "Raid mode is on") } else { ui::seal("on", "Raid mode is off") };
    Ok(Sheet::new(shell, "Raids")
        .lead(lead)
        .of(told)
        .part_if(may && running, "Now", |_| end)
        .part("Raids", list)
        .part_if(may && !running, "Switch it on", |_| start))
}

pub(super) async fn raids(
    State(app): State<App>,
    visit: Visit<ModerationRead>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(raids_page(&app, visit.shell, cursor, Form::new()).await?))
}

/// What is said on the page of raids after a deed.
async fn raid_told(
    app: &App,
    shell: Shell,
    typed: Typed,
    said: Result<String, Problem>,
) -> Result<Response, Problem> {
    match said {
        Ok(said) => {
            app.wake().outbox();
            Ok(done(app, &shell.at("/staff/raids"), &said))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(raids_page(app, shell, Cursor::default(), form).await?.refused(&problem))
        }
    }
}

pub(super) async fn raid_start(
    State(app): State<App>,
    visit: Visit<ModerationWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let start = async {
        let new: NewRaid = typed.read()?;
        let by = moderator(&app, &visit).await?;
        let author = Author::new(visit.guild.by(), &visit.guild.origin);
        ops::raid_start(app.pool(), visit.guild_id(), &new, None, &by, author).await?;
        Ok::<_, Problem>("Raid mode is on.".to_owned())
    };
    let said = start.await;
    raid_told(&app, visit.shell, typed, said).await
}

pub(super) async fn raid_end(
    State(app): State<App>,
    visit: Visit<ModerationWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let end = async {
        let by = moderator(&app, &visit).await?;
        let author = Author::new(visit.guild.by(), &visit.guild.origin);
        ops::raid_end(app.pool(), visit.guild_id(), &by, author).await?;
        Ok::<_, Problem>("Raid mode is off.".to_owned())
    };
    let said = end.await;
    raid_told(&app, visit.shell, typed, said).await
}

pub(super) async fn raid_release(
    State(app): State<App>,
    visit: Visit<ModerationWrite>,
    Path(path): Path<RaidPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let release = async {
        let by = moderator(&app, &visit).await?;
        let author = Author::new(visit.guild.by(), &visit.guild.origin);
        let released = ops::raid_release(app.pool(), visit.guild_id(), path.raid_id, &by, author).await?;
        Ok::<_, Problem>(format!("{} released.", format::count(released, "person is", "people are")))
    };
    let said = release.await;
    raid_told(&app, visit.shell, typed, said).await
}
