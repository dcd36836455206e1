//! What is kept of a member here: cases about them and by them, appeals, hits. What they wrote is not in it, but for their appeals.
//!
//! Cases stay when somebody is forgotten, under the bare number of the account: a ban that is in force must go on. So must what Discord
//! says is in force. Names go; so do what they said in appeals, and hits.

use access::personal::{Asked, Keeper, MOST, NOBODY};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

/// What the slice keeps of members.
pub(crate) const KEEPER: Keeper = Keeper {
    tables: &[
        "moderation.moderation_cases",
        "moderation.moderation_case_edits",
        "moderation.case_evidence",
        "moderation.appeals",
        "moderation.appeal_notes",
        "moderation.automod_hits",
        "moderation.automod_rules",
        "moderation.warning_escalations",
        "moderation.escalation_firings",
        "moderation.raids",
        "moderation.effects",
        "moderation.observed_sanctions",
    ],
    copy,
    forget,
};

fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, Value> {
    Box::pin(async move {
        sqlx::query_scalar!(
            r#"SELECT jsonb_build_object(
               'cases', coalesce((SELECT jsonb_agg(jsonb_build_object('case_number', c.case_number, 'action', c.action, 'reason', c.reason,
                            'created_at', c.created_at, 'expires_at', c.expires_at, 'resolution', c.resolution) ORDER BY c.case_number DESC)
                   FROM (SELECT * FROM moderation.moderation_cases WHERE guild_id = $1 AND user_id = $2 AND action <> 'note'
                          ORDER BY case_number DESC LIMIT $3) c), '[]'),
               'cases_made', coalesce((SELECT jsonb_agg(c.case_number ORDER BY c.case_number DESC)
                   FROM (SELECT * FROM moderation.moderation_cases WHERE guild_id = $1 AND moderator_id = $2
                          ORDER BY case_number DESC LIMIT $3) c), '[]'),
               'appeals', coalesce((SELECT jsonb_agg(jsonb_build_object('statement', a.statement, 'status', a.status,
                            'decision_reason', a.decision_reason, 'created_at', a.created_at) ORDER BY a.id DESC)
                   FROM (SELECT * FROM moderation.appeals WHERE guild_id = $1 AND user_id = $2 ORDER BY id DESC LIMIT $3) a), '[]'),
               'hits', coalesce((SELECT jsonb_agg(jsonb_build_object('rule', r.name, 'source_id', h.source_id, 'action', h.action,
                            'dry_run', h.dry_run, 'details', h.details, 'created_at', h.created_at) ORDER BY h.created_at DESC)
                   FROM (SELECT * FROM moderation.automod_hits WHERE guild_id = $1 AND user_id = $2
                          ORDER BY created_at DESC LIMIT $3) h
                   JOIN moderation.automod_rules r ON r.guild_id = h.guild_id AND r.id = h.rule_id), '[]'))
               AS "copy!""#,
            guild.get(),
            user.get(),
            MOST,
        )
        .fetch_one(conn)
        .await
    })
}

