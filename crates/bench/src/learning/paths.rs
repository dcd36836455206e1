//! A long path with a learner's states, and a track brought from elsewhere, twice.

use std::collections::BTreeMap;
use std::time::Instant;

use access::{By, Origin};
use anyhow::{Result, ensure};
use kernel::{GuildId, UserId};
use learning::authoring::Foreign;
use learning::ops::{Author, foreign_import, path_view};
use serde_json::{Value, json};

use super::{SECTION, latencies, learners, publish};
use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::progress;
use crate::sample::Samples;

const GUILD: GuildId = GuildId::new(16);
const FIRST_USER: i64 = 1_600_000_000;

/// So many quests; each requires up to `back` of those before it.
fn quests(count: usize, back: usize, title: &str) -> Vec<Value> {
    (0..count)
        .map(|n| {
            let requires: Vec<String> = (1..=back.min(n)).map(|step| format!("{title}-{}", n - step)).collect();
            json!({ "slug": format!("{title}-{n}"), "quest": {
                "title": format!("Exercise {n}"), "type": "Practice", "difficulty": "Beginner", "experience_points": 10,
                "description": "What is to be done, in some words that say a little about it.", "requires": requires,
                "steps": [{ "slug": "read", "type": "Reading", "title": "Read", "description": "A page or so. ".repeat(40) },
                          { "slug": "do", "type": "Interactive", "title": "Do", "url": "https://example.com/" }] } })
        })
        .collect()
}

fn entries(count: usize, title: &str) -> Vec<Value> {
    (0..count).map(|n| json!({ "quest": format!("{title}-{n}") })).collect()
}

pub(super) async fn measure(ground: &Ground, quick: bool) -> Result<Vec<Figure>> {
    let (count, learning, samples, exercises) = if quick { (50, 10, 20, 30) } else { (500, 200, 1_000, 168) };
    let (pool, mut conn) = (ground.pool(), ground.connect().await?);
    let _spinner = progress::spinner("paths");
    let path = publish(
        pool,
        GUILD,
        json!({ "slug": "long", "path": { "name": "Long", "type": "Course", "quests": entries(count, "long") },
                "quests": quests(count, 2, "long") }),
    )
    .await?;
    learners(&mut conn, GUILD, FIRST_USER, learning).await?;
    sqlx::query(
        "INSERT INTO learning.user_learning_path_progress (guild_id, auth_user_id, learning_path_id, status, started_at, total_quests_count, membership_epoch)
         SELECT $1, l.auth_user_id, p.id, 'InProgress', now(), $3, p.membership_epoch FROM learning.learners l
           JOIN learning.learning_paths p ON p.guild_id = l.guild_id AND p.id = $2 WHERE l.guild_id = $1",
    )
    .bind(GUILD.get())
    .bind(path.get())
    .bind(i32::try_from(count)?)
    .execute(&mut conn)
    .await?;
    // Each has completed the first so many quests, up to all.
    sqlx::query(
        "INSERT INTO learning.user_quest_attempts (guild_id, auth_user_id, quest_id, version, total_count, done_count, status, completed_at)
         SELECT $1, l.auth_user_id, q.id, 1, 2, 2, 'Completed', now() FROM learning.learners l
           JOIN learning.quests q ON q.guild_id = l.guild_id AND substr(q.slug, 6)::int < (l.user_id - $2) * $3 / $4
          WHERE l.guild_id = $1",
    )
    .bind(GUILD.get())
    .bind(FIRST_USER)
    .bind(i64::try_from(count)?)
    .bind(learning)
    .execute(&mut conn)
    .await?;
    ground.settle().await?;
    let mut seen = Samples::default();
    for n in 0..samples + samples / 10 {
        let user = UserId::new(FIRST_USER + n % learning);
        let began = Instant::now();
        let view = path_view(pool, GUILD, Some(user), path).await?;
        if n >= samples / 10 {
            seen.push(began.elapsed());
        }
        ensure!(view.quests.len() == count, "the path has {} quests", view.quests.len());
    }
    let mut figures: Vec<Figure> =
        latencies(&format!("a path of {count} quests with a learner's states"), seen, 10.0).into();

    let track = Foreign {
        bundle: serde_json::from_value(json!({ "slug": "track",
            "path": { "name": "Track", "type": "Course", "quests": entries(exercises, "track") },
            "quests": quests(exercises, 6, "track") }))?,
        source: "a track".to_owned(),
        sources: (0..exercises).map(|n| (format!("track-{n}"), format!("source:{n}"))).collect(),
        skills: BTreeMap::new(),
        left_out: Vec::new(),
    };
    let edges: usize = track.bundle.quests.iter().map(|named| named.quest.requires.len()).sum();
    let here = Origin::default();
    let author = Author { by: By::Cli, origin: &here };
    let began = Instant::now();
    let brought = foreign_import(pool, GUILD, &track, true, author).await?;
    let first = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let again = foreign_import(pool, GUILD, &track, true, author).await?;
    let second = began.elapsed().as_secs_f64();
    ensure!((brought.done.created, again.done.unchanged) == (exercises, exercises), "{brought:?} {again:?}");
    figures.push(
        Figure::new(
            SECTION,
            format!("import of a track, {exercises} exercises and {edges} edges"),
            first,
            Unit::Seconds,
        )
        .target(Target::AtMost(3.0)),
    );
    figures.push(Figure::new(SECTION, "again, unchanged", second, Unit::Seconds).target(Target::AtMost(0.3)));
    Ok(figures)
}
