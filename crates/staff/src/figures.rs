//! Figures of learning: days, quests version by version, questions.

use access::scope::LearningGrade;
use access::{App, Path, Query};
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Days, NaiveDate, Utc};
use frame::days::day;
use frame::decode::Typed;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{TryFutureExt as _, try_join};
use insight::model::{ItemFigures, QuestDayFigures, StepFigures, VersionFigures};
use insight::rules::estimate::Estimate;
use insight::{csv, ops};
use kernel::{PageQuery, Problem};
use learning::ids::QuestId;
use serde::{Deserialize, Serialize};

use super::lake::in_address;
use super::sheet::{
    Sheet, actions, asking, button, code, field, folded, form, join, link, says, table, text,
};
use super::told::{led, told};

/// For how many days figures are told unless asked otherwise.
const RECENT: u64 = 90;

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct QuestPath {
    quest_id: QuestId,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct BankPath {
    bank_slug: String,
}

/// Of which days.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Span {
    from: String,
    until: String,
    #[serde(skip_serializing)]
    cursor: Option<String>,
}

impl Span {
    fn within(&self, now: DateTime<Utc>) -> Result<(NaiveDate, NaiveDate), Problem> {
        let until = day("until", &self.until)?.unwrap_or_else(|| now.date_naive());
        let recent = until.checked_sub_days(Days::new(RECENT)).unwrap_or(until);
        let from = day("from", &self.from)?.unwrap_or(recent);
        if from > until {
            return Err(Problem::field("from", "must not be later than `until`"));
        }
        Ok((from, until))
    }

    fn address(&self) -> String {
        in_address(&[("from", &self.from), ("until", &self.until)])
    }

    fn search(&self, path: &str) -> Html {
        let values = Form::of(self);
        let fields = [
            field(&values.day("from", "From").help("In UTC; 90 days unless told.")),
            field(&values.day("until", "To").help("Today unless told.")),
        ];
        folded("Other days", &asking(path, fields, "Look"))
    }
}

/// A word of the API as people read it.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    format::word(value.as_str().unwrap_or_default())
}

/// A share with its interval, or a dash.
fn share(estimate: &Estimate) -> Html {
    let percent = |value: f64| format!("{:.0} %", value * 100.0);
    figure(estimate, percent)
}

/// A figure with its interval, or a dash.
fn figure(estimate: &Estimate, shown: impl Fn(f64) -> String) -> Html {
    let Some(value) = estimate.value else { return text("–") };
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => text(format!("{} ({} to {})", shown(value), shown(low), shown(high))),
        _ => text(shown(value)),
    }
}

fn minutes(estimate: &Estimate) -> Html {
    figure(estimate, |value| format!("{value:.0} min"))
}

fn rating(value: Option<f64>) -> Html {
    value.map_or_else(|| text("–"), |value| text(format!("{value:.1}")))
}

fn days_table(shell: &Shell, days: &[QuestDayFigures]) -> Html {
    let rows = days.iter().map(|day| {
        vec![
            text(day.day),
            link(shell.at(&format!("/staff/figures/quests/{}", day.quest_id)), &day.title),
            text(format::number(day.total_attempts)),
            text(format::number(day.successful_completions)),
            text(format::number(day.abandonments)),
            share(&day.abandonment_rate),
            minutes(&day.median_completion_time_minutes),
            rating(day.difficulty_rating),
        ]
    });
    let heads = [
        "Day (UTC)",
        "Quest",
        "#Begun",
        "#Completed",
        "#Given up",
        "Given up, of all",
        "Median time",
        "How hard, 1 to 5",
    ];
    table("Days", &heads, rows.collect(), "There are no figures of these days.")
}

