//! What is kept of a learner here. It hangs on their row in learning and goes with it: their runs leave the figures, which are made
//! again without them. Their first tries stay under a uuid that is nobody's, for what they tell of the steps.

use access::personal::{Asked, Keeper, MOST, NOBODY};
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgConnection;

/// What the slice keeps of members.
pub(crate) const KEEPER: Keeper = Keeper {
    tables: &[
        "insight.quest_reviews",
        "insight.runs",
        "insight.abilities",
        "insight.first_tries",
        "insight.completions",
        "insight.dismissals",
        "insight.review_settings",
        "insight.review_cards",
        "insight.review_answers",
    ],
    copy,
    forget,
};

fn copy(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Asked<'_, Value> {
    Box::pin(async move {
        sqlx::query_scalar!(
            r#"WITH me AS (SELECT guild_id, auth_user_id FROM learning.learners WHERE guild_id = $1 AND user_id = $2)
               SELECT jsonb_build_object(
               'ratings', coalesce((SELECT jsonb_agg(jsonb_build_object('quest', q.title, 'difficulty', r.difficulty_rating,
                            'enjoyment', r.enjoyment_rating, 'comment', r.comment))
                   FROM me JOIN insight.quest_reviews r USING (guild_id, auth_user_id)
                   JOIN learning.quests q ON q.guild_id = r.guild_id AND q.id = r.quest_id), '[]'),
               'runs', coalesce((SELECT jsonb_agg(jsonb_build_object('quest', q.title, 'run', r.run, 'begun_at', r.begun_at,
                            'outcome', r.outcome, 'active_seconds', r.active_seconds) ORDER BY r.begun_at)
                   FROM (SELECT r.* FROM me JOIN insight.runs r USING (guild_id, auth_user_id) ORDER BY r.begun_at DESC LIMIT $3) r
                   JOIN learning.quests q ON q.guild_id = r.guild_id AND q.id = r.quest_id), '[]'),
               'ability', (SELECT jsonb_build_object('ability', a.ability, 'tries', a.tries)
                   FROM me JOIN insight.abilities a USING (guild_id, auth_user_id)),
               'first_tries', coalesce((SELECT jsonb_agg(jsonb_build_object('step', s.title, 'share', t.share, 'tried_at', t.tried_at)
                            ORDER BY t.place)
                   FROM (SELECT t.* FROM me JOIN insight.first_tries t USING (guild_id, auth_user_id) ORDER BY t.place DESC LIMIT $3) t
                   LEFT JOIN learning.quest_steps s ON s.guild_id = t.guild_id AND s.id = t.subject_id), '[]'),
               'completions', coalesce((SELECT jsonb_agg(jsonb_build_object('quest', q.title, 'completed_at', c.completed_at) ORDER BY c.place)
                   FROM me JOIN insight.completions c USING (guild_id, auth_user_id)
                   JOIN learning.quests q ON q.guild_id = c.guild_id AND q.id = c.quest_id), '[]'),
               'dismissed', coalesce((SELECT jsonb_agg(jsonb_build_object('quest', q.title, 'dismissed_at', d.dismissed_at))
                   FROM me JOIN insight.dismissals d USING (guild_id, auth_user_id)
                   JOIN learning.quests q ON q.guild_id = d.guild_id AND q.id = d.quest_id), '[]'),
               'reviews', (SELECT jsonb_build_object('per_day', r.per_day, 'opted_in_at', r.opted_in_at)
                   FROM me JOIN insight.review_settings r USING (guild_id, auth_user_id)),
               'review_cards', coalesce((SELECT jsonb_agg(jsonb_build_object('step', s.title, 'due_at', c.due_at, 'stability', c.stability,
                            'difficulty', c.difficulty, 'answers', (SELECT jsonb_agg(jsonb_build_object('rating', a.rating,
                                     'answered_at', a.answered_at) ORDER BY a.id) FROM insight.review_answers a
                                     WHERE a.guild_id = c.guild_id AND a.auth_user_id = c.auth_user_id AND a.step_id = c.step_id)))
                   FROM me JOIN insight.review_cards c USING (guild_id, auth_user_id)
                   JOIN learning.quest_steps s ON s.guild_id = c.guild_id AND s.id = c.step_id), '[]'))
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
        // Learning forgets the learner, and what is here goes with them; in whichever order the two are asked, this is all.
        let gone = sqlx::query!(
            "DELETE FROM learning.learners WHERE guild_id = $1 AND user_id = $2",
            guild.get(),
            user.get()
        )
        .execute(&mut *conn)
        .await?;
        // What others said of quests may name them.
        sqlx::query!(
            "UPDATE insight.quest_reviews
                SET comment = left(regexp_replace(comment, current_setting('questhall.forgotten', true), $2, 'gi'), 5000)
              WHERE guild_id = $1 AND comment ~* current_setting('questhall.forgotten', true)",
            guild.get(),
            NOBODY,
        )
        .execute(conn)
        .await?;
        Ok(gone.rows_affected())
    })
}
