//! Giving and taking.

use std::collections::BTreeSet;

use ::jobs::outbox;
use access::author::{Author, Deed};
use access::web::Repeatable;
use kernel::fields;
use kernel::{Gold, GuildId, UserId, Xp};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Awarded, AwardedMember, NewAward};
use crate::error::Error;
use crate::model::{Event, Grant};

/// Gives members XP, gold and stars. Audited as `MANUAL_AWARD`; tells `member.awarded`.
#[kernel::boxed]
pub async fn award(
    pool: &PgPool,
    guild: GuildId,
    new: NewAward,
    author: Author<'_>,
    repeatable: &Repeatable,
) -> Result<Awarded, Error> {
    settle(pool, guild, new, 1, author, repeatable).await
}

/// Takes XP, gold and stars from members. Refused where one of them has less. Audited as `MANUAL_REVOKE`; tells
/// `member.awarded` with negative figures.
#[kernel::boxed]
pub async fn revoke(
    pool: &PgPool,
    guild: GuildId,
    new: NewAward,
    author: Author<'_>,
    repeatable: &Repeatable,
) -> Result<Awarded, Error> {
    settle(pool, guild, new, -1, author, repeatable).await
}

async fn settle(
    pool: &PgPool,
    guild: GuildId,
    new: NewAward,
    sign: i64,
    author: Author<'_>,
    repeatable: &Repeatable,
) -> Result<Awarded, Error> {
    let users: BTreeSet<UserId> = new.user_ids.iter().copied().collect();
    if users.is_empty() || new.user_ids.len() > 500 {
        return Err(Error::Invalid("user_ids", "must name 1 to 500 members".to_owned()));
    }
    for (field, amount) in [("xp", new.xp), ("gold", new.gold), ("stars", new.stars)] {
        fields::within(field, amount, 0, 1_000_000)?;
    }
    if (new.xp, new.gold, new.stars) == (0, 0, 0) {
        return Err(Error::Invalid("xp", "must be more than 0, or `gold` or `stars` must".to_owned()));
    }
    let reason = fields::line("reason", &new.reason, 500)?;
    let (xp, gold, stars) = (sign * new.xp, sign * new.gold, sign * new.stars);
    db::retry(|| async {
        let mut tx = db::begin(pool).await?;
        let before = members(&mut tx, guild, &users).await?;
        if sign > 0 {
            // Who is given something is there, whatever was told of them; taking something back shows nothing.
            let there: Vec<UserId> = users.iter().copied().collect();
            people::members_return(&mut tx, guild, &there).await?;
        }
        let id = Uuid::now_v7();
        let grants: Vec<Grant> = users
            .iter()
            .map(|user| Grant {
                guild_id: guild,
                user_id: *user,
                xp: Xp::new(xp),
                gold: Gold::new(gold),
                stars,
                event_type: Event::ManualAward,
                source_system: "community".to_owned(),
                source_event_id: format!("award:{id}:{user}"),
                metadata: json!({ "award_id": id, "reason": reason, "by": author.by.changed_by() }),
            })
            .collect();
        crate::grant(&mut tx, &grants).await?;
        let events: Vec<outbox::Event> = users
            .iter()
            .map(|user| outbox::Event {
                guild_id: guild,
                event_type: "member.awarded",
                subject: format!("members/{user}"),
                correlation_id: Some(id),
                // What is taken, and why, is between the member and those who administer.
                user_id: (sign < 0).then_some(*user),
                payload: json!({ "user_id": user, "xp": xp, "gold": gold, "stars": stars, "reason": reason }),
            })
            .collect();
        outbox::emit(&mut tx, &events).await?;
        let after = members(&mut tx, guild, &users).await?;
        let action = if sign > 0 { "MANUAL_AWARD" } else { "MANUAL_REVOKE" };
        let deed = Deed::new(action, "people.members", id.to_string()).before(&before).after(&after);
        deed.because(Some(&reason)).record(&mut tx, guild, author).await?;
        repeatable.carried_out(&mut tx).await?;
        tx.commit().await?;
        Ok(Awarded { id, members: after })
    })
    .await
}

/// These members, by id; an error when one is none, or a bot.
async fn members(
    conn: &mut PgConnection,
    guild: GuildId,
    users: &BTreeSet<UserId>,
) -> Result<Vec<AwardedMember>, Error> {
    let ids: Vec<i64> = users.iter().map(|user| user.get()).collect();
    let found = sqlx::query!(
        r#"SELECT m.user_id AS "user_id: UserId", m.xp, m.level, m.gold, m.stars, m.is_bot
             FROM people.members m
            WHERE m.guild_id = $1 AND m.user_id = ANY($2::bigint[]) ORDER BY m.user_id"#,
        guild.get(),
        &ids,
    )
    .fetch_all(conn)
    .await?;
    if let Some(stranger) = users.iter().find(|user| !found.iter().any(|row| row.user_id == **user)) {
        return Err(Error::Invalid(
            "user_ids",
            format!("must name members of this guild; {stranger} is none"),
        ));
    }
    if let Some(bot) = found.iter().find(|row| row.is_bot) {
        return Err(Error::Invalid("user_ids", format!("must not name bots; {} is one", bot.user_id)));
    }
    let standing = found.into_iter().map(|row| AwardedMember {
        user_id: row.user_id,
        xp: row.xp,
        level: row.level,
        gold: row.gold,
        stars: row.stars,
    });
    Ok(standing.collect())
}
