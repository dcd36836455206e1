//! A member's days, as charts.

use access::scope::CommunityRead;
use access::{App, Path, Query};
use askama::Template;
use axum::extract::State;
use futures::{TryFutureExt as _, try_join};
use kernel::Problem;
use progress::Profile;

use super::profile::MemberPath;
use frame::days::{Span, charts};
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::ui;
use frame::visit::Visit;

#[derive(Template)]
#[template(path = "you/days.html")]
pub(super) struct DaysPage {
    shell: Shell,
    profile: Profile,
    span: Span,
    charts: Html,
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityRead>,
    Path(MemberPath { user_id }): Path<MemberPath>,
    Query(span): Query<Span>,
) -> Result<Page<DaysPage>, Problem> {
    let (pool, guild, query) = (app.pool(), visit.guild_id(), span.query()?);
    let (profile, figures) = try_join!(
        progress::profile::member_profile_known(pool, app.settings(), guild, user_id).err_into::<Problem>(),
        lake::days::days(pool, guild, Some(user_id), &query)
    )?;
    Ok(Page(DaysPage { shell: visit.shell, profile, span, charts: charts(&figures) }))
}
