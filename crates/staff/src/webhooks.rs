//! Webhooks: where events are sent, what became of each delivery, sending it again.

use access::scope::{Scope as _, WebhooksRead, WebhooksWrite};
use access::{App, Path, Query};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use delivery::Webhooks;
use delivery::model::{DeliveryStatus, NewWebhook, Replay, Webhook, WebhookEdit, WebhookWithSecret};
use delivery::ops;
use frame::decode::{Typed, read_value};
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem, WebhookId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Cursor;
use super::keys::shown_once;
use super::sheet::{
    Sheet, actions, again, aside, button, code, facts, field, form, join, lines, link, says, table, tabs,
    text, when,
};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct WebhookPath {
    webhook_id: WebhookId,
}

fn at(shell: &Shell, id: WebhookId, rest: &str) -> String {
    shell.at(&format!("/staff/webhooks/{id}{rest}"))
}

fn state(webhook: &Webhook) -> Html {
    if !webhook.enabled {
        return ui::seal("bad", "Off");
    }
    if webhook.health.failing_since.is_some() { ui::seal("warn", "Fails") } else { ui::seal("on", "On") }
}

fn fields(values: &Form) -> Vec<Html> {
    vec![
        field(&values.line("name", "Name").required().max_length(100)),
        field(&values.line("url", "Address").exact().required().help("https, and not of a private network.")),
        field(
            &values
                .text("_event_types", "Which events", 4)
                .exact()
                .help("One a line; * is all, campaign.* all of campaigns."),
        ),
    ]
}

/// The body with the kinds of events, one of which stands on each line.
fn body(typed: &Typed) -> Result<Value, Problem> {
    let mut body = typed.json()?;
    let kinds = typed.value("_event_types").unwrap_or_default();
    let kinds: Vec<&str> = kinds.lines().map(str::trim).filter(|kind| !kind.is_empty()).collect();
    if let Some(body) = body.as_object_mut().filter(|_| !kinds.is_empty()) {
        body.insert("event_types".to_owned(), json!(kinds));
    }
    Ok(body)
}

async fn list_page(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let page = ops::webhook_list(app.pool(), shell.guild_id, &cursor.page()).await?;
    let rows = page.items.iter().map(|webhook| {
        vec![
            link(at(&shell, webhook.id, ""), &webhook.name),
            code(&webhook.url),
            text(webhook.event_types.join(", ")),
            state(webhook),
            text(format::number(webhook.health.pending)),
            text(format::number(webhook.health.dead)),
        ]
    });
    let heads = ["Name", "Address", "Events", "State", "#Waiting", "#Given up"];
    let body = join([
        table("Webhooks", &heads, rows.collect(), "There is none."),
        ui::more(shell.at("/staff/webhooks"), "", page.next.as_ref()),
    ]);
    let new =
        form(&shell, &shell.at("/staff/webhooks"), fields(&told), [button("make", "Make it", "primary")]);
    let may = shell.may(WebhooksWrite::NAME);
    Ok(Sheet::new(shell, "Webhooks").of(told).part("Webhooks", body).part_if(may, "New webhook", |_| new))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<WebhooksRead>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(list_page(&app, visit.shell, cursor, Form::of(&json!({ "_event_types": "*" }))).await?))
}

fn secret_page(shell: Shell, made: &WebhookWithSecret) -> Response {
    let body = join([
        says("This is shown once. What is sent is signed with it."),
        lines("The secret", &made.secret),
        link(at(&shell, made.webhook.id, ""), "To the webhook"),
    ]);
    let sheet = Sheet::new(shell, made.webhook.name.clone())
        .below("/staff/webhooks", "Webhooks")
        .part("The secret", body);
    shown_once(&sheet)
}

pub(super) async fn create(
    State(app): State<App>,
    Extension(webhooks): Extension<Webhooks>,
    visit: Visit<WebhooksWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: NewWebhook = read_value(&body(&typed)?)?;
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        Ok::<_, Problem>(ops::webhook_create(app.pool(), &webhooks, visit.guild_id(), new, by, origin).await?)
    };
    match create.await {
        Ok(made) => Ok(secret_page(visit.shell, &made)),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(list_page(&app, visit.shell, Cursor::default(), form).await?.refused(&problem))
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    status: Option<DeliveryStatus>,
    cursor: Option<String>,
}

