-- Progress (003): XP and stars, the journal they can be re-derived from, ranks, seasons, achievements.

CREATE SCHEMA progress;
COMMENT ON SCHEMA progress IS 'XP and stars: the journal, what is counted from it, seasons, achievements.';

-- Rank among a million ------------------------------------------------------------------------------------------------
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

-- Seasons -------------------------------------------------------------------------------------------------------------

-- Levels --------------------------------------------------------------------------------------------------------------
-- Levels are kept with the members. When the curve changes, a timer of each guild concerned brings them to where XP are under
-- it; a second one follows, as nodes that count events go on with the settings they know for half a second.

CREATE FUNCTION progress.curve_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    changed bigint := CASE WHEN TG_OP = 'DELETE' THEN OLD.guild_id ELSE NEW.guild_id END;
    setting text := CASE WHEN TG_OP = 'DELETE' THEN OLD.key ELSE NEW.key END;
BEGIN
    IF setting NOT IN ('rewards.level_base', 'rewards.level_factor')
        OR (TG_OP = 'UPDATE' AND OLD.value_json = NEW.value_json) THEN
        RETURN NULL;
    END IF;
    INSERT INTO jobs.timers (kind, guild_id, scheduled_at)
    SELECT 'progress.levels', g.guild_id, now() + delay
      FROM people.guilds g CROSS JOIN unnest(ARRAY[interval '0', interval '2 seconds']) AS delay
     WHERE changed IN (0, g.guild_id)
     ORDER BY g.guild_id, delay;
    PERFORM pg_notify('questhall_timers', 'jobs.timers');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION progress.curve_changed() IS
    'Schedules the walks that bring members to their levels under a changed curve; without dedupe keys, as a walk under way may '
    'have read the curve before.';
CREATE TRIGGER tg_settings_level_curve AFTER INSERT OR UPDATE OR DELETE ON access.settings
    FOR EACH ROW EXECUTE FUNCTION progress.curve_changed();

