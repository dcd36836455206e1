//! Reviews that many ask for at once, and a regrade of very many answers.

use std::time::Instant;

use access::{By, Origin};
use anyhow::{Context as _, Result, ensure};
use assessment::ReviewDesk;
use assessment::model::regrade::NewRegrade;
use assessment::model::work::Work;
use jobs::Wake;
use kernel::{GuildId, UserId};
use learning::ids::{AssessmentId, QuestId, StepId, Subject};
use learning::ops::{Author, attempt_begin};
use serde_json::json;
use sqlx::PgConnection;
use tokio::task::JoinSet;

use super::{SECTION, latencies, learners, publish};
use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::progress;
use crate::sample::Samples;

const GUILD: GuildId = GuildId::new(17);
const FIRST_USER: i64 = 1_700_000_000;
/// Who ask for a review at once.
const AT_ONCE: i64 = 200;
/// Answers of a try.
const EACH: i64 = 5;

pub(super) async fn measure(ground: &Ground, quick: bool) -> Result<Vec<Figure>> {
    let (at_once, authors, tries) = if quick { (10, 20, 400) } else { (AT_ONCE, 2 * AT_ONCE, 20_000) };
    let (pool, mut conn) = (ground.pool(), ground.connect().await?);
    let spinner = progress::spinner("learners hand in");
    let questions: Vec<_> = (0..EACH)
        .map(|n| json!({ "slug": format!("q{n}"), "type": "text", "text": "?", "answers": ["right"] }))
        .collect();
    publish(
        pool,
        GUILD,
        json!({ "slug": "judged", "path": { "name": "Judged", "type": "Course", "quests": [{ "quest": "essay" }, { "quest": "quiz" }] },
            "quests": [
                { "slug": "essay", "quest": { "title": "Essay", "type": "Challenge", "difficulty": "Beginner", "assessments": [
                    { "slug": "peers", "type": "PeerReview", "title": "Peers", "review": { "rubric": [
                        { "slug": "sense", "text": "Sense", "points": 5 }], "peers": { "required": 3, "owed": 3 } } }] } },
                { "slug": "quiz", "quest": { "title": "Quiz", "type": "Assessment", "difficulty": "Beginner", "steps": [
                    { "slug": "quiz", "type": "Quiz", "title": "Quiz", "quiz": { "pass_percent": 60, "questions": questions } }] } },
            ] }),
    )
    .await?;
    learners(&mut conn, GUILD, FIRST_USER, tries.max(authors)).await?;
    let essay: QuestId = quest(&mut conn, "essay").await?;
    let peers = AssessmentId::of(essay, "peers");
    let work = Work { text: "Mine.".to_owned(), links: Vec::new() };
    for n in 0..authors {
        let user = UserId::new(FIRST_USER + n);
        attempt_begin(pool, GUILD, user, essay).await?;
        assessment::ops::submission_create(pool, GUILD, user, essay, Subject::Assessment(peers), &work)
            .await?;
    }
    drop(spinner);
    ground.settle().await?;
    let spinner = progress::spinner("learners ask for reviews");
    let desk = ReviewDesk::start(pool, &Wake::new());
    // Some have asked before, as on a server that has been there for a while.
    for n in at_once..authors {
        let given = desk.request(GUILD, UserId::new(FIRST_USER + n), essay, peers).await?;
        ensure!(given.review.is_some(), "there is something to review");
    }
    let began = Instant::now();
    let mut asking = JoinSet::new();
    for n in 0..at_once {
        let desk = desk.clone();
        asking.spawn(async move {
            let user = UserId::new(FIRST_USER + n);
            let given = desk.request(GUILD, user, essay, peers).await?;
            ensure!(given.review.is_some(), "{user} is given nothing to review");
            anyhow::Ok(began.elapsed())
        });
    }
    let mut samples = Samples::default();
    while let Some(ended) = asking.join_next().await {
        samples.push(ended??);
    }
    let mut figures: Vec<Figure> =
        latencies(&format!("a review asked for, by {at_once} at the same instant"), samples, 20.0).into();
    drop(spinner);

    let spinner = progress::spinner("learners try a quiz");
    let quiz: QuestId = quest(&mut conn, "quiz").await?;
    let step = fill(&mut conn, quiz, tries).await?;
    drop(spinner);
    ground.settle().await?;
    let _spinner = progress::spinner("tries are graded again");
    let new = NewRegrade {
        quest_id: quiz,
        step_id: Some(step),
        assessment_id: None,
        key_version: None,
        lowers: false,
        dry: false,
        reason: "The key was wrong.".to_owned(),
    };
    let began = Instant::now();
    let preview = assessment::ops::regrade_preview(pool, GUILD, &new).await?;
    let dry = began.elapsed().as_secs_f64();
    ensure!(preview.looked_at == usize::try_from(tries)?, "{preview:?}");
    let here = Origin::default();
    let author = Author { by: By::Cli, origin: &here };
    let asked = assessment::ops::regrade_create(pool, GUILD, &new, author).await?;
    let began = Instant::now();
    assessment::ops::regrade_run(pool, None, GUILD, asked.id).await?;
    let applied = began.elapsed().as_secs_f64();
    for (name, took) in [("dry", dry), ("applied", applied)] {
        figures.push(
            Figure::new(SECTION, format!("regrade of {} answers, {name}", tries * EACH), took, Unit::Seconds)
                .target(Target::AtMost(10.0)),
        );
    }
    Ok(figures)
}

