-- Skills: how a cascade's events find their row again, and a skill's level by its points.

CREATE FUNCTION community.skill_level(p_points bigint, p_points_per_level integer, p_max_level integer) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT least(p_max_level::bigint, p_points / p_points_per_level)::integer
    $$;
COMMENT ON FUNCTION community.skill_level(bigint, integer, integer) IS
    'The level that so many skill points reach: one for each points_per_level, up to max_level.';
