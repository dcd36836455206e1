//! `questhall db`: the schema.

use clap::Subcommand;
use db::{
    Database,
    migrate::{Entry, Progress, State},
};
use migrations::SCHEMA;
use serde::Serialize;

use crate::{
    args::Global,
    failure::{Code, Failure, OrFail},
    screen::{Screen, counted, table},
    setup,
};

/// A migration, as `--json` tells it.
#[derive(Debug, Serialize)]
struct Line {
    version: i64,
    description: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied_at: Option<String>,
}

impl From<Entry> for Line {
    fn from(entry: Entry) -> Self {
        let (state, at) = match entry.state {
            State::Pending => ("pending", None),
            State::Applied(at) => ("applied", Some(at)),
            State::Changed(at) => ("changed", Some(at)),
            State::Unknown(at) => ("unknown", Some(at)),
        };
        Self {
            version: entry.version,
            description: entry.description,
            state,
            applied_at: at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Apply the migrations that are missing. Any number of nodes may do so at once.
    Migrate,
    /// List the migrations; exit code 1 when some are missing.
    Status,
    /// Print the SQL that lets a role run nodes without owning anything; for the owner to run, again after every upgrade.
    Grants {
        /// The role, which is there already.
        role: String,
    },
}

pub(crate) async fn run(global: &Global, command: &DbCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    if let DbCommand::Grants { role } = command {
        return screen.print(&grants(role));
    }
    let settings = setup::settings(global, &[])?;
    let database = Database::open_or_join(&settings.db).await.or_fail(Code::Unavailable)?;
    let outcome = match command {
        DbCommand::Migrate => migrate(&database, screen).await,
        DbCommand::Status => status(&database, screen).await,
        DbCommand::Grants { .. } => Ok(()),
    };
    database.close().await;
    outcome
}

/// What a role needs to run nodes: rows, sequences and functions of every schema, those to come too. Whoever migrates owns what
/// there is, and runs this.
fn grants(role: &str) -> String {
    let role = role.replace('\'', "''");
    format!(
        "\
-- Lets the role {role} run Questhall without owning anything. Run it as the role that migrates, after every upgrade.
DO $$
DECLARE
    runner text := quote_ident('{role}');
    room text;
BEGIN
    FOR room IN
        SELECT quote_ident(n.nspname) FROM pg_namespace n
         WHERE n.nspname !~ '^(pg_|information_schema$|public$)'
           AND EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid
                       UNION ALL SELECT FROM pg_class c WHERE c.relnamespace = n.oid)
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %s TO %s', room, runner);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s TO %s', room, runner);
        EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %s TO %s', room, runner);
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %s TO %s', room, runner);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %s', room, runner);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT USAGE, SELECT ON SEQUENCES TO %s', room, runner);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT EXECUTE ON FUNCTIONS TO %s', room, runner);
    END LOOP;
    EXECUTE format('GRANT SELECT ON public._sqlx_migrations TO %s', runner);
END
$$;"
    )
}

/// Brings the schema up to date, telling what it does.
pub(crate) async fn migrate(database: &Database, screen: &Screen) -> Result<(), Failure> {
    let bar = screen.bar(0, "migrating");
    let applied = SCHEMA
        .run(database.options(), |progress| match progress {
            Progress::Waiting => bar.println("Another node is migrating; waiting for it."),
            Progress::Applying { version, description, index, total } => {
                bar.set_length(u64::try_from(total).unwrap_or(0));
                bar.set_position(u64::try_from(index - 1).unwrap_or(0));
                bar.set_prefix(format!("{version:04} {description}"));
            }
            Progress::Applied { .. } => bar.inc(1),
        })
        .await;
    bar.finish_and_clear();
    let applied = applied.or_fail(Code::Unavailable)?;
    jobs::outbox::settle(database.pool()).await?;
    let lines: Vec<_> = applied
        .iter()
        .map(|migration| {
            serde_json::json!({
                "version": migration.version,
                "description": migration.description,
                "milliseconds": u64::try_from(migration.took.as_millis()).unwrap_or(u64::MAX),
            })
        })
        .collect();
    screen.answer(&lines, |lines| match lines.len() {
        0 => "The schema is up to date.".to_owned(),
        n => format!("{} applied; the schema is up to date.", counted(n, "migration")),
    })
}

async fn status(database: &Database, screen: &Screen) -> Result<(), Failure> {
    let mut connection = database.connect().await?;
    let entries = SCHEMA.status(&mut connection).await.or_fail(Code::Unavailable)?;
    let good = entries.iter().all(|entry| matches!(entry.state, State::Applied(_)));
    let lines: Vec<Line> = entries.into_iter().map(Line::from).collect();
    screen.answer(&lines, |lines| {
        table(
            ["migration", "state", "since"],
            lines.iter().map(|line| {
                let since = line.applied_at.clone().unwrap_or_default();
                [format!("{:04} {}", line.version, line.description), line.state.to_owned(), since]
            }),
        )
    })?;
    if good { Ok(()) } else { Err(Failure::no()) }
}
