//! Moderation of the demo's guild: cases of every kind, appeals that wait and that were decided, rules of automod.

use access::{Author, By, Origin};
use kernel::{PageQuery, UserId};
use moderation::automod::NewRule;
use moderation::model::{Action, Decision, Moderator, NewCase, Standing};
use moderation::ops;
use serde_json::json;
use sqlx::PgPool;

use super::{GUILD, failed, names, people};
use crate::failure::{Code, Failure};

/// Cases in all.
const CASES: usize = 64;
/// Every so manieth of those that are told to members is appealed.
const APPEALED: usize = 4;
/// Whom cases are about: from this member on, all of them different.
const FROM: usize = 60;

/// What happened, how long it lasts in seconds, and why.
const KINDS: [(Action, Option<i64>, &str); 10] = [
    (Action::Warn, None, "Posted the solution of an open challenge."),
    (Action::Warn, None, "Off topic in the help desk, after being asked twice."),
    (Action::Timeout, Some(3_600), "Flooded #hearth with the same picture."),
    (Action::Warn, None, "Mentioned everybody for a job offer."),
    (Action::Note, None, "Asked to be paired with somebody patient. Seems nervous in voice."),
    (Action::Timeout, Some(86_400), "Insulted a beginner."),
    (Action::Warn, None, "Advertised another server in private messages."),
    (Action::Kick, None, "Account sold; new owner sends links."),
    (Action::Warn, None, "Argued with a moderator in public. Was told how to appeal."),
    (Action::Ban, Some(30 * 86_400), "Third time-out in two weeks."),
];

/// Makes cases, appeals and rules, as far as they are not there.
pub(super) async fn keep(pool: &PgPool) -> Result<(), Failure> {
    rules(pool).await?;
    cases(pool).await?;
    appeals(pool).await
}

fn moderator(n: usize) -> Moderator {
    Moderator { id: people::id(1 + n % 2), tag: names::name(1 + n % 2) }
}

fn about(n: usize) -> UserId {
    people::id(FROM + n * 13)
}

async fn cases(pool: &PgPool) -> Result<(), Failure> {
    let here = Origin::default();
    let made = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM moderation.moderation_cases WHERE guild_id = $1"#,
        GUILD.get()
    )
    .fetch_one(&mut *db::acquire(pool).await?)
    .await?;
    for n in usize::try_from(made).unwrap_or(CASES)..CASES {
        let (action, seconds, reason) = KINDS[n % KINDS.len()];
        let mut new = NewCase::about(action, about(n), reason);
        new.duration_seconds = seconds;
        let standing = Standing { target: None, moderator: None, bot: None };
        let author = Author::new(By::Cli, &here);
        ops::case_make(pool, GUILD, new, &moderator(n), &standing, author).await.map_err(failed)?;
    }
    Ok(())
}

async fn appeals(pool: &PgPool) -> Result<(), Failure> {
    const STATEMENTS: [&str; 4] = [
        "I thought the campaign was over: the page said so in my time zone. I am sorry, and I have deleted it.",
        "That was my brother, on my computer. He knows now.",
        "I do not think that this was an insult. Please read the whole thread, not only the last message.",
        "لم أكن أعرف القاعدة. أعتذر، ولن يتكرر ذلك.",
    ];
    let page = PageQuery { limit: Some(1), cursor: None };
    if !ops::appeal_list(pool, GUILD, None, &page).await?.items.is_empty() {
        return Ok(());
    }
    let told = (0..CASES)
        .filter(|n| matches!(KINDS[n % KINDS.len()].0, Action::Warn | Action::Timeout | Action::Ban));
    let here = Origin::default();
    let author = Author::new(By::Cli, &here);
    for (place, n) in told.step_by(APPEALED).enumerate() {
        let number = i32::try_from(n + 1).unwrap_or(1);
        let statement = STATEMENTS[place % STATEMENTS.len()];
        let appeal = ops::appeal_file(pool, GUILD, about(n), number, statement).await.map_err(failed)?;
        if place % 3 == 2 {
            continue;
        }
        let (accept, reason) = if place % 3 == 0 {
            (true, "Understood. The warning counts no more; please mind the time zone.")
        } else {
            (false, "We have read all of it, and stay with it.")
        };
        let decision = Decision { accept, reason: reason.to_owned() };
        let by = moderator(place);
        ops::appeal_decide(pool, GUILD, appeal.id, &decision, &by, author).await.map_err(failed)?;
    }
    Ok(())
}

async fn rules(pool: &PgPool) -> Result<(), Failure> {
    let here = Origin::default();
    let there = ops::rules::rule_list(pool, GUILD).await.map_err(failed)?;
    let wanted = [
        json!({ "name": "Invites", "rule_type": "invites", "action": "delete", "reason": "No invites to other servers." }),
        json!({ "name": "Mass mentions", "rule_type": "mentions", "config": { "count": 8 }, "action": "timeout", "duration_seconds": 600 }),
        json!({ "name": "Spoilers", "rule_type": "words", "config": { "words": ["answer is", "flag is"] }, "action": "alert", "delete_message": false }),
    ];
    for rule in wanted {
        let rule: NewRule = serde_json::from_value(rule).map_err(|error| {
            Failure::new(Code::Internal, format!("a rule of the demo's is wrong: {error}"))
        })?;
        if there.iter().any(|one| one.rule.name == rule.name) {
            continue;
        }
        ops::rules::rule_create(pool, GUILD, rule, Author::new(By::Cli, &here)).await.map_err(failed)?;
    }
    Ok(())
}
