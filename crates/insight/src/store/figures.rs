//! Figures of days, quests and their steps: made, and read.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::GuildId;
use learning::ids::{QuestId, StepId};
use sqlx::PgConnection;
use uuid::Uuid;

/// Takes open days, the latest first, at most so many.
pub(crate) async fn days_take(
    conn: &mut PgConnection,
    guild: GuildId,
    most: i64,
) -> sqlx::Result<Vec<NaiveDate>> {
    sqlx::query_scalar!(
        "DELETE FROM insight.open_days
          WHERE guild_id = $1 AND day IN (SELECT o.day FROM insight.open_days o WHERE o.guild_id = $1 ORDER BY o.day DESC LIMIT $2)
         RETURNING day",
        guild.get(),
        most,
    )
    .fetch_all(conn)
    .await
}

/// Makes a day's figures anew; tells of how many quests.
pub(crate) async fn day_make(conn: &mut PgConnection, guild: GuildId, day: NaiveDate) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"WITH made AS MATERIALIZED (
               SELECT * FROM insight.day_figures($1, $2)
           ), gone AS (
               DELETE FROM insight.quest_analytics a
                WHERE a.guild_id = $1 AND a.date_recorded = $2 AND NOT EXISTS (SELECT FROM made m WHERE m.quest_id = a.quest_id)
           )
           INSERT INTO insight.quest_analytics (guild_id, quest_id, date_recorded, total_attempts, restarts, successful_completions,
                  abandonments, open_attempts, engaged_attempts, average_completion_time_minutes, completion_time_deviation,
                  median_completion_time_minutes, median_low, median_high, average_attempts_to_complete, abandonment_rate,
                  engagement_score, ratings, difficulty_rating)
           SELECT $1, m.quest_id, $2, m.total_attempts, m.restarts, m.successful_completions, m.abandonments, m.open_attempts,
                  m.engaged_attempts, m.average_completion_time_minutes, m.completion_time_deviation,
                  m.median_completion_time_minutes, m.median_low, m.median_high, m.average_attempts_to_complete, m.abandonment_rate,
                  m.engagement_score, m.ratings, m.difficulty_rating
             FROM made m
           ON CONFLICT ON CONSTRAINT pk_quest_analytics DO UPDATE
              SET total_attempts = excluded.total_attempts, restarts = excluded.restarts,
                  successful_completions = excluded.successful_completions, abandonments = excluded.abandonments,
                  open_attempts = excluded.open_attempts, engaged_attempts = excluded.engaged_attempts,
                  average_completion_time_minutes = excluded.average_completion_time_minutes,
                  completion_time_deviation = excluded.completion_time_deviation,
                  median_completion_time_minutes = excluded.median_completion_time_minutes, median_low = excluded.median_low,
                  median_high = excluded.median_high, average_attempts_to_complete = excluded.average_attempts_to_complete,
                  abandonment_rate = excluded.abandonment_rate, engagement_score = excluded.engagement_score,
                  ratings = excluded.ratings, difficulty_rating = excluded.difficulty_rating"#,
        guild.get(),
        day,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Takes open quests, at most so many.
pub(crate) async fn quests_take(
    conn: &mut PgConnection,
    guild: GuildId,
    most: i64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "DELETE FROM insight.open_quests
          WHERE guild_id = $1
            AND quest_id IN (SELECT o.quest_id FROM insight.open_quests o WHERE o.guild_id = $1 ORDER BY o.noted_at LIMIT $2)
         RETURNING quest_id",
        guild.get(),
        most,
    )
    .fetch_all(conn)
    .await
}

