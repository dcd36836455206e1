-- The journal of rewards gets a row for almost every event. Checking each against members cost 9 of the 53 microseconds that PostgreSQL
-- spent on an event (docs/adr/0050-ingest.md), and checked what cannot be otherwise: every writer has the member's row locked in the same
-- transaction, and no member's row is ever deleted, not even when a person is forgotten.

ALTER TABLE progress.activity_log DROP CONSTRAINT fk_activity_log_user_id_members;
COMMENT ON COLUMN progress.activity_log.user_id IS
    'Who was rewarded, a snowflake: a member, whose row the writer holds locked.';
