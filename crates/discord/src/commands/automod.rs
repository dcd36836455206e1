//! `/automod`, `/raid`, `/purge`: what is judged by itself, and many at once.

use std::collections::HashMap;

use chrono::TimeDelta;
use kernel::{PageQuery, Problem};
use moderation::automod::Rule;
use moderation::model::{Action, HitRow, NewCase, NewRaid, Raid, RaidAction, RuleId};
use moderation::ops::hits::explained;
use moderation::ops::rules::{RuleState, rule_list, rule_switch};
use moderation::ops::{
    hit_list, hit_statistics, raid_end, raid_list, raid_release, raid_running, raid_start,
};

use super::Answered;
use super::call::{Call, mention};
use super::choose::{What, chosen, id};
use super::moderate::{make, moderator};
use crate::interactions::reply::Reply;
use crate::native::tell;
use crate::words::{Lang, plain, say, when};

/// Rules that a list shows.
const RULES: usize = 25;
/// Hits that a list shows.
const HITS: i64 = 10;
/// Days that a list of rules counts.
const DAYS: i64 = 7;

/// A rule's state in words.
pub(super) fn state_word(lang: Lang, state: RuleState) -> String {
    match state {
        RuleState::On => say!(lang, "on", "an"),
        RuleState::Trial => say!(lang, "on trial", "auf Probe"),
        RuleState::Off => say!(lang, "off", "aus"),
    }
}

pub(crate) async fn rules(call: Call) -> Answered {
    let rules = rule_list(call.pool(), call.guild).await?;
    if rules.is_empty() {
        return Ok(Reply::text(say!(
            call.lang,
            "There are no rules here yet: make some by the API, the dashboard or the command line.",
            "Hier gibt es noch keine Regeln: über die API, die Oberfläche oder die Kommandozeile anlegen."
        )));
    }
    let now = db::now(&mut *db::acquire(call.pool()).await?).await?;
    let figures =
        hit_statistics(call.pool(), call.guild, now - TimeDelta::days(DAYS), now + TimeDelta::days(1))
            .await?;
    let mut hits: HashMap<RuleId, i64> = HashMap::new();
    for row in figures {
        *hits.entry(row.rule_id).or_default() += row.hits;
    }
    let mut text = say!(
        call.lang,
        "**Rules**, and hits of the last {DAYS} days",
        "**Regeln**, und Treffer der letzten {DAYS} Tage"
    );
    for rule in rules.iter().take(RULES) {
        text.push('\n');
        text.push_str(&line(call.lang, rule, hits.get(&rule.id).copied().unwrap_or(0)));
    }
    let more = rules.len().saturating_sub(RULES);
    if more > 0 {
        text.push_str(&say!(call.lang, "\n… and {more} more.", "\n… und {more} weitere."));
    }
    Ok(Reply::text(text))
}

fn line(lang: Lang, rule: &Rule, hits: i64) -> String {
    let (name, state) = (plain(&rule.rule.name), state_word(lang, RuleState::of(rule)));
    let (looks, does) = (plain(rule.rule.rule_type.as_str()), plain(rule.rule.action.as_str()));
    say!(
        lang,
        "{name} — {looks}, {does}; {state}; {hits} hits",
        "{name} — {looks}, {does}; {state}; {hits} Treffer"
    )
}

pub(crate) async fn switch(call: Call) -> Answered {
    let rule: RuleId = id(&call, "rule", What::Rule, "rule").await?;
    let state: RuleState = id(&call, "state", What::RuleState, "state").await?;
    let rule = rule_switch(call.pool(), call.guild, rule, state, call.author()).await?;
    call.committed();
    let (name, state) = (plain(&rule.rule.name), state_word(call.lang, state));
    Ok(Reply::text(say!(call.lang, "{name} is {state} now.", "{name} ist jetzt {state}.")))
}

/// Hands the cheap part of the rules to Discord's own `AutoMod`, or takes it back.
pub(crate) async fn native(call: Call) -> Answered {
    let on = call.yes("on").unwrap_or(true);
    let native = tell(&call.bot, call.guild, on, call.author()).await?;
    call.committed();
    if !on {
        return Ok(Reply::text(say!(
            call.lang,
            "Discord's own AutoMod has none of these rules any more.",
            "Discords eigener AutoMod hat keine dieser Regeln mehr."
        )));
    }
    let count = native.rules.len();
    let mut text = say!(
        call.lang,
        "Discord's own AutoMod has {count} of these rules now, and follows their changes.",
        "Discords eigener AutoMod hat jetzt {count} dieser Regeln und folgt ihren Änderungen."
    );
    for left in native.left_out.iter().take(RULES) {
        text.push('\n');
        text.push_str(&plain(left));
    }
    Ok(Reply::text(text))
}

