//! SQL over cases.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, GuildId, Limit, MessageId, UserId};
use sqlx::PgConnection;

use crate::error::Error;
use crate::model::{
    Action, Case, CaseEdited, CaseId, EffectState, EscalationId, Evidence, Moderator, NewEvidence, RaidId,
    Resolution, RuleId, Source, Statistics,
};
use crate::rules::{Rung, Warned};

/// What a case is made of, once everything is decided.
#[derive(Debug, Clone)]
pub(crate) struct Insert<'a> {
    pub(crate) action: Action,
    pub(crate) user: UserId,
    pub(crate) user_tag: &'a str,
    pub(crate) moderator: &'a Moderator,
    pub(crate) reason: &'a str,
    /// In whole seconds from now.
    pub(crate) lasting: Option<i64>,
    /// For what Discord dates itself; instead of `lasting`.
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) source: Source,
    pub(crate) source_key: Option<&'a str>,
    pub(crate) rule: Option<RuleId>,
    pub(crate) escalation: Option<EscalationId>,
    pub(crate) parent: Option<CaseId>,
    pub(crate) raid: Option<RaidId>,
    pub(crate) channel: Option<ChannelId>,
    pub(crate) message: Option<MessageId>,
    pub(crate) effect_state: EffectState,
    pub(crate) effect_error: Option<&'a str>,
}

impl<'a> Insert<'a> {
    /// With nothing but what every case has.
    pub(crate) fn new(
        action: Action,
        user: UserId,
        user_tag: &'a str,
        moderator: &'a Moderator,
        reason: &'a str,
    ) -> Self {
        Self {
            action,
            user,
            user_tag,
            moderator,
            reason,
            lasting: None,
            expires_at: None,
            source: Source::Moderator,
            source_key: None,
            rule: None,
            escalation: None,
            parent: None,
            raid: None,
            channel: None,
            message: None,
            effect_state: if action.acts() { EffectState::Pending } else { EffectState::None },
            effect_error: None,
        }
    }
}

/// Makes who would number a case of this guild wait until the transaction ends. Whatever decides by cases takes this lock first.
pub(crate) async fn guild_lock(conn: &mut PgConnection, guild: GuildId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO moderation.case_counters (guild_id) VALUES ($1)
         ON CONFLICT (guild_id) DO UPDATE SET guild_id = excluded.guild_id",
        guild.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes a case; one that failed before it began, or that is over at once, is born resolved.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &Insert<'_>,
) -> Result<CaseId, Error> {
    let resolution = if new.action.lasts() {
        (new.effect_state == EffectState::Failed).then_some(Resolution::Failed)
    } else {
        Some(Resolution::Instant)
    };
    #[expect(clippy::cast_precision_loss, reason = "ten years in seconds are few")]
    let lasting = new.lasting.map(|seconds| seconds as f64);
    let id = sqlx::query_scalar!(
        r#"INSERT INTO moderation.moderation_cases
               (guild_id, user_id, user_tag, moderator_id, moderator_tag, action, reason, expires_at, resolved, resolved_at,
                resolution, source, source_key, automod_rule_id, escalation_id, parent_case_id, raid_id, channel_id,
                message_id, effect_state, effect_error)
           VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, now() + make_interval(secs => $9::float8)), $10::text IS NOT NULL,
                   CASE WHEN $10::text IS NOT NULL THEN now() END, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
         RETURNING id AS "id: CaseId""#,
        guild.get(),
        new.user.get(),
        new.user_tag,
        new.moderator.id.get(),
        new.moderator.tag,
        new.action.as_str(),
        new.reason,
        new.expires_at,
        lasting,
        resolution.map(Resolution::as_str),
        new.source.as_str(),
        new.source_key,
        new.rule.map(RuleId::get),
        new.escalation.map(EscalationId::get),
        new.parent.map(CaseId::get),
        new.raid.map(RaidId::get),
        new.channel.map(ChannelId::get),
        new.message.map(MessageId::get),
        new.effect_state.as_str(),
        new.effect_error,
    )
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// Which cases are looked for; what is not said is not looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) id: Option<CaseId>,
    pub(crate) number: Option<i32>,
    pub(crate) user: Option<UserId>,
    pub(crate) moderator: Option<UserId>,
    pub(crate) action: Option<Action>,
    pub(crate) source: Option<Source>,
    pub(crate) in_force: bool,
    /// Words of the reason.
    pub(crate) text: Option<&'a str>,
    pub(crate) since: Option<DateTime<Utc>>,
    pub(crate) until: Option<DateTime<Utc>>,
    pub(crate) before: Option<i32>,
    /// Whether what the member must not see is left out: notes, and purges of others' messages.
    pub(crate) for_member: bool,
}

