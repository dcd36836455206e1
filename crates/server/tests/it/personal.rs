//! What slices keep of members, held against the database's catalogue: each table that holds them is copied on request and forgotten, or
//! kept for a reason.

use db::testing::TestDatabase;
use server::SLICES;

use crate::slices::root;

/// Tables that hold members' ids, and are no personal data of a guild's: why.
const NOT_THEIRS: [(&str, &str); 8] = [
    ("access.operators", "who runs the installation is named by whoever has the machine, and by no guild"),
    ("access.sign_in_links", "links of the demo, gone within a day"),
    ("access.admin_users", "a local administrator's account is the person's, and no guild's"),
    ("access.sessions", "sign-ins are the person's, and no guild's"),
    ("access.discord_leaves", "sign-ins are the person's, and no guild's"),
    ("campaigns.campaigns", "who made it, as the audit log has it"),
    ("lake.categories", "who made it, as the audit log has it"),
    ("lake.multiplier_events", "who made it, as the audit log has it"),
];

/// A table that holds a member's id, as columns are named here, is one that the slice's personal data names: else a copy lacks it, and
/// nobody thought of it when somebody is forgotten.
#[tokio::test]
async fn every_table_that_holds_members_is_among_personal_data() {
    let database = TestDatabase::new().await;
    let holding: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT n.nspname::text, c.relname::text, string_agg(a.attname, ', ' ORDER BY a.attnum)
           FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND (a.attname = 'auth_user_id'
             OR a.atttypid = 'bigint'::regtype
                AND (a.attname IN ('user_id', 'giver_id', 'receiver_id', 'target_id', 'author_id', 'reactor_id', 'captain_id',
                                   'member_id')
                     OR a.attname LIKE '%\\_by'))
          GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    assert!(holding.len() > 20, "{holding:?}");
    let mut unknown = Vec::new();
    for (schema, table, columns) in holding {
        let Some(slice) = SLICES.iter().find(|slice| slice.name == schema) else { continue };
        let name = format!("{schema}.{table}");
        let named = slice.personal.is_some_and(|keeper| keeper.tables.contains(&name.as_str()))
            || NOT_THEIRS.iter().any(|(table, _)| *table == name);
        if !named {
            unknown.push(format!("{name} ({columns})"));
        }
    }
    assert_eq!(
        unknown,
        Vec::<String>::new(),
        "name them in the slice's `personal`, or say in NOT_THEIRS why not"
    );
    for slice in SLICES {
        for table in slice.personal.iter().flat_map(|keeper| keeper.tables) {
            let there: Option<String> = sqlx::query_scalar("SELECT to_regclass($1)::text")
                .bind(table)
                .fetch_one(database.pool())
                .await
                .unwrap();
            assert!(there.is_some(), "{} names {table}, which there is not", slice.name);
        }
    }
}

/// Columns of words that name nobody, or whose words are gone with the member whose they are.
const NO_NAMES: [(&str, &str); 6] = [
    ("challenges.challenge_hints.body", "what an author teaches"),
    ("delivery.webhook_deliveries.body", "what was sent, kept for days only"),
    ("delivery.webhooks.disabled_reason", "the house's own words"),
    ("learning.user_quest_attempts.notes", "notes to oneself, which nobody else sees"),
    ("moderation.automod_rules.reason", "what a rule tells whomever it meets"),
    ("moderation.warning_escalations.reason", "what a rule tells whomever it meets"),
];

/// Whoever is forgotten may be named in what others wrote: a column of such words that the slice's `personal` does not go over keeps the name.
#[tokio::test]
async fn every_column_of_words_is_gone_over_when_somebody_is_forgotten() {
    let database = TestDatabase::new().await;
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT n.nspname::text, c.relname::text, a.attname::text
           FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.atttypid = 'text'::regtype
            AND a.attname ~ '(^|_)(reason|notes?|feedback|comment|statement|body|justification)$'
            AND EXISTS (SELECT FROM pg_attribute g WHERE g.attrelid = c.oid AND g.attname = 'guild_id')
          ORDER BY 1, 2, 3",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    assert!(columns.len() > 10, "{columns:?}");
    let mut kept = Vec::new();
    for (schema, table, column) in columns {
        if !SLICES.iter().any(|slice| slice.name == schema) {
            continue;
        }
        let name = format!("{schema}.{table}");
        let personal = root().join("crates").join(&schema).join("src/personal.rs");
        let source = std::fs::read_to_string(personal).unwrap_or_default();
        let gone_over = source.split('"').any(|statement| {
            let changes =
                statement.contains(&format!("UPDATE {name}")) && statement.contains(&format!("{column} = "));
            changes || statement.contains(&format!("DELETE FROM {name}"))
        });
        let said = format!("{name}.{column}");
        if !gone_over && !NO_NAMES.iter().any(|(known, _)| *known == said) {
            kept.push(said);
        }
    }
    assert_eq!(
        kept,
        Vec::<String>::new(),
        "go over them in the slice's `personal`, or say in NO_NAMES why not"
    );
}

/// Tables of members that a slice neither copies nor forgets by a statement of its own: why.
const LEFT: [(&str, &str); 8] = [
    ("challenges.borrowed_answers", "what staff are told of answers; the answers themselves are copied"),
    (
        "lake.message_reactors",
        "the state of a limit, gone with the retention; the reactions are copied as events",
    ),
    (
        "lake.reaction_pairs",
        "the state of a limit, gone with the retention; the reactions are copied as events",
    ),
    ("moderation.escalation_firings", "which warnings brought which case; the cases are copied"),
    (
        "moderation.observed_sanctions",
        "what Discord says is in force, which forgetting does not lift; the cases are copied",
    ),
    ("moderation.warning_escalations", "a rule of the guild's, with the bare number of who made it"),
    ("people.members", "the head of a copy, and forgotten by `people::privacy`"),
    ("people.users", "the head of a copy, and forgotten by `people::privacy`"),
];

/// A table that `personal` names, and no statement of it reads or changes, is in no copy, and nobody forgets what stands in it.
#[test]
fn every_table_of_members_is_copied_or_forgotten() {
    let mut left = Vec::new();
    for slice in SLICES {
        let Some(keeper) = slice.personal else { continue };
        let path = root().join("crates").join(slice.name).join("src/personal.rs");
        let source = std::fs::read_to_string(path).unwrap();
        for table in keeper.tables {
            let known = LEFT.iter().any(|(left, _)| left == table);
            let touched = ["FROM ", "JOIN ", "UPDATE "].iter().any(|word| {
                let behind = format!("{word}{table}");
                source.match_indices(&behind).any(|(at, found)| {
                    !source[at + found.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                })
            });
            assert!(!(touched && known), "{table} is in LEFT, and is not");
            if !touched && !known {
                left.push(*table);
            }
        }
    }
    assert_eq!(
        left,
        Vec::<&str>::new(),
        "copy them in the slice's `personal`, forget them, or say in LEFT why not"
    );
}
