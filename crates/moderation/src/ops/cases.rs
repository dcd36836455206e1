//! Cases as moderators make, change, lift and look at them.

use std::str::FromStr as _;

use access::author::Deed;
use access::settings::settings_read;
use access::{Author, By, Role};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::fields::Wrong;
use kernel::{GuildId, Page, PageQuery, Problem, UserId};
use serde::Deserialize;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use utoipa::IntoParams;
use uuid::Uuid;

use super::put::{self, Extra};
use crate::effects::NewEffect;
use crate::effects::store as effects;
use crate::error::Error;
use crate::model::{
    Action, Case, CaseEdit, CaseEdited, EffectState, Evidence, Moderator, NewCase, NewEvidence, Resolution,
    Source, Standing, Statistics,
};
use crate::rules::{self, Before};
use crate::settings::ModerationSettings;
use crate::store::cases::{self, Insert, Wanted};

/// Who a request's author is as a moderator: the member they act as, by name; or Questhall itself, by the key's.
pub async fn moderator_of(
    conn: &mut PgConnection,
    guild: GuildId,
    author: Author<'_>,
) -> Result<Moderator, sqlx::Error> {
    let Some(user) = author.member() else {
        let tag = match author.by {
            By::Key(actor) => match &actor.bearer {
                access::Bearer::Key { name, .. } => name.to_string(),
                access::Bearer::Session(_) => "Administrator".to_owned(),
            },
            By::Cli => "Operator".to_owned(),
            By::System => "Questhall".to_owned(),
        };
        return Ok(Moderator { id: UserId::HOUSE, tag: tag.chars().take(100).collect() });
    };
    let tag = cases::name_of(conn, guild, user).await?.unwrap_or_else(|| user.to_string());
    Ok(Moderator { id: user, tag })
}

/// Makes a case. Who is out of the moderator's reach is refused; so is what somebody else did a moment ago, with the number of their case. What
/// the bot could not do is a case that has failed, and nothing is sent. Audited.
#[kernel::boxed]
pub async fn case_make(
    pool: &PgPool,
    guild: GuildId,
    new: NewCase,
    moderator: &Moderator,
    standing: &Standing,
    author: Author<'_>,
) -> Result<Case, Error> {
    let new = rules::check_new(new)?;
    if let Some(why) = rules::reach(new.action, standing) {
        return Err(Error::OutOfReach(why));
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        cases::guild_lock(&mut tx, guild).await?;
        let case = make(&mut tx, guild, &new, moderator, standing).await?;
        Deed::new("CREATE", "moderation.moderation_cases", case.case_number.to_string())
            .after(&case)
            .because(Some(&case.reason))
            .record(&mut tx, guild, author)
            .await?;
        tx.commit().await?;
        Ok(case)
    })
    .await
}

async fn make(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &NewCase,
    moderator: &Moderator,
    standing: &Standing,
) -> Result<Case, Error> {
    let user = new.user_id.unwrap_or(UserId::HOUSE);
    if user == moderator.id && user != UserId::HOUSE && !matches!(new.action, Action::Note | Action::Purge) {
        return Err(Wrong::new("user_id", "is yourself").into());
    }
    if moderator.id != UserId::HOUSE && user != UserId::HOUSE {
        let (above, below) = (role_of(conn, guild, moderator.id).await?, role_of(conn, guild, user).await?);
        if let Some(why) =
            rules::reach_by_roles(new.action, above, below).filter(|_| standing.moderator.is_none())
        {
            return Err(Error::OutOfReach(why));
        }
    }
    let settings = settings_read::<ModerationSettings>(conn, Some(guild)).await?;
    refuse_duplicate(conn, guild, new, user, moderator, &settings).await?;
    let tag = match &new.user_tag {
        Some(tag) => tag.clone(),
        None if user == UserId::HOUSE => "everybody".to_owned(),
        None => cases::name_of(conn, guild, user).await?.unwrap_or_else(|| user.to_string()),
    };
    let lacks = rules::bot_lacks(new.action, standing);
    let mut insert = Insert {
        lasting: new.duration_seconds,
        channel: new.channel_id,
        message: new.message_id,
        effect_error: lacks.as_deref(),
        ..Insert::new(new.action, user, &tag, moderator, &new.reason)
    };
    if lacks.is_some() {
        insert.effect_state = EffectState::Failed;
    }
    let extra = Extra {
        delete_message_seconds: new.delete_message_seconds.unwrap_or(0),
        limit: new.limit.unwrap_or(0),
        quiet: new.quiet,
        done_elsewhere: false,
    };
    let case = put::put(conn, guild, &insert, &extra).await?;
    if !new.evidence.is_empty() {
        cases::evidence_add(conn, guild, case.id, &new.evidence, moderator).await?;
    }
    Ok(case)
}

