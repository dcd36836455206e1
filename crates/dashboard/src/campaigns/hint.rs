//! A hint: what it costs and what is left then, before it is bought.

use access::scope::CampaignsPlay;
use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use challenges::catalogue::Challenge;
use challenges::hints::Hint;
use challenges::ops::Onlooker;
use frame::flash::done;
use frame::format;
use frame::page::{Page, optional};
use frame::shell::Shell;
use frame::typed::none;
use frame::visit::Member;
use futures::{FutureExt as _, TryFutureExt as _, try_join};
use kernel::Problem;

use super::challenge::refuse;
use super::{HintPath, sees_drafts};

#[derive(Template)]
#[template(path = "campaigns/hint.html")]
pub(super) struct HintPage {
    shell: Shell,
    challenge: Challenge,
    hint: Hint,
    balance: Option<i64>,
    back: String,
}

pub(super) async fn show(
    State(app): State<App>,
    member: Member<CampaignsPlay>,
    Path(path): Path<HintPath>,
) -> Result<Page<HintPage>, Problem> {
    let (pool, guild, user) = (app.pool(), member.guild_id(), member.user_id());
    let within = (guild, path.campaign_id, path.challenge_id);
    let reader = member.shell.languages.reader();
    let who = Onlooker { admin: sees_drafts(&member.shell), user: Some(user), reader };
    let ((challenge, hints), balance) = try_join!(
        challenges::ops::challenge_hints(pool, within, who).err_into::<Problem>(),
        economy::ops::balance_get(pool, guild, user).map(optional)
    )?;
    let hint =
        hints.into_iter().find(|hint| hint.id == path.hint_id).ok_or_else(|| Problem::not_found("hint"))?;
    let back = path.challenge().at(&member.shell);
    let balance = balance.map(|balance| balance.balance.get());
    Ok(Page(HintPage { shell: member.shell, challenge, hint, balance, back }))
}

pub(super) async fn unlock(
    State(app): State<App>,
    member: Member<CampaignsPlay>,
    Path(path): Path<HintPath>,
) -> Result<Response, Problem> {
    let within = (member.guild_id(), path.campaign_id, path.challenge_id);
    match challenges::hints::hint_unlock(app.pool(), within, path.hint_id, member.user_id()).await {
        Ok(hint) => {
            app.wake().outbox();
            let text = format!("Hint {} is open.", hint.position);
            Ok(done(&app, &path.challenge().at(&member.shell), &text))
        }
        Err(error) => refuse(&app, member.shell, path.challenge(), none(), error.into()).await,
    }
}
