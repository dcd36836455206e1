//! What automod saw, written down, and what follows from it.

use access::settings::settings_read;
use access::{Author, By, Origin};
use chrono::{DateTime, Utc};
use jobs::outbox::{self, Event};
use kernel::fields::Wrong;
use kernel::{ChannelId, GuildId, Page, PageQuery, Problem, UserId};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::put::{self, Extra, alert};
use crate::automod::{Act, Hit, Verdict, deletions};
use crate::effects::store as effects;
use crate::effects::{NewEffect, Payload};
use crate::error::Error;
use crate::model::{
    Action, Case, EffectState, HitRow, HitStatistics, Moderator, NewRaid, Raid, Rank, RuleId, Source,
    Standing,
};
use crate::rules;
use crate::settings::ModerationSettings;
use crate::store::{cases, hits, raids};

/// What came of what automod saw.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recorded {
    /// How many hits are news.
    pub hits: usize,
    /// The cases that came of them.
    pub cases: Vec<Case>,
    /// Raid mode, where a rule switched it on.
    pub raid: Option<Raid>,
}

/// Writes hits down, each once, and does what their rules say: cases, deletions, alerts, raid mode. Whom the bot cannot reach has a case that has
/// failed; the message goes all the same. Nothing of the content is kept.
#[kernel::boxed]
pub async fn record_hits(
    pool: &PgPool,
    guild: GuildId,
    verdict: &Verdict,
    bot: Option<Rank>,
) -> Result<Recorded, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        cases::guild_lock(&mut tx, guild).await?;
        let mut recorded = Recorded::default();
        let mut deletes = false;
        for hit in &verdict.hits {
            // That a raid goes on is no news: it would be told with every few who join.
            if hit.raid.is_some() && !hit.dry_run && raids::running(&mut tx, guild).await?.is_some() {
                continue;
            }
            let Some(id) = write(&mut tx, guild, verdict, hit).await? else { continue };
            recorded.hits += 1;
            if hit.dry_run {
                continue;
            }
            deletes |= hit.delete_message;
            if let Some((action, minutes)) = hit.raid {
                let new = NewRaid { action, reason: hit.reason.clone(), minutes };
                let origin = Origin::default();
                let author = Author::new(By::System, &origin);
                let raid =
                    super::raids::start(&mut tx, guild, &new, Some(hit.rule_id), &Moderator::house(), author)
                        .await?;
                recorded.raid = Some(raid);
            }
            let case = act(&mut tx, guild, verdict, hit, id, bot).await?;
            tell_staff(&mut tx, guild, verdict, hit, id, case.as_ref()).await?;
            recorded.cases.extend(case);
        }
        if deletes {
            delete(&mut tx, guild, verdict).await?;
        }
        tx.commit().await?;
        Ok(recorded)
    })
    .await
}

async fn write(
    conn: &mut PgConnection,
    guild: GuildId,
    verdict: &Verdict,
    hit: &Hit,
) -> Result<Option<Uuid>, Error> {
    let insert = hits::Insert {
        rule: hit.rule_id,
        user: verdict.user_id,
        channel: verdict.channel_id,
        source_id: &verdict.source_id,
        act: hit.act,
        dry_run: hit.dry_run,
        details: json!(hit.explanation),
    };
    let Some(id) = hits::insert(conn, guild, &insert).await? else { return Ok(None) };
    told(conn, guild, hit.rule_id, verdict.user_id, hit.dry_run, id).await?;
    Ok(Some(id))
}

async fn told(
    conn: &mut PgConnection,
    guild: GuildId,
    rule: RuleId,
    member: UserId,
    dry_run: bool,
    id: Uuid,
) -> Result<(), sqlx::Error> {
    let event = Event {
        guild_id: guild,
        event_type: "moderation.hit",
        subject: format!("hits/{id}"),
        correlation_id: None,
        user_id: None,
        payload: json!({ "rule_id": rule, "member_id": member, "dry_run": dry_run }),
    };
    outbox::emit_one(conn, event).await
}

/// The case that a hit makes; `None` for what makes none, and where the same is in force already.
async fn act(
    conn: &mut PgConnection,
    guild: GuildId,
    verdict: &Verdict,
    hit: &Hit,
    id: Uuid,
    bot: Option<Rank>,
) -> Result<Option<Case>, Error> {
    let Some(action) = hit.act.case() else { return Ok(None) };
    // What came while the ban was on its way is part of it.
    let before = if action == Action::Warn {
        None
    } else {
        cases::latest(conn, guild, verdict.user_id, action).await?
    };
    let settings = settings_read::<ModerationSettings>(conn, Some(guild)).await?;
    #[expect(clippy::cast_precision_loss, reason = "some seconds")]
    let within = settings.duplicate_seconds as f64;
    if before.is_some_and(|case| (action == Action::Ban && !case.resolved) || case.age <= within) {
        return Ok(None);
    }
    let standing = Standing { target: Some(verdict.rank), moderator: None, bot };
    let lacks = rules::bot_lacks(action, &standing);
    let raid = raids::running(conn, guild).await?.map(|raid| raid.id);
    let house = Moderator::house();
    let tag: String = verdict.user_tag.chars().take(100).collect();
    let key = format!("hit:{id}");
    let mut new = cases::Insert {
        lasting: hit.duration_seconds.map(i64::from),
        source: Source::Automod,
        source_key: Some(&key),
        rule: Some(hit.rule_id),
        raid,
        channel: verdict.channel_id,
        message: verdict.message_id,
        effect_error: lacks.as_deref(),
        ..cases::Insert::new(action, verdict.user_id, &tag, &house, &hit.reason)
    };
    if lacks.is_some() {
        new.effect_state = EffectState::Failed;
    }
    let case = put::put(conn, guild, &new, &Extra::default()).await?;
    hits::case_of(conn, guild, id, case.id).await?;
    Ok(Some(case))
}

