//! What automod hit, how often warnings escalate, and figures of moderation.

use access::scope::Scope as _;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use frame::decode::Typed;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem, UserId};
use moderation::model::{
    Escalation, EscalationAction, EscalationId, HitRow, HitStatistics, NewEscalation, RuleId, Statistics,
};
use moderation::ops;
use moderation::scopes::{ModerationRead, ModerationRules};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::lake::{filled, in_address, instant};
use super::names::Names;
use super::sheet::{
    Sheet, asking, button, code, field, folded, form, join, lines, link, says, table, tabs, text,
};
use super::told::{led, told};

/// For how many days figures are told unless asked otherwise.
const DAYS: i64 = 30;

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct EscalationPath {
    escalation_id: EscalationId,
}

/// Which hits.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Filter {
    rule_id: String,
    user_id: String,
    #[serde(skip_serializing)]
    cursor: Option<String>,
}

fn row(shell: &Shell, names: &Names, hit: &HitRow) -> Vec<Html> {
    let case =
        hit.case_number.map(|number| link(shell.at(&format!("/staff/cases/{number}")), format!("#{number}")));
    let details = serde_json::to_string_pretty(&hit.details).unwrap_or_default();
    let label = format!("Why, of {}", hit.source_id);
    vec![
        link(shell.at(&format!("/staff/automod/{}", hit.rule_id)), &hit.rule),
        names.member(shell, &hit.user_id),
        hit.channel_id.map(code).unwrap_or_default(),
        text(format::word(hit.action.as_str())),
        if hit.dry_run { ui::seal("soon", "Only recorded") } else { ui::seal("bad", "Acted") },
        case.unwrap_or_default(),
        format::time(&hit.created_at),
        folded(&label, &lines(&label, &details)),
    ]
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<ModerationRead>,
    Query(filter): Query<Filter>,
) -> Result<Page<Sheet>, Problem> {
    let rule = filled::<RuleId>("rule_id", &filter.rule_id, "must be a rule's id")?;
    let user = filled::<UserId>("user_id", &filter.user_id, "must be a member's id")?;
    let wanted = PageQuery { limit: None, cursor: filter.cursor.clone() };
    let page = ops::hit_list(app.pool(), visit.guild_id(), rule, user, &wanted).await?;
    let shell = visit.shell;
    let names = Names::of(&app, shell.guild_id, page.items.iter().map(|hit| hit.user_id)).await?;
    let rows = page.items.iter().map(|hit| row(&shell, &names, hit)).collect();
    let (values, path) = (Form::of(&filter), shell.at("/staff/hits"));
    let search = asking(
        &path,
        [
            field(&values.line("user_id", "Whom").exact().help("A Discord id.")),
            field(&values.line("rule_id", "Rule").exact().help("Its id.")),
        ],
        "Look",
    );
    let address = in_address(&[("rule_id", &filter.rule_id), ("user_id", &filter.user_id)]);
    let heads = ["Rule", "Whom", "Where", "Did", "State", "Case", "When", "Why"];
    let body = join([
        folded("Look for something", &search),
        table("Hits", &heads, rows, "Nothing was hit."),
        ui::more(&path, address, page.next.as_ref()),
    ]);
    Ok(Page(Sheet::new(shell, "What automod hit").part("The latest first", body)))
}

/// Of which time.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Span {
    since: String,
    until: String,
    by_rule: bool,
}

impl Span {
    fn span(&self, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>), Problem> {
        let until = instant("until", &self.until)?.unwrap_or(now);
        let since = instant("since", &self.since)?.unwrap_or(until - TimeDelta::days(DAYS));
        Ok((since, until))
    }
}

fn overturned(overturned: i64, cases: i64) -> Html {
    if overturned == 0 {
        text("–")
    } else {
        text(format!("{} of {}", format::number(overturned), format::number(cases)))
    }
}

fn cases_shown(shell: &Shell, statistics: &[Statistics]) -> Html {
    let rows = statistics.iter().map(|row| {
        let who = match (&row.rule_id, &row.moderator_id) {
            (Some(rule), _) => link(shell.at(&format!("/staff/automod/{rule}")), &row.name),
            (None, Some(user)) => ui::member(shell, user, &row.name),
            (None, None) => text(&row.name),
        };
        vec![
            who,
            text(format::word(row.action.as_str())),
            text(format::number(row.cases)),
            overturned(row.overturned, row.cases),
        ]
    });
    table("Cases", &["By", "What", "#Cases", "Overturned"], rows.collect(), "No case was made.")
}

