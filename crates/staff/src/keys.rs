//! API keys of the guild: made once, shown once, revoked.

use access::keys::{self, Key, NewKey, PlainKey, rules};
use access::scope::{self, KeysWrite, Scopes};
use access::{App, Path, Query};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use frame::decode::Typed;
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::ui;
use frame::visit::Visit;
use kernel::{ApiKeyId, Problem};
use serde::Deserialize;

use super::Cursor;
use super::sheet::{
    Sheet, again, aside, button, code, field, form, group, join, lines, link, says, table, text, when,
};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct KeyPath {
    key_id: ApiKeyId,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default, deserialize_with = "kernel::time::instant_if_any")]
    expires_at: Option<DateTime<Utc>>,
}

/// How a key gets another secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    #[serde(default)]
    grace_minutes: Option<i64>,
}

async fn sheet(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let page = cursor.page();
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(app.pool()).await?;
    let page = keys::key_list(&mut conn, Some(shell.guild_id), after, limit).await?;
    let rows = page.items.iter().map(|key| {
        let own = |deed: &str| shell.at(&format!("/staff/keys/{}/{deed}", key.id));
        let revoke = if key.is_active {
            join([link(own("rotate"), "New secret"), text("·"), link(own("revoke"), "Revoke")])
        } else {
            Html::default()
        };
        vec![
            text(&key.name),
            code(&key.prefix),
            text(key.scopes.join(", ")),
            if key.is_active { ui::seal("on", "Works") } else { ui::seal("bad", "Revoked") },
            when(key.expires_at.as_ref()),
            when(key.last_used.as_ref()),
            revoke,
        ]
    });
    let heads = ["Name", "Begins with", "May", "State", "Until", "Last used", ""];
    let body = join([
        table("API keys", &heads, rows.collect(), "There is none."),
        ui::more(shell.at("/staff/keys"), "", page.next.as_ref()),
    ]);
    let scopes = scope::named().iter().filter(|scope| shell.may(scope.name)).map(|scope| {
        let name = format!("_scope.{}", scope.name.replace(':', "-"));
        field(&told.check(&name, scope.name).help(scope.permits))
    });
    let scopes: Vec<Html> = scopes.collect();
    let new = form(
        &shell,
        &shell.at("/staff/keys"),
        [
            field(&told.line("name", "Name").required().max_length(100).help("What it is for.")),
            field(&told.time("expires_at:time", "Until").help("In UTC.")),
            group("It may", scopes),
        ],
        [button("make", "Make it", "primary")],
    );
    Ok(Sheet::new(shell, "API keys").of(told).part("Keys", body).part("New key", new))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<KeysWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(sheet(&app, visit.shell, cursor, Form::new()).await?))
}

/// The page that shows a secret: once, and kept by nobody.
pub(super) fn shown_once(sheet: &Sheet) -> Response {
    let mut response = sheet.shown();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// The page that shows a key's secret.
fn secret(shell: Shell, key: &Key, plain: &PlainKey) -> Response {
    let body = join([
        says("This is shown once. Whoever has it may do what the key may."),
        lines("The key", plain.reveal()),
        aside("The server keeps only what it takes to know it again."),
    ]);
    shown_once(&Sheet::new(shell, &key.name).below("/staff/keys", "API keys").part("The key", body))
}

async fn make(app: &App, visit: &Visit<KeysWrite>, typed: &Typed) -> Result<(Key, PlainKey), Problem> {
    let mut wanted: Wanted = typed.read()?;
    let chosen = scope::named()
        .iter()
        .filter(|scope| typed.value(&format!("_scope.{}", scope.name.replace(':', "-"))) == Some("true"));
    wanted.scopes = chosen.map(|scope| scope.name.to_owned()).collect();
    let actor = &visit.guild.actor;
    let new = NewKey {
        name: wanted.name,
        guild: rules::guild_of_new_key(actor, Some(visit.guild_id()))?,
        // Who is a member hands out only what acts as themselves.
        user: actor.user,
        scopes: Scopes::parse(wanted.scopes)?,
        expires_at: wanted.expires_at,
    };
    rules::may_hand_out(actor, new.user, &new.scopes)?;
    let mut tx = db::begin(app.pool()).await?;
    let made = keys::key_create(&mut tx, visit.guild.by(), &visit.guild.origin, &new).await?;
    tx.commit().await?;
    Ok(made)
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<KeysWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    match make(&app, &visit, &typed).await {
        Ok((key, plain)) => Ok(secret(visit.shell, &key, &plain)),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(sheet(&app, visit.shell, Cursor::default(), form).await?.refused(&problem))
        }
    }
}

