//! `questhall openapi`: the API's document, from the code.

use std::path::PathBuf;

use clap::Args;

use crate::{
    failure::{Code, Failure},
    screen::Screen,
};

#[derive(Debug, Args)]
pub(crate) struct OpenapiArgs {
    /// Write it here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

pub(crate) fn run(args: &OpenapiArgs, screen: &Screen) -> Result<(), Failure> {
    let document = server::document_text(&server::openapi());
    match &args.out {
        None => screen.print(&document),
        Some(file) => std::fs::write(file, document).map_err(|error| {
            Failure::new(Code::Unavailable, format!("cannot write {}: {error}", file.display()))
        }),
    }
}
