//! Rules of automod: a form for each kind of them, with a try beside it.

use access::{App, Author, Path, Query, Scope as _};
use axum::extract::State;
use axum::response::Response;
use frame::decode::{Typed, read_value};
use frame::flash::done;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use kernel::Problem;
use moderation::automod::{Act, NewRule, Rule, RuleType};
use moderation::model::RuleId;
use moderation::ops::rules as ops;
use moderation::ops::rules::{Replay, Replayed, Sample, Trial, Tried};
use moderation::scopes::{ModerationRead, ModerationRules};
use serde::Deserialize;
use serde_json::{Value, json};

use super::automod_kinds::{about, can_be_replayed, config_controls};
use super::sheet::{
    Sheet, actions, again, aside, button, code, facts, field, form, group, join, link, says, table, text,
    unseen, way,
};
use super::told::{led, told};

/// How many samples are tried at once.
const SAMPLES: usize = 50;

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct RulePath {
    rule_id: RuleId,
}

/// Which kind a new rule is of.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Kind {
    rule_type: Option<RuleType>,
}

fn state(rule: &NewRule) -> Html {
    match (rule.is_active, rule.dry_run) {
        (false, _) => ui::seal("", "Off"),
        (true, true) => ui::seal("soon", "Only recorded"),
        (true, false) => ui::seal("on", "Acts"),
    }
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<ModerationRead>,
) -> Result<Page<Sheet>, Problem> {
    let rules = ops::rule_list(app.pool(), visit.guild_id()).await?;
    let shell = visit.shell;
    let rows = rules.iter().map(|Rule { id, rule, .. }| {
        vec![
            link(shell.at(&format!("/staff/automod/{id}")), &rule.name),
            text(format::word(rule.rule_type.as_str())),
            text(format::word(rule.action.as_str())),
            text(if rule.delete_message { "Goes" } else { "Stays" }),
            state(rule),
            link(shell.at(&format!("/staff/hits?rule_id={id}")), "Hits"),
        ]
    });
    let rows = rows.collect();
    let mut ways = Vec::new();
    if shell.may(ModerationRules::NAME) {
        ways.push(way(shell.at("/staff/automod/new"), "New rule", "primary"));
    }
    ways.push(link(shell.at("/staff/automod/native"), "Discord's own AutoMod"));
    let heads = ["Rule", "Looks for", "Does", "The message", "State", ""];
    let body = join([actions(ways), table("Rules", &heads, rows, "There is none.")]);
    Ok(Page(Sheet::new(shell, "Automod").part("Rules, in the order in which they are tried", body)))
}

/// What a rule says of samples.
fn shown_trial(samples: &[String], tried: &[Tried]) -> Html {
    let rows = samples.iter().zip(tried).map(|(sample, said)| {
        let why = said.explanation.as_ref().map(|why| {
            let steps: Vec<String> = why.steps.iter().map(|step| format::word(step.as_str())).collect();
            let figures = Value::Object(why.figures.clone());
            join([
                text(format!("Seen in {}.", why.surface.as_str())),
                text(if steps.is_empty() { String::new() } else { format!("After: {}.", steps.join(", ")) }),
                code(figures),
            ])
        });
        vec![
            text(sample),
            if said.matched { ui::seal("bad", "Matches") } else { ui::seal("on", "Passes") },
            why.unwrap_or_default(),
        ]
    });
    table("Samples", &["Sample", "Verdict", "Why"], rows.collect(), "Nothing was tried: write a sample.")
}

fn shown_replay(replayed: &Replayed) -> Html {
    facts([
        ("Looked at", text(format::number(replayed.events))),
        ("It would have matched", text(format::number(replayed.hits))),
        ("Of so many members", text(format::number(replayed.members))),
    ])
}

