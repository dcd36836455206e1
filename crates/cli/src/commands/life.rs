//! What a guild's life is made of, by the operator: seasons, categories, timed multipliers, achievements, the quest board,
//! the shop, awards, announcements, skills, and XP from another bot.
//!
//! What is made or changed is said as in the API, in JSON: `'{"name": "Spring", …}'`, `@file.json`, or `-` for standard input.

mod args;

use std::io::Read as _;

use access::Author;
use access::web::Repeatable;
use access::{By, Origin};
use chrono::DateTime;
use community::{announcements, board, shop, skills};
use kernel::{PageQuery, Problem};
use lake::{categories, multipliers};
use progress::{achievements, awards, import, seasons};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sqlx::PgPool;

pub(crate) use args::{
    AchievementCommand, AnnouncementCommand, AwardCommand, BoardCommand, CategoryCommand, ImportXpArgs,
    MultiplierCommand, SeasonCommand, ShopCommand, SkillCommand,
};

use super::economy::pages;
use crate::{
    args::Global,
    failure::{Code, Failure, OrFail},
    screen::{Screen, table, wide_table},
    setup,
};

static HERE: Origin = Origin { ip: None, request_id: None };

fn operator() -> Author<'static> {
    Author::new(By::Cli, &HERE)
}

/// Nobody repeats what is typed.
fn once() -> Repeatable {
    Repeatable::default()
}

/// Does `work` on the operator's database.
async fn on_database(
    global: &Global,
    work: impl AsyncFnOnce(&PgPool) -> Result<(), Failure>,
) -> Result<(), Failure> {
    setup::log_quietly();
    setup::with_database(global, async |database| work(database.pool()).await).await
}

pub(crate) async fn season(global: &Global, command: &SeasonCommand, screen: &Screen) -> Result<(), Failure> {
    use SeasonCommand as C;
    on_database(global, async |pool| match command {
        C::List { guild } => {
            let rows = pages(usize::MAX, async |page: PageQuery| {
                seasons::ops::season_list(pool, guild.id, &page).await
            });
            rows_of(screen, &rows.await?, &["id", "name", "state", "starts_at", "ends_at", "repeats"])
        }
        C::Create { guild, body } => {
            one(screen, seasons::ops::season_create(pool, guild.id, read(body)?, operator()).await)
        }
        C::Edit { guild, season, body } => {
            one(screen, seasons::ops::season_update(pool, guild.id, *season, read(body)?, operator()).await)
        }
        C::Roll { guild, season, body } => {
            let roll = body.as_deref().map(read).transpose()?.unwrap_or_default();
            one(screen, seasons::ops::season_roll(pool, guild.id, *season, roll, operator()).await)
        }
        C::Delete { guild, season } => {
            let gone = seasons::ops::season_delete(pool, guild.id, *season, operator()).await;
            gone.map_err(Problem::from)?;
            screen.answer(&json!({}), |_| "It will not begin.".to_owned())
        }
        C::Standings { guild, season, limit } => {
            let rows = pages(*limit, async |page: PageQuery| {
                seasons::ops::season_standings(pool, guild.id, *season, &page).await
            });
            rows_of(screen, &rows.await?, &["rank", "user_id", "name", "season_stars", "season_xp", "level"])
        }
    })
    .await
}

pub(crate) async fn category(
    global: &Global,
    command: &CategoryCommand,
    screen: &Screen,
) -> Result<(), Failure> {
    use CategoryCommand as C;
    use categories::ops;
    on_database(global, async |pool| match command {
        C::List { guild, all } => {
            let rows = pages(usize::MAX, async |page: PageQuery| {
                ops::category_list(pool, guild.id, *all, &page).await
            });
            rows_of(screen, &rows.await?, &["id", "name", "channels", "multipliers", "active"])
        }
        C::Create { guild, body } => {
            one(screen, ops::category_create(pool, guild.id, read(body)?, operator()).await)
        }
        C::Edit { guild, category, body } => {
            one(screen, ops::category_update(pool, guild.id, *category, read(body)?, operator()).await)
        }
        C::Remove { guild, category } => {
            one(screen, ops::category_remove(pool, guild.id, *category, operator()).await)
        }
    })
    .await
}