/// Names go from what stays, also where others wrote them; appeals lose what was said, hits go.
fn forget(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, u64> {
    Box::pin(async move {
        sqlx::query!(
            "UPDATE moderation.moderation_cases
                SET user_tag = CASE WHEN user_id = $2 THEN $3 ELSE user_tag END,
                    moderator_tag = CASE WHEN moderator_id = $2 THEN $3 ELSE moderator_tag END,
                    updated_by_tag = CASE WHEN updated_by = $2 THEN $3 ELSE updated_by_tag END,
                    reason = left(regexp_replace(reason, current_setting('questhall.forgotten'), $3, 'gi'), 500),
                    void_reason = left(regexp_replace(void_reason, current_setting('questhall.forgotten'), $3, 'gi'), 500)
              WHERE guild_id = $1
                AND ((user_id = $2 AND user_tag <> $3) OR (moderator_id = $2 AND moderator_tag <> $3)
                     OR (updated_by = $2 AND updated_by_tag <> $3) OR reason ~* current_setting('questhall.forgotten')
                     OR void_reason ~* current_setting('questhall.forgotten'))",
            guild.get(),
            user.get(),
            NOBODY,
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!(
            "UPDATE moderation.moderation_case_edits
                SET edited_by_tag = CASE WHEN edited_by = $2 THEN $3 ELSE edited_by_tag END,
                    old_value = regexp_replace(old_value, current_setting('questhall.forgotten'), $3, 'gi'),
                    new_value = regexp_replace(new_value, current_setting('questhall.forgotten'), $3 || ' ', 'gi')
              WHERE guild_id = $1
                AND ((edited_by = $2 AND edited_by_tag <> $3) OR old_value ~* current_setting('questhall.forgotten')
                     OR new_value ~* current_setting('questhall.forgotten'))",
            guild.get(),
            user.get(),
            NOBODY,
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!(
            "UPDATE moderation.case_evidence
                SET added_by_tag = CASE WHEN added_by = $2 THEN $3 ELSE added_by_tag END,
                    note = left(regexp_replace(note, current_setting('questhall.forgotten'), $3, 'gi'), 500)
              WHERE guild_id = $1
                AND ((added_by = $2 AND added_by_tag <> $3) OR note ~* current_setting('questhall.forgotten'))",
            guild.get(),
            user.get(),
            NOBODY,
        )
        .execute(&mut *conn)
        .await?;
        appeals_forget(&mut *conn, guild, user).await?;
        sqlx::query!(
            "UPDATE moderation.raids
                SET started_by_tag = CASE WHEN started_by = $2 THEN $3 ELSE started_by_tag END,
                    reason = left(regexp_replace(reason, current_setting('questhall.forgotten'), $3, 'gi'), 500)
              WHERE guild_id = $1
                AND ((started_by = $2 AND started_by_tag <> $3) OR reason ~* current_setting('questhall.forgotten'))",
            guild.get(),
            user.get(),
            NOBODY,
        )
        .execute(&mut *conn)
        .await?;
        let hits = sqlx::query!(
            "DELETE FROM moderation.automod_hits WHERE guild_id = $1 AND user_id = $2",
            guild.get(),
            user.get(),
        )
        .execute(&mut *conn)
        .await?;
        // What is still to be done about them is done; what was done is of no use any more.
        let effects = sqlx::query!(
            "DELETE FROM moderation.effects
              WHERE guild_id = $1 AND state IN ('applied', 'dead')
                AND (target = 'user:' || $2::bigint OR payload::text ~* current_setting('questhall.forgotten'))",
            guild.get(),
            user.get(),
        )
        .execute(conn)
        .await?;
        Ok(hits.rows_affected() + effects.rows_affected())
    })
}

/// Who is forgotten said nothing, and is named in nothing that others said.
async fn appeals_forget(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE moderation.appeals
            SET user_tag = CASE WHEN user_id = $2 THEN $3 ELSE user_tag END,
                statement = CASE WHEN user_id = $2 THEN $3
                                 ELSE left(regexp_replace(statement, current_setting('questhall.forgotten'), $3, 'gi'), 2000) END,
                decided_by_tag = CASE WHEN decided_by = $2 THEN $3 ELSE decided_by_tag END,
                decision_reason = left(regexp_replace(decision_reason, current_setting('questhall.forgotten'), $3, 'gi'), 500)
          WHERE guild_id = $1
            AND (user_id = $2 OR decided_by = $2 OR statement ~* current_setting('questhall.forgotten')
                 OR decision_reason ~* current_setting('questhall.forgotten'))",
        guild.get(),
        user.get(),
        NOBODY,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE moderation.appeal_notes
            SET author_tag = CASE WHEN author_id = $2 THEN $3 ELSE author_tag END,
                body = left(regexp_replace(body, current_setting('questhall.forgotten'), $3, 'gi'), 2000)
          WHERE guild_id = $1 AND (author_id = $2 OR body ~* current_setting('questhall.forgotten'))",
        guild.get(),
        user.get(),
        NOBODY,
    )
    .execute(&mut *conn)
    .await?;
    Ok(())
}
