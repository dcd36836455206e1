-- The community (003): people, members of guilds, the event lake and its counters, XP and stars, seasons, achievements,
-- the quest board, skills, announcements and the shop.

CREATE SCHEMA people;
COMMENT ON SCHEMA people IS 'Persons, members of guilds, their roles there and their preferences.';
CREATE SCHEMA progress;
COMMENT ON SCHEMA progress IS 'XP and stars: the journal, what is counted from it, seasons, achievements.';
CREATE SCHEMA lake;
COMMENT ON SCHEMA lake IS 'Events in, their counters and limits, categories of channels, multipliers.';
CREATE SCHEMA community;
COMMENT ON SCHEMA community IS 'Quest board, skills, announcements, shop.';

-- People and guilds ------------------------------------------------------------------------------------------------

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
    discord_name text NOT NULL,
    discord_avatar_hash text,
    github_username text,
    is_bot boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_auth_user_id UNIQUE (auth_user_id),
    CONSTRAINT ck_users_id CHECK (id > 0),
    CONSTRAINT ck_users_discord_name CHECK (length(discord_name) <= 100),
    CONSTRAINT ck_users_discord_avatar_hash CHECK (length(discord_avatar_hash) <= 100),
    CONSTRAINT ck_users_github_username CHECK (length(github_username) BETWEEN 1 AND 39)
);
COMMENT ON TABLE people.users IS
    'People (003), whatever guilds they are in. What they earned in a guild is in members.';
COMMENT ON COLUMN people.users.id IS 'Discord user, a snowflake.';
COMMENT ON COLUMN people.users.auth_user_id IS
    'The same person in the learning schema; random, so that it says nothing of when they came.';
COMMENT ON COLUMN people.users.discord_name IS 'Display name.';
COMMENT ON COLUMN people.users.discord_avatar_hash IS 'Discord''s hash of their avatar, for the URL.';
COMMENT ON COLUMN people.users.github_username IS 'Linked GitHub account.';
COMMENT ON COLUMN people.users.is_bot IS 'Bots earn, own and receive nothing.';
COMMENT ON COLUMN people.users.created_at IS 'When they were first seen here.';
COMMENT ON COLUMN people.users.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_users_github_username ON people.users (lower(github_username)) WHERE github_username IS NOT NULL;
CREATE TRIGGER tg_users_touch BEFORE UPDATE ON people.users
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE people.members (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    xp bigint NOT NULL DEFAULT 0,
    level integer NOT NULL DEFAULT 1,
    gold bigint NOT NULL DEFAULT 0,
    stars bigint NOT NULL DEFAULT 0,
    display_name text,
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
    CONSTRAINT ck_members_display_name CHECK (length(display_name) <= 100)
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
COMMENT ON COLUMN people.members.display_name IS 'Name they chose in this guild, where it differs.';
COMMENT ON COLUMN people.members.joined_at IS 'When they joined, or were first seen.';
COMMENT ON COLUMN people.members.left_at IS
    'When they left; null while they are there. Who left is on no leaderboard.';
COMMENT ON COLUMN people.members.last_active_at IS 'When they last did something that counted, to the hour.';
COMMENT ON COLUMN people.members.created_at IS 'When the row was made.';
COMMENT ON COLUMN people.members.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_members_guild_xp ON people.members (guild_id, xp DESC, user_id) WHERE left_at IS NULL;
CREATE INDEX ix_members_user_id ON people.members (user_id);
CREATE TRIGGER tg_members_touch BEFORE UPDATE ON people.members
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE people.user_preferences (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    announce_level_up boolean NOT NULL DEFAULT true,
    announce_achievements boolean NOT NULL DEFAULT true,
    announce_awards boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_preferences PRIMARY KEY (guild_id, user_id),
    CONSTRAINT fk_user_preferences_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id)
);
COMMENT ON TABLE people.user_preferences IS
    'Opt-outs from announcements (003), per guild. No row means all of them are welcome.';
COMMENT ON COLUMN people.user_preferences.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN people.user_preferences.user_id IS 'Person, a snowflake.';
COMMENT ON COLUMN people.user_preferences.announce_level_up IS 'Whether their level-ups are announced.';
COMMENT ON COLUMN people.user_preferences.announce_achievements IS 'Whether their achievements are announced.';
COMMENT ON COLUMN people.user_preferences.announce_awards IS 'Whether awards to them are announced.';
COMMENT ON COLUMN people.user_preferences.created_at IS 'When the row was made.';
COMMENT ON COLUMN people.user_preferences.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_user_preferences_touch BEFORE UPDATE ON people.user_preferences
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- Rank among a million ---------------------------------------------------------------------------------------------
-- A member's rank is one more than the number of members with more XP. Counting them takes 48 ms in the middle of a
-- million; summing a histogram and counting within one bucket takes well under one. Writers only append changes, so
-- that members of a guild never wait for each other on a bucket's row; a job folds them in, and ranks read both.

CREATE FUNCTION progress.xp_bucket(xp bigint) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT ('x' || left(encode(float8send(xp::float8), 'hex'), 6))::bit(24)::integer >> 6
    $$;
COMMENT ON FUNCTION progress.xp_bucket(bigint) IS
    'The histogram bucket of an amount of XP: the top 18 bits of its double (sign, exponent, 6 bits of mantissa; in '
    'Rust (xp as f64).to_bits() >> 46). Rises with XP; exact to 127 XP, then 64 per doubling, at most 1.6 % wide.';

