//! Banks of questions that quizzes draw from.

use access::scope::LearningWrite;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use frame::decode::Typed;
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use kernel::Problem;
use learning::model::bank::{BankDocument, NamedBank};
use learning::ops::{self, Author};
use serde::Deserialize;
use serde_json::json;

use super::Cursor;
use super::campaign_form::pasted;
use super::sheet::{Sheet, aside, button, code, field, form, join, link, says, table, text, unseen, way};
use super::told::{led, told};

/// What a bank looks like, for who writes their first.
const BANK: &str = r#"{
  "title": "Status codes",
  "questions": [
    { "slug": "not-found", "type": "number", "text": "Which status says that there is no such thing?", "number": "404" }
  ]
}"#;

#[derive(Debug, Clone, Deserialize)]
pub(super) struct BankPath {
    bank_slug: String,
}

fn author(visit: &Visit<LearningWrite>) -> Author<'_> {
    Author { by: visit.guild.by(), origin: &visit.guild.origin }
}

fn at(shell: &Shell, slug: &str, rest: &str) -> String {
    shell.at(&format!("/staff/banks/{slug}{rest}"))
}

fn document(values: &Form) -> Html {
    field(
        &values
            .text("bank", "The bank", 24)
            .exact()
            .required()
            .help("JSON, as the API has it: questions as in a quiz."),
    )
}

async fn list_page(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let values = told.over(&json!({ "bank": BANK }));
    let page = ops::bank_list(app.pool(), shell.guild_id, &cursor.page()).await?;
    let rows = page.items.iter().map(|bank| {
        vec![
            link(at(&shell, &bank.slug, ""), &bank.title),
            code(&bank.slug),
            text(format::number(bank.questions)),
            if bank.retired_at.is_some() { ui::seal("bad", "Retired") } else { ui::seal("on", "Drawn from") },
            link(at(&shell, &bank.slug, "/figures"), "Figures"),
        ]
    });
    let list = join([
        table(
            "Banks",
            &["Bank", "Short name", "#Questions", "State", ""],
            rows.collect(),
            "There is none yet.",
        ),
        ui::more(shell.at("/staff/banks"), "", page.next.as_ref()),
    ]);
    let new = form(
        &shell,
        &shell.at("/staff/banks"),
        [
            field(
                &values
                    .line("slug", "Short name")
                    .exact()
                    .required()
                    .help("Small letters, digits, dots and dashes."),
            ),
            document(&values),
        ],
        [button("make", "Make it", "primary")],
    );
    Ok(Sheet::new(shell, "Question banks").of(values).part("Banks", list).part("New bank", new))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(list_page(&app, visit.shell, cursor, Form::new()).await?))
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let bank: BankDocument = pasted(&typed, "bank")?;
        let new = NamedBank { slug: typed.value("slug").unwrap_or_default().to_owned(), bank };
        let made = ops::bank_create(app.pool(), visit.guild_id(), &new, author(&visit)).await?;
        Ok(led(at(&visit.shell, &made.slug, ""), "It is there: quizzes can draw from it."))
    };
    let outcome = create.await;
    told(&app, typed, outcome, |form| list_page(&app, visit.shell, Cursor::default(), form)).await
}

async fn page(app: &App, shell: Shell, slug: &str, told: Form) -> Result<Sheet, Problem> {
    let source = ops::bank_source(app.pool(), shell.guild_id, slug).await?;
    let text_of = serde_json::to_string_pretty(&source.bank).map_err(|error| Problem::internal(&error))?;
    let values = told.over(&json!({ "bank": text_of }));
    let change = join([
        form(
            &shell,
            &at(&shell, slug, ""),
            [unseen("revision", source.revision), document(&values)],
            [button("keep", "Keep", "primary")],
        ),
        aside(
            "A quest that draws from it asks the questions of the day it was published, until it is published again.",
        ),
    ]);
    let rows = source.quests.iter().map(|quest| {
        vec![
            link(shell.at(&format!("/staff/learning/quests/{}", quest.quest_id)), &quest.slug),
            if quest.behind {
                ui::seal("warn", "Asks older questions")
            } else {
                ui::seal("on", "Asks these")
            },
        ]
    });
    let quests = table("Quests", &["Quest", "State"], rows.collect(), "No quest draws from it.");
    let mut lead = vec![link(at(&shell, slug, "/figures"), "Figures of its questions")];
    if source.retired_at.is_some() {
        lead.insert(0, ui::seal("bad", "Retired"));
    } else {
        lead.push(way(at(&shell, slug, "/retire"), "Retire it", "grave"));
    }
    Ok(Sheet::new(shell, source.bank.title.clone())
        .below("/staff/banks", "Question banks")
        .lead(join(lead))
        .of(values)
        .part("Questions", change)
        .part("Who draws from it", quests))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<BankPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(page(&app, visit.shell, &path.bank_slug, Form::new()).await?))
}

pub(super) async fn put(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<BankPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let slug = path.bank_slug.as_str();
    let put = async {
        let bank: BankDocument = pasted(&typed, "bank")?;
        let seen = typed.value("revision").and_then(|revision| revision.parse().ok());
        ops::bank_put(app.pool(), visit.guild_id(), slug, seen, &bank, author(&visit)).await?;
        Ok(led(at(&visit.shell, slug, ""), "It is kept."))
    };
    let outcome = put.await;
    told(&app, typed, outcome, |form| page(&app, visit.shell, slug, form)).await
}

async fn retirement(app: &App, shell: Shell, slug: &str, told: Form) -> Result<Sheet, Problem> {
    let source = ops::bank_source(app.pool(), shell.guild_id, slug).await?;
    let body = join([
        says(
            "No quest can be published any more that draws from it. Those that are go on with the questions that they have.",
        ),
        form(
            &shell,
            &at(&shell, slug, "/retire"),
            [],
            [button("yes", "Retire it", "grave"), link(at(&shell, slug, ""), "Keep it")],
        ),
    ]);
    Ok(Sheet::new(shell, format!("Retire {}?", source.bank.title))
        .below("/staff/banks", "Question banks")
        .of(told)
        .part("What will happen", body))
}

pub(super) async fn ask_retire(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<BankPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(retirement(&app, visit.shell, &path.bank_slug, Form::new()).await?))
}

pub(super) async fn retire(
    State(app): State<App>,
    visit: Visit<LearningWrite>,
    Path(path): Path<BankPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let slug = path.bank_slug.as_str();
    let retired = ops::bank_retire(app.pool(), visit.guild_id(), slug, author(&visit)).await;
    let to = at(&visit.shell, slug, "");
    let outcome = retired.map(|_| led(to, "It is retired.")).map_err(Problem::from);
    told(&app, typed, outcome, |form| retirement(&app, visit.shell, slug, form)).await
}
