//! Achievements: made, changed, given and taken back.

use access::scope::CommunityWrite;
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
use futures::{TryFutureExt as _, try_join};
use kernel::{PageQuery, Problem, UserId};
use progress::EventType;
use progress::achievements::model::{
    Achievement, AchievementEdit, GrantAchievement, NewAchievement, Rarity, RequirementScope,
    RequirementType, RevokeAchievement,
};
use progress::achievements::ops;
use progress::ids::AchievementId;
use serde::Deserialize;
use serde_json::json;

use super::names::Names;
use super::sheet::{Sheet, button, choices, facts, field, form, join, link, question, table, text};
use super::shelf::Shelf;
use super::told::{led, told};
use super::{Cursor, Who};

/// The counters of a season, which a requirement may be about; over a lifetime also the types of events.
const COUNTERS: [&str; 5] =
    ["messages_sent", "reactions_given", "reactions_received", "threads_created", "voice_minutes"];

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct AchievementPath {
    achievement_id: AchievementId,
}

fn at(shell: &Shell, id: AchievementId, rest: &str) -> String {
    shell.at(&format!("/staff/achievements/{id}{rest}"))
}

const SHELF: Shelf = Shelf {
    states: ("Can be earned", "Retired"),
    out: ("Retire it", "Nobody earns it any more; who has it keeps it. It can be brought back."),
    back: "Let it be earned again",
    said: ("Nobody earns it any more.", "It can be earned again."),
};

/// What it takes, in words.
fn requirement(achievement: &Achievement) -> String {
    let value = format::number(achievement.requirement_value.unwrap_or(1));
    let within = match achievement.requirement_scope {
        RequirementScope::Season => " in a season",
        RequirementScope::Lifetime => "",
    };
    match achievement.requirement_type {
        RequirementType::CounterThreshold => {
            let counter = format::word(achievement.requirement_field.as_deref().unwrap_or_default());
            format!("{counter}: {value}{within}")
        }
        RequirementType::StarThreshold => format!("{value} stars{within}"),
        RequirementType::XpMilestone => format!("{value} XP{within}"),
        RequirementType::Custom => "Staff give it".to_owned(),
    }
}

/// What can be changed at any time.
fn controls(values: &Form) -> Vec<Html> {
    let rarities = Rarity::ALL.map(|rarity| (rarity.as_str().to_owned(), format::word(rarity.as_str())));
    vec![
        field(&values.line("name", "Name").required().max_length(200)),
        field(&values.text("description:text", "What it is for", 2).max_length(1_000)),
        field(&values.line("category", "Group").max_length(50).help("It is shown with others of its group.")),
        field(&values.choice("rarity", "How rare it is meant to be", &rarities)),
        field(&values.number("xp_reward:int", "Brings XP").between(0, 1_000_000)),
        field(&values.number("gold_reward:int", "Brings gold").between(0, 1_000_000)),
        field(&values.number("requirement_value:int", "How many it takes").help("Not where staff give it.")),
        field(
            &values
                .line("announce_channel_id:null", "Announced in")
                .exact()
                .help("A channel's id; where achievements usually are unless told."),
        ),
        field(
            &values
                .line("badge_image_url:null", "Picture")
                .exact()
                .max_length(500)
                .help("An address that begins with https://."),
        ),
    ]
}

