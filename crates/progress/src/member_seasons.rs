//! A member's figures, season by season.

use chrono::{DateTime, Utc};
use kernel::{GuildId, Page, PageQuery, Problem, UserId};
use people::Member;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::ids::SeasonId;
use crate::seasons::SeasonState;

/// Ranks of a running season are counted this far, and only for who has at most twice as many above, those who left among them. Its statement says
/// both numbers as well: a limit that is not known when a statement is planned has all members joined first.
const RANKED: i64 = 1_000;

/// What a member did in a season.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberSeason {
    /// The season.
    pub season_id: SeasonId,
    /// Its name.
    pub name: String,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// Where it stands.
    pub state: SeasonState,
    /// Rank by stars; ties share one. Of a season that is over, as it was archived; of the running one, among the first 1,000.
    /// Absent for who has left, came too late, or ranks below that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<i64>,
    /// XP earned in it.
    pub season_xp: i64,
    /// Stars earned in it.
    pub season_stars: i64,
    /// Messages written.
    pub messages_sent: i32,
    /// Reactions given to others.
    pub reactions_given: i32,
    /// Reactions received from others.
    pub reactions_received: i32,
    /// Threads begun.
    pub threads_created: i32,
    /// Minutes in voice, as far as they earned.
    pub voice_minutes: i32,
}

/// A page of the seasons in which a member did something, the latest first. An event counts for the season of its time, however late it
/// came.
#[kernel::boxed]
pub async fn member_seasons(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    page: &PageQuery,
) -> Result<Page<MemberSeason>, Problem> {
    let member = people::member_known(&mut *db::acquire(pool).await?, guild, user).await?;
    seasons_of(pool, &member, page).await
}

/// The same of a member who was looked up already.
pub async fn seasons_of(
    pool: &PgPool,
    member: &Member,
    page: &PageQuery,
) -> Result<Page<MemberSeason>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<(DateTime<Utc>, SeasonId)>()?);
    let (at, id) = after.unzip();
    let (guild, user) = (member.guild_id, member.user_id);
    let mut conn = db::acquire(pool).await?;
    let rows = sqlx::query!(
        r#"SELECT s.id AS "id: SeasonId", s.name, s.starts_at, s.ends_at, s.active, s.rolled_at IS NOT NULL AS "ended!",
                  r.rank AS "rank?", u.season_xp, u.season_stars, u.messages_sent, u.reactions_given, u.reactions_received,
                  u.threads_created, u.voice_minutes
             FROM progress.user_stats u
             JOIN progress.seasons s ON s.guild_id = u.guild_id AND s.id = u.season_id
             LEFT JOIN progress.season_standings r
               ON r.guild_id = u.guild_id AND r.season_id = u.season_id AND r.user_id = u.user_id
            WHERE u.guild_id = $1 AND u.user_id = $2
              AND ($3::timestamptz IS NULL OR (s.starts_at, s.id) < ($3, $4::int))
            ORDER BY s.starts_at DESC, s.id DESC LIMIT $5"#,
        guild.get(),
        user.get(),
        at,
        id.map(SeasonId::get),
        limit.plus_one(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut seasons = Vec::with_capacity(rows.len());
    for row in rows {
        let state = match (row.active, row.ended) {
            (true, _) => SeasonState::Active,
            (false, true) => SeasonState::Ended,
            (false, false) => SeasonState::Planned,
        };
        // One season runs at a time, so that this is asked once.
        let rank = match (state, member.left_at) {
            (SeasonState::Active, None) => place(&mut conn, guild, row.id, row.season_stars).await?,
            (SeasonState::Active, Some(_)) => None,
            _ => row.rank,
        };
        seasons.push(MemberSeason {
            season_id: row.id,
            name: row.name,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            state,
            rank,
            season_xp: row.season_xp,
            season_stars: row.season_stars,
            messages_sent: row.messages_sent,
            reactions_given: row.reactions_given,
            reactions_received: row.reactions_received,
            threads_created: row.threads_created,
            voice_minutes: row.voice_minutes,
        });
    }
    Ok(Page::new(seasons, limit, |season| (season.starts_at, season.season_id)))
}

/// The rank that so many stars have in a running season, unless it lies too far down to be counted.
async fn place(
    conn: &mut PgConnection,
    guild: GuildId,
    season: SeasonId,
    stars: i64,
) -> Result<Option<i64>, sqlx::Error> {
    let before = sqlx::query_scalar!(
        // Most are far down: by the index alone, with those who left, before anybody is looked up who stands above.
        r#"WITH above AS MATERIALIZED (
               SELECT s.user_id FROM progress.user_stats s
                WHERE s.guild_id = $1 AND s.season_id = $2 AND s.season_stars > $3
                ORDER BY s.season_stars DESC LIMIT 2001)
           SELECT CASE WHEN (SELECT count(*) FROM above) > 2000 THEN 1000
                       ELSE (SELECT count(*) FROM above a
                               JOIN people.members m ON m.guild_id = $1 AND m.user_id = a.user_id AND m.left_at IS NULL)
                  END AS "before!""#,
        guild.get(),
        season.get(),
        stars,
    )
    .fetch_one(conn)
    .await?;
    Ok((before < RANKED).then_some(before + 1))
}
