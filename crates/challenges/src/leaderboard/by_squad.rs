//! Player campaigns summed by squad: who is in a squad now brings in all they have. (In squad campaigns the overall
//! leaderboard is the squads' own.)

use kernel::{Page, PageQuery, SquadId};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{Leaderboard, View, ensure_stored};
use crate::error::Error;
use crate::model::{CampaignFacts, ParticipantType};
use crate::rules::Scoring;

/// A squad's sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SquadStanding {
    /// Rank; ties share one (1, 1, 3).
    pub rank: i64,
    /// The squad.
    pub squad_id: SquadId,
    /// Its name.
    pub name: String,
    /// How many of its members take part (1 in squad campaigns: the squad).
    pub participants: i64,
    /// Their points, each less their own penalties (`point_based`).
    pub points: i64,
    /// Parts they solved.
    pub parts_solved: i64,
    /// The time that took them, in milliseconds, with penalties in `time_based`.
    pub total_ms: i64,
}

/// A page of squads: by points, or by parts solved and then the least time. Sums over all participants, so dearer than the
/// other leaderboards; squads are few.
pub async fn by_squad(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    view: View,
    query: &PageQuery,
) -> Result<Leaderboard<SquadStanding>, Error> {
    let limit = query.limit().map_err(Error::Invalid)?;
    let after: i64 = query.after().map_err(Error::Invalid)?.unwrap_or(0);
    ensure_stored(conn, facts, view).await?;
    let by_points = facts.scoring == Scoring::PointBased;
    let rows = sqlx::query!(
        r#"WITH scores AS (
               SELECT p.participant_id, p.points, p.penalty, p.parts_solved, p.total_ms
               FROM campaigns.campaign_participants p WHERE p.guild_id = $3 AND p.campaign_id = $1 AND $2::text IS NULL
               UNION ALL
               SELECT s.participant_id, s.points, s.penalty, s.parts_solved, s.total_ms
               FROM campaigns.campaign_standings s WHERE s.guild_id = $3 AND s.campaign_id = $1 AND s.snapshot = $2
           ), sums AS (
               SELECT q.id, q.name, count(*) AS participants,
                      sum(CASE WHEN $4 THEN greatest(s.points - s.penalty, 0) ELSE 0 END)::bigint AS points,
                      sum(s.parts_solved)::bigint AS parts_solved,
                      sum(s.total_ms + CASE WHEN $4 THEN 0 ELSE s.penalty * 1000 END)::bigint AS total_ms
               FROM scores s
               LEFT JOIN squads.squad_memberships m ON NOT $5 AND m.guild_id = $3 AND m.user_id::text = s.participant_id
               JOIN squads.squads q ON q.guild_id = $3
                    AND (q.id = m.squad_id OR ($5 AND q.id::text = s.participant_id))
               GROUP BY q.id, q.name
           ), ranked AS (
               SELECT r.*, rank() OVER by_score AS rank,
                      row_number() OVER (ORDER BY CASE WHEN $4 THEN r.points ELSE r.parts_solved END DESC,
                                                  CASE WHEN $4 THEN 0 ELSE r.total_ms END, r.id) AS place
               FROM sums r
               WINDOW by_score AS (ORDER BY CASE WHEN $4 THEN r.points ELSE r.parts_solved END DESC,
                                            CASE WHEN $4 THEN 0 ELSE r.total_ms END)
           )
           SELECT r.id AS "squad_id!: SquadId", r.name AS "name!", r.participants AS "participants!", r.points AS "points!",
                  r.parts_solved AS "parts_solved!", r.total_ms AS "total_ms!", r.rank AS "rank!", r.place AS "place!"
           FROM ranked r WHERE r.place > $6 ORDER BY r.place LIMIT $7"#,
        facts.id.get(),
        view.stored().map(super::Snapshot::as_str),
        facts.guild_id.get(),
        by_points,
        facts.participants == ParticipantType::Squad,
        after,
        limit.plus_one(),
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let standing = SquadStanding {
            rank: row.rank,
            squad_id: row.squad_id,
            name: row.name,
            participants: row.participants,
            points: row.points,
            parts_solved: row.parts_solved,
            total_ms: row.total_ms,
        };
        (row.place, standing)
    });
    let page = Page::new(rows.collect(), limit, |(place, _): &(i64, SquadStanding)| *place);
    Ok(Leaderboard::new(facts, view, page.map(|(_, standing)| standing)))
}