pub(crate) async fn multiplier(
    global: &Global,
    command: &MultiplierCommand,
    screen: &Screen,
) -> Result<(), Failure> {
    use MultiplierCommand as C;
    use multipliers::ops;
    on_database(global, async |pool| match command {
        C::List { guild, limit } => {
            let rows = pages(*limit, async |page: PageQuery| ops::event_list(pool, guild.id, &page).await);
            let columns =
                ["id", "name", "xp_multiplier", "star_multiplier", "starts_at", "ends_at", "active"];
            rows_of(screen, &rows.await?, &columns)
        }
        C::Factors { guild, interaction, channel, at } => {
            let what = multipliers::model::Weighing {
                interaction_type: *interaction,
                channel_id: *channel,
                at: *at,
            };
            let weighed = ops::weigh(pool, guild.id, what).await.map_err(Problem::from)?;
            screen.answer(&weighed, |weighed| {
                let rows = weighed.factors.iter().map(|factor| {
                    vec![plain(Some(&json!(factor.why))), factor.xp.to_string(), factor.stars.to_string()]
                });
                let all = vec!["all of it".to_owned(), weighed.xp.to_string(), weighed.stars.to_string()];
                wide_table(&["why", "xp", "stars"], rows.chain([all]))
            })
        }
        C::Create { guild, body } => {
            one(screen, ops::event_create(pool, guild.id, read(body)?, operator(), &once()).await)
        }
        C::Edit { guild, event, body } => {
            one(screen, ops::event_update(pool, guild.id, *event, read(body)?, operator()).await)
        }
        C::CallOff { guild, event } => {
            one(screen, ops::event_call_off(pool, guild.id, *event, operator()).await)
        }
    })
    .await
}

pub(crate) async fn achievement(
    global: &Global,
    command: &AchievementCommand,
    screen: &Screen,
) -> Result<(), Failure> {
    use AchievementCommand as C;
    use achievements::ops;
    on_database(global, async |pool| match command {
        C::List { guild, all } => {
            let rows = pages(usize::MAX, async |page: PageQuery| {
                ops::achievement_list(pool, guild.id, *all, &page).await
            });
            let columns =
                ["id", "name", "requirement_type", "requirement_value", "rarity", "earned_by", "active"];
            rows_of(screen, &rows.await?, &columns)
        }
        C::Create { guild, body } => {
            one(screen, ops::achievement_create(pool, guild.id, read(body)?, operator()).await)
        }
        C::Edit { guild, achievement, body } => {
            one(screen, ops::achievement_update(pool, guild.id, *achievement, read(body)?, operator()).await)
        }
        C::Retire { guild, achievement } => {
            one(screen, ops::achievement_retire(pool, guild.id, *achievement, operator()).await)
        }
        C::Grant { guild, achievement, user, reason } => {
            let grant = achievements::model::GrantAchievement { user_id: *user, reason: reason.clone() };
            one(screen, ops::achievement_grant(pool, guild.id, *achievement, grant, operator()).await)
        }
        C::Revoke { guild, achievement, user, reason, take_back } => {
            let revoke = achievements::model::RevokeAchievement {
                user_id: *user,
                reason: reason.clone(),
                take_back: *take_back,
            };
            one(screen, ops::achievement_revoke(pool, guild.id, *achievement, revoke, operator()).await)
        }
        C::Earners { guild, achievement, limit } => {
            let rows = pages(*limit, async |page: PageQuery| {
                ops::earner_list(pool, guild.id, *achievement, &page).await
            });
            rows_of(screen, &rows.await?, &["user_id", "name", "earned_at", "granted_by"])
        }
        C::Progress { guild, user } => {
            let rows = pages(usize::MAX, async |page: PageQuery| {
                ops::progress_list(pool, guild.id, *user, &page).await
            });
            rows_of(screen, &rows.await?, &["achievement_id", "name", "value", "threshold", "earned_at"])
        }
    })
    .await
}