async fn list_page(app: &App, shell: Shell, cursor: Cursor, told: Form) -> Result<Sheet, Problem> {
    let values = told.over(&json!({ "category": "social" }));
    let page = ops::achievement_list(app.pool(), shell.guild_id, true, &cursor.page()).await?;
    let rows = page.items.iter().map(|achievement| {
        vec![
            link(at(&shell, achievement.id, ""), &achievement.name),
            text(requirement(achievement)),
            ui::rarity(achievement.rarity.as_str()),
            text(format::number(achievement.earned_by)),
            SHELF.seal(achievement.active),
        ]
    });
    let heads = ["Achievement", "Takes", "Rarity", "#Earned by", "State"];
    let list = join([
        table("Achievements", &heads, rows.collect(), "There is none yet."),
        ui::more(shell.at("/staff/achievements"), "", page.next.as_ref()),
    ]);
    let types = choices(&[
        (RequirementType::CounterThreshold.as_str(), "So many of something"),
        (RequirementType::StarThreshold.as_str(), "So many stars"),
        (RequirementType::XpMilestone.as_str(), "So much XP"),
        (RequirementType::Custom.as_str(), "Nothing that is counted: staff give it"),
    ]);
    let scopes = choices(&[
        (RequirementScope::Lifetime.as_str(), "As long as somebody is a member"),
        (RequirementScope::Season.as_str(), "Within a season"),
    ]);
    let counters: Vec<(String, String)> = std::iter::once((String::new(), "–".to_owned()))
        .chain(
            COUNTERS
                .iter()
                .copied()
                .chain(EventType::ALL.map(EventType::as_str))
                .map(|counter| (counter.to_owned(), format::word(counter))),
        )
        .collect();
    let mut fields = controls(&values);
    fields.extend([
        field(&values.choice("requirement_type", "What it takes", &types)),
        field(
            &values
                .choice("requirement_field", "Of what", &counters)
                .help("Where it takes so many of something."),
        ),
        field(&values.choice("requirement_scope", "Counted", &scopes)),
    ]);
    let new = form(&shell, &shell.at("/staff/achievements"), fields, [button("make", "Make it", "primary")]);
    Ok(Sheet::new(shell, "Achievements").of(values).part("Achievements", list).part("New achievement", new))
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
        let new: NewAchievement = typed.read()?;
        let made = ops::achievement_create(app.pool(), visit.guild_id(), new, visit.guild.author()).await?;
        let said = format!("{} is there. Whoever has reached it already gets it soon.", made.name);
        Ok(led(at(&visit.shell, made.id, ""), said))
    };
    let outcome = create.await;
    told(&app, typed, outcome, |form| list_page(&app, visit.shell, Cursor::default(), form)).await
}

