//! What is kept of a member: their name, a copy of it all, forgetting them; and XP from another bot.

use access::personal::Keepers;
use access::scope::CommunityWrite;
use access::{App, Path};
use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use frame::decode::{Typed, read_value};
use frame::flash::done;
use frame::form::Form;
use frame::format;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use kernel::{Problem, UserId};
use people::MemberEdit;
use progress::import::{Imported, NewImport, ops as import_ops};
use serde_json::json;

use super::Who;
use super::sheet::{
    Sheet, again, aside, button, choices, facts, field, form, join, link, name, says, table, text,
};
use super::told::{led, told};

/// How many faulty lines of a file are shown.
const FAULTS: usize = 100;

fn at(shell: &Shell, user: UserId, rest: &str) -> String {
    shell.at(&format!("/staff/members/{user}{rest}"))
}

fn new_page(shell: Shell, told: Form) -> Sheet {
    let body = join([
        form(
            &shell,
            &shell.at("/staff/members/new"),
            [
                field(&told.line("user_id", "Discord id").exact().required()),
                field(&told.line("name", "Name").max_length(100)),
                field(&told.check("is_bot:bool", "It is a bot")),
            ],
            [button("make", "Make them known", "primary")],
        ),
        aside("The bot makes members known as they come. This is for when it was not there."),
    ]);
    Sheet::new(shell, "Somebody new").below("/staff/members", "Members").of(told).part("Who", body)
}

pub(super) async fn new(visit: Visit<CommunityWrite>) -> Page<Sheet> {
    Page(new_page(visit.shell, Form::new()))
}

/// Writes what was typed of a member down.
async fn put(app: &App, visit: &Visit<CommunityWrite>, user: UserId, typed: &Typed) -> Result<(), Problem> {
    let mut body = typed.json()?;
    if let Some(body) = body.as_object_mut() {
        body.remove("user_id");
    }
    let edit: MemberEdit = read_value(&body)?;
    let (by, origin) = (visit.guild.by(), &visit.guild.origin);
    people::ops::member_put(app.pool(), visit.guild_id(), user, &edit, by, origin).await?;
    Ok(())
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let user = typed.value("user_id").unwrap_or_default().trim().parse::<UserId>();
        let user = user.map_err(|error| Problem::field("user_id", error.to_string()))?;
        put(&app, &visit, user, &typed).await?;
        Ok(led(at(&visit.shell, user, ""), "They are known."))
    };
    let outcome = create.await;
    told(&app, typed, outcome, |form| std::future::ready(Ok(new_page(visit.shell, form)))).await
}

async fn data_page(app: &App, shell: Shell, user: UserId, told: Form) -> Result<Sheet, Problem> {
    let profile = progress::profile::member_profile(app.pool(), shell.guild_id, user).await?;
    let values = told.over(&json!({ "name": profile.member.name, "is_bot": profile.member.is_bot }));
    let change = join([
        form(
            &shell,
            &at(&shell, user, "/data"),
            [
                field(&values.line("name", "Name").required().max_length(100)),
                field(&values.check("is_bot:bool", "It is a bot")),
            ],
            [button("keep", "Keep", "primary")],
        ),
        aside("The bot writes it anew when Discord tells of another name."),
    ]);
    let copy = join([
        says("Everything that is kept of them, as a file of JSON. That it was made is in the audit log."),
        shell.button(&at(&shell, user, "/export"), "Make a copy", ""),
    ]);
    let forget = join([
        says("If they asked for it: their data goes, and their name with it."),
        link(at(&shell, user, "/erasure"), "Forget them"),
    ]);
    let above = format!("/staff/members/{user}");
    Ok(Sheet::new(shell, "What is kept")
        .below("/staff/members", "Members")
        .below(&above, &profile.member.name)
        .of(values)
        .part("Name", change)
        .part("A copy", copy)
        .part("Forget them", forget))
}

pub(super) async fn data(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(who): Path<Who>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(data_page(&app, visit.shell, who.user_id, Form::new()).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(who): Path<Who>,
    typed: Typed,
) -> Result<Response, Problem> {
    let user = who.user_id;
    let update = async {
        // Whoever is not known is made so elsewhere.
        progress::profile::member_profile(app.pool(), visit.guild_id(), user).await?;
        put(&app, &visit, user, &typed).await?;
        Ok(led(at(&visit.shell, user, ""), "It is kept."))
    };
    let outcome = update.await;
    told(&app, typed, outcome, |form| data_page(&app, visit.shell, user, form)).await
}

pub(super) async fn export(
    State(app): State<App>,
    Extension(keepers): Extension<Keepers>,
    visit: Visit<CommunityWrite>,
    Path(who): Path<Who>,
) -> Result<Response, Problem> {
    let (guild, user) = (visit.guild_id(), who.user_id);
    let (by, origin) = (visit.guild.by(), &visit.guild.origin);
    let copy = people::privacy::member_export(app.pool(), &keepers, guild, user, by, origin).await?;
    let text = serde_json::to_string_pretty(&copy).map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"questhall-{guild}-{user}.json\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, text).into_response())
}

async fn erasure_page(app: &App, shell: Shell, user: UserId, told: Form) -> Result<Sheet, Problem> {
    let profile = progress::profile::member_profile(app.pool(), shell.guild_id, user).await?;
    let body = join([
        says(
            "Their name, events, counters, answers and everything else that is kept of them goes; they leave all leaderboards. What \
             others received from them stays, without a name. It cannot be brought back.",
        ),
        form(
            &shell,
            &at(&shell, user, "/erasure"),
            [
                field(&told.line("reason", "Why").required().max_length(500).help("For the audit log.")),
                field(&told.line("_id", "Their Discord id, to be sure").exact().required()),
            ],
            [button("yes", "Forget them", "grave"), link(at(&shell, user, ""), "Leave it")],
        ),
    ]);
    Ok(Sheet::new(shell, format!("Forget {}?", profile.member.name))
        .below("/staff/members", "Members")
        .of(told)
        .part("What will happen", body))
}

pub(super) async fn ask_erase(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(who): Path<Who>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(erasure_page(&app, visit.shell, who.user_id, Form::new()).await?))
}

