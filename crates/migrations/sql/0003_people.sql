-- People (003): persons, whom any guild may know, and what each guild knows of its members.

CREATE SCHEMA people;
COMMENT ON SCHEMA people IS 'Persons, members of guilds, their roles there and their preferences.';

-- Guilds and persons --------------------------------------------------------------------------------------------------

CREATE TABLE people.guilds (
    guild_id bigint NOT NULL,
    name text NOT NULL,
    icon text,
    owner_id bigint,
    active boolean NOT NULL DEFAULT true,
    left_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_guilds PRIMARY KEY (guild_id),
    CONSTRAINT ck_guilds_guild_id CHECK (guild_id > 0),
    CONSTRAINT ck_guilds_name CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT ck_guilds_icon CHECK (length(icon) <= 100)
);
COMMENT ON TABLE people.guilds IS 'Guilds that use, or once used, this installation: the tenants.';
COMMENT ON COLUMN people.guilds.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN people.guilds.name IS 'Name on Discord.';
COMMENT ON COLUMN people.guilds.icon IS 'Discord''s hash of its icon, for the URL.';
COMMENT ON COLUMN people.guilds.owner_id IS 'Discord user who owns it, a snowflake.';
COMMENT ON COLUMN people.guilds.active IS 'False once the bot was removed; its rows stay.';
COMMENT ON COLUMN people.guilds.left_at IS 'When the bot was removed.';
COMMENT ON COLUMN people.guilds.created_at IS 'When it was first seen here.';
COMMENT ON COLUMN people.guilds.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_guilds_touch BEFORE UPDATE ON people.guilds
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE people.users (
    id bigint NOT NULL,
    auth_user_id uuid NOT NULL DEFAULT gen_random_uuid(),
    discord_name text,
    discord_avatar_hash text,
    github_username text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_auth_user_id UNIQUE (auth_user_id),
    CONSTRAINT ck_users_id CHECK (id > 0),
    CONSTRAINT ck_users_discord_name CHECK (length(discord_name) BETWEEN 1 AND 100),
    CONSTRAINT ck_users_discord_avatar_hash CHECK (length(discord_avatar_hash) <= 100),
    CONSTRAINT ck_users_github_username CHECK (length(github_username) BETWEEN 1 AND 39)
);
COMMENT ON TABLE people.users IS
    'People (003), whatever guilds they are in: what they told of themselves. What a guild says of them, and what they earned '
    'there, is in members.';
COMMENT ON COLUMN people.users.id IS 'Discord user, a snowflake.';
COMMENT ON COLUMN people.users.auth_user_id IS
    'The same person in the learning schema; random, so that it says nothing of when they came.';
COMMENT ON COLUMN people.users.discord_name IS 
    'Display name, as Discord told it when they signed in; null until then. Shown where a guild says no other.';
COMMENT ON COLUMN people.users.discord_avatar_hash IS 
    'Discord''s hash of their avatar, for the URL, as Discord told it when they signed in.';
COMMENT ON COLUMN people.users.github_username IS 'Linked GitHub account.';
COMMENT ON COLUMN people.users.created_at IS 'When they were first seen here.';
COMMENT ON COLUMN people.users.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_users_github_username ON people.users (lower(github_username)) WHERE github_username IS NOT NULL;
CREATE TRIGGER tg_users_touch BEFORE UPDATE ON people.users
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- Members -------------------------------------------------------------------------------------------------------------

