//! Figures as CSV: RFC 4180 with a header line; a text that a spreadsheet would take for a formula begins with an apostrophe. Numbers
//! stand as they are, and nothing stands for what there is none of.

use std::fmt::Write as _;

use chrono::NaiveDate;
use futures::Stream;
use kernel::GuildId;
use kernel::csv::field;
use learning::ids::QuestId;
use sqlx::PgPool;
use uuid::Uuid;

use crate::model::{ItemFigures, QuestDayFigures};
use crate::ops;
use crate::rules::estimate::Estimate;
use crate::store::figures;

/// Rows of a chunk.
const CHUNK: i64 = 1_000;

const DAYS: &str = "day,quest_id,title,total_attempts,restarts,successful_completions,abandonments,average_completion_time_minutes,\
average_completion_time_low,average_completion_time_high,median_completion_time_minutes,median_low,median_high,\
average_attempts_to_complete,abandonment_rate,abandonment_rate_low,abandonment_rate_high,engagement,engagement_low,engagement_high,\
difficulty_rating,ratings\r\n";

const ITEMS: &str = "subject_id,subject,item,hash,n,omitted,facility,facility_low,facility_high,discrimination,discrimination_low,\
discrimination_high,efficiency,upper_lower,verdict\r\n";

/// Chunks of lines, a line a quest and day, the latest days first.
pub fn days(
    pool: PgPool,
    guild: GuildId,
    quest: Option<QuestId>,
    within: (NaiveDate, NaiveDate),
) -> impl Stream<Item = sqlx::Result<String>> + Send {
    enum Next {
        Header,
        After(Option<(NaiveDate, Uuid)>),
        Nothing,
    }
    futures::stream::try_unfold(Next::Header, move |next| {
        let pool = pool.clone();
        async move {
            let after = match next {
                Next::Header => return Ok(Some((DAYS.to_owned(), Next::After(None)))),
                Next::After(after) => after,
                Next::Nothing => return Ok(None),
            };
            let mut conn = db::acquire(&pool).await?;
            let rows = figures::days_list(&mut conn, guild, quest, within, after, CHUNK).await?;
            let Some(last) = rows.last().map(|row| (row.day, row.quest_id.get())) else { return Ok(None) };
            let full = i64::try_from(rows.len()).is_ok_and(|rows| rows == CHUNK);
            let lines: String = rows.into_iter().map(|row| day(&ops::day_told(row))).collect();
            Ok(Some((lines, if full { Next::After(Some(last)) } else { Next::Nothing })))
        }
    })
}

fn number(value: Option<f64>) -> String {
    value.map(|value| format!("{value:.4}")).unwrap_or_default()
}

fn all(one: &Estimate) -> String {
    format!("{},{},{}", number(one.value), number(one.low), number(one.high))
}

fn day(one: &QuestDayFigures) -> String {
    format!(
        "{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n",
        one.day,
        one.quest_id,
        field(&one.title),
        one.total_attempts,
        one.restarts,
        one.successful_completions,
        one.abandonments,
        all(&one.average_completion_time_minutes),
        all(&one.median_completion_time_minutes),
        number(one.average_attempts_to_complete),
        all(&one.abandonment_rate),
        all(&one.engagement),
        number(one.difficulty_rating),
        one.ratings,
    )
}

/// The questions of a quest.
pub fn items(rows: &[ItemFigures]) -> String {
    let mut text = ITEMS.to_owned();
    for one in rows {
        let verdict = serde_json::to_value(one.verdict).ok();
        let _ = write!(
            text,
            "{},{},{},{},{},{},{},{},{},{},{}\r\n",
            one.subject_id.map(|id| id.to_string()).unwrap_or_default(),
            field(one.subject.as_deref().unwrap_or_default()),
            field(&one.item),
            one.hash,
            one.facility.n,
            one.omitted,
            all(&one.facility),
            all(&one.discrimination),
            number(one.efficiency),
            number(one.upper_lower),
            verdict.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default(),
        );
    }
    text
}