/// Refuses what a case before did already, in words that name it.
async fn refuse_duplicate(
    conn: &mut PgConnection,
    guild: GuildId,
    new: &NewCase,
    user: UserId,
    moderator: &Moderator,
    settings: &ModerationSettings,
) -> Result<(), Error> {
    let Some(latest) = cases::latest(conn, guild, user, new.action).await? else { return Ok(()) };
    #[expect(clippy::cast_possible_truncation, reason = "an age in milliseconds")]
    let before = Before {
        age: TimeDelta::milliseconds((latest.age * 1e3) as i64),
        same_moderator: latest.moderator_id == moderator.id,
        in_force: !latest.resolved,
        expires_at: latest.expires_at,
    };
    // Whether it has an end is all that is asked of it.
    let end = new.duration_seconds.map(|_| DateTime::<Utc>::UNIX_EPOCH);
    if rules::is_duplicate(new.action, end, &before, TimeDelta::seconds(settings.duplicate_seconds)) {
        return Err(Error::Duplicate { number: latest.case_number, by: latest.moderator_tag });
    }
    Ok(())
}

/// The role here that ranks highest.
async fn role_of(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<Option<Role>, sqlx::Error> {
    let roles = cases::roles_of(conn, guild, user).await?;
    Ok(roles.iter().filter_map(|role| Role::from_str(role).ok()).min())
}

/// Which cases to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CaseQuery {
    /// Only about this person.
    pub user_id: Option<UserId>,
    /// Only by this moderator.
    pub moderator_id: Option<UserId>,
    /// Only of this action.
    #[param(inline)]
    pub action: Option<Action>,
    /// Only from there.
    #[param(inline)]
    pub source: Option<Source>,
    /// Only what is in force.
    #[serde(default)]
    #[param(required = false, default = false)]
    pub in_force: bool,
    /// Only with these words in the reason or the name.
    #[param(max_length = 100)]
    pub text: Option<String>,
    /// Only from this time on.
    #[serde(default, deserialize_with = "kernel::time::instant_if_any")]
    #[param(required = false)]
    pub since: Option<DateTime<Utc>>,
    /// Only before this time.
    #[serde(default, deserialize_with = "kernel::time::instant_if_any")]
    #[param(required = false)]
    pub until: Option<DateTime<Utc>>,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    pub cursor: Option<String>,
}

impl CaseQuery {
    fn page(&self) -> PageQuery {
        PageQuery { limit: self.limit, cursor: self.cursor.clone() }
    }
}