pub(crate) async fn board(global: &Global, command: &BoardCommand, screen: &Screen) -> Result<(), Failure> {
    use BoardCommand as C;
    use board::ops;
    on_database(global, async |pool| match command {
        C::List { guild, status, user, limit } => {
            let rows = pages(*limit, async |page: PageQuery| {
                let query = board::model::BoardQuery {
                    status: *status,
                    claimed_by: *user,
                    limit: page.limit,
                    cursor: page.cursor,
                };
                ops::quest_list(pool, guild.id, query).await
            });
            let columns =
                ["id", "title", "status", "claimed_by", "xp_reward", "gold_reward", "github_issue_url"];
            rows_of(screen, &rows.await?, &columns)
        }
        C::Post { guild, body } => {
            one(screen, ops::quest_create(pool, guild.id, read(body)?, operator(), &once()).await)
        }
        C::Edit { guild, quest, body } => {
            one(screen, ops::quest_update(pool, guild.id, *quest, read(body)?, operator()).await)
        }
        C::Remove { guild, quest } => {
            one(screen, ops::quest_remove(pool, guild.id, *quest, operator()).await)
        }
        C::Claim { guild, quest, user } => one(screen, ops::quest_claim(pool, guild.id, *quest, *user).await),
        C::Unclaim { guild, quest, user } => {
            one(screen, ops::quest_unclaim(pool, guild.id, *quest, *user).await)
        }
        C::Release { guild, quest } => {
            one(screen, ops::quest_release(pool, guild.id, *quest, operator()).await)
        }
        C::Complete { guild, quest } => {
            one(screen, ops::quest_complete(pool, guild.id, *quest, operator()).await)
        }
    })
    .await
}

pub(crate) async fn shop(global: &Global, command: &ShopCommand, screen: &Screen) -> Result<(), Failure> {
    use ShopCommand as C;
    use shop::ops;
    on_database(global, async |pool| match command {
        C::List { guild, all } => {
            let rows =
                pages(usize::MAX, async |page: PageQuery| ops::item_list(pool, guild.id, *all, &page).await);
            let columns = ["id", "slug", "name", "price_gold", "kind", "stock", "per_user_limit", "active"];
            rows_of(screen, &rows.await?, &columns)
        }
        C::Create { guild, body } => {
            one(screen, ops::item_create(pool, guild.id, read(body)?, operator()).await)
        }
        C::Edit { guild, item, body } => {
            one(screen, ops::item_update(pool, guild.id, *item, read(body)?, operator()).await)
        }
        C::Buy { guild, item, user, quantity, at_most } => {
            let new = shop::model::NewPurchase { quantity: *quantity, at_most_gold: *at_most };
            one(screen, ops::item_buy(pool, guild.id, *item, *user, new, &once()).await)
        }
        C::Purchases { guild, status, user, limit } => {
            let rows = pages(*limit, async |page: PageQuery| {
                let query = shop::model::PurchaseQuery {
                    status: *status,
                    buyer_id: *user,
                    limit: page.limit,
                    cursor: page.cursor,
                };
                ops::purchase_list(pool, guild.id, query).await
            });
            let columns = ["id", "user_id", "item_name", "quantity", "price_gold", "status", "created_at"];
            rows_of(screen, &rows.await?, &columns)
        }
        C::Fulfil { guild, purchase } => {
            one(screen, ops::purchase_fulfil(pool, guild.id, *purchase, operator()).await)
        }
        C::Refund { guild, purchase } => {
            one(screen, ops::purchase_refund(pool, guild.id, *purchase, operator()).await)
        }
    })
    .await
}

pub(crate) async fn award(global: &Global, command: &AwardCommand, screen: &Screen) -> Result<(), Failure> {
    let (AwardCommand::Give(what) | AwardCommand::Revoke(what)) = command;
    let new = awards::NewAward {
        user_ids: what.users.clone(),
        xp: what.xp,
        gold: what.gold,
        stars: what.stars,
        reason: what.reason.clone(),
    };
    on_database(global, async |pool| {
        let (guild, once) = (what.guild.id, once());
        let done = match command {
            AwardCommand::Give(_) => awards::ops::award(pool, guild, new, operator(), &once).await,
            AwardCommand::Revoke(_) => awards::ops::revoke(pool, guild, new, operator(), &once).await,
        };
        rows_of(screen, &done.map_err(Problem::from)?.members, &["user_id", "xp", "level", "gold", "stars"])
    })
    .await
}

