//! Steps that are completed by what happens elsewhere in the guild, and quests that open by what members earn.

use access::testing::deliver;
use kernel::{GuildId, UserId};
use learning::ops::{Elsewhere, learners_round};
use serde_json::{Value, json};

use crate::stage::{ADA, BOB, Stage, reading};

/// A quest of these steps, each completed by one thing elsewhere.
fn quest(elsewhere: &[Value]) -> Value {
    let steps: Vec<Value> = elsewhere
        .iter()
        .enumerate()
        .map(|(n, what)| {
            json!({ "slug": format!("s{n}"), "type": "Interactive", "title": format!("Step {n}"),
                                 "experience_points": 5, "elsewhere": what })
        })
        .collect();
    json!({ "title": "Out there", "type": "Exploration", "difficulty": "Beginner", "experience_points": 10, "steps": steps })
}

async fn sql(stage: &Stage, text: &'static str) {
    sqlx::raw_sql(text).execute(stage.house.pool()).await.unwrap_or_else(|error| panic!("{text}: {error}"));
}

/// Tells of something, as the slice does in which it happened; written as it stands there, for not all of these slices are in this test.
async fn tell(stage: &Stage, event_type: &'static str, payload: Value) {
    sqlx::query("INSERT INTO jobs.outbox (guild_id, event_type, subject, user_id, payload) VALUES (1, $1, 'members', $2, $3)")
        .bind(event_type)
        .bind(ADA)
        .bind(payload)
        .execute(stage.house.pool())
        .await
        .unwrap();
}

async fn done(stage: &Stage, user: i64, quest: &str) -> Vec<bool> {
    let view = stage.ok("GET", &format!("quests/{quest}"), Some(user), None).await;
    let steps = view["attempt"]["steps"].as_array().unwrap();
    steps.iter().map(|step| step["status"] == "Completed").collect()
}

/// As the job looks, with room for everybody.
async fn steps_come_true(stage: &Stage) -> usize {
    let round = learners_round(stage.house.pool(), None, 100).await.unwrap();
    learning::ops::steps_come_true(stage.house.pool(), &round.who).await.unwrap()
}

async fn rules_come_true(stage: &Stage) -> usize {
    let round = learners_round(stage.house.pool(), None, 100).await.unwrap();
    learning::ops::rules_come_true(stage.house.pool(), &round.who).await.unwrap()
}

const THREAD: &str =
    "INSERT INTO lake.event_lake (guild_id, user_id, event_type) VALUES (1, 7, 'thread_create')";
const ACHIEVEMENT: &str = "INSERT INTO progress.achievement_templates (guild_id, name, description, requirement_type, rarity)
                               VALUES (1, 'Early', 'd', 'custom', 'common');
     INSERT INTO progress.user_achievements (guild_id, user_id, achievement_id) SELECT 1, 7, id FROM progress.achievement_templates";
const BOARD: &str =
    "INSERT INTO community.quests (guild_id, title, status, claimed_by, claimed_at, completed_at)
                     VALUES (1, 'Mend it', 'complete', 7, now(), now())";

fn achievement(user: i64) -> Value {
    json!({ "achievement_id": 1, "name": "Early", "rarity": "common", "user_id": user.to_string(), "xp": 0, "gold": 0 })
}

