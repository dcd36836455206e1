//! What happened for oneself, in words.

use std::collections::{BTreeSet, HashMap};

use access::scope::{CommunityPlay, CommunityRead};
use access::{App, Query};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use frame::decode::Typed;
use frame::flash::see_other;
use frame::html::{Html, escape};
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Member;
use frame::{format, ui};
use kernel::{PageQuery, Problem, UserId};
use people::names::names;
use people::notices::{Notice, SeenNotices, notices, notices_seen, types_for};
use serde::Deserialize;
use serde_json::Value;

/// Where a list goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cursor {
    cursor: Option<String>,
}

struct Row {
    told: Html,
    brought: String,
    at: DateTime<Utc>,
    unread: bool,
}

#[derive(Template)]
#[template(path = "you/notices.html")]
pub(super) struct NoticesPage {
    shell: Shell,
    /// The newest that is shown, on the first page.
    newest: Option<String>,
    rows: Vec<Row>,
    next: Option<String>,
}

impl NoticesPage {
    fn seen(&self) -> String {
        self.shell.at("/notifications/seen")
    }
}

pub(super) async fn list(
    State(app): State<App>,
    member: Member<CommunityRead>,
    Query(at): Query<Cursor>,
) -> Result<Page<NoticesPage>, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let first = at.cursor.is_none();
    let page = PageQuery { limit: None, cursor: at.cursor };
    let found = notices(app.pool(), (guild, user), &types_for(&member.shell.actor), &page).await?;
    // Others that are named by their ids: who paid.
    let others: BTreeSet<UserId> = found.items.iter().filter_map(|one| of(&one.data).giver()).collect();
    let names: HashMap<UserId, String> = if others.is_empty() {
        HashMap::new()
    } else {
        let others: Vec<UserId> = others.into_iter().collect();
        names(app.pool(), guild, &others).await?.into_iter().map(|one| (one.user_id, one.name)).collect()
    };
    let shell = member.shell;
    let row = |one: &Notice| Row {
        told: told(&shell, one, &names),
        brought: of(&one.data).brought(&one.event_type),
        at: one.at,
        unread: one.unread,
    };
    let rows = found.items.iter().map(row).collect();
    let newest = found.items.first().filter(|_| first).map(|one| one.id.clone());
    Ok(Page(NoticesPage { newest, rows, next: found.next, shell }))
}

pub(super) async fn seen(
    State(app): State<App>,
    member: Member<CommunityPlay>,
    typed: Typed,
) -> Result<Response, Problem> {
    let seen: SeenNotices = typed.read()?;
    notices_seen(app.pool(), member.guild_id(), member.user_id(), &seen).await?;
    Ok(see_other(&member.shell.at("/notifications")))
}

/// What an event tells, where it has it.
struct Of<'a>(&'a Value);

const fn of(data: &Value) -> Of<'_> {
    Of(data)
}

impl Of<'_> {
    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, key: &str) -> i64 {
        self.0.get(key).and_then(Value::as_i64).unwrap_or_default()
    }

    fn yes(&self, key: &str) -> bool {
        self.0.get(key).and_then(Value::as_bool).unwrap_or_default()
    }

    /// An id, which is a text or a number.
    fn id(&self, key: &str) -> String {
        match self.0.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    fn time(&self, key: &str) -> Option<DateTime<Utc>> {
        self.text(key).parse().ok()
    }

    fn giver(&self) -> Option<UserId> {
        self.text("giver_id").parse().ok().filter(|giver| *giver != UserId::HOUSE)
    }

    /// What it brought: what is nothing is not told.
    fn brought(&self, event_type: &str) -> String {
        let parts = [("xp", "XP"), ("stars", "stars"), ("gold", "gold"), ("bytes", "bytes")];
        // Who reached a level is told how much XP they have.
        let all = |key: &str| event_type != "member.levelled_up" || key == "gold";
        let told = parts.iter().filter(|(key, _)| all(key) && self.number(key) != 0);
        told.map(|(key, unit)| format!("{} {unit}", format::signed(self.number(key))))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// A reason in quotes, after a colon.
    fn because(&self) -> String {
        match self.text("reason") {
            "" => String::new(),
            reason => format!(": <q>{}</q>", escape(reason)),
        }
    }
}

/// What moderators did.
fn sanctioned(action: &str) -> &'static str {
    match action {
        "warn" => "You were warned",
        "timeout" => "You were timed out",
        "kick" => "You were removed",
        "ban" => "You were banned",
        _ => "Moderators did something about you",
    }
}

