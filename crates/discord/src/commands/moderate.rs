//! `/warn`, `/timeout`, `/kick`, `/ban`, `/unban`, `/note`, `/case`, `/history`: for moderators.

use std::collections::HashMap;
use std::time::Duration;

use kernel::{Problem, UserId};
use moderation::model::{Action, Case, CaseEdit, Moderator, NewCase, Rank, Standing};
use moderation::ops;

use super::Answered;
use super::call::{Call, Powers, mention};
use crate::interactions::reply::Reply;
use crate::sender::{Method, Request};
use crate::settings::snowflake;
use crate::words::{Lang, plain, say, when};

/// Lines that a history shows.
const LINES: i64 = 15;

pub(super) async fn moderator(call: &Call) -> Result<Moderator, Problem> {
    let mut conn = db::acquire(call.pool()).await?;
    Ok(ops::cases::moderator_of(&mut conn, call.guild, call.author()).await?)
}

/// Makes a case, and says what it is.
pub(super) async fn make(call: Call, new: NewCase) -> Answered {
    let moderator = moderator(&call).await?;
    let standing = standing(&call, new.user_id).await?;
    let case = ops::case_make(call.pool(), call.guild, new, &moderator, &standing, call.author()).await?;
    call.committed();
    let (number, what) = (case.case_number, done(call.lang, &case));
    Ok(Reply::text(say!(call.lang, "Case {number}: {what}", "Fall {number}: {what}")))
}

fn done(lang: Lang, case: &Case) -> String {
    let name = mention(case.user_id);
    let reason = plain(&case.reason);
    let until = case.expires_at.map(when);
    let what = match (case.action, until) {
        (Action::Warn, _) => say!(lang, "{name} is warned", "{name} ist verwarnt"),
        (Action::Timeout, Some(until)) => {
            say!(lang, "{name} may not speak, ends {until}", "{name} darf nicht schreiben, endet {until}")
        }
        (Action::Timeout, None) => say!(lang, "{name} may not speak", "{name} darf nicht schreiben"),
        (Action::Kick, _) => say!(lang, "{name} is removed", "{name} ist entfernt"),
        (Action::Ban, Some(until)) => {
            say!(lang, "{name} is banned, ends {until}", "{name} ist gebannt, endet {until}")
        }
        (Action::Ban, None) => say!(lang, "{name} is banned", "{name} ist gebannt"),
        (Action::Unban, _) => say!(lang, "{name} may come back", "{name} darf zurückkommen"),
        (Action::Untimeout, _) => say!(lang, "{name} may speak again", "{name} darf wieder schreiben"),
        (Action::Note, _) => say!(lang, "a note about {name}", "eine Notiz zu {name}"),
        (Action::Purge, _) => say!(lang, "messages are deleted", "Nachrichten werden gelöscht"),
    };
    format!("{what}: {reason}")
}

fn about(call: &Call, action: Action) -> Result<NewCase, Problem> {
    Ok(NewCase::about(action, call.must_member("member")?, call.must("reason")?))
}

pub(crate) async fn warn(call: Call) -> Answered {
    let new = about(&call, Action::Warn)?;
    make(call, new).await
}

pub(crate) async fn timeout(call: Call) -> Answered {
    let minutes = call.number("minutes").unwrap_or(10);
    let new = about(&call, Action::Timeout)?.lasting(minutes * 60);
    make(call, new).await
}

pub(crate) async fn untimeout(call: Call) -> Answered {
    let new = about(&call, Action::Untimeout)?;
    make(call, new).await
}

pub(crate) async fn kick(call: Call) -> Answered {
    let new = about(&call, Action::Kick)?;
    make(call, new).await
}

pub(crate) async fn ban(call: Call) -> Answered {
    let mut new = about(&call, Action::Ban)?;
    if let Some(days) = call.number("days") {
        new = new.lasting(days * 86_400);
    }
    new.delete_message_seconds =
        call.number("delete-hours").and_then(|hours| i32::try_from(hours * 3_600).ok());
    make(call, new).await
}

pub(crate) async fn unban(call: Call) -> Answered {
    let new = about(&call, Action::Unban)?;
    make(call, new).await
}

pub(crate) async fn note(call: Call) -> Answered {
    let new = about(&call, Action::Note)?;
    make(call, new).await
}

pub(crate) async fn case(call: Call) -> Answered {
    let number = i32::try_from(call.number("number").unwrap_or_default()).unwrap_or(0);
    if let Some(reason) = call.text("reason") {
        call.needs(Some("moderation:write"))?;
        let edit = CaseEdit { reason: Some(reason.to_owned()), ..CaseEdit::default() };
        let moderator = moderator(&call).await?;
        ops::case_edit(call.pool(), call.guild, number, &edit, &moderator, call.author()).await?;
        call.committed();
    }
    let case = ops::case_get(call.pool(), call.guild, number).await?;
    Ok(Reply::text(line(call.lang, &case)))
}

fn line(lang: Lang, case: &Case) -> String {
    let (number, what, by, at) =
        (case.case_number, done(lang, case), plain(&case.moderator_tag), when(case.created_at));
    let over = if case.resolved { say!(lang, " (over)", " (vorbei)") } else { String::new() };
    say!(lang, "Case {number}, by {by}, {at}: {what}{over}", "Fall {number}, von {by}, {at}: {what}{over}")
}

pub(crate) async fn history(call: Call) -> Answered {
    let member = call.must_member("member")?;
    let query = ops::cases::CaseQuery {
        user_id: Some(member),
        limit: Some(LINES),
        ..ops::cases::CaseQuery::default()
    };
    let page = ops::case_list(call.pool(), call.guild, &query).await?;
    let name = mention(member);
    if page.items.is_empty() {
        return Ok(Reply::text(say!(
            call.lang,
            "There is no case about {name}.",
            "Zu {name} gibt es keinen Fall."
        )));
    }
    let lines: Vec<String> = page.items.iter().map(|case| line(call.lang, case)).collect();
    Ok(Reply::text(lines.join("\n")))
}

/// How who acts stands to whom it is about: by what Discord says of both with the command, and the places of the guild's roles.
async fn standing(call: &Call, target: Option<UserId>) -> Result<Standing, Problem> {
    let request =
        Request::new(Method::GET, format!("/guilds/{}/roles", call.guild)).within(Duration::from_secs(10));
    let roles = call.bot.sender().send(&request).await.map_err(|error| {
        Problem::new(kernel::problem::UNAVAILABLE, format!("The guild's roles cannot be looked at: {error}."))
    })?;
    let places: HashMap<i64, i32> = roles
        .body
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|role| {
            Some((snowflake(role["id"].as_str()?)?, i32::try_from(role["position"].as_i64()?).ok()?))
        })
        .collect();
    let rank = |powers: &Powers| Rank {
        // Discord does not say here who that is.
        owner: false,
        position: powers.roles.iter().filter_map(|role| places.get(role)).copied().max().unwrap_or(0),
        permissions: powers.permissions,
    };
    let target = target.and_then(|target| call.theirs.get(&target)).map(rank);
    let mut moderator = rank(&call.powers);
    // An owner need have no role: an administrator stands above all who are none.
    if moderator.administers() && target.is_none_or(|target| !target.administers()) {
        moderator.position = i32::MAX;
    }
    // What the bot itself may do Discord says when it is asked to.
    Ok(Standing { target, moderator: Some(moderator), bot: None })
}
