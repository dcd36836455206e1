//! SQL over seasons. Callers own the connection and the transaction, and hold the calendar's lock where they write.

use chrono::{DateTime, Utc};
use kernel::{GuildId, Limit, UserId};
use sqlx::PgConnection;

use super::model::{RepeatBy, Season, SeasonState, Standing};
use crate::EventType;
use crate::error::Error;
use crate::ids::SeasonId;

struct Row {
    id: SeasonId,
    guild_id: GuildId,
    name: String,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    active: bool,
    repeats: bool,
    repeat_by: String,
    name_pattern: Option<String>,
    rolled_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Season {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let state = match (row.active, row.rolled_at) {
            (true, _) => SeasonState::Active,
            (false, Some(_)) => SeasonState::Ended,
            (false, None) => SeasonState::Planned,
        };
        Ok(Self {
            id: row.id,
            guild_id: row.guild_id,
            name: row.name,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            state,
            repeats: row.repeats,
            repeat_by: RepeatBy::from_column(&row.repeat_by)?,
            name_pattern: row.name_pattern,
            rolled_at: row.rolled_at,
            created_at: row.created_at,
        })
    }
}

/// A season of the guild.
pub(super) async fn get(
    conn: &mut PgConnection,
    guild: GuildId,
    season: SeasonId,
) -> Result<Option<Season>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: SeasonId", guild_id AS "guild_id: GuildId", name, starts_at, ends_at, active, repeats,
                  repeat_by, name_pattern, rolled_at, created_at
             FROM progress.seasons WHERE guild_id = $1 AND id = $2"#,
        guild.get(),
        season.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Season::try_from).transpose()?)
}

/// Whether the guild has the season.
pub(crate) async fn season_exists(
    conn: &mut PgConnection,
    guild: GuildId,
    season: SeasonId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM progress.seasons WHERE guild_id = $1 AND id = $2) AS "exists!""#,
        guild.get(),
        season.get(),
    )
    .fetch_one(conn)
    .await
}

/// Seasons of the guild, the latest first, one more than the page holds.
pub(super) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    after: Option<(DateTime<Utc>, SeasonId)>,
    limit: Limit,
) -> Result<Vec<Season>, Error> {
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: SeasonId", guild_id AS "guild_id: GuildId", name, starts_at, ends_at, active, repeats,
                  repeat_by, name_pattern, rolled_at, created_at
             FROM progress.seasons
            WHERE guild_id = $1 AND ($2::timestamptz IS NULL OR (starts_at, id) < ($2, $3::int))
            ORDER BY starts_at DESC, id DESC LIMIT $4"#,
        guild.get(),
        at,
        id.map(SeasonId::get),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Season::try_from).collect::<sqlx::Result<_>>()?)
}

/// All seasons of the guild that are not over, by start.
pub(super) async fn open(conn: &mut PgConnection, guild: GuildId) -> Result<Vec<Season>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: SeasonId", guild_id AS "guild_id: GuildId", name, starts_at, ends_at, active, repeats,
                  repeat_by, name_pattern, rolled_at, created_at
             FROM progress.seasons WHERE guild_id = $1 AND rolled_at IS NULL ORDER BY starts_at"#,
        guild.get(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Season::try_from).collect::<sqlx::Result<_>>()?)
}

/// Names that are taken in the guild.
pub(super) async fn names(conn: &mut PgConnection, guild: GuildId) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar!("SELECT name FROM progress.seasons WHERE guild_id = $1", guild.get())
        .fetch_all(conn)
        .await?)
}

