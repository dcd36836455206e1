-- What taking an event costs PostgreSQL, less what nothing needed (docs/adr/0050-ingest.md).

-- The journal's keys to seasons and categories cost two look-ups a row and checked what cannot be otherwise: seasons are read under their
-- lock in the transaction that writes the row, and no program deletes a category. What the keys did when a row of theirs goes is done
-- by a trigger there.
ALTER TABLE progress.activity_log DROP CONSTRAINT fk_activity_log_season_id_seasons;
ALTER TABLE progress.activity_log DROP CONSTRAINT fk_activity_log_category_id_categories;
COMMENT ON COLUMN progress.activity_log.season_id IS
    'Season it counted for, by its time; nulled by a trigger on seasons when that is deleted.';
COMMENT ON COLUMN progress.activity_log.category_id IS
    'Category of the channel it happened in; nulled by a trigger on categories when that is deleted.';

CREATE FUNCTION progress.journal_forget() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_TABLE_NAME = 'seasons' THEN
        UPDATE progress.activity_log a SET season_id = NULL
          FROM old_rows o WHERE a.guild_id = o.guild_id AND a.season_id = o.id;
    ELSE
        UPDATE progress.activity_log a SET category_id = NULL
          FROM old_rows o WHERE a.guild_id = o.guild_id AND a.category_id = o.id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION progress.journal_forget() IS
    'Statement trigger on seasons and categories: nulls what the journal says of deleted ones, as a foreign key would.';
CREATE TRIGGER tg_seasons_journal AFTER DELETE ON progress.seasons
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION progress.journal_forget();
CREATE TRIGGER tg_categories_journal AFTER DELETE ON lake.categories
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION progress.journal_forget();

-- Nothing asks for the journal of a guild by type, or for that of all guilds by time.
DROP INDEX progress.ix_activity_log_event_time;
DROP INDEX progress.ix_activity_log_timestamp;

-- Whoever sets updated_at in the statement itself spares the row a call of the trigger.
CREATE OR REPLACE TRIGGER tg_members_touch BEFORE UPDATE ON people.members
    FOR EACH ROW WHEN (OLD.updated_at = NEW.updated_at AND OLD.* IS DISTINCT FROM NEW.*)
    EXECUTE FUNCTION questhall.touch_updated_at();
CREATE OR REPLACE TRIGGER tg_user_stats_touch BEFORE UPDATE ON progress.user_stats
    FOR EACH ROW WHEN (OLD.updated_at = NEW.updated_at AND OLD.* IS DISTINCT FROM NEW.*)
    EXECUTE FUNCTION questhall.touch_updated_at();

-- Numbers are fetched by the hundred: one lock and one record in the log for all of them. They order rows of one instant and one
-- transaction, no more.
ALTER SEQUENCE lake.event_lake_id_seq CACHE 100;
ALTER SEQUENCE progress.activity_log_id_seq CACHE 100;
