//! Badges, and the credentials that were issued for them.

use ::credentials::ids::{BadgeId, CredentialId};
use ::credentials::model::{
    Algorithm, Badge, BadgeEdit, Credential, Issue, NewBadge, NewKey, Picture, Revocation, Standing,
};
use ::credentials::ops::{self, Issuing};
use ::credentials::scope::CredentialsWrite;
use ::credentials::store::Filter;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use frame::decode::Typed;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::try_join;
use kernel::{PageQuery, Problem, UserId};
use serde::Deserialize;

use super::Cursor;
use super::lake::{filled, in_address};
use super::sheet::{
    Sheet, aside, button, code, facts, field, form, join, link, says, table, tabs, text, unseen, when,
};
use super::told::{led, told};

/// How many badges can be chosen from.
const BADGES: i64 = 200;

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct BadgePath {
    badge_id: BadgeId,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct CredentialPath {
    credential_id: CredentialId,
}

/// Which credentials.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    user_id: String,
    badge_id: String,
    revoked: Option<bool>,
    cursor: Option<String>,
}

fn badge_at(shell: &Shell, id: BadgeId, rest: &str) -> String {
    shell.at(&format!("/staff/badges/{id}{rest}"))
}

fn standing(credential: &Credential) -> Html {
    match credential.standing {
        Standing::Valid => ui::seal("on", "Holds"),
        Standing::Expired => ui::seal("", "Ran out"),
        Standing::Revoked => ui::seal("bad", "Revoked"),
        Standing::Unknown => ui::seal("warn", "Unknown"),
    }
}

fn badge_controls(values: &Form) -> Vec<Html> {
    vec![
        field(&values.line("name", "Name").required().max_length(100)),
        field(&values.text("description", "What it is", 3).required()),
        field(
            &values
                .text("criteria", "What it takes", 3)
                .required()
                .help("Whoever looks at a credential reads it."),
        ),
        field(
            &values.number("valid_days:int-null", "It holds for so many days").help("For good unless told."),
        ),
    ]
}

async fn badges_page(app: &App, shell: Shell, cursor: Cursor, values: Form) -> Result<Sheet, Problem> {
    let page = ops::badge_list(app.pool(), shell.guild_id, &cursor.page()).await?;
    let rows = page.items.iter().map(|badge| {
        vec![
            link(badge_at(&shell, badge.id, ""), &badge.name),
            what_for(&shell, badge),
            text(format::number(badge.held_by)),
            if badge.is_active { ui::seal("on", "Issued") } else { ui::seal("", "Issued no more") },
        ]
    });
    let list = join([
        table("Badges", &["Badge", "For", "#Held by", "State"], rows.collect(), "There is none yet."),
        ui::more(shell.at("/staff/badges"), "", page.next.as_ref()),
    ]);
    let mut fields = badge_controls(&values);
    fields.extend([
        field(&values.line("path_id", "For completing this path").exact().help("Its id, as in its address.")),
        field(
            &values
                .number("achievement_id:int", "Or for this achievement")
                .help("Its number, as in its address."),
        ),
    ]);
    let new = form(&shell, &shell.at("/staff/badges"), fields, [button("make", "Make it", "primary")]);
    Ok(Sheet::new(shell, "Badges").of(values).part("Badges", list).part("New badge", new))
}

fn what_for(shell: &Shell, badge: &Badge) -> Html {
    match (&badge.path_id, badge.achievement_id) {
        (Some(path), _) => link(shell.at(&format!("/learn/paths/{path}")), "A path"),
        (None, Some(achievement)) => {
            link(shell.at(&format!("/achievements/{achievement}")), "An achievement")
        }
        (None, None) => text("–"),
    }
}

pub(super) async fn badges(
    State(app): State<App>,
    visit: Visit<CredentialsWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(badges_page(&app, visit.shell, cursor, Form::new()).await?))
}

