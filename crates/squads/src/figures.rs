//! What squads have, and their ranks by it.
//!
//! XP and bytes change all the time, and a squad's sums with them: kept beside each change they would make every member of
//! a squad wait for the others. So they are added up when somebody looks. In a guild with more than [`LIVE_MEMBERS`] members
//! in squads that takes too long for every look: there the sums are kept in `squads.squad_figures`, and added up anew, by
//! one of those who look, when they are older than [`MAX_AGE_SECONDS`].

use kernel::{Bytes, GuildId, Limit, SquadId};
use sqlx::{PgConnection, PgPool};

use crate::pages::{Measure, SquadRank, SquadStanding};

/// Up to so many members in squads, figures are those of the moment.
pub const LIVE_MEMBERS: i64 = 2_000;
/// So old may figures of a larger guild be.
pub const MAX_AGE_SECONDS: i32 = 15;

/// Squads by a measure, from after this score and squad on, one more than the page holds; each with its score.
#[kernel::boxed]
pub(crate) async fn ranks(
    pool: &PgPool,
    guild: GuildId,
    by: Measure,
    after: Option<(i64, SquadId)>,
    limit: Limit,
) -> sqlx::Result<Vec<(i64, SquadRank)>> {
    let after = after.unwrap_or((i64::MAX, SquadId::new(uuid::Uuid::nil())));
    let mut conn = db::acquire(pool).await?;
    if !is_large(&mut conn, guild).await? {
        return live_ranks(&mut conn, guild, by, after, limit).await;
    }
    drop(conn);
    freshen(pool, guild).await?;
    kept_ranks(&mut *db::acquire(pool).await?, guild, by, after, limit).await
}

/// What a squad has; `None` where it is retired.
#[kernel::boxed]
pub(crate) async fn standing(
    pool: &PgPool,
    guild: GuildId,
    squad: SquadId,
) -> sqlx::Result<Option<SquadStanding>> {
    let mut conn = db::acquire(pool).await?;
    if !is_large(&mut conn, guild).await? {
        return live_standing(&mut conn, guild, squad).await;
    }
    drop(conn);
    freshen(pool, guild).await?;
    kept_standing(&mut *db::acquire(pool).await?, guild, squad).await
}

async fn is_large(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<bool> {
    let members = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!"
             FROM (SELECT FROM squads.squad_memberships WHERE guild_id = $1 LIMIT $2) m"#,
        guild.get(),
        LIVE_MEMBERS + 1,
    )
    .fetch_one(conn)
    .await?;
    Ok(members > LIVE_MEMBERS)
}

/// Adds up a guild's figures where they are too old. While somebody does, the others look at the old ones; where there are
/// none yet, they wait.
async fn freshen(pool: &PgPool, guild: GuildId) -> sqlx::Result<()> {
    let age = sqlx::query_scalar!(
        r#"SELECT extract(epoch FROM now() - computed_at)::float8 AS "age!"
             FROM squads.squad_figure_rounds WHERE guild_id = $1"#,
        guild.get()
    )
    .fetch_optional(&mut *db::acquire(pool).await?)
    .await?;
    if age.is_some_and(|age| age <= f64::from(MAX_AGE_SECONDS)) {
        return Ok(());
    }
    let mut tx = db::begin(pool).await?;
    let mine = sqlx::query_scalar!(
        r#"SELECT CASE WHEN $2 THEN pg_try_advisory_xact_lock(hashtextextended('squads.squad_figures:' || $1::bigint, 0))
                       ELSE (SELECT true FROM pg_advisory_xact_lock(hashtextextended('squads.squad_figures:' || $1, 0)))
                  END AS "mine!""#,
        guild.get(),
        age.is_some(),
    )
    .fetch_one(&mut *tx)
    .await?;
    if mine {
        compute(&mut tx, guild).await?;
    }
    tx.commit().await
}

