//! What the last days would have earned under other settings, and whose rank that moves.

use std::collections::HashMap;

use ::lake::what_if::{MAX_EVENTS, Moved, Supposition, WhatIf, what_if};
use access::scope::CommunityWrite;
use access::settings::{Field, Group as _, Type, settings_read};
use access::{App, Query};
use axum::extract::State;
use frame::form::Form;
use frame::format;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use kernel::Problem;
use progress::rewards::RewardSettings;
use serde_json::{Map, Value, json};

use super::names::Names;
use super::sheet::{Sheet, aside, asking, facts, field, folded, group, join, says, table, text};

/// What may be supposed: amounts and factors of what is counted anew. Lists of roles and channels are left to the API.
fn supposable() -> impl Iterator<Item = &'static Field> {
    // What a level takes does not change what is earned, nor do quests; how long somebody sat in voice is not counted anew.
    let aside = [
        "level_base",
        "level_factor",
        "level_up_gold",
        "quest_complete_xp",
        "quest_complete_stars",
        "voice_tick_minutes",
        "voice_ticks_an_hour",
        "voice_stay_hours",
    ];
    RewardSettings::FIELDS.iter().filter(move |field| {
        matches!(field.kind, Type::Integer { .. } | Type::Number { .. }) && !aside.contains(&field.name)
    })
}

/// What was typed that is not as it is. What is no number stays text, and the API says what is wrong with it.
fn changes(typed: &HashMap<String, String>, present: &Map<String, Value>) -> Map<String, Value> {
    let mut changed = Map::new();
    for field in supposable() {
        let Some(text) = typed.get(field.name).map(|text| text.trim()).filter(|text| !text.is_empty()) else {
            continue;
        };
        let value: Value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        let same = present.get(field.name).is_some_and(|known| known.as_f64() == value.as_f64());
        if !same {
            changed.insert(field.name.to_owned(), value);
        }
    }
    changed
}

fn asked(shell: &Shell, form: &Form) -> Html {
    let labels: Vec<(&Field, String)> = supposable().map(|one| (one, format::word(one.name))).collect();
    let control = |name: &str| {
        let (one, label) = labels.iter().find(|(one, _)| one.name == name)?;
        let control = form.number(one.name, label).help(one.about);
        Some(field(&match one.kind {
            Type::Integer { minimum, maximum } => control.between(minimum, maximum),
            _ => control.fractions(),
        }))
    };
    let of = |legend: &str, names: &[&str]| group(legend, names.iter().filter_map(|name| control(name)));
    let first = of("Messages", &["message_xp", "message_stars", "message_cooldown_seconds"]);
    let reactions = of(
        "Reactions",
        &[
            "reaction_given_xp",
            "reaction_received_xp",
            "reaction_given_stars",
            "reaction_received_stars",
            "reactions_per_pair_a_day",
        ],
    );
    let others = of(
        "Threads and voice",
        &["thread_create_xp", "thread_create_stars", "voice_tick_xp", "voice_tick_stars"],
    );
    let known = [
        "message_xp",
        "message_stars",
        "message_cooldown_seconds",
        "reaction_given_xp",
        "reaction_received_xp",
        "reaction_given_stars",
        "reaction_received_stars",
        "reactions_per_pair_a_day",
        "thread_create_xp",
        "thread_create_stars",
        "voice_tick_xp",
        "voice_tick_stars",
    ];
    let rest: Vec<&str> =
        labels.iter().map(|(one, _)| one.name).filter(|name| !known.contains(name)).collect();
    let rest = folded(
        "What a message is worth by its quality, and bursts of reactions",
        &of("Quality and bursts", &rest),
    );
    let days = field(&form.number("days", "Days").between(1, 7).help("How far back, up to now."));
    asking(shell.at("/staff/what-if"), [days, first, reactions, others, rest], "What if?")
}

fn amounts(xp: i64, stars: i64) -> Html {
    text(format!("{} XP and {}", format::number(xp), format::count(stars, "star", "stars")))
}

