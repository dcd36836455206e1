//! Figures held against what they follow from: a sample of runs and days; all ratings, transitions and cards.

use access::weekly::{Audit, Figure};
use jobs::schedule::JobError;
use kernel::GuildId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::rules::elo::Rating;
use crate::rules::fsrs::{self, Memory};
use crate::store::ratings;

/// Runs that are derived again, in each guild.
const RUNS: i64 = 1_000;
/// Days that are derived again, in each guild: the latest ones.
const DAYS: i64 = 7;

/// The slice's audit. `questhall insight count --all` brings what differs back.
pub(crate) const AUDIT: Audit = Audit {
    drift: |conn, guild| {
        Box::pin(async move {
            drift(conn, guild).await.map_err(|error| match error {
                Error::Database(error) => JobError::Database(error),
                other => JobError::Failed(other.to_string()),
            })
        })
    },
    weekly: None,
};

struct Row {
    guild_id: GuildId,
    what: String,
    stored: String,
    derived: String,
}

impl From<Row> for Figure {
    fn from(row: Row) -> Self {
        Self { guild_id: row.guild_id, what: row.what, stored: row.stored, derived: row.derived }
    }
}

/// All figures that differ, of one guild or of all; empty when all is well.
///
/// * Runs, as their events tell: of a guild a thousand attempts, by a hash of their ids. What is pending is passed over.
/// * The last seven days that have figures and are not open, as the runs tell.
/// * Abilities and difficulties: taking all first tries again gives the same, to the last bit.
/// * Transitions and how many completed a quest: the sums over all completions.
/// * Cards of reviews: their answers again give the same.
pub async fn drift(conn: &mut PgConnection, guild: Option<GuildId>) -> Result<Vec<Figure>, Error> {
    let guilds = sqlx::query_scalar!(
        r#"SELECT guild_id AS "guild_id: GuildId" FROM insight.guilds WHERE $1::bigint IS NULL OR guild_id = $1 ORDER BY guild_id"#,
        guild.map(GuildId::get),
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut all = Vec::new();
    for guild in guilds {
        all.extend(runs(&mut *conn, guild).await?);
        all.extend(days(&mut *conn, guild).await?);
        all.extend(rated(&mut *conn, guild).await?);
        all.extend(transitions(&mut *conn, guild).await?);
        all.extend(cards(&mut *conn, guild).await?);
    }
    Ok(all)
}

async fn runs(conn: &mut PgConnection, guild: GuildId) -> Result<Vec<Figure>, Error> {
    let sample: Vec<Uuid> = sqlx::query_scalar!(
        r#"SELECT a.id FROM learning.user_quest_attempts a
            WHERE a.guild_id = $1 AND NOT EXISTS (SELECT FROM insight.pending p WHERE p.guild_id = $1 AND p.attempt_id = a.id)
            ORDER BY hashtextextended(a.id::text, 0) LIMIT $2"#,
        guild.get(),
        RUNS,
    )
    .fetch_all(&mut *conn)
    .await?;
    let rows = sqlx::query_as!(
        Row,
        r#"WITH stored AS (SELECT * FROM insight.runs WHERE guild_id = $1 AND attempt_id = ANY ($2)),
                derived AS (SELECT * FROM insight.runs_of($1, $2, now()))
           SELECT $1 AS "guild_id!: GuildId",
                  'run ' || coalesce(s.run, d.run) || ' of attempt ' || coalesce(s.attempt_id, d.attempt_id) AS "what!",
                  coalesce(s.outcome || ', ' || s.active_seconds || ' s, ' || s.events || ' events', 'none') AS "stored!",
                  coalesce(d.outcome || ', ' || d.active_seconds || ' s, ' || d.events || ' events', 'none') AS "derived!"
             FROM stored s FULL JOIN derived d ON d.attempt_id = s.attempt_id AND d.run = s.run
            WHERE s IS DISTINCT FROM d
              -- What became idle since it was last folded is no fault.
              AND NOT (s.outcome = 'open' AND d.outcome = 'idle' AND s.events = d.events)"#,
        guild.get(),
        &sample,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Figure::from).collect())
}

async fn days(conn: &mut PgConnection, guild: GuildId) -> Result<Vec<Figure>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"WITH days AS (
               SELECT DISTINCT a.date_recorded AS day FROM insight.quest_analytics a
                WHERE a.guild_id = $1 AND NOT EXISTS (SELECT FROM insight.open_days o WHERE o.guild_id = $1 AND o.day = a.date_recorded)
                ORDER BY 1 DESC LIMIT $2
           ), stored AS (
               SELECT a.date_recorded AS day, a.quest_id, to_jsonb(a) - '{guild_id,date_recorded,created_at,updated_at}'::text[] AS figures
                 FROM days d JOIN insight.quest_analytics a ON a.guild_id = $1 AND a.date_recorded = d.day
           ), derived AS (
               SELECT d.day, f.quest_id, to_jsonb(f) AS figures FROM days d CROSS JOIN LATERAL insight.day_figures($1, d.day) f
           )
           SELECT $1 AS "guild_id!: GuildId", 'figures of quest ' || quest_id || ' on ' || day AS "what!",
                  coalesce(s.figures::text, 'none') AS "stored!", coalesce(d.figures::text, 'none') AS "derived!"
             FROM stored s FULL JOIN derived d USING (day, quest_id)
            WHERE s.figures IS DISTINCT FROM d.figures"#,
        guild.get(),
        DAYS,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Figure::from).collect())
}

