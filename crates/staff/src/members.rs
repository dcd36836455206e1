//! Members: finding one, what they have and did, giving and taking.

use access::scope::{CommunityWrite, EconomyWrite, Scope as _};
use access::web::idempotency::Repeatable;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use economy::model::AwardRequest;
use frame::decode::{Typed, read_value};
use frame::flash::{done, see_other};
use frame::form::Form;
use frame::html::Html;
use frame::page::{Page, optional};
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{FutureExt as _, TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem, UserId};
use progress::activity::ActivityQuery;
use progress::awards::NewAward;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Who;
use super::kinds;
use super::sheet::{
    Sheet, actions, again, aside, asking, button, choices, facts, field, form, join, link, table, text,
};

fn at(shell: &Shell, user: UserId, rest: &str) -> String {
    shell.at(&format!("/staff/members/{user}{rest}"))
}

/// The longest name that is looked for, in characters.
const SOUGHT: usize = 100;

/// Who is looked for, and where the list of all goes on.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Wanted {
    q: String,
    #[serde(skip_serializing)]
    cursor: Option<String>,
}

/// All members, or those whose name begins with what was typed; an id leads to whom it is of.
pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    let sought = kernel::text::cleaned(&wanted.q, SOUGHT).unwrap_or_default();
    if let Ok(user) = sought.parse::<UserId>()
        && !people::names::names(pool, guild, &[user]).await?.is_empty()
    {
        return Ok(see_other(&at(&visit.shell, user, "")));
    }
    let page = PageQuery { limit: None, cursor: wanted.cursor.clone() };
    let (members, next) = if sought.is_empty() {
        let page = people::ops::member_list(pool, guild, &page).await?;
        (page.items, page.next)
    } else {
        (people::ops::member_find(pool, guild, &sought).await?, None)
    };
    let shell = visit.shell;
    let rows = members.iter().map(|member| {
        vec![
            link(at(&shell, member.user_id, ""), &member.name),
            text(member.level),
            text(format::number(member.xp)),
            text(format::number(member.gold)),
            match member.left_at {
                Some(_) => ui::seal("bad", "Left"),
                None if member.is_bot => ui::seal("", "Bot"),
                None => format::time(&member.joined_at),
            },
        ]
    });
    let rows = rows.collect();
    let values = Form::of(&wanted);
    let search = asking(
        shell.at("/staff/members"),
        [field(&values.line("q", "Name or Discord id").help("How a name begins is enough.").max_length(100))],
        "Look",
    );
    let (heading, none) = match sought.as_str() {
        "" => ("All members".to_owned(), "Nobody yet."),
        sought => (format!("Those called “{sought}…”"), "Nobody is called so."),
    };
    let body = join([
        table("Members", &["Who", "#Level", "#XP", "#Gold", "Joined"], rows, none),
        ui::more(shell.at("/staff/members"), "", next.as_ref()),
    ]);
    let ways = actions([
        link(shell.at("/staff/members/new"), "Make somebody known"),
        link(shell.at("/staff/members/import"), "XP from another bot"),
    ]);
    let sheet = Sheet::new(shell, "Members").lead(ways).part("Look for somebody", search).part(heading, body);
    Ok(Page(sheet).into_response())
}

fn giving(shell: &Shell, user: UserId, told: &Form) -> Html {
    let community = form(
        shell,
        &at(shell, user, "/award"),
        [
            field(&told.number("xp:int", "XP").between(0, 1_000_000)),
            field(&told.number("gold:int", "Gold").between(0, 1_000_000)),
            field(&told.number("stars:int", "Stars").between(0, 1_000_000)),
            field(&told.line("reason", "Why").required().max_length(500)),
        ],
        [button("give", "Give", "primary"), button("take", "Take", "grave")],
    );
    if !shell.may(EconomyWrite::NAME) {
        return community;
    }
    let kinds = choices(&[("award", "Give"), ("fine", "Take: a fine")]);
    let bytes = form(
        shell,
        &at(shell, user, "/bytes"),
        [
            field(&told.number("amount:int", "Bytes").between(1, 1_000_000_000).required()),
            field(&told.choice("kind", "Which way", &kinds)),
            field(
                &told
                    .line("_why", "Why they get it or pay it")
                    .max_length(500)
                    .help("They read it in their history."),
            ),
        ],
        [button("pay", "Pay", "primary")],
    );
    join([community, Html::trusted("<hr>".to_owned()), bytes])
}

