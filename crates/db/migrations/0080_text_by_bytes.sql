-- Texts that batches of events look up by the thousand are compared by their bytes. In a database whose default collation is not C, each
-- comparison is a call of the C library on copies of both texts: a tenth of what ingest takes (docs/adr/0050-ingest.md). They are names and
-- keys; nobody wants them in the order of a language.

-- A view has to make way meanwhile; it comes back as it was.
DROP VIEW progress.member_measures;

ALTER TABLE lake.event_keys
    ALTER COLUMN source_id TYPE text COLLATE "C";
ALTER TABLE lake.event_lake
    ALTER COLUMN event_type TYPE text COLLATE "C";
ALTER TABLE lake.event_counters
    ALTER COLUMN event_type TYPE text COLLATE "C",
    ALTER COLUMN period TYPE text COLLATE "C";
ALTER TABLE progress.activity_keys
    ALTER COLUMN source_system TYPE text COLLATE "C",
    ALTER COLUMN source_event_id TYPE text COLLATE "C";

CREATE VIEW progress.member_measures AS
SELECT guild_id, user_id, 'xp' AS measure, NULL::integer AS season_id, xp AS value FROM people.members
UNION ALL
SELECT guild_id, user_id, 'stars', NULL, stars FROM people.members
UNION ALL
SELECT guild_id, user_id, 'events:' || event_type, NULL, count
  FROM lake.event_counters WHERE period = 'lifetime' AND category_id = 0
UNION ALL
SELECT s.guild_id, s.user_id, v.measure, s.season_id, v.value
  FROM progress.user_stats s
 CROSS JOIN LATERAL (VALUES
       ('season_xp', s.season_xp), ('season_stars', s.season_stars),
       ('season:messages_sent', s.messages_sent::bigint), ('season:reactions_given', s.reactions_given::bigint),
       ('season:reactions_received', s.reactions_received::bigint),
       ('season:threads_created', s.threads_created::bigint), ('season:voice_minutes', s.voice_minutes::bigint))
       AS v (measure, value)
UNION ALL
SELECT t.guild_id, t.user_id, v.measure, NULL, v.value
  FROM (SELECT guild_id, user_id, sum(reactions_received)::bigint AS reactions, sum(voice_minutes)::bigint AS minutes
          FROM progress.user_stats GROUP BY guild_id, user_id) t
 CROSS JOIN LATERAL (VALUES ('total:reactions_received', t.reactions), ('total:voice_minutes', t.minutes))
       AS v (measure, value);
COMMENT ON VIEW progress.member_measures IS
    'Every figure of a member that an achievement''s threshold may be held against. Ask for a guild and some members.';
COMMENT ON COLUMN progress.member_measures.guild_id IS 'Discord guild (the tenant), a snowflake.';
COMMENT ON COLUMN progress.member_measures.user_id IS 'Person, a snowflake.';
COMMENT ON COLUMN progress.member_measures.measure IS
    'xp, stars, events:<type of the lake>, total:<figure over all seasons>; season_xp, season_stars, season:<figure>.';
COMMENT ON COLUMN progress.member_measures.season_id IS 'Season it is of; null for lifetime measures.';
COMMENT ON COLUMN progress.member_measures.value IS 'The figure.';
