-- Discord as a face of the house: how much may be sent there, which interactions were answered, which commands it knows.

CREATE SCHEMA discord;
COMMENT ON SCHEMA discord IS 'The bot: what is sent to Discord, and how far what came from there was taken.';

-- What all nodes share -------------------------------------------------------------------------------------------------

CREATE TABLE discord.send_budgets (
    application_id bigint NOT NULL,
    next_at timestamptz NOT NULL DEFAULT now(),
    invalid_since timestamptz,
    invalid_count integer NOT NULL DEFAULT 0,
    closed_until timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_send_budgets PRIMARY KEY (application_id),
    CONSTRAINT ck_send_budgets_invalid_count CHECK (invalid_count >= 0),
    CONSTRAINT ck_send_budgets_invalid_since CHECK (invalid_count = 0 OR invalid_since IS NOT NULL)
) WITH (fillfactor = 50);
COMMENT ON TABLE discord.send_budgets IS
    'One row for each application: when the next request of any node may leave, and how many were refused of late. So '
    'all nodes together keep to one limit.';
COMMENT ON COLUMN discord.send_budgets.application_id IS 'Discord''s id of the application, a snowflake.';
COMMENT ON COLUMN discord.send_budgets.next_at IS 'When the next request may leave; after a global limit, when that ends.';
COMMENT ON COLUMN discord.send_budgets.invalid_since IS 'When the ten minutes began in which refusals are counted.';
COMMENT ON COLUMN discord.send_budgets.invalid_count IS
    'Answers 401, 403 and 429 since then, those of limits that are shared with others left out.';
