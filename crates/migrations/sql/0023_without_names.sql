-- Whoever is forgotten is named nowhere, also not in texts within documents.

CREATE FUNCTION questhall.without_names(value jsonb, names text, instead text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RETURN CASE jsonb_typeof(value)
        WHEN 'string' THEN
            -- A number alone is an id, by which what happened is still found.
            CASE WHEN value #>> '{}' ~ '^[0-9]+$' THEN value
                 ELSE to_jsonb(regexp_replace(value #>> '{}', names, instead, 'gi')) END
        WHEN 'array' THEN
            (SELECT coalesce(jsonb_agg(questhall.without_names(item, names, instead) ORDER BY place), '[]')
               FROM jsonb_array_elements(value) WITH ORDINALITY AS items (item, place))
        WHEN 'object' THEN
            (SELECT coalesce(jsonb_object_agg(key, questhall.without_names(item, names, instead)), '{}')
               FROM jsonb_each(value) AS items (key, item))
        ELSE value
    END;
END
$$;
COMMENT ON FUNCTION questhall.without_names(jsonb, text, text) IS
    'The document with something else instead of whatever matches the pattern within its texts, but for those that are a number; keys stay.';