pub(crate) async fn announcement(
    global: &Global,
    command: &AnnouncementCommand,
    screen: &Screen,
) -> Result<(), Failure> {
    use AnnouncementCommand as C;
    use announcements::ops;
    on_database(global, async |pool| match command {
        C::List { guild, waiting, limit } => {
            let rows = pages(*limit, async |page: PageQuery| {
                let query = announcements::model::AnnouncementQuery {
                    status: waiting.then_some(announcements::AnnouncementStatus::Pending),
                    limit: page.limit,
                    cursor: page.cursor,
                    ..announcements::model::AnnouncementQuery::default()
                };
                ops::announcement_list(pool, guild.id, query).await
            });
            rows_of(screen, &rows.await?, &["id", "channel_id", "kind", "user_id", "status", "sent_at"])
        }
        C::Say { guild, channel, text } => {
            let new = announcements::NewNotice { channel_id: *channel, text: text.clone() };
            one(screen, ops::notice_create(pool, guild.id, new, operator(), &once()).await)
        }
        C::Cancel { guild, announcement } => {
            one(screen, ops::announcement_cancel(pool, guild.id, *announcement, operator()).await)
        }
        C::Channels { guild } => {
            let chosen = ops::channel_list(pool, guild.id).await.map_err(Problem::from)?;
            rows_of(screen, &chosen.channels, &["kind", "channel_id", "enabled"])
        }
        C::Channel { guild, body } => {
            let chosen = ops::channel_put(pool, guild.id, read(body)?, operator()).await;
            rows_of(screen, &chosen.map_err(Problem::from)?.channels, &["kind", "channel_id", "enabled"])
        }
    })
    .await
}

pub(crate) async fn skill(global: &Global, command: &SkillCommand, screen: &Screen) -> Result<(), Failure> {
    use SkillCommand as C;
    use skills::ops;
    on_database(global, async |pool| match command {
        C::Tree { guild, user } => {
            let tree = ops::skill_tree(pool, guild.id, *user).await.map_err(Problem::from)?;
            let columns = ["id", "slug", "domain", "depth", "max_level", "level", "skill_points", "unlocked"];
            rows_of(screen, &tree.skills, &columns)
        }
        C::Create { guild, body } => {
            one(screen, ops::skill_create(pool, guild.id, read(body)?, operator()).await)
        }
        C::Edit { guild, skill, body } => {
            one(screen, ops::skill_update(pool, guild.id, *skill, read(body)?, operator()).await)
        }
        C::Rewards { guild, user, limit } => {
            let rows =
                pages(*limit, async |page: PageQuery| ops::reward_list(pool, guild.id, *user, &page).await);
            let columns =
                ["created_at", "event_type", "xp", "skill_id", "skill_points", "source_type", "source_id"];
            rows_of(screen, &rows.await?, &columns)
        }
        C::Retire { guild, skill } => {
            one(screen, ops::skill_retire(pool, guild.id, *skill, operator()).await)
        }
    })
    .await
}

pub(crate) async fn import_xp(global: &Global, args: &ImportXpArgs, screen: &Screen) -> Result<(), Failure> {
    let (name, bytes) = if args.file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).or_fail(Code::Unavailable)?;
        ("standard input".to_owned(), bytes)
    } else {
        let name = args.file.display().to_string();
        let bytes = std::fs::read(&args.file);
        (name.clone(), bytes.map_err(|error| Failure::new(Code::Unavailable, format!("{name}: {error}")))?)
    };
    let data = import::decode(&bytes).map_err(|what| Failure::new(Code::Usage, format!("{name} {what}")))?;
    let format = match args.file.extension().and_then(|end| end.to_str()) {
        Some(end) if end.eq_ignore_ascii_case("json") => import::Format::Json,
        Some(end) if end.eq_ignore_ascii_case("csv") => import::Format::Csv,
        _ => import::Format::of(&data),
    };
    let new = import::NewImport {
        source: args.source.clone(),
        format,
        data,
        keep: if args.levels { import::Keep::Level } else { import::Keep::Xp },
        dry_run: args.dry_run,
        skip_faults: args.skip_faults,
    };
    on_database(global, async |pool| {
        let done = match import::ops::import(pool, args.guild.id, new, operator()).await {
            Err(progress::Error::WrongLines(all, faults)) => {
                told(screen, all, &faults);
                let lines = if all == 1 { "1 line is" } else { &format!("{all} lines are") };
                let message = format!(
                    "{name}: {lines} wrong, and nothing was imported; mend them, or import the rest with --skip-faults"
                );
                return Err(Failure::new(Code::Refused, message));
            }
            other => other.map_err(Problem::from)?,
        };
        told(screen, done.fault_count, &done.faults);
        screen.answer(&done, |done| {
            format!(
                "{}{} members {} {} XP in all; {} of them new; {} unchanged; {} lines wrong.",
                if done.dry_run { "Nothing was done. " } else { "" },
                done.granted,
                if done.dry_run { "would get" } else { "got" },
                done.xp,
                done.new_members,
                done.unchanged,
                done.fault_count,
            )
        })
    })
    .await
}

