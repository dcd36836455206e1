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
use super::sheet::{Sheet, button, code, field, form, group, join, link, table, text};
use super::shelf::Shelf;
use super::told::{led, told};

/// How many skills can be chosen from.
const CHOICES: i64 = 200;
/// How many more skills it can be made to build on at once.
const SPARE: usize = 2;

const SHELF: Shelf = Shelf {
    states: ("In the tree", "Retired"),
    out: (
        "Retire it",
        "It is no longer in the tree, and no quest gives points for it. Who has points keeps them. It can be brought back.",
    ),
    back: "Bring it back",
    said: ("It is retired.", "It is in the tree again."),
};

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
    if Shelf::is(typed) {
        return Ok(body);
    }
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
            SHELF.seal(skill.active),
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
    let active = skill.active;
    let own = at(&shell, id, "");
    let sheet = Sheet::new(shell, skill.name)
        .below("/staff/skills", "Skills")
        .lead(join([SHELF.seal(active), code(skill.slug)]))
        .of(values)
        .part("Change it", change);
    Ok(SHELF.put_on(sheet, &own, active))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<SkillPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(page(&app, visit.shell, path.skill_id, Form::new()).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(SkillPath { skill_id: id }): Path<SkillPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let update = async {
        let edit: SkillEdit = read_value(&body_of(&typed)?)?;
        ops::skill_update(app.pool(), visit.guild_id(), id, edit, visit.guild.author()).await?;
        Ok(led(at(&visit.shell, id, ""), SHELF.said(&typed)))
    };
    let outcome = update.await;
    told(&app, typed, outcome, |form| page(&app, visit.shell, id, form)).await
}
