//! Figures, as they are told.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::NaiveDate;
use kernel::{GuildId, Page, PageQuery};
use learning::ids::QuestId;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::fold::guild_fold;
use crate::error::Error;
use crate::model::{
    AnswerFigures, ChangeVerdict, ItemFigures, QuestDayFigures, QuestFigures, StepFigures, VersionChange,
    VersionFigures,
};
use crate::rules::estimate::{ENOUGH, Estimate, IntervalMethod, correlation, difference, float, mean, share};
use crate::rules::items::{Choice, verdict};
use crate::rules::survival::{Step, survival};
use crate::store::figures::{self, DayRow, StepRow, VersionRow};
use crate::store::{fold, items};

/// Answers that are told of a question.
const ANSWERS: usize = 20;

async fn title(conn: &mut PgConnection, guild: GuildId, quest: QuestId) -> Result<String, Error> {
    figures::quest_title(conn, guild, quest).await?.ok_or(Error::NotFound("quest"))
}

/// A page of days, of a quest or of all, the latest first.
pub async fn day_list(
    pool: &PgPool,
    guild: GuildId,
    quest: Option<QuestId>,
    within: (NaiveDate, NaiveDate),
    query: &PageQuery,
) -> Result<Page<QuestDayFigures>, Error> {
    let limit = query.limit()?;
    let after: Option<(NaiveDate, Uuid)> = query.after()?;
    let mut conn = db::acquire(pool).await?;
    let rows = figures::days_list(&mut conn, guild, quest, within, after, limit.plus_one()).await?;
    if let Some(quest) = quest.filter(|_| rows.is_empty()) {
        // Of a quest without any, or that there is not.
        title(&mut conn, guild, quest).await?;
    }
    Ok(Page::new(rows, limit, |row| (row.day, row.quest_id.get())).map(day_told))
}

/// A day as it is told.
pub(crate) fn day_told(row: DayRow) -> QuestDayFigures {
    let completed = i64::from(row.completions);
    let median =
        Estimate::of(completed, row.median, row.median_low, row.median_high, IntervalMethod::OrderStatistics);
    QuestDayFigures {
        quest_id: row.quest_id,
        title: row.title,
        day: row.day,
        total_attempts: row.total_attempts,
        restarts: row.restarts,
        successful_completions: row.completions,
        abandonments: row.abandonments,
        average_completion_time_minutes: mean(row.mean, row.deviation, completed),
        median_completion_time_minutes: median,
        average_attempts_to_complete: row.attempts_to_complete,
        abandonment_rate: share(f64::from(row.abandonments), i64::from(row.abandonments) + completed),
        engagement: share(f64::from(row.engaged_attempts), i64::from(row.open_attempts)),
        difficulty_rating: row.difficulty,
        ratings: row.ratings,
        made_at: row.made_at,
    }
}

