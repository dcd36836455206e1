-- Campaigns: their lifecycle, timers, journal and standings (seeds 000 and 001, made one as spec.md section 1 says).
--
-- Indexes: 001 puts one on every column it filters by. Those on columns that flip with every transition (status, end_time)
-- would make each transition rewrite all index entries of the row; a guild's campaigns are few and found by guild, and what
-- is due is found through the timers' partial index, so they are left out (docs/adr/0004-campaign-indexes.md).

CREATE SCHEMA campaigns;
COMMENT ON SCHEMA campaigns IS 'Campaigns of coding challenges: lifecycle, durable timers, registration, standings, rewards.';

CREATE TABLE campaigns.campaigns (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    name text NOT NULL,
    description text,
    campaign_type text NOT NULL,
    status text NOT NULL DEFAULT 'CREATED',
    state text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN status = 'RUNNING' THEN 'active'
             WHEN status = 'CREATED' AND published_at IS NULL THEN 'draft'
             WHEN status = 'CREATED' THEN 'published'
             WHEN cancelled_at IS NOT NULL THEN 'cancelled'
             WHEN started_at IS NULL THEN 'lapsed'
             ELSE 'completed' END) STORED,
    metadata jsonb NOT NULL DEFAULT '{}',
    start_time timestamptz,
    end_time timestamptz,
    duration_hours integer NOT NULL,
    auto_close boolean NOT NULL DEFAULT true,
    rewards_enabled boolean NOT NULL DEFAULT true,
    release_delay_minutes integer NOT NULL DEFAULT 1440,
    scoring_type text NOT NULL DEFAULT 'time_based',
    starting_points integer,
    points_decrease_step integer,
    announcement_channel_id bigint,
    entry_fee bigint NOT NULL DEFAULT 0,
    freeze_minutes integer NOT NULL DEFAULT 0,
    early_access_minutes integer NOT NULL DEFAULT 0,
    late_join_minutes integer NOT NULL DEFAULT 0,
    allow_squad_moves boolean NOT NULL DEFAULT false,
    tell_borrowed_answers boolean NOT NULL DEFAULT true,
    limit_per_5s integer NOT NULL DEFAULT 1,
    limit_per_5min integer NOT NULL DEFAULT 10,
    lockout_seconds integer NOT NULL DEFAULT 0,
    lockout_factor double precision NOT NULL DEFAULT 2,
    reward_delay_minutes integer NOT NULL DEFAULT 5,
    claim_days integer NOT NULL DEFAULT 7,
    reminder_hours integer NOT NULL DEFAULT 24,
    expire_unstarted_minutes integer NOT NULL DEFAULT 60,
    expire_unclosed_minutes integer NOT NULL DEFAULT 120,
    expire_closed_hours integer NOT NULL DEFAULT 48,
    secret bytea NOT NULL,
    published_at timestamptz,
    started_at timestamptz,
    frozen_at timestamptz,
    closed_at timestamptz,
    reward_claim_at timestamptz,
    expired_at timestamptz,
    cancelled_at timestamptz,
    trigger_event text NOT NULL DEFAULT 'CREATED',
    changed_by text NOT NULL DEFAULT 'system',
    created_by bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_campaigns PRIMARY KEY (guild_id, id),
    CONSTRAINT ck_campaigns_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT ck_campaigns_description_length CHECK (char_length(description) <= 20000),
    CONSTRAINT ck_campaigns_type CHECK (campaign_type IN ('player', 'squad')),
    CONSTRAINT ck_campaigns_status CHECK (status IN ('CREATED', 'RUNNING', 'CLOSED', 'REWARD_CLAIM', 'EXPIRED')),
    CONSTRAINT ck_campaigns_scoring_type CHECK (scoring_type IN ('time_based', 'point_based')),
    CONSTRAINT ck_campaigns_scoring_points CHECK (
        scoring_type <> 'point_based' OR (starting_points IS NOT NULL AND points_decrease_step IS NOT NULL)),
    CONSTRAINT ck_campaigns_starting_points CHECK (starting_points BETWEEN 0 AND 1000000),
    CONSTRAINT ck_campaigns_points_decrease_step CHECK (points_decrease_step BETWEEN 0 AND 1000000),
    CONSTRAINT ck_campaigns_duration CHECK (duration_hours BETWEEN 1 AND 87600),
    CONSTRAINT ck_campaigns_time_range CHECK (end_time IS NULL OR end_time > start_time),
    CONSTRAINT ck_campaigns_end_time CHECK (
        end_time IS NOT DISTINCT FROM start_time + duration_hours * interval '1 hour'),
    CONSTRAINT ck_campaigns_started CHECK (status IN ('CREATED', 'EXPIRED') OR start_time IS NOT NULL),
    CONSTRAINT ck_campaigns_published CHECK (published_at IS NULL OR start_time IS NOT NULL),
    CONSTRAINT ck_campaigns_release_delay_positive CHECK (release_delay_minutes BETWEEN 1 AND 525600),
    CONSTRAINT ck_campaigns_entry_fee CHECK (entry_fee BETWEEN 0 AND 1000000000),
    CONSTRAINT ck_campaigns_windows CHECK (
        freeze_minutes BETWEEN 0 AND 5256000 AND early_access_minutes BETWEEN 0 AND 525600
        AND late_join_minutes BETWEEN 0 AND 5256000 AND reward_delay_minutes BETWEEN 0 AND 525600
        AND claim_days BETWEEN 1 AND 3650 AND reminder_hours BETWEEN 0 AND 87600
        AND expire_unstarted_minutes BETWEEN 1 AND 525600 AND expire_unclosed_minutes BETWEEN 1 AND 525600
        AND expire_closed_hours BETWEEN 1 AND 87600),
    CONSTRAINT ck_campaigns_limits CHECK (
        limit_per_5s BETWEEN 1 AND 1000 AND limit_per_5min BETWEEN 1 AND 60000
        AND lockout_seconds BETWEEN 0 AND 86400 AND lockout_factor BETWEEN 1 AND 10),
    CONSTRAINT ck_campaigns_secret CHECK (octet_length(secret) = 32)
) WITH (fillfactor = 80);
COMMENT ON TABLE campaigns.campaigns IS 'A campaign: a contest of challenges (or none) that starts, closes, rewards and expires by timers.';
COMMENT ON COLUMN campaigns.campaigns.id IS 'Time-ordered id, so that a guild''s campaigns list in order of creation.';
COMMENT ON COLUMN campaigns.campaigns.guild_id IS 'The guild (Discord server) it belongs to.';
COMMENT ON COLUMN campaigns.campaigns.name IS 'Display name, 1 to 100 characters.';
COMMENT ON COLUMN campaigns.campaigns.description IS 'Markdown, at most 20,000 characters.';
COMMENT ON COLUMN campaigns.campaigns.campaign_type IS 'Who competes: player or squad.';
COMMENT ON COLUMN campaigns.campaigns.status IS 'CREATED, RUNNING, CLOSED, REWARD_CLAIM or EXPIRED (seed 001); moves only as the transition trigger allows.';
COMMENT ON COLUMN campaigns.campaigns.state IS 'What became of it, in a word: draft, published, active, completed, cancelled, or lapsed where it never started.';
COMMENT ON COLUMN campaigns.campaigns.metadata IS 'Free-form extras of the author; never read by the engine.';
COMMENT ON COLUMN campaigns.campaigns.start_time IS 'When it starts (000''s start_date, 001''s start_time); null while an unscheduled draft.';
COMMENT ON COLUMN campaigns.campaigns.end_time IS 'start_time + duration_hours, kept so by a trigger and a constraint.';
COMMENT ON COLUMN campaigns.campaigns.duration_hours IS 'How long it runs, in hours.';
COMMENT ON COLUMN campaigns.campaigns.auto_close IS 'Whether a timer closes it at end_time; otherwise an admin does.';
COMMENT ON COLUMN campaigns.campaigns.rewards_enabled IS 'Whether rewards can be claimed after the close.';
COMMENT ON COLUMN campaigns.campaigns.release_delay_minutes IS 'Challenge n is released at start_time + (n-1) x this many minutes.';
COMMENT ON COLUMN campaigns.campaigns.scoring_type IS 'time_based (parts solved, then least total time) or point_based (points shrink with each solver).';
COMMENT ON COLUMN campaigns.campaigns.starting_points IS 'point_based: what the first solver of a part gets.';
COMMENT ON COLUMN campaigns.campaigns.points_decrease_step IS 'point_based: how much less each later solver gets; never below zero.';
COMMENT ON COLUMN campaigns.campaigns.announcement_channel_id IS 'Discord channel for announcements; null announces nowhere.';
COMMENT ON COLUMN campaigns.campaigns.entry_fee IS 'Bytes paid on registration; refunded if cancelled before the start.';
COMMENT ON COLUMN campaigns.campaigns.freeze_minutes IS 'The scoreboard freezes this many minutes before the end for all but admins; 0 never.';
COMMENT ON COLUMN campaigns.campaigns.early_access_minutes IS 'Testers see a challenge this many minutes before its release.';
COMMENT ON COLUMN campaigns.campaigns.late_join_minutes IS 'Who joins a squad after the start may act for it after this many minutes.';
COMMENT ON COLUMN campaigns.campaigns.tell_borrowed_answers IS 'Whether staff are told when somebody submits the answer to another participant''s input.';
COMMENT ON COLUMN campaigns.campaigns.allow_squad_moves IS 'Whether members may change squads while this squad campaign runs.';
COMMENT ON COLUMN campaigns.campaigns.limit_per_5s IS 'Answers a participant may submit in any 5 seconds.';
COMMENT ON COLUMN campaigns.campaigns.limit_per_5min IS 'Answers a participant may submit in any 5 minutes.';
COMMENT ON COLUMN campaigns.campaigns.lockout_seconds IS 'Lockout after a wrong answer in seconds; 0 is off.';
COMMENT ON COLUMN campaigns.campaigns.lockout_factor IS 'Each further wrong answer in a row multiplies the lockout by this.';
COMMENT ON COLUMN campaigns.campaigns.reward_delay_minutes IS 'CLOSED becomes REWARD_CLAIM this many minutes later.';
COMMENT ON COLUMN campaigns.campaigns.claim_days IS 'How long rewards can be claimed, in days; then the campaign expires.';
COMMENT ON COLUMN campaigns.campaigns.reminder_hours IS 'Who has not claimed is reminded this many hours before the claim window ends; 0 never.';
COMMENT ON COLUMN campaigns.campaigns.expire_unstarted_minutes IS 'Safety net: expires this many minutes after start_time if it never started.';
COMMENT ON COLUMN campaigns.campaigns.expire_unclosed_minutes IS 'Safety net: expires this many minutes after end_time if it never closed.';
COMMENT ON COLUMN campaigns.campaigns.expire_closed_hours IS 'Expires this many hours after CLOSED when no rewards are claimed.';
COMMENT ON COLUMN campaigns.campaigns.secret IS '256 random bits from which every input''s seed is derived; leaves the server in no export and no API.';
COMMENT ON COLUMN campaigns.campaigns.published_at IS 'When it was published, which schedules its timers and opens registration; null for a draft.';
COMMENT ON COLUMN campaigns.campaigns.started_at IS 'When it really started.';
COMMENT ON COLUMN campaigns.campaigns.frozen_at IS 'When the frozen scoreboard was stored.';
COMMENT ON COLUMN campaigns.campaigns.closed_at IS 'When it really closed.';
COMMENT ON COLUMN campaigns.campaigns.reward_claim_at IS 'When claims opened.';
COMMENT ON COLUMN campaigns.campaigns.expired_at IS 'When it expired or was cancelled.';
COMMENT ON COLUMN campaigns.campaigns.cancelled_at IS 'When an admin cancelled it; null otherwise.';
COMMENT ON COLUMN campaigns.campaigns.trigger_event IS 'What caused the latest transition; the journal trigger copies it.';
COMMENT ON COLUMN campaigns.campaigns.changed_by IS 'Who caused the latest transition: system, key:<id> or user:<id>.';
COMMENT ON COLUMN campaigns.campaigns.created_by IS 'The member who created it, where known.';
COMMENT ON COLUMN campaigns.campaigns.created_at IS 'When the row was made.';
COMMENT ON COLUMN campaigns.campaigns.updated_at IS 'When the row last changed.';