fn told(shell: &Shell, notice: &Notice, names: &HashMap<UserId, String>) -> Html {
    let of = of(&notice.data);
    let link = |path: String, name: &str| {
        format!("<a href=\"{}\"><bdi>{}</bdi></a>", escape(&shell.at(&path)), escape(name))
    };
    let to = |path: &str, id: &str, name: &str| link(format!("{path}/{}", of.id(id)), name);
    let quest = |name: &str| to("/learn/quests", "quest_id", name);
    let credential = || link("/credentials".to_owned(), of.text("name"));
    let bytes = || format::count(of.number("amount"), "byte", "bytes");
    let until =
        |key: &str| of.time(key).map(|at| format!(" until {}", format::time(&at))).unwrap_or_default();
    let words = match notice.event_type.as_str() {
        "achievement.earned" => {
            format!("You earned {}", to("/achievements", "achievement_id", of.text("name")))
        }
        "achievement.revoked" => {
            format!("{} was taken back", to("/achievements", "achievement_id", of.text("name")))
        }
        "assessment.extended" => {
            format!("You were given more time for {}{}", quest("an assessment"), until("due_at"))
        }
        "assessment.graded" if of.yes("passed") => format!("{} was graded: you passed", quest("Your work")),
        "assessment.graded" => format!("{} was graded: it is not passed yet", quest("Your work")),
        "assessment.review_assigned" => {
            let path = format!("/learn/quests/{}/assessments", of.id("quest_id"));
            format!("You were given {}", link(path, "work to review"))
        }
        "assessment.review_wanted" => {
            format!("Work waits for {}", link("/learn/reviews-to-do".to_owned(), "a review that you owe"))
        }
        "board.quest_completed" => {
            format!("{} was accepted as done", to("/board", "quest_id", of.text("title")))
        }
        "board.quest_released" if of.yes("lapsed") => {
            format!("The time that you had for {} is over", to("/board", "quest_id", of.text("title")))
        }
        "board.quest_released" => {
            format!("{} is not yours any more", to("/board", "quest_id", of.text("title")))
        }
        "bytes.awarded" => format!("You were given {}{}", bytes(), of.because()),
        "bytes.fined" => format!("{} were taken from you{}", bytes(), of.because()),
        "bytes.transferred" => {
            let giver = of.giver().and_then(|giver| Some(ui::member(shell, &giver, names.get(&giver)?)));
            let giver = giver.map_or_else(|| "Somebody".to_owned(), |giver| giver.to_string());
            format!("{giver} paid you {}{}", bytes(), of.because())
        }
        "credential.issued" => format!("You were issued the credential {}", credential()),
        "credential.revoked" => format!("Your credential {} was revoked{}", credential(), of.because()),
        "insight.reviews_due" => link(
            "/learn/reviews".to_owned(),
            &format::count(of.number("due"), "spaced review is due", "spaced reviews are due"),
        ),
        "learning.challenge_unlocked" => "What you completed opened something new".to_owned(),
        "learning.chapter_completed" => {
            format!("You completed the chapter {}", to("/learn/paths", "path_id", of.text("title")))
        }
        "learning.path_completed" => {
            format!("You completed the path {}", to("/learn/paths", "path_id", of.text("name")))
        }
        "learning.quest_completed" => format!("You completed {}", quest(of.text("title"))),
        "member.awarded" => format!("You were awarded something{}", of.because()),
        "member.levelled_up" => format!("You reached <strong>level {}</strong>", of.number("level")),
        "moderation.appeal_decided" => {
            let appeal = format!("Your appeal against case {}", of.number("case_number"));
            let how = if of.yes("accepted") { "accepted" } else { "denied" };
            format!("{} was {how}{}", link("/cases".to_owned(), &appeal), of.because())
        }
        "moderation.sanctioned" => {
            let what = link("/cases".to_owned(), sanctioned(of.text("action")));
            format!("{what}{}{}", until("expires_at"), of.because())
        }
        "reward.reminder" => format!(
            "Your reward of {} waits for you{}",
            to("/campaigns", "campaign_id", of.text("name")),
            until("claim_until")
        ),
        "role_reward.granted" => format!(
            "You have received {} in all, and get a role for it",
            format::count(of.number("threshold"), "byte", "bytes")
        ),
        "shop.settled" => {
            let item = to("/shop", "item_id", of.text("name"));
            match of.text("status").to_lowercase().as_str() {
                "refunded" => format!("You got the gold for {item} back"),
                _ => format!("{item} was handed over to you"),
            }
        }
        "skill.levelled_up" => format!(
            "You reached level {} of {}",
            of.number("level"),
            to("/skills", "skill_id", of.text("skill"))
        ),
        other => escape(&format::word(&other.replace('.', "_"))),
    };
    Html::trusted(words)
}

#[cfg(test)]
mod tests {
    use people::notices::TYPES;

    /// Who adds a type says what it tells.
    #[test]
    fn every_type_has_words() {
        let source = include_str!("notices.rs");
        let words = source.split("let words = match").nth(1).unwrap();
        for name in TYPES {
            assert!(words.contains(&format!("\"{name}\"")), "{name}");
        }
    }
}