/// Whether events of the guild are known that happened at `from` or later: by clocks that are ahead of ours.
pub(super) async fn is_ahead(
    conn: &mut PgConnection,
    guild: GuildId,
    from: DateTime<Utc>,
) -> Result<bool, Error> {
    // By type, as there is an index of that.
    let types = EventType::ALL.map(EventType::as_str);
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM lake.event_lake
                           WHERE guild_id = $1 AND event_type = ANY ($2) AND "timestamp" >= $3) AS "found!""#,
        guild.get(),
        &types as &[&str],
        from,
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// Takes from a season what the journal holds for it and happened at `from` or later.
pub(super) async fn disown(
    conn: &mut PgConnection,
    guild: GuildId,
    season: SeasonId,
    from: DateTime<Utc>,
) -> Result<u64, Error> {
    let done = sqlx::query!(
        r#"UPDATE progress.activity_log SET season_id = NULL
            WHERE guild_id = $1 AND season_id = $2 AND "timestamp" >= $3"#,
        guild.get(),
        season.get(),
        from,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Gives a season what the journal holds of its window and of no season: what was earned before the season was made. XP from
/// another bot stay without one.
pub(super) async fn adopt(conn: &mut PgConnection, season: &Season) -> Result<u64, Error> {
    let done = sqlx::query!(
        r#"UPDATE progress.activity_log SET season_id = $2
            WHERE guild_id = $1 AND "timestamp" >= $3 AND "timestamp" < $4 AND season_id IS NULL AND event_type <> 'IMPORT'"#,
        season.guild_id.get(),
        season.id.get(),
        season.starts_at,
        season.ends_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A season to be planned.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) name: &'a str,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) ends_at: DateTime<Utc>,
    pub(super) repeats: bool,
    pub(super) repeat_by: RepeatBy,
    pub(super) name_pattern: Option<&'a str>,
}

/// Makes a planned season.
pub(super) async fn insert(
    conn: &mut PgConnection,
    guild: GuildId,
    plan: &Plan<'_>,
) -> Result<SeasonId, Error> {
    let id = sqlx::query_scalar!(
        r#"INSERT INTO progress.seasons (guild_id, name, starts_at, ends_at, repeats, repeat_by, name_pattern)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id AS "id: SeasonId""#,
        guild.get(),
        plan.name,
        plan.starts_at,
        plan.ends_at,
        plan.repeats,
        plan.repeat_by.as_str(),
        plan.name_pattern,
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Writes what may be changed of a season.
pub(super) async fn update(conn: &mut PgConnection, season: &Season) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE progress.seasons
            SET name = $3, starts_at = $4, ends_at = $5, repeats = $6, repeat_by = $7, name_pattern = $8
          WHERE guild_id = $1 AND id = $2",
        season.guild_id.get(),
        season.id.get(),
        season.name,
        season.starts_at,
        season.ends_at,
        season.repeats,
        season.repeat_by.as_str(),
        season.name_pattern,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::from(sqlx::Error::from(error)))
}

/// Lets windows overlap until [`check_overlap`]: several may be moved at once.
pub(super) async fn defer_overlap(conn: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("SET CONSTRAINTS progress.ex_seasons_overlap DEFERRED").execute(conn).await?;
    Ok(())
}

/// Refuses windows that overlap, from now on at once again.
pub(super) async fn check_overlap(conn: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("SET CONSTRAINTS progress.ex_seasons_overlap IMMEDIATE").execute(conn).await?;
    Ok(())
}

/// Removes a planned season.
pub(super) async fn delete(conn: &mut PgConnection, guild: GuildId, season: SeasonId) -> Result<(), Error> {
    let done = sqlx::query!(
        "DELETE FROM progress.seasons WHERE guild_id = $1 AND id = $2 AND NOT active AND rolled_at IS NULL",
        guild.get(),
        season.get(),
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::from(sqlx::Error::from(error)))
}

/// Ends a season at `ends_at` (it may be running, or have been missed altogether).
pub(super) async fn end(
    conn: &mut PgConnection,
    guild: GuildId,
    season: SeasonId,
    ends_at: DateTime<Utc>,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE progress.seasons SET active = false, ends_at = $3, rolled_at = clock_timestamp()
          WHERE guild_id = $1 AND id = $2 AND rolled_at IS NULL",
        guild.get(),
        season.get(),
        ends_at,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::from(sqlx::Error::from(error)))
}

/// Starts a planned season.
pub(super) async fn start(conn: &mut PgConnection, guild: GuildId, season: SeasonId) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE progress.seasons SET active = true
          WHERE guild_id = $1 AND id = $2 AND NOT active AND rolled_at IS NULL",
        guild.get(),
        season.get(),
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::from(sqlx::Error::from(error)))
}

