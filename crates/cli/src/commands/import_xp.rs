//! `questhall member import`: XP from another bot.

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;
use kernel::Problem;
use progress::import;

use super::operator::{on_database, operator};
use crate::args::{Global, Guild};
use crate::failure::{Code, Failure, OrFail as _};
use crate::screen::Screen;

#[derive(Debug, Args)]
pub(crate) struct ImportXpArgs {
    #[command(flatten)]
    pub(crate) guild: Guild,
    /// CSV with a heading that names `user_id` and `xp` or `level`, or JSON as MEE6, Polaris, AmariBot and Lurkr export it; `-` for
    /// standard input.
    pub(crate) file: PathBuf,
    /// Where the XP come from.
    #[arg(long, default_value = "mee6")]
    pub(crate) source: String,
    /// Keep levels instead of XP.
    #[arg(long)]
    pub(crate) levels: bool,
    /// Only say what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Import the lines that are right although others are wrong.
    #[arg(long)]
    pub(crate) skip_faults: bool,
}

pub(crate) async fn import_xp(global: &Global, args: &ImportXpArgs, screen: &Screen) -> Result<(), Failure> {
    let (name, bytes) = if args.file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).or_fail(Code::Unavailable)?;
        ("standard input".to_owned(), bytes)
    } else {
        let name = args.file.display().to_string();
        let bytes = std::fs::read(&args.file);
        (name.clone(), bytes.map_err(|error| Failure::new(Code::Unavailable, format!("{name}: {error}")))?)
    };
    let data = import::decode(&bytes).map_err(|what| Failure::new(Code::Usage, format!("{name} {what}")))?;
    let format = match args.file.extension().and_then(|end| end.to_str()) {
        Some(end) if end.eq_ignore_ascii_case("json") => import::Format::Json,
        Some(end) if end.eq_ignore_ascii_case("csv") => import::Format::Csv,
        _ => import::Format::of(&data),
    };
    let new = import::NewImport {
        source: args.source.clone(),
        format,
        data,
        keep: if args.levels { import::Keep::Level } else { import::Keep::Xp },
        dry_run: args.dry_run,
        skip_faults: args.skip_faults,
    };
    on_database(global, async |pool| {
        let done = match import::ops::import(pool, args.guild.id, new, operator()).await {
            Err(progress::Error::WrongLines(all, faults)) => {
                told(screen, all, &faults);
                let lines = if all == 1 { "1 line is" } else { &format!("{all} lines are") };
                let message = format!(
                    "{name}: {lines} wrong, and nothing was imported; mend them, or import the rest with --skip-faults"
                );
                return Err(Failure::new(Code::Refused, message));
            }
            other => other.map_err(Problem::from)?,
        };
        told(screen, done.fault_count, &done.faults);
        screen.answer(&done, |done| {
            format!(
                "{}{} members {} {} XP in all; {} of them new; {} unchanged; {} lines wrong.",
                if done.dry_run { "Nothing was done. " } else { "" },
                done.granted,
                if done.dry_run { "would get" } else { "got" },
                done.xp,
                done.new_members,
                done.unchanged,
                done.fault_count,
            )
        })
    })
    .await
}

/// Notes wrong lines of an import, each with its number and its member's id.
fn told(screen: &Screen, all: usize, faults: &[import::Fault]) {
    for fault in faults {
        screen.note(&fault.to_string());
    }
    if all > faults.len() {
        screen.note(&format!("{} more lines are wrong", all - faults.len()));
    }
}
