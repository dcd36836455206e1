//! What is kept of a learner here. Everything hangs on their row in `learning.learners`, and goes with it when they are forgotten: what
//! they handed in, their grades, the reviews they wrote and those of their work. Those whom they graded keep their grades, which name
//! a bare uuid; where reasons and feedback name them, the name goes.

use access::personal::{Asked, Keeper, MOST, NOBODY};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

/// What the slice keeps of members.
pub(crate) const KEEPER: Keeper = Keeper {
    tables: &["assessment.quest_submissions", "assessment.grade_history", "assessment.deadline_extensions"],
    copy,
    forget,
};

fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, Value> {
    Box::pin(async move {
        sqlx::query_scalar!(
            r#"WITH me AS (SELECT guild_id, auth_user_id FROM learning.learners WHERE guild_id = $1 AND user_id = $2)
               SELECT jsonb_build_object(
               'submissions', coalesce((SELECT jsonb_agg(jsonb_build_object('handed_in', s.submission_data, 'received_at', s.received_at,
                            'late_seconds', s.late_seconds, 'status', s.status, 'raw_grade', s.raw_grade, 'grade', s.grade,
                            'passed', s.is_passed, 'feedback', s.feedback) ORDER BY s.id)
                   FROM (SELECT s.* FROM me JOIN assessment.quest_submissions s USING (guild_id, auth_user_id)
                          ORDER BY s.id DESC LIMIT $3) s), '[]'),
               'grades', coalesce((SELECT jsonb_agg(jsonb_build_object('at', h.created_at, 'cause', h.cause, 'from', h.old_grade,
                            'to', h.new_grade, 'passed', h.new_is_passed, 'reason', h.reason) ORDER BY h.id)
                   FROM (SELECT h.* FROM me JOIN assessment.grade_history h USING (guild_id, auth_user_id)
                          ORDER BY h.id DESC LIMIT $3) h), '[]'),
               'extensions', coalesce((SELECT jsonb_agg(jsonb_build_object('due_at', e.due_at, 'reason', e.reason) ORDER BY e.due_at)
                   FROM me JOIN assessment.deadline_extensions e USING (guild_id, auth_user_id)), '[]'),
               'reviews_written', coalesce((SELECT jsonb_agg(jsonb_build_object('scores', r.scores, 'feedback', r.feedback,
                            'written_at', r.created_at) ORDER BY r.id)
                   FROM (SELECT r.* FROM me
                           JOIN assessment.peer_review_assignments a ON a.guild_id = me.guild_id AND a.reviewer_id = me.auth_user_id
                           JOIN assessment.submission_reviews r ON r.guild_id = a.guild_id AND r.assignment_id = a.id
                          ORDER BY r.id DESC LIMIT $3) r), '[]'),
               'reviews_owed', coalesce((SELECT jsonb_agg(jsonb_build_object('owed', d.owed, 'written', d.written,
                            'forgiven', d.forgiven))
                   FROM me JOIN assessment.review_debts d ON d.guild_id = me.guild_id AND d.reviewer_id = me.auth_user_id), '[]'))
               AS "copy!""#,
            guild.get(),
            user.get(),
            MOST,
        )
        .fetch_one(conn)
        .await
    })
}

fn forget(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, u64> {
    Box::pin(async move {
        // By itself, too: learning, which the rest hangs on, may have its turn before or after.
        let gone = sqlx::query!(
            "DELETE FROM assessment.quest_submissions s USING learning.learners l
              WHERE l.guild_id = $1 AND l.user_id = $2 AND s.guild_id = $1 AND s.auth_user_id = l.auth_user_id",
            guild.get(),
            user.get(),
        )
        .execute(&mut *conn)
        .await?;
        // What others were told may name them.
        sqlx::query!(
            "WITH submissions AS (
                 UPDATE assessment.quest_submissions
                    SET feedback = regexp_replace(feedback, current_setting('questhall.forgotten', true), $2, 'gi')
                  WHERE guild_id = $1 AND feedback ~* current_setting('questhall.forgotten', true)
             ), grades AS (
                 UPDATE assessment.grade_history
                    SET reason = left(regexp_replace(reason, current_setting('questhall.forgotten', true), $2, 'gi'), 2000)
                  WHERE guild_id = $1 AND reason ~* current_setting('questhall.forgotten', true)
             ), extensions AS (
                 UPDATE assessment.deadline_extensions
                    SET reason = left(regexp_replace(reason, current_setting('questhall.forgotten', true), $2, 'gi'), 500)
                  WHERE guild_id = $1 AND reason ~* current_setting('questhall.forgotten', true)
             ), regrades AS (
                 UPDATE assessment.regrades
                    SET reason = left(regexp_replace(reason, current_setting('questhall.forgotten', true), $2, 'gi'), 2000)
                  WHERE guild_id = $1 AND reason ~* current_setting('questhall.forgotten', true)
             )
             UPDATE assessment.submission_reviews
                SET feedback = left(regexp_replace(feedback, current_setting('questhall.forgotten', true), $2, 'gi'), 20000)
              WHERE guild_id = $1 AND feedback ~* current_setting('questhall.forgotten', true)",
            guild.get(),
            NOBODY,
        )
        .execute(conn)
        .await?;
        Ok(gone.rows_affected())
    })
}
