//! The HTTP face: a file per family. The server provides a [`crate::SubmissionWriter`] and, where it runs scripts, a
//! [`sandbox::Sandbox`].

mod answers;
mod boards;
mod challenges;
mod files;
mod hints;
mod inputs;

use access::scope::{CampaignsWrite, Scope};
use access::{App, InGuild};
use axum::http::{HeaderMap, header};
use kernel::language::{Reader, is_tag};
use kernel::{CampaignId, ChallengeId, GuildId, Problem};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::ops::Onlooker;

/// A campaign in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct CampaignPath {
    /// The campaign.
    campaign_id: CampaignId,
}

/// A challenge in the path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ChallengePath {
    /// The campaign.
    campaign_id: CampaignId,
    /// The challenge.
    challenge_id: ChallengeId,
}

impl ChallengePath {
    const fn within(self, guild: GuildId) -> (GuildId, CampaignId, ChallengeId) {
        (guild, self.campaign_id, self.challenge_id)
    }
}

/// Whether the caller sees drafts, secrets and through freezes: not on behalf of a member.
fn sees_through<S: Scope>(guild: &InGuild<S>) -> bool {
    guild.looks_as::<CampaignsWrite>()
}

/// Who looks, where saying for whom is not asked; in the language that they ask for or their program accepts.
fn onlooker<'a, S: Scope>(
    guild: &InGuild<S>,
    headers: &'a HeaderMap,
    lang: Option<&'a str>,
) -> Result<Onlooker<'a>, Problem> {
    if lang.is_some_and(|lang| !is_tag(lang)) {
        return Err(Problem::field("lang", "must be a language's tag, such as de or pt-BR"));
    }
    let user = access::web::member_if_named(&guild.actor, headers)?;
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let admin = sees_through(guild);
    // Who edits gets what is to be edited, whatever their program likes.
    let reader = Reader { asked: lang, accepted: accepted.filter(|_| !admin) };
    Ok(Onlooker { admin, user, reader })
}

/// The routes of this slice.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(challenges::create, challenges::list))
        .routes(routes!(challenges::reorder))
        .routes(routes!(challenges::get, challenges::update, challenges::delete))
        .routes(routes!(challenges::check))
        .routes(routes!(challenges::rejudge))
        .routes(routes!(files::attachment))
        .routes(routes!(files::made_list))
        .routes(routes!(files::made))
        .routes(routes!(inputs::own))
        .routes(routes!(inputs::list))
        .routes(routes!(inputs::one))
        .routes(routes!(answers::submit, answers::own))
        .routes(routes!(answers::all))
        .routes(routes!(answers::borrowed))
        .routes(routes!(hints::list))
        .routes(routes!(hints::unlock))
        .routes(routes!(boards::overall))
        .routes(routes!(boards::me))
        .routes(routes!(boards::squads))
        .routes(routes!(boards::race))
        .routes(routes!(boards::solvers))
        .routes(routes!(boards::feed))
}
