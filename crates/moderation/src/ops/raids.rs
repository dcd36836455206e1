//! Raid mode: timed, and undone for everybody by one command.

use std::time::Duration;

use access::Author;
use access::author::Deed;
use access::settings::settings_read;
use jobs::outbox::{self, Event};
use jobs::timers::At;
use kernel::{GuildId, Page, PageQuery, Problem, UserId};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use super::put::alert;
use super::timers::{END, EXPIRE, OfCase, OfRaid};
use crate::effects::store as effects;
use crate::effects::{NewEffect, Payload};
use crate::error::Error;
use crate::model::{Action, Joined, Moderator, NewRaid, Raid, RaidAction, RaidId, RuleId};
use crate::rules;
use crate::settings::ModerationSettings;
use crate::store::{cases, raids};

/// So many are banned by one request.
const BULK: usize = 200;
/// For so long those who come one by one are gathered before they are banned: at 5,000 joins a minute a request is full by then.
const GATHER: Duration = Duration::from_secs(3);

/// Switches raid mode on: invites are stopped, and who joins is dealt with ([`raid_joined`]) until its time is over. Audited.
#[kernel::boxed]
pub async fn raid_start(
    pool: &PgPool,
    guild: GuildId,
    new: &NewRaid,
    rule: Option<RuleId>,
    moderator: &Moderator,
    author: Author<'_>,
) -> Result<Raid, Error> {
    let new = NewRaid { reason: rules::line("reason", &new.reason, 500)?, ..new.clone() };
    if let Some(minutes) = new.minutes {
        kernel::fields::within("minutes", minutes, 1, 1_440)?;
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let raid = start(&mut tx, guild, &new, rule, moderator, author).await?;
        tx.commit().await?;
        Ok(raid)
    })
    .await
}

/// Switches raid mode on, in the transaction of what leads to it.
pub(super) async fn start(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &NewRaid,
    rule: Option<RuleId>,
    moderator: &Moderator,
    author: Author<'_>,
) -> Result<Raid, Error> {
    let settings = settings_read::<ModerationSettings>(conn, Some(guild)).await?;
    let minutes = i32::try_from(new.minutes.unwrap_or(settings.raid_minutes)).unwrap_or(1_440);
    let id = raids::insert(conn, guild, new, minutes, moderator, rule).await?;
    let raid = raids::get(conn, guild, id).await?;
    END.schedule(conn, Some(guild), At::At(raid.ends_at), &OfRaid { raid_id: id }).await?;
    incident(conn, guild, &raid, true).await?;
    let text = format!("Raid mode is on until {}: {}", raid.ends_at.format("%H:%M UTC"), raid.reason);
    alert(conn, guild, None, key("ra", id), text, None).await?;
    let payload = json!({ "raid_id": id, "ends_at": raid.ends_at, "action": raid.action });
    tell(conn, guild, "moderation.raid_started", id, payload).await?;
    Deed::new("CREATE", "moderation.raids", id.to_string()).after(&raid).record(conn, guild, author).await?;
    Ok(raid)
}