pub(super) async fn badge_create(
    State(app): State<App>,
    visit: Visit<CredentialsWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: NewBadge = typed.read()?;
        let made = ops::badge_create(app.pool(), visit.guild_id(), &new, visit.guild.author()).await?;
        Ok(led(badge_at(&visit.shell, made.id, ""), format!("{} is there.", made.name)))
    };
    let outcome = create.await;
    told(&app, typed, outcome, |form| badges_page(&app, visit.shell, Cursor::default(), form)).await
}

async fn badge_page(app: &App, shell: Shell, id: BadgeId, told: Form) -> Result<Sheet, Problem> {
    let badge = ops::badge_get(app.pool(), shell.guild_id, id).await?;
    let values = told.over(&badge);
    let mut fields = badge_controls(&values);
    fields.push(field(&values.check("is_active:bool", "It is issued")));
    let change = form(&shell, &badge_at(&shell, id, ""), fields, [button("keep", "Keep", "primary")]);
    let picture = join([
        says(if badge.has_image {
            "It has a picture of its own."
        } else {
            "Its picture is drawn from its id."
        }),
        form(
            &shell,
            &badge_at(&shell, id, "/image"),
            [field(
                &values
                    .text("png:null", "Picture", 4)
                    .exact()
                    .help("A PNG in base64; nothing for the drawn one."),
            )],
            [button("keep", "Keep the picture", "")],
        ),
    ]);
    let known = facts([
        ("For", what_for(&shell, &badge)),
        ("Held by", text(format::number(badge.held_by))),
        ("Since", format::time(&badge.created_at)),
    ]);
    let issue = join([
        form(
            &shell,
            &shell.at("/staff/credentials"),
            [unseen("badge_id", id), field(&values.line("user_id", "Discord id").exact().required())],
            [button("issue", "Issue it", "primary")],
        ),
        aside(
            "Whoever earns it gets it by themselves. This gives it to somebody who earned it and has none, such as one whose was revoked.",
        ),
    ]);
    let seal = if badge.is_active { ui::seal("on", "Issued") } else { ui::seal("", "Issued no more") };
    let lead = join([seal, link(shell.at(&format!("/staff/credentials?badge_id={id}")), "Who has it")]);
    let is_active = badge.is_active;
    Ok(Sheet::new(shell, badge.name)
        .below("/staff/badges", "Badges")
        .lead(lead)
        .of(values)
        .part("What is known", known)
        .part("Change it", change)
        .part("Picture", picture)
        .part_if(is_active, "Issue it", |_| issue))
}

pub(super) async fn badge(
    State(app): State<App>,
    visit: Visit<CredentialsWrite>,
    Path(path): Path<BadgePath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(badge_page(&app, visit.shell, path.badge_id, Form::new()).await?))
}

pub(super) async fn badge_update(
    State(app): State<App>,
    visit: Visit<CredentialsWrite>,
    Path(path): Path<BadgePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.badge_id;
    let update = async {
        let edit: BadgeEdit = typed.read()?;
        ops::badge_update(app.pool(), visit.guild_id(), id, &edit, visit.guild.author()).await?;
        Ok(led(badge_at(&visit.shell, id, ""), "It is kept."))
    };
    let outcome = update.await;
    told(&app, typed, outcome, |form| badge_page(&app, visit.shell, id, form)).await
}

pub(super) async fn badge_image(
    State(app): State<App>,
    visit: Visit<CredentialsWrite>,
    Path(path): Path<BadgePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.badge_id;
    let put = async {
        let picture: Picture = typed.read()?;
        ops::badge_image_put(app.pool(), visit.guild_id(), id, &picture, visit.guild.author()).await?;
        Ok(led(badge_at(&visit.shell, id, ""), "The picture is kept."))
    };
    let outcome = put.await;
    told(&app, typed, outcome, |form| badge_page(&app, visit.shell, id, form)).await
}