pub(super) async fn erase(
    State(app): State<App>,
    Extension(keepers): Extension<Keepers>,
    visit: Visit<CommunityWrite>,
    Path(who): Path<Who>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, user) = (visit.guild_id(), who.user_id);
    let erase = async {
        if typed.value("_id").map(str::trim) != Some(user.to_string().as_str()) {
            return Err(Problem::field("_id", "must be that of who is forgotten"));
        }
        let reason = typed.value("reason").unwrap_or_default();
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        let gone =
            people::privacy::member_erase(app.pool(), &keepers, guild, user, reason, by, origin).await?;
        let said = format!("They are forgotten: {} gone.", format::count(gone.rows, "row is", "rows are"));
        Ok(led(visit.shell.at("/staff/members"), said))
    };
    let outcome = erase.await;
    told(&app, typed, outcome, |form| erasure_page(&app, visit.shell, user, form)).await
}

fn shown_import(imported: &Imported) -> Html {
    let known = facts([
        ("Lines", text(format::number(imported.lines))),
        ("Get XP", text(format::number(imported.granted))),
        ("XP in all", text(format::number(imported.xp))),
        ("Have them already", text(format::number(imported.unchanged))),
        ("Are made known", text(format::number(imported.new_members))),
        ("Wrong lines", text(format::number(imported.fault_count))),
    ]);
    let rows = imported.faults.iter().take(FAULTS).map(|fault| {
        vec![text(fault.line), name(fault.user_id.as_deref().unwrap_or("–")), text(&fault.message)]
    });
    join([
        known,
        table("Wrong lines", &["Line", "Whose", "What is wrong"], rows.collect(), "No line is wrong."),
    ])
}

fn import_page(shell: Shell, values: Form, shown: Option<Html>) -> Sheet {
    let formats =
        choices(&[("csv", "A table (CSV)"), ("json", "JSON, as MEE6, Polaris, AmariBot and Lurkr have it")]);
    let keeps =
        choices(&[("xp", "The XP, as they are"), ("level", "The level: as many XP as it takes here")]);
    let body = form(
        &shell,
        &shell.at("/staff/members/import"),
        [
            field(&values.line("source", "Where from").exact().required().max_length(20).help(
                "Small letters and digits, such as mee6. What one source brought is told from another's.",
            )),
            field(&values.choice("format", "Written as", &formats)),
            field(
                &values
                    .text("data", "The file", 12)
                    .exact()
                    .required()
                    .help("Its text: a heading that names user_id and xp or level."),
            ),
            field(&values.choice("keep", "What is kept of a line", &keeps)),
            field(&values.check("skip_faults:bool", "Bring in what is right although other lines are wrong")),
        ],
        [button("try", "What would it do?", "primary"), button("import", "Bring it in", "grave")],
    );
    let mut sheet = Sheet::new(shell, "XP from another bot")
        .below("/staff/members", "Members")
        .lead(says("The same file again changes nothing; one with more XP brings the difference."))
        .of(values);
    if let Some(shown) = shown {
        sheet = sheet.part("What it would do", shown);
    }
    sheet.part("The file", body)
}

pub(super) async fn import(visit: Visit<CommunityWrite>) -> Page<Sheet> {
    Page(import_page(visit.shell, Form::of(&json!({ "source": "mee6" })), None))
}

pub(super) async fn import_now(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let import = async {
        let mut new: NewImport = typed.read()?;
        new.dry_run = typed.value("_do") != Some("import");
        Ok::<_, Problem>(import_ops::import(app.pool(), visit.guild_id(), new, visit.guild.author()).await?)
    };
    match import.await {
        Ok(tried) if tried.dry_run => {
            let shown = shown_import(&tried);
            Ok(import_page(visit.shell, Form::kept(typed), Some(shown)).shown())
        }
        Ok(brought) => {
            app.wake().outbox();
            let (members, xp) =
                (format::count(brought.granted, "member has", "members have"), format::number(brought.xp));
            Ok(done(&app, &visit.shell.at("/staff/members"), &format!("{members} {xp} XP more.")))
        }
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(import_page(visit.shell, form, None).refused(&problem))
        }
    }
}