#[tokio::test]
async fn what_happens_completes_the_step_once_and_in_order() {
    let stage = Stage::new().await;
    let id = stage
        .quest(
            "out",
            &quest(&[json!({ "threads": 1 }), json!({ "board_quests": 1 }), json!({ "voice_minutes": 20 })]),
        )
        .await;
    // What happened before it was begun is not of it.
    sql(&stage, THREAD).await;
    let attempt = stage.ok("POST", &format!("quests/{id}/attempt"), Some(ADA), None).await;
    stage.ok("POST", &format!("quests/{id}/attempt"), Some(BOB), None).await;
    assert_eq!(attempt["steps"][0]["elsewhere"], json!({ "threads": 1 }));
    let confirm =
        format!("quests/{id}/attempt/steps/{}/completion", attempt["steps"][0]["id"].as_str().unwrap());
    let (status, kind, _) = stage.refused("POST", &confirm, Some(ADA), Some(json!({}))).await;
    assert_eq!((status, kind.as_str()), (409, "attempt-state"));
    assert_eq!(steps_come_true(&stage).await, 0);

    // No event tells of threads and talk: the job finds them.
    sql(&stage, THREAD).await;
    sql(
        &stage,
        "INSERT INTO progress.activity_log (guild_id, user_id, event_type, source_event_id, xp_delta)
         VALUES (1, 7, 'VOICE_TICK', 'a', 10), (1, 7, 'VOICE_TICK', 'b', 10)",
    )
    .await;
    assert_eq!(steps_come_true(&stage).await, 2);
    assert_eq!(steps_come_true(&stage).await, 0, "once");
    assert_eq!(done(&stage, ADA, &id).await, [true, false, true]);

    // A quest of the board is told of; told twice, it counts once.
    sql(&stage, BOARD).await;
    let payload = json!({ "quest_id": 1, "title": "Mend it", "user_id": ADA.to_string(), "xp": 0, "gold": 0, "stars": 0 });
    tell(&stage, "board.quest_completed", payload.clone()).await;
    tell(&stage, "board.quest_completed", payload).await;
    deliver(stage.house.pool(), &Elsewhere).await;
    let view = stage.ok("GET", &format!("quests/{id}"), Some(ADA), None).await;
    assert_eq!(view["attempt"]["status"], json!("Completed"), "{view}");
    assert_eq!(done(&stage, BOB, &id).await, [false, false, false]);
    stage.deliver().await;
    assert_eq!(stage.xp(ADA).await, 3 * 5 + 10);
    stage.assert_clean().await;
    // The audit derives it again from where it happened.
    sql(&stage, "DELETE FROM community.quests").await;
    let mut conn = stage.house.pool().acquire().await.unwrap();
    let drift = learning::audit::drift(&mut conn, None).await.unwrap();
    assert!(drift.len() == 1 && drift[0].what.starts_with("step completed elsewhere"), "{drift:?}");
}

#[tokio::test]
async fn what_was_earned_before_counts_as_the_quest_is_begun() {
    let stage = Stage::new().await;
    sql(&stage, ACHIEVEMENT).await;
    let id =
        stage.quest("out", &quest(&[json!({ "achievement": 1 }), json!({ "challenge": "riddle" })])).await;
    let attempt = stage.ok("POST", &format!("quests/{id}/attempt"), Some(ADA), None).await;
    assert_eq!(
        (&attempt["steps"][0]["status"], &attempt["steps"][1]["status"]),
        (&json!("Completed"), &json!("NotStarted"))
    );
    // Both parts of the challenge, the second by somebody of the squad.
    sql(
        &stage,
        "INSERT INTO campaigns.campaigns (guild_id, id, name, campaign_type, scoring_type, duration_hours, secret)
             VALUES (1, '11111111-1111-1111-1111-111111111111', 'C', 'squad', 'time_based', 24, sha256('s'));
         INSERT INTO challenges.challenges (guild_id, id, campaign_id, order_position, slug, title, description, parts, generation_script)
             VALUES (1, '22222222-2222-2222-2222-222222222222', '11111111-1111-1111-1111-111111111111', 1, 'riddle', 'R', 'd', 2, 's');
         INSERT INTO campaigns.campaign_squad_rosters (guild_id, campaign_id, user_id, squad_id)
             VALUES (1, '11111111-1111-1111-1111-111111111111', 7, '33333333-3333-3333-3333-333333333333');
         INSERT INTO campaigns.campaign_participants (guild_id, campaign_id, participant_id, participant_type, display_name, registered_by)
             VALUES (1, '11111111-1111-1111-1111-111111111111', '33333333-3333-3333-3333-333333333333', 'squad', 'S', 8);
         INSERT INTO challenges.challenge_submissions (guild_id, campaign_id, challenge_id, participant_id, participant_type, user_id, part,
                                                       submitted_result, is_correct, solve_position, elapsed_ms)
             SELECT 1, '11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222',
                    '33333333-3333-3333-3333-333333333333', 'squad', 8, part, 'x', true, 1, 1 FROM generate_series(1, 2) AS part",
    )
    .await;
    tell(&stage, "challenge.solved", json!({
        "campaign_id": "11111111-1111-1111-1111-111111111111", "challenge_id": "22222222-2222-2222-2222-222222222222", "part": 2,
        "participant_id": "33333333-3333-3333-3333-333333333333", "participant_type": "squad", "display_name": "S",
        "solved_at": "2026-12-01T18:00:03.217Z", "elapsed_ms": 1, "frozen": false }))
    .await;
    deliver(stage.house.pool(), &Elsewhere).await;
    assert_eq!(done(&stage, ADA, &id).await, [true, true]);
    stage.assert_clean().await;
}

