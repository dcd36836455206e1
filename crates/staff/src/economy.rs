//! The currency: its rules, its days, and its ledger as a table.

use ::economy::export::{self, Filter};
use ::economy::model::{Config, ConfigEdit, Kind};
use ::economy::ops;
use ::economy::reports::{self, Report};
use access::scope::EconomyWrite;
use access::{App, Path, Query};
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use chrono::NaiveDate;
use frame::days::day;
use frame::decode::{Typed, read_value};
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use kernel::{Problem, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Cursor;
use super::lake::{filled, instant};
use super::sheet::{Sheet, aside, asking, button, facts, field, form, join, link, says, table, text};
use super::told::{led, told};

#[derive(Debug, Clone, Deserialize)]
pub(super) struct DayPath {
    day: String,
}

fn day_of(text: &str) -> Result<NaiveDate, Problem> {
    day("day", text)?.ok_or_else(|| Problem::field("day", "must be told"))
}

/// Rules as a form shows them: what goes with a role or a streak is written a line each, `8: 2`.
fn stored(config: &Config) -> Value {
    fn lines<K: std::fmt::Display, V: std::fmt::Display>(pairs: impl IntoIterator<Item = (K, V)>) -> String {
        pairs.into_iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join("\n")
    }
    let mut stored = serde_json::to_value(config).unwrap_or_default();
    stored["role_rewards"] = lines(&config.role_rewards).into();
    stored["streak_bonuses"] = lines(&config.streak_bonuses).into();
    stored
}

/// What goes with what, of lines such as `8: 2`.
fn pairs(name: &'static str, text: &str) -> Result<Value, Problem> {
    let mut pairs = Map::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let wrong = || Problem::field(name, format!("must be lines such as `8: 2`, not `{line}`"));
        let (key, value) = line.split_once(':').ok_or_else(wrong)?;
        let value: i64 = value.trim().parse().map_err(|_| wrong())?;
        if pairs.insert(key.trim().to_owned(), value.into()).is_some() {
            return Err(Problem::field(name, format!("has {} twice", key.trim())));
        }
    }
    Ok(Value::Object(pairs))
}

fn edit_of(typed: &Typed) -> Result<ConfigEdit, Problem> {
    let mut body = typed.json()?;
    for name in ["role_rewards", "streak_bonuses"] {
        body[name] = pairs(name, typed.value(name).unwrap_or_default())?;
    }
    read_value(&body)
}

async fn config_page(app: &App, shell: Shell, told: Form) -> Result<Sheet, Problem> {
    let config = ops::config_get(app.pool(), shell.guild_id).await?;
    let values = told.over(&stored(&config));
    let rules = form(
        &shell,
        &shell.at("/staff/economy"),
        [
            field(&values.check("is_enabled:bool", "The currency is in use")),
            field(&values.number("starting_balance:int", "Who begins has").between(0, 1_000_000).required()),
            field(&values.number("daily_amount:int", "A day brings").between(0, 1_000_000).required()),
            field(&values.check("daily_by_message:bool", "The first message of a day claims it")),
            field(
                &values
                    .number("max_transfer:int", "At most so much is paid at once")
                    .between(1, 1_000_000_000)
                    .required(),
            ),
            field(
                &values
                    .number("cooldown_hours:int", "Hours until a day's claim is due again")
                    .between(0, 8_760)
                    .required(),
            ),
            field(
                &values
                    .text("streak_bonuses", "Streaks that multiply it", 5)
                    .exact()
                    .help("A line each: days in a row, and the factor, such as 8: 2."),
            ),
            field(
                &values
                    .text("role_rewards", "Roles that bring more", 5)
                    .exact()
                    .help("A line each: the role's id, and how much more a day."),
            ),
        ],
        [button("keep", "Keep", "primary")],
    );
    let ways = join([
        link(shell.at("/staff/economy/reports"), "Day by day"),
        link(shell.at("/staff/economy/ledger"), "The ledger as a table"),
    ]);
    Ok(Sheet::new(shell, "The currency").lead(ways).of(values).part(
        "Rules",
        join([
            rules,
            aside("In force at once, for what happens from then on. The audit log has every change."),
        ]),
    ))
}

pub(super) async fn config(
    State(app): State<App>,
    visit: Visit<EconomyWrite>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(config_page(&app, visit.shell, Form::new()).await?))
}

pub(super) async fn config_put(
    State(app): State<App>,
    visit: Visit<EconomyWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let put = async {
        let edit = edit_of(&typed)?;
        let (by, origin) = (visit.guild.by(), &visit.guild.origin);
        ops::config_put(app.pool(), visit.guild_id(), &edit, by, origin).await?;
        Ok(led(visit.shell.at("/staff/economy"), "It is kept."))
    };
    let outcome = put.await;
    told(&app, typed, outcome, |form| config_page(&app, visit.shell, form)).await
}

async fn reports_page(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let page = reports::report_list(app.pool(), shell.guild_id, &cursor.page()).await?;
    let rows = page.items.iter().map(|report| {
        vec![
            link(shell.at(&format!("/staff/economy/reports/{}", report.day)), report.day),
            text(format::number(report.transaction_count)),
            text(format::number(report.issued)),
            text(format::number(report.returned)),
            text(format::number(report.transferred)),
            text(format::number(report.in_circulation)),
            text(format!("{:.2}", report.gini)),
        ]
    });
    let heads = ["Day (UTC)", "#Transactions", "#Issued", "#Taken back", "#Paid", "#In circulation", "#Gini"];
    let list = join([
        table("Reports", &heads, rows.collect(), "There is none yet: they are made every night."),
        ui::more(shell.at("/staff/economy/reports"), "", page.next.as_ref()),
    ]);
    let make = form(
        &shell,
        &shell.at("/staff/economy/reports"),
        [field(&told.day("day", "Day").required().help("In UTC."))],
        [button("make", "Make its report now", "")],
    );
    Ok(Sheet::new(shell, "The currency, day by day")
        .below("/staff/economy", "The currency")
        .of(told)
        .part("Reports", list)
        .part("A day's report, made anew", make))
}

