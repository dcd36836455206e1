//! Discord roles that the rules give to members and take from them.
//!
//! A slice says in the transaction of the cause who is to have which role ([`roles_set`]). What changes is announced by an
//! event `member.role` there and then, and again and again, ever more seldom ([`announce_again`]), until whoever talks to
//! Discord confirms it ([`report`]); what they tell Discord really has ([`observe`]) reopens what has come apart. So a role is
//! neither lost while no bot runs, nor given by a stale event: every change has a version, and only the last one counts.

mod store;
mod walk;

use chrono::{DateTime, Utc};
use jobs::outbox;
use jobs::schedule::JobError;
use kernel::{GuildId, Limit, Page, PageQuery, Problem, RoleId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

pub use walk::Span;

/// How many roles are announced again in one run.
const AGAIN_AT_ONCE: i64 = 1_000;
/// The most roles that one report may speak of.
pub const MAX_REPORT: usize = 500;

/// A role that a member is to have for some cause, or no longer for that cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleWish {
    /// The member.
    pub user_id: UserId,
    /// The role.
    pub role_id: RoleId,
    /// Whether the cause is there.
    pub wanted: bool,
}

/// What is to become of a member's role in Discord.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberRole {
    /// The member.
    pub user_id: UserId,
    /// The role.
    pub role_id: RoleId,
    /// Whether they are to have it; else it is to be taken away.
    pub wanted: bool,
    /// Why they are to have it: `squad`, `economy`.
    pub causes: Vec<String>,
    /// To be named when it is confirmed.
    pub version: i64,
    /// How often it was announced again.
    pub attempts: i32,
    /// What went wrong the last time, as the receiver told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Since when Discord has it so; absent while that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// What became of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleOutcome {
    /// The member.
    pub user_id: UserId,
    /// The role.
    pub role_id: RoleId,
    /// Of which version this is the outcome.
    pub version: i64,
    /// Why it could not be done, at most 500 characters; absent when Discord has it.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub error: Option<String>,
}

/// What whoever talks to Discord reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleReport {
    /// 1 to 500 outcomes.
    #[schema(min_items = 1, max_items = 500)]
    pub outcomes: Vec<RoleOutcome>,
}

/// How a report was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleReportTaken {
    /// Roles that are settled now.
    pub confirmed: u64,
    /// Roles of which a failure was noted; they are announced again.
    pub failed: u64,
    /// Outcomes of a version that is no longer the last one, or settled already: nothing changed.
    pub outdated: u64,
}

/// Says for one cause (`squad`, `economy`) who is to have which role and who no longer, in the caller's transaction; what
/// changes by that is announced by events. A role is taken away when its last cause goes. Repeating it changes nothing. The
/// rows are locked in the order of their keys, until the transaction ends; afterwards wake the outbox. Tells how many roles
/// change hands.
#[kernel::boxed]
pub async fn roles_set(
    conn: &mut PgConnection,
    guild: GuildId,
    cause: &str,
    wishes: &[RoleWish],
) -> sqlx::Result<u64> {
    if wishes.is_empty() {
        return Ok(0);
    }
    let changed = store::set(conn, guild, cause, wishes).await?;
    announce(conn, changed.iter().map(|role| (guild, role))).await?;
    Ok(changed.len() as u64)
}

/// Takes down what a receiver says Discord has of a member's roles. `managed` are the roles that nobody may have but by
/// their cause: who has one of them without is to lose it. What differs from what ought to be is announced anew. Tells how
/// many roles that were.
pub async fn observe(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
    held: &[RoleId],
    managed: &[RoleId],
) -> sqlx::Result<u64> {
    let changed = store::observe(conn, guild, user, held, managed).await?;
    announce(conn, changed.iter().map(|role| (guild, role))).await?;
    Ok(changed.len() as u64)
}

/// Takes down what became of roles.
#[kernel::boxed]
pub async fn report(pool: &PgPool, guild: GuildId, report: &RoleReport) -> Result<RoleReportTaken, Problem> {
    if report.outcomes.is_empty() || report.outcomes.len() > MAX_REPORT {
        return Err(Problem::field("outcomes", format!("must be 1 to {MAX_REPORT} outcomes")));
    }
    for (n, outcome) in report.outcomes.iter().enumerate() {
        if outcome.error.as_ref().is_some_and(|text| text.chars().count() > 500 || text.contains('\0')) {
            let message = "must be at most 500 characters, none of them NUL";
            return Err(Problem::field(format!("outcomes[{n}].error"), message));
        }
    }
    let taken = db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let (confirmed, failed) = store::report(&mut tx, guild, &report.outcomes).await?;
        tx.commit().await?;
        Ok::<_, sqlx::Error>((confirmed, failed))
    })
    .await?;
    let outdated = report.outcomes.len() as u64 - taken.0 - taken.1;
    Ok(RoleReportTaken { confirmed: taken.0, failed: taken.1, outdated })
}

/// A page of the guild's roles by member and role: those that are not confirmed yet, or all.
pub async fn list(
    pool: &PgPool,
    guild: GuildId,
    pending: bool,
    page: &PageQuery,
) -> Result<Page<MemberRole>, Problem> {
    let (limit, after): (Limit, Option<(UserId, RoleId)>) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let roles = store::list(&mut conn, guild, pending, after, limit).await?;
    Ok(Page::new(roles, limit, |role| (role.user_id, role.role_id)))
}

/// Announces again what is due and not confirmed: after one minute, two, four and so on, at last once a day. What the
/// periodic job `people.announce_roles` does every minute.
pub async fn announce_again(conn: &mut PgConnection) -> Result<Value, JobError> {
    let due = store::due(conn, AGAIN_AT_ONCE).await?;
    announce(conn, due.iter().map(|(guild, role)| (*guild, role))).await?;
    Ok(json!({ "announced": due.len() }))
}

async fn announce(
    conn: &mut PgConnection,
    roles: impl Iterator<Item = (GuildId, &MemberRole)>,
) -> sqlx::Result<()> {
    let events: Vec<outbox::Event> = roles
        .map(|(guild_id, role)| outbox::Event {
            guild_id,
            event_type: "member.role",
            subject: format!("members/{}", role.user_id),
            correlation_id: None,
            user_id: Some(role.user_id),
            payload: json!({
                "user_id": role.user_id, "role_id": role.role_id, "wanted": role.wanted, "causes": role.causes,
                "version": role.version, "attempt": role.attempts,
            }),
        })
        .collect();
    outbox::emit(conn, &events).await
}
