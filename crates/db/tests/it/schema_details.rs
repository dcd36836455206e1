//! The schema's conventions (CONTRIBUTING.md), checked on the migrated database, so that a review need not.
//!
//! Partitions follow their parents and are left out; what sqlx keeps for itself (`_sqlx_migrations`) too.

use std::collections::BTreeMap;

use db::testing::TestDatabase;
use sqlx::PgPool;

/// Foreign keys without an index led by their columns, and why that is right. An index pays only when rows of the
/// referenced table are deleted, have their key changed, or are looked up from.
const UNINDEXED_FOREIGN_KEYS: &[(&str, &str)] = &[(
    "fk_user_achievements_season_id_seasons",
    "a season that was played is archived, never deleted, and its id never changes",
)];

/// Tables with `guild_id` but no index led by it, and why that is right.
const NOT_LED_BY_GUILD: &[(&str, &str)] = &[(
    "access.idempotency_keys",
    "found by actor and key alone, before the guild is known; gone within a day",
)];

/// Names that two tables share, and why that is right.
const SHARED_NAMES: &[(&str, &str)] = &[
    ("ck_quests_title on community.quests, learning.quests", QUESTS),
    ("pk_quests on community.quests, learning.quests", QUESTS),
];

const QUESTS: &str = "two seeds each have a table `quests`; the sentence for it is the same";

/// The rows of a catalogue query that returns one text column: each a violation.
async fn violations(pool: &PgPool, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(pool).await.expect("the catalogue can be asked")
}

fn assert_none(violations: &[String], rule: &str) {
    assert!(violations.is_empty(), "{rule}; {} violations:\n  {}", violations.len(), violations.join("\n  "));
}

/// Violations that are not on the list, and entries of the list that no longer are violations.
fn assert_only(violations: &[String], allowed: &[(&str, &str)], rule: &str) {
    let allowed: BTreeMap<&str, &str> = allowed.iter().copied().collect();
    assert!(allowed.values().all(|reason| reason.len() > 20), "every exception has its reason");
    let unexpected: Vec<String> =
        violations.iter().filter(|name| !allowed.contains_key(name.as_str())).cloned().collect();
    assert_none(&unexpected, rule);
    let stale: Vec<&&str> = allowed.keys().filter(|name| !violations.iter().any(|v| v == **name)).collect();
    assert!(stale.is_empty(), "exceptions that are none any more: {stale:?}");
}

#[tokio::test]
async fn there_is_a_schema_to_check() {
    let database = TestDatabase::new().await;
    let tables = violations(
        database.pool(),
        "SELECT oid::regclass::text FROM pg_class
          WHERE relkind IN ('r', 'p') AND NOT relispartition
            AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)' AND relname <> '_sqlx_migrations'",
    )
    .await;
    // The seeds alone have 47.
    assert!(tables.len() >= 47, "{tables:?}");
    let in_public: Vec<_> = tables.iter().filter(|table| !table.contains('.')).collect();
    assert!(in_public.is_empty(), "tables live in their slice's schema: {in_public:?}");
}

#[tokio::test]
async fn every_schema_table_view_and_column_has_a_comment() {
    let database = TestDatabase::new().await;
    let missing = violations(
        database.pool(),
        "WITH relations AS (
            SELECT oid FROM pg_class
             WHERE relkind IN ('r', 'p', 'v', 'm') AND NOT relispartition
               AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
               AND relname <> '_sqlx_migrations')
         SELECT 'schema ' || nspname FROM pg_namespace
          WHERE nspname !~ '^(pg_|information_schema|public$)' AND obj_description(oid, 'pg_namespace') IS NULL
         UNION ALL
         SELECT oid::regclass::text FROM relations WHERE coalesce(obj_description(oid, 'pg_class'), '') = ''
         UNION ALL
         SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN relations ON attrelid = relations.oid
          WHERE attnum > 0 AND NOT attisdropped AND coalesce(col_description(attrelid, attnum), '') = ''
         ORDER BY 1",
    )
    .await;
    assert_none(&missing, "every schema, table, view and column carries a COMMENT");
}

