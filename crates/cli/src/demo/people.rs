//! Who lives in the demo's guild.

use access::{By, Origin};
use kernel::UserId;
use sqlx::PgPool;
use squads::model::NewSquad;

use super::{GUILD, failed};
use crate::failure::Failure;

const FIRST: i64 = 1001;

const NAMES: [&str; 40] = [
    "Ada",
    "Alan",
    "Barbara",
    "Bjarne",
    "Brian",
    "Dennis",
    "Donald",
    "Dorothy",
    "Edsger",
    "Edith",
    "Evelyn",
    "Frances",
    "Fran",
    "Gladys",
    "Grace",
    "Graydon",
    "Guido",
    "Hedy",
    "Jean",
    "Joan",
    "Karen",
    "Katherine",
    "Ken",
    "Klara",
    "Leslie",
    "Linus",
    "Lynn",
    "Margaret",
    "Mary",
    "Maurice",
    "Niklaus",
    "Radia",
    "Richard",
    "Robin",
    "Shafi",
    "Sophie",
    "Stephanie",
    "Tony",
    "Whitfield",
    "Yukihiro",
];

const SQUADS: [&str; 3] = ["Cats", "Foxes", "Owls"];

/// The members' ids.
pub(super) fn ids() -> impl DoubleEndedIterator<Item = UserId> + ExactSizeIterator {
    (FIRST..).take(NAMES.len()).map(UserId::new).collect::<Vec<_>>().into_iter()
}

/// Makes the guild, its members and its squads, as far as they are not there.
pub(super) async fn move_in(pool: &PgPool) -> Result<(), Failure> {
    let mut conn = db::acquire(pool).await?;
    people::guild_ensure(&mut conn, GUILD, Some("Questhall's demo")).await.map_err(failed)?;
    let members: Vec<_> = ids().zip(NAMES.map(Some)).collect();
    people::members_ensure(&mut conn, GUILD, &members).await.map_err(failed)?;
    drop(conn);
    let there = squads::ops::squad_list(pool, GUILD, false, &kernel::PageQuery::default()).await?;
    if !there.items.is_empty() {
        return Ok(());
    }
    let mut squads = Vec::new();
    for name in SQUADS {
        let new = NewSquad {
            name: name.to_owned(),
            description: None,
            role_id: None,
            switch_cost: 50,
            max_members: None,
        };
        squads.push(
            squads::ops::squad_create(pool, GUILD, new, By::Cli, &Origin::default())
                .await
                .map_err(failed)?
                .id,
        );
    }
    // Every fourth keeps to themselves.
    for (place, user) in ids().enumerate() {
        if let Some(squad) = squads.get(place % 4) {
            squads::ops::squad_join(pool, GUILD, user, *squad).await.map_err(failed)?;
        }
    }
    Ok(())
}
