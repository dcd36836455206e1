-- What squads have is added up in three places, all by this.

CREATE FUNCTION squads.figures(p_guild_id bigint)
    RETURNS TABLE (squad_id uuid, name text, member_count bigint, xp bigint, bytes bigint, wins bigint)
    LANGUAGE sql STABLE
    AS $$
    WITH won AS (
        SELECT t.participant_id, count(*) AS wins
          FROM campaigns.campaigns k
          JOIN campaigns.campaign_standings t ON t.campaign_id = k.id AND t.snapshot = 'final'
         WHERE k.guild_id = p_guild_id AND k.campaign_type = 'squad' AND t.rank = 1 AND t.parts_solved > 0
         GROUP BY t.participant_id
    ), members AS (
        SELECT m.squad_id, count(*) AS member_count, coalesce(sum(c.xp), 0)::bigint AS xp,
               coalesce(sum(b.balance), 0)::bigint AS bytes
          FROM squads.squad_memberships m
          LEFT JOIN people.members c ON c.guild_id = m.guild_id AND c.user_id = m.user_id AND c.left_at IS NULL
          LEFT JOIN economy.bytes_balances b ON b.guild_id = c.guild_id AND b.user_id = c.user_id
         WHERE m.guild_id = p_guild_id
         GROUP BY m.squad_id
    )
    SELECT s.id, s.name::text, coalesce(m.member_count, 0), coalesce(m.xp, 0), coalesce(m.bytes, 0), coalesce(w.wins, 0)
      FROM squads.squads s
      LEFT JOIN members m ON m.squad_id = s.id
      LEFT JOIN won w ON w.participant_id = s.id::text
     WHERE s.guild_id = p_guild_id AND s.is_active
$$;
COMMENT ON FUNCTION squads.figures(bigint) IS
    'What each active squad of a guild has at this moment: its members, the XP and bytes of those who have not left, and the '
    'squad campaigns it has won.';
