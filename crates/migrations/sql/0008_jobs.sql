-- Durable work: generic timers, periodic schedules, nodes, the outbox, backfills. Knows no domain.

CREATE SCHEMA jobs;
COMMENT ON SCHEMA jobs IS 'Durable timers, schedules, nodes, the outbox and backfills; knows no domain.';

CREATE TABLE jobs.timers (
    id uuid NOT NULL DEFAULT questhall.uuid_v7() CONSTRAINT pk_timers PRIMARY KEY,
    kind text NOT NULL,
    guild_id bigint,
    dedupe_key text,
    status text NOT NULL DEFAULT 'PENDING',
    scheduled_at timestamptz NOT NULL DEFAULT now(),
    executed_at timestamptz,
    payload jsonb NOT NULL DEFAULT '{}',
    retry_count integer NOT NULL DEFAULT 0,
    crash_count integer NOT NULL DEFAULT 0,
    last_error text,
    locked_until timestamptz,
    locked_by uuid,
    fencing_token bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_timers_kind CHECK (kind ~ '^[a-z][a-z0-9_.]{0,63}$'),
    CONSTRAINT ck_timers_status CHECK (status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')),
    CONSTRAINT ck_timers_retry_count CHECK (retry_count BETWEEN 0 AND 5),
    CONSTRAINT ck_timers_lease CHECK ((status = 'RUNNING') = (locked_until IS NOT NULL))
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
-- By kind first: a backlog of one kind must not stand in front of another's.
CREATE INDEX ix_timers_due ON jobs.timers (kind, scheduled_at, id) WHERE status = 'PENDING';
CREATE INDEX ix_timers_leased ON jobs.timers (kind, locked_until) WHERE status = 'RUNNING';
CREATE INDEX ix_timers_failed ON jobs.timers (updated_at, id) WHERE status = 'FAILED';
CREATE INDEX ix_timers_finished ON jobs.timers (executed_at) WHERE status IN ('COMPLETED', 'CANCELLED');
CREATE INDEX ix_timers_guild_id ON jobs.timers (guild_id, kind) WHERE guild_id IS NOT NULL;
CREATE UNIQUE INDEX uq_timers_dedupe_key ON jobs.timers (kind, dedupe_key) WHERE status = 'PENDING' AND dedupe_key IS NOT NULL;
COMMENT ON TABLE jobs.timers IS 'Durable one-off work for any slice: due at a time, executed once, retried with back-off, then FAILED.';
COMMENT ON COLUMN jobs.timers.id IS 'Time-ordered id.';
COMMENT ON COLUMN jobs.timers.kind IS 'Which handler runs it, such as challenges.pregenerate.';
COMMENT ON COLUMN jobs.timers.guild_id IS 'The guild it concerns; null for none.';
COMMENT ON COLUMN jobs.timers.dedupe_key IS 'At most one pending timer of a kind has this key.';
COMMENT ON COLUMN jobs.timers.status IS 'PENDING, RUNNING (under a lease; only kinds with effects outside the database), COMPLETED, FAILED (out of retries) or CANCELLED.';
COMMENT ON COLUMN jobs.timers.scheduled_at IS 'When it is due by the database''s clock.';
COMMENT ON COLUMN jobs.timers.executed_at IS 'When it was executed, or cancelled.';
COMMENT ON COLUMN jobs.timers.payload IS 'What the handler needs; it re-reads all state and trusts nothing here.';
COMMENT ON COLUMN jobs.timers.retry_count IS 'Failures so far; the fifth makes it FAILED.';
COMMENT ON COLUMN jobs.timers.crash_count IS 'Times in a row that a node died while it ran this timer, as far as is known; the fifth makes it FAILED.';
COMMENT ON COLUMN jobs.timers.last_error IS 'The latest failure, for admins.';
COMMENT ON COLUMN jobs.timers.locked_until IS 'When the lease of a RUNNING one ends unless it is renewed; others take it over then.';
COMMENT ON COLUMN jobs.timers.locked_by IS 'The node that ran it last under a lease.';
COMMENT ON COLUMN jobs.timers.fencing_token IS 'Grows with every lease: who holds an older one can neither complete nor confirm.';
COMMENT ON COLUMN jobs.timers.created_at IS 'When it was scheduled.';
COMMENT ON COLUMN jobs.timers.updated_at IS 'When it last changed.';
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON jobs.timers
    FOR EACH ROW WHEN (OLD.updated_at = NEW.updated_at AND OLD.* IS DISTINCT FROM NEW.*)
    EXECUTE FUNCTION questhall.touch_updated_at();

CREATE TABLE jobs.schedules (
    name text NOT NULL CONSTRAINT pk_schedules PRIMARY KEY,
    cron text NOT NULL,
    next_run_at timestamptz NOT NULL,
    last_run_at timestamptz,
    last_duration_ms integer,
    last_error text,
    last_result jsonb,
    runs bigint NOT NULL DEFAULT 0,
    failures bigint NOT NULL DEFAULT 0,
    last_node_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_schedules_name CHECK (name ~ '^[a-z][a-z0-9_.]{0,63}$')
);
COMMENT ON TABLE jobs.schedules IS 'Periodic jobs: one node at a time runs each, under a lock held by the run''s own transaction.';
COMMENT ON COLUMN jobs.schedules.name IS 'The job''s name, such as campaigns.refresh_views.';
COMMENT ON COLUMN jobs.schedules.cron IS 'When it runs, in cron syntax, UTC.';
COMMENT ON COLUMN jobs.schedules.next_run_at IS 'The next run; runs missed while nothing was up are made up once.';
COMMENT ON COLUMN jobs.schedules.last_run_at IS 'When it last ran.';
COMMENT ON COLUMN jobs.schedules.last_duration_ms IS 'How long that took, in milliseconds.';
COMMENT ON COLUMN jobs.schedules.last_error IS 'Why it failed; null when it did not.';
COMMENT ON COLUMN jobs.schedules.last_result IS 'What it did.';
COMMENT ON COLUMN jobs.schedules.runs IS 'Runs so far.';
COMMENT ON COLUMN jobs.schedules.failures IS 'Failed runs so far.';
COMMENT ON COLUMN jobs.schedules.last_node_id IS 'The node that ran it last.';
COMMENT ON COLUMN jobs.schedules.created_at IS 'When it was first declared.';
COMMENT ON COLUMN jobs.schedules.updated_at IS 'When the row last changed.';

CREATE TABLE jobs.nodes (
    id uuid NOT NULL CONSTRAINT pk_nodes PRIMARY KEY,
    name text NOT NULL,
    version text NOT NULL,
    roles text[] NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    draining boolean NOT NULL DEFAULT false,
    stopped_at timestamptz,
    died_at timestamptz
) WITH (fillfactor = 50);
COMMENT ON TABLE jobs.nodes IS 'Running servers, each with a heartbeat; one that neither stopped nor beats has crashed.';
COMMENT ON COLUMN jobs.nodes.id IS 'Made anew at every start.';
COMMENT ON COLUMN jobs.nodes.name IS 'Host name and process id, for people.';
COMMENT ON COLUMN jobs.nodes.version IS 'The binary''s version.';
COMMENT ON COLUMN jobs.nodes.roles IS 'What it does: http, worker, scheduler.';
COMMENT ON COLUMN jobs.nodes.started_at IS 'When it started.';
COMMENT ON COLUMN jobs.nodes.heartbeat_at IS 'Its latest heartbeat.';
COMMENT ON COLUMN jobs.nodes.draining IS 'Whether it takes no new work.';
COMMENT ON COLUMN jobs.nodes.stopped_at IS 'When it stopped in good order; null while running or crashed.';
COMMENT ON COLUMN jobs.nodes.died_at IS 'When another node found that it had crashed; null while running or stopped in good order.';

CREATE TABLE jobs.queues (
    name text NOT NULL CONSTRAINT pk_queues PRIMARY KEY,
    paused boolean NOT NULL DEFAULT false,
    paused_by text,
    paused_at timestamptz,
    reason text,
    CONSTRAINT ck_queues_reason_length CHECK (char_length(reason) <= 500)
);
COMMENT ON TABLE jobs.queues IS 'Queues that an admin paused, on every node.';
COMMENT ON COLUMN jobs.queues.name IS 'The queue, such as campaigns.campaign_timers.';
COMMENT ON COLUMN jobs.queues.paused IS 'Whether nothing of it is executed.';
COMMENT ON COLUMN jobs.queues.paused_by IS 'Who paused it.';
COMMENT ON COLUMN jobs.queues.paused_at IS 'When.';
COMMENT ON COLUMN jobs.queues.reason IS 'Why, for people.';

-- Transaction ids are counted by one cluster; the order of events must survive a dump that is restored into another, whose count
-- may be far behind, and a recovery to an earlier time, after which ids are given out again. So an event stands at its
-- transaction's id plus a shift, and the shift grows whenever the database finds itself elsewhere.
CREATE TABLE jobs.outbox_origin (
    only_row boolean NOT NULL DEFAULT true CONSTRAINT pk_outbox_origin PRIMARY KEY,
    system_identifier bigint,
    timeline bigint,
    shift bigint NOT NULL DEFAULT 0,
    settled_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_outbox_origin_only_row CHECK (only_row),
    CONSTRAINT ck_outbox_origin_shift CHECK (shift >= 0)
);
COMMENT ON TABLE jobs.outbox_origin IS 'The cluster whose transaction ids the outbox counts by; one row.';
COMMENT ON COLUMN jobs.outbox_origin.only_row IS 'There is one row.';
COMMENT ON COLUMN jobs.outbox_origin.system_identifier IS 'The cluster''s identifier; null before a node looked, or where it may not.';
COMMENT ON COLUMN jobs.outbox_origin.timeline IS 'The cluster''s timeline, which grows with every recovery and failover; null before a node looked, or where it may not.';
COMMENT ON COLUMN jobs.outbox_origin.shift IS 'What is added to a transaction''s id: more than any that was given out before.';
COMMENT ON COLUMN jobs.outbox_origin.settled_at IS 'Since when it is so.';
INSERT INTO jobs.outbox_origin DEFAULT VALUES;

-- Where a transaction of this cluster stands in the outbox's order. Ask once a statement, in a sub-select.
CREATE FUNCTION jobs.outbox_order(own xid8) RETURNS xid8
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT (own::text::bigint + shift)::text::xid8 FROM jobs.outbox_origin);

-- Readers follow (transaction_id, id) and never pass the oldest transaction still running, so that a row that commits late
-- is never skipped and no row is written twice to number it.
CREATE TABLE jobs.outbox (
    guild_id bigint NOT NULL,
    transaction_id xid8 NOT NULL DEFAULT jobs.outbox_order(pg_current_xact_id()),
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    event_type text NOT NULL,
    subject text NOT NULL,
    correlation_id uuid,
    user_id bigint,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_outbox PRIMARY KEY (guild_id, transaction_id, id, created_at),
    CONSTRAINT ck_outbox_event_type CHECK (event_type ~ '^[a-z][a-z0-9_.]{0,63}$')
) PARTITION BY RANGE (created_at);
CREATE INDEX ix_outbox_position ON jobs.outbox (transaction_id, id);
-- What happened in the last minute, for figures that are rolled up; rows come in about this order, so it costs next to nothing.
CREATE INDEX ix_outbox_created_at ON jobs.outbox USING brin (created_at);
-- What happened for one member, whether it is for them alone or names them to everyone.
CREATE INDEX ix_outbox_member ON jobs.outbox (guild_id, (coalesce(user_id::text, payload->>'user_id')), transaction_id, id)
    WHERE coalesce(user_id::text, payload->>'user_id') IS NOT NULL;
COMMENT ON TABLE jobs.outbox IS 'Every domain event, written in the transaction that caused it; streams, webhooks and announcements read from here. By month; kept for the retention time.';
COMMENT ON COLUMN jobs.outbox.transaction_id IS 'Where the transaction that wrote it stands (jobs.outbox_order): the first half of a reader''s position.';
COMMENT ON COLUMN jobs.outbox.id IS 'The second half of a reader''s position.';
COMMENT ON COLUMN jobs.outbox.event_id IS 'The event''s id for the outside world: deliveries repeat, this does not.';
COMMENT ON COLUMN jobs.outbox.guild_id IS 'The guild it happened in.';
COMMENT ON COLUMN jobs.outbox.event_type IS 'What happened, such as campaign.started.';
COMMENT ON COLUMN jobs.outbox.subject IS 'What it happened to, such as campaigns/<id>.';
COMMENT ON COLUMN jobs.outbox.correlation_id IS 'Ties together events of one cause.';
COMMENT ON COLUMN jobs.outbox.user_id IS 'The member it concerns: only they and admins may see it; null for everyone.';
COMMENT ON COLUMN jobs.outbox.payload IS 'The event''s data, as the event catalogue describes.';
COMMENT ON COLUMN jobs.outbox.created_at IS 'When it happened; the partition key.';
SELECT questhall.ensure_month_partitions('jobs.outbox', 3);

-- A publisher has its effects outside of the database, so no transaction may be held open meanwhile: it works under a lease.
CREATE TABLE jobs.outbox_cursors (
    consumer text NOT NULL CONSTRAINT pk_outbox_cursors PRIMARY KEY,
    transaction_id xid8 NOT NULL,
    id bigint NOT NULL,
    locked_by uuid,
    locked_until timestamptz,
    fencing_token bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_outbox_cursors_lock CHECK ((locked_by IS NULL) = (locked_until IS NULL))
);
COMMENT ON TABLE jobs.outbox_cursors IS 'How far each durable consumer of the outbox has come.';
COMMENT ON COLUMN jobs.outbox_cursors.consumer IS 'The consumer, such as webhooks.';
COMMENT ON COLUMN jobs.outbox_cursors.transaction_id IS 'Position, first half.';
COMMENT ON COLUMN jobs.outbox_cursors.id IS 'Position, second half.';
COMMENT ON COLUMN jobs.outbox_cursors.locked_by IS 'The node that publishes, for consumers with effects outside of the database.';
COMMENT ON COLUMN jobs.outbox_cursors.locked_until IS 'When its lease ends unless it is renewed.';
COMMENT ON COLUMN jobs.outbox_cursors.fencing_token IS 'Grows with every lease: who holds an older one cannot move the cursor.';
COMMENT ON COLUMN jobs.outbox_cursors.updated_at IS 'When it last moved.';

CREATE TABLE jobs.outbox_pruned (
    only_row boolean NOT NULL DEFAULT true CONSTRAINT pk_outbox_pruned PRIMARY KEY,
    transaction_id xid8 NOT NULL,
    id bigint NOT NULL,
    pruned_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ck_outbox_pruned_only_row CHECK (only_row)
);
COMMENT ON TABLE jobs.outbox_pruned IS 'The last event that was cleared away from the outbox; no row while none was.';
COMMENT ON COLUMN jobs.outbox_pruned.only_row IS 'There is one row at most.';
COMMENT ON COLUMN jobs.outbox_pruned.transaction_id IS 'Its position, first half.';
COMMENT ON COLUMN jobs.outbox_pruned.id IS 'Its position, second half.';
COMMENT ON COLUMN jobs.outbox_pruned.pruned_at IS 'When that was.';

CREATE TABLE jobs.backfills (
    name text NOT NULL CONSTRAINT pk_backfills PRIMARY KEY,
    state text NOT NULL DEFAULT 'RUNNING',
    cursor jsonb,
    rows_done bigint NOT NULL DEFAULT 0,
    rows_estimated bigint,
    last_error text,
    started_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT ck_backfills_state CHECK (state IN ('RUNNING', 'PAUSED', 'COMPLETED', 'FAILED'))
);
COMMENT ON TABLE jobs.backfills IS 'Batched changes of existing rows and how far each has come; every batch commits with its cursor.';
COMMENT ON COLUMN jobs.backfills.name IS 'The backfill.';
COMMENT ON COLUMN jobs.backfills.state IS 'RUNNING, PAUSED, COMPLETED or FAILED.';
COMMENT ON COLUMN jobs.backfills.cursor IS 'The last key done; null before the first batch.';
COMMENT ON COLUMN jobs.backfills.rows_done IS 'Rows done so far.';
COMMENT ON COLUMN jobs.backfills.rows_estimated IS 'Rows in all, estimated at the start.';
COMMENT ON COLUMN jobs.backfills.last_error IS 'The latest failure.';
COMMENT ON COLUMN jobs.backfills.started_at IS 'When it first started.';
COMMENT ON COLUMN jobs.backfills.updated_at IS 'When it last advanced.';
COMMENT ON COLUMN jobs.backfills.finished_at IS 'When it was done.';