/// Notes wrong lines of an import, each with its number and its member's id.
fn told(screen: &Screen, all: usize, faults: &[import::Fault]) {
    for fault in faults {
        screen.note(&fault.to_string());
    }
    if all > faults.len() {
        screen.note(&format!("{} more lines are wrong", all - faults.len()));
    }
}

/// A body as in the API: JSON, `@FILE`, or `-` for standard input.
fn read<T: DeserializeOwned>(body: &str) -> Result<T, Failure> {
    let text = if body == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).or_fail(Code::Unavailable)?;
        text
    } else if let Some(file) = body.strip_prefix('@') {
        let named = |error| Failure::new(Code::Unavailable, format!("{file}: {error}"));
        std::fs::read_to_string(file).map_err(named)?
    } else {
        body.to_owned()
    };
    kernel::objects::from_str(&text)
        .map_err(|error| Failure::new(Code::Usage, format!("the body is not as the API takes it: {error}")))
}

/// One thing: its fields, a line each.
fn one<T: Serialize, E: Into<Problem>>(screen: &Screen, made: Result<T, E>) -> Result<(), Failure> {
    let made = made.map_err(Into::into)?;
    screen.answer(&made, |made| {
        let Ok(Value::Object(fields)) = serde_json::to_value(made) else { return String::new() };
        let lines = fields.iter().filter(|(name, value)| *name != "guild_id" && !value.is_null());
        table(["field", "value"], lines.map(|(name, value)| [name.replace('_', " "), plain(Some(value))]))
    })
}

/// Many things: a table of some of their fields.
fn rows_of<T: Serialize>(screen: &Screen, rows: &[T], columns: &[&str]) -> Result<(), Failure> {
    screen.answer(rows, |rows| {
        let lines = rows.iter().map(|row| {
            let row = serde_json::to_value(row).unwrap_or_default();
            columns.iter().map(|column| plain(row.get(*column))).collect()
        });
        let headings: Vec<String> = columns.iter().map(|column| column.replace('_', " ")).collect();
        wide_table(&headings.iter().map(String::as_str).collect::<Vec<_>>(), lines)
    })
}

/// A value as people write it.
fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::String(text)) => match DateTime::parse_from_rfc3339(text) {
            Ok(at) => at.to_utc().format("%Y-%m-%d %H:%M:%S").to_string(),
            Err(_) => text.clone(),
        },
        Some(Value::Array(all)) if all.is_empty() => "none".to_owned(),
        Some(Value::Array(all)) => all.iter().map(|one| plain(Some(one))).collect::<Vec<_>>().join(", "),
        Some(Value::Object(fields)) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            fields.map(|(name, value)| format!("{name}={}", plain(Some(value)))).collect::<Vec<_>>().join(" ")
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_as_people_write_them() {
        let told = |value: Value| plain(Some(&value));
        assert_eq!(told(json!("2026-12-05T12:30:00.123456Z")), "2026-12-05 12:30:00");
        assert_eq!(told(json!(["5", "6"])), "5, 6");
        assert_eq!(told(json!([{ "kind": "MESSAGE", "xp": 1.5, "none": null }])), "kind=MESSAGE xp=1.5");
        assert_eq!(
            (told(json!(true)), told(json!([])), told(json!(null))),
            ("yes".into(), "none".into(), "-".into())
        );
    }
}