async fn sheet(app: &App, shell: Shell, user: UserId, told: Form) -> Result<Sheet, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let wanted = ActivityQuery { event_type: None, limit: Some(25), cursor: None };
    let (profile, journal, balance) = try_join!(
        progress::profile::member_profile(pool, guild, user).err_into::<Problem>(),
        progress::activity::activity(pool, guild, Some(user), &wanted).err_into::<Problem>(),
        ::economy::ops::balance_get(pool, guild, user).map(optional)
    )?;
    let member = &profile.member;
    let known = facts([
        ("Level", text(member.level)),
        ("XP", text(format::number(member.xp))),
        ("Gold", text(format::number(member.gold))),
        ("Stars", text(format::number(member.stars))),
        ("Bytes", text(balance.map_or_else(|| "–".to_owned(), |balance| format::number(balance.balance)))),
        ("Joined", format::time(&member.joined_at)),
    ]);
    let ways = actions([
        link(shell.at(&format!("/members/{user}")), "As members see them"),
        link(shell.at(&format!("/staff/roles?user_id={user}")), "Roles"),
        link(shell.at(&format!("/staff/cases?user_id={user}")), "Cases"),
        link(shell.at(&format!("/staff/audit?actor=user:{user}")), "What they changed"),
        link(shell.at(&format!("/staff/hits?user_id={user}")), "What automod hit"),
        link(shell.at(&format!("/staff/lake?user_id={user}")), "What they did on Discord"),
        link(at(&shell, user, "/data"), "What is kept of them"),
    ]);
    let rows = journal.items.iter().map(|entry| {
        vec![
            text(kinds::in_journal(&entry.event_type)),
            text(format::signed(entry.xp)),
            text(format::signed(entry.gold)),
            text(format::signed(entry.stars)),
            format::time(&entry.timestamp),
        ]
    });
    let journal =
        table("History", &["What", "#XP", "#Gold", "#Stars", "When"], rows.collect(), "Nothing yet.");
    let giving = giving(&shell, user, &told);
    let may = shell.may(CommunityWrite::NAME);
    let title = member.name.clone();
    Ok(Sheet::new(shell, title)
        .below("/staff/members", "Members")
        .lead(aside(format!("Discord id {user}")))
        .of(told)
        .part("What is known", join([known, ways]))
        .part_if(may, "Give or take", |_| giving)
        .part("History", journal))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(who): Path<Who>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(sheet(&app, visit.shell, who.user_id, Form::new()).await?))
}

pub(super) async fn award(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(who): Path<Who>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild, user) = (app.pool(), visit.guild_id(), who.user_id);
    let award = async {
        let mut body = typed.json()?;
        if let Some(body) = body.as_object_mut() {
            body.insert("user_ids".to_owned(), Value::from(vec![user.to_string()]));
        }
        let new: NewAward = read_value(&body)?;
        let (author, repeatable) = (visit.guild.author(), Repeatable::current());
        let taken = typed.value("_do") == Some("take");
        if taken {
            progress::awards::ops::revoke(pool, guild, new, author, &repeatable).await?;
        } else {
            progress::awards::ops::award(pool, guild, new, author, &repeatable).await?;
        }
        app.wake().outbox();
        Ok::<_, Problem>(taken)
    };
    match award.await {
        Ok(taken) => {
            Ok(done(&app, &at(&visit.shell, user, ""), if taken { "It is taken." } else { "It is given." }))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(sheet(&app, visit.shell, user, form).await?.refused(&problem))
        }
    }
}

pub(super) async fn bytes(
    State(app): State<App>,
    visit: Visit<EconomyWrite>,
    Path(who): Path<Who>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (pool, guild, user) = (app.pool(), visit.guild_id(), who.user_id);
    let pay = async {
        let mut body = typed.json()?;
        if let Some(body) = body.as_object_mut() {
            body.insert("user_id".to_owned(), Value::from(user.to_string()));
            if let Some(why) = typed.value("_why").map(str::trim).filter(|why| !why.is_empty()) {
                body.insert("reason".to_owned(), Value::from(why));
            }
        }
        let request: AwardRequest = read_value(&body)?;
        ::economy::ops::award(pool, guild, &request, visit.guild.by(), &visit.guild.origin).await?;
        app.wake().outbox();
        Ok::<_, Problem>(())
    };
    match pay.await {
        Ok(()) => Ok(done(&app, &at(&visit.shell, user, ""), "It is in their history.")),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(sheet(&app, visit.shell, user, form).await?.refused(&problem))
        }
    }
}
