//! Appeals: by a link that goes out with the direct message, as who is banned cannot reach the bot; or by whom a case is about, signed in.

use access::Author;
use access::author::Deed;
use access::settings::settings_read;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jobs::outbox::{self, Event};
use kernel::fields::Wrong;
use kernel::{GuildId, Page, PageQuery, Problem, UserId};
use rand::TryRng as _;
use rand::rngs::SysRng;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, PgPool};

use super::cases::undo;
use super::put::alert;
use crate::error::Error;
use crate::model::{
    Appeal, AppealId, AppealStatus, AppealThread, Appealable, Case, CaseId, Decision, LastAppeal, Moderator,
    OwnAppeal, Resolution, Source,
};
use crate::rules;
use crate::settings::ModerationSettings;
use crate::store::{appeals, cases};

/// Makes a link's token for whom a case is about: the guild, a dot, 256 bits by chance. Only its hash is kept.
pub(crate) async fn link_make(
    conn: &mut PgConnection,
    guild: GuildId,
    case: CaseId,
) -> Result<String, Error> {
    let mut bytes = [0u8; 32];
    SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| Error::Database(sqlx::Error::Io(std::io::Error::other(error))))?;
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    let settings = settings_read::<ModerationSettings>(conn, Some(guild)).await?;
    appeals::link_insert(conn, guild, case, &hash(&secret), settings.appeal_link_days).await?;
    Ok(format!("{guild}.{secret}"))
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Guild and case that a token opens.
async fn opened(conn: &mut PgConnection, token: &str) -> Result<Case, Error> {
    let (guild, secret) = token.split_once('.').ok_or(Error::UnknownLink)?;
    let guild: GuildId = guild.parse().map_err(|_| Error::UnknownLink)?;
    let case = appeals::link_case(conn, guild, &hash(secret)).await?.ok_or(Error::UnknownLink)?;
    cases::by_id(conn, guild, case).await
}

/// What a link shows.
#[kernel::boxed]
pub async fn appeal_open(pool: &PgPool, token: &str) -> Result<Appealable, Error> {
    let mut conn = db::acquire(pool).await?;
    let case = opened(&mut conn, token).await?;
    let last = appeals::find(&mut conn, case.guild_id, None, Some(case.id), None, None, 1).await?.pop();
    Ok(Appealable {
        guild_id: case.guild_id,
        case_number: case.case_number,
        action: case.action,
        reason: case.reason,
        created_at: case.created_at,
        expires_at: case.expires_at,
        in_force: !case.resolved,
        last: last.map(|appeal| LastAppeal {
            statement: appeal.statement,
            status: appeal.status,
            decision_reason: appeal.decision_reason,
            next_allowed_at: appeal.next_allowed_at,
            created_at: appeal.created_at,
        }),
    })
}

/// Files an appeal by a link.
#[kernel::boxed]
pub async fn appeal_file_by_link(pool: &PgPool, token: &str, statement: &str) -> Result<Appeal, Error> {
    let statement = check(statement)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let case = opened(&mut tx, token).await?;
        let appeal = file(&mut tx, &case, &statement).await?;
        tx.commit().await?;
        Ok(appeal)
    })
    .await
}

/// Files an appeal against a case about oneself.
#[kernel::boxed]
pub async fn appeal_file(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    number: i32,
    statement: &str,
) -> Result<Appeal, Error> {
    let statement = check(statement)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let case = cases::by_number(&mut tx, guild, number).await?;
        if case.user_id != user || !case.action.tells() {
            return Err(Error::UnknownCase);
        }
        let appeal = file(&mut tx, &case, &statement).await?;
        tx.commit().await?;
        Ok(appeal)
    })
    .await
}

fn check(statement: &str) -> Result<String, Wrong> {
    let statement = kernel::fields::text("statement", statement, 2_000)?;
    if statement.is_empty() {
        return Err(Wrong::new("statement", "must be 1 to 2000 characters"));
    }
    Ok(statement)
}

async fn file(conn: &mut PgConnection, case: &Case, statement: &str) -> Result<Appeal, Error> {
    let guild = case.guild_id;
    let settings = settings_read::<ModerationSettings>(conn, Some(guild)).await?;
    if !settings.appeals {
        return Err(Error::Appeal("this guild takes no appeals"));
    }
    if case.voided_at.is_some() || !case.action.tells() {
        return Err(Error::Appeal("there is nothing to appeal about this case"));
    }
    // The same lock as the cooldown's, so that two at once are one after the other.
    cases::guild_lock(conn, guild).await?;
    if let Some(last) = appeals::find(conn, guild, None, Some(case.id), None, None, 1).await?.pop() {
        if last.status == AppealStatus::Open {
            return Err(Error::Appeal("an appeal against this case is open already"));
        }
        if last.status == AppealStatus::Accepted {
            return Err(Error::Appeal("an appeal against this case was accepted"));
        }
        if cases::is_ahead(conn, Some(last.next_allowed_at)).await? {
            return Err(Error::TooEarly(last.next_allowed_at));
        }
    }
    let hours = settings.appeal_cooldown_hours;
    let id = appeals::insert(conn, guild, case.id, case.user_id, &case.user_tag, statement, hours).await?;
    let event = Event {
        guild_id: guild,
        event_type: "moderation.appeal_filed",
        subject: format!("appeals/{id}"),
        correlation_id: None,
        user_id: None,
        payload: json!({ "appeal_id": id, "case_number": case.case_number }),
    };
    outbox::emit_one(conn, event).await?;
    let key = format!("p{}", URL_SAFE_NO_PAD.encode(id.get().as_bytes()));
    let text = format!("{} appeals case {}.", case.user_tag, case.case_number);
    alert(conn, guild, None, key, text, Some(case)).await?;
    appeals::get(conn, guild, id).await
}

