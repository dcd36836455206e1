//! How a case comes to be, whoever makes it: what it supersedes or lifts, its effects, its timer, its events, and what follows of a warning.

use std::time::Duration;

use access::settings::settings_read;
use jobs::outbox::{self, Event};
use jobs::timers::At;
use kernel::{ChannelId, GuildId, UserId};
use serde_json::json;
use sqlx::PgConnection;

use super::timers::{EXPIRE, OfCase, PROLONG};
use crate::effects::store as effects;
use crate::effects::{NewEffect, Payload};
use crate::error::Error;
use crate::model::{Action, Case, EffectState, Moderator, Resolution, Source};
use crate::rules::{self, LONGEST_TIMEOUT};
use crate::settings::ModerationSettings;
use crate::store::cases::{self, Insert};

/// What Discord takes as a reason in its audit log.
const AUDIT_LOG_REASON: usize = 512;

/// What an effect takes besides the case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extra {
    /// For a ban: how many seconds of messages go too.
    pub(crate) delete_message_seconds: i32,
    /// For a purge: how many messages at most.
    pub(crate) limit: i32,
    /// Whether the member is not told.
    pub(crate) quiet: bool,
    /// Whether the act itself is somebody else's: done already, or part of a bulk ban.
    pub(crate) done_elsewhere: bool,
}

/// Makes a case, and what follows from it. The guild's cases must be locked ([`cases::guild_lock`]).
#[kernel::boxed]
pub(crate) async fn put(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &Insert<'_>,
    extra: &Extra,
) -> Result<Case, Error> {
    let case = put_one(conn, guild, new, extra).await?;
    if case.action == Action::Warn {
        escalate(conn, &case).await?;
    }
    Ok(case)
}

async fn put_one(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &Insert<'_>,
    extra: &Extra,
) -> Result<Case, Error> {
    let failed = new.effect_state == EffectState::Failed;
    let ended = if failed { Vec::new() } else { end_before(conn, guild, new).await? };
    let id = cases::insert(conn, guild, new).await?;
    if !ended.is_empty() {
        let ids: Vec<_> = ended.iter().map(|(id, _)| *id).collect();
        cases::resolved_by(conn, guild, &ids, id).await?;
    }
    let case = cases::by_id(conn, guild, id).await?;
    if !failed {
        let settings = settings_read::<ModerationSettings>(conn, Some(guild)).await?;
        effects::ask(conn, guild, &effects_of(&case, extra, &settings)).await?;
        timers(conn, &case).await?;
    }
    tell(conn, &case, &ended).await?;
    Ok(case)
}

/// Ends what the new case takes the place of, or lifts.
async fn end_before(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &Insert<'_>,
) -> Result<Vec<(crate::model::CaseId, i32)>, Error> {
    let (action, how) = match new.action {
        Action::Ban | Action::Timeout => (new.action, Resolution::Superseded),
        Action::Unban => (Action::Ban, lifted(new.source)),
        Action::Untimeout => (Action::Timeout, lifted(new.source)),
        _ => return Ok(Vec::new()),
    };
    Ok(cases::resolve_all(conn, guild, new.user, action, how, new.moderator).await?)
}

const fn lifted(source: Source) -> Resolution {
    match source {
        Source::Expiry => Resolution::Expired,
        Source::Appeal => Resolution::Appealed,
        Source::Raid => Resolution::Released,
        _ => Resolution::Lifted,
    }
}

/// What is to be done on Discord for a case: first the member is told, as who is banned cannot be reached any more.
fn effects_of(case: &Case, extra: &Extra, settings: &ModerationSettings) -> Vec<NewEffect> {
    let mut effects = Vec::new();
    let key = |what: &str| format!("c{}{what}", case.case_number);
    if case.action.tells()
        && settings.tell_members
        && !extra.quiet
        && !matches!(case.source, Source::Discord | Source::Import)
    {
        effects.push(NewEffect {
            case_id: Some(case.id),
            idempotency_key: key("dm"),
            payload: Payload::DirectMessage {
                user_id: case.user_id,
                case_number: case.case_number,
                action: case.action,
                reason: case.reason.clone(),
                expires_at: case.expires_at,
                may_appeal: settings.appeals,
            },
        });
    }
    if !extra.done_elsewhere
        && case.effect_state == EffectState::Pending
        && let Some(payload) = act(case, extra)
    {
        effects.push(NewEffect { case_id: Some(case.id), idempotency_key: key(""), payload });
    }
    effects
}

/// The act itself.
pub(crate) fn act(case: &Case, extra: &Extra) -> Option<Payload> {
    let (user_id, reason) = (case.user_id, audit_log_reason(case));
    Some(match case.action {
        Action::Ban => Payload::Ban { user_id, delete_message_seconds: extra.delete_message_seconds, reason },
        Action::Unban => Payload::Unban { user_id, reason },
        Action::Timeout => Payload::Timeout { user_id, until: case.expires_at?, reason },
        Action::Untimeout => Payload::Untimeout { user_id, reason },
        Action::Kick => Payload::Kick { user_id, reason },
        Action::Purge => Payload::Purge {
            channel_id: case.channel_id?,
            user_id: (user_id != UserId::HOUSE).then_some(user_id),
            limit: extra.limit,
            before: case.created_at,
            reason,
        },
        Action::Warn | Action::Note => return None,
    })
}