#[tokio::test]
async fn what_members_earn_opens_quests_and_is_told_once() {
    let stage = Stage::new().await;
    let ruled = |rule: Value| {
        let mut quest = reading("Ruled", &[], 5);
        quest["unlock"] = rule;
        quest
    };
    let first = stage.quest("first", &reading("First", &[], 10)).await;
    let by_level = stage.quest("by-level", &ruled(json!({ "level": 3 }))).await;
    let by_xp = stage.quest("by-xp", &ruled(json!({ "all": [{ "xp": 50 }, { "quest": "first" }] }))).await;
    let by_skill =
        stage.quest("by-skill", &ruled(json!({ "skill": { "slug": "graphs", "points": 10 } }))).await;
    let by_achievement = stage.quest("by-achievement", &ruled(json!({ "achievement": 1 }))).await;
    let unlocked = async |user: i64| -> Vec<String> {
        let events =
            stage.events(user).await.into_iter().filter(|event| event.0 == "learning.challenge_unlocked");
        events.map(|event| event.1["unlocked_id"].as_str().unwrap().to_owned()).collect()
    };
    // Who learns nothing is told nothing.
    sql(&stage, "UPDATE people.members SET xp = 60, level = 3 WHERE user_id = 8").await;
    assert_eq!(rules_come_true(&stage).await, 0);
    stage.walk(ADA, &first).await;
    assert_eq!(unlocked(ADA).await, [""; 0]);

    // An event has the level looked at; the rest the job finds, whatever brought it.
    sql(&stage, "UPDATE people.members SET level = 3 WHERE user_id = 7").await;
    tell(&stage, "member.levelled_up", json!({ "user_id": ADA.to_string(), "level": 3, "xp": 1, "gold": 0 }))
        .await;
    deliver(stage.house.pool(), &Elsewhere).await;
    assert_eq!(unlocked(ADA).await, std::slice::from_ref(&by_level));
    sql(&stage, "UPDATE people.members SET xp = 60 WHERE user_id = 7").await;
    sql(&stage, "INSERT INTO community.user_skills (guild_id, user_id, skill_id, skill_points) SELECT 1, 7, id, 10 FROM community.skills").await;
    assert_eq!(rules_come_true(&stage).await, 2);
    sql(&stage, ACHIEVEMENT).await;
    tell(&stage, "achievement.earned", achievement(ADA)).await;
    tell(&stage, "achievement.earned", achievement(ADA)).await;
    deliver(stage.house.pool(), &Elsewhere).await;
    let mut all = unlocked(ADA).await;
    all.sort();
    let mut expected = vec![by_level, by_xp, by_skill, by_achievement.clone()];
    expected.sort();
    assert_eq!(all, expected);
    assert_eq!(rules_come_true(&stage).await, 0, "once");
    // What is taken away again closes nothing that was opened.
    sql(&stage, "UPDATE progress.user_achievements SET revoked_at = now()").await;
    let view = stage.ok("GET", &format!("quests/{by_achievement}"), Some(ADA), None).await;
    assert_eq!(view["state"], json!("open"));
    stage.deliver().await;
    let refused: i64 =
        sqlx::query_scalar("SELECT count(*) FROM jobs.outbox WHERE event_type = 'skill.reward_refused'")
            .fetch_one(stage.house.pool())
            .await
            .unwrap();
    assert_eq!(refused, 0);
    assert_eq!(unlocked(BOB).await, [""; 0]);
    stage.assert_clean().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let stage = Stage::new().await;
    for wrong in [
        json!({ "threads": 0 }),
        json!({ "voice_minutes": 15 }),
        json!({ "challenge": "A b" }),
        json!({ "achievement": 0 }),
    ] {
        let body = json!({ "slug": "x", "quest": quest(&[wrong]) });
        let (status, _, problem) = stage.refused("POST", "sources/quests", None, Some(body)).await;
        assert_eq!(
            (status, &problem["errors"][0]["field"]),
            (400, &json!("quest.steps[0].elsewhere")),
            "{problem}"
        );
    }
    for (field, value) in [("type", json!("Submission")), ("note_characters", json!(5))] {
        let mut body = json!({ "slug": "x", "quest": quest(&[json!({ "threads": 1 })]) });
        body["quest"]["steps"][0][field] = value;
        let (status, ..) = stage.refused("POST", "sources/quests", None, Some(body)).await;
        assert_eq!(status, 400);
    }
}

