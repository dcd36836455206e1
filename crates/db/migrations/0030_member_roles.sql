-- Discord roles that the rules give and take: what each member ought to have, and whether Discord is known to have it.

CREATE TABLE people.member_roles (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    role_id bigint NOT NULL,
    causes text[] NOT NULL DEFAULT '{}',
    wanted boolean NOT NULL GENERATED ALWAYS AS (cardinality(causes) > 0) STORED,
    version bigint NOT NULL DEFAULT 1,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now() + interval '1 minute',
    last_error text,
    confirmed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_member_roles PRIMARY KEY (guild_id, user_id, role_id),
    CONSTRAINT ck_member_roles_version CHECK (version > 0),
    CONSTRAINT ck_member_roles_attempts CHECK (attempts >= 0),
    CONSTRAINT ck_member_roles_last_error CHECK (length(last_error) <= 500)
) WITH (fillfactor = 80);
COMMENT ON TABLE people.member_roles IS
    'Discord roles that the rules (squads, rewards of the economy) give to members or take from them. Written in the '
    'transaction of the cause; announced until whoever talks to Discord confirms it.';
COMMENT ON COLUMN people.member_roles.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN people.member_roles.user_id IS 'Discord user, a snowflake.';
COMMENT ON COLUMN people.member_roles.role_id IS 'Discord role, a snowflake.';
COMMENT ON COLUMN people.member_roles.causes IS 'Why the member is to have it: squad, economy. With none left it is taken away.';
COMMENT ON COLUMN people.member_roles.wanted IS 'Whether the member is to have the role.';
COMMENT ON COLUMN people.member_roles.version IS 'Grows with every change of wanted: a confirmation of an older one counts for nothing.';
COMMENT ON COLUMN people.member_roles.attempts IS 'How often it was announced again since it changed.';
COMMENT ON COLUMN people.member_roles.next_attempt_at IS 'When it is announced again unless it is confirmed by then.';
COMMENT ON COLUMN people.member_roles.last_error IS 'Why Discord could not be brought to it, in the receiver''s words.';
COMMENT ON COLUMN people.member_roles.confirmed_at IS 'Since when Discord is known to have it so; null while it is not.';
COMMENT ON COLUMN people.member_roles.created_at IS 'When the role was first given.';
COMMENT ON COLUMN people.member_roles.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_member_roles_pending ON people.member_roles (guild_id, user_id, role_id) WHERE confirmed_at IS NULL;
CREATE INDEX ix_member_roles_next_attempt ON people.member_roles (next_attempt_at) WHERE confirmed_at IS NULL;
CREATE TRIGGER tg_member_roles_touch BEFORE UPDATE ON people.member_roles
    FOR EACH ROW EXECUTE FUNCTION questhall.touch_updated_at();

CREATE FUNCTION people.role_causes(p_causes text[], p_cause text, p_wanted boolean) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE WHEN NOT p_wanted THEN array_remove(p_causes, p_cause)
                WHEN p_cause = ANY (p_causes) THEN p_causes
                ELSE p_causes || p_cause END
    $$;
COMMENT ON FUNCTION people.role_causes(text[], text, boolean) IS 'The causes of a role with one added, or without it.';
