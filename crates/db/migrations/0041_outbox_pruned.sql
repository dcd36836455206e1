-- How far the outbox was cleared away, so that a reader who comes back later than that is told of the gap.

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
