//! What the faces call: each operation is a transaction.

use ::jobs::outbox;
use access::author::{Author, Deed};
use chrono::{DateTime, Utc};
use kernel::fields;
use kernel::{Gold, GuildId, Limit, Page, PageQuery, Problem, UserId, Xp};
use people::Member;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::model::{
    Achievement, AchievementEdit, Earner, GrantAchievement, NewAchievement, Progress, RequirementType,
    RevokeAchievement,
};
use super::rules::{self, Crossing};
use super::{evaluate, retroactive, store};
use crate::error::Error;
use crate::ids::{AchievementId, SeasonId};
use crate::journal;
use crate::model::{Event, Grant};

const TABLE: &str = "progress.achievement_templates";
const EARNED: &str = "progress.user_achievements";

/// A page of the guild's achievements by number; retired ones only when asked for.
pub async fn achievement_list(
    pool: &PgPool,
    guild: GuildId,
    with_retired: bool,
    page: &PageQuery,
) -> Result<Page<Achievement>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let all = store::list(&mut conn, guild, None, with_retired, after, limit).await?;
    Ok(Page::new(all, limit, |achievement| achievement.id))
}

/// An achievement of the guild, also a retired one.
pub async fn achievement_get(
    pool: &PgPool,
    guild: GuildId,
    achievement: AchievementId,
) -> Result<Achievement, Error> {
    known(&mut *db::acquire(pool).await?, guild, achievement).await
}

/// A page of those who have an achievement, the latest first.
#[kernel::boxed]
pub async fn earner_list(
    pool: &PgPool,
    guild: GuildId,
    achievement: AchievementId,
    page: &PageQuery,
) -> Result<Page<Earner>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<(DateTime<Utc>, UserId)>()?);
    let mut conn = db::acquire(pool).await?;
    known(&mut conn, guild, achievement).await?;
    let earners = store::earners(&mut conn, guild, achievement, after, limit).await?;
    Ok(Page::new(earners, limit, |earner| (earner.earned_at, earner.user_id)))
}

/// A page of how far a member is with each achievement.
pub async fn progress_list(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    page: &PageQuery,
) -> Result<Page<Progress>, Problem> {
    let member = people::member_known(&mut *db::acquire(pool).await?, guild, user).await?;
    progress_of(pool, &member, page).await
}

/// The same of a member who was looked up already.
pub async fn progress_of(
    pool: &PgPool,
    member: &Member,
    page: &PageQuery,
) -> Result<Page<Progress>, Problem> {
    let (limit, after) = (page.limit()?, page.after()?);
    let mut conn = db::acquire(pool).await?;
    let progress = store::progress(&mut conn, member.guild_id, member.user_id, after, limit).await?;
    Ok(Page::new(progress, limit, |one| one.achievement_id))
}