/// The reason as Discord's audit log shows it: with the case's number, by which people find it again.
pub(crate) fn audit_log_reason(case: &Case) -> String {
    let by = if case.moderator_id == UserId::HOUSE {
        String::new()
    } else {
        format!(" by {}", case.moderator_tag)
    };
    format!("Case {}{by}: {}", case.case_number, case.reason).chars().take(AUDIT_LOG_REASON).collect()
}

/// Schedules the end of a case, and that a time-out longer than Discord takes now is prolonged.
pub(crate) async fn timers(conn: &mut PgConnection, case: &Case) -> Result<(), Error> {
    let (true, false, Some(end)) = (case.action.lasts(), case.resolved, case.expires_at) else {
        return Ok(());
    };
    let of = OfCase { case_id: case.id };
    EXPIRE.schedule(conn, Some(case.guild_id), At::At(end), &of).await?;
    if case.action == Action::Timeout && (end - case.created_at).num_seconds() > LONGEST_TIMEOUT - 60 {
        PROLONG.schedule(conn, Some(case.guild_id), At::In(Duration::from_hours(24)), &of).await?;
    }
    Ok(())
}

/// Tells those who moderate of a case, and whom it is about.
async fn tell(
    conn: &mut PgConnection,
    case: &Case,
    ended: &[(crate::model::CaseId, i32)],
) -> Result<(), Error> {
    let mut payload =
        json!({ "case_number": case.case_number, "action": case.action, "source": case.source });
    if case.user_id != UserId::HOUSE {
        payload["member_id"] = json!(case.user_id);
    }
    let event = |event_type, user_id, payload| Event {
        guild_id: case.guild_id,
        event_type,
        subject: format!("cases/{}", case.case_number),
        correlation_id: None,
        user_id,
        payload,
    };
    let mut events = vec![event("moderation.case_made", None, payload)];
    if case.action.tells() && case.effect_state != EffectState::Failed {
        let mut payload =
            json!({ "case_number": case.case_number, "action": case.action, "reason": case.reason });
        if let Some(end) = case.expires_at {
            payload["expires_at"] = json!(end);
        }
        events.push(event("moderation.sanctioned", Some(case.user_id), payload));
    }
    outbox::emit(conn, &events).await?;
    for (_, number) in ended {
        super::changed(conn, case.guild_id, *number, "ended").await?;
    }
    Ok(())
}

/// What a warning leads to: the rung that it reaches, once.
async fn escalate(conn: &mut PgConnection, warning: &Case) -> Result<(), Error> {
    let (guild, user) = (warning.guild_id, warning.user_id);
    let rungs = cases::rungs(conn, guild, user).await?;
    if rungs.is_empty() {
        return Ok(());
    }
    let warnings = cases::warnings(conn, guild, user).await?;
    let Some(rung) = rules::rung_reached(&rungs, &warnings) else { return Ok(()) };
    let escalation =
        crate::store::escalations::get(conn, guild, rung).await?.ok_or(Error::UnknownEscalation)?;
    let reason = escalation.reason.clone().unwrap_or_else(|| {
        format!("{} warnings within {} days", escalation.warnings, escalation.within_days)
    });
    let Some(action) = escalation.action.case() else {
        cases::rung_fired(conn, guild, rung, warning.id, user, None).await?;
        let text = format!("{} has {} standing warnings.", warning.user_tag, warnings.len());
        let key = format!("r{}", warning.case_number);
        return Ok(alert(conn, guild, None, key, text, Some(warning)).await?);
    };
    let house = Moderator::house();
    let new = Insert {
        lasting: escalation.duration_seconds.map(i64::from),
        source: Source::Escalation,
        escalation: Some(rung),
        parent: Some(warning.id),
        raid: warning.raid_id,
        ..Insert::new(action, user, &warning.user_tag, &house, &reason)
    };
    let case = put_one(conn, guild, &new, &Extra::default()).await?;
    cases::rung_fired(conn, guild, rung, warning.id, user, Some(case.id)).await?;
    Ok(())
}

/// Tells those who moderate, in a channel or the guild's usual one; nobody, where the guild has none.
pub(crate) async fn alert(
    conn: &mut PgConnection,
    guild: GuildId,
    channel: Option<ChannelId>,
    idempotency_key: String,
    text: String,
    case: Option<&Case>,
) -> Result<(), sqlx::Error> {
    let usual = settings_read::<ModerationSettings>(conn, Some(guild)).await?.alert_channel_id;
    let Some(channel) = channel.or(usual) else { return Ok(()) };
    let payload = Payload::Alert {
        channel_id: Some(channel),
        text,
        user_id: case.map(|case| case.user_id),
        case_number: case.map(|case| case.case_number),
    };
    effects::ask(conn, guild, &[NewEffect { case_id: case.map(|case| case.id), idempotency_key, payload }])
        .await
}