/// A page of the guild's cases, the latest first.
pub async fn case_list(pool: &PgPool, guild: GuildId, query: &CaseQuery) -> Result<Page<Case>, Problem> {
    let page = query.page();
    let (limit, before) = (page.limit()?, page.after::<i32>()?);
    if query.text.as_deref().is_some_and(|text| text.contains('\0') || text.chars().count() > 100) {
        return Err(Problem::field("text", "must be at most 100 characters, none of them NUL"));
    }
    let wanted = Wanted {
        user: query.user_id,
        moderator: query.moderator_id,
        action: query.action,
        source: query.source,
        in_force: query.in_force,
        text: query.text.as_deref(),
        since: query.since,
        until: query.until,
        before,
        ..Wanted::default()
    };
    let mut conn = db::acquire(pool).await?;
    let cases = cases::list(&mut conn, guild, &wanted, limit).await?;
    Ok(Page::new(cases, limit, |case| case.case_number))
}

/// A page of a member's own cases, the latest first: without notes, and with no word on who made them.
pub async fn case_list_own(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    page: &PageQuery,
) -> Result<Page<Case>, Problem> {
    let (limit, before) = (page.limit()?, page.after::<i32>()?);
    let wanted = Wanted { user: Some(user), before, for_member: true, ..Wanted::default() };
    let mut conn = db::acquire(pool).await?;
    let mut cases = cases::list(&mut conn, guild, &wanted, limit).await?;
    for case in &mut cases {
        case.moderator_id = UserId::HOUSE;
        "Moderators".clone_into(&mut case.moderator_tag);
        case.effect_error = None;
    }
    Ok(Page::new(cases, limit, |case| case.case_number))
}

/// A case by its number.
pub async fn case_get(pool: &PgPool, guild: GuildId, number: i32) -> Result<Case, Error> {
    let mut conn = db::acquire(pool).await?;
    cases::by_number(&mut conn, guild, number).await
}

