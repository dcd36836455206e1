-- Squads (002): teams, who is in them, and who was in them when.

CREATE SCHEMA squads;
COMMENT ON SCHEMA squads IS 'Teams of a guild, their members, and the journal of joining, leaving and moving.';

CREATE TABLE squads.squads (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    role_id bigint,
    name text NOT NULL,
    description text,
    switch_cost integer NOT NULL DEFAULT 50,
    max_members integer,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_squads PRIMARY KEY (id),
    CONSTRAINT uq_squads_guild_id_id UNIQUE (guild_id, id),
    CONSTRAINT uq_squads_guild_role UNIQUE (guild_id, role_id),
    CONSTRAINT ck_squads_name CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT ck_squads_description CHECK (length(description) <= 500),
    CONSTRAINT ck_squads_switch_cost CHECK (switch_cost >= 0),
    CONSTRAINT ck_squads_max_members CHECK (max_members > 0)
);
COMMENT ON TABLE squads.squads IS
    'Teams of a guild (002). A squad with members or history is retired (is_active), never deleted.';
COMMENT ON COLUMN squads.squads.id IS 'Identifier; as text, the participant_id of squad campaigns.';
COMMENT ON COLUMN squads.squads.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN squads.squads.role_id IS
    'Discord role that follows membership, a snowflake; null when the squad has none.';
COMMENT ON COLUMN squads.squads.name IS 'Name, unique among the guild''s active squads whatever its case.';
COMMENT ON COLUMN squads.squads.description IS 'What the squad is about.';
COMMENT ON COLUMN squads.squads.switch_cost IS 'Bytes it costs to move here from another squad.';
COMMENT ON COLUMN squads.squads.max_members IS 'Most members at a time; null for no limit.';
COMMENT ON COLUMN squads.squads.is_active IS 'False once retired: nobody joins, history stays.';
COMMENT ON COLUMN squads.squads.created_at IS 'When the row was made.';
COMMENT ON COLUMN squads.squads.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_squads_guild_name ON squads.squads (guild_id, lower(name)) WHERE is_active;
CREATE INDEX ix_squads_guild_active ON squads.squads (guild_id, is_active, name);
CREATE TRIGGER tg_squads_touch BEFORE UPDATE ON squads.squads
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE squads.squad_memberships (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    squad_id uuid NOT NULL,
    joined_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_squad_memberships PRIMARY KEY (guild_id, user_id),
    CONSTRAINT fk_squad_memberships_squad_id_squads FOREIGN KEY (guild_id, squad_id)
        REFERENCES squads.squads (guild_id, id)
) WITH (fillfactor = 85);
COMMENT ON TABLE squads.squad_memberships IS
    'Who is in which squad now (002): one squad per member and guild. The squad''s guild is part of the foreign '
    'key, so that no membership can point into another guild.';
COMMENT ON COLUMN squads.squad_memberships.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN squads.squad_memberships.user_id IS 'Discord user, a snowflake.';
COMMENT ON COLUMN squads.squad_memberships.squad_id IS 'Squad they are in.';
COMMENT ON COLUMN squads.squad_memberships.joined_at IS 'When they joined this squad.';
COMMENT ON COLUMN squads.squad_memberships.created_at IS 'When the row was made.';
COMMENT ON COLUMN squads.squad_memberships.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_squad_memberships_squad ON squads.squad_memberships (guild_id, squad_id, user_id);
CREATE TRIGGER tg_squad_memberships_touch BEFORE UPDATE ON squads.squad_memberships
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE squads.squad_membership_log (
    id bigint GENERATED ALWAYS AS IDENTITY,
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    action text NOT NULL,
    from_squad_id uuid,
    to_squad_id uuid,
    cost bigint NOT NULL DEFAULT 0,
    transaction_id uuid,
    actor_id bigint,
    reason text,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_squad_membership_log PRIMARY KEY (id),
    CONSTRAINT fk_squad_membership_log_from_squad_id_squads FOREIGN KEY (guild_id, from_squad_id)
        REFERENCES squads.squads (guild_id, id),
    CONSTRAINT fk_squad_membership_log_to_squad_id_squads FOREIGN KEY (guild_id, to_squad_id)
        REFERENCES squads.squads (guild_id, id),
    CONSTRAINT ck_squad_membership_log_action CHECK (CASE action
        WHEN 'join' THEN from_squad_id IS NULL AND to_squad_id IS NOT NULL
        WHEN 'leave' THEN from_squad_id IS NOT NULL AND to_squad_id IS NULL
        WHEN 'move' THEN from_squad_id IS NOT NULL AND to_squad_id IS NOT NULL AND from_squad_id <> to_squad_id
        ELSE false END),
    CONSTRAINT ck_squad_membership_log_cost CHECK (cost >= 0),
    CONSTRAINT ck_squad_membership_log_reason CHECK (length(reason) <= 500)
);
COMMENT ON TABLE squads.squad_membership_log IS
    'Journal of membership, append-only: written in the transaction that changes squad_memberships. It answers '
    'who was in a squad when a campaign began, and whether a join is somebody''s free first one.';