async fn issued_page(app: &App, shell: Shell, wanted: Wanted, told: Form) -> Result<Sheet, Problem> {
    let filter = Filter {
        user: filled::<UserId>("user_id", &wanted.user_id, "must be a member's id")?,
        badge: filled::<BadgeId>("badge_id", &wanted.badge_id, "must be a badge's id")?,
        revoked: wanted.revoked,
    };
    let (pool, guild) = (app.pool(), shell.guild_id);
    let at_most = PageQuery { limit: None, cursor: wanted.cursor };
    let many = PageQuery { limit: Some(BADGES), cursor: None };
    let (page, badges) =
        try_join!(ops::credential_list(pool, guild, filter, &at_most), ops::badge_list(pool, guild, &many))?;
    let rows = page.items.iter().map(|credential| {
        let revoke = shell.at(&format!("/staff/credentials/{}/revoke", credential.id));
        vec![
            link(badge_at(&shell, credential.badge_id, ""), &credential.badge),
            ui::member(&shell, &credential.user_id, &credential.holder_name),
            format::time(&credential.issued_at),
            when(credential.valid_until.as_ref()),
            standing(credential),
            text(credential.revocation_reason.as_deref().unwrap_or_default()),
            if credential.revoked_at.is_none() { link(revoke, "Revoke") } else { Html::default() },
        ]
    });
    let rows = rows.collect();
    let path = shell.at("/staff/credentials");
    let narrowed = in_address(&[("user_id", &wanted.user_id), ("badge_id", &wanted.badge_id)]);
    let of = |revoked: Option<bool>| {
        let revoked = revoked.map(|revoked| revoked.to_string()).unwrap_or_default();
        let rest = in_address(&[
            ("user_id", &wanted.user_id),
            ("badge_id", &wanted.badge_id),
            ("revoked", &revoked),
        ]);
        if rest.is_empty() { path.clone() } else { format!("{path}?{rest}") }
    };
    let ways = [(of(None), "All"), (of(Some(false)), "Not revoked"), (of(Some(true)), "Revoked")];
    let query = match wanted.revoked {
        Some(revoked) if narrowed.is_empty() => format!("revoked={revoked}"),
        Some(revoked) => format!("{narrowed}&revoked={revoked}"),
        None => narrowed,
    };
    let heads = ["Badge", "Who", "Issued", "Until", "State", "Why", ""];
    let list = join([
        tabs("Which", &of(wanted.revoked), &ways),
        table("Credentials", &heads, rows, "There is none."),
        ui::more(&path, query, page.next.as_ref()),
    ]);
    let issued = badges.items.iter().filter(|badge| badge.is_active);
    let choices: Vec<(String, String)> =
        issued.map(|badge| (badge.id.to_string(), badge.name.clone())).collect();
    let issue = form(
        &shell,
        &path,
        [
            field(&told.choice("badge_id", "Badge", &choices)),
            field(&told.line("user_id", "Discord id").exact().required()),
        ],
        [button("issue", "Issue it", "primary")],
    );
    let any = !choices.is_empty();
    let keys = link(shell.at("/staff/credentials/keys"), "The keys that they are signed with");
    Ok(Sheet::new(shell, "Credentials").lead(keys).of(told).part("Issued", list).part_if(
        any,
        "Issue one",
        |_| issue,
    ))
}

pub(super) async fn issued(
    State(app): State<App>,
    visit: Visit<CredentialsWrite>,
    Query(wanted): Query<Wanted>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(issued_page(&app, visit.shell, wanted, Form::new()).await?))
}

pub(super) async fn issue(
    State(app): State<App>,
    visit: Visit<CredentialsWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let issue = async {
        let issue: Issue = typed.read()?;
        let (whom, issuing) = ((issue.badge_id, issue.user_id), Issuing::of(app.http()));
        let author = visit.guild.author();
        let made = ops::credential_issue(app.pool(), &issuing, visit.guild_id(), whom, author).await?;
        let said = format!("{} has {}.", made.holder_name, made.badge);
        Ok(led(visit.shell.at("/staff/credentials"), said))
    };
    let outcome = issue.await;
    told(&app, typed, outcome, |form| issued_page(&app, visit.shell, Wanted::default(), form)).await
}

