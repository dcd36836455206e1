//! The database that is measured: a private cluster of its own, as durable as the real one, in a folder that goes
//! afterwards; or the one at a URL, which must be empty but for the schema and is left full of the benchmark's rows.

use std::{fs, io, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use db::{Database, migrate::Schema};
use sqlx::{ConnectOptions as _, PgConnection, PgPool};

/// An open database with Questhall's schema.
pub(crate) struct Ground {
    database: Database,
    folder: Option<Folder>,
}

impl Ground {
    /// Opens and migrates it.
    pub(crate) async fn prepare(
        schema: &Schema,
        url: Option<&str>,
        mut settings: db::Settings,
    ) -> Result<Self> {
        // Filling takes longer than any request may.
        settings.statement_timeout = std::time::Duration::ZERO;
        settings.slow_query = std::time::Duration::ZERO;
        let folder = if let Some(url) = url {
            settings.url = Some(url.to_owned());
            None
        } else {
            settings.url = None;
            let folder = Folder::make("questhall-bench")?;
            settings.data_dir.clone_from(&folder.0);
            Some(folder)
        };
        let database = Database::open(&settings).await?;
        schema.run(database.options(), |_| {}).await?;
        let taken = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM campaigns.campaigns) AS "taken!""#)
            .fetch_one(&mut *db::acquire(database.pool()).await?)
            .await?;
        if taken {
            bail!("the database at --database-url holds campaigns; a benchmark needs one of its own");
        }
        Ok(Self { database, folder })
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    pub(crate) async fn connect(&self) -> Result<PgConnection> {
        Ok(self.database.connect().await?)
    }

    /// For a server that is started beside us.
    pub(crate) fn url(&self) -> String {
        self.database.options().to_url_lossy().to_string()
    }

    /// What PostgreSQL is, and how durable its commits are.
    pub(crate) async fn describe(&self) -> Result<String> {
        let row = sqlx::query!(
            r#"SELECT current_setting('server_version') AS "version!", current_setting('fsync') AS "fsync!",
                      current_setting('synchronous_commit') AS "commit!", current_setting('full_page_writes') AS "pages!",
                      current_setting('shared_buffers') AS "buffers!", current_setting('data_checksums') AS "checksums!""#
        )
        .fetch_one(&mut *db::acquire(self.pool()).await?)
        .await?;
        let whose = if self.folder.is_some() { "a private cluster" } else { "at --database-url" };
        Ok(format!(
            "PostgreSQL {} ({whose}): fsync {}, synchronous_commit {}, full_page_writes {}, checksums {}, shared_buffers {}",
            row.version, row.fsync, row.commit, row.pages, row.checksums, row.buffers
        ))
    }

    /// Statistics, visibility and a checkpoint, so that what was filled does not weigh on what is measured.
    pub(crate) async fn settle(&self) -> Result<()> {
        let mut connection = self.connect().await?;
        sqlx::raw_sql("VACUUM ANALYZE").execute(&mut connection).await?;
        sqlx::raw_sql("CHECKPOINT").execute(&mut connection).await?;
        Ok(())
    }

    /// Closes it and removes the folder.
    pub(crate) async fn close(self) {
        self.database.close().await;
        drop(self.folder);
    }
}

/// A folder of our own under the system's for temporary files; removed when dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn make(name: &str) -> Result<Self> {
        let base = std::env::temp_dir();
        for n in 0..100 {
            let path = base.join(format!("{name}-{}-{n}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("cannot make {}", path.display())),
            }
        }
        bail!("cannot make a folder under {}", base.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays for the system to clean.
        let _ = fs::remove_dir_all(&self.0);
    }
}