/// All controls of a rule of a kind.
fn controls(values: &Form, kind: RuleType) -> Vec<Html> {
    let acts: Vec<(String, String)> = Act::ALL
        .iter()
        .filter(|act| !(kind.is_of_accounts() && **act == Act::Delete))
        .map(|act| {
            let called = match act {
                Act::Delete => "The message goes",
                Act::Warn => "A warning",
                Act::Timeout => "A time-out",
                Act::Kick => "A kick",
                Act::Ban => "A ban",
                Act::Alert => "Those who moderate are told",
            };
            (act.as_str().to_owned(), called.to_owned())
        })
        .collect();
    let does = group(
        "What it does",
        [
            field(&values.choice("action", "On a match", &acts)),
            field(
                &values
                    .number("duration_seconds:int", "For how long, in seconds")
                    .help("A time-out needs it, 28 days at most; a ban is for good unless told."),
            ),
            if kind.is_of_accounts() {
                unseen("delete_message:bool", "false")
            } else {
                field(&values.check("delete_message:bool", "The message goes too"))
            },
            field(
                &values
                    .line("reason", "Reason that the member is told")
                    .max_length(500)
                    .help("Made from the rule's name unless told."),
            ),
            field(
                &values
                    .line("alert_channel_id", "Channel that is told")
                    .exact()
                    .help("A Discord id; the usual one unless told."),
            ),
        ],
    );
    let spared = group(
        "Whom and where it spares",
        [
            field(&values.text("exempt_role_ids:lines", "Roles", 2).exact().help("Their ids, one a line.")),
            field(
                &values
                    .text("exempt_channel_ids:lines", "Channels", 2)
                    .exact()
                    .help("Their ids, one a line; with their threads, and all of a category."),
            ),
        ],
    );
    let when = group(
        "When it acts",
        [
            field(&values.check("is_active:bool", "It is on")),
            field(&values.check("dry_run:bool", "A match is only recorded")),
            field(&values.check("continue_matching:bool", "Rules after it are tried although it matched")),
            field(&values.number("priority:int", "Place in the order").help("Low numbers first.")),
        ],
    );
    let mut fields =
        vec![unseen("rule_type", kind), field(&values.line("name", "Name").required().max_length(100))];
    let looks_for = config_controls(values, kind);
    if !looks_for.is_empty() {
        fields.push(group("What it looks for", looks_for));
    }
    fields.extend([does, spared, when]);
    fields
}

/// What a rule is tried on, beside it.
fn trying(values: &Form, kind: RuleType) -> Html {
    let mut fields = vec![field(
        &values
            .text(
                "_samples",
                if kind.is_of_accounts() { "Names to try it on" } else { "Samples to try it on" },
                5,
            )
            .help("One a line. Nothing is done about them, and nothing is kept."),
    )];
    let mut buttons = vec![button("try", "Try it", "")];
    if can_be_replayed(kind) {
        fields.push(field(&values.time("since:time", "Replay what happened since").help("In UTC.")));
        fields.push(field(&values.time("until:time", "until").help("In UTC, at most 31 days later.")));
        buttons.push(button("replay", "Replay it", ""));
    }
    fields.push(actions(buttons));
    group("Try it", fields)
}

fn rule_page(
    shell: Shell,
    (id, kind): (Option<RuleId>, RuleType),
    values: Form,
    tried: Option<Html>,
) -> Sheet {
    let own = id.map_or_else(|| "/staff/automod/new".to_owned(), |id| format!("/staff/automod/{id}"));
    let may = shell.may(ModerationRules::NAME);
    let mut fields = controls(&values, kind);
    let body = if may {
        fields.push(trying(&values, kind));
        form(&shell, &shell.at(&own), fields, [button("keep", "Keep", "primary")])
    } else {
        join(fields)
    };
    let delete =
        id.map(|id| way(shell.at(&format!("/staff/automod/{id}/delete")), "Delete the rule", "grave"));
    let title = if id.is_some() { "Rule of automod" } else { "New rule of automod" };
    let mut sheet = Sheet::new(shell, format!("{title}: {}", format::word(kind.as_str())))
        .below("/staff/automod", "Automod")
        .lead(says(about(kind)))
        .of(values);
    if let Some(tried) = tried {
        sheet = sheet.part("What it says", tried);
    }
    sheet = sheet.part("Rule", body);
    match delete {
        Some(delete) if may => sheet.part("Delete it", delete),
        _ => sheet,
    }
}