COMMENT ON COLUMN squads.squad_membership_log.id IS 'Number of the entry; settles the order within one instant.';
COMMENT ON COLUMN squads.squad_membership_log.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN squads.squad_membership_log.user_id IS 'Discord user who joined, left or moved.';
COMMENT ON COLUMN squads.squad_membership_log.action IS 'join, leave or move.';
COMMENT ON COLUMN squads.squad_membership_log.from_squad_id IS 'Squad left; null for a join.';
COMMENT ON COLUMN squads.squad_membership_log.to_squad_id IS 'Squad entered; null for a leave.';
COMMENT ON COLUMN squads.squad_membership_log.cost IS 'Bytes paid for it.';
COMMENT ON COLUMN squads.squad_membership_log.transaction_id IS
    'Row of the bytes ledger that paid for it, when it cost something.';
COMMENT ON COLUMN squads.squad_membership_log.actor_id IS
    'Who did it, when not the member: an administrator''s snowflake.';
COMMENT ON COLUMN squads.squad_membership_log.reason IS 'Why, in the actor''s words.';
COMMENT ON COLUMN squads.squad_membership_log.occurred_at IS 'When it took effect.';
CREATE INDEX ix_squad_membership_log_user ON squads.squad_membership_log (guild_id, user_id, occurred_at DESC, id DESC);
CREATE INDEX ix_squad_membership_log_to_squad
    ON squads.squad_membership_log (guild_id, to_squad_id, occurred_at, id) WHERE to_squad_id IS NOT NULL;
CREATE INDEX ix_squad_membership_log_from_squad
    ON squads.squad_membership_log (guild_id, from_squad_id, occurred_at, id) WHERE from_squad_id IS NOT NULL;
CREATE TRIGGER tg_squad_membership_log_append_only BEFORE UPDATE OR DELETE ON squads.squad_membership_log
    FOR EACH ROW EXECUTE FUNCTION questhall.refuse_change();
CREATE TRIGGER tg_squad_membership_log_no_truncate BEFORE TRUNCATE ON squads.squad_membership_log
    FOR EACH STATEMENT EXECUTE FUNCTION questhall.refuse_change();

CREATE FUNCTION squads.squad_at(p_guild_id bigint, p_user_id bigint, p_at timestamptz) RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT l.to_squad_id
      FROM squads.squad_membership_log l
     WHERE l.guild_id = p_guild_id AND l.user_id = p_user_id AND l.occurred_at <= p_at
     ORDER BY l.occurred_at DESC, l.id DESC
     LIMIT 1
    $$;
COMMENT ON FUNCTION squads.squad_at(bigint, bigint, timestamptz) IS
    'The squad a member was in at an instant, by the journal; null when in none.';

CREATE FUNCTION squads.members_at(p_guild_id bigint, p_squad_id uuid, p_at timestamptz)
    RETURNS TABLE (user_id bigint, joined_at timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT e.user_id, e.joined_at
      FROM (SELECT l.user_id, max(l.occurred_at) AS joined_at
              FROM squads.squad_membership_log l
             WHERE l.guild_id = p_guild_id AND l.to_squad_id = p_squad_id AND l.occurred_at <= p_at
             GROUP BY l.user_id) e
     WHERE squads.squad_at(p_guild_id, e.user_id, p_at) = p_squad_id
     ORDER BY e.user_id
    $$;
COMMENT ON FUNCTION squads.members_at(bigint, uuid, timestamptz) IS
    'Who was in a squad at an instant, each with when they had joined, by the journal.';