fn stored(webhook: &Webhook) -> Form {
    Form::of(&json!({
        "name": webhook.name, "url": webhook.url, "enabled": webhook.enabled,
        "_event_types": webhook.event_types.join("\n"),
    }))
}

async fn sheet(
    app: &App,
    shell: Shell,
    id: WebhookId,
    (filter, refused): (Filter, Option<Form>),
) -> Result<Sheet, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let page = PageQuery { limit: None, cursor: filter.cursor };
    let (webhook, deliveries) = try_join!(
        ops::webhook_get(pool, guild, id).err_into::<Problem>(),
        ops::delivery_list(pool, guild, id, filter.status, &page)
    )?;
    let may = shell.may(WebhooksWrite::NAME);
    let rows = deliveries.items.iter().map(|one| {
        let replay = at(&shell, id, &format!("/replay?delivery_id={}", one.id));
        vec![
            code(&one.event_type),
            match one.status {
                DeliveryStatus::Delivered => ui::seal("done", "Delivered"),
                DeliveryStatus::Pending => ui::seal("soon", "Waits"),
                DeliveryStatus::Dead => ui::seal("bad", "Given up"),
            },
            text(one.attempts),
            one.response_status.map(text).unwrap_or_default(),
            one.response_ms.map(|ms| text(format!("{ms} ms"))).unwrap_or_default(),
            text(one.error.as_deref().unwrap_or_default()),
            when(one.attempted_at.as_ref().or(Some(&one.queued_at))),
            if may { shell.button(&replay, "Send again", "quiet") } else { Html::default() },
        ]
    });
    let heads = ["Event", "State", "#Attempts", "#Answer", "#Time", "Why", "When", ""];
    let path = at(&shell, id, "");
    let dead = format!("{path}?status=DEAD");
    let query = filter.status.map(|status| format!("status={}", status.as_str())).unwrap_or_default();
    let here = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
    let deliveries = join([
        tabs("Which", &here, &[(path.clone(), "All"), (dead, "Given up")]),
        table("Deliveries", &heads, rows.collect(), "None."),
        ui::more(&path, query, deliveries.next.as_ref()),
    ]);
    let health = &webhook.health;
    let known = facts([
        ("State", state(&webhook)),
        ("Waiting", text(format::number(health.pending))),
        ("Given up", text(format::number(health.dead))),
        ("Failures in a row", text(health.failures)),
        ("Last success", when(health.last_success_at.as_ref())),
        ("Next attempt", when(health.next_attempt_at.as_ref())),
    ]);
    let values = refused.unwrap_or_else(|| stored(&webhook));
    let mut change = fields(&values);
    change.push(field(&values.check("enabled:bool", "Events are sent")));
    let change = form(&shell, &path, change, [button("keep", "Keep", "primary")]);
    let ways = if may {
        actions([
            shell.button(&at(&shell, id, "/ping"), "Send a ping", ""),
            shell.button(&at(&shell, id, "/replay?all=true"), "Send all again that were given up", ""),
            shell.button(&at(&shell, id, "/secret"), "New secret", ""),
            link(at(&shell, id, "/delete"), "Delete it"),
        ])
    } else {
        Html::default()
    };
    Ok(Sheet::new(shell, webhook.name.clone())
        .below("/staff/webhooks", "Webhooks")
        .lead(webhook.disabled_reason.as_ref().map(says).unwrap_or_default())
        .of(values)
        .part("Health", join([known, ways]))
        .part("Deliveries", deliveries)
        .part_if(may, "Settings", |_| change))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<WebhooksRead>,
    Path(path): Path<WebhookPath>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(sheet(&app, visit.shell, path.webhook_id, (filter, None)).await?))
}

/// The page of the webhook again, or what was done on it.
async fn told(
    app: &App,
    (shell, id): (Shell, WebhookId),
    typed: Typed,
    said: Result<String, Problem>,
) -> Result<Response, Problem> {
    match said {
        Ok(said) => Ok(done(app, &at(&shell, id, ""), &said)),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(sheet(app, shell, id, (Filter::default(), Some(form))).await?.refused(&problem))
        }
    }
}