/// The last hits, each with why.
pub(crate) async fn hits(call: Call) -> Answered {
    let rule: Option<RuleId> = match call.text("rule") {
        Some(_) => Some(id(&call, "rule", What::Rule, "rule").await?),
        None => None,
    };
    let page = PageQuery { limit: Some(HITS), cursor: None };
    let page = hit_list(call.pool(), call.guild, rule, call.member("member"), &page).await?;
    if page.items.is_empty() {
        return Ok(Reply::text(say!(call.lang, "Nothing was hit.", "Es gab keine Treffer.")));
    }
    let lines: Vec<String> = page.items.iter().map(|hit| hit_line(call.lang, hit)).collect();
    Ok(Reply::text(lines.join("\n")))
}

fn hit_line(lang: Lang, hit: &HitRow) -> String {
    let (at, rule, who) = (when(hit.created_at), plain(&hit.rule), mention(hit.user_id));
    let place = hit.channel_id.map(|channel| format!(" <#{channel}>")).unwrap_or_default();
    let why = plain(&explained(&hit.details));
    let mut line = format!("{at} {rule}: {who}{place} — {why}");
    if hit.dry_run {
        line.push_str(&say!(lang, " (on trial)", " (auf Probe)"));
    }
    if let Some(number) = hit.case_number {
        line.push_str(&say!(lang, " (case {number})", " (Fall {number})"));
    }
    line
}

pub(crate) async fn raid_begin(call: Call) -> Answered {
    let action: RaidAction = match call.text("action") {
        Some(_) => chosen(&call, "action", What::RaidAction, "action")
            .await?
            .parse()
            .map_err(|_| Problem::not_found("action"))?,
        None => RaidAction::None,
    };
    let new = NewRaid { action, reason: call.must("reason")?.to_owned(), minutes: call.number("minutes") };
    let by = moderator(&call).await?;
    let raid = raid_start(call.pool(), call.guild, &new, None, &by, call.author()).await?;
    call.committed();
    let until = when(raid.ends_at);
    Ok(Reply::text(say!(
        call.lang,
        "Raid mode is on, ends {until}: invites are stopped.",
        "Der Raid-Modus ist an, endet {until}: Einladungen sind gesperrt."
    )))
}

pub(crate) async fn raid_stop(call: Call) -> Answered {
    let by = moderator(&call).await?;
    let raid = raid_end(call.pool(), call.guild, &by, call.author()).await?;
    call.committed();
    let cases = raid.cases;
    Ok(Reply::text(say!(
        call.lang,
        "Raid mode is off. {cases} cases were made; /raid release lets everybody go.",
        "Der Raid-Modus ist aus. Es gab {cases} Fälle; /raid release lässt alle frei."
    )))
}

async fn latest(call: &Call) -> Result<Raid, Problem> {
    let page = raid_list(call.pool(), call.guild, &PageQuery { limit: Some(1), cursor: None }).await?;
    page.items.into_iter().next().ok_or_else(|| Problem::not_found("raid"))
}

pub(crate) async fn raid_let_go(call: Call) -> Answered {
    let raid = latest(&call).await?;
    let by = moderator(&call).await?;
    let released = raid_release(call.pool(), call.guild, raid.id, &by, call.author()).await?;
    call.committed();
    Ok(Reply::text(say!(
        call.lang,
        "{released} people are let go, and raid mode is off.",
        "{released} Leute sind wieder frei, und der Raid-Modus ist aus."
    )))
}

pub(crate) async fn raid_status(call: Call) -> Answered {
    let Some(raid) = raid_running(call.pool(), call.guild).await? else {
        return Ok(Reply::text(say!(call.lang, "Raid mode is off.", "Der Raid-Modus ist aus.")));
    };
    let (until, by, reason) = (when(raid.ends_at), plain(&raid.started_by_tag), plain(&raid.reason));
    let (what, cases) = (plain(raid.action.as_str()), raid.cases);
    Ok(Reply::text(say!(
        call.lang,
        "Raid mode is on, begun by {by}, ends {until}: {reason}. Who joins: {what}. Cases so far: {cases}.",
        "Der Raid-Modus ist an, begonnen von {by}, endet {until}: {reason}. Wer dazukommt: {what}. Fälle bisher: {cases}."
    )))
}

/// Deletes the newest messages of the channel in which it is called.
pub(crate) async fn purge(call: Call) -> Answered {
    let channel = call.channel.ok_or_else(|| Problem::invalid("It names no channel."))?;
    let limit = call.number("count").and_then(|count| i32::try_from(count).ok());
    let member = call.member("member");
    let new = NewCase {
        user_id: member,
        channel_id: Some(channel),
        limit,
        ..NewCase::about(Action::Purge, call.user, call.must("reason")?)
    };
    make(call, new).await
}
