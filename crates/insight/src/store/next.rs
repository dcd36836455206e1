//! Who completed what after what, and what may be recommended.

use chrono::{DateTime, Utc};
use kernel::GuildId;
use learning::ids::{LearnerId, PathId, QuestId};
use sqlx::PgConnection;
use uuid::Uuid;

/// Writes completions that are new in these attempts, in their order, and adds the transitions that they make.
pub(crate) async fn completions_put(
    conn: &mut PgConnection,
    guild: GuildId,
    attempts: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"WITH fresh AS (
               SELECT DISTINCT ON (e.auth_user_id, e.quest_id) e.auth_user_id, e.quest_id, e.occurred_at, e.id
                 FROM learning.attempt_events e
                WHERE e.guild_id = $1 AND e.attempt_id = ANY ($2) AND e.event_type = 'quest_completed'
                  AND NOT EXISTS (SELECT FROM insight.completions c
                                   WHERE c.guild_id = $1 AND c.auth_user_id = e.auth_user_id AND c.quest_id = e.quest_id)
                ORDER BY e.auth_user_id, e.quest_id, e.occurred_at, e.id
           ), placed AS MATERIALIZED (
               SELECT f.auth_user_id, f.quest_id, f.occurred_at,
                      (coalesce((SELECT max(c.place) FROM insight.completions c WHERE c.guild_id = $1 AND c.auth_user_id = f.auth_user_id), 0)
                       + row_number() OVER (PARTITION BY f.auth_user_id ORDER BY f.occurred_at, f.id))::integer AS place
                 FROM fresh f
           ), put AS (
               INSERT INTO insight.completions (guild_id, auth_user_id, quest_id, place, completed_at)
               SELECT $1, auth_user_id, quest_id, place, occurred_at FROM placed
           ), before AS (
               SELECT auth_user_id, quest_id, place FROM placed
               UNION ALL
               SELECT c.auth_user_id, c.quest_id, c.place FROM insight.completions c
                WHERE c.guild_id = $1 AND c.auth_user_id IN (SELECT auth_user_id FROM placed)
           ), counted AS (
               INSERT INTO insight.quest_counts AS q (guild_id, quest_id, completions)
               SELECT $1, quest_id, count(*) FROM placed GROUP BY quest_id ORDER BY quest_id
               ON CONFLICT ON CONSTRAINT pk_quest_counts DO UPDATE SET completions = q.completions + excluded.completions
           )
           INSERT INTO insight.transitions AS t (guild_id, from_quest_id, to_quest_id, weight)
           SELECT $1, b.quest_id, p.quest_id, sum(2520 / (p.place - b.place))
             FROM placed p JOIN before b ON b.auth_user_id = p.auth_user_id AND b.place BETWEEN p.place - 10 AND p.place - 1
            GROUP BY b.quest_id, p.quest_id ORDER BY b.quest_id, p.quest_id
           ON CONFLICT ON CONSTRAINT pk_transitions DO UPDATE SET weight = t.weight + excluded.weight"#,
        guild.get(),
        attempts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How a learner stands with a quest.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub(crate) quest: QuestId,
    pub(crate) completed_at: Option<DateTime<Utc>>,
    pub(crate) abandoned: bool,
    pub(crate) enjoyment: Option<i32>,
}

/// What a learner began, the latest completion first.
pub(crate) async fn begun_of(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
) -> sqlx::Result<Vec<Begun>> {
    sqlx::query_as!(
        Begun,
        r#"SELECT a.quest_id AS "quest: QuestId", a.completed_at, a.status = 'Abandoned' AS "abandoned!", v.enjoyment_rating AS enjoyment
             FROM learning.user_quest_attempts a
             LEFT JOIN insight.quest_reviews v
               ON v.guild_id = a.guild_id AND v.quest_id = a.quest_id AND v.auth_user_id = a.auth_user_id
            WHERE a.guild_id = $1 AND a.auth_user_id = $2 ORDER BY a.completed_at DESC NULLS LAST, a.id"#,
        guild.get(),
        learner.get(),
    )
    .fetch_all(conn)
    .await
}

/// What else is the case for a learner.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    pub(crate) dismissed: Vec<QuestId>,
    pub(crate) unlocked: Vec<QuestId>,
    pub(crate) enrolled: Vec<PathId>,
    pub(crate) ability: Option<f64>,
}

