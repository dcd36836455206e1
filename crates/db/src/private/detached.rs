//! A server that outlives the process which started it: for test runs, which are many short processes.

use std::{fs, path::Path, time::Duration};

use sqlx::postgres::PgConnectOptions;

use super::{
    Durability, Machine, Plan, PrivateError,
    layout::Layout,
    options, orphans,
    prepare::{Prepared, remove_dir},
    supervisor::{Control, launch},
};

/// A plan for a server whose data may be lost.
pub(crate) fn plan(data_dir: &Path) -> Plan {
    Plan {
        data_dir: data_dir.to_owned(),
        postgres_bin: None,
        max_connections: 100,
        slow_query: Duration::ZERO,
        machine: Machine::here(),
        durability: Durability::Fast,
    }
}

/// Starts the server if it does not run, and leaves it running. The caller makes sure that only one process at a time
/// does this; the folder's lock is held only while it starts.
pub(crate) fn ensure(plan: &Plan) -> Result<PgConnectOptions, PrivateError> {
    let layout = Layout::open(&plan.data_dir)?;
    if let Some(options) = running(&layout) {
        return Ok(options);
    }
    let mut lock = layout.lock()?;
    // Never synced: after a crash of the machine it may be in pieces, and nobody needs it.
    if orphans::processes_in(&layout.pgdata).is_empty() && layout.pgdata.join("postmaster.pid").exists() {
        remove_dir(&layout.pgdata)?;
    }
    let prepared = match Prepared::new(layout.clone(), plan) {
        // Another PostgreSQL was installed meanwhile.
        Err(PrivateError::WrongMajor { .. }) => {
            remove_dir(&layout.pgdata)?;
            Prepared::new(layout, plan)?
        }
        other => other?,
    };
    lock.announce(&prepared.socket_dir)?;
    let child = launch(&prepared, &Control::default(), false)?;
    // Not waited for: init inherits it when we end, and it must outlive us.
    drop(child);
    Ok(options(&prepared.socket_dir).database("postgres"))
}

/// Ends it, cleanly if it lets us.
pub(crate) fn stop(data_dir: &Path) -> Result<(), PrivateError> {
    let layout = Layout::open(data_dir)?;
    let control = Control::default();
    orphans::end(&layout.pgdata, || control.pause(Duration::from_millis(10)))
}

fn running(layout: &Layout) -> Option<PgConnectOptions> {
    let (pid, ready) = orphans::postmaster_file(&layout.pgdata)?;
    let alive = ready && orphans::processes_in(&layout.pgdata).contains(&pid);
    let dir = layout.announced_socket_dir().filter(|dir| alive && fs::exists(dir).unwrap_or(false))?;
    Some(options(&dir).database("postgres"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private::{Cluster, State};

    /// What is left when Questhall is killed in a way that the kernel's word to its child gets lost.
    #[tokio::test]
    async fn an_orphaned_server_is_ended_and_its_commits_are_kept() {
        let folder = crate::testing::Folder::new();
        let orphaned = Plan { durability: Durability::Full, ..plan(folder.path()) };
        let cluster = Cluster::start(orphaned.clone()).await.unwrap();
        cluster.stop().await;
        let base = {
            let plan = orphaned.clone();
            tokio::task::spawn_blocking(move || ensure(&plan)).await.unwrap().unwrap()
        };
        let pool = sqlx::PgPool::connect_with(base.database("questhall")).await.unwrap();
        sqlx::raw_sql("CREATE TABLE kept AS SELECT 42 AS answer").execute(&pool).await.unwrap();
        let orphan = orphans::postmaster_file(&folder.path().join("postgres")).unwrap().0;

        let cluster = Cluster::start(orphaned).await.unwrap();
        assert_eq!(*cluster.state().borrow(), State::Ready);
        assert_ne!(cluster.postmaster(), Some(orphan.as_raw()));
        assert!(!orphans::processes_in(&folder.path().join("postgres")).contains(&orphan));
        let pool = sqlx::PgPool::connect_with(cluster.options()).await.unwrap();
        let answer: i32 = sqlx::query_scalar("SELECT answer FROM kept").fetch_one(&pool).await.unwrap();
        assert_eq!(answer, 42);
        pool.close().await;
        cluster.stop().await;
    }
}
