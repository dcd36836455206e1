-- Webhooks' secrets are sealed, by a key that is not in the database: they become longer. What was stored before is sealed by
-- a periodic job.

ALTER TABLE delivery.webhooks
    DROP CONSTRAINT ck_webhooks_secret,
    ADD CONSTRAINT ck_webhooks_secret CHECK (length(secret) BETWEEN 24 AND 512);
COMMENT ON COLUMN delivery.webhooks.secret IS
    'Key of the signatures, sealed by the key of the installation; up to 64 bytes: from before that, not sealed yet. Shown '
    'once; never leaves the database otherwise.';
COMMENT ON COLUMN delivery.webhooks.previous_secret IS 'The key before the latest rotation, while both sign; sealed as secret is.';