COMMENT ON COLUMN discord.send_budgets.closed_until IS 'Until when nothing is sent, because too much was refused; null for open.';
COMMENT ON COLUMN discord.send_budgets.updated_at IS 'When the row last changed; kept by trigger.';
CREATE TRIGGER tg_send_budgets_touch BEFORE UPDATE ON discord.send_budgets
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE discord.command_sets (
    application_id bigint NOT NULL,
    hash bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_command_sets PRIMARY KEY (application_id),
    CONSTRAINT ck_command_sets_hash CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE discord.command_sets IS 'Which set of commands Discord has, by what was written or found there last.';
COMMENT ON COLUMN discord.command_sets.application_id IS 'Discord''s id of the application, a snowflake.';
COMMENT ON COLUMN discord.command_sets.hash IS 'SHA-256 of the set.';
COMMENT ON COLUMN discord.command_sets.written_at IS 'When that was.';

-- Interactions ---------------------------------------------------------------------------------------------------------

CREATE TABLE discord.interactions (
    guild_id bigint NOT NULL,
    interaction_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_interactions PRIMARY KEY (guild_id, interaction_id)
);
COMMENT ON TABLE discord.interactions IS
    'Interactions that were taken, so that none is carried out twice, whichever node or face it comes by. Gone within an hour.';
COMMENT ON COLUMN discord.interactions.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN discord.interactions.interaction_id IS 'Discord''s id of the interaction, a snowflake.';
COMMENT ON COLUMN discord.interactions.created_at IS 'When it was taken.';
CREATE INDEX ix_interactions_created_at ON discord.interactions (created_at);

-- Effects --------------------------------------------------------------------------------------------------------------

CREATE TABLE discord.effects (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    place bigint GENERATED ALWAYS AS IDENTITY,
    target text NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    dedupe_key text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    last_error text,
    settled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_discord_effects PRIMARY KEY (guild_id, id),
    CONSTRAINT uq_discord_effects_dedupe_key UNIQUE (guild_id, dedupe_key),
    CONSTRAINT ck_discord_effects_target CHECK (length(target) BETWEEN 1 AND 100),
    CONSTRAINT ck_discord_effects_kind CHECK (kind IN ('announcement', 'role')),
    CONSTRAINT ck_discord_effects_dedupe_key CHECK (length(dedupe_key) BETWEEN 1 AND 200),
    CONSTRAINT ck_discord_effects_status CHECK (status IN ('pending', 'done', 'dead')),
    CONSTRAINT ck_discord_effects_settled_at CHECK ((status = 'pending') = (settled_at IS NULL)),
    CONSTRAINT ck_discord_effects_attempts CHECK (attempts >= 0),
    CONSTRAINT ck_discord_effects_last_error CHECK (length(last_error) <= 500)
) WITH (fillfactor = 80);
COMMENT ON TABLE discord.effects IS
    'What is to be done on Discord, in order for each target. What cannot be done is kept with its reason, and can be sent again.';
COMMENT ON COLUMN discord.effects.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN discord.effects.id IS 'Identifier, time-ordered; what its nonce is made of.';
COMMENT ON COLUMN discord.effects.place IS 'In which order those on one target are done.';
COMMENT ON COLUMN discord.effects.target IS 'What it acts on, `channel:<id>` or `member:<id>`: effects on one target happen one after the other.';
COMMENT ON COLUMN discord.effects.kind IS 'announcement or role.';
COMMENT ON COLUMN discord.effects.payload IS 'What the request is made of: the event''s data.';
COMMENT ON COLUMN discord.effects.dedupe_key IS 'Makes one cause have one effect.';
COMMENT ON COLUMN discord.effects.status IS 'pending, done or dead.';
COMMENT ON COLUMN discord.effects.attempts IS 'How often it was tried.';
COMMENT ON COLUMN discord.effects.not_before IS 'When it may be tried next.';
COMMENT ON COLUMN discord.effects.last_error IS 'Why the last try failed, in words for administrators.';
COMMENT ON COLUMN discord.effects.settled_at IS 'When it was done or given up.';
COMMENT ON COLUMN discord.effects.created_at IS 'When the row was made.';
COMMENT ON COLUMN discord.effects.updated_at IS 'When the row last changed; kept by trigger.';
CREATE INDEX ix_discord_effects_pending ON discord.effects (guild_id, target, place) WHERE status = 'pending';
CREATE INDEX ix_discord_effects_due ON discord.effects (not_before, place) WHERE status = 'pending';
CREATE INDEX ix_discord_effects_settled_at ON discord.effects (settled_at) WHERE status <> 'pending';
CREATE TRIGGER tg_effects_touch BEFORE UPDATE ON discord.effects
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();

-- The gateway ----------------------------------------------------------------------------------------------------------

CREATE TABLE discord.gateway_shards (
    application_id bigint NOT NULL,
    shard integer NOT NULL,
    held_by uuid NOT NULL,
    held_until timestamptz NOT NULL,
    session_id text,
    resume_url text,
    sequence bigint,
    committed_at timestamptz,
    CONSTRAINT pk_gateway_shards PRIMARY KEY (application_id, shard),
    CONSTRAINT ck_gateway_shards_shard CHECK (shard >= 0),
    CONSTRAINT ck_gateway_shards_sequence CHECK (sequence >= 0),
    CONSTRAINT ck_gateway_shards_session CHECK ((session_id IS NULL) = (sequence IS NULL) AND (session_id IS NULL) = (resume_url IS NULL))
) WITH (fillfactor = 50);
COMMENT ON TABLE discord.gateway_shards IS
    'Connections to the gateway: which node holds each, and how far its events were taken. A connection goes on after the '
    'last one that was committed.';
COMMENT ON COLUMN discord.gateway_shards.application_id IS 'Discord''s id of the application, a snowflake.';
COMMENT ON COLUMN discord.gateway_shards.shard IS 'Which of its connections, from 0.';
COMMENT ON COLUMN discord.gateway_shards.held_by IS 'The start of a node that holds it.';
COMMENT ON COLUMN discord.gateway_shards.held_until IS 'Until when, unless it says more.';
COMMENT ON COLUMN discord.gateway_shards.session_id IS 'The session as Discord named it; null where there is none to go on with.';
COMMENT ON COLUMN discord.gateway_shards.resume_url IS 'Where Discord wants it to be resumed.';
COMMENT ON COLUMN discord.gateway_shards.sequence IS 'The last event whose effects were committed.';
COMMENT ON COLUMN discord.gateway_shards.committed_at IS 'When that was: the last proof of who was where.';

CREATE TABLE discord.guilds (
    guild_id bigint NOT NULL,
    present boolean NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_discord_guilds PRIMARY KEY (guild_id)
);
COMMENT ON TABLE discord.guilds IS 'Guilds that the bot is or was in, as the gateway says.';
COMMENT ON COLUMN discord.guilds.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN discord.guilds.present IS 'Whether the bot is in it. Nothing of a guild goes when the bot does.';
COMMENT ON COLUMN discord.guilds.changed_at IS 'Since when.';

CREATE TABLE discord.voice_states (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    channel_id bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_voice_states PRIMARY KEY (guild_id, user_id)
) WITH (fillfactor = 80);
COMMENT ON TABLE discord.voice_states IS 'Who is in which voice channel now: what later news is compared with.';
COMMENT ON COLUMN discord.voice_states.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN discord.voice_states.user_id IS 'Who, a snowflake.';
COMMENT ON COLUMN discord.voice_states.channel_id IS 'The channel, a snowflake.';
COMMENT ON COLUMN discord.voice_states.updated_at IS 'Since when.';

-- In step with Discord ------------------------------------------------------------------------------------------------

CREATE TABLE discord.syncs (
    guild_id bigint NOT NULL,
    kind text NOT NULL,
    wanted boolean NOT NULL,
    channel_id bigint,
    version bigint,
    next_at timestamptz,
    held_until timestamptz NOT NULL DEFAULT now(),
    looked_at timestamptz,
    done_at timestamptz,
    error text,
    found jsonb,
    CONSTRAINT pk_syncs PRIMARY KEY (guild_id, kind),
    CONSTRAINT ck_syncs_kind CHECK (kind IN ('setup', 'automod')),
    CONSTRAINT ck_syncs_next_at CHECK (next_at IS NOT NULL OR NOT wanted)
) WITH (fillfactor = 80);
COMMENT ON TABLE discord.syncs IS
    'What of a guild is kept in step with Discord: its set-up (categories, roles and channels for announcements follow Discord''s) and '
    'Discord''s own AutoMod (whose rules follow ours).';
COMMENT ON COLUMN discord.syncs.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN discord.syncs.kind IS 'What: setup or automod.';
COMMENT ON COLUMN discord.syncs.wanted IS 'Whether the guild wishes it; a row that does not tells that it did.';
COMMENT ON COLUMN discord.syncs.channel_id IS
    'Of a set-up: the channel for what is announced nowhere, until it is chosen for that.';
COMMENT ON COLUMN discord.syncs.version IS 'Of AutoMod: a number for the guild''s rules as they were when Discord was told last.';
COMMENT ON COLUMN discord.syncs.next_at IS
    'When Discord is asked next: soon after something changed, a few times a day otherwise; never where nothing is left to be done.';
COMMENT ON COLUMN discord.syncs.held_until IS 'Until when somebody is at it, unless they are done before; also their proof that they still are.';
COMMENT ON COLUMN discord.syncs.looked_at IS 'When somebody was done with it last, in step or not.';
COMMENT ON COLUMN discord.syncs.done_at IS 'When it was in step last.';
COMMENT ON COLUMN discord.syncs.error IS 'Why it was not in step when somebody was done with it last; none where it was.';
COMMENT ON COLUMN discord.syncs.found IS
    'Of a set-up: permissions that the bot lacked and roles that stood above its own, as {"lacks": [name], "above": [id]}.';
CREATE INDEX ix_syncs_next_at ON discord.syncs (kind, next_at);

-- Set-up ---------------------------------------------------------------------------------------------------------------

CREATE TABLE discord.setup_categories (
    guild_id bigint NOT NULL,
    discord_id bigint NOT NULL,
    category_id integer NOT NULL,
    name text NOT NULL,
    CONSTRAINT pk_setup_categories PRIMARY KEY (guild_id, discord_id),
    CONSTRAINT uq_setup_categories_category_id UNIQUE (guild_id, category_id),
    CONSTRAINT ck_setup_categories_name CHECK (length(name) BETWEEN 1 AND 100)
);
COMMENT ON TABLE discord.setup_categories IS 'Which category of ours stands for which of Discord''s.';
COMMENT ON COLUMN discord.setup_categories.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN discord.setup_categories.discord_id IS 'Discord''s, a channel''s snowflake.';
COMMENT ON COLUMN discord.setup_categories.category_id IS 'Ours (lake.categories); one that was removed by hand is not made again.';
COMMENT ON COLUMN discord.setup_categories.name IS 'The name that was given to ours: one that bears another by now is not renamed.';

CREATE TABLE discord.setup_channels (
    guild_id bigint NOT NULL,
    channel_id bigint NOT NULL,
    discord_id bigint NOT NULL,
    CONSTRAINT pk_setup_channels PRIMARY KEY (guild_id, channel_id),
    CONSTRAINT fk_setup_channels_discord_id FOREIGN KEY (guild_id, discord_id)
        REFERENCES discord.setup_categories (guild_id, discord_id) ON DELETE CASCADE
);
COMMENT ON TABLE discord.setup_channels IS 'In which category Discord had each channel when it was asked last: what is different then was moved there.';
COMMENT ON COLUMN discord.setup_channels.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN discord.setup_channels.channel_id IS 'The channel, a snowflake.';
COMMENT ON COLUMN discord.setup_channels.discord_id IS 'Discord''s category.';
CREATE INDEX ix_setup_channels_discord_id ON discord.setup_channels (guild_id, discord_id);

CREATE TABLE discord.setup_roles (
    guild_id bigint NOT NULL,
    discord_role_id bigint NOT NULL,
    role text NOT NULL,
    CONSTRAINT pk_setup_roles PRIMARY KEY (guild_id, discord_role_id),
    CONSTRAINT ck_setup_roles_role CHECK (role IN ('admin', 'moderator'))
);
COMMENT ON TABLE discord.setup_roles IS
    'Roles of Discord''s that confer one of ours because of what they permit there. What is taken from one by hand is not given again.';
COMMENT ON COLUMN discord.setup_roles.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN discord.setup_roles.discord_role_id IS 'Discord''s role, a snowflake.';
COMMENT ON COLUMN discord.setup_roles.role IS 'Ours: admin or moderator.';

-- Discord's own AutoMod -----------------------------------------------------------------------------------------------

CREATE TABLE discord.native_rules (
    guild_id bigint NOT NULL,
    rule_id uuid NOT NULL,
    discord_id bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT pk_native_rules PRIMARY KEY (guild_id, rule_id),
    CONSTRAINT uq_native_rules_discord_id UNIQUE (guild_id, discord_id),
    CONSTRAINT ck_native_rules_hash CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE discord.native_rules IS 'Which rule of Discord''s own AutoMod is made of which of ours.';
COMMENT ON COLUMN discord.native_rules.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN discord.native_rules.rule_id IS 'Ours (moderation.automod_rules).';
COMMENT ON COLUMN discord.native_rules.discord_id IS 'Discord''s, a snowflake.';
COMMENT ON COLUMN discord.native_rules.hash IS 'SHA-256 of what Discord was told.';

-- Messages that edit themselves ---------------------------------------------------------------------------------------

CREATE TABLE discord.live_boards (
    guild_id bigint NOT NULL,
    channel_id bigint NOT NULL,
    campaign_id uuid NOT NULL,
    message_id bigint NOT NULL,
    lang text NOT NULL,
    shown bytea NOT NULL,
    next_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_live_boards PRIMARY KEY (guild_id, channel_id, campaign_id),
    CONSTRAINT ck_live_boards_lang CHECK (lang IN ('en', 'de')),
    CONSTRAINT ck_live_boards_shown CHECK (octet_length(shown) = 32)
) WITH (fillfactor = 80);
COMMENT ON TABLE discord.live_boards IS
    'Scoreboards that edit themselves: one of a campaign in a channel. Gone when the standings are final, or the message is.';
COMMENT ON COLUMN discord.live_boards.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN discord.live_boards.channel_id IS 'Where it is, a snowflake.';
COMMENT ON COLUMN discord.live_boards.campaign_id IS 'Whose standings it shows.';
COMMENT ON COLUMN discord.live_boards.message_id IS 'The message, a snowflake.';
COMMENT ON COLUMN discord.live_boards.lang IS 'The language that it is in.';
COMMENT ON COLUMN discord.live_boards.shown IS 'SHA-256 of what it shows.';
COMMENT ON COLUMN discord.live_boards.next_at IS 'When it is looked at next.';
COMMENT ON COLUMN discord.live_boards.created_at IS 'When the row was made.';
CREATE INDEX ix_live_boards_next_at ON discord.live_boards (next_at);

-- Learning by forms ----------------------------------------------------------------------------------------------------

CREATE TABLE discord.quiz_drafts (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    quiz_id uuid NOT NULL,
    try_number integer NOT NULL,
    answers jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_quiz_drafts PRIMARY KEY (guild_id, user_id, quiz_id),
    CONSTRAINT ck_quiz_drafts_answers CHECK (jsonb_typeof(answers) = 'array' AND octet_length(answers::text) <= 65536)
);
COMMENT ON TABLE discord.quiz_drafts IS
    'Answers to the first pages of a quiz whose questions do not fit one of Discord''s forms. Gone within a week.';
COMMENT ON COLUMN discord.quiz_drafts.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN discord.quiz_drafts.user_id IS 'Who answers, a snowflake.';
COMMENT ON COLUMN discord.quiz_drafts.quiz_id IS 'The quiz, a step of a quest or an assessment.';
COMMENT ON COLUMN discord.quiz_drafts.try_number IS 'The try that they are of; those of another count no more.';
COMMENT ON COLUMN discord.quiz_drafts.answers IS 'The answers, as the quiz takes them.';
COMMENT ON COLUMN discord.quiz_drafts.updated_at IS 'When the last page came.';
CREATE INDEX ix_quiz_drafts_updated_at ON discord.quiz_drafts (updated_at);
