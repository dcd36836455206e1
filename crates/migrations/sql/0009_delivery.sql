-- Events that leave the house: webhooks with their queues and deliveries.

CREATE SCHEMA delivery;
COMMENT ON SCHEMA delivery IS 'Events that leave the house: webhooks, their queues and deliveries.';

CREATE TABLE delivery.webhooks (
    id uuid NOT NULL DEFAULT questhall.uuid_v7(),
    guild_id bigint NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    event_types text[] NOT NULL,
    scopes text[] NOT NULL,
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_secret_until timestamptz,
    enabled boolean NOT NULL DEFAULT true,
    disabled_reason text,
    disabled_at timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_webhooks PRIMARY KEY (guild_id, id),
    CONSTRAINT ck_webhooks_name CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT ck_webhooks_url CHECK (url ~ '^https?://' AND char_length(url) <= 2000),
    CONSTRAINT ck_webhooks_event_types CHECK (cardinality(event_types) BETWEEN 1 AND 50
        AND array_position(event_types, NULL) IS NULL),
    CONSTRAINT ck_webhooks_secret CHECK (length(secret) BETWEEN 24 AND 512),
    CONSTRAINT ck_webhooks_previous_secret CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL)),
    CONSTRAINT ck_webhooks_disabled CHECK (enabled = (disabled_reason IS NULL) AND enabled = (disabled_at IS NULL)),
    CONSTRAINT ck_webhooks_disabled_reason CHECK (disabled_reason IN ('BY_HAND', 'FAILING', 'GONE'))
);
COMMENT ON TABLE delivery.webhooks IS 'Addresses to which a guild''s events are posted, by the Standard Webhooks specification.';
COMMENT ON COLUMN delivery.webhooks.id IS 'Time-ordered id.';
COMMENT ON COLUMN delivery.webhooks.guild_id IS 'The guild whose events it gets.';
COMMENT ON COLUMN delivery.webhooks.name IS 'What it is for, in its maker''s words.';
COMMENT ON COLUMN delivery.webhooks.url IS 'Where events are posted to.';
COMMENT ON COLUMN delivery.webhooks.event_types IS 'Which events it gets: types, or beginnings of types followed by a star.';
COMMENT ON COLUMN delivery.webhooks.scopes IS 'Scopes of whoever last chose address or types: it gets no event that they may not see.';
COMMENT ON COLUMN delivery.webhooks.secret IS
    'Key of the signatures, sealed by the key of the installation; up to 64 bytes: not sealed yet. Shown '
    'once; never leaves the database otherwise.';
COMMENT ON COLUMN delivery.webhooks.previous_secret IS 'The key before the latest rotation, while both sign; sealed as secret is.';
COMMENT ON COLUMN delivery.webhooks.previous_secret_until IS 'Until when the previous key signs too.';
COMMENT ON COLUMN delivery.webhooks.enabled IS 'Whether it gets events; those that happen while it does not are not kept for it.';
COMMENT ON COLUMN delivery.webhooks.disabled_reason IS 'BY_HAND, FAILING (for days) or GONE (it answered 410); null while enabled.';
COMMENT ON COLUMN delivery.webhooks.disabled_at IS 'When it was disabled.';
COMMENT ON COLUMN delivery.webhooks.created_by IS 'Who made it, as journals write it.';
COMMENT ON COLUMN delivery.webhooks.created_at IS 'When it was made.';
COMMENT ON COLUMN delivery.webhooks.updated_at IS 'When it was last changed by hand.';