async fn rated(conn: &mut PgConnection, guild: GuildId) -> Result<Vec<Figure>, Error> {
    let derived = ratings::ratings_derive(&mut *conn, guild).await?;
    let abilities = sqlx::query!(
        "SELECT auth_user_id AS id, ability AS value, tries FROM insight.abilities WHERE guild_id = $1",
        guild.get()
    )
    .fetch_all(&mut *conn)
    .await?;
    let difficulties = sqlx::query!(
        "SELECT subject_id AS id, difficulty AS value, tries FROM insight.difficulties WHERE guild_id = $1",
        guild.get()
    )
    .fetch_all(conn)
    .await?;
    let told = |rating: Option<&Rating>| {
        rating.map_or("none".to_owned(), |one| format!("{} from {} tries", one.value, one.tries))
    };
    let mut all = Vec::new();
    let mut hold = |what: &str, id: Uuid, stored: Rating, derived: Option<&Rating>| {
        if derived != Some(&stored) {
            let (stored, derived) = (told(Some(&stored)), told(derived));
            all.push(Figure { guild_id: guild, what: format!("{what} {id}"), stored, derived });
        }
    };
    for row in abilities {
        let stored = Rating { value: row.value, tries: row.tries };
        hold("ability of learner", row.id, stored, derived.abilities.get(&row.id));
    }
    let known = difficulties.len();
    for row in difficulties {
        let stored = Rating { value: row.value, tries: row.tries };
        hold("difficulty of", row.id, stored, derived.difficulties.get(&row.id));
    }
    if derived.difficulties.len() != known {
        let (stored, derived) = (known.to_string(), derived.difficulties.len().to_string());
        all.push(Figure { guild_id: guild, what: "difficulties".to_owned(), stored, derived });
    }
    Ok(all)
}

async fn transitions(conn: &mut PgConnection, guild: GuildId) -> Result<Vec<Figure>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"WITH derived AS (
               SELECT a.quest_id AS from_quest_id, b.quest_id AS to_quest_id, sum(2520 / (b.place - a.place))::bigint AS weight
                 FROM insight.completions a
                 JOIN insight.completions b ON b.guild_id = $1 AND b.auth_user_id = a.auth_user_id
                  AND b.place BETWEEN a.place + 1 AND a.place + 10
                WHERE a.guild_id = $1 GROUP BY 1, 2
           ), counts AS (
               SELECT quest_id, count(*) AS completions FROM insight.completions WHERE guild_id = $1 GROUP BY quest_id
           ), stored AS (
               SELECT from_quest_id, to_quest_id, weight FROM insight.transitions WHERE guild_id = $1 AND weight <> 0
           ), stored_counts AS (
               SELECT quest_id, completions FROM insight.quest_counts WHERE guild_id = $1 AND completions <> 0
           )
           SELECT $1 AS "guild_id!: GuildId", 'transition from ' || from_quest_id || ' to ' || to_quest_id AS "what!",
                  coalesce(s.weight, 0)::text AS "stored!", coalesce(d.weight, 0)::text AS "derived!"
             FROM stored s FULL JOIN derived d USING (from_quest_id, to_quest_id) WHERE s.weight IS DISTINCT FROM d.weight
           UNION ALL
           SELECT $1, 'completions of quest ' || quest_id, coalesce(s.completions, 0)::text, coalesce(d.completions, 0)::text
             FROM stored_counts s FULL JOIN counts d USING (quest_id) WHERE s.completions IS DISTINCT FROM d.completions"#,
        guild.get(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Figure::from).collect())
}

async fn cards(conn: &mut PgConnection, guild: GuildId) -> Result<Vec<Figure>, Error> {
    let rows = sqlx::query!(
        r#"SELECT c.auth_user_id, c.step_id, c.due_at, c.stability AS "stability!", c.difficulty AS "difficulty!", c.answers,
                  array_agg(a.rating ORDER BY a.answered_at, a.id) AS "ratings!: Vec<String>",
                  array_agg(a.answered_at ORDER BY a.answered_at, a.id) AS "times!: Vec<chrono::DateTime<chrono::Utc>>"
             FROM insight.review_cards c
             JOIN insight.review_answers a ON a.guild_id = $1 AND a.auth_user_id = c.auth_user_id AND a.step_id = c.step_id
            WHERE c.guild_id = $1 AND c.answers > 0 GROUP BY c.guild_id, c.auth_user_id, c.step_id"#,
        guild.get(),
    )
    .fetch_all(conn)
    .await?;
    let mut all = Vec::new();
    for row in rows {
        let mut memory: Option<Memory> = None;
        for (rating, at) in row.ratings.iter().zip(&row.times) {
            let Some(rating) = fsrs::ReviewRating::read(rating) else { continue };
            memory = Some(fsrs::answered(memory.as_ref(), rating, *at));
        }
        let told = |stability: f64, difficulty: f64, due: chrono::DateTime<chrono::Utc>, answers: usize| {
            format!("stability {stability}, difficulty {difficulty}, due {due}, {answers} answers")
        };
        let stored =
            told(row.stability, row.difficulty, row.due_at, usize::try_from(row.answers).unwrap_or(0));
        let derived = memory.map_or_else(
            || "none".to_owned(),
            |memory| told(memory.stability, memory.difficulty, fsrs::due(&memory), row.ratings.len()),
        );
        if stored != derived {
            let what = format!("review of step {} by learner {}", row.step_id, row.auth_user_id);
            all.push(Figure { guild_id: guild, what, stored, derived });
        }
    }
    Ok(all)
}
