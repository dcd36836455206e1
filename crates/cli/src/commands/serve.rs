//! `questhall serve`: some roles of a node beside others.

use std::net::SocketAddr;

use clap::Args;
use server::settings::Roles;

use crate::{
    args::Global,
    failure::{Code, Failure, OrFail},
    screen::Screen,
    setup,
};

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// What this node does: `http`, `worker`, `scheduler`, or several with commas [default: all].
    #[arg(long, value_name = "ROLES")]
    pub(crate) roles: Option<String>,
    /// Address to listen on [default: 127.0.0.1:8080]; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
}

pub(crate) async fn run(global: &Global, args: &ServeArgs, screen: &Screen) -> Result<(), Failure> {
    let mut more = Vec::new();
    if let Some(roles) = &args.roles {
        roles.parse::<Roles>().map_err(|problem| Failure::new(Code::Usage, format!("--roles {problem}")))?;
        more.push(("--roles", "roles", roles.clone()));
    }
    if let Some(listen) = args.listen {
        more.push(("--listen", "http.listen", listen.to_string()));
    }
    let settings = setup::settings(global, &more)?;
    setup::log(&settings.log, settings.log.filter_or("info"));
    if settings.db.url.is_none() {
        if !db::private::exists(&settings.db.data_dir) {
            let missing = db::private::PrivateError::Missing { dir: settings.db.data_dir.clone() };
            return Err(Failure::new(Code::Unavailable, missing.to_string()));
        }
        screen.note(
            "No database was named, so this node runs a private one. For several nodes, set DATABASE_URL.",
        );
    }
    let shutdown = server::signals().or_fail(Code::Unavailable)?;
    let roles = settings.roles.clone();
    server::run(&migrations::SCHEMA, settings, roles, shutdown).await.or_fail(Code::Unavailable)
}