/// Tells those who moderate, where the rule says so.
async fn tell_staff(
    conn: &mut PgConnection,
    guild: GuildId,
    verdict: &Verdict,
    hit: &Hit,
    id: Uuid,
    case: Option<&Case>,
) -> Result<(), Error> {
    use base64::Engine as _;
    if hit.act != Act::Alert && hit.alert_channel_id.is_none() {
        return Ok(());
    }
    let key = format!("a{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id.as_bytes()));
    let text =
        format!("“{}” matched: {} ({}).", hit.rule, verdict.user_tag, explained(&json!(hit.explanation)));
    Ok(alert(conn, guild, hit.alert_channel_id, key, text, case).await?)
}

async fn delete(conn: &mut PgConnection, guild: GuildId, verdict: &Verdict) -> Result<(), Error> {
    let reason: String = verdict
        .hits
        .iter()
        .find(|hit| hit.delete_message && !hit.dry_run)
        .map_or("Automod", |hit| &hit.reason)
        .chars()
        .take(512)
        .collect();
    let effects: Vec<NewEffect> = deletions(verdict)
        .into_iter()
        .map(|(channel_id, message_id)| {
            let own = verdict.message_id == Some(message_id);
            let idempotency_key =
                if own { format!("d{}", verdict.source_id) } else { format!("d{message_id}") };
            NewEffect {
                case_id: None,
                idempotency_key,
                payload: Payload::DeleteMessage { channel_id, message_id, reason: reason.clone() },
            }
        })
        .collect();
    Ok(effects::ask(conn, guild, &effects).await?)
}

/// What Discord's own `AutoMod` did by a rule of ours counts as a hit of it, once: `source` is its execution's message, or whatever names it.
/// False where it was told before.
pub async fn native_hit(
    pool: &PgPool,
    guild: GuildId,
    rule: RuleId,
    source: &str,
    user: UserId,
    channel: Option<ChannelId>,
) -> Result<bool, Error> {
    let source: String = format!("native:{source}").chars().take(128).collect();
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let insert = hits::Insert {
            rule,
            user,
            channel,
            source_id: &source,
            act: Act::Delete,
            dry_run: false,
            details: json!({ "surface": "content", "figures": { "by": "discord" } }),
        };
        let id = hits::insert(&mut tx, guild, &insert).await?;
        if let Some(id) = id {
            told(&mut tx, guild, rule, user, false, id).await?;
        }
        tx.commit().await?;
        Ok(id.is_some())
    })
    .await
}

/// A page of the guild's hits, the latest first.
#[kernel::boxed]
pub async fn hit_list(
    pool: &PgPool,
    guild: GuildId,
    rule: Option<RuleId>,
    user: Option<UserId>,
    page: &PageQuery,
) -> Result<Page<HitRow>, Problem> {
    let (limit, before) = (page.limit()?, page.after::<(DateTime<Utc>, Uuid)>()?);
    let mut conn = db::acquire(pool).await?;
    let found = hits::list(&mut conn, guild, rule, user, before, limit).await?;
    Ok(Page::new(found, limit, |hit| (hit.created_at, hit.id)))
}

/// How often each rule matched in a time, in earnest and while it was tried.
pub async fn hit_statistics(
    pool: &PgPool,
    guild: GuildId,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<HitStatistics>, Error> {
    if since >= until {
        return Err(Wrong::new("until", "must be after `since`").into());
    }
    let mut conn = db::acquire(pool).await?;
    Ok(hits::statistics(&mut conn, guild, since, until).await?)
}

/// An explanation in words: where, by which steps, which figures.
pub fn explained(details: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut parts = vec![details.get("surface").map_or_else(|| "somewhere".to_owned(), text)];
    if let Some(steps) = details.get("steps").and_then(Value::as_array).filter(|steps| !steps.is_empty()) {
        parts.push(format!("after {}", steps.iter().map(text).collect::<Vec<_>>().join(", ")));
    }
    for (name, value) in details.get("figures").and_then(Value::as_object).into_iter().flatten() {
        parts.push(format!("{name} {}", text(value)));
    }
    parts.join("; ")
}