#[tokio::test]
async fn a_quest_that_cannot_be_read_holds_nobody_else_up() {
    let stage = Stage::new().await;
    let (broken, whole) = (
        stage.quest("broken", &quest(&[json!({ "threads": 1 }), json!({ "board_quests": 1 })])).await,
        stage.quest("whole", &quest(&[json!({ "threads": 1 }), json!({ "board_quests": 1 })])).await,
    );
    for (user, quest) in [(ADA, &broken), (BOB, &whole)] {
        stage.ok("POST", &format!("quests/{quest}/attempt"), Some(user), None).await;
    }
    sql(
        &stage,
        "UPDATE learning.quest_versions v SET snapshot = jsonb_set(v.snapshot, '{quest,title}', '5')
           FROM learning.quests q WHERE q.guild_id = v.guild_id AND q.id = v.quest_id AND q.slug = 'broken';
         INSERT INTO lake.event_lake (guild_id, user_id, event_type) VALUES (1, 7, 'thread_create'), (1, 8, 'thread_create')",
    )
    .await;
    assert_eq!(steps_come_true(&stage).await, 1);
    assert_eq!(done(&stage, BOB, &whole).await, [true, false]);

    // Nor does it hold up who reads of it in the outbox.
    sql(
        &stage,
        "INSERT INTO community.quests (guild_id, title, status, claimed_by, claimed_at, completed_at)
         VALUES (1, 'Mend it', 'complete', 7, now(), now()), (1, 'Sweep it', 'complete', 8, now(), now())",
    )
    .await;
    for user in [ADA, BOB] {
        let payload = json!({ "quest_id": 1, "title": "Mend it", "user_id": user.to_string(), "xp": 0, "gold": 0, "stars": 0 });
        tell(&stage, "board.quest_completed", payload).await;
    }
    deliver(stage.house.pool(), &Elsewhere).await;
    assert_eq!(done(&stage, BOB, &whole).await, [true, true]);
}

