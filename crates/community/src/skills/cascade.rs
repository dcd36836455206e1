//! The consumer of the reward cascade: from events to ledgers, exactly once.

use std::collections::{HashMap, HashSet};

use ::jobs::TimerError;
use ::jobs::outbox::{self, Consumer, Start, Stored};
use kernel::{Gold, UserId, Xp};
use progress::model::{Event, Grant};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, Ledger};
use crate::error::Error;

/// The most XP, or points, that one event may bring.
const MOST: i32 = 1_000_000;

/// Keeps the ledgers of what completions brought.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cascade;

/// An event's data, whichever of the three it is.
#[derive(Debug, Deserialize)]
struct Data {
    user_id: UserId,
    ordinal: i32,
    #[serde(default)]
    xp: i32,
    #[serde(default)]
    skill: Option<String>,
    #[serde(default)]
    skill_points: i32,
    #[serde(default)]
    unlocked_id: Option<Uuid>,
    source_type: String,
    source_id: Uuid,
}

/// An event that could be understood.
struct Read<'a> {
    stored: &'a Stored,
    name: &'static str,
    correlation: Uuid,
    data: Data,
}

impl Consumer for Cascade {
    fn name(&self) -> &'static str {
        "community.skills"
    }

    /// Nothing that a completion brought may be missed, also what happened before this consumer first ran.
    fn start(&self) -> Start {
        Start::Beginning
    }

    async fn consume(&self, connection: &mut PgConnection, events: &[Stored]) -> Result<(), TimerError> {
        let (mut read, mut refused) = (Vec::new(), Vec::new());
        for event in events {
            let Some(name) = name_of(&event.event_type) else { continue };
            match understand(event, name) {
                Ok(one) => read.push(one),
                Err(reason) => refused.push((event, reason)),
            }
        }
        keep(&mut *connection, read, &mut refused).await.map_err(|error| match error {
            Error::Database(error) => TimerError::from(error),
            other => TimerError::Retry(other.to_string()),
        })?;
        let told: Vec<outbox::Event> = refused
            .into_iter()
            .map(|(event, reason)| outbox::Event {
                guild_id: event.guild_id,
                event_type: "skill.reward_refused",
                subject: event.subject.clone(),
                correlation_id: event.correlation_id,
                user_id: None,
                payload: json!({ "event_id": event.event_id, "event_type": event.event_type, "reason": reason }),
            })
            .collect();
        outbox::emit(connection, &told).await?;
        Ok(())
    }
}

/// As 004 calls it.
fn name_of(event_type: &str) -> Option<&'static str> {
    Some(match event_type {
        "learning.xp_granted" => "XPGranted",
        "learning.skill_points_granted" => "SkillPointsGranted",
        "learning.challenge_unlocked" => "ChallengeUnlocked",
        _ => return None,
    })
}

/// The event, if it says what it must.
fn understand<'a>(stored: &'a Stored, name: &'static str) -> Result<Read<'a>, String> {
    let correlation = stored.correlation_id.ok_or("it has no correlation id")?;
    let data: Data = serde_json::from_value(stored.payload.clone())
        .map_err(|error| format!("its data is wrong: {error}"))?;
    if data.ordinal < 1 {
        return Err("`ordinal` must be 1 or more".to_owned());
    }
    if !["step", "quest", "chapter", "path", "rule"].contains(&data.source_type.as_str()) {
        return Err("`source_type` must be step, quest, chapter, path or rule".to_owned());
    }
    let amount = |amount: i32, what| {
        if (0..=MOST).contains(&amount) { Ok(()) } else { Err(format!("`{what}` must be 0 to {MOST}")) }
    };
    match name {
        "XPGranted" => amount(data.xp, "xp")?,
        "SkillPointsGranted" if data.skill.is_none() => return Err("`skill` is missing".to_owned()),
        "SkillPointsGranted" => amount(data.skill_points, "skill_points")?,
        _ if data.unlocked_id.is_none() => return Err("`unlocked_id` is missing".to_owned()),
        _ => {}
    }
    Ok(Read { stored, name, correlation, data })
}

