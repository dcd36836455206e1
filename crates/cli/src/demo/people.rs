//! Who lives in the demo's guild: its members, those who run it, its squads.

use access::{By, Origin, Role};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kernel::UserId;
use lake::ingest::generator::FIRST_MEMBER;
use progress::seasons::Season;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sqlx::PgPool;
use squads::model::NewSquad;

use super::{AT_ONCE, GUILD, failed, names};
use crate::failure::Failure;

/// Members of the guild. The first ones say most.
pub(super) const MEMBERS: usize = 2_000;
/// So many of them play in the running campaign.
const PLAYERS: usize = 300;
/// So many of a hundred members are in a squad.
const IN_SQUADS: u32 = 45;
/// What chance is seeded with: the demo is the same every time.
const SEED: u64 = 5;

/// Who runs the guild: by their place among the members.
const STAFF: [(usize, Role); 5] =
    [(0, Role::Owner), (1, Role::Moderator), (2, Role::Moderator), (3, Role::Author), (4, Role::Instructor)];
/// The member whom the link for looking around as one signs in: they play, learn and talk.
pub(super) const GUEST: usize = 12;

const SQUADS: [(&str, &str); 12] = [
    ("Cats", "We land on our feet, mostly."),
    ("Foxes", "Clever is a habit."),
    ("Owls", "Awake when the servers are quiet."),
    ("Otters", "Small tools, well kept."),
    ("Ravens", "We remember every incident."),
    ("Badgers", "Slow, stubborn, and still here."),
    ("Moths", "Drawn to bright ideas."),
    ("Lynxes", "We read the code before we run it."),
    ("Marmots", "Early sleepers, early risers."),
    ("Herons", "Patience, then one quick move."),
    ("Toads", "Ugly first drafts are welcome."),
    ("Beetles", "A bug is a guest with many legs."),
];

/// The `n`th member's id.
pub(super) fn id(n: usize) -> UserId {
    UserId::new(FIRST_MEMBER + i64::try_from(n).unwrap_or(0))
}

/// The members' ids.
pub(super) fn ids() -> impl DoubleEndedIterator<Item = UserId> + ExactSizeIterator + Clone {
    (0..MEMBERS).map(id)
}

/// Those who play in the running campaign.
pub(super) fn players() -> impl ExactSizeIterator<Item = UserId> {
    // From all walks of the guild's life, the guest among them.
    (0..PLAYERS).map(|n| id(if n == 0 { GUEST } else { 5 + n * 3 }))
}

/// Makes the guild and its members known, and who runs it, as far as that is not so.
pub(super) async fn move_in(pool: &PgPool) -> Result<(), Failure> {
    let mut tx = db::begin(pool).await?;
    people::guild_ensure(&mut tx, GUILD, Some("Questhall's demo")).await.map_err(failed)?;
    let names: Vec<String> = names::all().collect();
    let members: Vec<_> = ids().zip(names.iter().map(|name| Some(name.as_str()))).collect();
    people::members_ensure(&mut tx, GUILD, &members).await.map_err(failed)?;
    let here = Origin::default();
    for (n, role) in STAFF {
        access::roles::grant_put(&mut tx, By::Cli, &here, GUILD, id(n), role, None).await?;
    }
    access::roles::grant_put(&mut tx, By::Cli, &here, GUILD, id(GUEST), Role::Member, None).await?;
    tx.commit().await?;
    Ok(())
}

/// Says since when members are there who were made known just now: since before the season. Who joins in it is told by the lake.
pub(super) async fn settle(pool: &PgPool, season: &Season) -> Result<(), Failure> {
    sqlx::query!(
        "UPDATE people.members
            SET joined_at = $2::timestamptz - (abs(hashtext(user_id::text)::bigint) % 12000) * interval '1 hour'
          WHERE guild_id = $1 AND joined_at > $3::timestamptz - interval '10 minutes'
            AND NOT EXISTS (SELECT FROM lake.event_keys k WHERE k.guild_id = $1)",
        GUILD.get(),
        season.starts_at,
        season.created_at,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    Ok(())
}

/// Makes the squads, and has members join them, as far as that is not so.
pub(super) async fn gather(pool: &PgPool) -> Result<(), Failure> {
    let page = kernel::PageQuery { limit: Some(100), cursor: None };
    let there = squads::ops::squad_list(pool, GUILD, false, &page).await?;
    let mut squads = Vec::new();
    for (name, about) in SQUADS {
        if let Some(squad) = there.items.iter().find(|squad| squad.name == name) {
            squads.push(squad.id);
            continue;
        }
        let new = NewSquad {
            name: name.to_owned(),
            description: Some(about.to_owned()),
            role_id: None,
            switch_cost: 50,
            max_members: None,
        };
        let made = squads::ops::squad_create(pool, GUILD, new, By::Cli, &Origin::default()).await;
        squads.push(made.map_err(failed)?.id);
    }
    let known: Vec<i64> = sqlx::query_scalar!(
        "SELECT DISTINCT user_id FROM squads.squad_membership_log WHERE guild_id = $1",
        GUILD.get()
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await?;
    let mut chance = StdRng::seed_from_u64(SEED);
    let mut joining: Vec<(usize, UserId)> = Vec::new();
    for user in ids() {
        let (joins, squad) = (chance.random_range(0..100) < IN_SQUADS, chance.random_range(0..SQUADS.len()));
        if (joins || user == id(GUEST)) && !known.contains(&user.get()) {
            joining.push((squad, user));
        }
    }
    // One after the other for each squad: they take turns anyway.
    stream::iter((0..squads.len()).map(|n| {
        let of_squad: Vec<UserId> =
            joining.iter().filter(|(squad, _)| *squad == n).map(|(_, user)| *user).collect();
        let squad = squads[n];
        async move {
            for user in of_squad {
                match squads::ops::squad_join(pool, GUILD, user, squad).await.map_err(kernel::Problem::from) {
                    Ok(_) => {}
                    // Some have left the guild by now.
                    Err(problem) if problem.status() < 500 => {}
                    Err(problem) => return Err(failed(problem)),
                }
            }
            Ok::<_, Failure>(())
        }
    }))
    .buffer_unordered(AT_ONCE)
    .try_collect::<Vec<()>>()
    .await?;
    Ok(())
}