pub(super) async fn update(
    State(app): State<App>,
    Extension(webhooks): Extension<Webhooks>,
    visit: Visit<WebhooksWrite>,
    Path(path): Path<WebhookPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id) = (visit.guild_id(), path.webhook_id);
    let update = async {
        let edit: WebhookEdit = read_value(&body(&typed)?)?;
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        ops::webhook_update(app.pool(), &webhooks, guild, id, edit, by, origin).await?;
        Ok::<_, Problem>("It is kept.".to_owned())
    };
    let said = update.await;
    told(&app, (visit.shell, id), typed, said).await
}

pub(super) async fn ping(
    State(app): State<App>,
    Extension(webhooks): Extension<Webhooks>,
    visit: Visit<WebhooksWrite>,
    Path(path): Path<WebhookPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id) = (visit.guild_id(), path.webhook_id);
    let said = match ops::ping(app.pool(), &webhooks, guild, id).await {
        Ok(ping) if ping.delivered => Ok(format!("It answered within {} ms.", ping.response_ms)),
        Ok(ping) => Ok(format!("It was not delivered: {}", ping.error.unwrap_or_default())),
        Err(error) => Err(error.into()),
    };
    told(&app, (visit.shell, id), typed, said).await
}

pub(super) async fn rotate(
    State(app): State<App>,
    Extension(webhooks): Extension<Webhooks>,
    visit: Visit<WebhooksWrite>,
    Path(path): Path<WebhookPath>,
) -> Result<Response, Problem> {
    let (by, origin, guild) = (visit.guild.by(), &visit.guild.origin, visit.guild_id());
    let overlap = ops::DEFAULT_OVERLAP;
    let made = ops::secret_rotate(app.pool(), &webhooks, guild, path.webhook_id, overlap, by, origin).await?;
    Ok(secret_page(visit.shell, &made))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    delivery_id: Option<i64>,
    all: bool,
}

pub(super) async fn replay(
    State(app): State<App>,
    Extension(webhooks): Extension<Webhooks>,
    visit: Visit<WebhooksWrite>,
    Path(path): Path<WebhookPath>,
    Query(which): Query<Which>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id) = (visit.guild_id(), path.webhook_id);
    let wanted =
        Replay { delivery_ids: which.delivery_id.into_iter().collect(), all: which.all, ..Replay::default() };
    let (by, origin) = (visit.guild.by(), &visit.guild.origin);
    let replayed = ops::replay(app.pool(), &webhooks, guild, id, &wanted, by, origin).await;
    let said = replayed
        .map(|count| format!("{} sent again.", format::count(count, "delivery is", "deliveries are")));
    told(&app, (visit.shell, id), typed, said).await
}

async fn deletion(app: &App, shell: Shell, id: WebhookId) -> Result<Sheet, Problem> {
    let webhook = ops::webhook_get(app.pool(), shell.guild_id, id).await?;
    let body = join([
        says(format!(
            "{} that wait are never sent, and what was sent is forgotten.",
            format::count(webhook.health.pending, "delivery", "deliveries")
        )),
        aside("To stop it for a while, turn it off instead."),
        form(
            &shell,
            &at(&shell, id, "/delete"),
            [],
            [button("yes", "Delete", "grave"), link(at(&shell, id, ""), "Keep it")],
        ),
    ]);
    Ok(Sheet::new(shell, format!("Delete {}?", webhook.name))
        .below("/staff/webhooks", "Webhooks")
        .part("What will happen", body))
}

pub(super) async fn ask_delete(
    State(app): State<App>,
    visit: Visit<WebhooksWrite>,
    Path(path): Path<WebhookPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(deletion(&app, visit.shell, path.webhook_id).await?))
}

pub(super) async fn delete(
    State(app): State<App>,
    visit: Visit<WebhooksWrite>,
    Path(path): Path<WebhookPath>,
) -> Result<Response, Problem> {
    let (by, origin) = (visit.guild.by(), &visit.guild.origin);
    ops::webhook_delete(app.pool(), visit.guild_id(), path.webhook_id, by, origin).await?;
    Ok(done(&app, &visit.shell.at("/staff/webhooks"), "It is gone."))
}
