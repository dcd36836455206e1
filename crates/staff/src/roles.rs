//! Who may do what: roles of people, and Discord roles that confer one.

use access::roles;
use access::scope::{RolesRead, RolesWrite, Scope as _};
use access::{App, Query, Role};
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use kernel::{PageQuery, Problem, UserId};
use serde::Deserialize;

use super::names::Names;
use super::sheet::{Sheet, again, aside, button, code, field, form, join, table, text, when};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    user_id: Option<UserId>,
    cursor: Option<String>,
}

/// Who is to have which role.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user_id: UserId,
    role: String,
    #[serde(default, deserialize_with = "kernel::time::instant_if_any")]
    expires_at: Option<DateTime<Utc>>,
}

/// Which Discord role is to confer which.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Conferred {
    discord_role_id: UserId,
    confers: String,
}

fn role_choices() -> Vec<(String, String)> {
    Role::ALL.iter().rev().map(|role| (role.as_str().to_owned(), format::word(role.as_str()))).collect()
}

async fn sheet(app: &App, shell: Shell, filter: Filter, told: Form) -> Result<Sheet, Problem> {
    let page = PageQuery { limit: None, cursor: filter.cursor };
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(app.pool()).await?;
    let grants = roles::grant_list(&mut conn, shell.guild_id, filter.user_id, None, after, limit).await?;
    let mappings = roles::mapping_list(&mut conn, shell.guild_id).await?;
    drop(conn);
    let names = Names::of(app, shell.guild_id, grants.items.iter().map(|grant| grant.user_id)).await?;
    let may = shell.may(RolesWrite::NAME);
    let rows = grants.items.iter().map(|grant| {
        let out = format!("/staff/roles/take?user_id={}&role={}", grant.user_id, grant.role);
        let take = if may && grant.source != "discord" {
            shell.button(&shell.at(&out), "Take away", "quiet")
        } else {
            Html::default()
        };
        vec![
            names.member(&shell, &grant.user_id),
            text(format::word(&grant.role)),
            text(format::word(&grant.source)),
            when(grant.expires_at.as_ref()),
            take,
        ]
    });
    let heads = ["Who", "Role", "From", "Until", ""];
    let mut people = vec![table("Roles", &heads, rows.collect(), "Nobody has a role here.")];
    let query = filter.user_id.map(|user| format!("user_id={user}")).unwrap_or_default();
    people.push(ui::more(shell.at("/staff/roles"), query, grants.next.as_ref()));
    let rows = mappings.iter().map(|mapping| {
        let out =
            format!("/staff/roles/unmap?discord_role_id={}&role={}", mapping.discord_role_id, mapping.role);
        vec![
            code(mapping.discord_role_id),
            text(format::word(&mapping.role)),
            if may { shell.button(&shell.at(&out), "Take away", "quiet") } else { Html::default() },
        ]
    });
    let mut mapped = vec![
        table(
            "Discord roles",
            &["Discord role", "Confers", ""],
            rows.collect(),
            "No Discord role confers one.",
        ),
        aside("It counts from the next sign-in on."),
    ];
    if may {
        let roles = role_choices();
        people.push(form(
            &shell,
            &shell.at("/staff/roles"),
            [
                field(&told.line("user_id", "Discord id of the person").exact().required()),
                field(&told.choice("role", "Role", &roles)),
                field(&told.time("expires_at:time", "Until").help("In UTC; for good unless told.")),
            ],
            [button("grant", "Give the role", "primary")],
        ));
        mapped.push(form(
            &shell,
            &shell.at("/staff/roles/map"),
            [
                field(&told.line("discord_role_id", "Discord id of the role").exact().required()),
                field(&told.choice("confers", "Confers", &roles)),
            ],
            [button("map", "Have it confer the role", "")],
        ));
    }
    Ok(Sheet::new(shell, "Roles").of(told).part("People", join(people)).part("Discord roles", join(mapped)))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<RolesRead>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(sheet(&app, visit.shell, filter, Form::new()).await?))
}

/// What is done about a role, and what is said then; the deed is the API's own.
async fn deed(
    app: &App,
    visit: Visit<RolesWrite>,
    typed: Typed,
    done_so: Result<String, Problem>,
) -> Result<Response, Problem> {
    match done_so {
        Ok(said) => Ok(done(app, &visit.shell.at("/staff/roles"), &said)),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(sheet(app, visit.shell, Filter::default(), form).await?.refused(&problem))
        }
    }
}

pub(super) async fn grant(
    State(app): State<App>,
    visit: Visit<RolesWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let grant = async {
        let wanted: Wanted = typed.read()?;
        let (role, user) = (Role::named(&wanted.role)?, wanted.user_id);
        let (by, origin, guild) = (visit.guild.by(), &visit.guild.origin, visit.guild_id());
        let mut tx = db::begin(app.pool()).await?;
        roles::grant_put(&mut tx, by, origin, guild, user, role, wanted.expires_at).await?;
        tx.commit().await?;
        Ok::<_, Problem>(format!("{user} has the role of {role}."))
    };
    let granted = grant.await;
    deed(&app, visit, typed, granted).await
}

pub(super) async fn map(
    State(app): State<App>,
    visit: Visit<RolesWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let map = async {
        let Conferred { discord_role_id: discord, confers } = typed.read()?;
        let role = Role::named(&confers)?;
        let (by, origin, guild) = (visit.guild.by(), &visit.guild.origin, visit.guild_id());
        let mut tx = db::begin(app.pool()).await?;
        roles::mapping_put(&mut tx, by, origin, guild, discord.get(), role).await?;
        tx.commit().await?;
        Ok::<_, Problem>(format!("The Discord role {discord} confers the role of {role}."))
    };
    let mapped = map.await;
    deed(&app, visit, typed, mapped).await
}

#[derive(Debug, Deserialize)]
pub(super) struct Granted {
    user_id: UserId,
    role: String,
}

pub(super) async fn take(
    State(app): State<App>,
    visit: Visit<RolesWrite>,
    Query(which): Query<Granted>,
    typed: Typed,
) -> Result<Response, Problem> {
    let take = async {
        let role = Role::named(&which.role)?;
        let (by, origin, guild) = (visit.guild.by(), &visit.guild.origin, visit.guild_id());
        let mut tx = db::begin(app.pool()).await?;
        roles::grant_remove(&mut tx, by, origin, guild, which.user_id, role).await?;
        tx.commit().await?;
        Ok::<_, Problem>(format!("{} has the role of {role} no more.", which.user_id))
    };
    let taken = take.await;
    deed(&app, visit, typed, taken).await
}

#[derive(Debug, Deserialize)]
pub(super) struct Mapped {
    discord_role_id: UserId,
    role: String,
}

pub(super) async fn unmap(
    State(app): State<App>,
    visit: Visit<RolesWrite>,
    Query(which): Query<Mapped>,
    typed: Typed,
) -> Result<Response, Problem> {
    let unmap = async {
        let (role, discord) = (Role::named(&which.role)?, which.discord_role_id);
        let (by, origin, guild) = (visit.guild.by(), &visit.guild.origin, visit.guild_id());
        let mut tx = db::begin(app.pool()).await?;
        roles::mapping_remove(&mut tx, by, origin, guild, discord.get(), role).await?;
        tx.commit().await?;
        Ok::<_, Problem>(format!("The Discord role {discord} confers nothing any more."))
    };
    let unmapped = unmap.await;
    deed(&app, visit, typed, unmapped).await
}
