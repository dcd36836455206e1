//! The migrations as tests see them: read from their files while the test runs, so that an edit of one compiles nothing.

use std::{fs, path::Path, sync::LazyLock};

use sqlx::{
    AssertSqlSafe, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

use crate::migrate::Schema;

/// Where the crate `migrations` keeps them.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/sql");

/// The schema that the files make.
pub fn schema() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| read(Path::new(FOLDER)));
    &SCHEMA
}

fn read(folder: &Path) -> Schema {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let migrations = entries.map(|entry| {
        let path = entry.expect("a folder can be read to its end").path();
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let (version, what) = name.split_once('_').unwrap_or_else(|| panic!("{name}: no NNNN_what.sql"));
        let version = version.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        let alone = text.starts_with("-- no-transaction");
        let sql = AssertSqlSafe(text).into_sql_str();
        Migration::new(version, what.replace('_', " ").into(), MigrationType::Simple, sql, alone)
    });
    Schema::new(Migrator::with_migrations(migrations.collect()))
}