/// Reads it.
pub(crate) async fn standing_of(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
) -> sqlx::Result<Standing> {
    sqlx::query_as!(
        Standing,
        r#"SELECT ARRAY(SELECT quest_id FROM insight.dismissals WHERE guild_id = $1 AND auth_user_id = $2) AS "dismissed!: Vec<QuestId>",
                  ARRAY(SELECT quest_id FROM learning.quest_unlocks WHERE guild_id = $1 AND auth_user_id = $2) AS "unlocked!: Vec<QuestId>",
                  ARRAY(SELECT learning_path_id FROM learning.user_learning_path_progress
                         WHERE guild_id = $1 AND auth_user_id = $2 AND status = 'InProgress') AS "enrolled!: Vec<PathId>",
                  (SELECT ability FROM insight.abilities WHERE guild_id = $1 AND auth_user_id = $2 AND tries >= $3) AS ability"#,
        guild.get(),
        learner.get(),
        TRIES,
    )
    .fetch_one(conn)
    .await
}

/// First tries that an ability or a difficulty must rest upon before it is asked about fit.
const TRIES: i32 = 5;

/// A transition from something that the learner completed.
#[derive(Debug, Clone)]
pub(crate) struct Transition {
    pub(crate) age: i32,
    pub(crate) from: QuestId,
    pub(crate) to: QuestId,
    pub(crate) weight: i64,
    pub(crate) completions: i64,
}

/// The strongest transitions from these quests, the latest completed first.
pub(crate) async fn transitions_from(
    conn: &mut PgConnection,
    guild: GuildId,
    history: &[Uuid],
) -> sqlx::Result<Vec<Transition>> {
    sqlx::query_as!(
        Transition,
        r#"SELECT (h.age - 1)::integer AS "age!", h.quest AS "from!: QuestId", t.to_quest_id AS "to!: QuestId", t.weight AS "weight!",
                  coalesce(c.completions, 0) AS "completions!"
             FROM unnest($2::uuid[]) WITH ORDINALITY AS h (quest, age)
             LEFT JOIN insight.quest_counts c ON c.guild_id = $1 AND c.quest_id = h.quest
            CROSS JOIN LATERAL (SELECT w.to_quest_id, w.weight FROM insight.transitions w
                                 WHERE w.guild_id = $1 AND w.from_quest_id = h.quest AND w.weight > 0
                                 ORDER BY w.weight DESC, w.to_quest_id LIMIT 100) t"#,
        guild.get(),
        history,
    )
    .fetch_all(conn)
    .await
}

/// What most completed, the most first.
pub(crate) async fn popular(
    conn: &mut PgConnection,
    guild: GuildId,
    most: i64,
) -> sqlx::Result<Vec<(QuestId, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT quest_id AS "quest: QuestId", completions FROM insight.quest_counts
            WHERE guild_id = $1 AND completions > 0 ORDER BY completions DESC LIMIT $2"#,
        guild.get(),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.quest, row.completions)).collect())
}

/// Difficulties of the steps of these quests, as far as they are known well enough.
pub(crate) async fn difficulties_of(
    conn: &mut PgConnection,
    guild: GuildId,
    quests: &[Uuid],
) -> sqlx::Result<Vec<(QuestId, f64)>> {
    let rows = sqlx::query!(
        r#"SELECT s.quest_id AS "quest: QuestId", d.difficulty FROM learning.quest_steps s
             JOIN insight.difficulties d ON d.guild_id = s.guild_id AND d.subject_id = s.id
            WHERE s.guild_id = $1 AND s.quest_id = ANY ($2) AND s.retired_at IS NULL AND d.tries >= $3"#,
        guild.get(),
        quests,
        TRIES,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.quest, row.difficulty)).collect())
}

/// Writes that a learner wants a quest recommended no more.
pub(crate) async fn dismissal_put(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
    quest: QuestId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO insight.dismissals (guild_id, auth_user_id, quest_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        guild.get(),
        learner.get(),
        quest.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes that back.
pub(crate) async fn dismissal_delete(
    conn: &mut PgConnection,
    guild: GuildId,
    learner: LearnerId,
    quest: QuestId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM insight.dismissals WHERE guild_id = $1 AND auth_user_id = $2 AND quest_id = $3",
        guild.get(),
        learner.get(),
        quest.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