fn rotation(shell: Shell, key: &Key, told: Form) -> Sheet {
    let body = join([
        says(
            "It gets another secret, which is shown once. The old one is good for as long as you say, so that whoever uses it can change over.",
        ),
        form(
            &shell,
            &shell.at(&format!("/staff/keys/{}/rotate", key.id)),
            [field(
                &told
                    .number("grace_minutes:int", "The old one is good for so many minutes")
                    .between(0, 10_080)
                    .help("As the settings of API keys say unless told; 0 refuses it at once."),
            )],
            [button("yes", "Make another secret", "grave"), link(shell.at("/staff/keys"), "Not now")],
        ),
    ]);
    Sheet::new(shell, format!("Another secret for {}?", key.name))
        .below("/staff/keys", "API keys")
        .of(told)
        .part("What will happen", body)
}

pub(super) async fn ask_rotate(
    State(app): State<App>,
    visit: Visit<KeysWrite>,
    Path(path): Path<KeyPath>,
) -> Result<Page<Sheet>, Problem> {
    let key = of_guild(&app, &visit, path.key_id).await?;
    Ok(Page(rotation(visit.shell, &key, Form::new())))
}

pub(super) async fn rotate(
    State(app): State<App>,
    visit: Visit<KeysWrite>,
    Path(path): Path<KeyPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let key = of_guild(&app, &visit, path.key_id).await?;
    let rotate = async {
        // A key that takes another over must not outlive itself by that: pages are for people.
        if visit.guild.actor.session().is_none() {
            return Err(Problem::forbidden(
                "This page is for people who are signed in; a key rotates by the API.",
            ));
        }
        rules::may_hand_out(&visit.guild.actor, key.user_id, &Scopes::new(key.scopes.clone()))?;
        let wanted: Rotation = typed.read()?;
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        let mut tx = db::begin(app.pool()).await?;
        let guild = Some(visit.guild_id());
        let made = keys::key_rotate(&mut tx, by, origin, guild, key.id, wanted.grace_minutes).await?;
        tx.commit().await?;
        Ok::<_, Problem>(made)
    };
    match rotate.await {
        Ok((key, plain)) => Ok(secret(visit.shell, &key, &plain)),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(rotation(visit.shell, &key, form).refused(&problem))
        }
    }
}

fn revocation(shell: Shell, key: &Key, told: Form) -> Sheet {
    let action = shell.at(&format!("/staff/keys/{}/revoke", key.id));
    let body = join([
        says(
            "Whoever uses it is refused from now on. So are the keys that it handed out. It cannot be brought back.",
        ),
        form(
            &shell,
            &action,
            [],
            [button("yes", "Revoke", "grave"), link(shell.at("/staff/keys"), "Keep it")],
        ),
    ]);
    Sheet::new(shell, format!("Revoke {}?", key.name))
        .below("/staff/keys", "API keys")
        .of(told)
        .part("What will happen", body)
}

async fn of_guild(app: &App, visit: &Visit<KeysWrite>, id: ApiKeyId) -> Result<Key, Problem> {
    let mut conn = db::acquire(app.pool()).await?;
    Ok(keys::key_get(&mut conn, Some(visit.guild_id()), id).await?)
}

pub(super) async fn ask_revoke(
    State(app): State<App>,
    visit: Visit<KeysWrite>,
    Path(path): Path<KeyPath>,
) -> Result<Page<Sheet>, Problem> {
    let key = of_guild(&app, &visit, path.key_id).await?;
    Ok(Page(revocation(visit.shell, &key, Form::new())))
}

pub(super) async fn revoke(
    State(app): State<App>,
    visit: Visit<KeysWrite>,
    Path(path): Path<KeyPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let key = of_guild(&app, &visit, path.key_id).await?;
    let revoke = async {
        rules::may_revoke(&visit.guild.actor, key.id, key.user_id, &Scopes::new(key.scopes.clone()))?;
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        let mut tx = db::begin(app.pool()).await?;
        let revoked = keys::key_revoke(&mut tx, by, origin, Some(visit.guild_id()), key.id).await?;
        tx.commit().await?;
        Ok::<_, Problem>(revoked)
    };
    match revoke.await {
        Ok(revoked) => {
            let also = revoked.also_revoked.len();
            let said = if also == 0 {
                format!("{} is revoked.", key.name)
            } else {
                format!("{} is revoked, and {also} that it handed out.", key.name)
            };
            Ok(done(&app, &visit.shell.at("/staff/keys"), &said))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(revocation(visit.shell, &key, form).refused(&problem))
        }
    }
}
