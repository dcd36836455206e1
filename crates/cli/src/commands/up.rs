//! `questhall up`: everything in one process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use access::{Scopes, keys::NewKey};
use clap::Args;
use serde_json::json;
use server::{Roles, Server, Settings};

use super::key;
use crate::{
    args::Global,
    demo,
    failure::{Code, Failure, OrFail},
    screen::Screen,
    setup,
};

/// The file in the data folder that holds the administrator's key.
const KEY_FILE: &str = "admin.key";
/// For how long the link for setting up is good.
const SET_UP_HOURS: i32 = 24;

#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Set up a guild with a season of history, whose members go on talking, playing and learning.
    #[arg(long)]
    pub(crate) demo: bool,
    /// Events of that season: fewer are there sooner, where the machine is slow or the build is not optimised.
    #[arg(long, value_name = "COUNT", requires = "demo", default_value_t = 300_000,
          value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    pub(crate) demo_events: u32,
    /// Address to listen on [default: 127.0.0.1:8080]; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
}

pub(crate) async fn run(global: &Global, args: &UpArgs, screen: &Screen) -> Result<(), Failure> {
    let mut more = Vec::new();
    if let Some(listen) = args.listen {
        more.push(("--listen", "http.listen", listen.to_string()));
    }
    let mut settings = setup::settings(global, &more)?;
    // The demo is for looking around on one's own machine: only there somebody is let in by a link alone.
    let looks_around =
        args.demo && settings.http.listen.ip().is_loopback() && settings.http.public_url.is_none();
    settings.auth.development |= looks_around;
    // People at a terminal want to see what is wrong, not all that is right, unless they say so.
    setup::log(&settings.log, settings.log.filter_or("warn"));

    let shutdown = server::signals().or_fail(Code::Unavailable)?;
    if settings.db.url.is_none() && !db::private::exists(&settings.db.data_dir) {
        screen.note(&format!("Making a database in {} …", settings.db.data_dir.display()));
    }
    // Boxed: it holds much at once, and is over soon.
    let starting = Box::pin(Server::start(&migrations::SCHEMA, settings.clone(), Roles::default()));
    let Some(server) = shutdown.at_once.run_until_cancelled(starting).await else {
        return Err(Failure::new(Code::Unavailable, "stopped while starting"));
    };
    let server = server.or_fail(Code::Unavailable)?;
    let begun = begin(&server, &settings, args.demo.then_some(args.demo_events), screen).await;
    let playing = match begun {
        Ok(Some(demo)) => Some(tokio::spawn(demo::live_on(demo, server.services().clone()))),
        Ok(None) => None,
        Err(failure) => {
            shutdown.gently.cancel();
            // What failed first is what is told.
            let _ = server.stop().await;
            return Err(failure);
        }
    };
    shutdown.gently.cancelled().await;
    if let Some(playing) = playing {
        playing.abort();
    }
    screen.note("Stopping; once more to stop at once.");
    match shutdown.at_once.run_until_cancelled(server.stop()).await {
        Some(Ok(true)) => Ok(()),
        Some(Ok(false)) | None => {
            Err(Failure::new(Code::Unavailable, server::RunError::Unfinished.to_string()))
        }
        Some(Err(error)) => Err(error).or_fail(Code::Unavailable),
    }
}

