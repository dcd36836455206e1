//! Categories of channels follow Discord's.

use std::collections::{BTreeMap, BTreeSet};

use access::Author;
use kernel::{ChannelId, GuildId, Problem};
use lake::categories::ops::{
    category_create, category_list, category_remove, category_update, channels_moved,
};
use lake::categories::{Category, CategoryEdit, MovedChannel, NewCategory};
use lake::ids::CategoryId;
use sqlx::PgPool;

use super::Seen;
use super::store::{self, Link};
use crate::commands::all;

/// Characters of a category's name.
const NAME: usize = 100;

/// Brings a guild's categories in step with Discord's. What breaks off is gone on with: what is done is noted after it was done, and doing
/// it again changes nothing.
#[kernel::boxed]
pub(super) async fn follow(
    pool: &PgPool,
    guild: GuildId,
    seen: &Seen,
    author: Author<'_>,
) -> Result<(), Problem> {
    let mut ours: Vec<Category> =
        all(|page| async move { category_list(pool, guild, true, &page).await }).await?;
    let mut conn = db::acquire(pool).await?;
    let mut links = store::links(&mut conn, guild).await?;
    let placed = store::placed(&mut conn, guild).await?;
    drop(conn);
    for (discord, name) in &seen.categories {
        let Some(link) = links.get(discord) else {
            let taken: BTreeSet<CategoryId> = links.values().map(|link| link.category).collect();
            let name = free(name, |name| {
                ours.iter().any(|one| one.name == name && (!one.active || taken.contains(&one.id)))
            });
            // One of that name that is no other's was made by hand, or by a round that broke off.
            let category = if let Some(known) = ours.iter().find(|one| one.name == name) {
                known.id
            } else {
                let new = NewCategory {
                    name: name.clone(),
                    description: None,
                    channels: vec![],
                    multipliers: vec![],
                };
                let made = category_create(pool, guild, new, author).await?;
                let id = made.id;
                ours.push(made);
                id
            };
            let link = Link { category, name };
            store::link(&mut *db::acquire(pool).await?, guild, *discord, &link).await?;
            links.insert(*discord, link);
            continue;
        };
        let wanted = free(name, |name| ours.iter().any(|one| one.name == name && one.id != link.category));
        if wanted == link.name {
            continue;
        }
        let link = Link { category: link.category, name: wanted.clone() };
        let before = links.insert(*discord, link.clone());
        let own = ours.iter_mut().find(|one| one.id == link.category && one.active);
        // One that was given another name by hand keeps it.
        if let Some(own) = own.filter(|own| before.is_some_and(|before| before.name == own.name)) {
            let edit = CategoryEdit { name: Some(wanted), ..CategoryEdit::default() };
            *own = category_update(pool, guild, own.id, edit, author).await?;
        }
        store::link(&mut *db::acquire(pool).await?, guild, *discord, &link).await?;
    }
    let places: BTreeMap<ChannelId, ChannelId> =
        seen.channels.iter().filter_map(|(channel, of)| Some((*channel, (*of)?))).collect();
    let places: BTreeMap<ChannelId, ChannelId> =
        places.into_iter().filter(|(_, of)| links.contains_key(of)).collect();
    let moved = moved(&placed, &places, |of| links.get(&of).map(|link| link.category));
    if !moved.is_empty() {
        channels_moved(pool, guild, &moved, author).await?;
    }
    store::place(&mut *db::acquire(pool).await?, guild, &places).await?;
    let there: BTreeSet<ChannelId> = seen.categories.iter().map(|(discord, _)| *discord).collect();
    for (discord, link) in links.iter().filter(|(discord, _)| !there.contains(discord)) {
        let own = match lake::categories::ops::category_get(pool, guild, link.category).await {
            Ok(own) => Some(own),
            Err(error) => {
                let problem = Problem::from(error);
                if problem.status() != 404 {
                    return Err(problem);
                }
                None
            }
        };
        // What was put into it by hand is still counted there.
        if own.is_some_and(|own| own.active && own.channels.is_empty()) {
            category_remove(pool, guild, link.category, author).await?;
        }
        store::unlink(&mut *db::acquire(pool).await?, guild, *discord).await?;
    }
    Ok(())
}

/// A name that is not taken: two of Discord's categories may bear one.
fn free(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let name = kernel::fields::line("name", name, NAME).unwrap_or_default();
    let name = if name.is_empty() { "Channels".to_owned() } else { name };
    let numbered = (2..).map(|n| {
        let end = format!(" ({n})");
        let kept: String = name.chars().take(NAME - end.len()).collect();
        kept + &end
    });
    std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

/// What is in another category of Discord's than before.
fn moved(
    before: &BTreeMap<ChannelId, ChannelId>,
    now: &BTreeMap<ChannelId, ChannelId>,
    ours: impl Fn(ChannelId) -> Option<CategoryId>,
) -> Vec<MovedChannel> {
    let channels: BTreeSet<ChannelId> = before.keys().chain(now.keys()).copied().collect();
    let other = channels.into_iter().filter(|channel| before.get(channel) != now.get(channel));
    let ours = |place: Option<&ChannelId>| place.and_then(|of| ours(*of));
    other
        .map(|channel| MovedChannel {
            channel,
            from: ours(before.get(&channel)),
            to: ours(now.get(&channel)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_free_and_whole() {
        assert_eq!(free(" Talk ", |_| false), "Talk");
        assert_eq!(free("Talk", |name| name == "Talk"), "Talk (2)");
        assert_eq!(free("Talk", |name| name != "Talk (3)"), "Talk (3)");
        assert_eq!(free("", |_| false), "Channels");
        let long = "é".repeat(NAME);
        assert_eq!(free(&long, |name| name == long).chars().count(), NAME);
    }

    #[test]
    fn what_was_moved_is_told_and_nothing_else() {
        let of = |pairs: &[(i64, i64)]| -> BTreeMap<ChannelId, ChannelId> {
            pairs.iter().map(|(channel, of)| (ChannelId::new(*channel), ChannelId::new(*of))).collect()
        };
        let ours = |of: ChannelId| i32::try_from(of.get() - 39).ok().map(CategoryId::new);
        let told = moved(&of(&[(50, 40), (51, 40), (52, 41)]), &of(&[(50, 40), (51, 41), (53, 40)]), ours);
        let told: Vec<_> = told
            .iter()
            .map(|one| (one.channel.get(), one.from.map(CategoryId::get), one.to.map(CategoryId::get)))
            .collect();
        assert_eq!(told, [(51, Some(1), Some(2)), (52, Some(2), None), (53, None, Some(1))]);
    }
}