async fn quest(conn: &mut PgConnection, slug: &str) -> Result<QuestId> {
    Ok(sqlx::query_scalar("SELECT id FROM learning.quests WHERE guild_id = $1 AND slug = $2")
        .bind(GUILD.get())
        .bind(slug)
        .fetch_one(conn)
        .await?)
}

/// Each learner tried once: three of five right, graded by another key, which is why it did not pass.
async fn fill(conn: &mut PgConnection, quest: QuestId, tries: i64) -> Result<StepId> {
    let step: StepId =
        sqlx::query_scalar("SELECT id FROM learning.quest_steps WHERE guild_id = $1 AND quest_id = $2")
            .bind(GUILD.get())
            .bind(quest.get())
            .fetch_one(&mut *conn)
            .await?;
    let statements = [
        "INSERT INTO learning.user_quest_attempts (guild_id, auth_user_id, quest_id, version, total_count)
         SELECT $1, l.auth_user_id, $2, 1, 1 FROM learning.learners l WHERE l.guild_id = $1 ORDER BY l.user_id LIMIT $4",
        "INSERT INTO learning.user_quest_step_progress (guild_id, attempt_id, step_id, status, started_at, score, attempts_count)
         SELECT $1, a.id, $3, 'InProgress', now(), 0, 1 FROM learning.user_quest_attempts a
          WHERE a.guild_id = $1 AND a.quest_id = $2 AND $4::bigint > 0",
        "INSERT INTO learning.item_tries (guild_id, attempt_id, auth_user_id, version, run, step_id, try_number, status, finished_at,
                                          score, max_score, is_passed)
         SELECT $1, a.id, a.auth_user_id, 1, 0, $3, 1, 'graded', now(), 0, 5, false FROM learning.user_quest_attempts a
          WHERE a.guild_id = $1 AND a.quest_id = $2 AND $4::bigint > 0",
        "INSERT INTO learning.item_responses (guild_id, try_id, item, item_hash, place, answer, score, max_score)
         SELECT $1, t.id, 'q' || n, sha256('another key'), n + 1, to_jsonb(CASE WHEN n < 3 THEN 'right' ELSE 'wrong' END), 0, 1
           FROM learning.item_tries t CROSS JOIN generate_series(0, 4) n
          WHERE t.guild_id = $1 AND t.step_id = $3 AND $2::uuid IS NOT NULL AND $4::bigint > 0",
    ];
    for statement in statements {
        sqlx::query(statement)
            .bind(GUILD.get())
            .bind(quest.get())
            .bind(step.get())
            .bind(tries)
            .execute(&mut *conn)
            .await
            .with_context(|| statement.to_owned())?;
    }
    Ok(step)
}