/// What follows the start: the key, the demo, and telling where everything is.
async fn begin(
    server: &Server,
    settings: &Settings,
    demo: Option<u32>,
    screen: &Screen,
) -> Result<Option<demo::Demo>, Failure> {
    let url = match (&settings.http.public_url, server.address()) {
        (Some(url), _) => url.trim_end_matches('/').to_owned(),
        (None, Some(address)) => format!("http://{address}"),
        (None, None) => return Err(Failure::new(Code::Internal, "the server does not listen")),
    };
    // Where the database is somebody's, so are its keys; the demo needs one all the same.
    let key = if settings.db.url.is_none() || demo.is_some() {
        Some(admin_key(server, &settings.db.data_dir).await?)
    } else {
        None
    };
    if !screen.is_json() {
        // At once: what follows may take a while.
        screen.print(&welcome(&url, settings, key.as_deref()))?;
    }
    let set_up = if demo.is_some() { None } else { set_up_link(server, &url).await? };
    if let Some(link) = set_up.as_ref().filter(|_| !screen.is_json()) {
        screen.print(&format!(
            "\nNo guild is known yet. Set it up here; the link works once, within {SET_UP_HOURS} hours:\n\n  {link}\n"
        ))?;
    }
    let demo = match demo {
        Some(events) => Some(demo::set_up(server, events, screen).await?),
        None => None,
    };
    let links = match demo {
        Some(_) if settings.auth.development => Some(demo::links(server.services(), &url).await?),
        _ => None,
    };
    let answer = json!({
        "url": url,
        "docs": format!("{url}/docs"),
        "data_dir": settings.db.url.is_none().then(|| settings.db.data_dir.display().to_string()),
        "admin_key_file": key.as_ref().map(|file| file.display().to_string()),
        "pid": std::process::id(),
        "demo_campaign": demo.map(|demo| demo.campaign),
        "demo_path": demo.map(|demo| demo.path),
        "demo_owner": links.as_ref().map(|links| &links.owner),
        "demo_member": links.as_ref().map(|links| &links.member),
        "set_up": set_up,
    });
    match demo {
        Some(demo) => screen.answer(&answer, |_| demo.told(&url, key.as_deref(), links.as_ref()))?,
        None if screen.is_json() => screen.answer(&answer, |_| String::new())?,
        None => {}
    }
    Ok(demo)
}

/// A link by which somebody sets the installation up, while no guild is known.
async fn set_up_link(server: &Server, url: &str) -> Result<Option<String>, Failure> {
    let pool = server.database().pool();
    if !people::heading::guild_names(pool, None).await?.is_empty() {
        return Ok(None);
    }
    let mut tx = db::begin(pool).await?;
    access::sign_in::links_withdraw(&mut tx, access::sign_in::Purpose::SetUp).await?;
    let secret = access::sign_in::link_make(&mut tx, None, SET_UP_HOURS * 60).await?;
    tx.commit().await?;
    Ok(Some(format!("{url}/set-up?link={secret}")))
}

fn welcome(url: &str, settings: &Settings, key: Option<&Path>) -> String {
    let data = match &settings.db.url {
        None => settings.db.data_dir.display().to_string(),
        Some(_) => "in the PostgreSQL that DATABASE_URL names".to_owned(),
    };
    let key = match key {
        Some(file) => file.display().to_string(),
        None => "make one with `questhall key create --name me --scope '*'`".to_owned(),
    };
    format!(
        "\nQuesthall is up.\n\n  Pages      {url}/\n  API        {url}/api/v1\n  API docs   {url}/docs\n  Data       {data}\n  Admin key  \
         {key}\n\nCtrl-C stops it."
    )
}

/// The file with a key that may do everything. Made at the first start, and when the key in it is refused (the database
/// is another one, or somebody revoked it).
async fn admin_key(server: &Server, data_dir: &Path) -> Result<PathBuf, Failure> {
    let file = data_dir.join(KEY_FILE);
    if let Ok(text) = std::fs::read_to_string(&file)
        && server.services().app.keys().authenticate(text.trim()).await?.is_some()
    {
        return Ok(file);
    }
    let new = NewKey {
        name: "administrator".to_owned(),
        guild: None,
        user: None,
        scopes: Scopes::new(["*"]),
        expires_at: None,
    };
    let (_, plain) = key::create(server.database(), &new).await?;
    write_secret(&file, plain.reveal()).map_err(|error| {
        Failure::new(
            Code::Unavailable,
            format!("the administrator's key cannot be written to {}: {error}", file.display()),
        )
    })?;
    Ok(file)
}

/// Writes a file that only its owner can read, at once and whole.
fn write_secret(file: &Path, text: &str) -> std::io::Result<()> {
    use std::{fs, io::Write, os::unix::fs::OpenOptionsExt};
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir)?;
    }
    let new = file.with_extension("key.new");
    if let Err(error) = fs::remove_file(&new)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    writeln!(written, "{text}")?;
    written.sync_all()?;
    fs::rename(&new, file)
}
