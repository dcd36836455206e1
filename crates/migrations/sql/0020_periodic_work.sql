-- What runs by the clock costs no more the longer a house stands: no statement reads or removes more than it is told to.

-- Removed in parts now; called without a limit, as nodes of the release before call it, it removes all at once.
DROP FUNCTION campaigns.cleanup_timer_executions();
CREATE FUNCTION campaigns.cleanup_timer_executions(p_limit bigint DEFAULT 9223372036854775807) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    month record;
    keeps boolean;
    gone bigint;
    deleted bigint := 0;
BEGIN
    FOR month IN
        SELECT partition_name, ends_at <= now() - interval '6 months' AS is_over
        FROM questhall.month_partitions('campaigns.timer_executions')
        WHERE starts_at < now() - interval '6 months' ORDER BY starts_at
    LOOP
        EXECUTE format('DELETE FROM %1$s WHERE ctid = ANY (ARRAY(
                            SELECT ctid FROM %1$s
                            WHERE started_at < now() - interval ''6 months'' AND status = ''COMPLETED''
                              AND completed_at < now() - interval ''6 months'' LIMIT $1))', month.partition_name)
            USING p_limit - deleted;
        GET DIAGNOSTICS gone = ROW_COUNT;
        deleted := deleted + gone;
        IF deleted >= p_limit THEN
            RETURN deleted;
        END IF;
        IF month.is_over THEN
            EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', month.partition_name) INTO keeps;
            IF NOT keeps THEN
                EXECUTE format('DROP TABLE %s', month.partition_name);
            END IF;
        END IF;
    END LOOP;
    RETURN deleted;
END $$;
COMMENT ON FUNCTION campaigns.cleanup_timer_executions(bigint) IS
    'Deletes at most so many completed executions older than six months, and months that are empty then; answers how many rows went.';
REVOKE EXECUTE ON FUNCTION campaigns.cleanup_timer_executions(bigint) FROM PUBLIC;

-- Which guilds have an economy is asked every night: their houses alone are read.
CREATE INDEX ix_bytes_balances_house ON economy.bytes_balances (guild_id, created_at) WHERE user_id = 0;

-- As before, but that counting ends once there is enough.
CREATE OR REPLACE FUNCTION learning.has_happened(p_guild bigint, p_user bigint, p_what jsonb, p_since timestamptz) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT CASE
        WHEN p_what->'challenge' IS NOT NULL THEN EXISTS (
            SELECT FROM challenges.challenges c
             WHERE c.guild_id = p_guild AND c.slug = p_what->>'challenge'
               AND c.parts = (SELECT count(DISTINCT s.part) FROM challenges.challenge_submissions s
                               WHERE s.guild_id = p_guild AND s.challenge_id = c.id AND s.is_correct
                                 AND (s.participant_id = p_user::text
                                      OR s.participant_id IN (SELECT r.squad_id::text FROM campaigns.campaign_squad_rosters r
                                                               WHERE r.guild_id = p_guild AND r.campaign_id = c.campaign_id
                                                                 AND r.user_id = p_user))))
        WHEN p_what->'achievement' IS NOT NULL THEN EXISTS (
            SELECT FROM progress.user_achievements a
             WHERE a.guild_id = p_guild AND a.user_id = p_user AND a.achievement_id = (p_what->>'achievement')::int
               AND a.revoked_at IS NULL)
        WHEN p_what->'board_quests' IS NOT NULL THEN (p_what->>'board_quests')::int <= (
            SELECT count(*) FROM community.quests q
             WHERE q.guild_id = p_guild AND q.claimed_by = p_user AND q.status = 'complete' AND q.completed_at >= p_since)
        WHEN p_what->'threads' IS NOT NULL THEN (p_what->>'threads')::int <= (
            SELECT count(*) FROM (
                SELECT FROM lake.event_lake e
                 WHERE e.guild_id = p_guild AND e.user_id = p_user AND e.event_type = 'thread_create' AND e."timestamp" >= p_since
                 LIMIT (p_what->>'threads')::int) enough)
        WHEN p_what->'voice_minutes' IS NOT NULL THEN (p_what->>'voice_minutes')::int <= 10 * (
            SELECT count(*) FROM (
                SELECT FROM progress.activity_log l
                 WHERE l.guild_id = p_guild AND l.user_id = p_user AND l.event_type = 'VOICE_TICK' AND l.xp_delta > 0
                   AND l."timestamp" >= p_since
                 LIMIT ((p_what->>'voice_minutes')::int + 9) / 10) enough)
        ELSE false END
    $$;