CREATE TABLE people.members (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    xp bigint NOT NULL DEFAULT 0,
    level integer NOT NULL DEFAULT 1,
    gold bigint NOT NULL DEFAULT 0,
    stars bigint NOT NULL DEFAULT 0,
    display_name text,
    avatar_hash text,
    is_bot boolean NOT NULL DEFAULT false,
    joined_at timestamptz NOT NULL DEFAULT now(),
    left_at timestamptz,
    last_active_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_members PRIMARY KEY (guild_id, user_id),
    CONSTRAINT fk_members_guild_id_guilds FOREIGN KEY (guild_id) REFERENCES people.guilds (guild_id),
    CONSTRAINT fk_members_user_id_users FOREIGN KEY (user_id) REFERENCES people.users (id),
    CONSTRAINT ck_members_xp CHECK (xp BETWEEN 0 AND 9007199254740991),
    CONSTRAINT ck_members_level CHECK (level >= 0),
    CONSTRAINT ck_members_gold CHECK (gold >= 0),
    CONSTRAINT ck_members_stars CHECK (stars >= 0),
    CONSTRAINT ck_members_display_name CHECK (length(display_name) BETWEEN 1 AND 100),
    CONSTRAINT ck_members_avatar_hash CHECK (length(avatar_hash) BETWEEN 1 AND 100)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE people.members IS
    'Members of guilds, with 003''s users.xp, level and gold, which belong to a guild. All three and stars can be '
    're-derived from activity_log. The leaderboard''s index makes a change of xp a full update, hence the '
    'fillfactor.';
COMMENT ON COLUMN people.members.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN people.members.user_id IS 'Person, a snowflake.';
COMMENT ON COLUMN people.members.xp IS 'Lifetime XP in this guild.';
COMMENT ON COLUMN people.members.level IS 'Level reached by that XP.';
COMMENT ON COLUMN people.members.gold IS 'Gold held, to be spent in the shop.';
COMMENT ON COLUMN people.members.stars IS 'Lifetime stars in this guild.';
COMMENT ON COLUMN people.members.display_name IS 'Name, as this guild says it; null where it says none. Believed by no other guild.';
COMMENT ON COLUMN people.members.avatar_hash IS 'Discord''s hash of their avatar, for the URL, as this guild says it.';
COMMENT ON COLUMN people.members.is_bot IS
    'Whether this guild says that it is a bot: bots earn, own and receive nothing.';
COMMENT ON COLUMN people.members.joined_at IS 'When they joined, or were first seen.';
COMMENT ON COLUMN people.members.left_at IS
    'When they left; null while they are there. Who left is on no leaderboard.';
COMMENT ON COLUMN people.members.last_active_at IS 'When they last did something that counted, to the hour.';
COMMENT ON COLUMN people.members.created_at IS 'When the row was made.';
COMMENT ON COLUMN people.members.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_members_guild_xp ON people.members (guild_id, xp DESC, user_id) WHERE left_at IS NULL;
CREATE INDEX ix_members_user_id ON people.members (user_id);
-- Whoever sets updated_at in the statement itself spares the row a call of the trigger.
CREATE TRIGGER tg_members_touch BEFORE UPDATE ON people.members
    FOR EACH ROW WHEN (OLD.updated_at = NEW.updated_at AND OLD.* IS DISTINCT FROM NEW.*)
    EXECUTE FUNCTION questhall.touch_updated_at();

CREATE VIEW people.known_as AS
SELECT m.guild_id, m.user_id, coalesce(m.display_name, u.discord_name, m.user_id::text) AS name,
       coalesce(m.avatar_hash, u.discord_avatar_hash) AS avatar_hash
  FROM people.members m
  LEFT JOIN people.users u ON u.id = m.user_id AND m.left_at IS NULL;
COMMENT ON VIEW people.known_as IS
    'What members are called in a guild: as the guild says, else as they say themselves while they are there, else by number. '
    'Whoever shows a name asks here, so that nothing of one guild is shown in another.';
COMMENT ON COLUMN people.known_as.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN people.known_as.user_id IS 'Person, a snowflake.';
COMMENT ON COLUMN people.known_as.name IS 'The name shown.';
COMMENT ON COLUMN people.known_as.avatar_hash IS 'Discord''s hash of their avatar, for the URL.';

CREATE TABLE people.user_preferences (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    announce_level_up boolean NOT NULL DEFAULT true,
    announce_achievements boolean NOT NULL DEFAULT true,
    announce_awards boolean NOT NULL DEFAULT true,
    language text,
    seen_transaction_id xid8,
    seen_id bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_user_preferences_seen CHECK ((seen_transaction_id IS NULL) = (seen_id IS NULL)),
    CONSTRAINT pk_user_preferences PRIMARY KEY (guild_id, user_id),
    CONSTRAINT ck_user_preferences_language CHECK (language ~ '^[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$'),
    CONSTRAINT fk_user_preferences_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id)
);
COMMENT ON TABLE people.user_preferences IS
    'Opt-outs from announcements (003), the language of texts, and how far they have read what happened for them, per guild. No row means all of them are welcome.';
COMMENT ON COLUMN people.user_preferences.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN people.user_preferences.user_id IS 'Person, a snowflake.';
COMMENT ON COLUMN people.user_preferences.announce_level_up IS 'Whether their level-ups are announced.';
COMMENT ON COLUMN people.user_preferences.announce_achievements IS 'Whether their achievements are announced.';
COMMENT ON COLUMN people.user_preferences.announce_awards IS 'Whether awards to them are announced.';
COMMENT ON COLUMN people.user_preferences.language IS 'In which language they read what is there in several, as a tag: de, pt-BR; null leaves it to the browser.';
COMMENT ON COLUMN people.user_preferences.seen_transaction_id IS 'How far they have read what happened for them: a position in the outbox, first half; null for nothing.';
COMMENT ON COLUMN people.user_preferences.seen_id IS 'The second half.';
COMMENT ON COLUMN people.user_preferences.created_at IS 'When the row was made.';
COMMENT ON COLUMN people.user_preferences.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_user_preferences_touch BEFORE UPDATE ON people.user_preferences
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- Discord roles that the rules give and take --------------------------------------------------------------------------
-- What each member ought to have, and whether Discord is known to have it.

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
