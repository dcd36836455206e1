//! Announcements: what waits and what has gone, in one's own words, and where each kind goes.

use access::scope::CommunityWrite;
use access::web::Repeatable;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use community::announcements::model::{
    Announcement, AnnouncementKind, AnnouncementQuery, AnnouncementStatus, ChannelChoice, NewNotice,
};
use community::announcements::ops;
use community::ids::AnnouncementId;
use frame::decode::Typed;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use kernel::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

use super::names::Names;
use super::sheet::{Sheet, aside, button, code, field, form, join, link, name, table, tabs, text, when};
use super::told::{led, told};

/// How much of an announcement is shown in a list.
const SHOWN: usize = 200;

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct AnnouncementPath {
    announcement_id: AnnouncementId,
}

/// Which announcements.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    status: Option<AnnouncementStatus>,
    cursor: Option<String>,
}

fn state(status: AnnouncementStatus) -> Html {
    match status {
        AnnouncementStatus::Pending => ui::seal("soon", "Waits"),
        AnnouncementStatus::Sent => ui::seal("done", "Gone"),
        AnnouncementStatus::Suppressed => ui::seal("", "Held back"),
        AnnouncementStatus::Failed => ui::seal("bad", "Could not be posted"),
    }
}

/// What it says, or what happened that it tells of.
fn what(announcement: &Announcement) -> Html {
    let word = |key: &str| announcement.what.get(key).and_then(Value::as_str);
    let said = word("text").map_or_else(
        || {
            format::word(
                word("type").unwrap_or(announcement.kind.as_str()).rsplit('.').next().unwrap_or_default(),
            )
        },
        str::to_owned,
    );
    let shown: String = said.chars().take(SHOWN).collect();
    name(if shown.len() < said.len() { format!("{shown}…") } else { shown })
}

fn kind_name(kind: AnnouncementKind) -> &'static str {
    match kind {
        AnnouncementKind::LevelUp => "Somebody reached a level",
        AnnouncementKind::Achievement => "Somebody earned an achievement",
        AnnouncementKind::Award => "Staff gave somebody something",
        AnnouncementKind::Season => "A season began or ended",
        AnnouncementKind::Quest => "A quest was posted or completed",
        AnnouncementKind::Campaign => "A campaign began or ended, a challenge was released",
        AnnouncementKind::Notice => "Anything else, and staff's own words",
    }
}

async fn page(app: &App, shell: Shell, filter: Filter, told: Form) -> Result<Sheet, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let query =
        AnnouncementQuery { status: filter.status, cursor: filter.cursor, ..AnnouncementQuery::default() };
    let page = ops::announcement_list(pool, guild, query).await?;
    let names = Names::of(app, guild, page.items.iter().filter_map(|one| one.user_id)).await?;
    let rows = page.items.iter().map(|announcement| {
        let cancel = shell.at(&format!("/staff/announcements/{}/cancel", announcement.id));
        let waits = announcement.status == AnnouncementStatus::Pending;
        let about = announcement.user_id.as_ref().map(|user| names.member(&shell, user));
        vec![
            what(announcement),
            text(format::word(announcement.kind.as_str())),
            about.unwrap_or_default(),
            code(announcement.channel_id),
            state(announcement.status),
            when(announcement.sent_at.as_ref().or(Some(&announcement.created_at))),
            if waits { shell.button(&cancel, "Take it back", "quiet") } else { Html::default() },
        ]
    });
    let rows = rows.collect();
    let path = shell.at("/staff/announcements");
    let query = filter.status.map(|status| format!("status={}", status.as_str())).unwrap_or_default();
    let here = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
    let ways = [
        (path.clone(), "All"),
        (format!("{path}?status=pending"), "Waiting"),
        (format!("{path}?status=sent"), "Gone"),
        (format!("{path}?status=failed"), "Failed"),
    ];
    let heads = ["What", "Kind", "About", "Channel", "State", "When", ""];
    let list = join([
        link(shell.at("/staff/announcements/channels"), "Where each kind goes"),
        tabs("Which", &here, &ways),
        table("Announcements", &heads, rows, "There is none."),
        ui::more(&path, query, page.next.as_ref()),
    ]);
    let new = join([
        form(
            &shell,
            &path,
            [
                field(&told.text("text", "What to say", 5).required().max_length(1_500)),
                field(
                    &told.line("channel_id", "Channel").exact().help("Its id; where notices go unless told."),
                ),
            ],
            [button("say", "Announce it", "primary")],
        ),
        aside("It goes when its channel's turn has come, three a minute, and can be taken back until then."),
    ]);
    Ok(Sheet::new(shell, "Announcements").of(told).part("Say something", new).part("Newest first", list))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(page(&app, visit.shell, filter, Form::new()).await?))
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: NewNotice = typed.read()?;
        let (author, once) = (visit.guild.author(), Repeatable::current());
        ops::notice_create(app.pool(), visit.guild_id(), new, author, &once).await?;
        Ok(led(visit.shell.at("/staff/announcements"), "It goes when its turn has come."))
    };
    let outcome = create.await;
    told(&app, typed, outcome, |form| page(&app, visit.shell, Filter::default(), form)).await
}

