//! Campaigns: what there is, one with its challenges and standings, taking part, answering.

mod answer;
mod campaign;
mod challenge;
mod files;
mod hint;
mod list;
mod replay;
mod squads;
mod standings;

use access::App;
use access::scope::{CampaignsWrite, Scope as _};
use axum::Router;
use axum::routing::{get, post};
use challenges::catalogue::Challenge;
use frame::format;
use frame::shell::Shell;
use kernel::{CampaignId, ChallengeId, HintId};
use serde::Deserialize;

/// A campaign in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
struct CampaignPath {
    campaign_id: CampaignId,
}

/// A challenge in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
struct ChallengePath {
    campaign_id: CampaignId,
    challenge_id: ChallengeId,
}

/// A hint in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
struct HintPath {
    campaign_id: CampaignId,
    challenge_id: ChallengeId,
    hint_id: HintId,
}

impl HintPath {
    const fn challenge(self) -> ChallengePath {
        ChallengePath { campaign_id: self.campaign_id, challenge_id: self.challenge_id }
    }
}

impl ChallengePath {
    fn at(self, shell: &Shell) -> String {
        shell.at(&format!("/campaigns/{}/challenges/{}", self.campaign_id, self.challenge_id))
    }
}

/// Whether who looks sees drafts and through freezes, as the API has it: not with a member's eyes.
fn sees_drafts(shell: &Shell) -> bool {
    shell.may(CampaignsWrite::NAME) && !shell.on_behalf
}

/// How many have solved a challenge, part by part.
fn solvers(challenge: &Challenge) -> String {
    let first = challenge.solve_counts.first().copied().unwrap_or_default();
    match challenge.solve_counts.as_slice() {
        [_, both] => format!("{} solved part 1, {} both", format::number(first), format::number(*both)),
        [_, .., all] => {
            let parts = challenge.solve_counts.len();
            format!("{} solved part 1, {} all {parts}", format::number(first), format::number(*all))
        }
        _ => format!("{} solved it", format::number(first)),
    }
}

/// What a reward brings, without what it does not bring.
fn amounts(bytes: i64, xp: i64, gold: i64) -> String {
    let of = |amount: i64, unit: &str| (amount > 0).then(|| format!("{} {unit}", format::number(amount)));
    let all: Vec<String> =
        [of(bytes, "bytes"), of(xp, "XP"), of(gold, "gold")].into_iter().flatten().collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(" · ") }
}

pub(super) fn router() -> Router<App> {
    let within = |rest: &str| format!("/g/{{guild_id}}/campaigns{rest}");
    let campaign = |rest: &str| within(&format!("/{{campaign_id}}{rest}"));
    let challenge = |rest: &str| campaign(&format!("/challenges/{{challenge_id}}{rest}"));
    Router::new()
        .route(&within(""), get(list::show))
        .route(&campaign(""), get(campaign::show))
        .route(&campaign("/registration"), post(campaign::register))
        .route(&campaign("/withdrawal"), get(campaign::withdrawal).post(campaign::withdraw))
        .route(&campaign("/claim"), post(campaign::claim))
        .route(&campaign("/standings"), get(standings::show))
        .route(&campaign("/standings/squads"), get(squads::show))
        .route(&campaign("/standings/rows"), get(standings::rows))
        .route(&campaign("/replay"), get(replay::show))
        .route(&campaign("/replay/rows"), get(replay::rows))
        .route(&challenge(""), get(challenge::show))
        .route(&challenge("/beginning"), post(answer::begin))
        .route(&challenge("/input"), get(answer::input))
        .route(&challenge("/input/files/{name}"), get(files::made))
        .route(&challenge("/attachments/{name}"), get(files::attachment))
        .route(&challenge("/answers"), post(answer::submit))
        .route(&challenge("/solvers"), get(standings::solvers))
        .route(&challenge("/hints/{hint_id}"), get(hint::show).post(hint::unlock))
}
