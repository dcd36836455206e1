//! The state of what limits rewards: cooldowns, pairs, and who reacted to a message.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use progress::rewards::{Cooldown, MessageReactions, Pair};
use sqlx::PgConnection;

pub(in crate::ingest) type ChannelKey = (i64, i64, i64);

pub(in crate::ingest) async fn cooldowns(
    conn: &mut PgConnection,
    keys: &BTreeSet<ChannelKey>,
) -> sqlx::Result<HashMap<ChannelKey, Cooldown>> {
    let rows = sqlx::query!(
        "SELECT c.guild_id, c.user_id, c.channel_id, c.rewarded_at
           FROM (SELECT unnest($1::bigint[]) AS guild_id, unnest($2::bigint[]) AS user_id, unnest($3::bigint[]) AS channel_id) k
           JOIN lake.reward_cooldowns c USING (guild_id, user_id, channel_id)",
        &keys.iter().map(|key| key.0).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.1).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.2).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ((row.guild_id, row.user_id, row.channel_id), Cooldown::since(row.rewarded_at)))
        .collect())
}

/// A message that comes late: where, when, and the cooldown's seconds.
pub(in crate::ingest) type Late = (ChannelKey, DateTime<Utc>, u32);

/// The rewarded messages of the same member in the same channel within the cooldown of late ones, on both sides.
pub(in crate::ingest) async fn rewarded_near(
    conn: &mut PgConnection,
    late: &[Late],
) -> sqlx::Result<Vec<(ChannelKey, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT k.guild_id AS "guild_id!", k.user_id AS "user_id!", k.channel_id AS "channel_id!", e.at AS "at!"
             FROM (SELECT unnest($1::bigint[]) AS guild_id, unnest($2::bigint[]) AS user_id, unnest($3::bigint[]) AS channel_id,
                          unnest($4::timestamptz[]) AS at, make_interval(secs => unnest($5::float8[])) AS cooldown) k
            CROSS JOIN LATERAL (
                  SELECT l."timestamp" AS at FROM lake.event_lake l
                   WHERE l.guild_id = k.guild_id AND l.user_id = k.user_id AND l.channel_id = k.channel_id
                     AND l."timestamp" > k.at - k.cooldown AND l."timestamp" < k.at + k.cooldown
                     AND l.event_type = 'message_create' AND l.refused IS NULL) e"#,
        &late.iter().map(|row| row.0.0).collect::<Vec<_>>(),
        &late.iter().map(|row| row.0.1).collect::<Vec<_>>(),
        &late.iter().map(|row| row.0.2).collect::<Vec<_>>(),
        &late.iter().map(|row| row.1).collect::<Vec<_>>(),
        &late.iter().map(|row| f64::from(row.2)).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.guild_id, row.user_id, row.channel_id), row.at)).collect())
}

pub(in crate::ingest) async fn cooldowns_write(
    conn: &mut PgConnection,
    changed: &[(ChannelKey, DateTime<Utc>)],
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO lake.reward_cooldowns (guild_id, user_id, channel_id, rewarded_at)
         SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::timestamptz[])
         ON CONFLICT ON CONSTRAINT pk_reward_cooldowns DO UPDATE SET rewarded_at = excluded.rewarded_at",
        &changed.iter().map(|row| row.0.0).collect::<Vec<_>>(),
        &changed.iter().map(|row| row.0.1).collect::<Vec<_>>(),
        &changed.iter().map(|row| row.0.2).collect::<Vec<_>>(),
        &changed.iter().map(|row| row.1).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::ingest) type PairKey = (i64, i64, i64, NaiveDate);

