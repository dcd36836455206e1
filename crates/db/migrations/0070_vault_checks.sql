-- Nodes that share a database have to share the key that seals its secrets: the first notes something sealed by it, and
-- all that start later have to be able to open it.

CREATE TABLE access.vault_checks (
    singleton boolean NOT NULL DEFAULT true,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_vault_checks PRIMARY KEY (singleton),
    CONSTRAINT ck_vault_checks_singleton CHECK (singleton),
    CONSTRAINT ck_vault_checks_sealed CHECK (length(sealed) BETWEEN 33 AND 512)
);
CREATE TRIGGER tg_vault_checks_touch BEFORE UPDATE ON access.vault_checks
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION questhall.touch_updated_at();
COMMENT ON TABLE access.vault_checks IS
    'One row: whether a node has the key that seals the secrets of this database. It is written by the first node that '
    'starts, sealed anew when the key is rotated, and replaced only by an operator who has lost the key.';
COMMENT ON COLUMN access.vault_checks.singleton IS 'Always true: there is one row at most.';
COMMENT ON COLUMN access.vault_checks.sealed IS 'A known text, sealed: who opens it has the key.';
COMMENT ON COLUMN access.vault_checks.created_at IS 'When the first node noted its key.';
COMMENT ON COLUMN access.vault_checks.updated_at IS 'When it was last sealed by another key.';
