-- Achievements: what was paid for one and whether it was taken back, and the figures that thresholds are held against.

ALTER TABLE progress.user_achievements
    ADD COLUMN xp_paid integer NOT NULL DEFAULT 0,
    ADD COLUMN gold_paid integer NOT NULL DEFAULT 0,
    ADD COLUMN revoked_at timestamptz,
    ADD COLUMN revoked_by bigint,
    ADD COLUMN revoke_reason text,
    ADD COLUMN taken_back boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT ck_user_achievements_paid CHECK (xp_paid >= 0 AND gold_paid >= 0),
    ADD CONSTRAINT ck_user_achievements_revoked CHECK (
        (revoked_by IS NULL OR revoked_at IS NOT NULL) AND (NOT taken_back OR revoked_at IS NOT NULL)
        AND length(revoke_reason) <= 500);
COMMENT ON COLUMN progress.user_achievements.xp_paid IS 'XP paid for it.';
COMMENT ON COLUMN progress.user_achievements.gold_paid IS 'Gold paid for it.';
COMMENT ON COLUMN progress.user_achievements.revoked_at IS
    'When it was revoked; the row stays, so that it is not earned again by itself.';
COMMENT ON COLUMN progress.user_achievements.revoked_by IS 'Administrator who revoked it, a snowflake.';
COMMENT ON COLUMN progress.user_achievements.revoke_reason IS 'Why it was revoked.';
COMMENT ON COLUMN progress.user_achievements.taken_back IS 'Whether what was paid was taken back on revoking.';

CREATE FUNCTION progress.achievement_measure(p_type text, p_scope text, p_field text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE
        WHEN p_type = 'xp_milestone' THEN CASE p_scope WHEN 'season' THEN 'season_xp' ELSE 'xp' END
        WHEN p_type = 'star_threshold' THEN CASE p_scope WHEN 'season' THEN 'season_stars' ELSE 'stars' END
        WHEN p_type = 'counter_threshold' AND p_scope = 'season' THEN 'season:' || p_field
        WHEN p_type = 'counter_threshold' THEN CASE p_field
            WHEN 'messages_sent' THEN 'events:message_create'
            WHEN 'reactions_given' THEN 'events:reaction_add'
            WHEN 'threads_created' THEN 'events:thread_create'
            WHEN 'reactions_received' THEN 'total:reactions_received'
            WHEN 'voice_minutes' THEN 'total:voice_minutes'
            ELSE 'events:' || p_field END
        END
    $$;
COMMENT ON FUNCTION progress.achievement_measure(text, text, text) IS
    'The measure (progress.member_measures) that a requirement''s value is held against; null for custom ones.';

CREATE VIEW progress.member_measures AS
SELECT guild_id, user_id, 'xp' AS measure, NULL::integer AS season_id, xp AS value FROM people.members
UNION ALL
SELECT guild_id, user_id, 'stars', NULL, stars FROM people.members
UNION ALL
SELECT guild_id, user_id, 'events:' || event_type, NULL, count
  FROM lake.event_counters WHERE period = 'lifetime' AND category_id = 0
UNION ALL
SELECT s.guild_id, s.user_id, v.measure, s.season_id, v.value
  FROM progress.user_stats s
 CROSS JOIN LATERAL (VALUES
       ('season_xp', s.season_xp), ('season_stars', s.season_stars),
       ('season:messages_sent', s.messages_sent::bigint), ('season:reactions_given', s.reactions_given::bigint),
       ('season:reactions_received', s.reactions_received::bigint),
       ('season:threads_created', s.threads_created::bigint), ('season:voice_minutes', s.voice_minutes::bigint))
       AS v (measure, value)
UNION ALL
SELECT t.guild_id, t.user_id, v.measure, NULL, v.value
  FROM (SELECT guild_id, user_id, sum(reactions_received)::bigint AS reactions, sum(voice_minutes)::bigint AS minutes
          FROM progress.user_stats GROUP BY guild_id, user_id) t
 CROSS JOIN LATERAL (VALUES ('total:reactions_received', t.reactions), ('total:voice_minutes', t.minutes))
       AS v (measure, value);
COMMENT ON VIEW progress.member_measures IS
    'Every figure of a member that an achievement''s threshold may be held against. Ask for a guild and some members.';
COMMENT ON COLUMN progress.member_measures.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.member_measures.user_id IS 'Person, a snowflake.';
COMMENT ON COLUMN progress.member_measures.measure IS
    'xp, stars, events:<type of the lake>, total:<figure over all seasons>; season_xp, season_stars, season:<figure>.';
COMMENT ON COLUMN progress.member_measures.season_id IS 'Season it is of; null for lifetime measures.';
COMMENT ON COLUMN progress.member_measures.value IS 'The figure.';
