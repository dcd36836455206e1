-- Squads (002): teams, who is in them, who was in them when, and what they have together.

CREATE SCHEMA squads;
COMMENT ON SCHEMA squads IS 'Teams of a guild, their members, and the journal of joining, leaving and moving.';

CREATE TABLE squads.squads (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    role_id bigint,
    name text NOT NULL,
    description text,
    switch_cost integer NOT NULL DEFAULT 50,
    max_members integer,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_squads PRIMARY KEY (guild_id, id),
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
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    id bigint GENERATED ALWAYS AS IDENTITY,
    action text NOT NULL,
    from_squad_id uuid,
    to_squad_id uuid,
    cost bigint NOT NULL DEFAULT 0,
    transaction_id uuid,
    actor_id bigint,
    reason text,
    CONSTRAINT pk_squad_membership_log PRIMARY KEY (guild_id, user_id, occurred_at, id),
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

-- Figures -------------------------------------------------------------------------------------------------------------

CREATE FUNCTION squads.figures(p_guild_id bigint)
    RETURNS TABLE (squad_id uuid, name text, member_count bigint, xp bigint, bytes bigint, wins bigint)
    LANGUAGE sql STABLE
    AS $$
    WITH won AS (
        SELECT t.participant_id, count(*) AS wins
          FROM campaigns.campaigns k
          JOIN campaigns.campaign_standings t ON t.guild_id = k.guild_id AND t.campaign_id = k.id AND t.snapshot = 'final'
         WHERE k.guild_id = p_guild_id AND k.campaign_type = 'squad' AND t.rank = 1 AND t.parts_solved > 0
         GROUP BY t.participant_id
    ), members AS (
        SELECT m.squad_id, count(c.user_id) AS member_count, coalesce(sum(c.xp), 0)::bigint AS xp,
               coalesce(sum(b.balance), 0)::bigint AS bytes
          FROM squads.squad_memberships m
          LEFT JOIN people.members c ON c.guild_id = m.guild_id AND c.user_id = m.user_id AND c.left_at IS NULL
          LEFT JOIN economy.bytes_balances b ON b.guild_id = c.guild_id AND b.user_id = c.user_id
         WHERE m.guild_id = p_guild_id
         GROUP BY m.squad_id
    )
    SELECT s.id, s.name::text, coalesce(m.member_count, 0), coalesce(m.xp, 0), coalesce(m.bytes, 0), coalesce(w.wins, 0)
      FROM squads.squads s
      LEFT JOIN members m ON m.squad_id = s.id
      LEFT JOIN won w ON w.participant_id = s.id::text
     WHERE s.guild_id = p_guild_id AND s.is_active
$$;
COMMENT ON FUNCTION squads.figures(bigint) IS
    'What each active squad of a guild has at this moment: its members who have not left the guild, their XP and bytes, and the '
    'squad campaigns it has won.';

CREATE TABLE squads.squad_figures (
    guild_id bigint NOT NULL,
    squad_id uuid NOT NULL,
    member_count bigint NOT NULL,
    xp bigint NOT NULL,
    bytes bigint NOT NULL,
    wins bigint NOT NULL,
    rank_by_xp bigint NOT NULL,
    rank_by_bytes bigint NOT NULL,
    rank_by_wins bigint NOT NULL,
    CONSTRAINT pk_squad_figures PRIMARY KEY (guild_id, squad_id),
    CONSTRAINT fk_squad_figures_squad_id_squads FOREIGN KEY (guild_id, squad_id)
        REFERENCES squads.squads (guild_id, id) ON DELETE CASCADE
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE squads.squad_figures IS
    'What active squads of large guilds have, and their ranks, as of squad_figure_rounds.computed_at: added up anew when '
    'somebody looks and it is too old. Small guilds have no rows; theirs are added up at every look.';
COMMENT ON COLUMN squads.squad_figures.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN squads.squad_figures.squad_id IS 'The squad.';
COMMENT ON COLUMN squads.squad_figures.member_count IS 'Its members.';
COMMENT ON COLUMN squads.squad_figures.xp IS 'XP of its members in all.';
COMMENT ON COLUMN squads.squad_figures.bytes IS 'Bytes that its members hold in all.';
COMMENT ON COLUMN squads.squad_figures.wins IS 'Squad campaigns it won.';
COMMENT ON COLUMN squads.squad_figures.rank_by_xp IS 'Its rank in the guild by XP; ties share one.';
COMMENT ON COLUMN squads.squad_figures.rank_by_bytes IS 'Its rank in the guild by bytes; ties share one.';
COMMENT ON COLUMN squads.squad_figures.rank_by_wins IS 'Its rank in the guild by wins; ties share one.';
CREATE INDEX ix_squad_figures_xp ON squads.squad_figures (guild_id, xp DESC, squad_id);
CREATE INDEX ix_squad_figures_bytes ON squads.squad_figures (guild_id, bytes DESC, squad_id);
CREATE INDEX ix_squad_figures_wins ON squads.squad_figures (guild_id, wins DESC, squad_id);

CREATE TABLE squads.squad_figure_rounds (
    guild_id bigint NOT NULL,
    computed_at timestamptz NOT NULL,
    CONSTRAINT pk_squad_figure_rounds PRIMARY KEY (guild_id)
);
COMMENT ON TABLE squads.squad_figure_rounds IS 'When squad_figures of a guild were last added up.';
COMMENT ON COLUMN squads.squad_figure_rounds.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN squads.squad_figure_rounds.computed_at IS 'As of when the guild''s squad_figures are.';