/// Archives the standings of a season: everybody who earned something in it and has not left. Returns how many.
pub(super) async fn archive(conn: &mut PgConnection, guild: GuildId, season: SeasonId) -> Result<i64, Error> {
    let done = sqlx::query!(
        r#"INSERT INTO progress.season_standings (guild_id, season_id, user_id, rank, season_stars, season_xp, level)
           SELECT s.guild_id, s.season_id, s.user_id, rank() OVER (ORDER BY s.season_stars DESC), s.season_stars,
                  s.season_xp, m.level
             FROM progress.user_stats s
             JOIN people.members m ON m.guild_id = s.guild_id AND m.user_id = s.user_id
            WHERE s.guild_id = $1 AND s.season_id = $2 AND m.left_at IS NULL"#,
        guild.get(),
        season.get(),
    )
    .execute(conn)
    .await?;
    Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
}

/// Begins the counters of the running season anew: what the lake holds since `since`. Without a season they are empty.
pub(super) async fn restart_counters(
    conn: &mut PgConnection,
    guild: GuildId,
    window: Option<(DateTime<Utc>, DateTime<Utc>)>,
) -> Result<(), Error> {
    sqlx::query!("DELETE FROM lake.event_counters WHERE guild_id = $1 AND period = 'season'", guild.get())
        .execute(&mut *conn)
        .await?;
    let Some((from, to)) = window else { return Ok(()) };
    sqlx::query!(
        r#"INSERT INTO lake.event_counters (guild_id, user_id, event_type, category_id, period, count)
           SELECT e.guild_id, e.user_id, e.event_type, c.category_id, 'season', count(*)
             FROM lake.event_lake e
             LEFT JOIN lake.category_channels k ON k.guild_id = e.guild_id AND k.channel_id = e.channel_id
            CROSS JOIN LATERAL (SELECT 0 AS category_id
                                UNION ALL
                                SELECT k.category_id WHERE k.category_id IS NOT NULL) AS c
            WHERE e.guild_id = $1 AND e."timestamp" >= $2 AND e."timestamp" < $3
            GROUP BY e.guild_id, e.user_id, e.event_type, c.category_id
            ORDER BY 2, 3, 4"#,
        guild.get(),
        from,
        to,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The first of a season's archive: member, rank, stars.
pub(super) async fn winners(
    conn: &mut PgConnection,
    guild: GuildId,
    season: SeasonId,
) -> Result<Vec<(UserId, i64, i64)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT user_id AS "user_id: UserId", rank, season_stars FROM progress.season_standings
            WHERE guild_id = $1 AND season_id = $2 ORDER BY rank, user_id LIMIT 3"#,
        guild.get(),
        season.get(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.rank, row.season_stars)).collect())
}

/// A page of a season's archive by rank, one more than the page holds.
pub(super) async fn standings(
    conn: &mut PgConnection,
    guild: GuildId,
    season: SeasonId,
    after: Option<(i64, UserId)>,
    limit: Limit,
) -> Result<Vec<Standing>, Error> {
    let (rank, user) = after.unwrap_or((0, UserId::new(0)));
    let rows = sqlx::query_as!(
        Standing,
        r#"SELECT s.season_id AS "season_id: SeasonId", s.user_id AS "user_id: UserId",
                  coalesce(k.name, s.user_id::text) AS "name!", s.rank, s.season_stars,
                  s.season_xp, s.level
             FROM progress.season_standings s
             LEFT JOIN people.known_as k ON k.guild_id = s.guild_id AND k.user_id = s.user_id
            WHERE s.guild_id = $1 AND s.season_id = $2 AND (s.rank, s.user_id) > ($3, $4)
            ORDER BY s.rank, s.user_id LIMIT $5"#,
        guild.get(),
        season.get(),
        rank,
        user.get(),
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