/// A key of at most 25 characters: who begins with `what`, of a raid.
fn key(what: &str, raid: RaidId) -> String {
    use base64::Engine as _;
    format!("{what}{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(raid.get().as_bytes()))
}

/// Stops invites until the raid's end, or allows them again.
async fn incident(conn: &mut PgConnection, guild: GuildId, raid: &Raid, on: bool) -> Result<(), sqlx::Error> {
    let payload = Payload::IncidentActions { until: on.then_some(raid.ends_at) };
    let idempotency_key = key(if on { "ri" } else { "ro" }, raid.id);
    effects::ask(conn, guild, &[NewEffect { case_id: None, idempotency_key, payload }]).await
}

async fn tell(
    conn: &mut PgConnection,
    guild: GuildId,
    event_type: &'static str,
    raid: RaidId,
    payload: Value,
) -> Result<(), sqlx::Error> {
    let event = Event {
        guild_id: guild,
        event_type,
        subject: format!("raids/{raid}"),
        correlation_id: None,
        user_id: None,
        payload,
    };
    outbox::emit_one(conn, event).await
}

/// Switches raid mode off before its time. Whom it hit stays hit: see [`raid_release`]. Audited.
#[kernel::boxed]
pub async fn raid_end(
    pool: &PgPool,
    guild: GuildId,
    moderator: &Moderator,
    author: Author<'_>,
) -> Result<Raid, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let raid =
            raids::running(&mut tx, guild).await?.ok_or(Error::NothingInForce("raid mode is not on"))?;
        end(&mut tx, guild, &raid, Some(moderator)).await?;
        let after = raids::get(&mut tx, guild, raid.id).await?;
        Deed::new("END", "moderation.raids", raid.id.to_string())
            .after(&after)
            .record(&mut tx, guild, author)
            .await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

async fn end(
    conn: &mut PgConnection,
    guild: GuildId,
    raid: &Raid,
    by: Option<&Moderator>,
) -> Result<(), Error> {
    if !raids::end(conn, guild, raid.id, by.map(|by| by.id)).await? {
        return Ok(());
    }
    // By itself Discord lets invites go on at the end that it was told.
    if by.is_some() {
        incident(conn, guild, raid, false).await?;
    }
    tell(conn, guild, "moderation.raid_ended", raid.id, json!({ "raid_id": raid.id, "released": 0 })).await?;
    Ok(())
}

/// Ends raid mode when its time is over.
#[kernel::boxed]
pub(super) async fn end_by_timer(conn: &mut PgConnection, guild: GuildId, raid: RaidId) -> Result<(), Error> {
    let raid = raids::get(conn, guild, raid).await?;
    end(conn, guild, &raid, None).await
}

/// The guild's raid that is running.
pub async fn raid_running(pool: &PgPool, guild: GuildId) -> Result<Option<Raid>, Error> {
    let mut conn = db::acquire(pool).await?;
    Ok(raids::running(&mut conn, guild).await?)
}

/// A page of the guild's raids, the latest first.
pub async fn raid_list(pool: &PgPool, guild: GuildId, page: &PageQuery) -> Result<Page<Raid>, Problem> {
    let (limit, before) = (page.limit()?, page.after::<RaidId>()?);
    let mut conn = db::acquire(pool).await?;
    let found = raids::list(&mut conn, guild, before, limit).await?;
    Ok(Page::new(found, limit, |raid| raid.id))
}

/// Who joined while raid mode is on is dealt with: a case each, and for bans one request for up to 200 people, for whom it waits some seconds as Discord
/// takes few such requests. Answers how many cases were made; none, when it is off.
#[kernel::boxed]
pub async fn raid_joined(pool: &PgPool, guild: GuildId, joined: &[Joined]) -> Result<usize, Error> {
    if joined.is_empty() {
        return Ok(0);
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        cases::guild_lock(&mut tx, guild).await?;
        let Some(raid) = raids::running(&mut tx, guild).await? else { return Ok(0) };
        let Some(action) = raid.action.case() else { return Ok(0) };
        let mut made = raids::cases_insert(&mut tx, guild, &raid, action, joined).await?;
        made.sort_unstable_by_key(|case| case.case_number);
        let reason = format!("Raid: {}", raid.reason).chars().take(512).collect::<String>();
        if raid.action == RaidAction::Ban {
            ban_together(&mut tx, guild, &made, &reason).await?;
        }
        let effects: Vec<NewEffect> = made
            .iter()
            .filter_map(|case| {
                let (user_id, reason) = (case.user_id, reason.clone());
                let payload = match action {
                    Action::Kick => Payload::Kick { user_id, reason },
                    Action::Timeout => Payload::Timeout { user_id, until: case.expires_at?, reason },
                    _ => return None,
                };
                Some(NewEffect {
                    case_id: Some(case.id),
                    idempotency_key: format!("c{}", case.case_number),
                    payload,
                })
            })
            .collect();
        effects::ask(&mut tx, guild, &effects).await?;
        expiries(&mut tx, guild, &made).await?;
        let events: Vec<Event> = made
            .iter()
            .map(|case| Event {
                guild_id: guild,
                event_type: "moderation.case_made",
                subject: format!("cases/{}", case.case_number),
                correlation_id: None,
                user_id: None,
                payload: json!({ "case_number": case.case_number, "action": action, "source": "automod", "member_id": case.user_id }),
            })
            .collect();
        outbox::emit(&mut tx, &events).await?;
        tx.commit().await?;
        Ok(made.len())
    })
    .await
}

