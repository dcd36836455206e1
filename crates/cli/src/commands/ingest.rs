//! `questhall ingest`: a file of events, into a guild's lake.
//!
//! Some chunks are on their way at a time, in order, while the next is read: the database never waits for the file, batches are as
//! large as they may be, and no more than nine chunks are held, however long the file.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use indicatif::{ProgressBar, ProgressStyle};
use jobs::Wake;
use kernel::GuildId;
use lake::ingest::lines::{self, CHUNK, Line, Lines, Receipt, RefusedEvent};
use lake::ingest::{EventWriter, Feed, IngestError};
use serde::Serialize;
use server::Shutdown;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::{
    args::Global,
    failure::{Code, Failure, OrFail},
    screen::{Screen, counted},
    setup,
};

/// Chunks on their way at a time.
const AHEAD: usize = 8;
/// Bytes read at once.
const READ: usize = 128 * 1024;

/// What became of a file.
#[derive(Debug, Default, Serialize)]
struct Summary {
    events: u64,
    counted: u64,
    duplicates: u64,
    switched_off: u64,
    refused: u64,
    /// The first of the refused, by line.
    examples: Vec<RefusedEvent>,
    seconds: f64,
    events_per_second: f64,
    /// Whether it was interrupted before the end.
    interrupted: bool,
}

#[derive(Debug, Args)]
pub(crate) struct IngestArgs {
    /// The file; `-` reads standard input.
    pub(crate) file: PathBuf,
    /// The guild in which it happened.
    #[arg(long)]
    pub(crate) guild: GuildId,
    /// How many of the refused lines are told.
    #[arg(long, default_value_t = 20)]
    pub(crate) show: usize,
}

pub(crate) async fn run(global: &Global, args: &IngestArgs, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    let (file, length): (Box<dyn AsyncRead + Send + Unpin>, Option<u64>) = if args.file == Path::new("-") {
        (Box::new(tokio::io::stdin()), None)
    } else {
        let named = |error| Failure::new(Code::Unavailable, format!("{}: {error}", args.file.display()));
        let file = tokio::fs::File::open(&args.file).await.map_err(named)?;
        let about = file.metadata().await.map_err(named)?;
        if about.is_dir() {
            let text = format!("{} is a folder; name a file with an event a line", args.file.display());
            return Err(Failure::new(Code::Unavailable, text));
        }
        let length = about.len();
        (Box::new(file), Some(length))
    };
    // The first Ctrl-C lets what is on its way arrive, the second one goes at once.
    let stop = server::signals().or_fail(Code::Unavailable)?;
    let at_once = stop.at_once.clone();
    tokio::spawn(async move {
        at_once.cancelled().await;
        std::process::exit(130);
    });
    setup::with_database(global, async |database| {
        let writer = EventWriter::start(database.pool(), &Wake::default(), 1);
        let bar = bar(length);
        let outcome = feed(file, &writer.feed(args.guild), args, &bar, &stop).await;
        bar.finish_and_clear();
        let summary = outcome?;
        screen.answer(&summary, told)?;
        if summary.refused == 0 && !summary.interrupted { Ok(()) } else { Err(Failure::no()) }
    })
    .await
}

fn bar(length: Option<u64>) -> ProgressBar {
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    if let Ok(style) = ProgressStyle::with_template(
        "ingesting [{bar:30}] {bytes}/{total_bytes}, {prefix} events, {eta} left",
    ) {
        bar.set_style(style.progress_chars("█▓░"));
    }
    bar
}

/// A chunk on its way, and where in the file it ends.
struct Sent {
    answer: BoxFuture<'static, Result<Receipt, IngestError>>,
    read: u64,
}

async fn feed(
    mut file: impl AsyncRead + Unpin,
    events: &Feed,
    args: &IngestArgs,
    bar: &ProgressBar,
    stop: &Shutdown,
) -> Result<Summary, Failure> {
    let began = Instant::now();
    let mut lines = Lines::default();
    let mut bytes = vec![0; READ];
    let (mut read, mut ended) = (0u64, false);
    let mut waiting: Vec<Line> = Vec::with_capacity(CHUNK);
    let mut sent: VecDeque<Sent> = VecDeque::new();
    let mut summary = Summary::default();
    loop {
        while waiting.len() < CHUNK && !ended {
            if let Some(line) = lines.next_line() {
                waiting.push(line);
                continue;
            }
            let Some(count) = stop.gently.run_until_cancelled(file.read(&mut bytes)).await else {
                (summary.interrupted, ended) = (true, true);
                break;
            };
            let count = count.or_fail(Code::Unavailable)?;
            read += u64::try_from(count).unwrap_or(0);
            lines.push(&bytes[..count]);
            if count == 0 {
                waiting.extend(lines.last());
                ended = true;
            }
        }
        if !waiting.is_empty() {
            sent.push_back(send(events, std::mem::take(&mut waiting), read));
        }
        while sent.len() > if ended { 0 } else { AHEAD - 1 } {
            let Some(next) = sent.pop_front() else { break };
            let receipt = next.answer.await.or_fail(Code::Unavailable)?;
            note(&mut summary, receipt, args.show);
            bar.set_position(next.read);
            bar.set_prefix(summary.events.to_string());
        }
        if ended && sent.is_empty() {
            break;
        }
    }
    summary.seconds = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let events = summary.events as f64;
    summary.events_per_second = (events / summary.seconds.max(1e-9)).round();
    Ok(summary)
}

/// Sends a chunk off; its place in the writer's queue is taken before this returns.
fn send(feed: &Feed, lines: Vec<Line>, read: u64) -> Sent {
    let feed = feed.clone();
    let mut answer = async move { lines::take(&feed, lines, true).await }.boxed();
    // Asked once, it is in the queue; asked again when its turn has come.
    let answer = match (&mut answer).now_or_never() {
        Some(done) => futures::future::ready(done).boxed(),
        None => answer,
    };
    Sent { answer, read }
}

fn note(summary: &mut Summary, receipt: Receipt, show: usize) {
    summary.events += receipt.events;
    summary.counted += receipt.counted;
    summary.duplicates += receipt.duplicates;
    summary.switched_off += receipt.switched_off;
    summary.refused += u64::try_from(receipt.refused.len()).unwrap_or(0);
    let room = show.saturating_sub(summary.examples.len());
    summary.examples.extend(receipt.refused.into_iter().take(room));
}

fn told(summary: &Summary) -> String {
    let mut text = format!(
        "{} in {:.1} s ({}/s): {} counted, {} there already, {} switched off, {} refused.",
        counted(summary.events, "event"),
        summary.seconds,
        summary.events_per_second,
        summary.counted,
        summary.duplicates,
        summary.switched_off,
        summary.refused,
    );
    for refused in &summary.examples {
        let field = if refused.field.is_empty() { "it".to_owned() } else { format!("`{}`", refused.field) };
        // Writing to a String cannot fail.
        let _ = write!(text, "\nline {}: {field} {}", refused.index, refused.message);
    }
    if summary.refused > u64::try_from(summary.examples.len()).unwrap_or(0) {
        text.push_str("\n…");
    }
    if summary.interrupted {
        text.push_str("\nInterrupted. Run it again to go on: what is there already is passed over.");
    }
    text
}