#[tokio::test]
async fn the_job_looks_at_a_part_of_all_learners_and_at_who_earned_something_just_now() {
    let stage = Stage::new().await;
    let id = stage.quest("out", &quest(&[json!({ "threads": 1 }), json!({ "voice_minutes": 10 })])).await;
    for user in [ADA, BOB] {
        stage.ok("POST", &format!("quests/{id}/attempt"), Some(user), None).await;
    }
    let pool = stage.house.pool();
    let of = |user: i64| (GuildId::new(1), UserId::new(user));
    // Each in their turn, and from the beginning once all have had theirs.
    let first = learners_round(pool, None, 1).await.unwrap();
    assert_eq!((first.who, first.until), (vec![of(ADA)], Some(of(ADA))));
    let second = learners_round(pool, Some(of(ADA)), 1).await.unwrap();
    assert_eq!((second.who, second.until), (vec![of(BOB)], Some(of(BOB))));
    let third = learners_round(pool, Some(of(BOB)), 1).await.unwrap();
    assert_eq!((third.who, third.until), (vec![], None));
    // Whoever earns something need not wait for it.
    sql(
        &stage,
        "INSERT INTO progress.activity_log (guild_id, user_id, event_type, source_event_id, xp_delta)
         VALUES (1, 8, 'VOICE_TICK', 'a', 10)",
    )
    .await;
    let round = learners_round(pool, None, 1).await.unwrap();
    assert_eq!((&round.who, round.until), (&vec![of(ADA), of(BOB)], Some(of(ADA))));
    assert_eq!(learning::ops::steps_come_true(pool, &round.who).await.unwrap(), 1);
    assert_eq!(done(&stage, BOB, &id).await, [false, true]);
    assert_eq!(done(&stage, ADA, &id).await, [false, false]);
}

/// What a run costs does not grow with who learns and earned here before: statements read the learners that they are asked about.
#[tokio::test]
async fn a_run_of_the_job_reads_nothing_of_learners_that_it_does_not_look_at() {
    let stage = Stage::new().await;
    let id = stage.quest("out", &quest(&[json!({ "threads": 1 })])).await;
    stage.ok("POST", &format!("quests/{id}/attempt"), Some(ADA), None).await;
    sql(
        &stage,
        "INSERT INTO people.users (id) SELECT 1000 + n FROM generate_series(1, 20000) AS n;
         INSERT INTO people.members (guild_id, user_id) SELECT 1, 1000 + n FROM generate_series(1, 20000) AS n;
         INSERT INTO learning.learners (guild_id, auth_user_id, user_id)
             SELECT 1, u.auth_user_id, u.id FROM people.users u WHERE u.id > 1000;
         INSERT INTO learning.user_quest_attempts (guild_id, auth_user_id, quest_id, version, total_count)
             SELECT 1, l.auth_user_id, q.id, 1, 1 FROM learning.learners l CROSS JOIN learning.quests q WHERE l.user_id > 1000;
         ANALYZE people.members; ANALYZE learning.learners; ANALYZE learning.user_quest_attempts; ANALYZE learning.quest_versions;
         -- What this connection read is on record before it is looked at.
         SELECT pg_stat_force_next_flush()",
    )
    .await;
    // A single connection, which tells what it read when it is asked to.
    let one = sqlx::postgres::PgPoolOptions::new().max_connections(1);
    let pool = one.connect_with(stage.house.database.options().clone()).await.unwrap();
    let read = async || -> i64 {
        sqlx::query("SELECT pg_stat_force_next_flush()").execute(&pool).await.unwrap();
        sqlx::query_scalar(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables
              WHERE schemaname || '.' || relname IN ('learning.learners', 'learning.user_quest_attempts', 'people.members')",
        )
        .fetch_one(&pool)
        .await
        .unwrap()
    };
    let before = read().await;
    let round = learners_round(&pool, None, 10).await.unwrap();
    assert_eq!(round.who.len(), 10);
    learning::ops::steps_come_true(&pool, &round.who).await.unwrap();
    learning::ops::rules_come_true(&pool, &round.who).await.unwrap();
    let rows = read().await - before;
    assert!(rows < 1_000, "{rows} rows were read for 10 learners");
}
