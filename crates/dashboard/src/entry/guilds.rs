//! Choosing a guild.

use access::scope::{Scope as _, SettingsWrite};
use access::{Actor, App, Person};
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use frame::flash::see_other;
use frame::html::Html;
use frame::page::Page;
use frame::visit::{called, theme, token};
use frame::{csrf, sigil};
use kernel::{GuildId, Problem};
use people::heading::{GuildName, guild_names};

#[derive(Template)]
#[template(path = "entry/guilds.html")]
struct GuildsPage {
    theme: &'static str,
    name: String,
    guilds: Vec<GuildName>,
    /// Whether they may set another one up.
    may_make: bool,
    csrf: String,
}

impl GuildsPage {
    fn arms(guild: &GuildName) -> Html {
        sigil::arms(guild.guild_id)
    }
}

/// The guilds that somebody may look at: those in which they have a role; all of them for who runs the server.
async fn guilds_of(app: &App, actor: &Actor) -> Result<Vec<GuildName>, Problem> {
    let ids: Option<Vec<GuildId>> = match actor.session() {
        Some(session) if matches!(session.person, Person::User(_)) => {
            Some(session.roles.iter().map(|(guild, _)| *guild).collect())
        }
        _ => actor.guild.map(|guild| vec![guild]),
    };
    Ok(guild_names(app.pool(), ids.as_deref()).await?)
}

/// Whether the whole installation is theirs: nobody else makes a guild known.
pub(crate) fn may_make(actor: &Actor) -> bool {
    let is_user = actor.session().is_some_and(|session| matches!(session.person, Person::User(_)));
    (!is_user || actor.is_operator()) && actor.guild.is_none() && actor.has(SettingsWrite::NAME)
}

/// To one's guild, where there is one.
pub(super) async fn root(State(app): State<App>, actor: Actor) -> Result<Response, Problem> {
    let guilds = guilds_of(&app, &actor).await?;
    Ok(match guilds.as_slice() {
        [only] => see_other(&format!("/g/{}", only.guild_id)),
        _ => see_other("/guilds"),
    })
}

pub(super) async fn list(
    State(app): State<App>,
    actor: Actor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page = GuildsPage {
        theme: theme(&app, &headers),
        name: called(&actor),
        guilds: guilds_of(&app, &actor).await?,
        may_make: may_make(&actor),
        csrf: csrf::masked(&token(&app, &headers)),
    };
    Ok(Page(page).into_response())
}
