//! `questhall completions`.

use clap::Command;
use clap_complete::{Shell, generate};

use crate::{failure::Failure, screen::Screen};

pub(crate) fn run(shell: Shell, command: &mut Command, screen: &Screen) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(shell, command, "questhall", &mut script);
    screen.print(&String::from_utf8_lossy(&script))
}