/// Makes an achievement; whoever has reached it gets it soon after. Audited.
#[kernel::boxed]
pub async fn achievement_create(
    pool: &PgPool,
    guild: GuildId,
    new: NewAchievement,
    author: Author<'_>,
) -> Result<Achievement, Error> {
    let new = rules::check_new(new)?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        people::guild_ensure(&mut tx, guild, None).await?;
        let id = store::insert(&mut tx, guild, &new).await?;
        let made = known(&mut tx, guild, id).await?;
        if made.requirement_type != RequirementType::Custom {
            retroactive::schedule(&mut tx, guild, Some(id)).await?;
        }
        Deed::new("CREATE", TABLE, id.to_string()).after(&made).record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

/// Changes an achievement. Who has it keeps it; who has reached it now gets it soon after. Audited.
#[kernel::boxed]
pub async fn achievement_update(
    pool: &PgPool,
    guild: GuildId,
    achievement: AchievementId,
    edit: AchievementEdit,
    author: Author<'_>,
) -> Result<Achievement, Error> {
    let name = edit.name.map(|name| fields::line("name", &name, 200)).transpose()?;
    let description = edit.description.map(|text| fields::text("description", &text, 1_000)).transpose()?;
    let category = edit.category.map(|text| fields::line("category", &text, 50)).transpose()?;
    edit.requirement_value.map(rules::check_value).transpose()?;
    edit.xp_reward.map(|xp| fields::within("xp_reward", xp, 0, 1_000_000)).transpose()?;
    edit.gold_reward.map(|gold| fields::within("gold_reward", gold, 0, 1_000_000)).transpose()?;
    let url = edit
        .badge_image_url
        .map(|url| url.map(|url| fields::url("badge_image_url", &url)).transpose())
        .transpose()?;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = locked(&mut tx, guild, achievement).await?;
        if edit.requirement_value.is_some() && before.requirement_type == RequirementType::Custom {
            let message = "has no meaning for an achievement that only an administrator grants";
            return Err(Error::Invalid("requirement_value", message.to_owned()));
        }
        let after = Achievement {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            description: description.clone().unwrap_or_else(|| before.description.clone()),
            category: category.clone().unwrap_or_else(|| before.category.clone()),
            requirement_value: edit.requirement_value.or(before.requirement_value),
            xp_reward: edit.xp_reward.unwrap_or(before.xp_reward),
            gold_reward: edit.gold_reward.unwrap_or(before.gold_reward),
            badge_image_url: url.clone().unwrap_or_else(|| before.badge_image_url.clone()),
            rarity: edit.rarity.unwrap_or(before.rarity),
            announce_channel_id: edit.announce_channel_id.unwrap_or(before.announce_channel_id),
            active: edit.active.unwrap_or(before.active),
            ..before.clone()
        };
        if after != before {
            store::update(&mut tx, &after).await?;
            let easier = after.requirement_value != before.requirement_value || after.active != before.active;
            if after.active && easier {
                retroactive::schedule(&mut tx, guild, Some(achievement)).await?;
            }
            let deed = Deed::new("UPDATE", TABLE, achievement.to_string()).before(&before).after(&after);
            deed.record(&mut tx, guild, author).await?;
        }
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Retires an achievement: nobody earns it any more, who has it keeps it. Audited.
pub async fn achievement_retire(
    pool: &PgPool,
    guild: GuildId,
    achievement: AchievementId,
    author: Author<'_>,
) -> Result<Achievement, Error> {
    let edit = AchievementEdit { active: Some(false), ..AchievementEdit::default() };
    achievement_update(pool, guild, achievement, edit, author).await
}

/// Grants an achievement by hand, also one that was revoked. Refused when the member has it. Audited.
#[kernel::boxed]
pub async fn achievement_grant(
    pool: &PgPool,
    guild: GuildId,
    achievement: AchievementId,
    grant: GrantAchievement,
    author: Author<'_>,
) -> Result<Progress, Error> {
    let reason = grant.reason.map(|reason| fields::text("reason", &reason, 500)).transpose()?;
    let user = grant.user_id;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let template = locked(&mut tx, guild, achievement).await?;
        if !template.active {
            return Err(Error::Refused("this achievement is retired".to_owned()));
        }
        person(&mut tx, guild, user).await?;
        let has = || Error::Refused("this member has the achievement already".to_owned());
        match store::held_lock(&mut tx, guild, achievement, user).await? {
            Some(held) if held.revoked_at.is_none() => return Err(has()),
            Some(held) => {
                let again = if held.taken_back { (template.xp_reward, template.gold_reward) } else { (0, 0) };
                let paid = if held.taken_back { again } else { (held.xp_paid, held.gold_paid) };
                store::restore(&mut tx, guild, (achievement, user), author.member(), paid).await?;
                move_by(&mut tx, guild, &template, user, again, "restored").await?;
            }
            None => {
                let crossing = Crossing {
                    user_id: user,
                    achievement_id: achievement,
                    season_id: active_season(&mut tx, guild).await?,
                };
                if !evaluate::by_hand(&mut tx, guild, crossing, author.member()).await? {
                    return Err(has());
                }
            }
        }
        let held = one_progress(&mut tx, guild, achievement, user).await?;
        let id = format!("{achievement}:{user}");
        let deed = Deed::new("CREATE", EARNED, id).after(&held).because(reason.as_deref());
        deed.record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(held)
    })
    .await
}

