-- What taking events in one path needs beside the seed's tables: state of the limits that 003 leaves out, and partitions for
-- events that are older than the installation.

ALTER TABLE lake.reward_cooldowns ADD COLUMN late_at timestamptz;
COMMENT ON COLUMN lake.reward_cooldowns.rewarded_at IS 'The latest message there that earned something, by its own time.';
COMMENT ON COLUMN lake.reward_cooldowns.late_at IS
    'The message that earned something and was the last to arrive late; late ones obey the cooldown among themselves.';

ALTER TABLE lake.message_reactors ADD COLUMN reactions integer NOT NULL DEFAULT 1;
ALTER TABLE lake.message_reactors ADD CONSTRAINT ck_message_reactors_reactions CHECK (reactions >= 1);
COMMENT ON COLUMN lake.message_reactors.reactions IS
    'How often they reacted; stars are weighted by distinct reactors among all reactions.';

ALTER TABLE lake.voice_sessions
    ADD COLUMN left_at timestamptz,
    ADD COLUMN earns boolean NOT NULL DEFAULT true;
COMMENT ON TABLE lake.voice_sessions IS
    'Members in a voice channel, and those who left within the hour, so that coming back begins no new hour of ticks.';
COMMENT ON COLUMN lake.voice_sessions.left_at IS 'When they left; null while they are there.';
COMMENT ON COLUMN lake.voice_sessions.earns IS 'False with a role that earns nothing; they are company all the same.';
CREATE INDEX ix_voice_sessions_left_at ON lake.voice_sessions (left_at) WHERE left_at IS NOT NULL;

ALTER TABLE lake.event_lake ADD COLUMN refused text;
COMMENT ON COLUMN lake.event_lake.refused IS
    'Why it earned nothing, where a limit said so: bot, channel, role, cooldown, own_message or pair_limit.';

-- A member's gains of a season can be taken back in a later one.
ALTER TABLE progress.user_stats DROP CONSTRAINT ck_user_stats_counts;
ALTER TABLE progress.user_stats ADD CONSTRAINT ck_user_stats_counts CHECK (messages_sent >= 0 AND reactions_given >= 0
    AND reactions_received >= 0 AND threads_created >= 0 AND voice_minutes >= 0);

-- event_lake.source_id may be longer than the seed's activity_log.source_event_id.
ALTER TABLE progress.activity_log DROP CONSTRAINT ck_activity_log_source_event_id;
ALTER TABLE progress.activity_log ADD CONSTRAINT ck_activity_log_source_event_id
    CHECK (length(source_event_id) BETWEEN 1 AND 160);
COMMENT ON COLUMN progress.activity_log.source_event_id IS
    'The cause there; with source_system it counts once per guild: by activity_keys, or by event_keys for what the lake''s '
    'events earn (source_system discord).';

CREATE FUNCTION questhall.ensure_past_partitions(parent regclass, months_back integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    parent_schema text;
    parent_name text;
    this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    starts timestamp;
    part text;
    created integer := 0;
BEGIN
    IF months_back IS NULL OR months_back NOT BETWEEN 0 AND 120 THEN
        RAISE EXCEPTION 'months_back must be 0 to 120, not %', months_back USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT n.nspname, c.relname INTO STRICT parent_schema, parent_name
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = parent AND c.relkind = 'p';
    PERFORM pg_advisory_xact_lock(hashtextextended('questhall.ensure_month_partitions:' || parent::oid, 0));
    FOR i IN REVERSE months_back .. 1 LOOP
        starts := this_month - make_interval(months => i);
        part := format('%I.%I', parent_schema, parent_name || to_char(starts, '"_y"YYYY"m"MM'));
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS '
                       'INCLUDING STORAGE INCLUDING COMMENTS)', part, parent);
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', parent, part,
                       to_char(starts, 'YYYY-MM-DD"T00:00:00Z"'),
                       to_char(starts + interval '1 month', 'YYYY-MM-DD"T00:00:00Z"'));
        EXECUTE format('COMMENT ON TABLE %s IS %L', part,
                       format('%s.%s, %s (UTC).', parent_schema, parent_name, to_char(starts, 'YYYY-MM')));
        created := created + 1;
    END LOOP;
    RETURN created;
END
$$;
COMMENT ON FUNCTION questhall.ensure_past_partitions(regclass, integer) IS
    'Creates the missing monthly partitions of the months before this one, for history that is brought in, and returns how '
    'many it made. Months that retention dropped come again, empty, if asked for.';

-- The default retention of the lake, 90 days, and the month that a voice stay may reach back.
SELECT questhall.ensure_past_partitions('lake.event_lake', 4);
SELECT questhall.ensure_past_partitions('progress.activity_log', 5);