/// Changes a case's reason, or its end as long as it is in force; a time-out's new end goes to Discord. Audited.
#[kernel::boxed]
pub async fn case_edit(
    pool: &PgPool,
    guild: GuildId,
    number: i32,
    edit: &CaseEdit,
    moderator: &Moderator,
    author: Author<'_>,
) -> Result<Case, Error> {
    let reason = edit.reason.as_deref().map(|reason| rules::line("reason", reason, 500)).transpose()?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        cases::guild_lock(&mut tx, guild).await?;
        let before = cases::by_number(&mut tx, guild, number).await?;
        let end = match edit.duration_seconds {
            None => before.expires_at,
            Some(duration) => new_end(&before, duration)?,
        };
        let reason = reason.as_deref().unwrap_or(&before.reason);
        cases::edit(&mut tx, guild, before.id, reason, end, moderator).await?;
        let after = cases::by_id(&mut tx, guild, before.id).await?;
        if after.expires_at != before.expires_at {
            put::timers(&mut tx, &after).await?;
            if let (Action::Timeout, Some(payload)) = (after.action, put::act(&after, &Extra::default())) {
                let edits = cases::edits(&mut tx, guild, after.id).await?.len();
                let idempotency_key = format!("c{number}e{edits}");
                effects::ask(
                    &mut tx,
                    guild,
                    &[NewEffect { case_id: Some(after.id), idempotency_key, payload }],
                )
                .await?;
            }
        }
        if after != before {
            super::changed(&mut tx, guild, number, "edited").await?;
            Deed::new("UPDATE", "moderation.moderation_cases", number.to_string())
                .before(&before)
                .after(&after)
                .record(&mut tx, guild, author)
                .await?;
        }
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// The end that a duration from the case's making gives.
fn new_end(case: &Case, duration: Option<i64>) -> Result<Option<DateTime<Utc>>, Error> {
    if case.resolved {
        return Err(Error::Closed("this case is not in force any more, so its time cannot be changed"));
    }
    let longest = if case.action == Action::Timeout { rules::LONGEST_TIMEOUT } else { rules::LONGEST };
    match duration {
        None if case.action == Action::Timeout => {
            Err(Wrong::new("duration_seconds", "must say for how long: a time-out has an end").into())
        }
        None => Ok(None),
        Some(seconds) => {
            kernel::fields::within("duration_seconds", seconds, 1, longest)?;
            Ok(Some(case.created_at + TimeDelta::seconds(seconds)))
        }
    }
}

/// Declares a case void: it counts for nothing any more, and what it did on Discord is undone. Audited.
#[kernel::boxed]
pub async fn case_void(
    pool: &PgPool,
    guild: GuildId,
    number: i32,
    reason: &str,
    moderator: &Moderator,
    author: Author<'_>,
) -> Result<Case, Error> {
    let reason = rules::line("reason", reason, 500)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        cases::guild_lock(&mut tx, guild).await?;
        let before = cases::by_number(&mut tx, guild, number).await?;
        if !cases::void(&mut tx, guild, before.id, &reason, moderator).await? {
            return Err(Error::Closed("this case is void already"));
        }
        undo(&mut tx, &before, Source::Moderator, moderator, &reason).await?;
        let after = cases::by_id(&mut tx, guild, before.id).await?;
        super::changed(&mut tx, guild, number, "voided").await?;
        Deed::new("VOID", "moderation.moderation_cases", number.to_string())
            .before(&before)
            .after(&after)
            .because(Some(&reason))
            .record(&mut tx, guild, author)
            .await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Undoes on Discord what a case did that was in force, by a case of its own; answers it, where there was anything to undo.
pub(crate) async fn undo(
    conn: &mut PgConnection,
    case: &Case,
    source: Source,
    moderator: &Moderator,
    reason: &str,
) -> Result<Option<Case>, Error> {
    let action = match (case.action, case.resolved) {
        (Action::Ban, false) => Action::Unban,
        (Action::Timeout, false) => Action::Untimeout,
        _ => return Ok(None),
    };
    let new = Insert {
        source,
        parent: Some(case.id),
        raid: case.raid_id,
        ..Insert::new(action, case.user_id, &case.user_tag, moderator, reason)
    };
    put::put(conn, case.guild_id, &new, &Extra::default()).await.map(Some)
}

/// Lifts a warning that stands; a ban or a time-out is lifted by an unban or untimeout. Audited.
#[kernel::boxed]
pub async fn case_lift(
    pool: &PgPool,
    guild: GuildId,
    number: i32,
    reason: &str,
    moderator: &Moderator,
    author: Author<'_>,
) -> Result<Case, Error> {
    let reason = rules::line("reason", reason, 500)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        cases::guild_lock(&mut tx, guild).await?;
        let before = cases::by_number(&mut tx, guild, number).await?;
        if before.resolved {
            return Err(Error::NothingInForce("this case is not in force any more"));
        }
        if undo(&mut tx, &before, Source::Moderator, moderator, &reason).await?.is_none() {
            cases::resolve(&mut tx, guild, before.id, Resolution::Lifted, moderator).await?;
            super::changed(&mut tx, guild, number, "lifted").await?;
        }
        let after = cases::by_id(&mut tx, guild, before.id).await?;
        Deed::new("LIFT", "moderation.moderation_cases", number.to_string())
            .before(&before)
            .after(&after)
            .because(Some(&reason))
            .record(&mut tx, guild, author)
            .await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// What was changed of a case since it was made, in order.
pub async fn case_edits(pool: &PgPool, guild: GuildId, number: i32) -> Result<Vec<CaseEdited>, Error> {
    let mut conn = db::acquire(pool).await?;
    let case = cases::by_number(&mut conn, guild, number).await?;
    Ok(cases::edits(&mut conn, guild, case.id).await?)
}

/// Adds evidence to a case; its edits tell of it. Audited.
#[kernel::boxed]
pub async fn evidence_add(
    pool: &PgPool,
    guild: GuildId,
    number: i32,
    evidence: NewEvidence,
    moderator: &Moderator,
    author: Author<'_>,
) -> Result<Vec<Evidence>, Error> {
    let evidence = rules::check_evidence(evidence)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let case = cases::by_number(&mut tx, guild, number).await?;
        let before = cases::evidence(&mut tx, guild, case.id).await?;
        cases::evidence_add(&mut tx, guild, case.id, std::slice::from_ref(&evidence), moderator).await?;
        super::changed(&mut tx, guild, number, "evidence").await?;
        let all = cases::evidence(&mut tx, guild, case.id).await?;
        evidence_record(&mut tx, guild, number, [&before, &all], author).await?;
        tx.commit().await?;
        Ok(all)
    })
    .await
}

/// What stands of a case's evidence, before and after.
async fn evidence_record(
    conn: &mut PgConnection,
    guild: GuildId,
    number: i32,
    [before, after]: [&[Evidence]; 2],
    author: Author<'_>,
) -> Result<(), Error> {
    let stands = |all: &[Evidence]| {
        let urls: Vec<_> =
            all.iter().filter(|one| one.removed_at.is_none()).map(|one| one.url.clone()).collect();
        json!({ "evidence": urls })
    };
    Deed::new("UPDATE", "moderation.case_evidence", number.to_string())
        .before(stands(before))
        .after(stands(after))
        .record(conn, guild, author)
        .await?;
    Ok(())
}

/// Takes evidence back; it stays in the case, marked so. Audited.
#[kernel::boxed]
pub async fn evidence_remove(
    pool: &PgPool,
    guild: GuildId,
    number: i32,
    evidence: Uuid,
    moderator: &Moderator,
    author: Author<'_>,
) -> Result<Vec<Evidence>, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let case = cases::by_number(&mut tx, guild, number).await?;
        let before = cases::evidence(&mut tx, guild, case.id).await?;
        if !cases::evidence_remove(&mut tx, guild, case.id, evidence, moderator).await? {
            return Err(Error::UnknownEvidence);
        }
        super::changed(&mut tx, guild, number, "evidence").await?;
        let all = cases::evidence(&mut tx, guild, case.id).await?;
        evidence_record(&mut tx, guild, number, [&before, &all], author).await?;
        tx.commit().await?;
        Ok(all)
    })
    .await
}

