//! Granting XP, gold and stars: into the journal, and achievements that are reached by it.

use std::collections::BTreeMap;

use kernel::{GuildId, UserId};
use sqlx::PgConnection;

use crate::error::Error;
use crate::journal::{enter, is_import};
use crate::model::{Grant, Granted};

/// Grants a batch, in the caller's transaction: all of it or, on an error, nothing.
///
/// * A cause (guild, source system, source event) that was granted before, or comes twice in the batch, changes
///   nothing: [`Granted::fresh`] tells. Concurrent calls with the same cause wait for each other.
/// * Members are locked in the order of their keys.
/// * A level reached for the first time pays [`crate::rewards::RewardSettings::level_up_gold`], journaled as `LEVEL_UP` under a cause of its own, and
///   is announced as event `member.levelled_up`, one for a member however many levels they rose.
/// * Achievements that are reached by it are granted in the same transaction.
/// * It counts for the season of this moment, also where that was not rolled over yet; XP from another bot count for none, and
///   what they bring about is not announced.
///
/// Fails when somebody is no member yet, an amount does not fit, or a member would be left with less than nothing.
#[kernel::boxed]
pub async fn grant(conn: &mut PgConnection, grants: &[Grant]) -> Result<Granted, Error> {
    let granted = enter(&mut *conn, grants).await?;
    let mut richer: BTreeMap<GuildId, Vec<UserId>> = BTreeMap::new();
    for (grant, _) in grants.iter().zip(&granted.fresh).filter(|(_, fresh)| **fresh) {
        if grant.xp.is_positive() || grant.stars > 0 {
            richer.entry(grant.guild_id).or_default().push(grant.user_id);
        }
    }
    for (guild, users) in richer {
        crate::achievements::evaluate_members(&mut *conn, guild, &users, is_import(grants)).await?;
    }
    Ok(granted)
}