/// Revokes an achievement; it is not earned again by itself. With `take_back`, what was paid for it is taken back, which is
/// refused when it is no longer there. Audited.
#[kernel::boxed]
pub async fn achievement_revoke(
    pool: &PgPool,
    guild: GuildId,
    achievement: AchievementId,
    revoke: RevokeAchievement,
    author: Author<'_>,
) -> Result<Progress, Error> {
    let reason = fields::line("reason", &revoke.reason, 500)?;
    let user = revoke.user_id;
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let template = locked(&mut tx, guild, achievement).await?;
        let held = store::held_lock(&mut tx, guild, achievement, user).await?;
        let Some(held) = held.filter(|held| held.revoked_at.is_none()) else {
            return Err(Error::Refused("this member does not have the achievement".to_owned()));
        };
        let before = one_progress(&mut tx, guild, achievement, user).await?;
        let by = author.member();
        store::revoke(&mut tx, guild, (achievement, user), by, &reason, revoke.take_back).await?;
        if revoke.take_back {
            let back = (-held.xp_paid, -held.gold_paid);
            move_by(&mut tx, guild, &template, user, back, "revoked").await?;
        }
        let event = outbox::Event {
            guild_id: guild,
            event_type: "achievement.revoked",
            subject: format!("members/{user}"),
            correlation_id: None,
            user_id: Some(user),
            payload: json!({
                "achievement_id": achievement, "name": template.name, "user_id": user, "taken_back": revoke.take_back,
            }),
        };
        outbox::emit_one(&mut tx, event).await?;
        let after = one_progress(&mut tx, guild, achievement, user).await?;
        let id = format!("{achievement}:{user}");
        let deed = Deed::new("MANUAL_REVOKE", EARNED, id).before(&before).after(&after);
        deed.because(Some(&reason)).record(&mut tx, guild, author).await?;
        tx.commit().await?;
        Ok(after)
    })
    .await
}

/// Moves a member's XP and gold for an achievement that was revoked or given back.
async fn move_by(
    conn: &mut PgConnection,
    guild: GuildId,
    template: &Achievement,
    user: UserId,
    (xp, gold): (i32, i32),
    what: &str,
) -> Result<(), Error> {
    if (xp, gold) == (0, 0) {
        return Ok(());
    }
    let grant = Grant {
        guild_id: guild,
        user_id: user,
        xp: Xp::new(xp.into()),
        gold: Gold::new(gold.into()),
        stars: 0,
        event_type: Event::AchievementEarned,
        source_system: "community".to_owned(),
        // It may happen any number of times; each is made once by the lock on the member's row.
        source_event_id: format!("achievement_{what}:{}", Uuid::now_v7()),
        metadata: json!({ "achievement_id": template.id, "name": template.name, what: true }),
    };
    journal::enter(&mut *conn, &[grant]).await?;
    if xp > 0 {
        evaluate::evaluate_members(conn, guild, &[user], false).await?;
    }
    Ok(())
}

async fn known(
    conn: &mut PgConnection,
    guild: GuildId,
    achievement: AchievementId,
) -> Result<Achievement, Error> {
    let one = Limit::new(Some(1)).map_err(|_| Error::Unknown("achievement"))?;
    let mut found = store::list(conn, guild, Some(achievement), true, None, one).await?;
    found.pop().ok_or(Error::Unknown("achievement"))
}

async fn locked(
    conn: &mut PgConnection,
    guild: GuildId,
    achievement: AchievementId,
) -> Result<Achievement, Error> {
    if !store::lock(&mut *conn, guild, achievement).await? {
        return Err(Error::Unknown("achievement"));
    }
    known(conn, guild, achievement).await
}

/// Somebody who can earn something.
async fn person(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<(), Error> {
    let member = people::member_known(conn, guild, user).await?;
    if member.is_bot {
        return Err(Error::Refused("bots earn nothing".to_owned()));
    }
    Ok(())
}

async fn active_season(conn: &mut PgConnection, guild: GuildId) -> Result<Option<SeasonId>, Error> {
    let season = sqlx::query_scalar!(
        r#"SELECT id AS "id: SeasonId" FROM progress.seasons WHERE guild_id = $1 AND active"#,
        guild.get(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(season)
}

async fn one_progress(
    conn: &mut PgConnection,
    guild: GuildId,
    achievement: AchievementId,
    user: UserId,
) -> Result<Progress, Error> {
    let one = Limit::new(Some(1)).map_err(|_| Error::Unknown("achievement"))?;
    let before = AchievementId::new(achievement.get() - 1);
    let found = store::progress(conn, guild, user, Some(before), one).await?;
    found.into_iter().find(|one| one.achievement_id == achievement).ok_or(Error::Unknown("achievement"))
}