/// The evidence of a case; what was taken back is marked so.
pub async fn evidence_list(pool: &PgPool, guild: GuildId, number: i32) -> Result<Vec<Evidence>, Error> {
    let mut conn = db::acquire(pool).await?;
    let case = cases::by_number(&mut conn, guild, number).await?;
    Ok(cases::evidence(&mut conn, guild, case.id).await?)
}

/// Cases of a time by moderator and action; or by rule and action.
pub async fn statistics(
    pool: &PgPool,
    guild: GuildId,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    by_rule: bool,
) -> Result<Vec<Statistics>, Error> {
    if since >= until {
        return Err(Wrong::new("until", "must be after `since`").into());
    }
    let mut conn = db::acquire(pool).await?;
    Ok(cases::statistics(&mut conn, guild, since, until, by_rule).await?)
}

/// Cases as CSV, with a line of headings; what a spreadsheet would take for a formula is text.
pub fn csv(cases: &[Case]) -> String {
    let mut text = String::from(
        "case_number,created_at,action,user_id,user_tag,moderator_id,moderator_tag,reason,expires_at,resolution,resolved_at,source,effect_state\r\n",
    );
    let time = |time: Option<DateTime<Utc>>| time.map_or_else(String::new, |time| time.to_rfc3339());
    for case in cases {
        let fields = [
            case.case_number.to_string(),
            time(Some(case.created_at)),
            case.action.to_string(),
            case.user_id.to_string(),
            cell(&case.user_tag),
            case.moderator_id.to_string(),
            cell(&case.moderator_tag),
            cell(&case.reason),
            time(case.expires_at),
            case.resolution.map_or_else(String::new, |resolution| resolution.to_string()),
            time(case.resolved_at),
            case.source.to_string(),
            case.effect_state.to_string(),
        ];
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A text within quotes.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}
