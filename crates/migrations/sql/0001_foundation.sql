-- What every schema leans on: ids, `updated_at`, append-only journals, monthly partitions.
-- Shared functions live in schema `questhall`, so that `public` stays empty but for the migration ledger.

CREATE SCHEMA questhall;
COMMENT ON SCHEMA questhall IS 'Functions shared by all slices; no tables.';

-- One clock reading and no subquery, so that the planner can inline it as a column default. The version nibble is
-- inserted behind the 48 bits of milliseconds; the 12 after it are the millisecond's fraction (RFC 9562, method 3).
CREATE FUNCTION questhall.uuid_v7() RETURNS uuid
    LANGUAGE sql VOLATILE PARALLEL SAFE
    AS $$
    SELECT (overlay(lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 4096000)::bigint), 15, '0')
                    PLACING '7' FROM 13 FOR 0)
            || substr(gen_random_uuid()::text, 20))::uuid
    $$;
COMMENT ON FUNCTION questhall.uuid_v7() IS
    'A version 7 uuid (RFC 9562): milliseconds, 12 bits of their fraction, 62 random bits. Time-ordered, so that '
    'inserts land on the right edge of their indexes. PostgreSQL 15 has none of its own.';

CREATE FUNCTION questhall.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION questhall.touch_updated_at() IS
    'BEFORE UPDATE row trigger: sets updated_at. Attach with WHEN (OLD.* IS DISTINCT FROM NEW.*), so that an update '
    'that changes nothing costs nothing; where a column is generated PostgreSQL refuses that condition: leave it out.';

-- SQLSTATE 23001 and a constraint name let the faces turn the refusal into a sentence, as for any other constraint.
CREATE FUNCTION questhall.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF coalesce(current_setting('questhall.allow_erasure', true), '') = 'on' THEN
        RETURN CASE WHEN TG_OP = 'UPDATE' THEN NEW ELSE OLD END;
    END IF;
    RAISE EXCEPTION '%.% is append-only: % refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation',
              SCHEMA = TG_TABLE_SCHEMA,
              TABLE = TG_TABLE_NAME,
              CONSTRAINT = 'ck_append_only',
              HINT = 'Write a correcting row. Only the erasure of a person may set questhall.allow_erasure.';
END
$$;
COMMENT ON FUNCTION questhall.refuse_change() IS
    'Guards a journal: refuses UPDATE, DELETE and TRUNCATE (23001, constraint ck_append_only) unless the transaction '
    'ran SET LOCAL questhall.allow_erasure = ''on'', which only the erasure of a person does. Dropping or detaching a '
    'whole partition is not refused: that is how retention works.';

-- A new partition is built beside its parent and then attached: attaching takes SHARE UPDATE EXCLUSIVE on the parent,
-- where CREATE TABLE ... PARTITION OF would take ACCESS EXCLUSIVE and queue every writer behind the longest reader.
CREATE FUNCTION questhall.ensure_month_partitions(parent regclass, months_ahead integer DEFAULT 3) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    parent_schema text;
    parent_name text;
    this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    starts timestamp;
    part_name text;
    part text;
    created integer := 0;
BEGIN
    IF months_ahead IS NULL OR months_ahead NOT BETWEEN 0 AND 120 THEN
        RAISE EXCEPTION 'months_ahead must be 0 to 120, not %', months_ahead USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT n.nspname, c.relname INTO parent_schema, parent_name
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = parent AND c.relkind = 'p';
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not a partitioned table', parent USING ERRCODE = 'wrong_object_type';
    END IF;

    -- Nodes that start together wait for each other here and then find the work done.
    PERFORM pg_advisory_xact_lock(hashtextextended('questhall.ensure_month_partitions:' || parent::oid, 0));

    FOR i IN -1 .. months_ahead LOOP
        starts := this_month + make_interval(months => i);
        part_name := parent_name || to_char(starts, '"_y"YYYY"m"MM');
        part := format('%I.%I', parent_schema, part_name);
        -- A table of that name that is no longer attached has been archived: leave it be.
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS '
                       'INCLUDING STORAGE INCLUDING COMMENTS)', part, parent);
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', parent, part,
                       to_char(starts, 'YYYY-MM-DD"T00:00:00Z"'),
                       to_char(starts + interval '1 month', 'YYYY-MM-DD"T00:00:00Z"'));
        EXECUTE format('COMMENT ON TABLE %s IS %L', part,
                       format('%s.%s, %s (UTC).', parent_schema, parent_name, to_char(starts, 'YYYY-MM')));
        created := created + 1;
    END LOOP;
    RETURN created;
