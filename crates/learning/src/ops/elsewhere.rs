//! What happens elsewhere in the guild and concerns learners: steps that it completes, and quests that open because of XP, levels, skills
//! and achievements. Events of the outbox have both looked at within moments; what no event tells (talk, threads, XP between two levels)
//! a job looks for every minute: at who earned something just now, and at a part of all others, so that a run costs as much however many
//! have ever learnt here. Both only say when to look: what is the case is read where it is kept, so looking twice changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use ::jobs::TimerError;
use ::jobs::outbox::{Consumer, Start, Stored};
use kernel::{GuildId, UserId};
use serde_json::json;
use sqlx::{Connection as _, PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::complete::{rules_unlock, step_done};
use super::work::Work;
use crate::error::Error;
use crate::graph::Graph;
use crate::ids::QuestId;
use crate::store::{self, AttemptStatus, CameTrue};

/// Attempts with something to complete that are looked at in one go.
const LOOKED_AT: i64 = 1_000;

/// Completes the steps of a member's quest that came true elsewhere, in the order of the quest.
async fn complete(conn: &mut PgConnection, due: &CameTrue) -> Result<usize, Error> {
    let mut work = Work::lock(&mut *conn, due.guild, due.user, due.quest).await?;
    // Read again under the learner's lock: somebody else may have been there first.
    let now = store::came_true(&mut *conn, &[(due.guild, due.user)], Some(due.quest), 1).await?;
    let Some(now) = now.into_iter().next() else { return Ok(0) };
    let mut done = 0;
    for id in now.steps {
        // The last step that counted completes the quest; what is optional behind it stays.
        if work.attempt.status != AttemptStatus::InProgress {
            break;
        }
        let Ok(step) = work.step(id) else { continue };
        let step = step.clone();
        let mut state = work.state(id);
        state.submission = Some(json!({ "elsewhere": step.elsewhere }));
        step_done(&mut *conn, &mut work, id, &step, state).await?;
        done += 1;
    }
    Ok(done)
}

/// What came true before a quest was begun, as it is begun.
pub(super) async fn begun(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    quest: QuestId,
) -> Result<(), Error> {
    for due in store::came_true(&mut *conn, &[(guild, user)], Some(quest), 1).await? {
        complete(&mut *conn, &due).await?;
    }
    Ok(())
}

/// Learners whom one run of the job looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Guild and member of each, in the order of their keys.
    pub who: Vec<(GuildId, UserId)>,
    /// Where the next run goes on; `None` for the beginning.
    pub until: Option<(GuildId, UserId)>,
}

/// The learners behind some in the order of their keys, at most so many, and those who earned something in the last minutes.
pub async fn learners_round(
    pool: &PgPool,
    after: Option<(GuildId, UserId)>,
    most: i64,
) -> Result<Round, Error> {
    let mut conn = db::acquire(pool).await?;
    let after = after.unwrap_or((GuildId::new(0), UserId::HOUSE));
    let next = store::learners_after(&mut conn, after, most).await?;
    let whole = i64::try_from(next.len()).is_ok_and(|count| count == most);
    let until = next.last().copied().filter(|_| whole);
    let mut who: BTreeSet<(GuildId, UserId)> = next.into_iter().collect();
    who.extend(store::learners_lately(&mut conn, most).await?);
    Ok(Round { who: who.into_iter().collect(), until })
}

/// Looks for steps of these learners that came true, each learner in a transaction of their own; tells how many were completed.
pub async fn steps_come_true(pool: &PgPool, who: &[(GuildId, UserId)]) -> Result<usize, Error> {
    let due = store::came_true(&mut *db::acquire(pool).await?, who, None, LOOKED_AT).await?;
    let mut done = 0;
    for one in &due {
        let completed = db::retry(|| async {
            let mut tx = db::begin(pool).await?;
            let done = complete(&mut tx, one).await?;
            tx.commit().await?;
            Ok::<_, Error>(done)
        })
        .await;
        done += apart(one.guild, one.user, completed)?;
    }
    Ok(done)
}

/// Looks at the rules of those of these learners to whom something came since; tells how many quests were unlocked.
pub async fn rules_come_true(pool: &PgPool, who: &[(GuildId, UserId)]) -> Result<usize, Error> {
    let mut conn = db::acquire(pool).await?;
    let mut changed: BTreeMap<GuildId, Vec<UserId>> = BTreeMap::new();
    for (guild, user) in store::learners_changed(&mut conn, who).await? {
        changed.entry(guild).or_default().push(user);
    }
    let mut unlocked = 0;
    for (guild, users) in changed {
        if Graph::of(&mut conn, guild).await?.earned_rules().is_empty() {
            continue;
        }
        for user in users {
            let looked = db::retry(|| async {
                let mut tx = db::begin(pool).await?;
                let done = look(&mut tx, guild, user).await?;
                tx.commit().await?;
                Ok::<_, Error>(done)
            })
            .await;
            unlocked += apart(guild, user, looked)?;
        }
    }
    Ok(unlocked)
}

