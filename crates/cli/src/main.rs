//! The `questhall` command.
//!
//! Promises: what it answers goes to standard output, everything else (notes, progress, logs) to standard error;
//! `--json` answers are for programs and stay as they are; errors are sentences that say what to do, in JSON where that was asked for; exit codes are
//! those of [`failure::Code`].
//!
//! Map: [`args`] what may be typed · [`failure`] errors and exit codes · [`screen`] output for people and programs ·
//! [`setup`] settings and the database · [`commands`] a file per command · [`demo`] the campaign to look at.

mod args;
mod commands;
mod demo;
mod failure;
mod screen;
mod setup;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
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
            let outcome = runtime.block_on(run(&cli, &screen));
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

async fn run(cli: &Cli, screen: &Screen) -> Result<(), Failure> {
    let global = &cli.global;
    match &cli.command {
        Command::Up(args) => Box::pin(commands::up::run(global, args, screen)).await,
        Command::Serve(args) => Box::pin(commands::serve::run(global, args, screen)).await,
        Command::Db { command } => commands::db::run(global, command, screen).await,
        Command::Campaign { command } => commands::campaign::run(global, command, screen).await,
        Command::Ingest(args) => commands::ingest::run(global, args, screen).await,
        Command::GenerateEvents(args) => commands::generate_events::run(args),
        Command::Key { command } => commands::key::run(global, command, screen).await,
        Command::Role { command } => commands::role::run(global, command, screen).await,
        Command::Admin { command } => commands::admin::run(global, command, screen).await,
        Command::AuditLog(args) => commands::audit_log::run(global, args, screen).await,
        Command::Settings { command } => commands::settings::run(global, command, screen).await,
        Command::Webhook { command } => commands::webhook::run(global, command, screen).await,
        Command::Secrets { command } => commands::secrets::run(global, *command, screen).await,
        Command::Economy { command } => commands::economy::run(global, command, screen).await,
        Command::Credential { command } => commands::credential::run(global, command, screen).await,
        Command::Search(command) => commands::search::run(global, command, screen).await,
        Command::Squad { command } => commands::squad::run(global, command, screen).await,
        Command::Mod { command } => commands::moderation::run(global, command, screen).await,
        Command::Member { command } => commands::member::run(global, command, screen).await,
        Command::Lake { command } => commands::lake::run(global, command, screen).await,
        Command::Season { command } => commands::season::run(global, command, screen).await,
        Command::Category { command } => commands::category::run(global, command, screen).await,
        Command::Multiplier { command } => commands::multiplier::run(global, command, screen).await,
        Command::Achievement { command } => commands::achievement::run(global, command, screen).await,
        Command::Board { command } => commands::board::run(global, command, screen).await,
        Command::Shop { command } => commands::shop::run(global, command, screen).await,
        Command::Award { command } => commands::award::run(global, command, screen).await,
        Command::Announcement { command } => commands::announcement::run(global, command, screen).await,
        Command::Skill { command } => commands::skill::run(global, command, screen).await,
        Command::Path { command } => commands::path::run(global, command, screen).await,
        Command::Insight { command } => commands::insight::run(global, command, screen).await,
        Command::Recommend { command } => commands::recommend::run(command, screen),
        Command::Assessment { command } => commands::assessment::run(global, command, screen).await,
        Command::Audit(args) => commands::audit::run(global, args, screen).await,
        Command::Openapi(args) => commands::openapi::run(args, screen),
        Command::Doctor => commands::doctor::run(global, screen).await,
        Command::Bench(args) => commands::bench::run(global, args, screen).await,
        Command::Completions { shell } => commands::completions::run(*shell, screen),
        Command::Version => commands::version::run(screen),
    }
}
