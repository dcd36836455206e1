//! Squads: beside each other, one with its members, joining and leaving.

use access::scope::{SquadsPlay, SquadsRead};
use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use frame::flash::done;
use frame::form::Form;
use frame::page::{Page, optional, refused, shown_in_form};
use frame::shell::Shell;
use frame::typed::none;
use frame::visit::{Member, Visit};
use frame::{format, sigil, ui};
use futures::{FutureExt as _, TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem, SquadId, UserId};
use serde::Deserialize;
use squads::Squad;
use squads::pages::{Measure, SquadPage as Whole, SquadRank};

/// A squad in the path.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct SquadPath {
    squad_id: SquadId,
}

/// By what, and where the list goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    by: Measure,
    cursor: Option<String>,
}

/// The squad that a member is in.
async fn own(app: &App, shell: &Shell) -> Result<Option<SquadId>, Problem> {
    let Some(user) = shell.member else { return Ok(None) };
    let mut conn = db::acquire(app.pool()).await?;
    Ok(squads::squad_of(&mut conn, shell.guild_id, user).await?)
}

#[derive(Template)]
#[template(path = "guild/squads.html")]
pub(super) struct SquadsPage {
    shell: Shell,
    by: Measure,
    own: Option<SquadId>,
    rows: Vec<SquadRank>,
    next: Option<String>,
}

impl SquadsPage {
    fn is_by(&self, word: &str) -> bool {
        self.by.as_str() == word
    }

    fn is_own(&self, squad: &SquadId) -> bool {
        self.own == Some(*squad)
    }

    fn query(&self) -> String {
        format!("by={}", self.by.as_str())
    }
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<SquadsRead>,
    Query(which): Query<Which>,
) -> Result<Page<SquadsPage>, Problem> {
    let page = PageQuery { limit: None, cursor: which.cursor };
    let (found, own) = try_join!(
        squads::pages::leaderboard(app.pool(), visit.guild_id(), which.by, &page),
        own(&app, &visit.shell)
    )?;
    Ok(Page(SquadsPage { shell: visit.shell, by: which.by, own, rows: found.items, next: found.next }))
}

#[derive(Template)]
#[template(path = "guild/squad.html")]
pub(super) struct SquadPage {
    shell: Shell,
    whole: Whole,
    is_own: bool,
}

impl SquadPage {
    fn is_full(&self) -> bool {
        self.whole.squad.max_members.is_some_and(|most| self.whole.squad.member_count >= i64::from(most))
    }

    fn is_me(&self, user: &UserId) -> bool {
        self.shell.member == Some(*user)
    }
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<SquadsRead>,
    Path(path): Path<SquadPath>,
) -> Result<Page<SquadPage>, Problem> {
    let (guild, user) = (visit.guild_id(), visit.shell.member);
    let (whole, is_own) = squads::pages::squad_page_for(app.pool(), guild, path.squad_id, user).await?;
    Ok(Page(SquadPage { shell: visit.shell, whole, is_own }))
}

#[derive(Template)]
#[template(path = "guild/squad_change.html")]
pub(super) struct ChangePage {
    shell: Shell,
    /// The squad to join; none for leaving.
    to: Option<Squad>,
    /// The squad that they are in.
    from: Option<Squad>,
    balance: Option<i64>,
    form: Form,
}

async fn change_of(
    app: &App,
    member: Member<SquadsPlay>,
    to: Option<SquadId>,
    form: Form,
) -> Result<ChangePage, Problem> {
    let (pool, guild) = (app.pool(), member.guild_id());
    let from = own(app, &member.shell).await?;
    let squad = |id: Option<SquadId>| async move {
        match id {
            Some(id) => squads::ops::squad_get(pool, guild, id).await.map(Some),
            None => Ok(None),
        }
    };
    let (to, from, balance) = try_join!(
        squad(to).err_into::<Problem>(),
        squad(from).err_into::<Problem>(),
        economy::ops::balance_get(pool, guild, member.user_id()).map(optional)
    )?;
    let balance = balance.map(|balance| balance.balance.get());
    Ok(ChangePage { shell: member.shell, to, from, balance, form })
}

/// What joining means, before it is done.
pub(super) async fn joining(
    State(app): State<App>,
    member: Member<SquadsPlay>,
    Path(path): Path<SquadPath>,
) -> Result<Page<ChangePage>, Problem> {
    Ok(Page(change_of(&app, member, Some(path.squad_id), Form::new()).await?))
}

/// What leaving means, before it is done.
pub(super) async fn leaving(
    State(app): State<App>,
    member: Member<SquadsPlay>,
) -> Result<Page<ChangePage>, Problem> {
    Ok(Page(change_of(&app, member, None, Form::new()).await?))
}

async fn refuse(
    app: &App,
    member: Member<SquadsPlay>,
    to: Option<SquadId>,
    problem: Problem,
) -> Result<Response, Problem> {
    if !shown_in_form(&problem) {
        return Err(problem);
    }
    let page = change_of(app, member, to, Form::refused(none(), problem.clone())).await?;
    Ok(refused(&page, &problem))
}

pub(super) async fn join(
    State(app): State<App>,
    member: Member<SquadsPlay>,
    Path(path): Path<SquadPath>,
) -> Result<Response, Problem> {
    let (pool, guild, user, squad) = (app.pool(), member.guild_id(), member.user_id(), path.squad_id);
    let joined = if own(&app, &member.shell).await?.is_some() {
        squads::ops::squad_move(pool, guild, user, squad).await
    } else {
        squads::ops::squad_join(pool, guild, user, squad).await
    };
    match joined {
        Ok(change) => {
            app.wake().outbox();
            let text = match change.cost.get() {
                0 => "Welcome to your squad.".to_owned(),
                cost => format!("Welcome to your squad. Moving cost {} bytes.", format::number(cost)),
            };
            Ok(done(&app, &member.shell.at(&format!("/squads/{squad}")), &text))
        }
        Err(error) => refuse(&app, member, Some(squad), error.into()).await,
    }
}

pub(super) async fn leave(State(app): State<App>, member: Member<SquadsPlay>) -> Result<Response, Problem> {
    match squads::ops::squad_leave(app.pool(), member.guild_id(), member.user_id()).await {
        Ok(_) => {
            app.wake().outbox();
            Ok(done(&app, &member.shell.at("/squads"), "You are in no squad any more."))
        }
        Err(error) => refuse(&app, member, None, error.into()).await,
    }
}
