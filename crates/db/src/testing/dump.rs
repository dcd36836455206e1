//! Dumps, taken and restored with PostgreSQL's own programs, as operators do.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use sqlx::{ConnectOptions, postgres::PgConnectOptions};

/// Writes a dump of a database into a file.
pub async fn dump(from: &PgConnectOptions, file: &Path) {
    run("pg_dump", from, &["--format=custom", "--file", &file.display().to_string()]).await;
}

/// Restores a dump into a database with nothing in it.
pub async fn restore(file: &Path, into: &PgConnectOptions) {
    run("pg_restore", into, &["--exit-on-error", "--no-owner", &file.display().to_string()]).await;
}

async fn run(program: &str, database: &PgConnectOptions, arguments: &[&str]) {
    let mut command = Command::new(folder(database).await.join(program));
    let mut url = database.to_url_lossy();
    // libpq refuses what only sqlx knows.
    let known: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| ["host", "port", "sslmode", "sslrootcert"].contains(&&**name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(known);
    command.arg("--dbname").arg(url.as_str()).args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("waiting does not panic").expect("the program can be started");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Where the server's own programs are: no others are sure to be of its version.
async fn folder(database: &PgConnectOptions) -> PathBuf {
    let mut connection = super::connect(database).await;
    let folder: String = sqlx::query_scalar("SELECT setting FROM pg_config WHERE name = 'BINDIR'")
        .fetch_one(&mut connection)
        .await
        .expect("a superuser may ask where the programs are");
    PathBuf::from(folder)
}
