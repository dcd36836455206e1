//! A copy of what is known of oneself, and being forgotten.
//!
//! The API's operations on members' data are for staff, who act on others' behalf. Here everybody acts on their own data alone: the
//! member is the one who is signed in, and nothing in the request can name another.

use access::App;
use access::personal::Keepers;
use access::scope::CommunityPlay;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use frame::decode::Typed;
use frame::flash::see_other;
use frame::form::Form;
use frame::page::{Page, refused};
use frame::shell::Shell;
use frame::visit::Member;
use kernel::Problem;

/// What is to be typed before somebody is forgotten.
const WORDS: &str = "forget me";

#[derive(Template)]
#[template(path = "you/privacy.html")]
pub(super) struct PrivacyPage {
    shell: Shell,
}

pub(super) async fn show(member: Member<CommunityPlay>) -> Page<PrivacyPage> {
    Page(PrivacyPage { shell: member.shell })
}

/// The copy as a file. A form, as it is noted down that it was made.
pub(super) async fn export(
    State(app): State<App>,
    Extension(keepers): Extension<Keepers>,
    member: Member<CommunityPlay>,
) -> Result<Response, Problem> {
    let (guild, user) = (member.guild_id(), member.user_id());
    let (by, origin) = (member.member.by(), &member.member.origin);
    let copy = people::privacy::member_export(app.pool(), &keepers, guild, user, by, origin).await?;
    let text = serde_json::to_string_pretty(&copy).map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"questhall-{guild}-{user}.json\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, text).into_response())
}

#[derive(Template)]
#[template(path = "you/erasure.html")]
pub(super) struct ErasurePage {
    shell: Shell,
    form: Form,
}

/// What being forgotten means, before it is done.
pub(super) async fn erasure(member: Member<CommunityPlay>) -> Page<ErasurePage> {
    Page(ErasurePage { shell: member.shell, form: Form::new() })
}

pub(super) async fn erase(
    State(app): State<App>,
    Extension(keepers): Extension<Keepers>,
    member: Member<CommunityPlay>,
    typed: Typed,
) -> Result<Response, Problem> {
    if typed.value("words").map(str::trim) != Some(WORDS) {
        let problem =
            Problem::field("words", format!("must be “{WORDS}”: what is forgotten cannot be brought back"));
        let page = ErasurePage { shell: member.shell, form: Form::refused(typed, problem.clone()) };
        return Ok(refused(&page, &problem));
    }
    let (guild, user) = (member.guild_id(), member.user_id());
    let (by, origin) = (member.member.by(), &member.member.origin);
    let reason = "asked for by themselves, on the page of their data";
    people::privacy::member_erase(app.pool(), &keepers, guild, user, reason, by, origin).await?;
    Ok(see_other("/guilds"))
}