/// Makes the figures of quests' versions and steps anew.
pub(crate) async fn quests_make(
    conn: &mut PgConnection,
    guild: GuildId,
    quests: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM insight.version_figures WHERE guild_id = $1 AND quest_id = ANY ($2)",
        guild.get(),
        quests
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"WITH counted AS (
               SELECT quest_id, version, count(*) FILTER (WHERE run = 0) AS attempts,
                      count(*) FILTER (WHERE run = 0 AND outcome = 'completed') AS completed,
                      count(*) FILTER (WHERE run = 0 AND outcome = 'abandoned') AS abandoned,
                      count(*) FILTER (WHERE run = 0 AND outcome = 'idle') AS idle,
                      count(*) FILTER (WHERE run > 0) AS restarts,
                      count(*) FILTER (WHERE run > 0 AND outcome = 'completed') AS restarts_completed,
                      avg(active_seconds) FILTER (WHERE run = 0 AND outcome = 'completed') / 60 AS mean,
                      stddev_samp(active_seconds::double precision) FILTER (WHERE run = 0 AND outcome = 'completed') / 60 AS deviation,
                      array_agg(active_seconds ORDER BY active_seconds) FILTER (WHERE run = 0 AND outcome = 'completed') AS times,
                      min(begun_at) AS first_begun_at, max(begun_at) AS last_begun_at
                 FROM insight.runs WHERE guild_id = $1 AND quest_id = ANY ($2) GROUP BY quest_id, version)
           INSERT INTO insight.version_figures (guild_id, quest_id, version, attempts, completed, abandoned, idle, restarts,
                  restarts_completed, mean_minutes, deviation_minutes, median_minutes, median_low, median_high, first_begun_at, last_begun_at)
           SELECT $1, quest_id, version, attempts, completed, abandoned, idle, restarts, restarts_completed, mean, deviation,
                  (times[(completed + 1) / 2] + times[completed / 2 + 1]) / 120.0,
                  times[greatest(1, floor(completed / 2.0 - 0.98 * sqrt(completed)))::integer] / 60.0,
                  times[least(completed, ceil(completed / 2.0 + 0.98 * sqrt(completed)) + 1)::integer] / 60.0, first_begun_at, last_begun_at
             FROM counted"#,
        guild.get(),
        quests,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM insight.step_figures WHERE guild_id = $1 AND quest_id = ANY ($2)",
        guild.get(),
        quests
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"INSERT INTO insight.step_figures (guild_id, quest_id, version, place, step_id, reached, done, skipped, at_risk, left_here,
                  still_here)
           SELECT $1, s.quest_id, s.version, s.place, s.step_id, count(*) FILTER (WHERE s.step_id = ANY (r.touched)),
                  count(*) FILTER (WHERE s.step_id = ANY (r.done)), count(*) FILTER (WHERE s.step_id = ANY (r.skipped)),
                  count(*) FILTER (WHERE r.place IS NULL OR r.place >= s.place OR r.outcome = 'completed'),
                  count(*) FILTER (WHERE r.place = s.place AND r.outcome IN ('abandoned', 'idle')),
                  count(*) FILTER (WHERE r.place = s.place AND r.outcome IN ('open', 'paused', 'waiting'))
             FROM insight.version_steps s
             JOIN insight.runs r ON r.guild_id = $1 AND r.quest_id = s.quest_id AND r.version = s.version AND r.run = 0
            WHERE s.guild_id = $1 AND s.quest_id = ANY ($2)
            GROUP BY s.quest_id, s.version, s.place, s.step_id"#,
        guild.get(),
        quests,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A day of a quest, as stored.
#[derive(Debug, Clone)]
pub(crate) struct DayRow {
    pub(crate) quest_id: QuestId,
    pub(crate) title: String,
    pub(crate) day: NaiveDate,
    pub(crate) total_attempts: i32,
    pub(crate) restarts: i32,
    pub(crate) completions: i32,
    pub(crate) abandonments: i32,
    pub(crate) open_attempts: i32,
    pub(crate) engaged_attempts: i32,
    pub(crate) mean: Option<f64>,
    pub(crate) deviation: Option<f64>,
    pub(crate) median: Option<f64>,
    pub(crate) median_low: Option<f64>,
    pub(crate) median_high: Option<f64>,
    pub(crate) attempts_to_complete: Option<f64>,
    pub(crate) difficulty: Option<f64>,
    pub(crate) ratings: i32,
    pub(crate) made_at: DateTime<Utc>,
}

/// Days of a quest, or of all quests, the latest first, and of a day by quest.
pub(crate) async fn days_list(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: Option<QuestId>,
    (from, until): (NaiveDate, NaiveDate),
    after: Option<(NaiveDate, Uuid)>,
    most: i64,
) -> sqlx::Result<Vec<DayRow>> {
    let (day, id) = after.unwrap_or((until, Uuid::nil()));
    sqlx::query_as!(
        DayRow,
        r#"SELECT a.quest_id AS "quest_id: QuestId", q.title, a.date_recorded AS day, a.total_attempts, a.restarts,
                  a.successful_completions AS completions, a.abandonments, a.open_attempts, a.engaged_attempts,
                  a.average_completion_time_minutes::float8 AS mean, a.completion_time_deviation::float8 AS deviation,
                  a.median_completion_time_minutes::float8 AS median, a.median_low::float8 AS median_low,
                  a.median_high::float8 AS median_high, a.average_attempts_to_complete::float8 AS attempts_to_complete,
                  a.difficulty_rating::float8 AS difficulty, a.ratings, a.updated_at AS made_at
             FROM insight.quest_analytics a
             JOIN learning.quests q ON q.guild_id = a.guild_id AND q.id = a.quest_id
            WHERE a.guild_id = $1 AND ($2::uuid IS NULL OR a.quest_id = $2) AND a.date_recorded BETWEEN $3 AND $4
              AND a.date_recorded <= $5 AND (a.date_recorded < $5 OR a.quest_id > $6)
            ORDER BY a.date_recorded DESC, a.quest_id LIMIT $7"#,
        guild.get(),
        quest.map(QuestId::get),
        from,
        until,
        day,
        id,
        most,
    )
    .fetch_all(conn)
    .await
}