/// What became of one learner. What is wrong with them (they left or were forgotten just now, say) is logged and holds nobody else up; a
/// database that fails ends the round, which comes again.
fn apart(guild: GuildId, user: UserId, done: Result<usize, Error>) -> Result<usize, Error> {
    match done {
        Err(error) if !matches!(error, Error::Database(_)) => {
            tracing::warn!(%guild, %user, %error, "what came true for a learner could not be looked at; it is tried again");
            Ok(0)
        }
        other => other,
    }
}

/// Looks at a learner's rules.
async fn look(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<usize, Error> {
    // Who never learnt anything is not made a learner by earning XP.
    if store::learner_find(&mut *conn, guild, user).await?.is_none() {
        return Ok(0);
    }
    let learner = store::learner_lock(&mut *conn, guild, user).await?;
    let done = rules_unlock(&mut *conn, &learner).await?;
    store::rules_checked(conn, &learner).await?;
    Ok(done)
}

/// The reader of the outbox that has learners looked at to whom something happened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Elsewhere;

/// Whom an event concerns.
enum Whom {
    /// A member.
    Member(UserId),
    /// Those who take part in a campaign for a squad.
    Squad { campaign: Uuid, squad: Uuid },
}

/// Whom an event concerns, and whether quests may open to them by it.
fn concerns(event: &Stored) -> Option<(Whom, bool)> {
    let text = |name: &str| event.payload[name].as_str();
    let member = |name: &str| {
        let id = text(name).and_then(|id| id.parse().ok()).or_else(|| event.payload[name].as_i64());
        id.map(|id| Whom::Member(UserId::new(id)))
    };
    let id = |name: &str| text(name)?.parse().ok();
    Some(match event.event_type.as_str() {
        "challenge.solved" if event.payload["participant_type"] == "player" => {
            (member("participant_id")?, false)
        }
        "challenge.solved" => {
            (Whom::Squad { campaign: id("campaign_id")?, squad: id("participant_id")? }, false)
        }
        "board.quest_completed" => (member("user_id")?, false),
        "achievement.earned" | "member.levelled_up" | "skill.levelled_up" => (member("user_id")?, true),
        _ => return None,
    })
}

impl Consumer for Elsewhere {
    fn name(&self) -> &'static str {
        "learning.elsewhere"
    }

    /// What is the case is read where it is kept, so that looking too often costs little and changes nothing.
    fn start(&self) -> Start {
        Start::Beginning
    }

    async fn consume(&self, connection: &mut PgConnection, events: &[Stored]) -> Result<(), TimerError> {
        // In the order of guilds and members, as their locks are taken.
        let mut looked_at: BTreeSet<(GuildId, UserId)> = BTreeSet::new();
        let mut ruled: BTreeSet<(GuildId, UserId)> = BTreeSet::new();
        for event in events {
            let guild = event.guild_id;
            match concerns(event) {
                None => {}
                Some((Whom::Member(user), rules)) => {
                    looked_at.insert((guild, user));
                    if rules {
                        ruled.insert((guild, user));
                    }
                }
                Some((Whom::Squad { campaign, squad }, _)) => {
                    let users = store::squad_users(&mut *connection, guild, campaign, squad).await;
                    looked_at.extend(users.map_err(failed)?.into_iter().map(|user| (guild, user)));
                }
            }
        }
        let looked_at: Vec<(GuildId, UserId)> = looked_at.into_iter().collect();
        for one in store::came_true(&mut *connection, &looked_at, None, LOOKED_AT).await.map_err(failed)? {
            let mut part = connection.begin().await?;
            let done = complete(&mut part, &one).await;
            settle(part, done.is_ok()).await?;
            apart(one.guild, one.user, done).map_err(failed)?;
        }
        for (guild, user) in ruled {
            if !Graph::of(&mut *connection, guild).await.map_err(failed)?.earned_rules().is_empty() {
                let mut part = connection.begin().await?;
                let done = look(&mut part, guild, user).await;
                settle(part, done.is_ok()).await?;
                apart(guild, user, done).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// Keeps what was done for one learner, or none of it.
async fn settle(part: Transaction<'_, Postgres>, done: bool) -> sqlx::Result<()> {
    if done { part.commit().await } else { part.rollback().await }
}

fn failed(error: Error) -> TimerError {
    match error {
        Error::Database(error) => TimerError::from(error),
        other => TimerError::Retry(other.to_string()),
    }
}
