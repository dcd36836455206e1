-- A guild's days, summed up. A chart of a guild added up what every one of its members did on every day it shows, which takes the longer
-- the larger the guild is, and minutes where a million members show a year.

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

INSERT INTO progress.guild_days (guild_id, day, kind, count)
SELECT guild_id, substr(period, 5)::date, event_type, sum(count)
  FROM lake.event_counters WHERE category_id = 0 AND period LIKE 'day:%'
 GROUP BY 1, 2, 3;
INSERT INTO progress.guild_days (guild_id, day, kind, count, xp, stars)
SELECT guild_id, ("timestamp" AT TIME ZONE 'UTC')::date, event_type, count(*), sum(xp_delta), sum(star_delta)
  FROM progress.activity_log WHERE source_system = 'discord'
 GROUP BY 1, 2, 3;

-- The rest of a chart: what awards, quests, campaigns and imports gave, much rarer than what events did.
CREATE INDEX ix_activity_log_granted ON progress.activity_log (guild_id, "timestamp") INCLUDE (xp_delta, star_delta)
    WHERE source_system <> 'discord' AND (xp_delta <> 0 OR star_delta <> 0);
-- And the feed of one kind of what is not of events, such as the latest levels.
CREATE INDEX ix_activity_log_granted_kind ON progress.activity_log (guild_id, event_type, "timestamp", id)
    WHERE source_system <> 'discord';

-- Counters are looked up by period no more, but for those of a season, which are made anew when it begins. Counters of days are kept for
-- good, and every one had its entry here.
DROP INDEX lake.ix_event_counters_period;
CREATE INDEX ix_event_counters_season ON lake.event_counters (guild_id) WHERE period = 'season';
