//! `questhall bench`: speed on this machine.

use super::version;
use crate::{
    args::Global,
    failure::{Code, Failure},
    screen::Screen,
    setup,
};

pub(crate) async fn run(global: &Global, args: &bench::Args, screen: &Screen) -> Result<(), Failure> {
    setup::log_quietly();
    let unavailable = |error: String| Failure::new(Code::Unavailable, error);
    let surroundings = bench::Surroundings {
        schema: &migrations::SCHEMA,
        questhall: version::named(),
        db: setup::settings(global, &[])?.db,
        // Only from the command line: what the environment names is somebody's real database.
        database_url: global.database_url.clone(),
        program: std::env::current_exe().map_err(|error| unavailable(error.to_string()))?,
    };
    let report = bench::run(args, &surroundings).await.map_err(|error| unavailable(format!("{error:#}")))?;
    screen.answer(&report, bench::Report::to_string)?;
    if args.strict && !report.all_met() { Err(Failure::no()) } else { Ok(()) }
}
