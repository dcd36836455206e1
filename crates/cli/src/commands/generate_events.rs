//! `questhall generate-events`: made-up events, for trying things out and for benchmarks.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use chrono::{SubsecRound as _, TimeDelta, Utc};
use kernel::Clock;
use lake::ingest::generator::{Community, Generator};

use crate::{
    args::GenerateArgs,
    failure::{Code, Failure, OrFail},
};

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
