//! What was done on Discord by hand, and what Discord is seen to have.

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use sqlx::{PgConnection, PgPool};

use super::put::{self, Extra};
use crate::effects::NewEffect;
use crate::effects::store as effects;
use crate::error::Error;
use crate::model::{Action, Case, EffectState, Moderator, Resolution, Source};
use crate::store::{cases, observed};

/// An entry of a guild's audit log on Discord, as the gateway tells it: the only way by which such actions become cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeAction {
    /// The entry: what makes it count once.
    pub entry_id: u64,
    /// What was done: ban, unban, kick, timeout or untimeout.
    pub action: Action,
    /// To whom.
    pub user_id: UserId,
    /// Their name, if known.
    pub user_tag: Option<String>,
    /// By whom.
    pub moderator_id: UserId,
    /// That one's name, if known.
    pub moderator_tag: Option<String>,
    /// Why, if they said so.
    pub reason: Option<String>,
    /// Until when, for a time-out.
    pub until: Option<DateTime<Utc>>,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Native {
    /// A case.
    Case(Box<Case>),
    /// The bot did it, for a case that there is.
    Ours,
    /// It was told before, or is over already.
    Known,
}

/// Makes a case of what somebody did on Discord by hand, once; what the bot itself did is known.
pub async fn native_action(
    pool: &PgPool,
    guild: GuildId,
    entry: &NativeAction,
    bot: UserId,
) -> Result<Native, Error> {
    if entry.moderator_id == bot {
        return Ok(Native::Ours);
    }
    let key = format!("audit:{}", entry.entry_id);
    let reason = entry.reason.as_deref().and_then(|reason| crate::rules::line("reason", reason, 500).ok());
    let reason = reason.unwrap_or_else(|| "Done on Discord, without a reason".to_owned());
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        cases::guild_lock(&mut tx, guild).await?;
        if cases::is_known(&mut tx, guild, Source::Discord, &key).await? {
            return Ok(Native::Known);
        }
        if entry.action == Action::Timeout && !cases::is_ahead(&mut tx, entry.until).await? {
            return Ok(Native::Known);
        }
        let moderator = Moderator {
            id: entry.moderator_id,
            tag: tag(&mut tx, guild, entry.moderator_id, entry.moderator_tag.as_deref()).await?,
        };
        let user_tag = tag(&mut tx, guild, entry.user_id, entry.user_tag.as_deref()).await?;
        let new = cases::Insert {
            expires_at: entry.until.filter(|_| entry.action == Action::Timeout),
            source: Source::Discord,
            source_key: Some(&key),
            effect_state: EffectState::Applied,
            ..cases::Insert::new(entry.action, entry.user_id, &user_tag, &moderator, &reason)
        };
        let extra = Extra { done_elsewhere: true, quiet: true, ..Extra::default() };
        let case = put::put(&mut tx, guild, &new, &extra).await?;
        tx.commit().await?;
        Ok(Native::Case(Box::new(case)))
    })
    .await
}

async fn tag(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    told: Option<&str>,
) -> Result<String, sqlx::Error> {
    if let Some(told) = told.and_then(|told| kernel::text::cleaned(told, 100)) {
        return Ok(told);
    }
    Ok(cases::name_of(conn, guild, user).await?.unwrap_or_else(|| user.to_string()))
}

/// These people are banned on Discord: cases that wait for it have it. With `complete` these are all who are, for the audit.
pub async fn bans_seen(
    pool: &PgPool,
    guild: GuildId,
    banned: &[UserId],
    complete: bool,
) -> Result<usize, Error> {
    let all: Vec<_> = banned.iter().map(|user| (*user, None)).collect();
    seen(pool, guild, Action::Ban, &all, complete).await
}

/// These members are timed out on Discord, until when: as for bans.
pub async fn timeouts_seen(
    pool: &PgPool,
    guild: GuildId,
    timed_out: &[(UserId, DateTime<Utc>)],
    complete: bool,
) -> Result<usize, Error> {
    let all: Vec<_> = timed_out.iter().map(|(user, until)| (*user, Some(*until))).collect();
    seen(pool, guild, Action::Timeout, &all, complete).await
}

async fn seen(
    pool: &PgPool,
    guild: GuildId,
    action: Action,
    all: &[(UserId, Option<DateTime<Utc>>)],
    complete: bool,
) -> Result<usize, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        cases::guild_lock(&mut tx, guild).await?;
        observed::seen(&mut tx, guild, action, all, complete).await?;
        let users: Vec<UserId> = all.iter().map(|(user, _)| *user).collect();
        let confirmed = observed::confirm(&mut tx, guild, action, &users).await?;
        for number in &confirmed {
            super::changed(&mut tx, guild, *number, "applied").await?;
        }
        tx.commit().await?;
        Ok(confirmed.len())
    })
    .await
}

/// Somebody is banned, or timed out, no longer. The entry of the audit log makes the case that says by whom.
pub async fn sanction_gone(pool: &PgPool, guild: GuildId, action: Action, user: UserId) -> Result<(), Error> {
    let mut conn = db::acquire(pool).await?;
    Ok(observed::gone(&mut conn, guild, action, user).await?)
}

/// What of who came back was brought in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Returned {
    /// The time-out that is sent again: its case.
    pub timed_out_again: Option<i32>,
    /// The ban that cannot be any more, as they are in: its case.
    pub ban_ended: Option<i32>,
}

/// Somebody joined, or was seen after an outage, with this time-out by Discord. A time-out of ours that is in force and is not there is sent again; a
/// ban of ours is over, as they could not be in.
pub async fn member_returned(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    timed_out_until: Option<DateTime<Utc>>,
) -> Result<Returned, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        cases::guild_lock(&mut tx, guild).await?;
        let mut returned = Returned::default();
        let wanted = cases::Wanted { user: Some(user), in_force: true, ..cases::Wanted::default() };
        let in_force = cases::find(&mut tx, guild, &wanted, 200).await?;
        for case in in_force.iter().filter(|case| case.effect_state == EffectState::Applied) {
            match case.action {
                Action::Ban => {
                    let house = Moderator::house();
                    cases::resolve(&mut tx, guild, case.id, Resolution::Lifted, &house).await?;
                    observed::gone(&mut tx, guild, Action::Ban, user).await?;
                    super::changed(&mut tx, guild, case.case_number, "lifted").await?;
                    returned.ban_ended = Some(case.case_number);
                }
                Action::Timeout
                    if !is_there(case, timed_out_until)
                        && cases::is_ahead(&mut tx, case.expires_at).await? =>
                {
                    if let Some(payload) = put::act(case, &Extra::default()) {
                        let nth = effects::count_of(&mut tx, guild, case.id).await?;
                        let idempotency_key = format!("c{}r{nth}", case.case_number);
                        effects::ask(
                            &mut tx,
                            guild,
                            &[NewEffect { case_id: Some(case.id), idempotency_key, payload }],
                        )
                        .await?;
                        returned.timed_out_again = Some(case.case_number);
                    }
                }
                _ => {}
            }
        }
        tx.commit().await?;
        Ok(returned)
    })
    .await
}

/// Whether Discord has a time-out as long as the case's, or nearly.
fn is_there(case: &Case, until: Option<DateTime<Utc>>) -> bool {
    match (until, case.expires_at) {
        (Some(until), Some(end)) => (end - until).num_seconds() < 120,
        _ => false,
    }
}
