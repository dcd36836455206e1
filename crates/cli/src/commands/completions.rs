//! `questhall completions`.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::{args::Cli, failure::Failure, screen::Screen};

pub(crate) fn run(shell: Shell, screen: &Screen) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "questhall", &mut script);
    screen.print(&String::from_utf8_lossy(&script))
}
