//! `questhall recommend`: how well recommending would have done.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::PathBuf;

use clap::Subcommand;
use insight::evaluate::simulate::{Size, simulate};
use insight::evaluate::{Log, evaluate};

use crate::{
    failure::{Code, Failure, OrFail},
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Subcommand)]
pub(crate) enum RecommendCommand {
    /// Recall of recommendations against simple ways, on a record of learners. Needs no database.
    Evaluate {
        /// CSV with the columns learner, item, time (seconds or RFC 3339) and right (1 or 0).
        file: PathBuf,
        /// Where to cut: the share of completions that is known.
        #[arg(long, default_value_t = 0.8)]
        cut: f64,
        /// Seed of the bootstrap.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Write a record of simulated learners, to try the other command with.
    Simulate {
        /// The file to write.
        file: PathBuf,
        /// Learners.
        #[arg(long, default_value_t = 5_000)]
        learners: usize,
        /// Concepts that they learn.
        #[arg(long, default_value_t = 60)]
        concepts: usize,
        /// Items of each concept.
        #[arg(long, default_value_t = 8)]
        items: usize,
        /// Share of choices that follow nothing.
        #[arg(long, default_value_t = 0.1)]
        noise: f64,
        /// Seed: the same one gives the same file.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

pub(crate) fn run(command: &RecommendCommand, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    match command {
        RecommendCommand::Evaluate { file, cut, seed } => {
            if !(0.0..1.0).contains(cut) {
                return Err(Failure::new(
                    Code::Refused,
                    "--cut must be at least 0 and less than 1".to_owned(),
                ));
            }
            let text = BufReader::new(File::open(file).or_fail(Code::Unavailable)?);
            let log = Log::read(text)
                .map_err(|fault| Failure::new(Code::Refused, format!("{}: {fault}", file.display())))?;
            let found = evaluate(&log, *cut, *seed).ok_or_else(|| {
                Failure::new(Code::No, "nobody completed anything both before and after the cut".to_owned())
            })?;
            screen.answer(&found, |found| {
                let rows = found.recalls.iter().map(|one| {
                    [
                        one.contender.to_owned(),
                        format!("{:.3}", one.recall),
                        format!("{:.3} to {:.3}", one.low, one.high),
                    ]
                });
                format!(
                    "{} rows, {} learners, {} items; {} learners evaluated.\n\n{}\nquesthall / {}: {:.2} ({:.2} to {:.2})",
                    found.rows,
                    found.learners,
                    found.items,
                    found.evaluated,
                    table(["", "recall@10", "95 %"], rows),
                    found.best_other,
                    found.ratio,
                    found.ratio_low,
                    found.ratio_high
                )
            })
        }
        RecommendCommand::Simulate { file, learners, concepts, items, noise, seed } => {
            if !(0.0..=1.0).contains(noise) || *concepts == 0 || *items == 0 {
                let message = "--noise must be 0 to 1, and there must be concepts and items";
                return Err(Failure::new(Code::Refused, message.to_owned()));
            }
            let size =
                Size { learners: *learners, concepts: *concepts, items: *items, noise: *noise, seed: *seed };
            let mut into = BufWriter::new(File::create(file).or_fail(Code::Unavailable)?);
            simulate(&size, &mut into).and_then(|()| into.flush()).or_fail(Code::Unavailable)?;
            screen.answer(&file.display().to_string(), |file| format!("{learners} learners are in {file}."))
        }
    }
}
