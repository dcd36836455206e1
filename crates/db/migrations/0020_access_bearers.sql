-- Keys that are rotated with a grace period, sessions by their holder, and the shared part of HTTP rate limits.

ALTER TABLE access.api_keys
    ADD COLUMN previous_hash text,
    ADD COLUMN previous_until timestamptz,
    ADD CONSTRAINT ck_api_keys_previous_hash CHECK (previous_hash ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT ck_api_keys_previous CHECK ((previous_hash IS NULL) = (previous_until IS NULL)),
    ADD CONSTRAINT uq_api_keys_previous_hash UNIQUE (previous_hash);
COMMENT ON COLUMN access.api_keys.previous_hash IS
    'SHA-256 of the secret before the last rotation, where it stays good for a while; null where it was refused at once.';
COMMENT ON COLUMN access.api_keys.previous_until IS 'Until when the secret before the last rotation is good.';

-- A list of somebody's sessions, newest first, and the end of them all.
CREATE INDEX ix_sessions_user_id_created_at ON access.sessions (user_id, created_at DESC, id DESC)
    WHERE user_id IS NOT NULL AND revoked_at IS NULL;
CREATE INDEX ix_sessions_admin_user_id_created_at ON access.sessions (admin_user_id, created_at DESC, id DESC)
    WHERE admin_user_id IS NOT NULL AND revoked_at IS NULL;
DROP INDEX access.ix_sessions_user_id;

-- Using a session writes last_seen_at once a minute: no change worth a new updated_at.
DROP TRIGGER tg_sessions_touch ON access.sessions;
CREATE TRIGGER tg_sessions_touch BEFORE UPDATE OF token_hash, csrf_hash, data, expires_at, revoked_at
    ON access.sessions
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE FUNCTION access.rate_limit_take(
    p_subject text, p_bucket text, p_emission interval, p_burst integer, p_wanted integer,
    OUT granted integer, OUT remaining integer, OUT retry_after interval, OUT full_after interval
)
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_tat timestamptz;
    v_used interval;
BEGIN
    INSERT INTO access.rate_limits (subject, bucket, tat) VALUES (p_subject, p_bucket, v_now)
    ON CONFLICT (subject, bucket) DO NOTHING;
    SELECT tat INTO v_tat FROM access.rate_limits
    WHERE subject = p_subject AND bucket = p_bucket
    FOR NO KEY UPDATE;
    -- Waiting for the row may have taken a while; and a clean-up may have removed it meanwhile.
    v_now := clock_timestamp();
    v_tat := greatest(coalesce(v_tat, v_now), v_now);
    v_used := v_tat - v_now;
    remaining := greatest(
        floor(extract(epoch FROM p_emission * p_burst - v_used) / extract(epoch FROM p_emission))::integer, 0);
    granted := least(p_wanted, remaining);
    IF granted > 0 THEN
        v_tat := v_tat + p_emission * granted;
        UPDATE access.rate_limits SET tat = v_tat WHERE subject = p_subject AND bucket = p_bucket;
        remaining := remaining - granted;
    END IF;
    full_after := v_tat - v_now;
    retry_after := greatest(full_after - p_emission * (p_burst - 1), interval '0');
END
$$;
COMMENT ON FUNCTION access.rate_limit_take(text, text, interval, integer, integer) IS
    'Takes up to p_wanted requests from a shared allowance (GCRA): one more every p_emission, p_burst at most. Answers how '
    'many were granted, how many remain, when the next may be taken, and when the allowance is full again.';
COMMENT ON TABLE access.rate_limits IS
    'HTTP rate limits shared by all nodes, as theoretical arrival times (GCRA). Nodes take requests from it by the handful. '
    'Unlogged: it is lost in a crash, and then everyone starts with a full allowance. Limits of the game keep their own, '
    'logged tables.';
