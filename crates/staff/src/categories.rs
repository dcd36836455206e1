//! Categories of channels, and what things done in them are worth.

use ::lake::categories::{Category, CategoryEdit, Interaction, NewCategory, ops};
use ::lake::ids::CategoryId;
use access::scope::CommunityWrite;
use access::{App, Path, Query};
use axum::extract::State;
use axum::response::Response;
use frame::decode::{Typed, read_value};
use frame::form::Form;
use frame::html::Html;
use frame::page::Page;
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, ui};
use kernel::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Cursor;
use super::sheet::{Sheet, aside, button, factor, field, form, group, join, link, says, table, text, unseen};
use super::told::{led, told};

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct CategoryPath {
    category_id: CategoryId,
}

fn at(shell: &Shell, id: CategoryId, rest: &str) -> String {
    shell.at(&format!("/staff/categories/{id}{rest}"))
}

/// An interaction as people call it.
pub(super) const fn called(interaction: Interaction) -> &'static str {
    match interaction {
        Interaction::Message => "A message",
        Interaction::ReactionGiven => "A reaction given",
        Interaction::ReactionReceived => "A reaction received",
        Interaction::ThreadCreate => "A thread begun",
        Interaction::VoiceTick => "Ten minutes in voice",
    }
}

/// What a form shows of a category: a weight for each interaction, in the order of the controls.
fn stored(category: Option<&Category>) -> Value {
    let known = category.map(|category| category.multipliers.as_slice()).unwrap_or_default();
    let weights = Interaction::ALL.map(|interaction| {
        let weight = known.iter().find(|weight| weight.interaction_type == interaction);
        json!({ "xp_multiplier": weight.map_or(1.0, |weight| weight.xp_multiplier),
                "star_multiplier": weight.map_or(1.0, |weight| weight.star_multiplier) })
    });
    json!({
        "name": category.map(|category| &category.name),
        "description": category.and_then(|category| category.description.as_ref()),
        "channels": category.map(|category| category.channels.as_slice()).unwrap_or_default(),
        "multipliers": weights,
    })
}

fn controls(values: &Form) -> Vec<Html> {
    let weights = Interaction::ALL.iter().enumerate().map(|(n, interaction)| {
        let path = |key: &str| format!("multipliers[{n}].{key}");
        group(
            called(*interaction),
            [
                unseen(&path("interaction_type"), interaction),
                field(&values.number(&path("xp_multiplier:number"), "Times XP").fractions().between(0, 100)),
                field(
                    &values
                        .number(&path("star_multiplier:number"), "Times stars")
                        .fractions()
                        .between(0, 100),
                ),
            ],
        )
    });
    let mut fields = vec![
        field(&values.line("name", "Name").required().max_length(100)),
        field(&values.line("description:null", "What belongs in it").max_length(500)),
        field(
            &values
                .text("channels:lines", "Channels", 5)
                .exact()
                .help("Their ids, one a line. A channel is in one category at most."),
        ),
    ];
    fields.extend(weights);
    fields
}

/// The body of a form, without the weights that change nothing.
fn body_of(typed: &Typed) -> Result<Value, Problem> {
    let mut body = typed.json()?;
    super::without_empty_rows(&mut body, "multipliers", |row| {
        let is_one = |key: &str| row.get(key).is_none_or(|factor| factor.as_f64() == Some(1.0));
        !(is_one("xp_multiplier") && is_one("star_multiplier"))
    });
    Ok(body)
}

async fn list_page(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let values = told.over(&stored(None));
    let page = ops::category_list(app.pool(), shell.guild_id, true, &cursor.page()).await?;
    let rows = page.items.iter().map(|category| {
        let weights = category.multipliers.iter().map(|weight| {
            join([
                text(format!("{}: XP", called(weight.interaction_type))),
                factor(weight.xp_multiplier),
                text("stars"),
                factor(weight.star_multiplier),
                text("·"),
            ])
        });
        vec![
            link(at(&shell, category.id, ""), &category.name),
            text(format::number(category.channels.len())),
            join(weights),
            if category.active { ui::seal("on", "Counts") } else { ui::seal("", "Removed") },
        ]
    });
    let list = join([
        table(
            "Categories",
            &["Category", "#Channels", "Worth", "State"],
            rows.collect(),
            "There is none yet.",
        ),
        ui::more(shell.at("/staff/categories"), "", page.next.as_ref()),
    ]);
    let action = shell.at("/staff/categories");
    let new = form(&shell, &action, controls(&values), [button("make", "Make it", "primary")]);
    Ok(Sheet::new(shell, "Categories")
        .lead(says("Groups of channels: what is done there may be worth more, less or nothing."))
        .of(values)
        .part("Categories", list)
        .part("New category", new))
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
        let new: NewCategory = read_value(&body_of(&typed)?)?;
        let made = ops::category_create(app.pool(), visit.guild_id(), new, visit.guild.author()).await?;
        Ok(led(at(&visit.shell, made.id, ""), format!("{} is there.", made.name)))
    };
    let outcome = create.await;
    told(&app, typed, outcome, |form| list_page(&app, visit.shell, Cursor::default(), form)).await
}

async fn page(app: &App, shell: Shell, id: CategoryId, told: Form) -> Result<Sheet, Problem> {
    let category = ops::category_get(app.pool(), shell.guild_id, id).await?;
    let values = told.over(&stored(Some(&category)));
    let change = join([
        form(&shell, &at(&shell, id, ""), controls(&values), [button("keep", "Keep", "primary")]),
        aside("In force within a second, for what happens from then on."),
    ]);
    let remove = join([
        says(
            "Its channels are free then; what was counted in it stays. It cannot be brought back, but made anew.",
        ),
        shell.button(&at(&shell, id, "/remove"), "Remove it", "grave"),
    ]);
    let is_active = category.active;
    let seal = if is_active { ui::seal("on", "Counts") } else { ui::seal("", "Removed") };
    Ok(Sheet::new(shell, category.name)
        .below("/staff/categories", "Categories")
        .lead(seal)
        .of(values)
        .part_if(is_active, "Change it", |_| change)
        .part_if(is_active, "Remove it", |_| remove)
        .part_if(!is_active, "It is removed", |_| says("What was counted in it stays.")))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<CategoryPath>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(page(&app, visit.shell, path.category_id, Form::new()).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<CategoryPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.category_id;
    let update = async {
        let edit: CategoryEdit = read_value(&body_of(&typed)?)?;
        ops::category_update(app.pool(), visit.guild_id(), id, edit, visit.guild.author()).await?;
        Ok(led(at(&visit.shell, id, ""), "It is kept."))
    };
    let outcome = update.await;
    told(&app, typed, outcome, |form| page(&app, visit.shell, id, form)).await
}

pub(super) async fn remove(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<CategoryPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (guild, id, author) = (visit.guild_id(), path.category_id, visit.guild.author());
    let removed = ops::category_remove(app.pool(), guild, id, author).await;
    let to = visit.shell.at("/staff/categories");
    let outcome = removed.map(|gone| led(to, format!("{} is removed.", gone.name))).map_err(Problem::from);
    told(&app, typed, outcome, |form| page(&app, visit.shell, id, form)).await
}