/// Bans who joined in as few requests as there can be: those who come one by one are gathered for a while.
async fn ban_together(
    conn: &mut PgConnection,
    guild: GuildId,
    made: &[raids::Made],
    reason: &str,
) -> Result<(), sqlx::Error> {
    let mut rest = made;
    if let Some((effect, count)) = effects::gathering(conn, guild).await?
        && !rest.is_empty()
    {
        let (here, beyond) = rest.split_at(rest.len().min(BULK.saturating_sub(count)));
        let users: Vec<UserId> = here.iter().map(|case| case.user_id).collect();
        let is_full = count + users.len() >= BULK;
        effects::gather(conn, guild, effect, &users, is_full).await?;
        if is_full {
            effects::wake(conn).await?;
        }
        rest = beyond;
    }
    let bans: Vec<NewEffect> = rest
        .chunks(BULK)
        .map(|chunk| NewEffect {
            case_id: None,
            idempotency_key: format!("b{}", chunk[0].case_number),
            payload: Payload::BulkBan {
                user_ids: chunk.iter().map(|case| case.user_id).collect(),
                delete_message_seconds: 3_600,
                reason: reason.to_owned(),
            },
        })
        .collect();
    effects::ask(conn, guild, &bans).await?;
    if let (Some(last), false) = (bans.last(), rest.len().is_multiple_of(BULK)) {
        effects::wait(conn, guild, &last.idempotency_key, GATHER).await?;
    }
    Ok(())
}

/// The ends of time-outs that were made together.
async fn expiries(conn: &mut PgConnection, guild: GuildId, made: &[raids::Made]) -> Result<(), sqlx::Error> {
    let ends: Vec<_> =
        made.iter().filter_map(|case| Some((case.expires_at?, OfCase { case_id: case.id }))).collect();
    EXPIRE.schedule_all(conn, ends.iter().map(|(end, of)| (Some(guild), At::At(*end), of))).await?;
    Ok(())
}

/// Lets everybody go whom a raid's measures hit and who is still banned or timed out, and ends it if it still runs. Answers how many. Doing it again lets
/// nobody go twice. Audited.
#[kernel::boxed]
pub async fn raid_release(
    pool: &PgPool,
    guild: GuildId,
    raid: RaidId,
    moderator: &Moderator,
    author: Author<'_>,
) -> Result<usize, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        cases::guild_lock(&mut tx, guild).await?;
        let before = raids::get(&mut tx, guild, raid).await?;
        end(&mut tx, guild, &before, Some(moderator)).await?;
        let reason = "Released with everybody whom the raid's measures hit";
        // Whoever is let go must not be banned afterwards.
        effects::bulk_take_back(&mut tx, guild, raid).await?;
        let let_go = raids::release(&mut tx, guild, raid, reason, moderator).await?;
        raids::released(&mut tx, guild, raid, moderator.id).await?;
        let mut effects: Vec<_> = let_go
            .iter()
            .map(|(case, unban)| {
                let (user_id, reason) = (case.user_id, format!("Case {}: {reason}", case.case_number));
                let payload = if *unban {
                    Payload::Unban { user_id, reason }
                } else {
                    Payload::Untimeout { user_id, reason }
                };
                NewEffect {
                    case_id: Some(case.id),
                    idempotency_key: format!("c{}", case.case_number),
                    payload,
                }
            })
            .collect();
        effects.sort_unstable_by_key(|effect| effect.case_id);
        effects::ask(&mut tx, guild, &effects).await?;
        if !let_go.is_empty() {
            let payload = json!({ "raid_id": raid, "released": let_go.len() });
            tell(&mut tx, guild, "moderation.raid_ended", raid, payload).await?;
        }
        Deed::new("RELEASE", "moderation.raids", raid.to_string())
            .after(json!({ "released": let_go.len() }))
            .record(&mut tx, guild, author)
            .await?;
        tx.commit().await?;
        Ok(let_go.len())
    })
    .await
}
