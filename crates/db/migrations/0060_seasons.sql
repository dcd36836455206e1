-- Seasons: none overlaps another of its guild, so that an event belongs to one at most; and one that repeats has its
-- successor made ahead, so that what happens between its end and its rollover belongs to the successor already.

ALTER TABLE progress.seasons
    ADD COLUMN repeats boolean NOT NULL DEFAULT false,
    -- A guild as a range, because ranges have a GiST operator class without an extension.
    ADD CONSTRAINT ex_seasons_overlap EXCLUDE USING gist (
        int8range(guild_id, guild_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&)
        DEFERRABLE INITIALLY IMMEDIATE;
COMMENT ON COLUMN progress.seasons.repeats IS
    'Whether a successor of the same length is made when it starts.';
COMMENT ON COLUMN progress.seasons.active IS
    'Whether it is the one running. Which season an event belongs to is decided by its time alone.';
COMMENT ON COLUMN progress.seasons.ends_at IS 'When it ends; moved to the instant of an early rollover. Not part of it.';