async fn days_page(app: &App, shell: Shell, span: Span, told: Form) -> Result<Sheet, Problem> {
    let within = span.within(shell.now)?;
    let wanted = PageQuery { limit: None, cursor: span.cursor.clone() };
    let page = ops::day_list(app.pool(), shell.guild_id, None, within, &wanted).await?;
    let (path, address) = (shell.at("/staff/figures"), span.address());
    let body = join([
        span.search(&path),
        link(shell.at(&format!("/staff/figures/days.csv?{address}")), "Take them as a table"),
        days_table(&shell, &page.items),
        ui::more(&path, &address, page.next.as_ref()),
    ]);
    let make = form(
        &shell,
        &shell.at("/staff/figures/days"),
        [field(&told.day("day", "Day").required().help("In UTC."))],
        [button("make", "Make its figures now", "")],
    );
    Ok(Sheet::new(shell, "Figures of learning")
        .of(told)
        .part("Day by day", body)
        .part("Figures of a day, made anew", join([says("They are made every night by themselves."), make])))
}

pub(super) async fn days(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Query(span): Query<Span>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(days_page(&app, visit.shell, span, Form::new()).await?))
}

pub(super) async fn day_make(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    typed: Typed,
) -> Result<Response, Problem> {
    let make = async {
        let day = day("day", typed.value("day").unwrap_or_default())?;
        let day = day.ok_or_else(|| Problem::field("day", "must be told"))?;
        let quests = ops::day_make(app.pool(), visit.guild_id(), day).await?;
        let said = format!("{day}: figures of {}.", format::count(quests, "quest", "quests"));
        Ok(led(visit.shell.at("/staff/figures"), said))
    };
    let outcome = make.await;
    told(&app, typed, outcome, |form| days_page(&app, visit.shell, Span::default(), form)).await
}

/// A file that is taken along.
fn file(name: &str, body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    (headers, body).into_response()
}

pub(super) async fn days_csv(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Query(span): Query<Span>,
) -> Result<Response, Problem> {
    let within = span.within(visit.shell.now)?;
    let rows = csv::days(app.pool().clone(), visit.guild_id(), None, within);
    Ok(file("learning-days.csv", Body::from_stream(rows)))
}

fn steps_table(shell: &Shell, quest: QuestId, steps: &[StepFigures]) -> Html {
    let rows = steps.iter().map(|step| {
        let regrade = shell.at(&format!("/staff/regrades/new?quest_id={quest}&step_id={}", step.step_id));
        let optional = if step.optional { " (may be skipped)" } else { "" };
        vec![
            text(format!("{}. {}{optional}", step.place, step.title)),
            text(format::number(step.reached)),
            share(&step.done),
            share(&step.left),
            share(&step.survival),
            rating(step.difficulty),
            if step.tries > 0 { link(regrade, "Grade it again") } else { Html::default() },
        ]
    });
    let heads = ["Step", "#Reached", "Done", "Given up here", "Would still be there", "How hard", ""];
    table("Steps", &heads, rows.collect(), "There is no step.")
}

fn version_shown(shell: &Shell, quest: QuestId, version: &VersionFigures) -> Html {
    let known = super::sheet::facts([
        ("Published", format::time(&version.published_at)),
        ("First runs", text(format::number(version.attempts))),
        ("Completed", share(&version.completion)),
        ("Given up", text(format::number(version.abandoned))),
        ("Left lying", text(format::number(version.idle))),
        ("Under way", text(format::number(version.under_way))),
        ("Median time", minutes(&version.median_minutes)),
        ("Begun anew", text(format::number(version.restarts))),
    ]);
    join([known, steps_table(shell, quest, &version.steps)])
}

fn items_table(items: &[ItemFigures]) -> Html {
    let rows = items.iter().map(|item| {
        let answers = item.answers.iter().map(|answer| {
            vec![
                code(&answer.answer),
                if answer.is_right { ui::seal("done", "Right") } else { ui::seal("", "Wrong") },
                share(&answer.chosen),
                answer.mean_rest.map_or_else(|| text("–"), |rest| text(format!("{:.0} %", rest * 100.0))),
            ]
        });
        let label = format!("Answers to {} ({})", item.item, item.hash.chars().take(8).collect::<String>());
        let heads = ["Answer", "State", "Chosen", "Reached in the rest"];
        let answers = table(&label, &heads, answers.collect(), "No answer was given twice.");
        vec![
            join([code(&item.item), text(item.subject.as_deref().unwrap_or_default())]),
            share(&item.facility),
            figure(&item.discrimination, |value| format!("{value:.2}")),
            text(format::number(item.omitted)),
            text(word(&item.verdict)),
            folded(&label, &answers),
        ]
    });
    let heads = ["Question", "Share of points", "Tells apart", "#Left out", "What it says", "Answers"];
    table("Questions", &heads, rows.collect(), "No question was answered yet.")
}