/// Writes what differs. Under the guild's lock; whoever waited for it finds it done.
async fn compute(conn: &mut PgConnection, guild: GuildId) -> sqlx::Result<()> {
    let due = sqlx::query_scalar!(
        "INSERT INTO squads.squad_figure_rounds AS r (guild_id, computed_at) VALUES ($1, now())
         ON CONFLICT (guild_id) DO UPDATE SET computed_at = now()
          WHERE r.computed_at < now() - make_interval(secs => $2::integer)
         RETURNING guild_id",
        guild.get(),
        MAX_AGE_SECONDS,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if due.is_none() {
        return Ok(());
    }
    sqlx::query!(
        r#"WITH figures AS (
               SELECT * FROM squads.figures($1)
           ), ranked AS (
               SELECT f.*, rank() OVER (ORDER BY xp DESC) AS rank_by_xp, rank() OVER (ORDER BY bytes DESC) AS rank_by_bytes,
                      rank() OVER (ORDER BY wins DESC) AS rank_by_wins
                 FROM figures f
           ), gone AS (
               DELETE FROM squads.squad_figures k
                WHERE k.guild_id = $1 AND NOT EXISTS (SELECT FROM figures f WHERE f.squad_id = k.squad_id)
           )
           INSERT INTO squads.squad_figures AS k (guild_id, squad_id, member_count, xp, bytes, wins, rank_by_xp,
                                                  rank_by_bytes, rank_by_wins)
           SELECT $1, squad_id, member_count, xp, bytes, wins, rank_by_xp, rank_by_bytes, rank_by_wins
             FROM ranked ORDER BY squad_id
           ON CONFLICT (guild_id, squad_id) DO UPDATE
              SET member_count = EXCLUDED.member_count, xp = EXCLUDED.xp, bytes = EXCLUDED.bytes, wins = EXCLUDED.wins,
                  rank_by_xp = EXCLUDED.rank_by_xp, rank_by_bytes = EXCLUDED.rank_by_bytes,
                  rank_by_wins = EXCLUDED.rank_by_wins
            WHERE k IS DISTINCT FROM EXCLUDED"#,
        guild.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A squad on the leaderboard.
struct Ranked {
    score: i64,
    rank: i64,
    squad_id: SquadId,
    name: String,
    member_count: i64,
    xp: i64,
    bytes: Bytes,
    wins: i64,
}

impl Ranked {
    fn into_pair(self) -> (i64, SquadRank) {
        let Self { score, rank, squad_id, name, member_count, xp, bytes, wins } = self;
        (score, SquadRank { rank, squad_id, name, member_count, xp, bytes, wins })
    }
}

async fn kept_ranks(
    conn: &mut PgConnection,
    guild: GuildId,
    by: Measure,
    (score, last): (i64, SquadId),
    limit: Limit,
) -> sqlx::Result<Vec<(i64, SquadRank)>> {
    // A walk down the index of the measure asked for; the other two branches are not entered.
    let rows = sqlx::query_as!(
        Ranked,
        r#"SELECT p.squad_id AS "squad_id!: SquadId", s.name, p.member_count AS "member_count!", p.xp AS "xp!",
                  p.bytes AS "bytes!: Bytes", p.wins AS "wins!", p.rank AS "rank!", p.score AS "score!"
             FROM ((SELECT f.*, xp AS score, rank_by_xp AS rank FROM squads.squad_figures f
                     WHERE $2::text = 'xp' AND guild_id = $1 AND xp <= $3 AND (xp < $3 OR squad_id > $4)
                     ORDER BY xp DESC, squad_id LIMIT $5)
                   UNION ALL
                   (SELECT f.*, bytes, rank_by_bytes FROM squads.squad_figures f
                     WHERE $2 = 'bytes' AND guild_id = $1 AND bytes <= $3 AND (bytes < $3 OR squad_id > $4)
                     ORDER BY bytes DESC, squad_id LIMIT $5)
                   UNION ALL
                   (SELECT f.*, wins, rank_by_wins FROM squads.squad_figures f
                     WHERE $2 = 'wins' AND guild_id = $1 AND wins <= $3 AND (wins < $3 OR squad_id > $4)
                     ORDER BY wins DESC, squad_id LIMIT $5)) p
             JOIN squads.squads s ON s.guild_id = p.guild_id AND s.id = p.squad_id
            ORDER BY p.score DESC, p.squad_id LIMIT $5"#,
        guild.get(),
        by.as_str(),
        score,
        last.get(),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Ranked::into_pair).collect())
}

async fn kept_standing(
    conn: &mut PgConnection,
    guild: GuildId,
    squad: SquadId,
) -> sqlx::Result<Option<SquadStanding>> {
    sqlx::query_as!(
        SquadStanding,
        r#"SELECT f.xp, f.rank_by_xp, f.bytes AS "bytes: Bytes", f.rank_by_bytes, f.wins, f.rank_by_wins
             FROM squads.squad_figures f
             JOIN squads.squads s ON s.guild_id = f.guild_id AND s.id = f.squad_id AND s.is_active
            WHERE f.guild_id = $1 AND f.squad_id = $2"#,
        guild.get(),
        squad.get(),
    )
    .fetch_optional(conn)
    .await
}

async fn live_ranks(
    conn: &mut PgConnection,
    guild: GuildId,
    by: Measure,
    (score, last): (i64, SquadId),
    limit: Limit,
) -> sqlx::Result<Vec<(i64, SquadRank)>> {
    let rows = sqlx::query_as!(
        Ranked,
        r#"WITH scored AS (
               SELECT f.*, CASE $2::text WHEN 'xp' THEN f.xp WHEN 'bytes' THEN f.bytes ELSE f.wins END AS score
                 FROM squads.figures($1) f
           ), ranked AS (
               SELECT s.*, rank() OVER (ORDER BY score DESC) AS rank FROM scored s
           )
           SELECT squad_id AS "squad_id!: SquadId", name AS "name!", member_count AS "member_count!", xp AS "xp!",
                  bytes AS "bytes!: Bytes", wins AS "wins!", rank AS "rank!", score AS "score!"
             FROM ranked
            WHERE score < $3 OR (score = $3 AND squad_id > $4)
            ORDER BY score DESC, squad_id LIMIT $5"#,
        guild.get(),
        by.as_str(),
        score,
        last.get(),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Ranked::into_pair).collect())
}

async fn live_standing(
    conn: &mut PgConnection,
    guild: GuildId,
    squad: SquadId,
) -> sqlx::Result<Option<SquadStanding>> {
    sqlx::query_as!(
        SquadStanding,
        r#"WITH ranked AS (
               SELECT f.*, rank() OVER (ORDER BY xp DESC) AS rank_by_xp, rank() OVER (ORDER BY bytes DESC) AS rank_by_bytes,
                      rank() OVER (ORDER BY wins DESC) AS rank_by_wins
                 FROM squads.figures($1) f
           )
           SELECT xp AS "xp!", rank_by_xp AS "rank_by_xp!", bytes AS "bytes!: Bytes", rank_by_bytes AS "rank_by_bytes!",
                  wins AS "wins!", rank_by_wins AS "rank_by_wins!"
             FROM ranked WHERE squad_id = $2"#,
        guild.get(),
        squad.get(),
    )
    .fetch_optional(conn)
    .await
}
