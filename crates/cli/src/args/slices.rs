//! Every slice is shown at the terminal, or says why not; and every command belongs to somebody.

use access::slice::Terminal;
use clap::CommandFactory as _;
use server::SLICES;

use super::Cli;

/// Commands about the program itself.
const OF_THE_PROGRAM: &[&str] = &["up", "serve", "db", "openapi", "bench", "completions", "version"];

#[test]
fn every_slice_has_commands_or_a_reason_and_every_command_a_slice() {
    let mut named: Vec<&str> = OF_THE_PROGRAM.to_vec();
    for slice in SLICES {
        match slice.terminal {
            Terminal::Commands(commands) => {
                assert!(!commands.is_empty(), "{} has no commands, and does not say why", slice.name);
                named.extend(commands);
            }
            Terminal::None(why) => assert!(!why.is_empty(), "{} does not say why", slice.name),
        }
    }
    named.sort_unstable();
    let cli = Cli::command();
    let mut there: Vec<&str> =
        cli.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name).collect();
    there.sort_unstable();
    assert_eq!(named, there);
}
