//! What was earned in the guild, as people tell it.

use std::collections::{BTreeSet, HashMap};

use access::scope::CommunityRead;
use access::{App, Query};
use askama::Template;
use axum::extract::State;
use frame::html::{Html, escape};
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use kernel::{Problem, UserId};
use progress::Event;
use progress::activity::{Activity, ActivityQuery, activity};
use serde::Deserialize;
use serde_json::Value;

/// How many entries are read at once.
const READ: i64 = 100;

/// What may be asked for alone, by its name in the address.
const KINDS: [(&str, &str, Option<Event>); 7] = [
    ("", "Everything", None),
    ("levels", "Levels", Some(Event::LevelUp)),
    ("achievements", "Achievements", Some(Event::AchievementEarned)),
    ("campaigns", "Campaigns", Some(Event::CampaignReward)),
    ("learning", "Learning", Some(Event::LearningReward)),
    ("board", "Board", Some(Event::QuestComplete)),
    ("awards", "Awards", Some(Event::ManualAward)),
];

/// Which entries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    kind: String,
    cursor: Option<String>,
}

/// What somebody did, once or several times in a row.
struct Row {
    user: UserId,
    name: String,
    did: Html,
    earned: Vec<String>,
    at: chrono::DateTime<chrono::Utc>,
}

#[derive(Template)]
#[template(path = "guild/activity.html")]
pub(super) struct ActivityPage {
    shell: Shell,
    kind: &'static str,
    rows: Vec<Row>,
    next: Option<String>,
}

impl ActivityPage {
    fn query(&self) -> String {
        if self.kind.is_empty() { String::new() } else { format!("kind={}", self.kind) }
    }
}

/// Entries of the same kind and member that follow each other, where single ones say little.
fn together(entries: Vec<Activity>) -> Vec<(Activity, usize)> {
    let mut rows: Vec<(Activity, usize)> = Vec::new();
    for entry in entries {
        let many = is_of_lake(&entry.event_type);
        match rows.last_mut() {
            Some((last, count))
                if many && last.user_id == entry.user_id && last.event_type == entry.event_type =>
            {
                *count += 1;
                last.xp = last.xp.saturating_add(entry.xp);
                last.stars = last.stars.saturating_add(entry.stars);
                last.gold = last.gold.saturating_add(entry.gold);
            }
            _ => rows.push((entry, 1)),
        }
    }
    rows
}

fn is_of_lake(kind: &str) -> bool {
    kind.parse::<Event>().is_ok_and(Event::is_of_lake)
}

fn text<'a>(metadata: &'a Value, key: &str) -> Option<&'a str> {
    metadata.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Something by its name, with a way to it.
fn link(shell: &Shell, path: &str, id: Option<String>, name: &str) -> String {
    match id {
        Some(id) => format!(
            "<a href=\"{}\"><bdi>{}</bdi></a>",
            escape(&shell.at(&format!("{path}/{id}"))),
            escape(name)
        ),
        None => format!("<bdi>{}</bdi>", escape(name)),
    }
}