CREATE FUNCTION progress.xp_bucket_floor(bucket integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT CASE WHEN bucket <= 0 THEN 0
                ELSE ceil(power(2::float8, (bucket >> 6) - 1023) * (1 + (bucket & 63) / 64::float8))::bigint END
    $$;
COMMENT ON FUNCTION progress.xp_bucket_floor(integer) IS 'The least XP whose bucket is this one or a higher one.';

CREATE TABLE progress.xp_histogram (
    guild_id bigint NOT NULL,
    bucket integer NOT NULL,
    members bigint NOT NULL,
    CONSTRAINT pk_xp_histogram PRIMARY KEY (guild_id, bucket)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE progress.xp_histogram IS
    'Members per bucket of XP, as of the last fold; members who left are not counted. Add xp_histogram_changes.';
COMMENT ON COLUMN progress.xp_histogram.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.xp_histogram.bucket IS 'progress.xp_bucket of the members'' XP.';
COMMENT ON COLUMN progress.xp_histogram.members IS 'How many members are in it.';

CREATE TABLE progress.xp_histogram_changes (
    guild_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    bucket integer NOT NULL,
    delta bigint NOT NULL,
    CONSTRAINT pk_xp_histogram_changes PRIMARY KEY (guild_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE progress.xp_histogram_changes IS
    'Changes of the histogram not yet folded in; written by triggers on members, removed by xp_histogram_fold.';
COMMENT ON COLUMN progress.xp_histogram_changes.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.xp_histogram_changes.id IS 'Number of the change.';
COMMENT ON COLUMN progress.xp_histogram_changes.bucket IS 'Bucket that gained or lost members.';
COMMENT ON COLUMN progress.xp_histogram_changes.delta IS 'By how many.';

CREATE FUNCTION progress.xp_histogram_record() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO progress.xp_histogram_changes (guild_id, bucket, delta)
        SELECT n.guild_id, progress.xp_bucket(n.xp), count(*)
          FROM new_rows n WHERE n.left_at IS NULL
         GROUP BY 1, 2;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO progress.xp_histogram_changes (guild_id, bucket, delta)
        SELECT o.guild_id, progress.xp_bucket(o.xp), -count(*)
          FROM old_rows o WHERE o.left_at IS NULL
         GROUP BY 1, 2;
    ELSE
        INSERT INTO progress.xp_histogram_changes (guild_id, bucket, delta)
        SELECT c.guild_id, c.bucket, sum(c.delta)
          FROM (SELECT n.guild_id, progress.xp_bucket(n.xp) AS bucket, 1 AS delta
                  FROM new_rows n WHERE n.left_at IS NULL
                UNION ALL
                SELECT o.guild_id, progress.xp_bucket(o.xp), -1
                  FROM old_rows o WHERE o.left_at IS NULL) c
         GROUP BY 1, 2
        HAVING sum(c.delta) <> 0;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION progress.xp_histogram_record() IS
    'Statement trigger on members: appends what the statement changed in the histogram, one row per bucket it touched.';
CREATE TRIGGER tg_members_histogram_insert AFTER INSERT ON people.members
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION progress.xp_histogram_record();
CREATE TRIGGER tg_members_histogram_update AFTER UPDATE ON people.members
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION progress.xp_histogram_record();
CREATE TRIGGER tg_members_histogram_delete AFTER DELETE ON people.members
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION progress.xp_histogram_record();

CREATE FUNCTION progress.xp_histogram_fold() RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    folded bigint;
BEGIN
    -- One folder at a time; whoever comes second has nothing to add.
    IF NOT pg_try_advisory_xact_lock(hashtextextended('progress.xp_histogram_fold', 0)) THEN
        RETURN 0;
    END IF;
    WITH gone AS (
        DELETE FROM progress.xp_histogram_changes RETURNING guild_id, bucket, delta
    ), summed AS (
        SELECT guild_id, bucket, sum(delta) AS delta FROM gone GROUP BY 1, 2
    ), written AS (
        INSERT INTO progress.xp_histogram AS h (guild_id, bucket, members)
        SELECT guild_id, bucket, delta FROM summed WHERE delta <> 0 ORDER BY 1, 2
        ON CONFLICT ON CONSTRAINT pk_xp_histogram DO UPDATE SET members = h.members + excluded.members
    )
    SELECT count(*) INTO folded FROM gone;
    RETURN folded;
END
$$;
COMMENT ON FUNCTION progress.xp_histogram_fold() IS
    'Folds the appended changes into xp_histogram and returns how many there were; 0 while another session does it. '
    'Ranks are the same before and after; run it every few seconds to keep them quick.';

-- plpgsql, as it keeps its plans for the session, where a SQL function would plan anew at each call.
CREATE FUNCTION progress.xp_rank(p_guild_id bigint, p_xp bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    own_bucket integer := progress.xp_bucket(p_xp);
    next_floor bigint := progress.xp_bucket_floor(own_bucket + 1);
BEGIN
    RETURN 1
         + coalesce((SELECT sum(h.members) FROM progress.xp_histogram h
                      WHERE h.guild_id = p_guild_id AND h.bucket > own_bucket), 0)::bigint
         + coalesce((SELECT sum(c.delta) FROM progress.xp_histogram_changes c
                      WHERE c.guild_id = p_guild_id AND c.bucket > own_bucket), 0)::bigint
         + (SELECT count(*) FROM people.members m
             WHERE m.guild_id = p_guild_id AND m.left_at IS NULL AND m.xp > p_xp AND m.xp < next_floor);
END
$$;
COMMENT ON FUNCTION progress.xp_rank(bigint, bigint) IS
    'The rank in a guild of whoever has this much XP: 1 + members with more. Exact; ties share a rank.';

-- Seasons ----------------------------------------------------------------------------------------------------------

CREATE TABLE progress.seasons (
    id integer GENERATED ALWAYS AS IDENTITY,
    guild_id bigint NOT NULL,
    name text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    active boolean NOT NULL DEFAULT false,
    rolled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_seasons PRIMARY KEY (id),
    CONSTRAINT uq_seasons_guild_id_id UNIQUE (guild_id, id),
    CONSTRAINT uq_seasons_guild_id_name UNIQUE (guild_id, name),
    CONSTRAINT ck_seasons_name CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT ck_seasons_times CHECK (ends_at > starts_at),
    CONSTRAINT ck_seasons_rolled_inactive CHECK (rolled_at IS NULL OR NOT active)
);
COMMENT ON TABLE progress.seasons IS
    'Seasons (003): windows of competition. The partial unique index allows one active season per guild.';
COMMENT ON COLUMN progress.seasons.id IS 'Number of the season.';
COMMENT ON COLUMN progress.seasons.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.seasons.name IS 'Name, unique in the guild.';
COMMENT ON COLUMN progress.seasons.starts_at IS 'When it begins.';
COMMENT ON COLUMN progress.seasons.ends_at IS 'When it ends.';
COMMENT ON COLUMN progress.seasons.active IS 'Whether stars count for it now.';
COMMENT ON COLUMN progress.seasons.rolled_at IS 'When it was closed and its standings were archived.';
COMMENT ON COLUMN progress.seasons.created_at IS 'When the row was made.';
COMMENT ON COLUMN progress.seasons.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_seasons_active ON progress.seasons (guild_id) WHERE active;
CREATE TRIGGER tg_seasons_touch BEFORE UPDATE ON progress.seasons
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE progress.user_stats (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    season_id integer NOT NULL,
    season_xp bigint NOT NULL DEFAULT 0,
    season_stars bigint NOT NULL DEFAULT 0,
    lifetime_stars bigint NOT NULL DEFAULT 0,
    messages_sent integer NOT NULL DEFAULT 0,
    reactions_given integer NOT NULL DEFAULT 0,
    reactions_received integer NOT NULL DEFAULT 0,
    threads_created integer NOT NULL DEFAULT 0,
    voice_minutes integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_stats PRIMARY KEY (guild_id, user_id, season_id),
    CONSTRAINT fk_user_stats_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id),
    CONSTRAINT fk_user_stats_season_id_seasons FOREIGN KEY (guild_id, season_id)
        REFERENCES progress.seasons (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_user_stats_counts CHECK (season_xp >= 0 AND season_stars >= 0 AND lifetime_stars >= 0
        AND messages_sent >= 0 AND reactions_given >= 0 AND reactions_received >= 0 AND threads_created >= 0
        AND voice_minutes >= 0)
) WITH (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE progress.user_stats IS 'Counts per member and season (003).';
COMMENT ON COLUMN progress.user_stats.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.user_stats.user_id IS 'Person, a snowflake.';
COMMENT ON COLUMN progress.user_stats.season_id IS 'Season counted.';
COMMENT ON COLUMN progress.user_stats.season_xp IS 'XP earned this season.';
COMMENT ON COLUMN progress.user_stats.season_stars IS 'Stars earned this season.';
COMMENT ON COLUMN progress.user_stats.lifetime_stars IS
    'Stars ever earned in the guild, up to the end of this season.';
COMMENT ON COLUMN progress.user_stats.messages_sent IS 'Messages sent this season.';
COMMENT ON COLUMN progress.user_stats.reactions_given IS 'Reactions given this season.';
COMMENT ON COLUMN progress.user_stats.reactions_received IS 'Reactions received this season.';
COMMENT ON COLUMN progress.user_stats.threads_created IS 'Threads begun this season.';
COMMENT ON COLUMN progress.user_stats.voice_minutes IS 'Minutes in voice channels this season.';
COMMENT ON COLUMN progress.user_stats.created_at IS 'When the row was made.';
COMMENT ON COLUMN progress.user_stats.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_user_stats_season_stars ON progress.user_stats (guild_id, season_id, season_stars DESC, user_id);
CREATE TRIGGER tg_user_stats_touch BEFORE UPDATE ON progress.user_stats
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE progress.season_standings (
    guild_id bigint NOT NULL,
    season_id integer NOT NULL,
    user_id bigint NOT NULL,
    rank bigint NOT NULL,
    season_stars bigint NOT NULL,
    season_xp bigint NOT NULL,
    level integer NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_season_standings PRIMARY KEY (guild_id, season_id, user_id),
    CONSTRAINT fk_season_standings_season_id_seasons FOREIGN KEY (guild_id, season_id)
        REFERENCES progress.seasons (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_season_standings_rank CHECK (rank >= 1)
);
COMMENT ON TABLE progress.season_standings IS
    'Standings of ended seasons, as they were when the season was rolled over; never recomputed.';
COMMENT ON COLUMN progress.season_standings.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.season_standings.season_id IS 'Season that ended.';
COMMENT ON COLUMN progress.season_standings.user_id IS 'Person, a snowflake.';
COMMENT ON COLUMN progress.season_standings.rank IS 'Rank by season_stars; ties share one.';
COMMENT ON COLUMN progress.season_standings.season_stars IS 'Stars earned in the season.';
COMMENT ON COLUMN progress.season_standings.season_xp IS 'XP earned in the season.';
COMMENT ON COLUMN progress.season_standings.level IS 'Level when it ended.';
COMMENT ON COLUMN progress.season_standings.archived_at IS 'When the standings were frozen.';
CREATE INDEX ix_season_standings_rank ON progress.season_standings (guild_id, season_id, rank, user_id);

-- Categories and multipliers ---------------------------------------------------------------------------------------

CREATE TABLE lake.categories (
    id integer GENERATED ALWAYS AS IDENTITY,
    guild_id bigint NOT NULL,
    name text NOT NULL,
    description text,
    created_by bigint,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_categories PRIMARY KEY (id),
    CONSTRAINT uq_categories_guild_id_id UNIQUE (guild_id, id),
    CONSTRAINT uq_categories_guild_id_name UNIQUE (guild_id, name),
    CONSTRAINT ck_categories_name CHECK (length(name) BETWEEN 1 AND 100)
);
COMMENT ON TABLE lake.categories IS 'Groups of channels (003), made from Discord''s categories at first.';
COMMENT ON COLUMN lake.categories.id IS
    'Number of the category; 0, which no category has, means all of them in counters.';
COMMENT ON COLUMN lake.categories.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.categories.name IS 'Name, unique in the guild.';
COMMENT ON COLUMN lake.categories.description IS 'What belongs in it.';
COMMENT ON COLUMN lake.categories.created_by IS 'Administrator who made it, a snowflake; null when the bot did.';
COMMENT ON COLUMN lake.categories.active IS 'False once removed; its past stays.';
COMMENT ON COLUMN lake.categories.created_at IS 'When the row was made.';
COMMENT ON COLUMN lake.categories.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_categories_touch BEFORE UPDATE ON lake.categories
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE lake.category_channels (
    guild_id bigint NOT NULL,
    category_id integer NOT NULL,
    channel_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_category_channels PRIMARY KEY (category_id, channel_id),
    CONSTRAINT uq_category_channels_channel_id UNIQUE (guild_id, channel_id),
    CONSTRAINT fk_category_channels_category_id_categories FOREIGN KEY (guild_id, category_id)
        REFERENCES lake.categories (guild_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE lake.category_channels IS
    'Channels of the categories (003). A channel is in one category at most, or an event''s category would be '
    'ambiguous.';
COMMENT ON COLUMN lake.category_channels.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.category_channels.category_id IS 'Category the channel is in.';
COMMENT ON COLUMN lake.category_channels.channel_id IS 'Discord channel, a snowflake.';
COMMENT ON COLUMN lake.category_channels.created_at IS 'When the row was made.';
CREATE INDEX ix_category_channels_category_id ON lake.category_channels (guild_id, category_id);

CREATE TABLE lake.category_multipliers (
    id integer GENERATED ALWAYS AS IDENTITY,
    guild_id bigint NOT NULL,
    category_id integer NOT NULL,
    interaction_type text NOT NULL,
    xp_multiplier double precision NOT NULL DEFAULT 1.0,
    star_multiplier double precision NOT NULL DEFAULT 1.0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_category_multipliers PRIMARY KEY (id),
    CONSTRAINT uq_category_multipliers_category_id UNIQUE (guild_id, category_id, interaction_type),
    CONSTRAINT fk_category_multipliers_category_id_categories FOREIGN KEY (guild_id, category_id)
        REFERENCES lake.categories (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_category_multipliers_interaction_type CHECK (length(interaction_type) BETWEEN 1 AND 50),
    CONSTRAINT ck_category_multipliers_range
        CHECK (xp_multiplier BETWEEN 0 AND 100 AND star_multiplier BETWEEN 0 AND 100)
);
COMMENT ON TABLE lake.category_multipliers IS 'Weights of rewards per category and kind of interaction (003).';
COMMENT ON COLUMN lake.category_multipliers.id IS 'Number of the row.';
COMMENT ON COLUMN lake.category_multipliers.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.category_multipliers.category_id IS 'Category it is for.';
COMMENT ON COLUMN lake.category_multipliers.interaction_type IS
    'Kind of interaction, as in activity_log.event_type.';
COMMENT ON COLUMN lake.category_multipliers.xp_multiplier IS 'Factor on XP.';
COMMENT ON COLUMN lake.category_multipliers.star_multiplier IS 'Factor on stars.';
COMMENT ON COLUMN lake.category_multipliers.created_at IS 'When the row was made.';
COMMENT ON COLUMN lake.category_multipliers.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_category_multipliers_touch BEFORE UPDATE ON lake.category_multipliers
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE lake.multiplier_events (
    id integer GENERATED ALWAYS AS IDENTITY,
    guild_id bigint NOT NULL,
    name text NOT NULL,
    interaction_types text[],
    category_id integer,
    xp_multiplier double precision NOT NULL DEFAULT 2.0,
    star_multiplier double precision NOT NULL DEFAULT 1.0,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    active boolean NOT NULL DEFAULT true,
    created_by bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_multiplier_events PRIMARY KEY (id),
    CONSTRAINT fk_multiplier_events_category_id_categories FOREIGN KEY (guild_id, category_id)
        REFERENCES lake.categories (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_multiplier_events_name CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT ck_multiplier_events_times CHECK (ends_at > starts_at),
    CONSTRAINT ck_multiplier_events_range
        CHECK (xp_multiplier BETWEEN 0 AND 100 AND star_multiplier BETWEEN 0 AND 100)
);
COMMENT ON TABLE lake.multiplier_events IS
    'Events that multiply rewards for a while, such as a double-XP weekend. Overlapping ones multiply each other.';
COMMENT ON COLUMN lake.multiplier_events.id IS 'Number of the event.';
COMMENT ON COLUMN lake.multiplier_events.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.multiplier_events.name IS 'Name shown to members.';
COMMENT ON COLUMN lake.multiplier_events.interaction_types IS 'Kinds of interaction it is for; null for all.';
COMMENT ON COLUMN lake.multiplier_events.category_id IS 'Category it is for; null for all.';
COMMENT ON COLUMN lake.multiplier_events.xp_multiplier IS 'Factor on XP.';
COMMENT ON COLUMN lake.multiplier_events.star_multiplier IS 'Factor on stars.';
COMMENT ON COLUMN lake.multiplier_events.starts_at IS 'When it begins.';
COMMENT ON COLUMN lake.multiplier_events.ends_at IS 'When it ends.';
COMMENT ON COLUMN lake.multiplier_events.active IS 'False once called off.';
COMMENT ON COLUMN lake.multiplier_events.created_by IS 'Administrator who made it, a snowflake.';
COMMENT ON COLUMN lake.multiplier_events.created_at IS 'When the row was made.';
COMMENT ON COLUMN lake.multiplier_events.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_multiplier_events_ends_at ON lake.multiplier_events (guild_id, ends_at) WHERE active;
CREATE INDEX ix_multiplier_events_category_id ON lake.multiplier_events (guild_id, category_id)
    WHERE category_id IS NOT NULL;
CREATE TRIGGER tg_multiplier_events_touch BEFORE UPDATE ON lake.multiplier_events
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- Event lake -------------------------------------------------------------------------------------------------------
-- A unique key of a partitioned table must contain the partition's column, so that source_id cannot be unique in
-- event_lake by itself. A key with the event's time would do only if every arrival of an event told the same time; a
-- reaction has no time of its own, only that of its arrival. Hence a table of keys, written in the same statement.

CREATE SEQUENCE lake.event_lake_id_seq AS bigint;

CREATE TABLE lake.event_lake (
    id bigint NOT NULL DEFAULT nextval('lake.event_lake_id_seq'),
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    event_type text NOT NULL,
    channel_id bigint,
    target_id bigint,
    payload jsonb NOT NULL DEFAULT '{}',
    source_id text,
    "timestamp" timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_event_lake PRIMARY KEY (guild_id, "timestamp", id),
    CONSTRAINT ck_event_lake_event_type CHECK (event_type IN ('message_create', 'reaction_add', 'reaction_remove',
        'thread_create', 'voice_join', 'voice_leave', 'voice_move', 'member_join', 'member_leave')),
    CONSTRAINT ck_event_lake_source_id CHECK (length(source_id) BETWEEN 1 AND 128)
) PARTITION BY RANGE ("timestamp");
COMMENT ON TABLE lake.event_lake IS
    'Event lake (003): what happened on Discord, metadata only, append-only, partitioned by month (UTC); '
    'retention drops whole partitions. The primary key read backwards is the document''s index on guild and time.';
COMMENT ON COLUMN lake.event_lake.id IS 'Number of the event, in order of arrival.';
COMMENT ON COLUMN lake.event_lake.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.event_lake.user_id IS 'Who did it, a snowflake.';
COMMENT ON COLUMN lake.event_lake.event_type IS
    'message_create, reaction_add, reaction_remove, thread_create, voice_join, voice_leave, voice_move, '
    'member_join or member_leave.';
COMMENT ON COLUMN lake.event_lake.channel_id IS 'Where, a channel''s snowflake; null for events without one.';
COMMENT ON COLUMN lake.event_lake.target_id IS 'To whom, a snowflake, such as the author of a message reacted to.';
COMMENT ON COLUMN lake.event_lake.payload IS 'Figures about the event, such as length and links; never content.';
COMMENT ON COLUMN lake.event_lake.source_id IS
    'What makes it count once; null for events that cannot arrive twice.';
COMMENT ON COLUMN lake.event_lake."timestamp" IS 'When it happened.';
ALTER SEQUENCE lake.event_lake_id_seq OWNED BY lake.event_lake.id;
CREATE INDEX ix_event_lake_user_ts ON lake.event_lake (guild_id, user_id, "timestamp" DESC);
CREATE INDEX ix_event_lake_type_ts ON lake.event_lake (guild_id, event_type, "timestamp" DESC);
CREATE INDEX ix_event_lake_channel_ts ON lake.event_lake (guild_id, channel_id, "timestamp" DESC)
    WHERE channel_id IS NOT NULL;
SELECT questhall.ensure_month_partitions('lake.event_lake', 3);

CREATE TABLE lake.event_keys (
    guild_id bigint NOT NULL,
    source_id text NOT NULL,
    "timestamp" timestamptz NOT NULL,
    CONSTRAINT pk_event_keys PRIMARY KEY (guild_id, source_id),
    CONSTRAINT ck_event_keys_source_id CHECK (length(source_id) BETWEEN 1 AND 128)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE lake.event_keys IS
    'Keys of events already in the lake: insert here first, ON CONFLICT DO NOTHING, and let only the returned '
    'keys into event_lake, in one statement sorted by key. Keys leave with the retention window, in batches by '
    'timestamp, which the block-range index finds; events older than the window are refused at the door, so that '
    'none can count again.';
COMMENT ON COLUMN lake.event_keys.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.event_keys.source_id IS 'event_lake.source_id.';
COMMENT ON COLUMN lake.event_keys."timestamp" IS 'event_lake.timestamp of the arrival that counted.';
CREATE INDEX ix_event_keys_timestamp ON lake.event_keys USING brin ("timestamp");

CREATE TABLE lake.event_counters (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    event_type text NOT NULL,
    category_id integer NOT NULL DEFAULT 0,
    period text NOT NULL,
    count bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_event_counters PRIMARY KEY (guild_id, user_id, event_type, category_id, period),
    CONSTRAINT ck_event_counters_event_type CHECK (length(event_type) BETWEEN 1 AND 64),
    CONSTRAINT ck_event_counters_category_id CHECK (category_id >= 0),
    CONSTRAINT ck_event_counters_period CHECK (period IN ('lifetime', 'season') OR period LIKE 'day:____-__-__'),
    CONSTRAINT ck_event_counters_count CHECK (count >= 0)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE lake.event_counters IS
    'Counters over the lake (003), changed in the transaction that inserts the event. Narrow and without other '
    'indexes on what changes, so that increments stay within their page.';
COMMENT ON COLUMN lake.event_counters.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.event_counters.user_id IS 'Who did it, a snowflake.';
COMMENT ON COLUMN lake.event_counters.event_type IS 'As in event_lake.';
COMMENT ON COLUMN lake.event_counters.category_id IS 'Category counted; 0 counts all events.';
COMMENT ON COLUMN lake.event_counters.period IS 'lifetime, season (the active one) or day:YYYY-MM-DD (UTC).';
COMMENT ON COLUMN lake.event_counters.count IS 'How many.';
CREATE INDEX ix_event_counters_period ON lake.event_counters (guild_id, period) WHERE period <> 'lifetime';

-- Journal of rewards -----------------------------------------------------------------------------------------------

CREATE SEQUENCE progress.activity_log_id_seq AS bigint;

CREATE TABLE progress.activity_log (
    id bigint NOT NULL DEFAULT nextval('progress.activity_log_id_seq'),
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    event_type text NOT NULL,
    season_id integer,
    category_id integer,
    source_system text NOT NULL DEFAULT 'discord',
    source_event_id text,
    xp_delta integer NOT NULL DEFAULT 0,
    star_delta integer NOT NULL DEFAULT 0,
    gold_delta integer NOT NULL DEFAULT 0,
    metadata jsonb NOT NULL DEFAULT '{}',
    "timestamp" timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_activity_log PRIMARY KEY (guild_id, "timestamp", id),
    CONSTRAINT fk_activity_log_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id),
    CONSTRAINT fk_activity_log_season_id_seasons FOREIGN KEY (guild_id, season_id)
        REFERENCES progress.seasons (guild_id, id) ON DELETE SET NULL (season_id),
    CONSTRAINT fk_activity_log_category_id_categories FOREIGN KEY (guild_id, category_id)
        REFERENCES lake.categories (guild_id, id) ON DELETE SET NULL (category_id),
    CONSTRAINT ck_activity_log_event_type CHECK (event_type IN ('MESSAGE', 'REACTION_GIVEN', 'REACTION_RECEIVED',
        'THREAD_CREATE', 'VOICE_TICK', 'QUEST_COMPLETE', 'MANUAL_AWARD', 'LEVEL_UP', 'ACHIEVEMENT_EARNED', 'VOICE_JOIN',
        'VOICE_LEAVE', 'CAMPAIGN_REWARD', 'LEARNING_REWARD', 'PURCHASE', 'REFUND', 'IMPORT')),
    CONSTRAINT ck_activity_log_source_system CHECK (length(source_system) BETWEEN 1 AND 30),
    CONSTRAINT ck_activity_log_source_event_id CHECK (length(source_event_id) BETWEEN 1 AND 100)
) PARTITION BY RANGE ("timestamp");
COMMENT ON TABLE progress.activity_log IS
    'Journal of XP, stars and gold (003), append-only, partitioned by month (UTC) and kept: members and '
    'user_stats are re-derived from it. The document''s unique index on the source is activity_keys, as a '
    'partitioned table cannot have it.';
COMMENT ON COLUMN progress.activity_log.id IS 'Number of the entry.';
COMMENT ON COLUMN progress.activity_log.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.activity_log.user_id IS 'Who was rewarded, a snowflake.';
COMMENT ON COLUMN progress.activity_log.event_type IS
    'MESSAGE, REACTION_GIVEN, REACTION_RECEIVED, THREAD_CREATE, VOICE_TICK, QUEST_COMPLETE, MANUAL_AWARD, '
    'LEVEL_UP, ACHIEVEMENT_EARNED, VOICE_JOIN or VOICE_LEAVE (003); CAMPAIGN_REWARD, LEARNING_REWARD, PURCHASE, '
    'REFUND or IMPORT.';
COMMENT ON COLUMN progress.activity_log.season_id IS 'Season active at the time, if any.';
COMMENT ON COLUMN progress.activity_log.category_id IS 'Category of the channel, if any.';
COMMENT ON COLUMN progress.activity_log.source_system IS
    'Where the cause is known: discord, campaigns, learning, community, import.';
COMMENT ON COLUMN progress.activity_log.source_event_id IS
    'The cause there; with source_system it counts once per guild (activity_keys).';
COMMENT ON COLUMN progress.activity_log.xp_delta IS 'XP gained; negative when taken back.';
COMMENT ON COLUMN progress.activity_log.star_delta IS 'Stars gained; negative when taken back.';
COMMENT ON COLUMN progress.activity_log.gold_delta IS 'Gold gained; negative when spent.';
COMMENT ON COLUMN progress.activity_log.metadata IS 'How the figures came about: base, multipliers, limits hit.';
COMMENT ON COLUMN progress.activity_log."timestamp" IS 'When it was earned.';
ALTER SEQUENCE progress.activity_log_id_seq OWNED BY progress.activity_log.id;
CREATE INDEX ix_activity_log_user_time ON progress.activity_log (guild_id, user_id, "timestamp" DESC, id DESC);
CREATE INDEX ix_activity_log_event_time ON progress.activity_log (guild_id, event_type, "timestamp");
CREATE INDEX ix_activity_log_category_time ON progress.activity_log (guild_id, category_id, "timestamp")
    WHERE category_id IS NOT NULL;
CREATE INDEX ix_activity_log_timestamp ON progress.activity_log USING brin ("timestamp");
-- Deleting a season or category nulls its column here (003), so that only the ledger's own columns are guarded.
CREATE TRIGGER tg_activity_log_append_only
    BEFORE DELETE OR UPDATE OF id, guild_id, user_id, event_type, source_system, source_event_id, xp_delta, star_delta,
        gold_delta, "timestamp" ON progress.activity_log
    FOR EACH ROW EXECUTE FUNCTION questhall.refuse_change();
CREATE TRIGGER tg_activity_log_no_truncate BEFORE TRUNCATE ON progress.activity_log
    FOR EACH STATEMENT EXECUTE FUNCTION questhall.refuse_change();
SELECT questhall.ensure_month_partitions('progress.activity_log', 3);

CREATE TABLE progress.activity_keys (
    guild_id bigint NOT NULL,
    source_system text NOT NULL,
    source_event_id text NOT NULL,
    "timestamp" timestamptz NOT NULL,
    CONSTRAINT pk_activity_keys PRIMARY KEY (guild_id, source_system, source_event_id),
    CONSTRAINT ck_activity_keys_source_system CHECK (length(source_system) BETWEEN 1 AND 30),
    CONSTRAINT ck_activity_keys_source_event_id CHECK (length(source_event_id) BETWEEN 1 AND 100)
);
COMMENT ON TABLE progress.activity_keys IS
    'Causes that were rewarded already: insert here first, ON CONFLICT DO NOTHING, and journal only what was '
    'returned, in one statement. Kept as long as the journal; a table of its own for the reason given at '
    'event_keys.';
COMMENT ON COLUMN progress.activity_keys.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.activity_keys.source_system IS 'activity_log.source_system.';
COMMENT ON COLUMN progress.activity_keys.source_event_id IS 'activity_log.source_event_id.';
COMMENT ON COLUMN progress.activity_keys."timestamp" IS
    'activity_log.timestamp of the entry, which says in which month it is.';

-- Limits against gaming, which survive restarts --------------------------------------------------------------------

CREATE TABLE lake.reward_cooldowns (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    channel_id bigint NOT NULL,
    rewarded_at timestamptz NOT NULL,
    CONSTRAINT pk_reward_cooldowns PRIMARY KEY (guild_id, user_id, channel_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE lake.reward_cooldowns IS
    'When a member was last rewarded for a message in a channel: the cooldown.';
COMMENT ON COLUMN lake.reward_cooldowns.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.reward_cooldowns.user_id IS 'Author, a snowflake.';
COMMENT ON COLUMN lake.reward_cooldowns.channel_id IS 'Channel, a snowflake.';
COMMENT ON COLUMN lake.reward_cooldowns.rewarded_at IS 'When a message there last earned something.';

CREATE TABLE lake.reaction_pairs (
    guild_id bigint NOT NULL,
    giver_id bigint NOT NULL,
    receiver_id bigint NOT NULL,
    day date NOT NULL,
    reactions integer NOT NULL DEFAULT 0,
    rewarded integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_reaction_pairs PRIMARY KEY (guild_id, giver_id, receiver_id, day),
    CONSTRAINT ck_reaction_pairs_not_self CHECK (giver_id <> receiver_id),
    CONSTRAINT ck_reaction_pairs_counts CHECK (rewarded >= 0 AND reactions >= rewarded)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE lake.reaction_pairs IS
    'Reactions from one member to another per UTC day: the daily limit, and the diminishing by 1/(1+n).';
COMMENT ON COLUMN lake.reaction_pairs.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.reaction_pairs.giver_id IS 'Who reacted, a snowflake.';
COMMENT ON COLUMN lake.reaction_pairs.receiver_id IS 'Whose message it was, a snowflake.';
COMMENT ON COLUMN lake.reaction_pairs.day IS 'UTC day.';
COMMENT ON COLUMN lake.reaction_pairs.reactions IS 'Reactions seen.';
COMMENT ON COLUMN lake.reaction_pairs.rewarded IS 'Reactions that earned something.';
CREATE INDEX ix_reaction_pairs_day ON lake.reaction_pairs USING brin (day);

CREATE TABLE lake.message_reactors (
    guild_id bigint NOT NULL,
    message_id bigint NOT NULL,
    reactor_id bigint NOT NULL,
    reacted_at timestamptz NOT NULL,
    CONSTRAINT pk_message_reactors PRIMARY KEY (guild_id, message_id, reactor_id)
);
COMMENT ON TABLE lake.message_reactors IS
    'Who reacted to a message: distinct reactors, and bursts of them. Rows go after a few days.';
COMMENT ON COLUMN lake.message_reactors.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.message_reactors.message_id IS 'Message, a snowflake.';
COMMENT ON COLUMN lake.message_reactors.reactor_id IS 'Who reacted, a snowflake.';
COMMENT ON COLUMN lake.message_reactors.reacted_at IS 'When they first did.';
CREATE INDEX ix_message_reactors_reacted_at ON lake.message_reactors USING brin (reacted_at);

CREATE TABLE lake.voice_sessions (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    channel_id bigint NOT NULL,
    joined_at timestamptz NOT NULL,
    last_tick_at timestamptz NOT NULL,
    muted boolean NOT NULL DEFAULT false,
    deafened boolean NOT NULL DEFAULT false,
    hour_starts_at timestamptz NOT NULL,
    ticks_in_hour integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_voice_sessions PRIMARY KEY (guild_id, user_id),
    CONSTRAINT ck_voice_sessions_ticks_in_hour CHECK (ticks_in_hour >= 0)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE lake.voice_sessions IS
    'Members in a voice channel now, and what they were rewarded within the hour.';
COMMENT ON COLUMN lake.voice_sessions.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.voice_sessions.user_id IS 'Person, a snowflake.';
COMMENT ON COLUMN lake.voice_sessions.channel_id IS 'Voice channel, a snowflake.';
COMMENT ON COLUMN lake.voice_sessions.joined_at IS 'When they came in.';
COMMENT ON COLUMN lake.voice_sessions.last_tick_at IS 'Up to when their time was counted.';
COMMENT ON COLUMN lake.voice_sessions.muted IS 'Whether they are muted.';
COMMENT ON COLUMN lake.voice_sessions.deafened IS 'Whether they are deafened.';
COMMENT ON COLUMN lake.voice_sessions.hour_starts_at IS 'Hour that ticks_in_hour counts.';
COMMENT ON COLUMN lake.voice_sessions.ticks_in_hour IS 'Rewarded ticks within that hour.';
CREATE INDEX ix_voice_sessions_channel_id ON lake.voice_sessions (guild_id, channel_id);

-- Achievements -----------------------------------------------------------------------------------------------------

CREATE TABLE progress.achievement_templates (
    id integer GENERATED ALWAYS AS IDENTITY,
    guild_id bigint NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    category text NOT NULL DEFAULT 'social',
    requirement_type text NOT NULL,
    requirement_scope text NOT NULL DEFAULT 'lifetime',
    requirement_field text,
    requirement_value integer,
    xp_reward integer NOT NULL DEFAULT 0,
    gold_reward integer NOT NULL DEFAULT 0,
    badge_image_url text,
    rarity text NOT NULL DEFAULT 'common',
    announce_channel_id bigint,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_achievement_templates PRIMARY KEY (id),
    CONSTRAINT uq_achievement_templates_guild_id_id UNIQUE (guild_id, id),
    CONSTRAINT uq_achievement_templates_guild_id_name UNIQUE (guild_id, name),
    CONSTRAINT ck_achievement_templates_name CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT ck_achievement_templates_category CHECK (length(category) BETWEEN 1 AND 50),
    CONSTRAINT ck_achievement_templates_requirement_type
        CHECK (requirement_type IN ('counter_threshold', 'star_threshold', 'xp_milestone', 'custom')),
    CONSTRAINT ck_achievement_templates_requirement_scope CHECK (requirement_scope IN ('season', 'lifetime')),
    CONSTRAINT ck_achievement_templates_requirement_field
        CHECK (length(requirement_field) <= 50
            AND (requirement_type <> 'counter_threshold' OR requirement_field IS NOT NULL)),
    CONSTRAINT ck_achievement_templates_requirement_value
        CHECK (requirement_type = 'custom' OR (requirement_value IS NOT NULL AND requirement_value > 0)),
    CONSTRAINT ck_achievement_templates_rewards CHECK (xp_reward >= 0 AND gold_reward >= 0),
    CONSTRAINT ck_achievement_templates_badge_image_url CHECK (length(badge_image_url) <= 500),
    CONSTRAINT ck_achievement_templates_rarity
        CHECK (rarity IN ('common', 'uncommon', 'rare', 'epic', 'legendary'))
);
COMMENT ON TABLE progress.achievement_templates IS 'Achievements that can be earned (003).';
COMMENT ON COLUMN progress.achievement_templates.id IS 'Number of the achievement.';
COMMENT ON COLUMN progress.achievement_templates.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.achievement_templates.name IS 'Name, unique in the guild.';
COMMENT ON COLUMN progress.achievement_templates.description IS 'What it is for.';
COMMENT ON COLUMN progress.achievement_templates.category IS 'Group it is shown in.';
COMMENT ON COLUMN progress.achievement_templates.requirement_type IS
    'counter_threshold, star_threshold, xp_milestone, or custom (granted by hand).';
COMMENT ON COLUMN progress.achievement_templates.requirement_scope IS 'Over what it counts: season or lifetime.';
COMMENT ON COLUMN progress.achievement_templates.requirement_field IS 'Counter meant, for counter_threshold.';
COMMENT ON COLUMN progress.achievement_templates.requirement_value IS 'Threshold; null for custom.';
COMMENT ON COLUMN progress.achievement_templates.xp_reward IS 'XP granted with it.';
COMMENT ON COLUMN progress.achievement_templates.gold_reward IS 'Gold granted with it.';
COMMENT ON COLUMN progress.achievement_templates.badge_image_url IS 'Picture of the badge.';
COMMENT ON COLUMN progress.achievement_templates.rarity IS 'common, uncommon, rare, epic or legendary.';
COMMENT ON COLUMN progress.achievement_templates.announce_channel_id IS
    'Channel to announce it in instead of the usual one, a snowflake.';
COMMENT ON COLUMN progress.achievement_templates.active IS 'False when it can no longer be earned.';
COMMENT ON COLUMN progress.achievement_templates.created_at IS 'When the row was made.';
COMMENT ON COLUMN progress.achievement_templates.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_achievement_templates_active ON progress.achievement_templates (guild_id, requirement_type)
    WHERE active;
CREATE TRIGGER tg_achievement_templates_touch BEFORE UPDATE ON progress.achievement_templates
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE progress.user_achievements (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    achievement_id integer NOT NULL,
    season_id integer,
    earned_at timestamptz NOT NULL DEFAULT now(),
    granted_by bigint,
    CONSTRAINT pk_user_achievements PRIMARY KEY (guild_id, user_id, achievement_id),
    CONSTRAINT fk_user_achievements_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id),
    CONSTRAINT fk_user_achievements_achievement_id_achievement_templates FOREIGN KEY (guild_id, achievement_id)
        REFERENCES progress.achievement_templates (guild_id, id),
    CONSTRAINT fk_user_achievements_season_id_seasons FOREIGN KEY (guild_id, season_id)
        REFERENCES progress.seasons (guild_id, id) ON DELETE SET NULL (season_id)
);
COMMENT ON TABLE progress.user_achievements IS 'Achievements earned (003); the primary key grants each once.';
COMMENT ON COLUMN progress.user_achievements.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.user_achievements.user_id IS 'Who earned it, a snowflake.';
COMMENT ON COLUMN progress.user_achievements.achievement_id IS 'Achievement earned.';
COMMENT ON COLUMN progress.user_achievements.season_id IS 'Season it was earned in, if one was active.';
COMMENT ON COLUMN progress.user_achievements.earned_at IS 'When it was earned.';
COMMENT ON COLUMN progress.user_achievements.granted_by IS
    'Administrator who granted it, a snowflake; null when earned by itself.';
CREATE INDEX ix_user_achievements_achievement_id
    ON progress.user_achievements (guild_id, achievement_id, earned_at, user_id);

-- Quest board ------------------------------------------------------------------------------------------------------

CREATE TABLE community.quests (
    id integer GENERATED ALWAYS AS IDENTITY,
    guild_id bigint NOT NULL,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    xp_reward integer NOT NULL DEFAULT 50,
    gold_reward integer NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'open',
    github_issue_url text,
    active boolean NOT NULL DEFAULT true,
    claimed_by bigint,
    claimed_at timestamptz,
    completed_at timestamptz,
    created_by bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quests PRIMARY KEY (id),
    CONSTRAINT fk_quests_claimed_by_members FOREIGN KEY (guild_id, claimed_by)
        REFERENCES people.members (guild_id, user_id),
    CONSTRAINT ck_quests_title CHECK (length(title) BETWEEN 1 AND 200),
    CONSTRAINT ck_quests_rewards CHECK (xp_reward >= 0 AND gold_reward >= 0),
    CONSTRAINT ck_quests_status CHECK (status IN ('open', 'claimed', 'complete')),
    CONSTRAINT ck_quests_claim CHECK ((status = 'open') = (claimed_by IS NULL)),
    CONSTRAINT ck_quests_completed_at CHECK ((status = 'complete') = (completed_at IS NOT NULL)),
    CONSTRAINT ck_quests_github_issue_url CHECK (length(github_issue_url) <= 500)
);
COMMENT ON TABLE community.quests IS
    'The guild''s quest board (003): tasks that a member claims and completes. Not the quests of the learning '
    'schema.';
COMMENT ON COLUMN community.quests.id IS 'Number of the quest.';
COMMENT ON COLUMN community.quests.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.quests.title IS 'Title.';
COMMENT ON COLUMN community.quests.description IS 'What is to be done, in Markdown.';
COMMENT ON COLUMN community.quests.xp_reward IS 'XP for completing it.';
COMMENT ON COLUMN community.quests.gold_reward IS 'Gold for completing it.';
COMMENT ON COLUMN community.quests.status IS 'open, claimed or complete.';
COMMENT ON COLUMN community.quests.github_issue_url IS 'GitHub issue it is about.';
COMMENT ON COLUMN community.quests.active IS 'False once taken off the board.';
COMMENT ON COLUMN community.quests.claimed_by IS 'Member who took it on, a snowflake.';
COMMENT ON COLUMN community.quests.claimed_at IS 'When they did.';
COMMENT ON COLUMN community.quests.completed_at IS 'When it was accepted as done.';
COMMENT ON COLUMN community.quests.created_by IS 'Who posted it, a snowflake.';
COMMENT ON COLUMN community.quests.created_at IS 'When the row was made.';
COMMENT ON COLUMN community.quests.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_quests_status ON community.quests (guild_id, status, id DESC) WHERE active;
CREATE INDEX ix_quests_claimed_by ON community.quests (guild_id, claimed_by) WHERE claimed_by IS NOT NULL;
CREATE TRIGGER tg_quests_touch BEFORE UPDATE ON community.quests
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- Announcements and shop -------------------------------------------------------------------------------------------

CREATE TABLE community.announcements (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    channel_id bigint NOT NULL,
    kind text NOT NULL,
    user_id bigint,
    payload jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'pending',
    dedupe_key text,
    not_before timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    sent_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_announcements PRIMARY KEY (id),
    CONSTRAINT ck_announcements_kind
        CHECK (kind IN ('level_up', 'achievement', 'award', 'season', 'quest', 'campaign', 'notice')),
    CONSTRAINT ck_announcements_status CHECK (status IN ('pending', 'sent', 'suppressed', 'failed')),
    CONSTRAINT ck_announcements_sent_at CHECK ((status = 'sent') = (sent_at IS NOT NULL)),
    CONSTRAINT ck_announcements_attempts CHECK (attempts >= 0),
    CONSTRAINT ck_announcements_dedupe_key CHECK (length(dedupe_key) BETWEEN 1 AND 200)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE community.announcements IS
    'Announcements waiting for their channel''s turn (three a minute), and those of late, by which the throttle '
    'counts.';
COMMENT ON COLUMN community.announcements.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN community.announcements.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.announcements.channel_id IS 'Discord channel to post in, a snowflake.';
COMMENT ON COLUMN community.announcements.kind IS 'level_up, achievement, award, season, quest, campaign or notice.';
COMMENT ON COLUMN community.announcements.user_id IS 'Whom it is about, whose preferences count; null for nobody.';
COMMENT ON COLUMN community.announcements.payload IS 'What the text is made of.';
COMMENT ON COLUMN community.announcements.status IS 'pending, sent, suppressed (by preference) or failed.';
COMMENT ON COLUMN community.announcements.dedupe_key IS 'Makes one cause announce once per guild.';
COMMENT ON COLUMN community.announcements.not_before IS 'When it may go out at the earliest.';
COMMENT ON COLUMN community.announcements.attempts IS 'How often it was tried.';
COMMENT ON COLUMN community.announcements.last_error IS 'Why the last try failed.';
COMMENT ON COLUMN community.announcements.sent_at IS 'When it went out.';
COMMENT ON COLUMN community.announcements.created_at IS 'When the row was made.';
COMMENT ON COLUMN community.announcements.updated_at IS 'When the row last changed; kept by trigger.';
CREATE UNIQUE INDEX uq_announcements_dedupe_key ON community.announcements (guild_id, dedupe_key)
    WHERE dedupe_key IS NOT NULL;
CREATE INDEX ix_announcements_due ON community.announcements (not_before, id) WHERE status = 'pending';
CREATE INDEX ix_announcements_channel_sent ON community.announcements (guild_id, channel_id, sent_at)
    WHERE status = 'sent';
CREATE TRIGGER tg_announcements_touch BEFORE UPDATE ON community.announcements
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE community.shop_items (
    id integer GENERATED ALWAYS AS IDENTITY,
    guild_id bigint NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    price_gold bigint NOT NULL,
    kind text NOT NULL DEFAULT 'custom',
    role_id bigint,
    stock integer,
    per_user_limit integer,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_shop_items PRIMARY KEY (id),
    CONSTRAINT uq_shop_items_guild_id_id UNIQUE (guild_id, id),
    CONSTRAINT uq_shop_items_guild_id_slug UNIQUE (guild_id, slug),
    CONSTRAINT ck_shop_items_slug CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,49}$'),
    CONSTRAINT ck_shop_items_name CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT ck_shop_items_price_gold CHECK (price_gold >= 0),
    CONSTRAINT ck_shop_items_kind CHECK (kind IN ('custom', 'role', 'badge')),
    CONSTRAINT ck_shop_items_role_id CHECK ((kind = 'role') = (role_id IS NOT NULL)),
    CONSTRAINT ck_shop_items_stock CHECK (stock >= 0),
    CONSTRAINT ck_shop_items_per_user_limit CHECK (per_user_limit > 0)
);
COMMENT ON TABLE community.shop_items IS 'What gold buys in a guild; 003''s coffee is the first entry.';
COMMENT ON COLUMN community.shop_items.id IS 'Number of the item.';
COMMENT ON COLUMN community.shop_items.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.shop_items.slug IS 'Short name, unique in the guild, as in coffee.';
COMMENT ON COLUMN community.shop_items.name IS 'Name shown.';
COMMENT ON COLUMN community.shop_items.description IS 'What one gets.';
COMMENT ON COLUMN community.shop_items.price_gold IS 'Price of one, in gold.';
COMMENT ON COLUMN community.shop_items.kind IS 'custom (handed over by people), role (a Discord role) or badge.';
COMMENT ON COLUMN community.shop_items.role_id IS 'Discord role conferred, a snowflake, for kind role.';
COMMENT ON COLUMN community.shop_items.stock IS 'How many are left; null for no limit.';
COMMENT ON COLUMN community.shop_items.per_user_limit IS 'How many one member may buy; null for no limit.';
COMMENT ON COLUMN community.shop_items.active IS 'False once taken off the shelf.';
COMMENT ON COLUMN community.shop_items.created_at IS 'When the row was made.';
COMMENT ON COLUMN community.shop_items.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_shop_items_touch BEFORE UPDATE ON community.shop_items
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE community.shop_purchases (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    item_id integer NOT NULL,
    quantity integer NOT NULL DEFAULT 1,
    price_gold bigint NOT NULL,
    status text NOT NULL DEFAULT 'paid',
    settled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_shop_purchases PRIMARY KEY (id),
    CONSTRAINT fk_shop_purchases_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id),
    CONSTRAINT fk_shop_purchases_item_id_shop_items FOREIGN KEY (guild_id, item_id)
        REFERENCES community.shop_items (guild_id, id),
    CONSTRAINT ck_shop_purchases_quantity CHECK (quantity > 0),
    CONSTRAINT ck_shop_purchases_price_gold CHECK (price_gold >= 0),
    CONSTRAINT ck_shop_purchases_status CHECK (status IN ('paid', 'fulfilled', 'refunded')),
    CONSTRAINT ck_shop_purchases_settled_at CHECK ((status = 'paid') = (settled_at IS NULL))
);
COMMENT ON TABLE community.shop_purchases IS
    'Purchases in the shop. The gold itself is journalled in activity_log (PURCHASE, REFUND).';
COMMENT ON COLUMN community.shop_purchases.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN community.shop_purchases.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.shop_purchases.user_id IS 'Buyer, a snowflake.';
COMMENT ON COLUMN community.shop_purchases.item_id IS 'Item bought.';
COMMENT ON COLUMN community.shop_purchases.quantity IS 'How many.';
COMMENT ON COLUMN community.shop_purchases.price_gold IS 'Gold paid for all of them.';
COMMENT ON COLUMN community.shop_purchases.status IS 'paid, fulfilled or refunded.';
COMMENT ON COLUMN community.shop_purchases.settled_at IS 'When it was handed over or refunded.';
COMMENT ON COLUMN community.shop_purchases.created_at IS 'When it was bought.';
COMMENT ON COLUMN community.shop_purchases.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_shop_purchases_user_id ON community.shop_purchases (guild_id, user_id, created_at DESC, id DESC);
CREATE INDEX ix_shop_purchases_item_id ON community.shop_purchases (guild_id, item_id, user_id);
CREATE INDEX ix_shop_purchases_paid ON community.shop_purchases (guild_id, created_at) WHERE status = 'paid';
CREATE TRIGGER tg_shop_purchases_touch BEFORE UPDATE ON community.shop_purchases
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- Skills and the reward cascade's ledger (004's user service) ------------------------------------------------------

CREATE TABLE community.skills (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    domain text NOT NULL DEFAULT 'general',
    points_per_level integer NOT NULL DEFAULT 100,
    max_level integer NOT NULL DEFAULT 10,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_skills PRIMARY KEY (id),
    CONSTRAINT uq_skills_guild_id_id UNIQUE (guild_id, id),
    CONSTRAINT uq_skills_guild_id_slug UNIQUE (guild_id, slug),
    CONSTRAINT ck_skills_slug CHECK (slug ~ '^[a-z0-9][a-z0-9+#.-]{0,99}$'),
    CONSTRAINT ck_skills_name CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT ck_skills_domain CHECK (length(domain) BETWEEN 1 AND 50),
    CONSTRAINT ck_skills_levels CHECK (points_per_level > 0 AND max_level > 0)
);
COMMENT ON TABLE community.skills IS 'Skill catalogue: what skill_tags of learning quests refer to.';
COMMENT ON COLUMN community.skills.id IS 'Identifier.';
COMMENT ON COLUMN community.skills.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.skills.slug IS 'Tag, unique in the guild, as in graph-search.';
COMMENT ON COLUMN community.skills.name IS 'Name shown.';
COMMENT ON COLUMN community.skills.description IS 'What it is to have it.';
COMMENT ON COLUMN community.skills.domain IS 'Branch of the tree it grows on.';
COMMENT ON COLUMN community.skills.points_per_level IS 'Skill points a level takes.';
COMMENT ON COLUMN community.skills.max_level IS 'Highest level.';
COMMENT ON COLUMN community.skills.active IS 'False once retired.';
COMMENT ON COLUMN community.skills.created_at IS 'When the row was made.';
COMMENT ON COLUMN community.skills.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_skills_touch BEFORE UPDATE ON community.skills
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE community.skill_dependencies (
    guild_id bigint NOT NULL,
    skill_id uuid NOT NULL,
    requires_skill_id uuid NOT NULL,
    min_level integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_skill_dependencies PRIMARY KEY (guild_id, skill_id, requires_skill_id),
    CONSTRAINT fk_skill_dependencies_skill_id_skills FOREIGN KEY (guild_id, skill_id)
        REFERENCES community.skills (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_skill_dependencies_requires_skill_id_skills FOREIGN KEY (guild_id, requires_skill_id)
        REFERENCES community.skills (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_skill_dependencies_not_self CHECK (skill_id <> requires_skill_id),
    CONSTRAINT ck_skill_dependencies_min_level CHECK (min_level > 0)
);
COMMENT ON TABLE community.skill_dependencies IS
    'Which skill builds on which; cycles are refused by the program, naming the cycle.';
COMMENT ON COLUMN community.skill_dependencies.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.skill_dependencies.skill_id IS 'Skill that builds on the other.';
COMMENT ON COLUMN community.skill_dependencies.requires_skill_id IS 'Skill it builds on.';
COMMENT ON COLUMN community.skill_dependencies.min_level IS 'Level of the other that is needed.';
COMMENT ON COLUMN community.skill_dependencies.created_at IS 'When the row was made.';
CREATE INDEX ix_skill_dependencies_requires_skill_id ON community.skill_dependencies (guild_id, requires_skill_id);

CREATE TABLE community.user_skills (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    skill_id uuid NOT NULL,
    skill_points bigint NOT NULL DEFAULT 0,
    level integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_skills PRIMARY KEY (guild_id, user_id, skill_id),
    CONSTRAINT fk_user_skills_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id),
    CONSTRAINT fk_user_skills_skill_id_skills FOREIGN KEY (guild_id, skill_id)
        REFERENCES community.skills (guild_id, id),
    CONSTRAINT ck_user_skills_figures CHECK (skill_points >= 0 AND level >= 0)
) WITH (fillfactor = 85);
COMMENT ON TABLE community.user_skills IS 'Skill points of members; re-derived from user_skill_rewards.';
COMMENT ON COLUMN community.user_skills.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.user_skills.user_id IS 'Person, a snowflake.';
COMMENT ON COLUMN community.user_skills.skill_id IS 'Skill.';
COMMENT ON COLUMN community.user_skills.skill_points IS 'Points earned.';
COMMENT ON COLUMN community.user_skills.level IS 'Level those points reach.';
COMMENT ON COLUMN community.user_skills.created_at IS 'When the row was made.';
COMMENT ON COLUMN community.user_skills.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_user_skills_skill_id ON community.user_skills (guild_id, skill_id, skill_points DESC, user_id);
CREATE TRIGGER tg_user_skills_touch BEFORE UPDATE ON community.user_skills
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE community.user_skill_rewards (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    correlation_id uuid NOT NULL,
    ordinal integer NOT NULL,
    event_type text NOT NULL,
    skill_id uuid,
    xp integer NOT NULL DEFAULT 0,
    skill_points integer NOT NULL DEFAULT 0,
    source_type text NOT NULL,
    source_id uuid NOT NULL,
    unlocked_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_user_skill_rewards PRIMARY KEY (id),
    CONSTRAINT uq_user_skill_rewards_correlation_id UNIQUE (guild_id, correlation_id, ordinal),
    CONSTRAINT fk_user_skill_rewards_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id),
    CONSTRAINT fk_user_skill_rewards_skill_id_skills FOREIGN KEY (guild_id, skill_id)
        REFERENCES community.skills (guild_id, id),
    CONSTRAINT ck_user_skill_rewards_ordinal CHECK (ordinal >= 1),
    CONSTRAINT ck_user_skill_rewards_event CHECK (CASE event_type
        WHEN 'XPGranted' THEN skill_id IS NULL AND skill_points = 0 AND unlocked_id IS NULL
        WHEN 'SkillPointsGranted' THEN skill_id IS NOT NULL AND xp = 0 AND unlocked_id IS NULL
        WHEN 'ChallengeUnlocked' THEN unlocked_id IS NOT NULL AND xp = 0 AND skill_points = 0
        ELSE false END),
    CONSTRAINT ck_user_skill_rewards_source_type CHECK (source_type IN ('step', 'quest', 'chapter', 'path'))
);
COMMENT ON TABLE community.user_skill_rewards IS
    'Ledger of the reward cascade, append-only: each event of a cascade (XPGranted, SkillPointsGranted, '
    'ChallengeUnlocked) lands here once, in order, under the cascade''s correlation id.';
COMMENT ON COLUMN community.user_skill_rewards.id IS 'Identifier, time-ordered.';
COMMENT ON COLUMN community.user_skill_rewards.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN community.user_skill_rewards.user_id IS 'Who was rewarded, a snowflake.';
COMMENT ON COLUMN community.user_skill_rewards.correlation_id IS 'The completion all events of the cascade come from.';
COMMENT ON COLUMN community.user_skill_rewards.ordinal IS 'Place of the event within the cascade, from 1.';
COMMENT ON COLUMN community.user_skill_rewards.event_type IS 'XPGranted, SkillPointsGranted or ChallengeUnlocked.';
COMMENT ON COLUMN community.user_skill_rewards.skill_id IS 'Skill, for SkillPointsGranted.';
COMMENT ON COLUMN community.user_skill_rewards.xp IS 'XP granted, for XPGranted.';
COMMENT ON COLUMN community.user_skill_rewards.skill_points IS 'Points granted, for SkillPointsGranted.';
COMMENT ON COLUMN community.user_skill_rewards.source_type IS 'What was completed: step, quest, chapter or path.';
COMMENT ON COLUMN community.user_skill_rewards.source_id IS 'Which one.';
COMMENT ON COLUMN community.user_skill_rewards.unlocked_id IS 'What was unlocked, for ChallengeUnlocked.';
COMMENT ON COLUMN community.user_skill_rewards.created_at IS 'When it was written.';
CREATE INDEX ix_user_skill_rewards_user_id
    ON community.user_skill_rewards (guild_id, user_id, created_at DESC, id DESC);
CREATE INDEX ix_user_skill_rewards_skill_id ON community.user_skill_rewards (guild_id, skill_id)
    WHERE skill_id IS NOT NULL;
CREATE TRIGGER tg_user_skill_rewards_append_only BEFORE UPDATE OR DELETE ON community.user_skill_rewards
    FOR EACH ROW EXECUTE FUNCTION questhall.refuse_change();
CREATE TRIGGER tg_user_skill_rewards_no_truncate BEFORE TRUNCATE ON community.user_skill_rewards
    FOR EACH STATEMENT EXECUTE FUNCTION questhall.refuse_change();