fn hits_shown(shell: &Shell, statistics: &[HitStatistics]) -> Html {
    let rows = statistics.iter().map(|row| {
        vec![
            link(shell.at(&format!("/staff/hits?rule_id={}", row.rule_id)), &row.rule),
            if row.dry_run { ui::seal("soon", "Only recorded") } else { ui::seal("bad", "Acted") },
            text(format::number(row.hits)),
            text(format::number(row.members)),
            text(format::number(row.cases)),
            overturned(row.overturned, row.cases),
        ]
    });
    let heads = ["Rule", "State", "#Hits", "#Members", "#Cases", "Overturned"];
    table("Hits", &heads, rows.collect(), "Nothing was hit.")
}

pub(super) async fn statistics(
    State(app): State<App>,
    visit: Visit<ModerationRead>,
    Query(span): Query<Span>,
) -> Result<Page<Sheet>, Problem> {
    let (pool, guild, shell) = (app.pool(), visit.guild_id(), visit.shell);
    let (since, until) = span.span(shell.now)?;
    let (cases, hits) = try_join!(
        ops::statistics(pool, guild, since, until, span.by_rule).err_into::<Problem>(),
        ops::hit_statistics(pool, guild, since, until).err_into::<Problem>()
    )?;
    let (values, path) = (Form::of(&span), shell.at("/staff/statistics"));
    let search = asking(
        &path,
        [
            field(&values.time("since", "Since").help("In UTC; 30 days before unless told.")),
            field(&values.time("until", "Until").help("In UTC; now unless told.")),
            field(&values.pick("by_rule", "true", "Cases by rule, not by moderator")),
        ],
        "Look",
    );
    let address = in_address(&[("since", &span.since), ("until", &span.until)]);
    let by_rule = format!("{path}?by_rule=true{}{address}", if address.is_empty() { "" } else { "&" });
    let by_moderator = if address.is_empty() { path.clone() } else { format!("{path}?{address}") };
    let here = if span.by_rule { &by_rule } else { &by_moderator };
    let ways = [(by_moderator.clone(), "By moderator"), (by_rule.clone(), "By rule")];
    let cases = join([tabs("Cases", here, &ways), cases_shown(&shell, &cases)]);
    let hits = hits_shown(&shell, &hits);
    let lead = join([text("From "), format::time(&since), text(" to "), format::time(&until)]);
    Ok(Page(
        Sheet::new(shell, "Figures of moderation")
            .lead(lead)
            .part("Another time", search)
            .part("Cases", cases)
            .part("Hits of automod", hits),
    ))
}

fn rung(escalation: &Escalation) -> String {
    let warnings = format::count(escalation.warnings, "warning", "warnings");
    let days = format::count(escalation.within_days, "day", "days");
    format!("{warnings} in {days}")
}

fn controls(values: &Form) -> Vec<Html> {
    let acts = EscalationAction::ALL.map(|action| {
        let called = match action {
            EscalationAction::Timeout => "A time-out",
            EscalationAction::Kick => "A kick",
            EscalationAction::Ban => "A ban",
            EscalationAction::Alert => "Those who moderate are told",
        };
        (action.as_str().to_owned(), called.to_owned())
    });
    vec![
        field(&values.number("warnings:int", "So many warnings").between(1, 100).required()),
        field(&values.number("within_days:int", "Within so many days").between(1, 3_650).required()),
        field(&values.choice("action", "Bring", &acts)),
        field(
            &values
                .number("duration_seconds:int", "For how long, in seconds")
                .help("A time-out needs it; a ban is for good unless told."),
        ),
        field(&values.line("reason", "Reason that the member is told").max_length(500)),
        field(&values.check("is_active:bool", "It counts")),
    ]
}