-- end_time is derived; it is a column so that it can be constrained and selected, and this trigger keeps it true.
CREATE FUNCTION campaigns.set_end_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.end_time := NEW.start_time + NEW.duration_hours * interval '1 hour';
    RETURN NEW;
END $$;
COMMENT ON FUNCTION campaigns.set_end_time() IS 'Keeps end_time = start_time + duration_hours.';
CREATE TRIGGER set_end_time BEFORE INSERT OR UPDATE OF start_time, duration_hours ON campaigns.campaigns
    FOR EACH ROW EXECUTE FUNCTION campaigns.set_end_time();
-- Transitions set updated_at themselves and so skip the call; a table with generated columns can't compare whole rows here.
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON campaigns.campaigns
    FOR EACH ROW WHEN (OLD.updated_at = NEW.updated_at)
    EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE campaigns.campaign_state_log (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    campaign_id uuid NOT NULL,
    from_state text,
    to_state text NOT NULL,
    trigger_event text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_campaign_state_log PRIMARY KEY (guild_id, campaign_id, created_at, id),
    CONSTRAINT ck_campaign_state_log_from_state CHECK (from_state IN ('CREATED', 'RUNNING', 'CLOSED', 'REWARD_CLAIM', 'EXPIRED')),
    CONSTRAINT ck_campaign_state_log_to_state CHECK (to_state IN ('CREATED', 'RUNNING', 'CLOSED', 'REWARD_CLAIM', 'EXPIRED')),
    CONSTRAINT ck_campaign_state_log_transition CHECK (from_state IS NULL OR from_state <> to_state)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE campaigns.campaign_state_log IS 'Journal of every transition, written by trigger; by month, a year-old month is detached into the archive. No foreign key: a check per row would cost more than the row, and the journal goes with its campaign by trigger.';
COMMENT ON COLUMN campaigns.campaign_state_log.id IS 'Time-ordered id.';
COMMENT ON COLUMN campaigns.campaign_state_log.campaign_id IS 'The campaign that moved.';
COMMENT ON COLUMN campaigns.campaign_state_log.guild_id IS 'Its guild.';
COMMENT ON COLUMN campaigns.campaign_state_log.from_state IS 'The status before; null when it was created.';
COMMENT ON COLUMN campaigns.campaign_state_log.to_state IS 'The status after.';
COMMENT ON COLUMN campaigns.campaign_state_log.trigger_event IS 'The timer type or admin action that moved it.';
COMMENT ON COLUMN campaigns.campaign_state_log.metadata IS 'Who moved it (changed_by) and the row''s previous updated_at.';
COMMENT ON COLUMN campaigns.campaign_state_log.created_at IS 'When it moved; the partition key.';
SELECT questhall.ensure_month_partitions('campaigns.campaign_state_log', 3);

CREATE TABLE campaigns.campaign_state_log_archive (
    guild_id bigint NOT NULL,
    id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    from_state text,
    to_state text NOT NULL,
    trigger_event text NOT NULL,
    metadata jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_campaign_state_log_archive PRIMARY KEY (guild_id, campaign_id, created_at, id)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE campaigns.campaign_state_log_archive IS 'Months of the journal that are over a year old: partitions move here by detach and attach, no row is copied.';
COMMENT ON COLUMN campaigns.campaign_state_log_archive.id IS 'As in campaign_state_log.';
COMMENT ON COLUMN campaigns.campaign_state_log_archive.campaign_id IS 'As in campaign_state_log.';
COMMENT ON COLUMN campaigns.campaign_state_log_archive.guild_id IS 'As in campaign_state_log.';
COMMENT ON COLUMN campaigns.campaign_state_log_archive.from_state IS 'As in campaign_state_log.';
COMMENT ON COLUMN campaigns.campaign_state_log_archive.to_state IS 'As in campaign_state_log.';
COMMENT ON COLUMN campaigns.campaign_state_log_archive.trigger_event IS 'As in campaign_state_log.';
COMMENT ON COLUMN campaigns.campaign_state_log_archive.metadata IS 'As in campaign_state_log.';
COMMENT ON COLUMN campaigns.campaign_state_log_archive.created_at IS 'As in campaign_state_log; the partition key.';

-- Once per statement, not per row: a batch of 500 timers moves 500 campaigns with one call of each. The plan is kept from a
-- session's first call, often of a single row; a nested loop, right for one, would compare 500 x 500 rows.
CREATE FUNCTION campaigns.log_campaign_state_change() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE
    bad record;
BEGIN
    SELECT id, o.status AS from_state, n.status AS to_state INTO bad
    FROM old_rows o JOIN new_rows n USING (guild_id, id)
    WHERE o.status <> n.status
      AND (o.status, n.status) NOT IN (
          ('CREATED', 'RUNNING'), ('CREATED', 'EXPIRED'),
          ('RUNNING', 'CLOSED'), ('RUNNING', 'EXPIRED'),
          ('CLOSED', 'REWARD_CLAIM'), ('CLOSED', 'EXPIRED'),
          ('REWARD_CLAIM', 'EXPIRED'))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Invalid state transition of campaign % from % to %', bad.id, bad.from_state, bad.to_state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_campaigns_transition';
    END IF;
    INSERT INTO campaigns.campaign_state_log (campaign_id, guild_id, from_state, to_state, trigger_event, metadata)
    SELECT id, guild_id, o.status, n.status, n.trigger_event,
           jsonb_build_object('changed_by', n.changed_by, 'previous_updated_at', o.updated_at)
    FROM old_rows o JOIN new_rows n USING (guild_id, id)
    WHERE o.status <> n.status;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION campaigns.log_campaign_state_change() IS 'Refuses transitions that seed 001 does not allow (with CREATED to EXPIRED added) and journals the rest.';
CREATE TRIGGER log_campaign_state_change AFTER UPDATE ON campaigns.campaigns
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns.log_campaign_state_change();

CREATE FUNCTION campaigns.log_campaign_created() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns.campaign_state_log (campaign_id, guild_id, from_state, to_state, trigger_event, metadata)
    SELECT id, guild_id, NULL, status, trigger_event, jsonb_build_object('changed_by', changed_by) FROM new_rows;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION campaigns.log_campaign_created() IS 'Journals the birth of a campaign.';
CREATE TRIGGER log_campaign_created AFTER INSERT ON campaigns.campaigns
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns.log_campaign_created();

CREATE TABLE campaigns.campaign_timers (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    campaign_id uuid NOT NULL,
    timer_type text NOT NULL,
    status text NOT NULL DEFAULT 'PENDING',
    scheduled_at timestamptz NOT NULL,
    executed_at timestamptz,
    payload jsonb NOT NULL DEFAULT '{}',
    retry_count integer NOT NULL DEFAULT 0,
    crash_count integer NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_campaign_timers PRIMARY KEY (guild_id, id),
    CONSTRAINT fk_campaign_timers_campaign_id_campaigns FOREIGN KEY (guild_id, campaign_id)
        REFERENCES campaigns.campaigns (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_campaign_timers_timer_type CHECK (timer_type IN (
        'START_CAMPAIGN', 'RELEASE_CHALLENGE', 'FREEZE_STANDINGS', 'CLOSE_CAMPAIGN', 'OPEN_REWARD_CLAIM', 'REWARD_REMINDER',
        'EXPIRE_CAMPAIGN')),
    CONSTRAINT ck_campaign_timers_status CHECK (status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')),
    CONSTRAINT ck_campaign_timers_retry_count CHECK (retry_count BETWEEN 0 AND 5)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX ix_campaign_timers_campaign_id ON campaigns.campaign_timers (guild_id, campaign_id);
CREATE INDEX ix_campaign_timers_due ON campaigns.campaign_timers (scheduled_at, id) WHERE status = 'PENDING';
CREATE INDEX ix_campaign_timers_failed ON campaigns.campaign_timers (guild_id, updated_at) WHERE status = 'FAILED';
CREATE UNIQUE INDEX uq_campaign_timers_active ON campaigns.campaign_timers (guild_id, campaign_id, timer_type)
    WHERE status IN ('PENDING', 'RUNNING');
COMMENT ON TABLE campaigns.campaign_timers IS 'Durable timers of campaigns. Claim, effect and completion of a timer commit together, so RUNNING is never stored by the engine; it stays for 001''s readers.';
COMMENT ON COLUMN campaigns.campaign_timers.id IS 'Time-ordered id.';
COMMENT ON COLUMN campaigns.campaign_timers.campaign_id IS 'The campaign it acts on.';
COMMENT ON COLUMN campaigns.campaign_timers.guild_id IS 'Its guild.';
COMMENT ON COLUMN campaigns.campaign_timers.timer_type IS '001''s four types, RELEASE_CHALLENGE (spec.md), FREEZE_STANDINGS and OPEN_REWARD_CLAIM.';
COMMENT ON COLUMN campaigns.campaign_timers.status IS 'PENDING until executed, FAILED after five failures, CANCELLED when no longer wanted.';
COMMENT ON COLUMN campaigns.campaign_timers.scheduled_at IS 'When it is due by the database''s clock.';
COMMENT ON COLUMN campaigns.campaign_timers.executed_at IS 'When it was executed.';
COMMENT ON COLUMN campaigns.campaign_timers.payload IS 'Details of the type, such as the position of the challenge to release.';
COMMENT ON COLUMN campaigns.campaign_timers.retry_count IS 'Failures so far, at most five.';
COMMENT ON COLUMN campaigns.campaign_timers.crash_count IS 'Times a node died while it ran this timer alone; finds the timer that kills nodes.';
COMMENT ON COLUMN campaigns.campaign_timers.last_error IS 'The latest failure, for admins.';
COMMENT ON COLUMN campaigns.campaign_timers.created_at IS 'When it was scheduled.';
COMMENT ON COLUMN campaigns.campaign_timers.updated_at IS 'When it last changed.';
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON campaigns.campaign_timers
    FOR EACH ROW WHEN (OLD.updated_at = NEW.updated_at AND OLD.* IS DISTINCT FROM NEW.*)
    EXECUTE FUNCTION questhall.touch_updated_at();

CREATE FUNCTION campaigns.validate_timer_schedule() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bad uuid;
BEGIN
    SELECT n.campaign_id INTO bad FROM new_rows n JOIN campaigns.campaigns c ON c.guild_id = n.guild_id AND c.id = n.campaign_id
    WHERE c.status = 'EXPIRED' AND n.status = 'PENDING' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Cannot schedule timer for expired campaign: %', bad
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_campaign_timers_not_expired';
    END IF;
    SELECT n.campaign_id INTO bad FROM new_rows n WHERE n.status = 'PENDING' AND n.scheduled_at < now() - interval '1 minute' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Cannot schedule timer in the past for campaign: %', bad
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_campaign_timers_not_past';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION campaigns.validate_timer_schedule() IS 'Refuses timers of expired campaigns and timers due over a minute ago; who schedules late work clamps it to now().';
CREATE TRIGGER validate_timer_schedule AFTER INSERT ON campaigns.campaign_timers
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns.validate_timer_schedule();

CREATE TABLE campaigns.timer_executions (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    timer_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    timer_type text NOT NULL,
    status text NOT NULL DEFAULT 'STARTED',
    result jsonb,
    error_message text,
    started_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    execution_time_ms integer,
    lateness_ms integer,
    node_id uuid,
    CONSTRAINT pk_timer_executions PRIMARY KEY (guild_id, timer_id, started_at, id),
    CONSTRAINT ck_timer_executions_status CHECK (status IN ('STARTED', 'COMPLETED', 'FAILED')),
    CONSTRAINT ck_timer_executions_execution_time CHECK (execution_time_ms IS NULL OR execution_time_ms >= 0),
    CONSTRAINT ck_timer_executions_completion CHECK ((status = 'STARTED') = (completed_at IS NULL))
) PARTITION BY RANGE (started_at);
CREATE INDEX ix_timer_executions_started_at ON campaigns.timer_executions USING brin (started_at);
CREATE INDEX ix_timer_executions_failed ON campaigns.timer_executions (guild_id, started_at) WHERE status = 'FAILED';
COMMENT ON TABLE campaigns.timer_executions IS 'One row for every run of a timer, written in the run''s own transaction; by month. No foreign key: see campaign_state_log.';
COMMENT ON COLUMN campaigns.timer_executions.id IS 'Time-ordered id.';
COMMENT ON COLUMN campaigns.timer_executions.timer_id IS 'The timer that ran.';
COMMENT ON COLUMN campaigns.timer_executions.campaign_id IS 'Its campaign.';
COMMENT ON COLUMN campaigns.timer_executions.guild_id IS 'Its guild.';
COMMENT ON COLUMN campaigns.timer_executions.timer_type IS 'Its type, kept here so that figures need no join.';
COMMENT ON COLUMN campaigns.timer_executions.status IS 'COMPLETED or FAILED; STARTED is 001''s and never stored, since a run commits whole.';
COMMENT ON COLUMN campaigns.timer_executions.result IS 'What it did, such as the challenge released; null when there is nothing to say.';
COMMENT ON COLUMN campaigns.timer_executions.error_message IS 'Why it failed.';
COMMENT ON COLUMN campaigns.timer_executions.started_at IS 'When the run''s transaction began; the partition key.';
COMMENT ON COLUMN campaigns.timer_executions.completed_at IS 'When the effect was done.';
COMMENT ON COLUMN campaigns.timer_executions.execution_time_ms IS 'How long the run''s batch took up to this row, in milliseconds.';
COMMENT ON COLUMN campaigns.timer_executions.lateness_ms IS 'How long after scheduled_at the run began, in milliseconds.';
COMMENT ON COLUMN campaigns.timer_executions.node_id IS 'The node that ran it.';
SELECT questhall.ensure_month_partitions('campaigns.timer_executions', 3);

CREATE TABLE campaigns.campaign_metrics (
    guild_id bigint NOT NULL,
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    campaign_id uuid NOT NULL,
    metric_type text NOT NULL,
    value numeric(15, 4) NOT NULL,
    attributes jsonb NOT NULL DEFAULT '{}',
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_campaign_metrics PRIMARY KEY (guild_id, campaign_id, metric_type, recorded_at, id),
    CONSTRAINT ck_campaign_metrics_metric_type CHECK (metric_type IN (
        'ENGAGEMENT_COUNT', 'PARTICIPANT_COUNT', 'REWARD_CLAIMED', 'TIMER_EXECUTION_TIME', 'STATE_TRANSITION_TIME'))
) PARTITION BY RANGE (recorded_at);
COMMENT ON TABLE campaigns.campaign_metrics IS 'Figures over time, rolled up every minute from the journals by a scheduled job; by month. PARTICIPANT_COUNT is a total, other counts are per minute.';
COMMENT ON COLUMN campaigns.campaign_metrics.id IS 'Time-ordered id.';
COMMENT ON COLUMN campaigns.campaign_metrics.campaign_id IS 'The campaign measured.';
COMMENT ON COLUMN campaigns.campaign_metrics.guild_id IS 'Its guild.';
COMMENT ON COLUMN campaigns.campaign_metrics.metric_type IS '001''s five types; counts are per minute, times are means in milliseconds.';
COMMENT ON COLUMN campaigns.campaign_metrics.value IS 'The figure.';
COMMENT ON COLUMN campaigns.campaign_metrics.attributes IS 'What it was measured over, such as the timer type and the number of runs.';
COMMENT ON COLUMN campaigns.campaign_metrics.recorded_at IS 'The end of the minute measured; the partition key.';
SELECT questhall.ensure_month_partitions('campaigns.campaign_metrics', 3);

CREATE FUNCTION campaigns.delete_campaign_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM campaigns.campaign_state_log l USING old_rows o WHERE l.guild_id = o.guild_id AND l.campaign_id = o.id;
    DELETE FROM campaigns.campaign_metrics m USING old_rows o WHERE m.guild_id = o.guild_id AND m.campaign_id = o.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION campaigns.delete_campaign_history() IS 'Stands in for the ON DELETE CASCADE that the journals lack.';
CREATE TRIGGER delete_campaign_history AFTER DELETE ON campaigns.campaigns
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION campaigns.delete_campaign_history();
CREATE FUNCTION campaigns.delete_timer_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM campaigns.timer_executions e USING old_rows o WHERE e.guild_id = o.guild_id AND e.timer_id = o.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION campaigns.delete_timer_history() IS 'Stands in for the ON DELETE CASCADE that timer_executions lacks.';
CREATE TRIGGER delete_timer_history AFTER DELETE ON campaigns.campaign_timers
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION campaigns.delete_timer_history();

CREATE TABLE campaigns.campaign_participants (
    guild_id bigint NOT NULL,
    campaign_id uuid NOT NULL,
    participant_id text NOT NULL,
    participant_type text NOT NULL,
    display_name text NOT NULL,
    registered_by bigint NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    fee_paid bigint NOT NULL DEFAULT 0,
    points bigint NOT NULL DEFAULT 0,
    penalty bigint NOT NULL DEFAULT 0,
    parts_solved integer NOT NULL DEFAULT 0,
    total_ms bigint NOT NULL DEFAULT 0,
    last_correct_at timestamptz NOT NULL DEFAULT 'infinity',
    rank_major bigint NOT NULL DEFAULT -1,
    rank_minor bigint NOT NULL DEFAULT 0,
    bucket integer NOT NULL DEFAULT -1,
    wrong_streak integer NOT NULL DEFAULT 0,
    locked_until timestamptz,
    CONSTRAINT pk_campaign_participants PRIMARY KEY (guild_id, campaign_id, participant_id),
    CONSTRAINT fk_campaign_participants_campaign_id_campaigns FOREIGN KEY (guild_id, campaign_id)
        REFERENCES campaigns.campaigns (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_campaign_participants_participant_type CHECK (participant_type IN ('player', 'squad')),
    CONSTRAINT ck_campaign_participants_display_name CHECK (char_length(display_name) BETWEEN 1 AND 100),
    CONSTRAINT ck_campaign_participants_counts CHECK (
        points >= 0 AND penalty >= 0 AND parts_solved >= 0 AND total_ms >= 0 AND fee_paid >= 0 AND wrong_streak >= 0)
) WITH (fillfactor = 75);
-- The bucket leads the rank keys, with which it never disagrees, so that counting who is better within a bucket is a range.
CREATE INDEX ix_campaign_participants_rank ON campaigns.campaign_participants
    (campaign_id, bucket DESC, rank_major DESC, rank_minor, last_correct_at, participant_id) INCLUDE (guild_id);
-- A campaign's rows are of one guild. Planned as if the two were unrelated, hardly any row would seem to be of both, and any index
-- that begins with them as good as another.
CREATE STATISTICS campaigns.st_campaign_participants (dependencies) ON guild_id, campaign_id FROM campaigns.campaign_participants;
COMMENT ON TABLE campaigns.campaign_participants IS 'Who takes part, and the score kept beside: every figure here can be re-derived from submissions and hint unlocks (questhall audit does).';
COMMENT ON COLUMN campaigns.campaign_participants.campaign_id IS 'The campaign.';
COMMENT ON COLUMN campaigns.campaign_participants.participant_id IS 'A player''s snowflake or a squad''s uuid, as text (seed 000).';
COMMENT ON COLUMN campaigns.campaign_participants.participant_type IS 'player or squad.';
COMMENT ON COLUMN campaigns.campaign_participants.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN campaigns.campaign_participants.display_name IS 'The name at registration: shown where there is no newer one, as of who is no member any more.';
COMMENT ON COLUMN campaigns.campaign_participants.registered_by IS 'The member who registered, and paid the fee.';
COMMENT ON COLUMN campaigns.campaign_participants.registered_at IS 'When.';
COMMENT ON COLUMN campaigns.campaign_participants.fee_paid IS 'Bytes paid on registration: what a refund pays back.';
COMMENT ON COLUMN campaigns.campaign_participants.points IS 'Sum of points awarded.';
COMMENT ON COLUMN campaigns.campaign_participants.penalty IS 'Sum of hint penalties: points (point_based) or seconds (time_based).';
COMMENT ON COLUMN campaigns.campaign_participants.parts_solved IS 'Parts solved.';
COMMENT ON COLUMN campaigns.campaign_participants.total_ms IS 'Sum over solved parts of submission minus first request of the input, in milliseconds.';
COMMENT ON COLUMN campaigns.campaign_participants.last_correct_at IS 'The last right answer; infinity before the first, so that those come last.';
COMMENT ON COLUMN campaigns.campaign_participants.rank_major IS 'First rank key, more is better: points less penalty (at least 0), or parts solved; -1 before the first right answer.';
COMMENT ON COLUMN campaigns.campaign_participants.rank_minor IS 'Second rank key, less is better: 0, or total_ms with a second for each penalty.';
COMMENT ON COLUMN campaigns.campaign_participants.bucket IS 'The histogram bucket of this score in standing_buckets, more is better; -1 before the first right answer.';
COMMENT ON COLUMN campaigns.campaign_participants.wrong_streak IS 'Wrong answers in a row, for the growing lockout.';
COMMENT ON COLUMN campaigns.campaign_participants.locked_until IS 'No answer is taken before this time.';

CREATE TABLE campaigns.standing_buckets (
    guild_id bigint NOT NULL,
    campaign_id uuid NOT NULL,
    bucket integer NOT NULL,
    participants integer NOT NULL,
    CONSTRAINT pk_standing_buckets PRIMARY KEY (guild_id, campaign_id, bucket),
    CONSTRAINT fk_standing_buckets_campaign_id_campaigns FOREIGN KEY (guild_id, campaign_id)
        REFERENCES campaigns.campaigns (guild_id, id) ON DELETE CASCADE
) WITH (fillfactor = 50);
COMMENT ON TABLE campaigns.standing_buckets IS 'Histogram of the scores of those who solved something: own rank is the sum of better buckets plus a count within one, not a count of everybody better.';
COMMENT ON COLUMN campaigns.standing_buckets.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN campaigns.standing_buckets.campaign_id IS 'The campaign.';
COMMENT ON COLUMN campaigns.standing_buckets.bucket IS 'The bucket; more is better.';
COMMENT ON COLUMN campaigns.standing_buckets.participants IS 'How many participants'' scores lie in it. Never below zero (the audit looks), but not CHECKed: changes are upserted as differences in one ordered statement, and a check judges the row to be inserted before the conflict that turns it into an update.';

CREATE TABLE campaigns.campaign_squad_rosters (
    guild_id bigint NOT NULL,
    campaign_id uuid NOT NULL,
    user_id bigint NOT NULL,
    squad_id uuid NOT NULL,
    CONSTRAINT pk_campaign_squad_rosters PRIMARY KEY (guild_id, campaign_id, user_id),
    CONSTRAINT fk_campaign_squad_rosters_campaign_id_campaigns FOREIGN KEY (guild_id, campaign_id)
        REFERENCES campaigns.campaigns (guild_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_campaign_squad_rosters_squad_id ON campaigns.campaign_squad_rosters (campaign_id, squad_id);
COMMENT ON TABLE campaigns.campaign_squad_rosters IS 'Squad membership as it was when the campaign started: that is who may act for which squad.';
COMMENT ON COLUMN campaigns.campaign_squad_rosters.campaign_id IS 'The campaign.';
COMMENT ON COLUMN campaigns.campaign_squad_rosters.user_id IS 'The member.';
COMMENT ON COLUMN campaigns.campaign_squad_rosters.squad_id IS 'The squad at the start.';
COMMENT ON COLUMN campaigns.campaign_squad_rosters.guild_id IS 'The campaign''s guild.';

CREATE TABLE campaigns.campaign_testers (
    guild_id bigint NOT NULL,
    campaign_id uuid NOT NULL,
    user_id bigint NOT NULL,
    CONSTRAINT pk_campaign_testers PRIMARY KEY (guild_id, campaign_id, user_id),
    CONSTRAINT fk_campaign_testers_campaign_id_campaigns FOREIGN KEY (guild_id, campaign_id)
        REFERENCES campaigns.campaigns (guild_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE campaigns.campaign_testers IS 'Members with early access to challenges.';
COMMENT ON COLUMN campaigns.campaign_testers.campaign_id IS 'The campaign.';
COMMENT ON COLUMN campaigns.campaign_testers.user_id IS 'The tester.';
COMMENT ON COLUMN campaigns.campaign_testers.guild_id IS 'The campaign''s guild.';

CREATE TABLE campaigns.campaign_rewards (
    guild_id bigint NOT NULL,
    campaign_id uuid NOT NULL,
    position integer NOT NULL,
    rank_from integer,
    rank_to integer,
    bytes bigint NOT NULL DEFAULT 0,
    xp bigint NOT NULL DEFAULT 0,
    gold bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_campaign_rewards PRIMARY KEY (guild_id, campaign_id, position),
    CONSTRAINT fk_campaign_rewards_campaign_id_campaigns FOREIGN KEY (guild_id, campaign_id)
        REFERENCES campaigns.campaigns (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_campaign_rewards_ranks CHECK ((rank_from IS NULL) = (rank_to IS NULL) AND (rank_from IS NULL OR 1 <= rank_from AND rank_from <= rank_to)),
    CONSTRAINT ck_campaign_rewards_amounts CHECK (
        bytes BETWEEN 0 AND 1000000000 AND xp BETWEEN 0 AND 1000000000 AND gold BETWEEN 0 AND 1000000000)
);
COMMENT ON TABLE campaigns.campaign_rewards IS 'The reward table: by rank range, and a row without ranks for everyone who solved at least one part.';
COMMENT ON COLUMN campaigns.campaign_rewards.campaign_id IS 'The campaign.';
COMMENT ON COLUMN campaigns.campaign_rewards.position IS 'Order in the author''s table; the first range that fits a rank counts.';
COMMENT ON COLUMN campaigns.campaign_rewards.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN campaigns.campaign_rewards.rank_from IS 'Best rank of the range; null for the reward for taking part.';
COMMENT ON COLUMN campaigns.campaign_rewards.rank_to IS 'Last rank of the range.';
COMMENT ON COLUMN campaigns.campaign_rewards.bytes IS 'Bytes for the participant.';
COMMENT ON COLUMN campaigns.campaign_rewards.xp IS 'XP for the participant.';
COMMENT ON COLUMN campaigns.campaign_rewards.gold IS 'Gold for the participant.';

CREATE TABLE campaigns.campaign_standings (
    guild_id bigint NOT NULL,
    campaign_id uuid NOT NULL,
    snapshot text NOT NULL,
    position integer NOT NULL,
    rank integer NOT NULL,
    participant_id text NOT NULL,
    participant_type text NOT NULL,
    display_name text NOT NULL,
    points bigint NOT NULL,
    penalty bigint NOT NULL,
    parts_solved integer NOT NULL,
    total_ms bigint NOT NULL,
    last_correct_at timestamptz,
    CONSTRAINT pk_campaign_standings PRIMARY KEY (guild_id, campaign_id, snapshot, position),
    CONSTRAINT fk_campaign_standings_campaign_id_campaigns FOREIGN KEY (guild_id, campaign_id)
        REFERENCES campaigns.campaigns (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT uq_campaign_standings_participant UNIQUE (guild_id, campaign_id, snapshot, participant_id),
    CONSTRAINT ck_campaign_standings_snapshot CHECK (snapshot IN ('freeze', 'final')),
    CONSTRAINT ck_campaign_standings_rank CHECK (1 <= rank AND rank <= position)
);
CREATE STATISTICS campaigns.st_campaign_standings (dependencies) ON guild_id, campaign_id FROM campaigns.campaign_standings;
COMMENT ON TABLE campaigns.campaign_standings IS 'Standings stored for good: at the close (final) and when the scoreboard freezes (freeze).';
COMMENT ON COLUMN campaigns.campaign_standings.campaign_id IS 'The campaign.';
COMMENT ON COLUMN campaigns.campaign_standings.snapshot IS 'freeze or final.';
COMMENT ON COLUMN campaigns.campaign_standings.position IS 'Place in the list from 1; ties in order of the last right answer.';
COMMENT ON COLUMN campaigns.campaign_standings.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN campaigns.campaign_standings.rank IS 'Rank; ties share one (1, 1, 3).';
COMMENT ON COLUMN campaigns.campaign_standings.participant_id IS 'The participant.';
COMMENT ON COLUMN campaigns.campaign_standings.participant_type IS 'player or squad.';
COMMENT ON COLUMN campaigns.campaign_standings.display_name IS 'The name at registration, as in campaign_participants.';
COMMENT ON COLUMN campaigns.campaign_standings.points IS 'Points awarded.';
COMMENT ON COLUMN campaigns.campaign_standings.penalty IS 'Hint penalties.';
COMMENT ON COLUMN campaigns.campaign_standings.parts_solved IS 'Parts solved.';
COMMENT ON COLUMN campaigns.campaign_standings.total_ms IS 'Total time in milliseconds.';
COMMENT ON COLUMN campaigns.campaign_standings.last_correct_at IS 'The last right answer; null without one.';

CREATE TABLE campaigns.reward_claims (
    guild_id bigint NOT NULL,
    campaign_id uuid NOT NULL,
    user_id bigint NOT NULL,
    participant_id text NOT NULL,
    rank integer NOT NULL,
    bytes bigint NOT NULL,
    xp bigint NOT NULL,
    gold bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    reminded_at timestamptz,
    claimed_at timestamptz,
    lapsed_at timestamptz,
    CONSTRAINT pk_reward_claims PRIMARY KEY (guild_id, campaign_id, user_id),
    CONSTRAINT fk_reward_claims_campaign_id_campaigns FOREIGN KEY (guild_id, campaign_id)
        REFERENCES campaigns.campaigns (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_reward_claims_amounts CHECK (bytes >= 0 AND xp >= 0 AND gold >= 0 AND bytes + xp + gold > 0),
    CONSTRAINT ck_reward_claims_once CHECK (claimed_at IS NULL OR lapsed_at IS NULL)
) WITH (fillfactor = 85);
CREATE INDEX ix_reward_claims_guild_id ON campaigns.reward_claims (guild_id, user_id);
CREATE INDEX ix_reward_claims_claimed_at ON campaigns.reward_claims (claimed_at) WHERE claimed_at IS NOT NULL;
COMMENT ON TABLE campaigns.reward_claims IS 'Who may claim what, made at the close; claimed once or lapsed.';
COMMENT ON COLUMN campaigns.reward_claims.campaign_id IS 'The campaign.';
COMMENT ON COLUMN campaigns.reward_claims.user_id IS 'The member; each of a squad''s members has a share.';
COMMENT ON COLUMN campaigns.reward_claims.guild_id IS 'The campaign''s guild.';
COMMENT ON COLUMN campaigns.reward_claims.participant_id IS 'The participant that earned it.';
COMMENT ON COLUMN campaigns.reward_claims.rank IS 'The participant''s final rank.';
COMMENT ON COLUMN campaigns.reward_claims.bytes IS 'Bytes to be paid.';
COMMENT ON COLUMN campaigns.reward_claims.xp IS 'XP to be granted.';
COMMENT ON COLUMN campaigns.reward_claims.gold IS 'Gold to be granted.';
COMMENT ON COLUMN campaigns.reward_claims.created_at IS 'When the claim arose: the close.';
COMMENT ON COLUMN campaigns.reward_claims.reminded_at IS 'When the member was reminded.';
COMMENT ON COLUMN campaigns.reward_claims.claimed_at IS 'When it was paid.';
COMMENT ON COLUMN campaigns.reward_claims.lapsed_at IS 'When it lapsed unclaimed.';

-- Read instead of the table, most of whose campaigns are over.
CREATE INDEX ix_campaigns_active ON campaigns.campaigns (status, duration_hours, created_at)
    WHERE status IN ('CREATED', 'RUNNING', 'REWARD_CLAIM');
CREATE MATERIALIZED VIEW campaigns.mv_active_campaigns AS
SELECT status, count(*) AS campaign_count, avg(duration_hours) AS avg_duration,
       min(created_at) AS oldest_campaign, max(created_at) AS newest_campaign
FROM campaigns.campaigns
WHERE status IN ('CREATED', 'RUNNING', 'REWARD_CLAIM')
GROUP BY status;
CREATE UNIQUE INDEX uq_mv_active_campaigns_status ON campaigns.mv_active_campaigns (status);
COMMENT ON MATERIALIZED VIEW campaigns.mv_active_campaigns IS '001''s summary of active campaigns by status, over all guilds; refreshed every five minutes.';
COMMENT ON COLUMN campaigns.mv_active_campaigns.status IS 'The state.';
COMMENT ON COLUMN campaigns.mv_active_campaigns.campaign_count IS 'Campaigns in it.';
COMMENT ON COLUMN campaigns.mv_active_campaigns.avg_duration IS 'Mean of their duration_hours.';
COMMENT ON COLUMN campaigns.mv_active_campaigns.oldest_campaign IS 'When the first of them was created.';
COMMENT ON COLUMN campaigns.mv_active_campaigns.newest_campaign IS 'When the last of them was created.';

CREATE MATERIALIZED VIEW campaigns.mv_pending_timers AS
SELECT timer_type, count(*) AS timer_count, min(scheduled_at) AS next_execution, avg(retry_count) AS avg_retries
FROM campaigns.campaign_timers
WHERE status = 'PENDING' AND scheduled_at <= now() + interval '1 hour'
GROUP BY timer_type;
CREATE UNIQUE INDEX uq_mv_pending_timers_timer_type ON campaigns.mv_pending_timers (timer_type);
COMMENT ON MATERIALIZED VIEW campaigns.mv_pending_timers IS '001''s summary of timers due within the hour, over all guilds; refreshed every minute.';
COMMENT ON COLUMN campaigns.mv_pending_timers.timer_type IS 'What the timers do.';
COMMENT ON COLUMN campaigns.mv_pending_timers.timer_count IS 'How many are due within the hour, or late.';
COMMENT ON COLUMN campaigns.mv_pending_timers.next_execution IS 'When the first of them is due.';
COMMENT ON COLUMN campaigns.mv_pending_timers.avg_retries IS 'Mean of their retry_count: above 0, something fails.';

CREATE FUNCTION campaigns.archive_old_state_logs() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    month record;
    moved integer := 0;
BEGIN
    FOR month IN
        SELECT partition_name, starts_at, ends_at FROM questhall.month_partitions('campaigns.campaign_state_log')
        WHERE ends_at <= now() - interval '1 year' ORDER BY starts_at
    LOOP
        EXECUTE format('ALTER TABLE campaigns.campaign_state_log DETACH PARTITION %s', month.partition_name);
        EXECUTE format('ALTER TABLE campaigns.campaign_state_log_archive ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                       month.partition_name, month.starts_at, month.ends_at);
        moved := moved + 1;
    END LOOP;
    RETURN moved;
END $$;
COMMENT ON FUNCTION campaigns.archive_old_state_logs() IS 'Moves months of the journal that ended over a year ago into the archive by detaching and attaching; answers how many.';
REVOKE EXECUTE ON FUNCTION campaigns.archive_old_state_logs() FROM PUBLIC;

CREATE FUNCTION campaigns.cleanup_timer_executions() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    month record;
    keeps boolean;
    deleted bigint;
BEGIN
    DELETE FROM campaigns.timer_executions
    WHERE started_at < now() - interval '6 months' AND status = 'COMPLETED' AND completed_at < now() - interval '6 months';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    FOR month IN
        SELECT partition_name FROM questhall.month_partitions('campaigns.timer_executions')
        WHERE ends_at <= now() - interval '6 months'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', month.partition_name) INTO keeps;
        IF NOT keeps THEN
            EXECUTE format('DROP TABLE %s', month.partition_name);
        END IF;
    END LOOP;
    RETURN deleted;
END $$;
COMMENT ON FUNCTION campaigns.cleanup_timer_executions() IS 'Deletes completed executions older than six months, and months that are empty then; answers how many rows went.';
REVOKE EXECUTE ON FUNCTION campaigns.cleanup_timer_executions() FROM PUBLIC;