/// Makes a guild's figures of a day anew, after folding what is pending. Today's are as of now.
#[kernel::boxed]
pub async fn day_make(pool: &PgPool, guild: GuildId, day: NaiveDate) -> Result<u64, Error> {
    guild_fold(pool, guild).await?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let today = db::now(&mut tx).await?.date_naive();
        if day > today {
            return Err(Error::field("day", format!("must not be later than today, {today}")));
        }
        fold::guild_lock(&mut tx, guild).await?;
        let made = figures::day_make(&mut tx, guild, day).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

/// A quest, version by version.
#[kernel::boxed]
pub async fn quest_figures(pool: &PgPool, guild: GuildId, quest: QuestId) -> Result<QuestFigures, Error> {
    let mut conn = db::acquire(pool).await?;
    let rows = figures::versions_list(&mut conn, guild, quest).await?;
    let title = match rows.first() {
        Some(row) => row.title.clone(),
        None => title(&mut conn, guild, quest).await?,
    };
    let steps = figures::steps_list(&mut conn, guild, quest).await?;
    let versions: Vec<VersionFigures> = rows
        .into_iter()
        .map(|row| {
            let of: Vec<&StepRow> = steps.iter().filter(|step| step.version == row.version).collect();
            version_told(&row, &of)
        })
        .collect();
    let change = versions.first().zip(versions.get(1)).map(|(after, before)| change(before, after));
    Ok(QuestFigures { quest_id: quest, title, versions, change })
}

fn version_told(row: &VersionRow, steps: &[&StepRow]) -> VersionFigures {
    let completed = i64::from(row.completed);
    let over = completed + i64::from(row.abandoned) + i64::from(row.idle);
    let risks: Vec<Step> =
        steps.iter().map(|step| Step { at_risk: step.at_risk.into(), left: step.left_here.into() }).collect();
    let steps = steps.iter().zip(survival(&risks)).map(|(step, survival)| StepFigures {
        step_id: step.step_id,
        title: step.title.clone(),
        place: step.place,
        optional: step.optional,
        reached: step.reached,
        done: share(step.done.into(), step.reached.into()),
        skipped: step.skipped,
        left: share(step.left_here.into(), step.at_risk.into()),
        under_way: step.still_here,
        survival,
        difficulty: step.difficulty,
        tries: step.tries.unwrap_or(0),
    });
    VersionFigures {
        version: row.version,
        published_at: row.published_at,
        attempts: row.attempts,
        completion: share(float(completed), over),
        abandoned: row.abandoned,
        idle: row.idle,
        under_way: i32::try_from(i64::from(row.attempts) - over).unwrap_or(0),
        restarts: row.restarts,
        restart_completion: share(row.restarts_completed.into(), row.restarts.into()),
        mean_minutes: mean(row.mean, row.deviation, completed),
        median_minutes: Estimate::of(
            completed,
            row.median,
            row.median_low,
            row.median_high,
            IntervalMethod::OrderStatistics,
        ),
        first_begun_at: row.first_begun_at,
        last_begun_at: row.last_begun_at,
        steps: steps.collect(),
    }
}

fn change(before: &VersionFigures, after: &VersionFigures) -> VersionChange {
    let completion = difference(&before.completion, &after.completion);
    let verdict = match (completion.low, completion.high) {
        _ if completion.n < ENOUGH => ChangeVerdict::TooFew,
        (Some(low), _) if low > 0.0 => ChangeVerdict::Better,
        (_, Some(high)) if high < 0.0 => ChangeVerdict::Worse,
        _ => ChangeVerdict::NoDifferenceSeen,
    };
    VersionChange { from: before.version, to: after.version, completion, verdict }
}

/// The questions of a quest, each with what it tells.
#[kernel::boxed]
pub async fn item_list(pool: &PgPool, guild: GuildId, quest: QuestId) -> Result<Vec<ItemFigures>, Error> {
    let mut conn = db::acquire(pool).await?;
    let rows = items::items_list(&mut conn, guild, quest).await?;
    if rows.is_empty() {
        // Of a quest without any, or that there is not.
        title(&mut conn, guild, quest).await?;
        return Ok(Vec::new());
    }
    let subjects: Vec<Uuid> = rows.iter().filter_map(|row| row.subject_id).collect();
    let given = items::answers_list(&mut conn, guild, &subjects).await?;
    Ok(told(rows, given))
}

/// The questions of a bank, each over all quizzes that draw it: the first time that each learner was asked.
pub async fn bank_item_list(pool: &PgPool, guild: GuildId, bank: &str) -> Result<Vec<ItemFigures>, Error> {
    let mut conn = db::acquire(pool).await?;
    if !items::bank_exists(&mut conn, guild, bank).await? {
        return Err(Error::NotFound("bank"));
    }
    let rows = items::bank_items(&mut conn, guild, bank).await?;
    let given = items::bank_answers(&mut conn, guild, bank).await?;
    Ok(told(rows, given))
}

fn told(rows: Vec<items::ItemRow>, given: Vec<items::AnswerRow>) -> Vec<ItemFigures> {
    let mut answers: BTreeMap<(Option<Uuid>, String, Vec<u8>), Vec<items::AnswerRow>> = BTreeMap::new();
    for row in given {
        answers.entry((row.subject_id, row.item.clone(), row.hash.clone())).or_default().push(row);
    }
    let told = rows.into_iter().map(|row| {
        let key = (row.subject_id, row.item, row.hash);
        let given = answers.remove(&key).unwrap_or_default();
        let (subject_id, item, hash) = key;
        let n = i64::from(row.responses);
        let discrimination = correlation(row.discrimination, n);
        let choices: Vec<Choice> = given
            .iter()
            .map(|one| Choice { chosen: one.chosen.into(), is_right: one.is_right, mean_rest: one.mean_rest })
            .collect();
        ItemFigures {
            subject_id,
            subject: row.subject,
            item,
            hash: hash.iter().fold(String::new(), |mut all, byte| {
                let _ = write!(all, "{byte:02x}");
                all
            }),
            facility: share(row.facility * float(n), n),
            omitted: row.omitted,
            discrimination,
            efficiency: row.efficiency,
            upper_lower: row.upper_lower,
            last_at: row.last_at,
            verdict: verdict(&discrimination, &choices),
            answers: given
                .into_iter()
                .take(ANSWERS)
                .map(|one| AnswerFigures {
                    answer: one.answer,
                    chosen: share(one.chosen.into(), n),
                    is_right: one.is_right,
                    mean_rest: one.mean_rest,
                })
                .collect(),
        }
    });
    told.collect()
}