async fn escalations_page(app: &App, shell: Shell, told: Form) -> Result<Sheet, Problem> {
    let values = told.over(&json!({ "warnings": 3, "within_days": 30, "is_active": true }));
    let all = ops::rules::escalation_list(app.pool(), shell.guild_id).await?;
    let rows =
        all.iter().map(|one| {
            vec![
                link(shell.at(&format!("/staff/escalations/{}", one.id)), rung(one)),
                text(format::word(one.action.as_str())),
                text(one.duration_seconds.map_or_else(
                    || "–".to_owned(),
                    |seconds| format::duration_ms(i64::from(seconds) * 1_000),
                )),
                if one.is_active { ui::seal("on", "Counts") } else { ui::seal("", "Off") },
            ]
        });
    let list = table(
        "Rungs",
        &["Warnings", "Bring", "For", "State"],
        rows.collect(),
        "Warnings bring nothing by themselves.",
    );
    let may = shell.may(ModerationRules::NAME);
    let path = shell.at("/staff/escalations");
    let new = form(&shell, &path, controls(&values), [button("make", "Make it", "primary")]);
    Ok(Sheet::new(shell, "What warnings lead to").of(values).part("Rungs", list).part_if(
        may,
        "New rung",
        |_| new,
    ))
}

pub(super) async fn escalations(
    State(app): State<App>,
    visit: Visit<ModerationRead>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(escalations_page(&app, visit.shell, Form::new()).await?))
}

pub(super) async fn escalation_create(
    State(app): State<App>,
    visit: Visit<ModerationRules>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: NewEscalation = typed.read()?;
        let made =
            ops::rules::escalation_write(app.pool(), visit.guild_id(), None, new, visit.guild.author())
                .await?;
        Ok(led(visit.shell.at("/staff/escalations"), format!("{}: it counts from now on.", rung(&made))))
    };
    let outcome = create.await;
    told(&app, typed, outcome, |form| escalations_page(&app, visit.shell, form)).await
}

async fn escalation_page(app: &App, shell: Shell, id: EscalationId, told: Form) -> Result<Sheet, Problem> {
    let all = ops::rules::escalation_list(app.pool(), shell.guild_id).await?;
    let one = all.into_iter().find(|one| one.id == id).ok_or_else(|| Problem::not_found("rung"))?;
    let (values, path) = (told.over(&one), shell.at(&format!("/staff/escalations/{id}")));
    let may = shell.may(ModerationRules::NAME);
    let body = if may {
        form(&shell, &path, controls(&values), [button("keep", "Keep", "primary")])
    } else {
        join(controls(&values))
    };
    let delete = join([
        says("So many warnings bring nothing any more. The cases that it made stay. It can be made anew."),
        shell.button(&format!("{path}/delete"), "Delete it", "grave"),
    ]);
    Ok(Sheet::new(shell, rung(&one))
        .below("/staff/escalations", "What warnings lead to")
        .of(values)
        .part("Rung", body)
        .part_if(may, "Delete it", |_| delete))
}

pub(super) async fn escalation(
    State(app): State<App>,
    visit: Visit<ModerationRead>,
    Path(path): Path<EscalationPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(escalation_page(&app, visit.shell, path.escalation_id, Form::new()).await?))
}

pub(super) async fn escalation_replace(
    State(app): State<App>,
    visit: Visit<ModerationRules>,
    Path(path): Path<EscalationPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.escalation_id;
    let replace = async {
        let new: NewEscalation = typed.read()?;
        ops::rules::escalation_write(app.pool(), visit.guild_id(), Some(id), new, visit.guild.author())
            .await?;
        Ok(led(visit.shell.at("/staff/escalations"), "It is kept."))
    };
    let outcome = replace.await;
    told(&app, typed, outcome, |form| escalation_page(&app, visit.shell, id, form)).await
}

pub(super) async fn escalation_delete(
    State(app): State<App>,
    visit: Visit<ModerationRules>,
    Path(path): Path<EscalationPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id, author) = (visit.guild_id(), path.escalation_id, visit.guild.author());
    let gone = ops::rules::escalation_delete(app.pool(), guild, id, author).await;
    let to = visit.shell.at("/staff/escalations");
    let outcome = gone.map(|()| led(to, "It is gone.")).map_err(Problem::from);
    told(&app, typed, outcome, |form| escalation_page(&app, visit.shell, id, form)).await
}