-- A row per webhook that changes with every batch: apart, narrow, and HOT but for the time of the next attempt.
CREATE TABLE delivery.webhook_queues (
    guild_id bigint NOT NULL,
    webhook_id uuid NOT NULL,
    next_attempt_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    last_success_at timestamptz,
    locked_by uuid,
    locked_until timestamptz,
    fencing_token bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_webhook_queues PRIMARY KEY (guild_id, webhook_id),
    CONSTRAINT fk_webhook_queues_webhook_id_webhooks FOREIGN KEY (guild_id, webhook_id)
        REFERENCES delivery.webhooks (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_webhook_queues_lock CHECK ((locked_by IS NULL) = (locked_until IS NULL)),
    CONSTRAINT ck_webhook_queues_failing CHECK ((failures > 0) = (failing_since IS NOT NULL))
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX ix_webhook_queues_next_attempt_at ON delivery.webhook_queues (next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;
COMMENT ON TABLE delivery.webhook_queues IS 'How each webhook''s deliveries stand: one node at a time works on one, under a lease.';
COMMENT ON COLUMN delivery.webhook_queues.guild_id IS 'The webhook''s guild.';
COMMENT ON COLUMN delivery.webhook_queues.webhook_id IS 'The webhook.';
COMMENT ON COLUMN delivery.webhook_queues.next_attempt_at IS 'When its oldest pending delivery is to be tried; null when none is pending.';
COMMENT ON COLUMN delivery.webhook_queues.failures IS 'Failed attempts since the last success.';
COMMENT ON COLUMN delivery.webhook_queues.failing_since IS 'The first of these.';
COMMENT ON COLUMN delivery.webhook_queues.last_success_at IS 'When it last took an event.';
COMMENT ON COLUMN delivery.webhook_queues.locked_by IS 'The node that works on it.';
COMMENT ON COLUMN delivery.webhook_queues.locked_until IS 'When that node''s lease ends unless it is renewed; others take over then.';
COMMENT ON COLUMN delivery.webhook_queues.fencing_token IS 'Grows with every lease: who holds an older one records nothing.';

CREATE TABLE delivery.webhook_deliveries (
    guild_id bigint NOT NULL,
    webhook_id uuid NOT NULL,
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    body text NOT NULL,
    status text NOT NULL DEFAULT 'PENDING',
    attempts integer NOT NULL DEFAULT 0,
    queued_at timestamptz NOT NULL DEFAULT now(),
    attempted_at timestamptz,
    finished_at timestamptz,
    response_status integer,
    response_ms integer,
    error text,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (guild_id, webhook_id, id),
    CONSTRAINT uq_webhook_deliveries_event_id UNIQUE (guild_id, webhook_id, event_id),
    CONSTRAINT fk_webhook_deliveries_webhook_id_webhooks FOREIGN KEY (guild_id, webhook_id)
        REFERENCES delivery.webhooks (guild_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_webhook_deliveries_status CHECK (status IN ('PENDING', 'DELIVERED', 'DEAD')),
    CONSTRAINT ck_webhook_deliveries_finished CHECK ((status = 'PENDING') = (finished_at IS NULL)),
    CONSTRAINT ck_webhook_deliveries_error CHECK (char_length(error) <= 1000)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX ix_webhook_deliveries_pending ON delivery.webhook_deliveries (guild_id, webhook_id, id)
    WHERE status = 'PENDING';
CREATE INDEX ix_webhook_deliveries_dead ON delivery.webhook_deliveries (guild_id, webhook_id, id) WHERE status = 'DEAD';
CREATE INDEX ix_webhook_deliveries_finished_at ON delivery.webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;
COMMENT ON TABLE delivery.webhook_deliveries IS 'An event on its way to a webhook, in the order of the outbox; kept for a while after.';
COMMENT ON COLUMN delivery.webhook_deliveries.guild_id IS 'The webhook''s guild.';
COMMENT ON COLUMN delivery.webhook_deliveries.webhook_id IS 'The webhook.';
COMMENT ON COLUMN delivery.webhook_deliveries.id IS 'Its place in the webhook''s order.';
COMMENT ON COLUMN delivery.webhook_deliveries.event_id IS 'The event: webhook-id of every attempt.';
COMMENT ON COLUMN delivery.webhook_deliveries.event_type IS 'The event''s type.';
COMMENT ON COLUMN delivery.webhook_deliveries.body IS 'What is posted, the same at every attempt.';
COMMENT ON COLUMN delivery.webhook_deliveries.status IS 'PENDING, DELIVERED or DEAD (given up; may be replayed).';
COMMENT ON COLUMN delivery.webhook_deliveries.attempts IS 'Attempts so far.';
COMMENT ON COLUMN delivery.webhook_deliveries.queued_at IS 'When it was queued or replayed; after a day of failures it is given up.';
COMMENT ON COLUMN delivery.webhook_deliveries.attempted_at IS 'The latest attempt.';
COMMENT ON COLUMN delivery.webhook_deliveries.finished_at IS 'When it was delivered or given up.';
COMMENT ON COLUMN delivery.webhook_deliveries.response_status IS 'HTTP status of the latest answer; null when there was none.';
COMMENT ON COLUMN delivery.webhook_deliveries.response_ms IS 'How long the latest attempt took, in milliseconds.';
COMMENT ON COLUMN delivery.webhook_deliveries.error IS 'Why the latest attempt failed, with the beginning of the answer.';