/// Which kind is it to be?
fn kinds_page(shell: Shell) -> Sheet {
    let rows = |of_accounts: bool| -> Vec<Vec<Html>> {
        let kinds = RuleType::ALL.iter().filter(|kind| kind.is_of_accounts() == of_accounts);
        let row = |kind: &RuleType| {
            let path = shell.at(&format!("/staff/automod/new?rule_type={kind}"));
            vec![link(path, format::word(kind.as_str())), text(about(*kind))]
        };
        kinds.map(row).collect()
    };
    let heads = ["Kind", "What it looks for"];
    let written = table("About what is written", &heads, rows(false), "There is none.");
    let accounts = table("About who joins", &heads, rows(true), "There is none.");
    Sheet::new(shell, "New rule of automod")
        .below("/staff/automod", "Automod")
        .part("About what is written", written)
        .part("About who joins", accounts)
}

/// What a new rule of a kind begins with.
fn beginning(kind: RuleType) -> Value {
    let config = match kind {
        RuleType::MessageRate | RuleType::DuplicateMessages => json!({ "count": 5, "seconds": 10 }),
        RuleType::CrossChannelSpam => json!({ "count": 3, "seconds": 60 }),
        RuleType::Mentions => json!({ "count": 6, "everyone": true }),
        RuleType::Links => json!({ "redirectors": true }),
        RuleType::EmojiSpam => json!({ "count": 15 }),
        RuleType::CapsSpam => json!({ "percent": 80, "min_letters": 20 }),
        RuleType::SameContent => json!({ "accounts": 4, "seconds": 60, "min_length": 20 }),
        RuleType::YoungAccount => json!({ "hours": 24 }),
        RuleType::JoinRate => json!({ "count": 10, "seconds": 10 }),
        _ => json!({}),
    };
    json!({
        "config": config, "action": "alert", "delete_message": !kind.is_of_accounts(), "is_active": true, "dry_run": true, "priority": 0,
    })
}

pub(super) async fn new(visit: Visit<ModerationRules>, Query(wanted): Query<Kind>) -> Page<Sheet> {
    Page(match wanted.rule_type {
        None => kinds_page(visit.shell),
        Some(kind) => rule_page(visit.shell, (None, kind), Form::of(&beginning(kind)), None),
    })
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<ModerationRead>,
    Path(path): Path<RulePath>,
) -> Result<Page<Sheet>, Problem> {
    let rule = ops::rule_get(app.pool(), visit.guild_id(), path.rule_id).await?;
    let values = Form::of(&rule.rule);
    Ok(Page(rule_page(visit.shell, (Some(rule.id), rule.rule.rule_type), values, None)))
}

/// The rule as it was typed, without what it is replayed against.
fn typed_rule(typed: &Typed) -> Result<NewRule, Problem> {
    let mut body = typed.json()?;
    if let Some(body) = body.as_object_mut() {
        body.remove("since");
        body.remove("until");
    }
    read_value(&body)
}

/// What the rule that was typed says of its samples.
fn on_samples(typed: &Typed) -> Result<Html, Problem> {
    let lines = typed.value("_samples").unwrap_or_default().lines();
    let samples: Vec<String> =
        lines.filter(|line| !line.trim().is_empty()).take(SAMPLES).map(str::to_owned).collect();
    let sample =
        |text: &String| Sample { text: text.clone(), user_id: None, channel_id: None, after_seconds: 0 };
    let trial = Trial { rule: typed_rule(typed)?, samples: samples.iter().map(sample).collect() };
    Ok(shown_trial(&samples, &ops::rule_try(trial)?))
}