#[tokio::test]
async fn constraints_and_indexes_are_named_by_kind_and_once() {
    let database = TestDatabase::new().await;
    let misnamed = violations(
        database.pool(),
        "SELECT format('%s of %s should begin with %s', conname, conrelid::regclass, wanted)
           FROM pg_constraint
           JOIN pg_class ON pg_class.oid = conrelid AND NOT relispartition
           JOIN (VALUES ('p', 'pk_'), ('u', 'uq_'), ('c', 'ck_'), ('f', 'fk_'), ('x', 'ex_')) AS kinds (kind, wanted)
             ON contype::text = kind
          WHERE connamespace::regnamespace::text !~ '^(pg_|information_schema)'
            AND relname <> '_sqlx_migrations' AND NOT starts_with(conname, wanted)
         UNION ALL
         SELECT format('%s on %s should begin with %s', relname, indrelid::regclass, wanted)
           FROM pg_index
           JOIN pg_class ON pg_class.oid = indexrelid AND NOT relispartition
           CROSS JOIN LATERAL (SELECT CASE WHEN indisunique THEN 'uq_' ELSE 'ix_' END) AS kind (wanted)
          WHERE relnamespace::regnamespace::text !~ '^pg_' AND relname <> '_sqlx_migrations_pkey'
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
            AND NOT starts_with(relname, wanted)
         ORDER BY 1",
    )
    .await;
    assert_none(&misnamed, "names begin with pk_, uq_, ck_, fk_, ex_ or ix_");

    // The API turns a violated constraint into a sentence by its name alone.
    let ambiguous = violations(
        database.pool(),
        "SELECT name || ' on ' || string_agg(place, ', ' ORDER BY place)
           FROM (SELECT conname::text, conrelid::regclass::text
                   FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid AND NOT relispartition
                  WHERE connamespace::regnamespace::text !~ '^(pg_|information_schema)'
                 UNION
                 SELECT relname::text, indrelid::regclass::text
                   FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid AND NOT relispartition
                  WHERE indisunique AND relnamespace::regnamespace::text !~ '^pg_') AS names (name, place)
          GROUP BY name HAVING count(*) > 1 ORDER BY 1",
    )
    .await;
    assert_only(&ambiguous, SHARED_NAMES, "a constraint's name says which table it belongs to");
}

#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let database = TestDatabase::new().await;
    let unindexed = violations(
        database.pool(),
        "SELECT conname::text
           FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid AND NOT relispartition
          WHERE contype = 'f' AND NOT EXISTS (
                SELECT FROM pg_index
                 WHERE indrelid = conrelid
                   -- A partial index serves if all it leaves out are nulls, which reference nothing.
                   AND (indpred IS NULL
                        OR pg_get_expr(indpred, indrelid) ~ '^\\(*\\w+ IS NOT NULL\\)*( AND \\(*\\w+ IS NOT NULL\\)*)*$')
                   -- All of its columns, or all but the guild: a row's id is of one guild.
                   AND EXISTS (
                       SELECT FROM (SELECT array_agg(key ORDER BY key) AS wanted FROM unnest(conkey) AS key
                                    UNION ALL
                                    SELECT array_agg(attnum ORDER BY attnum) FROM pg_attribute
                                     WHERE attrelid = conrelid AND attnum = ANY (conkey) AND attname <> 'guild_id') AS w
                        WHERE (SELECT array_agg(key ORDER BY key)
                                 FROM unnest((indkey::int2[])[0:cardinality(wanted) - 1]) AS key) = wanted))
          ORDER BY 1",
    )
    .await;
    assert_only(&unindexed, UNINDEXED_FOREIGN_KEYS, "every foreign key has an index led by its columns");
}

#[tokio::test]
async fn the_guild_leads_an_index_of_every_table_that_belongs_to_one() {
    let database = TestDatabase::new().await;
    let not_led = violations(
        database.pool(),
        "SELECT attrelid::regclass::text
           FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
          WHERE attname = 'guild_id' AND NOT attisdropped AND relkind IN ('r', 'p') AND NOT relispartition
            AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid AND indkey[0] = attnum)
          ORDER BY 1",
    )
    .await;
    assert_only(&not_led, NOT_LED_BY_GUILD, "an index is led by guild_id");
}

#[tokio::test]
async fn types_are_the_ones_we_use() {
    let database = TestDatabase::new().await;
    let wrong = violations(
        database.pool(),
        "SELECT format('%s.%s is %s', attrelid::regclass, attname, format_type(atttypid, atttypmod))
           FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
          WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p') AND NOT relispartition
            AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
            AND (atttypid IN ('timestamp'::regtype, 'timetz'::regtype, 'json'::regtype, 'money'::regtype,
                              'bpchar'::regtype, 'oid'::regtype)
                 OR atttypid = 'timestamp[]'::regtype)
          ORDER BY 1",
    )
    .await;
    assert_none(&wrong, "timestamptz and jsonb; no money, char(n) or oid");
}

#[tokio::test]
async fn what_acts_with_its_owners_rights_is_for_whom_the_owner_grants_it() {
    let database = TestDatabase::new().await;
    let all = violations(
        database.pool(),
        "SELECT proname::text FROM pg_proc WHERE prosecdef AND pronamespace::regnamespace::text !~ '^(pg_|information_schema)'",
    )
    .await;
    assert!(all.len() >= 5, "{all:?}");
    let open = violations(
        database.pool(),
        "SELECT oid::regprocedure::text FROM pg_proc
          WHERE prosecdef AND pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
            AND (NOT coalesce(proconfig::text, '') LIKE '%search_path%'
                 OR EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner)))
                             WHERE grantee = 0 AND privilege_type = 'EXECUTE'))",
    )
    .await;
    assert_none(
        &open,
        "functions that act with their owner's rights set search_path, and nobody else may call them",
    );
}
