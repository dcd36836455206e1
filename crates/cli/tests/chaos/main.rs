//! Bad days: the real `questhall` and the real PostgreSQL, killed at random instants while timers fire and members act.
//!
//! What must hold, whatever dies when: no timer is lost or run twice, no point or byte is lost or doubled, every request
//! takes effect once or not at all, `audit` is clean, nothing is left behind, and the service is back within seconds.
//!
//! `QUESTHALL_CHAOS_KILLS` asks for another number of kills, in percent of the usual; `QUESTHALL_CHAOS_SEED` repeats a run's chances (but
//! not its scheduling: that is the machine's). Both are printed. `QUESTHALL_CHAOS_BINARY` names another binary than the one that is built with these
//! tests, such as one that is built for service.
//!
//! A binary of its own beside the crate's other tests: these take minutes, kill processes and count what is left behind, so they run one at a
//! time and first (`.config/nextest.toml` asks for the binary), and are built alone where only they are wanted.
//!
//! Map: [`process`] a server as a child process · [`http`] a client that knows when it got no answer · [`town`] a guild,
//! its campaigns, and time that passes when told · [`crowd`] members who act, and what they were told · [`reckoning`] what
//! must hold in the end · the tests in [`storms`], [`nodes`], [`wires`], [`jail`], [`checks`], [`lake`], [`replay`], [`upheaval`], [`class`].
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod checks;
mod class;
mod crowd;
mod http;
mod jail;
mod lake;
mod nodes;
mod process;
mod reckoning;
mod replay;
mod storms;
mod town;
mod upheaval;
mod wires;

use std::time::{Duration, Instant};

use rand::{SeedableRng, rngs::StdRng};

/// How long anything may take before the test fails. Generous: the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_mins(3);

/// After this time a storm ends once a third of its kills are done.
const LONGEST_STORM: Duration = Duration::from_secs(75);

/// The run's source of chance, its seed printed so that it can be repeated.
fn chance(test: &str) -> StdRng {
    let given = std::env::var("QUESTHALL_CHAOS_SEED").ok();
    let seed = given.map_or_else(rand::random::<u64>, |seed| seed.parse().expect("a seed is a number"));
    println!("{test}: QUESTHALL_CHAOS_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// So many kills, or that percentage of them for which the environment asks.
fn kills(usual: usize) -> usize {
    let percent = std::env::var("QUESTHALL_CHAOS_KILLS").ok();
    let percent = percent.map_or(100, |percent| percent.parse().expect("QUESTHALL_CHAOS_KILLS is a number"));
    (usual * percent / 100).max(1)
}

/// Whether a storm that began so long ago and has come to that many of `planned` kills ends here, because this machine is
/// too slow for all of them: a run is to take minutes. Who asks for another number of kills gets them all.
fn enough(began: Instant, done: usize, planned: usize) -> bool {
    let usual = std::env::var_os("QUESTHALL_CHAOS_KILLS").is_none();
    usual && done >= planned / 3 && began.elapsed() > LONGEST_STORM
}

/// Looks until `look` finds something; fails, saying for what it waited, when [`PATIENCE`] is over.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
