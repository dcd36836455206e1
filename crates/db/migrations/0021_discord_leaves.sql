-- Leave to ask Discord about people who are signed in, so that the roles which follow Discord's keep following them.

CREATE TABLE access.discord_leaves (
    user_id bigint NOT NULL,
    sealed bytea NOT NULL,
    access_until timestamptz NOT NULL,
    read_at timestamptz NOT NULL DEFAULT now(),
    tried_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_discord_leaves PRIMARY KEY (user_id),
    CONSTRAINT ck_discord_leaves_sealed CHECK (length(sealed) BETWEEN 33 AND 4096)
) WITH (fillfactor = 80);
COMMENT ON TABLE access.discord_leaves IS
    'Leave to ask Discord about who is signed in by it. Without a row, or with one that was last read too long ago, roles '
    'that follow Discord count as that of a plain member.';
COMMENT ON COLUMN access.discord_leaves.user_id IS 'Discord user, a snowflake.';
COMMENT ON COLUMN access.discord_leaves.sealed IS
    'Access and refresh token, sealed by the key of the installation: it is not in the database.';
COMMENT ON COLUMN access.discord_leaves.access_until IS 'Until when the access token is good; then it is renewed.';
COMMENT ON COLUMN access.discord_leaves.read_at IS 'When Discord last told which roles the person has.';
COMMENT ON COLUMN access.discord_leaves.tried_at IS
    'When somebody last began to ask; nobody else does for a moment after.';
COMMENT ON COLUMN access.discord_leaves.created_at IS 'When the row was made.';
COMMENT ON COLUMN access.discord_leaves.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_discord_leaves_touch BEFORE UPDATE ON access.discord_leaves
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();
