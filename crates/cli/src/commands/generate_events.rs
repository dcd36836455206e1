//! `questhall generate-events`: made-up events, for trying things out and for benchmarks.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use clap::Args;
use kernel::Clock;
use lake::ingest::generator::{Community, Generator};

use crate::failure::{Code, Failure, OrFail};

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// How many events.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: usize,
    /// How many members.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) members: usize,
    /// How many channels; a tenth as many for voice.
    #[arg(long, default_value_t = 60)]
    pub(crate) channels: usize,
    /// What decides everything that is left to chance.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// When the first event happens [default: so many days ago].
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<DateTime<Utc>>,
    /// Days over which the events are spread.
    #[arg(long, default_value_t = 30)]
    pub(crate) days: u16,
    /// Write them here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

pub(crate) fn run(args: &GenerateArgs) -> Result<(), Failure> {
    let over = TimeDelta::days(i64::from(args.days.max(1)));
    let now: chrono::DateTime<Utc> = Clock::system().now().trunc_subsecs(0);
    let community = Community {
        seed: args.seed,
        events: args.events,
        members: args.members,
        channels: args.channels,
        from: args.from.unwrap_or(now - over),
        over,
    };
    let written = match &args.out {
        Some(path) => {
            let file = File::create(path).or_fail(Code::Unavailable)?;
            write(community, BufWriter::with_capacity(1 << 18, file))
        }
        None => write(community, BufWriter::new(io::stdout().lock())),
    };
    match written {
        // `questhall generate-events | head` has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.or_fail(Code::Unavailable),
    }
}

fn write(community: Community, mut out: impl Write) -> io::Result<()> {
    for event in Generator::new(community) {
        serde_json::to_writer(&mut out, &event)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