pub(super) async fn cancel(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<AnnouncementPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id, author) = (visit.guild_id(), path.announcement_id, visit.guild.author());
    let cancelled = ops::announcement_cancel(app.pool(), guild, id, author).await;
    let to = visit.shell.at("/staff/announcements");
    let outcome = cancelled.map(|_| led(to, "It is taken back.")).map_err(Problem::from);
    told(&app, typed, outcome, |form| page(&app, visit.shell, Filter::default(), form)).await
}

async fn channels_page(app: &App, shell: Shell, told: Form) -> Result<Sheet, Problem> {
    let values = told.over(&json!({ "enabled": true }));
    let channels = ops::channel_list(app.pool(), shell.guild_id).await?;
    let rows = AnnouncementKind::ALL.iter().map(|kind| {
        let chosen = channels.channels.iter().find(|choice| choice.kind == *kind);
        vec![
            text(kind_name(*kind)),
            chosen.map_or_else(|| text("–"), |choice| code(choice.channel_id)),
            match chosen {
                Some(choice) if choice.enabled => ui::seal("on", "Announced"),
                Some(_) => ui::seal("", "Switched off"),
                None => ui::seal("", "Only where a thing names its channel"),
            },
        ]
    });
    let list = table("Channels", &["What", "Channel", "State"], rows.collect(), "There is none.");
    let kinds = AnnouncementKind::ALL.map(|kind| (kind.as_str().to_owned(), kind_name(kind).to_owned()));
    let choose = form(
        &shell,
        &shell.at("/staff/announcements/channels"),
        [
            field(&values.choice("kind", "What", &kinds)),
            field(&values.line("channel_id", "Goes to").exact().required().help("A channel's id.")),
            field(
                &values
                    .check("enabled:bool", "Announce it")
                    .help("Else nothing of this kind is, not even where a thing names its channel."),
            ),
        ],
        [button("choose", "Choose", "primary")],
    );
    Ok(Sheet::new(shell, "Where announcements go")
        .below("/staff/announcements", "Announcements")
        .of(values)
        .part("Channels", list)
        .part("Choose one", choose))
}

pub(super) async fn channels(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(channels_page(&app, visit.shell, Form::new()).await?))
}

pub(super) async fn choose(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let choose = async {
        let choice: ChannelChoice = typed.read()?;
        ops::channel_put(app.pool(), visit.guild_id(), choice, visit.guild.author()).await?;
        let said = format!("{}: it is chosen.", kind_name(choice.kind));
        Ok(led(visit.shell.at("/staff/announcements/channels"), said))
    };
    let outcome = choose.await;
    told(&app, typed, outcome, |form| channels_page(&app, visit.shell, form)).await
}
