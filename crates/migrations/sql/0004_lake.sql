-- The event lake (003): what happened on Discord, its counters, the limits against gaming, categories and multipliers.
--
-- Texts that batches of events look up by the thousand are compared by their bytes (COLLATE "C"). In a database whose default
-- collation is another, each comparison is a call of the C library on copies of both texts: a tenth of what ingest takes
-- (docs/adr/0050-ingest.md). They are names and keys; nobody wants them in the order of a language.

CREATE SCHEMA lake;
COMMENT ON SCHEMA lake IS 'Events in, their counters and limits, categories of channels, multipliers.';

-- Categories and multipliers ------------------------------------------------------------------------------------------

CREATE TABLE lake.categories (
    guild_id bigint NOT NULL,
    id integer GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    description text,
    created_by bigint,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_categories PRIMARY KEY (guild_id, id),
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
    CONSTRAINT pk_category_channels PRIMARY KEY (guild_id, channel_id),
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
    guild_id bigint NOT NULL,
    id integer GENERATED ALWAYS AS IDENTITY,
    category_id integer NOT NULL,
    interaction_type text NOT NULL,
    xp_multiplier double precision NOT NULL DEFAULT 1.0,
    star_multiplier double precision NOT NULL DEFAULT 1.0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_category_multipliers PRIMARY KEY (guild_id, category_id, interaction_type),
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
    guild_id bigint NOT NULL,
    id integer GENERATED ALWAYS AS IDENTITY,
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
    CONSTRAINT pk_multiplier_events PRIMARY KEY (guild_id, id),
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

-- Events and counters -------------------------------------------------------------------------------------------------
-- A unique key of a partitioned table must contain the partition's column, so that source_id cannot be unique in
-- event_lake by itself. A key with the event's time would do only if every arrival of an event told the same time; a
-- reaction has no time of its own, only that of its arrival. Hence a table of keys, written in the same statement.

-- Numbers are fetched by the hundred: one lock and one record in the log for all of them. They order rows of one instant and one
-- transaction, no more.
CREATE SEQUENCE lake.event_lake_id_seq AS bigint CACHE 100;

CREATE TABLE lake.event_lake (
    guild_id bigint NOT NULL,
    id bigint NOT NULL DEFAULT nextval('lake.event_lake_id_seq'),
    user_id bigint NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    channel_id bigint,
    target_id bigint,
    payload jsonb NOT NULL DEFAULT '{}',
    source_id text,
    refused text,
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
COMMENT ON COLUMN lake.event_lake.refused IS
    'Why it earned nothing, where a limit said so: bot, channel, role, cooldown, own_message or pair_limit.';
COMMENT ON COLUMN lake.event_lake."timestamp" IS 'When it happened.';
ALTER SEQUENCE lake.event_lake_id_seq OWNED BY lake.event_lake.id;
CREATE INDEX ix_event_lake_user_ts ON lake.event_lake (guild_id, user_id, "timestamp" DESC);
CREATE INDEX ix_event_lake_type_ts ON lake.event_lake (guild_id, event_type, "timestamp" DESC);
CREATE INDEX ix_event_lake_channel_ts ON lake.event_lake (guild_id, channel_id, "timestamp" DESC)
    WHERE channel_id IS NOT NULL;
SELECT questhall.ensure_month_partitions('lake.event_lake', 3);
-- The default retention of the lake, 90 days, and the month that a voice stay may reach back.
SELECT questhall.ensure_past_partitions('lake.event_lake', 4);

CREATE TABLE lake.event_keys (
    guild_id bigint NOT NULL,
    source_id text COLLATE "C" NOT NULL,
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
    event_type text COLLATE "C" NOT NULL,
    category_id integer NOT NULL DEFAULT 0,
    period text COLLATE "C" NOT NULL,
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
-- Those of a season are made anew when it begins; nothing else is looked up by its period.
CREATE INDEX ix_event_counters_season ON lake.event_counters (guild_id) WHERE period = 'season';

-- Limits against gaming, which survive restarts -----------------------------------------------------------------------

CREATE TABLE lake.reward_cooldowns (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    channel_id bigint NOT NULL,
    rewarded_at timestamptz NOT NULL,
    CONSTRAINT pk_reward_cooldowns PRIMARY KEY (guild_id, user_id, channel_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE lake.reward_cooldowns IS
    'When a member was last rewarded for a message in a channel: the cooldown. Messages that come late are compared with the rewarded '
    'ones of the lake as well.';
COMMENT ON COLUMN lake.reward_cooldowns.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.reward_cooldowns.user_id IS 'Author, a snowflake.';
COMMENT ON COLUMN lake.reward_cooldowns.channel_id IS 'Channel, a snowflake.';
COMMENT ON COLUMN lake.reward_cooldowns.rewarded_at IS 'The latest message there that earned something, by its own time.';

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
    reactions integer NOT NULL DEFAULT 1,
    CONSTRAINT pk_message_reactors PRIMARY KEY (guild_id, message_id, reactor_id),
    CONSTRAINT ck_message_reactors_reactions CHECK (reactions >= 1)
);
COMMENT ON TABLE lake.message_reactors IS
    'Who reacted to a message: distinct reactors, and bursts of them. Rows go after a few days.';
COMMENT ON COLUMN lake.message_reactors.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.message_reactors.message_id IS 'Message, a snowflake.';
COMMENT ON COLUMN lake.message_reactors.reactor_id IS 'Who reacted, a snowflake.';
COMMENT ON COLUMN lake.message_reactors.reacted_at IS 'When they first did.';
COMMENT ON COLUMN lake.message_reactors.reactions IS
    'How often they reacted; stars are weighted by distinct reactors among all reactions.';
CREATE INDEX ix_message_reactors_reacted_at ON lake.message_reactors USING brin (reacted_at);

CREATE TABLE lake.voice_sessions (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    channel_id bigint NOT NULL,
    joined_at timestamptz NOT NULL,
    left_at timestamptz,
    last_tick_at timestamptz NOT NULL,
    muted boolean NOT NULL DEFAULT false,
    deafened boolean NOT NULL DEFAULT false,
    earns boolean NOT NULL DEFAULT true,
    hour_starts_at timestamptz NOT NULL,
    ticks_in_hour integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_voice_sessions PRIMARY KEY (guild_id, user_id),
    CONSTRAINT ck_voice_sessions_ticks_in_hour CHECK (ticks_in_hour >= 0)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE lake.voice_sessions IS
    'Members in a voice channel, and those who left within the hour, so that coming back begins no new hour of ticks.';
COMMENT ON COLUMN lake.voice_sessions.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN lake.voice_sessions.user_id IS 'Person, a snowflake.';
COMMENT ON COLUMN lake.voice_sessions.channel_id IS 'Voice channel, a snowflake.';
COMMENT ON COLUMN lake.voice_sessions.joined_at IS 'When they came in.';
COMMENT ON COLUMN lake.voice_sessions.left_at IS 'When they left; null while they are there.';
COMMENT ON COLUMN lake.voice_sessions.last_tick_at IS 'Up to when their time was counted.';
COMMENT ON COLUMN lake.voice_sessions.muted IS 'Whether they are muted.';
COMMENT ON COLUMN lake.voice_sessions.deafened IS 'Whether they are deafened.';
COMMENT ON COLUMN lake.voice_sessions.earns IS 'False with a role that earns nothing; they are company all the same.';
COMMENT ON COLUMN lake.voice_sessions.hour_starts_at IS 'Hour that ticks_in_hour counts.';
COMMENT ON COLUMN lake.voice_sessions.ticks_in_hour IS 'Rewarded ticks within that hour.';
CREATE INDEX ix_voice_sessions_channel_id ON lake.voice_sessions (guild_id, channel_id);
CREATE INDEX ix_voice_sessions_left_at ON lake.voice_sessions (left_at) WHERE left_at IS NOT NULL;