/// What was done, in words that follow a name.
fn did(shell: &Shell, entry: &Activity, count: usize) -> Html {
    let of = &entry.metadata;
    let id = |key: &str| {
        let value = of.get(key)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let named = |key: &str| text(of, key).unwrap_or("something").to_owned();
    let words = match entry.event_type.parse::<Event>() {
        Ok(Event::Message) => format!("wrote {}", format::count(count, "message", "messages")),
        Ok(Event::ReactionGiven) => format!("reacted {}", format::count(count, "time", "times")),
        Ok(Event::ReactionReceived) => format!("was reacted to {}", format::count(count, "time", "times")),
        Ok(Event::ThreadCreate) => format!("opened {}", format::count(count, "thread", "threads")),
        Ok(Event::VoiceTick) => "talked with others".to_owned(),
        Ok(Event::LevelUp) => match of.get("level").and_then(Value::as_i64) {
            Some(level) => format!("reached <strong>level {level}</strong>"),
            None => "reached another level".to_owned(),
        },
        Ok(Event::AchievementEarned) => {
            format!("earned {}", link(shell, "/achievements", id("achievement_id"), &named("name")))
        }
        Ok(Event::QuestComplete) => format!("did {}", link(shell, "/board", id("quest_id"), &named("title"))),
        Ok(Event::CampaignReward) => match of.get("rank").and_then(Value::as_i64) {
            Some(rank) => link(
                shell,
                "/campaigns",
                id("campaign_id"),
                &format!("came {} in a campaign", format::ordinal(rank)),
            ),
            None => link(shell, "/campaigns", id("campaign_id"), "was rewarded for a campaign"),
        },
        Ok(Event::LearningReward) => match (text(of, "source_type"), id("source_id")) {
            (Some("quest"), id) => link(shell, "/learn/quests", id, "completed a quest"),
            (Some("path"), id) => link(shell, "/learn/paths", id, "completed a path"),
            (Some("chapter"), _) => "completed a chapter".to_owned(),
            _ => "learnt something".to_owned(),
        },
        Ok(Event::ManualAward) => match text(of, "reason") {
            Some(reason) => format!("was awarded: <q>{}</q>", escape(reason)),
            None => "was awarded".to_owned(),
        },
        Ok(Event::Purchase) => format!("bought {}", link(shell, "/shop", id("item_id"), &named("name"))),
        Ok(Event::Refund) => format!("gave {} back", link(shell, "/shop", id("item_id"), &named("name"))),
        Ok(Event::Import) => "brought along what they had elsewhere".to_owned(),
        Err(_) => escape(&format::word(&entry.event_type)),
    };
    Html::trusted(words)
}

/// What it brought: what is nothing is not told.
fn earned(entry: &Activity) -> Vec<String> {
    [(entry.xp, "XP"), (entry.stars, if entry.stars == 1 { "star" } else { "stars" }), (entry.gold, "gold")]
        .into_iter()
        .filter(|(amount, _)| *amount != 0)
        .map(|(amount, unit)| format!("{} {unit}", format::signed(amount)))
        .collect()
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Query(filter): Query<Filter>,
) -> Result<Page<ActivityPage>, Problem> {
    let (pool, guild) = (app.pool(), visit.guild_id());
    let (kind, _, event_type) = KINDS.into_iter().find(|(word, ..)| *word == filter.kind).unwrap_or(KINDS[0]);
    let query = ActivityQuery { event_type, limit: Some(READ), cursor: filter.cursor };
    let found = activity(pool, guild, None, &query).await?;
    let users: Vec<UserId> =
        found.items.iter().map(|entry| entry.user_id).collect::<BTreeSet<_>>().into_iter().collect();
    let names = people::names::names(pool, guild, &users).await?;
    let names: HashMap<UserId, String> = names.into_iter().map(|one| (one.user_id, one.name)).collect();
    let shell = visit.shell;
    let rows = together(found.items).into_iter().map(|(entry, count)| Row {
        user: entry.user_id,
        name: names.get(&entry.user_id).cloned().unwrap_or_else(|| "somebody".to_owned()),
        did: did(&shell, &entry, count),
        earned: earned(&entry),
        at: entry.timestamp,
    });
    let rows = rows.collect();
    Ok(Page(ActivityPage { shell, kind, rows, next: found.next }))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;

    fn entry(id: i64, user: i64, kind: &str, metadata: Value) -> Activity {
        Activity {
            id,
            user_id: UserId::new(user),
            event_type: kind.to_owned(),
            xp: 10,
            stars: 1,
            gold: 0,
            season_id: None,
            category_id: None,
            source_system: "discord".to_owned(),
            source_event_id: None,
            metadata,
            timestamp: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_says_little_alone_is_told_together() {
        let entries = vec![
            entry(4, 1, "MESSAGE", json!({})),
            entry(3, 1, "MESSAGE", json!({})),
            entry(2, 1, "LEVEL_UP", json!({ "level": 2 })),
            entry(1, 1, "LEVEL_UP", json!({ "level": 1 })),
            entry(0, 2, "MESSAGE", json!({})),
        ];
        let rows: Vec<(i64, usize, i32)> =
            together(entries).into_iter().map(|(entry, count)| (entry.id, count, entry.xp)).collect();
        assert_eq!(rows, [(4, 2, 20), (2, 1, 10), (1, 1, 10), (0, 1, 10)]);
    }

    #[test]
    fn nothing_is_not_told() {
        assert_eq!(earned(&entry(1, 1, "MESSAGE", json!({}))), ["+10 XP", "+1 star"]);
    }
}
