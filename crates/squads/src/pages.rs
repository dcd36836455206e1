//! A squad as its page shows it, and squads beside each other.

use chrono::{DateTime, Utc};
use kernel::{Bytes, CampaignId, GuildId, Page, PageQuery, Problem, SquadId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::error::Error;
use crate::figures;
use crate::model::Squad;
use crate::store;

/// Members and campaigns that a page shows.
const SHOWN_MEMBERS: i64 = 50;
const SHOWN_CAMPAIGNS: i64 = 20;

/// Everything that a squad's page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SquadPage {
    /// The squad.
    pub squad: Squad,
    /// Its place among the guild's active squads, each by one measure; absent once it is retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<SquadStanding>,
    /// Its members with the most XP, at most 50; all of them are at `/members`.
    pub members: Vec<PageMember>,
    /// The campaigns it takes or took part in, the latest first, at most 20. Ranks are those of the final standings.
    pub campaigns: Vec<PageCampaign>,
}

/// A squad's figures, and its place by each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SquadFigures)]
pub struct SquadStanding {
    /// XP of its members in all.
    pub xp: i64,
    /// Its rank by that.
    pub rank_by_xp: i64,
    /// Bytes that its members hold in all.
    pub bytes: Bytes,
    /// Its rank by that.
    pub rank_by_bytes: i64,
    /// Campaigns it won.
    pub wins: i64,
    /// Its rank by that.
    pub rank_by_wins: i64,
}

/// A member on a squad's page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PageMember {
    /// The member.
    pub user_id: UserId,
    /// The name shown in the guild.
    pub name: String,
    /// When they joined this squad.
    pub joined_at: DateTime<Utc>,
    /// Their XP.
    pub xp: i64,
    /// Their level.
    pub level: i32,
    /// Bytes they hold.
    pub balance: Bytes,
}

/// A campaign on a squad's page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PageCampaign {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// Its name.
    pub name: String,
    /// CREATED while it is to come, RUNNING, CLOSED, `REWARD_CLAIM` or EXPIRED.
    pub status: String,
    /// When it begins, or began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<DateTime<Utc>>,
    /// When it ends, or ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<DateTime<Utc>>,
    /// The squad's rank in the final standings, once there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<i32>,
    /// Its points in the final standings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<i64>,
    /// Parts it solved by the final standings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts_solved: Option<i32>,
}

kernel::decl_words! {
    /// By what squads are compared.
    #[derive(Default)]
    pub enum Measure {
        /// XP of the members in all.
        #[default]
        Xp = "xp",
        /// Bytes that the members hold in all.
        Bytes = "bytes",
        /// Campaigns won.
        Wins = "wins",
    }
}

/// A place on the leaderboard of squads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SquadRank {
    /// Rank by the measure asked for; ties share one (1, 1, 3).
    pub rank: i64,
    /// The squad.
    pub squad_id: SquadId,
    /// Its name.
    pub name: String,
    /// How many members it has.
    pub member_count: i64,
    /// XP of its members in all.
    pub xp: i64,
    /// Bytes that its members hold in all.
    pub bytes: Bytes,
    /// Campaigns it won.
    pub wins: i64,
}

/// A squad of the guild with everything that its page shows.
#[kernel::boxed]
pub async fn squad_page(pool: &PgPool, guild: GuildId, squad: SquadId) -> Result<SquadPage, Error> {
    let mut conn = db::acquire(pool).await?;
    let squad = store::squad_get(&mut conn, guild, squad).await?.ok_or(Error::UnknownSquad(squad))?;
    let members = members(&mut conn, guild, squad.id).await?;
    let campaigns = campaigns(&mut conn, guild, squad.id).await?;
    drop(conn);
    let standing = figures::standing(pool, guild, squad.id).await?;
    Ok(SquadPage { squad, standing, members, campaigns })
}

/// The same, and whether somebody is in it.
pub async fn squad_page_for(
    pool: &PgPool,
    guild: GuildId,
    squad: SquadId,
    user: Option<UserId>,
) -> Result<(SquadPage, bool), Error> {
    let page = squad_page(pool, guild, squad).await?;
    let shown = i64::try_from(page.members.len()).unwrap_or(i64::MAX);
    let is_own = match user {
        Some(user) if page.members.iter().any(|member| member.user_id == user) => true,
        Some(user) if shown >= SHOWN_MEMBERS => {
            store::squad_of(&mut *db::acquire(pool).await?, guild, user).await? == Some(squad)
        }
        _ => false,
    };
    Ok((page, is_own))
}

/// A page of the guild's active squads by a measure, the first one first; squads that are equal by it in the order of
/// their making. Members who left the guild count for nothing. In large guilds the figures are some seconds old: see
/// [`figures`].
#[kernel::boxed]
pub async fn leaderboard(
    pool: &PgPool,
    guild: GuildId,
    by: Measure,
    page: &PageQuery,
) -> Result<Page<SquadRank>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let rows = figures::ranks(pool, guild, by, after, limit).await?;
    Ok(Page::new(rows, limit, |(score, squad)| (*score, squad.squad_id)).map(|(_, squad)| squad))
}

async fn members(conn: &mut PgConnection, guild: GuildId, squad: SquadId) -> sqlx::Result<Vec<PageMember>> {
    sqlx::query_as!(
        PageMember,
        r#"SELECT s.user_id AS "user_id: UserId", coalesce(k.name, s.user_id::text) AS "name!",
                  s.joined_at, coalesce(m.xp, 0) AS "xp!", coalesce(m.level, 1) AS "level!",
                  coalesce(b.balance, 0) AS "balance!: Bytes"
             FROM squads.squad_memberships s
             LEFT JOIN people.known_as k ON k.guild_id = s.guild_id AND k.user_id = s.user_id
             LEFT JOIN people.members m ON m.guild_id = s.guild_id AND m.user_id = s.user_id
             LEFT JOIN economy.bytes_balances b ON b.guild_id = s.guild_id AND b.user_id = s.user_id
            WHERE s.guild_id = $1 AND s.squad_id = $2
            ORDER BY coalesce(m.xp, 0) DESC, s.user_id LIMIT $3"#,
        guild.get(),
        squad.get(),
        SHOWN_MEMBERS,
    )
    .fetch_all(conn)
    .await
}

/// Drafts are nobody's business, and while a campaign runs its standings are its own: they may be frozen.
async fn campaigns(
    conn: &mut PgConnection,
    guild: GuildId,
    squad: SquadId,
) -> sqlx::Result<Vec<PageCampaign>> {
    sqlx::query_as!(
        PageCampaign,
        r#"SELECT c.id AS "campaign_id: CampaignId", c.name, c.status, c.start_time, c.end_time, t.rank AS "rank?",
                  t.points AS "points?", t.parts_solved AS "parts_solved?"
             FROM campaigns.campaigns c
             JOIN campaigns.campaign_participants p
             ON p.guild_id = c.guild_id AND p.campaign_id = c.id AND p.participant_id = $2::uuid::text
             LEFT JOIN campaigns.campaign_standings t
               ON t.guild_id = c.guild_id AND t.campaign_id = c.id AND t.snapshot = 'final' AND t.participant_id = $2::uuid::text
            WHERE c.guild_id = $1 AND c.campaign_type = 'squad' AND c.published_at IS NOT NULL AND c.cancelled_at IS NULL
            ORDER BY c.start_time DESC NULLS FIRST, c.id DESC LIMIT $3"#,
        guild.get(),
        squad.get(),
        SHOWN_CAMPAIGNS,
    )
    .fetch_all(conn)
    .await
}
