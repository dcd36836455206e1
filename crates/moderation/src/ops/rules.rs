//! Rules of automod and the escalation of warnings, as administrators make and try them.

use access::Author;
use access::author::Deed;
use chrono::{DateTime, Utc};
use jobs::outbox::{self, Event};
use kernel::fields::Wrong;
use kernel::{ChannelId, GuildId, MessageId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::automod::{
    self, Body, Config, Explanation, Member, Message, Native, NewRule, Pipeline, Rule, State, check_duration,
    created_at,
};
use crate::error::Error;
use crate::model::{Escalation, EscalationAction, EscalationId, NewEscalation, RuleId};
use crate::rules as decisions;
use crate::store::{escalations, replays, rules};

/// Most rules of a guild.
const MOST: usize = 200;

/// The guild's rules in their order; those that are off too.
pub async fn rule_list(pool: &PgPool, guild: GuildId) -> Result<Vec<Rule>, Error> {
    let mut conn = db::acquire(pool).await?;
    Ok(rules::list(&mut conn, guild, None).await?)
}

/// A number for the rules of each of these guilds that has or had any: another after each change. Whoever follows the gateway asks for these, all
/// guilds at once, and for a [`pipeline`] anew where one is another.
pub async fn versions(pool: &PgPool, guilds: &[GuildId]) -> Result<Vec<(GuildId, i64)>, Error> {
    let guilds: Vec<i64> = guilds.iter().map(|guild| guild.get()).collect();
    let mut conn = db::acquire(pool).await?;
    Ok(rules::versions(&mut conn, &guilds).await?)
}

/// The guild's rules, compiled: what whoever follows the gateway judges by.
pub async fn pipeline(pool: &PgPool, guild: GuildId) -> Result<Pipeline, Error> {
    Pipeline::compile(&rule_list(pool, guild).await?)
}

/// A rule.
pub async fn rule_get(pool: &PgPool, guild: GuildId, id: RuleId) -> Result<Rule, Error> {
    let mut conn = db::acquire(pool).await?;
    rules::get(&mut conn, guild, id).await
}

/// Makes a rule. It is compiled first, alone and with the others. Audited.
pub async fn rule_create(
    pool: &PgPool,
    guild: GuildId,
    rule: NewRule,
    author: Author<'_>,
) -> Result<Rule, Error> {
    write(pool, guild, None, rule, author).await
}

/// Writes a rule anew. Audited.
pub async fn rule_replace(
    pool: &PgPool,
    guild: GuildId,
    id: RuleId,
    rule: NewRule,
    author: Author<'_>,
) -> Result<Rule, Error> {
    write(pool, guild, Some(id), rule, author).await
}

async fn write(
    pool: &PgPool,
    guild: GuildId,
    id: Option<RuleId>,
    rule: NewRule,
    author: Author<'_>,
) -> Result<Rule, Error> {
    let (rule, _) = rule.checked()?;
    Pipeline::compile(&[sample(&rule)])?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        rules::lock(&mut tx, guild).await?;
        let before = match id {
            Some(id) => Some(rules::get(&mut tx, guild, id).await?),
            None => None,
        };
        let id = rules::write(&mut tx, guild, id, &rule, author.member()).await?.ok_or(Error::UnknownRule)?;
        let all = rules::list(&mut tx, guild, None).await?;
        if all.len() > MOST {
            return Err(Error::Closed("a guild has at most 200 rules"));
        }
        // Together they may take more than one alone.
        Pipeline::compile(&all)?;
        let after = rules::get(&mut tx, guild, id).await?;
        changed(&mut tx, guild, id).await?;
        let action = if before.is_some() { "UPDATE" } else { "CREATE" };
        let mut deed = Deed::new(action, "moderation.automod_rules", id.to_string()).after(&after);
        if let Some(before) = &before {
            deed = deed.before(before);
        }
        deed.record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

kernel::decl_words! {
    /// Whether a rule is tried, and whether anything follows.
    #[schema(as = AutomodRuleState)]
    pub enum RuleState {
        /// It does what it says.
        On = "on",
        /// It only records what it would have hit.
        Trial = "trial",
        /// It is not tried at all.
        Off = "off",
    }
}

impl RuleState {
    /// How a rule stands.
    pub const fn of(rule: &Rule) -> Self {
        match (rule.rule.is_active, rule.rule.dry_run) {
            (false, _) => Self::Off,
            (true, true) => Self::Trial,
            (true, false) => Self::On,
        }
    }
}

/// Switches a rule on, off, or on trial; what is switched off keeps whether it was on trial. Audited.
pub async fn rule_switch(
    pool: &PgPool,
    guild: GuildId,
    id: RuleId,
    state: RuleState,
    author: Author<'_>,
) -> Result<Rule, Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        rules::lock(&mut tx, guild).await?;
        let before = rules::get(&mut tx, guild, id).await?;
        let rule = NewRule {
            is_active: state != RuleState::Off,
            dry_run: state == RuleState::Trial || (state == RuleState::Off && before.rule.dry_run),
            ..before.rule.clone()
        };
        rules::write(&mut tx, guild, Some(id), &rule, author.member()).await?.ok_or(Error::UnknownRule)?;
        // Those that are on may take too much together with it.
        Pipeline::compile(&rules::list(&mut tx, guild, None).await?)?;
        let after = rules::get(&mut tx, guild, id).await?;
        if before.rule != after.rule {
            changed(&mut tx, guild, id).await?;
            let deed = Deed::new("UPDATE", "moderation.automod_rules", id.to_string());
            deed.before(&before).after(&after).record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Deletes a rule; its hits and cases stay. Audited.
#[kernel::boxed]
pub async fn rule_delete(pool: &PgPool, guild: GuildId, id: RuleId, author: Author<'_>) -> Result<(), Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        rules::lock(&mut tx, guild).await?;
        let before = rules::get(&mut tx, guild, id).await?;
        rules::delete(&mut tx, guild, id, author.member()).await?;
        changed(&mut tx, guild, id).await?;
        Deed::new("DELETE", "moderation.automod_rules", id.to_string())
            .before(&before)
            .record(&mut tx, guild, author)
            .await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

async fn changed(conn: &mut PgConnection, guild: GuildId, id: RuleId) -> Result<(), sqlx::Error> {
    let event = Event {
        guild_id: guild,
        event_type: "moderation.rules_changed",
        subject: format!("rules/{id}"),
        correlation_id: None,
        user_id: None,
        payload: json!({ "rule_id": id }),
    };
    outbox::emit_one(conn, event).await
}

/// A rule as if it were stored and on.
fn sample(rule: &NewRule) -> Rule {
    let rule = NewRule { is_active: true, dry_run: false, ..rule.clone() };
    Rule {
        id: RuleId::new(Uuid::nil()),
        rule,
        created_by: None,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

/// Something on which a rule is tried. Nothing of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AutomodSample)]
pub struct Sample {
    /// A message's content, for rules about messages; a name, for rules about names.
    #[schema(max_length = 4000)]
    pub text: String,
    /// Who wrote it, so that several samples may be by several people; 1, if left out.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// In which channel; 1, if left out.
    #[serde(default)]
    pub channel_id: Option<ChannelId>,
    /// How many seconds after the first sample; all at once, if left out.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 86400)]
    pub after_seconds: u32,
}

/// A rule, and what it is tried on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AutomodTrial)]
pub struct Trial {
    /// The rule; it need not be stored.
    pub rule: NewRule,
    /// Samples, in order: at most 200.
    #[schema(max_items = 200)]
    pub samples: Vec<Sample>,
}

/// What a rule says of a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AutomodTried)]
pub struct Tried {
    /// Whether it matched.
    pub matched: bool,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// Tries a rule on samples, in memory.
pub fn rule_try(trial: Trial) -> Result<Vec<Tried>, Error> {
    if trial.samples.len() > 200 {
        return Err(Wrong::new("samples", "must be at most 200").into());
    }
    let (rule, config) = trial.rule.checked()?;
    let pipeline = Pipeline::compile(&[sample(&rule)])?;
    let mut state = State::new();
    let start = 1_700_000_000_000i64 - 1_420_070_400_000;
    trial
        .samples
        .iter()
        .enumerate()
        .map(|(n, sample)| {
            if sample.text.chars().count() > 4_000 {
                return Err(Error::At(
                    format!("samples[{n}].text"),
                    "must be at most 4000 characters".to_owned(),
                ));
            }
            let number = i64::try_from(n).unwrap_or(0);
            let id = ((start + i64::from(sample.after_seconds) * 1_000) << 22) + number + 1;
            let at = created_at(UserId::new(id));
            let user_id = sample.user_id.unwrap_or(UserId::new(1));
            let author = Member { user_id, names: vec![sample.text.clone()], ..Member::default() };
            let verdict = if rule.rule_type.is_of_accounts() {
                match config {
                    Config::UsernameRegex(_) => pipeline.judge_names(&author, at),
                    _ => pipeline.judge_join(
                        &mut state,
                        &Member { created_at: created_at(user_id), ..author },
                        at,
                    ),
                }
            } else {
                let mut message =
                    Message::new(MessageId::new(id), sample.channel_id.unwrap_or(ChannelId::new(1)), author);
                message.body = Body { content: sample.text.clone(), ..Body::default() };
                pipeline.judge(&mut state, &message)
            };
            let explanation =
                verdict.and_then(|verdict| verdict.hits.into_iter().next()).map(|hit| hit.explanation);
            Ok(Tried { matched: explanation.is_some(), explanation })
        })
        .collect()
}

/// A rule, and of which time the record is replayed against it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AutomodReplay)]
pub struct Replay {
    /// The rule: about rates of messages or joins, or ages of accounts. Of everything else nothing is recorded that it could judge.
    pub rule: NewRule,
    /// From when on.
    #[serde(deserialize_with = "kernel::time::instant")]
    pub since: DateTime<Utc>,
    /// Until when; at most 31 days later.
    #[serde(deserialize_with = "kernel::time::instant")]
    pub until: DateTime<Utc>,
}

/// What a rule would have said of a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AutomodReplayed)]
pub struct Replayed {
    /// How many messages or joins were looked at.
    pub events: i64,
    /// How many of those it would have matched.
    pub hits: i64,
    /// Of how many members.
    pub members: i64,
}

/// Replays what is recorded of a time (when who wrote, when who joined, how old accounts are) against a rule.
#[kernel::boxed]
pub async fn rule_replay(pool: &PgPool, guild: GuildId, replay: Replay) -> Result<Replayed, Error> {
    let (_, config) = replay.rule.checked()?;
    let (since, until) = (replay.since, replay.until);
    if since >= until || (until - since).num_days() > 31 {
        return Err(Wrong::new("until", "must be after `since`, and at most 31 days").into());
    }
    let mut conn = db::acquire(pool).await?;
    Ok(match config {
        Config::MessageRate(rate) => {
            replays::rate(&mut conn, guild, "message_create", true, rate.count, rate.seconds, since, until)
                .await?
        }
        Config::JoinRate(joins) => {
            replays::rate(&mut conn, guild, "member_join", false, joins.count, joins.seconds, since, until)
                .await?
        }
        Config::YoungAccount(age) => replays::ages(&mut conn, guild, age.hours, since, until).await?,
        _ => {
            return Err(Error::At(
                "rule.rule_type".to_owned(),
                "must be message_rate, join_rate or young_account: of others nothing is recorded that they judge".to_owned(),
            ));
        }
    })
}

/// What of the guild's rules Discord's own `AutoMod` can judge.
pub async fn rules_native(pool: &PgPool, guild: GuildId) -> Result<Native, Error> {
    automod::native(&rule_list(pool, guild).await?)
}

/// The rungs of the guild's escalation, the fewest warnings first.
pub async fn escalation_list(pool: &PgPool, guild: GuildId) -> Result<Vec<Escalation>, Error> {
    let mut conn = db::acquire(pool).await?;
    Ok(escalations::list(&mut conn, guild, None).await?)
}

/// Makes a rung, or writes one anew. Audited.
#[kernel::boxed]
pub async fn escalation_write(
    pool: &PgPool,
    guild: GuildId,
    id: Option<EscalationId>,
    mut new: NewEscalation,
    author: Author<'_>,
) -> Result<Escalation, Error> {
    kernel::fields::within("warnings", new.warnings, 1, 100)?;
    kernel::fields::within("within_days", new.within_days, 1, 3_650)?;
    check_duration(
        new.action == EscalationAction::Timeout,
        new.action == EscalationAction::Ban,
        new.duration_seconds,
    )?;
    if let Some(reason) = &new.reason {
        new.reason = Some(decisions::line("reason", reason, 500)?);
    }
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = match id {
            Some(id) => Some(escalations::get(&mut tx, guild, id).await?.ok_or(Error::UnknownEscalation)?),
            None => None,
        };
        let id = match id {
            None => escalations::insert(&mut tx, guild, &new, author.member()).await?,
            Some(id) => {
                if !escalations::update(&mut tx, guild, id, &new, author.member()).await? {
                    return Err(Error::UnknownEscalation);
                }
                id
            }
        };
        let after = escalations::get(&mut tx, guild, id).await?.ok_or(Error::UnknownEscalation)?;
        let action = if before.is_some() { "UPDATE" } else { "CREATE" };
        let mut deed = Deed::new(action, "moderation.warning_escalations", id.to_string()).after(&after);
        if let Some(before) = &before {
            deed = deed.before(before);
        }
        deed.record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Deletes a rung; the cases that it made stay. Audited.
pub async fn escalation_delete(
    pool: &PgPool,
    guild: GuildId,
    id: EscalationId,
    author: Author<'_>,
) -> Result<(), Error> {
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        if !escalations::delete(&mut tx, guild, id, author.member()).await? {
            return Err(Error::UnknownEscalation);
        }
        Deed::new("DELETE", "moderation.warning_escalations", id.to_string())
            .record(&mut tx, guild, author)
            .await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