/// A version of a quest, as stored.
#[derive(Debug, Clone)]
pub(crate) struct VersionRow {
    /// The quest's title as it is now.
    pub(crate) title: String,
    pub(crate) version: i32,
    pub(crate) published_at: DateTime<Utc>,
    pub(crate) attempts: i32,
    pub(crate) completed: i32,
    pub(crate) abandoned: i32,
    pub(crate) idle: i32,
    pub(crate) restarts: i32,
    pub(crate) restarts_completed: i32,
    pub(crate) mean: Option<f64>,
    pub(crate) deviation: Option<f64>,
    pub(crate) median: Option<f64>,
    pub(crate) median_low: Option<f64>,
    pub(crate) median_high: Option<f64>,
    pub(crate) first_begun_at: Option<DateTime<Utc>>,
    pub(crate) last_begun_at: Option<DateTime<Utc>>,
}

/// The versions of a quest, the latest first.
pub(crate) async fn versions_list(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: QuestId,
) -> sqlx::Result<Vec<VersionRow>> {
    sqlx::query_as!(
        VersionRow,
        r#"SELECT q.title, f.version, v.created_at AS published_at, f.attempts, f.completed, f.abandoned, f.idle, f.restarts,
                  f.restarts_completed, f.mean_minutes AS mean, f.deviation_minutes AS deviation, f.median_minutes AS median,
                  f.median_low, f.median_high, f.first_begun_at, f.last_begun_at
             FROM insight.version_figures f
             JOIN learning.quest_versions v ON v.guild_id = f.guild_id AND v.quest_id = f.quest_id AND v.version = f.version
             JOIN learning.quests q ON q.guild_id = f.guild_id AND q.id = f.quest_id
            WHERE f.guild_id = $1 AND f.quest_id = $2 ORDER BY f.version DESC"#,
        guild.get(),
        quest.get(),
    )
    .fetch_all(conn)
    .await
}

/// A step of a quest's version, as stored.
#[derive(Debug, Clone)]
pub(crate) struct StepRow {
    pub(crate) version: i32,
    pub(crate) place: i32,
    pub(crate) step_id: StepId,
    pub(crate) title: String,
    pub(crate) optional: bool,
    pub(crate) reached: i32,
    pub(crate) done: i32,
    pub(crate) skipped: i32,
    pub(crate) at_risk: i32,
    pub(crate) left_here: i32,
    pub(crate) still_here: i32,
    pub(crate) difficulty: Option<f64>,
    pub(crate) tries: Option<i32>,
}

/// The steps of all versions of a quest, in their order.
pub(crate) async fn steps_list(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: QuestId,
) -> sqlx::Result<Vec<StepRow>> {
    sqlx::query_as!(
        StepRow,
        r#"SELECT f.version, f.place, f.step_id AS "step_id: StepId", s.title, v.is_optional AS optional, f.reached, f.done, f.skipped,
                  f.at_risk, f.left_here, f.still_here, d.difficulty AS "difficulty?", d.tries AS "tries?"
             FROM insight.step_figures f
             JOIN learning.quest_steps s ON s.guild_id = f.guild_id AND s.id = f.step_id
             JOIN insight.version_steps v
               ON v.guild_id = f.guild_id AND v.quest_id = f.quest_id AND v.version = f.version AND v.place = f.place
             LEFT JOIN insight.difficulties d ON d.guild_id = f.guild_id AND d.subject_id = f.step_id
            WHERE f.guild_id = $1 AND f.quest_id = $2 ORDER BY f.version, f.place"#,
        guild.get(),
        quest.get(),
    )
    .fetch_all(conn)
    .await
}

/// The title of a quest that was published once.
pub(crate) async fn quest_title(
    conn: &mut PgConnection,
    guild: GuildId,
    quest: QuestId,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "SELECT title FROM learning.quests WHERE guild_id = $1 AND id = $2 AND current_version IS NOT NULL",
        guild.get(),
        quest.get()
    )
    .fetch_optional(conn)
    .await
}
