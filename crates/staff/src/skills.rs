//! Skills: what there is to master, and what stands on what.

use access::scope::CommunityWrite;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use community::ids::SkillId;
use community::skills::model::{NewSkill, Skill, SkillEdit};
use community::skills::ops;
use frame::decode::{Typed, read_value};
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use futures::{TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Cursor;
use super::sheet::{Sheet, button, code, field, form, group, join, link, says, table, text};
use super::told::{led, told};

/// How many skills can be chosen from.
const CHOICES: i64 = 200;
/// How many more skills it can be made to build on at once.
const SPARE: usize = 2;

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct SkillPath {
    skill_id: SkillId,
}

fn at(shell: &Shell, id: SkillId, rest: &str) -> String {
    shell.at(&format!("/staff/skills/{id}{rest}"))
}

fn controls(values: &Form, others: &[Skill], builds_on: usize) -> Vec<Html> {
    let others: Vec<(String, String)> = std::iter::once((String::new(), "–".to_owned()))
        .chain(others.iter().map(|skill| (skill.id.to_string(), skill.name.clone())))
        .collect();
    let requires = (0..builds_on + SPARE).map(|n| {
        let path = |key: &str| format!("requires[{n}].{key}");
        let label = format!("Builds on, {}", n + 1);
        let level = format!("At level, {}", n + 1);
        join([
            field(&values.choice(&path("skill_id"), &label, &others)),
            field(&values.number(&path("min_level:int"), &level).between(1, 100)),
        ])
    });
    vec![
        field(&values.line("name", "Name").required().max_length(100)),
        field(&values.text("description:text", "What it is", 3).max_length(2_000)),
        field(&values.line("domain", "Field").max_length(50)),
        field(&values.number("points_per_level:int", "Points for a level").between(1, 1_000_000)),
        field(&values.number("max_level:int", "Highest level").between(1, 100)),
        group("What it builds on", requires),
    ]
}

/// The body of a form, without the rows that name no skill.
fn body_of(typed: &Typed) -> Result<Value, Problem> {
    let mut body = typed.json()?;
    super::without_empty_rows(&mut body, "requires", |row| row.contains_key("skill_id"));
    Ok(body)
}

async fn list_page(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let values = told.over(&json!({ "domain": "general", "points_per_level": 100, "max_level": 10 }));
    let (pool, guild, page) = (app.pool(), shell.guild_id, cursor.page());
    let many = PageQuery { limit: Some(CHOICES), cursor: None };
    let (page, choices) =
        try_join!(ops::skill_list(pool, guild, true, &page), ops::skill_list(pool, guild, false, &many))?;
    let rows = page.items.iter().map(|skill| {
        vec![
            link(at(&shell, skill.id, ""), &skill.name),
            code(&skill.slug),
            text(&skill.domain),
            text(format::number(skill.requires.len())),
            if skill.active { ui::seal("on", "In the tree") } else { ui::seal("", "Retired") },
        ]
    });
    let list = join([
        table(
            "Skills",
            &["Skill", "Short name", "Field", "#Builds on", "State"],
            rows.collect(),
            "There is none yet.",
        ),
        ui::more(shell.at("/staff/skills"), "", page.next.as_ref()),
    ]);
    let mut fields = vec![field(
        &values
            .line("slug", "Short name")
            .exact()
            .required()
            .help("Small letters, digits and dashes; quests name it so."),
    )];
    fields.extend(controls(&values, &choices.items, 0));
    let new = form(&shell, &shell.at("/staff/skills"), fields, [button("make", "Make it", "primary")]);
    Ok(Sheet::new(shell, "Skills").of(values).part("Skills", list).part("New skill", new))
}

pub(super) async fn list(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(list_page(&app, visit.shell, cursor, Form::new()).await?))
}

pub(super) async fn create(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    typed: Typed,
) -> Result<Response, Problem> {
    let create = async {
        let new: NewSkill = read_value(&body_of(&typed)?)?;
        let made = ops::skill_create(app.pool(), visit.guild_id(), new, visit.guild.author()).await?;
        Ok(led(visit.shell.at("/staff/skills"), format!("{} is in the tree.", made.name)))
    };
    let outcome = create.await;
    told(&app, typed, outcome, |form| list_page(&app, visit.shell, Cursor::default(), form)).await
}

async fn page(app: &App, shell: Shell, id: SkillId, told: Form) -> Result<Sheet, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let many = PageQuery { limit: Some(CHOICES), cursor: None };
    let (skill, all) = try_join!(
        ops::skill_get(pool, guild, id).err_into::<Problem>(),
        ops::skill_list(pool, guild, true, &many)
    )?;
    let others: Vec<Skill> = all.items.into_iter().filter(|other| other.id != id).collect();
    let values = told.over(&skill);
    let fields = controls(&values, &others, skill.requires.len());
    let change = form(&shell, &at(&shell, id, ""), fields, [button("keep", "Keep", "primary")]);
    let (heading, end) = if skill.active {
        let what = "It is no longer in the tree, and no quest gives points for it. Who has points keeps them. It can be brought back.";
        ("Retire it", join([says(what), shell.button(&at(&shell, id, "/retire"), "Retire it", "grave")]))
    } else {
        ("Bring it back", shell.button(&at(&shell, id, "/restore"), "Bring it back", "primary"))
    };
    let seal = if skill.active { ui::seal("on", "In the tree") } else { ui::seal("", "Retired") };
    Ok(Sheet::new(shell, skill.name)
        .below("/staff/skills", "Skills")
        .lead(join([seal, code(skill.slug)]))
        .of(values)
        .part("Change it", change)
        .part(heading, end))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<SkillPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(page(&app, visit.shell, path.skill_id, Form::new()).await?))
}

/// The skill's page, with what an edit did or why not.
async fn edited(
    app: &App,
    visit: Visit<CommunityWrite>,
    (id, typed): (SkillId, Typed),
    edit: Result<SkillEdit, Problem>,
    said: &str,
) -> Result<Response, Problem> {
    let edited = async {
        ops::skill_update(app.pool(), visit.guild_id(), id, edit?, visit.guild.author()).await?;
        Ok(led(at(&visit.shell, id, ""), said))
    };
    let outcome = edited.await;
    told(app, typed, outcome, |form| page(app, visit.shell, id, form)).await
}

pub(super) async fn update(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<SkillPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let edit = body_of(&typed).and_then(|body| read_value(&body));
    edited(&app, visit, (path.skill_id, typed), edit, "It is kept.").await
}

pub(super) async fn retire(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<SkillPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let edit = SkillEdit { active: Some(false), ..SkillEdit::default() };
    edited(&app, visit, (path.skill_id, typed), Ok(edit), "It is retired.").await
}

pub(super) async fn restore(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<SkillPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let edit = SkillEdit { active: Some(true), ..SkillEdit::default() };
    edited(&app, visit, (path.skill_id, typed), Ok(edit), "It is in the tree again.").await
}
