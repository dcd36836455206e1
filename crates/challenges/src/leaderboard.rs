//! Leaderboards: overall, one's own place, per challenge, per squad, and the CTFtime feed.
//!
//! What holds:
//! * a page or one's own rank costs the same among a hundred as among a hundred thousand: the histogram of scores
//!   (`standing_buckets`) says how many stand in better buckets, an index range who stands better within the bucket;
//! * ranks are exact at the instant of reading; ties share one (1, 1, 3), shown in order of the last right answer;
//! * while the scoreboard is frozen, nobody but admins learns anything that happened since: every function here takes
//!   the [`View`] it must not look past;
//! * after the close everyone sees the standings stored then;
//! * names are today's. The one at registration stands in where there is no other.
//!
//! | room | holds |
//! |---|---|
//! | `live` | the scores kept beside the participants |
//! | `stored` | frozen and final standings |
//! | `around` | one's own rank and neighbours |
//! | `solvers` | who solved a challenge, in order |
//! | `by_squad` | player campaigns summed by squad |
//! | `feed` | the CTFtime scoreboard feed |
//! | `race` | scores over time, for charts and for replaying |

mod around;
mod by_squad;
mod feed;
mod live;
mod race;
mod solvers;
mod stored;

use chrono::{DateTime, Utc};
use kernel::{Page, PageQuery, Problem};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::error::Error;
use crate::model::{CampaignFacts, ParticipantType};
use crate::rules::{Score, Scoring};
use crate::standings::{Snapshot, standings_snapshot};

pub use around::{Around, around};
pub use by_squad::{SquadStanding, by_squad};
pub use feed::{Feed, FeedStanding, FeedTask, feed};
pub use race::{MAX_RACERS, Race, RaceLine, RaceMoment, race};
pub use solvers::{Solver, solvers};

/// One participant's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Standing {
    /// Rank; ties share one (1, 1, 3).
    pub rank: i64,
    /// A player's snowflake or a squad's UUID.
    pub participant_id: String,
    /// player or squad.
    pub participant_type: ParticipantType,
    /// The name as it is now.
    pub display_name: String,
    /// Points less hint penalties, never below zero (`point_based`); 0 otherwise.
    pub points: i64,
    /// Hint penalties taken: points (`point_based`) or seconds (`time_based`).
    pub penalty: i64,
    /// Parts solved.
    pub parts_solved: i32,
    /// Milliseconds from first requests of inputs to right answers, with penalties in `time_based`.
    pub total_ms: i64,
    /// The last right answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_correct_at: Option<DateTime<Utc>>,
}

/// A page of a leaderboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Leaderboard<T> {
    /// How the campaign is scored.
    pub scoring: Scoring,
    /// Set while the scoreboard is frozen: what is shown is how things stood then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen_since: Option<DateTime<Utc>>,
    /// Whether these are the final standings.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// The rows, in order.
    pub items: Vec<T>,
    /// The cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How far a viewer may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Everything, as it is.
    Live,
    /// Nothing that happened at or after this instant.
    Frozen(DateTime<Utc>),
    /// The final standings.
    Final,
}

impl View {
    /// What this viewer may see of a campaign now. Admins see through the freeze.
    pub fn of(facts: &CampaignFacts, admin: bool) -> Self {
        if facts.is_over() && facts.final_stored {
            return Self::Final;
        }
        match facts.frozen_since(facts.now) {
            Some(since) if !admin => Self::Frozen(since),
            _ => Self::Live,
        }
    }

    /// The stored standings it reads, if any.
    fn stored(self) -> Option<Snapshot> {
        match self {
            Self::Live => None,
            Self::Frozen(_) => Some(Snapshot::Freeze),
            Self::Final => Some(Snapshot::Final),
        }
    }

    /// The instant it must not look past; `None`: none.
    pub(crate) fn horizon(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Frozen(since) => Some(since),
            Self::Live | Self::Final => None,
        }
    }
}

impl<T> Leaderboard<T> {
    fn new(facts: &CampaignFacts, view: View, page: Page<T>) -> Self {
        Self {
            scoring: facts.scoring,
            frozen_since: view.horizon(),
            is_final: view == View::Final,
            items: page.items,
            next: page.next,
        }
    }
}

impl Standing {
    /// From the sums in a row: what is shown is net of penalties.
    fn new(
        rank: i64,
        scoring: Scoring,
        score: Score,
        name: Named,
        last_correct_at: Option<DateTime<Utc>>,
    ) -> sqlx::Result<Self> {
        Ok(Self {
            rank,
            participant_id: name.id,
            participant_type: ParticipantType::from_column(&name.kind)?,
            display_name: name.display_name,
            points: score.net_points(scoring),
            penalty: score.penalty,
            parts_solved: score.parts_solved,
            total_ms: score.net_ms(scoring),
            last_correct_at,
        })
    }
}

struct Named {
    id: String,
    kind: String,
    display_name: String,
}

/// Where a page of the overall leaderboard goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum After {
    Live(live::Key),
    Stored(i32),
}

/// A page of the overall leaderboard.
#[kernel::boxed]
pub async fn page(
    conn: &mut PgConnection,
    facts: &CampaignFacts,
    view: View,
    query: &PageQuery,
) -> Result<Leaderboard<Standing>, Error> {
    let limit = query.limit().map_err(Error::Invalid)?;
    let after = query.after::<After>().map_err(Error::Invalid)?;
    ensure_stored(conn, facts, view).await?;
    let page = match (view.stored(), after) {
        (None, None) => live::page(conn, facts, None, limit).await?,
        (None, Some(After::Live(key))) => live::page(conn, facts, Some(key), limit).await?,
        (Some(snapshot), None) => stored::page(conn, facts, snapshot, 0, limit).await?,
        (Some(snapshot), Some(After::Stored(position))) => {
            stored::page(conn, facts, snapshot, position, limit).await?
        }
        _ => {
            let why = "is of the scoreboard before it froze, thawed or closed; start again without it";
            return Err(Error::Invalid(Problem::field("cursor", why)));
        }
    };
    Ok(Leaderboard::new(facts, view, page))
}

/// The frozen standings are stored by a timer. Should it be late, who looks first stores them.
async fn ensure_stored(conn: &mut PgConnection, facts: &CampaignFacts, view: View) -> sqlx::Result<()> {
    if matches!(view, View::Frozen(_)) && !facts.frozen_stored {
        let mut tx = sqlx::Connection::begin(conn).await?;
        let stored = sqlx::query_scalar!(
            r#"SELECT frozen_at IS NOT NULL AS "stored!" FROM campaigns.campaigns WHERE guild_id = $2 AND id = $1 FOR NO KEY UPDATE"#,
            facts.id.get(),
        facts.guild_id.get(),
    )
        .fetch_one(&mut *tx)
        .await?;
        if !stored {
            standings_snapshot(&mut tx, &[facts.key()], Snapshot::Freeze).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