pub(in crate::ingest) async fn pairs(
    conn: &mut PgConnection,
    keys: &BTreeSet<PairKey>,
) -> sqlx::Result<HashMap<PairKey, Pair>> {
    let rows = sqlx::query!(
        "SELECT p.guild_id, p.giver_id, p.receiver_id, p.day, p.reactions, p.rewarded
           FROM (SELECT unnest($1::bigint[]) AS guild_id, unnest($2::bigint[]) AS giver_id, unnest($3::bigint[]) AS receiver_id,
                       unnest($4::date[]) AS day) k
           JOIN lake.reaction_pairs p USING (guild_id, giver_id, receiver_id, day)",
        &keys.iter().map(|key| key.0).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.1).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.2).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.3).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    let count = |number: i32| u32::try_from(number).unwrap_or(0);
    Ok(rows
        .into_iter()
        .map(|row| {
            let pair = Pair { reactions: count(row.reactions), rewarded: count(row.rewarded) };
            ((row.guild_id, row.giver_id, row.receiver_id, row.day), pair)
        })
        .collect())
}

pub(in crate::ingest) async fn pairs_write(
    conn: &mut PgConnection,
    pairs: &[(PairKey, Pair)],
) -> sqlx::Result<()> {
    let count = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    sqlx::query!(
        "INSERT INTO lake.reaction_pairs (guild_id, giver_id, receiver_id, day, reactions, rewarded)
         SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::date[]), unnest($5::int[]), unnest($6::int[])
         ON CONFLICT ON CONSTRAINT pk_reaction_pairs
         DO UPDATE SET reactions = excluded.reactions, rewarded = excluded.rewarded",
        &pairs.iter().map(|row| row.0.0).collect::<Vec<_>>(),
        &pairs.iter().map(|row| row.0.1).collect::<Vec<_>>(),
        &pairs.iter().map(|row| row.0.2).collect::<Vec<_>>(),
        &pairs.iter().map(|row| row.0.3).collect::<Vec<_>>(),
        &pairs.iter().map(|row| count(row.1.reactions)).collect::<Vec<_>>(),
        &pairs.iter().map(|row| count(row.1.rewarded)).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::ingest) type MessageKey = (i64, i64);

/// Who reacted to these messages: how many, and by name those since `since` and those of `reactors`.
pub(in crate::ingest) async fn reactions(
    conn: &mut PgConnection,
    messages: &BTreeSet<MessageKey>,
    reactors: &BTreeSet<i64>,
    since: DateTime<Utc>,
) -> sqlx::Result<HashMap<MessageKey, MessageReactions>> {
    let rows = sqlx::query!(
        r#"SELECT r.guild_id, r.message_id, count(*) AS "distinct!", sum(r.reactions)::bigint AS "total!",
                  array_agg(r.reactor_id) FILTER (WHERE r.reacted_at >= $4 OR r.reactor_id = ANY ($3)) AS who,
                  array_agg(r.reacted_at) FILTER (WHERE r.reacted_at >= $4 OR r.reactor_id = ANY ($3)) AS times
             FROM (SELECT unnest($1::bigint[]) AS guild_id, unnest($2::bigint[]) AS message_id) k
             JOIN lake.message_reactors r USING (guild_id, message_id)
            GROUP BY r.guild_id, r.message_id"#,
        &messages.iter().map(|key| key.0).collect::<Vec<_>>(),
        &messages.iter().map(|key| key.1).collect::<Vec<_>>(),
        &reactors.iter().copied().collect::<Vec<_>>(),
        since,
    )
    .fetch_all(conn)
    .await?;
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(rows
        .into_iter()
        .map(|row| {
            let who = row.who.unwrap_or_default().into_iter().zip(row.times.unwrap_or_default());
            let state = MessageReactions {
                distinct: count(row.distinct),
                total: count(row.total),
                recent: who.collect(),
            };
            ((row.guild_id, row.message_id), state)
        })
        .collect())
}

/// A reactor of a message: when they first reacted, and how often they did now.
pub(in crate::ingest) type Reactor = (i64, i64, i64, DateTime<Utc>, i32);

pub(in crate::ingest) async fn reactors_write(conn: &mut PgConnection, rows: &[Reactor]) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO lake.message_reactors AS r (guild_id, message_id, reactor_id, reacted_at, reactions)
         SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::timestamptz[]), unnest($5::int[])
         ON CONFLICT ON CONSTRAINT pk_message_reactors DO UPDATE SET reactions = r.reactions + excluded.reactions",
        &rows.iter().map(|row| row.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.1).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.2).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.3).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.4).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