async fn revocation(app: &App, shell: Shell, id: CredentialId, told: Form) -> Result<Sheet, Problem> {
    let known = ops::verification(app.pool(), shell.guild_id, id).await?;
    if known.standing == Standing::Unknown {
        return Err(Problem::not_found("credential"));
    }
    let (badge, holder) = (known.badge.unwrap_or_default(), known.holder_name.unwrap_or_default());
    let body = join([
        says(
            "Whoever verifies it is told that it is revoked, and reads why. It cannot be brought back; another can be issued.",
        ),
        form(
            &shell,
            &shell.at(&format!("/staff/credentials/{id}/revoke")),
            [field(
                &told.line("reason", "Why").required().max_length(500).help("For everybody who verifies it."),
            )],
            [button("yes", "Revoke it", "grave"), link(shell.at("/staff/credentials"), "Leave it")],
        ),
    ]);
    Ok(Sheet::new(shell, format!("Revoke {badge} of {holder}?"))
        .below("/staff/credentials", "Credentials")
        .lead(code(id))
        .of(told)
        .part("What will happen", body))
}

pub(super) async fn ask_revoke(
    State(app): State<App>,
    visit: Visit<CredentialsWrite>,
    Path(path): Path<CredentialPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(revocation(&app, visit.shell, path.credential_id, Form::new()).await?))
}

pub(super) async fn revoke(
    State(app): State<App>,
    visit: Visit<CredentialsWrite>,
    Path(path): Path<CredentialPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.credential_id;
    let revoke = async {
        let revocation: Revocation = typed.read()?;
        let author = visit.guild.author();
        ops::credential_revoke(app.pool(), visit.guild_id(), id, &revocation.reason, author).await?;
        Ok(led(visit.shell.at("/staff/credentials"), "It is revoked."))
    };
    let outcome = revoke.await;
    told(&app, typed, outcome, |form| revocation(&app, visit.shell, id, form)).await
}

async fn keys_page(app: &App, shell: Shell, told: Form) -> Result<Sheet, Problem> {
    let keys = ops::key_list(app.pool(), shell.guild_id).await?;
    let rows = keys.iter().map(|key| {
        vec![
            code(key.id),
            text(key.algorithm.as_str()),
            if key.retired_at.is_none() { ui::seal("on", "Signs") } else { ui::seal("", "Verifies only") },
            format::time(&key.created_at),
            when(key.retired_at.as_ref()),
        ]
    });
    let list = table(
        "Keys",
        &["Key", "Algorithm", "State", "Since", "Retired"],
        rows.collect(),
        "There is none yet: the first credential makes one.",
    );
    let algorithms =
        [Algorithm::Es256, Algorithm::EdDsa].map(|one| (one.as_str().to_owned(), one.as_str().to_owned()));
    let rotate = join([
        says(
            "What is issued from then on is signed with the new key. What was signed with the old one is verified as before.",
        ),
        form(
            &shell,
            &shell.at("/staff/credentials/keys"),
            [field(&told.choice("algorithm", "Algorithm", &algorithms))],
            [button("rotate", "Make another key", "grave")],
        ),
    ]);
    Ok(Sheet::new(shell, "Keys of credentials")
        .below("/staff/credentials", "Credentials")
        .of(told)
        .part("Keys", list)
        .part("Another key", rotate))
}

pub(super) async fn keys(
    State(app): State<App>,
    visit: Visit<CredentialsWrite>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(keys_page(&app, visit.shell, Form::new()).await?))
}

pub(super) async fn rotate(
    State(app): State<App>,
    visit: Visit<CredentialsWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let rotate = async {
        let new: NewKey = typed.read()?;
        let (issuing, author) = (Issuing::of(app.http()), visit.guild.author());
        ops::key_rotate(app.pool(), &issuing, visit.guild_id(), new.algorithm, author).await?;
        Ok(led(visit.shell.at("/staff/credentials/keys"), "The new key signs from now on."))
    };
    let outcome = rotate.await;
    told(&app, typed, outcome, |form| keys_page(&app, visit.shell, form)).await
}
