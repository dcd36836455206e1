//! The `questhall` command.
//!
//! Promises: what it answers goes to standard output, everything else (notes, progress, logs) to standard error;
//! `--json` answers are for programs and stay as they are; errors are sentences that say what to do, in JSON where that was asked for; exit codes are
//! those of [`failure::Code`].
//!
//! Map: [`args`] what every command takes · [`failure`] errors and exit codes · [`screen`] output for people and programs ·
//! [`setup`] settings and the database · [`commands`] what may be typed, a file per command · [`demo`] the campaign to look at.

mod args;
mod commands;
mod demo;
mod failure;
mod guilds;
mod screen;
mod setup;

use std::process::ExitCode;

use clap::Parser;
use futures::FutureExt as _;

use commands::Cli;
use failure::{Code, Failure};
use screen::Screen;

fn main() -> ExitCode {
    // A jail's zygote is this same binary, started anew. Nothing may come before it.
    sandbox::zygote_main_if_asked();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misspelt(&error),
    };
    let screen = Screen::new(cli.global.json);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            // Without its type: all that commands do is a part of it, and it would be compiled once for each way in which it may be run.
            let work = commands::run(&cli, &screen).boxed_local();
            let outcome = runtime.block_on(work);
            // What still runs now only waits for something; the command is done.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(Failure::new(Code::Unavailable, format!("no threads could be started: {error}"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_silent() {
                screen.error(&failure);
            }
            ExitCode::from(failure.code() as u8)
        }
    }
}

/// Help that was asked for, or what is wrong with the command line.
fn misspelt(error: &clap::Error) -> ExitCode {
    // Nothing was parsed, so the word itself is looked for.
    let json = std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "--json");
    if error.use_stderr() && json {
        let text = error.render().to_string();
        let message = text.trim().trim_start_matches("error: ");
        Screen::new(true).error(&Failure::new(Code::Usage, message));
    } else {
        // Nowhere to tell it if even that fails.
        let _ = error.print();
    }
    ExitCode::from(if error.use_stderr() { Code::Usage as u8 } else { 0 })
}