/// Writes the ledgers for what is new, in the order of the events.
async fn keep<'a>(
    conn: &mut PgConnection,
    read: Vec<Read<'a>>,
    refused: &mut Vec<(&'a Stored, String)>,
) -> Result<(), Error> {
    if read.is_empty() {
        return Ok(());
    }
    let guilds: Vec<i64> = read.iter().map(|one| one.stored.guild_id.get()).collect();
    let users: Vec<i64> = read.iter().map(|one| one.data.user_id.get()).collect();
    let slugs: Vec<&str> = read.iter().map(|one| one.data.skill.as_deref().unwrap_or("")).collect();
    let members: HashSet<_> = store::known_members(&mut *conn, &guilds, &users).await?.into_iter().collect();
    let skills: HashMap<(i64, String), Uuid> = store::known_skills(&mut *conn, &guilds, &slugs)
        .await?
        .into_iter()
        .map(|(guild, slug, id)| ((guild, slug), id))
        .collect();
    let mut rows = Ledger::default();
    let mut kept = Vec::new();
    for one in read {
        let guild = one.stored.guild_id.get();
        if !members.contains(&(guild, one.data.user_id.get())) {
            refused.push((one.stored, format!("the guild has no member {}", one.data.user_id)));
            continue;
        }
        let wanted = (one.name == "SkillPointsGranted").then(|| one.data.skill.clone().unwrap_or_default());
        let skill = wanted.as_ref().and_then(|slug| skills.get(&(guild, slug.clone())).copied());
        if let (Some(slug), None) = (&wanted, skill) {
            refused.push((one.stored, format!("the guild has no skill `{slug}`")));
            continue;
        }
        rows.ids.push(one.stored.event_id);
        rows.guilds.push(guild);
        rows.users.push(one.data.user_id.get());
        rows.correlations.push(one.correlation);
        rows.ordinals.push(one.data.ordinal);
        rows.types.push(one.name);
        rows.skills.push(skill);
        rows.xp.push(if one.name == "XPGranted" { one.data.xp } else { 0 });
        rows.points.push(if skill.is_some() { one.data.skill_points } else { 0 });
        rows.source_types.push(one.data.source_type.clone());
        rows.source_ids.push(one.data.source_id);
        rows.unlocked.push((one.name == "ChallengeUnlocked").then_some(one.data.unlocked_id).flatten());
        kept.push((one, skill));
    }
    let fresh: HashSet<Uuid> = store::ledger_insert(&mut *conn, &rows).await?.into_iter().collect();
    kept.retain(|(one, _)| fresh.contains(&one.stored.event_id));
    grant(&mut *conn, &kept).await?;
    raise(conn, &kept).await
}

/// XP into the journal.
async fn grant(conn: &mut PgConnection, kept: &[(Read<'_>, Option<Uuid>)]) -> Result<(), Error> {
    let grants: Vec<Grant> = kept
        .iter()
        .filter(|(one, _)| one.name == "XPGranted" && one.data.xp > 0)
        .map(|(one, _)| Grant {
            guild_id: one.stored.guild_id,
            user_id: one.data.user_id,
            xp: Xp::new(one.data.xp.into()),
            gold: Gold::ZERO,
            stars: 0,
            event_type: Event::LearningReward,
            source_system: "learning".to_owned(),
            source_event_id: format!("{}:{}", one.correlation, one.data.ordinal),
            metadata: json!({
                "correlation_id": one.correlation, "source_type": one.data.source_type, "source_id": one.data.source_id,
            }),
        })
        .collect();
    progress::grant(conn, &grants).await?;
    Ok(())
}

/// Points into members' skills; and whoever reaches a level is told of.
async fn raise(conn: &mut PgConnection, kept: &[(Read<'_>, Option<Uuid>)]) -> Result<(), Error> {
    let (mut guilds, mut users, mut skills, mut points) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (one, skill) in kept {
        if let Some(skill) = skill {
            guilds.push(one.stored.guild_id.get());
            users.push(one.data.user_id.get());
            skills.push(*skill);
            points.push(i64::from(one.data.skill_points));
        }
    }
    if skills.is_empty() {
        return Ok(());
    }
    let all = store::points_add(&mut *conn, &guilds, &users, &skills, &points).await?;
    let risen: Vec<_> = all.iter().filter(|one| one.level > one.old_level).collect();
    if risen.is_empty() {
        return Ok(());
    }
    store::levels_write(&mut *conn, &risen).await?;
    let events: Vec<outbox::Event> = risen
        .iter()
        .map(|one| outbox::Event {
            guild_id: one.guild_id,
            event_type: "skill.levelled_up",
            subject: format!("members/{}", one.user_id),
            correlation_id: None,
            user_id: None,
            payload: json!({
                "user_id": one.user_id, "skill_id": one.skill_id, "skill": one.slug, "level": one.level,
                "skill_points": one.skill_points,
            }),
        })
        .collect();
    Ok(outbox::emit(conn, &events).await?)
}