fn row(shell: &Shell, names: &Names, row: &Moved) -> Vec<Html> {
    let moved = match row.rank - row.supposed_rank {
        0 => "stays".to_owned(),
        up @ 1.. => format!("{} up", format::number(up)),
        down => format!("{} down", format::number(-down)),
    };
    vec![
        names.member(shell, &row.user_id),
        text(format::ordinal(row.rank)),
        text(format::ordinal(row.supposed_rank)),
        text(moved),
        text(format::number(row.earned.xp)),
        text(format::number(row.supposed.xp)),
        text(format::signed(row.supposed.xp - row.earned.xp)),
    ]
}

fn told(shell: &Shell, names: &Names, found: &WhatIf, changed: &Map<String, Value>) -> Html {
    let supposed: Vec<String> =
        changed.iter().map(|(name, value)| format!("{} {value}", format::word(name))).collect();
    let rows = found.rows.iter().map(|one| row(shell, names, one)).collect();
    let cut = if found.cut {
        says(format!(
            "More happened in these days than is gone through: these are the latest {}.",
            format::number(MAX_EVENTS)
        ))
    } else {
        Html::default()
    };
    join([
        says(if supposed.is_empty() {
            "Nothing is supposed to be otherwise. Change a figure below.".to_owned()
        } else {
            format!("Supposed: {}.", supposed.join(", "))
        }),
        cut,
        facts([
            ("Gone through", text(format::count(found.events, "event", "events"))),
            ("Since", format::time(&found.from)),
            ("Who earned", text(format::count(found.members, "member", "members"))),
            ("Who would move", text(format::count(found.moved, "member", "members"))),
            ("As it is", amounts(found.earned.xp, found.earned.stars)),
            ("As supposed", amounts(found.supposed.xp, found.supposed.stars)),
        ]),
        table(
            "Whose rank moves",
            &["Member", "#Rank", "#Would be", "Moves", "#XP", "#Would be", "#Difference"],
            rows,
            "Nobody would earn anything else.",
        ),
        aside(
            "Ranks are by what these days come to, counted anew from what happened on Discord, both as things are and as supposed; categories and timed events count as they are set now. Nothing is changed.",
        ),
    ])
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(typed): Query<HashMap<String, String>>,
) -> Result<Page<Sheet>, Problem> {
    let (guild, shell) = (visit.guild_id(), visit.shell);
    let present: RewardSettings = settings_read(&mut *db::acquire(app.pool()).await?, Some(guild)).await?;
    let Ok(Value::Object(present)) = serde_json::to_value(&present) else {
        return Err(Problem::internal_message("settings of rewards are no object"));
    };
    let mut shown = present.clone();
    shown.insert("days".to_owned(), json!(7));
    for (name, text) in typed.iter().filter(|(_, text)| !text.trim().is_empty()) {
        shown.insert(name.clone(), json!(text));
    }
    let form = Form::of(&Value::Object(shown));
    let mut sheet = Sheet::new(shell, "What if?").lead(says(
        "What the last days would have earned under other settings, and whose rank that would move. Looking changes nothing.",
    ));
    if !typed.is_empty() {
        let settings = changes(&typed, &present);
        let days = match typed.get("days").map(|text| text.trim()).filter(|text| !text.is_empty()) {
            Some(text) => Some(text.parse().map_err(|_| Problem::field("days", "must be a whole number"))?),
            None => None,
        };
        let supposition = Supposition { days, settings };
        let found = what_if(app.pool(), guild, &supposition).await?;
        let names = Names::of(&app, guild, found.rows.iter().map(|row| row.user_id)).await?;
        let answer = told(&sheet.shell, &names, &found, &supposition.settings);
        sheet = sheet.part("The answer", answer);
    }
    let question = asked(&sheet.shell, &form);
    Ok(Page(sheet.part("Suppose that", question)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_supposed() {
        let Value::Object(present) = serde_json::to_value(RewardSettings::default()).unwrap() else {
            panic!()
        };
        let typed = |all: &[(&str, &str)]| {
            changes(
                &all.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
                &present,
            )
        };
        assert!(
            typed(&[("message_xp", "15"), ("long_factor", "1.50"), ("thread_create_xp", " "), ("x", "1")])
                .is_empty()
        );
        assert_eq!(typed(&[("message_xp", "30")])["message_xp"], json!(30));
        assert_eq!(typed(&[("message_xp", "much")])["message_xp"], json!("much"));
    }
}