pub(super) async fn quest(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Path(path): Path<QuestPath>,
    Query(span): Query<Span>,
) -> Result<Page<Sheet>, Problem> {
    let (pool, guild, id, shell) = (app.pool(), visit.guild_id(), path.quest_id, visit.shell);
    let within = span.within(shell.now)?;
    let wanted = PageQuery { limit: None, cursor: span.cursor.clone() };
    let (figures, items, days) = try_join!(
        ops::quest_figures(pool, guild, id).err_into::<Problem>(),
        ops::item_list(pool, guild, id).err_into::<Problem>(),
        ops::day_list(pool, guild, Some(id), within, &wanted).err_into::<Problem>()
    )?;
    let own = shell.at(&format!("/staff/figures/quests/{id}"));
    let ways = actions([
        link(shell.at(&format!("/learn/quests/{id}")), "As learners see it"),
        link(format!("{own}/items.csv"), "Figures of its questions as a table"),
    ]);
    let change = figures.change.as_ref().map(|change| {
        says(format!(
            "Version {} beside version {}: {}.",
            change.to,
            change.from,
            word(&change.verdict).to_lowercase()
        ))
    });
    let mut sheet = Sheet::new(shell, &figures.title)
        .below("/staff/figures", "Figures of learning")
        .lead(join([ways, change.unwrap_or_default()]));
    if figures.versions.is_empty() {
        sheet = sheet.part("Versions", says("Nobody began it yet."));
    }
    for version in &figures.versions {
        let shown = version_shown(&sheet.shell, id, version);
        sheet = sheet.part(format!("Version {}", version.version), shown);
    }
    let questions = items_table(&items);
    let days = join([
        span.search(&own),
        days_table(&sheet.shell, &days.items),
        ui::more(&own, span.address(), days.next.as_ref()),
    ]);
    Ok(Page(sheet.part("Questions", questions).part("Day by day", days)))
}

pub(super) async fn items_csv(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Path(path): Path<QuestPath>,
) -> Result<Response, Problem> {
    let rows = ops::item_list(app.pool(), visit.guild_id(), path.quest_id).await?;
    Ok(file(&format!("questions-{}.csv", path.quest_id), Body::from(csv::items(&rows))))
}

pub(super) async fn bank(
    State(app): State<App>,
    visit: Visit<LearningGrade>,
    Path(path): Path<BankPath>,
) -> Result<Page<Sheet>, Problem> {
    let items = ops::bank_item_list(app.pool(), visit.guild_id(), &path.bank_slug).await?;
    Ok(Page(
        Sheet::new(visit.shell, format!("Figures of {}", path.bank_slug))
            .below("/staff/figures", "Figures of learning")
            .part("Questions, over all quizzes that draw them", items_table(&items)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_or_refused_by_name() {
        let now = "2026-12-01T10:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(Span::default().within(now).unwrap(), (day("2026-09-02"), day("2026-12-01")));
        for (from, until, field) in
            [("x", "", "from"), ("", "2026-13-01", "until"), ("2026-12-02", "2026-12-01", "from")]
        {
            let span = Span { from: from.to_owned(), until: until.to_owned(), cursor: None };
            assert_eq!(span.within(now).unwrap_err().errors()[0].field, field, "{from} {until}");
        }
    }

    #[test]
    fn a_figure_says_what_it_rests_upon() {
        let none = Estimate::none(0, insight::rules::estimate::IntervalMethod::Wilson);
        assert_eq!(share(&none).as_str(), "–");
        let some = Estimate { value: Some(0.5), low: Some(0.25), high: Some(0.75), ..none };
        assert_eq!(share(&some).as_str(), "50 % (25 % to 75 %)");
    }
}