pub(super) async fn report_list(
    State(app): State<App>,
    visit: Visit<EconomyWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(reports_page(&app, visit.shell, cursor, Form::new()).await?))
}

pub(super) async fn report_make(
    State(app): State<App>,
    visit: Visit<EconomyWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let make = async {
        let day = day_of(typed.value("day").unwrap_or_default())?;
        reports::report_make(app.pool(), visit.guild_id(), day).await.map_err(|error| {
            let problem = Problem::from(error);
            let nothing = "must be a day on which the currency was in use";
            if problem.status() == 404 { Problem::field("day", nothing) } else { problem }
        })?;
        Ok(led(visit.shell.at(&format!("/staff/economy/reports/{day}")), "It is made."))
    };
    let outcome = make.await;
    told(&app, typed, outcome, |form| reports_page(&app, visit.shell, Cursor::default(), form)).await
}

fn report_shown(report: &Report) -> Html {
    let known = facts([
        ("Transactions", text(format::number(report.transaction_count))),
        ("Members who moved something", text(format::number(report.active_users))),
        ("Issued", text(format::number(report.issued))),
        ("Taken back", text(format::number(report.returned))),
        ("Paid to each other", text(format::number(report.transferred))),
        ("In circulation", text(format::number(report.in_circulation))),
        ("Who have some", text(format::number(report.holders))),
        ("Moved, of all there is", text(format!("{:.1} %", report.velocity * 100.0))),
        ("The ten richest have", text(format!("{:.1} %", report.top10_share * 100.0))),
        ("Gini", text(format!("{:.2}", report.gini))),
    ]);
    let rows = report
        .by_kind
        .iter()
        .map(|(kind, amount)| vec![text(format::word(kind)), text(format::number(*amount))]);
    join([known, table("By kind", &["Kind", "#Bytes"], rows.collect(), "Nothing was moved.")])
}

pub(super) async fn report(
    State(app): State<App>,
    visit: Visit<EconomyWrite>,
    Path(path): Path<DayPath>,
) -> Result<Page<Sheet>, Problem> {
    let report = reports::report_get(app.pool(), visit.guild_id(), day_of(&path.day)?).await?;
    Ok(Page(
        Sheet::new(visit.shell, format!("The currency on {}", report.day))
            .below("/staff/economy", "The currency")
            .below("/staff/economy/reports", "Day by day")
            .part("Figures", report_shown(&report)),
    ))
}

/// Which transactions.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Ledger {
    user_id: String,
    kind: String,
    from: String,
    until: String,
}

pub(super) async fn ledger(visit: Visit<EconomyWrite>, Query(wanted): Query<Ledger>) -> Page<Sheet> {
    let (shell, values) = (visit.shell, Form::of(&wanted));
    let kinds: Vec<(String, String)> = std::iter::once((String::new(), "All".to_owned()))
        .chain(Kind::ALL.iter().map(|kind| (kind.as_str().to_owned(), format::word(kind.as_str()))))
        .collect();
    let body = asking(
        shell.at("/staff/economy/transactions.csv"),
        [
            field(&values.line("user_id", "Of whom").exact().help("A Discord id; of everybody unless told.")),
            field(&values.choice("kind", "What", &kinds)),
            field(&values.time("from", "From").help("In UTC.")),
            field(&values.time("until", "Before").help("In UTC.")),
        ],
        "Take it as a table",
    );
    Page(
        Sheet::new(shell, "The ledger as a table")
            .below("/staff/economy", "The currency")
            .lead(says("Every transaction, a line each, as a file for a spreadsheet."))
            .part("Which transactions", body),
    )
}

pub(super) async fn export(
    State(app): State<App>,
    visit: Visit<EconomyWrite>,
    Query(wanted): Query<Ledger>,
) -> Result<Response, Problem> {
    let filter = Filter {
        user: filled::<UserId>("user_id", &wanted.user_id, "must be a member's id")?,
        kind: filled::<Kind>("kind", &wanted.kind, "must be a kind of transaction")?,
        from: instant("from", &wanted.from)?,
        until: instant("until", &wanted.until)?,
    };
    let guild = visit.guild_id();
    let rows = export::csv(app.pool().clone(), guild, filter);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"transactions-{guild}.csv\"")),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(rows)).into_response())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_goes_with_what_is_a_line_each() {
        assert_eq!(pairs("streak_bonuses", " 8: 2\r\n\n16 : 4 ").unwrap(), json!({ "8": 2, "16": 4 }));
        for wrong in ["8", "8: two", "8: 2\n8: 3"] {
            assert_eq!(
                pairs("role_rewards", wrong).unwrap_err().errors()[0].field,
                "role_rewards",
                "{wrong}"
            );
        }
        let stored = stored(&Config::default());
        assert_eq!(stored["streak_bonuses"], "8: 2\n16: 4\n32: 8\n64: 16");
        assert_eq!(stored["role_rewards"], "");
    }

    #[test]
    fn a_day_is_a_day() {
        assert!(day_of("2026-12-01").is_ok());
        for wrong in ["", "2026-13-01", "+123456-01-01"] {
            assert_eq!(day_of(wrong).unwrap_err().errors()[0].field, "day", "{wrong}");
        }
    }
}