/// What the rule that was typed would have said of what happened.
async fn on_record(app: &App, visit: &Visit<ModerationRules>, typed: &Typed) -> Result<Html, Problem> {
    let body = typed.json()?;
    let instant = |name: &'static str| -> Result<_, Problem> {
        let text = body[name].as_str().ok_or_else(|| Problem::field(name, "must be filled in"))?;
        text.parse().map_err(|_| Problem::field(name, "must be a time"))
    };
    let replay = Replay { rule: typed_rule(typed)?, since: instant("since")?, until: instant("until")? };
    Ok(shown_replay(&ops::rule_replay(app.pool(), visit.guild_id(), replay).await?))
}

async fn kept(
    app: &App,
    visit: Visit<ModerationRules>,
    id: Option<RuleId>,
    typed: Typed,
) -> Result<Response, Problem> {
    let kind = typed.value("rule_type").unwrap_or_default().parse::<RuleType>();
    let kind = kind.map_err(|unknown| Problem::field("rule_type", unknown.to_string()))?;
    let keep = async {
        match typed.value("_do") {
            Some("try") => return on_samples(&typed).map(Some),
            Some("replay") => return on_record(app, &visit, &typed).await.map(Some),
            _ => {}
        }
        let (rule, author) = (typed_rule(&typed)?, visit.guild.author());
        match id {
            None => ops::rule_create(app.pool(), visit.guild_id(), rule, author).await?,
            Some(id) => ops::rule_replace(app.pool(), visit.guild_id(), id, rule, author).await?,
        };
        app.wake().outbox();
        Ok::<_, Problem>(None)
    };
    match keep.await {
        Ok(None) => Ok(done(app, &visit.shell.at("/staff/automod"), "The rule is kept.")),
        Ok(Some(tried)) => Ok(rule_page(visit.shell, (id, kind), Form::kept(typed), Some(tried)).shown()),
        Err(problem) => {
            let (form, problem) = again(typed, problem)?;
            Ok(rule_page(visit.shell, (id, kind), form, None).refused(&problem))
        }
    }
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<ModerationRules>,
    typed: Typed,
) -> Result<Response, Problem> {
    kept(&app, visit, None, typed).await
}

pub(super) async fn replace(
    State(app): State<App>,
    visit: Visit<ModerationRules>,
    Path(path): Path<RulePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    kept(&app, visit, Some(path.rule_id), typed).await
}

async fn deletion(app: &App, shell: Shell, id: RuleId, told: Form) -> Result<Sheet, Problem> {
    let rule = ops::rule_get(app.pool(), shell.guild_id, id).await?;
    let own = format!("/staff/automod/{id}");
    let body = join([
        says("It hits nothing any more. What it hit stays in the record, and its cases stay."),
        form(
            &shell,
            &shell.at(&format!("{own}/delete")),
            [],
            [button("yes", "Delete it", "grave"), link(shell.at(&own), "Keep it")],
        ),
        aside("To let it rest, switch it off instead."),
    ]);
    Ok(Sheet::new(shell, format!("Delete {}?", rule.rule.name))
        .below("/staff/automod", "Automod")
        .of(told)
        .part("What will happen", body))
}

pub(super) async fn ask_delete(
    State(app): State<App>,
    visit: Visit<ModerationRules>,
    Path(path): Path<RulePath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(deletion(&app, visit.shell, path.rule_id, Form::new()).await?))
}

pub(super) async fn delete(
    State(app): State<App>,
    visit: Visit<ModerationRules>,
    Path(path): Path<RulePath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id) = (visit.guild_id(), path.rule_id);
    let author = Author::new(visit.guild.by(), &visit.guild.origin);
    let gone = ops::rule_delete(app.pool(), guild, id, author).await;
    let to = visit.shell.at("/staff/automod");
    let outcome = gone.map(|()| led(to, "The rule is gone.")).map_err(Problem::from);
    told(&app, typed, outcome, |form| deletion(&app, visit.shell, id, form)).await
}
