//! The scoreboard as [CTFtime] reads it.
//!
//! [CTFtime]: https://ctftime.org/json-scoreboard-feed

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{After, View, ensure_stored, live, stored};
use crate::error::Error;
use crate::model::CampaignFacts;
use crate::rules::Scoring;

/// The most teams in a feed.
const MAX_TEAMS: usize = 10_000;
/// Teams for which the feed says what they solved.
const DETAILED: usize = 500;

/// CTFtime's scoreboard feed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Feed {
    /// Names of the released challenges; each part of one with several is a task of its own.
    pub tasks: Vec<String>,
    /// The teams that solved something, in order.
    pub standings: Vec<FeedStanding>,
}

/// A team in the feed. The names are CTFtime's.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedStanding {
    /// Its rank.
    pub pos: i64,
    /// Its name.
    pub team: String,
    /// Its score: points, or parts solved.
    pub score: i64,
    /// What it solved; only for the first 500 teams.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub task_stats: BTreeMap<String, FeedTask>,
    /// Its last right answer, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_accept: Option<i64>,
}

/// A task that a team solved.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FeedTask {
    /// Points it brought; 1 in `time_based` campaigns.
    pub points: i64,
    /// When, in seconds since 1970.
    pub time: i64,
}

/// The feed, as far as the view may look.
pub async fn feed(conn: &mut PgConnection, facts: &CampaignFacts, view: View) -> Result<Feed, Error> {
    ensure_stored(conn, facts, view).await?;
    let parts = sqlx::query!(
        r#"SELECT c.id, p.part, c.parts, c.title, c.slug
           FROM challenges.challenges c JOIN challenges.challenge_parts p ON p.guild_id = c.guild_id AND p.challenge_id = c.id
           WHERE c.guild_id = $3 AND c.campaign_id = $1 AND c.released_at <= $2 ORDER BY c.order_position, p.part"#,
        facts.id.get(),
        facts.now,
        facts.guild_id.get(),
    )
    .fetch_all(&mut *conn)
    .await?;
    // Titles may repeat, task names must not.
    let mut seen = HashMap::<String, u32>::new();
    let mut names = HashMap::new();
    let mut tasks = Vec::with_capacity(parts.len());
    for row in parts {
        let title = if row.parts > 1 { format!("{} ({})", row.title, row.part) } else { row.title };
        let times = seen.entry(title.clone()).or_default();
        *times += 1;
        let name = if *times == 1 { title } else { format!("{title} [{}]", row.slug) };
        names.insert((row.id, row.part), name.clone());
        tasks.push(name);
    }
    let teams = teams(conn, facts, view).await?;
    let detailed: Vec<String> = teams.iter().take(DETAILED).map(|team| team.participant_id.clone()).collect();
    let mut solved = solved(conn, facts, view.horizon(), &detailed, &names).await?;
    let standings = teams.into_iter().map(|team| FeedStanding {
        pos: team.rank,
        task_stats: solved.remove(&team.participant_id).unwrap_or_default(),
        score: match facts.scoring {
            Scoring::PointBased => team.points,
            Scoring::TimeBased => team.parts_solved.into(),
        },
        team: team.display_name,
        last_accept: team.last_correct_at.map(|at| at.timestamp()),
    });
    Ok(Feed { tasks, standings: standings.collect() })
}

/// Everybody who solved something, up to [`MAX_TEAMS`].
async fn teams(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    view: View,
) -> Result<Vec<super::Standing>, Error> {
    let limit = kernel::Limit::new(Some(kernel::page::MAX_LIMIT)).map_err(Error::Invalid)?;
    let mut teams = Vec::new();
    let mut after: Option<After> = None;
    while teams.len() < MAX_TEAMS {
        let page = match (view.stored(), after.take()) {
            (None, Some(After::Live(key))) => live::page(conn, facts, Some(key), limit).await?,
            (None, _) => live::page(conn, facts, None, limit).await?,
            (Some(snapshot), Some(After::Stored(position))) => {
                stored::page(conn, facts, snapshot, position, limit).await?
            }
            (Some(snapshot), _) => stored::page(conn, facts, snapshot, 0, limit).await?,
        };
        let before = teams.len();
        let found = page.items.len();
        teams.extend(page.items.into_iter().filter(|team| team.parts_solved > 0));
        let Some(next) = page.next.filter(|_| teams.len() == before + found) else { break };
        after = Some(kernel::Cursor::decode(&next).map_err(Error::Invalid)?);
    }
    teams.truncate(MAX_TEAMS);
    Ok(teams)
}

async fn solved(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    horizon: Option<DateTime<Utc>>,
    participants: &[String],
    names: &HashMap<(uuid::Uuid, i32), String>,
) -> sqlx::Result<HashMap<String, BTreeMap<String, FeedTask>>> {
    let rows = sqlx::query!(
        "SELECT s.participant_id, s.challenge_id, s.part, s.points_awarded, s.submission_timestamp
         FROM challenges.challenges c
         JOIN challenges.challenge_submissions s ON s.guild_id = c.guild_id AND s.challenge_id = c.id AND s.is_correct AND s.participant_id = ANY($2)
         WHERE c.guild_id = $4 AND c.campaign_id = $1 AND ($3::timestamptz IS NULL OR s.submission_timestamp < $3)",
        facts.id.get(),
        participants,
        horizon,
        facts.guild_id.get(),
    )
    .fetch_all(conn)
    .await?;
    let mut solved: HashMap<String, BTreeMap<String, FeedTask>> = HashMap::new();
    for row in rows {
        let Some(name) = names.get(&(row.challenge_id, row.part)) else { continue };
        let points = match facts.scoring {
            Scoring::PointBased => row.points_awarded.into(),
            Scoring::TimeBased => 1,
        };
        let task = FeedTask { points, time: row.submission_timestamp.timestamp() };
        solved.entry(row.participant_id).or_default().insert(name.clone(), task);
    }
    Ok(solved)
}
