//! What is kept of a learner here. When they are forgotten, what they did goes; what they were granted stays, under a bare uuid,
//! so that nothing is paid twice, and so do the bits of the revocation list, which name nobody.

use access::personal::{Asked, Keeper, MOST, NOBODY};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

/// What the slice keeps of members: everything else of a learner hangs on their row here.
pub(crate) const KEEPER: Keeper = Keeper {
    tables: &[
        "learning.learners",
        "learning.user_learning_path_progress",
        "learning.user_chapter_progress",
        "learning.user_quest_attempts",
        "learning.attempt_events",
        "learning.item_tries",
        "learning.quest_unlocks",
        "learning.reward_grants",
    ],
    copy,
    forget,
};

fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, Value> {
    Box::pin(async move {
        sqlx::query_scalar!(
            r#"WITH me AS (SELECT guild_id, auth_user_id FROM learning.learners WHERE guild_id = $1 AND user_id = $2)
               SELECT jsonb_build_object(
               'paths', coalesce((SELECT jsonb_agg(jsonb_build_object('path', w.name, 'status', p.status, 'started_at', p.started_at,
                            'completed_at', p.completed_at, 'completed', p.completed_quests_count, 'of', p.total_quests_count))
                   FROM me JOIN learning.user_learning_path_progress p USING (guild_id, auth_user_id)
                   JOIN learning.learning_paths w ON w.guild_id = p.guild_id AND w.id = p.learning_path_id), '[]'),
               'chapters', coalesce((SELECT jsonb_agg(jsonb_build_object('chapter', c.title, 'status', p.status, 'started_at', p.started_at,
                            'completed_at', p.completed_at, 'completed', p.completed_quests_count, 'of', p.total_quests_count))
                   FROM me JOIN learning.user_chapter_progress p USING (guild_id, auth_user_id)
                   JOIN learning.quest_chapters c ON c.guild_id = p.guild_id AND c.id = p.chapter_id), '[]'),
               'granted', coalesce((SELECT jsonb_agg(jsonb_build_object('for', g.source_type, 'experience_points', g.experience_points,
                            'skill_points', g.skill_points, 'granted_at', g.created_at) ORDER BY g.id)
                   FROM me JOIN learning.reward_grants g USING (guild_id, auth_user_id)), '[]'),
               'attempts', coalesce((SELECT jsonb_agg(jsonb_build_object('quest', q.title, 'status', a.status, 'started_at', a.started_at,
                            'completed_at', a.completed_at, 'done', a.done_count, 'of', a.total_count, 'notes', a.notes) ORDER BY a.id)
                   FROM me JOIN learning.user_quest_attempts a USING (guild_id, auth_user_id)
                   JOIN learning.quests q ON q.guild_id = a.guild_id AND q.id = a.quest_id), '[]'),
               'steps', coalesce((SELECT jsonb_agg(jsonb_build_object('step', s.title, 'status', p.status, 'completed_at', p.completed_at,
                            'handed_in', p.submission_data, 'score', p.score, 'feedback', p.feedback))
                   FROM me JOIN learning.user_quest_attempts a USING (guild_id, auth_user_id)
                   JOIN learning.user_quest_step_progress p ON p.guild_id = a.guild_id AND p.attempt_id = a.id
                   JOIN learning.quest_steps s ON s.guild_id = p.guild_id AND s.id = p.step_id), '[]'),
               'tries', coalesce((SELECT jsonb_agg(jsonb_build_object('started_at', t.started_at, 'finished_at', t.finished_at,
                            'score', t.score, 'of', t.max_score, 'program', t.answer,
                            'answers', (SELECT jsonb_agg(r.answer ORDER BY r.place) FROM learning.item_responses r
                                         WHERE r.guild_id = t.guild_id AND r.try_id = t.id)) ORDER BY t.id)
                   FROM (SELECT t.* FROM me JOIN learning.user_quest_attempts a USING (guild_id, auth_user_id)
                           JOIN learning.item_tries t ON t.guild_id = a.guild_id AND t.attempt_id = a.id
                          ORDER BY t.id DESC LIMIT $3) t), '[]'),
               'assessments', coalesce((SELECT jsonb_agg(jsonb_build_object('assessment', p.slug, 'grade', p.best_grade,
                            'passed_at', p.passed_at))
                   FROM me JOIN learning.user_quest_attempts a USING (guild_id, auth_user_id)
                   JOIN learning.user_assessment_progress p ON p.guild_id = a.guild_id AND p.attempt_id = a.id), '[]'),
               'events', coalesce((SELECT jsonb_agg(jsonb_build_object('event', e.event_type, 'occurred_at', e.occurred_at,
                            'details', e.details) ORDER BY e.id)
                   FROM (SELECT e.* FROM me JOIN learning.user_quest_attempts a USING (guild_id, auth_user_id)
                           JOIN learning.attempt_events e ON e.guild_id = a.guild_id AND e.attempt_id = a.id
                          ORDER BY e.id DESC LIMIT $3) e), '[]'),
               'unlocked', coalesce((SELECT jsonb_agg(jsonb_build_object('quest', q.title, 'unlocked_at', u.unlocked_at))
                   FROM me JOIN learning.quest_unlocks u USING (guild_id, auth_user_id)
                   JOIN learning.quests q ON q.guild_id = u.guild_id AND q.id = u.quest_id), '[]'))
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
        // Everything of a learner hangs on this row.
        let gone = sqlx::query!(
            "DELETE FROM learning.learners WHERE guild_id = $1 AND user_id = $2",
            guild.get(),
            user.get()
        )
        .execute(&mut *conn)
        .await?;
        // What others were told of their steps may name them.
        sqlx::query!(
            "UPDATE learning.user_quest_step_progress
                SET feedback = regexp_replace(feedback, current_setting('questhall.forgotten', true), $2, 'gi')
              WHERE guild_id = $1 AND feedback ~* current_setting('questhall.forgotten', true)",
            guild.get(),
            NOBODY,
        )
        .execute(conn)
        .await?;
        Ok(gone.rows_affected())
    })
}
