//! Runs other people's Python (challenge generators now, checkers later) so that it can do no harm.
//!
//! What it promises:
//! - A script sees its own text, its author's files, its seed and Python's library. It reaches no network, no file, no process, no
//!   environment, no other script's memory; it ends at its limits; nothing of it is left for the next run.
//! - How a run ended is what the kernel says (wait status, descriptors with a cap), never what the script says.
//! - The same script and seed give the same result on every worker and node (`random` and `numpy.random` are seeded,
//!   the hash seed is fixed).
//! - Where the kernel offers no jail, nothing runs, unless the operator says `allow_unjailed` in words.
//!
//! How: a *zygote* per worker, our own binary started again ([`zygote_main_if_asked`]), confines itself, becomes
//! Python, imports the library once and forks per run. See `docs/sandbox.md` and `docs/adr/0003-python-jail.md`.
//!
//! The map:
//! - `model`: what callers hand in and get back; `error`: what can go wrong, in the author's words;
//! - [`generator`]: a run read as `{"input": …, "result": …}`, and the check of a generator on several seeds;
//! - `pool`: [`Sandbox`] and what its callers and workers share; `queue`: fairness between tenants; `post`: a worker's
//!   place, with its retries and restarts; `ladder`: the choice of jail at start;
//! - [`files`]: what a script finds beside it and what it makes; `files.py` keeps both in the script's own memory;
//! - `worker`: one zygote seen from the server; `report`: a finished run's status turned into a verdict;
//! - `plan`, `jail`, `landlocked`, `mounts`, `filter`, `raw`: the confinement, inside the started process;
//! - `clock`: which scripts look at it; `interpreter`: which Python, and which files it needs; `doctor`: [`probe`]; [`mod@bench`]: figures against plain
//!   `python3`.

pub mod bench;
mod clock;
mod doctor;
mod error;
pub mod files;
mod filter;
pub mod generator;
mod interpreter;
mod jail;
mod ladder;
mod landlocked;
mod model;
mod mounts;
mod plan;
mod pool;
mod post;
mod queue;
mod raw;
mod report;
mod worker;

pub use doctor::{Finding, Probe, PythonFound, RungTried, probe, probe_with};
pub use error::{LimitKind, RunError, StartError};
pub use files::{File, Files};
pub use jail::zygote_main_if_asked;
pub use model::{Config, Job, Limits, Output, Rung, Stats};
pub use pool::Sandbox;
pub use report::readable;