CREATE TABLE progress.seasons (
    guild_id bigint NOT NULL,
    id integer GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    active boolean NOT NULL DEFAULT false,
    rolled_at timestamptz,
    repeats boolean NOT NULL DEFAULT false,
    repeat_by text NOT NULL DEFAULT 'length',
    name_pattern text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_seasons PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_seasons_guild_id_name UNIQUE (guild_id, name),
    -- None overlaps another of its guild, so that an event belongs to one at most. A guild as a range, because ranges have a GiST
    -- operator class without an extension.
    CONSTRAINT ex_seasons_overlap EXCLUDE USING gist (
        int8range(guild_id, guild_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&)
        DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT ck_seasons_name CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT ck_seasons_times CHECK (ends_at > starts_at),
    CONSTRAINT ck_seasons_repeat_by CHECK (repeat_by IN ('length', 'week', 'month', 'quarter', 'year')),
    CONSTRAINT ck_seasons_name_pattern CHECK (length(name_pattern) BETWEEN 1 AND 100),
    CONSTRAINT ck_seasons_rolled_inactive CHECK (rolled_at IS NULL OR NOT active)
);
COMMENT ON TABLE progress.seasons IS
    'Seasons (003): windows of competition. The partial unique index allows one active season per guild.';
COMMENT ON COLUMN progress.seasons.id IS 'Number of the season.';
COMMENT ON COLUMN progress.seasons.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.seasons.name IS 'Name, unique in the guild.';
COMMENT ON COLUMN progress.seasons.starts_at IS 'When it begins.';
COMMENT ON COLUMN progress.seasons.ends_at IS 'When it ends; moved to the instant of an early rollover. Not part of it.';
COMMENT ON COLUMN progress.seasons.active IS
    'Whether it is the one running. Which season an event belongs to is decided by its time alone.';
COMMENT ON COLUMN progress.seasons.rolled_at IS 'When it was closed and its standings were archived.';
COMMENT ON COLUMN progress.seasons.repeats IS
    'Whether a successor is made when it starts: ahead, so that what happens between its end and its rollover belongs to the '
    'successor already.';
COMMENT ON COLUMN progress.seasons.repeat_by IS
    'How long the successor is: length (as this one), week, month, quarter or year.';
COMMENT ON COLUMN progress.seasons.name_pattern IS
    'What successors are called, with placeholders; null for names made from the season''s own.';
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
    -- Not of XP and stars: a member's gains of a season can be taken back in a later one.
    CONSTRAINT ck_user_stats_counts CHECK (messages_sent >= 0 AND reactions_given >= 0 AND reactions_received >= 0
        AND threads_created >= 0 AND voice_minutes >= 0)
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
-- Whoever sets updated_at in the statement itself spares the row a call of the trigger.
CREATE TRIGGER tg_user_stats_touch BEFORE UPDATE ON progress.user_stats
    FOR EACH ROW WHEN (OLD.updated_at = NEW.updated_at AND OLD.* IS DISTINCT FROM NEW.*)
    EXECUTE FUNCTION questhall.touch_updated_at();

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

-- Journal of rewards --------------------------------------------------------------------------------------------------

CREATE SEQUENCE progress.activity_log_id_seq AS bigint CACHE 100;

-- It gets a row for almost every event. Keys to members, seasons and categories cost a look-up each (docs/adr/0050-ingest.md), and
-- check what cannot be otherwise: every writer has the member's row locked in the same transaction, and no member's row is ever
-- deleted, not even when a person is forgotten; seasons are read under their lock in the transaction that writes the row, and no
-- program deletes a category. What keys would do when a season or category goes is done by a trigger there.
CREATE TABLE progress.activity_log (
    guild_id bigint NOT NULL,
    id bigint NOT NULL DEFAULT nextval('progress.activity_log_id_seq'),
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
    CONSTRAINT ck_activity_log_event_type CHECK (event_type IN ('MESSAGE', 'REACTION_GIVEN', 'REACTION_RECEIVED',
        'THREAD_CREATE', 'VOICE_TICK', 'QUEST_COMPLETE', 'MANUAL_AWARD', 'LEVEL_UP', 'ACHIEVEMENT_EARNED', 'VOICE_JOIN',
        'VOICE_LEAVE', 'CAMPAIGN_REWARD', 'LEARNING_REWARD', 'PURCHASE', 'REFUND', 'IMPORT')),
    CONSTRAINT ck_activity_log_source_system CHECK (length(source_system) BETWEEN 1 AND 30),
    CONSTRAINT ck_activity_log_source_event_id CHECK (length(source_event_id) BETWEEN 1 AND 160)
) PARTITION BY RANGE ("timestamp");
COMMENT ON TABLE progress.activity_log IS
    'Journal of XP, stars and gold (003), append-only, partitioned by month (UTC) and kept: members and '
    'user_stats are re-derived from it. The document''s unique index on the source is activity_keys, as a '
    'partitioned table cannot have it.';
COMMENT ON COLUMN progress.activity_log.id IS 'Number of the entry.';
COMMENT ON COLUMN progress.activity_log.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.activity_log.user_id IS
    'Who was rewarded, a snowflake: a member, whose row the writer holds locked.';
COMMENT ON COLUMN progress.activity_log.event_type IS
    'MESSAGE, REACTION_GIVEN, REACTION_RECEIVED, THREAD_CREATE, VOICE_TICK, QUEST_COMPLETE, MANUAL_AWARD, '
    'LEVEL_UP, ACHIEVEMENT_EARNED, VOICE_JOIN or VOICE_LEAVE (003); CAMPAIGN_REWARD, LEARNING_REWARD, PURCHASE, '
    'REFUND or IMPORT.';
COMMENT ON COLUMN progress.activity_log.season_id IS
    'Season it counted for, by its time; nulled by a trigger on seasons when that is deleted.';
COMMENT ON COLUMN progress.activity_log.category_id IS
    'Category of the channel it happened in; nulled by a trigger on categories when that is deleted.';
COMMENT ON COLUMN progress.activity_log.source_system IS
    'Where the cause is known: discord, campaigns, learning, community, import.';
COMMENT ON COLUMN progress.activity_log.source_event_id IS
    'The cause there; with source_system it counts once per guild: by activity_keys, or by event_keys for what the lake''s '
    'events earn (source_system discord).';
COMMENT ON COLUMN progress.activity_log.xp_delta IS 'XP gained; negative when taken back.';
COMMENT ON COLUMN progress.activity_log.star_delta IS 'Stars gained; negative when taken back.';
COMMENT ON COLUMN progress.activity_log.gold_delta IS 'Gold gained; negative when spent.';
COMMENT ON COLUMN progress.activity_log.metadata IS 'How the figures came about: base, multipliers, limits hit.';
COMMENT ON COLUMN progress.activity_log."timestamp" IS 'When it was earned.';
ALTER SEQUENCE progress.activity_log_id_seq OWNED BY progress.activity_log.id;
CREATE INDEX ix_activity_log_user_time ON progress.activity_log (guild_id, user_id, "timestamp" DESC, id DESC);
CREATE INDEX ix_activity_log_category_time ON progress.activity_log (guild_id, category_id, "timestamp")
    WHERE category_id IS NOT NULL;
-- What awards, quests, campaigns and imports gave, for charts: much rarer than what events did.
CREATE INDEX ix_activity_log_granted ON progress.activity_log (guild_id, "timestamp") INCLUDE (xp_delta, star_delta)
    WHERE source_system <> 'discord' AND (xp_delta <> 0 OR star_delta <> 0);
-- And the feed of one kind of what is not of events, such as the latest levels.
CREATE INDEX ix_activity_log_granted_kind ON progress.activity_log (guild_id, event_type, "timestamp", id)
    WHERE source_system <> 'discord';
-- Deleting a season or category nulls its column here (003), so that only the ledger's own columns are guarded.
CREATE TRIGGER tg_activity_log_append_only
    BEFORE DELETE OR UPDATE OF id, guild_id, user_id, event_type, source_system, source_event_id, xp_delta, star_delta,
        gold_delta, "timestamp" ON progress.activity_log
    FOR EACH ROW EXECUTE FUNCTION questhall.refuse_change();
CREATE TRIGGER tg_activity_log_no_truncate BEFORE TRUNCATE ON progress.activity_log
    FOR EACH STATEMENT EXECUTE FUNCTION questhall.refuse_change();
SELECT questhall.ensure_month_partitions('progress.activity_log', 3);
SELECT questhall.ensure_past_partitions('progress.activity_log', 5);

CREATE TABLE progress.activity_keys (
    guild_id bigint NOT NULL,
    source_system text COLLATE "C" NOT NULL,
    source_event_id text COLLATE "C" NOT NULL,
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

CREATE FUNCTION progress.journal_forget() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_TABLE_NAME = 'seasons' THEN
        UPDATE progress.activity_log a SET season_id = NULL
          FROM old_rows o WHERE a.guild_id = o.guild_id AND a.season_id = o.id;
    ELSE
        UPDATE progress.activity_log a SET category_id = NULL
          FROM old_rows o WHERE a.guild_id = o.guild_id AND a.category_id = o.id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION progress.journal_forget() IS
    'Statement trigger on seasons and categories: nulls what the journal says of deleted ones, as a foreign key would.';
CREATE TRIGGER tg_seasons_journal AFTER DELETE ON progress.seasons
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION progress.journal_forget();
CREATE TRIGGER tg_categories_journal AFTER DELETE ON lake.categories
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION progress.journal_forget();

-- A guild's days, summed up -------------------------------------------------------------------------------------------
-- A chart that adds up what every member did on every day it shows takes the longer the larger the guild is, and minutes
-- where a million members show a year.

CREATE TABLE progress.guild_days (
    guild_id bigint NOT NULL,
    day date NOT NULL,
    kind text COLLATE "C" NOT NULL,
    count bigint NOT NULL DEFAULT 0,
    xp bigint NOT NULL DEFAULT 0,
    stars bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_guild_days PRIMARY KEY (guild_id, day, kind),
    CONSTRAINT ck_guild_days_kind CHECK (length(kind) BETWEEN 1 AND 64),
    CONSTRAINT ck_guild_days_count CHECK (count >= 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE progress.guild_days IS
    'What happened in a guild on a day (UTC), by kind: the sums of event_counters of all members, and of what the lake''s events '
    'brought in activity_log. Changed in the transaction that takes the events, under the guild''s lock, so that nobody waits for '
    'its few rows. What was granted otherwise is not in it.';
COMMENT ON COLUMN progress.guild_days.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.guild_days.day IS 'The day, in UTC.';
COMMENT ON COLUMN progress.guild_days.kind IS
    'A type of event_lake.event_type, such as message_create: these rows count; or a kind of activity_log.event_type, such as '
    'MESSAGE: these count entries of source_system discord, and sum up what they gave.';
COMMENT ON COLUMN progress.guild_days.count IS 'How many events, or entries.';
COMMENT ON COLUMN progress.guild_days.xp IS 'XP of the entries.';
COMMENT ON COLUMN progress.guild_days.stars IS 'Stars of the entries.';

-- Achievements --------------------------------------------------------------------------------------------------------

CREATE TABLE progress.achievement_templates (
    guild_id bigint NOT NULL,
    id integer GENERATED ALWAYS AS IDENTITY,
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
    CONSTRAINT pk_achievement_templates PRIMARY KEY (guild_id, id),
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
    xp_paid integer NOT NULL DEFAULT 0,
    gold_paid integer NOT NULL DEFAULT 0,
    revoked_at timestamptz,
    revoked_by bigint,
    revoke_reason text,
    taken_back boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_user_achievements PRIMARY KEY (guild_id, user_id, achievement_id),
    CONSTRAINT fk_user_achievements_user_id_members FOREIGN KEY (guild_id, user_id)
        REFERENCES people.members (guild_id, user_id),
    CONSTRAINT fk_user_achievements_achievement_id_achievement_templates FOREIGN KEY (guild_id, achievement_id)
        REFERENCES progress.achievement_templates (guild_id, id),
    CONSTRAINT fk_user_achievements_season_id_seasons FOREIGN KEY (guild_id, season_id)
        REFERENCES progress.seasons (guild_id, id) ON DELETE SET NULL (season_id),
    CONSTRAINT ck_user_achievements_paid CHECK (xp_paid >= 0 AND gold_paid >= 0),
    CONSTRAINT ck_user_achievements_revoked CHECK (
        (revoked_by IS NULL OR revoked_at IS NOT NULL) AND (NOT taken_back OR revoked_at IS NOT NULL)
        AND length(revoke_reason) <= 500)
);
COMMENT ON TABLE progress.user_achievements IS 'Achievements earned (003); the primary key grants each once.';
COMMENT ON COLUMN progress.user_achievements.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.user_achievements.user_id IS 'Who earned it, a snowflake.';
COMMENT ON COLUMN progress.user_achievements.achievement_id IS 'Achievement earned.';
COMMENT ON COLUMN progress.user_achievements.season_id IS 'Season it was earned in, if one was active.';
COMMENT ON COLUMN progress.user_achievements.earned_at IS 'When it was earned.';
COMMENT ON COLUMN progress.user_achievements.granted_by IS
    'Administrator who granted it, a snowflake; null when earned by itself.';
COMMENT ON COLUMN progress.user_achievements.xp_paid IS 'XP paid for it.';
COMMENT ON COLUMN progress.user_achievements.gold_paid IS 'Gold paid for it.';
COMMENT ON COLUMN progress.user_achievements.revoked_at IS
    'When it was revoked; the row stays, so that it is not earned again by itself.';
COMMENT ON COLUMN progress.user_achievements.revoked_by IS 'Administrator who revoked it, a snowflake.';
COMMENT ON COLUMN progress.user_achievements.revoke_reason IS 'Why it was revoked.';
COMMENT ON COLUMN progress.user_achievements.taken_back IS 'Whether what was paid was taken back on revoking.';
CREATE INDEX ix_user_achievements_achievement_id
    ON progress.user_achievements (guild_id, achievement_id, earned_at, user_id);

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
