//! Leaderboards.

use kernel::{Cursor, GuildId, Limit, Page, Problem, UserId};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::{IntoParams, ToSchema};

use crate::error::Error;
use crate::ids::SeasonId;

/// A member on a leaderboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Placed {
    /// Their rank; ties share one (1, 1, 3).
    pub rank: i64,
    /// The member.
    pub user_id: UserId,
    /// The name shown in the guild.
    pub name: String,
    /// Discord's hash of their avatar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_hash: Option<String>,
    /// Level.
    pub level: i32,
    /// XP: in the season if one was asked for, else in all.
    pub xp: i64,
    /// Stars: in the season if one was asked for, else in all.
    pub stars: i64,
}

/// Which leaderboard.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LeaderboardQuery {
    /// Of this season, by stars; else of all time, by XP.
    #[param(value_type = Option<i32>)]
    pub season_id: Option<SeasonId>,
    /// How many members to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    pub cursor: Option<String>,
}

/// Where a page ended: score and member, the rank there, and how many were before.
type At = (i64, UserId, i64, i64);

struct Row {
    user_id: UserId,
    name: String,
    avatar_hash: Option<String>,
    level: i32,
    xp: i64,
    stars: i64,
    score: i64,
}

/// A page of a leaderboard, best first; bots and who left are on none. The first page ranks from 1, the others go on from their cursor, so
/// that no page counts what is above it.
#[kernel::boxed]
pub async fn leaderboard(
    pool: &PgPool,
    guild: GuildId,
    query: &LeaderboardQuery,
) -> Result<Page<Placed>, Problem> {
    let limit = Limit::new(query.limit)?;
    let at: Option<At> = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let (score, user, rank, before) = at.unwrap_or((i64::MAX, UserId::new(0), 0, 0));
    let mut conn = db::acquire(pool).await?;
    let rows = match query.season_id {
        None => {
            sqlx::query_as!(
                Row,
                r#"SELECT m.user_id AS "user_id: UserId", k.name AS "name!",
                          k.avatar_hash, m.level, m.xp, m.stars, m.xp AS score
                     FROM people.members m JOIN people.known_as k ON k.guild_id = m.guild_id AND k.user_id = m.user_id
                    WHERE m.guild_id = $1 AND m.left_at IS NULL AND NOT m.is_bot
                      AND m.xp <= $2 AND (m.xp < $2 OR m.user_id > $3)
                    ORDER BY m.xp DESC, m.user_id LIMIT $4"#,
                guild.get(),
                score,
                user.get(),
                limit.plus_one(),
            )
            .fetch_all(&mut *conn)
            .await?
        }
        Some(season) if !crate::seasons::season_exists(&mut conn, guild, season).await? => {
            return Err(Error::Unknown("season").into());
        }
        Some(season) => {
            sqlx::query_as!(
                Row,
                r#"SELECT s.user_id AS "user_id: UserId", k.name AS "name!",
                          k.avatar_hash, m.level, s.season_xp AS xp, s.season_stars AS stars,
                          s.season_stars AS score
                     FROM progress.user_stats s
                     JOIN people.members m ON m.guild_id = s.guild_id AND m.user_id = s.user_id
                          AND m.left_at IS NULL AND NOT m.is_bot
                     JOIN people.known_as k ON k.guild_id = m.guild_id AND k.user_id = m.user_id
                    WHERE s.guild_id = $1 AND s.season_id = $5
                      AND s.season_stars <= $2 AND (s.season_stars < $2 OR s.user_id > $3)
                    ORDER BY s.season_stars DESC, s.user_id LIMIT $4"#,
                guild.get(),
                score,
                user.get(),
                limit.plus_one(),
                season.get(),
            )
            .fetch_all(&mut *conn)
            .await?
        }
    };
    let (mut rank, mut place, mut last) = (rank, before, score);
    let placed: Vec<(Placed, At)> = rows
        .into_iter()
        .map(|row| {
            place += 1;
            if rank == 0 || row.score < last {
                rank = place;
            }
            last = row.score;
            let at = (row.score, row.user_id, rank, place);
            let Row { user_id, name, avatar_hash, level, xp, stars, .. } = row;
            (Placed { rank, user_id, name, avatar_hash, level, xp, stars }, at)
        })
        .collect();
    Ok(Page::new(placed, limit, |(_, at)| *at).map(|(placed, _)| placed))
}