async fn page(
    app: &App,
    shell: Shell,
    (id, cursor): (AchievementId, Cursor),
    told: Form,
) -> Result<Sheet, Problem> {
    let (pool, guild, at_most) = (app.pool(), shell.guild_id, cursor.page());
    let (achievement, earners) = try_join!(
        ops::achievement_get(pool, guild, id).err_into::<Problem>(),
        ops::earner_list(pool, guild, id, &at_most)
    )?;
    let names = Names::of(app, guild, earners.items.iter().filter_map(|earner| earner.granted_by)).await?;
    let values = told.over(&achievement);
    let own = at(&shell, id, "");
    let change = form(&shell, &own, controls(&values), [button("keep", "Keep", "primary")]);
    let give = form(
        &shell,
        &format!("{own}/grant"),
        [
            field(&values.line("user_id", "Discord id").exact().required()),
            field(&values.line("reason", "Why").max_length(500).help("For the audit log.")),
        ],
        [button("give", "Give it", "primary")],
    );
    let rows = earners.items.iter().map(|earner| {
        let back = format!("{own}/revoke?user_id={}", earner.user_id);
        let by = earner.granted_by.as_ref().map(|by| names.member(&shell, by));
        vec![
            ui::member(&shell, &earner.user_id, &earner.name),
            format::time(&earner.earned_at),
            by.unwrap_or_else(|| text("Earned")),
            link(back, "Take it back"),
        ]
    });
    let earners = join([
        table("Who has it", &["Who", "Since", "Given by", ""], rows.collect(), "Nobody yet."),
        ui::more(&own, "", earners.next.as_ref()),
    ]);
    let known = facts([
        ("Takes", text(requirement(&achievement))),
        ("Earned by", text(format::count(achievement.earned_by, "member", "members"))),
        ("Since", format::time(&achievement.created_at)),
    ]);
    let is_active = achievement.active;
    let lead =
        join([SHELF.seal(is_active), link(shell.at(&format!("/achievements/{id}")), "As members see it")]);
    let sheet = Sheet::new(shell, achievement.name)
        .below("/staff/achievements", "Achievements")
        .lead(lead)
        .of(values)
        .part("What is known", known)
        .part("Change it", change)
        .part_if(is_active, "Give it", |_| give)
        .part("Who has it", earners);
    Ok(SHELF.put_on(sheet, &own, is_active))
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<AchievementPath>,
    Query(cursor): Query<Cursor>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(page(&app, visit.shell, (path.achievement_id, cursor), Form::new()).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(AchievementPath { achievement_id: id }): Path<AchievementPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let update = async {
        let edit: AchievementEdit = typed.read()?;
        ops::achievement_update(app.pool(), visit.guild_id(), id, edit, visit.guild.author()).await?;
        Ok(led(at(&visit.shell, id, ""), SHELF.said(&typed)))
    };
    let outcome = update.await;
    told(&app, typed, outcome, |form| page(&app, visit.shell, (id, Cursor::default()), form)).await
}

pub(super) async fn grant(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<AchievementPath>,
    typed: Typed,
) -> Result<Response, Problem> {
    let id = path.achievement_id;
    let grant = async {
        let grant: GrantAchievement = typed.read()?;
        let user = grant.user_id;
        ops::achievement_grant(app.pool(), visit.guild_id(), id, grant, visit.guild.author()).await?;
        Ok(led(at(&visit.shell, id, ""), format!("{user} has it, and what it brings.")))
    };
    let outcome = grant.await;
    told(&app, typed, outcome, |form| page(&app, visit.shell, (id, Cursor::default()), form)).await
}

async fn revocation(
    app: &App,
    shell: Shell,
    (id, user): (AchievementId, UserId),
    told: Form,
) -> Result<Sheet, Problem> {
    let (pool, guild, first) = (app.pool(), shell.guild_id, PageQuery { limit: Some(1), cursor: None });
    let (achievement, _) = try_join!(
        ops::achievement_get(pool, guild, id).err_into::<Problem>(),
        ops::progress_list(pool, guild, user, &first)
    )?;
    let brought = format!(
        "They do not have it any more, and do not earn it again by themselves. Who earns it today gets {} XP and {} gold.",
        format::number(achievement.xp_reward),
        format::number(achievement.gold_reward),
    );
    let (to, back) = (at(&shell, id, &format!("/revoke?user_id={user}")), at(&shell, id, ""));
    let fields = [
        super::sheet::unseen("user_id", user),
        field(&told.line("reason", "Why").required().max_length(500).help("For the audit log.")),
        field(
            &told
                .check("take_back:bool", "Take back the XP and gold that were paid for it")
                .help("Refused when they are no longer there."),
        ),
    ];
    let body = question(&shell, &to, brought, fields, ("Take it back", &back, "Leave it to them"));
    let names = Names::of(app, guild, [user]).await?;
    let title = format!("Take {} back from {}?", achievement.name, names.called(user));
    Ok(Sheet::new(shell, title)
        .below("/staff/achievements", "Achievements")
        .of(told)
        .part("What will happen", body))
}

pub(super) async fn ask_revoke(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<AchievementPath>,
    Query(who): Query<Who>,
) -> Result<Page<Sheet>, Problem> {
    Ok(Page(revocation(&app, visit.shell, (path.achievement_id, who.user_id), Form::new()).await?))
}

pub(super) async fn revoke(
    State(app): State<App>,
    visit: Visit<CommunityWrite>,
    Path(path): Path<AchievementPath>,
    Query(who): Query<Who>,
    typed: Typed,
) -> Result<Response, Problem> {
    let (id, user) = (path.achievement_id, who.user_id);
    let revoke = async {
        let revoke: RevokeAchievement = typed.read()?;
        ops::achievement_revoke(app.pool(), visit.guild_id(), id, revoke, visit.guild.author()).await?;
        Ok(led(at(&visit.shell, id, ""), format!("{user} does not have it any more.")))
    };
    let outcome = revoke.await;
    told(&app, typed, outcome, |form| revocation(&app, visit.shell, (id, user), form)).await
}