END
$$;
COMMENT ON FUNCTION questhall.ensure_month_partitions(regclass, integer) IS
    'Creates the missing monthly partitions of a range-partitioned table, from last month to months_ahead months from '
    'now (UTC), named <table>_y2026m11, and returns how many it made. Idempotent; concurrent callers take turns.';

CREATE FUNCTION questhall.ensure_past_partitions(parent regclass, months_back integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    parent_schema text;
    parent_name text;
    this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    starts timestamp;
    part text;
    created integer := 0;
BEGIN
    IF months_back IS NULL OR months_back NOT BETWEEN 0 AND 120 THEN
        RAISE EXCEPTION 'months_back must be 0 to 120, not %', months_back USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT n.nspname, c.relname INTO STRICT parent_schema, parent_name
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = parent AND c.relkind = 'p';
    PERFORM pg_advisory_xact_lock(hashtextextended('questhall.ensure_month_partitions:' || parent::oid, 0));
    FOR i IN REVERSE months_back .. 1 LOOP
        starts := this_month - make_interval(months => i);
        part := format('%I.%I', parent_schema, parent_name || to_char(starts, '"_y"YYYY"m"MM'));
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS '
                       'INCLUDING STORAGE INCLUDING COMMENTS)', part, parent);
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', parent, part,
                       to_char(starts, 'YYYY-MM-DD"T00:00:00Z"'),
                       to_char(starts + interval '1 month', 'YYYY-MM-DD"T00:00:00Z"'));
        EXECUTE format('COMMENT ON TABLE %s IS %L', part,
                       format('%s.%s, %s (UTC).', parent_schema, parent_name, to_char(starts, 'YYYY-MM')));
        created := created + 1;
    END LOOP;
    RETURN created;
END
$$;
COMMENT ON FUNCTION questhall.ensure_past_partitions(regclass, integer) IS
    'Creates the missing monthly partitions of the months before this one, for history that is brought in, and returns how '
    'many it made. Months that retention dropped come again, empty, if asked for.';

CREATE FUNCTION questhall.month_partitions(parent regclass)
    RETURNS TABLE (partition_name regclass, starts_at timestamptz, ends_at timestamptz)
    LANGUAGE sql STABLE
    AS $$
    SELECT c.oid::regclass, b.bound[1]::timestamptz, b.bound[2]::timestamptz
      FROM pg_catalog.pg_inherits i
      JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
     CROSS JOIN LATERAL regexp_match(pg_catalog.pg_get_expr(c.relpartbound, c.oid),
                                     $re$FROM \('([^']+)'\) TO \('([^']+)'\)$re$) AS b (bound)
     WHERE i.inhparent = parent AND NOT i.inhdetachpending AND b.bound IS NOT NULL
     ORDER BY 2
    $$;
COMMENT ON FUNCTION questhall.month_partitions(regclass) IS
    'The attached partitions of a table partitioned by a time range, oldest first, each with its bounds '
    '[starts_at, ends_at). Retention and archiving choose by ends_at.';

-- Partitions and views are changed by their owner alone. A role that runs nodes without owning anything does so through these
-- (and through ensure_month_partitions), each of which refuses what is none of its business.
CREATE FUNCTION questhall.drop_month_partition(part regclass) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM FROM pg_inherits i CROSS JOIN LATERAL questhall.month_partitions(i.inhparent::regclass) m
      WHERE i.inhrelid = part AND m.partition_name = part
        AND m.ends_at <= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is no month that is over', part USING ERRCODE = 'wrong_object_type';
    END IF;
    EXECUTE format('DROP TABLE %s', part);
END
$$;
COMMENT ON FUNCTION questhall.drop_month_partition(regclass) IS
    'Drops a monthly partition whose month is over; refuses every other table.';

CREATE FUNCTION questhall.refresh_view(view regclass) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    EXECUTE format('REFRESH MATERIALIZED VIEW CONCURRENTLY %s', view);
END
$$;
COMMENT ON FUNCTION questhall.refresh_view(regclass) IS
    'Computes a materialized view anew, while it is read.';

-- What acts with its owner's rights is for whom the owner grants it: `questhall db grants` says how.
REVOKE EXECUTE ON FUNCTION questhall.ensure_month_partitions(regclass, integer),
    questhall.ensure_past_partitions(regclass, integer), questhall.drop_month_partition(regclass),
    questhall.refresh_view(regclass) FROM PUBLIC;