/// Cases, the latest first, at most so many.
#[kernel::boxed]
pub(crate) async fn find(
    conn: &mut PgConnection,
    guild: GuildId,
    wanted: &Wanted<'_>,
    limit: i64,
) -> Result<Vec<Case>, sqlx::Error> {
    let text = wanted
        .text
        .map(|text| format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")));
    sqlx::query_as!(
        Case,
        r#"SELECT guild_id AS "guild_id: GuildId", id AS "id: CaseId", case_number, user_id AS "user_id: UserId", user_tag,
                  moderator_id AS "moderator_id: UserId", moderator_tag, action AS "action: Action", reason, expires_at,
                  resolved, resolved_at, resolution AS "resolution: Resolution", source AS "source: Source",
                  automod_rule_id AS "automod_rule_id: RuleId", raid_id AS "raid_id: RaidId",
                  parent_case_id AS "parent_case_id: CaseId", channel_id AS "channel_id: ChannelId",
                  message_id AS "message_id: MessageId", messages_purged, effect_state AS "effect_state: EffectState",
                  effect_error, member_notified, voided_at, void_reason, created_at
             FROM moderation.moderation_cases
            WHERE guild_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::int IS NULL OR case_number = $3)
              AND ($4::bigint IS NULL OR user_id = $4) AND ($5::bigint IS NULL OR moderator_id = $5)
              AND ($6::text IS NULL OR action = $6) AND ($7::text IS NULL OR source = $7)
              AND (NOT $8 OR (NOT resolved AND action IN ('warn', 'timeout', 'ban')))
              AND ($9::text IS NULL OR reason ILIKE $9 OR user_tag ILIKE $9)
              AND ($10::timestamptz IS NULL OR created_at >= $10) AND ($11::timestamptz IS NULL OR created_at < $11)
              AND ($12::int IS NULL OR case_number < $12) AND (NOT $13 OR action NOT IN ('note', 'purge'))
            ORDER BY case_number DESC LIMIT $14"#,
        guild.get(),
        wanted.id.map(CaseId::get),
        wanted.number,
        wanted.user.map(UserId::get),
        wanted.moderator.map(UserId::get),
        wanted.action.map(Action::as_str),
        wanted.source.map(Source::as_str),
        wanted.in_force,
        text,
        wanted.since,
        wanted.until,
        wanted.before,
        wanted.for_member,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// A case by its row.
pub(crate) async fn by_id(conn: &mut PgConnection, guild: GuildId, id: CaseId) -> Result<Case, Error> {
    let wanted = Wanted { id: Some(id), ..Wanted::default() };
    find(conn, guild, &wanted, 1).await?.pop().ok_or(Error::UnknownCase)
}

/// A case by its number.
pub(crate) async fn by_number(conn: &mut PgConnection, guild: GuildId, number: i32) -> Result<Case, Error> {
    let wanted = Wanted { number: Some(number), ..Wanted::default() };
    find(conn, guild, &wanted, 1).await?.pop().ok_or(Error::UnknownCase)
}

/// A page of cases, one more than it holds.
pub(crate) async fn list(
    conn: &mut PgConnection,
    guild: GuildId,
    wanted: &Wanted<'_>,
    limit: Limit,
) -> Result<Vec<Case>, sqlx::Error> {
    find(conn, guild, wanted, limit.plus_one()).await
}

/// A case that may stand in the way of another: its number, who made it, its age in seconds, whether it is in force, its end.
#[derive(Debug)]
pub(crate) struct Latest {
    pub(crate) case_number: i32,
    pub(crate) moderator_id: UserId,
    pub(crate) moderator_tag: String,
    pub(crate) age: f64,
    pub(crate) resolved: bool,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// The latest case of an action about somebody that did not fail and was not voided; what is in force comes first.
pub(crate) async fn latest(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    action: Action,
) -> Result<Option<Latest>, sqlx::Error> {
    sqlx::query_as!(
        Latest,
        r#"SELECT case_number, moderator_id AS "moderator_id: UserId", moderator_tag,
                  extract(epoch FROM now() - created_at)::float8 AS "age!", resolved, expires_at
             FROM moderation.moderation_cases
            WHERE guild_id = $1 AND user_id = $2 AND action = $3 AND voided_at IS NULL AND effect_state <> 'failed'
            ORDER BY resolved, case_number DESC LIMIT 1"#,
        guild.get(),
        user.get(),
        action.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// Ends cases of an action about somebody that are in force, and answers their numbers.
pub(crate) async fn resolve_all(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    action: Action,
    how: Resolution,
    by: &Moderator,
) -> Result<Vec<(CaseId, i32)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"UPDATE moderation.moderation_cases
              SET resolved = true, resolved_at = now(), resolution = $4, updated_by = nullif($5::bigint, 0), updated_by_tag = $6
            WHERE guild_id = $1 AND user_id = $2 AND action = $3 AND NOT resolved
        RETURNING id AS "id: CaseId", case_number"#,
        guild.get(),
        user.get(),
        action.as_str(),
        how.as_str(),
        by.id.get(),
        by.tag,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.case_number)).collect())
}

/// Says which case ended others.
pub(crate) async fn resolved_by(
    conn: &mut PgConnection,
    guild: GuildId,
    cases: &[CaseId],
    by: CaseId,
) -> Result<(), sqlx::Error> {
    let ids: Vec<uuid::Uuid> = cases.iter().map(|case| case.get()).collect();
    sqlx::query!(
        "UPDATE moderation.moderation_cases SET resolved_by_case_id = $3 WHERE guild_id = $1 AND id = ANY ($2) AND id <> $3",
        guild.get(),
        &ids,
        by.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends one case that is in force; false where it is not any more.
pub(crate) async fn resolve(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
    how: Resolution,
    by: &Moderator,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE moderation.moderation_cases
            SET resolved = true, resolved_at = now(), resolution = $3, updated_by = nullif($4::bigint, 0), updated_by_tag = $5
          WHERE guild_id = $1 AND id = $2 AND NOT resolved",
        guild.get(),
        case.get(),
        how.as_str(),
        by.id.get(),
        by.tag,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks a case whose time is over and that is in force, for its expiry; `None` where it is not, or not yet.
pub(crate) async fn due(conn: &mut PgConnection, guild: GuildId, case: CaseId) -> Result<bool, sqlx::Error> {
    let row = sqlx::query_scalar!(
        r#"SELECT expires_at <= now() AS "over!" FROM moderation.moderation_cases
            WHERE guild_id = $1 AND id = $2 AND NOT resolved AND expires_at IS NOT NULL FOR NO KEY UPDATE"#,
        guild.get(),
        case.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row == Some(true))
}

/// Changes reason and end.
pub(crate) async fn edit(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
    reason: &str,
    expires_at: Option<DateTime<Utc>>,
    by: &Moderator,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE moderation.moderation_cases
            SET reason = $3, expires_at = $4, updated_by = nullif($5::bigint, 0), updated_by_tag = $6
          WHERE guild_id = $1 AND id = $2",
        guild.get(),
        case.get(),
        reason,
        expires_at,
        by.id.get(),
        by.tag,
    )
    .execute(conn)
    .await?;
    db::ensure_affected(&done, 1).map_err(|error| Error::Database(error.into()))
}

/// Declares a case void, and ends it.
pub(crate) async fn void(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
    reason: &str,
    by: &Moderator,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE moderation.moderation_cases
            SET voided_at = now(), voided_by = $4::bigint, void_reason = $3, resolved_at = coalesce(resolved_at, now()),
                resolution = CASE WHEN resolved THEN resolution ELSE 'voided' END, resolved = true,
                updated_by = nullif($4::bigint, 0), updated_by_tag = $5
          WHERE guild_id = $1 AND id = $2 AND voided_at IS NULL",
        guild.get(),
        case.get(),
        reason,
        by.id.get(),
        by.tag,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What was changed of a case, in order.
pub(crate) async fn edits(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
) -> Result<Vec<CaseEdited>, sqlx::Error> {
    sqlx::query_as!(
        CaseEdited,
        r#"SELECT field, old_value, new_value, edited_by AS "edited_by: UserId", edited_by_tag, created_at
             FROM moderation.moderation_case_edits WHERE guild_id = $1 AND case_id = $2 ORDER BY id LIMIT 500"#,
        guild.get(),
        case.get(),
    )
    .fetch_all(conn)
    .await
}

/// Adds evidence to a case.
pub(crate) async fn evidence_add(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
    evidence: &[NewEvidence],
    by: &Moderator,
) -> Result<(), sqlx::Error> {
    let urls: Vec<String> = evidence.iter().map(|one| one.url.clone()).collect();
    let notes: Vec<Option<String>> = evidence.iter().map(|one| one.note.clone()).collect();
    sqlx::query!(
        "INSERT INTO moderation.case_evidence (guild_id, case_id, url, note, added_by, added_by_tag)
         SELECT $1, $2, url, note, $5, $6 FROM unnest($3::text[], $4::text[]) AS t (url, note)",
        guild.get(),
        case.get(),
        &urls,
        &notes as &[Option<String>],
        by.id.get(),
        by.tag,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes evidence back; false where the case has no such one, or not any more.
pub(crate) async fn evidence_remove(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
    evidence: uuid::Uuid,
    by: &Moderator,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE moderation.case_evidence SET removed_at = now(), removed_by = $4
          WHERE guild_id = $1 AND case_id = $2 AND id = $3 AND removed_at IS NULL",
        guild.get(),
        case.get(),
        evidence,
        by.id.get(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The evidence of a case, in order; what was taken back too.
pub(crate) async fn evidence(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
) -> Result<Vec<Evidence>, sqlx::Error> {
    sqlx::query_as!(
        Evidence,
        r#"SELECT id, url, note, added_by AS "added_by: UserId", added_by_tag, removed_at, created_at
             FROM moderation.case_evidence WHERE guild_id = $1 AND case_id = $2 ORDER BY id LIMIT 500"#,
        guild.get(),
        case.get(),
    )
    .fetch_all(conn)
    .await
}

/// The guild's rungs that are on, each with when it last fired for this member; those of cases that were voided did not.
pub(crate) async fn rungs(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<Vec<Rung>, sqlx::Error> {
    sqlx::query_as!(
        Rung,
        r#"SELECT e.id AS "id: EscalationId", e.warnings, e.within_days,
                  (SELECT max(w.created_at) FROM moderation.escalation_firings f
                     JOIN moderation.moderation_cases w ON w.guild_id = f.guild_id AND w.id = f.warning_case_id
                     LEFT JOIN moderation.moderation_cases c ON c.guild_id = f.guild_id AND c.id = f.case_id
                    WHERE f.guild_id = e.guild_id AND f.escalation_id = e.id AND f.user_id = $2
                      AND c.voided_at IS NULL) AS fired_at
             FROM moderation.warning_escalations e WHERE e.guild_id = $1 AND e.is_active"#,
        guild.get(),
        user.get(),
    )
    .fetch_all(conn)
    .await
}

/// A member's warnings that count.
pub(crate) async fn warnings(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<Vec<Warned>, sqlx::Error> {
    sqlx::query_as!(
        Warned,
        "SELECT created_at AS at FROM moderation.moderation_cases
          WHERE guild_id = $1 AND user_id = $2 AND action = 'warn' AND NOT resolved
            AND (expires_at IS NULL OR expires_at > now())
          ORDER BY created_at DESC LIMIT 1000",
        guild.get(),
        user.get(),
    )
    .fetch_all(conn)
    .await
}

/// Writes down that a rung fired; false where it had for this warning.
pub(crate) async fn rung_fired(
    conn: &mut PgConnection,
    guild: GuildId,
    rung: EscalationId,
    warning: CaseId,
    user: UserId,
    case: Option<CaseId>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO moderation.escalation_firings (guild_id, escalation_id, warning_case_id, user_id, case_id)
         VALUES ($1, $2, $3, $4, $5)",
        guild.get(),
        rung.get(),
        warning.get(),
        user.get(),
        case.map(CaseId::get),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Cases of a time by moderator and action, or by rule and action.
pub(crate) async fn statistics(
    conn: &mut PgConnection,
    guild: GuildId,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    by_rule: bool,
) -> Result<Vec<Statistics>, sqlx::Error> {
    sqlx::query_as!(
        Statistics,
        r#"SELECT CASE WHEN NOT $4 THEN c.moderator_id END AS "moderator_id: UserId",
                  CASE WHEN $4 THEN c.automod_rule_id END AS "rule_id: RuleId",
                  coalesce(max(r.name), (array_agg(c.moderator_tag ORDER BY c.case_number DESC))[1]) AS "name!",
                  c.action AS "action: Action", count(*) AS "cases!",
                  count(*) FILTER (WHERE c.voided_at IS NOT NULL OR c.resolution IN ('appealed', 'released')) AS "overturned!"
             FROM moderation.moderation_cases c
             LEFT JOIN moderation.automod_rules r ON $4 AND r.guild_id = c.guild_id AND r.id = c.automod_rule_id
            WHERE c.guild_id = $1 AND c.created_at >= $2 AND c.created_at < $3 AND (NOT $4 OR c.automod_rule_id IS NOT NULL)
            GROUP BY CASE WHEN NOT $4 THEN c.moderator_id END, CASE WHEN $4 THEN c.automod_rule_id END, c.action
            ORDER BY count(*) DESC, 3, c.action LIMIT 1000"#,
        guild.get(),
        since,
        until,
        by_rule,
    )
    .fetch_all(conn)
    .await
}

/// The name of a member of the guild, if known; else nothing.
pub(crate) async fn name_of(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT k.name AS "name!" FROM people.known_as k WHERE k.guild_id = $1 AND k.user_id = $2"#,
        guild.get(),
        user.get(),
    )
    .fetch_optional(conn)
    .await
}

/// The roles here of two people that rank highest: those that were granted and did not lapse.
pub(crate) async fn roles_of(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT role FROM access.role_grants
          WHERE guild_id = $1 AND user_id = $2 AND (expires_at IS NULL OR expires_at > now())",
        guild.get(),
        user.get(),
    )
    .fetch_all(conn)
    .await
}

/// Whether there is a case of this source and key.
pub(crate) async fn is_known(
    conn: &mut PgConnection,
    guild: GuildId,
    source: Source,
    key: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM moderation.moderation_cases
                           WHERE guild_id = $1 AND source = $2 AND source_key = $3) AS "known!""#,
        guild.get(),
        source.as_str(),
        key,
    )
    .fetch_one(conn)
    .await
}

/// Whether a time is still to come, by the database's clock.
pub(crate) async fn is_ahead(
    conn: &mut PgConnection,
    time: Option<DateTime<Utc>>,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT coalesce($1::timestamptz > now(), false) AS "ahead!""#, time)
        .fetch_one(conn)
        .await
}