/// A page of the guild's appeals, the latest first.
#[kernel::boxed]
pub async fn appeal_list(
    pool: &PgPool,
    guild: GuildId,
    status: Option<AppealStatus>,
    page: &PageQuery,
) -> Result<Page<Appeal>, Problem> {
    let (limit, before) = (page.limit()?, page.after::<AppealId>()?);
    let mut conn = db::acquire(pool).await?;
    let found = appeals::list(&mut conn, guild, status, before, limit).await?;
    Ok(Page::new(found, limit, |appeal| appeal.id))
}

/// An appeal with what staff say of it.
pub async fn appeal_get(pool: &PgPool, guild: GuildId, id: AppealId) -> Result<AppealThread, Error> {
    let mut conn = db::acquire(pool).await?;
    thread(&mut conn, guild, id).await
}

async fn thread(conn: &mut PgConnection, guild: GuildId, id: AppealId) -> Result<AppealThread, Error> {
    let appeal = appeals::get(conn, guild, id).await?;
    let notes = appeals::notes(conn, guild, id).await?;
    Ok(AppealThread { appeal, notes })
}

/// Adds what staff say of an appeal; the member never sees it. Audited, though not in its words: those are forgotten with their author.
#[kernel::boxed]
pub async fn appeal_note(
    pool: &PgPool,
    guild: GuildId,
    id: AppealId,
    body: &str,
    moderator: &Moderator,
    author: Author<'_>,
) -> Result<AppealThread, Error> {
    let body = kernel::fields::text("body", body, 2_000)?;
    if body.is_empty() {
        return Err(Wrong::new("body", "must be 1 to 2000 characters").into());
    }
    let mut tx = db::begin(pool).await?;
    appeals::get(&mut tx, guild, id).await?;
    appeals::note_insert(&mut tx, guild, id, &body, moderator).await?;
    let thread = thread(&mut tx, guild, id).await?;
    let notes = thread.notes.len();
    Deed::new("NOTE", "moderation.appeals", id.to_string())
        .before(json!({ "notes": notes.saturating_sub(1) }))
        .after(json!({ "notes": notes }))
        .record(&mut tx, guild, author)
        .await?;
    tx.commit().await?;
    Ok(thread)
}

/// Decides an appeal. When it is accepted the case is undone: a ban or a time-out is lifted, a warning counts no more. Nobody decides their own. Audited.
#[kernel::boxed]
pub async fn appeal_decide(
    pool: &PgPool,
    guild: GuildId,
    id: AppealId,
    decision: &Decision,
    moderator: &Moderator,
    author: Author<'_>,
) -> Result<Appeal, Error> {
    let reason = rules::line("reason", &decision.reason, 500)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        cases::guild_lock(&mut tx, guild).await?;
        let before = appeals::get(&mut tx, guild, id).await?;
        if before.user_id == moderator.id {
            return Err(Error::Appeal("nobody decides their own appeal"));
        }
        let status = if decision.accept { AppealStatus::Accepted } else { AppealStatus::Denied };
        if !appeals::decide(&mut tx, guild, id, status, Some(moderator), Some(&reason)).await? {
            return Err(Error::Appeal("this appeal was decided, or taken back, before"));
        }
        if decision.accept {
            accept(&mut tx, guild, before.case_number, moderator, &reason).await?;
        }
        let after = appeals::get(&mut tx, guild, id).await?;
        let event = Event {
            guild_id: guild,
            event_type: "moderation.appeal_decided",
            subject: format!("appeals/{id}"),
            correlation_id: None,
            user_id: Some(after.user_id),
            payload: json!({
                "appeal_id": id, "case_number": after.case_number, "accepted": decision.accept, "reason": reason,
            }),
        };
        outbox::emit_one(&mut tx, event).await?;
        Deed::new("DECIDE", "moderation.appeals", id.to_string())
            .before(json!({ "status": before.status }))
            .after(json!({ "status": after.status, "case_number": after.case_number }))
            .because(Some(&reason))
            .record(&mut tx, guild, author)
            .await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

async fn accept(
    conn: &mut PgConnection,
    guild: GuildId,
    number: i32,
    moderator: &Moderator,
    reason: &str,
) -> Result<(), Error> {
    let case = cases::by_number(conn, guild, number).await?;
    if case.resolved || undo(conn, &case, Source::Appeal, moderator, reason).await?.is_some() {
        return Ok(());
    }
    cases::resolve(conn, guild, case.id, Resolution::Appealed, moderator).await?;
    Ok(super::changed(conn, guild, number, "appealed").await?)
}

/// A member's last appeal against each of these cases, where there is one.
pub async fn appeals_own(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    cases: &[CaseId],
) -> Result<Vec<OwnAppeal>, Error> {
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    Ok(appeals::own(&mut *db::acquire(pool).await?, guild, user, cases).await?)
}

/// The member takes an appeal back.
pub async fn appeal_withdraw(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    id: AppealId,
) -> Result<Appeal, Error> {
    let mut tx = db::begin(pool).await?;
    if appeals::get(&mut tx, guild, id).await?.user_id != user {
        return Err(Error::UnknownAppeal);
    }
    if !appeals::decide(&mut tx, guild, id, AppealStatus::Withdrawn, None, None).await? {
        return Err(Error::Appeal("this appeal was decided, or taken back, before"));
    }
    let appeal = appeals::get(&mut tx, guild, id).await?;
    tx.commit().await?;
    Ok(appeal)
}
